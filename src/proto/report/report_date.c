/* report_date.c - dates as reporters write them: words are told apart by their looks, not by their places (BN22).
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "proto/report/report_own.h"

struct date {
    int day, month, hour, minute, second, zone_minutes;
    int year; /* -1: none yet */
    bool has_time;
};

static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";

static bool take_month(struct date *d, struct str word) {
    if (word.n < 3) return false;
    for (int m = 0; m < 12; m++) {
        if (!str_eq_nocase(str_sub(word, 0, 3), str_make(months + m * 3, 3))) continue;
        d->month = m + 1;
        return true;
    }
    return false;
}

/* RFC 5322 4.3; any other word is a day's name, or a zone that means no more than -0000. */
static void take_name(struct date *d, struct str word) {
    static const struct {
        const char *name;
        int minutes;
    } zones[] = {{"edt", -240}, {"est", -300}, {"cdt", -300}, {"cst", -360},
                 {"mdt", -360}, {"mst", -420}, {"pdt", -420}, {"pst", -480}};
    if (take_month(d, word)) return;
    for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++)
        if (str_eq_nocase(word, str_from_z(zones[i].name))) d->zone_minutes = zones[i].minutes;
}

static bool take_time(struct date *d, struct str word) {
    int *const to[] = {&d->hour, &d->minute, &d->second};
    struct str part;
    for (size_t i = 0; word.p && i < 3; i++) {
        uint64_t n;
        if (!str_next(&word, ':', &part) || part.n > 2 || !str_to_u64(part, &n)) return false;
        *to[i] = (int)n;
    }
    d->has_time = true;
    return !word.p && d->hour < 24 && d->minute < 60 && d->second <= 60;
}

static bool take_zone(struct date *d, struct str word) {
    uint64_t n;
    if (word.n != 5 || !str_to_u64(str_sub(word, 1, 4), &n) || n % 100 > 59) return false;
    int minutes = (int)(n / 100 * 60 + n % 100);
    d->zone_minutes = word.p[0] == '-' ? -minutes : minutes;
    return true;
}

static bool take_number(struct date *d, struct str word) {
    uint64_t n;
    if (word.n > 4 || !str_to_u64(word, &n)) return false;
    if (d->day == 0 && word.n <= 2) {
        d->day = (int)n;
        return true;
    }
    if (d->year >= 0 || word.n < 2) return false;
    d->year = (int)n;
    if (word.n == 2) d->year += n < 50 ? 2000 : 1900;
    if (word.n == 3) d->year += 1900;
    return true;
}

static bool take(struct date *d, struct str word) {
    if (str_find(word, ':') != STR_NONE) return take_time(d, word);
    if (word.p[0] == '+' || word.p[0] == '-') return take_zone(d, word);
    if (ascii_is_digit(word.p[0])) return take_number(d, word);
    take_name(d, word);
    return true;
}

static bool is_between(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ',';
}

static bool take_words(struct date *d, struct str s) {
    for (size_t at = 0; at < s.n;) {
        size_t end = at;
        if (s.p[at] == '(') { /* a comment; whatever follows it is of no use */
            size_t close = str_find(str_sub(s, at, SIZE_MAX), ')');
            if (close == STR_NONE) return true;
            at += close + 1;
            continue;
        }
        while (end < s.n && !is_between(s.p[end]) && s.p[end] != '(') end++;
        if (end > at && !take(d, str_sub(s, at, end - at))) return false;
        at = end > at ? end : at + 1;
    }
    return true;
}

bool report_date(struct str value, int64_t *ret_wall_ms) {
    struct date d = {.year = -1};
    int64_t days;
    if (!take_words(&d, str_sub(value, 0, 200)) || !d.has_time || d.year < 1970) return false;
    if (!time_from_civil(d.year, d.month, d.day, &days)) return false;
    *ret_wall_ms = (((days * 24 + d.hour) * 60 + d.minute - d.zone_minutes) * 60 + d.second) * 1000;
    return true;
}
