/* own.h - what the files of this room share: a connection, as roles see it.
 *
 * A role's function finds its connection in `arg`. To ask a reader or the writer it fills connection->job (one at a time),
 * submits it with connection_submit, returns false, and ends with connection_answer from job.done; both happen on the
 * connection's loop. The peer may be gone by then: connection_answer knows. What a role remembers for the session's life lives in
 * `login` and `arena`, what it remembers for one transaction in `tx` and smtpd_session_arena().
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_SMTPD_OWN_H
#define POSTHORN_SMTPD_OWN_H

#include "base/list.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"

struct smtp_login; /* core/smtp_users.h */
struct connection {
    struct list node;
    struct smtpd *server;
    const struct smtpd_shared *shared;
    struct loop *loop;
    struct stream *stream; /* NULL: the peer is gone, a job is still out */
    struct smtpd_session *session;
    struct ip client;                /* the peer, or whom a proxy named */
    const struct smtpd_trust *trust; /* stands for a login; NULL: none */
    struct arena arena;              /* of the connection */
    struct smtp_login *login;        /* NULL: nobody logged in */
    void *tx;                        /* the role's, of the transaction in hand; NULL at its start */
    struct job job;
    size_t made_bytes; /* that a role made of the mail in hand, set before connection_submit: counted until the answer (P8) */
    bool is_out;       /* a job is under way */
    /* connection.c's */
    struct smtpd_shard *shard;
    struct timer deadline;
    struct post untaken;                        /* the job, when no executor took it */
    size_t content_bytes, step_bytes;           /* counted in the crowd; come since the deadline was set */
    enum smtpd_wants waits;                     /* what the deadline is for */
    bool is_counted, is_crowded;                /* in its address's share; beyond it */
    bool awaits_header, is_proxied, is_unknown; /* PROXY: expected; came; or XCLIENT: of nobody known */
    bool has_spoken, is_full, is_closing;
    size_t paid_bytes; /* of the session's waste */
    bool is_wasteful;  /* its address threw away too much */
};

/* Submit c->job (run, done, bytes, lane are set; the rest is set here). A full executor ends in job.done with LIMIT, from within
 * this call's turn of the loop: after the caller has returned false. */
void connection_submit(struct connection *c, struct executor *executor);
/* The late answer to the session, from job.done. Frees the connection when its peer is gone. */
void connection_answer(struct connection *c, const struct smtp_reply *reply);

/* The roles. */
extern const struct smtpd_role role_inbox, role_submission, role_return_path;
/* AUTH of submission: service->login. */
bool submission_login(void *connection, struct str user, struct str password, struct smtp_reply *ret);
/* Replies for what an executor or the store says: 452 for LIMIT, 451 for anything else but OK. */
struct smtp_reply reply_for_status(enum status status);

/* A kind's service with its limits out of the table in service.c. */
struct smtpd_service service_make(enum smtpd_kind kind, const struct smtpd_bounds *bounds);

#endif
