/* seal.h - secrets at rest: AES-256-GCM under the master key, bound to a context string (P10).
 *
 * Sealed form: 1 byte version (1), 12 bytes nonce, ciphertext, 16 bytes tag. The context ("dkim:17") is authenticated, so a
 * sealed value moved to another row does not open. Pure but for randomness; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CRYPTO_SEAL_H
#define POSTHORN_CRYPTO_SEAL_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/status.h"

#define SEAL_KEY_LEN 32
struct seal_key {
    uint8_t b[SEAL_KEY_LEN];
};
/* A key for one purpose, derived (HKDF-SHA-256) from the master key; `purpose` e.g. "seal", "return-path". */
struct seal_key seal_derive(const struct seal_key *master, struct str purpose);
/* Appends the sealed form to out. */
void seal(const struct seal_key *key, struct str context, struct str secret, const struct rand *rand, struct buf *out);
/* Appends the secret to out, or STATUS_CORRUPT and nothing. */
WARN_UNUSED enum status seal_open(const struct seal_key *key, struct str context, struct str sealed, struct buf *out);

#endif
