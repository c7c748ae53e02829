/* main.c - from the command line to a running gateway, or to one answer.
 *
 * posthorn serve runs until SIGTERM or SIGINT; SIGHUP takes over new certificates, provider rows and the log level. Every other
 * verb is in command.c or in the table below. Exit codes: 0 done, 1 refused or failed, 64 usage, 78 configuration.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/openapi.h"
#include "app/command.h"
#include "app/doctor.h"
#include "app/explain.h"
#include "app/manual.h"
#include "app/outbound.h"
#include "app/provider_file.h"
#include "app/restore.h"
#include "app/serve.h"
#include "base/log.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARGUMENTS_MAX    256
#define MAPPED_BYTES_MIN (1 << 20)

/* The command line with -c, -o and --json taken out. */
struct invocation {
    struct config config;
    const char *program, *file;
    const char *options[ARGUMENTS_MAX];
    int option_count;
    char *words[ARGUMENTS_MAX];
    int word_count;
    bool json, help;
};

/* A verb that is no call of an operation. */
struct local_verb {
    const char *word; /* or two */
    int (*run)(struct invocation *in);
    bool has_json;
    const char *summary;
    const char *more; /* for --help and the manual; NULL: nothing */
    bool takes_words;
};

static int unexpected(const char *verb, const char *word) {
    fprintf(stderr, "posthorn %s: unexpected word %s\nTry: posthorn --help\n", verb, word);
    return EXIT_USAGE;
}

static bool has_good_files(const struct invocation *in) {
    BUF_AUTO why = {0};
    enum status st = outbound_check_files(&in->config, &why);
    if (st != STATUS_OK) fprintf(stderr, "posthorn: %.*s\n", STR_ARG(buf_str(&why)));
    return st == STATUS_OK;
}

static int run_serve(struct invocation *in) {
    struct greeting greeting = {.program = in->program, .file = in->file};
    if (in->word_count >= 2 && in->word_count <= 3 && strcmp(in->words[0], "--greet") == 0) {
        greeting.domain = in->words[1];
        greeting.smtp = in->word_count == 3 ? in->words[2] : NULL;
    } else if (in->word_count)
        return unexpected("serve", in->words[0]);
    if (!has_good_files(in)) return CONFIG_EXIT;
    return serve(&in->config, &greeting);
}

static int run_check_config(struct invocation *in) {
    BUF_AUTO out = {0};
    if (!has_good_files(in)) return CONFIG_EXIT;
    if (in->json)
        config_format_json(&out, &in->config);
    else
        config_format(&out, &in->config);
    fwrite(out.p, 1, out.n, stdout);
    return EXIT_SUCCESS;
}

static int print_page(void (*write_page)(struct buf *out)) {
    BUF_AUTO out = {0};
    write_page(&out);
    fwrite(out.p, 1, out.n, stdout);
    return EXIT_SUCCESS;
}

static int run_man_config(struct invocation *in) {
    (void)in;
    return print_page(config_format_man);
}

static int run_man_api(struct invocation *in) {
    (void)in;
    return print_page(reference_write);
}

static int run_man(struct invocation *in);

static int run_init(struct invocation *in) {
    return serve_init(&in->config, in->json);
}

static int run_doctor(struct invocation *in) {
    return doctor(&in->config, in->json);
}

static int run_providers(struct invocation *in) {
    return provider_file_print(&in->config, in->json);
}

static int run_bounce(struct invocation *in) {
    return explain(in->words, in->word_count, in->config.delivery_bounce_rules, in->json);
}

static int run_restore(struct invocation *in) {
    if (in->word_count > 1) return unexpected("store restore", in->words[1]);
    return restore_run(&in->config, in->word_count ? in->words[0] : NULL, in->json);
}

static int run_version(struct invocation *in) {
    printf(in->json ? "{\"Version\":\"%s\"}\n" : "posthorn %s\n", POSTHORN_VERSION);
    return EXIT_SUCCESS;
}

static const struct local_verb local_verbs[] = {
    {"serve", run_serve, false, "Run the gateway until SIGTERM or SIGINT.",
     "SIGHUP takes over new certificates, the files of [delivery] providers and bounce_rules, and the log level. Started as "
     "root, it becomes the user of "
     "[data] user.",
     true},
    {"init", run_init, true, "Make the data folder, the database and the master key, where they are missing."},
    {"check-config", run_check_config, true, "Print the effective configuration: every key with its meaning and value.",
     "Secrets are masked. What it prints can be a configuration file."},
    {"doctor", run_doctor, true, "Check what will bite a first live user: port 25, host name, DNS, clock, disk, limits."},
    {"providers", run_providers, true, "Print the limits that hold for big receivers, by the names of their MX hosts.",
     "What it prints can be the file of [delivery] providers, which SIGHUP reads anew."},
    {"bounce", run_bounce, true,
     "Say what a report that came home is (explain < MESSAGE), or the class of a reply (classify REPLY); the rules.",
     "posthorn bounce explain < MESSAGE tells the kind, the recipients, their classes and whether they would be suppressed. "
     "posthorn bounce classify REPLY [--mx HOST] judges one reply, given as a word: \"550 5.1.1 no such user\", and names the "
     "rule "
     "that said so. Both look at the file of [delivery] bounce_rules first, or at --rules FILE, then at what is built in, which "
     "posthorn bounce rules prints. None needs a server.",
     true},
    {"store restore", run_restore, true, "Put a copy of the database in its place, while no server runs.",
     "posthorn store restore FILE checks the copy, holds its queue, so that nothing is sent twice by surprise, and keeps what "
     "stood "
     "there under another name. posthorn resume lets the queue go. With PostgreSQL, restore with its own tools, then say this "
     "without FILE.",
     true},
    {"version", run_version, true, "Print the version."},
    {"man", run_man, false, "Print the manual page of the program, posthorn(8); read it with: posthorn man | man -l -"},
    {"man-config", run_man_config, false, "Print the manual page of the configuration, posthorn.conf(5)."},
    {"man-api", run_man_api, false, "Print the API reference, docs/api.md."},
};
#define LOCAL_COUNT (sizeof local_verbs / sizeof local_verbs[0])

static int run_man(struct invocation *in) {
    (void)in;
    BUF_AUTO out = {0};
    manual_begin(&out);
    for (size_t i = 0; i < LOCAL_COUNT; i++)
        manual_add_local(&out, local_verbs[i].word, local_verbs[i].summary, local_verbs[i].more);
    manual_end(&out);
    fwrite(out.p, 1, out.n, stdout);
    return EXIT_SUCCESS;
}

static bool is_of_group(const struct local_verb *verb, const char *group) {
    size_t n = strlen(group);
    return strncmp(verb->word, group, n) == 0 && verb->word[n] == ' ';
}

/* A verb_more_fn. */
static const char *more_of_group(const char *group, size_t index) {
    for (size_t i = 0; i < LOCAL_COUNT; i++)
        if (is_of_group(&local_verbs[i], group) && index-- == 0) return local_verbs[i].word + strlen(group) + 1;
    return NULL;
}

static int help(FILE *out, int code) {
    fputs("Posthorn: a self-hosted e-mail gateway.\n\nUsage: posthorn VERB [words] [-c FILE] [-o section.key=value]... "
          "[--json]\n\nThe gateway:\n",
          out);
    for (size_t i = 0; i < LOCAL_COUNT; i++)
        if (!strchr(local_verbs[i].word, ' ')) fprintf(out, "  %-14s %s\n", local_verbs[i].word, local_verbs[i].summary);
    verb_overview(out, more_of_group);
    fputs("\nOptions:\n"
          "  -c FILE                read this configuration\n"
          "  -o section.key=value   set one key; wins over the file; may be repeated\n"
          "  --json                 print the answer as JSON\n\n"
          "posthorn domain --help lists the verbs of domains, posthorn domain add --help the words of one.\n"
          "First steps: posthorn init, account create, domain add, key add, serve. Every key of the configuration: posthorn "
          "check-config.\n",
          out);
    return code;
}

static int bad_usage(const char *what, const char *which) {
    fprintf(stderr, "posthorn: %s %s\nTry: posthorn --help\n", what, which);
    return EXIT_USAGE;
}

/* Sort the arguments. 0, or the exit code. */
static int sort_arguments(int argc, char **argv, struct invocation *in) {
    if (argc > ARGUMENTS_MAX) return bad_usage("too many", "arguments");
    for (int i = 1; i < argc; i++) {
        bool is_file = strcmp(argv[i], "-c") == 0, is_option = strcmp(argv[i], "-o") == 0;
        if ((is_file || is_option) && i + 1 == argc) return bad_usage("a value is missing after", argv[i]);
        if (is_file)
            in->file = argv[++i];
        else if (is_option)
            in->options[in->option_count++] = argv[++i];
        else if (strcmp(argv[i], "--json") == 0)
            in->json = true;
        else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            in->help = true;
        else
            in->words[in->word_count++] = argv[i];
    }
    return 0;
}

static int read_config(struct invocation *in) {
    BUF_AUTO why = {0};
    enum status st = config_read(&in->config, in->file, in->options, in->option_count, &why);
    if (st == STATUS_OK) st = config_finish(&in->config, &why);
    if (st == STATUS_OK) return 0;
    fprintf(stderr, "posthorn: %.*s\n", STR_ARG(buf_str(&why)));
    return CONFIG_EXIT;
}

/* How many words at the front are the verb; 0: it is another one. */
static int words_of(const struct local_verb *verb, const struct invocation *in) {
    const char *first = strcmp(in->words[0], "--version") == 0 ? "version" : in->words[0];
    size_t n = strlen(first);
    if (strcmp(verb->word, first) == 0) return 1;
    bool has_two = in->word_count > 1 && strncmp(verb->word, first, n) == 0 && verb->word[n] == ' ';
    return has_two && strcmp(verb->word + n + 1, in->words[1]) == 0 ? 2 : 0;
}

static int run_local(const struct local_verb *verb, struct invocation *in) {
    int taken = words_of(verb, in);
    in->word_count -= taken;
    memmove(in->words, in->words + taken, (size_t)in->word_count * sizeof in->words[0]);
    if (in->help) {
        printf("posthorn %s [-c FILE] [-o section.key=value]...%s\n\n%s\n%s%s", verb->word, verb->has_json ? " [--json]" : "",
               verb->summary, verb->more ? verb->more : "", verb->more ? "\n" : "");
        return EXIT_SUCCESS;
    }
    if (in->json && !verb->has_json) return unexpected(verb->word, "--json");
    if (in->word_count && !verb->takes_words) return unexpected(verb->word, in->words[0]);
    int code = read_config(in);
    return code ? code : verb->run(in);
}

/* Those of two words, in the help of their group. */
static void add_local_verbs(FILE *out, const char *group) {
    for (size_t i = 0; i < LOCAL_COUNT; i++)
        if (is_of_group(&local_verbs[i], group)) fprintf(out, "  %-26s %s\n", local_verbs[i].word, local_verbs[i].summary);
}

/* Words that begin like verbs and are none. */
static int no_verb(const struct invocation *in) {
    const char *group = in->words[0];
    if (!verb_is_group(group)) return bad_usage("there is no verb", group);
    if (in->help && in->word_count == 1) {
        verb_group_help(stdout, group, add_local_verbs);
        return EXIT_SUCCESS;
    }
    if (in->word_count > 1)
        fprintf(stderr, "posthorn %s: there is no verb %s\n\n", group, in->words[1]);
    else
        fprintf(stderr, "posthorn %s: a verb is missing\n\n", group);
    verb_group_help(stderr, group, add_local_verbs);
    return EXIT_USAGE;
}

static int dispatch(struct invocation *in) {
    if (in->word_count && strcmp(in->words[0], "help") == 0) {
        in->help = true;
        memmove(in->words, in->words + 1, (size_t)--in->word_count * sizeof in->words[0]);
    }
    if (in->word_count == 0) return help(in->help ? stdout : stderr, in->help ? EXIT_SUCCESS : EXIT_USAGE);
    for (size_t i = 0; i < LOCAL_COUNT; i++)
        if (words_of(&local_verbs[i], in)) return run_local(&local_verbs[i], in);
    char **words = in->words;
    int count = in->word_count;
    const struct verb *verb = verb_find(&words, &count);
    if (!verb) return no_verb(in);
    if (in->help) {
        verb_help(stdout, verb);
        return EXIT_SUCCESS;
    }
    int code = read_config(in);
    log_configure(STDERR_FILENO, LOG_WARN, LOG_LOGFMT);
    return code ? code : verb_run(verb, words, count, &in->config, in->json);
}

int main(int argc, char **argv) {
    /* Large blocks grow in place and go back to the system when freed; left alone, the allocator learns to keep them (P8). */
    (void)mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES_MIN);
    struct invocation in = {.program = argv[0]};
    int code = sort_arguments(argc, argv, &in);
    if (code == 0) code = dispatch(&in);
    config_fini(&in.config);
    return code;
}
