/* group_table.c - groups of accounts: parameters, refusals, and the operations themselves.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/group_calls.h"
#include "api/tables.h"

#define LIMIT_MAX INT64_C(1000000000000)
#define LIMITS                                                                                                                   \
    {"LimitEmailGatewaySenderDomains", PARAM_INT, false, 0, 0, 0, LIMIT_MAX, "Sender domains an account may have; 0: no limit"}, \
        {"LimitEmailSendPerSecond", PARAM_INT, false, 0, 0, 0, LIMIT_MAX, "Recipients it may send to each second; 0: no limit"}, \
        {"LimitEmailSendPerDay", PARAM_INT, false, 0, 0, 0, LIMIT_MAX, "... each day, UTC"},                                     \
        {"LimitEmailSendPerPeriod", PARAM_INT, false, 0, 0, 0, LIMIT_MAX, "... each month, UTC"},                                \
        {"LimitRecipients", PARAM_INT, false, 0, 0, 0, LIMIT_MAX, "Recipients of one message; 0: no limit, 1000 at first"},      \
        {"LimitBCC", PARAM_INT, false, 0, 0, 0, LIMIT_MAX, "BCC recipients of one message; 50 at first"}, {                      \
        "LimitReplyTo", PARAM_INT, false, 0, 0, 0, LIMIT_MAX, "Reply-To addresses of one message; 10 at first"                   \
    }
#define WHICH(missing, unknown)                                                                                                  \
    {"UserGroupID", PARAM_ID, false, missing, unknown, 0, 0, "The group"}, {                                                     \
        "UserGroup", PARAM_TEXT, false, missing, unknown, 0, 100, "Its name, instead of UserGroupID"                             \
    }

static const struct param create_params[] = {
    {"GroupName", PARAM_TEXT, true, 1, 0, 0, 100, "Its name; no two are alike"},
    LIMITS,
};
static const struct refusal create_refusals[] = {
    {1, 0, "Missing GroupName parameter"},
    {3, 0, "There is a group of this name already"},
};
static const struct param which_params[] = {
    WHICH(1, 2),
};
static const struct refusal which_refusals[] = {
    {1, 0, "Missing UserGroupID parameter"},
    {2, 404, "User group not found"},
};
static const struct param list_params[] = {
    {"AfterID", PARAM_ID, false, 0, 0, 0, 0, "Groups behind this one; at most 1000 are returned"},
};
static const struct param update_params[] = {
    WHICH(20, 21),
    {"GroupName", PARAM_TEXT, false, 0, 0, 0, 100, "Its new name"},
    LIMITS,
};
static const struct refusal update_refusals[] = {
    {20, 0, "Missing UserGroupID parameter"},
    {21, 404, "User group not found"},
    {3, 0, "There is a group of this name already"},
};
static const struct refusal delete_refusals[] = {
    {1, 0, "Missing UserGroupID parameter"},
    {2, 404, "User group not found"},
    {4, 0, "The default group cannot be deleted"},
    {5, 0, "Accounts are in this group: move them to another one first"},
};

#define GROUP                                                                                                                    \
    "{\"UserGroupID\":2,\"GroupName\":\"starter\",\"LimitEmailGatewaySenderDomains\":3,\"LimitEmailSendPerSecond\":0,"           \
    "\"LimitEmailSendPerDay\":5000,\"LimitEmailSendPerPeriod\":100000,\"LimitRecipients\":1000,\"LimitBCC\":50,"                 \
    "\"LimitReplyTo\":10,\"LimitEmailSendPeriod\":\"Monthly\",\"Users\":4,\"CreatedAt\":\"2026-11-23 09:12:33\"}"
#define GROUP_ANSWER "{\"UserGroupID\":2,\"UserGroup\":" GROUP "}"

static const struct operation rows[] = {
    {"UserGroup.Create", STYLE_COMMAND, CALLER_ADMIN, .sentence = "Make a group of accounts with limits of its own",
     LIST_OF(create_params, create_refusals), .steps = {{STEP_WRITER, group_calls_create}},
     .request = "{\"GroupName\":\"starter\",\"LimitEmailGatewaySenderDomains\":3,\"LimitEmailSendPerDay\":5000}",
     .answer = GROUP_ANSWER},
    {"UserGroup.Get", STYLE_COMMAND, CALLER_ADMIN, .sentence = "A group and its limits", LIST_OF(which_params, which_refusals),
     .steps = {{STEP_READER, group_calls_get}}, .request = "{\"UserGroupID\":2}", .answer = GROUP_ANSWER},
    {"UserGroups.Get", STYLE_COMMAND, CALLER_ADMIN, .sentence = "All groups and their limits", .params = list_params,
     .param_count = sizeof list_params / sizeof list_params[0], .steps = {{STEP_READER, group_calls_list}}, .request = "{}",
     .answer = "{\"UserGroups\":[" GROUP "]}", .aliases = "UserGroup.GetList,UserGroup.List"},
    {"UserGroup.Update", STYLE_COMMAND, CALLER_ADMIN,
     .sentence = "Change a group: what is not given stays; the new limits hold at once for every account in it",
     LIST_OF(update_params, update_refusals), .steps = {{STEP_WRITER, group_calls_update}},
     .request = "{\"UserGroupID\":2,\"LimitEmailSendPerDay\":10000}", .answer = GROUP_ANSWER, .aliases = "UserGroup.Patch"},
    {"UserGroup.Delete", STYLE_COMMAND, CALLER_ADMIN, .sentence = "Delete a group that no account is in",
     LIST_OF(which_params, delete_refusals), .steps = {{STEP_WRITER, group_calls_delete}}, .request = "{\"UserGroupID\":2}",
     .answer = "{}"},
};
const struct operation_table group_table = {"User groups", rows, sizeof rows / sizeof rows[0],
                                            "What the accounts of a group may do"};
