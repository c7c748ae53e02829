/* fixture.c - a fresh database for each test.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void on_fatal(void *arg, struct str why) {
    (void)why;
    ((struct fixture *)arg)->fatal_count++;
}

/* One schema a process, so that suites may run side by side on one server. */
static void drop_schema(const char *server, bool and_make_it) {
    struct db *db = NULL;
    BUF_AUTO sql = {0};
    buf_add_z(&sql, "SET client_min_messages = warning; ");
    buf_addf(&sql, "DROP SCHEMA IF EXISTS posthorn_test_%d CASCADE;", (int)getpid());
    if (and_make_it) buf_addf(&sql, "CREATE SCHEMA posthorn_test_%d", (int)getpid());
    assert_ok(db_open(&(struct db_options){.url = str_from_z(server)}, NULL, &db));
    assert_ok(db_exec(db, sql.p));
    db_close(&db);
}

static void empty_pgsql(struct fixture *f, const char *server) {
    drop_schema(server, true);
    bool has_query = str_find(str_from_z(server), '?') != STR_NONE;
    buf_addf(&f->url, "%s%coptions=-csearch_path%%3Dposthorn_test_%d%%20-cclient_min_messages%%3Dwarning", server,
             has_query ? '&' : '?', (int)getpid());
}

static void empty_sqlite(struct fixture *f) {
    const char *base = getenv("TMPDIR");
    buf_addf(&f->folder, "%s/posthorn-store.XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(f->folder.p));
    buf_addf(&f->url, "sqlite:%s/posthorn.db", f->folder.p);
}

struct fixture *fixture_empty(void) {
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    const char *server = getenv("POSTHORN_TEST_PGSQL");
    if (server)
        empty_pgsql(f, server);
    else
        empty_sqlite(f);
    f->options = (struct writer_options){.url = buf_str(&f->url), .metrics = &f->metrics, .fatal = on_fatal, .fatal_arg = f};
    return f;
}

struct fixture *fixture_closed(void) {
    struct fixture *f = fixture_empty();
    BUF_AUTO why = {0};
    enum status st = store_open(buf_str(&f->url), &why);
    if (st != STATUS_OK) print_error("store_open: %s: %.*s\n", status_text(st), STR_ARG(buf_str(&why)));
    assert_ok(st);
    return f;
}

struct fixture *fixture_new(void) {
    struct fixture *f = fixture_closed();
    f->db = fixture_connect(f, false);
    assert_ok(db_begin(f->db));
    return f;
}

static void remove_file(const struct fixture *f, const char *name) {
    BUF_AUTO path = {0};
    buf_addf(&path, "%s/%s", f->folder.p, name);
    unlink(path.p);
}

void fixture_free(struct fixture *f) {
    db_close(&f->db);
    if (f->folder.n > 0) {
        remove_file(f, "posthorn.db");
        remove_file(f, "posthorn.db-wal");
        remove_file(f, "posthorn.db-shm");
        remove_file(f, "posthorn.db-journal");
        rmdir(f->folder.p);
    } else {
        drop_schema(getenv("POSTHORN_TEST_PGSQL"), false);
    }
    buf_fini(&f->folder);
    buf_fini(&f->url);
    arena_fini(&f->arena);
    free(f);
}

bool fixture_is_sqlite(const struct fixture *f) {
    return f->folder.n > 0;
}

void fixture_commit(struct fixture *f) {
    assert_ok(db_commit(f->db));
    assert_ok(db_begin(f->db));
}

struct db *fixture_connect(const struct fixture *f, bool read_only) {
    struct db *db = NULL;
    BUF_AUTO why = {0};
    enum status st = db_open(&(struct db_options){.url = buf_str(&f->url), .read_only = read_only}, &why, &db);
    if (st != STATUS_OK) print_error("db_open: %s: %.*s\n", status_text(st), STR_ARG(buf_str(&why)));
    assert_ok(st);
    return db;
}

int64_t fixture_number(const struct fixture *f, const char *sql) {
    struct db *db = fixture_connect(f, true);
    assert_ok(db_begin(db));
    struct stmt *s = db_stmt(db, sql);
    assert_int_equal(stmt_step(s), STATUS_ROW);
    int64_t number = stmt_int(s, 0);
    db_close(&db);
    return number;
}

/* ---- objects ---- */

int64_t make_account(struct db *tx, const char *email) {
    struct account account = {.email = str_from_z(email),
                              .password_hash = STR("$argon2id$x"),
                              .is_active = true,
                              .is_verified = true,
                              .created_at = NOW};
    int64_t id = 0;
    assert_ok(account_add(tx, &account, &id));
    return id;
}

int64_t make_domain(struct db *tx, int64_t account_id, const char *name) {
    struct domain domain = {.account_id = account_id,
                            .name = str_from_z(name),
                            .subdomain = STR("mail"),
                            .track_prefix = STR("track"),
                            .created_at = NOW};
    int64_t id = 0;
    assert_ok(domain_add(tx, &domain, &id));
    return id;
}

struct id make_uuid(uint8_t mark) {
    struct id id = {0};
    memset(id.b, mark, sizeof id.b);
    return id;
}

int64_t make_message(struct db *tx, int64_t account_id, int64_t domain_id, uint8_t mark) {
    struct message message = {.uuid = make_uuid(mark),
                              .account_id = account_id,
                              .domain_id = domain_id,
                              .created_at = NOW,
                              .expires_at = NOW + 1000,
                              .sender = STR("a@example.com"),
                              .subject = STR("Hello"),
                              .rfc_message_id = STR("x@example.com"),
                              .tags = STR("[\"t\"]"),
                              .metadata = STR("{}"),
                              .size_bytes = 10};
    int64_t id = 0;
    assert_ok(message_add(tx, &message, &id));
    return id;
}

struct node_epoch make_node(struct db *tx) {
    struct node_epoch node = {0};
    assert_ok(node_start(tx, STR("node"), NOW, &node));
    return node;
}

int64_t make_recipient(struct db *tx, int64_t message_id, int64_t account_id, const char *domain, int64_t due_at) {
    struct recipient recipient = {.message_id = message_id,
                                  .account_id = account_id,
                                  .address = STR("b@example.net"),
                                  .domain = str_from_z(domain),
                                  .state = RECIPIENT_QUEUED,
                                  .due_at = due_at,
                                  .expires_at = NOW + 1000, /* make_message's */
                                  .changed_at = NOW};
    int64_t id = 0;
    assert_ok(recipient_add(tx, &recipient, &(struct node_epoch){.node_id = 1, .epoch = 1}, &id));
    return id;
}
