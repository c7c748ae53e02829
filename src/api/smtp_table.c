/* smtp_table.c - SMTP users: parameters, refusals in the contract's printed order, and the operations themselves.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/smtp_calls.h"
#include "api/smtp_relay.h"
#include "api/tables.h"

static const struct param add_params[] = {
    {"DomainID", PARAM_ID, true, 1, 2, 0, 0, "Sender domain"},
    {"FromEmail", PARAM_EMAIL, false, 0, 0, 0, 0, "From address of messages that have none; one of the domain"},
    {"FromName", PARAM_TEXT, false, 0, 0, 0, 255, "Name beside it"},
    {"ReplyToEmail", PARAM_EMAIL, false, 0, 0, 0, 0, "Reply-To address of messages that have none"},
    {"ReplyToName", PARAM_TEXT, false, 0, 0, 0, 255, "Name beside it"},
};
static const struct refusal add_refusals[] = {
    {1, 0, "Required field 'DomainID' is missing."},
    {2, 404, "Unable to retrieve the sender domain."},
};
static const struct param relay_params[] = {
    {"SMTPUsername", PARAM_TEXT, true, 1, 3, 0, 320, "The SMTP user's name"},
    {"SMTPPassword", PARAM_SECRET, true, 2, 3, 0, 128, "The SMTP user's password"},
    {"UUID", PARAM_TEXT, false, 0, 0, 0, 128, "The relay's own id of the message: under one id a message is accepted once"},
    {"MailFrom", PARAM_TEXT, false, 0, 0, 0, 320, "Sender of the envelope; not used, the gateway has its own return path"},
    {"RcptTo", PARAM_CONTENT, false, 0, 0, 0, 0, "Recipients, a comma list; those of To, Cc and Bcc when absent"},
    {"RawEmail", PARAM_CONTENT, false, 0, 0, 0, 0, "The message, RFC 5322; without it the password alone is judged"},
};
static const struct refusal relay_refusals[] = {
    {1, 0, "Missing SMTPUsername"},
    {2, 0, "Missing SMTPPassword"},
    {3, 0, "Invalid SMTP credentials"},
    {4, 0, "Invalid sender domain"},
    {5, 0, "Sender domain is not active"},
    {6, 0, "Invalid user account"},
    {7, 0, "User is not trusted or not enabled"},
    {8, 0, "Recipient email address is suppressed"},
    {9, 0, "Maximum number of TO addresses exceeded"},
    {12, 0, "Email send rate limit reached"},
    {13, 0, "Email delivery credit limit reached"},
};
static const struct param list_params[] = {
    {"DomainID", PARAM_ID, true, 1, 2, 0, 0, "Sender domain"},
};
static const struct refusal list_refusals[] = {
    {1, 0, "Missing required parameter 'DomainID'."},
    {2, 404, "Unable to retrieve sender domain details."},
};
static const struct param id_params[] = {
    {"smtpid", PARAM_ID, true, 1, 2, 0, 0, "SMTP user"},
};
static const struct refusal delete_refusals[] = {
    {1, 0, "Required field is missing"},
    {2, 404, "SMTP configuration not found or user does not have permission"},
};
static const struct refusal reset_refusals[] = {
    {1, 0, "Missing required parameter 'smtpid'"},
    {2, 404, "SMTP configuration not found or access denied"},
};

#define SMTP_USER                                                                                                                \
    "\"SMTPID\":\"9\",\"DomainID\":\"123\",\"Username\":\"k3v9q2xw@example.com\",\"Password\":\"********\","                     \
    "\"SMTPUsername\":\"k3v9q2xw@example.com\",\"SMTPPassword\":\"********\",\"FromEmail\":\"from@example.com\","                \
    "\"FromName\":\"Example Sender\",\"ReplyToEmail\":\"reply-to@example.com\",\"ReplyToName\":\"Example "                       \
    "Reply\",\"IsActive\":true,"                                                                                                 \
    "\"CreatedAt\":\"2026-01-31 "                                                                                                \
    "09:00:00\",\"LastUsedDate\":\"\",\"SMTPHost\":\"smtp.example.com\",\"SMTPPorts\":[\"25\",\"587\",\"465\"],"                 \
    "\"OtherSMTPInfo\":\"Connect with STARTTLS.\""

static const struct operation rows[] = {
    {"EmailGateway.AddSMTP", STYLE_COMMAND, CALLER_USER,
     .sentence = "Make an SMTP user for a domain; its password is shown in this answer alone", LIST_OF(add_params, add_refusals),
     .steps = {{STEP_WRITER, smtp_calls_add}}, .request = "{\"DomainID\":\"123\"}",
     .answer = "{\"NewSMTPID\":\"9\",\"SMTP\":{" SMTP_USER "}}"},
    {"EmailGateway.GetSMTPs", STYLE_COMMAND, CALLER_USER, .sentence = "The SMTP users of a domain; passwords are masked",
     LIST_OF(list_params, list_refusals), .steps = {{STEP_READER, smtp_calls_list}}, .request = "{\"DomainID\":123}",
     .answer = "{\"SMTPs\":[{" SMTP_USER "}]}"},
    {"EmailGateway.DeleteSMTP", STYLE_COMMAND, CALLER_USER, .sentence = "Delete an SMTP user, who is refused from then on",
     LIST_OF(id_params, delete_refusals), .steps = {{STEP_WRITER, smtp_calls_delete}}, .request = "{\"smtpid\":\"9\"}",
     .answer = "{}"},
    {"EmailGateway.ResetSMTPPassword", STYLE_COMMAND, CALLER_USER,
     .sentence = "Give an SMTP user another password, shown in this answer alone", LIST_OF(id_params, reset_refusals),
     .steps = {{STEP_WRITER, smtp_calls_reset}}, .request = "{\"smtpid\":\"9\"}",
     .answer = "{\"SMTP\":{\"Server\":\"smtp.example.com\",\"Port\":587," SMTP_USER "}}"},
    {"EmailGateway.SmtpRelay", STYLE_COMMAND, CALLER_ADMIN, .body_max = OPERATION_BODY_SEND,
     .sentence = "Judge an SMTP user's password for a relay of your own, and send what he submitted to it",
     LIST_OF(relay_params, relay_refusals), .takes_room = true,
     .steps = {{STEP_SIZED, smtp_relay_check},
               {STEP_READER, smtp_relay_login},
               {STEP_SIZED, smtp_relay_make},
               {STEP_WRITER, smtp_relay_store},
               {STEP_LOOP, smtp_relay_offer}},
     .request =
         "{\"SMTPUsername\":\"k3v9q2xw@example.com\",\"RcptTo\":\"recipient@example.org\","
         "\"RawEmail\":\"From: sender@example.com\\r\\nTo: recipient@example.org\\r\\nSubject: Test\\r\\n\\r\\nHello\\r\\n\"}",
     .answer =
         "{\"SMTPUsername\":\"k3v9q2xw@example.com\",\"SenderDomain\":\"example.com\",\"SMTPResponse?\":\"250 2.0.0 Ok: queued\","
         "\"MessageID?\":\"0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b\",\"Suppressed?\":[\"a@example.org\"]}"},
};
const struct operation_table smtp_table = {"SMTP users", rows, sizeof rows / sizeof rows[0], "Who may submit by SMTP"};
