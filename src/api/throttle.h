/* throttle.h - the limits around a call: requests by key, account and client address, and wrong keys by client address.
 *
 * A wrong key is judged first and slowed afterwards: beyond the limit its answer is 429 instead of 401, so that whoever shares an
 * address with a guesser, and shows a right key, notices nothing. Guessing gains nothing by that: keys have 160 random bits.
 * Everything on the call's loop. The control socket and the probes are not limited.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_THROTTLE_H
#define POSTHORN_API_THROTTLE_H

#include "api/call.h"

/* Count the request for the client's address. False: too many, and the call was refused. */
bool throttle_client(struct call *call);
/* Count it for the key and account that were judged. False likewise. */
bool throttle_caller(struct call *call);
/* Count a wrong key; beyond the limit the call's refusals become the one of the limit. */
void throttle_guess(struct call *call);
/* RateLimit-Limit, -Remaining and -Reset of the tightest limit that the call was counted for. */
void throttle_add_headers(struct call *call);

#endif
