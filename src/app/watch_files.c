/* watch_files.c - see watch_files.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "app/watch_files.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define WHOLE 100000

/* What is happening is told rather than what may happen. */
static void look_at_disk(const struct config *c, const struct disk_gate *gate, struct arena *a, struct alert_view *view) {
    struct statvfs fs;
    view->is_looked[ALERT_DISK] = true;
    if (disk_gate_is_shut(gate)) {
        alert_see(view, a, ALERT_DISK, (struct str){0},
                  "New mail is refused: the disk of the database has fewer than %lld MB free. What is there is delivered.",
                  (long long)(gate->mark_bytes >> 20));
        return;
    }
    if (statvfs(".", &fs) != 0 || fs.f_blocks == 0) return;
    int64_t megabytes = (int64_t)((unsigned long long)fs.f_bavail * fs.f_frsize >> 20);
    int64_t parts = (int64_t)((double)fs.f_bavail / (double)fs.f_blocks * WHOLE);
    bool is_low = megabytes < c->alerts_disk_free || parts < c->alerts_disk_percent;
    if (is_low)
        alert_see(view, a, ALERT_DISK, (struct str){0},
                  "The disk of the data folder has %lld MB free, %lld %%. Below %lld MB no mail is taken.", (long long)megabytes,
                  (long long)(parts / 1000), (long long)(gate->mark_bytes >> 20));
}

static bool may_bind(const struct sockaddr *address, socklen_t length, struct buf *ret_why) {
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && bind(fd, address, length) == 0;
    if (!ok) buf_add_z(ret_why, errno == EADDRNOTAVAIL ? "it is no address of this machine" : strerror(errno));
    if (fd >= 0) close(fd);
    return ok;
}

bool watch_source_works(struct str address, struct buf *ret_why) {
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    ARENA_AUTO arena = {0};
    const char *text = arena_z(&arena, address);
    if (str_is_empty(address)) return true;
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) return may_bind((const struct sockaddr *)&v4, sizeof v4, ret_why);
    if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1) return may_bind((const struct sockaddr *)&v6, sizeof v6, ret_why);
    buf_add_z(ret_why, "it is no address");
    return false;
}

static void look_at_sources(const struct config *c, struct arena *a, struct alert_view *view) {
    const struct config_source *sources = c->sources.items;
    view->is_looked[ALERT_SOURCE] = true;
    for (size_t i = 0; i < c->sources.count; i++) {
        BUF_AUTO why = {0};
        if (!watch_source_works(sources[i].address, &why))
            alert_see(view, a, ALERT_SOURCE, sources[i].name, "Nothing is sent from source %.*s, %.*s: %.*s.",
                      STR_ARG(sources[i].name), STR_ARG(sources[i].address), STR_ARG(buf_str(&why)));
    }
}

void watch_files(const struct config *c, const struct disk_gate *gate, struct arena *a, struct alert_view *view) {
    look_at_disk(c, gate, a, view);
    if (c->delivery_mode == MODE_LIVE) look_at_sources(c, a, view);
}
