/* operator_sites.c - sites and sources as deliveries see them just now, the operator's pauses, and the ledger of decisions.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/operator_sites.h"

#include "api/live_ask.h"
#include "api/operator_filter.h"

#define DECISIONS_DEFAULT 50
#define LIMITS_SHOWN      5 /* connectors in a site's Limits; Connectors has all */

struct asking {
    struct live_ask_state live;
};

static void cleanup(struct call *c) {
    live_ask_end(&((struct asking *)c->state)->live);
}

static struct live_question *question_of(struct call *c) {
    struct asking *s = ARENA_NEW(c->arena, struct asking);
    c->state = s;
    c->cleanup = cleanup;
    return &s->live.question;
}

static enum status ask(struct call *c) {
    return live_ask_begin(&((struct asking *)c->state)->live, c);
}

static const struct live_question *answer_of(const struct call *c) {
    return &((const struct asking *)c->state)->live.question;
}

static void add_until(struct json_writer *w, struct str key, int64_t until) {
    if (until == SHAPE_NO_END)
        json_add_z(w, key, "until resumed");
    else
        json_add_iso_time(w, key, until);
}

/* ---- sites ---- */
static void write_connector(struct json_writer *w, const struct live_connector *k) {
    json_open_object(w);
    json_add_str(w, STR("Source"), k->source);
    json_add_i64(w, STR("Connections"), (int64_t)k->connections);
    json_add_i64(w, STR("ConnectionsLimit"), (int64_t)k->view.limits.connections);
    json_add_i64(w, STR("ConnectionsCeiling"), (int64_t)k->view.ceiling.connections);
    json_add_i64(w, STR("PerMinuteLimit"), k->view.limits.per_minute);
    json_add_i64(w, STR("PerMinuteCeiling"), k->view.ceiling.per_minute);
    json_add_i64(w, STR("LastMinute"), k->view.last_minute);
    json_add_i64(w, STR("RampPerMinute"), k->view.ramp_per_minute);
    json_add_str(w, STR("Paused"), shape_kind_name(k->view.pause.kind));
    add_until(w, STR("PausedUntil"), k->view.pause.kind == SHAPE_NOT_PAUSED ? 0 : k->view.pause.until);
    json_add_str(w, STR("Because"), k->view.pause.because);
    json_close_object(w);
}

/* Those of its connectors that may do less than their row allows: "a: 10 of 20 connections, 60 a minute; b: block until ...". */
static void write_limits(struct json_writer *w, const struct live_site *site) {
    BUF_AUTO out = {0};
    size_t count = 0;
    for (size_t i = 0; i < site->connector_count; i++) {
        const struct shape_view *v = &site->connectors[i].view;
        bool is_paused = v->pause.kind != SHAPE_NOT_PAUSED;
        bool is_full = v->limits.connections >= v->ceiling.connections && v->limits.per_minute == v->ceiling.per_minute;
        if ((is_full && !is_paused) || count++ >= LIMITS_SHOWN) continue;
        buf_addf(&out, "%s%.*s: ", out.n ? "; " : "", STR_ARG(site->connectors[i].source));
        if (is_paused) {
            buf_addf(&out, "%.*s until ", STR_ARG(shape_kind_name(v->pause.kind)));
            if (v->pause.until == SHAPE_NO_END)
                buf_add_z(&out, "resumed");
            else
                time_add_sql(&out, v->pause.until);
        } else {
            buf_addf(&out, "%zu of %zu connections", v->limits.connections, v->ceiling.connections);
            if (v->limits.per_minute) buf_addf(&out, ", %lld a minute", (long long)v->limits.per_minute);
        }
    }
    if (count > LIMITS_SHOWN) buf_addf(&out, "; %zu more", count - LIMITS_SHOWN);
    json_add_str(w, STR("Limits"), buf_str(&out));
}

void operator_write_site(struct json_writer *w, const struct live_site *site) {
    json_add_str(w, STR("Name"), site->name);
    json_add_z(w, STR("State"), site->parked_until ? "paused" : site->in_flight ? "delivering" : "idle");
    json_add_i64(w, STR("Domains"), (int64_t)site->domains);
    json_add_i64(w, STR("InMemory"), (int64_t)site->waiting);
    json_add_i64(w, STR("InFlight"), (int64_t)site->in_flight);
    json_add_i64(w, STR("Connections"), (int64_t)site->connections);
    json_add_i64(w, STR("LastMinute"), site->last_minute);
    json_add_i64(w, STR("Delivered"), site->delivered);
    json_add_i64(w, STR("Deferred"), site->deferred);
    json_add_i64(w, STR("Bounced"), site->bounced);
    add_until(w, STR("PausedUntil"), site->parked_until);
    json_add_str(w, STR("Because"), site->because);
    write_limits(w, site);
    json_add_str(w, STR("LastReply"), site->last_reply);
    json_add_iso_time(w, STR("LastReplyAt"), site->last_reply_at);
    json_add_array(w, STR("Connectors"));
    for (size_t i = 0; i < site->connector_count; i++) write_connector(w, &site->connectors[i]);
    json_close_array(w);
}

enum status operator_sites_ask(struct call *c, struct db *db) {
    (void)db;
    *question_of(c) = (struct live_question){
        .what = LIVE_SITES, .name = call_text(c, "Name", (struct str){0}), .is_all = call_number(c, "All", 0) != 0};
    return ask(c);
}

enum status operator_sites_answer(struct call *c, struct db *db) {
    (void)db;
    const struct live_question *q = answer_of(c);
    if (call_arg(c, "Name")->is_given && q->site_count == 0) return call_refuse(c, 1);
    struct json_writer *w = call_open(c);
    add_until(w, STR("PausedUntil"), q->paused_until);
    json_add_str(w, STR("Because"), q->paused_because);
    json_add_bool(w, STR("HasMore"), q->is_more);
    json_add_array(w, STR("Sites"));
    for (size_t i = 0; i < q->site_count; i++) {
        json_open_object(w);
        operator_write_site(w, &q->sites[i]);
        json_close_object(w);
    }
    json_close_array(w);
    return call_close(c);
}

/* ---- sources ---- */
static void write_warmups(struct json_writer *w, const struct live_source *source) {
    json_add_array(w, STR("WarmUp"));
    for (size_t i = 0; i < source->warmup_count; i++) {
        json_open_object(w);
        json_add_str(w, STR("Provider"), source->warmups[i].provider.n ? source->warmups[i].provider : STR("(others)"));
        json_add_i64(w, STR("SentToday"), source->warmups[i].sent);
        json_add_i64(w, STR("Ceiling"), source->warmups[i].ceiling);
        json_close_object(w);
    }
    json_close_array(w);
}

enum status operator_sources_ask(struct call *c, struct db *db) {
    (void)db;
    *question_of(c) = (struct live_question){.what = LIVE_SOURCES};
    return ask(c);
}

enum status operator_sources_answer(struct call *c, struct db *db) {
    (void)db;
    const struct live_question *q = answer_of(c);
    struct json_writer *w = call_open(c);
    json_add_array(w, STR("Sources"));
    for (size_t i = 0; i < q->source_count; i++) {
        const struct live_source *source = &q->sources[i];
        json_open_object(w);
        json_add_str(w, STR("Name"), source->name);
        json_add_str(w, STR("Address"), source->address);
        json_add_str(w, STR("Hostname"), source->hostname);
        json_add_str(w, STR("Pools"), source->pools);
        json_add_i64(w, STR("Weight"), source->weight);
        json_add_i64(w, STR("Connections"), (int64_t)source->connections);
        json_add_i64(w, STR("PausedSites"), (int64_t)source->paused_sites);
        add_until(w, STR("PausedUntil"), source->paused_until);
        json_add_str(w, STR("Because"), source->because);
        write_warmups(w, source);
        json_close_object(w);
    }
    json_close_array(w);
    return call_close(c);
}

/* ---- pauses ---- */
static bool is_resume(const struct call *c) {
    return str_ends(str_from_z(c->op->name), STR("Resume"));
}

static enum live_pause_kind kind_of(const struct call *c) {
    struct str name = str_from_z(c->op->name);
    if (str_find_str(name, STR("Site")) != STR_NONE) return LIVE_PAUSE_SITE;
    return str_find_str(name, STR("Source")) != STR_NONE ? LIVE_PAUSE_SOURCE : LIVE_PAUSE_ALL;
}

enum status operator_pause_ask(struct call *c, struct db *db) {
    (void)db;
    struct live_question *q = question_of(c);
    *q = (struct live_question){.what = is_resume(c) ? LIVE_RESUME : LIVE_PAUSE, .kind = kind_of(c), .until = SHAPE_NO_END};
    if (q->kind != LIVE_PAUSE_ALL) q->name = call_text(c, "Name", (struct str){0});
    if (q->what == LIVE_PAUSE) {
        const struct arg *length = call_arg(c, "For");
        int64_t ms = 0;
        if (length->is_given && !operator_duration(length->text, &ms))
            return call_refuse_say(c, STR("For"), "For must be a number with s, m, h or d behind it, such as 2h");
        if (length->is_given) q->until = c->now + ms;
        q->because = call_text(c, "Because", STR("paused by the operator"));
    }
    return ask(c);
}

enum status operator_pause_store(struct call *c, struct db *db) {
    const struct live_question *q = answer_of(c);
    bool is_kept = q->is_found || !c->api->live_ask; /* without deliveries the next ones obey it */
    if (!is_kept) return call_refuse(c, 1);
    struct pause pause = {.kind = q->kind,
                          .name = q->site_count ? q->sites[0].name : q->name,
                          .until = q->until,
                          .because = q->because,
                          .created_at = c->now};
    enum status status = q->what == LIVE_PAUSE ? pause_put(db, &pause) : pause_delete(db, pause.kind, pause.name);
    if (status == STATUS_NOT_FOUND && q->is_found) status = STATUS_OK; /* a pause that deliveries made ends too */
    if (status == STATUS_NOT_FOUND) return call_refuse(c, 1);
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    json_add_str(w, STR("Name"), pause.name);
    add_until(w, STR("PausedUntil"), q->what == LIVE_PAUSE ? q->until : 0);
    return call_close(c);
}

enum status operator_pause_list(struct call *c, struct db *db) {
    static const char *const kinds[] = {"all", "site", "source"};
    struct pause_list list;
    enum status status = pause_find_all(db, c->arena, c->now, &list);
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    json_add_array(w, STR("Pauses"));
    for (size_t i = 0; i < list.count; i++) {
        const struct pause *p = &list.items[i];
        json_open_object(w);
        json_add_z(w, STR("Kind"), kinds[p->kind]);
        json_add_str(w, STR("Name"), p->name);
        add_until(w, STR("PausedUntil"), p->until);
        json_add_str(w, STR("Because"), p->because);
        json_add_iso_time(w, STR("CreatedAt"), p->created_at);
        json_close_object(w);
    }
    json_close_array(w);
    return call_close(c);
}

/* ---- decisions ---- */
static void add_value(struct json_writer *w, struct str key, const struct shape_decision *d, int64_t value) {
    BUF_AUTO text = {0};
    ledger_add_value(&text, d->what, value);
    json_add_str(w, key, buf_str(&text));
}

void operator_write_decision(struct json_writer *w, const struct ledger_entry *entry) {
    const struct shape_decision *d = &entry->decision;
    json_open_object(w);
    json_add_i64(w, STR("ID"), entry->id);
    json_add_iso_time(w, STR("At"), d->at);
    json_add_str(w, STR("Site"), entry->site);
    json_add_str(w, STR("Source"), entry->source);
    json_add_str(w, STR("What"), shape_what_name(d->what));
    json_add_str(w, STR("Kind"), shape_kind_name(d->kind));
    add_value(w, STR("From"), d, d->from);
    add_value(w, STR("To"), d, d->to);
    json_add_str(w, STR("Because"), d->because);
    json_close_object(w);
}

enum status operator_decisions(struct call *c, struct db *db) {
    struct ledger_list list;
    struct ledger_query query = {.site = call_text(c, "Site", (struct str){0}),
                                 .source = call_text(c, "Source", (struct str){0}),
                                 .before_id = call_number(c, "BeforeID", 0),
                                 .limit = call_number(c, "Limit", DECISIONS_DEFAULT)};
    enum status status = ledger_find(db, c->arena, &query, &list);
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    json_add_array(w, STR("Decisions"));
    for (size_t i = 0; i < list.count; i++) operator_write_decision(w, &list.items[i]);
    json_close_array(w);
    return call_close(c);
}
