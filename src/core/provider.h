/* provider.h - what is known about big receivers: rows of a text file, by the names of their MX hosts. Pure; immutable once read.
 *
 *     [google]
 *     mx = *.google.com, *.googlemail.com     # the whole name, or '*' and how it ends
 *     connections = 5                         # at once, from one of our addresses
 *     messages = 50                           # on one connection
 *     rate = 600                              # messages a minute; none: no cap
 *     idle = 60s                              # s, m or h
 *     tls = require                           # never in clear
 *     suspend = 2h "[TSS04]"                  # a reply with these words ('*': any run) pauses so long
 *     slow = "try again later"                # a reply with these words is about our rate
 *
 * The first row that fits a host counts. [default] has no mx: the limits of all others. Nothing is required but mx.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_PROVIDER_H
#define POSTHORN_CORE_PROVIDER_H

#include "base/buf.h"
#include "base/status.h"
#include "core/shape.h"

#define PROVIDERS_MAX          1000 /* rows */
#define PROVIDERS_FILE_MAX     (1 << 20)
#define PROVIDER_PATTERNS_MAX  64
#define PROVIDER_RULES_MAX     64
#define PROVIDER_SUSPEND_MAX_S (7 * 86400)

struct provider_rule {
    struct str words;   /* lower case */
    int64_t suspend_ms; /* 0: slow */
};
struct provider {
    struct str name;      /* "google": what warm-up plans count by */
    const struct str *mx; /* lower case */
    size_t mx_count;
    struct shape_limits limits;
    bool requires_tls;
    const struct provider_rule *rules;
    size_t rule_count;
};
/* A table of rows; shared by threads through references, never changed. */
struct providers;

/* Parse a file's text. INVALID: *ret_why says "line 12: ...", a sentence; *ret untouched. */
WARN_UNUSED enum status providers_parse(struct str text, struct buf *ret_why, struct providers **ret);
/* The rows that are compiled in (core/providers.conf), parsed. */
struct providers *providers_builtin(void);
struct providers *providers_ref(struct providers *p);
void providers_unref(struct providers **p);

/* The row of a host, in any case, with or without a final dot; the default row when none fits: its name is "". Never NULL;
 * valid while the table is. A site's row is that of its best host. */
const struct provider *provider_find(const struct providers *p, struct str mx_host);
/* Rows in order, the default last; NULL behind the end. */
const struct provider *provider_at(const struct providers *p, size_t index);
/* Fill in what the row says about a reply: is_slow, suspend_ms. */
void provider_judge(const struct provider *row, struct shape_reply *reply);

#endif
