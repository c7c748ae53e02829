/* verbs_own.h - what the parts of the table of verbs share. Inside verbs*.c only.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_APP_VERBS_OWN_H
#define POSTHORN_APP_VERBS_OWN_H

#include "app/verbs.h"

/* Of nearly every verb; told once, in --help of all and in the manual. */
#define ACCOUNT                                                                                                                  \
    { "--account", "Account", "E", false, "The account's address; needed when there are several.", .is_common = true }

struct verb_part {
    const struct verb *verbs;
    size_t count;
};
/* Templates, lists, subscribers, list sends, suppressions; constant. */
struct verb_part verbs_people(void);
/* The store: sizes, removal, copies, people who are to be forgotten; constant. */
struct verb_part verbs_store(void);

#endif
