/* sim_http.h - web servers of a scripted world: what net/http_client.h's twin answers, and what it was asked.
 *
 * The twin reads URLs, asks the world's names and judges addresses as the real one does; then the script of the host answers.
 * TLS, connections and sharing of places are not simulated. One thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_NET_SIM_SIM_HTTP_H
#define POSTHORN_NET_SIM_SIM_HTTP_H

#include "net/http_client.h"

struct sim_http_answer {
    enum status status;           /* other than OK: the call ends so, at `stage` */
    enum http_client_stage stage; /* of a failure */
    unsigned code;                /* 0: 200 */
    const char *content_type, *body;
    int64_t retry_after_s;
    int64_t delay_ms; /* from the request to the answer; past the deadline: TIMEOUT */
    int times;        /* 0: always; else the answer behind it comes after so many */
};
/* Script of a host (a name or an address; without the port): `answers` (borrowed) ends with one whose times is 0, which is the
 * last one, for ever. Replaces an earlier script. A host without one refuses connections. */
void sim_http_script(struct loop *world, const char *host, const struct sim_http_answer *answers);
/* Requests that reached a host, as text: "POST /path\nName: value\n\nbody", newest last; "" where there are not so many. */
size_t sim_http_count(struct loop *world, const char *host);
struct str sim_http_request(struct loop *world, const char *host, size_t i);

#endif
