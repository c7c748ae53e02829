/* feed.c - see feed.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/feed.h"

#include "core/event_show.h"

/* One line, whatever its parts hold: between JSON's tokens a line's end is blank space. */
static void add_line(struct arena *arena, const struct event_row *row, struct buf *out) {
    size_t from = out->n;
    struct json_writer w = {.out = out};
    event_show(&w, arena, row);
    for (size_t i = from; i < out->n; i++)
        if (out->p[i] == '\n' || out->p[i] == '\r') out->p[i] = ' ';
    buf_add_char(out, '\n');
}

static enum status add_event(struct db *db, int64_t event_id, struct feed_batch *batch) {
    ARENA_AUTO arena = {0};
    struct event_row row;
    enum status status = feed_event(db, &arena, event_id, &row);
    if (status == STATUS_NOT_FOUND) batch->gone++;
    if (status != STATUS_OK) return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    add_line(&arena, &row, &batch->lines);
    batch->events++;
    return STATUS_OK;
}

static bool is_full(const struct feed_batch *batch) {
    return batch->row_count == FEED_ROWS_MAX || batch->events + batch->gone >= FEED_EVENTS_MAX ||
           batch->lines.n >= FEED_BYTES_MAX;
}

enum status feed_make(struct db *db, struct feed_batch *ret) {
    struct feed_row row = {.id = 0};
    struct buf lines = ret->lines;
    buf_reset(&lines);
    *ret = (struct feed_batch){.lines = lines};
    enum status status;
    while ((status = feed_next(db, row.id, &row)) == STATUS_OK && !is_full(ret)) {
        for (size_t i = 0; status == STATUS_OK && i < row.count; i++) status = add_event(db, row.events[i], ret);
        if (status != STATUS_OK) return status;
        if (ret->row_count == 0) ret->oldest_at = row.at;
        ret->rows[ret->row_count++] = row.id;
    }
    ret->has_more = status == STATUS_OK;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status feed_took(struct db *tx, const struct feed_batch *batch) {
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < batch->row_count; i++) status = feed_remove(tx, batch->rows[i]);
    return status;
}

enum status feed_begin(struct db *tx, bool is_on, int64_t now, int64_t *ret_since, bool *ret_is_new) {
    int64_t since = 0;
    enum status status = feed_get_since(tx, &since);
    if (status != STATUS_OK) return status;
    bool is_new = is_on != (since != 0);
    if (is_new) since = is_on ? now : 0;
    if (is_new) status = feed_set_since(tx, since);
    if (status != STATUS_OK) return status;
    *ret_since = since;
    *ret_is_new = is_new;
    return STATUS_OK;
}
