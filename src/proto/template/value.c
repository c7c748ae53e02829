/* value.c - what expressions give: texts, numbers, truth.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/template/own.h"

#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX 40 /* characters; longer ones stay text */

struct value value_of_json(const struct json *json) {
    if (!json || json->type == JSON_NULL) return (struct value){0};
    if (json->type == JSON_BOOL) return value_of_bool(json->boolean);
    if (json->type == JSON_STRING) return value_of_text(json->text);
    if (json->type == JSON_NUMBER) return (struct value){.type = VALUE_NUMBER, .text = json->text};
    return (struct value){.type = VALUE_TREE, .tree = json};
}

struct value value_of_text(struct str text) {
    return (struct value){.type = VALUE_TEXT, .text = text};
}

struct value value_of_bool(bool b) {
    return (struct value){.type = VALUE_BOOL, .boolean = b};
}

/* 0, -0.00, 0e5: no digit above 0 before the exponent. */
static bool is_zero(struct str number) {
    for (size_t i = 0; i < number.n && number.p[i] != 'e' && number.p[i] != 'E'; i++)
        if (number.p[i] >= '1' && number.p[i] <= '9') return false;
    return true;
}

bool value_is_true(const struct value *v) {
    switch (v->type) {
    case VALUE_NONE:
        return false;
    case VALUE_BOOL:
        return v->boolean;
    case VALUE_NUMBER:
        return !is_zero(v->text);
    case VALUE_TEXT:
        return v->text.n > 0;
    case VALUE_TREE:
        return v->tree->type == JSON_OBJECT || v->tree->count > 0;
    }
    return false;
}

struct str value_text(const struct value *v) {
    if (v->type == VALUE_BOOL) return v->boolean ? STR("true") : STR("false");
    return v->text;
}

bool value_number(const struct value *v, double *ret) {
    char digits[NUMBER_MAX + 1];
    char *end;
    struct str s = v->text;
    if ((v->type != VALUE_NUMBER && v->type != VALUE_TEXT) || s.n == 0 || s.n > NUMBER_MAX) return false;
    for (size_t i = 0; i < s.n; i++)
        if (!ascii_is_digit(s.p[i]) && !memchr("+-.eE", s.p[i], 5)) return false;
    memcpy(digits, s.p, s.n);
    digits[s.n] = 0;
    double d = strtod(digits, &end);
    if (end != digits + s.n) return false;
    *ret = d;
    return true;
}
