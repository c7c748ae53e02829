/* test_messages.c - messages as their sender sees and decides about them, through core, on both engines (P1, P3, P6).
 * SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "core/messages.h"

#include <string.h>

struct scene {
    struct fixture *f;
    int64_t account, domain, other_account, other_domain;
};

static struct scene scene_new(void) {
    struct scene s = {.f = fixture_new()};
    (void)make_node(s.f->db);
    s.account = make_account(s.f->db, "a@example.com");
    s.domain = make_domain(s.f->db, s.account, "example.com");
    s.other_account = make_account(s.f->db, "b@example.org");
    s.other_domain = make_domain(s.f->db, s.other_account, "example.org");
    return s;
}

static int64_t add_message(struct scene *s, int64_t account, int64_t domain, int64_t at, struct str tags) {
    struct message m = {.uuid = id_make(at, rand_system()),
                        .account_id = account,
                        .domain_id = domain,
                        .created_at = at,
                        .expires_at = at + 1000,
                        .sender = STR("a@example.com"),
                        .subject = STR("s"),
                        .rfc_message_id = STR("x"),
                        .tags = tags,
                        .metadata = STR("{}")};
    int64_t id = 0;
    assert_ok(message_add(s->f->db, &m, &id));
    return id;
}

static int64_t add_recipient(struct scene *s, int64_t message, int64_t due_at, bool is_scheduled) {
    struct recipient r = {.message_id = message,
                          .account_id = s->account,
                          .address = STR("bob@there.example"),
                          .domain = STR("there.example"),
                          .state = is_scheduled ? RECIPIENT_SCHEDULED : RECIPIENT_QUEUED,
                          .due_at = due_at};
    struct node_epoch owner = {1, 1};
    int64_t id = 0;
    assert_ok(recipient_add(s->f->db, &r, &owner, &id));
    return id;
}

static struct message_items search(struct scene *s, const struct message_query *q) {
    struct message_items found = {.count = 0};
    assert_ok(message_search(s->f->db, &s->f->arena, q, &found));
    return found;
}

static struct message_query query_of(const struct scene *s) {
    return (struct message_query){.scope = {s->account, SCOPE_ANY}, .state = -1, .limit = 100, .now = NOW};
}

/* Rare matches in a long history: each page looks at so many messages and no more, and the walk ends. */
static void test_P8_a_page_is_bounded_whatever_it_looks_for(void **state) {
    (void)state;
    struct scene s = scene_new();
    int64_t oldest = add_message(&s, s.account, s.domain, NOW, STR("[]"));
    (void)add_recipient(&s, oldest, NOW, false);
    for (int i = 1; i <= 12000; i++) {
        (void)add_message(&s, s.account, s.domain, NOW + i * 1000, STR("[]"));
        if (i % 100 == 0) (void)add_message(&s, s.other_account, s.other_domain, NOW + i * 1000, STR("[]"));
    }
    struct message_query q = query_of(&s);
    q.recipient = STR("bob@there.example");
    for (int domains = 0; domains < 2; domains++) {
        q.scope.domain_id = domains ? s.domain : SCOPE_ANY;
        q.cursor = STR("");
        for (int page = 0; page < 3; page++) {
            struct message_items found = search(&s, &q);
            assert_int_equal(found.count, page == 2 ? 1 : 0);
            assert_int_equal(found.cursor.n, page == 2 ? 0 : ID_TEXT_LEN);
            q.cursor = found.cursor;
        }
    }
    q.cursor = STR(""); /* dates lead to the place at once, however far back */
    q.from_at = NOW - 5000;
    q.before_at = NOW + 5000;
    struct message_items found = search(&s, &q);
    assert_int_equal(found.count, 1);
    assert_int_equal(found.cursor.n, 0);
    q.recipient = STR("");
    assert_int_equal(search(&s, &q).count, 5);
    q.from_at = NOW + INT64_C(90000000);
    q.before_at = 0;
    assert_int_equal(search(&s, &q).count, 0);
    fixture_free(s.f);
}

static void test_P6_a_scope_finds_its_own(void **state) {
    (void)state;
    struct scene s = scene_new();
    int64_t id = add_message(&s, s.account, s.domain, NOW, STR("[\"a\",\"b%\"]"));
    struct message m, found;
    struct message_view view;
    assert_ok(message_get(s.f->db, &s.f->arena, id, &m));
    assert_ok(message_of(s.f->db, &s.f->arena, s.account, SCOPE_ANY, m.uuid, &found));
    assert_ok(message_of(s.f->db, &s.f->arena, s.account, s.domain, m.uuid, &found));
    const struct message_scope strangers[] = {
        {s.other_account, SCOPE_ANY}, {s.other_account, s.domain}, {s.account, s.other_domain}, {0, s.domain}, {0, SCOPE_ANY}};
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(message_show(s.f->db, &s.f->arena, &strangers[i], m.uuid, NOW, &view), STATUS_NOT_FOUND);
        struct message_query q = query_of(&s);
        q.scope = strangers[i];
        assert_int_equal(search(&s, &q).count, 0);
        char text[ID_TEXT_LEN + 1];
        id_format(m.uuid, text);
        q.cursor = str_from_z(text);
        struct message_items none;
        assert_int_equal(message_search(s.f->db, &s.f->arena, &q, &none), STATUS_INVALID); /* TN07 */
    }
    struct message_query q = query_of(&s);
    static const struct {
        struct str tag;
        size_t count;
    } tags[] = {{STR_INIT("a"), 1}, {STR_INIT("A"), 0}, {STR_INIT("b%"), 1}, {STR_INIT("%"), 0}, {STR_INIT("b"), 0}};
    for (size_t i = 0; i < 5; i++) {
        q.tag = tags[i].tag;
        assert_int_equal(search(&s, &q).count, tags[i].count);
    }
    fixture_free(s.f);
}

static int64_t in_state(struct scene *s, int64_t message, enum recipient_state state) {
    int64_t counts[RECIPIENT_STATE_COUNT];
    assert_ok(queue_count_states(s->f->db, message, NOW, counts));
    return counts[state];
}

static void test_P3_what_may_be_decided(void **state) {
    (void)state;
    struct scene s = scene_new();
    int64_t id = add_message(&s, s.account, s.domain, NOW - 10, STR("[]"));
    int64_t ahead = add_recipient(&s, id, NOW + 5000, true), flying = add_recipient(&s, id, NOW + 5000, true);
    (void)add_recipient(&s, id, NOW, true);
    (void)add_recipient(&s, id, NOW + 5000, false);
    struct message_choice choice = {id, {&flying, 1}, NOW};
    assert_int_equal(in_state(&s, id, RECIPIENT_SCHEDULED), 2);
    assert_int_equal(in_state(&s, id, RECIPIENT_QUEUED), 2); /* one of them by the clock */
    struct queue_entry_list moved;
    assert_ok(message_move(s.f->db, &s.f->arena, &choice, NOW + 9000, &moved));
    assert_int_equal(moved.count, 1);
    assert_int_equal(moved.items[0].recipient_id, ahead);
    assert_int_equal(moved.items[0].due_at, NOW + 9000);
    assert_int_equal(moved.items[0].expires_at, NOW + 4990);
    struct message m;
    assert_ok(message_get(s.f->db, &s.f->arena, id, &m));
    assert_int_equal(m.expires_at, NOW + 4990);
    int64_t count = 9;
    assert_ok(message_cancel(s.f->db, &choice, &count));
    assert_int_equal(count, 1);
    assert_int_equal(in_state(&s, id, RECIPIENT_CANCELLED), 1);
    assert_ok(message_cancel(s.f->db, &choice, &count));
    assert_int_equal(count, 0);
    struct message_timeline events;
    assert_ok(message_timeline(s.f->db, &s.f->arena, id, 10, &events));
    assert_int_equal(events.count, 1);
    assert_int_equal(events.items[0].recipient_id, ahead);
    fixture_free(s.f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_P8_a_page_is_bounded_whatever_it_looks_for),
        cmocka_unit_test(test_P6_a_scope_finds_its_own),
        cmocka_unit_test(test_P3_what_may_be_decided),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
