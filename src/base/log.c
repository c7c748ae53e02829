/* log.c - a line is built in a buf and leaves in one write(2) under the sink's lock, so lines don't mix. What a peer said
 * may stand in a value: controls are escaped, bytes that are not UTF-8 become U+FFFD (JSON) or \xNN (logfmt), and a value
 * ends after LOG_VALUE_MAX bytes, so nobody can forge a line or fill the disk with one. A sink that fails is ignored:
 * there is nowhere to say so.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "base/buf.h"
#include "base/clock.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

static struct {
    pthread_mutex_t lock;
    int fd;
    enum log_format format;
    _Atomic enum log_level level;
} sink = {PTHREAD_MUTEX_INITIALIZER, STDERR_FILENO, LOG_LOGFMT, LOG_INFO};

static const char *const level_names[] = {"debug", "info", "warn", "error"};

void log_configure(int fd, enum log_level level, enum log_format format) {
    pthread_mutex_lock(&sink.lock);
    sink.fd = fd;
    sink.format = format;
    pthread_mutex_unlock(&sink.lock);
    log_set_level(level);
}

void log_set_level(enum log_level level) {
    atomic_store_explicit(&sink.level, level, memory_order_relaxed);
}

bool log_is_on(enum log_level level) {
    return level >= atomic_load_explicit(&sink.level, memory_order_relaxed);
}

/* Length of the printable character at the start of s (n > 0): 1 for plain ASCII, more for a whole UTF-8 sequence, 0 for
 * what must be escaped. C1 controls (C2 80..9F) and the bidi and line separators (E2 80 8E..AF) disturb terminals. */
static size_t plain_length(struct str s) {
    uint8_t c = (uint8_t)s.p[0];
    if (c < 0x80) return c >= 0x20 && c != 0x7F && c != '"' && c != '\\';
    size_t n = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
    if (n > s.n || !str_is_utf8(str_sub(s, 0, n))) return 0;
    uint8_t second = (uint8_t)s.p[1];
    if (c == 0xC2 && second < 0xA0) return 0;
    if (c == 0xE2 && second == 0x80 && (uint8_t)s.p[2] >= 0x8E && (uint8_t)s.p[2] <= 0xAF) return 0;
    return n;
}

static void add_escaped(struct buf *out, char c, enum log_format format) {
    static const char named[] = "\"\"\\\\\nn\rr\tt"; /* the byte, then its letter */
    for (size_t i = 0; i + 1 < sizeof named; i += 2) {
        if (named[i] != c) continue;
        buf_add_char(out, '\\');
        buf_add_char(out, named[i + 1]);
        return;
    }
    uint8_t byte = (uint8_t)c;
    if (format == LOG_JSON && byte >= 0x80) {
        buf_add_z(out, "\xEF\xBF\xBD");
    } else {
        buf_addf(out, format == LOG_JSON ? "\\u%04x" : "\\x%02x", byte);
    }
}

static void add_quoted(struct buf *out, struct str s, enum log_format format) {
    bool is_cut = s.n > LOG_VALUE_MAX;
    s = str_sub(s, 0, LOG_VALUE_MAX);
    buf_add_char(out, '"');
    while (s.n) {
        size_t n = plain_length(s);
        if (n) {
            buf_add(out, s.p, n);
        } else {
            add_escaped(out, s.p[0], format);
        }
        s = str_sub(s, n ? n : 1, SIZE_MAX);
    }
    buf_add_z(out, is_cut ? "...\"" : "\"");
}

/* logfmt leaves plain words bare. */
static bool is_word(struct str s) {
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] <= 0x20 || s.p[i] >= 0x7F || s.p[i] == '"' || s.p[i] == '\\' || s.p[i] == '=') return false;
    }
    return s.n > 0 && s.n <= LOG_VALUE_MAX;
}

static void add_field(struct buf *out, const struct log_field *f, enum log_format format) {
    if (format == LOG_JSON) {
        buf_add_char(out, ',');
        add_quoted(out, str_from_z(f->key), format);
        buf_add_char(out, ':');
    } else {
        buf_add_char(out, ' ');
        buf_add_z(out, f->key);
        buf_add_char(out, '=');
    }
    if (f->is_number) {
        buf_add_i64(out, f->number);
    } else if (format == LOG_LOGFMT && is_word(f->text)) {
        buf_add_str(out, f->text);
    } else {
        add_quoted(out, f->text, format);
    }
}

static void write_all(int fd, struct str line) {
    while (line.n) {
        ssize_t n = write(fd, line.p, line.n);
        if (n < 0 && errno != EINTR) return;
        if (n > 0) line = str_sub(line, (size_t)n, SIZE_MAX);
    }
}

void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t count) {
    if (!log_is_on(level)) return;
    BUF_AUTO line = {0};
    pthread_mutex_lock(&sink.lock);
    enum log_format format = sink.format;
    buf_add_z(&line, format == LOG_JSON ? "{\"time\":\"" : "time=");
    time_add_iso_ms(&line, clock_wall_ms(clock_system()));
    if (format == LOG_JSON) buf_add_char(&line, '"');
    add_field(&line, &LOG_Z("level", level_names[level]), format);
    add_field(&line, &LOG_Z("event", event), format);
    for (size_t i = 0; i < count; i++) add_field(&line, &fields[i], format);
    buf_add_z(&line, format == LOG_JSON ? "}\n" : "\n");
    write_all(sink.fd, buf_str(&line));
    pthread_mutex_unlock(&sink.lock);
}
