/* file.h - a file read whole, up to a bound (P8).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_BASE_FILE_H
#define POSTHORN_BASE_FILE_H

#include "base/buf.h"
#include "base/status.h"

/* Append what is left to read of it. LIMIT: that is more than max bytes; some more than max are appended. IO: errno says. */
WARN_UNUSED enum status file_read_fd(int fd, size_t max, struct buf *out);
/* The same by name. NOT_FOUND: there is none; errno says too. */
WARN_UNUSED enum status file_read(const char *path, size_t max, struct buf *out);

#endif
