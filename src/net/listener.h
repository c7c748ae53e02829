/* listener.h - a listening socket on one loop; accepted descriptors are handed out round robin to `loops`.
 *
 * No SO_REUSEPORT: a taken port fails at once. Backlog 1,024. When descriptors run out it waits and tries again (P8).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_NET_LISTENER_H
#define POSTHORN_NET_LISTENER_H

#include "net/stream.h"

struct listener;
/* Called on the loop that gets the connection; the callee owns fd. */
typedef void (*listener_accept_fn)(void *arg, struct loop *loop, int fd, const struct net_address *peer);
struct listener_options {
    const struct net_address *address; /* port 0: the kernel picks; see listener_address */
    struct loop *const *loops;         /* loops[0] also accepts */
    size_t loop_count;
    listener_accept_fn accept;
    void *arg;
    int unix_mode; /* permissions of a Unix socket */
};
/* STATUS_EXISTS: address in use. STATUS_DENIED: not permitted. STATUS_INVALID: no such address here. */
WARN_UNUSED enum status listener_open(const struct listener_options *options, struct listener **ret);
/* The same on a descriptor that somebody bound and listened on for us (systemd's socket activation); options->address is not
 * looked at. Takes fd. STATUS_INVALID: it is no listening stream socket, and stays the caller's. */
WARN_UNUSED enum status listener_adopt(const struct listener_options *options, int fd, struct listener **ret);
/* Stop accepting; must be called on loops[0] or before it runs. */
void listener_close(struct listener **l);
const struct net_address *listener_address(const struct listener *l);

#endif
