/* smtp.c - one table of servers.
 * SPDX-License-Identifier: Apache-2.0 */
#include "app/smtp.h"

#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define PORTS_USUAL       "25,587,465"
#define CONTENT_MIN_BYTES ((size_t)256 << 20)
#define MESSAGES_AT_ONCE  8 /* of the greatest size */

enum { INBOX, SUBMISSION, SUBMISSION_TLS, RETURN_PATH, PUBLIC, SERVER_COUNT };
static const struct {
    enum smtpd_kind kind;
    const char *door, *key;
    bool is_tls_first, takes_users;
} table[SERVER_COUNT] = {
    [INBOX] = {SMTPD_INBOX, NULL, NULL, false, false},
    [SUBMISSION] = {SMTPD_SUBMISSION, "smtp", "smtp.listen", false, true},
    [SUBMISSION_TLS] = {SMTPD_SUBMISSION, "smtps", "smtp.listen_tls", true, true},
    [RETURN_PATH] = {SMTPD_RETURN_PATH, "return-path", "smtp.return_path", false, false},
    [PUBLIC] = {SMTPD_PUBLIC, "smtp-public", "smtp.listen", false, true},
};

struct smtp {
    const struct config *config;
    struct threads *threads;
    struct listeners *listeners;
    struct certificates *certificates;
    struct smtpd_shared shared;
    struct arena arena;
    struct network_list proxies, xclients;
    struct crowd *crowd;
    struct str addresses[SERVER_COUNT];
    struct smtpd *servers[SERVER_COUNT];
    struct net_address first[SERVER_COUNT]; /* family 0: not opened */
    struct buf ports;
};

/* ---- certificates ---- */
/* Each server has a context of its own: a session ticket is good for one of them only (ST14). All change, or none. */
enum status smtp_reload(struct smtp *s, struct buf *ret_why) {
    struct tls_context *fresh[SERVER_COUNT] = {0};
    enum status st = STATUS_OK;
    for (size_t i = 0; st == STATUS_OK && i < SERVER_COUNT; i++)
        if (s->servers[i] && i != INBOX) st = certificates_context(s->certificates, &fresh[i], ret_why);
    for (size_t i = 0; i < SERVER_COUNT; i++) {
        if (st == STATUS_OK && fresh[i]) smtpd_set_tls(s->servers[i], fresh[i]);
        tls_context_unref(&fresh[i]);
    }
    return st;
}

/* ---- what the configuration says ---- */

/* Sort [smtp] listen and return_path: what stands in both is public. */
static bool has_address(struct str list, struct str address) {
    struct str rest = list, part;
    while (!str_is_empty(list) && str_next(&rest, ',', &part))
        if (str_eq(str_trim(part), address)) return true;
    return false;
}

/* Of `list` what stands in `other` too, or what does not. */
static struct str pick(struct arena *arena, struct str list, struct str other, bool in_both) {
    BUF_AUTO out = {0};
    struct str rest = list, part;
    while (!str_is_empty(list) && str_next(&rest, ',', &part)) {
        part = str_trim(part);
        if (has_address(other, part) == in_both) buf_addf(&out, "%s%.*s", out.n ? "," : "", STR_ARG(part));
    }
    return arena_str(arena, buf_str(&out));
}

static void sort_addresses(struct smtp *s) {
    const struct config *c = s->config;
    s->addresses[INBOX] = c->delivery_mode == MODE_SANDBOX ? STR("127.0.0.1:0") : STR("");
    s->addresses[SUBMISSION] = pick(&s->arena, c->smtp_listen, c->smtp_return_path, false);
    s->addresses[SUBMISSION_TLS] = c->smtp_listen_tls;
    s->addresses[RETURN_PATH] = pick(&s->arena, c->smtp_return_path, c->smtp_listen, false);
    s->addresses[PUBLIC] = pick(&s->arena, c->smtp_listen, c->smtp_return_path, true);
}

static void tell_trusts(const struct smtp *s) {
    for (size_t i = 0; i < s->shared.trust_count; i++) {
        BUF_AUTO network = {0};
        ip_format(&network, &s->shared.trusts[i].network.ip);
        buf_addf(&network, "/%u", s->shared.trusts[i].network.bits);
        LOG(LOG_WARN, "smtp.trusted", LOG_STR("network", buf_str(&network)), LOG_STR("domain", s->shared.trusts[i].domain),
            LOG_Z("meaning", "submits without a login"));
    }
}

/* The configuration's own checks have passed them. */
static enum status read_networks(struct smtp *s, struct buf *why) {
    const struct config *c = s->config;
    const char *trouble = smtpd_trust_parse(&s->arena, c->smtp_trusted, &s->shared.trusts, &s->shared.trust_count);
    if (!trouble && (!network_list_parse(&s->arena, c->smtp_proxies, &s->proxies) ||
                     !network_list_parse(&s->arena, c->smtp_xclient, &s->xclients)))
        trouble = "[smtp]: expected addresses or networks";
    if (trouble) buf_add_z(why, trouble);
    s->shared.proxies = &s->proxies;
    s->shared.xclients = &s->xclients;
    return trouble ? STATUS_INVALID : STATUS_OK;
}

/* Half of the descriptors are left to the API and to deliveries. */
static size_t connections_max(const struct config *c) {
    struct rlimit limit;
    int64_t max = c->smtp_connections;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur / 2 < (rlim_t)max) {
        max = (int64_t)(limit.rlim_cur / 2);
        LOG(LOG_WARN, "smtp.fewer_connections", LOG_INT("connections", max), LOG_INT("open_files", limit.rlim_cur));
    }
    return (size_t)max;
}

static struct crowd *new_crowd(const struct config *c) {
    size_t content = (size_t)c->smtp_message_max * MESSAGES_AT_ONCE;
    return crowd_new(&(struct crowd_bounds){.connections_max = connections_max(c),
                                            .per_address_max = (size_t)c->smtp_connections_per_address,
                                            .content_bytes_max = content < CONTENT_MIN_BYTES ? CONTENT_MIN_BYTES : content});
}

/* ---- servers ---- */
static struct smtpd *new_server(struct smtp *s, size_t i, struct loop *const *loops, size_t loop_count) {
    const struct config *c = s->config;
    return smtpd_new(&(struct smtpd_options){
        .shared = &s->shared,
        .kind = table[i].kind,
        .bounds = {.message_bytes_max = i == INBOX ? 0 : (size_t)c->smtp_message_max,
                   .recipients_max = table[i].takes_users ? (size_t)c->smtp_recipients_max : 0},
        .loops = loops,
        .loop_count = loop_count,
        .crowd = i == INBOX ? NULL : s->crowd,
        .has_tls = i != INBOX,
        .is_tls_first = table[i].is_tls_first,
        .has_auth_in_clear = c->smtp_auth_without_tls == CLEAR_LOOPBACK,
    });
}

static void note_port(struct buf *ports, const struct net_address *address) {
    char port[8];
    snprintf(port, sizeof port, "%u", address->port);
    if (address->family == 1 || address->port == 0 || has_address(buf_str(ports), str_from_z(port))) return;
    buf_addf(ports, "%s%s", ports->n ? "," : "", port);
}

static void note_listeners(struct smtp *s, size_t i, size_t from) {
    for (size_t k = from; k < s->listeners->count; k++) {
        const struct net_address *address = listener_address(s->listeners->items[k]);
        BUF_AUTO text = {0};
        net_address_format(&text, address);
        if (table[i].takes_users) note_port(&s->ports, address);
        LOG(LOG_INFO, "smtp.listening", LOG_STR("address", buf_str(&text)), LOG_Z("service", smtpd_name(s->servers[i])),
            LOG_Z("tls", table[i].is_tls_first ? "from the first byte"
                         : i == INBOX          ? "none"
                                               : "STARTTLS"));
    }
}

static enum status open_server(struct smtp *s, size_t i, struct buf *why) {
    size_t last = s->threads->count - 1, before = s->listeners->count;
    struct loop *const *loops = i == INBOX ? &s->threads->loops[last] : s->threads->loops;
    size_t loop_count = i == INBOX ? 1 : last;
    if (str_is_empty(s->addresses[i]) && !listeners_has(s->listeners, table[i].door)) return STATUS_OK;
    s->servers[i] = new_server(s, i, loops, loop_count);
    struct door door = {table[i].door, table[i].key, s->addresses[i], loops, loop_count, smtpd_accept, s->servers[i]};
    enum status st = listeners_open(s->listeners, &door, &s->first[i], why);
    if (st == STATUS_OK) note_listeners(s, i, before);
    return st;
}

enum status smtp_open(const struct smtp_options *options, struct smtp **ret, struct buf *ret_why) {
    struct smtp *s = *ret = calloc(1, sizeof *s);
    if (!s) abort();
    s->config = options->config;
    s->threads = options->threads;
    s->listeners = options->listeners;
    s->certificates = options->certificates;
    s->shared = options->shared;
    s->shared.hostname = s->config->delivery_hostname;
    s->crowd = new_crowd(s->config);
    sort_addresses(s);
    enum status st = read_networks(s, ret_why);
    for (size_t i = 0; st == STATUS_OK && i < SERVER_COUNT; i++) st = open_server(s, i, ret_why);
    if (st == STATUS_OK) st = smtp_reload(s, ret_why);
    if (st == STATUS_OK) tell_trusts(s);
    return st;
}

static const struct net_address *address_of(const struct smtp *s, size_t i) {
    return s->first[i].family ? &s->first[i] : NULL;
}

const struct net_address *smtp_inbox(const struct smtp *s) {
    return address_of(s, INBOX);
}

const struct net_address *smtp_submission(const struct smtp *s, bool is_tls_first) {
    if (is_tls_first) return address_of(s, SUBMISSION_TLS);
    const struct net_address *address = address_of(s, SUBMISSION);
    return address ? address : address_of(s, PUBLIC);
}

static void note_addresses(struct buf *ports, struct str addresses) {
    struct str rest = addresses, part;
    struct net_address address;
    while (!str_is_empty(addresses) && str_next(&rest, ',', &part))
        if (net_address_parse(str_trim(part), &address) == STATUS_OK) note_port(ports, &address);
}

struct str smtp_ports(const struct smtp *s, const struct config *c, struct arena *arena) {
    BUF_AUTO ports = {0};
    if (!str_is_empty(c->smtp_public_ports)) return c->smtp_public_ports;
    if (s) {
        buf_add_str(&ports, buf_str(&s->ports));
    } else {
        note_addresses(&ports, c->smtp_listen);
        note_addresses(&ports, c->smtp_listen_tls);
    }
    return ports.n ? arena_str(arena, buf_str(&ports)) : STR(PORTS_USUAL);
}

unsigned smtp_tls_port(const struct smtp *s, const struct config *c, struct str ports) {
    struct str rest = c->smtp_listen_tls, first;
    const struct net_address *address = s ? smtp_submission(s, true) : NULL;
    struct net_address said;
    BUF_AUTO text = {0};
    bool is_said = !s && !str_is_empty(rest) && str_next(&rest, ',', &first);
    if (is_said && net_address_parse(str_trim(first), &said) == STATUS_OK) address = &said;
    if (address) note_port(&text, address);
    if (text.n && has_address(ports, buf_str(&text))) return address->port;
    return has_address(ports, STR("465")) ? 465 : 0;
}

/* ---- the end ---- */
struct stopping {
    struct smtp *smtp;
    int64_t ms;
    size_t left;
    struct waiter *waiter;
};

static void on_stopped(void *arg) {
    struct stopping *stop = arg;
    if (--stop->left == 0) threads_done(stop->waiter);
}

/* All at once; each tells on this loop. */
static void stop_servers(void *arg, struct waiter *waiter) {
    struct stopping *stop = arg;
    stop->waiter = waiter;
    stop->left = 1;
    for (size_t i = 0; i < SERVER_COUNT; i++) {
        if (i == INBOX || !stop->smtp->servers[i]) continue;
        stop->left++;
        smtpd_stop(stop->smtp->servers[i], stop->ms, on_stopped, stop);
    }
    on_stopped(stop);
}

void smtp_stop(struct smtp *s, int64_t ms) {
    threads_call(s->threads, s->threads->loops[0], stop_servers, &(struct stopping){.smtp = s, .ms = ms});
}

static void stop_inbox(void *arg, struct waiter *waiter) {
    struct stopping *stop = arg;
    smtpd_stop(stop->smtp->servers[INBOX], stop->ms, threads_done, waiter);
}

void smtp_stop_inbox(struct smtp *s, int64_t ms) {
    if (!s->servers[INBOX]) return;
    threads_call(s->threads, s->threads->loops[s->threads->count - 1], stop_inbox, &(struct stopping){.smtp = s, .ms = ms});
}

void smtp_free(struct smtp **smtp) {
    struct smtp *s = *smtp;
    if (!s) return;
    *smtp = NULL;
    for (size_t i = 0; i < SERVER_COUNT; i++) smtpd_free(&s->servers[i]);
    crowd_free(&s->crowd);
    arena_fini(&s->arena);
    buf_fini(&s->ports);
    free(s);
}
