/* bench_events.c - years of events through the writer, and what reading them costs.
 *
 * bench-events URL [COUNT [GROUP [DOMAINS [DAYS]]]]   events of domains of Zipf sizes, over 400 days, in groups; then the largest
 * domain is read: pages, totals, statistics and groups, each a few times. A day or less tells what writing costs under load, when
 * many events share an hour.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "db/db.h"
#include "store/event_group.h"
#include "store/event_list.h"
#include "store/event_stats.h"
#include "store/messages.h"
#include "store/store.h"
#include "store/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define DAY   INT64_C(86400000)
#define START INT64_C(1767225600000) /* 2026-01-01 */
#define DAYS  400                    /* that are read */
#define DETAIL                                                                                                                   \
    "{\"RecipientDomain\":\"example7.net\",\"RFCMessageID\":\"0192f3a4-1111-7222-8333-abcdefabcdef@mail.example.com\","          \
    "\"KeyID\":\"12\",\"Site\":\"mx.example.net\",\"SourceAddress\":\"192.0.2.1\",\"MXHost\":\"mx7.example.net\",\"TLS\":{"      \
    "\"Version\":\"TLSv1.3\",\"Cipher\":\"TLS_AES_256_GCM_SHA384\",\"Policy\":\"opportunistic\",\"Verified\":false},\"Reply\":{" \
    "\"Code\":250,\"Enhanced\":\"2.0.0\",\"Text\":\"OK queued as ABCDEF012345\",\"Command\":\".\"},\"Attempt\":1,"               \
    "\"QueueMs\":312,\"SessionMs\":88}"

/* What the events are made of; every fourth is of a new message. */
struct source {
    uint64_t seed;
    int64_t count, made, days;
    int domain_count;
    double *shares; /* of the domains up to each */
    int64_t *messages;
};

static unsigned roll(struct source *s, unsigned sides) {
    s->seed = s->seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(s->seed >> 33) % sides;
}

static int pick_domain(struct source *s) {
    double at = roll(s, 1000000) / 1e6;
    int low = 0, high = s->domain_count - 1;
    while (low < high) {
        int middle = (low + high) / 2;
        if (s->shares[middle] < at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct event_job {
    struct job job;
    struct source *source;
};

static enum status add_message(struct db *tx, struct source *s, int domain, int64_t at) {
    const struct message message = {.uuid = id_make(at, rand_system()),
                                    .account_id = 1,
                                    .domain_id = domain + 1,
                                    .created_at = at,
                                    .expires_at = at + DAY,
                                    .sender = STR("news@example.com"),
                                    .subject = STR("Your invoice of today"),
                                    .rfc_message_id = STR("0123456789abcdef@example.com"),
                                    .tags = STR("[\"news\",\"spring\"]"),
                                    .metadata = STR("{}"),
                                    .size_bytes = 1};
    return message_add(tx, &message, &s->messages[domain]);
}

static enum status write_one(struct job *job, void *ctx) {
    static const enum event_type types[] = {EVENT_SEND, EVENT_DELIVERY, EVENT_OPEN, EVENT_CLICK};
    static const struct str tags[] = {STR_INIT("news"), STR_INIT("spring")};
    struct source *s = ((struct event_job *)(void *)job)->source;
    int domain = pick_domain(s);
    int64_t n = s->made++, at = START + n * (s->days * DAY / s->count), id;
    enum event_type type = types[n % 4];
    enum status status = STATUS_OK;
    char recipient[64], link[64];
    int size = snprintf(recipient, sizeof recipient, "user%u@example%u.net", roll(s, 50000), roll(s, roll(s, 40) + 1));
    int link_size = snprintf(link, sizeof link, "https://shop.example.com/%u", roll(s, 20));
    if (type == EVENT_SEND || !s->messages[domain]) status = add_message(ctx, s, domain, at);
    const struct event event = {.at = at,
                                .type = type,
                                .account_id = 1,
                                .domain_id = domain + 1,
                                .message_id = s->messages[domain],
                                .recipient_id = s->messages[domain],
                                .recipient = str_make(recipient, (size_t)size),
                                .detail = STR(DETAIL),
                                .keys = {.tags = tags,
                                         .tag_count = 2,
                                         .link = type == EVENT_CLICK ? str_make(link, (size_t)link_size) : STR(""),
                                         .country = type >= EVENT_OPEN ? STR("DE") : STR("")}};
    return status == STATUS_OK ? event_record(ctx, &event, &id) : status;
}

static double cpu_seconds(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static double wall_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void write_all(struct source *s, void *writer, size_t group) {
    struct event_job *jobs = calloc(group, sizeof *jobs);
    struct job **list = calloc(group, sizeof *list);
    if (!jobs || !list) abort();
    double start = wall_ms(), cpu = cpu_seconds();
    while (s->made < s->count) {
        for (size_t i = 0; i < group; i++) {
            jobs[i] = (struct event_job){.job.run = write_one, .source = s};
            list[i] = &jobs[i].job;
        }
        writer_batch(writer, list, group);
        for (size_t i = 0; i < group; i++)
            if (jobs[i].job.status != STATUS_OK) abort();
    }
    double ms = wall_ms() - start;
    printf("%lld events, groups of %zu, %d domains: %.0f/s, %.1f us CPU each\n", (long long)s->count, group, s->domain_count,
           (double)s->count * 1e3 / ms, (cpu_seconds() - cpu) * 1e6 / (double)s->count);
    free(jobs);
    free(list);
}

/* ---- reading ---- */
struct reading {
    struct db *db;
    struct arena arena;
    int64_t total;
};

static enum status read_page(struct reading *r, int64_t types, int64_t offset) {
    struct event_row_list list;
    enum status status = event_list(r->db, &r->arena, &(struct event_filter){.domain_id = 1, .types = types}, offset, 100, &list);
    if (status == STATUS_OK) r->total = list.total;
    return status;
}

static enum status page_first(struct reading *r) {
    return read_page(r, 0, 0);
}

static enum status page_last(struct reading *r) {
    return read_page(r, 0, r->total > 100 ? r->total - 100 : 0);
}

static enum status page_middle_clicks(struct reading *r) {
    return read_page(r, EVENT_BIT(EVENT_CLICK), r->total / 8);
}

static enum status stats_over(struct reading *r, int days) {
    const struct event_period period = {1, START + (DAYS - days) * DAY, START + DAYS * DAY};
    struct event_counts counts;
    struct event_value_list tags;
    enum status status = event_stats(r->db, &period, &counts);
    return status == STATUS_OK ? event_stats_by_tag(r->db, &r->arena, &period, 1000, &tags) : status;
}

static enum status stats_month(struct reading *r) {
    return stats_over(r, 30);
}

static enum status stats_year(struct reading *r) {
    return stats_over(r, 365);
}

static enum status group_by(struct reading *r, enum event_field field) {
    struct event_bucket_list list;
    const struct event_filter filter = {.domain_id = 1, .from_at = START + (DAYS - 365) * DAY, .before_at = START + DAYS * DAY};
    return event_group(r->db, &r->arena, &filter, field, 100, &list);
}

static enum status group_domains(struct reading *r) {
    return group_by(r, EVENT_FIELD_RECIPIENT_DOMAIN);
}

static enum status group_hours(struct reading *r) {
    return group_by(r, EVENT_FIELD_HOUR);
}

static enum status group_hosts(struct reading *r) { /* has no roll-up */
    struct event_bucket_list list;
    const struct event_filter filter = {.domain_id = 1, .from_at = START + (DAYS - 30) * DAY};
    return event_group(r->db, &r->arena, &filter, EVENT_FIELD_MX_HOST, 100, &list);
}

static void read_all(struct db *db) {
    static const struct {
        const char *name;
        enum status (*run)(struct reading *r);
    } cases[] = {{"page 1", page_first},
                 {"last page", page_last},
                 {"clicks, a page in the middle", page_middle_clicks},
                 {"statistics and tags of 30 days", stats_month},
                 {"statistics and tags of 365 days", stats_year},
                 {"recipient domains of 365 days", group_domains},
                 {"hours of 365 days", group_hours},
                 {"hosts of 30 days, event by event", group_hosts}};
    struct reading r = {.db = db};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double best = 1e9, worst = 0;
        for (int k = 0; k < 7; k++) {
            double start = wall_ms();
            enum status status = db_begin(db);
            if (status == STATUS_OK) status = cases[i].run(&r);
            db_rollback(db);
            double ms = wall_ms() - start;
            if (status != STATUS_OK) printf("%s: %s\n", cases[i].name, status_text(status));
            if (ms < best) best = ms;
            if (ms > worst) worst = ms;
            arena_fini(&r.arena);
        }
        printf("%-34s %8.2f ms (%.2f at worst)\n", cases[i].name, best, worst);
    }
    printf("events of the domain: %lld\n", (long long)r.total);
}

static int64_t number_arg(int argc, char **argv, int i, int64_t otherwise) {
    int64_t v = otherwise;
    if (argc > i && !str_to_i64(str_from_z(argv[i]), &v)) exit(2);
    return v;
}

static void on_fatal(void *arg, struct str why) {
    (void)arg;
    fprintf(stderr, "fatal: %.*s\n", STR_ARG(why));
    exit(1);
}

static void share_out(struct source *s) {
    double sum = 0, so_far = 0;
    s->shares = calloc((size_t)s->domain_count, sizeof *s->shares);
    s->messages = calloc((size_t)s->domain_count, sizeof *s->messages);
    if (!s->shares || !s->messages) abort();
    for (int i = 0; i < s->domain_count; i++) sum += 1.0 / (i + 1);
    for (int i = 0; i < s->domain_count; i++) s->shares[i] = so_far += 1.0 / (i + 1) / sum;
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    struct source s = {.seed = 1,
                       .count = number_arg(argc, argv, 2, 200000),
                       .domain_count = (int)number_arg(argc, argv, 4, 200),
                       .days = number_arg(argc, argv, 5, DAYS)};
    struct writer_options options = {.url = str_from_z(argv[1]), .fatal = on_fatal};
    struct db *db = NULL;
    void *writer = NULL;
    BUF_AUTO why = {0};
    if (store_open(options.url, &why) != STATUS_OK || writer_start(&options, &writer) != STATUS_OK) {
        fprintf(stderr, "%.*s\n", STR_ARG(buf_str(&why)));
        return 1;
    }
    share_out(&s);
    write_all(&s, writer, (size_t)number_arg(argc, argv, 3, 100));
    if (db_open(&(struct db_options){.url = options.url, .read_only = true}, &why, &db) != STATUS_OK) return 1;
    read_all(db);
    db_close(&db);
    writer_stop(writer);
    free(s.shares);
    free(s.messages);
    return 0;
}
