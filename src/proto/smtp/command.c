/* command.c - what each verb takes stands in one table; paths are read once, by the one address parser (AD09).
 *
 * First the end of the line is found (line.h), then word, argument and parameters are judged, each wrong thing with a reply of
 * its own. Whether a command fits the moment is not judged here: that is the session's (smtpd/session.c).
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/smtp/command.h"

#include "proto/address/address.h"
#include "proto/address/network.h"
#include "proto/smtp/parameter.h"

#define WORD_MAX 8 /* the longest verb */

enum argument {
    ARGUMENT_NONE,
    ARGUMENT_NAME,
    ARGUMENT_TEXT,
    ARGUMENT_FROM,
    ARGUMENT_TO,
    ARGUMENT_ANY,
    ARGUMENT_CHUNK,
    ARGUMENT_MECHANISM
};

static const struct {
    struct str word;
    enum argument argument;
    size_t line_max; /* 0: SMTP_LINE_MAX */
} verbs[SMTP_VERB_COUNT] = {
    [SMTP_EHLO] = {STR_INIT("EHLO"), ARGUMENT_NAME, 0},
    [SMTP_HELO] = {STR_INIT("HELO"), ARGUMENT_NAME, 0},
    [SMTP_MAIL] = {STR_INIT("MAIL"), ARGUMENT_FROM, SMTP_LINE_MAIL_MAX},
    [SMTP_RCPT] = {STR_INIT("RCPT"), ARGUMENT_TO, SMTP_LINE_MAIL_MAX},
    [SMTP_DATA] = {STR_INIT("DATA"), ARGUMENT_NONE, 0},
    [SMTP_RSET] = {STR_INIT("RSET"), ARGUMENT_NONE, 0},
    [SMTP_NOOP] = {STR_INIT("NOOP"), ARGUMENT_ANY, 0},
    [SMTP_QUIT] = {STR_INIT("QUIT"), ARGUMENT_NONE, 0},
    [SMTP_VRFY] = {STR_INIT("VRFY"), ARGUMENT_TEXT, 0},
    [SMTP_HELP] = {STR_INIT("HELP"), ARGUMENT_ANY, 0},
    [SMTP_EXPN] = {STR_INIT("EXPN"), ARGUMENT_ANY, 0},
    [SMTP_TURN] = {STR_INIT("TURN"), ARGUMENT_ANY, 0},
    [SMTP_ETRN] = {STR_INIT("ETRN"), ARGUMENT_ANY, 0},
    [SMTP_AUTH] = {STR_INIT("AUTH"), ARGUMENT_MECHANISM, SMTP_LINE_AUTH_MAX},
    [SMTP_BDAT] = {STR_INIT("BDAT"), ARGUMENT_CHUNK, 0},
    [SMTP_STARTTLS] = {STR_INIT("STARTTLS"), ARGUMENT_NONE, 0},
    [SMTP_XCLIENT] = {STR_INIT("XCLIENT"), ARGUMENT_TEXT, 0},
};

/* Every way a line can be wrong. The code tells a wrong word (500) from a wrong argument (501). */
static const struct smtp_reply line_control = {500, STR_INIT("5.5.2"), STR_INIT("Control character in a command")};
static const struct smtp_reply unknown_verb = {500, STR_INIT("5.5.1"), STR_INIT("Unknown command")};
static const struct smtp_reply no_argument = {501, STR_INIT("5.5.4"), STR_INIT("This command takes no argument")};
static const struct smtp_reply want_argument = {501, STR_INIT("5.5.4"), STR_INIT("Argument missing")};
static const struct smtp_reply bad_name = {501, STR_INIT("5.5.4"), STR_INIT("Not a host name or address literal")};
static const struct smtp_reply want_from = {501, STR_INIT("5.5.4"), STR_INIT("Say MAIL FROM:<address>")};
static const struct smtp_reply want_to = {501, STR_INIT("5.5.4"), STR_INIT("Say RCPT TO:<address>")};
static const struct smtp_reply bad_sender = {501, STR_INIT("5.1.7"), STR_INIT("Bad sender address")};
static const struct smtp_reply bad_recipient = {501, STR_INIT("5.1.3"), STR_INIT("Bad recipient address")};
static const struct smtp_reply want_mechanism = {501, STR_INIT("5.5.4"), STR_INIT("Say AUTH mechanism [initial-response]")};
static const struct smtp_reply want_chunk = {501, STR_INIT("5.5.4"), STR_INIT("Say BDAT octets [LAST]")};

/* "192.0.2.1" or "IPv6:2001:db8::1"; a scope is none of the peer's business. */
static bool literal_is_valid(struct str inner) {
    struct str prefix = STR("IPv6:");
    bool is_v6 = str_starts_nocase(inner, prefix);
    struct str text = str_sub(inner, is_v6 ? prefix.n : 0, SIZE_MAX);
    struct ip ip;
    return is_v6 == (str_find(text, ':') != STR_NONE) && ip_parse(text, &ip);
}

bool smtp_name_is_valid(struct str name) {
    if (name.n == 0 || name.n > 255) return false;
    if (name.p[0] == '[') return name.p[name.n - 1] == ']' && literal_is_valid(str_sub(name, 1, name.n - 2));
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (!ascii_is_alnum(c) && c != '.' && c != '-' && c != '_' && (unsigned char)c <= 127) return false;
    }
    return name.p[0] != '.' && str_find_str(name, STR("..")) == STR_NONE && str_is_utf8(name);
}

/* "<" ... ">" at the start of s, a quoted local part kept whole. Gives the inside; its length is where ">" stands - 1. */
static bool brackets_find(struct str s, struct str *ret_inside) {
    if (s.n == 0 || s.p[0] != '<') return false;
    bool quoted = false;
    for (size_t i = 1; i < s.n; i++) {
        if (quoted && s.p[i] == '\\')
            i++;
        else if (s.p[i] == '"')
            quoted = !quoted;
        else if (s.p[i] == '>' && !quoted) {
            *ret_inside = str_sub(s, 1, i - 1);
            return true;
        }
    }
    return false;
}

/* Source routes are read and forgotten (RFC 5321 appendix C; PB20). */
static bool route_strip(struct str *path) {
    if (path->n == 0 || path->p[0] != '@') return true;
    size_t colon = str_find(*path, ':');
    if (colon == STR_NONE) return false;
    struct str hops = str_sub(*path, 0, colon), hop;
    while (str_next(&hops, ',', &hop))
        if (hop.n < 2 || hop.p[0] != '@' || !smtp_name_is_valid(str_sub(hop, 1, SIZE_MAX))) return false;
    *path = str_sub(*path, colon + 1, SIZE_MAX);
    return path->n > 0;
}

static bool mailbox_is_valid(struct str mailbox) {
    ARENA_AUTO arena = {0};
    struct address address;
    return address_parse(mailbox, &arena, &address);
}

static bool path_parse(struct str *rest, bool is_sender, struct smtp_command *c) {
    struct str inside;
    if (!brackets_find(*rest, &inside) || inside.n + 2 > 256) return false;
    *rest = str_sub(*rest, inside.n + 2, SIZE_MAX);
    if (rest->n && rest->p[0] != ' ') return false;
    c->mailbox = inside;
    if (inside.n == 0) return is_sender;
    if (!is_sender && str_eq_nocase(inside, STR("postmaster"))) return true; /* RFC 5321 4.1.1.3 */
    if (!route_strip(&c->mailbox)) return false;
    c->utf8_mailbox = !str_is_ascii(c->mailbox);
    return mailbox_is_valid(c->mailbox);
}

static const struct smtp_reply *mailbox_parse(struct smtp_command *c, bool is_sender) {
    struct str keyword = is_sender ? STR("FROM:") : STR("TO:"), rest = c->argument, word;
    unsigned seen = 0;
    if (!str_starts_nocase(rest, keyword)) return is_sender ? &want_from : &want_to;
    rest = str_sub(rest, keyword.n, SIZE_MAX);
    while (rest.n && rest.p[0] == ' ') rest = str_sub(rest, 1, SIZE_MAX); /* many clients write "FROM: <" */
    if (!path_parse(&rest, is_sender, c)) return is_sender ? &bad_sender : &bad_recipient;
    rest = str_trim(rest);
    c->has_parameters = rest.n > 0;
    while (rest.n && str_next(&rest, ' ', &word)) {
        const struct smtp_reply *why = word.n ? smtp_parameter_parse(word, c, &seen) : NULL;
        if (why) return why;
    }
    return NULL;
}

static const struct smtp_reply *chunk_parse(struct smtp_command *c) {
    struct str number = str_sub(c->argument, 0, str_find(c->argument, ' '));
    struct str last = str_trim(str_sub(c->argument, number.n, SIZE_MAX));
    c->is_last = last.n > 0;
    if (c->is_last && !str_eq_nocase(last, STR("LAST"))) return &want_chunk;
    return number.n <= 20 && str_to_u64(number, &c->chunk_bytes) ? NULL : &want_chunk;
}

static const struct smtp_reply *mechanism_parse(struct smtp_command *c) {
    c->mechanism = str_sub(c->argument, 0, str_find(c->argument, ' '));
    c->initial = str_trim(str_sub(c->argument, c->mechanism.n, SIZE_MAX));
    c->has_initial = c->initial.n > 0;
    return c->mechanism.n && str_find(c->initial, ' ') == STR_NONE ? NULL : &want_mechanism;
}

static const struct smtp_reply *argument_parse(struct smtp_command *c) {
    switch (verbs[c->verb].argument) {
    case ARGUMENT_NONE:
        return c->argument.n ? &no_argument : NULL;
    case ARGUMENT_NAME:
        return !c->argument.n ? &want_argument : smtp_name_is_valid(c->argument) ? NULL : &bad_name;
    case ARGUMENT_TEXT:
        return c->argument.n ? NULL : &want_argument;
    case ARGUMENT_FROM:
        return mailbox_parse(c, true);
    case ARGUMENT_TO:
        return mailbox_parse(c, false);
    case ARGUMENT_CHUNK:
        return chunk_parse(c);
    case ARGUMENT_MECHANISM:
        return mechanism_parse(c);
    case ARGUMENT_ANY:
        break;
    }
    return NULL;
}

/* SMTP_VERB_COUNT when there is none. */
static enum smtp_verb verb_find(struct str line, size_t *ret_length) {
    struct str start = str_sub(line, 0, WORD_MAX + 1), word = str_sub(start, 0, str_find(start, ' '));
    size_t i = 0;
    while (i < SMTP_VERB_COUNT && !str_eq_nocase(word, verbs[i].word)) i++;
    *ret_length = word.n;
    return (enum smtp_verb)i;
}

static size_t line_max(struct str in) {
    size_t length;
    enum smtp_verb verb = verb_find(in, &length);
    return verb < SMTP_VERB_COUNT && verbs[verb].line_max ? verbs[verb].line_max : SMTP_LINE_MAX;
}

static const struct smtp_reply *line_parse(struct str line, struct smtp_command *c) {
    size_t length;
    while (line.n && line.p[line.n - 1] == ' ') line.n--;
    c->verb = verb_find(line, &length);
    if (str_has_control(line)) return &line_control;
    if (c->verb == SMTP_VERB_COUNT) return &unknown_verb;
    c->argument = str_trim(str_sub(line, length, SIZE_MAX));
    return argument_parse(c);
}

enum parse smtp_command_parse(struct str in, struct smtp_command *ret_command, struct smtp_reply *ret_reply, size_t *ret_used) {
    struct str line;
    struct smtp_reply end;
    enum parse found = smtp_line_find(in, line_max(in), &line, &end);
    if (found == PARSE_MORE) return PARSE_MORE;
    struct smtp_command command = {0};
    const struct smtp_reply *why = found == PARSE_BAD ? &end : line_parse(line, &command);
    if (why) {
        bool is_lost = found == PARSE_BAD || str_starts_nocase(line, verbs[SMTP_BDAT].word);
        *ret_used = is_lost ? 0 : line.n + 2;
        *ret_reply = *why;
        return PARSE_BAD;
    }
    *ret_used = line.n + 2;
    *ret_command = command;
    return PARSE_DONE;
}
