/* links_text.c - links of a plain text; see links.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/html/links_own.h"

static bool is_end(char c) {
    return (unsigned char)c <= ' ' || (unsigned char)c >= 0x7f || c == '<' || c == '>' || c == '"' || c == '`';
}

/* How long the URL is that starts at `text`: up to a blank, without the punctuation of the sentence and without a bracket that
 * opened before it. One look from the front for brackets, one from behind. */
static size_t url_length(struct str text) {
    size_t n = 0, round = 0, square = 0;
    while (n < text.n && !is_end(text.p[n])) {
        round += text.p[n] == '(';
        square += text.p[n] == '[';
        if ((text.p[n] == ')' && round-- == 0) || (text.p[n] == ']' && square-- == 0)) break;
        n++;
    }
    while (n > 0 && str_find(STR(".,;:!?'*_~"), text.p[n - 1]) != STR_NONE) n--;
    return n;
}

static size_t scheme_length(struct str text) {
    if (str_starts_nocase(text, STR("https://"))) return 8;
    return str_starts_nocase(text, STR("http://")) ? 7 : 0;
}

void links_find_text(struct str text, bool is_utf8, struct arena *arena, struct links *ret) {
    static const struct href no_base = {0};
    size_t count = 0;
    *ret = (struct links){.text = text};
    for (size_t i = 0; i < text.n && count < LINKS_MAX; i++) {
        struct str rest = str_sub(text, i, SIZE_MAX);
        size_t scheme = scheme_length(rest);
        if (scheme == 0) continue;
        size_t run = 0;
        while (run < rest.n && !is_end(rest.p[run])) run++;
        struct str url = str_sub(rest, 0, url_length(rest)), whole = str_sub(rest, 0, run);
        bool touches = (i > 0 && (ascii_is_alnum(text.p[i - 1]) || (unsigned char)text.p[i - 1] == '{')) ||
                       (run < rest.n && (unsigned char)rest.p[run] >= 0x7f) || str_find_str(whole, STR("{{")) != STR_NONE;
        i += run - 1;
        if (touches || url.n <= scheme) continue;
        count++;
        links_add(ret, (struct html_link){.seen = url, .raw = url, .quote = HTML_NO_MARKUP}, &no_base, is_utf8, arena);
    }
}
