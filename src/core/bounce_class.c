/* bounce_class.c - the table of classes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/bounce_class.h"

#include "proto/json/json_write.h"

#define HARD true
#define SOFT false
#define FACTS(name_, hard_, suppresses_, passes_, fault_, ses_, postmark_, sparkpost_)                                           \
    { STR_INIT(name_), hard_, suppresses_, passes_, BOUNCE_FAULT_##fault_, STR_INIT(ses_), STR_INIT(postmark_), sparkpost_ }
/* clang-format off */
static const struct bounce_class_facts facts[] = {
    /*                                                                   suppresses, passes               SES, Postmark, SparkPost */
    [BOUNCE_INVALID_RECIPIENT]     = FACTS("InvalidRecipient",     HARD, true,  false, RECIPIENT, "Permanent/NoEmail", "HardBounce", 10),
    [BOUNCE_BAD_DOMAIN]            = FACTS("BadDomain",            HARD, true,  false, RECIPIENT, "Permanent/General", "HardBounce", 10),
    [BOUNCE_INACTIVE_MAILBOX]      = FACTS("InactiveMailbox",      HARD, true,  false, RECIPIENT, "Permanent/General", "HardBounce", 10),
    [BOUNCE_QUOTA_ISSUES]          = FACTS("QuotaIssues",          SOFT, false, false, RECIPIENT, "Transient/MailboxFull", "SoftBounce", 22),
    [BOUNCE_SPAM_BLOCK]            = FACTS("SpamBlock",            SOFT, false, true,  SENDER,    "Transient/General", "Blocked", 51),
    [BOUNCE_SPAM_CONTENT]          = FACTS("SpamContent",          HARD, false, false, CONTENT,   "Transient/ContentRejected", "SpamNotification", 52),
    [BOUNCE_CONTENT_RELATED]       = FACTS("ContentRelated",       HARD, false, false, CONTENT,   "Transient/ContentRejected", "SoftBounce", 25),
    [BOUNCE_PROHIBITED_ATTACHMENT] = FACTS("ProhibitedAttachment", HARD, false, false, CONTENT,   "Transient/AttachmentRejected", "SoftBounce", 53),
    [BOUNCE_VIRUS_RELATED]         = FACTS("VirusRelated",         HARD, false, false, CONTENT,   "Transient/ContentRejected", "VirusNotification", 52),
    [BOUNCE_POLICY_RELATED]        = FACTS("PolicyRelated",        HARD, false, false, POLICY,    "Transient/General", "Blocked", 25),
    [BOUNCE_AUTHENTICATION_FAILED] = FACTS("AuthenticationFailed", HARD, false, false, SENDER,    "Transient/General", "DMARCPolicy", 50),
    [BOUNCE_RELAY_DENIED]          = FACTS("RelayDenied",          HARD, false, false, POLICY,    "Transient/General", "OpenRelayTest", 54),
    [BOUNCE_RATE_LIMITED]          = FACTS("RateLimited",          SOFT, false, true,  SENDER,    "Transient/General", "Transient", 20),
    [BOUNCE_GREYLISTED]            = FACTS("Greylisted",           SOFT, false, true,  POLICY,    "Transient/General", "Transient", 70),
    [BOUNCE_DNS_FAILURE]           = FACTS("DNSFailure",           SOFT, false, false, NETWORK,   "Transient/General", "DnsError", 21),
    [BOUNCE_ROUTING_ERRORS]        = FACTS("RoutingErrors",        SOFT, false, false, NETWORK,   "Transient/General", "SoftBounce", 25),
    [BOUNCE_NO_ANSWER_FROM_HOST]   = FACTS("NoAnswerFromHost",     SOFT, false, false, NETWORK,   "Transient/General", "Transient", 24),
    [BOUNCE_BAD_CONNECTION]        = FACTS("BadConnection",        SOFT, false, false, NETWORK,   "Transient/General", "Transient", 24),
    [BOUNCE_PROTOCOL_ERRORS]       = FACTS("ProtocolErrors",       HARD, false, false, NETWORK,   "Undetermined/Undetermined", "SoftBounce", 25),
    [BOUNCE_BAD_CONFIGURATION]     = FACTS("BadConfiguration",     SOFT, false, true,  NETWORK,   "Transient/General", "SoftBounce", 25),
    [BOUNCE_INVALID_SENDER]        = FACTS("InvalidSender",        HARD, false, false, SENDER,    "Transient/General", "Blocked", 50),
    [BOUNCE_MESSAGE_EXPIRED]       = FACTS("MessageExpired",       SOFT, false, false, NETWORK,   "Transient/CustomTimeoutExceeded", "Transient", 24),
    [BOUNCE_TOO_LARGE]             = FACTS("TooLarge",             HARD, false, false, CONTENT,   "Transient/MessageTooLarge", "SoftBounce", 23),
    [BOUNCE_TOO_MANY_RECIPIENTS]   = FACTS("TooManyRecipients",    SOFT, false, true,  POLICY,    "Transient/General", "Transient", 20),
    [BOUNCE_AUTO_REPLY]            = FACTS("AutoReply",            SOFT, false, false, RECIPIENT, "Transient/General", "AutoResponder", 60),
    [BOUNCE_CHALLENGE_RESPONSE]    = FACTS("ChallengeResponse",    SOFT, false, false, RECIPIENT, "Transient/General", "ChallengeVerification", 100),
    [BOUNCE_TRANSIENT_FAILURE]     = FACTS("TransientFailure",     SOFT, false, true,  NETWORK,   "Transient/General", "Transient", 70),
    [BOUNCE_UNCATEGORIZED]         = FACTS("Uncategorized",        SOFT, false, false, POLICY,    "Undetermined/Undetermined", "Unknown", 1),
};
/* clang-format on */
_Static_assert(sizeof facts / sizeof facts[0] == BOUNCE_CLASS_COUNT, "every class has its row");

const struct bounce_class_facts *bounce_class_facts(enum bounce_class c) {
    return &facts[c];
}

struct str bounce_fault_name(enum bounce_fault fault) {
    static const struct str names[] = {
        [BOUNCE_FAULT_RECIPIENT] = STR_INIT("recipient"), [BOUNCE_FAULT_SENDER] = STR_INIT("sender reputation"),
        [BOUNCE_FAULT_CONTENT] = STR_INIT("content"),     [BOUNCE_FAULT_NETWORK] = STR_INIT("network"),
        [BOUNCE_FAULT_POLICY] = STR_INIT("policy"),
    };
    return names[fault];
}

struct bounce_finding bounce_finding_make(enum bounce_class c) {
    return (struct bounce_finding){
        .class = c, .is_hard = facts[c].is_hard, .suppresses = facts[c].suppresses, .fault = facts[c].fault};
}

void bounce_class_write(struct json_writer *w, const struct bounce_finding *finding, struct str source) {
    json_add_object(w, STR("Bounce"));
    json_add_str(w, STR("Class"), facts[finding->class].name);
    json_add_bool(w, STR("Hard"), finding->is_hard);
    json_add_str(w, STR("Fault"), bounce_fault_name(finding->fault));
    json_add_str(w, STR("Source"), source);
    json_close_object(w);
}
