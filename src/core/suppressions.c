/* suppressions.c - see suppressions.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/suppressions.h"

#include "proto/json/json.h"
#include "store/accounts.h"

static const struct str source_names[SUPPRESSION_SOURCES] = {
    [SUPPRESSION_NONE] = STR_INIT(""),
    [SUPPRESSION_ADMINISTRATOR] = STR_INIT("Administrator"),
    [SUPPRESSION_USER] = STR_INIT("User"),
    [SUPPRESSION_COMPLAINT] = STR_INIT("SPAM complaint"),
    [SUPPRESSION_BOUNCE] = STR_INIT("Hard Bounced"),
    [SUPPRESSION_UNSUBSCRIBE] = STR_INIT("Unsubscribe"),
};

struct str suppression_source_name(enum suppression_source source) {
    return source_names[(unsigned)source < SUPPRESSION_SOURCES ? source : SUPPRESSION_NONE];
}

bool suppression_source_parse(struct str name, enum suppression_source *ret) {
    for (int i = SUPPRESSION_NONE + 1; i < SUPPRESSION_SOURCES; i++) {
        if (!str_eq_nocase(name, source_names[i])) continue;
        *ret = (enum suppression_source)i;
        return true;
    }
    return false;
}

struct sha256 suppression_hash(struct str address) {
    ARENA_AUTO arena = {0};
    return sha256(arena_lower(&arena, address));
}

/* One question for up to SUPPRESSION_MATCH_MAX addresses. */
static enum status check_some(struct db *tx, const struct suppression_scope *scope, const struct str *addresses, size_t count,
                              enum suppression_source *ret) {
    ARENA_AUTO arena = {0};
    struct sha256 hashes[SUPPRESSION_MATCH_MAX];
    struct str texts[SUPPRESSION_MATCH_MAX];
    struct suppression_list found;
    for (size_t i = 0; i < count; i++) {
        hashes[i] = suppression_hash(addresses[i]);
        texts[i] = sha256_str(&hashes[i]);
    }
    enum status status = suppression_match(tx, &arena, scope, texts, count, &found);
    if (status != STATUS_OK) return status;
    for (size_t i = 0; i < count; i++) {
        ret[i] = SUPPRESSION_NONE;
        for (size_t j = 0; j < found.count; j++) {
            bool is_his = str_eq(texts[i], found.items[j].address_hash);
            if (is_his && (ret[i] == SUPPRESSION_NONE || ret[i] == SUPPRESSION_UNSUBSCRIBE)) ret[i] = found.items[j].source;
        }
    }
    return STATUS_OK;
}

enum status suppressions_check(struct db *tx, const struct suppression_scope *scope, const struct str *addresses, size_t count,
                               enum suppression_source *ret) {
    enum status status = STATUS_OK;
    for (size_t done = 0; status == STATUS_OK && done < count; done += SUPPRESSION_MATCH_MAX) {
        size_t n = count - done < SUPPRESSION_MATCH_MAX ? count - done : SUPPRESSION_MATCH_MAX;
        status = check_some(tx, scope, addresses + done, n, ret + done);
    }
    return status;
}

/* At most `max` bytes of UTF-8, cut between characters. */
static struct str cut_utf8(struct str s, size_t max) {
    if (s.n <= max) return s;
    while (max && ((unsigned char)s.p[max] & 0xC0) == 0x80) max--;
    return str_sub(s, 0, max);
}

enum status suppression_add(struct db *tx, const struct suppression *entry, bool *ret_is_new) {
    ARENA_AUTO arena = {0};
    struct suppression row = *entry;
    int64_t id;
    row.address = arena_lower(&arena, entry->address);
    struct sha256 hash = sha256(row.address);
    row.address_hash = sha256_str(&hash);
    row.reason = cut_utf8(entry->reason, SUPPRESSION_REASON_MAX);
    enum status status = suppression_insert(tx, &row, &id);
    if (status == STATUS_EXISTS && (row.source == SUPPRESSION_BOUNCE || row.source == SUPPRESSION_COMPLAINT))
        status = suppression_harden(tx, &row);
    if (status != STATUS_OK && status != STATUS_EXISTS && status != STATUS_NOT_FOUND) return status;
    *ret_is_new = status == STATUS_OK;
    return STATUS_OK;
}

enum status suppression_remove(struct db *tx, const struct suppression_scope *scope, struct str address) {
    struct sha256 hash = suppression_hash(address);
    return suppression_delete(tx, scope->account_id, scope->list_id, sha256_str(&hash));
}

/* ---- tags ---- */
/* Too many tags to keep: he means everything. */
static enum status refuse_all(struct db *tx, const struct tag_refusal *refusal, struct str address, bool *ret_is_new) {
    const struct suppression entry = {.account_id = refusal->account_id,
                                      .address = address,
                                      .source = SUPPRESSION_UNSUBSCRIBE,
                                      .reason = STR("Refused too many tags"),
                                      .event_id = refusal->event_id,
                                      .created_at = refusal->created_at};
    return suppression_add(tx, &entry, ret_is_new);
}

enum status suppression_refuse_tag(struct db *tx, const struct tag_refusal *refusal, struct str address, bool *ret_is_new) {
    ARENA_AUTO arena = {0};
    struct tag_refusal_list all;
    struct tag_refusal row = *refusal;
    row.address = arena_lower(&arena, address);
    struct sha256 hash = sha256(row.address);
    row.address_hash = sha256_str(&hash);
    enum status status = tag_refusal_add(tx, &row);
    bool is_new = status == STATUS_OK;
    if (status == STATUS_EXISTS) status = STATUS_OK;
    if (is_new) status = tag_refusal_list(tx, &arena, row.account_id, row.address_hash, SUPPRESSION_TAGS_MAX + 1, &all);
    if (is_new && status == STATUS_OK && all.count > SUPPRESSION_TAGS_MAX) return refuse_all(tx, refusal, address, ret_is_new);
    if (status == STATUS_OK) *ret_is_new = is_new;
    return status;
}

/* ---- what is to be sent ---- */
static bool has_tags(struct str tags) {
    return tags.n > STR("[]").n;
}

/* The refusal that one of the tags meets; NULL: none. */
static const struct tag_refusal *find_refusal(struct arena *arena, struct str hash, struct str tags,
                                              const struct tag_refusal_list *refused) {
    const struct json *list = NULL;
    struct json_error error;
    for (size_t i = 0; i < refused->count; i++) {
        if (!str_eq(refused->items[i].address_hash, hash)) continue;
        if (!list && (!json_parse(arena, tags, &list, &error) || list->type != JSON_ARRAY)) return NULL;
        JSON_FOR_EACH (tag, list)
            if (tag->type == JSON_STRING && str_eq(tag->text, refused->items[i].tag)) return &refused->items[i];
    }
    return NULL;
}

/* One question for up to TAG_REFUSAL_MATCH_MAX. */
static enum status match_tags(struct db *db, struct arena *arena, int64_t account_id, struct suppression_case **cases,
                              size_t count) {
    struct sha256 hashes[TAG_REFUSAL_MATCH_MAX];
    struct str texts[TAG_REFUSAL_MATCH_MAX];
    struct tag_refusal_list refused;
    for (size_t i = 0; i < count; i++) {
        hashes[i] = suppression_hash(cases[i]->address);
        texts[i] = sha256_str(&hashes[i]);
    }
    enum status status = tag_refusal_match(db, arena, account_id, texts, count, &refused);
    for (size_t i = 0; status == STATUS_OK && refused.count && i < count; i++) {
        const struct tag_refusal *found = find_refusal(arena, texts[i], cases[i]->tags, &refused);
        if (!found) continue;
        cases[i]->source = SUPPRESSION_UNSUBSCRIBE;
        cases[i]->tag = found->tag;
    }
    return status;
}

/* Nothing is asked where no message has a tag. */
static enum status judge_tags(struct db *db, struct arena *arena, int64_t account_id, struct suppression_case *cases,
                              size_t count) {
    struct suppression_case *some[TAG_REFUSAL_MATCH_MAX];
    size_t n = 0;
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i <= count; i++) {
        if (i < count && cases[i].source == SUPPRESSION_NONE && has_tags(cases[i].tags)) some[n++] = &cases[i];
        if (n == 0 || (n < TAG_REFUSAL_MATCH_MAX && i < count)) continue;
        status = match_tags(db, arena, account_id, some, n);
        n = 0;
    }
    return status;
}

static bool is_spared(const struct suppression_case *c) {
    return c->is_transactional && c->source == SUPPRESSION_UNSUBSCRIBE;
}

static enum status spare_transactional(struct db *db, struct arena *arena, int64_t account_id, struct suppression_case *cases,
                                       size_t count) {
    struct account account;
    size_t i = 0;
    while (i < count && !is_spared(&cases[i])) i++;
    if (i == count) return STATUS_OK;
    enum status status = account_get(db, arena, account_id, &account);
    if (status != STATUS_OK || account.unsubscribes_block_all) return status;
    for (; i < count; i++) {
        if (!is_spared(&cases[i])) continue;
        cases[i].source = SUPPRESSION_NONE;
        cases[i].tag = STR("");
    }
    return STATUS_OK;
}

enum status suppressions_judge(struct db *db, struct arena *arena, const struct suppression_scope *scope,
                               struct suppression_case *cases, size_t count) {
    enum suppression_source *sources = arena_array(arena, count + 1, sizeof *sources);
    struct str *addresses = arena_array(arena, count + 1, sizeof *addresses);
    for (size_t i = 0; i < count; i++) addresses[i] = cases[i].address;
    enum status status = suppressions_check(db, scope, addresses, count, sources);
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        cases[i].source = sources[i];
        cases[i].tag = STR("");
    }
    if (status == STATUS_OK) status = judge_tags(db, arena, scope->account_id, cases, count);
    return status == STATUS_OK ? spare_transactional(db, arena, scope->account_id, cases, count) : status;
}
