/* render_track.h - what a message needs for one recipient so that his opens, clicks and leaving come home: header fields, a link
 * in place of each link, a pixel. What is edited and how bytes stay is proto/html's; here is which, and what for.
 *
 *     render_track_plan()     on a reader, for a message and one of its recipients
 *     links_edit(&links, render_track_link, &plan, render_track_pixel(&plan, &arena), &arena)
 *     render_track_headers()
 *
 * TrackLinks and TrackOpens of the message come before the domain's settings; where neither asks and there is nothing to leave,
 * the plan is empty and all recipients share their bytes. Links go to the domain's own tracking host once its CNAME was seen,
 * else to the gateway's.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_RENDER_TRACK_H
#define POSTHORN_CORE_RENDER_TRACK_H

#include "core/addressee.h"
#include "core/track_token.h"
#include "proto/html/links.h"

/* What is configured. */
struct render_track_setup {
    const struct track_keys *keys;
    const struct seal_key *return_path; /* signs the mailto twin */
    struct str base_url;                /* the gateway's, "https://host" without '/' behind; "": none, then only own hosts */
    int64_t life_ms;                    /* of links, from now; 0: for ever */
};
struct render_track {
    const struct render_track_setup *setup;
    struct str base_url;      /* "": nothing can be tracked */
    struct track_token token; /* all but kind, link and target */
    struct str mail_host;     /* of the mailto twin */
    bool links, opens, unsubscribe;
};
/* On a reader; *ret lives in the arena and as long as setup. */
WARN_UNUSED enum status render_track_plan(struct db *db, struct arena *arena, const struct render_track_setup *setup,
                                          const struct addressee *who, int64_t now, struct render_track *ret);
/* Does the message differ for each recipient? */
bool render_track_is_personal(const struct render_track *plan);

/* A links_fn; `plan` is a const struct render_track. False: the link stays. */
bool render_track_link(void *plan, const struct html_link *link, struct buf *ret_url);
/* Markup for the end of HTML; "" where opens are not counted. */
struct str render_track_pixel(const struct render_track *plan, struct arena *arena);
/* Append what goes in front of `content`, a message: List-Unsubscribe with an https URI and its mailto twin, and
 * List-Unsubscribe-Post (RFC 8058 3.1). Nothing where nobody can leave, or the content has such a field of its own. */
void render_track_headers(const struct render_track *plan, struct str content, struct buf *out);

#endif
