/* The framing of DATA and BDAT (P5): whatever is written ends once, at its end, and reads back as what it was; whatever is read
 * is what a strict reader of the whole finds, however it was cut (I7, SM01 to SM12, SM18 to SM21, PB10, PB11).
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "../unit/proto-smtp/strict_reader.h"

#define CONTENT_MAX 300
#define LINE_MAX    60

static enum parse read_data(struct str in, size_t step, struct smtp_data_reader *r, struct buf *out, size_t *ret_used) {
    *r = (struct smtp_data_reader){.max_bytes = CONTENT_MAX, .line_max_bytes = LINE_MAX};
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

static void check_content(const struct smtp_data_reader *r, struct str content, const struct strict *strict) {
    bool is_good = !strict->has_bare && !strict->has_nul && strict->line_max <= LINE_MAX && strict->content.n <= CONTENT_MAX;
    FUZZ_CHECK((r->fault == SMTP_DATA_GOOD) == is_good && content.n <= CONTENT_MAX);
    if (is_good) FUZZ_CHECK(str_eq(content, buf_str(&strict->content)));
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
    struct strict strict = strict_data_read(in);
    FUZZ_CHECK((verdict == PARSE_DONE) == strict.has_ended);
    if (verdict == PARSE_DONE) FUZZ_CHECK(used == strict.used);
    if (verdict == PARSE_DONE) check_content(&whole_reader, buf_str(&whole), &strict);
    buf_fini(&strict.content);
}

/* Chunks whose lengths come out of `sizes`, each given in segments of `step`. */
static void read_chunks(struct str in, struct str sizes, size_t step, struct smtp_data_reader *r, struct buf *out) {
    *r = (struct smtp_data_reader){.max_bytes = CONTENT_MAX, .line_max_bytes = LINE_MAX};
    size_t begin = 0;
    while (begin < in.n) {
        struct str chunk = str_sub(in, begin, fuzz_choice(&sizes) % 40U);
        if (sizes.n == 0) chunk = str_sub(in, begin, SIZE_MAX);
        uint64_t left = chunk.n;
        size_t used = 0, at = begin;
        while (smtp_chunk_read(r, &left, str_sub(in, at, step), out, &used) == PARSE_MORE) {
            FUZZ_CHECK(used > 0);
            at += used;
        }
        FUZZ_CHECK(left == 0 && at + used == begin + chunk.n);
        begin += chunk.n;
    }
    smtp_chunk_end(r, out);
}

static void check_chunks(struct str in) {
    struct strict strict = strict_chunks_read(in);
    for (size_t step = 1; step < 5; step++) {
        struct smtp_data_reader reader;
        BUF_AUTO content = {0};
        read_chunks(in, step == 4 ? STR("") : in, step == 4 ? SIZE_MAX : step, &reader, &content);
        check_content(&reader, buf_str(&content), &strict);
    }
    buf_fini(&strict.content);
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
    check_chunks(in);
    check_writing(in);
    return 0;
}
