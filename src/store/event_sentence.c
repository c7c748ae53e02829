/* event_sentence.c - see event_sentence.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/event_sentence.h"

#include <assert.h>

void sentence_fini(struct sentence *q) {
    buf_fini(&q->sql);
}

void sentence_add(struct sentence *q, const char *constant) {
    buf_add_z(&q->sql, constant);
}

void sentence_add_int(struct sentence *q, int64_t number) {
    assert(q->count < DB_PARAMS_MAX);
    q->values[q->count].is_text = false;
    q->values[q->count++].number = number;
    buf_addf(&q->sql, "?%d", q->count);
}

void sentence_add_text(struct sentence *q, struct str text) {
    assert(q->count < DB_PARAMS_MAX);
    q->values[q->count].is_text = true;
    q->values[q->count++].text = text;
    buf_addf(&q->sql, "?%d", q->count);
}

void sentence_add_again(struct sentence *q) {
    buf_addf(&q->sql, "?%d", q->count);
}

struct stmt *sentence_stmt(struct db *tx, const struct sentence *q) {
    struct stmt *s = db_stmt_once(tx, buf_str(&q->sql));
    for (int i = 0; i < q->count; i++) {
        if (q->values[i].is_text)
            stmt_bind_text(s, i + 1, q->values[i].text);
        else
            stmt_bind_int(s, i + 1, q->values[i].number);
    }
    return s;
}
