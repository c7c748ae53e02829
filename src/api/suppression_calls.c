/* suppression_calls.c - suppressions: asked, listed, counted, and written in slices, so that a hundred thousand addresses hold up
 * nobody else's write.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/suppression_calls.h"

#include "base/map.h"
#include "core/lists.h"
#include "core/suppressions.h"
#include "proto/address/address.h"

#define CHECK_MAX  500
#define WRITE_MAX  100000
#define SLICE      500 /* addresses in one transaction */
#define FAILED_MAX 100 /* that are shown; the others are only counted */

/* ---- the addresses of a call ---- */
struct addresses {
    struct str *given, *address; /* as it came, and canonical; no two given alike */
    size_t count, cap;
    struct str failed[FAILED_MAX];
    size_t failed_count;
    struct map *seen;
    enum suppression_source source;
    bool is_one; /* the call is about one address, not a list of them */
    /* Writing: what stands, and what the last run did, which counts once the next one begins. */
    size_t done, run_done;
    int64_t changed, run_changed;
    unsigned round;
};

static size_t addresses_max(const struct call *c) {
    return c->op->steps[2].fn == suppression_calls_check ? CHECK_MAX : WRITE_MAX;
}

static void grow(struct call *c, struct addresses *a) {
    size_t cap = a->cap ? a->cap * 2 : 8;
    struct str *given = arena_array(c->arena, cap, sizeof *given), *address = arena_array(c->arena, cap, sizeof *address);
    for (size_t i = 0; i < a->count; i++) {
        given[i] = a->given[i];
        address[i] = a->address[i];
    }
    a->given = given;
    a->address = address;
    a->cap = cap;
}

static void take_address(struct call *c, struct addresses *a, struct str given) {
    struct address address;
    if (!address_parse(given, c->arena, &address)) {
        if (a->failed_count < FAILED_MAX) a->failed[a->failed_count] = str_sub(given, 0, ADDRESS_MAX);
        a->failed_count++;
        return;
    }
    if (map_put(a->seen, given, a)) return;
    if (a->count == a->cap) grow(c, a);
    a->given[a->count] = given;
    a->address[a->count++] = address.text;
}

/* The first column of a line of CSV, or all of a plain one. */
static struct str first_column(struct str line) {
    line = str_trim(line);
    if (str_starts(line, STR("\"")) && str_find(str_sub(line, 1, SIZE_MAX), '"') != STR_NONE) {
        struct str quoted = str_sub(line, 1, str_find(str_sub(line, 1, SIZE_MAX), '"'));
        if (str_find(quoted, '@') != STR_NONE) return quoted; /* else the quotes are the address's own: "a b"@example.com */
    }
    size_t end = 0;
    while (end < line.n && line.p[end] != ',' && line.p[end] != ';' && line.p[end] != '\t') end++;
    return str_trim(str_sub(line, 0, end));
}

static void take_lines(struct call *c, struct addresses *a, struct str text) {
    struct str line;
    while (a->count <= addresses_max(c) && str_next(&text, '\n', &line)) {
        line = first_column(line);
        if (line.n) take_address(c, a, line);
    }
}

static void take_list(struct call *c, struct addresses *a, const struct json *list) {
    JSON_FOR_EACH (it, list) {
        struct str text = it->type == JSON_STRING ? str_trim(it->text) : (struct str){0};
        if (a->count <= addresses_max(c)) take_address(c, a, text);
    }
}

static void cleanup(struct call *c) {
    map_free(&((struct addresses *)c->state)->seen);
}

static bool read_source(struct call *c, struct addresses *a) {
    a->source = SUPPRESSION_USER;
    for (size_t i = 0; i < c->op->param_count; i++) {
        struct str name = str_from_z(c->op->params[i].name);
        if (!str_eq(name, STR("SuppressionSource")) || !c->args[i].is_given) continue;
        if (suppression_source_parse(str_trim(c->args[i].text), &a->source)) continue;
        call_refuse_field(c, 3, name);
        return false;
    }
    return true;
}

enum status suppression_calls_read(struct call *c, struct db *db) {
    struct addresses *a = ARENA_NEW(c->arena, struct addresses);
    const struct arg *one = call_arg(c, "EmailAddress"), *list = call_arg(c, "EmailAddresses");
    const struct arg *lines = call_arg(c, "EmailAddressesBulk");
    (void)db;
    if (!one->raw) one = call_arg(c, "Address");
    if (c->refused.count) return STATUS_OK;
    a->seen = map_new();
    c->state = a;
    c->cleanup = cleanup;
    c->write_bytes = (size_t)SLICE * 300;
    a->is_one = !list->raw && !lines->raw;
    if (one->is_given) take_address(c, a, one->text);
    take_list(c, a, list->raw);
    if (lines->is_given) take_lines(c, a, lines->text);
    if (!one->raw && a->is_one)
        call_refuse_field(c, 1, STR("EmailAddress"));
    else if (a->count == 0)
        call_refuse_field(c, 2, list->raw ? STR("EmailAddresses") : STR("EmailAddressesBulk"));
    if (a->count > addresses_max(c)) call_refuse_field(c, 5, list->raw ? STR("EmailAddresses") : STR("EmailAddressesBulk"));
    read_source(c, a);
    return STATUS_OK;
}

enum status suppression_calls_find_list(struct call *c, struct db *db) {
    struct mailing_list list;
    int64_t id = call_number(c, "ListID", 0);
    if (id == 0) return STATUS_OK;
    enum status status = mailing_list_get(db, c->arena, c->scope.account_id, id, &list);
    if (status != STATUS_NOT_FOUND) return status;
    return call_refuse_field(c, 4, STR("ListID"));
}

static struct suppression_scope scope_of(const struct call *c) {
    return (struct suppression_scope){c->scope.account_id, call_number(c, "ListID", 0)};
}

static void add_failed(struct call *c, const struct addresses *a) {
    struct json_writer *w = &c->json;
    json_add_i64(w, STR("TotalFailed"), (int64_t)a->failed_count);
    json_add_array(w, STR("FailedEmailAddresses"));
    for (size_t i = 0; i < a->failed_count && i < FAILED_MAX; i++) json_str(w, a->failed[i]);
    json_close_array(w);
}

/* ---- writing ---- */
typedef enum status (*write_fn)(struct call *c, struct db *db, struct str address, int64_t *changed);

/* The next addresses; *ret_is_done when those were the last. */
static enum status write_slice(struct call *c, struct db *db, write_fn write, bool *ret_is_done) {
    struct addresses *a = c->state;
    if (c->round != a->round) {
        a->round = c->round;
        a->done = a->run_done;
        a->changed = a->run_changed;
    }
    a->run_changed = a->changed;
    a->run_done = a->done;
    while (a->run_done < a->count && a->run_done - a->done < SLICE) {
        enum status status = write(c, db, a->address[a->run_done++], &a->run_changed);
        if (status != STATUS_OK) return status;
    }
    *ret_is_done = a->run_done == a->count;
    if (!*ret_is_done) call_again(c);
    return STATUS_OK;
}

static enum status add_one(struct call *c, struct db *db, struct str address, int64_t *changed) {
    bool is_new;
    const struct addresses *a = c->state;
    struct suppression entry = {
        .account_id = c->scope.account_id,
        .list_id = call_number(c, "ListID", 0),
        .address = address,
        .source = a->source,
        .reason = call_text(c, "Reason", (struct str){0}),
        .created_at = c->now,
    };
    enum status status = suppression_add(db, &entry, &is_new);
    if (status == STATUS_OK) *changed += is_new;
    return status;
}

static enum status remove_one(struct call *c, struct db *db, struct str address, int64_t *changed) {
    struct suppression_scope scope = scope_of(c);
    enum status status = suppression_remove(db, &scope, address);
    *changed += status == STATUS_OK;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status answer_written(struct call *c, struct str name) {
    const struct addresses *a = c->state;
    json_add_i64(call_open(c), name, a->run_changed);
    add_failed(c, a);
    return call_close(c);
}

enum status suppression_calls_add(struct call *c, struct db *db) {
    bool is_done;
    enum status status = write_slice(c, db, add_one, &is_done);
    return status == STATUS_OK && is_done ? answer_written(c, STR("TotalImported")) : status;
}

enum status suppression_calls_remove(struct call *c, struct db *db) {
    bool is_done;
    const struct addresses *a = c->state;
    enum status status = write_slice(c, db, remove_one, &is_done);
    if (status != STATUS_OK || !is_done) return status;
    if (!a->is_one || a->run_changed) return answer_written(c, STR("TotalDeleted"));
    return call_refuse_field(c, 3, call_style(c) == STYLE_REST ? STR("Address") : STR("EmailAddress"));
}

/* ---- asking ---- */
static void add_origin(struct call *c, const struct suppression *s) {
    struct json_writer *w = &c->json;
    json_add_str(w, STR("SuppressionSource"), suppression_source_name(s->source));
    json_add_str(w, STR("Reason"), s->reason);
    json_add_id(w, STR("EventID"), s->event_id);
    json_add_time(w, STR("CreatedAt"), s->created_at);
}

/* The list's own entry first, then the account's. */
static void add_matches(struct call *c, const struct suppression_list *found) {
    struct json_writer *w = &c->json;
    json_add_bool(w, STR("IsSuppressed"), found->count > 0);
    json_add_array(w, STR("MatchedScopes"));
    for (size_t i = 0; i < 2 * found->count; i++) {
        const struct suppression *s = &found->items[i % found->count];
        bool is_of_list = s->list_id != 0;
        if (is_of_list != (i < found->count)) continue;
        json_open_object(w);
        json_add_z(w, STR("Scope"), is_of_list ? "PerList" : "AccountWide");
        json_add_id(w, STR("ListID"), s->list_id);
        add_origin(c, s);
        json_close_object(w);
    }
    json_close_array(w);
}

static enum status find_entries(struct call *c, struct db *db, struct str address, struct suppression_list *ret) {
    struct suppression_scope scope = scope_of(c);
    struct sha256 hash = suppression_hash(address);
    struct str text = sha256_str(&hash);
    return suppression_match(db, c->arena, &scope, &text, 1, ret);
}

enum status suppression_calls_check(struct call *c, struct db *db) {
    const struct addresses *a = c->state;
    enum status status = STATUS_OK;
    struct json_writer *w = call_open(c);
    json_add_i64(w, STR("ListID"), call_number(c, "ListID", 0));
    json_add_i64(w, STR("TotalChecked"), (int64_t)a->count);
    add_failed(c, a);
    json_add_object(w, STR("Results"));
    for (size_t i = 0; status == STATUS_OK && i < a->count; i++) {
        struct suppression_list found = {0};
        status = find_entries(c, db, a->address[i], &found);
        json_add_object(w, a->given[i]);
        add_matches(c, &found);
        json_close_object(w);
    }
    json_close_object(w);
    call_close(c);
    return status;
}

enum status suppression_calls_get(struct call *c, struct db *db) {
    struct suppression_list found;
    struct str address = call_text(c, "Address", call_text(c, "EmailAddress", (struct str){0}));
    if (address.n == 0) return call_refuse_field(c, 1, STR("Address"));
    enum status status = find_entries(c, db, address, &found);
    if (status != STATUS_OK) return status;
    if (found.count == 0) return call_refuse_field(c, 3, STR("Address"));
    json_add_str(call_open(c), STR("EmailAddress"), address);
    add_matches(c, &found);
    return call_close(c);
}

/* ---- pages and numbers ---- */
static bool read_sources(struct str list, unsigned *ret) {
    struct str name;
    enum suppression_source source;
    unsigned sources = 0;
    while (str_next(&list, ',', &name)) {
        if (!suppression_source_parse(str_trim(name), &source)) return false;
        sources |= SUPPRESSION_BIT((unsigned)source);
    }
    *ret = sources;
    return true;
}

/* "jo*@example.com": one star at most, so that looking is no work that grows with the pattern. */
static bool read_pattern(struct call *c, struct str pattern, struct suppression_filter *f) {
    pattern = arena_lower(c->arena, pattern);
    size_t star = str_find(pattern, '*');
    f->is_exact = pattern.n && star == STR_NONE;
    f->prefix = str_sub(pattern, 0, star);
    f->suffix = star == STR_NONE ? (struct str){0} : str_sub(pattern, star + 1, SIZE_MAX);
    return str_find(f->suffix, '*') == STR_NONE;
}

enum status suppression_calls_filter(struct call *c, struct db *db) {
    struct suppression_filter *f = ARENA_NEW(c->arena, struct suppression_filter);
    struct str sources = call_text(c, "SuppressionSource", (struct str){0});
    (void)db;
    c->state = f;
    f->account_id = c->scope.account_id;
    f->list_id = call_number(c, "ListID", 0);
    f->sources = ~0U;
    if (sources.n && !read_sources(sources, &f->sources)) call_refuse_field(c, 1, STR("SuppressionSource"));
    if (!read_pattern(c, call_text(c, "SearchPattern", (struct str){0}), f))
        call_refuse_say(c, STR("SearchPattern"), "SearchPattern may hold one * at most");
    return STATUS_OK;
}

static void add_entry(struct call *c, const struct suppression *s) {
    struct json_writer *w = &c->json;
    json_open_object(w);
    json_add_id(w, STR("SuppressionID"), s->id);
    json_add_id(w, STR("RelListID"), s->list_id);
    json_add_id(w, STR("RelOwnerUserID"), s->account_id);
    json_add_str(w, STR("EmailAddress"), s->address);
    add_origin(c, s);
    json_close_object(w);
}

/* The reference's map of the same entries, by address; an erased person has none, so there the id stands. */
static void add_map(struct call *c, const struct suppression_list *list) {
    struct json_writer *w = &c->json;
    json_add_object(w, STR("SuppressedEmails"));
    for (size_t i = 0; i < list->count; i++) {
        const struct suppression *s = &list->items[i];
        json_key(w, s->address.n ? s->address : arena_strf(c->arena, "%lld", (long long)s->id));
        add_entry(c, s);
    }
    json_close_object(w);
}

enum status suppression_calls_browse(struct call *c, struct db *db) {
    struct suppression_filter *f = c->state;
    struct suppression_list list;
    int64_t total = 0;
    f->after_id = call_number(c, "AfterID", 0);
    f->skip = call_number(c, "StartFrom", 0);
    f->limit = call_number(c, "RetrieveCount", 100);
    enum status status = suppression_browse(db, c->arena, f, &list);
    if (status == STATUS_OK && f->after_id == 0) status = suppression_total(db, f, &total); /* once will do: it takes the time */
    if (status != STATUS_OK) return status;
    bool is_full = (int64_t)list.count == f->limit;
    struct json_writer *w = call_open(c);
    if (f->after_id == 0) json_add_i64(w, STR("TotalRecords"), total);
    if (is_full)
        json_add_id(w, STR("NextAfterID"), list.items[list.count - 1].id);
    else
        json_add_z(w, STR("NextAfterID"), "");
    json_add_array(w, STR("Suppressions"));
    for (size_t i = 0; i < list.count; i++) add_entry(c, &list.items[i]);
    json_close_array(w);
    if (c->op->style == STYLE_COMMAND) add_map(c, &list);
    return call_close(c);
}

enum status suppression_calls_count(struct call *c, struct db *db) {
    int64_t counts[SUPPRESSION_SOURCES], total = 0;
    enum status status = suppression_count(db, c->state, counts);
    if (status != STATUS_OK) return status;
    for (int i = 1; i < SUPPRESSION_SOURCES; i++) total += counts[i];
    struct json_writer *w = call_open(c);
    json_add_i64(w, STR("Total"), total);
    json_add_object(w, STR("BySource"));
    for (int i = 1; i < SUPPRESSION_SOURCES; i++) json_add_i64(w, suppression_source_name((enum suppression_source)i), counts[i]);
    json_close_object(w);
    return call_close(c);
}
