/* fuzz.h - what all fuzz targets share.
 *
 * A target is fuzz_<name>.c with one LLVMFuzzerTestOneInput() and a folder corpus/<name>/. It states what must hold for any
 * bytes; FUZZ_CHECK stops the run where it does not. In the ordinary build replay.c feeds it the corpus; with -Dfuzz=true
 * (clang) libFuzzer feeds it what it invents. What a run finds goes into the corpus once it is cured.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_FUZZ_FUZZ_H
#define POSTHORN_FUZZ_FUZZ_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/status.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(condition)                                                                                                    \
    do {                                                                                                                         \
        if (!(condition)) {                                                                                                      \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);                                       \
            abort();                                                                                                             \
        }                                                                                                                        \
    } while (0)

static inline struct str fuzz_str(const uint8_t *data, size_t size) {
    return (struct str){(const char *)data, size};
}
/* Does `part` lie within `whole`? The empty str may point anywhere. */
static inline bool fuzz_is_slice(struct str part, struct str whole) {
    return part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}
/* Take the first byte off; 0 when there is none. */
static inline uint8_t fuzz_choice(struct str *s) {
    uint8_t c = s->n ? (uint8_t)s->p[0] : 0;
    *s = str_sub(*s, 1, SIZE_MAX);
    return c;
}

#endif
