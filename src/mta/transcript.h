/* transcript.h - what was said on a connection, with times: for an operator who asks why.
 *
 * A line is milliseconds since the connection's start, a sign and words: '>' ours, '<' theirs, '*' what happened. The greeting is
 * kept as long as the connection, of transactions only the one under way. Content is told by its size, secrets not at all (P10),
 * foreign bytes that are no printable text as \xHH (OB34). Bounded: TRANSCRIPT_MAX bytes, of a long line the beginning.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_MTA_TRANSCRIPT_H
#define POSTHORN_MTA_TRANSCRIPT_H

#include "base/buf.h"

#define TRANSCRIPT_MAX      4096
#define TRANSCRIPT_HEAD_MAX 2048 /* of it for connecting and greeting */
#define TRANSCRIPT_LINE_MAX 300

/* Zeroed: empty. */
struct transcript {
    struct buf text;
    size_t head_n;    /* bytes before the transaction */
    int64_t began_at; /* monotonic */
    bool is_full;     /* something was left out */
    bool is_greeted;  /* a transaction may follow */
};
void transcript_begin(struct transcript *t, int64_t now_mono);
void transcript_fini(struct transcript *t);
/* What stands so far is the greeting; of what comes, the next transaction begins anew. */
void transcript_transaction(struct transcript *t);
/* Lines of a dialogue, each ended by CRLF; what is behind the last one is left out. */
void transcript_said(struct transcript *t, int64_t now_mono, struct str lines);
void transcript_heard(struct transcript *t, int64_t now_mono, struct str lines);
/* Something happened; words in, one line out. */
__attribute__((format(printf, 3, 4))) void transcript_note(struct transcript *t, int64_t now_mono, const char *format, ...);
/* Valid until the next call. */
struct str transcript_text(const struct transcript *t);

#endif
