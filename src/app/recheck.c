/* recheck.c - see recheck.h. All of it on one loop; a slot belongs to an executor while its job is out.
 * SPDX-License-Identifier: Apache-2.0 */
#include "app/recheck.h"

#include "base/log.h"
#include "core/domain_watch.h"
#include "store/domain_watch.h"

#include <stdlib.h>

#define ROUND_MS 60000 /* between two looks for due ones; sooner when they come faster */

struct slot {
    struct recheck *recheck;
    struct domain domain; /* id 0: free */
    struct arena arena;
    struct verify *verify;
    struct inquiry *inquiry;
    struct job job;
    enum domain_turn turn;
    struct acceptance mail;
};
struct recheck {
    struct watch_options options;
    struct domain_policy policy;
    struct timer timer;
    bool is_started, is_stopping, is_finding;
    struct slot slots[RECHECK_SLOTS];
    size_t busy; /* slots */
    struct job find;
    struct arena arena; /* of finding */
    struct domain_list due;
    struct dkim_key_list keys[RECHECK_SLOTS];
    void (*stopped)(void *arg);
    void *stopped_arg;
};

static int64_t now_ms(void) {
    return clock_wall_ms(clock_system());
}

static void submit(struct recheck *r, struct executor *executor, struct job *job) {
    job->loop = r->options.loop;
    enum status status = executor_submit(executor, job);
    if (status == STATUS_OK) return;
    job->status = status;
    job->done(job);
}

/* ---- the end of one or all ---- */
static void find(struct recheck *r);

static void end_stop(struct recheck *r) {
    if (!r->is_stopping || r->busy || r->is_finding) return;
    if (r->is_started) timer_fini(&r->timer);
    r->is_started = false;
    if (r->stopped) r->stopped(r->stopped_arg);
    r->stopped = NULL;
}

static void wait(struct recheck *r) {
    timer_start(&r->timer, r->policy.every_ms < ROUND_MS ? r->policy.every_ms : ROUND_MS);
}

static void free_slot(struct slot *s, bool is_well) {
    struct recheck *r = s->recheck;
    verify_free(&s->verify);
    arena_fini(&s->arena);
    *s = (struct slot){.recheck = r};
    r->busy--;
    if (r->is_stopping)
        end_stop(r);
    else if (r->busy == 0 && is_well)
        find(r);
    else if (r->busy == 0)
        wait(r); /* what failed is due still: not at once again */
}

/* ---- writing what was found ---- */
static enum status run_apply(struct job *job, void *ctx) {
    struct slot *s = LIST_OWNER(job, struct slot, job);
    const struct recheck *r = s->recheck;
    struct domain domain;
    s->mail = (struct acceptance){.entry_count = 0};
    s->turn = DOMAIN_NO_TURN;
    enum status status = domain_get(ctx, &s->arena, SCOPE_ANY, s->domain.id, &domain);
    if (status == STATUS_NOT_FOUND) return STATUS_OK; /* deleted meanwhile */
    bool is_same = status == STATUS_OK && domain.check_at == s->domain.check_at &&
                   str_eq(domain.subdomain, s->domain.subdomain) && str_eq(domain.track_prefix, s->domain.track_prefix);
    if (status != STATUS_OK || !is_same) return status;
    const struct verify_report *report = verify_report(s->verify);
    status = domain_apply_check(ctx, &domain, report, &r->policy, now_ms(), &s->turn);
    if (status != STATUS_OK || s->turn == DOMAIN_NO_TURN) return status;
    return domain_announce(ctx, &s->arena, &r->options.notices, &(struct domain_news){&domain, report, s->turn}, &s->mail);
}

static void applied(struct job *job) {
    static const char *const words[] = {"", "broke", "stopped", "mended"};
    struct slot *s = LIST_OWNER(job, struct slot, job);
    const struct watch_options *o = &s->recheck->options;
    bool is_well = job->status == STATUS_OK;
    if (!is_well)
        LOG(LOG_WARN, "app.recheck", LOG_INT("domain", s->domain.id), LOG_Z("fault", status_text(job->status)));
    else if (s->turn != DOMAIN_NO_TURN)
        LOG(LOG_WARN, "app.recheck", LOG_INT("domain", s->domain.id), LOG_STR("name", s->domain.name),
            LOG_Z("turn", words[s->turn]));
    if (is_well && s->mail.entry_count) o->queue_offer(o->arg, s->mail.entries, s->mail.entry_count);
    free_slot(s, is_well);
}

/* ---- asking ---- */
static size_t next_question(void *machine, struct dns_question *ret, size_t max) {
    return verify_next(((struct slot *)machine)->verify, ret, max);
}

static void take_answer(void *machine, size_t index, const struct dns_answer *answer) {
    verify_answer(((struct slot *)machine)->verify, index, answer);
}

static void asked(void *machine) {
    struct slot *s = machine;
    s->inquiry = NULL;
    s->job = (struct job){.run = run_apply, .done = applied, .bytes = 4096};
    submit(s->recheck, s->recheck->options.writer, &s->job);
}

static void ask(struct slot *s, const struct domain *domain, const struct dkim_key_list *keys) {
    static const struct inquiry_ops ops = {.next = next_question, .answer = take_answer, .done = asked};
    struct recheck *r = s->recheck;
    s->domain = *domain;
    s->domain.name = arena_str(&s->arena, domain->name);
    s->domain.subdomain = arena_str(&s->arena, domain->subdomain);
    s->domain.track_prefix = arena_str(&s->arena, domain->track_prefix);
    s->verify = domain_verification(domain, keys, r->options.config->delivery_hostname);
    r->busy++;
    s->inquiry = inquiry_start(r->options.resolver, r->options.loop, &ops, s);
}

/* ---- who is due ---- */
static enum status run_find(struct job *job, void *ctx) {
    struct recheck *r = LIST_OWNER(job, struct recheck, find);
    enum status status = domain_list_due(ctx, &r->arena, now_ms(), RECHECK_SLOTS, &r->due);
    for (size_t i = 0; status == STATUS_OK && i < r->due.count; i++)
        status = dkim_key_list(ctx, &r->arena, r->due.items[i].id, &r->keys[i]);
    return status;
}

static void found(struct job *job) {
    struct recheck *r = LIST_OWNER(job, struct recheck, find);
    r->is_finding = false;
    bool is_well = job->status == STATUS_OK && !r->is_stopping;
    for (size_t i = 0; is_well && i < r->due.count; i++) ask(&r->slots[i], &r->due.items[i], &r->keys[i]);
    arena_fini(&r->arena);
    if (r->is_stopping)
        end_stop(r);
    else if (r->busy == 0)
        wait(r);
}

/* Only while no slot is busy: a due domain is never looked up twice at once. */
static void find(struct recheck *r) {
    r->is_finding = true;
    r->find = (struct job){.run = run_find, .done = found};
    submit(r, r->options.readers, &r->find);
}

static void on_timer(void *arg) {
    find(arg);
}

/* ---- life ---- */
struct recheck *recheck_new(const struct watch_options *options) {
    const struct config *c = options->config;
    struct recheck *r = calloc(1, sizeof *r);
    if (!r) abort();
    r->options = *options;
    r->policy = (struct domain_policy){.every_ms = c->domains_check_every,
                                       .grace_ms = c->domains_grace_days * CLOCK_DAY_MS,
                                       .stops = c->domains_stop_failing != 0};
    for (size_t i = 0; i < RECHECK_SLOTS; i++) r->slots[i].recheck = r;
    return r;
}

void recheck_start(struct recheck *r) {
    if (r->policy.every_ms == 0) return;
    timer_init(&r->timer, r->options.loop, on_timer, r);
    r->is_started = true;
    find(r);
}

void recheck_stop(struct recheck *r, void (*done)(void *arg), void *arg) {
    r->is_stopping = true;
    r->stopped = done;
    r->stopped_arg = arg;
    for (size_t i = 0; i < RECHECK_SLOTS; i++) {
        struct slot *s = &r->slots[i];
        if (!s->inquiry) continue;
        inquiry_cancel(&s->inquiry);
        free_slot(s, false);
    }
    end_stop(r);
}

void recheck_free(struct recheck **place) {
    struct recheck *r = *place;
    if (!r) return;
    *place = NULL;
    free(r);
}
