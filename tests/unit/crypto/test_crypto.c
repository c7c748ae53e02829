/* Known answers, and what must not open or verify.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/encode.h"
#include "crypto/digest.h"
#include "crypto/password.h"
#include "crypto/seal.h"
#include "crypto/signkey.h"

#include <openssl/err.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void assert_hex(struct str bytes, const char *want) {
    BUF_AUTO hex = {0};
    hex_encode(&hex, bytes);
    assert_string_equal(hex.p, want);
}

/* FIPS 180-2 appendix B, RFC 4231. */
static void digests_have_their_vectors(void **state) {
    (void)state;
    struct sha256 h = sha256((struct str){0});
    assert_hex(sha256_str(&h), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    h = sha256(STR("abc"));
    assert_hex(sha256_str(&h), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    h = hmac_sha256(STR("Jefe"), STR("what do ya want for nothing?"));
    assert_hex(sha256_str(&h), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    char long_key[131];
    memset(long_key, 0xaa, sizeof long_key);
    h = hmac_sha256(str_make(long_key, sizeof long_key), STR("Test Using Larger Than Block-Size Key - Hash Key First"));
    assert_hex(sha256_str(&h), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    h = hmac_sha256((struct str){0}, (struct str){0});
    assert_hex(sha256_str(&h), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
    struct sha1 h1 = hmac_sha1(STR("Jefe"), STR("what do ya want for nothing?")); /* RFC 2202 */
    assert_hex(str_make((const char *)h1.b, sizeof h1.b), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    h = hmac_sha256(STR("Jefe"), STR("what do ya want for nothing?")); /* is still itself afterwards */
    assert_hex(sha256_str(&h), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

static void running_digest_is_the_same_at_every_split(void **state) {
    (void)state;
    struct str text = STR("The quick brown fox jumps over the lazy dog, twice, so that more than one block is filled.");
    struct sha256 whole = sha256(text);
    struct digest *d = digest_new();
    for (size_t at = 0; at <= text.n; at++) {
        digest_add(d, str_sub(text, 0, at));
        digest_add(d, str_sub(text, at, SIZE_MAX));
        struct sha256 h = digest_finish(d);
        assert_memory_equal(h.b, whole.b, SHA256_LEN);
    }
    digest_free(&d);
    assert_null(d);
    digest_free(&d);
}

static void seals_open_only_whole_and_in_place(void **state) {
    (void)state;
    const struct seal_key master = {{1, 2, 3}};
    struct seal_key key = seal_derive(&master, STR("seal")), other = seal_derive(&master, STR("return-path"));
    assert_memory_not_equal(key.b, other.b, SEAL_KEY_LEN);
    BUF_AUTO sealed = {0};
    seal(&key, STR("dkim:17"), STR("the secret"), rand_system(), &sealed);
    assert_int_equal(sealed.n, 1 + 12 + 10 + 16);
    SECRET_AUTO open = {0};
    buf_add_z(&open, ">");
    assert_int_equal(seal_open(&key, STR("dkim:17"), buf_str(&sealed), &open), STATUS_OK);
    assert_string_equal(open.p, ">the secret");
    assert_int_equal(seal_open(&key, STR("dkim:18"), buf_str(&sealed), &open), STATUS_CORRUPT);
    assert_int_equal(seal_open(&key, STR(""), buf_str(&sealed), &open), STATUS_CORRUPT);
    assert_int_equal(seal_open(&other, STR("dkim:17"), buf_str(&sealed), &open), STATUS_CORRUPT);
    for (size_t n = 0; n < sealed.n; n++) {
        assert_int_equal(seal_open(&key, STR("dkim:17"), str_make(sealed.p, n), &open), STATUS_CORRUPT);
        sealed.p[n] ^= 0x20;
        assert_int_equal(seal_open(&key, STR("dkim:17"), buf_str(&sealed), &open), STATUS_CORRUPT);
        sealed.p[n] ^= 0x20;
    }
    assert_string_equal(open.p, ">the secret");
}

static void seals_differ_each_time(void **state) {
    (void)state;
    const struct seal_key key = {{7}};
    BUF_AUTO a = {0};
    BUF_AUTO b = {0};
    BUF_AUTO open = {0};
    seal(&key, (struct str){0}, (struct str){0}, rand_system(), &a);
    seal(&key, (struct str){0}, (struct str){0}, rand_system(), &b);
    assert_false(str_eq(buf_str(&a), buf_str(&b)));
    assert_int_equal(seal_open(&key, (struct str){0}, buf_str(&a), &open), STATUS_OK);
    assert_int_equal(open.n, 0);
}

/* HKDF-SHA-256 without salt of 32 zero bytes, info "seal"; computed with `openssl kdf`. */
static void derived_keys_are_hkdf(void **state) {
    (void)state;
    const struct seal_key master = {{0}};
    struct seal_key key = seal_derive(&master, STR("seal"));
    assert_hex(str_make((char *)key.b, SEAL_KEY_LEN), "7202e84fe95c1e6f8a2d1873b04fb2c25797c60f0b1faa9534482c478fb317be");
}

static void passwords_match_themselves_only(void **state) {
    (void)state;
    BUF_AUTO a = {0};
    BUF_AUTO b = {0};
    assert_int_equal(password_hash(STR("correct horse"), rand_system(), &a), STATUS_OK);
    assert_int_equal(password_hash(STR("correct horse"), rand_system(), &b), STATUS_OK);
    assert_true(str_starts(buf_str(&a), STR("$argon2id$v=19$m=19456,t=2,p=1$")));
    assert_int_equal(a.n, strlen(a.p));
    assert_false(str_eq(buf_str(&a), buf_str(&b)));
    assert_int_equal(password_verify(STR("correct horse"), buf_str(&a)), STATUS_OK);
    assert_int_equal(password_verify(STR("correct horsf"), buf_str(&a)), STATUS_DENIED);
    assert_int_equal(password_verify(STR("correct horse"), STR("")), STATUS_DENIED);
    assert_int_equal(password_verify(STR("correct horse"), STR("$argon2id$damaged")), STATUS_DENIED);
}

static void AU15_passwords_are_bounded_and_never_cut(void **state) {
    (void)state;
    char text[PASSWORD_MAX_BYTES + 1];
    memset(text, 'x', sizeof text);
    BUF_AUTO hash = {0};
    assert_int_equal(password_hash(str_make(text, sizeof text), rand_system(), &hash), STATUS_INVALID);
    assert_int_equal(password_hash(STR(""), rand_system(), &hash), STATUS_INVALID);
    assert_int_equal(hash.n, 0);
    assert_int_equal(password_hash(str_make(text, PASSWORD_MAX_BYTES), rand_system(), &hash), STATUS_OK);
    assert_int_equal(password_verify(str_make(text, PASSWORD_MAX_BYTES), buf_str(&hash)), STATUS_OK);
    assert_int_equal(password_verify(str_make(text, PASSWORD_MAX_BYTES - 1), buf_str(&hash)), STATUS_DENIED);
    assert_int_equal(password_verify(str_make(text, sizeof text), buf_str(&hash)), STATUS_DENIED);
}

static void keys_sign_and_verify(void **state) {
    (void)state;
    static const struct {
        enum signkey_type type;
        size_t public_n, signature_n;
    } cases[] = {{SIGNKEY_RSA2048, 294, 256}, {SIGNKEY_ED25519, 32, 64}};
    for (int i = 0; i < 2; i++) {
        enum signkey_type type = cases[i].type, other = cases[1 - i].type;
        SECRET_AUTO private = {0};
        BUF_AUTO public = {0};
        BUF_AUTO signature = {0};
        assert_int_equal(signkey_generate(type, &private, &public), STATUS_OK);
        assert_int_equal(public.n, cases[i].public_n);
        struct signkey *k = NULL;
        assert_int_equal(signkey_open(other, buf_str(&private), &k), STATUS_CORRUPT);
        assert_int_equal(signkey_open(type, str_sub(buf_str(&private), 0, private.n - 1), &k), STATUS_CORRUPT);
        assert_int_equal(signkey_open(type, (struct str){0}, &k), STATUS_CORRUPT);
        assert_null(k);
        assert_int_equal(signkey_open(type, buf_str(&private), &k), STATUS_OK);
        assert_int_equal(signkey_type(k), type);
        struct sha256 hash = sha256(STR("headers")), wrong = sha256(STR("header"));
        for (int again = 0; again < 2; again++) { /* a kept context signs more than once */
            buf_reset(&signature);
            assert_int_equal(signkey_sign(k, &hash, &signature), STATUS_OK);
            assert_int_equal(signature.n, cases[i].signature_n);
            assert_true(signkey_verify(type, buf_str(&public), &hash, buf_str(&signature)));
        }
        assert_false(signkey_verify(type, buf_str(&public), &wrong, buf_str(&signature)));
        assert_false(signkey_verify(other, buf_str(&public), &hash, buf_str(&signature)));
        assert_false(signkey_verify(type, str_sub(buf_str(&public), 1, SIZE_MAX), &hash, buf_str(&signature)));
        assert_false(signkey_verify(type, buf_str(&public), &hash, str_sub(buf_str(&signature), 1, SIZE_MAX)));
        assert_false(signkey_verify(type, (struct str){0}, &hash, (struct str){0}));
        signature.p[5] ^= 1;
        assert_false(signkey_verify(type, buf_str(&public), &hash, buf_str(&signature)));
        assert_int_equal(ERR_peek_error(), 0); /* nothing left for a TLS connection to trip over */
        signkey_free(&k);
        signkey_free(&k);
    }
}

/* RFC 8032 7.1 test 1 has the key; the signature is over a SHA-256 hash, as RFC 8463 3 wants it. */
static void ed25519_keys_of_others_open(void **state) {
    (void)state;
    BUF_AUTO der = {0};
    BUF_AUTO public = {0};
    BUF_AUTO signature = {0};
    assert_true(hex_decode(&der, STR("302e020100300506032b657004220420"
                                     "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")));
    assert_true(hex_decode(&public, STR("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")));
    struct signkey *k;
    assert_int_equal(signkey_open(SIGNKEY_ED25519, buf_str(&der), &k), STATUS_OK);
    struct sha256 hash = sha256(STR("x"));
    assert_int_equal(signkey_sign(k, &hash, &signature), STATUS_OK);
    assert_true(signkey_verify(SIGNKEY_ED25519, buf_str(&public), &hash, buf_str(&signature)));
    signkey_free(&k);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_have_their_vectors),
        cmocka_unit_test(running_digest_is_the_same_at_every_split),
        cmocka_unit_test(seals_open_only_whole_and_in_place),
        cmocka_unit_test(seals_differ_each_time),
        cmocka_unit_test(derived_keys_are_hkdf),
        cmocka_unit_test(passwords_match_themselves_only),
        cmocka_unit_test(AU15_passwords_are_bounded_and_never_cut),
        cmocka_unit_test(keys_sign_and_verify),
        cmocka_unit_test(ed25519_keys_of_others_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
