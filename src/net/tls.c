/* tls.c - TLS contexts, the client's session cache, and a self-signed certificate for the first day.
 *
 * A context is counted by those who hold it, so that new certificates can be loaded while streams still use the old ones. Streams
 * of several loops share one: all but the session cache is read only after it was made, and that has a lock. Sessions are
 * bounded (TLS_SESSIONS_MAX, the oldest goes) and kept by name; a TLS 1.3 ticket is used once. Bytes are wire.c's.
 * SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_context.h"

#include "base/clock.h"
#include "net/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct tls_session {
    struct list node;
    SSL_SESSION *session;
    char name[];
};

static void session_free(struct tls_context *c, struct tls_session *s) {
    map_remove(c->sessions, str_from_z(s->name));
    list_remove(&s->node);
    SSL_SESSION_free(s->session);
    free(s);
}

SSL_SESSION *tls_session_take(struct tls_context *c, const char *name) {
    SSL_SESSION *session = NULL;
    pthread_mutex_lock(&c->lock);
    struct tls_session *s = map_find(c->sessions, str_from_z(name));
    if (s) {
        session = s->session;
        SSL_SESSION_up_ref(session);
        if (SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION || !SSL_SESSION_is_resumable(session)) session_free(c, s);
    }
    pthread_mutex_unlock(&c->lock);
    return session;
}

/* OpenSSL's call when the server gave a session; 1: we keep the reference. */
static int on_new_session(SSL *ssl, SSL_SESSION *session) {
    const struct wire *w = SSL_get_app_data(ssl);
    if (!w || !w->session_name) return 0;
    struct tls_context *c = w->context;
    size_t n = strlen(w->session_name) + 1;
    struct tls_session *s = malloc(sizeof *s + n);
    if (!s) abort();
    s->session = session;
    memcpy(s->name, w->session_name, n);
    pthread_mutex_lock(&c->lock);
    struct tls_session *old = map_find(c->sessions, str_from_z(s->name));
    if (!old && map_count(c->sessions) >= TLS_SESSIONS_MAX) old = LIST_OWNER(c->oldest.next, struct tls_session, node);
    if (old) session_free(c, old);
    map_put(c->sessions, str_from_z(s->name), s);
    list_add_tail(&c->oldest, &s->node);
    pthread_mutex_unlock(&c->lock);
    return 1;
}

static struct tls_context *context_new(const SSL_METHOD *method, bool is_client) {
    struct tls_context *c = calloc(1, sizeof *c);
    if (!c) abort();
    c->is_client = is_client;
    c->refs = 1;
    c->sessions = map_new();
    list_init(&c->oldest);
    pthread_mutex_init(&c->lock, NULL);
    c->ctx = SSL_CTX_new(method);
    if (!c->ctx) abort();
    SSL_CTX_set_mode(c->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(c->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    return c;
}

void tls_context_ref(struct tls_context *c) {
    atomic_fetch_add(&c->refs, 1);
}

void tls_context_unref(struct tls_context **context) {
    struct tls_context *c = *context;
    if (!c) return;
    *context = NULL;
    if (atomic_fetch_sub(&c->refs, 1) != 1) return;
    while (!list_is_empty(&c->oldest)) session_free(c, LIST_OWNER(c->oldest.next, struct tls_session, node));
    map_free(&c->sessions);
    SSL_CTX_free(c->ctx);
    free(c->own_name);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

enum status tls_context_new_smtp_client(struct tls_context **ret) {
    struct tls_context *c = context_new(TLS_client_method(), true);
    SSL_CTX_set_verify(c->ctx, SSL_VERIFY_NONE, NULL); /* the result is there to be read all the same */
    SSL_CTX_set_session_cache_mode(c->ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(c->ctx, on_new_session);
    SSL_CTX_set_default_verify_paths(c->ctx); /* without roots nothing verifies, which is no failure here */
    SSL_CTX_dane_enable(c->ctx);
    /* Old TLS is better than none to a server that has no other. */
    if (SSL_CTX_set_min_proto_version(c->ctx, TLS1_VERSION) != 1 || SSL_CTX_set_cipher_list(c->ctx, "DEFAULT:@SECLEVEL=0") != 1) {
        tls_context_unref(&c);
        return STATUS_UNSUPPORTED;
    }
    ERR_clear_error();
    *ret = c;
    return STATUS_OK;
}

enum status tls_context_trust(struct tls_context *c, const char *ca_file) {
    bool ok = SSL_CTX_load_verify_file(c->ctx, ca_file) == 1;
    ERR_clear_error();
    return ok ? STATUS_OK : STATUS_INVALID;
}

static enum status explain(struct buf *why, const char *file) {
    unsigned long error = ERR_peek_error(); /* the system's comes first, and says more than what follows from it */
    if (!ERR_SYSTEM_ERROR(error)) error = ERR_peek_last_error();
    const char *reason = ERR_SYSTEM_ERROR(error) ? strerror(ERR_GET_REASON(error)) : ERR_reason_error_string(error);
    buf_addf(why, "%s: %s", file, reason ? reason : "cannot be used");
    ERR_clear_error();
    return STATUS_INVALID;
}

static enum status load_pair(SSL_CTX *ctx, const char *cert_file, const char *key_file, struct buf *ret_why) {
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(ctx, cert_file) != 1) return explain(ret_why, cert_file);
    if (SSL_CTX_use_PrivateKey_file(ctx, key_file, SSL_FILETYPE_PEM) != 1) return explain(ret_why, key_file);
    if (SSL_CTX_check_private_key(ctx) != 1) return explain(ret_why, key_file);
    return STATUS_OK;
}

enum status tls_context_new_server(const char *cert_file, const char *key_file, struct tls_context **ret, struct buf *ret_why) {
    struct tls_context *c = context_new(TLS_server_method(), false);
    SSL_CTX_set_min_proto_version(c->ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(c->ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_session_cache_mode(c->ctx,
                                   SSL_SESS_CACHE_OFF); /* tickets hold the state: nothing of 20,000 sessions is kept here */
    /* Tickets of one listener mean nothing to another (ST14). */
    unsigned char id[16];
    rand_fill(rand_system(), id, sizeof id);
    SSL_CTX_set_session_id_context(c->ctx, id, sizeof id);
    enum status status = load_pair(c->ctx, cert_file, key_file, ret_why);
    if (status != STATUS_OK) {
        tls_context_unref(&c);
        return status;
    }
    *ret = c;
    return STATUS_OK;
}

static X509 *read_certificate(const char *path) {
    BIO *file = BIO_new_file(path, "r");
    X509 *cert = file ? PEM_read_bio_X509(file, NULL, NULL, NULL) : NULL;
    BIO_free(file);
    ERR_clear_error();
    return cert;
}

static bool covers_host(X509 *cert, struct str host) {
    return cert && X509_check_host(cert, host.p, host.n, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1;
}

bool tls_context_covers(const struct tls_context *c, struct str host) {
    return covers_host(SSL_CTX_get0_certificate(c->ctx), host);
}

bool tls_certificate_covers(const char *cert_file, struct str host) {
    X509 *cert = read_certificate(cert_file);
    bool covers = covers_host(cert, host);
    X509_free(cert);
    return covers;
}

enum status tls_certificate_read(const char *cert_file, struct tls_certificate *ret) {
    X509 *cert = read_certificate(cert_file);
    struct tm expires;
    bool ok = cert && ASN1_TIME_to_tm(X509_get0_notAfter(cert), &expires) == 1;
    if (ok)
        *ret = (struct tls_certificate){.is_self_signed =
                                            X509_NAME_cmp(X509_get_subject_name(cert), X509_get_issuer_name(cert)) == 0,
                                        .expires_at = (int64_t)timegm(&expires) * 1000};
    X509_free(cert);
    return ok ? STATUS_OK : STATUS_INVALID;
}

static bool add_extension(X509 *cert, int nid, const char *value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, cert, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool ok = extension && X509_add_ext(cert, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return ok;
}

static bool fill_certificate(X509 *cert, EVP_PKEY *key, const char *hostname) {
    uint64_t serial;
    rand_fill(rand_system(), &serial, sizeof serial);
    BUF_AUTO san = {0};
    buf_addf(&san, "DNS:%s,DNS:localhost,IP:127.0.0.1,IP:::1", hostname);
    X509_NAME *name = X509_get_subject_name(cert);
    return X509_set_version(cert, X509_VERSION_3) == 1 &&
           ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), serial >> 1) == 1 &&
           X509_gmtime_adj(X509_getm_notBefore(cert), -86400) && X509_time_adj_ex(X509_getm_notAfter(cert), 3652, 0, NULL) &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"Posthorn", -1, -1, 0) == 1 &&
           X509_set_issuer_name(cert, name) == 1 && X509_set_pubkey(cert, key) == 1 &&
           add_extension(cert, NID_basic_constraints, "critical,CA:TRUE") &&
           add_extension(cert, NID_key_usage, "critical,digitalSignature,keyCertSign") &&
           add_extension(cert, NID_subject_key_identifier, "hash") && add_extension(cert, NID_subject_alt_name, san.p) &&
           X509_sign(cert, key, EVP_sha256()) > 0;
}

static BIO *create_file(const char *path, mode_t mode) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0) return NULL;
    BIO *bio = fchmod(fd, mode) == 0 ? BIO_new_fd(fd, BIO_CLOSE) : NULL;
    if (!bio) close(fd);
    return bio;
}

static bool write_key(const char *path, EVP_PKEY *key) {
    BIO *out = create_file(path, 0600);
    bool ok = out && PEM_write_bio_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL) == 1;
    BIO_free(out);
    return ok;
}

static bool write_certificate(const char *path, X509 *cert) {
    BIO *out = create_file(path, 0644);
    bool ok = out && PEM_write_bio_X509(out, cert) == 1;
    BIO_free(out);
    return ok;
}

/* A name goes into an extension written in a small language of OpenSSL's: only what a host name holds may get there. */
static bool is_host_name(const char *name) {
    for (const char *p = name; *p; p++)
        if (!ascii_is_alnum(*p) && *p != '-' && *p != '.' && *p != '_') return false;
    return *name != '\0' && strlen(name) <= 253;
}

enum status tls_self_signed(const char *hostname, const char *cert_file, const char *key_file) {
    if (!is_host_name(hostname)) return STATUS_INVALID;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    bool ok =
        key && cert && fill_certificate(cert, key, hostname) && write_key(key_file, key) && write_certificate(cert_file, cert);
    EVP_PKEY_free(key);
    X509_free(cert);
    ERR_clear_error();
    return ok ? STATUS_OK : STATUS_IO;
}
