/* control.c - one request, one answer, on a blocking socket.
 * SPDX-License-Identifier: Apache-2.0 */
#include "app/control.h"

#include "app/gateway.h"
#include "app/home.h"
#include "proto/http/http_body.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static enum status broken(struct buf *why) {
    buf_addf(why, "the connection to the gateway broke: %s", errno ? strerror(errno) : "it was closed");
    return STATUS_CLOSED;
}

static enum status write_all(int fd, struct str bytes, struct buf *why) {
    while (bytes.n) {
        ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return broken(why);
        bytes = str_sub(bytes, (size_t)n, SIZE_MAX);
    }
    return STATUS_OK;
}

static enum status read_more(int fd, struct buf *in, struct buf *why) {
    for (;;) {
        ssize_t n = read(fd, buf_reserve(in, 16384), 16384);
        if (n < 0 && errno == EINTR) continue;
        errno = n == 0 ? 0 : errno;
        if (n <= 0) return broken(why);
        buf_grew(in, (size_t)n);
        return STATUS_OK;
    }
}

static enum status bad_answer(struct buf *why) {
    buf_add_z(why, "the gateway's answer was not understood");
    return STATUS_CORRUPT;
}

static enum status read_head(int fd, struct buf *in, size_t *ret_len, struct buf *why) {
    struct http_scan scan = {0};
    struct http_refusal refusal;
    for (;;) {
        enum parse p = http_scan_head(&scan, buf_str(in), ret_len, &refusal);
        if (p == PARSE_DONE) return STATUS_OK;
        if (p == PARSE_BAD) return bad_answer(why);
        enum status st = read_more(fd, in, why);
        if (st != STATUS_OK) return st;
    }
}

static enum status write_request(int fd, struct str request, struct buf *why) {
    BUF_AUTO out = {0};
    http_add_request_line(&out, HTTP_POST, STR(CONTROL_PATH));
    http_add_header(&out, STR("Host"), STR("posthorn"));
    http_add_header(&out, STR("Content-Type"), STR("application/json"));
    http_add_header_u64(&out, STR("Content-Length"), request.n);
    http_add_header(&out, STR("Connection"), STR("close"));
    http_add_end(&out);
    buf_add_str(&out, request);
    return write_all(fd, buf_str(&out), why);
}

static bool is_json(const struct http_response_head *head) {
    return str_eq_nocase(http_media_type(http_fields_find(&head->fields, STR("Content-Type"))), STR("application/json"));
}

/* To where it belongs; file NULL: into the answer. */
static enum status take(struct str data, FILE *file, struct buf *answer, struct buf *why) {
    if (!file && answer->n + data.n > CONTROL_ANSWER_MAX) return bad_answer(why);
    if (!file) buf_add_str(answer, data);
    if (!file || data.n == 0 || fwrite(data.p, 1, data.n, file) == data.n) return STATUS_OK;
    buf_addf(why, "the answer cannot be written: %s", strerror(errno));
    return STATUS_IO;
}

enum status control_call(int fd, struct str request, FILE *file, struct buf *ret_answer, struct buf *ret_why) {
    BUF_AUTO in = {0};
    size_t head_len = 0;
    enum status st = write_request(fd, request, ret_why);
    if (st == STATUS_OK) st = read_head(fd, &in, &head_len, ret_why);
    if (st != STATUS_OK) return st;
    ARENA_AUTO arena = {0};
    struct http_response_head head;
    struct http_refusal refusal;
    if (!http_response_parse(&arena, str_sub(buf_str(&in), 0, head_len), HTTP_POST, &head, &refusal)) return bad_answer(ret_why);
    struct http_body body;
    if (is_json(&head)) file = NULL;
    http_body_init(&body, &head.fields);
    buf_drop(&in, head_len);
    for (;;) {
        size_t used;
        struct str data;
        enum parse p = http_body_next(&body, buf_str(&in), &used, &data);
        if (p == PARSE_BAD) return bad_answer(ret_why);
        if ((st = take(data, file, ret_answer, ret_why)) != STATUS_OK) return st;
        buf_drop(&in, used);
        if (p == PARSE_DONE) return STATUS_OK;
        if (used == 0 && (st = read_more(fd, &in, ret_why)) != STATUS_OK) return st;
    }
}

/* A connection to the server of the data folder (the working directory), or -1. */
static int connect_server(void) {
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = HOME_SOCKET};
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
    if (fd >= 0) close(fd);
    return -1;
}

bool control_has_server(const struct config *c) {
    int fd = chdir(c->data_dir.p) == 0 ? connect_server() : -1;
    if (fd >= 0) close(fd);
    return fd >= 0;
}

static enum status ask_alone(const struct config *c, struct home *home, struct str request, FILE *file, struct buf *ret_answer,
                             struct buf *ret_why) {
    struct gateway *gateway = NULL;
    int fd = -1;
    enum status st = gateway_open(c, home, GATEWAY_OFFLINE, &gateway, ret_why);
    if (st == STATUS_OK) st = gateway_dial(gateway, &fd);
    if (st == STATUS_OK) st = control_call(fd, request, file, ret_answer, ret_why);
    if (fd >= 0) close(fd);
    gateway_close(&gateway);
    return st;
}

enum status control_ask(const struct config *c, struct str request, FILE *file, struct buf *ret_answer, struct buf *ret_why) {
    /* A server that is just starting or stopping holds the lock without a socket: try for a while. */
    for (int tries = 0;; tries++) {
        int fd = chdir(c->data_dir.p) == 0 ? connect_server() : -1;
        if (fd >= 0) {
            enum status st = control_call(fd, request, file, ret_answer, ret_why);
            close(fd);
            return st;
        }
        if (errno == EACCES) {
            buf_addf(ret_why, "no permission for the data folder %.*s; run this as the user of the gateway or as root",
                     STR_ARG(c->data_dir));
            return STATUS_DENIED;
        }
        struct home home;
        BUF_AUTO why = {0};
        enum status st = home_open(c, &home, &why);
        if (st == STATUS_OK) {
            st = ask_alone(c, &home, request, file, ret_answer, ret_why);
            home_close(&home);
            return st;
        }
        if (st != STATUS_EXISTS || tries == 100) {
            buf_add_str(ret_why, buf_str(&why));
            return st;
        }
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    }
}
