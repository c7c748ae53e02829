/* The framing of DATA (P5): whatever is written ends once, at its end, and reads back as what it was; whatever is read ends at
 * the same byte however it was cut (SM01 to SM12, SM18 to SM21).
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "proto/smtp/data.h"

static enum parse read_data(struct str in, size_t step, struct smtp_data_reader *r, struct buf *out, size_t *ret_used) {
    *r = (struct smtp_data_reader){.max_bytes = 1 << 20, .line_max_bytes = 200};
    for (size_t at = 0; at < in.n;) {
        size_t used = 0;
        struct str piece = str_sub(in, at, step);
        enum parse verdict = smtp_data_read(r, piece, out, &used);
        FUZZ_CHECK(verdict != PARSE_BAD && used <= piece.n && (verdict == PARSE_DONE || used == piece.n));
        *ret_used = at += used;
        if (verdict == PARSE_DONE) return verdict;
    }
    return PARSE_MORE;
}

static void check_reading(struct str in) {
    struct smtp_data_reader whole_reader, reader;
    BUF_AUTO whole = {0};
    size_t used = 0;
    enum parse verdict = read_data(in, SIZE_MAX, &whole_reader, &whole, &used);
    for (size_t step = 1; step < 4; step++) {
        BUF_AUTO pieces = {0};
        size_t pieces_used = 0;
        FUZZ_CHECK(read_data(in, step, &reader, &pieces, &pieces_used) == verdict);
        FUZZ_CHECK(pieces_used == used && reader.fault == whole_reader.fault);
        if (reader.fault == SMTP_DATA_GOOD) FUZZ_CHECK(str_eq(buf_str(&pieces), buf_str(&whole)));
    }
    if (verdict == PARSE_DONE) FUZZ_CHECK(str_ends(str_sub(in, 0, used), STR(".\r\n")));
}

static void write_data(struct str in, size_t step, struct buf *out) {
    struct smtp_data_writer w = {0};
    for (size_t at = 0; at < in.n; at += step < in.n - at ? step : in.n - at) smtp_data_write(&w, out, str_sub(in, at, step));
    smtp_data_write_end(&w, out);
}

static void check_writing(struct str in) {
    BUF_AUTO framed = {0};
    BUF_AUTO back = {0};
    BUF_AUTO reframed = {0};
    write_data(in, SIZE_MAX, &framed);
    for (size_t step = 1; step < 4; step++) {
        buf_reset(&reframed);
        write_data(in, step, &reframed);
        FUZZ_CHECK(str_eq(buf_str(&framed), buf_str(&reframed)));
    }
    struct smtp_data_reader r = {.max_bytes = SIZE_MAX, .line_max_bytes = SIZE_MAX};
    size_t used = 0;
    FUZZ_CHECK(smtp_data_read(&r, buf_str(&framed), &back, &used) == PARSE_DONE && used == framed.n);
    FUZZ_CHECK(r.fault == (str_find(in, 0) == STR_NONE ? SMTP_DATA_GOOD : SMTP_DATA_NUL));
    if (r.fault != SMTP_DATA_GOOD) return;
    buf_reset(&reframed);
    write_data(buf_str(&back), SIZE_MAX, &reframed);
    FUZZ_CHECK(str_eq(buf_str(&framed), buf_str(&reframed)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str in = fuzz_str(data, size);
    check_reading(in);
    check_writing(in);
    return 0;
}
