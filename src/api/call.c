/* call.c - the engine: runs functions where they belong and looks after each whether the call goes on.
 *
 * Every function (parsing, credentials, checks, the operation's steps) goes through go(): it runs on the loop, or as a job on
 * an executor, and comes back to the call's loop, so a call is in one place at a time and needs no lock. A refusal or a fault
 * after any of them leads straight to answer(), and that is the one way out. The writer may run a step twice: reset_outputs. What
 * operations do is in *_calls.c; what HTTP is, in api.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/call.h"

#include "api/judge.h"
#include "api/throttle.h"
#include "base/log.h"
#include "proto/url/url.h"

#include <inttypes.h>
#include <string.h>

#define SIZED_LOOP_MAX    ((size_t)256 << 10) /* bodies up to this are parsed and composed on the loop */
#define GROWTH_FREE_BYTES ((size_t)64 << 10)  /* what a parsed or checked request may take unasked */

static void answer(struct call *c);

/* ---- for handlers ---- */
const struct arg *call_arg(const struct call *c, const char *name) {
    return params_arg(c->op, c->args, name);
}

struct str call_text(const struct call *c, const char *name, struct str otherwise) {
    const struct arg *arg = call_arg(c, name);
    return arg->is_given ? arg->text : otherwise;
}

int64_t call_number(const struct call *c, const char *name, int64_t otherwise) {
    const struct arg *arg = call_arg(c, name);
    return arg->is_given ? arg->number : otherwise;
}

struct id call_uuid(const struct call *c, const char *name) {
    struct id uuid = {0};
    const struct arg *arg = call_arg(c, name);
    if (arg->is_given) memcpy(uuid.b, arg->text.p, sizeof uuid.b);
    return uuid;
}

enum status call_refuse(struct call *c, int code) {
    refused_add(&c->refused, c->op, code, (struct str){0});
    return STATUS_OK;
}

enum status call_refuse_field(struct call *c, int code, struct str field) {
    refused_add(&c->refused, c->op, code, field);
    return STATUS_OK;
}

enum status call_refuse_say(struct call *c, struct str field, const char *why) {
    refused_say(&c->refused, c->arena, REFUSAL_FIELD, field, why);
    return STATUS_OK;
}

void call_again(struct call *c) {
    c->is_again = true;
}

void call_skip(struct call *c, size_t count) {
    c->step += count;
}

void call_end(struct call *c) {
    c->is_ended = true;
}

enum operation_style call_style(const struct call *c) {
    if (c->request.is_control) return STYLE_CONTROL;
    if (c->op) return c->op->style;
    struct str command;
    return operation_is_command_path(c->request.path, &command) ? STYLE_COMMAND : STYLE_REST;
}

struct json_writer *call_open(struct call *c) {
    c->json = (struct json_writer){.out = &c->out};
    json_open_object(&c->json);
    if (call_style(c) != STYLE_REST) {
        json_add_bool(&c->json, STR("Success"), true);
        json_add_i64(&c->json, STR("ErrorCode"), 0);
    }
    return &c->json;
}

enum status call_close(struct call *c) {
    json_close_object(&c->json);
    return STATUS_OK;
}

enum status call_done(struct call *c) {
    call_open(c);
    return call_close(c);
}

void call_add_header(struct call *c, struct str name, struct str value) {
    if (c->header_count == CALL_HEADERS_MAX) return;
    c->headers[c->header_count++] = (struct http_header){name, value};
}

/* ---- running a function where it belongs ---- */
/* A writer may run a job again: what the first run answered must not be left over. */
static void reset_outputs(struct call *c) {
    buf_reset(&c->out);
    c->refused.count = 0;
    c->header_count = 0;
    c->retry_after_s = 0;
    c->is_again = c->is_ended = false;
}

static enum status run_job(struct job *job, void *ctx) {
    struct call *c = LIST_OWNER(job, struct call, job);
    reset_outputs(c);
    return c->fn(c, ctx);
}

/* lists_all_codes, judges_all: refused parameters do not end the call until a step could look at the others. */
static void hold_refusals(struct call *c) {
    struct refused_list *held = ARENA_NEW(c->arena, struct refused_list);
    *held = c->refused;
    c->held = held;
    c->refused.count = 0;
}

static void release_refusals(struct call *c) {
    for (size_t i = 0; i < c->held->count; i++) {
        const struct refused *item = &c->held->items[i];
        refused_say(&c->refused, c->arena, item->code, item->field, item->message.p);
    }
    c->held = NULL;
}

static enum status check(struct call *c, struct db *db);

static void go_on(struct call *c, enum status status) {
    if (status != STATUS_OK) c->fault = status;
    if (c->held && c->fn != check) release_refusals(c);
    if (c->fault != STATUS_OK || c->refused.count) {
        answer(c);
    } else {
        c->then(c);
    }
}

static void job_done(struct job *job) {
    go_on(LIST_OWNER(job, struct call, job), job->status);
}

static size_t inquiry_next(void *machine, struct dns_question *ret, size_t max) {
    struct call *c = machine;
    return c->machine.next(c->machine.machine, ret, max);
}

static void inquiry_answer(void *machine, size_t index, const struct dns_answer *reply) {
    struct call *c = machine;
    c->machine.answer(c->machine.machine, index, reply);
}

static void inquiry_done(void *machine) {
    go_on(machine, STATUS_OK);
}

static void ask_dns(struct call *c) {
    static const struct inquiry_ops ops = {.next = inquiry_next, .answer = inquiry_answer, .done = inquiry_done};
    enum status status = c->fn(c, NULL);
    if (status == STATUS_OK && c->refused.count == 0) {
        inquiry_start(c->api->resolver, c->loop, &ops, c);
    } else {
        go_on(c, status);
    }
}

void call_resume(struct call *c) {
    go_on(c, STATUS_OK);
}

static struct executor *executor_of(const struct call *c, enum step_where where) {
    switch (where) {
    case STEP_READER:
        return c->api->readers;
    case STEP_SEARCH:
        return c->round ? c->api->background : c->api->searchers;
    case STEP_WRITER:
        return c->api->writer;
    case STEP_SLOW:
        return c->api->slow;
    case STEP_SIZED:
        return c->body.n > SIZED_LOOP_MAX ? c->api->slow : NULL;
    default:
        return NULL;
    }
}

/* ---- room ---- */
#define ROOM_RETRY_S 60 /* somebody has to make room first */

/* False, and refused: the disk is too full for what the operation would write. */
static bool has_room(struct call *c, bool is_enough) {
    if (is_enough) return true;
    metrics_add(c->api->metrics, METRIC_DISK_REFUSED, 1);
    c->retry_after_s = ROOM_RETRY_S;
    refused_add(&c->refused, c->op, REFUSAL_ROOM, (struct str){0});
    return false;
}

static size_t bytes_of_write(const struct call *c) {
    return c->write_bytes ? c->write_bytes : c->body.n + 1024;
}

/* Asked once a call, whatever its step is run again for. */
static bool takes_room(struct call *c, const struct step *step) {
    if (step->where != STEP_WRITER || !c->op->takes_room || c->has_taken_room || !c->api->gate) return true;
    c->has_taken_room = true;
    return has_room(c, disk_gate_take(c->api->gate, (int64_t)bytes_of_write(c)));
}

/* Run fn at `where`, then continue with `then` on the loop. */
static void go(struct call *c, enum step_where where, step_fn fn, void (*then)(struct call *)) {
    c->fn = fn;
    c->then = then;
    if (where == STEP_DNS) {
        ask_dns(c);
        return;
    }
    if (where == STEP_WAIT) {
        enum status begun = fn(c, NULL);
        if (begun != STATUS_OK || c->refused.count) go_on(c, begun);
        return;
    }
    struct executor *executor = executor_of(c, where);
    if (!executor) {
        go_on(c, fn(c, NULL));
        return;
    }
    c->job =
        (struct job){.run = run_job, .done = job_done, .loop = c->loop, .bytes = bytes_of_write(c), .lane = c->scope.account_id};
    enum status status = executor_submit(executor, &c->job);
    if (status != STATUS_OK) go_on(c, status);
}

/* ---- the operation's steps ---- */
static void next_step(struct call *c) {
    if (c->is_again) {
        c->step--;
        c->round++;
    }
    c->is_again = false;
    const struct step *step = &c->op->steps[c->step];
    if (c->is_ended || c->step == OPERATION_STEPS_MAX || step->where == STEP_END) {
        answer(c);
        return;
    }
    if (!takes_room(c, step)) return answer(c);
    c->step++;
    go(c, step->where, step->fn, next_step);
}

static void refuse_states(struct call *c) {
    const struct sender_login *login = &c->sender;
    if (login->key.id == 0) return;
    if (!login->account_is_active) call_refuse(c, c->op->inactive);
    if (c->op->scope != SENDER_SCOPE_SEND) return;
    if (login->domain_state != DOMAIN_ENABLED) call_refuse(c, 32);
    if (!login->account_is_verified) call_refuse(c, 34);
}

/* Many small values take some dozens of times the memory of their text, once they are parsed and once more when they are checked:
 * what the arena grew by shares the memory of request bodies (P8). */
static enum status hold_growth(struct call *c, size_t used_before) {
    size_t bytes = c->arena->used_bytes - used_before;
    return bytes <= GROWTH_FREE_BYTES ? STATUS_OK : call_hold(c, bytes);
}

enum status call_hold(struct call *c, size_t bytes) {
    if (!c->api->budget) return STATUS_OK;
    if (c->held_bytes == 0) c->holder = http_owner_of_account(c->scope.account_id);
    if (!http_budget_take_share(c->api->budget, &c->holder, bytes)) return STATUS_LIMIT;
    c->held_bytes += bytes;
    return STATUS_OK;
}

/* All that can be said about the request without the store is said at once: the table's checks, then those of a first step that
 * needs nothing else. */
static enum status check(struct call *c, struct db *db) {
    size_t before = c->arena->used_bytes;
    refuse_states(c);
    if (c->refused.count && c->refused.items[0].code == REFUSAL_SENDER_KEY) return STATUS_OK;
    c->args = params_check(c->op, &c->input, c->arena, &c->refused);
    enum status status = STATUS_OK;
    if (c->op->steps[0].where == STEP_SIZED) {
        c->step = 1;
        status = c->op->steps[0].fn(c, db);
    }
    if (c->refused.count && (c->op->lists_all_codes || c->op->judges_all)) hold_refusals(c);
    return status == STATUS_OK ? hold_growth(c, before) : status;
}

static void start_check(struct call *c) {
    go(c, STEP_SIZED, check, next_step);
}

/* ---- credentials ---- */
/* He is who he says: count the call for him, once. */
static void judged(struct call *c) {
    if (!c->is_counted) {
        c->is_counted = true;
        judge_note_use(c);
        if (!throttle_caller(c)) return answer(c);
    }
    c->after_judge(c);
}

static void judge(struct call *c, const struct credentials *shown, void (*then)(struct call *)) {
    judge_begin(c, shown);
    c->after_judge = then;
    go(c, STEP_READER, judge_caller, judged);
}

/* Nobody has to say who he is: it is open to all, or he came through the control socket and acts for no account. */
static bool is_open(const struct call *c) {
    if (c->op->caller == CALLER_ANYONE || c->op->caller == CALLER_OPERATOR) return true;
    return c->request.is_control && c->op->caller == CALLER_ADMIN;
}

/* ---- from the head to the body ---- */
static size_t body_max(const struct call *c) {
    if (c->request.is_control) return OPERATION_BODY_SEND;
    return c->op && c->op->body_max ? c->op->body_max : OPERATION_BODY_MAX;
}

/* A body that could not be kept is not read. */
static void admit_all(struct call *c) {
    bool is_shut = c->op && c->op->takes_room && c->api->gate && disk_gate_is_shut(c->api->gate);
    if (!has_room(c, !is_shut)) return answer(c);
    c->admit(c, body_max(c));
}

static void refuse_and_answer(struct call *c, int code, struct str field, const char *why) {
    if (why) {
        refused_say(&c->refused, c->arena, code, field, why);
    } else {
        refused_add(&c->refused, c->op, code, field);
    }
    answer(c);
}

/* What stands in the path is a parameter, decoded; a broken escape stays what it is, and is no id of anything. */
static void add_place(struct call *c, struct json **named, struct str name, struct str value) {
    struct str decoded;
    input_add(c->arena, named, name, url_decode(c->arena, value, &decoded) ? decoded : value);
}

static bool find_operation(struct call *c) {
    struct str command;
    bool is_command = operation_is_command_path(c->request.path, &command);
    if (!is_command || command.n == 0) command = input_text(&c->input, STR("Command"));
    struct operation_places places;
    if (c->request.is_control || is_command) {
        c->op = operation_find_command(c->request.is_control ? STYLE_CONTROL : STYLE_COMMAND, command);
        return true;
    }
    c->op = operation_find_path(c->request.method, c->request.path, &places);
    struct json *named = NULL;
    for (size_t i = 0; c->op && i < places.count; i++) add_place(c, &named, places.items[i].name, places.items[i].value);
    c->input.path = named;
    return c->op != NULL;
}

void call_start(struct call *c) {
    const char *why;
    c->now = clock_wall_ms(c->api->clock);
    c->started_ms = clock_mono_ms(c->api->clock);
    if (!c->request.is_control) (void)ip_parse(c->request.client, &c->ip);
    if (!input_parse_form(c->arena, c->request.query, &c->input.query, &why)) {
        refuse_and_answer(c, REFUSAL_UNREADABLE, STR("query"), why);
        return;
    }
    if (!find_operation(c)) {
        refuse_and_answer(c, 404, (struct str){0}, NULL);
        return;
    }
    if (!throttle_client(c)) return answer(c);
    struct credentials shown = judge_shown(c);
    if (c->request.is_control || (c->op && is_open(c))) {
        admit_all(c);
    } else if (judge_is_shown(c, &shown)) {
        judge(c, &shown, admit_all);
    } else if (c->request.is_large) {
        refuse_and_answer(c, 401, (struct str){0}, NULL);
    } else {
        c->admit(c, OPERATION_BODY_MAX);
    }
}

/* ---- from the body to the steps ---- */
static enum status parse(struct call *c, struct db *db) {
    (void)db;
    const char *why;
    size_t before = c->arena->used_bytes;
    if (!input_parse_body(c->arena, c->request.content_type, c->body, &c->input.body, &why)) {
        refused_say(&c->refused, c->arena, REFUSAL_UNREADABLE, STR("body"), why);
        return STATUS_OK;
    }
    find_operation(c);
    if (c->op && c->request.is_control && c->op->caller == CALLER_SENDER) c->op = NULL; /* the operator is no sender key */
    if (!c->op) call_refuse_field(c, REFUSAL_COMMAND, STR("Command"));
    return hold_growth(c, before);
}

static void after_parse(struct call *c) {
    struct credentials shown = judge_shown(c);
    if (is_open(c) || judge_stands(c, &shown)) {
        start_check(c);
    } else {
        judge(c, &shown, start_check);
    }
}

void call_body(struct call *c, struct str body) {
    c->body = body;
    go(c, STEP_SIZED, parse, after_parse);
}

void call_fini(struct call *c) {
    if (c->cleanup) c->cleanup(c);
    c->cleanup = NULL;
    if (c->held_bytes) http_budget_give_share(c->api->budget, &c->holder, c->held_bytes);
    c->held_bytes = 0;
    buf_fini(&c->out);
}

/* ---- the answer ---- */
/* What passes by itself, and is not worth an operator's look. */
static bool is_busy(enum status fault) {
    return fault == STATUS_LIMIT || fault == STATUS_TEMPORARY || fault == STATUS_TIMEOUT || fault == STATUS_CANCELLED ||
           fault == STATUS_CONFLICT;
}

/* 503 for whatever may go better later or elsewhere, a failing disk too; the rest is a fault of ours. */
static int code_of_fault(enum status fault) {
    return fault == STATUS_LIMIT || status_http(fault) == 503 ? 503 : REFUSAL_FAULT;
}

static int status_of_refusal(const struct call *c, enum operation_style style) {
    const struct refusal *refusal = operation_refusal(c->op, c->refused.items[0].code);
    int own = refusal && refusal->http ? refusal->http : 422;
    if (style == STYLE_REST) {
        int http = refused_http(&c->refused, c->op);
        return c->api->v1_always_200 && http != 400 && http < 500 ? 200 : http;
    }
    /* A body too large to read unasked is the server's refusal, not the handler's: a real status on /api.php too. */
    if (style == STYLE_PROBE || c->refused.items[0].code == 401) return own;
    return own == 422 || own == 401 || own == 403 || own == 404 || own == 409 ? 200 : own;
}

static void format_refusal(struct call *c) {
    enum operation_style style = call_style(c);
    refused_sort(&c->refused, c->op);
    c->http_status = status_of_refusal(c, style);
    c->content_type = "application/json";
    buf_reset(&c->out);
    if (style == STYLE_REST || style == STYLE_PROBE) {
        refused_format_rest(&c->refused, &c->out);
    } else {
        refused_format_command(&c->refused, c->op, &c->out);
    }
    if (c->http_status == 401) call_add_header(c, STR("WWW-Authenticate"), STR("Bearer"));
    if (!c->retry_after_s && c->http_status != 503 && c->http_status != 429) return;
    call_add_header(c, STR("Retry-After"), arena_strf(c->arena, "%" PRId64, c->retry_after_s ? c->retry_after_s : 1));
}

static void log_call(const struct call *c) {
    enum log_level level = c->fault != STATUS_OK && !is_busy(c->fault) ? LOG_ERROR : c->refused.count ? LOG_INFO : LOG_DEBUG;
    if (!log_is_on(level)) return;
    LOG(level, "api.call", LOG_Z("operation", c->op ? c->op->name : ""), LOG_INT("status", c->http_status),
        LOG_INT("code", c->refused.count ? c->refused.items[0].code : 0), LOG_Z("fault", c->fault ? status_text(c->fault) : ""),
        LOG_INT("account", c->scope.account_id), LOG_STR("client", c->request.client),
        LOG_INT("ms", clock_mono_ms(c->api->clock) - c->started_ms));
}

static void answer(struct call *c) {
    if (c->fault != STATUS_OK) {
        c->refused.count = 0;
        refused_add(&c->refused, c->op, code_of_fault(c->fault), (struct str){0});
    }
    if (c->is_guess && c->refused.count) throttle_guess(c);
    if (c->refused.count) {
        format_refusal(c);
    } else {
        if (!c->http_status) c->http_status = c->op->success ? c->op->success : 200;
        if (!c->content_type) c->content_type = "application/json";
    }
    throttle_add_headers(c);
    call_add_header(c, STR("Cache-Control"), STR("no-store"));
    log_call(c);
    c->done(c);
}
