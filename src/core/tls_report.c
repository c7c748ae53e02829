/* tls_report.c - see tls_report.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/tls_report.h"

#include "base/encode.h"
#include "core/tls_policy.h"
#include "proto/address/address.h"
#include "proto/json/json_write.h"

#define HOUR_MS     (INT64_C(3600) * 1000)
#define WAIT_MIN_MS (INT64_C(15) * 60 * 1000)
#define WAIT_MAX_MS (4 * HOUR_MS)
#define LIFE_MS     (24 * HOUR_MS)
#define LATEST_MS   (5 * HOUR_MS) /* behind its day: the first try is made by then */
#define BASE64_LINE 57            /* bytes in a line of 76 characters */

int64_t tls_report_ends_at(int64_t day) {
    return (day + 1) * CLOCK_DAY_MS + LATEST_MS + LIFE_MS;
}

int64_t tls_report_wait_ms(int64_t attempts) {
    int64_t wait = WAIT_MIN_MS;
    for (int64_t i = 1; i < attempts && wait < WAIT_MAX_MS; i++) wait *= 2;
    return wait < WAIT_MAX_MS ? wait : WAIT_MAX_MS;
}

/* ---- names ---- */
static struct str domain_of(struct str mailbox) {
    return str_sub(mailbox, str_find_last(mailbox, '@') + 1, SIZE_MAX);
}

static void add_date(struct buf *out, int64_t day) {
    BUF_AUTO text = {0};
    time_add_sql(&text, day * CLOCK_DAY_MS);
    buf_add_str(out, str_sub(buf_str(&text), 0, str_find(buf_str(&text), ' ')));
}

/* The same at every try, so that a report that comes twice is known for one. */
static void add_report_id(struct buf *out, const struct tls_report_options *o, int64_t day, struct str domain) {
    add_date(out, day);
    buf_addf(out, ".%.*s@%.*s", STR_ARG(domain), STR_ARG(domain_of(o->from)));
}

/* ---- JSON ---- */
static void write_range(struct json_writer *w, int64_t day) {
    static const struct {
        struct str key;
        const char *time;
    } ends[] = {{STR_INIT("start-datetime"), "T00:00:00Z"}, {STR_INIT("end-datetime"), "T23:59:59Z"}};
    json_add_object(w, STR("date-range"));
    for (size_t i = 0; i < 2; i++) {
        BUF_AUTO text = {0};
        add_date(&text, day);
        buf_add_z(&text, ends[i].time);
        json_add_str(w, ends[i].key, buf_str(&text));
    }
    json_close_object(w);
}

static void add_given(struct json_writer *w, struct str key, struct str value) {
    if (value.n) json_add_str(w, key, value);
}

static void write_failure(struct json_writer *w, const struct tls_count *c) {
    json_open_object(w);
    json_add_str(w, STR("result-type"), c->result);
    add_given(w, STR("sending-mta-ip"), c->sender_ip);
    add_given(w, STR("receiving-mx-hostname"), c->host);
    add_given(w, STR("receiving-ip"), c->host_ip);
    json_add_i64(w, STR("failed-session-count"), c->sessions);
    add_given(w, STR("failure-reason-code"), c->reason);
    json_close_object(w);
}

/* One policy: the rows [i, end). */
static void write_policy(struct json_writer *w, const struct tls_count *rows, size_t count) {
    int64_t good = 0, bad = 0;
    for (size_t i = 0; i < count; i++) *(rows[i].result.n ? &bad : &good) += rows[i].sessions;
    json_open_object(w);
    json_add_raw(w, STR("policy"), rows[0].policy);
    json_add_object(w, STR("summary"));
    json_add_i64(w, STR("total-successful-session-count"), good);
    json_add_i64(w, STR("total-failure-session-count"), bad);
    json_close_object(w);
    json_add_array(w, STR("failure-details"));
    for (size_t i = 0; i < count; i++)
        if (rows[i].result.n) write_failure(w, &rows[i]);
    json_close_array(w);
    json_close_object(w);
}

static void write_policies(struct json_writer *w, const struct tls_count_list *counts) {
    json_add_array(w, STR("policies"));
    for (size_t i = 0, end; i < counts->count; i = end) {
        for (end = i + 1; end < counts->count && str_eq(counts->items[end].policy_key, counts->items[i].policy_key);) end++;
        write_policy(w, counts->items + i, end - i);
    }
    json_close_array(w);
}

void tls_report_write(const struct tls_report_options *o, int64_t day, struct str domain, const struct tls_count_list *counts,
                      struct buf *out) {
    struct json_writer w = {.out = out};
    BUF_AUTO id = {0};
    add_report_id(&id, o, day, domain);
    json_open_object(&w);
    json_add_str(&w, STR("organization-name"), o->organization.n ? o->organization : domain_of(o->from));
    write_range(&w, day);
    json_add_str(&w, STR("contact-info"), o->contact.n ? o->contact : o->from);
    json_add_str(&w, STR("report-id"), buf_str(&id));
    write_policies(&w, counts);
    json_close_object(&w);
}

/* ---- the mail ---- */
static void write_head(struct buf *out, const struct tls_report_options *o, const struct tls_report_mail *m,
                       struct str message_id) {
    BUF_AUTO id = {0};
    struct str us = domain_of(o->from);
    add_report_id(&id, o, m->day, m->domain);
    buf_addf(out, "From: <%.*s>\r\nTo: <%.*s>\r\nDate: ", STR_ARG(o->from), STR_ARG(m->to));
    time_add_rfc5322(out, m->now);
    buf_addf(out, "\r\nSubject: Report Domain: %.*s\r\n Submitter: %.*s\r\n Report-ID: <%.*s>\r\n", STR_ARG(m->domain),
             STR_ARG(us), STR_ARG(buf_str(&id)));
    buf_addf(out, "Message-ID: <%.*s>\r\n", STR_ARG(message_id));
    buf_addf(out, "TLS-Report-Domain: %.*s\r\nTLS-Report-Submitter: %.*s\r\n", STR_ARG(m->domain), STR_ARG(us));
    buf_add_z(out, "TLS-Required: No\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n");
}

static void write_base64(struct buf *out, struct str bytes) {
    for (size_t at = 0; at < bytes.n; at += BASE64_LINE) {
        base64_encode(out, str_sub(bytes, at, BASE64_LINE));
        buf_add_z(out, "\r\n");
    }
}

/* sender!domain!begin!end.json.gz, in seconds (RFC 8460 5.1). */
static void add_file_name(struct buf *out, const struct tls_report_options *o, const struct tls_report_mail *m) {
    int64_t from_s = m->day * CLOCK_DAY_MS / 1000, till_s = (m->day + 1) * CLOCK_DAY_MS / 1000 - 1;
    buf_addf(out, "%.*s!%.*s!%lld!%lld.json.gz", STR_ARG(domain_of(o->from)), STR_ARG(m->domain), (long long)from_s,
             (long long)till_s);
}

static void write_body(struct buf *out, const struct tls_report_options *o, const struct tls_report_mail *m,
                       struct str boundary) {
    buf_addf(out, "Content-Type: multipart/report; report-type=\"tlsrpt\";\r\n boundary=\"%.*s\"\r\n\r\n", STR_ARG(boundary));
    buf_addf(out, "--%.*s\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n", STR_ARG(boundary));
    buf_addf(out, "This is an aggregate report about TLS from %.*s,\r\nabout mail to %.*s on ", STR_ARG(domain_of(o->from)),
             STR_ARG(m->domain));
    add_date(out, m->day);
    buf_addf(out, " (UTC). See RFC 8460.\r\n\r\n--%.*s\r\nContent-Type: " TLS_REPORT_MEDIA_TYPE "\r\n", STR_ARG(boundary));
    buf_add_z(out, "Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment;\r\n filename=\"");
    add_file_name(out, o, m);
    buf_add_z(out, "\"\r\n\r\n");
    write_base64(out, m->packed);
    buf_addf(out, "\r\n--%.*s--\r\n", STR_ARG(boundary));
}

static struct str make_boundary(struct arena *arena, const struct rand *rand) {
    uint8_t bytes[12];
    BUF_AUTO hex = {0};
    rand_fill(rand, bytes, sizeof bytes);
    hex_encode(&hex, str_make((const char *)bytes, sizeof bytes));
    return arena_strf(arena, "=_%.*s", STR_ARG(buf_str(&hex)));
}

/* It is not to be held up by the very trouble it tells of (RFC 8460 5.3, RFC 8689 5). */
static void fill_message(const struct tls_report_options *o, const struct tls_report_mail *m, const struct domain *domain,
                         struct message *ret) {
    *ret = (struct message){
        .uuid = id_make(m->now, o->rand),
        .account_id = domain->account_id,
        .domain_id = domain->id,
        .created_at = m->now,
        .expires_at = m->now + LIFE_MS,
        .sender = o->from,
        .subject = STR("TLS report"),
        .tags = STR("[]"),
        .metadata = STR("{}"),
        .tls = TLS_LEVEL_WAIVE,
    };
}

enum status tls_report_accept(struct db *tx, struct arena *arena, const struct tls_report_options *o,
                              const struct tls_report_mail *m, struct acceptance *ret) {
    struct domain domain;
    BUF_AUTO content = {0};
    const struct notice_options notices = {.from = o->from, .owner = o->owner, .rand = o->rand};
    enum status status = notice_ready(tx, arena, &notices, &domain);
    if (status != STATUS_OK) return status;
    struct accept_recipient *recipient = ARENA_NEW(arena, struct accept_recipient);
    *recipient = (struct accept_recipient){.address = m->to, .domain = m->to_domain};
    *ret = (struct acceptance){.owner = o->owner, .due_at = m->now, .recipients = recipient, .recipient_count = 1};
    fill_message(o, m, &domain, &ret->message);
    ret->message.rfc_message_id = accept_message_id(arena, ret->message.uuid, domain_of(o->from));
    write_head(&content, o, m, ret->message.rfc_message_id);
    write_body(&content, o, m, make_boundary(arena, o->rand));
    ret->message.size_bytes = (int64_t)content.n;
    ret->content = buf_str(&content);
    status = accept_run(tx, arena, ret);
    ret->content = (struct str){0};
    return status;
}
