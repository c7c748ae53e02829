/* group_calls.c - UserGroup.*: groups of accounts and their limits.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/group_calls.h"

#define GROUPS_AT_ONCE 1000

/* Which parameter, and field of an answer, stands for which limit. */
static const struct {
    const char *name;
    size_t offset;
} limits[] = {
    {"LimitEmailGatewaySenderDomains", offsetof(struct account_limits, domains)},
    {"LimitEmailSendPerSecond", offsetof(struct account_limits, sends_per_second)},
    {"LimitEmailSendPerDay", offsetof(struct account_limits, sends_per_day)},
    {"LimitEmailSendPerPeriod", offsetof(struct account_limits, sends_per_month)},
    {"LimitRecipients", offsetof(struct account_limits, recipients)},
    {"LimitBCC", offsetof(struct account_limits, bcc)},
    {"LimitReplyTo", offsetof(struct account_limits, reply_to)},
};
#define LIMIT_COUNT (sizeof limits / sizeof limits[0])

void group_call_write(struct call *c, int64_t id, struct str name, const struct account_limits *of) {
    struct json_writer *w = &c->json;
    json_add_i64(w, STR("UserGroupID"), id);
    json_add_str(w, STR("GroupName"), name);
    for (size_t i = 0; i < LIMIT_COUNT; i++)
        json_add_i64(w, str_from_z(limits[i].name), *(const int64_t *)((const char *)of + limits[i].offset));
    json_add_z(w, STR("LimitEmailSendPeriod"), "Monthly");
}

static void read_limits(struct call *c, struct account_limits *into) {
    for (size_t i = 0; i < LIMIT_COUNT; i++) {
        int64_t *place = (int64_t *)((char *)into + limits[i].offset);
        *place = call_number(c, limits[i].name, *place);
    }
}

enum status group_call_find(struct call *c, struct db *db, const char *id_name, const int codes[2], struct account_group *ret) {
    const struct arg *id = call_arg(c, id_name), *name = call_arg(c, "UserGroup");
    if (!id->is_given && !name->is_given) return codes[0] ? call_refuse_field(c, codes[0], str_from_z(id_name)) : STATUS_OK;
    enum status status = id->is_given ? group_get(db, c->arena, id->number, ret) : group_find(db, c->arena, name->text, ret);
    if (status == STATUS_OK && id->is_given && name->is_given && !str_eq(ret->name, name->text)) status = STATUS_NOT_FOUND;
    if (status != STATUS_NOT_FOUND) return status;
    return call_refuse_field(c, codes[1], str_from_z(id->is_given ? id_name : "UserGroup"));
}

/* ---- answers ---- */
static void write_group(struct call *c, const struct account_group *group) {
    group_call_write(c, group->id, group->name, &group->limits);
    json_add_i64(&c->json, STR("Users"), group->accounts);
    json_add_time(&c->json, STR("CreatedAt"), group->created_at);
}

static enum status answer_group(struct call *c, const struct account_group *group) {
    struct json_writer *w = call_open(c);
    json_add_i64(w, STR("UserGroupID"), group->id);
    json_add_object(w, STR("UserGroup"));
    write_group(c, group);
    json_close_object(w);
    return call_close(c);
}

/* ---- the operations ---- */
#define NAME_TAKEN 3

enum status group_calls_create(struct call *c, struct db *db) {
    struct account_group group = {
        .name = call_text(c, "GroupName", (struct str){0}),
        .limits = {.recipients = 1000, .bcc = 50, .reply_to = 10},
        .created_at = c->now,
    };
    read_limits(c, &group.limits);
    enum status status = group_add(db, &group, &group.id);
    if (status == STATUS_EXISTS) return call_refuse_field(c, NAME_TAKEN, STR("GroupName"));
    return status == STATUS_OK ? answer_group(c, &group) : status;
}

enum status group_calls_get(struct call *c, struct db *db) {
    struct account_group group;
    enum status status = group_call_find(c, db, "UserGroupID", (const int[]){1, 2}, &group);
    return call_is_over(c, status) ? status : answer_group(c, &group);
}

enum status group_calls_list(struct call *c, struct db *db) {
    struct account_group_list list;
    enum status status = group_list(db, c->arena, call_number(c, "AfterID", 0), GROUPS_AT_ONCE, &list);
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    json_add_array(w, STR("UserGroups"));
    for (size_t i = 0; i < list.count; i++) {
        json_open_object(w);
        write_group(c, &list.items[i]);
        json_close_object(w);
    }
    json_close_array(w);
    return call_close(c);
}

enum status group_calls_update(struct call *c, struct db *db) {
    struct account_group group;
    enum status status = group_call_find(c, db, "UserGroupID", (const int[]){20, 21}, &group);
    if (call_is_over(c, status)) return status;
    group.name = call_text(c, "GroupName", group.name);
    read_limits(c, &group.limits);
    status = group_update(db, &group);
    if (status == STATUS_EXISTS) return call_refuse_field(c, NAME_TAKEN, STR("GroupName"));
    return status == STATUS_OK ? answer_group(c, &group) : status;
}

enum status group_calls_delete(struct call *c, struct db *db) {
    struct account_group group;
    enum status status = group_call_find(c, db, "UserGroupID", (const int[]){1, 2}, &group);
    if (call_is_over(c, status)) return status;
    status = group_delete(db, group.id);
    if (status == STATUS_DENIED || status == STATUS_EXISTS) return call_refuse(c, status == STATUS_DENIED ? 4 : 5);
    return status == STATUS_OK ? call_done(c) : status;
}
