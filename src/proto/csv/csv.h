/* csv.h - comma-separated values (RFC 4180), a record at a time off the front of a text, so that a file may be read in pieces.
 *
 * Fields are quoted or not; a quoted one may hold the delimiter, line breaks and quotes (written twice). Lines end with LF or
 * CRLF, the last one perhaps with nothing. More than the RFC: the delimiter is any byte but a quote, CR or LF; a quote inside an
 * unquoted field is a character like others (spreadsheets write it). A record has at most CSV_RECORD_MAX bytes and
 * CSV_FIELDS_MAX fields. Bytes are not looked at otherwise. Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_CSV_CSV_H
#define POSTHORN_PROTO_CSV_CSV_H

#include "base/arena.h"
#include "base/status.h"

#define CSV_RECORD_MAX ((size_t)60 << 10)
#define CSV_FIELDS_MAX 256

struct csv_record {
    struct str *fields; /* slices of the text, or of the arena where quotes were taken out */
    size_t count;       /* an empty line has one empty field */
    size_t lines;       /* line breaks that *ret_used holds: what the next record's line number grows by */
    const char *why;    /* BAD: a sentence, static */
};
/* Read the record at the front of `text` (n > 0); `is_last`: nothing follows what is there. DONE: *ret is filled. BAD: it is no
 * record; what was skipped is its first line (or all of a line that is too long). MORE: no verdict yet, text must grow; never
 * when it has CSV_RECORD_MAX + 2 bytes. *ret_used tells, for DONE and BAD, how far to go on: at least 1. */
enum parse csv_parse(struct arena *arena, struct str text, char delimiter, bool is_last, struct csv_record *ret,
                     size_t *ret_used);

/* Which of , ; and tab the line that text begins with uses most outside quotes; ',' when it has none. */
char csv_guess_delimiter(struct str text);

#endif
