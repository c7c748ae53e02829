/* track_bot.c - see track_bot.h. Three tables: programs, devices, names of signs; the first row that fits counts.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/track_bot.h"

/* Words in lower case, looked for anywhere in the User-Agent. A row with a sign is a machine's, and says nothing of the reader's
 * device. Apple Mail says what Safari says but for its name, so it comes last. */
static const struct agent_row {
    struct str words;
    bool is_whole;
    unsigned sign;
    struct str client;
} agents[] = {
    {STR_INIT(""), true, TRACK_SIGN_SCANNER, STR_INIT("")},
    {STR_INIT("mozilla/5.0"), true, TRACK_SIGN_PRIVACY, STR_INIT("Apple Mail")},
    {STR_INIT("googleimageproxy"), false, TRACK_SIGN_PROXY, STR_INIT("Gmail")},
    {STR_INIT("yahoomailproxy"), false, TRACK_SIGN_PROXY, STR_INIT("Yahoo Mail")},
    {STR_INIT("yahoocachesystem"), false, TRACK_SIGN_PROXY, STR_INIT("Yahoo Mail")},
    {STR_INIT("barracuda"), false, TRACK_SIGN_SCANNER, STR_INIT("")},
    {STR_INIT("mimecast"), false, TRACK_SIGN_SCANNER, STR_INIT("")},
    {STR_INIT("proofpoint"), false, TRACK_SIGN_SCANNER, STR_INIT("")},
    {STR_INIT("safelinks"), false, TRACK_SIGN_SCANNER, STR_INIT("")},
    {STR_INIT("urlscan"), false, TRACK_SIGN_SCANNER, STR_INIT("")},
    {STR_INIT("headlesschrome"), false, TRACK_SIGN_SCANNER, STR_INIT("")},
    {STR_INIT("phantomjs"), false, TRACK_SIGN_SCANNER, STR_INIT("")},
    {STR_INIT("+http"), false, TRACK_SIGN_SCANNER, STR_INIT("")}, /* robots say where to read about them */
    {STR_INIT("bot/"), false, TRACK_SIGN_SCANNER, STR_INIT("")},
    {STR_INIT("slackbot"), false, TRACK_SIGN_SCANNER, STR_INIT("")},
    {STR_INIT("telegrambot"), false, TRACK_SIGN_SCANNER, STR_INIT("")},
    {STR_INIT("skypeuripreview"), false, TRACK_SIGN_SCANNER, STR_INIT("")},
    {STR_INIT("whatsapp/"), false, TRACK_SIGN_SCANNER, STR_INIT("")},
    {STR_INIT("facebookexternalhit"), false, TRACK_SIGN_SCANNER, STR_INIT("")},
    {STR_INIT("crawler"), false, TRACK_SIGN_SCANNER, STR_INIT("")},
    {STR_INIT("spider"), false, TRACK_SIGN_SCANNER, STR_INIT("")},
    {STR_INIT("curl/"), false, TRACK_SIGN_SCANNER, STR_INIT("")},
    {STR_INIT("wget/"), false, TRACK_SIGN_SCANNER, STR_INIT("")},
    {STR_INIT("python-"), false, TRACK_SIGN_SCANNER, STR_INIT("")},
    {STR_INIT("go-http-client"), false, TRACK_SIGN_SCANNER, STR_INIT("")},
    {STR_INIT("apache-httpclient"), false, TRACK_SIGN_SCANNER, STR_INIT("")},
    {STR_INIT("libwww-perl"), false, TRACK_SIGN_SCANNER, STR_INIT("")},
    {STR_INIT("java/"), false, TRACK_SIGN_SCANNER, STR_INIT("")},
    {STR_INIT("axios/"), false, TRACK_SIGN_SCANNER, STR_INIT("")},
    {STR_INIT("node-fetch"), false, TRACK_SIGN_SCANNER, STR_INIT("")},
    {STR_INIT("outlook-"), false, 0, STR_INIT("Outlook")},
    {STR_INIT("microsoft outlook"), false, 0, STR_INIT("Outlook")},
    {STR_INIT("ms-office"), false, 0, STR_INIT("Outlook")},
    {STR_INIT("thunderbird/"), false, 0, STR_INIT("Thunderbird")},
    {STR_INIT("evolution/"), false, 0, STR_INIT("Evolution")},
    {STR_INIT("lotus-notes/"), false, 0, STR_INIT("Notes")},
    {STR_INIT("samsungbrowser/"), false, 0, STR_INIT("Samsung Internet")},
    {STR_INIT("edg/"), false, 0, STR_INIT("Edge")},
    {STR_INIT("edga/"), false, 0, STR_INIT("Edge")},
    {STR_INIT("edgios/"), false, 0, STR_INIT("Edge")},
    {STR_INIT("opr/"), false, 0, STR_INIT("Opera")},
    {STR_INIT("fxios/"), false, 0, STR_INIT("Firefox")},
    {STR_INIT("firefox/"), false, 0, STR_INIT("Firefox")},
    {STR_INIT("crios/"), false, 0, STR_INIT("Chrome")},
    {STR_INIT("chrome/"), false, 0, STR_INIT("Chrome")},
    {STR_INIT("safari/"), false, 0, STR_INIT("Safari")},
    {STR_INIT("trident/"), false, 0, STR_INIT("Internet Explorer")},
    {STR_INIT("applewebkit/"), false, 0, STR_INIT("Apple Mail")},
};

static const struct {
    struct str words, and_words;
    struct str device;
} devices[] = {
    {STR_INIT("ipad"), STR_INIT(""), STR_INIT("tablet")},
    {STR_INIT("iphone"), STR_INIT(""), STR_INIT("mobile")},
    {STR_INIT("ipod"), STR_INIT(""), STR_INIT("mobile")},
    {STR_INIT("outlook-ios"), STR_INIT(""), STR_INIT("mobile")},
    {STR_INIT("outlook-android"), STR_INIT(""), STR_INIT("mobile")},
    {STR_INIT("android"), STR_INIT("mobile"), STR_INIT("mobile")},
    {STR_INIT("android"), STR_INIT(""), STR_INIT("tablet")},
    {STR_INIT("windows"), STR_INIT(""), STR_INIT("desktop")},
    {STR_INIT("macintosh"), STR_INIT(""), STR_INIT("desktop")},
    {STR_INIT("x11;"), STR_INIT(""), STR_INIT("desktop")},
};

static const struct {
    unsigned sign;
    const char *name;
} sign_names[] = {
    {TRACK_SIGN_PRIVACY, "privacy"}, {TRACK_SIGN_PROXY, "proxy"},       {TRACK_SIGN_SCANNER, "scanner"},
    {TRACK_SIGN_HEAD, "head"},       {TRACK_SIGN_PREFETCH, "prefetch"}, {TRACK_SIGN_NETWORK, "network"},
    {TRACK_SIGN_EARLY, "early"},     {TRACK_SIGN_BURST, "burst"},
};

void track_signs_format(unsigned signs, struct buf *out) {
    bool has_one = false;
    for (size_t i = 0; i < sizeof sign_names / sizeof sign_names[0]; i++) {
        if (!(signs & sign_names[i].sign)) continue;
        if (has_one) buf_add_char(out, ',');
        buf_add_z(out, sign_names[i].name);
        has_one = true;
    }
}

static struct str folded(struct arena *arena, struct str user_agent) {
    return arena_lower(arena, str_sub(str_trim(user_agent), 0, TRACK_AGENT_BYTES));
}

static const struct agent_row *find_agent(struct str agent) {
    for (size_t i = 0; i < sizeof agents / sizeof agents[0]; i++) {
        const struct agent_row *row = &agents[i];
        if (row->is_whole ? str_eq(agent, row->words) : str_find_str(agent, row->words) != STR_NONE) return row;
    }
    return NULL;
}

unsigned track_bot_signs(const struct track_networks *networks, const struct track_look *look) {
    ARENA_AUTO arena = {0};
    const struct agent_row *row = find_agent(folded(&arena, look->user_agent));
    unsigned signs = row ? row->sign : 0;
    if (look->is_head) signs |= TRACK_SIGN_HEAD;
    if (look->is_prefetch) signs |= TRACK_SIGN_PREFETCH;
    if (look->client.family && track_networks_find(networks, &look->client).n) signs |= TRACK_SIGN_NETWORK;
    if (look->since_ms < TRACK_EARLY_MS) signs |= TRACK_SIGN_EARLY;
    if (look->clicks_before + 1 >= TRACK_BURST_HITS) signs |= TRACK_SIGN_BURST;
    return signs;
}

static struct str device_of(struct str agent) {
    for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++)
        if (str_find_str(agent, devices[i].words) != STR_NONE && str_find_str(agent, devices[i].and_words) != STR_NONE)
            return devices[i].device;
    return STR("");
}

struct track_agent track_agent_of(struct str user_agent) {
    ARENA_AUTO arena = {0};
    struct str agent = folded(&arena, user_agent);
    const struct agent_row *row = find_agent(agent);
    struct track_agent found = {.client = row ? row->client : STR(""), .device = STR("")};
    if (!row || !row->sign) found.device = device_of(agent);
    return found;
}
