/* keep_table.c - what an account keeps: parameters, refusals and operations.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/keep_calls.h"
#include "api/tables.h"
#include "core/keeping.h"

static const struct param set_params[] = {
    {"BodyDays", PARAM_INT, false, 0, 0, 0, KEEPING_DAYS_MAX,
     "Days that contents of messages are kept; 0: as the gateway does otherwise. Unchanged when absent"},
    {"EventDays", PARAM_INT, false, 0, 0, 0, KEEPING_DAYS_MAX,
     "Days that events, and the messages they are of, are kept; 0: as the gateway does otherwise. Unchanged when absent"},
};
static const struct param erase_params[] = {
    {"EmailAddress", PARAM_EMAIL, true, 1, 4, 0, 254, "Whom to forget"},
};
static const struct refusal erase_refusals[] = {
    {1, 0, "Missing EmailAddress parameter"},
    {4, 0, "Invalid email address format"},
    {3, 429, "Twenty orders of this account are in work: try again when one is done"},
};
static const struct param get_params[] = {
    {"ErasureID", PARAM_ID, true, 1, 2, 0, 0, "The order"},
};
static const struct refusal get_refusals[] = {
    {1, 0, "Missing ErasureID parameter"},
    {2, 404, "Erasure not found"},
};
static const struct param list_params[] = {
    {"BeforeID", PARAM_ID, false, 0, 0, 0, 0, "Only orders older than this one: NextBeforeID of the page before"},
    {"RetrieveCount", PARAM_INT, false, 0, 0, 1, 100, "Orders to return; 25 when absent"},
};

#define DAYS        "{\"BodyDays\":30,\"EventDays\":400}"
#define DAYS_ANSWER "{\"Retention\":" DAYS ",\"Own\":{\"BodyDays\":0,\"EventDays\":0},\"Otherwise\":" DAYS ",\"Most\":" DAYS "}"
#define ERASURE                                                                                                                  \
    "{\"ErasureID\":\"12\",\"State\":\"recipients\",\"Recipients\":2,\"Events\":5,\"Contents\":2,\"Waiting\":0,"                 \
    "\"CreatedAt\":\"2026-03-14 10:00:00\",\"FinishedAt\":\"\","                                                                 \
    "\"Hash\":\"973dfe463ec85785f5f95af5ba3906eedb2d931c24e69824a89ea65dba4e813b\"}"

#define SHOW                                                                                                                     \
    .sentence = "How long this account keeps contents and events: what is in force, what it said itself, what holds otherwise, " \
                "and the most it may say",                                                                                       \
    NO_PARAMS, .steps = {{STEP_READER, keep_calls_show}}, .request = "{}", .answer = DAYS_ANSWER
#define SET                                                                                                                      \
    .sentence = "Say how long this account keeps contents and events; what is older goes within an hour or so. Statistics stay", \
    .params = set_params, .param_count = sizeof set_params / sizeof set_params[0], .steps = {{STEP_WRITER, keep_calls_set}},     \
    .request = "{\"BodyDays\":7}", .answer = DAYS_ANSWER
#define ERASE                                                                                                                    \
    .sentence =                                                                                                                  \
        "Forget a person: what waits for him is cancelled, and all that this account has of him goes, events, contents, "        \
        "subscribers; a hash stays, so that nobody writes to him again, and numbers, which name nobody",                         \
    LIST_OF(erase_params, erase_refusals), .steps = {{STEP_WRITER, keep_calls_erase}, {STEP_LOOP, keep_calls_erase_wake}},       \
    .request = "{\"EmailAddress\":\"ann@example.com\"}", .answer = "{\"ErasureID\":\"12\"}"
#define GET                                                                                                                      \
    .sentence = "How far an order to forget a person is: State is lists, recipients, inbox, then done",                          \
    LIST_OF(get_params, get_refusals), .steps = {{STEP_READER, keep_calls_erasure}}, .request = "{\"ErasureID\":\"12\"}",        \
    .answer = "{\"Erasure\":" ERASURE "}"
#define BROWSE                                                                                                                   \
    .sentence = "Orders to forget people, newest first, a page at a time", .params = list_params,                                \
    .param_count = sizeof list_params / sizeof list_params[0], .steps = {{STEP_READER, keep_calls_erasures}}, .request = "{}",   \
    .answer = "{\"NextBeforeID\":\"\",\"Erasures\":[" ERASURE "]}"
#define REST(name, verb, where) name, STYLE_REST, CALLER_USER, .method = (verb), .path = (where)

static const struct operation rows[] = {
    {"Retention.Get", STYLE_COMMAND, CALLER_USER, SHOW},
    {"Retention.Set", STYLE_COMMAND, CALLER_USER, SET},
    {"Erasure.Create", STYLE_COMMAND, CALLER_USER, ERASE},
    {"Erasure.Get", STYLE_COMMAND, CALLER_USER, GET},
    {"Erasure.Browse", STYLE_COMMAND, CALLER_USER, BROWSE},
    {REST("Retention.Show", HTTP_GET, "/api/v1/retention"), SHOW},
    {REST("Retention.Update", HTTP_PUT, "/api/v1/retention"), SET},
    {REST("Erasures.Create", HTTP_POST, "/api/v1/erasures"), ERASE},
    {REST("Erasures.List", HTTP_GET, "/api/v1/erasures"), BROWSE},
    {REST("Erasures.Get", HTTP_GET, "/api/v1/erasures/{ErasureID}"), GET},
};
const struct operation_table keep_table = {"Retention", rows, sizeof rows / sizeof rows[0],
                                           "What an account keeps, for how long, and people whom it forgets"};
