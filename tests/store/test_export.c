/* test_export.c - events walked and written as files: what is listed, once, in the same order, on both engines.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "core/event_export.h"
#include "core/event_show.h"
#include "proto/csv/csv.h"

#include <stdlib.h>

#define START   INT64_C(1767225600000) /* 2026-01-01 */
#define EVENTS  2600
#define MOMENTS 60 /* so that many happen at once */

struct shop {
    struct fixture *f;
    int64_t account, domains[2], messages[20];
    uint32_t seed;
};

static uint32_t roll(struct shop *s, uint32_t sides) {
    s->seed = s->seed * 1103515245 + 12345;
    return (s->seed >> 16) % sides;
}

static int64_t add_event(struct shop *s, int64_t at) {
    static const char *const details[] = {
        "{}", "{\"Reply\":{\"Code\":550,\"Text\":\"no; \\\"such\\\" user\"},\"MXHost\":\"mx.example.net\"}",
        "{\"Link\":\"https://example.net/?a=1,2\",\"Bot\":true}"};
    uint32_t message = roll(s, 20);
    struct event event = {.at = at,
                          .type = (enum event_type)(EVENT_SEND + roll(s, 6)),
                          .account_id = s->account,
                          .domain_id = s->domains[message % 2],
                          .message_id = s->messages[message],
                          .recipient_id = 1 + roll(s, 100),
                          .recipient = roll(s, 5) ? TEXT("b@example.net") : TEXT("+c@example.org"),
                          .detail = str_from_z(details[roll(s, 3)])};
    int64_t id = 0;
    assert_ok(event_record(s->f->db, &event, &id));
    return id;
}

static int set_up(void **state) {
    struct shop *s = calloc(1, sizeof *s);
    s->f = fixture_new();
    s->seed = 7;
    s->account = make_account(s->f->db, "a@example.com");
    s->domains[0] = make_domain(s->f->db, s->account, "one.test");
    s->domains[1] = make_domain(s->f->db, s->account, "two.test");
    for (uint8_t i = 0; i < 20; i++) s->messages[i] = make_message(s->f->db, s->account, s->domains[i % 2], i);
    for (int i = 0; i < EVENTS; i++) add_event(s, START + roll(s, MOMENTS) * 1000);
    fixture_commit(s->f);
    *state = s;
    return 0;
}

static int tear_down(void **state) {
    struct shop *s = *state;
    fixture_free(s->f);
    free(s);
    return 0;
}

static const struct event_condition *parse(struct shop *s, const char *text) {
    BUF_AUTO why = {0};
    struct event_condition *condition = ARENA_NEW(&s->f->arena, struct event_condition);
    assert_true(event_condition_parse(str_from_z(text), &s->f->arena, condition, &why));
    return condition;
}

static void expect_walk(struct shop *s, const struct event_filter *filter, int looks) {
    struct event_row_list list;
    struct event_place place = EVENT_PLACE_NEWEST;
    struct event_stretch stretch = {0};
    size_t at = 0;
    assert_ok(event_list(s->f->db, &s->f->arena, filter, 0, 2 * EVENTS, &list));
    for (; !stretch.is_last; place = stretch.place) {
        assert_ok(event_walk(s->f->db, &s->f->arena, filter, place, looks, &stretch));
        assert_true(stretch.rows.count <= (size_t)looks);
        for (size_t i = 0; i < stretch.rows.count; i++, at++) {
            assert_true(at < list.count);
            assert_int_equal(stretch.rows.items[i].event.id, list.items[at].event.id);
            assert_true(str_eq(stretch.rows.items[i].event.detail, list.items[at].event.detail));
            assert_true(str_eq(stretch.rows.items[i].subject, list.items[at].subject));
        }
    }
    assert_int_equal(at, list.count);
}

static void test_a_walk_is_the_list(void **state) {
    struct shop *s = *state;
    const struct event_filter filters[] = {
        {0},
        {.types = EVENT_BIT(EVENT_BOUNCE) | EVENT_BIT(EVENT_SEND)},
        {.from_at = START + 10000, .before_at = START + 10001},
        {.from_at = START + 10001, .before_at = START + 30500},
        {.before_at = START},
        {.message_id = s->messages[4]},
        {.message_id = s->messages[4], .types = EVENT_BIT(EVENT_DELIVERY), .from_at = START + 20000},
        {.condition = parse(s, "smtpCode:550 NOT recipient:b@example.net")},
        {.condition = parse(s, "subject:Hello AND link:https*")},
        {.condition = parse(s, "mxHost:nobody")},
        {.condition = parse(s, "bot:true OR eventType:failed"), .message_id = s->messages[2]},
    };
    for (size_t i = 0; i < sizeof filters / sizeof filters[0]; i++) {
        static const int looks[] = {1, 7, 100, 10000};
        struct event_filter filter = filters[i];
        filter.domain_id = s->domains[0];
        for (size_t k = filter.condition ? 1 : 0; k < 4; k++) expect_walk(s, &filter, looks[k]);
    }
}

/* What comes and goes meanwhile moves nobody: each event at most once, and all that stayed. */
static void test_a_walk_while_events_come_and_go(void **state) {
    struct shop *s = *state;
    const struct event_filter filter = {.domain_id = s->domains[0]};
    struct event_row_list before;
    struct event_place place = EVENT_PLACE_NEWEST;
    struct event_stretch stretch = {0};
    size_t at = 0;
    assert_ok(event_list(s->f->db, &s->f->arena, &filter, 0, 2 * EVENTS, &before));
    for (; !stretch.is_last; place = stretch.place) {
        assert_ok(event_walk(s->f->db, &s->f->arena, &filter, place, 50, &stretch));
        for (size_t i = 0; i < stretch.rows.count; i++, at++)
            assert_int_equal(stretch.rows.items[i].event.id, before.items[at].event.id);
        for (int i = 0; i < 5; i++) add_event(s, START + MOMENTS * 1000 + 1);
        const struct event *gone = &before.items[at - 1].event; /* where it stands */
        assert_ok(event_remove(s->f->db, gone->domain_id, gone->at, gone->id));
        fixture_commit(s->f);
    }
    assert_int_equal(at, before.count);
}

static void export_all(struct shop *s, struct event_export *e, struct buf *out) {
    event_export_begin(e, out);
    while (!e->is_done) {
        struct buf piece = {0};
        assert_ok(event_export_next(s->f->db, e, clock_system(), &piece));
        buf_add_str(out, buf_str(&piece));
        buf_fini(&piece);
    }
}

static void test_json_lines(void **state) {
    struct shop *s = *state;
    BUF_AUTO out = {0};
    BUF_AUTO expected = {0};
    struct event_export e = {.account_id = s->account, .domain_id = s->domains[1], .format = EVENT_EXPORT_NDJSON};
    struct event_row_list list;
    bool is_known;
    int64_t total;
    assert_ok(event_list(s->f->db, &s->f->arena, &(struct event_filter){.domain_id = s->domains[1]}, 0, EVENTS, &list));
    assert_ok(event_export_total(s->f->db, &e, &is_known, &total));
    assert_true(is_known);
    assert_int_equal(total, list.count);
    for (size_t i = 0; i < list.count; i++) {
        struct json_writer w = {.out = &expected};
        event_show(&w, &s->f->arena, &list.items[i]);
        buf_add_char(&expected, '\n');
    }
    export_all(s, &e, &out);
    assert_int_equal(e.rows, total);
    assert_true(str_eq(buf_str(&out), buf_str(&expected)));
}

/* All domains, one after the other; and no other account's. */
static void test_P6_csv_of_an_account(void **state) {
    struct shop *s = *state;
    BUF_AUTO out = {0};
    struct event_export e = {.account_id = s->account}, others = {.account_id = make_account(s->f->db, "b@example.com")};
    struct str rest;
    size_t rows = 0, used, formulas = 0;
    bool is_known;
    int64_t total;
    assert_ok(event_export_total(s->f->db, &e, &is_known, &total));
    assert_int_equal(total, EVENTS);
    export_all(s, &e, &out);
    for (rest = str_sub(buf_str(&out), 3, SIZE_MAX); rest.n; rest = str_sub(rest, used, SIZE_MAX), rows++) {
        struct csv_record record = {0};
        assert_int_equal(csv_parse(&s->f->arena, rest, ',', true, &record, &used), PARSE_DONE);
        assert_int_equal(record.count, 23);
        if (rows) assert_true(str_starts(record.fields[0], STR("2026-01-01T00:00:")));
        formulas += str_eq(record.fields[4], STR("'+c@example.org"));
        assert_false(str_starts(record.fields[4], STR("+")));
    }
    assert_int_equal(rows, EVENTS + 1);
    assert_true(formulas > 0);
    out.n = 0;
    export_all(s, &others, &out);
    assert_int_equal(others.rows, 0);
}

/* Their events are added up before the first byte of an answer, in one snapshot. */
static void test_P8_very_many_domains_are_not_added_up(void **state) {
    struct shop *s = *state;
    struct event_export e = {.account_id = s->account};
    bool is_known;
    int64_t total;
    assert_ok(db_exec(s->f->db,
                      "INSERT INTO rollup_domains (domain_id, account_id, name) WITH RECURSIVE n(i) AS (SELECT 1001 UNION "
                      "ALL SELECT i + 1 FROM n WHERE i < 1900) SELECT i, 1, 'x.test' FROM n"));
    assert_ok(event_export_total(s->f->db, &e, &is_known, &total));
    assert_true(is_known);
    assert_int_equal(total, EVENTS);
    assert_ok(db_exec(s->f->db,
                      "INSERT INTO rollup_domains (domain_id, account_id, name) WITH RECURSIVE n(i) AS (SELECT 1901 UNION "
                      "ALL SELECT i + 1 FROM n WHERE i < 2001) SELECT i, 1, 'x.test' FROM n"));
    assert_ok(event_export_total(s->f->db, &e, &is_known, &total));
    assert_false(is_known);
    e.domain_id = s->domains[1];
    assert_ok(event_export_total(s->f->db, &e, &is_known, &total));
    assert_true(is_known);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_walk_is_the_list, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_walk_while_events_come_and_go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_json_lines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_P6_csv_of_an_account, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_P8_very_many_domains_are_not_added_up, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
