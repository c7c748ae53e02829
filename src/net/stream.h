/* stream.h - a byte stream: TCP or Unix socket, plain or TLS, one interface.
 *
 * TLS runs directly on the socket (no bufferevents). Reads land in `in` (bounded by read_max_bytes: reading pauses when it is
 * full and goes on as the owner drops bytes and calls stream_resume); writes are queued in `out` and sent as the peer takes them
 * (TCP_NODELAY). Callbacks come from the loop, never from inside a call made on the stream. After on_close nothing more comes.
 * Lives on one loop.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_NET_STREAM_H
#define POSTHORN_NET_STREAM_H

#include "base/buf.h"
#include "net/loop.h"
#include "net/tls.h"

struct stream;

/* An address and port, IPv4 or IPv6, or a Unix path; compare by bytes of its text. */
struct net_address {
    uint8_t family; /* 4, 6, or 1 for Unix */
    uint8_t ip[16];
    uint16_t port;
    char path[108];
};
/* "127.0.0.1:25", "[::1]:25", "unix:/run/x.sock". STATUS_INVALID otherwise; no names. */
WARN_UNUSED enum status net_address_parse(struct str text, struct net_address *ret);
void net_address_format(struct buf *out, const struct net_address *a); /* with port */
void net_address_format_ip(struct buf *out, const struct net_address *a);
/* Loopback, private (RFC 1918, 4193), link-local, multicast, unspecified, benchmark, documentation, v4-mapped of those. */
bool net_address_is_private(const struct net_address *a);
bool net_address_is_loopback(const struct net_address *a);

struct stream_events {
    void (*on_open)(void *arg); /* connected (client); TLS not yet */
    void (*on_tls)(void *arg,
                   enum status status); /* handshake ended: OK, TIMEOUT, CLOSED, TEMPORARY; after a failure nothing more comes */
    void (*on_read)(void *arg);         /* stream_in() grew */
    void (*on_drain)(void *arg);        /* everything written has been handed to the kernel */
    void (*on_close)(
        void *arg,
        enum status status); /* CLOSED: clean end by peer; TIMEOUT; TEMPORARY: reset, refused, unclean TLS end (ST13) */
};                           /* each may be NULL; the struct must outlive the stream (a static table) */

/* Connect out; `from` may be NULL. Fails asynchronously through on_close (never in the call): NOT_FOUND when `from` cannot be
 * bound to, which is mostly because it is no address of this machine. */
struct stream *stream_connect(struct loop *loop, const struct net_address *to, const struct net_address *from, int64_t timeout_ms,
                              const struct stream_events *events, void *arg);
/* Take over an accepted descriptor. */
struct stream *stream_accept(struct loop *loop, int fd, const struct net_address *peer, const struct stream_events *events,
                             void *arg);
/* Say this to an accepted descriptor and close it, as far as that goes without waiting: for one too many. */
void stream_turn_away(struct loop *loop, int fd, struct str bytes);
/* Replace callbacks and arg (a connection changes hands). */
void stream_set_events(struct stream *s, const struct stream_events *events, void *arg);
/* Abort: closes at once, no callback follows. NULL inside is fine. */
void stream_free(struct stream **s);
/* The same, and the peer is told by a reset: what he has got of it is no whole. */
void stream_reset(struct stream **s);

/* Start TLS as client (server_name for SNI, may be NULL) or server. Plain bytes already read but not consumed are an attack
 * (ST01, ST03): the call then answers STATUS_DENIED and the owner must close. Ends in on_tls. */
WARN_UNUSED enum status stream_start_tls(struct stream *s, struct tls_context *context, const char *server_name,
                                         int64_t timeout_ms);
/* The same for a client who is particular; `peer` is needed during the call only. */
WARN_UNUSED enum status stream_start_tls_with(struct stream *s, struct tls_context *context, const struct tls_peer *peer,
                                              int64_t timeout_ms);
bool stream_is_tls(const struct stream *s);
/* "TLSv1.3", "TLS_AES_256_GCM_SHA384"; "" without TLS. verified: the check is TLS_PEER_OK, of chain and name against
 * the trusted roots, or by DANE. */
struct str stream_tls_version(const struct stream *s);
struct str stream_tls_cipher(const struct stream *s);
bool stream_tls_is_verified(const struct stream *s);
enum tls_check_result stream_tls_check(const struct stream *s);

/* What has come and is not yet consumed; the owner uses buf_drop on it. */
struct buf *stream_in(struct stream *s);
void stream_set_read_max(struct stream *s, size_t bytes); /* default 64 KiB */
/* Has the peer said something, read or not? Not with TLS. */
bool stream_has_input(const struct stream *s);
/* While paused there is no on_read, and a peer's clean end is not reported. Resume after a pause: on_read comes again when bytes
 * are still in `in`. A clean end is reported after everything written is out, so a peer that half-closes gets its answer. */
void stream_pause(struct stream *s);
void stream_resume(struct stream *s);
void stream_write(struct stream *s, struct str bytes); /* copies */
/* Queue bytes without a copy: they must stay valid until on_drain or stream_free. */
void stream_write_borrowed(struct stream *s, struct str bytes);
size_t stream_out_pending(const struct stream *s);
/* Send what is queued, then shut down (TLS close_notify, FIN); on_close follows when the peer has ended too, after 2 s at the
 * latest (closing at once could destroy our last bytes on their way). What still comes in is thrown away. */
void stream_finish(struct stream *s);
/* One absolute deadline for whatever the owner waits for; on_close(TIMEOUT). -1: none. */
void stream_deadline(struct stream *s, int64_t ms_from_now);
/* Why it failed, for logs and events: "Connection refused"; "" when nothing failed. Valid while the stream is. */
struct str stream_why(const struct stream *s);
const struct net_address *stream_peer(const struct stream *s);
const struct net_address *stream_local(const struct stream *s);
/* Peer credentials of a Unix socket; false on TCP. */
bool stream_peer_uid(const struct stream *s, uint32_t *ret_uid);

#endif
