/* operator_table.c - what only the operator's control socket offers: parameters, refusals in the contract's printed order, and
 * the operations themselves.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/operator.h"
#include "api/send.h"
#include "api/tables.h"

static const struct param operator_domain_list_params[] = {
    {"Account", PARAM_TEXT, false, 0, 0, 0, 254, "E-mail address of an account; all accounts when absent"},
    {"AfterID", PARAM_ID, false, 0, 0, 0, 0, "Domains behind this one"},
    {"Limit", PARAM_INT, false, 0, 0, 1, 1000, "Domains to return; 1000 when absent"},
};
static const struct param operator_domain_params[] = {
    {"Name", PARAM_DOMAIN, true, 0, 0, 0, 253, "Sender domain"},
    {"Account", PARAM_TEXT, false, 0, 0, 0, 254, "E-mail address of its account, when several have the name"},
};
static const struct param operator_disable_params[] = {
    {"Name", PARAM_DOMAIN, true, 0, 0, 0, 253, "Sender domain"},
    {"Account", PARAM_TEXT, false, 0, 0, 0, 254, "E-mail address of its account, when several have the name"},
    {"Because", PARAM_TEXT, false, 0, 0, 0, 300, "Why, for whoever looks at it later"},
};
static const struct param operator_pool_params[] = {
    {"Name", PARAM_DOMAIN, true, 0, 0, 0, 253, "Sender domain"},
    {"Account", PARAM_TEXT, false, 0, 0, 0, 254, "E-mail address of its account, when several have the name"},
    {"Pool", PARAM_TEXT, false, 0, 0, 0, 64, "Pool of sources that its mail goes out from; the default one when absent"},
};
static const struct param operator_key_pool_params[] = {
    {"KeyID", PARAM_ID, true, 0, 0, 0, 0, "Sender key"},
    {"Pool", PARAM_TEXT, false, 0, 0, 0, 64, "Pool of sources that its mail goes out from; its domain's when absent"},
};
static const struct refusal operator_key_refusals[] = {
    {1, 0, "No such key"},
};
static const struct param operator_tls_params[] = {
    {"Name", PARAM_DOMAIN, true, 0, 0, 0, 253, "Sender domain"},
    {"Account", PARAM_TEXT, false, 0, 0, 0, 254, "E-mail address of its account, when several have the name"},
    {"Level", PARAM_CHOICE, true, 0, 0, 0, 0,
     "opportunistic: TLS where it works, and what recipients' domains publish; require: encryption; verify: a certificate that "
     "verifies, too",
     "opportunistic,require,verify"},
};
static const struct refusal operator_domain_refusals[] = {
    {1, 0, "No such account"},
    {2, 0, "No such domain"},
    {3, 0, "Several accounts have this domain: name the account"},
};
static const struct param operator_send_params[] = {
    {"Message", PARAM_CONTENT, false, 0, 0, 0, 0, "The message, RFC 5322, as text"},
    {"MessageBase64", PARAM_CONTENT, false, 0, 0, 0, 0, "The message, RFC 5322, its bytes in base64"},
    {"Recipients", PARAM_STRINGS, false, 0, 0, 254, 1000, "Addresses to send to; those of To, Cc and Bcc when absent"},
};
static const struct refusal operator_send_refusals[] = {
    {1, 0, "Missing the message"},
    {2, 0, "The message has no single, valid From address"},
    {3, 0, "The domain of From is no sender domain here"},
    {4, 0, "The sender domain is not enabled"},
    {5, 0, "The message names no recipient"},
    {6, 0, "A recipient's address is invalid"},
    {7, 0, "The message is malformed"},
    {14, 0, "Email address is in the suppression list. Email delivery is blocked."},
};
static const struct param alert_list_params[] = {
    {"Limit", PARAM_INT, false, 0, 0, 1, 1000, "Alerts to return; 50 when absent"},
};
static const struct refusal operator_alert_refusals[] = {
    {1, 0, "Nobody is told: set [alerts] mail or webhook"},
};
static const struct operation rows[] = {
    {"Operator.DomainList", STYLE_CONTROL, CALLER_OPERATOR, .sentence = "Sender domains",
     LIST_OF(operator_domain_list_params, operator_domain_refusals), .steps = {{STEP_READER, operator_domain_list}}},
    {"Operator.DomainEnable", STYLE_CONTROL, CALLER_OPERATOR, .sentence = "Let a domain send, verified or not",
     LIST_OF(operator_domain_params, operator_domain_refusals),
     .steps = {{STEP_WRITER, operator_domain_enable}, {STEP_LOOP, operator_domain_wake}}},
    {"Operator.DomainDisable", STYLE_CONTROL, CALLER_OPERATOR,
     .sentence = "Stop a domain from sending: its mail is refused, what waits is held till it is enabled",
     LIST_OF(operator_disable_params, operator_domain_refusals),
     .steps = {{STEP_WRITER, operator_domain_disable}, {STEP_LOOP, operator_domain_wake}}},
    {"Operator.DomainTls", STYLE_CONTROL, CALLER_OPERATOR,
     .sentence = "What mail of a domain demands of recipients' servers; a message may demand more",
     LIST_OF(operator_tls_params, operator_domain_refusals), .steps = {{STEP_WRITER, operator_domain_tls}}},
    {"Operator.DomainPool", STYLE_CONTROL, CALLER_OPERATOR, .sentence = "The pool of sources that a domain's mail goes out from",
     LIST_OF(operator_pool_params, operator_domain_refusals), .steps = {{STEP_WRITER, operator_domain_pool}}},
    {"Operator.KeyPool", STYLE_CONTROL, CALLER_OPERATOR,
     .sentence = "The pool of sources that mail of a sender key goes out from, whatever its domain's is",
     LIST_OF(operator_key_pool_params, operator_key_refusals), .steps = {{STEP_WRITER, operator_key_pool}}},
    {"Operator.AlertList", STYLE_CONTROL, CALLER_OPERATOR,
     .sentence = "Alerts: open ones, then those that are over, newest first", LIST_OF(alert_list_params, operator_alert_refusals),
     .steps = {{STEP_READER, operator_alert_list}}},
    {"Operator.AlertTest", STYLE_CONTROL, CALLER_OPERATOR, .sentence = "Tell a test in every way in which alerts are told",
     NO_PARAMS, .refusals = operator_alert_refusals, .refusal_count = 1,
     .steps = {{STEP_WRITER, operator_alert_test}, {STEP_LOOP, operator_alert_wake}}},
    {"Operator.Send", STYLE_CONTROL, CALLER_OPERATOR, .body_max = OPERATION_BODY_SEND, .sentence = "Send a finished message",
     LIST_OF(operator_send_params, operator_send_refusals), .takes_room = true,
     .steps = {{STEP_SIZED, operator_send_check},
               {STEP_READER, operator_send_find},
               {STEP_SIZED, operator_send_make},
               {STEP_WRITER, operator_send_store},
               {STEP_LOOP, operator_send_offer}}},
};
const struct operation_table operator_table = {"Operator", rows, sizeof rows / sizeof rows[0],
                                               "What only the operator's control socket offers"};
