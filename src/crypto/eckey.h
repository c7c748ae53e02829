/* eckey.h - P-256 key pairs for certificates: what signs requests to an authority (ES256) and what a certificate is for.
 *
 * Keys travel as PKCS#8 PEM, as TLS libraries and operators read them. One thread at a time.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CRYPTO_ECKEY_H
#define POSTHORN_CRYPTO_ECKEY_H

#include "base/buf.h"
#include "base/status.h"

#define ECKEY_COORDINATE 32
#define ECKEY_SIGNATURE  64

struct eckey;
/* Make a pair; well under a millisecond. */
WARN_UNUSED enum status eckey_generate(struct eckey **ret);
/* The first private key in `pem`. CORRUPT: none, or not of P-256. */
WARN_UNUSED enum status eckey_read(struct str pem, struct eckey **ret);
/* Append the private key as PEM; wipe it. */
WARN_UNUSED enum status eckey_write(const struct eckey *k, struct buf *out);
/* NULL inside is fine. */
void eckey_free(struct eckey **k);
/* The public point, big endian. */
WARN_UNUSED enum status eckey_point(const struct eckey *k, uint8_t ret_x[ECKEY_COORDINATE], uint8_t ret_y[ECKEY_COORDINATE]);
/* Append the signature of `data` as ES256 has it: SHA-256, r and s of 32 bytes each (RFC 7518 3.4). */
WARN_UNUSED enum status eckey_sign(const struct eckey *k, struct str data, struct buf *out);
/* Append a certificate request (PKCS#10 DER) for a host name, which stands in subjectAltName. INVALID: it is no host name. */
WARN_UNUSED enum status eckey_request(const struct eckey *k, struct str host, struct buf *out);
/* For tests. */
bool eckey_verify(const struct eckey *k, struct str data, struct str signature);

#endif
