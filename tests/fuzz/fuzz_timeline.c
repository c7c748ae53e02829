/* A message's story: what an event says is text of a bounded length whatever its detail holds, and a cursor is taken in one
 * spelling alone.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/timeline.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str in = fuzz_str(data, size);
    ARENA_AUTO arena = {0};
    BUF_AUTO says = {0};
    BUF_AUTO again = {0};
    struct timeline_place place;
    timeline_say((enum event_type)(size ? data[0] % (EVENT_TYPE_COUNT + 1) : 0), str_sub(in, 1, SIZE_MAX), &arena, &says);
    FUZZ_CHECK(says.n <= 2 * size + 300 && str_is_utf8(buf_str(&says)));
    if (timeline_place_parse(in, &place)) {
        FUZZ_CHECK(place.at >= 0 && place.id >= 0);
        timeline_place_format(&again, &place);
        FUZZ_CHECK(str_eq(in, buf_str(&again)));
    }
    return 0;
}
