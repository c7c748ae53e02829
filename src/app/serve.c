/* serve.c - signals in, a gateway up, a gateway down.
 *
 * All signals are blocked before the first thread starts, and the main thread waits for them one by one: no handler ever runs in
 * the middle of anything.
 * SPDX-License-Identifier: Apache-2.0 */
#include "app/serve.h"

#include "app/control.h"
#include "app/gateway.h"
#include "app/home.h"
#include "base/log.h"
#include "proto/json/json_write.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int refuse(const struct buf *why) {
    fprintf(stderr, "posthorn: %.*s\n", STR_ARG(buf_str(why)));
    return EXIT_FAILURE;
}

static void say_back_it_up(const struct config *c, const struct home *home) {
    if (!home->made_master_key) return;
    fprintf(stderr,
            "posthorn: made the master key %.*s\n"
            "          BACK IT UP, apart from the database: without it no stored DKIM key or sender key can be opened again.\n",
            STR_ARG(c->keys_master));
}

static int say_ready(const struct config *c, bool as_json) {
    BUF_AUTO out = {0};
    struct json_writer w = {.out = &out};
    json_open_object(&w);
    json_add_bool(&w, STR("Success"), true);
    json_add_str(&w, STR("DataDir"), c->data_dir);
    json_add_str(&w, STR("MasterKey"), c->keys_master);
    json_close_object(&w);
    if (as_json)
        printf("%.*s\n", STR_ARG(buf_str(&out)));
    else
        printf("%.*s is ready.\n", STR_ARG(c->data_dir));
    return EXIT_SUCCESS;
}

int serve_init(const struct config *c, bool as_json) {
    if (control_has_server(c)) return say_ready(c, as_json); /* it has made everything at its start */
    struct home home;
    struct gateway *gateway = NULL;
    BUF_AUTO why = {0};
    log_configure(STDERR_FILENO, LOG_WARN, LOG_LOGFMT);
    if (home_open(c, &home, &why) != STATUS_OK) return refuse(&why);
    enum status st = gateway_open(c, &home, GATEWAY_OFFLINE, &gateway, &why);
    if (st != STATUS_CORRUPT) say_back_it_up(c, &home);
    gateway_close(&gateway);
    home_close(&home);
    if (st != STATUS_OK) return refuse(&why);
    return say_ready(c, as_json);
}

/* The newest sender key of `domain`, asked for like any operator would; empty when there is none. */
static void find_key(struct gateway *g, const char *domain, struct buf *ret_key) {
    SECRET_AUTO request = {0};
    SECRET_AUTO answer = {0};
    BUF_AUTO why = {0};
    struct json_writer w = {.out = &request};
    json_open_object(&w);
    json_add_z(&w, STR("Command"), "EmailGateway.GetAPIs");
    json_add_z(&w, STR("Domain"), domain);
    json_close_object(&w);
    int fd;
    if (gateway_dial(g, &fd) != STATUS_OK) return;
    enum status st = control_call(fd, buf_str(&request), NULL, &answer, &why);
    close(fd);
    ARENA_AUTO arena = {0};
    const struct json *tree;
    struct json_error error;
    if (st != STATUS_OK || !json_parse(&arena, buf_str(&answer), &tree, &error)) return;
    JSON_FOR_EACH (row, json_find(tree, STR("APIKeys"))) {
        buf_reset(ret_key);
        buf_add_str(ret_key, json_find_text(row, STR("Key")));
    }
}

/* What stands behind `label` in the lines that `smtp-user add` said. */
static struct str said(struct str text, struct str label) {
    struct str line;
    while (str_next(&text, '\n', &line))
        if (str_starts(line, label)) return str_trim(str_sub(line, label.n, SIZE_MAX));
    return (struct str){0};
}

/* Before root and the working directory go. */
static void read_smtp_user(const struct greeting *greeting, struct buf *ret) {
    char text[1024];
    FILE *f = greeting->smtp ? fopen(greeting->smtp, "re") : NULL;
    if (!f) return;
    size_t n = fread(text, 1, sizeof text, f);
    fclose(f);
    buf_add(ret, text, n);
    explicit_bzero(text, sizeof text);
}

static void greet_smtp(struct gateway *g, const char *domain, struct str smtp_user) {
    BUF_AUTO address = {0};
    BUF_AUTO tls = {0};
    struct str user = said(smtp_user, STR("User name:")), password = said(smtp_user, STR("Password:"));
    gateway_format_smtp(&address, g, false);
    gateway_format_smtp(&tls, g, true);
    if (address.n == 0 || user.n == 0) return;
    printf("Or by SMTP, at %s with STARTTLS%s%s%s (the certificate is self-signed unless [tls] names one):\n\n"
           "  SMTP user     %.*s\n"
           "  password      %.*s\n\n"
           "  swaks --server %s --tls --auth-user %.*s --auth-password %.*s \\\n"
           "    --from you@%s --to friend@example.org --header 'Subject: Hello' --body 'It works.'\n\n",
           address.p, tls.n ? " or " : "", tls.n ? tls.p : "", tls.n ? " with TLS" : "", STR_ARG(user), STR_ARG(password),
           address.p, STR_ARG(user), STR_ARG(password), domain);
}

static void greet_inbox(const struct greeting *greeting) {
    const char *option = greeting->file ? " -c " : "", *file = greeting->file ? greeting->file : "";
    printf("Read it (in another terminal, here):\n\n  %s inbox list%s%s\n  %s inbox show 1%s%s\n\n", greeting->program, option,
           file, greeting->program, option, file);
}

static void greet(struct gateway *g, const struct config *c, const struct greeting *greeting, struct str smtp_user) {
    SECRET_AUTO key = {0};
    BUF_AUTO base = {0};
    bool is_sandbox = c->delivery_mode == MODE_SANDBOX;
    find_key(g, greeting->domain, &key);
    buf_add_str(&base, c->http_base_url);
    while (str_ends(buf_str(&base), STR("/"))) buf_cut(&base, base.n - 1);
    if (base.n == 0) {
        buf_add_z(&base, "http://");
        gateway_format_address(&base, g);
    }
    const char *url = base.p, *domain = greeting->domain;
    printf("\nPosthorn is running%s.\n\n"
           "  HTTP API      %s\n"
           "  try it out    %s/docs\n"
           "  sender key    %.*s   (domain %s)\n\n"
           "Send a first mail:\n\n"
           "  curl -s %s/api/v1/email -H 'Authorization: Bearer %.*s' -H 'Content-Type: application/json' \\\n"
           "    -d "
           "'{\"From\":{\"email\":\"you@%s\",\"name\":\"You\"},\"To\":[{\"email\":\"friend@example.org\",\"name\":\"Friend\"}],"
           "\"Subject\":\"Hello\",\"ContentType\":\"plain\",\"PlainContent\":\"It works.\"}'\n\n",
           is_sandbox ? " in sandbox mode: every mail ends in its own inbox" : "", url, url, STR_ARG(buf_str(&key)), domain, url,
           STR_ARG(buf_str(&key)), domain);
    greet_smtp(g, domain, smtp_user);
    if (is_sandbox) greet_inbox(greeting);
    printf("Ctrl-C stops it; everything is kept.\n\n");
    fflush(stdout);
}

/* Of the configuration only the log level: what else stands there is known at the start alone. */
static enum status reload_level(const struct config *c, struct buf *why) {
    struct config fresh;
    enum status st = config_read(&fresh, c->file.n ? c->file.p : NULL, c->options, c->option_count, why);
    if (st == STATUS_OK) log_set_level((enum log_level)fresh.log_level);
    config_fini(&fresh);
    return st;
}

static void say_reloaded(const char *what, enum status st, struct buf *why) {
    if (st == STATUS_OK)
        LOG(LOG_INFO, "app.reloaded", LOG_Z("what", what), LOG_Z("by", "SIGHUP"));
    else
        LOG(LOG_ERROR, "app.reload_failed", LOG_Z("what", what), LOG_STR("why", buf_str(why)));
    buf_reset(why);
}

/* Each by itself: a bad certificate does not keep the log as it is. */
static void reload(struct gateway *g, const struct config *c) {
    BUF_AUTO why = {0};
    say_reloaded("log level", reload_level(c, &why), &why);
    say_reloaded("providers", gateway_reload_providers(g, &why), &why);
    say_reloaded("bounce rules", gateway_reload_bounce_rules(g, &why), &why);
    say_reloaded("tracking", gateway_reload_tracking(g, &why), &why);
    say_reloaded("certificates", gateway_reload(g, &why), &why);
}

static int wait_for_end(struct gateway *g, const struct config *c, const sigset_t *signals) {
    for (;;) {
        int signal_number = 0;
        if (sigwait(signals, &signal_number) != 0) continue;
        if (signal_number != SIGHUP) {
            LOG(LOG_INFO, "app.stopping", LOG_INT("signal", signal_number),
                LOG_Z("because", gateway_is_lost(g) ? "the store is lost" : "asked to"));
            return gateway_is_lost(g) ? EXIT_FAILURE : EXIT_SUCCESS;
        }
        reload(g, c);
    }
}

int serve(const struct config *c, const struct greeting *greeting) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    log_configure(STDERR_FILENO, (enum log_level)c->log_level, (enum log_format)c->log_format);
    struct home home;
    struct gateway *gateway = NULL;
    BUF_AUTO why = {0};
    SECRET_AUTO smtp_user = {0};
    read_smtp_user(greeting, &smtp_user);
    if (home_open(c, &home, &why) != STATUS_OK) return refuse(&why);
    int code = EXIT_FAILURE;
    enum status st = gateway_open(c, &home, GATEWAY_SERVE, &gateway, &why);
    if (st != STATUS_CORRUPT) say_back_it_up(c, &home);
    if (st == STATUS_OK) {
        if (greeting->domain) greet(gateway, c, greeting, buf_str(&smtp_user));
        code = wait_for_end(gateway, c, &signals);
    } else
        (void)refuse(&why);
    gateway_close(&gateway);
    home_close(&home);
    return code;
}
