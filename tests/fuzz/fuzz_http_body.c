/* Bodies: the same content and the same end at any cut, for chunked framing (HT16 to HT25) and for gzip and deflate.
 * The first byte chooses: 0 to 2 a framing, 3 and 4 a coding (modulo 5).
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "proto/http/http_body.h"

#define DECODED_MAX (1 << 16)

/* Feed `in` in pieces of `step` bytes, as a connection would: what was not used is offered again with more. */
static enum parse read_body(const struct http_fields *fields, struct str in, size_t step, struct buf *out, size_t *ret_used) {
    struct http_body body;
    http_body_init(&body, fields);
    size_t at = 0;
    for (size_t have = 0;;) {
        size_t used = 0;
        struct str content = {0}, offered = str_sub(in, at, have - at);
        enum parse verdict = http_body_next(&body, offered, &used, &content);
        if (verdict == PARSE_BAD) return verdict;
        FUZZ_CHECK(used <= offered.n && fuzz_is_slice(content, offered) && content.n <= used);
        buf_add_str(out, content);
        at += used;
        *ret_used = at;
        if (verdict == PARSE_DONE) return verdict;
        if (used) continue;
        if (have == in.n) return PARSE_MORE;
        have = in.n - have < step ? in.n : have + step;
    }
}

static void check_framing(unsigned choice, struct str in) {
    static const enum http_framing framings[] = {HTTP_FRAMING_CHUNKED, HTTP_FRAMING_LENGTH, HTTP_FRAMING_CLOSE};
    struct http_fields fields = {.framing = framings[choice], .length = in.n / 2};
    BUF_AUTO whole = {0};
    size_t used = 0;
    enum parse verdict = read_body(&fields, in, SIZE_MAX, &whole, &used);
    for (size_t step = 1; step < 4; step++) {
        BUF_AUTO pieces = {0};
        size_t pieces_used = 0;
        FUZZ_CHECK(read_body(&fields, in, step, &pieces, &pieces_used) == verdict);
        FUZZ_CHECK(verdict == PARSE_BAD || (pieces_used == used && str_eq(buf_str(&pieces), buf_str(&whole))));
    }
}

static enum status decode(enum http_coding coding, struct str in, size_t room, struct buf *out, bool *ret_done) {
    struct http_inflate *z = http_inflate_new(coding);
    enum status status = STATUS_OK;
    for (size_t n = room; status == STATUS_OK && (in.n || n == room) && out->n < DECODED_MAX;) {
        size_t used = 0;
        status = http_inflate_next(z, in, buf_reserve(out, room), room, &used, &n);
        if (status != STATUS_OK) break;
        FUZZ_CHECK(used <= in.n && n <= room && (used || n || !in.n || http_inflate_is_done(z)));
        buf_grew(out, n);
        if (!used && !n) break;
        in = str_sub(in, used, SIZE_MAX);
    }
    *ret_done = http_inflate_is_done(z);
    http_inflate_free(&z);
    return status;
}

static void check_coding(enum http_coding coding, struct str in) {
    BUF_AUTO big = {0};
    BUF_AUTO small = {0};
    bool big_done, small_done;
    enum status status = decode(coding, in, 4096, &big, &big_done);
    if (big.n >= DECODED_MAX) return;
    FUZZ_CHECK(decode(coding, in, 7, &small, &small_done) == status);
    if (status == STATUS_OK) FUZZ_CHECK(big_done == small_done && str_eq(buf_str(&big), buf_str(&small)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str in = fuzz_str(data, size);
    unsigned choice = fuzz_choice(&in) % 5;
    if (choice < 3) {
        check_framing(choice, in);
    } else {
        check_coding(choice == 3 ? HTTP_CODING_GZIP : HTTP_CODING_DEFLATE, in);
    }
    return 0;
}
