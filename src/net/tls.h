/* tls.h - TLS settings shared by many streams. Reference counted, any thread may hold one; the SSL_CTX inside is locked by
 * OpenSSL.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_NET_TLS_H
#define POSTHORN_NET_TLS_H

#include "base/buf.h"
#include "base/status.h"
#include "proto/dns/dns.h"

struct tls_context;
/* Whom a client wants to meet. */
struct tls_peer {
    const char *name;              /* SNI and the name to check, or an IP address; NULL: nobody in particular */
    const char *other_name;        /* may be certified instead, with DANE (RFC 7672 3.2.2); NULL: none */
    const struct dns_record *tlsa; /* checked by these rather than by WebPKI: usages 2 and 3 (RFC 7672) */
    size_t tlsa_count;
    bool must_show; /* the certificate is looked at now: no session is resumed, whose check is as old as it is */
};
/* How the server's certificate checked out. It fails no handshake: the owner judges. */
enum tls_check_result {
    TLS_PEER_OK,
    TLS_PEER_EXPIRED,
    TLS_PEER_NAME,      /* it is for other names */
    TLS_PEER_UNTRUSTED, /* no way to a root that we trust */
    TLS_PEER_FAILED     /* anything else: no TLSA record fits, not valid yet, revoked, none shown */
};
/* Opportunistic client for SMTP out: DEFAULT:@SECLEVEL=0, verifies for the record but never fails on a certificate; sessions are
 * resumed. */
WARN_UNUSED enum status tls_context_new_smtp_client(struct tls_context **ret);
/* Server: TLS 1.2+, no renegotiation, no 0-RTT. PEM files; on failure *ret_why tells the file and the reason. */
WARN_UNUSED enum status tls_context_new_server(const char *cert_file, const char *key_file, struct tls_context **ret,
                                               struct buf *ret_why);
void tls_context_ref(struct tls_context *c);
void tls_context_unref(struct tls_context **c);
/* Trust the certificates of this PEM file as well (client): an operator's own authority. */
WARN_UNUSED enum status tls_context_trust(struct tls_context *c, const char *ca_file);
/* What a certificate file's first certificate says of itself. INVALID: there is none. */
struct tls_certificate {
    bool is_self_signed;
    int64_t expires_at; /* Unix time, ms */
};
WARN_UNUSED enum status tls_certificate_read(const char *cert_file, struct tls_certificate *ret);
/* Is it for this host? False: it is not, or there is none. */
bool tls_certificate_covers(const char *cert_file, struct str host);
/* The same of a server's own certificate. Any thread. */
bool tls_context_covers(const struct tls_context *c, struct str host);
/* Write a self-signed P-256 certificate and key (PEM, key file 0600), valid ten years, for `hostname` and for this machine as it
 * calls itself; a client that is given the file may verify by it, strictly too. */
WARN_UNUSED enum status tls_self_signed(const char *hostname, const char *cert_file, const char *key_file);

#endif
