/* What is owned: bufs, arenas, lists, maps.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void assert_buf(const struct buf *b, const char *want) {
    assert_int_equal(b->n, strlen(want));
    assert_string_equal(b->p, want); /* and so is the closing NUL */
}

static void buf_grows_and_shrinks(void **state) {
    (void)state;
    BUF_AUTO b = {0};
    buf_reset(&b);
    buf_cut(&b, 4);
    buf_drop(&b, 0);
    buf_add_str(&b, (struct str){0});
    assert_buf(&b, "");
    buf_add_z(&b, "hello");
    buf_add_char(&b, ' ');
    buf_addf(&b, "%s-%d", "x", 42);
    assert_buf(&b, "hello x-42");
    buf_drop(&b, 6);
    assert_buf(&b, "x-42");
    buf_cut(&b, 9);
    buf_cut(&b, 1);
    assert_buf(&b, "x");
    buf_reset(&b);
    assert_buf(&b, "");
    memcpy(buf_reserve(&b, 3), "abc", 3);
    buf_grew(&b, 3);
    assert_buf(&b, "abc");
    struct buf taken = buf_take(&b);
    assert_buf(&taken, "abc");
    assert_true(b.p == NULL && b.n == 0 && b.cap == 0);
    buf_wipe(&taken);
    buf_wipe(&taken);
    assert_null(taken.p);
}

static void buf_keeps_every_byte_while_growing(void **state) {
    (void)state;
    BUF_AUTO b = {0};
    for (int i = 0; i < 100000; i++) buf_add_char(&b, (char)(i % 251));
    for (int i = 0; i < 100000; i++) assert_int_equal(b.p[i], (char)(i % 251));
    assert_true(b.cap <= 4 * b.n);
}

static void buf_writes_numbers(void **state) {
    (void)state;
    BUF_AUTO b = {0};
    buf_add_u64(&b, 0);
    buf_add_char(&b, ' ');
    buf_add_u64(&b, UINT64_MAX);
    buf_add_char(&b, ' ');
    buf_add_i64(&b, INT64_MIN);
    buf_add_char(&b, ' ');
    buf_add_i64(&b, INT64_MAX);
    assert_buf(&b, "0 18446744073709551615 -9223372036854775808 9223372036854775807");
}

static void arena_gives_aligned_zeroes(void **state) {
    (void)state;
    ARENA_AUTO a = {0};
    for (size_t i = 0; i < 3000; i++) {
        size_t n = i % 7 == 0 ? i * 40 : i % 90;
        unsigned char *p = arena_alloc(&a, n);
        assert_int_equal((uintptr_t)p % 16, 0);
        for (size_t k = 0; k < n; k++) assert_int_equal(p[k], 0);
        memset(p, 0xEE, n);
    }
    arena_fini(&a);
    assert_int_equal(a.used_bytes, 0);
    assert_null(a.head);
}

static void arena_wastes_little(void **state) {
    (void)state;
    ARENA_AUTO a = {0};
    arena_alloc(&a, 10);
    assert_true(a.used_bytes < 4096);
    size_t asked = 0;
    for (size_t i = 0; i < 1000; i++) { /* small ones go on in the front chunk behind which big ones stand */
        arena_alloc(&a, i % 10 ? 100 : 100000);
        asked += i % 10 ? 100 : 100000;
    }
    assert_true(a.used_bytes < asked + asked / 4);
}

static void arena_copies_text(void **state) {
    (void)state;
    ARENA_AUTO a = {0};
    char text[] = {'A', 'b', 'C'};
    struct str s = {text, 3};
    struct str copy = arena_str(&a, s);
    assert_true(copy.p != s.p && str_eq(copy, s));
    assert_string_equal(copy.p, "AbC");
    assert_string_equal(arena_z(&a, s), "AbC");
    assert_string_equal(arena_lower(&a, s).p, "abc");
    assert_string_equal(arena_strf(&a, "%d/%s", 7, "x").p, "7/x");
    assert_string_equal(arena_str(&a, (struct str){0}).p, "");
    int *numbers = arena_array(&a, 3, sizeof *numbers);
    assert_int_equal(numbers[2], 0);
    int *one = ARENA_NEW(&a, int);
    *one = 1;
}

struct item {
    int value;
    struct list node;
};

static void list_links_and_unlinks(void **state) {
    (void)state;
    struct list head;
    struct item items[4];
    list_init(&head);
    assert_true(list_is_empty(&head));
    assert_null(list_pop(&head));
    for (int i = 0; i < 4; i++) {
        items[i].value = i;
        (i == 3 ? list_add_head : list_add_tail)(&head, &items[i].node);
    }
    int seen = 0;
    LIST_FOR_EACH (it, &head) seen = seen * 10 + LIST_OWNER(it, struct item, node)->value;
    assert_int_equal(seen, 3012);
    LIST_FOR_EACH_SAFE (it, &head) {
        if (LIST_OWNER(it, struct item, node)->value % 2 == 0) list_remove(it);
    }
    list_remove(&items[0].node); /* unlinked already: harmless */
    assert_int_equal(LIST_OWNER(list_pop(&head), struct item, node)->value, 3);
    assert_int_equal(LIST_OWNER(list_pop(&head), struct item, node)->value, 1);
    assert_true(list_is_empty(&head));
}

static struct str key_of(char text[32], int i) {
    int n = snprintf(text, 32, "key-%d", i);
    return (struct str){text, (size_t)n};
}

static void map_keeps_what_is_put(void **state) {
    (void)state;
    struct map *m = map_new();
    int values[2000];
    char text[32];
    for (int i = 0; i < 2000; i++) assert_null(map_put(m, key_of(text, i), &values[i]));
    for (int i = 0; i < 2000; i += 2) assert_ptr_equal(map_remove(m, key_of(text, i)), &values[i]);
    assert_null(map_remove(m, key_of(text, 0)));
    assert_int_equal(map_count(m), 1000);
    for (int i = 0; i < 2000; i++) assert_ptr_equal(map_find(m, key_of(text, i)), i % 2 ? &values[i] : NULL);
    assert_ptr_equal(map_put(m, key_of(text, 1), &values[0]), &values[1]);
    assert_ptr_equal(map_find(m, key_of(text, 1)), &values[0]);
    assert_int_equal(map_count(m), 1000);
    map_free(&m);
    assert_null(m);
    map_free(&m);
}

static void map_keys_are_bytes(void **state) {
    (void)state;
    struct map *m = map_new();
    int a, b, c;
    map_put(m, STR(""), &a);
    map_put(m, STR("\0"), &b);
    map_put(m, STR("\0\0"), &c);
    assert_ptr_equal(map_find(m, (struct str){0}), &a);
    assert_ptr_equal(map_find(m, STR("\0")), &b);
    assert_ptr_equal(map_find(m, STR("\0\0")), &c);
    map_free(&m);
}

static void map_iteration_may_remove(void **state) {
    (void)state;
    struct map *m = map_new();
    int values[500], seen = 0;
    char text[32];
    for (int i = 0; i < 500; i++) map_put(m, key_of(text, i), &values[i]);
    size_t cursor = 0;
    struct str key;
    void *value;
    while (map_next(m, &cursor, &key, &value)) {
        seen++;
        assert_ptr_equal(map_find(m, key), value);
        assert_ptr_equal(map_remove(m, key), value);
    }
    assert_int_equal(seen, 500);
    assert_int_equal(map_count(m), 0);
    map_free(&m);
}

/* A map that is filled and emptied for ever neither grows nor fills up with removed keys. */
static void map_survives_churn(void **state) {
    (void)state;
    struct map *m = map_new();
    int value;
    char text[32];
    for (int i = 0; i < 100000; i++) {
        map_put(m, key_of(text, i), &value);
        if (i >= 10) assert_non_null(map_remove(m, key_of(text, i - 10)));
    }
    assert_int_equal(map_count(m), 10);
    size_t cursor = 0;
    struct str key;
    void *found;
    while (map_next(m, &cursor, &key, &found)) continue;
    assert_true(cursor <= 64);
    map_free(&m);
}

static void map_hash_depends_on_every_byte(void **state) {
    (void)state;
    char text[40] = {0};
    for (size_t n = 0; n < sizeof text; n++) {
        uint64_t before = map_hash((struct str){text, n});
        assert_true(before == map_hash((struct str){text, n}));
        assert_true(before != map_hash((struct str){text, n + 1}));
        for (size_t i = 0; i < n; i++) {
            text[i] = 1;
            assert_true(before != map_hash((struct str){text, n}));
            text[i] = 0;
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buf_grows_and_shrinks),  cmocka_unit_test(buf_keeps_every_byte_while_growing),
        cmocka_unit_test(buf_writes_numbers),     cmocka_unit_test(arena_gives_aligned_zeroes),
        cmocka_unit_test(arena_wastes_little),    cmocka_unit_test(arena_copies_text),
        cmocka_unit_test(list_links_and_unlinks), cmocka_unit_test(map_keeps_what_is_put),
        cmocka_unit_test(map_keys_are_bytes),     cmocka_unit_test(map_iteration_may_remove),
        cmocka_unit_test(map_survives_churn),     cmocka_unit_test(map_hash_depends_on_every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
