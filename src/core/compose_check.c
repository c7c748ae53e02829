/* compose_check.c - judging a submission, value by value, in the order the refusals are reported.
 *
 * After this the writer meets no control character in any header value, only valid UTF-8, only canonical addresses.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/compose.h"

#include "core/compose_headers.h"
#include "proto/mime/param.h"

#include <string.h>

#define MESSAGE_ID_MAX 250

static const struct {
    const char *list; /* with an index behind it when there is a member and is_indexed */
    const char *member;
    bool is_indexed;
} names[COMPOSE_FIELD_COUNT] = {
    [COMPOSE_FROM_EMAIL] = {"From", ".email", false},
    [COMPOSE_FROM_NAME] = {"From", ".name", false},
    [COMPOSE_TO_EMAIL] = {"To", ".email", true},
    [COMPOSE_TO_NAME] = {"To", ".name", true},
    [COMPOSE_CC_EMAIL] = {"CC", ".email", true},
    [COMPOSE_CC_NAME] = {"CC", ".name", true},
    [COMPOSE_BCC_EMAIL] = {"BCC", ".email", true},
    [COMPOSE_BCC_NAME] = {"BCC", ".name", true},
    [COMPOSE_REPLY_TO_EMAIL] = {"ReplyTo", ".email", true},
    [COMPOSE_REPLY_TO_NAME] = {"ReplyTo", ".name", true},
    [COMPOSE_SUBJECT] = {"Subject", "", false},
    [COMPOSE_HTML] = {"HtmlContent", "", false},
    [COMPOSE_TEXT] = {"PlainContent", "", false},
    [COMPOSE_HEADER_NAME] = {"Headers", ".name", true},
    [COMPOSE_HEADER_VALUE] = {"Headers", ".value", true},
    [COMPOSE_ATTACHMENT_FILENAME] = {"Attachments", ".filename", true},
    [COMPOSE_ATTACHMENT_CONTENT_TYPE] = {"Attachments", ".type", true},
    [COMPOSE_ATTACHMENT_CONTENT_ID] = {"Attachments", ".contentid", true},
    [COMPOSE_MESSAGE_ID] = {"MessageID", "", false},
};

void compose_refusal_field(const struct compose_refusal *r, struct buf *out) {
    buf_add_z(out, names[r->field].list);
    if (names[r->field].is_indexed) buf_addf(out, "[%zu]", r->index);
    buf_add_z(out, names[r->field].member);
}

static void refuse(struct compose_verdict *v, enum compose_field field, size_t index, const char *why) {
    if (why && v->count < COMPOSE_REFUSALS_MAX) v->refusals[v->count++] = (struct compose_refusal){field, index, why};
}

static const char *refuse_line(struct str s, size_t max) {
    if (s.n > max) return "is too long";
    if (!str_is_utf8(s)) return "is not valid UTF-8";
    return str_has_control(s) ? "holds a control character" : NULL;
}

static void check_mailbox(struct compose_verdict *v, struct compose_mailbox *m, enum compose_field field, size_t index,
                          struct arena *arena) {
    if (!address_parse(m->email, arena, &m->address)) refuse(v, field, index, "is not an e-mail address");
    refuse(v, field + 1, index, refuse_line(m->name, COMPOSE_NAME_MAX));
}

static void check_group(struct compose_verdict *v, struct compose_group *g, enum compose_field field, struct arena *arena) {
    for (size_t i = 0; i < g->count; i++) check_mailbox(v, &g->items[i], field, i, arena);
}

static bool is_known_before(const struct submission *s, size_t at) {
    for (size_t i = 0; i < at; i++)
        if (str_eq_nocase(s->headers[i].name, s->headers[at].name)) return true;
    return false;
}

static void check_headers(struct compose_verdict *v, const struct submission *s) {
    if (s->header_count > COMPOSE_HEADERS_MAX) {
        refuse(v, COMPOSE_HEADER_NAME, COMPOSE_HEADERS_MAX, "is one header too many");
        return;
    }
    for (size_t i = 0; i < s->header_count; i++) {
        const char *why = custom_header_refuse_name(s->headers[i].name);
        if (!why && custom_header_is_single(s->headers[i].name) && is_known_before(s, i)) why = "may stand only once";
        refuse(v, COMPOSE_HEADER_NAME, i, why);
        if (!why) refuse(v, COMPOSE_HEADER_VALUE, i, custom_header_refuse_value(s->headers[i].name, s->headers[i].value));
    }
}

static const char *refuse_media_type(struct str type, struct arena *arena) {
    struct params params;
    if (str_is_empty(type)) return NULL;
    const char *why = refuse_line(type, COMPOSE_NAME_MAX);
    if (why) return why;
    params_parse(type, arena, &params);
    return media_type_is_valid(params.value) ? NULL : "is not a media type";
}

/* Octets of an id: a dot-atom, perhaps with one '@' in it (RFC 5322 3.6.4). */
static bool id_is_valid(struct str id) {
    size_t ats = 0;
    for (size_t i = 0; i < id.n; i++) {
        ats += id.p[i] == '@';
        if (!address_is_atext(id.p[i]) && id.p[i] != '.' && id.p[i] != '@') return false;
    }
    return id.n > 0 && ats <= 1 && id.n <= MESSAGE_ID_MAX;
}

static struct str bare_id(struct str id) {
    return str_starts(id, STR("<")) && str_ends(id, STR(">")) ? str_sub(id, 1, id.n - 2) : id;
}

/* A cid: link could mean either of two inline parts of one name. */
static bool is_inline_before(const struct compose_attachment *list, size_t at) {
    for (size_t i = 0; i < at; i++)
        if (list[i].is_inline && str_eq(bare_id(list[i].content_id), bare_id(list[at].content_id))) return true;
    return false;
}

static const char *refuse_content_id(const struct compose_attachment *list, size_t at) {
    struct str id = list[at].content_id;
    if (str_is_empty(id)) return NULL;
    if (!id_is_valid(bare_id(id))) return "is not a content id";
    return list[at].is_inline && is_inline_before(list, at) ? "is the content id of another inline part too" : NULL;
}

/* Control characters of a file name are replaced by the writer; what is not text is refused. */
static const char *refuse_filename(struct str name) {
    if (name.n > COMPOSE_NAME_MAX) return "is too long";
    return str_is_utf8(name) ? NULL : "is not valid UTF-8";
}

static void check_attachments(struct compose_verdict *v, const struct submission *s, struct arena *arena) {
    if (s->attachment_count > COMPOSE_ATTACHMENTS_MAX) {
        refuse(v, COMPOSE_ATTACHMENT_FILENAME, COMPOSE_ATTACHMENTS_MAX, "is one attachment too many");
        return;
    }
    for (size_t i = 0; i < s->attachment_count; i++) {
        const struct compose_attachment *a = &s->attachments[i];
        refuse(v, COMPOSE_ATTACHMENT_FILENAME, i, refuse_filename(a->filename));
        refuse(v, COMPOSE_ATTACHMENT_CONTENT_TYPE, i, refuse_media_type(a->content_type, arena));
        refuse(v, COMPOSE_ATTACHMENT_CONTENT_ID, i, refuse_content_id(s->attachments, i));
    }
}

bool compose_check(struct submission *s, struct arena *arena, struct compose_verdict *ret) {
    ret->count = 0;
    check_mailbox(ret, &s->from, COMPOSE_FROM_EMAIL, 0, arena);
    check_group(ret, &s->to, COMPOSE_TO_EMAIL, arena);
    check_group(ret, &s->cc, COMPOSE_CC_EMAIL, arena);
    check_group(ret, &s->bcc, COMPOSE_BCC_EMAIL, arena);
    check_group(ret, &s->reply_to, COMPOSE_REPLY_TO_EMAIL, arena);
    refuse(ret, COMPOSE_SUBJECT, 0, refuse_line(s->subject, COMPOSE_SUBJECT_MAX));
    if (!str_is_utf8(s->html)) refuse(ret, COMPOSE_HTML, 0, "is not valid UTF-8");
    if (!str_is_utf8(s->text)) refuse(ret, COMPOSE_TEXT, 0, "is not valid UTF-8");
    check_headers(ret, s);
    check_attachments(ret, s, arena);
    if (!id_is_valid(s->message_id)) refuse(ret, COMPOSE_MESSAGE_ID, 0, "is not a message id");
    return ret->count == 0;
}
