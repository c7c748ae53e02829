/* schema.c - parameter types and examples as JSON Schema.
 *
 * A parameter's schema is a constant text for its type - wide enough for every way in which a value may be written, since
 * numbers may come as texts - with the limits of its row beside it. An answer's schema is read off its example: what is shown
 * is there, with the type that it has.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/schema.h"

/* `members` of the schema; `words` for people. */
struct type_schema {
    const char *members, *words;
};
static const struct type_schema types[] = {
    [PARAM_TEXT] = {"\"type\":\"string\"", "text"},
    [PARAM_SECRET] = {"\"type\":\"string\",\"format\":\"password\"", "text"},
    [PARAM_CONTENT] = {"\"type\":\"string\"", "text"},
    [PARAM_ID] = {"\"type\":[\"integer\",\"string\"],\"pattern\":\"^[0-9]+$\"", "id"},
    [PARAM_LABEL] = {"\"type\":[\"string\",\"integer\"]", "text or number"},
    [PARAM_INT] = {"\"type\":[\"integer\",\"string\"],\"pattern\":\"^[0-9]+$\"", "number"},
    [PARAM_BOOL] = {"\"type\":[\"boolean\",\"integer\",\"string\"]", "yes or no"},
    [PARAM_TIME] = {"\"type\":[\"string\",\"integer\"]", "time"},
    [PARAM_MOMENT] = {"\"type\":[\"string\",\"integer\"]", "time"},
    [PARAM_EVENT] = {"\"anyOf\":[{\"type\":\"string\"},{\"type\":\"array\",\"items\":{\"type\":\"string\"}}]",
                     "event type, or a list"},
    [PARAM_DOMAIN] = {"\"type\":\"string\",\"maxLength\":253", "domain name"},
    [PARAM_HOST_LABEL] = {"\"type\":\"string\",\"pattern\":\"^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$\"", "host label"},
    [PARAM_SCOPES] = {"\"type\":\"string\"", "comma list"},
    [PARAM_MAILBOX] = {"\"$ref\":\"#/components/schemas/Mailbox\"", "mailbox"},
    [PARAM_MAILBOXES] = {"\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/Mailbox\"}", "list of mailboxes"},
    [PARAM_ATTACHMENTS] = {"\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/Attachment\"}", "list of attachments"},
    [PARAM_HEADERS] = {"\"type\":\"object\",\"additionalProperties\":{\"type\":[\"string\",\"number\"]}", "object"},
    [PARAM_STRINGS] = {"\"type\":\"array\",\"items\":{\"type\":\"string\"}", "list of texts"},
    [PARAM_METADATA] = {"\"type\":\"object\",\"additionalProperties\":{\"type\":[\"string\",\"number\"]}", "object"},
    [PARAM_EMAIL] = {"\"type\":\"string\",\"format\":\"email\"", "e-mail address"},
    [PARAM_UUID] = {"\"type\":\"string\",\"format\":\"uuid\"", "UUID"},
    [PARAM_CHOICE] = {"\"type\":\"string\"", "one of"},
    [PARAM_OBJECT] = {"\"type\":\"object\"", "object"},
    [PARAM_LIST] = {"\"type\":\"array\",\"items\":{}", "list"},
};

/* What the row's `max` bounds, by type. */
static const char *limit_of(enum param_type type) {
    switch (type) {
    case PARAM_TEXT:
    case PARAM_SECRET:
    case PARAM_LABEL:
    case PARAM_HOST_LABEL:
        return "maxLength";
    case PARAM_MAILBOXES:
    case PARAM_ATTACHMENTS:
    case PARAM_STRINGS:
    case PARAM_LIST:
        return "maxItems";
    case PARAM_HEADERS:
    case PARAM_METADATA:
    case PARAM_OBJECT:
        return "maxProperties";
    default:
        return NULL;
    }
}

static void add_limits(struct json_writer *w, const struct param *p) {
    const char *limit = limit_of(p->type);
    if (limit && p->max > 0) json_add_i64(w, str_from_z(limit), p->max);
    if (p->type == PARAM_INT) {
        json_add_i64(w, STR("minimum"), p->min);
        json_add_i64(w, STR("maximum"), p->max);
    }
    if (p->type != PARAM_CHOICE) return;
    struct str rest = str_from_z(p->choices), choice;
    json_add_array(w, STR("enum"));
    while (str_next(&rest, ',', &choice)) json_str(w, choice);
    json_close_array(w);
}

void schema_of_param(struct json_writer *w, const struct param *p) {
    json_open_object(w);
    buf_add_z(w->out, types[p->type].members);
    w->comma = true;
    add_limits(w, p);
    json_add_z(w, STR("description"), p->sentence);
    json_close_object(w);
}

void schema_describe(const struct param *p, struct buf *out) {
    const char *limit = limit_of(p->type);
    buf_add_z(out, types[p->type].words);
    if (p->type == PARAM_CHOICE) buf_addf(out, " %s", p->choices);
    if (p->type == PARAM_INT) buf_addf(out, " from %lld to %lld", (long long)p->min, (long long)p->max);
    if (limit && p->max > 0) buf_addf(out, ", at most %lld%s", (long long)p->max, limit[3] == 'L' ? " bytes" : "");
}

/* ---- answers ---- */
static bool is_optional(struct str name) {
    return str_ends(name, STR("?"));
}

static bool has_alternatives(struct str name) {
    return str_ends(name, STR("|")) || str_ends(name, STR("|?"));
}

static struct str bare(struct str name) {
    if (is_optional(name)) name.n--;
    if (str_ends(name, STR("|"))) name.n--;
    return name;
}

static void write_member(struct json_writer *w, const struct json *member) {
    json_key(w, bare(member->key));
    if (!has_alternatives(member->key)) {
        schema_of_example(w, member);
        return;
    }
    json_open_object(w);
    json_add_array(w, STR("anyOf"));
    JSON_FOR_EACH (it, member) schema_of_example(w, it);
    json_close_array(w);
    json_close_object(w);
}

static void write_object(struct json_writer *w, const struct json *example) {
    json_add_z(w, STR("type"), "object");
    const struct json *any = json_find(example, STR("*"));
    if (any) {
        json_key(w, STR("additionalProperties"));
        schema_of_example(w, any);
        return;
    }
    if (!example->count) return;
    json_add_object(w, STR("properties"));
    JSON_FOR_EACH (it, example) write_member(w, it);
    json_close_object(w);
    json_add_array(w, STR("required"));
    JSON_FOR_EACH (it, example) {
        if (!is_optional(it->key)) json_str(w, bare(it->key));
    }
    json_close_array(w);
}

static void write_number(struct json_writer *w, const struct json *example) {
    json_add_z(w, STR("type"), str_find(example->text, '.') == STR_NONE ? "integer" : "number");
}

void schema_of_example(struct json_writer *w, const struct json *example) {
    json_open_object(w);
    switch (example->type) {
    case JSON_OBJECT:
        write_object(w, example);
        break;
    case JSON_ARRAY:
        json_add_z(w, STR("type"), "array");
        json_key(w, STR("items"));
        if (example->count) {
            schema_of_example(w, json_first(example));
        } else {
            json_raw(w, STR("{}"));
        }
        break;
    case JSON_NUMBER:
        write_number(w, example);
        break;
    case JSON_STRING:
        json_add_z(w, STR("type"), "string");
        break;
    case JSON_BOOL:
        json_add_z(w, STR("type"), "boolean");
        break;
    default:
        break; /* null: anything */
    }
    json_close_object(w);
}

void schema_example(struct json_writer *w, const struct json *example, bool is_command) {
    if (example->type == JSON_ARRAY) {
        json_open_array(w);
        JSON_FOR_EACH (it, example) schema_example(w, it, false);
        json_close_array(w);
        return;
    }
    if (example->type != JSON_OBJECT) {
        json_value(w, example);
        return;
    }
    json_open_object(w);
    if (is_command) json_add_raw(w, STR("Success"), STR("true")), json_add_i64(w, STR("ErrorCode"), 0);
    JSON_FOR_EACH (it, example) {
        json_key(w, str_eq(it->key, STR("*")) ? STR("name") : bare(it->key));
        schema_example(w, has_alternatives(it->key) ? json_first(it) : it, false);
    }
    json_close_object(w);
}

/* ---- components ---- */
void schema_components(struct json_writer *w) {
    json_add_raw(
        w, STR("Mailbox"),
        STR("{\"type\":\"object\",\"description\":\"An e-mail address with the name to show; both keys are there, the name may "
            "be empty\",\"required\":[\"email\",\"name\"],\"properties\":{\"email\":{\"type\":\"string\"},\"name\":{\"type\":"
            "\"string\"},\"data\":{\"type\":\"object\",\"description\":\"Merge fields for this recipient\"}}}"));
    json_add_raw(w, STR("Attachment"),
                 STR("{\"type\":\"object\",\"required\":[\"content\"],\"properties\":{\"filename\":{\"type\":\"string\"},"
                     "\"content\":{\"type\":"
                     "\"string\",\"description\":\"base64\"},\"type\":{\"type\":\"string\",\"description\":\"Content "
                     "type\"},\"disposition\":{"
                     "\"type\":\"string\",\"enum\":[\"attachment\",\"inline\"]},\"contentid\":{\"type\":\"string\"}}}"));
}
