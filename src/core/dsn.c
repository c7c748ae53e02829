/* dsn.c - see dsn.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/dsn.h"

#include "core/accept.h"
#include "core/content.h"
#include "core/retry.h"
#include "core/tls_policy.h"
#include "proto/address/address.h"
#include "proto/smtp/command.h"
#include "store/domains.h"

#include <string.h>

#define TOLD_OF_DELAY 16 /* beside enum smtp_notify in recipients.dsn_notify: once is enough */

void dsn_desk_clear(struct dsn_desk *desk) {
    desk->entries = NULL;
    desk->count = 0;
}

/* ---- who wants it ---- */
static bool is_delay_due(const struct dsn_desk *desk, const struct message *m, const struct recipient *to, int64_t now) {
    int64_t began_at = m->expires_at - RETRY_LIFE_MS; /* of one that was scheduled */
    if (began_at < m->created_at) began_at = m->created_at;
    bool is_wanted = (to->dsn_notify & SMTP_NOTIFY_DELAY) || (desk->tells_delays && to->dsn_notify == 0);
    return is_wanted && !(to->dsn_notify & TOLD_OF_DELAY) && now - began_at >= DSN_DELAY_MS;
}

static bool is_wanted(const struct dsn_desk *desk, const struct message *m, const struct recipient *to,
                      const struct dsn_fact *fact) {
    if (m->is_report || m->envelope_from.n == 0) return false;
    if (fact->action == DSN_DELAYED) return is_delay_due(desk, m, to, fact->at);
    return to->dsn_notify & (fact->action == DSN_FAILED ? SMTP_NOTIFY_FAILURE : SMTP_NOTIFY_SUCCESS);
}

/* ---- what it says ---- */
/* The enhanced code, if it says what the action does (OB32); else one that says no more than that. Without any answer, what
 * failed ran out of time. */
static struct str status_of(const struct dsn_fact *fact) {
    static const struct {
        char class;
        struct str general;
    } of[] = {[DSN_FAILED] = {'5', STR_INIT("5.0.0")},
              [DSN_DELAYED] = {'4', STR_INIT("4.0.0")},
              [DSN_RELAYED] = {'2', STR_INIT("2.0.0")}};
    if (fact->action == DSN_FAILED && fact->code / 100 != 5 && fact->enhanced.n == 0) return STR("5.4.7");
    bool fits = fact->enhanced.n && fact->enhanced.p[0] == of[fact->action].class;
    return fits ? fact->enhanced : of[fact->action].general;
}

/* Whole lines: of a header that is longer than what was read, the beginning. */
static struct str header_of(struct str content) {
    size_t end = str_find_str(content, STR("\r\n\r\n"));
    return str_sub(content, 0, end == STR_NONE ? str_find_last(content, '\n') + 1 : end + 2);
}

/* RET counts for failures only (RFC 3461 6.2). What was to go over TLS alone is not brought back by a report that may not
 * (RFC 8689 5). */
static bool is_whole(const struct message *m, enum dsn_action action) {
    bool is_asked = action == DSN_FAILED && m->dsn_return == SMTP_RETURN_FULL;
    bool is_guarded = m->tls != TLS_LEVEL_OPPORTUNISTIC && m->tls != TLS_LEVEL_WAIVE;
    return is_asked && !is_guarded && m->size_bytes <= DSN_WHOLE_MAX;
}

/* Of a big message with a thousand recipients no more is read for each than what is told (P6). */
static enum status add_original(struct db *tx, const struct message *m, struct buf *content, struct dsn *d) {
    d->is_whole = is_whole(m, d->action);
    enum status status = content_load_start(tx, m->id, d->is_whole ? DSN_WHOLE_MAX : DSN_HEADER_MAX, content);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) return status;
    d->original = d->is_whole ? buf_str(content) : header_of(buf_str(content));
    return STATUS_OK;
}

static struct dsn describe(const struct dsn_desk *desk, const struct message *m, const struct recipient *to,
                           const struct dsn_fact *fact) {
    return (struct dsn){
        .action = fact->action,
        .at = fact->at,
        .reporting_mta = desk->hostname,
        .recipient = to->address,
        .orcpt = to->dsn_orcpt,
        .status = status_of(fact),
        .remote_mta = fact->remote_mta,
        .code = fact->code,
        .enhanced = fact->enhanced,
        .reply = fact->reply,
        .reason = fact->reason,
        .retry_until = m->expires_at,
        .envid = m->dsn_envid,
        .arrived_at = m->created_at,
        .subject = m->subject,
        .original_id = m->rfc_message_id,
    };
}

/* ---- its message ---- */
static void add_entry(struct dsn_desk *desk, const struct queue_entry *entry) {
    struct queue_entry *entries = arena_array(desk->arena, desk->count + 1, sizeof *entries);
    if (desk->count) memcpy(entries, desk->entries, desk->count * sizeof *entries);
    entries[desk->count++] = *entry;
    desk->entries = entries;
}

static enum status write_report(struct db *tx, struct dsn_desk *desk, const struct message *m, const struct address *sender,
                                struct dsn *d) {
    struct accept_recipient to = {.address = sender->text, .domain = sender->domain};
    struct acceptance a = {.recipients = &to, .recipient_count = 1, .due_at = d->at, .priority = PRIORITY_TRANSACTIONAL};
    BUF_AUTO content = {0};
    a.owner = desk->owner;
    a.message = (struct message){
        .uuid = id_make(d->at, desk->rand),
        .account_id = m->account_id,
        .domain_id = m->domain_id,
        .is_report = true,
        .created_at = d->at,
        .expires_at = d->at + RETRY_LIFE_MS,
        .sender = d->from,
        .subject = dsn_subject(d, desk->arena),
        .tags = STR("[]"),
        .metadata = STR("{}"),
    };
    d->to = sender->text;
    d->message_id = accept_message_id(desk->arena, a.message.uuid, str_sub(d->from, str_find(d->from, '@') + 1, SIZE_MAX));
    dsn_write(d, desk->rand, &content);
    a.message.rfc_message_id = d->message_id;
    a.message.size_bytes = (int64_t)content.n;
    a.content = buf_str(&content);
    enum status status = accept_run(tx, desk->arena, &a);
    if (status == STATUS_OK) add_entry(desk, &a.entries[0]);
    return status;
}

static enum status report(struct db *tx, struct dsn_desk *desk, const struct message *m, const struct recipient *to,
                          const struct dsn_fact *fact) {
    struct domain domain;
    struct address sender;
    BUF_AUTO content = {0};
    struct dsn d = describe(desk, m, to, fact);
    if (!address_parse(m->envelope_from, desk->arena, &sender)) return STATUS_OK;
    enum status status = domain_get(tx, desk->arena, SCOPE_ANY, m->domain_id, &domain);
    if (status != STATUS_OK) return status == STATUS_NOT_FOUND ? STATUS_OK : status; /* nobody to sign it */
    status = add_original(tx, m, &content, &d);
    if (status != STATUS_OK) return status;
    d.from = arena_strf(desk->arena, "mailer-daemon@%.*s.%.*s", STR_ARG(domain.subdomain), STR_ARG(domain.name));
    return write_report(tx, desk, m, &sender, &d);
}

enum status dsn_tell(struct db *tx, struct dsn_desk *desk, const struct message *message, const struct recipient *to,
                     const struct dsn_fact *fact) {
    if (!is_wanted(desk, message, to, fact)) return STATUS_OK;
    enum status status = report(tx, desk, message, to, fact);
    if (status == STATUS_OK && fact->action == DSN_DELAYED)
        status = recipient_set_notify(tx, to->id, to->dsn_notify | TOLD_OF_DELAY);
    return status;
}
