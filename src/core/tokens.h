/* tokens.h - machine credentials: random, so that a plain SHA-256 finds them and nobody guesses them (160 bits).
 * What kind a token is shows in its prefix, for people and for secret scanners. Pure but for randomness; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_TOKENS_H
#define POSTHORN_CORE_TOKENS_H

#include "base/buf.h"
#include "base/clock.h"
#include "crypto/digest.h"

#define TOKEN_SENDER_KEY STR("ph_")  /* sender domain key */
#define TOKEN_USER_KEY   STR("phu_") /* an account's own key */
#define TOKEN_SESSION    STR("phs_")
#define TOKEN_SMTP       STR("phm_") /* an SMTP user's password */
#define TOKEN_MAX        128         /* longer ones are nobody's */

/* Append a new token. */
void token_make(struct str prefix, const struct rand *rand, struct buf *out);
/* What the store keeps of it. */
struct sha256 token_hash(struct str token);

#endif
