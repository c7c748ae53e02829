/* sim.h - a scripted world behind net's headers: for tests that want hours of retries in milliseconds.
 *
 * Link net_sim instead of net. A `struct loop` from loop_new is a whole world: a virtual clock that jumps to the next thing that
 * happens, seeded randomness, names, hosts. Nothing is on the machine's network; the same seed gives the same run. Streams are
 * pairs in memory with a millisecond of way between them; a listener (net/listener.h) and a scripted server are reached alike.
 * Executors run each job on the loop's next turn (job->loop NULL: inside submit). One loop is enough for a whole gateway; two
 * loops are two worlds. All text here is NUL-terminated test data. One thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_NET_SIM_SIM_H
#define POSTHORN_NET_SIM_SIM_H

#include "net/resolver.h"
#include "net/stream.h"

/* ---- time and chance ---- */
void sim_seed(struct loop *world, uint64_t seed);
const struct rand *sim_rand(struct loop *world);
void sim_set_wall(struct loop *world, int64_t wall_ms); /* default 2026-01-01 00:00:00 UTC; may jump */
/* Let one thing happen; false when nothing is left. */
bool sim_step(struct loop *world);
/* Everything that happens within `ms`, then the clock stands there. */
void sim_run_for(struct loop *world, int64_t ms);
/* Until is_done says so (asked after each step); false when `max_ms` passed or nothing is left first. */
bool sim_run_until(struct loop *world, bool (*is_done)(void *arg), void *arg, int64_t max_ms);

/* ---- names ---- */
/* Add a record: A/AAAA "192.0.2.1", MX "10 mx.example", CNAME/PTR "name", TXT "words", TLSA "3 1 1 <hex>". A name nobody added is
 * NXDOMAIN; an added one has no records of other types; CNAMEs are followed. "." is the root. */
void sim_dns_add(struct loop *world, const char *name, enum dns_type type, const char *data);
/* Its answers are under DNSSEC from now on, and the world's resolver validates. */
void sim_dns_secure(struct loop *world, const char *name);
/* Forget a name. */
void sim_dns_remove(struct loop *world, const char *name);
/* The next `times` questions for the name and type end in `status` (TEMPORARY, TIMEOUT, NOT_FOUND); -1: all. */
void sim_dns_fail(struct loop *world, const char *name, enum dns_type type, enum status status, int times);
/* Answers for this name take `ms` (default 1). */
void sim_dns_delay(struct loop *world, const char *name, int64_t ms);
/* No question is answered: each ends in TIMEOUT after 30 s, until it is back. */
void sim_dns_dead(struct loop *world, bool is_dead);
unsigned sim_dns_asked(struct loop *world, const char *name, enum dns_type type);

/* ---- hosts ---- */
/* Whoever connects to `address` ("192.0.2.1:25") gets this: the other end as a stream, owned by the callee. Nobody there:
 * refused. */
typedef void (*sim_accept_fn)(void *arg, struct stream *stream);
void sim_listen(struct loop *world, const char *address, sim_accept_fn accept, void *arg);
/* Packets to this address vanish: connects time out; with `is_black` false it is back. */
void sim_blackhole(struct loop *world, const char *address, bool is_black);
/* Refused, whatever listens there; with `is_down` false it is back. With port 0: it is no address of this machine, so nobody
 * connects from it. */
void sim_down(struct loop *world, const char *address, bool is_down);
unsigned sim_connects(struct loop *world, const char *address);

/* ---- a scripted server of lines (SMTP) ---- */
enum sim_then {
    SIM_GO_ON,
    SIM_MESSAGE,  /* what follows is a message up to CRLF.CRLF; then the pattern "(message)" is looked for */
    SIM_TLS,      /* after the reply the handshake succeeds */
    SIM_TLS_FAIL, /* after the reply the handshake fails */
    SIM_CLOSE,    /* after the reply, a clean end */
    SIM_RESET,    /* after the reply, an unclean one */
    SIM_DEAF,     /* after the reply it takes not another byte: its window stays shut */
};
/* The first rule whose pattern fits the line and that is not used up answers. '*' at the end of a pattern is any tail; letters in
 * either case. "(connect)" is the banner, "(message)" the end of a message. */
struct sim_rule {
    const char *pattern;
    const char *reply; /* whole lines with CRLF; NULL: silence */
    int64_t delay_ms;
    enum sim_then then;
    int times; /* 0: always */
};
struct sim_server;
/* rules (borrowed, ended by a NULL pattern; NULL: none) come before the built-in ones of a friendly SMTP server with PIPELINING,
 * 8BITMIME and no STARTTLS, which takes everything. Lives as long as the world. */
struct sim_server *sim_server(struct loop *world, const char *address, const struct sim_rule *rules);
/* Replace its rules for what comes now. */
void sim_server_rules(struct sim_server *s, const struct sim_rule *rules);
/* Cut what the server writes into pieces of `n` bytes, each a millisecond apart; 0: whole. */
void sim_server_pieces(struct sim_server *s, size_t n);
/* The same with `ms` between them. */
void sim_server_drip(struct sim_server *s, size_t n, int64_t ms);
/* A server with a mind of its own: asked for each line before the rules are; NULL: as they say. "(close)" tells that a connection
 * has ended, its answer counts for nothing. */
struct sim_talk {
    uint64_t connection; /* a number of its own */
    bool is_tls;
    struct str envelope; /* MAIL and RCPT lines taken so far */
    struct str message;  /* at "(message)": what came, dot-stuffing undone */
};
typedef const struct sim_rule *(*sim_decide_fn)(void *arg, const struct sim_talk *talk, struct str line);
void sim_server_decide(struct sim_server *s, sim_decide_fn decide, void *arg);
/* Keep no messages and no transcript: for crowds. */
void sim_server_forget(struct sim_server *s);
/* How clients find its certificate. Default TLS_PEER_OK. */
void sim_server_check(struct sim_server *s, enum tls_check_result check);
/* Messages it answered with 2xx, as received (dot-stuffing undone), and the envelope lines before each ("MAIL ...\nRCPT ...\n").
 */
size_t sim_server_message_count(const struct sim_server *s);
struct str sim_server_message(const struct sim_server *s, size_t i);
struct str sim_server_envelope(const struct sim_server *s, size_t i);
/* Every line a client sent (messages left out), each followed by '\n', all connections in order; "(connect)" opens one. */
struct str sim_server_transcript(const struct sim_server *s);

#endif
