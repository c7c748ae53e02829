/* domain_clear_calls.h - the steps of ClearDomainQueue and DeleteDomain and their twins.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_DOMAIN_CLEAR_CALLS_H
#define POSTHORN_API_DOMAIN_CLEAR_CALLS_H

#include "api/operation.h"

enum status domain_clear_find(struct call *call, struct db *db);
enum status domain_delete_find(struct call *call, struct db *db);
enum status domain_clear_hold(struct call *call, struct db *db);
enum status domain_clear_count(struct call *call, struct db *db);
enum status domain_clear_cut(struct call *call, struct db *db);
enum status domain_clear_release(struct call *call, struct db *db);

#endif
