/* acme.c - a row a state: which URL, what is sent, who reads the answer. Of an answer only what the next state needs is copied.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/acme/acme.h"

#include "proto/acme/jws.h"
#include "proto/json/json_write.h"

#include <stdlib.h>

#define NONCE_TRIES 10
#define POLLS_MAX   14
#define POLL_MIN_MS 1000
#define POLL_MAX_MS 20000
#define NONCE_MAX   512
#define WHY_MAX     500
#define WAITS_MAX_S (7 * 24 * 60 * 60)

enum acme_state { DIRECTORY, ACCOUNT, ORDER, AUTHORIZATION, CHALLENGE, CHECK, FINALIZE, COLLECT, CERTIFICATE, DONE, FAILED };
struct acme {
    struct acme_options options;
    enum acme_state state;
    struct arena arena;
    struct str new_nonce, new_account, new_order; /* URLs of the directory */
    struct str order, authorization, challenge, finalize, certificate;
    struct str account, nonce;
    bool is_asking_nonce;
    unsigned nonce_tries, polls;
    int64_t pause_ms;
    struct str token, served; /* of the challenge */
    struct str chain;
    struct buf body; /* on its way */
    struct acme_failure failure;
};

struct acme *acme_new(const struct acme_options *options) {
    struct acme *m = calloc(1, sizeof *m);
    if (!m) abort();
    m->options = *options;
    m->options.directory = arena_str(&m->arena, options->directory);
    m->options.contact = arena_str(&m->arena, options->contact);
    m->options.host = arena_str(&m->arena, options->host);
    m->account = arena_str(&m->arena, options->account);
    return m;
}

void acme_free(struct acme **place) {
    struct acme *m = *place;
    if (!m) return;
    *place = NULL;
    buf_fini(&m->body);
    arena_fini(&m->arena);
    free(m);
}

/* ---- failing ---- */
/* The authority's words go into logs and files: nothing but printable ASCII of them. */
static void fail(struct acme *m, const char *what, struct str words) {
    char text[WHY_MAX];
    if (m->state == FAILED) return; /* the first reason is the cause */
    size_t n = words.n < sizeof text ? words.n : sizeof text;
    for (size_t i = 0; i < n; i++) text[i] = words.p[i] >= 0x20 && words.p[i] < 0x7F ? words.p[i] : '?';
    m->failure.why = n ? arena_strf(&m->arena, "%s: %.*s", what, (int)n, text) : arena_str(&m->arena, str_from_z(what));
    m->failure.is_general = m->failure.is_general || m->state <= ACCOUNT;
    m->failure.is_hosts = m->state >= ORDER;
    m->state = FAILED;
}

static void enter(struct acme *m, enum acme_state state) {
    if (m->state == FAILED) return;
    m->state = state;
    m->polls = 0;
}

/* A URL of the authority's, copied; a missing or oversized one fails the order. */
static struct str take_url(struct acme *m, struct str url, const char *what) {
    if (str_starts(url, STR("https://")) && url.n <= ACME_URL_MAX && str_plain_run(url) == url.n)
        return arena_str(&m->arena, url);
    fail(m, what, url);
    return (struct str){0};
}

/* ---- what is sent ---- */
static void write_nothing(struct acme *m, struct buf *out) {
    (void)m;
    (void)out;
}

static void write_account(struct acme *m, struct buf *out) {
    struct json_writer w = {.out = out};
    json_open_object(&w);
    json_add_bool(&w, STR("termsOfServiceAgreed"), true);
    if (m->options.contact.n) {
        json_add_array(&w, STR("contact"));
        json_str(&w, arena_strf(&m->arena, "mailto:%.*s", STR_ARG(m->options.contact)));
        json_close_array(&w);
    }
    json_close_object(&w);
}

static void write_order(struct acme *m, struct buf *out) {
    struct json_writer w = {.out = out};
    json_open_object(&w);
    json_add_array(&w, STR("identifiers"));
    json_open_object(&w);
    json_add_z(&w, STR("type"), "dns");
    json_add_str(&w, STR("value"), m->options.host);
    json_close_object(&w);
    json_close_array(&w);
    json_close_object(&w);
}

static void write_ready(struct acme *m, struct buf *out) {
    (void)m;
    buf_add_z(out, "{}");
}

static void write_finalize(struct acme *m, struct buf *out) {
    BUF_AUTO der = {0};
    BUF_AUTO csr = {0};
    if (eckey_request(m->options.host_key, m->options.host, &der) != STATUS_OK) {
        fail(m, "no request can be made for this host", m->options.host);
        return;
    }
    base64url_encode(&csr, buf_str(&der));
    struct json_writer w = {.out = out};
    json_open_object(&w);
    json_add_str(&w, STR("csr"), buf_str(&csr));
    json_close_object(&w);
}

/* ---- what is answered ---- */
static void read_directory(struct acme *m, const struct acme_answer *a, const struct json *tree) {
    (void)a;
    m->new_nonce = take_url(m, json_find_text(tree, STR("newNonce")), "the directory has no newNonce");
    m->new_account = take_url(m, json_find_text(tree, STR("newAccount")), "the directory has no newAccount");
    m->new_order = take_url(m, json_find_text(tree, STR("newOrder")), "the directory has no newOrder");
    enter(m, m->account.n ? ORDER : ACCOUNT);
}

static void read_account(struct acme *m, const struct acme_answer *a, const struct json *tree) {
    (void)tree;
    m->account = take_url(m, a->location, "the account has no URL");
    enter(m, ORDER);
}

static void read_order(struct acme *m, const struct acme_answer *a, const struct json *tree) {
    const struct json *first = json_first(json_find(tree, STR("authorizations")));
    m->order = take_url(m, a->location, "the order has no URL");
    m->finalize = take_url(m, json_find_text(tree, STR("finalize")), "the order has no URL to finalize it");
    m->authorization = take_url(m, json_is(first, JSON_STRING) ? first->text : (struct str){0}, "the order has no authorization");
    enter(m, AUTHORIZATION);
}

static const struct json *find_challenge(const struct json *authorization) {
    JSON_FOR_EACH (it, json_find(authorization, STR("challenges"))) {
        if (str_eq(json_find_text(it, STR("type")), STR("http-01"))) return it;
    }
    return NULL;
}

/* RFC 8555 8.3: nothing but base64url, for it becomes a part of a path that we answer. */
static bool is_token(struct str token) {
    for (size_t i = 0; i < token.n; i++)
        if (!ascii_is_alnum(token.p[i]) && token.p[i] != '-' && token.p[i] != '_') return false;
    return token.n > 0 && token.n <= ACME_TOKEN_MAX;
}

static void take_challenge(struct acme *m, const struct json *challenge) {
    BUF_AUTO served = {0};
    struct str token = json_find_text(challenge, STR("token"));
    m->challenge = take_url(m, json_find_text(challenge, STR("url")), "the authority offers no http-01 challenge");
    if (!is_token(token) || jws_authorization(m->options.account_key, token, &served) != STATUS_OK) {
        fail(m, "the challenge's token is malformed", token);
        return;
    }
    m->token = arena_str(&m->arena, token);
    m->served = arena_str(&m->arena, buf_str(&served));
    enter(m, CHALLENGE);
}

/* Why the authority was not content: the challenge's words are nearest to the cause. */
static struct str words_of(const struct json *tree) {
    struct str words = json_find_text(json_find(find_challenge(tree), STR("error")), STR("detail"));
    if (words.n == 0) words = json_find_text(json_find(tree, STR("error")), STR("detail"));
    return words.n ? words : json_find_text(tree, STR("status"));
}

static void read_authorization(struct acme *m, const struct acme_answer *a, const struct json *tree) {
    (void)a;
    struct str status = json_find_text(tree, STR("status"));
    if (str_eq(status, STR("valid")))
        enter(m, FINALIZE);
    else if (str_eq(status, STR("pending")))
        take_challenge(m, find_challenge(tree));
    else
        fail(m, "the authorization cannot be had", words_of(tree));
}

/* Ask again a little later, unless that was often enough. */
static void poll(struct acme *m, const struct acme_answer *a) {
    int64_t ms = a->retry_after_s > 0 ? a->retry_after_s * 1000 : POLL_MIN_MS << (m->polls < 5 ? m->polls : 5);
    m->pause_ms = ms > POLL_MAX_MS ? POLL_MAX_MS : ms;
    if (++m->polls > POLLS_MAX) fail(m, "the authority took too long", (struct str){0});
}

static void read_ready(struct acme *m, const struct acme_answer *a, const struct json *tree) {
    (void)tree;
    enter(m, CHECK);
    poll(m, a);
}

static void read_check(struct acme *m, const struct acme_answer *a, const struct json *tree) {
    struct str status = json_find_text(tree, STR("status"));
    if (str_eq(status, STR("valid")))
        enter(m, FINALIZE);
    else if (str_eq(status, STR("pending")) || str_eq(status, STR("processing")))
        poll(m, a);
    else
        fail(m, "the host was not found to be ours", words_of(tree));
}

/* The order, after finalizing and whenever it is asked for. */
static void read_result(struct acme *m, const struct acme_answer *a, const struct json *tree) {
    struct str status = json_find_text(tree, STR("status"));
    if (m->state == FINALIZE) enter(m, COLLECT);
    if (str_eq(status, STR("valid"))) {
        m->certificate = take_url(m, json_find_text(tree, STR("certificate")), "the order has no certificate");
        enter(m, CERTIFICATE);
    } else if (str_eq(status, STR("processing")) || str_eq(status, STR("ready"))) {
        poll(m, a);
    } else {
        fail(m, "the order failed", words_of(tree));
    }
}

static void read_certificate(struct acme *m, const struct acme_answer *a, const struct json *tree) {
    (void)tree;
    if (str_find_str(a->body, STR("-----BEGIN CERTIFICATE-----")) == STR_NONE) {
        fail(m, "what came is no certificate", (struct str){0});
        return;
    }
    m->chain = arena_str(&m->arena, a->body);
    enter(m, DONE);
}

/* ---- the table ---- */
struct row {
    size_t url; /* of its place in struct acme */
    bool is_post, is_json;
    void (*write)(struct acme *m, struct buf *out);
    void (*read)(struct acme *m, const struct acme_answer *a, const struct json *tree);
};
#define URL(field) offsetof(struct acme, field)
static const struct row rows[] = {
    [DIRECTORY] = {URL(options.directory), false, true, write_nothing, read_directory},
    [ACCOUNT] = {URL(new_account), true, false, write_account, read_account},
    [ORDER] = {URL(new_order), true, true, write_order, read_order},
    [AUTHORIZATION] = {URL(authorization), true, true, write_nothing, read_authorization},
    [CHALLENGE] = {URL(challenge), true, false, write_ready, read_ready},
    [CHECK] = {URL(authorization), true, true, write_nothing, read_check},
    [FINALIZE] = {URL(finalize), true, true, write_finalize, read_result},
    [COLLECT] = {URL(order), true, true, write_nothing, read_result},
    [CERTIFICATE] = {URL(certificate), true, false, write_nothing, read_certificate},
};

static struct str url_of(const struct acme *m) {
    return *(const struct str *)(const void *)((const char *)m + rows[m->state].url);
}

static void sign_body(struct acme *m) {
    BUF_AUTO payload = {0};
    bool is_known = m->state != ACCOUNT;
    const struct jws_head head = {.url = url_of(m), .nonce = m->nonce, .account = is_known ? m->account : (struct str){0}};
    rows[m->state].write(m, &payload);
    if (m->state == FAILED) return;
    buf_reset(&m->body);
    if (jws_write(m->options.account_key, &head, buf_str(&payload), &m->body) != STATUS_OK)
        fail(m, "nothing can be signed with the account's key", (struct str){0});
    m->nonce = (struct str){0}; /* good for once */
}

static void set_request(struct acme *m, struct acme_step *ret) {
    const struct row *row = &rows[m->state];
    *ret = (struct acme_step){.want = ACME_REQUEST, .url = url_of(m)};
    m->is_asking_nonce = row->is_post && m->nonce.n == 0;
    if (m->is_asking_nonce) ret->url = m->new_nonce;
    if (m->is_asking_nonce || !row->is_post) return;
    sign_body(m);
    ret->is_post = true;
    ret->body = buf_str(&m->body);
}

void acme_next(struct acme *m, struct acme_step *ret) {
    int64_t pause_ms = m->pause_ms;
    m->pause_ms = 0;
    if (m->state < DONE && pause_ms > 0) {
        *ret = (struct acme_step){.want = ACME_PAUSE, .pause_ms = pause_ms};
        return;
    }
    if (m->state < DONE) set_request(m, ret);
    if (m->state >= DONE) *ret = (struct acme_step){.want = m->state == DONE ? ACME_DONE : ACME_FAILED};
}

/* ---- an answer ---- */
/* A problem document (RFC 7807), or not even that. */
static void read_problem(struct acme *m, const struct acme_answer *a, const struct json *tree) {
    struct str type = json_find_text(tree, STR("type")), detail = json_find_text(tree, STR("detail"));
    if (str_eq(type, STR("urn:ietf:params:acme:error:badNonce")) && ++m->nonce_tries < NONCE_TRIES) return;
    m->failure.is_general = a->code >= 500 || str_eq(type, STR("urn:ietf:params:acme:error:accountDoesNotExist"));
    m->failure.retry_after_s = a->retry_after_s > WAITS_MAX_S ? WAITS_MAX_S : a->retry_after_s;
    const char *what = arena_strf(&m->arena, "the authority answered %u", a->code).p;
    fail(m, what, detail.n ? detail : type);
}

static void take_nonce(struct acme *m, struct str nonce) {
    for (size_t i = 0; i < nonce.n; i++)
        if (!ascii_is_alnum(nonce.p[i]) && nonce.p[i] != '-' && nonce.p[i] != '_') return;
    if (nonce.n > 0 && nonce.n <= NONCE_MAX) m->nonce = arena_str(&m->arena, nonce);
}

void acme_answer(struct acme *m, const struct acme_answer *a) {
    ARENA_AUTO arena = {0};
    const struct json *tree = NULL;
    struct json_error error;
    if (m->state >= DONE) return;
    const struct row *row = &rows[m->state];
    bool is_success = a->code >= 200 && a->code < 300;
    bool has_tree = json_parse(&arena, a->body, &tree, &error);
    take_nonce(m, a->nonce);
    if (!is_success)
        read_problem(m, a, has_tree ? tree : NULL);
    else if (m->is_asking_nonce && m->nonce.n == 0)
        fail(m, "the authority gives no nonce", (struct str){0});
    else if (!m->is_asking_nonce && row->is_json && !has_tree)
        fail(m, "the authority's answer is no JSON", (struct str){0});
    else if (!m->is_asking_nonce)
        row->read(m, a, tree);
}

void acme_no_answer(struct acme *m, struct str why) {
    if (m->state >= DONE) return;
    m->failure.is_general = true;
    fail(m, "the authority does not answer", why);
}

/* ---- what came of it ---- */
bool acme_challenge(const struct acme *m, struct str *ret_token, struct str *ret_authorization) {
    if (m->token.n == 0) return false;
    *ret_token = m->token;
    *ret_authorization = m->served;
    return true;
}

struct str acme_certificate(const struct acme *m) {
    return m->chain;
}

struct str acme_account(const struct acme *m) {
    return m->account;
}

const struct acme_failure *acme_failure(const struct acme *m) {
    return &m->failure;
}
