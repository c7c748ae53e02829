/* timeline_say.c - an event in words; see timeline.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/timeline.h"

#include "proto/json/json.h"

/* `before` and the text and `after`, if there is a text. */
static void add_part(struct buf *out, const char *before, struct str text, const char *after) {
    if (text.n) buf_addf(out, "%s%.*s%s", before, STR_ARG(text), after);
}

static int64_t number_of(const struct json *object, struct str name) {
    const struct json *value = json_find(object, name);
    int64_t number = 0;
    return json_is(value, JSON_NUMBER) && json_to_i64(value, &number) ? number : 0;
}

static bool is_true(const struct json *object, struct str name) {
    const struct json *value = json_find(object, name);
    return json_is(value, JSON_BOOL) && value->boolean;
}

static void add_seconds(struct buf *out, const char *before, int64_t ms) {
    if (ms > 0) buf_addf(out, "%s%lld.%lld s", before, (long long)(ms / 1000), (long long)(ms % 1000 / 100));
}

/* ---- attempts ---- */
static void add_host(struct buf *out, const struct json *d) {
    struct str host = json_find_text(d, STR("MXHost"));
    add_part(out, "", host, "");
    add_part(out, host.n ? " [" : "[", json_find_text(d, STR("MXAddress")), "]");
}

static void add_reply(struct buf *out, const struct json *d) {
    const struct json *reply = json_find(d, STR("Reply"));
    int64_t code = number_of(reply, STR("Code"));
    if (!reply) return;
    buf_add_z(out, is_true(reply, STR("Local")) ? " gave" : " said");
    if (code) buf_addf(out, " %lld", (long long)code);
    add_part(out, " ", json_find_text(reply, STR("Enhanced")), "");
    add_part(out, " \"", json_find_text(reply, STR("Text")), "\"");
    add_part(out, " to ", json_find_text(reply, STR("Command")), "");
}

static void add_tls(struct buf *out, const struct json *d) {
    const struct json *tls = json_find(d, STR("TLS"));
    if (!tls) return;
    add_part(out, ", ", json_find_text(tls, STR("Version")), is_true(tls, STR("Verified")) ? " (verified)" : " (not verified)");
}

/* "Attempt 2: mx.example.net [192.0.2.1] said 451 ..."; without a dialogue, why. */
static void add_attempt(struct buf *out, const struct json *d) {
    int64_t attempt = number_of(d, STR("Attempt"));
    bool has_dialogue = json_find(d, STR("Reply")) != NULL;
    if (attempt) buf_addf(out, "Attempt %lld: ", (long long)attempt);
    if (has_dialogue) {
        add_host(out, d);
        add_reply(out, d);
        add_tls(out, d);
    } else {
        struct str reason = json_find_text(d, STR("Reason"));
        buf_add_str(out, reason.n ? reason : STR("no reason is known"));
    }
    buf_add_char(out, '.');
}

static void say_deferred(const struct json *d, struct buf *out) {
    add_attempt(out, d);
    add_part(out, " It waits till ", json_find_text(d, STR("NextAttempt")), ".");
}

static void say_delivery(const struct json *d, struct buf *out) {
    add_attempt(out, d);
    add_seconds(out, " It took ", number_of(d, STR("QueueMs")));
    if (number_of(d, STR("QueueMs")) > 0) buf_add_char(out, '.');
}

static void say_bounce(const struct json *d, struct buf *out) {
    const struct json *bounce = json_find(d, STR("Bounce"));
    struct str source = json_find_text(bounce, STR("Source"));
    bool came_home = str_eq(source, STR("dsn")) || str_eq(source, STR("text"));
    if (came_home) {
        add_part(out, "It came back: ", json_find_text(d, STR("Reason")), ".");
    } else {
        add_attempt(out, d);
    }
    add_part(out, is_true(bounce, STR("Hard")) ? " A hard bounce: " : " A soft bounce: ", json_find_text(bounce, STR("Class")),
             ".");
}

static void say_failed(const struct json *d, struct buf *out) {
    struct str reason = json_find_text(d, STR("Reason"));
    buf_add_z(out, "Given up: ");
    buf_add_str(out, reason.n ? reason : STR("no reason is known"));
    buf_add_char(out, '.');
}

/* ---- people ---- */
static void say_send(const struct json *d, struct buf *out) {
    (void)d;
    buf_add_z(out, "Taken for this recipient.");
}

static void say_suppressed(const struct json *d, struct buf *out) {
    buf_add_z(out, "Not sent: the address is suppressed");
    add_part(out, " (", json_find_text(d, STR("Reason")), ")");
    add_part(out, " for the tag \"", json_find_text(d, STR("Tag")), "\"");
    buf_add_char(out, '.');
}

static void add_visitor(const struct json *d, struct buf *out) {
    static const struct str names[] = {STR_INIT("Client"), STR_INIT("Device"), STR_INIT("Country"), STR_INIT("IpAddress")};
    const char *before = " (";
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct str text = json_find_text(d, names[i]);
        add_part(out, before, text, "");
        if (text.n) before = ", ";
    }
    if (before[0] == ',') buf_add_char(out, ')');
}

static void say_open(const struct json *d, struct buf *out) {
    buf_add_z(out, is_true(d, STR("Bot")) ? "A machine fetched its picture" : "Opened");
    add_visitor(d, out);
    buf_add_char(out, '.');
}

static void say_click(const struct json *d, struct buf *out) {
    buf_add_z(out, is_true(d, STR("Bot")) ? "A machine followed " : "Clicked ");
    buf_add_str(out, json_find_text(d, STR("Link")));
    add_visitor(d, out);
    buf_add_char(out, '.');
}

static void say_unsubscribe(const struct json *d, struct buf *out) {
    buf_add_z(out, "Unsubscribed");
    add_part(out, " (", json_find_text(d, STR("Source")), ")");
    buf_add_char(out, '.');
}

static void say_complaint(const struct json *d, struct buf *out) {
    const struct json *complaint = json_find(d, STR("Complaint"));
    buf_add_z(out, "Complained");
    add_part(out, " (", json_find_text(complaint, STR("Type")), ")");
    add_part(out, ", says ", json_find_text(complaint, STR("Reporter")), "");
    buf_add_char(out, '.');
}

void timeline_say(enum event_type type, struct str detail, struct arena *arena, struct buf *out) {
    static void (*const sayings[EVENT_TYPE_COUNT])(const struct json *, struct buf *) = {
        [EVENT_SEND] = say_send,           [EVENT_DEFERRED] = say_deferred, [EVENT_DELIVERY] = say_delivery,
        [EVENT_BOUNCE] = say_bounce,       [EVENT_FAILED] = say_failed,     [EVENT_SUPPRESSED] = say_suppressed,
        [EVENT_OPEN] = say_open,           [EVENT_CLICK] = say_click,       [EVENT_UNSUBSCRIBE] = say_unsubscribe,
        [EVENT_COMPLAINT] = say_complaint,
    };
    const struct json *object = NULL;
    struct json_error error;
    if (!json_parse(arena, detail, &object, &error)) object = NULL;
    if (type >= EVENT_SEND && type < EVENT_TYPE_COUNT) sayings[type](object, out);
}
