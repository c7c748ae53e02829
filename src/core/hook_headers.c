/* hook_headers.c - see hook_headers.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/hook_headers.h"

#include "proto/json/json.h"

#include <string.h>

/* What frames a call or speaks to the hops between, and what is ours to say. */
static const struct str reserved[] = {
    STR_INIT("Connection"), STR_INIT("Content-Length"), STR_INIT("Content-Type"),        STR_INIT("Expect"),
    STR_INIT("Host"),       STR_INIT("Keep-Alive"),     STR_INIT("Proxy-Authorization"), STR_INIT("Proxy-Connection"),
    STR_INIT("TE"),         STR_INIT("Trailer"),        STR_INIT("Transfer-Encoding"),   STR_INIT("Upgrade"),
};

static bool is_token(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if (!ascii_is_alnum(s.p[i]) && !memchr("!#$%&'*+-.^_`|~", s.p[i], 15)) return false;
    return s.n > 0;
}

static bool is_ours(struct str name) {
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        if (str_eq_nocase(name, reserved[i])) return true;
    return str_starts_nocase(name, STR("webhook-"));
}

static bool is_twice(const struct hook_headers *list, struct str name) {
    for (size_t i = 0; i < list->count; i++)
        if (str_eq_nocase(list->items[i].name, name)) return true;
    return false;
}

/* Why a member is no header field of theirs; NULL when it is. */
static const char *judge(const struct hook_headers *list, const struct json *it) {
    if (it->key.n > HOOK_HEADER_NAME_MAX || !is_token(it->key)) return "is no header name";
    if (is_ours(it->key)) return "is set by the gateway";
    if (is_twice(list, it->key)) return "stands there twice";
    if (it->type != JSON_STRING) return "has a value that is no text";
    if (it->text.n > HOOK_HEADER_VALUE_MAX || str_plain_run(it->text) != it->text.n) return "has a value that is no header value";
    return NULL;
}

bool hook_headers_parse(struct str json, struct arena *arena, struct hook_headers *ret, struct buf *why) {
    struct hook_headers list = {.count = 0};
    const struct json *object;
    struct json_error error;
    if (json.n > 0 && (!json_parse(arena, json, &object, &error) || !json_is(object, JSON_OBJECT))) {
        buf_add_z(why, "Headers is an object of names and values");
        return false;
    }
    if (json.n > 0 && object->count > HOOK_HEADERS_MAX) {
        buf_addf(why, "Headers has more than %d members", HOOK_HEADERS_MAX);
        return false;
    }
    JSON_FOR_EACH (it, json.n > 0 ? object : NULL) {
        const char *trouble = judge(&list, it);
        if (trouble) {
            buf_addf(why, "The header \"%.*s\" %s", STR_ARG(str_sub(it->key, 0, HOOK_HEADER_NAME_MAX)), trouble);
            return false;
        }
        list.items[list.count++] = (struct hook_header){it->key, it->text};
    }
    *ret = list;
    return true;
}

static void seal_context(int64_t webhook_id, struct buf *out) {
    buf_addf(out, "webhook-headers:%lld", (long long)webhook_id);
}

void hook_headers_seal(const struct seal_key *key, int64_t webhook_id, struct str json, const struct rand *rand,
                       struct buf *out) {
    BUF_AUTO context = {0};
    seal_context(webhook_id, &context);
    seal(key, buf_str(&context), json, rand, out);
}

enum status hook_headers_open(const struct seal_key *key, int64_t webhook_id, struct str sealed, struct buf *out) {
    BUF_AUTO context = {0};
    seal_context(webhook_id, &context);
    return seal_open(key, buf_str(&context), sealed, out);
}
