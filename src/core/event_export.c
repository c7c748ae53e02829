/* event_export.c - see event_export.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/event_export.h"

#include "core/event_show.h"
#include "proto/csv/csv_write.h"
#include "proto/json/json.h"
#include "store/rollup_read.h"

#define PIECE_BYTES ((size_t)256 << 10)
#define PIECE_MS    50
/* Events of a stretch: some ten milliseconds, more where a condition lets few through. A stretch is a part of a snapshot, which
 * lasts a second at most. */
#define LOOKS       1000
#define LOOKS_LEAST 250
#define LOOKS_MOST  8000
#define LOOKS_MS    500
#define ROWS_FEW    200
#define TOTAL_MAX   1000 /* domains whose events are added up */

/* ---- a line ---- */
/* Of the cells that are in the event's detail: a member, or one inside of it. */
static const struct {
    const char *column;
    struct str member, inner;
} details[] = {
    {"Enhanced", STR_INIT("Reply"), STR_INIT("Enhanced")},
    {"Reply", STR_INIT("Reply"), STR_INIT("Text")},
    {"BounceClass", STR_INIT("Bounce"), STR_INIT("Class")},
    {"MXHost", STR_INIT("MXHost"), {0}},
    {"Link", STR_INIT("Link"), {0}},
    {"IPAddress", STR_INIT("IpAddress"), {0}},
    {"UserAgent", STR_INIT("UserAgent"), {0}},
    {"Client", STR_INIT("Client"), {0}},
    {"Device", STR_INIT("Device"), {0}},
    {"Country", STR_INIT("Country"), {0}},
    {"Bot", STR_INIT("Bot"), {0}},
};
#define DETAIL_COUNT (sizeof details / sizeof details[0])
static const char *const columns[] = {"Time",   "Event",    "MessageID", "From",         "To",         "Subject",
                                      "Domain", "SMTPCode", "EventID",   "SenderDomain", "CampaignID", "Tags"};

static const struct json *object_of(struct arena *arena, struct str text) {
    const struct json *object;
    struct json_error error;
    return text.n > STR("{}").n && json_parse(arena, text, &object, &error) ? object : NULL;
}

static struct str text_of(const struct json *value) {
    if (!value) return STR("");
    if (value->type == JSON_BOOL) return value->boolean ? STR("true") : STR("false");
    return value->type == JSON_STRING || value->type == JSON_NUMBER ? value->text : STR("");
}

static struct str detail_of(const struct json *detail, struct str member, struct str inner) {
    const struct json *value = json_find(detail, member);
    return text_of(inner.n ? json_find(value, inner) : value);
}

/* "welcome, spring" */
static struct str tags_of(struct arena *arena, struct str text) {
    BUF_AUTO out = {0};
    JSON_FOR_EACH (tag, text.n > STR("[]").n ? object_of(arena, text) : NULL) {
        if (out.n) buf_add_z(&out, ", ");
        buf_add_str(&out, text_of(tag));
    }
    return arena_str(arena, buf_str(&out));
}

static struct str uuid_of(struct arena *arena, const struct event_row *row) {
    char text[ID_TEXT_LEN + 1];
    id_format(row->message_uuid, text);
    return arena_str(arena, str_make(text, ID_TEXT_LEN));
}

static void add_csv(struct buf *out, struct arena *arena, struct str domain, const struct event_row *row) {
    const struct json *detail = object_of(arena, row->event.detail);
    BUF_AUTO time = {0};
    time_add_iso_ms(&time, row->event.at);
    const struct str cells[] = {
        buf_str(&time),
        str_from_z(event_noun(row->event.type)),
        uuid_of(arena, row),
        row->sender,
        row->event.recipient,
        row->subject,
        event_recipient_domain(&row->event),
        detail_of(detail, STR("Reply"), STR("Code")),
        arena_strf(arena, "%lld", (long long)row->event.id),
        domain,
        text_of(json_find(object_of(arena, row->metadata), STR("JourneyID"))),
        tags_of(arena, row->tags),
    };
    _Static_assert(sizeof cells / sizeof cells[0] == sizeof columns / sizeof columns[0], "a cell a column");
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) csv_add(out, cells[i], i == 0);
    for (size_t i = 0; i < DETAIL_COUNT; i++) csv_add(out, detail_of(detail, details[i].member, details[i].inner), false);
    csv_end_line(out);
}

static void add_json(struct buf *out, struct arena *arena, struct str domain, const struct event_row *row) {
    struct json_writer w = {.out = out};
    (void)domain;
    event_show(&w, arena, row);
    buf_add_char(out, '\n');
}

/* ---- the walk ---- */
void event_export_begin(const struct event_export *e, struct buf *out) {
    if (e->format != EVENT_EXPORT_CSV) return;
    buf_add_z(out, CSV_BOM);
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) csv_add(out, str_from_z(columns[i]), i == 0);
    for (size_t i = 0; i < DETAIL_COUNT; i++) csv_add(out, str_from_z(details[i].column), false);
    csv_end_line(out);
}

/* Where it is, or the next one; *ret_id 0: there is none. */
static enum status find_domain(struct db *tx, struct arena *arena, const struct event_export *e, int64_t *ret_id,
                               struct str *ret_name) {
    struct rollup_domain_page list;
    int64_t at = e->is_inside ? e->at_domain : e->domain_id;
    enum status status = rollup_domain_page(tx, arena, e->account_id, at ? at - 1 : e->at_domain, 1, &list);
    if (status != STATUS_OK) return status;
    bool is_there = list.count && (!at || list.items[0].id == at);
    *ret_id = is_there ? list.items[0].id : 0;
    if (is_there) *ret_name = list.items[0].name;
    return STATUS_OK;
}

enum status event_export_total(struct db *tx, const struct event_export *e, bool *ret_is_known, int64_t *ret_total) {
    ARENA_AUTO arena = {0};
    struct event_export walk = *e;
    int64_t total = 0, count = 0;
    enum status status = STATUS_OK;
    bool is_known = !e->filter.condition && !e->filter.message_id && !e->is_done;
    for (int domains = 0; is_known && status == STATUS_OK; domains++) {
        struct str name;
        status = find_domain(tx, &arena, &walk, &walk.at_domain, &name);
        if (status != STATUS_OK || !walk.at_domain) break;
        is_known = domains < TOTAL_MAX;
        const struct event_period period = {walk.at_domain, e->filter.from_at,
                                            e->filter.before_at ? e->filter.before_at : INT64_MAX};
        status = rollup_kept(tx, &period, e->filter.types, &count);
        if (status == STATUS_OK) total += count;
        if (e->domain_id) break;
    }
    *ret_is_known = is_known && status == STATUS_OK;
    *ret_total = total;
    return status == STATUS_LIMIT ? STATUS_OK : status; /* too many in an hour that is cut */
}

static void leave_domain(struct event_export *e) {
    e->is_inside = false;
    e->is_done = e->domain_id != 0;
}

static void adapt(struct event_export *e, size_t rows, size_t bytes, int64_t took_ms) {
    if ((took_ms > LOOKS_MS || bytes > PIECE_BYTES) && e->looks > LOOKS_LEAST)
        e->looks /= 2;
    else if (rows < ROWS_FEW && took_ms < PIECE_MS && e->looks < LOOKS_MOST)
        e->looks *= 2;
}

static enum status add_stretch(struct db *tx, struct event_export *e, const struct clock *clock, struct buf *out) {
    static void (*const add[])(struct buf *, struct arena *, struct str,
                               const struct event_row *) = {[EVENT_EXPORT_CSV] = add_csv, [EVENT_EXPORT_NDJSON] = add_json};
    ARENA_AUTO arena = {0};
    struct event_stretch stretch;
    struct str name = {0};
    int64_t id = 0;
    enum status status = find_domain(tx, &arena, e, &id, &name);
    if (status == STATUS_OK && !id) e->is_done = true;
    if (status != STATUS_OK || !id) return status;
    int64_t before = clock_mono_ms(clock);
    size_t length = out->n;
    e->filter.domain_id = id;
    if (!e->looks) e->looks = LOOKS;
    status = event_walk(tx, &arena, &e->filter, e->is_inside ? e->place : EVENT_PLACE_NEWEST, e->looks, &stretch);
    if (status != STATUS_OK) return status;
    int64_t took_ms = clock_mono_ms(clock) - before;
    for (size_t i = 0; i < stretch.rows.count; i++) add[e->format](out, &arena, name, &stretch.rows.items[i]);
    adapt(e, stretch.rows.count, out->n - length, took_ms);
    e->rows += (int64_t)stretch.rows.count;
    e->at_domain = id;
    e->place = stretch.place;
    e->is_inside = true;
    if (stretch.is_last) leave_domain(e);
    return STATUS_OK;
}

enum status event_export_next(struct db *tx, struct event_export *e, const struct clock *clock, struct buf *out) {
    int64_t until = clock_mono_ms(clock) + PIECE_MS;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && !e->is_done && out->n < PIECE_BYTES && clock_mono_ms(clock) < until)
        status = add_stretch(tx, e, clock, out);
    return status;
}
