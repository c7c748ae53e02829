/* restore.h - posthorn store restore: a copy takes the database's place while no server runs, and its queue is held.
 *
 *   FILE ──copied beside the database──► checked ──held, numbers skipped (core/restore.h)──► renamed to its place
 *
 * What stood there is kept under another name. Whoever is killed in between has the old database, or the new one whole.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_APP_RESTORE_H
#define POSTHORN_APP_RESTORE_H

#include "app/config.h"

/* file NULL: the database in its place was restored by its server's own means (PostgreSQL), and is only made ready. An exit code;
 * says what it did, or why not. */
int restore_run(const struct config *c, const char *file, bool json);

#endif
