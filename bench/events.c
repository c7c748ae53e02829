/* events.c - years of mail lived through in minutes: what a gateway writes for it, in the order of time, in the writer's groups.
 *
 *   bench-events URL [EVENTS [DAYS [GROUP]]]
 *
 * The database was made by a gateway and holds the sender domains; the first gets the most mail, the others ever less (Zipf).
 * Every row is written by the function that writes it in production: core/accept takes messages, core/delivery settles attempts,
 * core/track follows links, core/events records complaints. Only sockets are left out, and what retention would have taken away:
 * contents older than KEPT_DAYS.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/accept.h"
#include "core/bounce_rules.h"
#include "core/delivery.h"
#include "core/events.h"
#include "core/track.h"
#include "db/db.h"
#include "store/nodes.h"
#include "store/store.h"
#include "store/writer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define KEPT_DAYS   30
#define GROUP_MAX   1000
#define DOMAINS_MAX 1000
#define PEOPLE      2000000 /* whom one could write to; who bounced or left is suppressed */
#define PER_MESSAGE 3.07    /* events, by the shares below and by whom is suppressed by then */
#define ZIPF        0.8     /* of 200 domains the largest has a tenth */
#define HOUR_MS     INT64_C(3600000)
#define HOSTNAME    STR("gw.bench.test")

/* ---- what is sent ---- */
static const struct kind {
    const char *before, *after; /* the number in its subject */
    struct str tags, metadata;
} kinds[] = {
    {"Welcome to our shop, customer ", "", STR_INIT("[\"welcome\",\"onboarding\"]"),
     STR_INIT("{\"JourneyID\":\"start\",\"ActionID\":\"1\"}")},
    {"Your invoice ", " is ready", STR_INIT("[\"invoice\"]"), STR_INIT("{}")},
    {"Order ", " has been shipped", STR_INIT("[\"order\"]"), STR_INIT("{}")},
    {"Reset your password (", ")", STR_INIT("[\"account\"]"), STR_INIT("{}")},
    {"News of the week ", "", STR_INIT("[\"news\"]"), STR_INIT("{\"JourneyID\":\"weekly\",\"ActionID\":\"7\"}")},
    {"Spring sale: ", " things for less", STR_INIT("[\"news\",\"spring\"]"),
     STR_INIT("{\"JourneyID\":\"sale\",\"ActionID\":\"2\"}")},
    {"You left something in your basket ", "", STR_INIT("[\"basket\"]"),
     STR_INIT("{\"JourneyID\":\"basket\",\"ActionID\":\"3\"}")},
    {"Your code is ", "", STR_INIT("[]"), STR_INIT("{}")},
    {"How did we do with order ", "?", STR_INIT("[\"survey\"]"), STR_INIT("{}")},
    {"Reminder: your appointment ", "", STR_INIT("[\"reminder\"]"), STR_INIT("{\"Customer\":\"4711\"}")},
};
#define KIND_COUNT (sizeof kinds / sizeof kinds[0])
static const char *const agents[] = {
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Mobile/15E148 "
    "Safari/604.1",
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Thunderbird/115.10.1",
    "Mozilla/5.0 (iPad; CPU OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/604.1",
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)", /* a machine */
    "Mozilla/5.0",                                                                               /* another */
};
static const char *const countries[] = {"DE", "US", "US", "GB", "FR", "TR", "NL", "AT", "IN", "BR", "PL", "JP"};
static const struct {
    unsigned code;
    const char *enhanced, *text;
} refusals[] = {
    {550, "5.1.1", "The email account that you tried to reach does not exist"},
    {550, "5.2.1", "The account is disabled"},
    {552, "5.2.2", "The mailbox is over quota"},
    {554, "5.7.1", "Message rejected as spam by content filtering"},
    {550, "5.1.1", "User unknown"},
};
#define COUNT_OF(a) (sizeof(a) / sizeof(a)[0])

/* ---- what is to come ---- */
enum what { WHAT_ACCEPT, WHAT_SETTLE, WHAT_OPEN, WHAT_CLICK, WHAT_LEAVE, WHAT_COMPLAIN };
struct item {
    int64_t at, message_id, recipient_id;
    unsigned person; /* of those one could write to */
    unsigned short domain;
    unsigned char what, kind, tries;
};
struct world {
    uint64_t seed;
    struct bounce_rules *rules;
    struct node_epoch node;
    struct item *heap;
    size_t count, room;
    int64_t begin, end, message_count, messages_made, events;
    int64_t ids[DOMAINS_MAX], accounts[DOMAINS_MAX];
    char names[DOMAINS_MAX][128];
    double shares[DOMAINS_MAX]; /* of the domains up to each */
    int domain_count;
};

static unsigned roll(uint64_t *seed, unsigned sides) {
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(*seed >> 33) % sides;
}

static bool happens(uint64_t *seed, unsigned of_thousand) {
    return roll(seed, 1000) < of_thousand;
}

static void push(struct world *w, struct item item) {
    if (item.at >= w->end && item.what != WHAT_SETTLE) return;
    if (w->count == w->room) {
        w->room = w->room ? w->room * 2 : 1024;
        w->heap = realloc(w->heap, w->room * sizeof *w->heap);
        if (!w->heap) abort();
    }
    size_t i = w->count++;
    for (; i > 0 && w->heap[(i - 1) / 2].at > item.at; i = (i - 1) / 2) w->heap[i] = w->heap[(i - 1) / 2];
    w->heap[i] = item;
}

static struct item pop(struct world *w) {
    struct item first = w->heap[0], last = w->heap[--w->count];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < w->count; i = child) {
        if (child + 1 < w->count && w->heap[child + 1].at < w->heap[child].at) child++;
        if (w->heap[child].at >= last.at) break;
        w->heap[i] = w->heap[child];
    }
    w->heap[i] = last;
    return first;
}

static unsigned short pick_domain(struct world *w) {
    double at = roll(&w->seed, 1 << 30) / (double)(1 << 30);
    int low = 0, high = w->domain_count - 1;
    while (low < high) {
        int middle = (low + high) / 2;
        if (w->shares[middle] < at)
            low = middle + 1;
        else
            high = middle;
    }
    return (unsigned short)low;
}

static struct item next_message(struct world *w) {
    int64_t n = w->messages_made++;
    return (struct item){.at = w->begin + (int64_t)((double)n / (double)w->message_count * (double)(w->end - w->begin)),
                         .person = roll(&w->seed, PEOPLE),
                         .domain = pick_domain(w),
                         .what = WHAT_ACCEPT,
                         .kind = (unsigned char)roll(&w->seed, KIND_COUNT)};
}

/* The next in time. False: all is over. */
static bool next_item(struct world *w, struct item *ret, struct item *fresh) {
    if (fresh->at == 0 && w->messages_made < w->message_count) *fresh = next_message(w);
    if (fresh->at && (w->count == 0 || fresh->at <= w->heap[0].at)) {
        *ret = *fresh;
        fresh->at = 0;
        return true;
    }
    if (w->count == 0) return false;
    *ret = pop(w);
    return true;
}

/* ---- what becomes of it ---- */
struct step {
    struct job job;
    struct world *world;
    struct item item;
    uint64_t seed;
    struct arena arena;
    struct queue_entry entries[3];
    unsigned persons[3];
    size_t entry_count;
    struct settlement settled;
    int64_t event_count;
};

/* The first providers have most of the people. */
static struct str provider_of(struct arena *arena, unsigned person) {
    unsigned spread = person % 97 + 1;
    return arena_strf(arena, "provider%u.example", person % spread % 40 + 1);
}

static struct str address_of(struct arena *arena, unsigned person) {
    struct str provider = provider_of(arena, person);
    return arena_strf(arena, "user%u@%.*s", person, STR_ARG(provider));
}

static size_t write_to(struct step *s, struct accept_recipient *to) {
    size_t count = happens(&s->seed, 40) ? 3 : 1;
    for (size_t i = 0; i < count; i++) {
        s->persons[i] = s->item.person + (unsigned)i;
        to[i] = (struct accept_recipient){.address = address_of(&s->arena, s->persons[i]),
                                          .domain = provider_of(&s->arena, s->persons[i])};
    }
    return count;
}

/* Only who is waiting has an entry. */
static void keep_waiting(struct step *s, const struct acceptance *a, const struct accept_request *request) {
    size_t kept = 0;
    for (size_t i = 0; i < a->recipient_count; i++) {
        bool is_suppressed = false;
        for (size_t k = 0; k < request->suppressed_count; k++)
            is_suppressed = is_suppressed || str_eq(request->suppressed[k], a->recipients[i].address);
        if (!is_suppressed) s->persons[kept++] = s->persons[i];
    }
    memcpy(s->entries, a->entries, a->entry_count * sizeof *a->entries);
    s->entry_count = a->entry_count;
    s->event_count = (int64_t)a->recipient_count;
}

static struct message make_message(struct step *s) {
    const struct world *w = s->world;
    const struct item *it = &s->item;
    const struct kind *kind = &kinds[it->kind];
    struct id uuid = id_make(it->at, rand_system());
    struct str domain = str_from_z(w->names[it->domain]);
    return (struct message){.uuid = uuid,
                            .account_id = w->accounts[it->domain],
                            .domain_id = w->ids[it->domain],
                            .created_at = it->at,
                            .expires_at = it->at + 3 * CLOCK_DAY_MS,
                            .sender = arena_strf(&s->arena, "news@%.*s", STR_ARG(domain)),
                            .subject = arena_strf(&s->arena, "%s%u%s", kind->before, roll(&s->seed, 100000), kind->after),
                            .rfc_message_id = accept_message_id(&s->arena, uuid, domain),
                            .tags = kind->tags,
                            .metadata = kind->metadata,
                            .size_bytes = 1000};
}

static enum status run_accept(struct db *tx, struct step *s) {
    static const char content[] = "Subject: kept for thirty days\r\n\r\nHello\r\n";
    struct world *w = s->world;
    struct accept_recipient to[3];
    struct acceptance a = {.message = make_message(s),
                           .content = str_from_z(content),
                           .recipients = to,
                           .recipient_count = write_to(s, to),
                           .due_at = s->item.at,
                           .owner = w->node};
    struct accept_request request = {.messages = &a, .message_count = 1};
    struct acceptor by = {.quota = {.account_id = a.message.account_id, .now = s->item.at}};
    enum status status = accept_begin(tx, &by);
    if (status == STATUS_OK) status = accept_request(tx, &s->arena, &by, &request);
    if (status == STATUS_OK && request.outcome == ACCEPT_NEW) status = accept_end(tx, &by);
    if (status != STATUS_OK || request.outcome != ACCEPT_NEW) return status;
    keep_waiting(s, &a, &request);
    return s->item.at < w->end - KEPT_DAYS * CLOCK_DAY_MS && a.entry_count ? body_delete(tx, a.message.id) : STATUS_OK;
}

static void refuse(struct step *s) {
    size_t i = roll(&s->seed, COUNT_OF(refusals));
    struct delivery_report *r = &s->settled.report;
    struct bounce_reply reply = {refusals[i].code, str_from_z(refusals[i].enhanced), str_from_z(refusals[i].text), r->mx_host};
    r->code = reply.code;
    r->enhanced = reply.enhanced;
    r->text = reply.text;
    r->command = STR("RCPT");
    s->settled.outcome = DELIVERY_BOUNCED;
    s->settled.reason = reply.text;
    (void)bounce_rules_judge(s->world->rules, &reply, &s->settled.bounce);
}

static void defer(struct step *s) {
    struct delivery_report *r = &s->settled.report;
    r->code = 451;
    r->enhanced = STR("4.7.1");
    r->text = STR("Greylisted, please come again later");
    r->command = STR("RCPT");
    s->settled.outcome = DELIVERY_DEFERRED;
    s->settled.reason = r->text;
    s->settled.next_at = s->item.at + 10 * 60000;
}

static enum status run_settle(struct db *tx, struct step *s) {
    struct world *w = s->world;
    struct str provider = provider_of(&s->arena, s->item.person);
    struct dsn_desk desk = {.owner = w->node, .hostname = HOSTNAME, .rand = rand_system(), .arena = &s->arena};
    bool applied;
    s->settled =
        (struct settlement){.recipient_id = s->item.recipient_id,
                            .attempts = s->item.tries,
                            .outcome = DELIVERY_DELIVERED,
                            .at = s->item.at,
                            .report = {.site = arena_strf(&s->arena, "mx.%.*s", STR_ARG(provider)),
                                       .mx_host = arena_strf(&s->arena, "mx%u.%.*s", roll(&s->seed, 4), STR_ARG(provider)),
                                       .mx_address = STR("198.51.100.25"),
                                       .source_address = STR("192.0.2.1"),
                                       .tls_version = STR("TLSv1.3"),
                                       .tls_cipher = STR("TLS_AES_256_GCM_SHA384"),
                                       .tls_policy = STR("opportunistic"),
                                       .code = 250,
                                       .enhanced = STR("2.0.0"),
                                       .text = arena_strf(&s->arena, "OK queued as %08X", roll(&s->seed, 1u << 30)),
                                       .command = STR("."),
                                       .session_ms = 40 + roll(&s->seed, 900)}};
    if (s->item.tries == 0 && happens(&s->seed, 50))
        defer(s);
    else if (happens(&s->seed, 25))
        refuse(s);
    enum status status = delivery_settle(tx, &desk, &s->settled, &applied);
    if (status == STATUS_OK && !applied) return STATUS_CORRUPT;
    s->event_count = 1;
    return status;
}

static enum status run_hit(struct db *tx, struct step *s) {
    static const enum track_kind of[] = {[WHAT_OPEN] = TRACK_OPEN, [WHAT_CLICK] = TRACK_CLICK, [WHAT_LEAVE] = TRACK_UNSUBSCRIBE};
    struct world *w = s->world;
    const struct track_place place = {.hostname = HOSTNAME, .link_host = STR(""), .other_hosts = STR("")};
    unsigned agent = s->item.what == WHAT_OPEN ? roll(&s->seed, COUNT_OF(agents)) : roll(&s->seed, 5), link = roll(&s->seed, 25);
    struct track_hit hit = {
        .token = {.kind = of[s->item.what],
                  .domain_id = w->ids[s->item.domain],
                  .message_id = s->item.message_id,
                  .recipient_id = s->item.recipient_id,
                  .link = link % 4,
                  .target = arena_strf(&s->arena, "https://shop.example/%s/%u", s->item.kind % 2 ? "offers" : "articles", link)},
        .host = HOSTNAME,
        .reader = {.user_agent = str_from_z(agents[agent]),
                   .client = arena_strf(&s->arena, "203.0.113.%u", s->item.person % 250),
                   .country = str_from_z(countries[s->item.person % COUNT_OF(countries)])},
        .now = s->item.at,
        .scope = LEAVE_LIST,
        .is_one_click = true};
    struct tracked tracked = {0};
    enum status status = track_hit(tx, &place, &hit, &tracked);
    s->event_count = tracked.event_id != 0;
    return status;
}

static enum status run_complaint(struct db *tx, struct step *s) {
    const struct world *w = s->world;
    const struct event event = {.at = s->item.at,
                                .type = EVENT_COMPLAINT,
                                .account_id = w->accounts[s->item.domain],
                                .domain_id = w->ids[s->item.domain],
                                .message_id = s->item.message_id,
                                .recipient_id = s->item.recipient_id,
                                .recipient = address_of(&s->arena, s->item.person),
                                .detail = STR("{\"FeedbackType\":\"abuse\"}")};
    int64_t id;
    enum status status = event_write(tx, &event, kinds[s->item.kind].tags, EVENT_ONCE, &id);
    s->event_count = status == STATUS_OK;
    return status == STATUS_EXISTS ? STATUS_OK : status;
}

static enum status run_step(struct job *job, void *ctx) {
    static enum status (*const runs[])(struct db *, struct step *) = {
        [WHAT_ACCEPT] = run_accept, [WHAT_SETTLE] = run_settle, [WHAT_OPEN] = run_hit,
        [WHAT_CLICK] = run_hit,     [WHAT_LEAVE] = run_hit,     [WHAT_COMPLAIN] = run_complaint};
    struct step *s = (struct step *)(void *)job;
    arena_fini(&s->arena);
    s->entry_count = 0;
    s->event_count = 0;
    return runs[s->item.what](ctx, s);
}

/* ---- what follows of it ---- */
static void then(struct world *w, const struct item *of, enum what what, int64_t after_ms) {
    struct item next = *of;
    next.what = (unsigned char)what;
    next.at += after_ms;
    push(w, next);
}

/* People read within hours, some within days, some again. */
static int64_t patience_ms(struct world *w) {
    int64_t range = happens(&w->seed, 700) ? 3 * HOUR_MS : 4 * 24 * HOUR_MS;
    return 3000 + (int64_t)((double)range * (roll(&w->seed, 100000) / 1e5));
}

static void follow_delivery(struct world *w, const struct item *of) {
    int64_t opened = patience_ms(w);
    if (happens(&w->seed, 120)) then(w, of, WHAT_OPEN, 500 + roll(&w->seed, 1400)); /* a machine's */
    if (happens(&w->seed, 1)) then(w, of, WHAT_COMPLAIN, opened + HOUR_MS);
    if (!happens(&w->seed, 480)) return;
    then(w, of, WHAT_OPEN, opened);
    for (int i = 0; i < 3 && happens(&w->seed, 350); i++) then(w, of, WHAT_OPEN, opened + patience_ms(w));
    for (int i = 0; i < 3 && happens(&w->seed, 400); i++)
        then(w, of, WHAT_CLICK, opened + 4000 + 15000 * i + roll(&w->seed, 10000));
    if (happens(&w->seed, 4)) then(w, of, WHAT_LEAVE, opened + 60000);
}

static void follow(struct world *w, const struct step *s) {
    for (size_t i = 0; i < s->entry_count; i++) {
        struct item next = s->item;
        next.message_id = s->entries[i].message_id;
        next.recipient_id = s->entries[i].recipient_id;
        next.person = s->persons[i];
        then(w, &next, WHAT_SETTLE, 300 + roll(&w->seed, 20000));
    }
    if (s->item.what != WHAT_SETTLE) return;
    if (s->settled.outcome == DELIVERY_DELIVERED) follow_delivery(w, &s->item);
    if (s->settled.outcome != DELIVERY_DEFERRED) return;
    struct item again = s->item;
    again.tries++;
    then(w, &again, WHAT_SETTLE, 10 * 60000);
}

/* ---- all of it ---- */
static enum status live(struct world *w, void *writer, size_t group) {
    struct step *steps = calloc(group, sizeof *steps);
    struct job **jobs = calloc(group, sizeof *jobs);
    struct item fresh = {.at = 0}, item;
    enum status status = STATUS_OK;
    size_t count;
    if (!steps || !jobs) abort();
    do {
        for (count = 0; count < group && next_item(w, &item, &fresh); count++) {
            steps[count] = (struct step){.job.run = run_step, .world = w, .item = item};
            steps[count].seed = (uint64_t)roll(&w->seed, 1u << 30) << 32 | roll(&w->seed, 1u << 30);
            jobs[count] = &steps[count].job;
        }
        writer_batch(writer, jobs, count);
        for (size_t i = 0; i < count; i++) {
            if (status == STATUS_OK) status = steps[i].job.status;
            w->events += steps[i].event_count;
            follow(w, &steps[i]);
            arena_fini(&steps[i].arena);
        }
    } while (status == STATUS_OK && count == group);
    free(steps);
    free(jobs);
    return status;
}

/* The domains in order of id; which life the node has. */
static enum status look(struct world *w, struct str url, struct buf *why) {
    struct db *db = NULL;
    double sum = 0, so_far = 0;
    enum status status = db_open(&(struct db_options){.url = url}, why, &db);
    if (status != STATUS_OK) return status;
    status = db_begin(db);
    if (status == STATUS_OK) status = node_start(db, STR("bench"), w->begin, &w->node);
    struct stmt *s = db_stmt(db, "SELECT id, account_id, name FROM domains ORDER BY id");
    while (status == STATUS_OK && w->domain_count < DOMAINS_MAX && stmt_step(s) == STATUS_ROW) {
        int i = w->domain_count++;
        w->ids[i] = stmt_int(s, 0);
        w->accounts[i] = stmt_int(s, 1);
        snprintf(w->names[i], sizeof w->names[i], "%.*s", STR_ARG(stmt_text(s, 2)));
        sum += pow(i + 1, -ZIPF);
    }
    for (int i = 0; i < w->domain_count; i++) w->shares[i] = so_far += pow(i + 1, -ZIPF) / sum;
    if (status == STATUS_OK) status = db_commit(db);
    db_close(&db);
    return w->domain_count ? status : STATUS_NOT_FOUND;
}

static int64_t number_arg(int argc, char **argv, int i, int64_t otherwise) {
    int64_t v = otherwise;
    if (argc > i && (!str_to_i64(str_from_z(argv[i]), &v) || v < 1)) exit(2);
    return v;
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

static void report(const struct world *w, int64_t ms, double cpu) {
    printf("messages=%lld events=%lld seconds=%.1f per_s=%.0f cpu_us=%.1f\n", (long long)w->messages_made, (long long)w->events,
           (double)ms / 1e3, (double)w->events * 1e3 / (double)(ms > 0 ? ms : 1),
           cpu * 1e6 / (double)(w->events ? w->events : 1));
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    BUF_AUTO why = {0};
    struct world *w = calloc(1, sizeof *w);
    struct writer_options options = {.url = str_from_z(argv[1]), .fatal = on_fatal};
    struct bounce_rules_file builtin = bounce_rules_builtin();
    void *writer = NULL;
    if (!w) abort();
    w->seed = 1;
    w->end = clock_wall_ms(clock_system()) - HOUR_MS;
    w->begin = w->end - number_arg(argc, argv, 3, 400) * CLOCK_DAY_MS;
    w->message_count = (int64_t)((double)number_arg(argc, argv, 2, 1000000) / PER_MESSAGE);
    size_t group = (size_t)number_arg(argc, argv, 4, 200);
    if (group > GROUP_MAX || bounce_rules_new(&builtin, 1, &w->rules, &why) != STATUS_OK ||
        store_open(options.url, &why) != STATUS_OK || look(w, options.url, &why) != STATUS_OK ||
        writer_start(&options, &writer) != STATUS_OK) {
        fprintf(stderr, "%.*s\n", STR_ARG(buf_str(&why)));
        return 1;
    }
    int64_t start = clock_mono_ms(clock_system());
    double cpu = cpu_seconds();
    enum status status = live(w, writer, group);
    report(w, clock_mono_ms(clock_system()) - start, cpu_seconds() - cpu);
    if (status != STATUS_OK) fprintf(stderr, "%s\n", status_text(status));
    writer_stop(writer);
    bounce_rules_free(&w->rules);
    free(w->heap);
    free(w);
    return status == STATUS_OK ? 0 : 1;
}
