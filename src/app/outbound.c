/* outbound.c - see outbound.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "app/outbound.h"

#include "app/provider_file.h"
#include "core/bounce.h"
#include "core/route.h"

enum status outbound_sources(const struct config *c, struct source_table **ret, struct buf *ret_why) {
    ARENA_AUTO arena = {0};
    const struct config_source *items = c->sources.items;
    struct source_row *rows = arena_array(&arena, c->sources.count, sizeof *rows);
    for (size_t i = 0; i < c->sources.count; i++)
        rows[i] = (struct source_row){.name = items[i].name,
                                      .address = items[i].address,
                                      .hostname = items[i].hostname,
                                      .pools = items[i].pool,
                                      .warmup = items[i].warmup,
                                      .warmup_plan = items[i].warmup_plan,
                                      .weight = (unsigned)items[i].weight};
    return source_table_new(rows, c->sources.count, c->delivery_hostname, ret, ret_why);
}

static struct relay_row relay_row_of(const struct config_relay *item) {
    return (struct relay_row){.name = item->name,
                              .host = item->host,
                              .port = (uint16_t)item->port,
                              .user = item->user,
                              .password = item->password,
                              .tls = (int)item->tls - 1,
                              .domains = item->domains,
                              .senders = item->senders};
}

/* False: there is none. */
static bool smarthost_row(const struct config *c, struct relay_row *ret) {
    *ret = (struct relay_row){.name = STR(RELAY_SMARTHOST),
                              .port = 25,
                              .user = c->delivery_smarthost_user,
                              .password = c->delivery_smarthost_password,
                              .tls = (int)c->delivery_smarthost_tls - 1};
    return !str_is_empty(c->delivery_smarthost) && route_smarthost_parse(c->delivery_smarthost, &ret->host, &ret->port);
}

enum status outbound_relays(const struct config *c, struct relay_table **ret, struct buf *ret_why) {
    ARENA_AUTO arena = {0};
    const struct config_relay *items = c->relays.items;
    struct relay_row *rows = arena_array(&arena, c->relays.count + 1, sizeof *rows);
    size_t count = 0;
    if (smarthost_row(c, &rows[0])) count++;
    if (!count && (rows[0].user.n || rows[0].password.n)) {
        buf_add_z(ret_why, "[delivery] smarthost_user and smarthost_password need smarthost");
        return STATUS_INVALID;
    }
    for (size_t i = 0; i < c->relays.count; i++) {
        rows[count] = relay_row_of(&items[i]);
        if (rows[count].domains.n || rows[count].senders.n) {
            count++;
            continue;
        }
        buf_addf(ret_why, "[relay %.*s]: needs domains or senders; for all mail there is [delivery] smarthost",
                 STR_ARG(items[i].name));
        return STATUS_INVALID;
    }
    return relay_table_new(rows, count, ret, ret_why);
}

enum status outbound_check(const struct config *c, struct buf *ret_why) {
    struct source_table *sources = NULL;
    struct relay_table *relays = NULL;
    enum status st = outbound_sources(c, &sources, ret_why);
    if (st == STATUS_OK) st = outbound_relays(c, &relays, ret_why);
    source_table_free(&sources);
    relay_table_free(&relays);
    return st;
}

enum status outbound_check_files(const struct config *c, struct buf *ret_why) {
    struct providers *providers = NULL;
    struct bounce_book *bounces = NULL;
    BUF_AUTO wrong = {0};
    enum status st = provider_file_read(c, &providers, ret_why);
    if (st == STATUS_OK && bounce_book_new(c->delivery_bounce_rules, &bounces, &wrong) != STATUS_OK) {
        buf_addf(ret_why, "[delivery] bounce_rules: %.*s", STR_ARG(buf_str(&wrong)));
        st = STATUS_INVALID;
    }
    providers_unref(&providers);
    bounce_book_free(&bounces);
    return st;
}
