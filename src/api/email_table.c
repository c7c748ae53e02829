/* email_table.c - sending: parameters, refusals in the contract's printed order, and the operations themselves.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/send.h"
#include "api/tables.h"

#include "core/keys.h"

static const struct param email_params[] = {
    {"DomainID", PARAM_ID, false, 0, 2, 0, 0, "Must be the sender domain of the key, when given"},
    {"From", PARAM_MAILBOX, true, 3, 3, 0, 0, "Sender: an object with email and name; its domain is the key's or below it"},
    {"Subject", PARAM_TEXT, true, 8, 0, 0, 8192, "Subject of the message"},
    {"ContentType", PARAM_TEXT, true, 9, 9, 0, 32, "html or plain"},
    {"HtmlContent", PARAM_CONTENT, false, 10, 10, 0, 0, "HTML body; required when ContentType is html"},
    {"PlainContent", PARAM_CONTENT, false, 11, 11, 0, 0, "Plain text body; required when ContentType is plain"},
    {"TemplateID", PARAM_ID, false, 0, 15, 0, 0, "Stored template to fill"},
    {"TargetListID", PARAM_ID, false, 0, 16, 0, 0, "Subscriber list to send to"},
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

static const struct operation rows[] = {
    {"SendEmail", STYLE_REST, CALLER_SENDER, SENDER_SCOPE_SEND, 12, HTTP_POST, OPERATION_BODY_SEND, "/api/v1/email",
     "Send a message", LIST_OF(email_params, email_refusals),
     .takes_idempotency_key = true, .steps = {{STEP_SIZED, email_check}, {STEP_WRITER, email_store}, {STEP_LOOP, email_offer}}},
};
const struct operation_table email_table = {"Sending", rows, sizeof rows / sizeof rows[0]};
