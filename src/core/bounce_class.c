/* bounce_class.c - the table of classes, and the walk through the rules of bounce_rules.c.
 *
 * A rule's words are looked for in a folded copy of the reply: lower case, blanks as one, without the codes that stand before
 * each line, and every word that holds an '@' as "@", so that addresses say nothing. '*' needs no going back: each part of a
 * pattern is looked for behind the one before.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/bounce_class.h"

#include "core/bounce_rules.h"
#include "proto/json/json_write.h"

#include <string.h>

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

/* ---- words ---- */
struct folded {
    char p[BOUNCE_TEXT_MAX];
    size_t n;
};

/* "550-", "550-5.1.1": what stands before the next line of a reply whose lines were joined. */
static bool is_line_code(struct str word) {
    if (word.n < 4 || !ascii_is_digit(word.p[0]) || !ascii_is_digit(word.p[1]) || !ascii_is_digit(word.p[2])) return false;
    if (word.p[3] != '-') return false;
    for (size_t i = 4; i < word.n; i++)
        if (!ascii_is_digit(word.p[i]) && word.p[i] != '.') return false;
    return true;
}

static bool is_blank(char c) {
    return (unsigned char)c <= ' ';
}

static void fold(struct str text, struct folded *f) {
    f->n = 0;
    text = str_sub(text, 0, BOUNCE_TEXT_MAX - 1);
    for (size_t at = 0; at < text.n;) {
        size_t end = at;
        while (end < text.n && !is_blank(text.p[end])) end++;
        struct str word = str_sub(text, at, end - at);
        at = end + 1;
        if (word.n == 0 || is_line_code(word)) continue;
        if (str_find(word, '@') != STR_NONE) word = STR("@");
        if (f->n) f->p[f->n++] = ' ';
        for (size_t i = 0; i < word.n; i++) f->p[f->n++] = ascii_lower(word.p[i]);
    }
}

static bool has_words(const struct folded *f, const char *pattern) {
    struct str rest = str_from_z(pattern), part;
    const char *at = f->p, *end = f->p + f->n;
    while (str_next(&rest, '*', &part)) {
        const char *found = memmem(at, (size_t)(end - at), part.p, part.n);
        if (!found) return false;
        at = found + part.n;
    }
    return true;
}

static bool has_enhanced(struct str enhanced, const char *pattern) {
    size_t i = 0;
    for (; pattern[i] && pattern[i] != '*'; i++)
        if (i == enhanced.n || (pattern[i] != '?' && pattern[i] != enhanced.p[i])) return false;
    return pattern[i] == '*' || i == enhanced.n;
}

static bool has_code(unsigned code, unsigned wanted) {
    return wanted < 10 ? code / 100 == wanted : code == wanted;
}

static void fold_host(struct str mx, struct folded *f) {
    mx = str_sub(mx, 0, 255);
    for (f->n = 0; f->n < mx.n; f->n++) f->p[f->n] = ascii_lower(mx.p[f->n]);
}

const struct bounce_rule *bounce_rule_find(unsigned code, struct str enhanced, struct str text, struct str mx) {
    struct folded words, host;
    fold(text, &words);
    fold_host(mx, &host);
    bool is_security = has_enhanced(enhanced, "?.7.*"); /* never the recipient's fault, whatever the words (BN06) */
    size_t count;
    const struct bounce_rule *rules = bounce_rules(&count);
    for (size_t i = 0; i < count; i++) {
        const struct bounce_rule *r = &rules[i];
        if (r->code && !has_code(code, r->code)) continue;
        if (r->enhanced && !has_enhanced(enhanced, r->enhanced)) continue;
        if (is_security && facts[r->class].fault == BOUNCE_FAULT_RECIPIENT) continue;
        if (r->mx && !has_words(&host, r->mx)) continue;
        if (r->text && !has_words(&words, r->text)) continue;
        return r;
    }
    return NULL;
}

/* ---- verdict ---- */
struct bounce_finding bounce_finding_make(enum bounce_class c) {
    return (struct bounce_finding){
        .class = c, .is_hard = facts[c].is_hard, .suppresses = facts[c].suppresses, .fault = facts[c].fault};
}

void bounce_class_of(unsigned code, struct str enhanced, struct str text, struct str mx, struct bounce_finding *ret) {
    const struct bounce_rule *rule = bounce_rule_find(code, enhanced, text, mx);
    struct bounce_finding f = bounce_finding_make(rule ? rule->class : BOUNCE_UNCATEGORIZED);
    bool is_temporary = code / 100 == 4 || (enhanced.n && enhanced.p[0] == '4');
    if (is_temporary) f.is_hard = f.suppresses = false;
    *ret = f;
}

void bounce_class_write(struct json_writer *w, const struct bounce_finding *finding, struct str source) {
    json_add_object(w, STR("Bounce"));
    json_add_str(w, STR("Class"), facts[finding->class].name);
    json_add_bool(w, STR("Hard"), finding->is_hard);
    json_add_str(w, STR("Fault"), bounce_fault_name(finding->fault));
    json_add_str(w, STR("Source"), source);
    json_close_object(w);
}
