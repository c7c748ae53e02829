/* config_print.c - the configuration shown: as a file, as JSON, as a manual page.
 * SPDX-License-Identifier: Apache-2.0 */
#include "app/config_own.h"

#include "app/roff.h"
#include "proto/json/json_write.h"
#include "smtpd/service.h"

#include <string.h>

typedef void (*key_fn)(void *arg, const struct config_key *key, struct str section, const void *base);

/* Every key with the name of its section and the struct that holds its value: the flat table, then each named section. */
static void keys_each(const struct config *c, key_fn fn, void *arg) {
    BUF_AUTO section = {0};
    size_t key_count, group_count;
    const struct config_key *keys = config_keys_all(&key_count);
    const struct config_group *groups = config_groups(&group_count);
    for (size_t i = 0; i < key_count; i++) fn(arg, &keys[i], str_from_z(keys[i].section), c);
    for (size_t g = 0; g < group_count; g++)
        for (size_t n = 0; n < config_group_list(c, &groups[g])->count; n++) {
            const void *item = config_group_at(c, &groups[g], n);
            buf_reset(&section);
            buf_addf(&section, "%s %.*s", groups[g].section, STR_ARG(*(const struct str *)item));
            for (size_t i = 0; i < groups[g].key_count; i++) fn(arg, &groups[g].keys[i], buf_str(&section), item);
        }
}

struct file_writer {
    struct buf *out, section;
};

static void write_line(void *arg, const struct config_key *key, struct str section, const void *base) {
    struct file_writer *w = arg;
    if (!str_eq(section, buf_str(&w->section))) {
        buf_addf(w->out, "%s[%.*s]\n", w->section.n ? "\n" : "", STR_ARG(section));
        buf_reset(&w->section);
        buf_add_str(&w->section, section);
    }
    buf_addf(w->out, "; %s%s%s%s (default: %s)\n", key->sentence, key->choices ? " One of " : "",
             key->choices ? key->choices : "", key->choices ? "." : "", *key->initial ? key->initial : "empty");
    buf_addf(w->out, "%s = ", key->name);
    config_value_format(w->out, key, base);
    buf_add_char(w->out, '\n');
}

void config_format(struct buf *out, const struct config *c) {
    struct file_writer w = {.out = out};
    keys_each(c, write_line, &w);
    buf_fini(&w.section);
}

static void write_json(void *arg, const struct config_key *key, struct str section, const void *base) {
    struct json_writer *w = arg;
    BUF_AUTO text = {0};
    json_open_object(w);
    buf_addf(&text, "%.*s.%s", STR_ARG(section), key->name);
    size_t blank = str_find(section, ' ');
    if (blank != STR_NONE) text.p[blank] = '.'; /* as an option names it */
    json_add_str(w, STR("Key"), buf_str(&text));
    buf_reset(&text);
    config_value_format(&text, key, base);
    json_add_str(w, STR("Value"), buf_str(&text));
    json_add_z(w, STR("Default"), key->initial);
    json_add_z(w, STR("Meaning"), key->sentence);
    json_close_object(w);
}

void config_format_json(struct buf *out, const struct config *c) {
    struct json_writer w = {.out = out};
    json_open_object(&w);
    json_add_array(&w, STR("Keys"));
    keys_each(c, write_json, &w);
    json_close_array(&w);
    json_close_object(&w);
    buf_add_char(out, '\n');
}

static void man_key(struct buf *out, const struct config_key *key) {
    buf_add_z(out, ".TP\n.B ");
    roff_add_text(out, key->name);
    roff_add_text(out, key->sentence);
    if (key->choices) {
        struct str rest = str_from_z(key->choices), word;
        for (const char *before = "One of "; str_next(&rest, '|', &word); before = ", ")
            buf_addf(out, "%s\\(lq%.*s\\(rq", before, STR_ARG(word));
        buf_add_z(out, ".\n");
    }
    if (key->is_secret) buf_add_z(out, "A secret: it may come from a file, and is never printed.\n");
    buf_add_z(out, "Default: ");
    roff_add_text(out, *key->initial ? key->initial : "empty.");
}

static void man_keys(struct buf *out) {
    size_t count;
    const struct config_key *keys = config_keys_all(&count);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || strcmp(keys[i].section, keys[i - 1].section) != 0) buf_addf(out, ".SS [%s]\n", keys[i].section);
        man_key(out, &keys[i]);
    }
}

static void man_groups(struct buf *out) {
    size_t count;
    const struct config_group *groups = config_groups(&count);
    for (size_t g = 0; g < count; g++) {
        buf_addf(out, ".SS [%s NAME]\n", groups[g].section);
        roff_add_text(out, groups[g].sentence);
        for (size_t i = 0; i < groups[g].key_count; i++) man_key(out, &groups[g].keys[i]);
    }
}

/* The table of smtpd's services: what no key changes. */
static void man_smtp_limits(struct buf *out) {
    static const char *const kinds[SMTPD_KIND_COUNT] = {
        [SMTPD_SUBMISSION] = "submission", [SMTPD_RETURN_PATH] = "return path", [SMTPD_PUBLIC] = "both on one port"};
    size_t count;
    const struct service_limit *limits = service_limits(&count);
    buf_add_z(out, ".SH SMTP LIMITS\nOf a session, by what its address takes:\n");
    for (size_t i = 0; i < count; i++) {
        buf_add_z(out, ".TP\n.B ");
        roff_add_text(out, limits[i].name);
        roff_add_text(out, limits[i].sentence);
        buf_add_z(out, ".br\n");
        const char *before = "";
        for (size_t kind = 0; kind < SMTPD_KIND_COUNT; kind++) {
            if (!kinds[kind]) continue;
            buf_addf(out, "%s%s: ", before, kinds[kind]);
            if (limits[i].value[kind]) buf_add_u64(out, limits[i].value[kind]);
            buf_add_z(out, limits[i].value[kind] ? "" : "any number");
            before = "; ";
        }
        buf_add_z(out, ".\n");
    }
}

void config_format_man(struct buf *out) {
    buf_add_z(
        out,
        ".\\\" Made by posthorn man-config from the table of keys; change that.\n"
        ".TH POSTHORN.CONF 5 \"\" \"posthorn " POSTHORN_VERSION "\" \"Posthorn\"\n"
        ".SH NAME\nposthorn.conf \\- configuration of the Posthorn e\\-mail gateway\n"
        ".SH DESCRIPTION\n"
        "The file named by\n.B posthorn \\-c\nholds sections,\n.RI [ section ],\n"
        "and in them lines of the form\n.IR key \" = \" value .\n"
        "A value goes to the end of its line or to a blank and a semicolon, which begin a comment. Empty lines and lines that "
        "begin with ; or # mean nothing. A key that is not "
        "listed here,\n"
        "or a value that does not fit, is an error with file and line, and the program ends with status 78.\n"
        ".PP\nEvery key can be given on the command line too, as\n.BI \\-o \" section\" . key = value\\fR,\n"
        "which wins over the file; without a file the defaults hold. A section with a name of its own is\n.BI \\-o \" section\" "
        ". "
        "NAME . key = value\\fR.\n"
        ".PP\n\\(lq${NAME}\\(rq in a value is the environment variable NAME. The value of a secret may be\n"
        "\\(lqfile:/path\\(rq: the first line of that file.\n"
        ".PP\nRelative paths count from the working directory.\n.B posthorn check\\-config\nprints every key with its value.\n"
        ".SH SECTIONS\n");
    man_keys(out);
    man_groups(out);
    man_smtp_limits(out);
    buf_add_z(out, ".SH SEE ALSO\n.BR posthorn (8)\n");
}
