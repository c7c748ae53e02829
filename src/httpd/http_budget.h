/* http_budget.h - what all HTTP servers of the process may hold together: connections, connections of one address, bytes of
 * request bodies in memory (P8). Any thread; one lock.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_HTTPD_HTTP_BUDGET_H
#define POSTHORN_HTTPD_HTTP_BUDGET_H

#include "net/stream.h"

struct http_budget;
/* Bodies are counted as their memory grows, not as announced. */
struct http_budget *http_budget_new(size_t connections_max, size_t per_address_max, size_t body_bytes_max);
/* NULL inside is fine; nothing may be taken any more. */
void http_budget_free(struct http_budget **b);
/* One connection of `peer`; IPv6 counts by /64. is_exempt (believed proxies, Unix sockets): counts for the total only. False:
 * full, nothing was taken. */
bool http_budget_take_connection(struct http_budget *b, const struct net_address *peer, bool is_exempt);
void http_budget_give_connection(struct http_budget *b, const struct net_address *peer, bool is_exempt);
/* False: full, nothing was taken. */
bool http_budget_take_body(struct http_budget *b, size_t bytes);
void http_budget_give_body(struct http_budget *b, size_t bytes);

/* Whose a body is: an account's, whose credentials stood in the head, or a stranger's, told by his address. Each may hold half of
 * what the others leave, and all strangers together a quarter: so whoever uploads slowly leaves something to the rest (P6). */
#define HTTP_OWNER_MAX 16
struct http_owner {
    bool is_stranger;
    uint8_t n; /* 0: nobody's share, the whole may be had (the operator's socket) */
    char key[HTTP_OWNER_MAX];
};
struct http_owner http_owner_of_account(int64_t account_id);
/* IPv6 by its /64; nobody for a Unix socket. */
struct http_owner http_owner_of_client(const struct net_address *client);
/* As take_body and give_body, of the owner's share. */
bool http_budget_take_share(struct http_budget *b, const struct http_owner *owner, size_t bytes);
void http_budget_give_share(struct http_budget *b, const struct http_owner *owner, size_t bytes);

#endif
