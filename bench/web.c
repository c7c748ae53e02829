/* web.c - a web server that takes POSTs and counts them: `web PORT`. Until GET /go it answers none of them, so that work piles up
 * before the clock runs. GET /count answers how many POSTs were answered. One thread, epoll.
 * SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define FDS_MAX 65536
#define IN_MAX  (1 << 20)

struct peer {
    char *in;
    size_t n, room;
    unsigned owed; /* answers */
};
static struct peer *peers[FDS_MAX];
static int epoll_fd, is_open;
static long count;

static void answer(int fd, const char *body) {
    char text[256];
    int n = snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body);
    if (write(fd, text, (size_t)n) != n) perror("write");
}

static void pay(int fd) {
    for (; peers[fd]->owed > 0; peers[fd]->owed--, count++) answer(fd, "");
}

/* The whole request at the front, or 0. */
static size_t request_length(const char *in, size_t n) {
    const char *end = memmem(in, n, "\r\n\r\n", 4), *length;
    if (!end) return 0;
    size_t head = (size_t)(end - in) + 4;
    length = memmem(in, head, "Content-Length: ", 16);
    size_t all = head + (length ? strtoul(length + 16, NULL, 10) : 0);
    return all <= n ? all : 0;
}

static void take(int fd, const char *request) {
    char text[32];
    if (strncmp(request, "POST", 4) == 0) {
        peers[fd]->owed++;
        if (is_open) pay(fd);
        return;
    }
    if (strncmp(request, "GET /go", 7) == 0) {
        is_open = 1;
        for (int i = 0; i < FDS_MAX; i++)
            if (peers[i]) pay(i);
    }
    snprintf(text, sizeof text, "%ld", count);
    answer(fd, text);
}

static void close_peer(int fd) {
    free(peers[fd]->in);
    free(peers[fd]);
    peers[fd] = NULL;
    close(fd);
}

static void on_readable(int fd) {
    struct peer *p = peers[fd];
    if (p->room - p->n < 65536) p->in = realloc(p->in, p->room += 65536);
    ssize_t n = p->n < IN_MAX ? read(fd, p->in + p->n, p->room - p->n) : 0;
    if (n <= 0) {
        if (n == 0 || errno != EAGAIN) close_peer(fd);
        return;
    }
    p->n += (size_t)n;
    for (size_t length; (length = request_length(p->in, p->n)) > 0;) {
        take(fd, p->in);
        memmove(p->in, p->in + length, p->n -= length);
    }
}

static void on_visit(int listener) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK), on = 1;
    if (fd < 0) return;
    if (fd >= FDS_MAX) exit(1);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    peers[fd] = calloc(1, sizeof *peers[fd]);
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLIN, .data.fd = fd});
}

int main(int argc, char **argv) {
    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (argc != 2) return 2;
    at.sin_port = htons((uint16_t)atoi(argv[1]));
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&at, sizeof at) != 0 || listen(listener, 4096) != 0) return 1;
    epoll_fd = epoll_create1(0);
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &(struct epoll_event){.events = EPOLLIN, .data.fd = listener});
    for (struct epoll_event events[256];;) {
        int n = epoll_wait(epoll_fd, events, 256, -1);
        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;
            if (fd == listener)
                on_visit(listener);
            else if (peers[fd])
                on_readable(fd);
        }
    }
}
