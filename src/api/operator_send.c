/* operator_send.c - Operator.Send: a finished RFC 5322 message from the command line (core/raw_message.h).
 *
 * From names the sender domain; recipients are those given, or those of To, Cc and Bcc.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/send.h"

#include "base/encode.h"
#include "core/domains.h"
#include "core/raw_message.h"
#include "core/retry.h"

struct operator_send {
    struct send send; /* first: email_store finds it in the call's state */
    struct raw_message message;
    struct accept_recipient *recipients;
    size_t recipient_count;
};

static void free_state(struct call *c) {
    struct operator_send *state = c->state;
    buf_fini(&state->send.content);
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

static void fill(struct call *c, struct operator_send *state, const struct domain *domain) {
    struct acceptance *a = &state->send.acceptance;
    char uuid[ID_TEXT_LEN + 1];
    send_begin(c, &state->send);
    id_format(a->message.uuid, uuid);
    struct str message_id = state->message.message_id;
    if (message_id.n == 0) message_id = arena_strf(c->arena, "%s@%.*s", uuid, STR_ARG(domain->name));
    a->message.account_id = domain->account_id;
    a->message.domain_id = domain->id;
    a->message.expires_at = c->now + RETRY_LIFE_MS;
    a->message.sender = state->message.from.text;
    a->message.subject = state->message.subject;
    a->message.rfc_message_id = message_id;
    a->due_at = c->now;
    a->recipients = state->recipients;
    a->recipient_count = state->recipient_count;
}

enum status operator_send_find(struct call *c, struct db *db) {
    struct operator_send *state = c->state;
    struct domain domain;
    enum status status = find_domain(c, db, state->message.from.domain, &domain);
    if (status == STATUS_NOT_FOUND) {
        call_refuse(c, 3);
        return STATUS_OK;
    }
    if (status != STATUS_OK) return status;
    if (domain.state != DOMAIN_ENABLED) {
        call_refuse(c, 4);
        return STATUS_OK;
    }
    fill(c, state, &domain);
    return STATUS_OK;
}

/* ---- step 3: the bytes that will be sent ---- */
enum status operator_send_make(struct call *c, struct db *db) {
    (void)db;
    struct operator_send *state = c->state;
    struct acceptance *a = &state->send.acceptance;
    raw_message_write(&state->message, a->message.rfc_message_id, c->now, &state->send.content);
    a->content = buf_str(&state->send.content);
    a->message.size_bytes = (int64_t)a->content.n;
    c->write_bytes = accept_bytes(a);
    return STATUS_OK;
}
