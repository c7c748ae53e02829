/* event_export.c - see event_export.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/event_export.h"

#include "core/event_show.h"
#include "proto/csv/csv_write.h"
#include "proto/json/json.h"
#include "store/domains.h"
#include "store/rollup_read.h"

#define PIECE_BYTES ((size_t)256 << 10)
#define PIECE_MS    100
#define LOOKS       1000 /* events of a stretch: some ten milliseconds */

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

enum status event_export_domains(struct db *tx, struct arena *arena, struct event_export *e) {
    struct rollup_domain_list list;
    enum status status = rollup_domain_list(tx, arena, e->account_id, &list);
    if (status != STATUS_OK) return status;
    e->domain_ids = list.items;
    e->domain_count = list.count;
    return STATUS_OK;
}

enum status event_export_total(struct db *tx, const struct event_export *e, bool *ret_is_known, int64_t *ret_total) {
    enum status status = STATUS_OK;
    int64_t total = 0;
    *ret_is_known = false;
    if (e->filter.condition || e->filter.message_id) return STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < e->domain_count; i++) {
        int64_t count = 0;
        const struct event_period period = {e->domain_ids[i], e->filter.from_at,
                                            e->filter.before_at ? e->filter.before_at : INT64_MAX};
        status = rollup_kept(tx, &period, e->filter.types, &count);
        total += count;
    }
    *ret_is_known = status == STATUS_OK;
    *ret_total = total;
    return status == STATUS_LIMIT ? STATUS_OK : status; /* too many in an hour that is cut */
}

/* "": it was deleted. */
static enum status name_of(struct db *tx, struct arena *arena, const struct event_export *e, struct str *ret) {
    struct domain domain = {0};
    enum status status = domain_get(tx, arena, e->account_id, e->domain_ids[e->domain], &domain);
    *ret = status == STATUS_OK ? domain.name : STR("");
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status add_stretch(struct db *tx, struct event_export *e, struct buf *out) {
    static void (*const add[])(struct buf *, struct arena *, struct str,
                               const struct event_row *) = {[EVENT_EXPORT_CSV] = add_csv, [EVENT_EXPORT_NDJSON] = add_json};
    ARENA_AUTO arena = {0};
    struct event_stretch stretch;
    struct str domain = {0};
    if (!e->is_inside) e->place = EVENT_PLACE_NEWEST;
    e->is_inside = true;
    e->filter.domain_id = e->domain_ids[e->domain];
    enum status status = name_of(tx, &arena, e, &domain);
    if (status == STATUS_OK) status = event_walk(tx, &arena, &e->filter, e->place, LOOKS, &stretch);
    if (status != STATUS_OK) return status;
    for (size_t i = 0; i < stretch.rows.count; i++) add[e->format](out, &arena, domain, &stretch.rows.items[i]);
    e->rows += (int64_t)stretch.rows.count;
    e->place = stretch.place;
    if (!stretch.is_last) return STATUS_OK;
    e->is_inside = false;
    e->domain++;
    return STATUS_OK;
}

enum status event_export_next(struct db *tx, struct event_export *e, const struct clock *clock, struct buf *out) {
    int64_t until = clock_mono_ms(clock) + PIECE_MS;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && e->domain < e->domain_count && out->n < PIECE_BYTES && clock_mono_ms(clock) < until)
        status = add_stretch(tx, e, out);
    if (status == STATUS_OK) e->is_done = e->domain == e->domain_count;
    return status;
}
