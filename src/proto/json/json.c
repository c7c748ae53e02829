/* json.c - the reader: one loop over the text with an explicit stack of open containers.
 *
 * Speed comes from strings: runs without quote, backslash, control or non-ASCII bytes are skipped in blocks, so a base64
 * attachment of 30 MB is walked once and not copied. A string is copied only when it holds an escape.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/json/json.h"

#include "base/map.h"
#include "proto/json/json_scan.h"

#include <stdlib.h>
#include <string.h>

#define INDEX_FROM 16 /* members; smaller objects are searched in order */

/* Open addressing, a power of two of slots, at most half full. */
struct json_index {
    size_t mask;
    struct json *slots[];
};

struct frame {
    struct json *container;
    struct json *last;
};

struct reader {
    struct arena *arena;
    const char *start, *p, *end;
    struct frame stack[JSON_DEPTH_MAX];
    unsigned depth;
    size_t nodes;
    struct json *root;
    struct json_error *error;
};

static bool fail_at(struct reader *r, const char *at, const char *why) {
    *r->error = (struct json_error){(size_t)(at - r->start), why};
    return false;
}

static bool fail(struct reader *r, const char *why) {
    return fail_at(r, r->p, why);
}

static void skip_blanks(struct reader *r) {
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\n' || *r->p == '\r' || *r->p == '\t')) r->p++;
}

/* Four hexadecimal digits at p; -1 when broken. */
static int32_t read_hex4(const char *p, const char *end) {
    int32_t v = 0;
    if (end - p < 4) return -1;
    for (int i = 0; i < 4; i++) {
        char c = ascii_lower(p[i]);
        if (!ascii_is_digit(c) && (c < 'a' || c > 'f')) return -1;
        v = v * 16 + (ascii_is_digit(c) ? c - '0' : c - 'a' + 10);
    }
    return v;
}

static size_t put_utf8(char *out, uint32_t c) {
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 63));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 63));
        out[2] = (char)(0x80 | (c & 63));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 63));
    out[2] = (char)(0x80 | (c >> 6 & 63));
    out[3] = (char)(0x80 | (c & 63));
    return 4;
}

/* "\uXXXX", both halves of a pair; r->p stands on the 'u' and is left behind the escape. */
static bool read_unicode(struct reader *r, uint32_t *ret) {
    int32_t v = read_hex4(r->p + 1, r->end);
    if (v < 0) return fail(r, "a \\u escape needs four hexadecimal digits");
    if (v == 0) return fail(r, "\\u0000 is not allowed");
    if (v >= 0xDC00 && v <= 0xDFFF) return fail(r, "a low surrogate stands alone");
    const char *p = r->p + 5;
    *ret = (uint32_t)v;
    if (v >= 0xD800 && v <= 0xDBFF) {
        int32_t low = r->end - p >= 6 && p[0] == '\\' && p[1] == 'u' ? read_hex4(p + 2, r->end) : -1;
        if (low < 0xDC00 || low > 0xDFFF) return fail(r, "a high surrogate stands alone");
        *ret = 0x10000 + (((uint32_t)v - 0xD800) << 10) + ((uint32_t)low - 0xDC00);
        p += 6;
    }
    r->p = p;
    return true;
}

/* r->p stands behind the backslash. */
static bool read_escape(struct reader *r, uint32_t *ret) {
    static const char meaning[128] = {
        ['"'] = '"', ['\\'] = '\\', ['/'] = '/', ['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t'};
    if (r->p == r->end) return fail(r, "the text ends inside a string");
    unsigned char c = (unsigned char)*r->p;
    if (c == 'u') return read_unicode(r, ret);
    if (c >= sizeof(meaning) || !meaning[c]) return fail(r, "no such escape");
    *ret = (uint32_t)meaning[c];
    r->p++;
    return true;
}

/* Walk to the end of the run that needs no copying care: over plain bytes and UTF-8. Stops at '"', '\\' or fails. */
static bool skip_run(struct reader *r) {
    for (;;) {
        r->p = json_skip_plain(r->p, r->end);
        if (r->p == r->end) return fail(r, "the text ends inside a string");
        unsigned char c = (unsigned char)*r->p;
        if (c == '"' || c == '\\') return true;
        if (c < 0x20) return fail(r, "a control character stands in a string");
        size_t n = json_utf8_length(r->p, r->end);
        if (!n) return fail(r, "the string is not UTF-8");
        r->p += n;
    }
}

/* Bytes from `from` to the closing quote (or the end): a bound of the decoded length. A quote closes when the backslashes before
 * it pair up. */
static size_t raw_length(const struct reader *r, const char *from) {
    for (const char *p = from;; p++) {
        p = memchr(p, '"', (size_t)(r->end - p));
        if (!p) return (size_t)(r->end - from);
        const char *slash = p;
        while (slash > from && slash[-1] == '\\') slash--;
        if ((p - slash) % 2 == 0) return (size_t)(p - from);
    }
}

static bool read_escaped(struct reader *r, const char *from, struct str *ret) {
    char *out = arena_alloc(r->arena, raw_length(r, from) + 1);
    size_t n = (size_t)(r->p - from);
    memcpy(out, from, n);
    while (*r->p == '\\') {
        uint32_t c;
        r->p++;
        if (!read_escape(r, &c)) return false;
        n += put_utf8(out + n, c);
        const char *run = r->p;
        if (!skip_run(r)) return false;
        memcpy(out + n, run, (size_t)(r->p - run));
        n += (size_t)(r->p - run);
    }
    *ret = str_make(out, n);
    return true;
}

/* r->p stands on the opening quote and is left behind the closing one. */
static bool read_string(struct reader *r, struct str *ret) {
    const char *from = ++r->p;
    if (!skip_run(r)) return false;
    if (*r->p == '\\') {
        if (!read_escaped(r, from, ret)) return false;
    } else {
        *ret = str_make(from, (size_t)(r->p - from));
    }
    r->p++;
    return true;
}

static bool skip_digits(struct reader *r) {
    const char *from = r->p;
    while (r->p < r->end && ascii_is_digit(*r->p)) r->p++;
    return r->p > from;
}

static bool read_number(struct reader *r, struct str *ret) {
    const char *from = r->p;
    if (*r->p == '-') r->p++;
    bool zero = r->p < r->end && *r->p == '0';
    const char *digits = r->p;
    if (!skip_digits(r)) return fail(r, "a digit is missing");
    if (zero && r->p - digits > 1) return fail_at(r, digits, "a number starts with a zero");
    if (r->p < r->end && *r->p == '.') {
        r->p++;
        if (!skip_digits(r)) return fail(r, "a digit is missing");
    }
    if (r->p < r->end && (*r->p == 'e' || *r->p == 'E')) {
        r->p++;
        if (r->p < r->end && (*r->p == '+' || *r->p == '-')) r->p++;
        if (!skip_digits(r)) return fail(r, "a digit is missing");
    }
    *ret = str_make(from, (size_t)(r->p - from));
    return true;
}

static bool read_literal(struct reader *r, struct json *v) {
    static const struct {
        struct str text;
        enum json_type type;
        bool boolean;
    } literals[] = {
        {STR_INIT("true"), JSON_BOOL, true}, {STR_INIT("false"), JSON_BOOL, false}, {STR_INIT("null"), JSON_NULL, false}};
    for (size_t i = 0; i < 3; i++) {
        if (!str_starts(str_make(r->p, (size_t)(r->end - r->p)), literals[i].text)) continue;
        v->type = literals[i].type;
        v->boolean = literals[i].boolean;
        r->p += literals[i].text.n;
        return true;
    }
    return fail(r, "a value is expected here");
}

static size_t index_slot(const struct json_index *index, struct str key) {
    size_t i = (size_t)map_hash(key) & index->mask;
    while (index->slots[i] && !str_eq(index->slots[i]->key, key)) i = (i + 1) & index->mask;
    return i;
}

/* Tell twins, and keep the table of a big object for json_find. */
static bool close_object(struct reader *r, struct json *object) {
    static const char why[] = "a name stands twice in an object";
    if (object->count <= INDEX_FROM) {
        for (struct json *a = object->first; a; a = a->next)
            for (struct json *b = a->next; b; b = b->next)
                if (str_eq(a->key, b->key)) return fail(r, why);
        return true;
    }
    size_t slots = 64;
    while (slots < (size_t)object->count * 2) slots *= 2;
    struct json_index *index = arena_alloc(r->arena, sizeof(*index) + slots * sizeof(struct json *));
    index->mask = slots - 1;
    for (struct json *m = object->first; m; m = m->next) {
        size_t i = index_slot(index, m->key);
        if (index->slots[i]) return fail(r, why);
        index->slots[i] = m;
    }
    object->index = index;
    return true;
}

/* Hang a new value into the open container, or make it the root. */
static struct json *add_node(struct reader *r, struct str key) {
    struct json *v = ARENA_NEW(r->arena, struct json);
    v->key = key;
    if (!r->depth) {
        r->root = v;
        return v;
    }
    struct frame *f = &r->stack[r->depth - 1];
    if (f->last) {
        f->last->next = v;
    } else {
        f->container->first = v;
    }
    f->last = v;
    f->container->count++;
    return v;
}

static bool read_key(struct reader *r, struct str *ret) {
    skip_blanks(r);
    if (r->p == r->end || *r->p != '"') return fail(r, "a name in quotes is expected here");
    if (!read_string(r, ret)) return false;
    skip_blanks(r);
    if (r->p == r->end || *r->p != ':') return fail(r, "a colon is expected here");
    r->p++;
    return true;
}

static bool open_container(struct reader *r, struct json *v) {
    if (r->depth == JSON_DEPTH_MAX) return fail(r, "the nesting is deeper than 32");
    v->type = *r->p++ == '[' ? JSON_ARRAY : JSON_OBJECT;
    r->stack[r->depth++] = (struct frame){v, NULL};
    return true;
}

/* One value, with its name when the container around is an object. A container is only opened. */
static bool read_value(struct reader *r) {
    struct str key = {0};
    if (r->depth && r->stack[r->depth - 1].container->type == JSON_OBJECT && !read_key(r, &key)) return false;
    skip_blanks(r);
    if (r->p == r->end) return fail(r, "a value is expected here");
    if (++r->nodes > JSON_NODES_MAX) return fail(r, "there are too many values");
    struct json *v = add_node(r, key);
    char c = *r->p;
    if (c == '[' || c == '{') return open_container(r, v);
    if (c == '"') {
        v->type = JSON_STRING;
        return read_string(r, &v->text);
    }
    if (c == '-' || ascii_is_digit(c)) {
        v->type = JSON_NUMBER;
        return read_number(r, &v->text);
    }
    return read_literal(r, v);
}

/* Behind a value: close what closes, and stop where the next value has to stand. */
static bool read_closings(struct reader *r) {
    while (r->depth) {
        struct frame *f = &r->stack[r->depth - 1];
        bool is_array = f->container->type == JSON_ARRAY;
        skip_blanks(r);
        if (r->p == r->end) return fail(r, is_array ? "the text ends inside an array" : "the text ends inside an object");
        if (*r->p == (is_array ? ']' : '}')) {
            if (!is_array && !close_object(r, f->container)) return false;
            r->p++;
            r->depth--;
            continue;
        }
        if (!f->container->count) return true; /* just opened: the first value follows */
        if (*r->p != ',') return fail(r, "a comma or the end of the list is expected here");
        r->p++;
        return true;
    }
    return true;
}

bool json_parse(struct arena *arena, struct str text, const struct json **ret, struct json_error *ret_error) {
    const char *start = text.p ? text.p : "";
    struct reader r = {.arena = arena, .start = start, .p = start, .end = start + text.n, .error = ret_error};
    do {
        if (!read_value(&r) || !read_closings(&r)) return false;
    } while (r.depth);
    skip_blanks(&r);
    if (r.p != r.end) return fail(&r, "something follows the value");
    *ret = r.root;
    return true;
}

const struct json *json_first(const struct json *value) {
    return value && (value->type == JSON_ARRAY || value->type == JSON_OBJECT) ? value->first : NULL;
}

const struct json *json_find(const struct json *object, struct str name) {
    if (!json_is(object, JSON_OBJECT)) return NULL;
    if (object->index) return object->index->slots[index_slot(object->index, name)];
    JSON_FOR_EACH (m, object)
        if (str_eq(m->key, name)) return m;
    return NULL;
}

const struct json *json_find_nocase(const struct json *object, struct str name) {
    const struct json *found = json_find(object, name);
    if (found || !json_is(object, JSON_OBJECT)) return found;
    JSON_FOR_EACH (m, object)
        if (str_eq_nocase(m->key, name)) return m;
    return NULL;
}

struct str json_find_text(const struct json *object, struct str name) {
    const struct json *m = json_find(object, name);
    return json_is(m, JSON_STRING) ? m->text : (struct str){0};
}

bool json_to_i64(const struct json *value, int64_t *ret) {
    return json_is(value, JSON_NUMBER) && str_to_i64(value->text, ret);
}
