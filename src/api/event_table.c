/* event_table.c - events: parameters, refusals in the contract's printed order, and the operations themselves.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/event_calls.h"
#include "api/export_calls.h"
#include "api/tables.h"

#include "core/event_cursor.h"
#include "core/keys.h"

#define DATES                                                                                                                    \
    {"StartDate", PARAM_TIME, false, 0, 0, 0, 0, "From: YYYY-MM-DD, YYYY-MM-DD HH:MM:SS or Unix time, UTC"}, {                   \
        "EndDate", PARAM_TIME, false, 0, 0, 0, 0, "To, included, a day as a whole; written like StartDate"                       \
    }
#define CURSOR                                                                                                                   \
    {                                                                                                                            \
        "Cursor", PARAM_TEXT, false, 0, 0, 0, EVENT_CURSOR_MAX,                                                                  \
            "NextCursor of the page before, of the same search: pages then neither shift nor slow down; StartFrom is 0"          \
    }
#define EVENT                                                                                                                    \
    { "Event", PARAM_EVENT, false, 0, 0, 0, 0, "Event type, or a list of them" }
#define QUERY                                                                                                                    \
    {                                                                                                                            \
        "Query", PARAM_TEXT, false, 0, REFUSAL_FIELD, 0, 1024,                                                                   \
            "Search: whole words and \"phrases\" in subject, sender and recipient, a message id; field:value, field:val*, "      \
            "field:\"two words\", "                                                                                              \
            "field:[a TO b]; AND, OR, NOT and brackets"                                                                          \
    }
#define MESSAGE                                                                                                                  \
    { "MessageID", PARAM_TEXT, false, 0, 0, 0, 128, "Events of this message only" }
#define FORMAT                                                                                                                   \
    {                                                                                                                            \
        "Format", PARAM_CHOICE, false, 0, REFUSAL_FIELD, 0, 0,                                                                   \
            "csv (when absent): UTF-8 with a byte order mark, RFC 4180, cells that a spreadsheet would run as formulas begin "   \
            "with a quote; ndjson: a line an event, as GET /api/v1/events shows it",                                             \
            "csv,ndjson"                                                                                                         \
    }
#define EXPORT_SENTENCE                                                                                                          \
    "All events that a search finds, newest first, as a file: as many as there are, streamed; the connection breaks off if it "  \
    "cannot be finished. X-Posthorn-Export-Total tells how many there are, unless Query or MessageID decides or they are of "    \
    "more than 1000 domains. Two at a time"
#define AGGREGATE                                                                                                                \
    {"AggregatedField",                                                                                                          \
     PARAM_CHOICE,                                                                                                               \
     false,                                                                                                                      \
     0,                                                                                                                          \
     REFUSAL_FIELD,                                                                                                              \
     0,                                                                                                                          \
     0,                                                                                                                          \
     "What to count by; eventType when absent. What machines opened and clicked is left out, unless this or Query is about bot", \
     "eventType,recipient,recipientDomain,sender,subject,tag,messageId,link,bounceClass,smtpCode,mxHost,country,device,"         \
     "userAgent,client,ip,bot,journeyId,actionId,listId,subscriberId,day,hour"},                                                 \
    {                                                                                                                            \
        "AggregateSize", PARAM_INT, false, 0, 0, 1, 1000, "Buckets to return, the biggest; 10 when absent"                       \
    }

static const struct param command_params[] = {
    {"DomainID", PARAM_ID, true, 1, 2, 0, 0, "Sender domain"},
    {"StartFrom", PARAM_INT, true, 4, 4, 0, 1000000000, "Events to skip, newest first"},
    {"RetrieveCount", PARAM_INT, true, 5, 5, 1, 100, "Events to return"},
    CURSOR,
    DATES,
    EVENT,
    QUERY,
};
static const struct refusal command_refusals[] = {
    {1, 0, "Required parameter missing: DomainID"},
    {4, 0, "Required parameter missing: StartFrom"},
    {5, 0, "Required parameter missing: RetrieveCount"},
    {2, 0, "Failed to retrieve sender domain"},
};
static const struct param rest_params[] = {
    {"StartFrom", PARAM_INT, false, 4, 4, 0, 1000000000, "Events to skip, newest first; 0 when absent"},
    {"RetrieveCount", PARAM_INT, false, 5, 5, 1, 100, "Events to return; 5 when absent"},
    CURSOR,
    DATES,
    EVENT,
    MESSAGE,
    QUERY,
};
static const struct refusal rest_refusals[] = {
    {1, 401, "Missing SenderAPIKey"},
    {2, 403, "Invalid user account"},
    {4, 0, "Missing StartFrom"},
    {5, 0, "Missing RetrieveCount"},
    {13, 401, "Invalid SenderAPIKey"},
    {REFUSAL_TOO_MANY, 429, "Too many requests. Please wait for {seconds} seconds before trying again."},
};
static const struct param aggregate_params[] = {
    {"DomainID", PARAM_ID, true, 1, 2, 0, 0, "Sender domain"}, DATES, AGGREGATE, EVENT, QUERY,
};
static const struct refusal aggregate_refusals[] = {
    {1, 0, "Required parameter missing: DomainID"},
    {2, 0, "Failed to retrieve sender domain"},
};
static const struct param aggregate_rest_params[] = {DATES, AGGREGATE, EVENT, QUERY};
static const struct refusal aggregate_rest_refusals[] = {
    {1, 401, "Missing SenderAPIKey"},
    {2, 403, "Invalid user account"},
    {13, 401, "Invalid SenderAPIKey"},
};

static const struct param export_params[] = {
    {"DomainID", PARAM_INT, false, 2, 2, 0, INT64_MAX, "Sender domain; 0 or absent: all of the account's, one after the other"},
    DATES,
    EVENT,
    MESSAGE,
    QUERY,
    FORMAT,
};
static const struct refusal export_refusals[] = {
    {2, 0, "Failed to retrieve sender domain"},
    {REFUSAL_TOO_MANY, 429, "Too many requests. Please wait for {seconds} seconds before trying again."},
};
static const struct param export_rest_params[] = {DATES, EVENT, MESSAGE, QUERY, FORMAT};
static const struct refusal export_rest_refusals[] = {
    {1, 401, "Missing SenderAPIKey"},
    {2, 403, "Invalid user account"},
    {13, 401, "Invalid SenderAPIKey"},
    {REFUSAL_TOO_MANY, 429, "Too many requests. Please wait for {seconds} seconds before trying again."},
};

#define BUCKETS       "{\"AggBuckets\":[{\"key\":\"delivery\",\"doc_count\":1204}]}"
#define ANSWER(event) "{\"TotalRecords\":150,\"NextCursor\":\"0000019b7a...\",\"Events\":[" event "]}"

static const struct operation rows[] = {
    {"GetEvents", STYLE_REST, CALLER_SENDER, SENDER_SCOPE_EVENTS, 2, HTTP_GET, 0, "/api/v1/events",
     "What happened to the mail of the key's domain, newest first", LIST_OF(rest_params, rest_refusals),
     .steps = {{STEP_SIZED, event_calls_check}, {STEP_SEARCH, event_calls_search}},
     .request =
         "{\"StartFrom\":0,\"RetrieveCount\":10,\"StartDate\":\"2026-01-01\",\"EndDate\":\"2026-12-31\",\"Event\":\"open\"}",
     .answer = ANSWER(
         "{\"EventId\":\"4711\",\"EventType\":\"open\",\"EventTimestamp\":\"2026-01-01T12:00:00.000Z\","
         "\"Recipient\":\"user@example.com\",\"MessageId\":\"0190b5a4-7c3f-7a52-9d0e-3f2b1c4d5e6f\","
         "\"CampaignId\":\"\",\"Sender\":\"news@example.org\",\"Subject\":\"Welcome to our service!\","
         "\"Tags\":[\"welcome\"],\"Metadata\":{},\"Details\":{\"UserAgent\":\"Mozilla/5.0...\",\"IpAddress\":\"192.0.2.1\"},"
         "\"Event\":\"open\",\"LoggedAt\":1767268800,\"Message\":{\"Headers\":{\"From\":\"news@example.org\","
         "\"To\":\"user@example.com\",\"Subject\":\"Welcome to our service!\"}}}")},
    {"EmailGateway.GetEvents", STYLE_COMMAND, CALLER_USER,
     .sentence = "What happened to the mail of a sender domain, newest first", LIST_OF(command_params, command_refusals),
     .steps = {{STEP_SIZED, event_calls_check}, {STEP_SEARCH, event_calls_search}},
     .request = "{\"DomainID\":123,\"StartFrom\":0,\"RetrieveCount\":50,\"StartDate\":\"2026-01-01\",\"EndDate\":\"2026-12-31\","
                "\"Event\":\"open\",\"Query\":\"subject:welcome\"}",
     .answer = ANSWER("{\"event_id\":\"4711\",\"event_type\":\"open\",\"event\":\"open\","
                      "\"timestamp\":\"2026-01-01T12:00:00.000Z\",\"recipient\":\"user@example.com\",\"message\":"
                      "{\"id\":\"0190b5a4-7c3f-7a52-9d0e-3f2b1c4d5e6f\",\"headers\":{\"subject\":\"Welcome to our service!\","
                      "\"from\":\"news@example.org\",\"to\":\"user@example.com\"},\"tags\":[\"welcome\"],\"metadata\":{}},"
                      "\"details\":{\"UserAgent\":\"Mozilla/5.0...\",\"IpAddress\":\"192.0.2.1\"}}")},
    {"Events.Aggregate", STYLE_REST, CALLER_SENDER, SENDER_SCOPE_EVENTS, 2, HTTP_GET, 0, "/api/v1/events/aggregate",
     "The events of the key's domain counted by a field, biggest first", LIST_OF(aggregate_rest_params, aggregate_rest_refusals),
     .steps = {{STEP_SIZED, event_calls_group}, {STEP_SEARCH, event_calls_aggregate}},
     .request =
         "{\"StartDate\":\"2026-01-01\",\"EndDate\":\"2026-12-31\",\"AggregatedField\":\"eventType\",\"AggregateSize\":10}",
     .answer = BUCKETS},
    {"EmailGateway.AggrEvents", STYLE_COMMAND, CALLER_USER,
     .sentence = "The events of a sender domain counted by a field, biggest first", LIST_OF(aggregate_params, aggregate_refusals),
     .steps = {{STEP_SIZED, event_calls_group}, {STEP_SEARCH, event_calls_aggregate}},
     .request = "{\"DomainID\":123,\"StartDate\":\"2026-01-01\",\"EndDate\":\"2026-12-31\",\"AggregatedField\":\"eventType\","
                "\"AggregateSize\":10}",
     .answer = BUCKETS},
    {"Events.Export", STYLE_REST, CALLER_SENDER, SENDER_SCOPE_EVENTS, 2, HTTP_GET, 0, "/api/v1/events/export", EXPORT_SENTENCE,
     LIST_OF(export_rest_params, export_rest_refusals),
     .steps = {{STEP_SIZED, export_calls_check}, {STEP_SEARCH, export_calls_begin}}, .media = "text/csv,application/x-ndjson"},
    {"EmailGateway.ExportEvents", STYLE_COMMAND, CALLER_USER, .sentence = EXPORT_SENTENCE,
     LIST_OF(export_params, export_refusals), .steps = {{STEP_SIZED, export_calls_check}, {STEP_SEARCH, export_calls_begin}},
     .request = "{\"DomainID\":123,\"StartDate\":\"2026-01-01\",\"EndDate\":\"2026-01-31\",\"Event\":\"bounce\"}",
     .media = "text/csv,application/x-ndjson"},
};
const struct operation_table event_table = {"Events", rows, sizeof rows / sizeof rows[0],
                                            "What became of each message, searched and counted"};
