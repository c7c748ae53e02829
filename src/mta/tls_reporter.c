/* tls_reporter.c - see tls_reporter.h. Each report on its way is a `sending`; its job's struct belongs to the executor meanwhile.
 * SPDX-License-Identifier: Apache-2.0 */
#include "mta/tls_reporter.h"

#include "base/log.h"
#include "proto/gzip/gzip.h"
#include "proto/tls_rpt/tls_rpt.h"

#include <stdlib.h>

#define TURN_MS      10000
#define PRUNE_MS     (3600 * 1000)
#define SENDINGS_MAX 20
#define POST_MS      30000
#define POST_BODY    1024
#define KEPT_DAYS    8    /* counts that were never sent */
#define PRUNE_MAX    1000 /* of one turn */

struct sending {
    struct list node;
    struct tls_reporter *reporter;
    struct arena arena;
    struct tls_report report;
    struct resolver_query *question;
    struct tls_rpt_record record;
    struct buf packed;
    size_t target; /* the one whose turn it is */
    struct http_client_call *call;
    struct job job;
    bool is_job_out;
    bool is_wanted;    /* the domain has a record; unwanted ones go */
    bool is_delivered; /* somebody has it */
    bool is_mute;      /* we have no sender domain for it */
    struct buf why;    /* it failed last */
    struct acceptance mails[TLS_RPT_TARGETS_MAX];
    size_t mail_count;
};
struct tls_reporter {
    struct tls_reporter_options options;
    struct timer turn;
    struct list sendings;
    size_t sending_count;
    struct job job; /* of the turn */
    struct arena arena;
    struct tls_report_list due;
    int64_t now, pruned;
    bool is_job_out, is_stopping, was_full;
    void (*done)(void *arg);
    void *done_arg;
};

static void stop_soon(struct tls_reporter *r) {
    if (r->is_stopping && !r->is_job_out && r->sending_count == 0) timer_start(&r->turn, 0);
}

static int64_t now_of(const struct tls_reporter *r) {
    return clock_wall_ms(loop_clock(r->options.loop));
}

/* ---- the end of one ---- */
static void sending_free(struct sending *s) {
    struct tls_reporter *r = s->reporter;
    resolver_cancel(&s->question);
    http_client_cancel(&s->call);
    list_remove(&s->node);
    r->sending_count--;
    buf_fini(&s->packed);
    buf_fini(&s->why);
    arena_fini(&s->arena);
    free(s);
    if (r->was_full && !r->is_stopping && !r->is_job_out) timer_start(&r->turn, 0);
    stop_soon(r);
}

static void submit(struct sending *s, struct executor *executor, job_run_fn run, job_done_fn done) {
    s->job = (struct job){.run = run, .done = done, .loop = s->reporter->options.loop, .bytes = s->packed.n * 2};
    s->is_job_out = executor_submit(executor, &s->job) == STATUS_OK;
    if (!s->is_job_out) sending_free(s); /* the row is still due */
}

/* ---- mail, and what becomes of the row ---- */
static enum status queue_mail(struct sending *s, struct db *db, const struct tls_rpt_target *target) {
    const struct tls_report_mail mail = {.day = s->report.day,
                                         .domain = s->report.domain,
                                         .to = target->mailbox,
                                         .to_domain = target->domain,
                                         .packed = buf_str(&s->packed),
                                         .now = now_of(s->reporter)};
    enum status status = tls_report_accept(db, &s->arena, &s->reporter->options.report, &mail, &s->mails[s->mail_count]);
    if (status == STATUS_OK) s->mail_count++;
    s->is_mute = status == STATUS_NOT_FOUND;
    return s->is_mute ? STATUS_OK : status;
}

static enum status run_finish(struct job *job, void *ctx) {
    struct sending *s = LIST_OWNER(job, struct sending, job);
    const struct tls_report *report = &s->report;
    enum status status = STATUS_OK;
    s->mail_count = 0;
    s->is_mute = false;
    for (size_t i = 0; s->is_wanted && status == STATUS_OK && i < s->record.count; i++)
        if (s->record.targets[i].mailbox.n) status = queue_mail(s, ctx, &s->record.targets[i]);
    if (status != STATUS_OK) return status;
    int64_t next = now_of(s->reporter) + tls_report_wait_ms(report->attempts + 1);
    if (s->is_wanted && !s->is_delivered && s->mail_count == 0 && next < tls_report_ends_at(report->day))
        return tls_report_defer(ctx, report->day, report->domain, next);
    return tls_report_delete(ctx, report->day, report->domain);
}

static void finished(struct job *job) {
    struct sending *s = LIST_OWNER(job, struct sending, job);
    struct tls_reporter_options *o = &s->reporter->options;
    s->is_job_out = false;
    if (job->status == STATUS_OK && s->is_wanted) {
        bool is_sent = s->is_delivered || s->mail_count > 0;
        struct str why = s->is_mute ? STR("the domain of [tls_report] from is no enabled sender domain here") : buf_str(&s->why);
        for (size_t i = 0; i < s->mail_count; i++) o->queue_offer(o->arg, s->mails[i].entries, s->mails[i].entry_count);
        LOG(is_sent ? LOG_INFO : LOG_WARN, is_sent ? "tls_report.sent" : "tls_report.failed", LOG_STR("domain", s->report.domain),
            LOG_INT("day", s->report.day), LOG_INT("mails", s->mail_count), LOG_STR("why", why));
    }
    sending_free(s);
}

static void finish(struct sending *s) {
    submit(s, s->reporter->options.writer, run_finish, finished);
}

/* ---- https ---- */
static void post_next(struct sending *s);

static void on_posted(void *arg, const struct http_client_result *result) {
    struct sending *s = arg;
    s->call = NULL;
    buf_reset(&s->why);
    if (http_client_is_success(result))
        s->is_delivered = true;
    else if (result->code)
        buf_addf(&s->why, "it answered %u", result->code);
    else
        buf_add_str(&s->why, result->why);
    s->target++;
    post_next(s);
}

static void post_next(struct sending *s) {
    static const struct http_client_header type = {STR_INIT("Content-Type"), STR_INIT(TLS_REPORT_MEDIA_TYPE)};
    while (s->target < s->record.count && s->record.targets[s->target].url.n == 0) s->target++;
    if (s->target == s->record.count) {
        finish(s);
        return;
    }
    s->call = http_client_start(s->reporter->options.http,
                                &(struct http_client_request){.url = s->record.targets[s->target].url,
                                                              .is_post = true,
                                                              .body = buf_str(&s->packed),
                                                              .headers = &type,
                                                              .header_count = 1,
                                                              .timeout_ms = POST_MS,
                                                              .body_max = POST_BODY,
                                                              .allow_private = s->reporter->options.allow_private},
                                on_posted, s);
}

/* ---- the report ---- */
static enum status run_make(struct job *job, void *ctx) {
    struct sending *s = LIST_OWNER(job, struct sending, job);
    struct tls_count_list counts;
    BUF_AUTO json = {0};
    enum status status = tls_count_list(ctx, &s->arena, s->report.day, s->report.domain, TLS_REPORT_COUNTS_MAX, &counts);
    if (status != STATUS_OK) return status;
    tls_report_write(&s->reporter->options.report, s->report.day, s->report.domain, &counts, &json);
    buf_reset(&s->packed);
    gzip_encode(&s->packed, buf_str(&json));
    return STATUS_OK;
}

static void made(struct job *job) {
    struct sending *s = LIST_OWNER(job, struct sending, job);
    s->is_job_out = false;
    if (job->status != STATUS_OK || s->reporter->is_stopping)
        sending_free(s);
    else
        post_next(s);
}

/* ---- who wants one ---- */
static void on_record(void *arg, const struct dns_answer *answer) {
    struct sending *s = arg;
    s->question = NULL;
    bool is_unknown = answer->status != STATUS_OK && answer->status != STATUS_NOT_FOUND;
    s->is_wanted = is_unknown || tls_rpt_record_find(answer, &s->arena, &s->record);
    if (is_unknown) buf_add_z(&s->why, "the domain's TLSRPT record could not be looked up");
    if (s->is_wanted && !is_unknown)
        submit(s, s->reporter->options.readers, run_make, made);
    else
        finish(s); /* put off, or gone */
}

static bool is_under_way(const struct tls_reporter *r, const struct tls_report *report) {
    LIST_FOR_EACH (it, &r->sendings) {
        const struct sending *s = LIST_OWNER(it, struct sending, node);
        if (s->report.day == report->day && str_eq(s->report.domain, report->domain)) return true;
    }
    return false;
}

static void begin(struct tls_reporter *r, const struct tls_report *report) {
    struct sending *s = calloc(1, sizeof *s);
    if (!s) abort();
    s->reporter = r;
    s->report = *report;
    s->report.domain = arena_str(&s->arena, report->domain);
    list_add_tail(&r->sendings, &s->node);
    r->sending_count++;
    struct str name = arena_strf(&s->arena, "_smtp._tls.%.*s", STR_ARG(report->domain));
    s->question = resolver_ask(r->options.resolver, r->options.loop, (struct dns_question){name, DNS_TXT}, on_record, s);
}

/* ---- a turn ---- */
static enum status run_list(struct job *job, void *ctx) {
    struct tls_reporter *r = LIST_OWNER(job, struct tls_reporter, job);
    return tls_report_list_due(ctx, &r->arena, r->now, 2 * SENDINGS_MAX, &r->due);
}

static void end_turn(struct tls_reporter *r) {
    arena_fini(&r->arena);
    r->due = (struct tls_report_list){0};
    r->is_job_out = false;
    if (!r->is_stopping) timer_start(&r->turn, r->options.report.from.n ? TURN_MS : PRUNE_MS);
    stop_soon(r);
}

static void listed(struct job *job) {
    struct tls_reporter *r = LIST_OWNER(job, struct tls_reporter, job);
    r->was_full = false;
    for (size_t i = 0; job->status == STATUS_OK && !r->is_stopping && i < r->due.count; i++) {
        if (is_under_way(r, &r->due.items[i])) continue;
        r->was_full = r->sending_count >= SENDINGS_MAX;
        if (r->was_full) break;
        begin(r, &r->due.items[i]);
    }
    end_turn(r);
}

static enum status run_prune(struct job *job, void *ctx) {
    struct tls_reporter *r = LIST_OWNER(job, struct tls_reporter, job);
    return tls_report_prune(ctx, r->now / CLOCK_DAY_MS - KEPT_DAYS, PRUNE_MAX, &r->pruned);
}

static void pruned(struct job *job) {
    end_turn(LIST_OWNER(job, struct tls_reporter, job));
}

static void turn(void *arg) {
    struct tls_reporter *r = arg;
    if (r->is_job_out) return;
    if (r->is_stopping) {
        if (r->done && r->sending_count == 0) r->done(r->done_arg);
        return;
    }
    bool sends = r->options.report.from.n > 0;
    r->now = now_of(r);
    r->job = (struct job){.run = sends ? run_list : run_prune, .done = sends ? listed : pruned, .loop = r->options.loop};
    r->is_job_out = executor_submit(sends ? r->options.readers : r->options.writer, &r->job) == STATUS_OK;
    if (!r->is_job_out) end_turn(r);
}

/* ---- life ---- */
struct tls_reporter *tls_reporter_new(const struct tls_reporter_options *options) {
    struct tls_reporter *r = calloc(1, sizeof *r);
    if (!r) abort();
    r->options = *options;
    list_init(&r->sendings);
    timer_init(&r->turn, options->loop, turn, r);
    timer_start(&r->turn, TURN_MS);
    return r;
}

void tls_reporter_stop(struct tls_reporter *r, void (*done)(void *arg), void *arg) {
    r->is_stopping = true;
    r->done = done;
    r->done_arg = arg;
    LIST_FOR_EACH_SAFE (it, &r->sendings) {
        struct sending *s = LIST_OWNER(it, struct sending, node);
        if (!s->is_job_out) sending_free(s);
    }
    timer_stop(&r->turn);
    stop_soon(r);
}

void tls_reporter_free(struct tls_reporter **reporter) {
    struct tls_reporter *r = *reporter;
    if (!r) return;
    *reporter = NULL;
    r->is_stopping = true;
    while (!list_is_empty(&r->sendings)) sending_free(LIST_OWNER(r->sendings.next, struct sending, node));
    timer_fini(&r->turn);
    arena_fini(&r->arena);
    free(r);
}
