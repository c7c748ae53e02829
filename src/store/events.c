/* events.c - what happened, for the sender.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/events.h"

#include "store/rows.h"

static const struct {
    const char *noun, *participle;
} names[EVENT_TYPE_COUNT] = {
    [EVENT_SEND] = {"send", "accepted"},
    [EVENT_DEFERRED] = {"deferred", "deferred"},
    [EVENT_DELIVERY] = {"delivery", "delivered"},
    [EVENT_BOUNCE] = {"bounce", "bounced"},
    [EVENT_FAILED] = {"failed", "failed"},
    [EVENT_SUPPRESSED] = {"suppressed", "suppressed"},
    [EVENT_OPEN] = {"open", "opened"},
    [EVENT_CLICK] = {"click", "clicked"},
    [EVENT_UNSUBSCRIBE] = {"unsubscribe", "unsubscribed"},
    [EVENT_COMPLAINT] = {"complaint", "complained"},
};

const char *event_noun(enum event_type type) {
    return type >= EVENT_SEND && type < EVENT_TYPE_COUNT ? names[type].noun : "unknown";
}

bool event_type_parse(struct str name, enum event_type *ret) {
    for (int i = EVENT_SEND; i < EVENT_TYPE_COUNT; i++) {
        if (str_eq_nocase(name, str_from_z(names[i].noun)) || str_eq_nocase(name, str_from_z(names[i].participle))) {
            *ret = (enum event_type)i;
            return true;
        }
    }
    return false;
}

enum status event_record(struct db *tx, const struct event *event, int64_t *ret_id) {
    struct stmt *s = db_stmt(tx, "INSERT INTO events (at, type, account_id, domain_id, message_id, recipient_id, recipient, "
                                 "detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) RETURNING id");
    stmt_bind_int(s, 1, event->at);
    stmt_bind_int(s, 2, event->type);
    stmt_bind_int(s, 3, event->account_id);
    stmt_bind_int(s, 4, event->domain_id);
    stmt_bind_int(s, 5, event->message_id);
    stmt_bind_int(s, 6, event->recipient_id);
    stmt_bind_text(s, 7, event->recipient);
    stmt_bind_text(s, 8, event->detail);
    return row_insert(s, ret_id);
}

static void event_fill(struct stmt *s, struct arena *a, void *item) {
    *(struct event_row *)item = (struct event_row){
        .event =
            {
                .id = stmt_int(s, 0),
                .at = stmt_int(s, 1),
                .type = (enum event_type)stmt_int(s, 2),
                .account_id = stmt_int(s, 3),
                .domain_id = stmt_int(s, 4),
                .message_id = stmt_int(s, 5),
                .recipient_id = stmt_int(s, 6),
                .recipient = row_text(s, a, 7),
                .detail = row_text(s, a, 8),
            },
        .message_uuid = row_uuid(s, 9),
        .sender = row_text(s, a, 10),
        .subject = row_text(s, a, 11),
        .tags = row_text(s, a, 12),
        .metadata = row_text(s, a, 13),
    };
}

/* Whole domain: by the domain's index. One message: by the message's, for its events are few; the "+" keep the engine off the
 * domain's. */
#define EVENT_TYPE_MATCHES "(?4 = 0 OR (?4 & (CAST(1 AS BIGINT) << CAST(e.type AS INTEGER))) <> 0) "
#define OF_DOMAIN          " WHERE e.domain_id = ?1 AND e.at >= ?2 AND e.at < ?3 AND " EVENT_TYPE_MATCHES
#define OF_MESSAGE         " WHERE e.message_id = ?5 AND +e.domain_id = ?1 AND +e.at >= ?2 AND +e.at < ?3 AND " EVENT_TYPE_MATCHES
#define EVENT_COLUMNS                                                                                                            \
    "SELECT e.id, e.at, e.type, e.account_id, e.domain_id, e.message_id, e.recipient_id, e.recipient, e.detail, "                \
    "m.uuid, m.sender, m.subject, m.tags, m.metadata FROM events e LEFT JOIN messages m ON m.id = e.message_id"

static const char page_of_domain[] = EVENT_COLUMNS OF_DOMAIN "ORDER BY e.at DESC, e.id DESC LIMIT ?5 OFFSET ?6";
static const char page_of_message[] = EVENT_COLUMNS OF_MESSAGE "ORDER BY e.at DESC, e.id DESC LIMIT ?6 OFFSET ?7";
static const char count_of_domain[] = "SELECT count(*) FROM events e" OF_DOMAIN;
static const char count_of_message[] = "SELECT count(*) FROM events e" OF_MESSAGE;

/* Binds what the filter says; returns the next free parameter. */
static int bind_matches(struct stmt *s, const struct event_filter *filter) {
    stmt_bind_int(s, 1, filter->domain_id);
    stmt_bind_int(s, 2, filter->from_at);
    stmt_bind_int(s, 3, filter->before_at ? filter->before_at : INT64_MAX);
    stmt_bind_int(s, 4, filter->types);
    if (!filter->message_id) return 5;
    stmt_bind_int(s, 5, filter->message_id);
    return 6;
}

static enum status event_count(struct db *tx, const struct event_filter *filter, int64_t *ret) {
    struct stmt *s = db_stmt(tx, filter->message_id ? count_of_message : count_of_domain);
    bind_matches(s, filter);
    enum status st = row_first(s);
    if (st == STATUS_OK) *ret = stmt_int(s, 0);
    return st;
}

enum status event_list(struct db *tx, struct arena *a, const struct event_filter *filter, int64_t offset, int limit,
                       struct event_row_list *ret) {
    int64_t total = 0;
    enum status st = event_count(tx, filter, &total);
    if (st != STATUS_OK) return st;
    struct stmt *s = db_stmt(tx, filter->message_id ? page_of_message : page_of_domain);
    int next = bind_matches(s, filter);
    stmt_bind_int(s, next, limit);
    stmt_bind_int(s, next + 1, offset);
    struct row_list rows;
    st = rows_collect(s, a, sizeof(struct event_row), event_fill, &rows);
    if (st == STATUS_OK) *ret = (struct event_row_list){rows.items, rows.count, total};
    return st;
}
