/* server.c - a server of lines that follows rules: friendly SMTP unless they say otherwise.
 *
 *   connection:  wait for a line --rule--> (delay) --> reply in pieces --> then: go on | message | TLS | close
 * Lines that come meanwhile wait, so PIPELINING is answered in order.
 * SPDX-License-Identifier: Apache-2.0 */
#include "net_sim/sim_own.h"

#include <stdlib.h>

#define LINE_MAX_BYTES (64 * 1024)

static const struct sim_rule friendly[] = {
    {.pattern = "(connect)", .reply = "220 sim.example ESMTP\r\n"},
    {.pattern = "EHLO *",
     .reply = "250-sim.example\r\n250-PIPELINING\r\n250-SIZE 50000000\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES\r\n"},
    {.pattern = "HELO *", .reply = "250 sim.example\r\n"},
    {.pattern = "MAIL FROM:*", .reply = "250 2.1.0 ok\r\n"},
    {.pattern = "RCPT TO:*", .reply = "250 2.1.5 ok\r\n"},
    {.pattern = "DATA", .reply = "354 go ahead\r\n", .then = SIM_MESSAGE},
    {.pattern = "(message)", .reply = "250 2.0.0 taken\r\n"},
    {.pattern = "RSET", .reply = "250 2.0.0 ok\r\n"},
    {.pattern = "NOOP*", .reply = "250 2.0.0 ok\r\n"},
    {.pattern = "STARTTLS", .reply = "220 2.0.0 go ahead\r\n", .then = SIM_TLS},
    {.pattern = "QUIT", .reply = "221 2.0.0 bye\r\n", .then = SIM_CLOSE},
    {.pattern = "*", .reply = "500 5.5.2 what?\r\n"},
    {.pattern = NULL},
};

struct taken {
    struct buf message, envelope;
};
struct sim_server {
    struct list node; /* world->servers */
    struct loop *world;
    const struct sim_rule *rules;
    int *used; /* how often each rule answered */
    size_t pieces;
    int64_t pieces_ms;
    enum tls_check_result check; /* what a client makes of its certificate */
    bool is_forgetful;
    sim_decide_fn decide;
    void *decide_arg;
    uint64_t connection_count;
    struct list connections;
    struct taken *taken;
    size_t taken_count;
    struct buf transcript;
};
struct connection {
    struct list node;
    struct sim_server *server;
    uint64_t number;
    struct stream *stream;
    struct sim_event event;      /* a delay, or the next piece */
    const struct sim_rule *rule; /* being answered; NULL: waiting for a line */
    struct buf reply;            /* still to be written */
    bool is_in_message;
    struct buf envelope, message;
};

static void step(struct connection *c);

/* What the server's own mind says. */
static const struct sim_rule *mind_says(struct connection *c, struct str line) {
    struct sim_server *s = c->server;
    if (!s->decide) return NULL;
    bool is_tls = c->stream && stream_is_tls(c->stream);
    struct sim_talk talk = {c->number, is_tls, buf_str(&c->envelope), buf_str(&c->message)};
    return s->decide(s->decide_arg, &talk, line);
}

static void connection_free(struct connection *c) {
    (void)mind_says(c, STR("(close)"));
    list_remove(&c->node);
    sim_event_cancel(&c->event);
    stream_free(&c->stream);
    buf_fini(&c->reply);
    buf_fini(&c->envelope);
    buf_fini(&c->message);
    free(c);
}

/* ---- rules ---- */

static bool fits(const char *pattern, struct str line) {
    struct str p = str_from_z(pattern);
    if (str_ends(p, STR("*"))) return str_starts_nocase(line, str_sub(p, 0, p.n - 1));
    return str_eq_nocase(p, line);
}

static const struct sim_rule *rule_find(struct sim_server *s, struct str line) {
    for (size_t i = 0; s->rules && s->rules[i].pattern; i++) {
        const struct sim_rule *r = &s->rules[i];
        if (!fits(r->pattern, line) || (r->times > 0 && s->used[i] >= r->times)) continue;
        s->used[i]++;
        return r;
    }
    for (const struct sim_rule *r = friendly; r->pattern; r++) {
        if (fits(r->pattern, line)) return r;
    }
    return friendly;
}

static bool is_yes(const struct sim_rule *rule) {
    return rule->reply && rule->reply[0] == '2';
}

static void envelope_note(struct connection *c, struct str line, const struct sim_rule *rule) {
    bool is_mail = str_starts_nocase(line, STR("MAIL ")), is_rcpt = str_starts_nocase(line, STR("RCPT "));
    if (is_mail) buf_reset(&c->envelope);
    if (!is_yes(rule) || !(is_mail || is_rcpt)) return;
    buf_add_str(&c->envelope, line);
    buf_add_char(&c->envelope, '\n');
}

static void transcript_note(struct sim_server *s, struct str line) {
    if (s->is_forgetful) return;
    buf_add_str(&s->transcript, line);
    buf_add_char(&s->transcript, '\n');
}

static void message_note(struct connection *c, const struct sim_rule *rule) {
    struct sim_server *s = c->server;
    if (is_yes(rule) && !s->is_forgetful) {
        s->taken = reallocarray(s->taken, s->taken_count + 1, sizeof *s->taken);
        if (!s->taken) abort();
        s->taken[s->taken_count++] = (struct taken){buf_take(&c->message), buf_take(&c->envelope)};
    }
    buf_reset(&c->message);
    buf_reset(&c->envelope);
}

/* ---- answering ---- */

/* What the rule wants after its reply. False: the connection is gone. */
static bool rule_end(struct connection *c) {
    const struct sim_rule *rule = c->rule;
    c->rule = NULL;
    switch (rule->then) {
    case SIM_GO_ON:
        break;
    case SIM_MESSAGE:
        c->is_in_message = true;
        break;
    case SIM_TLS:
    case SIM_TLS_FAIL:
        stream_sim_tls(c->stream, rule->then == SIM_TLS_FAIL, c->server->check);
        if (stream_start_tls(c->stream, NULL, NULL, 60000) == STATUS_OK) break;
        connection_free(c);
        return false;
    case SIM_DEAF:
        stream_sim_deaf(c->stream);
        break;
    case SIM_CLOSE:
        stream_finish(c->stream);
        break;
    case SIM_RESET:
        stream_sim_reset(&c->stream);
        connection_free(c);
        return false;
    }
    return true;
}

/* Write what may be written now. True when the reply is out. */
static bool reply_write(struct connection *c) {
    size_t n = c->server->pieces > 0 && c->server->pieces < c->reply.n ? c->server->pieces : c->reply.n;
    stream_write(c->stream, str_sub(buf_str(&c->reply), 0, n));
    buf_drop(&c->reply, n);
    if (c->reply.n == 0) return true;
    sim_event_set(c->server->world, &c->event, c->server->pieces_ms);
    return false;
}

static void on_event(void *arg) {
    struct connection *c = arg;
    if (reply_write(c) && rule_end(c)) step(c);
}

static void line_answer(struct connection *c, struct str line) {
    const struct sim_rule *rule = mind_says(c, line);
    if (!rule) rule = rule_find(c->server, line);
    if (str_eq(line, STR("(message)"))) {
        message_note(c, rule);
    } else {
        envelope_note(c, line, rule);
        transcript_note(c->server, line);
    }
    c->rule = rule;
    buf_add_z(&c->reply, rule->reply ? rule->reply : "");
    sim_event_set(c->server->world, &c->event, rule->delay_ms);
}

/* ---- lines ---- */

/* A line of a message; true when it was the last. */
static bool message_line(struct connection *c, struct str line) {
    if (str_eq(line, STR("."))) {
        c->is_in_message = false;
        return true;
    }
    buf_add_str(&c->message, str_starts(line, STR(".")) ? str_sub(line, 1, SIZE_MAX) : line);
    buf_add_z(&c->message, "\r\n");
    return false;
}

static void step(struct connection *c) {
    struct buf *in = stream_in(c->stream);
    while (!c->rule) {
        size_t end = str_find_str(buf_str(in), STR("\r\n"));
        if (end == STR_NONE) break;
        struct str line = str_sub(buf_str(in), 0, end);
        if (!c->is_in_message) {
            line_answer(c, line);
        } else if (message_line(c, line)) {
            line_answer(c, STR("(message)"));
        }
        buf_drop(in, end + 2);
    }
    stream_resume(c->stream);
}

static void on_read(void *arg) {
    step(arg);
}

static void on_tls(void *arg, enum status status) {
    struct connection *c = arg;
    if (status != STATUS_OK) connection_free(c);
}

static void on_close(void *arg, enum status status) {
    (void)status;
    connection_free(arg);
}

static const struct stream_events events = {.on_read = on_read, .on_tls = on_tls, .on_close = on_close};

static void on_accept(void *arg, struct stream *stream) {
    struct sim_server *s = arg;
    struct connection *c = sim_zalloc(sizeof *c);
    c->server = s;
    c->number = ++s->connection_count;
    c->stream = stream;
    sim_event_init(&c->event, on_event, c);
    list_add_tail(&s->connections, &c->node);
    stream_set_events(stream, &events, c);
    stream_set_read_max(stream, LINE_MAX_BYTES);
    line_answer(c, STR("(connect)"));
}

/* ---- the test's side ---- */

struct sim_server *sim_server(struct loop *world, const char *address, const struct sim_rule *rules) {
    struct sim_server *s = sim_zalloc(sizeof *s);
    s->world = world;
    list_init(&s->connections);
    list_add_tail(&world->servers, &s->node);
    sim_server_rules(s, rules);
    sim_listen(world, address, on_accept, s);
    return s;
}

void sim_server_rules(struct sim_server *s, const struct sim_rule *rules) {
    size_t n = 0;
    while (rules && rules[n].pattern) n++;
    free(s->used);
    s->used = sim_zalloc((n + 1) * sizeof(int));
    s->rules = rules;
}

void sim_server_pieces(struct sim_server *s, size_t n) {
    sim_server_drip(s, n, 1);
}

void sim_server_drip(struct sim_server *s, size_t n, int64_t ms) {
    s->pieces = n;
    s->pieces_ms = ms;
}

void sim_server_decide(struct sim_server *s, sim_decide_fn decide, void *arg) {
    s->decide = decide;
    s->decide_arg = arg;
}

void sim_server_forget(struct sim_server *s) {
    s->is_forgetful = true;
}

void sim_server_check(struct sim_server *s, enum tls_check_result check) {
    s->check = check;
}

size_t sim_server_message_count(const struct sim_server *s) {
    return s->taken_count;
}
struct str sim_server_message(const struct sim_server *s, size_t i) {
    return buf_str(&s->taken[i].message);
}
struct str sim_server_envelope(const struct sim_server *s, size_t i) {
    return buf_str(&s->taken[i].envelope);
}
struct str sim_server_transcript(const struct sim_server *s) {
    return buf_str(&s->transcript);
}

static void server_free(struct sim_server *s) {
    s->decide = NULL;
    LIST_FOR_EACH_SAFE (it, &s->connections) connection_free(LIST_OWNER(it, struct connection, node));
    for (size_t i = 0; i < s->taken_count; i++) {
        buf_fini(&s->taken[i].message);
        buf_fini(&s->taken[i].envelope);
    }
    free(s->taken);
    free(s->used);
    buf_fini(&s->transcript);
    free(s);
}

void sim_servers_free(struct loop *world) {
    LIST_FOR_EACH_SAFE (it, &world->servers) server_free(LIST_OWNER(it, struct sim_server, node));
}
