/* data.h - the framing of a message in DATA: dots stuffed and taken out, CRLF as the only line end (P5).
 *
 * Outwards any input becomes right: bare CR and LF are made CRLF first, then dots are stuffed (SM18 to SM21). Inwards nothing
 * is made right: only CRLF.CRLF ends a message, a bare CR or LF is a fault told after the real end (SM01 to SM12).
 * Both work at any cut of the input. Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_SMTP_DATA_H
#define POSTHORN_PROTO_SMTP_DATA_H

#include "base/buf.h"
#include "base/status.h"

/* Zero-initialised: at the start of a message. */
struct smtp_data_writer {
    bool in_line;  /* the last byte written was not a line end */
    bool after_cr; /* a CR was the last byte of the input so far (its CRLF is written) */
    bool eightbit; /* some byte above 127 went through */
};
/* Append `in`, framed, to out. */
void smtp_data_write(struct smtp_data_writer *w, struct buf *out, struct str in);
/* End an open line and append the final ".CRLF"; w is at the start again, but for eightbit. */
void smtp_data_write_end(struct smtp_data_writer *w, struct buf *out);

enum smtp_data_fault {
    SMTP_DATA_GOOD,
    SMTP_DATA_BARE,      /* a CR or LF that was not part of CRLF */
    SMTP_DATA_NUL,       /* AD01 */
    SMTP_DATA_LINE_LONG, /* LM02 */
    SMTP_DATA_TOO_BIG
};
/* Zero but for the two limits before each message. */
struct smtp_data_reader {
    size_t max_bytes;           /* of the content without stuffing; exactly this many are accepted (LM09) */
    size_t line_max_bytes;      /* of a line without CRLF */
    enum smtp_data_fault fault; /* the first; nothing is kept after it */
    int state;
    size_t line_bytes;
};
/* Take bytes of a message from `in`; content without stuffing is appended to out, which holds nothing else. PARSE_DONE: the
 * message ended after *ret_used bytes (what follows is commands). PARSE_MORE: all of `in` was taken. Never BAD: read `fault` at
 * the end. */
WARN_UNUSED enum parse smtp_data_read(struct smtp_data_reader *r, struct str in, struct buf *out, size_t *ret_used);

/* The same for BDAT (RFC 3030): the chunk in hand has *left_bytes more; a line of a dot means nothing and no dot is taken out
 * (PB10). The line policy is DATA's and goes on from chunk to chunk (PB11). PARSE_DONE: the chunk has ended after *ret_used
 * bytes, *left_bytes is 0; PARSE_MORE: all of `in` was taken. A message is read by one of the two functions only. */
WARN_UNUSED enum parse smtp_chunk_read(struct smtp_data_reader *r, uint64_t *left_bytes, struct str in, struct buf *out,
                                       size_t *ret_used);
/* After the LAST chunk: content that does not end in CRLF is completed by one, which counts in max_bytes; read `fault` then. */
void smtp_chunk_end(struct smtp_data_reader *r, struct buf *out);

#endif
