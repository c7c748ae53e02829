/* test_track_bot.c - samples of what opens and clicks: machines are told from people, readers are named (TR06).
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/track_bot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define WEBKIT "AppleWebKit/537.36 (KHTML, like Gecko) "
static const struct {
    const char *agent;
    unsigned signs;
    const char *client, *device;
} samples[] = {
    {"Mozilla/5.0", TRACK_SIGN_PRIVACY, "Apple Mail", ""},
    {"Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)", TRACK_SIGN_PROXY, "Gmail", ""},
    {"YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html", TRACK_SIGN_PROXY, "Yahoo Mail", ""},
    {"", TRACK_SIGN_SCANNER, "", ""},
    {"Barracuda Sentinel (EE)", TRACK_SIGN_SCANNER, "", ""},
    {"python-requests/2.31.0", TRACK_SIGN_SCANNER, "", ""},
    {"curl/7.88.1", TRACK_SIGN_SCANNER, "", ""},
    {"Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", TRACK_SIGN_SCANNER, "", ""},
    {"Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", TRACK_SIGN_SCANNER, "", ""},
    {"Mozilla/5.0 (X11; Linux x86_64) " WEBKIT "HeadlessChrome/119.0.0.0 Safari/537.36", TRACK_SIGN_SCANNER, "", ""},
    {"Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; Win64; x64; Trident/7.0; Microsoft Outlook 16.0.4266; ms-office; "
     "MSOffice 16)",
     0, "Outlook", "desktop"},
    {"Outlook-iOS/709.2226530.prod.iphone (3.24.1)", 0, "Outlook", "mobile"},
    {"Mozilla/5.0 (X11; Linux x86_64; rv:102.0) Gecko/20100101 Thunderbird/102.15.1", 0, "Thunderbird", "desktop"},
    {"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)", 0, "Apple Mail", "desktop"},
    {"Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148", 0,
     "Apple Mail", "mobile"},
    {"Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.6 Mobile/15E148 "
     "Safari/604.1",
     0, "Safari", "tablet"},
    {"Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/119.0.6045.109 "
     "Mobile/15E148 Safari/604.1",
     0, "Chrome", "mobile"},
    {"Mozilla/5.0 (Windows NT 10.0; Win64; x64) " WEBKIT "Chrome/119.0.0.0 Safari/537.36", 0, "Chrome", "desktop"},
    {"Mozilla/5.0 (Windows NT 10.0; Win64; x64) " WEBKIT "Chrome/119.0.0.0 Safari/537.36 Edg/119.0.2151.58", 0, "Edge",
     "desktop"},
    {"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:120.0) Gecko/20100101 Firefox/120.0", 0, "Firefox", "desktop"},
    {"Mozilla/5.0 (Linux; Android 13; SM-S918B) " WEBKIT "SamsungBrowser/22.0 Chrome/111.0.5563.116 Mobile Safari/537.36", 0,
     "Samsung Internet", "mobile"},
    {"Mozilla/5.0 (Linux; Android 12; SM-T870) " WEBKIT "Chrome/118.0.0.0 Safari/537.36", 0, "Chrome", "tablet"},
    {"Mozilla/5.0 (Linux; Android 10; CUBOT NOTE 20) " WEBKIT "Chrome/118.0.0.0 Mobile Safari/537.36", 0, "Chrome", "mobile"},
    {"Something else", 0, "", ""},
};

static struct track_look look_of(const char *agent) {
    return (struct track_look){.user_agent = str_from_z(agent), .since_ms = INT64_MAX};
}

static void samples_are_told_apart(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        struct track_look look = look_of(samples[i].agent);
        struct track_agent agent = track_agent_of(look.user_agent);
        if (track_bot_signs(NULL, &look) != samples[i].signs) fail_msg("signs of %s", samples[i].agent);
        if (!str_eq(agent.client, str_from_z(samples[i].client))) fail_msg("client of %s", samples[i].agent);
        if (!str_eq(agent.device, str_from_z(samples[i].device))) fail_msg("device of %s", samples[i].agent);
    }
}

static void every_sign_counts(void **state) {
    (void)state;
    struct track_networks *networks = track_networks_builtin();
    static const char person[] = "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0";
    struct track_look look = look_of(person);
    assert_true(ip_parse(STR("203.0.113.7"), &look.client));
    look.since_ms = TRACK_EARLY_MS;
    look.clicks_before = TRACK_BURST_HITS - 2;
    assert_int_equal(track_bot_signs(networks, &look), 0);
    assert_true(ip_parse(STR("::ffff:104.47.1.2"), &look.client));
    assert_int_equal(track_bot_signs(networks, &look), TRACK_SIGN_NETWORK);
    look.since_ms = TRACK_EARLY_MS - 1;
    look.clicks_before = TRACK_BURST_HITS - 1;
    look.is_head = look.is_prefetch = true;
    unsigned signs = track_bot_signs(networks, &look);
    BUF_AUTO names = {0};
    track_signs_format(signs, &names);
    assert_string_equal(names.p, "head,prefetch,network,early,burst");
    look = look_of(person);
    look.since_ms = -5; /* while it is being delivered */
    assert_int_equal(track_bot_signs(networks, &look), TRACK_SIGN_EARLY);
    track_networks_free(&networks);
}

static void a_file_of_networks_is_read(void **state) {
    (void)state;
    static const char *const wrong[][2] = {
        {"a = 192.0.2.0/24\nb\n", "line 2: expected NAME = NETWORK, NETWORK ..."},
        {"a = x\n", "line 1: expected addresses or networks like 192.0.2.0/24 with commas between them"},
        {"a =\n", "line 1: expected addresses or networks like 192.0.2.0/24 with commas between them"},
        {"# a\n\na b = 192.0.2.1", "line 3: a name has 1 to 32 letters, digits, '-' and '_'"},
    };
    struct track_networks *n = NULL;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        BUF_AUTO why = {0};
        assert_int_equal(track_networks_parse(str_from_z(wrong[i][0]), &why, &n), STATUS_INVALID);
        assert_string_equal(why.p, wrong[i][1]);
        assert_null(n);
    }
    BUF_AUTO why = {0};
    struct ip ip;
    assert_int_equal(track_networks_parse(STR("# x\n a = 192.0.2.0/24, 2001:db8::/32 # y\r\nb=192.0.2.1"), &why, &n), STATUS_OK);
    assert_true(ip_parse(STR("2001:db8:1::1"), &ip));
    assert_true(str_eq(track_networks_find(n, &ip), STR("a")));
    assert_true(ip_parse(STR("192.0.3.1"), &ip));
    assert_int_equal(track_networks_find(n, &ip).n, 0);
    assert_int_equal(track_networks_find(NULL, &ip).n, 0);
    track_networks_free(&n);
    track_networks_free(&n);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_are_told_apart),
        cmocka_unit_test(every_sign_counts),
        cmocka_unit_test(a_file_of_networks_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
