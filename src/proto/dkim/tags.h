/* tags.h - DKIM tag lists (RFC 6376 3.2) and the key records made of them (3.6.1; RFC 8463). Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_DKIM_TAGS_H
#define POSTHORN_PROTO_DKIM_TAGS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/status.h"
#include "crypto/signkey.h"

#define DKIM_TAGS_MAX 64

struct dkim_tag {
    struct str name, value; /* value trimmed of folding white space at both ends */
};
struct dkim_tags {
    struct dkim_tag items[DKIM_TAGS_MAX];
    size_t count;
};
/* False: no tag list, a name twice (the whole list is void then), or over DKIM_TAGS_MAX tags. Slices of s. */
bool dkim_tags_parse(struct str s, struct dkim_tags *ret);
/* NULL when absent; names are case-sensitive. */
const struct dkim_tag *dkim_tags_find(const struct dkim_tags *t, struct str name);
/* Decode a base64 tag value that may hold white space; appends to out. */
bool dkim_tag_base64(struct str value, struct buf *out);

enum dkim_key_state {
    DKIM_KEY_OK,
    DKIM_KEY_REVOKED,  /* p= is empty */
    DKIM_KEY_NOT_DKIM, /* some other TXT record, or v= is not DKIM1 in front */
    DKIM_KEY_MALFORMED,
    DKIM_KEY_UNSUPPORTED, /* k=, h= or s= rule our use out */
};
struct dkim_key_record {
    enum dkim_key_state state;
    enum signkey_type type;
    struct str public_key; /* p= decoded, in the form of signkey_generate(); in the arena */
    bool is_testing;       /* t=y */
};
/* Judge one TXT record (its strings joined). The other fields of *ret hold only with DKIM_KEY_OK. */
void dkim_key_parse(struct str text, struct arena *arena, struct dkim_key_record *ret);
/* Append "v=DKIM1; k=rsa; p=..."; to be published as one TXT record, cut into strings of 255 octets. */
void dkim_key_format(enum signkey_type type, struct str public_key, struct buf *out);

#endif
