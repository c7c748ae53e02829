/* feed_sink.c - see feed_sink.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "hook/feed_sink.h"

#include "base/clock.h"
#include "net/sockaddr.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE 4096 /* bytes looked back at a time for the end of a line */

struct feed_sink {
    enum feed_kind kind;
    struct buf path;           /* of a file */
    struct net_address reader; /* of a socket */
    int cancel_fd;
};

static enum status fail(struct buf *why, const char *what) {
    buf_addf(why, "%s: %s", what, strerror(errno));
    return STATUS_TEMPORARY;
}

/* ---- a file ---- */

/* A new name is to outlive a power cut too. */
static enum status sync_folder(const struct feed_sink *s, struct buf *why) {
    struct buf folder = {0};
    buf_add(&folder, s->path.p, str_find_last(buf_str(&s->path), '/') + 1);
    int fd = open(folder.p, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool is_synced = fd >= 0 && fsync(fd) == 0;
    enum status status = is_synced ? STATUS_OK : fail(why, "its folder cannot be synced");
    if (fd >= 0) close(fd);
    buf_fini(&folder);
    return status;
}

static enum status open_file(const struct feed_sink *s, int *ret_fd, struct buf *why) {
    const int flags = O_RDWR | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    struct stat st;
    int fd = open(s->path.p, flags);
    bool is_new = fd < 0 && errno == ENOENT;
    if (is_new) fd = open(s->path.p, flags | O_CREAT, FEED_FILE_MODE);
    if (is_new && fd >= 0) (void)fchmod(fd, FEED_FILE_MODE); /* whatever the umask: collectors are of a group as a rule */
    if (fd < 0) return fail(why, "it cannot be opened");
    enum status status = is_new ? sync_folder(s, why) : STATUS_OK;
    if (status == STATUS_OK && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))) {
        buf_add_z(why, "it is no regular file");
        status = STATUS_TEMPORARY;
    }
    if (status == STATUS_OK)
        *ret_fd = fd;
    else
        close(fd);
    return status;
}

/* Where the last whole line ends. */
static enum status find_end(int fd, off_t *ret_end, struct buf *why) {
    char piece[PIECE];
    off_t end = lseek(fd, 0, SEEK_END);
    while (end > 0) {
        size_t n = end < PIECE ? (size_t)end : PIECE;
        ssize_t got = pread(fd, piece, n, end - (off_t)n);
        if (got != (ssize_t)n) return fail(why, "it cannot be read");
        size_t last = str_find_last(str_make(piece, n), '\n');
        if (last != STR_NONE) {
            end -= (off_t)(n - last - 1);
            break;
        }
        end -= (off_t)n;
    }
    if (end < 0) return fail(why, "it cannot be read");
    *ret_end = end;
    return STATUS_OK;
}

static enum status append(int fd, struct str lines, struct buf *why) {
    while (lines.n) {
        ssize_t n = write(fd, lines.p, lines.n);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail(why, "it cannot be written");
        lines = str_sub(lines, (size_t)n, SIZE_MAX);
    }
    return fdatasync(fd) == 0 ? STATUS_OK : fail(why, "it cannot be synced");
}

static enum status write_file(const struct feed_sink *s, struct str lines, struct buf *why) {
    int fd;
    off_t end = 0;
    enum status status = open_file(s, &fd, why);
    if (status != STATUS_OK) return status;
    status = find_end(fd, &end, why);
    if (status == STATUS_OK && end != lseek(fd, 0, SEEK_END) && ftruncate(fd, end) != 0)
        status = fail(why, "half a line cannot be cut off");
    if (status == STATUS_OK) {
        status = append(fd, lines, why);
        if (status != STATUS_OK && ftruncate(fd, end) != 0) (void)fail(why, "; half a batch cannot be cut off");
    }
    close(fd);
    return status;
}

/* ---- a socket ---- */
struct call {
    const struct feed_sink *sink;
    int fd;
    int64_t deadline; /* of the next step forward */
    struct buf *why;
};

static void be_patient(struct call *c) {
    c->deadline = clock_mono_ms(clock_system()) + FEED_PATIENCE_S * 1000;
}

static enum status wait_for(const struct call *c, short events) {
    struct pollfd fds[] = {{.fd = c->fd, .events = events}, {.fd = c->sink->cancel_fd, .events = POLLIN}};
    int64_t left = c->deadline - clock_mono_ms(clock_system());
    int n = poll(fds, 2, left > 0 ? (int)left : 0);
    if (n < 0 && errno != EINTR) return fail(c->why, "it cannot be waited for");
    if (fds[1].revents) return STATUS_CANCELLED;
    if (n == 0) buf_addf(c->why, "nothing was taken for %d seconds", FEED_PATIENCE_S);
    return n == 0 ? STATUS_TIMEOUT : STATUS_OK;
}

static enum status call_reader(struct call *c) {
    struct sockaddr_storage to;
    socklen_t length = sockaddr_from_address(&c->sink->reader, &to);
    int error = 0;
    socklen_t size = sizeof error;
    if (connect(c->fd, (const struct sockaddr *)&to, length) == 0) return STATUS_OK;
    if (errno != EINPROGRESS) return fail(c->why, "nobody answers");
    enum status status = wait_for(c, POLLOUT);
    if (status != STATUS_OK) return status;
    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0) return STATUS_OK;
    errno = error;
    return fail(c->why, "nobody answers");
}

static enum status send_lines(struct call *c, struct str lines) {
    while (lines.n) {
        ssize_t n = send(c->fd, lines.p, lines.n, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN && errno != EINTR) return fail(c->why, "it hung up");
        if (n > 0) be_patient(c);
        if (n > 0) lines = str_sub(lines, (size_t)n, SIZE_MAX);
        enum status status = n < 0 ? wait_for(c, POLLOUT) : STATUS_OK;
        if (status != STATUS_OK) return status;
    }
    return shutdown(c->fd, SHUT_WR) == 0 ? STATUS_OK : fail(c->why, "it hung up");
}

/* What it says before it closes is its own affair. */
static enum status wait_for_close(struct call *c) {
    char words[512];
    for (;;) {
        ssize_t n = recv(c->fd, words, sizeof words, 0);
        if (n == 0) return STATUS_OK;
        if (n < 0 && errno != EAGAIN && errno != EINTR) return fail(c->why, "it closed with lines unread");
        enum status status = n < 0 ? wait_for(c, POLLIN) : STATUS_OK;
        if (status != STATUS_OK) return status;
        if (n > 0 && clock_mono_ms(clock_system()) > c->deadline) {
            buf_add_z(c->why, "it talks and does not close");
            return STATUS_TIMEOUT;
        }
    }
}

static enum status write_socket(const struct feed_sink *s, struct str lines, struct buf *why) {
    int family = s->reader.family == 4 ? AF_INET : s->reader.family == 6 ? AF_INET6 : AF_UNIX;
    struct call c = {.sink = s, .fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), .why = why};
    if (c.fd < 0) return fail(why, "no socket can be had");
    be_patient(&c);
    enum status status = call_reader(&c);
    if (status == STATUS_OK) status = send_lines(&c, lines);
    be_patient(&c);
    if (status == STATUS_OK) status = wait_for_close(&c);
    close(c.fd);
    return status;
}

/* ---- either ---- */
enum status feed_sink_write(struct feed_sink *s, struct str lines, struct buf *why) {
    return s->kind == FEED_FILE ? write_file(s, lines, why) : write_socket(s, lines, why);
}

enum status feed_sink_new(struct str target, struct feed_sink **ret) {
    struct feed_target parsed;
    struct net_address reader = {.family = 0};
    if (!feed_target_parse(target, &parsed)) return STATUS_INVALID;
    struct str address = parsed.kind == FEED_UNIX ? target : parsed.place;
    if (parsed.kind != FEED_FILE && net_address_parse(address, &reader) != STATUS_OK) return STATUS_INVALID;
    if (parsed.kind == FEED_TCP && reader.family == 1) return STATUS_INVALID;
    struct feed_sink *s = calloc(1, sizeof *s);
    if (!s) abort();
    s->kind = parsed.kind;
    s->reader = reader;
    buf_add_str(&s->path, parsed.place);
    s->cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (s->cancel_fd < 0) abort();
    *ret = s;
    return STATUS_OK;
}

void feed_sink_cancel(struct feed_sink *s) {
    if (eventfd_write(s->cancel_fd, 1) != 0) abort();
}

void feed_sink_free(struct feed_sink **place) {
    struct feed_sink *s = *place;
    if (!s) return;
    *place = NULL;
    buf_fini(&s->path);
    close(s->cancel_fd);
    free(s);
}
