/* config_named.c - sections of which there are many, each with a name: [source NAME] and [relay NAME].
 *
 * A group has a table of keys like the flat one, whose offsets count in the item's struct. To add a key: a field in that struct
 * and a row here.
 * SPDX-License-Identifier: Apache-2.0 */
#include "app/config_own.h"

#include "core/relay.h"
#include "core/source.h"

#include <stdlib.h>

#define ITEMS_MAX 256

#define SOURCE(name_, initial_, kind_, field_, ...)                                                                              \
    CONFIG_KEY_OF(struct config_source, "source", name_, initial_, kind_, field_, __VA_ARGS__)
#define RELAY(name_, initial_, kind_, field_, ...)                                                                               \
    CONFIG_KEY_OF(struct config_relay, "relay", name_, initial_, kind_, field_, __VA_ARGS__)

static const struct config_key source_keys[] = {
    SOURCE("address", "", kind_source_address, address,
           .sentence =
               "Address of this machine that mail goes out from; empty: the kernel's choice, IPv4 only. IPv6 addresses of "
               "recipients' servers are used only from a source that has one itself."),
    SOURCE("hostname", "", kind_hostname, hostname,
           .sentence = "Name in EHLO, best what the address's PTR record says; empty: [delivery] hostname."),
    SOURCE("weight", "1", kind_number, weight, .sentence = "Its part of what its pool sends."),
    SOURCE("pool", "", kind_pools, pool,
           .sentence =
               "Pools that it is in, comma separated; empty: default, the pool of all mail whose domain or key names none."),
    SOURCE("warmup", "", kind_day, warmup,
           .sentence =
               "First day of its warm-up, like 2026-11-01 (UTC): before it nothing goes out from it, then each day so many "
               "messages to each provider as the plan says, the rest from its pool's warm sources; empty: it is warm."),
    SOURCE("warmup_plan", "", kind_plan, warmup_plan,
           .sentence =
               "Messages a day to one provider, by days, like 50,100,200; behind the last one it is warm. Or a plan's name: "
               "default (16 days to 100000) or slow (30 days to 100000). Empty: default."),
};

static const struct config_key relay_keys[] = {
    RELAY("host", "", kind_host, host, .sentence = "Its name or address; required."),
    RELAY("port", "25", kind_port, port, .sentence = "Its port; 587 is the usual one with a login."),
    RELAY("user", "", kind_text, user, .sentence = "Who we log in as; empty: no login."),
    RELAY("password", "", kind_text, password, .is_secret = true, .sentence = "What with."),
    RELAY("tls", "auto", kind_choice, tls, .choices = "auto|opportunistic|require|verify",
          .sentence = "require: never without TLS; verify: and its certificate must be good for its name; auto: verify with a "
                      "password, else opportunistic. A password is never sent without TLS, but to this machine itself."),
    RELAY("domains", "", kind_domains, domains,
          .sentence = "Domains of recipients whose mail it gets, like example.com,*.example.com, comma separated."),
    RELAY("senders", "", kind_domains, senders,
          .sentence = "Sender domains whose mail it gets, comma separated; with domains too, both must fit."),
};

static const struct config_group groups[] = {
    {"source", "A local address that mail goes out from, by a name of its own; without any, the kernel chooses. At most 256.",
     source_keys, sizeof source_keys / sizeof source_keys[0], sizeof(struct config_source), offsetof(struct config, sources)},
    {"relay",
     "A host that gets mail instead of the recipients' own servers. It needs domains or senders; the narrowest that fits counts, "
     "one "
     "with senders first. At most 256.",
     relay_keys, sizeof relay_keys / sizeof relay_keys[0], sizeof(struct config_relay), offsetof(struct config, relays)},
};

const struct config_group *config_groups(size_t *ret_count) {
    *ret_count = sizeof groups / sizeof groups[0];
    return groups;
}

const struct config_group *config_group_find(struct str section, struct str *ret_name) {
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        struct str word = str_from_z(groups[i].section);
        bool is_here = str_starts(section, word) && (section.n == word.n || section.p[word.n] == ' ' || section.p[word.n] == '.');
        if (!is_here) continue;
        *ret_name = str_trim(str_sub(section, word.n + 1, SIZE_MAX));
        return &groups[i];
    }
    return NULL;
}

const struct config_list *config_group_list(const struct config *c, const struct config_group *group) {
    return (const struct config_list *)(const void *)((const char *)c + group->list_offset);
}

const void *config_group_at(const struct config *c, const struct config_group *group, size_t i) {
    return (const char *)config_group_list(c, group)->items + i * group->item_bytes;
}

static void *item_add(struct config *c, const struct config_group *group, struct config_list *list, struct str name) {
    if (!list->items) list->items = arena_array(&c->arena, ITEMS_MAX, group->item_bytes);
    void *item = (char *)list->items + list->count++ * group->item_bytes;
    *(struct str *)item = arena_str(&c->arena, name);
    for (size_t i = 0; i < group->key_count; i++)
        if (config_key_set(&c->arena, &group->keys[i], item, str_from_z(group->keys[i].initial))) abort();
    return item;
}

void *config_group_item(struct config *c, const struct config_group *group, struct str name, const char **ret_why) {
    struct config_list *list = (struct config_list *)(void *)((char *)c + group->list_offset);
    for (size_t i = 0; i < list->count; i++) {
        void *item = (char *)list->items + i * group->item_bytes;
        if (str_eq(*(const struct str *)item, name)) return item;
    }
    *ret_why = "a section of this kind has a name of letters, digits, . _ -, like [source first]";
    if (!source_name_is_valid(name)) return NULL;
    *ret_why = "more than 256 of them";
    return list->count < ITEMS_MAX ? item_add(c, group, list, name) : NULL;
}
