/* unsubscribe.c - see unsubscribe.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/unsubscribe.h"

#include "proto/mime/header.h"

void unsubscribe_fields(const struct seal_key *key, const struct unsubscribe_ways *ways, struct buf *out) {
    BUF_AUTO mail = {0};
    BUF_AUTO link = {0};
    struct header_writer w = {.out = out};
    header_begin(&w, "List-Unsubscribe");
    if (ways->link.n) {
        buf_addf(&link, "<%.*s>,", STR_ARG(ways->link));
        header_token(&w, buf_str(&link));
    }
    buf_add_z(&mail, "<mailto:");
    return_path_make(key, RETURN_PATH_UNSUBSCRIBE, ways->recipient_id, &mail);
    buf_addf(&mail, "@%.*s>", STR_ARG(ways->host));
    header_token(&w, buf_str(&mail));
    header_end(&w);
    if (!str_starts(ways->link, STR("https://"))) return;
    header_begin(&w, "List-Unsubscribe-Post");
    header_token(&w, STR("List-Unsubscribe=One-Click"));
    header_end(&w);
}
