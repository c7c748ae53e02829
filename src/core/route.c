/* route.c - the rules that lead from a domain to hosts, as one function over what DNS has said so far.
 *
 * route_decide runs from its start whenever answers came; where it needs one that is missing it notes the question in the memo
 * and gives up the pass. So no half-way state exists, and the same answers give the same route: the shuffle within a preference
 * is a hash of the host's name with a seed drawn once. Whatever DNS may mend is TEMPORARY, never an end (P4). It asks nothing
 * itself: mta drives it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/route.h"

#include "proto/dns/memo.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

struct route_machine {
    struct arena *arena;
    const struct route_options *options;
    struct str domain;
    uint64_t shuffle_seed; /* one order for the whole life: route_decide runs many times */
    struct dns_memo memo;
    struct route result;
    bool is_decided;
};

/* What one pass over the memo found. */
struct pass {
    struct route_machine *m;
    struct route_host *hosts;
    size_t host_count;
    uint32_t ttl_s;
    bool is_waiting;        /* an answer is missing */
    bool is_sts_waited_for; /* that one, should there be hosts */
    bool is_address_secure; /* all of the host's */
    struct str canonical;   /* the host's, where CNAMEs lead to it */
    bool is_retriable;      /* some host may resolve later */
    size_t private_count;
    struct tls_host *dane; /* hosts with TLSA records, or without an answer about them */
    size_t dane_count;
    bool is_mx_secure;
    struct str sts_id;
    struct str failed; /* a host that did not resolve */
    struct str why;    /* and how */
};

static void verdict_set(struct pass *p, enum route_verdict verdict, unsigned code, const char *enhanced, struct str reason) {
    struct route *r = &p->m->result;
    r->verdict = verdict;
    r->code = code;
    r->enhanced = str_from_z(enhanced);
    r->reason = reason;
}

static const char *failure_text(const struct dns_answer *answer) {
    if (answer->bogus) return "its DNSSEC signatures do not verify (bogus)";
    return answer->status == STATUS_TIMEOUT ? "no DNS server answered in time" : "the DNS servers could not answer (SERVFAIL)";
}

static void ttl_note(struct pass *p, const struct dns_answer *answer) {
    if (answer->ttl < p->ttl_s) p->ttl_s = answer->ttl;
}

/* ---- addresses ---- */

static bool address_is_own(const struct route_options *o, const struct route_address *a) {
    for (size_t i = 0; i < o->own_count; i++) {
        if (o->own[i].family == a->family && memcmp(o->own[i].ip, a->ip, a->family == 4 ? 4 : 16) == 0) return true;
    }
    return false;
}

/* A host whose addresses are given: keep those that may be used. True when one is ours. */
static bool host_add_address(struct pass *p, struct route_host *host, const struct route_address *address) {
    const struct route_options *o = p->m->options;
    bool is_trusted = o->smarthost.n > 0; /* the operator's own choice */
    if (!is_trusted && address_is_own(o, address)) return true;
    if (!is_trusted && o->is_private && o->is_private(address)) {
        p->private_count++;
    } else if (host->address_count < ROUTE_ADDRESSES_MAX) {
        host->addresses[host->address_count++] = *address;
    }
    return false;
}

static bool host_look(struct pass *p, struct route_host *host, enum dns_type type) {
    const struct dns_answer *answer = dns_memo_look(&p->m->memo, host->name, type);
    if (!answer) {
        p->is_waiting = true;
        return false;
    }
    ttl_note(p, answer);
    if (answer->count > 0) {
        p->is_address_secure = p->is_address_secure && answer->secure;
        p->canonical = answer->canonical;
    }
    if (answer->status != STATUS_OK) {
        p->is_retriable = p->is_retriable || answer->status != STATUS_NOT_FOUND;
        p->failed = host->name;
        p->why = answer->status == STATUS_NOT_FOUND ? STR("no such name") : str_from_z(failure_text(answer));
        return false;
    }
    bool is_own = false;
    for (size_t i = 0; i < answer->count; i++) {
        struct route_address address = {.family = type == DNS_A ? 4 : 6};
        memcpy(address.ip, answer->records[i].address, type == DNS_A ? 4 : 16);
        is_own = host_add_address(p, host, &address) || is_own;
    }
    return is_own;
}

/* Fill the host's addresses. True when it is ourselves. */
static bool host_resolve(struct pass *p, struct route_host *host) {
    const struct route_options *o = p->m->options;
    if (o->smarthost.n == 0 && o->hostname.n > 0 && str_eq_nocase(host->name, o->hostname)) return true;
    p->is_address_secure = true;
    p->canonical = STR("");
    bool is_own = host_look(p, host, DNS_A);
    if (o->use_ipv6) is_own = host_look(p, host, DNS_AAAA) || is_own;
    return is_own;
}

/* ---- DANE (RFC 7672) ---- */

#define TLSA_KEPT_MAX       10   /* records of a host (P8) */
#define TLSA_KEPT_BYTES_MAX 8192 /* of their data */

/* The records that mean something to us. */
static size_t tlsa_usable(struct arena *arena, const struct dns_answer *answer, const struct dns_record **ret) {
    struct dns_record *usable = arena_array(arena, TLSA_KEPT_MAX, sizeof *usable);
    size_t count = 0, bytes = 0;
    for (size_t i = 0; i < answer->count && count < TLSA_KEPT_MAX; i++) {
        struct dns_record r = answer->records[i];
        bool has_usage = r.usage == DNS_TLSA_TRUST_ANCHOR || r.usage == DNS_TLSA_END_ENTITY;
        if (!has_usage || r.selector > 1 || r.matching > 2 || bytes + r.text.n > TLSA_KEPT_BYTES_MAX) continue;
        bytes += r.text.n;
        r.text = arena_str(arena, r.text);
        usable[count++] = r;
    }
    *ret = usable;
    return count;
}

/* What TLSA records at `base` make of the host; DANE_NONE while the answer is missing. */
static enum dane_state tlsa_look(struct pass *p, struct str base, struct tls_host *host) {
    struct arena *arena = p->m->arena;
    struct str name = arena_strf(arena, "_%u._tcp.%.*s", p->m->options->port, STR_ARG(base));
    const struct dns_answer *answer = dns_memo_look(&p->m->memo, name, DNS_TLSA);
    if (!answer) {
        p->is_waiting = true;
        return DANE_NONE;
    }
    if (answer->status == STATUS_NOT_FOUND || (answer->status == STATUS_OK && !(answer->secure && answer->count > 0)))
        return DANE_NONE;
    if (answer->status != STATUS_OK) {
        p->ttl_s = 0; /* the host is of no use before that is answered */
        return DANE_UNKNOWN;
    }
    ttl_note(p, answer);
    host->tlsa_count = tlsa_usable(arena, answer, &host->tlsa);
    return host->tlsa_count > 0 ? DANE_USABLE : DANE_UNUSABLE;
}

/* Records stand where CNAMEs lead, or else at the name that MX gave (RFC 7672 2.2.2). */
static void host_look_dane(struct pass *p, const struct route_host *host) {
    struct arena *arena = p->m->arena;
    struct tls_host h = {.dane_name = host->name};
    if (p->canonical.n > 0) {
        h.dane_name = p->canonical;
        h.dane = tlsa_look(p, p->canonical, &h);
    }
    if (h.dane == DANE_NONE && !p->is_waiting) {
        h.dane_name = host->name;
        h.dane = tlsa_look(p, host->name, &h);
    }
    if (h.dane == DANE_NONE) return;
    h.name = arena_str(arena, host->name);
    h.dane_name = arena_str(arena, h.dane_name);
    p->dane[p->dane_count++] = h;
}

/* ---- the order of hosts ---- */

/* Same seed, same host, same place among its equals - whatever order DNS gave them in. */
static uint64_t shuffle_rank(uint64_t seed, struct str name) {
    uint64_t h = seed ^ 0xcbf29ce484222325u;
    for (size_t i = 0; i < name.n; i++) h = (h ^ (uint8_t)name.p[i]) * 0x100000001b3u;
    h ^= h >> 33;
    h *= 0xff51afd7ed558ccdu;
    return h ^ (h >> 33);
}

struct candidate {
    struct str name;
    uint16_t preference;
    uint64_t rank;
};
static int candidate_cmp(const void *left, const void *right) {
    const struct candidate *a = left, *b = right;
    if (a->preference != b->preference) return a->preference < b->preference ? -1 : 1;
    if (a->rank != b->rank) return a->rank < b->rank ? -1 : 1;
    return str_cmp(a->name, b->name);
}

/* MX records in the order to try, without doubles; at most ROUTE_HOSTS_MAX. */
static size_t candidates_from(struct route_machine *m, const struct dns_answer *mx, struct candidate **ret) {
    struct candidate *all = arena_array(m->arena, mx->count + 1, sizeof *all);
    for (size_t i = 0; i < mx->count; i++) {
        struct str name = mx->records[i].name;
        all[i] = (struct candidate){name, mx->records[i].preference, shuffle_rank(m->shuffle_seed, name)};
    }
    qsort(all, mx->count, sizeof *all, candidate_cmp);
    size_t count = 0;
    for (size_t i = 0; i < mx->count && count < ROUTE_HOSTS_MAX; i++) {
        bool is_double = str_is_empty(all[i].name); /* a null MX among others means nothing (RFC 7505 3) */
        for (size_t j = 0; j < count && !is_double; j++) is_double = str_eq(all[j].name, all[i].name);
        if (!is_double) all[count++] = all[i];
    }
    *ret = all;
    return count;
}

/* Resolve all; drop what cannot be used, and ourselves with everything not preferred to us (RFC 5321 5.1).
 * True when we were among them. */
static bool hosts_fill(struct pass *p, const struct candidate *candidates, size_t count) {
    bool is_own_in_set = false;
    uint16_t own_preference = 0;
    p->hosts = arena_array(p->m->arena, count + 1, sizeof *p->hosts);
    p->dane = arena_array(p->m->arena, count + 1, sizeof *p->dane);
    for (size_t i = 0; i < count; i++) {
        if (is_own_in_set && candidates[i].preference >= own_preference) continue;
        struct route_host host = {.name = candidates[i].name, .preference = candidates[i].preference};
        if (host_resolve(p, &host)) {
            is_own_in_set = true;
            own_preference = host.preference;
            while (p->host_count > 0 && p->hosts[p->host_count - 1].preference >= own_preference) p->host_count--;
        } else if (host.address_count > 0) {
            p->hosts[p->host_count++] = host;
            if (p->is_mx_secure && p->is_address_secure) host_look_dane(p, &host);
        }
    }
    return is_own_in_set;
}

/* ---- the end ---- */

static int str_ptr_cmp(const void *a, const void *b) {
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Sorted names and the port: the same for every domain with this set, in whatever order this one has them. */
static struct str site_key(struct arena *arena, const struct route_host *hosts, size_t count, uint16_t port) {
    struct str *names = arena_array(arena, count, sizeof *names);
    BUF_AUTO key = {0};
    for (size_t i = 0; i < count; i++) names[i] = hosts[i].name;
    qsort(names, count, sizeof *names, str_ptr_cmp);
    for (size_t i = 0; i < count; i++) {
        if (i > 0) buf_add_char(&key, ',');
        buf_add_str(&key, names[i]);
    }
    buf_addf(&key, ":%u", port);
    return arena_str(arena, buf_str(&key));
}

static void hosts_finish(struct pass *p, uint16_t port) {
    struct route *r = &p->m->result;
    r->verdict = ROUTE_HOSTS;
    r->hosts = p->hosts;
    r->host_count = p->host_count;
    for (size_t i = 0; i < r->host_count; i++)
        r->hosts[i].name = arena_str(p->m->arena, r->hosts[i].name); /* outlives the memo */
    r->port = port;
    r->site = site_key(p->m->arena, r->hosts, r->host_count, port);
    r->published = (struct tls_published){.domain = p->m->domain,
                                          .sts_id = p->sts_id,
                                          .is_mx_secure = p->is_mx_secure,
                                          .hosts = p->dane,
                                          .host_count = p->dane_count};
}

/* No host is left: why, and is it for ever? Nothing that DNS may mend is (P4). */
static void nothing_left(struct pass *p, bool is_own_in_set) {
    struct arena *a = p->m->arena;
    struct str domain = p->m->domain;
    if (is_own_in_set) {
        verdict_set(p, ROUTE_TEMPORARY, 451, "4.4.6",
                    arena_strf(a, "the best mail server of %.*s is this host itself", STR_ARG(domain)));
    } else if (p->is_retriable) {
        verdict_set(p, ROUTE_TEMPORARY, 451, "4.4.3",
                    arena_strf(a, "looking up %.*s: %.*s", STR_ARG(p->failed), STR_ARG(p->why)));
    } else if (p->private_count > 0) {
        verdict_set(p, ROUTE_TEMPORARY, 451, "4.4.4",
                    arena_strf(a, "the mail servers of %.*s have only private addresses, and [delivery] allow_private is off",
                               STR_ARG(domain)));
    } else {
        verdict_set(p, ROUTE_TEMPORARY, 451, "4.4.4",
                    arena_strf(a, "no mail server of %.*s has an %s", STR_ARG(domain),
                               p->m->options->use_ipv6 ? "address" : "IPv4 address, and none of our sources has IPv6"));
    }
}

static void hosts_decide(struct pass *p, const struct candidate *candidates, size_t count, uint16_t port) {
    bool is_own_in_set = hosts_fill(p, candidates, count);
    p->is_waiting = p->is_waiting || (p->host_count > 0 && p->is_sts_waited_for);
    if (p->is_waiting) return;
    if (p->host_count > 0) {
        hosts_finish(p, port);
    } else {
        nothing_left(p, is_own_in_set);
    }
}

static void implicit_decide(struct pass *p) {
    struct candidate self = {.name = p->m->domain};
    const struct dns_answer *a = dns_memo_look(&p->m->memo, self.name, DNS_A);
    const struct dns_answer *aaaa = dns_memo_look(&p->m->memo, self.name, DNS_AAAA);
    if (!a || !aaaa) {
        p->is_waiting = true;
        return;
    }
    bool has_none = (a->status == STATUS_OK || a->status == STATUS_NOT_FOUND) && a->count == 0 &&
                    (aaaa->status == STATUS_OK || aaaa->status == STATUS_NOT_FOUND) && aaaa->count == 0;
    if (has_none) {
        verdict_set(p, ROUTE_PERMANENT, 550, "5.1.2",
                    arena_strf(p->m->arena, "%.*s has neither a mail server (MX) nor an address", STR_ARG(self.name)));
        return;
    }
    hosts_decide(p, &self, 1, p->m->options->port);
}

/* Asked for along with the MX, needed only at the end. Without an answer there is no record (RFC 8461 5.1). */
static void sts_look(struct pass *p) {
    if (!p->m->options->asks_sts) return;
    struct str name = arena_strf(p->m->arena, "_mta-sts.%.*s", STR_ARG(p->m->domain)), id;
    const struct dns_answer *txt = dns_memo_look(&p->m->memo, name, DNS_TXT);
    p->is_sts_waited_for = !txt;
    if (txt && mta_sts_record_find(txt, &id)) p->sts_id = arena_str(p->m->arena, id);
}

static void domain_decide(struct pass *p) {
    struct route_machine *m = p->m;
    const struct dns_answer *mx = dns_memo_look(&m->memo, m->domain, DNS_MX);
    sts_look(p);
    if (!mx) {
        p->is_waiting = true;
        return;
    }
    ttl_note(p, mx);
    p->is_mx_secure = mx->secure;
    if (mx->status == STATUS_NOT_FOUND) {
        verdict_set(p, ROUTE_PERMANENT, 550, "5.1.2",
                    arena_strf(m->arena, "the domain %.*s does not exist (NXDOMAIN)", STR_ARG(m->domain)));
    } else if (mx->status != STATUS_OK) {
        verdict_set(p, ROUTE_TEMPORARY, 451, "4.4.3",
                    arena_strf(m->arena, "looking up the mail servers of %.*s: %s", STR_ARG(m->domain), failure_text(mx)));
    } else if (mx->count == 0) {
        implicit_decide(p);
    } else if (mx->count == 1 && str_is_empty(mx->records[0].name)) {
        verdict_set(p, ROUTE_PERMANENT, 556, "5.1.10",
                    arena_strf(m->arena, "%.*s accepts no mail (null MX)", STR_ARG(m->domain)));
    } else {
        struct candidate *candidates = NULL;
        size_t count = candidates_from(m, mx, &candidates);
        hosts_decide(p, candidates, count, m->options->port);
    }
}

/* ---- smarthost ---- */

bool route_smarthost_parse(struct str text, struct str *ret_host, uint16_t *ret_port) {
    struct str host = text, port = {NULL, 0};
    size_t colon = str_find_last(text, ':');
    if (str_starts(text, STR("["))) {
        size_t end = str_find(text, ']');
        if (end == STR_NONE) return false;
        host = str_sub(text, 1, end - 1);
        port = str_sub(text, end + 1, SIZE_MAX);
        if (port.n > 0 && port.p[0] != ':') return false;
        port = str_sub(port, 1, SIZE_MAX);
        if (text.n > end + 1 && port.n == 0) return false;
    } else if (colon != STR_NONE) {
        host = str_sub(text, 0, colon);
        port = str_sub(text, colon + 1, SIZE_MAX);
        if (port.n == 0 || str_find(host, ':') != STR_NONE) return false;
    }
    uint64_t number = *ret_port;
    if (host.n == 0 || host.n > 255 || str_has_control(host) || str_find(host, ' ') != STR_NONE) return false;
    if (port.n > 0 && (!str_to_u64(port, &number) || number == 0 || number > 65535)) return false;
    *ret_host = host;
    *ret_port = (uint16_t)number;
    return true;
}

static bool ip_parse(struct arena *arena, struct str text, struct route_address *ret) {
    struct route_address a = {.family = 4};
    const char *z = arena_z(arena, text);
    if (inet_pton(AF_INET, z, a.ip) != 1) {
        a.family = 6;
        if (inet_pton(AF_INET6, z, a.ip) != 1) return false;
    }
    *ret = a;
    return true;
}

const struct route *route_constant(struct arena *arena, struct str name, const struct route_address *address, uint16_t port) {
    struct route *r = ARENA_NEW(arena, struct route);
    struct route_host *host = ARENA_NEW(arena, struct route_host);
    *host = (struct route_host){.name = arena_str(arena, name), .address_count = 1};
    host->addresses[0] = *address;
    *r = (struct route){.verdict = ROUTE_HOSTS, .hosts = host, .host_count = 1, .port = port, .ttl_s = ROUTE_TTL_MAX_S};
    r->site = site_key(arena, host, 1, port);
    return r;
}

static void smarthost_decide(struct pass *p) {
    const struct route_options *o = p->m->options;
    struct route_address address;
    if (ip_parse(p->m->arena, o->smarthost, &address)) {
        p->m->result = *route_constant(p->m->arena, o->smarthost, &address, o->port);
        return;
    }
    struct candidate only = {.name = o->smarthost};
    p->m->domain = o->smarthost; /* it is what the reason is about */
    hosts_decide(p, &only, 1, o->port);
}

/* ---- the machine ---- */

struct route_machine *route_new(struct arena *arena, const struct route_options *options, struct str domain) {
    struct route_machine *m = ARENA_NEW(arena, struct route_machine);
    m->arena = arena;
    m->options = options;
    m->domain = arena_str(arena, domain);
    rand_fill(options->rand, &m->shuffle_seed, sizeof m->shuffle_seed);
    return m;
}

void route_fini(struct route_machine *m) {
    dns_memo_fini(&m->memo);
}

static void route_decide(struct route_machine *m) {
    struct pass p = {.m = m, .ttl_s = ROUTE_TTL_MAX_S};
    if (m->options->smarthost.n > 0) {
        smarthost_decide(&p);
    } else {
        domain_decide(&p);
    }
    if (p.is_waiting) return;
    m->is_decided = true;
    m->result.ttl_s = p.ttl_s < ROUTE_TTL_MIN_S ? ROUTE_TTL_MIN_S : p.ttl_s;
}

size_t route_next(void *machine, struct dns_question *ret, size_t max) {
    struct route_machine *m = machine;
    if (!m->is_decided) route_decide(m);
    return m->is_decided ? 0 : dns_memo_next(&m->memo, ret, max);
}

void route_answer(void *machine, size_t index, const struct dns_answer *answer) {
    struct route_machine *m = machine;
    dns_memo_answer(&m->memo, index, answer);
}

const struct route *route_result(const struct route_machine *m) {
    return m->is_decided ? &m->result : NULL;
}
