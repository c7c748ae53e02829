/* stream.c - streams as pairs in memory. See net/stream.h for the contract, sim.h for the world.
 *
 * What one end writes travels SIM_WAY_MS as a packet and lands in the other's `arrived`, from where it moves to `in` as far as
 * read_max allows. Callbacks come from pump() alone, which calls on the stream set off as an event: so none comes from inside a
 * call. A callback may free the stream: pump() keeps the bare struct until it returns (is_dead).
 * SPDX-License-Identifier: Apache-2.0 */
#include "net/stream.h"

#include "net_sim/sim_own.h"

#include <assert.h>
#include <stdlib.h>

#define READ_MAX_DEFAULT (64 * 1024)
#define LINGER_MS        2000

enum state { CONNECTING, OPEN, CLOSED };
enum packet_kind { PACKET_BYTES, PACKET_END, PACKET_RESET, PACKET_HELLO, PACKET_REFUSED };
struct packet {
    struct list node; /* receiver's incoming */
    struct sim_event event;
    struct stream *to;
    enum packet_kind kind;
    bool is_tls; /* BYTES: sent under TLS */
    bool hello_fails;
    enum tls_check_result hello_check;
    struct buf bytes;
};
struct stream {
    struct loop *loop;
    const struct stream_events *events;
    void *arg;
    enum state state;
    struct stream *other; /* NULL: gone, or not there yet */
    struct list incoming;
    struct sim_event kick, timeout, deadline, knock;
    struct buf in, arrived, out;
    size_t read_max;
    struct net_address peer, local;
    const char *why;
    enum status end_status; /* with has_ended */
    bool has_ended, is_open_due, is_read_due, is_drain_due, is_paused, is_finishing, is_end_sent;
    bool is_shaking, is_hello_sent, is_hello_here, is_tls; /* TLS */
    bool hello_fails;                                      /* what this end says */
    bool other_fails;                                      /* what the other said */
    enum tls_check_result hello_check, check;              /* likewise */
    bool is_deaf, is_pumping, is_dead;
};

static void pump(void *arg);
static void knock(void *arg);

static void kick(struct stream *s) {
    if (s->state != CLOSED && !sim_event_is_set(&s->kick)) sim_event_set(s->loop, &s->kick, 0);
}

/* ---- packets ---- */

static void packet_free(struct packet *p) {
    list_remove(&p->node);
    sim_event_cancel(&p->event);
    buf_fini(&p->bytes);
    free(p);
}

static void end_with(struct stream *s, enum status status, const char *why) {
    if (s->has_ended) return;
    s->has_ended = true;
    s->end_status = status;
    s->why = why;
}

static void packet_land(void *arg) {
    struct packet *p = arg;
    struct stream *s = p->to;
    switch (p->kind) {
    case PACKET_BYTES:
        buf_add_str(&s->arrived, buf_str(&p->bytes));
        if (s->is_shaking && !p->is_tls) s->other_fails = s->is_hello_here = true; /* no handshake is made of these */
        break;
    case PACKET_END:
        end_with(s, STATUS_CLOSED, "");
        break;
    case PACKET_RESET:
        buf_reset(&s->arrived);
        s->has_ended = false;
        end_with(s, STATUS_TEMPORARY, "Connection reset by peer");
        break;
    case PACKET_REFUSED:
        end_with(s, STATUS_TEMPORARY, "Connection refused");
        break;
    case PACKET_HELLO:
        s->is_hello_here = true;
        s->other_fails = p->hello_fails;
        s->check = p->hello_check;
        break;
    }
    packet_free(p);
    kick(s);
}

static struct packet *packet_send(struct stream *to, enum packet_kind kind) {
    if (!to || to->state == CLOSED) return NULL;
    struct packet *p = sim_zalloc(sizeof *p);
    p->to = to;
    p->kind = kind;
    list_add_tail(&to->incoming, &p->node);
    sim_event_init(&p->event, packet_land, p);
    sim_event_set(to->loop, &p->event, kind == PACKET_RESET ? SIM_WAY_MS + 1 : SIM_WAY_MS); /* what came before is read */
    return p;
}

/* ---- life ---- */

static void on_timeout(void *arg) {
    struct stream *s = arg;
    if (s->is_shaking) {
        s->is_hello_sent = true;
        s->is_hello_here = false;
    }
    if (s->is_finishing) {
        end_with(s, STATUS_CLOSED, "");
    } else {
        s->has_ended = false;
        buf_reset(&s->arrived);
        end_with(s, STATUS_TIMEOUT, "Connection timed out");
    }
    kick(s);
}

static struct stream *stream_new(struct loop *loop, const struct net_address *peer, const struct net_address *local) {
    struct stream *s = sim_zalloc(sizeof *s);
    *s = (struct stream){.loop = loop, .peer = *peer, .local = *local, .read_max = READ_MAX_DEFAULT, .why = ""};
    list_init(&s->incoming);
    sim_event_init(&s->kick, pump, s);
    sim_event_init(&s->timeout, on_timeout, s);
    sim_event_init(&s->deadline, on_timeout, s);
    sim_event_init(&s->knock, knock, s);
    return s;
}

/* Leave the other end: it hears of it as `kind`, unless it was told before. */
static void release(struct stream *s, enum packet_kind kind) {
    if (s->state == CLOSED) return;
    s->state = CLOSED;
    if (s->other) {
        if (!s->is_end_sent || kind == PACKET_RESET) packet_send(s->other, kind);
        s->other->other = NULL;
        s->other = NULL;
    }
    LIST_FOR_EACH_SAFE (it, &s->incoming) packet_free(LIST_OWNER(it, struct packet, node));
    sim_event_cancel(&s->kick);
    sim_event_cancel(&s->timeout);
    sim_event_cancel(&s->deadline);
    sim_event_cancel(&s->knock);
}

static void destroy(struct stream *s) {
    buf_fini(&s->in);
    buf_fini(&s->arrived);
    buf_fini(&s->out);
    free(s);
}

static void drop(struct stream **stream, enum packet_kind kind) {
    struct stream *s = *stream;
    *stream = NULL;
    if (!s) return;
    release(s, kind);
    s->is_dead = true;
    if (!s->is_pumping) destroy(s);
}

void stream_free(struct stream **s) {
    if (!*s) return;
    /* As sockets do: unread bytes make a reset of the end, and TLS misses its close_notify. */
    bool is_clean = !(*s)->is_tls && (*s)->arrived.n == 0 && (*s)->in.n == 0;
    drop(s, is_clean ? PACKET_END : PACKET_RESET);
}

void stream_reset(struct stream **s) {
    if (*s) drop(s, PACKET_RESET);
}

/* ---- pump ---- */

static void send_step(struct stream *s) {
    if (s->state != OPEN || (s->is_shaking && s->is_hello_sent)) return;
    if (s->out.n > 0 && s->other && s->other->is_deaf) return;
    if (s->out.n > 0) {
        struct packet *p = packet_send(s->other, PACKET_BYTES);
        if (p) {
            p->bytes = buf_take(&s->out);
            p->is_tls = s->is_tls;
        }
        buf_reset(&s->out);
    }
    if (s->is_shaking) {
        struct packet *p = packet_send(s->other, PACKET_HELLO);
        if (p) {
            p->hello_fails = s->hello_fails;
            p->hello_check = s->hello_check;
        }
        s->is_hello_sent = true;
    } else if (s->is_finishing && !s->is_end_sent) {
        packet_send(s->other, PACKET_END);
        s->is_end_sent = true;
        sim_event_set(s->loop, &s->timeout, LINGER_MS);
    }
}

static void shake_end(struct stream *s, enum status status) {
    s->is_shaking = false;
    sim_event_cancel(&s->timeout);
    if (status == STATUS_OK) {
        s->is_tls = true;
        s->is_hello_sent = s->is_hello_here = false;
    } else {
        s->why = status == STATUS_TIMEOUT ? "TLS handshake timed out" : "TLS handshake failed";
        release(s, PACKET_RESET);
    }
    if (s->events && s->events->on_tls) s->events->on_tls(s->arg, status);
}

static void shake_step(struct stream *s) {
    if (!s->is_shaking || !s->is_hello_sent) return;
    if (s->is_hello_here) {
        shake_end(s, s->hello_fails || s->other_fails ? STATUS_TEMPORARY : STATUS_OK);
    } else if (s->has_ended) {
        shake_end(s, s->end_status);
    }
}

static void read_step(struct stream *s) {
    if (s->state != OPEN || s->is_shaking || s->is_paused) return;
    if (s->is_finishing) {
        buf_reset(&s->arrived);
        return;
    }
    size_t room = s->in.n < s->read_max ? s->read_max - s->in.n : 0;
    size_t n = s->arrived.n < room ? s->arrived.n : room;
    if (n > 0) {
        buf_add(&s->in, s->arrived.p, n);
        buf_drop(&s->arrived, n);
        kick(s); /* there may be more, once the owner has made room */
    }
    bool is_due = n > 0 || (s->is_read_due && s->in.n > 0);
    s->is_read_due = false;
    if (is_due && s->events && s->events->on_read) s->events->on_read(s->arg);
}

static void end_step(struct stream *s) {
    if (s->state == CLOSED || !s->has_ended || s->is_shaking) return;
    bool is_clean = s->end_status == STATUS_CLOSED && s->state == OPEN;
    if (is_clean && !s->is_finishing && (s->is_paused || s->arrived.n > 0 || s->out.n > 0)) return;
    release(s, PACKET_END);
    if (s->events && s->events->on_close) s->events->on_close(s->arg, s->end_status);
}

static void open_step(struct stream *s) {
    if (!s->is_open_due) return;
    s->is_open_due = false;
    s->state = OPEN;
    sim_event_cancel(&s->timeout);
    if (s->events && s->events->on_open) s->events->on_open(s->arg);
}

static void drain_step(struct stream *s) {
    if (s->state != OPEN || !s->is_drain_due || s->out.n > 0) return;
    s->is_drain_due = false;
    if (s->events && s->events->on_drain) s->events->on_drain(s->arg);
}

static void pump(void *arg) {
    static void (*const steps[])(struct stream *) = {open_step, send_step,  shake_step, read_step,
                                                     send_step, drain_step, end_step};
    struct stream *s = arg;
    s->is_pumping = true;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && s->state != CLOSED; i++) steps[i](s);
    s->is_pumping = false;
    if (s->is_dead) destroy(s);
}

void stream_sim_deaf(struct stream *s) {
    s->is_deaf = true;
}

void stream_sim_reset(struct stream **s) {
    send_step(*s); /* what was written before is on its way */
    drop(s, PACKET_RESET);
}

/* ---- connecting ---- */

static void open_due(void *arg) {
    struct stream *s = arg;
    s->is_open_due = true;
    kick(s);
}

/* The client's knock has come to the host. */
static void knock(void *arg) {
    struct stream *s = arg;
    struct sim_host *host = sim_host(s->loop, &s->peer);
    host->connects++;
    if (host->is_blackhole) return;
    if (!sim_host_is_up(host)) {
        packet_send(s, PACKET_REFUSED);
        return;
    }
    struct stream *end = stream_new(s->loop, &s->local, &s->peer);
    end->state = OPEN;
    end->other = s;
    s->other = end;
    s->knock.fn = open_due;
    sim_event_set(s->loop, &s->knock, SIM_WAY_MS);
    sim_host_accept(s->loop, host, end);
}

/* `from` is not there: nobody is asked. */
static void not_here(void *arg) {
    struct stream *s = arg;
    s->why = "Cannot assign requested address";
    s->has_ended = true;
    s->end_status = STATUS_NOT_FOUND;
    kick(s);
}

struct stream *stream_connect(struct loop *loop, const struct net_address *to, const struct net_address *from, int64_t timeout_ms,
                              const struct stream_events *events, void *arg) {
    struct net_address local = {.family = to->family, .ip = {127, 0, 0, 1}};
    if (to->family == 6) local = (struct net_address){.family = 6, .ip = {[15] = 1}};
    if (from) local = *from;
    if (local.port == 0) local.port = loop->next_port++;
    struct stream *s = stream_new(loop, to, &local);
    s->events = events;
    s->arg = arg;
    if (from && sim_host(loop, from)->is_down) s->knock.fn = not_here;
    sim_event_set(loop, &s->knock, SIM_WAY_MS);
    sim_event_set(loop, &s->timeout, timeout_ms);
    return s;
}

struct stream *stream_accept(struct loop *loop, int fd, const struct net_address *peer, const struct stream_events *events,
                             void *arg) {
    struct stream *s = map_remove(loop->pending, str_make((const char *)&fd, sizeof fd));
    assert(s);
    s->peer = *peer;
    stream_set_events(s, events, arg);
    s->is_read_due = true;
    kick(s);
    return s;
}

void stream_turn_away(struct loop *loop, int fd, struct str bytes) {
    struct stream *s = map_remove(loop->pending, str_make((const char *)&fd, sizeof fd));
    assert(s);
    stream_write(s, bytes);
    send_step(s);
    drop(&s, PACKET_END);
}

/* ---- the rest of the contract ---- */

void stream_set_events(struct stream *s, const struct stream_events *events, void *arg) {
    s->events = events;
    s->arg = arg;
}

void stream_sim_tls(struct stream *s, bool fails, enum tls_check_result check) {
    s->hello_fails = fails;
    s->hello_check = check;
}

enum status stream_start_tls(struct stream *s, struct tls_context *context, const char *server_name, int64_t timeout_ms) {
    (void)context;
    (void)server_name;
    assert(!s->is_tls && !s->is_shaking);
    if (s->in.n > 0 || s->arrived.n > 0) return STATUS_DENIED;
    s->is_shaking = true;
    sim_event_set(s->loop, &s->timeout, timeout_ms);
    kick(s);
    return STATUS_OK;
}

enum status stream_start_tls_with(struct stream *s, struct tls_context *context, const struct tls_peer *peer,
                                  int64_t timeout_ms) {
    return stream_start_tls(s, context, peer->name, timeout_ms);
}

bool stream_is_tls(const struct stream *s) {
    return s->is_tls;
}
struct str stream_tls_version(const struct stream *s) {
    return s->is_tls ? STR("TLSv1.3") : STR("");
}
struct str stream_tls_cipher(const struct stream *s) {
    return s->is_tls ? STR("TLS_AES_256_GCM_SHA384") : STR("");
}
bool stream_tls_is_verified(const struct stream *s) {
    return stream_tls_check(s) == TLS_PEER_OK;
}

enum tls_check_result stream_tls_check(const struct stream *s) {
    return s->is_tls ? s->check : TLS_PEER_FAILED;
}

struct buf *stream_in(struct stream *s) {
    return &s->in;
}
bool stream_has_input(const struct stream *s) {
    return s->in.n > 0 || s->arrived.n > 0;
}
void stream_set_read_max(struct stream *s, size_t bytes) {
    s->read_max = bytes;
    kick(s);
}
void stream_pause(struct stream *s) {
    s->is_paused = true;
}
void stream_resume(struct stream *s) {
    s->is_read_due = s->is_read_due || s->is_paused;
    s->is_paused = false;
    kick(s);
}

void stream_write(struct stream *s, struct str bytes) {
    if (s->state == CLOSED || s->is_finishing) return;
    buf_add_str(&s->out, bytes);
    s->is_drain_due = true;
    kick(s);
}
void stream_write_borrowed(struct stream *s, struct str bytes) {
    stream_write(s, bytes);
}
size_t stream_out_pending(const struct stream *s) {
    return s->out.n;
}
void stream_finish(struct stream *s) {
    s->is_finishing = true;
    kick(s);
}
void stream_deadline(struct stream *s, int64_t ms_from_now) {
    if (s->state == CLOSED || ms_from_now < 0) {
        sim_event_cancel(&s->deadline);
    } else {
        sim_event_set(s->loop, &s->deadline, ms_from_now);
    }
}
struct str stream_why(const struct stream *s) {
    return str_from_z(s->why);
}
const struct net_address *stream_peer(const struct stream *s) {
    return &s->peer;
}
const struct net_address *stream_local(const struct stream *s) {
    return &s->local;
}
bool stream_peer_uid(const struct stream *s, uint32_t *ret_uid) {
    if (s->peer.family != 1) return false;
    *ret_uid = 0;
    return true;
}
