/* farewell.c - see farewell.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/farewell.h"

#include "core/lists.h"
#include "core/suppressions.h"

enum status farewell_write(struct db *tx, const struct message *message, struct str address, const struct farewell *f,
                           bool *ret_is_new) {
    int64_t list_id = 0;
    enum status status = list_of_message(tx, message, &list_id);
    if (status == STATUS_OK && list_id) status = list_drop(tx, message->account_id, list_id, address, f->status, f->at);
    if (status != STATUS_OK) return status;
    const struct suppression entry = {.account_id = message->account_id,
                                      .list_id = f->is_of_list ? list_id : 0,
                                      .address = address,
                                      .source = f->source,
                                      .reason = f->reason,
                                      .event_id = f->event_id,
                                      .created_at = f->at};
    return suppression_add(tx, &entry, ret_is_new);
}
