/* test_feed.c - the outbox of the feed: numbers of events in their transaction (P3), batches within their bounds (P8), what is
 * gone left out; and what a message's timeline is read from.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "core/feed.h"
#include "core/timeline.h"

#include <stdio.h>
#include <string.h>

struct scene {
    struct fixture *f;
    int64_t account, domain, message, recipient;
};

static struct scene scene_new(bool has_feed) {
    struct scene s = {.f = fixture_new()};
    struct db *tx = s.f->db;
    (void)make_node(tx);
    if (has_feed) feed_expect(tx);
    s.account = make_account(tx, "a@x.test");
    s.domain = make_domain(tx, s.account, "x.test");
    s.message = make_message(tx, s.account, s.domain, 1);
    s.recipient = make_recipient(tx, s.message, s.account, "example.net", NOW);
    fixture_commit(s.f);
    return s;
}

static int64_t record(struct scene *s, enum event_type type, int64_t at, const char *detail) {
    int64_t id = 0;
    const struct event event = {.at = at,
                                .type = type,
                                .account_id = s->account,
                                .domain_id = s->domain,
                                .message_id = s->message,
                                .recipient_id = s->recipient,
                                .recipient = TEXT("b@example.net"),
                                .detail = str_from_z(detail)};
    assert_ok(event_record(s->f->db, &event, &id));
    return id;
}

static size_t lines_of(const struct feed_batch *batch) {
    size_t count = 0;
    struct str rest = buf_str(&batch->lines), line;
    while (str_next(&rest, '\n', &line) && rest.p) {
        assert_true(line.n > 2 && line.p[0] == '{' && line.p[line.n - 1] == '}');
        count++;
    }
    assert_int_equal(line.n, 0); /* the last one ends too */
    return count;
}

#define ROWS "SELECT count(*) FROM feed_outbox"

static void test_p3_numbers_stand_or_fall_with_their_events(void **state) {
    (void)state;
    struct scene s = scene_new(true);
    record(&s, EVENT_SEND, NOW, "{}");
    db_rollback(s.f->db);
    assert_int_equal(fixture_number(s.f, ROWS), 0);
    assert_ok(db_begin(s.f->db));
    record(&s, EVENT_SEND, NOW, "{}");
    assert_int_equal(db_marks(s.f->db) & FEED_MARK, FEED_MARK);
    fixture_commit(s.f);
    assert_int_equal(fixture_number(s.f, ROWS), 1);
    fixture_free(s.f);
}

static void test_without_a_feed_nothing_is_written(void **state) {
    (void)state;
    struct scene s = scene_new(false);
    record(&s, EVENT_SEND, NOW, "{}");
    assert_int_equal(db_marks(s.f->db) & FEED_MARK, 0);
    fixture_commit(s.f);
    assert_int_equal(fixture_number(s.f, ROWS), 0);
    fixture_free(s.f);
}

static void test_p3_batches_tell_each_event_once_in_order(void **state) {
    (void)state;
    struct scene s = scene_new(true);
    struct feed_batch batch = {.row_count = 0};
    const int count = 2 * FEED_ROW_EVENTS + 50;
    for (int i = 0; i < count; i++) record(&s, EVENT_OPEN, NOW - i, "{}"); /* ids go down, the order is that of writing */
    fixture_commit(s.f);
    assert_int_equal(fixture_number(s.f, ROWS), 3);
    assert_ok(feed_make(s.f->db, &batch));
    assert_int_equal(batch.row_count, 3);
    assert_int_equal(batch.events, count);
    assert_false(batch.has_more);
    assert_true(batch.oldest_at > 0);
    assert_int_equal(lines_of(&batch), count);
    BUF_AUTO first = {0};
    buf_addf(&first, "\"EventTimestamp\":\"");
    time_add_iso_ms(&first, NOW);
    size_t end = str_find(buf_str(&batch.lines), '\n');
    assert_true(str_find_str(str_sub(buf_str(&batch.lines), 0, end), buf_str(&first)) != STR_NONE);
    assert_ok(feed_took(s.f->db, &batch));
    assert_ok(feed_took(s.f->db, &batch)); /* may run twice */
    assert_ok(feed_make(s.f->db, &batch));
    assert_int_equal(batch.row_count, 0);
    assert_int_equal(batch.lines.n, 0);
    buf_fini(&batch.lines);
    fixture_free(s.f);
}

static void test_p8_a_batch_is_bounded_by_events_rows_and_bytes(void **state) {
    (void)state;
    struct scene s = scene_new(true);
    struct feed_batch batch = {.row_count = 0};
    for (int i = 0; i < FEED_ROWS_MAX + 2; i++) {
        record(&s, EVENT_OPEN, NOW, "{}");
        fixture_commit(s.f);
    }
    assert_ok(feed_make(s.f->db, &batch));
    assert_int_equal(batch.row_count, FEED_ROWS_MAX);
    assert_true(batch.has_more);
    assert_ok(feed_took(s.f->db, &batch));
    assert_ok(feed_make(s.f->db, &batch));
    assert_int_equal(batch.events, 2);
    assert_ok(feed_took(s.f->db, &batch));
    for (int i = 0; i < FEED_EVENTS_MAX + 1; i++) record(&s, EVENT_OPEN, NOW, "{}");
    fixture_commit(s.f);
    assert_ok(feed_make(s.f->db, &batch));
    assert_int_equal(batch.events, FEED_EVENTS_MAX);
    assert_true(batch.has_more);
    assert_ok(feed_took(s.f->db, &batch));
    BUF_AUTO big = {0};
    buf_add_z(&big, "{\"Text\":\"");
    memset(buf_reserve(&big, 300000), 'x', 300000);
    buf_grew(&big, 300000);
    buf_add_z(&big, "\"}");
    for (int i = 0; i < 6; i++) {
        record(&s, EVENT_OPEN, NOW, big.p);
        fixture_commit(s.f);
    }
    assert_ok(feed_make(s.f->db, &batch));
    assert_int_equal(batch.events, 1 + 4); /* the one that was left, and what reaches a megabyte */
    assert_true(batch.has_more);
    buf_fini(&batch.lines);
    fixture_free(s.f);
}

static void test_what_is_gone_is_left_out(void **state) {
    (void)state;
    struct scene s = scene_new(true);
    struct feed_batch batch = {.row_count = 0};
    int64_t count = 0;
    record(&s, EVENT_SEND, NOW, "{}");
    record(&s, EVENT_DELIVERY, NOW, "{}");
    fixture_commit(s.f);
    assert_ok(event_remove_all(s.f->db, s.message, s.recipient, &count));
    assert_int_equal(count, 2);
    assert_ok(feed_make(s.f->db, &batch));
    assert_int_equal(batch.row_count, 1);
    assert_int_equal(batch.gone, 2);
    assert_int_equal(batch.lines.n, 0);
    fixture_free(s.f);
}

static void test_a_line_is_one_line(void **state) {
    (void)state;
    struct scene s = scene_new(true);
    struct feed_batch batch = {.row_count = 0};
    assert_ok(db_exec(s.f->db, "UPDATE messages SET tags = '[\n\"a\"\r\n]'"));
    record(&s, EVENT_SEND, NOW, "{}");
    fixture_commit(s.f);
    assert_ok(feed_make(s.f->db, &batch));
    assert_int_equal(lines_of(&batch), 1);
    buf_fini(&batch.lines);
    fixture_free(s.f);
}

static void test_since_when_is_known(void **state) {
    (void)state;
    struct scene s = scene_new(false);
    int64_t since = -1;
    bool is_new = true;
    static const struct {
        bool is_on;
        int64_t now, since;
        bool is_new;
    } starts[] = {{false, 10, 0, false}, {true, 20, 20, true}, {true, 30, 20, false}, {false, 40, 0, true}, {true, 50, 50, true}};
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        assert_ok(feed_begin(s.f->db, starts[i].is_on, starts[i].now, &since, &is_new));
        assert_int_equal(since, starts[i].since);
        assert_int_equal(is_new, starts[i].is_new);
    }
    fixture_free(s.f);
}

/* ---- the timeline ---- */
static struct timeline tell(struct scene *s, const char *cursor, int limit) {
    struct timeline timeline;
    const struct timeline_query query = {
        .scope = {s->account, s->domain}, .uuid = make_uuid(1), .cursor = str_from_z(cursor), .limit = limit, .now = NOW};
    assert_ok(timeline_show(s->f->db, &s->f->arena, &query, &timeline));
    return timeline;
}

/* Many events have the same time: the page goes on by their number. */
static void test_pages_of_a_timeline_join_without_gap_or_overlap(void **state) {
    (void)state;
    struct scene s = scene_new(false);
    record(&s, EVENT_SEND, NOW - 5, "{}");
    for (int i = 0; i < 20; i++) record(&s, EVENT_OPEN, NOW + i / 7, "{}");
    fixture_commit(s.f);
    struct timeline whole = tell(&s, "", 100);
    assert_int_equal(whole.count, 1 + 21 + 1);
    assert_int_equal(whole.cursor.n, 0);
    assert_false(whole.lacks_events);
    assert_true(whole.lacks_content);
    for (int limit = 1; limit < 24; limit++) {
        char cursor[64] = "";
        size_t n = 0;
        do {
            struct timeline page = tell(&s, cursor, limit);
            for (size_t i = 0; i < page.count; i++, n++) {
                assert_int_equal(page.entries[i].event_id, whole.entries[n].event_id);
                assert_string_equal(page.entries[i].what, whole.entries[n].what);
            }
            snprintf(cursor, sizeof cursor, "%.*s", STR_ARG(page.cursor));
        } while (cursor[0]);
        assert_int_equal(n, whole.count);
    }
    fixture_free(s.f);
}

static void test_p6_nobody_else_is_told(void **state) {
    (void)state;
    struct scene s = scene_new(false);
    struct timeline timeline;
    struct timeline_query query = {.scope = {s.account + 1, SCOPE_ANY}, .uuid = make_uuid(1), .limit = 10, .now = NOW};
    assert_int_equal(timeline_show(s.f->db, &s.f->arena, &query, &timeline), STATUS_NOT_FOUND);
    query.scope = (struct message_scope){s.account, s.domain + 1};
    assert_int_equal(timeline_show(s.f->db, &s.f->arena, &query, &timeline), STATUS_NOT_FOUND);
    query.scope = (struct message_scope){s.account, SCOPE_ANY};
    assert_ok(timeline_show(s.f->db, &s.f->arena, &query, &timeline));
    fixture_free(s.f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_p3_numbers_stand_or_fall_with_their_events),
        cmocka_unit_test(test_without_a_feed_nothing_is_written),
        cmocka_unit_test(test_p3_batches_tell_each_event_once_in_order),
        cmocka_unit_test(test_p8_a_batch_is_bounded_by_events_rows_and_bytes),
        cmocka_unit_test(test_what_is_gone_is_left_out),
        cmocka_unit_test(test_a_line_is_one_line),
        cmocka_unit_test(test_since_when_is_known),
        cmocka_unit_test(test_pages_of_a_timeline_join_without_gap_or_overlap),
        cmocka_unit_test(test_p6_nobody_else_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
