/* tls_results.h - deliveries' word on TLS on its way to disk: counted in memory, written in batches now and then and at the stop.
 * Lives on mta's loop. What a kill loses are the counts of the last minutes, never anything of a message.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_MTA_TLS_RESULTS_H
#define POSTHORN_MTA_TLS_RESULTS_H

#include "core/tls_tally.h"

struct mta;
struct tls_results;
struct tls_results *tls_results_new(struct mta *m);
/* One connection and what was judged of it; see tls_tally_add. Cheap. */
void tls_results_note(struct tls_results *r, const struct tls_session *session);
/* Nothing is noted any more, and what there is is written; mta's stop waits for that. */
void tls_results_stop(struct tls_results *r);
/* NULL inside is fine. */
void tls_results_free(struct tls_results **r);

#endif
