/* email.c - POST /api/v1/email and its batch, from the parameters to the answer. One request or many go the same way:
 *
 *     check (no store) -- something to look up? --> load (reader) --> make (slow pool) --> store (writer) --> offer (after
 * COMMIT)
 *              \------------------------------------------------------------------------/^
 *
 * A batch's items are judged and answered each by itself, and stored in one transaction. A list of more people than one
 * transaction may take is not sent here: its request is stored, and goes on in the background (api/work.h).
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/send.h"

#include "api/work.h"
#include "core/list_send.h"
#include "httpd/http_budget.h"

/* One request. */
struct item {
    struct send_request request;
    struct accept_request accept;
    bool is_many;                       /* everybody gets a message of his own: MessageID is a list */
    struct list_audience audience;      /* TargetListID */
    const struct subscriber_page *list; /* its subscribers, when they are few */
    struct list_send *later;            /* when they are many */
    struct sha256 key_hash, request_hash;
    struct accept_key key; /* an Idempotency-Key of its own */
    struct str errors;     /* a batch's item that was refused before the store: {"Errors":[...]} */
    struct str answer;     /* what the store made of it */
};
struct email {
    struct item *items;
    size_t count;
    bool is_batch;
    size_t bytes; /* of the messages made so far */
    size_t held;  /* of them, taken from the budget */
    size_t steps_left;
    struct sha256 key_hash, request_hash;
    struct accept_key key;
    enum accept_outcome outcome; /* of the call as a whole: NEW, REPLAYED, CONFLICT */
    size_t accepted;
};

static void free_email(struct call *c) {
    struct email *e = c->state;
    for (size_t i = 0; i < e->count; i++) accept_request_fini(&e->items[i].accept);
    const struct http_owner owner = http_owner_of_account(c->sender.key.account_id);
    if (e->held) http_budget_give_share(c->api->budget, &owner, e->held);
}

static struct email *email_new(struct call *c, size_t count, bool is_batch) {
    struct email *e = ARENA_NEW(c->arena, struct email);
    *e = (struct email){.items = arena_array(c->arena, count + 1, sizeof *e->items),
                        .count = count,
                        .is_batch = is_batch,
                        .steps_left = SEND_STEPS_MAX};
    c->state = e;
    c->cleanup = free_email;
    return e;
}

/* ---- refusals ---- */
/* One request's refusals are the call's; those of a batch's item go into its own result. */
static struct send_context context_of(struct call *c, struct email *e, struct refused_list *own) {
    own->count = 0;
    return (struct send_context){.api = c->api,
                                 .arena = c->arena,
                                 .sender = &c->sender,
                                 .now = c->now,
                                 .refused = e->is_batch ? own : &c->refused,
                                 .steps_left = &e->steps_left};
}

static void keep_refusals(struct call *c, const struct email *e, struct item *item, struct refused_list *refused) {
    BUF_AUTO text = {0};
    if (!e->is_batch || refused->count == 0) return;
    refused_sort(refused, send_operation());
    refused_format_rest(refused, &text);
    item->errors = arena_str(c->arena, buf_str(&text));
}

/* Do `step` for each item that is not refused yet. */
typedef enum status (*item_fn)(const struct send_context *ctx, struct email *e, struct item *item, struct db *db);
static enum status for_each(struct call *c, struct db *db, item_fn step) {
    struct email *e = c->state;
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < e->count; i++) {
        struct refused_list own;
        struct send_context ctx = context_of(c, e, &own);
        if (e->items[i].errors.n) continue;
        status = step(&ctx, e, &e->items[i], db);
        keep_refusals(c, e, &e->items[i], &own);
    }
    return status;
}

/* ---- idempotency ---- */
static bool read_key(const struct send_context *ctx, struct str name, struct str key, struct sha256 *ret) {
    if (key.n == 0 || key.n > ACCEPT_IDEMPOTENCY_KEY_MAX) {
        refused_say(ctx->refused, ctx->arena, REFUSAL_FIELD, name,
                    arena_strf(ctx->arena, "%.*s must have 1 to %d characters", STR_ARG(name), ACCEPT_IDEMPOTENCY_KEY_MAX).p);
        return false;
    }
    *ret = sha256(key);
    return true;
}

/* All that parameters came from. */
static struct sha256 request_hash(const struct call *c) {
    const struct sha256 of_body = sha256(c->body);
    BUF_AUTO text = {0};
    if (c->request.query.n == 0) return of_body;
    buf_add_str(&text, sha256_str(&of_body));
    buf_add_str(&text, c->request.query);
    return sha256(buf_str(&text));
}

static void read_call_key(struct call *c, struct email *e) {
    const struct send_context ctx = {.arena = c->arena, .refused = &c->refused};
    if (!c->request.idempotency_key.p || !read_key(&ctx, STR("Idempotency-Key"), c->request.idempotency_key, &e->key_hash))
        return;
    e->request_hash = request_hash(c);
    e->key = (struct accept_key){sha256_str(&e->key_hash), sha256_str(&e->request_hash)};
}

/* An item of a batch may have one of its own. */
static void read_item_key(const struct send_context *ctx, const struct json *value, struct item *item) {
    const struct json *key = json_find_nocase(value, STR("IdempotencyKey"));
    BUF_AUTO text = {0};
    struct json_writer w = {.out = &text};
    if (!key || !read_key(ctx, STR("IdempotencyKey"), json_is(key, JSON_STRING) ? key->text : (struct str){0}, &item->key_hash))
        return;
    json_value(&w, value);
    item->request_hash = sha256(buf_str(&text));
    item->key = (struct accept_key){sha256_str(&item->key_hash), sha256_str(&item->request_hash)};
}

/* ---- making ---- */
/* Out of a small body much can come, when there are many messages, people or values: that shares the memory of request bodies. */
static bool hold(const struct send_context *ctx, struct email *e, const struct item *item, const struct acceptance *made) {
    e->bytes += accept_held(made);
    if (!ctx->api->budget || !(e->is_batch || send_needs_load(&item->request))) return true;
    const struct http_owner owner = http_owner_of_account(ctx->sender->key.account_id);
    if (!http_budget_take_share(ctx->api->budget, &owner, accept_held(made))) return false;
    e->held += accept_held(made);
    return true;
}

/* A message for each of `count` people, all in memory at once: refused when that would be too much, LIMIT when it is now. */
static enum status make_each(const struct send_context *ctx, struct email *e, struct item *item, const struct send_merge *people,
                             size_t count) {
    item->accept.messages = arena_array(ctx->arena, count, sizeof *item->accept.messages);
    for (size_t i = 0; i < count; i++) {
        struct acceptance *a = &item->accept.messages[i];
        if (e->bytes > SEND_BYTES_MAX) {
            refused_add(ctx->refused, send_operation(), 413, (struct str){0});
            return STATUS_OK;
        }
        if (!send_make(ctx, &item->request, people ? &people[i] : NULL, a)) return STATUS_OK;
        item->accept.message_count++;
        accept_pack(a, people ? CONTENT_SHARED_LIKELY : CONTENT_SHARED_MAYBE);
        if (!hold(ctx, e, item, a)) return STATUS_LIMIT;
    }
    return STATUS_OK;
}

static enum status make_entries(const struct send_context *ctx, struct email *e, struct item *item) {
    const struct compose_group *to = &item->request.submission.to;
    struct send_merge *people = arena_array(ctx->arena, to->count, sizeof *people);
    for (size_t i = 0; i < to->count; i++) people[i] = (struct send_merge){.to = to->items[i], .fields = item->request.data[i]};
    return make_each(ctx, e, item, people, to->count);
}

static enum status make_list(const struct send_context *ctx, struct email *e, struct item *item) {
    const struct subscriber_page *list = item->list;
    struct send_merge *people = arena_array(ctx->arena, list->count, sizeof *people);
    for (size_t i = 0; i < list->count; i++) {
        const struct subscriber *s = &list->items[i];
        struct json_error error;
        people[i] = (struct send_merge){.to.email = s->email, .list_id = s->list_id, .subscriber_id = s->id};
        if (!json_parse(ctx->arena, s->fields, &people[i].fields, &error)) people[i].fields = NULL;
    }
    return make_each(ctx, e, item, people, list->count);
}

/* Too many for one transaction: the request is kept, whole. */
static void make_later(const struct send_context *ctx, struct item *item) {
    const struct sender_key *key = &ctx->sender->key;
    struct list_send *later = ARENA_NEW(ctx->arena, struct list_send);
    BUF_AUTO request = {0};
    send_format(ctx, &item->request, &request);
    *later = (struct list_send){
        .uuid = id_make(ctx->now, ctx->api->rand),
        .account_id = key->account_id,
        .domain_id = key->domain_id,
        .key_id = key->id,
        .list_id = item->request.list_id,
        .request = arena_str(ctx->arena, buf_str(&request)),
        .up_to = item->audience.up_to,
        .total = item->audience.total,
        .created_at = ctx->now,
        .due_at = item->request.due_at,
    };
    item->later = later;
}

static enum status make_item(const struct send_context *ctx, struct email *e, struct item *item, struct db *db) {
    (void)db;
    struct send_request *r = &item->request;
    bool is_split = r->data && r->submission.to.count > 1;
    item->is_many = r->list_id || is_split;
    item->accept.list_id = r->list_id;
    if (r->list_id && !item->list) {
        make_later(ctx, item);
        return STATUS_OK;
    }
    enum status status = r->list_id ? make_list(ctx, e, item)
                         : is_split ? make_entries(ctx, e, item)
                                    : make_each(ctx, e, item, NULL, 1);
    if (ctx->refused->count) accept_request_fini(&item->accept);
    return status;
}

/* ---- step: what the request says ---- */
static bool has_lookups(const struct email *e) {
    for (size_t i = 0; i < e->count; i++)
        if (!e->items[i].errors.n && send_needs_load(&e->items[i].request)) return true;
    return false;
}

/* Nothing to look up: the messages are made here, and the two steps between are left out. */
static enum status go_on(struct call *c, struct db *db) {
    if (c->refused.count || has_lookups(c->state)) return STATUS_OK;
    call_skip(c, 2);
    return email_make(c, db);
}

enum status email_check(struct call *c, struct db *db) {
    struct email *e = email_new(c, 1, false);
    struct refused_list own;
    struct send_context ctx = context_of(c, e, &own);
    send_read_args(&ctx, c->args, &e->items[0].request);
    read_call_key(c, e);
    return go_on(c, db);
}

static enum status read_item(const struct send_context *ctx, struct item *item, const struct json *value, size_t *recipients) {
    const struct input input = {.body = value};
    if (!json_is(value, JSON_OBJECT)) {
        refused_say(ctx->refused, ctx->arena, REFUSAL_FIELD, STR("Messages"), "Messages must hold objects only");
        return STATUS_OK;
    }
    send_read(ctx, &input, &item->request);
    read_item_key(ctx, value, item);
    const struct submission *s = &item->request.submission;
    *recipients += s->to.count + s->cc.count + s->bcc.count;
    if (item->request.list_id)
        refused_say(ctx->refused, ctx->arena, REFUSAL_FIELD, STR("TargetListID"), "TargetListID cannot be used in a batch");
    if (*recipients > SEND_RECIPIENTS_MAX)
        refused_say(ctx->refused, ctx->arena, REFUSAL_FIELD, STR("To"),
                    arena_strf(ctx->arena, "A batch may have %d recipients in all", SEND_RECIPIENTS_MAX).p);
    return STATUS_OK;
}

enum status email_check_batch(struct call *c, struct db *db) {
    const struct arg *list = call_arg(c, "Messages");
    struct email *e = email_new(c, list->is_given ? list->raw->count : 0, true);
    size_t i = 0, recipients = 0;
    read_call_key(c, e);
    if (list->is_given && list->raw->count == 0) call_refuse_say(c, STR("Messages"), "Messages must not be empty");
    if (c->refused.count) return STATUS_OK;
    JSON_FOR_EACH (it, list->raw) {
        struct refused_list own;
        struct send_context ctx = context_of(c, e, &own);
        enum status status = read_item(&ctx, &e->items[i], it, &recipients);
        if (status != STATUS_OK) return status;
        keep_refusals(c, e, &e->items[i], &own);
        i++;
    }
    return go_on(c, db);
}

/* ---- step: what the store knows ---- */
static enum status load_list(const struct send_context *ctx, struct item *item, struct db *db) {
    struct send_request *r = &item->request;
    struct subscriber_query query = {ctx->sender->key.account_id, r->list_id, SUBSCRIBER_ACTIVE, 0, 0, LIST_SEND_AT_ONCE};
    enum status status = list_audience(db, query.account_id, r->list_id, &item->audience);
    if (status == STATUS_NOT_FOUND || (status == STATUS_OK && item->audience.total == 0)) {
        refused_add(ctx->refused, send_operation(), status == STATUS_OK ? 20 : 16, STR("TargetListID"));
        return STATUS_OK;
    }
    size_t total = (size_t)item->audience.total;
    if (status == STATUS_OK) send_judge_list(ctx, r);
    if (status != STATUS_OK || total > LIST_SEND_AT_ONCE || send_bytes(r) > SEND_BYTES_MAX / total) return status;
    struct subscriber_page *page = ARENA_NEW(ctx->arena, struct subscriber_page);
    query.up_to = item->audience.up_to;
    item->list = page;
    return subscriber_page(db, ctx->arena, &query, page);
}

static enum status load_item(const struct send_context *ctx, struct email *e, struct item *item, struct db *db) {
    (void)e;
    if (!send_needs_load(&item->request)) return STATUS_OK;
    enum status status = send_load(ctx, db, &item->request);
    return status == STATUS_OK && item->request.list_id ? load_list(ctx, item, db) : status;
}

enum status email_load(struct call *c, struct db *db) {
    return for_each(c, db, load_item);
}

/* ---- step: the messages ---- */
enum status email_make(struct call *c, struct db *db) {
    struct email *e = c->state;
    enum status status = for_each(c, db, make_item);
    c->write_bytes = 1024;
    for (size_t i = 0; i < e->count; i++)
        c->write_bytes += accept_bytes(&e->items[i].accept) + (e->items[i].later ? e->items[i].later->request.n : 0);
    return status;
}

/* ---- step: the write ---- */
static struct str answer_of(struct arena *arena, const struct item *item) {
    BUF_AUTO text = {0};
    struct json_writer w = {.out = &text};
    json_open_object(&w);
    if (item->later) {
        char uuid[ID_TEXT_LEN + 1];
        id_format(item->later->uuid, uuid);
        json_add_array(&w, STR("MessageID"));
        json_z(&w, uuid);
        json_close_array(&w);
        json_add_i64(&w, STR("Recipients"), item->later->total);
    } else {
        send_answer(&w, &item->accept, item->is_many);
    }
    json_close_object(&w);
    return arena_str(arena, buf_str(&text));
}

static enum status store_new(const struct send_context *ctx, struct db *db, struct acceptor *by, struct item *item) {
    int64_t id;
    if (!item->later) return accept_request(db, ctx->arena, by, &item->accept);
    item->accept.outcome = ACCEPT_NEW;
    return list_send_add(db, item->later, &id);
}

static enum status store_item(const struct send_context *ctx, struct db *db, struct acceptor *by, struct item *item) {
    enum accept_outcome outcome;
    enum status status = accept_recall(db, ctx->arena, by, &item->key, &item->answer, &outcome);
    item->accept.outcome = outcome;
    if (status != STATUS_OK || outcome == ACCEPT_REPLAYED) return status;
    if (outcome == ACCEPT_CONFLICT) {
        refused_add(ctx->refused, send_operation(), REFUSAL_CONFLICT, STR("IdempotencyKey"));
        return STATUS_OK;
    }
    status = store_new(ctx, db, by, item);
    if (status != STATUS_OK) return status;
    if (item->accept.outcome != ACCEPT_NEW) {
        send_refuse(ctx, &item->accept);
        return STATUS_OK;
    }
    item->answer = answer_of(ctx->arena, item);
    return accept_remember(db, by, &item->key, item->answer);
}

/* How long until a limit has room again. */
static void show_limit(struct call *c, const struct acceptor *by, const struct accept_request *request) {
    if (request->outcome != ACCEPT_OVER_LIMIT) return;
    struct quota_state state = quota_state(&by->quota, request->verdict);
    int64_t wait_ms = state.retry_at > c->now ? state.retry_at - c->now : 1;
    c->retry_after_s = (wait_ms + 999) / 1000;
    c->limit = (struct limit_state){.is_limited = true, .limit = state.limit, .remaining = state.remaining, .reset_ms = wait_ms};
}

static enum status store_all(struct call *c, struct db *db, struct acceptor *by) {
    struct email *e = c->state;
    enum status status = accept_begin(db, by);
    e->accepted = 0;
    for (size_t i = 0; status == STATUS_OK && i < e->count; i++) {
        struct refused_list own;
        struct send_context ctx = context_of(c, e, &own);
        struct item *item = &e->items[i];
        BUF_AUTO text = {0};
        item->answer = item->errors;
        if (item->errors.n) continue;
        status = store_item(&ctx, db, by, item);
        e->accepted += ctx.refused->count == 0;
        if (!e->is_batch) show_limit(c, by, &item->accept);
        if (!e->is_batch || own.count == 0) continue;
        refused_format_rest(&own, &text);
        item->answer = arena_str(c->arena, buf_str(&text));
    }
    return status == STATUS_OK && e->accepted ? accept_end(db, by) : status;
}

static void write_results(struct call *c, const struct email *e) {
    struct json_writer *w = call_open(c);
    json_add_array(w, STR("Results"));
    for (size_t i = 0; i < e->count; i++) json_raw(w, e->items[i].answer);
    json_close_array(w);
    call_close(c);
}

enum status email_store(struct call *c, struct db *db) {
    struct email *e = c->state;
    struct refused_list own;
    struct send_context ctx = context_of(c, e, &own);
    struct acceptor by = send_acceptor(&ctx);
    struct str first;
    enum status status = accept_recall(db, c->arena, &by, &e->key, &first, &e->outcome);
    if (status != STATUS_OK) return status;
    if (e->outcome == ACCEPT_CONFLICT) return call_refuse_field(c, REFUSAL_CONFLICT, STR("Idempotency-Key"));
    if (e->outcome == ACCEPT_REPLAYED) {
        call_add_header(c, STR("Idempotent-Replayed"), STR("true"));
        buf_add_str(&c->out, first);
        return STATUS_OK;
    }
    status = store_all(c, db, &by);
    if (call_is_over(c, status)) return status;
    if (e->is_batch)
        write_results(c, e);
    else
        buf_add_str(&c->out, e->items[0].answer);
    return e->accepted ? accept_remember(db, &by, &e->key, buf_str(&c->out)) : STATUS_OK;
}

/* ---- step: what follows it ---- */
enum status email_offer(struct call *c, struct db *db) {
    (void)db;
    const struct email *e = c->state;
    if (e->outcome != ACCEPT_NEW) return STATUS_OK;
    for (size_t i = 0; i < e->count; i++) {
        send_offer(c->api, &e->items[i].accept);
        if (e->items[i].later) work_wake(c->api->work);
    }
    return STATUS_OK;
}
