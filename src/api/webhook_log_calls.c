/* webhook_log_calls.c - what webhooks were told: a call to see what the endpoint says, the log of calls, and events told again.
 *
 * A test call is made for whoever asks (hook/hook_tester, behind api_options.webhook_test) and comes into the log; the endpoint's
 * health and what waits for it stay as they are. A replay makes rows due, in slices of a transaction each; a range that is longer
 * than one answer may take goes on with the cursor.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/call.h"
#include "api/event_calls.h"
#include "api/webhook_calls.h"

#include "core/hook.h"

#define ATTEMPTS_DEFAULT 20
#define REPLAY_SLICE     500 /* events looked at in a transaction */
#define REPLAY_ROUNDS    100 /* of those, for one answer */

static void add_result(struct json_writer *w, int64_t code, int64_t duration_ms, struct str why, struct str answer) {
    json_add_bool(w, STR("IsSuccess"), why.n == 0);
    json_add_i64(w, STR("StatusCode"), code);
    json_add_i64(w, STR("Duration"), duration_ms);
    json_add_str(w, STR("Error"), why);
    json_add_str(w, STR("Response"), answer);
}

/* ---- a test call ---- */
struct testing {
    struct call *call;
    struct hook_trial trial;
    struct hook_row sample;
    struct post post;
};

static void cleanup_test(struct call *c) {
    hook_trial_fini(&((struct testing *)c->state)->trial);
}

static enum event_type first_type(int64_t events) {
    for (int type = 1; type < EVENT_TYPE_COUNT; type++)
        if (events & EVENT_BIT(type)) return (enum event_type)type;
    return EVENT_DELIVERY;
}

/* An event like any other but for its id and a member of Details. */
static struct hook_row sample_of(const struct call *c, const struct webhook *webhook) {
    return (struct hook_row){.event = {.event = {.at = c->now,
                                                 .type = first_type(call_number(c, "Event", webhook->events)),
                                                 .recipient = STR("test@example.com"),
                                                 .detail = STR("{\"Test\":true}")},
                                       .sender = STR("test@example.com"),
                                       .subject = STR("Test call")}};
}

/* The endpoint, whose domain has a key then. */
static enum status endpoint_with_key(struct call *c, struct db *db, const struct webhook *webhook, struct hook_endpoint *ret) {
    SECRET_AUTO key = {0};
    enum status status = hook_endpoint_get(db, c->arena, webhook->account_id, webhook->id, ret);
    if (status != STATUS_OK || ret->key_sealed.n) return status;
    status = webhook_make_signing_key(db, webhook->domain_id, &c->api->seal, c->api->rand, &key);
    return status == STATUS_OK ? hook_endpoint_get(db, c->arena, webhook->account_id, webhook->id, ret) : status;
}

static void refuse_trouble(struct call *c, struct str trouble) {
    struct str why = arena_strf(c->arena, "The webhook cannot be called: %.*s", STR_ARG(trouble));
    refused_say(&c->refused, c->arena, 11, (struct str){0}, why.p);
}

enum status webhook_calls_test_make(struct call *c, struct db *db) {
    struct testing *t = ARENA_NEW(c->arena, struct testing);
    const struct hook_rules rules = {
        .seal = c->api->seal, .rand = c->api->rand, .owner = c->api->owner, .urls = c->api->webhooks};
    struct webhook webhook;
    struct hook_endpoint endpoint;
    c->state = t;
    c->cleanup = cleanup_test;
    enum status status = webhook_calls_find(c, db, &webhook);
    if (call_is_over(c, status)) return status;
    if (!c->api->webhook_test) return call_refuse(c, 10);
    t->sample = sample_of(c, &webhook);
    status = endpoint_with_key(c, db, &webhook, &endpoint);
    if (status == STATUS_OK) status = hook_try(c->arena, &rules, &endpoint, &t->sample, c->now, &t->trial.turn);
    if (status == STATUS_OK && t->trial.turn.trouble.n) refuse_trouble(c, t->trial.turn.trouble);
    return status;
}

static void on_post(struct post *post) {
    call_resume(LIST_OWNER(post, struct testing, post)->call);
}

static void tested(struct hook_trial *trial) {
    struct testing *t = LIST_OWNER(trial, struct testing, trial);
    loop_post(t->call->loop, &t->post);
}

enum status webhook_calls_test_ask(struct call *c, struct db *db) {
    (void)db;
    struct testing *t = c->state;
    t->call = c;
    t->post.fn = on_post;
    t->trial.done = tested;
    c->api->webhook_test(c->api->arg, &t->trial);
    return STATUS_OK;
}

enum status webhook_calls_test_end(struct call *c, struct db *db) {
    const struct hook_trial *trial = &((struct testing *)c->state)->trial;
    const struct hook_answer *a = &trial->answer;
    BUF_AUTO why = {0};
    if (!trial->was_called) return call_refuse(c, 14);
    enum status status = hook_trial_log(db, trial);
    if (status != STATUS_OK) return status;
    hook_explain(a, &why);
    struct json_writer *w = call_open(c);
    json_add_id(w, STR("WebhookID"), trial->turn.webhook_id);
    add_result(w, a->code, a->ended_at - a->began_at, buf_str(&why), a->body);
    return call_close(c);
}

/* ---- the log ---- */
enum status webhook_calls_attempts(struct call *c, struct db *db) {
    struct webhook webhook;
    struct hook_attempt_list list;
    enum status status = webhook_calls_find(c, db, &webhook);
    if (call_is_over(c, status)) return status;
    int limit = (int)call_number(c, "RetrieveCount", ATTEMPTS_DEFAULT);
    const struct hook_attempt_query query = {webhook.account_id, webhook.id, call_number(c, "BeforeID", 0), limit};
    status = hook_attempt_list(db, c->arena, &query, &list);
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    json_add_array(w, STR("Attempts"));
    for (size_t i = 0; i < list.count; i++) {
        const struct hook_attempt *a = &list.items[i];
        json_open_object(w);
        json_add_id(w, STR("AttemptID"), a->id);
        json_add_time(w, STR("AttemptedAt"), a->at);
        json_add_i64(w, STR("Attempt"), a->attempt);
        json_add_id(w, STR("EventID"), a->event_id);
        json_add_i64(w, STR("EventCount"), a->event_count);
        add_result(w, a->code, a->duration_ms, a->why, a->answer);
        json_close_object(w);
    }
    json_close_array(w);
    return call_close(c);
}

/* ---- again ---- */
struct replaying {
    int64_t from_at, before_at;
    struct hook_replayed at, run; /* committed; and what the run adds to it */
    unsigned round;
};

/* "at-id" of the last event that was looked at; as queue cursors, it opens nothing that the account cannot see. */
static bool parse_cursor(struct str text, struct hook_replayed *ret) {
    struct str rest = text, at;
    if (text.n == 0) return true;
    return str_next(&rest, '-', &at) && str_to_i64(at, &ret->at) && str_to_i64(rest, &ret->id) && ret->at >= 0 && ret->id >= 0;
}

enum status webhook_calls_replay_check(struct call *c, struct db *db) {
    (void)db;
    struct replaying *r = ARENA_NEW(c->arena, struct replaying);
    const struct arg *event = call_arg(c, "EventID"), *start = call_arg(c, "StartDate");
    c->state = r;
    r->before_at = c->now;
    if (event->raw && start->raw) call_refuse_say(c, STR("EventID"), "Name either EventID or StartDate");
    if (!event->raw && !start->raw) call_refuse(c, 5);
    event_calls_dates(c, &r->from_at, &r->before_at);
    if (!parse_cursor(call_text(c, "Cursor", (struct str){0}), &r->at))
        call_refuse_say(c, STR("Cursor"), "Cursor is none that a replay gave: begin without one");
    return STATUS_OK;
}

static enum status answer_replayed(struct call *c, int64_t count, const struct hook_replayed *more) {
    BUF_AUTO cursor = {0};
    if (more) buf_addf(&cursor, "%lld-%lld", (long long)more->at, (long long)more->id);
    struct json_writer *w = call_open(c);
    json_add_i64(w, STR("Replayed"), count);
    json_add_str(w, STR("Cursor"), buf_str(&cursor));
    return call_close(c);
}

static enum status replay_event(struct call *c, struct db *db, const struct webhook *webhook) {
    int64_t event_id = call_number(c, "EventID", 0);
    enum status status = hook_replay_event(db, c->api->owner.node_id, webhook->account_id, webhook->id, event_id, c->now);
    if (status == STATUS_NOT_FOUND) return call_refuse_field(c, 9, STR("EventID"));
    return status == STATUS_OK ? answer_replayed(c, 1, NULL) : status;
}

static enum status replay_slice(struct call *c, struct db *db, const struct webhook *webhook) {
    struct replaying *r = c->state;
    struct hook_replayed slice;
    if (c->round != r->round) {
        r->round = c->round;
        r->at = r->run;
    }
    enum status status = hook_replay_range(db, c->arena,
                                           &(struct hook_range){.node_id = c->api->owner.node_id,
                                                                .account_id = webhook->account_id,
                                                                .webhook_id = webhook->id,
                                                                .from_at = r->from_at,
                                                                .before_at = r->before_at,
                                                                .after_at = r->at.at,
                                                                .after_id = r->at.id,
                                                                .now = c->now,
                                                                .limit = REPLAY_SLICE},
                                           &slice);
    if (status != STATUS_OK) return status;
    slice.count += r->at.count;
    r->run = slice;
    bool is_last = slice.is_end || c->round + 1 == REPLAY_ROUNDS;
    if (is_last) return answer_replayed(c, slice.count, slice.is_end ? NULL : &slice);
    call_again(c);
    return STATUS_OK;
}

enum status webhook_calls_replay(struct call *c, struct db *db) {
    struct webhook webhook;
    enum status status = webhook_calls_find(c, db, &webhook);
    if (call_is_over(c, status)) return status;
    if (!webhook.is_active) return call_refuse(c, 8);
    c->write_bytes = (size_t)REPLAY_SLICE * 128;
    return (call_arg(c, "EventID")->is_given ? replay_event : replay_slice)(c, db, &webhook);
}
