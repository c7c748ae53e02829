/* send.h - what POST /api/v1/email and Operator.Send carry from step to step, and the two steps they end with: the write
 * (email_store) and the offer to the scheduler (email_offer).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_SEND_H
#define POSTHORN_API_SEND_H

#include "api/call.h"
#include "core/accept.h"
#include "crypto/digest.h"

#define SEND_RECIPIENTS_MAX 1000
#define SEND_BCC_MAX        50
#define SEND_REPLY_TO_MAX   10
#define SEND_AHEAD_MAX_MS   (30 * INT64_C(86400000))
#define SEND_PAST_MAX_MS    INT64_C(3600000) /* a SendAt this long ago still means now: clocks differ */

struct send {
    struct acceptance acceptance;
    struct buf content; /* owned: the message */
    struct sha256 idempotency_hash, request_hash;
};
/* The state of a call that sends; its memory goes with the call. */
struct send *send_new(struct call *call);
/* Fill what every message has: uuid, times, owner, answer. */
void send_begin(struct call *call, struct send *send);

/* Steps. */
enum status email_check(struct call *call, struct db *db);
enum status email_store(struct call *call, struct db *db);
enum status email_offer(struct call *call, struct db *db);
/* operator_send.c: a finished message from the command line. */
enum status operator_send_check(struct call *call, struct db *db);
enum status operator_send_find(struct call *call, struct db *db);
enum status operator_send_make(struct call *call, struct db *db);

#endif
