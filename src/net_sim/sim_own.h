/* sim_own.h - the inside of a simulated world, shared by net_sim's own files only.
 *
 * Everything that happens is an event at a time of the virtual clock; equal times keep the order in which they were set. A turn
 * is one post of the mailbox, or, when that is empty, the next event.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_NET_SIM_SIM_OWN_H
#define POSTHORN_NET_SIM_SIM_OWN_H

#include "base/map.h"
#include "net/listener.h"
#include "net_sim/sim.h"

#define SIM_WAY_MS 1 /* one way between any two hosts */

struct sim_event {
    struct loop *world; /* it was set in */
    size_t place;       /* in the world's heap, from 1; 0: not set */
    int64_t at;
    uint64_t order; /* among equal times */
    void (*fn)(void *arg);
    void *arg;
};
struct loop {
    struct sim_event **events; /* a heap by time and order, from 1 */
    size_t event_count, event_room;
    uint64_t event_order;
    struct list posts;
    int64_t mono_ms;
    int64_t wall_ahead_ms; /* wall clock less monotonic */
    struct clock clock;
    struct rand rand;
    uint64_t chance; /* state of the generator */
    bool is_stopped, is_dns_dead;
    bool is_validating;  /* the resolver */
    struct map *names;   /* struct sim_name by name */
    struct map *webs;    /* struct sim_web by host */
    struct map *hosts;   /* struct sim_host by address text */
    struct map *pending; /* accepted ends that nobody took over yet, by number */
    struct list servers;
    uint16_t next_port;
    int next_fd;
};
void *sim_zalloc(size_t n);
void sim_event_init(struct sim_event *e, void (*fn)(void *arg), void *arg);
/* At `ms` from now; moves it if it is set. */
void sim_event_set(struct loop *world, struct sim_event *e, int64_t ms);
void sim_event_cancel(struct sim_event *e);
bool sim_event_is_set(const struct sim_event *e);

/* Who is at an address. */
struct sim_host {
    sim_accept_fn accept;
    void *arg;
    struct listener *listener;
    bool is_blackhole, is_down;
    unsigned connects;
};
struct sim_host *sim_host(struct loop *world, const struct net_address *address); /* made if new */
struct sim_host *sim_host_named(struct loop *world, const char *address);
bool sim_host_is_up(const struct sim_host *host);
/* A client's connection arrived: give the other end to who listens. */
void sim_host_accept(struct loop *world, struct sim_host *host, struct stream *end);

/* How the next handshake of this (server's) end goes. */
void stream_sim_tls(struct stream *s, bool fails, enum tls_check_result check);
/* What the other end writes from now on stays there. */
void stream_sim_deaf(struct stream *s);
/* End uncleanly, without a callback. */
void stream_sim_reset(struct stream **s);

void sim_names_free(struct loop *world);
void sim_webs_free(struct loop *world);
void sim_servers_free(struct loop *world);

#endif
