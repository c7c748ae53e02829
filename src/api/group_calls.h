/* group_calls.h - groups of accounts: what other calls share, and the steps of the operations.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_GROUP_CALLS_H
#define POSTHORN_API_GROUP_CALLS_H

#include "api/call.h"

/* Members of a group, but for the object around them: its name and limits. */
void group_call_write(struct call *call, int64_t id, struct str name, const struct account_limits *limits);
/* The group that parameter `id_name`, or UserGroup with its name, speaks of. Refused with codes[0] when neither was given (0:
 * that is fine, *ret is untouched), with codes[1] when there is none. */
WARN_UNUSED enum status group_call_find(struct call *call, struct db *db, const char *id_name, const int codes[2],
                                        struct account_group *ret);

enum status group_calls_create(struct call *call, struct db *db);
enum status group_calls_get(struct call *call, struct db *db);
enum status group_calls_list(struct call *call, struct db *db);
enum status group_calls_update(struct call *call, struct db *db);
enum status group_calls_delete(struct call *call, struct db *db);

#endif
