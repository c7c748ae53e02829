/* event_query.h - events searched, listed and grouped.
 *
 * A condition is the search language's sentence (proto/query) item by item, in terms of this table: names are fields, and what
 * is a date or an event's name is a number already. It becomes SQL of constants with parameters, the same on both engines and
 * with the same answers: letters are compared without regard to case, ASCII alone. All JSON is behind event_facts.h.
 *
 * A search may look at so many events; beyond it the answer is LIMIT, before the work is done (a snapshot lives no longer
 * than a second). Domain ids are never used again and belong to one account, so the domain is the scope (P6). On a reader.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_EVENT_QUERY_H
#define POSTHORN_STORE_EVENT_QUERY_H

#include "store/events.h"

enum event_field {
    EVENT_FIELD_TYPE,
    EVENT_FIELD_RECIPIENT,
    EVENT_FIELD_RECIPIENT_DOMAIN,
    EVENT_FIELD_SENDER,
    EVENT_FIELD_SUBJECT,
    EVENT_FIELD_TAG,
    EVENT_FIELD_MESSAGE,
    EVENT_FIELD_LINK,
    EVENT_FIELD_BOUNCE_CLASS,
    EVENT_FIELD_SMTP_CODE,
    EVENT_FIELD_MX_HOST,
    EVENT_FIELD_COUNTRY,
    EVENT_FIELD_DEVICE,
    EVENT_FIELD_USER_AGENT,
    EVENT_FIELD_CLIENT,
    EVENT_FIELD_IP,
    EVENT_FIELD_BOT, /* "true" or "false", of opens and clicks */
    EVENT_FIELD_JOURNEY,
    EVENT_FIELD_ACTION,
    EVENT_FIELD_LIST,
    EVENT_FIELD_SUBSCRIBER,
    EVENT_FIELD_DAY,
    EVENT_FIELD_HOUR, /* grouped by, not searched */
    EVENT_FIELD_DATE, /* searched, not grouped by */
    EVENT_FIELD_COUNT
};
/* "eventType" ... as callers name it; static. */
const char *event_field_name(enum event_field field);
/* By name in either case. */
bool event_field_find(struct str name, enum event_field *ret);

enum event_op {
    EVENT_AND,
    EVENT_OR,
    EVENT_NOT,
    EVENT_OPEN_BRACKET,
    EVENT_CLOSE_BRACKET,
    EVENT_ANYWHERE, /* value is in subject, sender or recipient, or is the (beginning of the) message's id */
    EVENT_IS,       /* field is value; subject and userAgent: hold it */
    EVENT_PREFIX,   /* field begins with value; subject and userAgent: a word of it does */
    EVENT_RANGE,    /* value <= field <= to; p == NULL: open */
    EVENT_PRESENT,  /* field is not empty */
    EVENT_TYPES,    /* type is one of the EVENT_BIT()s in `from` */
    EVENT_TIME,     /* from <= at < before */
};
struct event_item {
    enum event_op op;
    enum event_field field; /* of IS, PREFIX, RANGE, PRESENT: a text's */
    struct str value, to;   /* a message's id: hexadecimal, without hyphens */
    int64_t from, before;
};
#define EVENT_ITEMS_MAX 64
struct event_condition {
    struct event_item items[EVENT_ITEMS_MAX];
    size_t count;
};

struct event_filter {
    int64_t domain_id;                       /* always one domain */
    int64_t types;                           /* EVENT_BIT()s; 0: all */
    int64_t from_at;                         /* at >= from_at; 0: all */
    int64_t before_at;                       /* at < before_at; 0: all */
    int64_t message_id;                      /* 0: all */
    const struct event_condition *condition; /* NULL: none */
};

/* An event with its message. */
struct event_row {
    struct event event;
    struct id message_uuid;
    struct str sender, subject, tags, metadata; /* the last two are JSON */
};
struct event_row_list {
    struct event_row *items;
    size_t count;
    int64_t total; /* that match, on all pages */
};
/* Newest first, `limit` rows after the first `offset`. Without a condition and a message the total and the page's place are read
 * from the roll-ups, so that no page is slower than the first. LIMIT: too many to look at. INVALID: a value is no text (NUL,
 * UTF-8). */
WARN_UNUSED enum status event_list(struct db *tx, struct arena *a, const struct event_filter *filter, int64_t offset, int limit,
                                   struct event_row_list *ret);

struct event_bucket {
    struct str key; /* TYPE: as event_noun; DAY, HOUR: "" */
    int64_t at;     /* DAY, HOUR: when it begins */
    int64_t count;
};
struct event_bucket_list {
    struct event_bucket *items;
    size_t count;
};
/* How many events for each value of the field, events without one left out, and what machines did (unless the filter or the field
 * is about that); biggest first, equals by their key (bytes), at most `limit`. Fields that are rolled up are read from there
 * where there is no condition and no message (store/rollup.h: values beyond their bound are "other"). LIMIT: too many to look at.
 */
WARN_UNUSED enum status event_group(struct db *tx, struct arena *a, const struct event_filter *filter, enum event_field field,
                                    int limit, struct event_bucket_list *ret);

#endif
