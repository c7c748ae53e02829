/* submission_own.h - what the two files of the role `submission` share.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_SMTPD_SUBMISSION_OWN_H
#define POSTHORN_SMTPD_SUBMISSION_OWN_H

#include "core/smtp_users.h"
#include "smtpd/own.h"

/* Whose turn it is, among accounts: a client who is nobody yet waits with those of his own address (P6). */
int64_t submission_lane_of_client(const struct connection *c);

#endif
