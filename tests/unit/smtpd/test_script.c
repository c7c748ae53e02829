/* test_script.c - plays every transcript of tests/script/smtpd: whole, byte by byte, and cut in two at every byte (PB16); the
 * roles answer at once, and late. The format stands in the README there.
 * SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/player.h"
#include "smtpd/script_path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>

static void file_read(struct buf *out, const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", SCRIPT_DIR, name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    for (size_t n = 1; n;) {
        n = fread(buf_reserve(out, 4096), 1, 4096, f);
        buf_grew(out, n);
    }
    fclose(f);
}

/* Bytes come as far as `cut`, then `step` more each time. */
static void play(const char *name, const struct script *script, size_t cut, size_t step, bool is_late) {
    struct player p;
    player_start(&p, script, is_late);
    for (size_t upto = cut; upto < script->client.n; upto += step) player_play(&p, upto);
    player_play(&p, script->client.n);
    bool right = str_eq(buf_str(&p.server), buf_str(&script->server)) && str_eq(buf_str(&p.mails), buf_str(&script->mails)) &&
                 (!script->has_facts || str_eq(buf_str(&p.facts), buf_str(&script->facts))) &&
                 script->closes == player_is_closed(&p) && p.stores == script->store_count;
    if (!right)
        fail_msg("%s cut at %zu, step %zu, %s\nserver:\n%.*s\nwanted:\n%.*s\nmails:\n%.*s\nfacts:\n%.*s", name, cut, step,
                 is_late ? "late" : "at once", STR_ARG(buf_str(&p.server)), STR_ARG(buf_str(&script->server)),
                 STR_ARG(buf_str(&p.mails)), STR_ARG(buf_str(&p.facts)));
    player_fini(&p);
}

static void play_all_ways(const char *name, bool is_late) {
    BUF_AUTO text = {0};
    struct script script;
    file_read(&text, name);
    script_read(&script, buf_str(&text));
    play(name, &script, script.client.n, 1, is_late);
    play(name, &script, 1, 1, is_late);
    for (size_t cut = 0; cut < script.client.n; cut++) play(name, &script, cut, script.client.n, is_late);
    script_fini(&script);
}

static void every_transcript(void **state) {
    (void)state;
    DIR *dir = opendir(SCRIPT_DIR);
    assert_non_null(dir);
    size_t played = 0;
    for (struct dirent *entry; (entry = readdir(dir)); played++) {
        if (!str_ends(str_from_z(entry->d_name), STR(".txt"))) {
            played--;
            continue;
        }
        play_all_ways(entry->d_name, false);
        play_all_ways(entry->d_name, true);
    }
    closedir(dir);
    assert_true(played >= 200);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_transcript)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
