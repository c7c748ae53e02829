/* Answers of name servers, whole and record by record (DN08, DN11 to DN14). The first byte chooses the type asked for.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "proto/dns/dns.h"

static void check_record(enum dns_type type, const struct dns_record *r) {
    if (type == DNS_TLSA) FUZZ_CHECK(r->text.n > 0);
    if (type == DNS_TXT || type == DNS_TLSA || type == DNS_A || type == DNS_AAAA) return;
    FUZZ_CHECK(r->name.n <= DNS_NAME_MAX && str_is_ascii(r->name) && !str_has_control(r->name) && !str_ends(r->name, STR(".")));
    for (size_t i = 0; i < r->name.n; i++) FUZZ_CHECK(r->name.p[i] != ' ' && ascii_lower(r->name.p[i]) == r->name.p[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const enum dns_type types[] = {DNS_A, DNS_MX, DNS_TXT, DNS_AAAA, DNS_CNAME, DNS_PTR, DNS_TLSA};
    struct str in = fuzz_str(data, size);
    enum dns_type type = types[fuzz_choice(&in) % 7];
    ARENA_AUTO arena = {0};
    struct dns_record record = {0};
    if (dns_rdata_parse(type, in, &arena, &record) == PARSE_DONE) check_record(type, &record);

    struct dns_answer answer = {0}, copy = {0};
    const struct dns_question question = {STR_INIT("example.com"), type};
    if (dns_message_parse(in, question, &arena, &answer) == PARSE_DONE) {
        FUZZ_CHECK(answer.count <= DNS_RECORDS_MAX && answer.ttl <= DNS_TTL_MAX && !answer.secure);
        for (size_t i = 0; i < answer.count; i++) check_record(type, &answer.records[i]);
        dns_answer_copy(&answer, &arena, &copy);
        FUZZ_CHECK(copy.count == answer.count && str_eq(copy.canonical, answer.canonical));
    }

    struct str name, again;
    if (dns_name_normalise(in, &arena, &name)) {
        FUZZ_CHECK(name.n && name.n <= DNS_NAME_MAX && dns_name_normalise(name, &arena, &again) && str_eq(name, again));
    }
    uint8_t address[16];
    size_t n;
    if (dns_address_parse(in, address, &n)) FUZZ_CHECK(n == 4 || n == 16);
    return 0;
}
