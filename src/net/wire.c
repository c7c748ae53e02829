/* wire.c - reading and writing a socket, plain or through OpenSSL (directly on the descriptor, no BIO of our own).
 *
 * OpenSSL 3 reports an end without close_notify as an error of its own, which is what a mail program wants: a cut connection must
 * not pass for a finished one. Its error queue is per thread, so it is cleared before each call.
 * SPDX-License-Identifier: Apache-2.0 */
#include "net/wire.h"

#include "net/tls_context.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SLICES_MAX     16
#define TLS_RECORD_MAX 16384

void wire_init(struct wire *w, int fd) {
    *w = (struct wire){.fd = fd};
}

void wire_fini(struct wire *w) {
    if (w->ssl) {
        SSL_set_shutdown(w->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN); /* else OpenSSL calls its session spoiled */
        SSL_free(w->ssl);
    }
    if (w->fd >= 0) close(w->fd);
    free(w->session_name);
    tls_context_unref(&w->context);
    w->ssl = NULL;
    w->is_tls = false;
    w->session_name = NULL;
    w->fd = -1;
}

void wire_set_errno(struct wire *w, int error) {
    char text[sizeof w->why];
    snprintf(w->why, sizeof w->why, "%s", strerror_r(error, text, sizeof text));
}

/* What a TLS call's outcome means; the thread's error queue belongs to this call. */
static enum wire_result tls_result(struct wire *w, int outcome) {
    int saved_errno = errno, error = SSL_get_error(w->ssl, outcome);
    w->wants_write = error == SSL_ERROR_WANT_WRITE;
    if (error == SSL_ERROR_WANT_WRITE || error == SSL_ERROR_WANT_READ) return WIRE_WAIT;
    if (error == SSL_ERROR_ZERO_RETURN) return WIRE_END;
    if (error == SSL_ERROR_SYSCALL) {
        wire_set_errno(w, saved_errno ? saved_errno : ECONNRESET);
        return WIRE_FAILED;
    }
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    snprintf(w->why, sizeof w->why, "TLS: %s", reason ? reason : "failed");
    ERR_clear_error();
    return WIRE_FAILED;
}

static enum wire_result plain_result(struct wire *w) {
    if (errno == EAGAIN || errno == EWOULDBLOCK) return WIRE_WAIT;
    wire_set_errno(w, errno);
    return WIRE_FAILED;
}

static enum wire_result plain_read(struct wire *w, char *p, size_t n, size_t *ret_n) {
    ssize_t got;
    do got = read(w->fd, p, n);
    while (got < 0 && errno == EINTR);
    if (got < 0) return plain_result(w);
    if (got == 0) return WIRE_END;
    *ret_n = (size_t)got;
    return WIRE_OK;
}

enum wire_result wire_read(struct wire *w, char *p, size_t n, size_t *ret_n) {
    if (!w->is_tls) return plain_read(w, p, n, ret_n);
    ERR_clear_error();
    errno = 0;
    int got = SSL_read(w->ssl, p, n > INT_MAX ? INT_MAX : (int)n);
    if (got <= 0) return tls_result(w, got);
    *ret_n = (size_t)got;
    return WIRE_OK;
}

static enum wire_result plain_write(struct wire *w, struct outq *q) {
    while (q->bytes > 0) {
        struct iovec slices[SLICES_MAX];
        struct msghdr message = {.msg_iov = slices};
        message.msg_iovlen = (size_t)outq_gather(q, slices, SLICES_MAX);
        ssize_t sent = sendmsg(w->fd, &message, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) return plain_result(w);
        outq_drop(q, (size_t)sent);
    }
    return WIRE_OK;
}

static enum wire_result tls_write(struct wire *w, struct outq *q) {
    while (q->bytes > 0) {
        struct iovec slice;
        outq_gather(q, &slice, 1);
        ERR_clear_error();
        errno = 0;
        /* A call that waited is repeated with at least the same bytes, as OpenSSL asks: the front of the queue only grows. */
        int sent = SSL_write(w->ssl, slice.iov_base, slice.iov_len > TLS_RECORD_MAX ? TLS_RECORD_MAX : (int)slice.iov_len);
        if (sent <= 0) return tls_result(w, sent);
        outq_drop(q, (size_t)sent);
    }
    return WIRE_OK;
}

enum wire_result wire_write(struct wire *w, struct outq *q) {
    return w->is_tls ? tls_write(w, q) : plain_write(w, q);
}

/* SNI and the name to check; an IP literal has no SNI (RFC 6066 3). */
static bool set_server_name(SSL *ssl, const char *name) {
    uint8_t ip[16];
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    if (inet_pton(AF_INET, name, ip) == 1 || inet_pton(AF_INET6, name, ip) == 1)
        return X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1;
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set_tlsext_host_name(ssl, name) == 1 && X509_VERIFY_PARAM_set1_host(param, name, 0) == 1;
}

static bool set_client(struct wire *w, const char *server_name, const struct net_address *peer) {
    BUF_AUTO name = {0};
    buf_add_z(&name, server_name ? server_name : "");
    buf_add_char(&name, ' ');
    net_address_format(&name, peer);
    w->session_name = strdup(name.p);
    if (!w->session_name) abort();
    SSL_set_connect_state(w->ssl);
    w->has_name = server_name != NULL;
    if (w->has_name && !set_server_name(w->ssl, server_name)) return false;
    SSL_SESSION *session = tls_session_take(w->context, w->session_name);
    if (!session) return true;
    bool ok = SSL_set_session(w->ssl, session) == 1;
    SSL_SESSION_free(session);
    return ok;
}

enum status wire_prepare_tls(struct wire *w, struct tls_context *context, const char *server_name,
                             const struct net_address *peer) {
    tls_context_ref(context);
    w->context = context;
    w->ssl = SSL_new(context->ctx);
    if (!w->ssl || SSL_set_fd(w->ssl, w->fd) != 1) return STATUS_IO;
    SSL_set_app_data(w->ssl, w);
    if (!context->is_client) {
        SSL_set_accept_state(w->ssl);
        return STATUS_OK;
    }
    return set_client(w, server_name, peer) ? STATUS_OK : STATUS_INVALID;
}

enum wire_result wire_handshake(struct wire *w) {
    ERR_clear_error();
    errno = 0;
    int outcome = SSL_do_handshake(w->ssl);
    if (outcome == 1) {
        w->wants_write = false;
        return WIRE_OK;
    }
    return tls_result(w, outcome);
}

bool wire_has_buffered(const struct wire *w) {
    return w->is_tls && SSL_has_pending(w->ssl);
}

void wire_shutdown(struct wire *w) {
    if (w->is_tls) {
        ERR_clear_error();
        SSL_shutdown(w->ssl); /* best effort: the queue before it is out, and this is one small record */
        ERR_clear_error();
    }
    shutdown(w->fd, SHUT_WR);
}

enum wire_result wire_discard(struct wire *w) {
    char scrap[4096];
    size_t n;
    enum wire_result result;
    for (int i = 0; i < 16; i++)
        if ((result = plain_read(w, scrap, sizeof scrap, &n)) != WIRE_OK) return result;
    return WIRE_WAIT;
}

bool wire_is_verified(const struct wire *w) {
    return w->has_name && SSL_get0_peer_certificate(w->ssl) && SSL_get_verify_result(w->ssl) == X509_V_OK;
}
