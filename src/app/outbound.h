/* outbound.h - the configuration's sources and relays as the tables that deliveries read.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_APP_OUTBOUND_H
#define POSTHORN_APP_OUTBOUND_H

#include "app/config.h"
#include "core/relay.h"
#include "core/source.h"

/* On INVALID *ret_why says which section, and what of it: what single values do not tell, like a name that two relays claim. */
WARN_UNUSED enum status outbound_sources(const struct config *c, struct source_table **ret, struct buf *ret_why);
/* [delivery] smarthost is one of them. */
WARN_UNUSED enum status outbound_relays(const struct config *c, struct relay_table **ret, struct buf *ret_why);
/* Both, and forget them. */
WARN_UNUSED enum status outbound_check(const struct config *c, struct buf *ret_why);
/* The files of provider rows and bounce rules, for who begins to use them; other verbs work on while one is being edited. */
WARN_UNUSED enum status outbound_check_files(const struct config *c, struct buf *ret_why);

#endif
