/* report_text.c - bounces in words of their own.
 *
 * A row of the table says how a system is known: by its sender, its subject, a sentence it always writes; and where its
 * recipients stand: at the beginning of lines, or behind certain words. What follows an address up to the next one is what is
 * said about it. The text ends where the original is quoted, so that nothing in there is taken for a reason or an address.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/report/report_own.h"

#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof(table)[0])
#define SAID_MAX     2000 /* bytes behind an address that are about it */

enum how {
    LINES = 1,  /* addresses at the beginning of lines */
    AFTER = 2,  /* one address, behind `after` or behind `text` */
    DAEMON = 4, /* only when the sender is an automat */
};
struct recogniser {
    const char *format;
    const char *from, *subject, *text; /* parts, lower case; all that are given must be there */
    int how;
    const char *after;
};
static const struct recogniser recognisers[] = {
    /* providers that are known by their name, whatever they write */
    {"mail.ru", "mail.ru", NULL, "mail delivery software", LINES},
    {"zoho", "zoho", NULL, "could not be delivered", LINES},
    {"messagelabs", "messagelabs", NULL, NULL, LINES | DAEMON},
    {"messagelabs", NULL, NULL, "email security.cloud", LINES},
    {"yahoo", NULL, NULL, "sorry, we were unable to deliver your message to the following address", LINES},
    {"aol", "aol.com", NULL, "could not be delivered", LINES | DAEMON},
    {"biglobe", "biglobe.ne.jp", NULL, NULL, LINES | DAEMON},
    {"docomo", "docomo.ne.jp", NULL, NULL, LINES | DAEMON},
    {"ezweb", "ezweb.ne.jp", NULL, NULL, AFTER | DAEMON},
    {"ezweb", "au.com", NULL, NULL, AFTER | DAEMON},
    {"softbank", "softbank", NULL, NULL, AFTER | DAEMON},
    {"softbank", NULL, NULL, "message could not be delivered to mobile", AFTER},
    {"qq", "qq.com", NULL, NULL, AFTER | DAEMON},
    {"netease", "@163.com", NULL, NULL, AFTER | DAEMON},
    {"netease", "@126.com", NULL, NULL, AFTER | DAEMON},
    {"netease", "@188.com", NULL, NULL, AFTER | DAEMON},
    {"sina", "sina.c", NULL, NULL, AFTER | DAEMON},
    {"aliyun", "aliyun", NULL, NULL, AFTER | DAEMON},

    /* servers, by a sentence */
    {"qmail", NULL, NULL, "this is the qmail-send program", LINES},
    {"qmail", NULL, NULL, "i'm afraid i wasn't able to deliver your message", LINES},
    {"mailenable", NULL, NULL, "could not be delivered to some recipients", AFTER, "recipient:"},
    {"exim", NULL, NULL, "this message was created automatically by mail delivery software", LINES},
    {"exim", NULL, NULL, "a message that you sent could not be delivered", LINES},
    {"postfix", NULL, NULL, "i'm sorry to have to inform you that", LINES},
    {"sendmail", NULL, NULL, "the following addresses had permanent fatal errors", LINES},
    {"sendmail", NULL, NULL, "the following addresses had transient non-fatal errors", LINES},
    {"sendmail", NULL, NULL, "the following addresses had delivery problems", LINES},
    {"sendmail", NULL, NULL, "transcript of session follows", LINES},
    {"courier", NULL, NULL, "courier mail server", LINES},
    {"office365", NULL, NULL, "couldn't be delivered", AFTER, "your message to"},
    {"exchange", NULL, NULL, "delivery has failed to these recipients", LINES},
    {"exchange", NULL, NULL, "diagnostic information for administrators", LINES},
    {"exchange", NULL, NULL, "the following recipient(s) could not be reached", AFTER},
    {"exchange", NULL, NULL, "the following recipient(s) cannot be reached", AFTER},
    {"gmail", NULL, NULL, "delivery to the following recipient failed permanently", AFTER},
    {"gmail", NULL, NULL, "delivery to the following recipient has been delayed", AFTER},
    {"gmail", NULL, NULL, "your message wasn't delivered to", AFTER},
    {"gmail", NULL, NULL, "there was a temporary problem delivering your message to", AFTER},
    {"google-groups", NULL, NULL, "the group you tried to contact", AFTER},
    {"domino", NULL, "delivery failure", "was not delivered to", AFTER},
    {"imta", NULL, NULL, "this report relates to a message you sent", AFTER, "recipient address:"},
    {"x400", NULL, NULL, "x.400", AFTER | DAEMON, "recipient"},
    {"surfcontrol", NULL, NULL, "transcript of the attempts to send the message", AFTER, "addressed to:"},
    {"interscan", NULL, NULL, "sent <<< rcpt to:", AFTER},
    {"interscan", NULL, NULL, "sent >>> rcpt to:", AFTER},
    {"imail", NULL, "undeliverable mail", "unknown user:", AFTER},
    {"imail", NULL, "undeliverable mail", "user mailbox exceeds", AFTER},
    {"amazon-ses", NULL, NULL, "an error occurred while trying to deliver the mail to the following recipients", LINES},
    {"barracuda", NULL, NULL, "blocked by our spam firewall", AFTER, "your message to"},

    /* nobody we know, but an automat that says that it failed */
    {"unknown", NULL, "undeliver", NULL, LINES | DAEMON},
    {"unknown", NULL, "fail", NULL, LINES | DAEMON},
    {"unknown", NULL, "returned", NULL, LINES | DAEMON},
    {"unknown", NULL, "delivery", NULL, LINES | DAEMON},
    {"unknown", NULL, "unzustellbar", NULL, LINES | DAEMON},
    {"unknown", NULL, "non remis", NULL, LINES | DAEMON},
    {"unknown", NULL, "no entregad", NULL, LINES | DAEMON},
    {"unknown", NULL, "mancato recapito", NULL, LINES | DAEMON},
    {"unknown", NULL, "\xE9\x80\x80\xE4\xBF\xA1", NULL, LINES | DAEMON}, /* Chinese: returned mail */
    {"unknown", NULL, NULL, "could not be delivered", LINES | DAEMON},
    {"unknown", NULL, NULL, "undeliverable", LINES | DAEMON},
};

/* Where the original begins, in words or as its own header. */
static const char *const ends[] = {
    "below this line is a copy of the message",
    "enclosed is a copy of the message",
    "this is a copy of the message",
    "copy of your message",
    "original message -----",
    "-----original message",
    "original message follows",
    "original message headers",
    "headers of the original message",
    "unsent message follows",
    "unsent message below",
    "message header follows",
    "undelivered message",
    "\nreceived: ",
    "\nreturn-path: ",
};
static const char *const delays[] = {
    "delayed",
    "(delay)",
    "delay notification",
    "not yet been delivered",
    "still being retried",
    "still trying",
    "will be retried for",
    "warning message only",
    "do not need to resend",
    "temporary problem delivering",
    "delivery incomplete",
    "warning: could not send",
    "transient non-fatal",
};

struct search {
    const struct report_view *v;
    struct str text, lower; /* behind the sentence, in front of the original; the same length */
    struct report_recipient *recipients;
    size_t count;
    enum report_action action;
};

static size_t find(struct str text, const char *part) {
    return str_find_str(text, str_from_z(part));
}

bool report_is_daemon(const struct report_view *v) {
    static const char *const names[] = {"mailer-daemon", "postmaster",    "mail-daemon",
                                        "mailerdaemon",  "mail delivery", "mail administrator"};
    for (size_t i = 0; i < COUNT(names); i++)
        if (find(v->from_lower, names[i]) != STR_NONE) return true;
    return false;
}

static bool is_known(const struct report_view *v, const struct recogniser *r) {
    if ((r->how & DAEMON) && !report_is_daemon(v)) return false;
    return (!r->from || find(v->from_lower, r->from) != STR_NONE) &&
           (!r->subject || find(v->subject_lower, r->subject) != STR_NONE) &&
           (!r->text || find(v->text_lower, r->text) != STR_NONE);
}

static const struct recogniser *recognise(const struct report_view *v) {
    for (size_t i = 0; i < COUNT(recognisers); i++)
        if (is_known(v, &recognisers[i])) return &recognisers[i];
    return NULL;
}

static void narrow(struct search *s, size_t from, size_t n) {
    s->text = str_sub(s->text, from, n);
    s->lower = str_sub(s->lower, from, n);
}

/* Leave what stands between the sentence, or the begin when words in front of it are wanted, and the original. */
static void bound(struct search *s, const struct recogniser *r) {
    size_t end;
    narrow(s, r->text && !r->after ? find(s->lower, r->text) : 0, SIZE_MAX);
    for (size_t i = 0; i < COUNT(ends); i++) {
        if ((end = find(s->lower, ends[i])) == STR_NONE) continue;
        while (ends[i][0] != '\n' && end && s->lower.p[end - 1] != '\n') end--;
        narrow(s, 0, end);
    }
}

static enum report_action action_of(const struct search *s) {
    for (size_t i = 0; i < COUNT(delays); i++)
        if (find(s->lower, delays[i]) != STR_NONE || find(s->v->subject_lower, delays[i]) != STR_NONE) return REPORT_DELAYED;
    return REPORT_FAILED;
}

/* The reporter's own address, and those that only people write to. */
static bool is_reporter(const struct search *s, struct str address) {
    struct str lower = arena_lower(s->v->arena, address);
    return str_find_str(s->v->from_lower, lower) != STR_NONE || str_starts(lower, STR("postmaster@")) ||
           str_starts(lower, STR("mailer-daemon@")) || str_starts(lower, STR("mailto:"));
}

static struct report_recipient *find_recipient(const struct search *s, struct str address) {
    for (size_t i = 0; i < s->count; i++)
        if (str_eq_nocase(s->recipients[i].final_address, address)) return &s->recipients[i];
    return NULL;
}

static void set_said(const struct search *s, struct report_recipient *r, struct str said) {
    while (said.n && strchr(">:,;. \t\r\n", said.p[0]) && said.p[0]) said = str_sub(said, 1, SIZE_MAX);
    r->diagnostic = report_clean(s->v->arena, str_sub(said, 0, SAID_MAX));
    report_find_codes(r->diagnostic, &r->code, &r->enhanced);
}

/* Somebody may be named twice: for people, and with the reply for their administrators. */
static bool add(struct search *s, struct str address, struct str said) {
    struct report_recipient *r = find_recipient(s, address);
    if (!r && s->count == REPORT_RECIPIENTS_MAX) return false;
    if (!r) {
        r = &s->recipients[s->count++];
        *r = (struct report_recipient){.action = s->action,
                                       .status = STR(""),
                                       .final_address = report_clean(s->v->arena, address),
                                       .original_address = STR(""),
                                       .diagnostic_type = STR(""),
                                       .diagnostic = STR(""),
                                       .enhanced = STR(""),
                                       .remote_mta = STR("")};
    } else if (r->code) {
        return true;
    }
    set_said(s, r, said);
    return true;
}

/* The address that a line begins with, behind blanks and '<'; its end in *ret_end. */
static struct str line_address(struct str text, size_t begin, size_t line_end, size_t *ret_end) {
    size_t at, from = begin;
    while (from < line_end && strchr(" \t*-<", text.p[from]) && text.p[from]) from++;
    struct str address = report_find_address(str_sub(text, 0, line_end), from, &at);
    if (address.n == 0 || at != from) return STR("");
    *ret_end = at + address.n;
    return address;
}

static void add_lines(struct search *s, bool *ret_is_full) {
    struct str address = STR(""), text = s->text;
    size_t said_at = 0;
    for (size_t at = 0; at < text.n && !*ret_is_full;) {
        size_t newline = str_find(str_sub(text, at, SIZE_MAX), '\n'), end;
        size_t line_end = newline == STR_NONE ? text.n : at + newline;
        struct str next = line_address(text, at, line_end, &end);
        if (next.n && !is_reporter(s, next)) {
            if (address.n) *ret_is_full = !add(s, address, str_sub(text, said_at, at - said_at));
            address = next;
            said_at = end;
        }
        at = line_end + 1;
    }
    if (address.n && !*ret_is_full) *ret_is_full = !add(s, address, str_sub(text, said_at, SIZE_MAX));
}

/* Exim and its kin list them in a field; what is said stands behind the address in the text. */
static void add_listed(struct search *s, bool *ret_is_full) {
    struct str rest = s->v->failed_recipients, part;
    while (rest.p && rest.n && !*ret_is_full && str_next(&rest, ',', &part)) {
        size_t at;
        struct str address = report_find_address(part, 0, &at);
        if (address.n == 0) continue;
        at = str_find_str(s->lower, arena_lower(s->v->arena, address));
        *ret_is_full = !add(s, address, at == STR_NONE ? s->text : str_sub(s->text, at + address.n, SIZE_MAX));
    }
}

static void add_first(struct search *s, const char *after) {
    size_t at = 0, from = after ? find(s->lower, after) : 0;
    if (from == STR_NONE) from = 0;
    struct str address;
    while ((address = report_find_address(s->text, from, &at)).n && is_reporter(s, address)) from = at + address.n;
    add(s, address, address.n ? str_sub(s->text, at + address.n, SIZE_MAX) : s->text);
    struct report_recipient *r = &s->recipients[0];
    if (r->code == 0 && r->enhanced.n == 0) report_find_codes(s->text, &r->code, &r->enhanced); /* said in front of it */
    if (r->diagnostic.n < 4) r->diagnostic = report_clean(s->v->arena, str_sub(s->text, 0, SAID_MAX));
}

bool report_read_text(const struct report_view *v, struct report *r) {
    const struct recogniser *known = recognise(v);
    if (!known) return false;
    struct search s = {.v = v, .text = v->text, .lower = v->text_lower};
    bool is_full = false;
    s.recipients = arena_array(v->arena, REPORT_RECIPIENTS_MAX, sizeof *s.recipients);
    s.action = action_of(&s);
    bound(&s, known);
    if (v->failed_recipients.n) add_listed(&s, &is_full);
    if (s.count == 0 && (known->how & LINES)) add_lines(&s, &is_full);
    if (s.count == 0) add_first(&s, known->after);
    r->format = str_from_z(known->format);
    r->recipients = s.recipients;
    r->recipient_count = s.count;
    r->is_truncated |= is_full;
    return true;
}
