/* track.c - see track.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/track.h"

#include "core/events.h"
#include "core/lists.h"
#include "core/suppressions.h"

#define MINUTE_MS       60000
#define USER_AGENT_MAX  500 /* bytes that are kept */
#define REASON_CLICK    "Asked to on the unsubscribe page"
#define REASON_ONECLICK "Asked to by one click"

/* ---- whose it is ---- */
/* "track.mail." in front of the domain. Any two labels will do: they may be others by now than when the link was made. */
static bool is_below(struct str name, struct str domain) {
    if (name.n <= domain.n || !str_eq_nocase(str_sub(name, name.n - domain.n, SIZE_MAX), domain)) return false;
    struct str front = str_sub(name, 0, name.n - domain.n);
    size_t dot = str_find(front, '.');
    struct str second = str_sub(front, dot + 1, SIZE_MAX);
    return dot != STR_NONE && dot > 0 && second.n > 1 && str_find(second, '.') == second.n - 1;
}

static bool is_own(struct str name, const struct track_place *place) {
    struct str rest = place->other_hosts, other;
    if (str_eq_nocase(name, place->hostname) || str_eq_nocase(name, place->link_host)) return true;
    while (str_next(&rest, ',', &other))
        if (str_eq_nocase(name, str_trim(other))) return true;
    return false;
}

static bool is_host_of(struct str host, const struct track_place *place, const struct domain *domain) {
    size_t colon = str_find_last(host, ':');
    struct str name = str_sub(host, 0, colon);
    if (name.n && name.p[name.n - 1] == '.') name.n--;
    return name.n && (is_own(name, place) || is_below(name, domain->name));
}

/* Its domain, if it still speaks to the world. */
static enum status load_domain(struct db *db, struct arena *arena, const struct track_place *place,
                               const struct track_token *token, struct str host, struct domain *ret) {
    enum status status = domain_get(db, arena, SCOPE_ANY, token->domain_id, ret);
    if (status == STATUS_NOT_FOUND) return STATUS_DENIED;
    if (status != STATUS_OK) return status;
    if (!is_host_of(host, place, ret)) return STATUS_NOT_FOUND;
    bool is_stopped = ret->state == DOMAIN_SUSPENDED || ret->state == DOMAIN_BLOCKED;
    return is_stopped && token->kind != TRACK_UNSUBSCRIBE ? STATUS_DENIED : STATUS_OK;
}

/* NOT_FOUND: its rows are gone, or are not what the token was made for. */
static enum status load_addressee(struct db *db, struct arena *arena, const struct track_token *token,
                                  const struct domain *domain, struct addressee *ret) {
    ret->domain = *domain;
    enum status status = recipient_get(db, arena, token->recipient_id, &ret->recipient);
    if (status == STATUS_OK && ret->recipient.message_id != token->message_id) status = STATUS_NOT_FOUND;
    if (status == STATUS_OK) status = message_get(db, arena, token->message_id, &ret->message);
    if (status != STATUS_OK) return status;
    bool is_same = ret->message.domain_id == domain->id && ret->message.account_id == domain->account_id;
    return is_same ? STATUS_OK : STATUS_NOT_FOUND;
}

static void collect_tags(struct arena *arena, struct str tags, struct track_subject *s) {
    const struct json *list;
    struct json_error error;
    if (!json_parse(arena, tags, &list, &error) || list->type != JSON_ARRAY) return;
    JSON_FOR_EACH (tag, list)
        if (tag->type == JSON_STRING && tag->text.n && s->tag_count < TRACK_TAGS_MAX) s->tags[s->tag_count++] = tag->text;
}

static enum status name_list(struct db *db, struct arena *arena, const struct track_token *token, struct track_subject *s) {
    struct mailing_list list;
    if (!token->list_id) return STATUS_OK;
    enum status status = mailing_list_get(db, arena, s->domain.account_id, token->list_id, &list);
    if (status == STATUS_OK) s->list_name = list.name;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status track_look_up(struct db *db, struct arena *arena, const struct track_place *place, const struct track_token *token,
                          struct str host, struct track_subject *ret) {
    struct track_subject s = {.list_name = STR(""), .address = STR("")};
    struct addressee a;
    enum status status = load_domain(db, arena, place, token, host, &s.domain);
    if (status == STATUS_OK) status = name_list(db, arena, token, &s);
    if (status != STATUS_OK) return status;
    status = load_addressee(db, arena, token, &s.domain, &a);
    if (status == STATUS_OK) {
        s.address = a.recipient.address;
        collect_tags(arena, a.message.tags, &s);
    } else if (status != STATUS_NOT_FOUND) {
        return status;
    }
    *ret = s;
    return STATUS_OK;
}

enum status track_check(struct db *db, struct arena *arena, const struct track_place *place, const struct track_token *token,
                        struct str host) {
    struct domain domain;
    return load_domain(db, arena, place, token, host, &domain);
}

/* ---- what is written ---- */
static void add_given(struct json_writer *w, struct str key, struct str value) {
    if (value.n > 0) json_add_str(w, key, value);
}

static struct str cut_agent(struct str agent) {
    size_t n = agent.n < USER_AGENT_MAX ? agent.n : USER_AGENT_MAX;
    while (n > 0 && n < agent.n && ((uint8_t)agent.p[n] & 0xC0) == 0x80) n--;
    return str_sub(agent, 0, n);
}

static void add_reader(struct json_writer *w, const struct track_reader *r, unsigned signs) {
    BUF_AUTO names = {0};
    struct track_agent agent = track_agent_of(r->user_agent);
    add_given(w, STR("IpAddress"), r->client);
    add_given(w, STR("UserAgent"), cut_agent(r->user_agent));
    add_given(w, STR("Client"), agent.client);
    add_given(w, STR("Device"), agent.device);
    add_given(w, STR("Country"), r->country);
    if (!signs) return;
    track_signs_format(signs, &names);
    json_add_bool(w, STR("Bot"), true);
    json_add_str(w, STR("BotSigns"), buf_str(&names));
}

static void write_detail(const struct track_hit *hit, const struct addressee *a, unsigned signs, struct buf *out) {
    struct json_writer w = {.out = out};
    addressee_open_detail(&w, a);
    if (hit->token.kind == TRACK_CLICK) {
        json_add_str(&w, STR("Link"), hit->token.target);
        json_add_i64(&w, STR("LinkIndex"), hit->token.link);
    }
    if (hit->token.kind == TRACK_UNSUBSCRIBE) {
        json_add_str(&w, STR("Source"), hit->is_one_click ? STR("one-click") : STR("page"));
        add_given(&w, STR("Tag"), hit->scope == LEAVE_TAG ? hit->tag : STR(""));
    }
    add_reader(&w, &hit->reader, signs);
    json_close_object(&w);
}

/* ---- opens and clicks ---- */
/* From the delivery; before it: less than 0; of what never was delivered: unknown. */
static int64_t since_delivery(const struct recipient *r, int64_t now) {
    if (r->state == RECIPIENT_SCHEDULED || r->state == RECIPIENT_QUEUED || r->state == RECIPIENT_HELD) return -1;
    return r->state == RECIPIENT_DELIVERED ? now - r->changed_at : INT64_MAX;
}

static enum status find_signs(struct db *tx, const struct track_place *place, const struct track_hit *hit,
                              const struct addressee *a, unsigned *ret) {
    struct track_look look = {.user_agent = hit->reader.user_agent,
                              .is_head = hit->reader.is_head,
                              .is_prefetch = hit->reader.is_prefetch,
                              .since_ms = since_delivery(&a->recipient, hit->now)};
    struct event like = addressee_event(a, EVENT_CLICK, hit->now, STR(""));
    enum status status = STATUS_OK;
    (void)ip_parse(hit->reader.client, &look.client);
    if (hit->token.kind == TRACK_CLICK) status = event_count_recent(tx, &like, hit->now - TRACK_BURST_MS, &look.clicks_before);
    if (status == STATUS_OK) *ret = track_bot_signs(place->networks, &look);
    return status;
}

static enum status write_hit(struct db *tx, const struct track_place *place, const struct track_hit *hit,
                             const struct addressee *a, struct tracked *t) {
    BUF_AUTO detail = {0};
    int64_t recent = 0;
    struct event event = addressee_event(a, hit->token.kind == TRACK_OPEN ? EVENT_OPEN : EVENT_CLICK, hit->now, STR(""));
    enum status status = event_count_recent(tx, &event, hit->now - MINUTE_MS, &recent);
    if (status != STATUS_OK) return status;
    t->is_dropped = recent >= TRACK_HITS_MAX;
    if (t->is_dropped) return STATUS_OK;
    status = find_signs(tx, place, hit, a, &t->signs);
    if (status != STATUS_OK) return status;
    write_detail(hit, a, t->signs, &detail);
    event.detail = buf_str(&detail);
    return event_write(tx, &event, a->message.tags, t->signs ? EVENT_BY_MACHINE : EVENT_AS_IT_COMES, &t->event_id);
}

/* ---- those who leave ---- */
static bool has_tag(struct arena *arena, const struct addressee *a, struct str tag) {
    struct track_subject s = {.tag_count = 0};
    collect_tags(arena, a->message.tags, &s);
    for (size_t i = 0; i < s.tag_count; i++)
        if (str_eq(s.tags[i], tag)) return true;
    return false;
}

static enum status write_leaving(struct db *tx, struct arena *arena, const struct track_hit *hit, const struct addressee *a,
                                 struct tracked *t) {
    BUF_AUTO detail = {0};
    struct left left;
    if (hit->scope == LEAVE_TAG && !has_tag(arena, a, hit->tag)) return STATUS_INVALID;
    write_detail(hit, a, 0, &detail);
    const struct leaving leaving = {.scope = hit->scope,
                                    .tag = hit->tag,
                                    .reason = hit->is_one_click ? STR(REASON_ONECLICK) : STR(REASON_CLICK),
                                    .detail = buf_str(&detail),
                                    .at = hit->now};
    enum status status = addressee_leave(tx, a, &leaving, &left);
    if (status != STATUS_OK) return status;
    t->event_id = left.event_id;
    t->is_suppressed = left.is_suppressed;
    return STATUS_OK;
}

/* Nothing is known but what the token says. */
static enum status leave_by_hash(struct db *tx, const struct track_hit *hit, const struct domain *domain, struct tracked *t) {
    ARENA_AUTO arena = {0};
    struct mailing_list list = {.id = 0}; /* one that is gone cannot be left: the page says all */
    enum status status = STATUS_OK;
    int64_t id;
    if (hit->scope == LEAVE_TAG) return STATUS_INVALID;
    if (hit->scope == LEAVE_LIST) status = mailing_list_get(tx, &arena, domain->account_id, hit->token.list_id, &list);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) return status;
    const struct suppression entry = {.account_id = domain->account_id,
                                      .list_id = list.id,
                                      .address = STR(""),
                                      .address_hash = sha256_str(&hit->token.address_hash),
                                      .source = SUPPRESSION_UNSUBSCRIBE,
                                      .reason = hit->is_one_click ? STR(REASON_ONECLICK) : STR(REASON_CLICK),
                                      .created_at = hit->now};
    status = suppression_insert(tx, &entry, &id);
    if (status != STATUS_OK && status != STATUS_EXISTS) return status;
    t->is_suppressed = status == STATUS_OK;
    return STATUS_OK;
}

enum status track_hit(struct db *tx, const struct track_place *place, const struct track_hit *hit, struct tracked *ret) {
    ARENA_AUTO arena = {0};
    struct tracked t = {0};
    struct domain domain;
    struct addressee a;
    bool leaves = hit->token.kind == TRACK_UNSUBSCRIBE;
    enum status status = load_domain(tx, &arena, place, &hit->token, hit->host, &domain);
    if (status != STATUS_OK) return status;
    status = load_addressee(tx, &arena, &hit->token, &domain, &a);
    if (status == STATUS_OK)
        status = leaves ? write_leaving(tx, &arena, hit, &a, &t) : write_hit(tx, place, hit, &a, &t);
    else if (status == STATUS_NOT_FOUND)
        status = leaves ? leave_by_hash(tx, hit, &domain, &t) : STATUS_OK;
    if (status == STATUS_OK) *ret = t;
    return status;
}
