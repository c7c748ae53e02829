/* smtp_relay.h - steps of EmailGateway.SmtpRelay; see struct step.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_SMTP_RELAY_H
#define POSTHORN_API_SMTP_RELAY_H

#include "api/operation.h"

enum status smtp_relay_check(struct call *call, struct db *db);
enum status smtp_relay_login(struct call *call, struct db *db);
enum status smtp_relay_make(struct call *call, struct db *db);
enum status smtp_relay_store(struct call *call, struct db *db);
enum status smtp_relay_offer(struct call *call, struct db *db);

#endif
