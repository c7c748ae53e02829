/* timeline_place.c - where a page of a timeline ended, as text; see timeline.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/timeline.h"

static bool take_number(struct str *text, int64_t *ret) {
    size_t n = 0;
    uint64_t number;
    while (n < text->n && ascii_is_digit(text->p[n])) n++;
    if (n == 0 || (n > 1 && text->p[0] == '0') || !str_to_u64(str_sub(*text, 0, n), &number) || number > INT64_MAX) return false;
    *ret = (int64_t)number;
    *text = str_sub(*text, n, SIZE_MAX);
    return true;
}

bool timeline_place_parse(struct str text, struct timeline_place *ret) {
    struct timeline_place place = {.is_waiting = str_starts(text, STR("w"))};
    struct str rest = str_sub(text, 1, SIZE_MAX);
    if (!place.is_waiting) {
        if (!str_starts(text, STR("e")) || !take_number(&rest, &place.at) || !str_starts(rest, STR("-"))) return false;
        rest = str_sub(rest, 1, SIZE_MAX);
    }
    if (!take_number(&rest, &place.id) || rest.n) return false;
    *ret = place;
    return true;
}

void timeline_place_format(struct buf *out, const struct timeline_place *place) {
    if (place->is_waiting)
        buf_addf(out, "w%lld", (long long)place->id);
    else
        buf_addf(out, "e%lld-%lld", (long long)place->at, (long long)place->id);
}
