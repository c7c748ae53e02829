/* event_facts.h - events with what is known of them, as columns: the one place that reaches into stored JSON, which each engine
 * does in its own words. Inside the store room only.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_EVENT_FACTS_H
#define POSTHORN_STORE_EVENT_FACTS_H

#include "base/buf.h"

struct db;

/* How a query on them begins: "WITH event_rows AS (...), event_facts AS (...), event_tags AS (...) ".
 *
 * event_facts, one row an event: id, at, type, is_first, is_machine, account_id, domain_id, message_id, recipient_id, detail; of
 * its message uuid, tags, metadata; and the texts of the table in event_facts.c. event_tags: message_id, tag.
 * And recipient_words, for what event_condition.c compares it with. event_rows: the same without what is of the message. There
 * time, type, marks, recipient, its domain, host and code are read in the index by domain, which has a fifth of the rows' pages,
 * and where it is about opens, clicks and unsubscribes client, address, country, device and user agent in theirs
 * (event_is_of_readers); beside a message, if only as what is joined, the engine reads the rows. Texts are never NULL but ''
 * where there is none, lower() of them folds ASCII alone, and they compare by their bytes. What a query does not name is not
 * read. */
void event_facts_add(struct buf *sql, const struct db *db);
/* The same of messages alone: "WITH event_messages AS (...) ", id, domain_id and the texts that are of the message, who is
 * asked for by both of these; on SQLite an index has all that a field is of. */
void event_messages_add(struct buf *sql, const struct db *db);

#endif
