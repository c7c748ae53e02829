/* unsubscribe.c - see unsubscribe.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/unsubscribe.h"

#include "core/lists.h"
#include "proto/mime/header.h"
#include "store/queue.h"

static enum status is_wanted(struct db *db, const struct message *message, const struct domain *domain, bool *ret) {
    int64_t list_id = 0;
    *ret = domain->unsubscribe_link;
    if (*ret) return STATUS_OK;
    enum status status = list_of_message(db, message, &list_id);
    *ret = list_id != 0;
    return status;
}

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

enum status unsubscribe_header(struct db *db, const struct seal_key *key, const struct message *message,
                               const struct domain *domain, struct str content, struct buf *out) {
    ARENA_AUTO arena = {0};
    struct recipient_list people;
    struct header_field own;
    bool wanted;
    if (header_find(content, STR("List-Unsubscribe"), &own)) return STATUS_OK;
    enum status status = is_wanted(db, message, domain, &wanted);
    if (status != STATUS_OK || !wanted) return status;
    status = recipient_list(db, &arena, message->id, &people);
    if (status != STATUS_OK || people.count != 1) return status;
    const struct unsubscribe_ways ways = {.recipient_id = people.items[0].id,
                                          .host =
                                              arena_strf(&arena, "%.*s.%.*s", STR_ARG(domain->subdomain), STR_ARG(domain->name)),
                                          .link = STR("")};
    unsubscribe_fields(key, &ways, out);
    return STATUS_OK;
}
