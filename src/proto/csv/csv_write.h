/* csv_write.h - comma-separated values (RFC 4180) written for people who open them in a spreadsheet.
 *
 * There a cell that begins with = + - @, a tab, CR or LF, or with one of the full-width signs that are taken for the first four,
 * is a formula, and strangers write subjects and addresses: such a cell gets a single quote in front (OWASP, "CSV injection").
 * Fields that hold a delimiter of any spreadsheet, a quote or a line break are quoted; lines end with CRLF. Pure.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_CSV_CSV_WRITE_H
#define POSTHORN_PROTO_CSV_CSV_WRITE_H

#include "base/buf.h"

#define CSV_BOM "\xEF\xBB\xBF" /* at the start of a file: by it a spreadsheet knows UTF-8 */

/* Would a spreadsheet take it for a formula? */
bool csv_is_formula(struct str cell);
/* Add a field to the line; is_first: of its line. */
void csv_add(struct buf *out, struct str cell, bool is_first);
void csv_end_line(struct buf *out);

#endif
