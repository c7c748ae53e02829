/* submit_template.c - a stored template in the place of a message's content. Its header fields stay as they are, and a subject of
 * its own is not rendered; what came out is judged like what comes in, so a value makes no header (HI19).
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/submit_own.h"

#include "core/compose.h"
#include "proto/mime/header.h"

#include <inttypes.h>

bool submit_needs_load(const struct submit *s) {
    return s->options.template_id != 0;
}

enum status submit_load(struct db *db, struct submit *s) {
    enum status status = mail_template_get(db, s->arena, s->by.account_id, s->options.template_id, 0, &s->template);
    if (status != STATUS_NOT_FOUND) return status;
    submit_refuse(s, SUBMIT_TEMPLATE,
                  arena_strf(s->arena, "X-Posthorn-Template: there is no template %" PRId64, s->options.template_id));
    return STATUS_OK;
}

static bool refuse_part(struct submit *s, const struct mail_error *error) {
    BUF_AUTO why = {0};
    buf_addf(&why, "%s of the template: ", mail_part_name(error->part));
    mail_error_format(error, &why);
    return submit_refuse(s, SUBMIT_TEMPLATE, arena_str(s->arena, buf_str(&why)));
}

/* {{Email}} of the one person it goes to. */
static const struct json *person_of(struct submit *s) {
    const struct json *person = NULL;
    struct json_error error;
    BUF_AUTO text = {0};
    struct json_writer w = {.out = &text};
    json_open_object(&w);
    json_add_str(&w, STR("Email"), s->envelope.recipients[0].address);
    json_close_object(&w);
    bool is_one = s->envelope.recipient_count == 1;
    return is_one && json_parse(s->arena, arena_str(s->arena, buf_str(&text)), &person, &error) ? person : NULL;
}

static bool render(struct submit *s, struct mail_rendered *room) {
    const struct mail_template *t = &s->template;
    struct mail_source source = {.parts = {[MAIL_HTML] = t->html, [MAIL_TEXT] = t->text}};
    struct template_values values = {0};
    struct mail_program program;
    struct mail_error error;
    const struct json *const layers[] = {s->options.data, person_of(s)};
    size_t count = 0;
    for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++)
        if (layers[i]) values.layers[count++] = layers[i];
    if (s->message.subject.n == 0) source.parts[MAIL_SUBJECT] = t->subject;
    return (mail_compile(s->arena, &source, &program, &error) && mail_render(&program, &values, room, &error) == STATUS_OK) ||
           refuse_part(s, &error);
}

static bool judge_content(struct submit *s, struct submission *content) {
    struct compose_verdict verdict;
    BUF_AUTO why = {0};
    if (compose_check(content, s->arena, &verdict)) return true;
    compose_refusal_field(&verdict.refusals[0], &why);
    buf_addf(&why, " of the template %s", verdict.refusals[0].why);
    return submit_refuse(s, SUBMIT_TEMPLATE, arena_str(s->arena, buf_str(&why)));
}

static void write_subject(struct str subject, struct buf *out) {
    struct header_writer w = {.out = out};
    if (subject.n == 0) return;
    header_begin(&w, "Subject");
    header_text(&w, subject);
    header_end(&w);
}

bool submit_write_rendered(struct submit *s, const struct raw_additions *with) {
    struct buf *out = &s->acceptance.room;
    struct mail_rendered room = {0};
    struct raw_message m = s->message;
    bool is_fine = render(s, &room);
    struct submission content = {
        .from.email = submit_from(s),
        .subject = buf_str(&room.parts[MAIL_SUBJECT]),
        .html = buf_str(&room.parts[MAIL_HTML]),
        .text = buf_str(&room.parts[MAIL_TEXT]),
        .message_id = accept_message_id(s->arena, s->acceptance.message.uuid, s->by.domain_name),
    };
    is_fine = is_fine && judge_content(s, &content);
    if (is_fine) {
        m.fields = raw_message_fields_without_content(&m, s->arena);
        raw_message_write_fields(&m, with, out);
        write_subject(content.subject, out);
        buf_add_z(out, "MIME-Version: 1.0\r\n");
        compose_content(&content, s->rand, out);
        if (content.subject.n) s->acceptance.message.subject = arena_str(s->arena, content.subject);
    }
    mail_rendered_fini(&room);
    return is_fine;
}
