/* operator_send.c - Operator.Send: a finished RFC 5322 message from the command line (core/raw_message.h).
 *
 * From names the sender domain; recipients are those given, or those of To, Cc and Bcc.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/send.h"

#include "base/encode.h"
#include "core/domains.h"

struct operator_send {
    struct acceptance acceptance;
    struct accept_request request;
    struct sender_login sender; /* the operator, for the account whose domain it is; no key, no limits */
    struct raw_message message;
    struct accept_recipient *recipients;
    size_t recipient_count;
};

static void free_state(struct call *c) {
    struct operator_send *state = c->state;
    buf_fini(&state->acceptance.room);
}

/* ---- step 1: the message and its recipients, out of the request ---- */
static bool read_bytes(struct call *c, struct buf *decoded, struct str *ret) {
    struct str base64 = call_text(c, "MessageBase64", (struct str){0});
    *ret = call_text(c, "Message", (struct str){0});
    if (base64.n && !base64_decode(decoded, base64)) {
        call_refuse_say(c, STR("MessageBase64"), "MessageBase64 must be base64");
        return false;
    }
    if (base64.n) *ret = buf_str(decoded);
    if (ret->n == 0) call_refuse_field(c, 1, STR("Message"));
    return ret->n != 0;
}

static void add_recipient(struct operator_send *state, const struct address *address) {
    state->recipients[state->recipient_count++] = (struct accept_recipient){.address = address->text, .domain = address->domain};
}

static void read_given(struct call *c, struct operator_send *state, const struct json *list) {
    JSON_FOR_EACH (it, list) {
        struct address address;
        if (address_parse(it->text, c->arena, &address)) {
            add_recipient(state, &address);
        } else {
            call_refuse_field(c, 6, STR("Recipients"));
        }
    }
}

static void read_recipients(struct call *c, struct operator_send *state) {
    const struct arg *given = call_arg(c, "Recipients");
    state->recipients = arena_array(c->arena, RAW_MESSAGE_RECIPIENTS_MAX, sizeof *state->recipients);
    if (given->is_given) {
        read_given(c, state, given->raw);
    } else {
        for (size_t i = 0; i < state->message.recipient_count; i++) add_recipient(state, &state->message.recipients[i]);
    }
    state->recipient_count = accept_unique(state->recipients, state->recipient_count);
    if (state->recipient_count == 0 && c->refused.count == 0) call_refuse(c, 5);
}

enum status operator_send_check(struct call *c, struct db *db) {
    (void)db;
    static const int codes[] = {[RAW_MESSAGE_MALFORMED] = 7, [RAW_MESSAGE_FROM] = 2, [RAW_MESSAGE_RECIPIENTS] = 6};
    struct operator_send *state = ARENA_NEW(c->arena, struct operator_send);
    BUF_AUTO decoded = {0};
    struct str bytes;
    c->state = state;
    c->cleanup = free_state;
    if (!read_bytes(c, &decoded, &bytes)) return STATUS_OK;
    enum raw_message_refusal refusal = raw_message_parse(bytes, c->arena, &state->message);
    if (refusal == RAW_MESSAGE_FINE) {
        read_recipients(c, state);
    } else {
        call_refuse(c, codes[refusal]);
    }
    return STATUS_OK;
}

/* ---- step 2: whose it is ---- */
/* The sender domain of `name`: itself or one it lies below. Of several accounts' the enabled one that is oldest. */
static enum status find_domain(struct call *c, struct db *db, struct str name, struct domain *ret) {
    for (; name.n; name = str_sub(name, str_find(name, '.') + 1, SIZE_MAX)) {
        struct domain_list list;
        enum status status = domain_list_named(db, c->arena, name, 100, &list);
        if (status != STATUS_OK) return status;
        if (list.count) {
            const struct domain *best = &list.items[0];
            for (size_t i = list.count; i > 0; i--)
                if (list.items[i - 1].state == DOMAIN_ENABLED) best = &list.items[i - 1];
            *ret = *best;
            return STATUS_OK;
        }
        if (str_find(name, '.') == STR_NONE) break;
    }
    return STATUS_NOT_FOUND;
}

static struct send_context context_of(struct call *c, const struct operator_send *state) {
    return (struct send_context){
        .api = c->api, .arena = c->arena, .sender = &state->sender, .now = c->now, .refused = &c->refused};
}

enum status operator_send_find(struct call *c, struct db *db) {
    struct operator_send *state = c->state;
    struct domain domain;
    enum status status = find_domain(c, db, state->message.from.domain, &domain);
    if (status == STATUS_NOT_FOUND) return call_refuse(c, 3);
    if (status != STATUS_OK) return status;
    if (domain.state != DOMAIN_ENABLED) return call_refuse(c, 4);
    state->sender.key = (struct sender_key){.account_id = domain.account_id, .domain_id = domain.id};
    state->sender.domain_name = domain.name;
    return STATUS_OK;
}

/* ---- step 3: the bytes that will be sent ---- */
enum status operator_send_make(struct call *c, struct db *db) {
    (void)db;
    struct operator_send *state = c->state;
    struct acceptance *a = &state->acceptance;
    struct send_context ctx = context_of(c, state);
    send_take(&ctx, &state->message, a);
    a->recipients = state->recipients;
    a->recipient_count = state->recipient_count;
    state->request = (struct accept_request){.messages = a, .message_count = 1};
    c->write_bytes = accept_bytes(&state->request);
    return STATUS_OK;
}

/* ---- step 4: the write, and what follows it ---- */
enum status operator_send_store(struct call *c, struct db *db) {
    struct operator_send *state = c->state;
    struct send_context ctx = context_of(c, state);
    struct acceptor by = send_acceptor(&ctx);
    enum status status = accept_begin(db, &by);
    if (status == STATUS_OK) status = accept_request(db, c->arena, &by, &state->request);
    if (status != STATUS_OK) return status;
    if (state->request.outcome != ACCEPT_NEW) {
        send_refuse(&ctx, &state->request);
        return STATUS_OK;
    }
    send_answer(call_open(c), &state->request, false);
    call_close(c);
    return accept_end(db, &by);
}

enum status operator_send_offer(struct call *c, struct db *db) {
    (void)db;
    send_offer(c->api, &((struct operator_send *)c->state)->request);
    return STATUS_OK;
}
