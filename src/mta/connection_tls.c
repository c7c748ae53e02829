/* connection_tls.c - whether a host is met as the mail demands: whom to expect in the handshake, what became of it, and what is
 * told about it in reports (RFC 8460).
 *
 * A host that will not do is no host that failed: the next one is tried, and nobody's pause comes of it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "mta/connection_own.h"

#define TLS_MS 120000

/* ---- for reports: how TLS went ---- */
static void note_tls(struct connection *c, const struct attempt *a, struct str host, const struct tls_verdict *verdict) {
    if (c->site->relay || c->mta->options.sandbox) return;
    struct tls_session s = {.domain = a->entry->domain,
                            .demand = &a->lot->demand,
                            .verdict = verdict,
                            .is_tls = c->facts.is_tls,
                            .is_tried = c->facts.is_tried,
                            .host = host};
    if (c->stream && str_eq(host, buf_str(&c->host))) {
        const struct net_address *local = stream_local(c->stream);
        s.from = ip_make(local->family, local->ip);
        s.to = ip_make(c->address.family, c->address.ip);
    }
    tls_results_note(c->mta->tls_results, &s);
}

/* Whose mail it would have been. */
void connection_note_unfit(struct connection *c, struct str host, const struct tls_verdict *verdict) {
    struct list *first = c->lot->ready.next;
    if (first != &c->lot->ready) note_tls(c, LIST_OWNER(first, struct attempt, node), host, verdict);
}

/* Once a connection and domain, as far as domains do not alternate. */
void connection_note_served(struct connection *c) {
    struct str domain = c->attempt->entry->domain, host = buf_str(&c->host);
    if (str_eq(domain, buf_str(&c->noted_domain))) return;
    buf_reset(&c->noted_domain);
    buf_add_str(&c->noted_domain, domain);
    struct tls_verdict verdict = tls_judge(&c->attempt->lot->demand, host, &c->facts);
    note_tls(c, c->attempt, host, &verdict);
}

/* ---- as demanded, or not ---- */
/* The host answers, but the lot's mail must not go there like this: the next one. */
void connection_unfit(struct connection *c, const struct tls_verdict *verdict) {
    LOG(LOG_INFO, "mta.tls_unfit", LOG_STR("host", buf_str(&c->host)), LOG_Z("why", verdict->words));
    connection_note(c, "not as demanded: ", verdict->words);
    c->is_any_unfit = true;
    c->in_clear = false;
    connection_note_unfit(c, buf_str(&c->host), verdict);
    session_break_tls(&c->session, verdict->enhanced, verdict->words);
    connection_try_next(c);
}

void connection_tls_failed(struct connection *c, const char *why) {
    LOG(LOG_INFO, "mta.tls_failed", LOG_STR("host", buf_str(&c->host)), LOG_Z("why", why));
    connection_note(c, "TLS failed: ", why);
    c->facts = (struct tls_facts){.is_tried = true, .check = TLS_CHECK_FAILED};
    struct tls_verdict verdict = tls_judge(&c->lot->demand, buf_str(&c->host), &c->facts);
    if (!tls_demand_allows_clear(&c->lot->demand, buf_str(&c->host))) return connection_unfit(c, &verdict);
    c->in_clear = true;
    connection_try_next(c);
}

/* Greeted: whether it is as the lot demands. False: it goes on with the next host, or is gone. */
bool connection_is_greeted_well(struct connection *c) {
    static const enum tls_check checks[] = {
        [TLS_PEER_OK] = TLS_CHECK_OK,         [TLS_PEER_EXPIRED] = TLS_CHECK_EXPIRED,
        [TLS_PEER_NAME] = TLS_CHECK_NAME,     [TLS_PEER_UNTRUSTED] = TLS_CHECK_UNTRUSTED,
        [TLS_PEER_FAILED] = TLS_CHECK_FAILED,
    };
    const struct smtp_offer *offer = &c->session.offer;
    c->facts = (struct tls_facts){.is_tls = stream_is_tls(c->stream),
                                  .is_tried = c->in_clear || offer->starttls,
                                  .check = checks[stream_tls_check(c->stream)],
                                  .offers_requiretls = offer->requiretls};
    struct tls_verdict verdict = tls_judge(&c->lot->demand, buf_str(&c->host), &c->facts);
    if (verdict.is_fit) return true;
    connection_unfit(c, &verdict);
    return false;
}

/* Whom to meet: by TLSA records where the demand has some for the host. What must verify does so now, not by an old session. */
static struct tls_peer peer_of(const struct connection *c) {
    const struct tls_demand *demand = &c->lot->demand;
    const struct tls_host *dane = tls_demand_dane(demand, buf_str(&c->host));
    struct tls_peer peer = {.name = c->host.p, .must_show = tls_demand_verifies(demand, buf_str(&c->host))};
    if (!dane || dane->dane != DANE_USABLE) return peer;
    peer.name = dane->dane_name.p;
    peer.other_name = demand->published.domain.p;
    peer.tlsa = dane->tlsa;
    peer.tlsa_count = dane->tlsa_count;
    return peer;
}

/* A password is not said before this is known (P10). */
bool connection_may_log_in(const struct connection *c) {
    const struct relay *relay = c->site->relay;
    return !relay || relay->tls != RELAY_VERIFY || stream_tls_is_verified(c->stream);
}

void connection_set_login(struct connection *c) {
    const struct relay *relay = c->site->relay;
    if (!relay) return;
    bool is_here = relay->tls == RELAY_OPPORTUNISTIC && net_address_is_loopback(&c->address);
    session_set_login(&c->session, &(struct session_login){relay->user, relay->password, is_here});
}

void connection_start_tls(struct connection *c) {
    const struct tls_peer peer = peer_of(c);
    timer_stop(&c->timer);
    if (stream_start_tls_with(c->stream, c->mta->options.tls, &peer, TLS_MS) != STATUS_OK)
        connection_tls_failed(c, "the host spoke before the handshake"); /* ST03 */
}

bool connection_is_fit(const struct connection *c, const struct lot *l) {
    struct str host = buf_str(&c->host);
    if (l == c->lot) return true;
    bool has_dane = tls_demand_dane(&l->demand, host) || tls_demand_dane(&c->lot->demand, host);
    if (l->pool != c->lot->pool || has_dane) return false;
    /* what was not looked at closely may have been checked long ago */
    if (tls_demand_verifies(&l->demand, host) && !tls_demand_verifies(&c->lot->demand, host)) return false;
    return tls_judge_host(&l->demand, host).is_fit && tls_judge(&l->demand, host, &c->facts).is_fit;
}
