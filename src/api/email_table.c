/* email_table.c - sending: parameters, refusals in the contract's printed order, and the operations themselves.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/send.h"
#include "api/tables.h"

#include "core/keys.h"

static const struct param email_params[] = {
    {"DomainID", PARAM_ID, false, 0, 2, 0, 0, "Must be the sender domain of the key, when given"},
    {"From", PARAM_MAILBOX, true, 3, 3, 0, 0, "Sender: an object with email and name; its domain is the key's or below it"},
    {"Subject", PARAM_TEXT, false, 8, 0, 0, 8192, "Subject of the message; required, unless a template has one"},
    {"ContentType", PARAM_TEXT, false, 9, 9, 0, 32, "html or plain; required, unless a template says it by what it has"},
    {"HtmlContent", PARAM_CONTENT, false, 10, 10, 0, 0, "HTML body; required when ContentType is html and no template has one"},
    {"PlainContent", PARAM_CONTENT, false, 11, 11, 0, 0,
     "Plain text body; required when ContentType is plain and no template has one"},
    {"TemplateID", PARAM_ID, false, 0, 15, 0, 0, "Stored template: gives the subject and bodies that the request lacks"},
    {"TargetListID", PARAM_ID, false, 0, 16, 0, 0,
     "Subscriber list: everybody active on it gets a message of his own, filled with the subscriber's fields. MessageID is a "
     "list "
     "then; above 1,000 subscribers (or 64 MB in all) it holds the id of the list send, which goes on in the background, and "
     "Recipients says to how many"},
    {"To", PARAM_MAILBOXES, false, 20, 18, 0, 0,
     "Recipients: a list of objects with email and name; required without TargetListID, and not to be used with it. An entry may "
     "have data, an object that fills {{names}} of subject and bodies: then every entry gets a message of its own, and MessageID "
     "is a list"},
    {"CC", PARAM_MAILBOXES, false, 0, 21, 0, 0, "Copies, as To"},
    {"BCC", PARAM_MAILBOXES, false, 0, 24, 0, 0,
     "Blind copies, as To; at most as many as the account's group allows (50 by default)"},
    {"ReplyTo", PARAM_MAILBOXES, false, 0, 28, 0, 0,
     "Where replies go, as To; at most as many as the account's group allows (10 by default)"},
    {"Attachments", PARAM_ATTACHMENTS, false, 0, 0, 0, 500,
     "Files: a list of objects with filename, content (base64), type, disposition (attachment or inline) and contentid"},
    {"Headers", PARAM_HEADERS, false, 0, 0, 0, 100, "More header fields: an object of names and values"},
    {"Tags", PARAM_STRINGS, false, 0, 0, SEND_TAG_MAX_BYTES, SEND_TAGS_MAX, "Labels for statistics: a list of texts"},
    {"TrackLinks", PARAM_BOOL, false, 0, 0, 0, 0, "Whether clicks are to be tracked"},
    {"TrackOpens", PARAM_BOOL, false, 0, 0, 0, 0, "Whether opens are to be tracked"},
    {"SendAt", PARAM_MOMENT, false, 0, 0, 0, 0, "When to send: Unix time or YYYY-MM-DD HH:MM:SS UTC, up to 30 days ahead"},
    {"TTL", PARAM_INT, false, 0, 0, SEND_TTL_MIN_S, SEND_TTL_MAX_S,
     "Seconds to keep trying before the message fails; 72 hours when absent"},
    {"TLS", PARAM_CHOICE, false, 0, 0, 0, 0,
     "What is demanded of the recipients' servers: opportunistic (the default: TLS where it works, and whatever their domains "
     "publish by DANE or MTA-STS), require (encryption), verify (a certificate that verifies, too), requiretls (and RFC 8689 "
     "from "
     "there on); waive sets aside what the recipients' domains publish. The message waits while no server lives up to it",
     "opportunistic,require,verify,requiretls,waive"},
    {"Stream", PARAM_CHOICE, false, 0, 0, 0, 0,
     "transactional: what people have to get, like receipts and codes; it goes to those who unsubscribed, too, unless the "
     "account "
     "says otherwise (UnsubscribesBlockAll of User.Update). broadcast: it waits behind other mail. What goes to a list "
     "(TargetListID) is a broadcast",
     SEND_STREAMS},
    {"ListID", PARAM_LABEL, false, 0, 0, 0, 64, "List the recipient belongs to"},
    {"SubscriberID", PARAM_LABEL, false, 0, 0, 0, 64, "Subscriber the message is for"},
    {"JourneyID", PARAM_LABEL, false, 0, 0, 0, 64, "Journey that sends the message"},
    {"ActionID", PARAM_LABEL, false, 0, 0, 0, 64, "Action of the journey"},
    {"Data", PARAM_OBJECT, false, 0, 0, 0, SEND_DATA_MAX,
     "Values for {{names}} of subject and bodies, the same for every recipient: an object"},
    {"Metadata", PARAM_METADATA, false, 0, 0, SEND_METADATA_MAX_BYTES, SEND_METADATA_MAX,
     "The sender's own data, shown in events: an object of texts and numbers"},
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
    {14, 0, "Email address is in the suppression list. Email delivery is blocked."},
    {15, 0, "Invalid TemplateID"},
    {16, 0, "Invalid TargetListID"},
    {17, 429, "Email sending limit reached"},
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
    {429, 429, "You have exceeded your send rate limits. Please wait before sending another email."},
};

static const struct param batch_params[] = {
    {"Messages", PARAM_LIST, true, 0, 0, 0, 1000,
     "Up to 1,000 objects, each with the parameters of POST /api/v1/email but TargetListID; it may have an IdempotencyKey of its "
     "own"},
};
static const struct refusal batch_refusals[] = {
    {1, 401, "Missing SenderAPIKey"},     {12, 403, "Invalid or deactivated user account"}, {13, 401, "Invalid SenderAPIKey"},
    {32, 403, "Domain is not activated"}, {34, 403, "User account is not verified"},
};

#define ONE_REQUEST                                                                                                              \
    "{\"From\":{\"email\":\"news@example.com\",\"name\":\"Example\"},\"To\":[{\"email\":\"jane@example.org\",\"name\":\"Jane\"}" \
    "],"                                                                                                                         \
    "\"Subject\":\"Hello\",\"ContentType\":\"html\",\"HtmlContent\":\"<p>Hello</p>\",\"PlainContent\":\"Hello\"}"
#define SEND_STEPS(check)                                                                                                        \
    .takes_idempotency_key = true, .takes_room = true,                                                                           \
    .steps = {{STEP_SIZED, check},                                                                                               \
              {STEP_READER, email_load},                                                                                         \
              {STEP_SLOW, email_make},                                                                                           \
              {STEP_WRITER, email_store},                                                                                        \
              {STEP_LOOP, email_offer}}
static const struct operation rows[] = {
    {"SendEmail", STYLE_REST, CALLER_SENDER, SENDER_SCOPE_SEND, 12, HTTP_POST, OPERATION_BODY_SEND, "/api/v1/email",
     "Send a message. Recipients on the suppression list get none, and are named in Suppressed; when all are on it, the request "
     "is "
     "refused (14). With an Idempotency-Key, a request that is repeated within 24 hours is answered like the first and sends "
     "nothing again",
     LIST_OF(email_params, email_refusals), SEND_STEPS(email_check), .judges_all = true, .request = ONE_REQUEST,
     .answer = "{\"MessageID|\":[\"01932c5e-8f5a-7c1e-9d3b-2f6a8b4c5d6e\",[\"01932c5e-8f5a-7c1e-9d3b-2f6a8b4c5d6e\"]],"
               "\"Suppressed?\":[\"joe@example.org\"],\"Recipients?\":1}"},
    {"SendEmailBatch", STYLE_REST, CALLER_SENDER, SENDER_SCOPE_SEND, 12, HTTP_POST, OPERATION_BODY_SEND, "/api/v1/email/batch",
     "Send many messages in one request. Each is judged by itself; those that are accepted are stored together. Results holds, "
     "in "
     "the same order, the answer that each would have got alone: MessageID or Errors. The status is 200, also when all were "
     "refused",
     LIST_OF(batch_params, batch_refusals), SEND_STEPS(email_check_batch), .request = "{\"Messages\":[" ONE_REQUEST "]}",
     .answer = "{\"Results\":[{\"MessageID|?\":[\"01932c5e-8f5a-7c1e-9d3b-2f6a8b4c5d6e\",[\"01932c5e-8f5a-7c1e-9d3b-"
               "2f6a8b4c5d6e\"]],\"Suppressed?\":[\"joe@example.org\"],"
               "\"Errors?\":[{\"Code\":8,\"Message\":\"Missing Subject\",\"Field?\":\"Subject\"}]}]}"},
};
const struct operation_table email_table = {"Sending", rows, sizeof rows / sizeof rows[0],
                                            "Accepting mail: one message, a batch, a template, a whole list"};

const struct operation *send_operation(void) {
    return &rows[0];
}
