/* test_statistics.c - statistics and roll-ups equal a naive recount by SQL over all events that there ever were (P3).
 *
 * Random histories: opens and clicks by people and machines, bounces in the dialogue and long after, transactions that come to
 * nothing, domains that are deleted, events that grow too old, people who are erased. Whatever is committed is copied to a table
 * of the test's own, `history`, which nobody takes anything from; the recount is plain SQL over it and shares no text with ours.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "core/erase.h"
#include "core/events.h"
#include "core/keeping.h"
#include "core/stats.h"
#include "store/event_group.h"

#include <stdio.h>

#define HOUR       INT64_C(3600000)
#define DAY        INT64_C(86400000)
#define START      INT64_C(1767225600000) /* 2026-01-01 */
#define DAYS       8
#define DOMAINS    3
#define MESSAGES   24
#define RECIPIENTS 3 /* of a message */

struct story {
    struct fixture *f;
    uint64_t seed;
    int64_t accounts[2], domains[DOMAINS]; /* the last one is the second account's */
    int64_t messages[MESSAGES], recipients[MESSAGES][RECIPIENTS];
};

static unsigned roll(struct story *s, unsigned sides) {
    s->seed = s->seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(s->seed >> 33) % sides;
}

static const char *const all_tags[] = {"[]", "[\"a\"]", "[\"a\",\"b\"]", "[\"\xC3\xBC\",\"a\"]", "[\"B\"]"};
static const char *const people[] = {"ann@x.test", "bob@y.test", "eve@z.test", "joe@x.test"};
static const char *tags_of(int message) {
    return all_tags[message % 5];
}
static const char *person_of(int message, int i) {
    return people[(message + i) % 4];
}
static int64_t account_of(const struct story *s, int message) {
    return s->accounts[message % DOMAINS == DOMAINS - 1];
}

/* ---- a history ---- */
static void make_message_of(struct story *s, int i) {
    static struct node_epoch owner;
    struct message message = {.uuid = make_uuid((uint8_t)(i + 1)),
                              .account_id = account_of(s, i),
                              .domain_id = s->domains[i % DOMAINS],
                              .created_at = START,
                              .expires_at = START + DAY,
                              .sender = TEXT("a@example.com"),
                              .subject = TEXT("S"),
                              .rfc_message_id = TEXT("x@example.com"),
                              .tags = str_from_z(tags_of(i)),
                              .metadata = TEXT("{}"),
                              .size_bytes = 1};
    if (i == 0) owner = make_node(s->f->db);
    assert_ok(message_add(s->f->db, &message, &s->messages[i]));
    for (int k = 0; k < RECIPIENTS; k++) {
        struct str address = str_from_z(person_of(i, k));
        const struct recipient recipient = {.message_id = s->messages[i],
                                            .account_id = message.account_id,
                                            .domain_id = message.domain_id,
                                            .address = address,
                                            .domain = str_sub(address, 4, SIZE_MAX),
                                            .state = RECIPIENT_DELIVERED,
                                            .due_at = START,
                                            .expires_at = START + DAY,
                                            .changed_at = START};
        assert_ok(recipient_add(s->f->db, &recipient, &owner, &s->recipients[i][k]));
    }
}

static struct story story_new(uint64_t seed) {
    struct story s = {.f = fixture_new(), .seed = seed};
    s.accounts[0] = make_account(s.f->db, "a@example.com");
    s.accounts[1] = make_account(s.f->db, "b@example.com");
    s.domains[0] = make_domain(s.f->db, s.accounts[0], "example.com");
    s.domains[1] = make_domain(s.f->db, s.accounts[0], "example.net");
    s.domains[2] = make_domain(s.f->db, s.accounts[1], "example.org");
    for (int i = 0; i < MESSAGES; i++) make_message_of(&s, i);
    assert_ok(db_exec(s.f->db, "CREATE TABLE history AS SELECT e.*, m.tags FROM events e JOIN messages m ON m.id = e.message_id "
                               "WHERE e.id < 0"));
    fixture_commit(s.f);
    return s;
}

static void remember(struct story *s) {
    assert_ok(db_exec(s->f->db, "INSERT INTO history SELECT e.*, m.tags FROM events e JOIN messages m ON m.id = e.message_id "
                                "WHERE NOT EXISTS (SELECT 1 FROM history h WHERE h.id = e.id)"));
    fixture_commit(s->f);
}

/* What an event tells, and how long it took where our own dialogue or clock ended it. */
static struct str detail_of(struct story *s, enum event_type type, struct event_keys *keys) {
    static const char *const details[EVENT_TYPE_COUNT][3] = {
        [EVENT_OPEN] = {"{\"Device\":\"phone\",\"Country\":\"DE\"}", "{\"Device\":\"desktop\"}", "{\"Country\":\"AT\"}"},
        [EVENT_CLICK] = {"{\"Link\":\"https://a.test/?x=1\",\"Country\":\"DE\"}", "{\"Link\":\"https://a.test/B\"}",
                         "{\"Link\":\"https://a.test/b\",\"Device\":\"phone\"}"}};
    static const char *const bounces[] = {"", "\"Bounce\":{\"Class\":\"QuotaIssues\",\"Hard\":false}",
                                          "\"Bounce\":{\"Class\":\"BadDomain\",\"Hard\":true}"};
    static const int64_t times[] = {0, 999, 1000, 4999, 7000, 10000, 59999, 60000, 299999, 599999, 600000, 86400000};
    bool is_end = type == EVENT_DELIVERY || type == EVENT_FAILED || (type == EVENT_BOUNCE && roll(s, 3));
    const char *bounce = type == EVENT_BOUNCE ? bounces[roll(s, 3)] : "";
    if (details[type][0]) return str_from_z(details[type][roll(s, 3)]);
    if (!is_end) return arena_strf(&s->f->arena, "{%s}", bounce); /* a bounce that came home */
    keys->is_timed = true;
    keys->took_ms = times[roll(s, 12)];
    return arena_strf(&s->f->arena, "{%s%s\"QueueMs\":%lld}", bounce, *bounce ? "," : "", (long long)keys->took_ms);
}

static void write_random(struct story *s) {
    enum event_type type = (enum event_type)(1 + roll(s, EVENT_TYPE_COUNT - 1));
    int message = (int)roll(s, MESSAGES), i = (int)roll(s, RECIPIENTS);
    int64_t at = START + (int64_t)roll(s, DAYS) * DAY + (int64_t)roll(s, 24 * 4) * HOUR / 4 + (int64_t)roll(s, 2) * 7, id;
    struct event event = {.at = at,
                          .type = type,
                          .account_id = account_of(s, message),
                          .domain_id = s->domains[message % DOMAINS],
                          .message_id = s->messages[message],
                          .recipient_id = s->recipients[message][i],
                          .recipient = str_from_z(person_of(message, i))};
    event.detail = detail_of(s, type, &event.keys);
    enum event_how how = type == EVENT_UNSUBSCRIBE || type == EVENT_COMPLAINT ? EVENT_ONCE : EVENT_AS_IT_COMES;
    if ((type == EVENT_OPEN || type == EVENT_CLICK) && roll(s, 3) == 0) how = EVENT_BY_MACHINE;
    enum status status = event_write(s->f->db, &event, str_from_z(tags_of(message)), how, &id);
    assert_true(status == STATUS_OK || status == STATUS_EXISTS);
}

static void live(struct story *s, int count) {
    for (int i = 0; i < count; i++) {
        write_random(s);
        if (roll(s, 20) == 0) remember(s); /* what is not written yet does not count: the tally goes with the commit */
        if (roll(s, 60) != 0) continue;
        db_rollback(s->f->db);
        assert_ok(db_begin(s->f->db));
    }
    fixture_commit(s->f);
    remember(s);
}

static void grow_old(struct story *s, int64_t event_days, int64_t now) {
    struct keeping walk;
    keeping_begin(&walk, &(struct keeping_rules){{1, event_days}, {0, 0}});
    while (!walk.is_over) {
        assert_ok(keeping_slice(s->f->db, &s->f->arena, &walk, now));
        fixture_commit(s->f);
    }
}

/* How many have gone. */
static int64_t lost(const struct story *s) {
    return fixture_number(s->f, "SELECT (SELECT count(*) FROM history) - (SELECT count(*) FROM events)");
}

static void erase(struct story *s, int64_t account, const char *address) {
    struct erasure e;
    int64_t id;
    assert_ok(erase_begin(s->f->db, account, str_from_z(address), NOW, &id));
    while (erase_slice(s->f->db, &s->f->arena, NOW, &e) == STATUS_OK) fixture_commit(s->f);
    fixture_commit(s->f);
}

/* ---- the recount ---- */
#define FACTS_MAX 16
struct facts {
    int64_t n[FACTS_MAX];
};
struct recount {
    const char *what;  /* sums, commas between them */
    const char *where; /* "": everywhere */
    int64_t domain, from_at, before_at;
    int count; /* of sums */
};

static struct facts recount(struct story *s, const struct recount *q) {
    BUF_AUTO sql = {0};
    struct facts facts = {{0}};
    buf_addf(&sql, "SELECT %s FROM history h WHERE h.domain_id = %lld AND h.at >= %lld AND h.at < %lld %s", q->what,
             (long long)q->domain, (long long)q->from_at, (long long)q->before_at, q->where);
    struct stmt *stmt = db_stmt_once(s->f->db, buf_str(&sql));
    assert_int_equal(stmt_step(stmt), STATUS_ROW);
    for (int i = 0; i < q->count; i++) facts.n[i] = stmt_int(stmt, i);
    return facts;
}

static const char *const counters[EVENT_COUNTER_COUNT] = {
    [COUNT_SENT] = "type = 1",
    [COUNT_DELIVERED] = "type = 3",
    [COUNT_BOUNCED] = "type = 4",
    [COUNT_HARD_BOUNCED] = "type = 4 AND detail LIKE '%\"Hard\":true%'",
    [COUNT_DEFERRED] = "type = 2",
    [COUNT_FAILED] = "type = 5",
    [COUNT_SUPPRESSED] = "type = 6",
    [COUNT_OPENED] = "type = 7 AND is_first = 1",
    [COUNT_OPENED_TOTAL] = "type = 7 AND is_machine = 0",
    [COUNT_CLICKED] = "type = 8 AND is_first = 1",
    [COUNT_CLICKED_TOTAL] = "type = 8 AND is_machine = 0",
    [COUNT_UNSUBSCRIBED] = "type = 9",
    [COUNT_COMPLAINED] = "type = 10",
};

static void assert_counts(struct story *s, const struct event_counts *counts, const struct event_period *p, const char *where) {
    BUF_AUTO what = {0};
    for (int i = 0; i < EVENT_COUNTER_COUNT; i++) buf_addf(&what, "%s count(CASE WHEN %s THEN 1 END)", i ? "," : "", counters[i]);
    buf_add_char(&what, '\0');
    struct facts facts =
        recount(s, &(struct recount){what.p, where, p->domain_id, p->from_at, p->before_at, EVENT_COUNTER_COUNT});
    for (int i = 0; i < EVENT_COUNTER_COUNT; i++) {
        if (counts->n[i] != facts.n[i]) print_error("counter %d%s\n", i, where);
        assert_int_equal(counts->n[i], facts.n[i]);
    }
}

/* Whole days: of what has gone nothing shorter is kept. */
static struct event_period random_period(struct story *s) {
    int64_t a = roll(s, DAYS + 2), b = roll(s, DAYS + 2);
    return (struct event_period){s->domains[roll(s, DOMAINS)], START + (a < b ? a : b) * DAY - DAY,
                                 START + (a < b ? b : a) * DAY};
}

/* "h holds this text", for it may have letters that LIKE does not tell apart. */
static struct str where_held(struct story *s, const char *column, const char *text) {
    const char *find = fixture_is_sqlite(s->f) ? "instr" : "strpos";
    return arena_strf(&s->f->arena, " AND %s(h.%s, '%s') > 0", find, column, text);
}

/* ---- statistics ---- */
static void check_statistics(struct story *s) {
    struct event_period p = random_period(s);
    struct event_value_list list;
    struct event_counts counts;
    assert_ok(event_stats(s->f->db, &p, &counts));
    assert_counts(s, &counts, &p, "");
    assert_ok(event_stats_by_tag(s->f->db, &s->f->arena, &p, 100, &list));
    for (size_t i = 0; i < list.count; i++) {
        struct str quoted = arena_strf(&s->f->arena, "\"%.*s\"", STR_ARG(list.items[i].value));
        assert_counts(s, &list.items[i].counts, &p, where_held(s, "tags", quoted.p).p);
    }
    assert_ok(event_stats_by_day(s->f->db, &s->f->arena, &p, NULL, &list));
    for (size_t i = 0; i < list.count; i++)
        assert_counts(s, &list.items[i].counts, &(struct event_period){p.domain_id, list.items[i].at, list.items[i].at + DAY},
                      "");
}

static void check_account(struct story *s) {
    struct event_period p = random_period(s);
    struct stats_account account = {.account_id = s->accounts[0], .from_at = p.from_at, .before_at = p.before_at};
    struct stats_series series = {.account_id = s->accounts[0], .period = {0, p.from_at, p.before_at}};
    struct event_counts sum = {{0}}, days = {{0}};
    if (p.from_at == p.before_at) return;
    assert_ok(stats_account_next(s->f->db, &s->f->arena, &account));
    assert_true(account.is_complete);
    assert_int_equal(account.count, 2);
    for (size_t i = 0; i < account.count; i++) {
        const struct stats_domain *d = &account.items[i];
        assert_true(d->domain.id == s->domains[0] || d->domain.id == s->domains[1]);
        assert_counts(s, &d->counts, &(struct event_period){d->domain.id, p.from_at, p.before_at}, "");
        for (int k = 0; k < EVENT_COUNTER_COUNT; k++) sum.n[k] += d->counts.n[k];
    }
    assert_memory_equal(&sum, &account.compared.counts, sizeof sum);
    assert_ok(stats_series_next(s->f->db, &s->f->arena, &series));
    for (size_t i = 0; i < series.count; i++)
        for (int k = 0; k < EVENT_COUNTER_COUNT; k++) days.n[k] += series.days[i].counts.n[k];
    assert_memory_equal(&days, &sum, sizeof sum);
}

/* Of one outcome, as rollup_times has it. */
static void assert_times(struct story *s, const struct event_period *p, struct str domain, enum rollup_outcome outcome,
                         const struct rollup_times *times) {
    const char *ms =
        fixture_is_sqlite(s->f) ? "json_extract(h.detail, '$.QueueMs')" : "CAST(CAST(h.detail AS json) ->> 'QueueMs' AS BIGINT)";
    static const char *const lows[] = {"0", "1000", "5000", "10000", "30000", "60000", "300000", "600000", "99999999999"};
    BUF_AUTO what = {0};
    struct str where = arena_strf(&s->f->arena, " AND %s IS NOT NULL AND h.recipient_domain = '%.*s' AND h.type IN %s", ms,
                                  STR_ARG(domain), outcome == ROLLUP_DELIVERED ? "(3)" : "(4, 5)");
    buf_addf(&what, "count(*), CAST(COALESCE(sum(%s), 0) AS BIGINT), COALESCE(min(%s), 0), COALESCE(max(%s), 0)", ms, ms, ms);
    for (int i = 0; i < ROLLUP_STEPS; i++)
        buf_addf(&what, ", CAST(COALESCE(sum(CASE WHEN %s >= %s AND %s < %s THEN 1 ELSE 0 END), 0) AS BIGINT)", ms, lows[i], ms,
                 lows[i + 1]);
    buf_add_char(&what, '\0');
    struct facts f = recount(s, &(struct recount){what.p, where.p, p->domain_id, p->from_at, p->before_at, 4 + ROLLUP_STEPS});
    const int64_t expected[] = {times->letters, times->sum_ms, times->min_ms, times->max_ms};
    for (int i = 0; i < 4; i++) assert_int_equal(expected[i], f.n[i]);
    for (int i = 0; i < ROLLUP_STEPS; i++) assert_int_equal(times->steps[i], f.n[4 + i]);
}

static void check_recipient_domains(struct story *s) {
    struct stats_recipient_domains domains = {.period = random_period(s), .limit = 100};
    int64_t most = INT64_MAX;
    if (domains.period.from_at == domains.period.before_at) return;
    assert_ok(stats_recipient_domains_next(s->f->db, &s->f->arena, &domains));
    assert_true(domains.is_complete && domains.count <= 3);
    for (size_t i = 0; i < domains.count; i++) {
        const struct stats_recipient_domain *d = &domains.items[i];
        assert_counts(s, &d->counts, &domains.period,
                      arena_strf(&s->f->arena, " AND h.recipient_domain = '%.*s'", STR_ARG(d->name)).p);
        assert_times(s, &domains.period, d->name, ROLLUP_DELIVERED, &d->times[ROLLUP_DELIVERED]);
        assert_times(s, &domains.period, d->name, ROLLUP_NOT_DELIVERED, &d->times[ROLLUP_NOT_DELIVERED]);
        assert_true(d->counts.n[COUNT_DELIVERED] <= most);
        most = d->counts.n[COUNT_DELIVERED];
    }
}

/* ---- AggrEvents over what is rolled up ---- */
static const struct field {
    enum event_field field;
    const char *values[5];
    const char *column, *form; /* how a value stands in a column */
} fields[] = {
    {EVENT_FIELD_TAG, {"a", "b", "B", "\xC3\xBC"}, "tags", "\"%s\""},
    {EVENT_FIELD_RECIPIENT_DOMAIN, {"x.test", "y.test", "z.test"}, "recipient_domain", "%s"},
    {EVENT_FIELD_LINK, {"https://a.test/?x=1", "https://a.test/B", "https://a.test/b"}, "detail", "\"Link\":\"%s\""},
    {EVENT_FIELD_BOUNCE_CLASS, {"QuotaIssues", "BadDomain"}, "detail", "\"Class\":\"%s\""},
    {EVENT_FIELD_DEVICE, {"phone", "desktop"}, "detail", "\"Device\":\"%s\""},
    {EVENT_FIELD_COUNTRY, {"DE", "AT"}, "detail", "\"Country\":\"%s\""},
    {EVENT_FIELD_TYPE, {"open", "click", "bounce", "delivery"}, NULL, NULL},
};

static struct str where_value(struct story *s, const struct field *f, const char *value) {
    enum event_type type = EVENT_SEND;
    char text[64];
    if (!f->column && event_type_parse(str_from_z(value), &type)) return arena_strf(&s->f->arena, " AND h.type = %d", (int)type);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    assert_true(snprintf(text, sizeof text, f->form, value) > 0);
#pragma GCC diagnostic pop
    return where_held(s, f->column, text);
}

static void check_groups(struct story *s) {
    const struct field *f = &fields[roll(s, sizeof fields / sizeof fields[0])];
    const struct event_period p = random_period(s);
    struct event_filter filter = {.domain_id = p.domain_id, .from_at = p.from_at, .before_at = p.before_at};
    struct event_bucket_list list;
    int64_t types = roll(s, 2) ? (int64_t)(1 + roll(s, 1023)) << 1 : 0;
    size_t found = 0;
    if (p.from_at == p.before_at) return;
    filter.types = types;
    assert_ok(event_group(s->f->db, &s->f->arena, &filter, f->field, 100, &list));
    for (int i = 0; i < 5 && f->values[i]; i++) {
        struct str where = arena_strf(&s->f->arena, "%s AND h.is_machine = 0 AND (%lld & (1 << CAST(h.type AS INTEGER))) <> 0",
                                      where_value(s, f, f->values[i]).p, (long long)(types ? types : 2047));
        int64_t expected = recount(s, &(struct recount){"count(*)", where.p, p.domain_id, p.from_at, p.before_at, 1}).n[0];
        int64_t count = 0;
        for (size_t k = 0; k < list.count; k++)
            if (str_eq(list.items[k].key, str_from_z(f->values[i]))) count = list.items[k].count;
        if (count != expected) print_error("%s: %s\n", event_field_name(f->field), f->values[i]);
        assert_int_equal(count, expected);
        found += count > 0;
    }
    if (f->column) assert_int_equal(list.count, found);
}

static void check_all(struct story *s, int rounds) {
    for (int i = 0; i < rounds; i++) {
        check_statistics(s);
        check_account(s);
        check_recipient_domains(s);
        check_groups(s);
        check_groups(s);
    }
}

/* ---- the tests ---- */
static void test_P3_statistics_equal_a_recount_of_all_that_happened(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct story s = story_new(seed);
        check_all(&s, 2); /* of nothing */
        live(&s, 700);
        check_all(&s, 12);
        assert_ok(domain_delete(s.f->db, s.accounts[0], s.domains[0])); /* what bounces now counts still */
        fixture_commit(s.f);
        live(&s, 300);
        check_all(&s, 8);
        erase(&s, ERASURE_EVERYBODY, "ann@x.test");
        int64_t erased = lost(&s);
        assert_true(erased > 100);
        check_all(&s, 8);
        live(&s, 200);
        grow_old(&s, 400, START + 404 * DAY); /* half of it goes */
        assert_true(lost(&s) > erased + 200);
        check_all(&s, 8);
        live(&s, 200);
        check_all(&s, 8);
        fixture_free(s.f);
    }
}

/* Each recipient of a message who opened, clicked, left or complained counts once, and no machine does. */
static void test_unique_means_people(void **state) {
    (void)state;
    static const char unique[] = "count(DISTINCT CASE WHEN type = 7 AND is_machine = 0 THEN recipient_id END), "
                                 "count(DISTINCT CASE WHEN type = 8 AND is_machine = 0 THEN recipient_id END), "
                                 "count(DISTINCT CASE WHEN type = 9 THEN recipient_id END), "
                                 "count(DISTINCT CASE WHEN type = 10 THEN recipient_id END)";
    static const enum event_counter which[] = {COUNT_OPENED, COUNT_CLICKED, COUNT_UNSUBSCRIBED, COUNT_COMPLAINED};
    struct story s = story_new(11);
    live(&s, 2500);
    for (int i = 0; i < DOMAINS; i++) {
        const struct event_period all = {s.domains[i], START, START + DAYS * DAY};
        struct facts facts = recount(&s, &(struct recount){unique, "", all.domain_id, all.from_at, all.before_at, 4});
        struct event_counts counts;
        assert_ok(event_stats(s.f->db, &all, &counts));
        for (int k = 0; k < 4; k++) assert_int_equal(counts.n[which[k]], facts.n[k]);
    }
    fixture_free(s.f);
}

/* Any number of domains, in slices: the sums are of all of them, the ones that sent most are shown. */
static void test_P8_an_account_of_many_domains(void **state) {
    (void)state;
    enum { MANY = STATS_DOMAINS_MAX + 50 };
    struct story s = story_new(1);
    struct stats_account account = {.account_id = s.accounts[0], .from_at = START, .before_at = START + DAY};
    struct stats_series series = {.account_id = s.accounts[0], .period = {0, START, START + 2 * DAY}};
    int64_t id, slices = 0;
    for (int i = 0; i < MANY; i++) {
        BUF_AUTO name = {0};
        buf_addf(&name, "d%d.example%c", i, '\0');
        struct event event = {.at = START + HOUR, .type = EVENT_SEND, .account_id = s.accounts[0], .recipient = TEXT("a@b.test")};
        event.domain_id = make_domain(s.f->db, s.accounts[0], name.p);
        for (int k = 0; k < (i == 700 ? 3 : 1); k++) assert_ok(event_write(s.f->db, &event, TEXT("[]"), EVENT_AS_IT_COMES, &id));
    }
    fixture_commit(s.f);
    for (; !account.is_complete; slices++) assert_ok(stats_account_next(s.f->db, &s.f->arena, &account));
    assert_int_equal(slices, (MANY + 2) / STATS_SLICE + 1);
    assert_int_equal(account.domain_count, MANY + 2);
    assert_int_equal(account.count, STATS_DOMAINS_MAX);
    assert_int_equal(account.compared.counts.n[COUNT_SENT], MANY + 2);
    assert_str(account.items[0].domain.name, "d700.example");
    assert_int_equal(account.items[STATS_DOMAINS_MAX - 1].counts.n[COUNT_SENT], 1);
    while (!series.is_complete) assert_ok(stats_series_next(s.f->db, &s.f->arena, &series));
    assert_int_equal(series.count, 2);
    assert_int_equal(series.days[0].counts.n[COUNT_SENT], MANY + 2);
    assert_int_equal(series.days[1].at, 0);
    fixture_free(s.f);
}

/* What is beyond a day's bound is counted, and timed, as "other" (P8). */
static void test_P8_times_beyond_the_bound_are_of_others(void **state) {
    (void)state;
    struct story s = story_new(1);
    struct rollup_times times[ROLLUP_OUTCOME_COUNT];
    const struct event_period day = {s.domains[0], START, START + DAY};
    int max = rollup_values_max(ROLLUP_DAY_RECIPIENT_DOMAIN);
    for (int i = 0; i < max + 30; i++) {
        int64_t id;
        struct event event = {.at = START,
                              .type = EVENT_DELIVERY,
                              .account_id = s.accounts[0],
                              .domain_id = s.domains[0],
                              .message_id = s.messages[0],
                              .recipient_id = 1,
                              .recipient = arena_strf(&s.f->arena, "a@d%d.test", i),
                              .keys = {.is_timed = true, .took_ms = i}};
        assert_ok(event_write(s.f->db, &event, TEXT("[]"), EVENT_AS_IT_COMES, &id));
        if (i == max - 1) fixture_commit(s.f);
    }
    fixture_commit(s.f);
    assert_ok(rollup_times_read(s.f->db, &day, TEXT("other"), times));
    assert_int_equal(times[ROLLUP_DELIVERED].letters, 30);
    assert_int_equal(times[ROLLUP_DELIVERED].min_ms, max);
    assert_int_equal(times[ROLLUP_DELIVERED].max_ms, max + 29);
    assert_ok(rollup_times_read(s.f->db, &day, TEXT("d7.test"), times));
    assert_int_equal(times[ROLLUP_DELIVERED].sum_ms, 7);
    assert_int_equal(times[ROLLUP_NOT_DELIVERED].letters, 0);
    fixture_free(s.f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_P3_statistics_equal_a_recount_of_all_that_happened),
        cmocka_unit_test(test_unique_means_people),
        cmocka_unit_test(test_P8_an_account_of_many_domains),
        cmocka_unit_test(test_P8_times_beyond_the_bound_are_of_others),
    };
    return cmocka_run_group_tests_name("statistics", tests, NULL, NULL);
}
