/* key_table.c - sender keys: parameters, refusals in the contract's printed order, and the operations themselves.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/key_calls.h"
#include "api/tables.h"

static const struct param key_add_params[] = {
    {"Description", PARAM_TEXT, true, 1, 1, 0, 255, "What the key is for"},
    {"DomainID", PARAM_ID, true, 2, 2, 0, 0, "Sender domain"},
    {"Permissions", PARAM_SCOPES, false, 0, 0, 0, 64, "Comma list of send, events, webhooks; all when absent"},
    {"ListID", PARAM_LABEL, false, 0, 0, 0, 64, "Stamped on what the key sends"},
    {"SubscriberID", PARAM_LABEL, false, 0, 0, 0, 64, "Stamped on what the key sends"},
    {"JourneyID", PARAM_LABEL, false, 0, 0, 0, 64, "Stamped on what the key sends"},
    {"ActionID", PARAM_LABEL, false, 0, 0, 0, 64, "Stamped on what the key sends"},
};
static const struct refusal key_add_refusals[] = {
    {1, 0, "Missing or invalid 'Description' parameter"},
    {2, 0, "Missing or invalid 'DomainID' parameter"},
    {3, 0, "Unable to retrieve sender domain with provided 'DomainID'"},
};
static const struct param key_replace_params[] = {
    {"Description", PARAM_TEXT, true, 1, 1, 0, 255, "What the key is for"},
    {"DomainID", PARAM_ID, true, 2, 2, 0, 0, "Sender domain"},
    {"ApiKeyId", PARAM_ID, false, 0, 5, 0, 0, "The key to replace; every key of the domain when absent"},
    {"Permissions", PARAM_SCOPES, false, 0, 0, 0, 64, "Comma list of send, events, webhooks; the replaced key's when absent"},
    {"ListID", PARAM_LABEL, false, 0, 0, 0, 64, "Stamped on what the key sends; the replaced key's when absent"},
    {"SubscriberID", PARAM_LABEL, false, 0, 0, 0, 64, "Stamped on what the key sends; the replaced key's when absent"},
    {"JourneyID", PARAM_LABEL, false, 0, 0, 0, 64, "Stamped on what the key sends; the replaced key's when absent"},
    {"ActionID", PARAM_LABEL, false, 0, 0, 0, 64, "Stamped on what the key sends; the replaced key's when absent"},
};
static const struct refusal key_replace_refusals[] = {
    {1, 0, "Missing or invalid 'Description' parameter"},
    {2, 0, "Missing or invalid 'DomainID' parameter"},
    {3, 0, "Unable to retrieve sender domain with provided 'DomainID'"},
    {5, 0, "The domain has no key with the provided 'ApiKeyId'"},
};
static const struct param key_list_params[] = {
    {"DomainID", PARAM_ID, true, 1, 2, 0, 0, "Sender domain"},
};
static const struct refusal key_list_refusals[] = {
    {1, 0, "Missing required parameter: DomainID"},
    {2, 0, "Unable to retrieve sender domain"},
};
static const struct param key_delete_params[] = {
    {"ApiKeyId", PARAM_ID, true, 1, 2, 0, 0, "Key to delete"},
};
static const struct refusal key_delete_refusals[] = {
    {1, 0, "Missing required parameter: ApiKeyId"},
    {2, 0, "Invalid API key or API key not found"},
};

#define KEY                                                                                                                         \
    "{\"KeyID\":\"7\",\"APIKeyID\":\"7\",\"DomainID\":\"123\",\"UserID\":\"1\",\"Key\":\"ph_2fj4k…\",\"APIKey\":\"ph_2fj4k…\"," \
    "\"Permissions\":\"send,events\","                                                                                              \
    "\"Description\":\"Shop\",\"Status\":\"Enabled\",\"CreationDate\":\"2026-01-31 09:00:00\",\"CreatedAt\":\"2026-01-31 "          \
    "09:00:00\","                                                                                                                   \
    "\"LastUsedDate\":\"\",\"Options\":{\"ListID\":\"\",\"SubscriberID\":\"\",\"JourneyID\":\"\",\"ActionID\":\"\"}}"

static const struct operation rows[] = {
    {"EmailGateway.AddAPI", STYLE_COMMAND, CALLER_USER, .sentence = "Make a sender key",
     LIST_OF(key_add_params, key_add_refusals), .steps = {{STEP_WRITER, key_calls_add}},
     .request = "{\"Description\":\"My new API key\",\"DomainID\":\"123\"}",
     .answer = "{\"NewAPIKeyID\":\"7\",\"APIKey\":" KEY "}"},
    {"EmailGateway.ReplaceAPI", STYLE_COMMAND, CALLER_USER,
     .sentence = "Make a sender key in place of another, or of all of the domain, which end at once",
     LIST_OF(key_replace_params, key_replace_refusals), .steps = {{STEP_WRITER, key_calls_replace}},
     .request = "{\"Description\":\"Rotated\",\"DomainID\":\"123\",\"ApiKeyId\":\"7\"}",
     .answer = "{\"NewAPIKeyID\":\"8\",\"APIKey\":" KEY "}"},
    {"EmailGateway.GetAPIs", STYLE_COMMAND, CALLER_USER, .sentence = "The sender keys of a domain",
     LIST_OF(key_list_params, key_list_refusals), .steps = {{STEP_READER, key_calls_list}}, .request = "{\"DomainID\":123}",
     .answer = "{\"APIKeys\":[" KEY "]}"},
    {"EmailGateway.DeleteAPI", STYLE_COMMAND, CALLER_USER, .sentence = "Delete a sender key, which ends at once",
     LIST_OF(key_delete_params, key_delete_refusals), .steps = {{STEP_WRITER, key_calls_delete}},
     .request = "{\"ApiKeyId\":\"7\"}", .answer = "{}"},
};
const struct operation_table key_table = {"Sender keys", rows, sizeof rows / sizeof rows[0],
                                          "Keys that send for a domain and read its events"};
