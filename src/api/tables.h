/* tables.h - the parts of the table of operations, a resource each, and what their files need to write rows.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_TABLES_H
#define POSTHORN_API_TABLES_H

#include "api/operation.h"

/* Parameters and refusals of a row, from arrays. */
#define LIST_OF(p, r)                                                                                                            \
    .params = (p), .param_count = sizeof(p) / sizeof((p)[0]), .refusals = (r), .refusal_count = sizeof(r) / sizeof((r)[0])
#define NO_PARAMS .params = NULL, .param_count = 0

extern const struct operation_table email_table, user_table, domain_table, key_table, event_table, stats_table, inbox_table,
    probe_table, docs_table, operator_table, group_table, message_table, domain_clear_table, template_table, suppression_table;
extern const struct operation_table operator_queue_table, operator_site_table, operator_tls_report_table, operator_store_table;
extern const struct operation_table smtp_table, webhook_table, keep_table;
extern const struct operation_table list_table, subscriber_table, list_send_table;

#endif
