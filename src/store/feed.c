/* feed.c - see feed.h. Numbers are gathered in memory and written with the commit, like what is counted (store/rollup.h).
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/feed.h"

#include "base/clock.h"
#include "store/rows.h"

#include <stdlib.h>

#define NUMBER_BYTES 8
#define ROW_BYTES    ((size_t)FEED_ROW_EVENTS * NUMBER_BYTES)

struct noted {
    struct db_late late; /* first */
    struct buf numbers;
};

/* ---- writing ---- */
static enum status noted_write(struct db_late *late, struct db *tx) {
    const struct noted *n = (struct noted *)(void *)late;
    enum status status = STATUS_OK;
    for (size_t from = 0; status == STATUS_OK && from < n->numbers.n; from += ROW_BYTES) {
        struct stmt *s = db_stmt(tx, "INSERT INTO feed_outbox (at, events) VALUES (?1, ?2)");
        stmt_bind_int(s, 1, clock_wall_ms(clock_system()));
        stmt_bind_blob(s, 2, str_sub(buf_str(&n->numbers), from, ROW_BYTES));
        status = stmt_run(s);
    }
    return status;
}

static void noted_free(struct db_late *late) {
    struct noted *n = (struct noted *)(void *)late;
    buf_fini(&n->numbers);
    free(n);
}

static struct noted *noted_of(struct db *tx) {
    struct noted *n = (struct noted *)(void *)db_find_late(tx, noted_write);
    if (n) return n;
    n = calloc(1, sizeof *n);
    if (!n) abort();
    n->late = (struct db_late){.write = noted_write, .free = noted_free};
    db_add_late(tx, &n->late);
    return n;
}

void feed_expect(struct db *db) {
    struct map *known = db_memory(db);
    map_put(known, STR("feed"), known);
}

enum status feed_add(struct db *tx, int64_t event_id) {
    char number[NUMBER_BYTES];
    if (!map_find(db_memory(tx), STR("feed"))) return STATUS_OK;
    for (size_t i = 0; i < NUMBER_BYTES; i++) number[i] = (char)((uint64_t)event_id >> (56 - 8 * i));
    buf_add(&noted_of(tx)->numbers, number, sizeof number);
    db_mark(tx, FEED_MARK);
    return STATUS_OK;
}

/* ---- reading ---- */
static int64_t number_at(struct str bytes, size_t i) {
    uint64_t number = 0;
    for (size_t k = 0; k < NUMBER_BYTES; k++) number = number << 8 | (unsigned char)bytes.p[i * NUMBER_BYTES + k];
    return (int64_t)number;
}

enum status feed_next(struct db *tx, int64_t after_id, struct feed_row *ret) {
    struct stmt *s = db_stmt(tx, "SELECT id, at, events FROM feed_outbox WHERE id > ?1 ORDER BY id LIMIT 1");
    stmt_bind_int(s, 1, after_id);
    enum status status = row_first(s);
    if (status != STATUS_OK) return status;
    struct str bytes = stmt_blob(s, 2);
    if (bytes.n % NUMBER_BYTES || bytes.n > ROW_BYTES) return STATUS_CORRUPT;
    ret->id = stmt_int(s, 0);
    ret->at = stmt_int(s, 1);
    ret->count = bytes.n / NUMBER_BYTES;
    for (size_t i = 0; i < ret->count; i++) ret->events[i] = number_at(bytes, i);
    return STATUS_OK;
}

static void event_fill(struct stmt *s, struct arena *a, void *item) {
    *(struct event_row *)item = (struct event_row){
        .event = {.id = stmt_int(s, 0),
                  .at = stmt_int(s, 1),
                  .type = (enum event_type)stmt_int(s, 2),
                  .account_id = stmt_int(s, 3),
                  .domain_id = stmt_int(s, 4),
                  .message_id = stmt_int(s, 5),
                  .recipient_id = stmt_int(s, 6),
                  .recipient = row_text(s, a, 7),
                  .detail = row_text(s, a, 8)},
        .message_uuid = row_uuid(s, 9),
        .sender = row_text(s, a, 10),
        .subject = row_text(s, a, 11),
        .tags = row_text(s, a, 12),
        .metadata = row_text(s, a, 13),
    };
}

enum status feed_event(struct db *tx, struct arena *a, int64_t event_id, struct event_row *ret) {
    struct stmt *s =
        db_stmt(tx, "SELECT e.id, e.at, e.type, e.account_id, e.domain_id, e.message_id, e.recipient_id, e.recipient, e.detail, "
                    "m.uuid, m.sender, m.subject, m.tags, m.metadata FROM events e JOIN messages m ON m.id = e.message_id "
                    "WHERE e.id = ?1");
    stmt_bind_int(s, 1, event_id);
    return row_get(s, a, event_fill, ret);
}

enum status feed_remove(struct db *tx, int64_t row_id) {
    struct stmt *s = db_stmt(tx, "DELETE FROM feed_outbox WHERE id = ?1");
    stmt_bind_int(s, 1, row_id);
    return stmt_run(s);
}

/* ---- since when ---- */
enum status feed_get_since(struct db *tx, int64_t *ret_at) {
    return row_int(db_stmt(tx, "SELECT since FROM feed_state"), ret_at);
}

enum status feed_set_since(struct db *tx, int64_t at) {
    struct stmt *s = db_stmt(tx, "UPDATE feed_state SET since = ?1");
    stmt_bind_int(s, 1, at);
    return stmt_run(s);
}
