/* addressee.h - whom a signed token means, and what is written when he leaves: the same for a mail that came home (hear.h) and a
 * link that was followed (track.h).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_ADDRESSEE_H
#define POSTHORN_CORE_ADDRESSEE_H

#include "proto/json/json_write.h"
#include "store/domains.h"
#include "store/messages.h"
#include "store/queue.h"

struct addressee {
    struct recipient recipient;
    struct message message;
    struct domain domain;
};
/* Reader or writer; *ret lives in the arena. NOT_FOUND: the recipient, its message or its domain is gone. */
WARN_UNUSED enum status addressee_load(struct db *db, struct arena *arena, int64_t recipient_id, struct addressee *ret);

/* Open an event's detail with what every event that comes back has. */
void addressee_open_detail(struct json_writer *w, const struct addressee *a);
struct event addressee_event(const struct addressee *a, enum event_type type, int64_t at, struct str detail);

/* What somebody wants no more of. */
enum leave_scope {
    LEAVE_LIST, /* the message's list; all of the account when it has none */
    LEAVE_TAG,  /* what has this tag */
    LEAVE_ALL,  /* all of the account */
    LEAVE_SCOPE_COUNT
};
struct leaving {
    enum leave_scope scope;
    struct str tag; /* LEAVE_TAG */
    bool is_replay; /* what is asked may be an old mail that came again: nothing is written once he left more than a tag */
    struct str reason;
    struct str detail; /* of the event */
    int64_t at;
};
/* What became of it. */
struct left {
    int64_t event_id;   /* 0: he had left all that before, so there is no event */
    bool is_suppressed; /* it was news */
};
/* On the writer: event and suppression, in the transaction given (P3). */
WARN_UNUSED enum status addressee_leave(struct db *tx, const struct addressee *a, const struct leaving *l, struct left *ret);

#endif
