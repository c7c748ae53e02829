/* Addresses: canonical form is a fixed point, and fits where it will stand (AD01 to AD16).
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "proto/address/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str in = fuzz_str(data, size), domain, again_domain;
    ARENA_AUTO arena = {0};
    struct address address, again;
    if (address_parse(in, &arena, &address)) {
        FUZZ_CHECK(address.text.n <= ADDRESS_MAX && address.local.n <= ADDRESS_LOCAL_MAX &&
                   address.domain.n <= ADDRESS_DOMAIN_MAX);
        FUZZ_CHECK(address.text.n == address.local.n + 1 + address.domain.n && address.local.n && address.domain.n);
        FUZZ_CHECK(!str_has_control(address.text) && str_is_utf8(address.text) && str_is_ascii(address.domain));
        FUZZ_CHECK(address.is_utf8 == !str_is_ascii(address.local));
        FUZZ_CHECK(address_parse(address.text, &arena, &again) && str_eq(again.text, address.text));
        FUZZ_CHECK(domain_is_within(address.domain, address.domain));
    }
    if (domain_parse(in, &arena, &domain)) {
        FUZZ_CHECK(domain.n <= ADDRESS_DOMAIN_MAX && str_find(domain, '.') != STR_NONE && str_is_ascii(domain));
        FUZZ_CHECK(domain_parse(domain, &arena, &again_domain) && str_eq(domain, again_domain));
    }
    return 0;
}
