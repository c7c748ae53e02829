/* web.c - static files by name, compressed as they are kept unless the client cannot take that.
 *
 * Every answer carries the same strict policy: scripts, styles and calls only from here, no frame around it, no inline script.
 * Swagger UI draws small pictures from data: URLs, so images may. A file is asked for anew each time and answered 304 while it is
 * the same, so an update of the program is seen at once.
 * SPDX-License-Identifier: Apache-2.0 */
#include "web/web.h"

#include "proto/http/http_body.h"
#include "web/asset.h"

static const struct {
    struct str ending, type;
} types[] = {
    {STR_INIT(".html"), STR_INIT("text/html; charset=utf-8")},
    {STR_INIT(".js"), STR_INIT("text/javascript; charset=utf-8")},
    {STR_INIT(".css"), STR_INIT("text/css; charset=utf-8")},
};

static const struct http_header policy[] = {
    {STR_INIT("Content-Security-Policy"),
     STR_INIT(
         "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; "
         "base-uri 'none'; form-action 'none'; frame-ancestors 'none'")},
    {STR_INIT("Referrer-Policy"), STR_INIT("no-referrer")},
    {STR_INIT("Cache-Control"), STR_INIT("no-cache")},
    {STR_INIT("Vary"), STR_INIT("Accept-Encoding")},
};
#define POLICY_COUNT (sizeof policy / sizeof policy[0])

static const struct asset *find_asset(struct str name) {
    for (size_t i = 0; i < asset_count; i++) {
        if (str_eq(name, str_from_z(assets[i].name))) return &assets[i];
    }
    return NULL;
}

static struct str type_of(struct str name) {
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (str_ends(name, types[i].ending)) return types[i].type;
    }
    return STR("application/octet-stream");
}

/* Does the list name gzip, without the weight 0? */
static bool takes_gzip(const struct http_fields *fields) {
    struct str rest = http_fields_find(fields, STR("Accept-Encoding")), part, weight;
    while (str_next(&rest, ',', &part)) {
        struct str coding = str_trim(str_sub(part, 0, str_find(part, ';')));
        if (!str_eq_nocase(coding, STR("gzip"))) continue;
        size_t at = str_find(part, '=');
        weight = at == STR_NONE ? STR("1") : str_trim(str_sub(part, at + 1, SIZE_MAX));
        return !str_eq(weight, STR("0")) && !str_starts(weight, STR("0.0"));
    }
    return false;
}

static enum status unpack(const struct asset *asset, struct buf *out) {
    struct str packed = str_make((const char *)asset->gzip, asset->gzip_bytes);
    struct http_inflate *z = http_inflate_new(HTTP_CODING_GZIP);
    size_t used, n;
    enum status status = http_inflate_next(z, packed, buf_reserve(out, asset->bytes), asset->bytes, &used, &n);
    if (status == STATUS_OK) buf_grew(out, n);
    http_inflate_free(&z);
    return status;
}

static void send_asset(struct http_exchange *x, const struct asset *asset) {
    const struct http_fields *fields = &http_exchange_request(x)->fields;
    struct http_header headers[POLICY_COUNT + 2];
    size_t count = 0;
    struct http_response response = {.status = 200, .headers = headers};
    for (; count < POLICY_COUNT; count++) headers[count] = policy[count];
    headers[count++] = (struct http_header){STR("ETag"), str_from_z(asset->etag)};
    if (str_eq(http_fields_find(fields, STR("If-None-Match")), str_from_z(asset->etag))) {
        response.status = 304;
    } else if (takes_gzip(fields)) {
        headers[count++] = (struct http_header){STR("Content-Encoding"), STR("gzip")};
        buf_add(&response.body, asset->gzip, asset->gzip_bytes);
    } else if (unpack(asset, &response.body) != STATUS_OK) {
        response.status = 500;
    }
    response.content_type = type_of(str_from_z(asset->name));
    response.header_count = count;
    http_exchange_respond(x, &response);
}

static void on_docs(struct http_exchange *x, void *arg) {
    (void)arg;
    send_asset(x, find_asset(STR("docs.html")));
}

static void on_file(struct http_exchange *x, void *arg) {
    (void)arg;
    const struct asset *asset = find_asset(str_sub(http_exchange_request(x)->path, STR("/docs/").n, SIZE_MAX));
    struct http_response missing = {.status = 404, .content_type = STR("text/plain; charset=utf-8")};
    if (asset) return send_asset(x, asset);
    buf_add_z(&missing.body, "Not found\n");
    http_exchange_respond(x, &missing);
}

static const struct http_route routes[] = {
    {.methods = HTTP_BIT(HTTP_GET), .path = STR_INIT("/docs"), .head = on_docs},
    {.methods = HTTP_BIT(HTTP_GET), .path = STR_INIT("/docs/"), .is_prefix = true, .head = on_file},
};

const struct http_route *web_routes(size_t *ret_count) {
    *ret_count = sizeof routes / sizeof routes[0];
    return routes;
}
