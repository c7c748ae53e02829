/* zone.c - a DNS of a few records, for tests of step machines.
 * SPDX-License-Identifier: Apache-2.0 */
#include "zone.h"

#include <assert.h>
#include <string.h>

static struct dns_record record_of(const struct zone_record *z, struct arena *arena) {
    struct dns_record r = {0};
    struct str data = str_from_z(z->data);
    size_t n;
    if (z->type == DNS_A || z->type == DNS_AAAA) {
        bool ok = dns_address_parse(data, r.address, &n);
        assert(ok && n == (z->type == DNS_A ? 4 : 16));
        (void)ok;
    } else if (z->type == DNS_TXT) {
        r.text = data;
    } else if (z->type == DNS_MX) {
        uint64_t preference = 0;
        bool ok = str_to_u64(str_sub(data, 0, str_find(data, ' ')), &preference);
        assert(ok || strcmp(z->data, "SERVFAIL") == 0);
        (void)ok;
        r.preference = (uint16_t)preference;
        r.name = arena_lower(arena, str_sub(data, str_find(data, ' ') + 1, SIZE_MAX));
        if (str_eq(r.name, STR("."))) r.name = STR("");
    } else {
        r.name = arena_lower(arena, data);
    }
    return r;
}

static void answer_question(const struct zone *zone, struct dns_question q, struct arena *arena, struct dns_answer *ret) {
    struct dns_record *records = arena_array(arena, 64, sizeof *records);
    *ret = (struct dns_answer){.status = STATUS_NOT_FOUND, .type = q.type, .records = records};
    for (const struct zone_record *z = zone->records; z->name; z++) {
        if (!str_eq(str_from_z(z->name), q.name)) continue;
        if (ret->status == STATUS_NOT_FOUND) ret->status = STATUS_OK;
        if (z->type == DNS_CNAME && q.type != DNS_CNAME) {
            answer_question(zone, (struct dns_question){str_from_z(z->data), q.type}, arena, ret);
            ret->canonical = str_from_z(z->data);
            return;
        }
        if (z->type != q.type) continue;
        if (strcmp(z->data, "SERVFAIL") == 0)
            ret->status = STATUS_TEMPORARY;
        else
            records[ret->count++] = record_of(z, arena);
    }
}

void zone_drive(struct zone *zone, zone_next_fn next, zone_answer_fn answer, void *machine, size_t at_once) {
    struct dns_question questions[16];
    size_t n, index = 0;
    while ((n = next(machine, questions, at_once)) > 0) {
        for (size_t i = 0; i < n; i++) {
            ARENA_AUTO arena = {0};
            struct dns_answer a;
            answer_question(zone, questions[i], &arena, &a);
            zone->asked++;
            answer(machine, index++, &a);
        }
    }
}
