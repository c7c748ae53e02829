/* inbox_table.c - the inbox of the sandbox: parameters, refusals in the contract's printed order, and the operations themselves.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/inbox_calls.h"
#include "api/tables.h"

#include "core/keys.h"

static const struct param inbox_list_params[] = {
    {"ID", PARAM_ID, false, 0, 3, 0, 0, "Show this message instead of the list"},
    {"BeforeID", PARAM_ID, false, 0, 0, 0, 0, "Messages older than this one"},
    {"RetrieveCount", PARAM_INT, false, 0, 0, 1, 100, "Messages to return; 20 when absent"},
    {"Limit", PARAM_INT, false, 0, 0, 1, 100, "The same, as the operator's lists call it"},
};
static const struct param inbox_get_params[] = {
    {"ID", PARAM_ID, true, 3, 3, 0, 0, "Message of the inbox"},
};
static const struct refusal inbox_refusals[] = {
    {1, 401, "Missing SenderAPIKey"},
    {2, 403, "Invalid user account"},
    {13, 401, "Invalid SenderAPIKey"},
    {3, 404, "No such message in the inbox"},
};

static const struct operation rows[] = {
    {"ListInbox", STYLE_REST, CALLER_SENDER, SENDER_SCOPE_EVENTS, 2, HTTP_GET, 0, "/api/v1/inbox",
     "Sandbox: messages that arrived, newest first", LIST_OF(inbox_list_params, inbox_refusals),
     .steps = {{STEP_READER, inbox_calls_list}}},
    {"GetInboxMessage", STYLE_REST, CALLER_SENDER, SENDER_SCOPE_EVENTS, 2, HTTP_GET, 0, "/api/v1/inbox/{ID}",
     "Sandbox: one message, decoded", LIST_OF(inbox_get_params, inbox_refusals), .steps = {{STEP_READER, inbox_calls_get}}},
    {"GetInboxRaw", STYLE_REST, CALLER_SENDER, SENDER_SCOPE_EVENTS, 2, HTTP_GET, 0, "/api/v1/inbox/{ID}/raw",
     "Sandbox: one message as it arrived", LIST_OF(inbox_get_params, inbox_refusals), .steps = {{STEP_READER, inbox_calls_raw}}},
    {"Operator.InboxList", STYLE_CONTROL, CALLER_OPERATOR, .sentence = "Sandbox: messages that arrived, newest first",
     LIST_OF(inbox_list_params, inbox_refusals), .steps = {{STEP_READER, inbox_calls_list}}},
    {"Operator.InboxShow", STYLE_CONTROL, CALLER_OPERATOR, .sentence = "Sandbox: one message, decoded",
     LIST_OF(inbox_get_params, inbox_refusals), .steps = {{STEP_READER, inbox_calls_get}}},
    {"Operator.InboxRaw", STYLE_CONTROL, CALLER_OPERATOR, .sentence = "Sandbox: one message as it arrived",
     LIST_OF(inbox_get_params, inbox_refusals), .steps = {{STEP_READER, inbox_calls_raw}}},
};
const struct operation_table inbox_table = {"Sandbox", rows, sizeof rows / sizeof rows[0]};
