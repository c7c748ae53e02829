/* tls_tally.c - see tls_tally.h.
 *
 * A count is found by the bytes of what makes it: day, domain, what the domain publishes (by its short key), which host's DANE
 * ruled, and for failures result and addresses. Only a new one costs more: its policy is written out as JSON then.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/tls_tally.h"

#include "base/encode.h"
#include "base/map.h"
#include "crypto/digest.h"
#include "proto/json/json_write.h"

#include <stdlib.h>
#include <string.h>

#define POLICY_KEY_BYTES 16 /* of the SHA-256 */

struct tally_item {
    struct tls_count count;
    size_t bytes;
    char text[]; /* the count's strings */
};
struct tls_tally {
    struct map *items;
    size_t bytes;
    struct buf key, source, target; /* scratch */
};

struct tls_tally *tls_tally_new(void) {
    struct tls_tally *t = calloc(1, sizeof *t);
    if (!t) abort();
    t->items = map_new();
    return t;
}

void tls_tally_free(struct tls_tally **tally) {
    struct tls_tally *t = *tally;
    if (!t) return;
    *tally = NULL;
    struct str key;
    void *item = NULL;
    for (size_t cursor = 0; map_next(t->items, &cursor, &key, &item);) free(item);
    map_free(&t->items);
    buf_fini(&t->key);
    buf_fini(&t->source);
    buf_fini(&t->target);
    free(t);
}

size_t tls_tally_count(const struct tls_tally *t) {
    return map_count(t->items);
}

/* ---- what a session comes to ---- */
/* Whatever was enough to deliver: in clear is no success of TLS, nor is a policy that could not be had (RFC 8460 4.3). */
static enum tls_result result_of(const struct tls_session *s) {
    enum tls_result result = s->verdict->result, trouble = s->demand->published.sts_trouble;
    if (result == TLS_RESULT_SUCCESS && !s->is_tls)
        result = s->is_tried ? TLS_RESULT_VALIDATION_FAILURE : TLS_RESULT_STARTTLS_NOT_SUPPORTED;
    return result == TLS_RESULT_SUCCESS ? trouble : result;
}

/* ---- policies in the words of RFC 8460 4.4 ---- */
static void write_tlsa(struct json_writer *w, const struct tls_host *host) {
    json_add_array(w, STR("policy-string"));
    for (size_t i = 0; i < host->tlsa_count; i++) {
        const struct dns_record *r = &host->tlsa[i];
        BUF_AUTO line = {0};
        buf_addf(&line, "%u %u %u ", r->usage, r->selector, r->matching);
        hex_encode(&line, r->text);
        json_str(w, buf_str(&line));
    }
    json_close_array(w);
}

static void write_sts_line(struct json_writer *w, const char *key, struct str value) {
    BUF_AUTO line = {0};
    buf_addf(&line, "%s: %.*s", key, STR_ARG(value));
    json_str(w, buf_str(&line));
}

static void write_sts(struct json_writer *w, const struct mta_sts_policy *policy) {
    static const struct str modes[] = {
        [MTA_STS_NONE] = STR_INIT("none"), [MTA_STS_TESTING] = STR_INIT("testing"), [MTA_STS_ENFORCE] = STR_INIT("enforce")};
    BUF_AUTO age = {0};
    buf_add_u64(&age, policy->max_age_s);
    json_add_array(w, STR("policy-string"));
    write_sts_line(w, "version", STR("STSv1"));
    write_sts_line(w, "mode", modes[policy->mode]);
    for (size_t i = 0; i < policy->mx_count; i++) write_sts_line(w, "mx", policy->mx[i]);
    write_sts_line(w, "max_age", buf_str(&age));
    json_close_array(w);
}

static void write_mx(struct json_writer *w, const struct mta_sts_policy *policy) {
    json_add_array(w, STR("mx-host"));
    for (size_t i = 0; i < policy->mx_count; i++) json_str(w, policy->mx[i]);
    json_close_array(w);
}

static void write_policy(const struct tls_session *s, const struct tls_host *dane, struct buf *out) {
    const struct tls_published *p = &s->demand->published;
    struct json_writer w = {.out = out};
    bool has_sts = p->sts.mode != MTA_STS_NONE;
    json_open_object(&w);
    if (dane) {
        json_add_z(&w, STR("policy-type"), "tlsa");
        write_tlsa(&w, dane);
        json_add_str(&w, STR("policy-domain"), dane->dane_name.n ? dane->dane_name : dane->name);
    } else {
        json_add_z(&w, STR("policy-type"), has_sts || p->sts_trouble ? "sts" : "no-policy-found");
        if (has_sts) write_sts(&w, &p->sts);
        json_add_str(&w, STR("policy-domain"), s->domain);
        if (has_sts) write_mx(&w, &p->sts);
    }
    json_close_object(&w);
}

/* ---- counting ---- */
static void add_part(struct buf *key, struct str part) {
    buf_add_str(key, part);
    buf_add_char(key, '\0');
}

static void format_ip(struct buf *out, const struct ip *ip) {
    buf_reset(out);
    if (ip->family) ip_format(out, ip);
}

static void make_key(struct tls_tally *t, const struct tls_session *s, int64_t day, enum tls_result result,
                     const struct tls_host *dane) {
    buf_reset(&t->key);
    buf_add_i64(&t->key, day);
    buf_addf(&t->key, " %d ", (int)result);
    add_part(&t->key, s->domain);
    add_part(&t->key, s->demand->published.key);
    add_part(&t->key, dane ? s->host : STR(""));
    if (result == TLS_RESULT_SUCCESS) return;
    add_part(&t->key, s->host);
    format_ip(&t->source, &s->from);
    format_ip(&t->target, &s->to);
    add_part(&t->key, buf_str(&t->source));
    add_part(&t->key, buf_str(&t->target));
    add_part(&t->key, str_from_z(s->verdict->words));
}

static struct str put(char **at, struct str s) {
    char *copy = *at;
    memcpy(copy, s.n ? s.p : "", s.n);
    *at += s.n;
    return str_make(copy, s.n);
}

static struct tally_item *item_new(const struct tls_tally *t, const struct tls_session *s, int64_t day, enum tls_result result,
                                   const struct tls_host *dane) {
    BUF_AUTO policy = {0};
    BUF_AUTO hex = {0};
    bool is_good = result == TLS_RESULT_SUCCESS;
    write_policy(s, dane, &policy);
    struct sha256 hash = sha256(buf_str(&policy));
    hex_encode(&hex, str_sub(sha256_str(&hash), 0, POLICY_KEY_BYTES));
    size_t bytes = s->domain.n + hex.n + policy.n + (is_good ? 0 : t->source.n + s->host.n + t->target.n);
    struct tally_item *item = calloc(1, sizeof *item + bytes);
    if (!item) abort();
    char *at = item->text;
    item->bytes = sizeof *item + bytes;
    item->count = (struct tls_count){.day = day,
                                     .domain = put(&at, s->domain),
                                     .policy_key = put(&at, buf_str(&hex)),
                                     .policy = put(&at, buf_str(&policy)),
                                     .result = str_from_z(tls_result_name(result))};
    if (is_good) return item;
    item->count.sender_ip = put(&at, buf_str(&t->source));
    item->count.host = put(&at, s->host);
    item->count.host_ip = put(&at, buf_str(&t->target));
    item->count.reason = str_from_z(s->verdict->words);
    return item;
}

void tls_tally_add(struct tls_tally *t, const struct tls_session *s, int64_t now) {
    if (s->demand->waives) return;
    int64_t day = now / CLOCK_DAY_MS;
    enum tls_result result = result_of(s);
    const struct tls_host *dane = tls_demand_dane(s->demand, s->host);
    make_key(t, s, day, result, dane);
    struct tally_item *item = map_find(t->items, buf_str(&t->key));
    if (!item) {
        if (map_count(t->items) >= TLS_TALLY_MAX || t->bytes >= TLS_TALLY_BYTES) return;
        item = item_new(t, s, day, result, dane);
        map_put(t->items, buf_str(&t->key), item);
        t->bytes += item->bytes + t->key.n;
    }
    item->count.sessions++;
}

/* ---- out ---- */
static struct tls_count count_copy(const struct tls_count *c, struct arena *arena) {
    return (struct tls_count){
        .day = c->day,
        .domain = arena_str(arena, c->domain),
        .policy_key = arena_str(arena, c->policy_key),
        .policy = arena_str(arena, c->policy),
        .result = c->result,
        .sender_ip = arena_str(arena, c->sender_ip),
        .host = arena_str(arena, c->host),
        .host_ip = arena_str(arena, c->host_ip),
        .reason = c->reason,
        .sessions = c->sessions,
    };
}

size_t tls_tally_take(struct tls_tally *t, struct arena *arena, struct tls_count *ret, size_t max) {
    size_t n = 0;
    struct str key;
    void *value = NULL;
    for (size_t cursor = 0; n < max && map_next(t->items, &cursor, &key, &value); n++) {
        struct tally_item *item = value;
        ret[n] = count_copy(&item->count, arena);
        t->bytes -= item->bytes + key.n;
        map_remove(t->items, key);
        free(item);
    }
    return n;
}
