/* resolver.c - names and their answers, failures and delays from a table.
 *
 * net/resolver.h over what a test wrote with sim_dns_*: an answer is an event of the world, DELAY_MS after the question or as
 * late as the name was told to be, and never comes from inside the call. A failure stands before the records and can wear off.
 * There is no cache and no TTL that runs out: each question sees the table of its moment.
 * SPDX-License-Identifier: Apache-2.0 */
#include "net/resolver.h"

#include "base/encode.h"
#include "net_sim/sim_own.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdlib.h>

#define CNAME_HOPS_MAX 8
#define ANSWER_TTL_S   300
#define DELAY_MS       1
#define LOST_MS        30000 /* until the asker gives up */

static const enum dns_type types[] = {DNS_A, DNS_CNAME, DNS_PTR, DNS_MX, DNS_TXT, DNS_AAAA, DNS_TLSA};
#define TYPE_COUNT (sizeof(types) / sizeof(types[0]))

struct sim_failure {
    enum status status;
    int times; /* left; -1: for ever */
};
struct sim_name {
    struct arena arena; /* of the records' strings */
    struct dns_record *records[TYPE_COUNT];
    size_t count[TYPE_COUNT];
    struct sim_failure failure[TYPE_COUNT];
    unsigned asked[TYPE_COUNT];
    int64_t delay_ms;
    bool exists; /* something was added */
    bool is_secure;
};
struct resolver {
    struct loop *world;
    struct list queries;
};
struct resolver_query {
    struct list node;
    struct sim_event event;
    struct resolver *resolver;
    struct arena arena;
    struct dns_question question;
    bool is_lost;
    resolver_answer_fn fn;
    void *arg;
};

static size_t type_index(enum dns_type type) {
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        if (types[i] == type) return i;
    }
    abort();
}

/* ---- the table ---- */

static struct sim_name *name_get(struct loop *world, struct str name) {
    struct sim_name *n = map_find(world->names, name);
    if (n) return n;
    n = sim_zalloc(sizeof *n);
    n->delay_ms = DELAY_MS;
    map_put(world->names, name, n);
    return n;
}

static void name_free(struct sim_name *n) {
    if (!n) return;
    for (size_t i = 0; i < TYPE_COUNT; i++) free(n->records[i]);
    arena_fini(&n->arena);
    free(n);
}

void sim_names_free(struct loop *world) {
    struct str key;
    void *value = NULL;
    for (size_t cursor = 0; map_next(world->names, &cursor, &key, &value);) name_free(value);
    map_free(&world->names);
}

/* "3 1 1 <hex>" */
static bool tlsa_parse(struct arena *arena, struct str data, struct dns_record *ret) {
    uint8_t *const fields[] = {&ret->usage, &ret->selector, &ret->matching};
    BUF_AUTO bytes = {0};
    struct str field;
    uint64_t number;
    for (size_t i = 0; i < 3; i++) {
        if (!str_next(&data, ' ', &field) || !str_to_u64(field, &number)) return false;
        *fields[i] = (uint8_t)number;
    }
    bool ok = hex_decode(&bytes, data);
    ret->text = arena_str(arena, buf_str(&bytes));
    return ok;
}

static struct dns_record record_parse(struct arena *arena, enum dns_type type, struct str data) {
    struct dns_record r = {.preference = 0};
    struct str number;
    uint64_t preference = 0;
    int ok = 1;
    switch (type) {
    case DNS_A:
    case DNS_AAAA:
        ok = inet_pton(type == DNS_A ? AF_INET : AF_INET6, arena_z(arena, data), r.address);
        break;
    case DNS_MX:
        ok = str_next(&data, ' ', &number) && str_to_u64(number, &preference);
        r.preference = (uint16_t)preference;
        r.name = str_eq(data, STR(".")) ? STR("") : arena_str(arena, data);
        break;
    case DNS_TLSA:
        ok = tlsa_parse(arena, data, &r);
        break;
    case DNS_TXT:
        r.text = arena_str(arena, data);
        break;
    case DNS_CNAME:
    case DNS_PTR:
        r.name = arena_str(arena, data);
        break;
    }
    assert(ok == 1);
    (void)ok;
    return r;
}

void sim_dns_add(struct loop *world, const char *name, enum dns_type type, const char *data) {
    struct sim_name *n = name_get(world, str_from_z(name));
    size_t t = type_index(type);
    n->exists = true;
    n->records[t] = reallocarray(n->records[t], n->count[t] + 1, sizeof(struct dns_record));
    if (!n->records[t]) abort();
    n->records[t][n->count[t]++] = record_parse(&n->arena, type, str_from_z(data));
}

void sim_dns_secure(struct loop *world, const char *name) {
    name_get(world, str_from_z(name))->is_secure = true;
    world->is_validating = true;
}

void sim_dns_remove(struct loop *world, const char *name) {
    name_free(map_remove(world->names, str_from_z(name)));
}

void sim_dns_fail(struct loop *world, const char *name, enum dns_type type, enum status status, int times) {
    name_get(world, str_from_z(name))->failure[type_index(type)] = (struct sim_failure){status, times};
}

void sim_dns_delay(struct loop *world, const char *name, int64_t ms) {
    name_get(world, str_from_z(name))->delay_ms = ms;
}

void sim_dns_dead(struct loop *world, bool is_dead) {
    world->is_dns_dead = is_dead;
}

unsigned sim_dns_asked(struct loop *world, const char *name, enum dns_type type) {
    return name_get(world, str_from_z(name))->asked[type_index(type)];
}

/* ---- answers ---- */

static bool failure_take(struct sim_failure *f, enum status *ret) {
    if (f->times == 0) return false;
    if (f->times > 0) f->times--;
    *ret = f->status;
    return true;
}

static void answer_find(struct loop *world, struct dns_question question, struct dns_answer *ret) {
    *ret = (struct dns_answer){.type = question.type, .ttl = ANSWER_TTL_S, .secure = world->is_validating};
    size_t t = type_index(question.type), cname = type_index(DNS_CNAME);
    struct str at = question.name;
    for (int hops = 0; hops <= CNAME_HOPS_MAX; hops++) {
        struct sim_name *n = map_find(world->names, at);
        if (n && failure_take(&n->failure[t], &ret->status)) return;
        ret->secure = ret->secure && n && n->is_secure;
        if (!n || !n->exists) {
            ret->status = STATUS_NOT_FOUND;
            return;
        }
        if (n->count[t] > 0 || n->count[cname] == 0) {
            ret->records = n->records[t];
            ret->count = n->count[t];
            ret->canonical = hops > 0 ? at : STR("");
            return;
        }
        at = n->records[cname][0].name;
    }
    ret->status = STATUS_TEMPORARY; /* a loop */
}

static void query_free(struct resolver_query *q) {
    list_remove(&q->node);
    sim_event_cancel(&q->event);
    arena_fini(&q->arena);
    free(q);
}

static void query_answer(void *arg) {
    struct resolver_query *q = arg;
    struct dns_answer answer;
    if (q->is_lost)
        answer = (struct dns_answer){.status = STATUS_TIMEOUT, .type = q->question.type};
    else
        answer_find(q->resolver->world, q->question, &answer);
    list_remove(&q->node); /* from here on it cannot be cancelled */
    q->fn(q->arg, &answer);
    query_free(q);
}

enum status resolver_new(struct loop *loop, const struct resolver_options *options, struct resolver **ret) {
    (void)options;
    struct resolver *r = sim_zalloc(sizeof *r);
    r->world = loop;
    list_init(&r->queries);
    *ret = r;
    return STATUS_OK;
}

void resolver_free(struct resolver **r) {
    if (!*r) return;
    LIST_FOR_EACH_SAFE (it, &(*r)->queries) query_free(LIST_OWNER(it, struct resolver_query, node));
    free(*r);
    *r = NULL;
}

bool resolver_is_validating(const struct resolver *r) {
    return r->world->is_validating;
}

struct resolver_query *resolver_ask(struct resolver *r, struct loop *loop, struct dns_question question, resolver_answer_fn fn,
                                    void *arg) {
    assert(loop == r->world);
    struct sim_name *n = name_get(r->world, question.name);
    n->asked[type_index(question.type)]++;
    struct resolver_query *q = sim_zalloc(sizeof *q);
    q->resolver = r;
    q->question = (struct dns_question){arena_str(&q->arena, question.name), question.type};
    q->fn = fn;
    q->arg = arg;
    list_add_tail(&r->queries, &q->node);
    sim_event_init(&q->event, query_answer, q);
    q->is_lost = r->world->is_dns_dead;
    sim_event_set(loop, &q->event, q->is_lost ? LOST_MS : n->delay_ms);
    return q;
}

void resolver_cancel(struct resolver_query **q) {
    if (*q) query_free(*q);
    *q = NULL;
}
