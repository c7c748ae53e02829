/* Words of any bytes: bounded, folded for good, and none lost between them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/word.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str rest = str_make((const char *)data, size);
    BUF_AUTO word = {0};
    BUF_AUTO again = {0};
    for (size_t left = rest.n; word_next(&rest, &word); left = rest.n) {
        struct str text = buf_str(&word);
        FUZZ_CHECK(rest.n < left && word.n > 0 && word.n <= WORD_MAX && str_is_utf8(text));
        FUZZ_CHECK(word_next(&text, &again) && str_eq(buf_str(&again), buf_str(&word)));
        FUZZ_CHECK(!word_next(&text, &again));
        buf_reset(&word);
        buf_reset(&again);
    }
    return 0;
}
