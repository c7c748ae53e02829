/* answer.c - prints what the gateway answered, by the verb's row: the sentence, the table, the bytes, or the refusal in words of
 * the command line.
 * SPDX-License-Identifier: Apache-2.0 */
#include "app/answer.h"

#include "base/buf.h"
#include "base/encode.h"
#include "proto/json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A row of an answer is flat but for details; this is more than any has. */
#define COLUMNS_MAX 9

static void add_scalar(struct buf *out, const struct json *value) {
    if (!value) return;
    if (value->type == JSON_STRING || value->type == JSON_NUMBER)
        buf_add_str(out, value->text);
    else if (value->type == JSON_BOOL)
        buf_add_z(out, value->boolean ? "yes" : "no");
    else
        JSON_FOR_EACH (item, value) {
            if (item != json_first(value)) buf_add_z(out, ", ");
            if (value->type == JSON_OBJECT) buf_addf(out, "%.*s ", STR_ARG(item->key));
            add_scalar(out, item);
        }
}

/* "message.id": the member of a member. "LinkTracking?": 1 and 0 as yes and no. */
static void add_field(struct buf *out, const struct json *object, struct str path) {
    bool is_yes_no = str_ends(path, STR("?"));
    if (is_yes_no) path.n--;
    struct str name;
    while (object && str_next(&path, '.', &name)) object = json_find(object, name);
    if (is_yes_no && object)
        buf_add_z(out, str_eq(object->text, STR("1")) ? "yes" : "no");
    else
        add_scalar(out, object);
}

/* One line of `say` with each `{Field}` replaced. A line whose fields are all empty is left out ("Cc: " of a mail without). */
static void print_line(struct buf *out, struct str line, const struct json *answer) {
    size_t start = out->n, fields = 0, filled = 0;
    for (struct str rest = line; rest.n;) {
        size_t open = str_find(rest, '{');
        buf_add_str(out, str_sub(rest, 0, open));
        if (open == STR_NONE) break;
        rest = str_sub(rest, open + 1, SIZE_MAX);
        size_t close = str_find(rest, '}'), before = out->n;
        add_field(out, answer, str_sub(rest, 0, close));
        fields++;
        filled += out->n > before;
        rest = str_sub(rest, close + 1, SIZE_MAX);
    }
    if (fields && !filled)
        buf_cut(out, start);
    else
        buf_add_char(out, '\n');
}

static void print_sentence(struct buf *out, const char *say, const struct json *answer) {
    struct str rest = str_from_z(say), line;
    while (str_next(&rest, '\n', &line))
        if (rest.p || line.n) print_line(out, line, answer);
}

/* Controls and line ends of foreign text never reach the terminal; a message's text keeps its lines. */
static void print_safely(struct str text) {
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c == '\r') continue;
        fputc(c == 0x7f || (c < 0x20 && c != '\n' && c != '\t') ? '?' : c, stdout);
    }
}

/* Code points of UTF-8: near enough to columns. */
static size_t width_of(struct str text) {
    size_t width = 0;
    for (size_t i = 0; i < text.n; i++) width += ((unsigned char)text.p[i] & 0xc0) != 0x80;
    return width;
}

static void add_cell(struct buf *out, struct str text, size_t width, bool is_last) {
    buf_add_str(out, text);
    for (size_t i = width_of(text); !is_last && i < width + 2; i++) buf_add_char(out, ' ');
    if (is_last) buf_add_char(out, '\n');
}

struct column {
    struct str field, heading;
    size_t width;
};

/* Of foreign text a cell is one line, and an empty one is told from a missing column. */
static void load_cell(struct buf *cell, const struct json *row, const struct column *column) {
    buf_reset(cell);
    add_field(cell, row, column->field);
    if (cell->n == 0) buf_add_char(cell, '-');
    for (size_t i = 0; i < cell->n; i++)
        if (cell->p[i] == '\n' || cell->p[i] == '\t') cell->p[i] = ' ';
}

static size_t find_columns(const char *text, const struct json *rows, struct column *columns) {
    struct str rest = str_from_z(text), word;
    size_t count = 0;
    BUF_AUTO cell = {0};
    while (count < COLUMNS_MAX && str_next(&rest, ' ', &word)) {
        size_t colon = str_find(word, ':');
        struct column *c = &columns[count++];
        *c = (struct column){str_sub(word, 0, colon), str_sub(word, colon + 1, SIZE_MAX), 0};
        c->width = c->heading.n;
        JSON_FOR_EACH (row, rows) {
            load_cell(&cell, row, c);
            if (width_of(buf_str(&cell)) > c->width) c->width = width_of(buf_str(&cell));
        }
    }
    return count;
}

/* Widths first, then the rows; the last column is not padded. Returns how many rows. */
static size_t print_rows(struct buf *out, const char *columns_text, const struct json *rows) {
    struct column columns[COLUMNS_MAX];
    size_t count = find_columns(columns_text, rows, columns), shown = 0;
    BUF_AUTO cell = {0};
    for (size_t i = 0; i < count; i++) add_cell(out, columns[i].heading, columns[i].width, i + 1 == count);
    JSON_FOR_EACH (row, rows) {
        for (size_t i = 0; i < count; i++) {
            load_cell(&cell, row, &columns[i]);
            add_cell(out, buf_str(&cell), columns[i].width, i + 1 == count);
        }
        shown++;
    }
    return shown;
}

static void print_table(struct buf *out, const struct verb *verb, const struct json *answer) {
    const struct json *rows = json_find(answer, str_from_z(verb->rows));
    uint64_t total = 0;
    const struct json *count = verb->total ? json_find(answer, str_from_z(verb->total)) : NULL;
    bool is_counted = count && str_to_u64(count->text, &total);
    if (!json_first(rows)) {
        if (is_counted && total)
            buf_addf(out, "none here, %llu in all\n", (unsigned long long)total);
        else if (!verb->object) /* the table is what was asked for, not a part of what is shown */
            buf_add_z(out, "none\n");
        return;
    }
    size_t shown = print_rows(out, verb->columns, rows);
    if (is_counted && total > shown) buf_addf(out, "%zu of %llu\n", shown, (unsigned long long)total);
    if (verb->more) print_sentence(out, verb->more, answer);
}

static int print_raw(const struct verb *verb, const struct json *answer) {
    BUF_AUTO bytes = {0};
    if (!base64_decode(&bytes, json_find_text(answer, str_from_z(verb->raw)))) return EXIT_FAILURE;
    fwrite(bytes.p, 1, bytes.n, stdout);
    return EXIT_SUCCESS;
}

/* What the command line calls the parameter of that name; the name itself when it is none of the verb's. */
static struct str word_for(const struct verb *verb, struct str parameter) {
    for (const struct verb_option *o = verb->options; o->flag; o++) {
        struct str flag = str_from_z(o->flag);
        if (str_ends(flag, STR("="))) flag.n--;
        if (str_eq_nocase(str_from_z(o->parameter), parameter)) return flag;
    }
    if (verb->parameter && str_eq_nocase(str_from_z(verb->parameter), parameter)) return str_from_z(verb->argument);
    return parameter;
}

/* A word as no sentence has it but for a parameter's name: EndDate. */
static bool is_compound(struct str word) {
    size_t capitals = 0;
    for (size_t i = 0; i < word.n; i++) capitals += word.p[i] >= 'A' && word.p[i] <= 'Z';
    return capitals > 1;
}

/* A piece of a sentence, with such words replaced by the command line's. */
static void add_words(struct buf *out, const struct verb *verb, struct str text) {
    for (size_t at = 0; at < text.n;) {
        size_t end = at;
        while (end < text.n && ascii_is_alnum(text.p[end])) end++;
        struct str word = str_sub(text, at, end - at);
        buf_add_str(out, is_compound(word) ? word_for(verb, word) : word);
        if (end < text.n) buf_add_char(out, text.p[end]);
        at = end + 1;
    }
}

/* The refusal's sentence, with the names of parameters replaced by the words that give them. */
static void print_refusal(const struct verb *verb, const struct json *answer) {
    struct str why = json_find_text(answer, STR("ErrorMessage")), field = json_find_text(answer, STR("Field"));
    BUF_AUTO line = {0};
    buf_add_z(&line, "posthorn: ");
    size_t at = field.n ? str_find_str(why, field) : STR_NONE;
    if (!why.p) why = STR("the gateway's answer was not understood");
    add_words(&line, verb, str_sub(why, 0, at));
    if (at != STR_NONE) {
        buf_add_str(&line, word_for(verb, field));
        add_words(&line, verb, str_sub(why, at + field.n, SIZE_MAX));
    }
    const struct json *code = json_find(answer, STR("ErrorCode"));
    int64_t number;
    if (verb->hint && json_to_i64(code, &number) && number == verb->hint_code) buf_addf(&line, ": %s", verb->hint);
    fprintf(stderr, "%.*s\n", STR_ARG(buf_str(&line)));
}

static void print_text(const struct verb *verb, const struct json *answer) {
    const struct json *object = verb->object ? json_find(answer, str_from_z(verb->object)) : answer;
    BUF_AUTO out = {0};
    if (verb->say) print_sentence(&out, verb->say, object);
    JSON_FOR_EACH (item, verb->each ? json_find(object, str_from_z(verb->each)) : NULL)
        print_sentence(&out, verb->each_say, item);
    if (verb->rows) print_table(&out, verb, json_find(object, str_from_z(verb->rows)) ? object : answer);
    print_safely(buf_str(&out));
}

/* What was asked for was done; is what it tells good news? */
static int exit_code(const struct verb *verb, const struct json *answer) {
    const struct json *verdict = verb->verdict ? json_find(answer, str_from_z(verb->verdict)) : NULL;
    return verdict && !verdict->boolean ? EXIT_FAILURE : EXIT_SUCCESS;
}

int answer_print(const struct verb *verb, struct str text, bool as_json) {
    ARENA_AUTO arena = {0};
    const struct json *answer = NULL, *success = NULL;
    struct json_error error;
    if (json_parse(&arena, text, &answer, &error)) success = json_find(answer, STR("Success"));
    bool ok = success && success->type == JSON_BOOL && success->boolean;
    if (as_json) printf("%.*s\n", STR_ARG(text));
    if (!ok) {
        if (!as_json) print_refusal(verb, answer);
        return EXIT_FAILURE;
    }
    if (!as_json && verb->raw) return print_raw(verb, answer);
    if (!as_json) print_text(verb, answer);
    return exit_code(verb, answer);
}
