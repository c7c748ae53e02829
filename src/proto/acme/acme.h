/* acme.h - one certificate for one host name from an authority, as RFC 8555 has it, with the http-01 challenge.
 *
 * A step machine: acme_next() says what is to be done, somebody with a network does it and brings the answer. It knows no socket,
 * no clock and no disk; whatever an authority answers is judged here, and every loop has an end.
 *
 *   DIRECTORY -> ACCOUNT -> ORDER -> AUTHORIZATION -> CHALLENGE -> CHECK -> FINALIZE -> COLLECT -> CERTIFICATE -> DONE
 *                (known: left out)      \___ valid already _____________/    ^   \        ^   \
 *                                                                            '-poll'      '-poll'
 *   a nonce is fetched before any of them that has none; badNonce repeats a state (6.5); anything else that goes wrong: FAILED
 *
 * One thread at a time.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_ACME_ACME_H
#define POSTHORN_PROTO_ACME_ACME_H

#include "base/arena.h"
#include "crypto/eckey.h"

#define ACME_ANSWER_MAX 131072 /* bytes of an answer's body that are of use */
#define ACME_URL_MAX    2048
#define ACME_TOKEN_MAX  256

struct acme;
/* Strings are copied; the keys must outlive the machine. */
struct acme_options {
    struct str directory; /* URL */
    struct str contact;   /* an e-mail address; "": none */
    struct str account;   /* its URL as an earlier order learnt it; "": not known, it is asked for or made */
    struct str host;
    const struct eckey *account_key, *host_key;
};
/* The terms of service are agreed to: ask the operator before. */
struct acme *acme_new(const struct acme_options *options);
/* NULL inside is fine. */
void acme_free(struct acme **m);

enum acme_want {
    ACME_REQUEST, /* ask, then acme_answer */
    ACME_PAUSE,   /* wait, then acme_next */
    ACME_DONE,    /* acme_certificate */
    ACME_FAILED   /* acme_failure */
};
struct acme_step {
    enum acme_want want;
    bool is_post; /* REQUEST: else GET */
    struct str url, body;
    int64_t pause_ms;
};
/* What to do now; each step is told once. Valid until acme_answer. */
void acme_next(struct acme *m, struct acme_step *ret);

/* Content-Type of a POST. */
#define ACME_CONTENT_TYPE STR("application/jose+json")
struct acme_answer {
    unsigned code;
    struct str body;            /* ACME_ANSWER_MAX at most */
    struct str nonce, location; /* Replay-Nonce and Location, "" when absent */
    int64_t retry_after_s;      /* 0: none */
};
void acme_answer(struct acme *m, const struct acme_answer *answer);
/* No answer came. */
void acme_no_answer(struct acme *m, struct str why);

/* What http://<host>/.well-known/acme-challenge/<token> has to answer from now on; false: nothing (yet). */
bool acme_challenge(const struct acme *m, struct str *ret_token, struct str *ret_authorization);
/* The chain in PEM, as it came; when DONE. */
struct str acme_certificate(const struct acme *m);
/* The account's URL, once known; "" before. */
struct str acme_account(const struct acme *m);
struct acme_failure {
    bool is_general;       /* any other host would have failed as well, it seems */
    bool is_hosts;         /* the host was named already: it may be the cause all the same */
    int64_t retry_after_s; /* as the authority asks; 0: it did not say */
    struct str why;        /* a sentence, printable ASCII; the authority's words in it */
};
const struct acme_failure *acme_failure(const struct acme *m);

#endif
