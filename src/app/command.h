/* command.h - the command line's verbs: one table, from which come parsing, help and the printing of answers.
 *
 * A verb is an operation of the API called over the control connection (control.h), so that it does the same whether the server
 * runs or not. People get text; `--json` gives the operation's answer as it is.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_APP_COMMAND_H
#define POSTHORN_APP_COMMAND_H

#include "app/config.h"

#include <stdio.h>

#define EXIT_USAGE 64 /* sysexits.h EX_USAGE */

struct verb;
struct verb_option;
struct buf;
/* The verb that the words at *args start with; moves *args and *count behind it. NULL: none. */
const struct verb *verb_find(char ***args, int *count);
/* Is `word` the first one of some verb ("account")? */
bool verb_is_group(const char *word);
bool verb_is_in_group(const struct verb *verb, const char *word);
/* For --help: all groups, a line each; the verbs of one group; one verb. */
typedef const char *verb_more_fn(const char *group, size_t index);
/* more: the second words of a group's verbs that are not in the table; NULL: there is no other. */
void verb_overview(FILE *out, verb_more_fn *more);
/* add_more writes lines for verbs that are not in the table. */
void verb_group_help(FILE *out, const char *group, void (*add_more)(FILE *out, const char *group));
void verb_help(FILE *out, const struct verb *verb);
/* "--email E", in brackets when it may be left out. */
void verb_format_option(struct buf *out, const struct verb_option *option);
/* Parse the rest of the arguments, read what the verb reads from standard input, call, print. Returns the exit code. */
int verb_run(const struct verb *verb, char **args, int count, const struct config *c, bool json);

#endif
