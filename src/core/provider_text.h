/* provider_text.h - the bytes of providers.conf, made a C array by tools/embed-text.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_PROVIDER_TEXT_H
#define POSTHORN_CORE_PROVIDER_TEXT_H

#include <stddef.h>

extern const char provider_text[];
extern const size_t provider_text_size;

#endif
