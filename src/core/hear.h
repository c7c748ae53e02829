/* hear.h - coming home: who may be written to here, and what a mail that came becomes: events, states, suppressions.
 *
 * Evidence is a signed token of ours and nothing else (P9): the one in the address that a report came to, or, for complaints, in
 * the header of the message it is about. What a report says about recipients is read for reasons only: the token alone says who
 * is meant (BN02, BN20).
 *
 *   failed delivery     DELIVERED -> BOUNCED once, and a `bounce` event; suppressed when the report is a standard one from <>,
 *                       and its class says that the address is of no use (BN03, BN04, BN06, BN09)
 *   complaint           a `complaint` event once, and suppressed (abuse and fraud; other words change nothing, BN13)
 *   unsubscribe         an `unsubscribe` event once, and suppressed: on the message's list, or for all the account sends
 *
 * The list's subscriber gets the status too. Nothing here ever makes mail for those who wrote (BN14). Each function works in the
 * transaction given; run again, it changes nothing (BN24).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_HEAR_H
#define POSTHORN_CORE_HEAR_H

#include "core/return_path.h"
#include "proto/report/report.h"

struct bounce_book;
struct db;
struct dsn_desk;

/* How long reports on a message are listened to, from the last change of its recipient; people may leave as long as the message
 * is kept (BN03). */
#define HEAR_REPORTS_MS (90 * 24 * 3600 * INT64_C(1000))

/* ---- who may be written to ---- */
/* What addresses without a token take; a table in hear.c. */
enum hear_takes {
    HEAR_COMPLAINTS = 1, /* complaints@, fbl@, abuse@: feedback reports */
    HEAR_MAIL = 2        /* postmaster@, abuse@: anything, kept in the inbox for the operator (RFC 5321 4.5.1, RFC 2142) */
};
struct hear_address {
    struct str mailbox, host; /* as written; host "" of <postmaster> without one */
    bool has_token;           /* path counts, else takes */
    struct return_path path;
    unsigned takes;
};
/* Pure: is it an address of a kind that is ours? A token's signature is judged here, before any database (BN01, BN16). Strings
 * are slices of the mailbox. */
bool hear_address_parse(const struct seal_key *key, struct str mailbox, struct hear_address *ret);

/* What is ours: the key of tokens, and the gateway's own host, which is every domain's. */
struct hear_place {
    const struct seal_key *key;
    struct str hostname;
    struct bounce_book *bounces;
};
/* On a reader: does it exist? A token's recipient must be there, its time not over, and the host be its own domain's return-path
 * host or ours; of the others the host must be any domain's or ours. Hosts are compared whole (BN17). NOT_FOUND: no. */
WARN_UNUSED enum status hear_address_check(struct db *db, const struct hear_place *place, const struct hear_address *address,
                                           int64_t now);

/* ---- what came ---- */
struct hear_mail {
    struct str sender; /* of the envelope; "" is <> */
    const struct hear_address *addresses;
    size_t address_count;
    const struct report *report; /* parsed out of content */
    struct str content;
    int64_t now;
};
/* What became of it, for logs and metrics. */
struct heard {
    bool is_early; /* it is about a recipient that still waits: nothing was written, it has to come again (BN21) */
    int64_t bounces, complaints, unsubscribes; /* that were news */
    int64_t suppressions;
    int64_t kept;         /* in the operator's inbox: 0 or 1 */
    int64_t recipient_id; /* the last one that was meant, whatever came of it; 0: nobody */
};
/* On the writer. Addresses are judged anew: what vanished since is passed over (BN21). Senders who asked for it are told of a
 * bounce; those reports are collected by the desk (dsn.h). */
WARN_UNUSED enum status hear(struct db *tx, const struct hear_place *place, const struct hear_mail *mail, struct dsn_desk *desk,
                             struct heard *ret);

/* The first valid token in the header block of a message of ours: in Return-Path, else in a mailto of List-Unsubscribe; nowhere
 * else (BN11, BN23). Pure. */
bool hear_find_token(const struct seal_key *key, struct str header, struct hear_address *ret);

#endif
