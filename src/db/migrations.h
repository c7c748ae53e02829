/* migrations.h - the schema's history, embedded from migrations/<engine>/NNNN_name.sql (tools/embed).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_DB_MIGRATIONS_H
#define POSTHORN_DB_MIGRATIONS_H

#include <stddef.h>

struct migration {
    int version; /* 1, 2, 3 ... without a gap, the same numbers for both engines */
    const char *name;
    const char *sql;
};
extern const struct migration migrations_sqlite[], migrations_pgsql[];
extern const size_t migrations_sqlite_count, migrations_pgsql_count;

#endif
