/* Bounce rules: any file is read or refused with a place in it; what was read judges any reply, and a rule that is found fits its
 * own place. The input is a file of rules, a NUL, and a reply.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/bounce_rules.h"
#include "fuzz.h"

static void judge(const struct bounce_rules *rules, struct str reply) {
    static const unsigned codes[] = {0, 250, 450, 550, 554, 99999};
    struct bounce_finding f;
    unsigned code = codes[fuzz_choice(&reply) % (sizeof codes / sizeof codes[0])];
    struct bounce_reply said = {code, str_sub(reply, 0, 5), reply, str_sub(reply, 5, 20)};
    const struct bounce_rule *rule = bounce_rules_judge(rules, &said, &f);
    FUZZ_CHECK(!rule || rule->class == f.class);
    FUZZ_CHECK(!f.suppresses || f.is_hard);
    FUZZ_CHECK(f.verdict == BOUNCE_DEFERRED || code == 250 || code / 100 == 5);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str in = fuzz_str(data, size), text;
    if (!str_next(&in, '\0', &text)) return 0;
    const struct bounce_rules_file file = {STR("f"), text};
    struct bounce_rules *rules = NULL;
    BUF_AUTO why = {0};
    if (bounce_rules_new(&file, 1, &rules, &why) != STATUS_OK) {
        FUZZ_CHECK(!rules && str_starts(buf_str(&why), STR("f:")));
        return 0;
    }
    for (size_t i = 0; i < bounce_rules_count(rules); i++) {
        const struct bounce_rule *r = bounce_rules_at(rules, i);
        FUZZ_CHECK(r->line > 0 && r->class < BOUNCE_CLASS_COUNT && (r->code || r->enhanced.n || r->mx.n || r->text.n));
    }
    judge(rules, in.p ? in : STR(""));
    bounce_rules_free(&rules);
    return 0;
}
