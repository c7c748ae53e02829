/* manual.h - the manual page posthorn(8), made of the tables of verbs, so that no verb can be missing in it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_APP_MANUAL_H
#define POSTHORN_APP_MANUAL_H

#include "base/buf.h"

/* The page: its head; each verb that is no call (`more`, which may be NULL, stands behind the summary); all others and the rest.
 */
void manual_begin(struct buf *out);
void manual_add_local(struct buf *out, const char *word, const char *summary, const char *more);
void manual_end(struct buf *out);

#endif
