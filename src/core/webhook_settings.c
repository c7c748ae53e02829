/* webhook_settings.c - see webhook_settings.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/webhook_settings.h"

#include "core/hook_headers.h"
#include "proto/json/json_write.h"
#include "store/hooks.h"

#define MASK "********"

static enum status set_headers(struct db *tx, const struct webhook *w, struct str json, const struct webhook_keeper *k) {
    BUF_AUTO sealed = {0};
    if (json.n && !str_eq(json, STR("{}"))) hook_headers_seal(k->seal, w->id, json, k->rand, &sealed);
    return hook_endpoint_set_headers(tx, w->account_id, w->id, buf_str(&sealed));
}

/* Its pause ends, and with it that of its queue. */
static enum status make_well(struct db *tx, const struct webhook *w, const struct webhook_keeper *k) {
    const struct hook_health well = {.failures = 0};
    enum status status = hook_endpoint_set_health(tx, w->id, &well);
    return status == STATUS_OK ? hook_queue_refresh(tx, k->node_id, w->id, k->now) : status;
}

static enum status set_target(struct db *tx, const struct webhook *w, const struct webhook_settings *s,
                              const struct webhook_keeper *k) {
    struct str url = s->url.n ? s->url : w->url;
    enum status status = webhook_set_target(tx, w->account_id, w->id, url, s->events ? s->events : w->events);
    return status == STATUS_OK && !str_eq(url, w->url) ? make_well(tx, w, k) : status;
}

static enum status turn_on(struct db *tx, const struct webhook *w, const struct webhook_keeper *k) {
    return w->is_active ? make_well(tx, w, k) : hook_endpoint_enable(tx, w->account_id, w->id);
}

static enum status turn_off(struct db *tx, const struct webhook *w, const struct webhook_keeper *k) {
    if (!w->is_active) return STATUS_OK;
    enum status status = hook_endpoint_disable(tx, w->account_id, w->id, (struct str){0}, k->now);
    /* Its queue is looked at now: that drops it. */
    return status == STATUS_OK ? hook_queue_refresh(tx, k->node_id, w->id, k->now) : status;
}

enum status webhook_set(struct db *tx, const struct webhook *w, const struct webhook_settings *s,
                        const struct webhook_keeper *k) {
    enum status status = STATUS_OK;
    if (s->url.n || s->events) status = set_target(tx, w, s, k);
    if (status == STATUS_OK && s->has_headers) status = set_headers(tx, w, s->headers, k);
    if (status == STATUS_OK && s->batch_max != WEBHOOK_AS_IT_IS)
        status = hook_endpoint_set_batch(tx, w->account_id, w->id, s->batch_max);
    if (status == STATUS_OK && s->is_active != WEBHOOK_AS_IT_IS) status = (s->is_active ? turn_on : turn_off)(tx, w, k);
    return status;
}

void webhook_show_headers(const struct webhook *w, const struct seal_key *seal, struct arena *arena, struct buf *out) {
    SECRET_AUTO json = {0};
    BUF_AUTO why = {0};
    struct hook_headers headers = {.count = 0};
    struct json_writer writer = {.out = out};
    if (w->headers_sealed.n && hook_headers_open(seal, w->id, w->headers_sealed, &json) == STATUS_OK)
        (void)hook_headers_parse(arena_str(arena, buf_str(&json)), arena, &headers, &why);
    json_open_object(&writer);
    for (size_t i = 0; i < headers.count; i++) json_add_z(&writer, headers.items[i].name, MASK);
    json_close_object(&writer);
}
