/* connection.c - one client: between its stream and its session.
 *
 *   accepted -> PROXY header (from [smtp] proxies only) -> TLS (465) -> banner -> dialogue, with STARTTLS in it -> close
 *
 * Every wait has an end that a drip does not move: a command has so long from the last one, content must keep a rate (LM12), a
 * handshake has its own time (ST11). While the crowd is thick the waits are short and the patience small (LM18).
 *
 * Content that is thrown away is counted by address: whoever sends it again and again for nothing is sent away (LM14).
 *
 * The transaction's memory is a job's while it is out: nothing here looks into it, and the connection outlives its peer until
 * the answer has come.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "proto/address/reach.h"
#include "proto/smtp/proxy_header.h"
#include "smtpd/server.h"

#include <stdlib.h>
#include <string.h>

#define CONTENT_STEP_BYTES 65536
#define OUT_MAX_BYTES      65536 /* replies a peer may leave unread before no more is taken from it */
#define READ_MAX_BYTES     65536
#define HEADER_MIN_BYTES   15 /* of a PROXY header */
#define HEADER_MS          10000
#define CLOSE_MS           30000 /* to take our last words */

/* Content that is thrown away, by address: 1 GB an hour, 250 MB at once (LM14). */
#define WASTE_STEP_BYTES 65536
static const struct limit_rate waste_rate = {.count = 16000, .period_ms = 3600 * 1000, .burst = 4000};

struct waits {
    int64_t command_ms; /* RFC 5321 4.5.3.2.7 */
    int64_t content_ms; /* for each CONTENT_STEP_BYTES: 546 bytes/s at least */
    int64_t tls_ms;
};
static const struct waits calm = {300000, 120000, 30000}, stressed = {10000, 30000, 10000};

static const struct waits *waits_now(const struct connection *c) {
    return crowd_is_stressed(c->server->crowd) ? &stressed : &calm;
}

/* One line about a client. */
static void tell(enum log_level level, const char *event, const struct connection *c, struct str why) {
    if (!log_is_on(level)) return;
    BUF_AUTO client = {0};
    ip_format(&client, &c->client);
    log_write(level, event,
              (const struct log_field[]){LOG_STR("client", buf_str(&client)), LOG_Z("service", c->server->service.name),
                                         LOG_STR("why", why)},
              3);
}

/* ---- content that is thrown away ---- */
/* A hop speaks for many, our own sandbox for nobody else. */
static bool pays(const struct connection *c) {
    return c->is_counted && c->server->options.kind != SMTPD_INBOX;
}

static bool is_wasteful(const struct connection *c) {
    char room[LIMIT_KEY_MAX];
    int64_t now = clock_mono_ms(loop_clock(c->loop));
    return pays(c) && !limits_has(c->shared->limits, LIMIT_SMTP_WASTE, limit_key_ip(&c->client, room), &waste_rate, now);
}

static void pay(struct connection *c, bool is_over) {
    char room[LIMIT_KEY_MAX];
    int64_t now = clock_mono_ms(loop_clock(c->loop));
    size_t wasted = smtpd_session_wasted_bytes(c->session, is_over);
    if (!pays(c)) c->paid_bytes = wasted;
    for (; wasted - c->paid_bytes >= WASTE_STEP_BYTES && !c->is_wasteful; c->paid_bytes += WASTE_STEP_BYTES)
        c->is_wasteful =
            !limits_take(c->shared->limits, LIMIT_SMTP_WASTE, limit_key_ip(&c->client, room), &waste_rate, now, NULL);
}

/* ---- life ---- */
void connection_free(struct connection *c) {
    struct smtpd_shard *shard = c->shard;
    struct crowd *crowd = c->server->crowd;
    stream_free(&c->stream);
    timer_fini(&c->deadline);
    if (c->session) pay(c, true);
    smtpd_session_free(&c->session);
    (void)crowd_move_content(crowd, &c->client, c->content_bytes, 0);
    if (c->is_counted) crowd_give_address(crowd, &c->client);
    crowd_leave(crowd);
    metrics_add(c->shared->metrics, METRIC_SMTP_IN_CONNECTIONS, -1);
    arena_fini(&c->arena);
    list_remove(&c->node);
    free(c);
    smtpd_shard_check(shard);
}

void connection_cut(struct connection *c) {
    stream_free(&c->stream);
    if (!c->is_out) connection_free(c);
}

/* Send what is there, then go. */
static void finish(struct connection *c) {
    c->is_closing = true;
    timer_stop(&c->deadline);
    stream_deadline(c->stream, CLOSE_MS);
    stream_finish(c->stream);
}

static void say(struct connection *c, struct str words) {
    if (words.n) stream_write(c->stream, words);
}

/* Last words to whom no session was given. */
static void refuse(struct connection *c, struct str words) {
    metrics_add(c->shared->metrics, METRIC_SMTP_IN_REFUSED, 1);
    if (c->server->options.is_tls_first && !stream_is_tls(c->stream)) return connection_free(c); /* it would not understand */
    say(c, words);
    finish(c);
}

/* False: mail in memory is more than this client's share. */
static bool count_content(struct connection *c) {
    size_t before = c->content_bytes;
    c->content_bytes = smtpd_session_content_bytes(c->session) + c->made_bytes;
    return crowd_move_content(c->server->crowd, &c->client, before, c->content_bytes);
}

/* `used`: what was taken of the input just now. */
static void set_deadline(struct connection *c, size_t used) {
    enum smtpd_wants wants = smtpd_session_wants(c->session);
    bool is_new = wants != c->waits;
    c->waits = wants;
    if (wants == SMTPD_WANTS_ANSWER || wants == SMTPD_WANTS_TLS || wants == SMTPD_WANTS_CLOSE) return timer_stop(&c->deadline);
    if (wants == SMTPD_WANTS_COMMAND) {
        if (is_new || used) timer_start(&c->deadline, waits_now(c)->command_ms);
        return;
    }
    c->step_bytes = is_new ? 0 : c->step_bytes + used;
    if (!is_new && c->step_bytes < CONTENT_STEP_BYTES) return;
    c->step_bytes = 0;
    timer_start(&c->deadline, waits_now(c)->content_ms);
}

static void start_tls(struct connection *c) {
    struct tls_context *tls = smtpd_take_tls(c->server);
    enum status st = stream_start_tls(c->stream, tls, NULL, waits_now(c)->tls_ms);
    tls_context_unref(&tls);
    if (st == STATUS_OK) return;
    tell(LOG_WARN, "smtpd.tls_refused", c,
         st == STATUS_DENIED ? STR("bytes behind STARTTLS in the clear") : str_from_z(status_text(st))); /* ST01 */
    connection_free(c);
}

/* Some clients are not served any further; not while a job is out, which reads the session's memory. */
static void stop_unwelcome(struct connection *c, struct buf *out) {
    if (!count_content(c)) {
        smtpd_session_stop(c->session, "Too busy, try again later", out);
        c->paid_bytes = smtpd_session_wasted_bytes(c->session, true); /* not the client's fault */
    }
    if (c->is_wasteful) smtpd_session_stop(c->session, "Too much was sent that is no mail, try again later", out);
    if (c->is_crowded) smtpd_session_stop(c->session, "Too many connections from this address", out);
    if (c->shard->is_stopping) smtpd_session_stop(c->session, "Stopping", out);
    (void)count_content(c); /* what is refused takes no room while its client goes */
}

/* What follows a turn of the session: `used` bytes were taken, `out` is to be said. */
static void settle(struct connection *c, size_t used, struct buf *out) {
    pay(c, false);
    if (!c->is_out) stop_unwelcome(c, out);
    say(c, buf_str(out));
    set_deadline(c, used);
    if (c->waits == SMTPD_WANTS_CLOSE)
        finish(c);
    else if (c->waits == SMTPD_WANTS_TLS)
        start_tls(c);
    else if (c->waits == SMTPD_WANTS_ANSWER)
        stream_pause(c->stream);
    else
        stream_resume(c->stream);
}

/* HTTP, TLS or noise where the first command belongs (ST12): nothing of it is answered. */
static bool is_foreign(struct str in) {
    static const struct str words[] = {STR_INIT("GET "),     STR_INIT("POST "),    STR_INIT("HEAD "),  STR_INIT("PUT "),
                                       STR_INIT("OPTIONS "), STR_INIT("CONNECT "), STR_INIT("PATCH "), STR_INIT("PRI * HTTP")};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (str_starts_nocase(in, words[i])) return true;
    unsigned char first = in.n ? (unsigned char)in.p[0] : ' ';
    return (first < ' ' && first != '\r' && first != '\n') || first >= 0x7f;
}

/* Feed what has come; ends in a wait for bytes, an answer, TLS, or the close. */
static void go_on(struct connection *c) {
    if (c->is_closing || c->is_out) return;
    c->is_full = stream_out_pending(c->stream) > OUT_MAX_BYTES;
    if (c->is_full) return stream_pause(c->stream);
    struct buf *in = stream_in(c->stream);
    if (!c->has_spoken && is_foreign(buf_str(in))) {
        tell(LOG_INFO, "smtpd.no_smtp", c, STR("not the SMTP protocol"));
        return connection_free(c);
    }
    BUF_AUTO out = {0};
    size_t used = smtpd_session_feed(c->session, buf_str(in), &out);
    c->has_spoken = c->has_spoken || used;
    if (used && !c->login && c->server->service.authenticated)
        explicit_bzero(in->p, used); /* it may have been a password (P10) */
    buf_drop(in, used);
    settle(c, used, &out);
}

/* ---- jobs ---- */
static void on_untaken(struct post *post) {
    struct connection *c = LIST_OWNER(post, struct connection, untaken);
    c->job.done(&c->job);
}

void connection_submit(struct connection *c, struct executor *executor) {
    (void)count_content(c); /* from here on the session's memory is the job's */
    c->is_out = true;
    c->job.loop = c->loop;
    enum status st = executor_submit(executor, &c->job);
    if (st == STATUS_OK) return;
    c->job.status = st;
    c->untaken.fn = on_untaken;
    loop_post(c->loop, &c->untaken);
}

void connection_answer(struct connection *c, const struct smtp_reply *reply) {
    BUF_AUTO out = {0};
    c->is_out = false;
    c->made_bytes = 0;
    smtpd_session_answer(c->session, reply, &out);
    if (!c->stream) return connection_free(c);
    settle(c, 0, &out);
    if (c->waits == SMTPD_WANTS_COMMAND || c->waits == SMTPD_WANTS_CONTENT) go_on(c);
}

void connection_stop(struct connection *c) {
    if (!c->stream || c->is_out || c->is_closing) return;
    if (!c->session) return connection_free(c);
    BUF_AUTO out = {0};
    settle(c, 0, &out);
}

/* ---- the beginning ---- */
/* The narrowest network that the client is in. */
static const struct smtpd_trust *find_trust(const struct connection *c) {
    const struct smtpd_trust *best = NULL;
    if (c->is_unknown || !c->server->service.authenticated) return NULL;
    for (size_t i = 0; i < c->shared->trust_count; i++) {
        const struct smtpd_trust *trust = &c->shared->trusts[i];
        if (best && trust->network.bits <= best->network.bits) continue;
        if (network_list_has(&(struct network_list){&trust->network, 1}, &c->client)) best = trust;
    }
    return best;
}

/* XCLIENT named another client; one that is unknown has nobody's share and nobody's trust. */
static bool on_client_changed(void *arg, const struct ip *client) {
    struct connection *c = arg;
    struct crowd *crowd = c->server->crowd;
    const struct net_address *hop = stream_peer(c->stream);
    (void)crowd_move_content(crowd, &c->client, c->content_bytes, 0);
    c->content_bytes = 0;
    if (c->is_counted) crowd_give_address(crowd, &c->client);
    c->is_unknown = client->family == 0;
    c->client = c->is_unknown ? ip_make(hop->family, hop->ip) : *client;
    c->is_counted = !c->is_unknown && crowd_take_address(crowd, client);
    c->is_crowded = !c->is_unknown && !c->is_counted;
    c->is_wasteful = is_wasteful(c);
    c->login = NULL;
    c->trust = find_trust(c);
    return c->trust != NULL;
}

/* A hop that speaks for others stands for none of them: no trust, no words in the clear, before it has named one. Nor is a
 * proxy's client on this machine, whatever the address it has beside the proxy. */
static void greet(struct connection *c) {
    struct smtpd *s = c->server;
    if (is_wasteful(c)) {
        tell(LOG_INFO, "smtpd.wasteful", c, STR("too much was sent that is no mail"));
        return refuse(c, STR("421 4.7.0 Too much was sent from this address that is no mail, try again later\r\n"));
    }
    bool is_hop = !c->is_proxied && network_list_has(c->shared->xclients, &c->client);
    if (!is_hop) c->trust = find_trust(c);
    bool is_loopback = c->client.family == 0 || ip_reach(&c->client) == IP_LOOPBACK;
    c->session = smtpd_session_new(&(struct smtpd_session_options){
        .service = crowd_is_stressed(s->crowd) ? &s->stressed : &s->service,
        .hostname = c->shared->hostname,
        .has_starttls = s->options.has_tls && !s->options.is_tls_first,
        .is_tls = s->options.is_tls_first,
        .is_loopback = !c->is_proxied && !is_hop && is_loopback,
        .has_xclient = is_hop,
        .is_authenticated = c->trust != NULL,
        .arg = c,
        .client_changed = on_client_changed,
    });
    c->waits = SMTPD_WANTS_ANSWER;
    BUF_AUTO out = {0};
    smtpd_session_greet(c->session, &out);
    settle(c, 0, &out);
}

/* The client is known: TLS or the banner. */
static void admit(struct connection *c) {
    enum smtpd_kind kind = c->server->options.kind;
    if (c->server->options.is_tls_first) return start_tls(c);
    if ((kind == SMTPD_RETURN_PATH || kind == SMTPD_PUBLIC) && stream_has_input(c->stream)) { /* PB13 */
        tell(LOG_INFO, "smtpd.early_talker", c, STR("it spoke before the banner"));
        return refuse(c, STR("554 5.5.1 Wait for the banner\r\n"));
    }
    greet(c);
}

/* Byte by byte near its end, so that nothing is read that belongs to a handshake. */
static void read_header(struct connection *c) {
    struct buf *in = stream_in(c->stream);
    struct proxy_header header;
    size_t used;
    enum parse parse = proxy_header_parse(buf_str(in), &header, &used);
    if (parse == PARSE_MORE) return stream_set_read_max(c->stream, in->n + 1);
    if (parse == PARSE_BAD) {
        tell(LOG_WARN, "smtpd.bad_proxy_header", c, STR("a PROXY header is expected from [smtp] proxies"));
        return connection_free(c);
    }
    buf_drop(in, used);
    stream_set_read_max(c->stream, READ_MAX_BYTES);
    timer_stop(&c->deadline);
    c->awaits_header = false;
    c->is_unknown = header.source.family == 0;
    if (!c->is_unknown) {
        c->client = header.source;
        c->is_counted = crowd_take_address(c->server->crowd, &c->client);
        if (!c->is_counted) return refuse(c, SMTPD_TOO_MANY);
    }
    admit(c);
}

/* ---- the stream's word ---- */
static void on_read(void *arg) {
    struct connection *c = arg;
    if (c->awaits_header) return read_header(c);
    if (c->session) go_on(c);
}

static void on_drain(void *arg) {
    struct connection *c = arg;
    if (!c->is_full || c->is_closing || c->is_out) return;
    stream_resume(c->stream);
    go_on(c);
}

static void on_tls(void *arg, enum status status) {
    struct connection *c = arg;
    if (status != STATUS_OK) {
        tell(LOG_INFO, "smtpd.tls_failed", c, status == STATUS_TIMEOUT ? STR("too slow") : stream_why(c->stream));
        return connection_free(c);
    }
    c->has_spoken = false;
    if (!c->session) return greet(c);
    smtpd_session_tls_started(c->session);
    BUF_AUTO out = {0};
    settle(c, 0, &out);
}

static void on_close(void *arg, enum status status) {
    (void)status;
    connection_cut(arg);
}

static void on_deadline(void *arg) {
    struct connection *c = arg;
    if (!c->session) return connection_free(c);
    BUF_AUTO out = {0};
    smtpd_session_stop(c->session, "Timeout", &out);
    settle(c, 0, &out);
}

static const struct stream_events events = {.on_tls = on_tls, .on_read = on_read, .on_drain = on_drain, .on_close = on_close};

void connection_start(struct smtpd_shard *shard, int fd, const struct net_address *peer, bool is_counted) {
    struct connection *c = calloc(1, sizeof *c);
    if (!c) abort();
    c->shard = shard;
    c->server = shard->server;
    c->shared = shard->server->options.shared;
    c->loop = shard->loop;
    c->client = ip_make(peer->family, peer->ip);
    c->is_counted = is_counted;
    timer_init(&c->deadline, c->loop, on_deadline, c);
    list_add_tail(&shard->connections, &c->node);
    metrics_add(c->shared->metrics, METRIC_SMTP_IN_CONNECTIONS, 1);
    c->stream = stream_accept(c->loop, fd, peer, &events, c);
    c->awaits_header = c->is_proxied = network_list_has(c->shared->proxies, &c->client);
    if (!c->awaits_header) return admit(c);
    stream_set_read_max(c->stream, HEADER_MIN_BYTES);
    timer_start(&c->deadline, HEADER_MS);
}

struct smtp_reply reply_for_status(enum status status) {
    if (status == STATUS_LIMIT) return (struct smtp_reply){452, STR("4.3.1"), STR("No room now, try again later")};
    return (struct smtp_reply){451, STR("4.3.0"), STR("Could not be done now, try again later")};
}
