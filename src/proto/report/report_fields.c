/* report_fields.c - machine-readable parts: groups of header fields, of which a table says where each goes. First ones count.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/mime/header.h"
#include "proto/mime/param.h"
#include "proto/report/report_own.h"

#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

struct reading {
    struct arena *arena;
    struct report *report;
    struct report_recipient *group; /* the one being read; NULL between groups and in front of them */
    struct report_recipient *groups;
};

/* ---- values ---- */
static struct str first_word(struct str value) {
    size_t n = 0;
    while (n < value.n && value.p[n] != ' ' && value.p[n] != '(' && value.p[n] != ';') n++;
    return str_sub(value, 0, n);
}

/* "smtp; 550 ...": take the type off when there is one. */
static struct str split_type(struct str *value) {
    size_t at = str_find(*value, ';');
    struct str type = at == STR_NONE ? STR("") : str_trim(str_sub(*value, 0, at));
    if (!param_is_token(type)) return STR("");
    *value = str_trim(str_sub(*value, at + 1, SIZE_MAX));
    return type;
}

static int hex_digit(char c) {
    if (ascii_is_digit(c)) return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static void add_code_point(struct buf *out, uint32_t c) {
    if (c < 0x80) return buf_add_char(out, (char)c);
    if (c < 0x800) {
        buf_add_char(out, (char)(0xC0 | c >> 6));
    } else {
        if (c >= 0x10000) buf_add_char(out, (char)(0xF0 | c >> 18));
        buf_add_char(out, (char)(c < 0x10000 ? 0xE0 | c >> 12 : 0x80 | (c >> 12 & 0x3F)));
        buf_add_char(out, (char)(0x80 | (c >> 6 & 0x3F)));
    }
    buf_add_char(out, (char)(0x80 | (c & 0x3F)));
}

/* Append the character of "\x{3B1}" at the start of s (RFC 6533 3); its length, 0 when it is none. */
static size_t add_utf8_escape(struct buf *out, struct str s) {
    if (!str_starts(s, STR("\\x{"))) return 0;
    size_t at = 3;
    uint32_t c = 0;
    for (; at < s.n && at < 9 && hex_digit(s.p[at]) >= 0; at++) c = c << 4 | (uint32_t)hex_digit(s.p[at]);
    bool is_character = c >= 0x20 && c != 0x7F && c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF);
    if (at == 3 || at >= s.n || s.p[at] != '}' || !is_character) return 0;
    add_code_point(out, c);
    return at + 1;
}

/* Append the character of "+40" at the start of s (RFC 3461 4); its length, 0 when it is none. */
static size_t add_xtext(struct buf *out, struct str s) {
    int high = s.n >= 3 && s.p[0] == '+' ? hex_digit(s.p[1]) : -1;
    int low = high >= 0 ? hex_digit(s.p[2]) : -1;
    if (low < 0 || high < 2 || high > 7 || (high == 7 && low == 15)) return 0;
    buf_add_char(out, (char)(high << 4 | low));
    return 3;
}

static struct str unescape(struct arena *arena, struct str s, size_t (*add)(struct buf *out, struct str s)) {
    BUF_AUTO out = {0};
    for (size_t at = 0; at < s.n;) {
        size_t n = add(&out, str_sub(s, at, SIZE_MAX));
        if (n == 0) buf_add_char(&out, s.p[at]);
        at += n ? n : 1;
    }
    return arena_str(arena, str_sub(buf_str(&out), 0, s.n)); /* never longer than its escapes */
}

static struct str to_address(struct arena *arena, struct str value) {
    struct str type = split_type(&value);
    size_t open = str_find(value, '<'), close = str_find_last(value, '>');
    bool has_angles = open != STR_NONE && close != STR_NONE && open < close;
    if (has_angles) value = str_sub(value, open + 1, close - open - 1);
    size_t comment = str_find(value, '(');
    if (comment != STR_NONE && comment > 0 && value.p[comment - 1] == ' ') value = str_trim(str_sub(value, 0, comment));
    if (str_eq_nocase(type, STR("utf-8"))) return unescape(arena, value, add_utf8_escape);
    /* a plus may well be meant as one, so it is an escape only where that makes it an address */
    return str_find(value, '@') == STR_NONE ? unescape(arena, value, add_xtext) : value;
}

static struct str to_host(struct str value) {
    split_type(&value);
    value = first_word(value);
    if (str_ends(value, STR("."))) value.n--;
    return value;
}

/* ---- fields of a recipient ---- */
static const struct {
    const char *word;
    enum report_action action;
} actions[] = {{"failed", REPORT_FAILED},
               {"delayed", REPORT_DELAYED},
               {"delivered", REPORT_DELIVERED},
               {"relayed", REPORT_RELAYED},
               {"expanded", REPORT_EXPANDED}};

const char *report_action_name(enum report_action action) {
    for (size_t i = 0; i < COUNT(actions); i++)
        if (actions[i].action == action) return actions[i].word;
    return "";
}

static void take_final(struct reading *in, struct str value) {
    if (in->group->final_address.n == 0) in->group->final_address = to_address(in->arena, value);
}
static void take_original(struct reading *in, struct str value) {
    if (in->group->original_address.n == 0) in->group->original_address = to_address(in->arena, value);
}
static void take_action(struct reading *in, struct str value) {
    struct str word = first_word(value);
    for (size_t i = 0; i < COUNT(actions) && in->group->action == REPORT_ACTION_NONE; i++)
        if (str_eq_nocase(word, str_from_z(actions[i].word))) in->group->action = actions[i].action;
}
static void take_status(struct reading *in, struct str value) {
    struct str word = first_word(value);
    size_t n = report_status_length(word);
    if (in->group->status.n == 0 && n == word.n) in->group->status = str_sub(word, 0, n);
}
static void take_diagnostic(struct reading *in, struct str value) {
    if (in->group->diagnostic.n) return;
    in->group->diagnostic_type = arena_lower(in->arena, split_type(&value));
    in->group->diagnostic = value;
}
static void take_remote(struct reading *in, struct str value) {
    if (in->group->remote_mta.n == 0) in->group->remote_mta = to_host(value);
}

/* ---- fields of the report ---- */
static void take_reporter(struct reading *in, struct str value) {
    if (in->report->reporting_mta.n == 0) in->report->reporting_mta = to_host(value);
}
static void take_envelope_id(struct reading *in, struct str value) {
    if (in->report->envelope_id.n == 0) in->report->envelope_id = value;
}
static void take_arrival(struct reading *in, struct str value) {
    if (in->report->arrived_at == 0 && !report_date(value, &in->report->arrived_at)) in->report->arrived_at = 0;
}

/* ---- fields of a complaint ---- */
static const struct {
    const char *word;
    enum report_feedback type;
} feedbacks[] = {{"abuse", REPORT_ABUSE},
                 {"fraud", REPORT_FRAUD},
                 {"virus", REPORT_VIRUS},
                 {"not-spam", REPORT_NOT_SPAM},
                 {"auth-failure", REPORT_AUTH_FAILURE},
                 {"other", REPORT_OTHER}};

const char *report_feedback_name(enum report_feedback type) {
    for (size_t i = 0; i < COUNT(feedbacks); i++)
        if (feedbacks[i].type == type) return feedbacks[i].word;
    return "";
}

static void take_feedback(struct reading *in, struct str value) {
    struct report_complaint *c = &in->report->complaint;
    struct str word = first_word(value);
    if (c->type != REPORT_FEEDBACK_NONE || word.n == 0) return;
    c->type = REPORT_OTHER;
    for (size_t i = 0; i < COUNT(feedbacks); i++)
        if (str_eq_nocase(word, str_from_z(feedbacks[i].word))) c->type = feedbacks[i].type;
}
static void take_agent(struct reading *in, struct str value) {
    if (in->report->complaint.user_agent.n == 0) in->report->complaint.user_agent = value;
}
static void take_mail_from(struct reading *in, struct str value) {
    if (in->report->complaint.mail_from.n == 0) in->report->complaint.mail_from = to_address(in->arena, value);
}
static void take_rcpt_to(struct reading *in, struct str value) {
    if (in->report->complaint.rcpt_to.n == 0) in->report->complaint.rcpt_to = to_address(in->arena, value);
}
static void take_domain(struct reading *in, struct str value) {
    if (in->report->complaint.reported_domain.n == 0) in->report->complaint.reported_domain = to_host(value);
}
static void take_source(struct reading *in, struct str value) {
    if (in->report->complaint.source_address.n == 0) in->report->complaint.source_address = first_word(value);
}

/* ---- walk ---- */
struct field {
    struct str name;
    bool is_of_recipient;
    void (*take)(struct reading *in, struct str value); /* value: cleaned */
};
static const struct field status_fields[] = {
    {STR_INIT("final-recipient"), true, take_final},
    {STR_INIT("original-recipient"), true, take_original},
    {STR_INIT("action"), true, take_action},
    {STR_INIT("status"), true, take_status},
    {STR_INIT("diagnostic-code"), true, take_diagnostic},
    {STR_INIT("remote-mta"), true, take_remote},
    {STR_INIT("reporting-mta"), false, take_reporter},
    {STR_INIT("original-envelope-id"), false, take_envelope_id},
    {STR_INIT("arrival-date"), false, take_arrival},
};
static const struct field feedback_fields[] = {
    {STR_INIT("feedback-type"), false, take_feedback},       {STR_INIT("user-agent"), false, take_agent},
    {STR_INIT("original-mail-from"), false, take_mail_from}, {STR_INIT("original-rcpt-to"), false, take_rcpt_to},
    {STR_INIT("reported-domain"), false, take_domain},       {STR_INIT("source-ip"), false, take_source},
    {STR_INIT("arrival-date"), false, take_arrival},         {STR_INIT("received-date"), false, take_arrival},
    {STR_INIT("reporting-mta"), false, take_reporter},       {STR_INIT("original-envelope-id"), false, take_envelope_id},
};

/* The group that a recipient's field belongs to; a second Final-Recipient begins another one. False: there are too many. */
static bool enter_group(struct reading *in, const struct field *field) {
    if (in->group && (field->take != take_final || in->group->final_address.n == 0)) return true;
    if (in->report->recipient_count == REPORT_RECIPIENTS_MAX) {
        in->report->is_truncated = true;
        return false;
    }
    in->group = &in->groups[in->report->recipient_count++];
    return true;
}

static bool take_field(struct reading *in, const struct field *fields, size_t count, const struct header_field *field) {
    for (size_t i = 0; i < count; i++) {
        if (!str_eq_nocase(field->name, fields[i].name)) continue;
        if (fields[i].is_of_recipient && !enter_group(in, &fields[i])) return false;
        fields[i].take(in, report_clean(in->arena, field->value));
        break;
    }
    return true;
}

static void read_groups(struct reading *in, const struct field *fields, size_t count, struct str part) {
    struct header_field field;
    while (part.n) {
        enum header_step step = header_next(&part, &field);
        if (step == HEADER_FIELD && !take_field(in, fields, count, &field)) return;
        if (step == HEADER_END) in->group = NULL;
        if (step == HEADER_BAD)
            part = str_sub(part, str_find(part, '\n') == STR_NONE ? part.n : str_find(part, '\n') + 1, SIZE_MAX);
    }
}

/* What was left out gets its empty value, and the diagnostic's codes are found. */
static void finish(struct report_recipient *r) {
    struct str *const texts[] = {&r->status,          &r->final_address, &r->original_address,
                                 &r->diagnostic_type, &r->diagnostic,    &r->remote_mta};
    for (size_t i = 0; i < COUNT(texts); i++)
        if (!texts[i]->p) *texts[i] = STR("");
    report_find_codes(r->diagnostic, &r->code, &r->enhanced);
    if (r->enhanced.n == 0 || str_starts(r->status, STR("4."))) r->enhanced = r->status; /* the milder one of two */
}

void report_read_status(struct str part, struct arena *arena, struct report *r) {
    struct reading in = {.arena = arena, .report = r};
    in.groups = arena_array(arena, REPORT_RECIPIENTS_MAX, sizeof *in.groups);
    r->recipients = in.groups;
    r->recipient_count = 0;
    read_groups(&in, status_fields, COUNT(status_fields), part);
    for (size_t i = 0; i < r->recipient_count; i++) finish(&in.groups[i]);
}

void report_read_feedback(struct str part, struct arena *arena, struct report *r) {
    struct reading in = {.arena = arena, .report = r};
    read_groups(&in, feedback_fields, COUNT(feedback_fields), part);
}
