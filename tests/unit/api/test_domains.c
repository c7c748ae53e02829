/* test_domains.c - AddDomain, UpdateDomain, GetDomain, GetDomains and their twins under /api/v1/domains (decisions 10, 13, 14;
 * TN09, TN12).
 * SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <stdio.h>

static void assert_types(const struct json *object, const char *strings, const char *numbers, const char *booleans) {
    const struct {
        const char *names;
        enum json_type type;
    } kinds[] = {{strings, JSON_STRING}, {numbers, JSON_NUMBER}, {booleans, JSON_BOOL}};
    for (size_t i = 0; i < 3; i++) {
        struct str rest = str_from_z(kinds[i].names), name;
        while (rest.n && str_next(&rest, ' ', &name)) {
            if (!json_is(json_find(object, name), kinds[i].type)) print_error("%.*s\n", STR_ARG(name));
            assert_true(json_is(json_find(object, name), kinds[i].type));
        }
    }
}

#define TEXTS                                                                                                                    \
    "DomainName SenderDomain Status VerificationStatus DKIMStatus SPFStatus CreatedAt CheckedAt LinkTracking OpenTracking "      \
    "UnsubscribeLink HostingProvider Subdomain TrackPrefix"

/* The id is a number or a text as the contract's examples show it (decision 8). */
static void every_answer_has_the_documented_types(void **state) {
    struct world *w = *state;
    struct tenant a = world_tenant(w, "a@owner.test", "a.test");
    static const struct {
        const char *command, *members;
        bool id_is_text;
    } cases[] = {
        {"EmailGateway.AddDomain", "\"DomainName\":\"new.test\"", false},
        {"EmailGateway.GetDomain", "\"DomainID\":\"1\"", false},
        {"EmailGateway.UpdateDomain", "\"DomainID\":1", true},
        {"EmailGateway.VerifyDomain", "\"DomainID\":1", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        REPLY_AUTO r = world_command(w, a.user_key, cases[i].command, cases[i].members);
        assert_reply(&r, "Success", "true");
        const struct json *domain = json_find(r.json, STR("Domain"));
        assert_types(domain, cases[i].id_is_text ? TEXTS " DomainID" : TEXTS, cases[i].id_is_text ? "" : "DomainID",
                     "IsActive Active Verified");
        assert_types(json_find(domain, STR("Options")), "CustomSubdomain CustomTrackPrefix",
                     "LinkTracking OpenTracking UnsubscribeLink", "");
        const struct json *rows = json_find(r.json, STR("DNSRecords"));
        if (!rows) rows = json_find(r.json, STR("DNSVerificationResults"));
        assert_true(json_first(rows) != NULL);
        JSON_FOR_EACH (row, rows) assert_types(row, "Host Type Value Found Why", "", "Verified Required");
        assert_types(r.json, "Instructions InstructionsURL", "", "");
    }
    REPLY_AUTO list = world_command(w, a.user_key, "EmailGateway.GetDomains", "");
    JSON_FOR_EACH (row, json_find(list.json, STR("Domains")))
        assert_types(row, TEXTS " DomainID", "", "IsActive Active Verified");
    assert_reply(&list, "TotalRecords", "2");
}

static void a_change_is_kept_and_names_are_verified_again(void **state) {
    struct world *w = *state;
    struct tenant a = world_tenant(w, "a@owner.test", "a.test");
    static const char *const refused[][2] = {
        {"", "1"},
        {"\"DomainID\":null", "1"},
        {"\"DomainID\":\"x\"", "5"},
        {"\"DomainID\":99", "5"},
        {"\"DomainID\":1,\"Subdomain\":\"a.b\"", "6"},
        {"\"DomainID\":1,\"TrackPrefix\":{}", "6"},
        {"\"DomainID\":1,\"LinkTracking\":\"perhaps\"", "422"},
        {"\"DomainID\":1,\"HostingProvider\":[]", "422"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        REPLY_AUTO r = world_command(w, a.user_key, "EmailGateway.UpdateDomain", refused[i][0]);
        assert_reply(&r, "ErrorCode", refused[i][1]);
    }
    world_execute(w, "UPDATE domains SET is_forced = 0, checked_at = 5, ownership_status = 1, dkim_status = 1, spf_status = 1, "
                     "return_path_status = 1, tracking_status = 1, dmarc_status = 1");
    REPLY_AUTO settings =
        world_command(w, a.user_key, "EmailGateway.UpdateDomain",
                      "\"DomainID\":\"1\",\"LinkTracking\":\"1\",\"OpenTracking\":true,\"UnsubscribeLink\":\"0\","
                      "\"HostingProvider\":\"Route 53\",\"Subdomain\":\"mail\"");
    assert_reply(&settings, "Domain.LinkTracking", "1");
    assert_reply(&settings, "Domain.Options.OpenTracking", "1");
    assert_reply(&settings, "Domain.UnsubscribeLink", "0");
    assert_reply(&settings, "Domain.HostingProvider", "Route 53");
    assert_reply(&settings, "Domain.Status", "Enabled");
    assert_reply(&settings, "SubdomainChanged", "false");
    assert_reply(&settings, "InstructionsURL", "https://console.aws.amazon.com/route53/v2/hostedzones");
    REPLY_AUTO prefix = world_command(w, a.user_key, "EmailGateway.UpdateDomain", "\"DomainID\":1,\"TrackPrefix\":\"Links\"");
    assert_reply(&prefix, "Domain.TrackPrefix", "links");
    assert_reply(&prefix, "Domain.TrackingStatus", "Pending");
    assert_reply(&prefix, "Domain.Status", "Enabled");
    assert_reply(&prefix, "SubdomainChanged", "true");
    REPLY_AUTO name = world_command(w, a.user_key, "EmailGateway.UpdateDomain", "\"DomainID\":1,\"Subdomain\":\"out\"");
    assert_reply(&name, "Domain.ReturnPathStatus", "Pending");
    assert_reply(&name, "Domain.SPFStatus", "Pending");
    assert_reply(&name, "Domain.DKIMStatus", "Verified");
    assert_reply(&name, "Domain.VerificationStatus", "Pending");
    assert_reply(&name, "Domain.Status", "Approval Pending");
    REPLY_AUTO one = world_command(w, a.user_key, "EmailGateway.GetDomain", "\"DomainID\":1");
    assert_reply(&one, "Domain.LinkTracking", "1");
    assert_reply(&one, "Domain.Subdomain", "out");
    assert_reply(&one, "DNSRecords.0.Verified", "true");
    assert_reply(&one, "DNSRecords.2.Host", "out.a.test");
    assert_reply(&one, "DNSRecords.2.Verified", "false");
}

/* The operator's enable stands, whatever a tenant renames. */
static void a_forced_domain_stays_enabled(void **state) {
    struct world *w = *state;
    struct tenant a = world_tenant(w, "a@owner.test", "a.test");
    REPLY_AUTO r = world_command(w, a.user_key, "EmailGateway.UpdateDomain", "\"DomainID\":1,\"Subdomain\":\"out\"");
    assert_reply(&r, "Domain.Status", "Enabled");
}

/* TN12: the limit of the group holds when many come at once. */
static void tn12_the_limit_of_domains_is_exact(void **state) {
    struct world *w = *state;
    struct tenant a = world_tenant(w, "a@owner.test", "a.test");
    world_execute(w, "UPDATE account_groups SET domains = 3");
    struct pending *pending[6];
    char bodies[6][96];
    size_t made = 0, refused = 0;
    for (size_t i = 0; i < 6; i++) {
        snprintf(bodies[i], sizeof bodies[i], "{\"Command\":\"EmailGateway.AddDomain\",\"DomainName\":\"d%zu.test\"}", i);
        pending[i] = world_begin(w, &(struct ask){.bearer = a.user_key, .body = bodies[i]});
    }
    for (size_t i = 0; i < 6; i++) {
        REPLY_AUTO r = world_finish(w, pending[i]);
        if (reply_code(&r) == 0) made++;
        if (reply_code(&r) == 3) refused++;
    }
    assert_int_equal(made, 2);
    assert_int_equal(refused, 4);
    REPLY_AUTO once_more = world_command(w, a.user_key, "EmailGateway.AddDomain", "\"DomainName\":\"one.test\"");
    assert_reply(&once_more, "ErrorCode", "3");
    world_execute(w, "UPDATE account_groups SET domains = 0");
    REPLY_AUTO unlimited = world_command(w, a.user_key, "EmailGateway.AddDomain", "\"DomainName\":\"one.test\"");
    assert_reply(&unlimited, "ErrorCode", "0");
}

/* TN09: whatever is claimed, it is one name, and a claim alone lets nobody send. */
static void tn09_claims_are_names_and_prove_nothing(void **state) {
    struct world *w = *state;
    struct tenant a = world_tenant(w, "a@owner.test",
                                   "b\xc3\xbc"
                                   "cher.test");
    static const char *const cases[][3] = {
        {"XN--Bcher-KVA.test", "2", ""}, /* the twin of what is there */
        {"B\xc3\x9c"
         "CHER.test",
         "2", ""},
        {"bu\xcc\x88"
         "cher.test",
         "2", ""}, /* composed otherwise */
        {"other.test.", "2", ""},
        {".test", "2", ""},
        {"test", "2", ""},
        {"mail.xn--bcher-kva.test", "0", "Approval Pending"},
        {"co.uk", "0", "Approval Pending"},
        {"Other.TEST", "0", "Approval Pending"},
        {"other.test", "2", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        BUF_AUTO members = {0};
        buf_addf(&members, "\"DomainName\":\"%s\"", cases[i][0]);
        REPLY_AUTO r = world_command(w, a.user_key, "EmailGateway.AddDomain", members.p);
        if (reply_code(&r) != cases[i][1][0] - '0') print_error("%s\n", cases[i][0]);
        assert_reply(&r, "ErrorCode", cases[i][1]);
        assert_reply(&r, "Domain.Status", cases[i][2]);
    }
}

static void domains_come_in_pages(void **state) {
    struct world *w = *state;
    struct tenant a = world_tenant(w, "a@owner.test", "a.test");
    world_tenant(w, "b@owner.test", "b.test");
    world_execute(w, "INSERT INTO domains (account_id, name, state, created_at) VALUES (1, 'c.test', 0, 1), (1, 'd.test', 0, 1)");
    REPLY_AUTO page = world_command(w, a.user_key, "EmailGateway.GetDomains", "\"StartFrom\":1,\"RetrieveCount\":\"1\"");
    assert_reply(&page, "Domains.0.DomainName", "c.test");
    assert_reply(&page, "Domains.1.DomainName", "");
    assert_reply(&page, "TotalRecords", "3");
    REPLY_AUTO wrong = world_command(w, a.user_key, "EmailGateway.GetDomains", "\"RetrieveCount\":0");
    assert_reply(&wrong, "Field", "RetrieveCount");
}

static struct reply rest(struct world *w, const struct tenant *t, const char *method, const char *path, const char *body) {
    return world_ask(w, &(struct ask){.method = method, .path = path, .bearer = t->user_key, .body = body});
}

static void domains_are_a_resource_too(void **state) {
    struct world *w = *state;
    struct tenant a = world_tenant(w, "a@owner.test", "a.test"), b = world_tenant(w, "b@owner.test", "b.test");
    REPLY_AUTO added = rest(w, &a, "POST", "/api/v1/domains", "{\"DomainName\":\"new.test\"}");
    assert_int_equal(added.status, 201);
    assert_reply(&added, "Domain.DomainID", "3");
    assert_reply(&added, "Success", "");
    REPLY_AUTO list = rest(w, &a, "GET", "/api/v1/domains", NULL);
    assert_reply(&list, "Domains.1.DomainName", "new.test");
    REPLY_AUTO changed = rest(w, &a, "PUT", "/api/v1/domains/3", "{\"OpenTracking\":\"yes\"}");
    assert_reply(&changed, "Domain.OpenTracking", "1");
    REPLY_AUTO one = rest(w, &a, "GET", "/api/v1/domains/3", NULL);
    assert_reply(&one, "Domain.OpenTracking", "1");
    assert_types(json_find(one.json, STR("Domain")), "DomainID", "", "");
    REPLY_AUTO verified = rest(w, &a, "POST", "/api/v1/domains/3/verify", NULL);
    assert_reply(&verified, "Domain.VerificationStatus", "Failed");
    static const char *const paths[][3] = {
        {"GET", "/api/v1/domains/3", "/api/v1/domains/999"},
        {"PUT", "/api/v1/domains/3", "/api/v1/domains/999"},
        {"POST", "/api/v1/domains/3/verify", "/api/v1/domains/999/verify"},
    };
    for (size_t i = 0; i < 3; i++) {
        REPLY_AUTO theirs = rest(w, &b, paths[i][0], paths[i][1], NULL);
        REPLY_AUTO missing = rest(w, &b, paths[i][0], paths[i][2], NULL);
        assert_int_equal(theirs.status, 404);
        assert_true(str_eq(buf_str(&theirs.body), buf_str(&missing.body)));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        WORLD_TEST(every_answer_has_the_documented_types),
        WORLD_TEST(a_change_is_kept_and_names_are_verified_again),
        WORLD_TEST(a_forced_domain_stays_enabled),
        WORLD_TEST(tn12_the_limit_of_domains_is_exact),
        WORLD_TEST(tn09_claims_are_names_and_prove_nothing),
        WORLD_TEST(domains_come_in_pages),
        WORLD_TEST(domains_are_a_resource_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
