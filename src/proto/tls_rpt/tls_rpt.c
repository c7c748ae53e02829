/* tls_rpt.c - see tls_rpt.h.
 *
 *   v=TLSRPTv1; rua=mailto:reports@example.net,https://reports.example.net/v1/tlsrpt; name=value
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/tls_rpt/tls_rpt.h"

#include "proto/address/address.h"
#include "proto/url/url.h"
#include "proto/url/web_url.h"

#define VERSION      STR("v=TLSRPTv1")
#define NAME_MAX_LEN 32
#define RECORD_MAX   4096 /* bytes of a record; longer ones are malformed */

static struct str trim_blanks(struct str s) {
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t')) s = str_sub(s, 1, SIZE_MAX);
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t')) s.n--;
    return s;
}

/* mailto: with one mailbox; header fields behind it are not for us to set. */
static bool parse_mailto(struct str text, struct arena *arena, struct tls_rpt_target *ret) {
    struct str decoded;
    struct address address;
    text = str_sub(text, 0, str_find(text, '?'));
    if (!url_decode(arena, text, &decoded) || !str_is_ascii(decoded) || !address_parse(decoded, arena, &address)) return false;
    *ret = (struct tls_rpt_target){.mailbox = address.text, .domain = address.domain};
    return true;
}

static bool parse_uri(struct str uri, struct arena *arena, struct tls_rpt_target *ret) {
    struct web_url url;
    if (str_starts_nocase(uri, STR("mailto:"))) return parse_mailto(str_sub(uri, 7, SIZE_MAX), arena, ret);
    if (!web_url_parse(uri, arena, &url) || !url.is_https) return false;
    *ret = (struct tls_rpt_target){.url = arena_str(arena, uri)};
    return true;
}

static void parse_rua(struct str uris, struct arena *arena, struct tls_rpt_record *record) {
    struct str uri;
    while (record->count < TLS_RPT_TARGETS_MAX && str_next(&uris, ',', &uri))
        if (parse_uri(trim_blanks(uri), arena, &record->targets[record->count])) record->count++;
}

static bool is_name(struct str name) {
    if (name.n == 0 || name.n > NAME_MAX_LEN || !ascii_is_alnum(name.p[0])) return false;
    for (size_t i = 0; i < name.n; i++)
        if (!ascii_is_alnum(name.p[i]) && name.p[i] != '_' && name.p[i] != '-' && name.p[i] != '.') return false;
    return true;
}

static bool is_value(struct str value) {
    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] < 0x21 || value.p[i] > 0x7e || value.p[i] == '=') return false;
    return value.n > 0;
}

/* One field; rua counts once. */
static bool parse_field(struct str field, struct arena *arena, struct tls_rpt_record *record, bool *has_rua) {
    size_t equals = str_find(field, '=');
    if (equals == STR_NONE) return false;
    struct str name = str_sub(field, 0, equals), value = str_sub(field, equals + 1, SIZE_MAX);
    if (!str_eq(name, STR("rua"))) return is_name(name) && is_value(value);
    if (*has_rua) return false;
    *has_rua = true;
    parse_rua(value, arena, record);
    return true;
}

static bool parse_record(struct str text, struct arena *arena, struct tls_rpt_record *ret) {
    bool has_rua = false;
    struct str field;
    if (text.n > RECORD_MAX) return false;
    *ret = (struct tls_rpt_record){.count = 0};
    for (bool is_version = true; str_next(&text, ';', &field); is_version = false) {
        bool is_last = text.p == NULL;
        field = trim_blanks(field);
        if (is_version || (is_last && field.n == 0)) continue;
        if (!parse_field(field, arena, ret, &has_rua)) return false;
    }
    return ret->count > 0;
}

/* RFC 8460 3: those that do not begin so are somebody else's. */
static bool is_ours(struct str text) {
    if (!str_starts(text, VERSION)) return false;
    struct str rest = trim_blanks(str_sub(text, VERSION.n, SIZE_MAX));
    return rest.n > 0 && rest.p[0] == ';';
}

bool tls_rpt_record_find(const struct dns_answer *txt, struct arena *arena, struct tls_rpt_record *ret) {
    const struct dns_record *found = NULL;
    struct tls_rpt_record record;
    for (size_t i = 0; txt->status == STATUS_OK && i < txt->count; i++) {
        if (!is_ours(txt->records[i].text)) continue;
        if (found) return false;
        found = &txt->records[i];
    }
    if (!found || !parse_record(found->text, arena, &record)) return false;
    *ret = record;
    return true;
}
