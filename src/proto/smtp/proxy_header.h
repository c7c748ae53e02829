/* proxy_header.h - the PROXY protocol, versions 1 and 2: whom a proxy in front of us speaks for.
 *
 * Believed from named hops only, which is the caller's to check (PB25). Source: haproxy's doc/proxy-protocol.txt. Pure; any
 * thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_SMTP_PROXY_HEADER_H
#define POSTHORN_PROTO_SMTP_PROXY_HEADER_H

#include "base/status.h"
#include "proto/address/network.h"

#define PROXY_HEADER_MAX 536 /* octets of a header, TLVs included; version 1: 107 */

struct proxy_header {
    struct ip source; /* family 0: unknown, or the proxy speaks for itself (LOCAL): the peer stays who it is */
    uint16_t source_port;
};
/* Read the header at the very start of a connection. PARSE_DONE: *ret and *ret_used (octets that belong to it). PARSE_MORE: not
 * all is there yet; never after PROXY_HEADER_MAX octets. PARSE_BAD: no header; close without a word. The same at any cut. */
WARN_UNUSED enum parse proxy_header_parse(struct str in, struct proxy_header *ret, size_t *ret_used);

#endif
