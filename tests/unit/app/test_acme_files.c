/* test_acme_files.c - what is kept of an authority: whole or not at all, for us alone, and read back whatever stands there.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "app/acme_files.h"
#include "net/tls.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER "acme/ca.example"

static char home[32];

static int enter_home(void **state) {
    (void)state;
    snprintf(home, sizeof home, "/tmp/test-acme-XXXXXX");
    return mkdtemp(home) && chdir(home) == 0 ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where) {
    (void)st;
    (void)kind;
    (void)where;
    return remove(path);
}

static int leave_home(void **state) {
    (void)state;
    return chdir("/") == 0 ? nftw(home, remove_one, 8, FTW_DEPTH | FTW_PHYS) : -1;
}

static void write_text(const char *path, const char *text) {
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void read_text(const char *path, struct buf *out) {
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    for (int c; (c = getc(f)) != EOF;) buf_add_char(out, (char)c);
    fclose(f);
}

static void an_authority_has_a_folder_of_its_own(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"https://CA.example/directory", "acme/ca.example"},
        {"https://ca.example:443/", "acme/ca.example"},
        {"https://ca.example:14000/dir", "acme/ca.example-14000"},
        {"https://[::1]:14000/dir", "acme/__1-14000"},
        {"http://ca.example/", NULL},
        {"https://../x", NULL},
        {"https://", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        BUF_AUTO folder = {0};
        enum status st = acme_folder(str_from_z(cases[i][0]), &folder);
        assert_int_equal(st, cases[i][1] ? STATUS_OK : STATUS_INVALID);
        if (cases[i][1]) assert_string_equal(folder.p, cases[i][1]);
    }
}

static void the_accounts_key_is_made_once_and_for_us_alone(void **state) {
    (void)state;
    BUF_AUTO why = {0};
    BUF_AUTO signature = {0};
    struct eckey *first, *second;
    struct stat st;
    assert_int_equal(acme_files_open(FOLDER, &first, &why), STATUS_OK);
    assert_int_equal(acme_files_open(FOLDER, &second, &why), STATUS_OK);
    assert_int_equal(eckey_sign(first, STR("x"), &signature), STATUS_OK);
    assert_true(eckey_verify(second, STR("x"), buf_str(&signature)) && !eckey_verify(second, STR("y"), buf_str(&signature)));
    assert_true(stat(FOLDER "/account.key", &st) == 0 && (st.st_mode & 0777) == 0600);
    assert_true(stat(FOLDER, &st) == 0 && (st.st_mode & 0777) == 0700);
    eckey_free(&first);
    eckey_free(&second);
    write_text(FOLDER "/account.key", "rubbish");
    assert_int_equal(acme_files_open(FOLDER, &first, &why), STATUS_CORRUPT); /* never made anew over another */
    assert_true(str_find_str(buf_str(&why), STR("account.key")) != STR_NONE);
    assert_int_equal(unlink(FOLDER "/account.key"), 0);
}

static void a_certificate_is_kept_with_its_key_or_not_at_all(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    BUF_AUTO chain = {0};
    BUF_AUTO pem = {0};
    BUF_AUTO why = {0};
    struct eckey *account, *key, *other;
    struct acme_names names;
    struct stat st;
    assert_int_equal(acme_files_open(FOLDER, &account, &why), STATUS_OK);
    assert_int_equal(tls_self_signed("a.test", "cert", "key"), STATUS_OK);
    read_text("cert", &chain);
    read_text("key", &pem);
    assert_int_equal(eckey_read(buf_str(&pem), &key), STATUS_OK);
    assert_int_equal(eckey_generate(&other), STATUS_OK);

    assert_int_equal(acme_files_save(FOLDER, STR("a.test"), buf_str(&chain), other, &why), STATUS_INVALID);
    assert_int_equal(acme_files_save(FOLDER, STR("a.test"), STR("rubbish"), key, &why), STATUS_INVALID);
    acme_files_list(FOLDER, &arena, &names);
    assert_true(names.count == 0 && access(FOLDER "/.a.test.pem", F_OK) != 0);

    assert_int_equal(acme_files_save(FOLDER, STR("a.test"), buf_str(&chain), key, &why), STATUS_OK);
    assert_true(stat(FOLDER "/a.test.pem", &st) == 0 && (st.st_mode & 0777) == 0600);
    assert_int_equal(acme_files_save(FOLDER, STR("a.test"), buf_str(&chain), other, &why), STATUS_INVALID);
    assert_true(tls_certificate_covers(FOLDER "/a.test.pem", STR("a.test"))); /* the one before */
    acme_files_list(FOLDER, &arena, &names);
    assert_true(names.count == 1 && str_eq(names.items[0], STR("a.test")));
    acme_files_delete(FOLDER, STR("a.test"));
    acme_files_list(FOLDER, &arena, &names);
    assert_int_equal(names.count, 0);
    eckey_free(&account);
    eckey_free(&key);
    eckey_free(&other);
}

static void failures_come_back_as_they_were(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    BUF_AUTO why = {0};
    struct eckey *account;
    struct acme_trouble items[] = {{STR("a.test"), 3, 1800000000000, STR("the host was not found: no such host")},
                                   {STR("b.test"), 1, 0, STR("")}};
    struct acme_troubles troubles = {items, 2}, back;
    assert_int_equal(acme_files_open(FOLDER, &account, &why), STATUS_OK);
    eckey_free(&account);
    acme_troubles_read("nowhere", &arena, &back);
    assert_int_equal(back.count, 0);
    assert_int_equal(acme_troubles_write(FOLDER, &troubles), STATUS_OK);
    acme_troubles_read(FOLDER, &arena, &back);
    assert_int_equal(back.count, 2);
    assert_true(str_eq(back.items[0].host, items[0].host) && str_eq(back.items[0].why, items[0].why));
    assert_true(back.items[0].tries == 3 && back.items[0].next_at == items[0].next_at && back.items[1].why.n == 0);
    write_text(FOLDER "/failures", "\n \na\nb x 1 y\nc 1 -1 y\nd 99999999999 1 y\n 1 1 y\nok 1 2 why not\ne 1");
    acme_troubles_read(FOLDER, &arena, &back);
    assert_true(back.count == 1 && str_eq(back.items[0].host, STR("ok")) && str_eq(back.items[0].why, STR("why not")));
    troubles.count = 0;
    assert_int_equal(acme_troubles_write(FOLDER, &troubles), STATUS_OK);
    acme_troubles_read(FOLDER, &arena, &back);
    assert_int_equal(back.count, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_authority_has_a_folder_of_its_own),
        cmocka_unit_test(the_accounts_key_is_made_once_and_for_us_alone),
        cmocka_unit_test(a_certificate_is_kept_with_its_key_or_not_at_all),
        cmocka_unit_test(failures_come_back_as_they_were),
    };
    return cmocka_run_group_tests(tests, enter_home, leave_home);
}
