/* operator.c - what the operator does over the control socket beside the API's own calls: domains by name.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/domain_calls.h"
#include "api/operator.h"
#include "api/operator_filter.h"
#include "api/work.h"
#include "core/domain_watch.h"

#define DOMAIN_LIST_DEFAULT 1000

/* ---- which account, which domain ---- */
/* The domain called `name`, of Account or the only one of that name. */
static enum status find_domain(struct call *c, struct db *db, struct str name, struct domain *ret) {
    int64_t account_id;
    struct domain_list list;
    enum status status = operator_account(c, db, &account_id);
    if (call_is_over(c, status)) return status;
    if (account_id != SCOPE_ANY) {
        status = domain_find(db, c->arena, account_id, name, ret);
        return status == STATUS_NOT_FOUND ? call_refuse(c, 2) : status;
    }
    status = domain_list_named(db, c->arena, name, 2, &list);
    if (status != STATUS_OK) return status;
    if (list.count == 0) return call_refuse(c, 2);
    if (list.count > 1) return call_refuse_field(c, 3, STR("Account"));
    *ret = list.items[0];
    return STATUS_OK;
}

/* ---- domains ---- */
enum status operator_domain_list(struct call *c, struct db *db) {
    int64_t account_id;
    struct domain_list list;
    enum status status = operator_account(c, db, &account_id);
    if (call_is_over(c, status)) return status;
    int limit = (int)call_number(c, "Limit", DOMAIN_LIST_DEFAULT);
    status = domain_list(db, c->arena, account_id, call_number(c, "AfterID", 0), limit, &list);
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    json_add_array(w, STR("Domains"));
    for (size_t i = 0; i < list.count; i++) {
        json_open_object(w);
        domain_call_write(w, &list.items[i], false);
        json_add_i64(w, STR("UserID"), list.items[i].account_id);
        json_add_str(w, STR("Because"), list.items[i].state_reason);
        json_add_z(w, STR("TLS"), tls_level_name((enum tls_level)list.items[i].tls));
        json_add_str(w, STR("Pool"), list.items[i].pool);
        json_close_object(w);
    }
    json_close_array(w);
    return call_close(c);
}

static enum status answer_domain(struct call *c, const struct domain *domain) {
    struct json_writer *w = call_open(c);
    domain_call_write(w, domain, false);
    json_add_str(w, STR("Because"), domain->state_reason);
    json_add_z(w, STR("TLS"), tls_level_name((enum tls_level)domain->tls));
    json_add_str(w, STR("Pool"), domain->pool);
    return call_close(c);
}

enum status operator_domain_enable(struct call *c, struct db *db) {
    struct domain domain;
    enum status status = find_domain(c, db, call_text(c, "Name", (struct str){0}), &domain);
    if (call_is_over(c, status)) return status;
    status = domain_enable(db, &domain, c->now);
    return status == STATUS_OK ? answer_domain(c, &domain) : status;
}

enum status operator_domain_disable(struct call *c, struct db *db) {
    struct domain domain;
    enum status status = find_domain(c, db, call_text(c, "Name", (struct str){0}), &domain);
    if (call_is_over(c, status)) return status;
    status = domain_suspend(db, &domain, call_text(c, "Because", STR("the operator says so")), c->now);
    return status == STATUS_OK ? answer_domain(c, &domain) : status;
}

enum status operator_domain_tls(struct call *c, struct db *db) {
    struct domain domain;
    enum status status = find_domain(c, db, call_text(c, "Name", (struct str){0}), &domain);
    if (call_is_over(c, status)) return status;
    domain.tls = (int)call_number(c, "Level", TLS_LEVEL_OPPORTUNISTIC); /* the choices are enum tls_level's */
    status = domain_demand_tls(db, domain.id, (enum tls_level)domain.tls);
    return status == STATUS_OK ? answer_domain(c, &domain) : status;
}

/* ---- pools of sources ---- */
/* Refused with the names that there are. */
static bool is_pool(struct call *c, struct str name) {
    const struct source_table *sources = c->api->sources;
    BUF_AUTO why = {0};
    if (str_is_empty(name) || (sources && source_pool_find(sources, name))) return true;
    buf_add_z(&why, "No such pool of sources; there are: ");
    if (sources) source_pool_names(&why, sources);
    (void)call_refuse_say(c, STR("Pool"), why.p);
    return false;
}

static enum status answer_pool(struct call *c, struct str name, struct str pool) {
    struct json_writer *w = call_open(c);
    json_add_str(w, STR("Name"), name);
    json_add_str(w, STR("Pool"), pool);
    return call_close(c);
}

enum status operator_domain_pool(struct call *c, struct db *db) {
    struct domain domain;
    struct str pool = call_text(c, "Pool", (struct str){0});
    enum status status = find_domain(c, db, call_text(c, "Name", (struct str){0}), &domain);
    if (call_is_over(c, status) || !is_pool(c, pool)) return status;
    status = pool_set_domain(db, domain.id, pool);
    return status == STATUS_OK ? answer_pool(c, domain.name, str_is_empty(pool) ? STR(SOURCE_POOL) : pool) : status;
}

enum status operator_key_pool(struct call *c, struct db *db) {
    int64_t id = call_number(c, "KeyID", 0);
    struct str pool = call_text(c, "Pool", (struct str){0});
    if (!is_pool(c, pool)) return STATUS_OK;
    enum status status = pool_set_key(db, id, pool);
    if (status == STATUS_NOT_FOUND) return call_refuse(c, 1);
    if (status != STATUS_OK) return status;
    return answer_pool(c, arena_strf(c->arena, "%lld", (long long)id), str_is_empty(pool) ? STR("its domain's") : pool);
}

enum status operator_domain_wake(struct call *c, struct db *db) {
    (void)db;
    work_wake(c->api->work);
    return STATUS_OK;
}
