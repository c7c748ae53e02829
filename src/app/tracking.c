/* tracking.c - see tracking.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "app/tracking.h"

#include "base/file.h"

struct track_keys tracking_keys(const struct config *c, const struct seal_key *master) {
    return track_keys_derive(master, (uint8_t)c->track_key_version, (uint8_t)c->track_oldest_key);
}

struct str tracking_host(const struct config *c) {
    size_t scheme = str_find_str(c->track_base_url, STR("://"));
    if (scheme == STR_NONE) return c->delivery_hostname;
    struct str host = str_sub(c->track_base_url, scheme + 3, SIZE_MAX);
    return str_sub(host, 0, str_find_last(host, ':'));
}

static enum status load_networks(struct str file, struct track_networks **ret, struct buf *ret_why) {
    BUF_AUTO text = {0};
    BUF_AUTO why = {0};
    if (str_is_empty(file)) {
        *ret = track_networks_builtin();
        return STATUS_OK;
    }
    enum status st = file_read(file.p, TRACK_NETWORKS_BYTES_MAX, &text);
    bool is_read = st == STATUS_OK || st == STATUS_LIMIT; /* the parser tells who is too long */
    if (!is_read) buf_add_z(&why, "cannot be read");
    st = is_read ? track_networks_parse(buf_str(&text), &why, ret) : STATUS_INVALID;
    if (st != STATUS_OK) buf_addf(ret_why, "[track] networks: %.*s: %.*s", STR_ARG(file), STR_ARG(buf_str(&why)));
    return st;
}

static enum status load_countries(struct str file, struct country_file **ret, struct buf *ret_why) {
    BUF_AUTO why = {0};
    if (str_is_empty(file)) return STATUS_OK;
    enum status st = country_file_open(file.p, &why, ret);
    if (st != STATUS_OK) buf_addf(ret_why, "[track] countries: %.*s", STR_ARG(buf_str(&why)));
    return st;
}

enum status tracking_load(const struct config *c, struct tracker *tracker, struct buf *ret_why) {
    struct track_networks *networks = NULL;
    struct country_file *countries = NULL;
    enum status st = load_networks(c->track_networks, &networks, ret_why);
    if (st == STATUS_OK) st = load_countries(c->track_countries, &countries, ret_why);
    if (st == STATUS_OK)
        tracker_set_book(tracker, networks, countries);
    else
        track_networks_free(&networks);
    return st;
}
