/* template_calls.c - templates: made, changed, shown, brought back, and rendered with sample values.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/template_calls.h"

#include "core/templates.h"

/* ---- what was given ---- */
static struct str given_part(const struct call *c, enum mail_part part, struct str otherwise) {
    return call_text(c, mail_part_name(part), otherwise);
}

static struct str given_name(const struct call *c, struct str otherwise) {
    return call_text(c, "Name", call_text(c, "EmailName", otherwise));
}

static void refuse_part(struct call *c, const struct mail_error *error) {
    struct str field = str_from_z(mail_part_name(error->part));
    BUF_AUTO why = {0};
    buf_addf(&why, "%.*s, ", STR_ARG(field));
    mail_error_format(error, &why);
    call_refuse_say(c, field, why.p);
}

enum status template_calls_check(struct call *c, struct db *db) {
    struct str none = {0};
    struct mail_program program;
    struct mail_error error;
    struct mail_source source = {
        {given_part(c, MAIL_SUBJECT, none), given_part(c, MAIL_HTML, none), given_part(c, MAIL_TEXT, none)}};
    (void)db;
    if (!mail_compile(c->arena, &source, &program, &error)) refuse_part(c, &error);
    return STATUS_OK;
}

/* A field by the name that its caller knows it by. */
static struct str name_of_id(const struct call *c) {
    return call_style(c) == STYLE_REST ? STR("TemplateID") : STR("EmailID");
}

static struct str name_of_name(const struct call *c) {
    return call_style(c) == STYLE_REST ? STR("Name") : STR("EmailName");
}

/* The id under any of its names; 0, and the call refused, without one. */
static int64_t given_id(struct call *c) {
    int64_t id = call_number(c, "TemplateID", call_number(c, "EmailID", 0));
    if (id == 0) call_refuse_field(c, 1, name_of_id(c));
    return id;
}

/* ---- answers ---- */
static void add_head(struct call *c, const struct mail_template *t) {
    struct json_writer *w = &c->json;
    json_add_id(w, STR("TemplateID"), t->id);
    json_add_id(w, STR("EmailID"), t->id);
    json_add_id(w, STR("RelUserID"), t->account_id);
    json_add_str(w, STR("Name"), t->name);
    json_add_str(w, STR("EmailName"), t->name);
    json_add_str(w, STR("Subject"), t->subject);
    json_add_i64(w, STR("Version"), t->version);
    json_add_time(w, STR("CreatedAt"), t->created_at);
    json_add_time(w, STR("UpdatedAt"), t->changed_at);
}

static enum status answer_one(struct call *c, const struct mail_template *t) {
    struct json_writer *w = call_open(c);
    json_add_id(w, STR("EmailID"), t->id);
    json_add_object(w, STR("EmailTemplate"));
    add_head(c, t);
    json_add_z(w, STR("ContentType"), t->html.n == 0 ? "Plain" : t->text.n == 0 ? "HTML" : "Both");
    json_add_str(w, STR("HTMLContent"), t->html);
    json_add_str(w, STR("PlainContent"), t->text);
    json_close_object(w);
    return call_close(c);
}

/* Any status of a verb that is an answer becomes one. */
static enum status refuse_as(struct call *c, enum status status, int not_found, int exists) {
    if (status != STATUS_NOT_FOUND && status != STATUS_EXISTS) return status;
    if (status == STATUS_NOT_FOUND)
        call_refuse_field(c, not_found, name_of_id(c));
    else
        call_refuse_field(c, exists, name_of_name(c));
    return STATUS_OK;
}

/* ---- steps ---- */
enum status template_calls_create(struct call *c, struct db *db) {
    struct str none = {0};
    int64_t count;
    struct mail_template t = {
        .account_id = c->scope.account_id,
        .name = given_name(c, none),
        .version = 1,
        .subject = given_part(c, MAIL_SUBJECT, none),
        .html = given_part(c, MAIL_HTML, none),
        .text = given_part(c, MAIL_TEXT, none),
        .created_at = c->now,
        .changed_at = c->now,
    };
    if (t.name.n == 0) return call_refuse_field(c, 1, name_of_name(c));
    enum status status = mail_template_count(db, t.account_id, &count);
    if (status != STATUS_OK) return status;
    if (count >= MAIL_TEMPLATES_MAX) return call_refuse(c, 8);
    status = mail_template_insert(db, &t, &t.id);
    return status == STATUS_OK ? answer_one(c, &t) : refuse_as(c, status, 0, 7);
}

enum status template_calls_browse(struct call *c, struct db *db) {
    struct mail_template_page page = {
        .account_id = c->scope.account_id,
        .is_by_name = call_number(c, "OrderField", 0) == 1,
        .limit = call_number(c, "Limit", 25),
        .skip = call_number(c, "Offset", 0),
    };
    struct mail_template_list list;
    int64_t count;
    enum status status = mail_template_count(db, page.account_id, &count);
    if (status == STATUS_OK) status = mail_template_browse(db, c->arena, &page, &list);
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    json_add_i64(w, STR("TotalEmailTemplateCount"), count);
    json_add_array(w, STR("EmailTemplates"));
    for (size_t i = 0; i < list.count; i++) {
        json_open_object(w);
        add_head(c, &list.items[i]);
        json_close_object(w);
    }
    json_close_array(w);
    return call_close(c);
}

enum status template_calls_get(struct call *c, struct db *db) {
    struct mail_template t;
    int64_t id = given_id(c);
    if (id == 0) return STATUS_OK;
    enum status status = mail_template_get(db, c->arena, c->scope.account_id, id, call_number(c, "Version", 0), &t);
    return status == STATUS_OK ? answer_one(c, &t) : refuse_as(c, status, 3, 0);
}

/* Store `t` as a new version and show it. */
static enum status change(struct call *c, struct db *db, struct mail_template *t, int not_found) {
    t->changed_at = c->now;
    enum status status = mail_template_change(db, t, &t->version);
    return status == STATUS_OK ? answer_one(c, t) : refuse_as(c, status, not_found, 7);
}

enum status template_calls_update(struct call *c, struct db *db) {
    struct mail_template old;
    int64_t id = given_id(c);
    if (id == 0) return STATUS_OK;
    enum status status = mail_template_get(db, c->arena, c->scope.account_id, id, 0, &old);
    if (status != STATUS_OK) return refuse_as(c, status, 6, 0);
    struct mail_template t = old;
    t.name = given_name(c, old.name);
    t.subject = given_part(c, MAIL_SUBJECT, old.subject);
    t.html = given_part(c, MAIL_HTML, old.html);
    t.text = given_part(c, MAIL_TEXT, old.text);
    bool is_same =
        str_eq(t.name, old.name) && str_eq(t.subject, old.subject) && str_eq(t.html, old.html) && str_eq(t.text, old.text);
    return is_same ? answer_one(c, &old) : change(c, db, &t, 6);
}

enum status template_calls_restore(struct call *c, struct db *db) {
    struct mail_template t;
    int64_t id = given_id(c);
    if (id == 0) return STATUS_OK;
    enum status status = mail_template_get(db, c->arena, c->scope.account_id, id, call_number(c, "Version", 0), &t);
    return status == STATUS_OK ? change(c, db, &t, 3) : refuse_as(c, status, 3, 0);
}

enum status template_calls_delete(struct call *c, struct db *db) {
    int64_t id = given_id(c);
    if (id == 0) return STATUS_OK;
    enum status status = mail_template_delete(db, c->scope.account_id, id);
    if (status != STATUS_OK) return refuse_as(c, status, 3, 0);
    json_add_i64(call_open(c), STR("DeletedCount"), 1);
    return call_close(c);
}

enum status template_calls_versions(struct call *c, struct db *db) {
    struct mail_template_list list;
    int64_t id = given_id(c);
    if (id == 0) return STATUS_OK;
    enum status status = mail_template_versions(db, c->arena, c->scope.account_id, id, &list);
    if (status != STATUS_OK) return status;
    if (list.count == 0) return refuse_as(c, STATUS_NOT_FOUND, 3, 0);
    struct json_writer *w = call_open(c);
    json_add_id(w, STR("EmailID"), id);
    json_add_array(w, STR("Versions"));
    for (size_t i = 0; i < list.count; i++) {
        json_open_object(w);
        json_add_i64(w, STR("Version"), list.items[i].version);
        json_add_str(w, STR("Subject"), list.items[i].subject);
        json_add_time(w, STR("CreatedAt"), list.items[i].changed_at);
        json_add_bool(w, STR("IsCurrent"), i == 0); /* the newest is the one in use */
        json_close_object(w);
    }
    json_close_array(w);
    return call_close(c);
}

/* ---- preview ---- */
enum status template_calls_load(struct call *c, struct db *db) {
    struct mail_template *t = ARENA_NEW(c->arena, struct mail_template);
    int64_t id = call_number(c, "TemplateID", call_number(c, "EmailID", call_number(c, "EmailTemplateID", 0)));
    c->state = t;
    if (id) {
        enum status status = mail_template_get(db, c->arena, c->scope.account_id, id, call_number(c, "Version", 0), t);
        if (status != STATUS_OK) return refuse_as(c, status, 3, 0);
    } else if (!call_arg(c, "Subject")->is_given && !call_arg(c, "HTMLContent")->is_given &&
               !call_arg(c, "PlainContent")->is_given) {
        call_refuse_field(c, 1, STR("EmailTemplateID"));
    }
    return STATUS_OK;
}

static void answer_preview(struct call *c, const struct mail_rendered *mail) {
    struct json_writer *w = call_open(c);
    for (int i = 0; i < MAIL_PARTS; i++) json_add_str(w, str_from_z(mail_part_name((enum mail_part)i)), buf_str(&mail->parts[i]));
    call_close(c);
}

enum status template_calls_render(struct call *c, struct db *db) {
    const struct mail_template *t = c->state;
    const struct json *data = call_arg(c, "Data")->raw ? call_arg(c, "Data")->raw : call_arg(c, "SampleData")->raw;
    struct template_values values = {{data}};
    struct mail_source source = {
        {given_part(c, MAIL_SUBJECT, t->subject), given_part(c, MAIL_HTML, t->html), given_part(c, MAIL_TEXT, t->text)}};
    struct mail_program program;
    struct mail_rendered mail = {0};
    struct mail_error error;
    (void)db;
    if (!mail_compile(c->arena, &source, &program, &error)) {
        refuse_part(c, &error);
        return STATUS_OK;
    }
    enum status status = mail_render(&program, &values, &mail, &error);
    if (status == STATUS_OK) answer_preview(c, &mail);
    mail_rendered_fini(&mail);
    if (status == STATUS_LIMIT) refuse_part(c, &error);
    return status == STATUS_LIMIT ? STATUS_OK : status;
}
