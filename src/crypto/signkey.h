/* signkey.h - DKIM key pairs: RSA-2048 (rsa-sha256, RFC 6376) and Ed25519 (RFC 8463).
 *
 * A `signkey` keeps its EVP_PKEY_CTX and belongs to one thread (OpenSSL's blinding lock makes sharing slow). Keys travel
 * between threads and to the store as PKCS#8 DER.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CRYPTO_SIGNKEY_H
#define POSTHORN_CRYPTO_SIGNKEY_H

#include "base/buf.h"
#include "base/status.h"
#include "crypto/digest.h"

enum signkey_type { SIGNKEY_RSA2048 = 1, SIGNKEY_ED25519 = 2 };
struct signkey;

/* Make a new pair: *ret_private PKCS#8 DER (wipe it), *ret_public as DKIM's p= wants it before base64: SubjectPublicKeyInfo
 * DER for RSA, the 32 raw bytes for Ed25519. RSA takes up to a second: slow pool. */
WARN_UNUSED enum status signkey_generate(enum signkey_type type, struct buf *ret_private, struct buf *ret_public);
WARN_UNUSED enum status signkey_open(enum signkey_type type, struct str private_der, struct signkey **ret);
void signkey_free(struct signkey **k);
enum signkey_type signkey_type(const struct signkey *k);
/* Signature over a SHA-256 hash, appended to out: RSASSA-PKCS1-v1_5 with SHA-256, or PureEdDSA over the 32 hash bytes. */
WARN_UNUSED enum status signkey_sign(struct signkey *k, const struct sha256 *hash, struct buf *out);
/* For tests and for doctor. `public` in the form of signkey_generate. */
bool signkey_verify(enum signkey_type type, struct str public_key, const struct sha256 *hash, struct str signature);

#endif
