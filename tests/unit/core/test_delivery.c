/* test_delivery.c - loading and settling recipients, and the queue, on a real store.
 * SPDX-License-Identifier: Apache-2.0 */
#include "../../store/fixture.h"

#include "core/bounce.h"
#include "core/content.h"
#include "core/delivery.h"
#include "core/queue.h"
#include "core/return_path.h"

#include <string.h>

static const struct seal_key return_path_key = {{7}};
static const struct render_track_setup track = {.return_path = &return_path_key};

static struct bounce_rules *rules; /* built in */

struct scene {
    struct fixture *f;
    struct node_epoch node;
    struct dsn_desk desk;
    int64_t account_id, domain_id, message_id, recipient_id;
    struct arena arena;
};

static struct scene scene_new(void) {
    struct scene s = {.f = fixture_new()};
    struct db *db = s.f->db;
    assert_ok(queue_start(db, STR("here"), NOW, &s.node));
    s.account_id = make_account(db, "a@example.com");
    s.domain_id = make_domain(db, s.account_id, "sender.example");
    s.message_id = make_message(db, s.account_id, s.domain_id, 1);
    assert_ok(message_set_expiry(db, s.message_id, NOW + 100000));
    assert_ok(body_add(db, &(struct body){.message_id = s.message_id, .content = STR("Subject: x\r\n\r\nbody\r\n")}));
    struct recipient to = {
        .message_id = s.message_id,
        .account_id = s.account_id,
        .address = STR("bob@there.example"),
        .domain = STR("there.example"),
        .state = RECIPIENT_QUEUED,
        .due_at = NOW,
    };
    assert_ok(recipient_add(db, &to, &s.node, &s.recipient_id));
    struct dkim_key key = {.domain_id = s.domain_id,
                           .selector = STR("s1"),
                           .type = 1,
                           .private_sealed = STR("sealed"),
                           .public_key = STR("public"),
                           .created_at = NOW};
    int64_t id = 0;
    assert_ok(dkim_key_add(db, &key, &id));
    return s;
}

static void scene_free(struct scene *s) {
    arena_fini(&s->arena);
    fixture_free(s->f);
}

static struct delivery load(struct scene *s, int64_t attempts) {
    int64_t due_at = attempts ? NOW + 65000 : NOW; /* a first deferral's */
    struct queue_entry entry = {.recipient_id = s->recipient_id, .attempts = attempts, .due_at = due_at};
    struct delivery d;
    assert_ok(delivery_load(s->f->db, &track, &entry, &s->arena, &d));
    return d;
}

static struct settlement settlement_of(const struct scene *s, enum delivery_outcome outcome, int64_t attempts) {
    return (struct settlement){
        .recipient_id = s->recipient_id,
        .attempts = attempts,
        .outcome = outcome,
        .at = NOW + 5000,
        .next_at = NOW + 65000,
        .reason = STR("450 4.2.0 \xE2\x80\x9Cnot yet\xE2\x80\x9D\r\n"),
        .report = {.site = STR("mx.there.example:25"),
                   .mx_host = STR("mx.there.example"),
                   .mx_address = STR("192.0.2.1"),
                   .tls_version = STR("TLSv1.3"),
                   .tls_cipher = STR("TLS_AES_256_GCM_SHA384"),
                   .tls_policy = STR("opportunistic"),
                   .code = 450,
                   .enhanced = STR("4.2.0"),
                   .text = STR("\xFFnot \"yet\"\x01"),
                   .command = STR("RCPT"),
                   .session_ms = 77},
    };
}

static bool settle(struct scene *s, const struct settlement *settlement) {
    bool applied = false;
    dsn_desk_clear(&s->desk);
    s->desk.owner = s->node;
    s->desk.arena = &s->arena;
    struct settlement judged = *settlement;
    const struct delivery_report *r = &judged.report;
    if (judged.outcome == DELIVERY_BOUNCED)
        (void)bounce_rules_judge(rules, &(struct bounce_reply){r->code, r->enhanced, r->text, r->mx_host}, &judged.bounce);
    assert_ok(delivery_settle(s->f->db, &s->desk, &judged, &applied));
    return applied;
}

static struct recipient row(struct scene *s) {
    struct recipient r;
    assert_ok(recipient_get(s->f->db, &s->arena, s->recipient_id, &r));
    return r;
}

static struct message_timeline events(struct scene *s) {
    struct message_timeline list;
    assert_ok(message_timeline(s->f->db, &s->arena, s->message_id, 100, &list));
    return list;
}

static void test_load(void **state) {
    (void)state;
    struct scene s = scene_new();
    struct delivery d = load(&s, 0);
    assert_true(d.is_waiting);
    assert_str(d.address, "bob@there.example");
    assert_str(d.sender_domain, "sender.example");
    assert_int_equal(d.message_id, s.message_id);
    assert_str(d.subdomain, "mail");
    assert_int_equal(d.lost.n, 0);
    assert_int_equal(d.expires_at, NOW + 100000);
    assert_int_equal(d.domain_id, s.domain_id);
    struct delivery_source source;
    assert_ok(delivery_load_source(s.f->db, &track, s.message_id, 0, &s.arena, &source));
    assert_str(source.domain, "sender.example");
    assert_str(source.content, "Subject: x\r\n\r\nbody\r\n");
    assert_int_equal(source.signature.n, 0);
    assert_int_equal(source.key_count, 1);
    assert_str(source.keys[0].selector, "s1");
    assert_str(source.keys[0].private_sealed, "sealed");
    assert_false(load(&s, 1).is_waiting); /* another attempt than the scheduler knew of */
    s.recipient_id += 1000;
    assert_false(load(&s, 0).is_waiting);
    scene_free(&s);
}

static struct delivery_source source_of(struct scene *s) {
    struct delivery_source source;
    assert_ok(delivery_load_source(s->f->db, &track, s->message_id, s->recipient_id, &s->arena, &source));
    return source;
}

static void set_metadata(struct scene *s, struct str metadata) {
    struct stmt *stmt = db_stmt(s->f->db, "UPDATE messages SET metadata = ?1");
    stmt_bind_text(stmt, 1, metadata);
    assert_ok(stmt_run(stmt));
}

/* What the recipient gets of the message, unsigned; "" when it is what all get. */
static struct str letter_of(struct scene *s) {
    BUF_AUTO out = {0};
    if (!load(s, 0).is_personal) return STR("");
    struct delivery_source source = source_of(s);
    assert_true(source.is_personal);
    assert_int_equal(source.signature.n, 0);
    render_track_write(&source.track, source.content, &out);
    return arena_str(&s->arena, buf_str(&out));
}

/* Whoever may leave has a letter of his own, the same at every look. */
static void test_list_unsubscribe(void **state) {
    (void)state;
    struct scene s = scene_new();
    BUF_AUTO want = {0};
    buf_add_z(&want, "List-Unsubscribe: <mailto:");
    return_path_make(&return_path_key, RETURN_PATH_UNSUBSCRIBE, s.recipient_id, &want);
    buf_add_z(&want, "@mail.sender.example>\r\nSubject: x\r\n\r\nbody\r\n");
    assert_int_equal(letter_of(&s).n, 0); /* nobody wants it */
    assert_ok(db_exec(s.f->db, "UPDATE domains SET unsubscribe_link = 1"));
    assert_true(str_eq(letter_of(&s), buf_str(&want)));
    (void)make_recipient(s.f->db, s.message_id, s.account_id, "there.example", NOW);
    assert_true(str_eq(letter_of(&s), buf_str(&want))); /* with others too */
    assert_ok(db_exec(s.f->db, "UPDATE messages SET is_report = 1"));
    assert_int_equal(letter_of(&s).n, 0);
    assert_ok(db_exec(s.f->db, "UPDATE messages SET is_report = 0"));
    assert_ok(db_exec(s.f->db, "UPDATE domains SET unsubscribe_link = 0"));
    assert_ok(db_exec(s.f->db, "INSERT INTO lists (id, account_id, name, created_at) VALUES (12, 1, 'l', 0)"));
    set_metadata(&s, STR("{\"ListID\":\"12\"}")); /* a list's own */
    assert_true(str_eq(letter_of(&s), buf_str(&want)));
    static const char *const labels[] = {"{\"ListID\":\"13\"}", "{\"ListID\":\"news\"}", "{\"ListID\":\"\"}", "{}",
                                         "{\"ListID\":[12]}"};
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
        set_metadata(&s, str_from_z(labels[i]));
        assert_int_equal(letter_of(&s).n, 0);
    }
    scene_free(&s);
}

/* A retry is no other message: what signs it, and how long its links live, hangs on no clock, and lies never ahead (P2). */
static void test_p2_a_letter_has_one_time(void **state) {
    (void)state;
    struct scene s = scene_new();
    const int64_t week = INT64_C(604800000);
    assert_ok(db_exec(s.f->db, "UPDATE domains SET unsubscribe_link = 1"));
    assert_int_equal(source_of(&s).signed_at, NOW);
    assert_ok(message_set_expiry(s.f->db, s.message_id, NOW + 4 * week)); /* it is sent in three weeks or later */
    assert_int_equal(source_of(&s).signed_at, NOW + 3 * week);
    assert_ok(message_set_signature(s.f->db, s.message_id, STR("DKIM-Signature: v=1\r\n"))); /* from when it was shared */
    assert_int_equal(source_of(&s).signature.n, 0);
    scene_free(&s);
}

/* What was moved is not what the scheduler handed out, whichever way it went. */
static void test_p2_a_moved_entry_is_stale(void **state) {
    (void)state;
    struct scene s = scene_new();
    assert_ok(db_exec(s.f->db, "UPDATE recipients SET state = 0, due_at = due_at + 60000"));
    assert_false(load(&s, 0).is_waiting);
    assert_ok(queue_move(s.f->db, s.recipient_id, NOW, NOW - 1));
    assert_true(load(&s, 0).is_waiting);
    assert_int_equal(queue_move(s.f->db, s.recipient_id, NOW + 5, NOW), STATUS_NOT_FOUND); /* it has started */
    scene_free(&s);
}

/* The end of its life came while it was tried: the deferral is its failure, in one settlement. */
static void test_p4_a_deferral_behind_the_end_is_a_failure(void **state) {
    (void)state;
    struct scene s = scene_new();
    assert_ok(message_set_expiry(s.f->db, s.message_id, NOW + 5000));
    struct settlement later = settlement_of(&s, DELIVERY_DEFERRED, 0);
    assert_true(settle(&s, &later));
    assert_int_equal(row(&s).state, RECIPIENT_FAILED);
    struct message_timeline list = events(&s);
    assert_int_equal(list.count, 1);
    assert_int_equal(list.items[0].type, EVENT_FAILED);
    scene_free(&s);
}

/* A deletion that was cut short leaves recipients behind: none waits for days for a sender who is gone. */
static void test_a_deferral_without_a_sender_domain_is_a_failure(void **state) {
    (void)state;
    struct scene s = scene_new();
    assert_ok(db_exec(s.f->db, "DELETE FROM domains"));
    struct settlement later = settlement_of(&s, DELIVERY_DEFERRED, 0);
    assert_true(settle(&s, &later));
    assert_int_equal(row(&s).state, RECIPIENT_FAILED);
    assert_str(row(&s).reason, "The sender domain was deleted");
    assert_int_equal(events(&s).count, 1);
    assert_int_equal(events(&s).items[0].type, EVENT_FAILED);
    scene_free(&s);
}

static void test_p3_withdrawn_with_its_event(void **state) {
    (void)state;
    struct scene s = scene_new();
    bool applied = false;
    assert_ok(delivery_withdraw(s.f->db, s.recipient_id, RECIPIENT_CANCELLED, STR("The sender cancelled it"), NOW, &applied));
    assert_true(applied);
    struct recipient r = row(&s);
    assert_int_equal(r.state, RECIPIENT_CANCELLED);
    assert_str(r.reason, "The sender cancelled it");
    assert_int_equal(events(&s).count, 1);
    assert_int_equal(events(&s).items[0].type, EVENT_FAILED);
    assert_true(str_find_str(events(&s).items[0].detail, STR("\"Reason\":\"The sender cancelled it\"")) != STR_NONE);
    assert_ok(delivery_withdraw(s.f->db, s.recipient_id, RECIPIENT_FAILED, STR("again"), NOW, &applied));
    assert_false(applied); /* an end is an end */
    assert_int_equal(events(&s).count, 1);
    scene_free(&s);
}

static void test_what_is_gone_is_said(void **state) {
    (void)state;
    struct scene s = scene_new();
    struct delivery_source source;
    assert_ok(db_exec(s.f->db, "DELETE FROM bodies"));
    assert_int_equal(load(&s, 0).lost.n, 0); /* found when the body is needed */
    assert_int_equal(delivery_load_source(s.f->db, &track, s.message_id, 0, &s.arena, &source), STATUS_NOT_FOUND);
    assert_ok(db_exec(s.f->db, "DELETE FROM domains"));
    assert_str(load(&s, 0).lost, "The sender domain is gone");
    assert_true(load(&s, 0).is_waiting);
    scene_free(&s);
}

static void test_p3_deferred_then_delivered(void **state) {
    (void)state;
    struct scene s = scene_new();
    struct settlement later = settlement_of(&s, DELIVERY_DEFERRED, 0);
    later.signature = STR("DKIM-Signature: v=1\r\n");
    assert_true(settle(&s, &later));
    struct recipient r = row(&s);
    assert_int_equal(r.state, RECIPIENT_QUEUED);
    assert_int_equal(r.attempts, 1);
    assert_int_equal(r.due_at, NOW + 65000);
    assert_str(r.reason, "450 4.2.0 \xE2\x80\x9Cnot yet\xE2\x80\x9D??");
    struct delivery d = load(&s, 1);
    assert_int_equal(d.reason.n, r.reason.n);
    struct delivery_source source;
    assert_ok(delivery_load_source(s.f->db, &track, s.message_id, 0, &s.arena, &source));
    assert_str(source.signature, "DKIM-Signature: v=1\r\n");
    struct settlement done = settlement_of(&s, DELIVERY_DELIVERED, 1);
    done.reason = STR("");
    assert_true(settle(&s, &done));
    assert_int_equal(row(&s).state, RECIPIENT_DELIVERED);
    struct message_timeline list = events(&s);
    assert_int_equal(list.count, 2);
    assert_int_equal(list.items[0].type + list.items[1].type, EVENT_DEFERRED + EVENT_DELIVERY);
    scene_free(&s);
}

static void test_p2_a_settlement_applies_once(void **state) {
    (void)state;
    static const enum delivery_outcome outcomes[] = {DELIVERY_DELIVERED, DELIVERY_DEFERRED, DELIVERY_BOUNCED, DELIVERY_FAILED};
    for (size_t i = 0; i < 4; i++) {
        struct scene s = scene_new();
        struct settlement settlement = settlement_of(&s, outcomes[i], 0);
        if (outcomes[i] == DELIVERY_FAILED) settlement.report = (struct delivery_report){.code = 0}; /* not tried again */
        assert_true(settle(&s, &settlement));
        assert_int_equal(row(&s).attempts, outcomes[i] == DELIVERY_FAILED ? 0 : 1);
        assert_false(settle(&s, &settlement));
        fixture_commit(s.f);
        assert_false(settle(&s, &settlement));
        assert_int_equal(events(&s).count, 1);
        scene_free(&s);
    }
}

/* A batch that is rolled back and run again alone writes the same, once. */
static void test_p3_rolled_back_and_run_again(void **state) {
    (void)state;
    struct scene s = scene_new();
    fixture_commit(s.f);
    struct settlement settlement = settlement_of(&s, DELIVERY_BOUNCED, 0);
    assert_true(settle(&s, &settlement));
    db_rollback(s.f->db);
    assert_ok(db_begin(s.f->db));
    assert_int_equal(row(&s).state, RECIPIENT_QUEUED);
    assert_int_equal(events(&s).count, 0);
    assert_true(settle(&s, &settlement));
    fixture_commit(s.f);
    assert_int_equal(row(&s).state, RECIPIENT_BOUNCED);
    assert_int_equal(events(&s).count, 1);
    scene_free(&s);
}

/* CR14: a process of an earlier life cannot settle; its readers refuse it before (store/writer.h). */
static void test_p1_an_older_life_is_fenced_off(void **state) {
    (void)state;
    struct scene s = scene_new();
    struct node_epoch old = s.node;
    assert_ok(queue_start(s.f->db, STR("here"), NOW + 1, &s.node));
    assert_int_equal(s.node.node_id, old.node_id);
    assert_true(s.node.epoch > old.epoch);
    struct settlement settlement = settlement_of(&s, DELIVERY_DELIVERED, 0);
    bool applied = true;
    struct dsn_desk desk = {.owner = old};
    assert_ok(delivery_settle(s.f->db, &desk, &settlement, &applied));
    assert_false(applied);
    assert_int_equal(events(&s).count, 0);
    assert_true(load(&s, 0).is_waiting); /* what waited is ours */
    assert_true(settle(&s, &settlement));
    scene_free(&s);
}

/* A verb without a server, on a database that a server elsewhere works with, must not fence that server off. */
static void test_p4_a_verb_joins_the_life_there_is(void **state) {
    (void)state;
    struct scene s = scene_new();
    struct node_epoch joined, fresh;
    assert_ok(queue_join(s.f->db, STR("here"), NOW + 1, &joined));
    assert_true(joined.node_id == s.node.node_id && joined.epoch == s.node.epoch);
    assert_ok(queue_join(s.f->db, STR("new"), NOW + 1, &fresh));
    assert_true(fresh.node_id != s.node.node_id && fresh.epoch > 0);
    struct settlement settlement = settlement_of(&s, DELIVERY_DELIVERED, 0);
    assert_true(settle(&s, &settlement));
    scene_free(&s);
}

static void test_event_record(void **state) {
    (void)state;
    struct scene s = scene_new();
    struct settlement later = settlement_of(&s, DELIVERY_DEFERRED, 0);
    assert_true(settle(&s, &later));
    struct message_timeline list = events(&s);
    assert_int_equal(list.count, 1);
    assert_int_equal(list.items[0].at, NOW + 5000);
    assert_str(list.items[0].recipient, "bob@there.example");
    struct str detail = list.items[0].detail;
    const char *const parts[] = {
        "\"RecipientDomain\":\"there.example\"",
        "\"Site\":\"mx.there.example:25\"",
        "\"MXHost\":\"mx.there.example\"",
        "\"MXAddress\":\"192.0.2.1\"",
        "\"TLS\":{\"Version\":\"TLSv1.3\",\"Cipher\":\"TLS_AES_256_GCM_SHA384\",\"Policy\":\"opportunistic\",\"Verified\":false}",
        "\"Reply\":{\"Code\":450,\"Enhanced\":\"4.2.0\"",
        "\"Command\":\"RCPT\"}",
        "\"Attempt\":1,",
        "\"NextAttempt\":\"20",
        "\"SessionMs\":77",
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (str_find_str(detail, str_from_z(parts[i])) == STR_NONE) fail_msg("%s is not in %.*s", parts[i], STR_ARG(detail));
    }
    assert_true(str_is_utf8(detail));
    assert_false(str_has_control(detail));
    assert_true(str_find_str(detail, STR("SourceAddress")) == STR_NONE); /* what is not known is left out */
    scene_free(&s);
}

/* The class of a bounce stands in its event, and in no other's. */
static void test_bounces_have_their_class(void **state) {
    (void)state;
    struct scene s = scene_new();
    struct settlement later = settlement_of(&s, DELIVERY_DEFERRED, 0), never = settlement_of(&s, DELIVERY_BOUNCED, 1);
    never.report.code = 550;
    never.report.enhanced = STR("5.1.1");
    assert_true(settle(&s, &later));
    assert_true(settle(&s, &never));
    struct message_timeline list = events(&s);
    const struct str bounce =
        STR("\"Bounce\":{\"Class\":\"InvalidRecipient\",\"Hard\":true,\"Fault\":\"recipient\",\"Source\":\"smtp\"}");
    size_t with = 0;
    assert_int_equal(list.count, 2);
    for (size_t i = 0; i < list.count; i++) {
        bool has = str_find_str(list.items[i].detail, bounce) != STR_NONE;
        assert_int_equal(has, list.items[i].type == EVENT_BOUNCE);
        with += has;
    }
    assert_int_equal(with, 1);
    scene_free(&s);
}

static int64_t number(struct scene *s, const char *sql) {
    fixture_commit(s->f);
    return fixture_number(s->f, sql);
}

static struct settlement refusal(const struct scene *s, unsigned code, const char *enhanced, const char *text) {
    struct settlement never = settlement_of(s, DELIVERY_BOUNCED, 0);
    never.reason = str_from_z(text);
    never.report.code = code;
    never.report.enhanced = str_from_z(enhanced);
    never.report.text = str_from_z(text);
    return never;
}

/* State, event and suppression in one transaction, once; the suppression says why, and which event it was. */
static void test_p3_p9_a_hard_bounce_suppresses_once(void **state) {
    (void)state;
    struct scene s = scene_new();
    struct settlement never = refusal(&s, 550, "5.1.1", "mx[192.0.2.1]: 550 5.1.1 no such user");
    fixture_commit(s.f);
    assert_true(settle(&s, &never));
    db_rollback(s.f->db);
    assert_ok(db_begin(s.f->db));
    assert_int_equal(number(&s, "SELECT count(*) FROM suppressions"), 0);
    assert_true(settle(&s, &never));
    assert_false(settle(&s, &never));
    assert_int_equal(number(&s, "SELECT count(*) FROM suppressions WHERE address = 'bob@there.example' AND list_id = 0 AND "
                                "account_id = 1 AND source = 4 AND reason = 'mx[192.0.2.1]: 550 5.1.1 no such user' AND "
                                "event_id = (SELECT max(id) FROM events WHERE type = 4)"),
                     1);
    assert_int_equal(number(&s, "SELECT count(*) FROM suppressions"), 1);
    scene_free(&s);
}

/* What a 5xx says about us, our mail or the way there, and what is about nobody in particular, suppresses nobody. OB12, OB24,
 * OB32, OB35, BN06. */
static void test_p9_other_bounces_suppress_nobody(void **state) {
    (void)state;
    static const struct {
        unsigned code;
        const char *enhanced, *text, *command;
        bool suppresses;
    } rows[] = {
        {550, "5.1.1", "no such user", "RCPT", true},
        {550, "5.1.1", "no such user", ".", true},
        {550, "5.2.1", "mailbox disabled", "DATA", true},
        {550, "5.1.2", "the domain does not exist (NXDOMAIN)", "DNS", true},
        {556, "5.1.10", "accepts no mail (null MX)", "DNS", true},
        {550, "5.1.1", "no such user", "MAIL", false},
        {550, "5.1.1", "no such user", "CONNECT", false},
        {550, "5.7.1", "user unknown", "RCPT", false},
        {550, "4.1.1", "user unknown", "RCPT", false},
        {552, "5.2.2", "mailbox full", "RCPT", false},
        {551, "", "User not local; please try <a@b.example>", "RCPT", false},
        {554, "5.7.1", "spam", ".", false},
        {554, "5.6.3", "The host takes no 8-bit message", "MAIL", false},
        {0, "", "user unknown", "RCPT", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scene s = scene_new();
        struct settlement never = refusal(&s, rows[i].code, rows[i].enhanced, rows[i].text);
        never.report.command = str_from_z(rows[i].command);
        assert_true(settle(&s, &never));
        int64_t count = number(&s, "SELECT count(*) FROM suppressions");
        if (count != rows[i].suppresses) fail_msg("row %zu: %lld suppressions", i, (long long)count);
        scene_free(&s);
    }
}

/* OB25: what waits suppresses nobody, whatever it is told, and nor does the end of its life. */
static void test_p9_waiting_suppresses_nobody(void **state) {
    (void)state;
    static const enum delivery_outcome outcomes[] = {DELIVERY_DEFERRED, DELIVERY_FAILED};
    for (size_t i = 0; i < 2; i++) {
        struct scene s = scene_new();
        struct settlement later = refusal(&s, 550, "5.1.1", "no such user");
        later.outcome = outcomes[i];
        assert_true(settle(&s, &later));
        assert_int_equal(number(&s, "SELECT count(*) FROM suppressions"), 0);
        scene_free(&s);
    }
}

/* A list's subscriber is told so; one who was suppressed by his own wish stays that. */
static void test_p9_a_hard_bounce_of_a_subscriber(void **state) {
    (void)state;
    struct scene s = scene_new();
    struct settlement never = refusal(&s, 550, "5.1.1", "no such user");
    assert_ok(db_exec(s.f->db, "INSERT INTO lists (id, account_id, name, created_at) VALUES (12, 1, 'l', 0)"));
    assert_ok(db_exec(s.f->db, "INSERT INTO subscribers (list_id, email, email_key, status, created_at, changed_at) VALUES "
                               "(12, 'bob@there.example', 'bob@there.example', 0, 0, 0)"));
    set_metadata(&s, STR("{\"ListID\":\"12\"}"));
    assert_int_equal(number(&s, "SELECT count(*) FROM subscribers WHERE changed_at = 0"), 1);
    assert_true(settle(&s, &never));
    assert_int_equal(number(&s, "SELECT count(*) FROM subscribers WHERE changed_at = 0"), 0);
    assert_int_equal(number(&s, "SELECT count(*) FROM suppressions WHERE list_id = 0"), 1);
    scene_free(&s);
}

/* RFC 3461: one report with its settlement, if it was asked for; rolled back with it; run twice it is there once. */
static void test_p3_reports_to_senders(void **state) {
    (void)state;
    static const struct {
        enum delivery_outcome outcome;
        int notify;
        int64_t reports;
    } rows[] = {
        {DELIVERY_BOUNCED, 4, 1},  {DELIVERY_FAILED, 4, 1},    {DELIVERY_DELIVERED, 2, 1},
        {DELIVERY_DEFERRED, 8, 0}, {DELIVERY_BOUNCED, 0, 0},   {DELIVERY_BOUNCED, 1, 0},
        {DELIVERY_BOUNCED, 2, 0},  {DELIVERY_DELIVERED, 4, 0}, {DELIVERY_DEFERRED, 14, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scene s = scene_new();
        struct settlement end = settlement_of(&s, rows[i].outcome, 0);
        BUF_AUTO sql = {0};
        s.desk.hostname = STR("gateway.example");
        s.desk.rand = rand_system();
        buf_addf(&sql, "UPDATE recipients SET dsn_notify = %d", rows[i].notify);
        assert_ok(db_exec(s.f->db, sql.p));
        assert_ok(db_exec(s.f->db, "UPDATE messages SET envelope_from = 'ann@sender.example'"));
        fixture_commit(s.f);
        assert_true(settle(&s, &end));
        assert_int_equal(s.desk.count, rows[i].reports);
        db_rollback(s.f->db);
        assert_ok(db_begin(s.f->db));
        assert_true(settle(&s, &end));
        assert_false(settle(&s, &end));
        assert_int_equal(s.desk.count, 0); /* the second time */
        assert_int_equal(number(&s, "SELECT count(*) FROM messages WHERE is_report = 1"), rows[i].reports);
        assert_int_equal(number(&s, "SELECT count(*) FROM recipients WHERE address = 'ann@sender.example' AND state = 1"),
                         rows[i].reports);
        scene_free(&s);
    }
}

/* Of a big message the header alone is read and told, and of a long header whole lines, as many as fit (P6, P8). */
static void test_a_report_brings_back_no_more_than_it_should(void **state) {
    (void)state;
    static const struct {
        size_t header_lines, body_bytes;
        int dsn_return; /* 1: FULL */
        bool is_whole;
    } rows[] = {{3, 1000, 1, true}, {3, 1000, 2, false}, {3, 3000000, 1, false}, {5000, 1000, 2, false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scene s = scene_new();
        struct settlement end = settlement_of(&s, DELIVERY_BOUNCED, 0);
        BUF_AUTO content = {0};
        BUF_AUTO sql = {0};
        BUF_AUTO report = {0};
        for (size_t k = 0; k < rows[i].header_lines; k++)
            buf_addf(&content, "X-Line: of the header, the one number %06zu\r\n", k);
        buf_add_z(&content, "\r\n");
        for (size_t k = 0; k < rows[i].body_bytes / 10; k++) buf_add_z(&content, "the body\r\n");
        s.desk.hostname = STR("gateway.example");
        s.desk.rand = rand_system();
        buf_addf(&sql, "UPDATE messages SET envelope_from = 'ann@sender.example', dsn_return = %d, size = %zu",
                 rows[i].dsn_return, content.n);
        assert_ok(db_exec(s.f->db, "DELETE FROM bodies; UPDATE recipients SET dsn_notify = 4"));
        assert_ok(db_exec(s.f->db, sql.p));
        assert_ok(body_add(s.f->db, &(struct body){.message_id = s.message_id, .content = buf_str(&content)}));
        assert_true(settle(&s, &end));
        assert_int_equal(s.desk.count, 1);
        assert_ok(content_load(s.f->db, s.desk.entries[0].message_id, &report));
        assert_true(report.n < DSN_HEADER_MAX + 4096);
        assert_int_equal(str_find_str(buf_str(&report), STR("the body")) != STR_NONE, rows[i].is_whole);
        assert_true(str_find_str(buf_str(&report), STR("one number 000002\r\n")) != STR_NONE);
        size_t last = str_find_last(buf_str(&report), 'X'); /* no line is cut */
        struct str line = str_sub(buf_str(&report), last, SIZE_MAX);
        assert_int_equal(str_find(line, '\r'), strlen("X-Line: of the header, the one number 000000"));
        scene_free(&s);
    }
}

/* Once, four hours after it began to wait; by the operator's wish of those who said nothing, too. */
static void test_a_delay_is_told_once(void **state) {
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct scene s = scene_new();
        struct settlement later = settlement_of(&s, DELIVERY_DEFERRED, 0);
        bool is_wanted = i % 2;
        s.desk.hostname = STR("gateway.example");
        s.desk.rand = rand_system();
        s.desk.tells_delays = i == 3;
        if (i < 2)
            assert_ok(
                db_exec(s.f->db, is_wanted ? "UPDATE recipients SET dsn_notify = 8" : "UPDATE recipients SET dsn_notify = 4"));
        assert_ok(db_exec(s.f->db, "UPDATE messages SET envelope_from = 'ann@sender.example'"));
        assert_ok(message_set_expiry(s.f->db, s.message_id, NOW + 72 * 3600000));
        later.at = NOW + DSN_DELAY_MS - 1;
        assert_true(settle(&s, &later));
        assert_int_equal(s.desk.count, 0);
        for (int64_t attempt = 1; attempt < 4; attempt++) {
            later.attempts = attempt;
            later.at = NOW + DSN_DELAY_MS * attempt;
            assert_true(settle(&s, &later));
            assert_int_equal(s.desk.count, is_wanted && attempt == 1);
        }
        scene_free(&s);
    }
}

static void test_long_reasons_are_cut_between_characters(void **state) {
    (void)state;
    struct scene s = scene_new();
    BUF_AUTO reason = {0};
    buf_add_char(&reason, 'x');
    while (reason.n < 3000) buf_add_z(&reason, "\xE2\x82\xAC");
    struct settlement later = settlement_of(&s, DELIVERY_DEFERRED, 0);
    later.reason = buf_str(&reason);
    assert_true(settle(&s, &later));
    struct str kept = row(&s).reason;
    assert_in_range(kept.n, DELIVERY_REASON_MAX - 3, DELIVERY_REASON_MAX);
    assert_true(str_is_utf8(kept));
    later = settlement_of(&s, DELIVERY_DEFERRED, 1);
    later.reason = STR("caf\xE9\x00 closed");
    assert_true(settle(&s, &later));
    assert_str(row(&s).reason, "caf?? closed");
    scene_free(&s);
}

/* ---- the queue ---- */

static struct schedule_rows fetch(struct scene *s, struct schedule_load *load) {
    struct schedule_rows rows;
    assert_ok(queue_fetch(s->f->db, s->node.node_id, load, &s->arena, &rows));
    return rows;
}

static void test_fetch(void **state) {
    (void)state;
    struct scene s = scene_new();
    struct recipient to = {.message_id = s.message_id,
                           .account_id = s.account_id,
                           .address = STR("x@there.example"),
                           .domain = STR("there.example"),
                           .state = RECIPIENT_SCHEDULED};
    int64_t id = 0;
    for (int i = 1; i <= 3; i++) {
        to.due_at = NOW + i * 1000;
        assert_ok(recipient_add(s.f->db, &to, &s.node, &id));
    }
    struct schedule_load load = {.kind = SCHEDULE_LOAD_LANES, .limit = 10};
    struct schedule_rows rows = fetch(&s, &load);
    assert_int_equal(rows.count, 1);
    assert_int_equal(rows.lanes[0].first_due_at, NOW);
    load = (struct schedule_load){.kind = SCHEDULE_LOAD_ENTRIES, .lane = rows.lanes[0], .due_until = NOW + 1000, .limit = 10};
    rows = fetch(&s, &load);
    assert_int_equal(rows.count, 2); /* due_until counts in */
    assert_int_equal(rows.next_due_at, NOW + 2000);
    assert_int_equal(rows.entries[0].recipient_id, s.recipient_id);
    load.due_until = NOW + 9000;
    rows = fetch(&s, &load);
    assert_int_equal(rows.count, 4);
    assert_true(rows.next_due_at == SCHEDULE_NEVER);
    load.limit = 2;
    assert_int_equal(fetch(&s, &load).count, 2);
    scene_free(&s);
}

static void test_p4_show_says_why_and_when(void **state) {
    (void)state;
    struct scene s = scene_new();
    struct queue_item item;
    assert_ok(queue_item_get(s.f->db, &s.arena, s.recipient_id, NOW, &item));
    assert_string_equal(item.state, "queued");
    assert_str(item.reason, "waiting for its first try");
    struct settlement later = settlement_of(&s, DELIVERY_DEFERRED, 0);
    assert_true(settle(&s, &later));
    struct recipient to = {.message_id = s.message_id,
                           .account_id = s.account_id,
                           .address = STR("x@y.example"),
                           .domain = STR("y.example"),
                           .state = RECIPIENT_SCHEDULED,
                           .due_at = NOW + 1000};
    int64_t id = 0;
    assert_ok(recipient_add(s.f->db, &to, &s.node, &id));
    assert_ok(queue_item_get(s.f->db, &s.arena, s.recipient_id, NOW, &item));
    assert_true(str_starts(item.reason, STR("450 4.2.0")));
    assert_int_equal(item.due_at, NOW + 65000);
    assert_int_equal(item.attempts, 1);
    assert_ok(queue_item_get(s.f->db, &s.arena, id, NOW, &item));
    assert_string_equal(item.state, "scheduled");
    assert_ok(queue_item_get(s.f->db, &s.arena, id, NOW + 1000, &item));
    assert_string_equal(item.state, "queued"); /* its time has come */
    scene_free(&s);
}

static int open_rules(void **state) {
    (void)state;
    BUF_AUTO why = {0};
    return bounce_rules_load(STR(""), &rules, &why) == STATUS_OK ? 0 : -1;
}

static int close_rules(void **state) {
    (void)state;
    bounce_rules_free(&rules);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load),
        cmocka_unit_test(test_list_unsubscribe),
        cmocka_unit_test(test_p2_a_letter_has_one_time),
        cmocka_unit_test(test_p2_a_moved_entry_is_stale),
        cmocka_unit_test(test_p4_a_deferral_behind_the_end_is_a_failure),
        cmocka_unit_test(test_a_deferral_without_a_sender_domain_is_a_failure),
        cmocka_unit_test(test_p3_withdrawn_with_its_event),
        cmocka_unit_test(test_what_is_gone_is_said),
        cmocka_unit_test(test_p3_deferred_then_delivered),
        cmocka_unit_test(test_p2_a_settlement_applies_once),
        cmocka_unit_test(test_p3_rolled_back_and_run_again),
        cmocka_unit_test(test_p1_an_older_life_is_fenced_off),
        cmocka_unit_test(test_p4_a_verb_joins_the_life_there_is),
        cmocka_unit_test(test_event_record),
        cmocka_unit_test(test_bounces_have_their_class),
        cmocka_unit_test(test_p3_p9_a_hard_bounce_suppresses_once),
        cmocka_unit_test(test_p9_other_bounces_suppress_nobody),
        cmocka_unit_test(test_p9_waiting_suppresses_nobody),
        cmocka_unit_test(test_p9_a_hard_bounce_of_a_subscriber),
        cmocka_unit_test(test_p3_reports_to_senders),
        cmocka_unit_test(test_a_report_brings_back_no_more_than_it_should),
        cmocka_unit_test(test_a_delay_is_told_once),
        cmocka_unit_test(test_long_reasons_are_cut_between_characters),
        cmocka_unit_test(test_fetch),
        cmocka_unit_test(test_p4_show_says_why_and_when),
    };
    return cmocka_run_group_tests(tests, open_rules, close_rules);
}
