/* net_test.h - what net's tests share: a loop with a guard, a pair of connected streams that note what happens to them.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_TESTS_NET_TEST_H
#define POSTHORN_TESTS_NET_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/listener.h"
#include "net/tls.h"

/* Run until `*flag` or `ms` passed; a test that hangs fails instead. */
void run_until(struct loop *loop, const bool *flag, int64_t ms);

struct end {
    struct stream *stream;
    struct loop *loop;
    struct buf got; /* all that was read */
    size_t want;    /* is_full once `got` has that many */
    size_t reads, drains;
    bool is_open, is_full, is_closed, is_drained, is_shaken;
    enum status close_status, tls_status;
    void (*on_read)(struct end *e); /* instead of gathering */
    void *arg;
};
extern const struct stream_events end_events;

/* A client and a server end, connected through a listener on loopback. */
struct pair {
    struct loop *loop;
    struct listener *listener;
    struct end client, server;
    bool is_accepted;
};
void pair_open(struct pair *p);
void pair_close(struct pair *p);
/* A self-signed certificate for "localhost" in a fresh folder and contexts for both ends; `trust`: the client trusts it. */
void make_tls(struct tls_context **ret_client, struct tls_context **ret_server, bool trust);
void start_tls(struct pair *p, struct tls_context *client, struct tls_context *server, const char *name);

#endif
