/* judge.c - see judge.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/judge.h"

#include "api/operator.h"
#include "core/tokens.h"

#include <stdlib.h>

struct credentials judge_shown(const struct call *c) {
    return (struct credentials){
        .session = input_text(&c->input, STR("SessionID")),
        .api_key = input_text(&c->input, STR("APIKey")),
        .bearer = c->request.bearer,
        .sender_key = input_text(&c->input, STR("SenderAPIKey")),
        .admin_key = input_text(&c->input, STR("AdminAPIKey")),
    };
}

static bool is_same(const struct credentials *a, const struct credentials *b) {
    return str_eq(a->session, b->session) && str_eq(a->api_key, b->api_key) && str_eq(a->bearer, b->bearer) &&
           str_eq(a->sender_key, b->sender_key) && str_eq(a->admin_key, b->admin_key);
}

bool judge_is_shown(const struct call *c, const struct credentials *shown) {
    if (shown->bearer.n) return true;
    return c->request.is_control ? false : shown->session.n || shown->api_key.n || shown->sender_key.n || shown->admin_key.n;
}

void judge_begin(struct call *c, const struct credentials *shown) {
    c->judged = *shown;
    c->judged_for = c->op;
    c->is_judged = true;
    c->account = (struct account){0};
    c->credential = (struct account_credential){0};
    c->sender = (struct sender_login){0};
}

/* Codes 1 and 13 are the contract's, where the operation has them. */
static void refuse_key(struct call *c, int code) {
    call_refuse(c, c->op && c->op->caller == CALLER_SENDER ? code : REFUSAL_CREDENTIALS);
}

static enum status judge_sender(struct call *c, struct db *db, struct str token) {
    if (token.n == 0) {
        refuse_key(c, c->op->scope == SENDER_SCOPE_WEBHOOKS ? REFUSAL_SENDER_KEY : 1); /* decision 21 */
        return STATUS_OK;
    }
    enum status status = sender_authenticate(db, c->arena, token, c->op ? c->op->scope : 0, &c->sender);
    if (status == STATUS_DENIED) {
        c->is_guess = true;
        refuse_key(c, REFUSAL_SENDER_KEY);
        return STATUS_OK;
    }
    c->scope = (struct call_scope){c->sender.key.account_id, c->sender.key.domain_id};
    c->limits = &c->sender.limits;
    return status;
}

/* What he showed; a bearer may be a session too. */
static struct user_credentials shown_by(const struct call *c) {
    bool is_admin = c->op && c->op->caller == CALLER_ADMIN;
    struct user_credentials given = {
        .session = c->judged.session,
        .api_key = c->judged.admin_key.n && (is_admin || !c->judged.api_key.n) ? c->judged.admin_key : c->judged.api_key,
        .bearer = c->judged.bearer,
        .client = c->request.client,
    };
    if (str_starts(given.bearer, TOKEN_SESSION) && given.session.n == 0) {
        given.session = given.bearer;
        given.bearer = (struct str){0};
    }
    return given;
}

static enum status judge_user(struct call *c, struct db *db) {
    struct user_credentials given = shown_by(c);
    enum status status = account_authenticate(db, c->arena, &given, c->now, &c->account, &c->credential);
    c->is_guess = status == STATUS_DENIED && (given.session.n || given.api_key.n || given.bearer.n);
    if (status == STATUS_OK && c->op && c->op->caller == CALLER_ADMIN && !c->credential.is_admin) status = STATUS_DENIED;
    c->scope = (struct call_scope){c->account.id, SCOPE_ANY};
    c->limits = &c->account.limits;
    if (status != STATUS_DENIED && status != STATUS_TIMEOUT) return status;
    return call_refuse(c, status == STATUS_TIMEOUT ? REFUSAL_EXPIRED : REFUSAL_CREDENTIALS);
}

/* A sender key tells itself by its prefix; everything else is a user's. */
enum status judge_caller(struct call *c, struct db *db) {
    struct str token = c->judged.bearer.n ? c->judged.bearer : c->judged.sender_key;
    if (c->request.is_control) return operator_scope(c, db);
    switch (c->op ? c->op->caller : CALLER_EITHER) {
    case CALLER_SENDER:
        return judge_sender(c, db, token);
    case CALLER_EITHER:
        return str_starts(token, TOKEN_SENDER_KEY) ? judge_sender(c, db, token) : judge_user(c, db);
    default:
        return judge_user(c, db);
    }
}

/* A user who was judged before the command was known does for what users may do. */
bool judge_stands(const struct call *c, const struct credentials *shown) {
    if (!c->is_judged || !is_same(shown, &c->judged)) return false;
    if (c->judged_for == c->op) return true;
    return !c->judged_for && c->account.id && (c->op->caller == CALLER_USER || c->op->caller == CALLER_EITHER);
}

/* ---- the use of a key ---- */
struct touch {
    struct job job;
    struct arena arena;
    struct account_credential credential;
    struct str client;
    int64_t now;
};

static enum status run_touch(struct job *job, void *ctx) {
    struct touch *touch = LIST_OWNER(job, struct touch, job);
    return account_touch(ctx, &touch->credential, touch->client, touch->now);
}

static void end_touch(struct job *job) {
    struct touch *touch = LIST_OWNER(job, struct touch, job);
    arena_fini(&touch->arena);
    free(touch);
}

void judge_note_use(const struct call *c) {
    if (c->credential.key_id == 0 || c->credential.is_touched) return;
    struct touch *touch = calloc(1, sizeof *touch);
    if (!touch) abort();
    touch->job = (struct job){.run = run_touch, .done = end_touch, .bytes = 128};
    touch->credential = (struct account_credential){.key_id = c->credential.key_id};
    touch->client = arena_str(&touch->arena, c->request.client);
    touch->now = c->now;
    if (executor_submit(c->api->writer, &touch->job) != STATUS_OK) end_touch(&touch->job);
}
