/* doctor_outbound.c - can mail get out as configured: sources, relays, the files of deliveries; and does somebody hear of
 * trouble?
 * SPDX-License-Identifier: Apache-2.0 */
#include "app/doctor_own.h"
#include "app/outbound.h"
#include "app/provider_file.h"
#include "app/watch_files.h"
#include "core/bounce.h"

#include <string.h>

#define NOT_IN_SANDBOX "not needed in sandbox mode"

/* ---- sources ---- */
/* Does the name have this address? */
static bool has_address(struct patient *p, struct str name, const struct net_address *address) {
    bool is_v4 = address->family == 4;
    doctor_ask(p, name, is_v4 ? DNS_A : DNS_AAAA);
    for (size_t i = 0; i < p->answer.count; i++)
        if (memcmp(p->answer.records[i].address, address->ip, is_v4 ? 4 : 16) == 0) return true;
    return false;
}

/* What is wrong with one; "" when nothing is. */
static void examine_source(struct patient *p, const struct source *s, struct buf *out) {
    struct net_address address = {.family = s->address.family};
    BUF_AUTO why = {0};
    BUF_AUTO ip = {0};
    if (address.family == 0) return; /* the kernel's choice */
    memcpy(address.ip, s->address.ip, sizeof address.ip);
    net_address_format_ip(&ip, &address);
    if (!watch_source_works(buf_str(&ip), &why))
        buf_addf(out, "%s%.*s, %.*s: %.*s", out->n ? "; " : "", STR_ARG(s->name), STR_ARG(buf_str(&ip)), STR_ARG(buf_str(&why)));
    else if (!has_address(p, s->hostname, &address))
        buf_addf(out, "%s%.*s: its EHLO name %.*s does not have the address %.*s", out->n ? "; " : "", STR_ARG(s->name),
                 STR_ARG(s->hostname), STR_ARG(buf_str(&ip)));
    else if (!doctor_points_back(p, &address, s->hostname))
        buf_addf(out, "%s%.*s: %.*s does not point back to %.*s (PTR)", out->n ? "; " : "", STR_ARG(s->name),
                 STR_ARG(buf_str(&ip)), STR_ARG(s->hostname));
}

enum verdict check_sources(struct patient *p) {
    struct source_table *table = NULL;
    BUF_AUTO wrong = {0};
    if (p->config->sources.count == 0) return doctor_say(p, VERDICT_OK, "none is named: the machine chooses its address");
    if (p->config->delivery_mode == MODE_SANDBOX) return doctor_say(p, VERDICT_OK, NOT_IN_SANDBOX);
    if (outbound_sources(p->config, &table, &wrong) != STATUS_OK)
        return doctor_say(p, VERDICT_BAD, "%.*s", STR_ARG(buf_str(&wrong)));
    size_t count = table->count;
    for (size_t i = 0; i < count; i++) examine_source(p, &table->sources[i], &wrong);
    source_table_free(&table);
    if (wrong.n) return doctor_say(p, VERDICT_BAD, "%.*s", STR_ARG(buf_str(&wrong)));
    return doctor_say(p, VERDICT_OK, "%zu, each on this machine, with a name that points there and back", count);
}

/* ---- relays ---- */
static bool find_relay(struct patient *p, const struct relay *relay, struct net_address *ret) {
    BUF_AUTO text = {0};
    bool is_v6 = str_find(relay->host, ':') != STR_NONE;
    buf_addf(&text, is_v6 ? "[%.*s]:%u" : "%.*s:%u", STR_ARG(relay->host), (unsigned)relay->port);
    if (net_address_parse(buf_str(&text), ret) == STATUS_OK) return true;
    doctor_ask(p, relay->host, DNS_A);
    if (p->answer.count == 0) return false;
    *ret = (struct net_address){.family = 4, .port = relay->port};
    memcpy(ret->ip, p->answer.records[0].address, 4);
    return true;
}

static void examine_relay(struct patient *p, const struct relay *relay, struct buf *out) {
    struct net_address to;
    const char *between = out->n ? "; " : "";
    if (!find_relay(p, relay, &to)) {
        buf_addf(out, "%s%.*s: %.*s has no address", between, STR_ARG(relay->name), STR_ARG(relay->host));
        return;
    }
    doctor_connect(p, &to);
    if (p->connected != STATUS_OK)
        buf_addf(out, "%s%.*s: no connection to %.*s:%u (%s)", between, STR_ARG(relay->name), STR_ARG(relay->host),
                 (unsigned)relay->port, status_text(p->connected));
}

enum verdict check_relays(struct patient *p) {
    struct relay_table *table = NULL;
    BUF_AUTO wrong = {0};
    if (p->config->delivery_mode == MODE_SANDBOX) return doctor_say(p, VERDICT_OK, NOT_IN_SANDBOX);
    if (outbound_relays(p->config, &table, &wrong) != STATUS_OK)
        return doctor_say(p, VERDICT_BAD, "%.*s", STR_ARG(buf_str(&wrong)));
    size_t count = relay_count(table);
    for (size_t i = 0; i < count; i++) examine_relay(p, relay_get(table, i), &wrong);
    relay_table_free(&table);
    if (wrong.n) return doctor_say(p, VERDICT_BAD, "%.*s", STR_ARG(buf_str(&wrong)));
    if (count == 0) return doctor_say(p, VERDICT_OK, "none is named: mail goes to the recipients' own servers");
    return doctor_say(p, VERDICT_OK, "%zu, each takes connections", count);
}

/* ---- files ---- */
enum verdict check_delivery_files(struct patient *p) {
    const struct config *c = p->config;
    struct providers *providers = NULL;
    struct bounce_book *bounces = NULL;
    BUF_AUTO wrong = {0};
    enum status status = provider_file_read(c, &providers, &wrong);
    if (status == STATUS_OK) status = bounce_book_new(c->delivery_bounce_rules, &bounces, &wrong);
    providers_unref(&providers);
    bounce_book_free(&bounces);
    if (status != STATUS_OK) return doctor_say(p, VERDICT_BAD, "%.*s", STR_ARG(buf_str(&wrong)));
    bool is_own = c->delivery_providers.n || c->delivery_bounce_rules.n;
    return doctor_say(p, VERDICT_OK,
                      is_own ? "provider rows and bounce rules can be read" : "the rows and rules that are built in");
}

/* ---- alerts ---- */
enum verdict check_alerts(struct patient *p) {
    const struct config *c = p->config;
    if (c->alerts_every == 0) return doctor_say(p, VERDICT_WARN, "switched off by [alerts] every=0");
    if (c->alerts_mail.n == 0 && c->alerts_webhook.n == 0)
        return doctor_say(p, VERDICT_WARN, "only the log hears of trouble; set [alerts] mail or webhook");
    if (c->alerts_mail.n && c->mail_from.n == 0)
        return doctor_say(p, VERDICT_BAD, "[alerts] mail needs [mail] from: the gateway sends no mail of its own without");
    return doctor_say(p, VERDICT_OK, "told%s%.*s%s; posthorn alerts test tries it", c->alerts_mail.n ? " to " : "",
                      STR_ARG(c->alerts_mail), c->alerts_webhook.n ? " by webhook" : "");
}
