/* loop.c - a world's clock, chance, timers and mailbox.
 *
 * Everything that will happen is an event in one heap, ordered by time; a step takes the next and sets the clock to its moment,
 * so waiting costs nothing. What is posted comes first. All chance comes from one seed, and there is one thread: the same seed
 * gives the same run, and a failure found by chance can be seen again. See sim.h for what a test may do.
 * SPDX-License-Identifier: Apache-2.0 */
#include "net_sim/sim_own.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define WALL_AT_START INT64_C(1767225600000) /* 2026-01-01 00:00:00 UTC */
#define FIRST_PORT    20000
#define FIRST_FD      1000000 /* far from any real descriptor */

void *sim_zalloc(size_t n) {
    void *p = calloc(1, n);
    if (!p) abort();
    return p;
}

static int64_t mono_ms(void *ctx) {
    return ((struct loop *)ctx)->mono_ms;
}
static int64_t wall_ms(void *ctx) {
    struct loop *world = ctx;
    return world->mono_ms + world->wall_ahead_ms;
}

/* splitmix64: small, and good enough for a world of tests. */
static uint64_t chance_next(struct loop *world) {
    uint64_t z = (world->chance += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}
static void chance_fill(void *ctx, void *p, size_t n) {
    for (size_t i = 0; i < n; i += sizeof(uint64_t)) {
        uint64_t v = chance_next(ctx);
        memcpy((char *)p + i, &v, n - i < sizeof v ? n - i : sizeof v);
    }
}

enum status loop_new(struct loop **ret) {
    struct loop *world = sim_zalloc(sizeof *world);
    list_init(&world->posts);
    list_init(&world->servers);
    world->mono_ms = 1;
    world->wall_ahead_ms = WALL_AT_START - world->mono_ms;
    world->clock = (struct clock){wall_ms, mono_ms, world};
    world->rand = (struct rand){chance_fill, world};
    world->names = map_new();
    world->webs = map_new();
    world->hosts = map_new();
    world->pending = map_new();
    world->next_port = FIRST_PORT;
    world->next_fd = FIRST_FD;
    *ret = world;
    return STATUS_OK;
}

static bool post_next(struct loop *world) {
    struct list *node = list_pop(&world->posts);
    if (!node) return false;
    struct post *post = LIST_OWNER(node, struct post, node);
    post->fn(post);
    return true;
}

void loop_free(struct loop **loop) {
    struct loop *world = *loop;
    if (!world) return;
    while (post_next(world)) continue;
    sim_servers_free(world);
    sim_names_free(world);
    sim_webs_free(world);
    struct str key;
    void *value = NULL;
    for (size_t cursor = 0; map_next(world->pending, &cursor, &key, &value);) {
        struct stream *end = value;
        stream_free(&end);
    }
    for (size_t cursor = 0; map_next(world->hosts, &cursor, &key, &value);) free(value);
    map_free(&world->pending);
    map_free(&world->hosts);
    free(world->events);
    free(world);
    *loop = NULL;
}

/* ---- events ---- */

static bool is_before(const struct sim_event *a, const struct sim_event *b) {
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void place_at(struct loop *world, size_t place, struct sim_event *e) {
    world->events[place] = e;
    e->place = place;
}

/* Find the place of an event that may stand too low or too high. */
static void settle(struct loop *world, size_t place, struct sim_event *e) {
    for (; place > 1 && is_before(e, world->events[place / 2]); place /= 2) place_at(world, place, world->events[place / 2]);
    for (size_t child; (child = 2 * place) <= world->event_count; place = child) {
        if (child < world->event_count && is_before(world->events[child + 1], world->events[child])) child++;
        if (!is_before(world->events[child], e)) break;
        place_at(world, place, world->events[child]);
    }
    place_at(world, place, e);
}

void sim_event_init(struct sim_event *e, void (*fn)(void *arg), void *arg) {
    *e = (struct sim_event){.fn = fn, .arg = arg};
}

void sim_event_cancel(struct sim_event *e) {
    struct loop *world = e->world;
    size_t place = e->place;
    if (!place) return;
    e->place = 0;
    struct sim_event *last = world->events[world->event_count--];
    if (last != e) settle(world, place, last);
}

bool sim_event_is_set(const struct sim_event *e) {
    return e->place > 0;
}

void sim_event_set(struct loop *world, struct sim_event *e, int64_t ms) {
    assert(ms >= 0);
    sim_event_cancel(e);
    if (world->event_count + 1 >= world->event_room) {
        world->event_room = world->event_room ? 2 * world->event_room : 64;
        world->events = reallocarray(world->events, world->event_room, sizeof(struct sim_event *));
        if (!world->events) abort();
    }
    e->world = world;
    e->at = world->mono_ms + ms;
    e->order = world->event_order++;
    settle(world, ++world->event_count, e);
}

bool sim_step(struct loop *world) {
    if (post_next(world)) return true;
    if (world->event_count == 0) return false;
    struct sim_event *e = world->events[1];
    sim_event_cancel(e);
    if (e->at > world->mono_ms) world->mono_ms = e->at;
    e->fn(e->arg);
    return true;
}

/* Does something happen until then? */
static bool happens_by(const struct loop *world, int64_t mono) {
    if (!list_is_empty(&world->posts)) return true;
    return world->event_count > 0 && world->events[1]->at <= mono;
}

void sim_run_for(struct loop *world, int64_t ms) {
    int64_t end = world->mono_ms + ms;
    while (happens_by(world, end)) sim_step(world);
    world->mono_ms = end;
}

bool sim_run_until(struct loop *world, bool (*is_done)(void *arg), void *arg, int64_t max_ms) {
    int64_t end = world->mono_ms + max_ms;
    while (!is_done(arg)) {
        if (!happens_by(world, end)) return false;
        sim_step(world);
    }
    return true;
}

void loop_run(struct loop *loop) {
    loop->is_stopped = false;
    while (!loop->is_stopped && sim_step(loop)) continue;
}

void loop_stop(struct loop *loop) {
    loop->is_stopped = true;
}

const struct clock *loop_clock(struct loop *loop) {
    return &loop->clock;
}

struct event_base *loop_event_base(struct loop *loop) {
    (void)loop;
    return NULL;
}

void loop_post(struct loop *loop, struct post *post) {
    list_add_tail(&loop->posts, &post->node);
}

void sim_seed(struct loop *world, uint64_t seed) {
    world->chance = seed;
}

const struct rand *sim_rand(struct loop *world) {
    return &world->rand;
}

void sim_set_wall(struct loop *world, int64_t wall) {
    world->wall_ahead_ms = wall - world->mono_ms;
}

/* ---- timers ---- */

static void timer_fire(void *arg) {
    struct timer *t = arg;
    t->fn(t->arg);
}

void timer_init(struct timer *t, struct loop *loop, void (*fn)(void *arg), void *arg) {
    *t = (struct timer){loop, fn, arg, sim_zalloc(sizeof(struct sim_event))};
    sim_event_init(t->impl, timer_fire, t);
}

void timer_start(struct timer *t, int64_t ms) {
    sim_event_set(t->loop, t->impl, ms > 0 ? ms : 0);
}

void timer_stop(struct timer *t) {
    if (t->impl) sim_event_cancel(t->impl);
}

bool timer_is_running(const struct timer *t) {
    return t->impl && sim_event_is_set(t->impl);
}

void timer_fini(struct timer *t) {
    timer_stop(t);
    free(t->impl);
    t->impl = NULL;
}
