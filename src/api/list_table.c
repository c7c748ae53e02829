/* list_table.c - lists of subscribers: parameters, refusals and the operations themselves, as commands and below /api/v1.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/list_calls.h"
#include "api/tables.h"

static const struct param create_params[] = {
    {"SubscriberListName", PARAM_TEXT, false, 1, 0, 0, 255, "Name of the list; no two lists of an account are called alike"},
    {"Name", PARAM_TEXT, false, 1, 0, 0, 255, "The same, by its shorter name"},
};
static const struct refusal create_refusals[] = {
    {1, 0, "Missing subscriber list name"},
    {2, 409, "There is a list of this name already"},
};
static const struct param id_params[] = {
    {"ListID", PARAM_ID, false, 1, 2, 0, 0, "The list"},
    {"SubscriberListID", PARAM_ID, false, 1, 2, 0, 0, "The same, by its longer name"},
};
static const struct refusal id_refusals[] = {
    {1, 0, "Missing list ID"},
    {2, 404, "Invalid list ID"},
};
static const struct param browse_params[] = {
    {"RecordsPerRequest", PARAM_INT, false, 0, 0, 1, 100, "How many lists to show; 100 when absent"},
    {"AfterID", PARAM_ID, false, 0, 0, 0, 0, "Show lists with a higher ListID: the last one of the page before"},
};
static const struct param update_params[] = {
    {"ListID", PARAM_ID, false, 1, 2, 0, 0, "The list"},
    {"SubscriberListID", PARAM_ID, false, 1, 2, 0, 0, "The same, by its longer name"},
    {"Name", PARAM_TEXT, false, 0, 0, 0, 255, "The new name"},
};
static const struct refusal update_refusals[] = {
    {1, 0, "Missing subscriber list ID"},
    {2, 404, "Invalid subscriber list ID"},
    {3, 409, "There is a list of this name already"},
};

#define CREATE_ROW                                                                                                               \
    .sentence = "Make a list of subscribers", LIST_OF(create_params, create_refusals),                                           \
    .steps = {{STEP_WRITER, list_calls_create}}, .answer = LIST_ANSWER
#define GET_ROW                                                                                                                  \
    .sentence = "One list, with the number of its active subscribers", LIST_OF(id_params, id_refusals),                          \
    .steps = {{STEP_SEARCH, list_calls_get}}, .answer = LIST_ANSWER
#define BROWSE_ROW                                                                                                               \
    .sentence = "All lists of the account, a page at a time", .params = browse_params,                                           \
    .param_count = sizeof browse_params / sizeof browse_params[0], .steps = {{STEP_SEARCH, list_calls_browse}},                  \
    .request = "{\"RecordsPerRequest\":20}", .answer = "{\"TotalListCount\":1,\"Lists\":[" LIST_OBJECT "]}"
#define UPDATE_ROW                                                                                                               \
    .sentence = "Rename a list", LIST_OF(update_params, update_refusals), .steps = {{STEP_WRITER, list_calls_update}},           \
    .answer = LIST_ANSWER
#define DELETE_ROW                                                                                                               \
    .sentence = "Delete a list and the subscribers on it; what was sent to it already goes on", LIST_OF(id_params, id_refusals), \
    .steps = {{STEP_WRITER, list_calls_delete}}, .answer = "{}"
#define LIST_OBJECT                                                                                                              \
    "{\"ListID\":12,\"Name\":\"Newsletter\",\"RelOwnerUserID\":1,\"SubscriberCount\":1500,"                                      \
    "\"CreatedOn\":\"2026-04-01 09:12:33\"}"
#define LIST_ANSWER "{\"ListID\":12,\"List\":" LIST_OBJECT "}"
#define LIST_ID     "{\"ListID\":12}"

static const struct operation rows[] = {
    {"List.Create", STYLE_COMMAND, CALLER_USER, CREATE_ROW, .request = "{\"SubscriberListName\":\"Newsletter\"}"},
    {"List.Get", STYLE_COMMAND, CALLER_USER, GET_ROW, .request = LIST_ID},
    {"Lists.Get", STYLE_COMMAND, CALLER_USER, BROWSE_ROW, .aliases = "List.List,List.Browse"},
    {"List.Update", STYLE_COMMAND, CALLER_USER, UPDATE_ROW, .request = "{\"ListID\":12,\"Name\":\"Monthly news\"}"},
    {"List.Delete", STYLE_COMMAND, CALLER_USER, DELETE_ROW, .request = LIST_ID},
    {"Lists.Create", STYLE_REST, CALLER_USER, CREATE_ROW, .method = HTTP_POST, .path = "/api/v1/lists", .success = 201,
     .request = "{\"Name\":\"Newsletter\"}"},
    {"Lists.List", STYLE_REST, CALLER_USER, BROWSE_ROW, .method = HTTP_GET, .path = "/api/v1/lists"},
    {"Lists.Show", STYLE_REST, CALLER_USER, GET_ROW, .method = HTTP_GET, .path = "/api/v1/lists/{ListID}", .request = "{}"},
    {"Lists.Update", STYLE_REST, CALLER_USER, UPDATE_ROW, .method = HTTP_PATCH, .path = "/api/v1/lists/{ListID}",
     .request = "{\"Name\":\"Monthly news\"}"},
    {"Lists.Delete", STYLE_REST, CALLER_USER, DELETE_ROW, .method = HTTP_DELETE, .path = "/api/v1/lists/{ListID}",
     .request = "{}"},
};
const struct operation_table list_table = {"Lists", rows, sizeof rows / sizeof rows[0], "Lists of people to write to"};
