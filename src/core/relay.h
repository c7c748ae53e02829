/* relay.h - hosts that take our mail instead of the recipients' own servers: which relay a message goes to, and how to log in
 * there.
 *
 * A relay is chosen by the recipient's domain (`domains`), by the sender's (`senders`), or by both when it names both;
 * "*.example.com" is every name below example.com. The narrowest row wins: one that names senders before one that does not, an
 * exact name before
 * "*.", a longer name before a shorter. The relay without either is the smarthost, which takes what no other row does.
 * The table never changes after relay_table_new: any thread may read it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_RELAY_H
#define POSTHORN_CORE_RELAY_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/status.h"

#define RELAYS_MAX      256
#define RELAY_SMARTHOST "smarthost" /* name of the one that [delivery] smarthost makes */

enum relay_tls {
    RELAY_OPPORTUNISTIC, /* when it offers STARTTLS, whatever its certificate says */
    RELAY_REQUIRE,       /* TLS, whatever its certificate says */
    RELAY_VERIFY,        /* TLS with a certificate that verifies for its name */
};
struct relay {
    struct str name;
    struct str host; /* a name or an IP address */
    uint16_t port;
    enum relay_tls tls;
    struct str user, password; /* user "": no login */
    struct str site;           /* key of its site: "relay:NAME" */
};
/* As configured. */
struct relay_row {
    struct str name, host, user, password;
    struct str domains, senders; /* comma lists of names and "*.names"; both empty: the smarthost */
    uint16_t port;
    int tls; /* enum relay_tls; -1: verify with a password, else opportunistic */
};
/* NULL, or why it is no such list. */
const char *relay_domains_check(struct str text);

struct relay_table;
/* Everything is copied; passwords are wiped in the end. INVALID, with *ret_why: no host, a name that stands twice, a list that
 * does not pass its check, a password without a user or the other way round, two smarthosts, more than RELAYS_MAX. */
WARN_UNUSED enum status relay_table_new(const struct relay_row *rows, size_t count, struct relay_table **ret,
                                        struct buf *ret_why);
void relay_table_free(struct relay_table **t);
/* t may be NULL. Domains are lower case A-labels. NULL: the recipient's own hosts. */
const struct relay *relay_of_domain(const struct relay_table *t, struct str recipient_domain); /* of rows without senders */
/* Once the sender is known: another relay than relay_of_domain's, or NULL: that one stands. Costs nothing when no row has
 * senders. */
const struct relay *relay_of_sender(const struct relay_table *t, struct str sender_domain, struct str recipient_domain);
bool relay_has_senders(const struct relay_table *t);
size_t relay_count(const struct relay_table *t);
const struct relay *relay_get(const struct relay_table *t, size_t i); /* i < relay_count */

#endif
