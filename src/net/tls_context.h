/* tls_context.h - the inside of struct tls_context, for wire.c and tls.c alone.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_NET_TLS_CONTEXT_H
#define POSTHORN_NET_TLS_CONTEXT_H

#include "base/list.h"
#include "base/map.h"
#include "net/tls.h"

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>

#define TLS_SESSIONS_MAX 1000

struct tls_context {
    atomic_uint refs;
    SSL_CTX *ctx;
    bool is_client;
    pthread_mutex_t lock;  /* of the two below */
    struct map *sessions;  /* client: by session name, struct tls_session */
    struct list oldest;    /* of them, in order of coming */
    struct tls_book *book; /* server: asked for certificates; may be NULL */
    char *own_name;        /* as tls_context_set_book has it; may be NULL */
};
/* A session to resume with, the caller's to free; NULL when there is none. TLS 1.3 tickets are used once (RFC 8446 C.4). Any
 * thread. */
SSL_SESSION *tls_session_take(struct tls_context *c, const char *name);

#endif
