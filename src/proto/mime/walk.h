/* walk.h - a walk over the entities of a message, in pieces that together are all of its bytes.
 *
 *     piece = [header] text [delimiter]
 *
 * The header is an entity's; the text is a leaf's body, or what stands before the first part of a multipart and behind its last
 * one; the delimiter is the line that ends it, with the line end in front. Iterative and linear: at most MIME_WALK_ENTITIES_MAX
 * leaves and multiparts, MIME_WALK_DEPTH_MAX multiparts in each other; what lies beyond is one leaf, or not walked over, and
 * is_truncated tells so (MI01, MI02). A message inside a message is a leaf (MI05). Pure.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_MIME_WALK_H
#define POSTHORN_PROTO_MIME_WALK_H

#include "proto/mime/param.h"

#define MIME_WALK_ENTITIES_MAX 1000
#define MIME_WALK_DEPTH_MAX    100

struct mime_piece {
    bool is_entity;             /* else only text: what follows the end of a multipart */
    bool is_leaf;               /* an entity that is no multipart */
    bool in_related, in_sealed; /* below, or itself, a multipart/related; one that is signed or encrypted */
    struct str header;          /* with the empty line that ends it */
    struct params type, disposition;
    struct str encoding, content_id; /* raw values; p is NULL when absent. The first field of a name counts (MI10) */
    struct str text, delimiter;
};
struct mime_open {
    struct str boundary;
    bool is_related, is_sealed;
};
struct mime_walk {
    struct arena *arena; /* of boundaries and parameters */
    struct str rest;
    struct mime_open stack[MIME_WALK_DEPTH_MAX];
    size_t depth, entity_count;
    bool is_text_next, is_at_end, is_truncated;
};
void mime_walk_begin(struct mime_walk *w, struct arena *arena, struct str message);
/* False: all of it was walked over, or the limit was met. */
bool mime_walk_next(struct mime_walk *w, struct mime_piece *ret);

#endif
