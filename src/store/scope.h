/* scope.h - what a verb may look at.
 *
 * Verbs that show or change a tenant's objects take the account's (or domain's) id and answer NOT_FOUND for everybody
 * else's, as if it did not exist (P6). The operator's own calls say SCOPE_ANY; 0 matches nothing, so that a forgotten id
 * opens no door.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_SCOPE_H
#define POSTHORN_STORE_SCOPE_H

#include <stdint.h>

#define SCOPE_ANY INT64_C(-1)

#endif
