/* stats_table.c - statistics: parameters, refusals in the contract's printed order, and the operations themselves.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/stats_calls.h"
#include "api/tables.h"

#include "core/keys.h"

#define DATES                                                                                                                    \
    {"StartDate", PARAM_TIME, false, 0, 0, 0, 0, "First day, YYYY-MM-DD, UTC; 28 days up to EndDate when absent"}, {             \
        "EndDate", PARAM_TIME, false, 0, 0, 0, 0, "Last day, whole, YYYY-MM-DD, UTC; today when absent"                          \
    }

#define DATES_OF(days)                                                                                                           \
    {"StartDate", PARAM_TIME, false, 0, 0, 0, 0, "First day, YYYY-MM-DD, UTC; " days " days up to EndDate when absent"}, {       \
        "EndDate", PARAM_TIME, false, 0, 0, 0, 0, "Last day, whole, YYYY-MM-DD, UTC; today when absent"                          \
    }
#define DOMAIN_ID                                                                                                                \
    { "DomainID", PARAM_ID, true, 1, 2, 0, 0, "Sender domain" }
#define DOMAIN_ID_BUT_OF_KEYS                                                                                                    \
    { "DomainID", PARAM_ID, false, 1, 2, 0, 0, "Sender domain; a sender key has its own and need not say it" }
#define DOMAIN_IDS                                                                                                               \
    {                                                                                                                            \
        "DomainIDs", PARAM_TEXT, false, 0, REFUSAL_FIELD, 0, 20000,                                                              \
            "Of these sender domains only: at most 1000 ids, with commas between them; those that are not the account's count "  \
            "for nothing. Without it, all that it has or had"                                                                    \
    }
#define SERIES_DOMAIN                                                                                                            \
    { "DomainID", PARAM_ID, false, 2, 2, 0, 0, "Of this sender domain only; without it, all that the account has or had" }
#define RECIPIENT_DOMAIN                                                                                                         \
    { "RecipientToDomain", PARAM_DOMAIN, true, 1, 1, 0, 253, "Recipient domain" }
#define LIMIT                                                                                                                    \
    { "Limit", PARAM_INT, false, 0, 0, 1, 1000, "Recipient domains to return; 50 when absent" }

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

static const struct param account_params[] = {DATES_OF("30"), DOMAIN_IDS};
static const struct param series_params[] = {SERIES_DOMAIN, DATES_OF("30")};
static const struct refusal series_refusals[] = {
    {2, 0, "Domain not found or access denied"},
};
static const struct refusal account_rest_refusals[] = {
    {12, 403, "The account is deactivated"},
};
static const struct refusal series_rest_refusals[] = {
    {12, 403, "The account is deactivated"},
    {2, 404, "There is no such sender domain"},
};
static const struct param list_params[] = {DOMAIN_ID, DATES_OF("30"), LIMIT};
static const struct refusal list_refusals[] = {
    {1, 0, "Required parameter missing: DomainID"},
    {2, 0, "Domain not found or access denied"},
};
static const struct param list_rest_params[] = {DOMAIN_ID_BUT_OF_KEYS, DATES_OF("30"), LIMIT};
static const struct param one_params[] = {DOMAIN_ID, RECIPIENT_DOMAIN, DATES};
static const struct refusal one_refusals[] = {
    {1, 0, "Required parameter missing: DomainID or RecipientToDomain"},
    {2, 0, "Domain not found or access denied"},
};
static const struct param one_rest_params[] = {DOMAIN_ID_BUT_OF_KEYS, RECIPIENT_DOMAIN, DATES};
static const struct refusal recipient_rest_refusals[] = {
    {12, 403, "The account is deactivated"},
    {1, 422, "Required parameter missing: DomainID or RecipientToDomain"},
    {2, 404, "There is no such sender domain"},
};

#define COUNT_MEMBERS                                                                                                            \
    "\"Sent\":1000,\"Delivered\":950,\"Bounced\":30,\"HardBounced\":25,\"SoftBounced\":5,\"Deferred\":40,\"Failed\":20,"         \
    "\"Suppressed\":3,\"Opened\":400,\"OpenedTotal\":610,\"Clicked\":150,\"ClickedTotal\":210,\"Unsubscribed\":4,"               \
    "\"Complained\":1,\"DeliveryRate\":95.00,\"BounceRate\":3.00,\"OpenRate\":42.11,\"ClickRate\":15.79"
#define COUNTS "{" COUNT_MEMBERS "}"
#define OUTCOMES                                                                                                                 \
    "\"Accepted\":1000,\"Delivered\":950,\"Bounced\":30,\"HardBounced\":25,\"SoftBounced\":5,\"Deferred\":40,"                   \
    "\"Suppressed\":3,\"Opened\":400,\"OpenedTotal\":610,\"Clicked\":150,\"ClickedTotal\":210,\"Unsubscribed\":4,"               \
    "\"Complained\":1,\"DeliveryRate\":95.00,\"BounceRate\":3.00,\"OpenRate\":42.11,\"ClickRate\":15.79"
#define PERIOD "\"StartDate\":\"2026-01-01 00:00:00\",\"EndDate\":\"2026-01-31 23:59:59\""
#define ACCOUNT_ANSWER                                                                                                           \
    "{" PERIOD ",\"Totals\":" COUNTS ",\"ComparisonTotals\":" COUNTS ",\"DomainCount\":1,\"PerDomain\":[{\"DomainID\":123,"      \
    "\"SenderDomain\":\"example.com\",\"IsDeleted\":false," COUNT_MEMBERS "}]}"
#define SERIES_ANSWER "{" PERIOD ",\"Series\":{\"*\":" COUNTS "}}"
#define LIST_ANSWER                                                                                                              \
    "{" PERIOD ",\"Limit\":50,\"RecipientDomains\":[{\"Domain\":\"example.net\",\"Sent\":950,\"Failed\":45,\"Sending\":5,"       \
    "\"AvgDeliverySec|\":[1.320,null],\"MinDeliverySec|\":[0.120,null],\"MaxDeliverySec|\":[187.004,null]," OUTCOMES "}]}"
#define SUMMARY                                                                                                                  \
    "{\"Status\":\"Sent\",\"TotalEmails\":950,\"AvgDeliverySeconds\":1.320,\"MinDeliverySeconds\":0.120,"                        \
    "\"MaxDeliverySeconds\":187.004}"
#define BUCKET "{\"DeliveryBucket\":\"< 1s\",\"EmailCount\":312,\"Percentage\":32.84}"
#define ONE_ANSWER                                                                                                               \
    "{" PERIOD ",\"RecipientToDomain\":\"example.net\",\"SummaryStats\":[" SUMMARY "],"                                          \
    "\"DeliverySpeedHistogram\":{\"Sent\":[" BUCKET "],\"Failed\":[" BUCKET "]}}"
#define ACCOUNT_STEPS                                                                                                            \
    {STEP_SIZED, stats_calls_check_account}, {                                                                                   \
        STEP_SEARCH, stats_calls_account                                                                                         \
    }
#define SERIES_STEPS                                                                                                             \
    {STEP_SIZED, stats_calls_check_days}, {STEP_READER, stats_calls_days_domain}, {                                              \
        STEP_SEARCH, stats_calls_days                                                                                            \
    }
#define LIST_STEPS                                                                                                               \
    {STEP_SIZED, stats_calls_check_recipients}, {STEP_READER, stats_calls_recipients_domain}, {                                  \
        STEP_SEARCH, stats_calls_recipients                                                                                      \
    }
#define ONE_STEPS                                                                                                                \
    {STEP_SIZED, stats_calls_check_recipient}, {STEP_READER, stats_calls_recipients_domain}, {                                   \
        STEP_SEARCH, stats_calls_recipient                                                                                       \
    }
#define ACCOUNT_SENTENCE                                                                                                         \
    "What became of the mail of all sender domains of an account, deleted ones too, beside the period just before, and of each " \
    "of them, most sent first, the first 1000"
#define SERIES_SENTENCE                                                                                                          \
    "What happened day by day, UTC: each event counts on its own day, so an open of today counts today, whenever the message "   \
    "was sent. Days without events are left out"
#define LIST_SENTENCE                                                                                                            \
    "The domains that mail went to, most delivered first. Sent is what their hosts took (Delivered is the same number), Failed " \
    "what they refused or what ran out of time, Sending what was accepted and has not ended; what bounced after it was taken "   \
    "is "                                                                                                                        \
    "among Sent and Bounced. Delivery takes from when a message was to go (its acceptance, or SendAt) to that end; null where "  \
    "nothing was delivered. Of each day 1000 recipient domains are counted by name, the rest together as \"other\""
#define ONE_SENTENCE                                                                                                             \
    "How fast mail to a recipient domain was delivered: from when a message was to go (its acceptance, or SendAt) to its host "  \
    "taking it (Sent), or to it refusing it or the message running out of time (Failed). On days with more than 1000 recipient " \
    "domains those beyond are not known by name"
#define REST_OF(where) STYLE_REST, CALLER_EITHER, SENDER_SCOPE_EVENTS, 12, HTTP_GET, 0, "/api/v1/stats/" where
#define ANSWER         "{\"Stats\":" COUNTS ",\"ComparisonStats\":{\"PreviousPeriod\":" COUNTS "},\"TagStats\":{\"*\":" COUNTS "}}"

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
    {"Stats.Account", REST_OF("account"), ACCOUNT_SENTENCE, LIST_OF(account_params, account_rest_refusals),
     .steps = {ACCOUNT_STEPS}, .request = "{\"StartDate\":\"2026-01-01\",\"EndDate\":\"2026-01-31\"}", .answer = ACCOUNT_ANSWER},
    {"EmailGateway.AccountStats", STYLE_COMMAND, CALLER_USER, .sentence = ACCOUNT_SENTENCE, .params = account_params,
     .param_count = sizeof account_params / sizeof account_params[0], .steps = {ACCOUNT_STEPS},
     .request = "{\"StartDate\":\"2026-01-01\",\"EndDate\":\"2026-01-31\",\"DomainIDs\":\"123,124\"}", .answer = ACCOUNT_ANSWER},
    {"Stats.Daily", REST_OF("daily"), SERIES_SENTENCE, LIST_OF(series_params, series_rest_refusals), .steps = {SERIES_STEPS},
     .request = "{\"StartDate\":\"2026-01-01\",\"EndDate\":\"2026-01-31\"}", .answer = SERIES_ANSWER},
    {"EmailGateway.DailySeries", STYLE_COMMAND, CALLER_USER, .sentence = SERIES_SENTENCE, LIST_OF(series_params, series_refusals),
     .steps = {SERIES_STEPS}, .request = "{\"DomainID\":123,\"StartDate\":\"2026-01-01\",\"EndDate\":\"2026-01-31\"}",
     .answer = SERIES_ANSWER},
    {"Stats.RecipientDomains", REST_OF("recipient-domains"), LIST_SENTENCE, LIST_OF(list_rest_params, recipient_rest_refusals),
     .steps = {LIST_STEPS}, .request = "{\"StartDate\":\"2026-01-01\",\"EndDate\":\"2026-01-31\",\"Limit\":50}",
     .answer = LIST_ANSWER},
    {"EmailGateway.ListRecipientDomains", STYLE_COMMAND, CALLER_USER, .sentence = LIST_SENTENCE,
     LIST_OF(list_params, list_refusals), .steps = {LIST_STEPS},
     .request = "{\"DomainID\":123,\"StartDate\":\"2026-01-01\",\"EndDate\":\"2026-01-31\",\"Limit\":50}", .answer = LIST_ANSWER},
    {"Stats.RecipientDomain", REST_OF("recipient-domains/{RecipientToDomain}"), ONE_SENTENCE,
     LIST_OF(one_rest_params, recipient_rest_refusals), .steps = {ONE_STEPS},
     .request = "{\"StartDate\":\"2026-01-01\",\"EndDate\":\"2026-01-31\"}", .answer = ONE_ANSWER},
    {"EmailGateway.RecipientDomainStats", STYLE_COMMAND, CALLER_USER, .sentence = ONE_SENTENCE, LIST_OF(one_params, one_refusals),
     .steps = {ONE_STEPS},
     .request = "{\"DomainID\":123,\"RecipientToDomain\":\"example.net\",\"StartDate\":\"2026-01-01\","
                "\"EndDate\":\"2026-01-31\"}",
     .answer = ONE_ANSWER},
};
const struct operation_table stats_table = {
    "Statistics", rows, sizeof rows / sizeof rows[0],
    "Counters and rates of sender domains, of each day, and of the domains that mail went to"};
