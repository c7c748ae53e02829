/* helpers.c - the few functions a template may call. Pure functions of their arguments; what they make lives until the rendering
 * ends. docs/templates.md lists them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/template/own.h"

#include "base/clock.h"

#include <math.h>

static struct value from_buf(struct run *run, struct buf *b) {
    struct value v = value_of_text(arena_str(&run->scratch, buf_str(b)));
    buf_fini(b);
    return v;
}

/* --- texts --- */

static struct value call_default(struct run *run, const struct value *args, size_t count) {
    (void)run;
    for (size_t i = 0; i + 1 < count; i++) {
        if (args[i].type == VALUE_TREE || value_text(&args[i]).n) return args[i];
    }
    return args[count - 1];
}

/* Letters of two bytes in UTF-8 and how far apart they are: Latin-1, Greek, Cyrillic. */
static const struct letters {
    unsigned lower_first, lower_last, distance;
} letters[] = {{0xE0, 0xF6, 32},   {0xF8, 0xFE, 32},   {0x3B1, 0x3C1, 32},
               {0x3C3, 0x3C9, 32}, {0x430, 0x44F, 32}, {0x450, 0x45F, 80}};

static unsigned letter_to(unsigned letter, bool is_upper) {
    for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++) {
        unsigned shift = is_upper ? 0 : letters[i].distance;
        if (letter + shift < letters[i].lower_first || letter + shift > letters[i].lower_last) continue;
        return is_upper ? letter - letters[i].distance : letter + letters[i].distance;
    }
    return letter;
}

static struct value change_case(struct run *run, struct str s, bool is_upper) {
    struct buf out = {0};
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c >= 0xC2 && c <= 0xDF && i + 1 < s.n) {
            unsigned letter = letter_to((c & 0x1FU) << 6 | ((unsigned char)s.p[++i] & 0x3FU), is_upper);
            buf_add_char(&out, (char)(0xC0 | letter >> 6));
            buf_add_char(&out, (char)(0x80 | (letter & 0x3F)));
        } else if (is_upper && c >= 'a' && c <= 'z') {
            buf_add_char(&out, (char)(c - 'a' + 'A'));
        } else {
            buf_add_char(&out, is_upper ? (char)c : ascii_lower((char)c));
        }
    }
    return from_buf(run, &out);
}

static struct value call_upper(struct run *run, const struct value *args, size_t count) {
    (void)count;
    return change_case(run, value_text(&args[0]), true);
}

static struct value call_lower(struct run *run, const struct value *args, size_t count) {
    (void)count;
    return change_case(run, value_text(&args[0]), false);
}

static struct value call_trim(struct run *run, const struct value *args, size_t count) {
    (void)run;
    (void)count;
    return value_of_text(str_trim(value_text(&args[0])));
}

/* RFC 3986 2.3: all but the unreserved is encoded, so that the value is one part of a link and nothing else. */
static struct value call_url(struct run *run, const struct value *args, size_t count) {
    struct str s = value_text(&args[0]);
    struct buf out = {0};
    (void)count;
    run_charge(run, s.n / 2);
    for (size_t i = 0; i < s.n && !run->why; i++) {
        char c = s.p[i];
        if (ascii_is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~')
            buf_add_char(&out, c);
        else
            buf_addf(&out, "%%%02X", (unsigned char)c);
    }
    return from_buf(run, &out);
}

/* --- numbers --- */

static struct value call_number(struct run *run, const struct value *args, size_t count) {
    double number, decimals = 0;
    struct buf plain = {0}, out = {0};
    struct str comma = count > 2 ? value_text(&args[2]) : STR(","), point = count > 3 ? value_text(&args[3]) : STR(".");
    if (!value_number(&args[0], &number) || !(fabs(number) < 1e15)) return args[0];
    if (count > 1 && (!value_number(&args[1], &decimals) || !(decimals >= 0 && decimals <= 10))) decimals = 0;
    buf_addf(&plain, "%.*f", (int)decimals, number);
    struct str text = buf_str(&plain);
    size_t whole = str_find(text, '.'), sign = text.p[0] == '-';
    if (whole == STR_NONE) whole = text.n;
    for (size_t i = 0; i < text.n; i++) {
        if (i > sign && i < whole && (whole - i) % 3 == 0) buf_add_str(&out, comma);
        if (i == whole)
            buf_add_str(&out, point);
        else
            buf_add_char(&out, text.p[i]);
    }
    buf_fini(&plain);
    return from_buf(run, &out);
}

/* --- dates --- */

/* Unix seconds (or milliseconds, which nobody can mistake), YYYY-MM-DD, and with a time after a blank or T, perhaps Z. */
static bool read_moment(struct run *run, const struct value *v, int64_t *ret_ms) {
    struct str s = str_trim(value_text(v));
    bool has_time;
    int64_t number;
    if (str_to_i64(s, &number)) {
        if (number < -62135596800 || number > 253402300799000) return false;
        *ret_ms = number > 99999999999 ? number : number * 1000;
        return *ret_ms <= 253402300799000;
    }
    struct str rest = str_sub(s, 19, SIZE_MAX);
    if (str_starts(rest, STR("."))) {
        size_t n = 1;
        while (n < rest.n && ascii_is_digit(rest.p[n])) n++;
        rest = str_sub(rest, n, SIZE_MAX);
    }
    if (rest.n && !str_eq(rest, STR("Z"))) return false;
    if (s.n > 10 && s.p[10] == 'T') {
        s = arena_strf(&run->scratch, "%.10s %.*s", s.p, STR_ARG(str_sub(s, 11, 8)));
    }
    return time_parse_sql(str_sub(s, 0, 19), ret_ms, &has_time);
}

#define DATE_WORDS 14
struct date_word {
    struct str pattern, text;
};

/* What each word of a pattern stands for; longer words come first. */
static void date_words(struct run *run, int64_t ms, struct date_word ret[DATE_WORDS]) {
    static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
                                         "July",    "August",   "September", "October", "November", "December"};
    static const char *const days[] = {"Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"};
    BUF_AUTO sql = {0};
    uint64_t month = 1, day = 1, hour = 0;
    time_add_sql(&sql, ms);
    struct str s = arena_str(&run->scratch, buf_str(&sql));
    (void)(str_to_u64(str_sub(s, 5, 2), &month) && str_to_u64(str_sub(s, 8, 2), &day) && str_to_u64(str_sub(s, 11, 2), &hour));
    int64_t day_number = (ms - ((ms % 86400000) + 86400000) % 86400000) / 86400000;
    struct str month_name = str_from_z(months[(month - 1) % 12]), day_name = str_from_z(days[((day_number % 7) + 7) % 7]);
    const struct date_word words[DATE_WORDS] = {
        {STR("YYYY"), str_sub(s, 0, 4)},
        {STR("MMMM"), month_name},
        {STR("dddd"), day_name},
        {STR("MMM"), str_sub(month_name, 0, 3)},
        {STR("ddd"), str_sub(day_name, 0, 3)},
        {STR("YY"), str_sub(s, 2, 2)},
        {STR("MM"), str_sub(s, 5, 2)},
        {STR("DD"), str_sub(s, 8, 2)},
        {STR("HH"), str_sub(s, 11, 2)},
        {STR("mm"), str_sub(s, 14, 2)},
        {STR("ss"), str_sub(s, 17, 2)},
        {STR("M"), arena_strf(&run->scratch, "%u", (unsigned)month)},
        {STR("D"), arena_strf(&run->scratch, "%u", (unsigned)day)},
        {STR("H"), arena_strf(&run->scratch, "%u", (unsigned)hour)},
    };
    for (size_t i = 0; i < DATE_WORDS; i++) ret[i] = words[i];
}

/* Take what the pattern begins with: a word, [text] as it is, or one byte as it is. */
static struct str take_date_part(struct str *pattern, const struct date_word words[DATE_WORDS]) {
    size_t close = pattern->p[0] == '[' ? str_find(*pattern, ']') : STR_NONE;
    struct str part = str_sub(*pattern, 0, 1);
    size_t taken = 1;
    if (close != STR_NONE) {
        part = str_sub(*pattern, 1, close - 1);
        taken = close + 1;
    }
    for (size_t i = 0; close == STR_NONE && i < DATE_WORDS; i++) {
        if (!str_starts(*pattern, words[i].pattern)) continue;
        part = words[i].text;
        taken = words[i].pattern.n;
        break;
    }
    *pattern = str_sub(*pattern, taken, SIZE_MAX);
    return part;
}

static struct value call_date(struct run *run, const struct value *args, size_t count) {
    struct date_word words[DATE_WORDS];
    struct buf out = {0};
    int64_t ms;
    struct str pattern = count > 1 ? value_text(&args[1]) : STR("YYYY-MM-DD");
    if (!read_moment(run, &args[0], &ms)) return args[0];
    date_words(run, ms, words);
    run_charge(run, pattern.n);
    while (pattern.n && !run->why) buf_add_str(&out, take_date_part(&pattern, words));
    return from_buf(run, &out);
}

/* --- truth --- */

/* Numbers as numbers, the rest as text. */
static int compare(const struct value *args) {
    double a, b;
    if (value_number(&args[0], &a) && value_number(&args[1], &b)) return a < b ? -1 : a > b;
    return str_cmp(value_text(&args[0]), value_text(&args[1]));
}

static struct value call_eq(struct run *run, const struct value *args, size_t count) {
    (void)run;
    (void)count;
    return value_of_bool(compare(args) == 0);
}

static struct value call_ne(struct run *run, const struct value *args, size_t count) {
    (void)run;
    (void)count;
    return value_of_bool(compare(args) != 0);
}

static struct value call_gt(struct run *run, const struct value *args, size_t count) {
    (void)run;
    (void)count;
    return value_of_bool(compare(args) > 0);
}

static struct value call_lt(struct run *run, const struct value *args, size_t count) {
    (void)run;
    (void)count;
    return value_of_bool(compare(args) < 0);
}

static struct value call_and(struct run *run, const struct value *args, size_t count) {
    size_t i = 0;
    (void)run;
    while (i + 1 < count && value_is_true(&args[i])) i++;
    return args[i];
}

static struct value call_or(struct run *run, const struct value *args, size_t count) {
    size_t i = 0;
    (void)run;
    while (i + 1 < count && !value_is_true(&args[i])) i++;
    return args[i];
}

static struct value call_not(struct run *run, const struct value *args, size_t count) {
    (void)run;
    (void)count;
    return value_of_bool(!value_is_true(&args[0]));
}

static const struct helper helpers[] = {
    {STR_INIT("default"), 2, ARGS_MAX, call_default},
    {STR_INIT("upper"), 1, 1, call_upper},
    {STR_INIT("lower"), 1, 1, call_lower},
    {STR_INIT("trim"), 1, 1, call_trim},
    {STR_INIT("url"), 1, 1, call_url},
    {STR_INIT("date"), 1, 2, call_date},
    {STR_INIT("number"), 1, 4, call_number},
    {STR_INIT("eq"), 2, 2, call_eq},
    {STR_INIT("ne"), 2, 2, call_ne},
    {STR_INIT("gt"), 2, 2, call_gt},
    {STR_INIT("lt"), 2, 2, call_lt},
    {STR_INIT("and"), 2, ARGS_MAX, call_and},
    {STR_INIT("or"), 2, ARGS_MAX, call_or},
    {STR_INIT("not"), 1, 1, call_not},
};

const struct helper *helper_find(struct str name) {
    for (size_t i = 0; i < sizeof helpers / sizeof helpers[0]; i++)
        if (str_eq(helpers[i].name, name)) return &helpers[i];
    return NULL;
}
