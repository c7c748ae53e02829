/* CSV: every byte is used once, fields hold no more than came, and a text that is cut gives the same first record or wants more.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "proto/csv/csv.h"

static void check_cut(struct str text, char delimiter, size_t cut, enum parse whole, size_t whole_used, size_t whole_count) {
    ARENA_AUTO arena = {0};
    struct csv_record record;
    size_t used;
    if (cut == 0 || cut >= text.n || whole == PARSE_BAD) return;
    enum parse parse = csv_parse(&arena, str_sub(text, 0, cut), delimiter, false, &record, &used);
    FUZZ_CHECK(parse != PARSE_BAD);
    if (parse == PARSE_DONE) FUZZ_CHECK(used == whole_used && record.count == whole_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str in = fuzz_str(data, size);
    size_t cut = fuzz_choice(&in);
    char delimiter = csv_guess_delimiter(in);
    while (in.n) {
        ARENA_AUTO arena = {0};
        struct csv_record record;
        size_t used = 0, bytes = 0;
        enum parse parse = csv_parse(&arena, in, delimiter, true, &record, &used);
        FUZZ_CHECK(parse != PARSE_MORE && used > 0 && used <= in.n && record.lines <= used);
        for (size_t i = 0; parse == PARSE_DONE && i < record.count; i++) bytes += record.fields[i].n;
        FUZZ_CHECK(bytes <= used && (parse == PARSE_DONE) == (record.why == NULL));
        check_cut(in, delimiter, cut, parse, used, record.count);
        in = str_sub(in, used, SIZE_MAX);
    }
    return 0;
}
