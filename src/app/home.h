/* home.h - the data folder as this process holds it: made, owned, locked, and entered; privileges dropped on the way.
 *
 * home_open makes the folder and the master key if they are missing (`init` is this and nothing more), reads the master key while
 * still root, enters the folder, becomes the unprivileged user, and takes the lock. From then on files of the folder are opened
 * by their bare names: the user may not be able to walk the path from the root to it. What a copy or a restore left that was
 * killed goes first: the one may be as big as the database, and a WAL of the other would be taken for the next one's.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_APP_HOME_H
#define POSTHORN_APP_HOME_H

#include "app/config.h"
#include "crypto/seal.h"

#define HOME_DATABASE        "posthorn.db"
#define HOME_SOCKET          "control.sock"
#define HOME_LOCK            "lock"
#define HOME_INCOMING        "restore.db.part" /* app/restore.c's, until it takes the database's place */
#define HOME_CERTIFICATE     "smtp-cert.pem"   /* self-signed, when [tls] names none */
#define HOME_CERTIFICATE_KEY "smtp-key.pem"

struct home {
    struct seal_key master;
    int lock_fd;
    bool made_master_key; /* this call made it: say so loudly */
};

/* Enter. STATUS_EXISTS: another posthorn holds the lock. On failure *ret_why is a sentence. */
WARN_UNUSED enum status home_open(const struct config *c, struct home *ret, struct buf *ret_why);
/* Let go of the lock and wipe the key. */
void home_close(struct home *home);

#endif
