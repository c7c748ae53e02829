/* messages.h - what was accepted: one row a message, with its DKIM signature once it was made. Its content is store/bodies.h's.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_MESSAGES_H
#define POSTHORN_STORE_MESSAGES_H

#include "base/arena.h"
#include "base/id.h"
#include "base/status.h"
#include "store/events.h"
#include "store/scope.h"

struct db;

struct message {
    int64_t id;
    struct id uuid; /* the API's MessageID */
    int64_t account_id;
    int64_t domain_id;
    int64_t key_id;       /* sender key; 0: none */
    int64_t smtp_user_id; /* 0: none */
    int64_t created_at;
    int64_t expires_at;       /* then waiting recipients fail */
    struct str sender;        /* address of From */
    struct str envelope_from; /* what MAIL said; "": <>, or it did not come by SMTP */
    int dsn_return;           /* enum smtp_return, of MAIL */
    struct str dsn_envid;     /* of MAIL; "" not said */
    bool is_report;           /* ours, on another message: goes out from <>, and is never reported on */
    int tls;                  /* enum tls_level (core/tls_policy.h): what it demands of recipients' servers */
    struct str subject;
    struct str rfc_message_id; /* without <> */
    struct str tags;           /* JSON array; never empty text */
    struct str metadata;       /* JSON object; never empty text */
    int64_t size_bytes;        /* of the body */
    struct str signature;      /* DKIM-Signature header fields; empty until message_set_signature */
    struct str track;          /* how its letters are edited; empty until message_set_track */
};
/* Add; id, signature and track are ignored. EXISTS: the uuid is taken. */
WARN_UNUSED enum status message_add(struct db *tx, const struct message *message, int64_t *ret_id);
/* By number; for the gateway's own use. */
WARN_UNUSED enum status message_get(struct db *tx, struct arena *a, int64_t id, struct message *ret);
/* By uuid, if it is that domain's (or SCOPE_ANY). */
WARN_UNUSED enum status message_find(struct db *tx, struct arena *a, int64_t domain_id, struct id uuid, struct message *ret);
/* By uuid, if it is the account's and that domain's (or SCOPE_ANY: any of the account's, those of deleted domains too). */
WARN_UNUSED enum status message_of(struct db *tx, struct arena *a, int64_t account_id, int64_t domain_id, struct id uuid,
                                   struct message *ret);
/* The end of its life, its recipients' too; NOT_FOUND when it is gone. */
WARN_UNUSED enum status message_set_expiry(struct db *tx, int64_t id, int64_t expires_at);

/* What happened to its recipients, oldest first, at most `limit`: id, at, type, recipient_id, recipient and
 * detail of each. */
struct message_timeline {
    struct event *items;
    size_t count;
};
WARN_UNUSED enum status message_timeline(struct db *tx, struct arena *a, int64_t id, int limit, struct message_timeline *ret);

/* A walk over the history, newest first. One step looks at the messages of [first_id, before_id) and no others, so its cost is
 * bounded however rare the matches are; message_stride tells where such a step may begin. */
struct message_filter {
    int64_t account_id, domain_id; /* domain SCOPE_ANY: all of the account */
    int64_t first_id, before_id;
    int64_t from_at, before_at; /* created_at, the latter excluded */
    struct str recipient;       /* "": any; compared as stored */
    struct str tag;             /* "": any; as JSON text, with its quotes */
    int state;                  /* of one of its recipients, `now` tells scheduled from queued; -1: any */
    int64_t now;
};
struct message_list {
    struct message *items;
    size_t count;
};
WARN_UNUSED enum status message_page(struct db *tx, struct arena *a, const struct message_filter *filter, int limit,
                                     struct message_list *ret);
/* The id `count` messages behind before_id in that walk; 0: there are not so many. */
WARN_UNUSED enum status message_stride(struct db *tx, int64_t account_id, int64_t domain_id, int64_t before_id, int64_t count,
                                       int64_t *ret_id);
/* The first id of anybody's message made at `wall_ms` or later, by its uuid's time; INT64_MAX: none. */
WARN_UNUSED enum status message_first_at(struct db *tx, int64_t wall_ms, int64_t *ret_id);
/* The newest id of anybody's; 0: there is none. */
WARN_UNUSED enum status message_last(struct db *tx, int64_t *ret_id);

WARN_UNUSED enum status message_set_signature(struct db *tx, int64_t id, struct str signature);
WARN_UNUSED enum status message_set_track(struct db *tx, int64_t id, struct str track);

#endif
