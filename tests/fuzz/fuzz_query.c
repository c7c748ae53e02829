/* The search language: what is read is a sentence that SQL can be written from item by item, and an error has a place.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "proto/query/query.h"

static void check_term(const struct query_item *it, struct str in) {
    bool is_range = it->match == QUERY_RANGE;
    FUZZ_CHECK(it->field.p == NULL || (it->field.n && fuzz_is_slice(it->field, in)));
    FUZZ_CHECK(str_is_utf8(it->value) && str_is_utf8(it->to) && it->value.n <= in.n && it->to.n <= in.n);
    FUZZ_CHECK(it->match == QUERY_PRESENT || is_range || it->value.n);
    FUZZ_CHECK(it->field.p || it->match == QUERY_IS || it->match == QUERY_PREFIX);
    if (is_range) FUZZ_CHECK(it->value.n || it->to.n);
}

/* Operands and operators take turns, and brackets close. */
static void check_order(const struct query *query, struct str in) {
    bool has_operand = false;
    size_t depth = 0;
    FUZZ_CHECK(query->count > 0 && query->count <= QUERY_ITEMS_MAX);
    for (size_t i = 0; i < query->count; i++) {
        const struct query_item *it = &query->items[i];
        bool wants_operand = it->kind == QUERY_TERM || it->kind == QUERY_NOT || it->kind == QUERY_OPEN;
        FUZZ_CHECK(it->at <= in.n && wants_operand == !has_operand);
        has_operand = it->kind == QUERY_TERM || it->kind == QUERY_CLOSE;
        if (it->kind == QUERY_OPEN) FUZZ_CHECK(++depth <= QUERY_DEPTH_MAX);
        if (it->kind == QUERY_CLOSE) FUZZ_CHECK(depth-- > 0);
        if (it->kind == QUERY_TERM) check_term(it, in);
    }
    FUZZ_CHECK(has_operand && depth == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str in = fuzz_str(data, size);
    ARENA_AUTO arena = {0};
    struct query query;
    struct query_error error = {0};
    if (query_parse(in, &arena, &query, &error)) {
        FUZZ_CHECK(str_is_utf8(in) && in.n <= QUERY_LENGTH_MAX);
        check_order(&query, in);
    } else {
        FUZZ_CHECK(error.why && error.at <= in.n && query_position(in, error.at) <= in.n + 1);
    }
    return 0;
}
