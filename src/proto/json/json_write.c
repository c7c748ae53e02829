/* json_write.c - values with the commas in front of them.
 *
 * before_value() is the one place that writes a comma, from the one bit of state; there is no stack and no check of nesting.
 * Strings go out in runs of bytes that need no escape; what is no UTF-8 becomes U+FFFD, so hostile text never makes an answer
 * that a client cannot read. Nothing is buffered here: it all stands in the caller's buf.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/json/json_write.h"

#include "base/clock.h"
#include "proto/json/json_scan.h"

#include <string.h>

static void before_value(struct json_writer *w) {
    if (w->comma) buf_add_char(w->out, ',');
    w->comma = true;
}

static void open_with(struct json_writer *w, char c) {
    before_value(w);
    buf_add_char(w->out, c);
    w->comma = false;
}

static void close_with(struct json_writer *w, char c) {
    buf_add_char(w->out, c);
    w->comma = true;
}

void json_open_object(struct json_writer *w) {
    open_with(w, '{');
}

void json_close_object(struct json_writer *w) {
    close_with(w, '}');
}

void json_open_array(struct json_writer *w) {
    open_with(w, '[');
}

void json_close_array(struct json_writer *w) {
    close_with(w, ']');
}

/* The end of what goes out as it is: plain ASCII and well-formed UTF-8. */
static const char *skip_clean(const char *p, const char *end) {
    for (;;) {
        p = json_skip_plain(p, end);
        size_t n = p < end && (unsigned char)*p >= 0x80 ? json_utf8_length(p, end) : 0;
        if (!n) return p;
        p += n;
    }
}

static void add_escaped(struct buf *out, unsigned char c) {
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    const char *at = c ? strchr(from, c) : NULL;
    if (at) {
        buf_add_char(out, '\\');
        buf_add_char(out, to[at - from]);
    } else if (c == 0 || c >= 0x80) { /* our own reader refuses \u0000 too */
        buf_add(out, "\xEF\xBF\xBD", 3);
    } else {
        buf_addf(out, "\\u%04x", c);
    }
}

static void add_unclean(struct buf *out, struct str s) {
    const char *p = s.p, *end = s.p + s.n;
    buf_add_char(out, '"');
    while (p < end) {
        const char *clean = skip_clean(p, end);
        buf_add(out, p, (size_t)(clean - p));
        p = clean;
        if (p < end) add_escaped(out, (unsigned char)*p++);
    }
    buf_add_char(out, '"');
}

/* Nearly every string is clean: one copy, with its quotation marks. */
static void add_quoted(struct buf *out, struct str s) {
    if (s.n && skip_clean(s.p, s.p + s.n) < s.p + s.n) {
        add_unclean(out, s);
        return;
    }
    char *to = buf_reserve(out, s.n + 2);
    to[0] = '"';
    if (s.n) memcpy(to + 1, s.p, s.n);
    to[s.n + 1] = '"';
    buf_grew(out, s.n + 2);
}

void json_key(struct json_writer *w, struct str key) {
    before_value(w);
    add_quoted(w->out, key);
    buf_add_char(w->out, ':');
    w->comma = false;
}

void json_str(struct json_writer *w, struct str s) {
    before_value(w);
    add_quoted(w->out, s);
}

void json_z(struct json_writer *w, const char *z) {
    json_str(w, str_from_z(z));
}

void json_i64(struct json_writer *w, int64_t v) {
    before_value(w);
    buf_add_i64(w->out, v);
}

void json_bool(struct json_writer *w, bool v) {
    json_raw(w, v ? STR("true") : STR("false"));
}

void json_null(struct json_writer *w) {
    json_raw(w, STR("null"));
}

void json_raw(struct json_writer *w, struct str json) {
    before_value(w);
    buf_add_str(w->out, json);
}

/* One value of a tree, or the opening of a container. */
static void add_node(struct json_writer *w, const struct json *v) {
    if (v->key.p) json_key(w, v->key);
    switch (v->type) {
    case JSON_NULL:
        json_null(w);
        break;
    case JSON_BOOL:
        json_bool(w, v->boolean);
        break;
    case JSON_NUMBER:
        json_raw(w, v->text);
        break;
    case JSON_STRING:
        json_str(w, v->text);
        break;
    case JSON_ARRAY:
        json_open_array(w);
        break;
    case JSON_OBJECT:
        json_open_object(w);
        break;
    }
}

static void close_node(struct json_writer *w, const struct json *container) {
    if (container->type == JSON_ARRAY) {
        json_close_array(w);
    } else {
        json_close_object(w);
    }
}

static bool is_container(const struct json *v) {
    return v->type == JSON_ARRAY || v->type == JSON_OBJECT;
}

void json_value(struct json_writer *w, const struct json *value) {
    const struct json *stack[JSON_DEPTH_MAX];
    unsigned depth = 0;
    struct json top = *value;
    top.key = (struct str){0}; /* a member is written as a value of its own */
    top.next = NULL;
    for (const struct json *v = &top; v;) {
        add_node(w, v);
        if (is_container(v)) {
            stack[depth++] = v;
            v = v->first;
        } else {
            v = v->next;
        }
        while (!v && depth) {
            close_node(w, stack[--depth]);
            v = stack[depth]->next;
        }
    }
}

void json_add_str(struct json_writer *w, struct str key, struct str s) {
    json_key(w, key);
    json_str(w, s);
}

void json_add_z(struct json_writer *w, struct str key, const char *z) {
    json_key(w, key);
    json_z(w, z);
}

void json_add_i64(struct json_writer *w, struct str key, int64_t v) {
    json_key(w, key);
    json_i64(w, v);
}

void json_add_bool(struct json_writer *w, struct str key, bool v) {
    json_key(w, key);
    json_bool(w, v);
}

void json_add_raw(struct json_writer *w, struct str key, struct str json) {
    json_key(w, key);
    json_raw(w, json);
}

/* Straight into the output, without memory of their own: a list has thousands of them. */
static void open_text(struct json_writer *w, struct str key) {
    json_key(w, key);
    json_raw(w, STR("\""));
}

void json_add_id(struct json_writer *w, struct str key, int64_t id) {
    open_text(w, key);
    buf_add_i64(w->out, id);
    buf_add_char(w->out, '"');
}

void json_add_uuid(struct json_writer *w, struct str key, struct id uuid) {
    char text[ID_TEXT_LEN + 1];
    id_format(uuid, text);
    json_add_z(w, key, text);
}

void json_add_time(struct json_writer *w, struct str key, int64_t wall_ms) {
    open_text(w, key);
    if (wall_ms) time_add_sql(w->out, wall_ms);
    buf_add_char(w->out, '"');
}

void json_add_iso_time(struct json_writer *w, struct str key, int64_t wall_ms) {
    open_text(w, key);
    if (wall_ms) time_add_iso_ms(w->out, wall_ms);
    buf_add_char(w->out, '"');
}

void json_add_object(struct json_writer *w, struct str key) {
    json_key(w, key);
    json_open_object(w);
}

void json_add_array(struct json_writer *w, struct str key) {
    json_key(w, key);
    json_open_array(w);
}
