/* jws.c - three strings of base64url and what stands in the first.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/acme/jws.h"

#include "base/encode.h"
#include "crypto/digest.h"
#include "proto/json/json_write.h"

void base64url_encode(struct buf *out, struct str in) {
    size_t from = out->n;
    base64_encode(out, in);
    while (out->n > from && out->p[out->n - 1] == '=') buf_cut(out, out->n - 1);
    for (size_t i = from; i < out->n; i++) out->p[i] = out->p[i] == '+' ? '-' : out->p[i] == '/' ? '_' : out->p[i];
}

/* Members in the order and without the blanks that RFC 7638 3.2 hashes. */
static enum status add_key(struct buf *out, const struct eckey *key) {
    uint8_t x[ECKEY_COORDINATE], y[ECKEY_COORDINATE];
    enum status status = eckey_point(key, x, y);
    if (status != STATUS_OK) return status;
    buf_add_z(out, "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"");
    base64url_encode(out, str_make((const char *)x, sizeof x));
    buf_add_z(out, "\",\"y\":\"");
    base64url_encode(out, str_make((const char *)y, sizeof y));
    buf_add_z(out, "\"}");
    return STATUS_OK;
}

static enum status add_head(struct buf *out, const struct eckey *key, const struct jws_head *head) {
    BUF_AUTO jwk = {0};
    struct json_writer w = {.out = out};
    enum status status = head->account.n ? STATUS_OK : add_key(&jwk, key);
    json_open_object(&w);
    json_add_z(&w, STR("alg"), "ES256");
    if (head->account.n)
        json_add_str(&w, STR("kid"), head->account);
    else
        json_add_raw(&w, STR("jwk"), buf_str(&jwk));
    json_add_str(&w, STR("nonce"), head->nonce);
    json_add_str(&w, STR("url"), head->url);
    json_close_object(&w);
    return status;
}

enum status jws_write(const struct eckey *key, const struct jws_head *head, struct str payload, struct buf *out) {
    BUF_AUTO plain = {0};
    BUF_AUTO signing = {0};
    BUF_AUTO signature = {0};
    enum status status = add_head(&plain, key, head);
    base64url_encode(&signing, buf_str(&plain));
    size_t dot = signing.n;
    buf_add_char(&signing, '.');
    base64url_encode(&signing, payload);
    if (status == STATUS_OK) status = eckey_sign(key, buf_str(&signing), &signature);
    if (status != STATUS_OK) return status;
    buf_addf(out, "{\"protected\":\"%.*s\",\"payload\":\"%s\",\"signature\":\"", (int)dot, signing.p, signing.p + dot + 1);
    base64url_encode(out, buf_str(&signature));
    buf_add_z(out, "\"}");
    return STATUS_OK;
}

enum status jws_authorization(const struct eckey *key, struct str token, struct buf *out) {
    BUF_AUTO jwk = {0};
    enum status status = add_key(&jwk, key);
    if (status != STATUS_OK) return status;
    struct sha256 hash = sha256(buf_str(&jwk));
    buf_add_str(out, token);
    buf_add_char(out, '.');
    base64url_encode(out, sha256_str(&hash));
    return STATUS_OK;
}
