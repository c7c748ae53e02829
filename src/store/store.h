/* store.h - the database made ready for the process: once, before the executors start.
 *
 * Migrations are in the binary, numbered alike for both engines, one transaction each together with its row in
 * schema_version: a kill in between leaves the old schema or the new one, never half. Before an existing database is migrated,
 * its small tables (accounts, domains, keys: what cannot be made again) are copied to backup_* tables in the same
 * transaction. Two processes that start at once are kept apart by the engine's own lock.
 *
 * Integrity: a SQLite file up to STORE_QUICK_CHECK_BYTES is checked whole (`quick_check`) at a start after a kill or a power cut,
 * which leave a WAL behind; a proper close leaves none, and costs the next start nothing. Of a larger file, and later, the pages
 * are checked as they are read (cell_size_check). PostgreSQL with fsync or full_page_writes off is refused.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_STORE_H
#define POSTHORN_STORE_STORE_H

#include "base/buf.h"
#include "base/status.h"

#define STORE_QUICK_CHECK_BYTES (256LL << 20)

/* Open (make if need be), check and migrate the database of `url` (db.h), then close it again.
 * On failure *why gets one line for the operator. UNSUPPORTED: the schema is not this program's, or the server is set up
 * to lose data. CORRUPT: the file is damaged. TEMPORARY: not reachable or no room. IO: the rest. */
WARN_UNUSED enum status store_open(struct str url, struct buf *why);

#endif
