/* transcripts.h - the dialogues of a recipient's last attempts (mta/transcript.h).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_TRANSCRIPTS_H
#define POSTHORN_STORE_TRANSCRIPTS_H

#include "base/arena.h"
#include "base/status.h"

struct db;

#define TRANSCRIPTS_KEPT 5 /* of a recipient */

struct transcript_row {
    int64_t recipient_id, attempt;
    int64_t at; /* when it ended */
    struct str dialogue;
};
struct transcript_list {
    struct transcript_row *items;
    size_t count;
};
/* Keep it instead of an older one of that attempt, and let go of those beyond TRANSCRIPTS_KEPT. */
WARN_UNUSED enum status transcript_put(struct db *tx, const struct transcript_row *row);
/* In order of attempts. */
WARN_UNUSED enum status transcript_find(struct db *tx, struct arena *a, int64_t recipient_id, struct transcript_list *ret);

#endif
