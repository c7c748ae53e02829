/* farewell.h - somebody is written to no more, because of what happened to a message of his: the one way that evidence becomes a
 * suppression (P9), for bounces in the dialogue and for all that comes home.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_FAREWELL_H
#define POSTHORN_CORE_FAREWELL_H

#include "store/messages.h"
#include "store/subscribers.h"
#include "store/suppressions.h"

struct farewell {
    enum suppression_source source;
    enum subscriber_status status; /* what a list's subscriber becomes */
    bool is_of_list;               /* a list's message: leave that list alone, not the account */
    struct str reason;
    int64_t event_id; /* that says what happened */
    int64_t at;
};
/* On the writer, with the event in one transaction (P3): suppress the recipient of a message, by the address it was sent to. The
 * second time changes nothing: *ret_is_new. */
WARN_UNUSED enum status farewell_write(struct db *tx, const struct message *message, struct str address, const struct farewell *f,
                                       bool *ret_is_new);

#endif
