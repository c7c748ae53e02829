/* mta_sts.c - parsing MTA-STS records and policies: lists of fields, each judged by a table of what is known.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/mta_sts/mta_sts.h"

/* ---- the record ---- */
#define VERSION "v=STSv1"

static bool is_id(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if (!ascii_is_alnum(s.p[i])) return false;
    return s.n > 0 && s.n <= MTA_STS_ID_MAX;
}

/* "v=STSv1; id=20160831085700Z; more=things;" */
static bool record_parse(struct str record, struct str *ret_id) {
    struct str field, id = {NULL, 0};
    bool is_first = true;
    while (str_next(&record, ';', &field)) {
        field = str_trim(field);
        if (is_first && !str_eq(field, STR(VERSION))) return false;
        is_first = false;
        if (field.n == 0 && record.n == 0) break; /* the semicolon at the end */
        size_t equals = str_find(field, '=');
        if (equals == STR_NONE || equals == 0 || equals + 1 == field.n || str_has_control(field)) return false;
        if (id.n == 0 && str_eq(str_sub(field, 0, equals), STR("id"))) id = str_sub(field, equals + 1, SIZE_MAX);
    }
    if (!is_id(id)) return false;
    *ret_id = id;
    return true;
}

/* Records that do not begin as one of ours are none (RFC 8461 3.1). */
static bool is_candidate(struct str text) {
    return str_starts(text, STR(VERSION)) && str_starts(str_trim(str_sub(text, sizeof VERSION - 1, SIZE_MAX)), STR(";"));
}

bool mta_sts_record_find(const struct dns_answer *txt, struct str *ret_id) {
    struct str found = {NULL, 0};
    size_t count = 0;
    for (size_t i = 0; i < txt->count; i++) {
        if (!is_candidate(txt->records[i].text)) continue;
        found = txt->records[i].text;
        count++;
    }
    return txt->status == STATUS_OK && count == 1 && record_parse(found, ret_id);
}

/* ---- the policy ---- */
struct reading {
    struct arena *arena;
    struct mta_sts_policy policy;
    bool has_version, has_mode, has_max_age;
};

static bool read_version(struct reading *r, struct str value) {
    bool is_double = r->has_version;
    r->has_version = true;
    return is_double || str_eq(value, STR("STSv1"));
}

static bool read_mode(struct reading *r, struct str value) {
    static const struct str names[] = {
        [MTA_STS_NONE] = STR_INIT("none"), [MTA_STS_TESTING] = STR_INIT("testing"), [MTA_STS_ENFORCE] = STR_INIT("enforce")};
    if (r->has_mode) return true;
    for (size_t i = 0; i < sizeof names / sizeof names[0] && !r->has_mode; i++) {
        r->has_mode = str_eq(value, names[i]);
        r->policy.mode = (enum mta_sts_mode)i;
    }
    return r->has_mode;
}

static bool read_max_age(struct reading *r, struct str value) {
    uint64_t seconds;
    if (r->has_max_age) return true;
    r->has_max_age = value.n <= 10 && str_to_u64(value, &seconds);
    if (r->has_max_age) r->policy.max_age_s = seconds > MTA_STS_MAX_AGE_MAX ? MTA_STS_MAX_AGE_MAX : (uint32_t)seconds;
    return r->has_max_age;
}

static bool read_mx(struct reading *r, struct str value) {
    struct mta_sts_policy *p = &r->policy;
    bool is_wild = str_starts(value, STR("*."));
    struct str name;
    if (p->mx_count == MTA_STS_MX_MAX) return false;
    if (!dns_name_normalise(is_wild ? str_sub(value, 2, SIZE_MAX) : value, r->arena, &name)) return false;
    if (!p->mx) p->mx = arena_array(r->arena, MTA_STS_MX_MAX, sizeof *p->mx);
    p->mx[p->mx_count++] = is_wild ? arena_strf(r->arena, "*.%.*s", STR_ARG(name)) : name;
    return true;
}

static const struct {
    struct str key;
    bool (*read)(struct reading *r, struct str value);
} keys[] = {
    {STR_INIT("version"), read_version},
    {STR_INIT("mode"), read_mode},
    {STR_INIT("max_age"), read_max_age},
    {STR_INIT("mx"), read_mx},
};

static bool read_line(struct reading *r, struct str line) {
    size_t colon = str_find(line, ':');
    if (colon == STR_NONE || colon == 0) return false;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (str_eq(str_sub(line, 0, colon), keys[i].key)) return keys[i].read(r, str_trim(str_sub(line, colon + 1, SIZE_MAX)));
    return true;
}

enum parse mta_sts_policy_parse(struct str body, struct arena *arena, struct mta_sts_policy *ret) {
    struct reading r = {.arena = arena};
    struct str line;
    if (body.n > MTA_STS_POLICY_MAX) return PARSE_BAD;
    while (str_next(&body, '\n', &line)) {
        line = str_trim(line);
        if (line.n > 0 && !read_line(&r, line)) return PARSE_BAD;
    }
    if (!r.has_version || !r.has_mode || !r.has_max_age) return PARSE_BAD;
    if (r.policy.mode != MTA_STS_NONE && r.policy.mx_count == 0) return PARSE_BAD;
    *ret = r.policy;
    return PARSE_DONE;
}

/* ---- hosts ---- */
static bool pattern_matches(struct str pattern, struct str host) {
    if (!str_starts(pattern, STR("*."))) return str_eq_nocase(pattern, host);
    size_t dot = str_find(host, '.');
    return dot != STR_NONE && dot > 0 && str_eq_nocase(str_sub(pattern, 2, SIZE_MAX), str_sub(host, dot + 1, SIZE_MAX));
}

bool mta_sts_mx_matches(const struct mta_sts_policy *policy, struct str host) {
    for (size_t i = 0; i < policy->mx_count; i++)
        if (pattern_matches(policy->mx[i], host)) return true;
    return false;
}
