/* list_send_table.c - sends to whole lists: parameters, refusals and the operations themselves.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/list_send_calls.h"
#include "api/tables.h"

#include "core/keys.h"

static const struct param id_params[] = {
    {"ListSendID", PARAM_UUID, true, 1, 2, 0, 0, "The send: the MessageID that the request was answered with"},
};
static const struct param browse_params[] = {
    {"RetrieveCount", PARAM_INT, false, 0, 0, 1, 100, "How many to show; 25 when absent"},
    {"ListSendID", PARAM_UUID, false, 0, 2, 0, 0, "Show those before this one: the last one of the page before"},
};
static const struct refusal refusals[] = {
    {1, 0, "Missing ListSendID"},
    {2, 404, "There is no such send to a list"},
    {3, 409, "It has ended already"},
    {12, 403, "Invalid or deactivated user account"},
};

#define LIST_SEND                                                                                                                \
    "{\"ListSendID\":\"01970d3c-5a00-7000-8000-000000000001\",\"ListID\":12,\"DomainID\":\"3\",\"State\":\"Sending\","           \
    "\"Total\":20000,\"Sent\":4200,\"Suppressed\":3,\"Skipped\":0,\"Reason\":\"\",\"CreatedAt\":\"2026-04-01 09:12:33\","        \
    "\"SendAt\":\"2026-04-01 09:12:33\",\"FinishedAt\":\"\"}"
#define EITHER .caller = CALLER_EITHER, .scope = SENDER_SCOPE_SEND, .inactive = 12
#define BROWSE_ROW                                                                                                               \
    .sentence = "Sends to lists, newest first", LIST_OF(browse_params, refusals),                                                \
    .steps = {{STEP_READER, list_send_calls_browse}}, .request = "{\"RetrieveCount\":10}",                                       \
    .answer = "{\"ListSends\":[" LIST_SEND "]}"
#define GET_ROW                                                                                                                  \
    .sentence = "How far a send to a list has come, and why it waits", LIST_OF(id_params, refusals),                             \
    .steps = {{STEP_READER, list_send_calls_get}}, .answer = "{\"ListSend\":" LIST_SEND "}"
#define CANCEL_ROW                                                                                                               \
    .sentence = "Stop a send to a list: those it has not come to get nothing; messages made already stay in the queue",          \
    LIST_OF(id_params, refusals), .steps = {{STEP_WRITER, list_send_calls_cancel}}, .answer = "{\"ListSend\":" LIST_SEND "}"
#define ONE "{\"ListSendID\":\"01970d3c-5a00-7000-8000-000000000001\"}"

static const struct operation rows[] = {
    {"ListSend.Get", STYLE_COMMAND, EITHER, GET_ROW, .request = ONE},
    {"ListSend.List", STYLE_COMMAND, EITHER, BROWSE_ROW},
    {"ListSend.Cancel", STYLE_COMMAND, EITHER, CANCEL_ROW, .request = ONE},
    {"ListSends.List", STYLE_REST, EITHER, BROWSE_ROW, .method = HTTP_GET, .path = "/api/v1/list-sends"},
    {"ListSends.Show", STYLE_REST, EITHER, GET_ROW, .method = HTTP_GET, .path = "/api/v1/list-sends/{ListSendID}",
     .request = "{}"},
    {"ListSends.Cancel", STYLE_REST, EITHER, CANCEL_ROW, .method = HTTP_DELETE, .path = "/api/v1/list-sends/{ListSendID}",
     .request = "{}"},
};
const struct operation_table list_send_table = {"Sends to lists", rows, sizeof rows / sizeof rows[0],
                                                "How far a send to a long list has come"};
