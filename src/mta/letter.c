/* letter.c - a message in flight: loaded by the first of its recipients, signed once on a signer, framed once, shared.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "mta/own.h"
#include "proto/smtp/data.h"

#include <stdlib.h>

static struct str letter_key(const int64_t *message_id) {
    return str_make((const char *)message_id, sizeof *message_id);
}

static void count_bytes(struct letter *l, size_t bytes) {
    l->mta->letter_bytes += bytes - l->counted_bytes;
    l->counted_bytes = bytes;
}

static enum status make_signature(struct letter *l, struct signer *signer, int64_t wall_ms) {
    const struct delivery *d = &l->source;
    if (d->signature.n) {
        buf_add_str(&l->signature, d->signature);
        return STATUS_OK;
    }
    if (d->key_count == 0) return STATUS_NOT_FOUND;
    l->is_signed_here = true;
    return sign_message(
        signer,
        &(struct sign_request){
            .message = d->content, .domain = d->sender_domain, .keys = d->keys, .key_count = d->key_count, .wall_ms = wall_ms},
        &l->signature);
}

/* On a signer: sign, then frame for the wire. */
static enum status make(struct job *job, void *ctx) {
    struct letter *l = LIST_OWNER(job, struct letter, job);
    buf_reset(&l->signature);
    enum status status = make_signature(l, ctx, mta_now(l->mta));
    if (status != STATUS_OK) return status;
    struct str content = l->source.content;
    size_t head = str_find_str(content, STR("\r\n\r\n"));
    if (head == STR_NONE) head = content.n;
    struct smtp_data_writer w = {0};
    buf_reserve(&l->wire, l->signature.n + content.n + content.n / 64 + 16);
    smtp_data_write(&w, &l->wire, buf_str(&l->signature));
    smtp_data_write(&w, &l->wire, str_sub(content, 0, head));
    l->utf8 = w.eightbit;
    w.eightbit = false;
    smtp_data_write(&w, &l->wire, str_sub(content, head, SIZE_MAX));
    l->eightbit = w.eightbit;
    smtp_data_write_end(&w, &l->wire);
    l->size_bytes = l->signature.n + content.n;
    return STATUS_OK;
}

static void fail_waiters(struct letter *l, enum status status) {
    const char *why = status == STATUS_NOT_FOUND ? "The domain has no DKIM key" : "The message could not be signed";
    LOG(LOG_ERROR, "mta.not_signed", LOG_INT("message", l->message_id), LOG_Z("why", status_text(status)));
    for (struct list *it; (it = list_pop(&l->waiters));)
        attempt_settle(LIST_OWNER(it, struct attempt, node),
                       &(struct ending){.verdict = BOUNCE_DEFERRED, .text = str_from_z(why), .command = "SIGN"});
}

/* Made, or not to be made; gives back the job's reference. */
static void letter_finish(struct letter *l, enum status status) {
    struct mta *m = l->mta;
    arena_fini(&l->arena);
    l->source = (struct delivery){0};
    count_bytes(l, l->wire.cap);
    if (status != STATUS_OK) {
        (void)map_remove(m->letters, letter_key(&l->message_id)); /* the next one may have more luck */
        fail_waiters(l, status);
    } else {
        l->is_made = true;
        if (l->is_signed_here) metrics_add(m->options.metrics, METRIC_SIGNATURES, 1);
        for (struct list *it; (it = list_pop(&l->waiters));) attempt_ready(LIST_OWNER(it, struct attempt, node));
    }
    letter_unref(&l);
}

static void made(struct job *job) {
    struct letter *l = LIST_OWNER(job, struct letter, job);
    mta_job_done(l->mta);
    letter_finish(l, job->status);
}

static void letter_start(struct letter *l) {
    l->refs++;
    l->job = (struct job){.run = make, .done = made, .loop = l->mta->options.loop};
    enum status status = mta_submit(l->mta, l->mta->options.signers, &l->job);
    if (status != STATUS_OK) letter_finish(l, status);
}

void letter_attach(struct attempt *a) {
    struct mta *m = a->mta;
    struct letter *l = map_find(m->letters, letter_key(&a->delivery.message_id));
    bool is_new = !l;
    if (is_new) {
        l = calloc(1, sizeof *l);
        if (!l) abort();
        *l = (struct letter){.mta = m, .message_id = a->delivery.message_id, .arena = a->arena, .source = a->delivery};
        list_init(&l->waiters);
        (void)map_put(m->letters, letter_key(&l->message_id), l);
        count_bytes(l, l->arena.used_bytes);
        a->arena = (struct arena){0};
    }
    arena_fini(&a->arena);
    a->letter = l;
    l->refs++;
    if (l->is_made) return attempt_ready(a);
    list_add_tail(&l->waiters, &a->node);
    if (is_new) letter_start(l);
}

void letter_unref(struct letter **letter) {
    struct letter *l = *letter;
    *letter = NULL;
    if (!l || --l->refs > 0) return;
    if (map_find(l->mta->letters, letter_key(&l->message_id)) == l) (void)map_remove(l->mta->letters, letter_key(&l->message_id));
    count_bytes(l, 0);
    arena_fini(&l->arena);
    buf_fini(&l->signature);
    buf_fini(&l->wire);
    free(l);
}
