/* queue_walk.c - see queue_walk.h.
 *
 * A piece is found in two steps: the entry that ends it, by skipping so many in the index, then what the filter takes up to
 * there. So only what is wanted leaves the engine, and no filter makes a piece longer.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/queue_walk.h"

#include "store/rows.h"

#define LAST_NAME STR("~") /* sorts behind every domain */

#define KEY     "domain, account_id, priority, due_at, id"
#define OF_NODE " FROM recipients WHERE node_id = ?1 AND (" KEY ") > (?2, ?3, ?4, ?5, ?6) "
#define WAITS   "AND state IN (0, 1) "
#define HELD    "AND state = 2 "
#define EDGE    "SELECT " KEY OF_NODE "AND domain <= ?7 "
#define AT_EDGE "ORDER BY " KEY " LIMIT 1 OFFSET ?8"
static const char *const edges[] = {EDGE WAITS AT_EDGE, EDGE HELD AT_EDGE};

#define UP_TO                                                                                                                    \
    OF_NODE "AND (" KEY ") <= (?7, ?8, ?9, ?10, ?11) AND (?12 = -1 OR account_id = ?12) AND (?13 = -1 OR domain_id = ?13) "      \
            "AND (?14 = -1 OR message_id = ?14) AND message_id <= ?15 AND expires_at <= ?16 AND due_at <= ?17 "                  \
            "AND (?18 = -1 OR ?18 = CASE WHEN state = 0 AND due_at > ?19 THEN 0 ELSE 1 END) "
#define WORDS "AND (?20 = '' OR lower(address) = lower(?20)) AND (?21 = '' OR replace(lower(reason), ?21, '') <> lower(reason)) "
#define PICK  "SELECT " KEY UP_TO
#define FIRST "ORDER BY " KEY " LIMIT "
static const char *const picks[] = {PICK WAITS FIRST "?20", PICK HELD FIRST "?20"};
static const char *const picks_by_words[] = {PICK WAITS WORDS FIRST "?22", PICK HELD WORDS FIRST "?22"};

#define COUNTS(what, group)                                                                                                      \
    { "SELECT " what ", count(*)" UP_TO WAITS group, "SELECT " what ", count(*)" UP_TO HELD group }
#define COUNTS_BY_WORDS(what, group)                                                                                             \
    { "SELECT " what ", count(*)" UP_TO WAITS WORDS group, "SELECT " what ", count(*)" UP_TO HELD WORDS group }
static const char *const counts[][2] = {COUNTS("''", ""), COUNTS("domain", "GROUP BY domain"),
                                        COUNTS("reason", "GROUP BY reason")};
static const char *const counts_by_words[][2] = {COUNTS_BY_WORDS("''", ""), COUNTS_BY_WORDS("domain", "GROUP BY domain"),
                                                 COUNTS_BY_WORDS("reason", "GROUP BY reason")};

struct queue_filter queue_filter_all(void) {
    return (struct queue_filter){.account_id = QUEUE_ANY,
                                 .domain_id = QUEUE_ANY,
                                 .message_id = QUEUE_ANY,
                                 .last_message = INT64_MAX,
                                 .expires_until = INT64_MAX,
                                 .due_until = INT64_MAX,
                                 .state = -1};
}

static bool has_words(const struct queue_filter *f) {
    return f->address.n || f->reason.n;
}

static void bind_place(struct stmt *s, int first, const struct queue_place *p) {
    stmt_bind_text(s, first, p->domain);
    STMT_BIND_INTS(s, first + 1, p->account_id, p->priority, p->due_at, p->id);
}

static struct queue_place before(struct str domain) {
    return (struct queue_place){domain, INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN};
}

static struct queue_place behind(struct str domain) {
    return (struct queue_place){domain, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX};
}

/* One stretch of the index: from `after` to the last entry of the domain `last`. */
struct stretch {
    struct queue_place after, to;
    struct str last;
    bool is_final; /* no other domain follows */
};

/* The walk's next stretch: everything, or the domain it is in, or the next that is named. False: the walk has ended. */
static bool find_stretch(const struct queue_walk *walk, struct stretch *ret) {
    const struct queue_filter *f = walk->filter;
    const struct queue_place *p = &walk->after;
    *ret = (struct stretch){.after = p->domain.n ? *p : before((struct str){0}), .last = LAST_NAME, .is_final = true};
    if (f->domain_count == 0) return true;
    bool is_past = p->account_id == INT64_MAX; /* behind() */
    for (size_t i = 0; i < f->domain_count; i++) {
        int order = p->domain.n ? str_cmp(f->domains[i], p->domain) : 1;
        if (order < 0 || (order == 0 && is_past)) continue;
        if (order > 0) ret->after = before(f->domains[i]);
        ret->last = f->domains[i];
        ret->is_final = i + 1 == f->domain_count;
        return true;
    }
    return false;
}

static struct queue_place place_of(struct stmt *s, struct arena *a) {
    return (struct queue_place){row_text(s, a, 0), stmt_int(s, 1), stmt_int(s, 2), stmt_int(s, 3), stmt_int(s, 4)};
}

/* Where the piece ends; *ret_is_whole: with its stretch. */
static enum status find_edge(struct db *tx, struct arena *a, const struct queue_walk *walk, struct stretch *x,
                             bool *ret_is_whole) {
    struct stmt *s = db_stmt(tx, edges[walk->is_held]);
    stmt_bind_int(s, 1, walk->node_id);
    bind_place(s, 2, &x->after);
    stmt_bind_text(s, 7, x->last);
    stmt_bind_int(s, 8, QUEUE_WALK_LOOK_MAX - 1);
    enum status st = row_first(s);
    *ret_is_whole = st == STATUS_NOT_FOUND;
    x->to = st == STATUS_OK ? place_of(s, a) : behind(x->last);
    return st == STATUS_NOT_FOUND ? STATUS_OK : st;
}

static void bind_filter(struct stmt *s, const struct queue_walk *walk, const struct stretch *x) {
    const struct queue_filter *f = walk->filter;
    stmt_bind_int(s, 1, walk->node_id);
    bind_place(s, 2, &x->after);
    bind_place(s, 7, &x->to);
    STMT_BIND_INTS(s, 12, f->account_id, f->domain_id, f->message_id, f->last_message, f->expires_until, f->due_until, f->state,
                   walk->now);
    if (!has_words(f)) return;
    stmt_bind_text(s, 20, f->address);
    stmt_bind_text(s, 21, f->reason);
}

enum status queue_pick(struct db *tx, struct arena *a, const struct queue_walk *walk, struct queue_piece *ret) {
    struct stretch x;
    bool is_whole;
    struct queue_piece piece = {.place = walk->after, .is_end = true};
    int limit = walk->limit < QUEUE_WALK_LOOK_MAX ? walk->limit : QUEUE_WALK_LOOK_MAX;
    if (!find_stretch(walk, &x)) {
        *ret = piece;
        return STATUS_OK;
    }
    enum status st = find_edge(tx, a, walk, &x, &is_whole);
    if (st != STATUS_OK) return st;
    struct stmt *s = db_stmt(tx, (has_words(walk->filter) ? picks_by_words : picks)[walk->is_held]);
    bind_filter(s, walk, &x);
    stmt_bind_int(s, has_words(walk->filter) ? 22 : 20, limit);
    piece.ids = arena_array(a, (size_t)limit + 1, sizeof *piece.ids);
    piece.place = x.to;
    while ((st = stmt_step(s)) == STATUS_ROW) {
        piece.ids[piece.count++] = stmt_int(s, 4);
        if (piece.count == (size_t)limit) piece.place = place_of(s, a);
    }
    piece.is_end = is_whole && x.is_final && piece.count < (size_t)limit;
    if (st == STATUS_OK) *ret = piece;
    return st;
}

static void count_fill(struct stmt *s, struct arena *a, void *item) {
    *(struct queue_count *)item = (struct queue_count){row_text(s, a, 0), stmt_int(s, 1)};
}

enum status queue_count_piece(struct db *tx, struct arena *a, const struct queue_walk *walk, enum queue_count_by by,
                              struct queue_count_list *ret, struct queue_piece *ret_piece) {
    struct stretch x;
    bool is_whole;
    if (!find_stretch(walk, &x)) {
        *ret = (struct queue_count_list){.count = 0};
        *ret_piece = (struct queue_piece){.place = walk->after, .is_end = true};
        return STATUS_OK;
    }
    enum status st = find_edge(tx, a, walk, &x, &is_whole);
    if (st != STATUS_OK) return st;
    struct stmt *s = db_stmt(tx, (has_words(walk->filter) ? counts_by_words : counts)[by][walk->is_held]);
    bind_filter(s, walk, &x);
    st = rows_collect(s, a, sizeof(struct queue_count), count_fill, ret);
    if (st == STATUS_OK) *ret_piece = (struct queue_piece){.place = x.to, .is_end = is_whole && x.is_final};
    return st;
}
