/* events.c - what happened, for the sender.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/events.h"

#include "store/event_ids.h"
#include "store/feed.h"
#include "store/hooks.h"
#include "store/rollup.h"
#include "store/rows.h"

/* Of the message ?1 and its recipient ?2, by the index that has them by domain. */
#define OF_RECIPIENT "domain_id = (SELECT domain_id FROM messages WHERE id = ?1) AND message_id = ?1 AND recipient_id = ?2 "

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

const char *event_participle(enum event_type type) {
    return type >= EVENT_SEND && type < EVENT_TYPE_COUNT ? names[type].participle : "unknown";
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

static bool has_first(enum event_type type) {
    return type == EVENT_OPEN || type == EVENT_CLICK || type == EVENT_UNSUBSCRIBE || type == EVENT_COMPLAINT;
}

struct str event_recipient_domain(const struct event *event) {
    return str_sub(event->recipient, str_find_last(event->recipient, '@') + 1, SIZE_MAX); /* NONE + 1 is 0 */
}

/* EXISTS: it is not the first. */
static enum status insert(struct db *tx, const struct event *event, enum rollup_mark mark, int64_t *ret_id) {
    int64_t id;
    enum status status = event_id_next(tx, event, &id);
    if (status != STATUS_OK) return status;
    struct stmt *s =
        db_stmt(tx, "INSERT INTO events (at, type, account_id, domain_id, message_id, recipient_id, recipient, "
                    "detail, recipient_domain, is_first, is_machine, id, smtp_code, mx_host, client, ip, "
                    "country, device, user_agent) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, "
                    "?16, ?17, ?18, ?19) "
                    "ON CONFLICT (recipient_id, type) WHERE is_first = 1 DO NOTHING");
    STMT_BIND_INTS(s, 1, event->at, event->type, event->account_id, event->domain_id, event->message_id, event->recipient_id);
    stmt_bind_text(s, 7, event->recipient);
    stmt_bind_text(s, 8, event->detail.n ? event->detail : STR("{}"));
    stmt_bind_text(s, 9, event_recipient_domain(event));
    STMT_BIND_INTS(s, 10, mark == ROLLUP_FIRST, mark == ROLLUP_MACHINE, id, event->keys.smtp_code);
    stmt_bind_text(s, 14, event->keys.mx_host);
    stmt_bind_text(s, 15, event->keys.client);
    stmt_bind_text(s, 16, event->keys.ip);
    stmt_bind_text(s, 17, event->keys.country);
    stmt_bind_text(s, 18, event->keys.device);
    stmt_bind_text(s, 19, event->keys.user_agent);
    status = stmt_insert(s, ret_id);
    if (status != STATUS_OK) return status;
    rollup_add(tx, event, mark);
    status = feed_add(tx, *ret_id);
    return status == STATUS_OK ? hook_outbox_add(tx, event, *ret_id) : status;
}

/* EXISTS: there was one, though it may have gone by its age. */
static enum status insert_first(struct db *tx, const struct event *event, int64_t *ret_id) {
    int64_t firsts = 0;
    struct stmt *s = db_stmt(tx, "SELECT firsts FROM recipients WHERE id = ?1");
    stmt_bind_int(s, 1, event->recipient_id);
    enum status status = row_int(s, &firsts);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) return status;
    return firsts & EVENT_BIT(event->type) ? STATUS_EXISTS : insert(tx, event, ROLLUP_FIRST, ret_id);
}

enum status event_record(struct db *tx, const struct event *event, int64_t *ret_id) {
    enum status status = STATUS_EXISTS;
    if (has_first(event->type)) status = insert_first(tx, event, ret_id);
    return status == STATUS_EXISTS ? insert(tx, event, ROLLUP_PLAIN, ret_id) : status;
}

enum status event_record_once(struct db *tx, const struct event *event, int64_t *ret_id) {
    return insert_first(tx, event, ret_id);
}

enum status event_first(struct db *db, struct arena *a, int64_t recipient_id, enum event_type type, struct str *ret_detail) {
    struct stmt *s = db_stmt(db, "SELECT detail FROM events WHERE recipient_id = ?1 AND type = ?2 AND is_first = 1");
    STMT_BIND_INTS(s, 1, recipient_id, type);
    enum status status = row_first(s);
    if (status == STATUS_OK) *ret_detail = row_text(s, a, 0);
    return status;
}

enum status event_record_machine(struct db *tx, const struct event *event, int64_t *ret_id) {
    return insert(tx, event, ROLLUP_MACHINE, ret_id);
}

/* A later open is no first one because that has gone. */
static enum status note_firsts(struct db *tx, int64_t recipient_id, int64_t types) {
    if (!types) return STATUS_OK;
    struct stmt *s = db_stmt(tx, "UPDATE recipients SET firsts = firsts | ?2 WHERE id = ?1");
    STMT_BIND_INTS(s, 1, recipient_id, types);
    return stmt_run(s);
}

enum status event_remove(struct db *tx, int64_t domain_id, int64_t at, int64_t id) {
    struct stmt *find =
        db_stmt(tx, "SELECT type, is_first, recipient_id FROM events WHERE domain_id = ?1 AND at = ?2 AND id = ?3");
    STMT_BIND_INTS(find, 1, domain_id, at, id);
    enum status status = row_first(find);
    if (status != STATUS_OK) return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    enum event_type type = (enum event_type)stmt_int(find, 0);
    status = note_firsts(tx, stmt_int(find, 2), stmt_int(find, 1) ? EVENT_BIT(type) : 0);
    if (status != STATUS_OK) return status;
    rollup_remove(tx, domain_id, type, at);
    struct stmt *s = db_stmt(tx, "DELETE FROM events WHERE domain_id = ?1 AND at = ?2 AND id = ?3");
    STMT_BIND_INTS(s, 1, domain_id, at, id);
    return stmt_run(s);
}

enum status event_remove_all(struct db *tx, int64_t message_id, int64_t recipient_id, int64_t *ret_count) {
    enum status status;
    int64_t firsts = 0;
    struct stmt *list =
        db_stmt(tx, "SELECT domain_id, type, at, is_first FROM events WHERE " OF_RECIPIENT "ORDER BY at, id LIMIT ?3");
    STMT_BIND_INTS(list, 1, message_id, recipient_id, EVENT_REMOVE_MAX);
    while ((status = stmt_step(list)) == STATUS_ROW) {
        enum event_type type = (enum event_type)stmt_int(list, 1);
        if (stmt_int(list, 3)) firsts |= EVENT_BIT(type);
        rollup_remove(tx, stmt_int(list, 0), type, stmt_int(list, 2));
    }
    if (status == STATUS_OK) status = note_firsts(tx, recipient_id, firsts);
    if (status != STATUS_OK) return status;
    struct stmt *s =
        db_stmt(tx, "DELETE FROM events WHERE id IN (SELECT id FROM events WHERE " OF_RECIPIENT "ORDER BY at, id LIMIT ?3)");
    STMT_BIND_INTS(s, 1, message_id, recipient_id, EVENT_REMOVE_MAX);
    return rows_change(tx, s, ret_count);
}

enum status event_count_recent(struct db *tx, const struct event *like, int64_t since, int64_t *ret_count) {
    struct stmt *s = db_stmt(
        tx, "SELECT count(*) FROM (SELECT type, recipient_id, at FROM events WHERE domain_id = ?6 AND "
            "message_id = ?1 ORDER BY at DESC, id DESC LIMIT ?2) w WHERE w.type = ?3 AND w.recipient_id = ?4 AND w.at >= ?5");
    STMT_BIND_INTS(s, 1, like->message_id, EVENT_RECENT_MAX, like->type, like->recipient_id, since, like->domain_id);
    return row_int(s, ret_count);
}
