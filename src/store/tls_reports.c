/* tls_reports.c - see tls_reports.h. A policy's text is stored once a report, however many kinds of failures it has.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/tls_reports.h"

#include "store/rows.h"

/* ---- counts ---- */
static enum status ensure_report(struct db *tx, const struct tls_count *c, int64_t due_at) {
    struct stmt *s = db_stmt(tx, "INSERT INTO tls_reports (day, domain, due_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING");
    stmt_bind_int(s, 1, c->day);
    stmt_bind_text(s, 2, c->domain);
    stmt_bind_int(s, 3, due_at);
    return stmt_run(s);
}

static enum status ensure_policy(struct db *tx, const struct tls_count *c) {
    struct stmt *s =
        db_stmt(tx, "INSERT INTO tls_policies (day, domain, policy_key, policy) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING");
    stmt_bind_int(s, 1, c->day);
    stmt_bind_text(s, 2, c->domain);
    stmt_bind_text(s, 3, c->policy_key);
    stmt_bind_text(s, 4, c->policy);
    return stmt_run(s);
}

static void bind_key(struct stmt *s, const struct tls_count *c) {
    stmt_bind_int(s, 1, c->day);
    stmt_bind_text(s, 2, c->domain);
    stmt_bind_text(s, 3, c->policy_key);
    stmt_bind_text(s, 4, c->result);
    stmt_bind_text(s, 5, c->sender_ip);
    stmt_bind_text(s, 6, c->host);
    stmt_bind_text(s, 7, c->host_ip);
    stmt_bind_text(s, 8, c->reason);
}

enum status tls_count_add(struct db *tx, const struct tls_count *c, int64_t due_at) {
    struct stmt *s =
        db_stmt(tx, "UPDATE tls_counts SET sessions = sessions + ?9 WHERE day = ?1 AND domain = ?2 AND "
                    "policy_key = ?3 AND result = ?4 AND sender_ip = ?5 AND host = ?6 AND host_ip = ?7 AND reason = ?8");
    bind_key(s, c);
    stmt_bind_int(s, 9, c->sessions);
    enum status st = row_change(tx, s);
    if (st != STATUS_NOT_FOUND) return st;
    st = ensure_report(tx, c, due_at);
    if (st == STATUS_OK) st = ensure_policy(tx, c);
    if (st != STATUS_OK) return st;
    s = db_stmt(tx, "INSERT INTO tls_counts (day, domain, policy_key, result, sender_ip, host, host_ip, reason, sessions) "
                    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
    bind_key(s, c);
    stmt_bind_int(s, 9, c->sessions);
    return stmt_run(s);
}

static void count_fill(struct stmt *s, struct arena *a, void *item) {
    *(struct tls_count *)item = (struct tls_count){
        .day = stmt_int(s, 0),
        .domain = row_text(s, a, 1),
        .policy_key = row_text(s, a, 2),
        .policy = row_text(s, a, 3),
        .result = row_text(s, a, 4),
        .sender_ip = row_text(s, a, 5),
        .host = row_text(s, a, 6),
        .host_ip = row_text(s, a, 7),
        .reason = row_text(s, a, 8),
        .sessions = stmt_int(s, 9),
    };
}

enum status tls_count_list(struct db *tx, struct arena *a, int64_t day, struct str domain, int limit,
                           struct tls_count_list *ret) {
    struct stmt *s =
        db_stmt(tx, "SELECT c.day, c.domain, c.policy_key, p.policy, c.result, c.sender_ip, c.host, c.host_ip, "
                    "c.reason, c.sessions FROM tls_counts c JOIN tls_policies p ON p.day = c.day AND "
                    "p.domain = c.domain AND p.policy_key = c.policy_key WHERE c.day = ?1 AND c.domain = ?2 "
                    "ORDER BY c.policy_key, c.result, c.sessions DESC, c.host, c.host_ip, c.sender_ip, c.reason LIMIT ?3");
    stmt_bind_int(s, 1, day);
    stmt_bind_text(s, 2, domain);
    stmt_bind_int(s, 3, limit);
    return rows_collect(s, a, sizeof(struct tls_count), count_fill, ret);
}

/* ---- reports ---- */
static void report_fill(struct stmt *s, struct arena *a, void *item) {
    *(struct tls_report *)item = (struct tls_report){
        .day = stmt_int(s, 0), .domain = row_text(s, a, 1), .due_at = stmt_int(s, 2), .attempts = stmt_int(s, 3)};
}

static void summed_fill(struct stmt *s, struct arena *a, void *item) {
    struct tls_report *report = item;
    report_fill(s, a, item);
    report->good = stmt_int(s, 4);
    report->failed = stmt_int(s, 5);
}

#define SUM_OF(which)                                                                                                            \
    "CAST(coalesce((SELECT sum(c.sessions) FROM tls_counts c WHERE c.day = r.day AND c.domain = r.domain AND c.result " which    \
    " ''), 0) AS BIGINT)"

enum status tls_report_list(struct db *tx, struct arena *a, struct str domain, int limit, struct tls_report_list *ret) {
    struct stmt *s = db_stmt(tx, "SELECT r.day, r.domain, r.due_at, r.attempts, " SUM_OF("=") ", " SUM_OF(
                                     ">") " FROM "
                                          "tls_reports r WHERE ?1 = '' OR r.domain = ?1 ORDER BY r.day DESC, r.domain LIMIT ?2");
    stmt_bind_text(s, 1, domain);
    stmt_bind_int(s, 2, limit);
    return rows_collect(s, a, sizeof(struct tls_report), summed_fill, ret);
}

enum status tls_report_list_due(struct db *tx, struct arena *a, int64_t now, int limit, struct tls_report_list *ret) {
    struct stmt *s = db_stmt(tx, "SELECT day, domain, due_at, attempts FROM tls_reports WHERE due_at <= ?1 "
                                 "ORDER BY due_at, day, domain LIMIT ?2");
    STMT_BIND_INTS(s, 1, now, limit);
    return rows_collect(s, a, sizeof(struct tls_report), report_fill, ret);
}

enum status tls_report_find(struct db *tx, struct arena *a, int64_t day, struct str domain, struct tls_report *ret) {
    struct stmt *s = db_stmt(tx, "SELECT day, domain, due_at, attempts FROM tls_reports WHERE day = ?1 AND domain = ?2");
    stmt_bind_int(s, 1, day);
    stmt_bind_text(s, 2, domain);
    return row_get(s, a, report_fill, ret);
}

enum status tls_report_hasten(struct db *tx, int64_t day, struct str domain, int64_t due_at, int64_t *ret_count) {
    struct stmt *s = domain.n ? db_stmt(tx, "UPDATE tls_reports SET due_at = ?3 WHERE day = ?1 AND domain = ?2")
                              : db_stmt(tx, "UPDATE tls_reports SET due_at = ?3 WHERE day = ?1 AND domain > ?2");
    stmt_bind_int(s, 1, day);
    stmt_bind_text(s, 2, domain);
    stmt_bind_int(s, 3, due_at);
    return rows_change(tx, s, ret_count);
}

enum status tls_report_defer(struct db *tx, int64_t day, struct str domain, int64_t due_at) {
    struct stmt *s = db_stmt(tx, "UPDATE tls_reports SET due_at = ?3, attempts = attempts + 1 WHERE day = ?1 AND domain = ?2");
    stmt_bind_int(s, 1, day);
    stmt_bind_text(s, 2, domain);
    stmt_bind_int(s, 3, due_at);
    enum status st = row_change(tx, s);
    return st == STATUS_NOT_FOUND ? STATUS_OK : st;
}

static enum status delete_of(struct db *tx, const char *sql, int64_t day, struct str domain) {
    int64_t gone;
    struct stmt *s = db_stmt(tx, sql);
    stmt_bind_int(s, 1, day);
    stmt_bind_text(s, 2, domain);
    return rows_change(tx, s, &gone);
}

enum status tls_report_delete(struct db *tx, int64_t day, struct str domain) {
    enum status st = delete_of(tx, "DELETE FROM tls_counts WHERE day = ?1 AND domain = ?2", day, domain);
    if (st == STATUS_OK) st = delete_of(tx, "DELETE FROM tls_policies WHERE day = ?1 AND domain = ?2", day, domain);
    return st == STATUS_OK ? delete_of(tx, "DELETE FROM tls_reports WHERE day = ?1 AND domain = ?2", day, domain) : st;
}

enum status tls_report_prune(struct db *tx, int64_t day, int limit, int64_t *ret_count) {
    ARENA_AUTO arena = {0};
    struct tls_report_list list;
    struct stmt *s = db_stmt(tx, "SELECT day, domain, due_at, attempts FROM tls_reports WHERE day < ?1 ORDER BY day LIMIT ?2");
    STMT_BIND_INTS(s, 1, day, limit);
    enum status st = rows_collect(s, &arena, sizeof(struct tls_report), report_fill, &list);
    for (size_t i = 0; st == STATUS_OK && i < list.count; i++)
        st = tls_report_delete(tx, list.items[i].day, list.items[i].domain);
    if (st == STATUS_OK) *ret_count = (int64_t)list.count;
    return st;
}
