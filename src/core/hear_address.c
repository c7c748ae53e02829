/* hear_address.c - which addresses are ours: tokens, and a table of names that every host of ours has.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "core/hear_own.h"
#include "proto/mime/header.h"

#define NAMESAKES_MAX 100 /* accounts that have the same domain */

static const struct {
    struct str local;
    unsigned takes;
    bool is_hostless; /* RFC 5321 4.5.1 */
} names[] = {
    {STR_INIT("postmaster"), HEAR_MAIL, true},
    {STR_INIT("abuse"), HEAR_MAIL | HEAR_COMPLAINTS, false},
    {STR_INIT("complaints"), HEAR_COMPLAINTS, false},
    {STR_INIT("fbl"), HEAR_COMPLAINTS, false},
};

bool hear_address_parse(const struct seal_key *key, struct str mailbox, struct hear_address *ret) {
    size_t at = str_find_last(mailbox, '@');
    struct str local = str_sub(mailbox, 0, at);
    struct hear_address a = {.mailbox = mailbox, .host = at == STR_NONE ? STR("") : str_sub(mailbox, at + 1, SIZE_MAX)};
    a.has_token = return_path_parse(key, local, &a.path);
    for (size_t i = 0; !a.has_token && i < sizeof names / sizeof names[0]; i++)
        if (str_eq_nocase(local, names[i].local) && (a.host.n || names[i].is_hostless)) a.takes = names[i].takes;
    if (a.has_token ? a.host.n == 0 : a.takes == 0) return false;
    *ret = a;
    return true;
}

/* ---- hosts ---- */
static bool is_return_path_of(struct str host, const struct domain *domain) {
    struct str first = str_sub(host, 0, domain->subdomain.n), dot = str_sub(host, domain->subdomain.n, 1);
    return str_eq_nocase(first, domain->subdomain) && str_eq(dot, STR(".")) &&
           str_eq_nocase(str_sub(host, domain->subdomain.n + 1, SIZE_MAX), domain->name);
}

/* NOT_FOUND: no domain's mail comes back there. */
static enum status find_host(struct db *db, struct str host) {
    ARENA_AUTO arena = {0};
    struct domain_list list;
    size_t dot = str_find(host, '.');
    if (dot == STR_NONE) return STATUS_NOT_FOUND;
    struct str name = arena_lower(&arena, str_sub(host, dot + 1, SIZE_MAX));
    enum status status = domain_list_named(db, &arena, name, NAMESAKES_MAX, &list);
    if (status != STATUS_OK) return status;
    for (size_t i = 0; i < list.count; i++)
        if (is_return_path_of(host, &list.items[i])) return STATUS_OK;
    return STATUS_NOT_FOUND;
}

/* ---- tokens ---- */
static bool is_over(const struct return_path *path, const struct recipient *r, int64_t now) {
    return path->use == RETURN_PATH_BOUNCE && now - r->changed_at > HEAR_REPORTS_MS;
}

enum status hear_target_load(struct db *db, struct arena *arena, const struct hear_place *place,
                             const struct hear_address *address, int64_t now, struct addressee *ret) {
    struct addressee t;
    enum status status = addressee_load(db, arena, address->path.recipient_id, &t);
    if (status != STATUS_OK) return status;
    if (is_over(&address->path, &t.recipient, now)) return STATUS_NOT_FOUND;
    if (!str_eq_nocase(address->host, place->hostname) && !is_return_path_of(address->host, &t.domain)) return STATUS_NOT_FOUND;
    *ret = t;
    return STATUS_OK;
}

enum status hear_address_check(struct db *db, const struct hear_place *place, const struct hear_address *address, int64_t now) {
    ARENA_AUTO arena = {0};
    struct addressee ignored;
    if (address->has_token) return hear_target_load(db, &arena, place, address, now, &ignored);
    if (address->host.n == 0 || str_eq_nocase(address->host, place->hostname)) return STATUS_OK;
    return find_host(db, address->host);
}

/* ---- a message of ours ---- */
static bool parse_token(const struct seal_key *key, struct str mailbox, struct hear_address *ret) {
    struct hear_address a;
    if (!hear_address_parse(key, str_trim(mailbox), &a) || !a.has_token) return false;
    *ret = a;
    return true;
}

/* `<...>` one after the other, of any field: a return path, or the URIs of a list's field. */
static bool find_in_angles(const struct seal_key *key, struct str value, struct hear_address *ret) {
    static const struct str scheme = STR_INIT("mailto:");
    struct str part;
    while (str_next(&value, '<', &part)) {
        struct str inside = str_sub(part, 0, str_find(part, '>'));
        if (str_starts_nocase(inside, scheme)) inside = str_sub(inside, scheme.n, str_find(inside, '?') - scheme.n);
        if (parse_token(key, inside, ret)) return true;
    }
    return false;
}

/* The next field that can be read: who made the report may have put lines of his own between (a "From " line). */
static bool next_field(struct str *rest, struct header_field *ret) {
    enum header_step step;
    struct str ignored;
    while ((step = header_next(rest, ret)) == HEADER_BAD) (void)str_next(rest, '\n', &ignored);
    return step == HEADER_FIELD;
}

bool hear_find_token(const struct seal_key *key, struct str header, struct hear_address *ret) {
    static const struct str fields[] = {STR_INIT("Return-Path"), STR_INIT("List-Unsubscribe")};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        struct str rest = header;
        struct header_field field;
        while (next_field(&rest, &field))
            if (str_eq_nocase(field.name, fields[i]) && find_in_angles(key, field.value, ret)) return true;
    }
    return false;
}
