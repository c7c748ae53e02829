/* load.c - posts messages to /api/v1/email over many connections and measures each answer. One thread, epoll, bounded in count
 * and time.
 *
 *   load HOST PORT KEY COUNT CONNECTIONS keep|close BYTES DOMAINS [SEND_AT]
 *
 * Every message has a body of BYTES and a recipient of its own, spread over d0.bench.test ... . With SEND_AT (Unix time) it is
 * to be accepted now and delivered then. With close, a connection's making is part of its answer's time. Prints one line of
 * key=value. Exits 1 when an answer was not 200.
 * SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SECONDS_MAX 600
#define ANSWER_MAX  8192

struct connection {
    int fd;
    char *request;
    size_t request_len, sent;
    char answer[ANSWER_MAX];
    size_t answer_len;
    double started;
};

struct load {
    struct sockaddr_in to;
    const char *key, *body, *send_at;
    long count, begun, ended, wrong, domains;
    int keep, epoll;
    double *latency_ms;
    size_t body_len;
};

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void dial(struct load *l, struct connection *c) {
    c->started = now();
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&l->to, sizeof l->to) != 0) die("connect");
    int one = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &e) != 0) die("epoll_ctl");
}

/* Requests are small beside socket buffers, so they are written at once. */
static int begin(struct load *l, struct connection *c) {
    if (l->begun == l->count) return 0;
    long i = l->begun++;
    char json[512];
    int json_len =
        snprintf(json, sizeof json,
                 "{%s%s%s\"From\":{\"email\":\"bench@bench.test\",\"name\":\"Bench\"},\"To\":[{\"email\":\"u%ld@d%ld.bench."
                 "test\",\"name\":\"\"}],"
                 "\"Subject\":\"Benchmark %ld\",\"ContentType\":\"plain\",\"PlainContent\":\"",
                 l->send_at ? "\"SendAt\":" : "", l->send_at ? l->send_at : "", l->send_at ? "," : "", i, i % l->domains, i);
    size_t total = (size_t)json_len + l->body_len + 2;
    int head_len =
        snprintf(c->request, 1024,
                 "POST /api/v1/email HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"
                 "Content-Length: %zu\r\n%s\r\n",
                 l->key, total, l->keep ? "" : "Connection: close\r\n");
    char *p = c->request + head_len;
    memcpy(p, json, (size_t)json_len);
    memcpy(p + json_len, l->body, l->body_len);
    memcpy(p + (size_t)json_len + l->body_len, "\"}", 2);
    c->request_len = (size_t)head_len + total;
    c->answer_len = 0;
    if (l->keep) c->started = now();
    for (c->sent = 0; c->sent < c->request_len;) {
        ssize_t n = send(c->fd, c->request + c->sent, c->request_len - c->sent, MSG_NOSIGNAL);
        if (n <= 0) die("send");
        c->sent += (size_t)n;
    }
    return 1;
}

static int answer_is_complete(const struct connection *c) {
    const char *end = memmem(c->answer, c->answer_len, "\r\n\r\n", 4);
    if (!end) return 0;
    const char *length = strcasestr(c->answer, "content-length:");
    return length && c->answer_len >= (size_t)(end + 4 - c->answer) + strtoul(length + 15, NULL, 10);
}

static int on_readable(struct load *l, struct connection *c) {
    ssize_t n = read(c->fd, c->answer + c->answer_len, sizeof c->answer - 1 - c->answer_len);
    if (n <= 0) die("an answer did not come");
    c->answer_len += (size_t)n;
    c->answer[c->answer_len] = 0;
    if (!answer_is_complete(c)) return 1;
    if (strncmp(c->answer, "HTTP/1.1 200", 12) != 0) {
        if (l->wrong++ == 0) fprintf(stderr, "%s\n", c->answer);
    }
    l->latency_ms[l->ended++] = (now() - c->started) * 1000;
    if (!l->keep) {
        close(c->fd);
        if (l->begun < l->count) dial(l, c);
    }
    return begin(l, c);
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv) {
    if (argc != 9 && argc != 10) {
        fprintf(stderr, "usage: load HOST PORT KEY COUNT CONNECTIONS keep|close BYTES DOMAINS [SEND_AT]\n");
        return 64;
    }
    struct load l = {.to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10))},
                     .key = argv[3],
                     .send_at = argc > 9 ? argv[9] : NULL,
                     .count = strtol(argv[4], NULL, 10),
                     .keep = strcmp(argv[6], "keep") == 0,
                     .body_len = strtoul(argv[7], NULL, 10),
                     .domains = strtol(argv[8], NULL, 10),
                     .epoll = epoll_create1(EPOLL_CLOEXEC)};
    inet_pton(AF_INET, argv[1], &l.to.sin_addr);
    long connections = strtol(argv[5], NULL, 10);
    char *body = malloc(l.body_len + 1);
    for (size_t i = 0; i < l.body_len; i++) body[i] = "The quick brown fox jumps over the lazy dog, again and again. "[i % 62];
    for (size_t i = 74; i + 1 < l.body_len; i += 76) memcpy(body + i, "\\n", 2);
    l.body = body;
    l.latency_ms = calloc((size_t)l.count, sizeof *l.latency_ms);
    struct connection *all = calloc((size_t)connections, sizeof *all);
    double start = now();
    long busy = 0;
    for (long i = 0; i < connections; i++) {
        all[i].request = malloc(l.body_len + 2048);
        dial(&l, &all[i]);
        busy += begin(&l, &all[i]);
    }
    while (busy > 0 && now() - start < SECONDS_MAX) {
        struct epoll_event events[256];
        int n = epoll_wait(l.epoll, events, 256, 1000);
        for (int i = 0; i < n; i++)
            if (!on_readable(&l, events[i].data.ptr)) busy--;
    }
    double seconds = now() - start;
    if (l.ended == 0) return 1;
    qsort(l.latency_ms, (size_t)l.ended, sizeof *l.latency_ms, by_size);
    printf("answers=%ld wrong=%ld seconds=%.3f per_s=%.0f p50_ms=%.2f p99_ms=%.2f max_ms=%.2f\n", l.ended, l.wrong, seconds,
           (double)l.ended / seconds, l.latency_ms[l.ended / 2], l.latency_ms[l.ended * 99 / 100], l.latency_ms[l.ended - 1]);
    return l.wrong || l.ended != l.count;
}
