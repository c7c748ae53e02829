/* letter.c - a message in flight, shared by its recipients: body and keys loaded once on a reader, signed and framed once on a
 * signer. What is tracked or can be left is a letter a recipient, edited for him on the signer before it is signed. A host that
 * takes no 8BITMIME gets a letter of its own, encoded anew and then signed (OB31).
 *
 * What cannot be loaded because it is gone is lost, and so is a message without a header; everything else (a key that does not
 * open, a damaged page) may be mended by the operator, so the recipients wait, with the reason, by the retry schedule (P4).
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "mta/own.h"
#include "proto/mime/downgrade.h"
#include "proto/smtp/data.h"

#include <stdlib.h>

static struct str letter_key(const struct letter_id *id) {
    return str_make((const char *)id, sizeof *id);
}

static void count_bytes(struct letter *l, size_t bytes) {
    l->mta->letter_bytes += bytes - l->counted_bytes;
    l->counted_bytes = bytes;
}

static enum status sign(struct letter *l, struct signer *signer, struct str content) {
    const struct delivery_source *s = &l->source;
    int64_t now = mta_now(l->mta);
    if (s->key_count == 0) return STATUS_UNSUPPORTED;
    l->is_signed_here = true;
    return sign_message(signer,
                        &(struct sign_request){.message = content,
                                               .domain = s->domain,
                                               .keys = s->keys,
                                               .key_count = s->key_count,
                                               .wall_ms = s->signed_at && s->signed_at < now ? s->signed_at : now},
                        &l->signature);
}

/* Head and body as they go over the wire. */
static void frame(struct letter *l, struct str content) {
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
}

/* In seven bits: what was signed before was another message. */
static enum status make_7bit(struct letter *l, struct signer *signer, struct str content) {
    BUF_AUTO fit = {0};
    l->unfit = downgrade(content, &fit);
    if (l->unfit) return STATUS_DENIED;
    enum status status = sign(l, signer, buf_str(&fit));
    if (status == STATUS_OK) frame(l, buf_str(&fit));
    return status;
}

/* On a signer: edit for the recipient, sign, then frame for the wire. */
static enum status make(struct job *job, void *ctx) {
    struct letter *l = LIST_OWNER(job, struct letter, job);
    const struct delivery_source *s = &l->source;
    BUF_AUTO own = {0};
    struct str content = s->content;
    enum status status = STATUS_OK;
    buf_reset(&l->signature);
    buf_reset(&l->track);
    if (s->is_personal) {
        render_track_format(&s->track, &l->track);
        render_track_write(&s->track, s->content, &own);
        content = buf_str(&own);
    }
    if (l->id.is_7bit) return make_7bit(l, ctx, content);
    if (s->signature.n)
        buf_add_str(&l->signature, s->signature);
    else
        status = sign(l, ctx, content);
    if (status == STATUS_OK) frame(l, content);
    return status;
}

/* Why there is no letter. */
static const struct trouble {
    enum status status;
    bool is_lost;
    const char *why;
} load_troubles[] = {{STATUS_NOT_FOUND, true, "The stored message is damaged: its body or its sender domain is gone"},
                     {STATUS_OK, false, "The stored message cannot be read"}},
  sign_troubles[] = {{STATUS_UNSUPPORTED, false, "The sender domain has no DKIM key"},
                     {STATUS_CORRUPT, false, "The sender domain's DKIM key does not open with this master key"},
                     {STATUS_INVALID, true, "The stored message is damaged: it has no header"},
                     {STATUS_OK, false, "The message could not be signed"}};

/* A letter in seven bits that cannot be: the host takes no other (RFC 6152 3). */
static void refuse_waiters(struct letter *l) {
    for (struct list *it; (it = list_pop(&l->waiters));) {
        struct attempt *a = LIST_OWNER(it, struct attempt, node);
        letter_unref(&a->letter);
        attempt_settle(a, &(struct ending){.verdict = BOUNCE_BOUNCED,
                                           .is_own = true,
                                           .code = 554,
                                           .enhanced = STR("5.6.3"),
                                           .text = str_from_z(l->unfit),
                                           .command = "MAIL"});
    }
}

static void fail_waiters(struct letter *l, enum status status) {
    if (l->unfit) return refuse_waiters(l);
    const struct trouble *t = l->is_loaded ? sign_troubles : load_troubles;
    while (t->status != status && t->status != STATUS_OK) t++;
    const char *step = l->is_loaded ? "SIGN" : "LOAD";
    LOG(LOG_ERROR, "mta.no_letter", LOG_INT("message", l->id.message_id), LOG_Z("step", step), LOG_Z("why", t->why),
        LOG_Z("status", status_text(status)));
    for (struct list *it; (it = list_pop(&l->waiters));) {
        struct attempt *a = LIST_OWNER(it, struct attempt, node);
        letter_unref(&a->letter); /* it waits for nothing any more; a stop may free it */
        attempt_settle(a, &(struct ending){.verdict = BOUNCE_DEFERRED,
                                           .is_lost = t->is_lost,
                                           .text = str_from_z(t->why),
                                           .command = t->is_lost ? "" : step});
    }
}

/* Made, or not to be made; gives back the job's reference. */
static void letter_finish(struct letter *l, enum status status) {
    struct mta *m = l->mta;
    arena_fini(&l->arena);
    l->source = (struct delivery_source){.key_count = 0};
    count_bytes(l, l->wire.cap);
    if (status != STATUS_OK) {
        (void)map_remove(m->letters, letter_key(&l->id)); /* the next one may have more luck */
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

static enum status load(struct job *job, void *ctx) {
    struct letter *l = LIST_OWNER(job, struct letter, job);
    arena_fini(&l->arena);
    return delivery_load_source(ctx, &l->mta->track, l->id.message_id, l->id.recipient_id, &l->arena, &l->source);
}

static void loaded(struct job *job) {
    struct letter *l = LIST_OWNER(job, struct letter, job);
    struct mta *m = l->mta;
    enum status status = job->status;
    mta_job_done(m);
    if (status == STATUS_OK) {
        l->is_loaded = true;
        count_bytes(l, l->arena.used_bytes);
        l->job = (struct job){.run = make, .done = made, .loop = m->options.loop};
        status = mta_submit(m, m->options.signers, &l->job);
    }
    if (status != STATUS_OK) letter_finish(l, status);
}

static void letter_start(struct letter *l) {
    struct mta *m = l->mta;
    l->refs++;
    l->job = (struct job){.run = load, .done = loaded, .loop = m->options.loop};
    enum status status = mta_submit(m, m->options.readers, &l->job);
    if (status != STATUS_OK) letter_finish(l, status);
}

bool letter_has_room(const struct mta *m, const struct queue_entry *entry) {
    size_t max = m->options.letters_max_bytes;
    size_t left = m->letter_bytes < max ? max - m->letter_bytes : 0;
    if (m->letter_bytes == 0 || map_find(m->letters, letter_key(&(struct letter_id){.message_id = entry->message_id})))
        return true;
    return left && (size_t)entry->size_bytes <= left / 2;
}

void letter_reserve(struct attempt *a) {
    struct mta *m = a->mta;
    if (map_find(m->letters, letter_key(&(struct letter_id){.message_id = a->entry->message_id}))) return;
    a->reserved_bytes = (size_t)a->entry->size_bytes;
    m->letter_bytes += a->reserved_bytes;
}

void letter_unreserve(struct attempt *a) {
    a->mta->letter_bytes -= a->reserved_bytes;
    a->reserved_bytes = 0;
}

void letter_attach(struct attempt *a) {
    struct mta *m = a->mta;
    size_t bytes = a->reserved_bytes;
    letter_unreserve(a);
    const struct delivery *d = &a->delivery;
    const struct letter_id id = {d->message_id, d->is_personal ? d->recipient_id : 0, a->wants_7bit};
    struct letter *l = map_find(m->letters, letter_key(&id));
    bool is_new = !l;
    if (is_new) {
        l = calloc(1, sizeof *l);
        if (!l) abort();
        *l = (struct letter){.mta = m, .id = id};
        list_init(&l->waiters);
        (void)map_put(m->letters, letter_key(&l->id), l);
        count_bytes(l, bytes);
        mta_released(m); /* its other recipients cost nothing more */
    }
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
    if (map_find(l->mta->letters, letter_key(&l->id)) == l) (void)map_remove(l->mta->letters, letter_key(&l->id));
    count_bytes(l, 0);
    arena_fini(&l->arena);
    buf_fini(&l->signature);
    buf_fini(&l->track);
    buf_fini(&l->wire);
    free(l);
}
