/* country.h - in which country an address is, out of a database file in MaxMind's format (GeoLite2-Country, DB-IP and others).
 *
 * The file is mapped, so whoever updates it puts a new one in its place (as geoipupdate does) and never writes into this one.
 * Immutable once open; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_TRACK_COUNTRY_H
#define POSTHORN_TRACK_COUNTRY_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/status.h"
#include "proto/address/network.h"

struct country_file;
/* INVALID: *ret_why is a sentence. */
WARN_UNUSED enum status country_file_open(const char *path, struct buf *ret_why, struct country_file **ret);
/* NULL inside is fine. */
void country_file_close(struct country_file **f);

/* Two capital letters (ISO 3166-1), in the arena; "" not known, and where f is NULL. */
struct str country_find(const struct country_file *f, const struct ip *ip, struct arena *arena);

#endif
