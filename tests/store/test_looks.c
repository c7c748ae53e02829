/* test_looks.c - how much a search or a count looks at: in pieces it adds up to the same, beyond the bound it is refused before
 * the work, and a neighbour's mail costs nobody anything (P6, P8). On SQLite the steps of its machine are counted.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "core/events.h"
#include "store/event_group.h"
#include "store/event_list.h"
#include "store/event_tally.h"
#include "store/rollup_read.h"
#include "store/rollup_times.h"
#include "store/words.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#define MESSAGES 500
#define START    INT64_C(1767225600000) /* 2026-01-01 */
/* A search may look at a million events, each for some of the engine's steps. */
#define STEPS_MAX INT64_C(30000000)

struct crowd {
    struct fixture *f;
    int64_t account, domain, neighbour;
};

/* A domain of many events, put there by SQL alone, and its neighbour with one message of the same words. */
static void add_message(struct crowd *c, int64_t domain, unsigned number) {
    char subject[64];
    int size = snprintf(subject, sizeof subject, "%s number %u", number % 2 ? "Welcome" : "Farewell", number % 7);
    struct message message = {.uuid = make_uuid(0),
                              .account_id = c->account,
                              .domain_id = domain,
                              .created_at = START,
                              .expires_at = START + 1,
                              .sender = STR("news@example.com"),
                              .subject = str_make(subject, (size_t)size),
                              .rfc_message_id = STR("x@y.test"),
                              .tags = STR("[]"),
                              .metadata = number % 3 ? STR("{\"JourneyID\":\"J1\"}") : STR("{}"),
                              .size_bytes = 1};
    const struct str to = STR("ann@x.test");
    message.uuid.b[0] = (uint8_t)(number >> 8);
    message.uuid.b[1] = (uint8_t)number;
    message.uuid.b[2] = domain == c->neighbour;
    assert_ok(message_add(c->f->db, &message, &message.id));
    assert_ok(words_add(c->f->db, &message, &to, 1));
}

static struct crowd crowd_new(void) {
    struct crowd c = {.f = fixture_new()};
    c.account = make_account(c.f->db, "a@example.com");
    c.domain = make_domain(c.f->db, c.account, "example.com");
    c.neighbour = make_domain(c.f->db, c.account, "example.net");
    for (unsigned i = 0; i < MESSAGES; i++) add_message(&c, c.domain, i);
    add_message(&c, c.neighbour, 1);
    assert_ok(db_exec(
        c.f->db,
        "INSERT INTO events (id, at, type, is_machine, account_id, domain_id, message_id, recipient_id, recipient, "
        "recipient_domain, mx_host, client, ip, detail) SELECT i, 1767225600000 + i / 3 * 3, 1 + i % 10, CASE WHEN i % 11 = 0 "
        "THEN 1 "
        "ELSE 0 "
        "END, 1, 1, 1 + i % 500, 1, 'ann@x.test', 'x.test', CASE WHEN i % 2 = 0 THEN 'mx2' ELSE 'mx1' END, "
        "CASE WHEN i % 2 = 0 THEN 'tablet' ELSE 'phone' END, CASE WHEN i % 2 = 0 THEN '192.0.2.2' ELSE '192.0.2.1' END, '{}' "
        "FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 310000) SELECT i FROM n) numbers"));
    assert_ok(
        db_exec(c.f->db,
                "INSERT INTO events (id, at, type, account_id, domain_id, message_id, recipient_id, recipient, recipient_domain, "
                "detail) VALUES (400000, 1767225600000, 1, 1, 2, 501, 1, 'ann@x.test', 'x.test', '{}')"));
    assert_ok(db_exec(c.f->db,
                      "INSERT INTO rollups (domain_id, kind, at, value, sends) VALUES (1, 1, 1767225600000, '', 310000), "
                      "(1, 2, 1767225600000, '', 310000)"));
    assert_int_equal(c.domain, 1);
    assert_int_equal(c.neighbour, 2);
    fixture_commit(c.f);
    return c;
}

/* ---- counts in pieces ---- */
static void count_pieces(struct crowd *c, struct event_grouping *g, struct str query, struct event_bucket_list *ret,
                         int *ret_pieces) {
    struct event_condition condition;
    BUF_AUTO why = {0};
    bool is_end = false;
    if (query.n) {
        assert_true(event_condition_parse(query, &c->f->arena, &condition, &why));
        g->filter.condition = &condition;
    }
    for (*ret_pieces = 0; !is_end; ++*ret_pieces) {
        assert_ok(event_group_next(c->f->db, &c->f->arena, g, &is_end, ret));
        fixture_commit(c->f);
    }
    event_group_free(g);
}

static int64_t counted(const struct crowd *c, const char *where) {
    BUF_AUTO sql = {0};
    buf_addf(&sql,
             "SELECT count(*) FROM events e JOIN messages m ON m.id = e.message_id WHERE e.domain_id = 1 AND e.is_machine = 0 "
             "AND %s%c",
             where, '\0');
    return fixture_number(c->f, sql.p);
}

static void test_pieces_add_up_to_the_whole(void **state) {
    (void)state;
    static const struct {
        enum event_field field;
        const char *query;
        int64_t types, from_at, before_at;
        int pieces; /* at least */
        const char *key, *where;
    } cases[] = {
        {EVENT_FIELD_MX_HOST, "", 0, 0, 0, 5, "mx1", "e.mx_host = 'mx1'"},
        {EVENT_FIELD_MX_HOST, "", EVENT_BIT(3) | EVENT_BIT(8), START + 600, START + 200003, 3, "mx1",
         "e.mx_host = 'mx1' AND e.type IN (3, 8) AND e.at >= 1767225600600 AND e.at < 1767225800003"},
        {EVENT_FIELD_IP, "", EVENT_BIT(7) | EVENT_BIT(8), 0, START + 200003, 3, "192.0.2.2",
         "e.mx_host = 'mx2' AND e.type IN (7, 8) AND e.at < 1767225800003"},
        {EVENT_FIELD_RECIPIENT, "", 0, 0, 0, 2, "ann@x.test", "1 = 1"},
        {EVENT_FIELD_SUBJECT, "", 0, 0, 0, 2, "Welcome number 3", "m.subject = 'Welcome number 3'"},
        {EVENT_FIELD_SUBJECT, "", EVENT_BIT(5), 0, START + 9000, 1, "Welcome number 3",
         "m.subject = 'Welcome number 3' AND e.type = 5 AND e.at < 1767225609000"},
        {EVENT_FIELD_JOURNEY, "", 0, 0, 0, 2, "J1", "m.metadata <> '{}'"},
        {EVENT_FIELD_MX_HOST, "subject:welcome", 0, 0, 0, 2, "mx2", "m.subject LIKE 'Welcome%' AND e.mx_host = 'mx2'"},
        {EVENT_FIELD_SUBJECT, "mxHost:mx2 NOT subject:farewell", 0, 0, 0, 2, "Welcome number 0",
         "m.subject = 'Welcome number 0' AND e.mx_host = 'mx2'"},
    };
    struct crowd c = crowd_new();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct event_grouping g = {.filter = {c.domain, cases[i].types, cases[i].from_at, cases[i].before_at, 0, NULL},
                                   .field = cases[i].field,
                                   .limit = 1000};
        struct event_bucket_list list = {0};
        int pieces;
        int64_t found = 0;
        count_pieces(&c, &g, str_from_z(cases[i].query), &list, &pieces);
        for (size_t k = 0; k < list.count; k++)
            if (str_eq(list.items[k].key, str_from_z(cases[i].key))) found = list.items[k].count;
        if (found != counted(&c, cases[i].where) || pieces < cases[i].pieces)
            print_error("case %zu: %lld in %d pieces\n", i, (long long)found, pieces);
        assert_int_equal(found, counted(&c, cases[i].where));
        assert_true(pieces >= cases[i].pieces);
    }
    fixture_free(c.f);
}

/* ---- steps ---- */
static int64_t steps; /* sqlite3's handlers know nothing of a test's own */

static int note_steps(void *arg) {
    (void)arg;
    steps += 1000;
    return 0;
}

static int watch_connection(sqlite3 *db, char **why, const struct sqlite3_api_routines *api) {
    (void)why;
    (void)api;
    sqlite3_progress_handler(db, 1000, note_steps, NULL);
    return SQLITE_OK;
}

static enum status search(struct crowd *c, int64_t domain, int64_t types, const char *query, int64_t *ret_total) {
    ARENA_AUTO arena = {0};
    struct event_condition condition;
    struct event_row_list list;
    BUF_AUTO why = {0};
    steps = 0;
    assert_true(event_condition_parse(str_from_z(query), &arena, &condition, &why));
    enum status status = event_list(
        c->f->db, &arena, &(struct event_filter){.domain_id = domain, .types = types, .condition = &condition}, 0, 10, &list);
    if (status == STATUS_OK) *ret_total = list.total;
    return status;
}

static void test_P6_P8_nobody_looks_beyond_the_bound(void **state) {
    (void)state;
    static const struct {
        const char *query;
        enum status status; /* of the domain with many */
        int64_t types;
    } cases[] = {
        {"mxHost:mx1", STATUS_OK, 0},
        {"mxHost:mx1 recipientDomain:x.test", STATUS_OK, 0},
        {"client:phone", STATUS_LIMIT, 0},
        {"client:phone NOT country:DE", STATUS_OK, EVENT_OF_READERS}, /* opens are few, as the roll-ups know */
        {"client:phone link:*", STATUS_LIMIT, EVENT_OF_READERS},      /* but here every row is read */
        {"NOT mxHost:mx1 NOT link:*", STATUS_LIMIT, 0},
        {"tag:* OR journeyId:*", STATUS_LIMIT, 0},
        {"recipientDomain:x.test", STATUS_OK, 0},
        {"zzz", STATUS_OK, 0},
        {"subject:zzz AND mxHost:*", STATUS_OK, 0},
        {"subject:welcome", STATUS_OK, 0},
        {"welcome mxHost:mx1", STATUS_OK, 0},
        {"welcome userAgent:phone", STATUS_LIMIT, 0},
        {"NOT NOT NOT NOT NOT NOT NOT eventType:open", STATUS_LIMIT, 0},
        {"subject:welcome subject:farewell tag:* link:* mxHost:* journeyId:*", STATUS_OK, 0},
    };
    sqlite3_auto_extension((void (*)(void))watch_connection);
    struct crowd c = crowd_new();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t total = -1;
        enum status status = search(&c, c.domain, cases[i].types, cases[i].query, &total);
        if (status != cases[i].status || steps > STEPS_MAX)
            print_error("%s: %s, %lld steps\n", cases[i].query, status_text(status), (long long)steps);
        assert_int_equal(status, cases[i].status);
        assert_true(steps <= STEPS_MAX);

        assert_ok(search(&c, c.neighbour, cases[i].types, cases[i].query, &total));
        if (steps > 5000) print_error("%s: %lld steps for the neighbour\n", cases[i].query, (long long)steps);
        assert_true(total <= 1 && steps <= 5000);
        assert_ok(db_broken(c.f->db));
    }
    sqlite3_cancel_auto_extension((void (*)(void))watch_connection);
    fixture_free(c.f);
}

/* ---- what is read in the index alone ---- */
static char seen[16384]; /* the sentence over events and their messages that ran last */
static sqlite3 *seen_by;

static int note_sentence(unsigned what, void *arg, void *statement, void *text) {
    const char *sql = sqlite3_sql(statement);
    (void)what;
    (void)arg;
    (void)text;
    if (!sql || !strstr(sql, "WITH event_") || strstr(sql, "EXPLAIN")) return 0;
    seen_by = sqlite3_db_handle(statement);
    snprintf(seen, sizeof seen, "EXPLAIN QUERY PLAN %s", sql);
    return 0;
}

static int trace_connection(sqlite3 *db, char **why, const struct sqlite3_api_routines *api) {
    (void)why;
    (void)api;
    return sqlite3_trace_v2(db, SQLITE_TRACE_STMT, note_sentence, NULL);
}

/* How many tables the sentence looks into, and in how many of them by an index that has all it asks for. */
static void read_plan(int *ret_looked, int *ret_covered) {
    sqlite3_stmt *plan = NULL;
    assert_int_equal(sqlite3_prepare_v2(seen_by, seen, -1, &plan, NULL), SQLITE_OK);
    for (*ret_looked = *ret_covered = 0; sqlite3_step(plan) == SQLITE_ROW;) {
        const char *text = (const char *)sqlite3_column_text(plan, 3);
        *ret_looked += strstr(text, "SEARCH ") || strstr(text, "USING INDEX");
        *ret_covered += strstr(text, "COVERING INDEX") != NULL;
    }
    sqlite3_finalize(plan);
}

static void test_what_is_narrow_is_counted_in_an_index(void **state) {
    (void)state;
    static const struct {
        enum event_field field;
        const char *query;
        int64_t types;
        bool is_covered;
    } cases[] = {
        {EVENT_FIELD_MX_HOST, "", 0, true},
        {EVENT_FIELD_RECIPIENT, "recipientDomain:x.test", 0, true},
        {EVENT_FIELD_SMTP_CODE, "mxHost:mx* OR NOT smtpCode:550", 0, true},
        {EVENT_FIELD_TYPE, "mxHost:mx1 bot:false", 0, true},
        {EVENT_FIELD_SUBJECT, "", 0, true},
        {EVENT_FIELD_JOURNEY, "", 0, true},
        {EVENT_FIELD_SENDER, "", 0, true},
        {EVENT_FIELD_IP, "", 0, true},
        {EVENT_FIELD_CLIENT, "device:desktop", 0, true},
        {EVENT_FIELD_USER_AGENT, "device:desktop", 0, true},
        {EVENT_FIELD_TYPE, "country:de OR country:at", 0, false},
        {EVENT_FIELD_TYPE, "country:de", EVENT_OF_READERS, true},
        {EVENT_FIELD_IP, "mxHost:mx1", 0, false},
    };
    sqlite3_auto_extension((void (*)(void))trace_connection);
    struct crowd c = crowd_new();
    for (size_t i = 0; fixture_is_sqlite(c.f) && i < sizeof cases / sizeof cases[0]; i++) {
        struct event_grouping g = {
            .filter = {.domain_id = c.domain, .types = cases[i].types}, .field = cases[i].field, .limit = 10};
        struct event_bucket_list list;
        int pieces, looked, covered;
        count_pieces(&c, &g, str_from_z(cases[i].query), &list, &pieces);
        read_plan(&looked, &covered);
        if ((looked > 0 && looked == covered) != cases[i].is_covered) print_error("case %zu\n", i);
        assert_int_equal(looked > 0 && looked == covered, cases[i].is_covered);
    }
    sqlite3_cancel_auto_extension((void (*)(void))trace_connection);
    fixture_free(c.f);
}

/* Words of long ago: whoever looks for the newest of them is not walked through all that came since. */
static void test_P8_what_was_found_long_ago_is_not_walked_to(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    struct event_row_list list, next;
    struct event_condition condition;
    BUF_AUTO why = {0};
    sqlite3_auto_extension((void (*)(void))watch_connection);
    struct crowd c = crowd_new();
    struct message relic = {.uuid = make_uuid(77),
                            .account_id = c.account,
                            .domain_id = c.domain,
                            .sender = STR("news@example.com"),
                            .subject = STR("Relic"),
                            .tags = STR("[]"),
                            .metadata = STR("{}")};
    const struct str to = STR("ann@x.test");
    assert_ok(message_add(c.f->db, &relic, &relic.id));
    assert_ok(words_add(c.f->db, &relic, &to, 1));
    assert_int_equal(relic.id, MESSAGES + 2);
    for (int i = 0; i < 8000; i++) {
        const struct event event = {.at = START - 10000 + i,
                                    .type = EVENT_DELIVERY,
                                    .account_id = c.account,
                                    .domain_id = c.domain,
                                    .message_id = relic.id,
                                    .recipient = to};
        int64_t id;
        assert_ok(event_write(c.f->db, &event, STR("[]"), EVENT_AS_IT_COMES, &id));
    }
    assert_ok(db_exec(c.f->db, "UPDATE rollups SET deliveries = deliveries + 310000 WHERE domain_id = 1 AND kind IN (1, 2)"));
    fixture_commit(c.f);
    assert_true(event_condition_parse(STR("subject:relic"), &arena, &condition, &why));
    const struct event_filter filter = {.domain_id = c.domain, .condition = &condition};
    steps = 0;
    assert_ok(event_list(c.f->db, &arena, &filter, 0, 10, &list));
    assert_int_equal(list.total, 8000);
    assert_int_equal(list.count, 10);
    for (size_t i = 0; i < list.count; i++) assert_int_equal(list.items[i].event.at, START - 2001 - (int64_t)i);
    const struct event_place place = {list.items[9].event.at, list.items[9].event.id};
    assert_ok(event_list_after(c.f->db, &arena, &filter, place, 10, &next));
    assert_int_equal(next.items[0].event.at, START - 2011);
    assert_int_equal(next.items[9].event.at, START - 2020);
    assert_true(steps <= 1000000);
    sqlite3_cancel_auto_extension((void (*)(void))watch_connection);
    fixture_free(c.f);
}

/* Delivery times lie by the day: the days that are read are those that anything is known of, however many are asked for. */
static void test_P8_days_before_and_after_all_mail_cost_nothing(void **state) {
    (void)state;
    static const struct {
        int64_t from_at, before_at, letters;
    } cases[] = {
        {0, INT64_C(253370764800000), 5},
        {0, START, 0},
        {START + 3 * ROLLUP_DAY_MS, INT64_C(253370764800000), 0},
        {START + ROLLUP_DAY_MS, START + 2 * ROLLUP_DAY_MS, 0},
        {START, START + ROLLUP_DAY_MS, 2},
        {START + ROLLUP_DAY_MS, START + 3 * ROLLUP_DAY_MS, 3},
    };
    const struct rollup_times two = {.letters = 2, .min_ms = 7, .max_ms = 9, .sum_ms = 16},
                              three = {.letters = 3, .min_ms = 1, .max_ms = 1, .sum_ms = 3};
    struct rollup_time_place place = {1, START, TEXT("x.test"), ROLLUP_DELIVERED};
    sqlite3_auto_extension((void (*)(void))watch_connection);
    struct fixture *f = fixture_new();
    assert_ok(rollup_times_write(f->db, &place, &two));
    place.at += 2 * ROLLUP_DAY_MS;
    assert_ok(rollup_times_write(f->db, &place, &three));
    fixture_commit(f);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct event_period period = {1, cases[i].from_at, cases[i].before_at}, other = {2, 0, cases[i].before_at};
        struct rollup_times times[ROLLUP_OUTCOME_COUNT];
        steps = 0;
        assert_ok(rollup_times_read(f->db, &period, TEXT("x.test"), times));
        assert_int_equal(times[ROLLUP_DELIVERED].letters, cases[i].letters);
        assert_ok(rollup_times_read(f->db, &other, TEXT("x.test"), times));
        assert_int_equal(times[ROLLUP_DELIVERED].letters, 0);
        assert_true(steps <= 5000);
    }
    sqlite3_cancel_auto_extension((void (*)(void))watch_connection);
    fixture_free(f);
}

/* An account may have had very many: whoever goes from one to the next is not walked past all that come behind it. */
static void test_P8_the_next_of_many_domains_is_near(void **state) {
    (void)state;
    static const struct {
        int64_t after_id, id;
        bool is_deleted;
    } cases[] = {{0, 1, false},       {2, 101, true},      {4000, 4001, true},
                 {6001, 6002, false}, {9000, 9001, false}, {11999, 12000, true}};
    struct rollup_domain_page page;
    sqlite3_auto_extension((void (*)(void))watch_connection);
    struct fixture *f = fixture_new();
    int64_t account = make_account(f->db, "a@example.com");
    (void)make_domain(f->db, account, "example.com");
    (void)make_domain(f->db, account, "example.net");
    assert_ok(db_exec(f->db,
                      "INSERT INTO rollup_domains (domain_id, account_id, name) WITH RECURSIVE n(i) AS (SELECT 101 UNION ALL "
                      "SELECT i + 1 FROM n WHERE i < 12000) SELECT i, 1, 'x.test' FROM n"));
    assert_ok(db_exec(f->db, "INSERT INTO domains (id, account_id, name, state, created_at) WITH RECURSIVE n(i) AS (SELECT 6002 "
                             "UNION ALL SELECT i + 1 FROM n WHERE i < 11000) SELECT i, 1, 'y' || i || '.test', 1, 1 FROM n"));
    fixture_commit(f);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        steps = 0;
        assert_ok(rollup_domain_page(f->db, &f->arena, account, cases[i].after_id, 1, &page));
        assert_int_equal(page.count, 1);
        assert_int_equal(page.items[0].id, cases[i].id);
        assert_int_equal(page.items[0].is_deleted, cases[i].is_deleted);
        assert_true(steps <= 5000);
    }
    assert_ok(rollup_domain_page(f->db, &f->arena, account, 12000, 1, &page));
    assert_int_equal(page.count, 0);
    sqlite3_cancel_auto_extension((void (*)(void))watch_connection);
    fixture_free(f);
}

/* What would take too long is refused before; values beyond the bound of memory end it. */
static void test_P8_a_count_has_its_bounds(void **state) {
    (void)state;
    struct tally t = {0};
    char value[40];
    size_t i = 0;
    for (;; i++) {
        int size = snprintf(value, sizeof value, "%030zu", i);
        if (!tally_add(&t, str_make(value, (size_t)size), 1)) break;
        assert_true(i < TALLY_VALUES_MAX);
    }
    assert_true(i == TALLY_VALUES_MAX && tally_bytes(&t) < 4 * TALLY_BYTES_MAX);
    assert_true(tally_add(&t, STR("000000000000000000000000000007"), 5));
    tally_fini(&t);
    struct crowd c = crowd_new();
    BUF_AUTO query = {0};
    for (int k = 0; k < 31; k++) buf_add_z(&query, "userAgent:* ");
    buf_add_z(&query, "userAgent:*");
    struct event_condition condition;
    BUF_AUTO why = {0};
    struct event_bucket_list list;
    bool is_end = false;
    assert_true(event_condition_parse(buf_str(&query), &c.f->arena, &condition, &why));
    struct event_grouping g = {
        .filter = {.domain_id = c.domain, .condition = &condition}, .field = EVENT_FIELD_MX_HOST, .limit = 10};
    assert_int_equal(event_group_next(c.f->db, &c.f->arena, &g, &is_end, &list), STATUS_LIMIT);
    assert_false(g.has_many_values || is_end);
    event_group_free(&g);
    fixture_free(c.f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_add_up_to_the_whole),
        cmocka_unit_test(test_P6_P8_nobody_looks_beyond_the_bound),
        cmocka_unit_test(test_what_is_narrow_is_counted_in_an_index),
        cmocka_unit_test(test_P8_what_was_found_long_ago_is_not_walked_to),
        cmocka_unit_test(test_P8_days_before_and_after_all_mail_cost_nothing),
        cmocka_unit_test(test_P8_the_next_of_many_domains_is_near),
        cmocka_unit_test(test_P8_a_count_has_its_bounds),
    };
    return cmocka_run_group_tests_name("looks", tests, NULL, NULL);
}
