/* config.c - the table of keys and what reads it.
 *
 * To add a key: a field in struct config and a row here. Everything else (parsing, check-config, manual) follows from the row.
 * SPDX-License-Identifier: Apache-2.0 */
#include "app/config.h"

#include "app/roff.h"
#include "base/log.h"
#include "core/retry.h"
#include "core/route.h"
#include "net/stream.h"
#include "proto/address/network.h"
#include "proto/address/address.h"
#include "proto/json/json_write.h"
#include "smtpd/service.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIZE_MIN  (UINT64_C(64) << 10)
#define SIZE_MOST (UINT64_C(1) << 30)

struct config_key;
/* Check `text` and store it at `field` (a struct str or an int64_t). Returns NULL, or why not. */
typedef const char *(*config_kind_fn)(const struct config_key *key, struct str text, void *field);

struct config_key {
    const char *section, *name, *initial;
    config_kind_fn kind;
    size_t offset;
    const char *choices; /* for kind_choice: words in order of their values */
    bool is_secret;
    const char *sentence;
};

static const char *kind_text(const struct config_key *key, struct str text, void *field) {
    (void)key;
    if (str_has_control(text)) return "control characters are not allowed";
    *(struct str *)field = text;
    return NULL;
}

static const char NOT_A_CHOICE[] = "no choice"; /* key_set says which there are */

static const char *kind_choice(const struct config_key *key, struct str text, void *field) {
    struct str rest = str_from_z(key->choices), word;
    for (int64_t i = 0; str_next(&rest, '|', &word); i++)
        if (str_eq_nocase(word, text)) {
            *(int64_t *)field = i;
            return NULL;
        }
    return NOT_A_CHOICE;
}

static const char *kind_bool(const struct config_key *key, struct str text, void *field) {
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

static const char *kind_port(const struct config_key *key, struct str text, void *field) {
    (void)key;
    uint64_t port;
    if (!str_to_u64(text, &port) || port == 0 || port > 65535) return "expected a port number from 1 to 65535";
    *(int64_t *)field = (int64_t)port;
    return NULL;
}

/* Comma list of port numbers. */
static const char *kind_ports(const struct config_key *key, struct str text, void *field) {
    struct str rest = text, part;
    int64_t port;
    while (!str_is_empty(text) && str_next(&rest, ',', &part))
        if (kind_port(key, str_trim(part), &port)) return "expected port numbers from 1 to 65535, several with commas";
    *(struct str *)field = text;
    return NULL;
}

/* How many of something; 0: as many as come. */
static const char *kind_count(const struct config_key *key, struct str text, void *field) {
    (void)key;
    uint64_t count;
    if (!str_to_u64(text, &count) || count > 1000000000) return "expected a number from 0 (no limit) to 1000000000";
    *(int64_t *)field = (int64_t)count;
    return NULL;
}

/* At least one of something. */
static const char *kind_number(const struct config_key *key, struct str text, void *field) {
    (void)key;
    uint64_t number;
    if (!str_to_u64(text, &number) || number == 0 || number > 1000000) return "expected a number from 1 to 1000000";
    *(int64_t *)field = (int64_t)number;
    return NULL;
}

/* Bytes, or with K, M or G behind. */
static const char *kind_size(const struct config_key *key, struct str text, void *field) {
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

static const char *kind_trusted(const struct config_key *key, struct str text, void *field) {
    (void)key;
    ARENA_AUTO arena = {0};
    const struct smtpd_trust *items;
    size_t count;
    const char *why = smtpd_trust_parse(&arena, text, &items, &count);
    if (!why) *(struct str *)field = text;
    return why;
}

/* Comma list of address:port; empty for none. */
static const char *kind_listen(const struct config_key *key, struct str text, void *field) {
    (void)key;
    struct str rest = text, part;
    struct net_address address;
    while (!str_is_empty(text) && str_next(&rest, ',', &part))
        if (net_address_parse(str_trim(part), &address) != STATUS_OK)
            return "expected ADDRESS:PORT, like 127.0.0.1:8080 or [::1]:8080";
    *(struct str *)field = text;
    return NULL;
}

/* Comma list of host@port, as the resolver takes it. */
static const char *kind_servers(const struct config_key *key, struct str text, void *field) {
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

static const char *kind_networks(const struct config_key *key, struct str text, void *field) {
    (void)key;
    ARENA_AUTO arena = {0};
    struct network_list networks;
    if (!network_list_parse(&arena, text, &networks)) return "expected addresses or networks, like 127.0.0.1,10.0.0.0/8";
    *(struct str *)field = text;
    return NULL;
}

/* Letters, digits, hyphens and dots, no empty label; one label will do for a machine in a lab. */
static bool is_host_name(struct str name) {
    struct str rest = name, label;
    if (name.n == 0 || name.n > 253) return false;
    while (str_next(&rest, '.', &label)) {
        if (label.n == 0 || label.n > 63 || label.p[0] == '-' || label.p[label.n - 1] == '-') return false;
        for (size_t i = 0; i < label.n; i++)
            if (!ascii_is_alnum(label.p[i]) && label.p[i] != '-') return false;
    }
    return true;
}

static const char *kind_hostname(const struct config_key *key, struct str text, void *field) {
    (void)key;
    if (!str_is_empty(text) && !is_host_name(text)) return "not a host name";
    *(struct str *)field = text;
    return NULL;
}

static const char *kind_url(const struct config_key *key, struct str text, void *field) {
    (void)key;
    if (!str_is_empty(text) && !str_starts(text, STR("http://")) && !str_starts(text, STR("https://")))
        return "expected an http:// or https:// URL";
    return kind_text(key, text, field);
}

static const char *kind_email(const struct config_key *key, struct str text, void *field) {
    (void)key;
    ARENA_AUTO arena = {0};
    struct address address;
    if (!str_is_empty(text) && !address_parse(text, &arena, &address)) return "expected an e-mail address";
    *(struct str *)field = text;
    return NULL;
}

static const char *kind_store(const struct config_key *key, struct str text, void *field) {
    if (!str_is_empty(text) && !str_starts(text, STR("postgresql://")) && !str_starts(text, STR("postgres://")))
        return "expected a postgresql:// URL, or nothing for SQLite in the data folder";
    return kind_text(key, text, field);
}

static const char *kind_smarthost(const struct config_key *key, struct str text, void *field) {
    (void)key;
    struct str host;
    uint16_t port = 25;
    if (!str_is_empty(text) && !route_smarthost_parse(text, &host, &port)) return "expected HOST or HOST:PORT";
    *(struct str *)field = text;
    return NULL;
}

static const char *kind_retry(const struct config_key *key, struct str text, void *field) {
    (void)key;
    struct retry_schedule schedule;
    BUF_AUTO why = {0};
    if (!retry_schedule_parse(text, &schedule, &why)) return "expected a comma list of times like 30s,5m,1h";
    *(struct str *)field = text;
    return NULL;
}

#define KEY(section_, name_, initial_, kind_, field_, ...)                                                                       \
    {                                                                                                                            \
        .section = section_, .name = name_, .initial = initial_, .kind = kind_, .offset = offsetof(struct config, field_),       \
        __VA_ARGS__                                                                                                              \
    }

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
        .sentence = "Addresses of the HTTPS API; needs [tls] cert and key."),
    KEY("dns", "servers", "", kind_servers, dns_servers,
        .sentence = "Name servers to ask, IP@PORT, comma separated; empty: the system's."),
    KEY("dns", "trust_anchor", "", kind_text, dns_trust_anchor,
        .sentence = "DNSSEC trust anchor file; empty: the distribution's."),
    KEY("tls", "cert", "", kind_text, tls_cert, .sentence = "Certificate chain, PEM."),
    KEY("tls", "key", "", kind_text, tls_key, .sentence = "Private key of the certificate, PEM."),
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
    KEY("keys", "master", "", kind_text, keys_master,
        .sentence =
            "File of the master key; empty: master.key beside the configuration file, else beside the data folder. BACK IT UP: "
            "without it the stored DKIM and sender keys cannot be opened."),
    KEY("mail", "from", "", kind_email, mail_from,
        .sentence =
            "From of the gateway's own mail (address checks, forgotten passwords); its domain must be an enabled sender domain "
            "here, of the operator's own account. Empty: it sends none."),
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

static void *key_field(struct config *c, const struct config_key *key) {
    return (char *)c + key->offset;
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

/* NULL, or why not. */
static const char *key_set(struct config *c, const struct config_key *key, struct str value) {
    struct str text = arena_str(&c->arena, str_trim(value));
    const char *why = expand_environment(&c->arena, &text);
    if (!why && key->is_secret && str_starts(text, STR("file:"))) why = read_secret_file(&c->arena, &text);
    if (!why) why = key->kind(key, text, key_field(c, key));
    return why == NOT_A_CHOICE ? arena_strf(&c->arena, "expected one of %s", key->choices).p : why;
}

static const struct config_key *find_key(struct str section, struct str name, const char **ret_why) {
    *ret_why = "unknown section";
    for (size_t i = 0; i < KEY_COUNT; i++) {
        const struct config_key *key = &config_keys[i];
        if (!str_eq(section, str_from_z(key->section))) continue;
        if (str_eq(name, str_from_z(key->name))) return key;
        *ret_why = "unknown key in this section";
    }
    return NULL;
}

static const char *config_set(struct config *c, struct str section, struct str name, struct str value) {
    const char *why;
    const struct config_key *key = find_key(section, name, &why);
    return key ? key_set(c, key, value) : why;
}

/* The value as an error may print it (P10). */
static struct str shown(struct str section, struct str name, struct str value) {
    const char *why;
    const struct config_key *key = find_key(section, name, &why);
    return key && key->is_secret ? STR("***") : value;
}

void config_init(struct config *c) {
    memset(c, 0, sizeof *c);
    for (size_t i = 0; i < KEY_COUNT; i++) {
        const char *why = key_set(c, &config_keys[i], str_from_z(config_keys[i].initial));
        if (why) abort(); /* a default that its own check refuses is a bug */
    }
}

void config_fini(struct config *c) {
    arena_fini(&c->arena);
}

/* The file's bytes, or why not. */
static const char *read_file(const char *path, struct buf *out) {
    char chunk[4096];
    FILE *f = fopen(path, "re");
    if (!f) return "cannot be read";
    for (size_t n; out->n <= CONFIG_FILE_MAX && (n = fread(chunk, 1, sizeof chunk, f)) > 0;) buf_add(out, chunk, n);
    bool failed = ferror(f);
    fclose(f);
    explicit_bzero(chunk, sizeof chunk);
    return failed ? "cannot be read" : out->n > CONFIG_FILE_MAX ? "is too long for a configuration" : NULL;
}

/* `line` up to a comment: a semicolon at the start or after a blank, or a '#' at the start. */
static struct str without_comment(struct str line) {
    for (size_t i = 0; i < line.n; i++)
        if (line.p[i] == ';' && (i == 0 || line.p[i - 1] == ' ' || line.p[i - 1] == '\t')) return str_trim(str_sub(line, 0, i));
    return str_starts(line, STR("#")) ? (struct str){0} : line;
}

/* One line, comment and blanks around it taken off. `section` is the current one; a header changes it. */
static enum status read_line(struct config *c, struct str line, struct str *section, struct buf *ret_why) {
    size_t equals = str_find(line, '=');
    if (str_is_empty(line)) return STATUS_OK;
    if (line.p[0] == '[' && str_ends(line, STR("]"))) {
        *section = str_trim(str_sub(line, 1, line.n - 2));
        return STATUS_OK;
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
    const char *trouble = absolute ? read_file(absolute, &text) : "cannot be read";
    if (absolute) c->file = arena_str(&c->arena, str_from_z(absolute));
    free(absolute);
    if (trouble) {
        buf_addf(ret_why, "%s: %s", file, trouble);
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
    size_t dot = str_find(key, '.');
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
    if (gethostname(name, sizeof name - 1) != 0 || !is_host_name(str_from_z(name))) memcpy(name, "localhost", sizeof "localhost");
    c->delivery_hostname = arena_str(&c->arena, str_from_z(name));
}

static struct str master_key_path(struct config *c) {
    size_t slash = str_find_last(c->file, '/');
    if (slash != STR_NONE) return arena_strf(&c->arena, "%.*s/master.key", (int)slash, c->file.p);
    return arena_strf(&c->arena, "%.*s.master.key", STR_ARG(c->data_dir));
}

enum status config_finish(struct config *c, struct buf *ret_why) {
    if (str_is_empty(c->data_dir)) {
        buf_add_z(ret_why, "[data] dir: must not be empty");
        return STATUS_INVALID;
    }
    if (!str_is_empty(c->http_tls_listen) && (str_is_empty(c->tls_cert) || str_is_empty(c->tls_key))) {
        buf_add_z(ret_why, "[http] tls_listen: needs [tls] cert and key");
        return STATUS_INVALID;
    }
    if (str_is_empty(c->tls_cert) != str_is_empty(c->tls_key)) {
        buf_add_z(ret_why, "[tls] cert and key belong together");
        return STATUS_INVALID;
    }
    while (c->data_dir.n > 1 && str_ends(c->data_dir, STR("/"))) c->data_dir.n--;
    struct str *paths[] = {&c->data_dir, &c->dns_trust_anchor, &c->tls_cert, &c->tls_key, &c->keys_master};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) *paths[i] = absolute_path(c, *paths[i]);
    if (str_is_empty(c->delivery_hostname)) find_hostname(c);
    if (str_is_empty(c->smtp_public_host)) c->smtp_public_host = c->delivery_hostname;
    if (str_is_empty(c->keys_master)) c->keys_master = master_key_path(c);
    return STATUS_OK;
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

static void format_value(struct buf *out, const struct config *c, const struct config_key *key) {
    const void *field = (const char *)c + key->offset;
    if (key->kind == kind_choice) {
        struct str rest = str_from_z(key->choices), word = {0};
        for (int64_t i = 0; i <= *(const int64_t *)field && str_next(&rest, '|', &word); i++) {
        }
        buf_add_str(out, word);
    } else if (key->kind == kind_bool)
        buf_add_z(out, *(const int64_t *)field ? "yes" : "no");
    else if (key->kind == kind_size)
        format_size(out, *(const int64_t *)field);
    else if (key->kind == kind_port || key->kind == kind_count || key->kind == kind_number)
        buf_add_i64(out, *(const int64_t *)field);
    else if (key->is_secret && !str_is_empty(*(const struct str *)field))
        buf_add_z(out, "***");
    else
        buf_add_str(out, *(const struct str *)field);
}

void config_format(struct buf *out, const struct config *c) {
    for (size_t i = 0; i < KEY_COUNT; i++) {
        const struct config_key *key = &config_keys[i];
        if (i == 0 || strcmp(key->section, config_keys[i - 1].section) != 0)
            buf_addf(out, "%s[%s]\n", i ? "\n" : "", key->section);
        buf_addf(out, "; %s%s%s%s (default: %s)\n", key->sentence, key->choices ? " One of " : "",
                 key->choices ? key->choices : "", key->choices ? "." : "", *key->initial ? key->initial : "empty");
        buf_addf(out, "%s = ", key->name);
        format_value(out, c, key);
        buf_add_char(out, '\n');
    }
}

void config_format_json(struct buf *out, const struct config *c) {
    BUF_AUTO text = {0};
    struct json_writer w = {.out = out};
    json_open_object(&w);
    json_add_array(&w, STR("Keys"));
    for (size_t i = 0; i < KEY_COUNT; i++) {
        const struct config_key *key = &config_keys[i];
        json_open_object(&w);
        buf_reset(&text);
        buf_addf(&text, "%s.%s", key->section, key->name);
        json_add_str(&w, STR("Key"), buf_str(&text));
        buf_reset(&text);
        format_value(&text, c, key);
        json_add_str(&w, STR("Value"), buf_str(&text));
        json_add_z(&w, STR("Default"), key->initial);
        json_add_z(&w, STR("Meaning"), key->sentence);
        json_close_object(&w);
    }
    json_close_array(&w);
    json_close_object(&w);
    buf_add_char(out, '\n');
}

static void man_key(struct buf *out, const struct config_key *key) {
    buf_add_z(out, ".TP\n.B ");
    roff_add_text(out, key->name);
    roff_add_text(out, key->sentence);
    if (key->choices) {
        struct str rest = str_from_z(key->choices), word;
        for (const char *before = "One of "; str_next(&rest, '|', &word); before = ", ")
            buf_addf(out, "%s\\(lq%.*s\\(rq", before, STR_ARG(word));
        buf_add_z(out, ".\n");
    }
    if (key->is_secret) buf_add_z(out, "A secret: it may come from a file, and is never printed.\n");
    buf_add_z(out, "Default: ");
    roff_add_text(out, *key->initial ? key->initial : "empty.");
}

/* The table of smtpd's services: what no key changes. */
static void man_smtp_limits(struct buf *out) {
    static const char *const kinds[SMTPD_KIND_COUNT] = {
        [SMTPD_SUBMISSION] = "submission", [SMTPD_RETURN_PATH] = "return path", [SMTPD_PUBLIC] = "both on one port"};
    size_t count;
    const struct service_limit *limits = service_limits(&count);
    buf_add_z(out, ".SH SMTP LIMITS\nOf a session, by what its address takes:\n");
    for (size_t i = 0; i < count; i++) {
        buf_add_z(out, ".TP\n.B ");
        roff_add_text(out, limits[i].name);
        roff_add_text(out, limits[i].sentence);
        buf_add_z(out, ".br\n");
        const char *before = "";
        for (size_t kind = 0; kind < SMTPD_KIND_COUNT; kind++) {
            if (!kinds[kind]) continue;
            buf_addf(out, "%s%s: ", before, kinds[kind]);
            if (limits[i].value[kind]) buf_add_u64(out, limits[i].value[kind]);
            buf_add_z(out, limits[i].value[kind] ? "" : "any number");
            before = "; ";
        }
        buf_add_z(out, ".\n");
    }
}

void config_format_man(struct buf *out) {
    buf_add_z(
        out,
        ".\\\" Made by posthorn man-config from the table of keys; change that.\n"
        ".TH POSTHORN.CONF 5 \"\" \"posthorn " POSTHORN_VERSION "\" \"Posthorn\"\n"
        ".SH NAME\nposthorn.conf \\- configuration of the Posthorn e\\-mail gateway\n"
        ".SH DESCRIPTION\n"
        "The file named by\n.B posthorn \\-c\nholds sections,\n.RI [ section ],\n"
        "and in them lines of the form\n.IR key \" = \" value .\n"
        "A value goes to the end of its line or to a blank and a semicolon, which begin a comment. Empty lines and lines that "
        "begin with ; or # mean nothing. A key that is not "
        "listed here,\n"
        "or a value that does not fit, is an error with file and line, and the program ends with status 78.\n"
        ".PP\nEvery key can be given on the command line too, as\n.BI \\-o \" section\" . key = value\\fR,\n"
        "which wins over the file; without a file the defaults hold.\n"
        ".PP\n\\(lq${NAME}\\(rq in a value is the environment variable NAME. The value of a secret may be\n"
        "\\(lqfile:/path\\(rq: the first line of that file.\n"
        ".PP\nRelative paths count from the working directory.\n.B posthorn check\\-config\nprints every key with its value.\n"
        ".SH SECTIONS\n");
    for (size_t i = 0; i < KEY_COUNT; i++) {
        if (i == 0 || strcmp(config_keys[i].section, config_keys[i - 1].section) != 0)
            buf_addf(out, ".SS [%s]\n", config_keys[i].section);
        man_key(out, &config_keys[i]);
    }
    man_smtp_limits(out);
    buf_add_z(out, ".SH SEE ALSO\n.BR posthorn (8)\n");
}
