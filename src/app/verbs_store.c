/* verbs_store.c - the verbs of the store: how big it is, what is old, whether it hangs together, copies, people to be forgotten.
 * SPDX-License-Identifier: Apache-2.0 */
#include "app/verbs_own.h"

static const struct verb verbs[] = {
    {.words = "store stats",
     .operation = "Operator.StoreStats",
     .summary = "Show how big the store is.",
     .say = "Engine: {Engine}\nBytes: {Bytes}, of which free inside: {FreeInside}\nEvents: {OldestEvent} to {NewestEvent}\n"
            "Oldest content: {OldestContent}\n",
     .rows = "Tables",
     .columns = "Name:TABLE Rows:ROWS-ABOUT Bytes:BYTES"},
    {.words = "store prune",
     .operation = "Operator.StorePrune",
     .summary = "Remove now what was kept long enough; the gateway does so each hour by itself.",
     .say = "Removed: {Bodies} contents ({Bytes} bytes), {Inbox} mails of the inbox, {Events} events, {Messages} messages, "
            "{ListSends} list sends.\n"},
    {.words = "store check",
     .operation = "Operator.StoreCheck",
     .summary = "Look over what hangs together in the store; whether a copy is whole is told by store restore.",
     .say = "Looked over; breaches: {Breaches}\n",
     .rows = "Rules",
     .columns = "Count:COUNT Rule:WHAT First:FIRST-IDS",
     .verdict = "IsSound"},
    {.words = "store backup",
     .operation = "Operator.StoreBackup",
     .summary = "Make a copy of the database in the data folder, while it is used.",
     .say = "The copy is whole: {File} in the data folder, {Bytes} bytes.\nMove it to another machine, and the master key, apart "
            "from it, as well.\n"},
    {.words = "retention show",
     .operation = "Retention.Get",
     .summary = "Show how long an account keeps contents and events.",
     .options = {ACCOUNT},
     .say = "Contents: {Retention.BodyDays} days, at most {Most.BodyDays}\nEvents: {Retention.EventDays} days, at most "
            "{Most.EventDays}\n"},
    {.words = "retention set",
     .operation = "Retention.Set",
     .summary = "Say how long an account keeps contents and events.",
     .options = {{"body_days=", "BodyDays", "N", false, "Days of contents; 0: as [keep] says."},
                 {"event_days=", "EventDays", "N", false, "Days of events; 0: as [keep] says."},
                 ACCOUNT},
     .say = "Contents: {Retention.BodyDays} days\nEvents: {Retention.EventDays} days\n"},
    {.words = "erase",
     .operation = "Operator.Erase",
     .summary = "Forget a person and what he got; a hash stays among those who are not written to.",
     .argument = "ADDRESS",
     .parameter = "Address",
     .options = {{"--account", "Account", "E", false, "By this account alone; by all otherwise."}},
     .say = "Erasure {ErasureID} is ordered; posthorn store erasures shows how far it is.\n"},
    {.words = "store erasures",
     .operation = "Operator.ErasureList",
     .summary = "Show orders to forget people, and how far they are.",
     .options = {{"--limit", "Limit", "N", false, "The so many newest; 20 otherwise."}},
     .rows = "Erasures",
     .columns = "ErasureID:ID State:STATE Recipients:RECIPIENTS Events:EVENTS Contents:CONTENTS Waiting:WAITING CreatedAt:SINCE "
                "FinishedAt:DONE Hash:SHA-256"},
};

struct verb_part verbs_store(void) {
    return (struct verb_part){verbs, sizeof verbs / sizeof verbs[0]};
}
