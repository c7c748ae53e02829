/* token.c - see token.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/html/token.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

bool html_is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static bool is_in(struct str name, const char *const *list, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (str_eq_nocase(name, str_from_z(list[i]))) return true;
    return false;
}

static size_t skip_space(struct str in, size_t i) {
    while (i < in.n && html_is_space(in.p[i])) i++;
    return i;
}

/* ---- attributes ---- */
enum step { STEP_ATTRIBUTE, STEP_TAG_END, STEP_CUT };

/* The value behind '='; `i` is behind the '='. */
static enum step value_step(struct str in, size_t i, size_t *at, struct html_attribute *ret) {
    i = skip_space(in, i);
    if (i == in.n) return STEP_CUT;
    char c = in.p[i];
    if (c == '"' || c == '\'') {
        size_t n = str_find(str_sub(in, i + 1, SIZE_MAX), c);
        if (n == STR_NONE) return STEP_CUT;
        ret->quote = c;
        ret->value = str_sub(in, i + 1, n);
        *at = i + n + 2;
        return STEP_ATTRIBUTE;
    }
    size_t from = i;
    while (i < in.n && !html_is_space(in.p[i]) && in.p[i] != '>') i++;
    ret->value = str_sub(in, from, i - from);
    *at = i;
    return STEP_ATTRIBUTE;
}

/* One attribute from *at on, which moves behind it; or onto the tag's '>'. */
static enum step attribute_step(struct str in, size_t *at, struct html_attribute *ret) {
    size_t i = *at;
    while (i < in.n && (html_is_space(in.p[i]) || in.p[i] == '/')) i++;
    if (i == in.n) return STEP_CUT;
    *at = i;
    if (in.p[i] == '>') return STEP_TAG_END;
    size_t from = i++; /* whatever it is, '=' too */
    while (i < in.n && !html_is_space(in.p[i]) && in.p[i] != '/' && in.p[i] != '>' && in.p[i] != '=') i++;
    *ret = (struct html_attribute){.name = str_sub(in, from, i - from), .value = STR("")};
    *at = i;
    i = skip_space(in, i);
    return i < in.n && in.p[i] == '=' ? value_step(in, i + 1, at, ret) : STEP_ATTRIBUTE;
}

bool html_attribute_next(struct str *rest, struct html_attribute *ret) {
    size_t at = 0;
    if (attribute_step(*rest, &at, ret) != STEP_ATTRIBUTE) return false;
    *rest = str_sub(*rest, at, SIZE_MAX);
    return true;
}

/* ---- svg and math ---- */
static bool is_foreign(const struct html_tokenizer *t) {
    return t->depth > 0 && t->foreign[t->depth - 1] != HTML_POINT && !t->resume;
}

static void push(struct html_tokenizer *t, enum html_foreign what) {
    if (t->depth < HTML_FOREIGN_MAX) t->foreign[t->depth++] = (uint8_t)what;
}

/* Elements of HTML that end svg and math when they stand in it (13.2.6.5), but for <font>, which does so sometimes. */
static const char *const breakouts[] = {"b",      "big",  "blockquote", "body",  "br",   "center", "code",    "dd",   "div",
                                        "dl",     "dt",   "em",         "embed", "h1",   "h2",     "h3",      "h4",   "h5",
                                        "h6",     "head", "hr",         "i",     "img",  "li",     "listing", "menu", "meta",
                                        "nobr",   "ol",   "p",          "pre",   "ruby", "s",      "small",   "span", "strong",
                                        "strike", "sub",  "sup",        "table", "tt",   "u",      "ul",      "var"};
/* Inside which HTML begins again. */
static const char *const svg_points[] = {"foreignobject", "desc", "title"};
static const char *const math_points[] = {"mi", "mo", "mn", "ms", "mtext", "annotation-xml"};

static bool is_point(enum html_foreign inside, struct str name) {
    return inside == HTML_SVG ? is_in(name, svg_points, COUNT(svg_points)) : is_in(name, math_points, COUNT(math_points));
}

static void enter_foreign(struct html_tokenizer *t, struct str name, bool is_self_closing) {
    if (is_foreign(t) && is_in(name, breakouts, COUNT(breakouts)))
        while (is_foreign(t)) t->depth--;
    if (t->resume || is_self_closing) return;
    if (is_foreign(t) && is_point(t->foreign[t->depth - 1], name))
        push(t, HTML_POINT);
    else if (str_eq_nocase(name, STR("svg")))
        push(t, HTML_SVG);
    else if (str_eq_nocase(name, STR("math")))
        push(t, HTML_MATH);
}

static void leave_foreign(struct html_tokenizer *t, struct str name) {
    if (t->resume || t->depth == 0) return;
    enum html_foreign top = t->foreign[t->depth - 1];
    bool is_end = (top == HTML_SVG && str_eq_nocase(name, STR("svg"))) ||
                  (top == HTML_MATH && str_eq_nocase(name, STR("math"))) ||
                  (top == HTML_POINT && t->depth > 1 && is_point(t->foreign[t->depth - 2], name));
    if (is_end) t->depth--;
}

/* ---- tokens ---- */
static bool finish(struct html_tokenizer *t, enum html_token_type type, size_t end, struct html_token *ret) {
    ret->type = type;
    ret->raw = str_sub(t->in, t->at, end - t->at);
    ret->begins = t->at;
    t->at = end;
    return true;
}

static bool cut(struct html_tokenizer *t, size_t begins, struct str in, struct html_token *ret) {
    finish(t, HTML_CUT, in.n, ret);
    ret->begins = begins;
    return true;
}

/* Elements whose content is text, and <plaintext>, which nothing ends. */
static const char *const text_elements[] = {"script", "style",   "title",    "textarea", "xmp",
                                            "iframe", "noembed", "noframes", "plaintext"};

static bool tag(struct html_tokenizer *t, struct str in, bool is_end, struct html_token *ret) {
    struct html_attribute attribute = {.value = STR("")};
    size_t from = t->at + (is_end ? 2 : 1), i = from;
    while (i < in.n && !html_is_space(in.p[i]) && in.p[i] != '/' && in.p[i] != '>') i++;
    ret->name = str_sub(in, from, i - from);
    size_t name_end = i;
    enum step step;
    while ((step = attribute_step(in, &i, &attribute)) == STEP_ATTRIBUTE) {
    }
    if (step == STEP_CUT) {
        size_t begins = t->text_end && t->text_end == t->at ? t->text_element_at : t->at;
        return cut(t, begins, in, ret);
    }
    ret->attributes = str_sub(in, name_end, i + 1 - name_end);
    if (is_end) {
        leave_foreign(t, ret->name);
        return finish(t, HTML_END, i + 1, ret);
    }
    /* A slash that ends an unquoted value is no such slash. */
    bool is_self_closing = in.p[i - 1] == '/' && (i - 1 == name_end || attribute.value.p + attribute.value.n != in.p + i);
    enter_foreign(t, ret->name, is_self_closing);
    if (!is_foreign(t) && is_in(ret->name, text_elements, COUNT(text_elements))) {
        t->text_element = ret->name;
        t->text_element_at = t->at;
    }
    return finish(t, HTML_START, i + 1, ret);
}

/* Content of a text element: up to its end tag. */
static bool element_text(struct html_tokenizer *t, struct str in, struct html_token *ret) {
    struct str name = t->text_element;
    t->text_element = STR("");
    for (size_t i = t->at; !str_eq_nocase(name, STR("plaintext")) && i < in.n; i++) {
        size_t n = str_find(str_sub(in, i, SIZE_MAX), '<');
        if (n == STR_NONE) break;
        i += n;
        struct str rest = str_sub(in, i + 1, SIZE_MAX);
        if (rest.n < name.n + 2 || rest.p[0] != '/' || !str_starts_nocase(str_sub(rest, 1, SIZE_MAX), name)) continue;
        char c = rest.p[name.n + 1];
        if (!html_is_space(c) && c != '/' && c != '>') continue;
        t->text_end = i;
        return finish(t, HTML_TEXT, i, ret);
    }
    return cut(t, t->text_element_at, in, ret);
}

/* Where the comment that opens at t->at ends: *ret_content is where its dashes begin, the result is behind its '>'. */
static size_t comment_end(const struct html_tokenizer *t, struct str in, size_t *ret_content) {
    size_t open = t->at + 4;
    for (size_t i = open; i < in.n; i++) {
        size_t n = str_find(str_sub(in, i, SIZE_MAX), '>');
        if (n == STR_NONE) break;
        i += n;
        bool is_plain = in.p[i - 1] == '-' && in.p[i - 2] == '-'; /* the opening dashes will do: "<!-->" */
        bool is_bang = i >= open + 3 && in.p[i - 1] == '!' && in.p[i - 2] == '-' && in.p[i - 3] == '-';
        if (!is_plain && !is_bang) continue;
        *ret_content = i - (is_plain ? 2 : 3) < open ? open : i - (is_plain ? 2 : 3);
        return i + 1;
    }
    return STR_NONE;
}

static bool comment(struct html_tokenizer *t, struct str in, struct html_token *ret) {
    size_t open = t->at + 4, content_end = open, end = comment_end(t, in, &content_end);
    if (end == STR_NONE) return finish(t, HTML_CUT, in.n, ret);
    struct str content = str_sub(in, open, content_end - open);
    size_t condition = str_starts_nocase(content, STR("[if")) && !t->resume ? str_find_str(content, STR("]>")) : STR_NONE;
    if (condition == STR_NONE) return finish(t, HTML_COMMENT, end, ret);
    finish(t, HTML_COMMENT, open + condition + 2, ret);
    t->inner_end = content_end;
    t->resume = end;
    return true;
}

/* A doctype, CDATA, <!anything>, <?anything>, </ anything>. */
static bool declaration(struct html_tokenizer *t, struct str in, struct html_token *ret) {
    struct str rest = str_sub(in, t->at, SIZE_MAX);
    if (str_starts(rest, STR("<!--"))) return comment(t, in, ret);
    bool is_cdata = is_foreign(t) && str_starts(rest, STR("<![CDATA["));
    size_t n = is_cdata ? str_find_str(rest, STR("]]>")) : str_find(rest, '>');
    if (n == STR_NONE) return finish(t, HTML_CUT, in.n, ret);
    return finish(t, is_cdata ? HTML_TEXT : HTML_COMMENT, t->at + n + (is_cdata ? 3 : 1), ret);
}

static bool markup(struct html_tokenizer *t, struct str in, struct html_token *ret) {
    char next = t->at + 1 < in.n ? in.p[t->at + 1] : 0, after = t->at + 2 < in.n ? in.p[t->at + 2] : 0;
    if (ascii_is_alpha(next)) return tag(t, in, false, ret);
    if (next == '/' && ascii_is_alpha(after)) return tag(t, in, true, ret);
    if (next == '/' && t->at + 2 == in.n) return finish(t, HTML_CUT, in.n, ret);
    if (next == '!' || next == '?' || next == '/') return declaration(t, in, ret);
    size_t n = str_find(str_sub(in, t->at + 1, SIZE_MAX), '<'); /* the '<' is text */
    return finish(t, HTML_TEXT, n == STR_NONE ? in.n : t->at + 1 + n, ret);
}

bool html_token_next(struct html_tokenizer *t, struct html_token *ret) {
    if (t->resume && t->at == t->inner_end) {
        *ret = (struct html_token){0};
        finish(t, HTML_COMMENT, t->resume, ret);
        t->resume = 0;
        t->text_element = STR("");
        return true;
    }
    struct str in = str_sub(t->in, 0, t->resume ? t->inner_end : SIZE_MAX);
    *ret = (struct html_token){.in_comment = t->resume != 0, .in_svg = is_foreign(t) && t->foreign[t->depth - 1] == HTML_SVG};
    if (t->text_element.n && element_text(t, in, ret) && (ret->raw.n || ret->type == HTML_CUT)) return true;
    if (t->at == in.n) return false;
    if (in.p[t->at] == '<') return markup(t, in, ret);
    size_t n = str_find(str_sub(in, t->at, SIZE_MAX), '<');
    return finish(t, HTML_TEXT, n == STR_NONE ? in.n : t->at + n, ret);
}
