/* tls_results.h - deliveries' word on TLS on its way to disk: counted in memory, written in batches now and then and at the stop.
 * Lives on mta's loop. What a kill loses are the counts of the last minutes, never anything of a message.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_MTA_TLS_RESULTS_H
#define POSTHORN_MTA_TLS_RESULTS_H

#include "core/tls_tally.h"
#include "net/executor.h"

struct tls_results;
struct tls_results *tls_results_new(struct loop *loop, struct executor *writer);
/* One connection and what was judged of it; see tls_tally_add. Cheap. */
void tls_results_note(struct tls_results *r, const struct tls_session *session);
/* Write what there is; `done` is called on the loop, once, not from inside the call. Nothing is noted any more. */
void tls_results_stop(struct tls_results *r, void (*done)(void *arg), void *arg);
/* After tls_results_stop's done, or when the loop and the writer have stopped. NULL inside is fine. */
void tls_results_free(struct tls_results **r);

#endif
