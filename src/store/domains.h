/* domains.h - sender domains, the standing of their DNS records, and their DKIM keys.
 *
 * Two accounts may add the same name; only one can have its ownership verified (domain_set_records decides).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_DOMAINS_H
#define POSTHORN_STORE_DOMAINS_H

#include "base/arena.h"
#include "base/status.h"
#include "store/scope.h"

struct db;

/* Stored numbers: never renumber. */
enum domain_state { DOMAIN_PENDING = 0, DOMAIN_ENABLED = 1, DOMAIN_SUSPENDED = 2, DOMAIN_BLOCKED = 3 };
enum record_status { RECORD_PENDING = 0, RECORD_VERIFIED = 1, RECORD_FAILED = 2 };
enum domain_record {
    DOMAIN_OWNERSHIP,
    DOMAIN_DKIM,
    DOMAIN_SPF,
    DOMAIN_RETURN_PATH,
    DOMAIN_TRACKING,
    DOMAIN_DMARC,
    DOMAIN_RECORD_COUNT
};

struct domain {
    int64_t id;
    int64_t account_id;
    struct str name; /* lower case A-labels */
    enum domain_state state;
    bool is_forced; /* the operator's enable: no verification undoes it */
    enum record_status record[DOMAIN_RECORD_COUNT];
    struct str subdomain;    /* return path host label */
    struct str track_prefix; /* tracking label below it */
    bool link_tracking, open_tracking, unsubscribe_link;
    struct str hosting_provider; /* whose instructions are shown; "" none named */
    /* How its unsubscribe pages look. */
    struct str brand_name;   /* who writes; "" the domain's own name */
    struct str brand_colour; /* "#rrggbb"; "" none chosen */
    struct str brand_text;   /* a paragraph of the sender's; "" none */
    int64_t created_at;
    int64_t checked_at;  /* 0: never verified yet */
    int64_t cut_message; /* as domain_get_cut has it */
    struct str pool;     /* of sources (store/pools.h); "" the default one */
    int tls;             /* enum tls_level (core/tls_policy.h): what its mail demands of recipients' servers */
    /* domain_watch.h writes these. */
    int64_t check_at;        /* when its records are looked up again by ourselves; 0: never */
    int64_t failing_at;      /* since when a record is wrong that it needs and had; 0: none is */
    int64_t state_at;        /* when somebody decided about the state; 0: nobody did */
    struct str state_reason; /* why */
};
struct domain_list {
    struct domain *items;
    size_t count;
};
/* Add; id is ignored. EXISTS: the account has the name already. NOT_FOUND: no such account. */
WARN_UNUSED enum status domain_add(struct db *tx, const struct domain *domain, int64_t *ret_id);
/* NOT_FOUND when absent or another account's. `account_id` may be SCOPE_ANY. */
WARN_UNUSED enum status domain_get(struct db *tx, struct arena *a, int64_t account_id, int64_t id, struct domain *ret);
/* The same for an account, without looking at it: for every message. */
WARN_UNUSED enum status domain_is_of(struct db *tx, int64_t account_id, int64_t id);
/* And up to which message nothing is delivered for it; 0: its queue was never cleared. */
WARN_UNUSED enum status domain_get_cut(struct db *tx, int64_t account_id, int64_t id, int64_t *ret_cut_message);
/* From now on nothing of messages up to this one. NOT_FOUND when absent or another account's. */
WARN_UNUSED enum status domain_set_cut(struct db *tx, int64_t account_id, int64_t id, int64_t cut_message);
WARN_UNUSED enum status domain_find(struct db *tx, struct arena *a, int64_t account_id, struct str name, struct domain *ret);
/* Up to `limit` domains of an account (or SCOPE_ANY) with id > after_id, in order of id. */
WARN_UNUSED enum status domain_list(struct db *tx, struct arena *a, int64_t account_id, int64_t after_id, int limit,
                                    struct domain_list *ret);
/* Up to `limit` domains of an account behind the first `offset`, in order of id. */
WARN_UNUSED enum status domain_page(struct db *tx, struct arena *a, int64_t account_id, int64_t offset, int limit,
                                    struct domain_list *ret);
WARN_UNUSED enum status domain_count(struct db *tx, int64_t account_id, int64_t *ret_count);
/* Every account's domain of that name, at most `limit`. */
WARN_UNUSED enum status domain_list_named(struct db *tx, struct arena *a, struct str name, int limit, struct domain_list *ret);
WARN_UNUSED enum status domain_set_state(struct db *tx, int64_t id, enum domain_state state, bool is_forced);
WARN_UNUSED enum status domain_set_tls(struct db *tx, int64_t id, int tls);
/* What a verification found. EXISTS: ownership VERIFIED is asked for, but another account has it already; nothing is
 * written. */
WARN_UNUSED enum status domain_set_records(struct db *tx, int64_t id, const enum record_status record[DOMAIN_RECORD_COUNT],
                                           enum domain_state state, int64_t now);

/* Write settings, names, statuses of records and state of a domain that was read before. NOT_FOUND: it has gone. */
WARN_UNUSED enum status domain_update(struct db *tx, const struct domain *domain);
/* The domain and with it its DKIM keys, sender keys, SMTP users and webhooks; messages, events and statistics stay. NOT_FOUND
 * when absent or another account's. */
WARN_UNUSED enum status domain_delete(struct db *tx, int64_t account_id, int64_t id);
/* What signs a domain's webhook calls, sealed; "" when none was made yet. NOT_FOUND when absent or another account's. */
WARN_UNUSED enum status domain_signing_key(struct db *tx, struct arena *a, int64_t account_id, int64_t id,
                                           struct str *ret_sealed);
WARN_UNUSED enum status domain_set_signing_key(struct db *tx, int64_t id, struct str sealed);

struct dkim_key {
    int64_t id;
    int64_t domain_id;
    struct str selector;
    int type;                  /* enum signkey_type (crypto/signkey.h) */
    struct str private_sealed; /* context "dkim:<domain name>:<selector>" */
    struct str public_key;     /* p= before base64 */
    int64_t created_at;
};
struct dkim_key_list {
    struct dkim_key *items;
    size_t count;
};
/* Add; id is ignored. EXISTS: the selector is taken. NOT_FOUND: no such domain. */
WARN_UNUSED enum status dkim_key_add(struct db *tx, const struct dkim_key *key, int64_t *ret_id);
/* Every key of the domain, in order of id. */
WARN_UNUSED enum status dkim_key_list(struct db *tx, struct arena *a, int64_t domain_id, struct dkim_key_list *ret);

#endif
