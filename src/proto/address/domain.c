/* domain.c - mail domains: host names as RFC 5321 2.3.5 wants them, with U-labels converted by libidn2.
 *
 * Input beyond ASCII is mapped first (UTS 46, non-transitional: case and width), then every A-label, whether mapped or given,
 * must be the one and only spelling of a valid U-label under strict IDNA 2008: decoding and encoding it again has to give the
 * same bytes. That refuses "xn--" labels that hide ASCII, overflow or decode to what no label may hold. Full stops of other
 * scripts are no label separators here.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/address/address.h"

#include <idn2.h>
#include <string.h>

#define LABEL_MAX 63

/* Lower-case A-label: is it what its own U-label becomes? */
static bool a_label_is_true(const char *label) {
    char *unicode = NULL, *again = NULL;
    bool is_true = idn2_to_unicode_8z8z(label, &unicode, 0) == IDN2_OK && unicode && !str_is_ascii(str_from_z(unicode)) &&
                   idn2_lookup_u8((const uint8_t *)unicode, (uint8_t **)&again, IDN2_NFC_INPUT | IDN2_NO_TR46) == IDN2_OK &&
                   again && strcmp(again, label) == 0;
    idn2_free(unicode);
    idn2_free(again);
    return is_true;
}

static bool label_is_valid(struct str label, struct arena *arena) {
    if (label.n == 0 || label.n > LABEL_MAX || label.p[0] == '-' || label.p[label.n - 1] == '-') return false;
    for (size_t i = 0; i < label.n; i++)
        if (!ascii_is_alnum(label.p[i]) && label.p[i] != '-') return false;
    if (label.n < 4 || label.p[2] != '-' || label.p[3] != '-') return true;
    return str_starts(label, STR("xn--")) && a_label_is_true(arena_z(arena, label));
}

/* Map a name with U-labels to lower-case A-labels. */
static bool to_ascii(struct str s, struct arena *arena, struct str *ret) {
    static const struct str dots[] = {STR_INIT("\xE3\x80\x82"), STR_INIT("\xEF\xBC\x8E"), STR_INIT("\xEF\xBD\xA1")};
    for (size_t i = 0; i < sizeof dots / sizeof *dots; i++)
        if (str_find_str(s, dots[i]) != STR_NONE) return false;
    char *ascii = NULL;
    if (idn2_to_ascii_8z(arena_z(arena, s), &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK || !ascii) {
        idn2_free(ascii);
        return false;
    }
    *ret = arena_lower(arena, str_from_z(ascii));
    idn2_free(ascii);
    return true;
}

static bool last_label_is_public(struct str label) {
    if (str_eq(label, STR("invalid")) || str_eq(label, STR("localhost"))) return false;
    for (size_t i = 0; i < label.n; i++)
        if (!ascii_is_digit(label.p[i])) return true;
    return false;
}

bool domain_parse(struct str s, struct arena *arena, struct str *ret_domain) {
    if (s.n == 0 || s.n > 4 * ADDRESS_DOMAIN_MAX || str_has_control(s)) return false;
    struct str name;
    if (str_is_ascii(s)) {
        name = arena_lower(arena, s);
    } else if (!str_is_utf8(s) || !to_ascii(s, arena, &name)) {
        return false;
    }
    if (name.n > ADDRESS_DOMAIN_MAX) return false;
    struct str rest = name, label = {0};
    size_t labels = 0;
    for (; str_next(&rest, '.', &label); labels++)
        if (!label_is_valid(label, arena)) return false;
    if (labels < 2 || !last_label_is_public(label)) return false;
    *ret_domain = name;
    return true;
}

bool domain_is_within(struct str name, struct str domain) {
    if (str_eq(name, domain)) return true;
    return name.n > domain.n && str_ends(name, domain) && name.p[name.n - domain.n - 1] == '.';
}
