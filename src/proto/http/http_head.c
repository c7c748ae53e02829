/* http_head.c - reading heads. Finding the end is apart from taking apart, so that the second never sees a piece.
 *
 * Every rule here closes a way in which two programs could disagree about where a message ends (RFC 9112 11.2): one line ending,
 * one meaning of Content-Length, no Transfer-Encoding but "chunked", nothing repaired.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/http/http.h"

#include "proto/url/url.h"

#include <string.h>

static bool refuse(struct http_refusal *ret, int status, const char *why) {
    *ret = (struct http_refusal){status, why};
    return false;
}

/* A CR that is not followed by LF, or a NUL, in a line without its end; the last byte may be a CR whose LF is to come. */
static bool line_is_bad(struct str line, bool ended) {
    const char *cr = memchr(line.p, '\r', line.n);
    if (cr && (ended || cr != line.p + line.n - 1)) return true;
    return memchr(line.p, 0, line.n) != NULL;
}

static bool scan_line(struct http_scan *scan, struct str in, bool *ret_end, struct http_refusal *ret_refusal) {
    const char *start = in.p + scan->at;
    const char *lf = memchr(start, '\n', in.n - scan->at);
    struct str line = {start, lf ? (size_t)(lf - start) : in.n - scan->at};
    if (lf && (line.n == 0 || line.p[line.n - 1] != '\r')) return refuse(ret_refusal, 400, "a line ends in a bare LF");
    if (lf) line.n--;
    if (line_is_bad(line, lf != NULL)) return refuse(ret_refusal, 400, "a bare CR or a NUL stands in a line");
    if (scan->lines == 0 && line.n > HTTP_TARGET_MAX + 32) return refuse(ret_refusal, 414, "the request target is too long");
    if (!lf) {
        *ret_end = false;
        return true;
    }
    scan->at += line.n + 2;
    scan->lines++;
    *ret_end = line.n == 0;
    if (!*ret_end && scan->lines > HTTP_LINES_MAX + 1) return refuse(ret_refusal, 431, "there are too many header lines");
    return true;
}

enum parse http_scan_head(struct http_scan *scan, struct str in, size_t *ret_len, struct http_refusal *ret_refusal) {
    struct str head = str_sub(in, 0, HTTP_HEAD_MAX);
    while (scan->at < head.n) {
        size_t before = scan->at;
        bool end;
        if (!scan_line(scan, head, &end, ret_refusal)) return PARSE_BAD;
        if (end) {
            *ret_len = scan->at;
            return PARSE_DONE;
        }
        if (scan->at == before) break;
    }
    if (in.n < HTTP_HEAD_MAX) return PARSE_MORE;
    refuse(ret_refusal, 431, "the head is too long");
    return PARSE_BAD;
}

size_t http_skip_blank(struct str in, size_t max) {
    size_t n = 0;
    while (max-- && in.n - n >= 2 && in.p[n] == '\r' && in.p[n + 1] == '\n') n += 2;
    return n;
}

static bool is_token_char(char c) {
    return ascii_is_alnum(c) || (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_token(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if (!is_token_char(s.p[i])) return false;
    return s.n > 0;
}

static bool is_visible(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= 0x20 || s.p[i] == 0x7F) return false; /* char is signed or the byte is above 0x7F: both out of range */
    return str_is_ascii(s);
}

static struct str trim_ows(struct str s) {
    while (s.n && (*s.p == ' ' || *s.p == '\t')) s.p++, s.n--;
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t')) s.n--;
    return s;
}

/* The next line of a scanned head, without CRLF. */
static struct str next_line(struct str *rest) {
    size_t lf = str_find(*rest, '\n');
    struct str line = {rest->p, lf - 1};
    *rest = str_sub(*rest, lf + 1, SIZE_MAX);
    return line;
}

static bool value_is_clean(struct str value) {
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];
        if ((c < 0x20 && c != '\t') || c == 0x7F) return false;
    }
    return true;
}

/* Framing headers are taken in their one usual spelling: at most one space before the value, none after (HT07, HT10). */
static bool is_framing(struct str name) {
    return str_eq_nocase(name, STR("content-length")) || str_eq_nocase(name, STR("transfer-encoding"));
}

static bool parse_field(struct str line, struct http_header *ret, struct http_refusal *ret_refusal) {
    size_t colon = str_find(line, ':');
    if (colon == STR_NONE) return refuse(ret_refusal, 400, "a header line has no colon");
    struct str name = str_sub(line, 0, colon), raw = str_sub(line, colon + 1, SIZE_MAX);
    if (!is_token(name)) return refuse(ret_refusal, 400, "a header name is not a token");
    if (!value_is_clean(raw)) return refuse(ret_refusal, 400, "a header value holds a control character");
    struct str value = trim_ows(raw);
    if (is_framing(name) && raw.n != value.n && !(raw.n == value.n + 1 && raw.p[0] == ' ')) {
        return refuse(ret_refusal, 400, "a framing header has stray blanks");
    }
    *ret = (struct http_header){name, value};
    return true;
}

static bool parse_fields(struct arena *arena, struct str rest, struct http_fields *ret, struct http_refusal *ret_refusal) {
    size_t lines = 0;
    for (size_t i = 0; i < rest.n; i++) lines += rest.p[i] == '\n';
    ret->list = arena_array(arena, lines, sizeof(struct http_header));
    for (struct str line = next_line(&rest); line.n > 0; line = next_line(&rest)) {
        if (!parse_field(line, &ret->list[ret->count], ret_refusal)) return false;
        ret->count++;
    }
    return true;
}

static bool judge_chunked(struct http_fields *f, unsigned minor, struct http_refusal *ret_refusal) {
    if (http_fields_count(f, STR("content-length"))) {
        return refuse(ret_refusal, 400, "Content-Length and Transfer-Encoding exclude each other");
    }
    if (minor == 0) return refuse(ret_refusal, 400, "HTTP/1.0 has no Transfer-Encoding");
    if (http_fields_count(f, STR("transfer-encoding")) > 1) return refuse(ret_refusal, 400, "Transfer-Encoding stands twice");
    if (!str_eq_nocase(http_fields_find(f, STR("transfer-encoding")), STR("chunked"))) {
        return refuse(ret_refusal, 501, "the only Transfer-Encoding here is chunked");
    }
    f->framing = HTTP_FRAMING_CHUNKED;
    return true;
}

static bool judge_framing(struct http_fields *f, unsigned minor, struct http_refusal *ret_refusal) {
    if (http_fields_count(f, STR("transfer-encoding"))) return judge_chunked(f, minor, ret_refusal);
    size_t lengths = http_fields_count(f, STR("content-length"));
    if (lengths == 0) return true;
    if (lengths > 1) return refuse(ret_refusal, 400, "Content-Length stands twice");
    uint64_t length;
    struct str text = http_fields_find(f, STR("content-length"));
    if (text.n > 19 || !str_to_u64(text, &length) || length > INT64_MAX) {
        return refuse(ret_refusal, 400, "Content-Length is not a number");
    }
    f->framing = HTTP_FRAMING_LENGTH;
    f->length = length;
    return true;
}

/* Connection may come in several headers, each a list of tokens. */
static bool has_connection_token(const struct http_fields *f, struct str token) {
    for (size_t i = 0; i < f->count; i++) {
        if (!str_eq_nocase(f->list[i].name, STR("connection"))) continue;
        struct str rest = f->list[i].value, part;
        while (str_next(&rest, ',', &part))
            if (str_eq_nocase(trim_ows(part), token)) return true;
    }
    return false;
}

static bool parse_rest(struct arena *arena, struct str rest, unsigned minor, struct http_fields *ret,
                       struct http_refusal *ret_refusal) {
    if (!parse_fields(arena, rest, ret, ret_refusal) || !judge_framing(ret, minor, ret_refusal)) return false;
    bool close = has_connection_token(ret, STR("close"));
    ret->keep_alive = !close && (minor > 0 || has_connection_token(ret, STR("keep-alive")));
    return true;
}

/* "HTTP/1.1"; other versions of the same shape are 505. */
static bool parse_version(struct str s, unsigned *ret_minor, struct http_refusal *ret_refusal) {
    if (s.n != 8 || !str_starts(s, STR("HTTP/")) || !ascii_is_digit(s.p[5]) || s.p[6] != '.' || !ascii_is_digit(s.p[7])) {
        return refuse(ret_refusal, 400, "the protocol version is malformed");
    }
    if (s.p[5] != '1' || s.p[7] > '1') return refuse(ret_refusal, 505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
    *ret_minor = (unsigned)(s.p[7] - '0');
    return true;
}

static bool parse_request_line(struct str line, struct http_request *ret, struct http_refusal *ret_refusal) {
    struct str method, target, version, rest = line;
    if (!str_next(&rest, ' ', &method) || !str_next(&rest, ' ', &target) || !str_next(&rest, ' ', &version) || rest.p) {
        return refuse(ret_refusal, 400, "the request line is not METHOD TARGET VERSION");
    }
    if (!is_token(method) || !target.n) return refuse(ret_refusal, 400, "the request line is not METHOD TARGET VERSION");
    if (!parse_version(version, &ret->minor, ret_refusal)) return false;
    if (target.n > HTTP_TARGET_MAX) return refuse(ret_refusal, 414, "the request target is too long");
    if (!is_visible(target) || str_find(target, '#') != STR_NONE) {
        return refuse(ret_refusal, 400, "the request target holds a forbidden character");
    }
    ret->method = http_method_find(method);
    if (ret->method == HTTP_OTHER) return refuse(ret_refusal, 501, "the method is not known here");
    ret->method_text = method;
    ret->target = target;
    return true;
}

/* Host: a name or address, perhaps a port; nothing a URL could be bent with. */
static bool host_is_valid(struct str host) {
    for (size_t i = 0; i < host.n; i++)
        if (!ascii_is_alnum(host.p[i]) && (host.p[i] == 0 || !strchr("-._:[]", host.p[i]))) return false;
    return true;
}

static bool parse_host(struct http_request *r, struct http_refusal *ret_refusal) {
    size_t count = http_fields_count(&r->fields, STR("host"));
    if (count > 1) return refuse(ret_refusal, 400, "Host stands twice");
    r->host = http_fields_find(&r->fields, STR("host"));
    if (r->minor > 0 && !r->host.n) return refuse(ret_refusal, 400, "Host is missing");
    if (!host_is_valid(r->host)) return refuse(ret_refusal, 400, "Host is malformed");
    return true;
}

/* Take "http://authority" off an absolute target; its authority has to be the Host (HT29). */
static bool strip_authority(struct http_request *r, struct str *target, struct http_refusal *ret_refusal) {
    if (!str_starts_nocase(*target, STR("http://")) && !str_starts_nocase(*target, STR("https://"))) {
        return refuse(ret_refusal, 400, "the request target is malformed");
    }
    struct str rest = str_sub(*target, str_find_str(*target, STR("://")) + 3, SIZE_MAX);
    size_t end = 0;
    while (end < rest.n && rest.p[end] != '/' && rest.p[end] != '?') end++;
    if (!str_eq_nocase(str_sub(rest, 0, end), r->host)) return refuse(ret_refusal, 400, "Host is not the target's host");
    *target = str_sub(rest, end, SIZE_MAX);
    return true;
}

static bool parse_target(struct http_request *r, struct http_refusal *ret_refusal) {
    struct str target = r->target;
    if (r->method == HTTP_OPTIONS && str_eq(target, STR("*"))) {
        r->path = target;
        return true;
    }
    if (target.p[0] != '/' && !strip_authority(r, &target, ret_refusal)) return false;
    size_t mark = str_find(target, '?');
    r->path = str_sub(target, 0, mark);
    if (!r->path.n) r->path = STR("/"); /* "http://host" and "http://host?x" */
    if (mark != STR_NONE) r->query = str_sub(target, mark + 1, SIZE_MAX);
    if (!url_path_is_safe(r->path)) return refuse(ret_refusal, 400, "the path is not in its plain form");
    return true;
}

static bool parse_expect(struct http_request *r, struct http_refusal *ret_refusal) {
    struct str expect = http_fields_find(&r->fields, STR("expect"));
    if (!expect.p || r->minor == 0) return true;
    if (http_fields_count(&r->fields, STR("expect")) > 1 || !str_eq_nocase(expect, STR("100-continue"))) {
        return refuse(ret_refusal, 417, "the only expectation met here is 100-continue");
    }
    bool empty = r->fields.framing == HTTP_FRAMING_NONE || (r->fields.framing == HTTP_FRAMING_LENGTH && r->fields.length == 0);
    r->expects_continue = !empty;
    return true;
}

bool http_request_parse(struct arena *arena, struct str head, struct http_request *ret, struct http_refusal *ret_refusal) {
    struct http_request r = {0};
    struct str rest = head;
    if (!parse_request_line(next_line(&rest), &r, ret_refusal)) return false;
    if (!parse_rest(arena, rest, r.minor, &r.fields, ret_refusal)) return false;
    if (!parse_host(&r, ret_refusal) || !parse_target(&r, ret_refusal) || !parse_expect(&r, ret_refusal)) return false;
    *ret = r;
    return true;
}

bool http_response_parse(struct arena *arena, struct str head, enum http_method method, struct http_response_head *ret,
                         struct http_refusal *ret_refusal) {
    struct http_response_head r = {0};
    struct str rest = head, line = next_line(&rest);
    uint64_t status;
    if (!parse_version(str_sub(line, 0, 8), &r.minor, ret_refusal)) return false;
    if (line.n < 12 || line.p[8] != ' ' || !str_to_u64(str_sub(line, 9, 3), &status) || status < 100 ||
        (line.n > 12 && line.p[12] != ' ')) {
        return refuse(ret_refusal, 400, "the status line is malformed");
    }
    r.status = (int)status;
    r.reason = str_sub(line, 13, SIZE_MAX);
    if (!parse_rest(arena, rest, r.minor, &r.fields, ret_refusal)) return false;
    if (method == HTTP_HEAD || http_status_is_bodiless(r.status)) {
        r.fields.framing = HTTP_FRAMING_NONE;
    } else if (r.fields.framing == HTTP_FRAMING_NONE) {
        r.fields.framing = HTTP_FRAMING_CLOSE;
        r.fields.keep_alive = false;
    }
    *ret = r;
    return true;
}
