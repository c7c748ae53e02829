/* hook.c - see hook.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/hook.h"

#include "base/encode.h"
#include "core/event_show.h"
#include "crypto/digest.h"
#include "store/accounts.h"
#include "store/scope.h"

#include <stdlib.h>

#define NOTICE_MS     INT64_C(86400000) /* life of the mail */
#define TURN_ROWS     200
#define WHY_MAX       500 /* bytes kept of why a call failed */
#define WHY_FORBIDDEN "its URL is not one that may be called"
#define WHY_NO_KEY    "the signing key was sealed under another master key: make a new one"

/* ---- the event ---- */
void hook_write_event(struct json_writer *w, struct arena *arena, const struct event_row *row) {
    json_open_object(w);
    json_add_z(w, STR("type"), event_noun(row->event.type));
    json_add_iso_time(w, STR("timestamp"), row->event.at);
    json_key(w, STR("data"));
    event_show(w, arena, row);
    json_close_object(w);
}

/* ---- a turn: what an endpoint is told next ---- */
struct making {
    struct arena *arena;
    const struct hook_endpoint *endpoint;
    struct str keys[HOOK_SIGN_KEYS_MAX];
    size_t key_count;
    int64_t now;
    bool is_cut; /* more rows may wait than were loaded */
};

/* The same events have the same id, whenever they are called with. */
static struct str call_id(struct arena *arena, const struct hook_call *call, bool is_batch) {
    BUF_AUTO ids = {0};
    BUF_AUTO hex = {0};
    if (call->rows[0].event.event.id == 0) return arena_strf(arena, "test_%lld", (long long)call->rows[0].event.event.at);
    if (!is_batch) return arena_strf(arena, "evt_%lld", (long long)call->rows[0].event.event.id);
    for (size_t i = 0; i < call->count; i++) buf_addf(&ids, "%lld,", (long long)call->rows[i].event.event.id);
    struct sha256 digest = sha256(buf_str(&ids));
    hex_encode(&hex, str_sub(sha256_str(&digest), 0, 16));
    return arena_strf(arena, "bat_%.*s", STR_ARG(buf_str(&hex)));
}

static enum status seal_up(struct making *m, struct hook_call *call, struct str body) {
    BUF_AUTO signature = {0};
    call->attempt = call->rows[0].attempts + 1;
    call->id = call_id(m->arena, call, m->endpoint->batch_max > 0);
    call->at_text = arena_strf(m->arena, "%lld", (long long)(m->now / 1000));
    call->body = arena_str(m->arena, body);
    const struct hook_letter letter = {call->id, m->now / 1000, call->body};
    enum status status = hook_sign(&letter, m->keys, m->key_count, &signature);
    call->signature = arena_str(m->arena, buf_str(&signature));
    return status;
}

/* May `row` be told in one call with `first`? New ones together; those of a call that failed together again, and with no others:
 * that call's time is theirs alone, by chance. */
static bool belongs(const struct hook_row *first, const struct hook_row *row) {
    return row->attempts == first->attempts && (first->attempts == 0 || row->due_at == first->due_at);
}

static int by_id(const void *a, const void *b) {
    const struct hook_row *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

/* How many of the rows up to `end` may be told in the first one's call, which are put in order of id: those of a call that failed
 * have one time then, and none of them may change its place. */
static int64_t gather(struct hook_row *rows, const struct hook_row *end, int64_t max) {
    int64_t n = 1;
    while (n < max && rows + n < end && belongs(rows, rows + n)) n++;
    qsort(rows, (size_t)n, sizeof *rows, by_id);
    return n;
}

/* One call of as many rows as go together; *rows moves on. */
static enum status make_call(struct making *m, struct hook_row **rows, const struct hook_row *end, struct hook_call *call) {
    BUF_AUTO body = {0};
    struct json_writer w = {.out = &body};
    int64_t max = m->endpoint->batch_max, n = gather(*rows, end, max);
    *call = (struct hook_call){.rows = *rows};
    if (max > 0) json_open_array(&w);
    do {
        hook_write_event(&w, m->arena, &(*rows)->event);
        call->count++;
        ++*rows;
    } while ((int64_t)call->count < n && body.n < HOOK_BATCH_BYTES);
    if (max > 0) json_close_array(&w);
    return seal_up(m, call, buf_str(&body));
}

/* Rows that tell nothing any more go behind the others. */
static void part_lost(struct arena *arena, struct hook_row_list *rows, struct hook_row_list *lost) {
    size_t kept = 0;
    lost->items = arena_array(arena, rows->count + 1, sizeof *lost->items);
    for (size_t i = 0; i < rows->count; i++) {
        if (rows->items[i].event.event.id)
            rows->items[kept++] = rows->items[i];
        else
            lost->items[lost->count++] = rows->items[i];
    }
    rows->count = kept;
}

/* Was the last call that could be made a batch once that was not loaded as a whole? */
static bool may_lack(const struct making *m, const struct hook_call *last) {
    return m->is_cut && last->attempt > 1 && (int64_t)last->count < m->endpoint->batch_max;
}

static enum status make_calls(struct making *m, struct hook_row_list *rows, size_t calls_max, struct hook_turn *turn) {
    struct hook_row *row = rows->items, *end = rows->count ? rows->items + rows->count : row;
    enum status status = STATUS_OK;
    turn->calls = arena_array(m->arena, calls_max + 1, sizeof *turn->calls);
    while (status == STATUS_OK && row < end && turn->call_count < calls_max)
        status = make_call(m, &row, end, &turn->calls[turn->call_count++]);
    if (turn->call_count > 1 && row == end && may_lack(m, &turn->calls[turn->call_count - 1])) turn->call_count--;
    return status;
}

static enum status open_key(struct making *m, const struct hook_rules *rules, struct str sealed) {
    SECRET_AUTO key = {0};
    enum status status = webhook_reveal_signing_key(&rules->seal, m->endpoint->domain_id, sealed, &key);
    if (status == STATUS_OK) m->keys[m->key_count++] = arena_str(m->arena, buf_str(&key));
    return status;
}

/* What is sealed. CORRUPT: it cannot be opened. An old key that cannot be is none. */
static enum status open_secrets(struct making *m, const struct hook_rules *rules, struct hook_turn *turn) {
    SECRET_AUTO json = {0};
    BUF_AUTO why = {0};
    const struct hook_endpoint *e = m->endpoint;
    enum status status = open_key(m, rules, e->key_sealed);
    if (status == STATUS_OK && e->old_key_sealed.n && e->old_key_until > m->now) (void)!open_key(m, rules, e->old_key_sealed);
    if (status != STATUS_OK || !e->headers_sealed.n) return status;
    status = hook_headers_open(&rules->seal, e->id, e->headers_sealed, &json);
    if (status != STATUS_OK) return status;
    return hook_headers_parse(arena_str(m->arena, buf_str(&json)), m->arena, &turn->headers, &why) ? STATUS_OK : STATUS_CORRUPT;
}

/* Those that gather are taken together with the ones that have not waited their time out. */
static struct hook_load rows_wanted(const struct hook_endpoint *e, const struct hook_rules *rules, const struct hook_ask *ask) {
    int64_t each = e->batch_max > 0 ? e->batch_max : 1;
    int64_t rows = (int64_t)(e->health.failures ? 1 : ask->calls_max) * each;
    return (struct hook_load){.node_id = rules->owner.node_id,
                              .webhook_id = e->id,
                              .due_before = ask->now + (e->batch_max > 0 ? HOOK_BATCH_WAIT_MS : 0),
                              .limit = (int)(rows < TURN_ROWS ? rows : TURN_ROWS)};
}

static enum status fill_turn(struct db *db, struct making *m, const struct hook_rules *rules, const struct hook_ask *ask,
                             struct hook_turn *turn) {
    struct hook_row_list rows;
    const struct hook_load load = rows_wanted(m->endpoint, rules, ask);
    enum status status = hook_outbox_load(db, m->arena, &load, &rows);
    if (status != STATUS_OK) return status;
    m->is_cut = rows.count == (size_t)load.limit;
    part_lost(m->arena, &rows, &turn->lost);
    if (rows.count == 0) return STATUS_OK;
    status = open_secrets(m, rules, turn);
    if (status == STATUS_OK) status = make_calls(m, &rows, m->endpoint->health.failures ? 1 : ask->calls_max, turn);
    if (status != STATUS_CORRUPT && status != STATUS_INVALID) return status;
    turn->call_count = 0;
    turn->trouble = STR(WHY_NO_KEY);
    return STATUS_OK;
}

/* What stands in the way of every call; "": nothing does. */
static struct str find_trouble(struct arena *arena, const struct hook_rules *rules, const struct hook_endpoint *endpoint) {
    bool is_fine = webhook_url_judge(endpoint->url, &rules->urls, arena) == WEBHOOK_URL_FINE;
    return is_fine ? STR("") : STR(WHY_FORBIDDEN);
}

enum status hook_load(struct db *db, struct arena *arena, const struct hook_rules *rules, const struct hook_ask *ask,
                      struct hook_turn *ret) {
    struct hook_endpoint endpoint;
    struct hook_turn turn = {.webhook_id = ask->webhook_id};
    struct making m = {.arena = arena, .endpoint = &endpoint, .now = ask->now};
    enum status status = hook_endpoint_get(db, arena, SCOPE_ANY, ask->webhook_id, &endpoint);
    turn.is_over = status == STATUS_NOT_FOUND || (status == STATUS_OK && !endpoint.is_active);
    if (status == STATUS_OK && !turn.is_over) {
        turn.account_id = endpoint.account_id;
        turn.url = endpoint.url;
        turn.needs_key = endpoint.key_sealed.n == 0;
        if (endpoint.health.paused_until > ask->now)
            turn.not_before = endpoint.health.paused_until;
        else
            turn.trouble = find_trouble(arena, rules, &endpoint);
        if (!turn.needs_key && !turn.not_before && !turn.trouble.n) status = fill_turn(db, &m, rules, ask, &turn);
    }
    if (status == STATUS_OK || status == STATUS_NOT_FOUND) *ret = turn;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status hook_try(struct arena *arena, const struct hook_rules *rules, const struct hook_endpoint *endpoint,
                     struct hook_row *sample, int64_t now, struct hook_turn *ret) {
    struct hook_turn turn = {.webhook_id = endpoint->id, .account_id = endpoint->account_id, .url = endpoint->url};
    struct making m = {.arena = arena, .endpoint = endpoint, .now = now};
    struct hook_row_list rows = {sample, 1};
    enum status status = open_secrets(&m, rules, &turn);
    turn.trouble = find_trouble(arena, rules, endpoint);
    if (status == STATUS_OK && !turn.trouble.n) status = make_calls(&m, &rows, 1, &turn);
    if (status == STATUS_CORRUPT || status == STATUS_INVALID) {
        turn.trouble = STR(WHY_NO_KEY);
        status = STATUS_OK;
    }
    if (status == STATUS_OK) *ret = turn;
    return status;
}

void hook_trial_fini(struct hook_trial *trial) {
    buf_fini(&trial->body);
    buf_fini(&trial->why);
}

/* ---- the answer ---- */
static enum status announce(struct db *tx, struct arena *arena, const struct hook_rules *rules, const struct hook_endpoint *e,
                            struct hook_settled *settled) {
    struct account account;
    enum status status = account_get(tx, arena, e->account_id, &account);
    if (status == STATUS_NOT_FOUND || (status == STATUS_OK && !account.is_active)) return STATUS_OK;
    if (status != STATUS_OK) return status;
    const struct notice_mail mail = {
        .to = account.email,
        .subject = STR("A webhook was disabled"),
        .text =
            arena_strf(arena,
                       "Hello,\n\nYour webhook %lld is not called any more:\n\n    %.*s\n\n%.*s.\n\nEvents are kept. Once the "
                       "endpoint works, enable the webhook again and replay what it missed.\n",
                       (long long)e->id, STR_ARG(e->url), STR_ARG(e->disabled_why)),
        .life_ms = NOTICE_MS,
        .now = e->disabled_at,
    };
    status = notice_mail(tx, arena, &rules->notices, &mail, &settled->mail);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static struct str why_disabled(struct arena *arena, const struct hook_answer *answer) {
    BUF_AUTO why = {0};
    if (hook_judge(answer) == HOOK_GONE) return STR("It answered 410: nobody wants to be called there");
    hook_explain(answer, &why);
    return arena_strf(arena, "No call succeeded for %d days; at last %.*s", (int)(HOOK_DEAD_MS / 86400000),
                      STR_ARG(str_sub(buf_str(&why), 0, WHY_MAX)));
}

static bool is_same(const struct hook_health *a, const struct hook_health *b) {
    return a->failures == b->failures && a->failed_at == b->failed_at && a->failing_since == b->failing_since &&
           a->paused_until == b->paused_until;
}

/* The endpoint, which may be gone meanwhile, after this answer. */
static enum status settle_endpoint(struct db *tx, struct arena *arena, const struct hook_rules *rules,
                                   const struct hook_outcome *o, struct hook_settled *settled) {
    struct hook_endpoint e;
    enum status status = hook_endpoint_get(tx, arena, SCOPE_ANY, o->webhook_id, &e);
    if (status == STATUS_NOT_FOUND || (status == STATUS_OK && !e.is_active)) return STATUS_OK;
    if (status != STATUS_OK) return status;
    struct hook_health after = hook_health_after(&e.health, o->answer);
    if (!is_same(&e.health, &after)) status = hook_endpoint_set_health(tx, e.id, &after);
    if (status != STATUS_OK) return status;
    if (hook_judge(o->answer) != HOOK_GONE && !hook_is_dead(&after, o->answer->ended_at)) return STATUS_OK;
    e.disabled_why = why_disabled(arena, o->answer);
    e.disabled_at = o->answer->ended_at;
    status = hook_endpoint_disable(tx, SCOPE_ANY, e.id, e.disabled_why, e.disabled_at);
    if (status != STATUS_OK) return status;
    settled->is_disabled = true;
    return announce(tx, arena, rules, &e, settled);
}

static enum status settle_rows(struct db *tx, const struct hook_rules *rules, const struct hook_outcome *o, bool *ret_applied) {
    enum status status = STATUS_OK;
    int64_t due_at = 0;
    if (hook_judge(o->answer) == HOOK_AGAIN) due_at = hook_next_try(o->call->attempt, o->answer, rules->rand);
    for (size_t i = 0; (status == STATUS_OK || status == STATUS_NOT_FOUND) && i < o->call->count; i++) {
        const struct hook_row *row = &o->call->rows[i];
        status = hook_outbox_settle(tx, &(struct hook_settle){.row_id = row->id,
                                                              .seen_attempts = row->attempts,
                                                              .owner = rules->owner,
                                                              .due_at = due_at == HOOK_NEVER ? 0 : due_at});
        if (status == STATUS_OK) *ret_applied = true;
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status log_call(struct db *tx, const struct hook_outcome *o) {
    BUF_AUTO why = {0};
    const struct hook_answer *a = o->answer;
    hook_explain(a, &why);
    return hook_attempt_add(tx, &(struct hook_attempt){.webhook_id = o->webhook_id,
                                                       .event_id = o->call->count ? o->call->rows[0].event.event.id : 0,
                                                       .event_count = (int64_t)o->call->count,
                                                       .attempt = o->call->attempt,
                                                       .at = a->began_at,
                                                       .duration_ms = a->ended_at - a->began_at,
                                                       .code = a->code,
                                                       .why = str_sub(buf_str(&why), 0, WHY_MAX),
                                                       .answer = a->body});
}

enum status hook_settle(struct db *tx, struct arena *arena, const struct hook_rules *rules, const struct hook_outcome *outcome,
                        struct hook_settled *ret) {
    struct hook_settled settled = {.is_applied = false};
    enum status status = settle_rows(tx, rules, outcome, &settled.is_applied);
    if (status == STATUS_OK && settled.is_applied) status = log_call(tx, outcome);
    if (status == STATUS_OK && settled.is_applied) status = settle_endpoint(tx, arena, rules, outcome, &settled);
    if (status == STATUS_OK) *ret = settled;
    return status;
}

enum status hook_trial_log(struct db *tx, const struct hook_trial *trial) {
    const struct hook_call none = {.attempt = 1};
    const struct hook_outcome outcome = {trial->turn.webhook_id, &none, &trial->answer};
    return log_call(tx, &outcome);
}

/* ---- the end of a turn ---- */
static enum status drop_lost(struct db *tx, const struct hook_rules *rules, const struct hook_row_list *lost) {
    enum status status = STATUS_OK;
    for (size_t i = 0; (status == STATUS_OK || status == STATUS_NOT_FOUND) && i < lost->count; i++)
        status = hook_outbox_settle(
            tx,
            &(struct hook_settle){.row_id = lost->items[i].id, .seen_attempts = lost->items[i].attempts, .owner = rules->owner});
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* Made on first need; somebody else's may have come meanwhile. */
static enum status make_key(struct db *tx, const struct hook_rules *rules, const struct hook_endpoint *e) {
    SECRET_AUTO key = {0};
    if (e->key_sealed.n) return STATUS_OK;
    return webhook_make_signing_key(tx, e->domain_id, &rules->seal, rules->rand, &key);
}

static enum status note_trouble(struct db *tx, struct arena *arena, const struct hook_rules *rules, const struct hook_turn *turn,
                                int64_t now, struct hook_settled *settled) {
    const struct hook_call none = {.attempt = 1};
    const struct hook_answer answer = {.why = turn->trouble, .began_at = now, .ended_at = now};
    const struct hook_outcome outcome = {turn->webhook_id, &none, &answer};
    enum status status = log_call(tx, &outcome);
    return status == STATUS_OK ? settle_endpoint(tx, arena, rules, &outcome, settled) : status;
}

enum status hook_finish(struct db *tx, struct arena *arena, const struct hook_rules *rules, const struct hook_turn *turn,
                        int64_t now, struct hook_settled *ret) {
    struct hook_endpoint e = {.id = 0};
    struct hook_settled settled = {.is_applied = true};
    int64_t dropped;
    enum status status = drop_lost(tx, rules, &turn->lost);
    if (status == STATUS_OK && turn->trouble.n) status = note_trouble(tx, arena, rules, turn, now, &settled);
    if (status != STATUS_OK) return status;
    status = hook_endpoint_get(tx, arena, SCOPE_ANY, turn->webhook_id, &e);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) return status;
    bool is_over = status == STATUS_NOT_FOUND || !e.is_active;
    status = STATUS_OK;
    if (is_over)
        status = hook_outbox_drop(tx, rules->owner.node_id, turn->webhook_id, HOOK_DROP_MAX, &dropped);
    else if (turn->needs_key)
        status = make_key(tx, rules, &e);
    int64_t not_before = !is_over && e.health.paused_until > now ? e.health.paused_until : now;
    if (status == STATUS_OK) status = hook_queue_refresh(tx, rules->owner.node_id, turn->webhook_id, not_before);
    if (status == STATUS_OK) *ret = settled;
    return status;
}

enum status hook_prune(struct db *tx, int64_t now) {
    return hook_attempt_prune(tx, now - HOOK_ATTEMPTS_MS, HOOK_DROP_MAX);
}
