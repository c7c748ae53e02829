/* relink.h - a whole message with the links of its texts replaced and a pixel put in: which parts are its texts, and how they are
 * written again while every other byte stays.
 *
 * A part is edited when people read it in the message: text/html, and text/plain if that is asked for, without a file's name and
 * not an attachment. Left alone, whatever they hold: what is signed or encrypted (multipart/signed, /encrypted, PGP within a
 * text), for a signature is about the bytes; messages inside the message; text/x-amp-html, text/calendar and every other type
 * (MI15); charsets that hide what a byte means; encodings nobody knows; a Content-MD5; parts above RELINK_PART_MAX; and all of a
 * message whose parts are too many to walk over (MI01, MI02).
 *
 * A part with an edit keeps its encoding if that bears the longer lines, else it becomes quoted-printable; one whose
 * line ends quoted-printable cannot keep becomes base64. Undone, its content is the old one but for the edits. All other bytes of
 * the message are the old ones. Links count on from part to part; the pixel goes into the first html only.
 * Linear; memory is a few times RELINK_PART_MAX at most. Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_HTML_RELINK_H
#define POSTHORN_PROTO_HTML_RELINK_H

#include "proto/html/links.h"

#define RELINK_PART_MAX ((size_t)8 << 20) /* decoded bytes */

struct relink {
    links_fn replace; /* NULL: all links stay */
    void *user;
    struct str pixel; /* markup for the end of the first html; "" none */
    bool in_text;     /* links of text/plain too */
};
/* Append the message with its edits. False: there are none, and nothing was appended. */
bool relink_message(struct str message, const struct relink *how, struct buf *out);

#endif
