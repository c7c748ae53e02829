/* test_queries.c - the search language against an evaluator that knows nothing of it but what it says to people.
 *
 * A random sentence is made as a tree, written out as text with brackets, quotes and blanks as people might put them, and asked
 * of the store; the tree is asked of each event in memory. Then bytes thrown together: what is no sentence is refused with a
 * place, and what is one is answered by the engine. How much an engine looks at is counted (SQLite, in steps of its machine).
 * SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "base/clock.h"
#include "core/event_narrow.h"
#include "core/events.h"
#include "store/event_group.h"
#include "store/event_list.h"
#include "store/words.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define START     INT64_C(1767225600000) /* 2026-01-01 */
#define MESSAGES  40
#define EVENTS    240
#define SENTENCES 400
#define TEXT_MAX  200

/* ---- what happened ---- */
enum fact {
    FACT_RECIPIENT,
    FACT_RECIPIENT_DOMAIN,
    FACT_SENDER,
    FACT_SUBJECT,
    FACT_UUID,
    FACT_LINK,
    FACT_CLASS,
    FACT_CODE,
    FACT_MX,
    FACT_COUNTRY,
    FACT_DEVICE,
    FACT_AGENT,
    FACT_CLIENT,
    FACT_IP,
    FACT_BOT,
    FACT_JOURNEY,
    FACT_ACTION,
    FACT_LIST,
    FACT_SUBSCRIBER,
    FACT_TAG_ONE,
    FACT_TAG_TWO,
    FACT_RFC_ID, /* the rest has no name in the language */
    FACT_COUNT
};
static const char *const fact_names[FACT_COUNT] = {
    "recipient", "recipientDomain", "sender",       "subject",   "messageId", "link", "bounceClass", "smtpCode",
    "mxHost",    "country",         "device",       "userAgent", "client",    "ip",   "bot",         "journeyId",
    "actionId",  "listId",          "subscriberId", "tag",       "tag",       NULL,
};
struct fact_row {
    int64_t id, at;
    enum event_type type;
    char texts[FACT_COUNT][TEXT_MAX];
};
struct world {
    struct fixture *f;
    int64_t account, domain;
    uint64_t seed;
    struct fact_row rows[EVENTS];
};

static unsigned roll(struct world *w, unsigned sides) {
    w->seed = w->seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(w->seed >> 33) % sides;
}
#define PICK(w, list) ((list)[roll((w), sizeof(list) / sizeof(list)[0])])

static void say(char text[TEXT_MAX], const char *value) {
    snprintf(text, TEXT_MAX, "%s", value);
}

static const char *const subjects[] = {"Welcome to our shop",
                                       "WELCOME back, Ann",
                                       "100% off_now \\ o'hara's [sale]",
                                       ("\xC3\x9C"
                                        "bung macht den Meister"),
                                       "Your order 4711 has been shipped",
                                       "to our shop: welcome",
                                       "\xE6\x97\xA5\xE6\x9C\xAC \xE2\x80\x94 AND \"OR\"",
                                       "",
                                       "re:re:re",
                                       "order"};
static const char *const people[] = {"ann@x.test",       "Bob@y.test",        "o'hara+news@z.test",
                                     "ann.order@x.test", "a_b%c@mail.x.test", "x@y.test"};

static const char *domain_of(const char *address) {
    return strrchr(address, '@') + 1;
}

static void say_lower(char text[TEXT_MAX], const char *value) {
    say(text, value);
    for (char *p = text; *p; p++) *p = ascii_lower(*p);
}

static void live_message(struct world *w, unsigned number, struct fact_row *like, struct message *ret) {
    static const char *const senders[] = {"news@example.com", "O'Hara@example.com", "info@mail.example.com"};
    static const char *const journeys[] = {"", "J1", "j2", "weekly"};
    static const char *const tags[] = {"", "welcome", "EU", "o'tag", "order 1"};
    BUF_AUTO labels = {0};
    BUF_AUTO list = {0};
    struct id uuid;
    for (size_t i = 0; i < sizeof uuid.b; i++) uuid.b[i] = (uint8_t)(i < 4 ? number >> 2 : roll(w, 256));
    for (size_t i = 0; i < sizeof uuid.b; i++) snprintf(like->texts[FACT_UUID] + 2 * i, 3, "%02x", uuid.b[i]);
    say(like->texts[FACT_SENDER], PICK(w, senders));
    say(like->texts[FACT_SUBJECT], PICK(w, subjects));
    say(like->texts[FACT_JOURNEY], PICK(w, journeys));
    say(like->texts[FACT_ACTION], roll(w, 2) ? "7" : "");
    say(like->texts[FACT_LIST], roll(w, 2) ? "12" : "");
    say(like->texts[FACT_SUBSCRIBER], roll(w, 4) ? "" : "99");
    say(like->texts[FACT_TAG_ONE], PICK(w, tags));
    say(like->texts[FACT_TAG_TWO], like->texts[FACT_TAG_ONE][0] ? (roll(w, 2) ? "second" : "") : "");
    snprintf(like->texts[FACT_RFC_ID], TEXT_MAX, "Id.%u@gw.test", number);
    static const int members[] = {FACT_JOURNEY, FACT_ACTION, FACT_LIST, FACT_SUBSCRIBER};
    static const char *const names[] = {"JourneyID", "ActionID", "ListID", "SubscriberID"};
    for (size_t i = 0; i < 4; i++)
        if (like->texts[members[i]][0])
            buf_addf(&labels, "%s\"%s\":\"%s\"", labels.n ? "," : "{", names[i], like->texts[members[i]]);
    buf_add_z(&labels, labels.n ? "}" : "{}");
    for (int i = FACT_TAG_ONE; i <= FACT_TAG_TWO; i++)
        if (like->texts[i][0]) buf_addf(&list, "%s\"%s\"", list.n ? "," : "[", like->texts[i]);
    buf_add_z(&list, list.n ? "]" : "[]");
    *ret = (struct message){.uuid = uuid,
                            .account_id = w->account,
                            .domain_id = w->domain,
                            .created_at = START + number,
                            .expires_at = START + CLOCK_DAY_MS,
                            .sender = str_from_z(like->texts[FACT_SENDER]),
                            .subject = str_from_z(like->texts[FACT_SUBJECT]),
                            .rfc_message_id = str_from_z(like->texts[FACT_RFC_ID]),
                            .tags = arena_str(&w->f->arena, buf_str(&list)),
                            .metadata = arena_str(&w->f->arena, buf_str(&labels)),
                            .size_bytes = 1};
}

static struct str live_detail(struct world *w, struct fact_row *row) {
    static const char *const hosts[] = {"mx1.x.test", "MX2.y.test"},
                             *const agents[] = {"Mozilla/5.0 (Mac OS)", "Thunderbird 115", "100%_bot"},
                             *const codes[] = {"250", "450", "550", "552"},
                             *const classes[] = {"BadDomain", "QuotaIssues", "spam-block"},
                             *const links[] = {"https://shop.test/a?b=c:d", "https://Shop.test/x y", "https://z.test/"};
    bool is_dialogue = row->type <= EVENT_FAILED && row->type != EVENT_SEND,
         is_hit = row->type == EVENT_OPEN || row->type == EVENT_CLICK;
    if (is_dialogue) {
        say(row->texts[FACT_MX], PICK(w, hosts));
        say(row->texts[FACT_CODE], PICK(w, codes));
    }
    if (row->type == EVENT_BOUNCE) say(row->texts[FACT_CLASS], PICK(w, classes));
    if (row->type == EVENT_CLICK) say(row->texts[FACT_LINK], PICK(w, links));
    if (is_hit) {
        say(row->texts[FACT_AGENT], PICK(w, agents));
        say(row->texts[FACT_COUNTRY], roll(w, 2) ? "DE" : "at");
        say(row->texts[FACT_DEVICE], roll(w, 2) ? "desktop" : "mobile");
        say(row->texts[FACT_CLIENT], "Firefox");
        say(row->texts[FACT_IP], roll(w, 2) ? "192.0.2.1" : "2001:db8::1");
        say(row->texts[FACT_BOT], roll(w, 5) ? "false" : "true");
    }
    BUF_AUTO json = {0};
    buf_add_z(&json, "{\"x\":1");
    static const int plain[] = {FACT_MX, FACT_LINK, FACT_AGENT, FACT_COUNTRY, FACT_DEVICE, FACT_CLIENT, FACT_IP};
    static const char *const names[] = {"MXHost", "Link", "UserAgent", "Country", "Device", "Client", "IpAddress"};
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        if (row->texts[plain[i]][0]) buf_addf(&json, ",\"%s\":\"%s\"", names[i], row->texts[plain[i]]);
    if (row->texts[FACT_CODE][0]) buf_addf(&json, ",\"Reply\":{\"Code\":%s}", row->texts[FACT_CODE]);
    if (row->texts[FACT_CLASS][0]) buf_addf(&json, ",\"Bounce\":{\"Class\":\"%s\",\"Hard\":true}", row->texts[FACT_CLASS]);
    buf_add_char(&json, '}');
    return arena_str(&w->f->arena, buf_str(&json));
}

static void live_event(struct world *w, struct fact_row *row, const struct message *message, int64_t message_id) {
    say(row->texts[FACT_RECIPIENT], people[(size_t)message_id % (sizeof people / sizeof people[0])]);
    say_lower(row->texts[FACT_RECIPIENT_DOMAIN], domain_of(row->texts[FACT_RECIPIENT]));
    row->type = (enum event_type)(1 + roll(w, EVENT_TYPE_COUNT - 1));
    row->at = START + (int64_t)roll(w, 96) * CLOCK_DAY_MS / 24;
    struct event event = {.at = row->at,
                          .type = row->type,
                          .account_id = w->account,
                          .domain_id = w->domain,
                          .message_id = message_id,
                          .recipient_id = message_id,
                          .recipient = str_from_z(row->texts[FACT_RECIPIENT])};
    event.detail = live_detail(w, row);
    bool is_machine = strcmp(row->texts[FACT_BOT], "true") == 0;
    assert_ok(event_write(w->f->db, &event, message->tags, is_machine ? EVENT_BY_MACHINE : EVENT_AS_IT_COMES, &row->id));
}

static struct world *world_new(void) {
    struct world *w = calloc(1, sizeof *w);
    if (!w) abort();
    w->f = fixture_new();
    w->seed = 3;
    w->account = make_account(w->f->db, "a@example.com");
    w->domain = make_domain(w->f->db, w->account, "example.com");
    int64_t other = make_domain(w->f->db, w->account, "example.net");
    for (unsigned m = 0; m < MESSAGES; m++) {
        struct fact_row like = {0};
        struct message message;
        live_message(w, m, &like, &message);
        assert_ok(message_add(w->f->db, &message, &message.id));
        const struct str to = str_from_z(people[(size_t)message.id % (sizeof people / sizeof people[0])]);
        assert_ok(words_add(w->f->db, &message, &to, 1));
        for (unsigned e = 0; e < EVENTS / MESSAGES; e++) {
            struct fact_row *row = &w->rows[m * (EVENTS / MESSAGES) + e];
            *row = like;
            live_event(w, row, &message, message.id);
        }
        struct event neighbour = {.at = START,
                                  .type = EVENT_SEND,
                                  .account_id = w->account,
                                  .domain_id = other,
                                  .message_id = message.id,
                                  .recipient_id = message.id,
                                  .recipient = to};
        int64_t id;
        assert_ok(event_record(w->f->db, &neighbour, &id));
    }
    fixture_commit(w->f);
    return w;
}

static void world_free(struct world *w) {
    fixture_free(w->f);
    free(w);
}

/* ---- sentences ---- */
enum node_kind { NODE_OR, NODE_AND, NODE_NOT, NODE_TERM };
enum match { MATCH_IS, MATCH_PREFIX, MATCH_RANGE, MATCH_PRESENT };
enum about { ABOUT_ANYTHING, ABOUT_FACT, ABOUT_TYPE, ABOUT_DATE };
struct node {
    enum node_kind kind;
    struct node *left, *right; /* NOT: left */
    enum about about;
    int fact;
    enum match match;
    char value[TEXT_MAX], to[TEXT_MAX];
};

static bool has_any(const char *text, const char *signs) {
    return text[strcspn(text, signs)] != '\0';
}

static bool needs_quotes(const char *value, bool is_bare) {
    return has_any(value, " ()\"\\*]") || (is_bare && strchr(value, ':')) || strchr("[<>", value[0]) || !strcmp(value, "AND") ||
           !strcmp(value, "OR") || !strcmp(value, "NOT") || !strcmp(value, "TO");
}

static void add_quoted(struct buf *out, const char *value) {
    buf_add_char(out, '"');
    for (; *value; value++) buf_addf(out, *value == '"' || *value == '\\' ? "\\%c" : "%c", *value);
    buf_add_char(out, '"');
}

static void add_value(struct world *w, struct buf *out, const char *value, bool is_bare) {
    if (needs_quotes(value, is_bare) || !roll(w, 3))
        add_quoted(out, value);
    else
        buf_add_z(out, value);
}

static void add_bound(struct world *w, struct buf *out, const char *value) {
    if (value[0])
        add_value(w, out, value, false);
    else
        buf_add_char(out, '*');
}

/* In any case of its letters. */
static void add_name(struct world *w, struct buf *out, const char *name) {
    bool is_lower = !roll(w, 4);
    for (; *name; name++) buf_add_char(out, is_lower ? ascii_lower(*name) : *name);
    buf_add_char(out, ':');
}

static void write_term(struct world *w, const struct node *n, struct buf *out) {
    static const char *const names[] = {[ABOUT_TYPE] = "eventType", [ABOUT_DATE] = "date"};
    if (n->about != ABOUT_ANYTHING) add_name(w, out, n->about == ABOUT_FACT ? fact_names[n->fact] : names[n->about]);
    if (n->match == MATCH_IS) add_value(w, out, n->value, n->about == ABOUT_ANYTHING);
    if (n->match == MATCH_PREFIX) buf_addf(out, "%s*", n->value);
    if (n->match == MATCH_PRESENT) buf_add_char(out, '*');
    if (n->match != MATCH_RANGE) return;
    buf_add_char(out, '[');
    add_bound(w, out, n->value);
    buf_add_z(out, " TO ");
    add_bound(w, out, n->to);
    buf_add_char(out, ']');
}

/* Brackets where they must be, and sometimes more. */
static void write_tree(struct world *w, const struct node *n, enum node_kind above, struct buf *out) {
    bool has_brackets = n->kind < above || !roll(w, 8);
    if (has_brackets) buf_add_char(out, '(');
    if (n->kind == NODE_TERM) {
        write_term(w, n, out);
    } else if (n->kind == NODE_NOT) {
        buf_add_z(out, "NOT ");
        write_tree(w, n->left, NODE_NOT, out);
    } else {
        write_tree(w, n->left, n->kind, out);
        buf_add_z(out, n->kind == NODE_OR ? " OR " : roll(w, 2) ? " AND " : "  ");
        write_tree(w, n->right, n->kind, out);
    }
    if (has_brackets) buf_add_char(out, ')');
}

/* A value that some event has, perhaps in other letters, perhaps a part of it, perhaps none. */
static void take_value(struct world *w, int fact, char value[TEXT_MAX]) {
    static const char *const others[] = {"nothing", "o'", "%", "_", "x", "TO", "\xE2\x80\x94", "--"};
    bool is_lower = !roll(w, 3);
    for (int tries = 0; tries < 8 && !value[0]; tries++) say(value, w->rows[roll(w, EVENTS)].texts[fact]);
    if (!value[0] || !roll(w, 12)) say(value, PICK(w, others));
    for (char *p = value; is_lower && *p; p++) *p = ascii_lower(*p);
}

static void cut_word(struct world *w, char value[TEXT_MAX]) {
    char *space = strchr(value, ' ');
    if (space && roll(w, 2)) memmove(value, space + 1, strlen(space));
    space = strchr(value, ' ');
    if (space && roll(w, 2)) *space = '\0';
}

static int compare_lower(const char *a, const char *b) {
    for (; *a && ascii_lower(*a) == ascii_lower(*b); a++) b++;
    return (int)(unsigned char)ascii_lower(*a) - (int)(unsigned char)ascii_lower(*b);
}

static void order_bounds(struct node *n) {
    if (!n->value[0] || !n->to[0] || compare_lower(n->value, n->to) <= 0) return;
    char value[TEXT_MAX];
    memcpy(value, n->value, sizeof value);
    memcpy(n->value, n->to, sizeof n->value);
    memcpy(n->to, value, sizeof value);
}

/* What a beginning can be: no sign in it that only quotes could hold, and no half of a character. */
static void make_prefix(struct world *w, struct node *n) {
    size_t length = strcspn(n->value, " ()\"\\*]:<>[");
    if (length > 1 && roll(w, 2)) length = 1 + roll(w, (unsigned)length);
    while (length && ((unsigned char)n->value[length] & 0xC0) == 0x80) length--;
    n->value[length] = '\0';
    n->match = length ? MATCH_PREFIX : MATCH_PRESENT;
}

static void make_fact(struct world *w, struct node *n) {
    n->about = ABOUT_FACT;
    n->fact = (int)roll(w, FACT_RFC_ID);
    n->match = (enum match)roll(w, 4);
    if (n->fact == FACT_BOT) {
        say(n->value, roll(w, 2) ? "True" : "false");
        n->match = roll(w, 2) ? MATCH_IS : MATCH_PRESENT;
        return;
    }
    if (n->fact == FACT_CODE) {
        static const char *const codes[] = {"250", "450", "550", "551"};
        say(n->value, PICK(w, codes));
        say(n->to, PICK(w, codes));
    } else {
        take_value(w, n->fact, n->value);
        take_value(w, n->fact, n->to);
        if (n->fact == FACT_SUBJECT || n->fact == FACT_AGENT) cut_word(w, n->value);
    }
    if (n->match == MATCH_PREFIX) make_prefix(w, n);
    if (n->match != MATCH_RANGE) return;
    if (!roll(w, 4)) n->value[0] = '\0';
    if (n->value[0] && !roll(w, 4)) n->to[0] = '\0';
    order_bounds(n);
}

static void make_bare(struct world *w, struct node *n) {
    static const int facts[] = {FACT_SUBJECT,          FACT_SUBJECT, FACT_SENDER, FACT_RECIPIENT,
                                FACT_RECIPIENT_DOMAIN, FACT_RFC_ID,  FACT_UUID};
    n->about = ABOUT_ANYTHING;
    take_value(w, PICK(w, facts), n->value);
    cut_word(w, n->value);
    n->match = roll(w, 3) ? MATCH_IS : MATCH_PREFIX;
    if (n->match == MATCH_PREFIX) make_prefix(w, n);
    if (n->match == MATCH_PRESENT) { /* a lone * needs a field */
        n->match = MATCH_IS;
        say(n->value, "order");
    }
}

static void make_term(struct world *w, struct node *n) {
    unsigned kind = roll(w, 10);
    n->kind = NODE_TERM;
    if (kind == 0) {
        n->about = ABOUT_TYPE;
        n->match = roll(w, 3) ? MATCH_IS : MATCH_PREFIX;
        say(n->value, event_noun((enum event_type)(1 + roll(w, EVENT_TYPE_COUNT - 1))));
        if (n->match == MATCH_PREFIX) n->value[1 + roll(w, 3)] = '\0';
    } else if (kind == 1) {
        n->about = ABOUT_DATE;
        n->match = roll(w, 2) ? MATCH_IS : MATCH_RANGE;
        snprintf(n->value, TEXT_MAX, "2026-01-0%u", 1 + roll(w, 5));
        snprintf(n->to, TEXT_MAX, "2026-01-0%u", 1 + roll(w, 5));
        order_bounds(n);
    } else if (kind < 5) {
        make_bare(w, n);
    } else {
        make_fact(w, n);
    }
}

static bool has_words(const char *value);

/* Signs alone are refused where words are looked for, for they are in no index. */
static void make_wordy(struct node *n) {
    bool is_of_words =
        n->about == ABOUT_ANYTHING || (n->about == ABOUT_FACT && n->fact == FACT_SUBJECT && n->match <= MATCH_PREFIX);
    if (is_of_words && !has_words(n->value)) say(n->value, "order");
}

static struct node *make_tree(struct world *w, int depth) {
    struct node *n = ARENA_NEW(&w->f->arena, struct node);
    unsigned kind = depth ? roll(w, 6) : 5;
    if (kind >= 4) {
        make_term(w, n);
        make_wordy(n);
        return n;
    }
    n->kind = kind == 0 ? NODE_OR : kind == 1 ? NODE_NOT : NODE_AND;
    n->left = make_tree(w, depth - 1);
    if (n->kind != NODE_NOT) n->right = make_tree(w, depth - 1);
    return n;
}

/* ---- what they mean ---- */
/* The words of a text, a blank before and behind each: small letters of ASCII and of the Latin ones here. */
static void spell(const char *text, char ret[2 * TEXT_MAX]) {
    size_t n = 0;
    bool is_open = false;
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        size_t size = *p < 0x80 ? 1 : *p < 0xE0 ? 2 : 3;
        bool is_letter = size == 1 ? ascii_is_alnum((char)*p) : !(p[0] == 0xE2 && p[1] == 0x80);
        if (is_letter && !is_open) ret[n++] = ' ';
        is_open = is_letter;
        for (size_t i = 0; is_letter && i < size; i++) ret[n++] = ascii_lower((char)p[i]);
        if (size == 2 && p[0] == 0xC3 && p[1] < 0x9F) ret[n - 1] = (char)(p[1] + 0x20);
        p += size - 1;
    }
    if (n) ret[n++] = ' ';
    ret[n] = '\0';
}

static bool holds_words(const char *text, const char *value, bool is_beginning) {
    char in[2 * TEXT_MAX], wanted[2 * TEXT_MAX];
    spell(text, in);
    spell(value, wanted);
    if (!wanted[0]) return false;
    if (is_beginning) wanted[strlen(wanted) - 1] = '\0';
    return strstr(in, wanted) != NULL;
}

static bool has_words(const char *value) {
    char wanted[2 * TEXT_MAX];
    spell(value, wanted);
    return wanted[0] != '\0';
}

static bool is_id(const struct fact_row *row, const char *value) {
    char inner[TEXT_MAX], digits[TEXT_MAX] = "";
    say(inner, value);
    size_t n = strlen(value);
    if (n > 1 && value[0] == '<' && value[n - 1] == '>') {
        say(inner, value + 1);
        inner[n - 2] = '\0';
    }
    if (strchr(inner, '@')) return compare_lower(inner, row->texts[FACT_RFC_ID]) == 0;
    if (n < 8 || value[strspn(value, "0123456789abcdefABCDEF-")]) return false;
    for (size_t i = 0, k = 0; i < n; i++)
        if (value[i] != '-') digits[k++] = ascii_lower(value[i]), digits[k] = '\0';
    return digits[0] && strncmp(row->texts[FACT_UUID], digits, strlen(digits)) == 0;
}

static bool is_anywhere(const struct fact_row *row, const struct node *n) {
    bool is_beginning = n->match == MATCH_PREFIX;
    static const int facts[] = {FACT_SUBJECT, FACT_SENDER, FACT_RECIPIENT};
    if (!has_words(n->value)) return false;
    for (size_t i = 0; i < 3; i++)
        if (holds_words(row->texts[facts[i]], n->value, is_beginning)) return true;
    return is_id(row, n->value);
}

static bool begins(const char *text, const char *value) {
    for (; *value; value++, text++)
        if (ascii_lower(*text) != ascii_lower(*value)) return false;
    return true;
}

static bool holds(const char *text, const char *value) {
    for (; *text; text++)
        if (begins(text, value)) return true;
    return false;
}

static bool is_text(const struct node *n, const char *text) {
    char value[TEXT_MAX], to[TEXT_MAX];
    say(value, n->value);
    say(to, n->to);
    if (n->fact == FACT_SUBJECT && n->match <= MATCH_PREFIX) return holds_words(text, n->value, n->match == MATCH_PREFIX);
    if (n->fact == FACT_UUID) {
        char *const both[] = {value, to};
        for (size_t i = 0; i < 2; i++)
            for (char *p = both[i]; (p = strchr(p, '-')) != NULL;) memmove(p, p + 1, strlen(p));
    }
    if (!text[0]) return false;
    if (n->match == MATCH_PRESENT) return true;
    if (n->match == MATCH_RANGE)
        return (!n->value[0] || compare_lower(value, text) <= 0) && (!n->to[0] || compare_lower(text, to) <= 0);
    if (n->match == MATCH_IS) return n->fact == FACT_AGENT ? holds(text, value) : compare_lower(text, value) == 0;
    if (n->fact != FACT_AGENT) return begins(text, value);
    char spaced[TEXT_MAX + 1];
    snprintf(spaced, sizeof spaced, " %s", value);
    return begins(text, value) || holds(text, spaced);
}

static bool is_date(const struct fact_row *row, const struct node *n) {
    int first = n->value[9] - '1', last = (n->match == MATCH_RANGE ? n->to : n->value)[9] - '1';
    int day = (int)((row->at - START) / CLOCK_DAY_MS);
    return day >= first && day <= last;
}

static bool is_meant(const struct fact_row *row, const struct node *n) {
    switch (n->kind) {
    case NODE_OR:
        return is_meant(row, n->left) || is_meant(row, n->right);
    case NODE_AND:
        return is_meant(row, n->left) && is_meant(row, n->right);
    case NODE_NOT:
        return !is_meant(row, n->left);
    case NODE_TERM:
        break;
    }
    if (n->about == ABOUT_ANYTHING) return is_anywhere(row, n);
    if (n->about == ABOUT_DATE) return is_date(row, n);
    if (n->about == ABOUT_TYPE)
        return n->match == MATCH_IS ? !strcmp(event_noun(row->type), n->value) : begins(event_noun(row->type), n->value);
    bool is_tag = n->fact >= FACT_TAG_ONE;
    return is_tag ? is_text(n, row->texts[FACT_TAG_ONE]) || is_text(n, row->texts[FACT_TAG_TWO])
                  : is_text(n, row->texts[n->fact]);
}

/* ---- asked ---- */
static const struct fact_row *row_of(const struct world *w, int64_t id) {
    for (size_t i = 0; i < EVENTS; i++)
        if (w->rows[i].id == id) return &w->rows[i];
    return NULL;
}

static void assert_found(struct world *w, const struct node *n, struct str text, const struct event_filter *filter) {
    struct event_row_list list;
    int64_t wanted = 0;
    enum status status = event_list(w->f->db, &w->f->arena, filter, 0, EVENTS, &list);
    if (status != STATUS_OK) print_error("%.*s: %s\n", STR_ARG(text), status_text(status));
    assert_ok(status);
    for (size_t i = 0; i < EVENTS; i++) wanted += is_meant(&w->rows[i], n);
    bool is_same = wanted == list.total && list.count == (size_t)wanted;
    for (size_t i = 0; is_same && i < list.count; i++) {
        const struct fact_row *row = row_of(w, list.items[i].event.id);
        is_same = row && is_meant(row, n);
    }
    if (!is_same) print_error("%.*s: %lld found, %lld meant\n", STR_ARG(text), (long long)list.total, (long long)wanted);
    for (size_t i = 0; !is_same && i < list.count; i++) {
        const struct fact_row *row = row_of(w, list.items[i].event.id);
        if (row && !is_meant(row, n))
            print_error("  not meant: %s %s %s\n", row->texts[FACT_SUBJECT], row->texts[FACT_RECIPIENT], row->texts[FACT_UUID]);
    }
    assert_true(is_same);
}

static const struct {
    enum event_field field;
    int fact;
} grouped[] = {
    {EVENT_FIELD_RECIPIENT, FACT_RECIPIENT}, {EVENT_FIELD_SUBJECT, FACT_SUBJECT},
    {EVENT_FIELD_SENDER, FACT_SENDER},       {EVENT_FIELD_JOURNEY, FACT_JOURNEY},
    {EVENT_FIELD_MX_HOST, FACT_MX},          {EVENT_FIELD_SMTP_CODE, FACT_CODE},
    {EVENT_FIELD_USER_AGENT, FACT_AGENT},    {EVENT_FIELD_MESSAGE, FACT_UUID},
    {EVENT_FIELD_BOUNCE_CLASS, FACT_CLASS},  {EVENT_FIELD_BOT, FACT_BOT},
    {EVENT_FIELD_LIST, FACT_LIST},           {EVENT_FIELD_RECIPIENT_DOMAIN, FACT_RECIPIENT_DOMAIN},
};

static bool is_about_bots(const struct node *n) {
    if (n->kind != NODE_TERM) return is_about_bots(n->left) || (n->right && is_about_bots(n->right));
    return n->about == ABOUT_FACT && n->fact == FACT_BOT;
}

/* n NULL: all events. */
static void assert_grouped(struct world *w, const struct node *n, struct str text, const struct event_filter *filter) {
    size_t k = roll(w, sizeof grouped / sizeof grouped[0]);
    int fact = grouped[k].fact;
    struct event_bucket_list list;
    bool with_bots = fact == FACT_BOT || (n && is_about_bots(n));
    assert_ok(event_group(w->f->db, &w->f->arena, filter, grouped[k].field, EVENTS, &list));
    int64_t sum = 0, wanted = 0;
    for (size_t i = 0; i < EVENTS; i++) {
        const struct fact_row *row = &w->rows[i];
        bool is_bot = strcmp(row->texts[FACT_BOT], "true") == 0;
        wanted += row->texts[fact][0] && (!n || is_meant(row, n)) && (with_bots || !is_bot);
    }
    for (size_t b = 0; b < list.count; b++) {
        int64_t count = 0;
        sum += list.items[b].count;
        for (size_t i = 0; i < EVENTS; i++) {
            const struct fact_row *row = &w->rows[i];
            bool is_bot = strcmp(row->texts[FACT_BOT], "true") == 0;
            bool is_key = str_eq(list.items[b].key, str_from_z(row->texts[fact]));
            count += is_key && (!n || is_meant(row, n)) && (with_bots || !is_bot);
        }
        if (count != list.items[b].count)
            print_error("%.*s by %s: %.*s\n", STR_ARG(text), event_field_name(grouped[k].field), STR_ARG(list.items[b].key));
        assert_int_equal(count, list.items[b].count);
        if (b) assert_true(list.items[b - 1].count >= list.items[b].count);
    }
    assert_int_equal(sum, wanted);
}

static void test_random_sentences_find_what_they_say(void **state) {
    (void)state;
    struct world *w = world_new();
    for (int run = 0; run < SENTENCES; run++) {
        struct event_condition condition;
        BUF_AUTO text = {0};
        BUF_AUTO why = {0};
        const struct node *n = make_tree(w, (int)roll(w, 4));
        write_tree(w, n, NODE_OR, &text);
        bool is_fine = event_condition_parse(buf_str(&text), &w->f->arena, &condition, &why);
        if (!is_fine) print_error("%.*s: %.*s\n", STR_ARG(buf_str(&text)), STR_ARG(buf_str(&why)));
        assert_true(is_fine);
        struct event_filter filter = {.domain_id = w->domain, .condition = &condition};
        if (roll(w, 2)) event_narrow(&filter, &w->f->arena);
        assert_found(w, n, buf_str(&text), &filter);
        assert_grouped(w, n, buf_str(&text), &filter);
    }
    for (int run = 0; run < 40; run++) assert_grouped(w, NULL, STR(""), &(struct event_filter){.domain_id = w->domain});
    world_free(w);
}

/* Pieces of the language and bytes of any kind. */
static void test_random_bytes_are_refused_or_answered(void **state) {
    (void)state;
    static const char *const pieces[] = {"AND ",
                                         "OR ",
                                         "NOT ",
                                         "(",
                                         ")",
                                         "[",
                                         "]",
                                         "\"",
                                         "\\",
                                         "*",
                                         ":",
                                         " ",
                                         " TO ",
                                         "subject:",
                                         "date:",
                                         "tag:",
                                         "eventType:open ",
                                         "smtpCode:",
                                         "bot:",
                                         "messageId:",
                                         "2026-01-01",
                                         "ann",
                                         "@",
                                         "%",
                                         "'",
                                         "<",
                                         ">",
                                         "\xC3\xA4",
                                         "\xC3",
                                         "\x01",
                                         "12345678",
                                         "-",
                                         "550",
                                         "?1",
                                         "--",
                                         ";"};
    struct world *w = world_new();
    int answered = 0;
    for (int run = 0; run < 6000; run++) {
        struct event_condition condition;
        struct event_row_list list;
        BUF_AUTO text = {0};
        BUF_AUTO why = {0};
        for (unsigned i = 1 + roll(w, 9); i > 0; i--) {
            if (roll(w, 12))
                buf_add_z(&text, PICK(w, pieces));
            else
                buf_add_char(&text, (char)roll(w, 256));
        }
        ARENA_AUTO arena = {0};
        if (!event_condition_parse(buf_str(&text), &arena, &condition, &why)) {
            assert_true(str_starts(buf_str(&why), STR("Query is wrong at character ")));
            continue;
        }
        const struct event_filter filter = {.domain_id = w->domain, .condition = &condition};
        enum status status = event_list(w->f->db, &arena, &filter, 0, 10, &list);
        if (status != STATUS_OK) print_error("%.*s: %s\n", STR_ARG(buf_str(&text)), status_text(status));
        assert_ok(status);
        assert_true(list.total <= EVENTS);
        answered++;
    }
    assert_true(answered > 300);
    world_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_sentences_find_what_they_say),
        cmocka_unit_test(test_random_bytes_are_refused_or_answered),
    };
    return cmocka_run_group_tests_name("queries", tests, NULL, NULL);
}
