/* multipart.h - multipart/form-data bodies (RFC 7578): parts as slices of the body.
 *
 * Strict: CRLF lines, every part with a Content-Disposition of form-data and a name, a closing delimiter. Caps: 100 parts, 4 KiB
 * of headers each. Transfer encodings of parts are refused (RFC 7578 4.7). Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_URL_MULTIPART_H
#define POSTHORN_PROTO_URL_MULTIPART_H

#include "base/arena.h"
#include "base/status.h"

#define MULTIPART_PARTS_MAX  100
#define MULTIPART_HEADER_MAX 4096

struct multipart_part {
    struct str name;
    struct str filename;     /* p == NULL: none given */
    struct str content_type; /* "" when absent */
    struct str data;
    struct multipart_part *next;
};
/* Take `body` apart at `boundary` (the Content-Type's parameter: 1 to 70 bytes of RFC 2046's set). *ret is the first part; NULL
 * when there is none. STATUS_INVALID: malformed. STATUS_LIMIT: a cap. */
WARN_UNUSED enum status multipart_parse(struct arena *arena, struct str body, struct str boundary, struct multipart_part **ret);

#endif
