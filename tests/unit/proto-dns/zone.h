/* zone.h - a DNS of a few records, for tests of step machines.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_TESTS_ZONE_H
#define POSTHORN_TESTS_ZONE_H

#include "proto/dns/dns.h"

/* data: "192.0.2.1", "10 mx.example", a target, a text; "SERVFAIL" makes the lookup fail. CNAMEs are followed. */
struct zone_record {
    const char *name;
    enum dns_type type;
    const char *data;
};
struct zone {
    const struct zone_record *records; /* up to one without name */
    unsigned asked;                    /* questions answered */
};
typedef size_t (*zone_next_fn)(void *machine, struct dns_question *ret, size_t max);
typedef void (*zone_answer_fn)(void *machine, size_t index, const struct dns_answer *answer);
/* Drive a machine to its end, `at_once` questions at a time. */
void zone_drive(struct zone *zone, zone_next_fn next, zone_answer_fn answer, void *machine, size_t at_once);

#endif
