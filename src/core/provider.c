/* provider.c - the rows: found by host, told to mta, counted by reference. The file is read in provider_parse.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/provider_own.h"
#include "core/provider_text.h"

#include <stdlib.h>

#define REPLY_MAX BOUNCE_TEXT_MAX /* of a reply that is searched */

struct providers *providers_new(void) {
    struct providers *p = calloc(1, sizeof *p);
    if (!p) abort();
    atomic_init(&p->refs, 1);
    return p;
}

struct providers *providers_ref(struct providers *p) {
    atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
    return p;
}

void providers_unref(struct providers **providers) {
    struct providers *p = *providers;
    *providers = NULL;
    if (!p || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1) return;
    arena_fini(&p->arena);
    free(p);
}

static struct str builtin_text(void) {
    return str_make(provider_text, provider_text_size);
}

struct providers *providers_builtin(void) {
    BUF_AUTO why = {0};
    struct providers *p = NULL;
    if (providers_parse(builtin_text(), &why, &p) != STATUS_OK) abort(); /* a test reads it too */
    return p;
}

static bool pattern_fits(struct str pattern, struct str host) {
    if (pattern.p[0] != '*') return str_eq_nocase(pattern, host);
    struct str end = str_sub(pattern, 1, SIZE_MAX);
    return host.n > end.n && str_eq_nocase(end, str_sub(host, host.n - end.n, SIZE_MAX));
}

const struct provider *provider_find(const struct providers *p, struct str mx_host) {
    if (mx_host.n && mx_host.p[mx_host.n - 1] == '.') mx_host.n--;
    for (size_t i = 0; i < p->count; i++)
        for (size_t k = 0; k < p->rows[i].mx_count; k++)
            if (pattern_fits(p->rows[i].mx[k], mx_host)) return &p->rows[i];
    return &p->rows[p->count];
}

const struct provider *provider_at(const struct providers *p, size_t index) {
    return index <= p->count ? &p->rows[index] : NULL;
}

/* Its parts between '*', one after the other. */
static bool words_fit(struct str words, struct str text) {
    for (struct str part; str_next(&words, '*', &part);) {
        size_t at = str_find_str(text, part);
        if (at == STR_NONE) return false;
        text = str_sub(text, at + part.n, SIZE_MAX);
    }
    return true;
}

void provider_judge(const struct provider *row, struct shape_reply *reply) {
    ARENA_AUTO arena = {0};
    if (!row->rule_count) return;
    struct str text = arena_lower(&arena, str_sub(reply->text, 0, REPLY_MAX));
    for (size_t i = 0; i < row->rule_count; i++) {
        if (!words_fit(row->rules[i].words, text)) continue;
        reply->suspend_ms = row->rules[i].suspend_ms;
        reply->is_slow = reply->suspend_ms == 0;
        return;
    }
}
