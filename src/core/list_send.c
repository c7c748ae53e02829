/* list_send.c - see list_send.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/list_send.h"

const char *list_send_state_text(const struct list_send *send, int64_t now) {
    switch (send->state) {
    case LIST_SEND_DONE:
        return "Sent";
    case LIST_SEND_CANCELLED:
        return "Cancelled";
    case LIST_SEND_FAILED:
        return "Failed";
    default:
        if (send->reason.n) return "Waiting";
        return send->due_at > now ? "Scheduled" : "Sending";
    }
}
