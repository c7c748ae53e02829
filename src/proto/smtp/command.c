/* command.c - what each verb takes stands in one table; paths are read once, by the one address parser (AD09).
 *
 * First the end of the line is found, and only CRLF is one: a bare CR or LF refuses the line, so two programs can never see
 * different commands in the same bytes. Then word, argument and parameters are judged, each wrong thing with a reply of its own.
 * Whether a command fits the moment is not judged here: that is the session's (smtpd/session.c).
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/smtp/command.h"

#include "proto/address/address.h"

enum argument { ARGUMENT_NONE, ARGUMENT_NAME, ARGUMENT_TEXT, ARGUMENT_FROM, ARGUMENT_TO, ARGUMENT_ANY };

static const struct {
    struct str word;
    enum argument argument;
} verbs[SMTP_VERB_COUNT] = {
    [SMTP_EHLO] = {STR_INIT("EHLO"), ARGUMENT_NAME}, [SMTP_HELO] = {STR_INIT("HELO"), ARGUMENT_NAME},
    [SMTP_MAIL] = {STR_INIT("MAIL"), ARGUMENT_FROM}, [SMTP_RCPT] = {STR_INIT("RCPT"), ARGUMENT_TO},
    [SMTP_DATA] = {STR_INIT("DATA"), ARGUMENT_NONE}, [SMTP_RSET] = {STR_INIT("RSET"), ARGUMENT_NONE},
    [SMTP_NOOP] = {STR_INIT("NOOP"), ARGUMENT_ANY},  [SMTP_QUIT] = {STR_INIT("QUIT"), ARGUMENT_NONE},
    [SMTP_VRFY] = {STR_INIT("VRFY"), ARGUMENT_TEXT}, [SMTP_HELP] = {STR_INIT("HELP"), ARGUMENT_ANY},
    [SMTP_EXPN] = {STR_INIT("EXPN"), ARGUMENT_ANY},  [SMTP_TURN] = {STR_INIT("TURN"), ARGUMENT_ANY},
    [SMTP_ETRN] = {STR_INIT("ETRN"), ARGUMENT_ANY},  [SMTP_AUTH] = {STR_INIT("AUTH"), ARGUMENT_ANY},
    [SMTP_BDAT] = {STR_INIT("BDAT"), ARGUMENT_ANY},  [SMTP_STARTTLS] = {STR_INIT("STARTTLS"), ARGUMENT_NONE},
};

/* Every way a line can be wrong. The code tells a wrong word (500), a wrong argument (501), a wrong parameter (555). */
static const struct smtp_reply line_end = {500, STR_INIT("5.5.2"), STR_INIT("A line ends in CRLF and nothing else")};
static const struct smtp_reply line_long = {500, STR_INIT("5.5.6"), STR_INIT("Line too long")};
static const struct smtp_reply line_control = {500, STR_INIT("5.5.2"), STR_INIT("Control character in a command")};
static const struct smtp_reply unknown_verb = {500, STR_INIT("5.5.1"), STR_INIT("Unknown command")};
static const struct smtp_reply no_argument = {501, STR_INIT("5.5.4"), STR_INIT("This command takes no argument")};
static const struct smtp_reply want_argument = {501, STR_INIT("5.5.4"), STR_INIT("Argument missing")};
static const struct smtp_reply bad_name = {501, STR_INIT("5.5.4"), STR_INIT("Not a host name or address literal")};
static const struct smtp_reply want_from = {501, STR_INIT("5.5.4"), STR_INIT("Say MAIL FROM:<address>")};
static const struct smtp_reply want_to = {501, STR_INIT("5.5.4"), STR_INIT("Say RCPT TO:<address>")};
static const struct smtp_reply bad_sender = {501, STR_INIT("5.1.7"), STR_INIT("Bad sender address")};
static const struct smtp_reply bad_recipient = {501, STR_INIT("5.1.3"), STR_INIT("Bad recipient address")};
static const struct smtp_reply bad_value = {501, STR_INIT("5.5.4"), STR_INIT("Bad value of a parameter")};
static const struct smtp_reply unknown_parameter = {555, STR_INIT("5.5.4"), STR_INIT("Unknown parameter")};

/* The first thing that ends a line, at most SMTP_COMMAND_MAX octets in. */
static enum parse line_find(struct str in, struct str *ret_line, const struct smtp_reply **ret_why) {
    for (size_t i = 0; i < in.n; i++) {
        if (i == SMTP_COMMAND_MAX) {
            *ret_why = &line_long;
            return PARSE_BAD;
        }
        bool is_end = in.p[i] == '\r' && i + 1 < in.n && in.p[i + 1] == '\n';
        if (in.p[i] == '\r' && i + 1 == in.n && i + 1 < SMTP_COMMAND_MAX) return PARSE_MORE;
        if (is_end && i + 2 <= SMTP_COMMAND_MAX) {
            *ret_line = str_sub(in, 0, i);
            return PARSE_DONE;
        }
        if (in.p[i] == '\n' || in.p[i] == '\r') {
            *ret_why = i + 1 == SMTP_COMMAND_MAX ? &line_long : &line_end;
            return PARSE_BAD;
        }
    }
    return PARSE_MORE;
}

/* RFC 5321 4.1.1.1. Underscores are forgiven; a literal is letters, digits, dots and colons in brackets (PB22). */
static bool name_is_valid(struct str name) {
    if (name.n == 0 || name.n > 255) return false;
    bool literal = name.p[0] == '[';
    if (literal && (name.n < 3 || name.p[name.n - 1] != ']')) return false;
    struct str inner = literal ? str_sub(name, 1, name.n - 2) : name;
    for (size_t i = 0; i < inner.n; i++) {
        char c = inner.p[i];
        if (ascii_is_alnum(c) || c == '.' || c == '-' || c == '_') continue;
        if (!(literal ? c == ':' : (unsigned char)c > 127)) return false;
    }
    return literal || (name.p[0] != '.' && str_find_str(name, STR("..")) == STR_NONE && str_is_utf8(name));
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
        if (hop.n < 2 || hop.p[0] != '@' || !name_is_valid(str_sub(hop, 1, SIZE_MAX))) return false;
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

static const struct smtp_reply *take_size(struct smtp_command *c, struct str value) {
    if (c->has_size || value.n > 20 || !str_to_u64(value, &c->size_bytes)) return &bad_value;
    c->has_size = true;
    return NULL;
}
static const struct smtp_reply *take_body(struct smtp_command *c, struct str value) {
    c->eightbit = str_eq_nocase(value, STR("8BITMIME"));
    return c->eightbit || str_eq_nocase(value, STR("7BIT")) ? NULL : &bad_value;
}
static const struct smtp_reply *take_utf8(struct smtp_command *c, struct str value) {
    c->utf8 = true;
    return value.p ? &bad_value : NULL;
}

static const struct {
    struct str word;
    const struct smtp_reply *(*take)(struct smtp_command *c, struct str value); /* value.p is NULL without "=" */
} mail_parameters[] = {
    {STR_INIT("SIZE"), take_size},
    {STR_INIT("BODY"), take_body},
    {STR_INIT("SMTPUTF8"), take_utf8},
};

static const struct smtp_reply *parameter_parse(struct str word, struct smtp_command *c) {
    size_t equals = str_find(word, '=');
    struct str key = str_sub(word, 0, equals);
    struct str value = equals == STR_NONE ? (struct str){0} : str_sub(word, equals + 1, SIZE_MAX);
    for (size_t i = 0; c->verb == SMTP_MAIL && i < sizeof mail_parameters / sizeof *mail_parameters; i++)
        if (str_eq_nocase(key, mail_parameters[i].word)) return mail_parameters[i].take(c, value);
    return &unknown_parameter;
}

static const struct smtp_reply *mailbox_parse(struct smtp_command *c, bool is_sender) {
    struct str keyword = is_sender ? STR("FROM:") : STR("TO:"), rest = c->argument, word;
    if (!str_starts_nocase(rest, keyword)) return is_sender ? &want_from : &want_to;
    rest = str_sub(rest, keyword.n, SIZE_MAX);
    while (rest.n && rest.p[0] == ' ') rest = str_sub(rest, 1, SIZE_MAX); /* many clients write "FROM: <" */
    if (!path_parse(&rest, is_sender, c)) return is_sender ? &bad_sender : &bad_recipient;
    rest = str_trim(rest);
    c->has_parameters = rest.n > 0;
    while (rest.n && str_next(&rest, ' ', &word)) {
        const struct smtp_reply *why = word.n ? parameter_parse(word, c) : NULL;
        if (why) return why;
    }
    return NULL;
}

static const struct smtp_reply *argument_parse(struct smtp_command *c) {
    switch (verbs[c->verb].argument) {
    case ARGUMENT_NONE:
        return c->argument.n ? &no_argument : NULL;
    case ARGUMENT_NAME:
        return !c->argument.n ? &want_argument : name_is_valid(c->argument) ? NULL : &bad_name;
    case ARGUMENT_TEXT:
        return c->argument.n ? NULL : &want_argument;
    case ARGUMENT_FROM:
        return mailbox_parse(c, true);
    case ARGUMENT_TO:
        return mailbox_parse(c, false);
    case ARGUMENT_ANY:
        break;
    }
    return NULL;
}

static const struct smtp_reply *line_parse(struct str line, struct smtp_command *c) {
    if (str_has_control(line)) return &line_control;
    while (line.n && line.p[line.n - 1] == ' ') line.n--;
    struct str word = str_sub(line, 0, str_find(line, ' '));
    for (size_t i = 0; i < SMTP_VERB_COUNT; i++) {
        if (!str_eq_nocase(word, verbs[i].word)) continue;
        c->verb = (enum smtp_verb)i;
        c->argument = str_trim(str_sub(line, word.n, SIZE_MAX));
        return argument_parse(c);
    }
    return &unknown_verb;
}

enum parse smtp_command_parse(struct str in, struct smtp_command *ret_command, struct smtp_reply *ret_reply, size_t *ret_used) {
    struct str line;
    const struct smtp_reply *why = NULL;
    enum parse found = line_find(in, &line, &why);
    if (found == PARSE_MORE) return PARSE_MORE;
    struct smtp_command command = {0};
    *ret_used = found == PARSE_DONE ? line.n + 2 : 0;
    if (found == PARSE_DONE) why = line_parse(line, &command);
    if (why) {
        *ret_reply = *why;
        return PARSE_BAD;
    }
    *ret_command = command;
    return PARSE_DONE;
}
