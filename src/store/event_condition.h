/* event_condition.h - which events are meant: a domain's, of a time, and what a search says of them.
 *
 * A condition is the search language's sentence (proto/query) item by item, in terms of this table: names are fields, and what
 * is a date or an event's name is a number already. It becomes SQL of constants with parameters, the same on both engines and
 * with the same answers. All JSON is behind event_facts.h.
 *
 * What people look for in a message is words (base/word.h: folded for all scripts): a value's words stand one behind the other in
 * the subject, the sender or the recipient, each one whole, but that a star makes the last one a beginning. "elc" does not find
 * "welcome". They are looked up in an index (words.h), so terms about messages that all events must meet cost what they find, and
 * not what there is. In all other fields a value is compared as a whole, without regard to the case of ASCII letters; userAgent
 * holds it.
 *
 * Domain ids are never used again and belong to one account, so the domain is the scope (P6).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_EVENT_CONDITION_H
#define POSTHORN_STORE_EVENT_CONDITION_H

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
    EVENT_ANYWHERE, /* the words of value stand in subject, sender or recipient, or it is the (beginning of the) message's id */
    EVENT_ANYWHERE_PREFIX, /* the same, and its end is the beginning of a word */
    EVENT_IS,              /* field is value; subject: has its words; userAgent: holds it */
    EVENT_PREFIX,          /* field begins with value; subject: has its words, the last a beginning; userAgent: a word does */
    EVENT_RANGE,           /* value <= field <= to; p == NULL: open */
    EVENT_PRESENT,         /* field is not empty */
    EVENT_TYPES,           /* type is one of the EVENT_BIT()s in `from` */
    EVENT_TIME,            /* from <= at < before */
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
/* What only events of some types have: EVENT_BIT()s; 0: any may. */
int64_t event_field_types(enum event_field field);
/* Ask for those types alone. False: it asks for others, and stays as it is. */
bool event_take_types(struct event_filter *filter, int64_t types);

#endif
