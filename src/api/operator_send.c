/* operator_send.c - Operator.Send: a finished message from the command line (core/submit.h).
 *
 * From names the sender domain; recipients are those given, or those of To, Cc and Bcc.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/send.h"

#include "base/encode.h"
#include "core/domains.h"
#include "core/submit.h"

static void free_state(struct call *c) {
    submit_fini(c->state);
}

/* What has no number is told in words, and where a message is malformed. */
static void refuse_submit(struct call *c, const struct submit *s) {
    static const int codes[SUBMIT_REFUSAL_COUNT] = {
        [SUBMIT_FROM] = 2,      [SUBMIT_SENDER] = 3,    [SUBMIT_GONE] = 3,       [SUBMIT_NOBODY] = 5,
        [SUBMIT_RECIPIENT] = 6, [SUBMIT_MALFORMED] = 7, [SUBMIT_SUPPRESSED] = 14};
    int code = codes[s->refusal];
    if (s->refusal == SUBMIT_CONFLICT)
        refused_say(&c->refused, c->arena, REFUSAL_CONFLICT, STR("Message"), s->why.p);
    else if (s->refusal == SUBMIT_MALFORMED)
        refused_say(&c->refused, c->arena, code, STR("Message"), s->why.p);
    else if (code)
        call_refuse(c, code);
    else
        call_refuse_say(c, STR("Message"), s->why.p);
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

static void read_given(struct call *c, struct submit_envelope *e, const struct json *list) {
    e->recipients = arena_array(c->arena, RAW_MESSAGE_RECIPIENTS_MAX, sizeof *e->recipients);
    JSON_FOR_EACH (it, list) {
        struct address address;
        if (address_parse(it->text, c->arena, &address)) {
            e->recipients[e->recipient_count++] = (struct accept_recipient){.address = address.text, .domain = address.domain};
        } else {
            call_refuse_field(c, 6, STR("Recipients"));
        }
    }
}

enum status operator_send_check(struct call *c, struct db *db) {
    (void)db;
    struct submit *s = ARENA_NEW(c->arena, struct submit);
    const struct arg *given = call_arg(c, "Recipients");
    BUF_AUTO decoded = {0};
    struct str bytes;
    c->state = s;
    c->cleanup = free_state;
    if (!read_bytes(c, &decoded, &bytes)) return STATUS_OK;
    send_hand_in(c, arena_str(c->arena, bytes), s);
    if (given->is_given) read_given(c, &s->envelope, given->raw);
    if (c->refused.count == 0 && !submit_read(s)) refuse_submit(c, s);
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

enum status operator_send_find(struct call *c, struct db *db) {
    struct submit *s = c->state;
    const struct address *from = raw_message_from(&s->message);
    struct domain domain;
    enum status status = from ? find_domain(c, db, from->domain, &domain) : STATUS_NOT_FOUND;
    if (status == STATUS_NOT_FOUND) return call_refuse(c, from ? 3 : 2);
    if (status != STATUS_OK) return status;
    if (domain.state != DOMAIN_ENABLED) return call_refuse(c, 4);
    s->by = (struct submitter){.account_id = domain.account_id, .domain_id = domain.id, .domain_name = domain.name};
    if (submit_judge(s) && submit_needs_load(s)) status = submit_load(db, s);
    if (s->refusal) refuse_submit(c, s);
    return status;
}

/* ---- step 3: the bytes that will be sent ---- */
enum status operator_send_make(struct call *c, struct db *db) {
    (void)db;
    struct submit *s = c->state;
    if (!submit_make(s)) {
        refuse_submit(c, s);
        return STATUS_OK;
    }
    accept_pack(&s->acceptance, CONTENT_SHARED_MAYBE);
    c->write_bytes = submit_bytes(s);
    return STATUS_OK;
}

/* ---- step 4: the write, and what follows it ---- */
enum status operator_send_store(struct call *c, struct db *db) {
    struct submit *s = c->state;
    enum status status = submit_store(db, s);
    if (status != STATUS_OK) return status;
    if (s->refusal) refuse_submit(c, s);
    if (s->request.outcome == ACCEPT_REPLAYED) buf_add_str(&c->out, s->replayed);
    if (s->request.outcome != ACCEPT_NEW) return STATUS_OK;
    send_answer(call_open(c), &s->request, false);
    call_close(c);
    return submit_remember(db, s, buf_str(&c->out));
}

enum status operator_send_offer(struct call *c, struct db *db) {
    (void)db;
    send_offer(c->api, &((struct submit *)c->state)->request);
    return STATUS_OK;
}
