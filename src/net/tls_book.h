/* tls_book.h - certificates by host name, for the handshakes of all our servers: what SNI picks from.
 *
 * A book is filled from folders of PEM files; handshakes find in it what was read, and never touch a disk. Loading again reads
 * only files that changed; one that cannot be read leaves what it held before. A server's context (tls_context_set_book) asks the
 * book first and shows its own certificate to strangers' names, or, where that is only self-signed, the book's for our own name.
 *
 * Files that count: X.pem or X.crt with the chain, leaf first, and the key behind it or in X.key or X-key.pem; and, one folder
 * deep, certbot's fullchain.pem with privkey.pem. The names are those of subjectAltName, "*.name" for one label.
 *
 * Any thread; loading blocks.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_NET_TLS_BOOK_H
#define POSTHORN_NET_TLS_BOOK_H

#include "base/arena.h"
#include "net/tls.h"

#define TLS_BOOK_FILES_MAX 20000
#define TLS_BOOK_NAMES_MAX 100 /* of one certificate */

struct tls_book;
struct tls_book *tls_book_new(void);
/* No context that asks it may be in use any more. NULL inside is fine. */
void tls_book_free(struct tls_book **b);
/* Read what changed in these folders (NULL ones are skipped). Of two certificates for a name that one is shown which has more
 * than a third of its life left, or that of the earlier folder, or that which lasts longer. *ret_changed: certificates came,
 * changed or went. LIMIT: more files than may be; IO: a folder cannot be read, with *ret_why; either way the others were. Files
 * that are wrong are told by tls_book_list. */
WARN_UNUSED enum status tls_book_load(struct tls_book *b, const char *const *folders, size_t count, bool *ret_changed,
                                      struct buf *ret_why);

/* A certificate's file, or one that holds none. */
struct tls_book_file {
    struct str path;
    struct str name;               /* the first of it; "" when nothing was ever read from this file */
    int64_t begins_at, expires_at; /* Unix time, ms */
    struct str why;                /* it cannot be used as it is now; "": it can */
};
struct tls_book_list {
    struct tls_book_file *items;
    size_t count;
};
/* All files, in order of path. */
void tls_book_list(struct tls_book *b, struct arena *arena, struct tls_book_list *ret);
/* What is shown to whoever asks for that host; false: the book has nothing for it. Outputs may be NULL. */
bool tls_book_find(struct tls_book *b, struct str host, int64_t *ret_begins_at, int64_t *ret_expires_at);

/* Let this server's handshakes ask the book. `own_name` (may be NULL; copied): shown to names that the book does not have, too,
 * if it has this one. Before the context is used; the book must outlive it. */
void tls_context_set_book(struct tls_context *c, struct tls_book *book, const char *own_name);

#endif
