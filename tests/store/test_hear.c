/* test_hear.c - what comes home changes what it may, once, and nothing else (P3, P6, P9; BN01 to BN25), on both engines.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "core/bounce.h"
#include "core/dsn.h"
#include "core/hear.h"
#include "core/suppressions.h"
#include "store/lists.h"
#include "store/subscribers.h"

#define DAY INT64_C(86400000)

static const struct seal_key key = {{1, 2, 3}}, foreign_key = {{3, 2, 1}};
static struct hear_place place = {&key, STR_INIT("Gateway.example"), NULL};

/* Two accounts with a domain, a message and a delivered recipient each: the second one's must never be touched. */
struct scene {
    struct fixture *f;
    int64_t account[2], domain[2], message[2], recipient[2];
};

static int64_t add_delivered(struct fixture *f, int64_t message, int64_t account) {
    int64_t id = make_recipient(f->db, message, account, "example.net", NOW);
    struct stmt *s = db_stmt(f->db, "UPDATE recipients SET state = 3 WHERE id = ?1");
    stmt_bind_int(s, 1, id);
    assert_ok(stmt_run(s));
    return id;
}

static struct scene scene_new(void) {
    static const char *const names[][2] = {{"a@example.com", "a.example"}, {"b@example.com", "b.example"}};
    struct scene s = {.f = fixture_new()};
    (void)make_node(s.f->db);
    for (uint8_t i = 0; i < 2; i++) {
        s.account[i] = make_account(s.f->db, names[i][0]);
        s.domain[i] = make_domain(s.f->db, s.account[i], names[i][1]);
        s.message[i] = make_message(s.f->db, s.account[i], s.domain[i], (uint8_t)(i + 1));
        s.recipient[i] = add_delivered(s.f, s.message[i], s.account[i]);
    }
    return s;
}

static struct dsn_desk desk;
static struct dsn_desk *desk_of(struct fixture *f) {
    desk = (struct dsn_desk){.owner = {1, 1}, .hostname = STR("gateway.example"), .rand = rand_system(), .arena = &f->arena};
    return &desk;
}

static int64_t number(struct scene *s, const char *sql) {
    fixture_commit(s->f);
    return fixture_number(s->f, sql);
}

static struct hear_address address_of(struct scene *s, const char *mailbox) {
    struct hear_address a;
    assert_true(hear_address_parse(&key, arena_str(&s->f->arena, str_from_z(mailbox)), &a));
    return a;
}

static struct str token(struct scene *s, enum return_path_use use, int64_t recipient, const char *host) {
    BUF_AUTO b = {0};
    return_path_make(&key, use, recipient, &b);
    return arena_strf(&s->f->arena, "%.*s@%s", STR_ARG(buf_str(&b)), host);
}

static struct hear_address bounce_to(struct scene *s, int i) {
    static const char *const hosts[] = {"mail.a.example", "mail.b.example"};
    struct hear_address a;
    assert_true(hear_address_parse(&key, token(s, RETURN_PATH_BOUNCE, s->recipient[i], hosts[i]), &a));
    return a;
}

static const struct report_recipient no_such_user = {
    .action = REPORT_FAILED,
    .status = STR_INIT("5.1.1"),
    .final_address = STR_INIT("B@example.net"),
    .diagnostic_type = STR_INIT("smtp"),
    .diagnostic = STR_INIT("550 5.1.1 No such user"),
    .code = 550,
    .enhanced = STR_INIT("5.1.1"),
    .remote_mta = STR_INIT("mx.example.net"),
};
static struct report dsn(const struct report_recipient *recipients, size_t count) {
    return (struct report){.kind = REPORT_DSN,
                           .is_standard = true,
                           .format = STR("rfc3464"),
                           .reporting_mta = STR("relay.example.net"),
                           .recipients = recipients,
                           .recipient_count = count};
}

static struct heard hear_from(struct scene *s, struct str sender, const struct hear_address *to, const struct report *report) {
    struct hear_mail mail = {.sender = sender,
                             .addresses = to,
                             .address_count = 1,
                             .report = report,
                             .content = STR("Subject: x\r\n\r\nbody\r\n"),
                             .now = NOW + 1000};
    struct heard heard;
    assert_ok(hear(s->f->db, &place, &mail, desk_of(s->f), &heard));
    return heard;
}

static struct heard hear_null(struct scene *s, const struct hear_address *to, const struct report *report) {
    return hear_from(s, STR(""), to, report);
}

static struct recipient row(struct scene *s, int i) {
    struct recipient r;
    assert_ok(recipient_get(s->f->db, &s->f->arena, s->recipient[i], &r));
    return r;
}

static void assert_untouched(struct scene *s, int i) {
    assert_int_equal(row(s, i).state, RECIPIENT_DELIVERED);
    BUF_AUTO sql = {0};
    buf_addf(&sql, "SELECT count(*) FROM events WHERE account_id = %lld", (long long)s->account[i]);
    assert_int_equal(number(s, sql.p), 0);
    buf_reset(&sql);
    buf_addf(&sql, "SELECT count(*) FROM suppressions WHERE account_id = %lld", (long long)s->account[i]);
    assert_int_equal(number(s, sql.p), 0);
}

static struct event event_of(struct scene *s, int i) {
    struct message_timeline list;
    assert_ok(message_timeline(s->f->db, &s->f->arena, s->message[i], 10, &list));
    assert_int_equal(list.count, 1);
    return list.items[0];
}

static void assert_holds(struct str text, const char *part) {
    if (str_find_str(text, str_from_z(part)) == STR_NONE) fail_msg("%s is not in %.*s", part, STR_ARG(text));
}

/* ---- bounces ---- */
static void test_P3_a_bounce_is_state_event_and_suppression(void **state) {
    (void)state;
    struct scene s = scene_new();
    struct hear_address to = bounce_to(&s, 0);
    struct report report = dsn(&no_such_user, 1);
    struct heard heard = hear_null(&s, &to, &report);
    assert_int_equal(heard.bounces, 1);
    assert_int_equal(heard.suppressions, 1);
    assert_int_equal(heard.recipient_id, s.recipient[0]);
    assert_int_equal(row(&s, 0).state, RECIPIENT_BOUNCED);
    assert_str(row(&s, 0).reason, "550 5.1.1 No such user");
    struct event e = event_of(&s, 0);
    assert_int_equal(e.type, EVENT_BOUNCE);
    assert_str(e.recipient, "b@example.net");
    assert_holds(e.detail, "\"MXHost\":\"mx.example.net\"");
    assert_holds(e.detail, "\"Reply\":{\"Code\":550,\"Enhanced\":\"5.1.1\",\"Text\":\"550 5.1.1 No such user\"}");
    assert_holds(e.detail, "\"Class\":\"InvalidRecipient\"");
    assert_holds(e.detail, "\"Source\":\"dsn\"");
    enum suppression_source source;
    struct str who = STR("b@example.net");
    assert_ok(suppressions_check(s.f->db, &(struct suppression_scope){s.account[0], 0}, &who, 1, &source));
    assert_int_equal(source, SUPPRESSION_BOUNCE);
    assert_untouched(&s, 1);
    fixture_free(s.f);
}

static void test_BN03_a_thousand_repetitions_change_nothing(void **state) {
    (void)state;
    struct scene s = scene_new();
    struct hear_address to = bounce_to(&s, 0);
    struct report report = dsn(&no_such_user, 1);
    int64_t news = 0;
    for (int i = 0; i < 1000; i++) {
        news += hear_null(&s, &to, &report).bounces;
        if (i % 100 == 0) fixture_commit(s.f);
    }
    assert_int_equal(news, 1);
    assert_int_equal(number(&s, "SELECT count(*) FROM events"), 1);
    assert_int_equal(number(&s, "SELECT count(*) FROM suppressions"), 1);
    fixture_free(s.f);
}

/* BN24: what a kill took was never answered; the other side sends it once more. */
static void test_BN24_a_lost_transaction_is_made_up_for_once(void **state) {
    (void)state;
    struct scene s = scene_new();
    struct hear_address to = bounce_to(&s, 0);
    struct report report = dsn(&no_such_user, 1);
    fixture_commit(s.f);
    assert_int_equal(hear_null(&s, &to, &report).bounces, 1);
    db_rollback(s.f->db);
    assert_ok(db_begin(s.f->db));
    assert_untouched(&s, 0);
    assert_int_equal(hear_null(&s, &to, &report).bounces, 1);
    fixture_commit(s.f);
    assert_int_equal(hear_null(&s, &to, &report).bounces, 0);
    assert_int_equal(number(&s, "SELECT count(*) FROM events"), 1);
    fixture_free(s.f);
}

static void test_BN02_BN20_the_token_alone_says_who_is_meant(void **state) {
    (void)state;
    struct scene s = scene_new();
    struct report_recipient other = no_such_user;
    other.final_address = STR("victim@example.org");
    other.original_address = STR("victim@example.org");
    struct hear_address to = bounce_to(&s, 0);
    struct report report = dsn(&other, 1);
    assert_int_equal(hear_null(&s, &to, &report).bounces, 1);
    assert_str(event_of(&s, 0).recipient, "b@example.net");
    assert_int_equal(number(&s, "SELECT count(*) FROM suppressions WHERE address = 'victim@example.org'"), 0);
    assert_untouched(&s, 1);
    fixture_free(s.f);
}

/* Who is named wins over others; what is not named failed for the first who did. */
static void test_a_report_on_many_is_read_for_ours(void **state) {
    (void)state;
    struct report_recipient groups[2] = {no_such_user, no_such_user};
    groups[0].final_address = STR("x@example.org");
    groups[1].action = REPORT_DELIVERED;
    struct report report = dsn(groups, 2);
    struct scene s = scene_new();
    struct hear_address to = bounce_to(&s, 0);
    assert_int_equal(hear_null(&s, &to, &report).bounces, 0);
    groups[1].final_address = STR("y@example.org"); /* he sent it on to two others */
    struct heard heard = hear_null(&s, &to, &report);
    assert_int_equal(heard.bounces, 1);
    assert_int_equal(heard.suppressions, 0); /* the other one may read it */
    fixture_free(s.f);
}

static void test_BN04_BN09_what_is_no_proof_suppresses_nobody(void **state) {
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct scene s = scene_new();
        struct hear_address to = bounce_to(&s, 0);
        struct report report = dsn(&no_such_user, i == 3 ? 0 : 1);
        if (i == 1) report.is_standard = false;
        if (i >= 2) report.kind = REPORT_BOUNCE;
        struct heard heard = hear_from(&s, i == 0 ? STR("mailer-daemon@example.net") : STR(""), &to, &report);
        assert_int_equal(heard.bounces, 1);
        assert_int_equal(heard.suppressions, 0);
        assert_int_equal(row(&s, 0).state, RECIPIENT_BOUNCED);
        assert_holds(event_of(&s, 0).detail, i >= 2 ? "\"Source\":\"text\"" : "\"Source\":\"dsn\"");
        assert_int_equal(number(&s, "SELECT count(*) FROM suppressions"), 0);
        fixture_free(s.f);
    }
}

static void test_BN05_BN10_what_is_no_failure_changes_nothing(void **state) {
    (void)state;
    struct scene s = scene_new();
    struct hear_address to = bounce_to(&s, 0);
    struct report_recipient r = no_such_user;
    struct report report = dsn(&r, 1);
    static const enum report_action actions[] = {REPORT_DELAYED, REPORT_DELIVERED, REPORT_RELAYED, REPORT_EXPANDED};
    for (size_t i = 0; i < 4; i++) {
        r.action = actions[i];
        assert_int_equal(hear_null(&s, &to, &report).bounces, 0);
    }
    r.action = REPORT_ACTION_NONE;
    r.status = STR("4.1.1");
    assert_int_equal(hear_null(&s, &to, &report).bounces, 0);
    report = dsn(NULL, 0);
    assert_int_equal(hear_null(&s, &to, &report).bounces, 0);
    static const enum report_kind kinds[] = {REPORT_NONE, REPORT_AUTO_REPLY, REPORT_CHALLENGE};
    for (size_t i = 0; i < 3; i++) {
        report = (struct report){.kind = kinds[i]};
        assert_int_equal(hear_null(&s, &to, &report).bounces, 0);
    }
    assert_untouched(&s, 0);
    fixture_free(s.f);
}

/* BN25: soft ones by the thousand, for as many messages as one likes. */
static void test_BN06_BN25_soft_bounces_suppress_nobody(void **state) {
    (void)state;
    struct scene s = scene_new();
    static const struct report_recipient soft[] = {
        {REPORT_FAILED, STR_INIT("5.2.2"), .diagnostic = STR_INIT("552 5.2.2 mailbox full"), .code = 552,
         .enhanced = STR_INIT("5.2.2")},
        {REPORT_FAILED, STR_INIT("4.4.7"), .diagnostic = STR_INIT("delivery time expired")},
        {REPORT_FAILED, STR_INIT("5.7.1"), .diagnostic = STR_INIT("554 5.7.1 rejected as spam"), .code = 554,
         .enhanced = STR_INIT("5.7.1")},
        {REPORT_FAILED, STR_INIT("4.1.1"), .diagnostic = STR_INIT("450 4.1.1 No such user"), .code = 450,
         .enhanced = STR_INIT("4.1.1")},
    };
    for (size_t i = 0; i < 1000; i++) {
        struct report report = dsn(&soft[i % 4], 1);
        s.recipient[0] = add_delivered(s.f, s.message[0], s.account[0]);
        struct hear_address to = bounce_to(&s, 0);
        struct heard heard = hear_null(&s, &to, &report);
        assert_int_equal(heard.bounces, 1);
        assert_int_equal(row(&s, 0).state, RECIPIENT_BOUNCED);
    }
    assert_int_equal(number(&s, "SELECT count(*) FROM suppressions"), 0);
    assert_int_equal(number(&s, "SELECT count(*) FROM events"), 1000);
    fixture_free(s.f);
}

static void set_state(struct scene *s, enum recipient_state state) {
    struct stmt *stmt = db_stmt(s->f->db, "UPDATE recipients SET state = ?1");
    stmt_bind_int(stmt, 1, state);
    assert_ok(stmt_run(stmt));
}

static void test_BN21_order_is_the_state_machines(void **state) {
    (void)state;
    struct scene s = scene_new();
    struct hear_address to = bounce_to(&s, 0);
    struct report report = dsn(&no_such_user, 1);
    for (int i = 0; i < RECIPIENT_STATE_COUNT; i++) {
        if (i == RECIPIENT_DELIVERED) continue;
        set_state(&s, (enum recipient_state)i);
        struct heard heard = hear_null(&s, &to, &report);
        assert_int_equal(heard.is_early, i <= RECIPIENT_HELD);
        assert_int_equal(heard.bounces + heard.suppressions, 0);
        assert_int_equal(row(&s, 0).state, i);
    }
    set_state(&s, RECIPIENT_QUEUED);
    struct report_recipient late = no_such_user;
    late.action = REPORT_DELAYED;
    report = dsn(&late, 1);
    assert_false(hear_null(&s, &to, &report).is_early); /* of no interest, now or later */
    report = dsn(&no_such_user, 1);
    set_state(&s, RECIPIENT_DELIVERED);
    assert_ok(db_exec(s.f->db, "DELETE FROM domains"));
    assert_int_equal(hear_null(&s, &to, &report).bounces, 0);
    assert_ok(db_exec(s.f->db, "DELETE FROM messages"));
    assert_int_equal(hear_null(&s, &to, &report).bounces, 0);
    assert_int_equal(number(&s, "SELECT count(*) FROM events"), 0);
    fixture_free(s.f);
}

/* One of two comes too early: nothing is written for the other, so that the mail may come again. */
static void test_BN21_an_early_mail_writes_nothing(void **state) {
    (void)state;
    struct scene s = scene_new();
    struct report report = dsn(&no_such_user, 1);
    struct hear_address to[] = {address_of(&s, "postmaster@gateway.example"), bounce_to(&s, 1), bounce_to(&s, 0)};
    struct hear_mail mail = {.addresses = to, .address_count = 3, .report = &report, .content = STR("x"), .now = NOW};
    struct heard heard;
    struct stmt *stmt = db_stmt(s.f->db, "UPDATE recipients SET state = 1 WHERE id = ?1");
    stmt_bind_int(stmt, 1, s.recipient[0]);
    assert_ok(stmt_run(stmt));
    assert_ok(hear(s.f->db, &place, &mail, desk_of(s.f), &heard));
    assert_true(heard.is_early);
    assert_untouched(&s, 1);
    assert_int_equal(number(&s, "SELECT count(*) FROM inbox"), 0);
    set_state(&s, RECIPIENT_DELIVERED);
    assert_ok(hear(s.f->db, &place, &mail, desk_of(s.f), &heard));
    assert_int_equal(heard.bounces, 2);
    assert_int_equal(heard.kept, 1);
    fixture_free(s.f);
}

/* ---- addresses ---- */
static enum status check(struct scene *s, struct str mailbox, int64_t now) {
    struct hear_address a;
    if (!hear_address_parse(&key, mailbox, &a)) return STATUS_INVALID;
    return hear_address_check(s->f->db, &place, &a, now);
}

static void test_BN15_names(void **state) {
    (void)state;
    struct scene s = scene_new();
    static const struct {
        const char *mailbox;
        enum status status;
    } cases[] = {
        {"Postmaster", STATUS_OK},
        {"postmaster@gateway.example", STATUS_OK},
        {"POSTMASTER@MAIL.A.EXAMPLE", STATUS_OK},
        {"abuse@mail.b.example", STATUS_OK},
        {"fbl@gateway.example", STATUS_OK},
        {"complaints@mail.a.example", STATUS_OK},
        {"abuse", STATUS_INVALID},
        {"postmaster@", STATUS_OK}, /* no host: as without one; the command's parser takes none like it */
        {"postmaster@a.example", STATUS_NOT_FOUND},
        {"postmaster@www.a.example", STATUS_NOT_FOUND},
        {"postmaster@evil-mail.a.example", STATUS_NOT_FOUND}, /* BN17 */
        {"postmaster@mail.a.example.evil.example", STATUS_NOT_FOUND},
        {"postmaster@evil.mail.a.example", STATUS_NOT_FOUND},
        {"postmaster@localhost", STATUS_NOT_FOUND},
        {"postmaster@gateway.example.", STATUS_NOT_FOUND},
        {"a@mail.a.example", STATUS_INVALID},
        {"postmaster+x@mail.a.example", STATUS_INVALID},
        {"b+@mail.a.example", STATUS_INVALID},
        {"@mail.a.example", STATUS_INVALID},
        {"", STATUS_INVALID},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(check(&s, str_from_z(cases[i].mailbox), NOW), cases[i].status);
    fixture_free(s.f);
}

static void test_BN01_BN17_BN18_tokens(void **state) {
    (void)state;
    struct scene s = scene_new();
    static const char *const hosts[] = {"mail.a.example", "MAIL.a.Example", "gateway.example"};
    static const char *const wrong[] = {"mail.b.example",          "evil-mail.a.example",     "a.example",     "mail.a.example.",
                                        "mail.a.example.evil.net", "mail.evil.net.a.example", "mail-a.example"};
    struct hear_address ignored;
    BUF_AUTO forged = {0};
    for (int use = 0; use < RETURN_PATH_USE_COUNT; use++) {
        for (size_t i = 0; i < 3; i++) assert_ok(check(&s, token(&s, (enum return_path_use)use, s.recipient[0], hosts[i]), NOW));
        for (size_t i = 0; i < 7; i++)
            assert_int_equal(check(&s, token(&s, (enum return_path_use)use, s.recipient[0], wrong[i]), NOW), STATUS_NOT_FOUND);
        assert_int_equal(check(&s, token(&s, (enum return_path_use)use, 99999, hosts[0]), NOW), STATUS_NOT_FOUND);
        assert_int_equal(check(&s, token(&s, (enum return_path_use)use, s.recipient[0], ""), NOW), STATUS_INVALID);
    }
    return_path_make(&foreign_key, RETURN_PATH_BOUNCE, s.recipient[0], &forged);
    buf_add_z(&forged, "@mail.a.example");
    assert_false(hear_address_parse(&key, buf_str(&forged), &ignored));
    struct str upper = token(&s, RETURN_PATH_BOUNCE, s.recipient[0], hosts[0]);
    char *letters = arena_z(&s.f->arena, upper);
    for (size_t i = 0; i < upper.n; i++)
        if (letters[i] >= 'a' && letters[i] <= 'z') letters[i] = (char)(letters[i] - 'a' + 'A');
    assert_ok(check(&s, str_from_z(letters), NOW));
    fixture_free(s.f);
}

static void test_BN03_reports_have_their_time_and_leaving_has_not(void **state) {
    (void)state;
    struct scene s = scene_new();
    struct str b = token(&s, RETURN_PATH_BOUNCE, s.recipient[0], "mail.a.example");
    struct str u = token(&s, RETURN_PATH_UNSUBSCRIBE, s.recipient[0], "mail.a.example");
    assert_ok(check(&s, b, NOW + 90 * DAY));
    assert_int_equal(check(&s, b, NOW + 90 * DAY + 1), STATUS_NOT_FOUND);
    assert_ok(check(&s, u, NOW + 1000 * DAY));
    assert_ok(db_exec(s.f->db, "DELETE FROM domains WHERE name = 'a.example'"));
    assert_int_equal(check(&s, b, NOW), STATUS_NOT_FOUND); /* BN21 */
    assert_int_equal(check(&s, u, NOW), STATUS_NOT_FOUND);
    fixture_free(s.f);
}

/* Whoever asked for it at submission hears of what came home, once, in the same transaction; nobody else does (RFC 3461). */
static void test_P3_a_sender_who_asked_is_told(void **state) {
    (void)state;
    for (int notify = 0; notify <= 4; notify += 4) {
        struct scene s = scene_new();
        BUF_AUTO sql = {0};
        buf_addf(&sql, "UPDATE recipients SET dsn_notify = %d", notify);
        assert_ok(db_exec(s.f->db, sql.p));
        assert_ok(db_exec(s.f->db, "UPDATE messages SET envelope_from = 'ann@a.example'"));
        struct hear_address to = bounce_to(&s, 0);
        struct report report = dsn(&no_such_user, 1);
        assert_int_equal(hear_null(&s, &to, &report).bounces, 1);
        assert_int_equal(desk.count, notify ? 1 : 0);
        if (notify) {
            assert_str(desk.entries[0].domain, "a.example");
            assert_int_equal(desk.entries[0].account_id, s.account[0]);
            assert_int_equal(desk.entries[0].priority, PRIORITY_TRANSACTIONAL);
        }
        assert_int_equal(hear_null(&s, &to, &report).bounces, 0);
        assert_int_equal(desk.count, 0);
        assert_int_equal(number(&s, "SELECT count(*) FROM messages WHERE is_report = 1 AND envelope_from = '' AND "
                                    "sender = 'mailer-daemon@mail.a.example'"),
                         notify ? 1 : 0);
        fixture_free(s.f);
    }
}

/* ---- complaints ---- */
static struct report arf(enum report_feedback type, struct str original) {
    return (struct report){.kind = REPORT_COMPLAINT,
                           .is_standard = true,
                           .format = STR("rfc5965"),
                           .complaint = {.type = type, .user_agent = STR("Feedback/1.0"), .rcpt_to = STR("victim@example.org")},
                           .original_header = original};
}

static struct str header_with(struct scene *s, const char *name, struct str mailbox) {
    return arena_strf(&s->f->arena, "From line that is no field\nReceived: from x\r\n by y\r\n%s%.*s>\r\nSubject: b\r\n", name,
                      STR_ARG(mailbox));
}

static void test_BN12_a_complaint_to_the_return_path(void **state) {
    (void)state;
    struct scene s = scene_new();
    struct hear_address to = bounce_to(&s, 0);
    struct report report = arf(REPORT_ABUSE, STR(""));
    for (int i = 0; i < 100; i++) {
        struct heard heard = hear_from(&s, STR("fbl@provider.example"), &to, &report);
        assert_int_equal(heard.complaints, i == 0);
        assert_int_equal(heard.suppressions, i == 0);
    }
    assert_int_equal(row(&s, 0).state, RECIPIENT_DELIVERED);
    assert_int_equal(event_of(&s, 0).type, EVENT_COMPLAINT);
    assert_holds(event_of(&s, 0).detail, "\"Complaint\":{\"Type\":\"abuse\",\"Reporter\":\"Feedback/1.0\"}");
    assert_int_equal(number(&s, "SELECT count(*) FROM suppressions WHERE source = 3 AND address = 'b@example.net'"), 1);
    assert_int_equal(number(&s, "SELECT count(*) FROM events WHERE is_first = 1"), 1);
    assert_untouched(&s, 1);
    fixture_free(s.f);
}

static void test_BN11_BN12_the_original_vouches(void **state) {
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct scene s = scene_new();
        struct hear_address to = address_of(&s, i % 2 ? "fbl@gateway.example" : "complaints@mail.b.example");
        enum return_path_use use = i < 2 ? RETURN_PATH_BOUNCE : RETURN_PATH_UNSUBSCRIBE;
        const char *field = i < 2 ? "Return-Path: <" : "List-Unsubscribe: <https://x.example/u>,\r\n <MAILTO:";
        struct str mailbox = token(&s, use, s.recipient[0], "mail.a.example");
        if (i == 3) mailbox = arena_strf(&s.f->arena, "%.*s?subject=leave", STR_ARG(mailbox));
        struct report report = arf(i ? REPORT_FRAUD : REPORT_ABUSE, header_with(&s, field, mailbox));
        struct heard heard = hear_from(&s, STR("fbl@provider.example"), &to, &report);
        assert_int_equal(heard.complaints, 1);
        assert_int_equal(heard.suppressions, 1);
        assert_untouched(&s, 1);
        fixture_free(s.f);
    }
}

/* No token, a forged one, one in the wrong field, under another's host, in the body: told to nobody. */
static void test_BN11_BN23_what_does_not_vouch(void **state) {
    (void)state;
    struct scene s = scene_new();
    BUF_AUTO forged = {0};
    return_path_make(&foreign_key, RETURN_PATH_BOUNCE, s.recipient[0], &forged);
    buf_add_z(&forged, "@mail.a.example");
    struct str right = token(&s, RETURN_PATH_BOUNCE, s.recipient[0], "mail.a.example");
    const struct str originals[] = {
        STR(""),
        STR("Subject: x\r\n"),
        header_with(&s, "Return-Path: <", buf_str(&forged)),
        header_with(&s, "Return-Path: <", token(&s, RETURN_PATH_BOUNCE, s.recipient[0], "mail.b.example")),
        header_with(&s, "To: <", right),
        header_with(&s, "X-Return-Path: <", right),
        header_with(&s, "Subject: x\r\n\r\nReturn-Path: <", right),
    };
    static const char *const mailboxes[] = {"complaints@gateway.example", "fbl@mail.a.example"};
    for (size_t i = 0; i < sizeof originals / sizeof originals[0]; i++) {
        for (size_t k = 0; k < 2; k++) {
            struct hear_address to = address_of(&s, mailboxes[k]);
            struct report report = arf(REPORT_ABUSE, originals[i]);
            struct heard heard = hear_null(&s, &to, &report);
            assert_int_equal(heard.complaints + heard.suppressions + heard.kept, 0);
        }
    }
    assert_untouched(&s, 0);
    fixture_free(s.f);
}

/* The envelope's token wins over all that is said inside; of several inside the first counts. */
static void test_TN08_BN23_one_token_one_account(void **state) {
    (void)state;
    struct scene s = scene_new();
    struct hear_address to = bounce_to(&s, 0);
    struct str theirs = token(&s, RETURN_PATH_BOUNCE, s.recipient[1], "mail.b.example");
    struct report report = arf(REPORT_ABUSE, header_with(&s, "Return-Path: <", theirs));
    assert_int_equal(hear_null(&s, &to, &report).complaints, 1);
    assert_untouched(&s, 1);
    struct hear_address fbl = address_of(&s, "fbl@gateway.example");
    struct str both = arena_strf(&s.f->arena, "Return-Path: <%.*s>\r\nReturn-Path: <%.*s>\r\n",
                                 STR_ARG(token(&s, RETURN_PATH_BOUNCE, s.recipient[0], "mail.a.example")), STR_ARG(theirs));
    report = arf(REPORT_ABUSE, both);
    assert_int_equal(hear_null(&s, &fbl, &report).complaints, 0); /* the first one's: it was heard */
    assert_untouched(&s, 1);
    fixture_free(s.f);
}

static void test_BN13_other_words_change_nothing(void **state) {
    (void)state;
    struct scene s = scene_new();
    struct hear_address to = bounce_to(&s, 0);
    static const enum report_feedback types[] = {REPORT_FEEDBACK_NONE, REPORT_VIRUS, REPORT_NOT_SPAM, REPORT_AUTH_FAILURE,
                                                 REPORT_OTHER};
    for (size_t i = 0; i < 5; i++) {
        struct report report = arf(types[i], STR(""));
        struct heard heard = hear_null(&s, &to, &report);
        assert_int_equal(heard.complaints + heard.suppressions, 0);
    }
    assert_untouched(&s, 0);
    struct report report = arf(REPORT_ABUSE, STR("")); /* read out of words: heard, but no proof */
    report.is_standard = false;
    struct heard heard = hear_null(&s, &to, &report);
    assert_int_equal(heard.complaints, 1);
    assert_int_equal(heard.suppressions, 0);
    fixture_free(s.f);
}

/* ---- those who leave ---- */
static struct hear_address unsubscribe_to(struct scene *s) {
    struct hear_address a;
    assert_true(hear_address_parse(&key, token(s, RETURN_PATH_UNSUBSCRIBE, s->recipient[0], "mail.a.example"), &a));
    return a;
}

static void test_unsubscribe_once(void **state) {
    (void)state;
    struct scene s = scene_new();
    struct hear_address to = unsubscribe_to(&s);
    struct report report = {.kind = REPORT_NONE};
    for (int i = 0; i < 3; i++) {
        struct heard heard = hear_from(&s, STR("b@example.net"), &to, &report);
        assert_int_equal(heard.unsubscribes, i == 0);
        assert_int_equal(heard.suppressions, i == 0);
    }
    assert_int_equal(event_of(&s, 0).type, EVENT_UNSUBSCRIBE);
    assert_int_equal(number(&s, "SELECT count(*) FROM suppressions WHERE source = 5 AND list_id = 0"), 1);
    assert_untouched(&s, 1);
    fixture_free(s.f);
}

/* Who refused a tag on the page and then writes means more than the tag; that mail again says nothing. */
static void test_unsubscribe_after_a_tag(void **state) {
    (void)state;
    struct scene s = scene_new();
    struct hear_address to = unsubscribe_to(&s);
    struct report report = {.kind = REPORT_NONE};
    struct event event = {.at = NOW,
                          .type = EVENT_UNSUBSCRIBE,
                          .account_id = s.account[0],
                          .domain_id = s.domain[0],
                          .message_id = s.message[0],
                          .recipient_id = s.recipient[0],
                          .recipient = STR("b@example.net"),
                          .detail = STR("{\"Source\":\"page\",\"Tag\":\"news\"}")};
    int64_t id;
    assert_ok(event_record(s.f->db, &event, &id));
    for (int i = 0; i < 3; i++) {
        struct heard heard = hear_from(&s, STR("b@example.net"), &to, &report);
        assert_int_equal(heard.unsubscribes, i == 0);
        assert_int_equal(heard.suppressions, i == 0);
    }
    assert_int_equal(number(&s, "SELECT count(*) FROM suppressions WHERE source = 5 AND list_id = 0"), 1);
    assert_int_equal(number(&s, "SELECT count(*) FROM events WHERE type = 9"), 2);
    fixture_free(s.f);
}

/* A report to that address is no bounce: one purpose's token is not good for the other's. */
static void test_unsubscribe_address_hears_no_bounce(void **state) {
    (void)state;
    struct scene s = scene_new();
    struct hear_address to = unsubscribe_to(&s);
    struct report report = dsn(&no_such_user, 1);
    assert_int_equal(hear_null(&s, &to, &report).bounces, 0);
    assert_int_equal(row(&s, 0).state, RECIPIENT_DELIVERED);
    fixture_free(s.f);
}

static int64_t add_subscriber(struct scene *s, int64_t list, const char *email) {
    struct subscriber who = {.list_id = list,
                             .email = str_from_z(email),
                             .email_key = arena_lower(&s->f->arena, str_from_z(email)),
                             .fields = STR("{}")};
    int64_t id;
    assert_ok(subscriber_add(s->f->db, &who, &id));
    return id;
}

/* A list's message: that list is left, not the account; the subscriber says why he is written to no more. */
static void test_a_list_is_left(void **state) {
    (void)state;
    static const struct {
        enum subscriber_status status;
        const char *suppressions;
    } ways[] = {{SUBSCRIBER_UNSUBSCRIBED, "SELECT count(*) FROM suppressions WHERE source = 5 AND list_id > 0"},
                {SUBSCRIBER_BOUNCED, "SELECT count(*) FROM suppressions WHERE source = 4 AND list_id = 0"},
                {SUBSCRIBER_COMPLAINED, "SELECT count(*) FROM suppressions WHERE source = 3 AND list_id = 0"}};
    for (size_t i = 0; i < 3; i++) {
        struct scene s = scene_new();
        struct mailing_list list = {.account_id = s.account[0], .name = STR("news")};
        struct mailing_list foreign = {.account_id = s.account[1], .name = STR("news")};
        int64_t list_id, foreign_id;
        struct subscriber who;
        assert_ok(mailing_list_add(s.f->db, &list, &list_id));
        assert_ok(mailing_list_add(s.f->db, &foreign, &foreign_id));
        int64_t id = add_subscriber(&s, list_id, "B@example.net"), other = add_subscriber(&s, foreign_id, "b@example.net");
        struct stmt *stmt = db_stmt(s.f->db, "UPDATE messages SET metadata = ?1 WHERE id = ?2");
        struct str labels = arena_strf(&s.f->arena, "{\"ListID\":\"%lld\"}", (long long)list_id);
        stmt_bind_text(stmt, 1, labels);
        stmt_bind_int(stmt, 2, s.message[0]);
        assert_ok(stmt_run(stmt));
        struct hear_address to = i ? bounce_to(&s, 0) : unsubscribe_to(&s);
        struct report report = i == 1 ? dsn(&no_such_user, 1) : arf(REPORT_ABUSE, STR(""));
        assert_int_equal(hear_null(&s, &to, &report).suppressions, 1);
        assert_ok(subscriber_get(s.f->db, &s.f->arena, s.account[0], list_id, id, &who));
        assert_int_equal(who.status, ways[i].status);
        assert_ok(subscriber_get(s.f->db, &s.f->arena, s.account[1], foreign_id, other, &who));
        assert_int_equal(who.status, SUBSCRIBER_ACTIVE);
        assert_int_equal(number(&s, ways[i].suppressions), 1);
        fixture_free(s.f);
    }
}

/* ---- the operator's ---- */
static void test_mail_for_the_operator_is_kept(void **state) {
    (void)state;
    struct scene s = scene_new();
    static const char *const mailboxes[] = {"Postmaster", "abuse@mail.a.example"};
    struct str forged_owner = token(&s, RETURN_PATH_BOUNCE, s.recipient[0], "mail.a.example");
    for (size_t i = 0; i < 2; i++) {
        struct hear_address to = address_of(&s, mailboxes[i]);
        struct report report = {.kind = REPORT_NONE};
        assert_int_equal(hear_from(&s, forged_owner, &to, &report).kept, 1);
    }
    /* a complaint that nobody vouches for is for people's eyes */
    struct hear_address abuse = address_of(&s, "abuse@gateway.example");
    struct report report = arf(REPORT_ABUSE, STR(""));
    assert_int_equal(hear_null(&s, &abuse, &report).kept, 1);
    report = arf(REPORT_ABUSE, header_with(&s, "Return-Path: <", forged_owner));
    struct heard heard = hear_null(&s, &abuse, &report);
    assert_int_equal(heard.kept, 0);
    assert_int_equal(heard.complaints, 1);
    assert_int_equal(number(&s, "SELECT count(*) FROM inbox"), 3);
    assert_int_equal(number(&s, "SELECT count(*) FROM inbox WHERE account_id = 0 AND domain_id = 0"), 3); /* P6 */
    fixture_free(s.f);
}

static void test_P8_mail_for_many_names_is_kept_once(void **state) {
    (void)state;
    struct scene s = scene_new();
    const struct hear_address to[] = {address_of(&s, "postmaster@gateway.example"), address_of(&s, "PostMaster@gateway.example"),
                                      bounce_to(&s, 0), address_of(&s, "abuse@mail.b.example")};
    struct report report = {.kind = REPORT_NONE};
    struct hear_mail mail = {.addresses = to, .address_count = 4, .report = &report, .content = STR("\r\nx\r\n"), .now = NOW};
    struct heard heard;
    assert_ok(hear(s.f->db, &place, &mail, desk_of(s.f), &heard));
    assert_int_equal(heard.kept, 1);
    assert_int_equal(number(&s, "SELECT count(*) FROM inbox WHERE recipients = "
                                "'[\"postmaster@gateway.example\",\"PostMaster@gateway.example\",\"abuse@mail.b.example\"]'"),
                     1);
    fixture_free(s.f);
}

static int open_rules(void **state) {
    (void)state;
    BUF_AUTO why = {0};
    return bounce_book_new(STR(""), &place.bounces, &why) == STATUS_OK ? 0 : -1;
}

static int close_rules(void **state) {
    (void)state;
    bounce_book_free(&place.bounces);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_P3_a_sender_who_asked_is_told),
        cmocka_unit_test(test_P3_a_bounce_is_state_event_and_suppression),
        cmocka_unit_test(test_BN03_a_thousand_repetitions_change_nothing),
        cmocka_unit_test(test_BN24_a_lost_transaction_is_made_up_for_once),
        cmocka_unit_test(test_BN02_BN20_the_token_alone_says_who_is_meant),
        cmocka_unit_test(test_a_report_on_many_is_read_for_ours),
        cmocka_unit_test(test_BN04_BN09_what_is_no_proof_suppresses_nobody),
        cmocka_unit_test(test_BN05_BN10_what_is_no_failure_changes_nothing),
        cmocka_unit_test(test_BN06_BN25_soft_bounces_suppress_nobody),
        cmocka_unit_test(test_BN21_order_is_the_state_machines),
        cmocka_unit_test(test_BN21_an_early_mail_writes_nothing),
        cmocka_unit_test(test_BN15_names),
        cmocka_unit_test(test_BN01_BN17_BN18_tokens),
        cmocka_unit_test(test_BN03_reports_have_their_time_and_leaving_has_not),
        cmocka_unit_test(test_BN12_a_complaint_to_the_return_path),
        cmocka_unit_test(test_BN11_BN12_the_original_vouches),
        cmocka_unit_test(test_BN11_BN23_what_does_not_vouch),
        cmocka_unit_test(test_TN08_BN23_one_token_one_account),
        cmocka_unit_test(test_BN13_other_words_change_nothing),
        cmocka_unit_test(test_unsubscribe_once),
        cmocka_unit_test(test_unsubscribe_after_a_tag),
        cmocka_unit_test(test_unsubscribe_address_hears_no_bounce),
        cmocka_unit_test(test_a_list_is_left),
        cmocka_unit_test(test_mail_for_the_operator_is_kept),
        cmocka_unit_test(test_P8_mail_for_many_names_is_kept_once),
    };
    return cmocka_run_group_tests(tests, open_rules, close_rules);
}
