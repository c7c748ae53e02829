/* http_proxy.h - proxies whose word on the client's address is believed (HT43).
 * Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_HTTPD_HTTP_PROXY_H
#define POSTHORN_HTTPD_HTTP_PROXY_H

#include "net/stream.h"
#include "proto/address/network.h"
#include "proto/http/http.h"

/* The client's address: the peer, or, while the last hop is one of `proxies` (NULL: nobody), the next X-Forwarded-For entry from
 * the right. */
struct net_address http_proxy_client(const struct network_list *proxies, const struct net_address *peer,
                                     const struct http_fields *fields);
/* Is the peer one of them? */
bool http_proxy_is(const struct network_list *proxies, const struct net_address *peer);

#endif
