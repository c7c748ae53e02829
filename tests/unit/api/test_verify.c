/* test_verify.c - a domain's way to Enabled through VerifyDomain, against scripted DNS (decisions 10, 14; DN20, TN09).
 * SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <stdio.h>

static int set_up(void **state) {
    struct world *w = world_new();
    sim_dns_add(w->loop, "gateway.test", DNS_A, "192.0.2.1");
    *state = w;
    return 0;
}

static enum dns_type type_of(struct str text) {
    if (str_eq(text, STR("MX"))) return DNS_MX;
    return str_eq(text, STR("CNAME")) ? DNS_CNAME : DNS_TXT;
}

/* Publish what AddDomain said, but for hosts that begin with `without`. */
static void publish(struct world *w, struct reply *added, const char *without) {
    JSON_FOR_EACH (row, json_find(added->json, STR("DNSRecords"))) {
        ARENA_AUTO arena = {0};
        struct str host = json_find_text(row, STR("Host"));
        if (*without && str_starts(host, str_from_z(without))) continue;
        sim_dns_add(w->loop, arena_z(&arena, host), type_of(json_find_text(row, STR("Type"))),
                    arena_z(&arena, json_find_text(row, STR("Value"))));
    }
}

static struct reply add_domain(struct world *w, const struct tenant *t) {
    return world_command(w, t->user_key, "EmailGateway.AddDomain", "\"DomainName\":\"new.test\"");
}

static struct reply verify(struct world *w, const struct tenant *t, struct reply *added) {
    char members[64];
    snprintf(members, sizeof members, "\"DomainID\":%.*s", STR_ARG(reply_text(added, "NewSenderDomainID")));
    return world_command(w, t->user_key, "EmailGateway.VerifyDomain", members);
}

static void what_is_published_enables(void **state) {
    struct world *w = *state;
    struct tenant a = world_tenant(w, "a@owner.test", "a.test");
    REPLY_AUTO added = add_domain(w, &a);
    REPLY_AUTO early = verify(w, &a, &added);
    assert_reply(&early, "Domain.Status", "Approval Pending");
    assert_reply(&early, "Domain.DKIMStatus", "Failed");
    assert_reply(&early, "DNSVerificationResults.0.Verified", "false");
    assert_true(reply_text(&early, "DNSVerificationResults.0.Why").n > 0);
    publish(w, &added, "");
    REPLY_AUTO good = verify(w, &a, &added);
    assert_reply(&good, "Domain.Status", "Enabled");
    assert_reply(&good, "Domain.VerificationStatus", "Verified");
    assert_reply(&good, "Domain.SPFStatus", "Verified");
    JSON_FOR_EACH (row, json_find(good.json, STR("DNSVerificationResults"))) {
        const struct json *verified = json_find(row, STR("Verified"));
        assert_true(json_is(verified, JSON_BOOL) && verified->boolean);
    }
}

/* Tracking and DMARC are advice; the return path is not. */
static void required_records_decide(void **state) {
    struct world *w = *state;
    struct tenant a = world_tenant(w, "a@owner.test", "a.test");
    REPLY_AUTO added = add_domain(w, &a);
    publish(w, &added, "mail.");
    REPLY_AUTO without_mx = verify(w, &a, &added);
    assert_reply(&without_mx, "Domain.Status", "Approval Pending");
    publish(w, &added, "track.");
    sim_dns_remove(w->loop, "track.mail.new.test");
    sim_dns_remove(w->loop, "_dmarc.new.test");
    REPLY_AUTO enough = verify(w, &a, &added);
    assert_reply(&enough, "Domain.Status", "Enabled");
    assert_reply(&enough, "Domain.TrackingStatus", "Failed");
}

/* A bad minute of DNS un-verifies nothing (DN20); a record that is gone does; the operator's enable stands. */
static void only_a_clear_answer_disables(void **state) {
    struct world *w = *state;
    struct tenant a = world_tenant(w, "a@owner.test", "a.test");
    REPLY_AUTO added = add_domain(w, &a);
    publish(w, &added, "");
    REPLY_AUTO good = verify(w, &a, &added);
    assert_reply(&good, "Domain.Status", "Enabled");
    sim_dns_fail(w->loop, "mail.new.test", DNS_MX, STATUS_TEMPORARY, -1);
    sim_dns_fail(w->loop, "mail.new.test", DNS_TXT, STATUS_TIMEOUT, -1);
    REPLY_AUTO bad_minute = verify(w, &a, &added);
    assert_reply(&bad_minute, "Domain.Status", "Enabled");
    sim_dns_fail(w->loop, "mail.new.test", DNS_MX, STATUS_NOT_FOUND, -1);
    REPLY_AUTO gone = verify(w, &a, &added);
    assert_reply(&gone, "Domain.Status", "Approval Pending");
    REPLY_AUTO forced = world_operator(w, "Operator.DomainEnable", "\"Name\":\"new.test\"");
    assert_reply(&forced, "Status", "Enabled");
    REPLY_AUTO still = verify(w, &a, &added);
    assert_reply(&still, "Domain.Status", "Enabled");
    assert_reply(&still, "Domain.Verified", "false");
}

/* Two accounts may claim a name; one proves it. */
static void one_account_owns_a_name(void **state) {
    struct world *w = *state;
    struct tenant a = world_tenant(w, "a@owner.test", "a.test"), b = world_tenant(w, "b@owner.test", "b.test");
    REPLY_AUTO first = add_domain(w, &a);
    REPLY_AUTO second = add_domain(w, &b);
    publish(w, &first, "");
    REPLY_AUTO proved = verify(w, &a, &first);
    assert_reply(&proved, "Domain.Status", "Enabled");
    REPLY_AUTO unproved = verify(w, &b, &second);
    assert_reply(&unproved, "Domain.Status", "Approval Pending");
    publish(w, &second, "");
    REPLY_AUTO taken = verify(w, &b, &second);
    assert_reply(&taken, "Domain.Status", "Approval Pending");
    assert_reply(&taken, "Domain.OwnershipStatus", "Failed");
    assert_true(reply_text(&taken, "Why").n > 0);
}

/* TN09: both have published, both ask at once; one is the owner, and nothing is a fault. */
static void two_claimants_race(void **state) {
    struct world *w = *state;
    struct tenant a = world_tenant(w, "a@owner.test", "a.test"), b = world_tenant(w, "b@owner.test", "b.test");
    REPLY_AUTO first = add_domain(w, &a);
    REPLY_AUTO second = add_domain(w, &b);
    publish(w, &first, "");
    publish(w, &second, "mail."); /* one policy for the host, as both would have it */
    const struct tenant *tenants[2] = {&a, &b};
    struct reply *added[2] = {&first, &second};
    struct pending *pending[2];
    char bodies[2][96];
    for (size_t i = 0; i < 2; i++) {
        snprintf(bodies[i], sizeof bodies[i], "{\"Command\":\"EmailGateway.VerifyDomain\",\"DomainID\":%.*s}",
                 STR_ARG(reply_text(added[i], "NewSenderDomainID")));
        pending[i] = world_begin(w, &(struct ask){.bearer = tenants[i]->user_key, .body = bodies[i]});
    }
    size_t owners = 0, others = 0;
    for (size_t i = 0; i < 2; i++) {
        REPLY_AUTO r = world_finish(w, pending[i]);
        assert_reply(&r, "Success", "true");
        if (str_eq(reply_text(&r, "Domain.Status"), STR("Enabled"))) owners++;
        if (str_eq(reply_text(&r, "Domain.OwnershipStatus"), STR("Failed"))) others++;
    }
    assert_int_equal(owners, 1);
    assert_int_equal(others, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_published_enables, set_up, world_tear_down),
        cmocka_unit_test_setup_teardown(required_records_decide, set_up, world_tear_down),
        cmocka_unit_test_setup_teardown(only_a_clear_answer_disables, set_up, world_tear_down),
        cmocka_unit_test_setup_teardown(one_account_owns_a_name, set_up, world_tear_down),
        cmocka_unit_test_setup_teardown(two_claimants_race, set_up, world_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
