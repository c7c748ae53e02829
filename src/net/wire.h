/* wire.h - a non-blocking socket with or without TLS on it: the only file pair between stream.c and OpenSSL. net's own; one
 * thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_NET_WIRE_H
#define POSTHORN_NET_WIRE_H

#include "net/outq.h"
#include "net/stream.h"

struct ssl_st;
struct wire {
    int fd; /* -1: closed */
    struct ssl_st *ssl;
    bool is_tls; /* ssl is in use; until then it is prepared and bytes go plain */
    struct tls_context *context;
    bool wants_write;   /* TLS cannot go on (reading or shaking hands) before the socket takes bytes */
    bool has_name;      /* the client knows whom it wants to meet */
    char *session_name; /* key of the client's session cache; NULL on a server */
    char why[160];      /* of the last FAILED, "" before */
};
/* END: the peer ended cleanly (FIN; with TLS close_notify). FAILED: reset, or a TLS end without notice (ST13). */
enum wire_result { WIRE_OK, WIRE_WAIT, WIRE_END, WIRE_FAILED };

void wire_init(struct wire *w, int fd);
/* Close the socket at once; the rest stays readable. */
void wire_fini(struct wire *w);
/* OK: *ret_n > 0 bytes are in p. */
enum wire_result wire_read(struct wire *w, char *p, size_t n, size_t *ret_n);
/* Send from the queue and drop what went. OK: it is empty. */
enum wire_result wire_write(struct wire *w, struct outq *q);
/* Make TLS ready. The owner sets is_tls when the last plain byte is out and goes on with wire_handshake until OK. INVALID: no
 * such server name. */
WARN_UNUSED enum status wire_prepare_tls(struct wire *w, struct tls_context *context, const struct tls_peer *peer,
                                         const struct net_address *address);
enum wire_result wire_handshake(struct wire *w);
/* Decrypted bytes that no event of the socket will announce. */
bool wire_has_buffered(const struct wire *w);
/* Say goodbye: close_notify and FIN. */
void wire_shutdown(struct wire *w);
/* Throw away what comes. END or FAILED: that was all. */
enum wire_result wire_discard(struct wire *w);
/* Note errno's text in `why`. */
void wire_set_errno(struct wire *w, int error);
/* How the peer's certificate checked out. */
enum tls_check_result wire_check(const struct wire *w);

#endif
