/* test_model.c - 100,000 dialogues that nobody thought of: commands in any order, good and bad, cut anywhere, answered at once or
 * late. A model of a few lines says the class of every reply, when the session closes, and how many mails are kept.
 * SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/player.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define DIALOGUES    100000
#define COMMANDS_MAX 30
#define ERRORS_MAX   5 /* as the player's */
#define FAILURES_MAX 3

enum tx { NONE, SENDER, RECIPIENTS, CHUNKS };
struct model {
    bool has_strangers, has_logins;
    bool is_greeted, is_esmtp, is_tls, is_in, is_closed, begins_tls;
    enum tx tx;
    unsigned recipients, taken; /* how many; a set of their numbers */
    unsigned errors, failures, kept;
};

static unsigned refuse(struct model *m, unsigned class) {
    if (++m->errors == ERRORS_MAX) m->is_closed = true;
    return class;
}
static void tx_ends(struct model *m) {
    m->tx = NONE;
    m->recipients = m->taken = 0;
}

/* ---- each command: what the model says; the class of its reply ---- */
static unsigned on_ehlo(struct model *m) {
    tx_ends(m);
    m->is_greeted = m->is_esmtp = true;
    return 2;
}
static unsigned on_helo(struct model *m) {
    (void)on_ehlo(m);
    m->is_esmtp = false;
    return 2;
}
static unsigned on_anything(struct model *m) {
    (void)m;
    return 2;
}
static unsigned on_nothing(struct model *m) {
    return refuse(m, 5);
}
static unsigned on_rset(struct model *m) {
    tx_ends(m);
    return 2;
}
static unsigned on_vrfy(struct model *m) {
    return m->is_greeted ? 2 : refuse(m, 5);
}
static unsigned on_quit(struct model *m) {
    m->is_closed = true;
    return 2;
}
static unsigned on_starttls(struct model *m) {
    if (!m->is_greeted || m->tx != NONE || m->is_tls) return refuse(m, 5);
    m->begins_tls = m->is_tls = true;
    m->is_greeted = m->is_esmtp = m->is_in = false;
    return 2;
}
static bool auth_is_possible(const struct model *m) {
    return m->is_esmtp && m->tx == NONE && m->has_logins && !m->is_in && m->is_tls;
}
static unsigned on_login(struct model *m) {
    if (!auth_is_possible(m)) return refuse(m, 5);
    m->is_in = true;
    return 2;
}
static unsigned on_wrong_login(struct model *m) {
    bool is_judged = auth_is_possible(m);
    if (is_judged && ++m->failures == FAILURES_MAX) m->is_closed = true;
    return refuse(m, 5);
}
static unsigned on_mail(struct model *m) {
    if (!m->is_greeted || m->tx != NONE || !(m->is_in || m->has_strangers)) return refuse(m, 5);
    m->tx = SENDER;
    return 2;
}
static unsigned on_recipient(struct model *m, unsigned number) {
    if (m->tx != SENDER && m->tx != RECIPIENTS) return refuse(m, 5);
    if (m->taken & (1U << number)) return 2;
    if (m->recipients == 3) return 4;
    m->recipients++;
    m->taken |= 1U << number;
    m->tx = RECIPIENTS;
    return 2;
}
static unsigned on_recipient_0(struct model *m) {
    return on_recipient(m, 0);
}
static unsigned on_recipient_1(struct model *m) {
    return on_recipient(m, 1);
}
static unsigned on_recipient_2(struct model *m) {
    return on_recipient(m, 2);
}
static unsigned on_recipient_3(struct model *m) {
    return on_recipient(m, 3);
}
static unsigned on_recipient_refused(struct model *m) {
    bool is_full = (m->tx == SENDER || m->tx == RECIPIENTS) && m->recipients == 3;
    return is_full ? 4 : refuse(m, 5);
}
static unsigned on_data(struct model *m) {
    return m->tx == RECIPIENTS ? 3 : refuse(m, 5);
}
static unsigned on_message(struct model *m) {
    tx_ends(m);
    m->kept++;
    m->errors = 0;
    return 2;
}
static unsigned on_bad_message(struct model *m) {
    tx_ends(m);
    return refuse(m, 5);
}
static bool chunk_is_possible(const struct model *m) {
    return m->tx == RECIPIENTS || m->tx == CHUNKS;
}
static unsigned on_chunk(struct model *m) {
    if (!chunk_is_possible(m)) return refuse(m, 5);
    m->tx = CHUNKS;
    return 2;
}
static unsigned on_last_chunk(struct model *m) {
    return chunk_is_possible(m) ? on_message(m) : refuse(m, 5);
}
static unsigned on_bad_chunk(struct model *m) {
    return chunk_is_possible(m) ? on_bad_message(m) : refuse(m, 5);
}
static unsigned on_bad_chunk_number(struct model *m) {
    m->is_closed = true;
    return 5;
}

struct step {
    const char *bytes;
    unsigned (*on)(struct model *m);
    unsigned weight;
};
static const struct step steps[] = {
    {"EHLO client.example\r\n", on_ehlo, 6},
    {"HELO client.example\r\n", on_helo, 1},
    {"NOOP\r\n", on_anything, 1},
    {"HELP\r\n", on_anything, 1},
    {"RSET\r\n", on_rset, 1},
    {"VRFY a\r\n", on_vrfy, 1},
    {"QUIT\r\n", on_quit, 1},
    {"STARTTLS\r\n", on_starttls, 4},
    {"AUTH PLAIN AGFkYQBzZWNyZXQ=\r\n", on_login, 6},
    {"AUTH PLAIN AGFkYQB3cm9uZw==\r\n", on_wrong_login, 2},
    {"AUTH PLAIN !\r\n", on_wrong_login, 1},
    {"MAIL FROM:<a@example.com>\r\n", on_mail, 12},
    {"MAIL FROM:<no@example.com>\r\n", on_nothing, 1},
    {"MAIL FROM:<a@example.com> SIZE=1001\r\n", on_nothing, 1},
    {"MAIL FROM:<j\xc3\xb6rg@example.com>\r\n", on_nothing, 1},
    {"RCPT TO:<0@example.org>\r\n", on_recipient_0, 6},
    {"RCPT TO:<1@example.org>\r\n", on_recipient_1, 3},
    {"RCPT TO:<2@example.org>\r\n", on_recipient_2, 2},
    {"RCPT TO:<3@example.org>\r\n", on_recipient_3, 2},
    {"RCPT TO:<no@example.org>\r\n", on_recipient_refused, 1},
    {"RCPT TO:<@example.org>\r\n", on_nothing, 1},
    {"DATA\r\n", on_data, 8},
    {"BDAT 6\r\nQUIT\r\n", on_chunk, 3},
    {"BDAT 3\r\n.\r\n", on_chunk, 2},
    {"BDAT 0\r\n", on_chunk, 1},
    {"BDAT 6 LAST\r\nRSET\r\n", on_last_chunk, 3},
    {"BDAT 0 LAST\r\n", on_last_chunk, 1},
    {"BDAT 4\r\na\nb\n", on_bad_chunk, 1},
    {"BDAT 3 LAST\r\na\r\r", on_bad_chunk, 1},
    {"BDAT x\r\n", on_bad_chunk_number, 1},
    {"FOO\r\n", on_nothing, 1},
    {"\r\n", on_nothing, 1},
};
static const struct step messages[] = {
    {"x\r\n.\r\n", on_message, 3},
    {".\r\n", on_message, 1},
    {"QUIT\r\n..\r\n\r\n.\r\n", on_message, 2},
    {"a\n.\r\nQUIT\r\n.\r\n", on_bad_message, 2},
    {"\r\n.\r\r\n.\r\n", on_bad_message, 1},
};

static uint64_t draw(uint64_t *seed, uint64_t below) {
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (*seed >> 33) % below;
}

static const struct step *step_draw(uint64_t *seed, const struct step *all, size_t count) {
    unsigned total = 0;
    for (size_t i = 0; i < count; i++) total += all[i].weight;
    uint64_t at = draw(seed, total);
    for (; at >= all->weight; all++) at -= all->weight;
    return all;
}

/* What would be refused is mostly drawn again, so that dialogues get somewhere. */
static const struct step *command_draw(uint64_t *seed, const struct model *m) {
    for (;;) {
        const struct step *step = step_draw(seed, steps, sizeof steps / sizeof *steps);
        struct model then = *m;
        if ((step->on(&then) < 4 && !then.is_closed) || draw(seed, 8) == 0) return step;
    }
}

/* ---- the session beside it ---- */
static size_t reply_count(struct str replies) {
    struct str line;
    size_t n = 0;
    while (str_next(&replies, '\n', &line) && replies.p) n += line.p[3] == ' ';
    return n;
}

/* Send the step's bytes, cut in two somewhere; the reply has to be what the model says. */
static bool step_fits(struct player *p, struct script *script, const struct step *step, struct model *m, uint64_t *seed) {
    size_t from = p->server.n, start = script->client.n;
    buf_add_z(&script->client, step->bytes);
    unsigned class = step->on(m);
    player_feed(p, start + draw(seed, script->client.n - start));
    player_feed(p, script->client.n);
    if (m->begins_tls) smtpd_session_tls_started(p->session);
    m->begins_tls = false;
    struct str said = str_sub(buf_str(&p->server), from, SIZE_MAX);
    size_t replies = reply_count(said);
    bool has_farewell = replies == 2 && player_is_closed(p);
    return said.n && said.p[0] == (char)('0' + class) && (replies == 1 || has_farewell) && m->is_closed == player_is_closed(p) &&
           m->kept == p->stores;
}

/* Returns how many mails were kept. */
static unsigned dialogue(uint64_t number, const char *kind, bool has_strangers, bool has_logins) {
    uint64_t seed = number;
    struct script script;
    struct player p;
    struct model m = {.has_strangers = has_strangers, .has_logins = has_logins};
    script_read(&script, str_from_z(kind));
    player_start(&p, &script, draw(&seed, 2));
    for (size_t i = 0; i < COMMANDS_MAX && !m.is_closed; i++) {
        const struct step *step = command_draw(&seed, &m);
        bool is_data = step->on == on_data && m.tx == RECIPIENTS;
        bool fits = step_fits(&p, &script, step, &m, &seed);
        if (fits && is_data) {
            step = step_draw(&seed, messages, sizeof messages / sizeof *messages);
            fits = step_fits(&p, &script, step, &m, &seed);
        }
        if (!fits)
            fail_msg("dialogue %llu, %s\nclient:\n%.*s\nserver:\n%.*s", (unsigned long long)number, kind,
                     STR_ARG(buf_str(&script.client)), STR_ARG(buf_str(&p.server)));
    }
    player_fini(&p);
    script_fini(&script);
    return m.kept;
}

#define RULES "\nA: ada secret; 235 2.7.0 Logged in\nJ: no@example.com; 550 5.7.1 No\nJ: no@example.org; 550 5.1.1 No such user\n"

static void dialogues_as_the_model_says(void **state) { /* P5, PB01, PB16 */
    (void)state;
    size_t kept = 0;
    for (uint64_t i = 0; i < DIALOGUES; i += 3) {
        kept += dialogue(i, "K: submission, starttls" RULES, false, true);
        kept += dialogue(i + 1, "K: return path, starttls" RULES, true, false);
        kept += dialogue(i + 2, "K: public, starttls" RULES, true, true);
    }
    assert_true(kept > DIALOGUES / 3); /* they get somewhere */
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(dialogues_as_the_model_says)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
