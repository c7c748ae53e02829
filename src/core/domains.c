/* domains.c - see domains.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/domains.h"

#include "base/encode.h"
#include "core/sign.h"
#include "store/domain_watch.h"

const char *domain_state_text(enum domain_state state) {
    static const char *const texts[] = {
        [DOMAIN_PENDING] = "Approval Pending",
        [DOMAIN_ENABLED] = "Enabled",
        [DOMAIN_SUSPENDED] = "Suspended",
        [DOMAIN_BLOCKED] = "Blocked",
    };
    return texts[state];
}

const char *record_status_text(enum record_status status) {
    static const char *const texts[] = {[RECORD_PENDING] = "Pending", [RECORD_VERIFIED] = "Verified", [RECORD_FAILED] = "Failed"};
    return texts[status];
}

bool domain_is_verified(const struct domain *domain) {
    return domain->record[DOMAIN_OWNERSHIP] == RECORD_VERIFIED && domain->record[DOMAIN_DKIM] == RECORD_VERIFIED &&
           domain->record[DOMAIN_RETURN_PATH] == RECORD_VERIFIED && domain->record[DOMAIN_SPF] == RECORD_VERIFIED;
}

static const struct {
    enum domain_record record;
    const char *name;
} needed[] = {{DOMAIN_OWNERSHIP, "ownership"}, {DOMAIN_DKIM, "DKIM"}, {DOMAIN_RETURN_PATH, "return path"}, {DOMAIN_SPF, "SPF"}};
#define NEEDED_COUNT (sizeof needed / sizeof needed[0])

static bool is_failing(const struct domain *domain) {
    for (size_t i = 0; i < NEEDED_COUNT; i++)
        if (domain->record[needed[i].record] == RECORD_FAILED) return true;
    return false;
}

const char *domain_verification_text(const struct domain *domain) {
    return domain_is_verified(domain) ? "Verified" : is_failing(domain) ? "Failed" : "Pending";
}

void domain_write_failing(const struct domain *domain, struct buf *out) {
    const char *between = "";
    for (size_t i = 0; i < NEEDED_COUNT; i++) {
        if (domain->record[needed[i].record] != RECORD_FAILED) continue;
        buf_addf(out, "%s%s", between, needed[i].name);
        between = ", ";
    }
}

/* "ph" and 40 random bits, then the kind: two accounts that claim one name can both publish. */
static struct str make_selector(const struct rand *rand, const char *kind, struct arena *arena) {
    uint8_t random[5];
    BUF_AUTO text = {0};
    rand_fill(rand, random, sizeof random);
    buf_add_z(&text, "ph");
    base32_encode(&text, str_make((const char *)random, sizeof random));
    buf_add_z(&text, kind);
    return arena_str(arena, buf_str(&text));
}

enum status domain_make_keys(struct str name, const struct seal_key *seal_with, const struct rand *rand, struct arena *arena,
                             struct dkim_key ret_keys[DOMAIN_KEYS]) {
    static const struct {
        enum signkey_type type;
        const char *kind;
    } kinds[DOMAIN_KEYS] = {{SIGNKEY_RSA2048, "r"}, {SIGNKEY_ED25519, "e"}};
    struct dkim_key keys[DOMAIN_KEYS] = {0};
    for (size_t i = 0; i < DOMAIN_KEYS; i++) {
        SECRET_AUTO private_key = {0};
        BUF_AUTO public_key = {0};
        BUF_AUTO context = {0};
        BUF_AUTO sealed = {0};
        enum status status = signkey_generate(kinds[i].type, &private_key, &public_key);
        if (status != STATUS_OK) return status;
        keys[i].selector = make_selector(rand, kinds[i].kind, arena);
        keys[i].type = (int)kinds[i].type;
        sign_context(name, keys[i].selector, &context);
        seal(seal_with, buf_str(&context), buf_str(&private_key), rand, &sealed);
        keys[i].private_sealed = arena_str(arena, buf_str(&sealed));
        keys[i].public_key = arena_str(arena, buf_str(&public_key));
    }
    for (size_t i = 0; i < DOMAIN_KEYS; i++) ret_keys[i] = keys[i];
    return STATUS_OK;
}

enum status domain_check_limit(struct db *tx, int64_t account_id, int64_t max) {
    int64_t count;
    if (max == 0) return STATUS_OK;
    enum status status = domain_count(tx, account_id, &count);
    return status == STATUS_OK && count >= max ? STATUS_LIMIT : status;
}

enum status domain_create(struct db *tx, struct domain *domain, const struct dkim_key keys[DOMAIN_KEYS], int64_t max) {
    int64_t id, key_id;
    enum status status = domain_check_limit(tx, domain->account_id, max);
    if (status == STATUS_OK) status = domain_add(tx, domain, &id);
    for (size_t i = 0; status == STATUS_OK && i < DOMAIN_KEYS; i++) {
        struct dkim_key key = keys[i];
        key.domain_id = id;
        key.created_at = domain->created_at;
        status = dkim_key_add(tx, &key, &key_id);
    }
    if (status == STATUS_OK) domain->id = id;
    return status;
}

/* One DKIM key stands for all that is sealed: nothing is sealed before the first domain is there. */
enum status domain_demand_tls(struct db *tx, int64_t domain_id, enum tls_level level) {
    return domain_set_tls(tx, domain_id, (int)level);
}

enum status domain_keys_check(struct db *tx, const struct seal_key *seal_with) {
    ARENA_AUTO arena = {0};
    struct domain_list domains;
    struct dkim_key_list keys;
    enum status status = domain_list(tx, &arena, SCOPE_ANY, 0, 1, &domains);
    if (status != STATUS_OK || domains.count == 0) return status;
    status = dkim_key_list(tx, &arena, domains.items[0].id, &keys);
    if (status != STATUS_OK || keys.count == 0) return status;
    SECRET_AUTO private_key = {0};
    BUF_AUTO context = {0};
    sign_context(domains.items[0].name, keys.items[0].selector, &context);
    return seal_open(seal_with, buf_str(&context), keys.items[0].private_sealed, &private_key);
}

struct verify *domain_verification(const struct domain *domain, const struct dkim_key_list *keys, struct str hostname) {
    ARENA_AUTO arena = {0};
    struct verify_key *wanted = arena_array(&arena, keys->count, sizeof *wanted);
    for (size_t i = 0; i < keys->count; i++) {
        wanted[i] = (struct verify_key){
            .type = (enum signkey_type)keys->items[i].type,
            .selector = keys->items[i].selector,
            .public_key = keys->items[i].public_key,
        };
    }
    return verify_new(&(struct verify_input){
        .domain = domain->name,
        .subdomain = domain->subdomain,
        .track_prefix = domain->track_prefix,
        .keys = wanted,
        .key_count = keys->count,
        .hostname = hostname,
    });
}

static const enum verify_kind kinds[DOMAIN_RECORD_COUNT] = {
    [DOMAIN_OWNERSHIP] = VERIFY_OWNERSHIP,     [DOMAIN_DKIM] = VERIFY_DKIM,         [DOMAIN_SPF] = VERIFY_SPF,
    [DOMAIN_RETURN_PATH] = VERIFY_RETURN_PATH, [DOMAIN_TRACKING] = VERIFY_TRACKING, [DOMAIN_DMARC] = VERIFY_DMARC,
};

enum record_status domain_record_of(const struct domain *domain, enum verify_kind kind) {
    size_t i = 0;
    while (i + 1 < DOMAIN_RECORD_COUNT && kinds[i] != kind) i++;
    return domain->record[i];
}

static void take_statuses(const struct verify_report *report, struct domain *domain) {
    for (size_t i = 0; i < DOMAIN_RECORD_COUNT; i++) {
        enum verify_status status = report->status[kinds[i]];
        if (status == VERIFY_UNKNOWN) continue;
        domain->record[i] = status == VERIFY_OK ? RECORD_VERIFIED : RECORD_FAILED;
    }
}

static enum domain_state state_of(const struct domain *domain) {
    if (domain->is_forced || domain->state == DOMAIN_SUSPENDED || domain->state == DOMAIN_BLOCKED) return domain->state;
    return domain_is_verified(domain) ? DOMAIN_ENABLED : DOMAIN_PENDING;
}

/* Write what was found; another account may have proved the name. */
static enum status write_records(struct db *tx, struct domain *next, int64_t now, bool *ret_is_taken) {
    enum status status = domain_set_records(tx, next->id, next->record, next->state, now);
    *ret_is_taken = status == STATUS_EXISTS;
    if (*ret_is_taken) {
        next->record[DOMAIN_OWNERSHIP] = RECORD_FAILED;
        next->state = state_of(next);
        status = domain_set_records(tx, next->id, next->record, next->state, now);
    }
    next->checked_at = now;
    return status;
}

/* Looks of one interval are spread over a sixth of it, by the id. */
static int64_t next_check(const struct domain *domain, int64_t every_ms, int64_t now) {
    uint64_t spread = (uint64_t)domain->id * UINT64_C(0x9E3779B97F4A7C15) >> 32;
    return now + every_ms - (int64_t)(spread % (uint64_t)(every_ms / 6 + 1));
}

#define NEVER_MS INT64_C(31622400000) /* noted for the day that looks are switched on */

/* A domain is watched from its first complete verification on. */
static enum status write_watch(struct db *tx, struct domain *next, int64_t every_ms, bool is_soon, int64_t now) {
    if (!domain_is_verified(next) && next->check_at == 0) return STATUS_OK;
    bool is_wrong = is_failing(next);
    if (is_wrong && next->failing_at == 0) next->failing_at = now;
    if (domain_is_verified(next)) next->failing_at = 0;
    bool is_near = (is_soon || is_wrong) && every_ms > DOMAIN_CHECK_SOON_MS;
    next->check_at = next_check(next, is_near ? DOMAIN_CHECK_SOON_MS : every_ms, now);
    return domain_set_watch(tx, next->id, next->check_at, next->failing_at);
}

enum status domain_apply_report(struct db *tx, struct domain *domain, const struct verify_report *report, int64_t every_ms,
                                int64_t now, bool *ret_is_taken) {
    struct domain next = *domain;
    bool is_taken;
    take_statuses(report, &next);
    next.state = state_of(&next);
    enum status status = write_records(tx, &next, now, &is_taken);
    if (status == STATUS_OK) status = write_watch(tx, &next, every_ms ? every_ms : NEVER_MS, false, now);
    if (status != STATUS_OK) return status;
    *domain = next;
    *ret_is_taken = is_taken;
    return STATUS_OK;
}

/* ---- looks of our own ---- */
static bool is_unsure(const struct verify_report *report) {
    for (size_t i = 0; i < NEEDED_COUNT; i++)
        if (report->status[kinds[needed[i].record]] == VERIFY_UNKNOWN) return true;
    return false;
}

static bool is_stopped_now(const struct domain *domain, const struct domain_policy *policy, int64_t now) {
    if (domain->state != DOMAIN_ENABLED || domain->is_forced || domain->failing_at == 0) return false;
    return policy->stops && policy->grace_ms && now - domain->failing_at >= policy->grace_ms;
}

enum status domain_apply_check(struct db *tx, struct domain *domain, const struct verify_report *report,
                               const struct domain_policy *policy, int64_t now, enum domain_turn *ret) {
    struct domain next = *domain;
    bool is_taken;
    take_statuses(report, &next);
    bool is_stopped = is_stopped_now(&next, policy, now) && is_failing(&next);
    if (is_stopped || domain_is_verified(&next)) next.state = state_of(&next);
    enum status status = write_records(tx, &next, now, &is_taken);
    if (status == STATUS_OK) status = write_watch(tx, &next, policy->every_ms, is_unsure(report), now);
    if (status != STATUS_OK) return status;
    *ret = is_stopped                                   ? DOMAIN_STOPPED
           : !domain->failing_at && next.failing_at     ? DOMAIN_BROKE
           : domain->failing_at && next.failing_at == 0 ? DOMAIN_MENDED
                                                        : DOMAIN_NO_TURN;
    *domain = next;
    return STATUS_OK;
}

/* ---- changes ---- */
static void take_flag(const bool *given, bool *flag) {
    if (given) *flag = *given;
}

static void take_text(const struct str *given, struct str *text) {
    if (given) *text = *given;
}

bool domain_brand_colour_is(struct str text) {
    BUF_AUTO bytes = {0};
    return text.n == 0 || (text.n == 7 && text.p[0] == '#' && hex_decode(&bytes, str_sub(text, 1, SIZE_MAX)));
}

/* Did the name change? */
static bool take_name(const struct str *given, struct str *name) {
    if (!given || str_eq(*given, *name)) return false;
    *name = *given;
    return true;
}

enum status domain_apply_change(struct db *tx, struct domain *domain, const struct domain_change *change) {
    struct domain next = *domain;
    take_flag(change->link_tracking, &next.link_tracking);
    take_flag(change->open_tracking, &next.open_tracking);
    take_flag(change->unsubscribe_link, &next.unsubscribe_link);
    take_text(change->hosting_provider, &next.hosting_provider);
    take_text(change->brand_name, &next.brand_name);
    take_text(change->brand_colour, &next.brand_colour);
    take_text(change->brand_text, &next.brand_text);
    bool is_moved = take_name(change->subdomain, &next.subdomain);
    if (is_moved) next.record[DOMAIN_RETURN_PATH] = next.record[DOMAIN_SPF] = RECORD_PENDING;
    if (take_name(change->track_prefix, &next.track_prefix) || is_moved) next.record[DOMAIN_TRACKING] = RECORD_PENDING;
    if (is_moved) next.state = state_of(&next);
    enum status status = domain_update(tx, &next);
    if (status == STATUS_OK) *domain = next;
    return status;
}
