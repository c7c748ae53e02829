/* token.h - an HTML document as a run of tokens, each a slice of it: every byte belongs to exactly one.
 *
 * The tokenizer of the HTML standard as far as mail needs it: tags with quoted values, comments, declarations, elements whose
 * content is text (script, style, title, textarea ...), CDATA inside svg and math. Any bytes are a document; nothing is repaired
 * and nothing refused. What never ends (a comment, a tag, a <style>'s text) is one token, HTML_CUT, that reaches to the end: a
 * browser shows nothing of it (but of "</" alone). It is no tree builder: it does not know which elements close which, nor
 * `<script>` inside a script's comment.
 *
 * Conditional comments are gone into, because Outlook shows what others take for a comment:
 *
 *     <!--[if mso]>  <a href="...">  <![endif]-->      tokens in between have `in_comment`
 *     <![if !mso]>   <a href="...">  <![endif]>        two bogus comments, what is between is for everyone
 *
 * Linear: no byte is looked at more than a fixed number of times, because a conditional comment has none inside.
 * Source: WHATWG HTML 13.2.5, 13.2.6.5. Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_HTML_TOKEN_H
#define POSTHORN_PROTO_HTML_TOKEN_H

#include "base/str.h"

#define HTML_FOREIGN_MAX 16 /* svg, math and what leads out of them, inside each other; deeper ones are not noticed */

enum html_token_type {
    HTML_TEXT,
    HTML_START,
    HTML_END,
    HTML_COMMENT, /* declarations, processing instructions and the brackets of conditional comments too */
    HTML_CUT
};
struct html_token {
    enum html_token_type type;
    struct str raw;        /* slice of the document */
    struct str name;       /* of tags, as written */
    struct str attributes; /* of start tags: what is behind the name, '>' included; for html_attribute_next() */
    size_t begins;         /* HTML_CUT: where that begins which never ends; the start tag of an element */
    bool in_comment;       /* within a conditional comment */
    bool in_svg;           /* its parent is svg: neither HTML, nor a foreignObject inside */
};

enum html_foreign { HTML_SVG, HTML_MATH, HTML_POINT /* HTML again */ };

/* Zero-initialised but for `in` is at the start. */
struct html_tokenizer {
    struct str in;
    size_t at;
    /* A conditional comment: where its content ends, and where the comment does. 0: in none. */
    size_t inner_end, resume;
    struct str text_element; /* name of the open element whose content is text; n == 0: none */
    size_t text_element_at;  /* its start tag */
    size_t text_end;         /* where the last of them has its end tag: that may be unfinished, and the text then without end */
    uint8_t foreign[HTML_FOREIGN_MAX];
    size_t depth;
};
/* The next token; false at the end. */
bool html_token_next(struct html_tokenizer *t, struct html_token *ret);

struct html_attribute {
    struct str name;  /* as written, never empty */
    struct str value; /* as written, without quotes; "" where there is none */
    char quote;       /* '"', '\'' or 0 */
};
/* Take the next attribute off *rest, which begins as token.attributes. False: no more. Two may have one name: the first counts.
 */
bool html_attribute_next(struct str *rest, struct html_attribute *ret);

/* Blank as HTML has it: tab, LF, FF, CR, space. */
bool html_is_space(char c);

#endif
