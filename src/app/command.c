/* command.c - the little engine behind the table of verbs (verbs.c): finds the verb, turns words into parameters, calls, prints.
 * SPDX-License-Identifier: Apache-2.0 */
#include "app/command.h"

#include "app/control.h"
#include "app/verbs.h"
#include "base/encode.h"
#include "proto/json/json_write.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How many words of `words` stand at the start of args; 0 when not all do. */
static int words_match(const char *words, char **args, int count) {
    struct str rest = str_from_z(words), word;
    int n = 0;
    while (str_next(&rest, ' ', &word)) {
        if (n == count || !str_eq(word, str_from_z(args[n]))) return 0;
        n++;
    }
    return n;
}

const struct verb *verb_find(char ***args, int *count) {
    size_t verb_count;
    const struct verb *verbs = verbs_all(&verb_count);
    for (size_t i = 0; i < verb_count; i++) {
        int n = words_match(verbs[i].words, *args, *count);
        if (n == 0) continue;
        *args += n;
        *count -= n;
        return &verbs[i];
    }
    return NULL;
}

static bool in_group(const struct verb *verb, const char *group) {
    size_t n = strlen(group);
    return strncmp(verb->words, group, n) == 0 && verb->words[n] == ' ';
}

bool verb_is_group(const char *word) {
    size_t verb_count;
    const struct verb *verbs = verbs_all(&verb_count);
    for (size_t i = 0; i < verb_count; i++)
        if (in_group(&verbs[i], word)) return true;
    return false;
}

void verb_list(FILE *out, const char *group) {
    size_t verb_count;
    const struct verb *verbs = verbs_all(&verb_count);
    for (size_t i = 0; i < verb_count; i++)
        if (!group || in_group(&verbs[i], group)) fprintf(out, "  %-24s %s\n", verbs[i].words, verbs[i].summary);
}

/* Given as a word NAME=VALUE. */
static bool is_setting(const struct verb_option *o) {
    return str_ends(str_from_z(o->flag), STR("="));
}

void verb_help(FILE *out, const struct verb *verb) {
    fprintf(out, "posthorn %s%s%s", verb->words, verb->argument ? " " : "", verb->argument ? verb->argument : "");
    for (const struct verb_option *o = verb->options; o->flag; o++)
        fprintf(out, o->required ? " %s%s%s" : " [%s%s%s]", o->flag, o->value && !is_setting(o) ? " " : "",
                o->value ? o->value : "");
    fprintf(out, " [--json] [-c FILE] [-o section.key=value]\n\n%s\n", verb->summary);
    for (const struct verb_option *o = verb->options; o->flag; o++) {
        if (o == verb->options) fputc('\n', out);
        fprintf(out, "  %s%s%-*s  %s\n", o->flag, is_setting(o) ? "" : " ", (int)(is_setting(o) ? 21 : 20) - (int)strlen(o->flag),
                o->value ? o->value : "", o->sentence);
    }
}

static int usage(const struct verb *verb, const char *what, const char *which) {
    fprintf(stderr, "posthorn %s: %s%s\nTry: posthorn %s --help\n", verb->words, what, which, verb->words);
    return EXIT_USAGE;
}

/* *ret_value: what stands in the same word. */
static const struct verb_option *find_option(const struct verb *verb, const char *word, const char **ret_value) {
    *ret_value = NULL;
    for (const struct verb_option *o = verb->options; o->flag; o++) {
        size_t n = strlen(o->flag);
        if (is_setting(o) && strncmp(o->flag, word, n) == 0) {
            *ret_value = word + n;
            return o;
        }
        if (strcmp(o->flag, word) == 0) return o;
    }
    return NULL;
}

static void add_list(struct json_writer *w, struct str list) {
    struct str part;
    json_open_array(w);
    while (str_next(&list, ',', &part)) json_str(w, str_trim(part));
    json_close_array(w);
}

static bool read_all(int fd, struct buf *out, size_t max);

static bool add_file(struct json_writer *w, const char *path, bool is_json) {
    BUF_AUTO content = {0};
    ARENA_AUTO arena = {0};
    const struct json *value;
    struct json_error error;
    int fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    bool is_read = fd >= 0 && read_all(fd, &content, WORD_FILE_MAX);
    if (fd > STDIN_FILENO) close(fd);
    if (!is_read) return false;
    if (!is_json) {
        json_str(w, buf_str(&content));
        return true;
    }
    if (!json_parse(&arena, buf_str(&content), &value, &error)) return false;
    json_value(w, value);
    return true;
}

/* 0, or the exit code. */
static int add_word(struct json_writer *w, const struct verb *verb, const char *parameter, enum word_kind kind,
                    const char *word) {
    json_key(w, str_from_z(parameter));
    if (kind == WORD_TEXT) json_z(w, word);
    if (kind == WORD_LIST) add_list(w, str_from_z(word));
    if ((kind == WORD_FILE || kind == WORD_JSON) && !add_file(w, word, kind == WORD_JSON))
        return usage(verb,
                     kind == WORD_JSON ? "cannot be read, is too long or no JSON: " : "cannot be read or is too long: ", word);
    return 0;
}

/* Put the command line's words into the request. 0, or the exit code. */
static int add_arguments(const struct verb *verb, char **args, int count, struct json_writer *w) {
    bool seen[sizeof verb->options / sizeof verb->options[0]] = {0}, have_argument = false;
    for (int i = 0; i < count; i++) {
        const char *value;
        const struct verb_option *o = find_option(verb, args[i], &value);
        if (!o && args[i][0] == '-' && args[i][1]) return usage(verb, "unknown option ", args[i]);
        if (!o) {
            if (!verb->argument || have_argument) return usage(verb, "unexpected word ", args[i]);
            int code = add_word(w, verb, verb->parameter, verb->argument_kind, args[i]);
            if (code) return code;
            have_argument = true;
            continue;
        }
        if (seen[o - verb->options]) return usage(verb, "given twice: ", o->flag);
        seen[o - verb->options] = true;
        if (o->value && !value && i + 1 == count) return usage(verb, "a value is missing after ", o->flag);
        int code = o->value ? add_word(w, verb, o->parameter, o->kind, value ? value : args[++i]) : 0;
        if (code) return code;
        if (!o->value && *o->parameter) json_add_bool(w, str_from_z(o->parameter), true);
    }
    if (verb->argument && !have_argument) return usage(verb, "missing: ", verb->argument);
    for (const struct verb_option *o = verb->options; o->flag; o++) {
        if (seen[o - verb->options]) continue;
        if (o->required) return usage(verb, "missing: ", o->flag);
        if (o->initial) json_add_z(w, str_from_z(o->parameter), o->initial);
    }
    return 0;
}

/* Read to the end, at most `max` bytes. */
static bool read_all(int fd, struct buf *out, size_t max) {
    for (;;) {
        ssize_t n = read(fd, buf_reserve(out, 65536), 65536);
        if (n < 0) return false;
        if (n == 0) return true;
        buf_grew(out, (size_t)n);
        if (out->n > max) return false;
    }
}

static int add_input(const struct verb *verb, struct json_writer *w) {
    if (verb->input == INPUT_NONE) return 0;
    SECRET_AUTO in = {0};
    size_t max = verb->input == INPUT_PASSWORD ? 4096 : INPUT_MESSAGE_MAX;
    if (!read_all(STDIN_FILENO, &in, max)) return usage(verb, "standard input cannot be read or is too long", "");
    if (verb->input == INPUT_PASSWORD) {
        struct str password = buf_str(&in);
        while (str_ends(password, STR("\n")) || str_ends(password, STR("\r"))) password.n--;
        json_add_str(w, STR("Password"), password);
        return 0;
    }
    SECRET_AUTO coded = {0};
    base64_encode(&coded, buf_str(&in));
    json_add_str(w, STR("MessageBase64"), buf_str(&coded));
    return 0;
}

static void add_scalar(struct buf *out, const struct json *value) {
    if (!value) return;
    if (value->type == JSON_STRING || value->type == JSON_NUMBER)
        buf_add_str(out, value->text);
    else if (value->type == JSON_BOOL)
        buf_add_z(out, value->boolean ? "yes" : "no");
    else if (value->type == JSON_ARRAY)
        JSON_FOR_EACH (item, value) {
            if (item != json_first(value)) buf_add_z(out, ", ");
            add_scalar(out, item);
        }
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
        add_scalar(out, json_find(answer, str_sub(rest, 0, close)));
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

#define COLUMNS_MAX 8

static void add_cell(struct buf *out, struct str text, size_t width, bool is_last) {
    buf_add_str(out, text);
    for (size_t i = text.n; !is_last && i < width + 2; i++) buf_add_char(out, ' ');
    if (is_last) buf_add_char(out, '\n');
}

/* Widths first, then the rows; the last column is not padded. */
static void print_table(struct buf *out, const struct verb *verb, const struct json *answer) {
    struct str names[COLUMNS_MAX], rest = str_from_z(verb->columns);
    size_t widths[COLUMNS_MAX] = {0}, columns = 0;
    const struct json *rows = json_find(answer, str_from_z(verb->rows));
    if (!json_first(rows)) return;
    BUF_AUTO cell = {0};
    while (columns < COLUMNS_MAX && str_next(&rest, ' ', &names[columns])) {
        widths[columns] = names[columns].n;
        JSON_FOR_EACH (row, rows) {
            buf_reset(&cell);
            add_scalar(&cell, json_find(row, names[columns]));
            if (cell.n > widths[columns]) widths[columns] = cell.n;
        }
        columns++;
    }
    for (size_t i = 0; i < columns; i++) add_cell(out, names[i], widths[i], i + 1 == columns);
    JSON_FOR_EACH (row, rows)
        for (size_t i = 0; i < columns; i++) {
            buf_reset(&cell);
            add_scalar(&cell, json_find(row, names[i]));
            add_cell(out, buf_str(&cell), widths[i], i + 1 == columns);
        }
}

static int print_raw(const struct verb *verb, const struct json *answer) {
    BUF_AUTO bytes = {0};
    if (!base64_decode(&bytes, json_find_text(answer, str_from_z(verb->raw)))) return EXIT_FAILURE;
    fwrite(bytes.p, 1, bytes.n, stdout);
    return EXIT_SUCCESS;
}

static int print_answer(const struct verb *verb, struct str text, bool as_json) {
    ARENA_AUTO arena = {0};
    const struct json *answer = NULL, *success = NULL;
    struct json_error error;
    if (json_parse(&arena, text, &answer, &error)) success = json_find(answer, STR("Success"));
    bool ok = success && success->type == JSON_BOOL && success->boolean;
    if (as_json) printf("%.*s\n", STR_ARG(text));
    if (!ok) {
        struct str why = json_find_text(answer, STR("ErrorMessage"));
        if (!as_json) fprintf(stderr, "posthorn: %.*s\n", STR_ARG(why.p ? why : STR("the gateway's answer was not understood")));
        return EXIT_FAILURE;
    }
    if (as_json) return EXIT_SUCCESS;
    if (verb->raw) return print_raw(verb, answer);
    const struct json *object = verb->object ? json_find(answer, str_from_z(verb->object)) : answer;
    BUF_AUTO out = {0};
    if (verb->say) print_sentence(&out, verb->say, object);
    if (verb->rows) print_table(&out, verb, json_find(object, str_from_z(verb->rows)) ? object : answer);
    print_safely(buf_str(&out));
    return EXIT_SUCCESS;
}

int verb_run(const struct verb *verb, char **args, int count, const struct config *c, bool as_json) {
    SECRET_AUTO request = {0};
    struct json_writer w = {.out = &request};
    json_open_object(&w);
    json_add_z(&w, STR("Command"), verb->operation);
    int code = add_arguments(verb, args, count, &w);
    if (code == 0) code = add_input(verb, &w);
    json_close_object(&w);
    if (code != 0) return code;
    SECRET_AUTO answer = {0};
    BUF_AUTO why = {0};
    if (control_ask(c, buf_str(&request), &answer, &why) != STATUS_OK) {
        fprintf(stderr, "posthorn: %.*s\n", STR_ARG(buf_str(&why)));
        return EXIT_FAILURE;
    }
    return print_answer(verb, buf_str(&answer), as_json);
}
