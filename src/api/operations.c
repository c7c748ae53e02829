/* operations.c - the table. Refusals stand in the contract's printed order, which is the order of the checks: when several apply,
 * the earlier one is the first.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/handlers.h"

#include "core/keys.h"

#define LIST_OF(p, r)                                                                                                            \
    .params = (p), .param_count = sizeof(p) / sizeof((p)[0]), .refusals = (r), .refusal_count = sizeof(r) / sizeof((r)[0])
#define NO_PARAMS .params = NULL, .param_count = 0

/* ---- what every operation may answer ---- */
static const struct refusal common_refusals[] = {
    {REFUSAL_CREDENTIALS, 401, "Authentication failure: pass a valid SessionID or APIKey"},
    {REFUSAL_EXPIRED, 401, "The session has expired: log in again"},
    {REFUSAL_UNREADABLE, 400, "The request could not be read"},
    {REFUSAL_COMMAND, 400, "Unknown command"},
    {REFUSAL_FAULT, 500, "Internal error"},
    {REFUSAL_FIELD, 422, "A parameter is invalid"},
    {REFUSAL_CONFLICT, 409, "This Idempotency-Key was used with another request"},
    {401, 401, "Pass the key in the Authorization header to send a large body"},
    {404, 404, "Not found"},
    {405, 405, "Method not allowed"},
    {413, 413, "The request is too large"},
    {503, 503, "The gateway cannot do this now, try again later"},
};

/* ---- sending ---- */
static const struct param email_params[] = {
    {"DomainID", PARAM_ID, false, 0, 2, 0, 0, "Must be the sender domain of the key, when given"},
    {"From", PARAM_MAILBOX, true, 3, 3, 0, 0, "Sender: an object with email and name; its domain is the key's or below it"},
    {"Subject", PARAM_TEXT, true, 8, 0, 0, 8192, "Subject of the message"},
    {"ContentType", PARAM_TEXT, true, 9, 9, 0, 32, "html or plain"},
    {"HtmlContent", PARAM_CONTENT, false, 10, 10, 0, 0, "HTML body; required when ContentType is html"},
    {"PlainContent", PARAM_CONTENT, false, 11, 11, 0, 0, "Plain text body; required when ContentType is plain"},
    {"TemplateID", PARAM_REFUSED, false, 0, 15, 0, 0, "Stored template to fill; there are none yet"},
    {"TargetListID", PARAM_REFUSED, false, 0, 16, 0, 0, "Subscriber list to send to; there are none yet"},
    {"To", PARAM_MAILBOXES, true, 20, 18, 0, 0, "Recipients: a list of objects with email and name"},
    {"CC", PARAM_MAILBOXES, false, 0, 21, 0, 0, "Copies, as To"},
    {"BCC", PARAM_MAILBOXES, false, 0, 24, 0, 0, "Blind copies, as To; at most 50"},
    {"ReplyTo", PARAM_MAILBOXES, false, 0, 28, 0, 0, "Where replies go, as To; at most 10"},
    {"Attachments", PARAM_ATTACHMENTS, false, 0, 0, 0, 500,
     "Files: a list of objects with filename, content (base64), type, disposition (attachment or inline) and contentid"},
    {"Headers", PARAM_HEADERS, false, 0, 0, 0, 100, "More header fields: an object of names and values"},
    {"Tags", PARAM_STRINGS, false, 0, 0, 128, 50, "Labels for statistics: a list of texts"},
    {"TrackLinks", PARAM_BOOL, false, 0, 0, 0, 0, "Whether clicks are to be tracked"},
    {"TrackOpens", PARAM_BOOL, false, 0, 0, 0, 0, "Whether opens are to be tracked"},
    {"SendAt", PARAM_MOMENT, false, 0, 0, 0, 0, "When to send: Unix time or YYYY-MM-DD HH:MM:SS UTC, up to 30 days ahead"},
    {"TTL", PARAM_INT, false, 0, 0, 60, 604800, "Seconds to keep trying before the message fails; 72 hours when absent"},
    {"ListID", PARAM_LABEL, false, 0, 0, 0, 64, "List the recipient belongs to"},
    {"SubscriberID", PARAM_LABEL, false, 0, 0, 0, 64, "Subscriber the message is for"},
    {"JourneyID", PARAM_LABEL, false, 0, 0, 0, 64, "Journey that sends the message"},
    {"ActionID", PARAM_LABEL, false, 0, 0, 0, 64, "Action of the journey"},
    {"Metadata", PARAM_METADATA, false, 0, 0, 256, 20, "The sender's own data, shown in events: an object of texts and numbers"},
};
static const struct refusal email_refusals[] = {
    {1, 401, "Missing SenderAPIKey"},
    {2, 403, "Invalid DomainID"},
    {3, 0, "From parameter is either missing or invalid. Make sure you pass both name and email address for the from field"},
    {8, 0, "Missing Subject"},
    {9, 0, "Missing ContentType"},
    {10, 0, "Missing HTMLContent"},
    {11, 0, "Missing PlainContent"},
    {12, 403, "Invalid or deactivated user account"},
    {13, 401, "Invalid SenderAPIKey"},
    {15, 0, "Invalid TemplateID"},
    {16, 0, "Invalid TargetListID"},
    {18, 0, "Recipient name or email address is missing"},
    {19, 0, "Recipient email address is invalid."},
    {20, 0, "There is no recipient set for the email."},
    {21, 0, "CC name or email address is missing"},
    {22, 0, "CC email address is invalid."},
    {23, 0, "Invalid from email address format"},
    {24, 0, "BCC email addresses must be set as an array"},
    {25, 0, "BCC name or email address is missing"},
    {26, 0, "BCC email address is invalid."},
    {27, 0, "The number of BCC email addresses exceed the allowed email address count"},
    {28, 0, "Reply-To email addresses must be set as an array"},
    {29, 0, "Reply-To name or email address is missing"},
    {30, 0, "Reply-To email address is invalid."},
    {31, 0, "The number of Reply-To email addresses exceed the allowed email address count"},
    {32, 403, "Domain is not activated"},
    {34, 403, "User account is not verified"},
};

/* ---- accounts ---- */
static const struct param login_params[] = {
    {"Username", PARAM_TEXT, true, 1, 3, 0, 254, "E-mail address of the account"},
    {"Password", PARAM_SECRET, true, 2, 3, 0, 1024, "Its password"},
};
static const struct refusal login_refusals[] = {
    {1, 0, "Missing username"},
    {2, 0, "Missing password"},
    {3, 0, "Invalid login information"},
};

/* ---- domains ---- */
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

/* ---- sender keys ---- */
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

/* ---- events ---- */
static const struct param event_command_params[] = {
    {"DomainID", PARAM_ID, true, 1, 2, 0, 0, "Sender domain"},
    {"StartFrom", PARAM_INT, true, 4, 4, 0, 1000000000, "Events to skip, newest first"},
    {"RetrieveCount", PARAM_INT, true, 5, 5, 1, 100, "Events to return"},
    {"StartDate", PARAM_TIME, false, 0, 0, 0, 0, "First day, YYYY-MM-DD, UTC"},
    {"EndDate", PARAM_TIME, false, 0, 0, 0, 0, "Last day, whole, YYYY-MM-DD, UTC"},
    {"Event", PARAM_EVENT, false, 0, 0, 0, 0, "Event type, or a list of them"},
    {"Query", PARAM_REFUSED, false, 0, REFUSAL_FIELD, 0, 0, "Search in events; not offered yet"},
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
    {1, 401, "Missing SenderAPIKey"}, {2, 403, "Invalid user account"},  {4, 0, "Missing StartFrom"},
    {5, 0, "Missing RetrieveCount"},  {13, 401, "Invalid SenderAPIKey"},
};

/* ---- the sandbox's inbox ---- */
static const struct param inbox_list_params[] = {
    {"ID", PARAM_ID, false, 0, 3, 0, 0, "Show this message instead of the list"},
    {"BeforeID", PARAM_ID, false, 0, 0, 0, 0, "Messages older than this one"},
    {"RetrieveCount", PARAM_INT, false, 0, 0, 1, 100, "Messages to return; 20 when absent"},
    {"Limit", PARAM_INT, false, 0, 0, 1, 100, "The same, as the operator's lists call it"},
};
static const struct param inbox_get_params[] = {
    {"ID", PARAM_ID, true, 3, 3, 0, 0, "Message of the inbox"},
};
static const struct refusal inbox_refusals[] = {
    {1, 401, "Missing SenderAPIKey"},
    {2, 403, "Invalid user account"},
    {13, 401, "Invalid SenderAPIKey"},
    {3, 404, "No such message in the inbox"},
};

/* ---- the operator's ---- */
static const struct param account_create_params[] = {
    {"Email", PARAM_TEXT, true, 0, 0, 0, 254, "E-mail address, the name to log in with"},
    {"Password", PARAM_SECRET, true, 0, 0, 0, 1024, "Password, 8 bytes or more"},
    {"Admin", PARAM_BOOL, false, 0, 0, 0, 0, "Whether it administrates"},
};
static const struct refusal account_create_refusals[] = {
    {2, 0, "There is an account with this e-mail address already"},
};
static const struct param operator_domain_add_params[] = {
    {"Name", PARAM_DOMAIN, true, 0, 0, 0, 253, "Domain to send from"},
    {"Account", PARAM_TEXT, false, 0, 0, 0, 254, "E-mail address of its account; needed when there are several"},
};
static const struct refusal operator_domain_add_refusals[] = {
    {1, 0, "No such account"},
    {2, 0, "The account has this domain already"},
};
static const struct param operator_domain_list_params[] = {
    {"Account", PARAM_TEXT, false, 0, 0, 0, 254, "E-mail address of an account; all accounts when absent"},
    {"AfterID", PARAM_ID, false, 0, 0, 0, 0, "Domains behind this one"},
    {"Limit", PARAM_INT, false, 0, 0, 1, 1000, "Domains to return; 1000 when absent"},
};
static const struct param operator_domain_params[] = {
    {"Name", PARAM_DOMAIN, true, 0, 0, 0, 253, "Sender domain"},
    {"Account", PARAM_TEXT, false, 0, 0, 0, 254, "E-mail address of its account, when several have the name"},
};
static const struct refusal operator_domain_refusals[] = {
    {1, 0, "No such account"},
    {2, 0, "No such domain"},
    {3, 0, "Several accounts have this domain: name the account"},
};
static const struct param operator_key_add_params[] = {
    {"Domain", PARAM_DOMAIN, true, 0, 0, 0, 253, "Sender domain"},
    {"Account", PARAM_TEXT, false, 0, 0, 0, 254, "E-mail address of its account, when several have the name"},
    {"Description", PARAM_TEXT, false, 0, 0, 0, 255, "What the key is for"},
};
static const struct param operator_key_list_params[] = {
    {"Domain", PARAM_DOMAIN, true, 0, 0, 0, 253, "Sender domain"},
    {"Account", PARAM_TEXT, false, 0, 0, 0, 254, "E-mail address of its account, when several have the name"},
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
};
static const struct param queue_list_params[] = {
    {"AfterID", PARAM_ID, false, 0, 0, 0, 0, "Entries behind this one"},
    {"Limit", PARAM_INT, false, 0, 0, 1, 1000, "Entries to return; 100 when absent"},
};
static const struct refusal no_refusals[1];

static const struct operation table[] = {
    {"SendEmail", STYLE_REST, CALLER_SENDER, SENDER_SCOPE_SEND, 12, HTTP_POST, OPERATION_BODY_SEND, "/api/v1/email",
     "Send a message", LIST_OF(email_params, email_refusals),
     .steps = {{STEP_SIZED, email_check}, {STEP_WRITER, email_store}, {STEP_LOOP, email_offer}}},
    {"GetEvents", STYLE_REST, CALLER_SENDER, SENDER_SCOPE_EVENTS, 2, HTTP_GET, 0, "/api/v1/events", "Events of a sender domain",
     LIST_OF(event_rest_params, event_rest_refusals), .steps = {{STEP_READER, event_calls_rest}}},
    {"ListInbox", STYLE_REST, CALLER_SENDER, SENDER_SCOPE_EVENTS, 2, HTTP_GET, 0, "/api/v1/inbox",
     "Sandbox: messages that arrived, newest first", LIST_OF(inbox_list_params, inbox_refusals),
     .steps = {{STEP_READER, inbox_calls_list}}},
    {"GetInboxMessage", STYLE_REST, CALLER_SENDER, SENDER_SCOPE_EVENTS, 2, HTTP_GET, 0, "/api/v1/inbox/{ID}",
     "Sandbox: one message, decoded", LIST_OF(inbox_get_params, inbox_refusals), .steps = {{STEP_READER, inbox_calls_get}}},
    {"GetInboxRaw", STYLE_REST, CALLER_SENDER, SENDER_SCOPE_EVENTS, 2, HTTP_GET, 0, "/api/v1/inbox/{ID}/raw",
     "Sandbox: one message as it arrived", LIST_OF(inbox_get_params, inbox_refusals), .steps = {{STEP_READER, inbox_calls_raw}}},

    {"User.Login", STYLE_COMMAND, CALLER_ANYONE, .sentence = "Log in; answers a SessionID", LIST_OF(login_params, login_refusals),
     .steps = {{STEP_READER, login_find}, {STEP_SLOW, login_verify}, {STEP_WRITER, login_start}}},
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
    {"EmailGateway.AddAPI", STYLE_COMMAND, CALLER_USER, .sentence = "Make a sender key",
     LIST_OF(key_add_params, key_add_refusals), .steps = {{STEP_WRITER, key_calls_add}}},
    {"EmailGateway.GetAPIs", STYLE_COMMAND, CALLER_USER, .sentence = "The sender keys of a domain",
     LIST_OF(domain_id_params, key_list_refusals), .steps = {{STEP_READER, key_calls_list}}},
    {"EmailGateway.DeleteAPI", STYLE_COMMAND, CALLER_USER, .sentence = "Delete a sender key",
     LIST_OF(key_delete_params, key_delete_refusals), .steps = {{STEP_WRITER, key_calls_delete}}},
    {"EmailGateway.GetEvents", STYLE_COMMAND, CALLER_USER, .sentence = "Events of a sender domain",
     LIST_OF(event_command_params, event_command_refusals), .steps = {{STEP_READER, event_calls_command}}},

    {"Health", STYLE_PROBE, CALLER_ANYONE, .method = HTTP_GET, .path = "/healthz", .sentence = "Is the gateway ready for work?",
     NO_PARAMS, .steps = {{STEP_READER, probe_ready}}},
    {"Live", STYLE_PROBE, CALLER_ANYONE, .method = HTTP_GET, .path = "/healthz/live", .sentence = "Does the process answer?",
     NO_PARAMS, .steps = {{STEP_LOOP, probe_live}}},
    {"Ready", STYLE_PROBE, CALLER_ANYONE, .method = HTTP_GET, .path = "/healthz/ready",
     .sentence = "Is the gateway ready for work?", NO_PARAMS, .steps = {{STEP_READER, probe_ready}}},
    {"Metrics", STYLE_PROBE, CALLER_ANYONE, .method = HTTP_GET, .path = "/metrics", .sentence = "Prometheus metrics", NO_PARAMS,
     .steps = {{STEP_READER, probe_metrics}}},

    {"Operator.AccountCreate", STYLE_CONTROL, CALLER_OPERATOR, .sentence = "Make an account and its user key",
     LIST_OF(account_create_params, account_create_refusals),
     .steps = {{STEP_SLOW, operator_hash}, {STEP_WRITER, operator_account_create}}},
    {"Operator.DomainAdd", STYLE_CONTROL, CALLER_OPERATOR, .sentence = "Add a sender domain",
     LIST_OF(operator_domain_add_params, operator_domain_add_refusals),
     .steps = {{STEP_READER, operator_find_account}, {STEP_SLOW, domain_calls_make_keys}, {STEP_WRITER, domain_calls_add}}},
    {"Operator.DomainList", STYLE_CONTROL, CALLER_OPERATOR, .sentence = "Sender domains",
     LIST_OF(operator_domain_list_params, operator_domain_refusals), .steps = {{STEP_READER, operator_domain_list}}},
    {"Operator.DomainEnable", STYLE_CONTROL, CALLER_OPERATOR, .sentence = "Let a domain send, verified or not",
     LIST_OF(operator_domain_params, operator_domain_refusals), .steps = {{STEP_WRITER, operator_domain_enable}}},
    {"Operator.DomainDisable", STYLE_CONTROL, CALLER_OPERATOR, .sentence = "Stop a domain from sending",
     LIST_OF(operator_domain_params, operator_domain_refusals), .steps = {{STEP_WRITER, operator_domain_disable}}},
    {"Operator.KeyAdd", STYLE_CONTROL, CALLER_OPERATOR, .sentence = "Make a sender key",
     LIST_OF(operator_key_add_params, operator_domain_refusals), .steps = {{STEP_WRITER, operator_key_add}}},
    {"Operator.KeyList", STYLE_CONTROL, CALLER_OPERATOR, .sentence = "A domain's sender keys",
     LIST_OF(operator_key_list_params, operator_domain_refusals), .steps = {{STEP_READER, operator_key_list}}},
    {"Operator.Send", STYLE_CONTROL, CALLER_OPERATOR, .body_max = OPERATION_BODY_SEND, .sentence = "Send a finished message",
     LIST_OF(operator_send_params, operator_send_refusals),
     .steps = {{STEP_SIZED, operator_send_check},
               {STEP_READER, operator_send_find},
               {STEP_SIZED, operator_send_make},
               {STEP_WRITER, email_store},
               {STEP_LOOP, email_offer}}},
    {"Operator.QueueList", STYLE_CONTROL, CALLER_OPERATOR, .sentence = "Recipients that wait",
     LIST_OF(queue_list_params, no_refusals), .steps = {{STEP_READER, operator_queue_list}}},
    {"Operator.InboxList", STYLE_CONTROL, CALLER_OPERATOR, .sentence = "Sandbox: messages that arrived, newest first",
     LIST_OF(inbox_list_params, inbox_refusals), .steps = {{STEP_READER, inbox_calls_list}}},
    {"Operator.InboxShow", STYLE_CONTROL, CALLER_OPERATOR, .sentence = "Sandbox: one message, decoded",
     LIST_OF(inbox_get_params, inbox_refusals), .steps = {{STEP_READER, inbox_calls_get}}},
    {"Operator.InboxRaw", STYLE_CONTROL, CALLER_OPERATOR, .sentence = "Sandbox: one message as it arrived",
     LIST_OF(inbox_get_params, inbox_refusals), .steps = {{STEP_READER, inbox_calls_raw}}},
};

const struct operation *operations(size_t *ret_count) {
    *ret_count = sizeof table / sizeof table[0];
    return table;
}

const struct operation *operation_find_command(enum operation_style style, struct str command) {
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (table[i].style == style && str_eq_nocase(str_from_z(table[i].name), command)) return &table[i];
    }
    return NULL;
}

/* Match "a/{ID}/b". What stands for {ID} is one non-empty segment. */
static bool path_matches(struct str pattern, struct str path, struct str *ret_id) {
    size_t open = str_find(pattern, '{');
    if (open == STR_NONE) return str_eq(pattern, path);
    struct str head = str_sub(pattern, 0, open), tail = str_sub(pattern, open + 4, SIZE_MAX);
    if (!str_starts(path, head)) return false;
    struct str rest = str_sub(path, head.n, SIZE_MAX);
    size_t slash = str_find(rest, '/');
    struct str id = slash == STR_NONE ? rest : str_sub(rest, 0, slash);
    if (id.n == 0 || !str_eq(str_sub(rest, id.n, SIZE_MAX), tail)) return false;
    *ret_id = id;
    return true;
}

const struct operation *operation_find_path(enum http_method method, struct str path, struct str *ret_id) {
    if (method == HTTP_HEAD) method = HTTP_GET;
    *ret_id = (struct str){0};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (table[i].path && table[i].method == method && path_matches(str_from_z(table[i].path), path, ret_id)) return &table[i];
    }
    return NULL;
}

const struct refusal *operation_refusal(const struct operation *op, int code) {
    for (size_t i = 0; op && i < op->refusal_count; i++) {
        if (op->refusals[i].code == code) return &op->refusals[i];
    }
    for (size_t i = 0; i < sizeof common_refusals / sizeof common_refusals[0]; i++) {
        if (common_refusals[i].code == code) return &common_refusals[i];
    }
    return NULL;
}
