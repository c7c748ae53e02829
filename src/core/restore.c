/* restore.c - see restore.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/restore.h"

#include "base/buf.h"
#include "base/clock.h"
#include "core/live.h"
#include "store/pauses.h"
#include "store/restored.h"

enum status restore_hold(struct db *tx, int64_t now) {
    int64_t newest = 0;
    BUF_AUTO because = {0};
    enum status status = restored_newest(tx, &newest);
    if (status == STATUS_OK) status = restored_skip_numbers(tx);
    if (status != STATUS_OK) return status;
    buf_add_z(&because, "Restored from a copy");
    if (newest) {
        buf_add_z(&because, " whose newest message is of ");
        time_add_sql(&because, newest);
    }
    buf_add_z(&because, ": what was delivered since would go out again");
    struct pause hold = {
        .kind = LIVE_PAUSE_ALL, .name = STR(""), .until = INT64_MAX, .because = buf_str(&because), .created_at = now};
    return pause_put(tx, &hold);
}
