/* gateway.h - the rooms wired together: store, executors, loops, API, deliveries, listeners. No logic of its own.
 *
 * Opening starts everything in the order in which it depends on each other; closing takes it down in reverse, letting running
 * requests and transactions finish for a bounded time. The caller holds the home (lock, master key) around it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_APP_GATEWAY_H
#define POSTHORN_APP_GATEWAY_H

#include "app/config.h"
#include "app/home.h"

enum gateway_role {
    GATEWAY_SERVE,   /* everything */
    GATEWAY_OFFLINE, /* for one command: no listener, no delivery; reach it with gateway_dial */
};
struct gateway;

/* On failure *ret_why is a sentence for the operator. */
WARN_UNUSED enum status gateway_open(const struct config *c, const struct home *home, enum gateway_role role,
                                     struct gateway **ret, struct buf *ret_why);
/* A connected socket to the control server; the caller closes it. */
WARN_UNUSED enum status gateway_dial(struct gateway *g, int *ret_fd);
/* Where the HTTP API really listens (port 0 resolved): "127.0.0.1:8080". */
void gateway_format_address(struct buf *out, const struct gateway *g);
/* Where SMTP users come, with STARTTLS or with TLS from the first byte; nothing when they cannot. */
void gateway_format_smtp(struct buf *out, const struct gateway *g, bool is_tls_first);
/* Read the file of [delivery] providers anew (SIGHUP). On failure the old rows hold. */
WARN_UNUSED enum status gateway_reload_providers(struct gateway *g, struct buf *ret_why);
/* The same for [delivery] bounce_rules. */
WARN_UNUSED enum status gateway_reload_bounce_rules(struct gateway *g, struct buf *ret_why);
/* The same for [track] networks and countries. */
WARN_UNUSED enum status gateway_reload_tracking(struct gateway *g, struct buf *ret_why);
/* Take over changed certificates (SIGHUP). On failure the old ones stay. */
WARN_UNUSED enum status gateway_reload(struct gateway *g, struct buf *ret_why);
/* Has the store failed in a way that nothing but a restart mends (P7)? The process must then end soon. */
bool gateway_is_lost(const struct gateway *g);
/* Stop and free; blocks until done. NULL inside is fine. */
void gateway_close(struct gateway **g);

#endif
