/* return_path.h - the signed return path of one recipient: `b+<token>@<return-path host>`.
 *
 * The token is base32 of the recipient's row id (8 bytes, big endian) and the first 96 bits of its HMAC-SHA-256, so a bounce
 * names its recipient and cannot be forged (P9). Letters in any case, since relays fold them. Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_RETURN_PATH_H
#define POSTHORN_CORE_RETURN_PATH_H

#include "base/buf.h"
#include "crypto/seal.h"

#define RETURN_PATH_PURPOSE   STR("return-path") /* of seal_derive() */
#define RETURN_PATH_LOCAL_LEN 34                 /* octets of the local part */

/* Append the local part for a recipient. */
void return_path_make(const struct seal_key *key, int64_t recipient_id, struct buf *out);
/* Whose is it? False for anything that return_path_make() did not make under this key. */
bool return_path_parse(const struct seal_key *key, struct str local, int64_t *ret_recipient_id);

#endif
