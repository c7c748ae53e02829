/* keep_calls.h - steps of the operations on what an account keeps: days, and people who are to be forgotten; see struct step.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_KEEP_CALLS_H
#define POSTHORN_API_KEEP_CALLS_H

#include "api/operation.h"
#include "core/erase.h"

struct json_writer;

/* Of one account, in work at once: each walks over all recipients, and its account gets its turns with others (P6). */
#define KEEP_ERASURES_MAX 20

enum status keep_calls_show(struct call *call, struct db *db);
enum status keep_calls_set(struct call *call, struct db *db);
enum status keep_calls_erase(struct call *call, struct db *db);
enum status keep_calls_erase_wake(struct call *call, struct db *db);
enum status keep_calls_erasure(struct call *call, struct db *db);
enum status keep_calls_erasures(struct call *call, struct db *db);

/* What operators order goes the same way. On the writer: order it, of one account or ERASURE_EVERYBODY, and what waits for the
 * person is cancelled, for it cannot be forgotten before. INVALID: no address. */
WARN_UNUSED enum status keep_order_erasure(struct call *call, struct db *db, int64_t account_id, struct str address,
                                           int64_t *ret_id);
void keep_add_erasure(struct json_writer *w, const struct erasure *erasure);

#endif
