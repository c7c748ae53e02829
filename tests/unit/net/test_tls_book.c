/* test_tls_book.c - folders of certificates: what is read, when it is read anew, which of two is shown, and what a handshake
 * gets.
 * SPDX-License-Identifier: Apache-2.0 */
#include "net_test.h"

#include "net/tls_book.h"

#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct scene {
    char folders[2][64];
    const char *paths[2];
    struct tls_book *book;
    struct arena arena;
};

static struct scene scene_new(void) {
    struct scene s = {.book = tls_book_new()};
    for (int i = 0; i < 2; i++) {
        snprintf(s.folders[i], sizeof s.folders[i], "/tmp/test-book-XXXXXX");
        assert_non_null(mkdtemp(s.folders[i]));
    }
    return s;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where) {
    (void)st;
    (void)kind;
    (void)where;
    return remove(path);
}

static void scene_free(struct scene *s) {
    for (int i = 0; i < 2; i++) assert_int_equal(nftw(s->folders[i], remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
    tls_book_free(&s->book);
    arena_fini(&s->arena);
}

static const char *path(struct scene *s, int folder, const char *name) {
    return arena_strf(&s->arena, "%s/%s", s->folders[folder], name).p;
}

static void put(struct scene *s, int folder, const char *name, const char *host) {
    assert_int_equal(tls_self_signed(host, path(s, folder, arena_strf(&s->arena, "%s.crt", name).p),
                                     path(s, folder, arena_strf(&s->arena, "%s.key", name).p)),
                     STATUS_OK);
}

static bool load(struct scene *s) {
    BUF_AUTO why = {0};
    bool has_changed = false;
    s->paths[0] = s->folders[0];
    s->paths[1] = s->folders[1];
    assert_int_equal(tls_book_load(s->book, s->paths, 2, &has_changed, &why), STATUS_OK);
    return has_changed;
}

static bool has(struct scene *s, const char *host) {
    return tls_book_find(s->book, str_from_z(host), NULL, NULL);
}

/* What the list says of a file; p == NULL: it is not there. */
static struct str why_of(struct scene *s, const char *name) {
    struct tls_book_list list;
    tls_book_list(s->book, &s->arena, &list);
    for (size_t i = 0; i < list.count; i++)
        if (str_ends(list.items[i].path, str_from_z(name))) return list.items[i].why;
    return (struct str){0};
}

static void append(FILE *to, const char *from) {
    FILE *f = fopen(from, "r");
    assert_non_null(f);
    for (int c; (c = getc(f)) != EOF;) putc(c, to);
    fclose(f);
}

/* One file of two; `second` may be NULL. */
static void join(const char *to, const char *first, const char *second) {
    FILE *f = fopen(to, "w");
    assert_non_null(f);
    append(f, first);
    if (second) append(f, second);
    assert_int_equal(fclose(f), 0);
}

static void names_are_found_as_hosts_ask_for_them(void **state) {
    (void)state;
    struct scene s = scene_new();
    put(&s, 0, "one", "One.Test");
    assert_true(load(&s) && !load(&s));
    assert_true(has(&s, "one.test") && has(&s, "ONE.test.") && has(&s, "localhost"));
    static const char *const others[] = {"", ".", "x.one.test", "two.test", "*.test", "one.test.."};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) assert_false(has(&s, others[i]));
    assert_false(tls_book_find(s.book, arena_str(&s.arena, str_make(others[0], 0)), NULL, NULL));
    char long_name[400];
    memset(long_name, 'a', sizeof long_name);
    assert_false(tls_book_find(s.book, str_make(long_name, sizeof long_name), NULL, NULL));
    assert_false(tls_book_find(s.book, str_make(long_name, 255), NULL, NULL));
    long_name[0] = '.';
    assert_false(tls_book_find(s.book, str_make(long_name, 255), NULL, NULL));
    scene_free(&s);
}

static void keys_stand_in_four_places(void **state) {
    (void)state;
    struct scene s = scene_new();
    put(&s, 1, "x", "pem.test");
    join(path(&s, 0, "both.pem"), path(&s, 1, "x.crt"), path(&s, 1, "x.key"));
    put(&s, 1, "x", "dash.test");
    join(path(&s, 0, "dash.pem"), path(&s, 1, "x.crt"), NULL);
    join(path(&s, 0, "dash-key.pem"), path(&s, 1, "x.key"), NULL);
    put(&s, 1, "x", "bot.test");
    assert_int_equal(mkdir(path(&s, 0, "bot"), 0700), 0);
    join(path(&s, 0, "bot/fullchain.pem"), path(&s, 1, "x.crt"), NULL);
    join(path(&s, 0, "bot/privkey.pem"), path(&s, 1, "x.key"), NULL);
    put(&s, 1, "x", "key.test");
    assert_true(load(&s));
    assert_true(has(&s, "pem.test") && has(&s, "dash.test") && has(&s, "bot.test") && has(&s, "key.test"));
    scene_free(&s);
}

static void what_is_wrong_says_so_and_leaves_what_was_there(void **state) {
    (void)state;
    struct scene s = scene_new();
    put(&s, 0, "a", "a.test");
    put(&s, 1, "b", "b.test");
    assert_true(load(&s));
    join(path(&s, 0, "a.key"), path(&s, 1, "b.key"), NULL);
    assert_true(load(&s));
    assert_true(has(&s, "a.test") && str_eq(why_of(&s, "a.crt"), STR("belongs to another key")));
    join(path(&s, 0, "a.crt"), path(&s, 1, "b.crt"), NULL);
    assert_true(load(&s) && !has(&s, "a.test") && why_of(&s, "a.crt").n == 0);
    static const char *const rubbish[] = {"", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "\177ELF"};
    for (size_t i = 0; i < 3; i++) {
        FILE *f = fopen(path(&s, 0, "rubbish.pem"), "w");
        fputs(rubbish[i], f);
        fclose(f);
        (void)load(&s);
        assert_true(why_of(&s, "rubbish.pem").n > 0);
    }
    assert_int_equal(mkfifo(path(&s, 0, "pipe.pem"), 0600), 0); /* does not hold us up */
    (void)load(&s);
    assert_null(why_of(&s, "pipe.pem").p);
    assert_int_equal(unlink(path(&s, 0, "rubbish.pem")), 0);
    (void)load(&s);
    assert_null(why_of(&s, "rubbish.pem").p);
    scene_free(&s);
}

static void a_folder_that_cannot_be_read_loses_nothing(void **state) {
    (void)state;
    struct scene s = scene_new();
    BUF_AUTO why = {0};
    bool has_changed;
    put(&s, 0, "a", "a.test");
    put(&s, 1, "b", "b.test");
    assert_true(load(&s));
    BUF_AUTO moved = {0};
    buf_addf(&moved, "%s.away", s.folders[0]);
    assert_int_equal(rename(s.folders[0], moved.p), 0);
    put(&s, 1, "c", "c.test");
    assert_int_equal(tls_book_load(s.book, s.paths, 2, &has_changed, &why), STATUS_IO);
    assert_true(has_changed && str_find_str(buf_str(&why), str_from_z(s.folders[0])) != STR_NONE);
    assert_true(has(&s, "a.test") && has(&s, "c.test"));
    assert_int_equal(rename(moved.p, s.folders[0]), 0);
    assert_false(load(&s));
    scene_free(&s);
}

/* Who is told apart by the name that only one of two has: "localhost" is in both. */
static void the_first_folder_goes_before(void **state) {
    (void)state;
    struct scene s = scene_new();
    int64_t begins_at = 0, expires_at = 0, others = 0;
    put(&s, 1, "z", "same.test");
    assert_true(load(&s) && tls_book_find(s.book, STR("same.test"), &begins_at, &others));
    sleep(1); /* dates have seconds */
    put(&s, 0, "a", "same.test");
    assert_true(load(&s) && tls_book_find(s.book, STR("same.test"), NULL, &expires_at));
    assert_true(expires_at > others);
    sleep(1);
    put(&s, 1, "z", "same.test"); /* lasts longest, in the second folder */
    assert_true(load(&s) && tls_book_find(s.book, STR("same.test"), NULL, &others) && others == expires_at);
    assert_int_equal(unlink(path(&s, 0, "a.crt")), 0);
    assert_true(load(&s) && tls_book_find(s.book, STR("same.test"), NULL, &others) && others > expires_at);
    scene_free(&s);
}

/* Each gets the pair of the name that it asks for, as it is now. */
static void a_handshake_is_shown_what_its_name_asks_for(void **state) {
    (void)state;
    struct scene s = scene_new();
    struct tls_context *client, *server;
    put(&s, 0, "a", "a.test");
    assert_true(load(&s));
    make_tls(&client, &server, false);
    tls_context_set_book(server, s.book, NULL);
    for (int i = 0; i < 20; i++) {
        struct pair p;
        bool is_known = i % 2 == 0;
        if (i == 10) put(&s, 0, "a", "a.test"); /* another one */
        (void)load(&s);
        tls_context_unref(&client);
        assert_int_equal(tls_context_new_smtp_client(&client), STATUS_OK);
        assert_int_equal(tls_context_trust(client, path(&s, 0, "a.crt")), STATUS_OK);
        pair_open(&p);
        start_tls(&p, client, server, is_known ? "a.test" : "stranger.test");
        assert_int_equal(stream_tls_check(p.client.stream), is_known ? TLS_PEER_OK : TLS_PEER_UNTRUSTED);
        pair_close(&p);
    }
    tls_context_unref(&client);
    tls_context_unref(&server);
    scene_free(&s);
}

/* ---- one thread loads what comes and goes, another asks ---- */
static void *load_often(void *arg) {
    struct scene *s = arg;
    for (int i = 0; i < 60; i++) {
        bool has_changed;
        BUF_AUTO why = {0};
        if (i % 2 == 0) put(s, 1, "b", "b.test");
        if (i % 2 == 1) assert_int_equal(unlink(path(s, 1, "b.crt")), 0);
        assert_int_equal(tls_book_load(s->book, s->paths, 2, &has_changed, &why), STATUS_OK);
    }
    return NULL;
}

static void names_are_found_while_others_come_and_go(void **state) {
    (void)state;
    struct scene s = scene_new();
    pthread_t loader;
    put(&s, 0, "a", "a.test");
    assert_true(load(&s));
    assert_int_equal(pthread_create(&loader, NULL, load_often, &s), 0);
    for (int i = 0; i < 20000; i++) {
        ARENA_AUTO arena = {0};
        struct tls_book_list list;
        assert_true(has(&s, "a.test"));
        if (i % 100 == 0) tls_book_list(s.book, &arena, &list);
        (void)has(&s, "b.test");
    }
    assert_int_equal(pthread_join(loader, NULL), 0);
    assert_false(has(&s, "b.test"));
    scene_free(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_found_as_hosts_ask_for_them),
        cmocka_unit_test(keys_stand_in_four_places),
        cmocka_unit_test(what_is_wrong_says_so_and_leaves_what_was_there),
        cmocka_unit_test(a_folder_that_cannot_be_read_loses_nothing),
        cmocka_unit_test(the_first_folder_goes_before),
        cmocka_unit_test(a_handshake_is_shown_what_its_name_asks_for),
        cmocka_unit_test(names_are_found_while_others_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
