/* smtpd.c - between streams and sessions: bytes, deadlines, bounds, and the role `inbox`.
 *
 * A connection whose mail is at the writer stays until the job is back, even when its peer is gone: the job reads the session's
 * memory.
 * SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/smtpd.h"

#include "base/list.h"
#include "base/log.h"
#include "core/inbox.h"
#include "smtpd/session.h"

#include <stdlib.h>
#include <unistd.h>

#define CONNECTIONS_MAX    1000
#define CONTENT_MAX_BYTES  ((size_t)256 << 20)
#define COMMAND_MS         (5 * INT64_C(60000)) /* RFC 5321 4.5.3.2.7 */
#define CONTENT_STEP_MS    (2 * INT64_C(60000)) /* for each CONTENT_STEP_BYTES: 546 bytes/s at least (LM12) */
#define CONTENT_STEP_BYTES 65536
#define MESSAGE_MAX_BYTES  ((size_t)50 << 20)
#define OUT_MAX_BYTES      65536 /* replies a peer may leave unread */

struct smtpd {
    struct smtpd_options options;
    struct buf hostname;
    struct seal_key return_path_key;
    struct list connections;
    size_t count;
    size_t content_bytes; /* of all connections */
    struct timer stop_timer;
    void (*stopped)(void *arg);
    void *stopped_arg;
    bool is_stopping;
};

struct connection {
    struct list node;
    struct smtpd *server;
    struct stream *stream; /* NULL: the peer is gone, the mail is still at the writer */
    struct smtpd_session *session;
    size_t content_bytes; /* counted in server->content_bytes */
    size_t step_bytes;    /* of content since the deadline was moved */
    bool is_content, is_storing, is_closing;
    struct job job;
    struct inbox_delivery delivery;
};

static void connection_free(struct connection *c) {
    struct smtpd *s = c->server;
    stream_free(&c->stream);
    s->content_bytes -= c->content_bytes;
    smtpd_session_free(&c->session);
    list_remove(&c->node);
    s->count--;
    metrics_add(s->options.metrics, METRIC_SMTP_IN_CONNECTIONS, -1);
    free(c);
    if (s->is_stopping && !s->count) timer_start(&s->stop_timer, 0);
}

static void count_content(struct connection *c) {
    size_t now = smtpd_session_content_bytes(c->session);
    c->server->content_bytes += now - c->content_bytes;
    c->content_bytes = now;
}

/* ---- the role: inbox ---- */
static enum status inbox_run(struct job *job, void *ctx) {
    struct connection *c = LIST_OWNER(job, struct connection, job);
    return inbox_receive(ctx, &c->server->return_path_key, &c->delivery);
}

static void connection_go_on(struct connection *c);

static void inbox_done(struct job *job) {
    struct connection *c = LIST_OWNER(job, struct connection, job);
    BUF_AUTO out = {0};
    c->is_storing = false;
    if (job->status != STATUS_OK) LOG(LOG_WARN, "smtpd.not_stored", LOG_Z("why", status_text(job->status)));
    smtpd_session_stored(c->session, job->status, &out);
    count_content(c);
    if (!c->stream) return connection_free(c);
    stream_write(c->stream, buf_str(&out));
    stream_resume(c->stream);
    connection_go_on(c);
}

static void inbox_store(void *arg, struct smtpd_session *session, const struct smtpd_mail *mail) {
    (void)session;
    struct connection *c = arg;
    c->is_storing = true;
    c->delivery = (struct inbox_delivery){mail->sender, mail->recipients, mail->recipient_count, mail->content,
                                          clock_wall_ms(loop_clock(c->server->options.loop))};
    c->job = (struct job){.run = inbox_run, .done = inbox_done, .loop = c->server->options.loop, .bytes = mail->content.n};
}

static const struct smtpd_role inbox_role = {
    .name = "inbox",
    .message_max_bytes = MESSAGE_MAX_BYTES,
    .line_max_bytes = 998,
    .recipients_max = 1000,
    .errors_max = 20,
    .store = inbox_store,
};

/* ---- connections ---- */
static void connection_finish(struct connection *c) {
    c->is_closing = true;
    stream_deadline(c->stream, COMMAND_MS);
    stream_finish(c->stream);
}

/* Commands have COMMAND_MS each however they drip; content moves its deadline by what has come (LM12). */
static void set_deadline(struct connection *c, size_t used) {
    enum smtpd_wants wants = smtpd_session_wants(c->session);
    bool was_content = c->is_content;
    c->is_content = wants == SMTPD_WANTS_CONTENT;
    c->step_bytes = was_content ? c->step_bytes + used : 0;
    if (wants == SMTPD_WANTS_STORED) return stream_deadline(c->stream, -1);
    if (!c->is_content && used) return stream_deadline(c->stream, COMMAND_MS);
    if (!c->is_content || (was_content && c->step_bytes < CONTENT_STEP_BYTES)) return;
    c->step_bytes = 0;
    stream_deadline(c->stream, CONTENT_STEP_MS);
}

static void submit_mail(struct connection *c) {
    stream_pause(c->stream);
    enum status status = executor_submit(c->server->options.writer, &c->job);
    if (status == STATUS_OK) return;
    c->job.status = status;
    inbox_done(&c->job);
}

/* Feed what has come; ends in a wait for bytes, the writer, or the close. */
static void connection_go_on(struct connection *c) {
    if (c->is_closing) return;
    struct buf *in = stream_in(c->stream);
    BUF_AUTO out = {0};
    size_t used = smtpd_session_feed(c->session, buf_str(in), &out);
    buf_drop(in, used);
    count_content(c);
    bool is_full =
        c->server->content_bytes > c->server->options.content_max_bytes || stream_out_pending(c->stream) > OUT_MAX_BYTES;
    if (is_full && !c->is_storing) smtpd_session_stop(c->session, "Too busy, try again later", &out);
    if (c->server->is_stopping && !c->is_storing) smtpd_session_stop(c->session, "Stopping", &out);
    if (out.n) stream_write(c->stream, buf_str(&out));
    set_deadline(c, used);
    if (smtpd_session_wants(c->session) == SMTPD_WANTS_CLOSE) return connection_finish(c);
    if (c->is_storing) return submit_mail(c);
    stream_resume(c->stream);
}

static void on_read(void *arg) {
    connection_go_on(arg);
}

static void on_close(void *arg, enum status status) {
    struct connection *c = arg;
    (void)status;
    stream_free(&c->stream);
    if (!c->is_storing) connection_free(c);
}

static const struct stream_events events = {.on_read = on_read, .on_close = on_close};

/* Says 421 to one too many without a session for it. */
static void turn_away(int fd) {
    static const char busy[] = "421 4.3.2 Too many connections\r\n";
    ssize_t ignored = write(fd, busy, sizeof busy - 1);
    (void)ignored;
    close(fd);
}

void smtpd_accept(void *server, struct loop *loop, int fd, const struct net_address *peer) {
    struct smtpd *s = server;
    if (s->is_stopping || s->count >= s->options.connections_max) return turn_away(fd);
    struct connection *c = calloc(1, sizeof *c);
    if (!c) abort();
    c->server = s;
    c->session = smtpd_session_new(&inbox_role, buf_str(&s->hostname), c);
    c->stream = stream_accept(loop, fd, peer, &events, c);
    list_add_tail(&s->connections, &c->node);
    s->count++;
    metrics_add(s->options.metrics, METRIC_SMTP_IN_CONNECTIONS, 1);
    BUF_AUTO out = {0};
    smtpd_session_greet(c->session, &out);
    stream_write(c->stream, buf_str(&out));
    stream_deadline(c->stream, COMMAND_MS);
}

/* The time to stop is over, or the last connection is gone. */
static void on_stop_timer(void *arg) {
    struct smtpd *s = arg;
    LIST_FOR_EACH_SAFE (it, &s->connections) {
        struct connection *c = LIST_OWNER(it, struct connection, node);
        stream_free(&c->stream);
        if (!c->is_storing) connection_free(c);
    }
    if (s->count || !s->stopped) return;
    timer_stop(&s->stop_timer);
    void (*stopped)(void *) = s->stopped;
    s->stopped = NULL;
    stopped(s->stopped_arg);
}

void smtpd_stop(struct smtpd *s, int64_t ms_max, void (*done)(void *arg), void *arg) {
    s->is_stopping = true;
    s->stopped = done;
    s->stopped_arg = arg;
    timer_start(&s->stop_timer, s->count ? ms_max : 0);
    LIST_FOR_EACH_SAFE (it, &s->connections) {
        struct connection *c = LIST_OWNER(it, struct connection, node);
        if (!c->stream || c->is_storing || c->is_closing) continue;
        BUF_AUTO out = {0};
        smtpd_session_stop(c->session, "Stopping", &out);
        stream_write(c->stream, buf_str(&out));
        connection_finish(c);
    }
}

struct smtpd *smtpd_new_inbox(const struct smtpd_options *options) {
    struct smtpd *s = calloc(1, sizeof *s);
    if (!s) abort();
    s->options = *options;
    if (!s->options.connections_max) s->options.connections_max = CONNECTIONS_MAX;
    if (!s->options.content_max_bytes) s->options.content_max_bytes = CONTENT_MAX_BYTES;
    s->return_path_key = *options->return_path_key;
    buf_add_str(&s->hostname, options->hostname);
    list_init(&s->connections);
    timer_init(&s->stop_timer, options->loop, on_stop_timer, s);
    return s;
}

void smtpd_free(struct smtpd **server) {
    struct smtpd *s = *server;
    if (!s) return;
    LIST_FOR_EACH_SAFE (it, &s->connections) connection_free(LIST_OWNER(it, struct connection, node));
    timer_fini(&s->stop_timer);
    buf_fini(&s->hostname);
    free(s);
    *server = NULL;
}
