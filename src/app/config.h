/* config.h - the configuration: one table of keys, one const struct that everybody reads.
 *
 * A key has a section, a name, a kind that checks the value, a default and a sentence. From that table come the parser, `posthorn
 * check-config`, and the manual page. A file is INI: [section], key = value; a comment starts with a semicolon at the start of a
 * line or after a blank, or with a # at the start of a line. Every key can also be given as `-o section.key=value`, which wins.
 * Some sections are many, each with a name: [source NAME], `-o source.NAME.key=value`.
 * `${NAME}` in a value is the environment's NAME; a secret key may say `file:/path` to take its value from a file's first line.
 * An unknown key or a bad value is an error with file, line and reason; the program then exits with 78 (EX_CONFIG).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_APP_CONFIG_H
#define POSTHORN_APP_CONFIG_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/status.h"

#define CONFIG_EXIT     78 /* sysexits.h EX_CONFIG */
#define CONFIG_FILE_MAX (1u << 20)

enum config_choice_mode { MODE_LIVE, MODE_SANDBOX };
enum config_choice_clear { CLEAR_NEVER, CLEAR_LOOPBACK };
enum config_choice_errors { ERRORS_HTTP, ERRORS_ALWAYS_200 };

/* Sections that have a name: [source NAME], [relay NAME]. */
struct config_list {
    void *items; /* struct config_source or config_relay, in the order of the file */
    size_t count;
};
struct config_source {
    struct str name; /* first in both */
    struct str address, hostname, pool, warmup, warmup_plan;
    int64_t weight;
};
struct config_relay {
    struct str name;
    struct str host, user, password, domains, senders;
    int64_t port;
    int64_t tls; /* 0: auto, else one more than enum relay_tls (core/relay.h) */
};

struct config {
    struct arena arena;
    struct str file;            /* absolute path of the INI file; empty without one */
    const char *const *options; /* as given to config_read */
    int option_count;
    struct str data_dir, data_url, data_user;
    struct str http_listen, http_base_url, http_trusted_proxies, http_tls_listen;
    struct str dns_servers, dns_trust_anchor;
    struct str tls_cert, tls_key, tls_folder;
    struct str acme_directory, acme_contact, acme_ca;
    int64_t acme_agree;
    int64_t log_level, log_format; /* enum log_level, enum log_format */
    int64_t delivery_mode;         /* enum config_choice_mode */
    int64_t delivery_transcripts;  /* in the order of enum mta_transcripts */
    struct str delivery_hostname;
    int64_t delivery_port;
    int64_t delivery_allow_private;
    struct str delivery_providers, delivery_bounce_rules;
    int64_t delivery_delay_notice;
    struct str delivery_smarthost, delivery_retry, delivery_tls_ca;
    int64_t delivery_mta_sts, delivery_mta_sts_port;
    struct str delivery_smarthost_user, delivery_smarthost_password;
    int64_t delivery_smarthost_tls; /* as config_relay.tls */
    struct config_list sources, relays;
    struct str smtp_public_host, smtp_public_ports;
    struct str smtp_listen, smtp_listen_tls, smtp_return_path;
    struct str smtp_trusted, smtp_proxies, smtp_xclient;
    int64_t smtp_auth_without_tls; /* enum config_choice_clear */
    int64_t smtp_message_max;      /* bytes */
    int64_t smtp_recipients_max, smtp_connections, smtp_connections_per_address;
    int64_t webhook_allow_private, webhook_timeout, webhook_calls;
    struct str webhook_tls_ca, webhook_proxy;
    struct str track_base_url; /* "https://host:port" */
    struct str track_hosts;
    int64_t track_life, track_text;
    struct str track_listen, track_tls_listen, track_networks, track_countries;
    int64_t track_key_version, track_oldest_key, track_patience;
    struct str keys_master;
    struct str mail_from;
    struct str tls_report_from, tls_report_organization, tls_report_contact;
    struct str alerts_mail, alerts_webhook;
    int64_t alerts_allow_private;
    int64_t alerts_again, alerts_every, alerts_calm;                        /* ms, as all times */
    int64_t alerts_queue_age, alerts_site, alerts_feed, alerts_certificate; /* 0 in any limit: no such alert */
    int64_t alerts_disk_percent, alerts_disk_free;                          /* parts of 100,000, as all rates; megabytes */
    int64_t alerts_messages, alerts_bounces, alerts_bounces_suspend;
    int64_t alerts_complaints, alerts_complaints_suspend, alerts_suspend;
    struct str store_disk;
    int64_t store_disk_free; /* megabytes */
    struct str events_feed;
    int64_t keep_body_days, keep_event_days, keep_body_days_max, keep_event_days_max;
    int64_t domains_check_every, domains_grace_days, domains_stop_failing;
    int64_t api_v1_errors; /* enum config_choice_errors */
    int64_t limits_key_per_minute, limits_account_per_minute, limits_address_per_minute;
};

/* All defaults. */
void config_init(struct config *c);
void config_fini(struct config *c);
/* Read a file. On failure *ret_why is "FILE:LINE: reason". */
WARN_UNUSED enum status config_read_file(struct config *c, const char *file, struct buf *ret_why);
/* Take one "section.key=value". On failure *ret_why is "-o section.key=value: reason". */
WARN_UNUSED enum status config_set_option(struct config *c, struct str option, struct buf *ret_why);
/* Defaults, then the file (NULL: none), then the options ("section.key=value"), which win and must outlive *c: with file and
 * options of an earlier one it is read again. The caller calls config_fini after a failure too. */
WARN_UNUSED enum status config_read(struct config *c, const char *file, const char *const *options, int option_count,
                                    struct buf *ret_why);
/* Fill in what depends on the machine or on other keys (paths made absolute, host name, place of the master key) and check what
 * keys say together. */
WARN_UNUSED enum status config_finish(struct config *c, struct buf *ret_why);
/* The effective configuration as an INI file: every key with its sentence, default and value. Secrets are masked (P10). */
void config_format(struct buf *out, const struct config *c);
/* The same as JSON: {"Keys":[{"Key":"section.key","Value","Default","Meaning"}]}, all texts; a secret's value is masked (P10). */
void config_format_json(struct buf *out, const struct config *c);
/* The same table as the whole manual page posthorn.conf(5): roff with man macros, ASCII. */
void config_format_man(struct buf *out);

#endif
