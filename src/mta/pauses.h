/* pauses.h - what the operator has paused, and how deliveries obey: all of them, a site, a source.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_MTA_PAUSES_H
#define POSTHORN_MTA_PAUSES_H

#include "core/live.h"

struct mta;
struct site;

void pauses_load(struct mta *m, const struct pause_list *list);
void pauses_free(struct mta *m);
/* Until when (wall); 0: it is not paused. ret_because may be NULL; valid until the next turn. */
int64_t pauses_until(const struct mta *m, enum live_pause_kind kind, struct str name, struct str *ret_because);
/* s: the site that is meant, of a site's. False: there is nothing of that name, or no such pause. */
bool pauses_set(struct mta *m, const struct live_question *q, struct site *s);
bool pauses_clear(struct mta *m, const struct live_question *q, struct site *s);
void pauses_new_site(struct site *s);
/* The site goes on, unless the operator himself has paused it. */
void pauses_lift(struct site *s);
void pauses_sweep(struct mta *m);

#endif
