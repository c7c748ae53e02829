/* operator_tls_reports.c - reports about TLS as the operator sees them before they go: listed, shown, sent at once.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/call.h"
#include "api/tables.h"

#include "base/encode.h"
#include "core/tls_report.h"

#define LIST_DEFAULT 100

static const struct param list_params[] = {
    {"Domain", PARAM_DOMAIN, false, 0, 0, 0, 253, "Of this recipient domain only"},
    {"Limit", PARAM_INT, false, 0, 0, 1, 1000, "Reports to return; 100 when absent"},
};
static const struct param show_params[] = {
    {"Domain", PARAM_DOMAIN, true, 0, 0, 0, 253, "Recipient domain"},
    {"Day", PARAM_TIME, false, 0, 0, 0, 0, "UTC day, YYYY-MM-DD; the last one that has sessions when absent"},
};
static const struct param send_params[] = {
    {"Domain", PARAM_DOMAIN, false, 0, 0, 0, 253, "Recipient domain; all when absent"},
    {"Day", PARAM_TIME, false, 0, 0, 0, 0, "UTC day, YYYY-MM-DD; yesterday when absent"},
};
static const struct refusal refusals[] = {
    {1, 0, "No sessions are counted for that domain and day"},
    {2, 0, "No reports are sent: set [tls_report] from"},
};

static const struct tls_report_options *options_of(const struct call *c) {
    static const struct tls_report_options none;
    return c->api->tls_report ? c->api->tls_report : &none;
}

static void write_day(struct json_writer *w, int64_t day) {
    BUF_AUTO text = {0};
    time_add_sql(&text, day * CLOCK_DAY_MS);
    json_add_str(w, STR("Day"), str_sub(buf_str(&text), 0, str_find(buf_str(&text), ' ')));
}

static enum status list(struct call *c, struct db *db) {
    struct tls_report_list reports;
    int limit = (int)call_number(c, "Limit", LIST_DEFAULT);
    enum status status = tls_report_list(db, c->arena, call_text(c, "Domain", STR("")), limit, &reports);
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    json_add_array(w, STR("Reports"));
    for (size_t i = 0; i < reports.count; i++) {
        const struct tls_report *r = &reports.items[i];
        json_open_object(w);
        write_day(w, r->day);
        json_add_str(w, STR("Domain"), r->domain);
        json_add_i64(w, STR("Good"), r->good);
        json_add_i64(w, STR("Failed"), r->failed);
        json_add_time(w, STR("Due"), r->due_at);
        json_add_i64(w, STR("Attempts"), r->attempts);
        json_close_object(w);
    }
    json_close_array(w);
    return call_close(c);
}

/* The day asked for, or the domain's last one. */
static enum status find_day(struct call *c, struct db *db, struct str domain, int64_t *ret_day) {
    struct tls_report_list reports;
    const struct arg *day = call_arg(c, "Day");
    if (day->is_given) {
        *ret_day = day->number / CLOCK_DAY_MS;
        return STATUS_OK;
    }
    enum status status = tls_report_list(db, c->arena, domain, 1, &reports);
    if (status == STATUS_OK && reports.count == 0) return call_refuse(c, 1);
    if (status == STATUS_OK) *ret_day = reports.items[0].day;
    return status;
}

static enum status show(struct call *c, struct db *db) {
    struct tls_count_list counts;
    struct str domain = call_text(c, "Domain", STR(""));
    int64_t day = 0;
    enum status status = find_day(c, db, domain, &day);
    if (call_is_over(c, status)) return status;
    status = tls_count_list(db, c->arena, day, domain, TLS_REPORT_COUNTS_MAX, &counts);
    if (status != STATUS_OK) return status;
    if (counts.count == 0) return call_refuse(c, 1);
    BUF_AUTO json = {0};
    BUF_AUTO coded = {0};
    tls_report_write(options_of(c), day, domain, &counts, &json);
    base64_encode(&coded, buf_str(&json));
    struct json_writer *w = call_open(c);
    write_day(w, day);
    json_add_str(w, STR("Domain"), domain);
    json_add_str(w, STR("Content"), buf_str(&coded));
    return call_close(c);
}

static enum status send(struct call *c, struct db *db) {
    int64_t count, day = call_number(c, "Day", c->now - CLOCK_DAY_MS) / CLOCK_DAY_MS;
    if (options_of(c)->from.n == 0) return call_refuse(c, 2);
    enum status status = tls_report_hasten(db, day, call_text(c, "Domain", STR("")), c->now, &count);
    if (status != STATUS_OK) return status;
    if (count == 0) return call_refuse(c, 1);
    struct json_writer *w = call_open(c);
    write_day(w, day);
    json_add_i64(w, STR("Due"), count);
    return call_close(c);
}

static const struct operation rows[] = {
    {"Operator.TlsReportList", STYLE_CONTROL, CALLER_OPERATOR,
     .sentence = "Reports about TLS that are being gathered or are to be sent, newest day first", LIST_OF(list_params, refusals),
     .steps = {{STEP_SEARCH, list}}},
    {"Operator.TlsReportShow", STYLE_CONTROL, CALLER_OPERATOR,
     .sentence = "One report as it would be sent now: JSON of RFC 8460, in base64", LIST_OF(show_params, refusals),
     .steps = {{STEP_READER, show}}},
    {"Operator.TlsReportSend", STYLE_CONTROL, CALLER_OPERATOR,
     .sentence = "Send a day's reports now to the domains that want one", LIST_OF(send_params, refusals),
     .steps = {{STEP_WRITER, send}}},
};
const struct operation_table operator_tls_report_table = {"Operator: TLS reports", rows, sizeof rows / sizeof rows[0],
                                                          "What other domains are told about TLS with their hosts (RFC 8460)"};
