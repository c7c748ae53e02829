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

static bool is_ip(const char *name) {
    uint8_t ip[16];
    return inet_pton(AF_INET, name, ip) == 1 || inet_pton(AF_INET6, name, ip) == 1;
}

/* SNI and the name to check; an IP literal has no SNI (RFC 6066 3). */
static bool set_server_name(SSL *ssl, const char *name) {
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    if (is_ip(name)) return X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1;
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set_tlsext_host_name(ssl, name) == 1 && X509_VERIFY_PARAM_set1_host(param, name, 0) == 1;
}

/* Checked by TLSA records instead of WebPKI. With usage 3 the key is all that counts: neither name nor date (RFC 7672 3.1.1). A
 * record that OpenSSL will not have is none; without any, WebPKI judges. */
static bool set_dane(SSL *ssl, const struct tls_peer *peer) {
    if (SSL_dane_enable(ssl, peer->name) <= 0) return false;
    SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    for (size_t i = 0; i < peer->tlsa_count; i++) {
        const struct dns_record *r = &peer->tlsa[i];
        (void)SSL_dane_tlsa_add(ssl, r->usage, r->selector, r->matching, (const unsigned char *)r->text.p, r->text.n);
    }
    ERR_clear_error();
    return !peer->other_name || SSL_add1_host(ssl, peer->other_name) == 1;
}

/* Take up an earlier session with this server under this name, and keep what it gives. */
static bool set_session(struct wire *w, const struct tls_peer *peer, const struct net_address *address) {
    BUF_AUTO name = {0};
    buf_add_z(&name, peer->name ? peer->name : "");
    buf_add_char(&name, ' ');
    net_address_format(&name, address);
    w->session_name = strdup(name.p);
    if (!w->session_name) abort();
    SSL_SESSION *session = tls_session_take(w->context, w->session_name);
    if (!session) return true;
    bool ok = SSL_set_session(w->ssl, session) == 1;
    SSL_SESSION_free(session);
    return ok;
}

static bool set_client(struct wire *w, const struct tls_peer *peer, const struct net_address *address) {
    bool has_dane = peer->tlsa_count > 0 && peer->name && !is_ip(peer->name);
    SSL_set_connect_state(w->ssl);
    w->has_name = peer->name != NULL;
    if (has_dane && !set_dane(w->ssl, peer)) return false;
    if (w->has_name && !has_dane && !set_server_name(w->ssl, peer->name)) return false;
    return peer->must_show || has_dane || set_session(w, peer, address);
}

enum status wire_prepare_tls(struct wire *w, struct tls_context *context, const struct tls_peer *peer,
                             const struct net_address *address) {
    tls_context_ref(context);
    w->context = context;
    w->ssl = SSL_new(context->ctx);
    if (!w->ssl || SSL_set_fd(w->ssl, w->fd) != 1) return STATUS_IO;
    SSL_set_app_data(w->ssl, w);
    if (!context->is_client) {
        SSL_set_accept_state(w->ssl);
        return STATUS_OK;
    }
    return set_client(w, peer, address) ? STATUS_OK : STATUS_INVALID;
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

enum tls_check_result wire_check(const struct wire *w) {
    static const struct {
        long error;
        enum tls_check_result result;
    } results[] = {
        {X509_V_OK, TLS_PEER_OK},
        {X509_V_ERR_CERT_HAS_EXPIRED, TLS_PEER_EXPIRED},
        {X509_V_ERR_HOSTNAME_MISMATCH, TLS_PEER_NAME},
        {X509_V_ERR_IP_ADDRESS_MISMATCH, TLS_PEER_NAME},
        {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, TLS_PEER_UNTRUSTED},
        {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, TLS_PEER_UNTRUSTED},
        {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, TLS_PEER_UNTRUSTED},
        {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, TLS_PEER_UNTRUSTED},
        {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, TLS_PEER_UNTRUSTED},
        {X509_V_ERR_CERT_UNTRUSTED, TLS_PEER_UNTRUSTED},
        {X509_V_ERR_INVALID_CA, TLS_PEER_UNTRUSTED},
    };
    if (!w->has_name || !SSL_get0_peer_certificate(w->ssl)) return TLS_PEER_FAILED;
    long error = SSL_get_verify_result(w->ssl);
    for (size_t i = 0; i < sizeof results / sizeof results[0]; i++)
        if (results[i].error == error) return results[i].result;
    return TLS_PEER_FAILED;
}
