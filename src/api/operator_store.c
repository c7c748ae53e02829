/* operator_store.c - the store as its operator looks after it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/operator_store.h"

#include "api/call.h"
#include "api/keep_calls.h"
#include "core/store_check.h"

#define LIST_DEFAULT 20
#define SHOWN_IDS    5
#define PIECES_MAX   8 /* of one snapshot */

/* ---- sizes ---- */

static void add_time(struct json_writer *w, struct str key, int64_t at) {
    if (at)
        json_add_time(w, key, at);
    else
        json_add_z(w, key, "");
}

enum status operator_store_stats(struct call *c, struct db *db) {
    struct store_size size;
    enum status status = store_size(db, &size);
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    json_add_z(w, STR("Engine"), size.is_sqlite ? "sqlite" : "postgresql");
    json_add_i64(w, STR("Bytes"), size.bytes);
    json_add_i64(w, STR("FreeInside"), size.inner_bytes);
    add_time(w, STR("OldestEvent"), size.oldest_event_at);
    add_time(w, STR("NewestEvent"), size.newest_event_at);
    add_time(w, STR("OldestContent"), size.oldest_body_at);
    json_add_array(w, STR("Tables"));
    for (size_t i = 0; i < size.table_count; i++) {
        json_open_object(w);
        json_add_z(w, STR("Name"), size.tables[i].name);
        json_add_i64(w, STR("Rows"), size.tables[i].rows);
        if (size.tables[i].bytes >= 0) json_add_i64(w, STR("Bytes"), size.tables[i].bytes);
        json_close_object(w);
    }
    json_close_array(w);
    return call_close(c);
}

/* ---- what is old ---- */

struct prune {
    unsigned round; /* of the call, that `next` was made in */
    struct keeping walk, next;
};

/* A run that is repeated begins where the last commit left the walk. */
static struct prune *prune_of(struct call *c) {
    struct prune *p = c->state;
    if (!p) {
        c->state = p = ARENA_NEW(c->arena, struct prune);
        keeping_begin(&p->next, &c->api->keep);
        p->walk = p->next;
        p->round = c->round;
    }
    if (p->round != c->round) p->walk = p->next;
    p->round = c->round;
    p->next = p->walk;
    return p;
}

enum status operator_store_prune(struct call *c, struct db *db) {
    static const char *const names[RETAINED_COUNT] = {"Bodies", "Inbox", "Events", "Messages", "ListSends"};
    ARENA_AUTO arena = {0};
    struct prune *p = prune_of(c);
    enum status status = keeping_slice(db, &arena, &p->next, c->now);
    if (status != STATUS_OK) return status;
    if (!p->next.is_over) {
        call_again(c);
        return STATUS_OK;
    }
    struct json_writer *w = call_open(c);
    for (int i = 0; i < RETAINED_COUNT; i++) json_add_i64(w, str_from_z(names[i]), p->next.removed[i]);
    json_add_i64(w, STR("Bytes"), p->next.removed_bytes);
    return call_close(c);
}

/* ---- what hangs together ---- */

static void add_rule(struct json_writer *w, struct arena *arena, enum store_rule rule, const struct store_check_rule *found) {
    struct str ids = STR("");
    for (int64_t i = 0; i < found->count && i < SHOWN_IDS; i++)
        ids = arena_strf(arena, "%.*s%s%lld", STR_ARG(ids), i ? " " : "", (long long)found->shown[i]);
    json_open_object(w);
    json_add_z(w, STR("Rule"), store_rule_text(rule));
    json_add_i64(w, STR("Count"), found->count);
    json_add_str(w, STR("First"), ids);
    json_close_object(w);
}

enum status operator_store_check(struct call *c, struct db *db) {
    struct store_walk *walk = c->state;
    int64_t breaches = 0;
    enum status status = STATUS_OK;
    if (!walk) {
        c->state = walk = ARENA_NEW(c->arena, struct store_walk);
        store_walk_begin(walk);
    }
    for (int i = 0; status == STATUS_OK && i < PIECES_MAX && !store_walk_is_over(walk); i++) {
        ARENA_AUTO arena = {0};
        status = store_walk_piece(db, &arena, walk);
    }
    if (status != STATUS_OK) return status;
    if (!store_walk_is_over(walk)) {
        call_again(c);
        return STATUS_OK;
    }
    for (int i = 0; i < STORE_RULE_COUNT; i++) breaches += walk->found[i].count;
    struct json_writer *w = call_open(c);
    json_add_i64(w, STR("Breaches"), breaches);
    json_add_bool(w, STR("IsSound"), breaches == 0);
    json_add_array(w, STR("Rules"));
    for (int i = 0; i < STORE_RULE_COUNT; i++) add_rule(w, c->arena, (enum store_rule)i, &walk->found[i]);
    json_close_array(w);
    return call_close(c);
}

/* ---- copies ---- */

/* "posthorn-20261123-040506.copy"; in the arena. */
static const char *name_of(struct call *c) {
    char digits[16];
    size_t n = 0;
    BUF_AUTO time = {0};
    time_add_sql(&time, c->now);
    for (size_t i = 0; i < time.n && n < sizeof digits; i++) {
        bool is_digit = time.p[i] >= '0' && time.p[i] <= '9';
        if (is_digit || time.p[i] == ' ') digits[n++] = is_digit ? time.p[i] : '-';
    }
    return arena_strf(c->arena, STORE_COPY "%.*s" STORE_COPY_END, (int)n, digits).p;
}

struct backup {
    const char *name;
    int64_t bytes;
};

/* A step that runs again finds its own copy under way: then there is a state. */
enum status operator_store_backup(struct call *c, struct db *db) {
    BUF_AUTO why = {0};
    struct backup *b = c->state;
    const char *name = b ? b->name : name_of(c);
    enum status status = store_copy_begin(db, name, c->api->gate ? c->api->gate->mark_bytes : 0, &why);
    if (status == STATUS_EXISTS) return b ? STATUS_OK : call_refuse(c, 1);
    if (status != STATUS_OK && why.n == 0) return status;
    if (status != STATUS_OK) return call_refuse_say(c, (struct str){0}, arena_z(c->arena, buf_str(&why)));
    c->state = b = ARENA_NEW(c->arena, struct backup);
    b->name = name;
    return STATUS_OK;
}

enum status operator_store_backup_look(struct call *c, struct db *db) {
    const struct store_copy copy = store_copy_look(db);
    ((struct backup *)c->state)->bytes = copy.bytes;
    if (copy.is_open) call_again(c);
    if (copy.status == STATUS_TEMPORARY)
        return call_refuse_say(c, (struct str){0}, "the disk is full: nothing of the copy is kept");
    return copy.is_open || copy.status == STATUS_OK ? STATUS_OK : call_refuse(c, 2);
}

enum status operator_store_backup_finish(struct call *c, struct db *db) {
    (void)db;
    const struct backup *b = c->state;
    if (store_copy_finish(b->name) != STATUS_OK) return call_refuse(c, 2);
    struct json_writer *w = call_open(c);
    json_add_z(w, STR("File"), b->name);
    json_add_i64(w, STR("Bytes"), b->bytes);
    return call_close(c);
}

/* ---- people who are to be forgotten ---- */

static enum status account_of(struct call *c, struct db *db, int64_t *ret_id) {
    struct account account;
    struct str text = call_text(c, "Account", (struct str){0}), email;
    enum status status = STATUS_NOT_FOUND;
    *ret_id = ERASURE_EVERYBODY;
    if (text.n == 0) return STATUS_OK;
    if (account_email(text, c->arena, &email)) status = account_find(db, c->arena, email, &account);
    if (status == STATUS_OK) *ret_id = account.id;
    return status == STATUS_NOT_FOUND ? call_refuse_field(c, 1, STR("Account")) : status;
}

enum status operator_erase(struct call *c, struct db *db) {
    int64_t account_id, id;
    struct str address = call_arg(c, "Address")->text;
    enum status status = account_of(c, db, &account_id);
    if (call_is_over(c, status)) return status;
    status = keep_order_erasure(c, db, account_id, address, &id);
    if (status != STATUS_OK) return status;
    json_add_id(call_open(c), STR("ErasureID"), id);
    return call_close(c);
}

enum status operator_erasure_list(struct call *c, struct db *db) {
    struct erasure_list list;
    enum status status = erasure_page(db, c->arena, SCOPE_ANY, INT64_MAX, (int)call_number(c, "Limit", LIST_DEFAULT), &list);
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    json_add_array(w, STR("Erasures"));
    for (size_t i = 0; i < list.count; i++) {
        json_open_object(w);
        keep_add_erasure(w, &list.items[i]);
        json_close_object(w);
    }
    json_close_array(w);
    return call_close(c);
}
