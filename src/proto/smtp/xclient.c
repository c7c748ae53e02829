/* xclient.c - see xclient.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/smtp/xclient.h"

#include "proto/smtp/command.h"
#include "proto/smtp/xtext.h"

static const struct smtp_reply bad_attribute = {501, STR_INIT("5.5.4"), STR_INIT("Bad XCLIENT attribute")};

/* Each takes its meaning; "" is "unavailable". */
static bool take_address(struct smtp_xclient *x, struct arena *arena, struct str value) {
    struct str prefix = STR("IPV6:");
    (void)arena;
    bool is_v6 = str_starts_nocase(value, prefix);
    struct str text = str_sub(value, is_v6 ? prefix.n : 0, SIZE_MAX);
    x->has_address = true;
    if (value.n == 0) return true;
    return is_v6 == (str_find(text, ':') != STR_NONE) && ip_parse(text, &x->address);
}
static bool take_name(struct smtp_xclient *x, struct arena *arena, struct str value) {
    if (value.n && !smtp_name_is_valid(value)) return false;
    x->has_name = true;
    x->name = arena_str(arena, value);
    return true;
}
static bool take_nothing(struct smtp_xclient *x, struct arena *arena, struct str value) {
    (void)x;
    (void)arena;
    (void)value;
    return true;
}

static const struct {
    struct str word;
    bool (*take)(struct smtp_xclient *x, struct arena *arena, struct str value);
} attributes[] = {
    {STR_INIT("NAME"), take_nothing},     {STR_INIT("ADDR"), take_address},     {STR_INIT("PORT"), take_nothing},
    {STR_INIT("PROTO"), take_nothing},    {STR_INIT("HELO"), take_name},        {STR_INIT("LOGIN"), take_nothing},
    {STR_INIT("DESTADDR"), take_nothing}, {STR_INIT("DESTPORT"), take_nothing},
};

static bool attribute_parse(struct smtp_xclient *x, struct arena *arena, struct str word, unsigned *seen) {
    BUF_AUTO value = {0};
    size_t equals = str_find(word, '=');
    if (equals == STR_NONE || equals + 1 == word.n || !smtp_xtext_decode(&value, str_sub(word, equals + 1, SIZE_MAX)))
        return false;
    struct str text = buf_str(&value);
    if (str_eq_nocase(text, STR("[UNAVAILABLE]")) || str_eq_nocase(text, STR("[TEMPUNAVAIL]"))) buf_reset(&value);
    for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++) {
        if (!str_eq_nocase(str_sub(word, 0, equals), attributes[i].word)) continue;
        if (*seen & 1U << i) return false;
        *seen |= 1U << i;
        return attributes[i].take(x, arena, buf_str(&value));
    }
    return false;
}

bool smtp_xclient_parse(struct str argument, struct arena *arena, struct smtp_xclient *ret, struct smtp_reply *ret_reply) {
    struct smtp_xclient x = {0};
    struct str word;
    unsigned seen = 0;
    while (str_next(&argument, ' ', &word)) {
        if (word.n == 0 || attribute_parse(&x, arena, word, &seen)) continue;
        *ret_reply = bad_attribute;
        return false;
    }
    *ret = x;
    return true;
}
