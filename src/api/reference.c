/* reference.c - the reference page in Markdown, from the table: for people who read before they call.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/openapi.h"

#include "api/schema.h"

static const char *caller_text(enum operation_caller caller) {
    static const char *const texts[] = {
        [CALLER_ANYONE] = "anyone",
        [CALLER_USER] = "an account: `APIKey`, `SessionID`, or `Authorization: Bearer`",
        [CALLER_SENDER] = "a sender key: `Authorization: Bearer`, or `SenderAPIKey`",
        [CALLER_EITHER] = "an account, or a sender key for its domain",
        [CALLER_ADMIN] = "an administrator: `AdminAPIKey`, or the `SessionID` of `Admin.Login`",
        [CALLER_OPERATOR] = "the operator",
    };
    return texts[caller];
}

/* '|' would end a cell of the table. */
static void add_cell(struct buf *out, struct str text) {
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '|') buf_add_char(out, '\\');
        buf_add_char(out, text.p[i]);
    }
}

static void write_params(struct buf *out, const struct operation *op) {
    if (!op->param_count) return;
    buf_add_z(out, "\n| parameter | | type | |\n|---|---|---|---|\n");
    for (size_t i = 0; i < op->param_count; i++) {
        const struct param *p = &op->params[i];
        BUF_AUTO type = {0};
        schema_describe(p, &type);
        buf_addf(out, "| `%s` | %s | ", p->name, p->is_required ? "required" : "");
        add_cell(out, buf_str(&type));
        buf_add_z(out, " | ");
        add_cell(out, str_from_z(p->sentence));
        buf_add_z(out, " |\n");
    }
}

static void write_refusals(struct buf *out, const struct operation *op) {
    bool is_rest = op->style == STYLE_REST;
    bool is_first = true;
    for (size_t i = 0; i < op->refusal_count; i++) {
        const struct refusal *r = &op->refusals[i];
        if (!r->message) continue;
        if (is_first) buf_add_z(out, is_rest ? "\n| code | HTTP | |\n|---|---|---|\n" : "\n| code | |\n|---|---|\n");
        is_first = false;
        buf_addf(out, "| %d | ", r->code);
        if (is_rest) buf_addf(out, "%d | ", r->http ? r->http : 422);
        add_cell(out, str_from_z(r->message));
        buf_add_z(out, " |\n");
    }
}

static void write_example(struct buf *out, const char *title, const char *text, bool is_answer, bool is_command) {
    ARENA_AUTO arena = {0};
    const struct json *value;
    struct json_error error;
    if (!text || !json_parse(&arena, str_from_z(text), &value, &error)) return;
    struct json_writer w = {.out = out};
    buf_addf(out, "\n%s:\n```json\n", title);
    if (is_answer) {
        schema_example(&w, value, is_command);
    } else {
        json_value(&w, value);
    }
    buf_add_z(out, "\n```\n");
}

static void write_operation(struct buf *out, const struct operation *op) {
    bool is_command = op->style == STYLE_COMMAND;
    if (is_command) {
        buf_addf(out, "\n### %s\n", op->name);
    } else {
        struct str method = http_method_name(op->method);
        buf_addf(out, "\n### %.*s %s\n", STR_ARG(method), op->path);
    }
    buf_addf(out, "%s. Who may call: %s.\n", op->sentence, caller_text(op->caller));
    if (op->aliases) buf_addf(out, "Also called: %s.\n", op->aliases);
    write_params(out, op);
    write_example(out, "Request", op->request, false, is_command);
    write_example(out, "Answer", op->answer, true, is_command);
    if (op->media) buf_addf(out, "\nAn answer that is no refusal is a file, one of: `%s`.\n", op->media);
    write_refusals(out, op);
}

static void write_common(struct buf *out) {
    size_t count;
    const struct refusal *common = operation_common_refusals(&count);
    buf_add_z(out, "\n## What every operation may answer\n\n| code | HTTP (commands: 200 for 401, 403, 404, 409 and 422) | "
                   "|\n|---|---|---|\n");
    for (size_t i = 0; i < count; i++) {
        buf_addf(out, "| %d | %d | %s |\n", common[i].code, common[i].http ? common[i].http : 422, common[i].message);
    }
}

void reference_write(struct buf *out) {
    size_t count;
    const struct operation_table *const *tables = operation_tables(&count);
    buf_add_z(out, "# API reference\n\n<!-- Made by posthorn man-api from the table of operations; change that. -->\n\n"
                   "Commands are sent to `/api.php` with their name in `Command` (or to `/api.php/<Command>`); they answer HTTP "
                   "200 with `Success` and "
                   "`ErrorCode`. Operations of `/api/v1` have paths and real HTTP statuses; a refusal lists all that is wrong: "
                   "`{\"Errors\":[{\"Code\",\"Message\",\"Field\"}]}`. Parameters may come as JSON, as a form, as multipart or "
                   "in the query; "
                   "their names are matched without regard to case. The same as an OpenAPI document: `/openapi.json`; to try it: "
                   "`/docs`.\n");
    for (size_t t = 0; t < count; t++) {
        bool is_first = true;
        for (size_t i = 0; i < tables[t]->count; i++) {
            const struct operation *op = &tables[t]->rows[i];
            if (op->style == STYLE_CONTROL) continue;
            if (is_first) buf_addf(out, "\n## %s\n%s.\n", tables[t]->title, tables[t]->sentence);
            is_first = false;
            write_operation(out, op);
        }
    }
    write_common(out);
}
