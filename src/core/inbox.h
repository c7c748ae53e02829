/* inbox.h - mail that is kept to be read: what the sandbox's last hop received, and what came for the operator (core/hear.h).
 *
 * A mail is matched to its domain by the signed return path of its envelope, so that each sender sees its own and the operator
 * all (P6). Reading is store/inbox.h's inbox_list and inbox_get, on a reader.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_INBOX_H
#define POSTHORN_CORE_INBOX_H

#include "crypto/seal.h"
#include "store/inbox.h"

#define INBOX_KEEP 10000

/* One mail as SMTP handed it over; all text is UTF-8. */
struct inbox_delivery {
    struct str envelope_from; /* "" is <> */
    const struct str *recipients;
    size_t recipient_count;
    struct str content; /* CRLF lines, without stuffing */
    int64_t received_at;
};
/* On the writer: keep it, let go of what is older than the newest INBOX_KEEP. `key` is the return path's
 * (core/return_path.h); NULL: it is nobody's but the operator's. */
WARN_UNUSED enum status inbox_receive(struct db *tx, const struct seal_key *key, const struct inbox_delivery *mail);

#endif
