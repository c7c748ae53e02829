/* alert_ledger.h - which sites fail, which refuse us or our login, out of the decisions of shaping (ledger.h).
 *
 *   pause of a kind --> run begins --end of the pause, probe--> the same pause again --> the run goes on
 *                                                          \--> the ramp goes on ------> the run is over
 *
 * Whoever is not asked again, since no mail for it is left, is forgotten ALERT_PROBE_MS after his pause. The runs are kept in
 * memory and the ledger is read on from where it was; at start from what it still holds.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_ALERT_LEDGER_H
#define POSTHORN_CORE_ALERT_LEDGER_H

#include "core/alert_look.h"

#define ALERT_PROBE_MS   INT64_C(600000)
#define ALERT_LEDGER_MAX 5000 /* decisions read in a round */

struct alert_ledger;
struct alert_ledger *alert_ledger_new(void);
void alert_ledger_free(struct alert_ledger **l);
/* Read on and note sites that did not answer for the limit's site_ms, blocks of our addresses, relays that let us not in. */
WARN_UNUSED enum status alert_look_ledger(const struct alert_look *look, struct alert_ledger *l);

#endif
