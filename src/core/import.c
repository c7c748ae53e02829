/* import.c - see import.h.
 *
 * A slice: records are read and turned into people until there are IMPORT_SLICE of them or the text at hand ends; the
 * suppressions are asked about all at once; then each person is added, changed or left alone. Counts and errors are kept in the
 * `import` record and written with the new position.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/import.h"

#include "core/suppressions.h"
#include "proto/csv/csv.h"
#include "proto/json/json_write.h"

#define BOM "\xEF\xBB\xBF"

/* ---- the header ---- */
struct header {
    char delimiter;
    struct str columns[CSV_FIELDS_MAX]; /* "": not taken */
    size_t count, email;                /* email: which of them is the address */
    struct import_wishes wishes;
};

/* Blanks, hyphens and underscores left out, lower case. */
static bool is_email_name(struct str name) {
    static const char *const names[] = {"email", "emailaddress", "mail", "subscriberemail"};
    char bare[16];
    size_t n = 0;
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] == ' ' || name.p[i] == '-' || name.p[i] == '_') continue;
        if (n == sizeof bare) return false;
        bare[n++] = ascii_lower(name.p[i]);
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (str_eq(str_make(bare, n), str_from_z(names[i]))) return true;
    return false;
}

static const char *take_column(struct arena *arena, struct header *h, struct str name) {
    name = str_trim(name);
    if (name.n > SUBSCRIBER_FIELD_NAME_MAX || str_has_control(name))
        return arena_strf(arena, "column %zu has a name that no field may have", h->count + 1).p;
    for (size_t i = 0; name.n && i < h->count; i++)
        if (str_eq(h->columns[i], name)) return arena_strf(arena, "two columns are called %.*s", STR_ARG(name)).p;
    h->columns[h->count++] = name;
    return NULL;
}

static const char *read_header(struct arena *arena, const struct csv_record *record, struct header *h) {
    const char *why = NULL;
    h->email = CSV_FIELDS_MAX;
    for (size_t i = 0; !why && i < record->count; i++) {
        if (h->email == CSV_FIELDS_MAX && is_email_name(str_trim(record->fields[i]))) h->email = i;
        why = take_column(arena, h, record->fields[i]);
    }
    if (!why && h->email == CSV_FIELDS_MAX) why = "the first line must name the columns, and one of them Email";
    if (!why && h->count > SUBSCRIBER_FIELDS_MAX + 1) why = "a subscriber may have at most 100 fields";
    return why;
}

static struct str format_options(struct arena *arena, const struct header *h) {
    BUF_AUTO text = {0};
    struct json_writer w = {.out = &text};
    json_open_object(&w);
    json_add_i64(&w, STR("delimiter"), h->delimiter);
    json_add_i64(&w, STR("email"), (int64_t)h->email);
    json_add_bool(&w, STR("updates"), h->wishes.updates);
    json_add_bool(&w, STR("resubscribes"), h->wishes.resubscribes);
    json_add_array(&w, STR("columns"));
    for (size_t i = 0; i < h->count; i++) json_str(&w, h->columns[i]);
    json_close_array(&w);
    json_close_object(&w);
    return arena_str(arena, buf_str(&text));
}

static bool is_true(const struct json *object, struct str name) {
    const struct json *value = json_find(object, name);
    return json_is(value, JSON_BOOL) && value->boolean;
}

static enum status parse_options(struct arena *arena, struct str text, struct header *ret) {
    const struct json *options;
    struct json_error error;
    int64_t delimiter, email;
    *ret = (struct header){0};
    if (!json_parse(arena, text, &options, &error)) return STATUS_CORRUPT;
    if (!json_to_i64(json_find(options, STR("delimiter")), &delimiter) || !json_to_i64(json_find(options, STR("email")), &email))
        return STATUS_CORRUPT;
    ret->delimiter = (char)delimiter;
    ret->email = (size_t)email;
    ret->wishes = (struct import_wishes){is_true(options, STR("updates")), is_true(options, STR("resubscribes"))};
    JSON_FOR_EACH (it, json_find(options, STR("columns"))) {
        if (ret->count == CSV_FIELDS_MAX || it->type != JSON_STRING) return STATUS_CORRUPT;
        ret->columns[ret->count++] = it->text;
    }
    return ret->email < ret->count ? STATUS_OK : STATUS_CORRUPT;
}

/* ---- the file as a whole ---- */
static bool is_blank(const struct csv_record *record) {
    return record->count == 1 && str_trim(record->fields[0]).n == 0;
}

static int64_t count_records(struct str text, char delimiter) {
    int64_t total = 0;
    while (text.n) {
        ARENA_AUTO arena = {0};
        struct csv_record record;
        size_t used;
        enum parse parse = csv_parse(&arena, text, delimiter, true, &record, &used);
        total += parse != PARSE_DONE || !is_blank(&record);
        text = str_sub(text, used, SIZE_MAX);
    }
    return total;
}

const char *import_judge(struct arena *arena, struct str content, const struct import_wishes *wishes, struct import *ret) {
    struct header header = {.wishes = *wishes};
    struct csv_record record;
    size_t used, skipped = str_starts(content, STR(BOM)) ? sizeof BOM - 1 : 0;
    struct str text = str_sub(content, skipped, SIZE_MAX);
    if (str_trim(text).n == 0) return "the file is empty";
    if (!str_is_utf8(text)) return "the file is not in UTF-8: save it as CSV UTF-8 and try again";
    if (str_find(text, '\0') != STR_NONE) return "the file is no text: it holds a zero byte";
    header.delimiter = csv_guess_delimiter(text);
    if (csv_parse(arena, text, header.delimiter, true, &record, &used) != PARSE_DONE)
        return arena_strf(arena, "the first line is no CSV: %s", record.why).p;
    const char *why = read_header(arena, &record, &header);
    if (why) return why;
    ret->options = format_options(arena, &header);
    ret->position = (int64_t)(skipped + used);
    ret->line = 1 + (int64_t)record.lines;
    ret->total = count_records(str_sub(text, used, SIZE_MAX), header.delimiter);
    return NULL;
}

/* ---- one slice ---- */
struct person {
    int64_t line;
    struct str email, key;
    struct str given; /* fields of the line, JSON object */
};
struct slice {
    struct db *tx;
    struct arena *arena;
    struct import *import;
    struct header header;
    struct person people[IMPORT_SLICE];
    size_t count;
    struct buf errors;
    struct json_writer errors_json;
    int64_t error_count, now;
};

static void note(struct slice *s, int64_t line, const char *why) {
    s->import->refused++;
    if (s->error_count++ >= IMPORT_ERRORS_MAX) return;
    json_open_object(&s->errors_json);
    json_add_i64(&s->errors_json, STR("Line"), line);
    json_add_z(&s->errors_json, STR("Reason"), why);
    json_close_object(&s->errors_json);
}

/* What was noted so far stands in the row; more is written behind it. */
static enum status open_errors(struct slice *s) {
    const struct json *before;
    struct json_error error;
    if (!json_parse(s->arena, s->import->errors, &before, &error)) return STATUS_CORRUPT;
    s->error_count = json_is(before, JSON_ARRAY) ? before->count : 0;
    s->errors_json = (struct json_writer){.out = &s->errors};
    json_open_array(&s->errors_json);
    JSON_FOR_EACH (it, before) json_value(&s->errors_json, it);
    return STATUS_OK;
}

static struct str fields_of(struct slice *s, const struct csv_record *record) {
    BUF_AUTO text = {0};
    struct json_writer w = {.out = &text};
    json_open_object(&w);
    for (size_t i = 0; i < record->count; i++) {
        struct str value = str_trim(record->fields[i]);
        if (i == s->header.email || s->header.columns[i].n == 0 || value.n == 0) continue;
        json_add_str(&w, s->header.columns[i], value);
    }
    json_close_object(&w);
    return arena_str(s->arena, buf_str(&text));
}

static void take_record(struct slice *s, const struct csv_record *record) {
    struct person person = {.line = s->import->line};
    if (is_blank(record)) return;
    if (record->count > s->header.count) return note(s, person.line, "there are more fields than columns");
    if (record->count <= s->header.email || str_trim(record->fields[s->header.email]).n == 0)
        return note(s, person.line, "there is no e-mail address");
    if (!subscriber_address(s->arena, record->fields[s->header.email], &person.email, &person.key))
        return note(s, person.line, "the e-mail address is invalid");
    person.given = fields_of(s, record);
    s->people[s->count++] = person;
}

/* As many records as there are in the text and room in the slice. */
static void take_records(struct slice *s, struct str text) {
    bool is_last = s->import->position + (int64_t)text.n >= s->import->size_bytes;
    int64_t tried = 0;
    while (text.n && s->count < IMPORT_SLICE && tried++ < 2 * IMPORT_SLICE) {
        struct csv_record record;
        size_t used;
        enum parse parse = csv_parse(s->arena, text, s->header.delimiter, is_last, &record, &used);
        if (parse == PARSE_MORE) return;
        if (parse == PARSE_BAD)
            note(s, s->import->line, record.why);
        else
            take_record(s, &record);
        s->import->line += (int64_t)record.lines;
        s->import->position += (int64_t)used;
        text = str_sub(text, used, SIZE_MAX);
    }
}

static enum status find_suppressed(struct slice *s, enum suppression_source **ret) {
    struct suppression_scope scope = {s->import->account_id, s->import->list_id};
    struct str *addresses = arena_array(s->arena, s->count + 1, sizeof *addresses);
    *ret = arena_array(s->arena, s->count + 1, sizeof **ret);
    for (size_t i = 0; i < s->count; i++) addresses[i] = s->people[i].email;
    return suppressions_check(s->tx, &scope, addresses, s->count, *ret);
}

/* NULL: *ret holds the fields over those that were there. */
static const char *merge(struct slice *s, const struct person *person, struct str old, struct str *ret) {
    const struct json *given;
    struct json_error error;
    if (!json_parse(s->arena, person->given, &given, &error)) return "a field cannot be stored";
    return subscriber_fields_merge(s->arena, old, given, ret);
}

static enum status change_person(struct slice *s, const struct person *person, struct subscriber *old) {
    struct subscriber changed = *old;
    if (s->header.wishes.resubscribes) changed.status = SUBSCRIBER_ACTIVE;
    const char *why = s->header.wishes.updates ? merge(s, person, old->fields, &changed.fields) : NULL;
    if (why) {
        note(s, person->line, why);
        return STATUS_OK;
    }
    s->import->changed++;
    if (changed.status == old->status && str_eq(changed.fields, old->fields)) return STATUS_OK;
    changed.changed_at = s->now;
    return subscriber_set(s->tx, &changed);
}

static enum status add_person(struct slice *s, const struct person *person) {
    struct subscriber row = {
        .list_id = s->import->list_id,
        .email = person->email,
        .email_key = person->key,
        .created_at = s->now,
        .changed_at = s->now,
    };
    const char *why = merge(s, person, (struct str){0}, &row.fields);
    if (why) {
        note(s, person->line, why);
        return STATUS_OK;
    }
    s->import->added++;
    return subscriber_add(s->tx, &row, &row.id);
}

static enum status take_person(struct slice *s, const struct person *person, bool is_suppressed) {
    struct subscriber old;
    enum status status = subscriber_find(s->tx, s->arena, s->import->account_id, s->import->list_id, person->key, &old);
    if (status == STATUS_OK) return change_person(s, person, &old);
    if (status != STATUS_NOT_FOUND) return status;
    if (!is_suppressed || s->header.wishes.resubscribes) return add_person(s, person);
    note(s, person->line, "the address is suppressed");
    return STATUS_OK;
}

static enum status run_slice(struct slice *s) {
    BUF_AUTO text = {0};
    enum suppression_source *suppressed;
    int64_t seen = s->import->position;
    enum status status = parse_options(s->arena, s->import->options, &s->header);
    if (status == STATUS_OK) status = open_errors(s);
    if (status == STATUS_OK) status = import_read(s->tx, s->import->id, seen, &text);
    if (status != STATUS_OK) return status;
    take_records(s, buf_str(&text));
    if (s->import->position == seen && seen < s->import->size_bytes) return STATUS_CORRUPT;
    status = find_suppressed(s, &suppressed);
    for (size_t i = 0; status == STATUS_OK && i < s->count; i++)
        status = take_person(s, &s->people[i], suppressed[i] != SUPPRESSION_NONE);
    if (status != STATUS_OK) return status;
    json_close_array(&s->errors_json);
    s->import->errors = buf_str(&s->errors);
    return import_advance(s->tx, s->import, seen);
}

/* A list that went away takes its imports with it. */
static enum status close_orphan(struct db *tx, struct arena *arena, const struct import *import, int64_t now, bool *ret_is_done) {
    struct mailing_list list;
    enum status status = mailing_list_get(tx, arena, import->account_id, import->list_id, &list);
    if (status != STATUS_NOT_FOUND) return status;
    *ret_is_done = true;
    return import_close(tx, import->id, IMPORT_CANCELLED, now);
}

enum status import_slice(struct db *tx, struct arena *arena, int64_t id, int64_t now, bool *ret_is_done) {
    struct import import;
    *ret_is_done = true;
    enum status status = import_get(tx, arena, id, &import);
    if (status == STATUS_NOT_FOUND) return STATUS_OK;
    if (status != STATUS_OK || import.state != IMPORT_OPEN) return status;
    *ret_is_done = false;
    status = close_orphan(tx, arena, &import, now, ret_is_done);
    if (status != STATUS_OK || *ret_is_done) return status;
    struct slice *slice = ARENA_NEW(arena, struct slice);
    *slice = (struct slice){.tx = tx, .arena = arena, .import = &import, .now = now};
    status = run_slice(slice);
    buf_fini(&slice->errors);
    if (status != STATUS_OK || import.position < import.size_bytes) return status;
    *ret_is_done = true;
    return import_close(tx, id, IMPORT_DONE, now);
}

const char *import_state_text(enum import_state state) {
    static const char *const texts[] = {
        [IMPORT_OPEN] = "Processing", [IMPORT_DONE] = "Completed", [IMPORT_CANCELLED] = "Cancelled", [IMPORT_FAILED] = "Failed"};
    return texts[state];
}
