/* SPF policies of strangers: every check ends, within its bounds, with a result. The lines of the input are the TXT records,
 * given out in turn; other questions are answered by the number of lines so far.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "proto/spf/spf.h"

#include <string.h>

struct zone {
    struct str text, rest;
    unsigned asked;
};

static void answer(struct zone *z, struct dns_memo *memo, size_t index, struct dns_question question) {
    static const enum status statuses[] = {STATUS_OK, STATUS_OK,        STATUS_OK,       STATUS_OK,
                                           STATUS_OK, STATUS_NOT_FOUND, STATUS_TEMPORARY};
    struct dns_record record = {.name = STR("mx.example.com"), .address = {192, 0, 2, (uint8_t)z->asked}};
    if (question.type == DNS_TXT && !str_next(&z->rest, '\n', &record.text)) {
        z->rest = z->text;
        (void)str_next(&z->rest, '\n', &record.text);
    }
    struct dns_answer a = {.type = question.type, .records = &record, .count = 1};
    if (question.type != DNS_TXT) a.status = statuses[z->asked % 7];
    if (a.status != STATUS_OK) a.count = 0;
    z->asked++;
    dns_memo_answer(memo, index, &a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str in = fuzz_str(data, size);
    struct zone zone = {.text = in, .rest = in};
    struct spf_input input = {
        .domain = STR("example.com"), .sender = STR("user+\"x\"@example.com"), .helo = STR("mail.example.com")};
    FUZZ_CHECK(spf_ip_parse(STR("192.0.2.3"), &input.ip));
    struct dns_memo memo = {0};
    struct spf_outcome outcome;
    struct dns_question questions[4];
    size_t given, index = 0;
    while (spf_check(&memo, &input, &outcome) != PARSE_DONE) {
        FUZZ_CHECK(memo.count > memo.asked && memo.count <= DNS_MEMO_MAX); /* what it waits for, it asks for */
        while ((given = dns_memo_next(&memo, questions, 4)) > 0) {
            for (size_t i = 0; i < given; i++) {
                FUZZ_CHECK(questions[i].name.n > 0 && questions[i].name.n <= DNS_NAME_MAX);
                answer(&zone, &memo, index++, questions[i]);
            }
        }
    }
    FUZZ_CHECK(outcome.result <= SPF_PERMERROR && outcome.lookups <= 11 && spf_result_text(outcome.result));
    FUZZ_CHECK(!str_has_control(outcome.why));
    dns_memo_fini(&memo);
    struct spf_ip ip;
    (void)spf_ip_parse(in, &ip);
    return 0;
}
