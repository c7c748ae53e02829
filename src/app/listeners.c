/* listeners.c - doors and sockets of systemd's.
 * SPDX-License-Identifier: Apache-2.0 */
#include "app/listeners.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define FIRST_FD  3 /* SD_LISTEN_FDS_START */
#define UNIX_MODE 0600

static bool get_number(const char *variable, uint64_t *ret) {
    return str_to_u64(str_from_z(getenv(variable)), ret);
}

enum status listeners_inherit(struct listeners *l, struct buf *ret_why) {
    uint64_t pid, count = 0;
    if (!get_number("LISTEN_PID", &pid) || pid != (uint64_t)getpid() || !get_number("LISTEN_FDS", &count)) return STATUS_OK;
    if (count > LISTENERS_MAX) {
        buf_addf(ret_why, "systemd passed more than %d sockets", LISTENERS_MAX);
        return STATUS_LIMIT;
    }
    buf_add_str(&l->names, str_from_z(getenv("LISTEN_FDNAMES")));
    struct str rest = buf_str(&l->names);
    for (size_t i = 0; i < count; i++) {
        int fd = FIRST_FD + (int)i;
        struct str name = {0};
        if (!str_next(&rest, ':', &name)) name = STR("unknown");
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
        l->inherited[i].name = name;
        l->inherited[i].fd = fd;
    }
    l->inherited_count = count;
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    return STATUS_OK;
}

static bool is_passed(const struct listeners *l, size_t i, const char *name) {
    return name && l->inherited[i].fd >= 0 && str_eq(l->inherited[i].name, str_from_z(name));
}

bool listeners_has(const struct listeners *l, const char *name) {
    for (size_t i = 0; i < l->inherited_count; i++)
        if (is_passed(l, i, name)) return true;
    return false;
}

static enum status tell_failure(enum status st, const struct door *door, const struct net_address *address, struct buf *why) {
    BUF_AUTO text = {0};
    net_address_format(&text, address);
    if (st == STATUS_EXISTS)
        buf_addf(why, "%s is taken by another program; choose another with -o %s=ADDRESS:PORT", text.p, door->key);
    else
        buf_addf(why, "cannot listen on %s: %s", text.p,
                 st == STATUS_INVALID && address->family != 1 ? "this machine has no such address" : status_text(st));
    return st;
}

static enum status add(struct listeners *l, const struct door *door, const struct net_address *address, int fd, struct buf *why) {
    const struct listener_options options = {.address = address,
                                             .loops = door->loops,
                                             .loop_count = door->loop_count,
                                             .accept = door->accept,
                                             .arg = door->arg,
                                             .unix_mode = UNIX_MODE};
    if (l->count == LISTENERS_MAX) {
        buf_addf(why, "more than %d addresses to listen on", LISTENERS_MAX);
        return STATUS_LIMIT;
    }
    enum status st = address ? listener_open(&options, &l->items[l->count]) : listener_adopt(&options, fd, &l->items[l->count]);
    if (st == STATUS_OK)
        l->count++;
    else if (address)
        return tell_failure(st, door, address, why);
    else
        buf_addf(why, "the socket that systemd passed as %s is no listening stream socket", door->name);
    return st;
}

static enum status adopt_all(struct listeners *l, const struct door *door, struct buf *why) {
    enum status st = STATUS_OK;
    for (size_t i = 0; st == STATUS_OK && i < l->inherited_count; i++) {
        if (!is_passed(l, i, door->name)) continue;
        st = add(l, door, NULL, l->inherited[i].fd, why);
        if (st == STATUS_OK) l->inherited[i].fd = -1;
    }
    return st;
}

static enum status open_all(struct listeners *l, const struct door *door, struct buf *why) {
    struct str rest = door->addresses, part;
    enum status st = STATUS_OK;
    while (st == STATUS_OK && !str_is_empty(door->addresses) && str_next(&rest, ',', &part)) {
        struct net_address address;
        st = net_address_parse(str_trim(part), &address);
        if (st == STATUS_OK) st = add(l, door, &address, -1, why);
    }
    return st;
}

enum status listeners_open(struct listeners *l, const struct door *door, struct net_address *ret_first, struct buf *ret_why) {
    size_t before = l->count;
    enum status st = listeners_has(l, door->name) ? adopt_all(l, door, ret_why) : open_all(l, door, ret_why);
    if (st == STATUS_OK && ret_first && l->count > before) *ret_first = *listener_address(l->items[before]);
    return st;
}

enum status listeners_check(const struct listeners *l, struct buf *ret_why) {
    for (size_t i = 0; i < l->inherited_count; i++) {
        if (l->inherited[i].fd < 0) continue;
        buf_addf(ret_why,
                 "systemd passed a socket called \"%.*s\"; FileDescriptorName= must be one of http, https, track, track-tls, "
                 "smtp, smtps, return-path, smtp-public",
                 STR_ARG(l->inherited[i].name));
        return STATUS_INVALID;
    }
    return STATUS_OK;
}

void listeners_close(struct listeners *l) {
    while (l->count) listener_close(&l->items[--l->count]);
    for (size_t i = 0; i < l->inherited_count; i++)
        if (l->inherited[i].fd >= 0) close(l->inherited[i].fd);
    l->inherited_count = 0;
    buf_fini(&l->names);
}
