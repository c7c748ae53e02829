/* verify.c - judging the records of a sender domain.
 *
 * Every run judges all rows from what the memo holds; a row whose answers are not all there is UNKNOWN and its questions are
 * noted. The last run, with nothing left to ask, is the report.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/verify.h"

#include "proto/dkim/tags.h"

#include <stdlib.h>
#include <string.h>

#define FOUND_MAX     2000 /* bytes of `found` */
#define ADDRESSES_MAX 32   /* of ours */
#define MX_MAX        10   /* of a return path */

struct verify {
    struct dns_memo memo;
    struct arena input_arena;
    struct verify_input input;
    struct arena arena; /* of one run: rows and report */
    struct verify_report report;
    bool is_judged; /* the report is up to date with the memo */
};

/* ---- words ---- */
static struct str join(struct verify *v, struct str head, struct str tail) {
    return arena_strf(&v->arena, "%.*s.%.*s", STR_ARG(head), STR_ARG(tail));
}

/* Strangers' bytes in a form that can be shown. */
static void add_printable(struct buf *out, struct str text) {
    for (size_t i = 0; i < text.n && out->n < FOUND_MAX; i++) {
        bool is_plain = text.p[i] >= ' ' && text.p[i] < 0x7f;
        buf_add_char(out, is_plain ? text.p[i] : '?');
    }
}

static void add_record(struct buf *out, enum dns_type type, const struct dns_record *r) {
    if (out->n > 0) buf_add_z(out, "; ");
    if (type == DNS_TXT) {
        add_printable(out, r->text);
        return;
    }
    if (type == DNS_MX) buf_addf(out, "%u ", r->preference);
    add_printable(out, str_is_empty(r->name) ? STR(".") : r->name);
}

static bool has_answer(const struct dns_answer *a) {
    return a && (a->status == STATUS_OK || a->status == STATUS_NOT_FOUND);
}

/* `prefix`: only TXT records that begin so, unless none does. */
static struct str describe(struct verify *v, const struct dns_answer *a, const char *prefix) {
    BUF_AUTO out = {0};
    struct str start = str_from_z(prefix);
    for (int pass = 0; pass < 2 && out.n == 0; pass++)
        for (size_t i = 0; i < a->count && out.n < FOUND_MAX; i++)
            if (pass == 1 || str_starts_nocase(a->records[i].text, start)) add_record(&out, a->type, &a->records[i]);
    return arena_str(&v->arena, buf_str(&out));
}

/* ---- a row's verdict ---- */
static void fail_row(struct verify_row *row, struct str why) {
    row->status = VERIFY_FAILED;
    row->why = why;
}

static void pass_row(struct verify_row *row, struct str why) {
    row->status = VERIFY_OK;
    row->why = why;
}

/* The answer a row stands on; NULL: not there, and the row says so. */
static const struct dns_answer *look_for(struct verify *v, struct verify_row *row, struct str name, enum dns_type type) {
    const struct dns_answer *a = dns_memo_look(&v->memo, name, type);
    row->status = VERIFY_UNKNOWN;
    if (has_answer(a)) return a;
    if (a)
        row->why = arena_strf(&v->arena, "The name servers of %.*s did not answer; it is looked up again later.", STR_ARG(name));
    return NULL;
}

/* Nothing at the right name. The commonest reason is a DNS panel that adds the domain to a name that has it. */
static void fail_missing(struct verify *v, struct verify_row *row, enum dns_type type) {
    struct str doubled = join(v, row->host, v->input.domain);
    const struct dns_answer *a = dns_memo_look(&v->memo, doubled, type);
    if (a && a->status == STATUS_OK && a->count > 0)
        fail_row(row,
                 arena_strf(&v->arena, "The record is at %.*s: the DNS panel added the domain a second time.", STR_ARG(doubled)));
    else
        fail_row(row, arena_strf(&v->arena, "There is no %s record at %.*s.", row->type, STR_ARG(row->host)));
}

/* ---- DKIM ---- */
static bool is_our_key(struct verify *v, struct str text, const struct verify_key *key) {
    struct dkim_key_record record;
    dkim_key_parse(text, &v->arena, &record);
    return record.state == DKIM_KEY_OK && record.type == key->type && str_eq(record.public_key, key->public_key);
}

/* The text without what a DNS panel may have put into it. */
static struct str without_panel_marks(struct verify *v, struct str text) {
    BUF_AUTO out = {0};
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] != '"' && text.p[i] != '\\') buf_add_char(&out, text.p[i]);
    return arena_str(&v->arena, buf_str(&out));
}

/* The records of the name put together, in either order of two. */
static bool is_cut_in_two(struct verify *v, const struct dns_answer *a, const struct verify_key *key) {
    if (a->count != 2) return false;
    for (int first = 0; first < 2; first++) {
        struct str whole =
            arena_strf(&v->arena, "%.*s%.*s", STR_ARG(a->records[first].text), STR_ARG(a->records[1 - first].text));
        if (is_our_key(v, whole, key)) return true;
    }
    return false;
}

static struct str why_not_our_key(struct verify *v, const struct dns_answer *a, const struct verify_key *key) {
    struct dkim_key_record record;
    for (size_t i = 0; i < a->count; i++) {
        if (is_our_key(v, without_panel_marks(v, a->records[i].text), key))
            return STR("Quotation marks or backslashes are part of the record's text; receivers cannot read it so.");
        dkim_key_parse(a->records[i].text, &v->arena, &record);
        if (record.state == DKIM_KEY_OK) return STR("There is a DKIM record, but with another key.");
        if (record.state == DKIM_KEY_REVOKED) return STR("The DKIM record has an empty p=, which revokes the key.");
    }
    if (is_cut_in_two(v, a, key))
        return STR(
            "The key is cut into two TXT records; it must be one record (of several strings, where they are limited to 255).");
    return STR("There are TXT records, but none that is a whole DKIM record.");
}

static void judge_dkim(struct verify *v, struct verify_row *row, const struct verify_key *key) {
    const struct dns_answer *a = look_for(v, row, row->host, DNS_TXT);
    if (!a) return;
    row->found = describe(v, a, "v=DKIM1");
    size_t ours = 0, others = 0;
    for (size_t i = 0; i < a->count; i++) {
        struct dkim_key_record record;
        dkim_key_parse(a->records[i].text, &v->arena, &record);
        bool is_ours = is_our_key(v, a->records[i].text, key);
        ours += is_ours;
        others += !is_ours && record.state != DKIM_KEY_NOT_DKIM;
    }
    if (a->count == 0)
        fail_missing(v, row, DNS_TXT);
    else if (ours == 0)
        fail_row(row, why_not_our_key(v, a, key));
    else
        pass_row(row, others ? STR("Another DKIM record stands beside ours; some receivers may read that one.") : STR(""));
}

/* ---- addresses ---- */
struct addresses {
    struct spf_ip items[ADDRESSES_MAX];
    size_t count;
    bool is_whole; /* all lookups were answered */
};

static void add_addresses(struct verify *v, struct addresses *to, struct str host, enum dns_type type) {
    const struct dns_answer *a = dns_memo_look(&v->memo, host, type);
    if (!has_answer(a)) {
        to->is_whole = false;
        return;
    }
    for (size_t i = 0; i < a->count && to->count < ADDRESSES_MAX; i++) {
        struct spf_ip *ip = &to->items[to->count++];
        *ip = (struct spf_ip){.is_v6 = type == DNS_AAAA};
        memcpy(ip->b, a->records[i].address, type == DNS_AAAA ? 16 : 4);
    }
}

static struct addresses addresses_of(struct verify *v, struct str host) {
    struct addresses a = {.is_whole = true};
    add_addresses(v, &a, host, DNS_A);
    add_addresses(v, &a, host, DNS_AAAA);
    return a;
}

static bool share_one(const struct addresses *a, const struct addresses *b) {
    for (size_t i = 0; i < a->count; i++)
        for (size_t j = 0; j < b->count; j++)
            if (a->items[i].is_v6 == b->items[j].is_v6 && memcmp(a->items[i].b, b->items[j].b, 16) == 0) return true;
    return false;
}

/* Is `host` us, by name or by address? UNKNOWN while a lookup is open or failed. */
static enum verify_status is_us(struct verify *v, struct str host) {
    if (str_eq_nocase(host, v->input.hostname)) return VERIFY_OK;
    struct addresses ours = addresses_of(v, v->input.hostname), theirs = addresses_of(v, host);
    if (share_one(&ours, &theirs)) return VERIFY_OK;
    return ours.is_whole && theirs.is_whole ? VERIFY_FAILED : VERIFY_UNKNOWN;
}

/* ---- return path: MX ---- */
static void judge_return_path(struct verify *v, struct verify_row *row) {
    const struct dns_answer *a = look_for(v, row, row->host, DNS_MX);
    if (!a) return;
    row->found = describe(v, a, "");
    if (a->count == 0) {
        fail_missing(v, row, DNS_MX);
        return;
    }
    uint16_t best = UINT16_MAX;
    for (size_t i = 0; i < a->count; i++)
        if (a->records[i].preference < best) best = a->records[i].preference;
    bool is_behind = false, is_open = false;
    for (size_t i = 0; i < a->count && i < MX_MAX; i++) {
        enum verify_status us = is_us(v, a->records[i].name);
        is_open = is_open || us == VERIFY_UNKNOWN;
        if (us != VERIFY_OK) continue;
        is_behind = a->records[i].preference > best;
        if (is_behind) continue;
        pass_row(row, STR(""));
        return;
    }
    if (is_open) return;
    if (is_behind)
        fail_row(row, STR("Another mail server has a better (lower) preference; bounces would go there."));
    else
        fail_row(row, arena_strf(&v->arena, "The MX does not point at %.*s.", STR_ARG(v->input.hostname)));
}

/* ---- SPF ---- */
static struct addresses return_path_addresses(struct verify *v, struct str host) {
    struct addresses all = {.is_whole = true};
    const struct dns_answer *mx = dns_memo_look(&v->memo, host, DNS_MX);
    if (!has_answer(mx)) return (struct addresses){0};
    for (size_t i = 0; i < mx->count && i < MX_MAX; i++) add_addresses(v, &all, mx->records[i].name, DNS_A);
    return all;
}

/* See the header for which they are. */
static struct addresses sending_addresses(struct verify *v, struct str return_path) {
    struct addresses a = {.is_whole = true};
    for (size_t i = 0; i < v->input.address_count && i < ADDRESSES_MAX; i++) a.items[a.count++] = v->input.addresses[i];
    if (a.count > 0) return a;
    add_addresses(v, &a, v->input.hostname, DNS_A);
    if (a.count == 0 && a.is_whole) add_addresses(v, &a, v->input.hostname, DNS_AAAA);
    return a.count == 0 && a.is_whole ? return_path_addresses(v, return_path) : a;
}

static void add_ip(struct buf *out, const struct spf_ip *ip) {
    if (!ip->is_v6) {
        buf_addf(out, "%u.%u.%u.%u", ip->b[0], ip->b[1], ip->b[2], ip->b[3]);
        return;
    }
    for (int i = 0; i < 16; i += 2) buf_addf(out, "%s%x", i ? ":" : "", (unsigned)(ip->b[i] << 8 | ip->b[i + 1]));
}

/* Judge one address; true: it passes. */
static bool judge_spf_of(struct verify *v, struct verify_row *row, const struct spf_ip *ip) {
    struct spf_input input = {.ip = *ip, .domain = row->host, .helo = v->input.hostname};
    struct spf_outcome outcome;
    row->status = VERIFY_UNKNOWN;
    if (spf_check(&v->memo, &input, &outcome) != PARSE_DONE) return false;
    if (outcome.result == SPF_PASS) return true;
    BUF_AUTO text = {0};
    add_ip(&text, ip);
    struct str why =
        arena_strf(&v->arena, "For %s the result is %s: %.*s.", text.p, spf_result_text(outcome.result), STR_ARG(outcome.why));
    row->why = why;
    if (outcome.result != SPF_TEMPERROR) fail_row(row, why);
    return false;
}

static void judge_spf(struct verify *v, struct verify_row *row) {
    const struct dns_answer *a = look_for(v, row, row->host, DNS_TXT);
    struct addresses from = sending_addresses(v, row->host);
    if (!a) return;
    size_t policies;
    spf_record_find(a, &policies);
    row->found = describe(v, a, "v=spf1");
    if (a->count == 0) {
        fail_missing(v, row, DNS_TXT);
    } else if (policies == 0) {
        fail_row(row, STR("There are TXT records, but none begins with v=spf1."));
    } else if (from.count == 0) {
        if (from.is_whole)
            fail_row(row,
                     arena_strf(&v->arena, "%.*s has no address in DNS, so there is nothing that the policy could let through.",
                                STR_ARG(v->input.hostname)));
    } else {
        for (size_t i = 0; i < from.count; i++)
            if (!judge_spf_of(v, row, &from.items[i])) return;
        pass_row(row, STR(""));
    }
}

static struct str spf_value(struct verify *v) {
    BUF_AUTO out = {0};
    buf_add_z(&out, "v=spf1 ");
    for (size_t i = 0; i < v->input.address_count; i++) {
        buf_add_z(&out, v->input.addresses[i].is_v6 ? "ip6:" : "ip4:");
        add_ip(&out, &v->input.addresses[i]);
        buf_add_char(&out, ' ');
    }
    if (v->input.address_count == 0) buf_addf(&out, "a:%.*s ", STR_ARG(v->input.hostname));
    buf_add_z(&out, "~all");
    return arena_str(&v->arena, buf_str(&out));
}

/* ---- tracking ---- */
static void judge_tracking(struct verify *v, struct verify_row *row) {
    const struct dns_answer *a = look_for(v, row, row->host, DNS_CNAME);
    if (!a) return;
    row->found = describe(v, a, "");
    enum verify_status us =
        is_us(v, a->count > 0 ? a->records[0].name : row->host); /* some DNS hosts answer with the address instead */
    row->status = us;
    if (us != VERIFY_FAILED) return;
    if (a->count > 0)
        fail_row(row, arena_strf(&v->arena, "It does not lead to %.*s.", STR_ARG(v->input.hostname)));
    else
        fail_missing(v, row, DNS_CNAME);
}

/* ---- DMARC ---- */
static size_t count_dmarc(const struct dns_answer *a) {
    size_t count = 0;
    for (size_t i = 0; i < a->count; i++) {
        struct str text = a->records[i].text;
        count += str_starts(text, STR("v=DMARC1")) && (text.n == 8 || text.p[8] == ';' || text.p[8] == ' ');
    }
    return count;
}

/* The domain's own record, else that of the nearest parent, down to two labels. */
static void judge_dmarc(struct verify *v, struct verify_row *row) {
    for (struct str domain = v->input.domain;; domain = str_sub(domain, str_find(domain, '.') + 1, SIZE_MAX)) {
        struct str host = join(v, STR("_dmarc"), domain);
        const struct dns_answer *a = look_for(v, row, host, DNS_TXT);
        if (!a) return;
        size_t count = count_dmarc(a);
        row->found = describe(v, a, "v=DMARC1");
        if (count > 1) {
            fail_row(row, arena_strf(&v->arena, "There are %zu DMARC records at %.*s; receivers then use none.", count,
                                     STR_ARG(host)));
            return;
        }
        if (count == 1) {
            bool is_own = domain.n == v->input.domain.n;
            pass_row(row, is_own ? STR("") : arena_strf(&v->arena, "The record at %.*s applies.", STR_ARG(host)));
            return;
        }
        size_t dot = str_find(domain, '.');
        if (dot == STR_NONE || str_find(str_sub(domain, dot + 1, SIZE_MAX), '.') == STR_NONE) break;
    }
    row->found = STR("");
    fail_missing(v, row, DNS_TXT);
}

/* ---- the report ---- */
static bool has_rsa(const struct verify_input *in) {
    for (size_t i = 0; i < in->key_count; i++)
        if (in->keys[i].type == SIGNKEY_RSA2048) return true;
    return false;
}

static void add_key_row(struct verify *v, struct verify_row *row, const struct verify_key *key) {
    BUF_AUTO value = {0};
    dkim_key_format(key->type, key->public_key, &value);
    *row = (struct verify_row){.kind = VERIFY_DKIM, .type = "TXT", .value = arena_str(&v->arena, buf_str(&value))};
    row->is_required = key->type == SIGNKEY_RSA2048 || !has_rsa(&v->input);
    row->host = arena_strf(&v->arena, "%.*s._domainkey.%.*s", STR_ARG(key->selector), STR_ARG(v->input.domain));
    judge_dkim(v, row, key);
}

/* Worst of the rows of a kind that count; FAILED before UNKNOWN before OK. No such row: UNKNOWN. */
static enum verify_status sum_up(const struct verify_row *rows, size_t count, enum verify_kind kind) {
    bool has_row = false, has_unknown = false;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].kind != kind || (kind == VERIFY_DKIM && !rows[i].is_required)) continue;
        if (rows[i].status == VERIFY_FAILED) return VERIFY_FAILED;
        has_row = true;
        has_unknown = has_unknown || rows[i].status == VERIFY_UNKNOWN;
    }
    return has_row && !has_unknown ? VERIFY_OK : VERIFY_UNKNOWN;
}

/* Any key proves it. */
static enum verify_status ownership(const struct verify_row *rows, size_t count) {
    enum verify_status status = VERIFY_FAILED;
    bool has_key = false;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].kind != VERIFY_DKIM) continue;
        has_key = true;
        if (rows[i].status == VERIFY_OK) return VERIFY_OK;
        if (rows[i].status == VERIFY_UNKNOWN) status = VERIFY_UNKNOWN;
    }
    return has_key ? status : VERIFY_UNKNOWN;
}

static void judge(struct verify *v) {
    static const struct {
        enum verify_kind kind;
        const char *type;
        bool is_required;
        void (*judge)(struct verify *v, struct verify_row *row);
    } kinds[] = {{VERIFY_RETURN_PATH, "MX", true, judge_return_path},
                 {VERIFY_SPF, "TXT", true, judge_spf},
                 {VERIFY_TRACKING, "CNAME", false, judge_tracking},
                 {VERIFY_DMARC, "TXT", false, judge_dmarc}};
    enum { OTHERS = sizeof kinds / sizeof kinds[0] };
    const struct verify_input *in = &v->input;
    arena_fini(&v->arena);
    struct str path = join(v, in->subdomain, in->domain);
    const struct str hosts[] = {path, path, join(v, in->track_prefix, path), join(v, STR("_dmarc"), in->domain)};
    const struct str values[] = {arena_strf(&v->arena, "10 %.*s", STR_ARG(in->hostname)), spf_value(v), in->hostname,
                                 STR("v=DMARC1; p=none")};
    struct verify_row *rows = arena_array(&v->arena, in->key_count + OTHERS, sizeof *rows);
    for (size_t i = 0; i < in->key_count; i++) add_key_row(v, &rows[i], &in->keys[i]);
    for (size_t i = 0; i < OTHERS; i++) {
        struct verify_row *row = &rows[in->key_count + i];
        *row = (struct verify_row){.kind = kinds[i].kind, .type = kinds[i].type, .is_required = kinds[i].is_required};
        row->host = hosts[i];
        row->value = values[i];
        kinds[i].judge(v, row);
    }
    v->report = (struct verify_report){.rows = rows, .count = in->key_count + OTHERS};
    for (int kind = 0; kind < VERIFY_KIND_COUNT; kind++)
        v->report.status[kind] = sum_up(rows, v->report.count, (enum verify_kind)kind);
    v->report.status[VERIFY_OWNERSHIP] = ownership(rows, v->report.count);
    v->report.is_sendable = true;
    for (int kind = VERIFY_OWNERSHIP; kind <= VERIFY_SPF; kind++)
        v->report.is_sendable = v->report.is_sendable && v->report.status[kind] == VERIFY_OK;
    v->is_judged = true;
}

struct verify *verify_new(const struct verify_input *input) {
    struct verify *v = calloc(1, sizeof *v);
    if (!v) abort();
    struct arena *arena = &v->input_arena;
    struct verify_key *keys = arena_array(arena, input->key_count, sizeof *keys);
    struct spf_ip *addresses = arena_array(arena, input->address_count, sizeof *addresses);
    for (size_t i = 0; i < input->key_count; i++)
        keys[i] = (struct verify_key){.type = input->keys[i].type,
                                      .selector = arena_str(arena, input->keys[i].selector),
                                      .public_key = arena_str(arena, input->keys[i].public_key)};
    for (size_t i = 0; i < input->address_count; i++) addresses[i] = input->addresses[i];
    v->input = (struct verify_input){.domain = arena_str(arena, input->domain),
                                     .subdomain = arena_str(arena, input->subdomain),
                                     .track_prefix = arena_str(arena, input->track_prefix),
                                     .keys = keys,
                                     .key_count = input->key_count,
                                     .hostname = arena_str(arena, input->hostname),
                                     .addresses = addresses,
                                     .address_count = input->address_count};
    return v;
}

void verify_free(struct verify **v) {
    if (!*v) return;
    dns_memo_fini(&(*v)->memo);
    arena_fini(&(*v)->arena);
    arena_fini(&(*v)->input_arena);
    free(*v);
    *v = NULL;
}

size_t verify_next(struct verify *v, struct dns_question *ret, size_t max) {
    if (!v->is_judged) judge(v);
    return dns_memo_next(&v->memo, ret, max);
}

void verify_answer(struct verify *v, size_t index, const struct dns_answer *answer) {
    dns_memo_answer(&v->memo, index, answer);
    v->is_judged = false;
}

const struct verify_report *verify_report(struct verify *v) {
    if (!v->is_judged) judge(v);
    return &v->report;
}
