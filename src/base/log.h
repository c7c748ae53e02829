/* log.h - one fact a line: key=value (logfmt) or JSON, values escaped and capped (DB05), to one sink.
 *
 * Core and edges log; library rooms don't. Write it as
 *     LOG(LOG_INFO, "mta.delivered", LOG_STR("id", id), LOG_INT("ms", ms));
 * The id comes first. Secrets never (P10). The sink is the only global of the program; any thread may log, lines don't mix.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_BASE_LOG_H
#define POSTHORN_BASE_LOG_H

#include "base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_LOGFMT, LOG_JSON };
#define LOG_VALUE_MAX 1024 /* bytes of one value; longer ones end in "..." */

struct log_field {
    const char *key;
    struct str text;
    int64_t number;
    bool is_number;
};
#define LOG_STR(k, s) ((struct log_field){.key = (k), .text = (s)})
#define LOG_Z(k, z)   ((struct log_field){.key = (k), .text = str_from_z(z)})
#define LOG_INT(k, v) ((struct log_field){.key = (k), .number = (int64_t)(v), .is_number = true})
#define LOG(level, event, ...)                                                                                                   \
    log_write((level), (event), (const struct log_field[]){__VA_ARGS__},                                                         \
              sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))

/* Set up the sink; fd stays the caller's. Before this, lines go to stderr as logfmt at LOG_INFO. */
void log_configure(int fd, enum log_level level, enum log_format format);
void log_set_level(enum log_level level);
bool log_is_on(enum log_level level);
void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t count);

#endif
