/* acme_driver.h - gets and renews certificates from an authority (RFC 8555), for the gateway's own hosts and for tracking hosts
 * whose CNAME to us was seen, one order at a time.
 *
 *   round: hosts out of the store -> who is due (core/acme_plan) -> order (proto/acme over net/http_client) -> file -> book
 *          once a minute, and at once after an order; what failed waits, over restarts too
 *
 * It lives on one loop. The challenge is answered on any; one order at a time means one challenge at a time.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_APP_ACME_DRIVER_H
#define POSTHORN_APP_ACME_DRIVER_H

#include "app/acme_files.h"
#include "base/metrics.h"
#include "httpd/http_server.h"
#include "net/executor.h"
#include "net/resolver.h"
#include "net/tls_book.h"

struct acme_driver;
/* All that is pointed at must outlive the driver. */
struct acme_driver_options {
    struct loop *loop;
    struct executor *slow, *readers;
    struct resolver *resolver;
    struct metrics *metrics;
    struct tls_book *book;
    struct str directory, contact; /* as [acme] has them */
    const char *ca_file;           /* of the authority's own server; NULL: the system's roots */
    const struct str *own;         /* the gateway's hosts */
    size_t own_count;
    /* On the slow pool: files have changed, the book reads them. */
    void (*load)(void *arg);
    void *arg;
};
/* In the data folder, before the loops run; it blocks. On failure *ret_why is a sentence. */
WARN_UNUSED enum status acme_driver_new(const struct acme_driver_options *options, struct acme_driver **ret, struct buf *ret_why);
/* Its folder, for the book. */
const char *acme_driver_folder(const struct acme_driver *d);
/* Any thread: a round soon; the first call begins the work. `forgives`: whoever failed is tried again now. */
void acme_driver_wake(struct acme_driver *d, bool forgives);
/* On its loop: nothing more begins; then done(arg), perhaps at once. */
void acme_driver_stop(struct acme_driver *d, void (*done)(void *arg), void *arg);
/* After that, or when its loop never ran, while the loop exists. NULL inside is fine. */
void acme_driver_free(struct acme_driver **d);

/* What answers challenges, by plain HTTP: for the servers that strangers reach. */
const struct http_route *acme_driver_routes(struct acme_driver *d, size_t *ret_count);
/* Who failed last and why, copied. Any thread. */
void acme_driver_troubles(struct acme_driver *d, struct arena *arena, struct acme_troubles *ret);
/* Why all orders fail now, and how many did in a row; 0: none. Any thread. */
struct str acme_driver_trouble(struct acme_driver *d, struct arena *arena, unsigned *ret_tries);

#endif
