/* tag_refusal_calls.h - the steps of Suppression.BrowseTags, Suppression.DeleteTag and their twins below
 * /api/v1/suppressions/tags.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_TAG_REFUSAL_CALLS_H
#define POSTHORN_API_TAG_REFUSAL_CALLS_H

#include "api/call.h"

enum status tag_refusal_calls_browse(struct call *call, struct db *db);
enum status tag_refusal_calls_remove(struct call *call, struct db *db);

#endif
