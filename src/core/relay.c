/* relay.c - see relay.h. Three maps answer by name: recipients' domains of rows without senders, senders of rows without domains,
 * and pairs of both; a name is looked up, then each name above it as "*.", so a lookup costs its labels and not the rows.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/relay.h"

#include "base/map.h"

#include <stdlib.h>
#include <string.h>

struct relay_table {
    struct arena arena;
    struct relay *relays;
    size_t count;
    const struct relay *smarthost;
    struct map *by_domain, *by_sender, *by_pair; /* pair: "sender recipient" */
};

/* ---- lists of names ---- */
static bool name_is_valid(struct str name) {
    struct str rest = str_starts(name, STR("*.")) ? str_sub(name, 2, SIZE_MAX) : name, label;
    if (rest.n == 0 || rest.n > 253) return false;
    while (str_next(&rest, '.', &label)) {
        if (label.n == 0 || label.n > 63) return false;
        for (size_t i = 0; i < label.n; i++)
            if (!ascii_is_alnum(label.p[i]) && label.p[i] != '-' && label.p[i] != '_') return false;
    }
    return true;
}

const char *relay_domains_check(struct str text) {
    struct str rest = text, name;
    while (!str_is_empty(text) && str_next(&rest, ',', &name))
        if (!name_is_valid(str_trim(name))) return "expected domains like example.com or *.example.com, several with commas";
    return NULL;
}

/* Take the next name off *rest: lower case, without blanks. */
static bool next_name(struct arena *arena, struct str *rest, struct str *ret) {
    struct str name;
    if (!str_next(rest, ',', &name)) return false;
    *ret = arena_lower(arena, str_trim(name));
    return true;
}

/* ---- the table ---- */
static bool put(struct map *map, struct str name, const struct relay *relay) {
    return map_put(map, name, (void *)(uintptr_t)relay) == NULL;
}

/* False: another row has one of the names. */
static bool put_all(struct relay_table *t, const struct relay *relay, struct str domains, struct str senders) {
    struct str name, sender;
    bool is_new = true;
    if (str_is_empty(senders)) {
        while (next_name(&t->arena, &domains, &name)) is_new = put(t->by_domain, name, relay) && is_new;
        return is_new;
    }
    while (next_name(&t->arena, &senders, &sender)) {
        if (str_is_empty(domains)) is_new = put(t->by_sender, sender, relay) && is_new;
        for (struct str rest = domains; !str_is_empty(domains) && next_name(&t->arena, &rest, &name);)
            is_new = put(t->by_pair, arena_strf(&t->arena, "%.*s %.*s", STR_ARG(sender), STR_ARG(name)), relay) && is_new;
    }
    return is_new;
}

static bool has_name(const struct relay_table *t, struct str name) {
    for (size_t i = 0; i < t->count; i++)
        if (str_eq(t->relays[i].name, name)) return true;
    return false;
}

/* NULL, or what is wrong with the row, given those before it. */
static const char *row_check(const struct relay_table *t, const struct relay_row *row) {
    bool is_smarthost = str_is_empty(row->domains) && str_is_empty(row->senders);
    if (has_name(t, row->name)) return "the name stands twice";
    if (str_is_empty(row->host)) return "host is missing";
    if (str_is_empty(row->user) != str_is_empty(row->password)) return "user and password belong together";
    if (is_smarthost && t->smarthost) return "a relay needs domains or senders; only the smarthost takes everything";
    const char *why = relay_domains_check(row->domains);
    return why ? why : relay_domains_check(row->senders);
}

static const char *row_add(struct relay_table *t, const struct relay_row *row) {
    const char *why = row_check(t, row);
    if (why) return why;
    struct relay *r = &t->relays[t->count++];
    enum relay_tls tls = str_is_empty(row->password) ? RELAY_OPPORTUNISTIC : RELAY_VERIFY;
    *r = (struct relay){
        .name = arena_str(&t->arena, row->name),
        .host = arena_str(&t->arena, row->host),
        .port = row->port,
        .tls = row->tls < 0 ? tls : (enum relay_tls)row->tls,
        .user = arena_str(&t->arena, row->user),
        .password = arena_str(&t->arena, row->password),
        .site = arena_strf(&t->arena, "relay:%.*s", STR_ARG(row->name)),
    };
    if (str_is_empty(row->domains) && str_is_empty(row->senders)) {
        t->smarthost = r;
        return NULL;
    }
    return put_all(t, r, row->domains, row->senders) ? NULL : "another relay has one of its names already";
}

enum status relay_table_new(const struct relay_row *rows, size_t count, struct relay_table **ret, struct buf *ret_why) {
    if (count > RELAYS_MAX + 1) {
        buf_addf(ret_why, "more than %d relays", RELAYS_MAX);
        return STATUS_INVALID;
    }
    struct relay_table *t = calloc(1, sizeof *t);
    if (!t) abort();
    t->relays = arena_array(&t->arena, count, sizeof *t->relays);
    t->by_domain = map_new();
    t->by_sender = map_new();
    t->by_pair = map_new();
    for (size_t i = 0; i < count; i++) {
        const char *why = row_add(t, &rows[i]);
        if (!why) continue;
        buf_addf(ret_why, "[relay %.*s]: %s", STR_ARG(rows[i].name), why);
        relay_table_free(&t);
        return STATUS_INVALID;
    }
    *ret = t;
    return STATUS_OK;
}

void relay_table_free(struct relay_table **table) {
    struct relay_table *t = *table;
    if (!t) return;
    for (size_t i = 0; i < t->count; i++)
        if (t->relays[i].password.n) explicit_bzero((char *)(uintptr_t)t->relays[i].password.p, t->relays[i].password.n);
    map_free(&t->by_domain);
    map_free(&t->by_sender);
    map_free(&t->by_pair);
    arena_fini(&t->arena);
    free(t);
    *table = NULL;
}

/* ---- lookups ---- */
/* The forms under which a name may stand, narrowest first: "a.b.c", "*.b.c", "*.c". Takes one off *rest. */
static bool next_form(struct str name, struct str *rest, struct buf *ret) {
    if (!rest->p) return false;
    buf_reset(ret);
    if (rest->n != name.n) buf_add_z(ret, "*.");
    buf_add_str(ret, *rest);
    size_t dot = str_find(*rest, '.');
    *rest = dot == STR_NONE ? (struct str){0} : str_sub(*rest, dot + 1, SIZE_MAX);
    return true;
}

static const struct relay *find(const struct map *map, struct str name) {
    BUF_AUTO form = {0};
    struct str rest = name;
    while (map_count(map) && next_form(name, &rest, &form)) {
        const struct relay *relay = map_find(map, buf_str(&form));
        if (relay) return relay;
    }
    return NULL;
}

static const struct relay *find_pair(const struct relay_table *t, struct str sender, struct str recipient) {
    BUF_AUTO from = {0};
    BUF_AUTO to = {0};
    struct str senders = sender;
    while (map_count(t->by_pair) && next_form(sender, &senders, &from)) {
        size_t length = from.n;
        for (struct str recipients = recipient; next_form(recipient, &recipients, &to); buf_cut(&from, length)) {
            buf_addf(&from, " %.*s", STR_ARG(buf_str(&to)));
            const struct relay *relay = map_find(t->by_pair, buf_str(&from));
            if (relay) return relay;
        }
    }
    return NULL;
}

const struct relay *relay_of_domain(const struct relay_table *t, struct str recipient_domain) {
    if (!t) return NULL;
    const struct relay *relay = find(t->by_domain, recipient_domain);
    return relay ? relay : t->smarthost;
}

const struct relay *relay_of_sender(const struct relay_table *t, struct str sender_domain, struct str recipient_domain) {
    if (!t) return NULL;
    const struct relay *relay = find_pair(t, sender_domain, recipient_domain);
    return relay ? relay : find(t->by_sender, sender_domain);
}

bool relay_has_senders(const struct relay_table *t) {
    return t && (map_count(t->by_sender) || map_count(t->by_pair));
}

size_t relay_count(const struct relay_table *t) {
    return t ? t->count : 0;
}

const struct relay *relay_get(const struct relay_table *t, size_t i) {
    return &t->relays[i];
}
