/* send_read.c - a request's parameters into a submission, checked in the contract's terms (send.h).
 *
 * It needs nothing but the request and the key, so every failed check is listed at once. It must bear arguments that were
 * refused already (they are not given). What a template may still fill is judged when that is loaded (send_make.c).
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/send.h"

#include "base/encode.h"

/* Codes of a mailbox list: an entry without both keys, a bad address, too many (0: the contract has no number for it). */
struct group_rule {
    const char *name;
    int incomplete, invalid, too_many;
};
enum { GROUP_TO, GROUP_CC, GROUP_BCC, GROUP_REPLY_TO, GROUP_COUNT };
static const struct group_rule groups[GROUP_COUNT] = {
    [GROUP_TO] = {"To", 18, 19, 0},
    [GROUP_CC] = {"CC", 21, 22, 0},
    [GROUP_BCC] = {"BCC", 25, 26, 27},
    [GROUP_REPLY_TO] = {"ReplyTo", 29, 30, 31},
};

static const struct arg *arg_of(const struct send_request *r, const char *name) {
    return params_arg(send_operation(), r->args, name);
}

static void refuse(const struct send_context *ctx, int code, struct str field) {
    refused_add(ctx->refused, send_operation(), code, field);
}

static void refuse_say(const struct send_context *ctx, struct str field, const char *why) {
    refused_say(ctx->refused, ctx->arena, REFUSAL_FIELD, field, why);
}

/* ---- mailboxes ---- */
/* {email, name}: both keys, the name may be empty. */
static bool read_mailbox(const struct json *value, struct compose_mailbox *ret) {
    const struct json *email = json_find_nocase(value, STR("email")), *name = json_find_nocase(value, STR("name"));
    if (!json_is(email, JSON_STRING) || email->text.n == 0 || !name) return false;
    if (name->type != JSON_STRING && name->type != JSON_NULL) return false;
    *ret = (struct compose_mailbox){.email = email->text};
    if (name->type == JSON_STRING) ret->name = name->text;
    return true;
}

static void read_from(const struct send_context *ctx, struct send_request *r) {
    const struct arg *from = arg_of(r, "From");
    if (from->is_given && !read_mailbox(from->raw, &r->submission.from)) refuse(ctx, 3, STR("From"));
}

static size_t at_most(int64_t limit) {
    return limit > 0 && limit < SEND_RECIPIENTS_MAX ? (size_t)limit : SEND_RECIPIENTS_MAX;
}

static size_t group_max(const struct account_limits *limits, size_t group) {
    if (group == GROUP_BCC) return at_most(limits->bcc);
    return at_most(group == GROUP_REPLY_TO ? limits->reply_to : limits->recipients);
}

static void refuse_crowd(const struct send_context *ctx, const char *group) {
    refuse_say(ctx, str_from_z(group),
               arena_strf(ctx->arena, "%s has too many addresses: a message may have %zu recipients", group,
                          at_most(ctx->sender->limits.recipients))
                   .p);
}

static void read_group(const struct send_context *ctx, const struct send_request *r, size_t group, struct compose_group *ret) {
    const struct group_rule *rule = &groups[group];
    const struct arg *arg = arg_of(r, rule->name);
    if (!arg->is_given) return;
    size_t count = arg->raw->count;
    if (count > group_max(&ctx->sender->limits, group)) {
        if (rule->too_many) {
            refuse(ctx, rule->too_many, str_from_z(rule->name));
        } else {
            refuse_crowd(ctx, rule->name);
        }
        return;
    }
    ret->items = arena_array(ctx->arena, count + 1, sizeof *ret->items);
    JSON_FOR_EACH (it, arg->raw) {
        if (!read_mailbox(it, &ret->items[ret->count]))
            refuse(ctx, rule->incomplete, arena_strf(ctx->arena, "%s[%zu]", rule->name, ret->count));
        ret->count++;
    }
}

/* Entries of To may carry data of their own for {{names}}. */
static void read_data(const struct send_context *ctx, struct send_request *r) {
    size_t i = 0;
    JSON_FOR_EACH (it, arg_of(r, "To")->raw) {
        const struct json *data = json_find_nocase(it, STR("data"));
        if (data && data->type != JSON_NULL) {
            if (!json_is(data, JSON_OBJECT)) {
                struct str field = arena_strf(ctx->arena, "To[%zu].data", i);
                refuse_say(ctx, field, arena_strf(ctx->arena, "%.*s must be an object", STR_ARG(field)).p);
            }
            if (!r->data) r->data = arena_array(ctx->arena, r->submission.to.count, sizeof *r->data);
            r->data[i] = data;
        }
        i++;
    }
}

/* Everybody gets a message of his own: a copy would go out with each of them. */
static void judge_copies(const struct send_context *ctx, const struct send_request *r, const char *name) {
    const struct arg *arg = arg_of(r, name);
    if (!arg->is_given || arg->raw->count == 0) return;
    refuse_say(ctx, str_from_z(name),
               arena_strf(ctx->arena, "%s cannot be used here: everybody gets a message of his own", name).p);
}

void send_judge_list(const struct send_context *ctx, const struct send_request *request) {
    const struct arg *to = arg_of(request, "To");
    if (to->is_given && to->raw->count)
        refuse_say(ctx, STR("To"), "To cannot be used with TargetListID: the list says who gets the message");
    judge_copies(ctx, request, "CC");
    judge_copies(ctx, request, "BCC");
}

static void read_groups(const struct send_context *ctx, struct send_request *r) {
    struct submission *s = &r->submission;
    struct compose_group *const into[GROUP_COUNT] = {&s->to, &s->cc, &s->bcc, &s->reply_to};
    for (size_t i = 0; i < GROUP_COUNT; i++) read_group(ctx, r, i, into[i]);
    const struct arg *to = arg_of(r, "To");
    if (!r->list_id && (!to->raw || (to->is_given && to->raw->count == 0))) refuse(ctx, 20, STR("To"));
    if (s->to.count + s->cc.count + s->bcc.count > at_most(ctx->sender->limits.recipients)) refuse_crowd(ctx, "To");
    if (s->to.count) read_data(ctx, r);
    if (!r->data || s->to.count < 2) return;
    judge_copies(ctx, r, "CC");
    judge_copies(ctx, r, "BCC");
}

/* ---- content ---- */
static bool judge_type(const struct send_context *ctx, const struct send_request *r, bool *ret_is_html) {
    const struct arg *type = arg_of(r, "ContentType");
    if (!type->is_given) {
        if (!type->raw && !r->template_id) refuse(ctx, 9, STR("ContentType"));
        return false;
    }
    *ret_is_html = str_eq_nocase(type->text, STR("html"));
    if (*ret_is_html || str_eq_nocase(type->text, STR("plain"))) return true;
    refuse(ctx, 9, STR("ContentType"));
    return false;
}

static void read_contents(const struct send_context *ctx, struct send_request *r) {
    const struct arg *subject = arg_of(r, "Subject"), *html = arg_of(r, "HtmlContent"), *text = arg_of(r, "PlainContent");
    bool is_html = false;
    r->submission.subject = subject->text;
    r->submission.text = text->text;
    if (!subject->raw && !r->template_id) refuse(ctx, 8, STR("Subject"));
    if (!judge_type(ctx, r, &is_html)) return;
    if (is_html) r->submission.html = html->text;
    if (is_html && !html->raw && !r->template_id) refuse(ctx, 10, STR("HtmlContent"));
    if (!is_html && !text->raw && !r->template_id) refuse(ctx, 11, STR("PlainContent"));
}

static void read_headers(const struct send_context *ctx, struct send_request *r) {
    const struct arg *arg = arg_of(r, "Headers");
    if (!arg->is_given) return;
    struct compose_header *headers = arena_array(ctx->arena, arg->raw->count + 1, sizeof *headers);
    JSON_FOR_EACH (it, arg->raw) {
        if (it->type != JSON_STRING && it->type != JSON_NUMBER) {
            refuse_say(ctx, STR("Headers"), "Headers must hold texts only");
            return;
        }
        headers[r->submission.header_count++] = (struct compose_header){.name = it->key, .value = it->text};
    }
    r->submission.headers = headers;
}

/* ---- attachments ---- */
/* A member that must be a text when it is there. */
static bool read_member(const struct json *object, struct str name, struct str *ret) {
    const struct json *value = json_find_nocase(object, name);
    if (!value || value->type == JSON_NULL) return true;
    if (value->type != JSON_STRING) return false;
    *ret = value->text;
    return true;
}

/* base64 with or without line breaks, as encoders for mail write it. */
static bool decode_content(struct arena *arena, struct str text, struct str *ret) {
    BUF_AUTO bare = {0};
    BUF_AUTO bytes = {0};
    if (str_find(text, '\n') != STR_NONE || str_find(text, '\r') != STR_NONE) {
        for (size_t i = 0; i < text.n; i++) {
            if (text.p[i] != '\r' && text.p[i] != '\n') buf_add_char(&bare, text.p[i]);
        }
        text = buf_str(&bare);
    }
    if (!base64_decode(&bytes, text)) return false;
    *ret = arena_str(arena, buf_str(&bytes));
    return true;
}

/* NULL: fine. */
static const char *read_attachment(struct arena *arena, const struct json *value, struct compose_attachment *ret) {
    struct str content = {0}, disposition = {0};
    if (!json_is(value, JSON_OBJECT)) return "must be an object with filename and content";
    bool are_texts = read_member(value, STR("filename"), &ret->filename) && read_member(value, STR("type"), &ret->content_type) &&
                     read_member(value, STR("content"), &content) && read_member(value, STR("disposition"), &disposition) &&
                     read_member(value, STR("contentid"), &ret->content_id);
    if (!are_texts) return "must hold texts only";
    if (!json_is(json_find_nocase(value, STR("content")), JSON_STRING)) return "must have content";
    if (ret->filename.n == 0 && ret->content_id.n == 0) return "must have a filename";
    ret->is_inline = str_eq_nocase(disposition, STR("inline"));
    if (disposition.n && !ret->is_inline && !str_eq_nocase(disposition, STR("attachment")))
        return "must have the disposition attachment or inline";
    return decode_content(arena, content, &ret->content) ? NULL : "must have its content in base64";
}

static void read_attachments(const struct send_context *ctx, struct send_request *r) {
    const struct arg *arg = arg_of(r, "Attachments");
    if (!arg->is_given) return;
    struct submission *s = &r->submission;
    struct compose_attachment *list = arena_array(ctx->arena, arg->raw->count + 1, sizeof *list);
    JSON_FOR_EACH (it, arg->raw) {
        const char *why = read_attachment(ctx->arena, it, &list[s->attachment_count]);
        if (why) {
            struct str field = arena_strf(ctx->arena, "Attachments[%zu]", s->attachment_count);
            refuse_say(ctx, field, arena_strf(ctx->arena, "%.*s %s", STR_ARG(field), why).p);
        }
        s->attachment_count++;
    }
    s->attachments = list;
}

/* ---- times, owner, labels ---- */
static void read_times(const struct send_context *ctx, struct send_request *r) {
    const struct arg *at = arg_of(r, "SendAt");
    r->due_at = ctx->now;
    if (at->is_given && !send_at_judge(at->number, ctx->now, &r->due_at)) refuse_say(ctx, STR("SendAt"), "SendAt " SEND_AT_WHY);
}

static void judge_stream(const struct send_context *ctx, const struct send_request *r) {
    const struct arg *stream = arg_of(r, "Stream");
    if (stream->is_given && stream->number == SEND_TRANSACTIONAL && arg_of(r, "TargetListID")->is_given)
        refuse_say(ctx, STR("Stream"), "Stream cannot be transactional with TargetListID: what goes to a list is a broadcast");
}

static void judge_metadata(const struct send_context *ctx, const struct send_request *r) {
    const struct arg *own = arg_of(r, "Metadata");
    const char *reserved = own->is_given ? send_metadata_reserved(own->raw) : NULL;
    if (reserved)
        refuse_say(ctx, STR("Metadata"),
                   arena_strf(ctx->arena, "Metadata must not hold %s: it is a parameter of its own", reserved).p);
}

/* What compose_check says, in the contract's codes. */
static int code_of(enum compose_field field) {
    switch (field) {
    case COMPOSE_FROM_EMAIL:
        return 23;
    case COMPOSE_TO_EMAIL:
        return groups[GROUP_TO].invalid;
    case COMPOSE_CC_EMAIL:
        return groups[GROUP_CC].invalid;
    case COMPOSE_BCC_EMAIL:
        return groups[GROUP_BCC].invalid;
    case COMPOSE_REPLY_TO_EMAIL:
        return groups[GROUP_REPLY_TO].invalid;
    default:
        return REFUSAL_FIELD;
    }
}

/* An address that is not there was refused as incomplete when it was read. */
static bool is_absent(const struct submission *s, const struct compose_refusal *refusal) {
    switch (refusal->field) {
    case COMPOSE_FROM_EMAIL:
        return s->from.email.n == 0;
    case COMPOSE_TO_EMAIL:
        return s->to.items[refusal->index].email.n == 0;
    case COMPOSE_CC_EMAIL:
        return s->cc.items[refusal->index].email.n == 0;
    case COMPOSE_BCC_EMAIL:
        return s->bcc.items[refusal->index].email.n == 0;
    case COMPOSE_REPLY_TO_EMAIL:
        return s->reply_to.items[refusal->index].email.n == 0;
    default:
        return false;
    }
}

bool send_judge(const struct send_context *ctx, struct submission *s) {
    struct compose_verdict verdict;
    if (compose_check(s, ctx->arena, &verdict)) return true;
    for (size_t i = 0; i < verdict.count; i++) {
        const struct compose_refusal *refusal = &verdict.refusals[i];
        if (is_absent(s, refusal)) continue;
        BUF_AUTO name = {0};
        compose_refusal_field(refusal, &name);
        struct str field = arena_str(ctx->arena, buf_str(&name));
        int code = code_of(refusal->field);
        if (code == REFUSAL_FIELD) {
            refuse_say(ctx, field, arena_strf(ctx->arena, "%.*s %s", STR_ARG(field), refusal->why).p);
        } else {
            refuse(ctx, code, field);
        }
    }
    return false;
}

static void judge_owner(const struct send_context *ctx, const struct send_request *r) {
    const struct arg *domain_id = arg_of(r, "DomainID");
    struct str from = r->submission.from.address.domain;
    if (domain_id->is_given && domain_id->number != ctx->sender->key.domain_id) refuse(ctx, 2, STR("DomainID"));
    if (from.n && !domain_is_within(from, ctx->sender->domain_name)) refuse(ctx, 3, STR("From"));
}

void send_read_args(const struct send_context *ctx, const struct arg *args, struct send_request *ret) {
    *ret = (struct send_request){.args = args};
    ret->template_id = arg_of(ret, "TemplateID")->number;
    ret->list_id = arg_of(ret, "TargetListID")->number;
    read_from(ctx, ret);
    read_groups(ctx, ret);
    read_contents(ctx, ret);
    read_attachments(ctx, ret);
    read_headers(ctx, ret);
    read_times(ctx, ret);
    judge_metadata(ctx, ret);
    judge_stream(ctx, ret);
    ret->submission.date_ms = ctx->now;
    ret->submission.message_id =
        arena_strf(ctx->arena, "0@%.*s", STR_ARG(ctx->sender->domain_name)); /* each message's own later */
    send_judge(ctx, &ret->submission);
    judge_owner(ctx, ret);
}

void send_read(const struct send_context *ctx, const struct input *input, struct send_request *ret) {
    send_read_args(ctx, params_check(send_operation(), input, ctx->arena, ctx->refused), ret);
}
