/* operator_scope.c - for which account, and which domain of it, the operator calls an operation of the API.
 *
 * `Account` names the account by its e-mail address. Where an operation takes a DomainID the operator may say `Domain`, the name,
 * instead; that tells the account too when only one has such a domain. Otherwise the only account there is will do, and nobody
 * guesses among several.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/call.h"
#include "api/operator.h"

#include "core/domains.h"
#include "proto/address/address.h"

static bool takes(const struct operation *op, struct str name) {
    for (size_t i = 0; op && i < op->param_count; i++)
        if (str_eq_nocase(str_from_z(op->params[i].name), name)) return true;
    return false;
}

/* The name given for a DomainID; "" when there is none. */
static struct str domain_name(struct call *c) {
    struct str text = input_text(&c->input, STR("Domain")), name;
    if (text.n == 0 || !takes(c->op, STR("DomainID")) || takes(c->op, STR("Domain"))) return (struct str){0};
    return domain_parse(text, c->arena, &name) ? name : text;
}

static enum status find_named(struct call *c, struct db *db, struct str email_text) {
    struct str email;
    enum status status = STATUS_NOT_FOUND;
    if (account_email(email_text, c->arena, &email)) status = account_find(db, c->arena, email, &c->account);
    if (status == STATUS_NOT_FOUND) call_refuse_say(c, STR("Account"), "There is no such account");
    return status;
}

static enum status find_only(struct call *c, struct db *db) {
    int64_t count, id = 0;
    enum status status = account_count(db, &count, &id);
    if (status != STATUS_OK) return status;
    if (count == 1) return account_get(db, c->arena, id, &c->account);
    return call_refuse_say(c, STR("Account"),
                           count ? "Account is missing, and there are several accounts: name one by its e-mail address"
                                 : "There is no account yet: make one first");
}

static enum status find_by_domain(struct call *c, struct db *db, struct str name) {
    struct domain_list list;
    enum status status = domain_list_named(db, c->arena, name, 2, &list);
    if (status != STATUS_OK) return status;
    if (list.count == 1) return account_get(db, c->arena, list.items[0].account_id, &c->account);
    if (list.count == 0) {
        call_refuse_say(c, STR("Domain"), "There is no such domain");
    } else {
        call_refuse_say(c, STR("Account"), "Several accounts have this domain: name the account");
    }
    return STATUS_OK;
}

/* The domain's name becomes the DomainID that the operation knows. */
static enum status add_domain_id(struct call *c, struct db *db, struct str name) {
    struct domain domain;
    struct json *named = NULL;
    enum status status = domain_find(db, c->arena, c->account.id, name, &domain);
    if (status == STATUS_NOT_FOUND) call_refuse_say(c, STR("Domain"), "There is no such domain");
    if (status != STATUS_OK) return status;
    input_add(c->arena, &named, STR("DomainID"), arena_strf(c->arena, "%lld", (long long)domain.id));
    c->input.path = named;
    return STATUS_OK;
}

enum status operator_scope(struct call *c, struct db *db) {
    struct str account = input_text(&c->input, STR("Account")), domain = domain_name(c);
    enum status status = account.n ? find_named(c, db, account) : domain.n ? find_by_domain(c, db, domain) : find_only(c, db);
    if (status == STATUS_OK && c->refused.count == 0 && domain.n) status = add_domain_id(c, db, domain);
    c->scope = (struct call_scope){c->account.id, SCOPE_ANY};
    c->limits = &c->account.limits;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}
