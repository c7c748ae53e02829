/* pools.h - which pool of sources a domain's and a sender key's mail goes out from (core/source.h). Names are kept as given: a
 * pool that the configuration does not know any more counts as the default one.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_POOLS_H
#define POSTHORN_STORE_POOLS_H

#include "base/arena.h"
#include "base/status.h"

struct db;

/* Of a message: the key's, else the domain's, else "". key_id 0: no key. A domain or key that has gone has none. */
WARN_UNUSED enum status pool_of(struct db *db, struct arena *a, int64_t domain_id, int64_t key_id, struct str *ret_pool);
/* "" goes back to the default. NOT_FOUND: no such domain, no such key. */
WARN_UNUSED enum status pool_set_domain(struct db *tx, int64_t domain_id, struct str pool);
WARN_UNUSED enum status pool_set_key(struct db *tx, int64_t key_id, struct str pool);

#endif
