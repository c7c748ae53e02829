/* keeping.c - see keeping.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/keeping.h"

#define DAY_MS INT64_C(86400000)

static int64_t days_in_force(int64_t own, int64_t otherwise, int64_t most) {
    int64_t days = own ? own : otherwise;
    return most && days > most ? most : days;
}

struct retention keeping_days(const struct keeping_rules *rules, const struct retention *own) {
    return (struct retention){days_in_force(own->body_days, rules->otherwise.body_days, rules->most.body_days),
                              days_in_force(own->event_days, rules->otherwise.event_days, rules->most.event_days)};
}

void keeping_begin(struct keeping *walk, const struct keeping_rules *rules) {
    *walk = (struct keeping){.rules = *rules, .owner.id = INT64_MIN};
}

static void next_kind(struct keeping *w) {
    w->what++;
    w->owner = (struct retained_owner){.id = INT64_MIN};
    w->is_over = w->what == RETAINED_COUNT;
}

/* Those whose account is gone are kept like everybody's. */
static enum status days_of(struct db *tx, const struct keeping *w, int64_t account_id, int64_t *ret_days) {
    struct retention own = {0};
    enum status status = retention_get(tx, account_id, &own);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) return status;
    bool is_content = w->what == RETAINED_BODIES || w->what == RETAINED_INBOX;
    const struct retention days = keeping_days(&w->rules, &own);
    *ret_days = is_content ? days.body_days : days.event_days;
    return STATUS_OK;
}

static enum status enter_owner(struct db *tx, struct keeping *w, int64_t now) {
    struct retained_owner owner;
    int64_t days = 0;
    enum status status = retained_owner_next(tx, w->what, w->owner.id, &owner);
    if (status == STATUS_NOT_FOUND) {
        next_kind(w);
        return STATUS_OK;
    }
    if (status == STATUS_OK) status = days_of(tx, w, owner.account_id, &days);
    if (status != STATUS_OK) return status;
    w->owner = owner;
    w->has_owner = true;
    w->place = (struct retained_place){INT64_MIN, INT64_MIN};
    w->cutoff = now - days * DAY_MS;
    return STATUS_OK;
}

/* What a slice may still do. */
struct budget {
    int64_t weight, bytes;
};

static enum status take(struct db *tx, struct keeping *w, struct retained_item *item, struct budget *left) {
    enum status status = item->at < w->cutoff ? retained_look(tx, w->what, item) : STATUS_OK;
    left->weight -= item->weight;
    if (status != STATUS_OK || item->is_needed || item->at >= w->cutoff) return status;
    status = retained_remove(tx, w->what, w->owner.id, item);
    if (status != STATUS_OK) return status;
    left->bytes -= item->bytes;
    w->removed[w->what]++;
    w->removed_bytes += item->bytes;
    return STATUS_OK;
}

/* One page of the owner. A page on which nothing is old enough is his last: rows come in order of time but for a clock that
 * jumped. */
static enum status take_page(struct db *tx, struct arena *arena, struct keeping *w, struct budget *left) {
    struct retained_list page;
    bool has_old = false;
    size_t done = 0;
    const struct retained_query query = {w->owner.id, w->place, w->cutoff, KEEPING_LOOK_MAX};
    enum status status = retained_page(tx, arena, w->what, &query, &page);
    for (; status == STATUS_OK && done < page.count && left->weight > 0 && left->bytes > 0; done++) {
        has_old |= page.items[done].at < w->cutoff;
        w->place = (struct retained_place){page.items[done].at, page.items[done].id};
        status = take(tx, w, &page.items[done], left);
    }
    bool is_end = done == page.count && (page.count < KEEPING_LOOK_MAX || !has_old);
    if (status == STATUS_OK && is_end) w->has_owner = false;
    return status;
}

enum status keeping_slice(struct db *tx, struct arena *arena, struct keeping *walk, int64_t now) {
    struct keeping w = *walk;
    struct budget left = {KEEPING_WEIGHT_MAX, KEEPING_BYTES_MAX};
    enum status status = STATUS_OK;
    while (status == STATUS_OK && !w.is_over && left.weight > 0 && left.bytes > 0) {
        left.weight--;
        status = w.has_owner ? take_page(tx, arena, &w, &left) : enter_owner(tx, &w, now);
    }
    if (status == STATUS_OK) *walk = w;
    return status;
}
