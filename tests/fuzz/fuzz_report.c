/* Reports: whatever comes to a return path is read within bounds, as lines of UTF-8, and twice with the same outcome (BN07 to
 * BN13).
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "proto/report/report.h"

#include <string.h>

static void check_line(struct str s) {
    FUZZ_CHECK(s.p && s.n <= REPORT_FIELD_MAX && str_is_utf8(s) && !str_has_control(s));
}

static void check_recipient(const struct report_recipient *r) {
    const struct str lines[] = {r->status,     r->final_address, r->original_address, r->diagnostic_type,
                                r->diagnostic, r->enhanced,      r->remote_mta};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) check_line(lines[i]);
    FUZZ_CHECK(r->code == 0 || (r->code >= 200 && r->code <= 599));
    FUZZ_CHECK(r->enhanced.n <= 9 && r->status.n <= 9);
    FUZZ_CHECK(r->enhanced.n == 0 || r->enhanced.p[0] == '2' || r->enhanced.p[0] == '4' || r->enhanced.p[0] == '5');
}

static void check(const struct report *r) {
    const struct report_complaint *c = &r->complaint;
    const struct str lines[] = {r->format,    r->reporting_mta, r->envelope_id,     c->user_agent,
                                c->mail_from, c->rcpt_to,       c->reported_domain, c->source_address};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) check_line(lines[i]);
    FUZZ_CHECK(r->recipient_count <= REPORT_RECIPIENTS_MAX && r->original_header.n <= REPORT_HEADER_MAX);
    FUZZ_CHECK(!r->is_standard || r->kind == REPORT_DSN || r->kind == REPORT_COMPLAINT);
    FUZZ_CHECK((r->kind == REPORT_COMPLAINT) == (c->type != REPORT_FEEDBACK_NONE) || r->kind == REPORT_NONE);
    for (size_t i = 0; i < r->recipient_count; i++) check_recipient(&r->recipients[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    ARENA_AUTO arena = {0};
    struct report first, second;
    report_parse(fuzz_str(data, size), &arena, &first);
    report_parse(fuzz_str(data, size), &arena, &second);
    check(&first);
    FUZZ_CHECK(first.kind == second.kind && first.is_standard == second.is_standard);
    FUZZ_CHECK(first.recipient_count == second.recipient_count && str_eq(first.original_header, second.original_header));
    return 0;
}
