/* hook.h - webhook calls: which endpoints an event goes to, what a call says, and what its answer changes.
 *
 *   event_record     (writer, store/events.h) the event and a row an endpoint, in one transaction (P3)
 *   hook_load        (reader) what an endpoint is told next: a *turn* of some calls, made and signed
 *   hook_settle      (writer) one call's answer: rows, attempt log, the endpoint's health, a notice when it is disabled (P3)
 *   hook_finish      (writer) the end of a turn: when the endpoint's queue is looked at next
 *
 * At least once: what was not settled is called again, with the same webhook-id and the same events, so that a repetition is
 * known for one. The order is not promised. src/hook drives it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_HOOK_H
#define POSTHORN_CORE_HOOK_H

#include "core/hook_headers.h"
#include "core/hook_plan.h"
#include "core/hook_sign.h"
#include "core/notices.h"
#include "core/webhooks.h"

#define HOOK_BATCH_MAX   100                          /* events of a call; webhooks that gather have 2 to this */
#define HOOK_BATCH_BYTES ((size_t)256 << 10)          /* beyond, a call takes no further event */
#define HOOK_DROP_MAX    500                          /* rows of a slice */
#define HOOK_ATTEMPTS_MS (30 * INT64_C(86400) * 1000) /* attempts are kept for */

/* The event as a call tells it: {"type","timestamp","data"}, data as GET /api/v1/events shows it. */
void hook_write_event(struct json_writer *w, struct arena *arena, const struct event_row *row);

struct hook_rules {
    struct seal_key seal;
    const struct rand *rand;
    struct node_epoch owner;
    struct notice_options notices;
    struct webhook_rules urls; /* judged again before each turn: the configuration may have changed */
};
struct hook_call {
    struct hook_row *rows; /* of one attempt each */
    size_t count;
    int64_t attempt; /* 1: the first */
    struct str id, at_text, signature, body;
};
struct hook_turn {
    int64_t webhook_id, account_id;
    bool is_over;       /* it is gone or disabled: what waits for it is dropped */
    bool needs_key;     /* its domain has no signing key yet */
    struct str trouble; /* it cannot be called, and why: counts as a failed call; "" it can */
    int64_t not_before; /* it is paused till then; 0: it is not */
    struct str url;
    struct hook_headers headers; /* its owner's */
    struct hook_row_list lost;   /* rows whose event is gone: they go */
    struct hook_call *calls;
    size_t call_count;
};
struct hook_ask {
    int64_t webhook_id, now;
    size_t calls_max;
};
/* On a reader: at most calls_max calls, one when the endpoint's last call failed. All of *ret lives in the arena. */
WARN_UNUSED enum status hook_load(struct db *db, struct arena *arena, const struct hook_rules *rules, const struct hook_ask *ask,
                                  struct hook_turn *ret);

/* A call that tells of nothing: its owner wants to see what his endpoint says. hook_try makes it, hook/hook_tester calls. */
struct hook_trial {
    struct hook_turn turn;     /* of one call, if `turn.trouble` names none */
    struct hook_answer answer; /* what came back */
    bool was_called;           /* false: there was no place for it, or the gateway stops */
    struct buf body, why;      /* hold the answer's strings; for hook_trial_fini */
    void (*done)(struct hook_trial *trial);
};
/* Whatever the endpoint's health, and active or not. `sample` (event.id 0) is what it is told, in an array where it takes
 * several. The turn lives in the arena; it keeps a pointer to the sample. */
WARN_UNUSED enum status hook_try(struct arena *arena, const struct hook_rules *rules, const struct hook_endpoint *endpoint,
                                 struct hook_row *sample, int64_t now, struct hook_turn *ret);
/* On the writer: into the endpoint's log, of no event. Its health stays as it is. */
WARN_UNUSED enum status hook_trial_log(struct db *tx, const struct hook_trial *trial);
void hook_trial_fini(struct hook_trial *trial);

struct hook_settled {
    bool is_applied;        /* false: settled before, or not ours any more; nothing was written */
    bool is_disabled;       /* by this */
    struct acceptance mail; /* the notice, for the scheduler after COMMIT; entry_count 0: none */
};
struct hook_outcome {
    int64_t webhook_id;
    const struct hook_call *call;
    const struct hook_answer *answer;
};
/* On the writer; may run more than once. *ret lives in the arena. */
WARN_UNUSED enum status hook_settle(struct db *tx, struct arena *arena, const struct hook_rules *rules,
                                    const struct hook_outcome *outcome, struct hook_settled *ret);
/* On the writer, once no call of the turn is under way: what could not be called, and when to look again. *ret as above. */
WARN_UNUSED enum status hook_finish(struct db *tx, struct arena *arena, const struct hook_rules *rules,
                                    const struct hook_turn *turn, int64_t now, struct hook_settled *ret);
/* On the writer, now and then: some attempts that are too old go. */
WARN_UNUSED enum status hook_prune(struct db *tx, int64_t now);

#endif
