/* totp.h - time-based one-time codes as authenticator apps make them: RFC 6238 with SHA-1, 6 digits, steps of 30 s.
 * A code is good for its step and the one before and after, and never twice (UI18): the caller stores the step that was used.
 * Pure but for the secret's randomness; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_TOTP_H
#define POSTHORN_CORE_TOTP_H

#include "base/buf.h"
#include "base/clock.h"
#include "crypto/seal.h"

#define TOTP_SECRET_LEN 20
#define TOTP_STEP_MS    30000

/* Append a new secret, raw. */
void totp_make(const struct rand *rand, struct buf *out);
/* The secret as people type it: base32, upper case. */
void totp_format(struct str secret, struct buf *out);
/* "otpauth://totp/ISSUER:EMAIL?secret=...": what an app reads from a QR code. */
void totp_format_uri(struct str secret, struct str email, struct str issuer, struct buf *out);
/* Is `code` (6 digits, blanks in it are fine) the one of a step near `now` and behind last_step? */
bool totp_check(struct str secret, struct str code, int64_t now, int64_t last_step, int64_t *ret_step);

/* The secret at rest, bound to its account. */
void totp_seal(const struct seal_key *key, int64_t account_id, struct str secret, const struct rand *rand, struct buf *out);
WARN_UNUSED enum status totp_open(const struct seal_key *key, int64_t account_id, struct str sealed, struct buf *out);

#endif
