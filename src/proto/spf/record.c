/* record.c - the syntax of SPF records (RFC 7208 5, 6, 12).
 *
 * A table says what each mechanism may be followed by. The whole record is read before any of it counts: an error anywhere makes
 * all of it an error (4.6), whatever stands before. Terms are slices of the record, at most SPF_TERMS_MAX; macros in
 * them are expanded later, by macro.c, and evaluated by spf.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/spf/record.h"

enum shape { SHAPE_BARE, SHAPE_DOMAIN, SHAPE_DOMAIN_CIDR, SHAPE_OPTIONAL_DOMAIN, SHAPE_IP };
static const struct {
    struct str name;
    enum spf_term_kind kind;
    enum shape shape;
} mechanisms[] = {
    {STR_INIT("all"), SPF_ALL, SHAPE_BARE},
    {STR_INIT("include"), SPF_INCLUDE, SHAPE_DOMAIN},
    {STR_INIT("a"), SPF_A, SHAPE_DOMAIN_CIDR},
    {STR_INIT("mx"), SPF_MX, SHAPE_DOMAIN_CIDR},
    {STR_INIT("ptr"), SPF_PTR, SHAPE_OPTIONAL_DOMAIN},
    {STR_INIT("ip4"), SPF_IP4, SHAPE_IP},
    {STR_INIT("ip6"), SPF_IP6, SHAPE_IP},
    {STR_INIT("exists"), SPF_EXISTS, SHAPE_DOMAIN},
};

static bool is_name_char(char c) {
    return ascii_is_alnum(c) || c == '-' || c == '_' || c == '.';
}

static struct str take_name(struct str *rest) {
    size_t n = 0;
    while (n < rest->n && is_name_char(rest->p[n])) n++;
    struct str name = str_sub(*rest, 0, n);
    *rest = str_sub(*rest, n, SIZE_MAX);
    return name;
}

/* A prefix length: decimal without leading zero. */
static bool parse_prefix(struct str text, unsigned max, unsigned *ret) {
    uint64_t n;
    if (text.n > 3 || !str_to_u64(text, &n) || n > max || (text.n > 1 && text.p[0] == '0')) return false;
    *ret = (unsigned)n;
    return true;
}

/* Where the last '/' stands, unless it belongs to a macro. */
static size_t find_slash(struct str spec) {
    size_t slash = str_find_last(spec, '/');
    return slash == STR_NONE || str_find(str_sub(spec, slash, SIZE_MAX), '}') != STR_NONE ? STR_NONE : slash;
}

/* Take "/24", "//64" or "/24//64" off the end of *spec. */
static bool take_cidr(struct str *spec, struct spf_term *t) {
    size_t slash = find_slash(*spec);
    if (slash == STR_NONE) return true;
    if (slash > 0 && spec->p[slash - 1] == '/') {
        if (!parse_prefix(str_sub(*spec, slash + 1, SIZE_MAX), 128, &t->prefix6)) return false;
        *spec = str_sub(*spec, 0, slash - 1);
        slash = find_slash(*spec);
    }
    if (slash == STR_NONE) return true;
    if (!parse_prefix(str_sub(*spec, slash + 1, SIZE_MAX), 32, &t->prefix4)) return false;
    *spec = str_sub(*spec, 0, slash);
    return true;
}

static bool parse_ip(struct str spec, struct spf_term *t) {
    bool is_v6 = t->kind == SPF_IP6;
    size_t slash = str_find(spec, '/');
    uint8_t bytes[16];
    size_t n;
    if (!dns_address_parse(str_sub(spec, 0, slash), bytes, &n) || (n == 16) != is_v6) return false;
    t->ip.is_v6 = is_v6;
    for (size_t i = 0; i < n; i++) t->ip.b[i] = bytes[i];
    if (slash == STR_NONE) return true;
    return parse_prefix(str_sub(spec, slash + 1, SIZE_MAX), is_v6 ? 128 : 32, is_v6 ? &t->prefix6 : &t->prefix4);
}

/* What follows the mechanism's name. */
static bool parse_argument(struct str rest, enum shape shape, struct spf_term *t) {
    if (shape == SHAPE_BARE) return str_is_empty(rest);
    if (shape == SHAPE_DOMAIN_CIDR && !take_cidr(&rest, t)) return false;
    bool has_colon = rest.n > 0 && rest.p[0] == ':';
    if (!has_colon) return str_is_empty(rest) && (shape == SHAPE_DOMAIN_CIDR || shape == SHAPE_OPTIONAL_DOMAIN);
    rest = str_sub(rest, 1, SIZE_MAX);
    if (str_is_empty(rest)) return false;
    if (shape == SHAPE_IP) return parse_ip(rest, t);
    t->domain = rest;
    return true;
}

static bool take_qualifier(struct str *text, enum spf_result *ret) {
    static const struct {
        char c;
        enum spf_result result;
    } qualifiers[] = {{'+', SPF_PASS}, {'-', SPF_FAIL}, {'~', SPF_SOFTFAIL}, {'?', SPF_NEUTRAL}};
    *ret = SPF_PASS;
    for (size_t i = 0; i < sizeof qualifiers / sizeof qualifiers[0]; i++) {
        if (text->p[0] != qualifiers[i].c) continue;
        *ret = qualifiers[i].result;
        *text = str_sub(*text, 1, SIZE_MAX);
        return true;
    }
    return false;
}

static bool parse_mechanism(struct str name, struct str rest, struct spf_term *t) {
    for (size_t i = 0; i < sizeof mechanisms / sizeof mechanisms[0]; i++) {
        if (!str_eq_nocase(mechanisms[i].name, name)) continue;
        t->kind = mechanisms[i].kind;
        return parse_argument(rest, mechanisms[i].shape, t);
    }
    return false;
}

enum modifier { MODIFIER_NONE, MODIFIER_REDIRECT, MODIFIER_EXP, MODIFIER_OTHER };

static enum modifier modifier_of(struct str name, struct str rest) {
    if (str_is_empty(name) || str_is_empty(rest) || rest.p[0] != '=' || !ascii_is_alpha(name.p[0])) return MODIFIER_NONE;
    if (str_eq_nocase(name, STR("redirect"))) return MODIFIER_REDIRECT;
    return str_eq_nocase(name, STR("exp")) ? MODIFIER_EXP : MODIFIER_OTHER;
}

struct record_state {
    struct spf_term *terms, redirect;
    size_t count;
    unsigned redirects, exps;
};

static bool parse_term(struct record_state *s, struct str text) {
    struct spf_term t = {.text = text, .prefix4 = 32, .prefix6 = 128};
    struct str rest = text;
    bool is_qualified = take_qualifier(&rest, &t.result);
    struct str name = take_name(&rest);
    enum modifier modifier = modifier_of(name, rest);
    if (modifier == MODIFIER_NONE) {
        if (s->count == SPF_TERMS_MAX || !parse_mechanism(name, rest, &t)) return false;
        s->terms[s->count++] = t;
        return true;
    }
    if (is_qualified) return false;
    if (modifier == MODIFIER_EXP) return s->exps++ == 0;
    if (modifier == MODIFIER_OTHER) return true;
    t.kind = SPF_REDIRECT;
    t.domain = str_sub(rest, 1, SIZE_MAX);
    s->redirect = t;
    return s->redirects++ == 0 && !str_is_empty(t.domain);
}

bool spf_record_parse(struct str record, struct arena *arena, struct spf_term **ret_terms, size_t *ret_count,
                      struct str *ret_bad) {
    struct record_state s = {.terms = arena_array(arena, SPF_TERMS_MAX + 1, sizeof(struct spf_term))};
    struct str rest = str_sub(record, 6, SIZE_MAX), text; /* behind "v=spf1" */
    while (str_next(&rest, ' ', &text)) {
        if (str_is_empty(text) || parse_term(&s, text)) continue;
        *ret_bad = text;
        return false;
    }
    if (s.redirects) s.terms[s.count++] = s.redirect;
    *ret_terms = s.terms;
    *ret_count = s.count;
    return true;
}
