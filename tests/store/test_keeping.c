/* What is kept, and for how long: contents as they are stored, retention, people who are to be forgotten.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "core/compose.h"
#include "core/content.h"
#include "core/erase.h"
#include "core/keeping.h"
#include "core/queue_orders.h"
#include "core/store_check.h"
#include "core/suppressions.h"
#include "store/lists.h"
#include "store/subscribers.h"
#include "store/tag_refusals.h"
#include "store/transcripts.h"
#include "store/words.h"

#include <stdio.h>
#include <string.h>

#define DAY INT64_C(86400000)

/* ---- contents ---- */

static void make_text(struct buf *out, const char *header, size_t lines) {
    buf_addf(out, "%s: x\r\nSubject: hello\r\n\r\n", header);
    for (size_t i = 0; i < lines; i++) buf_addf(out, "<td class=\"b\">This is line %zu of a letter.</td>\r\n", i);
}

/* A message of the account with this content, as the edges hand it in. */
static int64_t keep(struct db *db, int64_t account, uint8_t mark, struct str whole, size_t share_min) {
    struct message message = {.account_id = account, .created_at = NOW};
    message.id = make_message(db, account, 1, mark);
    struct content packed = {0};
    if (share_min) content_pack(whole, share_min, &packed);
    assert_ok(content_write(db, &message, whole, &packed));
    content_fini(&packed);
    return message.id;
}

static void assert_kept(struct db *db, int64_t id, struct str whole) {
    static const size_t cuts[] = {0, 1, 20, 40, 700, 5000, SIZE_MAX};
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        BUF_AUTO out = {0};
        buf_add_z(&out, "before");
        assert_ok(content_load_start(db, id, cuts[i], &out));
        struct str want = str_sub(whole, 0, cuts[i]);
        assert_int_equal(out.n, 6 + want.n);
        assert_memory_equal(out.p + 6, want.p, want.n);
    }
}

static int64_t number(struct db *db, const char *sql) {
    struct stmt *s = db_stmt(db, sql);
    assert_int_equal(stmt_step(s), STATUS_ROW);
    return stmt_int(s, 0);
}

static void test_contents_come_back_however_they_are_kept(void **state) {
    (void)state;
    static const size_t lines[] = {0, 1, 12, 30, 2000};
    static const size_t shares[] = {0, CONTENT_SHARED_LIKELY, CONTENT_SHARED_MAYBE};
    struct fixture *f = fixture_new();
    int64_t account = make_account(f->db, "a@example.com");
    uint8_t mark = 1;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        BUF_AUTO whole = {0};
        make_text(&whole, "X-One", lines[i]);
        for (size_t k = 0; k < sizeof shares / sizeof shares[0]; k++)
            assert_kept(f->db, keep(f->db, account, mark++, buf_str(&whole), shares[k]), buf_str(&whole));
    }
    assert_kept(f->db, keep(f->db, account, mark++, TEXT("any \0 bytes \xff\r\n"), 1), TEXT("any \0 bytes \xff\r\n"));
    assert_kept(f->db, keep(f->db, account, mark++, TEXT(""), 1), TEXT(""));
    BUF_AUTO out = {0};
    assert_int_equal(content_load(f->db, 4711, &out), STATUS_NOT_FOUND);
    fixture_free(f);
}

static void test_what_ends_alike_is_kept_once_for_an_account(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t account = make_account(f->db, "a@example.com"), other = make_account(f->db, "b@example.com");
    BUF_AUTO one = {0};
    BUF_AUTO two = {0};
    BUF_AUTO else_ = {0};
    make_text(&one, "X-One", 200);
    make_text(&two, "X-Two", 200);
    make_text(&else_, "X-One", 201);
    int64_t first = keep(f->db, account, 1, buf_str(&one), CONTENT_SHARED_LIKELY);
    int64_t second = keep(f->db, account, 2, buf_str(&two), CONTENT_SHARED_LIKELY);
    int64_t third = keep(f->db, account, 3, buf_str(&else_), CONTENT_SHARED_LIKELY);
    assert_int_equal(number(f->db, "SELECT count(*) FROM body_parts"), 2);
    int64_t foreign = keep(f->db, other, 4, buf_str(&two), CONTENT_SHARED_LIKELY);
    assert_int_equal(number(f->db, "SELECT count(*) FROM body_parts"), 3);
    assert_int_equal(number(f->db, "SELECT MAX(CAST(length(content) AS BIGINT)) FROM bodies"), 28); /* headers alone */
    assert_ok(body_delete(f->db, first));
    assert_int_equal(body_delete(f->db, first), STATUS_NOT_FOUND);
    assert_kept(f->db, second, buf_str(&two));
    assert_ok(body_delete(f->db, second));
    assert_int_equal(number(f->db, "SELECT count(*) FROM body_parts"), 2);
    assert_kept(f->db, third, buf_str(&else_));
    assert_kept(f->db, foreign, buf_str(&two));
    fixture_free(f);
}

/* Letters of a list have their boundaries of what they say, so they end alike; what says something else does not. */
static void test_letters_that_say_the_same_end_alike(void **state) {
    (void)state;
    static const char *const to[] = {"one@example.net", "two@example.net", "three@example.net"};
    struct fixture *f = fixture_new();
    int64_t account = make_account(f->db, "a@example.com");
    for (uint8_t i = 0; i < 6; i++) {
        struct compose_mailbox person = {.email = str_from_z(to[i % 3])};
        struct submission letter = {.from.email = STR("a@example.com"),
                                    .to = {&person, 1},
                                    .subject = STR("News"),
                                    .message_id = str_from_z(to[i % 3]),
                                    .html = i < 3 ? STR("<p>Hello</p>") : STR("<p>Hullo</p>"),
                                    .text = STR("Hello\r\n")};
        struct compose_verdict verdict;
        struct content_chance chance;
        const struct rand alike = content_chance(&chance, letter.html, letter.text);
        assert_true(compose_check(&letter, &f->arena, &verdict));
        BUF_AUTO whole = {0};
        compose_message(&letter, &alike, &whole);
        assert_kept(f->db, keep(f->db, account, (uint8_t)(i + 1), buf_str(&whole), 100), buf_str(&whole));
    }
    assert_int_equal(number(f->db, "SELECT count(*) FROM body_parts"), 2);
    fixture_free(f);
}

static void test_a_damaged_content_is_told(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t account = make_account(f->db, "a@example.com");
    BUF_AUTO whole = {0};
    BUF_AUTO out = {0};
    make_text(&whole, "X-One", 200);
    int64_t shared = keep(f->db, account, 1, buf_str(&whole), CONTENT_SHARED_LIKELY);
    int64_t alone = keep(f->db, account, 2, buf_str(&whole), SIZE_MAX);
    assert_ok(db_exec(f->db, "UPDATE bodies SET packing = 7 WHERE part_id = 0"));
    assert_int_equal(content_load(f->db, alone, &out), STATUS_CORRUPT);
    assert_ok(db_exec(f->db, "UPDATE bodies SET packing = 1"));
    assert_int_equal(content_load(f->db, shared, &out), STATUS_CORRUPT); /* its header is plain */
    assert_ok(db_exec(f->db, "UPDATE bodies SET packing = 0; DELETE FROM body_parts"));
    assert_int_equal(content_load(f->db, shared, &out), STATUS_CORRUPT);
    assert_int_equal(out.n, 0);
    fixture_free(f);
}

/* ---- retention ---- */

/* The same numbers each time. */
static int64_t dice(uint64_t *state, int64_t sides) {
    *state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (int64_t)((*state >> 33) % (uint64_t)sides);
}

static void run_sql(struct db *db, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void run_sql(struct db *db, const char *format, ...) {
    char sql[600];
    va_list args;
    va_start(args, format);
    vsnprintf(sql, sizeof sql, format, args);
    va_end(args);
    assert_ok(db_exec(db, sql));
}

/* A message of that age with content, a recipient in that state, and an event so many days later. */
struct history {
    int64_t account, domain;
    uint8_t mark;
    int64_t age_days;
    int state;
    int64_t event_age_days;
};
static int64_t add_history(struct db *db, struct history h) {
    const int64_t account = h.account, domain = h.domain;
    BUF_AUTO whole = {0};
    make_text(&whole, "X-One", 100 + h.mark % 3);
    int64_t id = keep(db, account, h.mark, buf_str(&whole), h.mark % 2 ? CONTENT_SHARED_LIKELY : SIZE_MAX);
    int64_t to = make_recipient(db, id, account, "example.net", NOW), event = 0;
    run_sql(db, "UPDATE messages SET created_at = %lld, domain_id = %lld, signature = uuid WHERE id = %lld",
            (long long)(NOW - h.age_days * DAY), (long long)domain, (long long)id);
    run_sql(db, "UPDATE bodies SET created_at = %lld WHERE message_id = %lld", (long long)(NOW - h.age_days * DAY),
            (long long)id);
    run_sql(db, "UPDATE recipients SET state = %d WHERE id = %lld", h.state, (long long)to);
    struct event e = {.at = NOW - h.event_age_days * DAY,
                      .type = EVENT_DELIVERY,
                      .account_id = account,
                      .domain_id = domain,
                      .message_id = id,
                      .recipient_id = to,
                      .recipient = STR("b@example.net")};
    assert_ok(event_record(db, &e, &event));
    struct inbox_mail mail = {.received_at = e.at,
                              .account_id = account,
                              .domain_id = domain,
                              .recipients = STR("[\"b@example.net\"]"),
                              .subject = STR("s"),
                              .content = STR("c")};
    assert_ok(inbox_add(db, &mail, &event));
    return id;
}

/* To its end; *ret_slices tells in how many. Some are rolled back and run again, as one that was killed. */
static struct keeping walk_all(struct fixture *f, uint64_t *state, int *ret_slices) {
    struct keeping walk;
    const struct keeping_rules rules = {{KEEPING_BODY_DAYS, KEEPING_EVENT_DAYS}, {0, 0}};
    keeping_begin(&walk, &rules);
    for (*ret_slices = 0; !walk.is_over; ++*ret_slices) {
        struct keeping before = walk;
        assert_true(*ret_slices < 10000);
        assert_ok(keeping_slice(f->db, &f->arena, &walk, NOW));
        if (state && dice(state, 3) == 0) {
            db_rollback(f->db);
            assert_ok(db_begin(f->db));
            walk = before;
            if (dice(state, 3) == 0) keeping_begin(&walk, &rules);
        } else {
            fixture_commit(f);
        }
    }
    return walk;
}

static int64_t count_where(struct db *db, const char *what) {
    BUF_AUTO sql = {0};
    buf_addf(&sql, "SELECT count(*) FROM %s", what);
    struct stmt *s = db_stmt_once(db, buf_str(&sql));
    assert_int_equal(stmt_step(s), STATUS_ROW);
    return stmt_int(s, 0);
}

static void test_everything_goes_in_its_time_and_nothing_before(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t account = make_account(f->db, "a@example.com"), domain = make_domain(f->db, account, "example.com");
    int slices = 0;
    int64_t young = add_history(f->db, (struct history){account, domain, 1, 29, RECIPIENT_DELIVERED, 29});
    int64_t middle = add_history(f->db, (struct history){account, domain, 2, 31, RECIPIENT_DELIVERED, 31});
    int64_t held = add_history(f->db, (struct history){account, domain, 3, 500, RECIPIENT_HELD, 500});
    int64_t old = add_history(f->db, (struct history){account, domain, 4, 401, RECIPIENT_BOUNCED, 401});
    int64_t late = add_history(f->db, (struct history){account, domain, 5, 401, RECIPIENT_DELIVERED, 399});
    struct keeping walk = walk_all(f, NULL, &slices);
    BUF_AUTO out = {0};
    struct message m;
    assert_ok(content_load(f->db, young, &out));
    assert_int_equal(content_load(f->db, middle, &out), STATUS_NOT_FOUND);
    assert_ok(content_load(f->db, held, &out));
    assert_int_equal(message_get(f->db, &f->arena, old, &m), STATUS_NOT_FOUND);
    assert_ok(message_get(f->db, &f->arena, late, &m));
    assert_int_equal(m.signature.n, 0);
    assert_int_equal(count_where(f->db, "events"), 3);
    assert_int_equal(count_where(f->db, "inbox"), 1);
    assert_int_equal(count_where(f->db, "recipients"), 4);
    assert_int_equal(walk.removed[RETAINED_BODIES], 3);
    assert_int_equal(walk.removed[RETAINED_EVENTS], 2);
    assert_int_equal(walk.removed[RETAINED_MESSAGES], 1);
    walk = walk_all(f, NULL, &slices);
    assert_int_equal(walk.removed[RETAINED_BODIES] + walk.removed[RETAINED_EVENTS] + walk.removed[RETAINED_MESSAGES], 0);
    assert_int_equal(slices, 1); /* what is needed costs a look */
    run_sql(f->db, "UPDATE recipients SET state = %d", RECIPIENT_CANCELLED);
    walk = walk_all(f, NULL, &slices);
    assert_int_equal(walk.removed[RETAINED_BODIES], 1);
    assert_int_equal(walk.removed[RETAINED_MESSAGES], 1);
    fixture_free(f);
}

static void test_an_account_says_how_long(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t strict = make_account(f->db, "a@example.com"), lenient = make_account(f->db, "b@example.com");
    int slices = 0;
    struct retention days;
    assert_ok(retention_set(f->db, strict, &(struct retention){1, 2}));
    assert_ok(retention_set(f->db, lenient, &(struct retention){90, 0}));
    assert_int_equal(retention_set(f->db, 4711, &days), STATUS_NOT_FOUND);
    assert_int_equal(retention_get(f->db, 4711, &days), STATUS_NOT_FOUND);
    assert_ok(retention_get(f->db, strict, &days));
    assert_int_equal(days.event_days, 2);
    add_history(f->db, (struct history){strict, 7, 1, 3, RECIPIENT_DELIVERED, 1});
    add_history(f->db, (struct history){strict, 7, 2, 3, RECIPIENT_DELIVERED, 3});
    add_history(f->db, (struct history){lenient, 8, 3, 89, RECIPIENT_DELIVERED, 89});
    add_history(f->db, (struct history){4711, 9, 4, 89, RECIPIENT_DELIVERED, 89}); /* its account is gone: the defaults hold */
    walk_all(f, NULL, &slices);
    assert_int_equal(count_where(f->db, "bodies WHERE account_id = 2"), 1);
    assert_int_equal(count_where(f->db, "bodies"), 1);
    assert_int_equal(count_where(f->db, "inbox"), 2);
    assert_int_equal(count_where(f->db, "events"), 3);
    assert_int_equal(count_where(f->db, "messages"), 3);
    fixture_free(f);
}

#define MONTH_DAYS  30
#define MONTH_MAILS 30 /* a day; their marks come again when they are gone */

/* What the database takes on its disk; PostgreSQL gives pages back when it is vacuumed, which its own daemon does. */
static int64_t room_of(struct fixture *f) {
    struct store_size size;
    if (!db_is_sqlite(f->db)) {
        assert_ok(db_commit(f->db));
        assert_ok(db_exec(f->db, "VACUUM"));
        assert_ok(db_begin(f->db));
    }
    assert_ok(store_size(f->db, &size));
    return size.bytes;
}

static void test_P8_a_month_takes_no_more_room_than_a_week(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t account = make_account(f->db, "a@example.com"), domain = make_domain(f->db, account, "example.com"), room = 0;
    const struct keeping_rules rules = {{3, 5}, {0, 0}};
    for (int day = 0; day < MONTH_DAYS; day++) {
        struct keeping walk;
        for (int i = 0; i < MONTH_MAILS; i++) {
            uint8_t mark = (uint8_t)(1 + (day * MONTH_MAILS + i) % 240);
            add_history(f->db, (struct history){account, domain, mark, -day, RECIPIENT_DELIVERED, -day});
        }
        keeping_begin(&walk, &rules);
        while (!walk.is_over) {
            assert_ok(keeping_slice(f->db, &f->arena, &walk, NOW + day * DAY + 1));
            fixture_commit(f);
        }
        if (day == 7) room = room_of(f);
        if (day < 8) continue;
        assert_int_equal(count_where(f->db, "bodies"), 3 * MONTH_MAILS);
        assert_int_equal(count_where(f->db, "events"), 5 * MONTH_MAILS);
        assert_int_equal(count_where(f->db, "messages"), 5 * MONTH_MAILS);
        assert_true(room_of(f) <= room + room / 10);
    }
    fixture_free(f);
}

/* Many of one owner, and great ones: a slice stays within its bounds, and none is left behind. */
static void test_slices_are_small(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t account = make_account(f->db, "a@example.com"), id = 0;
    struct keeping walk;
    BUF_AUTO great = {0};
    for (int i = 0; i < 3 * KEEPING_LOOK_MAX + 7; i++) {
        struct event e = {.at = i % 2 ? NOW : NOW - 500 * DAY,
                          .type = EVENT_SEND,
                          .domain_id = 1,
                          .message_id = i,
                          .recipient = STR("b@example.net")};
        assert_ok(event_record(f->db, &e, &id));
    }
    for (size_t i = 0; i < KEEPING_BYTES_MAX + 1; i++) buf_add_char(&great, (char)i);
    for (uint8_t i = 1; i <= 3; i++) {
        id = make_message(f->db, account, 1, i);
        assert_ok(body_add(f->db,
                           &(struct body){.message_id = id, .account_id = account, .created_at = 1, .content = buf_str(&great)}));
    }
    for (uint8_t i = 4; i <= 6; i++) { /* what stands in a part of its own weighs as much, what others share does not */
        char hash[1] = {(char)i};
        struct body body = {.account_id = account, .created_at = 1, .content = STR("x"), .part_hash = str_make(hash, 1)};
        body.part = i < 6 ? buf_str(&great) : STR("small");
        body.message_id = make_message(f->db, account, 1, i);
        assert_ok(body_add(f->db, &body));
    }
    keeping_begin(&walk, &(struct keeping_rules){{KEEPING_BODY_DAYS, KEEPING_EVENT_DAYS}, {0, 0}});
    for (int64_t events = 0, bodies = 0; !walk.is_over; fixture_commit(f)) {
        assert_ok(keeping_slice(f->db, &f->arena, &walk, NOW));
        assert_true(walk.removed[RETAINED_EVENTS] - events <= KEEPING_WEIGHT_MAX);
        assert_true(walk.removed[RETAINED_BODIES] - bodies <= 1);
        events = walk.removed[RETAINED_EVENTS], bodies = walk.removed[RETAINED_BODIES];
    }
    assert_int_equal(walk.removed[RETAINED_BODIES], 6);
    assert_int_equal(walk.removed_bytes, 5 * great.n + 3 + strlen("small"));
    assert_int_equal(count_where(f->db, "events WHERE at < 1795600000000"), 0);
    assert_int_equal(count_where(f->db, "events"), (3 * KEEPING_LOOK_MAX + 7) / 2);
    fixture_free(f);
}

/* What the rules leave of random histories: account 2 says 5 and 20 days. */
#define SINCE(own, others)                                                                                                       \
    "(1795600000000 - (CASE WHEN account_id = 2 THEN " own " ELSE " others " END) * CAST(86400000 AS BIGINT))"
#define WAITING     "(SELECT message_id FROM recipients WHERE state IN (0, 1, 2))"
#define LEFT_BODIES "bodies WHERE created_at >= " SINCE("5", "30") " OR message_id IN " WAITING
#define LEFT_EVENTS "events WHERE at >= " SINCE("20", "400")
#define LEFT_MESSAGES                                                                                                            \
    "messages WHERE created_at >= " SINCE("20", "400") " OR id IN " WAITING " OR id IN (SELECT message_id FROM " LEFT_EVENTS ")"

/* Random histories, and slices that are cut short: what is left is what the rules leave. */
static void test_P1_random_histories_are_kept_by_the_rules(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct fixture *f = fixture_new();
        uint64_t random = seed;
        int64_t accounts[3] = {make_account(f->db, "a@example.com"), make_account(f->db, "b@example.com"), 99};
        int slices = 0;
        assert_ok(retention_set(f->db, accounts[1], &(struct retention){5, 20}));
        for (uint8_t mark = 1; mark < 120; mark++) {
            int64_t who = dice(&random, 3), age = dice(&random, who == 1 ? 40 : 800);
            int64_t event_age = dice(&random, age + 1);
            add_history(f->db, (struct history){accounts[who], who * 2 + dice(&random, 2), mark, age,
                                                (int)dice(&random, RECIPIENT_STATE_COUNT), event_age});
        }
        int64_t left[3] = {count_where(f->db, LEFT_BODIES), count_where(f->db, LEFT_EVENTS), count_where(f->db, LEFT_MESSAGES)};
        fixture_commit(f);
        walk_all(f, &random, &slices);
        assert_int_equal(count_where(f->db, "bodies"), left[0]);
        assert_int_equal(count_where(f->db, LEFT_BODIES), left[0]);
        assert_int_equal(count_where(f->db, "events"), left[1]);
        assert_int_equal(count_where(f->db, LEFT_EVENTS), left[1]);
        assert_int_equal(count_where(f->db, "messages"), left[2]);
        assert_int_equal(count_where(f->db, LEFT_MESSAGES), left[2]);
        assert_int_equal(count_where(f->db, "body_parts WHERE id NOT IN (SELECT part_id FROM bodies)"), 0);
        assert_int_equal(count_where(f->db, "recipients WHERE message_id NOT IN (SELECT id FROM messages)"), 0);
        fixture_free(f);
    }
}

/* ---- people who are to be forgotten ---- */

/* A message to one of the account's people, or two, that has ended, with an event, a dialogue and a mail in the sandbox. */
static int64_t write_to(struct db *db, int64_t account, uint8_t mark, const char *address, int state) {
    BUF_AUTO whole = {0};
    make_text(&whole, "X-One", 100);
    int64_t id = keep(db, account, mark, buf_str(&whole), SIZE_MAX), event = 0;
    struct recipient to = {.message_id = id,
                           .account_id = account,
                           .address = str_from_z(address),
                           .domain = STR("example.net"),
                           .state = state,
                           .expires_at = NOW + 1000,
                           .changed_at = NOW};
    int64_t to_id = 0;
    assert_ok(recipient_add(db, &to, &(struct node_epoch){.node_id = 1, .epoch = 1}, &to_id));
    assert_ok(words_restore(db, id));
    struct event e = {.at = NOW,
                      .type = EVENT_SEND,
                      .account_id = account,
                      .domain_id = 1,
                      .message_id = id,
                      .recipient_id = to_id,
                      .recipient = to.address};
    assert_ok(event_record(db, &e, &event));
    e.type = EVENT_OPEN;
    assert_ok(event_record(db, &e, &event));
    assert_ok(transcript_put(db, &(struct transcript_row){to_id, 1, NOW, to.address}));
    BUF_AUTO json = {0};
    buf_addf(&json, "[\"%s\",\"c@example.net\"]", address);
    struct inbox_mail mail = {.received_at = NOW,
                              .account_id = account,
                              .domain_id = 1,
                              .recipients = buf_str(&json),
                              .subject = STR("s"),
                              .content = STR("c")};
    assert_ok(inbox_add(db, &mail, &event));
    return id;
}

/* Somebody looked for him in the queue. */
static void order_about(struct db *db, int64_t account, const char *address, bool is_open) {
    int64_t id = 0;
    BUF_AUTO text = {0};
    struct queue_filter filter = queue_filter_all();
    filter.address = str_from_z(address);
    queue_filter_format(&text, &filter);
    struct queue_job job = {
        .account_id = account, .verb = QUEUE_CANCEL, .filter = buf_str(&text), .reason = STR(ERASE_REASON), .created_at = NOW};
    if (!is_open) job.reason = STR("moved");
    assert_ok(queue_job_add(db, &job, &id));
    if (!is_open) assert_ok(queue_job_close(db, id, STR(""), NOW));
}

/* On a list, suppressed there, and tired of a tag. */
static void list_him(struct db *db, int64_t account, const char *address) {
    int64_t list = 0, id = 0;
    struct sha256 hash = suppression_hash(str_from_z(address));
    assert_ok(
        mailing_list_add(db, &(struct mailing_list){.account_id = account, .name = STR("people"), .created_at = NOW}, &list));
    struct subscriber who = {
        .list_id = list, .email = str_from_z(address), .email_key = str_from_z(address), .fields = STR("{}")};
    assert_ok(subscriber_add(db, &who, &id));
    who.email = who.email_key = STR("other@example.net");
    assert_ok(subscriber_add(db, &who, &id));
    struct suppression entry = {.account_id = account,
                                .list_id = list,
                                .address = str_from_z(address),
                                .address_hash = sha256_str(&hash),
                                .source = SUPPRESSION_UNSUBSCRIBE,
                                .reason = STR("550 5.1.1 <him@example.net>: no such user"), /* a host's words */
                                .created_at = NOW};
    assert_ok(suppression_insert(db, &entry, &id));
    struct tag_refusal refusal = {.account_id = account,
                                  .address = str_from_z(address),
                                  .address_hash = sha256_str(&hash),
                                  .tag = STR("news"),
                                  .created_at = NOW};
    assert_ok(tag_refusal_add(db, &refusal));
    order_about(db, account, "HIM@example.net", true);
    order_about(db, account, "him@example.net", false);
    order_about(db, account, "to_him@example.net", false);
}

static struct erasure erase_until(struct fixture *f, int64_t now, uint64_t *random) {
    struct erasure e = {0};
    enum status status = STATUS_OK;
    for (int i = 0; status == STATUS_OK && i < 1000; i++) {
        status = erase_slice(f->db, &f->arena, now, &e);
        if (random && dice(random, 3) == 0) {
            db_rollback(f->db);
            assert_ok(db_begin(f->db));
        } else {
            fixture_commit(f);
        }
    }
    assert_int_equal(status, STATUS_NOT_FOUND);
    return e;
}

#define HIS(account) "account_id = " account " AND "
static int64_t count_traces(struct db *db, const char *whose) {
    static const char *const places[] = {
        "recipients WHERE %s lower(address) = 'him@example.net'",
        "events WHERE %s lower(recipient) = 'him@example.net'",
        "queue_jobs WHERE %s replace(lower(filter), '\"him@example.net\"', '') <> lower(filter)",
        "suppressions WHERE %s (address = 'him@example.net' OR reason LIKE '%him@example.net%')",
        "tag_refusals WHERE %s address = 'him@example.net'",
        "inbox WHERE %s replace(lower(recipients), 'him@example.net', '') <> lower(recipients)",
        "(SELECT s.email_key, l.account_id FROM subscribers s JOIN lists l ON l.id = s.list_id) w WHERE %s email_key = "
        "'him@example.net'",
        "(SELECT t.dialogue, r.account_id FROM transcripts t JOIN recipients r ON r.id = t.recipient_id) w WHERE %s "
        "lower(dialogue) = 'him@example.net'",
    };
    int64_t count = 0;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        BUF_AUTO what = {0};
        size_t at = str_find_str(str_from_z(places[i]), STR("%s"));
        buf_add(&what, places[i], at);
        buf_add_z(&what, whose);
        buf_add_z(&what, places[i] + at + 2);
        count += count_where(db, what.p);
    }
    return count;
}

/* b@example.net gets it too, and waits. */
static void share(struct fixture *f, int64_t message, int64_t account) {
    assert_ok(words_remove(f->db, message));
    make_recipient(f->db, message, account, "example.net", NOW);
    assert_ok(words_restore(f->db, message));
}

/* How many messages are found by a recipient's word. */
static int64_t count_found(struct fixture *f, int64_t domain, const char *text) {
    WORDS_SEARCH_AUTO search = {.domain_id = domain, .is_sqlite = fixture_is_sqlite(f)};
    const struct words_select select = words_select(search.is_sqlite);
    int64_t count = 0;
    BUF_AUTO sql = {0};
    assert_true(words_find(&search, WORD_RECIPIENT, str_from_z(text), WORDS_WHOLE));
    buf_addf(&sql, "%s?1%s", select.before, select.after);
    struct stmt *s = db_stmt_once(f->db, buf_str(&sql));
    stmt_bind_text(s, 1, buf_str(&search.text));
    while (stmt_step(s) == STATUS_ROW) count++;
    return count;
}

static void test_an_account_forgets_a_person(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t account = make_account(f->db, "a@example.com"), other = make_account(f->db, "b@example.com"), id = 0;
    int64_t his = write_to(f->db, account, 1, "Him@example.net", RECIPIENT_DELIVERED);
    int64_t shared = write_to(f->db, account, 2, "him@example.net", RECIPIENT_BOUNCED);
    share(f, shared, account);
    assert_ok(db_exec(f->db, "UPDATE recipients SET state = 4 WHERE address = 'b@example.net'"));
    int64_t hers = write_to(f->db, account, 3, "her@example.net", RECIPIENT_DELIVERED);
    write_to(f->db, other, 4, "him@example.net", RECIPIENT_DELIVERED);
    list_him(f->db, account, "him@example.net");
    list_him(f->db, other, "him@example.net");
    int64_t foreign = count_traces(f->db, HIS("2"));
    struct message m;
    assert_ok(message_get(f->db, &f->arena, hers, &m));
    int64_t domain = m.domain_id, everybodys = count_found(f, domain, "example.net");
    assert_true(count_found(f, domain, "him@example.net") >= 2);
    assert_int_equal(erase_begin(f->db, account, STR("him"), NOW, &id), STATUS_INVALID);
    assert_ok(erase_begin(f->db, account, STR("HIM@Example.net"), NOW, &id));
    struct erasure e = erase_until(f, NOW, NULL);
    assert_int_equal(e.stage, ERASE_DONE);
    assert_int_equal(e.address.n, 0);
    assert_int_equal(e.events, 4);
    assert_int_equal(e.recipients, 2);
    assert_int_equal(e.bodies, 2);
    assert_int_equal(count_traces(f->db, HIS("1")), 0);
    assert_int_equal(count_traces(f->db, HIS("2")), foreign); /* P6 */
    assert_true(count_found(f, domain, "him") <= 1);          /* the other account's, where both have one domain */
    assert_int_equal(count_found(f, domain, "her"), 1);
    assert_int_equal(count_found(f, domain, "b@example.net"), 1); /* who shared a message with him */
    assert_int_equal(count_found(f, domain, "example.net"), everybodys - 1);
    BUF_AUTO out = {0};
    assert_int_equal(message_get(f->db, &f->arena, his, &m), STATUS_NOT_FOUND);
    assert_ok(message_get(f->db, &f->arena, shared, &m));
    assert_int_equal(content_load(f->db, shared, &out), STATUS_NOT_FOUND);
    assert_ok(content_load(f->db, hers, &out));
    assert_int_equal(count_where(f->db, "subscribers WHERE email_key = 'other@example.net'"), 2);
    assert_int_equal(count_where(f->db, "queue_jobs"), 1 + 3);
    struct suppression_case found = {.address = STR("him@example.NET"), .tags = STR("[]"), .is_transactional = true};
    assert_ok(suppressions_judge(f->db, &f->arena, &(struct suppression_scope){account, 0}, &found, 1));
    assert_int_equal(found.source, SUPPRESSION_USER);
    assert_ok(erasure_get(f->db, &f->arena, account, id, &e));
    assert_int_equal(erasure_get(f->db, &f->arena, other, id, &e), STATUS_NOT_FOUND);
    struct erasure_list list;
    assert_ok(erasure_page(f->db, &f->arena, account, INT64_MAX, 10, &list));
    assert_int_equal(list.count, 1);
    assert_ok(erasure_page(f->db, &f->arena, other, INT64_MAX, 10, &list));
    assert_int_equal(list.count, 0);
    fixture_free(f);
}

static void test_P1_what_waits_is_erased_when_it_has_ended(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t account = make_account(f->db, "a@example.com"), id = 0;
    int64_t waiting = write_to(f->db, account, 1, "him@example.net", RECIPIENT_QUEUED);
    int64_t shared = write_to(f->db, account, 2, "him@example.net", RECIPIENT_DELIVERED);
    share(f, shared, account); /* waits */
    assert_ok(erase_begin(f->db, account, STR("him@example.net"), NOW, &id));
    BUF_AUTO out = {0};
    struct erasure e = erase_until(f, NOW, NULL);
    assert_int_equal(e.finished_at, 0);
    assert_int_equal(e.left_over, 2); /* told until the next walk */
    assert_ok(content_load(f->db, waiting, &out));
    assert_ok(content_load(f->db, shared, &out));
    e = erase_until(f, NOW + ERASE_AGAIN_MS - 1, NULL);
    assert_int_equal(e.id, 0);
    run_sql(f->db, "UPDATE recipients SET state = %d", RECIPIENT_FAILED);
    e = erase_until(f, NOW + ERASE_AGAIN_MS, NULL);
    assert_int_equal(e.stage, ERASE_DONE);
    assert_int_equal(count_traces(f->db, ""), 0);
    assert_int_equal(count_where(f->db, "messages"), 1);
    assert_int_equal(count_where(f->db, "bodies"), 0);
    fixture_free(f);
}

/* Thousands of hits of one person do not keep the writer from everybody's mail. */
static void test_P6_P8_a_slice_takes_so_many_events(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t account = make_account(f->db, "a@example.com"), id = 0, events = 0;
    for (uint8_t i = 1; i <= 3; i++) {
        int64_t message = write_to(f->db, account, i, "him@example.net", RECIPIENT_DELIVERED);
        struct event hit = {.at = NOW, .type = EVENT_CLICK, .account_id = account, .domain_id = 1, .message_id = message};
        hit.recipient_id = message; /* each has one */
        hit.recipient = STR("him@example.net");
        for (int k = 0; k < 2500; k++, hit.at++) assert_ok(event_record(f->db, &hit, &events));
    }
    assert_ok(erase_begin(f->db, account, STR("him@example.net"), NOW, &id));
    fixture_commit(f);
    struct erasure e = {.id = 0};
    int64_t before = 0;
    while (erase_slice(f->db, &f->arena, NOW, &e) == STATUS_OK) {
        assert_in_range(e.events - before, 0, 2 * EVENT_REMOVE_MAX);
        before = e.events;
        fixture_commit(f);
    }
    assert_int_equal(e.stage, ERASE_DONE);
    assert_int_equal(e.events, 3 * 2502);
    assert_int_equal(e.recipients, 3);
    assert_int_equal(count_traces(f->db, ""), 0);
    fixture_free(f);
}

/* Nor do great contents, wherever they stand. */
static void test_P6_P8_a_slice_takes_so_many_bytes(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t account = make_account(f->db, "a@example.com"), id = 0, before = 0;
    BUF_AUTO great = {0};
    for (size_t i = 0; i < ERASE_BYTES_MAX; i++) buf_add_char(&great, (char)i);
    for (uint8_t i = 1; i <= 4; i++) {
        int64_t message = write_to(f->db, account, i, "him@example.net", RECIPIENT_DELIVERED);
        char hash[1] = {(char)i};
        struct body body = {.message_id = message, .account_id = account, .content = STR("x"), .part_hash = str_make(hash, 1)};
        body.part = buf_str(&great);
        assert_ok(body_delete(f->db, message));
        assert_ok(body_add(f->db, &body));
    }
    assert_ok(erase_begin(f->db, account, STR("him@example.net"), NOW, &id));
    fixture_commit(f);
    struct erasure e = {.id = 0};
    while (erase_slice(f->db, &f->arena, NOW, &e) == STATUS_OK) {
        assert_true(e.bodies - before <= 1);
        before = e.bodies;
        fixture_commit(f);
    }
    assert_int_equal(e.bodies, 4);
    assert_int_equal(count_where(f->db, "body_parts"), 0);
    fixture_free(f);
}

/* What the sandbox received for others of a message names him as its content does. */
static void test_others_copies_of_a_message_go_as_well(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t account = make_account(f->db, "a@example.com"), id = 0;
    int64_t shared = write_to(f->db, account, 1, "him@example.net", RECIPIENT_DELIVERED);
    struct message m;
    assert_ok(message_get(f->db, &f->arena, shared, &m));
    struct inbox_mail mail = {.received_at = NOW,
                              .account_id = account,
                              .domain_id = 1,
                              .has_message_uuid = true,
                              .message_uuid = m.uuid,
                              .recipients = STR("[\"b@example.net\"]"),
                              .subject = STR("s"),
                              .content = STR("Cc: him@example.net\r\n\r\n")};
    assert_ok(inbox_add(f->db, &mail, &id));
    mail.message_uuid.b[0] ^= 1; /* another's */
    assert_ok(inbox_add(f->db, &mail, &id));
    assert_ok(erase_begin(f->db, account, STR("him@example.net"), NOW, &id));
    erase_until(f, NOW, NULL);
    assert_int_equal(count_where(f->db, "inbox"), 1);
    fixture_free(f);
}

static void test_the_operator_makes_everybody_forget(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    uint64_t random = 7;
    int64_t first = make_account(f->db, "a@example.com"), second = make_account(f->db, "b@example.com"), id = 0;
    make_account(f->db, "c@example.com"); /* has nothing of him */
    for (uint8_t i = 1; i <= 120; i++) {
        const int64_t whose[] = {first, second, 99}; /* the last one is gone */
        write_to(f->db, whose[i % 3], i, i % 4 ? "him@example.net" : "her@example.net", RECIPIENT_DELIVERED);
    }
    list_him(f->db, second, "him@example.net");
    assert_ok(erase_begin(f->db, ERASURE_EVERYBODY, STR("him@example.net"), NOW, &id));
    fixture_commit(f);
    erase_until(f, NOW, &random);
    struct erasure e;
    assert_ok(erasure_get(f->db, &f->arena, SCOPE_ANY, id, &e));
    assert_int_equal(e.finished_at, NOW);
    assert_int_equal(e.recipients, 90);
    assert_int_equal(e.events, 180);
    assert_int_equal(count_traces(f->db, ""), 0);
    assert_int_equal(count_where(f->db, "recipients"), 30);
    assert_int_equal(count_where(f->db, "events"), 60);
    assert_int_equal(count_where(f->db, "inbox"), 30);
    assert_int_equal(count_where(f->db, "suppressions WHERE list_id = 0 AND source = 1"), 2);
    assert_int_equal(count_where(f->db, "suppressions WHERE account_id = 3"), 0);
    fixture_free(f);
}

/* ---- sizes, and what hangs together ---- */

static void test_sizes_are_told_without_counting(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    struct store_size size;
    assert_ok(store_size(f->db, &size));
    assert_int_equal(size.oldest_event_at, 0);
    assert_int_equal(size.tables[0].rows, 0);
    int64_t account = make_account(f->db, "a@example.com");
    for (uint8_t i = 1; i <= 20; i++) write_to(f->db, account, i, "him@example.net", RECIPIENT_DELIVERED);
    fixture_commit(f);
    assert_ok(store_size(f->db, &size));
    assert_int_equal(size.is_sqlite, fixture_is_sqlite(f));
    assert_true(size.bytes > 100000);
    assert_string_equal(size.tables[0].name, "messages");
    assert_int_equal(size.tables[0].rows, 20);
    assert_int_equal(size.tables[0].bytes > 0, !size.is_sqlite);
    assert_int_equal(size.oldest_event_at, NOW);
    assert_int_equal(size.newest_event_at, NOW);
    assert_int_equal(size.oldest_body_at, NOW);
    assert_ok(db_exec(f->db, "DELETE FROM messages"));
    int64_t inner = 0;
    assert_ok(store_inner_bytes(f->db, &inner));
    assert_int_equal(inner > 0, size.is_sqlite);
    fixture_free(f);
}

static struct store_walk look_over(struct fixture *f) {
    struct store_walk walk;
    store_walk_begin(&walk);
    for (int i = 0; !store_walk_is_over(&walk); i++) {
        assert_true(i < 100);
        assert_ok(store_walk_piece(f->db, &f->arena, &walk));
    }
    assert_ok(store_walk_piece(f->db, &f->arena, &walk));
    return walk;
}

static void test_what_hangs_together_is_looked_over(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t account = make_account(f->db, "a@example.com");
    BUF_AUTO whole = {0};
    make_text(&whole, "X-One", 100);
    int64_t shared = keep(f->db, account, 1, buf_str(&whole), CONTENT_SHARED_LIKELY);
    for (uint8_t i = 2; i < 2 + 30; i++) write_to(f->db, account, i, "him@example.net", RECIPIENT_QUEUED);
    struct store_walk walk = look_over(f);
    for (int i = 0; i < STORE_RULE_COUNT; i++) assert_int_equal(walk.found[i].count, 0);
    run_sql(f->db, "DELETE FROM bodies WHERE part_id = 0");
    run_sql(f->db, "UPDATE bodies SET part_id = part_id + 1");
    walk = look_over(f);
    assert_int_equal(walk.found[STORE_RULE_CONTENT].count, 30);
    assert_true(walk.found[STORE_RULE_CONTENT].shown[STORE_CHECK_SHOWN - 1] > 0);
    assert_int_equal(walk.found[STORE_RULE_PARTS].count, 1);
    assert_int_equal(walk.found[STORE_RULE_PARTS].shown[0], shared);
    assert_int_equal(walk.found[STORE_RULE_ORPHANS].count, 1);
    for (int i = 0; i < STORE_RULE_COUNT; i++) assert_true(store_rule_text((enum store_rule)i)[0] != 0);
    fixture_free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contents_come_back_however_they_are_kept),
        cmocka_unit_test(test_what_ends_alike_is_kept_once_for_an_account),
        cmocka_unit_test(test_letters_that_say_the_same_end_alike),
        cmocka_unit_test(test_a_damaged_content_is_told),
        cmocka_unit_test(test_everything_goes_in_its_time_and_nothing_before),
        cmocka_unit_test(test_an_account_says_how_long),
        cmocka_unit_test(test_P8_a_month_takes_no_more_room_than_a_week),
        cmocka_unit_test(test_slices_are_small),
        cmocka_unit_test(test_P1_random_histories_are_kept_by_the_rules),
        cmocka_unit_test(test_an_account_forgets_a_person),
        cmocka_unit_test(test_P1_what_waits_is_erased_when_it_has_ended),
        cmocka_unit_test(test_P6_P8_a_slice_takes_so_many_events),
        cmocka_unit_test(test_P6_P8_a_slice_takes_so_many_bytes),
        cmocka_unit_test(test_others_copies_of_a_message_go_as_well),
        cmocka_unit_test(test_the_operator_makes_everybody_forget),
        cmocka_unit_test(test_sizes_are_told_without_counting),
        cmocka_unit_test(test_what_hangs_together_is_looked_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
