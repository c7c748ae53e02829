/* A server that says anything: the client's side ends, emits whole commands only, and gives each transaction one result. The
 * first byte chooses whether TLS is used, into how small pieces the answers are cut, and whether we log in.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "mta/session.h"

#include <string.h>

#define MAILS_MAX 5

struct play {
    struct session session;
    struct buf in, out;
    size_t flushed; /* of out */
    unsigned sent, results;
    bool is_over;
};

static const struct session_login login = {.user = STR_INIT("relay-user"), .password = STR_INIT("hunter2-hunter2")};
#define SAID     "AHJlbGF5LXVzZXIAaHVudGVyMi1odW50ZXIy" /* the same by PLAIN */
#define PASSWORD "aHVudGVyMi1odW50ZXIy"                 /* and LOGIN */

static bool says_secret(struct str out) {
    return str_find_str(out, STR(SAID)) != STR_NONE || str_find_str(out, STR(PASSWORD)) != STR_NONE;
}

/* Whoever keeps what is said is told in time that this is not for keeping (P10). */
static void check_flush(struct play *p) {
    struct str fresh = str_sub(buf_str(&p->out), p->flushed, SIZE_MAX);
    FUZZ_CHECK(!says_secret(fresh) || session_is_secret(&p->session) || p->session.state == SESSION_BROKEN);
    p->flushed = p->out.n;
}

/* Without TLS it is not said, and of an answer to it no words are kept (P10). */
static void check_secret(const struct play *p) {
    bool is_said = says_secret(buf_str(&p->out));
    FUZZ_CHECK(!is_said || (p->session.is_tls || p->session.login.may_be_clear));
    bool is_auth = p->session.result.command && strcmp(p->session.result.command, "AUTH") == 0;
    FUZZ_CHECK(!is_auth || str_find_str(buf_str(&p->session.result.text), login.password) == STR_NONE);
}

static void check_result(const struct session_result *r) {
    FUZZ_CHECK(r->code == 0 || (r->code >= 200 && r->code < 600));
    FUZZ_CHECK(r->command && str_is_utf8(buf_str(&r->text)) && !str_has_control(buf_str(&r->text)));
    FUZZ_CHECK(!str_has_control(buf_str(&r->enhanced)));
}

static void send_next(struct play *p) {
    const struct session_mail mail = {STR_INIT("b+x@bounce.example.com"), STR_INIT("user@example.net"), 1000, p->sent & 1,
                                      p->sent == 3};
    while (p->session.state == SESSION_IDLE && p->sent < MAILS_MAX) {
        p->sent++;
        if (session_send(&p->session, &mail, &p->out)) return;
        p->results++;
        check_result(&p->session.result);
    }
}

static void on_event(struct play *p, enum session_event event) {
    if (event == SESSION_EVENT_SECURE) {
        buf_reset(&p->in); /* the handshake ate it */
        session_secured(&p->session, &p->out);
    } else if (event == SESSION_EVENT_CONTENT) {
        buf_add_z(&p->out, "content\r\n.\r\n");
        session_content_written(&p->session);
    } else if (event == SESSION_EVENT_RESULT) {
        p->results++;
        check_result(&p->session.result);
    }
    p->is_over = event == SESSION_EVENT_BROKEN;
}

static void steps(struct play *p) {
    for (unsigned n = 0; !p->is_over; n++) {
        FUZZ_CHECK(n < 10000); /* each step uses bytes or changes the state */
        enum session_event event = session_step(&p->session, &p->in, &p->out);
        check_flush(p);
        on_event(p, event);
        send_next(p);
        FUZZ_CHECK(p->results <= p->sent);
        if (event == SESSION_EVENT_MORE) return;
    }
}

static void check_commands(struct str out) {
    struct str line = {0};
    while (str_next(&out, '\n', &line) && out.p) {
        FUZZ_CHECK(line.n >= 2 && line.n <= 512 && line.p[line.n - 1] == '\r' && !str_has_control(str_sub(line, 0, line.n - 1)));
    }
    FUZZ_CHECK(line.n == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str in = fuzz_str(data, size);
    uint8_t choice = fuzz_choice(&in);
    size_t step = (choice >> 1) % 4 ? (choice >> 1) % 4 : SIZE_MAX;
    struct play p = {0};
    session_init(&p.session, STR("client.example.com"), choice & 1);
    struct session_login with = login;
    with.may_be_clear = choice & 16;
    if (choice & 8) session_set_login(&p.session, &with);
    for (size_t at = 0; at < in.n && !p.is_over; at += step < in.n - at ? step : in.n - at) {
        buf_add_str(&p.in, str_sub(in, at, step));
        steps(&p);
    }
    check_commands(buf_str(&p.out));
    check_secret(&p);
    bool was_busy = session_is_busy(&p.session);
    session_break(&p.session, "timed out");
    if (was_busy) check_result(&p.session.result);
    FUZZ_CHECK(!session_is_busy(&p.session) || was_busy);
    session_fini(&p.session);
    buf_fini(&p.in);
    buf_fini(&p.out);
    return 0;
}
