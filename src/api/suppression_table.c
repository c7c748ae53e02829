/* suppression_table.c - suppressions: parameters, refusals and the operations themselves, as commands and below /api/v1. A sender
 * key acts for its whole account: people who must not be written to are not a domain's matter.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/suppression_calls.h"
#include "api/tables.h"
#include "api/tag_refusal_calls.h"

#include "core/keys.h"
#include "core/suppressions.h"

#define LIST_PARAM                                                                                                               \
    { "ListID", PARAM_INT, false, 0, 4, 0, INT64_MAX, "A list of subscribers; 0 or absent: everything the account sends" }
#define MANY_PARAMS                                                                                                              \
    {"EmailAddresses", PARAM_LIST, false, 0, 2, 0, 100000, "A list of addresses"}, {                                             \
        "EmailAddressesBulk", PARAM_CONTENT, false, 0, 2, 0, 0, "Addresses as text, a line each; of CSV the first column counts" \
    }
#define ONE_PARAM                                                                                                                \
    {"EmailAddress", PARAM_EMAIL, false, 1, 2, 0, 0, "One address"}, {                                                           \
        "Address", PARAM_EMAIL, false, 1, 2, 0, 0, "The same, by its shorter name"                                               \
    }
#define FILTER_PARAMS                                                                                                            \
    {"SearchPattern",                                                                                                            \
     PARAM_TEXT,                                                                                                                 \
     false,                                                                                                                      \
     0,                                                                                                                          \
     0,                                                                                                                          \
     0,                                                                                                                          \
     254,                                                                                                                        \
     "An address, or one with a * that stands for anything: jo*, *@example.com"},                                                \
        {"SuppressionSource", PARAM_TEXT, false, 1, 1, 0, 255, "Comma list of sources; all when absent"}, LIST_PARAM
#define WRITE_PARAMS                                                                                                             \
    {"SuppressionSource",                                                                                                        \
     PARAM_TEXT,                                                                                                                 \
     false,                                                                                                                      \
     3,                                                                                                                          \
     3,                                                                                                                          \
     0,                                                                                                                          \
     255,                                                                                                                        \
     "Administrator, User (when absent), SPAM complaint, Hard Bounced or Unsubscribe"},                                          \
        {"Reason", PARAM_TEXT, false, 0, 0, 0, SUPPRESSION_REASON_MAX, "Why, in words"}, LIST_PARAM
#define KEY_REFUSALS                                                                                                             \
    {12, 403, "Invalid or deactivated user account"}, {32, 403, "Domain is not activated"}, {                                    \
        34, 403, "User account is not verified"                                                                                  \
    }

static const struct param browse_params[] = {
    FILTER_PARAMS,
    {"StartFrom", PARAM_INT, false, 0, 0, 0, 100000000, "How many entries to skip"},
    {"RetrieveCount", PARAM_INT, false, 0, 0, 1, 500, "How many entries to show; 100 when absent"},
    {"AfterID", PARAM_ID, false, 0, 0, 0, 0, "Show entries behind this one: NextAfterID of the page before"},
};
static const struct param count_params[] = {FILTER_PARAMS};
static const struct refusal browse_refusals[] = {
    {1, 0, "Invalid SuppressionSource value"},
    {4, 404, "Invalid ListID"},
    KEY_REFUSALS,
};
static const struct param check_params[] = {ONE_PARAM, MANY_PARAMS, LIST_PARAM};
static const struct refusal check_refusals[] = {
    {1, 0, "No address was given"},
    {2, 0, "None of what was given is an e-mail address"},
    {4, 404, "Invalid ListID"},
    {5, 0, "At most 500 addresses can be checked at once"},
    KEY_REFUSALS,
};
static const struct param get_params[] = {ONE_PARAM, LIST_PARAM};
static const struct refusal get_refusals[] = {
    {1, 0, "No address was given"},
    {2, 0, "This is not an e-mail address"},
    {4, 404, "Invalid ListID"},
    {3, 404, "The address is not suppressed"},
    KEY_REFUSALS,
};
static const struct param add_params[] = {ONE_PARAM, MANY_PARAMS, WRITE_PARAMS};
static const struct refusal add_refusals[] = {
    {1, 0, "No address was given"},
    {2, 0, "None of what was given is an e-mail address"},
    {3, 0, "Invalid SuppressionSource value"},
    {4, 404, "Invalid ListID"},
    {5, 0, "At most 100,000 addresses can be taken at once"},
    KEY_REFUSALS,
};
static const struct param remove_params[] = {ONE_PARAM, MANY_PARAMS, LIST_PARAM};
static const struct refusal remove_refusals[] = {
    {1, 0, "No address was given"},
    {2, 0, "None of what was given is an e-mail address"},
    {3, 404, "The address is not suppressed"},
    {4, 404, "Invalid ListID"},
    {5, 0, "At most 100,000 addresses can be taken at once"},
    KEY_REFUSALS,
};

#define TAG_PARAM(words)                                                                                                         \
    { "Tag", PARAM_TEXT, false, 0, 0, 0, 128, words }
static const struct param tags_params[] = {
    {"EmailAddress", PARAM_EMAIL, false, 0, 0, 0, 0, "What this person refused; everybody when absent"},
    TAG_PARAM("Who refused this tag; any when absent"),
    {"RetrieveCount", PARAM_INT, false, 0, 0, 1, 500, "How many entries to show; 100 when absent"},
    {"AfterID", PARAM_ID, false, 0, 0, 0, 0, "Show entries behind this one: NextAfterID of the page before"},
};
static const struct refusal tags_refusals[] = {KEY_REFUSALS};
static const struct param untag_params[] = {
    {"EmailAddress", PARAM_EMAIL, true, 1, 2, 0, 0, "The person"},
    TAG_PARAM("The tag that he may get again; all that he refused when absent"),
};
static const struct refusal untag_refusals[] = {
    {1, 0, "No address was given"},
    {2, 0, "This is not an e-mail address"},
    {3, 404, "The address has not refused that tag"},
    KEY_REFUSALS,
};

#define ENTRY_EXAMPLE                                                                                                            \
    "{\"SuppressionID\":\"1234\",\"RelListID\":\"0\",\"RelOwnerUserID\":\"42\",\"EmailAddress\":\"ann@example.com\","            \
    "\"SuppressionSource\":\"Hard Bounced\",\"Reason\":\"550 mailbox "                                                           \
    "unavailable\",\"EventID\":\"981\",\"CreatedAt\":\"2026-03-14 10:00:00\"}"
#define MATCH_MEMBERS                                                                                                            \
    "\"IsSuppressed\":true,\"MatchedScopes\":[{\"Scope\":\"AccountWide\",\"ListID\":\"0\",\"SuppressionSource\":\"User\","       \
    "\"Reason\":\"\",\"EventID\":\"0\",\"CreatedAt\":\"2026-03-14 10:00:00\"}]"
#define FAILED_EXAMPLE "\"TotalFailed\":1,\"FailedEmailAddresses\":[\"not-an-address\"]"
#define BROWSE_COMMON  "\"TotalRecords?\":1,\"NextAfterID\":\"\",\"Suppressions\":[" ENTRY_EXAMPLE "]"
#define CHECK_ANSWER   "{\"ListID\":0,\"TotalChecked\":1," FAILED_EXAMPLE ",\"Results\":{\"*\":{" MATCH_MEMBERS "}}}"
#define ADD_ANSWER     "{\"TotalImported\":1," FAILED_EXAMPLE "}"
#define REMOVE_ANSWER  "{\"TotalDeleted\":1," FAILED_EXAMPLE "}"
#define COUNT_ANSWER                                                                                                             \
    "{\"Total\":1240,\"BySource\":{\"Administrator\":5,\"User\":312,\"SPAM complaint\":14,\"Hard Bounced\":871,"                 \
    "\"Unsubscribe\":38}}"
#define MANY_REQUEST "{\"EmailAddresses\":[\"ann@example.com\",\"bob@example.com\"]}"
#define ADD_REQUEST                                                                                                              \
    "{\"EmailAddresses\":[\"ann@example.com\",\"bob@example.com\"],\"SuppressionSource\":\"Unsubscribe\","                       \
    "\"Reason\":\"asked by phone\"}"
#define ONE_REQUEST "{\"EmailAddress\":\"ann@example.com\"}"

#define BROWSE                                                                                                                   \
    .sentence = "Who is suppressed: entries of the account, or of one list, a page at a time",                                   \
    LIST_OF(browse_params, browse_refusals),                                                                                     \
    .steps = {{STEP_SIZED, suppression_calls_filter},                                                                            \
              {STEP_READER, suppression_calls_find_list},                                                                        \
              {STEP_SEARCH, suppression_calls_browse}},                                                                          \
    .request = "{\"SearchPattern\":\"*@example.com\",\"RetrieveCount\":50}"
#define COUNT                                                                                                                    \
    .sentence = "How many are suppressed, by source", LIST_OF(count_params, browse_refusals),                                    \
    .steps = {{STEP_SIZED, suppression_calls_filter},                                                                            \
              {STEP_READER, suppression_calls_find_list},                                                                        \
              {STEP_SEARCH, suppression_calls_count}},                                                                           \
    .request = "{}", .answer = COUNT_ANSWER
#define CHECK                                                                                                                    \
    .sentence = "Which of up to 500 addresses are suppressed, and why", LIST_OF(check_params, check_refusals),                   \
    .steps = {{STEP_SIZED, suppression_calls_read},                                                                              \
              {STEP_READER, suppression_calls_find_list},                                                                        \
              {STEP_READER, suppression_calls_check}},                                                                           \
    .request = MANY_REQUEST, .answer = CHECK_ANSWER
#define GET                                                                                                                      \
    .sentence = "Why one address is suppressed", LIST_OF(get_params, get_refusals),                                              \
    .steps = {{STEP_READER, suppression_calls_find_list}, {STEP_READER, suppression_calls_get}},                                 \
    .answer = "{\"EmailAddress\":\"ann@example.com\"," MATCH_MEMBERS "}"
#define ADD(words)                                                                                                               \
    .sentence = words, LIST_OF(add_params, add_refusals), .body_max = ADDRESSES_BODY_MAX,                                        \
    .steps = {{STEP_SIZED, suppression_calls_read},                                                                              \
              {STEP_READER, suppression_calls_find_list},                                                                        \
              {STEP_WRITER, suppression_calls_add}},                                                                             \
    .request = ADD_REQUEST, .answer = ADD_ANSWER
#define REMOVE                                                                                                                   \
    .sentence = "Let addresses be written to again", LIST_OF(remove_params, remove_refusals), .body_max = ADDRESSES_BODY_MAX,    \
    .steps = {{STEP_SIZED, suppression_calls_read},                                                                              \
              {STEP_READER, suppression_calls_find_list},                                                                        \
              {STEP_WRITER, suppression_calls_remove}},                                                                          \
    .answer = REMOVE_ANSWER
#define TAGS                                                                                                                     \
    .sentence = "Tags that people refused on the unsubscribe page, a page at a time: mail with such a tag does not go to them",  \
    LIST_OF(tags_params, tags_refusals), .steps = {{STEP_SEARCH, tag_refusal_calls_browse}},                                     \
    .request = "{\"EmailAddress\":\"ann@example.com\"}",                                                                         \
    .answer = "{\"NextAfterID\":\"\",\"TagRefusals\":[{\"TagRefusalID\":\"7\",\"EmailAddress\":\"ann@example.com\","             \
              "\"Tag\":\"offers\",\"EventID\":\"981\",\"CreatedAt\":\"2026-03-14 10:00:00\"}]}"
#define UNTAG                                                                                                                    \
    .sentence = "Let a person get mail with a tag again that he refused", LIST_OF(untag_params, untag_refusals),                 \
    .steps = {{STEP_WRITER, tag_refusal_calls_remove}}, .request = "{\"EmailAddress\":\"ann@example.com\",\"Tag\":\"offers\"}",  \
    .answer = "{\"TotalDeleted\":1}"
#define ADDRESSES_BODY_MAX ((size_t)16 << 20)
#define COMMAND(name)      name, STYLE_COMMAND, CALLER_EITHER, .scope = SENDER_SCOPE_SEND, .inactive = 12
#define REST(name, verb, where)                                                                                                  \
    name, STYLE_REST, CALLER_EITHER, .scope = SENDER_SCOPE_SEND, .inactive = 12, .method = (verb), .path = (where)

static const struct operation rows[] = {
    {COMMAND("Suppression.Browse"), BROWSE, .answer = "{" BROWSE_COMMON ",\"SuppressedEmails\":{\"*\":" ENTRY_EXAMPLE "}}"},
    {COMMAND("Suppression.Check"), CHECK},
    {COMMAND("Suppression.Stats"), COUNT},
    {COMMAND("Suppression.Add"), ADD("Suppress one address or several")},
    {COMMAND("Suppression.Import"), ADD("Suppress up to 100,000 addresses at once; who is suppressed already stays as he is")},
    {COMMAND("Suppression.Delete"), REMOVE, .request = ONE_REQUEST},
    {COMMAND("Suppression.BrowseTags"), TAGS},
    {COMMAND("Suppression.DeleteTag"), UNTAG},
    {REST("Suppressions.List", HTTP_GET, "/api/v1/suppressions"), BROWSE, .answer = "{" BROWSE_COMMON "}"},
    {REST("Suppressions.Add", HTTP_POST, "/api/v1/suppressions"), ADD("Suppress up to 100,000 addresses")},
    {REST("Suppressions.Remove", HTTP_DELETE, "/api/v1/suppressions"), REMOVE, .request = MANY_REQUEST},
    {REST("Suppressions.Check", HTTP_POST, "/api/v1/suppressions/check"), CHECK},
    {REST("Suppressions.Stats", HTTP_GET, "/api/v1/suppressions/stats"), COUNT},
    {REST("Suppressions.ListTags", HTTP_GET, "/api/v1/suppressions/tags"), TAGS},
    {REST("Suppressions.RemoveTag", HTTP_DELETE, "/api/v1/suppressions/tags"), UNTAG},
    {REST("Suppressions.Get", HTTP_GET, "/api/v1/suppressions/{Address}"), GET},
    {REST("Suppressions.RemoveOne", HTTP_DELETE, "/api/v1/suppressions/{Address}"), REMOVE},
};
const struct operation_table suppression_table = {"Suppressions", rows, sizeof rows / sizeof rows[0],
                                                  "Addresses that an account must not write to"};
