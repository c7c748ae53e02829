/* message.h - a received message taken apart for people: its main header fields and its leaf parts in order.
 *
 * For what we show, never for what we send on. What lies beyond the limits of proto/mime/walk.h is left out and the message
 * marked truncated (MI01, MI02). A message inside a message is a leaf (MI05). Parts without closing boundary end with the
 * message, text before and after the boundaries is dropped (MI04). Pure.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_MIME_MESSAGE_H
#define POSTHORN_PROTO_MIME_MESSAGE_H

#include "base/arena.h"
#include "proto/mime/body.h"

struct message_part {
    struct str type;       /* lower case "text/html"; "text/plain" when absent or malformed */
    struct str charset;    /* lower case, may be empty */
    struct str filename;   /* decoded UTF-8 (RFC 2231 or RFC 2047), may be empty */
    struct str content_id; /* without <>, may be empty */
    bool is_attachment;    /* neither the text nor the html that is read */
    bool is_inline;        /* Content-Disposition: inline, or a content id inside multipart/related */
    enum body_encoding encoding;
    struct str body; /* encoded, a slice of the message */
    size_t size;     /* octets when decoded */
};
struct message {
    struct str subject, from, to, cc, reply_to, date, message_id; /* decoded UTF-8, "" when absent */
    const struct message_part *parts;
    size_t part_count;
    const struct message_part *text, *html; /* first of their kind that is no attachment; NULL when none */
    bool is_truncated;
};
/* Take `bytes` apart; strings are slices of it or live in the arena. Never fails: what has no header is all body. */
void message_parse(struct str bytes, struct arena *arena, struct message *ret);
/* Append a part's decoded bytes; a text/ part's as UTF-8. */
void message_part_text(const struct message_part *part, struct buf *out);
void message_part_bytes(const struct message_part *part, struct buf *out);

#endif
