/* csv_write.c - see csv_write.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/csv/csv_write.h"

bool csv_is_formula(struct str cell) {
    static const struct str wide[] = {STR_INIT("\xEF\xBC\x9D"), STR_INIT("\xEF\xBC\x8B"), STR_INIT("\xEF\xBC\x8D"),
                                      STR_INIT("\xEF\xBC\xA0")}; /* U+FF1D U+FF0B U+FF0D U+FF20 */
    if (cell.n == 0) return false;
    if (str_find(STR("=+-@\t\r\n"), cell.p[0]) != STR_NONE) return true;
    for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++)
        if (str_starts(cell, wide[i])) return true;
    return false;
}

static bool needs_quotes(struct str cell) {
    for (size_t i = 0; i < cell.n; i++) {
        char c = cell.p[i];
        if (c == ',' || c == '"' || c == ';' || c == '\t' || c == '\r' || c == '\n') return true;
    }
    return false;
}

void csv_add(struct buf *out, struct str cell, bool is_first) {
    bool is_quoted = needs_quotes(cell);
    if (!is_first) buf_add_char(out, ',');
    if (is_quoted) buf_add_char(out, '"');
    if (csv_is_formula(cell)) buf_add_char(out, '\'');
    for (size_t quote; is_quoted && (quote = str_find(cell, '"')) != STR_NONE; cell = str_sub(cell, quote + 1, SIZE_MAX)) {
        buf_add_str(out, str_sub(cell, 0, quote + 1));
        buf_add_char(out, '"');
    }
    buf_add_str(out, cell);
    if (is_quoted) buf_add_char(out, '"');
}

void csv_end_line(struct buf *out) {
    buf_add_z(out, "\r\n");
}
