/* messages.h - what was accepted: one row a message, its body once, its DKIM signature once it was made.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_MESSAGES_H
#define POSTHORN_STORE_MESSAGES_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/id.h"
#include "base/status.h"
#include "store/scope.h"

struct db;

struct message {
    int64_t id;
    struct id uuid; /* the API's MessageID */
    int64_t account_id;
    int64_t domain_id;
    int64_t key_id; /* sender key; 0: the operator sent it */
    int64_t created_at;
    int64_t expires_at; /* then waiting recipients fail */
    struct str sender;  /* address of From */
    struct str subject;
    struct str rfc_message_id; /* without <> */
    struct str tags;           /* JSON array; never empty text */
    struct str metadata;       /* JSON object; never empty text */
    int64_t size_bytes;        /* of the body */
    struct str signature;      /* DKIM-Signature header fields; empty until message_set_signature */
};
/* Add; id and signature are ignored. EXISTS: the uuid is taken. */
WARN_UNUSED enum status message_add(struct db *tx, const struct message *message, int64_t *ret_id);
/* By number; for the gateway's own use. */
WARN_UNUSED enum status message_get(struct db *tx, struct arena *a, int64_t id, struct message *ret);
/* By uuid, if it is that domain's (or SCOPE_ANY). */
WARN_UNUSED enum status message_find(struct db *tx, struct arena *a, int64_t domain_id, struct id uuid, struct message *ret);
WARN_UNUSED enum status message_set_signature(struct db *tx, int64_t id, struct str signature);

/* The whole RFC 5322 message, CRLF lines, unsigned. Once for a message. */
WARN_UNUSED enum status body_add(struct db *tx, int64_t message_id, struct str content);
/* Appends to out; out is untouched on failure. */
WARN_UNUSED enum status body_get(struct db *tx, int64_t message_id, struct buf *out);

#endif
