/* message_table.c - messages: parameters, refusals and the operations themselves.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/message_calls.h"
#include "api/tables.h"
#include "api/timeline_calls.h"

#include "core/keys.h"

static const struct param list_params[] = {
    {"DomainID", PARAM_ID, false, 0, 0, 0, 0, "Of this sender domain only, also of one that was deleted"},
    {"Recipient", PARAM_EMAIL, false, 0, 0, 0, 254, "To this address only"},
    {"State", PARAM_CHOICE, false, 0, 0, 0, 0, "With a recipient in this state",
     .choices = "scheduled,queued,held,delivered,bounced,failed,suppressed,cancelled"},
    {"Tag", PARAM_TEXT, false, 0, 0, 0, 128, "With this tag"},
    {"StartDate", PARAM_TIME, false, 0, 0, 0, 0, "Accepted from: Unix time, YYYY-MM-DD HH:MM:SS or YYYY-MM-DD, UTC"},
    {"EndDate", PARAM_TIME, false, 0, 0, 0, 0, "Accepted until, included; as StartDate, a day counts whole"},
    {"Cursor", PARAM_TEXT, false, 0, 0, 0, 64, "Where the page before ended: its Cursor"},
    {"RetrieveCount", PARAM_INT, false, 0, 0, 1, 100, "Messages to return; 20 when absent"},
};
static const struct refusal list_refusals[] = {
    {12, 403, "The account is deactivated"},
};
static const struct param get_params[] = {
    {"MessageID", PARAM_UUID, true, 2, 2, 0, 0, "The message, as sending answered"},
};
static const struct refusal get_refusals[] = {
    {12, 403, "The account is deactivated"},
    {2, 404, "There is no such message"},
};
#define TIMELINE_PARAMS                                                                                                          \
    {"Recipient", PARAM_EMAIL, false, 0, 0, 0, 254, "What concerns this recipient only"},                                        \
        {"Cursor", PARAM_TEXT, false, 0, 0, 0, 64, "Where the page before ended: its Cursor"}, {                                 \
        "RetrieveCount", PARAM_INT, false, 0, 0, 1, 500, "Entries to return; 100 when absent"                                    \
    }
static const struct param timeline_params[] = {
    {"MessageID", PARAM_UUID, true, 2, 2, 0, 0, "The message, as sending answered"},
    TIMELINE_PARAMS,
};
static const struct param timeline_command_params[] = {
    {"MessageID", PARAM_UUID, true, 1, 2, 0, 0, "The message, as sending answered"},
    TIMELINE_PARAMS,
};
static const struct refusal timeline_command_refusals[] = {
    {1, 0, "Required parameter missing: MessageID"},
    {2, 0, "There is no such message"},
};
static const struct param move_params[] = {
    {"MessageID", PARAM_UUID, true, 2, 2, 0, 0, "The message, as sending answered"},
    {"SendAt", PARAM_MOMENT, true, 0, 0, 0, 0, "The new time: Unix time or YYYY-MM-DD HH:MM:SS, UTC, up to 30 days ahead"},
};
static const struct refusal decide_refusals[] = {
    {12, 403, "The account is deactivated"},
    {32, 403, "The sender domain is not enabled"},
    {34, 403, "The account is not verified"},
    {2, 404, "There is no such message"},
    {3, 409, "Nothing of this message waits for its time: it has started, was cancelled, or has ended"},
};

#define MESSAGE_ID "\"MessageID\":\"01890a5d-ac96-774b-bcce-b302099a8057\""
#define HEAD                                                                                                                     \
    MESSAGE_ID ",\"DomainID\":\"123\",\"DomainName\":\"example.com\",\"From\":\"shop@example.com\",\"Subject\":\"Your order\","  \
               "\"Tags\":[\"order\"],\"Metadata\":{},\"Size\":2048,\"CreatedAt\":\"2026-04-01T09:12:33.000Z\""
#define EVENT "{\"EventId\":\"9001\",\"EventType\":\"delivery\",\"EventTimestamp\":\"2026-04-01T09:12:34.512Z\",\"Details\":{}}"
#define RECIPIENT                                                                                                                \
    "{\"Recipient\":\"ann@example.net\",\"State\":\"delivered\",\"Attempts\":1,\"Reason\":\"\",\"NextTry\":\"\","                \
    "\"ChangedAt\":\"2026-04-01T09:12:34.512Z\",\"Events\":[" EVENT "]}"
#define LIST_ANSWER                                                                                                              \
    "{\"Messages\":[{" HEAD ",\"States\":{\"*\":1},\"RecipientCount\":1}],"                                                      \
    "\"Cursor\":\"01890a5d-ac96-774b-bcce-b302099a8057\"}"
#define GET_ANSWER                                                                                                               \
    "{\"Message\":{" HEAD ",\"RFCMessageID\":\"b1946ac9@example.com\",\"KeyID\":\"7\",\"SMTPID\":\"\","                          \
    "\"ExpiresAt\":\"2026-04-04T09:12:33.000Z\",\"Recipients\":[" RECIPIENT "],\"HasMoreEvents\":false}}"

#define TIMELINE_SENTENCE                                                                                                        \
    "A message's story in order: its acceptance, each attempt with host, reply and TLS, opens, clicks, bounces, who was "        \
    "suppressed for it, the webhook calls that are still in their logs, and last who waits now and why; go on with Cursor "      \
    "until it is empty. EventsRemoved and ContentRemoved say what was let go by age; EventsRemoved is told on the first page"
#define TIMELINE_ANSWER                                                                                                          \
    "{" MESSAGE_ID ",\"DomainID\":\"123\",\"DomainName\":\"example.com\",\"From\":\"shop@example.com\","                         \
    "\"Subject\":\"Your order\",\"CreatedAt\":\"2026-04-01T09:12:33.000Z\",\"States\":{\"*\":1},\"EventsRemoved\":false,"        \
    "\"ContentRemoved\":false,\"Entries\":[{\"At\":\"2026-04-01T09:12:34.512Z\",\"What\":\"delivery\","                          \
    "\"Recipient\":\"ann@example.net\","                                                                                         \
    "\"Says\":\"Attempt 1: mx.example.net [192.0.2.25] said 250 2.0.0 \\\"Ok\\\" to ., TLSv1.3 (verified). It took 1.5 s.\","    \
    "\"EventId\":\"9001\",\"Details\":{},\"Suppressed\":false,"                                                                  \
    "\"WebhookCalls\":[{\"WebhookID\":\"5\",\"At\":\"2026-04-01T09:12:34.900Z\",\"Attempt\":1,\"Code\":200,\"Why\":\"\","        \
    "\"DurationMs\":84}]}],\"Cursor\":\"\"}"

static const struct operation rows[] = {
    {"Messages.List", STYLE_REST, CALLER_EITHER, SENDER_SCOPE_EVENTS, 12, HTTP_GET, 0, "/api/v1/messages",
     "Messages of the account or of the key's sender domain, newest first; go on with Cursor until it is empty, for a page with "
     "filters may be short",
     LIST_OF(list_params, list_refusals), .steps = {{STEP_SEARCH, message_calls_list}},
     .request = "{\"State\":\"queued\",\"RetrieveCount\":20}", .answer = LIST_ANSWER},
    {"Messages.Get", STYLE_REST, CALLER_EITHER, SENDER_SCOPE_EVENTS, 12, HTTP_GET, 0, "/api/v1/messages/{MessageID}",
     "One message: each recipient's state, why it waits, when it is tried next, and what happened so far",
     LIST_OF(get_params, get_refusals), .steps = {{STEP_READER, message_calls_get}}, .request = "{}", .answer = GET_ANSWER},
    {"Messages.Timeline", STYLE_REST, CALLER_EITHER, SENDER_SCOPE_EVENTS, 12, HTTP_GET, 0,
     "/api/v1/messages/{MessageID}/timeline", TIMELINE_SENTENCE, LIST_OF(timeline_params, get_refusals),
     .steps = {{STEP_SEARCH, timeline_calls_show}}, .request = "{}", .answer = TIMELINE_ANSWER},
    {"EmailGateway.MessageTimeline", STYLE_COMMAND, CALLER_USER, .sentence = TIMELINE_SENTENCE,
     LIST_OF(timeline_command_params, timeline_command_refusals), .steps = {{STEP_SEARCH, timeline_calls_show}},
     .request = "{" MESSAGE_ID ",\"RetrieveCount\":100}", .answer = TIMELINE_ANSWER},
    {"Messages.Cancel", STYLE_REST, CALLER_EITHER, SENDER_SCOPE_SEND, 12, HTTP_DELETE, 0, "/api/v1/messages/{MessageID}",
     "Cancel a message that waits for its SendAt; what has started goes on", LIST_OF(get_params, decide_refusals),
     .steps = {{STEP_READER, message_calls_find},
               {STEP_WAIT, message_calls_hold},
               {STEP_WRITER, message_calls_cancel},
               {STEP_LOOP, message_calls_release}},
     .request = "{}", .answer = "{" MESSAGE_ID ",\"Cancelled\":1}"},
    {"Messages.Move", STYLE_REST, CALLER_EITHER, SENDER_SCOPE_SEND, 12, HTTP_PATCH, 0, "/api/v1/messages/{MessageID}",
     "Give a message that waits for its SendAt another time, earlier or later", LIST_OF(move_params, decide_refusals),
     .steps = {{STEP_READER, message_calls_find_moving},
               {STEP_WAIT, message_calls_hold},
               {STEP_WRITER, message_calls_move},
               {STEP_LOOP, message_calls_release}},
     .request = "{\"SendAt\":\"2026-04-02 08:00:00\"}",
     .answer = "{" MESSAGE_ID ",\"Moved\":1,\"SendAt\":\"2026-04-02T08:00:00.000Z\"}"},
};
const struct operation_table message_table = {
    "Messages", rows, sizeof rows / sizeof rows[0],
    "Messages and where each recipient's copy stands; scheduled ones can be moved and cancelled"};
