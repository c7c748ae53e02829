/* domains.c - sender domains and their DKIM keys.
 *
 * Several accounts may hold a domain of the same name while none has proved that it owns it; the first that does is the owner,
 * and marking a second one fails with EXISTS (P6). Lookups by an account say whose rows they mean, so another's domain is not
 * found rather than forbidden. Private keys come and go sealed; nothing here can open them (P10). What the records must say is
 * core/verify's.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/domains.h"

#include "store/accounts.h"
#include "store/rows.h"

#define RECORD_COLUMNS "ownership_status, dkim_status, spf_status, return_path_status, tracking_status, dmarc_status"
#define DOMAIN_COLUMNS                                                                                                           \
    "id, account_id, name, state, is_forced, " RECORD_COLUMNS ", subdomain, track_prefix,"                                       \
    " created_at, checked_at, link_tracking, open_tracking, unsubscribe_link, hosting_provider,"                                 \
    " check_at, failing_at, state_at, state_reason, cut_message, tls, pool, brand_name, brand_colour, brand_text"

static void domain_fill(struct stmt *s, struct arena *a, void *item) {
    struct domain *d = item;
    *d = (struct domain){
        .id = stmt_int(s, 0),
        .account_id = stmt_int(s, 1),
        .name = row_text(s, a, 2),
        .state = (enum domain_state)stmt_int(s, 3),
        .is_forced = stmt_int(s, 4) != 0,
        .subdomain = row_text(s, a, 11),
        .track_prefix = row_text(s, a, 12),
        .created_at = stmt_int(s, 13),
        .checked_at = stmt_int(s, 14),
        .link_tracking = stmt_int(s, 15) != 0,
        .open_tracking = stmt_int(s, 16) != 0,
        .unsubscribe_link = stmt_int(s, 17) != 0,
        .hosting_provider = row_text(s, a, 18),
        .check_at = stmt_int(s, 19),
        .failing_at = stmt_int(s, 20),
        .state_at = stmt_int(s, 21),
        .state_reason = row_text(s, a, 22),
        .cut_message = stmt_int(s, 23),
        .tls = (int)stmt_int(s, 24),
        .pool = row_text(s, a, 25),
        .brand_name = row_text(s, a, 26),
        .brand_colour = row_text(s, a, 27),
        .brand_text = row_text(s, a, 28),
    };
    for (int i = 0; i < DOMAIN_RECORD_COUNT; i++) d->record[i] = (enum record_status)stmt_int(s, 5 + i);
}

static void bind_records(struct stmt *s, int first, const enum record_status record[DOMAIN_RECORD_COUNT]) {
    for (int i = 0; i < DOMAIN_RECORD_COUNT; i++) stmt_bind_int(s, first + i, record[i]);
}

static void bind_brand(struct stmt *s, int first, const struct domain *domain) {
    stmt_bind_text(s, first, domain->brand_name);
    stmt_bind_text(s, first + 1, domain->brand_colour);
    stmt_bind_text(s, first + 2, domain->brand_text);
}

enum status domain_add(struct db *tx, const struct domain *domain, int64_t *ret_id) {
    enum status st = account_exists(tx, domain->account_id);
    if (st != STATUS_OK) return st;
    struct stmt *s = db_stmt(tx, "INSERT INTO domains (account_id, name, state, is_forced, " RECORD_COLUMNS
                                 ", subdomain, track_prefix, created_at, checked_at, link_tracking, open_tracking, "
                                 "unsubscribe_link, hosting_provider, brand_name, brand_colour, brand_text) VALUES "
                                 "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, "
                                 "?21) "
                                 "ON CONFLICT DO NOTHING");
    stmt_bind_int(s, 1, domain->account_id);
    stmt_bind_text(s, 2, domain->name);
    STMT_BIND_INTS(s, 3, domain->state, domain->is_forced);
    bind_records(s, 5, domain->record);
    stmt_bind_text(s, 11, domain->subdomain);
    stmt_bind_text(s, 12, domain->track_prefix);
    STMT_BIND_INTS(s, 13, domain->created_at, domain->checked_at, domain->link_tracking, domain->open_tracking,
                   domain->unsubscribe_link);
    stmt_bind_text(s, 18, domain->hosting_provider);
    bind_brand(s, 19, domain);
    return stmt_insert(s, ret_id);
}

enum status domain_get(struct db *tx, struct arena *a, int64_t account_id, int64_t id, struct domain *ret) {
    struct stmt *s =
        db_stmt(tx, "SELECT " DOMAIN_COLUMNS " FROM domains WHERE id = ?2 AND (account_id = ?1 OR ?1 = -1)"); /* SCOPE_ANY */
    STMT_BIND_INTS(s, 1, account_id, id);
    return row_get(s, a, domain_fill, ret);
}

enum status domain_is_of(struct db *tx, int64_t account_id, int64_t id) {
    struct stmt *s = db_stmt(tx, "SELECT account_id FROM domains WHERE id = ?1");
    stmt_bind_int(s, 1, id);
    enum status st = row_first(s);
    return st == STATUS_OK && stmt_int(s, 0) != account_id ? STATUS_NOT_FOUND : st;
}

enum status domain_get_cut(struct db *tx, int64_t account_id, int64_t id, int64_t *ret_cut_message) {
    struct stmt *s = db_stmt(tx, "SELECT cut_message FROM domains WHERE id = ?1 AND account_id = ?2");
    STMT_BIND_INTS(s, 1, id, account_id);
    return row_int(s, ret_cut_message);
}

enum status domain_set_cut(struct db *tx, int64_t account_id, int64_t id, int64_t cut_message) {
    struct stmt *s = db_stmt(tx, "UPDATE domains SET cut_message = ?3 WHERE id = ?1 AND account_id = ?2");
    STMT_BIND_INTS(s, 1, id, account_id, cut_message);
    return row_change(tx, s);
}

enum status domain_find(struct db *tx, struct arena *a, int64_t account_id, struct str name, struct domain *ret) {
    struct stmt *s = db_stmt(tx, "SELECT " DOMAIN_COLUMNS " FROM domains WHERE account_id = ?1 AND name = ?2");
    stmt_bind_int(s, 1, account_id);
    stmt_bind_text(s, 2, name);
    return row_get(s, a, domain_fill, ret);
}

static enum status domains_collect(struct stmt *s, struct arena *a, struct domain_list *ret) {
    return rows_collect(s, a, sizeof(struct domain), domain_fill, ret);
}

static enum status list_all(struct db *tx, struct arena *a, int64_t after_id, int limit, struct domain_list *ret) {
    struct stmt *s = db_stmt(tx, "SELECT " DOMAIN_COLUMNS " FROM domains WHERE id > ?1 ORDER BY id LIMIT ?2");
    STMT_BIND_INTS(s, 1, after_id, limit);
    return domains_collect(s, a, ret);
}

enum status domain_list(struct db *tx, struct arena *a, int64_t account_id, int64_t after_id, int limit,
                        struct domain_list *ret) {
    if (account_id == SCOPE_ANY) return list_all(tx, a, after_id, limit, ret);
    struct stmt *s = db_stmt(tx, "SELECT " DOMAIN_COLUMNS " FROM domains WHERE account_id = ?1 AND id > ?2 ORDER BY id LIMIT ?3");
    STMT_BIND_INTS(s, 1, account_id, after_id, limit);
    return domains_collect(s, a, ret);
}

enum status domain_page(struct db *tx, struct arena *a, int64_t account_id, int64_t offset, int limit, struct domain_list *ret) {
    struct stmt *s = db_stmt(tx, "SELECT " DOMAIN_COLUMNS " FROM domains WHERE account_id = ?1 ORDER BY id LIMIT ?2 OFFSET ?3");
    STMT_BIND_INTS(s, 1, account_id, limit, offset);
    return domains_collect(s, a, ret);
}

enum status domain_count(struct db *tx, int64_t account_id, int64_t *ret_count) {
    struct stmt *s = db_stmt(tx, "SELECT count(*) FROM domains WHERE account_id = ?1");
    stmt_bind_int(s, 1, account_id);
    return row_int(s, ret_count);
}

enum status domain_list_named(struct db *tx, struct arena *a, struct str name, int limit, struct domain_list *ret) {
    struct stmt *s = db_stmt(tx, "SELECT " DOMAIN_COLUMNS " FROM domains WHERE name = ?1 ORDER BY id LIMIT ?2");
    stmt_bind_text(s, 1, name);
    stmt_bind_int(s, 2, limit);
    return domains_collect(s, a, ret);
}

enum status domain_set_state(struct db *tx, int64_t id, enum domain_state state, bool is_forced) {
    struct stmt *s = db_stmt(tx, "UPDATE domains SET state = ?2, is_forced = ?3 WHERE id = ?1");
    STMT_BIND_INTS(s, 1, id, state, is_forced);
    return row_change(tx, s);
}

/* EXISTS when another account has proved that it owns the name. */
static enum status check_owner(struct db *tx, int64_t id) {
    struct stmt *s = db_stmt(tx, "SELECT other.id FROM domains d JOIN domains other ON other.name = d.name "
                                 "WHERE d.id = ?1 AND other.id <> d.id AND other.ownership_status = 1");
    stmt_bind_int(s, 1, id);
    return row_none(s);
}

enum status domain_set_tls(struct db *tx, int64_t id, int tls) {
    struct stmt *s = db_stmt(tx, "UPDATE domains SET tls = ?2 WHERE id = ?1");
    STMT_BIND_INTS(s, 1, id, tls);
    return row_change(tx, s);
}

enum status domain_set_records(struct db *tx, int64_t id, const enum record_status record[DOMAIN_RECORD_COUNT],
                               enum domain_state state, int64_t now) {
    enum status st = record[DOMAIN_OWNERSHIP] == RECORD_VERIFIED ? check_owner(tx, id) : STATUS_OK;
    if (st != STATUS_OK) return st;
    struct stmt *s = db_stmt(tx, "UPDATE domains SET state = ?2, checked_at = ?3, ownership_status = ?4, dkim_status = ?5, "
                                 "spf_status = ?6, return_path_status = ?7, tracking_status = ?8, dmarc_status = ?9 "
                                 "WHERE id = ?1");
    STMT_BIND_INTS(s, 1, id, state, now);
    bind_records(s, 4, record);
    return row_change(tx, s);
}

enum status domain_update(struct db *tx, const struct domain *domain) {
    struct stmt *s = db_stmt(tx, "UPDATE domains SET state = ?2, subdomain = ?3, ownership_status = ?4, dkim_status = ?5, "
                                 "spf_status = ?6, return_path_status = ?7, tracking_status = ?8, dmarc_status = ?9, "
                                 "track_prefix = ?10, link_tracking = ?11, open_tracking = ?12, unsubscribe_link = ?13, "
                                 "hosting_provider = ?14, brand_name = ?15, brand_colour = ?16, brand_text = ?17 WHERE id = ?1");
    STMT_BIND_INTS(s, 1, domain->id, domain->state);
    stmt_bind_text(s, 3, domain->subdomain);
    bind_records(s, 4, domain->record);
    stmt_bind_text(s, 10, domain->track_prefix);
    STMT_BIND_INTS(s, 11, domain->link_tracking, domain->open_tracking, domain->unsubscribe_link);
    stmt_bind_text(s, 14, domain->hosting_provider);
    bind_brand(s, 15, domain);
    return row_change(tx, s);
}

enum status domain_delete(struct db *tx, int64_t account_id, int64_t id) {
    struct stmt *s = db_stmt(tx, "DELETE FROM domains WHERE id = ?1 AND account_id = ?2");
    STMT_BIND_INTS(s, 1, id, account_id);
    return row_change(tx, s);
}

enum status domain_signing_key(struct db *tx, struct arena *a, int64_t account_id, int64_t id, struct str *ret_sealed) {
    struct stmt *s = db_stmt(tx, "SELECT signing_key_sealed FROM domains WHERE id = ?1 AND account_id = ?2");
    STMT_BIND_INTS(s, 1, id, account_id);
    enum status st = row_first(s);
    if (st == STATUS_OK) *ret_sealed = row_text(s, a, 0);
    return st;
}

enum status domain_set_signing_key(struct db *tx, int64_t id, struct str sealed) {
    struct stmt *s = db_stmt(tx, "UPDATE domains SET signing_key_sealed = ?2 WHERE id = ?1");
    stmt_bind_int(s, 1, id);
    stmt_bind_blob(s, 2, sealed);
    return row_change(tx, s);
}

/* ---- DKIM keys ---- */

enum status dkim_key_add(struct db *tx, const struct dkim_key *key, int64_t *ret_id) {
    struct stmt *domain = db_stmt(tx, "SELECT id FROM domains WHERE id = ?1");
    stmt_bind_int(domain, 1, key->domain_id);
    enum status st = row_first(domain);
    if (st != STATUS_OK) return st;
    struct stmt *s = db_stmt(tx, "INSERT INTO dkim_keys (domain_id, selector, type, private_sealed, public_key, created_at) "
                                 "VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING");
    stmt_bind_int(s, 1, key->domain_id);
    stmt_bind_text(s, 2, key->selector);
    stmt_bind_int(s, 3, key->type);
    stmt_bind_blob(s, 4, key->private_sealed);
    stmt_bind_blob(s, 5, key->public_key);
    stmt_bind_int(s, 6, key->created_at);
    return stmt_insert(s, ret_id);
}

static void dkim_key_fill(struct stmt *s, struct arena *a, void *item) {
    *(struct dkim_key *)item = (struct dkim_key){
        .id = stmt_int(s, 0),
        .domain_id = stmt_int(s, 1),
        .selector = row_text(s, a, 2),
        .type = (int)stmt_int(s, 3),
        .private_sealed = row_text(s, a, 4),
        .public_key = row_text(s, a, 5),
        .created_at = stmt_int(s, 6),
    };
}

enum status dkim_key_list(struct db *tx, struct arena *a, int64_t domain_id, struct dkim_key_list *ret) {
    struct stmt *s = db_stmt(tx, "SELECT id, domain_id, selector, type, private_sealed, public_key, created_at "
                                 "FROM dkim_keys WHERE domain_id = ?1 ORDER BY id");
    stmt_bind_int(s, 1, domain_id);
    return rows_collect(s, a, sizeof(struct dkim_key), dkim_key_fill, ret);
}
