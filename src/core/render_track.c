/* render_track.c - see render_track.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/render_track.h"

#include "core/lists.h"
#include "core/suppressions.h"
#include "core/unsubscribe.h"
#include "proto/mime/header.h"

/* ---- the plan ---- */
/* What the message says of a switch, else the domain. */
static bool is_on(const struct json *labels, struct str name, bool of_domain) {
    const struct json *own = json_find(labels, name);
    return own && own->type == JSON_BOOL ? own->boolean : of_domain;
}

/* Where links come home to; "": nowhere. */
static struct str base_of(struct arena *arena, const struct render_track_setup *setup, const struct domain *d) {
    if (!setup->keys) return STR("");
    if (d->record[DOMAIN_TRACKING] != RECORD_VERIFIED) return setup->base_url;
    struct str host = arena_strf(arena, "%.*s.%.*s.%.*s", STR_ARG(d->track_prefix), STR_ARG(d->subdomain), STR_ARG(d->name));
    if (setup->has_https && !setup->has_https(setup->arg, host)) return setup->base_url;
    return arena_strf(arena, "https://%.*s", STR_ARG(host));
}

/* What was decided for an earlier try. */
static bool read_kept(struct str kept, struct render_track *plan) {
    struct str flags, list;
    if (!str_next(&kept, ' ', &flags) || flags.n != 3 || !str_next(&kept, ' ', &list)) return false;
    if (!str_to_i64(list, &plan->token.list_id)) return false;
    plan->links = flags.p[0] == '1';
    plan->opens = flags.p[1] == '1';
    plan->unsubscribe = flags.p[2] == '1';
    plan->base_url = kept;
    return true;
}

void render_track_format(const struct render_track *plan, struct buf *out) {
    buf_addf(out, "%d%d%d %lld %.*s", plan->links, plan->opens, plan->unsubscribe, (long long)plan->token.list_id,
             STR_ARG(plan->base_url));
}

/* What is asked for, and the list that one may leave. */
static enum status read_wishes(struct db *db, struct arena *arena, const struct message *m, const struct domain *d,
                               struct render_track *plan) {
    const struct json *labels = NULL;
    struct json_error error;
    bool has_labels = !str_eq(m->metadata, STR("{}")), can_track = plan->base_url.n > 0;
    if (read_kept(m->track, plan)) return STATUS_OK;
    if (has_labels) {
        enum status status = list_of_message(db, m, &plan->token.list_id);
        if (status != STATUS_OK) return status;
        if (!json_parse(arena, m->metadata, &labels, &error)) labels = NULL;
    }
    plan->links = can_track && is_on(labels, STR("TrackLinks"), d->link_tracking);
    plan->opens = can_track && is_on(labels, STR("TrackOpens"), d->open_tracking);
    plan->unsubscribe = d->unsubscribe_link || plan->token.list_id != 0;
    return STATUS_OK;
}

enum status render_track_wants(struct db *db, const struct render_track_setup *setup, const struct message *message,
                               const struct domain *domain, bool *ret) {
    ARENA_AUTO arena = {0};
    struct render_track plan = {.base_url = base_of(&arena, setup, domain)};
    bool is_shared = message->is_report || message->signature.n;
    enum status status = is_shared ? STATUS_OK : read_wishes(db, &arena, message, domain, &plan);
    if (status == STATUS_OK) *ret = plan.links || plan.opens || plan.unsubscribe;
    return status;
}

enum status render_track_plan(struct db *db, struct arena *arena, const struct render_track_setup *setup,
                              const struct addressee *who, struct render_track *ret) {
    const struct domain *d = &who->domain;
    struct render_track plan = {.setup = setup,
                                .base_url = base_of(arena, setup, d),
                                .mail_host = arena_strf(arena, "%.*s.%.*s", STR_ARG(d->subdomain), STR_ARG(d->name)),
                                .token = {.domain_id = who->message.domain_id,
                                          .message_id = who->message.id,
                                          .recipient_id = who->recipient.id,
                                          .expires_at = setup->life_ms ? who->message.expires_at + setup->life_ms : 0,
                                          .target = STR(""),
                                          .address_hash = suppression_hash(who->recipient.address)}};
    enum status status = read_wishes(db, arena, &who->message, d, &plan);
    if (status == STATUS_OK) *ret = plan;
    return status;
}

/* ---- links ---- */
/* False: it is a link that no token takes. */
static bool add_url(const struct render_track *plan, const struct track_token *token, struct buf *out) {
    BUF_AUTO text = {0};
    if (track_token_make(plan->setup->keys, token, &text) != STATUS_OK) return false;
    buf_add_str(out, plan->base_url);
    buf_add_str(out, track_path(token->kind));
    buf_add_str(out, buf_str(&text));
    return true;
}

/* People may always leave: it never expires. */
static bool add_leaving(const struct render_track *plan, struct buf *out) {
    struct track_token token = plan->token;
    token.kind = TRACK_UNSUBSCRIBE;
    token.expires_at = 0;
    return plan->base_url.n > 0 && add_url(plan, &token, out);
}

bool render_track_link(void *user, const struct html_link *link, struct buf *ret_url) {
    const struct render_track *plan = user;
    struct track_token token = plan->token;
    if (link->is_leaving && plan->unsubscribe) return add_leaving(plan, ret_url);
    if (!plan->links) return false;
    token.kind = TRACK_CLICK;
    token.link = (int64_t)link->index;
    token.target = link->url;
    return add_url(plan, &token, ret_url);
}

struct str render_track_pixel(const struct render_track *plan, struct arena *arena) {
    BUF_AUTO url = {0};
    struct track_token token = plan->token;
    token.kind = TRACK_OPEN;
    if (!plan->opens || !add_url(plan, &token, &url)) return STR("");
    return links_pixel(arena_str(arena, buf_str(&url)), arena);
}

/* ---- header fields ---- */
void render_track_headers(const struct render_track *plan, struct str content, struct buf *out) {
    BUF_AUTO url = {0};
    struct header_field own;
    if (!plan->unsubscribe || header_find(content, STR("List-Unsubscribe"), &own)) return;
    (void)add_leaving(plan, &url);
    const struct unsubscribe_ways ways = {
        .recipient_id = plan->token.recipient_id, .host = plan->mail_host, .link = buf_str(&url)};
    unsubscribe_fields(plan->setup->return_path, &ways, out);
}

/* ---- all of it ---- */
void render_track_write(const struct render_track *plan, struct str content, struct buf *out) {
    ARENA_AUTO arena = {0};
    struct render_track asked = *plan; /* links_fn takes no const */
    const struct relink how = {.replace = plan->base_url.n ? render_track_link : NULL,
                               .user = &asked,
                               .pixel = render_track_pixel(plan, &arena),
                               .in_text = plan->links && plan->setup->in_text};
    render_track_headers(plan, content, out);
    if (!relink_message(content, &how, out)) buf_add_str(out, content);
}
