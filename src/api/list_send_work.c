/* list_send_work.c - a slice of a send to a list: the next subscribers are read, their messages are made in the slow pool and
 * stored together with the new position in one transaction, then offered to the scheduler.
 *
 * What a slice was built from is the position it read; the transaction that stores it holds only while that is still so. A send
 * that may not go on now (suspended domain, limit of the day) waits with the reason in its row; one that cannot go on ends.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/send.h"
#include "api/work_own.h"

#include "base/log.h"
#include "core/list_send.h"

#define SLICE_BYTES ((size_t)8 << 20) /* of messages; one at least */
#define PAUSE_MS    10000             /* till somebody who was suspended is looked at again */

struct list_slice {
    struct list_send send;
    struct sender_login login;
    struct subscriber_page people;
    struct refused_list refused;
    struct send_context ctx;
    struct send_request request;
    struct acceptance *messages;
    size_t *places; /* in `people`, of each message */
    size_t made, looked_at;
    struct accept_request accept;
    struct str reason; /* it waits, or ends, instead of going on */
    enum list_send_state close_as;
    bool closes, has_no_room;
};

/* ---- how it may not go on ---- */
static void wait_for(struct slice *s, struct str reason, int64_t until) {
    struct list_slice *ls = s->state;
    ls->reason = reason;
    s->end = SLICE_WAIT;
    s->retry_at = until;
}

static void close_as(struct slice *s, enum list_send_state state, struct str reason) {
    struct list_slice *ls = s->state;
    ls->closes = true;
    ls->close_as = state;
    ls->reason = reason;
}

static bool goes_on(const struct slice *s) {
    const struct list_slice *ls = s->state;
    return !ls->closes && s->end == SLICE_MORE;
}

/* What the first refusal says. */
static void close_refused(struct slice *s) {
    const struct list_slice *ls = s->state;
    close_as(s, LIST_SEND_FAILED, ls->refused.items[0].message);
}

/* ---- reading ---- */
/* The key that asked for it stands for it to the end: deleted, it stops what it began. */
static enum status load_login(struct list_slice *ls, struct slice *s, struct db *db) {
    struct sender_key key;
    enum status status = sender_key_get(db, &s->arena, ls->send.account_id, ls->send.domain_id, ls->send.key_id, &key);
    if (status == STATUS_OK) status = sender_key_login(db, &s->arena, key.key_hash, &ls->login);
    if (status == STATUS_NOT_FOUND) {
        close_as(s, LIST_SEND_FAILED, STR("The sender key was deleted"));
        return STATUS_OK;
    }
    if (status != STATUS_OK) return status;
    int64_t later = s->now + PAUSE_MS;
    if (!ls->login.account_is_active) wait_for(s, STR("The account is deactivated"), later);
    if (!ls->login.account_is_verified) wait_for(s, STR("The account is not verified"), later);
    if (ls->login.domain_state != DOMAIN_ENABLED) wait_for(s, STR("The sender domain is not enabled"), later);
    return STATUS_OK;
}

static enum status load_people(struct list_slice *ls, struct slice *s, struct db *db) {
    struct mailing_list list;
    struct subscriber_query query = {
        .account_id = ls->send.account_id,
        .list_id = ls->send.list_id,
        .status = SUBSCRIBER_ACTIVE,
        .after_id = ls->send.position,
        .up_to = ls->send.up_to,
        .limit = LIST_SEND_SLICE,
    };
    enum status status = mailing_list_get(db, &s->arena, query.account_id, query.list_id, &list);
    if (status == STATUS_NOT_FOUND) {
        close_as(s, LIST_SEND_CANCELLED, STR("The list was deleted"));
        return STATUS_OK;
    }
    if (status == STATUS_OK) status = subscriber_page(db, &s->arena, &query, &ls->people);
    if (status == STATUS_OK && ls->people.count == 0) close_as(s, LIST_SEND_DONE, STR(""));
    return status;
}

static void wait_for_room(struct slice *s) {
    ((struct list_slice *)s->state)->has_no_room = true;
    wait_for(s, STR("The gateway's disk is nearly full"), s->now + PAUSE_MS);
}

static enum status load(struct slice *s, struct db *db) {
    struct list_slice *ls = ARENA_NEW(&s->arena, struct list_slice);
    s->state = ls;
    enum status status = list_send_get(db, &s->arena, s->id, &ls->send);
    if (status == STATUS_NOT_FOUND || (status == STATUS_OK && ls->send.state != LIST_SEND_OPEN)) {
        s->end = SLICE_DONE;
        s->is_ended = true;
        return STATUS_OK;
    }
    if (status == STATUS_OK) status = load_login(ls, s, db);
    if (s->api->gate && disk_gate_is_shut(s->api->gate)) wait_for_room(s);
    return status == STATUS_OK && goes_on(s) ? load_people(ls, s, db) : status;
}

/* ---- making ---- */
static enum status read_request(struct slice *s, struct db *db) {
    (void)db;
    struct list_slice *ls = s->state;
    struct input input = {0};
    struct json_error error;
    if (!goes_on(s)) return STATUS_OK;
    if (!json_parse(&s->arena, ls->send.request, &input.body, &error)) return STATUS_CORRUPT;
    ls->ctx =
        (struct send_context){.api = s->api, .arena = &s->arena, .sender = &ls->login, .now = s->now, .refused = &ls->refused};
    send_read(&ls->ctx, &input, &ls->request);
    if (ls->refused.count) close_refused(s);
    ls->request.due_at = ls->send.due_at > s->now ? ls->send.due_at : s->now;
    return STATUS_OK;
}

static enum status load_template(struct slice *s, struct db *db) {
    struct list_slice *ls = s->state;
    if (!goes_on(s) || !send_needs_load(&ls->request)) return STATUS_OK;
    enum status status = send_load(&ls->ctx, db, &ls->request);
    if (status == STATUS_OK && ls->refused.count) close_refused(s);
    return status;
}

static const struct json *fields_of(struct slice *s, const struct subscriber *who) {
    const struct json *fields;
    struct json_error error;
    return json_parse(&s->arena, who->fields, &fields, &error) ? fields : NULL;
}

/* False: nothing can be made for this one, who is skipped. */
static bool make_one(struct slice *s, const struct subscriber *who) {
    struct list_slice *ls = s->state;
    struct send_merge merge = {
        .to.email = who->email, .fields = fields_of(s, who), .list_id = who->list_id, .subscriber_id = who->id};
    ls->refused.count = 0;
    if (send_make(&ls->ctx, &ls->request, &merge, &ls->messages[ls->made])) {
        accept_pack(&ls->messages[ls->made], CONTENT_SHARED_LIKELY);
        return true;
    }
    LOG(LOG_WARN, "api.work.skipped", LOG_INT("list_send", s->id), LOG_INT("subscriber", who->id),
        LOG_STR("why", ls->refused.count ? ls->refused.items[0].message : STR("")));
    return false;
}

static enum status make(struct slice *s, struct db *db) {
    (void)db;
    struct list_slice *ls = s->state;
    size_t bytes = 0;
    if (!goes_on(s)) return STATUS_OK;
    ls->messages = arena_array(&s->arena, ls->people.count, sizeof *ls->messages);
    ls->places = arena_array(&s->arena, ls->people.count, sizeof *ls->places);
    ls->accept = (struct accept_request){.messages = ls->messages, .list_id = ls->send.list_id, .keeps_suppressed = true};
    for (; ls->looked_at < ls->people.count && bytes < SLICE_BYTES; ls->looked_at++) {
        if (!make_one(s, &ls->people.items[ls->looked_at])) continue;
        bytes += accept_held(&ls->messages[ls->made]);
        ls->places[ls->made++] = ls->looked_at;
        ls->accept.message_count = ls->made;
    }
    s->write_bytes = accept_bytes(&ls->accept);
    if (s->api->gate && !disk_gate_take(s->api->gate, (int64_t)s->write_bytes)) wait_for_room(s);
    return STATUS_OK;
}

/* ---- storing ---- */
static struct str over_limit(enum quota_verdict verdict) {
    return verdict == QUOTA_DAY     ? STR("The sending limit of the day is reached")
           : verdict == QUOTA_MONTH ? STR("The sending limit of the month is reached")
                                    : STR("The sending limit of the second is reached");
}

/* Accept as many of the messages as the limits leave room for; the others' turn comes with a later slice. */
static enum status accept_some(struct slice *s, struct db *db) {
    struct list_slice *ls = s->state;
    struct acceptor by = send_acceptor(&ls->ctx);
    ls->accept.message_count = ls->made;
    enum status status = accept_begin(db, &by);
    while (status == STATUS_OK && ls->accept.message_count) {
        status = accept_request(db, &s->arena, &by, &ls->accept);
        if (status == STATUS_OK && ls->accept.outcome == ACCEPT_GONE) ls->accept.message_count = 0; /* the next slice ends it */
        if (status != STATUS_OK || ls->accept.outcome != ACCEPT_OVER_LIMIT) break;
        struct quota_state quota = quota_state(&by.quota, ls->accept.verdict);
        size_t room = ls->accept.verdict == QUOTA_SECOND || quota.remaining < 0 ? 0 : (size_t)quota.remaining;
        wait_for(s, over_limit(ls->accept.verdict), quota.retry_at);
        ls->accept.message_count = room < ls->accept.message_count ? room : ls->accept.message_count - 1;
    }
    return status == STATUS_OK ? accept_end(db, &by) : status;
}

/* How far the accepted ones reach, and what of it was skipped. */
static struct list_send_step step_of(const struct list_slice *ls) {
    size_t count = ls->accept.message_count;
    size_t reach = count < ls->made ? ls->places[count] : ls->looked_at; /* people that are done */
    return (struct list_send_step){
        .id = ls->send.id,
        .seen_position = ls->send.position,
        .position = reach ? ls->people.items[reach - 1].id : ls->send.position,
        .sent = (int64_t)count,
        .suppressed = count ? (int64_t)ls->accept.suppressed_count : 0,
        .skipped = (int64_t)(reach - count),
    };
}

static enum status store_people(struct slice *s, struct db *db) {
    struct list_slice *ls = s->state;
    s->end = SLICE_MORE; /* this may be a second run */
    enum status status = accept_some(s, db);
    if (status != STATUS_OK) return status;
    struct list_send_step step = step_of(ls);
    status = list_send_advance(db, &step);
    if (status == STATUS_OK && s->end == SLICE_WAIT) status = list_send_wait(db, s->id, ls->reason);
    return status == STATUS_NOT_FOUND ? STATUS_CONFLICT : status; /* nothing of it may stand */
}

static enum status store(struct slice *s, struct db *db) {
    struct list_slice *ls = s->state;
    struct list_send now;
    enum status status = list_send_find(db, &s->arena, ls->send.account_id, ls->send.domain_id, ls->send.uuid, &now);
    bool is_same = status == STATUS_OK && now.state == LIST_SEND_OPEN && now.position == ls->send.position;
    if (!is_same) {
        s->is_ended = true;
        s->end = SLICE_MORE;
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    }
    if (ls->closes) {
        s->end = SLICE_DONE;
        return list_send_close(db, s->id, ls->close_as, ls->reason, s->now);
    }
    return ls->messages && !ls->has_no_room ? store_people(s, db) : list_send_wait(db, s->id, ls->reason);
}

/* ---- after COMMIT ---- */
static enum status offer(struct slice *s, struct db *db) {
    (void)db;
    const struct list_slice *ls = s->state;
    if (ls->accept.message_count && ls->accept.outcome == ACCEPT_NEW) send_offer(s->api, &ls->accept);
    return STATUS_OK;
}

static void fini(struct slice *s) {
    struct list_slice *ls = s->state;
    if (!ls || !ls->messages) return;
    ls->accept.message_count = ls->made;
    accept_request_fini(&ls->accept);
}

static enum status fail(struct db *db, int64_t id, struct str reason, int64_t now) {
    return list_send_close(db, id, LIST_SEND_FAILED, reason, now);
}

const struct work_kind list_send_work = {
    .name = "list-send",
    .steps = {{STEP_READER, load},
              {STEP_SLOW, read_request},
              {STEP_READER, load_template},
              {STEP_SLOW, make},
              {STEP_WRITER, store},
              {STEP_LOOP, offer}},
    .fini = fini,
    .find = list_send_open,
    .fail = fail,
};
