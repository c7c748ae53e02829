/* ask.h - what a request to the tracking host asks for: paths /o/, /c/ and /u/ with a token, forms of the page, one-click posts.
 *
 * GET and HEAD look, and of an unsubscribe change nothing (TR07); POST acts, without cookie, by what the body says: "choice=..."
 * of the page, or "List-Unsubscribe=One-Click" (RFC 8058 3.1), as a form of either kind (TR08). Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_TRACK_ASK_H
#define POSTHORN_TRACK_ASK_H

#include "core/track.h"
#include "proto/http/http.h"

#define ASK_BODY_MAX 8192 /* bytes of a POST */

struct ask {
    enum track_kind kind;
    struct str token;  /* perhaps not a valid one */
    struct str host;   /* as in the request */
    bool is_to_act;    /* an unsubscribe that is meant */
    bool is_one_click; /* of those: a program says so */
    enum leave_scope scope;
    struct str tag; /* LEAVE_TAG */
    struct track_reader reader;
};
/* 0, or the HTTP status to answer (404, 405, 400). `client` is the client's address as text. Strings live in request, body and
 * arena. */
int ask_parse(struct arena *arena, const struct http_request *request, struct str body, struct str client, struct ask *ret);

#endif
