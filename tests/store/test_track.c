/* test_track.c - what a followed link changes: opens and clicks counted once or marked, people leave, nobody else is touched (P3,
 * P6, P9; TR06, TR09, TR10, TR16, TR17), on both engines.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "core/events.h"
#include "core/suppressions.h"
#include "core/track.h"
#include "store/event_stats.h"
#include "store/lists.h"
#include "store/subscribers.h"

#define BROWSER "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0"
#define LATER   (NOW + 60000)

static const struct seal_key master = {{1, 2, 3}};
static const struct track_place place = {.hostname = STR_INIT("Gateway.example"),
                                         .link_host = STR_INIT("links.example"),
                                         .other_hosts = STR_INIT("old.example, older.example")};

/* Two accounts with a domain, a message (tags news and offers) to their list, and a recipient that it was delivered to. */
struct scene {
    struct fixture *f;
    struct track_keys keys;
    int64_t account[2], domain[2], list[2], message[2], recipient[2];
};

static void run(struct scene *s, const char *format, int64_t id) {
    BUF_AUTO sql = {0};
    buf_add_z(&sql, format);
    struct stmt *stmt = db_stmt_once(s->f->db, buf_str(&sql));
    stmt_bind_int(stmt, 1, id);
    assert_ok(stmt_run(stmt));
}

static void add_list(struct scene *s, int i) {
    struct mailing_list list = {.account_id = s->account[i], .name = STR("Weekly <b>"), .created_at = NOW};
    struct subscriber who = {
        .email = STR("b@example.net"), .email_key = STR("b@example.net"), .fields = STR("{}"), .created_at = NOW};
    int64_t id;
    assert_ok(mailing_list_add(s->f->db, &list, &s->list[i]));
    who.list_id = s->list[i];
    assert_ok(subscriber_add(s->f->db, &who, &id));
    struct stmt *stmt = db_stmt(s->f->db, "UPDATE messages SET tags = '[\"news\",\"offers\"]', metadata = ?2 WHERE id = ?1");
    stmt_bind_int(stmt, 1, s->message[i]);
    stmt_bind_text(stmt, 2, arena_strf(&s->f->arena, "{\"ListID\":\"%lld\"}", (long long)s->list[i]));
    assert_ok(stmt_run(stmt));
}

static struct scene scene_new(void) {
    static const char *const names[][2] = {{"a@example.com", "a.example"}, {"b@example.com", "b.example"}};
    struct scene s = {.f = fixture_new(), .keys = track_keys_derive(&master, 1, 1)};
    (void)make_node(s.f->db);
    for (uint8_t i = 0; i < 2; i++) {
        s.account[i] = make_account(s.f->db, names[i][0]);
        s.domain[i] = make_domain(s.f->db, s.account[i], names[i][1]);
        s.message[i] = make_message(s.f->db, s.account[i], s.domain[i], (uint8_t)(i + 1));
        s.recipient[i] = make_recipient(s.f->db, s.message[i], s.account[i], "example.net", NOW);
        run(&s, "UPDATE recipients SET state = 3 WHERE id = ?1", s.recipient[i]);
        add_list(&s, i);
    }
    return s;
}

static int64_t number(struct scene *s, const char *sql) {
    fixture_commit(s->f);
    return fixture_number(s->f, sql);
}

/* A hit by a person, on the first account's link, as it comes out of the token. */
static struct track_hit hit_of(struct scene *s, enum track_kind kind) {
    struct track_hit hit = {.host = STR("track.mail.a.example"), .now = LATER, .scope = LEAVE_LIST};
    struct track_token token = {.kind = kind,
                                .domain_id = s->domain[0],
                                .message_id = s->message[0],
                                .recipient_id = s->recipient[0],
                                .target = STR("https://shop.example/"),
                                .link = 2,
                                .list_id = s->list[0],
                                .address_hash = suppression_hash(STR("b@example.net"))};
    BUF_AUTO text = {0};
    assert_ok(track_token_make(&s->keys, &token, &text));
    assert_true(track_token_parse(&s->keys, kind, buf_str(&text), LATER, &s->f->arena, &hit.token));
    hit.reader = (struct track_reader){.user_agent = STR(BROWSER), .client = STR("203.0.113.7"), .country = STR("NZ")};
    return hit;
}

static struct tracked count(struct scene *s, const struct track_hit *hit) {
    struct tracked t;
    assert_ok(track_hit(s->f->db, &place, hit, &t));
    return t;
}

static struct str last_detail(struct scene *s) {
    struct message_timeline list;
    assert_ok(message_timeline(s->f->db, &s->f->arena, s->message[0], 300, &list));
    assert_true(list.count > 0);
    return list.items[list.count - 1].detail;
}

static void assert_holds(struct str text, const char *part) {
    if (str_find_str(text, str_from_z(part)) == STR_NONE) fail_msg("%s is not in %.*s", part, STR_ARG(text));
}

static enum suppression_source standing(struct scene *s, int account, int64_t list) {
    enum suppression_source source;
    struct str who = STR("b@example.net");
    assert_ok(suppressions_check(s->f->db, &(struct suppression_scope){s->account[account], list}, &who, 1, &source));
    return source;
}

static bool refuses(struct scene *s, int account, const char *tags) {
    struct suppression_case one = {.address = STR("B@example.net"), .tags = str_from_z(tags)};
    const struct suppression_scope scope = {s->account[account], 0};
    assert_ok(suppressions_judge(s->f->db, &s->f->arena, &scope, &one, 1));
    return one.tag.n > 0;
}

static void assert_groups(struct scene *s, const char *query, enum event_field field, const char *expected) {
    struct event_condition condition;
    struct event_bucket_list buckets;
    BUF_AUTO why = {0};
    BUF_AUTO text = {0};
    bool has_query = query[0] != '\0';
    assert_true(!has_query || event_condition_parse(str_from_z(query), &s->f->arena, &condition, &why));
    const struct event_filter filter = {.domain_id = s->domain[0], .condition = has_query ? &condition : NULL};
    struct event_grouping g = {.filter = filter, .field = field, .limit = 10};
    bool is_end = false;
    assert_ok(event_aggregate(s->f->db, &s->f->arena, &g, &is_end, &buckets));
    assert_true(is_end);
    event_group_free(&g);
    for (size_t i = 0; i < buckets.count; i++)
        buf_addf(&text, "%.*s=%d,", STR_ARG(buckets.items[i].key), (int)buckets.items[i].count);
    if (!str_eq(buf_str(&text), str_from_z(expected))) fail_msg("%.*s, not %s", STR_ARG(buf_str(&text)), expected);
}

/* ---- opens and clicks ---- */
static void test_P3_a_hit_is_an_event_and_the_first_is_unique(void **state) {
    (void)state;
    struct scene s = scene_new();
    struct track_hit open = hit_of(&s, TRACK_OPEN), click = hit_of(&s, TRACK_CLICK);
    for (int i = 0; i < 3; i++) assert_true(count(&s, &open).event_id > 0);
    struct tracked t = count(&s, &click);
    assert_true(t.event_id > 0 && t.signs == 0 && !t.is_dropped);
    struct str detail = last_detail(&s);
    assert_holds(detail, "\"RecipientDomain\":\"example.net\"");
    assert_holds(detail,
                 "\"Link\":\"https://shop.example/\",\"LinkIndex\":2,\"IpAddress\":\"203.0.113.7\",\"UserAgent\":\"Mozilla");
    assert_holds(detail, "\"Client\":\"Firefox\",\"Device\":\"desktop\",\"Country\":\"NZ\"}");
    assert_int_equal(number(&s, "SELECT count(*) FROM events WHERE type = 7"), 3);
    assert_int_equal(number(&s, "SELECT count(*) FROM events WHERE type = 7 AND is_first = 1"), 1);
    assert_int_equal(number(&s, "SELECT count(*) FROM events WHERE type = 8 AND is_first = 1 AND recipient = 'b@example.net'"),
                     1);
    assert_int_equal(number(&s, "SELECT count(*) FROM events WHERE type NOT IN (7, 8)"), 0);
    fixture_free(s.f);
}

/* Events go by their age while their message has younger ones: whoever opens again then is not counted twice. */
static void test_what_was_the_first_stays_it_when_its_event_is_gone(void **state) {
    (void)state;
    struct scene s = scene_new();
    struct track_hit hits[] = {hit_of(&s, TRACK_OPEN), hit_of(&s, TRACK_CLICK), hit_of(&s, TRACK_UNSUBSCRIBE)};
    for (size_t i = 0; i < 3; i++) assert_true(count(&s, &hits[i]).event_id > 0);
    assert_int_equal(number(&s, "SELECT count(*) FROM events WHERE is_first = 1"), 3);
    struct event_row_list list;
    const struct event_filter all = {.domain_id = s.domain[0]};
    assert_ok(event_list(s.f->db, &s.f->arena, &all, 0, 10, &list));
    for (size_t i = 0; i < list.count; i++) {
        const struct event *event = &list.items[i].event;
        assert_ok(event_remove(s.f->db, event->domain_id, event->at, event->id));
    }
    assert_int_equal(number(&s, "SELECT count(*) FROM events"), 0);
    for (size_t i = 0; i < 2; i++) assert_true(count(&s, &hits[i]).event_id > 0);
    assert_int_equal(count(&s, &hits[2]).event_id, 0);
    assert_int_equal(number(&s, "SELECT count(*) FROM events WHERE is_first = 1"), 0);
    assert_int_equal(number(&s, "SELECT first_opens + first_clicks + first_unsubscribes FROM rollups WHERE kind = 2"), 3);
    int64_t removed = 0;
    run(&s, "UPDATE events SET is_first = 1 WHERE message_id = ?1", s.message[0]);
    run(&s, "UPDATE recipients SET firsts = 0 WHERE id = ?1", s.recipient[0]);
    assert_ok(event_remove_all(s.f->db, s.message[0], s.recipient[0], &removed));
    assert_int_equal(removed, 2);
    assert_int_equal(number(&s, "SELECT firsts FROM recipients WHERE id = 1"), EVENT_BIT(EVENT_OPEN) | EVENT_BIT(EVENT_CLICK));
    fixture_free(s.f);
}

/* TR06: what a machine does is kept, marked, and leaves the first place to a person. */
static void test_TR06_machines_are_marked(void **state) {
    (void)state;
    struct scene s = scene_new();
    struct track_hit hit = hit_of(&s, TRACK_OPEN);
    hit.reader.user_agent = STR("Mozilla/5.0");
    assert_int_equal(count(&s, &hit).signs, TRACK_SIGN_PRIVACY);
    assert_holds(last_detail(&s), "\"Bot\":true,\"BotSigns\":\"privacy\"");
    hit.reader.user_agent = STR(BROWSER);
    hit.reader.is_head = true;
    hit.now = NOW + 1000; /* a second after the delivery */
    assert_int_equal(count(&s, &hit).signs, TRACK_SIGN_HEAD | TRACK_SIGN_EARLY);
    run(&s, "UPDATE recipients SET state = 1 WHERE id = ?1", s.recipient[0]); /* while it is being delivered */
    hit.reader.is_head = false;
    hit.now = LATER;
    assert_int_equal(count(&s, &hit).signs, TRACK_SIGN_EARLY);
    run(&s, "UPDATE recipients SET state = 3 WHERE id = ?1", s.recipient[0]);
    assert_int_equal(number(&s, "SELECT count(*) FROM events WHERE is_first = 1"), 0);
    assert_int_equal(count(&s, &hit).signs, 0);
    assert_int_equal(number(&s, "SELECT count(*) FROM events WHERE is_first = 1"), 1);
    assert_int_equal(number(&s, "SELECT count(*) FROM events"), 4);
    assert_int_equal(number(&s, "SELECT count(*) FROM events WHERE is_machine = 1"), 3);
    assert_groups(&s, "", EVENT_FIELD_TYPE, "open=1,");
    assert_groups(&s, "bot:true", EVENT_FIELD_TYPE, "open=3,");
    assert_groups(&s, "NOT bot:true", EVENT_FIELD_TYPE, "open=1,");
    assert_groups(&s, "", EVENT_FIELD_BOT, "true=3,false=1,");
    assert_groups(&s, "", EVENT_FIELD_CLIENT, "Firefox=1,");
    struct event_counts counts;
    struct event_period period = {.domain_id = s.domain[0], .from_at = NOW, .before_at = LATER + 1};
    assert_ok(event_stats(s.f->db, &period, &counts));
    assert_int_equal(counts.n[COUNT_OPENED], 1);
    assert_int_equal(counts.n[COUNT_OPENED_TOTAL], 1);
    fixture_free(s.f);
}

static void test_TR06_a_burst_is_seen(void **state) {
    (void)state;
    struct scene s = scene_new();
    struct track_hit hit = hit_of(&s, TRACK_CLICK);
    for (int i = 1; i <= TRACK_BURST_HITS + 1; i++) {
        hit.now += 100;
        assert_int_equal(count(&s, &hit).signs, i < TRACK_BURST_HITS ? 0 : TRACK_SIGN_BURST);
    }
    hit.now += TRACK_BURST_MS + 1000;
    assert_int_equal(count(&s, &hit).signs, 0);
    fixture_free(s.f);
}

/* TR06, TR17: a thousand replays cost a bounded number of rows. */
static void test_TR17_writes_are_bounded(void **state) {
    (void)state;
    struct scene s = scene_new();
    struct track_hit hit = hit_of(&s, TRACK_OPEN);
    int64_t dropped = 0;
    for (int i = 0; i < 1000; i++) {
        hit.now++;
        dropped += count(&s, &hit).is_dropped;
    }
    assert_int_equal(dropped, 1000 - TRACK_HITS_MAX);
    assert_int_equal(number(&s, "SELECT count(*) FROM events"), TRACK_HITS_MAX);
    hit.now += 61000;
    assert_false(count(&s, &hit).is_dropped);
    fixture_free(s.f);
}

/* ---- whose it is ---- */
static void test_TR10_a_token_has_its_hosts(void **state) {
    (void)state;
    struct scene s = scene_new();
    static const struct {
        const char *host;
        enum status status;
    } hosts[] = {
        {"track.mail.a.example", STATUS_OK},
        {"TRACK.mail.A.example:8443", STATUS_OK},
        {"track.mail.a.example.", STATUS_OK},
        {"go.post.a.example", STATUS_OK}, /* the labels may have been others when the link was made */
        {"gateway.example", STATUS_OK},
        {"Links.example:8080", STATUS_OK},
        {"old.example", STATUS_OK},
        {"Older.example:80", STATUS_OK},
        {"old.example, older.example", STATUS_NOT_FOUND},
        {"xlinks.example", STATUS_NOT_FOUND},
        {"track.mail.b.example", STATUS_NOT_FOUND},
        {"", STATUS_NOT_FOUND},
        {"mail.a.example", STATUS_NOT_FOUND},
        {"a.example", STATUS_NOT_FOUND},
        {":80", STATUS_NOT_FOUND},
        {".mail.a.example", STATUS_NOT_FOUND},
        {"track..a.example", STATUS_NOT_FOUND},
        {"x.track.mail.a.example", STATUS_NOT_FOUND},
        {"track.mail.xa.example", STATUS_NOT_FOUND},
        {"track.maila.example", STATUS_NOT_FOUND},
        {"track.mail.a.example.evil.example", STATUS_NOT_FOUND},
    };
    for (int kind = 0; kind < TRACK_KIND_COUNT; kind++) {
        struct track_hit hit = hit_of(&s, (enum track_kind)kind);
        struct track_subject subject;
        struct tracked t;
        for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
            hit.host = str_from_z(hosts[i].host);
            assert_int_equal(track_look_up(s.f->db, &s.f->arena, &place, &hit.token, hit.host, &subject), hosts[i].status);
            assert_int_equal(track_check(s.f->db, &s.f->arena, &place, &hit.token, hit.host), hosts[i].status);
            if (hosts[i].status != STATUS_OK) assert_int_equal(track_hit(s.f->db, &place, &hit, &t), STATUS_NOT_FOUND);
        }
    }
    assert_int_equal(number(&s, "SELECT count(*) FROM events"), 0);
    assert_int_equal(number(&s, "SELECT count(*) FROM suppressions"), 0);
    fixture_free(s.f);
}

static void test_TR16_what_is_stopped_is_gone_but_people_may_leave(void **state) {
    (void)state;
    static const char *const stops[] = {"UPDATE domains SET state = 2 WHERE id = ?1",
                                        "UPDATE domains SET state = 3 WHERE id = ?1", "DELETE FROM domains WHERE id = ?1"};
    for (size_t i = 0; i < 3; i++) {
        struct scene s = scene_new();
        run(&s, stops[i], s.domain[0]);
        for (int kind = 0; kind < TRACK_KIND_COUNT; kind++) {
            struct track_hit hit = hit_of(&s, (enum track_kind)kind);
            struct tracked t;
            bool stays = kind == TRACK_UNSUBSCRIBE && i < 2;
            assert_int_equal(track_check(s.f->db, &s.f->arena, &place, &hit.token, hit.host), stays ? STATUS_OK : STATUS_DENIED);
            assert_int_equal(track_hit(s.f->db, &place, &hit, &t), stays ? STATUS_OK : STATUS_DENIED);
        }
        assert_int_equal(number(&s, "SELECT count(*) FROM events"), i < 2 ? 1 : 0);
        fixture_free(s.f);
    }
}

/* Links outlive the rows: they lead on, nobody is counted, and people may leave. */
static void test_links_live_without_rows(void **state) {
    (void)state;
    for (int all = 0; all < 2; all++) {
        struct scene s = scene_new();
        struct track_hit click = hit_of(&s, TRACK_CLICK), leave = hit_of(&s, TRACK_UNSUBSCRIBE);
        struct track_subject subject;
        run(&s, "DELETE FROM messages WHERE id = ?1", s.message[0]);
        assert_int_equal(count(&s, &click).event_id, 0);
        assert_ok(track_look_up(s.f->db, &s.f->arena, &place, &leave.token, leave.host, &subject));
        assert_int_equal(subject.address.n, 0);
        assert_int_equal(subject.tag_count, 0);
        assert_str(subject.list_name, "Weekly <b>");
        leave.scope = all ? LEAVE_ALL : LEAVE_LIST;
        assert_true(count(&s, &leave).is_suppressed);
        assert_false(count(&s, &leave).is_suppressed);
        assert_int_equal(standing(&s, 0, s.list[0]), SUPPRESSION_UNSUBSCRIBE);
        assert_int_equal(standing(&s, 0, 0), all ? SUPPRESSION_UNSUBSCRIBE : SUPPRESSION_NONE);
        assert_int_equal(standing(&s, 1, s.list[1]), SUPPRESSION_NONE);
        assert_int_equal(number(&s, "SELECT count(*) FROM events"), 0);
        struct tracked t;
        leave.scope = LEAVE_TAG;
        leave.tag = STR("news");
        assert_int_equal(track_hit(s.f->db, &place, &leave, &t), STATUS_INVALID);
        fixture_free(s.f);
    }
}

/* Of a list that is gone nobody can be told to have left: the page offers all, and so it is all. */
static void test_a_list_that_is_gone(void **state) {
    (void)state;
    struct scene s = scene_new();
    struct track_hit leave = hit_of(&s, TRACK_UNSUBSCRIBE);
    run(&s, "DELETE FROM messages WHERE id = ?1", s.message[0]);
    run(&s, "DELETE FROM lists WHERE id = ?1", s.list[0]);
    leave.is_one_click = true;
    assert_true(count(&s, &leave).is_suppressed);
    assert_int_equal(standing(&s, 0, 0), SUPPRESSION_UNSUBSCRIBE);
    assert_int_equal(standing(&s, 1, 0), SUPPRESSION_NONE);
    fixture_free(s.f);
}

/* A token of ours whose numbers don't belong together counts nobody. */
static void test_TR03_numbers_belong_together(void **state) {
    (void)state;
    struct scene s = scene_new();
    struct track_hit hit = hit_of(&s, TRACK_CLICK);
    hit.token.recipient_id = s.recipient[1];
    assert_int_equal(count(&s, &hit).event_id, 0);
    assert_int_equal(number(&s, "SELECT count(*) FROM events"), 0);
    fixture_free(s.f);
}

/* ---- those who leave ---- */
static int64_t unsubscribed(struct scene *s) {
    return number(s, "SELECT count(*) FROM subscribers WHERE status = 1");
}

static void test_P3_people_leave_a_list_a_tag_or_all(void **state) {
    (void)state;
    struct scene s = scene_new();
    struct track_hit hit = hit_of(&s, TRACK_UNSUBSCRIBE);
    hit.scope = LEAVE_TAG;
    hit.tag = STR("news");
    struct tracked t = count(&s, &hit);
    assert_true(t.event_id > 0 && t.is_suppressed);
    assert_holds(last_detail(&s), "\"Source\":\"page\",\"Tag\":\"news\"");
    assert_true(refuses(&s, 0, "[\"x\",\"news\"]"));
    assert_false(refuses(&s, 0, "[\"offers\"]"));
    assert_false(refuses(&s, 0, "[]"));
    assert_false(refuses(&s, 1, "[\"news\"]"));
    assert_int_equal(standing(&s, 0, s.list[0]), SUPPRESSION_NONE);
    assert_int_equal(unsubscribed(&s), 0);
    hit.scope = LEAVE_LIST; /* and then more */
    hit.is_one_click = true;
    t = count(&s, &hit);
    assert_true(t.event_id > 0 && t.is_suppressed);
    assert_holds(last_detail(&s), "\"Source\":\"one-click\"");
    assert_int_equal(standing(&s, 0, s.list[0]), SUPPRESSION_UNSUBSCRIBE);
    assert_int_equal(standing(&s, 0, 0), SUPPRESSION_NONE);
    assert_int_equal(unsubscribed(&s), 1);
    hit.scope = LEAVE_ALL;
    assert_true(count(&s, &hit).is_suppressed);
    for (int i = 0; i < 1000; i++) assert_false(count(&s, &hit).is_suppressed); /* TR06 */
    assert_int_equal(standing(&s, 0, 0), SUPPRESSION_UNSUBSCRIBE);
    assert_int_equal(number(&s, "SELECT count(*) FROM events"), 3); /* one for each that was news */
    assert_int_equal(number(&s, "SELECT count(*) FROM events WHERE is_first = 1"), 1);
    assert_int_equal(number(&s, "SELECT count(*) FROM suppressions"), 2);
    assert_int_equal(standing(&s, 1, s.list[1]), SUPPRESSION_NONE);
    fixture_free(s.f);
}

static void test_TR09_only_the_message_s_own_tags(void **state) {
    (void)state;
    struct scene s = scene_new();
    struct track_hit hit = hit_of(&s, TRACK_UNSUBSCRIBE);
    struct track_subject subject;
    struct tracked t;
    hit.scope = LEAVE_TAG;
    hit.tag = STR("invoices");
    assert_int_equal(track_hit(s.f->db, &place, &hit, &t), STATUS_INVALID);
    assert_int_equal(number(&s, "SELECT count(*) FROM tag_refusals"), 0);
    assert_ok(track_look_up(s.f->db, &s.f->arena, &place, &hit.token, hit.host, &subject));
    assert_int_equal(subject.tag_count, 2);
    assert_str(subject.tags[1], "offers");
    assert_str(subject.address, "b@example.net");
    assert_str(subject.domain.name, "a.example");
    assert_int_equal(number(&s, "SELECT count(*) FROM events"), 0); /* TR07: looking changes nothing */
    fixture_free(s.f);
}

/* P8: whoever refuses ever more tags is written to no more. */
static void test_P8_refusals_are_bounded(void **state) {
    (void)state;
    struct scene s = scene_new();
    for (int i = 0; i <= SUPPRESSION_TAGS_MAX; i++) {
        bool is_new = false;
        struct tag_refusal refusal = {.account_id = s.account[0], .tag = arena_strf(&s.f->arena, "t%d", i), .created_at = NOW};
        assert_ok(suppression_refuse_tag(s.f->db, &refusal, STR("b@example.net"), &is_new));
        assert_true(is_new);
        assert_int_equal(standing(&s, 0, 0), i < SUPPRESSION_TAGS_MAX ? SUPPRESSION_NONE : SUPPRESSION_UNSUBSCRIBE);
    }
    struct sha256 hash = suppression_hash(STR("b@example.net"));
    int64_t count = 0;
    assert_ok(tag_refusal_delete(s.f->db, s.account[0], sha256_str(&hash), STR("t7"), &count));
    assert_int_equal(count, 1);
    assert_ok(tag_refusal_delete(s.f->db, s.account[0], sha256_str(&hash), STR("t7"), &count));
    assert_int_equal(count, 0);
    assert_ok(tag_refusal_delete(s.f->db, s.account[0], sha256_str(&hash), STR(""), &count));
    assert_int_equal(count, SUPPRESSION_TAGS_MAX);
    fixture_free(s.f);
}

/* ---- what is to be sent ---- */
static void refuse(struct scene *s, const char *address, const char *tag) {
    bool is_new = false;
    const struct tag_refusal refusal = {.account_id = s->account[0], .tag = str_from_z(tag), .event_id = 9, .created_at = NOW};
    assert_ok(suppression_refuse_tag(s->f->db, &refusal, str_from_z(address), &is_new));
    assert_true(is_new);
}

/* More than one question's worth, tagged or not, refused by some. */
static void test_refused_tags_of_many(void **state) {
    (void)state;
    struct scene s = scene_new();
    enum { COUNT = 50 };
    struct suppression_case cases[COUNT];
    const struct suppression_scope scope = {s.account[0], 0};
    for (int i = 0; i < COUNT; i++) {
        struct str address = arena_strf(&s.f->arena, "N%d@example.net", i);
        cases[i] = (struct suppression_case){.address = address, .tags = i % 5 ? STR("[\"a\",\"b\"]") : STR("[]")};
        if (i % 2) refuse(&s, address.p, i % 3 ? "b" : "c");
    }
    refuse(&s, "n1@example.net", "c");
    assert_ok(suppressions_judge(s.f->db, &s.f->arena, &scope, cases, COUNT));
    for (int i = 0; i < COUNT; i++) {
        bool is_refused = i % 5 && i % 2 && i % 3;
        assert_int_equal(cases[i].source, is_refused ? SUPPRESSION_UNSUBSCRIBE : SUPPRESSION_NONE);
        assert_true(str_eq(cases[i].tag, is_refused ? STR("b") : STR("")));
    }
    struct tag_refusal_list page;
    struct tag_refusal_filter filter = {.account_id = s.account[0], .address_hash = STR(""), .tag = STR(""), .limit = 20};
    size_t seen = 0;
    do {
        assert_ok(tag_refusal_browse(s.f->db, &s.f->arena, &filter, &page));
        for (size_t i = 0; i < page.count; i++)
            assert_true(page.items[i].id > filter.after_id && page.items[i].address.p[0] == 'n');
        seen += page.count;
        if (page.count) filter.after_id = page.items[page.count - 1].id;
    } while (page.count == 20);
    assert_int_equal(seen, COUNT / 2 + 1);
    struct sha256 hash = suppression_hash(STR("n1@example.net"));
    filter =
        (struct tag_refusal_filter){.account_id = s.account[0], .address_hash = sha256_str(&hash), .tag = STR("c"), .limit = 20};
    assert_ok(tag_refusal_browse(s.f->db, &s.f->arena, &filter, &page));
    assert_int_equal(page.count, 1);
    assert_int_equal(page.items[0].event_id, 9);
    filter.account_id = s.account[1]; /* TN04 */
    assert_ok(tag_refusal_browse(s.f->db, &s.f->arena, &filter, &page));
    assert_int_equal(page.count, 0);
    fixture_free(s.f);
}

static enum suppression_source judged(struct scene *s, bool is_transactional) {
    struct suppression_case one = {
        .address = STR("b@example.net"), .tags = STR("[\"news\"]"), .is_transactional = is_transactional};
    const struct suppression_scope scope = {s->account[0], 0};
    assert_ok(suppressions_judge(s->f->db, &s->f->arena, &scope, &one, 1));
    return one.source;
}

static bool suppress_as(struct scene *s, enum suppression_source source) {
    bool is_new = false;
    const struct suppression entry = {
        .account_id = s->account[0], .address = STR("b@example.net"), .source = source, .reason = STR("why"), .created_at = NOW};
    assert_ok(suppression_add(s->f->db, &entry, &is_new));
    return is_new;
}

/* Who unsubscribed gets it unless the account says otherwise; whose mailbox is gone does not, whatever he wished before. */
static void test_transactional_mail(void **state) {
    (void)state;
    struct scene s = scene_new();
    refuse(&s, "b@example.net", "news");
    assert_int_equal(judged(&s, false), SUPPRESSION_UNSUBSCRIBE);
    assert_int_equal(judged(&s, true), SUPPRESSION_NONE);
    assert_true(suppress_as(&s, SUPPRESSION_UNSUBSCRIBE));
    assert_int_equal(judged(&s, false), SUPPRESSION_UNSUBSCRIBE);
    assert_int_equal(judged(&s, true), SUPPRESSION_NONE);
    run(&s, "UPDATE accounts SET unsubscribes_block_all = 1 WHERE id = ?1", s.account[0]);
    assert_int_equal(judged(&s, true), SUPPRESSION_UNSUBSCRIBE);
    run(&s, "UPDATE accounts SET unsubscribes_block_all = 0 WHERE id = ?1", s.account[0]);
    assert_false(suppress_as(&s, SUPPRESSION_USER));
    assert_true(suppress_as(&s, SUPPRESSION_BOUNCE));
    assert_int_equal(judged(&s, true), SUPPRESSION_BOUNCE);
    assert_int_equal(number(&s, "SELECT count(*) FROM suppressions WHERE source = 4 AND reason = 'why (had unsubscribed)'"), 1);
    assert_false(suppress_as(&s, SUPPRESSION_COMPLAINT)); /* the first stays */
    assert_int_equal(judged(&s, true), SUPPRESSION_BOUNCE);
    fixture_free(s.f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_P3_a_hit_is_an_event_and_the_first_is_unique),
        cmocka_unit_test(test_what_was_the_first_stays_it_when_its_event_is_gone),
        cmocka_unit_test(test_TR06_machines_are_marked),
        cmocka_unit_test(test_TR06_a_burst_is_seen),
        cmocka_unit_test(test_TR17_writes_are_bounded),
        cmocka_unit_test(test_TR10_a_token_has_its_hosts),
        cmocka_unit_test(test_TR16_what_is_stopped_is_gone_but_people_may_leave),
        cmocka_unit_test(test_links_live_without_rows),
        cmocka_unit_test(test_TR03_numbers_belong_together),
        cmocka_unit_test(test_a_list_that_is_gone),
        cmocka_unit_test(test_P3_people_leave_a_list_a_tag_or_all),
        cmocka_unit_test(test_TR09_only_the_message_s_own_tags),
        cmocka_unit_test(test_P8_refusals_are_bounded),
        cmocka_unit_test(test_refused_tags_of_many),
        cmocka_unit_test(test_transactional_mail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
