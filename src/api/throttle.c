/* throttle.c - see throttle.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/throttle.h"

#include <inttypes.h>

#define MINUTE_MS       INT64_C(60000)
#define GUESSES         30 /* wrong keys a minute from one address */
#define GUESSES_AT_ONCE 60
#define SENDER_KEYS     "s" /* what a bucket's key begins with: ids of two tables */
#define USER_KEYS       "u"

static bool is_limited(const struct call *c) {
    return !c->request.is_control && !(c->op && c->op->style == STYLE_PROBE);
}

static bool take(struct call *c, enum limit_kind kind, struct str key, const struct limit_rate *rate) {
    struct limit_state state;
    bool is_taken = limits_take(c->api->limits, kind, key, rate, clock_mono_ms(c->api->clock), &state);
    if (state.is_limited && (!is_taken || !c->limit.is_limited || state.remaining < c->limit.remaining)) c->limit = state;
    if (!is_taken) call_refuse_wait(c, &state);
    return is_taken;
}

static bool take_request(struct call *c, enum limit_kind kind, struct str key, int64_t per_minute) {
    struct limit_rate rate = {.count = per_minute, .period_ms = MINUTE_MS, .burst = per_minute};
    return take(c, kind, key, &rate);
}

bool throttle_client(struct call *c) {
    char room[LIMIT_KEY_MAX];
    if (!is_limited(c) || c->ip.family == 0) return true;
    return take_request(c, LIMIT_ADDRESS, limit_key_ip(&c->ip, room), c->api->address_per_minute);
}

/* What the caller showed, by id; a session by its hash. */
static struct str credential_key(const struct call *c) {
    if (c->sender.key.id) return arena_strf(c->arena, SENDER_KEYS "%" PRId64, c->sender.key.id);
    if (c->credential.key_id) return arena_strf(c->arena, USER_KEYS "%" PRId64, c->credential.key_id);
    return c->credential.session_hash;
}

bool throttle_caller(struct call *c) {
    char room[LIMIT_KEY_MAX];
    if (!is_limited(c)) return true;
    return take_request(c, LIMIT_KEY, credential_key(c), c->api->key_per_minute) &&
           take_request(c, LIMIT_ACCOUNT, limit_key_id(c->scope.account_id, room), c->api->account_per_minute);
}

void throttle_guess(struct call *c) {
    static const struct limit_rate rate = {.count = GUESSES, .period_ms = MINUTE_MS, .burst = GUESSES_AT_ONCE};
    char room[LIMIT_KEY_MAX];
    struct limit_state state;
    if (!is_limited(c) || c->ip.family == 0) return;
    struct str key = limit_key_ip(&c->ip, room);
    if (limits_take(c->api->limits, LIMIT_FAILURES, key, &rate, clock_mono_ms(c->api->clock), &state)) return;
    c->refused.count = 0;
    c->limit = state;
    call_refuse_wait(c, &state);
}

void throttle_add_headers(struct call *c) {
    if (!c->limit.is_limited) return;
    call_add_header(c, STR("RateLimit-Limit"), arena_strf(c->arena, "%" PRId64, c->limit.limit));
    call_add_header(c, STR("RateLimit-Remaining"), arena_strf(c->arena, "%" PRId64, c->limit.remaining));
    call_add_header(c, STR("RateLimit-Reset"), arena_strf(c->arena, "%" PRId64, (c->limit.reset_ms + 999) / 1000));
}

/* Put `value` where `{name}` stands. */
static struct str fill(struct arena *arena, struct str text, struct str place, int64_t value) {
    size_t at = str_find_str(text, place);
    if (at == STR_NONE) return text;
    struct str after = str_sub(text, at + place.n, SIZE_MAX);
    return arena_strf(arena, "%.*s%" PRId64 "%.*s", (int)at, text.p, value, STR_ARG(after));
}

void call_refuse_wait(struct call *c, const struct limit_state *state) {
    const struct refusal *refusal = operation_refusal(c->op, REFUSAL_TOO_MANY);
    int64_t seconds = state->wait_ms > 1000 ? (state->wait_ms + 999) / 1000 : 1;
    int64_t attempts = state->limit ? (seconds * 1000 - state->wait_ms) * state->limit / state->period_ms + 1 : 1;
    struct str text = str_from_z(refusal->message);
    if (str_find_str(text, STR("{seconds}")) == STR_NONE) text = str_from_z(operation_refusal(NULL, REFUSAL_TOO_MANY)->message);
    text = fill(c->arena, text, STR("{seconds}"), seconds);
    text = fill(c->arena, text, STR("{attempts}"), attempts);
    c->retry_after_s = seconds;
    refused_say(&c->refused, c->arena, REFUSAL_TOO_MANY, (struct str){0}, arena_z(c->arena, text));
}
