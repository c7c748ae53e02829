/* Provider rows: a file is taken or refused with a reason; what is taken has limits that hold and is found by its own patterns.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/provider.h"
#include "fuzz.h"

static void check_row(const struct providers *p, const struct provider *row) {
    FUZZ_CHECK(row->limits.connections >= 1 && row->limits.connection_messages >= 1);
    FUZZ_CHECK(row->limits.per_minute >= 0 && row->limits.idle_ms >= 1000);
    FUZZ_CHECK(row->mx_count <= PROVIDER_PATTERNS_MAX && row->rule_count <= 2 * PROVIDER_RULES_MAX);
    for (size_t i = 0; i < row->mx_count; i++) {
        const struct provider *found = provider_find(p, row->mx[i]); /* a pattern's first byte is a host's too */
        FUZZ_CHECK(found->name.n > 0);
    }
    for (size_t i = 0; i < row->rule_count; i++) {
        struct shape_reply reply = {.code = 421, .text = row->rules[i].words};
        provider_judge(row, &reply);
        FUZZ_CHECK(reply.is_slow != (reply.suspend_ms > 0));
        FUZZ_CHECK(reply.suspend_ms <= INT64_C(1000) * PROVIDER_SUSPEND_MAX_S);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    BUF_AUTO why = {0};
    struct providers *p = NULL;
    struct str in = fuzz_str(data, size);
    enum status st = providers_parse(in, &why, &p);
    FUZZ_CHECK((st == STATUS_OK) == (p != NULL) && (st == STATUS_OK) == (why.n == 0));
    if (!p) return 0;
    size_t count = 0;
    for (const struct provider *row; (row = provider_at(p, count)); count++) check_row(p, row);
    FUZZ_CHECK(count >= 1 && provider_at(p, count - 1)->name.n == 0);
    FUZZ_CHECK(provider_find(p, in) != NULL);
    providers_unref(&p);
    return 0;
}
