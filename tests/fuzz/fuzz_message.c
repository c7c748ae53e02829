/* Received messages taken apart: what is shown is text, what is counted is there (MI01 to MI11).
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "proto/mime/message.h"
#include "proto/mime/walk.h"

static void check_part(const struct message_part *part, struct str in) {
    BUF_AUTO bytes = {0};
    BUF_AUTO text = {0};
    FUZZ_CHECK(fuzz_is_slice(part->body, in));
    FUZZ_CHECK(str_is_utf8(part->filename) && str_find(part->type, '/') != STR_NONE);
    message_part_bytes(part, &bytes);
    FUZZ_CHECK(bytes.n == part->size);
    message_part_text(part, &text);
    if (str_starts(part->type, STR("text/"))) FUZZ_CHECK(str_is_utf8(buf_str(&text)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str in = fuzz_str(data, size);
    ARENA_AUTO arena = {0};
    struct message m;
    message_parse(in, &arena, &m);
    const struct str shown[] = {m.subject, m.from, m.to, m.cc, m.reply_to, m.date, m.message_id};
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) FUZZ_CHECK(str_is_utf8(shown[i]) && !str_has_control(shown[i]));
    FUZZ_CHECK(m.part_count <= MIME_WALK_ENTITIES_MAX);
    for (size_t i = 0; i < m.part_count; i++) check_part(&m.parts[i], in);
    FUZZ_CHECK(!m.text || !m.text->is_attachment);
    FUZZ_CHECK(!m.html || !m.html->is_attachment);
    return 0;
}
