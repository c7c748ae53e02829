/* config_own.h - what config's files share: a key, the kinds of values, and sections that have a name of their own.
 *
 *   config.c: the table, reading    config_kinds.c: checks of values    config_named.c: [source NAME], [relay NAME]
 *   config_print.c: check-config and the manual
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_APP_CONFIG_OWN_H
#define POSTHORN_APP_CONFIG_OWN_H

#include "app/config.h"

struct config_key;
/* Check `text` and store it at `field` (a struct str or an int64_t). Returns NULL, or why not. */
typedef const char *(*config_kind_fn)(const struct config_key *key, struct str text, void *field);

struct config_key {
    const char *section, *name, *initial;
    config_kind_fn kind;
    size_t offset;       /* of the field in struct config, or in the item of a named section */
    const char *choices; /* for kind_choice: words in order of their values */
    bool is_secret;
    const char *sentence;
};
#define CONFIG_KEY_OF(type_, section_, name_, initial_, kind_, field_, ...)                                                      \
    { .section = section_, .name = name_, .initial = initial_, .kind = kind_, .offset = offsetof(type_, field_), __VA_ARGS__ }

/* ---- config.c ---- */
const struct config_key *config_keys_all(size_t *ret_count);
/* Take a value, with ${NAME} and file:, into the struct that the key's offset counts in. NULL, or why not. */
const char *config_key_set(struct arena *arena, const struct config_key *key, void *base, struct str value);

/* ---- config_kinds.c ---- */
/* What kind_choice answers to a word it does not know; whoever asked says which there are. */
extern const char CONFIG_NOT_A_CHOICE[];
bool config_is_host_name(struct str name);
const char *kind_text(const struct config_key *key, struct str text, void *field);
const char *kind_choice(const struct config_key *key, struct str text, void *field);
const char *kind_bool(const struct config_key *key, struct str text, void *field);
const char *kind_port(const struct config_key *key, struct str text, void *field);
const char *kind_ports(const struct config_key *key, struct str text, void *field);
const char *kind_count(const struct config_key *key, struct str text, void *field);
const char *kind_number(const struct config_key *key, struct str text, void *field);
const char *kind_size(const struct config_key *key, struct str text, void *field);
const char *kind_span(const struct config_key *key, struct str text, void *field);    /* "30s", "5m", "4h", "3d": milliseconds */
const char *kind_percent(const struct config_key *key, struct str text, void *field); /* "0.1": parts of 100,000 */
const char *kind_trusted(const struct config_key *key, struct str text, void *field);
const char *kind_listen(const struct config_key *key, struct str text, void *field);
const char *kind_proxy(const struct config_key *key, struct str text, void *field);
const char *kind_servers(const struct config_key *key, struct str text, void *field);
const char *kind_networks(const struct config_key *key, struct str text, void *field);
const char *kind_feed(const struct config_key *key, struct str text, void *field);
const char *kind_hostname(const struct config_key *key, struct str text, void *field);
const char *kind_hostnames(const struct config_key *key, struct str text, void *field); /* comma separated */
const char *kind_url(const struct config_key *key, struct str text, void *field);
const char *kind_origin(const struct config_key *key, struct str text, void *field);
/* Scheme, host and port of an http or https URL; "" of "". */
struct str config_origin(struct str url);
const char *kind_email(const struct config_key *key, struct str text, void *field);
const char *kind_store(const struct config_key *key, struct str text, void *field);
const char *kind_smarthost(const struct config_key *key, struct str text, void *field);
const char *kind_retry(const struct config_key *key, struct str text, void *field);
const char *kind_host(const struct config_key *key, struct str text, void *field);
const char *kind_domains(const struct config_key *key, struct str text, void *field);
const char *kind_source_address(const struct config_key *key, struct str text, void *field);
const char *kind_pools(const struct config_key *key, struct str text, void *field);
const char *kind_day(const struct config_key *key, struct str text, void *field);
const char *kind_plan(const struct config_key *key, struct str text, void *field);
/* A key's value as a file would say it; a secret is masked (P10). */
void config_value_format(struct buf *out, const struct config_key *key, const void *base);

/* ---- config_named.c: sections of which there are many, each with a name ---- */
struct config_group {
    const char *section; /* "source" */
    const char *sentence;
    const struct config_key *keys;
    size_t key_count;
    size_t item_bytes;  /* an item begins with its name, a struct str */
    size_t list_offset; /* of the struct config_list in struct config */
};
const struct config_group *config_groups(size_t *ret_count);
/* The group of a section's full name, "source NAME" in a file and "source.NAME" in an option, and the name; NULL: none has it. */
const struct config_group *config_group_find(struct str section, struct str *ret_name);
/* The item of that name, made with all defaults if new. NULL: *ret_why says why not. */
void *config_group_item(struct config *c, const struct config_group *group, struct str name, const char **ret_why);
const struct config_list *config_group_list(const struct config *c, const struct config_group *group);
/* The i-th item. */
const void *config_group_at(const struct config *c, const struct config_group *group, size_t i);

#endif
