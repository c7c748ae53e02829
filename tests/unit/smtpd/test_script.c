/* test_script.c - plays every transcript of tests/script/smtpd: whole, byte by byte, and cut in two at every byte (PB16).
 * The format stands in the README there.
 * SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/script_path.h"
#include "smtpd/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct script {
    struct buf client, server, mails;
    enum status store[10]; /* of the mails, in order */
    size_t store_count;
    bool closes;
};
struct play {
    const struct script *script;
    struct buf server, mails;
    size_t stores;
};

static void unescape(struct buf *out, struct str s) {
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '\\') {
            buf_add_char(out, s.p[i]);
            continue;
        }
        char c = s.p[++i];
        if (c == 'x') {
            char hex[3] = {s.p[i + 1], s.p[i + 2], 0};
            buf_add_char(out, (char)strtol(hex, NULL, 16));
            i += 2;
        } else {
            buf_add_char(out, (char)(c == 'r' ? '\r' : c == 'n' ? '\n' : c == '0' ? 0 : c));
        }
    }
}

static void line_take(struct script *s, struct str line) {
    if (line.n == 0 || line.p[0] == '#') return;
    assert_true(line.n >= 2 && line.p[1] == ':');
    struct str text = str_sub(line, 3, SIZE_MAX);
    switch (line.p[0]) {
    case 'C':
        unescape(&s->client, text);
        buf_add_z(&s->client, "\r\n");
        break;
    case 'R':
        unescape(&s->client, text);
        break;
    case 'S':
        buf_add_str(&s->server, text);
        buf_add_z(&s->server, "\r\n");
        if (str_starts(text, STR("250 2.0.0 Stored"))) s->store[s->store_count++] = STATUS_OK;
        break;
    case 'M':
        unescape(&s->mails, text);
        buf_add_char(&s->mails, '\n');
        break;
    case 'F':
        s->store[s->store_count++] = str_eq(text, STR("LIMIT")) ? STATUS_LIMIT : STATUS_IO;
        break;
    case 'X':
        s->closes = true;
        break;
    default:
        fail_msg("unknown line: %.*s", STR_ARG(line));
    }
}

static void script_read(const char *name, struct script *ret) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", SCRIPT_DIR, name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    BUF_AUTO text = {0};
    for (size_t n = 1; n;) {
        n = fread(buf_reserve(&text, 4096), 1, 4096, f);
        buf_grew(&text, n);
    }
    fclose(f);
    struct str rest = buf_str(&text), line;
    while (str_next(&rest, '\n', &line)) line_take(ret, line);
}

static void store(void *arg, struct smtpd_session *session, const struct smtpd_mail *mail) {
    (void)session;
    struct play *p = arg;
    assert_true(p->stores < p->script->store_count);
    if (p->script->store[p->stores] != STATUS_OK) return;
    buf_add_str(&p->mails, mail->sender);
    for (size_t i = 0; i < mail->recipient_count; i++) {
        buf_add_z(&p->mails, i ? "," : "; ");
        buf_add_str(&p->mails, mail->recipients[i]);
    }
    buf_add_z(&p->mails, "; ");
    buf_add_str(&p->mails, mail->content);
    buf_add_char(&p->mails, '\n');
}

static const struct smtpd_role role = {
    .name = "test", .message_max_bytes = 1000, .line_max_bytes = 100, .recipients_max = 3, .errors_max = 5, .store = store};

/* Bytes arrive as far as `upto`; what the session leaves is offered again with more. */
static size_t play_upto(struct play *p, struct smtpd_session *s, size_t from, size_t upto) {
    for (;;) {
        from += smtpd_session_feed(s, str_sub(buf_str(&p->script->client), from, upto - from), &p->server);
        if (smtpd_session_wants(s) != SMTPD_WANTS_STORED) return from;
        smtpd_session_stored(s, p->script->store[p->stores++], &p->server);
    }
}

static void play(const char *name, const struct script *script, size_t cut, size_t step) {
    struct play p = {.script = script};
    struct smtpd_session *s = smtpd_session_new(&role, STR("mx.test"), &p);
    smtpd_session_greet(s, &p.server);
    size_t at = 0;
    for (size_t upto = cut; upto < script->client.n; upto += step) at = play_upto(&p, s, at, upto);
    (void)play_upto(&p, s, at, script->client.n);
    bool right = str_eq(buf_str(&p.server), buf_str(&script->server)) && str_eq(buf_str(&p.mails), buf_str(&script->mails)) &&
                 script->closes == (smtpd_session_wants(s) == SMTPD_WANTS_CLOSE);
    if (!right)
        fail_msg("%s cut at %zu, step %zu\nserver:\n%.*s\nwanted:\n%.*s\nmails:\n%.*s", name, cut, step,
                 STR_ARG(buf_str(&p.server)), STR_ARG(buf_str(&script->server)), STR_ARG(buf_str(&p.mails)));
    smtpd_session_free(&s);
    buf_fini(&p.server);
    buf_fini(&p.mails);
}

static void every_transcript(void **state) {
    (void)state;
    DIR *dir = opendir(SCRIPT_DIR);
    assert_non_null(dir);
    size_t played = 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (!str_ends(str_from_z(entry->d_name), STR(".txt"))) continue;
        struct script script = {0};
        script_read(entry->d_name, &script);
        play(entry->d_name, &script, script.client.n, 1);
        play(entry->d_name, &script, 1, 1);
        for (size_t cut = 0; cut < script.client.n; cut++) play(entry->d_name, &script, cut, script.client.n);
        buf_fini(&script.client);
        buf_fini(&script.server);
        buf_fini(&script.mails);
        played++;
    }
    closedir(dir);
    assert_true(played >= 20);
}

static void a_stop_is_never_a_late_ok(void **state) { /* PB28 */
    (void)state;
    struct script script = {.store = {STATUS_OK}, .store_count = 1};
    struct play p = {.script = &script};
    struct smtpd_session *s = smtpd_session_new(&role, STR("mx.test"), &p);
    BUF_AUTO out = {0};
    struct str in = STR("EHLO c.example\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nhalf a");
    assert_int_equal(smtpd_session_feed(s, in, &out), in.n);
    assert_int_equal(smtpd_session_wants(s), SMTPD_WANTS_CONTENT);
    buf_reset(&out);
    smtpd_session_stop(s, "Stopping", &out);
    assert_true(str_eq(buf_str(&out), STR("421 4.3.2 Stopping\r\n")));
    assert_int_equal(smtpd_session_wants(s), SMTPD_WANTS_CLOSE);
    assert_int_equal(smtpd_session_feed(s, STR(" message\r\n.\r\n"), &out), 0);
    assert_int_equal(p.stores, 0);
    smtpd_session_free(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_transcript), cmocka_unit_test(a_stop_is_never_a_late_ok)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
