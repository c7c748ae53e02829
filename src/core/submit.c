/* submit.c - see submit.h. Its options are read in submit_options.c, a template is put in by submit_template.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/submit_own.h"

#include "core/retry.h"

#include <inttypes.h>

#define RECEIVED_MAX 50 /* LM10 */

bool submit_refuse(struct submit *s, enum submit_refusal refusal, struct str why) {
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
        [SUBMIT_ROOM] = {452, STR_INIT("4.3.1")},       [SUBMIT_RATE] = {450, STR_INIT("4.7.1")},
        [SUBMIT_QUOTA] = {452, STR_INIT("4.5.3")},      [SUBMIT_CONFLICT] = {554, STR_INIT("5.5.0")},
    };
    return (struct smtp_reply){replies[s->refusal].code, replies[s->refusal].enhanced, s->why};
}

struct str submit_from(const struct submit *s) {
    const struct address *from = raw_message_from(&s->message);
    return from ? from->text : s->by.from_email;
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

/* ---- reading ---- */
static bool refuse_message(struct submit *s, const struct raw_message_refused *why) {
    switch (why->refusal) {
    case RAW_MESSAGE_LINE:
        if (why->line == 0) return submit_refuse(s, SUBMIT_MALFORMED, STR("The message is empty"));
        return submit_refuse(s, SUBMIT_MALFORMED,
                             arena_strf(s->arena, "Line %zu holds NUL or a bare CR, or is longer than 998 octets", why->line));
    case RAW_MESSAGE_TOO_BIG:
        return submit_refuse(s, SUBMIT_TOO_BIG,
                             arena_strf(s->arena, "The header block is bigger than %d bytes or %d fields", RAW_MESSAGE_HEADER_MAX,
                                        RAW_MESSAGE_FIELDS_MAX));
    case RAW_MESSAGE_SENDERS:
        return submit_refuse(s, SUBMIT_FROM, arena_strf(s->arena, "%s has no valid address, or more than that", why->field));
    case RAW_MESSAGE_RECIPIENTS:
        return submit_refuse(s, SUBMIT_RECIPIENT, arena_strf(s->arena, "%s holds an invalid address, or too many", why->field));
    default:
        return submit_refuse(s, SUBMIT_MALFORMED, arena_strf(s->arena, "Line %zu of the message is no header field", why->line));
    }
}

static bool judge_form(struct submit *s) {
    const struct raw_message *m = &s->message;
    if (m->received_fields > RECEIVED_MAX)
        return submit_refuse(s, SUBMIT_LOOP, STR("Too many Received fields: the message goes round in circles"));
    if (!m->is_ascii && !s->envelope.is_utf8)
        return submit_refuse(s, SUBMIT_UTF8, STR("The header block is not ASCII: encode it (RFC 2047), or say SMTPUTF8"));
    if (!m->is_ascii && !str_is_utf8(m->fields)) return submit_refuse(s, SUBMIT_MALFORMED, STR("The header block is no UTF-8"));
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
    if (!judge_form(s) || !submit_read_options(s)) return false;
    take_recipients(s);
    return true;
}

/* ---- who may say it (AU19) ---- */
static bool judge_from(struct submit *s) {
    const struct raw_message *m = &s->message;
    if (m->from_fields == 0 && s->by.from_email.n) return true;
    if (m->from_fields == 0)
        return submit_refuse(s, SUBMIT_FROM,
                             s->by.smtp_user_id ? STR("From is missing, and this SMTP user has no FromEmail for it")
                                                : STR("From is missing"));
    if (m->from_fields > 1)
        return submit_refuse(s, SUBMIT_FROM, arena_strf(s->arena, "There are %zu From fields: there may be one", m->from_fields));
    return m->from_addresses == 1 ||
           submit_refuse(s, SUBMIT_FROM, arena_strf(s->arena, "From holds %zu addresses: it must hold one", m->from_addresses));
}

static bool judge_address(struct submit *s, const char *what, const struct address *address) {
    if (domain_is_within(address->domain, s->by.domain_name)) return true;
    return submit_refuse(
        s, SUBMIT_SENDER,
        arena_strf(s->arena, "%s is of %.*s: it must be of %.*s", what, STR_ARG(address->domain), STR_ARG(s->by.domain_name)));
}

static bool judge_text(struct submit *s, const char *what, struct str text) {
    struct address address;
    if (text.n == 0) return true;
    if (!address_parse(text, s->arena, &address))
        return submit_refuse(s, SUBMIT_SENDER, arena_strf(s->arena, "%s is no valid address", what));
    return judge_address(s, what, &address);
}

bool submit_judge(struct submit *s) {
    const struct account_limits *limits = &s->by.limits;
    if (!judge_from(s)) return false;
    if (s->message.from_fields == 0 && !judge_text(s, "FromEmail", s->by.from_email)) return false;
    for (size_t i = 0; i < s->message.sender_count; i++)
        if (!judge_address(s, s->message.senders[i].field, &s->message.senders[i].address)) return false;
    if (!judge_text(s, "The envelope's sender", s->envelope.sender)) return false;
    if (s->envelope.recipient_count == 0) return submit_refuse(s, SUBMIT_NOBODY, STR("The message names no recipient"));
    if (limits->recipients && (int64_t)s->envelope.recipient_count > limits->recipients)
        return submit_refuse(s, SUBMIT_CROWD,
                             arena_strf(s->arena, "Too many recipients: a message may have %" PRId64, limits->recipients));
    return true;
}

/* ---- bytes ---- */
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

/* REQUIRETLS stands above all; a field of the message that waives it, below what was said to us (RFC 8689 4.1). */
static enum tls_level tls_of(const struct submit *s) {
    if (s->envelope.is_requiretls) return TLS_LEVEL_REQUIRETLS;
    if (s->options.has_tls) return s->options.tls;
    return s->message.waives_tls ? TLS_LEVEL_WAIVE : TLS_LEVEL_OPPORTUNISTIC;
}

static void set_message(struct submit *s) {
    const struct submit_options *o = &s->options;
    struct acceptance *a = &s->acceptance;
    struct id uuid = id_make(s->now, s->rand);
    *a = (struct acceptance){.owner = s->owner, .due_at = o->due_at ? o->due_at : s->now};
    a->is_transactional = o->is_transactional;
    if (o->is_broadcast) a->priority = PRIORITY_BULK;
    a->recipients = s->envelope.recipients;
    a->recipient_count = s->envelope.recipient_count;
    a->message = (struct message){
        .uuid = uuid,
        .account_id = s->by.account_id,
        .domain_id = s->by.domain_id,
        .smtp_user_id = s->by.smtp_user_id,
        .created_at = s->now,
        .expires_at = a->due_at + (o->ttl_s ? o->ttl_s * 1000 : RETRY_LIFE_MS),
        .sender = submit_from(s),
        .envelope_from = s->envelope.sender,
        .tls = (int)tls_of(s),
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
    else if (!submit_write_rendered(s, &with))
        return false;
    a->content = buf_str(&a->room);
    a->message.size_bytes = (int64_t)a->content.n;
    s->request = (struct accept_request){.messages = a, .message_count = 1};
    return true;
}

bool submit_take_room(struct submit *s, struct disk_gate *gate) {
    if (!gate || disk_gate_take(gate, (int64_t)submit_bytes(s))) return true;
    return submit_refuse(s, SUBMIT_ROOM, STR("Insufficient system storage, try again later"));
}

size_t submit_bytes(const struct submit *s) {
    return accept_bytes(&s->request);
}

void submit_fini(struct submit *s) {
    buf_fini(&s->acceptance.room);
    content_fini(&s->acceptance.packed);
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
        submit_refuse(s, SUBMIT_SUPPRESSED, arena_strf(s->arena, "%.*s is on the suppression list", STR_ARG(first)));
    else
        submit_refuse(s, SUBMIT_SUPPRESSED, STR("All recipients are on the suppression list"));
}

static void refuse_limit(struct submit *s, const struct acceptor *by) {
    static const char *const spans[] = {[QUOTA_DAY] = "day", [QUOTA_MONTH] = "month", [QUOTA_SECOND] = "second"};
    enum quota_verdict verdict = s->request.verdict;
    struct quota_state state = quota_state(&by->quota, verdict);
    submit_refuse(s, verdict == QUOTA_SECOND ? SUBMIT_RATE : SUBMIT_QUOTA,
                  arena_strf(s->arena, "Sending limit reached: %" PRId64 " recipients a %s", state.limit, spans[verdict]));
}

static void refuse_outcome(struct submit *s, const struct acceptor *by) {
    switch (s->request.outcome) {
    case ACCEPT_SUPPRESSED:
        refuse_suppressed(s);
        break;
    case ACCEPT_GONE:
        submit_refuse(s, SUBMIT_GONE, STR("The sender domain was deleted"));
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
        submit_refuse(s, SUBMIT_CONFLICT, STR("The idempotency key was used for another message"));
    else if (outcome == ACCEPT_NEW)
        return write(db, s, &by);
    return STATUS_OK;
}

enum status submit_remember(struct db *db, const struct submit *s, struct str answer) {
    struct acceptor by = acceptor_of(s);
    struct accept_key key = key_of(s);
    return accept_remember(db, &by, &key, answer);
}
