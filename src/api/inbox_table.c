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

#define MAIL_MEMBERS                                                                                                             \
    "\"ID\":7,\"ReceivedAt\":\"2026-04-01T09:12:33.123Z\",\"MessageID\":\"01932c5e-8f5a-7c1e-9d3b-2f6a8b4c5d6e\","               \
    "\"EnvelopeFrom\":\"b+token@mail.example.com\",\"Recipients\":[\"jane@example.org\"],\"Subject\":\"Hello\",\"Size\":2048"

static const struct operation rows[] = {
    {"ListInbox", STYLE_REST, CALLER_SENDER, SENDER_SCOPE_EVENTS, 2, HTTP_GET, 0, "/api/v1/inbox",
     "Sandbox: messages that arrived, newest first", LIST_OF(inbox_list_params, inbox_refusals),
     .steps = {{STEP_READER, inbox_calls_list}}, .answer = "{\"Messages?\":[{" MAIL_MEMBERS "}]}"},
    {"GetInboxMessage", STYLE_REST, CALLER_SENDER, SENDER_SCOPE_EVENTS, 2, HTTP_GET, 0, "/api/v1/inbox/{ID}",
     "Sandbox: one message, decoded", LIST_OF(inbox_get_params, inbox_refusals), .steps = {{STEP_READER, inbox_calls_get}},
     .answer =
         "{\"Message\":{" MAIL_MEMBERS ",\"From\":\"Shop <news@example.com>\",\"To\":\"jane@example.org\",\"CC\":\"\","
         "\"ReplyTo\":\"\",\"Date\":\"Wed, 01 Apr 2026 09:12:33 +0000\",\"RFCMessageID\":\"01932c5e@example.com\","
         "\"PlainContent\":\"Hello\",\"HtmlContent\":\"\",\"Attachments\":[{\"filename\":\"a.pdf\",\"type\":\"application/pdf\","
         "\"disposition\":\"attachment\",\"contentid\":\"\",\"size\":1024}]}}"},
    {"GetInboxRaw", STYLE_REST, CALLER_SENDER, SENDER_SCOPE_EVENTS, 2, HTTP_GET, 0, "/api/v1/inbox/{ID}/raw",
     "Sandbox: one message as it arrived", LIST_OF(inbox_get_params, inbox_refusals), .steps = {{STEP_READER, inbox_calls_raw}}},
    {"Operator.InboxList", STYLE_CONTROL, CALLER_OPERATOR,
     .sentence = "Messages to the sandbox, postmaster and abuse, newest first", LIST_OF(inbox_list_params, inbox_refusals),
     .steps = {{STEP_READER, inbox_calls_list}}},
    {"Operator.InboxShow", STYLE_CONTROL, CALLER_OPERATOR, .sentence = "One message of the inbox, decoded",
     LIST_OF(inbox_get_params, inbox_refusals), .steps = {{STEP_READER, inbox_calls_get}}},
    {"Operator.InboxRaw", STYLE_CONTROL, CALLER_OPERATOR, .sentence = "One message of the inbox as it arrived",
     LIST_OF(inbox_get_params, inbox_refusals), .steps = {{STEP_READER, inbox_calls_raw}}},
};
const struct operation_table inbox_table = {"Sandbox", rows, sizeof rows / sizeof rows[0],
                                            "The inbox that all mail ends in while the gateway runs in sandbox mode"};
