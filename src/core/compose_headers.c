/* compose_headers.c - the table of names, and a grammar for each kind of structured value.
 *
 * Names that compose_message() writes itself, that describe the body, that relays and receivers add or that would speak for
 * somebody else are reserved. A name that is not in the table is free text.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/compose_headers.h"

#include "core/compose.h"
#include "proto/mime/header.h"

#include <string.h>

#define NAME_MAX_BYTES 76 /* with its colon it fits a line */

enum rule { RULE_FREE, RULE_RESERVED, RULE_MESSAGE_IDS, RULE_URIS, RULE_LIST_ID, RULE_ONE_CLICK };

static const struct {
    struct str name; /* with '-' at the end: all names that begin so */
    enum rule rule;
} rules[] = {
    {STR_INIT("From"), RULE_RESERVED},
    {STR_INIT("Sender"), RULE_RESERVED},
    {STR_INIT("To"), RULE_RESERVED},
    {STR_INIT("Cc"), RULE_RESERVED},
    {STR_INIT("Bcc"), RULE_RESERVED},
    {STR_INIT("Reply-To"), RULE_RESERVED},
    {STR_INIT("Subject"), RULE_RESERVED},
    {STR_INIT("Date"), RULE_RESERVED},
    {STR_INIT("Message-ID"), RULE_RESERVED},
    {STR_INIT("MIME-Version"), RULE_RESERVED},
    {STR_INIT("Content-"), RULE_RESERVED},
    {STR_INIT("Return-Path"), RULE_RESERVED},
    {STR_INIT("Received"), RULE_RESERVED},
    {STR_INIT("Received-"), RULE_RESERVED},
    {STR_INIT("Resent-"), RULE_RESERVED},
    {STR_INIT("DKIM-"), RULE_RESERVED},
    {STR_INIT("DomainKey-"), RULE_RESERVED},
    {STR_INIT("ARC-"), RULE_RESERVED},
    {STR_INIT("Authentication-Results"), RULE_RESERVED},
    {STR_INIT("Apparently-To"), RULE_RESERVED},
    {STR_INIT("Delivered-To"), RULE_RESERVED},
    {STR_INIT("Envelope-To"), RULE_RESERVED},
    {STR_INIT("X-Original-To"), RULE_RESERVED},
    {STR_INIT("X-Envelope-"), RULE_RESERVED},
    {STR_INIT("X-Posthorn-"), RULE_RESERVED},
    {STR_INIT("In-Reply-To"), RULE_MESSAGE_IDS},
    {STR_INIT("References"), RULE_MESSAGE_IDS},
    {STR_INIT("List-Unsubscribe"), RULE_URIS},
    {STR_INIT("List-Help"), RULE_URIS},
    {STR_INIT("List-Subscribe"), RULE_URIS},
    {STR_INIT("List-Post"), RULE_URIS},
    {STR_INIT("List-Owner"), RULE_URIS},
    {STR_INIT("List-Archive"), RULE_URIS},
    {STR_INIT("List-Id"), RULE_LIST_ID},
    {STR_INIT("List-Unsubscribe-Post"), RULE_ONE_CLICK},
};

static enum rule rule_of(struct str name) {
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        bool is_prefix = str_ends(rules[i].name, STR("-"));
        if (is_prefix ? str_starts_nocase(name, rules[i].name) : str_eq_nocase(name, rules[i].name)) return rules[i].rule;
    }
    return RULE_FREE;
}

bool custom_header_is_single(struct str name) {
    return rule_of(name) != RULE_FREE;
}

const char *custom_header_refuse_name(struct str name) {
    if (str_is_empty(name)) return "is empty";
    if (name.n > NAME_MAX_BYTES) return "is too long";
    if (!header_name_is_valid(name)) return "is not a header name";
    return rule_of(name) == RULE_RESERVED ? "is a reserved header" : NULL;
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

static struct str skip_blanks(struct str s) {
    while (s.n && is_blank(s.p[0])) s = str_sub(s, 1, SIZE_MAX);
    return s;
}

/* Take `<...>` of printable ASCII without blanks off the front of *s. */
static bool take_angles(struct str *s, struct str *ret_inner) {
    *s = skip_blanks(*s);
    if (!str_starts(*s, STR("<"))) return false;
    for (size_t i = 1; i < s->n; i++) {
        if (s->p[i] == '>') {
            *ret_inner = str_sub(*s, 1, i - 1);
            *s = skip_blanks(str_sub(*s, i + 1, SIZE_MAX));
            return i > 1;
        }
        if (s->p[i] <= ' ' || s->p[i] > '~' || s->p[i] == '<') return false;
    }
    return false;
}

static bool is_message_ids(struct str s) {
    struct str id;
    do {
        if (!take_angles(&s, &id) || str_find(id, '@') == STR_NONE) return false;
    } while (s.n);
    return true;
}

static bool is_uris(struct str s) {
    struct str uri;
    if (str_eq_nocase(str_trim(s), STR("NO"))) return true; /* RFC 2369 3.4 */
    for (;;) {
        if (!take_angles(&s, &uri) || str_find(uri, ':') == STR_NONE || !ascii_is_alpha(uri.p[0])) return false;
        if (s.n == 0) return true;
        if (s.p[0] != ',') return false;
        s = str_sub(s, 1, SIZE_MAX);
    }
}

/* A phrase without comments, then the id (RFC 2919 3). */
static bool is_list_id(struct str s) {
    size_t open = str_find(s, '<');
    struct str id, rest = str_sub(s, open, SIZE_MAX);
    if (open == STR_NONE || str_find(str_sub(s, 0, open), '(') != STR_NONE) return false;
    return take_angles(&rest, &id) && rest.n == 0;
}

/* Characters and lengths that hold for every value. */
static const char *refuse_text(struct str value) {
    size_t word = 0;
    if (value.n > COMPOSE_HEADER_VALUE_MAX) return "is too long";
    if (!str_is_utf8(value)) return "is not valid UTF-8";
    for (size_t i = 0; i < value.n; i++) {
        if (((uint8_t)value.p[i] < 0x20 && value.p[i] != '\t') || value.p[i] == 0x7F) return "holds a control character";
        word = is_blank(value.p[i]) ? 0 : word + 1;
        if (word > HEADER_WORD_MAX) return "holds a word that is too long";
    }
    return NULL;
}

const char *custom_header_refuse_value(struct str name, struct str value) {
    const char *why = refuse_text(value);
    if (why) return why;
    switch (rule_of(name)) {
    case RULE_MESSAGE_IDS:
        return is_message_ids(value) ? NULL : "is not a list of message ids";
    case RULE_URIS:
        return is_uris(value) ? NULL : "is not a list of URIs in angle brackets";
    case RULE_LIST_ID:
        return is_list_id(value) ? NULL : "is not a list id in angle brackets";
    case RULE_ONE_CLICK:
        return str_eq(str_trim(value), STR("List-Unsubscribe=One-Click")) ? NULL : "is not List-Unsubscribe=One-Click";
    case RULE_FREE:
    case RULE_RESERVED:
        break;
    }
    return NULL;
}
