/* content.h - contents of messages between the edges and the store: packed before they come to the writer, unpacked by who
 * delivers.
 *
 * A message is kept once, whatever the number of its recipients. Where many messages end alike (a list send's letters differ in
 * their header alone) what follows the header is kept once for all of them: found by its SHA-256, and within an account only, so
 * that nobody learns by a wait what another one sends (P6).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_CONTENT_H
#define POSTHORN_CORE_CONTENT_H

#include "base/clock.h"
#include "crypto/digest.h"
#include "store/bodies.h"
#include "store/messages.h"

/* Stored numbers: never renumber. */
enum content_packing { CONTENT_PLAIN = 0, CONTENT_PACKED = 1 };

/* What follows the header is looked for among what the account has if it is at least so long: of one message like many, and of
 * one that is like no other as far as is known (an attachment may be). Below, the look takes more than it saves. */
#define CONTENT_SHARED_LIKELY 512
#define CONTENT_SHARED_MAYBE  ((size_t)32 << 10)
#define CONTENT_PACKED_MIN    512  /* shorter ones stay as they are */
#define CONTENT_ALONE_MIN     4096 /* ... and of messages that are like no other these: packing takes more than writing */

/* Zeroed: nothing is packed, the message is stored as it came. */
struct content {
    bool is_made, has_part;
    struct buf bytes, part; /* packed or not, as `packing` says */
    enum content_packing packing, part_packing;
    struct sha256 part_hash;
};
/* Pure; about 60 us for 10 KiB, so not on the writer. `share_min`: one of the above. */
void content_pack(struct str whole, size_t share_min, struct content *ret);
void content_fini(struct content *content);

/* Chance that falls alike for like texts, so that letters of a list have the same boundaries, and the same part. Lives as long as
 * what it returns is used. */
struct content_chance {
    struct sha256 seed;
    uint64_t count; /* of blocks used up */
};
struct rand content_chance(struct content_chance *chance, struct str html, struct str text);

/* On the writer. `whole` is stored where nothing is packed. */
WARN_UNUSED enum status content_write(struct db *tx, const struct message *message, struct str whole,
                                      const struct content *packed);
/* Appended to out, which is untouched on failure. NOT_FOUND: it is not kept any more. CORRUPT: damaged. */
WARN_UNUSED enum status content_load(struct db *tx, int64_t message_id, struct buf *out);
/* The first `max` bytes, or all, at the cost of these. */
WARN_UNUSED enum status content_load_start(struct db *tx, int64_t message_id, size_t max, struct buf *out);

#endif
