/* spf.c - check_host() of RFC 7208 over a memo of DNS answers.
 *
 * evaluate() runs from its start each time. `wants` turns true where an answer is not there yet; from then on everything returns,
 * and what it returns means nothing.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/spf/spf.h"

#include "proto/spf/record.h"

#include <string.h>

#define LOOKUPS_MAX 10
#define VOIDS_MAX   2
#define MX_MAX      10

struct check {
    struct dns_memo *memo;
    struct spf_input input;
    struct arena scratch; /* of one run */
    struct str why, record;
    unsigned lookups, voids;
    bool wants;
};

const char *spf_result_text(enum spf_result r) {
    static const char *const texts[] = {
        [SPF_NONE] = "none",         [SPF_NEUTRAL] = "neutral",     [SPF_PASS] = "pass",          [SPF_FAIL] = "fail",
        [SPF_SOFTFAIL] = "softfail", [SPF_TEMPERROR] = "temperror", [SPF_PERMERROR] = "permerror"};
    return texts[r];
}

bool spf_ip_parse(struct str text, struct spf_ip *ret) {
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    struct spf_ip ip = {0};
    size_t n;
    if (!dns_address_parse(text, ip.b, &n)) return false;
    ip.is_v6 = n == 16 && memcmp(ip.b, mapped, sizeof mapped) != 0;
    if (n == 16 && !ip.is_v6) {
        memmove(ip.b, ip.b + 12, 4);
        memset(ip.b + 4, 0, 12);
    }
    *ret = ip;
    return true;
}

struct str spf_record_find(const struct dns_answer *txt, size_t *ret_count) {
    struct str found = STR("");
    size_t count = 0;
    for (size_t i = 0; i < txt->count; i++) {
        struct str text = txt->records[i].text;
        if (!str_starts_nocase(text, STR("v=spf1")) || (text.n > 6 && text.p[6] != ' ')) continue;
        if (count++ == 0) found = text;
    }
    *ret_count = count;
    return found;
}

static enum spf_result error(struct check *c, enum spf_result result, struct str why) {
    if (str_is_empty(c->why)) c->why = why; /* the innermost knows best */
    return result;
}

static bool has_prefix(const uint8_t *a, const uint8_t *b, unsigned bits) {
    if (memcmp(a, b, bits / 8) != 0) return false;
    return bits % 8 == 0 || ((a[bits / 8] ^ b[bits / 8]) >> (8 - bits % 8)) == 0;
}

static bool ip_is_in(const struct check *c, const uint8_t *network, bool is_v6, const struct spf_term *t) {
    return c->input.ip.is_v6 == is_v6 && has_prefix(c->input.ip.b, network, is_v6 ? t->prefix6 : t->prefix4);
}

/* What a term says of the address. MATCH_ERROR: *ret_error tells. */
enum match { MATCH_NO, MATCH_YES, MATCH_ERROR };

static enum match match_error(struct check *c, enum spf_result result, struct str why, enum spf_result *ret_error) {
    *ret_error = error(c, result, why);
    return MATCH_ERROR;
}

/* Look up on behalf of a term. NULL: `wants`, or *ret_error is set (temperror, too many void lookups). */
static const struct dns_answer *look(struct check *c, struct str name, enum dns_type type, enum spf_result *ret_error) {
    const struct dns_answer *a = dns_memo_look(c->memo, name, type);
    if (!a) {
        c->wants = true;
        return NULL;
    }
    if (a->status != STATUS_OK && a->status != STATUS_NOT_FOUND) {
        *ret_error = error(c, SPF_TEMPERROR, arena_strf(&c->scratch, "the name servers of %.*s do not answer", STR_ARG(name)));
        return NULL;
    }
    if (a->count == 0 && ++c->voids > VOIDS_MAX) {
        *ret_error = error(c, SPF_PERMERROR, STR("more than two terms of the policy name hosts that do not exist"));
        return NULL;
    }
    return a;
}

static enum dns_type address_type(const struct check *c) {
    return c->input.ip.is_v6 ? DNS_AAAA : DNS_A;
}

static bool addresses_match(const struct check *c, const struct dns_answer *a, const struct spf_term *t) {
    for (size_t i = 0; i < a->count; i++)
        if (ip_is_in(c, a->records[i].address, c->input.ip.is_v6, t)) return true;
    return false;
}

static enum match match_a(struct check *c, const struct spf_term *t, struct str target, enum spf_result *ret_error) {
    const struct dns_answer *a = look(c, target, address_type(c), ret_error);
    if (!a) return MATCH_ERROR;
    return addresses_match(c, a, t) ? MATCH_YES : MATCH_NO;
}

static enum match match_exists(struct check *c, const struct spf_term *t, struct str target, enum spf_result *ret_error) {
    (void)t;
    const struct dns_answer *a = look(c, target, DNS_A, ret_error);
    if (!a) return MATCH_ERROR;
    return a->count > 0 ? MATCH_YES : MATCH_NO;
}

static enum match match_mx(struct check *c, const struct spf_term *t, struct str target, enum spf_result *ret_error) {
    const struct dns_answer *mx = look(c, target, DNS_MX, ret_error);
    if (!mx) return MATCH_ERROR;
    if (mx->count > MX_MAX) return match_error(c, SPF_PERMERROR, STR("an mx term names more than ten hosts"), ret_error);
    bool is_match = false, has_failed = false;
    for (size_t i = 0; i < mx->count; i++) { /* all are looked up before any counts: the questions go out together */
        const struct dns_answer *a = dns_memo_look(c->memo, mx->records[i].name, address_type(c));
        if (!a)
            c->wants = true;
        else if (a->status != STATUS_OK && a->status != STATUS_NOT_FOUND)
            has_failed = true;
        else
            is_match = is_match || addresses_match(c, a, t);
    }
    if (is_match || !has_failed) return is_match ? MATCH_YES : MATCH_NO;
    return match_error(c, SPF_TEMPERROR, STR("a host of an mx term cannot be looked up"), ret_error);
}

static enum spf_result check_domain(struct check *c, struct str domain, bool is_top);

static enum match match_include(struct check *c, const struct spf_term *t, struct str target, enum spf_result *ret_error) {
    enum spf_result result = check_domain(c, target, false);
    if (result == SPF_TEMPERROR) return match_error(c, SPF_TEMPERROR, STR(""), ret_error);
    if (result != SPF_PERMERROR && result != SPF_NONE) return result == SPF_PASS ? MATCH_YES : MATCH_NO;
    return match_error(c, SPF_PERMERROR, arena_strf(&c->scratch, "%.*s: there is no policy", STR_ARG(t->text)), ret_error);
}

static enum match match_ptr(struct check *c, const struct spf_term *t, struct str target, enum spf_result *ret_error) {
    (void)c, (void)t, (void)target, (void)ret_error;
    return MATCH_NO;
}

static enum match (*const lookers[])(struct check *c, const struct spf_term *t, struct str target, enum spf_result *ret_error) = {
    [SPF_INCLUDE] = match_include, [SPF_A] = match_a, [SPF_MX] = match_mx, [SPF_EXISTS] = match_exists, [SPF_PTR] = match_ptr,
};

/* Where the term points, and one of the ten lookups spent. */
static bool aim(struct check *c, const struct spf_term *t, struct str domain, struct str *ret_target,
                enum spf_result *ret_error) {
    if (++c->lookups > LOOKUPS_MAX) {
        *ret_error = error(c, SPF_PERMERROR, STR("the policy needs more than ten lookups"));
        return false;
    }
    BUF_AUTO target = {0};
    struct spf_macros macros = {.input = &c->input, .domain = domain};
    if (str_is_empty(t->domain)) {
        buf_add_str(&target, domain);
    } else if (!spf_expand(t->domain, &macros, &target)) {
        *ret_error = error(c, SPF_PERMERROR, arena_strf(&c->scratch, "syntax error at '%.*s'", STR_ARG(t->text)));
        return false;
    }
    *ret_target = arena_lower(&c->scratch, buf_str(&target));
    return true;
}

static enum match match_term(struct check *c, const struct spf_term *t, struct str domain, enum spf_result *ret_error) {
    if (t->kind == SPF_ALL) return MATCH_YES;
    if (t->kind == SPF_IP4 || t->kind == SPF_IP6) return ip_is_in(c, t->ip.b, t->ip.is_v6, t) ? MATCH_YES : MATCH_NO;
    struct str target;
    if (!aim(c, t, domain, &target, ret_error)) return MATCH_ERROR;
    return lookers[t->kind](c, t, target, ret_error);
}

static enum spf_result follow_redirect(struct check *c, const struct spf_term *t, struct str domain, bool is_top) {
    struct str target;
    enum spf_result result = SPF_PERMERROR;
    if (!aim(c, t, domain, &target, &result)) return result;
    result = check_domain(c, target, is_top);
    if (result != SPF_NONE) return result;
    return error(c, SPF_PERMERROR, arena_strf(&c->scratch, "%.*s: there is no policy", STR_ARG(t->text)));
}

static enum spf_result walk(struct check *c, const struct spf_term *terms, size_t count, struct str domain, bool is_top) {
    for (size_t i = 0; i < count; i++) {
        enum spf_result result = SPF_PERMERROR;
        if (terms[i].kind == SPF_REDIRECT) return follow_redirect(c, &terms[i], domain, is_top);
        enum match match = match_term(c, &terms[i], domain, &result);
        if (c->wants || match == MATCH_ERROR) return result;
        if (match == MATCH_NO) continue;
        if (is_top) c->why = arena_strf(&c->scratch, "'%.*s' decides", STR_ARG(terms[i].text));
        return terms[i].result;
    }
    if (is_top) c->why = STR("no term of the policy fits");
    return SPF_NEUTRAL;
}

static enum spf_result check_domain(struct check *c, struct str domain, bool is_top) {
    const struct dns_answer *txt = dns_memo_look(c->memo, domain, DNS_TXT);
    if (!txt) c->wants = true;
    if (c->wants) return SPF_NONE;
    if (txt->status != STATUS_OK && txt->status != STATUS_NOT_FOUND)
        return error(c, SPF_TEMPERROR, arena_strf(&c->scratch, "the name servers of %.*s do not answer", STR_ARG(domain)));
    size_t count;
    struct str record = spf_record_find(txt, &count), bad;
    if (!c->record.p) c->record = record;
    if (count == 0) return SPF_NONE;
    if (count > 1)
        return error(c, SPF_PERMERROR,
                     arena_strf(&c->scratch, "%.*s has %zu SPF records; only one may be there", STR_ARG(domain), count));
    struct spf_term *terms;
    size_t n;
    if (!spf_record_parse(record, &c->scratch, &terms, &n, &bad))
        return error(c, SPF_PERMERROR,
                     arena_strf(&c->scratch, "syntax error at '%.*s' in the policy of %.*s", STR_ARG(bad), STR_ARG(domain)));
    return walk(c, terms, n, domain, is_top);
}

/* A reason quotes other people's records: what is not printable ASCII becomes '?'. */
static struct str printable(struct arena *arena, struct str s) {
    char *p = arena_z(arena, s);
    for (size_t i = 0; i < s.n; i++) {
        if (p[i] < 0x20 || p[i] > 0x7E) p[i] = '?';
    }
    return str_make(p, s.n);
}

enum parse spf_check(struct dns_memo *memo, const struct spf_input *input, struct spf_outcome *ret) {
    struct check c = {.memo = memo, .input = *input};
    size_t at = str_find_last(input->sender, '@');
    struct str domain = at == STR_NONE ? input->domain : str_sub(input->sender, at + 1, SIZE_MAX);
    if (at == STR_NONE || at == 0) c.input.sender = arena_strf(&c.scratch, "postmaster@%.*s", STR_ARG(domain));
    enum spf_result result = check_domain(&c, input->domain, true);
    if (!c.wants) {
        if (result == SPF_NONE) c.why = STR("there is no SPF record");
        *ret = (struct spf_outcome){.result = result,
                                    .lookups = c.lookups,
                                    .why = printable(&memo->arena, c.why),
                                    .record = arena_str(&memo->arena, c.record)};
    }
    arena_fini(&c.scratch);
    return c.wants ? PARSE_MORE : PARSE_DONE;
}
