/* key_table.c - sender keys: parameters, refusals in the contract's printed order, and the operations themselves.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/key_calls.h"
#include "api/tables.h"

#include "core/keys.h"

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

static const struct operation rows[] = {
    {"EmailGateway.AddAPI", STYLE_COMMAND, CALLER_USER, .sentence = "Make a sender key",
     LIST_OF(key_add_params, key_add_refusals), .steps = {{STEP_WRITER, key_calls_add}}},
    {"EmailGateway.GetAPIs", STYLE_COMMAND, CALLER_USER, .sentence = "The sender keys of a domain",
     LIST_OF(key_list_params, key_list_refusals), .steps = {{STEP_READER, key_calls_list}}},
    {"EmailGateway.DeleteAPI", STYLE_COMMAND, CALLER_USER, .sentence = "Delete a sender key",
     LIST_OF(key_delete_params, key_delete_refusals), .steps = {{STEP_WRITER, key_calls_delete}}},
};
const struct operation_table key_table = {"Sender keys", rows, sizeof rows / sizeof rows[0]};
