/* domain_table.c - sender domains: parameters, refusals in the contract's printed order, and the operations themselves. What
 * empties and deletes a domain is domain_clear_table.c's.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/domain_calls.h"
#include "api/tables.h"

#define BRAND_PARAMS                                                                                                             \
    {"BrandName",                                                                                                                \
     PARAM_TEXT,                                                                                                                 \
     false,                                                                                                                      \
     0,                                                                                                                          \
     0,                                                                                                                          \
     0,                                                                                                                          \
     DOMAIN_BRAND_NAME_MAX,                                                                                                      \
     "Who people unsubscribe from, on the page where they do; the domain's own name when absent or none"},                       \
        {"BrandColor", PARAM_TEXT, false, 0, 0, 0, 7, "Colour of that page, like #0055aa; grey when absent or none"}, {          \
        "BrandText", PARAM_TEXT, false, 0, 0, 0, DOMAIN_BRAND_TEXT_MAX, "A paragraph of your own on it; none takes it away"      \
    }
static const struct param add_params[] = {
    {"DomainName", PARAM_DOMAIN, true, 1, 2, 0, 253, "Domain to send from"},
    {"Subdomain", PARAM_HOST_LABEL, false, 0, 4, 0, 32, "Label of the return path host; mail when absent"},
    {"TrackPrefix", PARAM_HOST_LABEL, false, 0, 4, 0, 32, "Label of the tracking host below it; track when absent"},
    {"HostingProvider", PARAM_TEXT, false, 0, 0, 0, 64, "Who hosts the domain's DNS; picks the instructions shown"},
    BRAND_PARAMS,
};
static const struct refusal add_refusals[] = {
    {1, 0, "Missing required parameter: DomainName"},
    {2, 0, "Invalid domain name provided"},
    {3, 0, "User has reached the maximum number of sender domains allowed"},
    {4, 0, "Invalid Subdomain or TrackPrefix"},
};
static const struct param id_params[] = {
    {"DomainID", PARAM_ID, true, 1, 2, 0, 0, "Sender domain"},
};
static const struct refusal get_refusals[] = {
    {1, 0, "Required parameter missing: DomainID"},
    {2, 404, "Unable to retrieve domain information"},
};
static const struct param list_params[] = {
    {"StartFrom", PARAM_INT, false, 0, 0, 0, 1000000000, "How many domains to skip; 0 when absent"},
    {"RetrieveCount", PARAM_INT, false, 0, 0, 1, 100000, "How many domains to return; all when absent"},
};
static const struct refusal no_refusals[] = {
    {REFUSAL_FIELD, 0, "A parameter is invalid"},
};
static const struct param update_params[] = {
    {"DomainID", PARAM_ID, true, 1, 5, 0, 0, "Sender domain"},
    {"LinkTracking", PARAM_BOOL, false, 0, 0, 0, 0, "Whether links are tracked"},
    {"OpenTracking", PARAM_BOOL, false, 0, 0, 0, 0, "Whether opens are tracked"},
    {"UnsubscribeLink", PARAM_BOOL, false, 0, 0, 0, 0,
     "Whether people may leave: by List-Unsubscribe, and by links that say data-unsubscribe"},
    {"HostingProvider", PARAM_TEXT, false, 0, 0, 0, 64, "Who hosts the domain's DNS; picks the instructions shown"},
    {"Subdomain", PARAM_HOST_LABEL, false, 0, 6, 0, 32, "Label of the return path host; changed, it must be verified again"},
    {"TrackPrefix", PARAM_HOST_LABEL, false, 0, 6, 0, 32,
     "Label of the tracking host below it; changed, it must be verified again"},
    BRAND_PARAMS,
};
static const struct refusal update_refusals[] = {
    {1, 0, "Required field 'DomainID' is missing."},
    {5, 404, "Unable to retrieve sender domain information."},
    {6, 0, "Invalid Subdomain or TrackPrefix"},
};
static const struct refusal verify_refusals[] = {
    {1, 0, "Required field 'DomainID' is missing."},
    {2, 404, "Unable to retrieve the sender domain information."},
};

/* Examples. The id is a number where the contract shows one, else a text. */
#define DOMAIN(id)                                                                                                               \
    "{\"DomainID\":" id ",\"DomainName\":\"example.com\",\"SenderDomain\":\"example.com\",\"Status\":\"Enabled\","               \
    "\"IsActive\":true,\"Active\":true,\"Verified\":true,\"VerificationStatus\":\"Verified\",\"OwnershipStatus\":\"Verified\","  \
    "\"DKIMStatus\":\"Verified\",\"SPFStatus\":\"Verified\",\"ReturnPathStatus\":\"Verified\",\"TrackingStatus\":\"Verified\","  \
    "\"DMARCStatus\":\"Verified\",\"CreatedAt\":\"2026-01-31 09:00:00\",\"CheckedAt\":\"2026-01-31 09:05:00\","                  \
    "\"LinkTracking\":\"1\",\"OpenTracking\":\"1\",\"UnsubscribeLink\":\"1\",\"HostingProvider\":\"Cloudflare\","                \
    "\"Subdomain\":\"mail\",\"TrackPrefix\":\"track\",\"BrandName\":\"Example Ltd\",\"BrandColor\":\"#0055aa\","                 \
    "\"BrandText\":\"\",\"Options\":{\"LinkTracking\":1,\"OpenTracking\":1,\"UnsubscribeLink\":1,"                               \
    "\"CustomSubdomain\":\"mail\",\"CustomTrackPrefix\":\"track\"}}"
#define RECORDS(name)                                                                                                            \
    "\"" name "\":[{\"Host\":\"mail.example.com\",\"Type\":\"MX\",\"Value\":\"10 gateway.example.net\","                         \
    "\"Found\":\"10 gateway.example.net\",\"Verified\":true,\"Required\":true,\"Why\":\"\"}],"                                   \
    "\"Instructions\":\"Choose the domain, then DNS.\",\"InstructionsURL\":\"https://dash.cloudflare.com/\""
#define ONE(id) "{\"Domain\":" DOMAIN(id) "," RECORDS("DNSRecords") "}"
#define LIST    "{\"TotalRecords\":1,\"Domains\":[" DOMAIN("\"123\"") "]}"
#define ADDED(id)                                                                                                                \
    "{\"NewSenderDomainID\":123,\"DomainID?\":123,\"DomainName?\":\"example.com\",\"Domain\":" DOMAIN(id) "," RECORDS(           \
        "DNSRecords") "}"
#define CHANGED     "{\"Domain\":" DOMAIN("\"123\"") ",\"SubdomainChanged\":false," RECORDS("DNSRecords") "}"
#define LOOKED_UP   "{\"Domain\":" DOMAIN("\"123\"") "," RECORDS("DNSVerificationResults") ",\"Why\":\"\"}"
#define ID_REQUEST  "{\"DomainID\":123}"
#define ADD_REQUEST "{\"DomainName\":\"example.com\"}"
#define CHANGE_REQUEST                                                                                                           \
    "{\"DomainID\":\"123\",\"LinkTracking\":\"1\",\"OpenTracking\":\"1\",\"UnsubscribeLink\":\"1\","                             \
    "\"HostingProvider\":\"YourHostingProvider\",\"Subdomain\":\"mail\"}"

#define ADD_STEPS                                                                                                                \
    {                                                                                                                            \
        {STEP_READER, domain_calls_add_check}, {STEP_SLOW, domain_calls_make_keys}, {                                            \
            STEP_WRITER, domain_calls_add                                                                                        \
        }                                                                                                                        \
    }
#define VERIFY_STEPS                                                                                                             \
    {                                                                                                                            \
        {STEP_READER, domain_calls_verify_load}, {STEP_DNS, domain_calls_verify_ask}, {                                          \
            STEP_WRITER, domain_calls_verify_save                                                                                \
        }                                                                                                                        \
    }

static const struct operation rows[] = {
    {"EmailGateway.AddDomain", STYLE_COMMAND, CALLER_USER, .judges_all = true,
     .sentence = "Add a sender domain; the answer lists the DNS records to publish", LIST_OF(add_params, add_refusals),
     .steps = ADD_STEPS, .request = ADD_REQUEST, .answer = ADDED("123")},
    {"EmailGateway.GetDomain", STYLE_COMMAND, CALLER_USER, .sentence = "One sender domain, with the DNS records to publish",
     LIST_OF(id_params, get_refusals), .steps = {{STEP_READER, domain_calls_get}}, .request = ID_REQUEST, .answer = ONE("123")},
    {"EmailGateway.GetDomains", STYLE_COMMAND, CALLER_USER, .sentence = "All sender domains, or a page of them",
     LIST_OF(list_params, no_refusals), .steps = {{STEP_READER, domain_calls_list}}, .request = "{}", .answer = LIST},
    {"EmailGateway.UpdateDomain", STYLE_COMMAND, CALLER_USER, .judges_all = true,
     .sentence = "Change settings and host names of a sender domain", LIST_OF(update_params, update_refusals),
     .steps = {{STEP_READER, domain_calls_update_find}, {STEP_WRITER, domain_calls_update}}, .request = CHANGE_REQUEST,
     .answer = CHANGED},
    {"EmailGateway.VerifyDomain", STYLE_COMMAND, CALLER_USER, .sentence = "Look a domain's DNS records up now",
     LIST_OF(id_params, verify_refusals), .steps = VERIFY_STEPS, .request = ID_REQUEST, .answer = LOOKED_UP},

    {"Domains.List", STYLE_REST, CALLER_USER, .method = HTTP_GET, .path = "/api/v1/domains",
     .sentence = "All sender domains, or a page of them", LIST_OF(list_params, no_refusals),
     .steps = {{STEP_READER, domain_calls_list}}, .request = "{}", .answer = LIST},
    {"Domains.Add", STYLE_REST, CALLER_USER, .judges_all = true, .method = HTTP_POST, .path = "/api/v1/domains",
     .sentence = "Add a sender domain; the answer lists the DNS records to publish", LIST_OF(add_params, add_refusals),
     .steps = ADD_STEPS, .success = 201, .request = ADD_REQUEST, .answer = ADDED("\"123\"")},
    {"Domains.Get", STYLE_REST, CALLER_USER, .method = HTTP_GET, .path = "/api/v1/domains/{DomainID}",
     .sentence = "One sender domain, with the DNS records to publish", LIST_OF(id_params, get_refusals),
     .steps = {{STEP_READER, domain_calls_get}}, .request = ID_REQUEST, .answer = ONE("\"123\"")},
    {"Domains.Update", STYLE_REST, CALLER_USER, .judges_all = true, .method = HTTP_PUT, .path = "/api/v1/domains/{DomainID}",
     .sentence = "Change settings and host names of a sender domain", LIST_OF(update_params, update_refusals),
     .steps = {{STEP_READER, domain_calls_update_find}, {STEP_WRITER, domain_calls_update}}, .request = CHANGE_REQUEST,
     .answer = CHANGED},
    {"Domains.Verify", STYLE_REST, CALLER_USER, .method = HTTP_POST, .path = "/api/v1/domains/{DomainID}/verify",
     .sentence = "Look a domain's DNS records up now", LIST_OF(id_params, verify_refusals), .steps = VERIFY_STEPS,
     .request = ID_REQUEST, .answer = LOOKED_UP},
};
const struct operation_table domain_table = {"Domains", rows, sizeof rows / sizeof rows[0],
                                             "Sender domains, the DNS records that they need, and what is looked up of them"};
