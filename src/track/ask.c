/* ask.c - see ask.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "track/ask.h"

#include "proto/url/multipart.h"
#include "proto/url/url.h"

#define TAG_PREFIX STR("tag:")

/* ---- forms ---- */
static bool read_multipart(struct arena *arena, struct str type, struct str body, struct url_params *ret) {
    struct multipart_part *part = NULL;
    struct str boundary;
    if (!http_parameter(arena, type, STR("boundary"), &boundary)) return false;
    if (multipart_parse(arena, body, boundary, &part) != STATUS_OK) return false;
    for (; part; part = part->next)
        if (url_params_add(arena, ret, part->name, part->data) != STATUS_OK) return false;
    return true;
}

/* No type is a form's: some programs leave it out. */
static bool read_form(struct arena *arena, const struct http_request *request, struct str body, struct url_params *ret) {
    struct str type = http_fields_find(&request->fields, STR("Content-Type")), media = http_media_type(type);
    if (str_eq_nocase(media, STR("multipart/form-data"))) return read_multipart(arena, type, body, ret);
    if (media.n && !str_eq_nocase(media, STR("application/x-www-form-urlencoded"))) return false;
    return url_params_parse(arena, body, ret) == STATUS_OK;
}

static bool read_choice(struct str value, struct ask *a) {
    a->tag = STR("");
    if (str_eq(value, STR("list"))) {
        a->scope = LEAVE_LIST;
    } else if (str_eq(value, STR("all"))) {
        a->scope = LEAVE_ALL;
    } else if (str_starts(value, TAG_PREFIX) && value.n > TAG_PREFIX.n) {
        a->scope = LEAVE_TAG;
        a->tag = str_sub(value, TAG_PREFIX.n, SIZE_MAX);
    } else {
        return false;
    }
    return true;
}

/* One word that counts, and it is said once. */
static bool read_wish(struct arena *arena, const struct http_request *request, struct str body, struct ask *a) {
    struct url_params params = {0};
    size_t wishes = 0;
    if (!read_form(arena, request, body, &params)) return false;
    for (const struct url_param *p = params.first; p; p = p->next) {
        if (str_eq_nocase(p->name, STR("List-Unsubscribe"))) {
            a->is_one_click = str_eq_nocase(str_trim(p->value), STR("One-Click"));
            a->scope = LEAVE_LIST;
            if (!a->is_one_click) return false;
            wishes++;
        } else if (str_eq(p->name, STR("choice"))) {
            if (!read_choice(p->value, a)) return false;
            wishes++;
        }
    }
    return wishes == 1;
}

/* ---- requests ---- */
static bool is_prefetch(const struct http_fields *fields) {
    static const struct str names[] = {STR_INIT("Purpose"), STR_INIT("Sec-Purpose"), STR_INIT("X-Purpose"), STR_INIT("X-Moz")};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct str value = http_fields_find(fields, names[i]);
        if (str_starts_nocase(value, STR("prefetch")) || str_starts_nocase(value, STR("preview"))) return true;
    }
    return false;
}

int ask_parse(struct arena *arena, const struct http_request *request, struct str body, struct str client, struct ask *ret) {
    struct ask a = {.host = request->host, .scope = LEAVE_LIST, .tag = STR("")};
    bool looks = request->method == HTTP_GET || request->method == HTTP_HEAD;
    if (!track_path_parse(request->path, arena, &a.kind, &a.token)) return 404;
    a.is_to_act = a.kind == TRACK_UNSUBSCRIBE && request->method == HTTP_POST;
    if (!looks && !a.is_to_act) return 405;
    if (a.is_to_act && (body.n > ASK_BODY_MAX || !read_wish(arena, request, body, &a))) return 400;
    a.reader = (struct track_reader){.user_agent = http_fields_find(&request->fields, STR("User-Agent")),
                                     .client = client,
                                     .is_head = request->method == HTTP_HEAD,
                                     .is_prefetch = is_prefetch(&request->fields)};
    *ret = a;
    return 0;
}
