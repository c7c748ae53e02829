/* id.h - UUIDv7 (RFC 9562 5.7): 48 bits of milliseconds, then randomness. Ids sort by time of making.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_BASE_ID_H
#define POSTHORN_BASE_ID_H

#include "base/clock.h"

#define ID_TEXT_LEN 36
struct id {
    uint8_t b[16];
};
struct id id_make(int64_t wall_ms, const struct rand *rand);
/* Lower-case 8-4-4-4-12 and a NUL. */
void id_format(struct id id, char ret_text[ID_TEXT_LEN + 1]);
/* Any UUID in the 36-character form, either case. */
bool id_parse(struct str text, struct id *ret);

#endif
