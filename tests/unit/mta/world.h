/* world.h - a whole delivery on net_sim: a real store on disk, the scheduler, mta, and hosts that follow scripts.
 *
 * mail() accepts one message for one recipient and offers it; story() tells what the store holds of it afterwards:
 * its events in order, as "deferred 450 RCPT mx1.a.test; delivery 250 . mx2.a.test; = delivered".
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_TESTS_MTA_WORLD_H
#define POSTHORN_TESTS_MTA_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "mta/mta.h"
#include "net_sim/sim.h"
#include "store/writer.h"

struct world {
    struct buf folder, url;
    struct writer_options store;
    struct loop *loop;
    struct resolver *resolver;
    struct executor *writer, *readers, *signers;
    struct tls_context *tls;
    struct metrics metrics;
    struct seal_key key, return_path_key;
    struct mta_options options;
    struct mta *mta;
    int64_t account_id, domain_id;
    int64_t message_count;
    bool is_stopped;
};

/* Options may be changed until world_start. */
struct world *world_new(void);
void world_start(struct world *w);
void world_free(struct world *w);
/* The id of the recipient. life_ms 0: three days. */
int64_t mail(struct world *w, const char *recipient, const char *content, int64_t life_ms);
/* One message for several recipients, names parted by a comma. The id of the first. */
int64_t mail_all(struct world *w, const char *recipients);
/* Messages of their own, in one transaction. The id of the first recipient; the others follow. */
struct posting {
    const char *recipient;
    int priority;
};
int64_t mail_many(struct world *w, const struct posting *postings, size_t count);
/* Within max_ms of the world's time; then what is told of the recipient. The caller frees. */
char *story(struct world *w, int64_t recipient_id, int64_t max_ms);
void assert_story(struct world *w, int64_t recipient_id, int64_t max_ms, const char *want);
/* Run on the writer. */
void world_write(struct world *w, enum status (*run)(void *arg, struct db *db), void *arg);
/* Change the store behind mta's back; whether a query has a row. */
void world_sql(struct world *w, const char *sql);
bool world_has(struct world *w, const char *sql);
/* Its first column of its first row. */
int64_t world_number(struct world *w, const char *sql);
/* Each row of a query. */
struct stmt;
void world_rows(struct world *w, const char *sql, void (*row)(void *arg, struct stmt *s), void *arg);
void assert_has(struct str text, const char *part);
/* Number of times `part` is in the text. */
size_t count_of(struct str text, const char *part);

#endif
