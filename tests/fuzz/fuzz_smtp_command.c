/* Commands of a client: one verdict at any cut, and nothing but a line in what is passed on (SM13 to SM17).
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "proto/smtp/command.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str in = fuzz_str(data, size);
    struct smtp_command command = {0}, growing_command;
    struct smtp_reply reply = {0}, growing_reply;
    size_t used = 0, growing_used = 0;
    enum parse verdict = smtp_command_parse(in, &command, &reply, &used), growing = PARSE_MORE;
    for (size_t n = 0; n <= in.n && growing == PARSE_MORE; n++) {
        growing = smtp_command_parse(str_sub(in, 0, n), &growing_command, &growing_reply, &growing_used);
    }
    FUZZ_CHECK(growing == verdict);
    if (verdict == PARSE_MORE) return 0;
    FUZZ_CHECK(growing_used == used && used <= in.n);
    if (verdict == PARSE_BAD) {
        BUF_AUTO line = {0};
        FUZZ_CHECK(growing_reply.code == reply.code && reply.code >= 400 && reply.code < 600);
        smtp_reply_format(&line, &reply);
        FUZZ_CHECK(str_find(buf_str(&line), '\n') == line.n - 1);
        return 0;
    }
    FUZZ_CHECK(used >= 2 && used <= SMTP_COMMAND_MAX && str_eq(str_sub(in, used - 2, 2), STR("\r\n")));
    FUZZ_CHECK(command.verb < SMTP_VERB_COUNT && fuzz_is_slice(command.argument, in) && fuzz_is_slice(command.mailbox, in));
    FUZZ_CHECK(!str_has_control(command.mailbox));
    return 0;
}
