/* unsubscribe.h - how people leave: List-Unsubscribe (RFC 2369), by mail and by link.
 *
 * The address in it is signed (core/return_path.h); who writes there is heard (core/hear.h). So is the link
 * (core/track_token.h), for one click (RFC 8058).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_UNSUBSCRIBE_H
#define POSTHORN_CORE_UNSUBSCRIBE_H

#include "core/return_path.h"

/* What one person may leave by. */
struct unsubscribe_ways {
    int64_t recipient_id;
    struct str host; /* that his mail comes to */
    struct str link; /* "" none */
};
/* Append List-Unsubscribe, the link before the mail, and where that is an https one List-Unsubscribe-Post. */
void unsubscribe_fields(const struct seal_key *key, const struct unsubscribe_ways *ways, struct buf *out);

#endif
