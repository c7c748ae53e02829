/* export_gate.c - see export_gate.h. There are so few places that a list of who has them will do.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/export_gate.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

struct export_gate {
    pthread_mutex_t lock;
    int64_t accounts[EXPORTS_MAX];
    size_t count;
};

struct export_gate *export_gate_new(void) {
    struct export_gate *gate = calloc(1, sizeof *gate);
    if (!gate) abort();
    pthread_mutex_init(&gate->lock, NULL);
    return gate;
}

void export_gate_free(struct export_gate **gate) {
    if (!*gate) return;
    pthread_mutex_destroy(&(*gate)->lock);
    free(*gate);
    *gate = NULL;
}

enum status export_gate_take(struct export_gate *gate, int64_t account_id) {
    size_t own = 0;
    enum status status = STATUS_OK;
    pthread_mutex_lock(&gate->lock);
    for (size_t i = 0; i < gate->count; i++) own += gate->accounts[i] == account_id;
    if (gate->count == EXPORTS_MAX) status = STATUS_LIMIT;
    if (own >= EXPORTS_OF_ACCOUNT_MAX) status = STATUS_EXISTS;
    if (status == STATUS_OK) gate->accounts[gate->count++] = account_id;
    pthread_mutex_unlock(&gate->lock);
    return status;
}

void export_gate_give(struct export_gate *gate, int64_t account_id) {
    size_t i = 0;
    pthread_mutex_lock(&gate->lock);
    while (i < gate->count && gate->accounts[i] != account_id) i++;
    assert(i < gate->count);
    gate->accounts[i] = gate->accounts[--gate->count];
    pthread_mutex_unlock(&gate->lock);
}
