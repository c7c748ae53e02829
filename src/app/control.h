/* control.h - the command line's end of the control connection: one blocking HTTP call.
 *
 * With a server running it is a connection to control.sock in the data folder; without one the command starts the same gateway,
 * without listeners and deliveries, and holds the other end of a socket pair. Either way the operations of the API's table
 * answer.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_APP_CONTROL_H
#define POSTHORN_APP_CONTROL_H

#include "app/config.h"
#include "proto/json/json.h"

#include <stdio.h>

#define CONTROL_PATH       "/control"
#define CONTROL_ANSWER_MAX (64u << 20) /* bytes of an answer */

/* POST `request` (JSON) over the connected socket `fd` and read the whole answer's body. An answer that is no JSON goes into
 * `file` as it comes, of any size, and *ret_answer is empty; NULL: no such answer is expected. On failure *ret_why is a sentence.
 */
WARN_UNUSED enum status control_call(int fd, struct str request, FILE *file, struct buf *ret_answer, struct buf *ret_why);
/* Whether a server answers in the data folder. Leaves the process there when there is such a folder. */
bool control_has_server(const struct config *c);
/* Make one call however it can be made: through the running server, or by taking the data folder. Leaves the process in the data
 * folder. */
WARN_UNUSED enum status control_ask(const struct config *c, struct str request, FILE *file, struct buf *ret_answer,
                                    struct buf *ret_why);

#endif
