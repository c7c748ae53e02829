/* main.c - the store's suite, on whatever engine the environment names (fixture.h).
 * SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

int main(void) {
    return run_accounts() + run_content() + run_engine() + run_domains() + run_lists() + run_threads() + run_verbs() +
                   run_queue() + run_writer() + run_migrate()
               ? 1
               : 0;
}
