/* smtp_users.h - SMTP users of a domain: made with a random password that is shown once, and told by it when they come.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_SMTP_USERS_H
#define POSTHORN_CORE_SMTP_USERS_H

#include "base/clock.h"
#include "store/smtp_users.h"

#define SMTP_USERS_MAX 1000 /* of a domain (P8) */

/* On the writer: add a user. `user` says whose it is and what it fills in; its name (random characters at the domain) and the
 * password's hash are filled in here, the name in the arena. NOT_FOUND: the domain is not that account's. LIMIT: it has
 * SMTP_USERS_MAX. */
WARN_UNUSED enum status smtp_user_create(struct db *tx, struct arena *arena, struct smtp_user *user, struct str password,
                                         const struct rand *rand);
/* On the writer: give a user another password. *ret is the user. NOT_FOUND: it is not that account's. */
WARN_UNUSED enum status smtp_user_reset(struct db *tx, struct arena *arena, int64_t account_id, int64_t id, struct str password,
                                        struct smtp_user *ret);
/* On a reader. DENIED: no such user, another password, or the user is off. Whether domain and account may send is the caller's to
 * judge: smtp_login_refuse. */
WARN_UNUSED enum status smtp_authenticate(struct db *tx, struct arena *arena, struct str username, struct str password,
                                          struct smtp_login *ret);
/* On a reader, later: the login as it stands now. DENIED: the user is gone or off, or has another password since (AU18). */
WARN_UNUSED enum status smtp_renew(struct db *tx, struct arena *arena, const struct smtp_login *login, struct smtp_login *ret);
/* Why nothing may be sent under it, in the arena; "": it may. */
struct str smtp_login_refuse(const struct smtp_login *login, struct arena *arena);

#endif
