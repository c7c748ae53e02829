/* tls_policy.c - demands put together, and the judge: a few questions in the order in which one policy stands above another.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/tls_policy.h"

#include "base/encode.h"
#include "crypto/digest.h"

#define KEY_BYTES 18 /* of the digest: 24 characters */

static const char *const level_names[] = {
    [TLS_LEVEL_OPPORTUNISTIC] = "opportunistic", [TLS_LEVEL_REQUIRE] = "require", [TLS_LEVEL_VERIFY] = "verify",
    [TLS_LEVEL_REQUIRETLS] = "requiretls",       [TLS_LEVEL_WAIVE] = "waive",
};
#define LEVEL_COUNT (sizeof level_names / sizeof level_names[0])

const char *tls_level_name(enum tls_level level) {
    return level_names[level];
}

bool tls_level_parse(struct str name, enum tls_level *ret) {
    for (size_t i = 0; i < LEVEL_COUNT; i++) {
        if (!str_eq_nocase(name, str_from_z(level_names[i]))) continue;
        *ret = (enum tls_level)i;
        return true;
    }
    return false;
}

/* RFC 8460 4.3, and what we say to people. */
static const struct {
    const char *name, *words;
} results[TLS_RESULT_COUNT] = {
    [TLS_RESULT_SUCCESS] = {"", ""},
    [TLS_RESULT_STARTTLS_NOT_SUPPORTED] = {"starttls-not-supported", "the host offers no TLS, which is required"},
    [TLS_RESULT_CERTIFICATE_HOST_MISMATCH] = {"certificate-host-mismatch", "the host's certificate is for other names"},
    [TLS_RESULT_CERTIFICATE_EXPIRED] = {"certificate-expired", "the host's certificate has expired"},
    [TLS_RESULT_CERTIFICATE_NOT_TRUSTED] = {"certificate-not-trusted", "the host's certificate comes from nobody we trust"},
    [TLS_RESULT_VALIDATION_FAILURE] = {"validation-failure", "TLS with the host does not verify"},
    [TLS_RESULT_TLSA_INVALID] = {"tlsa-invalid", "none of the host's TLSA records can be used"},
    [TLS_RESULT_DNSSEC_INVALID] = {"dnssec-invalid", "the host's TLSA records cannot be had"},
    [TLS_RESULT_DANE_REQUIRED] = {"dane-required", "the host has no TLSA records"},
    [TLS_RESULT_STS_POLICY_FETCH_ERROR] = {"sts-policy-fetch-error", "the MTA-STS policy could not be fetched"},
    [TLS_RESULT_STS_POLICY_INVALID] = {"sts-policy-invalid", "the MTA-STS policy is malformed"},
    [TLS_RESULT_STS_WEBPKI_INVALID] = {"sts-webpki-invalid", "the MTA-STS policy's server has no valid certificate"},
};

const char *tls_result_name(enum tls_result result) {
    return results[result].name;
}

/* ---- what is published ---- */
static void key_add_host(struct buf *out, const struct tls_host *host, struct str domain) {
    buf_addf(out, "h %.*s %.*s %d\n", STR_ARG(host->name), STR_ARG(host->dane_name), (int)host->dane);
    for (size_t i = 0; i < host->tlsa_count; i++) {
        const struct dns_record *r = &host->tlsa[i];
        buf_addf(out, "t %u %u %u ", r->usage, r->selector, r->matching);
        hex_encode(out, r->text);
        if (r->usage == DNS_TLSA_TRUST_ANCHOR) buf_addf(out, " %.*s", STR_ARG(domain)); /* a name that may be certified */
        buf_add_char(out, '\n');
    }
}

void tls_published_seal(struct tls_published *p, struct arena *arena) {
    BUF_AUTO text = {0};
    BUF_AUTO key = {0};
    if (p->sts_trouble != TLS_RESULT_SUCCESS) buf_addf(&text, "e %d\n", (int)p->sts_trouble);
    if (p->sts.mode != MTA_STS_NONE) buf_addf(&text, "s %d %u\n", (int)p->sts.mode, p->sts.max_age_s);
    for (size_t i = 0; p->sts.mode != MTA_STS_NONE && i < p->sts.mx_count; i++)
        buf_addf(&text, "m %.*s\n", STR_ARG(p->sts.mx[i]));
    for (size_t i = 0; i < p->host_count; i++) key_add_host(&text, &p->hosts[i], p->domain);
    if (text.n > 0) {
        struct sha256 digest = sha256(buf_str(&text));
        base64_encode(&key, str_sub(sha256_str(&digest), 0, KEY_BYTES));
    }
    p->key = arena_str(arena, buf_str(&key));
}

static const struct tls_host *hosts_copy(const struct tls_host *hosts, size_t count, struct arena *arena) {
    struct tls_host *copy = arena_array(arena, count, sizeof *copy);
    for (size_t i = 0; i < count; i++) {
        const struct dns_answer from = {.records = hosts[i].tlsa, .count = hosts[i].tlsa_count};
        struct dns_answer tlsa;
        dns_answer_copy(&from, arena, &tlsa);
        copy[i] = hosts[i];
        copy[i].name = arena_str(arena, hosts[i].name);
        copy[i].dane_name = arena_str(arena, hosts[i].dane_name);
        copy[i].tlsa = tlsa.records;
    }
    return copy;
}

void tls_published_copy(const struct tls_published *p, struct arena *arena, struct tls_published *ret) {
    struct str *mx = arena_array(arena, p->sts.mx_count, sizeof *mx);
    for (size_t i = 0; i < p->sts.mx_count; i++) mx[i] = arena_str(arena, p->sts.mx[i]);
    *ret = *p;
    ret->domain = arena_str(arena, p->domain);
    ret->sts.mx = mx;
    ret->sts_id = arena_str(arena, p->sts_id);
    ret->hosts = hosts_copy(p->hosts, p->host_count, arena);
    ret->key = arena_str(arena, p->key);
}

/* ---- the demand ---- */
void tls_demand_make(enum tls_level message, enum tls_level domain, const struct tls_published *published, struct arena *arena,
                     struct tls_demand *ret) {
    static const struct tls_published nothing = {.sts_trouble = TLS_RESULT_SUCCESS};
    bool waives = message == TLS_LEVEL_WAIVE;
    enum tls_level level = waives || message < domain ? domain : message;
    *ret = (struct tls_demand){.level = level, .waives = waives, .published = published ? *published : nothing};
    /* With REQUIRETLS it matters by what authority a host is one of the domain's. */
    const char *mx = level == TLS_LEVEL_REQUIRETLS && ret->published.is_mx_secure ? "s" : "";
    ret->key = arena_strf(arena, "%c%s%s%.*s", "orvt"[level], waives ? "w" : "", mx, STR_ARG(ret->published.key));
}

void tls_demand_copy(const struct tls_demand *d, struct arena *arena, struct tls_demand *ret) {
    struct tls_published published;
    tls_published_copy(&d->published, arena, &published);
    *ret = *d;
    ret->published = published;
    ret->key = arena_str(arena, d->key);
}

const struct tls_host *tls_demand_dane(const struct tls_demand *d, struct str host) {
    for (size_t i = 0; i < d->published.host_count && !d->waives; i++)
        if (str_eq_nocase(d->published.hosts[i].name, host)) return &d->published.hosts[i];
    return NULL;
}

static enum dane_state dane_of(const struct tls_demand *d, struct str host) {
    const struct tls_host *h = tls_demand_dane(d, host);
    return h ? h->dane : DANE_NONE;
}

/* MTA-STS as far as it counts at this host: where there is DANE, that rules. */
static enum mta_sts_mode sts_of(const struct tls_demand *d, struct str host) {
    return d->waives || dane_of(d, host) != DANE_NONE ? MTA_STS_NONE : d->published.sts.mode;
}

bool tls_demand_verifies(const struct tls_demand *d, struct str host) {
    return d->level >= TLS_LEVEL_VERIFY || dane_of(d, host) == DANE_USABLE || sts_of(d, host) == MTA_STS_ENFORCE;
}

bool tls_demand_allows_clear(const struct tls_demand *d, struct str host) {
    return d->level == TLS_LEVEL_OPPORTUNISTIC && dane_of(d, host) == DANE_NONE && sts_of(d, host) != MTA_STS_ENFORCE;
}

const char *tls_demand_policy(const struct tls_demand *d, struct str host) {
    static const char *const sts_names[] = {
        [MTA_STS_NONE] = "opportunistic", [MTA_STS_TESTING] = "mta-sts-testing", [MTA_STS_ENFORCE] = "mta-sts"};
    enum mta_sts_mode sts = sts_of(d, host);
    if (d->level == TLS_LEVEL_REQUIRETLS) return level_names[d->level];
    if (dane_of(d, host) != DANE_NONE) return "dane";
    return d->level > TLS_LEVEL_OPPORTUNISTIC && sts != MTA_STS_ENFORCE ? level_names[d->level] : sts_names[sts];
}

/* ---- the judge ---- */
static struct tls_verdict verdict(bool is_fit, enum tls_result result, const char *words, const char *enhanced) {
    return (struct tls_verdict){is_fit, result, words ? words : results[result].words, enhanced};
}

static struct tls_verdict fit(enum tls_result counted) {
    return verdict(true, counted, NULL, "");
}

static struct tls_verdict unfit(enum tls_result result) {
    static const char *const enhanced[] = {[TLS_RESULT_STARTTLS_NOT_SUPPORTED] = "4.7.4", [TLS_RESULT_DNSSEC_INVALID] = "4.4.3"};
    const char *code = result < sizeof enhanced / sizeof enhanced[0] ? enhanced[result] : NULL;
    return verdict(false, result, NULL, code ? code : "4.7.5");
}

/* REQUIRETLS wants to know that the host is the domain's by more than a bare MX (RFC 8689 4.2.1). */
static bool is_authentic(const struct tls_demand *d, struct str host) {
    return d->published.is_mx_secure || (d->published.sts.mode == MTA_STS_ENFORCE && mta_sts_mx_matches(&d->published.sts, host));
}

struct tls_verdict tls_judge_host(const struct tls_demand *d, struct str host) {
    static const char other_host[] = "the domain's MTA-STS policy does not name the host";
    if (dane_of(d, host) == DANE_UNKNOWN) return unfit(TLS_RESULT_DNSSEC_INVALID);
    if (d->level == TLS_LEVEL_REQUIRETLS && !is_authentic(d, host))
        return verdict(false, TLS_RESULT_VALIDATION_FAILURE,
                       "neither DNSSEC nor an MTA-STS policy says that the host is the domain's, as REQUIRETLS wants", "4.7.30");
    if (sts_of(d, host) == MTA_STS_NONE || mta_sts_mx_matches(&d->published.sts, host)) return fit(TLS_RESULT_SUCCESS);
    bool is_fit = d->published.sts.mode == MTA_STS_TESTING;
    return verdict(is_fit, TLS_RESULT_VALIDATION_FAILURE, other_host, is_fit ? "" : "4.7.5");
}

static enum tls_result result_of(const struct tls_facts *facts) {
    static const enum tls_result of[] = {
        [TLS_CHECK_OK] = TLS_RESULT_SUCCESS,
        [TLS_CHECK_EXPIRED] = TLS_RESULT_CERTIFICATE_EXPIRED,
        [TLS_CHECK_NAME] = TLS_RESULT_CERTIFICATE_HOST_MISMATCH,
        [TLS_CHECK_UNTRUSTED] = TLS_RESULT_CERTIFICATE_NOT_TRUSTED,
        [TLS_CHECK_FAILED] = TLS_RESULT_VALIDATION_FAILURE,
    };
    return of[facts->check];
}

static struct tls_verdict judge_clear(const struct tls_demand *d, struct str host, const struct tls_facts *facts) {
    enum tls_result result = facts->is_tried ? TLS_RESULT_VALIDATION_FAILURE : TLS_RESULT_STARTTLS_NOT_SUPPORTED;
    bool is_counted = sts_of(d, host) != MTA_STS_NONE; /* in testing mode */
    if (tls_demand_allows_clear(d, host)) return fit(is_counted ? result : TLS_RESULT_SUCCESS);
    if (facts->is_tried) return verdict(false, result, "TLS with the host fails, and is required", "4.7.5");
    return unfit(result);
}

struct tls_verdict tls_judge(const struct tls_demand *d, struct str host, const struct tls_facts *facts) {
    enum tls_result result = result_of(facts);
    if (!facts->is_tls) return judge_clear(d, host, facts);
    if (tls_demand_verifies(d, host) && result != TLS_RESULT_SUCCESS) return unfit(result);
    if (d->level == TLS_LEVEL_REQUIRETLS && !facts->offers_requiretls)
        return verdict(false, TLS_RESULT_VALIDATION_FAILURE, "the host does not offer REQUIRETLS", "4.7.30");
    if (dane_of(d, host) == DANE_UNUSABLE) return fit(TLS_RESULT_TLSA_INVALID);
    return fit(sts_of(d, host) == MTA_STS_TESTING ? result : TLS_RESULT_SUCCESS);
}
