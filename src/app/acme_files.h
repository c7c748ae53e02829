/* acme_files.h - what the data folder keeps of an authority: acme/<its host>/ with the account's key, certificates with their
 * keys, and who failed. Keys are readable by us alone. Everything blocks, and expects the data folder to be the working
 * directory.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_APP_ACME_FILES_H
#define POSTHORN_APP_ACME_FILES_H

#include "base/arena.h"
#include "crypto/eckey.h"

#define ACME_HOST_MAX 240 /* bytes of a host whose file can be written */

/* Append the folder of the authority with that directory URL. INVALID: it is no https URL. */
WARN_UNUSED enum status acme_folder(struct str directory, struct buf *out);
/* Make the folder and the account's key where they are missing. */
WARN_UNUSED enum status acme_files_open(const char *folder, struct eckey **ret_account, struct buf *ret_why);
/* Keep a certificate: whole or not at all. INVALID: the chain does not belong to the key. */
WARN_UNUSED enum status acme_files_save(const char *folder, struct str host, struct str chain, const struct eckey *key,
                                        struct buf *ret_why);
void acme_files_delete(const char *folder, struct str host);
/* The hosts that have a certificate's file, as the names of the files have it. */
struct acme_names {
    struct str *items;
    size_t count;
};
void acme_files_list(const char *folder, struct arena *arena, struct acme_names *ret);

/* A host that failed last. */
struct acme_trouble {
    struct str host;
    unsigned tries;
    int64_t next_at; /* Unix time, ms */
    struct str why;  /* one line */
};
struct acme_troubles {
    struct acme_trouble *items;
    size_t count;
};
/* None where there is no file, or a line that is not one of ours. */
void acme_troubles_read(const char *folder, struct arena *arena, struct acme_troubles *ret);
WARN_UNUSED enum status acme_troubles_write(const char *folder, const struct acme_troubles *troubles);

#endif
