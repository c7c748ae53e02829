/* page.c - see page.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "track/page.h"

#include "base/encode.h"

#include <string.h>

#define HEADERS_MAX 8
#define DARK_GREY   0x333333

/* ---- headers ---- */
static const struct http_header strict[] = {
    {STR_INIT("Cache-Control"), STR_INIT("no-store")},
    {STR_INIT("Referrer-Policy"), STR_INIT("no-referrer")},
    {STR_INIT("X-Robots-Tag"), STR_INIT("noindex")},
};
#define STRICT_COUNT (sizeof strict / sizeof strict[0])

/* An answer with the strict headers and these two. */
static void begin(struct arena *arena, int status, struct str policy, struct http_header more, struct http_response *ret) {
    struct http_header *headers = arena_array(arena, HEADERS_MAX, sizeof *headers);
    size_t count = 0;
    for (; count < STRICT_COUNT; count++) headers[count] = strict[count];
    headers[count++] = (struct http_header){STR("Content-Security-Policy"), policy};
    if (more.name.n) headers[count++] = more;
    *ret = (struct http_response){.status = status, .content_type = STR(""), .headers = headers, .header_count = count};
}

#define NOTHING_MORE                                                                                                             \
    (struct http_header) {                                                                                                       \
        .name = STR("")                                                                                                          \
    }
#define SILENT STR("default-src 'none'; frame-ancestors 'none'")

void page_pixel(struct arena *arena, struct http_response *ret) {
    static const uint8_t gif[PAGE_PIXEL_BYTES] = {'G', 'I', 'F', '8', '9', 'a', 1, 0, 1, 0,   0x80, 0, 0,   0, 0,
                                                  0,   255, 255, 255, '!', 249, 4, 1, 0, 0,   0,    0, ',', 0, 0,
                                                  0,   0,   1,   0,   1,   0,   0, 2, 2, 'D', 1,    0, ';'};
    struct http_header anywhere = {STR("Cross-Origin-Resource-Policy"), STR("cross-origin")}; /* webmail shows it */
    begin(arena, 200, SILENT, anywhere, ret);
    ret->content_type = STR("image/gif");
    buf_add(&ret->body, gif, sizeof gif);
}

void page_redirect(struct arena *arena, struct str target, struct http_response *ret) {
    begin(arena, 302, SILENT, (struct http_header){STR("Location"), target}, ret);
}

/* ---- HTML ---- */
static void add_escaped(struct buf *out, struct str text) {
    static const struct {
        char c;
        const char *entity;
    } entities[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};
    for (size_t i = 0; i < text.n; i++) {
        const char *entity = NULL;
        for (size_t k = 0; k < sizeof entities / sizeof entities[0]; k++)
            if (entities[k].c == text.p[i]) entity = entities[k].entity;
        if (entity)
            buf_add_z(out, entity);
        else
            buf_add_char(out, text.p[i]);
    }
}

/* A sentence; what stands in for "{}" is escaped. */
static void add_words(struct buf *out, const struct words *words, enum word word, struct str value) {
    struct str text = str_from_z(words->text[word]);
    size_t at = str_find_str(text, STR("{}"));
    add_escaped(out, str_sub(text, 0, at));
    if (at == STR_NONE) return;
    add_escaped(out, value);
    add_escaped(out, str_sub(text, at + 2, SIZE_MAX));
}

static void add_element(struct buf *out, const char *tag, struct str text) {
    if (text.n == 0) return;
    buf_addf(out, "<%s>", tag);
    add_escaped(out, text);
    buf_addf(out, "</%s>\n", tag);
}

/* ---- style ---- */
static bool parse_colour(struct str text, unsigned *ret) {
    BUF_AUTO bytes = {0};
    char letters[6];
    if (text.n != 7 || text.p[0] != '#') return false;
    for (size_t i = 0; i < sizeof letters; i++) letters[i] = ascii_lower(text.p[i + 1]);
    if (!hex_decode(&bytes, str_make(letters, sizeof letters))) return false;
    *ret = (unsigned)(uint8_t)bytes.p[0] << 16 | (unsigned)(uint8_t)bytes.p[1] << 8 | (uint8_t)bytes.p[2];
    return true;
}

/* sRGB's curve, near enough: c² and c³ mixed, off by less than 0.003. */
static double light_of(unsigned byte) {
    double c = byte / 255.0;
    return c * c * (0.7 + 0.3 * c);
}

/* White on it, or black: what contrasts more has at least 4.5 (WCAG 1.4.3). */
static bool is_dark(unsigned colour) {
    double light = 0.2126 * light_of(colour >> 16) + 0.7152 * light_of(colour >> 8 & 255) + 0.0722 * light_of(colour & 255);
    return light < 0.179;
}

static void add_style(struct buf *out, const struct page_view *view) {
    unsigned colour = DARK_GREY;
    if (view->subject) (void)parse_colour(view->subject->domain.brand_colour, &colour);
    buf_addf(out,
             "body{margin:0;background:#fff;color:#1a1a1a;font:1.125rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}"
             "main{max-width:34rem;margin:0 auto;padding:2rem 1rem;border-top:.5rem solid #%06x}"
             "h1{font-size:1.6rem;line-height:1.25}fieldset{border:1px solid #767676;margin:1.5rem 0;padding:.5rem 1rem}"
             "label{display:block;padding:.5rem 0}input{width:1.25rem;height:1.25rem;vertical-align:middle}"
             "button{font:inherit;padding:.75rem 1.5rem;border:2px solid #1a1a1a;background:#%06x;color:%s;cursor:pointer}"
             ":focus-visible{outline:3px solid #1a1a1a;outline-offset:3px}",
             colour, colour, is_dark(colour) ? "#fff" : "#000");
}

/* Nothing comes in but this style, and the form goes home (TR13). */
static struct str policy_for(struct arena *arena, struct str style) {
    BUF_AUTO hash = {0};
    struct sha256 digest = sha256(style);
    base64_encode(&hash, sha256_str(&digest));
    return arena_strf(arena,
                      "default-src 'none'; style-src 'sha256-%.*s'; form-action 'self'; base-uri 'none'; "
                      "frame-ancestors 'none'",
                      STR_ARG(buf_str(&hash)));
}

/* ---- pages ---- */
static struct str name_of(const struct page_view *view) {
    if (!view->subject) return STR("");
    const struct domain *domain = &view->subject->domain;
    return domain->brand_name.n ? domain->brand_name : domain->name;
}

/* All up to what is particular to the page: `heading` is its heading. */
static void open_page(struct arena *arena, const struct page_view *view, int status, enum word heading,
                      struct http_response *ret) {
    BUF_AUTO style = {0};
    struct str name = name_of(view);
    add_style(&style, view);
    begin(arena, status, policy_for(arena, buf_str(&style)), NOTHING_MORE, ret);
    ret->content_type = STR("text/html; charset=utf-8");
    struct buf *out = &ret->body;
    buf_addf(out, "<!doctype html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n", view->words->language);
    buf_add_z(out, "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>");
    add_words(out, view->words, heading, STR(""));
    if (name.n) buf_add_z(out, " – ");
    add_escaped(out, name);
    buf_addf(out, "</title>\n<style>%.*s</style>\n</head>\n<body>\n<main>\n", STR_ARG(buf_str(&style)));
    add_element(out, "p", name);
    add_element(out, "h1", str_from_z(view->words->text[heading]));
}

static void close_page(struct http_response *ret) {
    buf_add_z(&ret->body, "</main>\n</body>\n</html>\n");
}

struct choice {
    const char *value; /* in front of the tag */
    enum word label;
    struct str name;
    bool is_checked;
};

static void add_choice(struct buf *out, const struct words *words, const struct choice *c) {
    buf_addf(out, "<label><input type=\"radio\" name=\"choice\" value=\"%s", c->value);
    if (c->label == WORD_OF_TAG) add_escaped(out, c->name);
    buf_addf(out, "\"%s> ", c->is_checked ? " checked" : "");
    add_words(out, words, c->label, c->name);
    buf_add_z(out, "</label>\n");
}

/* The narrowest choice is the one that is made already. */
static void add_choices(struct buf *out, const struct page_view *view) {
    const struct track_subject *s = view->subject;
    bool has_list = s->list_name.n > 0;
    if (!has_list && s->tag_count == 0) {
        buf_add_z(out, "<input type=\"hidden\" name=\"choice\" value=\"all\">\n");
        return;
    }
    buf_add_z(out, "<fieldset>\n<legend>");
    add_words(out, view->words, WORD_CHOICES, STR(""));
    buf_add_z(out, "</legend>\n");
    if (has_list) add_choice(out, view->words, &(struct choice){"list", WORD_OF_LIST, s->list_name, true});
    for (size_t i = 0; i < s->tag_count; i++)
        add_choice(out, view->words, &(struct choice){"tag:", WORD_OF_TAG, s->tags[i], false});
    add_choice(out, view->words, &(struct choice){"all", WORD_OF_ALL, STR(""), !has_list});
    buf_add_z(out, "</fieldset>\n");
}

void page_question(struct arena *arena, const struct page_view *view, struct http_response *ret) {
    open_page(arena, view, 200, WORD_QUESTION, ret);
    struct buf *out = &ret->body;
    add_element(out, "p", view->subject->domain.brand_text);
    add_element(out, "p", str_from_z(view->words->text[WORD_EXPLAIN]));
    buf_add_z(out, "<form method=\"post\">\n");
    add_choices(out, view);
    add_element(out, "button", str_from_z(view->words->text[WORD_UNSUBSCRIBE]));
    buf_add_z(out, "</form>\n");
    close_page(ret);
}

void page_left(struct arena *arena, const struct page_view *view, enum leave_scope scope, struct str tag,
               struct http_response *ret) {
    static const enum word sentences[LEAVE_SCOPE_COUNT] = {
        [LEAVE_LIST] = WORD_LEFT_LIST, [LEAVE_TAG] = WORD_LEFT_TAG, [LEAVE_ALL] = WORD_LEFT_ALL};
    bool has_list = view->subject && view->subject->list_name.n > 0;
    if (scope == LEAVE_LIST && !has_list) scope = LEAVE_ALL;
    open_page(arena, view, 200, WORD_LEFT, ret);
    buf_add_z(&ret->body, "<p>");
    add_words(&ret->body, view->words, sentences[scope], tag);
    buf_add_z(&ret->body, "</p>\n");
    close_page(ret);
}

void page_error(struct arena *arena, const struct page_view *view, int status, struct http_response *ret) {
    static const struct {
        int status;
        enum word heading, why;
    } errors[] = {
        {400, WORD_BAD, WORD_BAD_WHY},         {405, WORD_BAD, WORD_BAD_WHY},   {413, WORD_BAD, WORD_BAD_WHY},
        {404, WORD_UNKNOWN, WORD_UNKNOWN_WHY}, {410, WORD_GONE, WORD_GONE_WHY}, {503, WORD_LATER, WORD_LATER_WHY},
    };
    size_t i = 0, last = sizeof errors / sizeof errors[0] - 1;
    while (i < last && errors[i].status != status) i++;
    open_page(arena, view, errors[i].status, errors[i].heading, ret);
    add_element(&ret->body, "p", str_from_z(view->words->text[errors[i].why]));
    close_page(ret);
}
