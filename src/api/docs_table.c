/* docs_table.c - what the API says about itself.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/call.h"
#include "api/openapi.h"
#include "api/tables.h"

static enum status write_document(struct call *c, struct db *db) {
    (void)db;
    openapi_write(&c->out);
    return STATUS_OK;
}

static const struct operation rows[] = {
    {"OpenAPI", STYLE_PROBE, CALLER_ANYONE, .method = HTTP_GET, .path = "/openapi.json",
     .sentence = "This API as an OpenAPI 3.1 document", NO_PARAMS, .steps = {{STEP_SLOW, write_document}}},
};
const struct operation_table docs_table = {"Documentation", rows, sizeof rows / sizeof rows[0], "What the API says about itself"};
