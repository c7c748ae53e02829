/* TXT records about reports: whatever a stranger publishes, what comes out are mailboxes and https URLs. The records of an answer
 * are parted by line ends.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "proto/address/address.h"
#include "proto/tls_rpt/tls_rpt.h"
#include "proto/url/web_url.h"

static void check_target(const struct tls_rpt_target *t, struct arena *arena) {
    struct address address;
    struct web_url url;
    FUZZ_CHECK((t->mailbox.n == 0) != (t->url.n == 0));
    if (t->url.n) FUZZ_CHECK(web_url_parse(t->url, arena, &url) && url.is_https);
    if (t->mailbox.n)
        FUZZ_CHECK(address_parse(t->mailbox, arena, &address) && str_eq(address.text, t->mailbox) && !address.is_utf8);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str in = fuzz_str(data, size), text;
    ARENA_AUTO arena = {0};
    struct dns_record records[8] = {0};
    struct dns_answer answer = {.type = DNS_TXT, .records = records};
    struct tls_rpt_record record;
    while (answer.count < 8 && str_next(&in, '\n', &text)) records[answer.count++].text = text;
    if (!tls_rpt_record_find(&answer, &arena, &record)) return 0;
    FUZZ_CHECK(record.count >= 1 && record.count <= TLS_RPT_TARGETS_MAX);
    for (size_t i = 0; i < record.count; i++) check_target(&record.targets[i], &arena);
    return 0;
}
