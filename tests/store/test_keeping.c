/* What is kept, and for how long: contents as they are stored, retention, people who are to be forgotten.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "core/content.h"

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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contents_come_back_however_they_are_kept),
        cmocka_unit_test(test_what_ends_alike_is_kept_once_for_an_account),
        cmocka_unit_test(test_a_damaged_content_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
