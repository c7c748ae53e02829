/* Links of messages: no bytes are a token that was not made, a target that is taken can stand in a Location field and stays
 * itself, and what is made of it comes back.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/track_token.h"
#include "fuzz.h"

static const struct seal_key master = {{7}};

static void check_target(const struct track_keys *keys, struct str in, struct arena *arena) {
    BUF_AUTO text = {0};
    struct str target, again;
    struct track_token token = {.kind = TRACK_CLICK, .domain_id = 1, .message_id = 2, .recipient_id = 3}, back;
    if (!track_target(in, arena, &target)) return;
    FUZZ_CHECK(target.n <= TRACK_TARGET_MAX && str_plain_run(target) == target.n && str_find(target, ' ') == STR_NONE);
    FUZZ_CHECK(str_starts_nocase(target, STR("http://")) || str_starts_nocase(target, STR("https://")));
    FUZZ_CHECK(track_target(target, arena, &again) && str_eq(target, again));
    token.target = target;
    FUZZ_CHECK(track_token_make(keys, &token, &text) == STATUS_OK && text.n <= TRACK_TOKEN_MAX);
    FUZZ_CHECK(track_token_parse(keys, TRACK_CLICK, buf_str(&text), 0, arena, &back));
    FUZZ_CHECK(str_eq(back.target, target) && back.recipient_id == 3);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str in = fuzz_str(data, size), text;
    struct track_keys keys = track_keys_derive(&master, 2, 1);
    ARENA_AUTO arena = {0};
    enum track_kind kind;
    struct track_token token;
    check_target(&keys, in, &arena);
    for (int i = 0; i < TRACK_KIND_COUNT; i++) FUZZ_CHECK(!track_token_parse(&keys, (enum track_kind)i, in, 0, &arena, &token));
    if (track_path_parse(in, &arena, &kind, &text)) FUZZ_CHECK(!track_token_parse(&keys, kind, text, 0, &arena, &token));
    return 0;
}
