/* jws.h - JSON Web Signatures as ACME has them (RFC 8555 6.2): flattened, ES256. Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_ACME_JWS_H
#define POSTHORN_PROTO_ACME_JWS_H

#include "crypto/eckey.h"

struct jws_head {
    struct str url, nonce;
    struct str account; /* its URL, "kid"; "": the public key itself says who signs */
};
/* base64 of RFC 4648 5, without padding. */
void base64url_encode(struct buf *out, struct str in);
/* Append the signed request; an empty payload is a POST-as-GET (RFC 8555 6.3). */
WARN_UNUSED enum status jws_write(const struct eckey *key, const struct jws_head *head, struct str payload, struct buf *out);
/* Append what is served for a token (RFC 8555 8.1): the token, a dot, the key's thumbprint (RFC 7638). */
WARN_UNUSED enum status jws_authorization(const struct eckey *key, struct str token, struct buf *out);

#endif
