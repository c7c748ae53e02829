/* tls.c - TLS settings that hold nothing: handshakes in a simulated world go as its servers say (sim.h).
 * SPDX-License-Identifier: Apache-2.0 */
#include "net/tls.h"

#include "net_sim/sim_own.h"

#include <stdlib.h>

struct tls_context {
    unsigned refs;
};

enum status tls_context_new_smtp_client(struct tls_context **ret) {
    *ret = sim_zalloc(sizeof **ret);
    (*ret)->refs = 1;
    return STATUS_OK;
}

enum status tls_context_new_server(const char *cert_file, const char *key_file, struct tls_context **ret, struct buf *ret_why) {
    (void)cert_file;
    (void)key_file;
    (void)ret_why;
    return tls_context_new_smtp_client(ret);
}

void tls_context_ref(struct tls_context *c) {
    c->refs++;
}

void tls_context_unref(struct tls_context **c) {
    if (*c && --(*c)->refs == 0) free(*c);
    *c = NULL;
}
