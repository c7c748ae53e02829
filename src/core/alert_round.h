/* alert_round.h - a round of alerts in the database: rows are written and the mail that tells of them is queued in one
 * transaction, so nothing is told twice and nothing goes untold, whatever happens between (P1, P3).
 *
 * The webhook is told after the commit, from the rows: what it does not have yet is found again after a restart.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_ALERT_ROUND_H
#define POSTHORN_CORE_ALERT_ROUND_H

#include "core/alert.h"
#include "core/notices.h"

struct alert_rules {
    struct alert_times times;
    struct notice_options notices;
    struct str mail_to; /* "": none */
    bool has_webhook;
    struct str host; /* ours, as the mails call it */
};
struct alert_round {
    struct alert_step_list steps; /* for the log */
    struct acceptance mail;       /* for the scheduler; entry_count 0: none was sent */
    bool is_mail_stuck;           /* there was something to mail, but the gateway sends no mail of its own (notice_ready) */
    struct alert_list unposted;   /* for the webhook; at most ALERT_POST_MAX */
    int64_t open;                 /* alerts */
};
#define ALERT_POST_MAX 200
/* On the writer. May run more than once; *ret lives in the arena. */
WARN_UNUSED enum status alert_round_run(struct db *tx, struct arena *a, const struct alert_rules *rules,
                                        const struct alert_view *view, int64_t now, struct alert_round *ret);
/* On the writer: the webhook took these, or not, and why. */
WARN_UNUSED enum status alert_posted(struct db *tx, const struct alert_list *rows, struct str why_not);

#endif
