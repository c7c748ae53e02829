/* bounce_rules_text.h - the bytes of bounce_rules.conf, made a C array by tools/embed-text.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_BOUNCE_RULES_TEXT_H
#define POSTHORN_CORE_BOUNCE_RULES_TEXT_H

#include <stddef.h>

extern const char bounce_rules_text[];
extern const size_t bounce_rules_text_size;

#endif
