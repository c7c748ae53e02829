/* export_gate.h - how many exports run at once: of an account, and in all. Each wants the background's thread for a part of a
 * second, again and again for as long as its reader takes (P6, P8). Any thread; one lock.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_EXPORT_GATE_H
#define POSTHORN_API_EXPORT_GATE_H

#include "base/status.h"

#include <stdint.h>

#define EXPORTS_MAX            16
#define EXPORTS_OF_ACCOUNT_MAX 2

struct export_gate;
struct export_gate *export_gate_new(void);
/* NULL inside is fine. */
void export_gate_free(struct export_gate **gate);
/* EXISTS: the account has as many as it may have. LIMIT: all places are taken. Nothing was taken then. */
WARN_UNUSED enum status export_gate_take(struct export_gate *gate, int64_t account_id);
void export_gate_give(struct export_gate *gate, int64_t account_id);

#endif
