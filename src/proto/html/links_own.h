/* links_own.h - what the finders of links share. Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_HTML_LINKS_OWN_H
#define POSTHORN_PROTO_HTML_LINKS_OWN_H

#include "proto/html/href.h"
#include "proto/html/links.h"

/* Append the link, of which raw, quote and seen are set, if it leads to where `base` and href.h say that it is ours; count it if
 * it is too long. */
void links_add(struct links *links, struct html_link link, const struct href *base, bool is_utf8, struct arena *arena);

#endif
