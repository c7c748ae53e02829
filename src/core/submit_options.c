/* submit_options.c - X-Posthorn-*: a table of names, and a function for each that reads its value or says in a predicate what is
 * wrong with it. What a value may be stands in core/send_values.h, where the API finds it too.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/submit_own.h"

#include "core/send_values.h"

static const char *read_json(struct submit *s, struct str text, const struct json **ret) {
    struct json_error error;
    if (json_parse(s->arena, text, ret, &error)) return NULL;
    return arena_strf(s->arena, "is no JSON: %s (byte %zu)", error.why, error.at + 1).p;
}

static const char *read_tags(struct submit *s, struct str value) {
    const struct json *list;
    struct str tag;
    BUF_AUTO text = {0};
    struct json_writer w = {.out = &text};
    json_open_array(&w);
    while (str_next(&value, ',', &tag))
        if (str_trim(tag).n) json_str(&w, str_trim(tag));
    json_close_array(&w);
    s->options.tags = arena_str(s->arena, buf_str(&text));
    const char *why = read_json(s, s->options.tags, &list);
    return why ? why : send_texts_refuse(list, SEND_TAGS_MAX, SEND_TAG_MAX_BYTES);
}

static const char *read_metadata(struct submit *s, struct str value) {
    const char *why = read_json(s, value, &s->options.metadata);
    if (!why) why = send_metadata_refuse(s->options.metadata, SEND_METADATA_MAX, SEND_METADATA_MAX_BYTES);
    const char *reserved = why ? NULL : send_metadata_reserved(s->options.metadata);
    return reserved ? arena_strf(s->arena, "must not hold %s: that name is taken", reserved).p : why;
}

static const char *read_data(struct submit *s, struct str value) {
    const char *why = read_json(s, value, &s->options.data);
    return why ? why : send_object_refuse(s->options.data, SEND_DATA_MAX);
}

static const char *read_switch(struct str value, bool *ret_is_given, bool *ret) {
    *ret_is_given = send_switch_parse(value, ret);
    return *ret_is_given ? NULL : "must be yes or no";
}

static const char *read_track_opens(struct submit *s, struct str value) {
    return read_switch(value, &s->options.has_track_opens, &s->options.track_opens);
}

static const char *read_track_links(struct submit *s, struct str value) {
    return read_switch(value, &s->options.has_track_links, &s->options.track_links);
}

static const char *read_send_at(struct submit *s, struct str value) {
    int64_t at;
    bool has_time;
    if (!send_time_parse(value, &at, &has_time) || !has_time) return "must be a Unix time or YYYY-MM-DD HH:MM:SS";
    return send_at_judge(at, s->now, &s->options.due_at) ? NULL : SEND_AT_WHY;
}

static const char *read_ttl(struct submit *s, struct str value) {
    if (str_to_i64(value, &s->options.ttl_s) && s->options.ttl_s >= SEND_TTL_MIN_S && s->options.ttl_s <= SEND_TTL_MAX_S)
        return NULL;
    return arena_strf(s->arena, "must be a number of seconds from %d to %d", SEND_TTL_MIN_S, SEND_TTL_MAX_S).p;
}

static const char *read_tls(struct submit *s, struct str value) {
    s->options.has_tls = tls_level_parse(value, &s->options.tls);
    return s->options.has_tls ? NULL : "must be opportunistic, require, verify, requiretls or waive";
}

static const char *read_stream(struct submit *s, struct str value) {
    enum send_stream stream;
    if (!send_stream_parse(value, &stream)) return "must be transactional or broadcast";
    s->options.is_transactional = stream == SEND_TRANSACTIONAL;
    s->options.is_broadcast = stream == SEND_BROADCAST;
    return NULL;
}

static const char *read_template(struct submit *s, struct str value) {
    return str_to_i64(value, &s->options.template_id) && s->options.template_id > 0 ? NULL : "must be a template's id";
}

static const char *read_idempotency_key(struct submit *s, struct str value) {
    s->options.idempotency_key = value;
    if (value.n && value.n <= ACCEPT_IDEMPOTENCY_KEY_MAX) return NULL;
    return arena_strf(s->arena, "must have 1 to %d characters", ACCEPT_IDEMPOTENCY_KEY_MAX).p;
}

static const struct {
    const char *name;
    const char *(*read)(struct submit *s, struct str value);
} option_rules[] = {
    {"X-Posthorn-Tags", read_tags},
    {"X-Posthorn-Metadata", read_metadata},
    {"X-Posthorn-Track-Opens", read_track_opens},
    {"X-Posthorn-Track-Links", read_track_links},
    {"X-Posthorn-Send-At", read_send_at},
    {"X-Posthorn-TTL", read_ttl},
    {"X-Posthorn-TLS", read_tls},
    {"X-Posthorn-Stream", read_stream},
    {"X-Posthorn-Template", read_template},
    {"X-Posthorn-Data", read_data},
    {"X-Posthorn-Idempotency-Key", read_idempotency_key},
};
#define OPTION_COUNT (sizeof option_rules / sizeof option_rules[0])

/* What a refusal may show of a name that somebody made up. */
static struct str shown(struct str name) {
    return str_sub(name, 0, 64);
}

static bool read_option(struct submit *s, const struct raw_option *option, unsigned *seen) {
    size_t i = 0;
    while (i < OPTION_COUNT && !str_eq_nocase(option->name, str_from_z(option_rules[i].name))) i++;
    if (i == OPTION_COUNT)
        return submit_refuse(s, SUBMIT_OPTION, arena_strf(s->arena, "%.*s is not an option", STR_ARG(shown(option->name))));
    const char *name = option_rules[i].name;
    const char *why = *seen & (1U << i) ? "may be there once" : option_rules[i].read(s, option->value);
    *seen |= 1U << i;
    return !why || submit_refuse(s, SUBMIT_OPTION, arena_strf(s->arena, "%s %s", name, why));
}

bool submit_read_options(struct submit *s) {
    unsigned seen = 0;
    s->options = (struct submit_options){0};
    for (size_t i = 0; i < s->message.option_count; i++)
        if (!read_option(s, &s->message.options[i], &seen)) return false;
    if (s->options.data && !s->options.template_id)
        return submit_refuse(s, SUBMIT_OPTION, STR("X-Posthorn-Data fills a template: name it with X-Posthorn-Template"));
    return true;
}
