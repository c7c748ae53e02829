/* explain.c - see explain.h. One pass collects what is to be told as names and values; they are printed as lines or as JSON.
 * SPDX-License-Identifier: Apache-2.0 */
#include "app/explain.h"

#include "app/command.h"
#include "app/verbs.h"
#include "base/clock.h"
#include "core/bounce.h"
#include "proto/json/json_write.h"
#include "proto/report/report.h"

#include <stdlib.h>
#include <string.h>

/* Where facts go: lines "Name: value" or members of JSON. */
struct telling {
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

void explain_reply(struct str reply, struct str mx, bool json, struct buf *out) {
    struct telling t = {.out = out, .json = json};
    struct bounce_finding finding;
    unsigned code;
    struct str enhanced;
    report_find_codes(reply, &code, &enhanced);
    bounce_class_of(code, enhanced, reply, mx, &finding);
    begin(&t);
    tell_number(&t, "Code", code);
    tell(&t, "Enhanced", enhanced);
    tell_finding(&t, &finding, STR("smtp"));
    tell_bool(&t, "Retried", bounce_classify(code, enhanced, reply, mx) == BOUNCE_DEFERRED);
    tell_suppression(&t, class_objection(&finding), STR("it is said by a standard report that came home"));
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
    bounce_class_of(to->code, to->enhanced, to->diagnostic, report_speaker(r, to), &finding);
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

void explain_message(struct str message, bool json, struct buf *out) {
    ARENA_AUTO arena = {0};
    struct report r;
    struct telling t = {.out = out, .json = json};
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
            "posthorn bounce: %s\nUsage: posthorn bounce explain < MESSAGE\n       posthorn bounce classify REPLY [--mx HOST]\n",
            why);
    return EXIT_USAGE;
}

static int print(const struct buf *out) {
    fwrite(out->p, 1, out->n, stdout);
    return EXIT_SUCCESS;
}

static int run_explain(bool json) {
    BUF_AUTO message = {0};
    BUF_AUTO out = {0};
    for (size_t n = 1; n > 0 && message.n <= INPUT_MESSAGE_MAX;) {
        n = fread(buf_reserve(&message, 65536), 1, 65536, stdin);
        buf_grew(&message, n);
    }
    if (ferror(stdin) || message.n == 0 || message.n > INPUT_MESSAGE_MAX) {
        fputs(message.n > INPUT_MESSAGE_MAX ? "posthorn bounce explain: the message is longer than any that would be taken\n"
                                            : "posthorn bounce explain: no message on standard input\n",
              stderr);
        return EXIT_FAILURE;
    }
    explain_message(buf_str(&message), json, &out);
    return print(&out);
}

int explain(char *const *words, int count, bool json) {
    BUF_AUTO out = {0};
    const char *verb = count ? words[0] : "";
    if (strcmp(verb, "explain") == 0)
        return count == 1 ? run_explain(json) : usage("explain takes the message from standard input");
    if (strcmp(verb, "classify") != 0) return usage(count ? "there is no such verb" : "a verb is missing");
    bool has_mx = count == 4 && strcmp(words[2], "--mx") == 0;
    if (count != 2 && !has_mx) return usage("classify takes the reply as one word, in quotes");
    explain_reply(str_from_z(words[1]), has_mx ? str_from_z(words[3]) : STR(""), json, &out);
    return print(&out);
}
