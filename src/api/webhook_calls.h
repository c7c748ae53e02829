/* webhook_calls.h - steps of the operations on webhooks; see struct step.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_WEBHOOK_CALLS_H
#define POSTHORN_API_WEBHOOK_CALLS_H

#include "api/operation.h"
#include "core/webhook_settings.h"

/* ---- webhook_calls.c ---- */
/* First where a webhook is set: the URL, header fields and events a call. */
enum status webhook_calls_check(struct call *call, struct db *db);
/* /api.php */
enum status webhook_calls_check_domain(struct call *call, struct db *db);
enum status webhook_calls_add(struct call *call, struct db *db);
enum status webhook_calls_load(struct call *call, struct db *db);
enum status webhook_calls_make_key(struct call *call, struct db *db);
enum status webhook_calls_delete(struct call *call, struct db *db);
/* /api/v1 */
enum status webhook_calls_rest_list(struct call *call, struct db *db);
enum status webhook_calls_rest_delete(struct call *call, struct db *db);
/* Both. */
enum status webhook_calls_get(struct call *call, struct db *db);
enum status webhook_calls_update(struct call *call, struct db *db);
enum status webhook_calls_regenerate(struct call *call, struct db *db);
enum status webhook_calls_load_key(struct call *call, struct db *db);
enum status webhook_calls_show_key(struct call *call, struct db *db);

/* ---- webhook_log_calls.c ---- */
enum status webhook_calls_test_make(struct call *call, struct db *db);
enum status webhook_calls_test_ask(struct call *call, struct db *db);
enum status webhook_calls_test_end(struct call *call, struct db *db);
enum status webhook_calls_attempts(struct call *call, struct db *db);
enum status webhook_calls_replay_check(struct call *call, struct db *db);
enum status webhook_calls_replay(struct call *call, struct db *db);

/* The webhook that WebhookID names, in the call's scope. OK, and the call refused with 4: there is none. */
enum status webhook_calls_find(struct call *call, struct db *db, struct webhook *ret);

#endif
