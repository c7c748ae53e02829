/* schema.h - JSON Schema (2020-12, as OpenAPI 3.1 uses it) of what the table of operations takes and answers.
 * Pure.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_SCHEMA_H
#define POSTHORN_API_SCHEMA_H

#include "api/operation.h"
#include "proto/json/json_write.h"

/* Schema of a parameter: its type with its limits, and its sentence. */
void schema_of_param(struct json_writer *w, const struct param *param);
/* How people call the type: "text, at most 255 bytes". Appended. */
void schema_describe(const struct param *param, struct buf *out);

/* Schema of an answer, from the example in its row (see struct operation). */
void schema_of_example(struct json_writer *w, const struct json *example);
/* The example as an answer looks: without the marks on its names. is_command: Success and ErrorCode come first. */
void schema_example(struct json_writer *w, const struct json *example, bool is_command);

/* $ref'd schemas of structured parameters (Mailbox, Attachment), members of an open object. */
void schema_components(struct json_writer *w);

#endif
