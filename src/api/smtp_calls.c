/* smtp_calls.c - AddSMTP, GetSMTPs, DeleteSMTP, ResetSMTPPassword: who may submit by SMTP for a domain.
 *
 * A password is random, kept as a hash, and so shown once: in the answer that made it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/call.h"
#include "api/smtp_calls.h"

#include "core/smtp_users.h"
#include "core/tokens.h"
#include "proto/address/address.h"

#define MASK       STR("********")
#define SUBMISSION STR("587") /* RFC 6409 */

/* ---- in answers ---- */
static struct str tls_sentence(struct call *c) {
    unsigned port = c->api->smtp_tls_port;
    if (port == 0) return STR("Connect with STARTTLS; without TLS no password is taken.");
    return arena_strf(c->arena, "Connect with STARTTLS, or with TLS from the start on port %u; without TLS no password is taken.",
                      port);
}

static void write_server(struct call *c) {
    struct str rest = c->api->smtp_ports, port;
    json_add_str(&c->json, STR("SMTPHost"), c->api->smtp_host);
    json_add_array(&c->json, STR("SMTPPorts"));
    while (rest.n && str_next(&rest, ',', &port)) json_str(&c->json, str_trim(port));
    json_close_array(&c->json);
    json_add_str(&c->json, STR("OtherSMTPInfo"), tls_sentence(c));
}

/* The port of submission, else the first. */
static int64_t best_port(struct str ports) {
    struct str rest = ports, port;
    uint64_t first = 0, number;
    while (rest.n && str_next(&rest, ',', &port)) {
        port = str_trim(port);
        if (str_eq(port, SUBMISSION)) first = 587;
        if (first == 0 && str_to_u64(port, &number)) first = number;
    }
    return (int64_t)first;
}

static void write_user(struct call *c, const struct smtp_user *user, struct str password) {
    struct json_writer *w = &c->json;
    json_add_id(w, STR("SMTPID"), user->id);
    json_add_id(w, STR("DomainID"), user->domain_id);
    json_add_str(w, STR("Username"), user->username);
    json_add_str(w, STR("Password"), password);
    json_add_str(w, STR("SMTPUsername"), user->username);
    json_add_str(w, STR("SMTPPassword"), password);
    json_add_str(w, STR("FromEmail"), user->from_email);
    json_add_str(w, STR("FromName"), user->from_name);
    json_add_str(w, STR("ReplyToEmail"), user->reply_to_email);
    json_add_str(w, STR("ReplyToName"), user->reply_to_name);
    json_add_bool(w, STR("IsActive"), user->is_active);
    json_add_time(w, STR("CreatedAt"), user->created_at);
    json_add_time(w, STR("LastUsedDate"), user->last_used_at);
    write_server(c);
}

/* ---- AddSMTP ---- */
/* What may stand in From must be the domain's, or below it, as for every message. */
static void check_from(struct call *c, struct str from_email, const struct domain *domain) {
    struct address address;
    if (from_email.n == 0 || !address_parse(from_email, c->arena, &address)) return;
    if (!domain_is_within(address.domain, domain->name))
        call_refuse_say(c, STR("FromEmail"), "FromEmail must be an address of the sender domain");
}

enum status smtp_calls_add(struct call *c, struct db *db) {
    struct str none = {0};
    SECRET_AUTO password = {0};
    struct domain domain;
    struct smtp_user user = {
        .account_id = c->scope.account_id,
        .domain_id = call_number(c, "DomainID", 0),
        .from_email = call_text(c, "FromEmail", none),
        .from_name = call_text(c, "FromName", none),
        .reply_to_email = call_text(c, "ReplyToEmail", none),
        .reply_to_name = call_text(c, "ReplyToName", none),
        .is_active = true,
        .created_at = c->now,
    };
    token_make(TOKEN_SMTP, c->api->rand, &password);
    enum status status = domain_get(db, c->arena, user.account_id, user.domain_id, &domain);
    if (status == STATUS_OK) check_from(c, user.from_email, &domain);
    if (c->refused.count) return STATUS_OK;
    if (status == STATUS_OK) status = smtp_user_create(db, c->arena, &user, buf_str(&password), c->api->rand);
    if (status == STATUS_NOT_FOUND) return call_refuse(c, 2);
    if (status == STATUS_LIMIT)
        return call_refuse_say(c, STR("DomainID"), "The domain has as many SMTP users as it may have: delete one");
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    json_add_id(w, STR("NewSMTPID"), user.id);
    json_add_object(w, STR("SMTP"));
    write_user(c, &user, buf_str(&password));
    json_close_object(w);
    return call_close(c);
}

/* ---- GetSMTPs, DeleteSMTP, ResetSMTPPassword ---- */
enum status smtp_calls_list(struct call *c, struct db *db) {
    struct smtp_user_list list;
    int64_t domain_id = call_number(c, "DomainID", 0);
    enum status status = domain_is_of(db, c->scope.account_id, domain_id);
    if (status == STATUS_NOT_FOUND) return call_refuse(c, 2);
    if (status == STATUS_OK) status = smtp_user_list(db, c->arena, c->scope.account_id, domain_id, &list);
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    json_add_array(w, STR("SMTPs"));
    for (size_t i = 0; i < list.count; i++) {
        json_open_object(w);
        write_user(c, &list.items[i], MASK);
        json_close_object(w);
    }
    json_close_array(w);
    return call_close(c);
}

enum status smtp_calls_delete(struct call *c, struct db *db) {
    enum status status = smtp_user_delete(db, c->scope.account_id, call_number(c, "smtpid", 0));
    if (status == STATUS_NOT_FOUND) return call_refuse(c, 2);
    if (status != STATUS_OK) return status;
    return call_done(c);
}

enum status smtp_calls_reset(struct call *c, struct db *db) {
    SECRET_AUTO password = {0};
    struct smtp_user user;
    token_make(TOKEN_SMTP, c->api->rand, &password);
    enum status status =
        smtp_user_reset(db, c->arena, c->scope.account_id, call_number(c, "smtpid", 0), buf_str(&password), &user);
    if (status == STATUS_NOT_FOUND) return call_refuse(c, 2);
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    json_add_object(w, STR("SMTP"));
    json_add_str(w, STR("Server"), c->api->smtp_host);
    json_add_i64(w, STR("Port"), best_port(c->api->smtp_ports));
    write_user(c, &user, buf_str(&password));
    json_close_object(w);
    return call_close(c);
}
