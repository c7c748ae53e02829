/* hosting.c - the table of hosts of zones. To add one: a row.
 *
 * What trips people is the same few things everywhere: whether the name of the zone is added to what they type, whether a proxy
 * stands before a CNAME, where the number of an MX goes. So that is what the sentences say.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/hosting.h"

#include <stddef.h>

#define BARE_HOSTS "Enter each host without the domain at its end: the provider adds it."
#define MX_APART   " The number of an MX record goes into the field for the priority."

static const struct hosting others = {
    {"", 0},
    "",
    "Add each record to the zone where your domain's name servers are. Many providers add the domain to the host by themselves: "
    "then enter the host without it." MX_APART,
};
static const struct hosting hosts[] = {
    {STR_INIT("cloudflare"), "https://dash.cloudflare.com/",
     "Choose the domain, then DNS > Records > Add record. Set the proxy of the CNAME to \"DNS only\": proxied, it cannot be "
     "verified." MX_APART},
    {STR_INIT("route53"), "https://console.aws.amazon.com/route53/v2/hostedzones",
     "Open the hosted zone and choose Create record. " BARE_HOSTS
     " The value of a TXT record stands in quotation marks, in pieces "
     "of at most 255 characters each; the value of an MX record begins with its number."},
    {STR_INIT("godaddy"), "https://dcc.godaddy.com/control/portfolio",
     "Choose the domain, then DNS > Add New Record. " BARE_HOSTS MX_APART},
    {STR_INIT("namecheap"), "https://ap.www.namecheap.com/domains/list/",
     "Choose Manage, then Advanced DNS. " BARE_HOSTS " MX records are entered under Mail Settings > Custom MX." MX_APART},
    {STR_INIT("google"), "https://console.cloud.google.com/net-services/dns/zones",
     "Open the zone and choose Add standard. " BARE_HOSTS " The value of an MX record begins with its number."},
    {STR_INIT("squarespace"), "https://account.squarespace.com/domains",
     "Choose the domain, then DNS > DNS settings > Custom records. " BARE_HOSTS MX_APART},
    {STR_INIT("digitalocean"), "https://cloud.digitalocean.com/networking/domains",
     "Choose the domain under Networking > Domains. " BARE_HOSTS " End the targets of CNAME and MX with a dot." MX_APART},
    {STR_INIT("azure"), "https://portal.azure.com/#browse/Microsoft.Network%2FdnsZones",
     "Open the zone and choose Record set. " BARE_HOSTS MX_APART},
    {STR_INIT("hetzner"), "https://dns.hetzner.com/", "Open the zone and choose Add record. " BARE_HOSTS MX_APART},
    {STR_INIT("ovh"), "https://www.ovh.com/manager/#/web/domain",
     "Choose the domain, then DNS zone > Add an entry. " BARE_HOSTS " End the targets of CNAME and MX with a dot." MX_APART},
    {STR_INIT("gandi"), "https://admin.gandi.net/domain/", "Choose the domain, then DNS Records > Add. " BARE_HOSTS MX_APART},
    {STR_INIT("ionos"), "https://my.ionos.com/domains", "Choose the domain, then DNS > Add record. " BARE_HOSTS MX_APART},
    {STR_INIT("porkbun"), "https://porkbun.com/account/domains", "Choose DNS beside the domain. " BARE_HOSTS MX_APART},
    {STR_INIT("vercel"), "https://vercel.com/dashboard/domains", "Choose the domain, then DNS Records. " BARE_HOSTS MX_APART},
};

/* Equal but for case, blanks, dots and hyphens. */
static bool is_called(struct str given, struct str name) {
    size_t at = 0;
    for (size_t i = 0; i < given.n; i++) {
        if (given.p[i] == ' ' || given.p[i] == '.' || given.p[i] == '-') continue;
        if (at == name.n || ascii_lower(given.p[i]) != name.p[at++]) return false;
    }
    return at == name.n;
}

const struct hosting *hosting_find(struct str name) {
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
        if (is_called(name, hosts[i].name)) return &hosts[i];
    return &others;
}
