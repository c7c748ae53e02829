/* send_make.c - messages out of a request that was read (send.h): the template is put in, values are filled in, labels are
 * stamped, and the bytes are composed.
 *
 * Three texts can be rendered: subject, HTML, plain. They are when they come from a template, and when there are values to put
 * in: a list's subscribers, or data in the request. Otherwise {{ is only text. Values are never rendered again (HI19), and what
 * came out is judged like what comes in, so a value makes no header.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/send.h"

#include "core/retry.h"

static const struct arg *arg_of(const struct send_request *r, const char *name) {
    return params_arg(send_operation(), r->args, name);
}

static void refuse(const struct send_context *ctx, int code, const char *field) {
    refused_add(ctx->refused, send_operation(), code, str_from_z(field));
}

/* ---- the template ---- */
static bool has_values(const struct send_request *r) {
    return r->list_id || r->data || arg_of(r, "Data")->is_given;
}

bool send_needs_load(const struct send_request *request) {
    return request->template_id || has_values(request);
}

static void refuse_part(const struct send_context *ctx, const struct mail_error *error) {
    const char *name = mail_part_name(error->part);
    BUF_AUTO why = {0};
    buf_addf(&why, "%s: ", name);
    mail_error_format(error, &why);
    refused_say(ctx->refused, ctx->arena, REFUSAL_FIELD, str_from_z(name), why.p);
}

static void compile(const struct send_context *ctx, struct send_request *r, enum mail_part part, struct str source) {
    struct mail_error error = {.part = part};
    if (!template_compile(ctx->arena, source, &r->program.parts[part], &error.error)) refuse_part(ctx, &error);
}

/* A text of the request's own, or else the template's. */
static struct str take(const struct send_context *ctx, struct send_request *r, enum mail_part part, const struct arg *own,
                       struct str of_template) {
    struct str text = own->is_given ? own->text : of_template;
    if (text.n && (!own->is_given || has_values(r))) compile(ctx, r, part, text);
    return text;
}

static void put_in(const struct send_context *ctx, struct send_request *r, const struct mail_template *t) {
    const struct arg *type = arg_of(r, "ContentType"), *html = arg_of(r, "HtmlContent");
    bool is_html = type->is_given ? str_eq_nocase(type->text, STR("html")) : html->is_given || t->html.n;
    r->submission.subject = take(ctx, r, MAIL_SUBJECT, arg_of(r, "Subject"), t->subject);
    r->submission.text = take(ctx, r, MAIL_TEXT, arg_of(r, "PlainContent"), t->text);
    r->submission.html = is_html ? take(ctx, r, MAIL_HTML, html, t->html) : (struct str){0};
    if (r->submission.subject.n == 0) refuse(ctx, 8, "Subject");
    if (is_html && r->submission.html.n == 0) refuse(ctx, 10, "HtmlContent");
    if (is_html || r->submission.text.n) return;
    refuse(ctx, type->is_given ? 11 : 9, type->is_given ? "PlainContent" : "ContentType");
}

enum status send_load(const struct send_context *ctx, struct db *db, struct send_request *request) {
    struct mail_template t = {0};
    enum status status = STATUS_OK;
    if (request->template_id)
        status = mail_template_get(db, ctx->arena, ctx->sender->key.account_id, request->template_id, 0, &t);
    if (status == STATUS_NOT_FOUND) {
        refuse(ctx, 15, "TemplateID");
        return STATUS_OK;
    }
    if (status == STATUS_OK) put_in(ctx, request, &t);
    return status;
}

size_t send_bytes(const struct send_request *request) {
    const struct submission *s = &request->submission;
    size_t bytes = 2048 + s->html.n + s->text.n;
    for (size_t i = 0; i < s->attachment_count; i++) bytes += s->attachments[i].content.n / 3 * 4 + 512;
    return bytes;
}

/* ---- values ---- */
/* {{Email}} and {{Name}} of the one person a message goes to; what the sender gave under these names goes first. */
static const struct json *person(const struct send_context *ctx, const struct compose_mailbox *to) {
    struct json *object = NULL;
    input_add(ctx->arena, &object, STR("Email"), to->email);
    input_add(ctx->arena, &object, STR("Name"), to->name);
    return object;
}

static struct template_values values_of(const struct send_context *ctx, const struct send_request *r,
                                        const struct send_merge *merge) {
    struct template_values values = {.steps_left = ctx->steps_left};
    const struct compose_group *to = &r->submission.to;
    const struct json *const layers[] = {
        merge                       ? merge->fields
        : r->data && to->count == 1 ? r->data[0]
                                    : NULL,
        arg_of(r, "Data")->is_given ? arg_of(r, "Data")->raw : NULL,
        merge            ? person(ctx, &merge->to)
        : to->count == 1 ? person(ctx, &to->items[0])
                         : NULL,
    };
    size_t count = 0;
    for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++)
        if (layers[i]) values.layers[count++] = layers[i];
    return values;
}

/* Rendered texts stand in `room` and take the places of those they were made of. */
static bool render(const struct send_context *ctx, const struct send_request *r, const struct send_merge *merge,
                   struct mail_rendered *room, struct submission *s) {
    static const enum template_context contexts[MAIL_PARTS] = {TEMPLATE_SUBJECT, TEMPLATE_HTML, TEMPLATE_TEXT};
    struct str *const into[MAIL_PARTS] = {&s->subject, &s->html, &s->text};
    struct template_values values = values_of(ctx, r, merge);
    for (enum mail_part part = 0; part < MAIL_PARTS; part++) {
        struct mail_error error = {.part = part};
        if (!r->program.parts[part]) continue;
        if (template_render(r->program.parts[part], contexts[part], &values, &room->parts[part], &error.error) != STATUS_OK) {
            refuse_part(ctx, &error);
            return false;
        }
        *into[part] = buf_str(&room->parts[part]);
    }
    return true;
}

/* ---- labels ---- */
/* Sending's own label wins over the key's. */
static void write_label(const struct send_request *r, struct json_writer *w, const char *name, struct str of_key) {
    const struct arg *own = arg_of(r, name);
    struct str value = own->is_given ? own->text : of_key;
    if (value.n) json_add_str(w, str_from_z(name), value);
}

/* That of a list's subscriber wins over both. */
static void write_person_label(const struct send_request *r, struct json_writer *w, const char *name, int64_t of_list,
                               struct str of_key) {
    BUF_AUTO text = {0};
    if (of_list == 0) {
        write_label(r, w, name, of_key);
        return;
    }
    buf_add_i64(&text, of_list);
    json_add_str(w, str_from_z(name), buf_str(&text));
}

static void write_switch(const struct send_request *r, struct json_writer *w, const char *name) {
    const struct arg *arg = arg_of(r, name);
    if (arg->is_given) json_add_bool(w, str_from_z(name), arg->number != 0);
}

/* One flat object: the labels, the switches, then what the sender gave. */
static struct str metadata_of(const struct send_context *ctx, const struct send_request *r, const struct send_merge *merge) {
    const struct sender_key *key = &ctx->sender->key;
    const struct arg *own = arg_of(r, "Metadata");
    BUF_AUTO text = {0};
    struct json_writer w = {.out = &text};
    json_open_object(&w);
    write_person_label(r, &w, "ListID", merge ? merge->list_id : 0, key->list_id);
    write_person_label(r, &w, "SubscriberID", merge ? merge->subscriber_id : 0, key->subscriber_id);
    write_label(r, &w, "JourneyID", key->journey_id);
    write_label(r, &w, "ActionID", key->action_id);
    write_switch(r, &w, "TrackLinks");
    write_switch(r, &w, "TrackOpens");
    JSON_FOR_EACH (it, own->is_given ? own->raw : NULL) {
        json_key(&w, it->key);
        json_value(&w, it);
    }
    json_close_object(&w);
    return arena_str(ctx->arena, buf_str(&text));
}

static struct str tags_of(const struct send_context *ctx, const struct send_request *r) {
    const struct arg *arg = arg_of(r, "Tags");
    if (!arg->is_given) return STR("[]");
    BUF_AUTO text = {0};
    struct json_writer w = {.out = &text};
    json_value(&w, arg->raw);
    return arena_str(ctx->arena, buf_str(&text));
}

/* ---- a message ---- */
static void set_recipients(const struct send_context *ctx, const struct submission *s, struct acceptance *a) {
    const struct compose_group *const from[] = {&s->to, &s->cc, &s->bcc};
    struct accept_recipient *list = arena_array(ctx->arena, s->to.count + s->cc.count + s->bcc.count + 1, sizeof *list);
    size_t count = 0;
    for (size_t i = 0; i < sizeof from / sizeof from[0]; i++) {
        for (size_t k = 0; k < from[i]->count; k++) {
            const struct address *address = &from[i]->items[k].address;
            list[count++] = (struct accept_recipient){.address = address->text, .domain = address->domain};
        }
    }
    a->recipients = list;
    a->recipient_count = accept_unique(list, count);
}

static void begin(const struct send_context *ctx, struct acceptance *a) {
    const struct sender_key *key = &ctx->sender->key;
    a->message = (struct message){
        .uuid = id_make(ctx->now, ctx->api->rand),
        .account_id = key->account_id,
        .domain_id = key->domain_id,
        .key_id = key->id,
        .created_at = ctx->now,
        .expires_at = ctx->now + RETRY_LIFE_MS,
        .tags = STR("[]"),
        .metadata = STR("{}"),
    };
    a->due_at = ctx->now;
    a->owner = ctx->api->owner;
}

void send_hand_in(const struct call *c, struct str bytes, struct submit *ret) {
    *ret = (struct submit){.arena = c->arena,
                           .rand = c->api->rand,
                           .owner = c->api->owner,
                           .now = c->now,
                           .content = bytes,
                           .envelope.is_utf8 = true};
}

static void write(const struct send_context *ctx, const struct send_request *r, const struct send_merge *merge,
                  const struct submission *s, struct acceptance *a) {
    const struct arg *ttl = arg_of(r, "TTL"), *stream = arg_of(r, "Stream");
    struct content_chance chance;
    const struct rand alike = content_chance(&chance, s->html, s->text);
    compose_message(s, r->list_id ? &alike : ctx->api->rand, &a->room);
    a->content = buf_str(&a->room);
    set_recipients(ctx, s, a);
    a->is_transactional = stream->is_given && stream->number == SEND_TRANSACTIONAL;
    a->priority = r->list_id || (stream->is_given && stream->number == SEND_BROADCAST) ? PRIORITY_BULK : PRIORITY_TRANSACTIONAL;
    a->due_at = r->due_at;
    a->message.expires_at = r->due_at + (ttl->is_given ? ttl->number * 1000 : RETRY_LIFE_MS);
    a->message.tls = (int)arg_of(r, "TLS")->number; /* the choices are enum tls_level's */
    a->message.sender = s->from.address.text;
    a->message.subject = arena_str(ctx->arena, s->subject);
    a->message.rfc_message_id = s->message_id;
    a->message.tags = tags_of(ctx, r);
    a->message.metadata = metadata_of(ctx, r, merge);
    a->message.size_bytes = (int64_t)a->content.n;
}

bool send_make(const struct send_context *ctx, const struct send_request *request, const struct send_merge *merge,
               struct acceptance *ret) {
    struct submission s = request->submission;
    struct mail_rendered room = {0};
    struct compose_mailbox to;
    *ret = (struct acceptance){0};
    begin(ctx, ret);
    s.message_id = accept_message_id(ctx->arena, ret->message.uuid, ctx->sender->domain_name);
    if (merge) {
        to = merge->to;
        s.to = (struct compose_group){&to, 1};
    }
    bool is_fine = render(ctx, request, merge, &room, &s) && ((!merge && !send_needs_load(request)) || send_judge(ctx, &s));
    if (is_fine) write(ctx, request, merge, &s, ret);
    mail_rendered_fini(&room);
    return is_fine;
}

/* ---- a request that is kept ---- */
void send_format(const struct send_context *ctx, const struct send_request *request, struct buf *out) {
    static const char *const kept[] = {"From", "TargetListID", "ReplyTo",    "Attachments", "Headers",
                                       "Tags", "TrackLinks",   "TrackOpens", "TTL",         "TLS",
                                       "Data", "Metadata",     "DomainID",   "Stream"};
    const struct submission *s = &request->submission;
    struct json_writer w = {.out = out};
    json_open_object(&w);
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        const struct arg *arg = arg_of(request, kept[i]);
        if (!arg->is_given) continue;
        json_key(&w, str_from_z(kept[i]));
        json_value(&w, arg->raw);
    }
    write_label(request, &w, "JourneyID", ctx->sender->key.journey_id);
    write_label(request, &w, "ActionID", ctx->sender->key.action_id);
    json_add_str(&w, STR("Subject"), s->subject);
    json_add_z(&w, STR("ContentType"), s->html.n ? "html" : "plain");
    if (s->html.n) json_add_str(&w, STR("HtmlContent"), s->html);
    if (s->text.n) json_add_str(&w, STR("PlainContent"), s->text);
    json_close_object(&w);
}

/* ---- answers ---- */
struct acceptor send_acceptor(const struct send_context *ctx) {
    const struct sender_login *sender = ctx->sender;
    return (struct acceptor){
        .key_id = sender->key.id,
        .quota = {.account_id = sender->key.account_id, .now = ctx->now, .limits = &sender->limits},
    };
}

void send_refuse(const struct send_context *ctx, const struct accept_request *request) {
    if (request->outcome == ACCEPT_SUPPRESSED)
        refused_add(ctx->refused, send_operation(), 14, STR("To"));
    else if (request->outcome == ACCEPT_GONE)
        refused_add(ctx->refused, send_operation(), 32, (struct str){0});
    else
        refused_add(ctx->refused, send_operation(), request->verdict == QUOTA_SECOND ? 429 : 17, (struct str){0});
}

void send_answer(struct json_writer *w, const struct accept_request *request, bool is_many) {
    json_key(w, STR("MessageID"));
    if (is_many) json_open_array(w);
    for (size_t i = 0; i < request->message_count; i++) {
        char uuid[ID_TEXT_LEN + 1];
        id_format(request->messages[i].message.uuid, uuid);
        json_z(w, uuid);
    }
    if (is_many) json_close_array(w);
    if (request->suppressed_count == 0) return;
    json_add_array(w, STR("Suppressed"));
    for (size_t i = 0; i < request->suppressed_count; i++) json_str(w, request->suppressed[i]);
    json_close_array(w);
}

void send_offer(const struct api_options *api, const struct accept_request *request) {
    if (request->outcome != ACCEPT_NEW) return;
    for (size_t i = 0; i < request->message_count; i++) {
        const struct acceptance *a = &request->messages[i];
        metrics_add(api->metrics, METRIC_MESSAGES_ACCEPTED, 1);
        metrics_add(api->metrics, METRIC_RECIPIENTS_ACCEPTED, (int64_t)a->entry_count);
        if (a->entry_count) api->queue_offer(api->arg, a->entries, a->entry_count);
    }
}
