/* country.c - see country.h. Where the network is used counts, and only without that, where it was registered.
 * SPDX-License-Identifier: Apache-2.0 */
#include "track/country.h"

#include <maxminddb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

struct country_file {
    MMDB_s db;
};

enum status country_file_open(const char *path, struct buf *ret_why, struct country_file **ret) {
    struct country_file *f = calloc(1, sizeof *f);
    if (!f) abort();
    int error = MMDB_open(path, MMDB_MODE_MMAP, &f->db);
    if (error != MMDB_SUCCESS) {
        buf_addf(ret_why, "%s: %s", path, MMDB_strerror(error));
        free(f);
        return STATUS_INVALID;
    }
    *ret = f;
    return STATUS_OK;
}

void country_file_close(struct country_file **f) {
    if (!*f) return;
    MMDB_close(&(*f)->db);
    free(*f);
    *f = NULL;
}

static MMDB_lookup_result_s look_up(const struct country_file *f, const struct ip *ip, int *ret_error) {
    struct sockaddr_storage place = {0};
    if (ip->family == 4) {
        struct sockaddr_in *in = (struct sockaddr_in *)&place;
        in->sin_family = AF_INET;
        memcpy(&in->sin_addr, ip->bytes, sizeof in->sin_addr);
    } else {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&place;
        in6->sin6_family = AF_INET6;
        memcpy(&in6->sin6_addr, ip->bytes, sizeof in6->sin6_addr);
    }
    return MMDB_lookup_sockaddr(&f->db, (const struct sockaddr *)&place, ret_error);
}

static bool is_code(const MMDB_entry_data_s *value) {
    const char *p = value->utf8_string;
    if (!value->has_data || value->type != MMDB_DATA_TYPE_UTF8_STRING || value->data_size != 2) return false;
    return p[0] >= 'A' && p[0] <= 'Z' && p[1] >= 'A' && p[1] <= 'Z';
}

struct str country_find(const struct country_file *f, const struct ip *ip, struct arena *arena) {
    static const char *const names[] = {"country", "registered_country"};
    int error = MMDB_SUCCESS;
    if (!f || !ip->family) return STR("");
    MMDB_lookup_result_s result = look_up(f, ip, &error);
    if (error != MMDB_SUCCESS || !result.found_entry) return STR("");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        MMDB_entry_data_s value;
        if (MMDB_get_value(&result.entry, &value, names[i], "iso_code", NULL) != MMDB_SUCCESS || !is_code(&value)) continue;
        return arena_str(arena, str_make(value.utf8_string, value.data_size));
    }
    return STR("");
}
