/* http_route.c - paths to routes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "httpd/http_conn.h"

static unsigned methods_of(const struct http_route *route) {
    return route->methods & HTTP_BIT(HTTP_GET) ? route->methods | HTTP_BIT(HTTP_HEAD) : route->methods;
}

const struct http_route *http_route_find(const struct http_server_options *o, const struct http_request *r,
                                         unsigned *ret_allowed) {
    unsigned allowed = 0;
    for (int prefix = 0; prefix <= 1 && !allowed; prefix++) {
        for (size_t i = 0; i < o->route_count; i++) {
            const struct http_route *route = &o->routes[i];
            if (route->is_prefix != (prefix != 0)) continue;
            if (!(prefix ? str_starts(r->path, route->path) : str_eq(r->path, route->path))) continue;
            if (methods_of(route) & HTTP_BIT(r->method)) return route;
            allowed |= methods_of(route);
        }
    }
    *ret_allowed = allowed;
    return NULL;
}

struct str http_route_allow(struct arena *arena, unsigned methods) {
    struct str text = STR("");
    for (unsigned m = HTTP_GET; m < HTTP_OTHER; m++) {
        if (!(methods & HTTP_BIT(m))) continue;
        text = arena_strf(arena, "%.*s%s%.*s", STR_ARG(text), text.n ? ", " : "", STR_ARG(http_method_name((enum http_method)m)));
    }
    return text;
}
