/* test_acme.c - an order of a certificate against an authority that is a table here: the way through it, and every way it may
 * fail.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/encode.h"
#include "crypto/digest.h"
#include "proto/acme/acme.h"
#include "proto/acme/jws.h"
#include "proto/json/json.h"

#include <string.h>

#define CA        "https://ca.example"
#define STEPS_MAX 200
#define BAD_NONCE "{\"type\":\"urn:ietf:params:acme:error:badNonce\",\"detail\":\"again\"}"
#define CHALLENGES                                                                                                               \
    "\"challenges\":[{\"type\":\"dns-01\",\"url\":\"" CA "/no\",\"token\":\"no\"},"                                              \
    "{\"type\":\"http-01\",\"url\":\"" CA "/challenge\",\"token\":\"to-ken_1\"}]"
#define DIRECTORY "{\"newNonce\":\"" CA "/nonce\",\"newAccount\":\"" CA "/accounts\",\"newOrder\":\"" CA "/orders\",\"meta\":{}}"
#define ORDER     "{\"status\":\"pending\",\"finalize\":\"" CA "/finalize\",\"authorizations\":[\"" CA "/authorization\"]}"
#define CHAIN     "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"

/* What it answers at a path, one after the other; the last one again and again. */
struct page {
    const char *path;
    struct {
        unsigned code;
        const char *body, *location;
        int64_t retry_after_s;
    } answers[4];
    size_t count, asked;
};
struct authority {
    struct page pages[9];
    struct eckey *account_key, *host_key;
    struct buf paths; /* asked for, in order */
    unsigned nonces;
    bool gives_no_nonce;
};

static struct authority authority_new(void) {
    struct authority a = {
        .pages = {{"/directory", {{200, DIRECTORY}}, 1},
                  {"/nonce", {{204, ""}}, 1},
                  {"/accounts", {{201, "{\"status\":\"valid\"}", CA "/account/7"}}, 1},
                  {"/orders", {{201, ORDER, CA "/order"}}, 1},
                  {"/authorization",
                   {{200, "{\"status\":\"pending\"," CHALLENGES "}"},
                    {200, "{\"status\":\"pending\"}"},
                    {200, "{\"status\":\"valid\"}"}},
                   3},
                  {"/challenge", {{200, "{\"status\":\"processing\"}"}}, 1},
                  {"/finalize", {{200, "{\"status\":\"processing\"}"}}, 1},
                  {"/order",
                   {{200, "{\"status\":\"processing\"}"}, {200, "{\"status\":\"valid\",\"certificate\":\"" CA "/certificate\"}"}},
                   2},
                  {"/certificate", {{200, CHAIN}}, 1}}};
    assert_int_equal(eckey_generate(&a.account_key), STATUS_OK);
    assert_int_equal(eckey_generate(&a.host_key), STATUS_OK);
    return a;
}

static void authority_free(struct authority *a) {
    eckey_free(&a->account_key);
    eckey_free(&a->host_key);
    buf_fini(&a->paths);
}

static struct page *page_of(struct authority *a, const char *path) {
    for (size_t i = 0; i < 9; i++)
        if (strcmp(a->pages[i].path, path) == 0) return &a->pages[i];
    fail_msg("no page %s", path);
    return NULL;
}

/* One answer at a path, for ever. */
static void answer_always(struct authority *a, const char *path, unsigned code, const char *body) {
    struct page *p = page_of(a, path);
    p->answers[0].code = code;
    p->answers[0].body = body;
    p->count = 1;
}

static struct acme *order_new(struct authority *a, const char *account) {
    return acme_new(&(struct acme_options){.directory = STR(CA "/directory"),
                                           .contact = STR("me@example.com"),
                                           .account = str_from_z(account),
                                           .host = STR("track.mail.example.com"),
                                           .account_key = a->account_key,
                                           .host_key = a->host_key});
}

static struct str unpacked(struct arena *arena, const struct json *tree, const char *name) {
    BUF_AUTO text = {0};
    BUF_AUTO plain = {0};
    struct str packed = json_find_text(tree, str_from_z(name));
    for (size_t i = 0; i < packed.n; i++) buf_add_char(&plain, packed.p[i] == '-' ? '+' : packed.p[i] == '_' ? '/' : packed.p[i]);
    while (plain.n % 4) buf_add_char(&plain, '=');
    assert_true(base64_decode(&text, buf_str(&plain)));
    return arena_str(arena, buf_str(&text));
}

/* What is posted is signed with the account's key, for this URL, with a nonce that was given and not used before. */
static void check_post(struct authority *a, const struct acme_step *step) {
    ARENA_AUTO arena = {0};
    const struct json *tree, *head;
    struct json_error error;
    assert_true(json_parse(&arena, step->body, &tree, &error));
    struct str protected = json_find_text(tree, STR("protected")), payload = json_find_text(tree, STR("payload"));
    struct str signature = unpacked(&arena, tree, "signature");
    assert_true(eckey_verify(a->account_key, arena_strf(&arena, "%.*s.%.*s", STR_ARG(protected), STR_ARG(payload)), signature));
    assert_true(json_parse(&arena, unpacked(&arena, tree, "protected"), &head, &error));
    assert_true(str_eq(json_find_text(head, STR("url")), step->url));
    assert_true(str_eq(json_find_text(head, STR("alg")), STR("ES256")));
    struct str nonce = arena_strf(&arena, "nonce-%u", a->nonces);
    assert_true(str_eq(json_find_text(head, STR("nonce")), nonce));
    bool is_account = str_ends(step->url, STR("/accounts"));
    assert_true(is_account == (json_find(head, STR("jwk")) != NULL) && is_account == (json_find(head, STR("kid")) == NULL));
}

static void serve(struct authority *a, struct acme *m, const struct acme_step *step) {
    ARENA_AUTO arena = {0};
    struct str path = str_sub(step->url, sizeof CA - 1, SIZE_MAX);
    struct page *p = page_of(a, arena_z(&arena, path));
    size_t i = p->asked < p->count ? p->asked : p->count - 1;
    p->asked++;
    buf_addf(&a->paths, "%.*s ", STR_ARG(path));
    if (step->is_post) check_post(a, step);
    struct str nonce = a->gives_no_nonce ? STR("") : arena_strf(&arena, "nonce-%u", ++a->nonces);
    acme_answer(m, &(struct acme_answer){.code = p->answers[i].code,
                                         .body = str_from_z(p->answers[i].body),
                                         .nonce = nonce,
                                         .location = str_from_z(p->answers[i].location),
                                         .retry_after_s = p->answers[i].retry_after_s});
}

/* To its end, which every order has. Pauses are added up. */
static enum acme_want run(struct authority *a, struct acme *m, int64_t *ret_paused_ms) {
    int64_t paused_ms = 0;
    for (int i = 0; i < STEPS_MAX; i++) {
        struct acme_step step;
        acme_next(m, &step);
        if (ret_paused_ms) *ret_paused_ms = paused_ms;
        if (step.want == ACME_DONE || step.want == ACME_FAILED) return step.want;
        if (step.want == ACME_PAUSE) {
            assert_true(step.pause_ms > 0 && step.pause_ms <= 20000);
            paused_ms += step.pause_ms;
        } else {
            serve(a, m, &step);
        }
    }
    fail_msg("no end");
    return ACME_FAILED;
}

static void a_certificate_is_had(void **state) {
    (void)state;
    struct authority a = authority_new();
    struct acme *m = order_new(&a, "");
    struct str token, served;
    int64_t paused_ms;
    assert_false(acme_challenge(m, &token, &served));
    assert_int_equal(run(&a, m, &paused_ms), ACME_DONE);
    assert_string_equal(a.paths.p,
                        "/directory /accounts /orders /authorization /challenge /authorization /authorization /finalize "
                        "/order /order /certificate ");
    assert_true(str_eq(acme_certificate(m), STR(CHAIN)));
    assert_true(str_eq(acme_account(m), STR(CA "/account/7")));
    assert_true(acme_challenge(m, &token, &served) && str_eq(token, STR("to-ken_1")));
    assert_true(str_starts(served, STR("to-ken_1.")) && served.n == token.n + 1 + 43);
    assert_true(paused_ms >= 3000);
    acme_free(&m);
    authority_free(&a);
}

static void a_known_account_is_not_asked_for(void **state) {
    (void)state;
    struct authority a = authority_new();
    struct acme *m = order_new(&a, CA "/account/7");
    answer_always(&a, "/authorization", 200, "{\"status\":\"valid\"}"); /* from an earlier order */
    answer_always(&a, "/finalize", 200, "{\"status\":\"valid\",\"certificate\":\"" CA "/certificate\"}");
    a.gives_no_nonce = false;
    assert_int_equal(run(&a, m, NULL), ACME_DONE);
    assert_string_equal(a.paths.p, "/directory /orders /authorization /finalize /certificate ");
    struct str token, served;
    assert_false(acme_challenge(m, &token, &served));
    acme_free(&m);
    authority_free(&a);
}

/* RFC 8555 6.5: a server may refuse a nonce at any time and gives another with the refusal. */
static void a_bad_nonce_repeats_the_request(void **state) {
    (void)state;
    static const char *const paths[] = {"/accounts", "/orders", "/authorization", "/challenge",
                                        "/finalize", "/order",  "/certificate"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct authority a = authority_new();
        struct acme *m = order_new(&a, "");
        struct page *p = page_of(&a, paths[i]);
        memmove(&p->answers[1], &p->answers[0], p->count * sizeof p->answers[0]);
        p->answers[0].code = 400;
        p->answers[0].body = BAD_NONCE;
        p->count++;
        assert_int_equal(run(&a, m, NULL), ACME_DONE);
        acme_free(&m);
        authority_free(&a);
    }
}

static void a_nonce_that_is_missing_is_fetched(void **state) {
    (void)state;
    struct authority a = authority_new();
    struct acme *m = order_new(&a, "");
    struct acme_step step;
    acme_next(m, &step);
    acme_answer(m, &(struct acme_answer){.code = 200, .body = STR(DIRECTORY)});
    acme_next(m, &step);
    assert_true(step.want == ACME_REQUEST && !step.is_post && str_eq(step.url, STR(CA "/nonce")));
    acme_answer(m, &(struct acme_answer){.code = 204, .nonce = STR("fresh")});
    acme_next(m, &step);
    assert_true(step.is_post && str_eq(step.url, STR(CA "/accounts")));
    acme_free(&m);
    m = order_new(&a, "");
    a.gives_no_nonce = true;
    assert_int_equal(run(&a, m, NULL), ACME_FAILED);
    assert_true(acme_failure(m)->is_general);
    acme_free(&m);
    authority_free(&a);
}

static void every_failure_ends_it_and_says_why(void **state) {
    (void)state;
    static const struct {
        const char *path;
        unsigned code;
        const char *body;
        bool is_general;
        const char *why;
    } cases[] = {
        {"/directory", 503, "<html>", true, "503"},
        {"/directory", 200, "<html>", true, "no JSON"},
        {"/directory", 200, "{}", true, "newNonce"},
        {"/directory", 200, "{\"newNonce\":\"http://ca.example/n\",\"newAccount\":\"x\",\"newOrder\":\"x\"}", true, "new"},
        {"/accounts", 403, "{\"type\":\"urn:ietf:params:acme:error:userActionRequired\",\"detail\":\"read\\u0007 the terms\"}",
         true, "403: read? the terms"},
        {"/orders", 429, "{\"type\":\"urn:ietf:params:acme:error:rateLimited\",\"detail\":\"too many\"}", false, "429: too many"},
        {"/orders", 400, "{\"type\":\"urn:ietf:params:acme:error:accountDoesNotExist\"}", true, "accountDoesNotExist"},
        {"/orders", 400, BAD_NONCE, false, "400: again"},
        {"/orders", 500, "", true, "500"},
        {"/orders", 201, "{\"status\":\"pending\"}", false, "finalize"},
        {"/orders", 201, "{\"finalize\":\"" CA "/f\",\"authorizations\":[7]}", false, "authorization"},
        {"/authorization", 200, "{\"status\":\"deactivated\"}", false, "deactivated"},
        {"/authorization", 200, "{\"status\":\"pending\",\"challenges\":[{\"type\":\"dns-01\"}]}", false, "no http-01"},
        {"/authorization", 200,
         "{\"status\":\"pending\",\"challenges\":[{\"type\":\"http-01\",\"url\":\"" CA "/c\",\"token\":\"../../secret\"}]}",
         false, "malformed"},
        {"/authorization", 200, "{\"status\":\"pending\"," CHALLENGES "}", false, "too long"},
        {"/challenge", 404, "", false, "404"},
        {"/finalize", 403, "{\"type\":\"urn:ietf:params:acme:error:orderNotReady\",\"detail\":\"not ready\"}", false,
         "not ready"},
        {"/finalize", 200, "{\"status\":\"invalid\",\"error\":{\"detail\":\"bad request\"}}", false, "bad request"},
        {"/order", 200, "{\"status\":\"processing\"}", false, "too long"},
        {"/order", 200, "{\"status\":\"valid\"}", false, "no certificate"},
        {"/certificate", 200, "certificate?", false, "no certificate"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct authority a = authority_new();
        struct acme *m = order_new(&a, "");
        answer_always(&a, cases[i].path, cases[i].code, cases[i].body);
        assert_int_equal(run(&a, m, NULL), ACME_FAILED);
        const struct acme_failure *f = acme_failure(m);
        if (str_find_str(f->why, str_from_z(cases[i].why)) == STR_NONE || f->is_general != cases[i].is_general)
            fail_msg("case %zu: %.*s, %d", i, STR_ARG(f->why), f->is_general);
        assert_false(str_has_control(f->why));
        bool is_before = strcmp(cases[i].path, "/directory") == 0 || strcmp(cases[i].path, "/accounts") == 0;
        assert_int_equal(f->is_hosts, !is_before);
        acme_free(&m);
        authority_free(&a);
    }
}

static void a_host_that_is_not_ours_is_said_in_the_authoritys_words(void **state) {
    (void)state;
    struct authority a = authority_new();
    struct acme *m = order_new(&a, "");
    struct page *p = page_of(&a, "/authorization");
    p->answers[1].body =
        "{\"status\":\"invalid\",\"challenges\":[{\"type\":\"http-01\",\"error\":{\"detail\":\"connection refused\"}}]}";
    p->count = 2;
    assert_int_equal(run(&a, m, NULL), ACME_FAILED);
    assert_true(str_eq(acme_failure(m)->why, STR("the host was not found to be ours: connection refused")));
    assert_false(acme_failure(m)->is_general);
    acme_free(&m);
    authority_free(&a);
}

static void waits_that_the_authority_asks_for_are_bounded(void **state) {
    (void)state;
    struct authority a = authority_new();
    struct acme *m = order_new(&a, "");
    int64_t paused_ms;
    answer_always(&a, "/order", 200, "{\"status\":\"processing\"}");
    page_of(&a, "/order")->answers[0].retry_after_s = 1 << 30;
    assert_int_equal(run(&a, m, &paused_ms), ACME_FAILED);
    assert_true(paused_ms < 600000);
    acme_free(&m);
    m = order_new(&a, "");
    answer_always(&a, "/orders", 429, "{}");
    page_of(&a, "/orders")->answers[0].retry_after_s = INT64_MAX;
    assert_int_equal(run(&a, m, NULL), ACME_FAILED);
    assert_true(acme_failure(m)->retry_after_s == 7 * 86400);
    acme_free(&m);
    authority_free(&a);
}

/* RFC 7638 has RSA's example only; the form of the input is what counts. */
static void a_thumbprint_is_of_the_canonical_key(void **state) {
    (void)state;
    BUF_AUTO served = {0};
    BUF_AUTO form = {0};
    BUF_AUTO hash = {0};
    struct eckey *k;
    uint8_t x[ECKEY_COORDINATE], y[ECKEY_COORDINATE];
    assert_int_equal(eckey_generate(&k), STATUS_OK);
    assert_int_equal(eckey_point(k, x, y), STATUS_OK);
    buf_add_z(&form, "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"");
    base64url_encode(&form, str_make((const char *)x, sizeof x));
    buf_add_z(&form, "\",\"y\":\"");
    base64url_encode(&form, str_make((const char *)y, sizeof y));
    buf_add_z(&form, "\"}");
    struct sha256 digest = sha256(buf_str(&form));
    base64url_encode(&hash, sha256_str(&digest));
    assert_int_equal(jws_authorization(k, STR("t"), &served), STATUS_OK);
    assert_true(str_eq(str_sub(buf_str(&served), 2, SIZE_MAX), buf_str(&hash)));
    eckey_free(&k);
}

static void base64url_is_that_of_rfc_4648(void **state) {
    (void)state;
    static const char *const cases[][2] = {{"", ""}, {"f", "Zg"}, {"fo", "Zm8"}, {"foo", "Zm9v"}, {"\xfb\xff\xfe", "-__-"}};
    for (size_t i = 0; i < 5; i++) {
        BUF_AUTO out = {0};
        buf_add_z(&out, "=");
        base64url_encode(&out, str_from_z(cases[i][0]));
        assert_string_equal(out.p + 1, cases[i][1]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_is_had),
        cmocka_unit_test(a_known_account_is_not_asked_for),
        cmocka_unit_test(a_bad_nonce_repeats_the_request),
        cmocka_unit_test(a_nonce_that_is_missing_is_fetched),
        cmocka_unit_test(every_failure_ends_it_and_says_why),
        cmocka_unit_test(a_host_that_is_not_ours_is_said_in_the_authoritys_words),
        cmocka_unit_test(waits_that_the_authority_asks_for_are_bounded),
        cmocka_unit_test(a_thumbprint_is_of_the_canonical_key),
        cmocka_unit_test(base64url_is_that_of_rfc_4648),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
