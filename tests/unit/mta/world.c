/* world.c - see world.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include "core/accept.h"
#include "core/queue.h"
#include "core/sign.h"
#include "proto/json/json.h"
#include "store/accounts.h"
#include "store/domains.h"
#include "store/events.h"
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

static enum status signer_start(void *arg, void **ret_ctx) {
    *ret_ctx = signer_new(arg);
    return STATUS_OK;
}
static void signer_stop(void *ctx) {
    struct signer *s = ctx;
    signer_free(&s);
}

static struct executor *executor_make(struct world *w, const char *name) {
    bool is_writer = strcmp(name, "writer") == 0, is_signer = strcmp(name, "signer") == 0;
    struct executor_options options = {
        .name = name,
        .threads = 1,
        .queue_max = 10000,
        .thread_start = is_signer   ? signer_start
                        : is_writer ? writer_start
                                    : reader_start,
        .thread_stop = is_signer   ? signer_stop
                       : is_writer ? writer_stop
                                   : reader_stop,
        .batch = is_signer   ? NULL
                 : is_writer ? writer_batch
                             : reader_batch,
        .batch_max_jobs = 100,
        .batch_max_bytes = WRITER_BATCH_BYTES,
        .arg = is_signer ? (void *)&w->key : (void *)&w->store,
    };
    struct executor *e;
    assert_int_equal(executor_new(&options, &e), STATUS_OK);
    return e;
}

struct call {
    struct job job;
    struct world *w;
    enum status (*run)(struct call *c, struct db *db);
    struct arena arena;
    struct acceptance acceptance;
    int64_t id;
    struct buf out;
    const char *sql;
    bool has_row;
    int64_t number;
    void (*row)(void *arg, struct stmt *s);
    struct acceptance *many;
    size_t many_count;
    enum status (*write)(void *arg, struct db *db);
    void *arg;
};

static enum status call_run(struct job *job, void *ctx) {
    struct call *c = LIST_OWNER(job, struct call, job);
    return c->run(c, ctx);
}
static void call_done(struct job *job) {
    (void)job;
}
/* At once: a job without a loop runs inside submit. */
static void call(struct executor *e, struct call *c) {
    c->job = (struct job){.run = call_run, .done = call_done};
    assert_int_equal(executor_submit(e, &c->job), STATUS_OK);
    assert_int_equal(c->job.status, STATUS_OK);
}

static enum status add_key(struct world *w, struct db *db, const char *selector) {
    BUF_AUTO private_key = {0};
    BUF_AUTO public_key = {0};
    BUF_AUTO context = {0};
    BUF_AUTO sealed = {0};
    int64_t id;
    enum status status = signkey_generate(SIGNKEY_ED25519, &private_key, &public_key);
    if (status != STATUS_OK) return status;
    sign_context(STR("sender.test"), str_from_z(selector), &context);
    seal(&w->key, buf_str(&context), buf_str(&private_key), rand_system(), &sealed);
    struct dkim_key key = {.domain_id = w->domain_id,
                           .selector = str_from_z(selector),
                           .type = SIGNKEY_ED25519,
                           .private_sealed = buf_str(&sealed),
                           .public_key = buf_str(&public_key)};
    return dkim_key_add(db, &key, &id);
}

static enum status set_up(struct call *c, struct db *db) {
    struct world *w = c->w;
    struct node_epoch owner;
    enum status status = queue_start(db, STR("test"), 1, &owner);
    w->options.node_id = owner.node_id;
    w->options.epoch = owner.epoch;
    struct account account = {.email = STR("a@sender.test"), .password_hash = STR("-"), .is_active = true};
    if (status == STATUS_OK) status = account_add(db, &account, &w->account_id);
    struct domain domain = {.account_id = w->account_id,
                            .name = STR("sender.test"),
                            .state = DOMAIN_ENABLED,
                            .subdomain = STR("mail"),
                            .track_prefix = STR("track")};
    if (status == STATUS_OK) status = domain_add(db, &domain, &w->domain_id);
    if (status == STATUS_OK) status = add_key(w, db, "k1");
    return status;
}

struct world *world_new(void) {
    struct world *w = calloc(1, sizeof *w);
    BUF_AUTO why = {0};
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : getenv("TMPDIR"); /* nothing here tests the disk */
    buf_addf(&w->folder, "%s/posthorn-mta.XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(w->folder.p));
    buf_addf(&w->url, "sqlite:%s/posthorn.db", w->folder.p);
    assert_int_equal(store_open(buf_str(&w->url), &why), STATUS_OK);
    w->store = (struct writer_options){.url = buf_str(&w->url), .fatal = on_fatal};
    memset(w->key.b, 7, sizeof w->key.b);
    memset(w->return_path_key.b, 9, sizeof w->return_path_key.b);
    assert_int_equal(loop_new(&w->loop), STATUS_OK);
    sim_seed(w->loop, 1);
    assert_int_equal(resolver_new(w->loop, &(struct resolver_options){0}, &w->resolver), STATUS_OK);
    assert_int_equal(tls_context_new_smtp_client(&w->tls), STATUS_OK);
    w->writer = executor_make(w, "writer");
    w->readers = executor_make(w, "reader");
    w->signers = executor_make(w, "signer");
    w->options = (struct mta_options){
        .loop = w->loop,
        .writer = w->writer,
        .readers = w->readers,
        .signers = w->signers,
        .resolver = w->resolver,
        .tls = w->tls,
        .metrics = &w->metrics,
        .rand = sim_rand(w->loop),
        .hostname = STR("gateway.test"),
        .return_path_key = &w->return_path_key,
        .route = {.port = 25},
    };
    struct call c = {.w = w, .run = set_up};
    call(w->writer, &c);
    return w;
}

void world_start(struct world *w) {
    w->mta = mta_new(&w->options);
    mta_start(w->mta);
}

static void on_stopped(void *arg) {
    ((struct world *)arg)->is_stopped = true;
}
static bool is_stopped(void *arg) {
    return ((struct world *)arg)->is_stopped;
}

void world_free(struct world *w) {
    if (w->mta) {
        mta_stop(w->mta, 1000, on_stopped, w);
        assert_true(sim_run_until(w->loop, is_stopped, w, 5000));
        mta_free(&w->mta);
    }
    assert_int_equal(atomic_load(&w->metrics.value[METRIC_SMTP_OUT_CONNECTIONS]), 0);
    executor_free(&w->signers);
    executor_free(&w->readers);
    executor_free(&w->writer);
    tls_context_unref(&w->tls);
    resolver_free(&w->resolver);
    loop_free(&w->loop);
    static const char *const ends[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < 3; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/posthorn.db%s", w->folder.p, ends[i]);
        unlink(path);
    }
    rmdir(w->folder.p);
    buf_fini(&w->folder);
    buf_fini(&w->url);
    free(w);
}

static enum status accept_one(struct call *c, struct db *db) {
    return accept_run(db, &c->arena, &c->acceptance);
}

static struct acceptance acceptance_of(struct world *w, const struct accept_recipient *to, size_t count, struct str content,
                                       int64_t life_ms) {
    int64_t now = clock_wall_ms(loop_clock(w->loop));
    return (struct acceptance){
        .message = {.uuid = id_make(now, rand_system()),
                    .account_id = w->account_id,
                    .domain_id = w->domain_id,
                    .created_at = now,
                    .expires_at = now + (life_ms ? life_ms : 3 * INT64_C(86400000)),
                    .sender = STR("a@sender.test"),
                    .subject = STR("test"),
                    .size_bytes = (int64_t)content.n,
                    .rfc_message_id = STR("x@sender.test"),
                    .tags = STR("[]"),
                    .metadata = STR("{}")},
        .content = content,
        .recipients = to,
        .recipient_count = count,
        .due_at = now,
        .owner = {w->options.node_id, w->options.epoch},
    };
}

static int64_t accept_and_offer(struct world *w, const struct accept_recipient *to, size_t count, struct str content,
                                int64_t life_ms) {
    struct call c = {.w = w, .run = accept_one, .acceptance = acceptance_of(w, to, count, content, life_ms)};
    call(w->writer, &c);
    mta_offer(w->mta, c.acceptance.entries, c.acceptance.entry_count);
    int64_t id = c.acceptance.entries[0].recipient_id;
    arena_fini(&c.arena);
    return id;
}

static enum status accept_many(struct call *c, struct db *db) {
    enum status status = STATUS_OK;
    for (size_t i = 0; i < c->many_count && status == STATUS_OK; i++) status = accept_run(db, &c->arena, &c->many[i]);
    return status;
}

static struct accept_recipient recipient_of(const char *address) {
    return (struct accept_recipient){.address = str_from_z(address), .domain = str_from_z(strchr(address, '@') + 1)};
}

int64_t mail(struct world *w, const char *recipient, const char *content, int64_t life_ms) {
    const char *standard = "From: a@sender.test\r\nTo: b@a.test\r\nDate: Mon, 23 Nov 2026 04:05:06 +0000\r\nSubject: test\r\n"
                           "Message-ID: <x@sender.test>\r\n\r\nHello\r\n.dot\r\n";
    struct accept_recipient to = recipient_of(recipient);
    return accept_and_offer(w, &to, 1, str_from_z(content ? content : standard), life_ms);
}

int64_t mail_all(struct world *w, const char *recipients) {
    struct accept_recipient to[10];
    size_t count = 0;
    struct str rest = str_from_z(recipients), one;
    while (str_next(&rest, ',', &one))
        to[count++] = (struct accept_recipient){.address = one, .domain = str_sub(one, str_find(one, '@') + 1, SIZE_MAX)};
    return accept_and_offer(w, to, count, STR("From: a@sender.test\r\nSubject: all\r\n\r\nHello all\r\n"), 0);
}

int64_t mail_many(struct world *w, const struct posting *postings, size_t count) {
    static const char content[] = "From: a@sender.test\r\nSubject: many\r\n\r\nHello\r\n";
    struct accept_recipient *to = calloc(count, sizeof *to);
    struct call c = {.w = w, .run = accept_many, .many = calloc(count, sizeof(struct acceptance)), .many_count = count};
    for (size_t i = 0; i < count; i++) {
        to[i] = recipient_of(postings[i].recipient);
        c.many[i] = acceptance_of(w, &to[i], 1, STR(content), 0);
        c.many[i].priority = postings[i].priority;
    }
    call(w->writer, &c);
    int64_t first = c.many[0].entries[0].recipient_id;
    for (size_t i = 0; i < count; i++) mta_offer(w->mta, c.many[i].entries, c.many[i].entry_count);
    arena_fini(&c.arena);
    free(c.many);
    free(to);
    return first;
}

static void tell_event(struct buf *out, const struct event *e) {
    ARENA_AUTO arena = {0};
    const struct json *detail, *reply;
    struct json_error error;
    int64_t code;
    assert_true(json_parse(&arena, e->detail, &detail, &error));
    if (e->type == EVENT_SEND) return;
    buf_add_z(out, event_noun(e->type));
    reply = json_find(detail, STR("Reply"));
    if (reply && json_to_i64(json_find(reply, STR("Code")), &code))
        buf_addf(out, " %lld %.*s", (long long)code, STR_ARG(json_find_text(reply, STR("Command"))));
    struct str host = json_find_text(detail, STR("MXHost"));
    if (host.n) buf_addf(out, " %.*s", STR_ARG(host));
    if (json_find(detail, STR("TLS"))) buf_add_z(out, " TLS");
    buf_add_z(out, "; ");
}

static enum status tell(struct call *c, struct db *db) {
    struct recipient r;
    struct message_timeline events;
    buf_reset(&c->out);
    enum status status = recipient_get(db, &c->arena, c->id, &r);
    if (status == STATUS_OK) status = message_timeline(db, &c->arena, r.message_id, 100, &events);
    if (status != STATUS_OK) return status;
    for (size_t i = 0; i < events.count; i++)
        if (events.items[i].recipient_id == c->id) tell_event(&c->out, &events.items[i]);
    buf_addf(&c->out, "= %s", recipient_state_text(r.state));
    if (r.state != RECIPIENT_DELIVERED && getenv("POSTHORN_TEST_REASONS")) buf_addf(&c->out, " (%.*s)", STR_ARG(r.reason));
    return STATUS_OK;
}

char *story(struct world *w, int64_t recipient_id, int64_t max_ms) {
    sim_run_for(w->loop, max_ms);
    struct call c = {.w = w, .run = tell, .id = recipient_id};
    call(w->readers, &c);
    arena_fini(&c.arena);
    return c.out.p;
}

void assert_story(struct world *w, int64_t recipient_id, int64_t max_ms, const char *want) {
    char *got = story(w, recipient_id, max_ms);
    assert_string_equal(got, want);
    free(got);
}

static enum status write_it(struct call *c, struct db *db) {
    return c->write(c->arg, db);
}

void world_write(struct world *w, enum status (*run)(void *arg, struct db *db), void *arg) {
    struct call c = {.w = w, .run = write_it, .write = run, .arg = arg};
    call(w->writer, &c);
}

static enum status change(struct call *c, struct db *db) {
    return db_exec(db, c->sql);
}

void world_sql(struct world *w, const char *sql) {
    struct call c = {.w = w, .run = change, .sql = sql};
    call(w->writer, &c);
}

static enum status look(struct call *c, struct db *db) {
    struct stmt *s = db_stmt_once(db, str_from_z(c->sql));
    enum status status = stmt_step(s);
    c->has_row = status == STATUS_ROW;
    if (c->has_row) c->number = stmt_int(s, 0);
    return c->has_row ? STATUS_OK : status;
}

bool world_has(struct world *w, const char *sql) {
    struct call c = {.w = w, .run = look, .sql = sql};
    call(w->readers, &c);
    return c.has_row;
}

int64_t world_number(struct world *w, const char *sql) {
    struct call c = {.w = w, .run = look, .sql = sql};
    call(w->readers, &c);
    assert_true(c.has_row);
    return c.number;
}

static enum status look_at_rows(struct call *c, struct db *db) {
    struct stmt *s = db_stmt_once(db, str_from_z(c->sql));
    enum status status;
    while ((status = stmt_step(s)) == STATUS_ROW) c->row(c->arg, s);
    return status;
}

void world_rows(struct world *w, const char *sql, void (*row)(void *arg, struct stmt *s), void *arg) {
    struct call c = {.w = w, .run = look_at_rows, .sql = sql, .row = row, .arg = arg};
    call(w->readers, &c);
}

size_t count_of(struct str text, const char *part) {
    size_t n = 0, at;
    struct str p = str_from_z(part);
    while ((at = str_find_str(text, p)) != STR_NONE) {
        n++;
        text = str_sub(text, at + p.n, SIZE_MAX);
    }
    return n;
}

void assert_has(struct str text, const char *part) {
    if (!count_of(text, part)) fail_msg("\"%s\" is not in:\n%.*s", part, STR_ARG(text));
}
