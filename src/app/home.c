/* home.c - making, entering and locking the data folder; dropping root.
 *
 * Order matters: what only root may do (make the folder, read the key) comes first, then the drop, then the lock, so that every
 * file in the folder belongs to the user who serves.
 * SPDX-License-Identifier: Apache-2.0 */
#include "app/home.h"

#include "base/clock.h"
#include "base/encode.h"
#include "db/db.h"
#include "store/care.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

struct identity {
    uid_t uid;
    gid_t gid;
};

static enum status fail(struct buf *why, const char *what, struct str path) {
    buf_addf(why, "%s %.*s: %s", what, STR_ARG(path), strerror(errno));
    return errno == ENOSPC ? STATUS_LIMIT : STATUS_IO;
}

/* Whom a root process becomes: the configured user, else the folder's owner, else posthorn, else nobody. */
static enum status choose_identity(const struct config *c, struct identity *ret, struct buf *why) {
    char name[64] = "";
    struct stat st;
    bool named = !str_is_empty(c->data_user);
    if (named && c->data_user.n < sizeof name) memcpy(name, c->data_user.p, c->data_user.n);
    struct passwd *entry = named ? getpwnam(name) : NULL;
    if (named && !entry) {
        buf_addf(why, "[data] user: there is no user %.*s", STR_ARG(c->data_user));
        return STATUS_INVALID;
    }
    if (!entry && stat(c->data_dir.p, &st) == 0 && st.st_uid != 0) {
        *ret = (struct identity){st.st_uid, st.st_gid};
        return STATUS_OK;
    }
    if (!entry) entry = getpwnam("posthorn");
    if (!entry) entry = getpwnam("nobody");
    if (!entry) {
        buf_add_z(why, "started as root, and there is no unprivileged user to become; name one with [data] user");
        return STATUS_INVALID;
    }
    *ret = (struct identity){entry->pw_uid, entry->pw_gid};
    return STATUS_OK;
}

/* A folder that was there before may be open to others. Ours we close; where others are at home we are wrong (/tmp). */
static enum status close_folder(const struct config *c, const struct stat *st, const struct identity *who, struct buf *why) {
    if (!(st->st_mode & 077)) return STATUS_OK;
    if (st->st_uid == who->uid && !(st->st_mode & S_ISVTX))
        return chmod(c->data_dir.p, 0700) == 0 ? STATUS_OK : fail(why, "cannot close to others", c->data_dir);
    buf_addf(why, "the data folder %.*s is open to others; give posthorn one of its own, or make it this user's with mode 0700",
             STR_ARG(c->data_dir));
    return STATUS_DENIED;
}

/* Does the folder hold other folders? Ours never does, so it is somebody's (/var/lib, /home) and not to be handed over. */
static bool holds_folders(const char *path) {
    DIR *dir = opendir(path);
    bool found = false;
    for (struct dirent *entry; dir && !found && (entry = readdir(dir)) != NULL;) {
        struct stat st;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 || strcmp(entry->d_name, "lost+found") == 0)
            continue;
        found = fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
    }
    if (dir) closedir(dir);
    return found;
}

static enum status make_folder(const struct config *c, const struct identity *who, struct buf *why) {
    struct stat st;
    if (mkdir(c->data_dir.p, 0700) != 0 && errno != EEXIST) return fail(why, "cannot make", c->data_dir);
    if (stat(c->data_dir.p, &st) != 0) return fail(why, "cannot look at", c->data_dir);
    bool is_root_s = geteuid() == 0 && st.st_uid == 0;
    if (is_root_s && who->uid != 0 && holds_folders(c->data_dir.p)) {
        buf_addf(why, "%.*s holds other folders, so it is no data folder; choose one of its own with [data] dir",
                 STR_ARG(c->data_dir));
        return STATUS_INVALID;
    }
    if (is_root_s) st.st_uid = who->uid;
    enum status closed = close_folder(c, &st, who, why);
    if (closed == STATUS_OK && is_root_s && chown(c->data_dir.p, who->uid, who->gid) != 0)
        return fail(why, "cannot hand over", c->data_dir);
    return closed;
}

static enum status write_master_key(const struct config *c, struct home *home, struct buf *why) {
    int fd = open(c->keys_master.p, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400);
    if (fd < 0) return fail(why, "cannot make the master key", c->keys_master);
    rand_fill(rand_system(), home->master.b, SEAL_KEY_LEN);
    SECRET_AUTO text = {0};
    hex_encode(&text, str_make((const char *)home->master.b, SEAL_KEY_LEN));
    buf_add_char(&text, '\n');
    bool ok = write(fd, text.p, text.n) == (ssize_t)text.n && fsync(fd) == 0;
    if (!ok) {
        (void)fail(why, "cannot write the master key", c->keys_master);
        unlink(c->keys_master.p);
    }
    close(fd);
    home->made_master_key = ok;
    return ok ? STATUS_OK : STATUS_IO;
}

/* The key, made when neither it nor a database exists. A database without its key is never given a new one. */
static enum status read_master_key(const struct config *c, struct home *home, struct buf *why) {
    int fd = open(c->keys_master.p, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        BUF_AUTO database = {0};
        buf_addf(&database, "%.*s/" HOME_DATABASE, STR_ARG(c->data_dir));
        if (access(database.p, F_OK) == 0) {
            buf_addf(
                why,
                "the master key %.*s is missing, but there is a database that was sealed with it; restore it from its backup",
                STR_ARG(c->keys_master));
            return STATUS_CORRUPT;
        }
        return write_master_key(c, home, why);
    }
    if (fd < 0) return fail(why, "cannot read the master key", c->keys_master);
    char text[2 * SEAL_KEY_LEN + 2];
    ssize_t n = read(fd, text, sizeof text);
    close(fd);
    SECRET_AUTO key = {0};
    bool ok = n > 0 && hex_decode(&key, str_trim(str_make(text, (size_t)n))) && key.n == SEAL_KEY_LEN;
    if (ok) memcpy(home->master.b, key.p, SEAL_KEY_LEN);
    explicit_bzero(text, sizeof text);
    if (ok) return STATUS_OK;
    buf_addf(why, "the master key %.*s is not 64 hexadecimal digits", STR_ARG(c->keys_master));
    return STATUS_CORRUPT;
}

static enum status drop_root(const struct identity *who, struct buf *why) {
    if (geteuid() != 0 || who->uid == 0) return STATUS_OK;
    if (setgroups(0, NULL) != 0 || setgid(who->gid) != 0 || setuid(who->uid) != 0)
        return fail(why, "cannot become the unprivileged user", STR("of [data] user"));
    if (setuid(0) == 0) {
        buf_add_z(why, "root came back after it was dropped");
        return STATUS_DENIED;
    }
    return STATUS_OK;
}

static enum status take_lock(struct home *home, struct buf *why) {
    home->lock_fd = open(HOME_LOCK, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (home->lock_fd < 0) return fail(why, "cannot open the lock", STR(HOME_LOCK));
    if (flock(home->lock_fd, LOCK_EX | LOCK_NB) == 0) return STATUS_OK;
    buf_add_z(why, "another posthorn is using this data folder");
    return STATUS_EXISTS;
}

/* Under the lock: nobody is at work on them. */
static void clear_leftovers(void) {
    DIR *dir = opendir(".");
    for (struct dirent *entry; dir && (entry = readdir(dir)) != NULL;) {
        struct stat st;
        struct str name = str_from_z(entry->d_name);
        bool is_copy = str_starts(name, STR(STORE_COPY)) && str_ends(name, STR(STORE_COPY_END DB_COPY_PART));
        bool is_left = is_copy || str_starts(name, STR(HOME_INCOMING));
        if (is_left && lstat(entry->d_name, &st) == 0 && S_ISREG(st.st_mode)) (void)unlink(entry->d_name);
    }
    if (dir) closedir(dir);
}

enum status home_open(const struct config *c, struct home *ret, struct buf *ret_why) {
    *ret = (struct home){.lock_fd = -1};
    struct identity who = {geteuid(), getegid()};
    enum status st = geteuid() == 0 ? choose_identity(c, &who, ret_why) : STATUS_OK;
    if (st == STATUS_OK) st = make_folder(c, &who, ret_why);
    if (st == STATUS_OK) st = read_master_key(c, ret, ret_why);
    if (st == STATUS_OK && chdir(c->data_dir.p) != 0) st = fail(ret_why, "cannot enter", c->data_dir);
    if (st == STATUS_OK) st = drop_root(&who, ret_why);
    if (st == STATUS_OK) st = take_lock(ret, ret_why);
    (void)setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}); /* no core file with keys in it */
    umask(077);
    if (st == STATUS_OK) clear_leftovers();
    if (st != STATUS_OK) home_close(ret);
    return st;
}

void home_close(struct home *home) {
    if (home->lock_fd >= 0) close(home->lock_fd);
    home->lock_fd = -1;
    explicit_bzero(&home->master, sizeof home->master);
}
