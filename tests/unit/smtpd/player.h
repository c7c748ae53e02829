/* player.h - a session that is played against a script: roles and login answer by its rules, at once or late.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_TESTS_SMTPD_PLAYER_H
#define POSTHORN_TESTS_SMTPD_PLAYER_H

#include "smtpd/script.h"

struct player {
    const struct script *script;
    struct smtpd_service service;
    struct smtpd_session *session;
    bool is_late;             /* how roles and login answer */
    bool is_left_over;        /* bytes stood behind STARTTLS: the connection closes */
    struct smtp_reply answer; /* that is due */
    bool has_answer;
    size_t at;     /* what the session has taken */
    size_t stores; /* questions for storing so far */
    size_t waits;  /* waits of the script that are over */
    struct buf server, mails, facts;
};
/* The session and its banner. */
void player_start(struct player *p, const struct script *script, bool is_late);
/* The client's bytes have come as far as `upto`, which may not be beyond the next wait; late answers are given. */
void player_feed(struct player *p, size_t upto);
/* As far as `upto`, with a halt at each wait. */
void player_play(struct player *p, size_t upto);
bool player_is_closed(const struct player *p);
void player_fini(struct player *p);

#endif
