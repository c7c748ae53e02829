-- The first schema. Times are Unix milliseconds, booleans 0/1, ids 64-bit and never reused.
-- Secrets: *_hash finds, *_sealed shows again (opened with the master key, which is not in here).

CREATE TABLE nodes (                    -- machines that may own queue rows; an epoch is one start of one node
    id          INTEGER PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,
    epoch       INTEGER NOT NULL DEFAULT 0,
    started_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE accounts (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    email           TEXT NOT NULL UNIQUE,          -- lower case
    password_hash   TEXT NOT NULL,                 -- argon2id, encoded
    is_admin        INTEGER NOT NULL DEFAULT 0,
    is_active       INTEGER NOT NULL DEFAULT 1,
    is_verified     INTEGER NOT NULL DEFAULT 1,
    created_at      INTEGER NOT NULL
) STRICT;

CREATE TABLE user_keys (                -- the account's own API keys (APIKey of /api.php)
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id  INTEGER NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
    key_hash    BLOB NOT NULL UNIQUE,
    created_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (
    token_hash  BLOB PRIMARY KEY,
    account_id  INTEGER NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_by_expiry ON sessions(expires_at);

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
    created_at      INTEGER NOT NULL,
    checked_at      INTEGER NOT NULL DEFAULT 0,
    UNIQUE (account_id, name)
) STRICT;
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
    list_id         TEXT NOT NULL DEFAULT '',
    subscriber_id   TEXT NOT NULL DEFAULT '',
    journey_id      TEXT NOT NULL DEFAULT '',
    action_id       TEXT NOT NULL DEFAULT '',
    created_at      INTEGER NOT NULL,
    last_used_at    INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX sender_keys_by_domain ON sender_keys(domain_id, id);

CREATE TABLE messages (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid            BLOB NOT NULL UNIQUE,          -- UUIDv7: the MessageID of the API
    account_id      INTEGER NOT NULL,
    domain_id       INTEGER NOT NULL,
    key_id          INTEGER NOT NULL,              -- sender key, 0 when the operator sent it
    created_at      INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,              -- end of life: then waiting recipients fail
    sender          TEXT NOT NULL,                 -- From address
    subject         TEXT NOT NULL,
    rfc_message_id  TEXT NOT NULL,                 -- without <>
    tags            TEXT NOT NULL DEFAULT '[]',    -- JSON
    metadata        TEXT NOT NULL DEFAULT '{}',    -- JSON: ListID, SubscriberID, JourneyID, ActionID and the sender's own
    size            INTEGER NOT NULL,
    signature       BLOB                           -- DKIM-Signature header fields, once made and needed again
) STRICT;

CREATE TABLE bodies (
    message_id  INTEGER PRIMARY KEY REFERENCES messages(id) ON DELETE CASCADE,
    content     BLOB NOT NULL                      -- the whole RFC 5322 message, CRLF lines, unsigned
) STRICT;

CREATE TABLE recipients (               -- the queue and its history; P1: exactly one state
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id  INTEGER NOT NULL REFERENCES messages(id) ON DELETE CASCADE,
    account_id  INTEGER NOT NULL,
    address     TEXT NOT NULL,
    domain      TEXT NOT NULL,                     -- lower case A-labels
    state       INTEGER NOT NULL,                  -- enum recipient_state; 0 scheduled and 1 queued are waiting
    priority    INTEGER NOT NULL DEFAULT 0,        -- 0 transactional, 1 bulk
    due_at      INTEGER NOT NULL,
    attempts    INTEGER NOT NULL DEFAULT 0,
    reason      TEXT NOT NULL DEFAULT '',          -- why it waits, or why it ended
    changed_at  INTEGER NOT NULL,
    node_id     INTEGER NOT NULL,                  -- who delivers it, and in which of its
    epoch       INTEGER NOT NULL                   -- lives the row was last written
) STRICT;
CREATE INDEX recipients_by_message ON recipients(message_id);
-- A lane of the queue (core/schedule.h): domain, account, priority, by due time; state makes counting an index matter.
CREATE INDEX recipients_waiting ON recipients(node_id, domain, account_id, priority, due_at, id, state) WHERE state IN (0, 1);

CREATE TABLE events (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    at          INTEGER NOT NULL,
    type        INTEGER NOT NULL,                  -- enum event_type
    account_id  INTEGER NOT NULL,
    domain_id   INTEGER NOT NULL,
    message_id  INTEGER NOT NULL,
    recipient_id INTEGER NOT NULL,
    recipient   TEXT NOT NULL,
    detail      TEXT NOT NULL                      -- JSON: what is particular to this event
) STRICT;
CREATE INDEX events_by_domain ON events(domain_id, at, id, type);
CREATE INDEX events_by_message ON events(message_id, id);

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
