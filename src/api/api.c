/* api.c - HTTP exchanges and calls: each exchange owns one call, kept in its arena.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/call.h"
#include "api/export_gate.h"

#include "base/log.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROUTES_MAX 64

struct api {
    struct api_options options;
    struct http_route public_routes[ROUTES_MAX], control_routes[1];
    size_t public_count;
};

/* ---- exchange and call ---- */
static void admit(struct call *call, size_t body_max) {
    if (call->scope.account_id && !call->request.is_control) http_exchange_set_account(call->arg, call->scope.account_id);
    http_exchange_continue(call->arg, body_max);
}

static void done(struct call *call) {
    struct http_response response = {
        .status = call->http_status,
        .content_type = str_from_z(call->content_type),
        .headers = call->headers,
        .header_count = call->header_count,
        .body = buf_take(&call->out),
    };
    if (call->more && !call->refused.count) {
        http_exchange_stream(call->arg, &response);
    } else {
        http_exchange_respond(call->arg, &response);
    }
}

/* There may be much to look at before there is something to say. */
static void piece(struct call *call) {
    struct http_exchange *x = call->arg;
    if (call->fault != STATUS_OK || http_exchange_is_gone(x)) {
        http_exchange_cut(x);
    } else if (call->out.n) {
        http_exchange_write(x, &call->out);
    } else if (call->is_ended) {
        http_exchange_finish(x);
    } else {
        call_more(call);
    }
}

/* "Bearer <key>"; another scheme counts as a key nobody has, and so do two lines: who stands before us may have looked at the
 * other one. */
static struct str bearer_of(const struct http_request *request) {
    if (http_fields_count(&request->fields, STR("Authorization")) > 1) return STR("several");
    struct str value = str_trim(http_fields_find(&request->fields, STR("Authorization")));
    if (str_starts_nocase(value, STR("Bearer "))) return str_trim(str_sub(value, 7, SIZE_MAX));
    return value;
}

static struct call_request request_of(struct http_exchange *x, bool is_control) {
    const struct http_request *request = http_exchange_request(x);
    const struct http_fields *fields = &request->fields;
    return (struct call_request){
        .method = request->method,
        .path = request->path,
        .query = request->query,
        .bearer = bearer_of(request),
        .content_type = http_fields_find(fields, STR("Content-Type")),
        .idempotency_key = http_fields_find(fields, STR("Idempotency-Key")),
        .client = http_exchange_client(x),
        .is_control = is_control,
        .is_large = fields->framing == HTTP_FRAMING_LENGTH && fields->length > OPERATION_BODY_MAX,
    };
}

static void start(struct http_exchange *x, const struct api *api, bool is_control) {
    struct call *call = ARENA_NEW(http_exchange_arena(x), struct call);
    call->api = &api->options;
    call->arena = http_exchange_arena(x);
    call->loop = http_exchange_loop(x);
    call->request = request_of(x, is_control);
    call->admit = admit;
    call->done = done;
    call->piece = piece;
    call->arg = x;
    http_exchange_set_user(x, call);
    call_start(call);
}

static void on_public_head(struct http_exchange *x, void *arg) {
    start(x, arg, false);
}

/* Whoever may become us, or is us. The data folder keeps others out as well, unless somebody opened it. */
static bool is_operator(const struct http_exchange *x) {
    uint32_t uid;
    return http_exchange_peer_uid(x, &uid) && (uid == 0 || uid == geteuid());
}

static void on_control_head(struct http_exchange *x, void *arg) {
    if (is_operator(x)) return start(x, arg, true);
    struct refused_list refused = {.count = 1};
    refused.items[0] =
        (struct refused){.code = 403, .message = STR("Only root and the gateway's own user may use the control socket")};
    struct http_response response = {.status = 403, .content_type = STR("application/json")};
    refused_format_command(&refused, NULL, &response.body);
    LOG(LOG_WARN, "api.stranger", LOG_Z("on", "control socket"));
    http_exchange_respond(x, &response);
}

static void on_body(struct http_exchange *x, void *arg) {
    (void)arg;
    call_body(http_exchange_user(x), http_exchange_body(x));
}

static void on_more(struct http_exchange *x, void *arg) {
    (void)arg;
    struct call *call = http_exchange_user(x);
    if (call->is_ended) {
        http_exchange_finish(x);
    } else {
        call_more(call);
    }
}

static void on_end(struct http_exchange *x, void *arg) {
    (void)arg;
    struct call *call = http_exchange_user(x);
    if (call) call_fini(call);
}

/* ---- routes, out of the table ---- */
static struct http_route *find_route(struct api *api, struct str path) {
    for (size_t i = 0; i < api->public_count; i++) {
        if (str_eq(api->public_routes[i].path, path)) return &api->public_routes[i];
    }
    return NULL;
}

static void add_route(struct api *api, unsigned methods, struct str path) {
    size_t open = str_find(path, '{');
    if (open != STR_NONE) path = str_sub(path, 0, open);
    struct http_route *route = find_route(api, path);
    if (route) {
        route->methods |= methods;
        return;
    }
    assert(api->public_count < ROUTES_MAX);
    api->public_routes[api->public_count++] = (struct http_route){
        .methods = methods,
        .path = path,
        .is_prefix = open != STR_NONE,
        .head = on_public_head,
        .body = on_body,
        .more = on_more,
        .end = on_end,
        .arg = api,
    };
}

struct api *api_new(const struct api_options *options) {
    struct api *api = calloc(1, sizeof *api);
    if (!api) abort();
    api->options = *options;
    api->options.exports = export_gate_new();
    add_route(api, HTTP_BIT(HTTP_GET) | HTTP_BIT(HTTP_POST), STR("/api.php"));
    add_route(api, HTTP_BIT(HTTP_GET) | HTTP_BIT(HTTP_POST), STR("/api.php/{Command}"));
    for (size_t i = 0; i < operation_count(); i++) {
        const struct operation *op = operation_at(i);
        if (op->path) add_route(api, HTTP_BIT(op->method), str_from_z(op->path));
    }
    api->control_routes[0] = (struct http_route){
        .methods = HTTP_BIT(HTTP_POST),
        .path = STR("/control"),
        .head = on_control_head,
        .body = on_body,
        .more = on_more,
        .end = on_end,
        .arg = api,
    };
    return api;
}

void api_free(struct api **api) {
    if (!*api) return;
    explicit_bzero(&(*api)->options.seal, sizeof(*api)->options.seal);
    export_gate_free(&(*api)->options.exports);
    free(*api);
    *api = NULL;
}

const struct http_route *api_public_routes(const struct api *api, size_t *ret_count) {
    *ret_count = api->public_count;
    return api->public_routes;
}

const struct http_route *api_control_routes(const struct api *api, size_t *ret_count) {
    *ret_count = 1;
    return api->control_routes;
}

/* ---- the server's own errors ---- */
void api_format_error(void *arg, const struct http_request *request, int status, const char *why,
                      struct http_response *response) {
    (void)arg;
    struct refused_list refused = {0};
    bool is_rest = request && str_starts(request->path, STR("/api/v1/"));
    /* A chunked body that grew too large without a key in sight: see call_start. */
    if (status == 413 && is_rest && bearer_of(request).n == 0) {
        response->status = 401;
        refused_add(&refused, NULL, 401, (struct str){0});
    } else {
        refused.items[refused.count++] = (struct refused){.code = status == 400   ? REFUSAL_UNREADABLE
                                                                  : status == 500 ? REFUSAL_FAULT
                                                                                  : status,
                                                          .message = str_from_z(why)};
    }
    response->content_type = STR("application/json");
    struct str command;
    if (request && operation_is_command_path(request->path, &command)) {
        refused_format_command(&refused, NULL, &response->body);
    } else {
        refused_format_rest(&refused, &response->body);
    }
}
