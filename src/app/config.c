/* config.c - the table of keys and what reads it.
 *
 * To add a key: a field in struct config and a row here. Everything else (parsing, check-config, manual) follows from the row.
 * SPDX-License-Identifier: Apache-2.0 */
#include "app/config_own.h"

#include "app/outbound.h"
#include "base/file.h"
#include "base/log.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEY(section_, name_, initial_, kind_, field_, ...)                                                                       \
    CONFIG_KEY_OF(struct config, section_, name_, initial_, kind_, field_, __VA_ARGS__)

static const struct config_key config_keys[] = {
    KEY("data", "dir", "data", kind_text, data_dir, .sentence = "Folder of the database, the lock and the control socket."),
    KEY("data", "url", "", kind_store, data_url, .is_secret = true,
        .sentence = "postgresql://USER@HOST/DATABASE to keep everything in PostgreSQL; empty: SQLite in the data folder."),
    KEY("data", "user", "", kind_text, data_user,
        .sentence = "User to become when started as root; empty: the data folder's owner, else posthorn, else nobody."),
    KEY("http", "listen", "127.0.0.1:8080", kind_listen, http_listen, .sentence = "Addresses of the HTTP API, comma separated."),
    KEY("http", "base_url", "", kind_url, http_base_url,
        .sentence = "How the world reaches the API, as the first screen shows it; empty: the first address."),
    KEY("http", "trusted_proxies", "", kind_networks, http_trusted_proxies,
        .sentence = "Addresses or networks whose X-Forwarded-For is believed, comma separated."),
    KEY("http", "tls_listen", "", kind_listen, http_tls_listen,
        .sentence = "Addresses of the HTTPS API; needs a certificate, by [tls] or [acme]."),
    KEY("dns", "servers", "", kind_servers, dns_servers,
        .sentence = "Name servers to ask, IP@PORT, comma separated; empty: the system's."),
    KEY("dns", "trust_anchor", "", kind_text, dns_trust_anchor,
        .sentence = "DNSSEC trust anchor file; empty: the distribution's."),
    KEY("tls", "cert", "", kind_text, tls_cert, .sentence = "Certificate chain, PEM."),
    KEY("tls", "key", "", kind_text, tls_key, .sentence = "Private key of the certificate, PEM."),
    KEY("tls", "folder", "", kind_text, tls_folder,
        .sentence =
            "Folder of certificates by host name, shown to whoever asks for one of their hosts: X.pem or X.crt with the key "
            "behind it or in X.key, or X/fullchain.pem with X/privkey.pem. What changes there is read within a minute."),
    KEY("acme", "directory", "", kind_url, acme_directory,
        .sentence =
            "Directory URL of an authority that gives certificates by ACME (RFC 8555), for our own hosts and for verified "
            "tracking hosts, which must reach [http] listen at port 80; empty: none are asked for."),
    KEY("acme", "agree", "no", kind_bool, acme_agree,
        .sentence = "You agree to the authority's terms of service: it asks for that."),
    KEY("acme", "contact", "", kind_email, acme_contact, .sentence = "Whom the authority may write to; empty: nobody."),
    KEY("acme", "ca", "", kind_text, acme_ca,
        .sentence =
            "Certificates, PEM, that the authority's own server is checked by besides the system's, for one of your own."),
    KEY("log", "level", "info", kind_choice, log_level, .choices = "debug|info|warn|error",
        .sentence = "The least important lines to write."),
    KEY("log", "format", "logfmt", kind_choice, log_format, .choices = "logfmt|json", .sentence = "Shape of a log line."),
    KEY("delivery", "mode", "live", kind_choice, delivery_mode, .choices = "live|sandbox",
        .sentence = "live delivers to the recipients' servers; sandbox delivers everything to the built-in inbox."),
    KEY("delivery", "hostname", "", kind_hostname, delivery_hostname,
        .sentence = "Our name in EHLO and in MX records; empty: the machine's."),
    KEY("delivery", "port", "25", kind_port, delivery_port, .sentence = "Port of the recipients' servers."),
    KEY("delivery", "allow_private", "no", kind_bool, delivery_allow_private,
        .sentence = "Deliver to loopback and private addresses too."),
    KEY("delivery", "smarthost", "", kind_smarthost, delivery_smarthost,
        .sentence = "HOST:PORT that takes all mail instead of the recipients' servers."),
    KEY("delivery", "smarthost_user", "", kind_text, delivery_smarthost_user,
        .sentence = "Who we log in as at the smarthost; empty: no login."),
    KEY("delivery", "smarthost_password", "", kind_text, delivery_smarthost_password, .is_secret = true,
        .sentence = "What with."),
    KEY("delivery", "smarthost_tls", "auto", kind_choice, delivery_smarthost_tls, .choices = "auto|opportunistic|require|verify",
        .sentence = "What we demand of its TLS, as [relay NAME] tls does."),
    KEY("delivery", "tls_ca", "", kind_text, delivery_tls_ca,
        .sentence =
            "Certificates, PEM, of authorities of your own, whom we trust besides the system's about the recipients' servers and "
            "their MTA-STS policies."),
    KEY("delivery", "mta_sts", "yes", kind_bool, delivery_mta_sts,
        .sentence =
            "Obey the MTA-STS policies of recipients' domains (RFC 8461). DANE (RFC 7672) needs a [dns] trust_anchor only."),
    KEY("delivery", "mta_sts_port", "443", kind_port, delivery_mta_sts_port,
        .sentence = "Port of the servers of MTA-STS policies."),
    KEY("delivery", "providers", "", kind_text, delivery_providers,
        .sentence = "File of limits for big receivers, by their MX hosts (posthorn providers prints it); empty: those built in."),
    KEY("delivery", "bounce_rules", "", kind_text, delivery_bounce_rules,
        .sentence = "File of rules that say which class of bounce a server's reply is, looked at before those built in "
                    "(posthorn bounce rules prints them); empty: none."),
    KEY("delivery", "delay_notice", "no", kind_bool, delivery_delay_notice,
        .sentence =
            "Tell senders who submitted by SMTP when a message still waits after 4 hours, though they did not say NOTIFY=DELAY."),
    KEY("delivery", "transcripts", "failures", kind_choice, delivery_transcripts, .choices = "failures|all|none",
        .sentence = "Of which attempts the SMTP dialogue is kept, without content: the last 5 of a recipient (posthorn message "
                    "transcript). "
                    "all costs a row for each delivery."),
    KEY("delivery", "retry", "", kind_retry, delivery_retry,
        .sentence =
            "Waits between tries, like 30s,5m,1h, the last one repeating; empty: 1, 3, 5, 10, 20, 40 min, doubling to 4 h."),
    KEY("smtp", "public_host", "", kind_hostname, smtp_public_host,
        .sentence = "Host that SMTP users are told to connect to; empty: [delivery] hostname."),
    KEY("smtp", "public_ports", "", kind_ports, smtp_public_ports,
        .sentence = "Ports that SMTP users are told, comma separated; empty: those of listen and listen_tls, else 25,587,465."),
    KEY("smtp", "listen", "", kind_listen, smtp_listen,
        .sentence = "Addresses where SMTP users submit mail, with STARTTLS, comma separated; 587 is the usual port."),
    KEY("smtp", "listen_tls", "", kind_listen, smtp_listen_tls,
        .sentence = "The same with TLS from the first byte; 465 is the usual port."),
    KEY("smtp", "return_path", "", kind_listen, smtp_return_path,
        .sentence =
            "Addresses where bounces, complaints and unsubscribe mails come home: port 25 of the host that the return-path "
            "domains' MX names. One that stands in listen too serves both."),
    KEY("smtp", "trusted", "", kind_trusted, smtp_trusted,
        .sentence = "Networks whose clients submit for a sender domain without a login, NETWORK=DOMAIN, comma separated: for "
                    "appliances that have none."),
    KEY("smtp", "proxies", "", kind_networks, smtp_proxies,
        .sentence = "Addresses or networks of proxies that begin each connection with a PROXY header, version 1 or 2, comma "
                    "separated; theirs must have one, anybody else's is refused."),
    KEY("smtp", "xclient", "", kind_networks, smtp_xclient,
        .sentence = "Addresses or networks of SMTP proxies whose XCLIENT is believed, comma separated. None that passes its "
                    "clients' own commands on."),
    KEY("smtp", "auth_without_tls", "never", kind_choice, smtp_auth_without_tls, .choices = "never|loopback",
        .sentence = "Whether clients on this machine may log in without TLS."),
    KEY("smtp", "message_max", "50M", kind_size, smtp_message_max, .sentence = "Size of a message that is taken over SMTP."),
    KEY("smtp", "recipients_max", "1000", kind_number, smtp_recipients_max,
        .sentence = "Recipients of a message that is submitted over SMTP."),
    KEY("smtp", "connections", "10000", kind_number, smtp_connections, .sentence = "SMTP connections at a time."),
    KEY("smtp", "connections_per_address", "50", kind_number, smtp_connections_per_address,
        .sentence = "SMTP connections at a time of one client address (of IPv6 its /64)."),
    KEY("webhook", "allow_private", "no", kind_bool, webhook_allow_private,
        .sentence = "Let webhooks call loopback, private and link-local addresses too."),
    KEY("webhook", "timeout", "15s", kind_span, webhook_timeout, .sentence = "How long a call may take, from 1 s to 1 min."),
    KEY("webhook", "calls", "500", kind_number, webhook_calls,
        .sentence =
            "Calls at a time, 1 to 5,000; an endpoint has 20 of them at most, and an account half of what the others left."),
    KEY("webhook", "proxy", "", kind_proxy, webhook_proxy,
        .sentence = "HTTP proxy for calls, ADDRESS:PORT: it is asked for tunnels (CONNECT) to addresses that were looked up and "
                    "judged here; empty: none."),
    KEY("webhook", "tls_ca", "", kind_text, webhook_tls_ca,
        .sentence = "Certificates, PEM, of authorities of your own, whom we trust besides the system's about webhooks' servers."),
    KEY("track", "listen", "", kind_listen, track_listen,
        .sentence =
            "Addresses that serve opens, clicks and unsubscribes and nothing else, comma separated. The HTTP API's addresses "
            "serve them in any case."),
    KEY("track", "tls_listen", "", kind_listen, track_tls_listen,
        .sentence = "The same with TLS; needs a certificate, by [tls] or [acme]."),
    KEY("track", "key_version", "1", kind_number, track_key_version,
        .sentence = "Version of the key that signs links, 1 to 255: one more is a new key. Links of older ones go on working."),
    KEY("track", "oldest_key", "1", kind_number, track_oldest_key,
        .sentence = "The oldest version whose links still work; of these the newest 16 do."),
    KEY("track", "patience", "250", kind_number, track_patience,
        .sentence = "Milliseconds after which an open or a click is answered though it is not stored yet."),
    KEY("track", "networks", "", kind_text, track_networks,
        .sentence = "File of networks that only machines look at mail from; empty: those built in."),
    KEY("track", "countries", "", kind_text, track_countries,
        .sentence = "Database of countries in MaxMind's format, like GeoLite2-Country.mmdb, for opens and clicks; empty: none."),
    KEY("track", "base_url", "", kind_origin, track_base_url,
        .sentence = "Where opens, clicks and unsubscribes come home to of domains whose tracking record is not verified, like "
                    "https://mail.example.com; empty: the host of [http] base_url, in the sandbox [http] listen; without any "
                    "such domains' mail is not tracked. With http:// there is no one-click unsubscribe."),
    KEY("track", "hosts", "", kind_hostnames, track_hosts,
        .sentence = "Hosts that base_url had before, comma separated: links that lead to them go on working."),
    KEY("track", "life", "0", kind_span, track_life,
        .sentence = "How long links of a message work once its delivery is no longer tried; 0: for ever. Those to unsubscribe "
                    "always do."),
    KEY("track", "text", "no", kind_bool, track_text, .sentence = "Track links of plain texts too."),
    KEY("keys", "master", "", kind_text, keys_master,
        .sentence =
            "File of the master key; empty: master.key beside the configuration file, else beside the data folder. BACK IT UP: "
            "without it the stored DKIM and sender keys cannot be opened."),
    KEY("mail", "from", "", kind_email, mail_from,
        .sentence =
            "From of the gateway's own mail (address checks, forgotten passwords); its domain must be an enabled sender domain "
            "here, of the operator's own account. Empty: it sends none."),
    KEY("tls_report", "from", "", kind_email, tls_report_from,
        .sentence =
            "From of daily reports about TLS (RFC 8460) to the domains that ask for them; its domain must be an enabled sender "
            "domain here. Empty: none are sent."),
    KEY("tls_report", "organization", "", kind_text, tls_report_organization,
        .sentence = "Who reports, as the reports call it; empty: the domain of from."),
    KEY("tls_report", "contact", "", kind_text, tls_report_contact,
        .sentence = "Whom their readers may ask, an address or a URL; empty: from."),
    KEY("store", "disk_free", "512", kind_count, store_disk_free,
        .sentence = "New mail is refused (507, or 452 over SMTP) while the disk of the database has fewer megabytes free, those "
                    "inside of the "
                    "database's file counted; what is there goes on. Never fewer than 192."),
    KEY("store", "disk", "", kind_text, store_disk,
        .sentence = "Folder on the disk that is looked at. Empty: that of SQLite's file; none for PostgreSQL, whose disk its "
                    "operator watches."),
    KEY("events", "feed", "", kind_feed, events_feed,
        .sentence =
            "Where every event goes, a line of JSON each as GET /api/v1/events shows it, for a warehouse of your own: "
            "file:/path, unix:/path or tcp:ADDRESS:PORT (in the clear: keep it on this machine or in a network of yours). At "
            "least once, from the first start with it on; empty: nowhere."),
    KEY("keep", "body_days", "30", kind_number, keep_body_days,
        .sentence =
            "Contents of messages are kept so many days, unless their account says otherwise; longer while somebody waits for "
            "them."),
    KEY("keep", "event_days", "400", kind_number, keep_event_days,
        .sentence = "So long are events kept, and the messages they are of. Statistics stay."),
    KEY("keep", "body_days_max", "0", kind_count, keep_body_days_max,
        .sentence = "The most days of contents that an account may choose; 0: no more than body_days."),
    KEY("keep", "event_days_max", "0", kind_count, keep_event_days_max,
        .sentence = "The most days of events that an account may choose; 0: no more than event_days."),
    KEY("alerts", "mail", "", kind_email, alerts_mail,
        .sentence = "Who is told of trouble by mail, which needs [mail] from; empty: nobody. The log is told always."),
    KEY("alerts", "webhook", "", kind_url, alerts_webhook, .is_secret = true,
        .sentence = "URL that is told by a POST of JSON; empty: none."),
    KEY("alerts", "allow_private", "no", kind_bool, alerts_allow_private,
        .sentence = "Let the webhook be http and at a loopback or private address."),
    KEY("alerts", "again", "4h", kind_span, alerts_again,
        .sentence = "An alert that lasts is told again after such a time; 0: never."),
    KEY("alerts", "every", "1m", kind_span, alerts_every, .sentence = "Time between two looks; 0: no alerts at all."),
    KEY("alerts", "calm", "5m", kind_span, alerts_calm,
        .sentence = "How long nothing may be seen of a trouble before it counts as over."),
    KEY("alerts", "queue_age", "30m", kind_span, alerts_queue_age,
        .sentence = "Transactional mail that waits so long behind its time is an alert; 0: never."),
    KEY("alerts", "site", "1h", kind_span, alerts_site,
        .sentence = "So is a site none of whose hosts answered for such a time while mail waits for it; 0: never."),
    KEY("alerts", "feed", "10m", kind_span, alerts_feed,
        .sentence = "So are events that wait for [events] feed for such a time; 0: never."),
    KEY("alerts", "certificate", "14d", kind_span, alerts_certificate,
        .sentence = "So is a certificate that expires within such a time, or cannot be read; 0: never."),
    KEY("alerts", "disk_percent", "5", kind_percent, alerts_disk_percent,
        .sentence = "So is a data folder with less of its disk free, in percent; 0: never."),
    KEY("alerts", "disk_free", "1024", kind_count, alerts_disk_free, .sentence = "... or with fewer megabytes free; 0: never."),
    KEY("alerts", "messages", "200", kind_number, alerts_messages,
        .sentence = "Bounces and complaints are judged of sender domains that reached so many recipients within a day."),
    KEY("alerts", "bounces", "5", kind_percent, alerts_bounces,
        .sentence = "Percent of a domain's recipients that do not exist, above which is an alert; 0: never."),
    KEY("alerts", "bounces_suspend", "10", kind_percent, alerts_bounces_suspend,
        .sentence = "... above which the domain is suspended, if suspend says so; 0: never."),
    KEY("alerts", "complaints", "0.1", kind_percent, alerts_complaints,
        .sentence = "Percent of a domain's reached recipients that complained, above which is an alert; 0: never."),
    KEY("alerts", "complaints_suspend", "0.5", kind_percent, alerts_complaints_suspend,
        .sentence = "... above which the domain is suspended, if suspend says so; 0: never."),
    KEY("alerts", "suspend", "no", kind_bool, alerts_suspend,
        .sentence = "Suspend a domain above these limits by itself: its mail is refused, what waits is held till domain enable."),
    KEY("domains", "check_every", "24h", kind_span, domains_check_every,
        .sentence = "Time between two looks at the DNS records of a domain that was verified; 0: none but VerifyDomain's."),
    KEY("domains", "grace_days", "3", kind_count, domains_grace_days,
        .sentence = "Days that a domain with wrong records goes on sending, if stop_failing says so; 0: for ever."),
    KEY("domains", "stop_failing", "no", kind_bool, domains_stop_failing,
        .sentence = "Stop domains from sending whose records stay wrong; right ones let them send again at once."),
    KEY("api", "v1_errors", "http", kind_choice, api_v1_errors, .choices = "http|always-200",
        .sentence = "Whether refusals of /api/v1 carry real HTTP statuses or always 200."),
    KEY("limits", "key_per_minute", "1200", kind_count, limits_key_per_minute,
        .sentence = "API requests a minute by one key or session; 0: any number."),
    KEY("limits", "account_per_minute", "12000", kind_count, limits_account_per_minute,
        .sentence = "API requests a minute by one account, with all its keys; 0: any number."),
    KEY("limits", "address_per_minute", "60000", kind_count, limits_address_per_minute,
        .sentence = "API requests a minute from one client address (of IPv6 its /64); 0: any number."),
};
#define KEY_COUNT (sizeof config_keys / sizeof config_keys[0])

const struct config_key *config_keys_all(size_t *ret_count) {
    *ret_count = KEY_COUNT;
    return config_keys;
}

/* `${NAME}` -> the environment's NAME. NULL, or why not. */
static const char *expand_environment(struct arena *arena, struct str *text) {
    for (size_t start; (start = str_find_str(*text, STR("${"))) != STR_NONE;) {
        struct str tail = str_sub(*text, start + 2, SIZE_MAX);
        size_t end = str_find(tail, '}');
        if (end == STR_NONE) return "${ without }";
        const char *value = getenv(arena_z(arena, str_sub(tail, 0, end)));
        if (!value) return "names an environment variable that is not set";
        if (strstr(value, "${")) return "names an environment variable that holds ${ itself";
        struct str before = str_sub(*text, 0, start), after = str_sub(tail, end + 1, SIZE_MAX);
        *text = arena_strf(arena, "%.*s%s%.*s", STR_ARG(before), value, STR_ARG(after));
    }
    return NULL;
}

static const char *read_secret_file(struct arena *arena, struct str *text) {
    FILE *f = fopen(arena_z(arena, str_sub(*text, 5, SIZE_MAX)), "re");
    if (!f) return "the file it names cannot be read";
    char line[4096];
    bool got = fgets(line, sizeof line, f) != NULL;
    fclose(f);
    if (!got) return "the file it names is empty";
    *text = str_trim(arena_str(arena, str_from_z(line)));
    explicit_bzero(line, sizeof line);
    return NULL;
}

const char *config_key_set(struct arena *arena, const struct config_key *key, void *base, struct str value) {
    struct str text = arena_str(arena, str_trim(value));
    const char *why = expand_environment(arena, &text);
    if (!why && key->is_secret && str_starts(text, STR("file:"))) why = read_secret_file(arena, &text);
    if (!why) why = key->kind(key, text, (char *)base + key->offset);
    return why == CONFIG_NOT_A_CHOICE ? arena_strf(arena, "expected one of %s", key->choices).p : why;
}

static const struct config_key *find_key(struct str section, struct str name, const char **ret_why) {
    struct str item;
    const struct config_group *group = config_group_find(section, &item);
    size_t count = group ? group->key_count : KEY_COUNT;
    *ret_why = group ? "unknown key in this section" : "unknown section";
    for (size_t i = 0; i < count; i++) {
        const struct config_key *key = group ? &group->keys[i] : &config_keys[i];
        if (!group && !str_eq(section, str_from_z(key->section))) continue;
        if (str_eq(name, str_from_z(key->name))) return key;
        *ret_why = "unknown key in this section";
    }
    return NULL;
}

static const char *config_set(struct config *c, struct str section, struct str name, struct str value) {
    const char *why;
    const struct config_key *key = find_key(section, name, &why);
    if (!key) return why;
    struct str item;
    const struct config_group *group = config_group_find(section, &item);
    void *base = group ? config_group_item(c, group, item, &why) : c;
    return base ? config_key_set(&c->arena, key, base, value) : why;
}

/* The value as an error may print it (P10): a key that is misspelt may be a secret's. */
static struct str shown(struct str section, struct str name, struct str value) {
    const char *why;
    const struct config_key *key = find_key(section, name, &why);
    return !key || key->is_secret ? STR("***") : value;
}

void config_init(struct config *c) {
    memset(c, 0, sizeof *c);
    for (size_t i = 0; i < KEY_COUNT; i++) {
        const char *why = config_key_set(&c->arena, &config_keys[i], c, str_from_z(config_keys[i].initial));
        if (why) abort(); /* a default that its own check refuses is a bug */
    }
}

void config_fini(struct config *c) {
    arena_fini(&c->arena);
}

/* `line` up to a comment: a semicolon at the start or after a blank, or a '#' at the start. */
static struct str without_comment(struct str line) {
    for (size_t i = 0; i < line.n; i++)
        if (line.p[i] == ';' && (i == 0 || line.p[i - 1] == ' ' || line.p[i - 1] == '\t')) return str_trim(str_sub(line, 0, i));
    return str_starts(line, STR("#")) ? (struct str){0} : line;
}

/* A section with a name is there once it is named, with all defaults. */
static enum status enter_section(struct config *c, struct str section, struct buf *ret_why) {
    struct str name;
    const char *why = NULL;
    const struct config_group *group = config_group_find(section, &name);
    if (!group || config_group_item(c, group, name, &why)) return STATUS_OK;
    buf_addf(ret_why, "[%.*s]: %s", STR_ARG(section), why);
    return STATUS_INVALID;
}

/* One line, comment and blanks around it taken off. `section` is the current one; a header changes it. */
static enum status read_line(struct config *c, struct str line, struct str *section, struct buf *ret_why) {
    size_t equals = str_find(line, '=');
    if (str_is_empty(line)) return STATUS_OK;
    if (line.p[0] == '[' && str_ends(line, STR("]"))) {
        *section = str_trim(str_sub(line, 1, line.n - 2));
        return enter_section(c, *section, ret_why);
    }
    if (line.p[0] == '[' || equals == STR_NONE) {
        buf_add_z(ret_why, "not a [section], key = value or comment");
        return STATUS_INVALID;
    }
    struct str name = str_trim(str_sub(line, 0, equals)), value = str_trim(str_sub(line, equals + 1, SIZE_MAX));
    const char *why = config_set(c, *section, name, value);
    if (!why) return STATUS_OK;
    buf_addf(ret_why, "[%.*s] %.*s = %.*s: %s", STR_ARG(*section), STR_ARG(name), STR_ARG(shown(*section, name, value)), why);
    return STATUS_INVALID;
}

enum status config_read_file(struct config *c, const char *file, struct buf *ret_why) {
    SECRET_AUTO text = {0};
    char *absolute = realpath(file, NULL);
    enum status st = absolute ? file_read(absolute, CONFIG_FILE_MAX, &text) : STATUS_IO;
    if (absolute) c->file = arena_str(&c->arena, str_from_z(absolute));
    free(absolute);
    if (st != STATUS_OK) {
        buf_addf(ret_why, "%s: %s", file, st == STATUS_LIMIT ? "is too long for a configuration" : "cannot be read");
        return STATUS_INVALID;
    }
    BUF_AUTO why = {0};
    struct str rest = buf_str(&text), line, section = {0};
    for (int number = 1; str_next(&rest, '\n', &line); number++) {
        if (read_line(c, without_comment(str_trim(line)), &section, &why) == STATUS_OK) continue;
        buf_addf(ret_why, "%s:%d: %.*s", file, number, STR_ARG(buf_str(&why)));
        return STATUS_INVALID;
    }
    return STATUS_OK;
}

enum status config_set_option(struct config *c, struct str option, struct buf *ret_why) {
    size_t equals = str_find(option, '=');
    struct str key = str_sub(option, 0, equals);
    size_t dot = str_find_last(key, '.'); /* a section's own name may have more of them */
    const char *why = "expected section.key=value";
    if (equals != STR_NONE && dot != STR_NONE)
        why = config_set(c, str_sub(key, 0, dot), str_sub(key, dot + 1, SIZE_MAX), str_sub(option, equals + 1, SIZE_MAX));
    if (!why) return STATUS_OK;
    struct str section = str_sub(key, 0, dot), name = dot == STR_NONE ? key : str_sub(key, dot + 1, SIZE_MAX);
    struct str value = equals == STR_NONE ? (struct str){0} : str_sub(option, equals + 1, SIZE_MAX);
    buf_addf(ret_why, "-o %.*s%s%.*s: %s", STR_ARG(key), equals == STR_NONE ? "" : "=", STR_ARG(shown(section, name, value)),
             why);
    return STATUS_INVALID;
}

enum status config_read(struct config *c, const char *file, const char *const *options, int option_count, struct buf *ret_why) {
    config_init(c);
    c->options = options;
    c->option_count = option_count;
    enum status st = file ? config_read_file(c, file, ret_why) : STATUS_OK;
    for (int i = 0; st == STATUS_OK && i < option_count; i++) st = config_set_option(c, str_from_z(options[i]), ret_why);
    return st;
}

/* A relative path counts from the working directory. */
static struct str absolute_path(struct config *c, struct str path) {
    if (str_is_empty(path) || str_starts(path, STR("/"))) return path;
    char cwd[PATH_MAX];
    if (!getcwd(cwd, sizeof cwd)) return path;
    return arena_strf(&c->arena, "%s/%.*s", cwd, STR_ARG(path));
}

static void find_hostname(struct config *c) {
    char name[256] = "";
    if (gethostname(name, sizeof name - 1) != 0 || !config_is_host_name(str_from_z(name)))
        memcpy(name, "localhost", sizeof "localhost");
    c->delivery_hostname = arena_str(&c->arena, str_from_z(name));
}

static struct str master_key_path(struct config *c) {
    size_t slash = str_find_last(c->file, '/');
    if (slash != STR_NONE) return arena_strf(&c->arena, "%.*s/master.key", (int)slash, c->file.p);
    return arena_strf(&c->arena, "%.*s.master.key", STR_ARG(c->data_dir));
}

/* Who reads the sandbox's mail sits at this machine. */
static struct str sandbox_origin(struct config *c) {
    static const struct str any = STR_INIT("0.0.0.0:");
    struct str rest = c->http_listen, first = {0};
    if (str_is_empty(rest) || !str_next(&rest, ',', &first)) return STR("");
    first = str_trim(first);
    bool is_any = str_starts(first, any);
    return is_any ? arena_strf(&c->arena, "http://127.0.0.1:%.*s", (int)(first.n - any.n), first.p + any.n)
                  : arena_strf(&c->arena, "http://%.*s", STR_ARG(first));
}

enum status config_finish(struct config *c, struct buf *ret_why) {
    if (str_is_empty(c->data_dir)) {
        buf_add_z(ret_why, "[data] dir: must not be empty");
        return STATUS_INVALID;
    }
    bool has_tls = !str_is_empty(c->tls_cert) || !str_is_empty(c->tls_folder) || !str_is_empty(c->acme_directory);
    if (!str_is_empty(c->http_tls_listen) && !has_tls) {
        buf_add_z(ret_why, "[http] tls_listen: needs [tls] cert and key, [tls] folder, or [acme] directory");
        return STATUS_INVALID;
    }
    if (!str_is_empty(c->acme_directory) && !c->acme_agree) {
        buf_add_z(ret_why,
                  "[acme] agree: say yes when you have read the authority's terms of service, or leave [acme] directory empty");
        return STATUS_INVALID;
    }
    if (str_is_empty(c->tls_cert) != str_is_empty(c->tls_key)) {
        buf_add_z(ret_why, "[tls] cert and key belong together");
        return STATUS_INVALID;
    }
    if (!str_is_empty(c->track_tls_listen) && !has_tls) {
        buf_add_z(ret_why, "[track] tls_listen: needs [tls] cert and key, [tls] folder, or [acme] directory");
        return STATUS_INVALID;
    }
    if (c->track_key_version > UINT8_MAX || c->track_oldest_key > c->track_key_version) {
        buf_add_z(ret_why, "[track] key_version: expected a number from oldest_key to 255");
        return STATUS_INVALID;
    }
    if (c->webhook_timeout < 1000 || c->webhook_timeout > 60000) {
        buf_add_z(ret_why, "[webhook] timeout: expected 1s to 1m");
        return STATUS_INVALID;
    }
    if (c->webhook_calls < 1 || c->webhook_calls > 5000) {
        buf_add_z(ret_why, "[webhook] calls: expected 1 to 5000");
        return STATUS_INVALID;
    }
    while (c->data_dir.n > 1 && str_ends(c->data_dir, STR("/"))) c->data_dir.n--;
    struct str *paths[] = {
        &c->data_dir,       &c->delivery_providers, &c->delivery_bounce_rules, &c->dns_trust_anchor, &c->tls_cert,   &c->tls_key,
        &c->keys_master,    &c->delivery_tls_ca,    &c->webhook_tls_ca,        &c->track_networks,   &c->tls_folder, &c->acme_ca,
        &c->track_countries};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) *paths[i] = absolute_path(c, *paths[i]);
    if (str_is_empty(c->delivery_hostname)) find_hostname(c);
    if (str_is_empty(c->smtp_public_host)) c->smtp_public_host = c->delivery_hostname;
    if (str_is_empty(c->keys_master)) c->keys_master = master_key_path(c);
    if (str_is_empty(c->track_base_url)) c->track_base_url = config_origin(c->http_base_url);
    if (str_is_empty(c->track_base_url) && c->delivery_mode == MODE_SANDBOX) c->track_base_url = sandbox_origin(c);
    return outbound_check(c, ret_why);
}
