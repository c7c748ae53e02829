/* verb_bdat.c - BDAT (RFC 3030): chunks whose length is told, so that the last one needs no dot.
 *
 * A chunk that is refused comes all the same: it is read and thrown away, up to a bound, before the refusal is told; so its bytes
 * are never taken for commands (PB12). After a fault the transaction is over, and further chunks are refused like that.
 * SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/session_own.h"

#define SMALL_CHUNK_BYTES 512
#define SMALL_CHUNKS_MAX  1000 /* of a transaction (PB08) */

static const struct smtp_reply too_small = {421, STR_INIT("4.7.0"), STR_INIT("Too many small chunks")};

static void chunk_ended(struct smtpd_session *s, struct buf *out) {
    if (s->is_last) smtp_chunk_end(&s->reader, &s->content);
    if (s->is_last || s->reader.fault != SMTP_DATA_GOOD) return content_ended(s, out);
    s->state = STATE_CHUNKS;
    smtp_reply_format(out, &session_ok);
}

static void refused_chunk_ended(struct smtpd_session *s, struct buf *out) {
    const struct smtp_reply *why = s->refusal;
    s->refusal = NULL;
    s->state = s->after_refusal;
    session_refuse(s, why, out);
}

size_t bdat_feed(struct smtpd_session *s, struct str in, struct buf *out) {
    size_t used;
    if (s->refusal) {
        used = s->chunk_bytes < in.n ? (size_t)s->chunk_bytes : in.n;
        s->chunk_bytes -= used;
        s->wasted_bytes += used;
        if (!s->chunk_bytes) refused_chunk_ended(s, out);
        return used;
    }
    bool is_end = smtp_chunk_read(&s->reader, &s->chunk_bytes, in, &s->content, &used) == PARSE_DONE;
    s->taken_bytes += used;
    if (s->reader.fault != SMTP_DATA_GOOD) buf_fini(&s->content);
    if (is_end) chunk_ended(s, out);
    return used;
}

/* The reply that this chunk will get, or NULL: it is content. */
static const struct smtp_reply *chunk_judge(struct smtpd_session *s, uint64_t chunk_bytes) {
    if (s->state == STATE_NEW) return &session_hello_first;
    if (s->state != STATE_RECIPIENTS && s->state != STATE_CHUNKS) return &session_rcpt_first;
    if (chunk_bytes <= s->max_bytes - s->content.n) return NULL;
    tx_reset(s, STATE_READY);
    return &session_too_big;
}

void bdat_run(struct smtpd_session *s, const struct smtp_command *c, struct buf *out) {
    if (!s->service->has_extensions) return session_close(s, &session_not_here, out); /* PB12 */
    s->refusal = chunk_judge(s, c->chunk_bytes);
    if (s->refusal && c->chunk_bytes > s->service->message_max_bytes) return session_close(s, s->refusal, out); /* PB09 */
    if (!s->refusal && !c->is_last && c->chunk_bytes < SMALL_CHUNK_BYTES && ++s->small_chunks > SMALL_CHUNKS_MAX)
        return session_close(s, &too_small, out);
    if (s->state == STATE_RECIPIENTS)
        s->reader = (struct smtp_data_reader){.max_bytes = s->max_bytes, .line_max_bytes = s->service->line_max_bytes};
    s->after_refusal = s->state;
    s->chunk_bytes = c->chunk_bytes;
    s->is_last = c->is_last;
    s->state = STATE_CHUNK;
    if (s->chunk_bytes) return;
    if (s->refusal)
        refused_chunk_ended(s, out);
    else
        chunk_ended(s, out);
}
