/* webhook_table.c - webhooks: parameters, refusals in the contract's printed order, and the operations themselves.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/tables.h"
#include "api/webhook_calls.h"

#include "core/keys.h"

#define EVENT_SENTENCE "Event to be called for, or a list of them"
#define URL_SENTENCE   "Where to call: http or https, a public address"
#define OPTION_PARAMS                                                                                                            \
    {"Headers", PARAM_OBJECT, false, 0, 0, 0, 20, "Header fields of the calls: names and texts, at most 20; never shown again"}, \
    {                                                                                                                            \
        "BatchSize", PARAM_INT, false, 0, 0, 0, 100,                                                                             \
            "Events a call tells at most, as an array, gathered for a second: from 2 to 100; 0: one a call, no array"            \
    }
#define WEBHOOK_PARAM                                                                                                            \
    { "WebhookID", PARAM_ID, true, 1, 4, 0, 0, "The webhook" }
#define WEBHOOK_REFUSALS                                                                                                         \
    {1, 0, "Missing required parameter: WebhookID"}, {                                                                           \
        4, 404, "Webhook not found or user does not have permission to access it"                                                \
    }
#define KEY_REFUSALS                                                                                                             \
    { 12, 403, "Invalid or deactivated user account" }

static const struct param add_params[] = {
    {"DomainID", PARAM_ID, true, 1, 4, 0, 0, "Sender domain"},
    {"Event", PARAM_EVENT, true, 2, 3, 0, 0, EVENT_SENTENCE},
    {"WebhookURL", PARAM_TEXT, true, 5, 6, 0, WEBHOOK_URL_MAX, URL_SENTENCE},
    OPTION_PARAMS,
};
static const struct refusal add_refusals[] = {
    {1, 0, "Missing required parameter DomainID"},   {2, 0, "Missing required parameter Event"},
    {3, 0, "Invalid event type specified"},          {4, 404, "Domain not found or access denied"},
    {5, 0, "Missing required parameter WebhookURL"}, {6, 0, "WebhookURL is no valid http or https URL"},
    {7, 0, "WebhookURL leads to a forbidden host"},
};
static const struct param domain_params[] = {
    {"DomainID", PARAM_ID, true, 1, 2, 0, 0, "Sender domain"},
};
static const struct refusal domain_refusals[] = {
    {1, 0, "Missing required parameter DomainID"},
    {2, 404, "Invalid domain or domain does not belong to the user"},
};
static const struct param delete_params[] = {
    {"WebhookID", PARAM_ID, true, 1, 4, 0, 0, "Webhook to delete"},
    {"DomainID", PARAM_ID, true, 1, 2, 0, 0, "Its sender domain"},
};
static const struct refusal delete_refusals[] = {
    {1, 0, "Missing required parameter: WebhookID or DomainID"},
    {2, 404, "Invalid DomainID or DomainID not found"},
    {3, 404, "Domain validation failed"},
    {4, 404, "Webhook not found or user does not have permission to access it"},
};

static const struct param rest_add_params[] = {
    {"Event", PARAM_EVENT, true, 2, 3, 0, 0, EVENT_SENTENCE},
    {"WebhookURL", PARAM_TEXT, true, 5, 6, 0, WEBHOOK_URL_MAX, URL_SENTENCE},
    OPTION_PARAMS,
};
#define TOO_MANY                                                                                                                 \
    { REFUSAL_TOO_MANY, 429, "Too many requests. Wait for {seconds} seconds for another {attempts} attempts." }
static const struct refusal rest_add_refusals[] = {
    {2, 0, "Event is missing"},
    {3, 0, "Invalid Event value"},
    {5, 0, "WebhookURL is missing"},
    {6, 0, "WebhookURL is no valid http or https URL"},
    {7, 0, "WebhookURL leads to a forbidden host"},
    {13, 401, "Invalid SenderAPIKey"},
    TOO_MANY,
};
static const struct refusal rest_list_refusals[] = {
    {2, 403, "Invalid user account"},
    {13, 401, "Invalid SenderAPIKey"},
    {REFUSAL_TOO_MANY, 429, "Too many requests. Rate limit exceeded."},
};
static const struct param rest_delete_params[] = {
    {"WebhookID", PARAM_ID, true, 1, 4, 0, 0, "Webhook to delete"},
};
static const struct refusal rest_delete_refusals[] = {
    {1, 0, "WebhookID is missing"},
    {2, 403, "Invalid user account"},
    {4, 404, "Invalid WebhookID"},
    {13, 401, "Invalid SenderAPIKey"},
    TOO_MANY,
};

/* ---- what both doors offer on top of the contract ---- */
static const struct param one_params[] = {WEBHOOK_PARAM};
static const struct refusal one_refusals[] = {WEBHOOK_REFUSALS, KEY_REFUSALS};
static const struct param update_params[] = {
    WEBHOOK_PARAM,
    {"WebhookURL", PARAM_TEXT, false, 0, 6, 0, WEBHOOK_URL_MAX, URL_SENTENCE},
    {"Event", PARAM_EVENT, false, 0, 3, 0, 0, EVENT_SENTENCE},
    {"Status", PARAM_CHOICE, false, 0, 0, 0, 0, "Active: call it, however often it failed; Disabled: drop what waits for it",
     "Active,Disabled"},
    OPTION_PARAMS,
};
static const struct refusal update_refusals[] = {
    WEBHOOK_REFUSALS,
    {3, 0, "Invalid event type specified"},
    {6, 0, "WebhookURL is no valid http or https URL"},
    {7, 0, "WebhookURL leads to a forbidden host"},
    KEY_REFUSALS,
};
static const struct param test_params[] = {
    WEBHOOK_PARAM,
    {"Event", PARAM_EVENT, false, 0, 3, 0, 0, "Event to tell of; the first that the webhook is called for when absent"},
};
static const struct refusal test_refusals[] = {
    WEBHOOK_REFUSALS,
    {3, 0, "Invalid event type specified"},
    {10, 409, "Webhooks are called by a running gateway alone"},
    {11, 409, "The webhook cannot be called"},
    {14, 429, "Too many test calls are under way: try again in a moment"},
    KEY_REFUSALS,
};
static const struct param attempts_params[] = {
    WEBHOOK_PARAM,
    {"BeforeID", PARAM_ID, false, 0, 0, 0, 0, "Attempts before this one: AttemptID of the last one of the page before"},
    {"RetrieveCount", PARAM_INT, false, 0, 0, 1, 200, "Attempts to return; 20 when absent"},
};
static const struct param replay_params[] = {
    WEBHOOK_PARAM,
    {"EventID", PARAM_ID, false, 0, 9, 0, 0, "One event of its domain, of whatever type"},
    {"StartDate", PARAM_TIME, false, 0, 0, 0, 0, "Or those from: YYYY-MM-DD, YYYY-MM-DD HH:MM:SS or Unix time, UTC"},
    {"EndDate", PARAM_TIME, false, 0, 0, 0, 0, "To, included, a day as a whole; to now when absent"},
    {"Cursor", PARAM_TEXT, false, 0, 0, 0, 64, "Go on where a replay of the same dates ended"},
};
static const struct refusal replay_refusals[] = {
    WEBHOOK_REFUSALS,
    {5, 0, "Missing what to replay: EventID, or StartDate"},
    {8, 409, "The webhook is disabled: make it active first"},
    {9, 404, "There is no such event of the webhook's domain"},
    KEY_REFUSALS,
};
static const struct param rotate_params[] = {
    {"DomainID", PARAM_ID, true, 1, 2, 0, 0, "Sender domain"},
    {"EndOld", PARAM_BOOL, false, 0, 0, 0, 0, "The old key signs no more; without it, it signs too for 24 hours"},
};
static const struct param rest_rotate_params[] = {
    {"EndOld", PARAM_BOOL, false, 0, 0, 0, 0, "The old key signs no more; without it, it signs too for 24 hours"},
};
static const struct refusal rest_key_refusals[] = {
    {2, 403, "Invalid user account"},
    {13, 401, "Invalid SenderAPIKey"},
};

#define WEBHOOK                                                                                                                  \
    "{\"WebhookID\":\"456\",\"DomainID\":\"123\",\"URL\":\"https://yourdomain.com/webhook1\","                                   \
    "\"WebhookURL\":\"https://yourdomain.com/webhook1\",\"Events\":[\"send\"],\"Event\":\"send\",\"Status\":\"Active\","         \
    "\"CreatedAt\":\"2026-01-31 09:00:00\",\"Headers\":{\"*\":\"********\"},\"BatchSize\":0,\"Failures\":0,"                     \
    "\"FailingSince\":\"\",\"PausedUntil\":\"\",\"DisabledAt\":\"\",\"DisabledReason\":\"\"}"
#define RESULT   "\"IsSuccess\":true,\"StatusCode\":200,\"Duration\":41,\"Error\":\"\",\"Response\":\"ok\""
#define KEY_ONLY "{\"SigningKey\":\"whsec_…\"}"
#define KEY_MADE "{\"SigningKey\":\"whsec_…\",\"OldKeyUntil\":\"2026-02-01 09:00:00\"}"

#define GET_ROW                                                                                                                  \
    .sentence = "One webhook: what it is called for, and how it is", LIST_OF(one_params, one_refusals),                          \
    .steps = {{STEP_READER, webhook_calls_get}}, .request = "{\"WebhookID\":\"456\"}", .answer = "{\"Webhook\":" WEBHOOK "}"
#define UPDATE_ROW                                                                                                               \
    .sentence = "Change a webhook: where and for what it is called, header fields, events a call; make it active again",         \
    LIST_OF(update_params, update_refusals), .steps = {{STEP_SIZED, webhook_calls_check}, {STEP_WRITER, webhook_calls_update}},  \
    .request = "{\"WebhookID\":\"456\",\"Status\":\"Active\",\"Headers\":{\"Authorization\":\"Bearer s3cret\"}}",                \
    .answer = "{\"Webhook\":" WEBHOOK "}"
#define TEST_ROW                                                                                                                 \
    .sentence = "Call a webhook now with a made-up event, and tell what it answers; disabled ones too",                          \
    LIST_OF(test_params, test_refusals),                                                                                         \
    .steps = {{STEP_WRITER, webhook_calls_test_make},                                                                            \
              {STEP_WAIT, webhook_calls_test_ask},                                                                               \
              {STEP_WRITER, webhook_calls_test_end}},                                                                            \
    .request = "{\"WebhookID\":\"456\"}", .answer = "{\"WebhookID\":\"456\"," RESULT "}"
#define ATTEMPTS_ROW                                                                                                             \
    .sentence = "The newest calls of a webhook, at most 200 of 30 days: when, how it went, and what was answered",               \
    LIST_OF(attempts_params, one_refusals), .steps = {{STEP_READER, webhook_calls_attempts}},                                    \
    .request = "{\"WebhookID\":\"456\",\"RetrieveCount\":50}",                                                                   \
    .answer = "{\"Attempts\":[{\"AttemptID\":\"9\",\"AttemptedAt\":\"2026-01-31 09:00:00\",\"Attempt\":1,"                       \
              "\"EventID\":\"4711\",\"EventCount\":1," RESULT "}]}"
#define REPLAY_ROW                                                                                                               \
    .sentence = "Tell a webhook an event again, or all of some days that it is called for; Cursor is \"\" when that was all",    \
    LIST_OF(replay_params, replay_refusals),                                                                                     \
    .steps = {{STEP_SIZED, webhook_calls_replay_check}, {STEP_WRITER, webhook_calls_replay}},                                    \
    .request = "{\"WebhookID\":\"456\",\"EventID\":\"4711\"}", .answer = "{\"Replayed\":1204,\"Cursor\":\"\"}"
#define EITHER(name, verb, where)                                                                                                \
    name, STYLE_REST, CALLER_EITHER, .scope = SENDER_SCOPE_WEBHOOKS, .inactive = 12, .method = (verb), .path = (where)
#define OF_A_KEY(name, verb)                                                                                                     \
    name, STYLE_REST, CALLER_SENDER, .scope = SENDER_SCOPE_WEBHOOKS, .inactive = 2, .method = (verb),                            \
                                     .path = "/api/v1/webhooks/signing-key"

static const struct operation rows[] = {
    {"EmailGateway.AddWebhook", STYLE_COMMAND, CALLER_USER, .lists_all_codes = true,
     .sentence = "Have a URL called for events of a domain", LIST_OF(add_params, add_refusals),
     .steps = {{STEP_SIZED, webhook_calls_check}, {STEP_READER, webhook_calls_check_domain}, {STEP_WRITER, webhook_calls_add}},
     .request = "{\"DomainID\":\"123\",\"Event\":\"bounce\",\"WebhookURL\":\"https://yourdomain.com/webhook\"}",
     .answer = "{\"NewWebhookID\":\"456\"}"},
    {"EmailGateway.GetWebhooks", STYLE_COMMAND, CALLER_USER,
     .sentence = "The webhooks of a domain, and the key that signs their calls", LIST_OF(domain_params, domain_refusals),
     .steps = {{STEP_READER, webhook_calls_load}, {STEP_WRITER, webhook_calls_make_key}}, .request = "{\"DomainID\":\"123\"}",
     .answer = "{\"SigningKey\":\"whsec_…\",\"Webhooks\":[" WEBHOOK "]}"},
    {"EmailGateway.DeleteWebhook", STYLE_COMMAND, CALLER_USER, .sentence = "Delete a webhook",
     LIST_OF(delete_params, delete_refusals), .steps = {{STEP_WRITER, webhook_calls_delete}},
     .request = "{\"WebhookID\":\"123\",\"DomainID\":\"456\"}", .answer = "{}"},
    {"EmailGateway.GetWebhook", STYLE_COMMAND, CALLER_USER, GET_ROW},
    {"EmailGateway.UpdateWebhook", STYLE_COMMAND, CALLER_USER, UPDATE_ROW},
    {"EmailGateway.TestWebhook", STYLE_COMMAND, CALLER_USER, TEST_ROW},
    {"EmailGateway.GetWebhookAttempts", STYLE_COMMAND, CALLER_USER, ATTEMPTS_ROW},
    {"EmailGateway.ReplayWebhook", STYLE_COMMAND, CALLER_USER, REPLAY_ROW},
    {"EmailGateway.RegenerateSigningKey", STYLE_COMMAND, CALLER_USER,
     .sentence = "Make another key to sign a domain's webhook calls with; for 24 hours calls have both signatures",
     LIST_OF(rotate_params, domain_refusals), .steps = {{STEP_WRITER, webhook_calls_regenerate}}, .request = "{\"DomainID\":123}",
     .answer = KEY_MADE},

    {"AddWebhook", STYLE_REST, CALLER_SENDER, SENDER_SCOPE_WEBHOOKS, .inactive = 13, .method = HTTP_POST,
     .path = "/api/v1/webhooks", .sentence = "Have a URL called for events of the key's domain",
     LIST_OF(rest_add_params, rest_add_refusals), .steps = {{STEP_SIZED, webhook_calls_check}, {STEP_WRITER, webhook_calls_add}},
     .request = "{\"Event\":\"delivered\",\"WebhookURL\":\"https://yourdomain.com/webhook\"}",
     .answer = "{\"NewWebhookID\":\"12345\"}"},
    {"GetWebhooks", STYLE_REST, CALLER_SENDER, SENDER_SCOPE_WEBHOOKS, .inactive = 2, .method = HTTP_GET,
     .path = "/api/v1/webhooks", .sentence = "The webhooks of the key's domain, a row for each event", NO_PARAMS,
     .refusals = rest_list_refusals, .refusal_count = sizeof rest_list_refusals / sizeof rest_list_refusals[0],
     .steps = {{STEP_READER, webhook_calls_rest_list}}, .request = "{}",
     .answer = "{\"Webhooks\":[{\"WebhookID\":\"12345\",\"Event\":\"delivered\",\"URL\":\"https://example.com/webhook/delivery\","
               "\"WebhookURL\":\"https://example.com/webhook/delivery\",\"Status\":\"Active\"}]}"},
    {"DeleteWebhook", STYLE_REST, CALLER_SENDER, SENDER_SCOPE_WEBHOOKS, .inactive = 2, .method = HTTP_DELETE,
     .path = "/api/v1/webhooks", .sentence = "Delete a webhook of the key's domain",
     LIST_OF(rest_delete_params, rest_delete_refusals), .steps = {{STEP_WRITER, webhook_calls_rest_delete}},
     .request = "{\"WebhookID\":\"123\"}", .answer = "{\"Message\":\"Webhook successfully deleted.\"}"},
    {EITHER("Webhooks.Get", HTTP_GET, "/api/v1/webhooks/{WebhookID}"), GET_ROW},
    {EITHER("Webhooks.Update", HTTP_PATCH, "/api/v1/webhooks/{WebhookID}"), UPDATE_ROW},
    {EITHER("Webhooks.Test", HTTP_POST, "/api/v1/webhooks/{WebhookID}/test"), TEST_ROW},
    {EITHER("Webhooks.Attempts", HTTP_GET, "/api/v1/webhooks/{WebhookID}/attempts"), ATTEMPTS_ROW},
    {EITHER("Webhooks.Replay", HTTP_POST, "/api/v1/webhooks/{WebhookID}/replay"), REPLAY_ROW},
    {OF_A_KEY("Webhooks.SigningKey", HTTP_GET), .sentence = "The key that signs the webhook calls of the key's domain", NO_PARAMS,
     .refusals = rest_key_refusals, .refusal_count = sizeof rest_key_refusals / sizeof rest_key_refusals[0],
     .steps = {{STEP_READER, webhook_calls_load_key}, {STEP_WRITER, webhook_calls_show_key}}, .request = "{}",
     .answer = KEY_ONLY},
    {OF_A_KEY("Webhooks.RegenerateSigningKey", HTTP_POST),
     .sentence = "Make another key that signs the calls; for 24 hours they have both signatures",
     LIST_OF(rest_rotate_params, rest_key_refusals), .steps = {{STEP_WRITER, webhook_calls_regenerate}}, .request = "{}",
     .answer = KEY_MADE},
};
const struct operation_table webhook_table = {"Webhooks", rows, sizeof rows / sizeof rows[0], "Where events are sent to"};
