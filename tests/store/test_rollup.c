/* test_rollup.c - roll-ups: they equal a recount of the events, whatever happened, and a page is where counting says (P3, P8).
 *
 * The recount is the same question with a condition that every event meets, which is answered by SQL over the events.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "core/events.h"
#include "store/event_ids.h"
#include "store/event_stats.h"
#include "store/rollup_read.h"

#include <string.h>

#define HOUR     INT64_C(3600000)
#define DAY      INT64_C(86400000)
#define START    INT64_C(1767225600000) /* 2026-01-01 */
#define DAYS     6
#define MESSAGES 30
#define DOMAINS  2

struct story {
    struct fixture *f;
    uint64_t seed;
    int64_t account, domains[DOMAINS];
    int64_t messages[MESSAGES]; /* of domain i % DOMAINS */
    const char *tags[MESSAGES];
};

static unsigned roll(struct story *s, unsigned sides) {
    s->seed = s->seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(s->seed >> 33) % sides;
}

static struct story story_new(uint64_t seed) {
    static const char *const tags[] = {"[]", "[\"a\"]", "[\"a\",\"b\"]", "[\"\xC3\xBC\",\"other\",\"a\"]", "[\"B\"]"};
    struct story s = {.f = fixture_new(), .seed = seed};
    s.account = make_account(s.f->db, "a@example.com");
    s.domains[0] = make_domain(s.f->db, s.account, "example.com");
    s.domains[1] = make_domain(s.f->db, s.account, "example.net");
    for (int i = 0; i < MESSAGES; i++) {
        s.tags[i] = tags[i % 5];
        struct message message = {.uuid = make_uuid((uint8_t)(i + 1)),
                                  .account_id = s.account,
                                  .domain_id = s.domains[i % DOMAINS],
                                  .created_at = START,
                                  .expires_at = START + DAY,
                                  .sender = TEXT("a@example.com"),
                                  .subject = TEXT("S"),
                                  .rfc_message_id = TEXT("x@example.com"),
                                  .tags = str_from_z(tags[i % 5]),
                                  .metadata = TEXT("{}"),
                                  .size_bytes = 1};
        assert_ok(message_add(s.f->db, &message, &s.messages[i]));
    }
    fixture_commit(s.f);
    return s;
}

static enum status write_event(struct story *s, enum event_type type, int message, const char *recipient, int64_t at,
                               struct str detail) {
    int64_t id;
    bool is_machine = (type == EVENT_OPEN || type == EVENT_CLICK) && roll(s, 3) == 0;
    bool is_once = type == EVENT_UNSUBSCRIBE || type == EVENT_COMPLAINT;
    const struct event event = {.at = at,
                                .type = type,
                                .account_id = s->account,
                                .domain_id = s->domains[message % DOMAINS],
                                .message_id = s->messages[message],
                                .recipient_id = s->messages[message] * 10 + roll(s, 3),
                                .recipient = str_from_z(recipient),
                                .detail = detail};
    return event_write(s->f->db, &event, str_from_z(s->tags[message]),
                       is_machine ? EVENT_BY_MACHINE
                       : is_once  ? EVENT_ONCE
                                  : EVENT_AS_IT_COMES,
                       &id);
}

static void write_random(struct story *s) {
    static const char *const details[EVENT_TYPE_COUNT][3] = {
        [EVENT_BOUNCE] = {"{\"Bounce\":{\"Class\":\"QuotaIssues\",\"Hard\":false}}",
                          "{\"Bounce\":{\"Class\":\"BadDomain\",\"Hard\":true}}", "{\"Reply\":{\"Code\":550}}"},
        [EVENT_OPEN] = {"{\"Device\":\"phone\",\"Country\":\"DE\"}", "{\"Device\":\"desktop\"}", "{\"Country\":\"AT\"}"},
        [EVENT_CLICK] = {"{\"Link\":\"https://a.test/?x=\\u00fc\",\"Country\":\"DE\"}", "{\"Link\":\"https://a.test/B\"}",
                         "{\"Link\":\"https://a.test/b\",\"Device\":\"phone\"}"}};
    static const char *const recipients[] = {"a@x.test", "b@y.test", "c@z.test", "d@X.test", "nowhere"};
    enum event_type type = (enum event_type)(1 + roll(s, EVENT_TYPE_COUNT - 1));
    const char *detail = details[type][0] ? details[type][roll(s, 3)] : "{\"Attempt\":1}";
    int64_t at = START + (int64_t)roll(s, DAYS) * DAY + (int64_t)roll(s, 24 * 4) * HOUR / 4 + (int64_t)roll(s, 2) * 7;
    enum status status = write_event(s, type, (int)roll(s, MESSAGES), recipients[roll(s, 5)], at, str_from_z(detail));
    assert_true(status == STATUS_OK || status == STATUS_EXISTS);
}

/* In transactions of any size, some of which come to nothing. */
static void live(struct story *s, int count) {
    for (int i = 0; i < count; i++) {
        write_random(s);
        if (roll(s, 20) == 0) fixture_commit(s->f);
        if (roll(s, 60) != 0) continue;
        db_rollback(s->f->db);
        assert_ok(db_begin(s->f->db));
    }
    fixture_commit(s->f);
}

static int64_t random_time(struct story *s) {
    int64_t at = START - DAY + (int64_t)roll(s, (DAYS + 2) * 24) * HOUR;
    unsigned shape = roll(s, 3);
    if (shape == 0) return at - at % DAY;
    return shape == 1 ? at : at + (int64_t)roll(s, 3600) * 1000;
}

static struct event_filter random_filter(struct story *s) {
    struct event_filter filter = {.domain_id = s->domains[roll(s, DOMAINS)]};
    int64_t a = random_time(s), b = random_time(s);
    if (roll(s, 4)) filter.from_at = a < b ? a : b;
    if (roll(s, 4)) filter.before_at = a < b ? b : a;
    if (roll(s, 2)) filter.types = (int64_t)(1 + roll(s, 1023)) << 1;
    return filter;
}

/* Asked so, the events are looked at one by one. */
static struct event_filter without_rollups(const struct event_filter *filter) {
    static const struct event_condition always = {.items = {{.op = EVENT_TIME, .from = INT64_MIN, .before = INT64_MAX}},
                                                  .count = 1};
    struct event_filter slow = *filter;
    slow.condition = &always;
    return slow;
}

static void assert_same_groups(struct story *s, const struct event_filter *filter, enum event_field field, int limit) {
    struct event_bucket_list rolled, counted;
    struct event_filter slow = without_rollups(filter);
    assert_ok(event_group(s->f->db, &s->f->arena, filter, field, limit, &rolled));
    assert_ok(event_group(s->f->db, &s->f->arena, &slow, field, limit, &counted));
    assert_int_equal(rolled.count, counted.count);
    for (size_t i = 0; i < rolled.count; i++) {
        if (!str_eq(rolled.items[i].key, counted.items[i].key))
            print_error("%s: %.*s, not %.*s\n", event_field_name(field), STR_ARG(rolled.items[i].key),
                        STR_ARG(counted.items[i].key));
        assert_true(str_eq(rolled.items[i].key, counted.items[i].key));
        assert_int_equal(rolled.items[i].at, counted.items[i].at);
        assert_int_equal(rolled.items[i].count, counted.items[i].count);
    }
}

static void test_groups_equal_a_recount(void **state) {
    (void)state;
    static const enum event_field fields[] = {
        EVENT_FIELD_TYPE, EVENT_FIELD_DAY,          EVENT_FIELD_HOUR,   EVENT_FIELD_TAG,    EVENT_FIELD_RECIPIENT_DOMAIN,
        EVENT_FIELD_LINK, EVENT_FIELD_BOUNCE_CLASS, EVENT_FIELD_DEVICE, EVENT_FIELD_COUNTRY};
    struct story s = story_new(3);
    live(&s, 1500);
    for (int round = 0; round < 40; round++) {
        struct event_filter filter = random_filter(&s);
        for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
            assert_same_groups(&s, &filter, fields[i], roll(&s, 4) ? 1000 : 2);
    }
    fixture_free(s.f);
}

static void assert_same_page(struct story *s, const struct event_filter *filter, int64_t offset, int limit) {
    struct event_row_list rolled, counted;
    struct event_filter slow = without_rollups(filter);
    assert_ok(event_list(s->f->db, &s->f->arena, filter, offset, limit, &rolled));
    assert_ok(event_list(s->f->db, &s->f->arena, &slow, offset, limit, &counted));
    assert_int_equal(rolled.total, counted.total);
    assert_int_equal(rolled.count, counted.count);
    for (size_t i = 0; i < rolled.count; i++) {
        assert_int_equal(rolled.items[i].event.id, counted.items[i].event.id);
        assert_true(str_eq(rolled.items[i].tags, counted.items[i].tags));
        assert_true(str_eq(rolled.items[i].event.detail, counted.items[i].event.detail));
    }
}

static void assert_same_pages(struct story *s, int rounds) {
    for (int round = 0; round < rounds; round++) {
        struct event_filter filter = random_filter(s);
        assert_same_page(s, &filter, roll(s, 3) ? roll(s, 800) : 0, 1 + (int)roll(s, 100));
    }
}

/* Every third one goes, and now and then all of a recipient. */
static void remove_some(struct story *s) {
    struct event_row_list list;
    int64_t count;
    for (int i = 0; i < DOMAINS; i++) {
        struct event_filter filter = {.domain_id = s->domains[i]};
        assert_ok(event_list(s->f->db, &s->f->arena, &filter, 0, 2000, &list));
        for (size_t k = 0; k < list.count; k++) {
            const struct event *event = &list.items[k].event;
            if (k % 3 == 0) assert_ok(event_remove(s->f->db, event->domain_id, event->at, event->id));
            if (k % 3 == 0) assert_ok(event_remove(s->f->db, event->domain_id, event->at, event->id)); /* is as good */
            if (k % 40 == 1) assert_ok(event_remove_all(s->f->db, event->message_id, event->recipient_id, &count));
        }
    }
}

static void assert_counts(const struct event_counts *a, const struct event_counts *b) {
    for (int i = 0; i < EVENT_COUNTER_COUNT; i++) assert_int_equal(a->n[i], b->n[i]);
}

/* What is gone is not listed and not in the total, and stays in the statistics. */
static void test_pages_and_totals_equal_a_recount(void **state) {
    (void)state;
    struct story s = story_new(5);
    const struct event_period all = {.domain_id = s.domains[0], .from_at = START, .before_at = START + DAYS * DAY};
    struct event_counts before, after;
    assert_same_pages(&s, 5); /* of nothing */
    live(&s, 1500);
    assert_same_pages(&s, 150);
    assert_ok(event_stats(s.f->db, &all, &before));
    remove_some(&s);
    fixture_commit(s.f);
    assert_ok(event_stats(s.f->db, &all, &after));
    assert_counts(&before, &after);
    assert_same_pages(&s, 150);
    live(&s, 300);
    assert_same_pages(&s, 50);
    fixture_free(s.f);
}

/* Any cut of a time into two has the same sums as the whole. */
static void test_periods_add_up(void **state) {
    (void)state;
    struct story s = story_new(8);
    live(&s, 1200);
    for (int round = 0; round < 60; round++) {
        struct event_period whole = {.domain_id = s.domains[roll(&s, DOMAINS)], .before_at = INT64_MAX};
        struct event_period parts[2] = {whole, whole};
        struct rollup_counts sum, part[2];
        parts[0].before_at = parts[1].from_at = random_time(&s);
        assert_ok(rollup_sum(s.f->db, &whole, &sum));
        for (int i = 0; i < 2; i++) assert_ok(rollup_sum(s.f->db, &parts[i], &part[i]));
        for (int i = 0; i < ROLLUP_COUNTER_COUNT; i++) assert_int_equal(sum.n[i], part[0].n[i] + part[1].n[i]);
    }
    fixture_free(s.f);
}

static void add_counts(struct event_counts *sum, const struct event_counts *more) {
    for (int i = 0; i < EVENT_COUNTER_COUNT; i++) sum->n[i] += more->n[i];
}

/* By sender domain, and all of them by day. */
static void assert_account(struct story *s, const struct event_period *period, const struct event_counts *expected) {
    const struct rollup_among all = {.account_id = s->account, .last_id = INT64_MAX}, first = {s->account, 0, s->domains[0]},
                              none = {s->account + 1, 0, INT64_MAX};
    struct event_counts domains = {{0}}, days = {{0}}, alone;
    struct event_value_list list;
    const struct event_period one = {s->domains[0], period->from_at, period->before_at};
    assert_ok(event_stats_by_domain(s->f->db, &s->f->arena, period, &all, &list));
    for (size_t i = 0; i < list.count; i++) add_counts(&domains, &list.items[i].counts);
    assert_counts(&domains, expected);
    assert_ok(event_stats_by_day(s->f->db, &s->f->arena, period, &all, &list));
    for (size_t i = 0; i < list.count; i++) add_counts(&days, &list.items[i].counts);
    assert_counts(&days, expected);
    assert_ok(event_stats_by_domain(s->f->db, &s->f->arena, period, &first, &list));
    assert_ok(event_stats(s->f->db, &one, &alone));
    assert_true(list.count <= 1);
    if (list.count) {
        assert_int_equal(list.items[0].domain_id, s->domains[0]);
        assert_counts(&list.items[0].counts, &alone);
    }
    assert_ok(event_stats_by_domain(s->f->db, &s->f->arena, period, &none, &list));
    assert_int_equal(list.count, 0);
}

/* Days, recipient domains and domains each share out the same events. */
static void test_statistics_add_up(void **state) {
    (void)state;
    struct story s = story_new(9);
    live(&s, 1200);
    for (int round = 0; round < 20; round++) {
        struct event_counts whole, days = {{0}}, values = {{0}}, domains = {{0}};
        struct event_value_list list;
        struct event_period period = {.from_at = random_time(&s), .before_at = 0};
        period.before_at = period.from_at + 1 + (int64_t)roll(&s, 4 * 24 * 60) * 60000;
        for (int i = 0; i < DOMAINS; i++) {
            period.domain_id = s.domains[i];
            assert_ok(event_stats(s.f->db, &period, &whole));
            add_counts(&domains, &whole);
            assert_ok(event_stats_by_day(s.f->db, &s.f->arena, &period, NULL, &list));
            for (size_t k = 0; k < list.count; k++) {
                assert_true(list.items[k].at % DAY == 0 && (k == 0 || list.items[k - 1].at < list.items[k].at));
                add_counts(&days, &list.items[k].counts);
            }
            assert_ok(event_stats_by_recipient_domain(s.f->db, &s.f->arena, &period, 100, &list));
            for (size_t k = 0; k < list.count; k++) add_counts(&values, &list.items[k].counts);
        }
        assert_account(&s, &period, &domains);
        assert_counts(&days, &domains);
        assert_counts(&values, &domains);
    }
    fixture_free(s.f);
}

/* ---- ids ---- */
static int64_t id_of(struct story *s, int domain, int64_t at) {
    int64_t id = 0;
    const struct event event = {.at = at, .type = EVENT_SEND, .account_id = s->account, .domain_id = s->domains[domain]};
    assert_ok(event_id_next(s->f->db, &event, &id));
    return id;
}

/* A day's events of a domain are neighbours; a number is never given twice, whatever became of the transaction. */
static void test_ids_lie_together(void **state) {
    (void)state;
    struct story s = story_new(1);
    int64_t a = id_of(&s, 0, START), other = id_of(&s, 1, START), b = id_of(&s, 0, START + DAY - 1);
    int64_t next_day = id_of(&s, 0, START + DAY);
    assert_true(a < b && b < other && other < next_day);
    fixture_commit(s.f);
    assert_int_equal(id_of(&s, 0, START), a + 4);
    db_rollback(s.f->db);
    assert_ok(db_begin(s.f->db));
    assert_int_equal(id_of(&s, 0, START), a + 4); /* nobody has seen it */
    assert_true(id_of(&s, 0, 0) > 0);
    assert_true(id_of(&s, 0, INT64_MAX) > next_day);
    fixture_free(s.f);
}

/* ---- bounds ---- */
static int64_t rows_of_kind(const struct fixture *f, enum rollup_kind kind) {
    BUF_AUTO sql = {0};
    buf_addf(&sql, "SELECT count(*) FROM rollups WHERE kind = %d", (int)kind);
    return fixture_number(f, sql.p);
}

static void test_P8_values_have_a_bound(void **state) {
    (void)state;
    struct story s = story_new(1);
    int max = rollup_values_max(ROLLUP_DAY_RECIPIENT_DOMAIN);
    for (int i = 0; i < max + 50; i++) {
        BUF_AUTO recipient = {0};
        buf_addf(&recipient, "a@d%d.test", i);
        assert_ok(write_event(&s, EVENT_SEND, 0, recipient.p, START + HOUR, TEXT("{}")));
        if (i % 100 == 99) fixture_commit(s.f);
    }
    for (int i = 0; i < 3; i++) assert_ok(write_event(&s, EVENT_SEND, 0, "a@d0.test", START + HOUR, TEXT("{}")));
    assert_ok(write_event(&s, EVENT_SEND, 0, "a@next.test", START + DAY, TEXT("{}"))); /* a day of its own */
    fixture_commit(s.f);
    assert_int_equal(rows_of_kind(s.f, ROLLUP_DAY_RECIPIENT_DOMAIN), max + 2);
    struct event_bucket_list list;
    assert_ok(event_group(s.f->db, &s.f->arena, &(struct event_filter){.domain_id = s.domains[0]}, EVENT_FIELD_RECIPIENT_DOMAIN,
                          3, &list));
    assert_str(list.items[0].key, "other");
    assert_int_equal(list.items[0].count, 50);
    assert_str(list.items[1].key, "d0.test");
    assert_int_equal(list.items[1].count, 4);
    fixture_free(s.f);
}

/* Less than an hour is counted event by event, so many and no more; whole hours have no bound. */
static void test_P8_ends_of_a_period_have_a_bound(void **state) {
    (void)state;
    struct story s = story_new(1);
    struct rollup_counts counts;
    BUF_AUTO sql = {0};
    buf_addf(
        &sql,
        "INSERT INTO events (id, at, type, account_id, domain_id, message_id, recipient_id, recipient, recipient_domain, detail) "
        "SELECT i, %lld, 1, 1, %lld, 1, 1, 'a@b.test', 'b.test', '{}' FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL "
        "SELECT i + 1 FROM n WHERE i <= %lld) SELECT i FROM n) numbers",
        (long long)START + 1, (long long)s.domains[0], (long long)ROLLUP_EDGE_MAX);
    assert_ok(db_exec(s.f->db, sql.p));
    struct event_period period = {s.domains[0], START + 1, START + DAY};
    assert_int_equal(rollup_sum(s.f->db, &period, &counts), STATUS_LIMIT);
    period.from_at = START;
    assert_ok(rollup_sum(s.f->db, &period, &counts));
    fixture_free(s.f);
}

/* What is kept for ever grows for ever: beyond so many values of days a time is to be narrowed, before any of it is added up. */
static void test_P8_values_of_many_days_have_a_bound(void **state) {
    (void)state;
    struct story s = story_new(1);
    struct rollup_list list;
    BUF_AUTO sql = {0};
    buf_addf(&sql,
             "INSERT INTO rollups (domain_id, kind, at, value, deliveries) SELECT %lld, 7, %lld + CAST(i / 1000 AS BIGINT) * "
             "86400000, "
             "CAST(i %% 1000 AS TEXT), 1 FROM (WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %lld) "
             "SELECT i FROM n) numbers",
             (long long)s.domains[0], (long long)START, (long long)ROLLUP_ROWS_MAX);
    assert_ok(db_exec(s.f->db, sql.p));
    struct rollup_query query = {
        .period = {s.domains[0], START, START + 2000 * DAY}, .by = ROLLUP_BY_RECIPIENT_DOMAIN, .limit = 10};
    assert_int_equal(rollup_group(s.f->db, &s.f->arena, &query, &list), STATUS_LIMIT);
    query.period.domain_id = s.domains[1];
    assert_ok(rollup_group(s.f->db, &s.f->arena, &query, &list));
    query.period = (struct event_period){s.domains[0], START, START + 30 * DAY};
    assert_ok(rollup_group(s.f->db, &s.f->arena, &query, &list));
    assert_int_equal(list.items[0].people, 30);
    fixture_free(s.f);
}

static void test_hostile_values_count_as_others(void **state) {
    (void)state;
    struct story s = story_new(1);
    static const struct str tags[] = {STR_INIT("a\0b"), STR_INIT("\xFF"), STR_INIT(""), STR_INIT("'; DROP TABLE rollups; --")};
    BUF_AUTO long_link = {0};
    for (int i = 0; i <= ROLLUP_VALUE_MAX; i++) buf_add_char(&long_link, 'x');
    const struct event event = {.at = START,
                                .type = EVENT_CLICK,
                                .account_id = s.account,
                                .domain_id = s.domains[0],
                                .message_id = s.messages[0],
                                .recipient_id = 1,
                                .recipient = TEXT("a@b.test"),
                                .keys = {.tags = tags, .tag_count = 4, .link = buf_str(&long_link)}};
    int64_t id;
    struct rollup_list list;
    struct rollup_query query = {.period = {s.domains[0], START, START + DAY}, .by = ROLLUP_BY_TAG, .limit = 10};
    assert_ok(event_record(s.f->db, &event, &id));
    fixture_commit(s.f);
    assert_ok(rollup_group(s.f->db, &s.f->arena, &query, &list));
    assert_int_equal(list.count, 2);
    assert_str(list.items[0].value, "other");
    assert_int_equal(list.items[0].people, 2);
    assert_str(list.items[1].value, "'; DROP TABLE rollups; --");
    query.by = ROLLUP_BY_LINK;
    assert_ok(rollup_group(s.f->db, &s.f->arena, &query, &list));
    assert_int_equal(list.count, 1);
    assert_str(list.items[0].value, "other");
    fixture_free(s.f);
}

/* ---- the transaction ---- */
struct work {
    struct job job; /* first */
    struct story *story;
};

static enum status run_writing(struct job *job, void *ctx) {
    const struct story *s = ((struct work *)(void *)job)->story;
    int64_t id;
    const struct event event = {.at = START,
                                .type = EVENT_SEND,
                                .account_id = s->account,
                                .domain_id = s->domains[0],
                                .message_id = s->messages[0],
                                .recipient_id = 1,
                                .recipient = TEXT("a@b.test")};
    return event_record(ctx, &event, &id);
}

static enum status run_refusing(struct job *job, void *ctx) {
    enum status status = run_writing(job, ctx);
    return status == STATUS_OK ? STATUS_DENIED : status;
}

/* A job that had written before it refused makes the batch run again, job by job. */
static void test_P3_events_and_rollups_stand_together(void **state) {
    (void)state;
    struct story s = story_new(1);
    void *ctx = NULL;
    struct work work[3] = {{{.run = run_writing}, &s}, {{.run = run_refusing}, &s}, {{.run = run_writing}, &s}};
    struct job *batch[3] = {&work[0].job, &work[1].job, &work[2].job};
    db_close(&s.f->db);
    assert_ok(writer_start(&s.f->options, &ctx));
    writer_batch(ctx, batch, 3);
    writer_batch(ctx, batch, 1);
    writer_stop(ctx);
    assert_int_equal(work[1].job.status, STATUS_DENIED);
    assert_int_equal(fixture_number(s.f, "SELECT count(*) FROM events"), 3);
    assert_int_equal(fixture_number(s.f, "SELECT sends FROM rollups WHERE kind = 1"), 3);
    assert_int_equal(fixture_number(s.f, "SELECT sends FROM rollups WHERE kind = 2"), 3);
    fixture_free(s.f);
}

static void test_domains_are_known_when_they_are_gone(void **state) {
    (void)state;
    struct story s = story_new(1);
    struct rollup_domain_page list;
    struct rollup_domain_list ids;
    assert_ok(write_event(&s, EVENT_SEND, 1, "a@b.test", START, TEXT("{}")));
    assert_ok(write_event(&s, EVENT_SEND, 0, "a@b.test", START, TEXT("{}")));
    fixture_commit(s.f);
    assert_ok(domain_delete(s.f->db, s.account, s.domains[0]));
    assert_ok(rollup_domain_list(s.f->db, &s.f->arena, s.account, &ids));
    assert_int_equal(ids.count, DOMAINS);
    make_domain(s.f->db, s.account, "quiet.example"); /* is known too */
    assert_ok(rollup_domain_page(s.f->db, &s.f->arena, s.account, 0, 10, &list));
    assert_int_equal(list.count, DOMAINS + 1);
    assert_int_equal(list.items[0].id, s.domains[0]);
    assert_str(list.items[0].name, "example.com");
    assert_true(list.items[0].is_deleted && !list.items[1].is_deleted);
    assert_str(list.items[2].name, "quiet.example");
    assert_ok(rollup_domain_page(s.f->db, &s.f->arena, s.account, s.domains[0], 1, &list));
    assert_int_equal(list.count, 1);
    assert_int_equal(list.items[0].id, s.domains[1]);
    assert_ok(rollup_domain_page(s.f->db, &s.f->arena, s.account + 1, 0, 10, &list));
    assert_int_equal(list.count, 0);
    fixture_free(s.f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups_equal_a_recount),
        cmocka_unit_test(test_pages_and_totals_equal_a_recount),
        cmocka_unit_test(test_periods_add_up),
        cmocka_unit_test(test_statistics_add_up),
        cmocka_unit_test(test_ids_lie_together),
        cmocka_unit_test(test_P8_values_have_a_bound),
        cmocka_unit_test(test_P8_ends_of_a_period_have_a_bound),
        cmocka_unit_test(test_P8_values_of_many_days_have_a_bound),
        cmocka_unit_test(test_hostile_values_count_as_others),
        cmocka_unit_test(test_P3_events_and_rollups_stand_together),
        cmocka_unit_test(test_domains_are_known_when_they_are_gone),
    };
    return cmocka_run_group_tests_name("rollup", tests, NULL, NULL);
}
