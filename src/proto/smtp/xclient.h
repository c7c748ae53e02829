/* xclient.h - the attributes of XCLIENT: what a proxy that speaks SMTP says of its client.
 *
 * ADDR and HELO are used; NAME, PORT, PROTO, LOGIN, DESTADDR and DESTPORT are read and passed over: nobody logs in by a proxy's
 * word. Believed from named hops only, which is the caller's to check (PB25). Source: Postfix's XCLIENT_README. Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_SMTP_XCLIENT_H
#define POSTHORN_PROTO_SMTP_XCLIENT_H

#include "proto/address/network.h"
#include "proto/smtp/reply.h"

#define SMTP_XCLIENT_OFFER "NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT" /* for EHLO's XCLIENT line */

struct smtp_xclient {
    bool has_address, has_name; /* ADDR, HELO were said */
    struct ip address;          /* family 0: unavailable */
    struct str name;            /* "" unavailable */
};
/* Read the argument of XCLIENT. Strings of *ret live in the arena. False with *ret_reply (501 5.5.4): an unknown attribute, one
 * twice, or a bad value. */
WARN_UNUSED bool smtp_xclient_parse(struct str argument, struct arena *arena, struct smtp_xclient *ret,
                                    struct smtp_reply *ret_reply);

#endif
