/* domain_calls.c - AddDomain, GetDomain, GetDomains, VerifyDomain.
 *
 * The slow parts are steps of their own: keys are made on the slow pool before the writer sees the domain, and VerifyDomain loads
 * on a reader, asks DNS from the loop with no transaction open, and saves on the writer, which reads the domain again because it
 * may have gone meanwhile. The operator's verbs share the steps and the writing of domains and records.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/domain_calls.h"

#include <inttypes.h>
#include <stdio.h>

#define LIST_MAX 100000 /* domains in one answer */

/* ---- in answers ---- */
static void write_statuses(struct json_writer *w, const struct domain *domain) {
    static const struct {
        struct str name;
        enum domain_record record;
    } names[] = {
        {STR_INIT("OwnershipStatus"), DOMAIN_OWNERSHIP},
        {STR_INIT("DKIMStatus"), DOMAIN_DKIM},
        {STR_INIT("SPFStatus"), DOMAIN_SPF},
        {STR_INIT("ReturnPathStatus"), DOMAIN_RETURN_PATH},
        {STR_INIT("TrackingStatus"), DOMAIN_TRACKING},
        {STR_INIT("DMARCStatus"), DOMAIN_DMARC},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        json_add_z(w, names[i].name, record_status_text(domain->record[names[i].record]));
    }
}

static const char *verification_text(const struct domain *domain) {
    if (domain_is_verified(domain)) return "Verified";
    return domain->checked_at ? "Failed" : "Pending";
}

static void write_time(struct json_writer *w, struct str name, int64_t at) {
    BUF_AUTO text = {0};
    if (at) time_add_sql(&text, at);
    json_add_str(w, name, buf_str(&text));
}

void domain_call_write(struct json_writer *w, const struct domain *domain, bool id_is_text) {
    char id[24];
    snprintf(id, sizeof id, "%" PRId64, domain->id);
    if (id_is_text) {
        json_add_z(w, STR("DomainID"), id);
    } else {
        json_add_i64(w, STR("DomainID"), domain->id);
    }
    json_add_str(w, STR("DomainName"), domain->name);
    json_add_str(w, STR("SenderDomain"), domain->name);
    json_add_z(w, STR("Status"), domain_state_text(domain->state));
    json_add_bool(w, STR("IsActive"), domain->state == DOMAIN_ENABLED);
    json_add_bool(w, STR("Active"), domain->state == DOMAIN_ENABLED);
    json_add_bool(w, STR("Verified"), domain_is_verified(domain));
    json_add_z(w, STR("VerificationStatus"), verification_text(domain));
    write_statuses(w, domain);
    write_time(w, STR("CreatedAt"), domain->created_at);
    write_time(w, STR("CheckedAt"), domain->checked_at);
    json_add_object(w, STR("Options"));
    json_add_str(w, STR("CustomSubdomain"), domain->subdomain);
    json_add_str(w, STR("CustomTrackPrefix"), domain->track_prefix);
    json_close_object(w);
}

void domain_call_write_rows(struct json_writer *w, struct str name, const struct verify_report *report) {
    json_add_array(w, name);
    for (size_t i = 0; i < report->count; i++) {
        const struct verify_row *row = &report->rows[i];
        json_open_object(w);
        json_add_str(w, STR("Host"), row->host);
        json_add_z(w, STR("Type"), row->type);
        json_add_str(w, STR("Value"), row->value);
        json_add_str(w, STR("Found"), row->found);
        json_add_bool(w, STR("Verified"), row->status == VERIFY_OK);
        json_add_bool(w, STR("Required"), row->is_required);
        json_add_str(w, STR("Why"), row->why);
        json_close_object(w);
    }
    json_close_array(w);
}

static void write_domain(struct call *c, const struct domain *domain, bool id_is_text) {
    json_add_object(&c->json, STR("Domain"));
    domain_call_write(&c->json, domain, id_is_text);
    json_close_object(&c->json);
}

static void write_records(struct call *c, const struct domain *domain, const struct dkim_key_list *keys) {
    struct verify *verify = domain_verification(domain, keys, c->api->hostname);
    domain_call_write_rows(&c->json, STR("DNSRecords"), verify_report(verify));
    verify_free(&verify);
}

/* ---- AddDomain and Operator.DomainAdd ---- */
struct domain_call *domain_call_new(struct call *c, int64_t account_id, struct str name) {
    struct domain_call *state = ARENA_NEW(c->arena, struct domain_call);
    state->domain = (struct domain){
        .account_id = account_id,
        .name = name,
        .subdomain = DOMAIN_SUBDOMAIN,
        .track_prefix = DOMAIN_TRACK_PREFIX,
        .created_at = c->now,
    };
    c->state = state;
    return state;
}

enum status domain_calls_add_check(struct call *c, struct db *db) {
    struct domain_call *state = domain_call_new(c, c->account.id, call_text(c, "DomainName", (struct str){0}));
    struct domain *domain = &state->domain, found;
    domain->subdomain = call_text(c, "Subdomain", domain->subdomain);
    domain->track_prefix = call_text(c, "TrackPrefix", domain->track_prefix);
    enum status status = domain_find(db, c->arena, c->account.id, domain->name, &found);
    if (status == STATUS_OK) call_refuse_field(c, 2, STR("DomainName"));
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status domain_calls_make_keys(struct call *c, struct db *db) {
    (void)db;
    struct domain_call *state = c->state;
    return domain_make_keys(state->domain.name, &c->api->seal, c->api->rand, c->arena, state->keys);
}

enum status domain_calls_add(struct call *c, struct db *db) {
    struct domain_call *state = c->state;
    struct domain domain = state->domain;
    enum status status = domain_create(db, &domain, state->keys);
    if (status == STATUS_EXISTS || status == STATUS_NOT_FOUND) {
        call_refuse(c, status == STATUS_EXISTS ? 2 : 1); /* added, or the account deleted, meanwhile */
        return STATUS_OK;
    }
    if (status != STATUS_OK) return status;
    struct dkim_key_list keys = {.items = state->keys, .count = DOMAIN_KEYS};
    struct json_writer *w = call_open(c);
    json_add_i64(w, STR("NewSenderDomainID"), domain.id);
    if (call_style(c) == STYLE_CONTROL) {
        json_add_i64(w, STR("DomainID"), domain.id);
        json_add_str(w, STR("DomainName"), domain.name);
    }
    write_domain(c, &domain, false);
    write_records(c, &domain, &keys);
    call_close(c);
    return STATUS_OK;
}

/* ---- reading ---- */
/* The domain of DomainID, or refusal 2. False: refused or failed (*ret_status). */
static bool get_domain(struct call *c, struct db *db, struct domain *ret, enum status *ret_status) {
    *ret_status = domain_get(db, c->arena, c->account.id, call_number(c, "DomainID", 0), ret);
    if (*ret_status == STATUS_OK) return true;
    if (*ret_status == STATUS_NOT_FOUND) {
        call_refuse(c, 2);
        *ret_status = STATUS_OK;
    }
    return false;
}

enum status domain_calls_get(struct call *c, struct db *db) {
    struct domain domain;
    struct dkim_key_list keys;
    enum status status;
    if (!get_domain(c, db, &domain, &status)) return status;
    status = dkim_key_list(db, c->arena, domain.id, &keys);
    if (status != STATUS_OK) return status;
    call_open(c);
    write_domain(c, &domain, false);
    write_records(c, &domain, &keys);
    call_close(c);
    return STATUS_OK;
}

enum status domain_calls_list(struct call *c, struct db *db) {
    struct domain_list list;
    enum status status = domain_list(db, c->arena, c->account.id, 0, LIST_MAX, &list);
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    json_add_array(w, STR("Domains"));
    for (size_t i = 0; i < list.count; i++) {
        json_open_object(w);
        domain_call_write(w, &list.items[i], true);
        json_close_object(w);
    }
    json_close_array(w);
    call_close(c);
    return STATUS_OK;
}

/* ---- VerifyDomain ---- */
static void free_verify(struct call *c) {
    struct domain_call *state = c->state;
    verify_free(&state->verify);
}

enum status domain_calls_verify_load(struct call *c, struct db *db) {
    struct domain_call *state = ARENA_NEW(c->arena, struct domain_call);
    struct dkim_key_list keys;
    enum status status;
    c->state = state;
    if (!get_domain(c, db, &state->domain, &status)) return status;
    status = dkim_key_list(db, c->arena, state->domain.id, &keys);
    if (status != STATUS_OK) return status;
    state->verify = domain_verification(&state->domain, &keys, c->api->hostname);
    c->cleanup = free_verify;
    return STATUS_OK;
}

static size_t next_question(void *machine, struct dns_question *ret, size_t max) {
    return verify_next(machine, ret, max);
}

static void take_answer(void *machine, size_t index, const struct dns_answer *answer) {
    verify_answer(machine, index, answer);
}

enum status domain_calls_verify_ask(struct call *c, struct db *db) {
    (void)db;
    struct domain_call *state = c->state;
    c->machine = (struct call_machine){.next = next_question, .answer = take_answer, .machine = state->verify};
    return STATUS_OK;
}

enum status domain_calls_verify_save(struct call *c, struct db *db) {
    struct domain_call *state = c->state;
    const struct verify_report *report = verify_report(state->verify);
    struct domain domain;
    bool is_taken;
    enum status status;
    if (!get_domain(c, db, &domain, &status)) return status; /* deleted meanwhile */
    status = domain_apply_report(db, &domain, report, c->now, &is_taken);
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    write_domain(c, &domain, true);
    domain_call_write_rows(w, STR("DNSVerificationResults"), report);
    if (is_taken) json_add_z(w, STR("Why"), "Another account has proved that it owns this domain");
    call_close(c);
    return STATUS_OK;
}
