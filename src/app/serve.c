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
    enum status st = control_call(fd, buf_str(&request), &answer, &why);
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

static void greet(struct gateway *g, const struct config *c, const struct greeting *greeting) {
    SECRET_AUTO key = {0};
    BUF_AUTO base = {0};
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
           c->delivery_mode == MODE_SANDBOX ? " in sandbox mode: every mail ends in its own inbox" : "", url, url,
           STR_ARG(buf_str(&key)), domain, url, STR_ARG(buf_str(&key)), domain);
    if (c->delivery_mode == MODE_SANDBOX)
        printf("Read it (in another terminal, here):\n\n  %s inbox list%s%s\n  %s inbox show 1%s%s\n\n", greeting->program,
               greeting->file ? " -c " : "", greeting->file ? greeting->file : "", greeting->program,
               greeting->file ? " -c " : "", greeting->file ? greeting->file : "");
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
    if (home_open(c, &home, &why) != STATUS_OK) return refuse(&why);
    int code = EXIT_FAILURE;
    enum status st = gateway_open(c, &home, GATEWAY_SERVE, &gateway, &why);
    if (st != STATUS_CORRUPT) say_back_it_up(c, &home);
    if (st == STATUS_OK) {
        if (greeting->domain) greet(gateway, c, greeting);
        code = wait_for_end(gateway, c, &signals);
    } else
        (void)refuse(&why);
    gateway_close(&gateway);
    home_close(&home);
    return code;
}
