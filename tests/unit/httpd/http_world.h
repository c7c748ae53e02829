/* http_world.h - what httpd's tests share: a server on a loop, and clients that talk to it over loopback.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_TESTS_HTTP_WORLD_H
#define POSTHORN_TESTS_HTTP_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "httpd/http_server.h"

/* Routes: /stream waits for the test to stream, and again each time that a piece is out; /echo answers the body, GET and POST, 1
 * MB; /large its size, 16 MB; /deny answers 401 from the head; /late waits for the test to continue; /slow waits for the test to
 * respond; /big?N answers N bytes; /none answers 204; /tree/... is a prefix; /who answers client and scheme. */
struct world {
    struct loop *loop;
    struct http_server_options options; /* change before world_serve */
    struct http_budget *budget;
    struct metrics metrics;
    struct http_server *server;
    struct http_exchange *waiting; /* of /late, /slow and /stream */
    size_t heads, bodies, mores, ends;
    struct timer guard;
    bool is_timed_out;
    bool is_stopped;
};
void world_init(struct world *w);
void world_serve(struct world *w);
/* Stops the server, waits for it, frees everything; every head has met its end. */
void world_fini(struct world *w);
/* Run the loop for `ms`, or until *flag. */
void world_run(struct world *w, int64_t ms, const bool *flag);
void world_respond(struct world *w, int status, const char *body);

struct client {
    struct world *w;
    struct stream *stream;
    int fd; /* the stream's */
    struct buf got;
    const char *want;
    bool is_closed, is_secure, has_wanted;
    enum status end; /* with is_closed */
};
/* Connect with 127.0.0.1 as the peer's address, or another one. */
void client_open(struct client *c, struct world *w);
void client_open_from(struct client *c, struct world *w, const char *address);
void client_close(struct client *c);
void client_send(struct client *c, struct str text);
/* Run until `text` has come, or fail. */
void client_expect(struct client *c, const char *text);
/* Run until the handler of /late or /slow waits for the test. */
void client_expect_waiting(struct client *c);
/* Run until the server has closed, or fail. */
void client_expect_close(struct client *c);
/* One connection, one text; everything that comes until it is closed. Caller frees. */
struct buf client_talk(struct world *w, struct str text);
/* How often `needle` stands in what came. */
size_t client_count(const struct client *c, const char *needle);

#endif
