/* operation.h - the one table of operations: what can be called, by whom, with which parameters, how it may be refused, and the
 * steps that do it. Routing, parameter checks, refusals and the fuzz of the tests all come out of this table; a handler is only
 * a list of steps.
 *
 * A step says where it runs, because nothing may block a loop: small work on the loop itself, reads on a reader's snapshot,
 * writes in the writer's transaction (its answer leaves after COMMIT, P7), argon2 and key making in the slow pool, questions to
 * DNS on the resolver. api/call.c carries a call from step to step. Constant data; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_OPERATION_H
#define POSTHORN_API_OPERATION_H

#include "base/status.h"
#include "base/str.h"
#include "proto/http/http.h"

struct call;
struct db;

/* How an operation is reached and how it answers. */
enum operation_style {
    STYLE_COMMAND, /* /api.php by Command; refusals are HTTP 200 with Success:false */
    STYLE_REST,    /* method and path; refusals are {"Errors":[...]} with HTTP statuses */
    STYLE_PROBE,   /* health and metrics; plain */
    STYLE_CONTROL, /* POST /control by Command, on the control socket alone */
};
/* Over the control socket the operator is everybody: ADMIN as he is, USER and EITHER for the account that the parameter Account
 * names (its e-mail address; the only one when there is only one). */
enum operation_caller {
    CALLER_ANYONE,
    CALLER_USER,     /* session or user key */
    CALLER_SENDER,   /* sender key with the scope */
    CALLER_EITHER,   /* a user, for the whole account; or a sender key with the scope, for its domain: call->scope */
    CALLER_ADMIN,    /* AdminAPIKey, or an administrator's session */
    CALLER_OPERATOR, /* whoever may open the control socket, and nobody else */
};

enum param_type {
    PARAM_TEXT,        /* UTF-8 without control characters, at most `max` bytes */
    PARAM_SECRET,      /* as TEXT, but any bytes; never logged */
    PARAM_CONTENT,     /* UTF-8 with line breaks (bodies) */
    PARAM_ID,          /* a positive 64-bit number */
    PARAM_LABEL,       /* an id of the caller's own: number or text of at most `max` bytes */
    PARAM_INT,         /* min..max */
    PARAM_BOOL,        /* 1/0, true/false, yes/no, on/off */
    PARAM_TIME,        /* Unix seconds, YYYY-MM-DD HH:MM:SS or YYYY-MM-DD, UTC */
    PARAM_MOMENT,      /* Unix seconds or YYYY-MM-DD HH:MM:SS, UTC */
    PARAM_EVENT,       /* an event name of either family, or a list of them */
    PARAM_DOMAIN,      /* a mail domain */
    PARAM_HOST_LABEL,  /* letters, digits and hyphens, at most 32 */
    PARAM_SCOPES,      /* comma list of send, events, webhooks */
    PARAM_MAILBOX,     /* {email, name} */
    PARAM_MAILBOXES,   /* a list of them */
    PARAM_ATTACHMENTS, /* a list of {filename, content, type, disposition, contentid} */
    PARAM_HEADERS,     /* {name: value} */
    PARAM_STRINGS,     /* a list of texts */
    PARAM_METADATA,    /* {name: text or number} */
    PARAM_EMAIL,       /* an e-mail address, canonical; text */
    PARAM_UUID,        /* a UUID as answers show it; text of 16 bytes */
    PARAM_CHOICE,      /* one of `choices`, in any case; number is its index */
    PARAM_OBJECT,      /* any object of at most `max` members */
    PARAM_LIST,        /* any list of at most `max` items */
};
struct param {
    const char *name;
    enum param_type type;
    bool is_required;
    int missing, invalid; /* refusal codes; 0: 422 with the field's name */
    int64_t min, max;     /* see the types; 0, 0: the type's own */
    const char *sentence;
    const char *choices; /* CHOICE: "html,plain" */
};

#define REFUSAL_FIELD       422 /* a parameter that has no number of its own */
#define REFUSAL_CONFLICT    409
#define REFUSAL_ROOM        507
#define REFUSAL_TOO_MANY    429 /* an operation's own words may hold {seconds} and {attempts} */
#define REFUSAL_SENDER_KEY  13  /* of every operation that takes sender keys; answered alone */
#define REFUSAL_CREDENTIALS 99998
#define REFUSAL_EXPIRED     99999
#define REFUSAL_UNREADABLE  100000
#define REFUSAL_COMMAND     100003
#define REFUSAL_FAULT       100005
struct refusal {
    int code;
    int http; /* status of /api/v1; 0: 422 */
    const char *message;
};

enum step_where {
    STEP_END,
    STEP_LOOP,
    STEP_SIZED, /* on the loop for small bodies, in the slow pool for large ones */
    STEP_READER,
    STEP_SEARCH, /* as a READER, for what may look at a great deal: on connections of its own, accounts in turn */
    STEP_WRITER,
    STEP_SLOW,
    STEP_DNS,  /* the function sets call->machine; the next step comes when its questions are answered */
    STEP_WAIT, /* the function begins something, on the loop; the next step comes with call_resume() */
};
/* STATUS_OK goes on to the next step - or runs this one once more, in a transaction of its own, after call_again() -, unless the
 * call was refused (call_refuse): then it is answered. Any other status is a fault. db is NULL but for READER, SEARCH and WRITER.
 * A WRITER step may run twice: it writes its outputs anew each time. */
typedef enum status (*step_fn)(struct call *call, struct db *db);
struct step {
    enum step_where where;
    step_fn fn;
};

#define OPERATION_STEPS_MAX 6
#define OPERATION_BODY_MAX  ((size_t)1 << 20)
#define OPERATION_BODY_SEND ((size_t)40 << 20)
struct operation {
    const char *name; /* Command, or the name in logs and documentation; no two alike */
    enum operation_style style;
    enum operation_caller caller;
    unsigned scope;          /* SENDER, EITHER: the scope bit that is needed */
    int inactive;            /* SENDER, EITHER: the refusal when the account is deactivated */
    enum http_method method; /* REST and PROBE */
    size_t body_max;         /* bytes; 0: OPERATION_BODY_MAX */
    const char *path;        /* "{MessageID}" in it is the parameter of that name; one segment */
    const char *sentence;
    const struct param *params;
    size_t param_count;
    const struct refusal *refusals;
    size_t refusal_count;
    struct step steps[OPERATION_STEPS_MAX]; /* ended by STEP_END */
    /* For the documentation, and checked against live answers by the tests: JSON texts. In an answer every member is there in
     * every row with the type shown, but "name?", which may be absent; of "name|" the list shows what it may look like; "*"
     * stands for any name; a list shows one item. Success and ErrorCode are left out. */
    const char *request, *answer;
    const char *aliases; /* other names of the Command, comma list; NULL: none */
    /* A refusal's ErrorCode is the list of all its codes that apply, as the contract shows for AddWebhook: the first step off the
     * loop runs although parameters were refused (call_arg()->is_given tells which), and adds what it finds. */
    bool lists_all_codes;
    bool judges_all;   /* the same, where a command still answers one code: that which is printed first */
    const char *media; /* types of an answer that is no JSON, comma list; NULL: it is JSON */
    int success;       /* HTTP status of an answer that is no refusal; 0: 200 */
    bool takes_idempotency_key;
    bool takes_room; /* mail comes in by it: 507 while the disk is nearly full (core/disk_gate.h) */
};

/* A resource's part of the table (the *_table.c files); operations.c lists them. */
struct operation_table {
    const char *title; /* heading of the documentation */
    const struct operation *rows;
    size_t count;
    const char *sentence;
};
const struct operation_table *const *operation_tables(size_t *ret_count);
size_t operation_count(void);
/* The i-th of all tables. */
const struct operation *operation_at(size_t i);
/* Is it /api.php, or /api.php/<Command>? *ret_command: what stands behind the slash, or "". */
bool operation_is_command_path(struct str path, struct str *ret_command);
/* By Command or alias, without regard to case; NULL when there is none in this style. STYLE_CONTROL finds every style but PROBE.
 */
const struct operation *operation_find_command(enum operation_style style, struct str command);
/* What stood for {Name}s of a path, still percent-encoded. */
#define OPERATION_PLACES_MAX 2
struct operation_places {
    struct {
        struct str name, value;
    } items[OPERATION_PLACES_MAX];
    size_t count;
};
/* By method (HEAD counts as GET) and path; NULL: none. A path without places wins. */
const struct operation *operation_find_path(enum http_method method, struct str path, struct operation_places *ret_places);
/* The refusal that `code` stands for: the operation's own (op may be NULL), else the common ones; never NULL for a code that is
 * in either. */
const struct refusal *operation_refusal(const struct operation *op, int code);
/* What every operation may answer. */
const struct refusal *operation_common_refusals(size_t *ret_count);

#endif
