/* tls.h - TLS settings shared by many streams. Reference counted, any thread may hold one; the SSL_CTX inside is locked by
 * OpenSSL.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_NET_TLS_H
#define POSTHORN_NET_TLS_H

#include "base/buf.h"
#include "base/status.h"

struct tls_context;
/* Opportunistic client for SMTP out: DEFAULT:@SECLEVEL=0, verifies for the record but never fails on a certificate; sessions are
 * resumed. */
WARN_UNUSED enum status tls_context_new_smtp_client(struct tls_context **ret);
/* Server: TLS 1.2+, no renegotiation, no 0-RTT. PEM files; on failure *ret_why tells the file and the reason. */
WARN_UNUSED enum status tls_context_new_server(const char *cert_file, const char *key_file, struct tls_context **ret,
                                               struct buf *ret_why);
void tls_context_ref(struct tls_context *c);
void tls_context_unref(struct tls_context **c);
/* For tests of verification: trust the certificates of this PEM file as well (client). */
WARN_UNUSED enum status tls_context_trust(struct tls_context *c, const char *ca_file);
/* What a certificate file's first certificate says of itself. INVALID: there is none. */
struct tls_certificate {
    bool is_self_signed;
    int64_t expires_at; /* Unix time, ms */
};
WARN_UNUSED enum status tls_certificate_read(const char *cert_file, struct tls_certificate *ret);
/* Write a self-signed P-256 certificate and key (PEM, key file 0600), valid ten years, for `hostname` and for this machine as it
 * calls itself; a client that is given the file may verify by it, strictly too. */
WARN_UNUSED enum status tls_self_signed(const char *hostname, const char *cert_file, const char *key_file);

#endif
