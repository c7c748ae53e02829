/* submit_own.h - what the files of submit share.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_SUBMIT_OWN_H
#define POSTHORN_CORE_SUBMIT_OWN_H

#include "core/submit.h"

/* Remember why it is refused. False, for the caller to return. */
bool submit_refuse(struct submit *s, enum submit_refusal refusal, struct str why);
/* Whom From names, or will. */
struct str submit_from(const struct submit *s);
/* submit_options.c: X-Posthorn-* of s->message into s->options. */
bool submit_read_options(struct submit *s);
/* submit_template.c: the message with its content made of s->template, into s->acceptance.room. */
bool submit_write_rendered(struct submit *s, const struct raw_additions *with);

#endif
