/* The taxonomy of bounces: every class has examples, every rule can be reached, and what suppresses is what may (BN06, P9).
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "core/bounce.h"
#include "proto/json/json_write.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct example {
    enum bounce_class class;
    unsigned code;
    const char *enhanced, *text, *mx;
};
/* One reply at least for each class, and the wording of those who deliver most of the world's mail. */
static const struct example examples[] = {
    {BOUNCE_INVALID_RECIPIENT, 550, "5.1.1", "<x@y.test>: Recipient address rejected: User unknown in local recipient table", ""},
    {BOUNCE_INVALID_RECIPIENT, 550, "5.1.1", "550-5.1.1 The email account that you tried to reach does not exist.", "google.com"},
    {BOUNCE_INVALID_RECIPIENT, 550, "5.1.1", "<greylist@there.test>: user unknown", ""},
    {BOUNCE_INVALID_RECIPIENT, 550, "", "<spamhaus@there.test>: No such user here", ""},
    {BOUNCE_INVALID_RECIPIENT, 550, "5.5.0", "Requested action not taken: mailbox unavailable (S2017062302).", "outlook.com"},
    {BOUNCE_INVALID_RECIPIENT, 550, "5.1.10", "RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup", ""},
    {BOUNCE_INVALID_RECIPIENT, 554, "", "delivery error: dd This user doesn't have a yahoo.com account (x@y.test)", ""},
    {BOUNCE_INVALID_RECIPIENT, 550, "", "Unrouteable address", ""},
    {BOUNCE_INVALID_RECIPIENT, 550, "", "Unknown address error 550 'x@y.test... No such user'", ""},
    {BOUNCE_INVALID_RECIPIENT, 450, "4.1.1", "unverified address: user unknown", ""},
    {BOUNCE_BAD_DOMAIN, 550, "5.1.2", "the domain does not exist", ""},
    {BOUNCE_BAD_DOMAIN, 556, "5.1.10", "Recipient address has null MX", ""},
    {BOUNCE_BAD_DOMAIN, 0, "5.4.4", "Name service error for name=gone.test type=A: Host not found", ""},
    {BOUNCE_INACTIVE_MAILBOX, 550, "5.2.1", "The email account that you tried to reach is disabled.", "google.com"},
    {BOUNCE_INACTIVE_MAILBOX, 554, "", "The mailbox is inactive", ""},
    {BOUNCE_INACTIVE_MAILBOX, 550, "5.1.1", "this account has been disabled or discontinued", ""},
    {BOUNCE_QUOTA_ISSUES, 552, "5.2.2", "The email account that you tried to reach is over quota and inactive.", "google.com"},
    {BOUNCE_QUOTA_ISSUES, 552, "", "mailbox is full", ""},
    {BOUNCE_QUOTA_ISSUES, 552, "", "no", ""},
    {BOUNCE_SPAM_BLOCK, 550, "5.7.1",
     "Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your Internet service "
     "provider since part of their network is on our block list (S3140).",
     "outlook.com"},
    {BOUNCE_SPAM_BLOCK, 554, "5.7.1", "Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org", ""},
    {BOUNCE_SPAM_BLOCK, 550, "5.7.606", "Access denied, banned sending IP [192.0.2.1]", "outlook.com"},
    {BOUNCE_SPAM_BLOCK, 421, "4.7.0", "[TSS04] Messages from 192.0.2.1 temporarily deferred due to user complaints",
     "yahoodns.net"},
    {BOUNCE_SPAM_BLOCK, 554, "", "No SMTP service: IP address is block listed. For explanation visit postmaster.gmx.net",
     "gmx.net"},
    {BOUNCE_SPAM_BLOCK, 550, "5.7.1", "Mail from IP 192.0.2.1 was rejected due to listing in Spamhaus SBL", "icloud.com"},
    {BOUNCE_SPAM_BLOCK, 554, "", "resimta-po Comcast BL004 Blocked for spam. Comcast block for spam", "comcast.net"},
    {BOUNCE_SPAM_BLOCK, 550, "", "Blocked - see https://ipcheck.proofpoint.com/?ip=192.0.2.1", "pphosted.com"},
    {BOUNCE_SPAM_BLOCK, 554, "5.7.1", "Service unavailable; blocked using bl.barracudacentral.org", ""},
    {BOUNCE_SPAM_BLOCK, 554, "5.7.1", "MI:IPB 163 mx", "163.com"},
    {BOUNCE_SPAM_CONTENT, 550, "5.7.1", "Our system has detected that this message is likely unsolicited mail.", "google.com"},
    {BOUNCE_SPAM_CONTENT, 550, "", "spam message rejected. Please visit help.mail.ru", "mail.ru"},
    {BOUNCE_SPAM_CONTENT, 554, "", "DT:SPM 163 smtp", "163.com"},
    {BOUNCE_SPAM_CONTENT, 550, "", "Mail content denied: content looks like spam", "qq.com"},
    {BOUNCE_SPAM_CONTENT, 554, "5.7.1", "[CS01] Message rejected due to local policy. spam", "icloud.com"},
    {BOUNCE_CONTENT_RELATED, 550, "5.7.1", "message content rejected", ""},
    {BOUNCE_CONTENT_RELATED, 550, "5.6.0", "no", ""},
    {BOUNCE_PROHIBITED_ATTACHMENT, 552, "5.7.0",
     "This message was blocked because its content presents a potential security issue", ""},
    {BOUNCE_PROHIBITED_ATTACHMENT, 554, "", "This attachment type is not allowed: attachment not allowed", ""},
    {BOUNCE_VIRUS_RELATED, 550, "", "This message contains a virus (Eicar-Test-Signature)", ""},
    {BOUNCE_POLICY_RELATED, 550, "5.7.1", "user unknown", ""},
    {BOUNCE_POLICY_RELATED, 550, "5.7.13", "mailbox disabled", ""},
    {BOUNCE_POLICY_RELATED, 550, "5.7.2", "", ""},
    {BOUNCE_POLICY_RELATED, 550, "5.7.133", "RESOLVER.RST.SenderNotAuthenticatedForGroup", ""},
    {BOUNCE_POLICY_RELATED, 530, "5.7.0", "Must issue a STARTTLS command first", ""},
    {BOUNCE_AUTHENTICATION_FAILED, 550, "5.7.26",
     "Unauthenticated email from x.test is not accepted due to domain's DMARC policy", ""},
    {BOUNCE_AUTHENTICATION_FAILED, 550, "", "SPF check failed", ""},
    {BOUNCE_AUTHENTICATION_FAILED, 550, "5.7.515", "Access denied, sending domain x.test doesn't meet the required level", ""},
    {BOUNCE_RELAY_DENIED, 554, "5.7.1", "<x@y.test>: Relay access denied", ""},
    {BOUNCE_RELAY_DENIED, 553, "", "sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", ""},
    {BOUNCE_RATE_LIMITED, 421, "4.7.28", "Our system has detected an unusual rate of unsolicited mail", "google.com"},
    {BOUNCE_RATE_LIMITED, 450, "4.2.1", "The user you are trying to contact is receiving mail at a rate that prevents",
     "google.com"},
    {BOUNCE_RATE_LIMITED, 450, "", "Requested mail action not taken: RP:CEL MI:CEL", "163.com"},
    {BOUNCE_RATE_LIMITED, 550, "", "Connection frequency limited", "qq.com"},
    {BOUNCE_RATE_LIMITED, 421, "", "Service refused, too many connections from your IP. OFR_999", "orange.fr"},
    {BOUNCE_GREYLISTED, 450, "4.2.0", "<x@y.test>: Recipient address rejected: Greylisted, see http://postgrey.test", ""},
    {BOUNCE_GREYLISTED, 451, "", "Internal resource temporarily unavailable - https://community.mimecast.com", "mimecast.com"},
    {BOUNCE_DNS_FAILURE, 451, "4.3.0", "Temporary lookup failure", ""},
    {BOUNCE_DNS_FAILURE, 0, "4.4.3", "", ""},
    {BOUNCE_ROUTING_ERRORS, 554, "5.4.6", "Too many hops", ""},
    {BOUNCE_ROUTING_ERRORS, 0, "5.4.6", "mail for y.test loops back to myself", ""},
    {BOUNCE_NO_ANSWER_FROM_HOST, 0, "4.4.1", "connect to mx.y.test[192.0.2.9]:25: Connection timed out", ""},
    {BOUNCE_BAD_CONNECTION, 0, "4.4.2", "lost connection with mx.y.test while receiving the initial greeting", ""},
    {BOUNCE_PROTOCOL_ERRORS, 501, "5.5.4", "Invalid argument", ""},
    {BOUNCE_PROTOCOL_ERRORS, 500, "", "what?", ""},
    {BOUNCE_BAD_CONFIGURATION, 550, "5.7.25", "The IP address sending this message does not have a PTR record", "google.com"},
    {BOUNCE_BAD_CONFIGURATION, 554, "5.3.5", "no", ""},
    {BOUNCE_INVALID_SENDER, 550, "5.1.0", "<s@x.test>: Sender address rejected: User unknown in virtual mailbox table", ""},
    {BOUNCE_INVALID_SENDER, 550, "5.1.8", "Sender address rejected: Domain not found", ""},
    {BOUNCE_INVALID_SENDER, 550, "", "Mail from address must exist", "qq.com"},
    {BOUNCE_MESSAGE_EXPIRED, 0, "4.4.7", "Delivery time expired", ""},
    {BOUNCE_MESSAGE_EXPIRED, 0, "5.4.7", "", ""},
    {BOUNCE_MESSAGE_EXPIRED, 0, "", "retry timeout exceeded", ""},
    {BOUNCE_TOO_LARGE, 552, "5.3.4", "Message size exceeds fixed limit", ""},
    {BOUNCE_TOO_LARGE, 552, "", "message too large", ""},
    {BOUNCE_TOO_MANY_RECIPIENTS, 452, "4.5.3", "too many recipients", ""},
    {BOUNCE_TOO_MANY_RECIPIENTS, 552, "", "Too many recipients received this hour", ""},
    {BOUNCE_CHALLENGE_RESPONSE, 550, "", "your mail requires verification: see http://challenge.test", ""},
    {BOUNCE_TRANSIENT_FAILURE, 421, "4.3.2", "closing", ""},
    {BOUNCE_TRANSIENT_FAILURE, 451, "", "", ""},
    {BOUNCE_TRANSIENT_FAILURE, 550, "", "Please try again later", ""},
    {BOUNCE_TRANSIENT_FAILURE, 550, "", "mailbox temporarily disabled", ""},
    {BOUNCE_UNCATEGORIZED, 550, "", "", ""},
    {BOUNCE_UNCATEGORIZED, 554, "", "transaction failed", ""},
    {BOUNCE_UNCATEGORIZED, 550, "5.1.0", "no", ""},
    {BOUNCE_UNCATEGORIZED, 0, "", "", ""},
};
#define COUNT(table) (sizeof(table) / sizeof(table)[0])

static struct bounce_book *book; /* the built-in rules */

static struct bounce_finding judge(const struct example *e) {
    struct bounce_finding f;
    struct bounce_reply reply = {e->code, str_from_z(e->enhanced), str_from_z(e->text), str_from_z(e->mx)};
    bounce_judge(book, &reply, &f);
    return f;
}

static void test_replies_have_their_class(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(examples); i++) {
        const struct example *e = &examples[i];
        struct bounce_finding f = judge(e);
        if (f.class != e->class)
            fail_msg("%u %s %s: %s, not %s", e->code, e->enhanced, e->text, bounce_class_facts(f.class)->name.p,
                     bounce_class_facts(e->class)->name.p);
    }
}

static void test_every_class_that_a_reply_can_have_has_an_example(void **state) {
    (void)state;
    bool has[BOUNCE_CLASS_COUNT] = {[BOUNCE_AUTO_REPLY] = true}; /* a message, never a reply */
    for (size_t i = 0; i < COUNT(examples); i++) has[examples[i].class] = true;
    for (int c = 0; c < BOUNCE_CLASS_COUNT; c++) assert_true(has[c]);
}

/* Words that a rule must fit: its pattern, with something where the stars stand. */
static struct str words_of(const struct bounce_rule *r, struct buf *out) {
    struct str text = r->text.n ? r->text : STR("zzz");
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '*')
            buf_add_z(out, " qqq ");
        else
            buf_add_char(out, text.p[i]);
    }
    return buf_str(out);
}

static struct str enhanced_of(const struct bounce_rule *r, unsigned code, struct buf *out) {
    struct str e = r->enhanced;
    for (size_t i = 0; i < e.n; i++) {
        if (e.p[i] == '*')
            buf_add_z(out, i == 2 ? "0.99" : "99");
        else if (e.p[i] == '?')
            buf_add_char(out, i ? '0' : code / 100 == 4 ? '4' : '5');
        else
            buf_add_char(out, e.p[i]);
    }
    return buf_str(out);
}

static struct bounce_rules *rules_of(struct str file) {
    struct bounce_rules *rules = NULL;
    BUF_AUTO why = {0};
    if (bounce_rules_load(file, &rules, &why) != STATUS_OK) fail_msg("%s", why.p);
    return rules;
}

static void test_every_rule_is_reached(void **state) {
    (void)state;
    struct bounce_rules *rules = rules_of(STR(""));
    size_t unreached = 0;
    assert_true(bounce_rules_count(rules) > 350);
    for (size_t i = 0; i < bounce_rules_count(rules); i++) {
        const struct bounce_rule *r = bounce_rules_at(rules, i);
        BUF_AUTO text = {0};
        BUF_AUTO enhanced = {0};
        unsigned code = r->code < 10 ? r->code * 100 + 99 : r->code;
        struct bounce_reply reply = {code, enhanced_of(r, code, &enhanced), words_of(r, &text), r->mx};
        const struct bounce_rule *found = bounce_rules_find(rules, &reply);
        if (found == r) continue;
        unreached++;
        print_error("line %zu is hidden behind line %zu\n", r->line, found ? found->line : 0);
    }
    assert_int_equal(unreached, 0);
    bounce_rules_free(&rules);
}

/* ---- files ---- */
static struct bounce_rules *rules_from(const char *mine, struct buf *why) {
    const struct bounce_rules_file files[] = {{STR("my.conf"), str_from_z(mine)}, bounce_rules_builtin()};
    struct bounce_rules *rules = NULL;
    if (bounce_rules_new(files, 2, &rules, why) != STATUS_OK) assert_null(rules);
    return rules;
}

/* An operator's row is looked at first; what it says nothing about stays as it is; the place of a rule can be told. */
static void test_an_operators_rules_come_first(void **state) {
    (void)state;
    BUF_AUTO why = {0};
    BUF_AUTO where = {0};
    struct bounce_finding f;
    struct bounce_rules *rules =
        rules_from("# mine\r\n\n"
                   "ratelimited   5XX  *  mx.example  No  such\tUSER   # they say so when we are too fast\r\n"
                   "SpamBlock 554 5.7.* * *",
                   &why);
    assert_non_null(rules);
    const struct bounce_rule *rule =
        bounce_rules_judge(rules, &(struct bounce_reply){550, STR("5.1.1"), STR("no such user"), STR("in.MX.example.net")}, &f);
    bounce_rule_where(rules, rule, &where);
    assert_string_equal(where.p, "my.conf:3");
    assert_true(f.class == BOUNCE_RATE_LIMITED && !f.suppresses);
    assert_int_equal(f.verdict, BOUNCE_BOUNCED); /* 5.1.1 is never waited for */
    rule = bounce_rules_judge(rules, &(struct bounce_reply){550, STR("5.1.1"), STR("no such user"), STR("mx.other")}, &f);
    buf_reset(&where);
    bounce_rule_where(rules, rule, &where);
    assert_true(str_starts(buf_str(&where), STR("bounce_rules.conf:")));
    assert_true(f.class == BOUNCE_INVALID_RECIPIENT && f.suppresses);
    (void)bounce_rules_judge(rules, &(struct bounce_reply){554, STR("5.7.9"), STR("whatever"), STR("")}, &f);
    assert_int_equal(f.class, BOUNCE_SPAM_BLOCK);
    bounce_rules_free(&rules);
}

static void test_a_wrong_row_is_told_with_its_line(void **state) {
    (void)state;
    static const struct {
        const char *text, *why;
    } wrong[] = {
        {"SpamBlock * *\n", "my.conf:1: expected class, code, enhanced code, host and words"},
        {"SpamBlock * * * \n", "my.conf:1: the words are missing; * stands for any"},
        {"\n# x\nSpamBlok * * * spam", "my.conf:3: no such class"},
        {"SpamBlock 55 * * spam", "my.conf:1: expected a code like 550, 4xx, 5xx or *"},
        {"SpamBlock 250 * * spam", "my.conf:1: expected a code like 550, 4xx, 5xx or *"},
        {"SpamBlock * five * spam", "my.conf:1: expected an enhanced code like 5.1.1, ?.7.2? or 5.7.*"},
        {"SpamBlock * 5.*.1 * spam", "my.conf:1: expected an enhanced code like 5.1.1, ?.7.2? or 5.7.*"},
        {"SpamBlock * * * *", "my.conf:1: it would fit everything"},
        {"SpamBlock * * * a*spam", "my.conf:1: each part of the words between stars needs two letters"},
        {"SpamBlock * * * mail bob@x.example", "my.conf:1: an address in a reply is compared as \"@\" alone"},
        {"SpamBlock * * * sp\xff", "my.conf:1: it is no UTF-8"},
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        BUF_AUTO why = {0};
        assert_null(rules_from(wrong[i].text, &why));
        assert_string_equal(why.p, wrong[i].why);
    }
    BUF_AUTO why = {0};
    struct bounce_rules *rules = NULL;
    assert_int_equal(bounce_rules_load(STR("/nonexistent/rules"), &rules, &why), STATUS_IO);
    assert_true(str_starts(buf_str(&why), STR("/nonexistent/rules: ")));
}

static void write_file(const char *path, const char *text) {
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
}

/* A file that went wrong changes nothing; one that is right counts from then on. */
static void test_a_book_is_read_anew(void **state) {
    (void)state;
    char path[] = "/tmp/posthorn-rules-XXXXXX";
    BUF_AUTO why = {0};
    struct bounce_book *mine = NULL;
    struct bounce_finding f;
    const struct bounce_reply reply = {550, STR(""), STR("the moon is full"), STR("")};
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(bounce_book_new(str_from_z(path), &mine, &why), STATUS_OK);
    const struct {
        const char *text;
        enum status status;
        enum bounce_class class;
    } steps[] = {{"QuotaIssues * * * moon is full", STATUS_OK, BOUNCE_QUOTA_ISSUES},
                 {"Nonsense", STATUS_INVALID, BOUNCE_QUOTA_ISSUES},
                 {"", STATUS_OK, BOUNCE_UNCATEGORIZED}};
    for (size_t i = 0; i < COUNT(steps); i++) {
        write_file(path, steps[i].text);
        assert_int_equal(bounce_book_reload(mine, &why), steps[i].status);
        bounce_judge(mine, &reply, &f);
        assert_int_equal(f.class, steps[i].class);
    }
    bounce_book_free(&mine);
    unlink(path);
}

/* P9 */
static void test_only_three_classes_suppress_and_only_hard_ones(void **state) {
    (void)state;
    for (int c = 0; c < BOUNCE_CLASS_COUNT; c++) {
        const struct bounce_class_facts *f = bounce_class_facts((enum bounce_class)c);
        bool may = c == BOUNCE_INVALID_RECIPIENT || c == BOUNCE_BAD_DOMAIN || c == BOUNCE_INACTIVE_MAILBOX;
        assert_int_equal(f->suppresses, may);
        assert_true(f->is_hard || !f->suppresses);
        assert_false(f->is_hard && f->passes);
        assert_true(f->name.n && f->ses.n && f->postmark.n && f->sparkpost && bounce_fault_name(f->fault).n);
        for (int other = 0; other < c; other++) assert_false(str_eq(f->name, bounce_class_facts((enum bounce_class)other)->name));
    }
}

static void test_bn06_quota_policy_and_temporary_suppress_nobody(void **state) {
    (void)state;
    static const char *const words[] = {"user unknown", "no such user", "account does not exist", "mailbox is inactive",
                                        "domain not found"};
    static const char *const codes[] = {"5.2.2", "5.7.0", "5.7.1", "5.7.13", "5.7.99", "4.1.1", "4.2.1", "4.1.2"};
    for (size_t i = 0; i < COUNT(words); i++) {
        for (size_t j = 0; j < COUNT(codes); j++) {
            struct bounce_finding f = judge(&(struct example){0, 550, codes[j], words[i], ""});
            assert_false(f.suppresses);
            assert_false(str_starts(str_from_z(codes[j]), STR("5.7.")) && f.fault == BOUNCE_FAULT_RECIPIENT);
            assert_false(codes[j][0] == '4' && f.is_hard);
        }
        struct bounce_finding hard = judge(&(struct example){0, 550, "", words[i], ""});
        struct bounce_finding soft = judge(&(struct example){0, 450, "", words[i], ""});
        assert_true(hard.suppresses && hard.is_hard);
        assert_true(!soft.suppresses && !soft.is_hard && soft.class == hard.class);
    }
}

/* Any bytes and any length are judged, and what lies behind the limit is not. */
static void test_odd_words(void **state) {
    (void)state;
    BUF_AUTO text = {0};
    struct bounce_finding f;
    while (text.n < BOUNCE_TEXT_MAX) buf_add_char(&text, 'x');
    buf_add_z(&text, " user unknown");
    bounce_judge(book, &(struct bounce_reply){550, STR(""), buf_str(&text), STR("")}, &f);
    assert_int_equal(f.class, BOUNCE_UNCATEGORIZED);
    bounce_judge(book, &(struct bounce_reply){550, STR("5.1.1foo"), STR("\0\xff\x80 \r\n\t"), STR("\xff")}, &f);
    assert_int_equal(f.class, BOUNCE_UNCATEGORIZED);
    bounce_judge(book, &(struct bounce_reply){550, STR(""), STR("550-USER\r\n 550-5.1.1   unknown"), STR("")}, &f);
    assert_int_equal(f.class, BOUNCE_INVALID_RECIPIENT);
    bounce_judge(book, &(struct bounce_reply){99999, STR("9.9.9"), (struct str){0}, (struct str){0}}, &f);
    assert_int_equal(f.class, BOUNCE_UNCATEGORIZED);
}

static void test_the_form_in_events(void **state) {
    (void)state;
    BUF_AUTO out = {0};
    struct json_writer w = {.out = &out};
    struct bounce_finding f = bounce_finding_make(BOUNCE_SPAM_BLOCK);
    json_open_object(&w);
    bounce_class_write(&w, &f, STR("smtp"));
    json_close_object(&w);
    assert_string_equal(
        out.p, "{\"Bounce\":{\"Class\":\"SpamBlock\",\"Hard\":false,\"Fault\":\"sender reputation\",\"Source\":\"smtp\"}}");
}

/* OB12, OB19, OB20, OB24, OB25, OB32, OB34, OB35: what is waited for, what bounces, and that only a plain 5xx about the recipient
 * suppresses (P9). */
static void test_verdicts_of_hostile_replies(void **state) {
    (void)state;
    static const struct {
        const char *id;
        struct example said;
        enum bounce_verdict verdict;
        bool suppresses;
    } rows[] = {
        {"OB12", {BOUNCE_INVALID_RECIPIENT, 550, "5.1.1", "no", ""}, BOUNCE_BOUNCED, true},
        {"OB12", {BOUNCE_INVALID_RECIPIENT, 450, "4.1.1", "no", ""}, BOUNCE_DEFERRED, false},
        {"OB12", {BOUNCE_INACTIVE_MAILBOX, 550, "5.2.1", "mailbox disabled", ""}, BOUNCE_BOUNCED, true},
        {"OB19", {BOUNCE_TOO_MANY_RECIPIENTS, 452, "4.5.3", "too many", ""}, BOUNCE_DEFERRED, false},
        {"OB20", {BOUNCE_TRANSIENT_FAILURE, 452, "4.3.1", "insufficient system storage", ""}, BOUNCE_DEFERRED, false},
        {"OB20", {BOUNCE_TRANSIENT_FAILURE, 552, "4.3.1", "insufficient system storage", ""}, BOUNCE_DEFERRED, false},
        {"OB20", {BOUNCE_QUOTA_ISSUES, 552, "", "no room", ""}, BOUNCE_BOUNCED, false},
        {"OB24", {BOUNCE_UNCATEGORIZED, 251, "", "User not local; will forward to <a@b.example>", ""}, BOUNCE_DELIVERED, false},
        {"OB24", {BOUNCE_RELAY_DENIED, 551, "", "User not local; please try <a@b.example>", ""}, BOUNCE_BOUNCED, false},
        {"OB25", {BOUNCE_GREYLISTED, 450, "4.2.0", "Greylisted", ""}, BOUNCE_DEFERRED, false},
        {"OB25", {BOUNCE_GREYLISTED, 550, "5.7.1", "Greylisted, come again", ""}, BOUNCE_DEFERRED, false},
        {"OB32", {BOUNCE_INVALID_RECIPIENT, 550, "4.1.1", "user unknown", ""}, BOUNCE_BOUNCED, false},
        {"OB32", {BOUNCE_INVALID_RECIPIENT, 450, "5.1.1", "user unknown", ""}, BOUNCE_DEFERRED, false},
        {"OB32", {BOUNCE_INVALID_RECIPIENT, 250, "5.1.1", "user unknown", ""}, BOUNCE_DELIVERED, false},
        {"OB34",
         {BOUNCE_INVALID_RECIPIENT, 550, "", "<b>User</b> <script>x</script>\x01\xff user unknown", ""},
         BOUNCE_BOUNCED,
         true},
        {"OB35", {BOUNCE_RATE_LIMITED, 550, "5.7.1", "[x] Too many messages from you", ""}, BOUNCE_DEFERRED, false},
        {"OB35", {BOUNCE_RATE_LIMITED, 550, "5.7.28", "user unknown", ""}, BOUNCE_DEFERRED, false},
        {"OB35", {BOUNCE_SPAM_BLOCK, 554, "5.7.1", "blocked using zen.spamhaus.org; no such user", ""}, BOUNCE_DEFERRED, false},
        {"OB35", {BOUNCE_POLICY_RELATED, 550, "5.7.1", "user unknown", ""}, BOUNCE_BOUNCED, false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct bounce_finding f = judge(&rows[i].said);
        if (f.class == rows[i].said.class && f.verdict == rows[i].verdict && f.suppresses == rows[i].suppresses) continue;
        fail_msg("%s, row %zu: %s, verdict %d, suppresses %d", rows[i].id, i, bounce_class_facts(f.class)->name.p, f.verdict,
                 f.suppresses);
    }
}

static int make_book(void **state) {
    (void)state;
    BUF_AUTO why = {0};
    return bounce_book_new(STR(""), &book, &why) == STATUS_OK ? 0 : -1;
}

static int free_book(void **state) {
    (void)state;
    bounce_book_free(&book);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replies_have_their_class),
        cmocka_unit_test(test_every_class_that_a_reply_can_have_has_an_example),
        cmocka_unit_test(test_every_rule_is_reached),
        cmocka_unit_test(test_an_operators_rules_come_first),
        cmocka_unit_test(test_a_wrong_row_is_told_with_its_line),
        cmocka_unit_test(test_a_book_is_read_anew),
        cmocka_unit_test(test_only_three_classes_suppress_and_only_hard_ones),
        cmocka_unit_test(test_bn06_quota_policy_and_temporary_suppress_nobody),
        cmocka_unit_test(test_verdicts_of_hostile_replies),
        cmocka_unit_test(test_odd_words),
        cmocka_unit_test(test_the_form_in_events),
    };
    return cmocka_run_group_tests(tests, make_book, free_book);
}
