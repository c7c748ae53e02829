/* call.h - one call of an operation, from the request's head to its answer; knows no HTTP server, so tests drive it by hand.
 *
 *   call_start --credentials outside the body are judged--> admit --body--> call_body --parse, judge, check--> the operation's
 *   steps --> done
 *
 * A refusal or a fault ends it at any point. Everything runs on the call's loop, but for steps that say otherwise; between two
 * steps the call belongs to one thread at a time.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_CALL_H
#define POSTHORN_API_CALL_H

#include "api/api.h"
#include "api/params.h"
#include "core/accounts.h"
#include "core/keys.h"
#include "httpd/http_budget.h"

struct call_request {
    enum http_method method;
    struct str path, query;
    struct str bearer; /* of the Authorization header; "" none */
    struct str content_type;
    struct str idempotency_key; /* p == NULL: no such header */
    struct str client;          /* address, for the log */
    bool is_control;            /* came over the control socket */
    bool is_large;              /* announces a body above OPERATION_BODY_MAX */
};

/* Questions to DNS: what a STEP_DNS hands to the engine (shape of net/resolver.h's inquiry). */
struct call_machine {
    size_t (*next)(void *machine, struct dns_question *ret, size_t max);
    void (*answer)(void *machine, size_t index, const struct dns_answer *answer);
    void *machine;
};

struct credentials {
    struct str session, api_key, bearer, sender_key, admin_key;
};

/* Whose objects a call may touch. Every read and write of a handler is bound by it (P6). */
struct call_scope {
    int64_t account_id; /* 0: an administrator's or the operator's own operation */
    int64_t domain_id;  /* SCOPE_ANY: all of the account's; else the sender key's */
};

#define CALL_HEADERS_MAX 10
struct call {
    /* Given before call_start. */
    const struct api_options *api;
    struct arena *arena;
    struct loop *loop;
    struct call_request request;
    void (*admit)(struct call *call, size_t body_max); /* let the body in, then call_body; may happen inside call_start */
    void (*done)(struct call *call);                   /* the answer stands; the call is not touched afterwards */
    void (*piece)(struct call *call);                  /* of call_more: the next piece is in out, or it failed */
    void *arg;

    /* For the handlers. */
    const struct operation *op;
    struct input input;
    const struct arg *args;
    struct str body; /* as it came */
    int64_t now;     /* wall, when the call began */
    struct ip ip;    /* the client's; family 0: the control socket */
    struct call_scope scope;
    const struct account_limits *limits;  /* of the account in scope; NULL without one */
    struct account account;               /* USER, EITHER by a user, ADMIN: who calls; id 0: the operator */
    struct account_credential credential; /* ... with what */
    struct sender_login sender;           /* SENDER, EITHER by a key: who calls; key.id 0: no sender key */
    void *state;                          /* a handler's, from step to step; in the arena */
    void (*cleanup)(struct call *call);   /* for what state holds outside the arena */
    step_fn more; /* set by a SEARCH: `out` is the first piece of an answer whose next this writes, till it says call_end() */
    size_t write_bytes; /* what the writer's step will write, roughly; 0: about as much as the body */
    struct call_machine machine;
    struct json_writer json; /* writes into out */

    /* The answer. */
    struct refused_list refused;
    enum status fault;
    struct buf out;
    int http_status;
    const char *content_type;
    int64_t retry_after_s; /* with 429 and 503; 0: 1 */
    struct http_header headers[CALL_HEADERS_MAX];
    size_t header_count;

    /* The engine's. */
    struct job job;
    step_fn fn;
    void (*then)(struct call *call), (*after_judge)(struct call *call);
    size_t step;
    bool is_again, is_ended;
    bool has_taken_room; /* of the disk, once a call */
    unsigned round; /* of runs that asked for another, those that were committed: tells the run that follows from a second try */
    const struct refused_list *held; /* lists_all_codes, judges_all: what waits for a step's own refusals */
    struct credentials judged;
    const struct operation *judged_for; /* NULL: before the command was known */
    bool is_judged, is_counted;
    size_t held_bytes; /* of the budget, for the parsed body; out of whose share: */
    struct http_owner holder;
    bool is_guess;            /* a credential was shown that nobody has */
    struct limit_state limit; /* the tightest that the call was counted for */
    int64_t started_ms;
};

/* Begin: the head is known. Ends in admit or done. */
void call_start(struct call *call);
/* The body is there; it must outlive the call. Ends in done. */
void call_body(struct call *call, struct str body);
/* After done, where call->more is set and is_ended is not: make the next piece. Ends in `piece`: `fault` is why there will be no
 * more; else what is in out, perhaps nothing yet, is to be sent. */
void call_more(struct call *call);
/* Release what the call holds; after done, or when it was given up before its body came. */
void call_fini(struct call *call);

/* For handlers: the argument of a parameter of the operation; see struct arg. */
const struct arg *call_arg(const struct call *call, const char *name);
/* Its text, or `otherwise` when it was not given; its number likewise. */
struct str call_text(const struct call *call, const char *name, struct str otherwise);
int64_t call_number(const struct call *call, const char *name, int64_t otherwise);
/* That of a UUID; zeros, which nothing has, when it was not given. */
struct id call_uuid(const struct call *call, const char *name);
/* Refuse with a code of the operation's table; about a field, with a sentence (copied). All give STATUS_OK, which a step that
 * refused returns. */
enum status call_refuse(struct call *call, int code);
enum status call_refuse_field(struct call *call, int code, struct str field);
enum status call_refuse_say(struct call *call, struct str field, const char *why);
/* Refuse with 429: a limit has nothing left until state->wait_ms have passed. */
void call_refuse_wait(struct call *call, const struct limit_state *state);
/* In a step: run it once more after this, in a transaction of its own. State that the run changed is the handler's care: a WRITER
 * step may run twice for one commit, so what it counts is put into the call's state by the run that follows. */
void call_again(struct call *call);
/* Let so many bytes more, which the call's state holds, count in the memory of request bodies until the call is over. LIMIT: its
 * account has had its share, and the call is to end with that (503). */
WARN_UNUSED enum status call_hold(struct call *call, size_t bytes);
/* In a step that is no WRITER's: leave the next `count` steps out. */
void call_skip(struct call *call, size_t count);
/* In a step: the answer stands; leave the other steps out. */
void call_end(struct call *call);
/* The end of a STEP_WAIT, once; on the call's loop, after the step's function has returned. */
void call_resume(struct call *call);
/* Is there nothing more to do in a step, since `status` is a failure or the call was refused? Then the step returns `status`. */
static inline bool call_is_over(const struct call *call, enum status status) {
    return status != STATUS_OK || call->refused.count;
}
/* How this call is answered: the operation's style, or STYLE_CONTROL over the control socket. */
enum operation_style call_style(const struct call *call);
/* Open the answer's object - for commands with Success and ErrorCode in it - and close it: STATUS_OK, for the step to return. */
struct json_writer *call_open(struct call *call);
enum status call_close(struct call *call);
/* Both: an answer that says no more. */
enum status call_done(struct call *call);
void call_add_header(struct call *call, struct str name, struct str value);

#endif
