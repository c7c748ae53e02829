/* api.h - the gateway's operations behind HTTP: /api.php, /api/v1, health and metrics for the public, /control for the operator.
 *
 * One `struct api` serves every server and loop. It has no thread and no state of its own: all it does goes through the
 * executors, the resolver and the callbacks it is given. Usage: api_new, then give its two lists of routes to an http_server
 * each, and api_format_error / the api as format_error and arg. Free it after the servers.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_API_H
#define POSTHORN_API_API_H

#include "base/metrics.h"
#include "core/disk_gate.h"
#include "core/keeping.h"
#include "core/limits.h"
#include "core/live.h"
#include "core/queue.h"
#include "core/source.h"
#include "core/webhooks.h"
#include "crypto/seal.h"
#include "httpd/http_server.h"
#include "net/executor.h"
#include "net/resolver.h"

struct api;
struct work;
struct tls_report_options;
struct hook_trial;
struct export_gate;
/* Everything pointed at must outlive the api; strings are borrowed too. */
struct api_options {
    struct executor *writer, *readers, *searchers, *slow;
    struct executor *background; /* does what follows the first piece of a search, and of an answer; a reader's connections */
    struct resolver *resolver;
    struct seal_key seal; /* seals what is shown again: seal_derive(master, STR("seal")) */
    const struct clock *clock;
    const struct rand *rand;
    struct metrics *metrics;                                        /* may be NULL */
    struct limits *limits;                                          /* may be NULL: nobody is slowed */
    struct disk_gate *gate;                                         /* may be NULL: there is room */
    int64_t key_per_minute, account_per_minute, address_per_minute; /* requests; 0: no such limit */
    struct node_epoch owner;                                        /* who will deliver what is accepted */
    int64_t domain_check_ms;                                        /* [domains] check_every; 0: never */
    struct str hostname;                                            /* ours: MX and CNAME target in the records to publish */
    struct str mail_from, base_url;     /* [mail] from, [http] base_url: of the gateway's own mail (core/notices.h) */
    bool v1_always_200;                 /* [api] v1_errors=always-200 */
    struct str smtp_host, smtp_ports;   /* [smtp] public_host, public_ports: what SMTP users are told */
    unsigned smtp_tls_port;             /* of these the one with TLS from the start; 0: none */
    struct webhook_rules webhooks;      /* which URLs may be called */
    bool is_sandbox;                    /* the inbox exists */
    const struct source_table *sources; /* outlives the API; NULL: the kernel's choice of address, one pool */
    struct http_budget *budget;  /* memory that messages made of templates and lists share with request bodies; may be NULL */
    struct export_gate *exports; /* api_new makes its own; NULL, for tests: any number at once */
    struct work *work;           /* woken after what goes on in the background was stored (api/work.h); may be NULL */
    /* After COMMIT, on the loop of the request: new entries for the scheduler. They are valid during the call only. */
    void (*queue_offer)(void *arg, const struct queue_entry *entries, size_t count);
    /* Any loop: mta_hold and mta_release (mta/mta.h); held->done may be called at once, by this thread. NULL: nobody delivers. */
    void *(*queue_hold)(void *arg, const struct queue_hold *what, struct queue_held *held);
    void (*queue_release)(void *arg, void *hold);
    /* Any loop: mta_ask (mta/mta.h). NULL: nobody delivers. */
    void (*live_ask)(void *arg, struct live_question *question);
    /* Any loop: hook_tester_ask (hook/hook_tester.h). NULL: nobody calls. */
    void (*webhook_test)(void *arg, struct hook_trial *trial);
    void (*alerts_wake)(void *arg);         /* any thread: there is an alert to tell (app/watch.h); may be NULL */
    struct str alerts_mail, alerts_webhook; /* [alerts]: where it is told */
    struct keeping_rules keep;
    const struct tls_report_options *tls_report; /* [tls_report]; NULL: none are sent */
    /* Any loop: is the gateway taking work (not stopping)? NULL: always. */
    bool (*is_ready)(void *arg);
    void *arg;
};
struct api *api_new(const struct api_options *options);
/* NULL inside is fine; wipes the seal key. */
void api_free(struct api **api);

/* Routes for the public servers and for the control socket; they live as long as the api. */
const struct http_route *api_public_routes(const struct api *api, size_t *ret_count);
const struct http_route *api_control_routes(const struct api *api, size_t *ret_count);
/* For http_server_options.format_error with the api as arg: the server's own errors in the API's shape. */
void api_format_error(void *api, const struct http_request *request, int status, const char *why, struct http_response *response);

#endif
