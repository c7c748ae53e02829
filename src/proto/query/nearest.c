/* nearest.c - the distance of Damerau and Levenshtein (neighbours swapped once), row by row over at most 32 letters.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/query/nearest.h"

#define MISTAKES_MAX 3

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

static bool is_swapped(struct str a, struct str b, size_t i, size_t k) {
    return i > 1 && k > 1 && ascii_lower(a.p[i - 1]) == ascii_lower(b.p[k - 2]) &&
           ascii_lower(a.p[i - 2]) == ascii_lower(b.p[k - 1]);
}

static size_t distance(struct str a, struct str b) {
    size_t rows[3][NEAREST_LENGTH_MAX + 1];
    for (size_t k = 0; k <= b.n; k++) rows[0][k] = k;
    for (size_t i = 1; i <= a.n; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t k = 1; k <= b.n; k++) {
            size_t changed = above[k - 1] + (ascii_lower(a.p[i - 1]) != ascii_lower(b.p[k - 1]));
            row[k] = least(changed, least(above[k], row[k - 1]) + 1);
            if (is_swapped(a, b, i, k)) row[k] = least(row[k], two_above[k - 2] + 1);
        }
    }
    return rows[a.n % 3][b.n];
}

const char *nearest_name(struct str word, const char *const *names, size_t count) {
    const char *found = NULL;
    size_t fewest = MISTAKES_MAX + 1;
    if (word.n > NEAREST_LENGTH_MAX) return NULL;
    for (size_t i = 0; i < count; i++) {
        struct str name = str_from_z(names[i]);
        if (name.n > NEAREST_LENGTH_MAX) continue;
        size_t mistakes = distance(word, name);
        if (mistakes >= fewest || 3 * mistakes > name.n) continue;
        fewest = mistakes;
        found = names[i];
    }
    return found;
}
