/* connection_own.h - a connection's inside, shared by connection.c (its course) and connection_tls.c (what is demanded of its
 * host) only.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_MTA_CONNECTION_OWN_H
#define POSTHORN_MTA_CONNECTION_OWN_H

#include "mta/own.h"
#include "mta/session.h"
#include "mta/transcript.h"

enum phase { PHASE_CONNECTING, PHASE_GREETING, PHASE_SERVING, PHASE_LEAVING };

struct connection {
    struct list all;      /* mta->connections */
    struct list idle_lot; /* lot->idle */
    struct list idle_all; /* mta->idle */
    struct mta *mta;
    struct site *site;
    struct connector *connector;
    struct lot *lot; /* whose attempts it was opened for */
    enum phase phase;
    struct stream *stream;
    struct session session;
    struct timer timer; /* patience, or the end of idling */
    struct buf out;
    struct net_address address;
    struct buf host;
    bool tried[SITE_TARGETS_MAX];
    size_t try_count;  /* of hosts */
    bool in_clear;     /* TLS failed with this host */
    bool is_any_unfit; /* a host answers, but not as is demanded */
    struct tls_facts facts;
    struct transcript transcript;
    struct buf noted_domain; /* in reports about TLS */
    struct attempt *attempt;
    struct buf provider; /* whose warm-up budget is used */
    bool has_budget;     /* for the attempt, or the one to come */
    size_t message_count;
    enum session_state waits_in; /* patience was last renewed for this state: dripping bytes renew nothing (OB21) */
    size_t pending_bytes;        /* unsent then */
    int64_t started_at;          /* monotonic, of the transaction */
};

/* ---- connection.c ---- */
/* The host that comes next: the same one in clear after TLS failed there, else one not tried yet; none: it gives up and is gone.
 */
void connection_try_next(struct connection *c);
/* Into the transcript. */
void connection_note(struct connection *c, const char *what, const char *words);

/* ---- connection_tls.c ---- */
void connection_start_tls(struct connection *c);
/* TLS does not work there: in clear, if that is allowed, else the next host. */
void connection_tls_failed(struct connection *c, const char *why);
/* Greeted: whether it is as the lot demands. False: it goes on with the next host, or is gone. */
WARN_UNUSED bool connection_is_greeted_well(struct connection *c);
/* The host answers, but the lot's mail must not go there like this: the next one. */
void connection_unfit(struct connection *c, const struct tls_verdict *verdict);
/* For reports: it was not used, because ...; it is used, for the attempt at hand. */
void connection_note_unfit(struct connection *c, struct str host, const struct tls_verdict *verdict);
void connection_note_served(struct connection *c);
/* A relay's login: given to the session; whether it may be said now that the handshake is done. */
void connection_set_login(struct connection *c);
bool connection_may_log_in(const struct connection *c);

#endif
