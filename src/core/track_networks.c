/* track_networks.c - see track_networks.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/track_networks.h"

#include "core/track_networks_text.h"

#include <assert.h>
#include <stdlib.h>

#define NAME_BYTES_MAX 32

struct network_row {
    struct str name;
    struct network_list networks;
};
struct track_networks {
    struct arena arena;
    struct network_row rows[TRACK_NETWORKS_ROWS_MAX];
    size_t count;
};

static bool is_name(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if (!ascii_is_alnum(s.p[i]) && s.p[i] != '-' && s.p[i] != '_') return false;
    return s.n > 0 && s.n <= NAME_BYTES_MAX;
}

/* NULL, or why not. */
static const char *take_line(struct track_networks *n, struct str line) {
    struct str text = str_trim(str_sub(line, 0, str_find(line, '#')));
    size_t sign = str_find(text, '=');
    struct network_row row;
    if (text.n == 0) return NULL;
    if (sign == STR_NONE) return "expected NAME = NETWORK, NETWORK ...";
    struct str name = str_trim(str_sub(text, 0, sign)), networks = str_trim(str_sub(text, sign + 1, SIZE_MAX));
    if (!is_name(name)) return "a name has 1 to 32 letters, digits, '-' and '_'";
    if (n->count == TRACK_NETWORKS_ROWS_MAX) return "more than 1000 rows";
    if (!network_list_parse(&n->arena, networks, &row.networks) || row.networks.count == 0)
        return "expected addresses or networks like 192.0.2.0/24 with commas between them";
    row.name = arena_str(&n->arena, name);
    n->rows[n->count++] = row;
    return NULL;
}

enum status track_networks_parse(struct str text, struct buf *ret_why, struct track_networks **ret) {
    struct track_networks *n = calloc(1, sizeof *n);
    const char *why = text.n > TRACK_NETWORKS_BYTES_MAX ? "the file has more than 1 MiB" : NULL;
    size_t line_number = 0;
    struct str line;
    if (!n) abort();
    while (!why && str_next(&text, '\n', &line)) {
        line_number++;
        why = take_line(n, line);
    }
    if (why) {
        buf_addf(ret_why, "line %zu: %s", line_number, why);
        track_networks_free(&n);
        return STATUS_INVALID;
    }
    *ret = n;
    return STATUS_OK;
}

struct track_networks *track_networks_builtin(void) {
    struct track_networks *n = NULL;
    BUF_AUTO why = {0};
    enum status status = track_networks_parse(str_make(track_networks_text, track_networks_text_size), &why, &n);
    assert(status == STATUS_OK);
    (void)status;
    return n;
}

void track_networks_free(struct track_networks **n) {
    if (!*n) return;
    arena_fini(&(*n)->arena);
    free(*n);
    *n = NULL;
}

struct str track_networks_find(const struct track_networks *n, const struct ip *ip) {
    for (size_t i = 0; n && i < n->count; i++)
        if (network_list_has(&n->rows[i].networks, ip)) return n->rows[i].name;
    return STR("");
}
