/* acme_files.c - see acme_files.h. A file is written under a name that begins with a dot, which nobody reads, synced, and
 * renamed.
 * SPDX-License-Identifier: Apache-2.0 */
#include "app/acme_files.h"

#include "base/file.h"
#include "net/tls.h"
#include "proto/url/web_url.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX   ((size_t)4 << 20)
#define HTTPS_PORT 443

enum status acme_folder(struct str directory, struct buf *out) {
    ARENA_AUTO arena = {0};
    struct web_url url;
    if (!web_url_parse(directory, &arena, &url) || !url.is_https) return STATUS_INVALID;
    buf_add_z(out, "acme/");
    for (size_t i = 0; i < url.host.n; i++) buf_add_char(out, url.host.p[i] == ':' ? '_' : url.host.p[i]); /* IPv6 */
    if (url.port != HTTPS_PORT) buf_addf(out, "-%u", url.port);
    return STATUS_OK;
}

/* ---- bytes ---- */
static bool write_all(int fd, struct str bytes) {
    while (bytes.n > 0) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        if (n < 0 && errno != EINTR) return false;
        if (n > 0) bytes = str_sub(bytes, (size_t)n, SIZE_MAX);
    }
    return true;
}

static bool sync_folder(const char *folder) {
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0) close(fd);
    return ok;
}

/* Synced, but not in place yet. */
static bool write_draft(const char *draft, struct str bytes) {
    (void)unlink(draft);
    int fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && write_all(fd, bytes) && fsync(fd) == 0;
    if (fd >= 0 && close(fd) != 0) ok = false;
    return ok;
}

static enum status put_in_place(const char *folder, const char *draft, const char *path) {
    return rename(draft, path) == 0 && sync_folder(folder) ? STATUS_OK : STATUS_IO;
}

static enum status write_file(const char *folder, const char *name, struct str bytes) {
    BUF_AUTO draft = {0};
    BUF_AUTO path = {0};
    buf_addf(&draft, "%s/.%s", folder, name);
    buf_addf(&path, "%s/%s", folder, name);
    return write_draft(draft.p, bytes) ? put_in_place(folder, draft.p, path.p) : STATUS_IO;
}

/* ---- the account ---- */
static enum status make_account(const char *folder, struct eckey **ret) {
    SECRET_AUTO pem = {0};
    struct eckey *key = NULL;
    enum status st = eckey_generate(&key);
    if (st == STATUS_OK) st = eckey_write(key, &pem);
    if (st == STATUS_OK) st = write_file(folder, "account.key", buf_str(&pem));
    if (st == STATUS_OK)
        *ret = key;
    else
        eckey_free(&key);
    return st;
}

static bool make_folder(const char *path) {
    return mkdir(path, 0700) == 0 || errno == EEXIST;
}

enum status acme_files_open(const char *folder, struct eckey **ret_account, struct buf *ret_why) {
    SECRET_AUTO pem = {0};
    BUF_AUTO path = {0};
    buf_addf(&path, "%s/account.key", folder);
    if (!make_folder("acme") || !make_folder(folder)) {
        buf_addf(ret_why, "cannot make the folder %s: %s", folder, strerror(errno));
        return STATUS_IO;
    }
    enum status st = file_read(path.p, FILE_MAX, &pem);
    st = st == STATUS_NOT_FOUND ? make_account(folder, ret_account)
         : st == STATUS_OK      ? eckey_read(buf_str(&pem), ret_account)
                                : st;
    if (st != STATUS_OK) buf_addf(ret_why, "%s in the data folder: %s", path.p, status_text(st));
    return st;
}

/* ---- certificates ---- */
static enum status write_pair(const char *draft, struct str chain, const struct eckey *key) {
    SECRET_AUTO both = {0};
    buf_add_str(&both, chain);
    if (!str_ends(chain, STR("\n"))) buf_add_char(&both, '\n');
    enum status st = eckey_write(key, &both);
    if (st != STATUS_OK) return st;
    return write_draft(draft, buf_str(&both)) ? STATUS_OK : STATUS_IO;
}

enum status acme_files_save(const char *folder, struct str host, struct str chain, const struct eckey *key, struct buf *ret_why) {
    BUF_AUTO draft = {0};
    BUF_AUTO path = {0};
    struct tls_context *tls = NULL;
    buf_addf(&draft, "%s/.%.*s.pem", folder, STR_ARG(host));
    buf_addf(&path, "%s/%.*s.pem", folder, STR_ARG(host));
    enum status st = write_pair(draft.p, chain, key);
    if (st != STATUS_OK) {
        buf_addf(ret_why, "cannot write %s in the data folder", path.p);
    } else if ((st = tls_context_new_server(draft.p, draft.p, &tls, ret_why)) == STATUS_OK) {
        tls_context_unref(&tls);
        st = put_in_place(folder, draft.p, path.p);
        if (st != STATUS_OK) buf_addf(ret_why, "cannot put %s in its place", path.p);
    }
    if (st != STATUS_OK) (void)unlink(draft.p);
    return st;
}

void acme_files_delete(const char *folder, struct str host) {
    BUF_AUTO path = {0};
    buf_addf(&path, "%s/%.*s.pem", folder, STR_ARG(host));
    (void)unlink(path.p);
}

void acme_files_list(const char *folder, struct arena *arena, struct acme_names *ret) {
    size_t room = 64;
    *ret = (struct acme_names){arena_array(arena, room, sizeof *ret->items), 0};
    DIR *dir = opendir(folder);
    for (const struct dirent *e; dir && (e = readdir(dir)) != NULL;) {
        struct str name = str_from_z(e->d_name);
        if (e->d_name[0] == '.' || !str_ends(name, STR(".pem"))) continue;
        if (ret->count == room) {
            struct str *more = arena_array(arena, room *= 2, sizeof *more);
            memcpy(more, ret->items, ret->count * sizeof *more);
            ret->items = more;
        }
        ret->items[ret->count++] = arena_str(arena, str_sub(name, 0, name.n - 4));
    }
    if (dir) closedir(dir);
}

/* ---- who failed: "host tries next_at why" a line ---- */
static bool read_trouble(struct str line, struct arena *arena, struct acme_trouble *ret) {
    struct str host, tries, next_at;
    uint64_t count, at;
    if (!str_next(&line, ' ', &host) || !str_next(&line, ' ', &tries) || !str_next(&line, ' ', &next_at)) return false;
    if (host.n == 0 || !str_to_u64(tries, &count) || !str_to_u64(next_at, &at) || count > 1000 || at > INT64_MAX) return false;
    *ret = (struct acme_trouble){arena_str(arena, host), (unsigned)count, (int64_t)at, arena_str(arena, line)};
    return true;
}

void acme_troubles_read(const char *folder, struct arena *arena, struct acme_troubles *ret) {
    BUF_AUTO text = {0};
    BUF_AUTO path = {0};
    size_t lines = 1;
    buf_addf(&path, "%s/failures", folder);
    if (file_read(path.p, FILE_MAX, &text) != STATUS_OK) buf_reset(&text);
    for (size_t i = 0; i < text.n; i++) lines += text.p[i] == '\n';
    *ret = (struct acme_troubles){arena_array(arena, lines, sizeof *ret->items), 0};
    struct str rest = buf_str(&text), line;
    while (text.n > 0 && str_next(&rest, '\n', &line))
        if (read_trouble(line, arena, &ret->items[ret->count])) ret->count++;
}

enum status acme_troubles_write(const char *folder, const struct acme_troubles *troubles) {
    BUF_AUTO text = {0};
    for (size_t i = 0; i < troubles->count; i++) {
        const struct acme_trouble *t = &troubles->items[i];
        buf_addf(&text, "%.*s %u %lld %.*s\n", STR_ARG(t->host), t->tries, (long long)t->next_at, STR_ARG(t->why));
    }
    return write_file(folder, "failures", buf_str(&text));
}
