/* domain_watch.c - see domain_watch.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/domain_watch.h"

#include "core/queue_orders.h"
#include "store/domain_watch.h"

#define HELD_BECAUSE STR("The sender domain is suspended")
#define HELD_MARK    STR("the sender domain is suspended") /* as filters say it */
#define JOBS_MAX     200                                   /* open ones that are looked at */
#define NOTICE_MS    (INT64_C(3) * 86400000)

/* ---- the queue of a suspended domain ---- */
static struct queue_filter filter_of(const struct domain *domain, enum queue_verb verb) {
    struct queue_filter filter = queue_filter_all();
    filter.account_id = domain->account_id;
    filter.domain_id = domain->id;
    if (verb == QUEUE_RELEASE) filter.reason = HELD_MARK; /* what the operator holds himself stays held */
    return filter;
}

/* An order of an earlier decision that is still being worked off would undo this one. */
static enum status close_orders(struct db *tx, struct arena *arena, const struct domain *domain, int64_t now) {
    struct queue_job_list jobs;
    enum status status = queue_job_list(tx, arena, JOBS_MAX, &jobs);
    for (int verb = QUEUE_HOLD; verb <= QUEUE_RELEASE; verb++) {
        struct queue_filter filter = filter_of(domain, (enum queue_verb)verb);
        BUF_AUTO text = {0};
        queue_filter_format(&text, &filter);
        for (size_t i = 0; status == STATUS_OK && i < jobs.count; i++) {
            const struct queue_job *job = &jobs.items[i];
            bool is_same = (int)job->verb == verb && job->finished_at == 0 && str_eq(job->filter, buf_str(&text));
            if (is_same) status = queue_job_close(tx, job->id, STR("The domain's state was decided anew"), now);
        }
    }
    return status;
}

static enum status order(struct db *tx, const struct domain *domain, enum queue_verb verb, int64_t now) {
    ARENA_AUTO arena = {0};
    BUF_AUTO text = {0};
    struct queue_filter filter = filter_of(domain, verb);
    int64_t id;
    queue_filter_format(&text, &filter);
    enum status status = close_orders(tx, &arena, domain, now);
    if (status != STATUS_OK) return status;
    return queue_job_add(tx,
                         &(struct queue_job){.verb = verb,
                                             .filter = buf_str(&text),
                                             .priority = -1,
                                             .reason = verb == QUEUE_HOLD ? HELD_BECAUSE : (struct str){0},
                                             .created_at = now},
                         &id);
}

static enum status decide(struct db *tx, struct domain *domain, const struct domain_decision *decision, enum queue_verb verb) {
    bool was_stopped = domain->state == DOMAIN_SUSPENDED || domain->state == DOMAIN_BLOCKED;
    enum status status = domain_decide_state(tx, domain->id, decision);
    if (status == STATUS_OK && (verb == QUEUE_HOLD || was_stopped)) status = order(tx, domain, verb, decision->at);
    if (status != STATUS_OK) return status;
    domain->state = decision->state;
    domain->is_forced = decision->state == DOMAIN_ENABLED;
    domain->state_at = decision->at;
    domain->state_reason = decision->because;
    return STATUS_OK;
}

enum status domain_suspend(struct db *tx, struct domain *domain, struct str because, int64_t now) {
    return decide(tx, domain, &(struct domain_decision){DOMAIN_SUSPENDED, because, now}, QUEUE_HOLD);
}

enum status domain_enable(struct db *tx, struct domain *domain, int64_t now) {
    return decide(tx, domain, &(struct domain_decision){DOMAIN_ENABLED, (struct str){0}, now}, QUEUE_RELEASE);
}

/* ---- what the account is told ---- */
static void write_wrong(const struct verify_report *report, struct buf *out) {
    for (size_t i = 0; i < report->count; i++) {
        const struct verify_row *row = &report->rows[i];
        if (!row->is_required || row->status != VERIFY_FAILED) continue;
        buf_addf(out, "  %s %.*s\n    wanted: %.*s\n    found:  %.*s\n    %.*s\n\n", row->type, STR_ARG(row->host),
                 STR_ARG(row->value), STR_ARG(row->found.n ? row->found : STR("nothing")), STR_ARG(row->why));
    }
}

static void write_text(const struct domain *domain, const struct verify_report *report, enum domain_turn turn, struct buf *out) {
    static const struct {
        const char *before, *behind;
    } openings[] = {
        [DOMAIN_BROKE] = {"Records in the DNS that your sender domain ", " needs are wrong now, and were right before:"},
        [DOMAIN_STOPPED] = {"Your sender domain ", " does not send any more, since records that it needs are still wrong:"},
        [DOMAIN_MENDED] = {"The records of your sender domain ", " in the DNS are right again."},
    };
    buf_addf(out, "Hello,\n\n%s%.*s%s\n\n", openings[turn].before, STR_ARG(domain->name), openings[turn].behind);
    if (turn == DOMAIN_MENDED) {
        buf_add_z(out, domain->state == DOMAIN_ENABLED ? "It sends.\n" : "There is nothing left to do in the DNS.\n");
        return;
    }
    write_wrong(report, out);
    buf_add_z(out, "Receivers may refuse the mail or take it for spam. The records are looked up again every hour.\n");
}

enum status domain_announce(struct db *tx, struct arena *arena, const struct notice_options *notices,
                            const struct domain_news *news, struct acceptance *ret) {
    const struct domain *domain = news->domain;
    static const char *const subjects[] = {[DOMAIN_BROKE] = "DNS records are wrong",
                                           [DOMAIN_STOPPED] = "Sending has stopped",
                                           [DOMAIN_MENDED] = "DNS records are right again"};
    struct account account;
    BUF_AUTO text = {0};
    *ret = (struct acceptance){.entry_count = 0};
    enum status status = account_get(tx, arena, domain->account_id, &account);
    if (status == STATUS_NOT_FOUND || (status == STATUS_OK && !account.is_active)) return STATUS_OK;
    if (status != STATUS_OK) return status;
    write_text(domain, news->report, news->turn, &text);
    struct notice_mail mail = {
        .to = account.email,
        .subject = arena_strf(arena, "%.*s: %s", STR_ARG(domain->name), subjects[news->turn]),
        .text = buf_str(&text),
        .life_ms = NOTICE_MS,
        .now = domain->checked_at,
    };
    status = notice_mail(tx, arena, notices, &mail, ret);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}
