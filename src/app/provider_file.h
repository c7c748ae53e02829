/* provider_file.h - the provider rows that hold: those of [delivery] providers, else those compiled in; and `posthorn providers`.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_APP_PROVIDER_FILE_H
#define POSTHORN_APP_PROVIDER_FILE_H

#include "app/config.h"
#include "core/provider.h"

/* On INVALID *ret_why names file, line and reason. */
WARN_UNUSED enum status provider_file_read(const struct config *c, struct providers **ret, struct buf *ret_why);
/* `posthorn providers`: all rows with all they leave out filled in, in the form of the file (replies of [default] only there), or
 * as JSON; the exit code. */
int provider_file_print(const struct config *c, bool json);

#endif
