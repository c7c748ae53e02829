/* template_calls.h - the steps of UserEmailTemplate.* and /api/v1/templates.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_TEMPLATE_CALLS_H
#define POSTHORN_API_TEMPLATE_CALLS_H

#include "api/call.h"

/* Does what was given compile? Refusals name the field, line and column. */
enum status template_calls_check(struct call *call, struct db *db);
enum status template_calls_create(struct call *call, struct db *db);
enum status template_calls_browse(struct call *call, struct db *db);
enum status template_calls_get(struct call *call, struct db *db);
enum status template_calls_update(struct call *call, struct db *db);
enum status template_calls_delete(struct call *call, struct db *db);
enum status template_calls_versions(struct call *call, struct db *db);
enum status template_calls_restore(struct call *call, struct db *db);
/* A preview: load what is stored, then render it with what was given over it. */
enum status template_calls_load(struct call *call, struct db *db);
enum status template_calls_render(struct call *call, struct db *db);

#endif
