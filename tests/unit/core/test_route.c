/* test_route.c - from a domain to its hosts, fed with answers by hand. Each row of `cases` is a small zone and what must come of
 * it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/route.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- a zone as text: "NAME TYPE data; ..." with the types MX, A, AAAA, and FAIL-MX, LATE-A ... for SERVFAIL and time-out; TXT
 * and TLSA "usage selector matching"; CNAME; and "NAME SECURE": its answers are under DNSSEC ---- */

struct zone {
    const char *text;
    struct arena arena;
    struct dns_record records[2100];
};

static struct str type_name(enum dns_type type) {
    static const struct {
        enum dns_type type;
        struct str name;
    } names[] = {{DNS_MX, STR_INIT("MX")}, {DNS_A, STR_INIT("A")}, {DNS_TXT, STR_INIT("TXT")}, {DNS_TLSA, STR_INIT("TLSA")}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].type == type) return names[i].name;
    return STR("AAAA");
}

static void record_add(struct zone *z, struct dns_answer *answer, struct str data) {
    struct dns_record *r = &z->records[answer->count++];
    *r = (struct dns_record){.preference = 0};
    struct str number;
    uint64_t preference = 0;
    if (answer->type == DNS_MX) {
        assert_true(str_next(&data, ' ', &number) && str_to_u64(number, &preference));
        r->preference = (uint16_t)preference;
        r->name = str_eq(data, STR(".")) ? STR("") : data;
    } else if (answer->type == DNS_TXT) { /* '|' stands for the semicolon */
        char *text = arena_z(&z->arena, data);
        for (size_t i = 0; i < data.n; i++)
            if (text[i] == '|') text[i] = ';';
        r->text = str_make(text, data.n);
    } else if (answer->type == DNS_TLSA) {
        r->usage = (uint8_t)(data.p[0] - '0');
        r->selector = (uint8_t)(data.p[2] - '0');
        r->matching = (uint8_t)(data.p[4] - '0');
        r->text = data;
    } else {
        assert_int_equal(inet_pton(answer->type == DNS_A ? AF_INET : AF_INET6, arena_z(&z->arena, data), r->address), 1);
    }
}

static void zone_answer(struct zone *z, const struct dns_question *q, struct dns_answer *ret) {
    *ret = (struct dns_answer){.status = STATUS_NOT_FOUND, .type = q->type, .records = z->records, .ttl = 300};
    struct str rest = str_from_z(z->text), line;
    struct str at = q->name;
    while (str_next(&rest, ';', &line)) {
        struct str name, type, data = str_trim(line);
        if (!str_next(&data, ' ', &name) || !str_eq(name, at) || !str_next(&data, ' ', &type)) continue;
        ret->secure = ret->secure || str_eq(type, STR("SECURE"));
        if (str_eq(type, STR("CNAME"))) at = ret->canonical = data;
        if (ret->status == STATUS_NOT_FOUND) ret->status = STATUS_OK;
        bool is_fail = str_starts(type, STR("FAIL-")), is_late = str_starts(type, STR("LATE-"));
        if (is_fail || is_late) type = str_sub(type, 5, SIZE_MAX);
        if (!str_eq(type, type_name(q->type))) continue;
        if (is_fail || is_late)
            ret->status = is_fail ? STATUS_TEMPORARY : STATUS_TIMEOUT;
        else
            record_add(z, ret, data);
    }
}

static uint64_t dice(void *ctx) {
    uint64_t *state = ctx;
    return *state = *state * 6364136223846793005u + 1442695040888963407u;
}
static void dice_fill(void *ctx, void *p, size_t n) {
    for (size_t i = 0; i < n; i++) ((uint8_t *)p)[i] = (uint8_t)(dice(ctx) >> 40);
}

static bool is_private(const struct route_address *a) {
    return a->family == 4 && (a->ip[0] == 10 || a->ip[0] == 127 || a->ip[0] == 0);
}

/* Run the machine; questions of one round are answered in a random order. Returns the number of questions. */
static size_t resolve(struct arena *arena, const struct route_options *o, const char *zone, uint64_t *seed,
                      const struct route **ret) {
    struct zone *z = calloc(1, sizeof *z);
    z->text = zone;
    struct route_machine *m = route_new(arena, o, STR("d.example"));
    struct dns_question open[64];
    size_t numbers[64], count = 0, asked = 0;
    for (;;) {
        size_t max = 1 + dice(seed) % 8, n = route_next(m, open + count, max < 64 - count ? max : 64 - count);
        for (size_t i = 0; i < n; i++) numbers[count + i] = asked++;
        count += n;
        if (count == 0) break;
        size_t pick = dice(seed) % count;
        struct dns_answer answer;
        zone_answer(z, &open[pick], &answer);
        route_answer(m, numbers[pick], &answer);
        open[pick] = open[--count];
        numbers[pick] = numbers[count];
    }
    route_fini(m);
    arena_fini(&z->arena);
    free(z);
    *ret = route_result(m);
    assert_non_null(*ret);
    return asked;
}

/* "mx1.example=192.0.2.1,192.0.2.2 mx2..." or "perm 550 5.1.2" */
static void describe(const struct route *r, struct buf *out) {
    if (r->verdict != ROUTE_HOSTS) {
        buf_addf(out, "%s %u %.*s", r->verdict == ROUTE_PERMANENT ? "perm" : "temp", r->code, STR_ARG(r->enhanced));
        assert_true(r->reason.n > 10);
        return;
    }
    for (size_t i = 0; i < r->host_count; i++) {
        buf_addf(out, "%s%.*s=", i ? " " : "", STR_ARG(r->hosts[i].name));
        for (size_t j = 0; j < r->hosts[i].address_count; j++) {
            char text[INET6_ADDRSTRLEN];
            const struct route_address *a = &r->hosts[i].addresses[j];
            buf_addf(out, "%s%s", j ? "," : "", inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->ip, text, sizeof text));
        }
    }
}

static const struct {
    const char *id, *zone, *expected;
} cases[] = {
    {"one host", "d.example MX 10 m.example; m.example A 1.2.3.4", "m.example=1.2.3.4"},
    {"order of preference", "d.example MX 20 b.example; d.example MX 10 a.example; a.example A 1.1.1.1; b.example A 2.2.2.2",
     "a.example=1.1.1.1 b.example=2.2.2.2"},
    {"DN01 NXDOMAIN", "other.example A 1.2.3.4", "perm 550 5.1.2"},
    {"DN01 SERVFAIL", "d.example FAIL-MX", "temp 451 4.4.3"},
    {"DN01 time-out", "d.example LATE-MX", "temp 451 4.4.3"},
    {"DN02 null MX", "d.example MX 0 .; d.example A 1.2.3.4", "perm 556 5.1.10"},
    {"DN03 null MX beside a host", "d.example MX 0 .; d.example MX 10 m.example; m.example A 1.2.3.4", "m.example=1.2.3.4"},
    {"DN03 two null MX", "d.example MX 0 .; d.example MX 10 .", "temp 451 4.4.4"},
    {"DN04 implicit MX", "d.example A 1.2.3.4", "d.example=1.2.3.4"},
    {"DN04 MX that does not resolve: no fallback", "d.example MX 10 m.example; d.example A 1.2.3.4", "temp 451 4.4.4"},
    {"DN04 MX that fails to resolve", "d.example MX 10 m.example; m.example FAIL-A; d.example A 1.2.3.4", "temp 451 4.4.3"},
    {"DN04 neither MX nor address", "d.example TXT x", "perm 550 5.1.2"},
    {"implicit, address lookup fails", "d.example FAIL-A", "temp 451 4.4.3"},
    {"implicit, only IPv6 while it is off", "d.example AAAA 2600::1", "temp 451 4.4.4"},
    {"one of two hosts is broken", "d.example MX 10 a.example; d.example MX 20 b.example; a.example FAIL-A; b.example A 2.2.2.2",
     "b.example=2.2.2.2"},
    {"the same host twice", "d.example MX 10 a.example; d.example MX 20 a.example; a.example A 1.1.1.1", "a.example=1.1.1.1"},
    {"DN06 private", "d.example MX 10 m.example; m.example A 10.0.0.1; m.example A 127.0.0.1; m.example A 0.0.0.0",
     "temp 451 4.4.4"},
    {"DN06 localhost", "d.example MX 10 localhost; localhost A 127.0.0.1", "temp 451 4.4.4"},
    {"DN06 private beside public", "d.example MX 10 m.example; m.example A 10.0.0.1; m.example A 1.2.3.4", "m.example=1.2.3.4"},
    {"DN07 our name ends the list",
     "d.example MX 10 a.example; d.example MX 20 me.example; d.example MX 20 b.example; d.example MX 30 c.example;"
     "a.example A 1.1.1.1; b.example A 2.2.2.2; c.example A 3.3.3.3; me.example A 9.9.9.9",
     "a.example=1.1.1.1"},
    {"DN07 our address ends the list",
     "d.example MX 10 a.example; d.example MX 20 x.example; d.example MX 30 c.example; a.example A 1.1.1.1; x.example A 9.9.9.9;"
     "c.example A 3.3.3.3",
     "a.example=1.1.1.1"},
    {"DN07 we are the best", "d.example MX 10 me.example; d.example MX 20 a.example; a.example A 1.1.1.1", "temp 451 4.4.6"},
    {"DN08 many addresses",
     "d.example MX 10 m.example; m.example A 1.1.1.1; m.example A 1.1.1.2; m.example A 1.1.1.3; m.example A 1.1.1.4;"
     "m.example A 1.1.1.5; m.example A 1.1.1.6",
     "m.example=1.1.1.1,1.1.1.2,1.1.1.3,1.1.1.4,1.1.1.5"},
    {"IPv6 off", "d.example MX 10 m.example; m.example A 1.2.3.4; m.example AAAA 2600::1", "m.example=1.2.3.4"},
};

static struct route_options options_new(const struct rand *rand) {
    static const struct route_address own[] = {{.family = 4, .ip = {9, 9, 9, 9}}};
    return (struct route_options){
        .port = 25, .hostname = STR("me.example"), .own = own, .own_count = 1, .is_private = is_private, .rand = rand};
}

static void test_zones_and_verdicts(void **state) {
    (void)state;
    uint64_t seed = 1;
    struct rand rand = {dice_fill, &seed};
    struct route_options o = options_new(&rand);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int round = 0; round < 20; round++) {
            ARENA_AUTO arena = {0};
            BUF_AUTO text = {0};
            const struct route *r = NULL;
            resolve(&arena, &o, cases[i].zone, &seed, &r);
            describe(r, &text);
            if (strcmp(text.p, cases[i].expected) != 0) fail_msg("%s: %s, not %s", cases[i].id, text.p, cases[i].expected);
            assert_in_range(r->ttl_s, ROUTE_TTL_MIN_S, ROUTE_TTL_MAX_S); /* DN14 */
        }
    }
}

static void test_ipv6_when_declared_and_private_when_allowed(void **state) {
    (void)state;
    uint64_t seed = 2;
    struct rand rand = {dice_fill, &seed};
    struct route_options o = options_new(&rand);
    o.use_ipv6 = true;
    o.is_private = NULL;
    ARENA_AUTO arena = {0};
    BUF_AUTO text = {0};
    const struct route *r = NULL;
    resolve(&arena, &o, "d.example MX 10 m.example; m.example A 10.0.0.1; m.example AAAA 2600::1", &seed, &r);
    describe(r, &text);
    assert_string_equal(text.p, "m.example=10.0.0.1,2600::1");
}

static void test_equal_preference_is_shuffled_and_one_site(void **state) {
    (void)state;
    uint64_t seed = 3;
    struct rand rand = {dice_fill, &seed};
    struct route_options o = options_new(&rand);
    int first_a = 0;
    for (int i = 0; i < 200; i++) {
        ARENA_AUTO arena = {0};
        const struct route *r = NULL;
        resolve(&arena, &o, "d.example MX 10 a.example; d.example MX 10 b.example; a.example A 1.1.1.1; b.example A 2.2.2.2",
                &seed, &r);
        first_a += str_eq(r->hosts[0].name, STR("a.example"));
        assert_true(str_eq(r->site, STR("a.example,b.example:25")));
    }
    assert_in_range(first_a, 60, 140);
}

/* DN08: 100 hosts with 20 addresses each ask a bounded number of questions, and the best twenty are kept. */
static void test_dn08_a_hundred_hosts(void **state) {
    (void)state;
    BUF_AUTO zone = {0};
    for (int i = 0; i < 100; i++) buf_addf(&zone, "d.example MX %d h%d.example;", 100 + (i * 37) % 100, i);
    for (int i = 0; i < 100; i++) {
        for (int j = 0; j < 20; j++) buf_addf(&zone, "h%d.example A 1.2.%d.%d;", i, i, j);
    }
    uint64_t seed = 4;
    struct rand rand = {dice_fill, &seed};
    struct route_options o = options_new(&rand);
    ARENA_AUTO arena = {0};
    const struct route *r = NULL;
    assert_true(resolve(&arena, &o, zone.p, &seed, &r) <= 1 + ROUTE_HOSTS_MAX);
    assert_int_equal(r->host_count, ROUTE_HOSTS_MAX);
    for (size_t i = 0; i < r->host_count; i++) {
        assert_int_equal(r->hosts[i].preference, 100 + i);
        assert_int_equal(r->hosts[i].address_count, ROUTE_ADDRESSES_MAX);
    }
}

static void test_smarthosts(void **state) {
    (void)state;
    uint64_t seed = 5;
    struct rand rand = {dice_fill, &seed};
    static const struct {
        const char *smarthost, *expected;
        uint16_t port;
    } table[] = {
        {"relay.example", "relay.example=10.0.0.9", 25}, {"relay.example:587", "relay.example=10.0.0.9", 587},
        {"127.0.0.1:2525", "127.0.0.1=127.0.0.1", 2525}, {"[2001:db8::1]:2525", "2001:db8::1=2001:db8::1", 2525},
        {"missing.example", "temp 451 4.4.4", 25},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct route_options o = options_new(&rand);
        assert_true(route_smarthost_parse(str_from_z(table[i].smarthost), &o.smarthost, &o.port));
        ARENA_AUTO arena = {0};
        BUF_AUTO text = {0};
        const struct route *r = NULL;
        resolve(&arena, &o, "relay.example A 10.0.0.9; d.example MX 0 .", &seed, &r);
        describe(r, &text);
        assert_string_equal(text.p, table[i].expected);
        if (r->verdict == ROUTE_HOSTS) assert_int_equal(r->port, table[i].port);
    }
    static const char *const bad[] = {"",     ":25",     "host:",  "host:0", "host:65536", "::1",
                                      "[::1", "[::1]25", "[::1]:", "a b",    "[]:25"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct str host;
        uint16_t port = 25;
        if (route_smarthost_parse(str_from_z(bad[i]), &host, &port)) fail_msg("taken: %s", bad[i]);
    }
}

static void test_sandbox_route(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    struct route_address loopback = {.family = 4, .ip = {127, 0, 0, 1}};
    const struct route *r = route_constant(&arena, STR("inbox"), &loopback, 2500);
    assert_int_equal(r->verdict, ROUTE_HOSTS);
    assert_true(str_eq(r->site, STR("inbox:2500")));
    assert_int_equal(r->hosts[0].addresses[0].ip[0], 127);
}

/* ---- what is published about TLS ---- */

#define SIGNED  "d.example SECURE; d.example MX 10 m.example; "
#define ADDRESS "m.example A 1.2.3.4; "
#define DIGEST  "0123456789abcdef0123456789abcdef"

static const struct {
    const char *id, *zone, *expected; /* "sts:ID host/base state records ..." */
    size_t questions;
} published[] = {
    {"nothing", "d.example MX 10 m.example; " ADDRESS, "sts:", 3},
    {"a record of MTA-STS", "d.example MX 10 m.example; " ADDRESS "_mta-sts.d.example TXT v=STSv1| id=7", "sts:7", 3},
    {"no DNSSEC at the MX: no TLSA question", "d.example MX 10 m.example; m.example SECURE; " ADDRESS, "sts:", 3},
    {"no DNSSEC at the address: no TLSA question (RFC 7672 2.2.2)", SIGNED ADDRESS "_25._tcp.m.example TLSA 3 1 1", "sts:", 3},
    {"DNSSEC, no TLSA", SIGNED "m.example SECURE; " ADDRESS, "sts:", 4},
    {"DANE", SIGNED "m.example SECURE; " ADDRESS "_25._tcp.m.example SECURE; _25._tcp.m.example TLSA 3 1 1",
     "sts: m.example/m.example 1 1", 4},
    {"TLSA records that are not signed", SIGNED "m.example SECURE; " ADDRESS "_25._tcp.m.example TLSA 3 1 1", "sts:", 4},
    {"usages 0 and 1, other selectors, other digests",
     SIGNED "m.example SECURE; " ADDRESS "_25._tcp.m.example SECURE; _25._tcp.m.example TLSA 0 1 1;"
            "_25._tcp.m.example TLSA 1 1 1; _25._tcp.m.example TLSA 3 2 1; _25._tcp.m.example TLSA 3 1 3",
     "sts: m.example/m.example 2 0", 4},
    {"one of two is usable",
     SIGNED "m.example SECURE; " ADDRESS
            "_25._tcp.m.example SECURE; _25._tcp.m.example TLSA 1 1 1; _25._tcp.m.example TLSA 2 0 1",
     "sts: m.example/m.example 1 1", 4},
    {"DN17 the TLSA question fails", SIGNED "m.example SECURE; " ADDRESS "_25._tcp.m.example FAIL-TLSA",
     "sts: m.example/m.example 3 0", 4},
    {"DN01 the TLSA question times out", SIGNED "m.example SECURE; " ADDRESS "_25._tcp.m.example LATE-TLSA",
     "sts: m.example/m.example 3 0", 4},
    {"a CNAME, TLSA at its end",
     SIGNED "m.example SECURE; m.example CNAME n.example; n.example A 1.2.3.4; _25._tcp.n.example SECURE;"
            "_25._tcp.n.example TLSA 3 1 1; _25._tcp.m.example SECURE; _25._tcp.m.example TLSA 3 1 1",
     "sts: m.example/n.example 1 1", 4},
    {"a CNAME, TLSA at its start",
     SIGNED "m.example SECURE; m.example CNAME n.example; n.example A 1.2.3.4; _25._tcp.m.example SECURE;"
            "_25._tcp.m.example TLSA 3 1 1",
     "sts: m.example/m.example 1 1", 5},
    {"implicit MX", "d.example SECURE; d.example A 1.2.3.4; _25._tcp.d.example SECURE; _25._tcp.d.example TLSA 3 1 1",
     "sts: d.example/d.example 1 1", 5},
    {"the MTA-STS question fails", "d.example MX 10 m.example; " ADDRESS "_mta-sts.d.example FAIL-TXT", "sts:", 3},
};

static void describe_published(const struct tls_published *p, struct buf *out) {
    buf_addf(out, "sts:%.*s", STR_ARG(p->sts_id));
    for (size_t i = 0; i < p->host_count; i++) {
        const struct tls_host *h = &p->hosts[i];
        buf_addf(out, " %.*s/%.*s %d %zu", STR_ARG(h->name), STR_ARG(h->dane_name), (int)h->dane, h->tlsa_count);
    }
}

static void test_DN17_what_is_published_about_tls(void **state) {
    (void)state;
    uint64_t seed = 5;
    struct rand rand = {dice_fill, &seed};
    struct route_options o = options_new(&rand);
    o.asks_sts = true;
    for (size_t i = 0; i < sizeof published / sizeof published[0]; i++) {
        for (int round = 0; round < 20; round++) {
            ARENA_AUTO arena = {0};
            BUF_AUTO text = {0};
            const struct route *r = NULL;
            size_t asked = resolve(&arena, &o, published[i].zone, &seed, &r);
            assert_int_equal(r->verdict, ROUTE_HOSTS);
            describe_published(&r->published, &text);
            if (strcmp(text.p, published[i].expected) != 0)
                fail_msg("%s: %s, not %s", published[i].id, text.p, published[i].expected);
            if (asked != published[i].questions) fail_msg("%s: %zu questions", published[i].id, asked);
            assert_true(r->published.host_count == 0 || r->published.is_mx_secure);
        }
    }
}

/* A domain that does not exist is not kept waiting for the word about its MTA-STS. */
static void test_an_end_needs_no_word_about_tls(void **state) {
    (void)state;
    uint64_t seed = 6;
    struct rand rand = {dice_fill, &seed};
    struct route_options o = options_new(&rand);
    o.asks_sts = true;
    ARENA_AUTO arena = {0};
    struct route_machine *m = route_new(&arena, &o, STR("d.example"));
    struct dns_question questions[4];
    assert_int_equal(route_next(m, questions, 4), 2); /* at once */
    assert_int_equal(questions[0].type, DNS_MX);
    const struct dns_answer none = {.status = STATUS_NOT_FOUND, .type = DNS_MX};
    route_answer(m, 0, &none);
    assert_int_equal(route_next(m, questions, 4), 0);
    assert_int_equal(route_result(m)->verdict, ROUTE_PERMANENT);
    route_fini(m);
}

/* Not more is kept of a host than its use deserves. */
static void test_P8_tlsa_records_are_bounded(void **state) {
    (void)state;
    uint64_t seed = 7;
    struct rand rand = {dice_fill, &seed};
    struct route_options o = options_new(&rand);
    ARENA_AUTO arena = {0};
    BUF_AUTO zone = {0};
    const struct route *r = NULL;
    buf_add_z(&zone, SIGNED "m.example SECURE; " ADDRESS "_25._tcp.m.example SECURE");
    for (int i = 0; i < 200; i++) buf_add_z(&zone, "; _25._tcp.m.example TLSA 3 1 1 " DIGEST);
    resolve(&arena, &o, zone.p, &seed, &r);
    assert_int_equal(r->published.host_count, 1);
    assert_int_equal(r->published.hosts[0].tlsa_count, 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zones_and_verdicts),
        cmocka_unit_test(test_ipv6_when_declared_and_private_when_allowed),
        cmocka_unit_test(test_equal_preference_is_shuffled_and_one_site),
        cmocka_unit_test(test_dn08_a_hundred_hosts),
        cmocka_unit_test(test_smarthosts),
        cmocka_unit_test(test_sandbox_route),
        cmocka_unit_test(test_DN17_what_is_published_about_tls),
        cmocka_unit_test(test_an_end_needs_no_word_about_tls),
        cmocka_unit_test(test_P8_tlsa_records_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
