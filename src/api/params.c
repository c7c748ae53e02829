/* params.c - one small function a type, in a table: it fills an arg or says in a few words what is wrong.
 *
 * JSON, forms and queries meet here: a number may come as a string of digits, a yes in several spellings. Each function sees one
 * value and knows nothing of the operation but the limits in its row; the sentence around its words is refused.c's. To add a
 * type: a function, and its row.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/params.h"

#include "base/clock.h"
#include "base/id.h"
#include "core/events.h"
#include "core/keys.h"
#include "core/send_values.h"
#include "proto/address/address.h"

#include <assert.h>
#include <string.h>

#define TEXT_MAX 1024 /* bytes, where the table names none */

/* NULL: fine. Else a predicate: "must be a number". */
typedef const char *(*param_fn)(const struct param *p, const struct json *value, struct arena *arena, struct arg *arg);

static bool is_text(const struct json *value) {
    return json_is(value, JSON_STRING);
}

/* A number, or a string of digits. */
static bool to_integer(const struct json *value, int64_t *ret) {
    return is_text(value) ? str_to_i64(value->text, ret) : json_to_i64(value, ret);
}

static size_t text_max(const struct param *p) {
    return p->max > 0 ? (size_t)p->max : TEXT_MAX;
}

static const char *check_secret(const struct param *p, const struct json *value, struct arena *arena, struct arg *arg) {
    (void)arena;
    if (!is_text(value)) return "must be a text";
    if (value->text.n > text_max(p)) return "is too long";
    arg->text = value->text;
    return NULL;
}

static const char *check_text(const struct param *p, const struct json *value, struct arena *arena, struct arg *arg) {
    if (is_text(value) && str_has_control(value->text)) return "must not hold control characters or line breaks";
    return check_secret(p, value, arena, arg);
}

static const char *check_content(const struct param *p, const struct json *value, struct arena *arena, struct arg *arg) {
    (void)p, (void)arena;
    if (!is_text(value)) return "must be a text";
    arg->text = value->text;
    return NULL;
}

static const char *check_id(const struct param *p, const struct json *value, struct arena *arena, struct arg *arg) {
    (void)p, (void)arena;
    return to_integer(value, &arg->number) && arg->number > 0 ? NULL : "must be an id";
}

static const char *check_label(const struct param *p, const struct json *value, struct arena *arena, struct arg *arg) {
    int64_t number;
    if (json_is(value, JSON_NUMBER) && json_to_i64(value, &number)) {
        arg->text = value->text;
        return NULL;
    }
    return check_text(p, value, arena, arg);
}

static const char *check_int(const struct param *p, const struct json *value, struct arena *arena, struct arg *arg) {
    if (!to_integer(value, &arg->number)) return "must be a whole number";
    if (arg->number >= p->min && arg->number <= p->max) return NULL;
    return arena_strf(arena, "must be from %lld to %lld", (long long)p->min, (long long)p->max).p;
}

static const char *check_bool(const struct param *p, const struct json *value, struct arena *arena, struct arg *arg) {
    (void)p, (void)arena;
    bool is_word = json_is(value, JSON_STRING) || json_is(value, JSON_NUMBER);
    bool is_on = json_is(value, JSON_BOOL) && value->boolean;
    if (!json_is(value, JSON_BOOL) && (!is_word || !send_switch_parse(value->text, &is_on))) return "must be true or false";
    arg->number = is_on;
    return NULL;
}

static const char *check_time(const struct param *p, const struct json *value, struct arena *arena, struct arg *arg) {
    (void)arena;
    bool has_time = true, is_word = is_text(value) || json_is(value, JSON_NUMBER);
    if (!is_word || !send_time_parse(value->text, &arg->number, &has_time))
        return p->type == PARAM_MOMENT ? "must be a Unix time or YYYY-MM-DD HH:MM:SS"
                                       : "must be a Unix time, YYYY-MM-DD HH:MM:SS or YYYY-MM-DD";
    if (p->type == PARAM_MOMENT && !has_time) return "must have a time of day";
    arg->span_ms = has_time ? 1000 : 86400000;
    return NULL;
}

static const char *check_event(const struct param *p, const struct json *value, struct arena *arena, struct arg *arg) {
    (void)p, (void)arena;
    static const char why[] = "must be one of send, deferred, delivery, bounce, failed, suppressed, open, click, unsubscribe, "
                              "complaint, or a list of them";
    if (is_text(value)) return event_types_parse(value->text, &arg->number) ? NULL : why;
    if (!json_is(value, JSON_ARRAY) || value->count == 0) return why;
    int64_t types = 0;
    JSON_FOR_EACH (it, value) {
        if (!is_text(it) || !event_types_parse(it->text, &arg->number)) return why;
        types |= arg->number;
    }
    arg->number = types;
    return NULL;
}

static const char *check_domain(const struct param *p, const struct json *value, struct arena *arena, struct arg *arg) {
    (void)p;
    return is_text(value) && domain_parse(value->text, arena, &arg->text) ? NULL : "must be a domain name";
}

static const char *check_host_label(const struct param *p, const struct json *value, struct arena *arena, struct arg *arg) {
    static const char why[] = "must be letters, digits and inner hyphens, at most 32";
    if (!is_text(value) || value->text.n == 0 || value->text.n > text_max(p)) return why;
    struct str text = value->text;
    for (size_t i = 0; i < text.n; i++) {
        if (!ascii_is_alnum(text.p[i]) && text.p[i] != '-') return why;
    }
    if (text.p[0] == '-' || text.p[text.n - 1] == '-') return why;
    arg->text = arena_lower(arena, text);
    return NULL;
}

static const char *check_scopes(const struct param *p, const struct json *value, struct arena *arena, struct arg *arg) {
    (void)p, (void)arena;
    int scopes;
    if (!is_text(value) || !sender_scopes_parse(value->text, &scopes)) return "must be a comma list of send, events, webhooks";
    arg->number = scopes;
    return NULL;
}

static const char *check_object(const struct param *p, const struct json *value, struct arena *arena, struct arg *arg) {
    (void)arena, (void)arg;
    return send_object_refuse(value, (size_t)p->max);
}

static const char *check_list(const struct param *p, const struct json *value, struct arena *arena, struct arg *arg) {
    (void)arena, (void)arg;
    if (!json_is(value, JSON_ARRAY)) return "must be a list";
    return p->max && value->count > (uint64_t)p->max ? "has too many items" : NULL;
}

static const char *check_strings(const struct param *p, const struct json *value, struct arena *arena, struct arg *arg) {
    (void)arena, (void)arg;
    return send_texts_refuse(value, (size_t)p->max, (size_t)p->min);
}

static const char *check_metadata(const struct param *p, const struct json *value, struct arena *arena, struct arg *arg) {
    (void)arena, (void)arg;
    return send_metadata_refuse(value, (size_t)p->max, (size_t)p->min);
}

static const char *check_email(const struct param *p, const struct json *value, struct arena *arena, struct arg *arg) {
    (void)p;
    struct address address;
    if (!is_text(value) || !address_parse(value->text, arena, &address)) return "must be an e-mail address";
    arg->text = address.text;
    return NULL;
}

static const char *check_uuid(const struct param *p, const struct json *value, struct arena *arena, struct arg *arg) {
    (void)p;
    struct id id;
    if (!is_text(value) || !id_parse(value->text, &id)) return "must be a UUID";
    arg->text = arena_str(arena, str_make((const char *)id.b, sizeof id.b));
    return NULL;
}

static const char *check_choice(const struct param *p, const struct json *value, struct arena *arena, struct arg *arg) {
    struct str rest = str_from_z(p->choices), choice;
    for (int64_t i = 0; is_text(value) && str_next(&rest, ',', &choice); i++) {
        if (!str_eq_nocase(choice, value->text)) continue;
        arg->number = i;
        arg->text = choice;
        return NULL;
    }
    return arena_strf(arena, "must be one of %s", p->choices).p;
}

/* What may come as a text that reads as JSON: forms know nothing else, and clients of the reference send lists so in JSON too. */
static bool is_structured(enum param_type type) {
    return type == PARAM_EVENT || (type >= PARAM_MAILBOX && type <= PARAM_METADATA) || type == PARAM_OBJECT || type == PARAM_LIST;
}

static const param_fn checks[] = {
    [PARAM_TEXT] = check_text,         [PARAM_SECRET] = check_secret,
    [PARAM_CONTENT] = check_content,   [PARAM_ID] = check_id,
    [PARAM_LABEL] = check_label,       [PARAM_INT] = check_int,
    [PARAM_BOOL] = check_bool,         [PARAM_TIME] = check_time,
    [PARAM_MOMENT] = check_time,       [PARAM_EVENT] = check_event,
    [PARAM_DOMAIN] = check_domain,     [PARAM_HOST_LABEL] = check_host_label,
    [PARAM_SCOPES] = check_scopes,     [PARAM_MAILBOX] = check_object,
    [PARAM_MAILBOXES] = check_list,    [PARAM_ATTACHMENTS] = check_list,
    [PARAM_HEADERS] = check_object,    [PARAM_STRINGS] = check_strings,
    [PARAM_METADATA] = check_metadata, [PARAM_EMAIL] = check_email,
    [PARAM_UUID] = check_uuid,         [PARAM_CHOICE] = check_choice,
    [PARAM_OBJECT] = check_object,     [PARAM_LIST] = check_list,
};

static void refuse(struct refused_list *refused, struct arena *arena, const struct operation *op, const struct param *p,
                   const char *why) {
    int code = why ? p->invalid : p->missing;
    if (code && code != REFUSAL_FIELD) {
        refused_add(refused, op, code, str_from_z(p->name));
        return;
    }
    struct str sentence = arena_strf(arena, "%s %s", p->name, why ? why : "is missing");
    refused_say(refused, arena, REFUSAL_FIELD, str_from_z(p->name), sentence.p);
}

struct arg *params_check(const struct operation *op, const struct input *input, struct arena *arena,
                         struct refused_list *refused) {
    struct arg *args = arena_array(arena, op->param_count ? op->param_count : 1, sizeof *args);
    for (size_t i = 0; i < op->param_count; i++) {
        const struct param *p = &op->params[i];
        struct arg arg = {.raw = input_find(input, str_from_z(p->name))};
        if (is_structured(p->type)) arg.raw = input_unfold(arena, arg.raw);
        const char *why = arg.raw ? checks[p->type](p, arg.raw, arena, &arg) : NULL;
        if (why || (!arg.raw && p->is_required)) refuse(refused, arena, op, p, why);
        arg.is_given = arg.raw && !why;
        args[i] = arg;
    }
    return args;
}

const struct arg *params_arg(const struct operation *op, const struct arg *args, const char *name) {
    for (size_t i = 0; i < op->param_count; i++) {
        if (strcmp(op->params[i].name, name) == 0) return &args[i];
    }
    assert(false && "no such parameter in the table");
    return NULL;
}
