/* clock.c - the machine's clocks and randomness, and the calendar. The calendar is arithmetic on days since 1970 (no libc:
 * gmtime_r takes a process-wide lock, and every log line wants a date).
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#define DAY_S 86400

static int64_t read_ms(clockid_t id) {
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t system_wall_ms(void *ctx) {
    (void)ctx;
    return read_ms(CLOCK_REALTIME);
}

static int64_t system_mono_ms(void *ctx) {
    (void)ctx;
    return read_ms(CLOCK_MONOTONIC);
}

const struct clock *clock_system(void) {
    static const struct clock clock = {system_wall_ms, system_mono_ms, NULL};
    return &clock;
}

static void system_fill(void *ctx, void *p, size_t n) {
    (void)ctx;
    for (char *to = p; n;) {
        ssize_t got = getrandom(to, n, 0);
        if (got < 0 && errno != EINTR) abort();
        if (got <= 0) continue;
        to += got;
        n -= (size_t)got;
    }
}

const struct rand *rand_system(void) {
    static const struct rand rand = {system_fill, NULL};
    return &rand;
}

uint64_t rand_below(const struct rand *r, uint64_t bound) {
    if (bound == 0) abort();
    uint64_t uneven = (0 - bound) % bound; /* 2^64 mod bound: that many low values would be drawn too often */
    uint64_t v;
    do rand_fill(r, &v, sizeof v);
    while (v < uneven);
    return v % bound;
}

struct civil {
    int64_t year;
    int month, day, weekday; /* 1..12, 1..31, 0 = Sunday */
    int hour, minute, second, ms;
};

static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b < 0);
}

static bool is_leap(int64_t year) {
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int month_days(int64_t year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year));
}

/* Days from 1970-01-01 to January 1st of `year`. */
static int64_t year_start(int64_t year) {
    int64_t before = year - 1;
    return before * 365 + floor_div(before, 4) - floor_div(before, 100) + floor_div(before, 400) - 719162;
}

static struct civil civil_from_ms(int64_t wall_ms) {
    int64_t days = floor_div(wall_ms, DAY_S * 1000);
    int in_day = (int)(wall_ms - days * DAY_S * 1000);
    struct civil c = {.year = 1970 + floor_div(days * 400, 146097), .month = 1};
    while (year_start(c.year) > days) c.year--; /* the mean year is off by a day or two around New Year */
    while (year_start(c.year + 1) <= days) c.year++;
    int left = (int)(days - year_start(c.year));
    for (; left >= month_days(c.year, c.month); c.month++) left -= month_days(c.year, c.month);
    c.day = left + 1;
    c.weekday = (int)(days + 4 - floor_div(days + 4, 7) * 7);
    c.hour = in_day / 3600000;
    c.minute = in_day / 60000 % 60;
    c.second = in_day / 1000 % 60;
    c.ms = in_day % 1000;
    return c;
}

static void put_digits(char *at, int count, int64_t value) {
    for (; count > 0; value /= 10) at[--count] = (char)('0' + value % 10);
}

/* Digit by digit, for lists of thousands of rows: printf takes most of their time. */
static void add_date_time(struct buf *out, const struct civil *c, char between) {
    char text[] = "0000-00-00 00:00:00";
    if (c->year < 0 || c->year > 9999) { /* no time of ours */
        buf_addf(out, "%04lld-%02d-%02d%c%02d:%02d:%02d", (long long)c->year, c->month, c->day, between, c->hour, c->minute,
                 c->second);
        return;
    }
    put_digits(text, 4, c->year);
    put_digits(text + 5, 2, c->month);
    put_digits(text + 8, 2, c->day);
    text[10] = between;
    put_digits(text + 11, 2, c->hour);
    put_digits(text + 14, 2, c->minute);
    put_digits(text + 17, 2, c->second);
    buf_add(out, text, sizeof text - 1);
}

void time_add_iso_ms(struct buf *out, int64_t wall_ms) {
    struct civil c = civil_from_ms(wall_ms);
    add_date_time(out, &c, 'T');
    buf_addf(out, ".%03dZ", c.ms);
}

void time_add_sql(struct buf *out, int64_t wall_ms) {
    struct civil c = civil_from_ms(wall_ms);
    add_date_time(out, &c, ' ');
}

void time_add_rfc5322(struct buf *out, int64_t wall_ms) {
    static const char weekdays[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct civil c = civil_from_ms(wall_ms);
    buf_addf(out, "%s, %02d %s %04lld %02d:%02d:%02d +0000", weekdays[c.weekday], c.day, months[c.month - 1], (long long)c.year,
             c.hour, c.minute, c.second);
}

bool time_from_civil(int year, int month, int day, int64_t *ret_days) {
    if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 || day > month_days(year, month)) return false;
    int64_t days = year_start(year) + day - 1;
    for (int m = 1; m < month; m++) days += month_days(year, m);
    *ret_days = days;
    return true;
}

void time_month_of(int64_t wall_ms, int64_t *ret_began_at, int64_t *ret_next_at) {
    struct civil c = civil_from_ms(wall_ms);
    int64_t first_day = floor_div(wall_ms, DAY_S * 1000) - (c.day - 1);
    *ret_began_at = first_day * DAY_S * 1000;
    *ret_next_at = (first_day + month_days(c.year, c.month)) * DAY_S * 1000;
}

/* Does s look exactly like the pattern, where '0' stands for a digit? Then the numbers between the other characters. */
static bool read_numbers(struct str s, struct str pattern, int *ret_numbers) {
    if (s.n != pattern.n) return false;
    size_t at = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (pattern.p[i] == '0' ? !ascii_is_digit(s.p[i]) : s.p[i] != pattern.p[i]) return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        if (pattern.p[i] != '0') {
            at++;
        } else {
            ret_numbers[at] = ret_numbers[at] * 10 + (s.p[i] - '0');
        }
    }
    return true;
}

bool time_parse_sql(struct str s, int64_t *ret_wall_ms, bool *ret_has_time) {
    int part[6] = {0};
    bool has_time = s.n > 10;
    if (!read_numbers(s, has_time ? STR("0000-00-00 00:00:00") : STR("0000-00-00"), part)) return false;
    int64_t days;
    if (!time_from_civil(part[0], part[1], part[2], &days)) return false;
    if (part[3] > 23 || part[4] > 59 || part[5] > 59) return false;
    *ret_wall_ms = (days * DAY_S + part[3] * 3600 + part[4] * 60 + part[5]) * 1000;
    *ret_has_time = has_time;
    return true;
}
