/* report.h - what a message that came to a return path is: a delivery report, a complaint, an automatic answer, or nothing.
 *
 * Delivery reports are RFC 3464 (RFC 6533 with internationalised addresses), complaints RFC 5965. For the many systems that say
 * it in words of their own there is a table of recognisers (report_text.c). Nothing here is evidence: every byte is what a
 * stranger wrote; only a signed token, outside or in `original_header`, says whose message it is about (P9).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_REPORT_REPORT_H
#define POSTHORN_PROTO_REPORT_REPORT_H

#include "base/arena.h"

#define REPORT_RECIPIENTS_MAX 100  /* groups read; the rest is left out (BN07) */
#define REPORT_FIELD_MAX      1024 /* bytes of any string below but original_header */
#define REPORT_HEADER_MAX     65536

enum report_kind {
    REPORT_NONE,       /* a message like any other */
    REPORT_DSN,        /* has a delivery status part */
    REPORT_BOUNCE,     /* says in words that it could not be delivered */
    REPORT_COMPLAINT,  /* feedback on a message */
    REPORT_AUTO_REPLY, /* vacation, out of office, read receipt (RFC 3834, RFC 8098): no bounce (BN10) */
    REPORT_CHALLENGE,  /* asks the sender to prove that he is one: no bounce */
};
enum report_action {                     /* RFC 3464 2.3.3 */
                     REPORT_ACTION_NONE, /* absent or no word of the RFC's */
                     REPORT_FAILED,
                     REPORT_DELAYED,
                     REPORT_DELIVERED,
                     REPORT_RELAYED,
                     REPORT_EXPANDED,
};
enum report_feedback { /* RFC 5965 7.3, RFC 6430, RFC 6591 */
                       REPORT_FEEDBACK_NONE,
                       REPORT_ABUSE,
                       REPORT_FRAUD,
                       REPORT_VIRUS,
                       REPORT_NOT_SPAM,
                       REPORT_AUTH_FAILURE,
                       REPORT_OTHER, /* "other" and every word that is not known */
};

/* What was said about one recipient. Strings are one line of UTF-8 without control characters, "" when absent. */
struct report_recipient {
    enum report_action action;
    struct str status;                          /* "5.1.1": class 2, 4 or 5, well-formed, or "" (BN08) */
    struct str final_address, original_address; /* decoded, without type and angles; not validated */
    struct str diagnostic_type;                 /* "smtp", lower case */
    struct str diagnostic;                      /* its words, code included */
    unsigned code;                              /* of the diagnostic: 200 to 599, 0 none */
    struct str enhanced;                        /* of the diagnostic; status when there is none, or when status is temporary */
    struct str remote_mta;                      /* who said it; without type */
};
struct report_complaint {
    enum report_feedback type;
    struct str user_agent, mail_from, rcpt_to; /* rcpt_to: the first; often left out or made unreadable (BN12) */
    struct str reported_domain, source_address;
};
struct report {
    enum report_kind kind;
    /* Only when the whole message is a multipart/report with a machine-readable part that says something: an RFC 3464 report with
     * an action, an RFC 5965 report with a feedback type. False for all that was read out of words: never suppress on that. */
    bool is_standard;
    struct str format; /* which form was recognised: "rfc3464", "rfc5965", "qmail", "gmail" ...; static; "" for NONE */
    struct str reporting_mta, envelope_id;
    int64_t arrived_at; /* when the original came to the reporter, ms; 0 unknown */
    const struct report_recipient *recipients;
    size_t recipient_count; /* 0 is possible for every kind */
    bool is_truncated;      /* there was more than the limits allow */
    struct report_complaint complaint;
    /* Header block of the message it is about, as it came (folds and all), at most REPORT_HEADER_MAX bytes, from the first
     * message/rfc822, text/rfc822-headers or message/global* part and from nowhere else (BN23); "" when there is none. */
    struct str original_header;
};

/* Say what `message` (header, empty line, body; any bytes) is. Strings of *ret lie in `message` or in the arena. Linear,
 * iterative; parts, depth, groups and text looked at are bounded. Never fails. Pure; any thread. */
void report_parse(struct str message, struct arena *arena, struct report *ret);

/* Did delivery to it fail for good? A report without the word that RFC 3464 asks for may say it by its status. */
bool report_has_failed(const struct report_recipient *r);
/* Whose words about it these are: its server's, else the reporter. */
struct str report_speaker(const struct report *report, const struct report_recipient *r);

/* "failed", "not-spam" ... as the RFCs spell them; "" for none. "dsn", "auto-reply" ... Static. */
const char *report_action_name(enum report_action action);
const char *report_feedback_name(enum report_feedback type);
const char *report_kind_name(enum report_kind kind);

/* Find the first SMTP code and enhanced code in somebody's words ("said: 550-5.1.1 No such user", "#5.1.1 SMTP; 550"). Either may
 * be missing: *ret_code 0, *ret_enhanced "". An enhanced code of another class than the code's is left out. A slice of text. */
void report_find_codes(struct str text, unsigned *ret_code, struct str *ret_enhanced);

#endif
