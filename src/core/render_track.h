/* render_track.h - what a message needs for one recipient so that his opens, clicks and leaving come home: header fields, a link
 * in place of each link, a pixel. Which parts are edited and how bytes stay is proto/html's; here is what for.
 *
 *     render_track_wants()    on a reader, for a message: are its recipients' bytes to differ?
 *     render_track_plan()     on a reader, for it and one of its recipients
 *     render_track_write()    anywhere: the message for that recipient
 *
 * TrackLinks and TrackOpens of the message come before the domain's settings; where neither asks and there is nothing to leave,
 * all recipients share their bytes. Links go to the domain's own tracking host once its CNAME was seen and it has a certificate,
 * else to the gateway's. A plan and a message make the same bytes each time, and a message that was deferred keeps its plan: a
 * retry is no other message (P2).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_RENDER_TRACK_H
#define POSTHORN_CORE_RENDER_TRACK_H

#include "core/addressee.h"
#include "core/track_token.h"
#include "proto/html/relink.h"

/* What is configured. */
struct render_track_setup {
    const struct track_keys *keys;      /* NULL: nothing is tracked, and people leave by mail alone */
    const struct seal_key *return_path; /* signs the mailto twin */
    struct str base_url;                /* the gateway's, "https://host" without '/' behind; "": none, then only own hosts */
    int64_t life_ms;                    /* of links, once nobody tries to deliver the message any more; 0: for ever */
    bool in_text;                       /* links of text/plain too */
    /* Is https served for that host? Where it is not (yet), links go to base_url. Any thread; NULL: a proxy's affair. */
    bool (*has_https)(void *arg, struct str host);
    void *arg;
};
struct render_track {
    const struct render_track_setup *setup;
    struct str base_url;      /* "": nothing can be tracked */
    struct track_token token; /* all but kind, link and target */
    struct str mail_host;     /* of the mailto twin */
    bool links, opens, unsubscribe;
};
/* On a reader: does the message differ for each recipient? The gateway's own reports never do, nor what was signed for all. */
WARN_UNUSED enum status render_track_wants(struct db *db, const struct render_track_setup *setup, const struct message *message,
                                           const struct domain *domain, bool *ret);
/* On a reader; *ret lives in the arena and as long as setup. */
WARN_UNUSED enum status render_track_plan(struct db *db, struct arena *arena, const struct render_track_setup *setup,
                                          const struct addressee *who, struct render_track *ret);
/* Append what message_set_track() keeps: from then on the message's letters are edited so, whatever the settings are. */
void render_track_format(const struct render_track *plan, struct buf *out);
/* Append the message for the recipient: header fields in front of `content`, which is a whole message, and its edits. */
void render_track_write(const struct render_track *plan, struct str content, struct buf *out);

/* A links_fn; `plan` is a const struct render_track: a link to count the click, or where it says data-unsubscribe and people may
 * leave, to the page where they do. False: the link stays. */
bool render_track_link(void *plan, const struct html_link *link, struct buf *ret_url);
/* Markup for the end of HTML; "" where opens are not counted. */
struct str render_track_pixel(const struct render_track *plan, struct arena *arena);
/* Append what goes in front of `content`, a message: List-Unsubscribe with an https URI and its mailto twin, and
 * List-Unsubscribe-Post (RFC 8058 3.1). Nothing where nobody can leave, or the content has such a field of its own. */
void render_track_headers(const struct render_track *plan, struct str content, struct buf *out);

#endif
