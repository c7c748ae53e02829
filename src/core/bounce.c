/* bounce.c - see bounce.h. Judging holds a lock for reading, a few microseconds; a reload makes its rules first and then takes
 * the lock for as long as it takes to exchange a pointer.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/bounce.h"

#include "base/file.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct bounce_book {
    pthread_rwlock_t lock;
    struct bounce_rules *rules;
    struct buf file;
};

/* ---- a file ---- */
static enum status read_file(struct str name, struct buf *out, struct buf *why) {
    BUF_AUTO path = {0};
    buf_add_str(&path, name);
    enum status status = file_read(path.p, BOUNCE_RULES_BYTES_MAX, out);
    if (status == STATUS_OK || status == STATUS_LIMIT) return STATUS_OK; /* the rules tell who is too long */
    buf_addf(why, "%s: %s", path.p, strerror(errno));
    return STATUS_IO;
}

enum status bounce_rules_load(struct str file, struct bounce_rules **ret, struct buf *ret_why) {
    BUF_AUTO text = {0};
    struct bounce_rules_file files[2];
    size_t count = 0;
    if (file.n) {
        enum status status = read_file(file, &text, ret_why);
        if (status != STATUS_OK) return status;
        files[count++] = (struct bounce_rules_file){file, buf_str(&text)};
    }
    files[count++] = bounce_rules_builtin();
    return bounce_rules_new(files, count, ret, ret_why);
}

/* ---- the book ---- */
enum status bounce_book_new(struct str file, struct bounce_book **ret, struct buf *ret_why) {
    struct bounce_rules *rules = NULL;
    enum status status = bounce_rules_load(file, &rules, ret_why);
    if (status != STATUS_OK) return status;
    struct bounce_book *b = calloc(1, sizeof *b);
    if (!b || pthread_rwlock_init(&b->lock, NULL) != 0) abort();
    b->rules = rules;
    buf_add_str(&b->file, file);
    *ret = b;
    return STATUS_OK;
}

void bounce_book_free(struct bounce_book **b) {
    if (!*b) return;
    bounce_rules_free(&(*b)->rules);
    buf_fini(&(*b)->file);
    pthread_rwlock_destroy(&(*b)->lock);
    free(*b);
    *b = NULL;
}

enum status bounce_book_reload(struct bounce_book *b, struct buf *ret_why) {
    struct bounce_rules *rules = NULL;
    enum status status = bounce_rules_load(buf_str(&b->file), &rules, ret_why);
    if (status != STATUS_OK) return status;
    pthread_rwlock_wrlock(&b->lock);
    struct bounce_rules *old = b->rules;
    b->rules = rules;
    pthread_rwlock_unlock(&b->lock);
    bounce_rules_free(&old);
    return STATUS_OK;
}

void bounce_judge(struct bounce_book *b, const struct bounce_reply *reply, struct bounce_finding *ret) {
    pthread_rwlock_rdlock(&b->lock);
    (void)bounce_rules_judge(b->rules, reply, ret);
    pthread_rwlock_unlock(&b->lock);
}
