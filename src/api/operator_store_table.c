/* operator_store_table.c - what only the operator's control socket offers about the store.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/operator_store.h"

#include "api/keep_calls.h"
#include "api/tables.h"

static const struct param erase_params[] = {
    {"Address", PARAM_EMAIL, true, 0, 0, 0, 254, "Whom to forget"},
    {"Account", PARAM_TEXT, false, 0, 0, 0, 254, "E-mail address of the account that forgets him; all accounts when absent"},
};
static const struct refusal erase_refusals[] = {
    {1, 0, "No such account"},
};
static const struct param list_params[] = {
    {"Limit", PARAM_INT, false, 0, 0, 1, 1000, "Orders to return; 20 when absent"},
};
static const struct refusal no_refusals[] = {
    {1, 0, "No such account"},
};
static const struct refusal backup_refusals[] = {
    {1, 0, "A copy is being made already"},
    {2, 0, "The copy cannot be made"},
};
static const struct operation rows[] = {
    {"Operator.StoreStats", STYLE_CONTROL, CALLER_OPERATOR, .sentence = "How big the store is; rows of tables are about so many",
     NO_PARAMS, .steps = {{STEP_READER, operator_store_stats}}},
    {"Operator.StorePrune", STYLE_CONTROL, CALLER_OPERATOR,
     .sentence = "Remove what was kept long enough, as the gateway does each hour by itself", NO_PARAMS,
     .steps = {{STEP_WRITER, operator_store_prune}}},
    {"Operator.StoreCheck", STYLE_CONTROL, CALLER_OPERATOR, .sentence = "Look over what hangs together in the store", NO_PARAMS,
     .steps = {{STEP_SEARCH, operator_store_check}}},
    {"Operator.StoreBackup", STYLE_CONTROL, CALLER_OPERATOR,
     .sentence = "Copy the database into a file of the data folder, while it is used", NO_PARAMS, .refusals = backup_refusals,
     .refusal_count = 2,
     .steps = {{STEP_WRITER, operator_store_backup},
               {STEP_WRITER, operator_store_backup_look},
               {STEP_SLOW, operator_store_backup_finish}}},
    {"Operator.Erase", STYLE_CONTROL, CALLER_OPERATOR,
     .sentence =
         "Forget a person: what waits for him is cancelled, and all that is known of him goes, but for a hash among those "
         "who are not written to",
     LIST_OF(erase_params, erase_refusals), .steps = {{STEP_WRITER, operator_erase}, {STEP_LOOP, keep_calls_erase_wake}}},
    {"Operator.ErasureList", STYLE_CONTROL, CALLER_OPERATOR, .sentence = "Orders to forget people, newest first",
     LIST_OF(list_params, no_refusals), .steps = {{STEP_READER, operator_erasure_list}}},
};
const struct operation_table operator_store_table = {"Operator: the store", rows, sizeof rows / sizeof rows[0],
                                                     "Size, removal, copies, people who are to be forgotten"};
