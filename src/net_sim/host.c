/* host.c - who is at which address: listeners, scripted ends, and nobody.
 * SPDX-License-Identifier: Apache-2.0 */
#include "net_sim/sim_own.h"

#include <assert.h>
#include <stdlib.h>

struct listener {
    struct net_address address;
    struct loop *world;
    listener_accept_fn accept;
    void *arg;
};

struct sim_host *sim_host(struct loop *world, const struct net_address *address) {
    BUF_AUTO text = {0};
    net_address_format(&text, address);
    struct sim_host *host = map_find(world->hosts, buf_str(&text));
    if (host) return host;
    host = sim_zalloc(sizeof *host);
    map_put(world->hosts, buf_str(&text), host);
    return host;
}

struct sim_host *sim_host_named(struct loop *world, const char *address) {
    struct net_address parsed;
    enum status status = net_address_parse(str_from_z(address), &parsed);
    assert(status == STATUS_OK);
    (void)status;
    return sim_host(world, &parsed);
}

bool sim_host_is_up(const struct sim_host *host) {
    return !host->is_down && (host->accept || host->listener);
}

void sim_host_accept(struct loop *world, struct sim_host *host, struct stream *end) {
    if (host->accept) {
        host->accept(host->arg, end);
        return;
    }
    int fd = world->next_fd++;
    struct net_address peer = *stream_peer(end);
    map_put(world->pending, str_make((const char *)&fd, sizeof fd), end);
    host->listener->accept(host->listener->arg, world, fd, &peer);
}

void sim_listen(struct loop *world, const char *address, sim_accept_fn accept, void *arg) {
    struct sim_host *host = sim_host_named(world, address);
    host->accept = accept;
    host->arg = arg;
}

void sim_blackhole(struct loop *world, const char *address, bool is_black) {
    sim_host_named(world, address)->is_blackhole = is_black;
}

void sim_down(struct loop *world, const char *address, bool is_down) {
    sim_host_named(world, address)->is_down = is_down;
}

unsigned sim_connects(struct loop *world, const char *address) {
    return sim_host_named(world, address)->connects;
}

enum status listener_open(const struct listener_options *options, struct listener **ret) {
    struct loop *world = options->loops[0];
    struct net_address address = *options->address;
    if (address.family != 1 && address.port == 0) address.port = world->next_port++;
    struct sim_host *host = sim_host(world, &address);
    if (host->accept || host->listener) return STATUS_EXISTS;
    struct listener *l = sim_zalloc(sizeof *l);
    *l = (struct listener){address, world, options->accept, options->arg};
    host->listener = l;
    *ret = l;
    return STATUS_OK;
}

void listener_close(struct listener **l) {
    if (!*l) return;
    sim_host((*l)->world, &(*l)->address)->listener = NULL;
    free(*l);
    *l = NULL;
}

const struct net_address *listener_address(const struct listener *l) {
    return &l->address;
}
