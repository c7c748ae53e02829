/* load.c - sends one request over many connections, again and again, and measures each answer. One thread, epoll, bounded in
 * count and time.
 *
 *   load HOST PORT METHOD PATH BODY COUNT CONNECTIONS keep|close WHEEL [HEADER]...
 *
 * PATH may be @FILE: a path a line, one request after the other. BODY is a file, "-" none. In it and in PATH, %i is the request's number (0 ...) and %w that number modulo WHEEL. With close, a
 * connection's making is part of its answer's time. Prints one line of key=value. An answer is wrong when its status is not 2xx
 * or 3xx, or it says "Success":false; the first wrong one is shown, and the exit status is 1.
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
#define KEPT        16384 /* of an answer; what follows is counted only */
#define NUMBER_MAX  20
#define LENGTH_MAX  64 /* of the line that tells the body's, and the empty one */

/* A text in which numbers are filled in. */
struct form {
    char *text;
    size_t len;
};
struct connection {
    int fd;
    char *request;
    char answer[KEPT + 1];
    size_t answer_len, wanted; /* wanted: all of it; 0: not known yet */
    double started;
};
struct load {
    struct sockaddr_in to;
    struct form head, body; /* the head without its Content-Length and last line */
    char **paths; /* of @FILE */
    long path_count;
    size_t path_max; /* bytes */
    long count, begun, ended, wrong, wheel;
    int keep, epoll;
    double *latency_ms;
    size_t answer_bytes;
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

/* ---- requests ---- */
static size_t fill(const struct load *l, const struct form *form, long i, char *out) {
    const char *p = form->text, *end = p + form->len;
    char *o = out;
    while (p < end) {
        const char *sign = memchr(p, '%', (size_t)(end - p));
        size_t plain = (size_t)((sign ? sign : end) - p);
        memcpy(o, p, plain);
        o += plain, p += plain;
        if (!sign) break;
        if (end - p > 1 && p[1] == '@' && l->path_count) {
            o = stpcpy(o, l->paths[i % l->path_count]);
            p += 2;
        } else if (end - p > 1 && (p[1] == 'i' || p[1] == 'w')) {
            o += snprintf(o, NUMBER_MAX + 1, "%ld", p[1] == 'i' ? i : i % l->wheel);
            p += 2;
        } else {
            *o++ = *p++;
        }
    }
    return (size_t)(o - out);
}

static struct form read_body(const char *path) {
    struct form body = {calloc(1, 1), 0};
    FILE *f = strcmp(path, "-") == 0 ? NULL : fopen(path, "rb");
    if (!f && strcmp(path, "-") != 0) die(path);
    if (!f) return body;
    fseek(f, 0, SEEK_END);
    body.len = (size_t)ftell(f);
    rewind(f);
    body.text = realloc(body.text, body.len + 1);
    if (fread(body.text, 1, body.len, f) != body.len) die(path);
    fclose(f);
    return body;
}

static void read_paths(struct load *l, const char *file) {
    FILE *f = fopen(file, "r");
    char *line = NULL;
    size_t room = 0;
    if (!f) die(file);
    for (ssize_t n; (n = getline(&line, &room, f)) > 0;) {
        if (line[n - 1] == '\n') line[--n] = 0;
        if ((l->path_count & (l->path_count - 1)) == 0)
            l->paths = realloc(l->paths, (size_t)(l->path_count ? 2 * l->path_count : 1) * sizeof *l->paths);
        l->paths[l->path_count++] = strdup(line);
        if ((size_t)n > l->path_max) l->path_max = (size_t)n;
    }
    free(line);
    fclose(f);
}

static struct form make_head(const char *method, const char *path, int keep, char **headers) {
    struct form head;
    FILE *f = open_memstream(&head.text, &head.len);
    fprintf(f, "%s %s HTTP/1.1\r\nHost: bench\r\n%s", method, path, keep ? "" : "Connection: close\r\n");
    for (; *headers; headers++) fprintf(f, "%s\r\n", *headers);
    fclose(f);
    return head;
}

static size_t room_of(const struct form *form, size_t path_max) {
    size_t room = form->len;
    for (size_t i = 0; i < form->len; i++) room += form->text[i] == '%' ? NUMBER_MAX + path_max : 0;
    return room;
}

/* The body is made behind where its length is told, and then moved up to it. */
static size_t make_request(const struct load *l, char *out, long i) {
    size_t head_len = fill(l, &l->head, i, out), end = 0;
    char *body = out + head_len + LENGTH_MAX;
    size_t body_len = fill(l, &l->body, i, body);
    if (l->body.len) end = (size_t)snprintf(out + head_len, LENGTH_MAX, "Content-Length: %zu\r\n\r\n", body_len);
    if (!l->body.len) end = (size_t)snprintf(out + head_len, LENGTH_MAX, "\r\n");
    memmove(out + head_len + end, body, body_len);
    return head_len + end + body_len;
}

/* ---- connections ---- */
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
    size_t len = make_request(l, c->request, l->begun++);
    c->answer_len = c->wanted = 0;
    if (l->keep) c->started = now();
    for (size_t sent = 0; sent < len;) {
        ssize_t n = send(c->fd, c->request + sent, len - sent, MSG_NOSIGNAL);
        if (n <= 0) die("send");
        sent += (size_t)n;
    }
    return 1;
}

/* Once the head is there, how long the answer is. */
static void measure_answer(struct connection *c) {
    const char *end = memmem(c->answer, c->answer_len, "\r\n\r\n", 4);
    const char *length = end ? strcasestr(c->answer, "content-length:") : NULL;
    if (length) c->wanted = (size_t)(end + 4 - c->answer) + strtoul(length + 15, NULL, 10);
}

static ssize_t read_more(struct connection *c) {
    char rest[65536];
    if (c->answer_len >= KEPT) return read(c->fd, rest, sizeof rest);
    ssize_t n = read(c->fd, c->answer + c->answer_len, KEPT - c->answer_len);
    if (n > 0) c->answer[c->answer_len + (size_t)n] = 0;
    return n;
}

static int on_readable(struct load *l, struct connection *c) {
    ssize_t n = read_more(c);
    if (n <= 0) die("an answer did not come");
    c->answer_len += (size_t)n;
    if (!c->wanted) measure_answer(c);
    if (!c->wanted || c->answer_len < c->wanted) return 1;
    if ((strncmp(c->answer, "HTTP/1.1 2", 10) != 0 && strncmp(c->answer, "HTTP/1.1 3", 10) != 0) || strstr(c->answer, "\"Success\":false")) {
        if (l->wrong++ == 0) fprintf(stderr, "%s\n", c->answer);
    }
    l->answer_bytes = c->answer_len;
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

static double run(struct load *l, long connections) {
    struct connection *all = calloc((size_t)connections, sizeof *all);
    double start = now();
    long busy = 0;
    for (long i = 0; i < connections; i++) {
        all[i].request = malloc(room_of(&l->head, l->path_max) + room_of(&l->body, l->path_max) + LENGTH_MAX);
        dial(l, &all[i]);
        busy += begin(l, &all[i]);
    }
    while (busy > 0 && now() - start < SECONDS_MAX) {
        struct epoll_event events[256];
        int n = epoll_wait(l->epoll, events, 256, 1000);
        for (int i = 0; i < n; i++)
            if (!on_readable(l, events[i].data.ptr)) busy--;
    }
    return now() - start;
}

int main(int argc, char **argv) {
    if (argc < 10) {
        fprintf(stderr, "usage: load HOST PORT METHOD PATH BODY COUNT CONNECTIONS keep|close WHEEL [HEADER]...\n");
        return 64;
    }
    struct load l = {.to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10))},
                     .body = read_body(argv[5]),
                     .count = strtol(argv[6], NULL, 10),
                     .keep = strcmp(argv[8], "keep") == 0,
                     .wheel = strtol(argv[9], NULL, 10),
                     .epoll = epoll_create1(EPOLL_CLOEXEC)};
    if (argv[4][0] == '@') read_paths(&l, argv[4] + 1);
    l.head = make_head(argv[3], l.path_count ? "%@" : argv[4], l.keep, argv + 10);
    inet_pton(AF_INET, argv[1], &l.to.sin_addr);
    l.latency_ms = calloc((size_t)l.count, sizeof *l.latency_ms);
    double seconds = run(&l, strtol(argv[7], NULL, 10));
    if (l.ended == 0) return 1;
    qsort(l.latency_ms, (size_t)l.ended, sizeof *l.latency_ms, by_size);
    printf("answers=%ld wrong=%ld seconds=%.3f per_s=%.0f p50_ms=%.2f p99_ms=%.2f max_ms=%.2f bytes=%zu\n", l.ended, l.wrong,
           seconds, (double)l.ended / seconds, l.latency_ms[l.ended / 2], l.latency_ms[l.ended * 99 / 100],
           l.latency_ms[l.ended - 1], l.answer_bytes);
    return l.wrong || l.ended != l.count;
}
