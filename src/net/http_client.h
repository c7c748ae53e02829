/* http_client.h - requests to other people's web servers: MTA-STS policies, reports, webhooks.
 *
 * A URL comes from a stranger, so the client goes only where it may: the host's addresses are looked up by our resolver, each is
 * judged (proto/address/reach: only public ones, unless the request allows others), the connection is pinned to those that
 * passed, and judged once more where the socket is opened; no redirect, no cookie, no .netrc, no proxy but ours (WH01-WH18,
 * WH24). What comes back is bounded: head, body, interim answers, and one absolute deadline for all of it (WH20). TLS is 1.2 or
 * newer, chain and name verified by the system's roots.
 *
 * Connections are kept and shared by requests to one host and port; so many requests are under way at most, in all and to one
 * host, and the rest waits in order. Lives on one loop; everything is called there. Callbacks come from the loop, never from
 * inside a call. net_sim's twin answers from a script (net_sim/sim_http.h).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_NET_HTTP_CLIENT_H
#define POSTHORN_NET_HTTP_CLIENT_H

#include "net/resolver.h"
#include "net/stream.h"

#define HTTP_CLIENT_HEAD_MAX   16384              /* bytes of an answer's head, interim answers included */
#define HTTP_CLIENT_DROP_MAX   65536              /* bytes behind what is wanted that are read for the connection's sake */
#define HTTP_CLIENT_WAIT_MAX_S (7 * 24 * 60 * 60) /* Retry-After beyond it is cut */

struct http_client;
struct http_client_options {
    struct loop *loop;
    struct resolver *resolver; /* must outlive the client */
    const char *ca_file;       /* PEM, trusted besides the system's roots (SSL_CERT_FILE names others); may be NULL */
    const char *user_agent;    /* may be NULL */
    /* 0 in any of these: the default. */
    size_t in_flight_max; /* requests under way; 500 */
    size_t per_host_max;  /* of them to one host and port; 20 */
    size_t idle_max;      /* connections kept open; 500 */
    /* An HTTP proxy that is asked for a tunnel (CONNECT) to an address that was looked up and judged here; family 0: none. */
    struct net_address proxy;
    /* Never called, whatever a request allows: an address and port of our own (WH23). May be NULL. */
    bool (*is_ours)(void *arg, const struct net_address *to);
    void *ours_arg;
};
/* Before the loop runs or on it. INVALID: the CA file holds no certificate. */
WARN_UNUSED enum status http_client_new(const struct http_client_options *options, struct http_client **ret);
/* On the loop (not in a callback) or when it has stopped. No callback comes any more. NULL inside is fine. */
void http_client_free(struct http_client **c);

struct http_client_header {
    struct str name, value;
};
/* All of it is copied. */
struct http_client_request {
    struct str url;                           /* http or https, as proto/url/web_url reads it */
    bool is_post;                             /* else GET */
    struct str body;                          /* of a POST */
    const struct http_client_header *headers; /* Content-Type and what else; Host and Content-Length are the client's */
    size_t header_count;
    int64_t timeout_ms; /* from this call to the callback, waiting for a place included; > 0 */
    size_t body_max;    /* bytes of the answer's body that are wanted; of the rest HTTP_CLIENT_DROP_MAX are read at most */
    bool allow_http;    /* else only https */
    bool allow_private; /* any address */
    bool wants_head;    /* result.head */
    int64_t lane;       /* whose it is: of a host's places one may hold half of what the others left; 0: nobody's in particular */
};

/* How far it came: where it failed, when it did. */
enum http_client_stage {
    HTTP_CLIENT_URL,     /* malformed, not allowed; malformed header */
    HTTP_CLIENT_WAITING, /* for a place */
    HTTP_CLIENT_NAME,    /* looking up the host */
    HTTP_CLIENT_ADDRESS, /* none that may be called */
    HTTP_CLIENT_CONNECT,
    HTTP_CLIENT_TLS,         /* the handshake */
    HTTP_CLIENT_CERTIFICATE, /* does not verify */
    HTTP_CLIENT_ANSWER,      /* the head is broken, too long, or has not come */
    HTTP_CLIENT_BODY,        /* ended early, or the deadline cut it */
    HTTP_CLIENT_DONE,
};
/* Valid during the callback. */
struct http_client_result {
    /* OK: an answer came, whatever its code (redirects are answers too). INVALID: URL or header. DENIED: http, or no address that
     * may be called. NOT_FOUND: no such host. TIMEOUT: the deadline. LIMIT: the head is too long. TEMPORARY: everything else. */
    enum status status;
    enum http_client_stage stage;
    struct str why;            /* in words, for logs and the operator; "" when OK */
    unsigned code;             /* 0: no answer */
    struct str body;           /* the first body_max bytes, as sent (no content coding is asked for); cut ones at BODY too */
    bool is_cut;               /* there was more */
    struct str content_type;   /* "" when absent */
    struct str head;           /* lines of the answer's head, the status line first; "" unless it was wanted */
    int64_t retry_after_s;     /* 0: none; at most HTTP_CLIENT_WAIT_MAX_S, however it is written */
    struct net_address remote; /* family 0: never connected */
    bool is_reused;            /* on a kept connection */
    /* Since the call; -1: did not get there. */
    int64_t begun_ms, sent_ms, first_byte_ms, total_ms; /* begun: it had a place; sent: the connection stood */
};
typedef void (*http_client_fn)(void *arg, const struct http_client_result *result);

struct http_client_call;
/* Never NULL; the handle is valid until the callback. How many wait is the caller's to bound (http_client_count). */
struct http_client_call *http_client_start(struct http_client *c, const struct http_client_request *request, http_client_fn fn,
                                           void *arg);
/* No callback will come; NULL inside is fine. The connection is closed when something is under way on it. */
void http_client_cancel(struct http_client_call **call);
/* Requests that wait or are under way. */
size_t http_client_count(const struct http_client *c);

/* A field of result->head; "" when absent. */
struct str http_client_field(const struct http_client_result *result, struct str name);

static inline bool http_client_is_success(const struct http_client_result *r) {
    return r->status == STATUS_OK && r->code >= 200 && r->code < 300;
}

#endif
