/* signature.h - the DKIM-Signature field: which header fields are signed, what is hashed, and how the field is written and
 * verified.
 *
 * Signing takes two steps around the key: signature_prepare() makes the field up to "b=" and the hash to sign; signature_finish()
 * appends the signature. relaxed/relaxed, no l= (MI18), rsa-sha256 and ed25519-sha256. The names of the oversigned list stand in
 * h= once more than they occur, so that none can be added later (RFC 6376 8.15).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_DKIM_SIGNATURE_H
#define POSTHORN_PROTO_DKIM_SIGNATURE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/status.h"
#include "crypto/signkey.h"

#define SIGNATURE_FIELDS_MAX 200 /* header fields of a message that are looked at */

/* The header fields of a message chosen for signing, canonicalised; the same for all keys. */
struct signed_headers {
    struct buf names;     /* value of h=, folded */
    struct buf canonical; /* the chosen fields, relaxed */
};
/* Read the header block of `message` and choose. *ret_body is the rest. STATUS_INVALID: no proper header block, no From, or more
 * than SIGNATURE_FIELDS_MAX fields; *ret is then empty. */
WARN_UNUSED enum status signed_headers_init(struct signed_headers *ret, struct str message, struct str *ret_body);
void signed_headers_fini(struct signed_headers *h);

struct signature_params {
    enum signkey_type type;
    struct str domain, selector;
    int64_t wall_ms;
    struct sha256 body_hash;
};
/* Append the field up to "b=" and return the hash to sign. */
struct sha256 signature_prepare(const struct signed_headers *h, const struct signature_params *p, struct buf *out);
/* Append the signature in base64, folded, and CRLF. */
void signature_finish(struct str signature, struct buf *out);

/* Does the field `raw_field` (one DKIM-Signature of `message`) verify with this key record? For self-checks and tests:
 * relaxed/relaxed only, x= and t= not judged. */
bool signature_verify(struct str message, struct str raw_field, struct str key_record);

#endif
