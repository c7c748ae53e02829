/* test_track_token.c - a link of ours comes home as it was made, and nothing else does (P9; TR01 to TR05, TR11, TR12, TR15, TR18,
 * TR19).
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/track_token.h"

#include "base/encode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#define NOW    INT64_C(1795600000000)
#define DAY    INT64_C(86400000)
#define TARGET "https://shop.example/a?b=1&c=%20#top"

static const struct seal_key master = {{1, 2, 3}}, other_master = {{1, 2, 4}};
static const struct track_token open_token = {.kind = TRACK_OPEN, .domain_id = 7, .message_id = 900, .recipient_id = 1234567};
static const struct track_token click_token = {
    .kind = TRACK_CLICK, .domain_id = 7, .message_id = 900, .recipient_id = 1234567, .link = 3, .target = STR_INIT(TARGET)};
static const struct track_token leave_token = {.kind = TRACK_UNSUBSCRIBE,
                                               .domain_id = INT64_MAX,
                                               .message_id = 0,
                                               .recipient_id = INT64_MAX,
                                               .list_id = 55,
                                               .address_hash = {{9, 8, 7}}};
static const struct track_token *const all[] = {&open_token, &click_token, &leave_token};

static struct buf made(const struct track_keys *keys, const struct track_token *token) {
    struct buf out = {0};
    assert_int_equal(track_token_make(keys, token, &out), STATUS_OK);
    return out;
}

static bool reads(const struct track_keys *keys, enum track_kind kind, struct str text) {
    ARENA_AUTO arena = {0};
    struct track_token t;
    return track_token_parse(keys, kind, text, NOW, &arena, &t);
}

static void assert_same(const struct track_token *a, const struct track_token *b) {
    assert_true(a->kind == b->kind && a->domain_id == b->domain_id && a->message_id == b->message_id);
    assert_true(a->recipient_id == b->recipient_id && a->link == b->link && a->list_id == b->list_id);
    assert_true(str_eq(a->target, b->target) && memcmp(&a->address_hash, &b->address_hash, SHA256_LEN) == 0);
}

static void a_token_comes_home(void **state) {
    (void)state;
    struct track_keys keys = track_keys_derive(&master, 1, 1), others = track_keys_derive(&other_master, 1, 1);
    for (size_t i = 0; i < 3; i++) {
        ARENA_AUTO arena = {0};
        BUF_AUTO text = made(&keys, all[i]);
        struct track_token t;
        assert_true(track_token_parse(&keys, all[i]->kind, buf_str(&text), NOW, &arena, &t));
        assert_same(&t, all[i]);
        assert_false(reads(&others, all[i]->kind, buf_str(&text)));
        for (int kind = 0; kind < TRACK_KIND_COUNT; kind++) /* one purpose's is never good for another */
            assert_int_equal(reads(&keys, (enum track_kind)kind, buf_str(&text)), kind == (int)all[i]->kind);
        for (size_t k = 0; k < text.n; k++) { /* TR19 */
            assert_true(ascii_is_alnum(text.p[k]));
            if (text.p[k] >= 'a') text.p[k] = (char)(text.p[k] - 'a' + 'A');
        }
        assert_true(reads(&keys, all[i]->kind, buf_str(&text)));
    }
    BUF_AUTO text = made(&keys, &open_token);
    assert_true(text.n <= 40);
}

/* TR01, TR02, TR03, TR05 */
static void every_change_is_noticed(void **state) {
    (void)state;
    struct track_keys keys = track_keys_derive(&master, 2, 1);
    for (size_t i = 0; i < 3; i++) {
        BUF_AUTO text = made(&keys, all[i]);
        for (size_t at = 0; at < text.n; at++) {
            char right = text.p[at];
            assert_false(reads(&keys, all[i]->kind, str_sub(buf_str(&text), 0, at)));
            assert_false(reads(&keys, all[i]->kind, str_sub(buf_str(&text), at + 1, SIZE_MAX)));
            for (int c = 0; c < 256; c++) {
                text.p[at] = (char)c;
                if (ascii_lower((char)c) != right) assert_false(reads(&keys, all[i]->kind, buf_str(&text)));
            }
            text.p[at] = right;
        }
        buf_add_char(&text, 'a');
        assert_false(reads(&keys, all[i]->kind, buf_str(&text)));
    }
}

/* Two tokens, the one's body before the other's MAC: nobody's, whichever parts are swapped. */
static void parts_of_two_tokens_make_none(void **state) {
    (void)state;
    struct track_keys keys = track_keys_derive(&master, 1, 1);
    struct track_token other = click_token;
    other.message_id++;
    BUF_AUTO a = made(&keys, &click_token);
    BUF_AUTO b = made(&keys, &other);
    assert_int_equal(a.n, b.n);
    for (size_t at = 1; at < a.n; at++) {
        BUF_AUTO mixed = {0};
        buf_add(&mixed, a.p, at);
        buf_add(&mixed, b.p + at, b.n - at);
        bool is_either = str_eq(buf_str(&mixed), buf_str(&a)) || str_eq(buf_str(&mixed), buf_str(&b));
        assert_int_equal(reads(&keys, TRACK_CLICK, buf_str(&mixed)), is_either);
    }
}

/* TR15: what an old key signed holds until that key is given up; a number alone makes no key. */
static void keys_change(void **state) {
    (void)state;
    struct track_keys old = track_keys_derive(&master, 1, 1), both = track_keys_derive(&master, 2, 1);
    struct track_keys fresh = track_keys_derive(&master, 2, 2);
    BUF_AUTO first = made(&old, &click_token);
    BUF_AUTO second = made(&both, &click_token);
    assert_true(reads(&both, TRACK_CLICK, buf_str(&first)));
    assert_true(reads(&both, TRACK_CLICK, buf_str(&second)));
    assert_false(reads(&fresh, TRACK_CLICK, buf_str(&first)));
    assert_false(reads(&old, TRACK_CLICK, buf_str(&second)));
    struct track_keys forged = old; /* signed with the first key, said to be of the second */
    forged.items[0].version = 2;
    BUF_AUTO third = made(&forged, &click_token);
    assert_false(reads(&both, TRACK_CLICK, buf_str(&third)));
    assert_int_equal(track_keys_derive(&master, 255, 1).count, TRACK_KEYS_MAX);
    assert_int_equal(both.items[0].version, 2);
}

static void a_token_ends(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    struct track_keys keys = track_keys_derive(&master, 1, 1);
    struct track_token token = click_token, t;
    token.expires_at = NOW;
    BUF_AUTO text = made(&keys, &token);
    assert_true(track_token_parse(&keys, TRACK_CLICK, buf_str(&text), NOW - 1, &arena, &t));
    assert_true(t.expires_at >= NOW && t.expires_at < NOW + DAY && t.expires_at % DAY == 0);
    assert_false(track_token_parse(&keys, TRACK_CLICK, buf_str(&text), t.expires_at, &arena, &t));
}

/* TR11: nothing of the address can be read, and no two people's tokens share it. */
static void an_address_is_veiled(void **state) {
    (void)state;
    struct track_keys keys = track_keys_derive(&master, 1, 1);
    struct track_token other = leave_token;
    other.recipient_id--;
    for (int i = 0; i < 2; i++) {
        BUF_AUTO text = made(&keys, i ? &other : &leave_token);
        BUF_AUTO bytes = {0};
        assert_true(base32_decode(&bytes, buf_str(&text)));
        assert_int_equal(str_find_str(buf_str(&bytes), str_make((const char *)leave_token.address_hash.b, 3)), STR_NONE);
    }
}

/* TR04, TR12 */
static void only_plain_web_links_are_targets(void **state) {
    (void)state;
    static const struct {
        const char *link, *target; /* NULL: none */
    } links[] = {
        {TARGET, TARGET},
        {" http://a.example \r\n", "http://a.example"},
        {"HTTPS://A.example:8443/?x", "https://A.example:8443/?x"},
        {"https://a.example/\xc3\xbc?\xe2\x82\xac#\xc3\xbc", "https://a.example/%C3%BC?%E2%82%AC#%C3%BC"},
        {"http://[2001:db8::1]/", "http://[2001:db8::1]/"},
        {"javascript:alert(1)", NULL},
        {"data:text/html,x", NULL},
        {"//evil.example", NULL},
        {"/\\evil.example", NULL},
        {"https:\\\\evil.example", NULL},
        {"https://good.example\\@evil.example", NULL},
        {"https://good.example@evil.example/", NULL},
        {"https://a.example/\r\nSet-Cookie: x", "https://a.example/Set-Cookie:%20x"},
        {"https://a.example/a b", "https://a.example/a%20b"},
        {"https://a.example/\tb", "https://a.example/b"},
        {"https://a.example/\xff", NULL},
        {"https://\xc3\xbc.example/", "https://xn--tda.example/"},
        {"https://", NULL},
        {"https:///x", NULL},
        {"mailto:a@b.example", NULL},
        {"ftp://a.example/", NULL},
        {"", NULL},
    };
    struct track_keys keys = track_keys_derive(&master, 1, 1);
    for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
        ARENA_AUTO arena = {0};
        BUF_AUTO out = {0};
        struct track_token token = click_token;
        struct str target = STR("untouched");
        token.target = str_from_z(links[i].link);
        assert_int_equal(track_target(token.target, &arena, &target), links[i].target != NULL);
        assert_true(str_eq(target, str_from_z(links[i].target ? links[i].target : "untouched")));
        if (!target.p || !str_eq(target, token.target)) assert_int_equal(track_token_make(&keys, &token, &out), STATUS_INVALID);
        assert_int_equal(out.n, 0);
    }
}

static void long_links_are_left_alone(void **state) {
    (void)state;
    struct track_keys keys = track_keys_derive(&master, 1, 1);
    for (size_t n = TRACK_TARGET_MAX; n <= 65536; n += 65536 - TRACK_TARGET_MAX) {
        BUF_AUTO link = {0};
        BUF_AUTO text = {0};
        struct track_token token = leave_token;
        buf_add_z(&link, "https://a.example/");
        while (link.n < n) buf_add_char(&link, 'x');
        token.kind = TRACK_CLICK;
        token.target = buf_str(&link);
        token.expires_at = NOW + DAY;
        bool fits = n == TRACK_TARGET_MAX;
        assert_int_equal(track_token_make(&keys, &token, &text), fits ? STATUS_OK : STATUS_INVALID);
        assert_int_equal(reads(&keys, TRACK_CLICK, buf_str(&text)), fits);
    }
}

/* TR18, TR19: what stands behind is no part of it, and escapes are read. */
static void a_path_has_a_token(void **state) {
    (void)state;
    static const struct {
        const char *path, *token; /* NULL: none of ours */
        enum track_kind kind;
    } paths[] = {
        {"/o/abc", "abc", TRACK_OPEN},
        {"/c/abc/", "abc", TRACK_CLICK},
        {"/u/a%62c", "abc", TRACK_UNSUBSCRIBE},
        {"/O/abc/x.gif", "abc", TRACK_OPEN},
        {"/c/abc&utm_source=x", "abc", TRACK_CLICK},
        {"/c/abc%26x", "abc", TRACK_CLICK},
        {"/c/abc.", "abc", TRACK_CLICK},
        {"/c/", "", TRACK_CLICK},
        {"/x/abc", NULL, TRACK_OPEN},
        {"/c", NULL, TRACK_OPEN},
        {"/c/a%0", NULL, TRACK_OPEN},
        {"/c/a%00", NULL, TRACK_OPEN},
    };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        ARENA_AUTO arena = {0};
        enum track_kind kind;
        struct str token;
        bool is_ours = track_path_parse(str_from_z(paths[i].path), &arena, &kind, &token);
        assert_int_equal(is_ours, paths[i].token != NULL);
        if (is_ours) assert_true(kind == paths[i].kind && str_eq(token, str_from_z(paths[i].token)));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_comes_home),
        cmocka_unit_test(every_change_is_noticed),
        cmocka_unit_test(parts_of_two_tokens_make_none),
        cmocka_unit_test(keys_change),
        cmocka_unit_test(a_token_ends),
        cmocka_unit_test(an_address_is_veiled),
        cmocka_unit_test(only_plain_web_links_are_targets),
        cmocka_unit_test(long_links_are_left_alone),
        cmocka_unit_test(a_path_has_a_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
