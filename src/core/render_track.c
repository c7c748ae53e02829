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

static struct str base_of(struct arena *arena, const struct render_track_setup *setup, const struct domain *d) {
    if (d->record[DOMAIN_TRACKING] != RECORD_VERIFIED) return setup->base_url;
    return arena_strf(arena, "https://%.*s.%.*s.%.*s", STR_ARG(d->track_prefix), STR_ARG(d->subdomain), STR_ARG(d->name));
}

static struct track_token token_of(const struct render_track_setup *setup, const struct addressee *who, int64_t now) {
    return (struct track_token){.domain_id = who->message.domain_id,
                                .message_id = who->message.id,
                                .recipient_id = who->recipient.id,
                                .expires_at = setup->life_ms ? now + setup->life_ms : 0,
                                .target = STR(""),
                                .address_hash = suppression_hash(who->recipient.address)};
}

enum status render_track_plan(struct db *db, struct arena *arena, const struct render_track_setup *setup,
                              const struct addressee *who, int64_t now, struct render_track *ret) {
    const struct domain *d = &who->domain;
    const struct json *labels = NULL;
    struct json_error error;
    struct render_track plan = {.setup = setup, .base_url = base_of(arena, setup, d), .token = token_of(setup, who, now)};
    enum status status = list_of_message(db, &who->message, &plan.token.list_id);
    if (status != STATUS_OK) return status;
    if (!json_parse(arena, who->message.metadata, &labels, &error)) labels = NULL;
    plan.links = plan.base_url.n && is_on(labels, STR("TrackLinks"), d->link_tracking);
    plan.opens = plan.base_url.n && is_on(labels, STR("TrackOpens"), d->open_tracking);
    plan.unsubscribe = d->unsubscribe_link || plan.token.list_id != 0;
    plan.mail_host = arena_strf(arena, "%.*s.%.*s", STR_ARG(d->subdomain), STR_ARG(d->name));
    *ret = plan;
    return STATUS_OK;
}

bool render_track_is_personal(const struct render_track *plan) {
    return plan->links || plan->opens || plan->unsubscribe;
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

bool render_track_link(void *user, const struct html_link *link, struct buf *ret_url) {
    const struct render_track *plan = user;
    struct track_token token = plan->token;
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
    struct track_token token = plan->token;
    token.kind = TRACK_UNSUBSCRIBE;
    token.expires_at = 0; /* people may always leave */
    if (!plan->unsubscribe || header_find(content, STR("List-Unsubscribe"), &own)) return;
    if (plan->base_url.n) (void)add_url(plan, &token, &url);
    const struct unsubscribe_ways ways = {.recipient_id = token.recipient_id, .host = plan->mail_host, .link = buf_str(&url)};
    unsubscribe_fields(plan->setup->return_path, &ways, out);
}
