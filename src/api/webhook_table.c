/* webhook_table.c - webhooks: parameters, refusals in the contract's printed order, and the operations themselves.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/tables.h"
#include "api/webhook_calls.h"

#include "core/keys.h"
#include "core/webhooks.h"

#define EVENT_SENTENCE "Event to be called for, or a list of them"
#define URL_SENTENCE   "Where to call: http or https, a public address"

static const struct param add_params[] = {
    {"DomainID", PARAM_ID, true, 1, 4, 0, 0, "Sender domain"},
    {"Event", PARAM_EVENT, true, 2, 3, 0, 0, EVENT_SENTENCE},
    {"WebhookURL", PARAM_TEXT, true, 5, 6, 0, WEBHOOK_URL_MAX, URL_SENTENCE},
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

static const struct operation rows[] = {
    {"EmailGateway.AddWebhook", STYLE_COMMAND, CALLER_USER, .lists_all_codes = true,
     .sentence = "Have a URL called for events of a domain", LIST_OF(add_params, add_refusals),
     .steps = {{STEP_SIZED, webhook_calls_check_url},
               {STEP_READER, webhook_calls_check_domain},
               {STEP_WRITER, webhook_calls_add}},
     .request = "{\"DomainID\":\"123\",\"Event\":\"bounce\",\"WebhookURL\":\"https://yourdomain.com/webhook\"}",
     .answer = "{\"NewWebhookID\":\"456\"}"},
    {"EmailGateway.GetWebhooks", STYLE_COMMAND, CALLER_USER,
     .sentence = "The webhooks of a domain, and the key that signs their calls", LIST_OF(domain_params, domain_refusals),
     .steps = {{STEP_READER, webhook_calls_load}, {STEP_WRITER, webhook_calls_make_key}}, .request = "{\"DomainID\":\"123\"}",
     .answer =
         "{\"SigningKey\":\"whsec_…\",\"Webhooks\":[{\"WebhookID\":\"456\",\"URL\":\"https://yourdomain.com/webhook1\","
         "\"WebhookURL\":\"https://yourdomain.com/webhook1\",\"Events\":[\"send\"],\"Event\":\"send\",\"Status\":\"Active\","
         "\"CreatedAt\":\"2026-01-31 09:00:00\"}]}"},
    {"EmailGateway.DeleteWebhook", STYLE_COMMAND, CALLER_USER, .sentence = "Delete a webhook",
     LIST_OF(delete_params, delete_refusals), .steps = {{STEP_WRITER, webhook_calls_delete}},
     .request = "{\"WebhookID\":\"123\",\"DomainID\":\"456\"}", .answer = "{}"},
    {"EmailGateway.RegenerateSigningKey", STYLE_COMMAND, CALLER_USER,
     .sentence = "Make another key to sign a domain's webhook calls with; the old one is used no more",
     LIST_OF(domain_params, domain_refusals), .steps = {{STEP_WRITER, webhook_calls_regenerate}}, .request = "{\"DomainID\":123}",
     .answer = "{\"SigningKey\":\"whsec_…\"}"},

    {"AddWebhook", STYLE_REST, CALLER_SENDER, SENDER_SCOPE_WEBHOOKS, .inactive = 13, .method = HTTP_POST,
     .path = "/api/v1/webhooks", .sentence = "Have a URL called for events of the key's domain",
     LIST_OF(rest_add_params, rest_add_refusals),
     .steps = {{STEP_SIZED, webhook_calls_check_url}, {STEP_WRITER, webhook_calls_add}},
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
};
const struct operation_table webhook_table = {"Webhooks", rows, sizeof rows / sizeof rows[0], "Where events are sent to"};
