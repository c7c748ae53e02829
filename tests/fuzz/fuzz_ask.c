/* Requests to the tracking host: a head and the body behind it. What is asked for is one of three things, only a POST acts, and
 * nothing that was not signed is a token.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "track/ask.h"

static const struct seal_key master = {{7}};

static void check(const struct ask *a, const struct http_request *request, struct arena *arena) {
    struct track_keys keys = track_keys_derive(&master, 2, 1);
    struct track_token token;
    bool posts = request->method == HTTP_POST;
    FUZZ_CHECK(a->kind >= TRACK_OPEN && a->kind < TRACK_KIND_COUNT && a->scope < LEAVE_SCOPE_COUNT);
    FUZZ_CHECK(a->is_to_act == posts && (!posts || a->kind == TRACK_UNSUBSCRIBE) && (!a->is_one_click || posts));
    FUZZ_CHECK(a->scope == LEAVE_TAG ? a->tag.n > 0 : a->tag.n == 0);
    FUZZ_CHECK(a->scope == LEAVE_LIST || posts);
    FUZZ_CHECK(a->reader.is_head == (request->method == HTTP_HEAD));
    FUZZ_CHECK(!track_token_parse(&keys, a->kind, a->token, 0, arena, &token));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str in = fuzz_str(data, size);
    ARENA_AUTO arena = {0};
    struct http_scan scan = {0};
    struct http_request request;
    struct http_refusal refusal;
    struct ask a;
    size_t end;
    if (http_scan_head(&scan, in, &end, &refusal) != PARSE_DONE) return 0;
    if (!http_request_parse(&arena, str_sub(in, 0, end), &request, &refusal)) return 0;
    int status = ask_parse(&arena, &request, str_sub(in, end, SIZE_MAX), STR("192.0.2.1"), &a);
    FUZZ_CHECK(status == 0 || status == 400 || status == 404 || status == 405);
    if (status == 0) check(&a, &request, &arena);
    return 0;
}
