/* Header fields that owners want in the calls of their webhooks: whatever passes frames nothing and says nothing in our name
 * (WH17).
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "core/hook_headers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    ARENA_AUTO arena = {0};
    BUF_AUTO why = {0};
    struct hook_headers list = {.count = 0};
    bool is_good = hook_headers_parse(fuzz_str(data, size), &arena, &list, &why);
    FUZZ_CHECK(is_good == (why.n == 0) && list.count <= HOOK_HEADERS_MAX);
    for (size_t i = 0; i < list.count; i++) {
        const struct hook_header *h = &list.items[i];
        FUZZ_CHECK(h->name.n > 0 && h->name.n <= HOOK_HEADER_NAME_MAX && h->value.n <= HOOK_HEADER_VALUE_MAX);
        FUZZ_CHECK(!str_has_control(h->name) && !str_has_control(h->value) && str_is_ascii(h->value));
        FUZZ_CHECK(str_find(h->name, ':') == STR_NONE && str_find(h->name, ' ') == STR_NONE);
        FUZZ_CHECK(!str_eq_nocase(h->name, STR("host")) && !str_eq_nocase(h->name, STR("content-length")));
        FUZZ_CHECK(!str_starts_nocase(h->name, STR("webhook-")));
    }
    return 0;
}
