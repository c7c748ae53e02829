/* MTA-STS records and policies as strangers publish them (RFC 8461). The first byte chooses which.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "proto/mta_sts/mta_sts.h"

static void check_record(struct str text) {
    const struct dns_record records[] = {{.text = STR("v=spf1 -all")}, {.text = text}};
    const struct dns_answer answer = {.type = DNS_TXT, .records = records, .count = 2};
    struct str id;
    if (!mta_sts_record_find(&answer, &id)) return;
    FUZZ_CHECK(id.n > 0 && id.n <= MTA_STS_ID_MAX && fuzz_is_slice(id, text));
    for (size_t i = 0; i < id.n; i++) FUZZ_CHECK(ascii_is_alnum(id.p[i]));
}

static void check_policy(struct str body) {
    ARENA_AUTO arena = {0};
    struct mta_sts_policy p;
    if (mta_sts_policy_parse(body, &arena, &p) != PARSE_DONE) return;
    FUZZ_CHECK(p.mx_count <= MTA_STS_MX_MAX && p.max_age_s <= MTA_STS_MAX_AGE_MAX && p.mode <= MTA_STS_ENFORCE);
    FUZZ_CHECK(p.mode == MTA_STS_NONE || p.mx_count > 0);
    for (size_t i = 0; i < p.mx_count; i++) {
        bool is_wild = str_starts(p.mx[i], STR("*."));
        struct str host = p.mx[i], again;
        if (is_wild) host = arena_strf(&arena, "a%.*s", (int)p.mx[i].n - 1, p.mx[i].p + 1);
        FUZZ_CHECK(mta_sts_mx_matches(&p, host));
        FUZZ_CHECK(dns_name_normalise(str_sub(p.mx[i], is_wild ? 2 : 0, SIZE_MAX), &arena, &again));
    }
    (void)mta_sts_mx_matches(&p, body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str in = fuzz_str(data, size);
    if (fuzz_choice(&in) % 2)
        check_policy(in);
    else
        check_record(in);
    return 0;
}
