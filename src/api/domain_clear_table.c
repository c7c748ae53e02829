/* domain_clear_table.c - clearing a sender domain's queue and deleting the domain: parameters, refusals in the contract's printed
 * order, and the operations themselves.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/domain_clear_calls.h"
#include "api/tables.h"

static const struct param params[] = {
    {"DomainID", PARAM_ID, true, 1, 2, 0, 0, "Sender domain"},
};
static const struct refusal clear_refusals[] = {
    {1, 0, "Missing required parameter: DomainID"},
    {2, 404, "Unable to retrieve sender domain"},
};
static const struct refusal delete_refusals[] = {
    {1, 0, "Missing required parameter: DomainID"},
    {2, 404, "Domain not found or user does not have permission to delete the domain"},
};

#define REQUEST "{\"DomainID\":123}"
#define ANSWER  "{\"Cleared\":42}"
#define CLEAR                                                                                                                    \
    .sentence = "Fail every recipient of a sender domain that was not delivered to yet, scheduled ones too, each with an "       \
                "event; what is being sent at this moment is finished first and keeps its result. The answer tells how many, "   \
                "and none of them is "                                                                                           \
                "sent any more; their events follow in the background",                                                          \
    LIST_OF(params, clear_refusals), .answer = ANSWER,                                                                           \
    .steps = {{STEP_READER, domain_clear_find},                                                                                  \
              {STEP_WAIT, domain_clear_hold},                                                                                    \
              {STEP_SEARCH, domain_clear_count},                                                                                 \
              {STEP_WRITER, domain_clear_cut},                                                                                   \
              {STEP_LOOP, domain_clear_release}}
#define DELETE                                                                                                                   \
    .sentence = "Delete a sender domain with its keys, SMTP users and webhooks, and fail its queue; its messages, events and "   \
                "statistics stay readable",                                                                                      \
    LIST_OF(params, delete_refusals), .answer = ANSWER,                                                                          \
    .steps = {{STEP_READER, domain_delete_find},                                                                                 \
              {STEP_WAIT, domain_clear_hold},                                                                                    \
              {STEP_SEARCH, domain_clear_count},                                                                                 \
              {STEP_WRITER, domain_clear_cut},                                                                                   \
              {STEP_LOOP, domain_clear_release}}

static const struct operation rows[] = {
    {"EmailGateway.ClearDomainQueue", STYLE_COMMAND, CALLER_USER, CLEAR, .request = REQUEST},
    {"EmailGateway.DeleteDomain", STYLE_COMMAND, CALLER_USER, DELETE, .request = REQUEST},
    {"Domains.ClearQueue", STYLE_REST, CALLER_USER, CLEAR, .method = HTTP_DELETE, .path = "/api/v1/domains/{DomainID}/queue",
     .request = "{}"},
    {"Domains.Delete", STYLE_REST, CALLER_USER, DELETE, .method = HTTP_DELETE, .path = "/api/v1/domains/{DomainID}",
     .request = "{}"},
};
const struct operation_table domain_clear_table = {
    "Domain queues", rows, sizeof rows / sizeof rows[0],
    "What ends the mail that waits: clearing a domain's queue, deleting the domain"};
