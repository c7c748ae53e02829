/* links.c - links of HTML, and the edits of all; see links.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/html/links.h"

#include "proto/html/href.h"
#include "proto/html/links_own.h"
#include "proto/html/reference.h"
#include "proto/html/token.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

/* ---- what counts ---- */
/* What a click follows. Of an element's rows the first whose attribute is there counts. */
static const struct rule {
    struct str element; /* with ':' at its end: all of this prefix */
    struct str attribute;
    bool is_svg; /* only there */
} rules[] = {
    {STR_INIT("a"), STR_INIT("href"), false},
    {STR_INIT("a"), STR_INIT("xlink:href"), true},
    {STR_INIT("area"), STR_INIT("href"), false},
    {STR_INIT("v:"), STR_INIT("href"), false},
};
/* Who bears one of these is left alone. The last ones are what other gateways' users have in their templates. */
static const struct mark {
    struct str name;
    struct str value; /* n == 0: any */
} marks[] = {
    {STR_INIT("data-no-track"), STR_INIT("")},    {STR_INIT("data-pm-no-track"), STR_INIT("")},
    {STR_INIT("ses:no-track"), STR_INIT("")},     {STR_INIT("mc:disable-tracking"), STR_INIT("")},
    {STR_INIT("clicktracking"), STR_INIT("off")}, {STR_INIT("data-msys-clicktrack"), STR_INIT("0")},
};

static bool applies(const struct rule *rule, const struct html_token *tag) {
    if (rule->is_svg && !tag->in_svg) return false;
    return str_ends(rule->element, STR(":")) ? str_starts_nocase(tag->name, rule->element)
                                             : str_eq_nocase(tag->name, rule->element);
}

static bool is_mark(const struct html_attribute *attribute) {
    for (size_t i = 0; i < COUNT(marks); i++)
        if (str_eq_nocase(attribute->name, marks[i].name) &&
            (marks[i].value.n == 0 || str_eq_nocase(attribute->value, marks[i].value)))
            return true;
    return false;
}

/* Does a tag have a link that nobody marked? *ret is the attribute, of the rule that comes first. */
static bool find_link(const struct html_token *tag, struct html_attribute *ret, bool *ret_is_leaving) {
    size_t best = COUNT(rules), i = 0;
    struct html_attribute attribute;
    *ret_is_leaving = false;
    while (i < COUNT(rules) && !applies(&rules[i], tag)) i++;
    if (i == COUNT(rules)) return false;
    for (struct str rest = tag->attributes; html_attribute_next(&rest, &attribute);) {
        if (is_mark(&attribute)) return false;
        if (str_eq_nocase(attribute.name, STR("data-unsubscribe"))) *ret_is_leaving = true;
        for (i = 0; i < best; i++) {
            if (!applies(&rules[i], tag) || !str_eq_nocase(attribute.name, rules[i].attribute)) continue;
            best = i;
            *ret = attribute;
        }
    }
    return best < COUNT(rules);
}

/* ---- finding ---- */
/* A link attribute before the base is known. */
struct candidate {
    struct str raw;
    char quote;
    bool is_leaving;
    struct candidate *next;
};
struct reading {
    struct arena *arena;
    bool is_utf8;
    struct href base;
    bool has_base; /* the first counts, whatever it is */
    size_t count;
    struct candidate *first, *last;
    size_t body_end, cut; /* STR_NONE: none seen */
};

/* The first href of the first <base> that has one. */
static void read_base(struct reading *r, const struct html_token *tag) {
    struct html_attribute attribute;
    struct str meaning;
    struct href href, nothing = {0};
    for (struct str rest = tag->attributes; !r->has_base && html_attribute_next(&rest, &attribute);) {
        if (!str_eq_nocase(attribute.name, STR("href"))) continue;
        r->has_base = true;
        if (reference_decode(attribute.value, r->arena, &meaning) &&
            href_resolve(meaning, &nothing, r->is_utf8, r->arena, &href) == HREF_OURS &&
            href_str(&href, r->arena).n <= HREF_BASE_MAX)
            r->base = href;
    }
}

static void read_start(struct reading *r, const struct html_token *tag) {
    struct html_attribute attribute;
    bool is_leaving;
    if (!tag->in_comment && str_eq_nocase(tag->name, STR("base"))) read_base(r, tag);
    if (r->count == LINKS_MAX || !find_link(tag, &attribute, &is_leaving)) return;
    r->count++;
    struct candidate *candidate = ARENA_NEW(r->arena, struct candidate);
    *candidate = (struct candidate){.raw = attribute.value, .quote = attribute.quote, .is_leaving = is_leaving};
    if (r->last)
        r->last->next = candidate;
    else
        r->first = candidate;
    r->last = candidate;
}

static void read_tokens(struct reading *r, struct str text) {
    struct html_tokenizer tokenizer = {.in = text};
    struct html_token token;
    while (html_token_next(&tokenizer, &token)) {
        if (token.type == HTML_START)
            read_start(r, &token);
        else if (token.type == HTML_CUT && !token.in_comment)
            r->cut = token.begins;
        else if (token.type == HTML_END && !token.in_comment && str_eq_nocase(token.name, STR("body")))
            r->body_end = token.begins;
    }
}

static size_t place_pixel(const struct reading *r, struct str text) {
    if (r->body_end != STR_NONE) return r->body_end;
    if (r->cut != STR_NONE) return r->cut;
    while (text.n && html_is_space(text.p[text.n - 1])) text.n--;
    return text.n;
}

void links_add(struct links *links, struct html_link link, const struct href *base, bool is_utf8, struct arena *arena) {
    struct href href;
    enum href_answer answer = href_resolve(link.seen, base, is_utf8, arena, &href);
    if (answer == HREF_LONG) links->too_long++;
    if (answer != HREF_OURS) return;
    struct html_link *copy = ARENA_NEW(arena, struct html_link);
    *copy = link;
    copy->index = links->count++;
    copy->seen = str_trim(link.seen);
    copy->url = href_str(&href, arena);
    if (links->last)
        links->last->next = copy;
    else
        links->first = copy;
    links->last = copy;
}

void links_find_html(struct str text, bool is_utf8, struct arena *arena, struct links *ret) {
    struct reading r = {.arena = arena, .is_utf8 = is_utf8, .body_end = STR_NONE, .cut = STR_NONE};
    *ret = (struct links){.text = text, .is_html = true};
    read_tokens(&r, text);
    ret->pixel_at = place_pixel(&r, text);
    for (const struct candidate *it = r.first; it; it = it->next) {
        struct html_link link = {.raw = it->raw, .quote = it->quote, .is_leaving = it->is_leaving};
        if (reference_decode(it->raw, arena, &link.seen)) links_add(ret, link, &r.base, is_utf8, arena);
    }
}

/* ---- editing ---- */
static void add_edit(struct html_edit ***tail, struct html_edit edit, struct arena *arena) {
    struct html_edit *copy = ARENA_NEW(arena, struct html_edit);
    *copy = edit;
    **tail = copy;
    *tail = &copy->next;
}

/* How `url` is written in the link's place. */
static struct str written(const struct html_link *link, struct str url, struct arena *arena) {
    BUF_AUTO out = {0};
    if (link->quote == HTML_NO_MARKUP) return arena_str(arena, url);
    reference_add_value(&out, url, link->quote);
    return arena_str(arena, buf_str(&out));
}

struct html_edit *links_edit(const struct links *links, links_fn replace, void *user, struct str pixel, struct arena *arena) {
    BUF_AUTO url = {0};
    struct html_edit *first = NULL, **tail = &first;
    struct html_edit pixel_edit = {.offset = links->pixel_at, .old = str_sub(links->text, links->pixel_at, 0), .new = pixel};
    bool is_due = links->is_html && pixel.n > 0;
    for (const struct html_link *link = links->first; replace && link; link = link->next) {
        size_t offset = (size_t)(link->raw.p - links->text.p);
        if (is_due && offset >= links->pixel_at) {
            add_edit(&tail, pixel_edit, arena);
            is_due = false;
        }
        buf_reset(&url);
        if (!replace(user, link, &url)) continue;
        struct html_edit edit = {.offset = offset, .old = link->raw, .new = written(link, buf_str(&url), arena)};
        add_edit(&tail, edit, arena);
    }
    if (is_due) add_edit(&tail, pixel_edit, arena);
    return first;
}

void links_apply(struct str text, const struct html_edit *edits, struct buf *out) {
    size_t at = 0;
    for (; edits; edits = edits->next) {
        buf_add_str(out, str_sub(text, at, edits->offset - at));
        buf_add_str(out, edits->new);
        at = edits->offset + edits->old.n;
    }
    buf_add_str(out, str_sub(text, at, SIZE_MAX));
}

struct str links_pixel(struct str url, struct arena *arena) {
    BUF_AUTO out = {0};
    buf_add_z(&out, "<img src=\"");
    reference_add_value(&out, url, '"');
    buf_add_z(&out, "\" width=\"1\" height=\"1\" alt=\"\" style=\"display:block;border:0\">");
    return arena_str(arena, buf_str(&out));
}
