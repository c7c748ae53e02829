/* smtp_calls.h - steps of the operations on SMTP users; see struct step.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_SMTP_CALLS_H
#define POSTHORN_API_SMTP_CALLS_H

#include "api/operation.h"

enum status smtp_calls_add(struct call *call, struct db *db);
enum status smtp_calls_list(struct call *call, struct db *db);
enum status smtp_calls_delete(struct call *call, struct db *db);
enum status smtp_calls_reset(struct call *call, struct db *db);

#endif
