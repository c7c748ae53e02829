/* domain_calls.c - AddDomain, GetDomain, GetDomains, UpdateDomain, VerifyDomain and their twins under /api/v1/domains.
 *
 * The slow parts are steps of their own: keys are made on the slow pool before the writer sees the domain, and VerifyDomain loads
 * on a reader, asks DNS from the loop with no transaction open, and saves on the writer, which reads the domain again because it
 * may have gone meanwhile. The operator's verbs share the writing of domains.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/domain_calls.h"

#include "core/hosting.h"

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

/* What UpdateDomain changes: texts in the contract's example, numbers in the newer Options. */
static void write_settings(struct json_writer *w, const struct domain *domain) {
    json_add_z(w, STR("LinkTracking"), domain->link_tracking ? "1" : "0");
    json_add_z(w, STR("OpenTracking"), domain->open_tracking ? "1" : "0");
    json_add_z(w, STR("UnsubscribeLink"), domain->unsubscribe_link ? "1" : "0");
    json_add_str(w, STR("HostingProvider"), domain->hosting_provider);
    json_add_str(w, STR("Subdomain"), domain->subdomain);
    json_add_str(w, STR("TrackPrefix"), domain->track_prefix);
    json_add_str(w, STR("BrandName"), domain->brand_name);
    json_add_str(w, STR("BrandColor"), domain->brand_colour);
    json_add_str(w, STR("BrandText"), domain->brand_text);
    json_add_object(w, STR("Options"));
    json_add_i64(w, STR("LinkTracking"), domain->link_tracking);
    json_add_i64(w, STR("OpenTracking"), domain->open_tracking);
    json_add_i64(w, STR("UnsubscribeLink"), domain->unsubscribe_link);
    json_add_str(w, STR("CustomSubdomain"), domain->subdomain);
    json_add_str(w, STR("CustomTrackPrefix"), domain->track_prefix);
    json_close_object(w);
}

void domain_call_write(struct json_writer *w, const struct domain *domain, bool id_is_text) {
    if (id_is_text) {
        json_add_id(w, STR("DomainID"), domain->id);
    } else {
        json_add_i64(w, STR("DomainID"), domain->id);
    }
    json_add_str(w, STR("DomainName"), domain->name);
    json_add_str(w, STR("SenderDomain"), domain->name);
    json_add_z(w, STR("Status"), domain_state_text(domain->state));
    json_add_bool(w, STR("IsActive"), domain->state == DOMAIN_ENABLED);
    json_add_bool(w, STR("Active"), domain->state == DOMAIN_ENABLED);
    json_add_bool(w, STR("Verified"), domain_is_verified(domain));
    json_add_z(w, STR("VerificationStatus"), domain_verification_text(domain));
    write_statuses(w, domain);
    json_add_time(w, STR("CreatedAt"), domain->created_at);
    json_add_time(w, STR("CheckedAt"), domain->checked_at);
    write_settings(w, domain);
}

static void write_row(struct json_writer *w, const struct verify_row *row, bool is_verified) {
    json_open_object(w);
    json_add_str(w, STR("Host"), row->host);
    json_add_z(w, STR("Type"), row->type);
    json_add_str(w, STR("Value"), row->value);
    json_add_str(w, STR("Found"), row->found);
    json_add_bool(w, STR("Verified"), is_verified);
    json_add_bool(w, STR("Required"), row->is_required);
    json_add_str(w, STR("Why"), row->why);
    json_close_object(w);
}

/* The domain as the operation shows it: its id is a number where the contract's example has one. */
static void write_domain(struct call *c, const struct domain *domain, bool id_is_text) {
    json_add_object(&c->json, STR("Domain"));
    domain_call_write(&c->json, domain, id_is_text || c->op->style == STYLE_REST);
    json_close_object(&c->json);
}

static void write_instructions(struct call *c, const struct domain *domain) {
    const struct hosting *hosting = hosting_find(domain->hosting_provider);
    json_add_z(&c->json, STR("Instructions"), hosting->instructions);
    json_add_z(&c->json, STR("InstructionsURL"), hosting->url);
}

/* The records to publish; verified as of the last look. */
static void write_records(struct call *c, const struct domain *domain, const struct dkim_key_list *keys) {
    struct verify *verify = domain_verification(domain, keys, c->api->hostname);
    const struct verify_report *report = verify_report(verify);
    json_add_array(&c->json, STR("DNSRecords"));
    for (size_t i = 0; i < report->count; i++)
        write_row(&c->json, &report->rows[i], domain_record_of(domain, report->rows[i].kind) == RECORD_VERIFIED);
    json_close_array(&c->json);
    write_instructions(c, domain);
    verify_free(&verify);
}

/* ---- brands ---- */
/* NULL: not given, stays. "none" takes it away: a parameter that is empty was not given. */
static const struct str *given_brand(struct call *c, const char *name) {
    const struct arg *arg = call_arg(c, name);
    if (!arg->is_given) return NULL;
    struct str *text = ARENA_NEW(c->arena, struct str);
    *text = str_eq_nocase(str_trim(arg->text), STR("none")) ? STR("") : str_trim(arg->text);
    return text;
}

static struct str brand_or_none(struct call *c, const char *name) {
    const struct str *text = given_brand(c, name);
    return text ? *text : STR("");
}

static void check_brand(struct call *c) {
    if (!domain_brand_colour_is(brand_or_none(c, "BrandColor")))
        call_refuse_say(c, STR("BrandColor"), "BrandColor must be a colour like #0055aa, or none");
}

/* ---- AddDomain ---- */
/* What the writer decides exactly (TN12) is looked at before keys are made in vain. */
enum status domain_calls_add_check(struct call *c, struct db *db) {
    struct domain_call *state = ARENA_NEW(c->arena, struct domain_call);
    struct domain found;
    state->domain = (struct domain){
        .account_id = c->scope.account_id,
        .name = call_text(c, "DomainName", (struct str){0}),
        .subdomain = call_text(c, "Subdomain", DOMAIN_SUBDOMAIN),
        .track_prefix = call_text(c, "TrackPrefix", DOMAIN_TRACK_PREFIX),
        .hosting_provider = call_text(c, "HostingProvider", (struct str){0}),
        .brand_name = brand_or_none(c, "BrandName"),
        .brand_colour = brand_or_none(c, "BrandColor"),
        .brand_text = brand_or_none(c, "BrandText"),
        .created_at = c->now,
    };
    c->state = state;
    check_brand(c);
    if (!call_arg(c, "DomainName")->is_given) return STATUS_OK; /* judges_all */
    enum status status = domain_find(db, c->arena, c->scope.account_id, state->domain.name, &found);
    if (status == STATUS_OK) call_refuse_field(c, 2, STR("DomainName"));
    if (status != STATUS_NOT_FOUND) return status;
    status = domain_check_limit(db, c->scope.account_id, c->limits->domains);
    if (status == STATUS_LIMIT) call_refuse(c, 3);
    return status == STATUS_LIMIT ? STATUS_OK : status;
}

enum status domain_calls_make_keys(struct call *c, struct db *db) {
    (void)db;
    struct domain_call *state = c->state;
    return domain_make_keys(state->domain.name, &c->api->seal, c->api->rand, c->arena, state->keys);
}

enum status domain_calls_add(struct call *c, struct db *db) {
    struct domain_call *state = c->state;
    struct domain domain = state->domain;
    enum status status = domain_create(db, &domain, state->keys, c->limits->domains);
    if (status == STATUS_EXISTS) return call_refuse_field(c, 2, STR("DomainName")); /* meanwhile, as the next */
    if (status == STATUS_LIMIT) return call_refuse(c, 3);
    if (status == STATUS_NOT_FOUND) return call_refuse(c, REFUSAL_CREDENTIALS); /* the account has gone */
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
    return call_close(c);
}

/* ---- reading ---- */
/* The domain of DomainID, or the refusal `code`. */
static enum status get_domain(struct call *c, struct db *db, int code, struct domain *ret) {
    enum status status = domain_get(db, c->arena, c->scope.account_id, call_number(c, "DomainID", 0), ret);
    return status == STATUS_NOT_FOUND ? call_refuse(c, code) : status;
}

enum status domain_calls_get(struct call *c, struct db *db) {
    struct domain domain;
    struct dkim_key_list keys;
    enum status status = get_domain(c, db, 2, &domain);
    if (call_is_over(c, status)) return status;
    status = dkim_key_list(db, c->arena, domain.id, &keys);
    if (status != STATUS_OK) return status;
    call_open(c);
    write_domain(c, &domain, false);
    write_records(c, &domain, &keys);
    return call_close(c);
}

enum status domain_calls_list(struct call *c, struct db *db) {
    struct domain_list list;
    int64_t total;
    int limit = (int)call_number(c, "RetrieveCount", LIST_MAX);
    enum status status = domain_page(db, c->arena, c->scope.account_id, call_number(c, "StartFrom", 0), limit, &list);
    if (status == STATUS_OK) status = domain_count(db, c->scope.account_id, &total);
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    json_add_i64(w, STR("TotalRecords"), total);
    json_add_array(w, STR("Domains"));
    for (size_t i = 0; i < list.count; i++) {
        json_open_object(w);
        domain_call_write(w, &list.items[i], true);
        json_close_object(w);
    }
    json_close_array(w);
    return call_close(c);
}

/* ---- UpdateDomain ---- */
static const bool *given_flag(struct call *c, const char *name) {
    const struct arg *arg = call_arg(c, name);
    if (!arg->is_given) return NULL;
    bool *flag = ARENA_NEW(c->arena, bool);
    *flag = arg->number != 0;
    return flag;
}

static const struct str *given_text(const struct call *c, const char *name) {
    const struct arg *arg = call_arg(c, name);
    return arg->is_given ? &arg->text : NULL;
}

enum status domain_calls_update_find(struct call *c, struct db *db) {
    check_brand(c);
    if (!call_arg(c, "DomainID")->is_given) return STATUS_OK; /* judges_all */
    enum status status = domain_is_of(db, c->scope.account_id, call_number(c, "DomainID", 0));
    return status == STATUS_NOT_FOUND ? call_refuse_field(c, 5, STR("DomainID")) : status;
}

enum status domain_calls_update(struct call *c, struct db *db) {
    struct domain_change change = {
        .link_tracking = given_flag(c, "LinkTracking"),
        .open_tracking = given_flag(c, "OpenTracking"),
        .unsubscribe_link = given_flag(c, "UnsubscribeLink"),
        .hosting_provider = given_text(c, "HostingProvider"),
        .subdomain = given_text(c, "Subdomain"),
        .track_prefix = given_text(c, "TrackPrefix"),
        .brand_name = given_brand(c, "BrandName"),
        .brand_colour = given_brand(c, "BrandColor"),
        .brand_text = given_brand(c, "BrandText"),
    };
    struct domain domain;
    struct dkim_key_list keys;
    enum status status = get_domain(c, db, 5, &domain);
    if (call_is_over(c, status)) return status;
    struct str subdomain = domain.subdomain, track_prefix = domain.track_prefix;
    status = domain_apply_change(db, &domain, &change);
    if (status == STATUS_OK) status = dkim_key_list(db, c->arena, domain.id, &keys);
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    write_domain(c, &domain, true);
    json_add_bool(w, STR("SubdomainChanged"), !str_eq(subdomain, domain.subdomain) || !str_eq(track_prefix, domain.track_prefix));
    write_records(c, &domain, &keys);
    return call_close(c);
}

/* ---- VerifyDomain ---- */
static void free_verify(struct call *c) {
    struct domain_call *state = c->state;
    verify_free(&state->verify);
}

enum status domain_calls_verify_load(struct call *c, struct db *db) {
    struct domain_call *state = ARENA_NEW(c->arena, struct domain_call);
    struct dkim_key_list keys;
    c->state = state;
    enum status status = get_domain(c, db, 2, &state->domain);
    if (call_is_over(c, status)) return status;
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
    enum status status = get_domain(c, db, 2, &domain); /* deleted meanwhile */
    if (call_is_over(c, status)) return status;
    status = domain_apply_report(db, &domain, report, c->api->domain_check_ms, c->now, &is_taken);
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    write_domain(c, &domain, true);
    json_add_array(w, STR("DNSVerificationResults"));
    for (size_t i = 0; i < report->count; i++) write_row(w, &report->rows[i], report->rows[i].status == VERIFY_OK);
    json_close_array(w);
    write_instructions(c, &domain);
    json_add_z(w, STR("Why"), is_taken ? "Another account has proved that it owns this domain" : "");
    return call_close(c);
}
