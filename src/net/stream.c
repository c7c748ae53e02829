/* stream.c - a connection: states, timers, when which callback comes.
 *
 *   CONNECTING --on_open--> OPEN <--on_tls-- SHAKING (stream_start_tls, once `out` is empty)
 *                             |
 *      stream_finish, `out` empty: LINGERING (what comes is thrown away)       any failure or end --on_close--> CLOSED
 *
 * Everything happens in pump(): it is run by the socket's events and by `kick`, an event that calls on the stream raise instead
 * of acting themselves; therefore no callback ever comes from inside a call, and what is written in one turn leaves in one go. A
 * callback may free the stream: pump() keeps the bare struct until it returns (is_dead).
 *
 * The read event is level-triggered and taken away only when it fires while nobody wants bytes: most pauses are over before.
 * SPDX-License-Identifier: Apache-2.0 */
#include "net/stream.h"

#include "net/sockaddr.h"
#include "net/tls.h"
#include "net/wire.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <unistd.h>

#define READ_MAX_DEFAULT (64 * 1024)
#define READ_CHUNK       (16 * 1024)
#define READ_TURN_MAX    (64 * 1024) /* of one connection before the others get their turn */
#define IDLE_CAP         1024        /* memory that an input buffer may keep for */
#define IDLE_BYTES       256         /* so much or less */
#define LINGER_MS        2000

enum state { CONNECTING, OPEN, SHAKING, LINGERING, CLOSED };

struct stream {
    struct loop *loop;
    const struct stream_events *events;
    void *arg;
    enum state state;
    struct wire wire;
    struct event *on_readable, *on_writable, *kick;
    struct timer step;     /* connecting, shaking hands, lingering */
    struct timer deadline; /* the owner's */
    struct buf in;
    size_t read_max;
    struct outq out;
    struct net_address peer, local;
    enum status end_status; /* with has_ended */
    bool has_ended;         /* the wire gave its last; on_close is due */
    bool is_paused;
    bool is_readable;  /* the socket said so in this turn */
    bool is_read_due;  /* resumed with bytes in `in`: on_read without new ones */
    bool is_drain_due; /* something was written since the last on_drain */
    bool is_tls_wanted;
    bool is_finishing;
    bool is_pumping, is_dead;
};

static void kick(struct stream *s) {
    if (s->state != CLOSED) event_active(s->kick, EV_TIMEOUT, 0);
}

static void release(struct stream *s) {
    s->state = CLOSED;
    struct event **events[] = {&s->on_readable, &s->on_writable, &s->kick};
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        if (*events[i]) event_free(*events[i]);
        *events[i] = NULL;
    }
    timer_fini(&s->step);
    timer_fini(&s->deadline);
    wire_fini(&s->wire);
    outq_clear(&s->out);
}

static void close_with(struct stream *s, enum status status) {
    if (s->state == CLOSED) return;
    release(s);
    if (s->events->on_close) s->events->on_close(s->arg, status);
}

static bool has_room(const struct stream *s) {
    return s->in.n < s->read_max;
}

static bool wants_bytes(const struct stream *s) {
    switch (s->state) {
    case CONNECTING:
    case CLOSED:
        return false;
    case SHAKING:
    case LINGERING:
        return true;
    case OPEN:
        break;
    }
    return !s->has_ended && !s->is_paused && !s->is_tls_wanted && has_room(s);
}

static bool wants_to_write(const struct stream *s) {
    return s->state == CONNECTING || s->wire.wants_write || (s->state == OPEN && s->out.bytes > 0);
}

static void update_interest(struct stream *s) {
    if (s->state == CLOSED) return;
    if (wants_bytes(s)) event_add(s->on_readable, NULL);
    if (wants_to_write(s))
        event_add(s->on_writable, NULL);
    else
        event_del(s->on_writable);
}

/* The wire's word as the stream's: how it ends. */
static void end(struct stream *s, enum wire_result result) {
    s->has_ended = true;
    s->end_status = result == WIRE_END ? STATUS_CLOSED : STATUS_TEMPORARY;
}

/* Bytes of one turn into `in`; true when some came. */
static bool read_some(struct stream *s) {
    size_t before = s->in.n;
    while (has_room(s) && s->in.n - before < READ_TURN_MAX) {
        size_t room = s->read_max - s->in.n, n;
        if (room > READ_CHUNK) room = READ_CHUNK;
        enum wire_result result = wire_read(&s->wire, buf_reserve(&s->in, room), room, &n);
        if (result == WIRE_OK) buf_grew(&s->in, n);
        if (result == WIRE_END || result == WIRE_FAILED) end(s, result);
        if (result != WIRE_OK || (n < room && !wire_has_buffered(&s->wire))) break;
    }
    return s->in.n > before;
}

/* Who sends half a line and waits holds half a line, not the room that a read was given. */
static void shrink(struct stream *s) {
    struct buf rest = {0};
    if (s->in.n) buf_add_str(&rest, buf_str(&s->in));
    buf_fini(&s->in);
    s->in = rest;
}

static void read_step(struct stream *s) {
    bool is_due = s->is_read_due && !s->is_paused && s->in.n > 0;
    bool may_read = s->is_readable || s->wire.wants_write || wire_has_buffered(&s->wire);
    if (may_read && wants_bytes(s) && read_some(s)) is_due = true;
    if (!s->is_paused) s->is_read_due = false;
    if (is_due && s->events->on_read) s->events->on_read(s->arg);
    if (s->state == CLOSED) return;
    if (s->in.n <= IDLE_BYTES && s->in.cap > IDLE_CAP) shrink(s);
    if (wants_bytes(s) && wire_has_buffered(&s->wire)) kick(s);
}

/* Everything out: whoever waited for that. */
static void drained_step(struct stream *s) {
    if (!s->is_drain_due) return;
    s->is_drain_due = false;
    if (s->events->on_drain) s->events->on_drain(s->arg);
}

static void write_step(struct stream *s) {
    if (s->out.bytes > 0) {
        enum wire_result result = wire_write(&s->wire, &s->out);
        if (result == WIRE_WAIT) return;
        if (result != WIRE_OK) {
            outq_clear(&s->out);
            s->is_drain_due = false;
            if (wants_bytes(s)) read_some(s); /* the peer's last words: often why it hung up */
            s->is_read_due = s->in.n > 0;
            end(s, WIRE_FAILED);
            return;
        }
    }
    drained_step(s);
}

static void connect_step(struct stream *s) {
    int error = 0;
    socklen_t length = sizeof error;
    if (getsockopt(s->wire.fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0) error = errno;
    if (error == 0) {
        struct sockaddr_storage local;
        socklen_t n = sizeof local;
        if (getpeername(s->wire.fd, (struct sockaddr *)&local, &n) != 0) return; /* ENOTCONN: still on its way */
        n = sizeof local;
        if (getsockname(s->wire.fd, (struct sockaddr *)&local, &n) == 0) s->local = sockaddr_to_address(&local, n);
        timer_stop(&s->step);
        s->state = OPEN;
        if (s->events->on_open) s->events->on_open(s->arg);
        return;
    }
    wire_set_errno(&s->wire, error);
    close_with(s, error == ETIMEDOUT ? STATUS_TIMEOUT : STATUS_TEMPORARY);
}

static void end_handshake(struct stream *s, enum status status) {
    timer_stop(&s->step);
    if (status == STATUS_OK)
        s->state = OPEN;
    else
        release(s);
    if (s->events->on_tls) s->events->on_tls(s->arg, status);
}

static void shake_step(struct stream *s) {
    enum wire_result result = wire_handshake(&s->wire);
    if (result == WIRE_WAIT) return;
    static const enum status statuses[] = {[WIRE_OK] = STATUS_OK, [WIRE_END] = STATUS_CLOSED, [WIRE_FAILED] = STATUS_TEMPORARY};
    end_handshake(s, statuses[result]);
}

static void linger_step(struct stream *s) {
    if (wire_discard(&s->wire) != WIRE_WAIT) close_with(s, STATUS_CLOSED);
}

static void start_linger(struct stream *s) {
    wire_shutdown(&s->wire);
    s->wire.wants_write = false;
    s->state = LINGERING;
    timer_start(&s->step, LINGER_MS);
}

/* A clean end waits for what we still have to say and for an owner who is busy. */
static bool is_close_due(const struct stream *s) {
    if (!s->has_ended || s->state != OPEN) return false;
    if (s->end_status != STATUS_CLOSED) return true;
    return !s->is_paused && !s->is_read_due && s->out.bytes == 0 && !s->is_finishing;
}

static void step(struct stream *s) {
    if (s->state == CONNECTING && !s->has_ended) connect_step(s);
    if (s->state == CONNECTING && s->has_ended) close_with(s, s->end_status);
    if (s->state == OPEN) write_step(s);
    if (s->state == OPEN && s->is_tls_wanted && s->out.bytes == 0 && !s->has_ended) {
        s->is_tls_wanted = false;
        s->wire.is_tls = true;
        s->state = SHAKING;
    }
    if (s->state == SHAKING) shake_step(s);
    if (s->state == OPEN) read_step(s);
    if (is_close_due(s)) close_with(s, s->end_status);
    if (s->state == OPEN && s->is_finishing && s->out.bytes == 0) start_linger(s);
    if (s->state == LINGERING) linger_step(s);
}

static void leave(struct stream *s) {
    s->is_pumping = s->is_readable = false;
    if (s->is_dead)
        free(s);
    else
        update_interest(s);
}

static void pump(struct stream *s) {
    s->is_pumping = true;
    step(s);
    leave(s);
}

static void on_event(evutil_socket_t fd, short what, void *arg) {
    (void)fd;
    struct stream *s = arg;
    s->is_readable = (what & EV_READ) != 0;
    if (s->is_readable && !wants_bytes(s)) event_del(s->on_readable);
    pump(s);
}

static void on_step_timer(void *arg) {
    struct stream *s = arg;
    s->is_pumping = true;
    if (s->state == SHAKING || s->is_tls_wanted)
        end_handshake(s, STATUS_TIMEOUT);
    else
        close_with(s, s->state == LINGERING ? STATUS_CLOSED : STATUS_TIMEOUT);
    leave(s);
}

static void on_deadline(void *arg) {
    struct stream *s = arg;
    s->is_pumping = true;
    close_with(s, s->state == LINGERING ? STATUS_CLOSED : STATUS_TIMEOUT);
    leave(s);
}

static struct event *new_event(struct stream *s, int fd, short what) {
    struct event *event = event_new(loop_event_base(s->loop), fd, what, on_event, s);
    if (!event) abort();
    return event;
}

static struct stream *stream_new(struct loop *loop, int fd, const struct net_address *peer, const struct stream_events *events,
                                 void *arg) {
    struct stream *s = calloc(1, sizeof *s);
    if (!s) abort();
    s->loop = loop;
    s->events = events;
    s->arg = arg;
    s->peer = *peer;
    s->read_max = READ_MAX_DEFAULT;
    wire_init(&s->wire, fd);
    outq_init(&s->out);
    timer_init(&s->step, loop, on_step_timer, s);
    timer_init(&s->deadline, loop, on_deadline, s);
    s->kick = new_event(s, -1, 0);
    s->on_readable = new_event(s, fd, EV_READ | EV_PERSIST);
    s->on_writable = new_event(s, fd, EV_WRITE | EV_PERSIST);
    int one = 1;
    if (fd >= 0 && peer->family != 1) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return s;
}

struct stream *stream_accept(struct loop *loop, int fd, const struct net_address *peer, const struct stream_events *events,
                             void *arg) {
    struct stream *s = stream_new(loop, fd, peer, events, arg);
    struct sockaddr_storage local;
    socklen_t n = sizeof local;
    if (getsockname(fd, (struct sockaddr *)&local, &n) == 0) s->local = sockaddr_to_address(&local, n);
    s->state = OPEN;
    evutil_make_socket_nonblocking(fd);
    update_interest(s);
    return s;
}

void stream_turn_away(struct loop *loop, int fd, struct str bytes) {
    (void)loop;
    ssize_t ignored = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)ignored;
    close(fd);
}

/* 0, or why not. The port is found when it connects, so that one address has as many ports as there are peers. */
static int bind_to(int fd, const struct net_address *from) {
    struct sockaddr_storage address;
    socklen_t n = sockaddr_from_address(from, &address);
    int one = 1;
    if (from->port == 0) setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    return bind(fd, (struct sockaddr *)&address, n) == 0 ? 0 : errno;
}

static int start_connect(int fd, const struct net_address *to) {
    struct sockaddr_storage address;
    socklen_t n = sockaddr_from_address(to, &address);
    return connect(fd, (struct sockaddr *)&address, n) == 0 || errno == EINPROGRESS ? 0 : errno;
}

struct stream *stream_connect(struct loop *loop, const struct net_address *to, const struct net_address *from, int64_t timeout_ms,
                              const struct stream_events *events, void *arg) {
    static const int families[] = {[1] = AF_UNIX, [4] = AF_INET, [6] = AF_INET6};
    int fd = socket(families[to->family], SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int error = fd < 0 ? errno : 0, unbound = fd >= 0 && from ? bind_to(fd, from) : 0;
    if (!error && !unbound) error = start_connect(fd, to);
    struct stream *s = stream_new(loop, fd, to, events, arg);
    if (error || unbound) {
        wire_set_errno(&s->wire, error ? error : unbound);
        end(s, WIRE_FAILED);
        if (unbound) s->end_status = STATUS_NOT_FOUND;
        kick(s);
        return s;
    }
    timer_start(&s->step, timeout_ms);
    update_interest(s);
    return s;
}

void stream_set_events(struct stream *s, const struct stream_events *events, void *arg) {
    s->events = events;
    s->arg = arg;
}

void stream_free(struct stream **stream) {
    struct stream *s = *stream;
    if (!s) return;
    *stream = NULL;
    release(s);
    buf_fini(&s->in);
    s->is_dead = true;
    if (!s->is_pumping) free(s);
}

void stream_reset(struct stream **stream) {
    const struct linger none = {.l_onoff = 1};
    if (*stream && (*stream)->wire.fd >= 0) setsockopt((*stream)->wire.fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    stream_free(stream);
}

enum status stream_start_tls(struct stream *s, struct tls_context *context, const char *server_name, int64_t timeout_ms) {
    const struct tls_peer peer = {.name = server_name};
    return stream_start_tls_with(s, context, &peer, timeout_ms);
}

enum status stream_start_tls_with(struct stream *s, struct tls_context *context, const struct tls_peer *peer,
                                  int64_t timeout_ms) {
    assert(!s->wire.ssl && !s->is_tls_wanted);
    if (s->in.n > 0) return STATUS_DENIED;
    if (s->state != OPEN) return STATUS_CLOSED;
    enum status status = wire_prepare_tls(&s->wire, context, peer, &s->peer);
    if (status != STATUS_OK) return status;
    timer_start(&s->step, timeout_ms);
    s->is_tls_wanted = true;
    kick(s);
    return STATUS_OK;
}

bool stream_is_tls(const struct stream *s) {
    return s->wire.is_tls && s->state != SHAKING;
}

struct str stream_tls_version(const struct stream *s) {
    return stream_is_tls(s) ? str_from_z(SSL_get_version(s->wire.ssl)) : STR("");
}

struct str stream_tls_cipher(const struct stream *s) {
    return stream_is_tls(s) ? str_from_z(SSL_get_cipher_name(s->wire.ssl)) : STR("");
}

bool stream_tls_is_verified(const struct stream *s) {
    return stream_tls_check(s) == TLS_PEER_OK;
}

enum tls_check_result stream_tls_check(const struct stream *s) {
    return stream_is_tls(s) ? wire_check(&s->wire) : TLS_PEER_FAILED;
}

struct buf *stream_in(struct stream *s) {
    return &s->in;
}

bool stream_has_input(const struct stream *s) {
    char byte;
    return s->in.n > 0 || (s->state == OPEN && recv(s->wire.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0);
}

void stream_set_read_max(struct stream *s, size_t bytes) {
    s->read_max = bytes;
    kick(s);
}

void stream_pause(struct stream *s) {
    s->is_paused = true;
}

void stream_resume(struct stream *s) {
    if (s->is_paused && s->in.n > 0) s->is_read_due = true;
    s->is_paused = false;
    kick(s);
}

void stream_write(struct stream *s, struct str bytes) {
    if (s->state == CLOSED || s->is_finishing) return;
    outq_add(&s->out, bytes);
    s->is_drain_due = true;
    kick(s);
}

void stream_write_borrowed(struct stream *s, struct str bytes) {
    if (s->state == CLOSED || s->is_finishing) return;
    outq_add_borrowed(&s->out, bytes);
    s->is_drain_due = true;
    kick(s);
}

size_t stream_out_pending(const struct stream *s) {
    return s->out.bytes;
}

void stream_finish(struct stream *s) {
    s->is_finishing = true;
    kick(s);
}

void stream_deadline(struct stream *s, int64_t ms_from_now) {
    if (s->state == CLOSED) return;
    if (ms_from_now < 0)
        timer_stop(&s->deadline);
    else
        timer_start(&s->deadline, ms_from_now);
}

struct str stream_why(const struct stream *s) {
    return str_from_z(s->wire.why);
}

const struct net_address *stream_peer(const struct stream *s) {
    return &s->peer;
}

const struct net_address *stream_local(const struct stream *s) {
    return &s->local;
}

bool stream_peer_uid(const struct stream *s, uint32_t *ret_uid) {
    struct ucred peer;
    socklen_t n = sizeof peer;
    if (s->peer.family != 1 || getsockopt(s->wire.fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) != 0) return false;
    *ret_uid = peer.uid;
    return true;
}
