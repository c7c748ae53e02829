/* unsubscribe.h - how people leave by mail: List-Unsubscribe (RFC 2369) in what is sent to one person.
 *
 * The address in it is signed (core/return_path.h); who writes there is heard (core/hear.h).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_UNSUBSCRIBE_H
#define POSTHORN_CORE_UNSUBSCRIBE_H

#include "core/return_path.h"
#include "store/domains.h"
#include "store/messages.h"

/* On a reader: append the field, with its line end, that goes in front of `content`; nothing when there is none to add: the
 * content has one, the message has several recipients, or neither is it a list's nor does the domain want it (UnsubscribeLink).
 */
WARN_UNUSED enum status unsubscribe_header(struct db *db, const struct seal_key *key, const struct message *message,
                                           const struct domain *domain, struct str content, struct buf *out);

#endif
