/* doctor.h - `posthorn doctor`: what will bite a first live user, found before it does.
 *
 * Checks the host name, its address and PTR, port 25 outwards, the resolver and DNSSEC, the clock, the disk, descriptor limits,
 * and the permissions of the data folder and the master key. Changes nothing; works beside a running server.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_APP_DOCTOR_H
#define POSTHORN_APP_DOCTOR_H

#include "app/config.h"

/* Run every check and print a line each (or JSON). Exit code: 0 when nothing is bad (warnings allowed), 1 otherwise. Takes at
 * most half a minute. */
int doctor(const struct config *c, bool json);

#endif
