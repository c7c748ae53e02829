/* Form data in parts. The first line is the boundary, the rest the body.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "proto/url/multipart.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str body = fuzz_str(data, size), boundary;
    if (!str_next(&body, '\n', &boundary)) return 0;
    ARENA_AUTO arena = {0};
    struct multipart_part *part = NULL;
    if (multipart_parse(&arena, body, boundary, &part) != STATUS_OK) return 0;
    BUF_AUTO delimiter = {0};
    buf_addf(&delimiter, "\r\n--%.*s", STR_ARG(boundary));
    size_t count = 0;
    for (; part; part = part->next, count++) {
        FUZZ_CHECK(part->name.p && fuzz_is_slice(part->data, body));
        FUZZ_CHECK(!str_has_control(part->name) && !str_has_control(part->filename) && !str_has_control(part->content_type));
        FUZZ_CHECK(str_find_str(part->data, buf_str(&delimiter)) == STR_NONE);
    }
    FUZZ_CHECK(count <= MULTIPART_PARTS_MAX);
    return 0;
}
