/* bodies.h - contents of messages as they are kept: bytes, how they are packed, and the end that several messages share. What the
 * packing means is core/content.h's.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_BODIES_H
#define POSTHORN_STORE_BODIES_H

#include "base/buf.h"
#include "base/status.h"

#include <stddef.h>

struct db;

struct body {
    int64_t message_id, account_id;
    int64_t created_at; /* the message's */
    int packing;
    struct str content;   /* all of it, or what stands before the part */
    struct str part_hash; /* SHA-256 of the part, unpacked; "": there is none */
    int part_packing;
    struct str part;
};
/* Once for a message; of a part that the account has already only the number is written. */
WARN_UNUSED enum status body_add(struct db *tx, const struct body *body);

struct body_bytes {
    struct buf content, part;
    int packing, part_packing;
    bool has_part;
};
void body_bytes_fini(struct body_bytes *bytes);
/* The first `max` bytes of each, at no more cost than theirs, or all. Nothing was in *ret before. */
WARN_UNUSED enum status body_read(struct db *tx, int64_t message_id, size_t max, struct body_bytes *ret);
/* How many bytes go with it, those of the part as well if nobody else has it; 0: there is none. */
WARN_UNUSED enum status body_weigh(struct db *tx, int64_t message_id, int64_t *ret_bytes);
/* Delete it, its message's signature, and the part if nobody else has it. NOT_FOUND: there is none. */
WARN_UNUSED enum status body_delete(struct db *tx, int64_t message_id);

#endif
