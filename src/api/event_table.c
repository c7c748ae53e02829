/* event_table.c - events: parameters, refusals in the contract's printed order, and the operations themselves.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/event_calls.h"
#include "api/tables.h"

#include "core/keys.h"

static const struct param event_command_params[] = {
    {"DomainID", PARAM_ID, true, 1, 2, 0, 0, "Sender domain"},
    {"StartFrom", PARAM_INT, true, 4, 4, 0, 1000000000, "Events to skip, newest first"},
    {"RetrieveCount", PARAM_INT, true, 5, 5, 1, 100, "Events to return"},
    {"StartDate", PARAM_TIME, false, 0, 0, 0, 0, "First day, YYYY-MM-DD, UTC"},
    {"EndDate", PARAM_TIME, false, 0, 0, 0, 0, "Last day, whole, YYYY-MM-DD, UTC"},
    {"Event", PARAM_EVENT, false, 0, 0, 0, 0, "Event type, or a list of them"},
    {"Query", PARAM_TEXT, false, 0, REFUSAL_FIELD, 0, 1024, "Search in events"},
};
static const struct refusal event_command_refusals[] = {
    {1, 0, "Required parameter missing: DomainID"},
    {4, 0, "Required parameter missing: StartFrom"},
    {5, 0, "Required parameter missing: RetrieveCount"},
    {2, 0, "Failed to retrieve sender domain"},
};
static const struct param event_rest_params[] = {
    {"StartFrom", PARAM_INT, false, 4, 4, 0, 1000000000, "Events to skip, newest first; 0 when absent"},
    {"RetrieveCount", PARAM_INT, false, 5, 5, 1, 100, "Events to return; 5 when absent"},
    {"StartDate", PARAM_TIME, false, 0, 0, 0, 0, "From: Unix time, YYYY-MM-DD HH:MM:SS or YYYY-MM-DD, UTC"},
    {"EndDate", PARAM_TIME, false, 0, 0, 0, 0, "To, included; as StartDate, a day counts whole"},
    {"Event", PARAM_EVENT, false, 0, 0, 0, 0, "Event type, or a list of them"},
    {"MessageID", PARAM_TEXT, false, 0, 0, 0, 128, "Events of this message only"},
};
static const struct refusal event_rest_refusals[] = {
    {1, 401, "Missing SenderAPIKey"},
    {2, 403, "Invalid user account"},
    {4, 0, "Missing StartFrom"},
    {5, 0, "Missing RetrieveCount"},
    {13, 401, "Invalid SenderAPIKey"},
    {REFUSAL_TOO_MANY, 429, "Too many requests. Please wait for {seconds} seconds before trying again."},
};

static const struct operation rows[] = {
    {"GetEvents", STYLE_REST, CALLER_SENDER, SENDER_SCOPE_EVENTS, 2, HTTP_GET, 0, "/api/v1/events", "Events of a sender domain",
     LIST_OF(event_rest_params, event_rest_refusals), .steps = {{STEP_READER, event_calls_rest}}},
    {"EmailGateway.GetEvents", STYLE_COMMAND, CALLER_USER, .sentence = "Events of a sender domain",
     LIST_OF(event_command_params, event_command_refusals), .steps = {{STEP_READER, event_calls_command}}},
};
const struct operation_table event_table = {"Events", rows, sizeof rows / sizeof rows[0]};
