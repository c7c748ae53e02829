/* operator_store.h - steps of the operator's own operations about the store; see struct step.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_OPERATOR_STORE_H
#define POSTHORN_API_OPERATOR_STORE_H

#include "api/operation.h"

enum status operator_store_stats(struct call *call, struct db *db);
enum status operator_store_prune(struct call *call, struct db *db);
enum status operator_store_check(struct call *call, struct db *db);
enum status operator_store_backup(struct call *call, struct db *db);
enum status operator_store_backup_look(struct call *call, struct db *db);
enum status operator_store_backup_finish(struct call *call, struct db *db);
enum status operator_erase(struct call *call, struct db *db);
enum status operator_erasure_list(struct call *call, struct db *db);

#endif
