-- The first schema. Times are Unix milliseconds, booleans 0/1, ids 64-bit and never reused.
-- Secrets: *_hash finds, *_sealed shows again (opened with the master key, which is not in here).

CREATE TABLE nodes (                    -- machines that may own queue rows; an epoch is one start of one node
    id          INTEGER PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,
    epoch       INTEGER NOT NULL DEFAULT 0,
    started_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE account_groups (           -- what the accounts in it may do; 0: no limit
    id                  INTEGER PRIMARY KEY AUTOINCREMENT,
    name                TEXT NOT NULL UNIQUE,
    domains             INTEGER NOT NULL DEFAULT 0,
    sends_per_second    INTEGER NOT NULL DEFAULT 0, -- recipients, as all sends
    sends_per_day       INTEGER NOT NULL DEFAULT 0,
    sends_per_month     INTEGER NOT NULL DEFAULT 0,
    recipients          INTEGER NOT NULL DEFAULT 1000, -- of a message
    bcc                 INTEGER NOT NULL DEFAULT 50,
    reply_to            INTEGER NOT NULL DEFAULT 10,
    created_at          INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO account_groups (name) VALUES ('default'); -- id 1

CREATE TABLE accounts (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    group_id        INTEGER NOT NULL DEFAULT 1 REFERENCES account_groups(id),
    email           TEXT NOT NULL UNIQUE,          -- lower case
    first_name      TEXT NOT NULL DEFAULT '',
    last_name       TEXT NOT NULL DEFAULT '',
    password_hash   TEXT NOT NULL,                 -- argon2id, encoded
    totp_sealed     BLOB NOT NULL DEFAULT x'',     -- context "totp:<id>"; empty: no second factor
    totp_is_on      INTEGER NOT NULL DEFAULT 0,    -- confirmed with a first code
    totp_step       INTEGER NOT NULL DEFAULT 0,    -- the last one used: none is used twice
    is_admin        INTEGER NOT NULL DEFAULT 0,
    is_active       INTEGER NOT NULL DEFAULT 1,
    is_verified     INTEGER NOT NULL DEFAULT 1,
    unsubscribes_block_all INTEGER NOT NULL DEFAULT 0, -- who unsubscribed gets no transactional mail either
    body_days       INTEGER NOT NULL DEFAULT 0,    -- how long contents are kept, and events; 0: as the configuration says
    event_days      INTEGER NOT NULL DEFAULT 0,
    created_at      INTEGER NOT NULL
) STRICT;
CREATE INDEX accounts_by_group ON accounts(group_id, id);

CREATE TABLE user_keys (                -- the account's own API keys (APIKey of /api.php)
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id  INTEGER NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
    key_hash    BLOB NOT NULL UNIQUE,
    is_admin    INTEGER NOT NULL DEFAULT 0,        -- an AdminAPIKey
    description TEXT NOT NULL DEFAULT '',
    networks    TEXT NOT NULL DEFAULT '',          -- comma list of addresses and networks it may come from; '': any
    created_at  INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL DEFAULT 0,
    last_used_ip TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX user_keys_by_account ON user_keys(account_id, id);

CREATE TABLE sessions (
    token_hash  BLOB PRIMARY KEY,
    account_id  INTEGER NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
    is_admin    INTEGER NOT NULL DEFAULT 0,        -- made by Admin.Login
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_by_expiry ON sessions(expires_at);
CREATE INDEX sessions_by_account ON sessions(account_id);

CREATE TABLE account_tokens (           -- mailed to prove an address or to set a password anew; used once
    token_hash  BLOB PRIMARY KEY,
    account_id  INTEGER NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
    purpose     INTEGER NOT NULL,                  -- enum account_token_purpose
    email       TEXT NOT NULL DEFAULT '',          -- the address it proves
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX account_tokens_by_account ON account_tokens(account_id, purpose);
CREATE INDEX account_tokens_by_expiry ON account_tokens(expires_at);

CREATE TABLE sts_policies (             -- MTA-STS policies of recipients' domains, while they hold
    domain      TEXT PRIMARY KEY,
    id          TEXT NOT NULL,                     -- of the record it was fetched for
    policy      TEXT NOT NULL,                     -- a policy file
    fetched_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX sts_policies_by_expiry ON sts_policies(expires_at);

CREATE TABLE known_clients (            -- where an account logged in from: strangers' guesses never slow those down
    account_id  INTEGER NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
    client_hash BLOB NOT NULL,                     -- SHA-256 of the address (IPv6: of its /64)
    seen_at     INTEGER NOT NULL,
    PRIMARY KEY (account_id, client_hash)
) STRICT;

CREATE TABLE send_counts (              -- recipients accepted on a UTC day, for the limits of the group
    account_id  INTEGER NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
    day_at      INTEGER NOT NULL,                  -- when it began
    count       INTEGER NOT NULL,
    PRIMARY KEY (account_id, day_at)
) STRICT;

CREATE TABLE source_counts (            -- messages of warming sources on a UTC day (core/source_use.h)
    source      TEXT NOT NULL,                     -- name in the configuration
    provider    TEXT NOT NULL,                     -- name of its row; '': all without one
    day         INTEGER NOT NULL,                  -- days since 1970-01-01
    count       INTEGER NOT NULL,
    PRIMARY KEY (source, provider, day)
) STRICT;

CREATE TABLE send_rates (               -- the limit per second; only accounts that have one
    account_id  INTEGER PRIMARY KEY REFERENCES accounts(id) ON DELETE CASCADE,
    spent_until INTEGER NOT NULL                   -- Unix microseconds: up to here the rate is used up
) STRICT;

CREATE TABLE domains (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id      INTEGER NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
    name            TEXT NOT NULL,                 -- lower case A-labels
    state           INTEGER NOT NULL,              -- enum domain_state
    is_forced       INTEGER NOT NULL DEFAULT 0,    -- the operator's enable: verification does not undo it
    ownership_status INTEGER NOT NULL DEFAULT 0,   -- enum record_status
    dkim_status     INTEGER NOT NULL DEFAULT 0,
    spf_status      INTEGER NOT NULL DEFAULT 0,
    return_path_status INTEGER NOT NULL DEFAULT 0,
    tracking_status INTEGER NOT NULL DEFAULT 0,
    dmarc_status    INTEGER NOT NULL DEFAULT 0,
    subdomain       TEXT NOT NULL DEFAULT 'mail',
    track_prefix    TEXT NOT NULL DEFAULT 'track',
    link_tracking   INTEGER NOT NULL DEFAULT 0,
    open_tracking   INTEGER NOT NULL DEFAULT 0,
    unsubscribe_link INTEGER NOT NULL DEFAULT 0,
    hosting_provider TEXT NOT NULL DEFAULT '',
    brand_name      TEXT NOT NULL DEFAULT '',      -- of its unsubscribe pages; '': the domain's own name
    brand_colour    TEXT NOT NULL DEFAULT '',      -- "#rrggbb"; '': none chosen
    brand_text      TEXT NOT NULL DEFAULT '',      -- a paragraph of the sender's
    pool            TEXT NOT NULL DEFAULT '',      -- of sources its mail goes out from; '': the default one
    tls             INTEGER NOT NULL DEFAULT 0,    -- what its mail demands of recipients' servers (enum tls_level)
    cut_message     INTEGER NOT NULL DEFAULT 0,    -- its queue was cleared: nothing is delivered of messages up to this id
    signing_key_sealed BLOB NOT NULL DEFAULT x'',  -- of webhook calls; context "webhook:<domain id>"; empty: none made yet
    old_signing_key_sealed BLOB NOT NULL DEFAULT x'', -- the one before, which signs too until then
    old_signing_key_until INTEGER NOT NULL DEFAULT 0,
    created_at      INTEGER NOT NULL,
    checked_at      INTEGER NOT NULL DEFAULT 0,
    check_at        INTEGER NOT NULL DEFAULT 0,    -- when its records are looked up again by ourselves; 0: never
    failing_at      INTEGER NOT NULL DEFAULT 0,    -- since when a record is wrong that it needs and had; 0: none is
    state_at        INTEGER NOT NULL DEFAULT 0,    -- when somebody set the state, and why: no verification does that
    state_reason    TEXT NOT NULL DEFAULT '',
    UNIQUE (account_id, name)
) STRICT;
CREATE INDEX domains_to_check ON domains(check_at, id) WHERE check_at > 0;
CREATE INDEX domains_failing ON domains(failing_at, id) WHERE failing_at > 0;
CREATE INDEX domains_by_account ON domains(account_id, id);
CREATE UNIQUE INDEX domains_one_owner ON domains(name) WHERE ownership_status = 1; -- RECORD_VERIFIED

CREATE TABLE dkim_keys (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    domain_id       INTEGER NOT NULL REFERENCES domains(id) ON DELETE CASCADE,
    selector        TEXT NOT NULL,
    type            INTEGER NOT NULL,              -- enum signkey_type
    private_sealed  BLOB NOT NULL,                 -- context "dkim:<domain name>:<selector>"
    public_key      BLOB NOT NULL,                 -- p= before base64
    created_at      INTEGER NOT NULL,
    UNIQUE (domain_id, selector)
) STRICT;

CREATE TABLE sender_keys (              -- sender domain API keys
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id      INTEGER NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
    domain_id       INTEGER NOT NULL REFERENCES domains(id) ON DELETE CASCADE,
    key_hash        BLOB NOT NULL UNIQUE,
    key_sealed      BLOB NOT NULL,                 -- context "sender-key:<hex of key_hash>"
    description     TEXT NOT NULL,
    scopes          INTEGER NOT NULL,              -- bits: 1 send, 2 events, 4 webhooks
    pool            TEXT NOT NULL DEFAULT '',      -- of sources, instead of its domain's
    list_id         TEXT NOT NULL DEFAULT '',
    subscriber_id   TEXT NOT NULL DEFAULT '',
    journey_id      TEXT NOT NULL DEFAULT '',
    action_id       TEXT NOT NULL DEFAULT '',
    created_at      INTEGER NOT NULL,
    last_used_at    INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX sender_keys_by_domain ON sender_keys(domain_id, id);

CREATE TABLE smtp_users (               -- who may submit by SMTP for a domain
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id      INTEGER NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
    domain_id       INTEGER NOT NULL REFERENCES domains(id) ON DELETE CASCADE,
    username        TEXT NOT NULL UNIQUE,
    password_hash   BLOB NOT NULL,                 -- SHA-256 of a random password
    from_email      TEXT NOT NULL DEFAULT '',      -- these fill what a message lacks
    from_name       TEXT NOT NULL DEFAULT '',
    reply_to_email  TEXT NOT NULL DEFAULT '',
    reply_to_name   TEXT NOT NULL DEFAULT '',
    is_active       INTEGER NOT NULL DEFAULT 1,
    created_at      INTEGER NOT NULL,
    last_used_at    INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX smtp_users_by_domain ON smtp_users(domain_id, id);

CREATE TABLE webhooks (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id      INTEGER NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
    domain_id       INTEGER NOT NULL REFERENCES domains(id) ON DELETE CASCADE,
    url             TEXT NOT NULL,
    events          INTEGER NOT NULL,              -- EVENT_BIT()s
    is_active       INTEGER NOT NULL DEFAULT 1,
    created_at      INTEGER NOT NULL,
    headers_sealed  BLOB NOT NULL DEFAULT x'',     -- JSON object of header fields for its calls; context "webhook-headers:<id>"; empty: none
    batch_max       INTEGER NOT NULL DEFAULT 0,    -- events of a call, as an array; 0: one, and no array
    failures        INTEGER NOT NULL DEFAULT 0,    -- calls that failed since one succeeded, those under way together counted once
    failed_at       INTEGER NOT NULL DEFAULT 0,    -- when the last of them was counted
    failing_since   INTEGER NOT NULL DEFAULT 0,    -- 0: the last one succeeded
    paused_until    INTEGER NOT NULL DEFAULT 0,    -- it is not called before
    disabled_at     INTEGER NOT NULL DEFAULT 0,    -- when, and why, it became inactive; 0: it is active
    disabled_why    TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX webhooks_by_domain ON webhooks(domain_id, id);

CREATE TABLE hook_outbox (              -- events that an endpoint is still to be told of: written in the event's transaction (P3)
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    node_id     INTEGER NOT NULL,                  -- who calls
    webhook_id  INTEGER NOT NULL,                  -- perhaps deleted since: then the row goes
    event_id    INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    due_at      INTEGER NOT NULL,
    attempts    INTEGER NOT NULL DEFAULT 0,
    UNIQUE (webhook_id, event_id)
) STRICT;
CREATE INDEX hook_outbox_due ON hook_outbox(node_id, webhook_id, due_at, id);

CREATE TABLE hook_queues (              -- one an endpoint that rows wait for, and when somebody has to look at them
    node_id     INTEGER NOT NULL,
    webhook_id  INTEGER NOT NULL,
    account_id  INTEGER NOT NULL,
    wake_at     INTEGER NOT NULL,
    gathered    INTEGER NOT NULL DEFAULT 0,        -- rows that came since it was looked at, of those that gather a batch
    PRIMARY KEY (node_id, webhook_id)
) STRICT;
CREATE INDEX hook_queues_due ON hook_queues(node_id, wake_at, webhook_id);

CREATE TABLE hook_attempts (            -- calls that were made, the newest of each endpoint
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook_id  INTEGER NOT NULL,
    event_id    INTEGER NOT NULL,                  -- the first of its events
    event_count INTEGER NOT NULL,
    attempt     INTEGER NOT NULL,                  -- 1: the first
    at          INTEGER NOT NULL,                  -- when it began
    duration_ms INTEGER NOT NULL,
    code        INTEGER NOT NULL,                  -- of HTTP; 0: no answer
    why         TEXT NOT NULL,                     -- it failed; '' when it did not
    answer      BLOB NOT NULL                      -- its first bytes, as they came
) STRICT;
CREATE INDEX hook_attempts_by_webhook ON hook_attempts(webhook_id, id);

CREATE TABLE templates (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id      INTEGER NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
    name            TEXT NOT NULL,
    version         INTEGER NOT NULL,              -- the one in use
    created_at      INTEGER NOT NULL,
    changed_at      INTEGER NOT NULL,
    UNIQUE (account_id, name)
) STRICT;

CREATE TABLE template_versions (
    template_id     INTEGER NOT NULL REFERENCES templates(id) ON DELETE CASCADE,
    version         INTEGER NOT NULL,              -- 1, 2 ...
    subject         TEXT NOT NULL,
    html            TEXT NOT NULL,
    text            TEXT NOT NULL,
    created_at      INTEGER NOT NULL,
    PRIMARY KEY (template_id, version)
) STRICT;

CREATE TABLE lists (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id      INTEGER NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
    name            TEXT NOT NULL,
    created_at      INTEGER NOT NULL,
    UNIQUE (account_id, name)
) STRICT;

CREATE TABLE subscribers (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    list_id         INTEGER NOT NULL REFERENCES lists(id) ON DELETE CASCADE,
    email           TEXT NOT NULL,                 -- canonical, as it is sent to
    email_key       TEXT NOT NULL,                 -- lower case: one person a list
    status          INTEGER NOT NULL,              -- enum subscriber_status
    fields          TEXT NOT NULL DEFAULT '{}',    -- JSON object: merge fields
    created_at      INTEGER NOT NULL,
    changed_at      INTEGER NOT NULL,
    UNIQUE (list_id, email_key)
) STRICT;
CREATE INDEX subscribers_by_list ON subscribers(list_id, id, status);

CREATE TABLE list_sends (               -- one message to each subscriber of a list, in slices
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid            BLOB NOT NULL UNIQUE,
    account_id      INTEGER NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
    domain_id       INTEGER NOT NULL,
    key_id          INTEGER NOT NULL,
    list_id         INTEGER NOT NULL,
    request         BLOB NOT NULL,                 -- the request's parameters, JSON
    state           INTEGER NOT NULL,              -- enum list_send_state
    position        INTEGER NOT NULL DEFAULT 0,    -- id of the last subscriber that is done
    up_to           INTEGER NOT NULL,              -- id of the last one that belongs to it
    total           INTEGER NOT NULL,              -- subscribers when it began
    sent            INTEGER NOT NULL DEFAULT 0,
    suppressed      INTEGER NOT NULL DEFAULT 0,    -- of those sent
    skipped         INTEGER NOT NULL DEFAULT 0,
    reason          TEXT NOT NULL DEFAULT '',      -- why it stopped or waits
    created_at      INTEGER NOT NULL,
    due_at          INTEGER NOT NULL,
    finished_at     INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX list_sends_by_account ON list_sends(account_id, id);
CREATE INDEX list_sends_open ON list_sends(id) WHERE state = 0;

CREATE TABLE imports (                  -- files of subscribers, worked off in slices
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid            BLOB NOT NULL UNIQUE,
    account_id      INTEGER NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
    list_id         INTEGER NOT NULL,
    options         TEXT NOT NULL,                 -- JSON
    state           INTEGER NOT NULL,              -- enum import_state
    size            INTEGER NOT NULL,              -- bytes of the file
    position        INTEGER NOT NULL,              -- bytes that are done
    line            INTEGER NOT NULL,              -- that begins there
    total           INTEGER NOT NULL,              -- records in the file
    added           INTEGER NOT NULL DEFAULT 0,
    changed         INTEGER NOT NULL DEFAULT 0,
    refused         INTEGER NOT NULL DEFAULT 0,
    errors          TEXT NOT NULL DEFAULT '[]',    -- JSON: the first of them, with their lines
    created_at      INTEGER NOT NULL,
    finished_at     INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX imports_by_account ON imports(account_id, id);
CREATE INDEX imports_open ON imports(id) WHERE state = 0;

CREATE TABLE import_chunks (            -- the file, in pieces: a slice reads two of them; gone when it is done
    import_id       INTEGER NOT NULL REFERENCES imports(id) ON DELETE CASCADE,
    at              INTEGER NOT NULL,              -- of its first byte in the file
    content         BLOB NOT NULL,
    PRIMARY KEY (import_id, at)
) STRICT;

CREATE TABLE suppressions (             -- whom an account must not write to
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id      INTEGER NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
    list_id         INTEGER NOT NULL DEFAULT 0,    -- 0: everything of the account
    address_hash    BLOB NOT NULL,                 -- SHA-256 of the lower-case address
    address         TEXT NOT NULL,                 -- lower case; '' when the person was erased
    source          INTEGER NOT NULL,              -- enum suppression_source
    reason          TEXT NOT NULL DEFAULT '',
    event_id        INTEGER NOT NULL DEFAULT 0,    -- that was the reason; 0: none, somebody said so
    created_at      INTEGER NOT NULL,
    UNIQUE (account_id, address_hash, list_id)
) STRICT;
CREATE INDEX suppressions_by_list ON suppressions(account_id, list_id, id, source);
CREATE INDEX suppressions_by_address ON suppressions(account_id, list_id, address, id, source);

CREATE TABLE erasures (                 -- people to be forgotten, in slices; what is left of one is this row (core/erase.h)
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id  INTEGER NOT NULL,                  -- by whom; 0: by all
    address_hash BLOB NOT NULL,                    -- SHA-256 of the lower-case address
    address     TEXT NOT NULL,                     -- lower case; '' when it is done
    stage       INTEGER NOT NULL DEFAULT 0,        -- enum erase_stage
    place       INTEGER NOT NULL DEFAULT 0,        -- how far the stage is
    left_over   INTEGER NOT NULL DEFAULT 0,        -- found by this walk and not to be erased yet: then it walks again
    events      INTEGER NOT NULL DEFAULT 0,        -- erased so far
    recipients  INTEGER NOT NULL DEFAULT 0,
    bodies      INTEGER NOT NULL DEFAULT 0,
    created_at  INTEGER NOT NULL,
    look_at     INTEGER NOT NULL DEFAULT 0,        -- when its next slice is due
    finished_at INTEGER NOT NULL DEFAULT 0         -- 0: open
) STRICT;
CREATE INDEX erasures_open ON erasures(look_at, id) WHERE finished_at = 0;

CREATE TABLE tag_refusals (             -- mail of an account that somebody wants no more of, by its tag
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id      INTEGER NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
    address_hash    BLOB NOT NULL,                 -- SHA-256 of the lower-case address
    address         TEXT NOT NULL,                 -- lower case; '' when the person was erased
    tag             TEXT NOT NULL,
    event_id        INTEGER NOT NULL DEFAULT 0,    -- that was the reason; 0: none
    created_at      INTEGER NOT NULL,
    UNIQUE (account_id, address_hash, tag)
) STRICT;
CREATE INDEX tag_refusals_by_account ON tag_refusals(account_id, id);

CREATE TABLE messages (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid            BLOB NOT NULL UNIQUE,          -- UUIDv7: the MessageID of the API
    account_id      INTEGER NOT NULL,
    domain_id       INTEGER NOT NULL,
    key_id          INTEGER NOT NULL,              -- sender key, 0 when none sent it
    smtp_user_id    INTEGER NOT NULL DEFAULT 0,    -- who submitted it, 0 when none did
    created_at      INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,              -- end of life: then waiting recipients fail
    sender          TEXT NOT NULL,                 -- From address
    envelope_from   TEXT NOT NULL DEFAULT '',      -- what MAIL said: who hears of its fate; '': nobody
    dsn_return      INTEGER NOT NULL DEFAULT 0,    -- RET of MAIL (enum smtp_return)
    dsn_envid       TEXT NOT NULL DEFAULT '',      -- ENVID of MAIL
    is_report       INTEGER NOT NULL DEFAULT 0,    -- ours, on another message: goes out from <>, and is never reported on
    subject         TEXT NOT NULL,
    rfc_message_id  TEXT NOT NULL,                 -- without <>
    tags            TEXT NOT NULL DEFAULT '[]',    -- JSON
    metadata        TEXT NOT NULL DEFAULT '{}',    -- JSON: ListID, SubscriberID, JourneyID, ActionID and the sender's own
    size            INTEGER NOT NULL,
    tls             INTEGER NOT NULL DEFAULT 0,    -- what it demands of recipients' servers (enum tls_level)
    signature       BLOB,                          -- DKIM-Signature header fields, once made and needed again
    track           TEXT NOT NULL DEFAULT ''       -- how its letters were edited, once a retry must be the same (core/render_track.h)
) STRICT;
CREATE INDEX messages_by_account ON messages(account_id, id);
CREATE INDEX messages_by_domain ON messages(domain_id, id, subject, sender, metadata); -- these are counted in it alone

CREATE VIRTUAL TABLE words USING fts5(word, content='', columnsize=0, tokenize="ascii tokenchars '@.-_+='"); -- which messages hold a word (store/words.h)
INSERT INTO words (words, rank) VALUES ('automerge', 8); -- SQLite's

CREATE TABLE bodies (                   -- what is sent, for as long as it is kept, and at least while somebody waits for it
    message_id  INTEGER PRIMARY KEY REFERENCES messages(id) ON DELETE CASCADE,
    account_id  INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,                  -- the message's
    part_id     INTEGER NOT NULL DEFAULT 0,        -- the end of it, which several share (body_parts), 0: none
    packing     INTEGER NOT NULL DEFAULT 0,        -- of content (core/content.h)
    content     BLOB NOT NULL                      -- the whole RFC 5322 message, CRLF lines, unsigned; or its beginning
) STRICT;
CREATE INDEX bodies_by_account ON bodies(account_id, created_at, message_id);
CREATE INDEX bodies_by_part ON bodies(part_id) WHERE part_id > 0;

CREATE TABLE body_parts (               -- stored once for all messages of an account that end in it; gone with the last of them
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id  INTEGER NOT NULL,                  -- nobody shares with another account (P6)
    hash        BLOB NOT NULL,                     -- SHA-256 of it, unpacked
    packing     INTEGER NOT NULL,
    content     BLOB NOT NULL,
    UNIQUE (account_id, hash)
) STRICT;

CREATE TABLE recipients (               -- the queue and its history; P1: exactly one state
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id  INTEGER NOT NULL REFERENCES messages(id) ON DELETE CASCADE,
    account_id  INTEGER NOT NULL,
    domain_id   INTEGER NOT NULL DEFAULT 0,        -- the sender domain, as the message has it
    address     TEXT NOT NULL,
    domain      TEXT NOT NULL,                     -- lower case A-labels
    state       INTEGER NOT NULL,                  -- enum recipient_state; 0 scheduled and 1 queued are waiting
    priority    INTEGER NOT NULL DEFAULT 0,        -- 0 transactional, 1 bulk
    due_at      INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,                  -- end of life, the message's
    attempts    INTEGER NOT NULL DEFAULT 0,
    reason      TEXT NOT NULL DEFAULT '',          -- why it waits, or why it ended
    planned_at  INTEGER NOT NULL DEFAULT 0,        -- when it was to go, where it was scheduled and has left that state
    changed_at  INTEGER NOT NULL,
    dsn_notify  INTEGER NOT NULL DEFAULT 0,        -- NOTIFY of RCPT (bits of enum smtp_notify), 16: told of the delay
    dsn_orcpt   TEXT NOT NULL DEFAULT '',          -- ORCPT of RCPT
    firsts      INTEGER NOT NULL DEFAULT 0,        -- EVENT_BIT()s of what was his first, and is no more among the events
    node_id     INTEGER NOT NULL,                  -- who delivers it, and in which of its
    epoch       INTEGER NOT NULL                   -- lives the row was last written
) STRICT;
CREATE INDEX recipients_by_message ON recipients(message_id);
-- A lane of the queue (core/schedule.h): domain, account, priority, by due time. What stands behind id makes it an index matter to
-- count, to find those whose life ends, and to pick by what operators name (store/queue_walk.h).
CREATE INDEX recipients_waiting ON recipients(node_id, domain, account_id, priority, due_at, id, state, expires_at, domain_id, message_id, attempts)
    WHERE state IN (0, 1);
CREATE INDEX recipients_held ON recipients(node_id, domain, account_id, priority, due_at, id, state, expires_at, domain_id, message_id)
    WHERE state = 2;

CREATE TABLE queue_jobs (               -- what is done to what waits (enum queue_verb), in slices; open ones go on after a restart
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id  INTEGER NOT NULL,                  -- whose turn it takes; 0: the operator's
    verb        INTEGER NOT NULL,                  -- enum queue_verb
    filter      TEXT NOT NULL,                     -- JSON: which
    due_at      INTEGER NOT NULL DEFAULT 0,        -- move: when they are tried
    priority    INTEGER NOT NULL DEFAULT -1,       -- move: -1 as it was
    reason      TEXT NOT NULL DEFAULT '',          -- what is told of those
    place       TEXT NOT NULL DEFAULT '',          -- how far the walk is
    changed     INTEGER NOT NULL DEFAULT 0,
    busy        INTEGER NOT NULL DEFAULT 0,        -- in flight when this walk came by: then it walks once more
    created_at  INTEGER NOT NULL,
    finished_at INTEGER NOT NULL DEFAULT 0,        -- 0: open
    ended       TEXT NOT NULL DEFAULT ''           -- why, when it did not come to its end
) STRICT;
CREATE INDEX queue_jobs_open ON queue_jobs(account_id, id) WHERE finished_at = 0;

CREATE TABLE pauses (                   -- by the operator: of all deliveries, a site, a source
    kind        INTEGER NOT NULL,                  -- enum pause_kind
    name        TEXT NOT NULL,
    until       INTEGER NOT NULL,                  -- the largest number: until it is taken back
    because     TEXT NOT NULL DEFAULT '',
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (kind, name)
) STRICT;

CREATE TABLE decisions (                -- of shaping: changes of limits, pauses; the newest (core/ledger.h)
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    at          INTEGER NOT NULL,
    site        TEXT NOT NULL,                     -- key of the route
    source      TEXT NOT NULL,                     -- name of our address
    what        INTEGER NOT NULL,                  -- enum shape_what
    kind        INTEGER NOT NULL,                  -- enum shape_pause_kind
    from_value  INTEGER NOT NULL,
    to_value    INTEGER NOT NULL,
    because     TEXT NOT NULL
) STRICT;
CREATE INDEX decisions_by_site ON decisions(site, id);

CREATE TABLE transcripts (              -- the dialogue of an attempt, without content and secrets; the last few of a recipient
    recipient_id INTEGER NOT NULL REFERENCES recipients(id) ON DELETE CASCADE,
    attempt     INTEGER NOT NULL,
    at          INTEGER NOT NULL,                  -- when it ended
    dialogue    TEXT NOT NULL,                     -- a line each: ms since the connection's start, direction, words
    PRIMARY KEY (recipient_id, attempt)
) STRICT;

CREATE TABLE event_ids (                -- one row
    last        INTEGER NOT NULL                   -- the number that was given last (store/event_ids.h)
) STRICT;
INSERT INTO event_ids (last) VALUES (0);

CREATE TABLE events (
    id          INTEGER PRIMARY KEY,               -- day, domain, number: rows lie in this order (store/event_ids.h)
    at          INTEGER NOT NULL,
    type        INTEGER NOT NULL,                  -- enum event_type
    is_first    INTEGER NOT NULL DEFAULT 0,        -- open, click, unsubscribe, complaint: its recipient's first
    is_machine  INTEGER NOT NULL DEFAULT 0,        -- open, click: no person did it; never the first, counted nowhere
    account_id  INTEGER NOT NULL,
    domain_id   INTEGER NOT NULL,
    message_id  INTEGER NOT NULL,
    recipient_id INTEGER NOT NULL,
    recipient   TEXT NOT NULL,
    recipient_domain TEXT NOT NULL,                -- lower case A-labels
    mx_host     TEXT NOT NULL DEFAULT '',          -- of detail, for the index: the host that spoke, '': none
    smtp_code   INTEGER NOT NULL DEFAULT 0,        -- and what it said, 0: nothing
    client      TEXT NOT NULL DEFAULT '',          -- who opened, clicked, left
    ip          TEXT NOT NULL DEFAULT '',
    country     TEXT NOT NULL DEFAULT '',
    device      TEXT NOT NULL DEFAULT '',
    user_agent  TEXT NOT NULL DEFAULT '',
    detail      TEXT NOT NULL                      -- JSON: what is particular to this event
) STRICT;
-- What is searched and counted most needs no row, of which a page holds eight (store/event_facts.h).
CREATE INDEX events_by_domain ON events(domain_id, at, id, type, is_first, is_machine, recipient, recipient_domain, mx_host, smtp_code);
CREATE INDEX events_of_readers ON events(domain_id, at, id, type, is_machine, client, ip, country, device, user_agent) WHERE type IN (7, 8, 9); -- EVENT_OF_READERS
CREATE INDEX events_by_message ON events(domain_id, message_id, at, id, type, is_machine);
CREATE INDEX events_bad ON events(at, domain_id, type) WHERE type IN (4, 10); -- EVENT_BOUNCE, EVENT_COMPLAINT
CREATE UNIQUE INDEX events_first ON events(recipient_id, type) WHERE is_first = 1;

CREATE TABLE feed_outbox (              -- events that the operator's feed is still to get: written in their transaction (P3)
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    at          INTEGER NOT NULL,
    events      BLOB NOT NULL                      -- their ids, 8 bytes each (store/feed.h)
) STRICT;

CREATE TABLE feed_state (               -- one row
    since       INTEGER NOT NULL                   -- since when they are written; 0: there is no feed
) STRICT;
INSERT INTO feed_state (since) VALUES (0);

CREATE TABLE rollups (                  -- events counted: a row an hour or day of a sender domain, or of one value there (store/rollup.h)
    domain_id   INTEGER NOT NULL,
    kind        INTEGER NOT NULL,                  -- enum rollup_kind
    at          INTEGER NOT NULL,                  -- when its hour or day began, UTC
    value       TEXT NOT NULL,                     -- tag, recipient domain ...; '' where all is counted
    sends              INTEGER NOT NULL DEFAULT 0, -- by type, in the order of enum event_type
    deferrals          INTEGER NOT NULL DEFAULT 0,
    deliveries         INTEGER NOT NULL DEFAULT 0,
    bounces            INTEGER NOT NULL DEFAULT 0,
    failures           INTEGER NOT NULL DEFAULT 0,
    suppressed         INTEGER NOT NULL DEFAULT 0,
    opens              INTEGER NOT NULL DEFAULT 0,
    clicks             INTEGER NOT NULL DEFAULT 0,
    unsubscribes       INTEGER NOT NULL DEFAULT 0,
    complaints         INTEGER NOT NULL DEFAULT 0,
    hard_bounces       INTEGER NOT NULL DEFAULT 0, -- of those
    first_opens        INTEGER NOT NULL DEFAULT 0, -- of those, the recipient's first
    first_clicks       INTEGER NOT NULL DEFAULT 0,
    first_unsubscribes INTEGER NOT NULL DEFAULT 0,
    first_complaints   INTEGER NOT NULL DEFAULT 0,
    machine_opens      INTEGER NOT NULL DEFAULT 0, -- of those, not by people
    machine_clicks     INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (domain_id, kind, at, value)
) STRICT, WITHOUT ROWID;

CREATE TABLE rollup_sizes (             -- how many values there are, for their bound
    domain_id   INTEGER NOT NULL,
    kind        INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    size        INTEGER NOT NULL,
    PRIMARY KEY (domain_id, kind, at)
) STRICT, WITHOUT ROWID;

CREATE TABLE rollup_times (             -- how long mail took, a day of a sender domain, by recipient domain (store/rollup_times.h)
    domain_id   INTEGER NOT NULL,
    at          INTEGER NOT NULL,                  -- when the day began, UTC
    value       TEXT NOT NULL,                     -- recipient domain
    outcome     INTEGER NOT NULL,                  -- enum rollup_outcome
    letters     INTEGER NOT NULL,
    sum_ms      INTEGER NOT NULL,
    min_ms      INTEGER NOT NULL,
    max_ms      INTEGER NOT NULL,
    step1       INTEGER NOT NULL,                  -- of those, how many took less than a second, less than five, ...
    step2       INTEGER NOT NULL,
    step3       INTEGER NOT NULL,
    step4       INTEGER NOT NULL,
    step5       INTEGER NOT NULL,
    step6       INTEGER NOT NULL,
    step7       INTEGER NOT NULL,
    step8       INTEGER NOT NULL,
    PRIMARY KEY (domain_id, at, value, outcome)
) STRICT, WITHOUT ROWID;

CREATE TABLE rollup_domains (           -- whose domain it is, or was: statistics outlive it
    domain_id   INTEGER NOT NULL,
    account_id  INTEGER NOT NULL,
    name        TEXT NOT NULL,
    PRIMARY KEY (domain_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX rollup_domains_by_account ON rollup_domains(account_id, domain_id);

CREATE TABLE idempotency (
    account_id  INTEGER NOT NULL,
    key_id      INTEGER NOT NULL,
    key_hash    BLOB NOT NULL,                     -- SHA-256 of the Idempotency-Key
    request_hash BLOB NOT NULL,                    -- SHA-256 of the request body
    answer      TEXT NOT NULL,                     -- body of the first answer
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (account_id, key_id, key_hash)
) STRICT;
CREATE INDEX idempotency_by_age ON idempotency(created_at);

CREATE TABLE inbox (                    -- sandbox mode: what the last hop received
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    received_at INTEGER NOT NULL,
    account_id  INTEGER NOT NULL DEFAULT 0,        -- whose message it was, by the signed return path; 0 unknown
    domain_id   INTEGER NOT NULL DEFAULT 0,
    message_uuid BLOB,
    envelope_from TEXT NOT NULL,
    recipients  TEXT NOT NULL,                     -- JSON array
    subject     TEXT NOT NULL,
    content     BLOB NOT NULL
) STRICT;
CREATE INDEX inbox_by_domain ON inbox(domain_id, id);
CREATE INDEX inbox_by_message ON inbox(message_uuid);

CREATE TABLE alerts (                   -- what the operator is told, and was: some hundreds of rows, the old ones go
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    kind        INTEGER NOT NULL,                  -- enum alert_kind
    key         TEXT NOT NULL,                     -- of what it is: a site, a domain; '' where there is only one
    text        TEXT NOT NULL,
    raised_at   INTEGER NOT NULL,
    quiet_at    INTEGER NOT NULL DEFAULT 0,        -- since when it is not seen any more; 0: it is
    cleared_at  INTEGER NOT NULL DEFAULT 0,        -- when it was over; 0: it lasts
    told        INTEGER NOT NULL DEFAULT 0,        -- enum alert_told
    told_at     INTEGER NOT NULL DEFAULT 0,
    told_count  INTEGER NOT NULL DEFAULT 0,
    posted_count INTEGER NOT NULL DEFAULT 0,       -- of these the webhook has
    trouble     TEXT NOT NULL DEFAULT ''           -- why telling failed last
) STRICT;
CREATE UNIQUE INDEX alerts_open ON alerts(kind, key) WHERE cleared_at = 0;
CREATE INDEX alerts_by_end ON alerts(cleared_at, id) WHERE cleared_at > 0;

CREATE TABLE tls_reports (              -- RFC 8460: one a UTC day and recipient domain with sessions; gone once sent or not wanted
    day         INTEGER NOT NULL,                  -- since 1970
    domain      TEXT NOT NULL,
    due_at      INTEGER NOT NULL,
    attempts    INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (day, domain)
) STRICT;
CREATE INDEX tls_reports_due ON tls_reports(due_at);

CREATE TABLE tls_policies (             -- what a report's sessions were judged by
    day         INTEGER NOT NULL,
    domain      TEXT NOT NULL,
    policy_key  TEXT NOT NULL,
    policy      TEXT NOT NULL,                     -- JSON
    PRIMARY KEY (day, domain, policy_key)
) STRICT;

CREATE TABLE tls_counts (               -- sessions of a report; result '' is success
    day         INTEGER NOT NULL,
    domain      TEXT NOT NULL,
    policy_key  TEXT NOT NULL,
    result      TEXT NOT NULL,
    sender_ip   TEXT NOT NULL,
    host        TEXT NOT NULL,
    host_ip     TEXT NOT NULL,
    reason      TEXT NOT NULL,
    sessions    INTEGER NOT NULL,
    PRIMARY KEY (day, domain, policy_key, result, sender_ip, host, host_ip, reason)
) STRICT;
