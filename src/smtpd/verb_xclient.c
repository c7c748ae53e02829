/* verb_xclient.c - XCLIENT: a proxy that is trusted tells whom it stands for (PB25). The session begins anew, with a banner; what
 * the proxy's own address was worth is not its client's.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/smtp/xclient.h"
#include "smtpd/session_own.h"

static const struct smtp_reply not_trusted = {550, STR_INIT("5.7.0"),
                                              STR_INIT("XCLIENT is for proxies that are named in [smtp]")};

void xclient_run(struct smtpd_session *s, const struct smtp_command *c, struct buf *out) {
    if (!s->options.has_xclient) return session_refuse(s, &not_trusted, out);
    struct smtp_xclient told;
    struct smtp_reply why;
    ARENA_AUTO arena = {0};
    if (!smtp_xclient_parse(c->argument, &arena, &told, &why)) return session_refuse(s, &why, out);
    session_forget(s);
    if (told.has_name) {
        buf_add_str(&s->client_name, told.name);
        s->is_name_told = true;
    }
    if (told.has_address) {
        s->options.is_loopback = false;
        s->options.is_authenticated = s->options.client_changed && s->options.client_changed(s->options.arg, &told.address);
    }
    smtpd_session_greet(s, out);
}
