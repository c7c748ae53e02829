/* certificates.h - what our servers show: by SNI what the book has, out of [tls] folder and from the authority of [acme]; to all
 * others the pair of [tls] cert and key, else the book's for our own name, else one that we made and signed ourselves.
 *
 * Folders are looked at once a minute and at SIGHUP. A handshake touches no disk.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_APP_CERTIFICATES_H
#define POSTHORN_APP_CERTIFICATES_H

#include "app/acme_driver.h"
#include "app/config.h"
#include "core/alert.h"

struct certificates;
/* All that is pointed at must outlive it. */
struct certificates_options {
    const struct config *config;
    struct loop *loop;
    struct executor *slow, *readers;
    struct resolver *resolver;
    struct metrics *metrics;
};
/* In the data folder, before the loops run; it blocks. On failure *ret_why is a sentence. A wrong file in the folder is none. */
WARN_UNUSED enum status certificates_open(const struct certificates_options *options, struct certificates **ret,
                                          struct buf *ret_why);
/* Settings for one server, with the certificate of now for strangers; made here when there is none yet. */
WARN_UNUSED enum status certificates_context(struct certificates *c, struct tls_context **ret, struct buf *ret_why);
/* Is there a certificate for that host, the operator's pair or one of the book's? Any thread. */
bool certificates_has(struct certificates *c, struct str host);
/* Once the loops run. */
void certificates_start(struct certificates *c);
/* Read the folders anew, and ask the authority again about whoever failed. Any thread; it blocks. */
WARN_UNUSED enum status certificates_reload(struct certificates *c, struct buf *ret_why);
/* On its loop: nothing more begins; then done(arg), perhaps at once. */
void certificates_stop(struct certificates *c, void (*done)(void *arg), void *arg);
/* No server's context may be in use any more; while the loop exists. NULL inside is fine. */
void certificates_free(struct certificates **c);

/* Routes of challenges; none without an authority. */
const struct http_route *certificates_routes(struct certificates *c, size_t *ret_count);
/* See what expires or cannot be read, and what the authority refuses. Any thread; it reads the [tls] pair's file. */
void certificates_watch(struct certificates *c, int64_t now, struct arena *a, struct alert_view *view);

#endif
