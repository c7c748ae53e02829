/* Links of HTML and of plain text: taking our edits back gives the bytes as they were, and a document with its links replaced has
 * the same tags, and all that was replaced is where a click leads (MI14, MI16). The first byte says what is read.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "../unit/proto-web/html_undo.h"
#include "proto/html/href.h"
#include "proto/html/token.h"

#include <string.h>

#define PIXEL STR("<x-pixel>") /* not <img>, which ends an svg */

enum choice { PLAIN = 1, OTHER_CHARSET = 2, HOSTILE = 4, SOME_STAY = 8 };

static bool replace(void *user, const struct html_link *link, struct buf *ret) {
    uint8_t choice = *(uint8_t *)user;
    if ((choice & SOME_STAY) && link->index % 2) return false;
    buf_addf(ret, choice & HOSTILE ? "https://t.example/%zu?a=\"<b>'&amp;--" : "https://t.example/%zu", link->index);
    return true;
}

static void find(struct str text, uint8_t choice, struct arena *arena, struct links *ret) {
    void (*finder)(struct str, bool, struct arena *, struct links *) = choice & PLAIN ? links_find_text : links_find_html;
    finder(text, !(choice & OTHER_CHARSET), arena, ret);
}

/* Every byte is in one token. */
static void check_tokens(struct str text) {
    struct html_tokenizer tokenizer = {.in = text};
    struct html_token token;
    size_t at = 0;
    while (html_token_next(&tokenizer, &token)) {
        FUZZ_CHECK(token.raw.p == text.p + at && (token.raw.n > 0 || token.type == HTML_CUT) && token.begins <= at);
        at += token.raw.n;
        FUZZ_CHECK(at <= text.n && fuzz_is_slice(token.name, token.raw) && fuzz_is_slice(token.attributes, token.raw));
    }
    FUZZ_CHECK(at == text.n);
}

static void check_links(const struct links *links) {
    const char *behind = links->text.p;
    size_t count = 0;
    for (const struct html_link *it = links->first; it; it = it->next) {
        FUZZ_CHECK(it->index == count++ && fuzz_is_slice(it->raw, links->text) && it->raw.p >= behind);
        FUZZ_CHECK(it->url.n <= HREF_MAX && str_plain_run(it->url) == it->url.n && str_find(it->url, ' ') == STR_NONE);
        FUZZ_CHECK(str_starts(it->url, STR("http://")) || str_starts(it->url, STR("https://")));
        FUZZ_CHECK(str_find_str(it->raw, STR("{{")) == STR_NONE && str_find(it->url, '\\') == STR_NONE);
        behind = it->raw.p + it->raw.n;
    }
    FUZZ_CHECK(count == links->count && count <= LINKS_MAX && links->pixel_at <= links->text.n);
}

/* Another writing of the same document. */
static void check_same_tags(struct str before, struct str after) {
    struct html_tokenizer a = {.in = before}, b = {.in = after};
    struct html_token x, y;
    bool more = true;
    while (more) {
        more = html_token_next(&a, &x);
        FUZZ_CHECK(html_token_next(&b, &y) == more);
        FUZZ_CHECK(!more || (x.type == y.type && str_eq(x.name, y.name) && x.in_comment == y.in_comment && x.in_svg == y.in_svg));
        FUZZ_CHECK(!more || x.type == HTML_START || str_eq(x.raw, y.raw));
    }
}

static void check_followed(const struct links *before, struct str text, uint8_t choice, struct arena *arena) {
    struct links after;
    find(text, choice, arena, &after);
    FUZZ_CHECK(before->count == after.count || before->count + after.count > LINKS_MAX);
    const struct html_link *was = before->first;
    for (const struct html_link *is = after.first; is && was; is = is->next, was = was->next) {
        BUF_AUTO url = {0};
        if (!replace(&choice, was, &url)) buf_add_str(&url, was->url);
        FUZZ_CHECK(str_eq(is->url, buf_str(&url)));
    }
}

/* How often the pixel's tag is seen outside of comments. */
static size_t count_pixels(struct str text) {
    struct html_tokenizer tokenizer = {.in = text};
    struct html_token token;
    size_t count = 0;
    while (html_token_next(&tokenizer, &token))
        count += token.type == HTML_START && !token.in_comment && str_eq(token.raw, PIXEL);
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str text = fuzz_str(data, size);
    uint8_t choice = fuzz_choice(&text);
    ARENA_AUTO arena = {0};
    BUF_AUTO out = {0};
    BUF_AUTO back = {0};
    struct links links;
    if (!text.p) text = STR("");
    check_tokens(text);
    find(text, choice, &arena, &links);
    check_links(&links);
    FUZZ_CHECK(arena.used_bytes <= (8u << 20) + 16 * text.n);
    struct html_edit *edits = links_edit(&links, replace, &choice, PIXEL, &arena);
    links_apply(text, edits, &out);
    FUZZ_CHECK(html_undo(buf_str(&out), edits, &back) && str_eq(buf_str(&back), text));
    if (choice & PLAIN) return 0;
    FUZZ_CHECK(count_pixels(buf_str(&out)) == count_pixels(text) + 1);
    buf_reset(&out);
    links_apply(text, links_edit(&links, replace, &choice, STR(""), &arena), &out);
    check_same_tags(text, buf_str(&out));
    if (!(choice & HOSTILE)) check_followed(&links, buf_str(&out), choice, &arena);
    return 0;
}
