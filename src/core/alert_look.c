/* alert_look.c - see alert_look.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/alert_look.h"

#include "base/clock.h"
#include "core/domains.h"
#include "store/domain_watch.h"
#include "store/queue.h"

#define TROUBLED_MAX  ALERT_KEYS_MAX
#define DELIVERED_MAX INT64_C(2000000) /* whoever sent more is judged as if it were so many */
#define MINUTE_MS     INT64_C(60000)

/* ---- the queue ---- */
void alert_walk_fini(struct alert_walk *walk) {
    buf_fini(&walk->domain);
    buf_fini(&walk->late_domain);
}

static void set(struct buf *to, struct str text) {
    buf_reset(to);
    buf_add_str(to, text);
}

static void take_lane(struct alert_walk *walk, const struct queue_lane *lane) {
    if (lane->priority != PRIORITY_TRANSACTIONAL) return;
    if (walk->late_at && lane->first_due_at >= walk->late_at) return;
    walk->late_at = lane->first_due_at;
    set(&walk->late_domain, lane->domain);
}

static void end_walk(const struct alert_look *look, struct alert_walk *walk) {
    struct str domain = buf_str(&walk->late_domain);
    int64_t late_ms = walk->late_at ? look->now - walk->late_at : 0;
    if (late_ms > look->limits->queue_age_ms)
        alert_see(look->view, look->arena, ALERT_QUEUE_AGE, (struct str){0},
                  "Transactional mail waits behind its time; the oldest, for %.*s, was to be tried %lld minutes ago.",
                  STR_ARG(domain), (long long)(late_ms / MINUTE_MS));
    look->view->is_looked[ALERT_QUEUE_AGE] = true;
    walk->is_under_way = false;
    walk->late_at = 0;
}

enum status alert_look_queue(const struct alert_look *look, struct alert_walk *walk, int max) {
    struct queue_lane after = {.domain = buf_str(&walk->domain), .account_id = walk->account_id, .priority = walk->priority};
    struct queue_lane_list lanes;
    if (look->limits->queue_age_ms == 0) {
        look->view->is_looked[ALERT_QUEUE_AGE] = true;
        return STATUS_OK;
    }
    enum status status = queue_lanes(look->db, look->arena, look->node_id, walk->is_under_way ? &after : NULL, max, &lanes);
    if (status != STATUS_OK) return status;
    for (size_t i = 0; i < lanes.count; i++) take_lane(walk, &lanes.items[i]);
    if (lanes.count < (size_t)max) {
        end_walk(look, walk);
        return STATUS_OK;
    }
    const struct queue_lane *last = &lanes.items[lanes.count - 1];
    set(&walk->domain, last->domain);
    walk->account_id = last->account_id;
    walk->priority = last->priority;
    walk->is_under_way = true;
    return STATUS_OK;
}

/* ---- records ---- */
enum status alert_look_domains(const struct alert_look *look) {
    struct domain_list list;
    enum status status = domain_list_failing(look->db, look->arena, ALERT_KEYS_MAX + 1, &list);
    if (status != STATUS_OK) return status;
    for (size_t i = 0; i < list.count; i++) {
        const struct domain *d = &list.items[i];
        BUF_AUTO what = {0};
        domain_write_failing(d, &what);
        alert_see(look->view, look->arena, ALERT_DOMAIN_RECORDS, d->name, "%.*s (account %lld): wrong in the DNS: %.*s. %s",
                  STR_ARG(d->name), (long long)d->account_id, STR_ARG(buf_str(&what)),
                  d->state == DOMAIN_ENABLED ? "It still sends." : "It does not send.");
    }
    look->view->is_looked[ALERT_DOMAIN_RECORDS] = true;
    return STATUS_OK;
}

/* ---- rates ---- */
struct rate_kind {
    enum alert_kind kind;
    const char *what;
    int64_t bad, whole; /* of how many */
    int64_t warn, suspend;
};

static bool is_over(const struct rate_kind *r, int64_t limit) {
    return limit && r->bad * ALERT_RATE_WHOLE > limit * r->whole;
}

static void write_rate(struct buf *out, const struct rate_kind *r) {
    int64_t hundredths = r->whole ? r->bad * 10000 / r->whole : 0;
    buf_addf(out, "%lld.%02lld %% %s (%lld of %lld) since a day", (long long)(hundredths / 100), (long long)(hundredths % 100),
             r->what, (long long)r->bad, (long long)r->whole);
}

/* Note a rate above its limit. True: above the second one. */
static bool judge_rate(const struct alert_look *look, const struct domain *d, const struct rate_kind *r,
                       struct str *ret_because) {
    BUF_AUTO rate = {0};
    if (!is_over(r, r->warn) && !is_over(r, r->suspend)) return false;
    write_rate(&rate, r);
    const char *standing = d->state == DOMAIN_SUSPENDED ? " It is suspended." : "";
    alert_see(look->view, look->arena, r->kind, d->name, "%.*s (account %lld): %.*s.%s", STR_ARG(d->name),
              (long long)d->account_id, STR_ARG(buf_str(&rate)), standing);
    if (!is_over(r, r->suspend)) return false;
    *ret_because = arena_str(look->arena, buf_str(&rate));
    return true;
}

static int64_t needed_for(int64_t bad, int64_t limit) {
    return limit ? bad * ALERT_RATE_WHOLE / limit + 1 : 0;
}

/* No more is counted than what decides. */
static int64_t count_limit(const struct alert_limits *limits, const struct domain_trouble *t) {
    int64_t most = limits->rate_messages;
    const int64_t needed[] = {needed_for(t->bounced, limits->bounce_warn), needed_for(t->bounced, limits->bounce_suspend),
                              needed_for(t->complained, limits->complaint_warn),
                              needed_for(t->complained, limits->complaint_suspend)};
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
        if (needed[i] > most) most = needed[i];
    return most < DELIVERED_MAX ? most : DELIVERED_MAX;
}

static enum status judge_domain(const struct alert_look *look, const struct domain_trouble *t,
                                struct alert_suspension_list *list) {
    const struct alert_limits *limits = look->limits;
    int64_t from_at = look->now - ALERT_RATE_WINDOW_MS, delivered;
    struct domain d;
    enum status status = domain_get(look->db, look->arena, SCOPE_ANY, t->domain_id, &d);
    if (status != STATUS_OK) return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    if (d.state == DOMAIN_ENABLED && d.state_at > from_at) from_at = d.state_at;
    status = domain_count_delivered(look->db, d.id, from_at, count_limit(limits, t), &delivered);
    if (status != STATUS_OK || delivered + t->bounced < limits->rate_messages) return status;
    const struct rate_kind rates[] = {
        {ALERT_BOUNCES, "bounced for good", t->bounced, delivered + t->bounced, limits->bounce_warn, limits->bounce_suspend},
        {ALERT_COMPLAINTS, "complained", t->complained, delivered, limits->complaint_warn, limits->complaint_suspend}};
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        struct str because;
        if (judge_rate(look, &d, &rates[i], &because) && limits->suspends && d.state == DOMAIN_ENABLED)
            list->items[list->count++] = (struct alert_suspension){d.id, because};
    }
    return STATUS_OK;
}

enum status alert_look_rates(const struct alert_look *look, struct alert_suspension_list *ret) {
    struct domain_trouble_list troubled;
    enum status status = domain_list_trouble(look->db, look->arena, look->now - ALERT_RATE_WINDOW_MS, TROUBLED_MAX, &troubled);
    if (status != STATUS_OK) return status;
    struct alert_suspension_list list = {.items = arena_array(look->arena, 2 * troubled.count + 1, sizeof *list.items)};
    for (size_t i = 0; status == STATUS_OK && i < troubled.count; i++) status = judge_domain(look, &troubled.items[i], &list);
    if (status != STATUS_OK) return status;
    look->view->is_looked[ALERT_BOUNCES] = look->view->is_looked[ALERT_COMPLAINTS] = true;
    *ret = list;
    return STATUS_OK;
}
