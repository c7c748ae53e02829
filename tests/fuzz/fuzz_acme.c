/* An authority that answers anything. The input is its answers, each with a byte of what it is and two of how long: the order
 * ends within so many steps, serves nothing but a token, and repeats no unprintable word.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "proto/acme/acme.h"

#define STEPS_MAX 400

static struct str take_piece(struct str *in) {
    size_t n = fuzz_choice(in);
    n = n << 8 | fuzz_choice(in);
    struct str piece = str_sub(*in, 0, n);
    *in = str_sub(*in, piece.n, SIZE_MAX);
    return piece;
}

static void check_step(const struct acme_step *step) {
    if (step->want == ACME_PAUSE) FUZZ_CHECK(step->pause_ms > 0 && step->pause_ms <= 20000);
    if (step->want != ACME_REQUEST) return;
    FUZZ_CHECK(str_starts(step->url, STR("https://")) && step->url.n <= ACME_URL_MAX);
    FUZZ_CHECK(str_plain_run(step->url) == step->url.n && step->is_post == (step->body.n > 0));
}

static void check_outcome(const struct acme *m) {
    struct str token, served, why = acme_failure(m)->why;
    FUZZ_CHECK(str_plain_run(why) == why.n);
    if (!acme_challenge(m, &token, &served)) return;
    FUZZ_CHECK(token.n > 0 && token.n <= ACME_TOKEN_MAX && str_starts(served, token) && served.n == token.n + 44);
    for (size_t i = 0; i < token.n; i++) FUZZ_CHECK(ascii_is_alnum(token.p[i]) || token.p[i] == '-' || token.p[i] == '_');
}

/* Answers that lead on, so that the later states are reached without a lucky guess. */
static struct acme_answer make_answer(uint8_t kind, struct str piece) {
    struct acme_answer a = {.code = kind & 1 ? 200 : 400 + kind, .body = piece, .nonce = kind & 2 ? STR("n") : piece};
    a.location = kind & 4 ? STR("https://ca.example/x") : piece;
    a.retry_after_s = kind & 8 ? INT64_C(1) << (kind >> 4) * 4 : 0;
    return a;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str in = fuzz_str(data, size);
    struct eckey *key = NULL;
    if (eckey_generate(&key) != STATUS_OK) abort();
    struct acme *m = acme_new(&(struct acme_options){.directory = STR("https://ca.example/directory"),
                                                     .contact = STR("a@example.com"),
                                                     .host = STR("track.example.com"),
                                                     .account_key = key,
                                                     .host_key = key});
    struct acme_step step = {0};
    int steps = 0;
    for (; steps < STEPS_MAX; steps++) {
        acme_next(m, &step);
        check_step(&step);
        if (step.want == ACME_DONE || step.want == ACME_FAILED) break;
        if (step.want == ACME_PAUSE) continue;
        if (in.n == 0) {
            acme_no_answer(m, STR("over"));
            continue;
        }
        uint8_t kind = fuzz_choice(&in);
        struct acme_answer answer = make_answer(kind, take_piece(&in));
        acme_answer(m, &answer);
    }
    FUZZ_CHECK(steps < STEPS_MAX || in.n > 0);
    check_outcome(m);
    acme_free(&m);
    eckey_free(&key);
    return 0;
}
