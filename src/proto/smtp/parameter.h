/* parameter.h - parameters of MAIL and RCPT, for command.c: SIZE, BODY, SMTPUTF8, AUTH, RET, ENVID, REQUIRETLS, NOTIFY, ORCPT.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_SMTP_PARAMETER_H
#define POSTHORN_PROTO_SMTP_PARAMETER_H

#include "proto/smtp/command.h"

/* Take "KEY=value" or "KEY" into *c, whose verb is set; slices of `word`. *seen is 0 before a command's first parameter. Returns
 * NULL, or why it is refused (static).
 * Source: RFC 1870, 3461, 4954 5, 6152, 6531 3.4, 8689. Pure; any thread. */
WARN_UNUSED const struct smtp_reply *smtp_parameter_parse(struct str word, struct smtp_command *c, unsigned *seen);

#endif
