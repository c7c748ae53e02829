/* bounce_rules.c - see bounce_rules.h: reading the rows, and the walk through them.
 *
 * A rule's words are looked for in a folded copy of the reply: lower case, blanks as one, without the codes that stand before
 * each line, and every word that holds an '@' as "@", so that addresses say nothing. '*' needs no going back: each part of a
 * pattern is looked for behind the one before. Most rules are passed over without a look at the words: a table of the pairs of
 * bytes that the reply holds tells that the rule's are not there.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/bounce_rules.h"

#include "base/arena.h"
#include "core/bounce_rules_text.h"

#include <stdlib.h>
#include <string.h>

#define COLUMNS 4 /* before the words */

struct bounce_rules {
    struct arena arena;
    struct str *names; /* of files */
    struct bounce_rule *items;
    size_t count, room;
};

/* ---- reading ---- */
static bool is_blank(char c) {
    return (unsigned char)c <= ' ';
}

/* What stands before a remark. */
static struct str without_remark(struct str line) {
    for (size_t i = 0; i < line.n; i++)
        if (line.p[i] == '#' && (i == 0 || is_blank(line.p[i - 1]))) return str_trim(str_sub(line, 0, i));
    return str_trim(line);
}

static struct str next_word(struct str *rest) {
    size_t from = 0, end;
    while (from < rest->n && is_blank(rest->p[from])) from++;
    for (end = from; end < rest->n && !is_blank(rest->p[end]);) end++;
    struct str word = str_sub(*rest, from, end - from);
    *rest = str_sub(*rest, end, SIZE_MAX);
    return word;
}

static bool is_any(struct str word) {
    return str_eq(word, STR("*"));
}

static const char *read_class(struct str word, struct bounce_rule *rule) {
    for (int c = 0; c < BOUNCE_CLASS_COUNT; c++) {
        if (!str_eq_nocase(word, bounce_class_facts((enum bounce_class)c)->name)) continue;
        rule->class = (enum bounce_class)c;
        return NULL;
    }
    return "no such class";
}

static const char *read_code(struct str word, struct bounce_rule *rule) {
    uint64_t code;
    if (str_eq_nocase(word, STR("4xx")) || str_eq_nocase(word, STR("5xx"))) {
        rule->code = (unsigned)(word.p[0] - '0');
        return NULL;
    }
    if (word.n != 3 || !str_to_u64(word, &code) || code < 400 || code > 599) return "expected a code like 550, 4xx, 5xx or *";
    rule->code = (unsigned)code;
    return NULL;
}

static const char *read_enhanced(struct str word, struct bounce_rule *rule) {
    for (size_t i = 0; i < word.n; i++) {
        bool is_end = word.p[i] == '*' && i + 1 == word.n;
        if (!ascii_is_digit(word.p[i]) && word.p[i] != '.' && word.p[i] != '?' && !is_end)
            return "expected an enhanced code like 5.1.1, ?.7.2? or 5.7.*";
    }
    rule->enhanced = word;
    return NULL;
}

static const char *read_host(struct str word, struct bounce_rule *rule) {
    rule->mx = word;
    return NULL;
}

static uint16_t pair_at(const char *p) {
    return (uint16_t)((unsigned char)p[0] << 8 | (unsigned char)p[1]);
}

/* Blanks become one, letters small: the words of a reply are compared so. */
static const char *read_words(struct arena *arena, struct str rest, struct bounce_rule *rule) {
    char *to = arena_alloc(arena, rest.n + 1);
    size_t n = 0;
    struct str word, part, parts;
    while ((word = next_word(&rest)).n) {
        if (str_find(word, '@') != STR_NONE && word.n > 1) return "an address in a reply is compared as \"@\" alone";
        if (n) to[n++] = ' ';
        for (size_t i = 0; i < word.n; i++) to[n++] = ascii_lower(word.p[i]);
    }
    rule->text = str_make(to, n);
    if (is_any(rule->text)) rule->text.n = 0;
    if (rule->text.n == 0) return n ? NULL : "the words are missing; * stands for any";
    for (parts = rule->text; str_next(&parts, '*', &part);) {
        if (part.n < 2) return "each part of the words between stars needs two letters";
        if (!rule->first) rule->first = pair_at(part.p);
        rule->last = pair_at(part.p + part.n - 2);
    }
    return NULL;
}

static const char *read_rule(struct arena *arena, struct str line, struct bounce_rule *rule) {
    static const char *(*const columns[COLUMNS])(struct str word, struct bounce_rule * rule) = {read_class, read_code,
                                                                                                read_enhanced, read_host};
    line = arena_str(arena, line);
    for (size_t i = 0; i < COLUMNS; i++) {
        struct str word = next_word(&line);
        if (word.n == 0) return "expected class, code, enhanced code, host and words";
        const char *why = i && is_any(word) ? NULL : columns[i](arena_lower(arena, word), rule);
        if (why) return why;
    }
    const char *why = read_words(arena, line, rule);
    if (why) return why;
    bool is_empty = !rule->code && !rule->enhanced.n && !rule->mx.n && !rule->text.n;
    return is_empty ? "it would fit everything" : NULL;
}

static void add_rule(struct bounce_rules *r, const struct bounce_rule *rule) {
    if (r->count == r->room) {
        r->room = r->room ? r->room * 2 : 512;
        r->items = reallocarray(r->items, r->room, sizeof *r->items);
        if (!r->items) abort();
    }
    r->items[r->count++] = *rule;
}

static const char *read_line(struct bounce_rules *r, struct str line, size_t file, size_t number) {
    struct bounce_rule rule = {.file = file, .line = number};
    if (line.n > BOUNCE_RULE_LINE_MAX) return "the line is too long";
    if (!str_is_utf8(line)) return "it is no UTF-8";
    line = without_remark(line);
    if (line.n == 0) return NULL;
    if (r->count > (file + 1) * (size_t)BOUNCE_RULES_MAX) return "too many rules";
    const char *why = read_rule(&r->arena, line, &rule);
    if (!why) add_rule(r, &rule);
    return why;
}

static enum status read_file(struct bounce_rules *r, const struct bounce_rules_file *f, size_t file, struct buf *why) {
    struct str rest = f->text, line;
    const char *wrong = f->text.n > BOUNCE_RULES_BYTES_MAX ? "the file is too big" : NULL;
    size_t number = 0;
    while (!wrong && str_next(&rest, '\n', &line)) wrong = read_line(r, line, file, ++number);
    if (!wrong) return STATUS_OK;
    buf_addf(why, "%.*s:%zu: %s", STR_ARG(f->name), number, wrong);
    return STATUS_INVALID;
}

enum status bounce_rules_new(const struct bounce_rules_file *files, size_t count, struct bounce_rules **ret, struct buf *why) {
    struct bounce_rules *r = calloc(1, sizeof *r);
    if (!r) abort();
    r->names = arena_array(&r->arena, count, sizeof *r->names);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        r->names[i] = arena_str(&r->arena, files[i].name);
        status = read_file(r, &files[i], i, why);
    }
    if (status == STATUS_OK)
        *ret = r;
    else
        bounce_rules_free(&r);
    return status;
}

void bounce_rules_free(struct bounce_rules **r) {
    if (!*r) return;
    arena_fini(&(*r)->arena);
    free((*r)->items);
    free(*r);
    *r = NULL;
}

struct bounce_rules_file bounce_rules_builtin(void) {
    return (struct bounce_rules_file){STR("bounce_rules.conf"), {bounce_rules_text, bounce_rules_text_size}};
}

size_t bounce_rules_count(const struct bounce_rules *r) {
    return r->count;
}

const struct bounce_rule *bounce_rules_at(const struct bounce_rules *r, size_t i) {
    return &r->items[i];
}

void bounce_rule_where(const struct bounce_rules *r, const struct bounce_rule *rule, struct buf *out) {
    buf_addf(out, "%.*s:%zu", STR_ARG(r->names[rule->file]), rule->line);
}

/* ---- words ---- */
struct folded {
    char p[BOUNCE_TEXT_MAX];
    size_t n;
};

/* "550-", "550-5.1.1": what stands before the next line of a reply whose lines were joined. */
static bool is_line_code(struct str word) {
    if (word.n < 4 || !ascii_is_digit(word.p[0]) || !ascii_is_digit(word.p[1]) || !ascii_is_digit(word.p[2])) return false;
    if (word.p[3] != '-') return false;
    for (size_t i = 4; i < word.n; i++)
        if (!ascii_is_digit(word.p[i]) && word.p[i] != '.') return false;
    return true;
}

static void fold(struct str text, struct folded *f) {
    f->n = 0;
    text = str_sub(text, 0, BOUNCE_TEXT_MAX - 1);
    for (struct str word; (word = next_word(&text)).n;) {
        if (is_line_code(word)) continue;
        if (str_find(word, '@') != STR_NONE) word = STR("@");
        if (f->n) f->p[f->n++] = ' ';
        for (size_t i = 0; i < word.n; i++) f->p[f->n++] = ascii_lower(word.p[i]);
    }
}

static void fold_host(struct str mx, struct folded *f) {
    mx = str_sub(mx, 0, 255);
    for (f->n = 0; f->n < mx.n; f->n++) f->p[f->n] = ascii_lower(mx.p[f->n]);
}

/* Which pairs of bytes there are. */
struct pairs {
    uint64_t bits[65536 / 64];
};

static void note_pairs(const struct folded *f, struct pairs *pairs) {
    memset(pairs, 0, sizeof *pairs);
    for (size_t i = 0; i + 1 < f->n; i++) {
        uint16_t pair = pair_at(f->p + i);
        pairs->bits[pair / 64] |= UINT64_C(1) << pair % 64;
    }
}

static bool has_pair(const struct pairs *pairs, uint16_t pair) {
    return pairs->bits[pair / 64] >> pair % 64 & 1;
}

static bool has_words(const struct folded *f, struct str pattern) {
    struct str part;
    const char *at = f->p, *end = f->p + f->n;
    while (str_next(&pattern, '*', &part)) {
        const char *found = memmem(at, (size_t)(end - at), part.p, part.n);
        if (!found) return false;
        at = found + part.n;
    }
    return true;
}

static bool has_enhanced(struct str enhanced, struct str pattern) {
    size_t i = 0;
    for (; i < pattern.n && pattern.p[i] != '*'; i++)
        if (i == enhanced.n || (pattern.p[i] != '?' && pattern.p[i] != enhanced.p[i])) return false;
    return i < pattern.n || i == enhanced.n;
}

static bool has_code(unsigned code, unsigned wanted) {
    return wanted < 10 ? code / 100 == wanted : code == wanted;
}

const struct bounce_rule *bounce_rules_find(const struct bounce_rules *r, const struct bounce_reply *reply) {
    struct folded words, host;
    struct pairs pairs;
    fold(reply->text, &words);
    fold_host(reply->mx, &host);
    note_pairs(&words, &pairs);
    bool is_security = has_enhanced(reply->enhanced, STR("?.7.*")); /* never the recipient's fault, whatever the words (BN06) */
    for (size_t i = 0; i < r->count; i++) {
        const struct bounce_rule *rule = &r->items[i];
        if (rule->code && !has_code(reply->code, rule->code)) continue;
        if (rule->enhanced.n && !has_enhanced(reply->enhanced, rule->enhanced)) continue;
        if (rule->text.n && !(has_pair(&pairs, rule->first) && has_pair(&pairs, rule->last))) continue;
        if (is_security && bounce_class_facts(rule->class)->fault == BOUNCE_FAULT_RECIPIENT) continue;
        if (rule->mx.n && !has_words(&host, rule->mx)) continue;
        if (rule->text.n && !has_words(&words, rule->text)) continue;
        return rule;
    }
    return NULL;
}

/* ---- verdict ---- */
/* A bounce kept waiting for three days is the smaller harm, but not for an address that is wrong, whatever words come with it. */
static enum bounce_verdict verdict_of(const struct bounce_reply *reply, enum bounce_class class) {
    if (reply->code >= 200 && reply->code <= 299) return BOUNCE_DELIVERED;
    if (reply->code < 500 || reply->code > 599) return BOUNCE_DEFERRED;
    bool passes = bounce_class_facts(class)->passes && !str_starts(reply->enhanced, STR("5.1."));
    return passes ? BOUNCE_DEFERRED : BOUNCE_BOUNCED;
}

const struct bounce_rule *bounce_rules_judge(const struct bounce_rules *r, const struct bounce_reply *reply,
                                             struct bounce_finding *ret) {
    const struct bounce_rule *rule = bounce_rules_find(r, reply);
    struct bounce_finding f = bounce_finding_make(rule ? rule->class : BOUNCE_UNCATEGORIZED);
    bool is_final = (reply->code == 0 || reply->code / 100 == 5) && !str_starts(reply->enhanced, STR("4"));
    if (!is_final) f.is_hard = f.suppresses = false;
    f.verdict = verdict_of(reply, f.class);
    *ret = f;
    return rule;
}
