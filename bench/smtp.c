/* smtp.c - an SMTP client over many connections, in the clear or with TLS, that times the replies that count. One thread, epoll,
 * bounded in count and time.
 *
 *   smtp PORT keep|close|login|idle COUNT CONNECTIONS FILE [NAME=VALUE]...
 *
 * keep, close: COUNT messages (FILE: ready for DATA) over CONNECTIONS kept connections, or on a connection each; commands are
 * pipelined where that is offered; timed from the final dot to its reply. login: COUNT times connect, TLS, AUTH, QUIT, timed
 * from connect to 235 (without a login: to the EHLO under TLS). idle: says EHLO on CONNECTIONS connections and prints
 * "idle=...", and when stdin ends, how many are still open.
 * Names: tls=start|first; login=USER:PASSWORD (AUTH PLAIN); resume=1, TLS sessions are; addresses=N, come from so many (127.1.0.1
 * ...), none=1; from=, to=: envelope; %i in to= is the message's number, %w its remainder by wheel=N.
 * The server is on 127.0.0.1. Prints one line of key=value. The first reply that refuses is shown, and the exit status is 1.
 * SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SECONDS_MAX 300
#define REPLY_MAX   8192

enum mode { KEEP, CLOSE, LOGIN, IDLE };
/* What the next complete reply answers. */
enum step { CONNECT, HANDSHAKE, BANNER, EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA, CONTENT, QUIT, STAY };

struct connection {
    int fd;
    SSL *tls;             /* NULL: in the clear */
    SSL_SESSION *session; /* to be resumed */
    enum step step;
    bool is_tls, is_pipelining, is_done;
    long number; /* of the message */
    long mails;  /* of this connection */
    char reply[REPLY_MAX];
    size_t reply_len;
    double started;
};
struct client {
    uint16_t port;
    enum mode mode;
    long count, begun, ended, wrong, resumed, addresses, dialed, open, wheel;
    const char *tls_kind, *from, *to;
    char auth[512];
    char *content;
    size_t content_len;
    bool resumes;
    SSL_CTX *tls;
    int epoll;
    double *latency_ms;
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

/* ---- bytes ---- */
static void watch(struct client *k, struct connection *c, uint32_t events) {
    struct epoll_event e = {.events = events, .data.ptr = c};
    if (epoll_ctl(k->epoll, EPOLL_CTL_MOD, c->fd, &e) != 0) die("epoll_ctl");
}

static ssize_t put(struct connection *c, const char *p, size_t n) {
    if (!c->is_tls) return send(c->fd, p, n, MSG_NOSIGNAL);
    size_t done = 0;
    if (SSL_write_ex(c->tls, p, n, &done)) return (ssize_t)done;
    int e = SSL_get_error(c->tls, 0);
    errno = e == SSL_ERROR_WANT_WRITE || e == SSL_ERROR_WANT_READ ? EAGAIN : EPIPE;
    return -1;
}

/* Messages are small beside socket buffers, so waiting for room is rare. */
static void say(struct connection *c, const char *p, size_t n) {
    while (n) {
        ssize_t sent = put(c, p, n);
        if (sent < 0 && errno == EAGAIN) {
            struct pollfd f = {c->fd, POLLOUT, 0};
            if (poll(&f, 1, 30000) != 1) die("the server takes nothing");
            continue;
        }
        if (sent <= 0) return; /* it closed; why is in what it said */
        p += sent;
        n -= (size_t)sent;
    }
}

/* Bytes read; 0: closed; -1: none now. */
static ssize_t get(struct connection *c, char *p, size_t n) {
    if (!c->is_tls) {
        ssize_t got = recv(c->fd, p, n, 0);
        return got < 0 && errno != EAGAIN ? 0 : got;
    }
    size_t got = 0;
    if (SSL_read_ex(c->tls, p, n, &got)) return (ssize_t)got;
    return SSL_get_error(c->tls, 0) == SSL_ERROR_WANT_READ ? -1 : 0;
}

/* ---- TLS ---- */
static int keep_session(SSL *tls, SSL_SESSION *session) {
    struct connection *c = SSL_get_app_data(tls);
    SSL_SESSION_free(c->session);
    c->session = session;
    return 1;
}

static void begin_tls(struct client *k, struct connection *c) {
    c->tls = SSL_new(k->tls);
    SSL_set_app_data(c->tls, c);
    SSL_set_fd(c->tls, c->fd);
    SSL_set_connect_state(c->tls);
    if (k->resumes && c->session) SSL_set_session(c->tls, c->session);
    c->step = HANDSHAKE;
}

/* True once it is done. */
static bool shake_hands(struct client *k, struct connection *c) {
    int done = SSL_do_handshake(c->tls), why = SSL_get_error(c->tls, done);
    if (done == 1) {
        k->resumed += SSL_session_reused(c->tls);
        c->is_tls = true;
        return true;
    }
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
        watch(k, c, why == SSL_ERROR_WANT_READ ? EPOLLIN : EPOLLOUT);
        return false;
    }
    ERR_print_errors_fp(stderr);
    die("TLS");
    return false;
}

/* ---- connections ---- */
static void from_another_address(struct client *k, int fd) {
    long i = k->dialed++ % k->addresses;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f010001 + (uint32_t)(i / 250 * 256 + i % 250))};
    int one = 1;
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&a, sizeof a) != 0) die("bind");
}

static void dial(struct client *k, struct connection *c) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(k->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    c->started = now();
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (c->fd < 0) die("socket");
    if (k->addresses) from_another_address(k, c->fd);
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to) != 0 && errno != EINPROGRESS) die("connect");
    int one = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    c->step = CONNECT;
    struct epoll_event e = {.events = EPOLLOUT, .data.ptr = c};
    if (epoll_ctl(k->epoll, EPOLL_CTL_ADD, c->fd, &e) != 0) die("epoll_ctl");
}

static void hang_up(struct connection *c) {
    if (c->tls) SSL_shutdown(c->tls);
    SSL_free(c->tls);
    close(c->fd);
    c->tls = NULL;
    c->is_tls = c->is_pipelining = false;
    c->reply_len = 0;
    c->mails = 0;
    c->fd = -1;
}

/* The next session on this place, if there is work for one. */
static void again(struct client *k, struct connection *c) {
    hang_up(c);
    if (k->begun < k->count) {
        if (k->mode == LOGIN) k->begun++;
        dial(k, c);
    } else {
        c->is_done = true;
        k->open--;
    }
}

/* ---- dialogue ---- */
static void command(struct connection *c, enum step step, const char *text) {
    c->step = step;
    say(c, text, strlen(text));
}

static void measured(struct client *k, struct connection *c) {
    k->latency_ms[k->ended++] = (now() - c->started) * 1000;
}

static void quit(struct connection *c) {
    command(c, QUIT, "QUIT\r\n");
}

/* RCPT with the message's number filled in. */
static size_t make_rcpt(const struct client *k, long number, char *out, size_t room) {
    size_t len = (size_t)snprintf(out, room, "RCPT TO:<");
    for (const char *p = k->to; *p && len + 32 < room; p++) {
        if (p[0] == '%' && (p[1] == 'i' || p[1] == 'w'))
            len += (size_t)snprintf(out + len, room - len, "%ld", *++p == 'i' ? number : number % k->wheel);
        else
            out[len++] = *p;
    }
    return len + (size_t)snprintf(out + len, room - len, ">\r\n");
}

static void begin_mail(struct client *k, struct connection *c) {
    if (k->begun == k->count) {
        quit(c);
        return;
    }
    c->number = k->begun++;
    char text[1024];
    size_t len = (size_t)snprintf(text, 400, "MAIL FROM:<%s>\r\n", k->from);
    if (c->is_pipelining) {
        len += make_rcpt(k, c->number, text + len, 400);
        memcpy(text + len, "DATA\r\n", 7);
    }
    command(c, MAIL, text);
}

static void next_of_envelope(struct client *k, struct connection *c, enum step step) {
    char rcpt[400];
    c->step = step;
    if (c->is_pipelining) return;
    if (step == RCPT)
        say(c, rcpt, make_rcpt(k, c->number, rcpt, sizeof rcpt));
    else
        say(c, "DATA\r\n", 6);
}

static void after_ehlo(struct client *k, struct connection *c) {
    c->is_pipelining = strstr(c->reply, "PIPELINING") != NULL;
    if (k->tls_kind && !c->is_tls)
        command(c, STARTTLS, "STARTTLS\r\n");
    else if (*k->auth)
        command(c, AUTH, k->auth);
    else if (k->mode == IDLE)
        c->step = STAY;
    else if (k->mode == LOGIN) {
        measured(k, c);
        quit(c);
    } else
        begin_mail(k, c);
}

static void after_auth(struct client *k, struct connection *c) {
    if (k->mode == IDLE)
        c->step = STAY;
    else if (k->mode == LOGIN) {
        measured(k, c);
        quit(c);
    } else
        begin_mail(k, c);
}

static void refused(struct client *k, struct connection *c) {
    if (k->wrong++ == 0) fprintf(stderr, "refused at step %d: %s", c->step, c->reply);
    if (c->step != QUIT && c->step != BANNER && c->step != STAY)
        quit(c);
    else
        again(k, c);
}

/* One whole reply is in c->reply. */
static void on_reply(struct client *k, struct connection *c) {
    char want = c->step == DATA ? '3' : '2';
    if (c->step == MAIL && c->mails && strncmp(c->reply, "421", 3) == 0) { /* enough for one session: the mail goes in another */
        k->begun--;
        again(k, c);
        return;
    }
    if (c->reply[0] != want) {
        refused(k, c);
        return;
    }
    switch (c->step) {
    case BANNER:
        command(c, EHLO, "EHLO bench.test\r\n");
        break;
    case EHLO:
        after_ehlo(k, c);
        break;
    case STARTTLS:
        begin_tls(k, c);
        if (shake_hands(k, c)) command(c, EHLO, "EHLO bench.test\r\n");
        break;
    case AUTH:
        after_auth(k, c);
        break;
    case MAIL:
        next_of_envelope(k, c, RCPT);
        break;
    case RCPT:
        next_of_envelope(k, c, DATA);
        break;
    case DATA:
        c->step = CONTENT;
        say(c, k->content, k->content_len);
        c->started = now();
        break;
    case CONTENT:
        measured(k, c);
        c->mails++;
        if (k->mode == KEEP)
            begin_mail(k, c);
        else
            quit(c);
        break;
    case QUIT:
        again(k, c);
        break;
    default:
        refused(k, c);
    }
}

/* Replies that are whole are taken; the rest stays. */
static void take_replies(struct client *k, struct connection *c) {
    size_t start = 0;
    for (;;) {
        char *line = c->reply + start, *end = memchr(line, '\n', c->reply_len - start);
        if (!end) return;
        start = (size_t)(end + 1 - c->reply);
        if (end - line > 3 && line[3] == '-') continue;
        char rest[REPLY_MAX];
        size_t rest_len = c->reply_len - start;
        memcpy(rest, c->reply + start, rest_len);
        c->reply[start] = 0;
        c->reply_len = 0;
        int fd = c->fd;
        on_reply(k, c);
        if (c->fd != fd || c->is_done || c->step == CONNECT) return;
        memcpy(c->reply, rest, rest_len);
        c->reply_len = rest_len;
        start = 0;
    }
}

static void on_readable(struct client *k, struct connection *c) {
    while (!c->is_done && c->step != CONNECT && c->step != HANDSHAKE) {
        ssize_t n = get(c, c->reply + c->reply_len, sizeof c->reply - 1 - c->reply_len);
        if (n < 0) return;
        if (n == 0) {
            if (c->step != QUIT && k->wrong++ == 0) fprintf(stderr, "closed at step %d\n", c->step);
            again(k, c);
            return;
        }
        c->reply_len += (size_t)n;
        c->reply[c->reply_len] = 0;
        take_replies(k, c);
    }
}

static void on_event(struct client *k, struct connection *c) {
    if (c->is_done) return;
    if (c->step == CONNECT) {
        int error = 0;
        socklen_t len = sizeof error;
        getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len);
        if (error) errno = error, die("connect");
        watch(k, c, EPOLLIN);
        c->step = BANNER;
        if (k->tls_kind && strcmp(k->tls_kind, "first") == 0) begin_tls(k, c);
    }
    if (c->step == HANDSHAKE) {
        bool was_first = strcmp(k->tls_kind, "first") == 0;
        if (!shake_hands(k, c)) return;
        watch(k, c, EPOLLIN);
        if (was_first)
            c->step = BANNER;
        else
            command(c, EHLO, "EHLO bench.test\r\n");
    }
    on_readable(k, c);
}

static void turn(struct client *k, int ms) {
    struct epoll_event events[256];
    int n = epoll_wait(k->epoll, events, 256, ms);
    for (int i = 0; i < n; i++) on_event(k, events[i].data.ptr);
}

static struct connection *dial_all(struct client *k, long connections) {
    struct connection *all = calloc((size_t)connections, sizeof *all);
    for (long i = 0; i < connections; i++) {
        if (k->mode == LOGIN && k->begun++ == k->count) break;
        k->open++;
        dial(k, &all[i]);
        /* One after the other: a listener with a short backlog drops what comes at once, and TCP then waits for seconds. */
        enum step until = k->mode == IDLE ? STAY : EHLO;
        for (double limit = now() + 30; all[i].step < until && !all[i].is_done && now() < limit;) turn(k, 1000);
    }
    return all;
}

static void stay_idle(struct client *k, const struct connection *all, long connections) {
    long staying = 0;
    for (long i = 0; i < connections; i++) staying += all[i].step == STAY;
    printf("idle=%ld\n", staying);
    fflush(stdout);
    for (double limit = now() + SECONDS_MAX; now() < limit;) {
        struct pollfd in = {0, POLLIN, 0};
        if (poll(&in, 1, 0) == 1) break;
        turn(k, 50);
    }
    staying = 0;
    for (long i = 0; i < connections; i++) staying += all[i].step == STAY;
    printf("stayed=%ld wrong=%ld\n", staying, k->wrong);
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* ---- settings ---- */
static void read_content(struct client *k, const char *path) {
    FILE *f = fopen(path, "rb");
    if (!f) die(path);
    fseek(f, 0, SEEK_END);
    long size = ftell(f);
    rewind(f);
    k->content = malloc((size_t)size + 3);
    k->content_len = fread(k->content, 1, (size_t)size, f);
    memcpy(k->content + k->content_len, ".\r\n", 3);
    k->content_len += 3;
    fclose(f);
}

static void set_login(struct client *k, char *login) {
    char plain[256], *colon = strchr(login, ':');
    if (!colon || strlen(login) > 200) die("login=USER:PASSWORD");
    int user_len = (int)(colon - login);
    int len = snprintf(plain, sizeof plain, "%c%.*s%c%s", 0, user_len, login, 0, colon + 1);
    memcpy(k->auth, "AUTH PLAIN ", 11);
    int coded = EVP_EncodeBlock((unsigned char *)k->auth + 11, (unsigned char *)plain, len);
    memcpy(k->auth + 11 + coded, "\r\n", 3);
}

static void set(struct client *k, char *name_value) {
    char *value = strchr(name_value, '=');
    if (!value) die(name_value);
    *value++ = 0;
    if (strcmp(name_value, "tls") == 0) k->tls_kind = value;
    if (strcmp(name_value, "login") == 0) set_login(k, value);
    if (strcmp(name_value, "resume") == 0) k->resumes = *value == '1';
    if (strcmp(name_value, "addresses") == 0) k->addresses = strtol(value, NULL, 10);
    if (strcmp(name_value, "wheel") == 0) k->wheel = strtol(value, NULL, 10);
    if (strcmp(name_value, "from") == 0) k->from = value;
    if (strcmp(name_value, "to") == 0) k->to = value;
}

static void set_up(struct client *k) {
    struct rlimit files = {65536, 65536};
    if (setrlimit(RLIMIT_NOFILE, &files) != 0) {
        getrlimit(RLIMIT_NOFILE, &files);
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    k->epoll = epoll_create1(EPOLL_CLOEXEC);
    k->latency_ms = calloc((size_t)k->count + 1, sizeof *k->latency_ms);
    k->tls = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_session_cache_mode(k->tls, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(k->tls, keep_session);
    SSL_CTX_set_mode(k->tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_RELEASE_BUFFERS);
}

static enum mode mode_of(const char *name) {
    static const char *const names[] = {"keep", "close", "login", "idle"};
    for (int i = 0; i < 4; i++)
        if (strcmp(name, names[i]) == 0) return (enum mode)i;
    die(name);
    return KEEP;
}

int main(int argc, char **argv) {
    if (argc < 6) {
        fprintf(stderr, "usage: smtp PORT keep|close|login|idle COUNT CONNECTIONS FILE [NAME=VALUE]...\n");
        return 64;
    }
    struct client k = {.port = (uint16_t)strtoul(argv[1], NULL, 10),
                       .mode = mode_of(argv[2]),
                       .count = strtol(argv[3], NULL, 10),
                       .wheel = 1,
                       .from = "bounce@bench.test",
                       .to = "u%i@d0.bench.test"};
    long connections = strtol(argv[4], NULL, 10);
    read_content(&k, argv[5]);
    for (int i = 6; i < argc; i++) set(&k, argv[i]);
    set_up(&k);
    double start = now();
    struct connection *all = dial_all(&k, connections);
    if (k.mode == IDLE) {
        stay_idle(&k, all, connections);
        return k.wrong > 0;
    }
    while (k.open > 0 && now() - start < SECONDS_MAX) turn(&k, 1000);
    double seconds = now() - start;
    if (k.ended == 0) return 1;
    qsort(k.latency_ms, (size_t)k.ended, sizeof *k.latency_ms, by_size);
    printf("ended=%ld wrong=%ld resumed=%ld seconds=%.3f per_s=%.0f p50_ms=%.2f p99_ms=%.2f max_ms=%.2f\n", k.ended, k.wrong,
           k.resumed, seconds, (double)k.ended / seconds, k.latency_ms[k.ended / 2], k.latency_ms[k.ended * 99 / 100],
           k.latency_ms[k.ended - 1]);
    return k.wrong || k.ended != k.count;
}
