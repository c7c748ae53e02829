/* tls_book.c - files to pairs, pairs to names, names to handshakes.
 *
 * Two locks: `loading` lets one load at a time work on the files; `lock` guards what handshakes read, the map of names, and is
 * held for a moment only. A pair belongs to its file; the map points at pairs, so it is swapped before a pair is freed.
 * SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_book.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/map.h"
#include "net/tls_context.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PEM_MAX       ((size_t)256 << 10) /* bytes of a file */
#define CHAIN_MAX     10
#define SECURITY_BITS 112 /* RSA of 2048 bits; OpenSSL would end handshakes with less */

/* What a handshake shows. */
struct pair {
    X509 *leaf;
    STACK_OF(X509) * chain;
    EVP_PKEY *key;
    int64_t begins_at, expires_at;
    struct str names[TLS_BOOK_NAMES_MAX];
    size_t name_count;
    struct arena arena; /* of the names */
};
/* Told apart without reading it. */
struct print {
    struct timespec changed[2]; /* certificate, key */
    off_t size[2];
    ino_t inode[2];
};
struct file {
    struct buf path;
    size_t folder; /* its place among those that were given */
    struct print print;
    struct pair *pair; /* NULL: nothing was ever read */
    struct buf why;
    bool is_seen;
};
struct tls_book {
    pthread_mutex_t loading; /* of files */
    struct map *files;       /* by path, struct file */
    int64_t sorted_until;    /* Unix time, ms */
    pthread_rwlock_t lock;   /* of names */
    struct map *names;       /* struct pair */
};

/* ---- a pair ---- */
static void pair_free(struct pair *p) {
    if (!p) return;
    X509_free(p->leaf);
    sk_X509_pop_free(p->chain, X509_free);
    EVP_PKEY_free(p->key);
    arena_fini(&p->arena);
    free(p);
}

static int no_phrase(char *to, int size, int writing, void *arg) {
    (void)to;
    (void)size;
    (void)writing;
    (void)arg;
    return 0;
}

static bool read_chain(struct pair *p, struct str pem) {
    BIO *in = BIO_new_mem_buf(pem.p, (int)pem.n);
    p->chain = sk_X509_new_null();
    p->leaf = in ? PEM_read_bio_X509(in, NULL, no_phrase, NULL) : NULL;
    for (int i = 0; p->leaf && i < CHAIN_MAX; i++) {
        X509 *next = PEM_read_bio_X509(in, NULL, no_phrase, NULL);
        if (!next) break;
        if (sk_X509_push(p->chain, next) <= 0) X509_free(next);
    }
    BIO_free(in);
    ERR_clear_error();
    return p->leaf != NULL;
}

static bool read_key(struct pair *p, struct str pem) {
    BIO *in = pem.n ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
    p->key = in ? PEM_read_bio_PrivateKey(in, NULL, no_phrase, NULL) : NULL;
    BIO_free(in);
    ERR_clear_error();
    return p->key != NULL;
}

static bool read_time(const ASN1_TIME *time, int64_t *ret_ms) {
    struct tm tm;
    if (ASN1_TIME_to_tm(time, &tm) != 1) return false;
    *ret_ms = (int64_t)timegm(&tm) * 1000;
    return true;
}

static void read_names(struct pair *p) {
    GENERAL_NAMES *names = X509_get_ext_d2i(p->leaf, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && p->name_count < TLS_BOOK_NAMES_MAX; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_DNS) continue;
        const char *text = (const char *)ASN1_STRING_get0_data(name->d.dNSName);
        struct str s = str_make(text, (size_t)ASN1_STRING_length(name->d.dNSName));
        if (s.n > 0 && str_plain_run(s) == s.n) p->names[p->name_count++] = arena_lower(&p->arena, s);
    }
    GENERAL_NAMES_free(names);
}

/* NULL: *why says why not. */
static struct pair *pair_read(struct str certificate, struct str key, struct buf *why) {
    struct pair *p = calloc(1, sizeof *p);
    if (!p) abort();
    const char *trouble = NULL;
    if (!read_chain(p, certificate))
        trouble = "holds no certificate in PEM";
    else if (!read_key(p, key))
        trouble = "has no private key in PEM, without a pass phrase, beside it";
    else if (X509_check_private_key(p->leaf, p->key) != 1)
        trouble = "belongs to another key";
    else if (EVP_PKEY_get_security_bits(p->key) < SECURITY_BITS)
        trouble = "has a key that is too short";
    else if (!read_time(X509_get0_notBefore(p->leaf), &p->begins_at) || !read_time(X509_get0_notAfter(p->leaf), &p->expires_at))
        trouble = "has no dates that can be read";
    ERR_clear_error();
    if (!trouble) read_names(p);
    if (!trouble && p->name_count == 0) trouble = "names no host in subjectAltName";
    if (!trouble) return p;
    buf_add_z(why, trouble);
    pair_free(p);
    return NULL;
}

/* ---- files ---- */
static void file_free(struct file *f) {
    pair_free(f->pair);
    buf_fini(&f->path);
    buf_fini(&f->why);
    free(f);
}

static bool read_bytes(const char *path, struct buf *out) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe there must not hold us */
    if (fd < 0) return false;
    enum status st = file_read_fd(fd, PEM_MAX, out);
    close(fd);
    return st == STATUS_OK;
}

static void print_add(struct print *p, int place, const char *path) {
    struct stat st;
    if (stat(path, &st) != 0) return;
    p->changed[place] = st.st_ctim; /* of rights as well */
    p->size[place] = st.st_size;
    p->inode[place] = st.st_ino;
}

static bool print_eq(const struct print *a, const struct print *b) {
    for (int i = 0; i < 2; i++)
        if (a->size[i] != b->size[i] || a->inode[i] != b->inode[i] || a->changed[i].tv_sec != b->changed[i].tv_sec ||
            a->changed[i].tv_nsec != b->changed[i].tv_nsec)
            return false;
    return true;
}

/* Read a file that is new or another one than before; a wrong one leaves its old pair in use. True: it is not what it was, and
 * *ret_old is the pair that it lost, if any. What cannot be read now is tried again by the next load. */
static bool file_reload(struct file *f, const char *key_path, struct pair **ret_old) {
    BUF_AUTO certificate = {0};
    SECRET_AUTO key = {0};
    BUF_AUTO before = f->why;
    struct pair *fresh = NULL;
    f->why = (struct buf){0};
    if (read_bytes(f->path.p, &certificate) && read_bytes(key_path, &key)) {
        fresh = pair_read(buf_str(&certificate), buf_str(&key), &f->why);
    } else {
        buf_add_z(&f->why, "cannot be read, or its key cannot");
        f->print = (struct print){0};
    }
    if (!fresh) return !str_eq(buf_str(&before), buf_str(&f->why));
    *ret_old = f->pair;
    f->pair = fresh;
    return true;
}

/* ---- a load ---- */
struct load {
    struct tls_book *book;
    size_t folder, count;
    bool has_changed, is_full;
    struct map *old; /* pairs that nobody is to find any more, by their own address */
};

static void drop(struct load *load, struct pair *pair) {
    if (pair) map_put(load->old, str_make((const char *)&pair, sizeof pair), pair);
}

static void take_file(struct load *load, const char *path, const char *key_path) {
    struct print print = {0};
    if (load->count++ >= TLS_BOOK_FILES_MAX) {
        load->is_full = true;
        return;
    }
    struct file *f = map_find(load->book->files, str_from_z(path));
    bool is_new = !f;
    print_add(&print, 0, path);
    print_add(&print, 1, key_path);
    if (is_new) {
        f = calloc(1, sizeof *f);
        if (!f) abort();
        buf_add_z(&f->path, path);
        map_put(load->book->files, str_from_z(path), f);
    }
    f->is_seen = true;
    f->folder = load->folder;
    if (!is_new && print_eq(&f->print, &print)) return;
    struct pair *old = NULL;
    f->print = print;
    if (file_reload(f, key_path, &old)) load->has_changed = true;
    drop(load, old);
}

static bool is_file(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* X.pem, X.crt: the key is in X.key, X-key.pem, or behind the chain. */
static void take_entry(struct load *load, const char *folder, const char *name) {
    static const char *const endings[] = {".key", "-key.pem"};
    BUF_AUTO path = {0};
    BUF_AUTO key = {0};
    struct str stem = str_from_z(name);
    if (str_ends(stem, STR("-key.pem"))) return;
    buf_addf(&path, "%s/%s", folder, name);
    if (str_ends(stem, STR(".pem")) || str_ends(stem, STR(".crt"))) {
        if (!is_file(path.p)) return;
        for (size_t i = 0; i < 2; i++) {
            buf_reset(&key);
            buf_addf(&key, "%s/%.*s%s", folder, (int)stem.n - 4, name, endings[i]);
            if (is_file(key.p)) break;
            buf_reset(&key);
        }
        take_file(load, path.p, key.n ? key.p : path.p);
        return;
    }
    buf_addf(&key, "%s/%s/privkey.pem", folder, name);
    buf_add_z(&path, "/fullchain.pem");
    if (is_file(path.p)) take_file(load, path.p, key.p);
}

static enum status take_folder(struct load *load, const char *folder, struct buf *why) {
    DIR *dir = opendir(folder);
    if (!dir) {
        buf_addf(why, "%s%s: %s", why->n ? "; " : "", folder, strerror(errno));
        return STATUS_IO;
    }
    for (const struct dirent *e; (e = readdir(dir)) != NULL;)
        if (e->d_name[0] != '.') take_entry(load, folder, e->d_name);
    closedir(dir);
    return STATUS_OK;
}

/* Files that have gone take their pairs with them. A folder that could not be read loses nothing. */
static void forget_gone(struct load *load, const bool *is_read) {
    struct str path;
    void *value;
    for (size_t cursor = 0; map_next(load->book->files, &cursor, &path, &value);) {
        struct file *f = value;
        bool is_gone = !f->is_seen && !load->is_full && is_read[f->folder];
        f->is_seen = false;
        if (!is_gone) continue;
        drop(load, f->pair);
        f->pair = NULL;
        map_remove(load->book->files, path);
        file_free(f);
        load->has_changed = true;
    }
}

/* Whoever renews certificates has begun to by now. */
static int64_t grows_old_at(const struct pair *p) {
    return p->expires_at - (p->expires_at - p->begins_at) / 3;
}

/* Is `a` the one to show, of two for a name? */
static bool is_better(const struct file *a, const struct pair *b, const struct map *owners, int64_t now) {
    const struct file *other = map_find(owners, str_make((const char *)&b, sizeof b));
    bool is_old = grows_old_at(a->pair) <= now;
    if (is_old != (grows_old_at(b) <= now)) return !is_old;
    if (a->folder != other->folder) return a->folder < other->folder;
    return a->pair->expires_at > b->expires_at;
}

/* *ret_until: when they are to be put in order again, for a pair grows old. */
static struct map *index_names(const struct tls_book *b, int64_t now, int64_t *ret_until) {
    struct map *names = map_new(), *owners = map_new();
    int64_t until = INT64_MAX;
    struct str path;
    void *value;
    for (size_t cursor = 0; map_next(b->files, &cursor, &path, &value);) {
        struct file *f = value;
        if (!f->pair) continue;
        map_put(owners, str_make((const char *)&f->pair, sizeof f->pair), f);
        if (grows_old_at(f->pair) > now && grows_old_at(f->pair) < until) until = grows_old_at(f->pair);
        for (size_t i = 0; i < f->pair->name_count; i++) {
            const struct pair *rival = map_find(names, f->pair->names[i]);
            if (!rival || is_better(f, rival, owners, now)) map_put(names, f->pair->names[i], f->pair);
        }
    }
    map_free(&owners);
    *ret_until = until;
    return names;
}

static void show(struct load *load, int64_t now) {
    struct tls_book *b = load->book;
    struct map *names = index_names(b, now, &b->sorted_until), *before;
    pthread_rwlock_wrlock(&b->lock);
    before = b->names;
    b->names = names;
    pthread_rwlock_unlock(&b->lock);
    map_free(&before);
}

static void free_old(struct load *load) {
    struct str key;
    void *pair;
    for (size_t cursor = 0; map_next(load->old, &cursor, &key, &pair);) pair_free(pair);
    map_free(&load->old);
}

enum status tls_book_load(struct tls_book *b, const char *const *folders, size_t count, bool *ret_changed, struct buf *ret_why) {
    ARENA_AUTO arena = {0};
    struct load load = {.book = b, .old = map_new()};
    bool *is_read = arena_array(&arena, count + 1, sizeof *is_read);
    enum status worst = STATUS_OK;
    pthread_mutex_lock(&b->loading);
    for (size_t i = 0; i < count; i++) {
        load.folder = i;
        is_read[i] = !folders[i] || take_folder(&load, folders[i], ret_why) == STATUS_OK;
        if (!is_read[i]) worst = STATUS_IO;
    }
    forget_gone(&load, is_read);
    int64_t now = clock_wall_ms(clock_system());
    if (load.has_changed || now >= b->sorted_until) show(&load, now);
    free_old(&load);
    pthread_mutex_unlock(&b->loading);
    if (load.is_full && worst == STATUS_OK) {
        worst = STATUS_LIMIT;
        buf_addf(ret_why, "more than %d certificate files", TLS_BOOK_FILES_MAX);
    }
    *ret_changed = load.has_changed;
    return worst;
}

/* ---- the book ---- */
struct tls_book *tls_book_new(void) {
    struct tls_book *b = calloc(1, sizeof *b);
    if (!b) abort();
    pthread_mutex_init(&b->loading, NULL);
    pthread_rwlock_init(&b->lock, NULL);
    b->files = map_new();
    b->names = map_new();
    return b;
}

void tls_book_free(struct tls_book **place) {
    struct tls_book *b = *place;
    struct str path;
    void *file;
    if (!b) return;
    *place = NULL;
    for (size_t cursor = 0; map_next(b->files, &cursor, &path, &file);) file_free(file);
    map_free(&b->files);
    map_free(&b->names);
    pthread_rwlock_destroy(&b->lock);
    pthread_mutex_destroy(&b->loading);
    free(b);
}

static int by_path(const void *a, const void *b) {
    return str_cmp(((const struct tls_book_file *)a)->path, ((const struct tls_book_file *)b)->path);
}

void tls_book_list(struct tls_book *b, struct arena *arena, struct tls_book_list *ret) {
    struct str path;
    void *value;
    pthread_mutex_lock(&b->loading);
    *ret = (struct tls_book_list){arena_array(arena, map_count(b->files) + 1, sizeof *ret->items), 0};
    for (size_t cursor = 0; map_next(b->files, &cursor, &path, &value);) {
        const struct file *f = value;
        struct tls_book_file *to = &ret->items[ret->count++];
        *to = (struct tls_book_file){.path = arena_str(arena, path), .why = arena_str(arena, buf_str(&f->why))};
        if (!f->pair) continue;
        to->name = arena_str(arena, f->pair->names[0]);
        to->begins_at = f->pair->begins_at;
        to->expires_at = f->pair->expires_at;
    }
    pthread_mutex_unlock(&b->loading);
    qsort(ret->items, ret->count, sizeof *ret->items, by_path);
}

/* Under the lock. "a.b.c" is served by what names it, or "*.b.c". `host` in lower case. */
static struct pair *find(const struct tls_book *b, struct str host) {
    struct pair *pair = map_find(b->names, host);
    size_t dot = str_find(host, '.');
    char wild[256];
    if (pair || dot == STR_NONE || host.n - dot + 1 > sizeof wild) return pair;
    wild[0] = '*';
    memcpy(wild + 1, host.p + dot, host.n - dot);
    return map_find(b->names, str_make(wild, host.n - dot + 1));
}

/* Lower case, without a dot at the end; false: longer than any name. */
static bool fold(struct str host, char to[256], struct str *ret) {
    if (host.n > 0 && host.p[host.n - 1] == '.') host.n--;
    if (host.n == 0 || host.n > 255) return false;
    for (size_t i = 0; i < host.n; i++) to[i] = ascii_lower(host.p[i]);
    *ret = str_make(to, host.n);
    return true;
}

bool tls_book_find(struct tls_book *b, struct str host, int64_t *ret_begins_at, int64_t *ret_expires_at) {
    char lower[256];
    struct str name;
    if (!fold(host, lower, &name)) return false;
    pthread_rwlock_rdlock(&b->lock);
    const struct pair *pair = find(b, name);
    if (pair && ret_begins_at) *ret_begins_at = pair->begins_at;
    if (pair && ret_expires_at) *ret_expires_at = pair->expires_at;
    pthread_rwlock_unlock(&b->lock);
    return pair != NULL;
}

/* ---- a handshake ---- */
/* OpenSSL's call when it is about to choose a certificate. 1: go on. The context's own, of perhaps another kind of key, is taken
 * out first: or a client might be shown that one. */
static int on_certificate(SSL *ssl, void *arg) {
    const struct tls_context *c = arg;
    const char *asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    char lower[256];
    struct str name;
    struct pair *pair = NULL;
    int result = 1;
    pthread_rwlock_rdlock(&c->book->lock);
    if (fold(str_from_z(asked), lower, &name)) pair = find(c->book, name);
    if (!pair && c->own_name && fold(str_from_z(c->own_name), lower, &name)) pair = find(c->book, name);
    if (pair) {
        SSL_certs_clear(ssl);
        result = SSL_use_cert_and_key(ssl, pair->leaf, pair->key, pair->chain, 1);
    }
    pthread_rwlock_unlock(&c->book->lock);
    return result == 1 ? 1 : 0;
}

void tls_context_set_book(struct tls_context *c, struct tls_book *book, const char *own_name) {
    c->book = book;
    free(c->own_name);
    c->own_name = own_name ? strdup(own_name) : NULL;
    if (own_name && !c->own_name) abort();
    SSL_CTX_set_cert_cb(c->ctx, on_certificate, c);
}
