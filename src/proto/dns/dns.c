/* dns.c - decoding DNS responses (RFC 1035 4).
 *
 * All reading goes through `struct wire` and its bounds. A compression pointer must point before the place it stands at, so
 * following them always ends (RFC 9267's loops); a name that is no host name is skipped over but never handed out.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/dns/dns.h"

#include <arpa/inet.h>
#include <string.h>

#define CLASS_IN       1
#define HEADER_BYTES   12
#define RCODE_NXDOMAIN 3
#define CHAIN_MAX      16   /* CNAMEs followed */
#define LOOKED_AT_MAX  1000 /* records of one message */

struct wire {
    const uint8_t *p;
    size_t n;
};

static bool get_u16(struct wire w, size_t *at, uint16_t *ret) {
    if (w.n - *at < 2) return false;
    *ret = (uint16_t)(w.p[*at] << 8 | w.p[*at + 1]);
    *at += 2;
    return true;
}

static bool get_u32(struct wire w, size_t *at, uint32_t *ret) {
    uint16_t high, low;
    if (w.n - *at < 4 || !get_u16(w, at, &high) || !get_u16(w, at, &low)) return false;
    *ret = (uint32_t)high << 16 | low;
    return true;
}

static bool is_name_char(char c) {
    return ascii_is_alnum(c) || c == '-' || c == '_';
}

/* A name as text. `is_host` turns false when a label holds what no host name may. */
struct name {
    char text[DNS_NAME_MAX + 2];
    size_t n;
    bool is_host;
};

static bool add_label(struct name *name, const uint8_t *p, size_t n) {
    size_t dot = name->n > 0;
    if (name->n + dot + n > DNS_NAME_MAX) return false;
    if (dot) name->text[name->n++] = '.';
    for (size_t i = 0; i < n; i++) {
        char c = ascii_lower((char)p[i]);
        name->is_host = name->is_host && is_name_char(c);
        name->text[name->n++] = c;
    }
    return true;
}

/* Read the name at *at and move behind it. False: it runs out of the message, is too long or points forward. */
static bool get_name(struct wire w, size_t *at, struct name *ret) {
    ret->n = 0;
    ret->is_host = true;
    size_t i = *at, lowest = *at;
    bool has_jumped = false;
    for (;;) {
        if (i >= w.n) return false;
        size_t length = w.p[i++];
        if (length >= 0xc0) {
            if (i >= w.n) return false;
            size_t target = (length & 0x3f) << 8 | w.p[i++];
            if (!has_jumped) *at = i;
            has_jumped = true;
            if (target >= lowest) return false;
            i = lowest = target;
            continue;
        }
        if (length > DNS_LABEL_MAX) return false;
        if (length == 0) break;
        if (w.n - i < length || !add_label(ret, w.p + i, length)) return false;
        i += length;
    }
    if (!has_jumped) *at = i;
    return true;
}

static bool parse_host(struct wire w, size_t at, size_t end, struct arena *arena, struct dns_record *ret) {
    struct name name;
    if (!get_name(w, &at, &name) || at != end || !name.is_host) return false;
    ret->name = arena_str(arena, str_make(name.text, name.n));
    return true;
}

static bool parse_mx(struct wire w, size_t at, size_t end, struct arena *arena, struct dns_record *ret) {
    return end - at > 2 && get_u16(w, &at, &ret->preference) && parse_host(w, at, end, arena, ret);
}

static bool parse_txt(struct wire w, size_t at, size_t end, struct arena *arena, struct dns_record *ret) {
    if (at == end) return false;
    char *text = arena_alloc(arena, end - at);
    size_t n = 0;
    while (at < end) {
        size_t length = w.p[at++];
        if (length > end - at) return false;
        memcpy(text + n, w.p + at, length);
        n += length;
        at += length;
    }
    ret->text = str_make(text, n);
    return true;
}

static bool parse_address(struct wire w, size_t at, size_t end, struct arena *arena, struct dns_record *ret) {
    (void)arena;
    memcpy(ret->address, w.p + at, end - at);
    return true;
}

/* Digests have their length; of other matching types it is not known (RFC 6698 2.1.3). Something must be there (DN11). */
static bool parse_tlsa(struct wire w, size_t at, size_t end, struct arena *arena, struct dns_record *ret) {
    static const size_t digest_bytes[] = {0, 32, 64};
    if (end - at < 4) return false;
    ret->usage = w.p[at];
    ret->selector = w.p[at + 1];
    ret->matching = w.p[at + 2];
    ret->text = arena_str(arena, str_make((const char *)w.p + at + 3, end - at - 3));
    size_t exact = ret->matching < sizeof digest_bytes / sizeof digest_bytes[0] ? digest_bytes[ret->matching] : 0;
    return exact == 0 || ret->text.n == exact;
}

static const struct {
    enum dns_type type;
    size_t exact; /* length; 0: any */
    bool (*parse)(struct wire w, size_t at, size_t end, struct arena *arena, struct dns_record *ret);
} decoders[] = {
    {DNS_A, 4, parse_address}, {DNS_AAAA, 16, parse_address}, {DNS_CNAME, 0, parse_host}, {DNS_PTR, 0, parse_host},
    {DNS_MX, 0, parse_mx},     {DNS_TXT, 0, parse_txt},       {DNS_TLSA, 0, parse_tlsa},
};

static bool parse_record(struct wire w, enum dns_type type, size_t at, size_t end, struct arena *arena, struct dns_record *ret) {
    for (size_t i = 0; i < sizeof decoders / sizeof decoders[0]; i++) {
        if (decoders[i].type != type) continue;
        return (decoders[i].exact == 0 || end - at == decoders[i].exact) && decoders[i].parse(w, at, end, arena, ret);
    }
    return false;
}

enum parse dns_rdata_parse(enum dns_type type, struct str rdata, struct arena *arena, struct dns_record *ret) {
    struct wire w = {(const uint8_t *)rdata.p, rdata.n};
    struct dns_record record = {0};
    if (!parse_record(w, type, 0, w.n, arena, &record)) return PARSE_BAD;
    *ret = record;
    return PARSE_DONE;
}

/* A record of the answer section, not yet decoded. */
struct raw_record {
    struct str owner;
    uint16_t type;
    uint32_t ttl;
    size_t at, end; /* of the rdata */
};
struct answer_section {
    struct raw_record *records;
    size_t count;
};

/* *ret_is_ours: class IN and owned by a host name. */
static bool get_raw_record(struct wire w, size_t *at, struct arena *arena, struct raw_record *ret, bool *ret_is_ours) {
    struct name owner;
    uint16_t class, length;
    if (!get_name(w, at, &owner) || !get_u16(w, at, &ret->type) || !get_u16(w, at, &class) || !get_u32(w, at, &ret->ttl) ||
        !get_u16(w, at, &length) || w.n - *at < length)
        return false;
    *ret_is_ours = class == CLASS_IN && owner.is_host;
    if (*ret_is_ours) ret->owner = arena_str(arena, str_make(owner.text, owner.n));
    ret->at = *at;
    ret->end = *at += length;
    return true;
}

static bool get_answers(struct wire w, size_t *at, size_t count, struct arena *arena, struct answer_section *ret) {
    size_t room = (w.n - *at) / 11; /* the smallest record */
    if (count > room) return false;
    if (count > LOOKED_AT_MAX) count = LOOKED_AT_MAX;
    ret->records = arena_array(arena, count, sizeof *ret->records);
    ret->count = 0;
    for (size_t i = 0; i < count; i++) {
        bool is_ours;
        if (!get_raw_record(w, at, arena, &ret->records[ret->count], &is_ours)) return false;
        ret->count += is_ours;
    }
    return true;
}

/* The end of the CNAMEs that lead away from `name`. */
static struct str follow_chain(struct wire w, const struct answer_section *answers, struct str name, struct arena *arena) {
    for (int hops = 0; hops < CHAIN_MAX; hops++) {
        const struct raw_record *cname = NULL;
        for (size_t i = 0; i < answers->count && !cname; i++)
            if (answers->records[i].type == DNS_CNAME && str_eq(answers->records[i].owner, name)) cname = &answers->records[i];
        struct dns_record target = {0};
        if (!cname || !parse_host(w, cname->at, cname->end, arena, &target)) break;
        name = target.name;
    }
    return name;
}

/* The records of the name and type; false when there were some and none is good. */
static bool collect(struct wire w, const struct answer_section *answers, struct str owner, struct arena *arena,
                    struct dns_answer *ret) {
    size_t matching = 0;
    struct dns_record *records = arena_array(arena, answers->count, sizeof *records);
    for (size_t i = 0; i < answers->count && ret->count < DNS_RECORDS_MAX; i++) {
        const struct raw_record *raw = &answers->records[i];
        if (raw->type != ret->type || !str_eq(raw->owner, owner)) continue;
        matching++;
        struct dns_record record = {0};
        if (!parse_record(w, ret->type, raw->at, raw->end, arena, &record)) continue;
        uint32_t ttl = raw->ttl > INT32_MAX ? 0 : raw->ttl > DNS_TTL_MAX ? DNS_TTL_MAX : raw->ttl; /* RFC 2181 8 */
        if (ret->count == 0 || ttl < ret->ttl) ret->ttl = ttl;
        records[ret->count++] = record;
    }
    ret->records = records;
    return matching == 0 || ret->count > 0;
}

/* Header and the one question, which must be ours. */
static bool get_head(struct wire w, size_t *at, struct dns_question question, unsigned *ret_rcode, size_t *ret_answers) {
    uint16_t id, flags, questions, answers, authorities, additionals, type, class;
    struct name name;
    if (w.n < HEADER_BYTES || !get_u16(w, at, &id) || !get_u16(w, at, &flags) || !get_u16(w, at, &questions) ||
        !get_u16(w, at, &answers) || !get_u16(w, at, &authorities) || !get_u16(w, at, &additionals))
        return false;
    if (!(flags & 0x8000) || questions != 1) return false;
    if (!get_name(w, at, &name) || !get_u16(w, at, &type) || !get_u16(w, at, &class)) return false;
    *ret_rcode = flags & 0xf;
    *ret_answers = answers;
    return type == question.type && class == CLASS_IN && str_eq_nocase(str_make(name.text, name.n), question.name);
}

enum parse dns_message_parse(struct str message, struct dns_question question, struct arena *arena, struct dns_answer *ret) {
    struct wire w = {(const uint8_t *)message.p, message.n};
    struct answer_section answers;
    struct dns_answer answer = {.type = question.type};
    size_t at = 0, count;
    unsigned rcode;
    if (!get_head(w, &at, question, &rcode, &count) || !get_answers(w, &at, count, arena, &answers)) return PARSE_BAD;
    struct str asked = arena_lower(arena, question.name);
    struct str owner = question.type == DNS_CNAME ? asked : follow_chain(w, &answers, asked, arena);
    if (!str_eq(owner, asked)) answer.canonical = owner;
    if (rcode == RCODE_NXDOMAIN) {
        answer.status = STATUS_NOT_FOUND;
    } else if (rcode != 0) {
        answer.status = STATUS_TEMPORARY;
    } else if (!collect(w, &answers, owner, arena, &answer)) {
        return PARSE_BAD;
    }
    *ret = answer;
    return PARSE_DONE;
}

void dns_answer_copy(const struct dns_answer *answer, struct arena *arena, struct dns_answer *ret) {
    struct dns_record *records = arena_array(arena, answer->count, sizeof *records);
    for (size_t i = 0; i < answer->count; i++) {
        records[i] = answer->records[i];
        records[i].name = arena_str(arena, records[i].name);
        records[i].text = arena_str(arena, records[i].text);
    }
    *ret = *answer;
    ret->canonical = arena_str(arena, answer->canonical);
    ret->records = records;
}

bool dns_name_normalise(struct str name, struct arena *arena, struct str *ret) {
    if (str_ends(name, STR("."))) name.n--;
    if (str_is_empty(name) || name.n > DNS_NAME_MAX) return false;
    struct str rest = name, label;
    while (str_next(&rest, '.', &label)) {
        if (str_is_empty(label) || label.n > DNS_LABEL_MAX) return false;
        for (size_t i = 0; i < label.n; i++)
            if (!is_name_char(label.p[i])) return false;
    }
    *ret = arena_lower(arena, name);
    return true;
}

bool dns_address_parse(struct str text, uint8_t ret_address[16], size_t *ret_n) {
    char z[INET6_ADDRSTRLEN];
    uint8_t address[16];
    if (text.n >= sizeof z || str_find(text, '\0') != STR_NONE) return false;
    memcpy(z, text.p, text.n);
    z[text.n] = '\0';
    bool is_v6 = str_find(text, ':') != STR_NONE;
    if (inet_pton(is_v6 ? AF_INET6 : AF_INET, z, address) != 1) return false;
    *ret_n = is_v6 ? 16 : 4;
    memcpy(ret_address, address, *ret_n);
    return true;
}
