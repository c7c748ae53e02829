/* delivery.c - see delivery.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/delivery.h"

#include "base/clock.h"
#include "core/content.h"
#include "core/events.h"
#include "core/farewell.h"
#include "core/send_values.h"
#include "store/transcripts.h"
#include "store/pools.h"
#include "store/source_counts.h"

static bool is_waiting(const struct recipient *r) {
    return r->state == RECIPIENT_SCHEDULED || r->state == RECIPIENT_QUEUED;
}

/* ---- load ---- */

static enum status load_sender(struct db *db, const struct render_track_setup *track, struct arena *arena, struct delivery *d) {
    struct message message;
    struct domain domain;
    enum status status = message_get(db, arena, d->message_id, &message);
    if (status == STATUS_NOT_FOUND) d->lost = STR("The stored message is gone");
    if (status != STATUS_OK) return status;
    d->expires_at = message.expires_at;
    d->domain_id = message.domain_id;
    d->is_report = message.is_report;
    d->message_tls = message.tls;
    d->key_id = message.key_id;
    status = domain_get(db, arena, SCOPE_ANY, message.domain_id, &domain);
    if (status == STATUS_NOT_FOUND) d->lost = STR("The sender domain is gone");
    if (status != STATUS_OK) return status;
    d->sender_domain = domain.name;
    d->subdomain = domain.subdomain;
    d->domain_tls = domain.tls;
    if (message.id <= domain.cut_message) d->lost = STR(DELIVERY_WHY_CLEARED);
    return render_track_wants(db, track, &message, &domain, &d->is_personal);
}

enum status delivery_load(struct db *db, const struct render_track_setup *track, const struct queue_entry *entry,
                          struct arena *arena, struct delivery *ret) {
    struct recipient r;
    enum status status = recipient_get(db, arena, entry->recipient_id, &r);
    bool is_same = status == STATUS_OK && is_waiting(&r) && r.attempts == entry->attempts && r.due_at == entry->due_at;
    if (status == STATUS_NOT_FOUND || (status == STATUS_OK && !is_same)) {
        *ret = (struct delivery){.is_waiting = false};
        return STATUS_OK;
    }
    if (status != STATUS_OK) return status;
    struct delivery d = {
        .is_waiting = true, .recipient_id = r.id, .message_id = r.message_id, .address = r.address, .reason = r.reason};
    status = load_sender(db, track, arena, &d);
    if (status != STATUS_OK && d.lost.n == 0) return status;
    *ret = d;
    return STATUS_OK;
}

enum status delivery_load_pool(struct db *db, const struct delivery *d, struct arena *arena, struct str *ret_pool) {
    return pool_of(db, arena, d->domain_id, d->key_id, ret_pool);
}

static enum status load_keys(struct db *db, struct arena *arena, int64_t domain_id, struct delivery_source *s) {
    struct dkim_key_list list;
    enum status status = dkim_key_list(db, arena, domain_id, &list);
    if (status != STATUS_OK) return status;
    for (size_t i = 0; i < list.count && s->key_count < SIGN_KEYS_MAX; i++) {
        const struct dkim_key *key = &list.items[i];
        s->keys[s->key_count++] = (struct sign_key){
            .id = key->id,
            .selector = key->selector,
            .type = (enum signkey_type)key->type,
            .private_sealed = key->private_sealed,
        };
    }
    return STATUS_OK;
}

/* A time that no try changes, and never after the message is due. */
static int64_t signed_at(const struct message *m) {
    int64_t at = m->expires_at - SEND_TTL_MAX_S * INT64_C(1000);
    return at < m->created_at ? m->created_at : at;
}

static enum status load_shared(struct db *db, int64_t message_id, struct arena *arena, struct addressee *ret,
                               struct delivery_source *source) {
    enum status status = message_get(db, arena, message_id, &ret->message);
    if (status == STATUS_OK) status = domain_get(db, arena, SCOPE_ANY, ret->message.domain_id, &ret->domain);
    if (status == STATUS_OK) source->signature = ret->message.signature;
    return status;
}

static enum status load_personal(struct db *db, const struct render_track_setup *track, int64_t recipient_id, struct arena *arena,
                                 struct addressee *ret, struct delivery_source *source) {
    enum status status = addressee_load(db, arena, recipient_id, ret);
    if (status != STATUS_OK) return status;
    source->is_personal = true;
    source->signed_at = signed_at(&ret->message);
    return render_track_plan(db, arena, track, ret, &source->track);
}

enum status delivery_load_source(struct db *db, const struct render_track_setup *track, int64_t message_id, int64_t recipient_id,
                                 struct arena *arena, struct delivery_source *ret) {
    struct addressee who;
    struct delivery_source source = {.signature = STR("")};
    BUF_AUTO content = {0};
    enum status status = recipient_id ? load_personal(db, track, recipient_id, arena, &who, &source)
                                      : load_shared(db, message_id, arena, &who, &source);
    if (status == STATUS_OK) status = content_load(db, message_id, &content);
    if (status == STATUS_OK) status = load_keys(db, arena, who.message.domain_id, &source);
    if (status != STATUS_OK) return status;
    source.domain = who.domain.name;
    source.content = arena_str(arena, buf_str(&content));
    *ret = source;
    return STATUS_OK;
}

/* ---- settle ---- */

static const struct {
    enum recipient_state state;
    enum event_type event;
} outcomes[] = {
    [DELIVERY_DELIVERED] = {RECIPIENT_DELIVERED, EVENT_DELIVERY}, [DELIVERY_DEFERRED] = {RECIPIENT_QUEUED, EVENT_DEFERRED},
    [DELIVERY_POSTPONED] = {RECIPIENT_QUEUED, EVENT_DEFERRED},    [DELIVERY_BOUNCED] = {RECIPIENT_BOUNCED, EVENT_BOUNCE},
    [DELIVERY_FAILED] = {RECIPIENT_FAILED, EVENT_FAILED},
};

/* A reason carries words of the other side: one line of UTF-8, not too long. */
static void reason_clean(struct str reason, struct buf *out) {
    size_t n = reason.n < DELIVERY_REASON_MAX ? reason.n : DELIVERY_REASON_MAX;
    while (n > 0 && n < reason.n && ((unsigned char)reason.p[n] & 0xC0u) == 0x80) n--; /* not inside a character */
    buf_add(out, reason.p, n);
    bool is_text = str_is_utf8(buf_str(out));
    for (size_t i = 0; i < out->n; i++) {
        unsigned char c = (unsigned char)out->p[i];
        if (c < 0x20 || c == 0x7F || (c >= 0x80 && !is_text)) out->p[i] = '?';
    }
}

static void add_given(struct json_writer *w, struct str key, struct str value) {
    if (value.n > 0) json_add_str(w, key, value);
}

static void add_tls(struct json_writer *w, const struct delivery_report *r) {
    if (r->tls_version.n == 0) return;
    json_add_object(w, STR("TLS"));
    json_add_str(w, STR("Version"), r->tls_version);
    json_add_str(w, STR("Cipher"), r->tls_cipher);
    add_given(w, STR("Policy"), r->tls_policy);
    json_add_bool(w, STR("Verified"), r->tls_verified);
    json_close_object(w);
}

static void add_reply(struct json_writer *w, const struct delivery_report *r) {
    if (r->code == 0) return;
    json_add_object(w, STR("Reply"));
    json_add_i64(w, STR("Code"), r->code);
    add_given(w, STR("Enhanced"), r->enhanced);
    json_add_str(w, STR("Text"), r->text);
    add_given(w, STR("Command"), r->command);
    if (r->is_own) json_add_bool(w, STR("Local"), true);
    json_close_object(w);
}

/* What is particular to this event; the rest of the record is in the message's and the event's own columns. */
static void write_detail(const struct settlement *s, const struct recipient *to, const struct message *m, int64_t took_ms,
                         struct buf *out) {
    const struct delivery_report *r = &s->report;
    struct json_writer w = {.out = out};
    json_open_object(&w);
    json_add_str(&w, STR("RecipientDomain"), to->domain);
    json_add_str(&w, STR("RFCMessageID"), m->rfc_message_id);
    event_add_sender(&w, m);
    add_given(&w, STR("Site"), r->site);
    add_given(&w, STR("SourceAddress"), r->source_address);
    add_given(&w, STR("MXHost"), r->mx_host);
    add_given(&w, STR("MXAddress"), r->mx_address);
    add_tls(&w, r);
    add_reply(&w, r);
    if (s->outcome == DELIVERY_BOUNCED) bounce_class_write(&w, &s->bounce, r->is_own ? STR("dns") : STR("smtp"));
    add_given(&w, STR("Reason"), to->reason);
    json_add_i64(&w, STR("Attempt"), to->attempts);
    if (s->outcome == DELIVERY_DEFERRED) json_add_iso_time(&w, STR("NextAttempt"), s->next_at);
    json_add_i64(&w, STR("QueueMs"), took_ms);
    if (r->session_ms > 0) json_add_i64(&w, STR("SessionMs"), r->session_ms);
    json_close_object(&w);
}

/* What a sender means by speed: since the gateway had the message, or since the time it was scheduled for, whatever the waits
 * were between. */
static int64_t took(const struct settlement *s, const struct recipient *to, const struct message *m) {
    int64_t planned_at = to->planned_at ? to->planned_at : m->created_at;
    if (to->state == RECIPIENT_SCHEDULED) planned_at = to->due_at;
    return s->at > planned_at ? s->at - planned_at : 0;
}

static enum status add_event(struct db *db, const struct settlement *s, const struct recipient *to, const struct message *m,
                             int64_t *ret_id) {
    BUF_AUTO detail = {0};
    int64_t took_ms = took(s, to, m);
    write_detail(s, to, m, took_ms, &detail);
    const struct event event = {
        .at = s->at,
        .type = outcomes[s->outcome].event,
        .account_id = m->account_id,
        .domain_id = m->domain_id,
        .message_id = m->id,
        .recipient_id = to->id,
        .recipient = to->address,
        .detail = buf_str(&detail),
        .keys = {.is_timed = true, .took_ms = took_ms},
    };
    return event_write(db, &event, m->tags, EVENT_AS_IT_COMES, ret_id);
}

/* What was said is about the recipient, by whom it is for to know: his server's word on RCPT or the message, or DNS (P9). What a
 * host says to MAIL or to our connection is about us. */
static bool is_about_recipient(const struct delivery_report *r) {
    static const struct str commands[] = {STR_INIT("RCPT"), STR_INIT("DATA"), STR_INIT("."), STR_INIT("DNS")};
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (str_eq(r->command, commands[i])) return true;
    return false;
}

/* Once: an address that is suppressed already stays as it is, and a settlement applies once. */
static enum status suppress(struct db *db, const struct settlement *s, const struct recipient *to, const struct message *message,
                            int64_t event_id) {
    const struct delivery_report *r = &s->report;
    bool is_new;
    if (s->outcome != DELIVERY_BOUNCED || r->code / 100 != 5 || !s->bounce.suppresses || !is_about_recipient(r)) return STATUS_OK;
    return farewell_write(db, message, to->address,
                          &(struct farewell){SUPPRESSION_BOUNCE, SUBSCRIBER_BOUNCED, false, to->reason, event_id, s->at},
                          &is_new);
}

/* Write the state if the row is still ours; `to` becomes what stands there. */
static enum status write_state(struct db *db, const struct node_epoch *owner, const struct settlement *s, struct recipient *to) {
    bool was_tried = s->outcome != DELIVERY_POSTPONED && (s->outcome != DELIVERY_FAILED || s->report.command.n > 0);
    bool waits = s->outcome == DELIVERY_DEFERRED || s->outcome == DELIVERY_POSTPONED;
    to->attempts = s->attempts + (was_tried ? 1 : 0);
    struct queue_settle settle = {
        .recipient_id = s->recipient_id,
        .seen_attempts = s->attempts,
        .owner = *owner,
        .state = outcomes[s->outcome].state,
        .attempts = to->attempts,
        .due_at = waits ? s->next_at : to->due_at,
        .reason = to->reason,
        .now = s->at,
    };
    return queue_settle(db, &settle);
}

/* What the sender is told, as far as he wants. */
static enum status tell_sender(struct db *db, struct dsn_desk *desk, const struct settlement *s, const struct recipient *to,
                               const struct message *message) {
    static const enum dsn_action actions[] = {[DELIVERY_DELIVERED] = DSN_RELAYED,
                                              [DELIVERY_DEFERRED] = DSN_DELAYED,
                                              [DELIVERY_BOUNCED] = DSN_FAILED,
                                              [DELIVERY_FAILED] = DSN_FAILED};
    const struct delivery_report *r = &s->report;
    const struct dsn_fact fact = {.action = actions[s->outcome],
                                  .at = s->at,
                                  .remote_mta = r->mx_host,
                                  .code = r->is_own ? 0 : r->code,
                                  .enhanced = r->enhanced,
                                  .reply = r->text,
                                  .reason = to->reason};
    return dsn_tell(db, desk, message, to, &fact);
}

static enum status settle(struct db *db, struct dsn_desk *desk, const struct settlement *s, struct recipient *to,
                          const struct message *message) {
    int64_t event_id = 0;
    enum status status = write_state(db, &desk->owner, s, to);
    if (status != STATUS_OK || s->outcome == DELIVERY_POSTPONED) return status;
    status = add_event(db, s, to, message, &event_id);
    if (status == STATUS_OK) status = suppress(db, s, to, message, event_id);
    if (status == STATUS_OK) status = tell_sender(db, desk, s, to, message);
    if (status == STATUS_OK && s->signature.n > 0 && message->signature.n == 0) {
        status = message_set_signature(db, message->id, s->signature);
    }
    if (status == STATUS_OK && s->track.n > 0 && message->track.n == 0) status = message_set_track(db, message->id, s->track);
    if (status == STATUS_OK && s->transcript.n > 0)
        status = transcript_put(db, &(struct transcript_row){to->id, to->attempts, s->at, s->transcript});
    if (status == STATUS_OK && s->warming_source.n > 0)
        status = source_count_add(db, s->warming_source, s->warming_provider, s->at / CLOCK_DAY_MS);
    return status;
}

/* No time is left for another try, or no sender: the domain was deleted, or its queue cleared, while this was in flight. */
static enum status judge_deferral(struct db *db, const struct message *message, struct settlement *s, struct recipient *to) {
    if (s->outcome != DELIVERY_DEFERRED && s->outcome != DELIVERY_POSTPONED) return STATUS_OK;
    int64_t cut_message = 0;
    enum status status = domain_get_cut(db, message->account_id, message->domain_id, &cut_message);
    bool is_cleared = status == STATUS_OK && message->id <= cut_message;
    if (status == STATUS_NOT_FOUND) to->reason = STR(DELIVERY_WHY_DELETED);
    if (is_cleared) to->reason = STR(DELIVERY_WHY_CLEARED);
    if (status == STATUS_NOT_FOUND || is_cleared || message->expires_at <= s->at) s->outcome = DELIVERY_FAILED;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status delivery_settle(struct db *db, struct dsn_desk *desk, const struct settlement *s, bool *ret_applied) {
    ARENA_AUTO arena = {0};
    BUF_AUTO reason = {0};
    struct recipient to;
    struct message message;
    struct settlement final = *s;
    enum status status = recipient_get(db, &arena, s->recipient_id, &to);
    if (status == STATUS_OK && (status = message_get(db, &arena, to.message_id, &message)) == STATUS_NOT_FOUND) {
        return STATUS_CORRUPT;
    }
    if (status == STATUS_OK) {
        reason_clean(s->reason, &reason);
        to.reason = buf_str(&reason);
        status = judge_deferral(db, &message, &final, &to);
    }
    if (status == STATUS_OK) status = settle(db, desk, &final, &to, &message);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) return status;
    *ret_applied = status == STATUS_OK; /* else settled before, or not ours */
    return STATUS_OK;
}

enum status delivery_withdraw(struct db *db, int64_t recipient_id, enum recipient_state state, struct str reason, int64_t at,
                              bool *ret_applied) {
    ARENA_AUTO arena = {0};
    struct recipient to;
    struct message message;
    struct settlement s = {.recipient_id = recipient_id, .outcome = DELIVERY_FAILED, .at = at};
    int64_t event_id = 0;
    enum status status = queue_end(db, recipient_id, state, reason, at);
    if (status == STATUS_NOT_FOUND) {
        *ret_applied = false;
        return STATUS_OK;
    }
    if (status == STATUS_OK) status = recipient_get(db, &arena, recipient_id, &to);
    if (status == STATUS_OK) status = message_get(db, &arena, to.message_id, &message);
    if (status == STATUS_OK) status = add_event(db, &s, &to, &message, &event_id);
    if (status == STATUS_OK) *ret_applied = true;
    return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
}
