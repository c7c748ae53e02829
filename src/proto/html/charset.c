/* charset.c - see charset.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/html/charset.h"

static const struct row {
    struct str name;
    bool is_prefix;
    enum html_charset charset;
} rows[] = {
    {STR_INIT(""), false, HTML_CHARSET_UTF8},
    {STR_INIT("utf-8"), false, HTML_CHARSET_UTF8},
    {STR_INIT("utf8"), false, HTML_CHARSET_UTF8},
    {STR_INIT("us-ascii"), false, HTML_CHARSET_UTF8},
    {STR_INIT("ascii"), false, HTML_CHARSET_UTF8},
    {STR_INIT("iso-8859-"), true, HTML_CHARSET_OTHER},
    {STR_INIT("iso8859-"), true, HTML_CHARSET_OTHER},
    {STR_INIT("latin"), true, HTML_CHARSET_OTHER},
    {STR_INIT("windows-125"), true, HTML_CHARSET_OTHER},
    {STR_INIT("cp125"), true, HTML_CHARSET_OTHER},
    {STR_INIT("windows-874"), false, HTML_CHARSET_OTHER},
    {STR_INIT("tis-620"), false, HTML_CHARSET_OTHER},
    {STR_INIT("koi8-"), true, HTML_CHARSET_OTHER},
    {STR_INIT("macintosh"), false, HTML_CHARSET_OTHER},
    {STR_INIT("euc-"), true, HTML_CHARSET_OTHER},
    {STR_INIT("gb2312"), false, HTML_CHARSET_OTHER},
    {STR_INIT("gbk"), false, HTML_CHARSET_OTHER},
    {STR_INIT("gb18030"), false, HTML_CHARSET_OTHER},
    {STR_INIT("big5"), true, HTML_CHARSET_OTHER},
    {STR_INIT("shift_jis"), false, HTML_CHARSET_OTHER},
    {STR_INIT("windows-31j"), false, HTML_CHARSET_OTHER},
    {STR_INIT("ks_c_5601-1987"), false, HTML_CHARSET_OTHER},
};

enum html_charset html_charset_parse(struct str name) {
    name = str_trim(name);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        if (rows[i].is_prefix ? str_starts_nocase(name, rows[i].name) : str_eq_nocase(name, rows[i].name)) return rows[i].charset;
    return HTML_CHARSET_UNFIT;
}
