/* bounce_class.h - why a recipient was not reached: one taxonomy for replies in the dialogue and for reports that came later.
 *
 * The table says of each class: hard or soft, whose fault, whether the address is to be suppressed, and what SES, Postmark and
 * SparkPost call it. Which class a reply has is said by rules (core/bounce_rules.h). Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_BOUNCE_CLASS_H
#define POSTHORN_CORE_BOUNCE_CLASS_H

#include "base/str.h"

struct json_writer;

enum bounce_class {
    BOUNCE_INVALID_RECIPIENT,
    BOUNCE_BAD_DOMAIN,
    BOUNCE_INACTIVE_MAILBOX,
    BOUNCE_QUOTA_ISSUES,
    BOUNCE_SPAM_BLOCK,
    BOUNCE_SPAM_CONTENT,
    BOUNCE_CONTENT_RELATED,
    BOUNCE_PROHIBITED_ATTACHMENT,
    BOUNCE_VIRUS_RELATED,
    BOUNCE_POLICY_RELATED,
    BOUNCE_AUTHENTICATION_FAILED,
    BOUNCE_RELAY_DENIED,
    BOUNCE_RATE_LIMITED,
    BOUNCE_GREYLISTED,
    BOUNCE_DNS_FAILURE,
    BOUNCE_ROUTING_ERRORS,
    BOUNCE_NO_ANSWER_FROM_HOST,
    BOUNCE_BAD_CONNECTION,
    BOUNCE_PROTOCOL_ERRORS,
    BOUNCE_BAD_CONFIGURATION,
    BOUNCE_INVALID_SENDER,
    BOUNCE_MESSAGE_EXPIRED,
    BOUNCE_TOO_LARGE,
    BOUNCE_TOO_MANY_RECIPIENTS,
    BOUNCE_AUTO_REPLY,
    BOUNCE_CHALLENGE_RESPONSE,
    BOUNCE_TRANSIENT_FAILURE,
    BOUNCE_UNCATEGORIZED,
    BOUNCE_CLASS_COUNT,
};
enum bounce_fault {
    BOUNCE_FAULT_RECIPIENT,
    BOUNCE_FAULT_SENDER, /* the reputation of our address, or of the sender's domain */
    BOUNCE_FAULT_CONTENT,
    BOUNCE_FAULT_NETWORK,
    BOUNCE_FAULT_POLICY,
};
struct bounce_class_facts {
    struct str name; /* "InvalidRecipient" */
    bool is_hard;    /* sending the same again does not help */
    bool suppresses; /* the address is known to be of no use */
    bool passes;     /* even a 5xx of it passes with time: greylisting, limits, blocks of our own address */
    enum bounce_fault fault;
    struct str ses, postmark; /* "Permanent/NoEmail", "HardBounce" */
    unsigned sparkpost;       /* bounce classification code */
};
/* Static. */
const struct bounce_class_facts *bounce_class_facts(enum bounce_class c);
/* "recipient", "sender reputation", "content", "network", "policy"; static. */
struct str bounce_fault_name(enum bounce_fault fault);

/* What a server said: code 0 and "" when not known. */
struct bounce_reply {
    unsigned code;
    struct str enhanced; /* "5.1.1" or "" */
    struct str text;     /* its words, any bytes, BOUNCE_TEXT_MAX of them are looked at */
    struct str mx;       /* the host that said it, or "" */
};
#define BOUNCE_TEXT_MAX 2048

/* Delivered, wait, or never: 2xx delivers, 4xx waits, 5xx bounces, but for classes that pass with time though said by 5xx.
 * Anything else an SMTP server may say waits (P4). The code decides, whatever the enhanced code says (OB32). */
enum bounce_verdict { BOUNCE_DELIVERED, BOUNCE_DEFERRED, BOUNCE_BOUNCED };

/* The class, and what it means for this reply. Either code may say that it is temporary: then it is soft and suppresses nobody,
 * whatever its class (BN06). */
struct bounce_finding {
    enum bounce_class class;
    enum bounce_verdict verdict;
    bool is_hard, suppresses;
    enum bounce_fault fault;
};
/* The finding of a class by itself, without a verdict. */
struct bounce_finding bounce_finding_make(enum bounce_class c);

/* Add `"Bounce":{"Class":..,"Hard":..,"Fault":..,"Source":..}` to an event's detail. source: "smtp" in the dialogue, "dns" when
 * no host was asked, "dsn" of a report, "text" of free-form words. One form for all, since statistics and searches read it
 * (store/event_facts.c). */
void bounce_class_write(struct json_writer *w, const struct bounce_finding *finding, struct str source);

#endif
