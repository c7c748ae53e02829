/* DKIM: tag lists, key records, signatures of strangers, and a body hash that does not depend on cuts.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "proto/dkim/canon.h"
#include "proto/dkim/signature.h"
#include "proto/dkim/tags.h"
#include "proto/mime/header.h"

#include <string.h>

static void check_tags(struct str in) {
    static struct dkim_tags tags; /* large */
    if (!dkim_tags_parse(in, &tags)) return;
    FUZZ_CHECK(tags.count <= DKIM_TAGS_MAX);
    for (size_t i = 0; i < tags.count; i++) {
        BUF_AUTO bytes = {0};
        FUZZ_CHECK(fuzz_is_slice(tags.items[i].name, in) && fuzz_is_slice(tags.items[i].value, in));
        FUZZ_CHECK(dkim_tags_find(&tags, tags.items[i].name) == &tags.items[i]);
        (void)dkim_tag_base64(tags.items[i].value, &bytes);
    }
}

static void check_key(struct str in) {
    ARENA_AUTO arena = {0};
    struct dkim_key_record key = {0}, again = {0};
    dkim_key_parse(in, &arena, &key);
    if (key.state != DKIM_KEY_OK) return;
    BUF_AUTO text = {0};
    dkim_key_format(key.type, key.public_key, &text);
    dkim_key_parse(buf_str(&text), &arena, &again);
    FUZZ_CHECK(again.state == DKIM_KEY_OK && again.type == key.type && str_eq(again.public_key, key.public_key));
}

static void check_body_hash(struct str in) {
    struct canon_body *c = canon_body_new();
    canon_body_add(c, in);
    struct sha256 whole = canon_body_finish(c);
    for (size_t i = 0; i < in.n; i++) canon_body_add(c, str_sub(in, i, 1));
    struct sha256 bytewise = canon_body_finish(c);
    FUZZ_CHECK(memcmp(whole.b, bytewise.b, SHA256_LEN) == 0);
    canon_body_free(&c);
}

static void check_message(struct str in) {
    struct signed_headers headers = {0};
    struct str body;
    if (signed_headers_init(&headers, in, &body) == STATUS_OK) {
        BUF_AUTO field = {0};
        const struct signature_params params = {SIGNKEY_ED25519, STR_INIT("example.com"), STR_INIT("s1"), 0, {{0}}};
        FUZZ_CHECK(fuzz_is_slice(body, in));
        (void)signature_prepare(&headers, &params, &field);
        signature_finish(STR("0123456789012345678901234567890123456789012345678901234567890123"), &field);
        FUZZ_CHECK(str_ends(buf_str(&field), STR("\r\n")));
        signed_headers_fini(&headers);
    }
    struct header_field signature;
    if (header_find(in, STR("DKIM-Signature"), &signature)) {
        struct str key = STR("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
        FUZZ_CHECK(!signature_verify(in, signature.raw, key)); /* nobody has the key */
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str in = fuzz_str(data, size);
    check_tags(in);
    check_key(in);
    check_body_hash(in);
    check_message(in);
    return 0;
}
