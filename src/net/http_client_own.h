/* http_client_own.h - the inside of the HTTP client, for its two files alone: http_client.c decides who goes when and where,
 * http_client_curl.c speaks with libcurl.
 *
 *   call: waiting (for its host's addresses, for a place) -> under way (an easy handle in the multi) -> callback
 *         \-- failed: told from its timer, so never from inside a call
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_NET_HTTP_CLIENT_OWN_H
#define POSTHORN_NET_HTTP_CLIENT_OWN_H

#include "base/map.h"
#include "net/http_client.h"
#include "proto/url/web_url.h"

#include <curl/curl.h>
#include <openssl/ssl.h>

#define HOST_ADDRESSES_MAX 16

/* A name or address and its port. Kept for a while without calls, because of its addresses. */
struct http_host {
    struct list node; /* client's fresh, ready or idle, or none */
    struct http_client *client;
    struct buf key; /* "name:port" */
    struct list waiting, running;
    size_t call_count, under_way;
    struct ip addresses[HOST_ADDRESSES_MAX];
    size_t address_count;
    int64_t good_until; /* monotonic */
    struct resolver_query *questions[2];
    enum status looked_up; /* the worst of the answers */
    uint32_t ttl_s;
};
struct http_client {
    struct http_client_options options;
    struct buf user_agent;
    X509_STORE *roots;
    CURLM *multi;
    struct timer curl_timer;
    struct map *hosts; /* by key */
    /* hosts: with calls that only want a place, and none or some under way; without calls, longest first */
    struct list fresh, ready, idle;
    struct list calls; /* under way, or failed */
    size_t ready_count, idle_count, call_count, under_way;
};
struct http_client_call {
    struct list node;    /* host's waiting or client's calls */
    struct list running; /* host's, or none */
    struct http_client *client;
    struct http_host *host; /* NULL: the URL was refused */
    int64_t lane;
    http_client_fn fn;
    void *arg;
    struct arena arena;
    struct web_url url;
    struct str body;
    size_t body_max;
    bool is_post, allow_private, wants_head;
    int64_t began_at, ends_at; /* monotonic */
    struct timer timer;        /* the deadline, or the end of a failed one */
    bool is_failed;
    CURL *easy; /* NULL: not under way */
    CURLSH *names;
    struct curl_slist *headers, *pins, *tunnel;
    char error[CURL_ERROR_SIZE];
    size_t head_bytes, dropped_bytes;
    struct buf got, head;
    bool is_denied, has_long_head, has_enough;
    struct http_client_result result;
};

/* ---- http_client.c ---- */
bool http_call_may_reach(const struct http_client_call *call, const struct ip *ip);
#define HTTP_CALL_DENIED STR("its address is not on the public internet, or is the gateway's own")
int64_t http_call_age_ms(const struct http_client_call *call);
/* Tell its owner and free it. */
void http_call_end(struct http_client_call *call);
/* Begin what may. */
void http_client_turn(struct http_client *c);

/* ---- http_client_curl.c ---- */
WARN_UNUSED enum status http_curl_open(struct http_client *c);
void http_curl_close(struct http_client *c);
/* Under way to the host's addresses that the call may reach (at least one). */
void http_curl_begin(struct http_client_call *call);
/* Take it off; result gets what is known. */
void http_curl_drop(struct http_client_call *call);

#endif
