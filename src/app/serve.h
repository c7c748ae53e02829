/* serve.h - `posthorn serve` and `posthorn init`: the process around a gateway - signals, the lock, the exit code.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_APP_SERVE_H
#define POSTHORN_APP_SERVE_H

#include "app/config.h"

/* What to tell someone who started us for the first time; no domain: nothing. */
struct greeting {
    const char *domain;  /* whose sender key to show */
    const char *program; /* argv[0] */
    const char *file;    /* -c as given */
    const char *smtp;    /* file with what `smtp-user add` said; NULL: none */
};

/* Run until SIGTERM or SIGINT. Returns the exit code: 0 after a clean stop, 1 when it could not start or the store was lost (P7).
 */
int serve(const struct config *c, const struct greeting *greeting);
/* Make what is missing: data folder, master key, database. Returns the exit code. Running it again, beside a server too, changes
 * nothing. */
int serve_init(const struct config *c, bool as_json);

#endif
