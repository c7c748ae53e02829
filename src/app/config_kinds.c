/* config_kinds.c - the kinds of values: what each takes, and how it is printed again.
 * SPDX-License-Identifier: Apache-2.0 */
#include "app/config_own.h"

#include "core/feed.h"
#include "core/relay.h"
#include "core/retry.h"
#include "core/route.h"
#include "core/source.h"
#include "net/stream.h"
#include "proto/address/address.h"
#include "proto/address/network.h"
#include "proto/url/web_url.h"
#include "smtpd/service.h"

#include <stdio.h>
#include <string.h>

#define SIZE_MIN  (UINT64_C(64) << 10)
#define SIZE_MOST (UINT64_C(1) << 30)

const char *kind_text(const struct config_key *key, struct str text, void *field) {
    (void)key;
    if (str_has_control(text)) return "control characters are not allowed";
    *(struct str *)field = text;
    return NULL;
}

const char CONFIG_NOT_A_CHOICE[] = "no choice";

const char *kind_choice(const struct config_key *key, struct str text, void *field) {
    struct str rest = str_from_z(key->choices), word;
    for (int64_t i = 0; str_next(&rest, '|', &word); i++)
        if (str_eq_nocase(word, text)) {
            *(int64_t *)field = i;
            return NULL;
        }
    return CONFIG_NOT_A_CHOICE;
}

const char *kind_bool(const struct config_key *key, struct str text, void *field) {
    (void)key;
    static const struct {
        struct str word;
        int64_t value;
    } words[] = {{STR_INIT("yes"), 1}, {STR_INIT("no"), 0},  {STR_INIT("true"), 1}, {STR_INIT("false"), 0},
                 {STR_INIT("on"), 1},  {STR_INIT("off"), 0}, {STR_INIT("1"), 1},    {STR_INIT("0"), 0}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (str_eq_nocase(words[i].word, text)) {
            *(int64_t *)field = words[i].value;
            return NULL;
        }
    return "expected yes or no";
}

const char *kind_port(const struct config_key *key, struct str text, void *field) {
    (void)key;
    uint64_t port;
    if (!str_to_u64(text, &port) || port == 0 || port > 65535) return "expected a port number from 1 to 65535";
    *(int64_t *)field = (int64_t)port;
    return NULL;
}

/* Comma list of port numbers. */
const char *kind_ports(const struct config_key *key, struct str text, void *field) {
    struct str rest = text, part;
    int64_t port;
    while (!str_is_empty(text) && str_next(&rest, ',', &part))
        if (kind_port(key, str_trim(part), &port)) return "expected port numbers from 1 to 65535, several with commas";
    *(struct str *)field = text;
    return NULL;
}

/* How many of something; 0: as many as come. */
const char *kind_count(const struct config_key *key, struct str text, void *field) {
    (void)key;
    uint64_t count;
    if (!str_to_u64(text, &count) || count > 1000000000) return "expected a number from 0 (no limit) to 1000000000";
    *(int64_t *)field = (int64_t)count;
    return NULL;
}

/* At least one of something. */
const char *kind_number(const struct config_key *key, struct str text, void *field) {
    (void)key;
    uint64_t number;
    if (!str_to_u64(text, &number) || number == 0 || number > 1000000) return "expected a number from 1 to 1000000";
    *(int64_t *)field = (int64_t)number;
    return NULL;
}

/* Bytes, or with K, M or G behind. */
const char *kind_size(const struct config_key *key, struct str text, void *field) {
    (void)key;
    static const char units[] = "kmg";
    unsigned shift = 0;
    struct str digits = text;
    const char *unit = text.n ? strchr(units, ascii_lower(text.p[text.n - 1])) : NULL;
    if (unit && *unit) {
        shift = (unsigned)(unit - units + 1) * 10;
        digits = str_sub(text, 0, text.n - 1);
    }
    uint64_t number;
    if (!str_to_u64(digits, &number) || number > (UINT64_C(1) << 40) || number << shift < SIZE_MIN || number << shift > SIZE_MOST)
        return "expected a size from 64K to 1G, like 50M";
    *(int64_t *)field = (int64_t)(number << shift);
    return NULL;
}

/* A number and its unit; 0 needs none. */
static const struct {
    char unit;
    int64_t ms;
} spans[] = {{'d', 86400000}, {'h', 3600000}, {'m', 60000}, {'s', 1000}};
#define SPAN_MAX_MS (INT64_C(366) * 86400000)

const char *kind_span(const struct config_key *key, struct str text, void *field) {
    (void)key;
    uint64_t number;
    if (str_eq(text, STR("0"))) {
        *(int64_t *)field = 0;
        return NULL;
    }
    for (size_t i = 0; text.n && i < sizeof spans / sizeof spans[0]; i++) {
        if (ascii_lower(text.p[text.n - 1]) != spans[i].unit) continue;
        if (!str_to_u64(str_sub(text, 0, text.n - 1), &number) || number > (uint64_t)(SPAN_MAX_MS / spans[i].ms)) break;
        *(int64_t *)field = (int64_t)number * spans[i].ms;
        return NULL;
    }
    return "expected a time like 30s, 5m, 4h or 3d, at most 366d";
}

static void format_span(struct buf *out, int64_t ms) {
    size_t i = 0;
    while (ms % spans[i].ms) i++;
    buf_add_i64(out, ms / spans[i].ms);
    if (ms) buf_add_char(out, spans[i].unit);
}

const char *kind_percent(const struct config_key *key, struct str text, void *field) {
    (void)key;
    uint64_t whole, rest = 0;
    size_t dot = str_find(text, '.');
    struct str decimals = dot == STR_NONE ? STR("0") : str_sub(text, dot + 1, SIZE_MAX);
    bool is_good = str_to_u64(str_sub(text, 0, dot), &whole) && decimals.n <= 3 && str_to_u64(decimals, &rest) && whole <= 100;
    for (size_t i = decimals.n; i < 3; i++) rest *= 10;
    if (!is_good || whole * 1000 + rest > 100000) return "expected percent from 0 to 100, like 5 or 0.1";
    *(int64_t *)field = (int64_t)(whole * 1000 + rest);
    return NULL;
}

static void format_percent(struct buf *out, int64_t parts) {
    buf_addf(out, "%lld", (long long)(parts / 1000));
    int64_t rest = parts % 1000;
    if (rest == 0) return;
    buf_addf(out, ".%03lld", (long long)rest);
    while (str_ends(buf_str(out), STR("0"))) buf_cut(out, out->n - 1);
}

const char *kind_trusted(const struct config_key *key, struct str text, void *field) {
    (void)key;
    ARENA_AUTO arena = {0};
    const struct smtpd_trust *items;
    size_t count;
    const char *why = smtpd_trust_parse(&arena, text, &items, &count);
    if (!why) *(struct str *)field = text;
    return why;
}

/* Comma list of address:port; empty for none. */
const char *kind_listen(const struct config_key *key, struct str text, void *field) {
    (void)key;
    struct str rest = text, part;
    struct net_address address;
    while (!str_is_empty(text) && str_next(&rest, ',', &part))
        if (net_address_parse(str_trim(part), &address) != STATUS_OK)
            return "expected ADDRESS:PORT, like 127.0.0.1:8080 or [::1]:8080";
    *(struct str *)field = text;
    return NULL;
}

const char *kind_proxy(const struct config_key *key, struct str text, void *field) {
    (void)key;
    struct net_address address;
    if (text.n && (net_address_parse(text, &address) != STATUS_OK || address.family == 1))
        return "expected ADDRESS:PORT, like 10.0.0.1:3128 or [fd00::1]:3128";
    *(struct str *)field = text;
    return NULL;
}

/* Comma list of host@port, as the resolver takes it. */
const char *kind_servers(const struct config_key *key, struct str text, void *field) {
    (void)key;
    struct str rest = text, part;
    while (!str_is_empty(text) && str_next(&rest, ',', &part)) {
        part = str_trim(part);
        size_t at = str_find(part, '@');
        uint64_t port = 53;
        char ip[64];
        struct str host = str_sub(part, 0, at);
        if (at != STR_NONE && (!str_to_u64(str_sub(part, at + 1, SIZE_MAX), &port) || port == 0 || port > 65535))
            return "bad port; expected IP@PORT";
        struct net_address address;
        int n = snprintf(ip, sizeof ip, str_find(host, ':') == STR_NONE ? "%.*s:53" : "[%.*s]:53", STR_ARG(host));
        if (n < 0 || (size_t)n >= sizeof ip || net_address_parse(str_make(ip, (size_t)n), &address) != STATUS_OK)
            return "expected IP or IP@PORT, several with commas";
    }
    *(struct str *)field = text;
    return NULL;
}

const char *kind_networks(const struct config_key *key, struct str text, void *field) {
    (void)key;
    ARENA_AUTO arena = {0};
    struct network_list networks;
    if (!network_list_parse(&arena, text, &networks)) return "expected addresses or networks, like 127.0.0.1,10.0.0.0/8";
    *(struct str *)field = text;
    return NULL;
}

/* Letters, digits, hyphens and dots, no empty label; one label will do for a machine in a lab. */
bool config_is_host_name(struct str name) {
    struct str rest = name, label;
    if (name.n == 0 || name.n > 253) return false;
    while (str_next(&rest, '.', &label)) {
        if (label.n == 0 || label.n > 63 || label.p[0] == '-' || label.p[label.n - 1] == '-') return false;
        for (size_t i = 0; i < label.n; i++)
            if (!ascii_is_alnum(label.p[i]) && label.p[i] != '-') return false;
    }
    return true;
}

const char *kind_hostname(const struct config_key *key, struct str text, void *field) {
    (void)key;
    if (!str_is_empty(text) && !config_is_host_name(text)) return "not a host name";
    *(struct str *)field = text;
    return NULL;
}

const char *kind_hostnames(const struct config_key *key, struct str text, void *field) {
    (void)key;
    struct str rest = text, name;
    while (!str_is_empty(text) && str_next(&rest, ',', &name))
        if (!config_is_host_name(str_trim(name))) return "expected host names with commas between them";
    *(struct str *)field = text;
    return NULL;
}

const char *kind_url(const struct config_key *key, struct str text, void *field) {
    (void)key;
    if (!str_is_empty(text) && !str_starts(text, STR("http://")) && !str_starts(text, STR("https://")))
        return "expected an http:// or https:// URL";
    return kind_text(key, text, field);
}

struct str config_origin(struct str url) {
    size_t n = url.n ? str_find_str(url, STR("://")) + 3 : 0;
    while (n < url.n && str_find(STR("/?#"), url.p[n]) == STR_NONE) n++;
    return str_sub(url, 0, n);
}

const char *kind_origin(const struct config_key *key, struct str text, void *field) {
    (void)key;
    ARENA_AUTO arena = {0};
    struct web_url url;
    struct str origin = config_origin(text);
    bool is_url = str_starts(text, STR("http")) && web_url_parse(text, &arena, &url);
    if (text.n && (!is_url || !(text.n == origin.n || str_eq(str_sub(text, origin.n, SIZE_MAX), STR("/")))))
        return "expected a URL of nothing but scheme, host and port, like https://mail.example.com";
    *(struct str *)field = origin;
    return NULL;
}

const char *kind_email(const struct config_key *key, struct str text, void *field) {
    (void)key;
    ARENA_AUTO arena = {0};
    struct address address;
    if (!str_is_empty(text) && !address_parse(text, &arena, &address)) return "expected an e-mail address";
    *(struct str *)field = text;
    return NULL;
}

const char *kind_store(const struct config_key *key, struct str text, void *field) {
    if (!str_is_empty(text) && !str_starts(text, STR("postgresql://")) && !str_starts(text, STR("postgres://")))
        return "expected a postgresql:// URL, or nothing for SQLite in the data folder";
    return kind_text(key, text, field);
}

const char *kind_feed(const struct config_key *key, struct str text, void *field) {
    (void)key;
    struct feed_target target;
    struct net_address reader;
    bool is_good = text.n == 0 || feed_target_parse(text, &target);
    if (is_good && text.n && target.kind != FEED_FILE)
        is_good = net_address_parse(target.kind == FEED_UNIX ? text : target.place, &reader) == STATUS_OK &&
                  (reader.family == 1) == (target.kind == FEED_UNIX);
    if (!is_good) return "expected file:/path, unix:/path or tcp:ADDRESS:PORT, like tcp:127.0.0.1:5170";
    *(struct str *)field = text;
    return NULL;
}

const char *kind_smarthost(const struct config_key *key, struct str text, void *field) {
    (void)key;
    struct str host;
    uint16_t port = 25;
    if (!str_is_empty(text) && !route_smarthost_parse(text, &host, &port)) return "expected HOST or HOST:PORT";
    *(struct str *)field = text;
    return NULL;
}

const char *kind_retry(const struct config_key *key, struct str text, void *field) {
    (void)key;
    struct retry_schedule schedule;
    BUF_AUTO why = {0};
    if (!retry_schedule_parse(text, &schedule, &why)) return "expected a comma list of times like 30s,5m,1h";
    *(struct str *)field = text;
    return NULL;
}

/* A host's name or an IP address, without a port. */
const char *kind_host(const struct config_key *key, struct str text, void *field) {
    (void)key;
    struct ip ip;
    if (!str_is_empty(text) && !config_is_host_name(text) && !ip_parse(text, &ip)) return "expected a host name or an IP address";
    *(struct str *)field = text;
    return NULL;
}

/* Kinds that core knows. */
static const char *checked(const char *why, struct str text, void *field) {
    if (!why) *(struct str *)field = text;
    return why;
}
const char *kind_domains(const struct config_key *key, struct str text, void *field) {
    (void)key;
    return checked(relay_domains_check(text), text, field);
}
const char *kind_source_address(const struct config_key *key, struct str text, void *field) {
    (void)key;
    return checked(source_address_check(text), text, field);
}
const char *kind_pools(const struct config_key *key, struct str text, void *field) {
    (void)key;
    return checked(source_pools_check(text), text, field);
}
const char *kind_day(const struct config_key *key, struct str text, void *field) {
    (void)key;
    return checked(source_day_check(text), text, field);
}
const char *kind_plan(const struct config_key *key, struct str text, void *field) {
    (void)key;
    return checked(source_plan_check(text), text, field);
}

static void format_size(struct buf *out, int64_t bytes) {
    static const char units[] = {'K', 'M', 'G'};
    size_t i = 0;
    int64_t number = bytes;
    while (i < sizeof units && number % 1024 == 0) {
        number /= 1024;
        i++;
    }
    buf_add_i64(out, number);
    if (i) buf_add_char(out, units[i - 1]);
}

void config_value_format(struct buf *out, const struct config_key *key, const void *base) {
    const void *field = (const char *)base + key->offset;
    if (key->kind == kind_choice) {
        struct str rest = str_from_z(key->choices), word = {0};
        for (int64_t i = 0; i <= *(const int64_t *)field && str_next(&rest, '|', &word); i++) {
        }
        buf_add_str(out, word);
    } else if (key->kind == kind_bool)
        buf_add_z(out, *(const int64_t *)field ? "yes" : "no");
    else if (key->kind == kind_size)
        format_size(out, *(const int64_t *)field);
    else if (key->kind == kind_span)
        format_span(out, *(const int64_t *)field);
    else if (key->kind == kind_percent)
        format_percent(out, *(const int64_t *)field);
    else if (key->kind == kind_port || key->kind == kind_count || key->kind == kind_number)
        buf_add_i64(out, *(const int64_t *)field);
    else if (key->is_secret && !str_is_empty(*(const struct str *)field))
        buf_add_z(out, "***");
    else
        buf_add_str(out, *(const struct str *)field);
}
