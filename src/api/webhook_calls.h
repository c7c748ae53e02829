/* webhook_calls.h - steps of the operations on webhooks; see struct step.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_WEBHOOK_CALLS_H
#define POSTHORN_API_WEBHOOK_CALLS_H

#include "api/operation.h"

enum status webhook_calls_check_url(struct call *call, struct db *db);
/* /api.php */
enum status webhook_calls_check_domain(struct call *call, struct db *db);
enum status webhook_calls_add(struct call *call, struct db *db);
enum status webhook_calls_load(struct call *call, struct db *db);
enum status webhook_calls_make_key(struct call *call, struct db *db);
enum status webhook_calls_delete(struct call *call, struct db *db);
enum status webhook_calls_regenerate(struct call *call, struct db *db);
/* /api/v1 */
enum status webhook_calls_rest_list(struct call *call, struct db *db);
enum status webhook_calls_rest_delete(struct call *call, struct db *db);

#endif
