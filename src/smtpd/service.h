/* service.h - the limits of a session, by the kind of its listener: one table makes the services and prints the manual page.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_SMTPD_SERVICE_H
#define POSTHORN_SMTPD_SERVICE_H

#include "smtpd/smtpd.h"

#define SMTPD_KIND_COUNT (SMTPD_PUBLIC + 1)

struct service_limit {
    const char *name, *sentence;
    size_t value[SMTPD_KIND_COUNT]; /* by enum smtpd_kind; 0: any number */
};
/* All of them. Static. */
const struct service_limit *service_limits(size_t *ret_count);

#endif
