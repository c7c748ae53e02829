/* test_config.c - every key and kind, files and their bad lines, ${ENV} and file:, what wins, and what is printed.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "app/config.h"
#include "base/log.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct scene {
    struct config config;
    struct buf folder, file, why;
};

static int set_up(void **state) {
    struct scene *s = calloc(1, sizeof *s);
    assert_non_null(s);
    const char *base = getenv("TMPDIR");
    buf_addf(&s->folder, "%s/posthorn-config.XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(s->folder.p));
    buf_addf(&s->file, "%s/posthorn.conf", s->folder.p);
    config_init(&s->config);
    *state = s;
    return 0;
}

static int tear_down(void **state) {
    struct scene *s = *state;
    unlink(s->file.p);
    rmdir(s->folder.p);
    config_fini(&s->config);
    buf_fini(&s->folder);
    buf_fini(&s->file);
    buf_fini(&s->why);
    free(s);
    return 0;
}

static enum status read_text(struct scene *s, struct str text) {
    FILE *f = fopen(s->file.p, "we");
    assert_non_null(f);
    assert_int_equal(fwrite(text.p, 1, text.n, f), text.n);
    assert_int_equal(fclose(f), 0);
    buf_reset(&s->why);
    return config_read_file(&s->config, s->file.p, &s->why);
}

static enum status option(struct scene *s, const char *text) {
    buf_reset(&s->why);
    return config_set_option(&s->config, str_from_z(text), &s->why);
}

#define assert_str(s, z) assert_true(str_eq((s), str_from_z(z)))
static void assert_why(const struct scene *s, const char *part) {
    if (str_find_str(buf_str(&s->why), str_from_z(part)) == STR_NONE) fail_msg("\"%s\" is not in: %s", part, s->why.p);
}

static void defaults_are_safe(void **state) {
    struct scene *s = *state;
    const struct config *c = &s->config;
    assert_str(c->http_listen, "127.0.0.1:8080"); /* not the world */
    assert_int_equal(c->delivery_allow_private, 0);
    assert_int_equal(c->delivery_mode, MODE_LIVE);
    assert_int_equal(c->delivery_port, 25);
    assert_int_equal(c->log_level, LOG_INFO);
    assert_int_equal(c->log_format, LOG_LOGFMT);
    assert_int_equal(c->api_v1_errors, ERRORS_HTTP);
}

/* Each key's good and bad values; NULL: the kind takes any text. */
static const struct {
    const char *key, *good[5], *bad[13];
} keys[] = {
    {"data.dir", {"/var/lib/x", "rel"}, {"a\x01z"}},
    {"data.url", {"postgresql://h/d", "postgres://h/d", ""}, {"mysql://h/d", "sqlite:/x", "h"}},
    {"data.user", {"posthorn"}, {"a\nb"}},
    {"http.listen",
     {"127.0.0.1:80,[::1]:80", "0.0.0.0:8080", ""},
     {"localhost:80", "80", "127.0.0.1", "127.0.0.1:80,", "::1:80"}},
    {"http.base_url", {"https://mail.example", "http://x", ""}, {"mail.example", "ftp://x", "https://x\r\nSet-Cookie: y"}},
    {"http.trusted_proxies", {"127.0.0.1", "10.0.0.0/8, 2001:db8::/32", ""}, {"proxy.example", "10.0.0.0/33"}},
    {"http.tls_listen", {"0.0.0.0:443", ""}, {"443", "*:443"}},
    {"dns.servers",
     {"192.0.2.1", "192.0.2.1@5353, 2001:db8::1@53", ""},
     {"dns.example", "192.0.2.1@0", "192.0.2.1@65536", "@53", ","}},
    {"dns.trust_anchor", {"/etc/root.key"}, {"a\tb"}},
    {"tls.cert", {"/etc/cert.pem"}, {"a\x7f"}},
    {"tls.key", {"/etc/key.pem"}, {"a\x1b"}},
    {"log.level", {"debug", "WARN", "error"}, {"", "verbose", "info|warn", "debu"}},
    {"log.format", {"json", "logfmt"}, {"xml"}},
    {"delivery.mode", {"sandbox", "live"}, {"test", "sand"}},
    {"delivery.hostname", {"mx.example", "box", ""}, {"-x.example", "a..b", "a b", "mx.example.", "x_y"}},
    {"delivery.port", {"25", "1", "65535"}, {"0", "65536", "-1", "25x", ""}},
    {"delivery.allow_private", {"yes", "On", "0"}, {"maybe", "2", ""}},
    {"delivery.smarthost", {"relay.example:587", "relay.example", ""}, {"relay.example:0", "relay.example:x"}},
    {"delivery.smarthost_user", {"me", ""}, {"a\nb"}},
    {"delivery.smarthost_password", {"hunter2", ""}, {"a\x01"}},
    {"delivery.smarthost_tls", {"auto", "opportunistic", "require", "verify"}, {"", "never"}},
    {"delivery.providers", {"/etc/posthorn/providers.conf", ""}, {"a\x01"}},
    {"delivery.tls_ca", {"/etc/ca.pem", ""}, {"a\x01"}},
    {"delivery.mta_sts", {"yes", "no"}, {"maybe"}},
    {"delivery.mta_sts_port", {"443", "8443"}, {"0", "65536", ""}},
    {"delivery.bounce_rules", {"/etc/posthorn/bounces.conf", ""}, {"a\x01"}},
    {"delivery.delay_notice", {"yes", "no"}, {"maybe"}},
    {"delivery.transcripts", {"failures", "all", "none"}, {"", "some"}},
    {"tls_report.from", {"tlsrpt@mail.example", ""}, {"tlsrpt", "a@b.example, c@d.example"}},
    {"tls_report.organization", {"Shop & Co.", ""}, {"a\nb"}},
    {"tls_report.contact", {"postmaster@mail.example", "https://mail.example/contact", ""}, {"a\x01"}},
    {"store.disk_free", {"0", "512"}, {"-1", "1G", ""}},
    {"store.disk", {"", "/srv"}, {NULL}},
    {"events.feed",
     {"", "file:/x", "unix:/run/x", "tcp:127.0.0.1:5170", "tcp:[::1]:1"},
     {"/x", "file:x", "unix:x", "tcp:name:1", "tcp:127.0.0.1", "tcp:unix:/x", "http://x"}},
    {"keep.body_days", {"1", "30"}, {"0", "1d", ""}},
    {"keep.event_days", {"1", "400"}, {"0", "x", ""}},
    {"keep.body_days_max", {"0", "90"}, {"-1", "1d", ""}},
    {"keep.event_days_max", {"0", "800"}, {"-1", "x", ""}},
    {"alerts.mail", {"ops@mail.example", ""}, {"ops", "a@b.example, c@d.example"}},
    {"alerts.webhook", {"https://ops.example/x", ""}, {"ops.example", "ftp://ops.example/"}},
    {"alerts.allow_private", {"yes", "no"}, {"maybe"}},
    {"alerts.suspend", {"yes", "no"}, {"maybe"}},
    {"alerts.again", {"30s", "5m", "4h", "3d", "0"}, {"", "5", "367d", "-1m", "1h30m", "m"}},
    {"alerts.every", {"30s", "5m", "4h", "3d", "0"}, {"", "5", "367d", "-1m", "1h30m", "m"}},
    {"alerts.calm", {"30s", "5m", "4h", "3d", "0"}, {"", "5", "367d", "-1m", "1h30m", "m"}},
    {"alerts.queue_age", {"30s", "5m", "4h", "3d", "0"}, {"", "5", "367d", "-1m", "1h30m", "m"}},
    {"alerts.feed", {"30s", "5m", "0"}, {"", "5", "x"}},
    {"alerts.site", {"30s", "5m", "4h", "3d", "0"}, {"", "5", "367d", "-1m", "1h30m", "m"}},
    {"alerts.certificate", {"30s", "5m", "4h", "3d", "0"}, {"", "5", "367d", "-1m", "1h30m", "m"}},
    {"alerts.disk_percent", {"0", "5", "0.1", "100", "12.345"}, {"", "101", "5%", "0.1234", "-1", "100.001"}},
    {"alerts.bounces", {"0", "5", "0.1", "100", "12.345"}, {"", "101", "5%", "0.1234", "-1", "100.001"}},
    {"alerts.bounces_suspend", {"0", "5", "0.1", "100", "12.345"}, {"", "101", "5%", "0.1234", "-1", "100.001"}},
    {"alerts.complaints", {"0", "5", "0.1", "100", "12.345"}, {"", "101", "5%", "0.1234", "-1", "100.001"}},
    {"alerts.complaints_suspend", {"0", "5", "0.1", "100", "12.345"}, {"", "101", "5%", "0.1234", "-1", "100.001"}},
    {"alerts.disk_free", {"0", "1024"}, {"", "-1", "1G"}},
    {"alerts.messages", {"1", "200"}, {"0", "", "many"}},
    {"domains.check_every", {"30s", "5m", "4h", "3d", "0"}, {"", "5", "367d", "-1m", "1h30m", "m"}},
    {"domains.grace_days", {"0", "3"}, {"", "-1"}},
    {"domains.stop_failing", {"yes", "no"}, {"maybe"}},
    {"delivery.retry", {"30s,5m,1h", "2h", ""}, {"5", "5m,,1h", "-5m", "x"}},
    {"smtp.public_host", {"smtp.example", ""}, {"-x.example", "a b"}},
    {"smtp.listen", {"", "127.0.0.1:2525,[::1]:2525"}, {"2525", "mail.example.com:25"}},
    {"smtp.listen_tls", {"127.0.0.1:465"}, {"465"}},
    {"smtp.return_path", {"192.0.2.1:25"}, {"25"}},
    {"smtp.trusted",
     {"", "192.0.2.0/28=shop.example", "10.0.0.0/8=a.example, 2001:db8::/32=b.example"},
     {"192.0.2.0/28", "=shop.example", "192.0.2.0/28=", "192.0.2.0/28=x", "0.0.0.0/0=shop.example", "10.0.0.0/7=shop.example",
      "::/0=shop.example", "2001::/31=shop.example", "mail.example.com=shop.example", "10.0.0.5/24=shop.example",
      "2001:db8::1/64=shop.example", "10.0.0.5=a.example, 10.0.0.5/32=b.example"}},
    {"smtp.proxies", {"", "192.0.2.1, 10.0.0.0/8"}, {"proxy.example.com"}},
    {"smtp.xclient", {"", "192.0.2.1"}, {"proxy.example.com"}},
    {"smtp.auth_without_tls", {"never", "loopback"}, {"yes", ""}},
    {"smtp.message_max", {"64K", "50M", "1G", "1000000", "5m"}, {"", "63K", "2G", "M", "50 M", "50MB", "18446744073709551615G"}},
    {"smtp.recipients_max", {"1", "1000"}, {"", "0", "-1", "many"}},
    {"smtp.connections", {"1", "1000000"}, {"0", "1000001"}},
    {"smtp.connections_per_address", {"1", "50"}, {"0"}},
    {"smtp.public_ports", {"", "25,587,465", "2525"}, {"0", "25,", "25 587", "smtp"}},
    {"webhook.allow_private", {"yes", "no"}, {"maybe"}},
    {"tls.folder", {"/etc/certificates", ""}, {"a\x1b"}},
    {"acme.directory", {"https://acme.example/dir", ""}, {"acme.example"}},
    {"acme.agree", {"yes", "no"}, {"maybe"}},
    {"acme.contact", {"ops@mail.example", ""}, {"ops"}},
    {"acme.ca", {"/etc/ca.pem", ""}, {"a\x01"}},
    {"webhook.timeout", {"15s", "1m"}, {"", "5"}},
    {"webhook.calls", {"1", "500"}, {"0", ""}},
    {"webhook.proxy", {"10.0.0.1:3128", "[fd00::1]:3128", ""}, {"proxy.example:3128", "10.0.0.1", "unix:/x"}},
    {"webhook.tls_ca", {"/etc/ca.pem", ""}, {"a\x01"}},
    {"track.listen", {"", "127.0.0.1:8081,[::1]:8081"}, {"8081"}},
    {"track.tls_listen", {"", "127.0.0.1:8443"}, {"8443"}},
    {"track.key_version", {"1", "255"}, {"0", ""}},
    {"track.oldest_key", {"1", "255"}, {"0", ""}},
    {"track.patience", {"1", "250"}, {"0", ""}},
    {"track.networks", {"/etc/networks.conf", ""}, {"a\x01"}},
    {"track.countries", {"/etc/countries.mmdb", ""}, {"a\x01"}},
    {"track.base_url",
     {"https://mail.example", "http://127.0.0.1:8080/", "https://[::1]:8443", ""},
     {"mail.example", "https://mail.example/x", "https://mail.example?", "https://a@mail.example", "https://",
      "ftp://mail.example", "https:// "}},
    {"track.hosts",
     {"", "old.example", "a.example, b.example"},
     {"https://a.example", "a.example b.example", "a.example,", "a..example"}},
    {"track.life", {"30s", "5m", "4h", "3d", "0"}, {"", "5", "367d", "-1m", "1h30m", "m"}},
    {"track.text", {"yes", "no"}, {"maybe"}},
    {"mail.from", {"post@mail.example", ""}, {"post", "a@b.example, c@d.example"}},
    {"keys.master", {"/etc/master.key"}, {"a\x01"}},
    {"api.v1_errors", {"always-200", "http"}, {"always200", "200"}},
    {"limits.key_per_minute", {"0", "1200", "1000000000"}, {"", "-1", "many", "1000000001"}},
    {"limits.account_per_minute", {"0"}, {"1.5"}},
    {"limits.address_per_minute", {"0"}, {"1k"}},
    /* Of sections with names. */
    {"source.a.b.address", {"192.0.2.1", "2001:db8::1", ""}, {"mail.example", "192.0.2.1:25", "192.0.2.0/24"}},
    {"source.a.b.hostname", {"out1.example", ""}, {"a b"}},
    {"source.a.b.weight", {"1", "100"}, {"0", "", "-1"}},
    {"source.a.b.pool", {"", "news", "news, shop"}, {"news,", "a b"}},
    {"source.a.b.warmup", {"", "2026-11-01"}, {"2026-11-31", "tomorrow", "2026-11-01 10:00:00"}},
    {"source.a.b.warmup_plan", {"", "default", "slow", "50,100,100"}, {"fast", "50,,100", "100,50", "0,1", "5,1000000001"}},
    {"relay.r.host", {"relay.example", "192.0.2.1", "2001:db8::1"}, {"relay.example:25", "a b"}},
    {"relay.r.port", {"587"}, {"0"}},
    {"relay.r.user", {"me", ""}, {"a\nb"}},
    {"relay.r.password", {"hunter2", ""}, {"a\x01"}},
    {"relay.r.tls", {"auto", "opportunistic", "require", "verify"}, {"yes"}},
    {"relay.r.domains", {"example.com", "*.example.com, example.com", ""}, {"*", "a b", "*.", "a,,b", "a.*.b"}},
    {"relay.r.senders", {"example.com", ""}, {"@example.com"}},
};

static void every_kind_tells_good_from_bad(void **state) {
    struct scene *s = *state;
    for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
        for (size_t i = 0; i < 5 && keys[k].good[i]; i++) {
            BUF_AUTO text = {0};
            buf_addf(&text, "%s=%s", keys[k].key, keys[k].good[i]);
            if (option(s, text.p) != STATUS_OK) fail_msg("%s", s->why.p);
        }
        for (size_t i = 0; i < 13 && keys[k].bad[i]; i++) {
            BUF_AUTO text = {0};
            buf_addf(&text, "%s=%s", keys[k].key, keys[k].bad[i]);
            if (option(s, text.p) != STATUS_INVALID) fail_msg("-o %s was taken", text.p);
            assert_why(s, keys[k].key);
        }
    }
}

/* A key that is added to the table must be added here. */
static void no_key_is_left_out(void **state) {
    struct scene *s = *state;
    BUF_AUTO all = {0};
    assert_int_equal(option(s, "source.a.weight=1"), STATUS_OK);
    assert_int_equal(option(s, "relay.r.port=25"), STATUS_OK);
    config_format(&all, &s->config);
    size_t count = 0;
    struct str rest = buf_str(&all), line;
    while (str_next(&rest, '\n', &line)) count += line.n > 0 && line.p[0] != ';' && line.p[0] != '[';
    assert_int_equal(count, sizeof keys / sizeof keys[0]);
}

static void words_have_their_values(void **state) {
    struct scene *s = *state;
    assert_int_equal(option(s, "log.level=Warn"), STATUS_OK);
    assert_int_equal(s->config.log_level, LOG_WARN);
    assert_int_equal(option(s, "delivery.mode=sandbox"), STATUS_OK);
    assert_int_equal(s->config.delivery_mode, MODE_SANDBOX);
    assert_int_equal(option(s, "delivery.allow_private=on"), STATUS_OK);
    assert_int_equal(s->config.delivery_allow_private, 1);
    assert_int_equal(option(s, "api.v1_errors=always-200"), STATUS_OK);
    assert_int_equal(s->config.api_v1_errors, ERRORS_ALWAYS_200);
    assert_int_equal(option(s, " delivery.port= 2525 "), STATUS_INVALID); /* the name is taken as it is */
    assert_int_equal(option(s, "delivery.port= 2525 "), STATUS_OK);
    assert_int_equal(s->config.delivery_port, 2525);
}

static void sizes_have_units(void **state) {
    struct scene *s = *state;
    assert_int_equal(s->config.smtp_message_max, 50 << 20);
    assert_int_equal(option(s, "smtp.message_max=96k"), STATUS_OK);
    assert_int_equal(s->config.smtp_message_max, 96 << 10);
    assert_int_equal(option(s, "smtp.message_max=1000000"), STATUS_OK);
    assert_int_equal(s->config.smtp_message_max, 1000000);
    BUF_AUTO all = {0};
    config_format(&all, &s->config);
    assert_true(str_find_str(buf_str(&all), STR("message_max = 1000000\n")) != STR_NONE);
}

static void comments_end_values(void **state) {
    struct scene *s = *state;
    struct str text =
        STR("# one\n; two\n[delivery] ; three\nport = 2525 ; four\n\thostname = mx.example.com\t; five\n[data]\ndir = /a;b#c\n");
    assert_int_equal(read_text(s, text), STATUS_OK);
    assert_int_equal(s->config.delivery_port, 2525);
    assert_true(str_eq(s->config.delivery_hostname, STR("mx.example.com")));
    assert_true(str_eq(s->config.data_dir, STR("/a;b#c")));
}

static void bad_lines_are_named_by_file_and_line(void **state) {
    struct scene *s = *state;
    static const struct {
        const char *text, *where, *why;
    } cases[] = {
        {"[http]\nlisten = 127.0.0.1:1\nlisen = x\n", "posthorn.conf:3: ", "unknown key"},
        {"; fine\n[htp]\nlisten = 127.0.0.1:1\n", "posthorn.conf:3: ", "unknown section"},
        {"listen = 127.0.0.1:1\n", "posthorn.conf:1: ", "unknown section"},
        {"[delivery]\n\nport = many\n", "posthorn.conf:3: ", "[delivery] port = many: expected a port number"},
        {"[log]\nlevel = loud\n", "posthorn.conf:2: ", "[log] level = loud: expected one of debug|info|warn|error"},
        {"[delivery]\nport\n", "posthorn.conf:2: ", "not a [section], key = value or comment"},
        {"[delivery\nport = 25\n", "posthorn.conf:1: ", "not a [section]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(read_text(s, str_from_z(cases[i].text)), STATUS_INVALID);
        assert_why(s, cases[i].where);
        assert_why(s, cases[i].why);
        assert_true(str_find(buf_str(&s->why), '\n') == STR_NONE);
    }
    buf_reset(&s->why);
    assert_int_equal(config_read_file(&s->config, "/nonexistent/posthorn.conf", &s->why), STATUS_INVALID);
    assert_why(s, "/nonexistent/posthorn.conf: cannot be read");
}

static void sections_may_have_names(void **state) {
    struct scene *s = *state;
    struct str text =
        STR("[source one]\naddress = 192.0.2.1\n[source two.b]\naddress = 2001:db8::1\npool = news\n"
            "[relay inside]\nhost = mx.corp.example\ndomains = corp.example\n[source one]\nweight = 3\n[source bare]\n");
    assert_int_equal(read_text(s, text), STATUS_OK);
    assert_int_equal(option(s, "source.two.b.address=2001:db8::2"), STATUS_OK);
    assert_int_equal(option(s, "relay.second.senders=shop.example"), STATUS_OK);
    const struct config_source *sources = s->config.sources.items;
    const struct config_relay *relays = s->config.relays.items;
    assert_int_equal(s->config.sources.count, 3);
    assert_str(sources[0].address, "192.0.2.1");
    assert_int_equal(sources[0].weight, 3);
    assert_str(sources[1].name, "two.b");
    assert_str(sources[1].address, "2001:db8::2");
    assert_str(sources[2].name, "bare");
    assert_int_equal(sources[2].weight, 1);
    assert_str(relays[1].senders, "shop.example");
    assert_int_equal(relays[0].port, 25);
    assert_int_equal(config_finish(&s->config, &s->why), STATUS_INVALID);
    assert_why(s, "[relay second]: host is missing");
    static const struct {
        const char *text, *where, *why;
    } cases[] = {
        {"[source]\naddress = 192.0.2.1\n", "posthorn.conf:1: [source]", "has a name"},
        {"\n[relay a b]\nhost = x\n", "posthorn.conf:2: ", "has a name"},
        {"[source x]\nadress = 192.0.2.1\n", "posthorn.conf:2: ", "unknown key in this section"},
        {"[source x]\naddress = mail\n", "posthorn.conf:2: [source x] address = mail: ", "expected an IPv4 or IPv6 address"},
        {"[relay x]\npassword = hunter\x01\n", "posthorn.conf:2: [relay x] password = ***: ", "control characters"},
        {"[relay x]\npasswort = hunter\n", "posthorn.conf:2: [relay x] passwort = ***: ", "unknown key"},
        {"[sources x]\naddress = 192.0.2.1\n", "posthorn.conf:2: ", "unknown section"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(read_text(s, str_from_z(cases[i].text)), STATUS_INVALID);
        assert_why(s, cases[i].where);
        assert_why(s, cases[i].why);
    }
}

static void a_section_of_a_kind_too_many(void **state) {
    struct scene *s = *state;
    for (int i = 0; i < 257; i++) {
        BUF_AUTO text = {0};
        buf_addf(&text, "source.s%d.weight=1", i);
        assert_int_equal(option(s, text.p), i < 256 ? STATUS_OK : STATUS_INVALID);
    }
    assert_why(s, "-o source.s256.weight=1: more than 256 of them");
}

/* P10 */
static void named_sections_are_shown_and_read_back(void **state) {
    struct scene *s = *state;
    BUF_AUTO first = {0}, second = {0}, json = {0};
    struct str text = STR("[relay inside]\nhost = mx.corp.example\ndomains = corp.example\nuser = me\npassword = hunter2\n"
                          "[source one]\naddress = 192.0.2.1\nwarmup = 2026-11-01\nwarmup_plan = 5,10\n");
    assert_int_equal(read_text(s, text), STATUS_OK);
    assert_int_equal(config_finish(&s->config, &s->why), STATUS_OK);
    config_format(&first, &s->config);
    config_format_json(&json, &s->config);
    assert_true(str_find_str(buf_str(&first), STR("\n[source one]\n")) != STR_NONE);
    assert_true(str_find_str(buf_str(&first), STR("\npassword = ***\n")) != STR_NONE);
    assert_true(str_find_str(buf_str(&json), STR("\"source.one.warmup_plan\"")) != STR_NONE);
    assert_true(str_find_str(buf_str(&first), STR("hunter2")) == STR_NONE);
    assert_true(str_find_str(buf_str(&json), STR("hunter2")) == STR_NONE);
    config_fini(&s->config);
    config_init(&s->config);
    if (read_text(s, buf_str(&first)) != STATUS_OK) fail_msg("%s", s->why.p);
    config_format(&second, &s->config);
    if (!str_eq(buf_str(&first), buf_str(&second))) fail_msg("%s\n-- became --\n%s", first.p, second.p);
}

static void what_sources_and_relays_say_together(void **state) {
    struct scene *s = *state;
    static const struct {
        const char *options[3], *why;
    } cases[] = {
        {{"source.a.address=192.0.2.1", "source.b.address=192.0.2.1"}, "[source b]: another source has the same address"},
        {{"source.a.warmup_plan=5,6"}, "[source a]: warmup_plan needs warmup"},
        {{"relay.r.host=h"}, "[relay r]: needs domains or senders"},
        {{"relay.r.host=h", "relay.r.domains=a.example", "relay.r.user=me"}, "[relay r]: user and password belong together"},
        {{"delivery.smarthost_user=me"}, "need smarthost"},
        {{"delivery.smarthost=h:25", "delivery.smarthost_user=me"}, "[relay smarthost]: user and password belong together"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        config_fini(&s->config);
        config_init(&s->config);
        for (size_t k = 0; k < 3 && cases[i].options[k]; k++) assert_int_equal(option(s, cases[i].options[k]), STATUS_OK);
        buf_reset(&s->why);
        assert_int_equal(config_finish(&s->config, &s->why), STATUS_INVALID);
        assert_why(s, cases[i].why);
    }
}

static void options_win_over_the_file(void **state) {
    struct scene *s = *state;
    assert_int_equal(read_text(s, STR("[delivery]\nport = 2525\nhostname = file.example\r\n")), STATUS_OK);
    assert_int_equal(option(s, "delivery.port=26"), STATUS_OK);
    assert_int_equal(s->config.delivery_port, 26);
    assert_str(s->config.delivery_hostname, "file.example");
    static const char *const malformed[] = {"delivery.port", "port=25",        "=", "", ".=", "delivery.=1",
                                            "nope.port=1",   "delivery.nope=1"};
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        assert_int_equal(option(s, malformed[i]), STATUS_INVALID);
        assert_why(s, "-o ");
    }
    assert_int_equal(s->config.delivery_port, 26);
}

static void environment_is_put_in(void **state) {
    struct scene *s = *state;
    setenv("POSTHORN_TEST_A", "relay", 1);
    setenv("POSTHORN_TEST_B", "${POSTHORN_TEST_B}", 1); /* would go round for ever */
    unsetenv("POSTHORN_TEST_C");
    assert_int_equal(read_text(s, STR("[delivery]\nsmarthost = ${POSTHORN_TEST_A}.${POSTHORN_TEST_A}.example:587\n")), STATUS_OK);
    assert_str(s->config.delivery_smarthost, "relay.relay.example:587");
    assert_int_equal(option(s, "data.user=${POSTHORN_TEST_B}"), STATUS_INVALID);
    assert_int_equal(option(s, "data.user=${POSTHORN_TEST_C}"), STATUS_INVALID);
    assert_why(s, "not set");
    assert_int_equal(option(s, "data.user=${POSTHORN_TEST_A"), STATUS_INVALID);
    assert_why(s, "without }");
}

/* P10: a secret's value comes from a file's first line, and is never printed. */
static void secrets_come_from_files_and_are_masked(void **state) {
    struct scene *s = *state;
    BUF_AUTO secret = {0}, setting = {0}, printed = {0};
    buf_addf(&secret, "%s/secret", s->folder.p);
    FILE *f = fopen(secret.p, "we");
    assert_non_null(f);
    fputs("postgresql://me:hunter2@db/mail \nsecond line\n", f);
    fclose(f);
    buf_addf(&setting, "data.url=file:%s", secret.p);
    assert_int_equal(option(s, setting.p), STATUS_OK);
    assert_str(s->config.data_url, "postgresql://me:hunter2@db/mail");
    config_format(&printed, &s->config);
    assert_true(str_find_str(buf_str(&printed), STR("hunter2")) == STR_NONE);
    assert_true(str_find_str(buf_str(&printed), STR("\nurl = ***\n")) != STR_NONE);
    f = fopen(secret.p, "we");
    assert_non_null(f);
    fclose(f);
    assert_int_equal(option(s, setting.p), STATUS_INVALID);
    assert_why(s, "is empty");
    unlink(secret.p);
    assert_int_equal(option(s, setting.p), STATUS_INVALID);
    assert_why(s, "cannot be read");
    assert_int_equal(option(s, "data.user=file:x"), STATUS_OK); /* no secret: the text itself */
    assert_str(s->config.data_user, "file:x");
    assert_int_equal(option(s, "data.url=mysql://me:hunter2@db/mail"), STATUS_INVALID);
    assert_true(str_find_str(buf_str(&s->why), STR("hunter2")) == STR_NONE);
    assert_int_equal(read_text(s, STR("[data]\nurl = mysql://me:hunter2@db/mail\n")), STATUS_INVALID);
    assert_why(s, "posthorn.conf:2: [data] url");
    assert_true(str_find_str(buf_str(&s->why), STR("hunter2")) == STR_NONE);
}

static void what_is_printed_can_be_read_back(void **state) {
    struct scene *s = *state;
    static const char *const set[] = {"delivery.mode=sandbox",  "delivery.port=2525",       "delivery.allow_private=yes",
                                      "delivery.retry=30s,5m",  "delivery.hostname=a.b.c",  "dns.servers=192.0.2.1@53,192.0.2.2",
                                      "http.listen=[::1]:8080", "log.level=debug",          "log.format=json",
                                      "data.dir=/a b/c;d#e;f=", "api.v1_errors=always-200", "tls.key=\"quoted\""};
    for (size_t i = 0; i < sizeof set / sizeof set[0]; i++) assert_int_equal(option(s, set[i]), STATUS_OK);
    BUF_AUTO path = {0};
    buf_add_z(&path, "tls.cert=/");
    for (int i = 0; i < 3000; i++) buf_add_char(&path, 'x');
    assert_int_equal(option(s, path.p), STATUS_OK);
    BUF_AUTO first = {0}, second = {0};
    config_format(&first, &s->config);
    config_fini(&s->config);
    config_init(&s->config);
    if (read_text(s, buf_str(&first)) != STATUS_OK) fail_msg("%s", s->why.p);
    config_format(&second, &s->config);
    if (!str_eq(buf_str(&first), buf_str(&second))) fail_msg("%s\n-- became --\n%s", first.p, second.p);
}

static void paths_and_what_belongs_together(void **state) {
    struct scene *s = *state;
    char cwd[PATH_MAX];
    BUF_AUTO want = {0};
    assert_non_null(getcwd(cwd, sizeof cwd));
    assert_int_equal(option(s, "data.dir=x//"), STATUS_OK);
    assert_int_equal(config_finish(&s->config, &s->why), STATUS_OK);
    buf_addf(&want, "%s/x", cwd);
    assert_str(s->config.data_dir, want.p);
    buf_add_z(&want, ".master.key");
    assert_str(s->config.keys_master, want.p); /* never inside the data folder */
    assert_true(s->config.delivery_hostname.n > 0);
    assert_int_equal(option(s, "keys.master="), STATUS_OK);
    assert_int_equal(read_text(s, STR("[data]\ndir = /y\n")), STATUS_OK);
    assert_int_equal(config_finish(&s->config, &s->why), STATUS_OK);
    assert_true(str_ends(s->config.keys_master, STR("/master.key")));
    assert_true(str_starts(s->config.file, STR("/")));
    assert_int_equal(option(s, "http.tls_listen=127.0.0.1:443"), STATUS_OK);
    assert_int_equal(config_finish(&s->config, &s->why), STATUS_INVALID);
    assert_why(s, "[http] tls_listen: needs [tls] cert and key");
    assert_int_equal(option(s, "data.dir="), STATUS_OK);
    assert_int_equal(config_finish(&s->config, &s->why), STATUS_INVALID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(defaults_are_safe, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_kind_tells_good_from_bad, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_key_is_left_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(words_have_their_values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sizes_have_units, set_up, tear_down),
        cmocka_unit_test_setup_teardown(comments_end_values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bad_lines_are_named_by_file_and_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sections_may_have_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_section_of_a_kind_too_many, set_up, tear_down),
        cmocka_unit_test_setup_teardown(named_sections_are_shown_and_read_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_sources_and_relays_say_together, set_up, tear_down),
        cmocka_unit_test_setup_teardown(options_win_over_the_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(environment_is_put_in, set_up, tear_down),
        cmocka_unit_test_setup_teardown(secrets_come_from_files_and_are_masked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_printed_can_be_read_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(paths_and_what_belongs_together, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
