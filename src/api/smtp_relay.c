/* smtp_relay.c - EmailGateway.SmtpRelay: for an SMTP server of the operator's own that stands before the gateway. It asks whether
 * a user name and password are right, and hands in what that user submitted.
 *
 * With RawEmail the message is sent as it is (core/raw_message.h), under the limits of the user's account; without, the
 * credentials alone are judged. UUID makes a relay's second try harmless: a message under the same one is accepted once. The
 * envelope's sender is the gateway's own, so MailFrom is read and not used.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/send.h"
#include "api/smtp_relay.h"

#include "core/smtp_users.h"

struct smtp_relay {
    struct acceptance acceptance;
    struct accept_request request;
    struct smtp_login login;
    struct sender_login sender; /* the user as one who sends; no key */
    struct raw_message message;
    struct accept_recipient *recipients;
    size_t recipient_count;
    struct sha256 key_hash, request_hash;
    struct accept_key key;
};

static void free_state(struct call *c) {
    struct smtp_relay *state = c->state;
    buf_fini(&state->acceptance.room);
}

/* ---- step 1: the message and its recipients, out of the request ---- */
static void add_recipient(struct smtp_relay *state, const struct address *address) {
    state->recipients[state->recipient_count++] = (struct accept_recipient){.address = address->text, .domain = address->domain};
}

static void read_given(struct call *c, struct smtp_relay *state, struct str list) {
    struct str part;
    struct address address;
    while (str_next(&list, ',', &part)) {
        if (state->recipient_count == RAW_MESSAGE_RECIPIENTS_MAX) {
            call_refuse_field(c, 9, STR("RcptTo"));
            return;
        }
        if (!address_parse(str_trim(part), c->arena, &address)) {
            call_refuse_say(c, STR("RcptTo"), "RcptTo must be a comma list of e-mail addresses");
            return;
        }
        add_recipient(state, &address);
    }
}

static void read_message(struct call *c, struct smtp_relay *state, struct str bytes) {
    static const char *const whys[] = {
        [RAW_MESSAGE_MALFORMED] = "RawEmail must be a whole message, RFC 5322",
        [RAW_MESSAGE_FROM] = "RawEmail must have one From field with one valid address",
        [RAW_MESSAGE_RECIPIENTS] = "RawEmail has an invalid address in To, Cc or Bcc, or too many",
    };
    const struct arg *given = call_arg(c, "RcptTo");
    enum raw_message_refusal refusal = raw_message_parse(bytes, c->arena, &state->message);
    if (refusal != RAW_MESSAGE_FINE) {
        call_refuse_say(c, STR("RawEmail"), whys[refusal]);
        return;
    }
    state->recipients = arena_array(c->arena, RAW_MESSAGE_RECIPIENTS_MAX, sizeof *state->recipients);
    if (given->is_given) {
        read_given(c, state, given->text);
    } else {
        for (size_t i = 0; i < state->message.recipient_count; i++) add_recipient(state, &state->message.recipients[i]);
    }
    state->recipient_count = accept_unique(state->recipients, state->recipient_count);
    if (state->recipient_count == 0 && c->refused.count == 0) call_refuse_say(c, STR("RcptTo"), "RcptTo is missing");
}

/* What a second try says again, word for word: user, recipients, message. */
static struct sha256 request_hash(struct call *c) {
    static const char *const names[] = {"SMTPUsername", "RcptTo", "RawEmail"};
    BUF_AUTO hashes = {0};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct sha256 hash = sha256(call_text(c, names[i], (struct str){0}));
        buf_add_str(&hashes, sha256_str(&hash));
    }
    return sha256(buf_str(&hashes));
}

enum status smtp_relay_check(struct call *c, struct db *db) {
    (void)db;
    struct smtp_relay *state = ARENA_NEW(c->arena, struct smtp_relay);
    const struct arg *raw = call_arg(c, "RawEmail"), *uuid = call_arg(c, "UUID");
    c->state = state;
    c->cleanup = free_state;
    if (raw->is_given) read_message(c, state, raw->text);
    if (uuid->is_given) {
        state->key_hash = sha256(arena_strf(c->arena, "relay:%.*s", STR_ARG(uuid->text)));
        state->request_hash = request_hash(c);
        state->key = (struct accept_key){sha256_str(&state->key_hash), sha256_str(&state->request_hash)};
    }
    return STATUS_OK;
}

/* ---- step 2: who it is, and whether he may ---- */
static void judge_login(struct call *c, const struct smtp_relay *state) {
    const struct smtp_login *login = &state->login;
    const struct account_limits *limits = &login->limits;
    bool has_message = call_arg(c, "RawEmail")->is_given;
    if (has_message && !domain_is_within(state->message.from.domain, login->domain_name)) call_refuse(c, 4);
    if (login->domain_state != DOMAIN_ENABLED) call_refuse(c, 5);
    if (!login->account_is_active) call_refuse(c, 6);
    if (!login->account_is_verified) call_refuse(c, 7);
    if (limits->recipients && (int64_t)state->recipient_count > limits->recipients) call_refuse_field(c, 9, STR("RcptTo"));
}

static struct json_writer *answer(struct call *c, const struct smtp_relay *state) {
    struct json_writer *w = call_open(c);
    json_add_str(w, STR("SMTPUsername"), state->login.user.username);
    json_add_str(w, STR("SenderDomain"), state->login.domain_name);
    return w;
}

enum status smtp_relay_login(struct call *c, struct db *db) {
    struct smtp_relay *state = c->state;
    struct str none = {0};
    enum status status =
        smtp_authenticate(db, c->arena, call_text(c, "SMTPUsername", none), call_text(c, "SMTPPassword", none), &state->login);
    if (status == STATUS_DENIED) return call_refuse(c, 3);
    if (status != STATUS_OK) return status;
    judge_login(c, state);
    if (c->refused.count || call_arg(c, "RawEmail")->is_given) return STATUS_OK;
    answer(c, state);
    call_close(c);
    call_end(c);
    return STATUS_OK;
}

/* ---- step 3: the bytes that will be sent ---- */
static struct send_context context_of(struct call *c, const struct smtp_relay *state, struct refused_list *refused) {
    return (struct send_context){.api = c->api, .arena = c->arena, .sender = &state->sender, .now = c->now, .refused = refused};
}

enum status smtp_relay_make(struct call *c, struct db *db) {
    (void)db;
    struct smtp_relay *state = c->state;
    struct acceptance *a = &state->acceptance;
    const struct smtp_user *user = &state->login.user;
    state->sender = (struct sender_login){
        .key = {.account_id = user->account_id, .domain_id = user->domain_id},
        .domain_name = state->login.domain_name,
        .limits = state->login.limits,
    };
    struct send_context ctx = context_of(c, state, &c->refused);
    send_take(&ctx, &state->message, a);
    a->recipients = state->recipients;
    a->recipient_count = state->recipient_count;
    state->request = (struct accept_request){.messages = a, .message_count = 1};
    c->write_bytes = accept_bytes(&state->request);
    return STATUS_OK;
}

/* ---- step 4: the write, and what follows it ---- */
static void refuse_request(struct call *c, const struct accept_request *request) {
    switch (request->outcome) {
    case ACCEPT_SUPPRESSED:
        call_refuse_field(c, 8, request->suppressed[0]);
        break;
    case ACCEPT_GONE:
        call_refuse(c, 4);
        break;
    default:
        call_refuse(c, request->verdict == QUOTA_SECOND ? 12 : 13);
        break;
    }
}

static enum status store(struct call *c, struct db *db, struct smtp_relay *state, struct acceptor *by) {
    enum status status = accept_begin(db, by);
    if (status == STATUS_OK) status = accept_request(db, c->arena, by, &state->request);
    if (status != STATUS_OK) return status;
    if (state->request.outcome != ACCEPT_NEW) {
        refuse_request(c, &state->request);
        return STATUS_OK;
    }
    struct json_writer *w = answer(c, state);
    json_add_z(w, STR("SMTPResponse"), "250 2.0.0 Ok: queued");
    send_answer(w, &state->request, false);
    call_close(c);
    status = accept_end(db, by);
    if (status == STATUS_OK) status = smtp_user_touch(db, state->login.user.id, c->now);
    return status == STATUS_OK && state->key.key_hash.n ? accept_remember(db, by, &state->key, buf_str(&c->out)) : status;
}

enum status smtp_relay_store(struct call *c, struct db *db) {
    struct smtp_relay *state = c->state;
    struct send_context ctx = context_of(c, state, &c->refused);
    struct acceptor by = send_acceptor(&ctx);
    struct str first;
    enum accept_outcome outcome;
    enum status status = accept_recall(db, c->arena, &by, &state->key, &first, &outcome);
    if (status != STATUS_OK) return status;
    state->request.outcome = outcome;
    if (outcome == ACCEPT_CONFLICT) {
        refused_say(&c->refused, c->arena, REFUSAL_CONFLICT, STR("UUID"), "This UUID was used for another message");
        return STATUS_OK;
    }
    if (outcome == ACCEPT_REPLAYED) {
        buf_add_str(&c->out, first);
        return STATUS_OK;
    }
    return store(c, db, state, &by);
}

enum status smtp_relay_offer(struct call *c, struct db *db) {
    (void)db;
    send_offer(c->api, &((struct smtp_relay *)c->state)->request);
    return STATUS_OK;
}
