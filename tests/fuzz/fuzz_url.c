/* Paths and parameters: what is decoded is text, and what is called safe stays where it is (HT33).
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "proto/url/url.h"

static void check_decoding(struct arena *arena, struct str in) {
    struct str decoded;
    if (url_decode(arena, in, &decoded))
        FUZZ_CHECK(str_is_utf8(decoded) && str_find(decoded, 0) == STR_NONE && decoded.n <= in.n);
}

static void check_path(struct arena *arena, struct str in) {
    struct str decoded;
    if (!url_path_is_safe(in)) return;
    FUZZ_CHECK(in.n && in.p[0] == '/' && url_decode(arena, in, &decoded));
    FUZZ_CHECK(str_find_str(decoded, STR("/../")) == STR_NONE && !str_ends(decoded, STR("/..")));
    FUZZ_CHECK(str_find_str(decoded, STR("//")) == STR_NONE && str_find(decoded, '\\') == STR_NONE && !str_has_control(decoded));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str in = fuzz_str(data, size);
    ARENA_AUTO arena = {0};
    check_decoding(&arena, in);
    check_path(&arena, in);
    struct url_params params = {0};
    if (url_params_parse(&arena, in, &params) != STATUS_OK) return 0;
    size_t count = 0;
    for (const struct url_param *p = params.first; p; p = p->next, count++) {
        FUZZ_CHECK(str_is_utf8(p->name) && str_is_utf8(p->value));
    }
    FUZZ_CHECK(count == params.count && count <= URL_PARAMS_MAX);
    return 0;
}
