/* operator_filter.c - see operator_filter.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/operator_filter.h"

#include "core/domains.h"
#include "proto/address/address.h"

#define DURATION_MAX_MS (INT64_C(3650) * 86400000)

bool operator_duration(struct str text, int64_t *ret_ms) {
    static const struct {
        char unit;
        int64_t ms;
    } units[] = {{'s', 1000}, {'m', 60000}, {'h', 3600000}, {'d', 86400000}};
    uint64_t n;
    if (text.n < 2 || !str_to_u64(str_sub(text, 0, text.n - 1), &n) || n == 0) return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (text.p[text.n - 1] != units[i].unit) continue;
        if (n > (uint64_t)(DURATION_MAX_MS / units[i].ms)) return false;
        *ret_ms = (int64_t)n * units[i].ms;
        return true;
    }
    return false;
}

enum status operator_account(struct call *c, struct db *db, int64_t *ret_id) {
    struct account account;
    struct str email;
    const struct arg *arg = call_arg(c, "Account");
    enum status status = STATUS_NOT_FOUND;
    *ret_id = SCOPE_ANY;
    if (!arg->is_given) return STATUS_OK;
    if (account_email(arg->text, c->arena, &email)) status = account_find(db, c->arena, email, &account);
    if (status == STATUS_OK) *ret_id = account.id;
    return status == STATUS_NOT_FOUND ? call_refuse_field(c, 1, STR("Account")) : status;
}

static enum status set_sender(struct call *c, struct db *db, struct queue_filter *f) {
    const struct arg *sender = call_arg(c, "Sender");
    struct domain_list list;
    struct domain domain;
    if (!sender->is_given) return STATUS_OK;
    if (f->account_id != QUEUE_ANY) {
        enum status status = domain_find(db, c->arena, f->account_id, sender->text, &domain);
        if (status == STATUS_OK) f->domain_id = domain.id;
        return status == STATUS_NOT_FOUND ? call_refuse_field(c, 2, STR("Sender")) : status;
    }
    enum status status = domain_list_named(db, c->arena, sender->text, 2, &list);
    if (status != STATUS_OK) return status;
    if (list.count != 1) return call_refuse_field(c, list.count ? 3 : 2, STR(list.count ? "Account" : "Sender"));
    f->domain_id = list.items[0].id;
    return STATUS_OK;
}

static enum status set_message(struct call *c, struct db *db, struct queue_filter *f) {
    struct message message;
    if (!call_arg(c, "MessageID")->is_given) return STATUS_OK;
    enum status status = message_find(db, c->arena, SCOPE_ANY, call_uuid(c, "MessageID"), &message);
    if (status == STATUS_OK) f->message_id = message.id;
    return status == STATUS_NOT_FOUND ? call_refuse_field(c, 4, STR("MessageID")) : status;
}

static enum status set_age(struct call *c, struct db *db, struct queue_filter *f) {
    const struct arg *age = call_arg(c, "OlderThan");
    int64_t ms, first;
    if (!age->is_given) return message_last(db, &f->last_message);
    if (!operator_duration(age->text, &ms))
        return call_refuse_say(c, STR("OlderThan"), "OlderThan must be a number with s, m, h or d behind it, such as 2h");
    enum status status = message_first_at(db, c->now - ms, &first);
    if (status == STATUS_OK) f->last_message = first - 1;
    return status;
}

static struct str lower(struct arena *arena, struct str text) {
    BUF_AUTO out = {0};
    for (size_t i = 0; i < text.n; i++)
        buf_add_char(&out, text.p[i] >= 'A' && text.p[i] <= 'Z' ? (char)(text.p[i] + 32) : text.p[i]);
    return arena_str(arena, buf_str(&out));
}

/* Of an address the domain is known too, and where it stands in the queue with it. */
static void set_domains(struct call *c, struct queue_filter *f, const struct str *site_domains, size_t site_domain_count) {
    struct str domain = call_text(c, "Domain", (struct str){0});
    struct address address;
    f->address = call_text(c, "Recipient", (struct str){0});
    if (f->address.n && address_parse(f->address, c->arena, &address)) domain = address.domain;
    f->domains = site_domains;
    f->domain_count = site_domain_count;
    if (!domain.n) return;
    struct str *one = arena_array(c->arena, 1, sizeof *one);
    one[0] = domain;
    f->domains = one;
    f->domain_count = 1;
}

enum status operator_filter(struct call *c, struct db *db, const struct str *site_domains, size_t site_domain_count,
                            struct queue_filter *ret) {
    static const int states[] = {RECIPIENT_SCHEDULED, RECIPIENT_QUEUED, RECIPIENT_HELD};
    struct queue_filter f = queue_filter_all();
    const struct arg *state = call_arg(c, "State");
    enum status status = operator_account(c, db, &f.account_id);
    if (!call_is_over(c, status)) status = set_sender(c, db, &f);
    if (!call_is_over(c, status)) status = set_message(c, db, &f);
    if (!call_is_over(c, status)) status = set_age(c, db, &f);
    if (call_is_over(c, status)) return status;
    f.state = state->is_given ? states[state->number] : -1;
    f.reason = lower(c->arena, call_text(c, "Reason", (struct str){0}));
    set_domains(c, &f, site_domains, site_domain_count);
    *ret = f;
    return STATUS_OK;
}

bool operator_filter_is_given(const struct call *c) {
    static const char *const names[] = {"Domain", "Sender",    "Account", "MessageID", "Recipient",
                                        "Site",   "OlderThan", "State",   "Reason"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (call_arg(c, names[i])->is_given) return true;
    return false;
}
