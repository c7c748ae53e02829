/* command.c - the table of verbs and the little engine behind it.
 *
 * A row names the operation, how words of the command line become its parameters, and how its answer reads: `say` is a sentence
 * with {Field}s, `rows` names a list of the answer printed as a table of `columns`, `raw` a base64 field printed as bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "app/command.h"

#include "app/control.h"
#include "base/encode.h"
#include "proto/json/json_write.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum verb_input { INPUT_NONE, INPUT_PASSWORD, INPUT_MESSAGE };
#define INPUT_MESSAGE_MAX (40u << 20) /* bytes of a message on standard input */

/* How a word of the command line is sent. */
enum word_kind {
    WORD_TEXT,
    WORD_LIST, /* a comma list, as an array */
    WORD_FILE, /* names a file ("-": standard input): its content */
    WORD_JSON, /* names a file that holds JSON: its value */
};
#define WORD_FILE_MAX (16u << 20)

struct verb_option {
    const char *flag;      /* "--email"; "active=": a word active=VALUE */
    const char *parameter; /* "Email" */
    const char *value;     /* "E" in help; NULL: a switch, sent as true */
    bool required;
    const char *sentence;
    enum word_kind kind;
    const char *initial; /* sent when the option is not given */
};

struct verb {
    const char *words;     /* "account create" */
    const char *operation; /* "User.Create" */
    const char *summary;
    const char *argument; /* the positional's name in help, NULL without one */
    const char *parameter;
    enum word_kind argument_kind;
    struct verb_option options[9];
    enum verb_input input;
    const char *object; /* what `say` looks into, and `rows` if it is in there; NULL: the answer itself */
    const char *say;
    const char *rows, *columns;
    const char *raw;
};

#define GROUP_LIMITS                                                                                                             \
    {"domains=", "LimitEmailGatewaySenderDomains", "N", false, "Sender domains of an account; 0 is no limit, as for all."},      \
        {"sends_per_second=", "LimitEmailSendPerSecond", "N", false, "Recipients an account may send to each second."},          \
        {"sends_per_day=", "LimitEmailSendPerDay", "N", false, "... each day, UTC."},                                            \
        {"sends_per_month=", "LimitEmailSendPerPeriod", "N", false, "... each month, UTC."},                                     \
        {"recipients=", "LimitRecipients", "N", false, "Recipients of one message."},                                            \
        {"bcc=", "LimitBCC", "N", false, "BCC recipients of one message."}, {                                                    \
        "reply_to=", "LimitReplyTo", "N", false, "Reply-To addresses of one message."                                            \
    }
#define GROUP_NAMED(operation_) .operation = operation_, .argument = "NAME", .parameter = "UserGroup"
#define GROUP_SHOWN                                                                                                              \
    .object = "UserGroup",                                                                                                       \
    .say = "Group: {GroupName} (UserGroupID {UserGroupID}, accounts: {Users})\nDomains: {LimitEmailGatewaySenderDomains}\n"      \
           "Sends: {LimitEmailSendPerSecond} a second, {LimitEmailSendPerDay} a day, {LimitEmailSendPerPeriod} a month\n"        \
           "Of one message: {LimitRecipients} recipients, {LimitBCC} BCC, {LimitReplyTo} Reply-To\n"

static const struct verb verbs[] = {
    {.words = "account create",
     .operation = "User.Create",
     .summary = "Make an account; the password comes from standard input.",
     .options = {{"--email", "EmailAddress", "E", true, "The account's e-mail address."},
                 {"--admin", "IsAdmin", NULL, false, "It may call admin commands."},
                 {"--password-stdin", "", NULL, true, "Read the password from standard input (the only way to give it)."}},
     .input = INPUT_PASSWORD,
     .say = "Account {EmailAddress} is made (UserID {UserID}).\nIts API key, shown only now: {APIKey}\n"},
    {.words = "account list",
     .operation = "Users.Get",
     .summary = "List accounts.",
     .options = {{"--group", "UserGroup", "NAME", false, "Only those in this group."},
                 {"--search", "SearchKeyword", "TEXT", false, "Only those whose address holds this."},
                 {"--skip", "RecordsFrom", "N", false, "Leave out so many."},
                 {"--limit", "RecordsPerRequest", "N", false, "At most so many; 25 otherwise."}},
     .say = "Accounts: {TotalUsers}\n",
     .rows = "Users",
     .columns = "UserID EmailAddress GroupName AccountStatus IsVerified IsAdmin"},
    {.words = "account show",
     .operation = "User.Get",
     .summary = "Show an account.",
     .argument = "EMAIL",
     .parameter = "EmailAddress",
     .object = "UserInformation",
     .say =
         "Account: {EmailAddress} (UserID {UserID})\nName: {FirstName} {LastName}\nGroup: {GroupName}\nStatus: {AccountStatus}\n"
         "Verified: {IsVerified}\nAdministrator: {IsAdmin}\nSecond factor: {2FA_Enabled}\nSince: {UserSince}\n"},
    {.words = "account set",
     .operation = "User.Update",
     .summary = "Change an account; takes effect at once.",
     .argument = "EMAIL",
     .parameter = "Account",
     .options = {{"active=", "IsActive", "yes|no", false, "Whether it may log in and send."},
                 {"verified=", "IsVerified", "yes|no", false, "Whether its address counts as proved; if not, it cannot send."},
                 {"group=", "UserGroup", "NAME", false, "The group whose limits hold for it."},
                 {"admin=", "IsAdmin", "yes|no", false, "Whether it administrates."},
                 {"totp=", "TwoFactor", "off", false, "Switch its second factor off, for whoever lost the device."},
                 {"email=", "EmailAddress", "E", false, "A new address."},
                 {"first_name=", "FirstName", "TEXT", false, "First name."},
                 {"last_name=", "LastName", "TEXT", false, "Last name."}},
     .object = "UserInfo",
     .say =
         "Account {EmailAddress}: {AccountStatus}, group {GroupName}; verified: {IsVerified}, administrator: {IsAdmin}, second "
         "factor: {2FA_Enabled}.\n"},
    {.words = "account password",
     .operation = "User.Update",
     .summary = "Set an account's password, from standard input; ends its sessions.",
     .argument = "EMAIL",
     .parameter = "Account",
     .options = {{"--password-stdin", "", NULL, true, "Read the password from standard input (the only way to give it)."}},
     .input = INPUT_PASSWORD,
     .object = "UserInfo",
     .say = "The password of {EmailAddress} is set.\n"},
    {.words = "account delete",
     .operation = "User.Delete",
     .summary = "Delete an account that has no sender domains.",
     .argument = "EMAIL",
     .parameter = "EmailAddress",
     .say = "The account is deleted.\n"},
    {.words = "group add",
     .operation = "UserGroup.Create",
     .summary = "Make a group of accounts with limits of its own.",
     .argument = "NAME",
     .parameter = "GroupName",
     .options = {GROUP_LIMITS},
     .object = "UserGroup",
     .say = "Group {GroupName} is made (UserGroupID {UserGroupID}).\n"},
    {.words = "group list",
     .operation = "UserGroups.Get",
     .summary = "List groups and their limits; 0 is no limit.",
     .rows = "UserGroups",
     .columns = "UserGroupID GroupName Users LimitEmailGatewaySenderDomains LimitEmailSendPerSecond LimitEmailSendPerDay "
                "LimitEmailSendPerPeriod LimitRecipients"},
    {.words = "group show", GROUP_NAMED("UserGroup.Get"), .summary = "Show a group and its limits; 0 is no limit.", GROUP_SHOWN},
    {.words = "group set",
     GROUP_NAMED("UserGroup.Update"),
     .summary = "Change a group's limits; they hold at once for every account in it.",
     .options = {GROUP_LIMITS, {"name=", "GroupName", "NAME", false, "A new name."}},
     GROUP_SHOWN},
    {.words = "group delete",
     GROUP_NAMED("UserGroup.Delete"),
     .summary = "Delete a group that no account is in.",
     .say = "The group is deleted.\n"},
    {.words = "user-key add",
     .operation = "User.APIKey.Create",
     .summary = "Make an API key of an account (for one of a domain: key add).",
     .argument = "EMAIL",
     .parameter = "Account",
     .options = {{"--note", "Note", "TEXT", true, "What the key is for."},
                 {"--from", "BoundIPAddress", "A,B", false, "Addresses or networks it may be used from; anywhere otherwise."},
                 {"--admin", "IsAdmin", NULL, false, "It may call admin commands, if the account administrates."}},
     .object = "APIKey",
     .say = "The key, shown only now: {APIKey}\n"},
    {.words = "user-key list",
     .operation = "User.APIKey.List",
     .summary = "List an account's API keys.",
     .argument = "EMAIL",
     .parameter = "Account",
     .rows = "APIKeys",
     .columns = "APIKeyID IsAdmin CreatedAt LastUsedAt LastUsedIP BoundIPAddress Note"},
    {.words = "user-key delete",
     .operation = "User.APIKey.Delete",
     .summary = "Delete an API key of an account.",
     .argument = "ID",
     .parameter = "APIKeyID",
     .options = {{"--account", "Account", "E", false, "The account's address; needed when there are several."}},
     .say = "The key is deleted.\n"},
    {.words = "domain add",
     .operation = "EmailGateway.AddDomain",
     .summary = "Add a sender domain to an account.",
     .argument = "NAME",
     .parameter = "DomainName",
     .options = {{"--account", "Account", "E", false, "The account's address; needed when there are several."},
                 {"--subdomain", "Subdomain", "LABEL", false, "Host of the return path; mail otherwise."},
                 {"--track-prefix", "TrackPrefix", "LABEL", false, "Host of tracking below it; track otherwise."},
                 {"--hosting-provider", "HostingProvider", "NAME", false, "Who hosts its DNS; picks the instructions."}},
     .say = "Domain {DomainName} is added (DomainID {DomainID}). Publish these records, then verify it:\n{Instructions}\n",
     .rows = "DNSRecords",
     .columns = "Type Host Value"},
    {.words = "domain list",
     .operation = "Operator.DomainList",
     .summary = "List sender domains.",
     .options = {{"--account", "Account", "E", false, "Only this account's."}},
     .rows = "Domains",
     .columns = "DomainID DomainName Status UserID"},
    {.words = "domain show",
     .operation = "EmailGateway.GetDomain",
     .summary = "Show a domain's standing and the DNS records to publish.",
     .argument = "NAME",
     .parameter = "Domain",
     .options = {{"--account", "Account", "E", false, "The account's address; needed when several have the domain."}},
     .object = "Domain",
     .say = "Domain {DomainName} (DomainID {DomainID}): {Status}, {VerificationStatus}, checked at {CheckedAt}\n"
            "Link tracking: {LinkTracking}, open tracking: {OpenTracking}, unsubscribe link: {UnsubscribeLink}\n",
     .rows = "DNSRecords",
     .columns = "Type Host Value Verified"},
    {.words = "domain verify",
     .operation = "EmailGateway.VerifyDomain",
     .summary = "Look a domain's DNS records up now.",
     .argument = "NAME",
     .parameter = "Domain",
     .options = {{"--account", "Account", "E", false, "The account's address; needed when several have the domain."}},
     .object = "Domain",
     .say = "Domain {DomainName}: {Status}, {VerificationStatus}\n",
     .rows = "DNSVerificationResults",
     .columns = "Verified Required Type Host Why"},
    {.words = "domain update",
     .operation = "EmailGateway.UpdateDomain",
     .summary = "Change settings and host names of a domain.",
     .argument = "NAME",
     .parameter = "Domain",
     .options = {{"--link-tracking", "LinkTracking", "yes|no", false, "Whether links are tracked."},
                 {"--open-tracking", "OpenTracking", "yes|no", false, "Whether opens are tracked."},
                 {"--unsubscribe-link", "UnsubscribeLink", "yes|no", false, "Whether an unsubscribe link is added."},
                 {"--hosting-provider", "HostingProvider", "NAME", false, "Who hosts its DNS; picks the instructions."},
                 {"--subdomain", "Subdomain", "LABEL", false, "Host of the return path; must be verified again."},
                 {"--track-prefix", "TrackPrefix", "LABEL", false, "Host of tracking; must be verified again."},
                 {"--account", "Account", "E", false, "The account's address; needed when several have the domain."}},
     .object = "Domain",
     .say = "Domain {DomainName}: {Status}, {VerificationStatus}\n",
     .rows = "DNSRecords",
     .columns = "Type Host Value Verified"},
    {.words = "domain delete",
     .operation = "EmailGateway.DeleteDomain",
     .summary = "Fail what waits in a domain's queue, and delete it with its keys, SMTP users and webhooks.",
     .argument = "NAME",
     .parameter = "Domain",
     .options = {{"--account", "Account", "E", false, "The account's address; needed when several have the domain."}},
     .say = "The domain is deleted; of its queue {Cleared} failed.\n"},
    {.words = "domain enable",
     .operation = "Operator.DomainEnable",
     .summary = "Let a domain send whatever its DNS says; stands until disable.",
     .argument = "NAME",
     .parameter = "Name",
     .options = {{"--account", "Account", "E", false, "The account's address; needed when several have the domain."}},
     .say = "Domain {DomainName} is enabled.\n"},
    {.words = "domain disable",
     .operation = "Operator.DomainDisable",
     .summary = "Take the operator's override back and stop the domain from sending.",
     .argument = "NAME",
     .parameter = "Name",
     .options = {{"--account", "Account", "E", false, "The account's address; needed when several have the domain."}},
     .say = "Domain {DomainName} is disabled.\n"},
    {.words = "key add",
     .operation = "EmailGateway.AddAPI",
     .summary = "Make a sender key for a domain.",
     .options = {{"--domain", "Domain", "NAME", true, "The sender domain."},
                 {"--account", "Account", "E", false, "The account's address; needed when several have the domain."},
                 {"--description", "Description", "TEXT", false, "What the key is for.", .initial = "made by the operator"},
                 {"--permissions", "Permissions", "A,B", false, "Some of send, events, webhooks; all otherwise."}},
     .object = "APIKey",
     .say = "Key {KeyID} of domain {DomainID}:\n{Key}\n"},
    {.words = "key list",
     .operation = "EmailGateway.GetAPIs",
     .summary = "List a domain's sender keys.",
     .options = {{"--domain", "Domain", "NAME", true, "The sender domain."},
                 {"--account", "Account", "E", false, "The account's address; needed when several have the domain."}},
     .rows = "APIKeys",
     .columns = "KeyID Key Permissions Description CreationDate LastUsedDate"},
    {.words = "key replace",
     .operation = "EmailGateway.ReplaceAPI",
     .summary = "Make a sender key in place of another, which ends at once; without ID, of all of the domain.",
     .options = {{"--domain", "Domain", "NAME", true, "The sender domain."},
                 {"--id", "ApiKeyId", "ID", false, "The key that ends; every key of the domain otherwise."},
                 {"--account", "Account", "E", false, "The account's address; needed when several have the domain."},
                 {"--description", "Description", "TEXT", false, "What the key is for.", .initial = "made by the operator"}},
     .object = "APIKey",
     .say = "Key {KeyID} of domain {DomainID}:\n{Key}\n"},
    {.words = "key delete",
     .operation = "EmailGateway.DeleteAPI",
     .summary = "Delete a sender key.",
     .argument = "ID",
     .parameter = "ApiKeyId",
     .options = {{"--account", "Account", "E", false, "The account's address; needed when there are several."}},
     .say = "The key is deleted.\n"},
    {.words = "smtp-user add",
     .operation = "EmailGateway.AddSMTP",
     .summary = "Make an SMTP user for a domain; its password is shown once.",
     .options = {{"--domain", "Domain", "NAME", true, "The sender domain."},
                 {"--account", "Account", "E", false, "The account's address; needed when several have the domain."},
                 {"--from", "FromEmail", "E", false, "From of messages that have none."},
                 {"--from-name", "FromName", "TEXT", false, "Name beside it."},
                 {"--reply-to", "ReplyToEmail", "E", false, "Reply-To of messages that have none."}},
     .object = "SMTP",
     .say = "SMTP user {SMTPID} on {SMTPHost}, ports {SMTPPorts}\nUser name: {Username}\nPassword:  {Password}\n"},
    {.words = "smtp-user list",
     .operation = "EmailGateway.GetSMTPs",
     .summary = "List a domain's SMTP users.",
     .options = {{"--domain", "Domain", "NAME", true, "The sender domain."},
                 {"--account", "Account", "E", false, "The account's address; needed when several have the domain."}},
     .rows = "SMTPs",
     .columns = "SMTPID Username FromEmail IsActive LastUsedDate"},
    {.words = "smtp-user reset",
     .operation = "EmailGateway.ResetSMTPPassword",
     .summary = "Give an SMTP user another password, shown once.",
     .argument = "ID",
     .parameter = "smtpid",
     .options = {{"--account", "Account", "E", false, "The account's address; needed when there are several."}},
     .object = "SMTP",
     .say = "User name: {Username}\nPassword:  {Password}\n"},
    {.words = "smtp-user delete",
     .operation = "EmailGateway.DeleteSMTP",
     .summary = "Delete an SMTP user.",
     .argument = "ID",
     .parameter = "smtpid",
     .options = {{"--account", "Account", "E", false, "The account's address; needed when there are several."}},
     .say = "The SMTP user is deleted.\n"},
    {.words = "webhook add",
     .operation = "EmailGateway.AddWebhook",
     .summary = "Have a URL called for events of a domain.",
     .argument = "URL",
     .parameter = "WebhookURL",
     .options = {{"--domain", "Domain", "NAME", true, "The sender domain."},
                 {"--event", "Event", "A,B", true, "Events to call it for: delivery, bounce, open ..."},
                 {"--account", "Account", "E", false, "The account's address; needed when several have the domain."}},
     .say = "Webhook {NewWebhookID} is added.\n"},
    {.words = "webhook list",
     .operation = "EmailGateway.GetWebhooks",
     .summary = "List a domain's webhooks, and the key that signs their calls.",
     .options = {{"--domain", "Domain", "NAME", true, "The sender domain."},
                 {"--account", "Account", "E", false, "The account's address; needed when several have the domain."}},
     .say = "Signing key: {SigningKey}\n",
     .rows = "Webhooks",
     .columns = "WebhookID Status Events URL"},
    {.words = "webhook delete",
     .operation = "EmailGateway.DeleteWebhook",
     .summary = "Delete a webhook.",
     .argument = "ID",
     .parameter = "WebhookID",
     .options = {{"--domain", "Domain", "NAME", true, "The sender domain."},
                 {"--account", "Account", "E", false, "The account's address; needed when several have the domain."}},
     .say = "The webhook is deleted.\n"},
    {.words = "event list",
     .operation = "EmailGateway.GetEvents",
     .summary = "Show what happened to a domain's mail, newest first.",
     .options = {{"--domain", "Domain", "NAME", true, "The sender domain."},
                 {"--account", "Account", "E", false, "The account's address; needed when several have the domain."},
                 {"--query", "Query", "TEXT", false, "Search: words, field:value, AND OR NOT, brackets, date:[A TO B]."},
                 {"--event", "Event", "A,B", false, "Only these: send, delivery, bounce, deferred, failed, open ..."},
                 {"--from", "StartDate", "DATE", false, "From this day or \"YYYY-MM-DD HH:MM:SS\", UTC."},
                 {"--to", "EndDate", "DATE", false, "To this day or second, included."},
                 {"--skip", "StartFrom", "N", false, "Leave out the newest N.", .initial = "0"},
                 {"--limit", "RetrieveCount", "N", false, "At most so many, up to 100; 50 otherwise.", .initial = "50"}},
     .say = "{TotalRecords} events.\n",
     .rows = "Events",
     .columns = "timestamp event_type recipient event_id"},
    {.words = "stats show",
     .operation = "EmailGateway.DomainStats",
     .summary = "Count what became of a domain's mail; 28 days to today unless told otherwise.",
     .options = {{"--domain", "Domain", "NAME", true, "The sender domain."},
                 {"--account", "Account", "E", false, "The account's address; needed when several have the domain."},
                 {"--from", "StartDate", "DATE", false, "First day, UTC."},
                 {"--to", "EndDate", "DATE", false, "Last day, included."}},
     .object = "Stats",
     .say = "Sent          {Sent}\nDelivered     {Delivered} ({DeliveryRate} %)\nBounced       {Bounced} ({BounceRate} %), hard "
            "{HardBounced}, soft {SoftBounced}\nFailed        {Failed}\nDeferred      {Deferred} attempts\nSuppressed    "
            "{Suppressed}\nOpened        {Opened} ({OpenRate} %), {OpenedTotal} times\nClicked       {Clicked} ({ClickRate} %), "
            "{ClickedTotal} times\nUnsubscribed  {Unsubscribed}\nComplained    {Complained}\n"},
    {.words = "stats top",
     .operation = "EmailGateway.AggrEvents",
     .summary = "Count a domain's events by a field, biggest first.",
     .options = {{"--domain", "Domain", "NAME", true, "The sender domain."},
                 {"--account", "Account", "E", false, "The account's address; needed when several have the domain."},
                 {"--field", "AggregatedField", "F", false, "recipientDomain, tag, smtpCode, day ...; eventType otherwise."},
                 {"--query", "Query", "TEXT", false, "Only events that this search finds."},
                 {"--event", "Event", "A,B", false, "Only these: send, delivery, bounce ..."},
                 {"--from", "StartDate", "DATE", false, "From this day or \"YYYY-MM-DD HH:MM:SS\", UTC."},
                 {"--to", "EndDate", "DATE", false, "To this day or second, included."},
                 {"--limit", "AggregateSize", "N", false, "At most so many, up to 1000; 10 otherwise."}},
     .rows = "AggBuckets",
     .columns = "doc_count key"},
    {.words = "template list",
     .operation = "UserEmailTemplate.List",
     .summary = "List the templates of an account.",
     .options = {{"--limit", "Limit", "N", false, "At most so many; 25 otherwise."},
                 {"--skip", "Offset", "N", false, "Leave so many out."},
                 {"--account", "Account", "E", false, "The account's address; needed when there are several."}},
     .say = "{TotalEmailTemplateCount} templates.\n",
     .rows = "EmailTemplates",
     .columns = "TemplateID Version UpdatedAt Name Subject"},
    {.words = "template show",
     .operation = "UserEmailTemplate.Get",
     .summary = "Show a template with its contents.",
     .argument = "ID",
     .parameter = "EmailID",
     .options = {{"--version", "Version", "N", false, "One of its versions; the one in use otherwise."},
                 {"--account", "Account", "E", false, "The account's address; needed when there are several."}},
     .object = "EmailTemplate",
     .say = "Template {TemplateID}: {Name}\nVersion {Version} of {UpdatedAt}\nSubject: "
            "{Subject}\n\n{HTMLContent}\n{PlainContent}\n"},
    {.words = "template add",
     .operation = "UserEmailTemplate.Create",
     .summary = "Make a template.",
     .argument = "NAME",
     .parameter = "EmailName",
     .options = {{"--subject", "Subject", "TEXT", true, "The subject line."},
                 {"--html", "HTMLContent", "FILE", false, "The HTML part.", WORD_FILE},
                 {"--text", "PlainContent", "FILE", false, "The plain text part.", WORD_FILE},
                 {"--account", "Account", "E", false, "The account's address; needed when there are several."}},
     .say = "Template {EmailID} is made.\n"},
    {.words = "template update",
     .operation = "UserEmailTemplate.Update",
     .summary = "Change a template, which makes a new version.",
     .argument = "ID",
     .parameter = "EmailID",
     .options = {{"--name", "EmailName", "TEXT", false, "Its new name."},
                 {"--subject", "Subject", "TEXT", false, "The subject line."},
                 {"--html", "HTMLContent", "FILE", false, "The HTML part.", WORD_FILE},
                 {"--text", "PlainContent", "FILE", false, "The plain text part.", WORD_FILE},
                 {"--account", "Account", "E", false, "The account's address; needed when there are several."}},
     .object = "EmailTemplate",
     .say = "Template {TemplateID} is in use in version {Version}.\n"},
    {.words = "template delete",
     .operation = "UserEmailTemplate.Delete",
     .summary = "Delete a template with all its versions.",
     .argument = "ID",
     .parameter = "EmailID",
     .options = {{"--account", "Account", "E", false, "The account's address; needed when there are several."}},
     .say = "The template is deleted.\n"},
    {.words = "template preview",
     .operation = "UserEmailTemplate.Preview",
     .summary = "Render a template with sample values.",
     .argument = "ID",
     .parameter = "EmailTemplateID",
     .options = {{"--data", "Data", "FILE", false, "The values: a JSON object.", WORD_JSON},
                 {"--account", "Account", "E", false, "The account's address; needed when there are several."}},
     .say = "Subject: {Subject}\n\n{HTMLContent}\n{PlainContent}\n"},
    {.words = "suppression list",
     .operation = "Suppression.Browse",
     .summary = "List whom an account must not write to.",
     .options = {{"--search", "SearchPattern", "PATTERN", false, "Addresses like jo* or *@example.com only."},
                 {"--list", "ListID", "ID", false, "Entries of this list of subscribers, not the account's own."},
                 {"--after", "AfterID", "ID", false, "Only entries behind this one."},
                 {"--limit", "RetrieveCount", "N", false, "At most so many; 100 otherwise."},
                 {"--account", "Account", "E", false, "The account's address; needed when there are several."}},
     .say = "{TotalRecords} suppressed.\n",
     .rows = "Suppressions",
     .columns = "SuppressionID EmailAddress SuppressionSource CreatedAt Reason"},
    {.words = "suppression check",
     .operation = "Suppressions.Get",
     .summary = "Tell why an address is suppressed.",
     .argument = "ADDRESS",
     .parameter = "Address",
     .options = {{"--list", "ListID", "ID", false, "As for a message to this list of subscribers."},
                 {"--account", "Account", "E", false, "The account's address; needed when there are several."}},
     .rows = "MatchedScopes",
     .columns = "Scope SuppressionSource CreatedAt Reason"},
    {.words = "suppression add",
     .operation = "Suppression.Add",
     .summary = "Suppress addresses.",
     .argument = "A,B",
     .parameter = "EmailAddresses",
     .argument_kind = WORD_LIST,
     .options = {{"--source", "SuppressionSource", "S", false, "What put them there; User otherwise."},
                 {"--reason", "Reason", "TEXT", false, "Why, in words."},
                 {"--list", "ListID", "ID", false, "For this list of subscribers only."},
                 {"--account", "Account", "E", false, "The account's address; needed when there are several."}},
     .say = "{TotalImported} added.\nNo addresses: {FailedEmailAddresses}\n"},
    {.words = "suppression import",
     .operation = "Suppression.Import",
     .summary = "Suppress the addresses of a file, a line each; of CSV the first column.",
     .argument = "FILE",
     .parameter = "EmailAddressesBulk",
     .argument_kind = WORD_FILE,
     .options = {{"--source", "SuppressionSource", "S", false, "What put them there; User otherwise."},
                 {"--reason", "Reason", "TEXT", false, "Why, in words."},
                 {"--list", "ListID", "ID", false, "For this list of subscribers only."},
                 {"--account", "Account", "E", false, "The account's address; needed when there are several."}},
     .say = "{TotalImported} added, {TotalFailed} are no addresses.\n{FailedEmailAddresses}\n"},
    {.words = "suppression delete",
     .operation = "Suppression.Delete",
     .summary = "Let an address be written to again.",
     .argument = "ADDRESS",
     .parameter = "EmailAddress",
     .options = {{"--list", "ListID", "ID", false, "Its entry for this list of subscribers."},
                 {"--account", "Account", "E", false, "The account's address; needed when there are several."}},
     .say = "{TotalDeleted} taken out.\n"},
    {.words = "suppression stats",
     .operation = "Suppression.Stats",
     .summary = "Count suppressed addresses by source.",
     .options = {{"--list", "ListID", "ID", false, "Of this list of subscribers."},
                 {"--account", "Account", "E", false, "The account's address; needed when there are several."}},
     .object = "BySource",
     .say = "Administrator   {Administrator}\nUser            {User}\nSPAM complaint  {SPAM complaint}\nHard Bounced    {Hard "
            "Bounced}\n"
            "Unsubscribe     {Unsubscribe}\n"},
    {.words = "send",
     .operation = "Operator.Send",
     .summary = "Send a whole message (RFC 5322) from standard input.",
     .options = {{"--to", "Recipients", "A,B", false, "Recipients; without it those of To, Cc and Bcc.", WORD_LIST}},
     .input = INPUT_MESSAGE,
     .say = "Accepted as {MessageID}.\n"},
    {.words = "queue list",
     .operation = "Operator.QueueList",
     .summary = "Show what waits, why, and when it is tried next.",
     .options = {{"--after", "AfterID", "ID", false, "Only entries behind this one."},
                 {"--limit", "Limit", "N", false, "At most so many; 100 otherwise."}},
     .say = "{Waiting} waiting.\n",
     .rows = "Queue",
     .columns = "ID MessageID Recipient State Attempts NextTry Reason"},
    {.words = "queue clear",
     .operation = "EmailGateway.ClearDomainQueue",
     .summary = "Fail all that a sender domain has not delivered yet, scheduled mail too.",
     .argument = "DOMAIN",
     .parameter = "Domain",
     .options = {{"--account", "Account", "E", false, "The account's address; needed when several have the domain."}},
     .say = "{Cleared} failed.\n"},
    {.words = "message list",
     .operation = "Messages.List",
     .summary = "List an account's messages, newest first.",
     .options = {{"--domain", "Domain", "NAME", false, "Of this sender domain."},
                 {"--recipient", "Recipient", "A", false, "To this address."},
                 {"--state", "State", "S", false, "With a recipient that is scheduled, queued, delivered, bounced, failed ..."},
                 {"--tag", "Tag", "TAG", false, "With this tag."},
                 {"--limit", "RetrieveCount", "N", false, "At most so many; 20 otherwise."},
                 {"--cursor", "Cursor", "C", false, "Go on where the page before ended."},
                 {"--account", "Account", "E", false, "The account's address; needed when there are several."}},
     .rows = "Messages",
     .columns = "MessageID CreatedAt RecipientCount From Subject",
     .say = "Next: {Cursor}\n"},
    {.words = "message show",
     .operation = "Messages.Get",
     .summary = "Show a message and how its recipients stand.",
     .argument = "ID",
     .parameter = "MessageID",
     .options = {{"--account", "Account", "E", false, "The account's address; needed when there are several."}},
     .object = "Message",
     .say =
         "From: {From}\nSubject: {Subject}\nTags: {Tags}\nAccepted: {CreatedAt}\nEnd of its life: {ExpiresAt}\nBytes: {Size}\n",
     .rows = "Recipients",
     .columns = "Recipient State Attempts NextTry Reason"},
    {.words = "message cancel",
     .operation = "Messages.Cancel",
     .summary = "Cancel a message that waits for its time.",
     .argument = "ID",
     .parameter = "MessageID",
     .options = {{"--account", "Account", "E", false, "The account's address; needed when there are several."}},
     .say = "{Cancelled} cancelled.\n"},
    {.words = "message move",
     .operation = "Messages.Move",
     .summary = "Give a message that waits for its time another one.",
     .argument = "ID",
     .parameter = "MessageID",
     .options = {{"--at", "SendAt", "TIME", true, "Unix time or \"YYYY-MM-DD HH:MM:SS\", UTC, up to 30 days ahead."},
                 {"--account", "Account", "E", false, "The account's address; needed when there are several."}},
     .say = "{Moved} moved to {SendAt}.\n"},
    {.words = "inbox list",
     .operation = "Operator.InboxList",
     .summary = "List the newest messages of the sandbox inbox.",
     .options = {{"--before", "BeforeID", "ID", false, "Only messages before this one."},
                 {"--limit", "Limit", "N", false, "At most so many; 20 otherwise."}},
     .rows = "Messages",
     .columns = "ID ReceivedAt Recipients Subject"},
    {.words = "inbox show",
     .operation = "Operator.InboxShow",
     .summary = "Read a message of the inbox, decoded.",
     .argument = "ID",
     .parameter = "ID",
     .object = "Message",
     .say = "From: {From}\nTo: {To}\nCc: {CC}\nSubject: {Subject}\nDate: {Date}\nEnvelope: {EnvelopeFrom} -> "
            "{Recipients}\n\n{PlainContent}\n{HtmlContent}\n",
     .rows = "Attachments",
     .columns = "filename type size"},
    {.words = "inbox raw",
     .operation = "Operator.InboxRaw",
     .summary = "Print a message of the inbox byte for byte.",
     .argument = "ID",
     .parameter = "ID",
     .raw = "Content"},
};
#define VERB_COUNT (sizeof verbs / sizeof verbs[0])

/* How many words of `words` stand at the start of args; 0 when not all do. */
static int words_match(const char *words, char **args, int count) {
    struct str rest = str_from_z(words), word;
    int n = 0;
    while (str_next(&rest, ' ', &word)) {
        if (n == count || !str_eq(word, str_from_z(args[n]))) return 0;
        n++;
    }
    return n;
}

const struct verb *verb_find(char ***args, int *count) {
    for (size_t i = 0; i < VERB_COUNT; i++) {
        int n = words_match(verbs[i].words, *args, *count);
        if (n == 0) continue;
        *args += n;
        *count -= n;
        return &verbs[i];
    }
    return NULL;
}

static bool in_group(const struct verb *verb, const char *group) {
    size_t n = strlen(group);
    return strncmp(verb->words, group, n) == 0 && verb->words[n] == ' ';
}

bool verb_is_group(const char *word) {
    for (size_t i = 0; i < VERB_COUNT; i++)
        if (in_group(&verbs[i], word)) return true;
    return false;
}

void verb_list(FILE *out, const char *group) {
    for (size_t i = 0; i < VERB_COUNT; i++)
        if (!group || in_group(&verbs[i], group)) fprintf(out, "  %-18s %s\n", verbs[i].words, verbs[i].summary);
}

/* Given as a word NAME=VALUE. */
static bool is_setting(const struct verb_option *o) {
    return str_ends(str_from_z(o->flag), STR("="));
}

void verb_help(FILE *out, const struct verb *verb) {
    fprintf(out, "posthorn %s%s%s", verb->words, verb->argument ? " " : "", verb->argument ? verb->argument : "");
    for (const struct verb_option *o = verb->options; o->flag; o++)
        fprintf(out, o->required ? " %s%s%s" : " [%s%s%s]", o->flag, o->value && !is_setting(o) ? " " : "",
                o->value ? o->value : "");
    fprintf(out, " [--json] [-c FILE] [-o section.key=value]\n\n%s\n", verb->summary);
    for (const struct verb_option *o = verb->options; o->flag; o++) {
        if (o == verb->options) fputc('\n', out);
        fprintf(out, "  %s%s%-*s  %s\n", o->flag, is_setting(o) ? "" : " ", (int)(is_setting(o) ? 21 : 20) - (int)strlen(o->flag),
                o->value ? o->value : "", o->sentence);
    }
}

static int usage(const struct verb *verb, const char *what, const char *which) {
    fprintf(stderr, "posthorn %s: %s%s\nTry: posthorn %s --help\n", verb->words, what, which, verb->words);
    return EXIT_USAGE;
}

/* *ret_value: what stands in the same word. */
static const struct verb_option *find_option(const struct verb *verb, const char *word, const char **ret_value) {
    *ret_value = NULL;
    for (const struct verb_option *o = verb->options; o->flag; o++) {
        size_t n = strlen(o->flag);
        if (is_setting(o) && strncmp(o->flag, word, n) == 0) {
            *ret_value = word + n;
            return o;
        }
        if (strcmp(o->flag, word) == 0) return o;
    }
    return NULL;
}

static void add_list(struct json_writer *w, struct str list) {
    struct str part;
    json_open_array(w);
    while (str_next(&list, ',', &part)) json_str(w, str_trim(part));
    json_close_array(w);
}

static bool read_all(int fd, struct buf *out, size_t max);

static bool add_file(struct json_writer *w, const char *path, bool is_json) {
    BUF_AUTO content = {0};
    ARENA_AUTO arena = {0};
    const struct json *value;
    struct json_error error;
    int fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    bool is_read = fd >= 0 && read_all(fd, &content, WORD_FILE_MAX);
    if (fd > STDIN_FILENO) close(fd);
    if (!is_read) return false;
    if (!is_json) {
        json_str(w, buf_str(&content));
        return true;
    }
    if (!json_parse(&arena, buf_str(&content), &value, &error)) return false;
    json_value(w, value);
    return true;
}

/* 0, or the exit code. */
static int add_word(struct json_writer *w, const struct verb *verb, const char *parameter, enum word_kind kind,
                    const char *word) {
    json_key(w, str_from_z(parameter));
    if (kind == WORD_TEXT) json_z(w, word);
    if (kind == WORD_LIST) add_list(w, str_from_z(word));
    if ((kind == WORD_FILE || kind == WORD_JSON) && !add_file(w, word, kind == WORD_JSON))
        return usage(verb,
                     kind == WORD_JSON ? "cannot be read, is too long or no JSON: " : "cannot be read or is too long: ", word);
    return 0;
}

/* Put the command line's words into the request. 0, or the exit code. */
static int add_arguments(const struct verb *verb, char **args, int count, struct json_writer *w) {
    bool seen[sizeof verb->options / sizeof verb->options[0]] = {0}, have_argument = false;
    for (int i = 0; i < count; i++) {
        const char *value;
        const struct verb_option *o = find_option(verb, args[i], &value);
        if (!o && args[i][0] == '-' && args[i][1]) return usage(verb, "unknown option ", args[i]);
        if (!o) {
            if (!verb->argument || have_argument) return usage(verb, "unexpected word ", args[i]);
            int code = add_word(w, verb, verb->parameter, verb->argument_kind, args[i]);
            if (code) return code;
            have_argument = true;
            continue;
        }
        if (seen[o - verb->options]) return usage(verb, "given twice: ", o->flag);
        seen[o - verb->options] = true;
        if (o->value && !value && i + 1 == count) return usage(verb, "a value is missing after ", o->flag);
        int code = o->value ? add_word(w, verb, o->parameter, o->kind, value ? value : args[++i]) : 0;
        if (code) return code;
        if (!o->value && *o->parameter) json_add_bool(w, str_from_z(o->parameter), true);
    }
    if (verb->argument && !have_argument) return usage(verb, "missing: ", verb->argument);
    for (const struct verb_option *o = verb->options; o->flag; o++) {
        if (seen[o - verb->options]) continue;
        if (o->required) return usage(verb, "missing: ", o->flag);
        if (o->initial) json_add_z(w, str_from_z(o->parameter), o->initial);
    }
    return 0;
}

/* Read to the end, at most `max` bytes. */
static bool read_all(int fd, struct buf *out, size_t max) {
    for (;;) {
        ssize_t n = read(fd, buf_reserve(out, 65536), 65536);
        if (n < 0) return false;
        if (n == 0) return true;
        buf_grew(out, (size_t)n);
        if (out->n > max) return false;
    }
}

static int add_input(const struct verb *verb, struct json_writer *w) {
    if (verb->input == INPUT_NONE) return 0;
    SECRET_AUTO in = {0};
    size_t max = verb->input == INPUT_PASSWORD ? 4096 : INPUT_MESSAGE_MAX;
    if (!read_all(STDIN_FILENO, &in, max)) return usage(verb, "standard input cannot be read or is too long", "");
    if (verb->input == INPUT_PASSWORD) {
        struct str password = buf_str(&in);
        while (str_ends(password, STR("\n")) || str_ends(password, STR("\r"))) password.n--;
        json_add_str(w, STR("Password"), password);
        return 0;
    }
    SECRET_AUTO coded = {0};
    base64_encode(&coded, buf_str(&in));
    json_add_str(w, STR("MessageBase64"), buf_str(&coded));
    return 0;
}

static void add_scalar(struct buf *out, const struct json *value) {
    if (!value) return;
    if (value->type == JSON_STRING || value->type == JSON_NUMBER)
        buf_add_str(out, value->text);
    else if (value->type == JSON_BOOL)
        buf_add_z(out, value->boolean ? "yes" : "no");
    else if (value->type == JSON_ARRAY)
        JSON_FOR_EACH (item, value) {
            if (item != json_first(value)) buf_add_z(out, ", ");
            add_scalar(out, item);
        }
}

/* One line of `say` with each `{Field}` replaced. A line whose fields are all empty is left out ("Cc: " of a mail without). */
static void print_line(struct buf *out, struct str line, const struct json *answer) {
    size_t start = out->n, fields = 0, filled = 0;
    for (struct str rest = line; rest.n;) {
        size_t open = str_find(rest, '{');
        buf_add_str(out, str_sub(rest, 0, open));
        if (open == STR_NONE) break;
        rest = str_sub(rest, open + 1, SIZE_MAX);
        size_t close = str_find(rest, '}'), before = out->n;
        add_scalar(out, json_find(answer, str_sub(rest, 0, close)));
        fields++;
        filled += out->n > before;
        rest = str_sub(rest, close + 1, SIZE_MAX);
    }
    if (fields && !filled)
        buf_cut(out, start);
    else
        buf_add_char(out, '\n');
}

static void print_sentence(struct buf *out, const char *say, const struct json *answer) {
    struct str rest = str_from_z(say), line;
    while (str_next(&rest, '\n', &line))
        if (rest.p || line.n) print_line(out, line, answer);
}

/* Controls and line ends of foreign text never reach the terminal; a message's text keeps its lines. */
static void print_safely(struct str text) {
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c == '\r') continue;
        fputc(c == 0x7f || (c < 0x20 && c != '\n' && c != '\t') ? '?' : c, stdout);
    }
}

#define COLUMNS_MAX 8

static void add_cell(struct buf *out, struct str text, size_t width, bool is_last) {
    buf_add_str(out, text);
    for (size_t i = text.n; !is_last && i < width + 2; i++) buf_add_char(out, ' ');
    if (is_last) buf_add_char(out, '\n');
}

/* Widths first, then the rows; the last column is not padded. */
static void print_table(struct buf *out, const struct verb *verb, const struct json *answer) {
    struct str names[COLUMNS_MAX], rest = str_from_z(verb->columns);
    size_t widths[COLUMNS_MAX] = {0}, columns = 0;
    const struct json *rows = json_find(answer, str_from_z(verb->rows));
    if (!json_first(rows)) return;
    BUF_AUTO cell = {0};
    while (columns < COLUMNS_MAX && str_next(&rest, ' ', &names[columns])) {
        widths[columns] = names[columns].n;
        JSON_FOR_EACH (row, rows) {
            buf_reset(&cell);
            add_scalar(&cell, json_find(row, names[columns]));
            if (cell.n > widths[columns]) widths[columns] = cell.n;
        }
        columns++;
    }
    for (size_t i = 0; i < columns; i++) add_cell(out, names[i], widths[i], i + 1 == columns);
    JSON_FOR_EACH (row, rows)
        for (size_t i = 0; i < columns; i++) {
            buf_reset(&cell);
            add_scalar(&cell, json_find(row, names[i]));
            add_cell(out, buf_str(&cell), widths[i], i + 1 == columns);
        }
}

static int print_raw(const struct verb *verb, const struct json *answer) {
    BUF_AUTO bytes = {0};
    if (!base64_decode(&bytes, json_find_text(answer, str_from_z(verb->raw)))) return EXIT_FAILURE;
    fwrite(bytes.p, 1, bytes.n, stdout);
    return EXIT_SUCCESS;
}

static int print_answer(const struct verb *verb, struct str text, bool as_json) {
    ARENA_AUTO arena = {0};
    const struct json *answer = NULL, *success = NULL;
    struct json_error error;
    if (json_parse(&arena, text, &answer, &error)) success = json_find(answer, STR("Success"));
    bool ok = success && success->type == JSON_BOOL && success->boolean;
    if (as_json) printf("%.*s\n", STR_ARG(text));
    if (!ok) {
        struct str why = json_find_text(answer, STR("ErrorMessage"));
        if (!as_json) fprintf(stderr, "posthorn: %.*s\n", STR_ARG(why.p ? why : STR("the gateway's answer was not understood")));
        return EXIT_FAILURE;
    }
    if (as_json) return EXIT_SUCCESS;
    if (verb->raw) return print_raw(verb, answer);
    const struct json *object = verb->object ? json_find(answer, str_from_z(verb->object)) : answer;
    BUF_AUTO out = {0};
    if (verb->say) print_sentence(&out, verb->say, object);
    if (verb->rows) print_table(&out, verb, json_find(object, str_from_z(verb->rows)) ? object : answer);
    print_safely(buf_str(&out));
    return EXIT_SUCCESS;
}

int verb_run(const struct verb *verb, char **args, int count, const struct config *c, bool as_json) {
    SECRET_AUTO request = {0};
    struct json_writer w = {.out = &request};
    json_open_object(&w);
    json_add_z(&w, STR("Command"), verb->operation);
    int code = add_arguments(verb, args, count, &w);
    if (code == 0) code = add_input(verb, &w);
    json_close_object(&w);
    if (code != 0) return code;
    SECRET_AUTO answer = {0};
    BUF_AUTO why = {0};
    if (control_ask(c, buf_str(&request), &answer, &why) != STATUS_OK) {
        fprintf(stderr, "posthorn: %.*s\n", STR_ARG(buf_str(&why)));
        return EXIT_FAILURE;
    }
    return print_answer(verb, buf_str(&answer), as_json);
}
