/* domain_calls.h - sender domains in answers, and the state that domain operations carry from step to step.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_DOMAIN_CALLS_H
#define POSTHORN_API_DOMAIN_CALLS_H

#include "api/call.h"
#include "core/domains.h"

/* AddDomain's and VerifyDomain's way from step to step. */
struct domain_call {
    struct domain domain;
    struct dkim_key keys[DOMAIN_KEYS]; /* made for a new domain */
    struct verify *verify;             /* owned; VerifyDomain */
};
/* Members of a domain's object; DomainID as a string where the contract has one. */
void domain_call_write(struct json_writer *w, const struct domain *domain, bool id_is_text);

/* Steps. */
enum status domain_calls_add_check(struct call *call, struct db *db);
enum status domain_calls_make_keys(struct call *call, struct db *db);
enum status domain_calls_add(struct call *call, struct db *db);
enum status domain_calls_get(struct call *call, struct db *db);
enum status domain_calls_list(struct call *call, struct db *db);
enum status domain_calls_update_find(struct call *call, struct db *db);
enum status domain_calls_update(struct call *call, struct db *db);
enum status domain_calls_verify_load(struct call *call, struct db *db);
enum status domain_calls_verify_ask(struct call *call, struct db *db);
enum status domain_calls_verify_save(struct call *call, struct db *db);

#endif
