/* smtp.h - SMTP in, wired: its servers by what they take, their sockets, certificates and bounds.
 *
 *   listen       submission with STARTTLS        listen_tls   submission with TLS from the first byte
 *   return_path  bounces and complaints          an address in listen and return_path: both
 *   the sandbox's inbox, on a loopback port that the kernel picks
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_APP_SMTP_H
#define POSTHORN_APP_SMTP_H

#include "app/certificates.h"
#include "app/listeners.h"
#include "app/threads.h"
#include "smtpd/smtpd.h"

struct smtp;
struct smtp_options {
    const struct config *config;
    struct threads *threads;     /* the last loop is mta's, and the inbox's */
    struct listeners *listeners; /* where its sockets go */
    struct certificates *certificates;
    struct smtpd_shared shared; /* but for what the configuration says */
};
/* No loop runs yet; in the data folder. On failure *ret_why is a sentence, and smtp_free is called all the same. */
WARN_UNUSED enum status smtp_open(const struct smtp_options *options, struct smtp **ret, struct buf *ret_why);
/* Where the inbox listens; NULL in live mode. */
const struct net_address *smtp_inbox(const struct smtp *s);
/* Where SMTP users may come, with STARTTLS or with TLS from the first byte; NULL: nowhere. */
const struct net_address *smtp_submission(const struct smtp *s, bool is_tls_first);
/* Ports that SMTP users are told, comma separated, in the arena: [smtp] public_ports, else where they are taken. s NULL: no
 * server runs here, so what the configuration says of that. */
struct str smtp_ports(const struct smtp *s, const struct config *c, struct arena *arena);
/* Of these the one with TLS from the first byte: where it is taken, else 465; 0: none of them has that. */
unsigned smtp_tls_port(const struct smtp *s, const struct config *c, struct str ports);
/* Take over changed certificates. On failure the old ones stay. */
WARN_UNUSED enum status smtp_reload(struct smtp *s, struct buf *ret_why);
/* The listeners are closed: answer 421 and wait, `ms` for dialogues and as long as it takes for what is being stored. Not on a
 * loop. The inbox goes by itself, after deliveries have ended. */
void smtp_stop(struct smtp *s, int64_t ms);
void smtp_stop_inbox(struct smtp *s, int64_t ms);
/* After smtp_stop, or when the loops run no more. NULL inside is fine. */
void smtp_free(struct smtp **s);

#endif
