/* script.h - a transcript of tests/script/smtpd, read. The format stands in the README there.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_TESTS_SMTPD_SCRIPT_H
#define POSTHORN_TESTS_SMTPD_SCRIPT_H

#include "smtpd/session.h"

#define SCRIPT_RULES_MAX 32

/* What a role or the login answers to whom. */
struct script_rule {
    char letter; /* 'A', 'J' */
    struct str who;
    struct smtp_reply reply;
};
/* Up to here the client sends before it waits: for the 354, or for TLS, which begins then. */
struct script_wait {
    size_t at;
    bool is_tls;
};
struct script {
    struct arena arena;
    struct str kind, flags;
    struct buf client, server, mails, facts;
    struct script_rule rules[SCRIPT_RULES_MAX];
    size_t rule_count;
    struct smtp_reply failures[SCRIPT_RULES_MAX]; /* of storing; code 0: it is kept */
    size_t store_count;
    struct script_wait waits[64];
    size_t wait_count;
    bool closes, has_facts;
};
void script_read(struct script *s, struct str text);
void script_fini(struct script *s);
/* NULL: nobody's. */
const struct smtp_reply *script_find(const struct script *s, char letter, struct str who);
/* "550 5.7.1 words" */
struct smtp_reply script_reply(struct arena *arena, struct str text);

#endif
