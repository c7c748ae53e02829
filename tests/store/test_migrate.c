/* test_migrate.c - schemas move forward whole or not at all (CR06, DB10).
 * SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "store/migrate.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct migration *first(const struct fixture *f) {
    return fixture_is_sqlite(f) ? migrations_sqlite : migrations_pgsql;
}

#define SECOND                                                                                                                   \
    "CREATE TABLE second (id BIGINT PRIMARY KEY, word TEXT NOT NULL);"                                                           \
    "INSERT INTO second VALUES (1, 'one');"                                                                                      \
    "ALTER TABLE accounts ADD COLUMN nickname TEXT NOT NULL DEFAULT '';"

static enum status migrate_with(struct fixture *f, const char *second, struct buf *why) {
    const struct migration history[] = {first(f)[0], {2, "second", second}};
    struct db *db = fixture_connect(f, false);
    enum status st = migrate(db, history, 2, why);
    db_close(&db);
    return st;
}

static int64_t version_of(struct fixture *f) {
    return fixture_number(f, "SELECT max(version) FROM schema_version");
}

static void add_hostile_account(struct fixture *f) {
    struct db *db = fixture_connect(f, false);
    assert_ok(db_begin(db));
    make_account(db, "o'hara\"; DROP TABLE accounts; --@x");
    assert_ok(db_commit(db));
    db_close(&db);
}

static void test_open_twice_changes_nothing(void **state) {
    (void)state;
    struct fixture *f = fixture_closed();
    add_hostile_account(f);
    BUF_AUTO why = {0};
    assert_ok(store_open(buf_str(&f->url), &why));
    assert_int_equal(version_of(f), 1);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM accounts"), 1);
    fixture_free(f);
}

static void test_newer_schema_is_refused(void **state) {
    (void)state;
    struct fixture *f = fixture_closed();
    BUF_AUTO why = {0};
    assert_ok(migrate_with(f, SECOND, &why));
    assert_int_equal(store_open(buf_str(&f->url), &why), STATUS_UNSUPPORTED);
    assert_true(str_find_str(buf_str(&why), TEXT("schema 2")) != STR_NONE);
    assert_int_equal(version_of(f), 2);
    fixture_free(f);
}

/* Nothing is released yet, so the first migration may still change: a database that an older one made says so at start. */
static void test_schema_of_another_build_is_refused(void **state) {
    (void)state;
    static const char *const names[] = {"start", "start 0123456789abcdef", "other"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct fixture *f = fixture_closed();
        struct db *db = fixture_connect(f, false);
        BUF_AUTO why = {0};
        BUF_AUTO sql = {0};
        buf_addf(&sql, "UPDATE schema_version SET name = '%s'", names[i]);
        assert_ok(db_exec(db, sql.p));
        db_close(&db);
        assert_int_equal(store_open(buf_str(&f->url), &why), STATUS_UNSUPPORTED);
        assert_true(str_find_str(buf_str(&why), TEXT("another build")) != STR_NONE);
        assert_int_equal(migrate_with(f, SECOND, &why), STATUS_UNSUPPORTED); /* nor is it built on */
        assert_int_equal(version_of(f), 1);
        fixture_free(f);
    }
}

static void test_DB10_upgrade_backs_up_the_small_tables(void **state) {
    (void)state;
    struct fixture *f = fixture_closed();
    BUF_AUTO why = {0};
    add_hostile_account(f);
    assert_ok(migrate_with(f, SECOND, &why));
    assert_int_equal(version_of(f), 2);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM backup_accounts WHERE email LIKE 'o''hara%'"), 1);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM accounts WHERE nickname = ''"), 1);
    assert_int_equal(fixture_number(f, "SELECT id FROM second"), 1);
    fixture_free(f);
}

/* The second migration, ending in an error behind each of its statements: all of it is undone, and the right one works. */
static void test_CR06_failure_after_each_statement(void **state) {
    (void)state;
    BUF_AUTO broken = {0};
    struct str rest = TEXT(SECOND), statement;
    while (str_next(&rest, ';', &statement)) {
        struct fixture *f = fixture_closed();
        BUF_AUTO why = {0};
        BUF_AUTO sql = {0};
        add_hostile_account(f);
        buf_addf(&sql, "%.*s SELECT nonsense FROM nowhere;", STR_ARG(buf_str(&broken)));
        assert_int_equal(migrate_with(f, sql.p, &why), STATUS_IO);
        assert_true(str_starts(buf_str(&why), TEXT("migration 2 (second): ")));
        assert_int_equal(version_of(f), 1);
        buf_reset(&why);
        assert_ok(migrate_with(f, SECOND, &why));
        assert_int_equal(fixture_number(f, "SELECT count(*) FROM second"), 1);
        fixture_free(f);
        buf_add_str(&broken, statement);
        buf_add_char(&broken, ';');
    }
}

/* The process dies behind each statement of the first migration, then starts again. */
static void die_after(struct fixture *f, const char *sql, size_t n) {
    pid_t child = fork();
    if (child == 0) {
        struct db *db = fixture_connect(f, false);
        BUF_AUTO part = {0};
        buf_add(&part, sql, n);
        if (db_begin(db) == STATUS_OK && db_exec(db, part.p) == STATUS_OK) _exit(0);
        _exit(1);
    }
    int status = 1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void test_CR06_killed_after_each_statement(void **state) {
    (void)state;
    struct fixture *probe = fixture_empty();
    struct str sql = str_from_z(first(probe)[0].sql);
    fixture_free(probe);
    int statements = 0;
    struct fixture *f = fixture_empty();
    for (size_t at = 0; at < sql.n; at++) {
        if (sql.p[at] != ';' || (at + 1 < sql.n && sql.p[at + 1] != '\n' && sql.p[at + 1] != ' ')) continue;
        if (at == 0 || (sql.p[at - 1] != ')' && sql.p[at - 1] != 'T' && sql.p[at - 1] != '1')) continue; /* in a comment */
        die_after(f, sql.p, at + 1);
        statements++;
    }
    assert_true(statements > 15);
    BUF_AUTO why = {0};
    assert_ok(store_open(buf_str(&f->url), &why));
    assert_int_equal(version_of(f), 1);
    fixture_free(f);
}

static void test_CR18_two_processes_start_at_once(void **state) {
    (void)state;
    for (int round = 0; round < 3; round++) {
        struct fixture *f = fixture_empty();
        pid_t child[3];
        for (int i = 0; i < 3; i++) {
            child[i] = fork();
            if (child[i] == 0) {
                BUF_AUTO why = {0};
                enum status st = store_open(buf_str(&f->url), &why);
                if (st != STATUS_OK) dprintf(2, "%s: %.*s\n", status_text(st), STR_ARG(buf_str(&why)));
                _exit(st == STATUS_OK ? 0 : 1);
            }
        }
        for (int i = 0; i < 3; i++) {
            int status = 1;
            assert_int_equal(waitpid(child[i], &status, 0), child[i]);
            assert_int_equal(status, 0);
        }
        assert_int_equal(fixture_number(f, "SELECT count(*) FROM schema_version"), 1);
        fixture_free(f);
    }
}

static void test_open_says_what_is_wrong(void **state) {
    (void)state;
    BUF_AUTO why = {0};
    assert_int_equal(store_open(TEXT("mysql://x"), &why), STATUS_UNSUPPORTED);
    assert_true(why.n > 0);
    buf_reset(&why);
    assert_int_equal(store_open(TEXT("sqlite:"), &why), STATUS_UNSUPPORTED);
    buf_reset(&why);
    assert_int_equal(store_open(TEXT("sqlite:/nonexistent/folder/x.db"), &why), STATUS_TEMPORARY);
    assert_true(str_find_str(buf_str(&why), TEXT("/nonexistent/folder/x.db")) != STR_NONE);
    buf_reset(&why);
    assert_int_equal(store_open(TEXT("postgresql://u:secret@/x?host=/nonexistent"), &why), STATUS_TEMPORARY);
    assert_true(why.n > 0);
    assert_true(str_find_str(buf_str(&why), TEXT("secret")) == STR_NONE); /* P10 */
}

int run_migrate(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_twice_changes_nothing),         cmocka_unit_test(test_newer_schema_is_refused),
        cmocka_unit_test(test_schema_of_another_build_is_refused), cmocka_unit_test(test_DB10_upgrade_backs_up_the_small_tables),
        cmocka_unit_test(test_CR06_failure_after_each_statement),  cmocka_unit_test(test_CR06_killed_after_each_statement),
        cmocka_unit_test(test_CR18_two_processes_start_at_once),   cmocka_unit_test(test_open_says_what_is_wrong),
    };
    return cmocka_run_group_tests_name("migrate", tests, NULL, NULL);
}
