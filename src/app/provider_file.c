/* provider_file.c - see provider_file.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "app/provider_file.h"

#include "base/file.h"
#include "proto/json/json_write.h"

#include <stdio.h>
#include <stdlib.h>

enum status provider_file_read(const struct config *c, struct providers **ret, struct buf *ret_why) {
    BUF_AUTO text = {0};
    BUF_AUTO why = {0};
    if (str_is_empty(c->delivery_providers)) {
        *ret = providers_builtin();
        return STATUS_OK;
    }
    enum status st = file_read(c->delivery_providers.p, PROVIDERS_FILE_MAX, &text);
    bool is_read = st == STATUS_OK || st == STATUS_LIMIT; /* the parser tells who is too long */
    if (!is_read) buf_add_z(&why, "cannot be read");
    st = is_read ? providers_parse(buf_str(&text), &why, ret) : STATUS_INVALID;
    if (st != STATUS_OK)
        buf_addf(ret_why, "[delivery] providers: %.*s: %.*s", STR_ARG(c->delivery_providers), STR_ARG(buf_str(&why)));
    return st;
}

/* ---- shown ---- */
static struct str name_of(const struct provider *row) {
    return row->name.n ? row->name : STR("default");
}

static void add_time(struct buf *out, int64_t ms) {
    static const struct {
        int64_t ms;
        char unit;
    } units[] = {{3600000, 'h'}, {60000, 'm'}, {1000, 's'}};
    size_t i = 0;
    while (ms % units[i].ms) i++; /* whole seconds in any case */
    buf_addf(out, "%lld%c", (long long)(ms / units[i].ms), units[i].unit);
}

/* The last `inherited` replies are the default row's. */
static void format_text(struct buf *out, const struct provider *row, size_t inherited) {
    buf_addf(out, "[%.*s]\n", STR_ARG(name_of(row)));
    for (size_t i = 0; i < row->mx_count; i++) buf_addf(out, "mx = %.*s\n", STR_ARG(row->mx[i]));
    buf_addf(out, "connections = %zu\nmessages = %zu\nrate = %lld\nidle = ", row->limits.connections,
             row->limits.connection_messages, (long long)row->limits.per_minute);
    add_time(out, row->limits.idle_ms);
    buf_addf(out, "\ntls = %s\n", row->requires_tls ? "require" : "opportunistic");
    for (size_t i = 0; i < row->rule_count - inherited; i++) {
        const struct provider_rule *rule = &row->rules[i];
        buf_add_z(out, rule->suspend_ms ? "suspend = " : "slow =");
        if (rule->suspend_ms) add_time(out, rule->suspend_ms);
        buf_addf(out, " \"%.*s\"\n", STR_ARG(rule->words));
    }
    buf_add_char(out, '\n');
}

static void format_json(struct json_writer *w, const struct provider *row) {
    json_open_object(w);
    json_add_str(w, STR("Name"), name_of(row));
    json_add_array(w, STR("MX"));
    for (size_t i = 0; i < row->mx_count; i++) json_str(w, row->mx[i]);
    json_close_array(w);
    json_add_i64(w, STR("Connections"), (int64_t)row->limits.connections);
    json_add_i64(w, STR("ConnectionMessages"), (int64_t)row->limits.connection_messages);
    json_add_i64(w, STR("MessagesPerMinute"), row->limits.per_minute);
    json_add_i64(w, STR("IdleSeconds"), row->limits.idle_ms / 1000);
    json_add_bool(w, STR("RequiresTLS"), row->requires_tls);
    json_add_array(w, STR("Replies"));
    for (size_t i = 0; i < row->rule_count; i++) {
        json_open_object(w);
        json_add_str(w, STR("Words"), row->rules[i].words);
        json_add_i64(w, STR("SuspendSeconds"), row->rules[i].suspend_ms / 1000);
        json_close_object(w);
    }
    json_close_array(w);
    json_close_object(w);
}

static void format(struct buf *out, const struct providers *p, bool json) {
    struct json_writer w = {.out = out};
    const struct provider *row, *rest = provider_find(p, STR(""));
    if (!json) {
        for (size_t i = 0; (row = provider_at(p, i)); i++) format_text(out, row, row == rest ? 0 : rest->rule_count);
        return;
    }
    json_open_object(&w);
    json_add_array(&w, STR("Providers"));
    for (size_t i = 0; (row = provider_at(p, i)); i++) format_json(&w, row);
    json_close_array(&w);
    json_close_object(&w);
    buf_add_char(out, '\n');
}

int provider_file_print(const struct config *c, bool json) {
    BUF_AUTO out = {0};
    struct providers *p = NULL;
    if (provider_file_read(c, &p, &out) != STATUS_OK) {
        fprintf(stderr, "posthorn: %s\n", out.p);
        return CONFIG_EXIT;
    }
    format(&out, p, json);
    fwrite(out.p, 1, out.n, stdout);
    providers_unref(&p);
    return EXIT_SUCCESS;
}
