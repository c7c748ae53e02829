/* stats_table.c - statistics: parameters, refusals in the contract's printed order, and the operations themselves.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/stats_calls.h"
#include "api/tables.h"

#include "core/keys.h"

#define DATES                                                                                                                    \
    {"StartDate", PARAM_TIME, false, 0, 0, 0, 0, "First day, YYYY-MM-DD, UTC; 28 days up to EndDate when absent"}, {             \
        "EndDate", PARAM_TIME, false, 0, 0, 0, 0, "Last day, whole, YYYY-MM-DD, UTC; today when absent"                          \
    }

static const struct param command_params[] = {
    {"DomainID", PARAM_ID, true, 1, 2, 0, 0, "Sender domain"},
    DATES,
};
static const struct refusal command_refusals[] = {
    {1, 0, "Required parameter missing: DomainID"},
    {2, 0, "Unable to retrieve domain information"},
};
static const struct param rest_params[] = {DATES};
static const struct refusal rest_refusals[] = {
    {1, 401, "Missing SenderAPIKey"},
    {2, 403, "Invalid user account"},
    {13, 401, "Invalid SenderAPIKey"},
};

#define COUNTS                                                                                                                   \
    "{\"Sent\":1000,\"Delivered\":950,\"Bounced\":30,\"HardBounced\":25,\"SoftBounced\":5,\"Deferred\":40,\"Failed\":20,"        \
    "\"Suppressed\":3,\"Opened\":400,\"OpenedTotal\":610,\"Clicked\":150,\"ClickedTotal\":210,\"Unsubscribed\":4,"               \
    "\"Complained\":1,\"DeliveryRate\":95.00,\"BounceRate\":3.00,\"OpenRate\":42.11,\"ClickRate\":15.79}"
#define ANSWER "{\"Stats\":" COUNTS ",\"ComparisonStats\":{\"PreviousPeriod\":" COUNTS "},\"TagStats\":{\"*\":" COUNTS "}}"

static const struct operation rows[] = {
    {"Stats.Domain", STYLE_REST, CALLER_SENDER, SENDER_SCOPE_EVENTS, 2, HTTP_GET, 0, "/api/v1/stats",
     "What became of the mail of the key's domain, beside the period before, and by tag", LIST_OF(rest_params, rest_refusals),
     .steps = {{STEP_SIZED, stats_calls_check}, {STEP_SEARCH, stats_calls_compare}, {STEP_SEARCH, stats_calls_by_tag}},
     .request = "{\"StartDate\":\"2026-01-01\",\"EndDate\":\"2026-01-31\"}", .answer = ANSWER},
    {"EmailGateway.DomainStats", STYLE_COMMAND, CALLER_USER,
     .sentence = "What became of the mail of a sender domain, beside the period before, and by tag",
     LIST_OF(command_params, command_refusals),
     .steps = {{STEP_SIZED, stats_calls_check}, {STEP_SEARCH, stats_calls_compare}, {STEP_SEARCH, stats_calls_by_tag}},
     .request = "{\"DomainID\":123,\"StartDate\":\"2026-01-01\",\"EndDate\":\"2026-01-31\"}", .answer = ANSWER},
};
const struct operation_table stats_table = {"Statistics", rows, sizeof rows / sizeof rows[0],
                                            "Counters and rates of a sender domain"};
