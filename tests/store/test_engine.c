/* test_engine.c - the SQL seam itself, alike on both engines.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

static const char insert[] = "INSERT INTO thing (id, word, bytes) VALUES (?1, ?2, ?3)";
static const char by_id[] = "SELECT id, word, bytes FROM thing WHERE id = ?1";

static struct fixture *with_table(void) {
    struct fixture *f = fixture_empty();
    f->db = fixture_connect(f, false);
    assert_ok(db_exec(f->db, fixture_is_sqlite(f) ? "CREATE TABLE thing (id BIGINT PRIMARY KEY, word TEXT, bytes BLOB)"
                                                  : "CREATE TABLE thing (id BIGINT PRIMARY KEY, word TEXT, bytes BYTEA)"));
    assert_ok(db_begin(f->db));
    return f;
}

static enum status add(struct db *db, int64_t id, struct str word, struct str bytes) {
    struct stmt *s = db_stmt(db, insert);
    stmt_bind_int(s, 1, id);
    stmt_bind_text(s, 2, word);
    stmt_bind_blob(s, 3, bytes);
    return stmt_run(s);
}

static struct stmt *find(struct db *db, int64_t id) {
    struct stmt *s = db_stmt(db, by_id);
    stmt_bind_int(s, 1, id);
    assert_int_equal(stmt_step(s), STATUS_ROW);
    return s;
}

static void test_values_come_back(void **state) {
    (void)state;
    struct fixture *f = with_table();
    assert_ok(add(f->db, INT64_MAX, TEXT("gr\xc3\xbc\xc3\x9f"), TEXT("\0\xff\0")));
    assert_ok(add(f->db, INT64_MIN, (struct str){NULL, 0}, (struct str){NULL, 0}));
    struct stmt *s = find(f->db, INT64_MAX);
    assert_int_equal(stmt_int(s, 0), INT64_MAX);
    assert_str(stmt_text(s, 1), "gr\xc3\xbc\xc3\x9f");
    assert_str(stmt_blob(s, 2), "\0\xff\0");
    assert_ok(stmt_step(s));
    s = find(f->db, INT64_MIN);
    assert_int_equal(stmt_int(s, 0), INT64_MIN);
    assert_false(stmt_is_null(s, 1)); /* empty is not NULL */
    assert_false(stmt_is_null(s, 2));
    assert_int_equal(stmt_text(s, 1).n, 0);
    fixture_free(f);
}

static void test_null(void **state) {
    (void)state;
    struct fixture *f = with_table();
    struct stmt *s = db_stmt(f->db, insert);
    stmt_bind_int(s, 1, 1);
    stmt_bind_null(s, 2);
    stmt_bind_null(s, 3);
    assert_ok(stmt_run(s));
    assert_ok(add(f->db, 2, TEXT("later a text"), TEXT("\1")));
    s = find(f->db, 1);
    assert_true(stmt_is_null(s, 1) && stmt_is_null(s, 2));
    assert_int_equal(stmt_text(s, 1).n, 0);
    s = find(f->db, 2);
    assert_str(stmt_text(s, 1), "later a text");
    assert_str(stmt_blob(s, 2), "\1");
    fixture_free(f);
}

static void test_changes(void **state) {
    (void)state;
    struct fixture *f = with_table();
    int64_t start = db_total_changes(f->db);
    assert_ok(add(f->db, 1, TEXT("a"), TEXT("")));
    assert_ok(add(f->db, 2, TEXT("b"), TEXT("")));
    assert_int_equal(db_changes(f->db), 1);
    struct stmt *s = db_stmt(f->db, "UPDATE thing SET word = ?1");
    stmt_bind_text(s, 1, TEXT("c"));
    assert_ok(stmt_run(s));
    assert_int_equal(db_changes(f->db), 2);
    find(f->db, 1);
    assert_int_equal(db_changes(f->db), 2); /* looking changes nothing */
    assert_int_equal(db_total_changes(f->db) - start, 4);
    s = db_stmt(f->db, "DELETE FROM thing WHERE id = ?1");
    stmt_bind_int(s, 1, 99);
    assert_ok(stmt_run(s));
    assert_int_equal(db_changes(f->db), 0);
    fixture_free(f);
}

static enum status insert_word(struct db *db, const char *sql, struct str word, int64_t *ret_id) {
    struct stmt *s = db_stmt(db, sql);
    stmt_bind_text(s, 1, word);
    return stmt_insert(s, ret_id);
}

static void test_insert_gives_the_id(void **state) {
    (void)state;
    static const char once[] = "INSERT INTO account_groups (name) VALUES (?1) ON CONFLICT DO NOTHING";
    static const char plain[] = "INSERT INTO account_groups (name) VALUES (?1)";
    struct fixture *f = fixture_new();
    int64_t first = 0, second = 0, untouched = -7;
    assert_ok(insert_word(f->db, once, TEXT("a"), &first));
    assert_int_equal(insert_word(f->db, once, TEXT("a"), &untouched), STATUS_EXISTS);
    assert_int_equal(untouched, -7);
    assert_ok(db_broken(f->db));
    assert_ok(insert_word(f->db, once, TEXT("b"), &second));
    assert_true(first > 0 && second > first);
    assert_int_equal(db_changes(f->db), 1);
    assert_int_equal(insert_word(f->db, plain, TEXT("b"), &untouched), STATUS_EXISTS);
    assert_int_equal(untouched, -7);
    assert_int_equal(db_broken(f->db), STATUS_EXISTS);
    fixture_free(f);
}

static void test_unique_breaks_and_rolls_back(void **state) {
    (void)state;
    struct fixture *f = with_table();
    assert_ok(add(f->db, 1, TEXT("a"), TEXT("")));
    assert_int_equal(add(f->db, 1, TEXT("b"), TEXT("")), STATUS_EXISTS);
    assert_int_equal(add(f->db, 2, TEXT("c"), TEXT("")), STATUS_EXISTS); /* broken */
    assert_int_equal(db_exec(f->db, "DELETE FROM thing"), STATUS_EXISTS);
    assert_int_equal(db_commit(f->db), STATUS_EXISTS);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM thing"), 0);
    assert_ok(db_begin(f->db));
    assert_ok(add(f->db, 1, TEXT("a"), TEXT("")));
    fixture_commit(f);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM thing"), 1);
    fixture_free(f);
}

static void test_bad_sql_is_an_error_each_time(void **state) {
    (void)state;
    static const char bad[] = "SELECT nonsense FROM nowhere";
    struct fixture *f = with_table();
    for (int i = 0; i < 2; i++) {
        assert_int_equal(stmt_step(db_stmt(f->db, bad)), STATUS_IO);
        db_rollback(f->db);
        assert_ok(db_begin(f->db));
    }
    assert_ok(add(f->db, 1, TEXT("a"), TEXT("")));
    fixture_free(f);
}

/* Several at once, of one text too, and more parameters than statements usually have. */
static void test_statements_made_at_run_time(void **state) {
    (void)state;
    struct fixture *f = with_table();
    BUF_AUTO sql = {0};
    buf_add_z(&sql, "SELECT ");
    for (int i = 1; i <= DB_PARAMS_MAX; i++) buf_addf(&sql, "%s?%d", i == 1 ? "" : " + ", i);
    for (int round = 0; round < 3; round++) {
        struct stmt *a = db_stmt_once(f->db, buf_str(&sql)), *b = db_stmt_once(f->db, buf_str(&sql));
        struct stmt *c = db_stmt_once(f->db, str_sub(buf_str(&sql), 0, STR("SELECT ?1").n)); /* a part of a longer text */
        for (int i = 1; i <= DB_PARAMS_MAX; i++) {
            stmt_bind_int(a, i, 1);
            stmt_bind_int(b, i, 2);
        }
        stmt_bind_int(c, 1, 7);
        assert_int_equal(stmt_step(a), STATUS_ROW);
        assert_int_equal(stmt_step(b), STATUS_ROW);
        assert_int_equal(stmt_step(c), STATUS_ROW);
        assert_int_equal(stmt_int(a, 0), DB_PARAMS_MAX);
        assert_int_equal(stmt_int(b, 0), 2 * DB_PARAMS_MAX);
        assert_int_equal(stmt_int(c, 0), 7);
        assert_ok(stmt_step(a));
        assert_int_equal(stmt_step(a), STATUS_ROW); /* again from the start */
        assert_int_equal(stmt_int(a, 0), DB_PARAMS_MAX);
        if (round == 1) db_rollback(f->db);
        if (round == 1)
            assert_ok(db_begin(f->db));
        else
            fixture_commit(f);
    }
    fixture_free(f);
}

static void test_commit_ends_running_statements(void **state) {
    (void)state;
    struct fixture *f = with_table();
    assert_ok(add(f->db, 1, TEXT("a"), TEXT("")));
    assert_ok(add(f->db, 2, TEXT("b"), TEXT("")));
    struct stmt *s = db_stmt(f->db, "UPDATE thing SET word = ?1 RETURNING id");
    stmt_bind_text(s, 1, TEXT("z"));
    assert_int_equal(stmt_step(s), STATUS_ROW); /* and not to the end */
    fixture_commit(f);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM thing WHERE word = 'z'"), 2);
    fixture_free(f);
}

static void test_rollback_undoes(void **state) {
    (void)state;
    struct fixture *f = with_table();
    assert_ok(add(f->db, 1, TEXT("a"), TEXT("")));
    db_rollback(f->db);
    db_rollback(f->db);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM thing"), 0);
    assert_ok(db_begin(f->db));
    fixture_free(f);
}

/* What a transaction gathers. */
struct gathered {
    struct db_late late; /* first */
    const char *sql;     /* NULL: it cannot be written */
    int *freed;
};

static enum status gathered_write(struct db_late *late, struct db *db) {
    const char *sql = ((struct gathered *)(void *)late)->sql;
    return sql ? stmt_run(db_stmt(db, sql)) : STATUS_TEMPORARY;
}

static void gathered_free(struct db_late *late) {
    ++*((struct gathered *)(void *)late)->freed;
}

/* P3: what was gathered is written with the rest or not at all, and forgotten once, however the transaction ends. */
static void test_P3_late_writes_stand_with_the_others(void **state) {
    (void)state;
    struct fixture *f = with_table();
    int freed = 0;
    const struct db_late late = {.write = gathered_write, .free = gathered_free};
    struct gathered row = {late, "INSERT INTO thing (id, word) VALUES (7, 'late')", &freed}, lost = {late, NULL, &freed};
    assert_null(db_find_late(f->db, gathered_write));
    db_add_late(f->db, &row.late);
    assert_ptr_equal(db_find_late(f->db, gathered_write), &row.late);
    db_rollback(f->db);
    assert_int_equal(freed, 1);
    assert_ok(db_begin(f->db));
    assert_null(db_find_late(f->db, gathered_write));
    db_add_late(f->db, &row.late);
    db_add_late(f->db, &lost.late);
    assert_ok(add(f->db, 1, TEXT("a"), TEXT("")));
    assert_int_equal(db_commit(f->db), STATUS_TEMPORARY);
    assert_int_equal(freed, 3);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM thing"), 0);
    assert_ok(db_begin(f->db));
    db_add_late(f->db, &row.late);
    fixture_commit(f);
    assert_int_equal(freed, 4);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM thing"), 1);
    fixture_free(f);
}

static void test_checkpoint_waits_for_readers(void **state) {
    (void)state;
    struct fixture *f = with_table();
    assert_ok(add(f->db, 1, TEXT("a"), TEXT("")));
    assert_ok(db_commit(f->db));
    if (fixture_is_sqlite(f)) {
        struct db *reader = fixture_connect(f, true);
        assert_ok(db_begin(reader));
        find(reader, 1);
        assert_ok(db_begin(f->db));
        assert_ok(add(f->db, 2, TEXT("b"), TEXT("")));
        assert_ok(db_commit(f->db));
        assert_true(db_wal_bytes(f->db) > 0);
        assert_int_equal(db_checkpoint(f->db, 0), STATUS_TEMPORARY);
        assert_int_equal(db_checkpoint(f->db, 20), STATUS_TEMPORARY);
        assert_true(db_wal_bytes(f->db) > 0);
        db_close(&reader);
    }
    assert_ok(db_checkpoint(f->db, 20));
    assert_int_equal(db_wal_bytes(f->db), 0);
    fixture_free(f);
}

/* A primary that became a standby answers 25006; the next transaction asks for a server that takes writes. */
static void test_CR12_read_only_server_is_left(void **state) {
    (void)state;
    struct fixture *f = with_table();
    if (!fixture_is_sqlite(f)) {
        assert_ok(db_exec(f->db, "SET default_transaction_read_only = on"));
        fixture_commit(f);
        assert_int_equal(add(f->db, 1, TEXT("a"), TEXT("")), STATUS_TEMPORARY);
        db_rollback(f->db);
        assert_ok(db_begin(f->db));
        assert_ok(add(f->db, 1, TEXT("a"), TEXT("")));
        fixture_commit(f);
    }
    fixture_free(f);
}

/* A warning beside COMMIT: what a cancelled wait for the synchronous standby looks like. */
static void test_CR21_warned_commit_is_unknown(void **state) {
    (void)state;
    struct fixture *f = with_table();
    if (!fixture_is_sqlite(f)) {
        assert_ok(db_exec(f->db, "CREATE FUNCTION warn() RETURNS trigger LANGUAGE plpgsql AS "
                                 "$$ BEGIN RAISE WARNING 'canceling wait for synchronous replication'; RETURN NULL; END $$;"
                                 "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON thing DEFERRABLE INITIALLY DEFERRED "
                                 "FOR EACH ROW EXECUTE FUNCTION warn()"));
        assert_ok(add(f->db, 1, TEXT("a"), TEXT("")));
        assert_int_equal(db_commit(f->db), STATUS_UNKNOWN);
    }
    fixture_free(f);
}

int run_engine(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_come_back),
        cmocka_unit_test(test_null),
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_insert_gives_the_id),
        cmocka_unit_test(test_unique_breaks_and_rolls_back),
        cmocka_unit_test(test_bad_sql_is_an_error_each_time),
        cmocka_unit_test(test_statements_made_at_run_time),
        cmocka_unit_test(test_commit_ends_running_statements),
        cmocka_unit_test(test_rollback_undoes),
        cmocka_unit_test(test_P3_late_writes_stand_with_the_others),
        cmocka_unit_test(test_checkpoint_waits_for_readers),
        cmocka_unit_test(test_CR12_read_only_server_is_left),
        cmocka_unit_test(test_CR21_warned_commit_is_unknown),
    };
    return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
