/* ledger.h - decisions of connectors on their way to disk, and those of an earlier life on their way back. On mta's loop.
 *
 * Decisions are written a second after the first of them, all that came meanwhile by one job; when the writer is slow they are
 * one batch the longer. Above MTA_LEDGER_MAX unwritten ones the newest are logged only (P8).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_MTA_LEDGER_H
#define POSTHORN_MTA_LEDGER_H

#include "core/ledger.h"

#define MTA_LEDGER_MAX 5000

struct mta;
struct connector;
struct mta_ledger;
struct mta_ledger *mta_ledger_new(struct mta *m);
void mta_ledger_free(struct mta_ledger **l);
/* Read what may still hold, then call `done`, once; what cannot be read is left out, and logged. */
void mta_ledger_load(struct mta_ledger *l, void (*done)(struct mta *m));
/* Write it soon; copied. */
void mta_ledger_add(struct mta_ledger *l, const struct connector *n, const struct shape_decision *d);
/* No second to wait for any more: write what there is. */
void mta_ledger_stop(struct mta_ledger *l);
/* Whether an earlier life left something for this site and source that nobody has taken up yet. */
bool mta_ledger_has(const struct mta_ledger *l, struct str site, struct str source);
/* The new connector takes it up. */
void mta_ledger_restore(struct mta_ledger *l, struct connector *n);

#endif
