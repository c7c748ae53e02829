/* return_path.h - signed addresses of ours, one a recipient and purpose, at its domain's return-path host:
 *
 *   b+<token>@host   bounces and complaints come here: it is the envelope's sender
 *   u+<token>@host   whoever writes here is unsubscribed: it stands in List-Unsubscribe
 *
 * The token is base32 of the recipient's row id (8 bytes, big endian) and the first 96 bits of the HMAC-SHA-256 of purpose and
 * id. So an address names its recipient, cannot be forged (P9), and one purpose's is never good for the other. 34 octets, no more
 * than 64 (BN19), and letters in any case, since relays fold them (BN18). Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_RETURN_PATH_H
#define POSTHORN_CORE_RETURN_PATH_H

#include "base/buf.h"
#include "crypto/seal.h"

#define RETURN_PATH_PURPOSE   STR("return-path") /* of seal_derive() */
#define RETURN_PATH_LOCAL_LEN 34                 /* octets of the local part */

enum return_path_use { RETURN_PATH_BOUNCE, RETURN_PATH_UNSUBSCRIBE, RETURN_PATH_USE_COUNT };
struct return_path {
    enum return_path_use use;
    int64_t recipient_id;
};

/* Append the local part for a recipient. */
void return_path_make(const struct seal_key *key, enum return_path_use use, int64_t recipient_id, struct buf *out);
/* Whose is it, and what for? False for anything that return_path_make() did not make under this key. */
bool return_path_parse(const struct seal_key *key, struct str local, struct return_path *ret);

#endif
