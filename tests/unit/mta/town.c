/* town.c - see town.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "town.h"

#include "store/queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of a hundred sites. */
static const struct {
    const char *text;
    unsigned share;
} kinds[SITE_KINDS] = {
    [SITE_GOOD] = {"good", 39},          [SITE_GREY] = {"greylisting", 12}, [SITE_CONNECTIONS] = {"few connections", 6},
    [SITE_RATE] = {"low rate", 6},       [SITE_DOWN] = {"down", 5},         [SITE_SILENT] = {"silent", 4},
    [SITE_BLOCK] = {"blocks us", 4},     [SITE_TARPIT] = {"tarpit", 3},     [SITE_MOODY] = {"moody", 6},
    [SITE_PICKY] = {"picky", 4},         [SITE_PROVIDER] = {"provider", 5}, [SITE_DNS_DEAD] = {"dead DNS", 4},
    [SITE_NO_DOMAIN] = {"no domain", 2},
};

const char *site_kind_text(enum site_kind kind) {
    return kinds[kind].text;
}

/* ---- chance and trace ---- */

static uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t town_chance(struct town *t, uint64_t n) {
    return mix(t->chance += 0x9e3779b97f4a7c15u) % n;
}

static void trace(struct town *t, uint64_t v) {
    t->trace = mix(t->trace ^ v) + 0x9e3779b97f4a7c15u;
}

static int64_t now_of(const struct town *t) {
    return clock_mono_ms(loop_clock(t->w->loop));
}

static void trace_line(struct town_site *s, uint64_t connection, struct str line) {
    struct town *t = s->town;
    trace(t, (uint64_t)now_of(t));
    trace(t, s->number << 32 | connection);
    for (size_t i = 0; i < line.n; i++) trace(t, (unsigned char)line.p[i]);
}

/* ---- what a site says ---- */

static bool is_line(struct str line, const char *verb) {
    return str_starts_nocase(line, str_from_z(verb));
}

static bool is_between(const struct town_site *s) {
    int64_t now = now_of(s->town);
    return now >= s->from_at && now < s->until_at;
}

static void count_limit(struct town_site *s, bool is_turned_away) {
    bool is_late = now_of(s->town) > s->town->begun_at + s->town->traffic_ms / 2;
    s->asked++;
    s->asked_late += is_late;
    s->turned_away += is_turned_away;
    s->turned_away_late += is_turned_away && is_late;
}

static const struct sim_rule *say_grey(struct town_site *s, struct str line) {
    static const struct sim_rule later = {.reply = "451 4.7.1 Greylisted, please try again later\r\n"};
    if (!is_line(line, "RCPT ")) return NULL;
    int64_t *first = map_find(s->first_seen, line);
    if (!first) {
        first = calloc(1, sizeof *first);
        *first = now_of(s->town);
        (void)map_put(s->first_seen, line, first);
    }
    return now_of(s->town) < *first + s->grey_ms ? &later : NULL;
}

static const struct sim_rule *say_connections(struct town_site *s, struct str line) {
    static const struct sim_rule many = {.reply = "421 4.7.0 Too many concurrent SMTP connections from your address\r\n",
                                         .then = SIM_CLOSE};
    if (!is_line(line, "(connect)")) return NULL;
    bool is_turned_away = s->open > s->most;
    count_limit(s, is_turned_away);
    return is_turned_away ? &many : NULL;
}

static const struct sim_rule *say_rate(struct town_site *s, struct str line) {
    static const struct sim_rule fast = {
        .reply = "450 4.2.1 Receiving mail at a rate that prevents additional messages, try again later\r\n"};
    if (!is_line(line, "RCPT ")) return NULL;
    int64_t *oldest = &s->minute[s->minute_next];
    bool is_turned_away = *oldest > 0 && *oldest > now_of(s->town) - MINUTE;
    count_limit(s, is_turned_away);
    if (is_turned_away) return &fast;
    *oldest = now_of(s->town);
    s->minute_next = (s->minute_next + 1) % s->most;
    return NULL;
}

static const struct sim_rule *say_block(struct town_site *s, struct str line) {
    static const struct sim_rule blocked[] = {
        {.reply = "554 5.7.1 Your address [127.0.0.1] is blocked using a blocklist, see https://block.test\r\n",
         .then = SIM_CLOSE},
        {.reply =
             "421 4.7.0 [TSS04] Messages from 127.0.0.1 temporarily deferred due to unexpected volume or user complaints\r\n",
         .then = SIM_CLOSE}};
    if (!is_line(line, "(connect)") || !is_between(s)) return NULL;
    s->retried_while_blocked++;
    return &blocked[s->number % 2];
}

static const struct sim_rule *say_tarpit(struct town_site *s, struct str line) {
    static const struct sim_rule slow[] = {
        {.pattern = "(connect)", .reply = "220 slow.test\r\n", .delay_ms = 4 * MINUTE},
        {.pattern = "EHLO", .reply = "250-slow.test\r\n250 8BITMIME\r\n", .delay_ms = 4 * MINUTE},
        {.pattern = "MAIL", .reply = "250 2.1.0 ok\r\n", .delay_ms = 4 * MINUTE},
        {.pattern = "RCPT", .reply = "250 2.1.5 ok\r\n", .delay_ms = 4 * MINUTE},
        {.pattern = "DATA", .reply = "354 go\r\n", .delay_ms = MINUTE, .then = SIM_MESSAGE},
        {.pattern = "(message)", .reply = "250 2.0.0 taken\r\n", .delay_ms = 9 * MINUTE},
    };
    (void)s;
    for (size_t i = 0; i < sizeof slow / sizeof *slow; i++)
        if (is_line(line, slow[i].pattern)) return &slow[i];
    return NULL;
}

static const struct sim_rule *say_moody(struct town_site *s, struct str line) {
    static const struct sim_rule moods[] = {
        {.pattern = "(connect)", .reply = "421 4.3.2 busy\r\n", .then = SIM_CLOSE},
        {.pattern = "(connect)", .reply = NULL, .then = SIM_RESET},
        {.pattern = "EHLO", .reply = "451 4.3.0 not now\r\n"},
        {.pattern = "MAIL", .reply = "451 4.3.0 try again later\r\n"},
        {.pattern = "RCPT", .reply = "452 4.2.2 mailbox full\r\n"},
        {.pattern = "RCPT", .reply = NULL, .then = SIM_CLOSE},
        {.pattern = "DATA", .reply = "421 4.3.0 going down\r\n", .then = SIM_CLOSE},
        {.pattern = "(message)", .reply = "451 4.3.0 no queue file\r\n"},
    };
    const struct sim_rule *mood = &moods[town_chance(s->town, sizeof moods / sizeof *moods)];
    return is_line(line, mood->pattern) && town_chance(s->town, 3) == 0 ? mood : NULL;
}

static const struct sim_rule *say_picky(struct town_site *s, struct str line) {
    static const struct sim_rule gone = {.reply = "550 5.1.1 No such user\r\n"};
    (void)s;
    return is_line(line, "RCPT TO:<gone") ? &gone : NULL;
}

/* How many messages each connection has carried. */
static void count_carried(struct town_site *s, size_t connection) {
    if (connection >= s->carried_room) {
        size_t room = 2 * connection + 16;
        s->carried = reallocarray(s->carried, room, sizeof *s->carried);
        if (!s->carried) abort();
        memset(s->carried + s->carried_room, 0, (room - s->carried_room) * sizeof *s->carried);
        s->carried_room = room;
    }
    if (++s->carried[connection] > s->carried_peak) s->carried_peak = s->carried[connection];
}

static const struct sim_rule *decide(void *arg, const struct sim_talk *talk, struct str line) {
    static const struct sim_rule *(*const say[SITE_KINDS])(struct town_site *, struct str) = {
        [SITE_GREY] = say_grey,   [SITE_CONNECTIONS] = say_connections, [SITE_RATE] = say_rate,
        [SITE_BLOCK] = say_block, [SITE_TARPIT] = say_tarpit,           [SITE_MOODY] = say_moody,
        [SITE_PICKY] = say_picky,
    };
    struct town_site *s = arg;
    trace_line(s, talk->connection, line);
    if (is_line(line, "(connect)")) {
        s->connects++;
        if (++s->open > s->open_peak) s->open_peak = s->open;
    } else if (is_line(line, "(close)")) {
        s->open--;
        return NULL;
    }
    const struct sim_rule *rule = say[s->kind] ? say[s->kind](s, line) : NULL;
    bool is_mail = is_line(line, "(message)") && talk->message.n > 0; /* none follows a refused RCPT */
    if (is_mail && (!rule || (rule->reply && rule->reply[0] == '2'))) {
        s->taken++;
        count_carried(s, talk->connection);
    }
    return rule;
}

/* ---- building it ---- */

static enum site_kind kind_of(struct town *t, size_t number) {
    if (number < SITE_KINDS) return (enum site_kind)number; /* one of each, then by chance */
    uint64_t left = town_chance(t, 100);
    size_t kind = 0;
    for (; left >= kinds[kind].share; kind++) left -= kinds[kind].share;
    return (enum site_kind)kind;
}

static void site_window(struct town_site *s, int64_t from, int64_t most) {
    s->from_at = now_of(s->town) + (int64_t)town_chance(s->town, (uint64_t)from);
    s->until_at = s->from_at + HOUR + (int64_t)town_chance(s->town, (uint64_t)most);
}

static void site_script(struct town_site *s) {
    struct town *t = s->town;
    switch (s->kind) {
    case SITE_GREY:
        s->grey_ms = town_chance(t, 3) ? 5 * MINUTE : HOUR;
        break;
    case SITE_CONNECTIONS:
        s->most = 1 + (unsigned)town_chance(t, 5);
        break;
    case SITE_RATE:
        s->most = 2 + (unsigned)town_chance(t, 20);
        s->minute = calloc(s->most, sizeof *s->minute);
        break;
    case SITE_PROVIDER: /* apple's row, google's */
        s->most = s->number % 2 ? 10 : 5;
        s->most_messages = s->number % 2 ? 5 : 50;
        break;
    case SITE_DOWN:
    case SITE_SILENT:
    case SITE_BLOCK:
    case SITE_DNS_DEAD:
        site_window(s, 6 * HOUR, 10 * HOUR);
        break;
    default:
        break;
    }
}

static void site_names(struct town_site *s) {
    struct loop *world = s->town->w->loop;
    char ip[56], data[80];
    (void)snprintf(s->domain, sizeof s->domain, "d%zu.test", s->number);
    const char *whose = s->kind != SITE_PROVIDER ? "test" : s->number % 2 ? "icloud.com" : "google.com";
    (void)snprintf(s->mx, sizeof s->mx, "mx.d%zu.%s", s->number, whose);
    (void)snprintf(ip, sizeof ip, "198.18.%zu.%zu", s->number / 250, 1 + s->number % 250);
    (void)snprintf(s->address, sizeof s->address, "%s:25", ip);
    (void)snprintf(data, sizeof data, "10 %s", s->mx);
    if (s->kind == SITE_NO_DOMAIN) return;
    sim_dns_add(world, s->domain, DNS_MX, data);
    sim_dns_add(world, s->mx, DNS_A, ip);
}

static void site_build(struct town *t, size_t number, enum site_kind kind) {
    struct town_site *s = &t->sites[number];
    s->town = t;
    s->number = number;
    s->first_seen = map_new();
    s->kind = kind;
    site_script(s);
    site_names(s);
    s->server = sim_server(t->w->loop, s->address, NULL);
    sim_server_decide(s->server, decide, s);
    sim_server_forget(s->server);
}

static struct town *town_alloc(struct world *w, size_t count, uint64_t seed) {
    struct town *t = calloc(1, sizeof *t);
    t->w = w;
    t->chance = seed;
    t->count = count;
    t->begun_at = now_of(t);
    t->sites = calloc(count, sizeof *t->sites);
    return t;
}

struct town *town_new(struct world *w, size_t count, uint64_t seed) {
    struct town *t = town_alloc(w, count, seed);
    for (size_t i = 0; i < count; i++) site_build(t, i, kind_of(t, i));
    return t;
}

struct town *town_of(struct world *w, size_t count, enum site_kind kind, uint64_t seed) {
    struct town *t = town_alloc(w, count, seed);
    for (size_t i = 0; i < count; i++) site_build(t, i, kind);
    return t;
}

void town_free(struct town **town) {
    struct town *t = *town;
    *town = NULL;
    for (size_t i = 0; i < t->count; i++) {
        struct str key;
        void *value = NULL;
        for (size_t cursor = 0; map_next(t->sites[i].first_seen, &cursor, &key, &value);) free(value);
        map_free(&t->sites[i].first_seen);
        free(t->sites[i].minute);
        free(t->sites[i].carried);
    }
    free(t->sites);
    free(t);
}

/* ---- its days ---- */

/* Sites go down and come back at their times. */
void town_weather(struct town *t) {
    for (size_t i = 0; i < t->count; i++) {
        struct town_site *s = &t->sites[i];
        bool is_now = is_between(s);
        if (s->kind == SITE_DOWN) sim_down(t->w->loop, s->address, is_now);
        if (s->kind == SITE_SILENT) sim_blackhole(t->w->loop, s->address, is_now);
        if (s->kind == SITE_DNS_DEAD) sim_dns_fail(t->w->loop, s->domain, DNS_MX, STATUS_TEMPORARY, is_now ? -1 : 0);
    }
}

/* A few sites get most of the mail, as in life; the slow ones little. */
static struct town_site *site_draw(struct town *t) {
    for (;;) {
        uint64_t a = town_chance(t, t->count), b = town_chance(t, t->count), c = town_chance(t, t->count);
        struct town_site *s = &t->sites[a < b ? (a < c ? a : c) : (b < c ? b : c)];
        if (s->kind != SITE_TARPIT || town_chance(t, 20) == 0) return s;
    }
}

#define TICK_MS    (10 * SECOND)
#define RUSH_TICKS 180 /* a list is sent to one site each half an hour */
#define CODE_TICKS 30

/* What goes out in one tick: a part of the day's mail, now and then a rush to one site, and a one-time code to a good one. */
struct batch {
    struct town *town;
    struct posting *postings;
    char (*names)[80];
    size_t count, room;
};

static void batch_add(struct batch *b, struct town_site *s, const char *who, int priority) {
    if (b->count == b->room) {
        b->room = 2 * b->room + 64;
        b->names = reallocarray(b->names, b->room, sizeof *b->names);
        b->postings = reallocarray(b->postings, b->room, sizeof *b->postings);
        if (!b->names || !b->postings) abort();
    }
    (void)snprintf(b->names[b->count], sizeof b->names[b->count], "%s%zu@%s", who, b->town->posted++, s->domain);
    b->postings[b->count++].priority = priority;
    s->sent++;
}

static void batch_send(struct batch *b) {
    for (size_t i = 0; i < b->count; i++) b->postings[i].recipient = b->names[i]; /* they may have moved */
    if (b->count) (void)mail_many(b->town->w, b->postings, b->count);
    b->count = 0;
}

static void batch_draw(struct batch *b) {
    struct town_site *s = site_draw(b->town);
    bool is_gone = s->kind == SITE_PICKY && town_chance(b->town, 4) == 0;
    batch_add(b, s, is_gone ? "gone" : "u", PRIORITY_BULK);
}

static void batch_rush(struct batch *b, size_t count) {
    struct town_site *s = site_draw(b->town);
    if (s->kind == SITE_TARPIT || s->kind == SITE_PICKY) return;
    if (s->kind == SITE_RATE && count > 60 * s->most) count = 60 * s->most;
    for (size_t i = 0; i < count; i++) batch_add(b, s, "rush", PRIORITY_BULK);
}

static void batch_code(struct batch *b) {
    struct town_site *s = site_draw(b->town);
    while (s->kind != SITE_GOOD) s = site_draw(b->town);
    batch_add(b, s, "code", PRIORITY_TRANSACTIONAL);
}

void town_mail(struct town *t, size_t count, int64_t ms) {
    size_t ticks = (size_t)(ms / TICK_MS), done = 0;
    struct batch b = {.town = t};
    t->traffic_ms = ms;
    t->begun_at = now_of(t);
    for (size_t tick = 0; tick < ticks; tick++) {
        size_t n = count * (tick + 1) / ticks - done;
        for (size_t i = 0; i < n; i++) batch_draw(&b);
        done += n;
        if (tick % RUSH_TICKS == 1) batch_rush(&b, count * RUSH_TICKS / ticks);
        if (tick % CODE_TICKS == 1) batch_code(&b);
        if (tick % 6 == 0) town_weather(t);
        batch_send(&b);
        sim_run_for(t->w->loop, TICK_MS);
    }
    free(b.names);
    free(b.postings);
}

void town_rush(struct town *t, struct town_site *s, size_t count, const char *who, int priority) {
    struct batch b = {.town = t};
    for (size_t i = 0; i < count; i++) {
        batch_add(&b, s, who, priority);
        if (b.count == 1000) batch_send(&b);
    }
    batch_send(&b);
    free(b.names);
    free(b.postings);
}

void town_wait(struct town *t, int64_t ms) {
    for (int64_t at = 0; at < ms; at += MINUTE) {
        town_weather(t);
        sim_run_for(t->w->loop, MINUTE);
        if (at % HOUR == 0 && !world_has(t->w, "SELECT 1 FROM recipients WHERE state IN (0, 1)")) return;
    }
}
