/* known_clients.h - where an account logged in from, as hashes of addresses: what strangers do never slows those down.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_KNOWN_CLIENTS_H
#define POSTHORN_STORE_KNOWN_CLIENTS_H

#include "base/status.h"
#include "base/str.h"

struct db;

/* Note a login; the account keeps its newest `keep` clients, and none that it saw last before `since`. */
struct known_client {
    int64_t account_id;
    struct str client_hash;
    int64_t seen_at;
};
WARN_UNUSED enum status known_client_touch(struct db *tx, const struct known_client *client, int64_t since, int64_t keep);
/* Did the account log in from there since then? */
WARN_UNUSED enum status known_client_has(struct db *tx, int64_t account_id, struct str client_hash, int64_t since, bool *ret_has);

#endif
