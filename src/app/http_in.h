/* http_in.h - HTTP in, wired: its servers by what they take, their routes, sockets and certificates.
 *
 *   [http] listen, tls_listen     the API, the pages and the tracking host
 *   [track] listen, tls_listen    the tracking host alone
 *   control.sock                  the API for whoever owns the data folder
 *
 * All of them answer challenges of the certificates' authority, but control.sock.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_APP_HTTP_IN_H
#define POSTHORN_APP_HTTP_IN_H

#include "api/api.h"
#include "app/certificates.h"
#include "app/listeners.h"
#include "app/threads.h"
#include "track/tracker.h"

/* Is anything listened on with TLS, by configuration or by systemd's sockets? If not, a proxy may do it for us. */
bool http_in_has_tls(const struct config *c, const struct listeners *listeners);
/* What all servers share. */
struct http_budget *http_in_budget_new(void);

struct http_in;
/* Everything pointed at must outlive it. */
struct http_in_options {
    const struct config *config;
    struct threads *threads; /* all loops but the last take connections */
    struct listeners *listeners;
    struct certificates *certificates;
    struct api *api;
    struct tracker *tracker; /* NULL: nothing is served but the control socket */
    struct http_budget *budget;
    struct metrics *metrics;
};
/* No loop runs yet. On failure *ret_why is a sentence, and http_in_free is called all the same. */
WARN_UNUSED enum status http_in_open(const struct http_in_options *options, struct http_in **ret, struct buf *ret_why);
/* Its sockets, in the data folder; no loop runs yet. */
WARN_UNUSED enum status http_in_listen(struct http_in *h, struct buf *ret_why);
/* The first address of [http] listen. */
const struct net_address *http_in_address(const struct http_in *h);
/* Take a connection as if it came to the control socket; fd is its own from now on. Not on a loop. */
void http_in_control(struct http_in *h, int fd);
/* Take over changed certificates. On failure the old ones stay. */
WARN_UNUSED enum status http_in_reload(struct http_in *h, struct buf *ret_why);
/* The listeners are closed: wait until what runs is answered. Not on a loop. */
void http_in_stop(struct http_in *h);
/* After that, or when the loops run no more. NULL inside is fine. */
void http_in_free(struct http_in **h);

#endif
