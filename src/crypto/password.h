/* password.h - people's passwords: argon2id, 19 MiB, t=2, p=1 (OWASP). Blocks for tens of ms: slow pool only.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CRYPTO_PASSWORD_H
#define POSTHORN_CRYPTO_PASSWORD_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/status.h"

#define PASSWORD_MAX_BYTES 1024 /* longer ones are refused before hashing (AU15) */
/* Appends the encoded "$argon2id$..." hash. STATUS_INVALID when empty or too long. */
WARN_UNUSED enum status password_hash(struct str password, const struct rand *rand, struct buf *out);
/* STATUS_OK when it matches, STATUS_DENIED when not. encoded may be empty (no such user): the same work is done, and DENIED. */
WARN_UNUSED enum status password_verify(struct str password, struct str encoded);

#endif
