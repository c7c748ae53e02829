/* role_inbox.c - the sandbox's last hop: takes every mail from our own mta and keeps it (core/inbox.h).
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "core/inbox.h"
#include "smtpd/own.h"

static enum status run(struct job *job, void *ctx) {
    struct connection *c = LIST_OWNER(job, struct connection, job);
    return inbox_receive(ctx, c->shared->return_path_key, c->tx);
}

static void done(struct job *job) {
    struct connection *c = LIST_OWNER(job, struct connection, job);
    struct smtp_reply reply = {250, STR("2.0.0"), STR("Stored")};
    if (job->status != STATUS_OK) {
        LOG(LOG_WARN, "smtpd.not_stored", LOG_Z("service", "inbox"), LOG_Z("why", status_text(job->status)));
        reply = reply_for_status(job->status);
    } else
        metrics_add(c->shared->metrics, METRIC_SMTP_IN_MAILS, 1);
    connection_answer(c, &reply);
}

static bool store(void *arg, const struct smtpd_mail *mail, struct smtp_reply *ret) {
    (void)ret;
    struct connection *c = arg;
    struct arena *arena = smtpd_session_arena(c->session);
    struct str *recipients = arena_array(arena, mail->recipient_count, sizeof *recipients);
    for (size_t i = 0; i < mail->recipient_count; i++) recipients[i] = mail->recipients[i].mailbox;
    struct inbox_delivery *delivery = ARENA_NEW(arena, struct inbox_delivery);
    *delivery = (struct inbox_delivery){mail->sender, recipients, mail->recipient_count, mail->content,
                                        clock_wall_ms(loop_clock(c->loop))};
    c->tx = delivery;
    c->job = (struct job){.run = run, .done = done, .bytes = mail->content.n};
    connection_submit(c, c->shared->writer);
    return false;
}

const struct smtpd_role role_inbox = {.name = "inbox", .store = store};
