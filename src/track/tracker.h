/* tracker.h - the tracking host: requests for /o/, /c/ and /u/ come in as exchanges and leave as pictures, redirects and pages.
 *
 *   ask_parse -> track_token_parse -> the page of an unsubscribe: track_look_up on a reader
 *                                     anything else:              track_hit on the writer, in the group commit
 *             -> answer_make
 *
 * A hit is answered after its commit. Who opens or clicks waits for patience_ms at most: then, and when the store takes
 * nothing, the picture or the way on is given anyway, and what was not written is counted (posthorn_track_lost_total). A wish to
 * leave is answered when it is known what became of it. Beyond TRACK_HITS_MAX in a minute of one recipient the writer is not
 * asked any more: a reader only looks whether the link still leads somewhere (TR16, TR17).
 *
 * One tracker serves every server and loop; a visit stays on the loop of its exchange.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_TRACK_TRACKER_H
#define POSTHORN_TRACK_TRACKER_H

#include "core/limits.h"
#include "core/track.h"
#include "httpd/http_server.h"
#include "net/executor.h"
#include "track/country.h"

struct tracker;
/* Everything pointed at must outlive the tracker; strings are borrowed too. */
struct tracker_options {
    struct executor *writer, *readers;
    struct track_keys keys;   /* copied */
    struct track_place place; /* but for its networks */
    int64_t patience_ms;
    struct limits *limits;   /* may be NULL: every hit goes to the writer */
    struct metrics *metrics; /* may be NULL */
};
struct tracker *tracker_new(const struct tracker_options *options);
/* After the servers, the executors and the loops: visits that were answered may still come back from the writer. NULL inside is
 * fine; wipes the keys. */
void tracker_free(struct tracker **tracker);

/* What is known of addresses from now on; both become the tracker's, and either may be NULL. Any thread. */
void tracker_set_book(struct tracker *tracker, struct track_networks *networks, struct country_file *countries);

/* Routes for public servers and for those that serve nothing else; they live as long as the tracker. */
const struct http_route *tracker_routes(const struct tracker *tracker, size_t *ret_count);
/* For http_server_options.format_error of servers that serve nothing else: plain pages. The arg is not looked at. */
void tracker_format_error(void *arg, const struct http_request *request, int status, const char *why,
                          struct http_response *response);

#endif
