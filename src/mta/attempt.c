/* attempt.c - one entry of the queue in flight: loaded, given its letter, and at the end settled by one write.
 *
 * Nothing here is a promise: until the settlement is committed the entry waits on disk as it was (P1). A settlement that cannot
 * be written is tried again until it can, so that a delivered message is not sent twice while the process lives (P2).
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "core/return_path.h"
#include "mta/own.h"

#include <stdlib.h>

#define PARKED_RELAY_MS 300000 /* who waits for a relay stands in his own domain's lane: nobody tells that */
#define POSTPONED_MS    900000 /* an operator may end what keeps a source from sending: rows look again */

static void settle_again(void *arg);

static void leave_preparing(struct attempt *a) {
    if (a->is_preparing) a->site->preparing_count--;
    a->is_preparing = false;
}

void attempt_free(struct attempt *a) {
    struct mta *m = a->mta;
    struct site *site = a->site;
    struct lot *lot = a->lot;
    leave_preparing(a);
    letter_unreserve(a);
    letter_unref(&a->letter);
    arena_fini(&a->arena);
    buf_fini(&a->sender);
    buf_fini(&a->recipient);
    timer_fini(&a->again);
    list_remove(&a->all);
    list_remove(&a->node);
    free(a);
    m->attempt_count--;
    site->attempt_count--;
    if (lot) {
        lot->attempt_count--;
        lot_release(lot);
    }
    site_release(site);
    mta_released(m);
}

/* Without a settlement: disk is asked again at next_due_at. */
static void attempt_drop(struct attempt *a, int64_t next_due_at) {
    schedule_settle(a->mta->schedule, a->entry->recipient_id, next_due_at);
    site_touch(a->site);
    mta_wake(a->mta);
    attempt_free(a);
}

bool attempt_is_loading(const struct attempt *a) {
    return a->is_job_out && a->settlement.recipient_id == 0;
}

bool attempt_has_begun(const struct attempt *a) {
    return a->is_connected || a->settlement.recipient_id != 0;
}

void attempt_take_back(struct attempt *a, int64_t ms) {
    if (!a->is_preparing) a->lot->ready_count--; /* it stands in the lot's list */
    attempt_drop(a, mta_now(a->mta) + ms);
}

/* The site is a verdict: its end needs no connection. */
static void settle_verdict(struct attempt *a) {
    const struct route *v = &a->site->verdict;
    bool is_final = v->verdict == ROUTE_PERMANENT;
    attempt_settle(a, &(struct ending){.verdict = is_final ? BOUNCE_BOUNCED : BOUNCE_DEFERRED,
                                       .code = v->code,
                                       .is_own = true,
                                       .enhanced = v->enhanced,
                                       .text = v->reason,
                                       .command = "DNS"});
    site_doubt(a->site);
}

/* ---- load ---- */
static enum status load_run(struct job *job, void *ctx) {
    struct attempt *a = LIST_OWNER(job, struct attempt, job);
    arena_fini(&a->arena);
    bool has_pools = a->mta->options.sources->pool_count > 1;
    enum status status = delivery_load(ctx, &a->mta->track, a->entry, &a->arena, &a->delivery);
    if (status != STATUS_OK || !has_pools || !a->delivery.is_waiting || a->delivery.lost.n) return status;
    return delivery_load_pool(ctx, &a->delivery, &a->arena, &a->pool);
}

static void move_to(struct attempt *a, struct site *s) {
    struct site *old = a->site;
    old->attempt_count--;
    old->preparing_count--;
    s->attempt_count++;
    s->preparing_count++;
    a->site = s;
    site_touch(old);
    site_release(old);
}

/* To his relay, where the sender has one, instead of the site that the entry was taken for. False: it is put off. */
static bool find_relay(struct attempt *a) {
    struct mta *m = a->mta;
    const struct relay *relay = relay_of_sender(m->options.relays, a->delivery.sender_domain, a->entry->domain);
    if (!relay || relay == a->site->relay || m->options.sandbox) return true;
    struct site *s = router_relay(m, relay);
    bool has_room = s && mta_may_grow(s->attempt_count, m->attempt_count, MTA_ATTEMPTS_MAX);
    bool is_parked = s && site_is_parked(s), may_go = has_room && !is_parked;
    int64_t ms = is_parked ? PARKED_RELAY_MS : ATTEMPT_AGAIN_MS;
    if (may_go)
        move_to(a, s);
    else
        attempt_drop(a, mta_now(m) + ms);
    return may_go;
}

/* What a relay or a provider's row demands counts as if the message's sender did. */
static enum tls_level level_of(const struct attempt *a) {
    static const enum tls_level levels[] = {
        [RELAY_OPPORTUNISTIC] = TLS_LEVEL_OPPORTUNISTIC, [RELAY_REQUIRE] = TLS_LEVEL_REQUIRE, [RELAY_VERIFY] = TLS_LEVEL_VERIFY};
    const struct relay *relay = a->site->relay;
    enum tls_level level = relay ? levels[relay->tls] : TLS_LEVEL_OPPORTUNISTIC;
    enum tls_level own = (enum tls_level)a->delivery.domain_tls;
    if (a->site->requires_tls && level == TLS_LEVEL_OPPORTUNISTIC) level = TLS_LEVEL_REQUIRE;
    return own > level ? own : level;
}

/* False: the route has expired meanwhile, and what the domain demands is not known before there is one again. */
static bool join_lot(struct attempt *a) {
    struct mta *m = a->mta;
    const struct delivery *d = &a->delivery;
    const struct tls_published *published = router_published(a->site, a->entry->domain);
    struct tls_demand demand;
    if (!published) return false;
    tls_demand_make(d->message_tls, level_of(a), published, &a->arena, &demand);
    a->lot = lot_get(a->site, source_pool_get(m->sources, a->pool), &demand);
    a->lot->attempt_count++;
    return true;
}

static void load_done(struct job *job) {
    struct attempt *a = LIST_OWNER(job, struct attempt, job);
    struct mta *m = a->mta;
    a->is_job_out = false;
    mta_job_done(m);
    if (m->is_stopping) return attempt_free(a);
    if (job->status != STATUS_OK) {
        LOG(LOG_WARN, "mta.not_loaded", LOG_INT("recipient", a->entry->recipient_id), LOG_Z("why", status_text(job->status)));
        if (job->status != STATUS_CORRUPT && job->status != STATUS_IO) return attempt_drop(a, mta_now(m) + ATTEMPT_AGAIN_MS);
        return attempt_settle(
            a, &(struct ending){.verdict = BOUNCE_DEFERRED, .text = STR("The stored message cannot be read"), .command = "LOAD"});
    }
    const struct delivery *d = &a->delivery;
    bool is_late = !d->is_waiting || a->is_stale || hold_covers(m, a);
    if (is_late) return attempt_drop(a, mta_now(m) + ATTEMPT_AGAIN_MS); /* disk knows better, or will */
    if (d->lost.n) return attempt_settle(a, &(struct ending){.verdict = BOUNCE_DEFERRED, .is_lost = true, .text = d->lost});
    if (mta_now(m) >= d->expires_at) {
        struct str why = d->reason.n ? d->reason : STR("The message's life ended");
        return attempt_settle(a, &(struct ending){.verdict = BOUNCE_DEFERRED, .text = why});
    }
    if (!d->is_report) {
        return_path_make(&m->return_path_key, RETURN_PATH_BOUNCE, d->recipient_id, &a->sender);
        buf_addf(&a->sender, "@%.*s.%.*s", STR_ARG(d->subdomain), STR_ARG(d->sender_domain));
    }
    buf_add_str(&a->recipient, d->address);
    if (!find_relay(a)) return;
    if (site_is_parked(a->site)) return attempt_drop(a, mta_now(m));
    if (a->site->target_count == 0) return settle_verdict(a);
    if (!join_lot(a)) return attempt_drop(a, mta_now(m) + ATTEMPT_AGAIN_MS);
    letter_attach(a);
}

void attempt_start(struct site *s, const struct queue_entry *entry) {
    struct mta *m = s->mta;
    struct attempt *a = calloc(1, sizeof *a);
    if (!a) abort();
    a->mta = m;
    a->site = s;
    a->entry = entry;
    list_init(&a->node);
    list_add_tail(&m->attempts, &a->all);
    timer_init(&a->again, m->options.loop, settle_again, a);
    a->is_preparing = true;
    m->attempt_count++;
    s->attempt_count++;
    s->preparing_count++;
    if (s->target_count == 0 && !relay_has_senders(m->options.relays)) return settle_verdict(a); /* needs no message */
    a->job = (struct job){.run = load_run, .done = load_done, .loop = m->options.loop};
    if (mta_submit(m, m->options.readers, &a->job) != STATUS_OK) return attempt_drop(a, mta_now(m) + ATTEMPT_AGAIN_MS);
    a->is_job_out = true;
    letter_reserve(a);
}

void attempt_go_7bit(struct attempt *a) {
    letter_unref(&a->letter);
    a->wants_7bit = a->is_preparing = true;
    a->site->preparing_count++;
    letter_attach(a);
}

void attempt_ready(struct attempt *a) {
    if (a->mta->is_stopping) return attempt_free(a);
    if (site_is_parked(a->site)) return attempt_drop(a, mta_now(a->mta));
    leave_preparing(a);
    lot_push(a->lot, a, false);
}

/* ---- settle ---- */
static void settle_submit(struct attempt *a);

static enum status settle_run(struct job *job, void *ctx) {
    struct attempt *a = LIST_OWNER(job, struct attempt, job);
    a->is_applied = false;
    dsn_desk_clear(&a->desk);
    return delivery_settle(ctx, &a->desk, &a->settlement, &a->is_applied);
}

static void count_and_log(const struct attempt *a) {
    static const struct {
        const char *event;
        enum metric metric;
    } of[] = {[DELIVERY_DELIVERED] = {"mta.delivered", METRIC_DELIVERED},
              [DELIVERY_DEFERRED] = {"mta.deferred", METRIC_DEFERRED},
              [DELIVERY_BOUNCED] = {"mta.bounced", METRIC_BOUNCED},
              [DELIVERY_FAILED] = {"mta.failed", METRIC_FAILED}};
    const struct settlement *s = &a->settlement;
    metrics_add(a->mta->options.metrics, of[s->outcome].metric, 1);
    a->site->ended[s->outcome]++;
    if (s->reason.n) {
        buf_reset(&a->site->last_reply);
        buf_add_str(&a->site->last_reply, s->reason);
        a->site->last_reply_at = s->at;
    }
    LOG(LOG_INFO, of[s->outcome].event, LOG_INT("recipient", s->recipient_id), LOG_INT("message", a->entry->message_id),
        LOG_STR("domain", a->entry->domain), LOG_STR("host", s->report.mx_host), LOG_INT("attempt", s->attempts + 1),
        LOG_STR("why", s->reason));
}

static void settle_done(struct job *job) {
    struct attempt *a = LIST_OWNER(job, struct attempt, job);
    struct mta *m = a->mta;
    a->is_job_out = false;
    mta_job_done(m);
    if (job->status != STATUS_OK) {
        LOG(LOG_ERROR, "mta.not_settled", LOG_INT("recipient", a->settlement.recipient_id),
            LOG_Z("why", status_text(job->status)));
        if (m->is_stopping) return attempt_free(a);
        return timer_start(&a->again, ATTEMPT_AGAIN_MS);
    }
    bool waits = a->settlement.outcome == DELIVERY_DEFERRED || a->settlement.outcome == DELIVERY_POSTPONED;
    if (a->is_applied && a->settlement.outcome != DELIVERY_POSTPONED) count_and_log(a);
    mta_offer(m, a->desk.entries, a->desk.count);
    schedule_settle(m->schedule, a->settlement.recipient_id, waits ? a->settlement.next_at : SCHEDULE_NEVER);
    mta_wake(m);
    attempt_free(a);
}

static void settle_again(void *arg) {
    settle_submit(arg);
}

static void settle_submit(struct attempt *a) {
    a->desk = mta_desk(a->mta, &a->arena);
    size_t bytes = a->settlement.signature.n + a->settlement.reason.n + 1024;
    a->job = (struct job){.run = settle_run, .done = settle_done, .loop = a->mta->options.loop, .bytes = bytes};
    if (mta_submit(a->mta, a->mta->options.writer, &a->job) == STATUS_OK)
        a->is_job_out = true;
    else
        timer_start(&a->again, ATTEMPT_AGAIN_MS);
}

/* "mx.example[192.0.2.1]: 550 5.1.1 no such user" */
static struct str describe(struct attempt *a, const struct ending *e) {
    const struct delivery_report *r = &a->settlement.report;
    BUF_AUTO out = {0};
    if (r->mx_host.n) buf_addf(&out, "%.*s[%.*s]: ", STR_ARG(r->mx_host), STR_ARG(r->mx_address));
    bool is_reply = r->mx_host.n && e->code && !e->is_own;
    if (is_reply) buf_addf(&out, "%u ", e->code);
    if (is_reply && e->enhanced.n) buf_addf(&out, "%.*s ", STR_ARG(e->enhanced));
    buf_add_str(&out, e->text);
    if (!e->code && e->connection) buf_addf(&out, " (%s)", e->command);
    return arena_str(&a->arena, buf_str(&out));
}

static void plan(struct attempt *a, const struct ending *e) {
    struct settlement *s = &a->settlement;
    const struct queue_entry *entry = a->entry;
    s->outcome = e->verdict == BOUNCE_DELIVERED ? DELIVERY_DELIVERED : DELIVERY_BOUNCED;
    if (e->postponed_to) {
        int64_t to = s->at + POSTPONED_MS < e->postponed_to ? s->at + POSTPONED_MS : e->postponed_to;
        s->outcome = DELIVERY_POSTPONED;
        s->next_at = to < entry->expires_at ? to : entry->expires_at;
        return;
    }
    if (e->verdict != BOUNCE_DEFERRED) return;
    s->next_at = e->is_lost
                     ? RETRY_NEVER
                     : retry_plan(&a->mta->options.retry, entry->attempts + 1, s->at, entry->expires_at, a->mta->options.rand);
    s->outcome = s->next_at == RETRY_NEVER ? DELIVERY_FAILED : DELIVERY_DEFERRED;
    const struct letter *l = a->letter; /* a signature is kept for the stored form only */
    bool is_kept = l && l->is_signed_here && !l->id.is_7bit && !l->id.recipient_id;
    if (s->outcome == DELIVERY_DEFERRED && is_kept) s->signature = buf_str(&l->signature);
    if (s->outcome == DELIVERY_DEFERRED && l) s->track = buf_str(&l->track);
}

static bool keeps_transcript(const struct mta *m, enum delivery_outcome outcome) {
    enum mta_transcripts which = m->options.transcripts;
    return which == TRANSCRIPTS_ALL || (which == TRANSCRIPTS_FAILURES && outcome != DELIVERY_DELIVERED);
}

void attempt_settle(struct attempt *a, const struct ending *e) {
    struct settlement *s = &a->settlement;
    leave_preparing(a);
    letter_unreserve(a);
    a->is_connected = false;
    list_remove(&a->node);
    *s = (struct settlement){.recipient_id = a->entry->recipient_id, .attempts = a->entry->attempts, .at = mta_now(a->mta)};
    if (e->connection) connection_report(e->connection, &a->arena, &s->report);
    s->warming_source = e->warming_source;
    s->warming_provider = arena_str(&a->arena, e->warming_provider);
    s->report.site = arena_str(&a->arena, a->site->key);
    s->report.code = e->code;
    s->report.is_own = e->is_own;
    s->report.enhanced = arena_str(&a->arena, e->enhanced);
    s->report.text = arena_str(&a->arena, e->text);
    s->report.command = str_from_z(e->command);
    plan(a, e);
    if (s->outcome == DELIVERY_BOUNCED) {
        const struct bounce_reply reply = {e->code, s->report.enhanced, s->report.text, s->report.mx_host};
        bounce_judge(a->mta->options.bounces, &reply, &s->bounce);
    }
    if (s->outcome != DELIVERY_DELIVERED) s->reason = describe(a, e);
    if (e->connection && keeps_transcript(a->mta, s->outcome))
        s->transcript = arena_str(&a->arena, connection_transcript(e->connection));
    site_touch(a->site);
    settle_submit(a);
}

void attempt_free_all(struct mta *m) {
    LIST_FOR_EACH_SAFE (it, &m->attempts) {
        struct attempt *a = LIST_OWNER(it, struct attempt, all);
        bool waits = a->letter && !a->letter->is_made; /* freed when the letter is made */
        if (!a->is_job_out && !a->is_connected && !waits) attempt_free(a);
    }
}
