/* listeners.h - every socket through which somebody comes in: those that the configuration names, and those that systemd opened
 * for us (sd_listen_fds(3)), by their names.
 *
 * A door is one kind of entry. Where systemd gave sockets of its name, they are it, and the addresses of the configuration for it
 * are not opened. Before the loops run, or on loops[0].
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_APP_LISTENERS_H
#define POSTHORN_APP_LISTENERS_H

#include "net/listener.h"

#define LISTENERS_MAX 64

struct listeners {
    struct listener *items[LISTENERS_MAX];
    size_t count;
    struct {
        struct str name; /* "" once it is taken */
        int fd;
    } inherited[LISTENERS_MAX];
    size_t inherited_count;
    struct buf names; /* theirs */
};
struct door {
    const char *name;     /* as FileDescriptorName= calls it; NULL: systemd never opens this one */
    const char *key;      /* of the configuration, for whom the address is taken; NULL: none */
    struct str addresses; /* comma separated */
    struct loop *const *loops;
    size_t loop_count;
    listener_accept_fn accept;
    void *arg;
};

/* Take what systemd passed, if anything was, and clear it from the environment. Once, early. */
WARN_UNUSED enum status listeners_inherit(struct listeners *l, struct buf *ret_why);
/* Was a socket of that name passed and not taken yet? */
bool listeners_has(const struct listeners *l, const char *name);
/* Open a door. *ret_first (may be NULL) is where its first listener really listens; untouched when there is none. */
WARN_UNUSED enum status listeners_open(struct listeners *l, const struct door *door, struct net_address *ret_first,
                                       struct buf *ret_why);
/* Nobody took one that was passed: its name is wrong. */
WARN_UNUSED enum status listeners_check(const struct listeners *l, struct buf *ret_why);
void listeners_close(struct listeners *l);

#endif
