/* entity.h - MIME entities to be written: a tree of multiparts with texts and attachments as leaves.
 *
 * Boundaries are 130 random bits behind "=_", which neither quoted-printable nor base64 can produce, and are checked against the
 * texts below them (HI18). Pure but for `rand`.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_MIME_ENTITY_H
#define POSTHORN_PROTO_MIME_ENTITY_H

#include "base/buf.h"
#include "base/clock.h"

enum entity_disposition { ENTITY_PLAIN, ENTITY_INLINE, ENTITY_ATTACHMENT };

struct entity {
    struct str type;    /* "text/html", "image/png", "multipart/mixed" */
    struct str charset; /* of a leaf, may be empty */
    struct str root;    /* type= of a multipart/related, else empty */
    bool is_text;       /* leaf: line ends may be normalised and the charset is UTF-8; otherwise base64 */
    struct str content; /* leaf */
    enum entity_disposition disposition;
    struct str filename;           /* UTF-8, may be empty */
    struct str content_id;         /* without <>, may be empty */
    const struct entity *children; /* of a multipart */
    size_t child_count;            /* 0 is a leaf */
};
/* Append Content-* fields, the empty line and the body; a text's last line end is not added. All strings free of CR, LF and NUL
 * but for content. Depth is the caller's tree. */
void entity_write(const struct entity *e, const struct rand *rand, struct buf *out);

#endif
