/* operations.c - the table as a whole: its parts, and how an operation is found in it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/tables.h"

static const struct operation_table *const tables[] = {
    &email_table,          &event_table,          &stats_table,         &message_table,
    &domain_table,         &domain_clear_table,   &key_table,           &smtp_table,
    &webhook_table,        &user_table,           &group_table,         &inbox_table,
    &list_table,           &subscriber_table,     &list_send_table,     &template_table,
    &suppression_table,    &keep_table,           &docs_table,          &probe_table,
    &operator_table,       &operator_queue_table, &operator_site_table, &operator_tls_report_table,
    &operator_store_table,
};
#define TABLE_COUNT (sizeof tables / sizeof tables[0])

/* What every operation may answer. */
static const struct refusal common_refusals[] = {
    {REFUSAL_CREDENTIALS, 401, "Authentication failure: pass a valid SessionID or APIKey"},
    {REFUSAL_EXPIRED, 401, "The session has expired: log in again"},
    {REFUSAL_UNREADABLE, 400, "The request could not be read"},
    {REFUSAL_COMMAND, 400, "Unknown command"},
    {REFUSAL_FAULT, 500, "Internal error"},
    {REFUSAL_FIELD, 422, "A parameter is invalid"},
    {REFUSAL_CONFLICT, 409, "This Idempotency-Key was used with another request"},
    {401, 401, "Pass the key in the Authorization header to send a large body"},
    {404, 404, "Not found"},
    {405, 405, "Method not allowed"},
    {413, 413, "The request is too large"},
    {REFUSAL_TOO_MANY, 429, "Too many requests. Wait for {seconds} seconds for another {attempts} attempts."},
    {503, 503, "The gateway cannot do this now, try again later"},
    {REFUSAL_ROOM, 507, "The gateway's disk is nearly full, try again later"},
};

const struct operation_table *const *operation_tables(size_t *ret_count) {
    *ret_count = TABLE_COUNT;
    return tables;
}

size_t operation_count(void) {
    size_t count = 0;
    for (size_t i = 0; i < TABLE_COUNT; i++) count += tables[i]->count;
    return count;
}

const struct operation *operation_at(size_t i) {
    size_t t = 0;
    for (; i >= tables[t]->count; t++) i -= tables[t]->count;
    return &tables[t]->rows[i];
}

bool operation_is_command_path(struct str path, struct str *ret_command) {
    if (!str_starts(path, STR("/api.php"))) return false;
    struct str rest = str_sub(path, STR("/api.php").n, SIZE_MAX);
    if (rest.n && rest.p[0] != '/') return false;
    *ret_command = str_sub(rest, 1, SIZE_MAX);
    return true;
}

static bool is_called(const struct operation *op, struct str command) {
    if (str_eq_nocase(str_from_z(op->name), command)) return true;
    struct str rest = op->aliases ? str_from_z(op->aliases) : (struct str){0}, alias;
    while (str_next(&rest, ',', &alias))
        if (str_eq_nocase(alias, command)) return true;
    return false;
}

static bool is_in_style(const struct operation *op, enum operation_style style) {
    return style == STYLE_CONTROL ? op->style != STYLE_PROBE : op->style == style;
}

const struct operation *operation_find_command(enum operation_style style, struct str command) {
    for (size_t t = 0; t < TABLE_COUNT; t++) {
        for (size_t i = 0; i < tables[t]->count; i++) {
            const struct operation *op = &tables[t]->rows[i];
            if (is_in_style(op, style) && is_called(op, command)) return op;
        }
    }
    return NULL;
}

/* What stands for {Name} ends with its segment and is not empty. */
static bool path_matches(const char *pattern, struct str path, struct operation_places *ret) {
    size_t at = 0;
    ret->count = 0;
    for (; *pattern; pattern++) {
        if (*pattern != '{') {
            if (at == path.n || path.p[at++] != *pattern) return false;
            continue;
        }
        struct str rest = str_sub(path, at, SIZE_MAX), name = str_from_z(pattern + 1);
        name = str_sub(name, 0, str_find(name, '}'));
        struct str value = str_sub(rest, 0, str_find(rest, '/'));
        if (value.n == 0 || ret->count == OPERATION_PLACES_MAX) return false;
        ret->items[ret->count].name = name;
        ret->items[ret->count++].value = value;
        at += value.n;
        pattern += name.n + 1;
    }
    return at == path.n;
}

const struct operation *operation_find_path(enum http_method method, struct str path, struct operation_places *ret_places) {
    const struct operation *found = NULL;
    if (method == HTTP_HEAD) method = HTTP_GET;
    for (size_t t = 0; t < TABLE_COUNT; t++) {
        for (size_t i = 0; i < tables[t]->count; i++) {
            const struct operation *op = &tables[t]->rows[i];
            struct operation_places places;
            if (!op->path || op->method != method || !path_matches(op->path, path, &places)) continue;
            if (found && places.count >= ret_places->count) continue;
            found = op;
            *ret_places = places;
            if (places.count == 0) return found;
        }
    }
    return found;
}

const struct refusal *operation_refusal(const struct operation *op, int code) {
    for (size_t i = 0; op && i < op->refusal_count; i++) {
        if (op->refusals[i].code == code) return &op->refusals[i];
    }
    for (size_t i = 0; i < sizeof common_refusals / sizeof common_refusals[0]; i++) {
        if (common_refusals[i].code == code) return &common_refusals[i];
    }
    return NULL;
}

const struct refusal *operation_common_refusals(size_t *ret_count) {
    *ret_count = sizeof common_refusals / sizeof common_refusals[0];
    return common_refusals;
}
