/* alert.c - see alert.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/alert.h"

#include "base/clock.h"
#include "proto/json/json_write.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const struct alert_facts *alert_facts(enum alert_kind kind) {
    static const struct alert_facts facts[ALERT_KIND_COUNT] = {
        [ALERT_TEST] = {"test", "Test", "It is a test, and over at once.", true},
        [ALERT_QUEUE_AGE] = {"queue-age", "Mail is late", "Nothing waits behind its time any more.", false},
        [ALERT_SITE] = {"site", "Failing site", "A host of the site answers, or no mail for it is left.", false},
        [ALERT_BLOCK] = {"block", "Blocked address", "The pause is over and they take mail from this address.", false},
        [ALERT_SOURCE] = {"source", "Source out of use", "The address works again.", false},
        [ALERT_RELAY_LOGIN] = {"relay-login", "Relay refuses our login", "It lets us in.", false},
        [ALERT_DISK] = {"disk", "Disk nearly full", "There is room again.", false},
        [ALERT_CERTIFICATE] = {"certificate", "Certificate", "The file holds one that lasts.", true},
        [ALERT_DOMAIN_RECORDS] = {"domain-records", "Records of a sender domain",
                                  "A later look finds them right, or the domain is deleted.", true},
        [ALERT_BOUNCES] = {"bounces", "Too many bounces", "The rate of the last day is below the limit.", false},
        [ALERT_COMPLAINTS] = {"complaints", "Too many complaints", "The rate of the last day is below the limit.", false},
        [ALERT_FEED] = {"feed", "Feed of events", "It has taken what waited.", true},
    };
    return &facts[kind];
}

/* ---- a view ---- */
static struct str printable(struct arena *a, struct str text) {
    if (text.n > ALERT_TEXT_MAX) text.n = ALERT_TEXT_MAX;
    char *copy = arena_alloc(a, text.n + 1);
    for (size_t i = 0; i < text.n; i++) copy[i] = text.p[i] >= ' ' && text.p[i] < 0x7f ? text.p[i] : '?';
    return str_make(copy, text.n);
}

static void grow(struct alert_view *view, struct arena *a) {
    size_t cap = view->cap ? view->cap * 2 : 16;
    struct alert_sighting *items = arena_array(a, cap, sizeof *items);
    if (view->count) memcpy(items, view->items, view->count * sizeof *items);
    view->items = items;
    view->cap = cap;
}

static const struct alert_sighting *find(const struct alert_view *view, enum alert_kind kind, struct str key) {
    for (size_t i = 0; i < view->count; i++)
        if (view->items[i].kind == kind && str_eq(view->items[i].key, key)) return &view->items[i];
    return NULL;
}

void alert_see(struct alert_view *view, struct arena *a, enum alert_kind kind, struct str key, const char *format, ...) {
    char text[ALERT_TEXT_MAX + 1];
    va_list args;
    key = printable(a, key);
    if (find(view, kind, key) || view->counts[kind]++ >= ALERT_KEYS_MAX) return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (view->count == view->cap) grow(view, a);
    view->items[view->count++] = (struct alert_sighting){kind, key, printable(a, str_from_z(text))};
}

/* ---- judging ---- */
/* As it was told last. */
static enum alert_word word_of(const struct alert *row) {
    if (row->told == ALERT_TOLD_ENDED) return ALERT_ENDED;
    if (row->told_count == 0) return ALERT_SAYS_NOTHING;
    return row->told_count == 1 ? ALERT_RAISED : ALERT_LASTS;
}

static const char *word_text(enum alert_word word) {
    static const char *const texts[] = {"", "raised", "lasts", "ended"};
    return texts[word];
}

/* Does it last, is it quiet, is it over? True: the row changed. */
static bool follow(struct alert *row, const struct alert_view *view, const struct alert_times *times, int64_t now) {
    const struct alert_sighting *seen = find(view, row->kind, row->key);
    bool is_complete = view->is_looked[row->kind] && view->counts[row->kind] <= ALERT_KEYS_MAX;
    if (row->cleared_at || (row->kind == ALERT_TEST && row->told == ALERT_UNTOLD)) return false;
    if (seen) {
        bool is_changed = row->quiet_at || !str_eq(row->text, seen->text);
        row->quiet_at = 0;
        row->text = seen->text;
        return is_changed;
    }
    if (!is_complete) return false;
    bool is_changed = row->quiet_at == 0;
    if (is_changed) row->quiet_at = now;
    if (alert_facts(row->kind)->is_calm || now - row->quiet_at >= times->calm_ms) row->cleared_at = now;
    return is_changed || row->cleared_at;
}

/* What should be told of it now. */
static enum alert_word wish(const struct alert *row, const struct alert_times *times, int64_t now) {
    if (row->cleared_at) return row->told == ALERT_TOLD_RAISED && row->kind != ALERT_TEST ? ALERT_ENDED : ALERT_SAYS_NOTHING;
    if (row->told == ALERT_UNTOLD) return ALERT_RAISED;
    bool is_due = times->again_ms && row->quiet_at == 0 && now - row->told_at >= times->again_ms;
    return is_due ? ALERT_LASTS : ALERT_SAYS_NOTHING;
}

static void tell(struct alert_step *step, int64_t now) {
    step->row.told = step->word == ALERT_ENDED ? ALERT_TOLD_ENDED : ALERT_TOLD_RAISED;
    step->row.told_at = now;
    step->row.told_count++;
}

/* A row's step, kept when it says or changes something. */
static void add_step(struct alert_step_list *list, const struct alert_past *past, struct alert_step step, bool is_changed,
                     int64_t now) {
    if (past->recent[step.row.kind] >= ALERT_STORM) step.word = ALERT_SAYS_NOTHING;
    if (step.word != ALERT_SAYS_NOTHING) tell(&step, now);
    if (step.row.cleared_at && step.row.kind == ALERT_TEST) step.row.told = ALERT_TOLD_ENDED; /* nobody waits for that word */
    if (step.is_new || is_changed || step.word != ALERT_SAYS_NOTHING) list->items[list->count++] = step;
}

static bool is_open(const struct alert_list *live, const struct alert_sighting *seen) {
    for (size_t i = 0; i < live->count; i++) {
        const struct alert *row = &live->items[i];
        if (row->cleared_at == 0 && row->kind == seen->kind && str_eq(row->key, seen->key)) return true;
    }
    return false;
}

static void judge_kind(enum alert_kind kind, const struct alert_past *past, const struct alert_view *view,
                       const struct alert_times *times, int64_t now, struct alert_step_list *list) {
    for (size_t i = 0; i < past->live.count; i++) {
        struct alert_step step = {.row = past->live.items[i]};
        if (step.row.kind != kind) continue;
        bool is_changed = follow(&step.row, view, times, now);
        step.word = wish(&step.row, times, now);
        add_step(list, past, step, is_changed, now);
    }
    for (size_t i = 0; i < view->count; i++) {
        const struct alert_sighting *seen = &view->items[i];
        if (seen->kind != kind || is_open(&past->live, seen)) continue;
        struct alert_step step = {.is_new = true, .word = ALERT_RAISED};
        step.row = (struct alert){.kind = kind, .key = seen->key, .text = seen->text, .raised_at = now};
        add_step(list, past, step, true, now);
    }
}

void alert_judge(const struct alert_past *past, const struct alert_view *view, const struct alert_times *times, int64_t now,
                 struct arena *a, struct alert_step_list *ret) {
    struct alert_step_list list = {.items = arena_array(a, past->live.count + view->count + 1, sizeof *list.items)};
    for (int kind = 0; kind < ALERT_KIND_COUNT; kind++) judge_kind((enum alert_kind)kind, past, view, times, now, &list);
    *ret = list;
}

/* ---- words ---- */
static size_t count_word(const struct alert_step_list *steps, enum alert_word word) {
    size_t count = 0;
    for (size_t i = 0; i < steps->count; i++) count += steps->items[i].word == word;
    return count;
}

static const struct alert_step *first_told(const struct alert_step_list *steps) {
    for (size_t i = 0; i < steps->count; i++)
        if (steps->items[i].word != ALERT_SAYS_NOTHING) return &steps->items[i];
    return NULL;
}

static void write_subject(const struct alert_step_list *steps, struct str host, struct buf *out) {
    static const char *const heads[] = {"", "Alert", "Still", "Over"};
    const struct alert_step *first = first_told(steps);
    buf_addf(out, "[Posthorn %.*s] ", STR_ARG(host));
    size_t raised = count_word(steps, ALERT_RAISED), lasts = count_word(steps, ALERT_LASTS),
           ended = count_word(steps, ALERT_ENDED);
    if (raised + lasts + ended == 1) {
        buf_addf(out, "%s: %s", heads[first->word], alert_facts(first->row.kind)->title);
        if (first->row.key.n) buf_addf(out, ": %.*s", STR_ARG(str_sub(first->row.key, 0, 100)));
        return;
    }
    const struct {
        size_t count;
        const char *what;
    } parts[] = {{raised, "new"}, {lasts, "still there"}, {ended, "over"}};
    buf_add_z(out, "Alerts: ");
    const char *between = "";
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (parts[i].count == 0) continue;
        buf_addf(out, "%s%zu %s", between, parts[i].count, parts[i].what);
        between = ", ";
    }
}

/* One kind's lines with one word. */
static void write_lines(const struct alert_step_list *steps, enum alert_kind kind, enum alert_word word, struct buf *out) {
    static const char *const heads[] = {"", "", " (still)", " (over)"};
    size_t count = 0;
    for (size_t i = 0; i < steps->count; i++) {
        const struct alert_step *step = &steps->items[i];
        if (step->row.kind != kind || step->word != word) continue;
        if (count == 0) buf_addf(out, "%s%s\n", alert_facts(kind)->title, heads[word]);
        if (++count > ALERT_LINES) continue;
        buf_add_z(out, "  ");
        buf_add_str(out, step->row.text);
        buf_add_z(out, "\n    since ");
        time_add_sql(out, step->row.raised_at);
        if (word == ALERT_ENDED) {
            buf_add_z(out, ", until ");
            time_add_sql(out, step->row.quiet_at);
        }
        buf_add_z(out, " UTC\n");
    }
    if (count > ALERT_LINES) buf_addf(out, "  and %zu more: posthorn alerts list\n", count - ALERT_LINES);
    if (count && word == ALERT_RAISED) buf_addf(out, "  It is over when: %s\n", alert_facts(kind)->over);
    if (count) buf_add_char(out, '\n');
}

void alert_write_mail(const struct alert_step_list *steps, struct str host, struct buf *ret_subject, struct buf *ret_text) {
    write_subject(steps, host, ret_subject);
    for (int word = ALERT_RAISED; word <= ALERT_ENDED; word++)
        for (int kind = 0; kind < ALERT_KIND_COUNT; kind++)
            write_lines(steps, (enum alert_kind)kind, (enum alert_word)word, ret_text);
    buf_addf(ret_text, "Posthorn on %.*s. All that is open: posthorn alerts list\n", STR_ARG(host));
}

void alert_write_json(const struct alert *rows, size_t count, struct str host, int64_t now, struct buf *out) {
    struct json_writer w = {.out = out};
    json_open_object(&w);
    json_add_z(&w, STR("type"), "posthorn.alerts");
    json_add_str(&w, STR("host"), host);
    json_add_iso_time(&w, STR("at"), now);
    json_add_array(&w, STR("alerts"));
    for (size_t i = 0; i < count; i++) {
        const struct alert *row = &rows[i];
        json_open_object(&w);
        json_add_i64(&w, STR("id"), row->id);
        json_add_z(&w, STR("kind"), alert_facts(row->kind)->name);
        json_add_str(&w, STR("key"), row->key);
        json_add_z(&w, STR("state"), word_text(word_of(row)));
        json_add_str(&w, STR("text"), row->text);
        json_add_iso_time(&w, STR("raised_at"), row->raised_at);
        if (row->cleared_at) json_add_iso_time(&w, STR("ended_at"), row->cleared_at);
        json_close_object(&w);
    }
    json_close_array(&w);
    json_close_object(&w);
}
