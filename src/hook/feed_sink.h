/* feed_sink.h - where lines of the feed go: a file they are appended to, or a socket somebody listens on. It blocks: for a thread
 * of its own.
 *
 * File: opened for each batch by its name, so whoever moved it (logrotate) gets the next batch in a new one; synced before it
 * counts as written; a batch that did not get in whole is cut off again, and so is half a line that a crash left, so the file
 * holds whole lines only.
 * Socket: a connection a batch. The end of our bytes is the end of the batch, and the reader's close says that he has it: whoever
 * reads to the end closes then, and one that dies with bytes unread is a reset. That he read and then lost it, nobody can tell
 * us.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_HOOK_FEED_SINK_H
#define POSTHORN_HOOK_FEED_SINK_H

#include "core/feed.h"

#define FEED_FILE_MODE  0640
#define FEED_PATIENCE_S 30 /* of a reader who takes nothing, and until he has closed */

struct feed_sink;
/* "file:..." etc. (core/feed.h). INVALID: none of these, or no address. */
WARN_UNUSED enum status feed_sink_new(struct str target, struct feed_sink **ret);
/* Lines, all of them or none count. OK: they are synced, or read. CANCELLED: feed_sink_cancel. Else *why is a sentence; some of
 * them may have been read. */
WARN_UNUSED enum status feed_sink_write(struct feed_sink *s, struct str lines, struct buf *why);
/* Any thread: a write under way ends soon, and all that follow. */
void feed_sink_cancel(struct feed_sink *s);
void feed_sink_free(struct feed_sink **s);

#endif
