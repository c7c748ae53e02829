/* track_networks_text.h - the bytes of track_networks.conf, made a C array by tools/embed-text.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_TRACK_NETWORKS_TEXT_H
#define POSTHORN_CORE_TRACK_NETWORKS_TEXT_H

#include <stddef.h>

extern const char track_networks_text[];
extern const size_t track_networks_text_size;

#endif
