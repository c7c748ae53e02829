/* file.c - see file.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define STEP 65536

enum status file_read_fd(int fd, size_t max, struct buf *out) {
    for (size_t begin = out->n; out->n - begin <= max;) {
        ssize_t n = read(fd, buf_reserve(out, STEP), STEP);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return STATUS_IO;
        if (n == 0) return STATUS_OK;
        buf_grew(out, (size_t)n);
    }
    return STATUS_LIMIT;
}

enum status file_read(const char *path, size_t max, struct buf *out) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return errno == ENOENT ? STATUS_NOT_FOUND : STATUS_IO;
    enum status status = file_read_fd(fd, max, out);
    int why = errno;
    close(fd);
    errno = why;
    return status;
}
