/* asset.h - the files that tools/embed-files puts into the program. Constant; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_WEB_ASSET_H
#define POSTHORN_WEB_ASSET_H

#include <stddef.h>

struct asset {
    const char *name;          /* "docs.js" */
    const char *etag;          /* quoted, of the content */
    const unsigned char *gzip; /* the content, compressed */
    size_t gzip_bytes;
    size_t bytes; /* of the content itself */
};
extern const struct asset assets[];
extern const size_t asset_count;

#endif
