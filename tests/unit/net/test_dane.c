/* test_dane.c - certificates checked by TLSA records (RFC 7672; trust anchors: tests/e2e/test_tls_policies.py), and what is told
 * of those that do not check out.
 * SPDX-License-Identifier: Apache-2.0 */
#include "net_test.h"

#include "proto/dns/dns.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A server's certificate, self-signed, for `name`, valid on [from, to) days from now. */
struct identity {
    char folder[32], cert[64], key[64];
    struct dns_record whole, spki; /* 3 0 1, 3 1 1 */
    uint8_t digests[2][32];
};

static void add_extension(X509 *cert, int nid, const char *value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, cert, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(cert, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static struct dns_record record_of(struct identity *id, int selector) {
    return (struct dns_record){.usage = DNS_TLSA_END_ENTITY,
                               .selector = (uint8_t)selector,
                               .matching = 1,
                               .text = str_make((const char *)id->digests[selector], 32)};
}

static void identity_new(struct identity *id, const char *name, int from, int to) {
    snprintf(id->folder, sizeof id->folder, "/tmp/test-dane-XXXXXX");
    assert_non_null(mkdtemp(id->folder));
    snprintf(id->cert, sizeof id->cert, "%s/cert.pem", id->folder);
    snprintf(id->key, sizeof id->key, "%s/key.pem", id->folder);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    BUF_AUTO san = {0};
    buf_addf(&san, "DNS:%s", name);
    assert_true(X509_set_version(cert, X509_VERSION_3) == 1 && ASN1_INTEGER_set(X509_get_serialNumber(cert), 7) == 1);
    assert_non_null(X509_time_adj_ex(X509_getm_notBefore(cert), from, 0, NULL));
    assert_non_null(X509_time_adj_ex(X509_getm_notAfter(cert), to, 0, NULL));
    X509_NAME *subject = X509_get_subject_name(cert);
    const unsigned char *common_name = (const unsigned char *)(from < -1 ? "old" : name);
    assert_int_equal(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, common_name, -1, -1, 0), 1);
    assert_true(X509_set_issuer_name(cert, subject) == 1 && X509_set_pubkey(cert, key) == 1);
    add_extension(cert, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(cert, NID_subject_alt_name, san.p);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    FILE *file = fopen(id->cert, "w");
    assert_true(file && PEM_write_X509(file, cert) == 1 && fclose(file) == 0);
    file = fopen(id->key, "w");
    assert_true(file && PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1 && fclose(file) == 0);
    unsigned n;
    unsigned char *der = NULL;
    int length = i2d_PUBKEY(key, &der);
    assert_true(EVP_Digest(der, (size_t)length, id->digests[1], &n, EVP_sha256(), NULL) == 1);
    assert_true(X509_digest(cert, EVP_sha256(), id->digests[0], &n) == 1);
    OPENSSL_free(der);
    X509_free(cert);
    EVP_PKEY_free(key);
    id->whole = record_of(id, 0);
    id->spki = record_of(id, 1);
}

static void identity_free(struct identity *id) {
    unlink(id->cert);
    unlink(id->key);
    rmdir(id->folder);
}

/* What a client with these expectations says of the server. */
static enum tls_check_result check(struct tls_context *client, struct identity *server_is, const struct tls_peer *peer) {
    struct tls_context *server;
    BUF_AUTO why = {0};
    struct pair p;
    assert_int_equal(tls_context_new_server(server_is->cert, server_is->key, &server, &why), STATUS_OK);
    pair_open(&p);
    assert_int_equal(stream_start_tls(p.server.stream, server, NULL, 5000), STATUS_OK);
    assert_int_equal(stream_start_tls_with(p.client.stream, client, peer, 5000), STATUS_OK);
    run_until(p.loop, &p.client.is_shaken, 5000);
    run_until(p.loop, &p.server.is_shaken, 5000);
    assert_int_equal(p.client.tls_status, STATUS_OK); /* no handshake fails on a certificate */
    enum tls_check_result result = stream_tls_check(p.client.stream);
    assert_int_equal(stream_tls_is_verified(p.client.stream), result == TLS_PEER_OK);
    pair_close(&p);
    tls_context_unref(&server);
    return result;
}

static void test_dane(void **state) {
    (void)state;
    struct tls_context *client;
    struct identity good, old, other;
    assert_int_equal(tls_context_new_smtp_client(&client), STATUS_OK);
    identity_new(&good, "mx.example.com", -1, 30);
    identity_new(&old, "mx.example.com", -30, -1);
    identity_new(&other, "elsewhere.example", -1, 30);
    struct dns_record odd = good.spki;
    odd.text.n = 31;
    const struct dns_record two[] = {other.spki, good.spki};
    const struct {
        struct identity *server_is;
        struct tls_peer peer;
        enum tls_check_result expected;
    } cases[] = {
        {&good, {.name = "mx.example.com", .tlsa = &good.spki, .tlsa_count = 1}, TLS_PEER_OK},
        {&good, {.name = "mx.example.com", .tlsa = &good.whole, .tlsa_count = 1}, TLS_PEER_OK},
        {&good, {.name = "mx.example.com", .tlsa = two, .tlsa_count = 2}, TLS_PEER_OK},
        {&good, {.name = "mx.example.com", .tlsa = &other.spki, .tlsa_count = 1}, TLS_PEER_FAILED},
        {&good, {.name = "mx.example.com", .tlsa = &odd, .tlsa_count = 1}, TLS_PEER_UNTRUSTED},  /* it is none: WebPKI judges */
        {&other, {.name = "mx.example.com", .tlsa = &other.spki, .tlsa_count = 1}, TLS_PEER_OK}, /* usage 3: no names */
        {&old, {.name = "mx.example.com", .tlsa = &old.spki, .tlsa_count = 1}, TLS_PEER_OK},     /* nor dates */
        {&good, {.name = "mx.example.com"}, TLS_PEER_UNTRUSTED}, /* without records WebPKI judges */
        {&good, {.name = NULL}, TLS_PEER_FAILED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        enum tls_check_result got = check(client, cases[i].server_is, &cases[i].peer);
        if (got != cases[i].expected) fail_msg("case %zu: %d", i, (int)got);
    }
    identity_free(&good);
    identity_free(&old);
    identity_free(&other);
    tls_context_unref(&client);
}

static void test_what_webpki_says(void **state) {
    (void)state;
    struct tls_context *client;
    struct identity good, old;
    identity_new(&good, "mx.example.com", -1, 30);
    identity_new(&old, "mx.example.com", -30, -1);
    assert_int_equal(tls_context_new_smtp_client(&client), STATUS_OK);
    const struct tls_peer mx = {.name = "mx.example.com"}, other = {.name = "other.example.com"};
    assert_int_equal(check(client, &good, &mx), TLS_PEER_UNTRUSTED);
    assert_int_equal(tls_context_trust(client, good.cert), STATUS_OK);
    assert_int_equal(tls_context_trust(client, old.cert), STATUS_OK);
    assert_int_equal(check(client, &good, &mx), TLS_PEER_OK);
    assert_int_equal(check(client, &old, &mx), TLS_PEER_EXPIRED);
    assert_int_equal(check(client, &good, &other), TLS_PEER_NAME);
    identity_free(&good);
    identity_free(&old);
    tls_context_unref(&client);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dane),
        cmocka_unit_test(test_what_webpki_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
