/* test_suppressions.c - Suppression.* and /api/v1/suppressions: added, imported in slices, asked, listed, counted, taken out; an
 * account's entries are its own (P6, TN04).
 * SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <stdio.h>

static const struct json *result_of(struct reply *r, const char *address) {
    return json_find(json_find(r->json, STR("Results")), str_from_z(address));
}

static bool is_suppressed(struct reply *r, const char *address) {
    const struct json *is = json_find(result_of(r, address), STR("IsSuppressed"));
    assert_true(json_is(is, JSON_BOOL));
    return is->boolean;
}

static void added_checked_and_taken_out(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "sender.test");
    REPLY_AUTO added =
        world_command(w, t.user_key, "Suppression.Add",
                      "\"EmailAddress\":\"Ann@X.test\",\"SuppressionSource\":\"hard bounced\",\"Reason\":\"550 no\"");
    assert_reply(&added, "TotalImported", "1");
    REPLY_AUTO more =
        world_command(w, t.user_key, "Suppression.Import",
                      "\"EmailAddresses\":[\"ann@x.test\",\"bob@x.test\",\"nobody\",7],"
                      "\"EmailAddressesBulk\":\"cy@x.test,Cy\\r\\n\\\"di@x.test\\\";1\\n\\n  bob@x.test\\nbroken@\"");
    assert_reply(&more, "TotalImported", "3"); /* Ann stands there already, bob came twice */
    assert_reply(&more, "TotalFailed", "3");
    assert_reply(&more, "FailedEmailAddresses.0", "nobody");
    assert_reply(&more, "FailedEmailAddresses.2", "broken@");
    REPLY_AUTO check =
        world_command(w, t.user_key, "Suppression.Check", "\"EmailAddresses\":[\"aNN@x.TEST\",\"ann+1@x.test\",\"di@x.test\"]");
    assert_true(is_suppressed(&check, "aNN@x.TEST"));
    assert_false(is_suppressed(&check, "ann+1@x.test")); /* AD13 */
    assert_true(is_suppressed(&check, "di@x.test"));
    const struct json *match = json_first(json_find(result_of(&check, "aNN@x.TEST"), STR("MatchedScopes")));
    assert_true(str_eq(json_find_text(match, STR("Scope")), STR("AccountWide")));
    assert_true(str_eq(json_find_text(match, STR("SuppressionSource")), STR("Hard Bounced")));
    assert_true(str_eq(json_find_text(match, STR("Reason")), STR("550 no"))); /* the first entry stands */
    REPLY_AUTO gone = world_command(w, t.user_key, "Suppression.Delete", "\"EmailAddress\":\"ANN@x.test\"");
    assert_reply(&gone, "TotalDeleted", "1");
    REPLY_AUTO twice = world_command(w, t.user_key, "Suppression.Delete", "\"EmailAddress\":\"ann@x.test\"");
    assert_int_equal(reply_code(&twice), 3);
    REPLY_AUTO bulk = world_command(w, t.user_key, "Suppression.Delete", "\"EmailAddresses\":[\"ann@x.test\",\"bob@x.test\"]");
    assert_reply(&bulk, "TotalDeleted", "1");
}

static void lists_are_scopes_of_their_own(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "sender.test");
    REPLY_AUTO list = world_command(w, t.user_key, "List.Create", "\"SubscriberListName\":\"News\"");
    assert_reply(&list, "ListID", "1");
    REPLY_AUTO one = world_command(w, t.user_key, "Suppression.Add",
                                   "\"EmailAddress\":\"a@x.test\",\"ListID\":1,\"SuppressionSource\":\"Unsubscribe\"");
    REPLY_AUTO all = world_command(w, t.user_key, "Suppression.Add", "\"EmailAddress\":\"b@x.test\",\"ListID\":\"0\"");
    REPLY_AUTO wide = world_command(w, t.user_key, "Suppression.Check", "\"EmailAddresses\":[\"a@x.test\",\"b@x.test\"]");
    assert_false(is_suppressed(&wide, "a@x.test"));
    assert_true(is_suppressed(&wide, "b@x.test"));
    REPLY_AUTO narrow =
        world_command(w, t.user_key, "Suppression.Check", "\"EmailAddresses\":[\"a@x.test\",\"b@x.test\"],\"ListID\":1");
    assert_true(is_suppressed(&narrow, "a@x.test"));
    assert_true(is_suppressed(&narrow, "b@x.test"));
    REPLY_AUTO both = world_command(w, t.user_key, "Suppression.Add", "\"EmailAddress\":\"b@x.test\",\"ListID\":1");
    REPLY_AUTO got = world_ask(
        w, &(struct ask){.method = "GET", .path = "/api/v1/suppressions/b%40x.test", .query = "ListID=1", .bearer = t.user_key});
    assert_reply(&got, "MatchedScopes.0.Scope", "PerList");
    assert_reply(&got, "MatchedScopes.1.Scope", "AccountWide");
    REPLY_AUTO stats = world_command(w, t.user_key, "Suppression.Stats", "\"ListID\":1");
    assert_reply(&stats, "Total", "2");
    assert_reply(&stats, "BySource.Unsubscribe", "1");
    assert_reply(&stats, "BySource.Administrator", "0");
    static const char *const commands[] = {"Add", "Delete", "Check", "Browse", "Stats"};
    for (size_t i = 0; i < 5; i++) {
        char command[64];
        snprintf(command, sizeof command, "Suppression.%s", commands[i]);
        REPLY_AUTO r = world_command(w, t.user_key, command, "\"EmailAddress\":\"a@x.test\",\"ListID\":77");
        assert_int_equal(reply_code(&r), 4);
        assert_reply(&r, "Field", "ListID");
    }
}

static void pages_and_patterns(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "sender.test");
    BUF_AUTO members = {0};
    buf_add_z(&members, "\"EmailAddressesBulk\":\"");
    for (int i = 0; i < 1201; i++) buf_addf(&members, "n%04d@%c.test\\n", i, 'x' + i % 2);
    buf_add_z(&members, "\"");
    REPLY_AUTO made = world_command(w, t.user_key, "Suppression.Import", members.p); /* three slices */
    assert_reply(&made, "TotalImported", "1201");
    REPLY_AUTO first = world_command(w, t.user_key, "Suppression.Browse", "\"RetrieveCount\":500");
    assert_reply(&first, "TotalRecords", "1201");
    assert_reply(&first, "Suppressions.0.EmailAddress", "n0000@x.test");
    assert_reply(&first, "NextAfterID", "500");
    assert_int_equal(json_find(first.json, STR("SuppressedEmails"))->count, 500);
    REPLY_AUTO last = world_command(w, t.user_key, "Suppression.Browse", "\"RetrieveCount\":500,\"AfterID\":1000");
    assert_reply(&last, "Suppressions.200.EmailAddress", "n1200@x.test");
    assert_reply(&last, "NextAfterID", "");
    assert_null(json_find(last.json, STR("TotalRecords")));
    REPLY_AUTO skipped = world_command(w, t.user_key, "Suppression.Browse", "\"StartFrom\":1200");
    assert_reply(&skipped, "Suppressions.0.EmailAddress", "n1200@x.test");
    static const char *const patterns[][2] = {
        {"n1200@x.test", "1"}, {"N12*", "1"}, {"n11*", "100"}, {"*@y.test", "600"}, {"n11*@y.test", "50"},
        {"*", "1201"},         {"x*", "0"},   {"n", "0"},      {"n_200*", "0"},
    };
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        char query[64];
        snprintf(query, sizeof query, "\"SearchPattern\":\"%s\"", patterns[i][0]);
        REPLY_AUTO r = world_command(w, t.user_key, "Suppression.Browse", query);
        assert_reply(&r, "TotalRecords", patterns[i][1]);
    }
    REPLY_AUTO stars = world_command(w, t.user_key, "Suppression.Browse", "\"SearchPattern\":\"*a*\"");
    assert_int_equal(reply_code(&stars), 422);
    assert_reply(&stars, "Field", "SearchPattern");
}

static void what_is_wrong(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "sender.test");
    static const struct {
        const char *command, *members;
        int64_t code;
    } table[] = {
        {"Add", "", 1},
        {"Add", "\"EmailAddress\":\"x\"", 2},
        {"Add", "\"EmailAddresses\":[]", 2},
        {"Add", "\"EmailAddresses\":\"x\"", 2},
        {"Add", "\"EmailAddressesBulk\":\"a\\nb\"", 2},
        {"Add", "\"EmailAddress\":\"a@x.test\",\"SuppressionSource\":\"Nobody\"", 3},
        {"Add", "\"EmailAddress\":\"a@x.test\",\"ListID\":-1", 4},
        {"Add", "\"EmailAddress\":\"a@x.test\",\"Reason\":[]", 422},
        {"Check", "", 1},
        {"Delete", "", 1},
        {"Browse", "\"SuppressionSource\":\"User,Nobody\"", 1},
        {"Browse", "\"RetrieveCount\":501", 422},
        {"Stats", "\"SuppressionSource\":\",\"", 1},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        char command[64];
        snprintf(command, sizeof command, "Suppression.%s", table[i].command);
        REPLY_AUTO r = world_command(w, t.user_key, command, table[i].members);
        if (reply_code(&r) != table[i].code) fail_msg("%s {%s}: %.*s", command, table[i].members, STR_ARG(buf_str(&r.body)));
    }
    BUF_AUTO members = {0};
    buf_add_z(&members, "\"EmailAddressesBulk\":\"");
    for (int i = 0; i < 501; i++) buf_addf(&members, "n%d@x.test\\n", i);
    buf_add_z(&members, "\"");
    REPLY_AUTO many = world_command(w, t.user_key, "Suppression.Check", members.p);
    assert_int_equal(reply_code(&many), 5);
}

static void rest_twins_and_sender_keys(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "sender.test");
    REPLY_AUTO added = world_rest(w, "POST", "/api/v1/suppressions", t.sender_key, "{\"Address\":\"a@x.test\"}");
    assert_reply(&added, "TotalImported", "1");
    REPLY_AUTO got = world_rest(w, "GET", "/api/v1/suppressions/A@x.test", t.user_key, "");
    assert_reply(&got, "EmailAddress", "A@x.test");
    assert_reply(&got, "MatchedScopes.0.SuppressionSource", "User");
    REPLY_AUTO list = world_rest(w, "GET", "/api/v1/suppressions", t.user_key, "");
    assert_reply(&list, "Suppressions.0.EmailAddress", "a@x.test");
    assert_null(json_find(list.json, STR("SuppressedEmails")));
    REPLY_AUTO check = world_rest(w, "POST", "/api/v1/suppressions/check", t.user_key, "{\"EmailAddresses\":[\"a@x.test\"]}");
    assert_true(is_suppressed(&check, "a@x.test"));
    REPLY_AUTO stats = world_rest(w, "GET", "/api/v1/suppressions/stats", t.sender_key, "");
    assert_reply(&stats, "BySource.User", "1");
    REPLY_AUTO gone = world_rest(w, "DELETE", "/api/v1/suppressions/a@x.test", t.sender_key, "");
    assert_reply(&gone, "TotalDeleted", "1");
    REPLY_AUTO missing = world_rest(w, "GET", "/api/v1/suppressions/a@x.test", t.user_key, "");
    assert_int_equal(missing.status, 404);
    REPLY_AUTO twice = world_rest(w, "DELETE", "/api/v1/suppressions/a@x.test", t.user_key, "");
    assert_int_equal(twice.status, 404);
    REPLY_AUTO bad = world_rest(w, "GET", "/api/v1/suppressions/nobody", t.user_key, "");
    assert_int_equal(bad.status, 422);
}

static void one_accounts_entries_are_its_own_TN04(void **state) {
    struct world *w = *state;
    struct tenant a = world_tenant(w, "a@owner.test", "sender.test"), b = world_tenant(w, "b@owner.test", "other.test");
    REPLY_AUTO list = world_command(w, a.user_key, "List.Create", "\"SubscriberListName\":\"News\"");
    REPLY_AUTO added = world_command(w, a.user_key, "Suppression.Add", "\"EmailAddress\":\"ann@x.test\"");
    REPLY_AUTO check = world_command(w, b.user_key, "Suppression.Check", "\"EmailAddresses\":[\"ann@x.test\"]");
    assert_false(is_suppressed(&check, "ann@x.test"));
    REPLY_AUTO browse = world_command(w, b.user_key, "Suppression.Browse", "");
    assert_reply(&browse, "TotalRecords", "0");
    REPLY_AUTO theirs = world_command(w, b.user_key, "Suppression.Browse", "\"ListID\":1");
    REPLY_AUTO none = world_command(w, b.user_key, "Suppression.Browse", "\"ListID\":999");
    assert_true(str_eq(buf_str(&theirs.body), buf_str(&none.body)));
    REPLY_AUTO gone = world_rest(w, "DELETE", "/api/v1/suppressions/ann@x.test", b.sender_key, "");
    assert_int_equal(gone.status, 404);
    REPLY_AUTO own = world_rest(w, "GET", "/api/v1/suppressions/ann@x.test", a.sender_key, "");
    assert_int_equal(own.status, 200);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        WORLD_TEST(added_checked_and_taken_out), WORLD_TEST(lists_are_scopes_of_their_own),
        WORLD_TEST(pages_and_patterns),          WORLD_TEST(what_is_wrong),
        WORLD_TEST(rest_twins_and_sender_keys),  WORLD_TEST(one_accounts_entries_are_its_own_TN04),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
