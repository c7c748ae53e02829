/* fixture.h - a fresh database for each test, on the engine the environment names.
 *
 * POSTHORN_TEST_PGSQL set: a schema of that server, emptied for each test. Else: a SQLite file in a scratch folder.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_TESTS_STORE_FIXTURE_H
#define POSTHORN_TESTS_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/job.h"
#include "base/metrics.h"
#include "db/db.h"
#include "store/accounts.h"
#include "store/bodies.h"
#include "store/domains.h"
#include "store/events.h"
#include "store/idempotency.h"
#include "store/inbox.h"
#include "store/messages.h"
#include "store/nodes.h"
#include "store/pools.h"
#include "store/queue.h"
#include "store/sender_keys.h"
#include "store/sessions.h"
#include "store/source_counts.h"
#include "store/store.h"
#include "store/writer.h"

#define NOW           INT64_C(1795600000000)
#define TEXT(literal) STR(literal)
#define assert_str(s, literal)                                                                                                   \
    do {                                                                                                                         \
        struct str actual_ = (s);                                                                                                \
        assert_int_equal(actual_.n, sizeof(literal) - 1);                                                                        \
        assert_memory_equal(actual_.p, literal, actual_.n);                                                                      \
    } while (0)
#define assert_ok(call) assert_int_equal((call), STATUS_OK)

struct fixture {
    struct buf url;
    struct buf folder; /* SQLite's scratch folder */
    struct db *db;     /* a writing connection; in a transaction between fixture_new and the test's end if opened with begin */
    struct arena arena;
    struct metrics metrics;
    struct writer_options options;
    int fatal_count;
};
/* An empty database, no schema. */
struct fixture *fixture_empty(void);
/* With the schema, and a transaction begun on `db`. */
struct fixture *fixture_new(void);
/* With the schema; nothing open. For tests that bring the writer. */
struct fixture *fixture_closed(void);
void fixture_free(struct fixture *f);
bool fixture_is_sqlite(const struct fixture *f);
/* Commit, and begin the next transaction. */
void fixture_commit(struct fixture *f);
/* Another connection. */
struct db *fixture_connect(const struct fixture *f, bool read_only);
/* What a query of one number says, in a transaction of its own on a connection of its own. */
int64_t fixture_number(const struct fixture *f, const char *sql);

/* Objects to hang others on. */
int64_t make_account(struct db *tx, const char *email);
int64_t make_domain(struct db *tx, int64_t account_id, const char *name);
int64_t make_message(struct db *tx, int64_t account_id, int64_t domain_id, uint8_t mark);
int64_t make_recipient(struct db *tx, int64_t message_id, int64_t account_id, const char *domain, int64_t due_at);
/* The owner of what make_recipient makes; the first call of a test must come before. */
struct node_epoch make_node(struct db *tx);
struct id make_uuid(uint8_t mark);

/* The suites, one a file. */
int run_accounts(void);
int run_content(void);
int run_domains(void);
int run_engine(void);
int run_verbs(void);
int run_lists(void);
int run_threads(void);
int run_queue(void);
int run_writer(void);
int run_migrate(void);

#endif
