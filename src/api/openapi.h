/* openapi.h - the OpenAPI 3.1 document of the table of operations. Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_OPENAPI_H
#define POSTHORN_API_OPENAPI_H

#include "base/buf.h"

/* Append the document, JSON. */
void openapi_write(struct buf *out);
/* Append the reference page, Markdown: the same facts for reading. */
void reference_write(struct buf *out);

#endif
