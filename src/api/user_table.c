/* user_table.c - accounts: parameters, refusals in the contract's printed order, and the operations themselves.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/user_calls.h"
#include "api/tables.h"

static const struct param login_params[] = {
    {"Username", PARAM_TEXT, true, 1, 3, 0, 254, "E-mail address of the account"},
    {"Password", PARAM_SECRET, true, 2, 3, 0, 1024, "Its password"},
};
static const struct refusal login_refusals[] = {
    {1, 0, "Missing username"},
    {2, 0, "Missing password"},
    {3, 0, "Invalid login information"},
};

static const struct operation rows[] = {
    {"User.Login", STYLE_COMMAND, CALLER_ANYONE, .sentence = "Log in; answers a SessionID", LIST_OF(login_params, login_refusals),
     .steps = {{STEP_READER, login_find}, {STEP_SLOW, login_verify}, {STEP_WRITER, login_start}}},
};
const struct operation_table user_table = {"Accounts", rows, sizeof rows / sizeof rows[0]};
