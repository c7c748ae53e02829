/* json_scan.h - inside json: the fast walk over the plain bytes of strings, which reader and writer share.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_JSON_JSON_SCAN_H
#define POSTHORN_PROTO_JSON_JSON_SCAN_H

#include "base/str.h"

/* The first byte in [p, end) that is '"', '\\', below 0x20 or above 0x7F; `end` when there is none. */
const char *json_skip_plain(const char *p, const char *end);
/* Length of the well-formed UTF-8 sequence at p < end, whose first byte is above 0x7F; 0 when there is none (RFC 3629 4). */
size_t json_utf8_length(const char *p, const char *end);

#endif
