/* hosting.h - where DNS records are entered, by who hosts the zone: a few words and a link for the best known.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_HOSTING_H
#define POSTHORN_CORE_HOSTING_H

#include "base/str.h"

struct hosting {
    struct str name;          /* as people write it, lower case, without blanks */
    const char *url;          /* where records are edited; "" for nobody in particular */
    const char *instructions; /* sentences */
};
/* By name, whatever its case, blanks, dots and hyphens ("Route 53", "go-daddy"); one for all others when it is unknown. Never
 * NULL; static. */
const struct hosting *hosting_find(struct str name);

#endif
