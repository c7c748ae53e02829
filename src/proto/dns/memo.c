/* memo.c - questions wanted, handed out and answered.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/dns/memo.h"

#include <assert.h>

struct dns_memo_entry {
    struct dns_question question;
    bool is_answered;
    struct dns_answer answer;
};

void dns_memo_fini(struct dns_memo *m) {
    arena_fini(&m->arena);
    *m = (struct dns_memo){0};
}

const struct dns_answer *dns_memo_look(struct dns_memo *m, struct str name, enum dns_type type) {
    static const struct dns_answer no_such_name = {.status = STATUS_NOT_FOUND}, too_many = {.status = STATUS_TEMPORARY};
    struct str normal;
    if (!dns_name_normalise(name, &m->arena, &normal)) return &no_such_name;
    for (size_t i = 0; i < m->count; i++) {
        const struct dns_memo_entry *e = &m->entries[i];
        if (e->question.type == type && str_eq(e->question.name, normal)) return e->is_answered ? &e->answer : NULL;
    }
    if (m->count == DNS_MEMO_MAX) return &too_many;
    if (!m->entries) m->entries = arena_array(&m->arena, DNS_MEMO_MAX, sizeof *m->entries);
    m->entries[m->count++].question = (struct dns_question){normal, type};
    return NULL;
}

size_t dns_memo_next(struct dns_memo *m, struct dns_question *ret, size_t max) {
    size_t n = 0;
    while (n < max && m->asked < m->count) ret[n++] = m->entries[m->asked++].question;
    return n;
}

void dns_memo_answer(struct dns_memo *m, size_t index, const struct dns_answer *answer) {
    assert(index < m->asked);
    struct dns_memo_entry *e = &m->entries[index];
    dns_answer_copy(answer, &m->arena, &e->answer);
    e->is_answered = true;
}
