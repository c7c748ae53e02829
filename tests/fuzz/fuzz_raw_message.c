/* fuzz_raw_message.c - what goes out says the same as what was judged: the same senders, the same body, nothing that must not
 * travel, and whole fields (P5, AU19, HI16).
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/raw_message.h"

#include "fuzz.h"
#include "proto/mime/header.h"

static void assert_same(const struct raw_message *a, const struct raw_message *b) {
    FUZZ_CHECK(a->sender_count == b->sender_count && a->from_fields == b->from_fields && a->from_addresses == b->from_addresses);
    for (size_t i = 0; i < a->sender_count; i++) FUZZ_CHECK(str_eq(a->senders[i].address.text, b->senders[i].address.text));
    FUZZ_CHECK(str_eq(a->subject, b->subject) && str_eq(a->body, b->body) && a->received_fields == b->received_fields);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct raw_message_reading as_text = {.wants_recipients = true}, as_smtp = {.is_crlf = true};
    const struct raw_additions with = {.message_id = STR("id@a.test")};
    struct raw_message_refused why;
    struct raw_message first, second;
    struct header_field field;
    ARENA_AUTO arena = {0};
    BUF_AUTO out = {0};
    if (!raw_message_parse(fuzz_str(data, size), &as_text, &arena, &first, &why)) return 0;
    raw_message_write(&first, &with, &out);
    struct str written = buf_str(&out);
    if (written.n - first.body.n > RAW_MESSAGE_HEADER_MAX) return 0; /* our own fields made it too big */
    bool is_good = raw_message_parse(written, &as_smtp, &arena, &second, &why);
    FUZZ_CHECK(is_good || why.refusal == RAW_MESSAGE_TOO_BIG);
    if (!is_good) return 0;
    assert_same(&first, &second);
    FUZZ_CHECK(second.has_date && second.message_id.n && second.option_count == 0);
    FUZZ_CHECK(!header_find(written, STR("Bcc"), &field) && !header_find(written, STR("Return-Path"), &field));
    return 0;
}
