/* source.h - the local addresses that mail goes out from, and pools of them.
 *
 * A source has a name, an address (none: the kernel's choice, IPv4 only), the name it says in EHLO, a weight, the pools it is in
 * and perhaps a warm-up plan. Sources that name no pool are the pool "default"; so is the implicit source "default", which is
 * there when nobody else is in that pool. A recipient's IPv6 address is reached only from a source that declares one (big
 * providers refuse IPv6 without PTR), an IPv4 address only from one of IPv4. The table never changes after source_table_new: any
 * thread may read it. What changes stands in source_use.h.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_SOURCE_H
#define POSTHORN_CORE_SOURCE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/status.h"
#include "core/route.h"

#define SOURCES_MAX     256
#define SOURCE_POOL     "default" /* of sources that name none, and of domains and keys that do not */
#define WARMUP_DAYS_MAX 366
#define WARMUP_PLAN     "default"
#define SOURCE_OF_IPV4  1u /* bits of a question's families */
#define SOURCE_OF_IPV6  2u
#define SOURCE_NAME_MAX 64

/* Messages a day to one provider, by days since the start; behind the last day the source is warm. */
struct warmup_plan {
    const uint32_t *ceilings;
    size_t days;
};
struct source {
    struct str name;
    struct route_address address; /* family 0: the kernel's choice */
    struct str hostname;          /* says so in EHLO */
    unsigned weight;              /* 1 ..: its part of what its pool sends */
    struct str pools;             /* comma list as declared; "" for the default one */
    size_t index;                 /* in the table */
    int64_t warmup_at;            /* when the UTC day began that warming starts or started; 0: warm since ever */
    struct warmup_plan plan;      /* with warmup_at */
};
struct source_pool {
    struct str name;
    const struct source **sources;
    size_t count; /* at least one */
};
struct source_table {
    struct arena arena;
    struct source *sources;
    size_t count;
    struct source_pool *pools; /* the first is the default one */
    size_t pool_count;
};

/* A source as configured; all texts. */
struct source_row {
    struct str name;
    struct str address;     /* an IP address; "": the kernel's choice */
    struct str hostname;    /* "": the gateway's */
    struct str pools;       /* comma list; "": the default one */
    struct str warmup;      /* YYYY-MM-DD; "": warm */
    struct str warmup_plan; /* a plan's name, or a list; "": the default plan */
    unsigned weight;        /* 0: 1 */
};
/* Checks of single values, for whoever reads them: NULL, or why not. */
const char *source_address_check(struct str text);
const char *source_pools_check(struct str text);
const char *source_day_check(struct str text);
const char *
source_plan_check(struct str text);         /* a list has 1 to WARMUP_DAYS_MAX numbers of 1 to 1,000,000,000 that never fall */
bool source_name_is_valid(struct str name); /* letters, digits, '.', '_' and '-'; at most SOURCE_NAME_MAX */

/* Everything is copied. No rows: the implicit source alone. INVALID, with *ret_why saying which source and what of it: a value
 * that does not pass its check, a name or an address that stands twice, more than SOURCES_MAX. */
WARN_UNUSED enum status source_table_new(const struct source_row *rows, size_t count, struct str hostname,
                                         struct source_table **ret, struct buf *ret_why);
void source_table_free(struct source_table **t);
const struct source *source_find(const struct source_table *t, struct str name); /* NULL: none */
/* "" is the default pool; NULL: there is none of that name. */
const struct source_pool *source_pool_find(const struct source_table *t, struct str name);
/* "default, marketing": for a refusal. */
void source_pool_names(struct buf *out, const struct source_table *t);
/* SOURCE_OF_IPV4 or SOURCE_OF_IPV6; of a pool, all that it has. */
unsigned source_family(const struct source *s);
unsigned source_pool_families(const struct source_pool *pool);
/* Whether any source of the table has an IPv6 address: whether AAAA is worth asking for. */
bool source_table_has_ipv6(const struct source_table *t);

/* Which day of its plan `now` is in, from 0; -1 before it begins. Is it warming: has it a ceiling then, 0 before the first day?
 */
int64_t source_warmup_day(const struct source *s, int64_t now);
bool source_is_warming(const struct source *s, int64_t now, uint32_t *ret_ceiling);

#endif
