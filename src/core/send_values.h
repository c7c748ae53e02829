/* send_values.h - values that go with a message and mean the same however it comes, by HTTP or in a header field: tags, metadata,
 * switches, times. Refusals are predicates ("must be a list"), static or in the arena. Pure.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_SEND_VALUES_H
#define POSTHORN_CORE_SEND_VALUES_H

#include "proto/json/json.h"

#define SEND_TAGS_MAX           50
#define SEND_TAG_MAX_BYTES      128
#define SEND_METADATA_MAX       20
#define SEND_METADATA_MAX_BYTES 256 /* of a value */
#define SEND_DATA_MAX           100 /* members */
#define SEND_TTL_MIN_S          60
#define SEND_TTL_MAX_S          604800
#define SEND_AHEAD_MAX_MS       (30 * INT64_C(86400000)) /* how far SendAt may lie ahead */
#define SEND_PAST_MAX_MS        INT64_C(3600000)         /* a SendAt this long ago still means now: clocks differ */

/* NULL: fine. A list of at most items_max texts of 1 to bytes_max bytes (items_max 0: any number). */
const char *send_texts_refuse(const struct json *value, size_t items_max, size_t bytes_max);
/* NULL: fine. An object of at most `max` members (0: any number). */
const char *send_object_refuse(const struct json *value, size_t max);
/* NULL: fine. An object of texts and numbers of at most bytes_max bytes. */
const char *send_metadata_refuse(const struct json *value, size_t members_max, size_t bytes_max);
/* A member of the sender's metadata that is one of the gateway's own names; NULL: none is. Static. */
const char *send_metadata_reserved(const struct json *value);
/* What kind of mail it is. People who unsubscribed get transactional mail all the same (core/suppressions.h); a broadcast waits
 * behind other mail, as what goes to a list does. */
#define SEND_STREAMS "transactional,broadcast"
enum send_stream { SEND_TRANSACTIONAL, SEND_BROADCAST };
/* In any case. */
bool send_stream_parse(struct str word, enum send_stream *ret);
/* 1/0, true/false, yes/no, on/off, in any case. */
bool send_switch_parse(struct str word, bool *ret);
/* Unix seconds, "YYYY-MM-DD HH:MM:SS" or "YYYY-MM-DD", UTC; *ret_has_time: not the last. */
bool send_time_parse(struct str text, int64_t *ret_wall_ms, bool *ret_has_time);
/* When a message for `at` is due: not before `now`. False: at lies too far off; SEND_AT_WHY says so. */
bool send_at_judge(int64_t at, int64_t now, int64_t *ret_due_at);
#define SEND_AT_WHY "must not be more than an hour past (up to that it means now), nor more than 30 days ahead"

#endif
