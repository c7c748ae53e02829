/* probes.h - steps of the operations on health and metrics; see struct step.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_PROBES_H
#define POSTHORN_API_PROBES_H

#include "api/operation.h"

enum status probe_live(struct call *call, struct db *db);
enum status probe_ready(struct call *call, struct db *db);
enum status probe_metrics(struct call *call, struct db *db);

#endif
