/* test_events.c - events: recorded, searched in the search language, grouped and counted, with the same answers on both engines
 * (P6, DB02, DB03).
 * SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "base/clock.h"
#include "base/word.h"
#include "core/events.h"
#include "core/stats.h"
#include "store/words.h"

#include <string.h>

#define DAY   INT64_C(86400000)
#define START INT64_C(1767225600000) /* 2026-01-01 */

static void add_plain(struct fixture *f, int64_t domain, int64_t message, enum event_type type, int64_t at) {
    struct event event = {.at = at,
                          .type = type,
                          .account_id = 1,
                          .domain_id = domain,
                          .message_id = message,
                          .recipient_id = 5,
                          .recipient = TEXT("b@example.net"),
                          .detail = TEXT("{\"a\":1}")};
    int64_t id = 0;
    assert_ok(event_record(f->db, &event, &id));
}

static int64_t total_of(struct fixture *f, struct event_filter filter) {
    struct event_row_list list;
    assert_ok(event_list(f->db, &f->arena, &filter, 0, 100, &list));
    assert_int_equal(list.total, list.count);
    return list.total;
}

static void test_P6_events(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int64_t account = make_account(f->db, "a@example.com");
    int64_t domain = make_domain(f->db, account, "example.com"), other = make_domain(f->db, account, "example.net");
    int64_t m1 = make_message(f->db, account, domain, 1), m2 = make_message(f->db, account, domain, 2);
    add_plain(f, domain, m1, EVENT_SEND, 100);
    add_plain(f, domain, m1, EVENT_DEFERRED, 200);
    add_plain(f, domain, m1, EVENT_DELIVERY, 300);
    add_plain(f, domain, m2, EVENT_SEND, 300);
    add_plain(f, other, m2, EVENT_COMPLAINT, 300);
    fixture_commit(f);
    struct event_row_list list;
    assert_ok(event_list(f->db, &f->arena, &(struct event_filter){.domain_id = domain}, 1, 2, &list));
    assert_int_equal(list.total, 4);
    assert_int_equal(list.count, 2);
    assert_int_equal(list.items[0].event.type, EVENT_DELIVERY); /* newest first, by id at the same time */
    assert_int_equal(list.items[1].event.type, EVENT_DEFERRED);
    assert_str(list.items[0].subject, "Hello");
    assert_str(list.items[0].sender, "a@example.com");
    assert_str(list.items[0].event.detail, "{\"a\":1}");
    assert_memory_equal(list.items[0].message_uuid.b, make_uuid(1).b, 16);
    assert_int_equal(total_of(f, (struct event_filter){.domain_id = domain, .types = EVENT_BIT(EVENT_SEND)}), 2);
    assert_int_equal(
        total_of(f, (struct event_filter){.domain_id = domain, .types = EVENT_BIT(EVENT_SEND) | EVENT_BIT(EVENT_DELIVERY)}), 3);
    assert_int_equal(total_of(f, (struct event_filter){.domain_id = domain, .types = EVENT_BIT(EVENT_COMPLAINT)}), 0);
    assert_int_equal(total_of(f, (struct event_filter){.domain_id = domain, .from_at = 200, .before_at = 300}), 1);
    assert_int_equal(total_of(f, (struct event_filter){.domain_id = domain, .message_id = m1}), 3);
    assert_int_equal(total_of(f, (struct event_filter){.domain_id = domain, .message_id = m1, .from_at = 250}), 1);
    assert_int_equal(total_of(f, (struct event_filter){.domain_id = other, .message_id = m1}), 0);
    assert_int_equal(total_of(f, (struct event_filter){.domain_id = 0}), 0);
    fixture_free(f);
}

static void test_event_names(void **state) {
    (void)state;
    enum event_type type = EVENT_SEND;
    assert_true(event_type_parse(TEXT("Delivered"), &type));
    assert_int_equal(type, EVENT_DELIVERY);
    assert_true(event_type_parse(TEXT("accepted"), &type));
    assert_int_equal(type, EVENT_SEND);
    assert_false(event_type_parse(TEXT(""), &type));
    assert_false(event_type_parse(TEXT("sends"), &type));
    for (int i = EVENT_SEND; i < EVENT_TYPE_COUNT; i++) {
        assert_true(event_type_parse(str_from_z(event_noun((enum event_type)i)), &type));
        assert_int_equal(type, i);
    }
    assert_string_equal(event_noun(EVENT_TYPE_COUNT), "unknown");
}

/* ---- searches ---- */
struct story {
    struct fixture *f;
    int64_t account, domain;
    int64_t ids[10]; /* of the events a to j */
    size_t count;
};

static int64_t add_message(struct story *l, uint8_t mark, const char *sender, const char *subject, const char *tags,
                           const char *metadata) {
    struct message message = {.uuid = make_uuid(mark),
                              .account_id = l->account,
                              .domain_id = l->domain,
                              .created_at = START,
                              .expires_at = START + DAY,
                              .sender = str_from_z(sender),
                              .subject = str_from_z(subject),
                              .rfc_message_id = TEXT("Own.Id@x.test"),
                              .tags = str_from_z(tags),
                              .metadata = str_from_z(metadata),
                              .size_bytes = 1};
    int64_t id = 0;
    if (mark != 0x1b) message.rfc_message_id = TEXT("other@y.test");
    assert_ok(message_add(l->f->db, &message, &id));
    return id;
}

static void add(struct story *l, int64_t message, enum event_type type, const char *recipient, int64_t at, const char *detail) {
    int64_t id = 0;
    struct message of;
    struct event event = {.at = at,
                          .type = type,
                          .account_id = l->account,
                          .domain_id = l->domain,
                          .message_id = message,
                          .recipient_id = message,
                          .recipient = str_from_z(recipient),
                          .detail = str_from_z(detail)};
    assert_ok(message_get(l->f->db, &l->f->arena, message, &of));
    assert_ok(event_write(l->f->db, &event, of.tags, EVENT_AS_IT_COMES, &id));
    if (l->count < 10) l->ids[l->count++] = id;
}

static void add_words(struct story *l, int64_t message, const char *recipient) {
    struct message of;
    const struct str address = str_from_z(recipient);
    assert_ok(message_get(l->f->db, &l->f->arena, message, &of));
    assert_ok(words_add(l->f->db, &of, &address, 1));
}

/* Ten events, a to j, of three messages; another domain has one like the first. */
static struct story history(void) {
    struct story l = {.f = fixture_new()};
    l.account = make_account(l.f->db, "a@example.com");
    l.domain = make_domain(l.f->db, l.account, "example.com");
    int64_t m1 =
        add_message(&l, 0x1b, "news@example.com", "Welcome to our Service!", "[\"welcome\",\"EU\"]",
                    "{\"ListID\":\"5\",\"SubscriberID\":\"99\",\"JourneyID\":\"J1\",\"ActionID\":\"7\",\"x\":{\"y\":[1]}}");
    int64_t m2 = add_message(&l, 0x2c, "o'hara@example.com", "100% off_now \\ o'hara's [sale]", "[\"sale\"]", "{}");
    int64_t m3 = add_message(&l, 0x3d, "Info@example.com",
                             "\xC3\x9C"
                             "bung macht den Meister",
                             "[]", "{\"JourneyID\":\"J2\"}");
    add(&l, m1, EVENT_SEND, "ann@x.test", START, "{}");
    add(&l, m1, EVENT_DELIVERY, "ann@x.test", START + 1000,
        "{\"MXHost\":\"mx1.x.test\",\"Reply\":{\"Code\":250,\"Text\":\"ok\"}}");
    add(&l, m1, EVENT_OPEN, "ann@x.test", START + DAY,
        "{\"UserAgent\":\"Mozilla/5.0 (Mac OS)\",\"Country\":\"DE\",\"Device\":\"desktop\"}");
    add(&l, m1, EVENT_OPEN, "ann@x.test", START + 2 * DAY,
        "{\"UserAgent\":\"Thunderbird\",\"Country\":\"AT\",\"Device\":\"mobile\"}");
    add(&l, m1, EVENT_CLICK, "ann@x.test", START + 2 * DAY + 5, "{\"Link\":\"https://shop.test/a?b=c:d\"}");
    add(&l, m2, EVENT_SEND, "Bob@y.test", START + 3 * DAY, "");
    add(&l, m2, EVENT_BOUNCE, "Bob@y.test", START + 3 * DAY + 1,
        "{\"MXHost\":\"MX.y.test\",\"Reply\":{\"Code\":550,\"Enhanced\":\"5.1.1\"},\"Bounce\":{\"Class\":\"bad-mailbox\","
        "\"Hard\":true}}");
    add(&l, m3, EVENT_SEND, "o'hara%_x!@z.test", START + 4 * DAY, "{}");
    add(&l, m3, EVENT_DEFERRED, "o'hara%_x!@z.test", START + 4 * DAY + 1, "{\"Reply\":{\"Code\":451,\"Enhanced\":\"4.7.1\"}}");
    add(&l, m3, EVENT_BOUNCE, "o'hara%_x!@z.test", START + 5 * DAY,
        "{\"Reply\":{\"Code\":552,\"Enhanced\":\"5.2.2\"},\"Bounce\":{\"Class\":\"mailbox-full\",\"Hard\":false}}");
    add_words(&l, m1, "ann@x.test");
    add_words(&l, m2, "Bob@y.test");
    add_words(&l, m3, "o'hara%_x!@z.test");
    struct story other = l;
    other.domain = make_domain(l.f->db, l.account, "example.net");
    add(&other, m1, EVENT_SEND, "ann@x.test", START, "{}");
    fixture_commit(l.f);
    return l;
}

static enum status search(struct story *l, struct str text, struct event_row_list *ret) {
    struct event_condition condition;
    BUF_AUTO why = {0};
    bool is_fine = event_condition_parse(text, &l->f->arena, &condition, &why);
    if (!is_fine) print_error("%.*s: %.*s\n", STR_ARG(text), STR_ARG(buf_str(&why)));
    assert_true(is_fine);
    return event_list(l->f->db, &l->f->arena, &(struct event_filter){.domain_id = l->domain, .condition = &condition}, 0, 100,
                      ret);
}

/* Their letters, oldest first. */
static void letters_of(const struct story *l, const struct event_row_list *list, char ret[16]) {
    for (size_t k = 0; k < list->count; k++) {
        size_t letter = 0;
        while (l->ids[letter] != list->items[k].event.id) assert_true(++letter < 10);
        ret[list->count - 1 - k] = (char)('a' + letter);
    }
    ret[list->count] = '\0';
}

static const char *const finds[][2] = {
    {"welcome", "abcde"},
    {"SERVICE", "abcde"},
    {"\"to our\"", "abcde"},
    {"\"our to\"", ""},
    {"example.com", "abcdefghij"},
    {"ann", "abcde"},
    {"y.test", "fg"},
    {"1b1b1b1b-1b1b", "abcde"},
    {"1B1B1B1B1b1b1b1b1b1b1b1b1b1b1b1b", "abcde"},
    {"1b1b", ""}, /* too short for an id */
    {"<Own.Id@x.test>", "abcde"},
    {"\xC3\x9C"
     "bung",
     "hij"},
    {"\xC3\xBC"
     "bung",
     "hij"},        /* words are folded in every script */
    {"elcome", ""}, /* a word, not a piece of one */
    {"elc*", ""},
    {"welc*", "abcde"},
    {"\"to our serv\"", ""},
    {"our welcome", "abcde"},
    {"welcome x.test", "abcde"},
    {"welcome bob", ""},
    {"welcome OR bob", "abcdefg"},
    {"NOT welcome eventType:send", "fh"},
    {"(welcome OR sale) eventType:send", "af"},
    {"bob@y.test", "fg"},
    {"bob@y*", "fg"},
    {"ob@y.test", ""},
    {"own.id@x.test", "abcde"},
    {"own.id@x", ""},
    {"sender:news*", "abcde"},
    {"sender:example*", ""},
    {"subject:welcome", "abcde"},
    {"subject:WEL*", "abcde"},
    {"subject:ser*", "abcde"},
    {"subject:ervice*", ""},
    {"subject:\"o'hara's [\"", "fg"},
    {"100%", "fg"},
    {"subject:\"% o\"", "fg"},
    {"subject:off_now", "fg"},
    {"subject:f_n", ""},
    {"subject:f%n", ""},
    {"\"now \\\\ o\"", "fg"},
    {"\"w \\\\ o\"", ""},
    {"recipient:ANN@x.test", "abcde"},
    {"recipient:ann", ""},
    {"recipient:ann*", "abcde"},
    {"recipient:bob@y.test", "fg"},
    {"recipient:o'hara%_x!@z.test", "hij"},
    {"recipient:o'hara%_*", "hij"},
    {"recipient:o'hara_%*", ""},
    {"recipientDomain:x.test", "abcde"},
    {"recipientdomain:[x.test TO y.test]", "abcdefg"},
    {"recipientDomain:[* TO x.testa]", "abcde"},
    {"sender:info@example.com", "hij"},
    {"sender:\"o'hara@example.com\"", "fg"},
    {"tag:eu", "abcde"},
    {"tag:[s TO t]", "fg"},
    {"tag:wel*", "abcde"},
    {"tag:*", "abcdefg"},
    {"NOT tag:*", "hij"},
    {"NOT tag:welcome", "fghij"},
    {"messageId:2c2c2c2c-2c2c-2c2c-2c2c-2c2c2c2c2c2c", "fg"},
    {"messageId:2c2c2c2c-2c*", "fg"},
    {"messageId:nonsense", ""},
    {"link:https://shop.test/a?b=c:d", "e"},
    {"link:https://shop.test/*", "e"},
    {"link:*", "e"},
    {"bounceClass:mailbox-full", "j"},
    {"smtpCode:550", "g"},
    {"smtpCode:5*", "gj"},
    {"smtpCode:[400 TO 550]", "gi"},
    {"NOT smtpCode:550", "abcdefhij"},
    {"mxHost:mx.Y.test", "g"},
    {"country:de OR country:at", "cd"},
    {"device:mobile", "d"},
    {"userAgent:mac", "c"},
    {"userAgent:OS*", "c"},
    {"journeyId:j1", "abcde"},
    {"actionId:7", "abcde"},
    {"listId:5 subscriberId:99", "abcde"},
    {"eventType:open", "cd"},
    {"eventType:Delivered", "b"},
    {"eventType:open,click", "cde"},
    {"eventType:de*", "bi"},
    {"eventType:* journeyId:J2", "hij"},
    {"date:2026-01-01", "ab"},
    {"day:2026-01-04", "fg"},
    {"date:[2026-01-04 TO 2026-01-05]", "fghi"},
    {"date:[\"2026-01-05 00:00:01\" TO *]", "j"},
    {"date:\"2026-01-01 00:00:01\"", "b"},
    {"date:*", "abcdefghij"},
    {"eventType:send OR eventType:open device:mobile", "adfh"},
    {"(eventType:send OR eventType:open) device:mobile", "d"},
    {"NOT eventType:send NOT recipient:ann@x.test", "gij"},
    {"NOT (eventType:send OR eventType:open)", "begij"},
    {"NOT NOT eventType:click", "e"},
    {"eventType:bounce AND (smtpCode:[* TO 550] OR bounceClass:mailbox*)", "gj"},
};

static void test_queries_find_their_rows(void **state) {
    (void)state;
    struct story l = history();
    for (size_t i = 0; i < sizeof finds / sizeof finds[0]; i++) {
        struct event_row_list list;
        char found[16] = "";
        assert_ok(search(&l, str_from_z(finds[i][0]), &list));
        assert_int_equal(list.total, list.count);
        letters_of(&l, &list, found);
        if (strcmp(found, finds[i][1]) != 0) print_error("%s\n", finds[i][0]);
        assert_string_equal(found, finds[i][1]);
    }
    fixture_free(l.f);
}

static bool has_word(const char *text) {
    struct str rest = str_from_z(text);
    BUF_AUTO word = {0};
    return word_next(&rest, &word);
}

/* DB02: whatever stands in a value, the search is answered, and a text with all of it is found again. */
static void test_DB02_hostile_values_only_miss(void **state) {
    (void)state;
    static const char *const values[] = {"%",
                                         "_",
                                         "!",
                                         "!%",
                                         "\\",
                                         "'",
                                         "';--",
                                         "?1",
                                         "$1",
                                         "%s%n",
                                         "x') OR 1=1 --",
                                         "NULL",
                                         "0x00",
                                         "\xF0\x9F\x92\xA9",
                                         "\xCC\x81",
                                         "[a-z]",
                                         "a.*",
                                         "{\"a\":1}",
                                         "/**/",
                                         ":name",
                                         "@x",
                                         "e'\\'",
                                         "\t"};
    static const char *const names[] = {"", "subject:", "recipient:", "tag:", "link:", "mxHost:", "journeyId:", "messageId:"};
    struct story l = history();
    BUF_AUTO all = {0};
    BUF_AUTO text = {0};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) buf_addf(&all, " %s", values[i]);
    buf_add_char(&all, '\0');
    int64_t message = add_message(&l, 9, "x@example.com", all.p, "[\"'\"]", "{\"JourneyID\":\"%\"}");
    add(&l, message, EVENT_SEND, "o'x@z.test", START, "{}");
    add_words(&l, message, "o'x@z.test");
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
            struct event_row_list list;
            buf_reset(&text);
            buf_addf(&text, "%s\"", names[k]);
            for (const char *p = values[i]; *p; p++) buf_addf(&text, *p == '"' || *p == '\\' ? "\\%c" : "%c", *p);
            buf_add_char(&text, '"');
            if (k < 2 && !has_word(values[i])) continue; /* those are refused */
            assert_ok(search(&l, buf_str(&text), &list));
            if (k < 2) assert_true(list.total >= 1);
        }
    }
    fixture_free(l.f);
}

/* DB03: no text that is none reaches the engine, and nothing breaks. */
static void test_DB03_bad_text_is_judged_before(void **state) {
    (void)state;
    struct story l = history();
    struct event_row_list list;
    static const struct str bad[] = {STR_INIT("a\0b"), STR_INIT("\xFF"), STR_INIT("\xED\xA0\x80")};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct event_condition condition = {.items = {{.op = EVENT_IS, .field = EVENT_FIELD_TAG, .value = bad[i]}}, .count = 1};
        struct event_filter filter = {.domain_id = l.domain, .condition = &condition};
        BUF_AUTO why = {0};
        assert_int_equal(event_list(l.f->db, &l.f->arena, &filter, 0, 5, &list), STATUS_INVALID);
        assert_ok(db_broken(l.f->db));
        assert_false(event_condition_parse(bad[i], &l.f->arena, &condition, &why));
    }
    assert_ok(search(&l, TEXT("welcome"), &list));
    fixture_free(l.f);
}

static void test_wrong_queries_say_where_and_why(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"a AND", "character 3: nothing to search for follows this AND"},
        {"\xC3\x9C\xC3\x9C )", "character 4: "},
        {"x colour:red", "character 3: there is no field \"colour\""},
        {"colour:red",
         "eventType, recipient, recipientDomain, sender, subject, tag, messageId, link, bounceClass, smtpCode, mxHost, "
         "country, device, userAgent, client, ip, bot, journeyId, actionId, listId, subscriberId, day, date"},
        {"x subjct:red",
         "character 3: there is no field \"subjct\"; did you mean subject? Put a value with a colon in quotes, or use one"},
        {"to:a@b.test", "did you mean recipient?"},
        {"hour:5", "no field \"hour\"; did you mean date?"},
        {"colour:red", "\"colour\"; put a value"},
        {"eventType:explode", "character 1: there is no event \"explode\"; eventType is one of send, deferred, delivery, "},
        {"eventType:bouncd", "did you mean bounce?"},
        {"eventType:x*", "eventType is one of"},
        {"bot:yes", "true or false"},
        {"bot:[a TO b]", "true or false"},
        {"smtpCode:55", "three digits"},
        {"smtpCode:[40 TO 499]", "three digits"},
        {"smtpCode:5.1*", "three digits"},
        {"smtpCode:[550 TO 400]",
         "ends before it begins (texts are compared letter by letter): the smaller value comes first, [400 TO 550]"},
        {"tag:[b TO A]", "[A TO b]"},
        {"smtpCode:>400", "field:[from TO *]"},
        {"eventType:[a TO b]", "no range"},
        {"date:tomorrow", "YYYY-MM-DD"},
        {"date:2026-02-30", "YYYY-MM-DD"},
        {"date:2026*", "YYYY-MM-DD"},
        {"a ...", "character 3: there is no word in this"},
        {"subject:\"!?\"", "there is no word in this"},
        {"date:0000-01-01", "YYYY-MM-DD"},
        {"date:[2026-01-02 TO 2026-01-01]", "ends before it begins: the smaller value comes first, [2026-01-01 TO 2026-01-02]"},
    };
    ARENA_AUTO arena = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct event_condition condition;
        BUF_AUTO why = {0};
        assert_false(event_condition_parse(str_from_z(cases[i][0]), &arena, &condition, &why));
        assert_true(str_starts(buf_str(&why), TEXT("Query is wrong at character ")));
        if (str_find_str(buf_str(&why), str_from_z(cases[i][1])) == STR_NONE)
            fail_msg("%s: %.*s", cases[i][0], STR_ARG(buf_str(&why)));
    }
}

/* The longest sentences become SQL that both engines take. */
static void test_the_longest_queries_run(void **state) {
    (void)state;
    static const struct {
        const char *begin, *more, *end;
        size_t times;
    } cases[] = {{"a", " 1b1b1b1b", "", 31},         {"a", " OR subject:b*", "", 31},
                 {"a", " tag:[a TO b]", "", 31},     {"", "NOT ", "a", 63},
                 {"((((((((((((((((a", ")", "", 16}, {"date:*", " date:[2026-01-01 TO 2026-01-02]", "", 31}};
    struct story l = history();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct event_row_list list;
        BUF_AUTO text = {0};
        buf_add_z(&text, cases[i].begin);
        for (size_t k = 0; k < cases[i].times; k++) buf_add_z(&text, cases[i].more);
        buf_add_z(&text, cases[i].end);
        assert_ok(search(&l, buf_str(&text), &list));
    }
    fixture_free(l.f);
}

static unsigned roll(uint64_t *seed, unsigned sides) {
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(*seed >> 33) % sides;
}

/* Words thrown together: what the parser takes the engine takes, and a sentence and its opposite share out the events. */
static void test_random_queries_split_the_events(void **state) {
    (void)state;
    static const char *const words[] = {"AND ",
                                        "OR ",
                                        "NOT ",
                                        "(",
                                        ")",
                                        "a ",
                                        "ann* ",
                                        "\"o'hara\" ",
                                        "subject:w* ",
                                        "tag:* ",
                                        "tag:[a TO m] ",
                                        "smtpCode:5* ",
                                        "mxHost:mx1.x.test ",
                                        "date:[* TO 2026-01-03] ",
                                        "eventType:open ",
                                        "link:* ",
                                        "NOT ",
                                        "journeyId:J1 ",
                                        "1b1b1b1b ",
                                        "recipient:[* TO b] ",
                                        "userAgent:mac "};
    struct story l = history();
    uint64_t seed = 11;
    int run = 0;
    while (run < 300) {
        struct event_condition condition;
        struct event_row_list yes, no;
        BUF_AUTO text = {0};
        BUF_AUTO opposite = {0};
        BUF_AUTO why = {0};
        for (unsigned n = 1 + roll(&seed, 7); n > 0; n--) buf_add_z(&text, words[roll(&seed, sizeof words / sizeof words[0])]);
        if (!event_condition_parse(buf_str(&text), &l.f->arena, &condition, &why)) continue;
        buf_addf(&opposite, "NOT (%.*s)", STR_ARG(buf_str(&text)));
        assert_ok(search(&l, buf_str(&text), &yes));
        assert_ok(search(&l, buf_str(&opposite), &no));
        if (yes.total + no.total != 10) print_error("%.*s\n", STR_ARG(buf_str(&text)));
        assert_int_equal(yes.total + no.total, 10);
        run++;
    }
    fixture_free(l.f);
}

/* A search that would take too long is refused before it begins; the dates narrow it. */
static void test_a_search_has_its_bound(void **state) {
    (void)state;
    struct story l = history();
    assert_ok(db_exec(l.f->db,
                      "INSERT INTO events (id, at, type, account_id, domain_id, message_id, recipient_id, recipient, "
                      "recipient_domain, detail) SELECT i, 1000 + i, 1, 1, 1, 1, 1, 'a@b.test', 'b.test', '{}' FROM (WITH "
                      "RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 33000) SELECT i FROM n) numbers"));
    assert_ok(db_exec(l.f->db, "INSERT INTO rollups (domain_id, kind, at, value, sends) VALUES (1, 1, 0, '', 33000), "
                               "(1, 2, 0, '', 33000)"));
    BUF_AUTO text = {0};
    struct event_row_list list;
    for (int i = 0; i < 63; i++) buf_add_z(&text, "NOT ");
    buf_add_z(&text, "a");
    assert_int_equal(l.domain, 1);
    assert_ok(words_remove(l.f->db, 1));
    add_words(&l, 1, "a@b.test");
    assert_int_equal(search(&l, buf_str(&text), &list), STATUS_LIMIT);
    assert_ok(search(&l, TEXT("b.test"), &list));
    assert_int_equal(list.total, 33000);
    fixture_free(l.f);
}

/* Whoever writes a report names the host: what is none is shown, and no key of an index. */
static void test_hosts_of_reports_are_kept_as_they_are(void **state) {
    (void)state;
    struct story l = history();
    struct event_row_list list;
    BUF_AUTO detail = {0};
    buf_add_z(&detail, "{\"MXHost\":\"long.");
    for (int i = 0; i < 8000; i++) buf_add_char(&detail, (char)('a' + i * 7 % 26));
    buf_addf(&detail, ".test\",\"Reply\":{\"Code\":554}}%c", '\0');
    add(&l, 1, EVENT_BOUNCE, "ann@x.test", START, detail.p);
    add(&l, 1, EVENT_BOUNCE, "ann@x.test", START, "{\"MXHost\":\"mx\\u0000.test\",\"Reply\":{\"Code\":99999999999999999999}}");
    assert_ok(search(&l, TEXT("smtpCode:554 NOT mxHost:*"), &list));
    assert_int_equal(list.total, 1);
    assert_true(list.items[0].event.detail.n > 8000);
    assert_ok(search(&l, TEXT("mxHost:mx*"), &list));
    for (size_t i = 0; i < list.count; i++) assert_true(str_find_str(list.items[i].event.detail, STR("u0000")) == STR_NONE);
    fixture_free(l.f);
}

/* Senders make their own Message-IDs, of any length and in any script: a mail is taken whatever is in it, and found. */
static void test_long_ids_are_kept_as_words_on_every_engine(void **state) {
    (void)state;
    struct story l = history();
    struct event_row_list list;
    for (int ascii = 398; ascii <= 401; ascii++) {
        BUF_AUTO id = {0};
        BUF_AUTO text = {0};
        struct message message;
        for (int i = 0; i < ascii; i++) buf_add_char(&id, 'a');
        buf_add_z(&id, "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80@x.test");
        int64_t number = add_message(&l, (uint8_t)(ascii - 300), "news@example.com", "Long", "[]", "{}");
        assert_ok(message_get(l.f->db, &l.f->arena, number, &message));
        message.rfc_message_id = buf_str(&id);
        const struct str to = TEXT("ann@x.test");
        assert_ok(words_add(l.f->db, &message, &to, 1));
        add(&l, number, EVENT_SEND, "ann@x.test", START, "{}");
        buf_addf(&text, "\"<%.*s>\"", STR_ARG(buf_str(&id)));
        assert_ok(search(&l, buf_str(&text), &list));
        assert_true(list.total >= 1);
        assert_int_equal(list.items[0].event.message_id, number);
    }
    assert_ok(db_broken(l.f->db));
    fixture_free(l.f);
}

/* ---- pages ---- */
static struct event_found page_of(struct story *l, const char *text, struct str cursor, int limit) {
    struct event_condition condition;
    struct event_found found;
    BUF_AUTO why = {0};
    struct event_query query = {.filter = {.domain_id = l->domain}, .text = str_from_z(text), .cursor = cursor, .limit = limit};
    if (*text) assert_true(event_condition_parse(query.text, &l->f->arena, &condition, &why));
    if (*text) query.filter.condition = &condition;
    assert_ok(event_search(l->f->db, &l->f->arena, &query, &found));
    return found;
}

/* Pages by cursor, of any size, are the list, each event once, also where many have one time, and while newer ones come. */
static void test_pages_by_cursor_are_the_list(void **state) {
    (void)state;
    static const char *const texts[] = {"", "ann", "recipient:ann@x.test", "eventType:open,click", "NOT bob"};
    struct story l = history();
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        for (int k = 0; k < 7; k++) add(&l, 1, k % 2 ? EVENT_OPEN : EVENT_CLICK, "ann@x.test", START + 2 * DAY + (k > 4), "{}");
        fixture_commit(l.f);
        for (int limit = 1; limit < 5; limit++) {
            struct event_found all = page_of(&l, texts[i], (struct str){0}, 1000),
                               page = page_of(&l, texts[i], (struct str){0}, limit);
            size_t seen = 0;
            add(&l, 1, EVENT_OPEN, "ann@x.test", START + 30 * DAY, "{}");
            fixture_commit(l.f);
            assert_str(all.next, "");
            assert_true(all.list.total == (int64_t)all.list.count && all.list.count > 4);
            for (;;) {
                for (size_t n = 0; n < page.list.count; n++)
                    assert_int_equal(page.list.items[n].event.id, all.list.items[seen++].event.id);
                if (page.next.n == 0) break;
                assert_int_equal(page.list.count, limit);
                page = page_of(&l, texts[i], page.next, limit);
            }
            assert_int_equal(seen, all.list.count);
        }
    }
    fixture_free(l.f);
}

/* A cursor of another search, of another domain or with a letter changed is none. */
static void test_P6_a_cursor_is_for_one_search(void **state) {
    (void)state;
    struct story l = history();
    struct event_found found;
    struct str cursor = page_of(&l, "", (struct str){0}, 2).next;
    struct event_query query = {.filter = {.domain_id = l.domain}, .cursor = cursor, .limit = 2};
    assert_ok(event_search(l.f->db, &l.f->arena, &query, &found));
    query.text = TEXT("ann");
    assert_int_equal(event_search(l.f->db, &l.f->arena, &query, &found), STATUS_INVALID);
    query.text = (struct str){0};
    query.filter.domain_id++;
    assert_int_equal(event_search(l.f->db, &l.f->arena, &query, &found), STATUS_INVALID);
    query.filter.domain_id--;
    for (size_t i = 0; i < cursor.n; i++) {
        char *bent = arena_alloc(&l.f->arena, cursor.n);
        memcpy(bent, cursor.p, cursor.n);
        bent[i] = bent[i] == '0' ? '1' : '0';
        query.cursor = str_make(bent, i % 3 ? cursor.n : i);
        if (query.cursor.n) assert_int_equal(event_search(l.f->db, &l.f->arena, &query, &found), STATUS_INVALID);
    }
    fixture_free(l.f);
}

/* ---- groups ---- */
static void test_groups(void **state) {
    (void)state;
    static const struct {
        const char *field, *means; /* "key=count," biggest first */
        int limit;
    } cases[] = {
        {"eventType", "send=3,bounce=2,open=2,click=1,deferred=1,delivery=1,", 10},
        {"eventType", "send=3,bounce=2,", 2},
        {"recipient", "ann@x.test=5,o'hara%_x!@z.test=3,Bob@y.test=2,", 10},
        {"recipientDomain", "x.test=5,z.test=3,", 2},
        {"sender", "news@example.com=5,Info@example.com=3,o'hara@example.com=2,", 10},
        {"subject", "Welcome to our Service!=5,", 1},
        {"tag", "EU=5,welcome=5,sale=2,", 10},
        {"messageId", "1b1b1b1b-1b1b-1b1b-1b1b-1b1b1b1b1b1b=5,", 1},
        {"link", "https://shop.test/a?b=c:d=1,", 10},
        {"bounceClass", "bad-mailbox=1,mailbox-full=1,", 10},
        {"smtpCode", "250=1,451=1,550=1,552=1,", 10},
        {"mxHost", "MX.y.test=1,mx1.x.test=1,", 10},
        {"country", "AT=1,DE=1,", 10},
        {"device", "desktop=1,mobile=1,", 10},
        {"userAgent", "Mozilla/5.0 (Mac OS)=1,Thunderbird=1,", 10},
        {"journeyId", "J1=5,J2=3,", 10},
        {"actionId", "7=5,", 10},
        {"listId", "5=5,", 10},
        {"subscriberId", "99=5,", 10},
        {"day", "2026-01-01=2,2026-01-03=2,2026-01-04=2,2026-01-05=2,2026-01-02=1,2026-01-06=1,", 10},
        {"hour", "2026-01-01 00:00:00=2,", 1},
    };
    struct story l = history();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        enum event_field field = EVENT_FIELD_COUNT;
        struct event_bucket_list list;
        BUF_AUTO text = {0};
        assert_true(event_field_find(str_from_z(cases[i].field), &field));
        struct event_grouping g = {.filter.domain_id = l.domain, .field = field, .limit = cases[i].limit};
        bool is_end = false;
        assert_ok(event_aggregate(l.f->db, &l.f->arena, &g, &is_end, &list));
        assert_true(is_end);
        event_group_free(&g);
        for (size_t k = 0; k < list.count; k++)
            buf_addf(&text, "%.*s=%lld,", STR_ARG(list.items[k].key), (long long)list.items[k].count);
        buf_add_char(&text, '\0');
        assert_string_equal(text.p, cases[i].means);
    }
    fixture_free(l.f);
}

/* ---- statistics against a naive recount ---- */
#define HISTORY_EVENTS 3000
#define HISTORY_TAGS   4
struct told { /* what was recorded, in that order */
    int type, person, hard;
    int64_t at;
};

static bool is_engagement(int type) {
    return type >= EVENT_OPEN;
}

static bool is_first(const struct told *all, size_t i) {
    for (size_t k = 0; k < i; k++)
        if (all[k].type == all[i].type && all[k].person == all[i].person) return false;
    return true;
}

static void recount(const struct told *all, size_t count, int64_t from, int64_t before, int tag, struct event_counts *ret) {
    static const enum event_counter plain[] = {
        [EVENT_SEND] = COUNT_SENT,           [EVENT_DEFERRED] = COUNT_DEFERRED, [EVENT_DELIVERY] = COUNT_DELIVERED,
        [EVENT_BOUNCE] = COUNT_BOUNCED,      [EVENT_FAILED] = COUNT_FAILED,     [EVENT_SUPPRESSED] = COUNT_SUPPRESSED,
        [EVENT_OPEN] = COUNT_OPENED,         [EVENT_CLICK] = COUNT_CLICKED,     [EVENT_UNSUBSCRIBE] = COUNT_UNSUBSCRIBED,
        [EVENT_COMPLAINT] = COUNT_COMPLAINED};
    *ret = (struct event_counts){{0}};
    for (size_t i = 0; i < count; i++) {
        const struct told *e = &all[i];
        if (e->at < from || e->at >= before || (tag >= 0 && !((e->person >> tag) & 1))) continue;
        if (e->type == EVENT_OPEN) ret->n[COUNT_OPENED_TOTAL]++;
        if (e->type == EVENT_CLICK) ret->n[COUNT_CLICKED_TOTAL]++;
        if (e->type == EVENT_BOUNCE && e->hard) ret->n[COUNT_HARD_BOUNCED]++;
        if (!is_engagement(e->type) || is_first(all, i)) ret->n[plain[e->type]]++;
    }
}

/* A person is a message of his own, tagged by the bits of his number; events come in any order (late bounces, opens twice). */
static void live(struct story *l, const int64_t *messages, struct told *all, size_t count, uint64_t *seed) {
    static const char *const details[] = {"{\"Bounce\":{\"Hard\":false}}", "{\"Bounce\":{\"Hard\":true}}",
                                          "{\"Reply\":{\"Code\":550}}", "{}"};
    for (size_t i = 0; i < count; i++) {
        unsigned kind = roll(seed, 4);
        all[i] = (struct told){.type = 1 + (int)roll(seed, EVENT_TYPE_COUNT - 1),
                               .person = (int)roll(seed, 100),
                               .hard = kind == 1,
                               .at = START + (int64_t)roll(seed, 1000) * DAY / 100};
        add(l, messages[all[i].person], (enum event_type)all[i].type, "a@b.test", all[i].at, details[kind]);
    }
}

static void assert_counts(const struct event_counts *a, const struct event_counts *b) {
    for (int i = 0; i < EVENT_COUNTER_COUNT; i++) assert_int_equal(a->n[i], b->n[i]);
}

static void test_statistics_equal_a_recount(void **state) {
    (void)state;
    static const char *const tags[HISTORY_TAGS] = {"one", "two", "three", "four"};
    static struct told all[HISTORY_EVENTS];
    struct story l = {.f = fixture_new()};
    int64_t messages[100];
    uint64_t seed = 7;
    l.account = make_account(l.f->db, "a@example.com");
    l.domain = make_domain(l.f->db, l.account, "example.com");
    for (int i = 0; i < 100; i++) {
        BUF_AUTO list = {0};
        for (int t = 0; t < HISTORY_TAGS; t++)
            if ((i >> t) & 1) buf_addf(&list, "%s\"%s\"", list.n ? "," : "[", tags[t]);
        buf_addf(&list, "%s]%c", list.n ? "" : "[", '\0');
        messages[i] = add_message(&l, (uint8_t)(i + 1), "a@example.com", "S", list.p, "{}");
    }
    live(&l, messages, all, HISTORY_EVENTS, &seed);
    fixture_commit(l.f);
    for (int round = 0; round < 10; round++) {
        int64_t days = 1 + roll(&seed, 5), from = START + (int64_t)roll(&seed, 10) * DAY, before = from + days * DAY;
        struct event_period period = {.domain_id = l.domain, .from_at = from, .before_at = before};
        struct stats_compared compared;
        struct event_value_list list;
        struct event_counts naive;
        assert_ok(stats_compare(l.f->db, &period, &compared));
        recount(all, HISTORY_EVENTS, from, before, -1, &naive);
        assert_counts(&compared.counts, &naive);
        recount(all, HISTORY_EVENTS, from - days * DAY, from, -1, &naive);
        assert_counts(&compared.previous, &naive);
        assert_ok(event_stats_by_tag(l.f->db, &l.f->arena, &period, 100, &list));
        for (int t = 0; t < HISTORY_TAGS; t++) {
            recount(all, HISTORY_EVENTS, from, before, t, &naive);
            for (size_t i = 0; i < list.count; i++)
                if (str_eq(list.items[i].value, str_from_z(tags[t]))) assert_counts(&list.items[i].counts, &naive);
        }
        for (size_t i = 1; i < list.count; i++)
            assert_true(list.items[i - 1].counts.n[COUNT_SENT] >= list.items[i].counts.n[COUNT_SENT]);
    }
    fixture_free(l.f);
}

static void test_rates(void **state) {
    (void)state;
    assert_int_equal(stats_rate(0, 0), 0);
    assert_int_equal(stats_rate(5, 0), 0);
    assert_int_equal(stats_rate(1, 3), 3333);
    assert_int_equal(stats_rate(2, 3), 6667);
    assert_int_equal(stats_rate(1, 8), 1250);
    assert_int_equal(stats_rate(1, 20000), 1); /* half up */
    assert_int_equal(stats_rate(7, 7), 10000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_P6_events),
        cmocka_unit_test(test_event_names),
        cmocka_unit_test(test_queries_find_their_rows),
        cmocka_unit_test(test_DB02_hostile_values_only_miss),
        cmocka_unit_test(test_DB03_bad_text_is_judged_before),
        cmocka_unit_test(test_wrong_queries_say_where_and_why),
        cmocka_unit_test(test_the_longest_queries_run),
        cmocka_unit_test(test_random_queries_split_the_events),
        cmocka_unit_test(test_a_search_has_its_bound),
        cmocka_unit_test(test_hosts_of_reports_are_kept_as_they_are),
        cmocka_unit_test(test_long_ids_are_kept_as_words_on_every_engine),
        cmocka_unit_test(test_pages_by_cursor_are_the_list),
        cmocka_unit_test(test_P6_a_cursor_is_for_one_search),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_statistics_equal_a_recount),
        cmocka_unit_test(test_rates),
    };
    return cmocka_run_group_tests_name("events", tests, NULL, NULL);
}
