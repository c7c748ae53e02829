/* track_token.h - the signed links of messages: what an open, a click or an unsubscribe is about, in the link itself.
 *
 * A token names message, recipient and sender domain by number, so it keeps nothing on disk: a link leads where it led, also when
 * the message's rows are gone. A click's target is inside the token and under its MAC, not beside it: other systems add
 * parameters to links (TR18) and spell them anew, and what nobody can change is no open redirect (TR01, TR03). An unsubscribe
 * token has the list and, veiled, the hash that suppressions are found by, so it works without rows too and shows no address
 * (TR11).
 *
 *   byte 0          kind (2 bits), has an expiry (1 bit)
 *   byte 1          version of the key that signed it
 *   numbers         domain, message, recipient, [day of expiry], click: link index, unsubscribe: list; 7 bits a byte, low ones
 * first rest            click: the target; unsubscribe: 32 bytes 12 bytes        the first 96 bits of the HMAC-SHA-256 of all
 * before (TR02, TR05)
 *
 * All of it in base32: lower case, and read in any case, since gateways fold URLs (TR19). An open's token has about 40 letters.
 * Old versions of the key verify for as long as they are kept (TR15). Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_TRACK_TOKEN_H
#define POSTHORN_CORE_TRACK_TOKEN_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/status.h"
#include "crypto/digest.h"
#include "crypto/seal.h"

#define TRACK_TARGET_MAX 2048 /* bytes of a click's target; longer links are not tracked (TR12) */
#define TRACK_TOKEN_MAX  3600 /* letters of any token */
#define TRACK_KEYS_MAX   16

/* Part of tokens in people's mailboxes: never renumber. */
enum track_kind { TRACK_OPEN, TRACK_CLICK, TRACK_UNSUBSCRIBE, TRACK_KIND_COUNT };

/* The first key signs, all verify. */
struct track_key {
    uint8_t version;
    struct seal_key key;
};
struct track_keys {
    struct track_key items[TRACK_KEYS_MAX];
    size_t count;
};
/* Versions `current` (1 to 255) down to `oldest`, but at most TRACK_KEYS_MAX of them, derived from the master key. */
struct track_keys track_keys_derive(const struct seal_key *master, uint8_t current, uint8_t oldest);

struct track_token {
    enum track_kind kind;
    int64_t domain_id, message_id, recipient_id;
    int64_t expires_at;         /* wall ms; kept to the day, rounded up; 0: never */
    int64_t link;               /* click: which of the message's links, from 0 */
    struct str target;          /* click: as track_target() makes it */
    int64_t list_id;            /* unsubscribe: 0 no list */
    struct sha256 address_hash; /* unsubscribe: what suppressions find the recipient by */
};

/* Where a link may lead, as it stands in a Location field: an absolute link that may be replaced (proto/html/href.h), in ASCII.
 * What it gives stays itself. False: not such a link; it is left as it is (TR04, TR12). */
bool track_target(struct str link, struct arena *arena, struct str *ret);

/* Append a token. INVALID: the target is none that track_target() would give. */
WARN_UNUSED enum status track_token_make(const struct track_keys *keys, const struct track_token *token, struct buf *out);
/* The token behind `text`, if it is of this kind, was made under one of the keys and is not over; *ret->target lives in the
 * arena. False: anything else, all alike and in time that depends on lengths only (TR02). */
bool track_token_parse(const struct track_keys *keys, enum track_kind kind, struct str text, int64_t now, struct arena *arena,
                       struct track_token *ret);

/* "/o/", "/c/", "/u/": the path in front of a token; static. */
struct str track_path(enum track_kind kind);
/* The kind and the token (perhaps not a valid one) of a request's path, still percent-encoded; what stands behind the token's
 * letters is passed over, like a parameter that somebody appended without a '?', or a sentence's full stop (TR18). False: the
 * path is none of ours. */
bool track_path_parse(struct str path, struct arena *arena, enum track_kind *ret_kind, struct str *ret_token);

#endif
