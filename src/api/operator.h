/* operator.h - steps of the operator's own operations; see struct step.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_OPERATOR_H
#define POSTHORN_API_OPERATOR_H

#include "api/operation.h"

enum status operator_domain_list(struct call *call, struct db *db);
enum status operator_domain_tls(struct call *call, struct db *db);
enum status operator_domain_pool(struct call *call, struct db *db);
enum status operator_key_pool(struct call *call, struct db *db);
enum status operator_domain_enable(struct call *call, struct db *db);
enum status operator_domain_disable(struct call *call, struct db *db);
/* Not a step: who is meant by a call over the control socket (operator_scope.c). On a reader. */
enum status operator_scope(struct call *call, struct db *db);
/* After a decision about a domain: its queue's order is there. */
enum status operator_domain_wake(struct call *call, struct db *db);
enum status operator_alert_list(struct call *call, struct db *db);
enum status operator_alert_test(struct call *call, struct db *db);
enum status operator_alert_wake(struct call *call, struct db *db);

#endif
