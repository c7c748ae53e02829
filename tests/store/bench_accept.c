/* bench_accept.c - how fast the writer takes messages: body, message, recipient and event in groups (performance.md's shape).
 *
 * bench-store URL [COUNT [GROUP [BODY_BYTES]]]   prints messages a second, CPU a message and stalls.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/id.h"
#include "db/db.h"
#include "store/bodies.h"
#include "store/events.h"
#include "store/messages.h"
#include "store/nodes.h"
#include "store/queue.h"
#include "store/store.h"
#include "store/words.h"
#include "store/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

struct accept_job {
    struct job job;
    int64_t number;
    struct str body;
};

static enum status accept_run(struct job *job, void *ctx) {
    const struct accept_job *j = (struct accept_job *)(void *)job;
    struct db *tx = ctx;
    int64_t now = clock_wall_ms(clock_system()), message_id = 0, recipient_id = 0, event_id = 0;
    struct message message = {.uuid = id_make(now, rand_system()),
                              .account_id = 1,
                              .domain_id = 1,
                              .key_id = 1,
                              .created_at = now,
                              .expires_at = now + 1000,
                              .sender = STR("news@example.com"),
                              .subject = STR("Your invoice of today"),
                              .rfc_message_id = STR("0123456789abcdef@example.com"),
                              .tags = STR("[]"),
                              .metadata = STR("{}"),
                              .size_bytes = (int64_t)j->body.n};
    enum status st = message_add(tx, &message, &message_id);
    message.id = message_id;
    if (st == STATUS_OK) st = body_add(tx, &(struct body){.message_id = message_id, .content = j->body});
    char domain[32];
    int n = snprintf(domain, sizeof domain, "domain%d.example", (int)(j->number % 1000));
    struct recipient recipient = {.message_id = message_id,
                                  .account_id = 1,
                                  .address = STR("somebody@domain.example"),
                                  .domain = str_make(domain, (size_t)n),
                                  .state = RECIPIENT_QUEUED,
                                  .due_at = now,
                                  .changed_at = now};
    if (st == STATUS_OK) st = recipient_add(tx, &recipient, &(struct node_epoch){1, 1}, &recipient_id);
    if (st == STATUS_OK) st = words_add(tx, &message, &recipient.address, 1);
    struct event event = {.at = now,
                          .type = EVENT_SEND,
                          .account_id = 1,
                          .domain_id = 1,
                          .message_id = message_id,
                          .recipient_id = recipient_id,
                          .recipient = recipient.address,
                          .detail = STR("{}")};
    return st == STATUS_OK ? event_record(tx, &event, &event_id) : st;
}

static void on_fatal(void *arg, struct str why) {
    (void)arg;
    fprintf(stderr, "fatal: %.*s\n", STR_ARG(why));
    exit(1);
}

static double cpu_seconds(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static size_t number_arg(int argc, char **argv, int i, size_t otherwise) {
    uint64_t v = otherwise;
    if (argc > i && !str_to_u64(str_from_z(argv[i]), &v)) exit(2);
    return (size_t)v;
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    size_t count = number_arg(argc, argv, 2, 20000), group = number_arg(argc, argv, 3, 100);
    size_t body_bytes = number_arg(argc, argv, 4, 10240);
    BUF_AUTO why = {0};
    BUF_AUTO body = {0};
    memset(buf_reserve(&body, body_bytes), 'x', body_bytes);
    buf_grew(&body, body_bytes);
    struct writer_options options = {.url = str_from_z(argv[1]), .fatal = on_fatal};
    void *ctx = NULL;
    if (store_open(options.url, &why) != STATUS_OK || writer_start(&options, &ctx) != STATUS_OK) {
        fprintf(stderr, "%.*s\n", STR_ARG(buf_str(&why)));
        return 1;
    }
    struct accept_job *jobs = calloc(group, sizeof *jobs);
    struct job **list = calloc(group, sizeof *list);
    if (!jobs || !list) return 1;
    int64_t start = clock_mono_ms(clock_system());
    int64_t longest_ms = 0;
    size_t slow = 0;
    double cpu = cpu_seconds();
    for (size_t done = 0; done < count; done += group) {
        for (size_t i = 0; i < group; i++) {
            jobs[i] = (struct accept_job){.job.run = accept_run, .number = (int64_t)(done + i), .body = buf_str(&body)};
            list[i] = &jobs[i].job;
        }
        int64_t began = clock_mono_ms(clock_system());
        writer_batch(ctx, list, group);
        int64_t took = clock_mono_ms(clock_system()) - began;
        if (took > longest_ms) longest_ms = took;
        slow += took > 20;
        for (size_t i = 0; i < group; i++)
            if (jobs[i].job.status != STATUS_OK) return 1;
    }
    int64_t ms = clock_mono_ms(clock_system()) - start;
    cpu = cpu_seconds() - cpu;
    printf("%zu messages, groups of %zu, %zu bytes: %.0f/s, %.1f us CPU each, longest group %lld ms, %zu over 20 ms\n", count,
           group, body_bytes, (double)count * 1000 / (double)(ms > 0 ? ms : 1), cpu * 1e6 / (double)count, (long long)longest_ms,
           slow);
    writer_stop(ctx);
    free(jobs);
    free(list);
    return 0;
}
