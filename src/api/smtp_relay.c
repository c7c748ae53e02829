/* smtp_relay.c - EmailGateway.SmtpRelay: for an SMTP server of the operator's own that stands before the gateway. It asks whether
 * a user name and password are right, and hands in what that user submitted.
 *
 * With RawEmail the message is sent as if the user had submitted it here (core/submit.h), under the limits of its account;
 * without, the credentials alone are judged. UUID makes a relay's second try harmless: a message under the same one is accepted
 * once. The envelope's sender is the gateway's own, so MailFrom is read and not used.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/send.h"
#include "api/smtp_relay.h"

#include "core/smtp_users.h"
#include "core/submit.h"

struct smtp_relay {
    struct submit submit;
    struct smtp_login login;
};

static void free_state(struct call *c) {
    submit_fini(&((struct smtp_relay *)c->state)->submit);
}

/* The contract's numbers; what has none is told in words. */
static void refuse_submit(struct call *c, const struct submit *s) {
    static const int codes[SUBMIT_REFUSAL_COUNT] = {[SUBMIT_SENDER] = 4, [SUBMIT_GONE] = 4,  [SUBMIT_SUPPRESSED] = 8,
                                                    [SUBMIT_CROWD] = 9,  [SUBMIT_RATE] = 12, [SUBMIT_QUOTA] = 13};
    int code = codes[s->refusal];
    if (s->refusal == SUBMIT_CONFLICT)
        refused_say(&c->refused, c->arena, REFUSAL_CONFLICT, STR("UUID"), s->why.p);
    else if (s->refusal == SUBMIT_SUPPRESSED)
        call_refuse_field(c, code, s->request.suppressed[0]);
    else if (code)
        call_refuse_field(c, code, s->refusal == SUBMIT_CROWD ? STR("RcptTo") : (struct str){0});
    else
        call_refuse_say(c, STR("RawEmail"), arena_strf(c->arena, "RawEmail: %.*s", STR_ARG(s->why)).p);
}

/* ---- step 1: the message and its recipients, out of the request ---- */
static void read_given(struct call *c, struct submit_envelope *e, struct str list) {
    struct str part;
    struct address address;
    e->recipients = arena_array(c->arena, RAW_MESSAGE_RECIPIENTS_MAX, sizeof *e->recipients);
    while (str_next(&list, ',', &part)) {
        if (e->recipient_count == RAW_MESSAGE_RECIPIENTS_MAX) {
            call_refuse_field(c, 9, STR("RcptTo"));
            return;
        }
        if (!address_parse(str_trim(part), c->arena, &address)) {
            call_refuse_say(c, STR("RcptTo"), "RcptTo must be a comma list of e-mail addresses");
            return;
        }
        e->recipients[e->recipient_count++] = (struct accept_recipient){.address = address.text, .domain = address.domain};
    }
}

enum status smtp_relay_check(struct call *c, struct db *db) {
    (void)db;
    struct smtp_relay *state = ARENA_NEW(c->arena, struct smtp_relay);
    const struct arg *raw = call_arg(c, "RawEmail"), *given = call_arg(c, "RcptTo");
    c->state = state;
    c->cleanup = free_state;
    if (!raw->is_given) return STATUS_OK;
    send_hand_in(c, raw->text, &state->submit);
    state->submit.idempotency_key = call_text(c, "UUID", (struct str){0});
    if (given->is_given) read_given(c, &state->submit.envelope, given->text);
    if (c->refused.count == 0 && !submit_read(&state->submit)) refuse_submit(c, &state->submit);
    return STATUS_OK;
}

/* ---- step 2: who it is, and whether he may ---- */
static void judge_login(struct call *c, struct smtp_relay *state) {
    const struct smtp_login *login = &state->login;
    bool has_message = call_arg(c, "RawEmail")->is_given;
    submitter_of_login(login, &state->submit.by);
    if (has_message && !submit_judge(&state->submit)) refuse_submit(c, &state->submit);
    if (login->domain_state != DOMAIN_ENABLED) call_refuse(c, 5);
    if (!login->account_is_active) call_refuse(c, 6);
    if (!login->account_is_verified) call_refuse(c, 7);
}

static struct json_writer *answer(struct call *c, const struct smtp_relay *state) {
    struct json_writer *w = call_open(c);
    json_add_str(w, STR("SMTPUsername"), state->login.user.username);
    json_add_str(w, STR("SenderDomain"), state->login.domain_name);
    return w;
}

enum status smtp_relay_login(struct call *c, struct db *db) {
    struct smtp_relay *state = c->state;
    struct submit *s = &state->submit;
    struct str none = {0};
    enum status status =
        smtp_authenticate(db, c->arena, call_text(c, "SMTPUsername", none), call_text(c, "SMTPPassword", none), &state->login);
    if (status == STATUS_DENIED) return call_refuse(c, 3);
    if (status != STATUS_OK) return status;
    judge_login(c, state);
    if (c->refused.count) return STATUS_OK;
    if (!call_arg(c, "RawEmail")->is_given) {
        answer(c, state);
        call_close(c);
        call_end(c);
        return STATUS_OK;
    }
    status = submit_needs_load(s) ? submit_load(db, s) : STATUS_OK;
    if (s->refusal) refuse_submit(c, s);
    return status;
}

/* ---- step 3: the bytes that will be sent ---- */
enum status smtp_relay_make(struct call *c, struct db *db) {
    (void)db;
    struct submit *s = &((struct smtp_relay *)c->state)->submit;
    if (!submit_make(s)) {
        refuse_submit(c, s);
        return STATUS_OK;
    }
    accept_pack(&s->acceptance, CONTENT_SHARED_MAYBE);
    c->write_bytes = submit_bytes(s);
    return STATUS_OK;
}

/* ---- step 4: the write, and what follows it ---- */
enum status smtp_relay_store(struct call *c, struct db *db) {
    struct smtp_relay *state = c->state;
    struct submit *s = &state->submit;
    enum status status = submit_store(db, s);
    if (status != STATUS_OK) return status;
    if (s->refusal) refuse_submit(c, s);
    if (s->request.outcome == ACCEPT_REPLAYED) buf_add_str(&c->out, s->replayed);
    if (s->request.outcome != ACCEPT_NEW) return STATUS_OK;
    struct json_writer *w = answer(c, state);
    json_add_z(w, STR("SMTPResponse"), "250 2.0.0 Ok: queued");
    send_answer(w, &s->request, false);
    call_close(c);
    return submit_remember(db, s, buf_str(&c->out));
}

enum status smtp_relay_offer(struct call *c, struct db *db) {
    (void)db;
    send_offer(c->api, &((struct smtp_relay *)c->state)->submit.request);
    return STATUS_OK;
}
