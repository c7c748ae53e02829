/* world.h - the API on a simulated loop over a real database: calls go in as values, answers come out as values.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_API_WORLD_H
#define TESTS_UNIT_API_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/call.h"
#include "net_sim/sim.h"
#include "store/writer.h"

struct world {
    struct buf folder, url;
    struct writer_options store;
    struct loop *loop;
    struct resolver *resolver;
    struct metrics metrics;
    struct api_options api;
    size_t offered; /* entries given to the scheduler */
};
/* A fresh gateway in an empty database. */
struct world *world_new(void);
void world_free(struct world *w);
/* A world as a test's state. */
int world_set_up(void **state);
int world_tear_down(void **state);
#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, world_set_up, world_tear_down)
/* A job, which needs no done, or SQL on the writer: straight into the database. */
void world_write(struct world *w, struct job *job);
void world_execute(struct world *w, const char *sql);
/* One number out of the database. */
int64_t world_number(struct world *w, const char *sql);

/* What to ask; unset members are empty. */
struct ask {
    const char *method; /* "POST" when NULL */
    const char *path;   /* "/api.php" when NULL */
    const char *query, *bearer, *content_type, *idempotency_key;
    const char *client; /* address; none when NULL: nobody is counted by it */
    const char *body;
    size_t body_n; /* 0: strlen(body) */
    bool is_control, is_large;
};
struct reply {
    struct arena arena;
    int status;
    bool was_admitted; /* the body was let in */
    size_t body_max;   /* how much of it */
    struct buf body;
    struct str content_type, retry_after;
    struct str rate_limit, rate_remaining, rate_reset; /* RateLimit-* */
    bool is_replayed;
    const struct json *json; /* NULL when it is none */
};
struct reply world_ask(struct world *w, const struct ask *ask);
/* Begin without waiting: several calls at once; then world_finish each. */
struct pending;
struct pending *world_begin(struct world *w, const struct ask *ask);
struct reply world_finish(struct world *w, struct pending *p);
void reply_fini(struct reply *r);
#define REPLY_AUTO __attribute__((cleanup(reply_fini), unused)) struct reply /* some calls are made for what they do alone */

/* ErrorCode of /api.php, or the n-th Code of /api/v1; -1 when there is none. */
int64_t reply_code(const struct reply *r);
int64_t reply_code_at(const struct reply *r, size_t n);
bool reply_has_code(const struct reply *r, int64_t code);
/* A member of the answer by path "Domain.DomainID" as text; "" when absent. */
struct str reply_text(struct reply *r, const char *path);
void assert_reply(struct reply *r, const char *path, const char *want);
/* The text, which must be there and fit, for later. */
void reply_keep(struct reply *r, const char *path, char *into, size_t size);

/* An account, an enabled domain and a sender key made through the operator's operations. */
struct tenant {
    char user_key[128], sender_key[128], domain[64], domain_id[24];
};
struct tenant world_tenant(struct world *w, const char *email, const char *domain);
/* POST {Command, ...} to /api.php with the user key: members are JSON text without braces, perhaps empty. */
struct reply world_command(struct world *w, const char *user_key, const char *command, const char *members);
struct reply world_operator(struct world *w, const char *command, const char *members);
struct reply world_rest(struct world *w, const char *method, const char *path, const char *bearer, const char *body);
/* POST /api/v1/email with the sender key. */
struct reply world_send(struct world *w, const char *sender_key, const char *body);

#endif
