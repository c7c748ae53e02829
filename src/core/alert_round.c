/* alert_round.c - see alert_round.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/alert_round.h"

#define MAIL_LIFE_MS INT64_C(86400000)
#define POST_LIFE_MS INT64_C(86400000) /* a webhook that is dead for longer learns no more of it */

static enum status load_past(struct db *tx, struct arena *a, int64_t now, struct alert_past *ret) {
    struct alert_past past = {0};
    enum status status = alert_list_live(tx, a, ALERT_KIND_COUNT * (ALERT_KEYS_MAX + ALERT_STORM), &past.live);
    for (int kind = 0; status == STATUS_OK && kind < ALERT_KIND_COUNT; kind++)
        status = alert_count_told(tx, (enum alert_kind)kind, now - ALERT_STORM_MS, &past.recent[kind]);
    if (status == STATUS_OK) *ret = past;
    return status;
}

static bool is_told(const struct alert_step_list *steps) {
    for (size_t i = 0; i < steps->count; i++)
        if (steps->items[i].word != ALERT_SAYS_NOTHING) return true;
    return false;
}

static enum status send_mail(struct db *tx, struct arena *a, const struct alert_rules *rules, int64_t now,
                             struct alert_round *round) {
    BUF_AUTO subject = {0};
    BUF_AUTO text = {0};
    alert_write_mail(&round->steps, rules->host, &subject, &text);
    struct notice_mail mail = {
        .to = rules->mail_to, .subject = buf_str(&subject), .text = buf_str(&text), .life_ms = MAIL_LIFE_MS, .now = now};
    enum status status = notice_mail(tx, a, &rules->notices, &mail, &round->mail);
    round->is_mail_stuck = status == STATUS_NOT_FOUND;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* Rows are written after the mail, so that they say when it could not be sent. */
static enum status write_row(struct db *tx, const struct alert_rules *rules, bool is_stuck, struct alert_step *step) {
    struct alert *row = &step->row;
    if (!rules->has_webhook) row->posted_count = row->told_count;
    if (step->word != ALERT_SAYS_NOTHING)
        row->trouble = is_stuck ? STR("No mail: [mail] from names no enabled sender domain here") : STR("");
    return step->is_new ? alert_add(tx, row, &row->id) : alert_update(tx, row);
}

enum status alert_round_run(struct db *tx, struct arena *a, const struct alert_rules *rules, const struct alert_view *view,
                            int64_t now, struct alert_round *ret) {
    struct alert_past past;
    struct alert_round round = {0};
    bool has_ended = false;
    enum status status = load_past(tx, a, now, &past);
    if (status != STATUS_OK) return status;
    alert_judge(&past, view, &rules->times, now, a, &round.steps);
    if (rules->mail_to.n && is_told(&round.steps)) status = send_mail(tx, a, rules, now, &round);
    for (size_t i = 0; status == STATUS_OK && i < round.steps.count; i++) {
        has_ended = has_ended || round.steps.items[i].row.cleared_at;
        status = write_row(tx, rules, round.is_mail_stuck, &round.steps.items[i]);
    }
    if (status == STATUS_OK && has_ended) status = alert_prune(tx, ALERT_KEPT);
    if (status == STATUS_OK) status = alert_forget_unposted(tx, now - POST_LIFE_MS);
    if (status == STATUS_OK && rules->has_webhook) status = alert_list_unposted(tx, a, ALERT_POST_MAX, &round.unposted);
    if (status == STATUS_OK) status = alert_count_open(tx, &round.open);
    if (status == STATUS_OK) *ret = round;
    return status;
}

enum status alert_posted(struct db *tx, const struct alert_list *rows, struct str why_not) {
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < rows->count; i++) {
        const struct alert *row = &rows->items[i];
        status = why_not.n ? alert_set_trouble(tx, row->id, why_not) : alert_set_posted(tx, row->id, row->told_count);
    }
    return status;
}
