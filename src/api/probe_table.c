/* probe_table.c - health and metrics: parameters, refusals in the contract's printed order, and the operations themselves.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/probes.h"
#include "api/tables.h"

static const struct operation rows[] = {
    {"Health", STYLE_PROBE, CALLER_ANYONE, .method = HTTP_GET, .path = "/healthz", .sentence = "Is the gateway ready for work?",
     NO_PARAMS, .steps = {{STEP_READER, probe_ready}}},
    {"Live", STYLE_PROBE, CALLER_ANYONE, .method = HTTP_GET, .path = "/healthz/live", .sentence = "Does the process answer?",
     NO_PARAMS, .steps = {{STEP_LOOP, probe_live}}},
    {"Ready", STYLE_PROBE, CALLER_ANYONE, .method = HTTP_GET, .path = "/healthz/ready",
     .sentence = "Is the gateway ready for work?", NO_PARAMS, .steps = {{STEP_READER, probe_ready}}},
    {"Metrics", STYLE_PROBE, CALLER_ANYONE, .method = HTTP_GET, .path = "/metrics", .sentence = "Prometheus metrics", NO_PARAMS,
     .steps = {{STEP_READER, probe_metrics}}},
};
const struct operation_table probe_table = {"Health", rows, sizeof rows / sizeof rows[0], "For machines that watch this one"};
