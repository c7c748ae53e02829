/* listener.c - accepting connections and dealing them out.
 *
 * loops[0] accepts; each descriptor travels to its loop by mailbox, its own included, so the callee always starts on a fresh
 * stack.
 * SPDX-License-Identifier: Apache-2.0 */
#include "net/listener.h"

#include "net/sockaddr.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG        1024
#define ACCEPTS_A_TURN 64
#define REST_MS        100 /* out of descriptors: others may close some */

struct listener {
    int fd;
    struct event *readable;
    struct timer rest;
    struct net_address address;
    bool is_ours; /* opened here: a Unix socket's file goes with it */
    struct loop **loops;
    size_t loop_count, next_loop;
    listener_accept_fn accept;
    void *arg;
};
struct parcel {
    struct post post;
    struct loop *loop;
    listener_accept_fn accept;
    void *arg;
    int fd;
    struct net_address peer;
};

static void open_parcel(struct post *post) {
    struct parcel *p = LIST_OWNER(post, struct parcel, post);
    p->accept(p->arg, p->loop, p->fd, &p->peer);
    free(p);
}

static void hand_out(struct listener *l, int fd, const struct net_address *peer) {
    struct parcel *p = malloc(sizeof *p);
    if (!p) abort();
    struct loop *loop = l->loops[l->next_loop++ % l->loop_count];
    *p = (struct parcel){.post.fn = open_parcel, .loop = loop, .accept = l->accept, .arg = l->arg, .fd = fd, .peer = *peer};
    loop_post(loop, &p->post);
}

static bool is_out_of_room(int error) {
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

static void on_readable(evutil_socket_t fd, short what, void *arg) {
    (void)what;
    struct listener *l = arg;
    for (int i = 0; i < ACCEPTS_A_TURN; i++) {
        struct sockaddr_storage from = {0};
        socklen_t n = sizeof from;
        int accepted = accept4(fd, (struct sockaddr *)&from, &n, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (accepted >= 0) {
            struct net_address peer = sockaddr_to_address(&from, n);
            hand_out(l, accepted, &peer);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return;
        } else if (is_out_of_room(errno)) {
            event_del(l->readable);
            timer_start(&l->rest, REST_MS);
            return;
        } /* else: that one is gone already (ECONNABORTED and the like); the next */
    }
}

static void on_rested(void *arg) {
    struct listener *l = arg;
    event_add(l->readable, NULL);
}

/* A socket file that nobody answers at is left over from a crash. */
static void remove_stale(const struct sockaddr_storage *address, socklen_t n, const char *path) {
    struct stat about;
    if (lstat(path, &about) != 0 || !S_ISSOCK(about.st_mode)) return;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return;
    if (connect(fd, (const struct sockaddr *)address, n) != 0 && errno == ECONNREFUSED) unlink(path);
    close(fd);
}

static enum status status_from_errno(int error) {
    if (error == EADDRINUSE) return STATUS_EXISTS;
    if (error == EACCES || error == EPERM) return STATUS_DENIED;
    if (error == EADDRNOTAVAIL || error == EAFNOSUPPORT || error == ENOENT || error == ENOTDIR || error == EINVAL)
        return STATUS_INVALID;
    return STATUS_IO;
}

/* Bound and listening, or -1 with errno. */
static int open_socket(const struct listener_options *o) {
    struct sockaddr_storage address;
    socklen_t n = sockaddr_from_address(o->address, &address);
    int one = 1, fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -1;
    bool ok = true;
    if (o->address->family == 1)
        remove_stale(&address, n, o->address->path);
    else
        ok = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0;
    if (o->address->family == 6) ok = ok && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one) == 0;
    /* The mode is set before listen(): until then nobody can connect. */
    ok = ok && bind(fd, (struct sockaddr *)&address, n) == 0 &&
         (o->address->family != 1 || chmod(o->address->path, (mode_t)o->unix_mode) == 0) && listen(fd, BACKLOG) == 0;
    if (ok) return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static struct listener *listener_new(const struct listener_options *o, int fd, const struct net_address *address) {
    struct listener *l = calloc(1, sizeof *l);
    if (!l) abort();
    *l = (struct listener){.fd = fd, .loop_count = o->loop_count, .accept = o->accept, .arg = o->arg, .address = *address};
    l->loops = calloc(o->loop_count, sizeof(struct loop *));
    if (!l->loops) abort();
    for (size_t i = 0; i < o->loop_count; i++) l->loops[i] = o->loops[i];
    timer_init(&l->rest, l->loops[0], on_rested, l);
    l->readable = event_new(loop_event_base(l->loops[0]), fd, EV_READ | EV_PERSIST, on_readable, l);
    if (!l->readable) abort();
    event_add(l->readable, NULL);
    return l;
}

/* Where fd is bound; false: nobody knows. */
static bool find_address(int fd, struct net_address *ret) {
    struct sockaddr_storage bound = {0};
    socklen_t n = sizeof bound;
    if (getsockname(fd, (struct sockaddr *)&bound, &n) != 0) return false;
    *ret = sockaddr_to_address(&bound, n);
    return true;
}

enum status listener_open(const struct listener_options *o, struct listener **ret) {
    int fd = open_socket(o);
    if (fd < 0) return status_from_errno(errno);
    struct net_address address = *o->address;
    if (address.family != 1) (void)find_address(fd, &address);
    *ret = listener_new(o, fd, &address);
    (*ret)->is_ours = true;
    return STATUS_OK;
}

static bool socket_says(int fd, int option, int value) {
    int got;
    socklen_t n = sizeof got;
    return getsockopt(fd, SOL_SOCKET, option, &got, &n) == 0 && got == value;
}

enum status listener_adopt(const struct listener_options *o, int fd, struct listener **ret) {
    struct net_address address;
    if (!socket_says(fd, SO_TYPE, SOCK_STREAM) || !socket_says(fd, SO_ACCEPTCONN, 1) || !find_address(fd, &address))
        return STATUS_INVALID;
    evutil_make_socket_nonblocking(fd);
    evutil_make_socket_closeonexec(fd);
    *ret = listener_new(o, fd, &address);
    return STATUS_OK;
}

void listener_close(struct listener **listener) {
    struct listener *l = *listener;
    if (!l) return;
    *listener = NULL;
    event_free(l->readable);
    timer_fini(&l->rest);
    close(l->fd);
    if (l->is_ours && l->address.family == 1) unlink(l->address.path);
    free(l->loops);
    free(l);
}

const struct net_address *listener_address(const struct listener *l) {
    return &l->address;
}
