/* event_sentence.h - SQL that is put together: constants strung together, every value a parameter (DB02, DB04).
 *
 * The adding functions put "?N" where a value belongs; values are borrowed till the statement is made. Inside the store room
 * only.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_EVENT_SENTENCE_H
#define POSTHORN_STORE_EVENT_SENTENCE_H

#include "base/arena.h"
#include "base/buf.h"
#include "db/db.h"

struct sentence {
    struct buf sql;
    struct arena *arena;
    bool is_sqlite;
    bool is_by_time; /* it is about so few events of a time that no words lead to them faster (store/event_walk.h) */
    struct {
        bool is_text;
        struct str text;
        int64_t number;
    } values[DB_PARAMS_MAX];
    int count;
};
#define SENTENCE_AUTO __attribute__((cleanup(sentence_fini))) struct sentence
void sentence_fini(struct sentence *q);

void sentence_add(struct sentence *q, const char *constant);
/* A condition has 32 terms at most, of two values each, which leaves room for what stands around it. */
void sentence_add_int(struct sentence *q, int64_t number);
void sentence_add_text(struct sentence *q, struct str text);
/* The value just added, once more. */
void sentence_add_again(struct sentence *q);
/* With its values bound; as db_stmt_once. */
struct stmt *sentence_stmt(struct db *tx, const struct sentence *q);

#endif
