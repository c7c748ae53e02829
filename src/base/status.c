/* status.c - the one table of what a status means.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/status.h"

static const struct {
    const char *text;
    int http;
} meanings[STATUS_COUNT] = {
    [STATUS_OK] = {"ok", 200},
    [STATUS_ROW] = {"row", 200},
    [STATUS_NOT_FOUND] = {"not found", 404},
    [STATUS_EXISTS] = {"already exists", 409},
    [STATUS_INVALID] = {"invalid", 400},
    [STATUS_DENIED] = {"denied", 403},
    [STATUS_LIMIT] = {"limit reached", 429},
    [STATUS_TEMPORARY] = {"temporary failure", 503},
    [STATUS_TIMEOUT] = {"timed out", 503},
    [STATUS_CLOSED] = {"connection closed", 503},
    [STATUS_CANCELLED] = {"cancelled", 503},
    [STATUS_CONFLICT] = {"conflicting transaction", 503},
    [STATUS_IO] = {"i/o error", 503},
    [STATUS_UNKNOWN] = {"outcome unknown", 503},
    [STATUS_CORRUPT] = {"corrupt data", 500},
    [STATUS_UNSUPPORTED] = {"not supported", 501},
};

const char *status_text(enum status s) {
    return s < STATUS_COUNT ? meanings[s].text : "unknown status";
}

int status_http(enum status s) {
    return s < STATUS_COUNT ? meanings[s].http : 500;
}
