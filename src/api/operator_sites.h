/* operator_sites.h - steps of the operator's calls about sites, sources, pauses and decisions; see struct step.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_OPERATOR_SITES_H
#define POSTHORN_API_OPERATOR_SITES_H

#include "api/operation.h"
#include "core/ledger.h"
#include "core/live.h"
#include "proto/json/json_write.h"

enum status operator_sites_ask(struct call *call, struct db *db);
enum status operator_sites_answer(struct call *call, struct db *db);
enum status operator_sources_ask(struct call *call, struct db *db);
enum status operator_sources_answer(struct call *call, struct db *db);
/* Pause and resume: the deliveries first, then the row that keeps it over a restart. */
enum status operator_pause_ask(struct call *call, struct db *db);
enum status operator_pause_store(struct call *call, struct db *db);
enum status operator_pause_list(struct call *call, struct db *db);
enum status operator_decisions(struct call *call, struct db *db);

/* Members of an object that is open. */
void operator_write_site(struct json_writer *w, const struct live_site *site);
/* An object. */
void operator_write_decision(struct json_writer *w, const struct ledger_entry *entry);

#endif
