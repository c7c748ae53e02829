/* templates.h - an account's mail templates. Every change makes a version; the newest TEMPLATE_VERSIONS_MAX are kept, a version
 * never changes.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_TEMPLATES_H
#define POSTHORN_STORE_TEMPLATES_H

#include "base/arena.h"
#include "db/db.h"

#define TEMPLATE_VERSIONS_MAX 100

struct mail_template {
    int64_t id;
    int64_t account_id;
    struct str name;
    int64_t version; /* 1, 2 ...; of what stands in subject, html and text */
    struct str subject, html, text;
    int64_t created_at;
    int64_t changed_at; /* of the version */
};
struct mail_template_list {
    struct mail_template *items;
    size_t count;
};

/* The account's template in a version (0: the one in use). NOT_FOUND: no such template or version, or another account's. */
WARN_UNUSED enum status mail_template_get(struct db *tx, struct arena *a, int64_t account_id, int64_t id, int64_t version,
                                          struct mail_template *ret);
/* The account's templates, at most `limit` of them from `skip` on, newest first; without html and text. */
struct mail_template_page {
    int64_t account_id, skip, limit;
    bool is_by_name; /* in order of their names instead */
};
WARN_UNUSED enum status mail_template_browse(struct db *tx, struct arena *a, const struct mail_template_page *page,
                                             struct mail_template_list *ret);
WARN_UNUSED enum status mail_template_count(struct db *tx, int64_t account_id, int64_t *ret);
/* The versions kept, newest first; without html and text. Empty when it is not the account's. */
WARN_UNUSED enum status mail_template_versions(struct db *tx, struct arena *a, int64_t account_id, int64_t id,
                                               struct mail_template_list *ret);
/* Add as version 1; id and version are ignored. EXISTS: the account has one of this name. */
WARN_UNUSED enum status mail_template_insert(struct db *tx, const struct mail_template *t, int64_t *ret_id);
/* Give the template (id, account_id) another name and a new version with this content, which comes into use; versions too old are
 * dropped. NOT_FOUND as ever; EXISTS: the name is another's. */
WARN_UNUSED enum status mail_template_change(struct db *tx, const struct mail_template *t, int64_t *ret_version);
/* With all its versions. */
WARN_UNUSED enum status mail_template_delete(struct db *tx, int64_t account_id, int64_t id);

#endif
