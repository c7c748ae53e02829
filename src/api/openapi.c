/* openapi.c - the OpenAPI 3.1 document, written from the table in one pass over its paths.
 *
 * A command of /api.php is a path of its own, /api.php/<Command>, because a document tells operations apart by path and method
 * alone. Its refusals are HTTP 200 with Success:false; those of /api/v1 have real statuses, and a status that several refusals
 * share is told once, with all of them in its description.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/openapi.h"

#include "api/schema.h"

#include <assert.h>

static bool is_public(const struct operation *op) {
    return op->style == STYLE_REST || op->style == STYLE_COMMAND || op->style == STYLE_PROBE;
}

static const struct json *parse_example(struct arena *arena, const char *text) {
    const struct json *value = NULL;
    struct json_error error;
    if (!text) return NULL;
    bool is_read = json_parse(arena, str_from_z(text), &value, &error);
    assert(is_read); /* constants; the tests read each */
    return is_read ? value : NULL;
}

/* ---- parameters ---- */
static bool is_in_path(const struct operation *op, const struct param *p) {
    struct str path = op->path ? str_from_z(op->path) : (struct str){0}, segment;
    while (str_next(&path, '/', &segment)) {
        if (segment.n == 2 + str_from_z(p->name).n && str_starts(segment, STR("{")) &&
            str_eq(str_sub(segment, 1, segment.n - 2), str_from_z(p->name)))
            return true;
    }
    return false;
}

static bool has_body(const struct operation *op) {
    return op->style == STYLE_COMMAND || op->method == HTTP_POST || op->method == HTTP_PUT || op->method == HTTP_PATCH;
}

static void write_parameter(struct json_writer *w, const struct param *p, bool in_path) {
    json_open_object(w);
    json_add_z(w, STR("name"), p->name);
    json_add_z(w, STR("in"), in_path ? "path" : "query");
    if (in_path || p->is_required) json_add_bool(w, STR("required"), true);
    json_add_z(w, STR("description"), p->sentence);
    json_key(w, STR("schema"));
    schema_of_param(w, p);
    json_close_object(w);
}

static void write_idempotency_key(struct json_writer *w) {
    json_raw(
        w, STR("{\"name\":\"Idempotency-Key\",\"in\":\"header\",\"description\":\"A request that is repeated under the same key "
               "within a day is answered as the first one was, and does nothing again\",\"schema\":{\"type\":\"string\","
               "\"maxLength\":256}}"));
}

static void write_parameters(struct json_writer *w, const struct operation *op) {
    json_add_array(w, STR("parameters"));
    for (size_t i = 0; i < op->param_count; i++) {
        bool in_path = is_in_path(op, &op->params[i]);
        if (in_path || !has_body(op)) write_parameter(w, &op->params[i], in_path);
    }
    if (op->takes_idempotency_key) write_idempotency_key(w);
    json_close_array(w);
}

static void write_body_schema(struct json_writer *w, const struct operation *op) {
    size_t required = 0;
    json_open_object(w);
    json_add_z(w, STR("type"), "object");
    json_add_object(w, STR("properties"));
    for (size_t i = 0; i < op->param_count; i++) {
        if (is_in_path(op, &op->params[i])) continue;
        required += op->params[i].is_required;
        json_key(w, str_from_z(op->params[i].name));
        schema_of_param(w, &op->params[i]);
    }
    json_close_object(w);
    if (required) {
        json_add_array(w, STR("required"));
        for (size_t i = 0; i < op->param_count; i++) {
            const struct param *p = &op->params[i];
            if (p->is_required && !is_in_path(op, p)) json_z(w, p->name);
        }
        json_close_array(w);
    }
    json_close_object(w);
}

/* The row's example; it leaves out passwords, codes and tokens, which a request must have. */
static void write_request_example(struct json_writer *w, const struct operation *op, const struct json *example) {
    json_add_object(w, STR("example"));
    for (size_t i = 0; i < op->param_count; i++) {
        const struct param *p = &op->params[i];
        const struct json *value = json_find_nocase(example, str_from_z(p->name));
        if (is_in_path(op, p) || (!value && !p->is_required)) continue;
        json_key(w, str_from_z(p->name));
        if (value) {
            json_value(w, value);
        } else {
            json_z(w, "...");
        }
    }
    json_close_object(w);
}

static void write_body(struct json_writer *w, struct arena *arena, const struct operation *op) {
    const struct json *example = parse_example(arena, op->request);
    json_add_object(w, STR("requestBody"));
    json_add_object(w, STR("content"));
    json_add_object(w, STR("application/json"));
    json_key(w, STR("schema"));
    write_body_schema(w, op);
    if (example) write_request_example(w, op, example);
    json_close_object(w);
    json_close_object(w);
    json_close_object(w);
}

/* ---- answers ---- */
static void add_status(struct json_writer *w, int status) {
    BUF_AUTO name = {0};
    buf_addf(&name, "%d", status);
    json_add_object(w, buf_str(&name));
}

static void write_command_answer(struct json_writer *w, const struct json *example) {
    json_add_array(w, STR("oneOf"));
    if (example && example->count) {
        json_open_object(w);
        json_add_array(w, STR("allOf"));
        json_raw(w, STR("{\"$ref\":\"#/components/schemas/CommandSuccess\"}"));
        schema_of_example(w, example);
        json_close_array(w);
        json_close_object(w);
    } else {
        json_raw(w, STR("{\"$ref\":\"#/components/schemas/CommandSuccess\"}"));
    }
    json_raw(w, STR("{\"$ref\":\"#/components/schemas/CommandRefusal\"}"));
    json_close_array(w);
}

static void write_media(struct json_writer *w, struct str list) {
    struct str media;
    while (str_next(&list, ',', &media)) json_add_raw(w, media, STR("{\"schema\":{\"type\":\"string\"}}"));
}

static void write_success(struct json_writer *w, struct arena *arena, const struct operation *op) {
    const struct json *example = parse_example(arena, op->answer);
    bool is_command = op->style == STYLE_COMMAND;
    json_add_object(w, arena_strf(arena, "%d", op->success ? op->success : 200));
    json_add_z(w, STR("description"), is_command ? "Done, or refused: Success tells" : "Done");
    if (example || is_command || op->media) {
        json_add_object(w, STR("content"));
        if (op->media) write_media(w, str_from_z(op->media));
    }
    if (example || is_command) {
        json_add_object(w, STR("application/json"));
        json_key(w, STR("schema"));
        if (is_command) {
            json_open_object(w);
            write_command_answer(w, example);
            json_close_object(w);
        } else {
            schema_of_example(w, example);
        }
        if (example) {
            json_key(w, STR("example"));
            schema_example(w, example, is_command);
        }
        json_close_object(w);
    }
    if (example || is_command || op->media) json_close_object(w);
    json_close_object(w);
}

static int status_of(const struct refusal *refusal) {
    return refusal->http ? refusal->http : 422;
}

static void add_refusal(struct buf *out, const struct refusal *refusal) {
    buf_addf(out, "%s%d: %s", out->n ? "\n" : "", refusal->code, refusal->message);
}

/* The refusals of one status as lines; how many. */
static size_t collect(const struct operation *op, int status, struct buf *out) {
    size_t found = 0;
    for (size_t i = 0; i < op->refusal_count; i++) {
        if (op->refusals[i].message && status_of(&op->refusals[i]) == status) add_refusal(out, &op->refusals[i]), found++;
    }
    size_t count;
    const struct refusal *common = operation_common_refusals(&count);
    for (size_t i = 0; i < count; i++) {
        bool is_users = common[i].code == REFUSAL_CREDENTIALS || common[i].code == REFUSAL_EXPIRED;
        if (is_users && (op->caller == CALLER_SENDER || op->caller == CALLER_ANYONE)) continue;
        if (common[i].code == REFUSAL_COMMAND || status_of(&common[i]) != status) continue;
        if (common[i].code == REFUSAL_CONFLICT && !op->takes_idempotency_key) continue;
        if (common[i].code == REFUSAL_ROOM && !op->takes_room) continue;
        add_refusal(out, &common[i]);
        found++;
    }
    return found;
}

static void write_refusals(struct json_writer *w, const struct operation *op) {
    static const int statuses[] = {400, 401, 403, 404, 409, 413, 415, 422, 429, 500, 503, 507};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        BUF_AUTO lines = {0};
        if (collect(op, statuses[i], &lines) == 0) continue;
        add_status(w, statuses[i]);
        json_add_str(w, STR("description"), buf_str(&lines));
        json_add_raw(w, STR("content"), STR("{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/Errors\"}}}"));
        json_close_object(w);
    }
}

/* A command's own refusals have HTTP 200; what stops it before is told by status. */
static void write_command_failures(struct json_writer *w, const struct operation *op) {
    static const struct {
        int status;
        const char *why;
    } failures[] = {
        {400, "The request could not be read, or its Command is unknown"},
        {401, "A large body needs the key in the Authorization header"},
        {413, "The request is too large"},
        {415, "The body's coding is unknown"},
        {429, "Too many requests; Retry-After says how long to wait"},
        {500, "Internal error"},
        {503, "The gateway cannot do this now, try again later"},
        {REFUSAL_ROOM, "The gateway's disk is nearly full, try again later"},
    };
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        if (failures[i].status == REFUSAL_ROOM && !op->takes_room) continue;
        add_status(w, failures[i].status);
        json_add_z(w, STR("description"), failures[i].why);
        json_add_raw(w, STR("content"),
                     STR("{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/CommandRefusal\"}}}"));
        json_close_object(w);
    }
}

/* What a list of operations has room for: the sentence up to its first pause. */
static struct str summary_of(const struct operation *op) {
    struct str text = str_from_z(op->sentence);
    for (size_t i = 0; i < text.n; i++) {
        bool is_end = text.p[i] == '.' && i + 1 < text.n && text.p[i + 1] == ' ';
        if (is_end || text.p[i] == ';' || text.p[i] == ':') return str_sub(text, 0, i);
    }
    return text;
}

static void write_description(const struct operation *op, struct buf *out) {
    buf_add_z(out, op->sentence);
    if (op->style == STYLE_COMMAND && op->refusal_count) buf_add_z(out, "\n\nErrorCode:");
    for (size_t i = 0; op->style == STYLE_COMMAND && i < op->refusal_count; i++) {
        if (op->refusals[i].message) buf_addf(out, "\n- %d: %s", op->refusals[i].code, op->refusals[i].message);
    }
}

/* ---- operations ---- */
static void write_security(struct json_writer *w, enum operation_caller caller) {
    static const char *const of[] = {
        [CALLER_ANYONE] = "[]",
        [CALLER_USER] = "[{\"userKey\":[]},{\"session\":[]}]",
        [CALLER_SENDER] = "[{\"senderKey\":[]}]",
        [CALLER_EITHER] = "[{\"userKey\":[]},{\"session\":[]},{\"senderKey\":[]}]",
        [CALLER_ADMIN] = "[{\"adminKey\":[]},{\"session\":[]}]",
    };
    json_add_raw(w, STR("security"), str_from_z(of[caller]));
}

static void write_operation_id(struct json_writer *w, const struct operation *op) {
    BUF_AUTO id = {0};
    buf_addf(&id, "%s%s", op->name, op->style == STYLE_COMMAND ? "_Command" : "");
    for (size_t i = 0; i < id.n; i++) {
        if (id.p[i] == '.') id.p[i] = '_';
    }
    json_add_str(w, STR("operationId"), buf_str(&id));
}

static void write_operation(struct json_writer *w, struct arena *arena, const char *title, const struct operation *op) {
    static const char *const methods[] = {
        [HTTP_GET] = "get", [HTTP_POST] = "post", [HTTP_PUT] = "put", [HTTP_PATCH] = "patch", [HTTP_DELETE] = "delete"};
    json_add_object(w, str_from_z(op->style == STYLE_COMMAND ? "post" : methods[op->method]));
    write_operation_id(w, op);
    json_add_array(w, STR("tags"));
    json_z(w, title);
    json_close_array(w);
    json_add_str(w, STR("summary"), summary_of(op));
    BUF_AUTO description = {0};
    write_description(op, &description);
    json_add_str(w, STR("description"), buf_str(&description));
    write_security(w, op->caller);
    write_parameters(w, op);
    if (has_body(op)) write_body(w, arena, op);
    json_add_object(w, STR("responses"));
    write_success(w, arena, op);
    if (op->style == STYLE_COMMAND) {
        write_command_failures(w, op);
    } else {
        write_refusals(w, op);
    }
    json_close_object(w);
    json_close_object(w);
}

/* ---- paths ---- */
static void path_of(const struct operation *op, struct buf *out) {
    buf_reset(out);
    if (op->style == STYLE_COMMAND) {
        buf_addf(out, "/api.php/%s", op->name);
    } else {
        buf_add_z(out, op->path);
    }
}

static bool is_same_path(const struct operation *a, const struct operation *b) {
    return a == b || (a->path && b->path && str_eq(str_from_z(a->path), str_from_z(b->path)));
}

/* Of which table the i-th operation is. */
static const char *title_of(size_t i) {
    size_t count, t = 0;
    const struct operation_table *const *tables = operation_tables(&count);
    for (; i >= tables[t]->count; t++) i -= tables[t]->count;
    return tables[t]->title;
}

/* All methods of the path that the i-th operation is the first of. */
static void write_path(struct json_writer *w, struct arena *arena, size_t first) {
    BUF_AUTO path = {0};
    for (size_t i = 0; i < first; i++) {
        if (is_same_path(operation_at(i), operation_at(first))) return;
    }
    path_of(operation_at(first), &path);
    json_add_object(w, buf_str(&path));
    for (size_t i = first; i < operation_count(); i++) {
        if (is_same_path(operation_at(i), operation_at(first))) write_operation(w, arena, title_of(i), operation_at(i));
    }
    json_close_object(w);
}

static void write_paths(struct json_writer *w, struct arena *arena) {
    json_add_object(w, STR("paths"));
    for (size_t i = 0; i < operation_count(); i++) {
        if (is_public(operation_at(i))) write_path(w, arena, i);
    }
    json_close_object(w);
}

/* ---- the document ---- */
static void write_tags(struct json_writer *w) {
    size_t count;
    const struct operation_table *const *tables = operation_tables(&count);
    json_add_array(w, STR("tags"));
    for (size_t t = 0; t < count; t++) {
        bool has_public = false;
        for (size_t i = 0; i < tables[t]->count; i++) has_public |= is_public(&tables[t]->rows[i]);
        if (!has_public) continue;
        json_open_object(w);
        json_add_z(w, STR("name"), tables[t]->title);
        json_add_z(w, STR("description"), tables[t]->sentence);
        json_close_object(w);
    }
    json_close_array(w);
}

static void write_components(struct json_writer *w) {
    json_add_object(w, STR("components"));
    json_add_raw(
        w, STR("securitySchemes"),
        STR("{\"senderKey\":{\"type\":\"http\",\"scheme\":\"bearer\",\"description\":\"Key of a sender domain (ph_...)\"},"
            "\"userKey\":{\"type\":\"http\",\"scheme\":\"bearer\",\"description\":\"Key of an account (phu_...); APIKey as a "
            "parameter does as well\"},"
            "\"adminKey\":{\"type\":\"http\",\"scheme\":\"bearer\",\"description\":\"Key of an administrator; AdminAPIKey as a "
            "parameter does as well\"},"
            "\"session\":{\"type\":\"apiKey\",\"in\":\"query\",\"name\":\"SessionID\",\"description\":\"From User.Login or "
            "Admin.Login; may stand in the body\"}}"));
    json_add_object(w, STR("schemas"));
    schema_components(w);
    json_add_raw(w, STR("CommandSuccess"),
                 STR("{\"type\":\"object\",\"required\":[\"Success\",\"ErrorCode\"],\"properties\":{\"Success\":{\"const\":true},"
                     "\"ErrorCode\":{\"const\":0}}}"));
    json_add_raw(
        w, STR("CommandRefusal"),
        STR("{\"type\":\"object\",\"required\":[\"Success\",\"ErrorCode\",\"ErrorMessage\",\"ErrorText\"],\"properties\":{"
            "\"Success\":{\"const\":false},\"ErrorCode\":{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"array\",\"items\":{"
            "\"type\":\"integer\"}}]},\"ErrorMessage\":{\"type\":\"string\"},\"ErrorText\":{\"type\":\"string\"},\"Field\":{"
            "\"type\":\"string\"}}}"));
    json_add_raw(
        w, STR("Errors"),
        STR("{\"type\":\"object\",\"required\":[\"Errors\"],\"properties\":{\"Errors\":{\"type\":\"array\",\"minItems\":1,"
            "\"items\":{\"type\":\"object\",\"required\":[\"Code\",\"Message\"],\"properties\":{\"Code\":{\"type\":\"integer\"},"
            "\"Message\":{\"type\":\"string\"},\"Field\":{\"type\":\"string\"}}}}}}"));
    json_close_object(w);
    json_close_object(w);
}

void openapi_write(struct buf *out) {
    ARENA_AUTO arena = {0};
    struct json_writer w = {.out = out};
    json_open_object(&w);
    json_add_z(&w, STR("openapi"), "3.1.0");
    json_add_object(&w, STR("info"));
    json_add_z(&w, STR("title"), "Posthorn");
    json_add_z(&w, STR("version"), POSTHORN_VERSION);
    json_add_z(
        &w, STR("description"),
        "A self-hosted e-mail gateway. Parameters may come as JSON, as a form, as multipart or in the query; their names are "
        "matched without regard to case. Every command of /api.php may also be sent to /api.php itself, with its name in "
        "the parameter Command.");
    json_add_raw(&w, STR("license"), STR("{\"name\":\"Apache-2.0\",\"identifier\":\"Apache-2.0\"}"));
    json_close_object(&w);
    json_add_raw(&w, STR("servers"), STR("[{\"url\":\"/\",\"description\":\"This gateway\"}]"));
    write_tags(&w);
    write_paths(&w, &arena);
    write_components(&w);
    json_close_object(&w);
}
