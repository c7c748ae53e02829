/* bounce_rules.c - the rows. Order is meaning: what is said exactly stands before what is said in general.
 *
 *     codes that leave no doubt -> words -> enhanced codes by themselves -> codes by themselves
 *
 * Words are compared after addresses were taken out of them (bounce_class.c), so nobody's name is mistaken for a reason. Words
 * that send an address to the suppression list are specific on purpose: missing one costs a retry, a wrong one costs a reader.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/bounce_rules.h"

static const struct bounce_rule rules[] = {
    /* ---- codes that leave no doubt, or that a provider uses in a way of its own ---- */
    {BOUNCE_RATE_LIMITED, "submission quota", "?.2.2"}, /* Exchange: the sender's */
    {BOUNCE_QUOTA_ISSUES, NULL, "?.2.2"},
    {BOUNCE_SPAM_BLOCK, "spam", "?.1.1"},
    {BOUNCE_INACTIVE_MAILBOX, "disabled", "?.1.1"},
    {BOUNCE_INACTIVE_MAILBOX, "inactive", "?.1.1"},
    {BOUNCE_INACTIVE_MAILBOX, "suspended", "?.1.1"},
    {BOUNCE_RATE_LIMITED, "too many", "?.1.1"},
    {BOUNCE_INVALID_RECIPIENT, NULL, "?.1.1"},
    {BOUNCE_BAD_DOMAIN, NULL, "?.1.2"},
    {BOUNCE_INVALID_RECIPIENT, NULL, "?.1.3"},
    {BOUNCE_INACTIVE_MAILBOX, NULL, "?.1.6"},
    {BOUNCE_INVALID_SENDER, NULL, "?.1.7"},
    {BOUNCE_INVALID_SENDER, NULL, "?.1.8"},
    {BOUNCE_INVALID_RECIPIENT, "resolver.adr", "?.1.10"},        /* Exchange Online */
    {BOUNCE_INVALID_RECIPIENT, "recipient not found", "?.1.10"}, /* Exchange Online */
    {BOUNCE_BAD_DOMAIN, NULL, "?.1.10"},                         /* RFC 7505: null MX */
    {BOUNCE_RATE_LIMITED, "receiving mail", "?.2.1"},            /* Google: at a rate, too quickly */
    {BOUNCE_MESSAGE_EXPIRED, NULL, "?.4.7"},
    {BOUNCE_TOO_MANY_RECIPIENTS, NULL, "?.5.3"},
    {BOUNCE_TOO_LARGE, NULL, "?.2.3"},
    {BOUNCE_TOO_LARGE, NULL, "?.3.4"},
    {BOUNCE_BAD_DOMAIN, NULL, "?.4.310"}, /* Exchange Online: the domain does not exist */
    {BOUNCE_DNS_FAILURE, NULL, "?.4.312"},
    {BOUNCE_NO_ANSWER_FROM_HOST, NULL, "?.4.316"},
    {BOUNCE_AUTHENTICATION_FAILED, "spf", "?.7.27"}, /* Google's own use; RFC 7505 says null MX of the sender */
    {BOUNCE_BAD_CONFIGURATION, NULL, "?.7.27"},
    {BOUNCE_BAD_CONFIGURATION, NULL, "?.7.25"}, /* RFC 7372: no reverse DNS */
    {BOUNCE_RATE_LIMITED, NULL, "?.7.28"},
    {BOUNCE_POLICY_RELATED, "tls", "?.7.29"}, /* Google: TLS is wanted */
    {BOUNCE_AUTHENTICATION_FAILED, NULL, "?.7.2?"},
    {BOUNCE_AUTHENTICATION_FAILED, NULL, "?.7.30"},
    {BOUNCE_AUTHENTICATION_FAILED, NULL, "?.7.40"},
    {BOUNCE_SPAM_BLOCK, NULL, "?.7.6??"}, /* Microsoft: banned sending address */
    {BOUNCE_SPAM_BLOCK, NULL, "?.7.511"},
    {BOUNCE_CONTENT_RELATED, NULL, "?.7.512"}, /* Microsoft: no proper RFC 5322 */
    {BOUNCE_AUTHENTICATION_FAILED, NULL, "?.7.509"},
    {BOUNCE_AUTHENTICATION_FAILED, NULL, "?.7.515"},
    {BOUNCE_SPAM_BLOCK, NULL, "?.7.50?"},
    {BOUNCE_SPAM_BLOCK, NULL, "?.7.708"},
    {BOUNCE_RATE_LIMITED, NULL, "?.7.70?"},
    {BOUNCE_RELAY_DENIED, NULL, "?.7.64"},    /* Microsoft: tenant attribution */
    {BOUNCE_POLICY_RELATED, NULL, "?.7.13?"}, /* Microsoft: restricted to some senders */
    {BOUNCE_POLICY_RELATED, "resolver.rst."}, /* Exchange: restricted to some senders */
    {BOUNCE_PROTOCOL_ERRORS, NULL, "?.6.7"},  /* RFC 6531 */
    {BOUNCE_BAD_DOMAIN, NULL, NULL, 556},     /* RFC 7504 */
    {BOUNCE_ROUTING_ERRORS, NULL, NULL, 521}, /* RFC 7504 */
    {BOUNCE_PROTOCOL_ERRORS, NULL, "?.5.2"},

    /* ---- about the sender, in words that sound like those about recipients ---- */
    {BOUNCE_INVALID_SENDER, "sender address rejected"},
    {BOUNCE_INVALID_SENDER, "sender verify failed"},
    {BOUNCE_INVALID_SENDER, "sender verification"},
    {BOUNCE_INVALID_SENDER, "envelope sender"},
    {BOUNCE_INVALID_SENDER, "mail from address must exist"},
    {BOUNCE_INVALID_SENDER, "domain of sender address"},
    {BOUNCE_INVALID_SENDER, "sender domain*not*exist"},
    {BOUNCE_INVALID_SENDER, "sender rejected"},
    {BOUNCE_INVALID_SENDER, "sender denied"},
    {BOUNCE_INVALID_SENDER, "sender not authenticated"},
    {BOUNCE_INVALID_SENDER, "invalid sender"},
    {BOUNCE_INVALID_SENDER, "bad sender"},

    /* ---- not now ---- */
    {BOUNCE_GREYLISTED, "greylist"},
    {BOUNCE_GREYLISTED, "graylist"},
    {BOUNCE_GREYLISTED, "grey list"},
    {BOUNCE_GREYLISTED, "grey-list"},
    {BOUNCE_GREYLISTED, "postgrey"},
    {BOUNCE_GREYLISTED, "internal resource temporarily unavailable"}, /* Mimecast */
    {BOUNCE_TOO_MANY_RECIPIENTS, "too many recipients"},
    {BOUNCE_TOO_MANY_RECIPIENTS, "too many rcpt"},
    {BOUNCE_TOO_MANY_RECIPIENTS, "recipient limit"},
    {BOUNCE_RATE_LIMITED, "too many messages"},
    {BOUNCE_RATE_LIMITED, "too many connections"},
    {BOUNCE_RATE_LIMITED, "too many concurrent"},
    {BOUNCE_RATE_LIMITED, "too many mails"},
    {BOUNCE_RATE_LIMITED, "too many sessions"},
    {BOUNCE_RATE_LIMITED, "rate limit"},
    {BOUNCE_RATE_LIMITED, "ratelimit"},
    {BOUNCE_RATE_LIMITED, "rate-limit"},
    {BOUNCE_RATE_LIMITED, "throttl"},
    {BOUNCE_RATE_LIMITED, "unusual rate"},    /* Google */
    {BOUNCE_RATE_LIMITED, "frequency limit"}, /* QQ */
    {BOUNCE_RATE_LIMITED, "connection frequency"},
    {BOUNCE_RATE_LIMITED, "mi:ccl"}, /* NetEase */
    {BOUNCE_RATE_LIMITED, "mi:dmc"},
    {BOUNCE_RATE_LIMITED, "mi:cel"},
    {BOUNCE_RATE_LIMITED, "sending limit"},
    {BOUNCE_RATE_LIMITED, "ofr_"},   /* Orange */
    {BOUNCE_RATE_LIMITED, "ofr005"}, /* Orange */
    {BOUNCE_SPAM_BLOCK, "[tss04]"},  /* Yahoo: complaints about our address */
    {BOUNCE_SPAM_BLOCK, "[ts0"},     /* Yahoo */
    {BOUNCE_SPAM_BLOCK, "(rtr:"},    /* AOL: reputation */
    {BOUNCE_MESSAGE_EXPIRED, "retry time*exceeded"},
    {BOUNCE_MESSAGE_EXPIRED, "message expired"},
    {BOUNCE_MESSAGE_EXPIRED, "delivery time expired"},
    {BOUNCE_MESSAGE_EXPIRED, "queue too long"},
    {BOUNCE_MESSAGE_EXPIRED, "could not be delivered for*days"},
    {BOUNCE_MESSAGE_EXPIRED, "could not send message for"},

    /* ---- not from you: authentication ---- */
    {BOUNCE_AUTHENTICATION_FAILED, "dmarc"},
    {BOUNCE_AUTHENTICATION_FAILED, "spf check"},
    {BOUNCE_AUTHENTICATION_FAILED, "spf fail"},
    {BOUNCE_AUTHENTICATION_FAILED, "(spf)"},
    {BOUNCE_AUTHENTICATION_FAILED, "mi:spf"}, /* NetEase */
    {BOUNCE_AUTHENTICATION_FAILED, "sender policy framework"},
    {BOUNCE_AUTHENTICATION_FAILED, "spf record"},
    {BOUNCE_AUTHENTICATION_FAILED, "not authorized to send"},
    {BOUNCE_AUTHENTICATION_FAILED, "not allowed to send mail from"},
    {BOUNCE_AUTHENTICATION_FAILED, "dkim"},
    {BOUNCE_AUTHENTICATION_FAILED, "unauthenticated email"},
    {BOUNCE_AUTHENTICATION_FAILED, "authentication required"},
    {BOUNCE_AUTHENTICATION_FAILED, "ofr006"}, /* Orange */

    /* ---- not this content ---- */
    {BOUNCE_VIRUS_RELATED, "virus*found"},
    {BOUNCE_VIRUS_RELATED, "virus*detected"},
    {BOUNCE_VIRUS_RELATED, "contains a virus"},
    {BOUNCE_VIRUS_RELATED, "infected"},
    {BOUNCE_VIRUS_RELATED, "malware"},
    {BOUNCE_VIRUS_RELATED, "clamav"},
    {BOUNCE_PROHIBITED_ATTACHMENT, "potential security issue"}, /* Google */
    {BOUNCE_PROHIBITED_ATTACHMENT, "attachment*not allowed"},
    {BOUNCE_PROHIBITED_ATTACHMENT, "attachment*blocked"},
    {BOUNCE_PROHIBITED_ATTACHMENT, "attachment*rejected"},
    {BOUNCE_PROHIBITED_ATTACHMENT, "executable*attachment"},
    {BOUNCE_PROHIBITED_ATTACHMENT, "banned*attachment"},
    {BOUNCE_PROHIBITED_ATTACHMENT, "prohibited attachment"},
    {BOUNCE_PROHIBITED_ATTACHMENT, "forbidden attachment"},
    {BOUNCE_TOO_LARGE, "message size exceeds"},
    {BOUNCE_TOO_LARGE, "message is too large"},
    {BOUNCE_TOO_LARGE, "message too large"},
    {BOUNCE_TOO_LARGE, "message too big"},
    {BOUNCE_TOO_LARGE, "size limit"},
    {BOUNCE_TOO_LARGE, "exceeds maximum message size"},
    {BOUNCE_TOO_LARGE, "exceeded*message size"},
    {BOUNCE_TOO_LARGE, "larger than the*limit"},
    {BOUNCE_TOO_LARGE, "mi:sze"}, /* NetEase */

    /* ---- not from your address ---- */
    {BOUNCE_BAD_CONFIGURATION, "reverse dns"},
    {BOUNCE_BAD_CONFIGURATION, "ptr record"},
    {BOUNCE_BAD_CONFIGURATION, "cannot find your hostname"},
    {BOUNCE_BAD_CONFIGURATION, "helo command rejected"},
    {BOUNCE_BAD_CONFIGURATION, "mail loops back to myself", NULL, 4},
    {BOUNCE_SPAM_BLOCK, "part of their network is on our block list"}, /* Outlook S3140, S3150 */
    {BOUNCE_SPAM_BLOCK, "(s3140)"},
    {BOUNCE_SPAM_BLOCK, "(s3150)"},
    {BOUNCE_SPAM_BLOCK, "blocked using"},
    {BOUNCE_SPAM_BLOCK, "spamhaus"},
    {BOUNCE_SPAM_BLOCK, "spamcop"},
    {BOUNCE_SPAM_BLOCK, "sorbs"},
    {BOUNCE_SPAM_BLOCK, "barracudacentral"},
    {BOUNCE_SPAM_BLOCK, "barracuda networks"},
    {BOUNCE_SPAM_BLOCK, "uceprotect"},
    {BOUNCE_SPAM_BLOCK, "proofpoint*blocked"},
    {BOUNCE_SPAM_BLOCK, "blocked*proofpoint"},
    {BOUNCE_SPAM_BLOCK, "ipcheck.proofpoint.com"},
    {BOUNCE_SPAM_BLOCK, "local policy rejection", NULL, 0, "proofpoint"},
    {BOUNCE_SPAM_CONTENT, "[cs01]"}, /* Apple */
    {BOUNCE_SPAM_BLOCK, "local policy", NULL, 0, "icloud.com"},
    {BOUNCE_SPAM_BLOCK, "poor reputation"},
    {BOUNCE_SPAM_BLOCK, "low reputation"}, /* Google */
    {BOUNCE_SPAM_BLOCK, "bad reputation"},
    {BOUNCE_SPAM_BLOCK, "reputation*block"},
    {BOUNCE_SPAM_BLOCK, "senderscore"},
    {BOUNCE_SPAM_BLOCK, "blacklist"},
    {BOUNCE_SPAM_BLOCK, "blocklist"},
    {BOUNCE_SPAM_BLOCK, "block list"},
    {BOUNCE_SPAM_BLOCK, "black list"},
    {BOUNCE_SPAM_BLOCK, "rbl restriction"},
    {BOUNCE_SPAM_BLOCK, "dnsbl"},
    {BOUNCE_SPAM_BLOCK, "your ip*blocked"},
    {BOUNCE_SPAM_BLOCK, "ip address*blocked"},
    {BOUNCE_SPAM_BLOCK, "client host*blocked"},
    {BOUNCE_SPAM_BLOCK, "client host rejected"},
    {BOUNCE_SPAM_BLOCK, "banned sending ip"},
    {BOUNCE_SPAM_BLOCK, "comcast block for spam"},
    {BOUNCE_SPAM_BLOCK, "for policy reasons", NULL, 0, "comcast.net"},
    {BOUNCE_SPAM_BLOCK, "spam*from your ip"},
    {BOUNCE_SPAM_BLOCK, "ofr004"},                      /* Orange */
    {BOUNCE_SPAM_BLOCK, "adresse ip source"},           /* Free */
    {BOUNCE_SPAM_BLOCK, "postmaster.gmx", NULL, 4},     /* GMX, WEB.DE: address not trusted */
    {BOUNCE_SPAM_BLOCK, "bad dns ptr resource record"}, /* GMX, WEB.DE */
    {BOUNCE_SPAM_BLOCK, "suspected spammer"},
    {BOUNCE_SPAM_BLOCK, "mi:ipb"}, /* NetEase */
    {BOUNCE_SPAM_BLOCK, "mi:stc"},
    {BOUNCE_SPAM_CONTENT, "message rejected*spam"},
    {BOUNCE_SPAM_CONTENT, "spam message"}, /* Mail.ru */
    {BOUNCE_SPAM_CONTENT, "unsolicited"},  /* Google */
    {BOUNCE_SPAM_CONTENT, "considered spam"},
    {BOUNCE_SPAM_CONTENT, "classified as spam"},
    {BOUNCE_SPAM_CONTENT, "identified as spam"},
    {BOUNCE_SPAM_CONTENT, "detected as spam"},
    {BOUNCE_SPAM_CONTENT, "looks like spam"},
    {BOUNCE_SPAM_CONTENT, "suspected spam"},
    {BOUNCE_SPAM_CONTENT, "suspected to be spam"},
    {BOUNCE_SPAM_CONTENT, "spam content"},
    {BOUNCE_SPAM_CONTENT, "contains spam"},
    {BOUNCE_SPAM_CONTENT, "spam score"},
    {BOUNCE_SPAM_CONTENT, "high probability of spam"},
    {BOUNCE_SPAM_CONTENT, "anti-spam"},
    {BOUNCE_SPAM_CONTENT, "antispam"},
    {BOUNCE_SPAM_CONTENT, "dt:spm"}, /* NetEase */
    {BOUNCE_SPAM_CONTENT, "ht:spm"},
    {BOUNCE_SPAM_CONTENT, "content*spam"},
    {BOUNCE_SPAM_CONTENT, "dialback"},
    {BOUNCE_SPAM_CONTENT, "administrative prohibition", NULL, 0, "mimecast"},
    {BOUNCE_SPAM_CONTENT, "reject due to policy", NULL, 0, "gmx"},

    /* ---- the mailbox ---- */
    {BOUNCE_TRANSIENT_FAILURE, "temporarily disabled"},
    {BOUNCE_QUOTA_ISSUES, "mailbox*full"},
    {BOUNCE_QUOTA_ISSUES, "mailbox*exceed"},
    {BOUNCE_QUOTA_ISSUES, "mailbox size"},
    {BOUNCE_QUOTA_ISSUES, "over quota"},
    {BOUNCE_QUOTA_ISSUES, "overquota"},
    {BOUNCE_QUOTA_ISSUES, "over the quota"},
    {BOUNCE_QUOTA_ISSUES, "quota exceeded"},
    {BOUNCE_QUOTA_ISSUES, "exceeded*quota"},
    {BOUNCE_QUOTA_ISSUES, "out of storage"},
    {BOUNCE_QUOTA_ISSUES, "storage space"},
    {BOUNCE_QUOTA_ISSUES, "exceeded storage allocation"},
    {BOUNCE_QUOTA_ISSUES, "insufficient disk space"},
    {BOUNCE_QUOTA_ISSUES, "not enough*space"},
    {BOUNCE_INACTIVE_MAILBOX, "mailbox*disabled"},
    {BOUNCE_INACTIVE_MAILBOX, "mailbox*inactive"},
    {BOUNCE_INACTIVE_MAILBOX, "mailbox is frozen"},
    {BOUNCE_INACTIVE_MAILBOX, "account*disabled"},
    {BOUNCE_INACTIVE_MAILBOX, "account*inactive"},
    {BOUNCE_INACTIVE_MAILBOX, "account*deactivated"},
    {BOUNCE_INACTIVE_MAILBOX, "account*suspended"},
    {BOUNCE_INACTIVE_MAILBOX, "account*expired"},
    {BOUNCE_INACTIVE_MAILBOX, "account*closed"},
    {BOUNCE_INACTIVE_MAILBOX, "user*disabled"},
    {BOUNCE_INACTIVE_MAILBOX, "user*suspended"},
    {BOUNCE_INACTIVE_MAILBOX, "user is inactive"},
    {BOUNCE_INACTIVE_MAILBOX, "inactive user"},
    {BOUNCE_INACTIVE_MAILBOX, "user has moved"},
    {BOUNCE_INACTIVE_MAILBOX, "no longer*in use"},
    {BOUNCE_INACTIVE_MAILBOX, "not active"},
    {BOUNCE_INACTIVE_MAILBOX, "account is locked"},
    {BOUNCE_INVALID_RECIPIENT, "user unknown"},
    {BOUNCE_INVALID_RECIPIENT, "unknown user"},
    {BOUNCE_INVALID_RECIPIENT, "unknown local"},
    {BOUNCE_INVALID_RECIPIENT, "unknown recipient"},
    {BOUNCE_INVALID_RECIPIENT, "recipient unknown"},
    {BOUNCE_INVALID_RECIPIENT, "unknown mailbox"},
    {BOUNCE_INVALID_RECIPIENT, "unknown address"},
    {BOUNCE_INVALID_RECIPIENT, "address unknown"},
    {BOUNCE_INVALID_RECIPIENT, "no such user"},
    {BOUNCE_INVALID_RECIPIENT, "no such recipient"},
    {BOUNCE_INVALID_RECIPIENT, "no such mailbox"},
    {BOUNCE_INVALID_RECIPIENT, "no such person"},
    {BOUNCE_INVALID_RECIPIENT, "no such address"},
    {BOUNCE_INVALID_RECIPIENT, "no mailbox here by that name"}, /* qmail */
    {BOUNCE_INVALID_RECIPIENT, "no mailbox by that name"},
    {BOUNCE_INVALID_RECIPIENT, "no account by that name"},
    {BOUNCE_INVALID_RECIPIENT, "mailbox not found"},
    {BOUNCE_INVALID_RECIPIENT, "user not found"},
    {BOUNCE_INVALID_RECIPIENT, "recipient not found"},
    {BOUNCE_INVALID_RECIPIENT, "recipientnotfound"},
    {BOUNCE_INVALID_RECIPIENT, "not found in directory"},
    {BOUNCE_INVALID_RECIPIENT, "not listed in"}, /* Domino */
    {BOUNCE_INVALID_RECIPIENT, "user not listed"},
    {BOUNCE_INVALID_RECIPIENT, "address not present in directory"},
    {BOUNCE_INVALID_RECIPIENT, "account*does not exist"},
    {BOUNCE_INVALID_RECIPIENT, "account*doesn't*exist"},
    {BOUNCE_INVALID_RECIPIENT, "doesn't have a*account"}, /* Yahoo */
    {BOUNCE_INVALID_RECIPIENT, "user*doesn't*exist"},
    {BOUNCE_INVALID_RECIPIENT, "user*does not exist"},
    {BOUNCE_INVALID_RECIPIENT, "recipient*does not exist"},
    {BOUNCE_INVALID_RECIPIENT, "mailbox*does not exist"},
    {BOUNCE_INVALID_RECIPIENT, "address*does not exist"},
    {BOUNCE_INVALID_RECIPIENT, "address you entered couldn't be found"},
    {BOUNCE_INVALID_RECIPIENT, "address couldn't be found"},
    {BOUNCE_INVALID_RECIPIENT, "wasn't found at"},                           /* Office 365 */
    {BOUNCE_INVALID_RECIPIENT, "couldn't be found*or is unable to receive"}, /* Gmail */
    {BOUNCE_INVALID_RECIPIENT, "not a valid mailbox"},
    {BOUNCE_INVALID_RECIPIENT, "not a valid recipient"},
    {BOUNCE_INVALID_RECIPIENT, "not a known user"},
    {BOUNCE_INVALID_RECIPIENT, "invalid recipient"},
    {BOUNCE_INVALID_RECIPIENT, "invalid mailbox"},
    {BOUNCE_INVALID_RECIPIENT, "invalid user"},
    {BOUNCE_INVALID_RECIPIENT, "invalid address"},
    {BOUNCE_INVALID_RECIPIENT, "undeliverable address"},
    {BOUNCE_INVALID_RECIPIENT, "unrouteable address"}, /* Exim */
    {BOUNCE_INVALID_RECIPIENT, "unroutable address"},
    {BOUNCE_INVALID_RECIPIENT, "bad destination mailbox address"},
    {BOUNCE_INVALID_RECIPIENT, "no valid recipients"},
    {BOUNCE_INVALID_RECIPIENT, "mailbox unavailable", NULL, 550}, /* Outlook, GMX: no such user */
    {BOUNCE_INVALID_RECIPIENT, "mailbox unavailable", "5.5.0", 0},
    {BOUNCE_INVALID_RECIPIENT, "delivery error: dd", NULL, 0, "yahoodns"},
    {BOUNCE_INVALID_RECIPIENT, "address error", NULL, 0, "docomo"},
    {BOUNCE_INVALID_RECIPIENT, "\xE9\x82\xAE\xE7\xAE\xB1\xE4\xB8\x8D\xE5\xAD\x98\xE5\x9C\xA8"}, /* no such mailbox, Chinese */
    {BOUNCE_INVALID_RECIPIENT, "\xE7\x94\xA8\xE6\x88\xB7\xE4\xB8\x8D\xE5\xAD\x98\xE5\x9C\xA8"}, /* no such user, Chinese */
    {BOUNCE_INVALID_RECIPIENT, "\xE5\xAE\x9B\xE5\x85\x88\xE4\xB8\x8D\xE6\x98\x8E"},             /* unknown addressee, Japanese */
    {BOUNCE_INVALID_RECIPIENT,
     "\xE8\xA6\x8B\xE3\x81\xA4\xE3\x81\x8B\xE3\x82\x8A\xE3\x81\xBE\xE3\x81\x9B\xE3\x82\x93"}, /* not found */

    /* ---- the way there ---- */
    {BOUNCE_RELAY_DENIED, "relay access denied"},
    {BOUNCE_RELAY_DENIED, "relaying denied"},
    {BOUNCE_RELAY_DENIED, "relay not permitted"},
    {BOUNCE_RELAY_DENIED, "unable to relay"},
    {BOUNCE_RELAY_DENIED, "not permitted to relay"},
    {BOUNCE_RELAY_DENIED, "relaying not allowed"},
    {BOUNCE_RELAY_DENIED, "allowed rcpthosts"}, /* qmail */
    {BOUNCE_RELAY_DENIED, "we do not relay"},
    {BOUNCE_BAD_DOMAIN, "domain not found"},
    {BOUNCE_BAD_DOMAIN, "host unknown"},
    {BOUNCE_BAD_DOMAIN, "host not found"},
    {BOUNCE_BAD_DOMAIN, "unknown host"},
    {BOUNCE_BAD_DOMAIN, "domain*does not exist"},
    {BOUNCE_BAD_DOMAIN, "domain*doesn't exist"},
    {BOUNCE_BAD_DOMAIN, "no such domain"},
    {BOUNCE_BAD_DOMAIN, "domain couldn't be found"},
    {BOUNCE_BAD_DOMAIN, "couldn't find any host named"}, /* qmail */
    {BOUNCE_BAD_DOMAIN, "nxdomain"},
    {BOUNCE_BAD_DOMAIN, "domain*does not accept mail"},
    {BOUNCE_BAD_DOMAIN, "null mx"},
    {BOUNCE_DNS_FAILURE, "name service error"},
    {BOUNCE_DNS_FAILURE, "dns error"},
    {BOUNCE_DNS_FAILURE, "dns query failed"},
    {BOUNCE_DNS_FAILURE, "lookup failed"},
    {BOUNCE_DNS_FAILURE, "temporary lookup failure"},
    {BOUNCE_ROUTING_ERRORS, "mail loop"},
    {BOUNCE_ROUTING_ERRORS, "loops back to myself"},
    {BOUNCE_ROUTING_ERRORS, "hop count exceeded"},
    {BOUNCE_ROUTING_ERRORS, "too many hops"},
    {BOUNCE_ROUTING_ERRORS, "routing loop"},
    {BOUNCE_ROUTING_ERRORS, "all relevant mx records point to non-existent hosts"},
    {BOUNCE_ROUTING_ERRORS, "unable to route"},
    {BOUNCE_NO_ANSWER_FROM_HOST, "connection timed out"},
    {BOUNCE_NO_ANSWER_FROM_HOST, "connection refused"},
    {BOUNCE_NO_ANSWER_FROM_HOST, "no route to host"},
    {BOUNCE_NO_ANSWER_FROM_HOST, "network is unreachable"},
    {BOUNCE_NO_ANSWER_FROM_HOST, "wasn't able to establish an smtp connection"}, /* qmail */
    {BOUNCE_NO_ANSWER_FROM_HOST, "not responding"},
    {BOUNCE_BAD_CONNECTION, "lost connection"},
    {BOUNCE_BAD_CONNECTION, "connection reset"},
    {BOUNCE_BAD_CONNECTION, "connection dropped"},
    {BOUNCE_BAD_CONNECTION, "conversation with*timed out"},
    {BOUNCE_BAD_CONNECTION, "connection died"}, /* qmail */
    {BOUNCE_BAD_CONNECTION, "tls handshake"},
    {BOUNCE_BAD_CONNECTION, "tls negotiation"},
    {BOUNCE_BAD_CONFIGURATION, "system incorrectly configured"},
    {BOUNCE_BAD_CONFIGURATION, "server configuration"},
    {BOUNCE_BAD_CONFIGURATION, "configuration error"},
    {BOUNCE_BAD_CONFIGURATION, "no space left on device"},
    {BOUNCE_PROTOCOL_ERRORS, "command not recognized"},
    {BOUNCE_PROTOCOL_ERRORS, "command unrecognized"},
    {BOUNCE_PROTOCOL_ERRORS, "syntax error"},
    {BOUNCE_PROTOCOL_ERRORS, "bad sequence of commands"},
    {BOUNCE_PROTOCOL_ERRORS, "bare lf"},
    {BOUNCE_PROTOCOL_ERRORS, "smtputf8"},
    {BOUNCE_CHALLENGE_RESPONSE, "requires verification"},
    {BOUNCE_CHALLENGE_RESPONSE, "confirm your message"},

    /* ---- what remains: rules of the house, and words that say nothing ---- */
    {BOUNCE_POLICY_RELATED, "must issue a starttls"},
    {BOUNCE_POLICY_RELATED, "encryption required"},
    {BOUNCE_POLICY_RELATED, "policy"},
    {BOUNCE_POLICY_RELATED, "administrative prohibition"},
    {BOUNCE_POLICY_RELATED, "access denied"},
    {BOUNCE_POLICY_RELATED, "not accepted from"},
    {BOUNCE_POLICY_RELATED, "not authorized"},
    {BOUNCE_POLICY_RELATED, "prohibited"},
    {BOUNCE_POLICY_RELATED, "permission to"},
    {BOUNCE_POLICY_RELATED, "delivery restricted"},
    {BOUNCE_CONTENT_RELATED, "content rejected"},
    {BOUNCE_CONTENT_RELATED, "content*not acceptable"},
    {BOUNCE_CONTENT_RELATED, "message content"},
    {BOUNCE_CONTENT_RELATED, "header*missing"},
    {BOUNCE_CONTENT_RELATED, "missing*header"},
    {BOUNCE_CONTENT_RELATED, "not rfc*compliant"},
    {BOUNCE_CONTENT_RELATED, "bad header"},
    {BOUNCE_SPAM_CONTENT, "spam"},
    {BOUNCE_TRANSIENT_FAILURE, "try again later"},
    {BOUNCE_TRANSIENT_FAILURE, "try later"},
    {BOUNCE_TRANSIENT_FAILURE, "temporarily"},
    {BOUNCE_TRANSIENT_FAILURE, "temporary"},

    /* ---- enhanced codes by themselves (RFC 3463) ---- */
    {BOUNCE_ROUTING_ERRORS, NULL, "?.1.4"},
    {BOUNCE_INACTIVE_MAILBOX, NULL, "?.2.1"},
    {BOUNCE_BAD_CONFIGURATION, NULL, "?.2.4"},
    {BOUNCE_TRANSIENT_FAILURE, NULL, "?.3.1"},
    {BOUNCE_TRANSIENT_FAILURE, NULL, "?.3.2"},
    {BOUNCE_PROTOCOL_ERRORS, NULL, "?.3.3"},
    {BOUNCE_BAD_CONFIGURATION, NULL, "?.3.5"},
    {BOUNCE_NO_ANSWER_FROM_HOST, NULL, "?.4.1"},
    {BOUNCE_BAD_CONNECTION, NULL, "?.4.2"},
    {BOUNCE_DNS_FAILURE, NULL, "?.4.3"},
    {BOUNCE_ROUTING_ERRORS, NULL, "?.4.4"},
    {BOUNCE_TRANSIENT_FAILURE, NULL, "?.4.5"},
    {BOUNCE_ROUTING_ERRORS, NULL, "?.4.6"},
    {BOUNCE_ROUTING_ERRORS, NULL, "?.4.14"},
    {BOUNCE_TRANSIENT_FAILURE, NULL, "4.4.*"},
    {BOUNCE_ROUTING_ERRORS, NULL, "5.4.*"},
    {BOUNCE_PROTOCOL_ERRORS, NULL, "5.5.*"},
    {BOUNCE_CONTENT_RELATED, NULL, "5.6.*"},
    {BOUNCE_POLICY_RELATED, NULL, "5.7.*"},
    {BOUNCE_POLICY_RELATED, NULL, "4.7.*"},
    {BOUNCE_TRANSIENT_FAILURE, NULL, "4.*"},

    /* ---- codes by themselves (RFC 5321 4.2.3) ---- */
    {BOUNCE_PROTOCOL_ERRORS, NULL, NULL, 500},
    {BOUNCE_PROTOCOL_ERRORS, NULL, NULL, 501},
    {BOUNCE_PROTOCOL_ERRORS, NULL, NULL, 502},
    {BOUNCE_PROTOCOL_ERRORS, NULL, NULL, 503},
    {BOUNCE_PROTOCOL_ERRORS, NULL, NULL, 504},
    {BOUNCE_PROTOCOL_ERRORS, NULL, NULL, 555},
    {BOUNCE_AUTHENTICATION_FAILED, NULL, NULL, 530},
    {BOUNCE_AUTHENTICATION_FAILED, NULL, NULL, 535},
    {BOUNCE_SPAM_BLOCK, NULL, NULL, 541},
    {BOUNCE_RELAY_DENIED, NULL, NULL, 551},
    {BOUNCE_QUOTA_ISSUES, NULL, NULL, 552},
    {BOUNCE_POLICY_RELATED, NULL, NULL, 571},
    {BOUNCE_TRANSIENT_FAILURE, NULL, NULL, 4},
};

const struct bounce_rule *bounce_rules(size_t *ret_count) {
    *ret_count = sizeof rules / sizeof rules[0];
    return rules;
}
