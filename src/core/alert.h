/* alert.h - what the operator is told of, when, and when it is over.
 *
 * A round looks at the world and notes what is wrong (a view); alert_judge compares that with the rows of store/alerts.h:
 *
 *   seen, no row --> row, told at once     seen again, `again` after the last telling --> told again
 *   a row, not seen for `calm` --> closed; told, if its beginning was
 *   a kind that was told ALERT_STORM times within ALERT_STORM_MS --> waits, and then all of it is told together
 *
 * So a restart tells nothing twice, a trouble that flickers is one alert, and ten thousand dead sites are one mail. Everything is
 * decided from rows, view and the time given; pure.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_ALERT_H
#define POSTHORN_CORE_ALERT_H

#include "base/arena.h"
#include "base/buf.h"
#include "store/alerts.h"

#define ALERT_KEYS_MAX 200 /* open alerts of a kind; what is behind them is not noted */
#define ALERT_TEXT_MAX 500 /* bytes */
#define ALERT_STORM    5
#define ALERT_STORM_MS INT64_C(600000)
#define ALERT_KEPT     1000 /* closed rows */

struct alert_facts {
    const char *name;  /* "site": in lists, in the webhook's JSON */
    const char *title; /* "Failing site": heads its lines in a mail */
    const char *over;  /* what ends it, a sentence for people */
    bool is_calm;      /* over as soon as it is not seen */
};
/* Static. */
const struct alert_facts *alert_facts(enum alert_kind kind);

struct alert_sighting {
    enum alert_kind kind;
    struct str key, text;
};
/* What one round saw. Zeroed: nothing was looked at. */
struct alert_view {
    struct alert_sighting *items;
    size_t count, cap;
    size_t counts[ALERT_KIND_COUNT];
    bool is_looked[ALERT_KIND_COUNT]; /* what there is of this kind was noted: what was not is over */
};
/* Note one. The key may be a stranger's bytes: what is not printable ASCII becomes '?', in the text too, which is cut at
 * ALERT_TEXT_MAX. Memory in the arena; no more than ALERT_KEYS_MAX of a kind, and then none of that kind counts as over. */
__attribute__((format(printf, 5, 6))) void alert_see(struct alert_view *view, struct arena *a, enum alert_kind kind,
                                                     struct str key, const char *format, ...);

struct alert_times {
    int64_t again_ms; /* 0: never */
    int64_t calm_ms;
};
enum alert_word { ALERT_SAYS_NOTHING, ALERT_RAISED, ALERT_LASTS, ALERT_ENDED };

/* A row that is to be written. */
struct alert_step {
    struct alert row;     /* as it is to be */
    bool is_new;          /* added, not changed */
    enum alert_word word; /* what is told of it in this round */
};
struct alert_step_list {
    struct alert_step *items;
    size_t count;
};
struct alert_past {
    struct alert_list live;           /* alert_list_live */
    int64_t recent[ALERT_KIND_COUNT]; /* told within ALERT_STORM_MS: alert_count_told */
};
/* Steps in the order of kinds, in the arena. */
void alert_judge(const struct alert_past *past, const struct alert_view *view, const struct alert_times *times, int64_t now,
                 struct arena *a, struct alert_step_list *ret);

/* What is told of a round, in words: subject and text of a mail, at most ALERT_LINES of a kind in it. host: ours. */
#define ALERT_LINES 10
void alert_write_mail(const struct alert_step_list *steps, struct str host, struct buf *ret_subject, struct buf *ret_text);
/* The webhook's body: at most `count` rows as they were told last. */
void alert_write_json(const struct alert *rows, size_t count, struct str host, int64_t now, struct buf *out);

#endif
