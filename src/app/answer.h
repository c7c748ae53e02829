/* answer.h - an operation's answer on the terminal: sentences and tables for people, JSON as it came for programs.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_APP_ANSWER_H
#define POSTHORN_APP_ANSWER_H

#include "app/verbs.h"
#include "base/str.h"

/* Print `text`, the answer to `verb`: to standard output, or for people one line on standard error when it is a refusal. Returns
 * the exit code. */
int answer_print(const struct verb *verb, struct str text, bool as_json);

#endif
