/* doctor.c - one function a check, one table of checks.
 *
 * Questions and connections run on a loop of the doctor's own, one at a time, each within CHECK_MS.
 * SPDX-License-Identifier: Apache-2.0 */
#include "app/doctor.h"

#include "app/doctor_own.h"
#include "app/home.h"
#include "net/tls.h"
#include "proto/json/json_write.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#define CHECK_MS           5000
#define DISK_WARN_MB       1024
#define DESCRIPTORS_NEEDED 4096
#define CERTIFICATE_DAYS   14
#define WELL_KNOWN_DOMAIN  "gmail.com" /* has servers on port 25 that everybody may reach */

enum verdict doctor_say(struct patient *p, enum verdict verdict, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    p->found = arena_str(&p->arena, str_from_z(text));
    return verdict;
}

static void on_answer(void *arg, const struct dns_answer *answer) {
    struct patient *p = arg;
    p->answer = *answer;
    struct dns_record *copy = arena_array(&p->arena, answer->count + 1, sizeof *copy);
    for (size_t i = 0; i < answer->count; i++) {
        copy[i] = answer->records[i];
        copy[i].name = arena_str(&p->arena, copy[i].name);
    }
    p->answer.records = copy;
    loop_stop(p->loop);
}

static void on_too_late(void *arg) {
    loop_stop(((struct patient *)arg)->loop);
}

static void run_bounded(struct patient *p) {
    struct timer timer;
    timer_init(&timer, p->loop, on_too_late, p);
    timer_start(&timer, CHECK_MS);
    loop_run(p->loop);
    timer_fini(&timer);
}

void doctor_ask(struct patient *p, struct str name, enum dns_type type) {
    p->answer = (struct dns_answer){.status = STATUS_TIMEOUT};
    struct resolver_query *query = resolver_ask(p->resolver, p->loop, (struct dns_question){name, type}, on_answer, p);
    run_bounded(p);
    if (p->answer.status == STATUS_TIMEOUT && p->answer.records == NULL) resolver_cancel(&query);
}

static enum verdict check_hostname(struct patient *p) {
    if (p->config->delivery_mode == MODE_SANDBOX) return doctor_say(p, VERDICT_OK, "not needed in sandbox mode");
    struct str name = p->config->delivery_hostname;
    if (str_find(name, '.') == STR_NONE)
        return doctor_say(p, VERDICT_BAD, "%.*s is not a full name; set [delivery] hostname to one with an address",
                          STR_ARG(name));
    doctor_ask(p, name, DNS_A);
    if (p->answer.status != STATUS_OK || p->answer.count == 0)
        return doctor_say(p, VERDICT_BAD, "%.*s has no address in the DNS (%s)", STR_ARG(name), status_text(p->answer.status));
    p->address.family = 4;
    memcpy(p->address.ip, p->answer.records[0].address, 4);
    BUF_AUTO ip = {0};
    net_address_format_ip(&ip, &p->address);
    if (net_address_is_private(&p->address))
        return doctor_say(p, VERDICT_WARN, "%.*s is %s, which the world cannot reach", STR_ARG(name), ip.p);
    return doctor_say(p, VERDICT_OK, "%.*s is %s", STR_ARG(name), ip.p);
}

static void write_reverse(struct buf *out, const struct net_address *a) {
    static const char digits[] = "0123456789abcdef";
    if (a->family == 4) {
        buf_addf(out, "%u.%u.%u.%u.in-addr.arpa", a->ip[3], a->ip[2], a->ip[1], a->ip[0]);
        return;
    }
    for (int i = 15; i >= 0; i--) buf_addf(out, "%c.%c.", digits[a->ip[i] & 15], digits[a->ip[i] >> 4]);
    buf_add_z(out, "ip6.arpa");
}

bool doctor_points_back(struct patient *p, const struct net_address *address, struct str name) {
    BUF_AUTO reverse = {0};
    write_reverse(&reverse, address);
    doctor_ask(p, buf_str(&reverse), DNS_PTR);
    for (size_t i = 0; i < p->answer.count; i++)
        if (str_eq_nocase(p->answer.records[i].name, name)) return true;
    return false;
}

static enum verdict check_ptr(struct patient *p) {
    if (p->config->delivery_mode == MODE_SANDBOX) return doctor_say(p, VERDICT_OK, "not needed in sandbox mode");
    if (p->address.family != 4) return doctor_say(p, VERDICT_WARN, "not checked: the host name has no address");
    if (doctor_points_back(p, &p->address, p->config->delivery_hostname))
        return doctor_say(p, VERDICT_OK, "the address points back to the name");
    return doctor_say(
        p, VERDICT_BAD,
        "the address does not point back to %.*s; ask your provider to set its PTR, or big providers refuse your mail",
        STR_ARG(p->config->delivery_hostname));
}

static void on_open(void *arg) {
    struct patient *p = arg;
    p->connected = STATUS_OK;
    loop_stop(p->loop);
}

static void on_close(void *arg, enum status status) {
    struct patient *p = arg;
    if (p->connected != STATUS_OK) p->connected = status;
    loop_stop(p->loop);
}

void doctor_connect(struct patient *p, const struct net_address *to) {
    static const struct stream_events events = {.on_open = on_open, .on_close = on_close};
    p->connected = STATUS_TIMEOUT;
    struct stream *s = stream_connect(p->loop, to, NULL, CHECK_MS, &events, p);
    run_bounded(p);
    stream_free(&s);
}

static enum verdict check_port_25(struct patient *p) {
    if (p->config->delivery_mode == MODE_SANDBOX) return doctor_say(p, VERDICT_OK, "not needed in sandbox mode");
    if (!str_is_empty(p->config->delivery_smarthost)) return doctor_say(p, VERDICT_OK, "not needed with a smarthost");
    doctor_ask(p, STR(WELL_KNOWN_DOMAIN), DNS_MX);
    struct str host = p->answer.count ? p->answer.records[0].name : (struct str){0};
    if (host.n) doctor_ask(p, host, DNS_A);
    if (!host.n || p->answer.count == 0)
        return doctor_say(p, VERDICT_BAD, "cannot find the mail servers of " WELL_KNOWN_DOMAIN ": does the resolver work?");
    struct net_address to = {.family = 4, .port = 25};
    memcpy(to.ip, p->answer.records[0].address, 4);
    doctor_connect(p, &to);
    if (p->connected == STATUS_OK) return doctor_say(p, VERDICT_OK, "outgoing connections to port 25 work");
    return doctor_say(p, VERDICT_BAD, "no connection to port 25 of %.*s (%s); many providers block it until you ask",
                      STR_ARG(host), status_text(p->connected));
}

static enum verdict check_dnssec(struct patient *p) {
    if (resolver_is_validating(p->resolver))
        return doctor_say(p, VERDICT_OK, "answers are validated, so DANE protects mail to whom publishes it");
    return doctor_say(p, VERDICT_WARN,
                      "the name servers strip DNSSEC or there is no trust anchor; answers are not validated, and DANE is not "
                      "looked at");
}

static enum verdict check_clock(struct patient *p) {
    struct timex state = {0};
    if (adjtimex(&state) < 0 || (state.status & STA_UNSYNC))
        return doctor_say(p, VERDICT_WARN, "the clock is not synchronised; signatures carry its time");
    return doctor_say(p, VERDICT_OK, "the clock is synchronised");
}

static enum verdict check_disk(struct patient *p) {
    struct statvfs fs;
    if (statvfs(p->config->data_dir.p, &fs) != 0)
        return doctor_say(p, VERDICT_WARN, "there is no data folder yet; posthorn init makes it");
    unsigned long long megabytes = (unsigned long long)fs.f_bavail * fs.f_frsize >> 20;
    return doctor_say(p, megabytes < DISK_WARN_MB ? VERDICT_WARN : VERDICT_OK, "%llu MB free for the data folder", megabytes);
}

static enum verdict check_descriptors(struct patient *p) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return doctor_say(p, VERDICT_WARN, "the limit of open files cannot be read");
    return doctor_say(p, limit.rlim_max < DESCRIPTORS_NEEDED ? VERDICT_WARN : VERDICT_OK, "up to %llu open files",
                      (unsigned long long)limit.rlim_max);
}

static enum verdict check_permissions(struct patient *p) {
    struct stat st;
    const struct config *c = p->config;
    if (stat(c->data_dir.p, &st) == 0 && (st.st_mode & 077))
        return doctor_say(p, VERDICT_BAD, "others can enter the data folder; chmod 700 %.*s", STR_ARG(c->data_dir));
    if (stat(c->keys_master.p, &st) != 0)
        return doctor_say(p, VERDICT_WARN, "there is no master key yet; posthorn init makes it");
    if (st.st_mode & 077)
        return doctor_say(p, VERDICT_BAD, "others can read the master key; chmod 400 %.*s", STR_ARG(c->keys_master));
    return doctor_say(p, VERDICT_OK, "data folder and master key are the owner's alone");
}

static enum verdict check_own_mail(struct patient *p) {
    struct str from = p->config->mail_from;
    if (str_is_empty(from))
        return doctor_say(p, VERDICT_WARN,
                          "the gateway sends no mail of its own: no forgotten password, no check of an address; set [mail] from");
    return doctor_say(p, VERDICT_OK, "the gateway's own mail comes from %.*s", STR_ARG(from));
}

/* Where links lead, opens are seen and people leave. */
static enum verdict check_tracking(struct patient *p) {
    const struct str url = p->config->track_base_url;
    if (url.n) return doctor_say(p, VERDICT_OK, "links lead to %.*s, or to a domain's own tracking host", STR_ARG(url));
    return doctor_say(p, VERDICT_WARN,
                      "only domains with a verified tracking host are tracked; set [track] base_url for the others");
}

static enum verdict check_return_path(struct patient *p) {
    const struct config *c = p->config;
    if (!str_is_empty(c->smtp_return_path))
        return doctor_say(p, VERDICT_OK, "they come home at %.*s", STR_ARG(c->smtp_return_path));
    if (c->delivery_mode == MODE_SANDBOX) return doctor_say(p, VERDICT_OK, "not needed in sandbox mode");
    return doctor_say(
        p, VERDICT_WARN,
        "late bounces and complaints do not come home; set [smtp] return_path to port 25 of the host that the MX records of "
        "the return-path domains name");
}

/* The file that is served, or the one made at the first start. */
/* Do they belong together? A key that we may not read is not judged. */
static bool is_pair(struct str certificate, struct str key, struct buf *ret_why) {
    struct tls_context *tls = NULL;
    if (access(key.p, R_OK) != 0) return true;
    enum status status = tls_context_new_server(certificate.p, key.p, &tls, ret_why);
    tls_context_unref(&tls);
    return status == STATUS_OK;
}

static enum verdict check_certificate(struct patient *p) {
    const struct config *c = p->config;
    bool has_smtp = !str_is_empty(c->smtp_listen) || !str_is_empty(c->smtp_listen_tls) || !str_is_empty(c->smtp_return_path);
    bool is_own = str_is_empty(c->tls_cert);
    struct str file = is_own ? arena_strf(&p->arena, "%.*s/" HOME_CERTIFICATE, STR_ARG(c->data_dir)) : c->tls_cert;
    struct str key = is_own ? arena_strf(&p->arena, "%.*s/" HOME_CERTIFICATE_KEY, STR_ARG(c->data_dir)) : c->tls_key;
    struct tls_certificate about;
    BUF_AUTO why = {0};
    if (is_own && !has_smtp) return doctor_say(p, VERDICT_OK, "none is needed: nothing listens with TLS");
    int64_t own_ms = is_own ? doctor_own_lasts_ms(p) : 0;
    if (own_ms > 0)
        return doctor_say(p, VERDICT_OK, "the one of our host name, for %lld days more", (long long)(own_ms / CLOCK_DAY_MS));
    if (is_own && access(file.p, F_OK) != 0 && errno == ENOENT)
        return doctor_say(p, VERDICT_WARN, "there is no certificate in %.*s yet; the first start makes one", STR_ARG(file));
    if (tls_certificate_read(file.p, &about) != STATUS_OK)
        return doctor_say(p, VERDICT_BAD, "there is no certificate to read in %.*s%s", STR_ARG(file),
                          is_own ? "; without the file the next start makes one" : "");
    if (!is_pair(file, key, &why)) return doctor_say(p, VERDICT_BAD, "nothing can listen with TLS: %.*s", STR_ARG(buf_str(&why)));
    int64_t days = (about.expires_at - clock_wall_ms(clock_system())) / CLOCK_DAY_MS;
    if (days < CERTIFICATE_DAYS)
        return doctor_say(p, days < 0 ? VERDICT_BAD : VERDICT_WARN, "%.*s %s; SIGHUP takes over a new one", STR_ARG(file),
                          days < 0 ? "has expired" : "expires within 14 days");
    if (about.is_self_signed)
        return doctor_say(
            p, c->delivery_mode == MODE_SANDBOX ? VERDICT_OK : VERDICT_WARN,
            "%.*s is self-signed: careful SMTP clients will not log in; name another in [tls], or an authority in [acme]",
            STR_ARG(file));
    return doctor_say(p, VERDICT_OK, "%.*s, for %lld days more", STR_ARG(file), (long long)days);
}

static enum verdict check_trusted(struct patient *p) {
    struct str trusted = p->config->smtp_trusted;
    if (str_is_empty(trusted)) return doctor_say(p, VERDICT_OK, "every SMTP client has to log in");
    return doctor_say(p, VERDICT_WARN, "these submit by SMTP without a login: %.*s", STR_ARG(trusted));
}

/* Right in a lab, wrong with tenants that are strangers. */
static enum verdict check_lab(struct patient *p) {
    const struct config *c = p->config;
    const struct {
        bool is_open;
        const char *what;
    } doors[] = {{c->delivery_allow_private, "mail may go to private addresses ([delivery] allow_private)"},
                 {c->webhook_allow_private, "webhooks may call private addresses ([webhook] allow_private)"},
                 {c->limits_key_per_minute == 0 || c->limits_account_per_minute == 0 || c->limits_address_per_minute == 0,
                  "requests are not limited ([limits])"}};
    BUF_AUTO found = {0};
    for (size_t i = 0; i < sizeof doors / sizeof doors[0]; i++)
        if (doors[i].is_open) buf_addf(&found, "%s%s", found.n ? "; " : "", doors[i].what);
    if (found.n) return doctor_say(p, VERDICT_WARN, "%.*s", STR_ARG(buf_str(&found)));
    return doctor_say(p, VERDICT_OK, "nothing is open that is for a lab only");
}

static const struct {
    const char *name;
    check_fn check;
} checks[] = {{"host name", check_hostname},
              {"PTR", check_ptr},
              {"port 25", check_port_25},
              {"DNSSEC", check_dnssec},
              {"clock", check_clock},
              {"disk", check_disk},
              {"open files", check_descriptors},
              {"permissions", check_permissions},
              {"own mail", check_own_mail},
              {"tenants", check_lab},
              {"bounces", check_return_path},
              {"tracking", check_tracking},
              {"certificate", check_certificate},
              {"host certificates", check_host_certificates},
              {"trusted", check_trusted},
              {"sources", check_sources},
              {"relays", check_relays},
              {"delivery files", check_delivery_files},
              {"alerts", check_alerts}};

static const char *const verdict_words[] = {"ok", "warning", "bad"};

int doctor(const struct config *c, bool json) {
    struct patient p = {.config = c};
    BUF_AUTO out = {0};
    struct json_writer w = {.out = &out};
    if (loop_new(&p.loop) != STATUS_OK ||
        resolver_new(p.loop, &(struct resolver_options){.servers = c->dns_servers, .trust_anchor = c->dns_trust_anchor},
                     &p.resolver) != STATUS_OK) {
        fputs("posthorn: the resolver cannot be set up; check [dns]\n", stderr);
        loop_free(&p.loop);
        return EXIT_FAILURE;
    }
    enum verdict worst = VERDICT_OK;
    json_open_object(&w);
    json_add_array(&w, STR("Checks"));
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        enum verdict verdict = checks[i].check(&p);
        if (verdict > worst) worst = verdict;
        if (!json) printf("%-8s %-14s %.*s\n", verdict_words[verdict], checks[i].name, STR_ARG(p.found));
        json_open_object(&w);
        json_add_z(&w, STR("Check"), checks[i].name);
        json_add_z(&w, STR("Verdict"), verdict_words[verdict]);
        json_add_str(&w, STR("Found"), p.found);
        json_close_object(&w);
    }
    json_close_array(&w);
    json_close_object(&w);
    if (json) printf("%.*s\n", STR_ARG(buf_str(&out)));
    resolver_free(&p.resolver);
    loop_free(&p.loop);
    arena_fini(&p.arena);
    return worst == VERDICT_BAD ? EXIT_FAILURE : EXIT_SUCCESS;
}
