/* nearest.h - "did you mean": of the names that there are, the one that somebody will have meant. Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_QUERY_NEAREST_H
#define POSTHORN_PROTO_QUERY_NEAREST_H

#include "base/str.h"

#define NEAREST_LENGTH_MAX 32 /* bytes; longer names are near to nothing */

/* The name with the fewest letters changed, left out, put in or swapped with their neighbour; the first of equals. Case does not
 * matter. NULL: none is near, which takes more than a third of its letters, or more than three. */
const char *nearest_name(struct str word, const char *const *names, size_t count);

#endif
