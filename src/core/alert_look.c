/* alert_look.c - see alert_look.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/alert_look.h"

#include "base/clock.h"
#include "core/domains.h"
#include "store/domain_watch.h"
#include "store/feed.h"
#include "store/queue.h"

#define TROUBLED_MAX  ALERT_KEYS_MAX
#define DELIVERED_MAX INT64_C(2000000) /* whoever sent more is judged as if it were so many */
#define MINUTE_MS     INT64_C(60000)

/* ---- the queue ---- */
void alert_walk_fini(struct alert_walk *walk) {
    buf_fini(&walk->domain);
    arena_fini(&walk->arena);
}

static void begin_walk(struct alert_walk *walk) {
    walk->is_over = false;
    walk->late_count = 0;
    arena_fini(&walk->arena);
}

static void take_lane(const struct alert_look *look, struct alert_walk *walk, const struct queue_lane *lane) {
    bool is_late = look->now - lane->first_due_at > look->limits->queue_age_ms;
    if (lane->priority != PRIORITY_TRANSACTIONAL || !is_late || walk->late_count == ALERT_LATE_MAX) return;
    walk->late[walk->late_count++] = (struct alert_late){arena_str(&walk->arena, lane->domain), lane->first_due_at};
}

enum status alert_look_queue(const struct alert_look *look, struct alert_walk *walk, int max) {
    struct queue_lane after = {.domain = buf_str(&walk->domain), .account_id = walk->account_id, .priority = walk->priority};
    struct queue_lane_list lanes = {.count = 0};
    if (!walk->is_under_way) begin_walk(walk);
    enum status status = STATUS_OK;
    if (look->limits->queue_age_ms)
        status = queue_lanes(look->db, look->arena, look->node_id, walk->is_under_way ? &after : NULL, max, &lanes);
    if (status != STATUS_OK) return status;
    for (size_t i = 0; i < lanes.count; i++) take_lane(look, walk, &lanes.items[i]);
    walk->is_over = lanes.count < (size_t)max;
    walk->is_under_way = !walk->is_over;
    if (walk->is_over) return STATUS_OK;
    const struct queue_lane *last = &lanes.items[lanes.count - 1];
    buf_reset(&walk->domain);
    buf_add_str(&walk->domain, last->domain);
    walk->account_id = last->account_id;
    walk->priority = last->priority;
    return STATUS_OK;
}

void alert_judge_queue(const struct alert_look *look, struct alert_walk *walk, bool (*is_excused)(void *arg, struct str domain),
                       void *arg) {
    const struct alert_late *worst = NULL;
    for (size_t i = 0; i < walk->late_count; i++) {
        const struct alert_late *late = &walk->late[i];
        if ((!worst || late->due_at < worst->due_at) && !(is_excused && is_excused(arg, late->domain))) worst = late;
    }
    if (worst)
        alert_see(look->view, look->arena, ALERT_QUEUE_AGE, (struct str){0},
                  "Transactional mail waits behind its time; the oldest, for %.*s, was to be tried %lld minutes ago.",
                  STR_ARG(worst->domain), (long long)((look->now - worst->due_at) / MINUTE_MS));
    look->view->is_looked[ALERT_QUEUE_AGE] = true;
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

/* ---- the feed ---- */
/* What a feed left behind that is no more waits for the next one, and is no trouble. */
enum status alert_look_feed(const struct alert_look *look) {
    struct feed_row row = {.at = look->now};
    int64_t since = 0;
    enum status status = feed_get_since(look->db, &since);
    if (status == STATUS_OK && since && look->limits->feed_ms) status = feed_next(look->db, 0, &row);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) return status;
    if (look->now - row.at > look->limits->feed_ms)
        alert_see(
            look->view, look->arena, ALERT_FEED, (struct str){0},
            "[events] feed takes nothing; the oldest event has waited for it for %lld minutes. The log says why (feed.waits).",
            (long long)((look->now - row.at) / MINUTE_MS));
    look->view->is_looked[ALERT_FEED] = true;
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
