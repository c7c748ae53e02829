/* json_write.h - JSON text straight into a buf. The one bit of state puts the commas right; nesting is the caller's to keep.
 *
 *     struct json_writer w = {.out = &out};
 *     json_open_object(&w); json_add_str(&w, STR("Name"), name); json_close_object(&w);
 * Strings are escaped; NUL and bytes that are no UTF-8 become U+FFFD, so that the output always parses. Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_JSON_JSON_WRITE_H
#define POSTHORN_PROTO_JSON_JSON_WRITE_H

#include "base/id.h"
#include "proto/json/json.h"

struct json_writer {
    struct buf *out;
    bool comma; /* a value stands before */
};

void json_open_object(struct json_writer *w);
void json_close_object(struct json_writer *w);
void json_open_array(struct json_writer *w);
void json_close_array(struct json_writer *w);
void json_key(struct json_writer *w, struct str key);
/* Values: items of an array, or what follows a json_key. */
void json_str(struct json_writer *w, struct str s);
void json_z(struct json_writer *w, const char *z);
void json_i64(struct json_writer *w, int64_t v);
void json_bool(struct json_writer *w, bool v);
void json_null(struct json_writer *w);
/* Text that is JSON already (a stored document, a formatted number); copied as it is. */
void json_raw(struct json_writer *w, struct str json);
/* A value of a tree, compact, members in their order. */
void json_value(struct json_writer *w, const struct json *value);

/* Key and value at once. */
void json_add_str(struct json_writer *w, struct str key, struct str s);
void json_add_z(struct json_writer *w, struct str key, const char *z);
void json_add_i64(struct json_writer *w, struct str key, int64_t v);
void json_add_bool(struct json_writer *w, struct str key, bool v);
void json_add_raw(struct json_writer *w, struct str key, struct str json);
/* As texts: "123", a UUID, "2026-11-23 04:05:06", "2026-11-23T04:05:06.789Z". No time, 0, is "". */
void json_add_id(struct json_writer *w, struct str key, int64_t id);
void json_add_uuid(struct json_writer *w, struct str key, struct id uuid);
void json_add_time(struct json_writer *w, struct str key, int64_t wall_ms);
void json_add_iso_time(struct json_writer *w, struct str key, int64_t wall_ms);
void json_add_object(struct json_writer *w, struct str key); /* opens it */
void json_add_array(struct json_writer *w, struct str key);  /* opens it */

#endif
