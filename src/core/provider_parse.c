/* provider_parse.c - the file of provider rows: sections, keys from a table, and the first error with its line.
 *
 * Rows are made as they come; what one leaves out is filled in from [default] at the end, wherever that stands. Every size has a
 * bound, so a file costs memory in proportion to its length.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/provider_own.h"

#include <stddef.h>
#include <string.h>

#define NAME_MAX_BYTES  32
#define WORDS_MAX_BYTES 200
#define COUNT_MOST      1000000

/* A row while its lines come. */
struct draft {
    struct str name;
    size_t line;
    unsigned given; /* bits: keys by their place in the table */
    struct str mx[PROVIDER_PATTERNS_MAX];
    size_t mx_count;
    struct provider_rule rules[PROVIDER_RULES_MAX];
    size_t rule_count;
    struct shape_limits limits;
    bool requires_tls;
};
struct parser {
    struct providers *table;
    struct draft draft; /* name "": no section has begun */
    struct provider fallback;
    unsigned *given; /* of each row */
    bool has_default;
    size_t line;
};

/* Take a value. NULL, or why not: a sentence about it. */
typedef const char *(*take_fn)(struct parser *p, struct str value, void *field);

static const char *take_count(struct parser *p, struct str value, void *field) {
    (void)p;
    uint64_t n;
    if (!str_to_u64(value, &n) || n < 1 || n > COUNT_MOST) return "expected a number from 1 to 1000000";
    *(size_t *)field = (size_t)n;
    return NULL;
}

static const char *take_rate(struct parser *p, struct str value, void *field) {
    (void)p;
    uint64_t n;
    if (!str_to_u64(value, &n) || n > COUNT_MOST) return "expected messages a minute, from 0 (no cap) to 1000000";
    *(int64_t *)field = (int64_t)n;
    return NULL;
}

static bool to_ms(struct str text, int64_t *ret_ms) {
    static const char units[] = "smh";
    static const int64_t seconds[] = {1, 60, 3600};
    uint64_t n;
    const char *unit = text.n > 1 ? memchr(units, text.p[text.n - 1], 3) : NULL;
    if (!unit || !str_to_u64(str_sub(text, 0, text.n - 1), &n)) return false;
    if (n < 1 || n > PROVIDER_SUSPEND_MAX_S / (uint64_t)seconds[unit - units]) return false;
    *ret_ms = (int64_t)n * seconds[unit - units] * 1000;
    return true;
}

static const char *take_time(struct parser *p, struct str value, void *field) {
    (void)p;
    return to_ms(value, field) ? NULL : "expected a time like 30s, 5m or 2h, at most 168h";
}

static const char *take_tls(struct parser *p, struct str value, void *field) {
    (void)p;
    *(bool *)field = str_eq(value, STR("require"));
    return *(bool *)field || str_eq(value, STR("opportunistic")) ? NULL : "expected require or opportunistic";
}

static bool is_pattern(struct str s) {
    struct str name = s.n && s.p[0] == '*' ? str_sub(s, 1, SIZE_MAX) : s;
    bool has_letter = false;
    for (size_t i = 0; i < name.n; i++) {
        bool is_plain = ascii_is_alnum(name.p[i]) || name.p[i] == '-' || name.p[i] == '_' || name.p[i] == ':';
        bool is_dot = name.p[i] == '.' && i + 1 < name.n && name.p[i + 1] != '.';
        if (!is_plain && !is_dot) return false;
        has_letter |= is_plain;
    }
    return has_letter && s.n <= 255;
}

static const char *take_mx(struct parser *p, struct str value, void *field) {
    (void)field;
    struct draft *d = &p->draft;
    for (struct str part; str_next(&value, ',', &part);) {
        part = str_trim(part);
        if (part.n && part.p[part.n - 1] == '.') part.n--;
        if (!is_pattern(part)) return "expected names of hosts with commas between them, each whole or '*' and how it ends";
        if (d->mx_count == PROVIDER_PATTERNS_MAX) return "more than 64 patterns";
        d->mx[d->mx_count++] = arena_lower(&p->table->arena, part);
    }
    return NULL;
}

static const char *add_rule(struct parser *p, struct str words, int64_t suspend_ms) {
    struct draft *d = &p->draft;
    bool is_quoted = words.n > 2 && words.p[0] == '"' && words.p[words.n - 1] == '"';
    struct str inner = is_quoted ? str_sub(words, 1, words.n - 2) : (struct str){0};
    bool says_something = false;
    for (size_t i = 0; i < inner.n; i++) says_something |= inner.p[i] != '*' && inner.p[i] != ' ';
    if (!says_something || inner.n > WORDS_MAX_BYTES || str_find(inner, '"') != STR_NONE)
        return "expected words of a reply in quotes, at most 200 bytes";
    if (d->rule_count == PROVIDER_RULES_MAX) return "more than 64 replies";
    d->rules[d->rule_count++] = (struct provider_rule){arena_lower(&p->table->arena, inner), suspend_ms};
    return NULL;
}

static const char *take_slow(struct parser *p, struct str value, void *field) {
    (void)field;
    return add_rule(p, value, 0);
}

static const char *take_suspend(struct parser *p, struct str value, void *field) {
    (void)field;
    int64_t ms;
    size_t space = str_find(value, ' ');
    if (space == STR_NONE || !to_ms(str_sub(value, 0, space), &ms))
        return "expected a time like 30s, 5m or 2h, at most 168h, and words of a reply in quotes";
    return add_rule(p, str_trim(str_sub(value, space, SIZE_MAX)), ms);
}

enum key { KEY_MX, KEY_CONNECTIONS, KEY_MESSAGES, KEY_RATE, KEY_IDLE, KEY_TLS, KEY_SUSPEND, KEY_SLOW, KEY_COUNT };
static const struct {
    struct str name;
    take_fn take;
    size_t offset; /* in the draft */
    bool may_repeat;
} KEYS[KEY_COUNT] = {
    [KEY_MX] = {STR_INIT("mx"), take_mx, 0, true},
    [KEY_CONNECTIONS] = {STR_INIT("connections"), take_count, offsetof(struct draft, limits.connections), false},
    [KEY_MESSAGES] = {STR_INIT("messages"), take_count, offsetof(struct draft, limits.connection_messages), false},
    [KEY_RATE] = {STR_INIT("rate"), take_rate, offsetof(struct draft, limits.per_minute), false},
    [KEY_IDLE] = {STR_INIT("idle"), take_time, offsetof(struct draft, limits.idle_ms), false},
    [KEY_TLS] = {STR_INIT("tls"), take_tls, offsetof(struct draft, requires_tls), false},
    [KEY_SUSPEND] = {STR_INIT("suspend"), take_suspend, 0, true},
    [KEY_SLOW] = {STR_INIT("slow"), take_slow, 0, true},
};

/* ---- rows ---- */
static bool is_default(struct str name) {
    return str_eq(name, STR("default"));
}

/* The draft becomes a row. */
static const char *finish(struct parser *p) {
    struct draft *d = &p->draft;
    struct arena *arena = &p->table->arena;
    if (!d->name.n) return NULL;
    if (!d->mx_count && !is_default(d->name)) return "the row has no mx";
    struct str *mx = arena_array(arena, d->mx_count, sizeof *mx);
    struct provider_rule *rules = arena_array(arena, d->rule_count, sizeof *rules);
    for (size_t i = 0; i < d->mx_count; i++) mx[i] = d->mx[i];
    for (size_t i = 0; i < d->rule_count; i++) rules[i] = d->rules[i];
    struct provider row = {d->name, mx, d->mx_count, d->limits, d->requires_tls, rules, d->rule_count};
    if (is_default(d->name)) {
        p->fallback = row;
        return NULL;
    }
    p->given[p->table->count] = d->given;
    p->table->rows[p->table->count++] = row;
    return NULL;
}

static bool is_taken(const struct parser *p, struct str name) {
    if (is_default(name)) return p->has_default;
    for (size_t i = 0; i < p->table->count; i++)
        if (str_eq(p->table->rows[i].name, name)) return true;
    return false;
}

static const char *begin(struct parser *p, struct str line) {
    if (line.n < 3 || line.p[line.n - 1] != ']') return "expected [NAME]";
    struct str name = str_trim(str_sub(line, 1, line.n - 2));
    for (size_t i = 0; i < name.n; i++)
        if (!ascii_is_alnum(name.p[i]) && name.p[i] != '-') return "a name has letters, digits and hyphens only";
    if (!name.n || name.n > NAME_MAX_BYTES) return "expected a name of 1 to 32 letters";
    name = arena_lower(&p->table->arena, name);
    if (is_taken(p, name)) return "there is a row of this name already";
    if (p->table->count == PROVIDERS_MAX) return "more than 1000 rows";
    p->has_default |= is_default(name);
    memset(&p->draft, 0, sizeof p->draft);
    p->draft.name = name;
    p->draft.line = p->line;
    p->draft.limits = SHAPE_DEFAULT;
    return NULL;
}

static const char *assign(struct parser *p, struct str line) {
    struct draft *d = &p->draft;
    size_t equals = str_find(line, '=');
    if (equals == STR_NONE) return "expected KEY = VALUE or [NAME]";
    if (!d->name.n) return "expected [NAME] before the first key";
    struct str name = str_trim(str_sub(line, 0, equals)), value = str_trim(str_sub(line, equals + 1, SIZE_MAX));
    for (unsigned i = 0; i < KEY_COUNT; i++) {
        if (!str_eq(KEYS[i].name, name)) continue;
        if (i == KEY_MX && is_default(d->name)) return "[default] is for all hosts without a row, it has no mx";
        if (!KEYS[i].may_repeat && d->given & 1U << i) return "the key stands here twice";
        d->given |= 1U << i;
        return KEYS[i].take(p, value, (char *)d + KEYS[i].offset);
    }
    return "expected one of mx, connections, messages, rate, idle, tls, suspend, slow";
}

/* Up to a '#' that is not in quotes. */
static struct str without_comment(struct str line) {
    bool is_quoted = false;
    for (size_t i = 0; i < line.n; i++) {
        if (line.p[i] == '"') is_quoted = !is_quoted;
        if (line.p[i] == '#' && !is_quoted) return str_sub(line, 0, i);
    }
    return line;
}

static const char *read_line(struct parser *p, struct str line) {
    line = str_trim(without_comment(line));
    if (!line.n) return NULL;
    if (!str_is_ascii(line) || str_has_control(line)) return "only ASCII without control characters is allowed";
    if (line.p[0] != '[') return assign(p, line);
    size_t at = p->line;
    p->line = p->draft.line; /* what is missing is missing there */
    const char *why = finish(p);
    if (why) return why;
    p->line = at;
    return begin(p, line);
}

/* ---- the whole ---- */
static void fill_in(struct parser *p, struct provider *row, unsigned given) {
    const struct provider *d = &p->fallback;
    if (!(given & 1U << KEY_CONNECTIONS)) row->limits.connections = d->limits.connections;
    if (!(given & 1U << KEY_MESSAGES)) row->limits.connection_messages = d->limits.connection_messages;
    if (!(given & 1U << KEY_RATE)) row->limits.per_minute = d->limits.per_minute;
    if (!(given & 1U << KEY_IDLE)) row->limits.idle_ms = d->limits.idle_ms;
    if (!(given & 1U << KEY_TLS)) row->requires_tls = d->requires_tls;
    if (!d->rule_count) return;
    struct provider_rule *rules = arena_array(&p->table->arena, row->rule_count + d->rule_count, sizeof *rules);
    for (size_t i = 0; i < row->rule_count; i++) rules[i] = row->rules[i];
    for (size_t i = 0; i < d->rule_count; i++) rules[row->rule_count + i] = d->rules[i];
    row->rules = rules;
    row->rule_count += d->rule_count;
}

static const char *read_all(struct parser *p, struct str text) {
    const char *why = NULL;
    for (struct str line; !why && str_next(&text, '\n', &line);) {
        p->line++;
        why = read_line(p, line);
    }
    if (why) return why;
    p->line = p->draft.line;
    why = finish(p);
    if (why) return why;
    for (size_t i = 0; i < p->table->count; i++) fill_in(p, &p->table->rows[i], p->given[i]);
    p->fallback.name = (struct str){0};
    p->table->rows[p->table->count] = p->fallback;
    return NULL;
}

enum status providers_parse(struct str text, struct buf *ret_why, struct providers **ret) {
    struct providers *table = providers_new();
    struct parser p = {.table = table, .fallback = {.limits = SHAPE_DEFAULT}};
    size_t rows_max = 1; /* and the default */
    for (size_t i = 0; i < text.n; i++) rows_max += text.p[i] == '[' && rows_max <= PROVIDERS_MAX;
    table->rows = arena_array(&table->arena, rows_max + 1, sizeof *table->rows);
    p.given = arena_array(&table->arena, rows_max + 1, sizeof *p.given);
    const char *why = text.n > PROVIDERS_FILE_MAX ? "the file is larger than 1 MiB" : read_all(&p, text);
    if (!why) {
        *ret = table;
        return STATUS_OK;
    }
    if (p.line) buf_addf(ret_why, "line %zu: ", p.line);
    buf_add_z(ret_why, why);
    providers_unref(&table);
    return STATUS_INVALID;
}
