/* What was packed comes back whatever it is, and packed bytes of anybody's do no harm and grow within their bound.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include "proto/gzip/pack.h"

#define FUZZ_MAX ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str in = fuzz_str(data, size);
    BUF_AUTO packed = {0};
    BUF_AUTO out = {0};
    if (unpack(&out, in, FUZZ_MAX)) FUZZ_CHECK(out.n <= FUZZ_MAX);
    buf_reset(&out);
    if (!pack(&packed, in)) return 0;
    FUZZ_CHECK(packed.n < size);
    FUZZ_CHECK(unpack(&out, buf_str(&packed), SIZE_MAX));
    FUZZ_CHECK(str_eq(buf_str(&out), in));
    return 0;
}
