/* PROXY headers: one verdict at any cut, bounded waiting, an address or none (PB25).
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "proto/smtp/proxy_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str in = fuzz_str(data, size);
    struct proxy_header whole = {0}, growing = {0};
    size_t used = 0, growing_used = 0;
    enum parse verdict = proxy_header_parse(in, &whole, &used), step = PARSE_MORE;
    for (size_t n = 0; n <= in.n && step == PARSE_MORE; n++)
        step = proxy_header_parse(str_sub(in, 0, n), &growing, &growing_used);
    FUZZ_CHECK(step == verdict && growing_used == used);
    FUZZ_CHECK(verdict != PARSE_MORE || in.n < PROXY_HEADER_MAX);
    if (verdict != PARSE_DONE) return 0;
    FUZZ_CHECK(used > 0 && used <= in.n && used <= PROXY_HEADER_MAX);
    FUZZ_CHECK(whole.source.family == growing.source.family && whole.source_port == growing.source_port);
    BUF_AUTO text = {0};
    struct ip again = {0};
    ip_format(&text, &whole.source);
    FUZZ_CHECK(ip_parse(buf_str(&text), &again) == (whole.source.family != 0) && again.family == whole.source.family);
    return 0;
}
