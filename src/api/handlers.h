/* handlers.h - the steps that the table of operations names; see struct step for what they may do and where.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_HANDLERS_H
#define POSTHORN_API_HANDLERS_H

#include "api/operation.h"

/* email.c: POST /api/v1/email */
enum status email_check(struct call *call, struct db *db);
enum status email_store(struct call *call, struct db *db);
enum status email_offer(struct call *call, struct db *db);
/* operator_send.c: a finished message from the command line */
enum status operator_send_check(struct call *call, struct db *db);
enum status operator_send_find(struct call *call, struct db *db);
enum status operator_send_make(struct call *call, struct db *db);

/* login.c */
enum status login_find(struct call *call, struct db *db);
enum status login_verify(struct call *call, struct db *db);
enum status login_start(struct call *call, struct db *db);

/* domain_calls.c */
enum status domain_calls_add_check(struct call *call, struct db *db);
enum status domain_calls_make_keys(struct call *call, struct db *db);
enum status domain_calls_add(struct call *call, struct db *db);
enum status domain_calls_get(struct call *call, struct db *db);
enum status domain_calls_list(struct call *call, struct db *db);
enum status domain_calls_verify_load(struct call *call, struct db *db);
enum status domain_calls_verify_ask(struct call *call, struct db *db);
enum status domain_calls_verify_save(struct call *call, struct db *db);

/* key_calls.c */
enum status key_calls_add(struct call *call, struct db *db);
enum status key_calls_list(struct call *call, struct db *db);
enum status key_calls_delete(struct call *call, struct db *db);

/* event_calls.c */
enum status event_calls_command(struct call *call, struct db *db);
enum status event_calls_rest(struct call *call, struct db *db);

/* inbox_calls.c */
enum status inbox_calls_list(struct call *call, struct db *db);
enum status inbox_calls_get(struct call *call, struct db *db);
enum status inbox_calls_raw(struct call *call, struct db *db);

/* probes.c */
enum status probe_live(struct call *call, struct db *db);
enum status probe_ready(struct call *call, struct db *db);
enum status probe_metrics(struct call *call, struct db *db);

/* operator.c */
enum status operator_hash(struct call *call, struct db *db);
enum status operator_account_create(struct call *call, struct db *db);
enum status operator_find_account(struct call *call, struct db *db);
enum status operator_domain_list(struct call *call, struct db *db);
enum status operator_domain_enable(struct call *call, struct db *db);
enum status operator_domain_disable(struct call *call, struct db *db);
enum status operator_key_add(struct call *call, struct db *db);
enum status operator_key_list(struct call *call, struct db *db);
enum status operator_queue_list(struct call *call, struct db *db);

#endif
