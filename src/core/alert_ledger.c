/* alert_ledger.c - see alert_ledger.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/alert_ledger.h"

#include "base/map.h"
#include "core/ledger.h"

#include <stdlib.h>

#define MINUTE_MS INT64_C(60000)

struct run {
    enum shape_pause_kind kind;
    int64_t since, until; /* until: of the last pause */
    int64_t resumed_at;   /* 0: it is paused */
    size_t source_at;     /* in key: where the source's name begins */
    struct buf key;       /* site, a blank, source */
    struct buf because;
};
struct alert_ledger {
    struct map *runs; /* by key */
    int64_t after_id;
    bool is_read; /* once */
};

struct alert_ledger *alert_ledger_new(void) {
    struct alert_ledger *l = calloc(1, sizeof *l);
    if (!l) abort();
    l->runs = map_new();
    return l;
}

static void run_free(struct run *run) {
    if (!run) return;
    buf_fini(&run->key);
    buf_fini(&run->because);
    free(run);
}

void alert_ledger_free(struct alert_ledger **place) {
    struct alert_ledger *l = *place;
    size_t cursor = 0;
    struct str key;
    void *run;
    if (!l) return;
    *place = NULL;
    while (map_next(l->runs, &cursor, &key, &run)) run_free(run);
    map_free(&l->runs);
    free(l);
}

static struct run *run_make(struct alert_ledger *l, const struct ledger_entry *e, struct str key) {
    struct run *run = calloc(1, sizeof *run);
    if (!run) abort();
    buf_add_str(&run->key, key);
    run->source_at = e->site.n + 1;
    (void)map_put(l->runs, key, run);
    return run;
}

static void pause(struct alert_ledger *l, struct run *run, const struct ledger_entry *e, struct str key) {
    const struct shape_decision *d = &e->decision;
    bool is_new = !run;
    if (is_new) run = run_make(l, e, key);
    int64_t end = run->resumed_at ? run->resumed_at : run->until;
    bool goes_on = !is_new && run->kind == d->kind && (end == SHAPE_NO_END || d->at - end < ALERT_PROBE_MS);
    if (!goes_on) run->since = d->at;
    run->kind = d->kind;
    run->until = d->to;
    run->resumed_at = 0;
    buf_reset(&run->because);
    buf_add_str(&run->because, d->because);
}

static void take(struct alert_ledger *l, const struct ledger_entry *e) {
    BUF_AUTO key = {0};
    buf_addf(&key, "%.*s %.*s", STR_ARG(e->site), STR_ARG(e->source));
    const struct shape_decision *d = &e->decision;
    struct run *run = map_find(l->runs, buf_str(&key));
    if (e->id > l->after_id) l->after_id = e->id;
    if (d->what == SHAPE_PAUSE) {
        pause(l, run, e, buf_str(&key));
    } else if (run && d->what == SHAPE_RESUME) {
        run->resumed_at = d->at;
    } else if (run && d->what == SHAPE_RAMP && d->to > 1) { /* the probe was answered */
        run_free(map_remove(l->runs, buf_str(&key)));
    }
}

static enum status read_on(const struct alert_look *look, struct alert_ledger *l) {
    struct ledger_list list;
    enum status status = l->is_read ? ledger_find_after(look->db, look->arena, l->after_id, ALERT_LEDGER_MAX, &list)
                                    : ledger_find_held(look->db, look->arena, look->now, &list);
    if (status != STATUS_OK) return status;
    l->is_read = true;
    for (size_t i = 0; i < list.count; i++) take(l, &list.items[i]);
    return STATUS_OK;
}

/* Nobody asked again: there is nothing to ask for. */
static bool is_past(const struct run *run, int64_t now) {
    int64_t end = run->resumed_at ? run->resumed_at : run->until;
    return end != SHAPE_NO_END && now - end >= ALERT_PROBE_MS;
}

/* As mta's session says it, whatever host stands before it. */
static bool is_about_login(struct str site, struct str because) {
    static const struct str words[] = {STR_INIT("refused our login"), STR_INIT("No login without TLS"),
                                       STR_INIT("offers no login")};
    for (size_t i = 0; str_starts(site, STR("relay:")) && i < sizeof words / sizeof words[0]; i++)
        if (str_find_str(because, words[i]) != STR_NONE) return true;
    return false;
}

static void note(const struct alert_look *look, const struct run *run) {
    struct str key = buf_str(&run->key), site = str_sub(key, 0, run->source_at - 1),
               source = str_sub(key, run->source_at, SIZE_MAX);
    struct str because = buf_str(&run->because);
    int64_t site_ms = look->limits->site_ms;
    if (run->kind == SHAPE_BLOCK)
        alert_see(look->view, look->arena, ALERT_BLOCK, key, "%.*s refuses mail from source %.*s: %.*s", STR_ARG(site),
                  STR_ARG(source), STR_ARG(because));
    if (run->kind == SHAPE_MISSING)
        alert_see(look->view, look->arena, ALERT_SOURCE, source, "Nothing is sent from source %.*s: %.*s", STR_ARG(source),
                  STR_ARG(because));
    if (run->kind == SHAPE_UNREACHABLE && is_about_login(site, because))
        alert_see(look->view, look->arena, ALERT_RELAY_LOGIN, site, "Nothing goes out through %.*s: %.*s", STR_ARG(site),
                  STR_ARG(because));
    else if (run->kind == SHAPE_UNREACHABLE && site_ms && look->now - run->since >= site_ms)
        alert_see(look->view, look->arena, ALERT_SITE, site, "No host of %.*s answers, and mail waits for it: %.*s",
                  STR_ARG(site), STR_ARG(because));
}

enum status alert_look_ledger(const struct alert_look *look, struct alert_ledger *l) {
    size_t cursor = 0;
    struct str key;
    void *value;
    enum status status = read_on(look, l);
    if (status != STATUS_OK) return status;
    while (map_next(l->runs, &cursor, &key, &value)) {
        struct run *run = value;
        if (is_past(run, look->now))
            run_free(map_remove(l->runs, key));
        else
            note(look, run);
    }
    look->view->is_looked[ALERT_SITE] = look->view->is_looked[ALERT_BLOCK] = true;
    look->view->is_looked[ALERT_RELAY_LOGIN] = true;
    return STATUS_OK;
}
