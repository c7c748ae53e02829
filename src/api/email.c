/* email.c - POST /api/v1/email: parameters into a submission, checks in the contract's terms, the message written once.
 *
 * email_check needs nothing but the request and the key, so it runs together with the table's own checks and every failed one is
 * listed. It must bear arguments that were refused already (they are not given).
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/send.h"

#include "base/encode.h"
#include "core/compose.h"
#include "core/retry.h"

/* Codes of a mailbox list: an entry without both keys, a bad address, too many (0: the contract has no number for it). */
struct group_rule {
    const char *name;
    int incomplete, invalid, too_many;
    size_t max;
};
enum { GROUP_TO, GROUP_CC, GROUP_BCC, GROUP_REPLY_TO, GROUP_COUNT };
static const struct group_rule groups[GROUP_COUNT] = {
    [GROUP_TO] = {"To", 18, 19, 0, SEND_RECIPIENTS_MAX},
    [GROUP_CC] = {"CC", 21, 22, 0, SEND_RECIPIENTS_MAX},
    [GROUP_BCC] = {"BCC", 25, 26, 27, SEND_BCC_MAX},
    [GROUP_REPLY_TO] = {"ReplyTo", 29, 30, 31, SEND_REPLY_TO_MAX},
};

/* ---- state ---- */
static void free_send(struct call *c) {
    struct send *send = c->state;
    buf_fini(&send->content);
}

struct send *send_new(struct call *c) {
    struct send *send = ARENA_NEW(c->arena, struct send);
    c->state = send;
    c->cleanup = free_send;
    return send;
}

void send_begin(struct call *c, struct send *send) {
    struct acceptance *a = &send->acceptance;
    char uuid[ID_TEXT_LEN + 1];
    a->message.uuid = id_make(c->now, c->api->rand);
    id_format(a->message.uuid, uuid);
    a->message.created_at = c->now;
    a->message.tags = STR("[]");
    a->message.metadata = STR("{}");
    a->owner = c->api->owner;
    a->answer = call_style(c) == STYLE_CONTROL
                    ? arena_strf(c->arena, "{\"Success\":true,\"ErrorCode\":0,\"MessageID\":\"%s\"}", uuid)
                    : arena_strf(c->arena, "{\"MessageID\":\"%s\"}", uuid);
}

static struct str uuid_text(struct call *c, struct id id) {
    char text[ID_TEXT_LEN + 1];
    id_format(id, text);
    return arena_str(c->arena, str_from_z(text));
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

static void read_from(struct call *c, struct submission *s) {
    const struct arg *from = call_arg(c, "From");
    if (from->is_given && !read_mailbox(from->raw, &s->from)) call_refuse_field(c, 3, STR("From"));
}

static void refuse_crowd(struct call *c, const char *group) {
    struct str field = str_from_z(group);
    call_refuse_say(
        c, field,
        arena_strf(c->arena, "%s has too many addresses: a message may have %d recipients", group, SEND_RECIPIENTS_MAX).p);
}

static void read_group(struct call *c, const struct group_rule *rule, struct compose_group *ret) {
    const struct arg *arg = call_arg(c, rule->name);
    if (!arg->is_given) return;
    size_t count = arg->raw->count;
    if (count > rule->max) {
        if (rule->too_many) {
            call_refuse_field(c, rule->too_many, str_from_z(rule->name));
        } else {
            refuse_crowd(c, rule->name);
        }
        return;
    }
    ret->items = arena_array(c->arena, count + 1, sizeof *ret->items);
    JSON_FOR_EACH (it, arg->raw) {
        if (read_mailbox(it, &ret->items[ret->count])) {
            ret->count++;
        } else {
            call_refuse_field(c, rule->incomplete, arena_strf(c->arena, "%s[%zu]", rule->name, ret->count));
            ret->count = 0;
            return;
        }
    }
}

static void read_groups(struct call *c, struct submission *s) {
    struct compose_group *const into[GROUP_COUNT] = {&s->to, &s->cc, &s->bcc, &s->reply_to};
    for (size_t i = 0; i < GROUP_COUNT; i++) read_group(c, &groups[i], into[i]);
    const struct arg *to = call_arg(c, "To");
    if (to->is_given && to->raw->count == 0) call_refuse_field(c, 20, STR("To"));
    if (s->to.count + s->cc.count + s->bcc.count > SEND_RECIPIENTS_MAX) refuse_crowd(c, "To");
}

/* ---- content ---- */
static void read_bodies(struct call *c, struct submission *s) {
    static const struct str none = {0};
    const struct arg *type = call_arg(c, "ContentType");
    s->text = call_text(c, "PlainContent", none);
    if (!type->is_given) return;
    bool is_html = str_eq_nocase(type->text, STR("html"));
    if (!is_html && !str_eq_nocase(type->text, STR("plain"))) {
        call_refuse_field(c, 9, STR("ContentType"));
        return;
    }
    if (is_html) s->html = call_text(c, "HtmlContent", none);
    if (is_html && !call_arg(c, "HtmlContent")->raw) call_refuse_field(c, 10, STR("HtmlContent"));
    if (!is_html && !call_arg(c, "PlainContent")->raw) call_refuse_field(c, 11, STR("PlainContent"));
}

static void read_headers(struct call *c, struct submission *s) {
    const struct arg *arg = call_arg(c, "Headers");
    if (!arg->is_given) return;
    struct compose_header *headers = arena_array(c->arena, arg->raw->count + 1, sizeof *headers);
    JSON_FOR_EACH (it, arg->raw) {
        if (it->type != JSON_STRING && it->type != JSON_NUMBER) {
            call_refuse_say(c, STR("Headers"), "Headers must hold texts only");
            return;
        }
        headers[s->header_count++] = (struct compose_header){.name = it->key, .value = it->text};
    }
    s->headers = headers;
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
static bool decode_content(struct call *c, struct str text, struct str *ret) {
    BUF_AUTO bare = {0};
    BUF_AUTO bytes = {0};
    if (str_find(text, '\n') != STR_NONE || str_find(text, '\r') != STR_NONE) {
        for (size_t i = 0; i < text.n; i++) {
            if (text.p[i] != '\r' && text.p[i] != '\n') buf_add_char(&bare, text.p[i]);
        }
        text = buf_str(&bare);
    }
    if (!base64_decode(&bytes, text)) return false;
    *ret = arena_str(c->arena, buf_str(&bytes));
    return true;
}

/* NULL: fine. */
static const char *read_attachment(struct call *c, const struct json *value, struct compose_attachment *ret) {
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
    return decode_content(c, content, &ret->content) ? NULL : "must have its content in base64";
}

static void read_attachments(struct call *c, struct submission *s) {
    const struct arg *arg = call_arg(c, "Attachments");
    if (!arg->is_given) return;
    struct compose_attachment *list = arena_array(c->arena, arg->raw->count + 1, sizeof *list);
    JSON_FOR_EACH (it, arg->raw) {
        const char *why = read_attachment(c, it, &list[s->attachment_count]);
        if (why) {
            struct str field = arena_strf(c->arena, "Attachments[%zu]", s->attachment_count);
            call_refuse_say(c, field, arena_strf(c->arena, "%.*s %s", STR_ARG(field), why).p);
        }
        s->attachment_count++;
    }
    s->attachments = list;
}

/* ---- what compose_check says, in the contract's codes ---- */
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

static void judge(struct call *c, struct submission *s) {
    struct compose_verdict verdict;
    if (compose_check(s, c->arena, &verdict)) return;
    for (size_t i = 0; i < verdict.count; i++) {
        const struct compose_refusal *r = &verdict.refusals[i];
        if (r->field == COMPOSE_FROM_EMAIL && s->from.email.n == 0) continue; /* absent: refused as 3 */
        BUF_AUTO name = {0};
        compose_refusal_field(r, &name);
        struct str field = arena_str(c->arena, buf_str(&name));
        int code = code_of(r->field);
        if (code == REFUSAL_FIELD) {
            call_refuse_say(c, field, arena_strf(c->arena, "%.*s %s", STR_ARG(field), r->why).p);
        } else {
            call_refuse_field(c, code, field);
        }
    }
}

/* ---- times, owner, labels ---- */
static void read_times(struct call *c, struct acceptance *a) {
    const struct arg *at = call_arg(c, "SendAt");
    a->due_at = c->now;
    if (at->is_given && (at->number < c->now - SEND_PAST_MAX_MS || at->number > c->now + SEND_AHEAD_MAX_MS)) {
        call_refuse_say(c, STR("SendAt"),
                        "SendAt must not be more than an hour past (up to that it means now), nor more than 30 days ahead");
    } else if (at->is_given && at->number > c->now) {
        a->due_at = at->number;
    }
    a->message.expires_at = a->due_at + call_number(c, "TTL", RETRY_LIFE_MS / 1000) * 1000;
}

/* The gateway's own members of an event's Metadata; the sender's object may not hold names like them. */
static const char *const labels[] = {"ListID", "SubscriberID", "JourneyID", "ActionID"};
static const char *const switches[] = {"TrackLinks", "TrackOpens"};

static void judge_metadata_name(struct call *c, struct str name, const char *reserved) {
    if (!str_eq_nocase(name, str_from_z(reserved))) return;
    call_refuse_say(c, STR("Metadata"),
                    arena_strf(c->arena, "Metadata must not hold %s: it is a parameter of its own", reserved).p);
}

static void judge_metadata(struct call *c) {
    const struct arg *own = call_arg(c, "Metadata");
    if (!own->is_given) return;
    JSON_FOR_EACH (it, own->raw) {
        for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) judge_metadata_name(c, it->key, labels[i]);
        for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++) judge_metadata_name(c, it->key, switches[i]);
    }
}

/* Sending's own label wins over the key's. */
static void write_label(struct call *c, struct json_writer *w, const char *name, struct str of_key) {
    struct str value = call_text(c, name, of_key);
    if (value.n) json_add_str(w, str_from_z(name), value);
}

/* One flat object: the labels, the switches, then what the sender gave. */
static struct str metadata_of(struct call *c) {
    const struct sender_key *key = &c->sender.key;
    const struct str of_key[] = {key->list_id, key->subscriber_id, key->journey_id, key->action_id};
    const struct arg *own = call_arg(c, "Metadata");
    BUF_AUTO text = {0};
    struct json_writer w = {.out = &text};
    json_open_object(&w);
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) write_label(c, &w, labels[i], of_key[i]);
    for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++) {
        const struct arg *arg = call_arg(c, switches[i]);
        if (arg->is_given) json_add_bool(&w, str_from_z(switches[i]), arg->number != 0);
    }
    if (own->is_given) {
        JSON_FOR_EACH (it, own->raw) {
            json_key(&w, it->key);
            json_value(&w, it);
        }
    }
    json_close_object(&w);
    return arena_str(c->arena, buf_str(&text));
}

static struct str tags_of(struct call *c) {
    const struct arg *arg = call_arg(c, "Tags");
    if (!arg->is_given) return STR("[]");
    BUF_AUTO text = {0};
    struct json_writer w = {.out = &text};
    json_value(&w, arg->raw);
    return arena_str(c->arena, buf_str(&text));
}

static void read_idempotency(struct call *c, struct send *send) {
    struct str key = c->request.idempotency_key;
    if (!key.p) return;
    if (key.n == 0 || key.n > ACCEPT_IDEMPOTENCY_KEY_MAX) {
        call_refuse_say(c, STR("Idempotency-Key"), "Idempotency-Key must have 1 to 256 characters");
        return;
    }
    send->idempotency_hash = sha256(key);
    send->request_hash = sha256(c->body);
    send->acceptance.idempotency_hash = sha256_str(&send->idempotency_hash);
    send->acceptance.request_hash = sha256_str(&send->request_hash);
}

static void set_recipients(struct call *c, struct acceptance *a, const struct submission *s) {
    const struct compose_group *const from[] = {&s->to, &s->cc, &s->bcc};
    struct accept_recipient *list = arena_array(c->arena, s->to.count + s->cc.count + s->bcc.count, sizeof *list);
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

static void judge_owner(struct call *c, const struct submission *s) {
    const struct arg *domain_id = call_arg(c, "DomainID");
    if (domain_id->is_given && domain_id->number != c->sender.key.domain_id) call_refuse_field(c, 2, STR("DomainID"));
    if (s->from.address.domain.n && !domain_is_within(s->from.address.domain, c->sender.domain_name))
        call_refuse_field(c, 3, STR("From"));
}

static void read_submission(struct call *c, struct send *send, struct submission *s) {
    struct str none = {0};
    read_from(c, s);
    s->subject = call_text(c, "Subject", none);
    read_bodies(c, s);
    read_groups(c, s);
    read_attachments(c, s);
    read_headers(c, s);
    s->date_ms = c->now;
    s->message_id =
        arena_strf(c->arena, "%.*s@%.*s", STR_ARG(uuid_text(c, send->acceptance.message.uuid)), STR_ARG(c->sender.domain_name));
    judge(c, s);
    judge_owner(c, s);
}

enum status email_check(struct call *c, struct db *db) {
    (void)db;
    struct send *send = send_new(c);
    struct submission s = {0};
    struct acceptance *a = &send->acceptance;
    send_begin(c, send);
    read_submission(c, send, &s);
    read_times(c, a);
    judge_metadata(c);
    read_idempotency(c, send);
    if (c->refused.count) return STATUS_OK;
    compose_message(&s, c->api->rand, &send->content);
    set_recipients(c, a, &s);
    a->content = buf_str(&send->content);
    a->message.account_id = c->sender.key.account_id;
    a->message.domain_id = c->sender.key.domain_id;
    a->message.key_id = c->sender.key.id;
    a->message.sender = s.from.address.text;
    a->message.subject = s.subject;
    a->message.rfc_message_id = s.message_id;
    a->message.tags = tags_of(c);
    a->message.metadata = metadata_of(c);
    a->message.size_bytes = (int64_t)a->content.n;
    c->write_bytes = accept_bytes(a);
    return STATUS_OK;
}

/* ---- the write, and what follows it ---- */
enum status email_store(struct call *c, struct db *db) {
    struct send *send = c->state;
    struct acceptance *a = &send->acceptance;
    enum status status = accept_run(db, c->arena, a);
    if (status != STATUS_OK) return status;
    if (a->outcome == ACCEPT_CONFLICT) {
        call_refuse_field(c, REFUSAL_CONFLICT, STR("Idempotency-Key"));
        return STATUS_OK;
    }
    bool is_replay = a->outcome == ACCEPT_REPLAYED;
    if (is_replay) call_add_header(c, STR("Idempotent-Replayed"), STR("true"));
    buf_add_str(&c->out, is_replay ? a->first_answer : a->answer);
    return STATUS_OK;
}

enum status email_offer(struct call *c, struct db *db) {
    (void)db;
    const struct acceptance *a = &((struct send *)c->state)->acceptance;
    if (a->outcome != ACCEPT_NEW) return STATUS_OK;
    metrics_add(c->api->metrics, METRIC_MESSAGES_ACCEPTED, 1);
    metrics_add(c->api->metrics, METRIC_RECIPIENTS_ACCEPTED, (int64_t)a->entry_count);
    c->api->queue_offer(c->api->arg, a->entries, a->entry_count);
    return STATUS_OK;
}
