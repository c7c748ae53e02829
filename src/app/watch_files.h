/* watch_files.h - what is wrong with this machine: its disk, our source addresses. It blocks: for the slow pool.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_APP_WATCH_FILES_H
#define POSTHORN_APP_WATCH_FILES_H

#include "app/config.h"
#include "core/alert.h"
#include "core/disk_gate.h"

/* The working directory is the data folder. */
void watch_files(const struct config *c, const struct disk_gate *gate, struct arena *a, struct alert_view *view);
/* Can a connection come from that address here? "" can. Otherwise *ret_why says why not. For doctor too. */
bool watch_source_works(struct str address, struct buf *ret_why);

#endif
