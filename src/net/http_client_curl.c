/* http_client_curl.c - calls under way, on libcurl's multi interface driven by our loop.
 *
 * Facts about libcurl that shaped this: a name that is not in its DNS cache goes to the system's resolver, and entries put there
 * by CURLOPT_RESOLVE stay for ever; so each call has a cache of its own (a share) with its pins. A kept connection is taken by
 * name, not by address, so PREREQFUNCTION judges the address of whatever connection a call got. Its default roots are read anew
 * for every connection, so we hand it a store. It asks the environment for a proxy unless that is "". Callbacks of libcurl only
 * take notes: calls end after curl_multi_socket_action() has returned.
 * SPDX-License-Identifier: Apache-2.0 */
#include "net/http_client_own.h"

#include "net/sockaddr.h"

#include <event2/event.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECT_MAX_MS    10000
#define CONNECTION_LIFE_S 600
#define IDLE_LIFE_S       60

/* ---- what libcurl calls while a call is under way ---- */
/* Through a proxy, what the tunnel leads to was judged when it was asked for, and is one address. */
static bool may_connect(const struct http_client_call *call, const struct net_address *to) {
    const struct net_address *proxy = &call->client->options.proxy;
    struct ip ip = ip_make(to->family, to->ip);
    if (!proxy->family) return http_call_may_reach(call, &ip);
    return call->tunnel && to->family == proxy->family && to->port == proxy->port &&
           memcmp(to->ip, proxy->ip, sizeof to->ip) == 0;
}

static curl_socket_t on_open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *to) {
    (void)purpose;
    struct http_client_call *call = arg;
    struct sockaddr_storage storage = {0};
    if (to->addrlen > sizeof storage) return CURL_SOCKET_BAD;
    memcpy(&storage, &to->addr, to->addrlen);
    struct net_address address = sockaddr_to_address(&storage, to->addrlen);
    call->is_denied = !may_connect(call, &address);
    return call->is_denied ? CURL_SOCKET_BAD : socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static void note_remote(struct http_client_call *call, const char *ip_text, long port) {
    struct ip ip;
    if (!ip_text || !ip_parse(str_from_z(ip_text), &ip)) return;
    struct net_address *remote = &call->result.remote;
    *remote = (struct net_address){.family = ip.family, .port = (uint16_t)port};
    memcpy(remote->ip, ip.bytes, sizeof remote->ip);
}

/* The connection stands, a new one or a kept one; the request goes out when this says so. */
static int on_connected(void *arg, char *remote_ip, char *local_ip, int remote_port, int local_port) {
    (void)local_ip;
    (void)local_port;
    struct http_client_call *call = arg;
    note_remote(call, remote_ip, remote_port);
    call->is_denied = !may_connect(call, &call->result.remote);
    if (call->is_denied) return CURL_PREREQFUNC_ABORT;
    call->result.sent_ms = http_call_age_ms(call);
    call->result.stage = HTTP_CLIENT_ANSWER;
    return CURL_PREREQFUNC_OK;
}

static unsigned code_of(struct http_client_call *call) {
    long code = 0;
    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &code);
    return code >= 200 && code <= 999 ? (unsigned)code : 0;
}

static void keep_line(struct http_client_call *call, struct str line) {
    if (str_starts(line, STR("HTTP/"))) buf_reset(&call->head); /* the one before was an interim answer's */
    buf_add_str(&call->head, line);
}

/* Line by line; the blank one ends a head, which may be an interim answer's. */
static size_t on_head(char *line, size_t size, size_t n, void *arg) {
    struct http_client_call *call = arg;
    if (str_is_empty(str_trim(str_make(line, size * n))) && code_of(call)) call->result.stage = HTTP_CLIENT_BODY;
    if (call->result.first_byte_ms < 0) call->result.first_byte_ms = http_call_age_ms(call);
    call->head_bytes += size * n;
    call->has_long_head = call->head_bytes > HTTP_CLIENT_HEAD_MAX;
    if (call->wants_head && !call->has_long_head) keep_line(call, str_make(line, size * n));
    return call->has_long_head ? 0 : size * n;
}

static size_t on_body(char *bytes, size_t size, size_t n, void *arg) {
    struct http_client_call *call = arg;
    size_t got = size * n, room = call->body_max - call->got.n, kept = got < room ? got : room;
    buf_add(&call->got, bytes, kept);
    if (kept < got) call->result.is_cut = true;
    call->dropped_bytes += got - kept;
    call->has_enough = call->dropped_bytes > HTTP_CLIENT_DROP_MAX;
    return call->has_enough ? 0 : got;
}

static CURLcode on_tls_context(CURL *easy, void *context, void *arg) {
    (void)easy;
    struct http_client_call *call = arg;
    call->result.stage = HTTP_CLIENT_TLS;
    SSL_CTX_set1_cert_store(context, call->client->roots);
    return CURLE_OK;
}

/* ---- to begin ---- */
static void pin(struct http_client_call *call) {
    BUF_AUTO line = {0};
    if (call->url.ip.family) return;
    buf_addf(&line, "%.*s:%u:", STR_ARG(call->url.host), call->url.port);
    bool has_one = false;
    for (size_t i = 0; i < call->host->address_count; i++) {
        const struct ip *ip = &call->host->addresses[i];
        if (!http_call_may_reach(call, ip)) continue;
        if (has_one) buf_add_char(&line, ',');
        if (ip->family == 6) buf_add_char(&line, '[');
        ip_format(&line, ip);
        if (ip->family == 6) buf_add_char(&line, ']');
        has_one = true;
    }
    call->pins = curl_slist_append(NULL, line.p);
}

/* The proxy gets the address, never the name: it would look that up by itself. What may be reached can change from one look to
 * the next; without a tunnel nothing is dialled. */
static void set_proxy(struct http_client_call *call) {
    BUF_AUTO proxy = {0};
    BUF_AUTO to = {0};
    const struct http_host *h = call->host;
    size_t i = 0;
    if (call->client->options.proxy.family) net_address_format(&proxy, &call->client->options.proxy);
    while (proxy.n && i < h->address_count && !http_call_may_reach(call, &h->addresses[i])) i++;
    if (proxy.n && i < h->address_count) {
        buf_add_z(&to, h->addresses[i].family == 6 ? "::[" : "::");
        ip_format(&to, &h->addresses[i]);
        buf_addf(&to, h->addresses[i].family == 6 ? "]:%u" : ":%u", call->url.port);
        call->tunnel = curl_slist_append(NULL, to.p);
    }
    curl_easy_setopt(call->easy, CURLOPT_PROXY, proxy.n ? proxy.p : "");
    curl_easy_setopt(call->easy, CURLOPT_PROXYTYPE, (long)CURLPROXY_HTTP);
    curl_easy_setopt(call->easy, CURLOPT_HTTPPROXYTUNNEL, call->tunnel ? 1L : 0L);
    curl_easy_setopt(call->easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    if (call->tunnel) curl_easy_setopt(call->easy, CURLOPT_CONNECT_TO, call->tunnel);
}

/* What was judged and nothing else: libcurl reads the host as we wrote it. */
static void set_url(struct http_client_call *call) {
    BUF_AUTO url = {0};
    buf_add_z(&url, call->url.is_https ? "https://" : "http://");
    if (call->url.ip.family == 6) buf_add_char(&url, '[');
    if (call->url.ip.family)
        ip_format(&url, &call->url.ip);
    else
        buf_add_str(&url, call->url.host);
    if (call->url.ip.family == 6) buf_add_char(&url, ']');
    buf_addf(&url, ":%u", call->url.port);
    buf_add_str(&url, call->url.target);
    curl_easy_setopt(call->easy, CURLOPT_URL, url.p);
}

static void set_limits(struct http_client_call *call) {
    CURL *e = call->easy;
    int64_t left_ms = call->ends_at - call->began_at - http_call_age_ms(call);
    if (left_ms < 1) left_ms = 1;
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)left_ms);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)(left_ms < CONNECT_MAX_MS ? left_ms : CONNECT_MAX_MS));
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(e, CURLOPT_MAXAGE_CONN, (long)IDLE_LIFE_S);
    curl_easy_setopt(e, CURLOPT_MAXLIFETIME_CONN, (long)CONNECTION_LIFE_S);
}

static void set_tls(struct http_client_call *call) {
    CURL *e = call->easy;
    curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(e, CURLOPT_CAINFO, NULL);
    curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(e, CURLOPT_CA_CACHE_TIMEOUT, 0L);
    curl_easy_setopt(e, CURLOPT_SSL_CTX_FUNCTION, on_tls_context);
    curl_easy_setopt(e, CURLOPT_SSL_CTX_DATA, call);
}

static void set_callbacks(struct http_client_call *call) {
    CURL *e = call->easy;
    curl_easy_setopt(e, CURLOPT_PRIVATE, call);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, call->error);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, call);
    curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_connected);
    curl_easy_setopt(e, CURLOPT_PREREQDATA, call);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_head);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, call);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, call);
}

static void set_request(struct http_client_call *call) {
    CURL *e = call->easy;
    set_url(call);
    curl_easy_setopt(e, CURLOPT_SHARE, call->names);
    if (call->pins) curl_easy_setopt(e, CURLOPT_RESOLVE, call->pins);
    if (call->client->user_agent.n) curl_easy_setopt(e, CURLOPT_USERAGENT, call->client->user_agent.p);
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, call->headers);
    if (!call->is_post) return;
    curl_easy_setopt(e, CURLOPT_POST, 1L);
    curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.n);
    curl_easy_setopt(e, CURLOPT_POSTFIELDS, call->body.n ? call->body.p : "");
}

void http_curl_begin(struct http_client_call *call) {
    call->easy = curl_easy_init();
    call->names = curl_share_init();
    if (!call->easy || !call->names) abort();
    curl_share_setopt(call->names, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
    pin(call);
    set_limits(call);
    set_proxy(call);
    set_tls(call);
    set_callbacks(call);
    set_request(call);
    call->result.stage = HTTP_CLIENT_CONNECT;
    call->host->under_way++;
    list_add_tail(&call->host->running, &call->running);
    call->client->under_way++;
    if (curl_multi_add_handle(call->client->multi, call->easy) != CURLM_OK) abort();
}

/* ---- to end ---- */
static void note_answer(struct http_client_call *call) {
    long port = 0, connects = 0;
    curl_off_t retry_after_s = 0;
    char *type = NULL, *ip = NULL;
    struct http_client_result *r = &call->result;
    curl_easy_getinfo(call->easy, CURLINFO_CONTENT_TYPE, &type);
    curl_easy_getinfo(call->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
    curl_easy_getinfo(call->easy, CURLINFO_NUM_CONNECTS, &connects);
    curl_easy_getinfo(call->easy, CURLINFO_PRIMARY_IP, &ip);
    curl_easy_getinfo(call->easy, CURLINFO_PRIMARY_PORT, &port);
    r->code = code_of(call);
    r->content_type = arena_str(&call->arena, str_from_z(type));
    r->retry_after_s = retry_after_s < 0 ? 0 : retry_after_s > HTTP_CLIENT_WAIT_MAX_S ? HTTP_CLIENT_WAIT_MAX_S : retry_after_s;
    r->is_reused = r->sent_ms >= 0 && connects == 0;
    if (!r->remote.family) note_remote(call, ip, port);
}

void http_curl_drop(struct http_client_call *call) {
    note_answer(call);
    curl_multi_remove_handle(call->client->multi, call->easy);
    curl_easy_cleanup(call->easy);
    curl_share_cleanup(call->names);
    curl_slist_free_all(call->pins);
    curl_slist_free_all(call->tunnel);
    call->easy = NULL;
    call->names = NULL;
    call->pins = call->tunnel = NULL;
    call->host->under_way--;
    list_remove(&call->running);
    call->client->under_way--;
}

static void say(struct http_client_call *call, enum status status, enum http_client_stage stage, struct str why) {
    call->result.status = status;
    call->result.stage = stage;
    call->result.why = why;
}

/* libcurl's verdict in our words. */
static void judge_failure(struct http_client_call *call, CURLcode code) {
    struct str why = str_from_z(call->error[0] ? call->error : curl_easy_strerror(code));
    if (call->is_denied)
        say(call, STATUS_DENIED, HTTP_CLIENT_ADDRESS, HTTP_CALL_DENIED);
    else if (call->has_long_head)
        say(call, STATUS_LIMIT, HTTP_CLIENT_ANSWER, STR("the head of the answer is too long"));
    else if (code == CURLE_OPERATION_TIMEDOUT)
        say(call, STATUS_TIMEOUT, call->result.stage, why);
    else if (code == CURLE_PEER_FAILED_VERIFICATION)
        say(call, STATUS_TEMPORARY, HTTP_CLIENT_CERTIFICATE, why);
    else
        say(call, STATUS_TEMPORARY, call->result.stage, why);
}

static void call_done(struct http_client_call *call, CURLcode code) {
    http_curl_drop(call);
    if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && call->has_enough))
        say(call, STATUS_OK, HTTP_CLIENT_DONE, STR(""));
    else
        judge_failure(call, code);
    http_call_end(call);
}

/* ---- the multi on our loop ---- */
static void end_finished(struct http_client *c) {
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(c->multi, &left)) != NULL;) {
        if (message->msg != CURLMSG_DONE) continue;
        struct http_client_call *call = NULL;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call);
        call_done(call, code);
    }
}

static void on_event(evutil_socket_t fd, short what, void *arg) {
    struct http_client *c = arg;
    int running, mask = (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0);
    curl_multi_socket_action(c->multi, fd, mask, &running);
    end_finished(c);
}

static void on_curl_timer(void *arg) {
    struct http_client *c = arg;
    int running;
    curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    end_finished(c);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *assigned) {
    (void)easy;
    struct http_client *c = arg;
    if (assigned) event_free(assigned);
    struct event *event = NULL;
    short wanted = (short)((what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0));
    if (what != CURL_POLL_REMOVE) {
        event = event_new(loop_event_base(c->options.loop), fd, (short)(wanted | EV_PERSIST), on_event, c);
        if (!event || event_add(event, NULL) != 0) abort();
    }
    curl_multi_assign(c->multi, fd, event);
    return 0;
}

static int on_timeout(CURLM *multi, long ms, void *arg) {
    (void)multi;
    struct http_client *c = arg;
    if (ms < 0)
        timer_stop(&c->curl_timer);
    else
        timer_start(&c->curl_timer, ms);
    return 0;
}

enum status http_curl_open(struct http_client *c) {
    timer_init(&c->curl_timer, c->options.loop, on_curl_timer, c);
    c->roots = X509_STORE_new();
    if (!c->roots || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(c->multi = curl_multi_init())) abort();
    X509_STORE_set_default_paths(c->roots);
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_timeout);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
    curl_multi_setopt(c->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)c->options.idle_max);
    const char *ca = c->options.ca_file;
    return !ca || X509_STORE_load_file(c->roots, ca) == 1 ? STATUS_OK : STATUS_INVALID;
}

void http_curl_close(struct http_client *c) {
    curl_multi_cleanup(c->multi);
    curl_global_cleanup();
    X509_STORE_free(c->roots);
    timer_fini(&c->curl_timer);
}
