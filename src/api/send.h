/* send.h - from parameters to messages. What POST /api/v1/email, its batch, and the slices of a send to a long list have in
 * common: a request is read and judged once (send_read), its template is put in (send_load), and then it makes messages
 * (send_make): one, or - for a list, or for entries with data of their own - one a person.
 *
 * The steps of the operations are in email.c (a request or a batch of them) and operator_send.c (a finished message).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_SEND_H
#define POSTHORN_API_SEND_H

#include "api/call.h"
#include "core/accept.h"
#include "core/compose.h"
#include "core/send_values.h"
#include "core/submit.h"
#include "core/templates.h"
#include "crypto/digest.h"

#define SEND_RECIPIENTS_MAX 10000              /* of a message, where the group sets no limit; and of a batch */
#define SEND_BYTES_MAX      ((size_t)64 << 20) /* of all messages that one call makes */
#define SEND_STEPS_MAX      20000000           /* instructions of templates for all of them, some seconds at worst */

/* Who sends, and what making messages needs besides the request. Refusals go into `refused`, in the terms of the operation
 * SendEmail; items of it may be there before. */
struct send_context {
    const struct api_options *api;
    struct arena *arena;
    const struct sender_login *sender; /* key (ids and labels), domain_name and limits are read */
    int64_t now;
    struct refused_list *refused;
    size_t *steps_left; /* of SEND_STEPS_MAX; NULL: each rendering for itself */
};

/* A request, read and judged. */
struct send_request {
    const struct arg *args; /* of SendEmail's parameters */
    struct submission submission;
    const struct json **data; /* one an entry of To, NULL for those without; NULL: none has */
    int64_t template_id, list_id;
    int64_t due_at;
    struct mail_program program; /* parts that are rendered for each message; NULL: taken as they are */
};

/* Whom a message goes to when it is one of several, and what fills its {{names}}. */
struct send_merge {
    struct compose_mailbox to;
    const struct json *fields;      /* an object; may be NULL */
    int64_t list_id, subscriber_id; /* labels, over those of the request; 0: none */
};

/* The row of SendEmail. */
const struct operation *send_operation(void);

/* Check and read a request's parameters. *ret is whole when nothing was refused. */
void send_read(const struct send_context *ctx, const struct input *input, struct send_request *ret);
/* The same for parameters that were checked against SendEmail's row. */
void send_read_args(const struct send_context *ctx, const struct arg *args, struct send_request *ret);
/* What a request to a list that exists may not have beside it: To, CC, BCC. */
void send_judge_list(const struct send_context *ctx, const struct send_request *request);
/* Judge a submission's values (compose_check), and fill its addresses. False: refused. */
bool send_judge(const struct send_context *ctx, struct submission *submission);
/* Has it a template, or anything else to render? Then send_load comes next, on a reader: 15, and 8 to 11 for what the template
 * leaves open. */
bool send_needs_load(const struct send_request *request);
WARN_UNUSED enum status send_load(const struct send_context *ctx, struct db *db, struct send_request *request);
/* Roughly the bytes of one message of it. */
size_t send_bytes(const struct send_request *request);
/* Make a message. merge NULL: to the request's own recipients. False: refused, and nothing to free; else the caller frees
 * ret->room. */
bool send_make(const struct send_context *ctx, const struct send_request *request, const struct send_merge *merge,
               struct acceptance *ret);
/* The loaded request as parameters that send_read takes again, later and by itself: the template and the key's labels are put
 * in, SendAt is left out. */
void send_format(const struct send_context *ctx, const struct send_request *request, struct buf *out);

/* A finished message that a call hands in, ready for submit_read. */
void send_hand_in(const struct call *c, struct str bytes, struct submit *ret);
/* Who takes it. */
struct acceptor send_acceptor(const struct send_context *ctx);
/* 14, 17 or 429 for a request that was not accepted. */
void send_refuse(const struct send_context *ctx, const struct accept_request *request);
/* Members MessageID (a list when is_many) and, if there are any, Suppressed of an accepted request. */
void send_answer(struct json_writer *w, const struct accept_request *request, bool is_many);
/* After COMMIT: count, and offer to the scheduler. */
void send_offer(const struct api_options *api, const struct accept_request *request);

/* Steps of SendEmail and SendEmailBatch. */
enum status email_check(struct call *call, struct db *db);
enum status email_check_batch(struct call *call, struct db *db);
enum status email_load(struct call *call, struct db *db);
enum status email_make(struct call *call, struct db *db);
enum status email_store(struct call *call, struct db *db);
enum status email_offer(struct call *call, struct db *db);
/* operator_send.c: a finished message from the command line. */
enum status operator_send_check(struct call *call, struct db *db);
enum status operator_send_find(struct call *call, struct db *db);
enum status operator_send_make(struct call *call, struct db *db);
enum status operator_send_store(struct call *call, struct db *db);
enum status operator_send_offer(struct call *call, struct db *db);

#endif
