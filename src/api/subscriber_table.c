/* subscriber_table.c - people on lists: parameters, refusals and the operations themselves, as commands and below /api/v1.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/import_calls.h"
#include "api/subscriber_calls.h"
#include "api/tables.h"

#include "core/lists.h"

/* The numbers are those of Subscriber.Create in the reference; the others use what they need of them. */
static const struct refusal refusals[] = {
    {SUBSCRIBER_LIST_MISSING, 0, "Missing ListID parameter"},
    {SUBSCRIBER_MISSING, 0, "Missing EmailAddress or SubscriberID parameter"},
    {SUBSCRIBER_EMAIL_INVALID, 0, "Invalid EmailAddress"},
    {SUBSCRIBER_LIST_UNKNOWN, 404, "Invalid ListID"},
    {SUBSCRIBER_UNKNOWN, 404, "Subscriber not found"},
    {SUBSCRIBER_STATUS_INVALID, 0, "Invalid status: it is one of Active, Unsubscribed, Bounced, Complained"},
    {SUBSCRIBER_FIELDS_INVALID, 0, "Invalid custom field"},
    {SUBSCRIBER_DUPLICATE, 409, "Duplicate EmailAddress: it is on the list already"},
    {SUBSCRIBER_WAS_UNSUBSCRIBED, 409, "The subscriber has left the list"},
};
#define LIST_PARAMS                                                                                                              \
    {"ListID", PARAM_ID, false, 1, 4, 0, 0, "The list"}, {                                                                       \
        "SubscriberListID", PARAM_ID, false, 1, 4, 0, 0, "The same, by its longer name"                                          \
    }
#define FIELD_PARAMS                                                                                                             \
    {"Status", PARAM_TEXT, false, 0, 6, 0, 32, "Active (when new and absent), Unsubscribed, Bounced or Complained"},             \
        {"SubscriptionStatus", PARAM_TEXT, false, 0, 6, 0, 32, "The same, by its longer name; Subscribed is Active"},            \
        {"CustomFields",                                                                                                         \
         PARAM_OBJECT,                                                                                                           \
         false,                                                                                                                  \
         0,                                                                                                                      \
         17,                                                                                                                     \
         0,                                                                                                                      \
         SUBSCRIBER_FIELDS_MAX,                                                                                                  \
         "Merge fields: an object of texts, numbers and booleans; null takes one away, what is not named stays"},                \
    {                                                                                                                            \
        "Fields", PARAM_OBJECT, false, 0, 17, 0, SUBSCRIBER_FIELDS_MAX, "The same, by its shorter name"                          \
    }
#define WHO_PARAMS                                                                                                               \
    {"SubscriberID", PARAM_ID, false, 2, 5, 0, 0, "The subscriber, by number"}, {                                                \
        "EmailAddress", PARAM_EMAIL, false, 2, 3, 0, 0, "or by address"                                                          \
    }

static const struct param create_params[] = {
    LIST_PARAMS,
    {"EmailAddress", PARAM_EMAIL, true, 2, 3, 0, 0, "Address of the person"},
    FIELD_PARAMS,
    {"UpdateIfDuplicate", PARAM_BOOL, false, 0, 0, 0, 0, "Change the fields of somebody who is on the list already"},
    {"UpdateIfUnsubscribed", PARAM_BOOL, false, 0, 0, 0, 0, "Take somebody back who left the list"},
};
static const struct param who_params[] = {LIST_PARAMS, WHO_PARAMS};
static const struct param update_params[] = {
    LIST_PARAMS,
    {"SubscriberID", PARAM_ID, true, 2, 5, 0, 0, "The subscriber"},
    {"EmailAddress", PARAM_EMAIL, false, 2, 3, 0, 0, "The new address"},
    FIELD_PARAMS,
};
static const struct param unsubscribe_params[] = {
    LIST_PARAMS,
    WHO_PARAMS,
    {"AddToGlobalSuppression", PARAM_BOOL, false, 0, 0, 0, 0, "Write nothing more to the address, on no list"},
};
static const struct param browse_params[] = {
    LIST_PARAMS,
    {"SubscriberSegment", PARAM_TEXT, false, 0, 6, 0, 32, "Active, Unsubscribed, Bounced, Complained; all when absent"},
    {"RecordsPerRequest", PARAM_INT, false, 0, 0, 1, 500, "How many to show; 25 when absent"},
    {"RecordsFrom", PARAM_INT, false, 0, 0, 0, 1000000, "How many to leave out first"},
    {"AfterID", PARAM_ID, false, 0, 0, 0, 0, "Show those with a higher SubscriberID: the last one of the page before"},
};
static const struct param import_params[] = {
    LIST_PARAMS,
    {"Content", PARAM_CONTENT, false, 2, 2, 0, 0,
     "The file: CSV in UTF-8, at most 40 MB with what is around it; a text, or a part of a multipart form. Its first line names "
     "the columns, one of them Email; the others become custom fields"},
    {"File", PARAM_CONTENT, false, 2, 2, 0, 0, "The same, by its name in forms"},
    {"UpdateDuplicates", PARAM_BOOL, false, 0, 0, 0, 0, "Change the fields of those who are on the list; true when absent"},
    {"Resubscribe", PARAM_BOOL, false, 0, 0, 0, 0,
     "Make those active again who left the list, and take suppressed ones; false when absent"},
};
static const struct refusal import_refusals[] = {
    {SUBSCRIBER_LIST_MISSING, 0, "Missing ListID parameter"},
    {2, 0, "Missing Content parameter"},
    {3, 0, "The file is no CSV in UTF-8"},
    {SUBSCRIBER_LIST_UNKNOWN, 404, "Invalid ListID"},
    {5, 429, "Ten imports of the account are under way: wait until one has ended"},
};
static const struct param status_params[] = {
    {"ImportID", PARAM_UUID, true, 2, 4, 0, 0, "The import"},
};
static const struct refusal status_refusals[] = {
    {2, 0, "Missing ImportID parameter"},
    {4, 404, "Import job not found"},
};

#define SUBSCRIBER_OBJECT                                                                                                        \
    "{\"SubscriberID\":456,\"ListID\":12,\"EmailAddress\":\"ann@example.com\",\"Status\":\"Active\","                            \
    "\"SubscriptionStatus\":\"Subscribed\",\"BounceType\":\"Not Bounced\",\"SubscriptionDate\":\"2026-04-01 09:12:33\","         \
    "\"ChangedOn\":\"2026-04-01 09:12:33\",\"CustomFields\":{\"*\":null}}"
#define SUBSCRIBER_ANSWER "{\"SubscriberID\":456,\"SubscriberInformation\":" SUBSCRIBER_OBJECT ",\"Suppressed\":false}"
#define IMPORT_ANSWER                                                                                                            \
    "{\"ImportID\":\"0197-uuid\",\"ImportJob\":{\"ImportID\":\"0197-uuid\",\"ListID\":12,\"ImportStatus\":\"Processing\","       \
    "\"ImportDate\":\"2026-04-01 09:12:33\",\"FinishedAt\":\"\",\"Progress\":40,\"TotalSubscribers\":1000,"                      \
    "\"TotalImported\":380,\"TotalDuplicates\":15,\"TotalFailed\":5,"                                                            \
    "\"Errors\":[{\"Line\":17,\"Reason\":\"no e-mail address\"}]}}"

#define CREATE_ROW                                                                                                               \
    .sentence = "Put a person on a list", LIST_OF(create_params, refusals), .steps = {{STEP_WRITER, subscriber_calls_create}},   \
    .answer = SUBSCRIBER_ANSWER
#define GET_ROW                                                                                                                  \
    .sentence = "One subscriber", LIST_OF(who_params, refusals), .steps = {{STEP_READER, subscriber_calls_get}},                 \
    .answer = SUBSCRIBER_ANSWER
#define BROWSE_ROW                                                                                                               \
    .sentence = "The subscribers of a list, a page at a time", LIST_OF(browse_params, refusals),                                 \
    .steps = {{STEP_SEARCH, subscriber_calls_browse}},                                                                           \
    .answer = "{\"TotalSubscribers\":1,\"Subscribers\":[" SUBSCRIBER_OBJECT "]}"
#define UPDATE_ROW                                                                                                               \
    .sentence = "Change a subscriber's address, status or fields", LIST_OF(update_params, refusals),                             \
    .steps = {{STEP_WRITER, subscriber_calls_update}}, .answer = SUBSCRIBER_ANSWER
#define UNSUBSCRIBE_ROW                                                                                                          \
    .sentence = "Take a person off the list without forgetting that they left", LIST_OF(unsubscribe_params, refusals),           \
    .steps = {{STEP_WRITER, subscriber_calls_unsubscribe}}, .answer = SUBSCRIBER_ANSWER
#define DELETE_ROW                                                                                                               \
    .sentence = "Delete a subscriber, and that they were ever on the list", LIST_OF(who_params, refusals),                       \
    .steps = {{STEP_WRITER, subscriber_calls_delete}}, .answer = "{}"
#define IMPORT_ROW                                                                                                               \
    .sentence = "Put a file of people on a list, in the background", LIST_OF(import_params, import_refusals),                    \
    .body_max = OPERATION_BODY_SEND,                                                                                             \
    .steps = {{STEP_READER, import_calls_find_list},                                                                             \
              {STEP_SLOW, import_calls_judge},                                                                                   \
              {STEP_WRITER, import_calls_store},                                                                                 \
              {STEP_LOOP, import_calls_wake}},                                                                                   \
    .answer = IMPORT_ANSWER
#define STATUS_ROW                                                                                                               \
    .sentence = "How far an import has come, and which lines were refused", LIST_OF(status_params, status_refusals),             \
    .steps = {{STEP_READER, import_calls_get}}, .answer = IMPORT_ANSWER
#define SUBSCRIBERS_PATH "/api/v1/lists/{ListID}/subscribers"
#define SUBSCRIBER_PATH  SUBSCRIBERS_PATH "/{SubscriberID}"
#define WHO              "{\"ListID\":12,\"SubscriberID\":456}"
#define NEW_FIELDS       "\"CustomFields\":{\"FirstName\":\"Ann\",\"Points\":12}"

static const struct operation rows[] = {
    {"Subscriber.Create", STYLE_COMMAND, CALLER_USER, CREATE_ROW, .aliases = "Subscriber.Subscribe",
     .request = "{\"ListID\":12,\"EmailAddress\":\"ann@example.com\"," NEW_FIELDS "}"},
    {"Subscriber.Get", STYLE_COMMAND, CALLER_USER, GET_ROW, .request = WHO},
    {"Subscribers.Get", STYLE_COMMAND, CALLER_USER, BROWSE_ROW, .aliases = "Subscriber.List,Subscriber.Browse",
     .request = "{\"ListID\":12,\"SubscriberSegment\":\"Active\"}"},
    {"Subscriber.Update", STYLE_COMMAND, CALLER_USER, UPDATE_ROW,
     .request = "{\"ListID\":12,\"SubscriberID\":456," NEW_FIELDS "}"},
    {"Subscriber.Unsubscribe", STYLE_COMMAND, CALLER_USER, UNSUBSCRIBE_ROW, .request = WHO},
    {"Subscriber.Delete", STYLE_COMMAND, CALLER_USER, DELETE_ROW, .request = WHO},
    {"Subscriber.Import", STYLE_COMMAND, CALLER_USER, IMPORT_ROW, .aliases = "Subscribers.Import",
     .request = "{\"ListID\":12,\"Content\":\"Email,FirstName\\nann@example.com,Ann\\n\"}"},
    {"Subscriber.ImportStatus", STYLE_COMMAND, CALLER_USER, STATUS_ROW, .aliases = "Subscribers.Import.Get",
     .request = "{\"ImportID\":\"01970d3c-5a00-7000-8000-000000000001\"}"},
    {"Subscribers.Create", STYLE_REST, CALLER_USER, CREATE_ROW, .method = HTTP_POST, .path = SUBSCRIBERS_PATH, .success = 201,
     .request = "{\"EmailAddress\":\"ann@example.com\"," NEW_FIELDS "}"},
    {"Subscribers.List", STYLE_REST, CALLER_USER, BROWSE_ROW, .method = HTTP_GET, .path = SUBSCRIBERS_PATH,
     .request = "{\"RecordsPerRequest\":100}"},
    {"Subscribers.Show", STYLE_REST, CALLER_USER, GET_ROW, .method = HTTP_GET, .path = SUBSCRIBER_PATH, .request = "{}"},
    {"Subscribers.Update", STYLE_REST, CALLER_USER, UPDATE_ROW, .method = HTTP_PATCH, .path = SUBSCRIBER_PATH,
     .request = "{" NEW_FIELDS "}"},
    {"Subscribers.Unsubscribe", STYLE_REST, CALLER_USER, UNSUBSCRIBE_ROW, .method = HTTP_POST,
     .path = SUBSCRIBER_PATH "/unsubscribe", .request = "{}"},
    {"Subscribers.Delete", STYLE_REST, CALLER_USER, DELETE_ROW, .method = HTTP_DELETE, .path = SUBSCRIBER_PATH, .request = "{}"},
    {"Imports.Create", STYLE_REST, CALLER_USER, IMPORT_ROW, .method = HTTP_POST, .path = "/api/v1/lists/{ListID}/import",
     .success = 202, .request = "{\"Content\":\"Email,FirstName\\nann@example.com,Ann\\n\"}"},
    {"Imports.Show", STYLE_REST, CALLER_USER, STATUS_ROW, .method = HTTP_GET, .path = "/api/v1/imports/{ImportID}",
     .request = "{}"},
};
const struct operation_table subscriber_table = {"Subscribers", rows, sizeof rows / sizeof rows[0],
                                                 "The people on a list, one by one or from a file"};
