/* explain.c - see explain.h. One pass collects what is to be told as names and values; they are printed as lines or as JSON.
 * SPDX-License-Identifier: Apache-2.0 */
#include "app/explain.h"

#include "app/command.h"
#include "app/verbs.h"
#include "base/clock.h"
#include "base/file.h"
#include "core/bounce.h"
#include "proto/json/json_write.h"
#include "proto/report/report.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where facts go: lines "Name: value" or members of JSON. */
struct telling {
    const struct bounce_rules *rules;
    struct buf *out;
    bool json;
    struct json_writer w;
};

static void tell(struct telling *t, const char *name, struct str value) {
    if (value.n == 0) return;
    if (t->json) return json_add_str(&t->w, str_from_z(name), value);
    buf_addf(t->out, "%s:%*s%.*s\n", name, (int)(strlen(name) < 18 ? 18 - strlen(name) : 1), "", STR_ARG(value));
}

static void tell_number(struct telling *t, const char *name, unsigned value) {
    BUF_AUTO text = {0};
    if (value == 0) return;
    if (t->json) return json_add_i64(&t->w, str_from_z(name), value);
    buf_add_u64(&text, value);
    tell(t, name, buf_str(&text));
}

static void tell_bool(struct telling *t, const char *name, bool value) {
    if (t->json) return json_add_bool(&t->w, str_from_z(name), value);
    tell(t, name, value ? STR("yes") : STR("no"));
}

static void tell_time(struct telling *t, const char *name, int64_t at) {
    BUF_AUTO text = {0};
    if (at == 0) return;
    time_add_iso_ms(&text, at);
    tell(t, name, buf_str(&text));
}

static void begin(struct telling *t) {
    t->w = (struct json_writer){.out = t->out};
    if (t->json) json_open_object(&t->w);
}

static void end(struct telling *t) {
    if (t->json) json_close_object(&t->w);
    if (t->json) buf_add_char(t->out, '\n');
}

/* ---- classes ---- */
static void tell_finding(struct telling *t, const struct bounce_finding *f, struct str source) {
    const struct bounce_class_facts *facts = bounce_class_facts(f->class);
    if (t->json) {
        bounce_class_write(&t->w, f, source);
    } else {
        tell(t, "Class", facts->name);
        tell(t, "Hard", f->is_hard ? STR("yes: the same mail again would not get there") : STR("no: it may pass"));
        tell(t, "Fault", bounce_fault_name(f->fault));
    }
    tell(t, "SES", facts->ses);
    tell(t, "Postmark", facts->postmark);
    tell_number(t, "SparkPost", facts->sparkpost);
}

static void tell_suppression(struct telling *t, const char *why_not, struct str condition) {
    tell_bool(t, "Suppresses", !why_not);
    tell(t, why_not ? "WhyNot" : "Provided", why_not ? str_from_z(why_not) : condition);
}

/* NULL: it would. */
static const char *class_objection(const struct bounce_finding *f) {
    if (f->suppresses) return NULL;
    if (bounce_class_facts(f->class)->suppresses) return "it is temporary";
    return "this class does not say that the address is of no use";
}

static void tell_rule(struct telling *t, const struct bounce_rule *rule) {
    BUF_AUTO where = {0};
    if (rule) bounce_rule_where(t->rules, rule, &where);
    tell(t, "Rule", buf_str(&where));
}

void explain_reply(const struct bounce_rules *rules, struct str reply, struct str mx, bool json, struct buf *out) {
    struct telling t = {.rules = rules, .out = out, .json = json};
    struct bounce_finding finding;
    unsigned code;
    struct str enhanced;
    report_find_codes(reply, &code, &enhanced);
    const struct bounce_rule *rule = bounce_rules_judge(rules, &(struct bounce_reply){code, enhanced, reply, mx}, &finding);
    begin(&t);
    tell_number(&t, "Code", code);
    tell(&t, "Enhanced", enhanced);
    tell_rule(&t, rule);
    tell_finding(&t, &finding, STR("smtp"));
    tell_bool(&t, "Retried", finding.verdict == BOUNCE_DEFERRED);
    tell_suppression(&t, class_objection(&finding),
                     STR("it is said to RCPT or to the message, or by a standard report that came home"));
    end(&t);
}

/* ---- reports ---- */
static struct str meaning(enum report_kind kind) {
    static const struct str meanings[] = {
        [REPORT_NONE] = STR_INIT("a message like any other: no report"),
        [REPORT_DSN] = STR_INIT("a delivery report"),
        [REPORT_BOUNCE] = STR_INIT("a bounce in words of its own"),
        [REPORT_COMPLAINT] = STR_INIT("a complaint"),
        [REPORT_AUTO_REPLY] = STR_INIT("an automatic answer: no bounce"),
        [REPORT_CHALLENGE] = STR_INIT("a challenge to prove that the sender is one: no bounce"),
    };
    return meanings[kind];
}

static const char *objection(const struct report *r, const struct report_recipient *to, const struct bounce_finding *f) {
    if (!report_has_failed(to)) return "it does not say that delivery failed";
    if (r->kind != REPORT_DSN) return "words in a text can be anybody's";
    if (!r->is_standard) return "it is no complete report of RFC 3464 by itself";
    return class_objection(f);
}

static void tell_recipient(struct telling *t, const struct report *r, const struct report_recipient *to) {
    struct bounce_finding finding;
    const struct bounce_reply reply = {to->code, to->enhanced, to->diagnostic, report_speaker(r, to)};
    (void)bounce_rules_judge(t->rules, &reply, &finding);
    if (t->json)
        json_open_object(&t->w);
    else
        buf_add_char(t->out, '\n');
    tell(t, "FinalRecipient", to->final_address);
    tell(t, "OriginalRecipient", to->original_address);
    tell(t, "Action", str_from_z(report_action_name(to->action)));
    tell(t, "Status", to->status);
    tell_number(t, "Code", to->code);
    tell(t, "Enhanced", to->enhanced);
    tell(t, "DiagnosticType", to->diagnostic_type);
    tell(t, "Diagnostic", to->diagnostic);
    tell(t, "RemoteMTA", to->remote_mta);
    if (report_has_failed(to)) tell_finding(t, &finding, r->kind == REPORT_DSN ? STR("dsn") : STR("text"));
    tell_suppression(t, objection(r, to, &finding), STR("it comes from <> to this recipient's own return path"));
    if (t->json) json_close_object(&t->w);
}

static void tell_recipients(struct telling *t, const struct report *r) {
    if (r->recipient_count == 0) return;
    if (t->json) json_add_array(&t->w, STR("Recipients"));
    for (size_t i = 0; i < r->recipient_count; i++) tell_recipient(t, r, &r->recipients[i]);
    if (t->json) json_close_array(&t->w);
}

static void tell_complaint(struct telling *t, const struct report *r) {
    const struct report_complaint *c = &r->complaint;
    bool is_angry = c->type == REPORT_ABUSE || c->type == REPORT_FRAUD;
    tell(t, "FeedbackType", str_from_z(report_feedback_name(c->type)));
    tell(t, "UserAgent", c->user_agent);
    tell(t, "OriginalMailFrom", c->mail_from);
    tell(t, "OriginalRcptTo", c->rcpt_to);
    tell(t, "ReportedDomain", c->reported_domain);
    tell(t, "SourceAddress", c->source_address);
    const char *why_not = !is_angry ? "this kind of feedback is no wish to get no more mail" : NULL;
    if (!why_not && !r->is_standard) why_not = "it is no complete report of RFC 5965 by itself";
    tell_suppression(t, why_not, STR("a signed address of ours is in the header of the message it is about"));
}

/* A stranger's bytes on somebody's terminal: nothing that it would obey. */
static void show_header(struct str header, struct buf *out) {
    if (header.n == 0) return;
    buf_add_z(out, "\nHeader of the message it is about:\n");
    header = str_trim(header);
    for (size_t i = 0; i < header.n; i++) {
        char c = header.p[i];
        bool is_plain = c == '\n' || c == '\t' || (c >= ' ' && c <= '~');
        if (c != '\r') buf_add_char(out, is_plain ? c : '?');
    }
    buf_add_char(out, '\n');
}

void explain_message(const struct bounce_rules *rules, struct str message, bool json, struct buf *out) {
    ARENA_AUTO arena = {0};
    struct report r;
    struct telling t = {.rules = rules, .out = out, .json = json};
    report_parse(message, &arena, &r);
    begin(&t);
    tell(&t, "Kind", json ? str_from_z(report_kind_name(r.kind)) : meaning(r.kind));
    tell(&t, "Format", r.format);
    tell_bool(&t, "Standard", r.is_standard);
    tell(&t, "ReportingMTA", r.reporting_mta);
    tell(&t, "EnvelopeID", r.envelope_id);
    tell_time(&t, "ArrivedAt", r.arrived_at);
    if (r.is_truncated) tell_bool(&t, "Truncated", true);
    if (r.kind == REPORT_COMPLAINT) tell_complaint(&t, &r);
    tell_recipients(&t, &r);
    if (json) tell(&t, "OriginalHeader", r.original_header);
    if (!json) show_header(r.original_header, out);
    end(&t);
}

/* ---- the verb ---- */
static int usage(const char *why) {
    fprintf(stderr,
            "posthorn bounce: %s\nUsage: posthorn bounce explain [--rules FILE] < MESSAGE\n       posthorn bounce classify REPLY "
            "[--mx HOST] [--rules FILE]\n       posthorn bounce rules\n",
            why);
    return EXIT_USAGE;
}

static int print(const struct buf *out) {
    fwrite(out->p, 1, out->n, stdout);
    return EXIT_SUCCESS;
}

static int run_explain(const struct bounce_rules *rules, bool json) {
    BUF_AUTO message = {0};
    BUF_AUTO out = {0};
    enum status st = file_read_fd(STDIN_FILENO, INPUT_MESSAGE_MAX, &message);
    if (st != STATUS_OK || message.n == 0) {
        fputs(st == STATUS_LIMIT ? "posthorn bounce explain: the message is longer than any that would be taken\n"
                                 : "posthorn bounce explain: no message on standard input\n",
              stderr);
        return EXIT_FAILURE;
    }
    explain_message(rules, buf_str(&message), json, &out);
    return print(&out);
}

static int run_classify(const struct bounce_rules *rules, const char *reply, const char *mx, bool json) {
    BUF_AUTO out = {0};
    explain_reply(rules, str_from_z(reply), str_from_z(mx), json, &out);
    return print(&out);
}

/* What is built in, as a file: the place to look up what classify says, and a beginning of one's own. */
static int run_rules(void) {
    struct str text = bounce_rules_builtin().text;
    fwrite(text.p, 1, text.n, stdout);
    return EXIT_SUCCESS;
}

/* Take "--mx HOST" and "--rules FILE" off the end; false: something else stands there. */
static bool read_options(char *const *words, int count, const char **ret_mx, struct str *ret_rules) {
    for (int i = 0; i < count; i += 2) {
        if (i + 1 < count && strcmp(words[i], "--mx") == 0)
            *ret_mx = words[i + 1];
        else if (i + 1 < count && strcmp(words[i], "--rules") == 0)
            *ret_rules = str_from_z(words[i + 1]);
        else
            return false;
    }
    return true;
}

int explain(char *const *words, int count, struct str rules_file, bool json) {
    const char *verb = count ? words[0] : "", *mx = NULL;
    bool is_explain = strcmp(verb, "explain") == 0, is_classify = strcmp(verb, "classify") == 0;
    int first = is_classify ? 2 : 1;
    if (strcmp(verb, "rules") == 0 && count == 1) return run_rules();
    if (!is_explain && !is_classify) return usage(count ? "there is no such verb" : "a verb is missing");
    if (count < first || !read_options(words + first, count - first, &mx, &rules_file) || (mx && is_explain))
        return usage(is_explain ? "explain takes the message from standard input"
                                : "classify takes the reply as one word, in quotes");
    struct bounce_rules *rules = NULL;
    BUF_AUTO why = {0};
    if (bounce_rules_load(rules_file, &rules, &why) != STATUS_OK) {
        fprintf(stderr, "posthorn bounce: %s\n", why.p);
        return EXIT_FAILURE;
    }
    int code = is_explain ? run_explain(rules, json) : run_classify(rules, words[1], mx, json);
    bounce_rules_free(&rules);
    return code;
}
