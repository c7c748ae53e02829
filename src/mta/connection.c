/* connection.c - a session on a stream: connecting from host to host, TLS or not, patience, and the attempts it carries one
 * after the other.
 *
 *   CONNECTING --> GREETING --> SERVING (idle or busy) --> LEAVING
 *       ^             |   \-- TLS failed: the same host again, in clear
 *       \-- next host-/
 *
 * A failure before the first transaction moves on to the next host of the site; when none is left, what waits is put off (P4).
 * One in a transaction ends that attempt, but a kept connection that turns out dead costs nothing (OB26).
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "mta/connection_own.h"

#include <stdlib.h>
#include <string.h>

#define CONNECT_MS 30000
#define IPV6_MS    5000 /* where IPv4 would do as well (DN18) */
#define IPV6_TRIES 2    /* likewise */

#define YIELD_AFTER 10 /* messages, while others have no connection at all */

static void serve(struct connection *c);

/* ---- life ---- */
static void count_phase(struct connection *c, size_t by) {
    size_t coming = c->phase <= PHASE_GREETING ? by : 0, serving = c->phase == PHASE_SERVING ? by : 0;
    c->lot->coming_count += coming;
    c->lot->serving_count += serving;
    c->connector->coming_count += coming;
    c->connector->serving_count += serving;
}

static void set_phase(struct connection *c, enum phase phase) {
    count_phase(c, (size_t)-1);
    c->phase = phase;
    count_phase(c, 1);
}

static void set_idle(struct connection *c, bool is_idle) {
    c->mta->idle_count -= !list_is_empty(&c->idle_all);
    list_remove(&c->idle_lot);
    list_remove(&c->idle_all);
    if (!is_idle) return;
    c->mta->idle_count++;
    list_add_tail(&c->lot->idle, &c->idle_lot);
    list_add_tail(&c->mta->idle, &c->idle_all);
}

/* ---- warm-up: one message's budget at a time, from before it is taken until it has ended ---- */
static bool take_budget(struct connection *c) {
    struct mta *m = c->mta;
    if (c->has_budget) return true;
    c->has_budget = source_reserve(m->sources, c->connector->source, buf_str(&c->provider), mta_now(m));
    c->connector->budget_count += c->has_budget;
    return c->has_budget;
}

/* True: the settlement counts it. */
static bool end_budget(struct connection *c, bool is_sent) {
    struct mta *m = c->mta;
    if (!c->has_budget) return false;
    c->has_budget = false;
    c->connector->budget_count--;
    return source_settle(m->sources, c->connector->source, buf_str(&c->provider), is_sent, mta_now(m));
}

static void connection_free(struct connection *c) {
    struct mta *m = c->mta;
    struct site *s = c->site;
    struct connector *n = c->connector;
    struct lot *l = c->lot;
    set_phase(c, PHASE_LEAVING);
    set_idle(c, false);
    (void)end_budget(c, false);
    if (c->attempt) attempt_free(c->attempt);
    stream_free(&c->stream);
    session_fini(&c->session);
    timer_fini(&c->timer);
    buf_fini(&c->out);
    buf_fini(&c->host);
    transcript_fini(&c->transcript);
    buf_fini(&c->provider);
    buf_fini(&c->noted_domain);
    list_remove(&c->all);
    free(c);
    s->connection_count--;
    m->connection_count--;
    n->connection_count--;
    l->connection_count--;
    metrics_add(m->options.metrics, METRIC_SMTP_OUT_CONNECTIONS, -1);
    if (!m->is_stopping) site_touch(s);
    lot_release(l);
    site_release(s);
    mta_released(m);
}

static void on_heard(void *arg, struct str lines) {
    struct connection *c = arg;
    transcript_heard(&c->transcript, mta_now_mono(c->mta), lines);
}

void connection_note(struct connection *c, const char *what, const char *words) {
    transcript_note(&c->transcript, mta_now_mono(c->mta), "%s%s", what, words);
}

static void flush(struct connection *c) {
    if (c->out.n && session_is_secret(&c->session))
        connection_note(c, "login, not shown", "");
    else
        transcript_said(&c->transcript, mta_now_mono(c->mta), buf_str(&c->out));
    if (c->out.n) stream_write(c->stream, buf_str(&c->out));
    if (session_is_secret(&c->session)) return buf_wipe(&c->out);
    buf_reset(&c->out);
}

static void wait_for_answer(struct connection *c) {
    int64_t ms = session_patience_ms(&c->session);
    c->waits_in = c->session.state;
    c->pending_bytes = stream_out_pending(c->stream);
    if (ms >= 0) timer_start(&c->timer, ms);
}

static void leave(struct connection *c) {
    set_phase(c, PHASE_LEAVING);
    set_idle(c, false);
    (void)end_budget(c, false);
    session_quit(&c->session, &c->out);
    flush(c);
    wait_for_answer(c);
    stream_finish(c->stream);
}

/* ---- endings ---- */
static struct ending ending_of(const struct connection *c, enum bounce_verdict verdict) {
    const struct session_result *r = &c->session.result;
    return (struct ending){.verdict = verdict,
                           .code = r->code,
                           .is_own = r->is_own,
                           .enhanced = buf_str(&r->enhanced),
                           .text = buf_str(&r->text),
                           .command = r->command ? r->command : "CONNECT",
                           .connection = c};
}

static struct bounce_finding finding_of(const struct connection *c) {
    const struct session_result *r = &c->session.result;
    const struct bounce_reply reply = {r->code, buf_str(&r->enhanced), buf_str(&r->text), buf_str(&c->host)};
    struct bounce_finding finding;
    bounce_judge(c->mta->options.bounces, &reply, &finding);
    return finding;
}

/* What the connector learns from an answer, or from none. */
static void tell_refused(struct connection *c) {
    const struct session_result *r = &c->session.result;
    struct shape_reply reply = {.code = r->code, .enhanced = buf_str(&r->enhanced), .text = buf_str(&r->text)};
    reply.host = buf_str(&c->host);
    reply.is_greeting = c->phase < PHASE_SERVING;
    reply.class = finding_of(c).class;
    connector_refused(c->connector, &reply);
}

static void tell_ended(struct connection *c, enum bounce_verdict verdict) {
    struct shape_time now = mta_time(c->mta);
    if (c->session.result.is_own && c->session.result.code)
        shape_dropped(&c->connector->shape, now); /* nobody was asked */
    else if (verdict == BOUNCE_DELIVERED)
        shape_delivered(&c->connector->shape, now);
    else
        tell_refused(c);
    struct shape_pause pause;
    if (!shape_is_paused(&c->connector->shape, now, &pause)) site_unpark(c->site);
}

static void attempt_ended(struct connection *c) {
    struct attempt *a = c->attempt;
    const struct session_result *r = &c->session.result;
    enum bounce_verdict verdict = BOUNCE_DEFERRED;
    if (r->code) verdict = r->code / 100 == 2 ? BOUNCE_DELIVERED : finding_of(c).verdict;
    bool is_about_mail = !str_eq(str_from_z(r->command), STR("RSET"));
    bool is_about_content = str_eq(str_from_z(r->command), STR("."));
    if (verdict == BOUNCE_DELIVERED ? !is_about_content : !is_about_mail) verdict = BOUNCE_DEFERRED;
    struct ending ending = ending_of(c, verdict);
    c->attempt = NULL;
    if (is_about_content && !r->code) metrics_add(c->mta->options.metrics, METRIC_UNANSWERED, 1); /* OB16 */
    if (end_budget(c, is_about_content)) {
        ending.warming_source = c->connector->source->name;
        ending.warming_provider = buf_str(&c->provider);
    }
    tell_ended(c, verdict);
    attempt_settle(a, &ending);
}

/* Nothing of this attempt went over a connection that had died while it was kept: it deserves a fresh one, once. */
static bool may_retry(const struct connection *c) {
    const struct session_result *r = &c->session.result;
    bool was_reset = str_eq(str_from_z(r->command), STR("RSET"));
    bool was_lost = str_eq(str_from_z(r->command), STR("MAIL")) && (r->code == 0 || r->code == 421);
    return c->message_count && !c->attempt->was_retried && (was_reset || was_lost);
}

/* The session is broken: in the greeting go to the next host, else end. */
static void broken(struct connection *c) {
    if (c->phase < PHASE_SERVING) {
        site_mark_bad(c->site, &c->address);
        return connection_try_next(c);
    }
    struct attempt *a = c->attempt;
    if (a && may_retry(c)) {
        c->attempt = NULL;
        a->was_retried = true;
        a->is_connected = false;
        shape_dropped(&c->connector->shape, mta_time(c->mta));
        lot_push(a->lot, a, true);
    } else if (a) {
        attempt_ended(c);
    }
    connection_free(c);
}

static void broken_because(struct connection *c, const char *why) {
    connection_note(c, why, "");
    session_break(&c->session, why);
    broken(c);
}

/* ---- steps ---- */
static void write_content(struct connection *c) {
    transcript_note(&c->transcript, mta_now_mono(c->mta), "content of %zu bytes", c->attempt->letter->wire.n);
    stream_write_borrowed(c->stream, buf_str(&c->attempt->letter->wire));
    wait_for_answer(c);
}

static enum session_event step(struct connection *c) {
    if (c->session.state == SESSION_CONTENT && stream_out_pending(c->stream) == 0) session_content_written(&c->session);
    return session_step(&c->session, stream_in(c->stream), &c->out);
}

static void wait_for_more(struct connection *c) {
    bool is_sending = c->out.n > 0;
    bool is_waiting = c->session.state != SESSION_IDLE && c->session.state != SESSION_SECURING;
    flush(c);
    if (is_waiting && (is_sending || c->waits_in != c->session.state)) wait_for_answer(c);
    stream_resume(c->stream);
}

/* Take what has come, one answer at a time, until something else is to be waited for. */
static void go_on(struct connection *c) {
    if (c->phase == PHASE_LEAVING) return;
    for (;;) {
        switch (step(c)) {
        case SESSION_EVENT_MORE:
            return wait_for_more(c);
        case SESSION_EVENT_SECURE:
            return connection_start_tls(c);
        case SESSION_EVENT_READY:
            if (!connection_is_greeted_well(c)) return;
            set_phase(c, PHASE_SERVING);
            break;
        case SESSION_EVENT_CONTENT:
            write_content(c);
            continue;
        case SESSION_EVENT_RESULT:
            c->message_count++;
            attempt_ended(c);
            break;
        case SESSION_EVENT_BROKEN:
            return broken(c);
        }
        if (stream_in(c->stream)->n == 0) return serve(c);
    }
}

/* What needs SMTPUTF8 is refused by the session. */
static bool needs_7bit(const struct connection *c) {
    const struct letter *l = c->attempt->letter;
    return l->eightbit && !l->utf8 && !c->session.offer.eightbit && str_is_ascii(buf_str(&c->attempt->recipient));
}

static bool send_attempt(struct connection *c) {
    struct attempt *a = c->attempt;
    const struct letter *l = a->letter;
    struct session_mail mail = {.sender = buf_str(&a->sender),
                                .recipient = buf_str(&a->recipient),
                                .size_bytes = l->size_bytes,
                                .requiretls = a->lot->demand.level == TLS_LEVEL_REQUIRETLS,
                                .eightbit = l->eightbit,
                                .utf8 = l->utf8 || !str_is_ascii(buf_str(&a->recipient))};
    connection_note_served(c);
    a->is_connected = true;
    c->started_at = mta_now_mono(c->mta);
    transcript_transaction(&c->transcript);
    shape_began(&c->connector->shape, mta_time(c->mta));
    return session_send(&c->session, &mail, &c->out);
}

static void enter_idle(struct connection *c, int64_t wait_ms) {
    set_idle(c, true);
    (void)end_budget(c, false);
    timer_start(&c->timer, shape_idle_ms(&c->connector->shape));
    if (wait_ms == 0) return site_touch(c->site);
    if (wait_ms != SHAPE_NO_END) site_look_in(c->site, wait_ms); /* no turn before: it would be asked again at once */
}

/* Others' mail that cannot go over this connection waits for its place: after some messages, or when it had to wait anyway. */
static bool must_yield(struct connection *c) {
    if (!c->message_count || !connector_is_wanted(c->connector, c)) return false;
    return c->message_count >= YIELD_AFTER || shape_begin_in_ms(&c->connector->shape, mta_time(c->mta)) > 0;
}

/* The limit fell since they were opened. */
static bool is_above_limit(struct connector *n) {
    struct shape_view view;
    shape_show(&n->shape, mta_time(n->site->mta), &view);
    return n->coming_count + n->serving_count > view.limits.connections;
}

/* Greeted and free: the next attempt, or none. */
static void serve(struct connection *c) {
    struct shape *shape = &c->connector->shape;
    int64_t wait_ms = 0;
    set_idle(c, false);
    if (c->mta->is_stopping || c->message_count >= shape_connection_messages(shape)) return leave(c);
    if (pauses_until(c->mta, LIVE_PAUSE_SOURCE, c->connector->source->name, NULL)) return leave(c);
    if (must_yield(c) || is_above_limit(c->connector)) return leave(c);
    while ((wait_ms = shape_begin_in_ms(shape, mta_time(c->mta))) == 0 && take_budget(c) && (c->attempt = lot_pop(c))) {
        if (needs_7bit(c)) {
            struct attempt *a = c->attempt;
            c->attempt = NULL;
            attempt_go_7bit(a);
            continue;
        }
        if (send_attempt(c)) {
            flush(c);
            wait_for_answer(c);
            return site_touch(c->site);
        }
        attempt_ended(c);
    }
    bool is_spent = wait_ms == 0 && !c->has_budget;
    if (!is_spent) return enter_idle(c, wait_ms);
    leave(c);
    site_touch(c->site); /* for other sources, or tomorrow */
}

/* ---- the stream's and the timer's calls ---- */
/* Our own address is not there (OB33): no host is to blame, and others of the pool go on. */
static void source_missing(struct connection *c) {
    connector_missing(c->connector, stream_why(c->stream));
    connection_free(c);
}

static void on_open(void *arg) {
    struct connection *c = arg;
    connector_bound(c->connector);
    connection_note(c, "connected", "");
    set_phase(c, PHASE_GREETING);
    wait_for_answer(c);
}

static void on_tls(void *arg, enum status status) {
    struct connection *c = arg;
    if (status != STATUS_OK) return connection_tls_failed(c, status_text(status));
    if (!connection_may_log_in(c))
        return connection_unfit(c,
                                &(struct tls_verdict){.words = "The relay's certificate does not verify", .enhanced = "4.7.5"});
    struct str version = stream_tls_version(c->stream), cipher = stream_tls_cipher(c->stream);
    transcript_note(&c->transcript, mta_now_mono(c->mta), "%.*s, %.*s, certificate %s", STR_ARG(version), STR_ARG(cipher),
                    stream_tls_check(c->stream) == TLS_PEER_OK ? "verified" : "not verified");
    session_secured(&c->session, &c->out);
    go_on(c);
}

static void on_io(void *arg) {
    go_on(arg);
}

static void on_close(void *arg, enum status status) {
    struct connection *c = arg;
    if (c->phase == PHASE_LEAVING) return connection_free(c);
    if (c->phase == PHASE_CONNECTING && status == STATUS_NOT_FOUND) return source_missing(c);
    if (c->phase == PHASE_CONNECTING) {
        BUF_AUTO why = {0};
        struct str detail = stream_why(c->stream);
        buf_add_str(&why, detail.n ? detail : str_from_z(status_text(status)));
        return broken_because(c, why.p);
    }
    /* An answer that came with the close still counts (OB18). */
    if (stream_in(c->stream)->n && session_is_busy(&c->session) && step(c) == SESSION_EVENT_RESULT) {
        c->message_count++;
        attempt_ended(c);
    }
    if (c->session.state == SESSION_SECURING) return connection_tls_failed(c, "connection closed");
    broken_because(c, status == STATUS_TIMEOUT ? "Timed out" : "Connection lost");
}

static const struct stream_events events = {
    .on_open = on_open, .on_tls = on_tls, .on_read = on_io, .on_drain = on_io, .on_close = on_close};

static void on_timer(void *arg) {
    struct connection *c = arg;
    if (c->phase == PHASE_LEAVING) return connection_free(c);
    if (!list_is_empty(&c->idle_all)) return leave(c);
    bool is_sending = c->session.state == SESSION_CONTENT && stream_out_pending(c->stream) < c->pending_bytes;
    if (is_sending) return wait_for_answer(c);
    broken_because(c, "Timed out waiting for the answer");
}

/* IPv6 is given little time where IPv4 is there as well: another connection goes on with that (DN18). */
static bool has_ipv4_instead(const struct connection *c) {
    bool is_ipv6 = source_family(c->connector->source) == SOURCE_OF_IPV6;
    return is_ipv6 && (c->site->families & source_pool_families(c->lot->pool) & SOURCE_OF_IPV4);
}

static void note_target(struct connection *c) {
    BUF_AUTO words = {0};
    net_address_format(&words, &c->address);
    transcript_note(&c->transcript, mta_now_mono(c->mta), "connecting to %s at %s from source %.*s", c->host.p, words.p,
                    STR_ARG(c->connector->source->name));
}

static struct stream *connect_from(struct connection *c) {
    const struct route_address *from = &c->connector->source->address;
    struct net_address local = {.family = from->family};
    memcpy(local.ip, from->ip, sizeof local.ip);
    return stream_connect(c->mta->options.loop, &c->address, from->family ? &local : NULL,
                          has_ipv4_instead(c) ? IPV6_MS : CONNECT_MS, &events, c);
}

/* No host is left: what waits has to know why. */
static void give_up(struct connection *c) {
    struct mta *m = c->mta;
    struct lot *l = c->lot;
    struct connector *n = c->connector;
    struct ending ending = ending_of(c, BOUNCE_DEFERRED);
    (void)end_budget(c, false);                      /* it is there for who goes on */
    bool is_refused = ending.code && !ending.is_own; /* none of them greets: it may be our address that they do not want */
    if (is_refused && !m->is_stopping) tell_refused(c);
    set_phase(c, PHASE_LEAVING);
    if (!m->is_stopping) {
        if (!c->is_any_unfit) shape_unreachable(&n->shape, mta_time(m), n->serving_count, ending.text);
        lot_unreachable(l, &ending, c->is_any_unfit);
    }
    connection_free(c);
}

/* The next host that may be used at all. */
static struct target *pick(struct connection *c) {
    struct target *t;
    if (c->try_count++ >= IPV6_TRIES && has_ipv4_instead(c)) return NULL;
    while ((t = site_pick(c->site, source_family(c->connector->source), c->tried))) {
        struct tls_verdict verdict = tls_judge_host(&c->lot->demand, t->host);
        if (verdict.is_fit) return t;
        c->tried[t - c->site->targets] = true;
        c->is_any_unfit = true;
        connection_note_unfit(c, t->host, &verdict);
        BUF_AUTO why = {0}; /* it is never connected to, so its name stands nowhere else */
        buf_addf(&why, "%.*s: %s", STR_ARG(t->host), verdict.words);
        session_break_tls(&c->session, verdict.enhanced, why.p);
    }
    return NULL;
}

/* Connect to the host that comes next: the same one in clear after TLS failed there, else one not tried yet. */
void connection_try_next(struct connection *c) {
    struct site *s = c->site;
    struct mta *m = c->mta;
    bool again = c->in_clear && c->session.may_tls;
    struct target *t = again ? NULL : pick(c);
    if (!again && (!t || m->is_stopping)) return give_up(c);
    if (t) {
        c->tried[t - s->targets] = true;
        site_address(s, t, &c->address);
        buf_reset(&c->host);
        buf_add_str(&c->host, t->host);
        c->in_clear = false;
    }
    set_phase(c, PHASE_CONNECTING);
    timer_stop(&c->timer);
    buf_reset(&c->out);
    session_fini(&c->session);
    session_init(&c->session, c->connector->source->hostname, m->options.tls && !c->in_clear);
    c->session.heard = on_heard;
    c->session.heard_arg = c;
    connection_set_login(c);
    stream_free(&c->stream);
    c->facts = (struct tls_facts){.is_tried = c->in_clear};
    c->started_at = mta_now_mono(m);
    note_target(c);
    c->stream = connect_from(c);
}

void connection_open(struct lot *l, struct connector *n) {
    struct site *s = l->site;
    struct mta *m = s->mta;
    struct connection *c = calloc(1, sizeof *c);
    if (!c) abort();
    c->mta = m;
    c->site = s;
    c->lot = l;
    c->connector = n;
    c->phase = PHASE_LEAVING;
    list_init(&c->idle_lot);
    list_init(&c->idle_all);
    list_add_tail(&m->connections, &c->all);
    timer_init(&c->timer, m->options.loop, on_timer, c);
    s->connection_count++;
    m->connection_count++;
    n->connection_count++;
    l->connection_count++;
    buf_add_str(&c->provider, buf_str(&s->provider));
    (void)take_budget(c); /* who chose the source saw that there is some */
    metrics_add(m->options.metrics, METRIC_SMTP_OUT_CONNECTIONS, 1);
    transcript_begin(&c->transcript, mta_now_mono(m));
    connection_try_next(c);
}

void connection_resume(struct connection *c) {
    serve(c);
}

struct connection *connection_from_idle(struct list *node) {
    return LIST_OWNER(node, struct connection, idle_lot);
}

struct lot *connection_lot(const struct connection *c) {
    return c->lot;
}

bool connection_close_idle(struct connector *n) {
    LIST_FOR_EACH (it, &n->site->mta->idle) {
        struct connection *c = LIST_OWNER(it, struct connection, idle_all);
        if (c->connector != n || c->lot->ready_count) continue;
        connection_free(c);
        return true;
    }
    return false;
}

bool connection_close_idlest(struct mta *m) {
    if (list_is_empty(&m->idle)) return false;
    connection_free(LIST_OWNER(m->idle.next, struct connection, idle_all));
    return true;
}

void connection_stop_all(struct mta *m) {
    LIST_FOR_EACH_SAFE (it, &m->connections) {
        struct connection *c = LIST_OWNER(it, struct connection, all);
        if (!list_is_empty(&c->idle_all))
            leave(c);
        else if (c->phase < PHASE_SERVING)
            connection_free(c);
    }
}

void connection_free_all(struct mta *m) {
    LIST_FOR_EACH_SAFE (it, &m->connections) connection_free(LIST_OWNER(it, struct connection, all));
}

struct str connection_transcript(const struct connection *c) {
    return transcript_text(&c->transcript);
}

void connection_report(const struct connection *c, struct arena *arena, struct delivery_report *ret) {
    BUF_AUTO mx = {0};
    BUF_AUTO local = {0};
    net_address_format_ip(&mx, &c->address);
    if (c->stream && c->phase >= PHASE_GREETING) net_address_format_ip(&local, stream_local(c->stream));
    ret->mx_host = arena_str(arena, buf_str(&c->host));
    ret->mx_address = arena_str(arena, buf_str(&mx));
    ret->source_address = arena_str(arena, buf_str(&local));
    ret->session_ms = mta_now_mono(c->mta) - c->started_at;
    ret->tls_policy = str_from_z(tls_demand_policy(&c->lot->demand, ret->mx_host));
    if (!c->stream || !stream_is_tls(c->stream)) return;
    ret->tls_version = arena_str(arena, stream_tls_version(c->stream));
    ret->tls_cipher = arena_str(arena, stream_tls_cipher(c->stream));
    ret->tls_verified = stream_tls_is_verified(c->stream);
}
