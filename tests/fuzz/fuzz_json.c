/* JSON: what the reader takes, the writer can say again, and reading that gives the same (JS01 to JS12).
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "proto/json/json_write.h"

static void look(const struct json *value, unsigned depth) {
    int64_t integer;
    FUZZ_CHECK(depth <= JSON_DEPTH_MAX);
    (void)json_to_i64(value, &integer);
    if (value->type == JSON_STRING) FUZZ_CHECK(str_is_utf8(value->text) && str_find(value->text, 0) == STR_NONE);
    uint32_t count = 0;
    JSON_FOR_EACH (it, value) {
        count++;
        look(it, depth + 1);
        if (value->type != JSON_OBJECT) continue;
        FUZZ_CHECK(json_find(value, it->key) == it); /* no name twice */
        FUZZ_CHECK(json_find_nocase(value, it->key) == it);
    }
    if (json_is(value, JSON_ARRAY) || json_is(value, JSON_OBJECT)) FUZZ_CHECK(count == value->count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str in = fuzz_str(data, size);
    ARENA_AUTO arena = {0};
    const struct json *value, *again;
    struct json_error error = {0};
    if (!json_parse(&arena, in, &value, &error)) {
        FUZZ_CHECK(error.why && error.at <= in.n);
        return 0;
    }
    look(value, 0);
    BUF_AUTO first = {0};
    BUF_AUTO second = {0};
    struct json_writer writer = {.out = &first};
    json_value(&writer, value);
    FUZZ_CHECK(json_parse(&arena, buf_str(&first), &again, &error));
    writer = (struct json_writer){.out = &second};
    json_value(&writer, again);
    FUZZ_CHECK(str_eq(buf_str(&first), buf_str(&second)));

    BUF_AUTO text = {0}; /* any bytes at all can be written as a string */
    writer = (struct json_writer){.out = &text};
    json_str(&writer, in);
    FUZZ_CHECK(json_parse(&arena, buf_str(&text), &again, &error) || str_find(in, 0) != STR_NONE);
    return 0;
}
