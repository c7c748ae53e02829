/* role_submission.c - mail from whoever logged in, or whose network stands for a login ([smtp] trusted).
 *
 *   MAIL   a reader looks the login up once more (AU18): user, domain, account; then whether the sender is theirs (AU19)
 *   RCPT   the address, and how many the group allows
 *   "."    core/submit: read, judged and made here when it is small, else on the slow pool; a template comes from a reader
 *          and is rendered on the slow pool; written by the writer                                250 after COMMIT (P1, P7)
 *
 * Each mail that was accepted is one line of the log: whose it was and to how many, never what it said.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "core/submit.h"
#include "proto/address/address.h"
#include "smtpd/submission_own.h"

#define SMALL_BYTES 65536 /* of a message that is made on the loop */

/* The role's, of one transaction; in the session's arena. */
struct submission {
    struct smtp_login login; /* as it stood at MAIL */
    struct str sender;       /* canonical; "" is <> */
    struct submit submit;
};

static struct smtp_reply reply_of(unsigned code, struct str enhanced, struct str text) {
    return (struct smtp_reply){code, enhanced, text};
}

static void fail(struct connection *c, enum status status) {
    LOG(LOG_WARN, "smtpd.not_stored", LOG_Z("service", "submission"), LOG_Z("why", status_text(status)));
    struct smtp_reply reply = reply_for_status(status);
    connection_answer(c, &reply);
}

/* ---- room ---- */
/* What is there goes out all the same, and bounces come in. */
static bool is_full(const struct connection *c, struct smtp_reply *ret) {
    const struct disk_gate *gate = c->shared->gate;
    if (!gate || !disk_gate_is_shut(gate)) return false;
    metrics_add(c->shared->metrics, METRIC_DISK_REFUSED, 1);
    *ret = reply_of(452, STR("4.3.1"), STR("Insufficient system storage, try again later"));
    return true;
}

/* The bytes that will be sent, as they will be stored, and room for them. */
static bool make(struct connection *c, struct submit *s) {
    if (!submit_make(s)) return false;
    accept_pack(&s->acceptance, CONTENT_SHARED_MAYBE);
    bool is_fine = submit_take_room(s, c->shared->gate);
    if (s->refusal == SUBMIT_ROOM) metrics_add(c->shared->metrics, METRIC_DISK_REFUSED, 1);
    return is_fine;
}

/* ---- MAIL ---- */
static enum status sender_run(struct job *job, void *ctx) {
    struct connection *c = LIST_OWNER(job, struct connection, job);
    struct submission *tx = c->tx;
    struct arena *arena = smtpd_session_arena(c->session);
    if (c->login) return smtp_renew(ctx, arena, c->login, &tx->login);
    enum status status = smtp_domain_login(ctx, arena, c->trust->domain, &tx->login);
    return status == STATUS_NOT_FOUND ? STATUS_DENIED : status;
}

static struct smtp_reply judge_sender(struct connection *c, struct submission *tx) {
    struct arena *arena = smtpd_session_arena(c->session);
    struct str why = smtp_login_refuse(&tx->login, arena), domain = tx->login.domain_name;
    struct address address;
    if (why.n) return reply_of(550, STR("5.7.1"), why);
    if (tx->sender.n == 0) return reply_of(250, STR("2.1.0"), STR("Ok"));
    if (!address_parse(tx->sender, arena, &address)) return reply_of(550, STR("5.1.7"), STR("The sender is no valid address"));
    tx->sender = address.text;
    if (domain_is_within(address.domain, domain)) return reply_of(250, STR("2.1.0"), STR("Ok"));
    return reply_of(550, STR("5.7.1"),
                    arena_strf(arena, "The sender is of %.*s: it must be of %.*s", STR_ARG(address.domain), STR_ARG(domain)));
}

static void sender_done(struct job *job) {
    struct connection *c = LIST_OWNER(job, struct connection, job);
    struct smtp_reply reply;
    if (job->status == STATUS_OK)
        reply = judge_sender(c, c->tx);
    else if (job->status != STATUS_DENIED)
        reply = reply_for_status(job->status);
    else
        reply = reply_of(550, STR("5.7.1"),
                         c->login ? STR("This SMTP user was deleted or has another password now")
                                  : STR("The sender domain of this network does not exist"));
    connection_answer(c, &reply);
}

static bool sender(void *arg, const struct smtpd_mail *mail, struct smtp_reply *ret) {
    struct connection *c = arg;
    if (is_full(c, ret)) return true;
    struct submission *tx = ARENA_NEW(smtpd_session_arena(c->session), struct submission);
    tx->sender = mail->sender;
    c->tx = tx;
    c->job = (struct job){
        .run = sender_run, .done = sender_done, .lane = c->login ? c->login->user.account_id : submission_lane_of_client(c)};
    connection_submit(c, c->shared->readers);
    return false;
}

/* ---- RCPT ---- */
/* Literals, single labels, ports, .invalid: whose domain takes no mail from here (AD11, AD14, AD15). */
static struct smtp_reply refuse_address(struct str mailbox) {
    ARENA_AUTO arena = {0};
    struct str domain;
    size_t at = str_find_last(mailbox, '@');
    if (at != STR_NONE && domain_parse(str_sub(mailbox, at + 1, SIZE_MAX), &arena, &domain))
        return reply_of(550, STR("5.1.3"), STR("The recipient is no valid address"));
    return reply_of(550, STR("5.1.2"), STR("The recipient has no domain that mail can be sent to"));
}

static bool recipient(void *arg, const struct smtpd_mail *mail, const struct smtpd_recipient *next, struct smtp_reply *ret) {
    struct connection *c = arg;
    const struct submission *tx = c->tx;
    int64_t max = tx->login.limits.recipients;
    struct address address;
    ARENA_AUTO arena = {0};
    if (!address_parse(next->mailbox, &arena, &address))
        *ret = refuse_address(next->mailbox);
    else if (max && (int64_t)mail->recipient_count >= max)
        *ret = reply_of(452, STR("4.5.3"), STR("Too many recipients for this account"));
    return true;
}

/* ---- the content has ended ---- */
static void fill_recipients(struct arena *arena, const struct smtpd_mail *mail, struct submit_envelope *e) {
    e->recipients = arena_array(arena, mail->recipient_count, sizeof *e->recipients);
    for (size_t i = 0; i < mail->recipient_count; i++) {
        const struct smtpd_recipient *r = &mail->recipients[i];
        struct address address;
        if (!address_parse(r->mailbox, arena, &address)) continue; /* RCPT judged it */
        e->recipients[e->recipient_count++] = (struct accept_recipient){address.text, address.domain, r->notify, r->orcpt};
    }
}

static void fill(struct connection *c, struct submission *tx, const struct smtpd_mail *mail) {
    struct submit *s = &tx->submit;
    *s = (struct submit){
        .arena = smtpd_session_arena(c->session),
        .rand = c->shared->rand,
        .owner = c->shared->owner,
        .now = clock_wall_ms(loop_clock(c->loop)),
        .content = mail->content,
        .is_crlf = true,
        .envelope = {.sender = tx->sender,
                     .is_utf8 = mail->is_utf8,
                     .is_requiretls = mail->is_requiretls,
                     .dsn_return = (int)mail->what_return,
                     .dsn_envid = mail->envid},
        .hostname = c->shared->hostname,
        .protocol = smtpd_session_protocol(c->session),
    };
    submitter_of_login(&tx->login, &s->by);
    fill_recipients(s->arena, mail, &s->envelope);
}

static void answer(struct connection *c, struct submission *tx, const struct smtp_reply *reply) {
    submit_fini(&tx->submit);
    connection_answer(c, reply);
}

/* Did the job fail, or was the message refused? Then that is answered. */
static bool is_over(struct connection *c) {
    struct submission *tx = c->tx;
    if (c->job.status != STATUS_OK) {
        submit_fini(&tx->submit);
        fail(c, c->job.status);
        return true;
    }
    if (tx->submit.refusal == SUBMIT_FINE) return false;
    struct smtp_reply reply = submit_reply(&tx->submit);
    answer(c, tx, &reply);
    return true;
}

static void submit_step(struct connection *c, struct executor *executor, job_run_fn run, job_done_fn done) {
    const struct submission *tx = c->tx;
    c->job = (struct job){.run = run, .done = done, .bytes = tx->submit.content.n, .lane = tx->login.user.account_id};
    if (executor == c->shared->writer) c->job.bytes = submit_bytes(&tx->submit);
    c->made_bytes = accept_held(&tx->submit.acceptance);
    connection_submit(c, executor);
}

static struct str uuid_of(const struct submit *s, char room[ID_TEXT_LEN + 1]) {
    id_format(s->acceptance.message.uuid, room);
    return str_make(room, ID_TEXT_LEN);
}

static enum status store_run(struct job *job, void *ctx) {
    struct connection *c = LIST_OWNER(job, struct connection, job);
    struct submit *s = &((struct submission *)c->tx)->submit;
    char room[ID_TEXT_LEN + 1];
    enum status status = submit_store(ctx, s);
    bool is_new = status == STATUS_OK && s->request.outcome == ACCEPT_NEW;
    return is_new ? submit_remember(ctx, s, uuid_of(s, room)) : status;
}

static void tell(const struct connection *c, const struct submission *tx, struct str uuid) {
    const struct submit *s = &tx->submit;
    BUF_AUTO client = {0};
    BUF_AUTO network = {0};
    ip_format(&client, &c->client);
    if (!c->login) {
        ip_format(&network, &c->trust->network.ip);
        buf_addf(&network, "/%u", c->trust->network.bits);
    }
    LOG(LOG_INFO, "smtpd.accepted", LOG_STR("id", uuid), LOG_STR("client", buf_str(&client)),
        LOG_STR("helo", smtpd_session_client_name(c->session)), LOG_STR("trusted", buf_str(&network)),
        LOG_STR("user", tx->login.user.username), LOG_STR("domain", s->by.domain_name),
        LOG_INT("recipients", s->envelope.recipient_count), LOG_INT("bytes", s->acceptance.message.size_bytes));
}

static void count(const struct connection *c, const struct acceptance *a) {
    struct metrics *m = c->shared->metrics;
    metrics_add(m, METRIC_SMTP_IN_MAILS, 1);
    metrics_add(m, METRIC_MESSAGES_ACCEPTED, 1);
    metrics_add(m, METRIC_RECIPIENTS_ACCEPTED, (int64_t)a->entry_count);
    if (a->entry_count) c->shared->queue_offer(c->shared->arg, a->entries, a->entry_count);
}

static void store_done(struct job *job) {
    struct connection *c = LIST_OWNER(job, struct connection, job);
    struct submission *tx = c->tx;
    struct submit *s = &tx->submit;
    char room[ID_TEXT_LEN + 1];
    if (is_over(c)) return;
    bool is_new = s->request.outcome == ACCEPT_NEW;
    struct str uuid = is_new ? uuid_of(s, room) : s->replayed;
    if (is_new) {
        tell(c, tx, uuid);
        count(c, &s->acceptance);
    }
    struct smtp_reply reply = reply_of(250, STR("2.0.0"), arena_strf(s->arena, "Ok: queued as %.*s", STR_ARG(uuid)));
    answer(c, tx, &reply);
}

static enum status make_run(struct job *job, void *ctx) {
    (void)ctx;
    struct connection *c = LIST_OWNER(job, struct connection, job);
    (void)make(c, &((struct submission *)c->tx)->submit);
    return STATUS_OK;
}

static void make_done(struct job *job) {
    struct connection *c = LIST_OWNER(job, struct connection, job);
    if (!is_over(c)) submit_step(c, c->shared->writer, store_run, store_done);
}

static enum status load_run(struct job *job, void *ctx) {
    struct connection *c = LIST_OWNER(job, struct connection, job);
    return submit_load(ctx, &((struct submission *)c->tx)->submit);
}

static void load_done(struct job *job) {
    struct connection *c = LIST_OWNER(job, struct connection, job);
    if (!is_over(c)) submit_step(c, c->shared->slow, make_run, make_done);
}

/* All that needs no store. */
static void prepare(struct connection *c) {
    struct submit *s = &((struct submission *)c->tx)->submit;
    if (submit_read(s) && submit_judge(s) && !submit_needs_load(s)) (void)make(c, s);
}

static enum status prepare_run(struct job *job, void *ctx) {
    (void)ctx;
    struct connection *c = LIST_OWNER(job, struct connection, job);
    prepare(c);
    return STATUS_OK;
}

static void go_on(struct connection *c) {
    const struct submission *tx = c->tx;
    if (submit_needs_load(&tx->submit))
        submit_step(c, c->shared->readers, load_run, load_done);
    else
        submit_step(c, c->shared->writer, store_run, store_done);
}

static void prepare_done(struct job *job) {
    struct connection *c = LIST_OWNER(job, struct connection, job);
    if (!is_over(c)) go_on(c);
}

static bool store(void *arg, const struct smtpd_mail *mail, struct smtp_reply *ret) {
    struct connection *c = arg;
    struct submission *tx = c->tx;
    fill(c, tx, mail);
    if (mail->content.n > SMALL_BYTES) {
        submit_step(c, c->shared->slow, prepare_run, prepare_done);
        return false;
    }
    prepare(c);
    if (tx->submit.refusal == SUBMIT_FINE) {
        go_on(c);
        return false;
    }
    *ret = submit_reply(&tx->submit);
    submit_fini(&tx->submit);
    return true;
}

const struct smtpd_role role_submission = {.name = "submission", .sender = sender, .recipient = recipient, .store = store};
