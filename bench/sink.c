/* sink.c - an SMTP server that takes everything and keeps nothing: the recipients' side of a benchmark. One thread, epoll.
 *
 *   sink PORT COUNT [SECONDS_IDLE]
 *
 * Answers on 127.0.0.1, with PIPELINING. Ends when COUNT messages came, or when none came for SECONDS_IDLE
 * (60). Prints one line of key=value; last_at is the Unix time of the last final dot; rsa and ed25519 are the messages whose
 * first 4 KiB have a DKIM signature of that kind. Exits 1 when some are missing.
 * SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const char end_of_data[] = "\r\n.\r\n";

struct session {
    int fd, in_data;
    size_t matched; /* bytes of end_of_data seen */
    size_t line_len;
    char line[4096];
    size_t head_len;
    char head[4096]; /* of the content */
};

struct sink {
    long taken, wanted, connections, rsa, ed25519;
    double bytes, first_at, last_at;
    char replies[1 << 16];
    size_t reply_len;
};

static double wall(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void reply(struct sink *k, const char *text) {
    size_t n = strlen(text);
    if (k->reply_len + n > sizeof k->replies) return;
    memcpy(k->replies + k->reply_len, text, n);
    k->reply_len += n;
}

/* Content up to the final dot; returns how many bytes of it were in `p`. */
static size_t take_content(struct sink *k, struct session *s, const char *p, size_t n) {
    size_t i = 0;
    while (i < n) {
        if (s->matched == 0) {
            const char *cr = memchr(p + i, '\r', n - i);
            if (!cr) return n;
            i = (size_t)(cr - p) + 1;
            s->matched = 1;
            continue;
        }
        char c = p[i++];
        s->matched = c == end_of_data[s->matched] ? s->matched + 1 : c == '\r';
        if (s->matched < 5) continue;
        s->in_data = 0;
        k->taken++;
        k->last_at = wall();
        reply(k, "250 2.0.0 taken\r\n");
        return i;
    }
    return i;
}

/* One command line; false: the session ends. */
static int take_command(struct sink *k, struct session *s) {
    if (strncasecmp(s->line, "EHLO", 4) == 0)
        reply(k, "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 100000000\r\n");
    else if (strncasecmp(s->line, "DATA", 4) == 0) {
        reply(k, "354 go on\r\n");
        s->in_data = 1;
        s->head_len = 0;
        s->matched = 2; /* the CRLF of DATA itself: an empty message is a dot at once */
        if (k->first_at == 0) k->first_at = wall();
    } else if (strncasecmp(s->line, "QUIT", 4) == 0) {
        reply(k, "221 2.0.0 bye\r\n");
        return 0;
    } else
        reply(k, "250 2.0.0 ok\r\n");
    return 1;
}

static void look_at_head(struct sink *k, struct session *s, const char *p, size_t n) {
    size_t room = sizeof s->head - s->head_len, used = n < room ? n : room;
    memcpy(s->head + s->head_len, p, used);
    s->head_len += used;
    if (s->in_data) return;
    k->rsa += memmem(s->head, s->head_len, "a=rsa-sha256", 12) != NULL;
    k->ed25519 += memmem(s->head, s->head_len, "a=ed25519-sha256", 16) != NULL;
}

static int take(struct sink *k, struct session *s, const char *p, size_t n) {
    k->bytes += (double)n;
    while (n) {
        size_t used;
        if (s->in_data) {
            used = take_content(k, s, p, n);
            look_at_head(k, s, p, used);
        } else {
            const char *lf = memchr(p, '\n', n);
            used = lf ? (size_t)(lf - p) + 1 : n;
            if (s->line_len + used >= sizeof s->line) return 0;
            memcpy(s->line + s->line_len, p, used);
            s->line_len += used;
            s->line[s->line_len] = 0;
            if (lf) {
                s->line_len = 0;
                if (!take_command(k, s)) return 0;
            }
        }
        p += used;
        n -= used;
    }
    return 1;
}

static int listen_on(uint16_t port) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(fd, 4096) != 0) {
        perror("sink: listen");
        exit(1);
    }
    return fd;
}

static void welcome(struct sink *k, int epoll, int listener) {
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        int one = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct session *s = calloc(1, sizeof *s);
        s->fd = fd;
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = s};
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
        k->connections++;
        if (write(fd, "220 sink ready\r\n", 16) != 16) shutdown(fd, SHUT_RDWR);
    }
}

static void serve(struct sink *k, struct session *s) {
    static char in[1 << 18];
    ssize_t n = read(s->fd, in, sizeof in);
    if (n < 0 && errno == EAGAIN) return;
    k->reply_len = 0;
    int stays = n > 0 && take(k, s, in, (size_t)n);
    if (k->reply_len && write(s->fd, k->replies, k->reply_len) != (ssize_t)k->reply_len) stays = 0;
    if (stays) return;
    close(s->fd);
    free(s);
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: sink PORT COUNT [SECONDS_IDLE]\n");
        return 64;
    }
    static struct sink k;
    k.wanted = strtol(argv[2], NULL, 10);
    long idle = argc > 3 ? strtol(argv[3], NULL, 10) : 60;
    int listener = listen_on((uint16_t)strtoul(argv[1], NULL, 10)), epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event e = {.events = EPOLLIN}, events[256];
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &e);
    double quiet_since = wall();
    for (long seen = 0; k.taken < k.wanted && wall() - quiet_since < (double)idle;) {
        int n = epoll_wait(epoll, events, 256, 500);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr)
                serve(&k, events[i].data.ptr);
            else
                welcome(&k, epoll, listener);
        }
        if (k.taken != seen) quiet_since = wall();
        seen = k.taken;
    }
    printf("taken=%ld seconds=%.3f per_s=%.0f megabytes=%.1f connections=%ld rsa=%ld ed25519=%ld last_at=%.3f\n", k.taken, k.last_at - k.first_at,
           k.last_at > k.first_at ? (double)k.taken / (k.last_at - k.first_at) : 0, k.bytes / 1e6, k.connections, k.rsa, k.ed25519, k.last_at);
    return k.taken < k.wanted;
}
