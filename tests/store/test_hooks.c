/* test_hooks.c - the outbox of webhook calls: a row an endpoint in the event's transaction (P3), queues that wake when they
 * should, settlements that happen once, replays, bounds (P8), other accounts' objects (P6).
 * SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "core/hook.h"

#include <stdio.h>
#include <string.h>

#define SECOND INT64_C(1000)
#define DAY    (86400 * SECOND)
#define ALL    (EVENT_BIT(EVENT_DELIVERY) | EVENT_BIT(EVENT_BOUNCE))

struct scene {
    struct fixture *f;
    struct hook_rules rules;
    int64_t account, domain, message, recipient;
};

static struct scene scene_new(void) {
    struct scene s = {.f = fixture_new()};
    struct db *tx = s.f->db;
    s.rules = (struct hook_rules){.seal = {{3}}, .rand = rand_system(), .owner = make_node(tx)};
    s.account = make_account(tx, "a@x.test");
    s.domain = make_domain(tx, s.account, "x.test");
    s.message = make_message(tx, s.account, s.domain, 1);
    s.recipient = make_recipient(tx, s.message, s.account, "example.net", NOW);
    BUF_AUTO key = {0};
    assert_ok(webhook_make_signing_key(tx, s.domain, &s.rules.seal, s.rules.rand, &key));
    return s;
}

static int64_t hook(struct scene *s, const char *url, int64_t events, int64_t batch_max) {
    int64_t id = 0;
    const struct webhook w = {
        .account_id = s->account, .domain_id = s->domain, .url = str_from_z(url), .events = events, .is_active = true};
    assert_ok(webhook_add(s->f->db, &w, &id));
    assert_ok(hook_endpoint_set_batch(s->f->db, s->account, id, batch_max));
    return id;
}

static int64_t record(struct scene *s, enum event_type type, int64_t at) {
    int64_t id = 0;
    const struct event event = {.at = at,
                                .type = type,
                                .account_id = s->account,
                                .domain_id = s->domain,
                                .message_id = s->message,
                                .recipient_id = s->recipient,
                                .recipient = TEXT("b@example.net"),
                                .detail = TEXT("{\"Attempt\":1}")};
    assert_ok(event_record(s->f->db, &event, &id));
    return id;
}

static struct hook_due_list due(struct scene *s, int64_t now) {
    struct hook_due_list list;
    const struct hook_due_query q = {.node_id = s->rules.owner.node_id, .now = now, .limit = 100};
    assert_ok(hook_queue_due(s->f->db, &s->f->arena, &q, &list));
    return list;
}

static struct hook_turn load(struct scene *s, int64_t webhook_id, int64_t now, size_t calls_max) {
    struct hook_turn turn;
    const struct hook_ask ask = {webhook_id, now, calls_max};
    assert_ok(hook_load(s->f->db, &s->f->arena, &s->rules, &ask, &turn));
    return turn;
}

static struct hook_settled settle(struct scene *s, const struct hook_turn *turn, size_t i, unsigned code, int64_t at) {
    struct hook_settled settled;
    const struct hook_answer a = {.code = code, .body = TEXT("<b>no</b>\0\xFF"), .began_at = at, .ended_at = at};
    const struct hook_outcome o = {turn->webhook_id, &turn->calls[i], &a};
    assert_ok(hook_settle(s->f->db, &s->f->arena, &s->rules, &o, &settled));
    return settled;
}

static void finish(struct scene *s, const struct hook_turn *turn, int64_t now) {
    struct hook_settled settled;
    assert_ok(hook_finish(s->f->db, &s->f->arena, &s->rules, turn, now, &settled));
}

static int64_t number(struct scene *s, const char *sql) {
    struct stmt *q = db_stmt_once(s->f->db, str_from_z(sql));
    assert_int_equal(stmt_step(q), STATUS_ROW);
    return stmt_int(q, 0);
}

#define WAITING "SELECT count(*) FROM hook_outbox"

static void has(struct str text, const char *part) {
    if (str_find_str(text, str_from_z(part)) == STR_NONE) fail_msg("%s is not in %.*s", part, STR_ARG(text));
}

/* ---- which endpoints ---- */
static void test_p3_an_event_goes_to_every_endpoint_that_asked(void **state) {
    (void)state;
    struct scene s = scene_new();
    int64_t both = hook(&s, "https://a.test/", ALL, 0), one = hook(&s, "https://b.test/", EVENT_BIT(EVENT_BOUNCE), 0);
    int64_t off = hook(&s, "https://c.test/", ALL, 0);
    assert_ok(hook_endpoint_disable(s.f->db, s.account, off, TEXT("x"), NOW));
    s.domain = make_domain(s.f->db, s.account, "y.test");
    (void)hook(&s, "https://d.test/", ALL, 0);
    s.domain--;
    record(&s, EVENT_SEND, NOW);
    assert_int_equal(number(&s, WAITING), 0);
    record(&s, EVENT_DELIVERY, NOW);
    record(&s, EVENT_BOUNCE, NOW + 1);
    assert_int_equal(number(&s, WAITING), 3);
    struct hook_due_list list = due(&s, NOW + 1);
    assert_int_equal(list.count, 2);
    assert_int_equal(list.items[0].webhook_id, both);
    assert_int_equal(list.items[0].account_id, s.account);
    assert_int_equal(list.items[1].webhook_id, one);
    assert_int_equal(due(&s, NOW).count, 1);
    assert_int_equal(due(&s, NOW - 1).count, 0);
    int64_t next = 0;
    assert_ok(hook_queue_next(s.f->db, s.rules.owner.node_id, NOW - 1, &next));
    assert_int_equal(next, NOW);
    db_rollback(s.f->db); /* the event and its rows go together */
    assert_int_equal(fixture_number(s.f, WAITING), 0);
    fixture_free(s.f);
}

/* ---- a call ---- */
static void test_a_call_says_what_the_contract_says(void **state) {
    (void)state;
    struct scene s = scene_new();
    int64_t id = hook(&s, "https://a.test/x", ALL, 0);
    BUF_AUTO sealed = {0};
    hook_headers_seal(&s.rules.seal, id, TEXT("{\"X-Own\":\"1\"}"), s.rules.rand, &sealed);
    assert_ok(hook_endpoint_set_headers(s.f->db, s.account, id, buf_str(&sealed)));
    int64_t event = record(&s, EVENT_DELIVERY, NOW);
    struct hook_turn turn = load(&s, id, NOW, 20);
    char want[64];
    assert_int_equal(turn.call_count, 1);
    assert_str(turn.url, "https://a.test/x");
    assert_int_equal(turn.headers.count, 1);
    assert_str(turn.headers.items[0].name, "X-Own");
    const struct hook_call *c = &turn.calls[0];
    snprintf(want, sizeof want, "evt_%lld", (long long)event);
    assert_true(str_eq(c->id, str_from_z(want)));
    assert_str(c->at_text, "1795600000");
    assert_true(str_starts(c->signature, TEXT("v1,")));
    assert_true(str_starts(c->body, TEXT("{\"type\":\"delivery\",\"timestamp\":\"2026-11-25T")));
    snprintf(want, sizeof want, "\"data\":{\"EventId\":\"%lld\",\"EventType\":\"delivery\"", (long long)event);
    has(c->body, want);
    has(c->body, "\"Recipient\":\"b@example.net\",\"MessageId\":\"01010101-0101-");
    has(c->body, "\"CampaignId\":\"\"");
    has(c->body, "\"Tags\":[\"t\"],\"Metadata\":{},\"Details\":{\"UserAgent\":\"\",\"IpAddress\":\"\",\"Attempt\":1}");
    struct hook_turn again = load(&s, id, NOW + 5000, 20); /* a kill came between: the same id, the same body */
    assert_true(str_eq(again.calls[0].id, c->id));
    assert_true(str_eq(again.calls[0].body, c->body));
    assert_false(str_eq(again.calls[0].signature, c->signature));
    fixture_free(s.f);
}

static void test_p3_a_call_is_settled_once(void **state) {
    (void)state;
    struct scene s = scene_new();
    int64_t id = hook(&s, "https://a.test/", ALL, 0);
    record(&s, EVENT_DELIVERY, NOW);
    struct hook_turn turn = load(&s, id, NOW, 20);
    assert_true(settle(&s, &turn, 0, 200, NOW).is_applied);
    assert_false(settle(&s, &turn, 0, 500, NOW).is_applied);
    finish(&s, &turn, NOW);
    assert_int_equal(number(&s, WAITING), 0);
    assert_int_equal(number(&s, "SELECT count(*) FROM hook_queues"), 0);
    assert_int_equal(number(&s, "SELECT count(*) FROM hook_attempts WHERE code = 200 AND why = ''"), 1);
    fixture_free(s.f);
}

static void test_another_life_of_the_node_settles_nothing(void **state) {
    (void)state;
    struct scene s = scene_new();
    int64_t id = hook(&s, "https://a.test/", ALL, 0);
    record(&s, EVENT_DELIVERY, NOW);
    struct hook_turn turn = load(&s, id, NOW, 20);
    (void)make_node(s.f->db);
    assert_false(settle(&s, &turn, 0, 200, NOW).is_applied);
    assert_int_equal(number(&s, WAITING), 1);
    assert_int_equal(number(&s, "SELECT count(*) FROM hook_attempts"), 0);
    fixture_free(s.f);
}

static void test_a_failure_waits_and_the_endpoint_with_it(void **state) {
    (void)state;
    struct scene s = scene_new();
    struct hook_endpoint e;
    int64_t id = hook(&s, "https://a.test/", ALL, 0);
    for (int i = 0; i < 3; i++) record(&s, EVENT_DELIVERY, NOW);
    struct hook_turn turn = load(&s, id, NOW, 1);
    assert_int_equal(turn.call_count, 1);
    assert_true(settle(&s, &turn, 0, 503, NOW).is_applied);
    finish(&s, &turn, NOW);
    assert_ok(hook_endpoint_get(s.f->db, &s.f->arena, s.account, id, &e));
    assert_int_equal(e.health.failures, 1);
    assert_int_equal(due(&s, NOW + 5 * SECOND - 1).count, 0); /* two rows are due, the endpoint is not */
    assert_int_equal(due(&s, NOW + 5 * SECOND).count, 1);
    assert_int_equal(load(&s, id, NOW + 1, 20).not_before, NOW + 5 * SECOND);
    record(&s, EVENT_DELIVERY, NOW + 1); /* wakes nobody before */
    assert_int_equal(due(&s, NOW + 5 * SECOND - 1).count, 0);
    turn = load(&s, id, NOW + 7 * SECOND, 20);
    assert_int_equal(turn.call_count, 1); /* one call finds out */
    assert_true(settle(&s, &turn, 0, 200, NOW + 7 * SECOND).is_applied);
    finish(&s, &turn, NOW + 7 * SECOND);
    assert_int_equal(load(&s, id, NOW + 7 * SECOND, 20).call_count, 3);
    fixture_free(s.f);
}

static void test_WH26_410_and_five_days_disable(void **state) {
    (void)state;
    struct scene s = scene_new();
    struct hook_endpoint e;
    int64_t gone = hook(&s, "https://a.test/", ALL, 0), dead = hook(&s, "https://b.test/", ALL, 0);
    for (int i = 0; i < 3; i++) record(&s, EVENT_DELIVERY, NOW);
    struct hook_turn turn = load(&s, gone, NOW, 1);
    assert_true(settle(&s, &turn, 0, 410, NOW).is_disabled);
    finish(&s, &turn, NOW);
    assert_ok(hook_endpoint_get(s.f->db, &s.f->arena, s.account, gone, &e));
    assert_false(e.is_active);
    assert_int_equal(e.disabled_at, NOW);
    assert_str(e.disabled_why, "It answered 410: nobody wants to be called there");
    assert_int_equal(number(&s, WAITING), 3); /* the other's */
    turn = load(&s, dead, NOW, 1);
    assert_false(settle(&s, &turn, 0, 500, NOW).is_disabled);
    turn = load(&s, dead, NOW + 5 * DAY, 1);
    assert_true(settle(&s, &turn, 0, 500, NOW + 5 * DAY).is_disabled);
    turn = load(&s, dead, NOW + 5 * DAY, 1);
    assert_true(turn.is_over);
    finish(&s, &turn, NOW + 5 * DAY);
    assert_int_equal(number(&s, WAITING), 0);
    assert_ok(hook_endpoint_get(s.f->db, &s.f->arena, s.account, dead, &e));
    assert_str(e.disabled_why, "No call succeeded for 5 days; at last it answered 500");
    assert_ok(hook_endpoint_enable(s.f->db, s.account, dead));
    assert_ok(hook_endpoint_get(s.f->db, &s.f->arena, s.account, dead, &e));
    assert_true(e.is_active && e.health.failing_since == 0 && e.disabled_why.n == 0);
    fixture_free(s.f);
}

/* In one transaction with it, to whom it is for (P3). */
static void test_WH26_its_owner_is_told(void **state) {
    (void)state;
    struct scene s = scene_new();
    int64_t id = hook(&s, "https://a.test/", ALL, 0);
    assert_ok(db_exec(s.f->db, "UPDATE domains SET state = 1")); /* DOMAIN_ENABLED */
    s.rules.notices = (struct notice_options){.from = TEXT("gateway@x.test"), .owner = s.rules.owner, .rand = s.rules.rand};
    record(&s, EVENT_DELIVERY, NOW);
    struct hook_turn turn = load(&s, id, NOW, 1);
    struct hook_settled settled = settle(&s, &turn, 0, 410, NOW);
    assert_true(settled.is_disabled);
    assert_int_equal(settled.mail.entry_count, 1);
    assert_int_equal(number(&s, "SELECT count(*) FROM recipients WHERE address = 'a@x.test'"), 1);
    assert_int_equal(number(&s, "SELECT count(*) FROM messages WHERE subject = 'A webhook was disabled'"), 1);
    struct stmt *body = db_stmt(s.f->db, "SELECT content FROM bodies ORDER BY message_id DESC LIMIT 1");
    assert_int_equal(stmt_step(body), STATUS_ROW);
    has(stmt_blob(body, 0), "https://a.test/");
    has(stmt_blob(body, 0), "It answered 410");
    fixture_free(s.f);
}

/* ---- batches ---- */
static void test_events_gather_for_a_second_or_till_there_are_enough(void **state) {
    (void)state;
    struct scene s = scene_new();
    int64_t id = hook(&s, "https://a.test/", ALL, 3);
    record(&s, EVENT_DELIVERY, NOW);
    record(&s, EVENT_DELIVERY, NOW + 1);
    assert_int_equal(due(&s, NOW + 999).count, 0);
    assert_int_equal(due(&s, NOW + 1000).count, 1);
    record(&s, EVENT_DELIVERY, NOW + 2);
    assert_int_equal(due(&s, NOW + 2).count, 1);
    record(&s, EVENT_BOUNCE, NOW + 3);
    struct hook_turn turn = load(&s, id, NOW + 3, 20);
    assert_int_equal(turn.call_count, 2);
    assert_int_equal(turn.calls[0].count, 3);
    assert_true(str_starts(turn.calls[0].body, TEXT("[{\"type\":\"delivery\"")));
    assert_true(str_ends(turn.calls[0].body, TEXT("}]")));
    assert_true(str_starts(turn.calls[0].id, TEXT("bat_")));
    assert_true(settle(&s, &turn, 0, 500, NOW + 3).is_applied);
    assert_true(settle(&s, &turn, 1, 200, NOW + 4).is_applied);
    finish(&s, &turn, NOW + 4);
    record(&s, EVENT_DELIVERY, NOW + 4);
    struct hook_turn again = load(&s, id, NOW + 60 * SECOND, 20); /* those that failed together, and the new one by itself */
    assert_int_equal(again.call_count, 2);
    for (size_t i = 0; i < 2; i++) {
        if (again.calls[i].attempt == 1) continue;
        assert_int_equal(again.calls[i].count, 3);
        assert_true(str_eq(again.calls[i].id, turn.calls[0].id));
    }
    fixture_free(s.f);
}

/* What failed together comes again as it was, whatever order its times are in and whatever else waits. */
static void test_p3_a_batch_that_failed_is_the_same_batch_again(void **state) {
    (void)state;
    struct scene s = scene_new();
    int64_t id = hook(&s, "https://a.test/", ALL, 100);
    for (int i = 0; i < 200; i++) record(&s, EVENT_DELIVERY, NOW + i * 7 % 10);
    struct hook_turn turn = load(&s, id, NOW + SECOND, 20);
    assert_int_equal(turn.call_count, 2);
    for (size_t i = 0; i < 2; i++) assert_true(settle(&s, &turn, i, 400, NOW + SECOND + (int64_t)i).is_applied);
    finish(&s, &turn, NOW + SECOND);
    assert_ok(hook_endpoint_set_health(s.f->db, id, &(struct hook_health){.failures = 0}));
    record(&s, EVENT_BOUNCE, NOW);
    struct hook_turn again = load(&s, id, NOW + 60 * SECOND, 20);
    assert_int_equal(again.call_count, 2);
    assert_int_equal(again.calls[0].count, 1);
    assert_int_equal(again.calls[1].count, 100);
    assert_true(str_eq(again.calls[1].id, turn.calls[0].id) || str_eq(again.calls[1].id, turn.calls[1].id));
    assert_true(str_eq(again.calls[1].body, turn.calls[0].body) || str_eq(again.calls[1].body, turn.calls[1].body));
    fixture_free(s.f);
}

/* ---- again ---- */
static void test_replay_by_event_and_by_range(void **state) {
    (void)state;
    struct scene s = scene_new();
    int64_t id = hook(&s, "https://a.test/", EVENT_BIT(EVENT_DELIVERY), 0), first = 0;
    for (int i = 0; i < 10; i++) {
        int64_t event = record(&s, i % 2 ? EVENT_BOUNCE : EVENT_DELIVERY, NOW + i);
        if (i == 0) first = event;
    }
    struct hook_turn turn = load(&s, id, NOW + 10, 20);
    for (size_t i = 0; i < turn.call_count; i++) assert_true(settle(&s, &turn, i, 200, NOW + 10).is_applied);
    finish(&s, &turn, NOW + 10);
    assert_int_equal(number(&s, WAITING), 0);
    assert_ok(hook_replay_event(s.f->db, s.rules.owner.node_id, s.account, id, first, NOW + 20));
    assert_ok(hook_replay_event(s.f->db, s.rules.owner.node_id, s.account, id, first, NOW + 20));
    assert_int_equal(number(&s, WAITING), 1);
    assert_int_equal(due(&s, NOW + 20).count, 1);
    assert_int_equal(hook_replay_event(s.f->db, 1, s.account, id, 999999, NOW), STATUS_NOT_FOUND);
    assert_int_equal(hook_replay_event(s.f->db, 1, s.account + 1, id, first, NOW), STATUS_NOT_FOUND); /* P6 */
    struct hook_range range = {.node_id = s.rules.owner.node_id,
                               .account_id = s.account,
                               .webhook_id = id,
                               .from_at = NOW + 1,
                               .before_at = NOW + 9,
                               .now = NOW + 30,
                               .limit = 3};
    struct hook_replayed r = {.is_end = false};
    int slices = 0;
    int64_t count = 0;
    for (; !r.is_end; slices++) {
        assert_ok(hook_replay_range(s.f->db, &s.f->arena, &range, &r));
        range.after_at = r.at;
        range.after_id = r.id;
        count += r.count;
    }
    assert_int_equal(slices, 3);
    assert_int_equal(count, 4); /* deliveries 2, 4, 6, 8 */
    assert_int_equal(number(&s, WAITING), 5);
    range.account_id++;
    range.after_at = range.after_id = 0;
    assert_ok(hook_replay_range(s.f->db, &s.f->arena, &range, &r));
    assert_int_equal(r.count, 0);
    fixture_free(s.f);
}

/* ---- bounds, and what went meanwhile ---- */
static void test_p8_the_log_of_an_endpoint_is_bounded(void **state) {
    (void)state;
    struct scene s = scene_new();
    char big[HOOK_ANSWER_MAX + 100];
    memset(big, '\xFE', sizeof big);
    int64_t id = hook(&s, "https://a.test/", ALL, 0), other = hook(&s, "https://b.test/", ALL, 0);
    struct hook_attempt t = {.webhook_id = other, .at = NOW, .why = TEXT("")};
    assert_ok(hook_attempt_add(s.f->db, &t));
    t.webhook_id = id;
    t.answer = str_make(big, sizeof big);
    for (int i = 0; i < HOOK_LOG_KEEP + 50; i++) assert_ok(hook_attempt_add(s.f->db, &t));
    assert_int_equal(number(&s, "SELECT count(*) FROM hook_attempts"), HOOK_LOG_KEEP + 1);
    struct hook_attempt_list list;
    struct hook_attempt_query q = {.account_id = s.account, .webhook_id = id, .limit = 10};
    assert_ok(hook_attempt_list(s.f->db, &s.f->arena, &q, &list));
    assert_int_equal(list.count, 10);
    assert_int_equal(list.items[0].answer.n, HOOK_ANSWER_MAX);
    assert_true(list.items[0].id > list.items[9].id);
    q.before_id = list.items[9].id;
    assert_ok(hook_attempt_list(s.f->db, &s.f->arena, &q, &list));
    assert_true(list.items[0].id < q.before_id);
    q.account_id++;
    assert_ok(hook_attempt_list(s.f->db, &s.f->arena, &q, &list));
    assert_int_equal(list.count, 0); /* P6 */
    assert_ok(hook_prune(s.f->db, NOW + HOOK_ATTEMPTS_MS));
    assert_int_equal(number(&s, "SELECT count(*) FROM hook_attempts"), HOOK_LOG_KEEP + 1);
    assert_ok(hook_prune(s.f->db, NOW + HOOK_ATTEMPTS_MS + 1));
    assert_int_equal(number(&s, "SELECT count(*) FROM hook_attempts"), 0);
    fixture_free(s.f);
}

static void test_what_went_meanwhile_is_dropped(void **state) {
    (void)state;
    struct scene s = scene_new();
    int64_t id = hook(&s, "https://a.test/", ALL, 0);
    record(&s, EVENT_DELIVERY, NOW);
    record(&s, EVENT_DELIVERY, NOW);
    assert_ok(db_exec(s.f->db, "DELETE FROM events WHERE id = (SELECT min(event_id) FROM hook_outbox)"));
    struct hook_turn turn = load(&s, id, NOW, 20);
    assert_int_equal(turn.call_count, 1);
    assert_int_equal(turn.lost.count, 1);
    finish(&s, &turn, NOW);
    assert_int_equal(number(&s, WAITING), 1);
    assert_ok(webhook_delete(s.f->db, s.account, s.domain, id));
    turn = load(&s, id, NOW, 20);
    assert_true(turn.is_over);
    finish(&s, &turn, NOW);
    assert_int_equal(number(&s, WAITING), 0);
    assert_int_equal(number(&s, "SELECT count(*) FROM hook_queues"), 0);
    fixture_free(s.f);
}

/* ---- keys ---- */
static size_t signatures(const struct hook_turn *turn) {
    size_t n = 1;
    for (size_t i = 0; i < turn->calls[0].signature.n; i++) n += turn->calls[0].signature.p[i] == ' ';
    return n;
}

static void test_WH25_two_keys_sign_while_one_replaces_the_other(void **state) {
    (void)state;
    struct scene s = scene_new();
    BUF_AUTO key = {0};
    int64_t id = hook(&s, "https://a.test/", ALL, 0);
    record(&s, EVENT_DELIVERY, NOW);
    struct str before = load(&s, id, NOW, 1).calls[0].signature;
    const struct webhook_rotation r = {s.domain, NOW, &s.rules.seal, s.rules.rand};
    assert_ok(webhook_rotate_signing_key(s.f->db, &r, &key));
    assert_true(str_starts(buf_str(&key), TEXT("whsec_")));
    struct hook_turn turn = load(&s, id, NOW, 1);
    assert_int_equal(signatures(&turn), 2);
    has(turn.calls[0].signature, before.p); /* arena texts end in NUL */
    turn = load(&s, id, NOW + WEBHOOK_KEY_OVERLAP_MS, 1);
    assert_int_equal(signatures(&turn), 1);
    fixture_free(s.f);
}

static void test_a_missing_key_is_made_and_a_lost_one_is_told(void **state) {
    (void)state;
    struct scene s = scene_new();
    int64_t id = hook(&s, "https://a.test/", ALL, 0);
    record(&s, EVENT_DELIVERY, NOW);
    assert_ok(domain_set_signing_key(s.f->db, s.domain, TEXT("")));
    struct hook_turn turn = load(&s, id, NOW, 1);
    assert_true(turn.needs_key);
    finish(&s, &turn, NOW);
    assert_int_equal(load(&s, id, NOW, 1).call_count, 1);
    s.rules.seal.b[0]++;
    turn = load(&s, id, NOW, 1);
    assert_int_equal(turn.call_count, 0);
    assert_true(turn.trouble.n > 0);
    finish(&s, &turn, NOW);
    assert_int_equal(number(&s, WAITING), 1);
    assert_int_equal(number(&s, "SELECT failures FROM webhooks"), 1);
    assert_int_equal(number(&s, "SELECT count(*) FROM hook_attempts WHERE why LIKE '%master key%'"), 1);
    assert_int_equal(due(&s, NOW + 4 * SECOND).count, 0);
    fixture_free(s.f);
}

/* Nothing is asked of an event whose domain never had a webhook; one that is added counts from its own transaction on, and those
 * that were there before a connection was opened count as well. */
static void test_p3_a_connection_knows_which_domains_have_webhooks(void **state) {
    (void)state;
    struct scene s = scene_new();
    assert_ok(db_commit(s.f->db));
    assert_ok(db_begin(s.f->db));
    record(&s, EVENT_DELIVERY, NOW);
    assert_false(db_marks(s.f->db) & HOOK_MARK);
    (void)hook(&s, "https://a.test/", ALL, 0);
    record(&s, EVENT_DELIVERY, NOW);
    assert_true(db_marks(s.f->db) & HOOK_MARK);
    assert_int_equal(number(&s, WAITING), 1);
    assert_ok(db_commit(s.f->db));
    struct db *own = s.f->db;
    s.f->db = fixture_connect(s.f, false);
    assert_ok(db_begin(s.f->db));
    assert_int_equal(db_marks(s.f->db), 0);
    record(&s, EVENT_BOUNCE, NOW);
    assert_int_equal(number(&s, WAITING), 2);
    assert_ok(db_commit(s.f->db));
    db_close(&s.f->db);
    s.f->db = own;
    assert_ok(db_begin(s.f->db));
    fixture_free(s.f);
}

/* The command line of another folder, for one, on the same PostgreSQL. */
static void test_p3_what_another_process_adds_counts_too(void **state) {
    (void)state;
    struct scene s = scene_new();
    record(&s, EVENT_DELIVERY, NOW);
    assert_ok(db_commit(s.f->db));
    struct db *own = s.f->db;
    for (int64_t i = 1; i <= 2; i++) {
        s.f->db = fixture_connect(s.f, false);
        assert_ok(db_begin(s.f->db));
        (void)hook(&s, "https://a.test/", ALL, 0);
        assert_ok(db_commit(s.f->db));
        db_close(&s.f->db);
        s.f->db = own;
        assert_ok(db_begin(s.f->db));
        record(&s, EVENT_DELIVERY, NOW);
        assert_true(db_marks(s.f->db) & HOOK_MARK);
        assert_int_equal(number(&s, WAITING), i * (i + 1) / 2);
        assert_ok(db_commit(s.f->db));
    }
    assert_ok(db_begin(s.f->db));
    fixture_free(s.f);
}

static void test_WH23_a_url_that_may_be_called_no_more_is_told(void **state) {
    (void)state;
    struct scene s = scene_new();
    int64_t id = hook(&s, "https://gateway.test/api", ALL, 0);
    record(&s, EVENT_DELIVERY, NOW);
    s.rules.urls.own_urls[0] = TEXT("https://gateway.test");
    struct hook_turn turn = load(&s, id, NOW, 5);
    assert_int_equal(turn.call_count, 0);
    finish(&s, &turn, NOW);
    assert_int_equal(number(&s, "SELECT count(*) FROM hook_attempts WHERE why LIKE '%may be called'"), 1);
    assert_int_equal(number(&s, "SELECT failures FROM webhooks"), 1);
    turn = load(&s, id, NOW + 1, 5); /* woken early: the pause holds, and is no failure */
    finish(&s, &turn, NOW + 1);
    assert_int_equal(number(&s, "SELECT failures FROM webhooks"), 1);
    fixture_free(s.f);
}

/* A look costs what is due, not what there is. */
static void test_WH26_ten_thousand_endpoints_that_wait_cost_nothing(void **state) {
    (void)state;
    struct scene s = scene_new();
    for (int i = 0; i < 10000; i++) {
        struct stmt *q =
            db_stmt(s.f->db, "INSERT INTO hook_queues (node_id, webhook_id, account_id, wake_at) VALUES (?1, ?2, 1, ?3)");
        STMT_BIND_INTS(q, 1, s.rules.owner.node_id, 100000 + i, NOW + DAY);
        assert_ok(stmt_run(q));
    }
    int64_t id = hook(&s, "https://a.test/", ALL, 0);
    record(&s, EVENT_DELIVERY, NOW);
    struct hook_due_list list = due(&s, NOW);
    assert_int_equal(list.count, 1);
    assert_int_equal(list.items[0].webhook_id, id);
    if (fixture_is_sqlite(s.f)) {
        struct stmt *q =
            db_stmt(s.f->db, "EXPLAIN QUERY PLAN SELECT webhook_id FROM hook_queues WHERE node_id = 1 AND wake_at <= 5 "
                             "AND (wake_at, webhook_id) > (0, 0) ORDER BY wake_at, webhook_id LIMIT 5");
        assert_int_equal(stmt_step(q), STATUS_ROW);
        has(stmt_text(q, 3), "INDEX hook_queues_due");
    }
    fixture_free(s.f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_p3_an_event_goes_to_every_endpoint_that_asked),
        cmocka_unit_test(test_a_call_says_what_the_contract_says),
        cmocka_unit_test(test_p3_a_call_is_settled_once),
        cmocka_unit_test(test_another_life_of_the_node_settles_nothing),
        cmocka_unit_test(test_a_failure_waits_and_the_endpoint_with_it),
        cmocka_unit_test(test_WH26_410_and_five_days_disable),
        cmocka_unit_test(test_WH26_its_owner_is_told),
        cmocka_unit_test(test_events_gather_for_a_second_or_till_there_are_enough),
        cmocka_unit_test(test_p3_a_batch_that_failed_is_the_same_batch_again),
        cmocka_unit_test(test_replay_by_event_and_by_range),
        cmocka_unit_test(test_p8_the_log_of_an_endpoint_is_bounded),
        cmocka_unit_test(test_what_went_meanwhile_is_dropped),
        cmocka_unit_test(test_WH25_two_keys_sign_while_one_replaces_the_other),
        cmocka_unit_test(test_a_missing_key_is_made_and_a_lost_one_is_told),
        cmocka_unit_test(test_WH26_ten_thousand_endpoints_that_wait_cost_nothing),
        cmocka_unit_test(test_p3_a_connection_knows_which_domains_have_webhooks),
        cmocka_unit_test(test_p3_what_another_process_adds_counts_too),
        cmocka_unit_test(test_WH23_a_url_that_may_be_called_no_more_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
