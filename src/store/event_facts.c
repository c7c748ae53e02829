/* event_facts.c - one table of columns, spelled for both engines.
 *
 * Here and not as views of the schema, for SQLite does not let a view call JSON functions unless it trusts the whole schema.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/event_facts.h"

#include "db/db.h"

/* A text is a column as it is, or the member of a JSON object, or of an object in there. */
static const struct {
    const char *name, *column, *member, *inner;
} texts[] = {
    {"recipient", "e.recipient", NULL, NULL},
    {"recipient_domain", "e.recipient_domain", NULL, NULL},
    {"sender", "m.sender", NULL, NULL},
    {"subject", "m.subject", NULL, NULL},
    {"rfc_message_id", "m.rfc_message_id", NULL, NULL},
    {"journey_id", "m.metadata", "JourneyID", NULL},
    {"action_id", "m.metadata", "ActionID", NULL},
    {"list_id", "m.metadata", "ListID", NULL},
    {"subscriber_id", "m.metadata", "SubscriberID", NULL},
    {"link", "e.detail", "Link", NULL},
    {"bounce_class", "e.detail", "Bounce", "Class"},
    {"bounce_hard", "e.detail", "Bounce", "Hard"}, /* "1" or "true", as the engine spells it */
    {"bounce_fault", "e.detail", "Bounce", "Fault"},
    {"smtp_code", "CASE WHEN e.smtp_code = 0 THEN '' ELSE CAST(e.smtp_code AS TEXT) END", NULL, NULL},
    {"enhanced", "e.detail", "Reply", "Enhanced"},
    {"mx_host", "e.mx_host", NULL, NULL},
    {"country", "e.country", NULL, NULL},
    {"device", "e.device", NULL, NULL},
    {"user_agent", "e.user_agent", NULL, NULL},
    {"client", "e.client", NULL, NULL},
    {"ip", "e.ip", NULL, NULL},
    /* Did a machine open or click? "" of what machines do not do. */
    {"bot", "CASE WHEN e.type NOT IN (7, 8) THEN '' WHEN e.is_machine = 1 THEN 'true' ELSE 'false' END", NULL, NULL},
};

/* What stands around a JSON text, a path in it and between its steps; bytes as hexadecimal digits; the items of the messages'
 * tags; how texts compare; and what an event's recipient is compared with, word by word. */
struct dialect {
    const char *json, *path, *step, *end;
    const char *hex, *items, *bytewise, *words;
};
static const struct dialect sqlite = {
    .json = "CAST(json_extract(",
    .path = ", '$.",
    .step = ".",
    .end = "') AS TEXT)",
    .hex = "lower(hex(m.uuid))",
    .items = "json_each(m.tags) t",
    .bytewise = "",
    .words = "' ' || lower(e.recipient) || ' '",
};
static const struct dialect pgsql = {
    .json = "(CAST(",
    .path = " AS json) #>> '{",
    .step = ",",
    .end = "}')",
    .hex = "encode(m.uuid, 'hex')",
    .items = "LATERAL json_array_elements_text(CAST(m.tags AS json)) AS t(value)",
    .bytewise = " COLLATE \"C\"",
    .words = "' ' || translate(lower(e.recipient COLLATE \"C\"), '!\"#$%&''()*+,-./:;<=>?@[\\]^_`{|}~', '                        "
             "        ') || ' '",
};

static void add_text(struct buf *sql, const struct dialect *d, const char *value, const char *name) {
    buf_addf(sql, ", COALESCE(%s, '')%s AS %s", value, d->bytewise, name);
}

enum whose { OF_EVENTS = 1, OF_MESSAGES = 2 };

static void add_texts(struct buf *sql, const struct dialect *d, unsigned whose) {
    BUF_AUTO value = {0};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        bool is_of_message = str_starts(str_from_z(texts[i].column), STR("m."));
        if (!(whose & (is_of_message ? OF_MESSAGES : OF_EVENTS))) continue;
        buf_reset(&value);
        if (texts[i].member) {
            buf_addf(&value, "%s%s%s%s", d->json, texts[i].column, d->path, texts[i].member);
            if (texts[i].inner) buf_addf(&value, "%s%s", d->step, texts[i].inner);
            buf_add_z(&value, d->end);
        } else {
            buf_add_z(&value, texts[i].column);
        }
        buf_add_char(&value, '\0');
        add_text(sql, d, value.p, texts[i].name);
    }
}

#define COLUMNS "e.id, e.at, e.type, e.is_first, e.is_machine, e.account_id, e.domain_id, e.message_id, e.recipient_id, e.detail"
/* "NOT MATERIALIZED": as if it were written where it is used, however often that is. */
void event_facts_add(struct buf *sql, const struct db *db) {
    const struct dialect *d = db_is_sqlite(db) ? &sqlite : &pgsql;
    buf_add_z(sql, "WITH event_rows AS NOT MATERIALIZED (SELECT " COLUMNS);
    add_texts(sql, d, OF_EVENTS);
    buf_addf(sql,
             ", %s AS recipient_words FROM events e), event_facts AS NOT MATERIALIZED (SELECT " COLUMNS
             ", m.uuid, m.tags, m.metadata",
             d->words);
    add_texts(sql, d, OF_EVENTS | OF_MESSAGES);
    add_text(sql, d, d->hex, "message_hex");
    buf_addf(sql,
             ", %s AS recipient_words FROM events e LEFT JOIN messages m ON m.id = e.message_id), event_tags AS "
             "NOT MATERIALIZED (SELECT m.id AS message_id",
             d->words);
    add_text(sql, d, "t.value", "tag");
    buf_addf(sql, " FROM messages m, %s) ", d->items);
}

void event_messages_add(struct buf *sql, const struct db *db) {
    buf_add_z(sql, "WITH event_messages AS NOT MATERIALIZED (SELECT m.id, m.domain_id");
    add_texts(sql, db_is_sqlite(db) ? &sqlite : &pgsql, OF_MESSAGES);
    buf_addf(sql, " FROM messages m%s) ", db_is_sqlite(db) ? " INDEXED BY messages_by_domain" : "");
}
