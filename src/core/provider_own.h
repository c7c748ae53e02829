/* provider_own.h - the table behind provider.h.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_PROVIDER_OWN_H
#define POSTHORN_CORE_PROVIDER_OWN_H

#include "base/arena.h"
#include "core/provider.h"

#include <stdatomic.h>

struct providers {
    atomic_uint refs;
    struct arena arena;
    struct provider *rows; /* `count` with patterns, and the default behind them */
    size_t count;
};
/* Without rows; one reference. */
struct providers *providers_new(void);

#endif
