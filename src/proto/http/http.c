/* http.c - looking things up in heads, and writing them.
 *
 * Names are compared without regard to case; values are taken as http_head.c left them, trimmed and free of controls. What is
 * written cannot be split: no header leaves with a CR or LF in it (P5). Reading heads is http_head.c's,
 * bodies are http_body.c's.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/http/http.h"

#include <string.h>
#include <time.h>

struct str http_fields_find(const struct http_fields *fields, struct str name) {
    for (size_t i = 0; i < fields->count; i++)
        if (str_eq_nocase(fields->list[i].name, name)) return fields->list[i].value;
    return (struct str){0};
}

size_t http_fields_count(const struct http_fields *fields, struct str name) {
    size_t n = 0;
    for (size_t i = 0; i < fields->count; i++) n += str_eq_nocase(fields->list[i].name, name);
    return n;
}

struct str http_media_type(struct str content_type) {
    return str_trim(str_sub(content_type, 0, str_find(content_type, ';')));
}

/* Take `"..."` off *rest, backslashes resolved into `arena`. */
static bool take_quoted(struct arena *arena, struct str *rest, struct str *ret) {
    char *text = arena_alloc(arena, rest->n);
    size_t n = 0, i = 1;
    for (; i < rest->n && rest->p[i] != '"'; i++) {
        if (rest->p[i] == '\\' && ++i == rest->n) return false;
        text[n++] = rest->p[i];
    }
    if (i >= rest->n) return false;
    *ret = str_make(text, n);
    *rest = str_sub(*rest, i + 1, SIZE_MAX);
    return true;
}

static void skip_blanks(struct str *s) {
    while (s->n && (*s->p == ' ' || *s->p == '\t')) *s = str_sub(*s, 1, SIZE_MAX);
}

static bool take_value(struct arena *arena, struct str *rest, struct str *ret) {
    if (rest->n && rest->p[0] == '"') return take_quoted(arena, rest, ret);
    size_t end = str_find(*rest, ';');
    *ret = str_trim(str_sub(*rest, 0, end));
    *rest = end == STR_NONE ? str_make(rest->p + rest->n, 0) : str_sub(*rest, end, SIZE_MAX);
    return ret->n > 0;
}

bool http_parameter(struct arena *arena, struct str value, struct str name, struct str *ret) {
    size_t semicolon = str_find(value, ';');
    struct str rest = semicolon == STR_NONE ? (struct str){0} : str_sub(value, semicolon, SIZE_MAX);
    while (rest.n && rest.p[0] == ';') {
        rest = str_sub(rest, 1, SIZE_MAX);
        skip_blanks(&rest);
        if (!rest.n) break; /* a closing semicolon */
        size_t equals = str_find(rest, '=');
        if (equals == STR_NONE) return false;
        struct str key = str_sub(rest, 0, equals), text;
        rest = str_sub(rest, equals + 1, SIZE_MAX);
        if (!take_value(arena, &rest, &text)) return false;
        if (str_eq_nocase(key, name)) {
            *ret = text;
            return true;
        }
        skip_blanks(&rest);
    }
    return false;
}

static const struct str method_names[] = {
    [HTTP_GET] = STR_INIT("GET"),         [HTTP_HEAD] = STR_INIT("HEAD"),   [HTTP_POST] = STR_INIT("POST"),
    [HTTP_PUT] = STR_INIT("PUT"),         [HTTP_PATCH] = STR_INIT("PATCH"), [HTTP_DELETE] = STR_INIT("DELETE"),
    [HTTP_OPTIONS] = STR_INIT("OPTIONS"), [HTTP_OTHER] = STR_INIT(""),
};

struct str http_method_name(enum http_method method) {
    return method_names[method];
}

enum http_method http_method_find(struct str text) {
    unsigned m = HTTP_GET;
    while (m < HTTP_OTHER && !str_eq(text, method_names[m])) m++;
    return (enum http_method)m;
}

static const struct {
    int status;
    const char *text;
} reasons[] = {
    {100, "Continue"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};

const char *http_reason(int status) {
    for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
        if (reasons[i].status == status) return reasons[i].text;
    return "";
}

bool http_status_is_bodiless(int status) {
    return status < 200 || status == 204 || status == 304;
}

void http_add_status_line(struct buf *out, int status) {
    buf_addf(out, "HTTP/1.1 %d %s\r\n", status, http_reason(status));
}

void http_add_request_line(struct buf *out, enum http_method method, struct str target) {
    buf_add_str(out, http_method_name(method));
    buf_add_char(out, ' ');
    buf_add_str(out, target);
    buf_add_z(out, " HTTP/1.1\r\n");
}

void http_add_header(struct buf *out, struct str name, struct str value) {
    buf_add_str(out, name);
    buf_add(out, ": ", 2);
    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] != '\r' && value.p[i] != '\n' && value.p[i] != 0) buf_add_char(out, value.p[i]);
    buf_add(out, "\r\n", 2);
}

void http_add_header_u64(struct buf *out, struct str name, uint64_t value) {
    buf_add_str(out, name);
    buf_add(out, ": ", 2);
    buf_add_u64(out, value);
    buf_add(out, "\r\n", 2);
}

void http_add_date(struct buf *out, int64_t wall_ms) {
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm t;
    if (!gmtime_r(&seconds, &t)) return;
    buf_addf(out, "Date: %s, %02d %s %04d %02d:%02d:%02d GMT\r\n", days[t.tm_wday], t.tm_mday, months[t.tm_mon], t.tm_year + 1900,
             t.tm_hour, t.tm_min, t.tm_sec);
}

void http_add_end(struct buf *out) {
    buf_add(out, "\r\n", 2);
}
