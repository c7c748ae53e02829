/* domain_table.c - sender domains: parameters, refusals in the contract's printed order, and the operations themselves.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/domain_calls.h"
#include "api/tables.h"

static const struct param domain_add_params[] = {
    {"DomainName", PARAM_DOMAIN, true, 1, 2, 0, 253, "Domain to send from"},
    {"Subdomain", PARAM_HOST_LABEL, false, 0, 4, 0, 32, "Label of the return path host; mail when absent"},
    {"TrackPrefix", PARAM_HOST_LABEL, false, 0, 4, 0, 32, "Label of the tracking host below it; track when absent"},
};
static const struct refusal domain_add_refusals[] = {
    {1, 0, "Missing required parameter: DomainName"},
    {2, 0, "Invalid domain name provided"},
    {4, 0, "Invalid Subdomain or TrackPrefix"},
};
static const struct param domain_id_params[] = {
    {"DomainID", PARAM_ID, true, 1, 2, 0, 0, "Sender domain"},
};
static const struct refusal domain_get_refusals[] = {
    {1, 0, "Required parameter missing: DomainID"},
    {2, 0, "Unable to retrieve domain information"},
};
static const struct refusal domain_verify_refusals[] = {
    {1, 0, "Required field 'DomainID' is missing."},
    {2, 0, "Unable to retrieve the sender domain information."},
};

static const struct operation rows[] = {
    {"EmailGateway.AddDomain", STYLE_COMMAND, CALLER_USER, .sentence = "Add a sender domain",
     LIST_OF(domain_add_params, domain_add_refusals),
     .steps = {{STEP_READER, domain_calls_add_check}, {STEP_SLOW, domain_calls_make_keys}, {STEP_WRITER, domain_calls_add}}},
    {"EmailGateway.GetDomain", STYLE_COMMAND, CALLER_USER, .sentence = "One sender domain",
     LIST_OF(domain_id_params, domain_get_refusals), .steps = {{STEP_READER, domain_calls_get}}},
    {"EmailGateway.GetDomains", STYLE_COMMAND, CALLER_USER, .sentence = "All sender domains", NO_PARAMS,
     .steps = {{STEP_READER, domain_calls_list}}},
    {"EmailGateway.VerifyDomain", STYLE_COMMAND, CALLER_USER, .sentence = "Look a domain's DNS records up now",
     LIST_OF(domain_id_params, domain_verify_refusals),
     .steps = {{STEP_READER, domain_calls_verify_load},
               {STEP_DNS, domain_calls_verify_ask},
               {STEP_WRITER, domain_calls_verify_save}}},
};
const struct operation_table domain_table = {"Domains", rows, sizeof rows / sizeof rows[0]};
