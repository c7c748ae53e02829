/* submit.c - see submit.h. What an option may say stands in core/send_values.h, where the API finds it too.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/submit.h"

#include "core/compose.h"
#include "core/retry.h"
#include "core/send_values.h"
#include "proto/mime/header.h"

#include <inttypes.h>

#define RECEIVED_MAX 50 /* LM10 */

static bool refuse(struct submit *s, enum submit_refusal refusal, struct str why) {
    s->refusal = refusal;
    s->why = why;
    return false;
}

struct smtp_reply submit_reply(const struct submit *s) {
    static const struct {
        unsigned code;
        struct str enhanced;
    } replies[SUBMIT_REFUSAL_COUNT] = {
        [SUBMIT_FINE] = {250, STR_INIT("2.0.0")},       [SUBMIT_MALFORMED] = {550, STR_INIT("5.6.0")},
        [SUBMIT_TOO_BIG] = {552, STR_INIT("5.3.4")},    [SUBMIT_UTF8] = {550, STR_INIT("5.6.7")},
        [SUBMIT_LOOP] = {554, STR_INIT("5.4.6")},       [SUBMIT_OPTION] = {550, STR_INIT("5.6.0")},
        [SUBMIT_FROM] = {550, STR_INIT("5.7.1")},       [SUBMIT_SENDER] = {550, STR_INIT("5.7.1")},
        [SUBMIT_NOBODY] = {554, STR_INIT("5.5.1")},     [SUBMIT_RECIPIENT] = {550, STR_INIT("5.1.3")},
        [SUBMIT_CROWD] = {452, STR_INIT("4.5.3")},      [SUBMIT_TEMPLATE] = {550, STR_INIT("5.6.0")},
        [SUBMIT_SUPPRESSED] = {550, STR_INIT("5.7.1")}, [SUBMIT_GONE] = {550, STR_INIT("5.7.1")},
        [SUBMIT_RATE] = {450, STR_INIT("4.7.1")},       [SUBMIT_QUOTA] = {452, STR_INIT("4.5.3")},
        [SUBMIT_CONFLICT] = {554, STR_INIT("5.5.0")},
    };
    return (struct smtp_reply){replies[s->refusal].code, replies[s->refusal].enhanced, s->why};
}

void submitter_of_login(const struct smtp_login *login, struct submitter *ret) {
    const struct smtp_user *user = &login->user;
    *ret = (struct submitter){.account_id = user->account_id,
                              .domain_id = user->domain_id,
                              .smtp_user_id = user->id,
                              .domain_name = login->domain_name,
                              .limits = login->limits,
                              .from_email = user->from_email,
                              .from_name = user->from_name,
                              .reply_to_email = user->reply_to_email,
                              .reply_to_name = user->reply_to_name};
}

/* ---- options: each reads its value, or says in a predicate what is wrong with it ---- */
static const char *read_json(struct submit *s, struct str text, const struct json **ret) {
    struct json_error error;
    if (json_parse(s->arena, text, ret, &error)) return NULL;
    return arena_strf(s->arena, "is no JSON: %s (byte %zu)", error.why, error.at + 1).p;
}

static const char *read_tags(struct submit *s, struct str value) {
    const struct json *list;
    struct str tag;
    BUF_AUTO text = {0};
    struct json_writer w = {.out = &text};
    json_open_array(&w);
    while (str_next(&value, ',', &tag))
        if (str_trim(tag).n) json_str(&w, str_trim(tag));
    json_close_array(&w);
    s->options.tags = arena_str(s->arena, buf_str(&text));
    const char *why = read_json(s, s->options.tags, &list);
    return why ? why : send_texts_refuse(list, SEND_TAGS_MAX, SEND_TAG_MAX_BYTES);
}

static const char *read_metadata(struct submit *s, struct str value) {
    const char *why = read_json(s, value, &s->options.metadata);
    if (!why) why = send_metadata_refuse(s->options.metadata, SEND_METADATA_MAX, SEND_METADATA_MAX_BYTES);
    const char *reserved = why ? NULL : send_metadata_reserved(s->options.metadata);
    return reserved ? arena_strf(s->arena, "must not hold %s: that name is taken", reserved).p : why;
}

static const char *read_data(struct submit *s, struct str value) {
    const char *why = read_json(s, value, &s->options.data);
    return why ? why : send_object_refuse(s->options.data, SEND_DATA_MAX);
}

static const char *read_switch(struct str value, bool *ret_is_given, bool *ret) {
    *ret_is_given = send_switch_parse(value, ret);
    return *ret_is_given ? NULL : "must be yes or no";
}

static const char *read_track_opens(struct submit *s, struct str value) {
    return read_switch(value, &s->options.has_track_opens, &s->options.track_opens);
}

static const char *read_track_links(struct submit *s, struct str value) {
    return read_switch(value, &s->options.has_track_links, &s->options.track_links);
}

static const char *read_send_at(struct submit *s, struct str value) {
    int64_t at;
    bool has_time;
    if (!send_time_parse(value, &at, &has_time) || !has_time) return "must be a Unix time or YYYY-MM-DD HH:MM:SS";
    return send_at_judge(at, s->now, &s->options.due_at) ? NULL : SEND_AT_WHY;
}

static const char *read_ttl(struct submit *s, struct str value) {
    if (str_to_i64(value, &s->options.ttl_s) && s->options.ttl_s >= SEND_TTL_MIN_S && s->options.ttl_s <= SEND_TTL_MAX_S)
        return NULL;
    return arena_strf(s->arena, "must be a number of seconds from %d to %d", SEND_TTL_MIN_S, SEND_TTL_MAX_S).p;
}

static const char *read_template(struct submit *s, struct str value) {
    return str_to_i64(value, &s->options.template_id) && s->options.template_id > 0 ? NULL : "must be a template's id";
}

static const char *read_idempotency_key(struct submit *s, struct str value) {
    s->options.idempotency_key = value;
    if (value.n && value.n <= ACCEPT_IDEMPOTENCY_KEY_MAX) return NULL;
    return arena_strf(s->arena, "must have 1 to %d characters", ACCEPT_IDEMPOTENCY_KEY_MAX).p;
}

static const struct {
    const char *name;
    const char *(*read)(struct submit *s, struct str value);
} option_rules[] = {
    {"X-Posthorn-Tags", read_tags},
    {"X-Posthorn-Metadata", read_metadata},
    {"X-Posthorn-Track-Opens", read_track_opens},
    {"X-Posthorn-Track-Links", read_track_links},
    {"X-Posthorn-Send-At", read_send_at},
    {"X-Posthorn-TTL", read_ttl},
    {"X-Posthorn-Template", read_template},
    {"X-Posthorn-Data", read_data},
    {"X-Posthorn-Idempotency-Key", read_idempotency_key},
};
#define OPTION_COUNT (sizeof option_rules / sizeof option_rules[0])

/* What a refusal may show of a name that somebody made up. */
static struct str shown(struct str name) {
    return str_sub(name, 0, 64);
}

static bool read_option(struct submit *s, const struct raw_option *option, unsigned *seen) {
    size_t i = 0;
    while (i < OPTION_COUNT && !str_eq_nocase(option->name, str_from_z(option_rules[i].name))) i++;
    if (i == OPTION_COUNT)
        return refuse(s, SUBMIT_OPTION, arena_strf(s->arena, "%.*s is not an option", STR_ARG(shown(option->name))));
    const char *name = option_rules[i].name;
    const char *why = *seen & (1U << i) ? "may be there once" : option_rules[i].read(s, option->value);
    *seen |= 1U << i;
    return !why || refuse(s, SUBMIT_OPTION, arena_strf(s->arena, "%s %s", name, why));
}

static bool read_options(struct submit *s) {
    unsigned seen = 0;
    s->options = (struct submit_options){0};
    for (size_t i = 0; i < s->message.option_count; i++)
        if (!read_option(s, &s->message.options[i], &seen)) return false;
    if (s->options.data && !s->options.template_id)
        return refuse(s, SUBMIT_OPTION, STR("X-Posthorn-Data fills a template: name it with X-Posthorn-Template"));
    return true;
}

/* ---- reading ---- */
static bool refuse_message(struct submit *s, const struct raw_message_refused *why) {
    switch (why->refusal) {
    case RAW_MESSAGE_LINE:
        if (why->line == 0) return refuse(s, SUBMIT_MALFORMED, STR("The message is empty"));
        return refuse(s, SUBMIT_MALFORMED,
                      arena_strf(s->arena, "Line %zu holds NUL or a bare CR, or is longer than 998 octets", why->line));
    case RAW_MESSAGE_TOO_BIG:
        return refuse(s, SUBMIT_TOO_BIG,
                      arena_strf(s->arena, "The header block is bigger than %d bytes or %d fields", RAW_MESSAGE_HEADER_MAX,
                                 RAW_MESSAGE_FIELDS_MAX));
    case RAW_MESSAGE_SENDERS:
        return refuse(s, SUBMIT_FROM, arena_strf(s->arena, "%s has no valid address, or more than that", why->field));
    case RAW_MESSAGE_RECIPIENTS:
        return refuse(s, SUBMIT_RECIPIENT, arena_strf(s->arena, "%s holds an invalid address, or too many", why->field));
    default:
        return refuse(s, SUBMIT_MALFORMED, arena_strf(s->arena, "Line %zu of the message is no header field", why->line));
    }
}

static bool judge_form(struct submit *s) {
    const struct raw_message *m = &s->message;
    if (m->received_fields > RECEIVED_MAX)
        return refuse(s, SUBMIT_LOOP, STR("Too many Received fields: the message goes round in circles"));
    if (!m->is_ascii && !s->envelope.is_utf8)
        return refuse(s, SUBMIT_UTF8, STR("The header block is not ASCII: encode it (RFC 2047), or say SMTPUTF8"));
    if (!m->is_ascii && !str_is_utf8(m->fields)) return refuse(s, SUBMIT_MALFORMED, STR("The header block is no UTF-8"));
    return true;
}

static void take_recipients(struct submit *s) {
    const struct raw_message *m = &s->message;
    struct submit_envelope *e = &s->envelope;
    if (!e->recipients) {
        e->recipients = arena_array(s->arena, m->recipient_count + 1, sizeof *e->recipients);
        for (size_t i = 0; i < m->recipient_count; i++)
            e->recipients[i] = (struct accept_recipient){.address = m->recipients[i].text, .domain = m->recipients[i].domain};
        e->recipient_count = m->recipient_count;
    }
    e->recipient_count = accept_unique(e->recipients, e->recipient_count);
}

bool submit_read(struct submit *s) {
    const struct raw_message_reading how = {.is_crlf = s->is_crlf, .wants_recipients = !s->envelope.recipients};
    struct raw_message_refused why;
    if (!raw_message_parse(s->content, &how, s->arena, &s->message, &why)) return refuse_message(s, &why);
    if (!judge_form(s) || !read_options(s)) return false;
    take_recipients(s);
    return true;
}

/* ---- who may say it (AU19) ---- */
static bool judge_from(struct submit *s) {
    const struct raw_message *m = &s->message;
    if (m->from_fields == 0 && s->by.from_email.n) return true;
    if (m->from_fields == 0)
        return refuse(s, SUBMIT_FROM,
                      s->by.smtp_user_id ? STR("From is missing, and this SMTP user has no FromEmail for it")
                                         : STR("From is missing"));
    if (m->from_fields > 1)
        return refuse(s, SUBMIT_FROM, arena_strf(s->arena, "There are %zu From fields: there may be one", m->from_fields));
    return m->from_addresses == 1 ||
           refuse(s, SUBMIT_FROM, arena_strf(s->arena, "From holds %zu addresses: it must hold one", m->from_addresses));
}

static bool judge_address(struct submit *s, const char *what, const struct address *address) {
    if (domain_is_within(address->domain, s->by.domain_name)) return true;
    return refuse(
        s, SUBMIT_SENDER,
        arena_strf(s->arena, "%s is of %.*s: it must be of %.*s", what, STR_ARG(address->domain), STR_ARG(s->by.domain_name)));
}

static bool judge_text(struct submit *s, const char *what, struct str text) {
    struct address address;
    if (text.n == 0) return true;
    if (!address_parse(text, s->arena, &address))
        return refuse(s, SUBMIT_SENDER, arena_strf(s->arena, "%s is no valid address", what));
    return judge_address(s, what, &address);
}

bool submit_judge(struct submit *s) {
    const struct account_limits *limits = &s->by.limits;
    if (!judge_from(s)) return false;
    if (s->message.from_fields == 0 && !judge_text(s, "FromEmail", s->by.from_email)) return false;
    for (size_t i = 0; i < s->message.sender_count; i++)
        if (!judge_address(s, s->message.senders[i].field, &s->message.senders[i].address)) return false;
    if (!judge_text(s, "The envelope's sender", s->envelope.sender)) return false;
    if (s->envelope.recipient_count == 0) return refuse(s, SUBMIT_NOBODY, STR("The message names no recipient"));
    if (limits->recipients && (int64_t)s->envelope.recipient_count > limits->recipients)
        return refuse(s, SUBMIT_CROWD,
                      arena_strf(s->arena, "Too many recipients: a message may have %" PRId64, limits->recipients));
    return true;
}

/* ---- the template ---- */
bool submit_needs_load(const struct submit *s) {
    return s->options.template_id != 0;
}

enum status submit_load(struct db *db, struct submit *s) {
    enum status status = mail_template_get(db, s->arena, s->by.account_id, s->options.template_id, 0, &s->template);
    if (status != STATUS_NOT_FOUND) return status;
    refuse(s, SUBMIT_TEMPLATE,
           arena_strf(s->arena, "X-Posthorn-Template: there is no template %" PRId64, s->options.template_id));
    return STATUS_OK;
}

static bool refuse_part(struct submit *s, const struct mail_error *error) {
    BUF_AUTO why = {0};
    buf_addf(&why, "%s of the template: ", mail_part_name(error->part));
    mail_error_format(error, &why);
    return refuse(s, SUBMIT_TEMPLATE, arena_str(s->arena, buf_str(&why)));
}

/* {{Email}} of the one person it goes to. */
static const struct json *person_of(struct submit *s) {
    const struct json *person = NULL;
    struct json_error error;
    BUF_AUTO text = {0};
    struct json_writer w = {.out = &text};
    json_open_object(&w);
    json_add_str(&w, STR("Email"), s->envelope.recipients[0].address);
    json_close_object(&w);
    bool is_one = s->envelope.recipient_count == 1;
    return is_one && json_parse(s->arena, arena_str(s->arena, buf_str(&text)), &person, &error) ? person : NULL;
}

static bool render(struct submit *s, struct mail_rendered *room) {
    const struct mail_template *t = &s->template;
    struct mail_source source = {.parts = {[MAIL_HTML] = t->html, [MAIL_TEXT] = t->text}};
    struct template_values values = {0};
    struct mail_program program;
    struct mail_error error;
    const struct json *const layers[] = {s->options.data, person_of(s)};
    size_t count = 0;
    for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++)
        if (layers[i]) values.layers[count++] = layers[i];
    if (s->message.subject.n == 0) source.parts[MAIL_SUBJECT] = t->subject;
    return (mail_compile(s->arena, &source, &program, &error) && mail_render(&program, &values, room, &error) == STATUS_OK) ||
           refuse_part(s, &error);
}

static bool judge_content(struct submit *s, struct submission *content) {
    struct compose_verdict verdict;
    BUF_AUTO why = {0};
    if (compose_check(content, s->arena, &verdict)) return true;
    compose_refusal_field(&verdict.refusals[0], &why);
    buf_addf(&why, " of the template %s", verdict.refusals[0].why);
    return refuse(s, SUBMIT_TEMPLATE, arena_str(s->arena, buf_str(&why)));
}

static void write_subject(struct str subject, struct buf *out) {
    struct header_writer w = {.out = out};
    if (subject.n == 0) return;
    header_begin(&w, "Subject");
    header_text(&w, subject);
    header_end(&w);
}

/* ---- bytes ---- */
static struct str from_of(const struct submit *s) {
    const struct address *from = raw_message_from(&s->message);
    return from ? from->text : s->by.from_email;
}

static struct str received_of(struct submit *s, struct id uuid) {
    char text[ID_TEXT_LEN + 1];
    BUF_AUTO field = {0};
    if (s->protocol.n == 0) return (struct str){0};
    id_format(uuid, text);
    buf_addf(&field, "by %.*s with %.*s id %s;\r\n ", STR_ARG(s->hostname), STR_ARG(s->protocol), text);
    time_add_rfc5322(&field, s->now);
    return arena_str(s->arena, buf_str(&field));
}

static struct raw_additions additions_of(struct submit *s) {
    const struct message *row = &s->acceptance.message;
    struct raw_additions with = {
        .received = received_of(s, row->uuid), .message_id = row->rfc_message_id, .date_ms = row->created_at};
    if (s->message.from_fields == 0) {
        with.from_email = s->by.from_email;
        with.from_name = s->by.from_name;
    }
    if (!s->message.has_reply_to) {
        with.reply_to_email = s->by.reply_to_email;
        with.reply_to_name = s->by.reply_to_name;
    }
    return with;
}

/* The message with its content made of the template. */
static bool write_rendered(struct submit *s, const struct raw_additions *with) {
    struct buf *out = &s->acceptance.room;
    struct mail_rendered room = {0};
    struct raw_message m = s->message;
    bool is_fine = render(s, &room);
    struct submission content = {
        .from.email = from_of(s),
        .subject = buf_str(&room.parts[MAIL_SUBJECT]),
        .html = buf_str(&room.parts[MAIL_HTML]),
        .text = buf_str(&room.parts[MAIL_TEXT]),
        .message_id = accept_message_id(s->arena, s->acceptance.message.uuid, s->by.domain_name),
    };
    is_fine = is_fine && judge_content(s, &content);
    if (is_fine) {
        m.fields = raw_message_fields_without_content(&m, s->arena);
        raw_message_write_fields(&m, with, out);
        write_subject(content.subject, out);
        buf_add_z(out, "MIME-Version: 1.0\r\n");
        compose_content(&content, s->rand, out);
        if (content.subject.n) s->acceptance.message.subject = arena_str(s->arena, content.subject);
    }
    mail_rendered_fini(&room);
    return is_fine;
}

/* One flat object: the switches, then what the sender gave. */
static struct str metadata_of(struct submit *s) {
    const struct submit_options *o = &s->options;
    BUF_AUTO text = {0};
    struct json_writer w = {.out = &text};
    json_open_object(&w);
    if (o->has_track_links) json_add_bool(&w, STR("TrackLinks"), o->track_links);
    if (o->has_track_opens) json_add_bool(&w, STR("TrackOpens"), o->track_opens);
    JSON_FOR_EACH (it, o->metadata) {
        json_key(&w, it->key);
        json_value(&w, it);
    }
    json_close_object(&w);
    return arena_str(s->arena, buf_str(&text));
}

static void set_message(struct submit *s) {
    const struct submit_options *o = &s->options;
    struct acceptance *a = &s->acceptance;
    struct id uuid = id_make(s->now, s->rand);
    *a = (struct acceptance){.owner = s->owner, .due_at = o->due_at ? o->due_at : s->now};
    a->recipients = s->envelope.recipients;
    a->recipient_count = s->envelope.recipient_count;
    a->message = (struct message){
        .uuid = uuid,
        .account_id = s->by.account_id,
        .domain_id = s->by.domain_id,
        .smtp_user_id = s->by.smtp_user_id,
        .created_at = s->now,
        .expires_at = a->due_at + (o->ttl_s ? o->ttl_s * 1000 : RETRY_LIFE_MS),
        .sender = from_of(s),
        .envelope_from = s->envelope.sender,
        .dsn_return = s->envelope.dsn_return,
        .dsn_envid = s->envelope.dsn_envid,
        .subject = s->message.subject,
        .rfc_message_id = s->message.message_id.n ? s->message.message_id : accept_message_id(s->arena, uuid, s->by.domain_name),
        .tags = o->tags.n ? o->tags : STR("[]"),
        .metadata = metadata_of(s),
    };
}

static void add_hash(struct buf *out, struct str part) {
    const struct sha256 hash = sha256(part);
    buf_add_str(out, sha256_str(&hash));
}

/* Keys of two users of an account never meet (TN03); nor does one that only differs in whom it goes to. */
static void set_key(struct submit *s) {
    const struct submit_envelope *e = &s->envelope;
    struct str key = s->idempotency_key.n ? s->idempotency_key : s->options.idempotency_key;
    BUF_AUTO parts = {0};
    if (key.n == 0) return;
    add_hash(&parts, e->sender);
    for (size_t i = 0; i < e->recipient_count; i++) add_hash(&parts, e->recipients[i].address);
    add_hash(&parts, s->content);
    s->request_hash = sha256(buf_str(&parts));
    s->key_hash =
        sha256(arena_strf(s->arena, "submit:%" PRId64 ":%" PRId64 ":%.*s", s->by.domain_id, s->by.smtp_user_id, STR_ARG(key)));
    s->has_key = true;
}

bool submit_make(struct submit *s) {
    struct acceptance *a = &s->acceptance;
    set_message(s);
    set_key(s);
    const struct raw_additions with = additions_of(s);
    if (!submit_needs_load(s))
        raw_message_write(&s->message, &with, &a->room);
    else if (!write_rendered(s, &with))
        return false;
    a->content = buf_str(&a->room);
    a->message.size_bytes = (int64_t)a->content.n;
    s->request = (struct accept_request){.messages = a, .message_count = 1};
    return true;
}

size_t submit_bytes(const struct submit *s) {
    return accept_bytes(&s->request);
}

void submit_fini(struct submit *s) {
    buf_fini(&s->acceptance.room);
}

/* ---- the write ---- */
static struct acceptor acceptor_of(const struct submit *s) {
    return (struct acceptor){.quota = {.account_id = s->by.account_id, .now = s->now, .limits = &s->by.limits}};
}

static struct accept_key key_of(const struct submit *s) {
    if (!s->has_key) return (struct accept_key){0};
    return (struct accept_key){sha256_str(&s->key_hash), sha256_str(&s->request_hash)};
}

static void refuse_suppressed(struct submit *s) {
    struct str first = s->request.suppressed[0];
    if (s->request.suppressed_count == 1 && str_is_ascii(first))
        refuse(s, SUBMIT_SUPPRESSED, arena_strf(s->arena, "%.*s is on the suppression list", STR_ARG(first)));
    else
        refuse(s, SUBMIT_SUPPRESSED, STR("All recipients are on the suppression list"));
}

static void refuse_limit(struct submit *s, const struct acceptor *by) {
    static const char *const spans[] = {[QUOTA_DAY] = "day", [QUOTA_MONTH] = "month", [QUOTA_SECOND] = "second"};
    enum quota_verdict verdict = s->request.verdict;
    struct quota_state state = quota_state(&by->quota, verdict);
    refuse(s, verdict == QUOTA_SECOND ? SUBMIT_RATE : SUBMIT_QUOTA,
           arena_strf(s->arena, "Sending limit reached: %" PRId64 " recipients a %s", state.limit, spans[verdict]));
}

static void refuse_outcome(struct submit *s, const struct acceptor *by) {
    switch (s->request.outcome) {
    case ACCEPT_SUPPRESSED:
        refuse_suppressed(s);
        break;
    case ACCEPT_GONE:
        refuse(s, SUBMIT_GONE, STR("The sender domain was deleted"));
        break;
    default:
        refuse_limit(s, by);
        break;
    }
}

static enum status write(struct db *db, struct submit *s, struct acceptor *by) {
    enum status status = accept_begin(db, by);
    if (status == STATUS_OK) status = accept_request(db, s->arena, by, &s->request);
    if (status != STATUS_OK) return status;
    if (s->request.outcome != ACCEPT_NEW) {
        refuse_outcome(s, by);
        return STATUS_OK;
    }
    status = accept_end(db, by);
    return status == STATUS_OK && s->by.smtp_user_id ? smtp_user_touch(db, s->by.smtp_user_id, s->now) : status;
}

enum status submit_store(struct db *db, struct submit *s) {
    struct acceptor by = acceptor_of(s);
    struct accept_key key = key_of(s);
    enum accept_outcome outcome;
    s->refusal = SUBMIT_FINE;
    enum status status = accept_recall(db, s->arena, &by, &key, &s->replayed, &outcome);
    if (status != STATUS_OK) return status;
    s->request.outcome = outcome;
    if (outcome == ACCEPT_CONFLICT)
        refuse(s, SUBMIT_CONFLICT, STR("The idempotency key was used for another message"));
    else if (outcome == ACCEPT_NEW)
        return write(db, s, &by);
    return STATUS_OK;
}

enum status submit_remember(struct db *db, const struct submit *s, struct str answer) {
    struct acceptor by = acceptor_of(s);
    struct accept_key key = key_of(s);
    return accept_remember(db, &by, &key, answer);
}
