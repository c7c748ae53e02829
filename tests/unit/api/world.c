/* world.c - see world.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include "core/queue.h"
#include "base/log.h"
#include "db/db.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void on_fatal(void *arg, struct str why) {
    (void)arg;
    print_error("store: %.*s\n", STR_ARG(why));
    abort();
}

static void on_offer(void *arg, const struct queue_entry *entries, size_t count) {
    struct world *w = arg;
    for (size_t i = 0; i < count; i++) assert_true(entries[i].recipient_id > 0);
    w->offered += count;
}

static struct executor *executor_make(struct world *w, bool is_writer, bool has_store) {
    struct executor *e;
    struct executor_options options = {
        .name = "test",
        .threads = 1,
        .queue_max = 1000,
        .batch_max_jobs = WRITER_BATCH_JOBS,
        .batch_max_bytes = WRITER_BATCH_BYTES,
        .arg = &w->store,
    };
    if (has_store) {
        options.thread_start = is_writer ? writer_start : reader_start;
        options.thread_stop = is_writer ? writer_stop : reader_stop;
        options.batch = is_writer ? writer_batch : reader_batch;
    }
    assert_int_equal(executor_new(&options, &e), STATUS_OK);
    return e;
}

struct start_job {
    struct job job;
    struct node_epoch owner;
};

static enum status run_start(struct job *job, void *ctx) {
    return queue_start(ctx, STR("test"), 1, &LIST_OWNER(job, struct start_job, job)->owner);
}

static void job_done(struct job *job) {
    (void)job;
}

struct world *world_new(void) {
    struct world *w = calloc(1, sizeof *w);
    log_set_level(LOG_ERROR);
    BUF_AUTO why = {0};
    const char *base = getenv("TMPDIR");
    buf_addf(&w->folder, "%s/posthorn-api.XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(w->folder.p));
    buf_addf(&w->url, "sqlite:%s/posthorn.db", w->folder.p);
    assert_int_equal(store_open(buf_str(&w->url), &why), STATUS_OK);
    w->store = (struct writer_options){.url = buf_str(&w->url), .fatal = on_fatal};
    assert_int_equal(loop_new(&w->loop), STATUS_OK);
    assert_int_equal(resolver_new(w->loop, &(struct resolver_options){0}, &w->resolver), STATUS_OK);
    w->api = (struct api_options){
        .writer = executor_make(w, true, true),
        .readers = executor_make(w, false, true),
        .searchers = executor_make(w, false, true),
        .background = executor_make(w, false, true),
        .slow = executor_make(w, false, false),
        .resolver = w->resolver,
        .clock = loop_clock(w->loop),
        .rand = rand_system(),
        .metrics = &w->metrics,
        .limits = limits_new(4096), /* without rates: a test sets those it is about */
        .hostname = STR("gateway.test"),
        .webhooks = {.own_hosts = {STR("gateway.test")}},
        .smtp_host = STR("smtp.gateway.test"),
        .smtp_ports = STR("25, 587,465"),
        .is_sandbox = true,
        .queue_offer = on_offer,
        .arg = w,
    };
    struct start_job start = {.job = {.run = run_start, .done = job_done}};
    assert_int_equal(executor_submit(w->api.writer, &start.job), STATUS_OK);
    assert_int_equal(start.job.status, STATUS_OK);
    w->api.owner = start.owner;
    return w;
}

void world_free(struct world *w) {
    BUF_AUTO command = {0};
    executor_free(&w->api.slow);
    executor_free(&w->api.searchers);
    executor_free(&w->api.background);
    executor_free(&w->api.readers);
    executor_free(&w->api.writer);
    limits_free(&w->api.limits);
    resolver_free(&w->resolver);
    loop_free(&w->loop);
    static const char *const ends[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < 3; i++) {
        buf_reset(&command);
        buf_addf(&command, "%s/posthorn.db%s", w->folder.p, ends[i]);
        unlink(command.p);
    }
    rmdir(w->folder.p);
    buf_fini(&w->folder);
    buf_fini(&w->url);
    free(w);
}

int world_set_up(void **state) {
    *state = world_new();
    return 0;
}

int world_tear_down(void **state) {
    world_free(*state);
    return 0;
}

struct sql_job {
    struct job job;
    const char *sql;
};

static enum status run_sql(struct job *job, void *ctx) {
    return db_exec(ctx, LIST_OWNER(job, struct sql_job, job)->sql);
}

void world_write(struct world *w, struct job *job) {
    job->done = job_done;
    assert_int_equal(executor_submit(w->api.writer, job), STATUS_OK);
    assert_int_equal(job->status, STATUS_OK);
}

void world_execute(struct world *w, const char *sql) {
    struct sql_job job = {.job = {.run = run_sql}, .sql = sql};
    world_write(w, &job.job);
}

int64_t world_number(struct world *w, const char *sql) {
    struct db *db;
    BUF_AUTO why = {0};
    assert_int_equal(db_open(&(struct db_options){.url = buf_str(&w->url), .read_only = true}, &why, &db), STATUS_OK);
    assert_int_equal(db_begin(db), STATUS_OK);
    struct stmt *s = db_stmt(db, sql);
    assert_int_equal(stmt_step(s), STATUS_ROW);
    int64_t n = stmt_int(s, 0);
    db_rollback(db);
    db_close(&db);
    return n;
}

/* ---- asking ---- */
struct pending {
    struct call call;
    struct arena arena;
    struct buf body;
    struct reply reply;
    bool is_done;
};

static void on_admit(struct call *call, size_t body_max) {
    struct pending *p = call->arg;
    p->reply.was_admitted = true;
    p->reply.body_max = body_max;
    call_body(call, buf_str(&p->body));
}

static void on_done(struct call *call) {
    struct pending *p = call->arg;
    p->reply.status = call->http_status;
    p->reply.body = buf_take(&call->out);
    p->reply.content_type = str_from_z(call->content_type);
    static const struct {
        struct str name;
        size_t offset;
    } kept[] = {
        {STR_INIT("Retry-After"), offsetof(struct reply, retry_after)},
        {STR_INIT("RateLimit-Limit"), offsetof(struct reply, rate_limit)},
        {STR_INIT("RateLimit-Remaining"), offsetof(struct reply, rate_remaining)},
        {STR_INIT("RateLimit-Reset"), offsetof(struct reply, rate_reset)},
    };
    for (size_t i = 0; i < call->header_count; i++) {
        if (str_eq(call->headers[i].name, STR("Idempotent-Replayed"))) p->reply.is_replayed = true;
        for (size_t k = 0; k < sizeof kept / sizeof kept[0]; k++) {
            struct str *into = (struct str *)(void *)((char *)&p->reply + kept[k].offset);
            if (str_eq(call->headers[i].name, kept[k].name)) *into = arena_str(&p->reply.arena, call->headers[i].value);
        }
    }
    p->is_done = true;
}

struct pending *world_begin(struct world *w, const struct ask *ask) {
    struct pending *p = calloc(1, sizeof *p);
    if (ask->body) buf_add(&p->body, ask->body, ask->body_n ? ask->body_n : strlen(ask->body));
    p->call = (struct call){.api = &w->api, .arena = &p->arena, .loop = w->loop, .admit = on_admit, .done = on_done, .arg = p};
    p->call.request = (struct call_request){
        .method = http_method_find(str_from_z(ask->method ? ask->method : "POST")),
        .path = str_from_z(ask->path ? ask->path : "/api.php"),
        .query = str_from_z(ask->query),
        .bearer = str_from_z(ask->bearer),
        .content_type = str_from_z(ask->content_type),
        .client = str_from_z(ask->client),
        .idempotency_key = ask->idempotency_key ? str_from_z(ask->idempotency_key) : (struct str){0},
        .is_control = ask->is_control,
        .is_large = ask->is_large,
    };
    call_start(&p->call);
    return p;
}

static bool is_done(void *arg) {
    return ((struct pending *)arg)->is_done;
}

struct reply world_finish(struct world *w, struct pending *p) {
    if (!p->is_done) assert_true(sim_run_until(w->loop, is_done, p, 3600000));
    struct reply reply = p->reply;
    struct json_error error;
    call_fini(&p->call);
    arena_fini(&p->arena);
    buf_fini(&p->body);
    free(p);
    if (!json_parse(&reply.arena, buf_str(&reply.body), &reply.json, &error)) reply.json = NULL;
    return reply;
}

struct reply world_ask(struct world *w, const struct ask *ask) {
    return world_finish(w, world_begin(w, ask));
}

void reply_fini(struct reply *r) {
    arena_fini(&r->arena);
    buf_fini(&r->body);
}

int64_t reply_code_at(const struct reply *r, size_t n) {
    int64_t code = -1;
    JSON_FOR_EACH (it, json_find(r->json, STR("Errors"))) {
        if (n-- == 0) return json_to_i64(json_find(it, STR("Code")), &code) ? code : -1;
    }
    return -1;
}

int64_t reply_code(const struct reply *r) {
    int64_t code;
    if (json_to_i64(json_find(r->json, STR("ErrorCode")), &code)) return code;
    return reply_code_at(r, 0);
}

bool reply_has_code(const struct reply *r, int64_t code) {
    for (size_t i = 0; reply_code_at(r, i) != -1; i++) {
        if (reply_code_at(r, i) == code) return true;
    }
    return false;
}

struct str reply_text(struct reply *r, const char *path) {
    struct str rest = str_from_z(path), part;
    const struct json *value = r->json;
    while (value && str_next(&rest, '.', &part)) {
        uint64_t n;
        if (json_is(value, JSON_ARRAY) && str_to_u64(part, &n)) {
            value = json_first(value);
            while (n-- && value) value = value->next;
        } else {
            value = json_find(value, part);
        }
    }
    if (json_is(value, JSON_BOOL)) return value->boolean ? STR("true") : STR("false");
    return json_is(value, JSON_STRING) || json_is(value, JSON_NUMBER) ? value->text : (struct str){0};
}

void assert_reply(struct reply *r, const char *path, const char *want) {
    struct str got = reply_text(r, path);
    if (!str_eq(got, str_from_z(want))) print_error("%s: '%.*s' in %.*s\n", path, STR_ARG(got), STR_ARG(buf_str(&r->body)));
    assert_true(str_eq(got, str_from_z(want)));
}

void reply_keep(struct reply *r, const char *path, char *into, size_t size) {
    struct str text = reply_text(r, path);
    if (text.n == 0 || text.n >= size) print_error("no %s in %.*s\n", path, STR_ARG(buf_str(&r->body)));
    assert_true(text.n > 0 && text.n < size);
    memcpy(into, text.p, text.n);
    into[text.n] = '\0';
}

/* ---- tenants ---- */
static struct reply ask_json(struct world *w, struct ask *ask, const char *command, const char *members) {
    BUF_AUTO body = {0};
    buf_addf(&body, "{\"Command\":\"%s\"%s%s}", command, *members ? "," : "", members);
    ask->body = body.p;
    return world_ask(w, ask);
}

struct reply world_command(struct world *w, const char *user_key, const char *command, const char *members) {
    return ask_json(w, &(struct ask){.bearer = user_key}, command, members);
}

struct reply world_operator(struct world *w, const char *command, const char *members) {
    return ask_json(w, &(struct ask){.path = "/control", .is_control = true}, command, members);
}

struct reply world_rest(struct world *w, const char *method, const char *path, const char *bearer, const char *body) {
    return world_ask(w, &(struct ask){.method = method, .path = path, .bearer = bearer, .body = body});
}

struct reply world_send(struct world *w, const char *sender_key, const char *body) {
    return world_ask(w, &(struct ask){.path = "/api/v1/email", .bearer = sender_key, .body = body});
}

struct tenant world_tenant(struct world *w, const char *email, const char *domain) {
    struct tenant t = {0};
    BUF_AUTO members = {0};
    snprintf(t.domain, sizeof t.domain, "%s", domain);
    buf_addf(&members, "\"EmailAddress\":\"%s\",\"Password\":\"correct horse\"", email);
    REPLY_AUTO account = world_operator(w, "User.Create", members.p);
    reply_keep(&account, "APIKey", t.user_key, sizeof t.user_key);
    buf_reset(&members);
    buf_addf(&members, "\"DomainName\":\"%s\"", domain);
    REPLY_AUTO added = world_command(w, t.user_key, "EmailGateway.AddDomain", members.p);
    reply_keep(&added, "NewSenderDomainID", t.domain_id, sizeof t.domain_id);
    buf_reset(&members);
    buf_addf(&members, "\"Name\":\"%s\",\"Account\":\"%s\"", domain, email);
    REPLY_AUTO enabled = world_operator(w, "Operator.DomainEnable", members.p);
    assert_int_equal(reply_code(&enabled), 0);
    buf_reset(&members);
    buf_addf(&members, "\"DomainID\":%s,\"Description\":\"test\"", t.domain_id);
    REPLY_AUTO key = world_command(w, t.user_key, "EmailGateway.AddAPI", members.p);
    reply_keep(&key, "APIKey.Key", t.sender_key, sizeof t.sender_key);
    return t;
}
