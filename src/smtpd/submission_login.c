/* submission_login.c - AUTH of the role `submission`.
 *
 * A password is random and long, so it is judged first, by its hash, and a right one is always let in: nobody's wrong guesses,
 * from wherever, shut its owner out (AU11). Wrong ones are counted by client address and by name, whether there is such a user
 * or not; beyond the rate the same answer comes late. So a guesser has as many tries as he may have connections, each
 * SLOW_MS, and a reconnect gives him no new ones (AU10, AU13).
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "base/map.h"
#include "smtpd/submission_own.h"

#define SLOW_MS    3000
#define MINUTES(n) (INT64_C(60000) * (n))

static const struct limit_rate address_rate = {.count = 60, .period_ms = MINUTES(10), .burst = 20};
static const struct limit_rate user_rate = {.count = 60, .period_ms = MINUTES(10), .burst = 20};
static const struct smtp_reply welcome = {235, STR_INIT("2.7.0"), STR_INIT("Logged in")};
static const struct smtp_reply wrong = {535, STR_INIT("5.7.8"), STR_INIT("User name or password is wrong")};

/* One try; lives in the connection's arena: the session allows few. */
struct attempt {
    struct connection *c;
    struct str user, password; /* the session's, until the answer */
    struct smtp_login *found;
    struct timer delay;
};

int64_t submission_lane_of_client(const struct connection *c) {
    char room[LIMIT_KEY_MAX];
    return (int64_t)(map_hash(limit_key_ip(&c->client, room)) | UINT64_C(1) << 63); /* accounts' are positive */
}

static enum status attempt_run(struct job *job, void *ctx) {
    struct connection *c = LIST_OWNER(job, struct connection, job);
    struct attempt *a = c->tx;
    return smtp_authenticate(ctx, &c->arena, a->user, a->password, a->found);
}

/* Both are counted, whichever is full. */
static bool is_in_time(struct connection *c, struct str user) {
    char room[LIMIT_KEY_MAX];
    ARENA_AUTO arena = {0};
    int64_t now = clock_mono_ms(loop_clock(c->loop));
    bool of_address =
        limits_take(c->shared->limits, LIMIT_SMTP_ADDRESS, limit_key_ip(&c->client, room), &address_rate, now, NULL);
    bool of_user = limits_take(c->shared->limits, LIMIT_SMTP_USER, arena_lower(&arena, user), &user_rate, now, NULL);
    return of_address && of_user;
}

static void refuse_late(void *arg) {
    struct attempt *a = arg;
    timer_fini(&a->delay);
    connection_answer(a->c, &wrong);
}

/* The name is not told: people mistake the one field for the other (AU14). */
static void refuse(struct connection *c, struct attempt *a) {
    BUF_AUTO client = {0};
    bool is_slowed = !is_in_time(c, a->user);
    ip_format(&client, &c->client);
    metrics_add(c->shared->metrics, METRIC_SMTP_IN_AUTH_FAILED, 1);
    LOG(LOG_INFO, "smtpd.login_refused", LOG_STR("client", buf_str(&client)), LOG_INT("slowed", is_slowed));
    if (!is_slowed) return connection_answer(c, &wrong);
    timer_init(&a->delay, c->loop, refuse_late, a);
    timer_start(&a->delay, SLOW_MS);
}

static void attempt_done(struct job *job) {
    struct connection *c = LIST_OWNER(job, struct connection, job);
    struct attempt *a = c->tx;
    struct smtp_reply reply = welcome;
    c->tx = NULL;
    if (job->status == STATUS_DENIED) return refuse(c, a);
    if (job->status == STATUS_OK)
        c->login = a->found;
    else
        reply = (struct smtp_reply){454, STR("4.7.0"), STR("Cannot be judged now, try again later")};
    connection_answer(c, &reply);
}

bool submission_login(void *connection, struct str user, struct str password, struct smtp_reply *ret) {
    (void)ret;
    struct connection *c = connection;
    struct attempt *a = ARENA_NEW(&c->arena, struct attempt);
    *a = (struct attempt){.c = c, .user = user, .password = password, .found = ARENA_NEW(&c->arena, struct smtp_login)};
    c->tx = a;
    c->job = (struct job){.run = attempt_run, .done = attempt_done, .lane = submission_lane_of_client(c)};
    connection_submit(c, c->shared->readers);
    return false;
}
