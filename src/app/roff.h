/* roff.h - text in manual pages.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_APP_ROFF_H
#define POSTHORN_APP_ROFF_H

#include "base/buf.h"

/* A line of plain text as roff shows it: no escape, no control line, no break inside a word at a hyphen. */
void roff_add_text(struct buf *out, const char *text);

#endif
