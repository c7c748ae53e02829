/* operator_queue_table.c - the operator's calls about the queue, sites, sources and pauses: parameters, refusals, and the
 * operations themselves.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/operator_queue.h"
#include "api/operator_sites.h"
#include "api/tables.h"

/* ---- the queue ---- */
static const struct param list_params[] = {
    OPERATOR_FILTER_PARAMS,
    {"Limit", PARAM_INT, false, 0, 0, 1, 1000, "Entries to return; 100 when absent"},
    {"Cursor", PARAM_TEXT, false, 0, 0, 0, 400, "Go on where the page before ended"},
};
static const struct param top_params[] = {
    OPERATOR_FILTER_PARAMS,
    {"By", PARAM_CHOICE, false, 0, 0, 0, 0, "What is counted; domain when absent", "domain,reason,site"},
    {"Limit", PARAM_INT, false, 0, 0, 1, 500, "The so many largest; 20 when absent"},
};
static const struct param why_params[] = {
    {"What", PARAM_TEXT, true, 0, 0, 1, 320, "ID of an entry, a message's UUID, or a recipient's address"},
};
#define WHICH_PARAMS                                                                                                             \
    {"IDs", PARAM_STRINGS, false, 0, 0, 20, 500, "IDs of entries"}, OPERATOR_FILTER_PARAMS, {                                    \
        "All", PARAM_BOOL, false, 0, 0, 0, 0, "All there are"                                                                    \
    }
static const struct param order_params[] = {WHICH_PARAMS};
static const struct param because_params[] = {
    WHICH_PARAMS,
    {"Because", PARAM_TEXT, false, 0, 0, 0, 200, "Why; told with the entries"},
};
static const struct param move_params[] = {
    WHICH_PARAMS,
    {"At", PARAM_TIME, false, 0, 0, 0, 0, "When they are tried next, UTC; up to 30 days ahead"},
    {"In", PARAM_TEXT, false, 0, 0, 0, 20, "The same from now on: 30m, 2h, 3d"},
    {"Priority", PARAM_CHOICE, false, 0, 0, 0, 0, "And with this priority; as it was when absent", "transactional,bulk"},
};
static const struct param jobs_params[] = {
    {"Limit", PARAM_INT, false, 0, 0, 1, 200, "The so many newest; 20 when absent"},
};
static const struct refusal filter_refusals[] = {OPERATOR_FILTER_REFUSALS};
static const struct refusal why_refusals[] = {{1, 0, "Nothing of that name waits, and no entry has that ID"}};
static const struct refusal no_refusals[1];

#define WALK                                                                                                                     \
    {STEP_LOOP, operator_queue_begin}, {                                                                                         \
        STEP_WAIT, operator_queue_ask_site                                                                                       \
    }
#define ORDER_ANSWER "{\"Changed\":12,\"Busy\":0,\"JobID\":\"\"}"
#define ORDER_STEPS                                                                                                              \
    .answer = ORDER_ANSWER, .steps = {WALK,                                                                                      \
                                      {STEP_SEARCH, operator_order_find},                                                        \
                                      {STEP_WAIT, operator_order_hold},                                                          \
                                      {STEP_WRITER, operator_order_store},                                                       \
                                      {STEP_LOOP, operator_order_release}}
#define OPERATOR(name_, sentence_) .name = name_, .style = STYLE_COMMAND, .caller = CALLER_ADMIN, .sentence = sentence_

static const struct operation rows[] = {
    {OPERATOR("Operator.QueueList", "Recipients that wait or are held, lane by lane, with the reason and the next try"),
     LIST_OF(list_params, filter_refusals), .steps = {WALK, {STEP_SEARCH, operator_queue_list}}},
    {OPERATOR("Operator.QueueTop", "Count what waits or is held by recipient domain, reason or site"),
     LIST_OF(top_params, filter_refusals), .steps = {WALK, {STEP_SEARCH, operator_queue_top}}},
    {OPERATOR("Operator.QueueWhy", "All that is known about why a recipient waits: its last try, its site, the limits there"),
     LIST_OF(why_params, why_refusals),
     .steps = {{STEP_SEARCH, operator_why_find}, {STEP_WAIT, operator_why_ask}, {STEP_READER, operator_why_answer}}},
    {OPERATOR("Operator.Transcript", "What was said in a recipient's last attempts, with times; without content and secrets"),
     LIST_OF(why_params, why_refusals), .steps = {{STEP_SEARCH, operator_why_find}, {STEP_READER, operator_transcript_show}}},
    {OPERATOR("Operator.QueueRetry",
              "Make deferred recipients due now; with Site, its pause ends as well, with one message first"),
     LIST_OF(order_params, filter_refusals), ORDER_STEPS},
    {OPERATOR("Operator.QueueHold", "Keep recipients from being tried; their message's life goes on"),
     LIST_OF(because_params, filter_refusals), ORDER_STEPS},
    {OPERATOR("Operator.QueueRelease", "Let held recipients go on"), LIST_OF(order_params, filter_refusals), ORDER_STEPS},
    {OPERATOR("Operator.QueueCancel", "Withdraw recipients, each with a failed event; what is in flight ends as its host says"),
     LIST_OF(because_params, filter_refusals), ORDER_STEPS},
    {OPERATOR("Operator.QueueMove", "Give recipients another time, or another priority"), LIST_OF(move_params, filter_refusals),
     ORDER_STEPS},
    {OPERATOR("Operator.QueueJobs", "Orders that many recipients were meant by, and how far they are"),
     LIST_OF(jobs_params, no_refusals), .steps = {{STEP_READER, operator_queue_jobs}}},
};
const struct operation_table operator_queue_table = {"Operator: the queue", rows, sizeof rows / sizeof rows[0],
                                                     "What waits: looked at, and decided about by filter"};

/* ---- sites and sources ---- */
static const struct param sites_params[] = {
    {"Name", PARAM_TEXT, false, 0, 0, 0, 512, "A site, a part of its name, or a recipient domain"},
    {"All", PARAM_BOOL, false, 0, 0, 0, 0, "Those with nothing to do as well"},
};
static const struct param pause_all_params[] = {
    {"For", PARAM_TEXT, false, 0, 0, 0, 20, "So long: 30m, 2h, 3d; until resumed when absent"},
    {"Because", PARAM_TEXT, false, 0, 0, 0, 200, "Why; shown with all that waits for it"},
};
static const struct param pause_params[] = {
    {"Name", PARAM_TEXT, true, 0, 0, 1, 512, "The name"},
    {"For", PARAM_TEXT, false, 0, 0, 0, 20, "So long: 30m, 2h, 3d; until resumed when absent"},
    {"Because", PARAM_TEXT, false, 0, 0, 0, 200, "Why; shown with all that waits for it"},
};
static const struct param resume_params[] = {
    {"Name", PARAM_TEXT, true, 0, 0, 1, 512, "The name"},
};
static const struct param decisions_params[] = {
    {"Site", PARAM_TEXT, false, 0, 0, 0, 512, "Of this site"},
    {"Source", PARAM_TEXT, false, 0, 0, 0, 64, "Of this source"},
    {"BeforeID", PARAM_ID, false, 0, 0, 0, 0, "Those before this one"},
    {"Limit", PARAM_INT, false, 0, 0, 1, 1000, "The so many newest; 50 when absent"},
};
static const struct refusal site_refusals[] = {{1, 0, "No such site is known to deliveries now"}};
static const struct refusal source_refusals[] = {{1, 0, "No such source"}};
static const struct refusal all_refusals[] = {{1, 0, "Deliveries are not paused"}};
#define PAUSE_STEPS .steps = {{STEP_WAIT, operator_pause_ask}, {STEP_WRITER, operator_pause_store}}

static const struct operation site_rows[] = {
    {OPERATOR("Operator.Sites", "Sites as deliveries see them now: what waits, connections, limits, pauses"),
     LIST_OF(sites_params, site_refusals), .steps = {{STEP_WAIT, operator_sites_ask}, {STEP_LOOP, operator_sites_answer}}},
    {OPERATOR("Operator.Sources", "Local addresses that mail goes out from, with their pools and warm-up"), NO_PARAMS,
     .refusals = no_refusals, .steps = {{STEP_WAIT, operator_sources_ask}, {STEP_LOOP, operator_sources_answer}}},
    {OPERATOR("Operator.Pause", "Pause all deliveries; what is in flight ends"), LIST_OF(pause_all_params, all_refusals),
     PAUSE_STEPS},
    {OPERATOR("Operator.Resume", "End the pause of all deliveries"), NO_PARAMS, .refusals = all_refusals, .refusal_count = 1,
     PAUSE_STEPS},
    {OPERATOR("Operator.SitePause", "Pause a site, over restarts too"), LIST_OF(pause_params, site_refusals), PAUSE_STEPS},
    {OPERATOR("Operator.SiteResume", "End a site's pause, whoever made it; one message goes first"),
     LIST_OF(resume_params, site_refusals), PAUSE_STEPS},
    {OPERATOR("Operator.SourcePause", "Pause a source: mail of its pools goes out from the others"),
     LIST_OF(pause_params, source_refusals), PAUSE_STEPS},
    {OPERATOR("Operator.SourceResume", "End a source's pause"), LIST_OF(resume_params, source_refusals), PAUSE_STEPS},
    {OPERATOR("Operator.Pauses", "What the operator has paused"), NO_PARAMS, .refusals = no_refusals,
     .steps = {{STEP_READER, operator_pause_list}}},
    {OPERATOR("Operator.Decisions", "Every change of a limit and every pause, with its reason, newest first"),
     LIST_OF(decisions_params, no_refusals), .steps = {{STEP_READER, operator_decisions}}},
};
const struct operation_table operator_site_table = {"Operator: sites and sources", site_rows,
                                                    sizeof site_rows / sizeof site_rows[0],
                                                    "Where mail goes and where it goes out from, as deliveries see it now"};
