/* doctor_certificates.c - certificates by host name, as the folders have them now and as the authority refused them last.
 * SPDX-License-Identifier: Apache-2.0 */
#include "app/acme_files.h"
#include "app/doctor_own.h"
#include "net/tls_book.h"

#include <unistd.h>

/* Files that are wrong or have expired, and the first of them in words. */
static size_t count_wrong(struct patient *p, const struct tls_book_list *files, struct str *ret_first) {
    int64_t now = clock_wall_ms(clock_system());
    size_t wrong = 0;
    for (size_t i = 0; i < files->count; i++) {
        const struct tls_book_file *f = &files->items[i];
        if (f->why.n == 0 && f->expires_at > now) continue;
        if (wrong++ == 0)
            *ret_first = f->why.n ? arena_strf(&p->arena, "%.*s %.*s", STR_ARG(f->path), STR_ARG(f->why))
                                  : arena_strf(&p->arena, "%.*s has expired", STR_ARG(f->path));
    }
    return wrong;
}

static const char *acme_path(struct patient *p) {
    BUF_AUTO folder = {0};
    if (str_is_empty(p->config->acme_directory) || acme_folder(p->config->acme_directory, &folder) != STATUS_OK) return NULL;
    return arena_strf(&p->arena, "%.*s/%s", STR_ARG(p->config->data_dir), folder.p).p;
}

/* All that is there, in the arena; *ret_acme: the authority's folder, NULL when it is not there. *ret_own_lasts_ms may be NULL:
 * how long what is shown for our own name lasts, 0 when there is nothing. */
static enum status read_book(struct patient *p, struct tls_book_list *ret_files, const char **ret_acme, int64_t *ret_own_lasts_ms,
                             struct buf *ret_why) {
    const char *acme = acme_path(p);
    if (acme && access(acme, F_OK) != 0) acme = NULL; /* the first start makes it */
    const char *folders[] = {str_is_empty(p->config->tls_folder) ? NULL : p->config->tls_folder.p, acme};
    bool has_changed;
    int64_t expires_at;
    struct tls_book *book = tls_book_new();
    enum status st = tls_book_load(book, folders, 2, &has_changed, ret_why);
    tls_book_list(book, &p->arena, ret_files);
    if (ret_own_lasts_ms) *ret_own_lasts_ms = 0;
    if (ret_own_lasts_ms && tls_book_find(book, p->config->delivery_hostname, NULL, &expires_at))
        *ret_own_lasts_ms = expires_at - clock_wall_ms(clock_system());
    tls_book_free(&book);
    *ret_acme = acme;
    return st;
}

int64_t doctor_own_lasts_ms(struct patient *p) {
    struct tls_book_list files;
    const char *acme;
    int64_t lasts_ms;
    BUF_AUTO why = {0};
    (void)read_book(p, &files, &acme, &lasts_ms, &why);
    return lasts_ms;
}

static enum verdict say_troubles(struct patient *p, const char *acme, size_t count) {
    struct acme_troubles troubles = {0};
    if (acme) acme_troubles_read(acme, &p->arena, &troubles);
    if (troubles.count == 0) return doctor_say(p, VERDICT_OK, "%zu by host name", count);
    return doctor_say(p, VERDICT_WARN, "%zu by host name; %zu hosts get none, the first %.*s: %.*s", count, troubles.count,
                      STR_ARG(troubles.items[0].host), STR_ARG(troubles.items[0].why));
}

enum verdict check_host_certificates(struct patient *p) {
    const char *acme;
    struct tls_book_list files;
    struct str first = {0};
    BUF_AUTO why = {0};
    if (str_is_empty(p->config->tls_folder) && str_is_empty(p->config->acme_directory))
        return doctor_say(p, VERDICT_OK, "none by host name; [tls] folder or [acme] directory brings them");
    if (read_book(p, &files, &acme, NULL, &why) != STATUS_OK) return doctor_say(p, VERDICT_BAD, "%.*s", STR_ARG(buf_str(&why)));
    size_t wrong = count_wrong(p, &files, &first);
    if (wrong)
        return doctor_say(p, VERDICT_WARN, "%zu files, of which %zu are no good: %.*s", files.count, wrong, STR_ARG(first));
    return say_troubles(p, acme, files.count);
}
