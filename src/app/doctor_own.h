/* doctor_own.h - what doctor's files share: the patient, and how a check asks and says.
 *
 *   doctor.c: the machine, its name, its files    doctor_outbound.c: how mail gets out    doctor_certificates.c: by host name
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_APP_DOCTOR_OWN_H
#define POSTHORN_APP_DOCTOR_OWN_H

#include "app/config.h"
#include "net/resolver.h"
#include "net/stream.h"

enum verdict { VERDICT_OK, VERDICT_WARN, VERDICT_BAD };

struct patient {
    const struct config *config;
    struct arena arena;
    struct loop *loop;
    struct resolver *resolver;
    struct dns_answer answer; /* of the last question; records copied to the arena */
    enum status connected;
    struct net_address address; /* of our host name, family 0 when unknown */
    struct str found;           /* what a check says, in the arena */
};
typedef enum verdict (*check_fn)(struct patient *p);

/* ---- doctor.c ---- */
/* Returns the verdict; the words become p->found. */
__attribute__((format(printf, 3, 4))) enum verdict doctor_say(struct patient *p, enum verdict verdict, const char *format, ...);
/* p->answer, within a few seconds. */
void doctor_ask(struct patient *p, struct str name, enum dns_type type);
/* p->connected: OK when a connection came about within a few seconds. */
void doctor_connect(struct patient *p, const struct net_address *to);
/* Does an address point back to a name? */
bool doctor_points_back(struct patient *p, const struct net_address *address, struct str name);

/* ---- doctor_outbound.c ---- */
enum verdict check_sources(struct patient *p);
enum verdict check_relays(struct patient *p);
enum verdict check_delivery_files(struct patient *p);
enum verdict check_alerts(struct patient *p);

/* ---- doctor_certificates.c ---- */
enum verdict check_host_certificates(struct patient *p);
/* How long the one of [delivery] hostname lasts, which strangers are shown without a [tls] pair; 0: there is none. */
int64_t doctor_own_lasts_ms(struct patient *p);

#endif
