/* sts_cache.c - see sts_cache.h. On disk a policy is the policy file that says the same, so that one parser reads both.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/sts_cache.h"

#include "base/buf.h"
#include "store/sts_policies.h"

#define PRUNE_MAX 10 /* with each that is written */

enum status sts_cache_load(struct db *db, struct str domain, int64_t now, struct arena *arena, struct sts_entry *ret) {
    struct sts_row row;
    struct mta_sts_policy policy;
    enum status status = sts_row_find(db, arena, domain, now, &row);
    if (status != STATUS_OK) return status;
    if (mta_sts_policy_parse(row.policy, arena, &policy) != PARSE_DONE) return STATUS_NOT_FOUND;
    *ret = (struct sts_entry){row.id, policy, row.fetched_at, row.expires_at};
    return STATUS_OK;
}

static void policy_format(struct buf *out, const struct mta_sts_policy *p) {
    static const char *const modes[] = {[MTA_STS_NONE] = "none", [MTA_STS_TESTING] = "testing", [MTA_STS_ENFORCE] = "enforce"};
    buf_addf(out, "version: STSv1\nmode: %s\nmax_age: %u\n", modes[p->mode], p->max_age_s);
    for (size_t i = 0; i < p->mx_count; i++) buf_addf(out, "mx: %.*s\n", STR_ARG(p->mx[i]));
}

enum status sts_cache_save(struct db *tx, struct str domain, const struct sts_entry *entry) {
    BUF_AUTO text = {0};
    policy_format(&text, &entry->policy);
    const struct sts_row row = {domain, entry->id, buf_str(&text), entry->fetched_at, entry->expires_at};
    int64_t deleted;
    enum status status = sts_row_put(tx, &row);
    return status == STATUS_OK ? sts_row_prune(tx, entry->fetched_at, PRUNE_MAX, &deleted) : status;
}

struct str sts_policy_url(struct arena *arena, struct str domain, uint16_t port) {
    struct str where = port ? arena_strf(arena, ":%u", port) : STR("");
    return arena_strf(arena, "https://mta-sts.%.*s%.*s/.well-known/mta-sts.txt", STR_ARG(domain), STR_ARG(where));
}

bool sts_is_fetch_due(const struct sts_entry *known, struct str record_id, int64_t now) {
    if (record_id.n == 0) return false;
    if (!known || !str_eq(known->id, record_id)) return true;
    int64_t half_ms = (known->expires_at - known->fetched_at) / 2;
    return now - known->fetched_at >= (half_ms < STS_REFRESH_MS ? half_ms : STS_REFRESH_MS);
}

enum tls_result sts_answer_judge(const struct sts_answer *answer, struct str record_id, int64_t now, struct arena *arena,
                                 struct sts_entry *ret) {
    struct mta_sts_policy policy;
    if (answer->is_certificate_bad) return TLS_RESULT_STS_WEBPKI_INVALID;
    if (!answer->came || answer->code != 200) return TLS_RESULT_STS_POLICY_FETCH_ERROR;
    bool is_text = str_starts_nocase(answer->content_type, STR("text/plain")); /* not what a web site's visitors put there */
    if (answer->is_cut || !is_text || mta_sts_policy_parse(answer->body, arena, &policy) != PARSE_DONE)
        return TLS_RESULT_STS_POLICY_INVALID;
    *ret = (struct sts_entry){arena_str(arena, record_id), policy, now, now + (int64_t)policy.max_age_s * 1000};
    return TLS_RESULT_SUCCESS;
}
