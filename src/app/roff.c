/* roff.c - see roff.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "app/roff.h"

void roff_add_text(struct buf *out, const char *text) {
    if (*text == '.' || *text == '\'') buf_add_z(out, "\\&");
    for (; *text; text++) {
        if (*text == '\\')
            buf_add_z(out, "\\e");
        else if (*text == '-')
            buf_add_z(out, "\\-");
        else
            buf_add_char(out, *text);
    }
    buf_add_char(out, '\n');
}
