/* web.h - pages that the program brings along: the API's page at /docs. Everything comes from this gateway, nothing from
 * elsewhere, and the pages' policy says so to the browser.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_WEB_WEB_H
#define POSTHORN_WEB_WEB_H

#include "httpd/http_server.h"

/* Routes for the public servers; static. */
const struct http_route *web_routes(size_t *ret_count);

#endif
