/* test_sign.c - a signer with sealed keys: what it signs verifies, what does not open is refused, its cache stays bounded (P10).
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/sign.h"

#include "proto/dkim/signature.h"
#include "proto/dkim/tags.h"
#include "proto/mime/header.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

static const struct seal_key seal_key_of_test = {{7}};
static const struct str message = STR_INIT("From: a@example.com\r\nSubject: x\r\n\r\nhello\r\n");

struct made {
    struct buf record, private_der, sealed;
    struct sign_key key;
};

static void seal_as(struct made *m, struct str domain, struct str selector) {
    BUF_AUTO context = {0};
    buf_fini(&m->sealed);
    sign_context(domain, selector, &context);
    seal(&seal_key_of_test, buf_str(&context), buf_str(&m->private_der), rand_system(), &m->sealed);
    m->key.selector = selector;
    m->key.private_sealed = buf_str(&m->sealed);
}

static void make(struct made *m, enum signkey_type type, int64_t id, struct str selector) {
    BUF_AUTO public_key = {0};
    *m = (struct made){0};
    assert_int_equal(signkey_generate(type, &m->private_der, &public_key), STATUS_OK);
    dkim_key_format(type, buf_str(&public_key), &m->record);
    m->key = (struct sign_key){.id = id, .type = type};
    seal_as(m, STR("example.com"), selector);
}

static void drop(struct made *m) {
    buf_fini(&m->record);
    buf_wipe(&m->private_der);
    buf_fini(&m->sealed);
}

static void both_signatures_verify(void **state) {
    (void)state;
    struct made rsa, ed;
    make(&rsa, SIGNKEY_RSA2048, 1, STR("r1"));
    make(&ed, SIGNKEY_ED25519, 2, STR("e1"));
    const struct sign_key keys[] = {rsa.key, ed.key};
    struct signer *s = signer_new(&seal_key_of_test);
    for (int round = 0; round < 3; round++) {
        BUF_AUTO out = {0};
        struct sign_request r = {message, STR("example.com"), keys, 2, 1790000000000};
        struct header_field first, second;
        assert_int_equal(sign_message(s, &r, &out), STATUS_OK);
        struct str rest = buf_str(&out);
        assert_int_equal(header_next(&rest, &first), HEADER_FIELD);
        assert_int_equal(header_next(&rest, &second), HEADER_FIELD);
        assert_int_equal(rest.n, 0);
        assert_true(signature_verify(message, first.raw, buf_str(&rsa.record)));
        assert_true(signature_verify(message, second.raw, buf_str(&ed.record)));
        assert_false(signature_verify(message, first.raw, buf_str(&ed.record)));
    }
    signer_free(&s);
    signer_free(&s);
    drop(&rsa);
    drop(&ed);
}

static void a_failure_leaves_nothing_behind(void **state) {
    (void)state;
    struct made good, moved;
    make(&good, SIGNKEY_ED25519, 1, STR("e1"));
    make(&moved, SIGNKEY_ED25519, 2, STR("e2"));
    seal_as(&moved, STR("other.example"), STR("e2")); /* sealed for another domain's row */
    const struct sign_key keys[] = {good.key, moved.key};
    struct signer *s = signer_new(&seal_key_of_test);
    BUF_AUTO out = {0};
    buf_add_z(&out, "before");
    struct sign_request r = {message, STR("example.com"), keys, 2, 0};
    assert_int_equal(sign_message(s, &r, &out), STATUS_CORRUPT);
    assert_string_equal(out.p, "before");
    r.message = STR("Subject: no from\r\n\r\n");
    assert_int_equal(sign_message(s, &r, &out), STATUS_INVALID);
    assert_string_equal(out.p, "before");
    r.message = message;
    r.key_count = 1;
    assert_int_equal(sign_message(s, &r, &out), STATUS_OK); /* and the failures left no body in the hash */
    assert_true(signature_verify(message, str_sub(buf_str(&out), 6, SIZE_MAX), buf_str(&good.record)));
    signer_free(&s);
    drop(&good);
    drop(&moved);
}

static void more_keys_than_the_cache_holds(void **state) { /* P8 */
    (void)state;
    struct made ed;
    make(&ed, SIGNKEY_ED25519, 1, STR("e1"));
    struct signer *s = signer_new(&seal_key_of_test);
    for (int64_t id = 1; id <= SIGNER_KEYS_MAX + 200; id++) {
        BUF_AUTO out = {0};
        struct sign_key key = ed.key;
        key.id = id % (SIGNER_KEYS_MAX + 100);
        struct sign_request r = {message, STR("example.com"), &key, 1, 0};
        assert_int_equal(sign_message(s, &r, &out), STATUS_OK);
    }
    signer_free(&s);
    drop(&ed);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(both_signatures_verify),
                                       cmocka_unit_test(a_failure_leaves_nothing_behind),
                                       cmocka_unit_test(more_keys_than_the_cache_holds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
