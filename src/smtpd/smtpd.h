/* smtpd.h - SMTP in: listeners' connections on all loops, bounded together.
 *
 * Gives every connection a session (session.h), its deadlines and its bounds: connections in all and by address, memory of mails
 * in hand, the least rate of content. A smtpd has one service (what its listeners offer); roles do their work on executors, and
 * 250 leaves after COMMIT (P1, P7).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_SMTPD_SMTPD_H
#define POSTHORN_SMTPD_SMTPD_H

#include "base/metrics.h"
#include "core/disk_gate.h"
#include "core/limits.h"
#include "core/queue.h"
#include "core/return_path.h"
#include "net/executor.h"
#include "net/stream.h"
#include "net/tls.h"
#include "smtpd/crowd.h"

struct smtpd;
/* A network whose mail counts as a domain's ([smtp] trusted). */
struct smtpd_trust {
    struct network network;
    struct str domain; /* sender domain's name; must be enabled in one account */
};
/* Read "192.0.2.0/28=shop.example, 2001:db8::/48=..."; commas or blanks between. Items live in the arena. Returns NULL, or why
 * not: networks wider than /8 (IPv6: /32) are refused, for nobody owns those. Pure. */
const char *smtpd_trust_parse(struct arena *arena, struct str text, const struct smtpd_trust **ret, size_t *ret_count);
/* What all servers of the gateway share; outlives them. */
struct smtpd_shared {
    struct executor *writer, *readers, *slow;
    struct metrics *metrics; /* may be NULL */
    struct limits *limits;   /* of failed logins; may be NULL */
    struct disk_gate *gate;  /* of submissions; may be NULL: there is room */
    const struct rand *rand;
    const struct seal_key *return_path_key; /* core/return_path.h */
    struct bounce_book *bounces;            /* core/bounce.h */
    struct str hostname;                    /* names us */
    struct node_epoch owner;                /* who will deliver what is accepted */
    const struct smtpd_trust *trusts;
    size_t trust_count;
    const struct network_list *proxies;  /* hops that begin with a PROXY header; NULL: none */
    const struct network_list *xclients; /* hops whose XCLIENT is believed; never a proxy that passes others' bytes on (PB25) */
    /* After COMMIT, on the connection's loop: new entries for the scheduler, valid during the call. */
    void (*queue_offer)(void *arg, const struct queue_entry *entries, size_t count);
    void *arg;
};
/* How much; 0 takes the default. */
struct smtpd_bounds {
    size_t message_bytes_max; /* SIZE */
    size_t recipients_max;
};
enum smtpd_kind {
    SMTPD_INBOX,       /* the sandbox's last hop */
    SMTPD_SUBMISSION,  /* AUTH, then mail out */
    SMTPD_RETURN_PATH, /* bounces and complaints come home */
    SMTPD_PUBLIC       /* both: a port 25 that is MX and takes submissions */
};
struct smtpd_options {
    const struct smtpd_shared *shared;
    enum smtpd_kind kind;
    struct smtpd_bounds bounds;
    struct loop *const *loops; /* on which smtpd_accept will be called; outlives the server */
    size_t loop_count;
    struct crowd *crowd;    /* shared by servers, outlives them; NULL: one of its own, without shares by address */
    bool has_tls;           /* a certificate comes with smtpd_set_tls before anybody does; the inbox has none */
    bool is_tls_first;      /* implicit TLS (465) */
    bool has_auth_in_clear; /* without TLS from this machine (AU01) */
};
struct smtpd *smtpd_new(const struct smtpd_options *options);
/* "submission" ..., for the log; static. */
const char *smtpd_name(const struct smtpd *s);
/* Any thread: the first certificate, or a renewed one; connections that are open keep theirs. Takes a reference. */
void smtpd_set_tls(struct smtpd *s, struct tls_context *tls);
/* Fits listener_accept_fn: `server` is a struct smtpd. Takes fd. */
void smtpd_accept(void *server, struct loop *loop, int fd, const struct net_address *peer);
/* On loops[0]: answer 421 and close everywhere, after ms_max without an answer; a job that is out is waited for, however long.
 * `done` is called on loops[0] when the last connection is gone. Once. */
void smtpd_stop(struct smtpd *s, int64_t ms_max, void (*done)(void *arg), void *arg);
/* After smtpd_stop's done, or when the loops run no more. */
void smtpd_free(struct smtpd **s);

#endif
