/* bounce.h - what an SMTP answer means for one recipient: delivered, wait, or never. Pure.
 *
 * 2xx delivers, 4xx waits, 5xx bounces, but for classes that pass with time though said by 5xx (core/bounce_class.h: greylisting,
 * too many recipients or messages, blocks of our own address). Anything else an SMTP server may say waits (P4).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_BOUNCE_H
#define POSTHORN_CORE_BOUNCE_H

#include "base/str.h"

enum bounce_verdict { BOUNCE_DELIVERED, BOUNCE_DEFERRED, BOUNCE_BOUNCED };

/* code: three digits of the answer; enhanced: "5.1.1" or empty; text: its words; mx: who said it, or "". */
enum bounce_verdict bounce_classify(unsigned code, struct str enhanced, struct str text, struct str mx);

#endif
