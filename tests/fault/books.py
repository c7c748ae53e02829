"""books.py - do the tables of a stopped or idle gateway agree with each other? P1, P3 and the counters, as queries.

SPDX-License-Identifier: Apache-2.0"""

# States of recipients and types of events: store/queue.h, store/events.h.
WAITING, DELIVERED, BOUNCED, FAILED, SUPPRESSED, CANCELLED = (0, 1), 3, 4, 5, 6, 7
SEND, DELIVERY, BOUNCE, FAIL, SUPPRESS = 1, 3, 4, 5, 6
BEGINS, ENDS = (SEND, SUPPRESS), (DELIVERY, BOUNCE, FAIL)
END_OF = {DELIVERED: DELIVERY, BOUNCED: BOUNCE, FAILED: FAIL, CANCELLED: FAIL}

# Each query finds what must not be.
WRONG = {
    "messages without a recipient": "select count(*) from messages m where not exists (select 1 from recipients r where r.message_id = m.id)",
    "waiting recipients without a body":
        f"select count(*) from recipients r where r.state in {WAITING} and not exists (select 1 from bodies b where b.message_id = r.message_id)",
    "recipients doubled in a message": "select count(*) from (select 1 from recipients group by message_id, address having count(*) > 1) as twice",
    "recipients that did not begin with one event":
        "select count(*) from (select r.id from recipients r left join events e on e.recipient_id = r.id "
        f"and e.type in {BEGINS} and (e.type = {SUPPRESS}) = (r.state = {SUPPRESSED}) group by r.id having count(e.id) <> 1) as odd",
    "recipients that wait or were suppressed, with an event of their end":
        f"select count(*) from recipients r join events e on e.recipient_id = r.id where r.state in (0, 1, {SUPPRESSED}) and e.type in {ENDS}",
    "recipients that ended without one event of that end":
        "select count(*) from (select r.id from recipients r left join events e on e.recipient_id = r.id "
        f"and e.type in {ENDS} where r.state in {tuple(END_OF)} group by r.id, r.state having count(e.id) <> 1 "
        f"or min(e.type) <> case r.state {' '.join(f'when {s} then {e}' for s, e in END_OF.items())} end) as odd",
    "list sends whose count is not that of their messages":
        "select count(*) from list_sends s where s.sent <> (select count(*) from messages m where m.metadata like '{\"ListID\":\"' || s.list_id || '\"%')",
    "accounts whose count of the day is not that of their recipients":
        "select count(*) from accounts a where (select coalesce(sum(c.count), 0) from send_counts c where c.account_id = a.id) <> "
        f"(select count(*) from recipients r where r.account_id = a.id and r.state <> {SUPPRESSED})",
    "pieces of imports that are over": "select count(*) from import_chunks c join imports i on i.id = c.import_id where i.state <> 0",
}


def check(gateway):
    """Call it with the gateway stopped, or with nothing under way."""
    wrong = {what: number(gateway, query) for what, query in WRONG.items()}
    assert not any(wrong.values()), {what: n for what, n in wrong.items() if n}
    if not gateway.options.get("data.url"):
        assert gateway.rows("pragma integrity_check") == [("ok",)]


def number(gateway, query):
    return int(float(gateway.rows(query)[0][0]))
