/* role_return_path.c - mail from strangers: bounces, complaints and farewells come home (core/hear.h), nothing else comes in.
 *
 *   RCPT   the address is judged by itself: a signature, or one of a few names    550: no such address; nothing was looked up
 *          then how often (a table of limits)                                     450
 *          then a reader is asked whether it exists                               550, 250
 *   "."    parsed on the slow pool, heard in one job on the writer                250 after COMMIT, 451 what comes too early
 *
 * Whatever is not understood is taken and told in the log: a refusal would make the other side write a bounce of a bounce (BN14).
 * Whom we do not know is refused in the dialogue, so no mail ever leaves on a stranger's word (BN15).
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "core/dsn.h"
#include "core/hear.h"
#include "smtpd/own.h"

#define STRANGERS_LANE (-1)  /* they take turns with the accounts for readers, pool and writer (P6) */
#define WRITE_BYTES    2048  /* of event, state and suppression */
#define KEPT_BYTES     65536 /* of a mail for the operator, for each time that it counts */

static const struct smtp_reply no_such = {550, STR_INIT("5.1.1"),
                                          STR_INIT("No such address; only signed return paths and postmaster take mail here")};
static const struct smtp_reply too_many = {450, STR_INIT("4.7.1"), STR_INIT("Too much for this address; try again later")};
static const struct smtp_reply too_early = {451, STR_INIT("4.3.0"), STR_INIT("That message is still under way; try again later")};

/* The role's, of one transaction. */
struct homecoming {
    struct hear_place place;
    struct hear_address asked; /* RCPT */
    struct hear_mail mail;
    struct report report;
    struct heard heard;
    struct dsn_desk desk;
};

static struct homecoming *homecoming_of(struct connection *c) {
    if (!c->tx) {
        struct homecoming *h = ARENA_NEW(smtpd_session_arena(c->session), struct homecoming);
        h->place = (struct hear_place){c->shared->return_path_key, c->shared->hostname, c->shared->bounces};
        c->tx = h;
    }
    return c->tx;
}

/* ---- how often ---- */
enum { HOME_TOKEN, HOME_STRANGER, HOME_MAIL };
static const struct {
    enum limit_kind kind;
    struct limit_rate rate;
} rates[] = {
    [HOME_TOKEN] = {LIMIT_HOME_TOKEN, {30, 3600 * 1000, 30}},       /* one address: a report or two, and warnings (BN03) */
    [HOME_STRANGER] = {LIMIT_HOME_STRANGER, {100, 60 * 1000, 100}}, /* no token, by client (BN16) */
    [HOME_MAIL] = {LIMIT_HOME_MAIL, {1000, 24 * 3600 * 1000, 200}}, /* for the operator, from everybody: 64 MB a day (P8) */
};

static bool take(struct connection *c, int which, struct str key) {
    return limits_take(c->shared->limits, rates[which].kind, key, &rates[which].rate, clock_mono_ms(loop_clock(c->loop)), NULL);
}

static bool may_ask(struct connection *c, const struct hear_address *a) {
    char room[LIMIT_KEY_MAX];
    if (!a->has_token) return take(c, HOME_STRANGER, limit_key_ip(&c->client, room));
    return take(c, HOME_TOKEN, limit_key_both(a->path.recipient_id, &(struct ip){0}, room));
}

/* Mail for the operator is kept whole, so it counts by its size. */
static bool may_keep(struct connection *c, size_t bytes) {
    bool ok = true;
    for (size_t at = 0; ok && at <= bytes; at += KEPT_BYTES) ok = take(c, HOME_MAIL, STR("operator"));
    return ok;
}

/* ---- MAIL: what the transaction before it left is gone ---- */
static bool sender(void *arg, const struct smtpd_mail *mail, struct smtp_reply *ret) {
    (void)mail, (void)ret;
    ((struct connection *)arg)->tx = NULL;
    return true;
}

/* ---- RCPT ---- */
static enum status check_run(struct job *job, void *ctx) {
    struct connection *c = LIST_OWNER(job, struct connection, job);
    const struct homecoming *h = c->tx;
    return hear_address_check(ctx, &h->place, &h->asked, h->mail.now);
}

static void check_done(struct job *job) {
    struct connection *c = LIST_OWNER(job, struct connection, job);
    struct smtp_reply reply = {250, STR("2.1.5"), STR("Ok")};
    if (job->status == STATUS_NOT_FOUND)
        reply = no_such;
    else if (job->status != STATUS_OK)
        reply = reply_for_status(job->status);
    connection_answer(c, &reply);
}

static bool recipient(void *arg, const struct smtpd_mail *mail, const struct smtpd_recipient *next, struct smtp_reply *ret) {
    (void)mail;
    struct connection *c = arg;
    struct homecoming *h = homecoming_of(c);
    bool is_known = hear_address_parse(h->place.key, next->mailbox, &h->asked);
    if (!is_known) h->asked = (struct hear_address){.has_token = false}; /* wrong ones count as a stranger's */
    bool is_due = may_ask(c, &h->asked);
    if (!is_due || !is_known) {
        *ret = is_due ? no_such : too_many;
        return true;
    }
    h->mail.now = clock_wall_ms(loop_clock(c->loop));
    c->job = (struct job){.run = check_run, .done = check_done, .lane = STRANGERS_LANE};
    connection_submit(c, c->shared->readers);
    return false;
}

/* ---- the content has ended ---- */
static void tell(const struct connection *c, const struct homecoming *h) {
    const struct heard *heard = &h->heard;
    int64_t news = heard->bounces + heard->complaints + heard->unsubscribes + heard->kept;
    struct metrics *m = c->shared->metrics;
    metrics_add(m, METRIC_RETURNED, heard->bounces);
    metrics_add(m, METRIC_COMPLAINTS, heard->complaints);
    metrics_add(m, METRIC_UNSUBSCRIBES, heard->unsubscribes);
    if (!news && !heard->is_early) metrics_add(m, METRIC_REPORTS_IGNORED, 1);
    LOG(LOG_INFO, "smtpd.heard", LOG_INT("recipient", heard->recipient_id), LOG_Z("kind", report_kind_name(h->report.kind)),
        LOG_STR("format", h->report.format), LOG_INT("bounces", heard->bounces), LOG_INT("complaints", heard->complaints),
        LOG_INT("unsubscribes", heard->unsubscribes), LOG_INT("suppressions", heard->suppressions), LOG_INT("kept", heard->kept),
        LOG_INT("early", heard->is_early));
}

static void fail(struct connection *c, enum status status) {
    LOG(LOG_WARN, "smtpd.not_stored", LOG_Z("service", "return path"), LOG_Z("why", status_text(status)));
    struct smtp_reply reply = reply_for_status(status);
    connection_answer(c, &reply);
}

static enum status hear_run(struct job *job, void *ctx) {
    struct connection *c = LIST_OWNER(job, struct connection, job);
    struct homecoming *h = c->tx;
    dsn_desk_clear(&h->desk);
    return hear(ctx, &h->place, &h->mail, &h->desk, &h->heard);
}

static void hear_done(struct job *job) {
    struct connection *c = LIST_OWNER(job, struct connection, job);
    struct homecoming *h = c->tx;
    if (job->status != STATUS_OK) return fail(c, job->status);
    tell(c, h);
    if (h->desk.count) c->shared->queue_offer(c->shared->arg, h->desk.entries, h->desk.count);
    if (!h->heard.is_early) metrics_add(c->shared->metrics, METRIC_SMTP_IN_MAILS, 1);
    struct smtp_reply reply = h->heard.is_early ? too_early : (struct smtp_reply){250, STR("2.0.0"), STR("Heard")};
    connection_answer(c, &reply);
}

static enum status parse_run(struct job *job, void *ctx) {
    (void)ctx;
    struct connection *c = LIST_OWNER(job, struct connection, job);
    struct homecoming *h = c->tx;
    report_parse(h->mail.content, smtpd_session_arena(c->session), &h->report);
    return STATUS_OK;
}

static void parse_done(struct job *job) {
    struct connection *c = LIST_OWNER(job, struct connection, job);
    struct homecoming *h = c->tx;
    if (job->status != STATUS_OK) return fail(c, job->status);
    size_t bytes = h->mail.address_count * WRITE_BYTES + h->mail.content.n;
    h->desk = (struct dsn_desk){.owner = c->shared->owner,
                                .hostname = c->shared->hostname,
                                .rand = c->shared->rand,
                                .arena = smtpd_session_arena(c->session)};
    c->job = (struct job){.run = hear_run, .done = hear_done, .bytes = bytes, .lane = STRANGERS_LANE};
    connection_submit(c, c->shared->writer);
}

static bool store(void *arg, const struct smtpd_mail *mail, struct smtp_reply *ret) {
    struct connection *c = arg;
    struct homecoming *h = homecoming_of(c);
    struct hear_address *addresses = arena_array(smtpd_session_arena(c->session), mail->recipient_count, sizeof *addresses);
    unsigned takes = 0;
    size_t count = 0;
    for (size_t i = 0; i < mail->recipient_count; i++) {
        if (!hear_address_parse(h->place.key, mail->recipients[i].mailbox, &addresses[count])) continue;
        takes |= addresses[count++].takes;
    }
    if ((takes & HEAR_MAIL) && !may_keep(c, mail->content.n)) {
        *ret = too_many;
        return true;
    }
    h->mail = (struct hear_mail){.sender = mail->sender,
                                 .addresses = addresses,
                                 .address_count = count,
                                 .report = &h->report,
                                 .content = mail->content,
                                 .now = clock_wall_ms(loop_clock(c->loop))};
    c->job = (struct job){.run = parse_run, .done = parse_done, .bytes = mail->content.n, .lane = STRANGERS_LANE};
    connection_submit(c, c->shared->slow);
    return false;
}

const struct smtpd_role role_return_path = {.name = "return path", .sender = sender, .recipient = recipient, .store = store};
