/* submit.h - a finished message that somebody hands in, by SMTP, through a relay of his own or on the command line, on its way to
 * being accepted (core/accept.h). There is one way:
 *
 *     submit_read ---> submit_judge ---> submit_load? ---> submit_make ---> submit_store ---> the scheduler
 *     what it says     who may say it    a template        bytes            COMMIT
 *
 * The message keeps its bytes (core/raw_message.h). What is missing is put in front: Received (where it came by SMTP), Date,
 * Message-ID, and From and Reply-To of the SMTP user. Header fields X-Posthorn-* are options, and do not go out:
 *
 *     Tags  Metadata  Track-Opens  Track-Links  Send-At  TTL  Idempotency-Key      as the parameters of the API
 *     Template  Data     the stored template's bodies replace the content, its subject fills a missing one
 *
 * A step that refuses says why in `refusal` and `why`: a sentence for whoever sent it. All pure but submit_load and submit_store.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_SUBMIT_H
#define POSTHORN_CORE_SUBMIT_H

#include "core/accept.h"
#include "core/disk_gate.h"
#include "core/raw_message.h"
#include "core/templates.h"
#include "core/tls_policy.h"
#include "crypto/digest.h"
#include "proto/smtp/reply.h"
#include "store/smtp_users.h"

enum submit_refusal {
    SUBMIT_FINE,
    SUBMIT_MALFORMED,  /* the header block, or a line */
    SUBMIT_TOO_BIG,    /* the header block */
    SUBMIT_UTF8,       /* bytes that were not announced */
    SUBMIT_LOOP,       /* too many Received fields */
    SUBMIT_OPTION,     /* X-Posthorn-* */
    SUBMIT_FROM,       /* not one valid address */
    SUBMIT_SENDER,     /* an address that is not of the sender domain */
    SUBMIT_NOBODY,     /* no recipient is named */
    SUBMIT_RECIPIENT,  /* an invalid one */
    SUBMIT_CROWD,      /* more recipients than the group allows */
    SUBMIT_TEMPLATE,   /* none of that id, or it cannot be rendered */
    SUBMIT_SUPPRESSED, /* nobody is left to write to */
    SUBMIT_GONE,       /* the sender domain was deleted */
    SUBMIT_RATE,       /* the group's limit for a second */
    SUBMIT_QUOTA,      /* its limit for a day or month */
    SUBMIT_ROOM,       /* the disk is nearly full */
    SUBMIT_CONFLICT,   /* the idempotency key was used for another message */
    SUBMIT_REFUSAL_COUNT
};

/* Who hands in. */
struct submitter {
    int64_t account_id, domain_id, smtp_user_id; /* 0: no SMTP user */
    struct str domain_name;
    struct account_limits limits;
    struct str from_email, from_name, reply_to_email, reply_to_name; /* fill what a message lacks; "" nothing */
};
/* Whom a login stands for; strings are the login's. */
void submitter_of_login(const struct smtp_login *login, struct submitter *ret);
/* What was said beside the message. */
struct submit_envelope {
    struct str sender;                   /* "": <>, or nothing was said */
    bool is_utf8;                        /* header fields may hold UTF-8 */
    struct accept_recipient *recipients; /* NULL: those of To, Cc and Bcc; repeated ones are dropped */
    size_t recipient_count;
    bool is_requiretls; /* REQUIRETLS of MAIL (RFC 8689) */
    int dsn_return;     /* enum smtp_return */
    struct str dsn_envid;
};
/* X-Posthorn-* as they were read. */
struct submit_options {
    struct str tags;             /* JSON array; "" not said */
    const struct json *metadata; /* NULL not said */
    const struct json *data;
    struct str idempotency_key;
    bool has_track_opens, track_opens, has_track_links, track_links;
    int64_t due_at, ttl_s, template_id;  /* 0: not said */
    bool is_transactional, is_broadcast; /* neither: it was not said */
    bool has_tls;
    enum tls_level tls;
};

struct submit {
    /* Given; outlives the submit. */
    struct arena *arena;
    const struct rand *rand;
    struct node_epoch owner;
    int64_t now;
    struct str content;
    bool is_crlf; /* its lines are known to end in CRLF, and to hold no NUL, bare CR or LF: it is not copied */
    struct submit_envelope envelope;
    struct str hostname, protocol; /* of the Received field; protocol "": none is written */
    struct str idempotency_key;    /* over that of the header; "" none */
    struct submitter by;           /* before submit_judge */

    /* Made. */
    enum submit_refusal refusal;
    struct str why; /* static or in the arena */
    struct raw_message message;
    struct submit_options options;
    struct mail_template template;
    struct acceptance acceptance;
    struct accept_request request;
    bool has_key;
    struct sha256 key_hash, request_hash;
    struct str replayed; /* the first answer, when outcome is ACCEPT_REPLAYED */
};
/* Take the message apart: form, limits, options. Linear. False: refused. */
bool submit_read(struct submit *s);
/* May `by` send this, in everybody's name that it names, and to so many? False: refused. */
bool submit_judge(struct submit *s);
/* On a reader, where submit_needs_load says so: fetch the template. Refused or not is in s->refusal. */
bool submit_needs_load(const struct submit *s);
WARN_UNUSED enum status submit_load(struct db *db, struct submit *s);
/* Make the bytes that will be sent. False: refused. */
bool submit_make(struct submit *s);
/* After submit_make: is there room on the disk for it? Counted. gate NULL: there is. False: refused. */
bool submit_take_room(struct submit *s, struct disk_gate *gate);
/* Rough bytes that submit_store writes. */
size_t submit_bytes(const struct submit *s);
/* On the writer, and perhaps more than once: s->request.outcome says what became of it; what was refused is in s->refusal too. */
WARN_UNUSED enum status submit_store(struct db *db, struct submit *s);
/* In the same transaction after ACCEPT_NEW: what a repetition under its idempotency key is answered. */
WARN_UNUSED enum status submit_remember(struct db *db, const struct submit *s, struct str answer);
/* Frees the bytes made; also after a refusal, and twice. */
void submit_fini(struct submit *s);
/* The refusal as SMTP says it; its text is s->why. */
struct smtp_reply submit_reply(const struct submit *s);

#endif
