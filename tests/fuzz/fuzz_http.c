/* Heads of requests and responses: the end is found wherever the bytes were cut (HT01), and nothing that passes could be read
 * another way by the next in line (P5).
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "proto/http/http.h"
#include "proto/url/url.h"

static enum parse scan_growing(struct str in, size_t *ret_len) {
    struct http_scan scan = {0};
    struct http_refusal why;
    enum parse verdict = PARSE_MORE;
    for (size_t n = 0; n <= in.n && verdict == PARSE_MORE; n++) verdict = http_scan_head(&scan, str_sub(in, 0, n), ret_len, &why);
    return verdict;
}

static void check_fields(struct arena *arena, const struct http_fields *fields, struct str head) {
    for (size_t i = 0; i < fields->count; i++) {
        const struct http_header *h = &fields->list[i];
        struct str value;
        FUZZ_CHECK(fuzz_is_slice(h->name, head) && fuzz_is_slice(h->value, head) && h->name.n > 0);
        FUZZ_CHECK(str_find(h->value, '\r') == STR_NONE && str_find(h->value, '\n') == STR_NONE &&
                   str_find(h->value, 0) == STR_NONE);
        FUZZ_CHECK(http_fields_count(fields, h->name) >= 1);
        FUZZ_CHECK(fuzz_is_slice(http_media_type(h->value), head));
        (void)http_parameter(arena, h->value, STR("boundary"), &value);
    }
    if (fields->framing == HTTP_FRAMING_CHUNKED) FUZZ_CHECK(http_fields_count(fields, STR("content-length")) == 0);
    if (http_fields_count(fields, STR("transfer-encoding"))) FUZZ_CHECK(fields->framing != HTTP_FRAMING_LENGTH);
}

static void check_head(struct str head) {
    ARENA_AUTO arena = {0};
    struct http_request request;
    struct http_response_head response;
    struct http_refusal why = {0};
    if (http_request_parse(&arena, head, &request, &why)) {
        FUZZ_CHECK(url_path_is_safe(request.path) || (request.method == HTTP_OPTIONS && str_eq(request.path, STR("*"))));
        FUZZ_CHECK(fuzz_is_slice(request.target, head) && fuzz_is_slice(request.query, head) &&
                   fuzz_is_slice(request.host, head));
        FUZZ_CHECK(request.fields.framing != HTTP_FRAMING_CLOSE);
        check_fields(&arena, &request.fields, head);
    } else {
        FUZZ_CHECK(why.status >= 400 && why.status < 600 && why.why);
    }
    if (http_response_parse(&arena, head, HTTP_GET, &response, &why)) check_fields(&arena, &response.fields, head);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str in = fuzz_str(data, size);
    struct http_scan scan = {0};
    struct http_refusal why = {0};
    size_t len = 0, growing_len = 0;
    enum parse verdict = http_scan_head(&scan, in, &len, &why);
    FUZZ_CHECK(scan_growing(in, &growing_len) == verdict && growing_len == len && len <= in.n);
    FUZZ_CHECK(http_skip_blank(in, 4) <= in.n);
    if (verdict == PARSE_BAD) FUZZ_CHECK(why.status >= 400 && why.why);
    if (verdict == PARSE_DONE) check_head(str_sub(in, 0, len));
    return 0;
}
