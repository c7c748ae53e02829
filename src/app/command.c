/* command.c - the little engine behind the table of verbs (verbs.c): finds the verb, turns words into parameters, calls.
 * SPDX-License-Identifier: Apache-2.0 */
#include "app/command.h"

#include "app/answer.h"
#include "app/control.h"
#include "app/verbs.h"
#include "base/file.h"
#include "base/encode.h"
#include "proto/json/json_write.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HELP_OPTION_WIDTH 24 /* columns of "--flag VALUE" in help */

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
    const struct verb *verb;
    for (size_t i = 0; (verb = verb_at(i)); i++) {
        int n = words_match(verb->words, *args, *count);
        if (n == 0) continue;
        *args += n;
        *count -= n;
        return verb;
    }
    return NULL;
}

bool verb_is_in_group(const struct verb *verb, const char *group) {
    size_t n = strlen(group);
    return strncmp(verb->words, group, n) == 0 && (verb->words[n] == ' ' || verb->words[n] == 0);
}

static const struct verb_group *find_group(const char *word) {
    size_t count;
    const struct verb_group *groups = verb_groups(&count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(groups[i].word, word) == 0) return &groups[i];
    return NULL;
}

bool verb_is_group(const char *word) {
    return find_group(word);
}

/* "  domain         Sender domains: add, list, show" */
static void group_line(FILE *out, const struct verb_group *group, verb_more_fn *more) {
    size_t word_length = strlen(group->word);
    const struct verb *verb;
    const char *word;
    if (group->heading) fprintf(out, "\n%s:\n", group->heading);
    fprintf(out, "  %-14s %s", group->word, group->title ? group->title : "");
    const char *before = ": ";
    for (size_t i = 0; (verb = verb_at(i)); i++) {
        if (!verb_is_in_group(verb, group->word)) continue;
        fprintf(out, "%s%s", group->title ? before : "", group->title ? verb->words + word_length + 1 : verb->summary);
        before = ", ";
    }
    for (size_t i = 0; (word = more(group->word, i)); i++) fprintf(out, ", %s", word);
    fputc('\n', out);
}

void verb_overview(FILE *out, verb_more_fn *more) {
    size_t count;
    const struct verb_group *groups = verb_groups(&count);
    for (size_t i = 0; i < count; i++) group_line(out, &groups[i], more);
}

void verb_group_help(FILE *out, const char *word, void (*add_more)(FILE *out, const char *group)) {
    const struct verb_group *group = find_group(word);
    const struct verb *verb;
    fprintf(out, "%s. The verbs:\n\n", group->title);
    for (size_t i = 0; (verb = verb_at(i)); i++)
        if (verb_is_in_group(verb, word)) fprintf(out, "  %-26s %s\n", verb->words, verb->summary);
    add_more(out, word);
    fprintf(out, "\nposthorn %s VERB --help tells the words of each.\n", word);
}

/* Given as a word NAME=VALUE. */
static bool is_setting(const struct verb_option *o) {
    return str_ends(str_from_z(o->flag), STR("="));
}

/* At least one of its settings must be given. */
static bool needs_setting(const struct verb *verb) {
    return str_ends(str_from_z(verb->words), STR(" set"));
}

static void add_option(struct buf *out, const struct verb_option *o) {
    buf_addf(out, "%s%s%s", o->flag, o->value && !is_setting(o) ? " " : "", o->value ? o->value : "");
}

void verb_format_option(struct buf *out, const struct verb_option *o) {
    if (!o->required) buf_add_char(out, '[');
    add_option(out, o);
    if (!o->required) buf_add_char(out, ']');
}

void verb_help(FILE *out, const struct verb *verb) {
    BUF_AUTO text = {0};
    buf_addf(&text, "posthorn %s%s%s", verb->words, verb->argument ? " " : "", verb->argument ? verb->argument : "");
    for (const struct verb_option *o = verb->options; o->flag; o++) {
        buf_add_char(&text, ' ');
        verb_format_option(&text, o);
    }
    buf_addf(&text, " [--json] [-c FILE] [-o section.key=value]\n\n%s\n", verb->summary);
    for (const struct verb_option *o = verb->options; o->flag; o++) {
        buf_add_z(&text, o == verb->options ? "\n  " : "  ");
        size_t start = text.n;
        add_option(&text, o);
        while (text.n < start + HELP_OPTION_WIDTH) buf_add_char(&text, ' ');
        buf_addf(&text, "  %s\n", o->sentence);
    }
    fwrite(text.p, 1, text.n, out);
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

static bool add_file(struct json_writer *w, const char *path, bool is_json) {
    BUF_AUTO content = {0};
    ARENA_AUTO arena = {0};
    const struct json *value;
    struct json_error error;
    int fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    bool is_read = fd >= 0 && file_read_fd(fd, WORD_FILE_MAX, &content) == STATUS_OK;
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

/* What holds for the options that were not given. 0, or the exit code. */
static int add_rest(const struct verb *verb, const bool *seen, struct json_writer *w) {
    bool has_setting = !needs_setting(verb);
    for (const struct verb_option *o = verb->options; o->flag; o++) {
        if (seen[o - verb->options]) {
            has_setting |= is_setting(o);
            continue;
        }
        if (o->required) return usage(verb, "missing: ", o->flag);
        if (o->initial) json_add_z(w, str_from_z(o->parameter), o->initial);
    }
    return has_setting ? 0 : usage(verb, "nothing to set", "");
}

/* Put the command line's words into the request. 0, or the exit code. */
static int add_arguments(const struct verb *verb, char **args, int count, struct json_writer *w) {
    bool seen[VERB_OPTIONS_MAX] = {0}, have_argument = false;
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
        if (o->value && (value ? !*value : i + 1 == count)) return usage(verb, "a value is missing after ", o->flag);
        int code = o->value ? add_word(w, verb, o->parameter, o->kind, value ? value : args[++i]) : 0;
        if (code) return code;
        if (!o->value && *o->parameter) json_add_bool(w, str_from_z(o->parameter), true);
    }
    if (verb->argument && verb->argument[0] != '[' && !have_argument) return usage(verb, "missing: ", verb->argument);
    return add_rest(verb, seen, w);
}

/* Read to the end, at most `max` bytes. */
static int add_input(const struct verb *verb, struct json_writer *w) {
    if (verb->input == INPUT_NONE) return 0;
    SECRET_AUTO in = {0};
    size_t max = verb->input == INPUT_PASSWORD ? 4096 : INPUT_MESSAGE_MAX;
    if (file_read_fd(STDIN_FILENO, max, &in) != STATUS_OK) return usage(verb, "standard input cannot be read or is too long", "");
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
    if (control_ask(c, buf_str(&request), verb->is_file ? stdout : NULL, &answer, &why) != STATUS_OK) {
        fprintf(stderr, "posthorn: %.*s\n", STR_ARG(buf_str(&why)));
        return EXIT_FAILURE;
    }
    if (verb->is_file && !answer.n) return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    return answer_print(verb, buf_str(&answer), as_json);
}
