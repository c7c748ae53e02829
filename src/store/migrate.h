/* migrate.h - bring a schema up to date; store.h's inside, open for tests with histories of their own.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_MIGRATE_H
#define POSTHORN_STORE_MIGRATE_H

#include "base/buf.h"
#include "db/db.h"
#include "db/migrations.h"

/* Apply what is missing of migrations 1..count, in one transaction with its rows in schema_version and, if there was a schema
 * before, with backup_* copies of the small tables. Answers and *why as store_open. */
WARN_UNUSED enum status migrate(struct db *db, const struct migration *migrations, size_t count, struct buf *why);

#endif
