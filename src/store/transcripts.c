/* transcripts.c - see transcripts.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/transcripts.h"

#include "store/rows.h"

enum status transcript_put(struct db *tx, const struct transcript_row *row) {
    struct stmt *s = db_stmt(tx, "INSERT INTO transcripts (recipient_id, attempt, at, dialogue) VALUES (?1, ?2, ?3, ?4) "
                                 "ON CONFLICT (recipient_id, attempt) DO UPDATE SET at = ?3, dialogue = ?4");
    STMT_BIND_INTS(s, 1, row->recipient_id, row->attempt, row->at);
    stmt_bind_text(s, 4, row->dialogue);
    enum status st = stmt_run(s);
    if (st != STATUS_OK || row->attempt <= TRANSCRIPTS_KEPT) return st;
    int64_t gone;
    s = db_stmt(tx, "DELETE FROM transcripts WHERE recipient_id = ?1 AND attempt <= ?2");
    STMT_BIND_INTS(s, 1, row->recipient_id, row->attempt - TRANSCRIPTS_KEPT);
    return rows_change(tx, s, &gone);
}

static void transcript_fill(struct stmt *s, struct arena *a, void *item) {
    *(struct transcript_row *)item = (struct transcript_row){
        .recipient_id = stmt_int(s, 0), .attempt = stmt_int(s, 1), .at = stmt_int(s, 2), .dialogue = row_text(s, a, 3)};
}

enum status transcript_find(struct db *tx, struct arena *a, int64_t recipient_id, struct transcript_list *ret) {
    struct stmt *s = db_stmt(tx, "SELECT recipient_id, attempt, at, dialogue FROM transcripts WHERE recipient_id = ?1 "
                                 "ORDER BY attempt");
    stmt_bind_int(s, 1, recipient_id);
    return rows_collect(s, a, sizeof(struct transcript_row), transcript_fill, ret);
}
