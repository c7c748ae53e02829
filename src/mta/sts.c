/* sts.c - the MTA-STS policy of a recipient's domain (RFC 8461): first what is kept on disk, then, when that is due, the policy's
 * server; what it gives is kept in turn.
 *
 *   READ (reader) --> not due -----------------> done
 *                \--> FETCH (https) --> good --> done, SAVE (writer)
 *                              \------> bad ---> done, with what was kept, if it still holds
 *
 * The domain's mail waits for it, a minute at most; longer only for the first policy of all, while others' servers have all the
 * places. Who asked may go at any time: then a job that is out ends alone.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "mta/own.h"
#include "net/http_client.h"

#include <stdlib.h>

struct sts_search {
    struct mta *mta;
    struct sts_search **slot; /* of who asked; NULL: nobody any more */
    sts_done_fn done;
    void *arg;
    struct arena arena;
    struct str domain, record_id;
    struct job job;
    int64_t now;
    struct http_client_call *call;
    bool is_job_out;
    bool is_known, is_fresh; /* `entry` is of the disk; of the server */
    struct sts_entry entry;
};

static void search_free(struct sts_search *s) {
    if (s->slot) *s->slot = NULL;
    http_client_cancel(&s->call);
    arena_fini(&s->arena);
    free(s);
}

static void leave_job(struct job *job) {
    struct sts_search *s = LIST_OWNER(job, struct sts_search, job);
    mta_job_done(s->mta);
    if (job->status != STATUS_OK)
        LOG(LOG_WARN, "mta.sts_not_kept", LOG_STR("domain", s->domain), LOG_Z("why", status_text(job->status)));
    search_free(s);
}

static enum status save_run(struct job *job, void *ctx) {
    const struct sts_search *s = LIST_OWNER(job, struct sts_search, job);
    return sts_cache_save(ctx, s->domain, &s->entry);
}

/* Tell who asked; then write what is new. */
static void finish(struct sts_search *s, enum tls_result trouble) {
    struct mta *m = s->mta;
    *s->slot = NULL;
    s->slot = NULL;
    s->done(s->arg, s->is_known || s->is_fresh ? &s->entry : NULL, trouble);
    s->job = (struct job){.run = save_run, .done = leave_job, .loop = m->options.loop, .bytes = 4096};
    if (!s->is_fresh || mta_submit(m, m->options.writer, &s->job) != STATUS_OK) search_free(s);
}

/* ---- the policy's server ---- */
static void fetch(struct sts_search *s);

static void on_answer(void *arg, const struct http_client_result *r) {
    struct sts_search *s = arg;
    s->call = NULL;
    bool was_asked = r->stage != HTTP_CLIENT_WAITING || r->status != STATUS_TIMEOUT;
    if (!was_asked && !s->is_known) return fetch(s); /* whoever crowds the places must not undo the policy */
    const struct sts_answer answer = {.came = r->status == STATUS_OK,
                                      .is_certificate_bad = r->stage == HTTP_CLIENT_CERTIFICATE,
                                      .code = r->code,
                                      .content_type = r->content_type,
                                      .body = r->body,
                                      .is_cut = r->is_cut};
    struct sts_entry fresh;
    enum tls_result trouble = sts_answer_judge(&answer, s->record_id, mta_now(s->mta), &s->arena, &fresh);
    s->is_fresh = trouble == TLS_RESULT_SUCCESS;
    if (s->is_fresh) s->entry = fresh;
    LOG(LOG_INFO, s->is_fresh ? "mta.sts_policy" : "mta.sts_failed", LOG_STR("domain", s->domain), LOG_STR("id", s->record_id),
        LOG_Z("result", tls_result_name(trouble)), LOG_INT("code", r->code), LOG_STR("why", r->why),
        LOG_INT("still_holds", s->is_known));
    finish(s, trouble);
}

static void fetch(struct sts_search *s) {
    const struct mta_options *o = &s->mta->options;
    const struct http_client_request request = {.url = sts_policy_url(&s->arena, s->domain, o->sts_port),
                                                .timeout_ms = STS_FETCH_MS,
                                                .body_max = MTA_STS_POLICY_MAX,
                                                .allow_private = !o->route.is_private};
    s->call = http_client_start(o->http, &request, on_answer, s);
}

/* ---- what is kept ---- */
static enum status load_run(struct job *job, void *ctx) {
    struct sts_search *s = LIST_OWNER(job, struct sts_search, job);
    enum status status = sts_cache_load(ctx, s->domain, s->now, &s->arena, &s->entry);
    s->is_known = status == STATUS_OK;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static void go_on(struct sts_search *s) {
    if (sts_is_fetch_due(s->is_known ? &s->entry : NULL, s->record_id, mta_now(s->mta)))
        fetch(s);
    else
        finish(s, TLS_RESULT_SUCCESS);
}

static void load_done(struct job *job) {
    struct sts_search *s = LIST_OWNER(job, struct sts_search, job);
    mta_job_done(s->mta);
    s->is_job_out = false;
    if (s->slot)
        go_on(s);
    else
        search_free(s);
}

void sts_search_start(struct sts_search **slot, struct mta *m, const struct tls_published *published, sts_done_fn done,
                      void *arg) {
    struct sts_search *s = calloc(1, sizeof *s);
    if (!s) abort();
    s->mta = m;
    s->slot = slot;
    *slot = s;
    s->done = done;
    s->arg = arg;
    s->domain = arena_str(&s->arena, published->domain);
    s->record_id = arena_str(&s->arena, published->sts_id);
    s->now = mta_now(m);
    s->job = (struct job){.run = load_run, .done = load_done, .loop = m->options.loop};
    s->is_job_out = mta_submit(m, m->options.readers, &s->job) == STATUS_OK;
    if (!s->is_job_out) go_on(s);
}

void sts_search_cancel(struct sts_search **slot) {
    struct sts_search *s = *slot;
    if (!s) return;
    *slot = NULL;
    s->slot = NULL;
    if (!s->is_job_out) search_free(s);
}
