/* template_table.c - mail templates: parameters, refusals and the operations themselves, as commands and below /api/v1. Commands
 * know a template by the reference's names (EmailID, EmailName) too.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/tables.h"
#include "api/template_calls.h"

#include "core/keys.h"

#define ID_PARAMS                                                                                                                \
    {"TemplateID", PARAM_ID, false, 1, 2, 0, 0, "The template"}, {                                                               \
        "EmailID", PARAM_ID, false, 1, 2, 0, 0, "The same, by its other name"                                                    \
    }
#define CONTENT_PARAMS                                                                                                           \
    {"HTMLContent", PARAM_CONTENT, false, 0, 0, 0, 0, "The HTML part, at most 256 KiB, with {{values}}"}, {                      \
        "PlainContent", PARAM_CONTENT, false, 0, 0, 0, 0, "The plain text part, likewise"                                        \
    }
#define NAME_PARAMS                                                                                                              \
    {"Name", PARAM_TEXT, false, 1, 0, 0, 255, "What the template is called; no two of an account alike"}, {                      \
        "EmailName", PARAM_TEXT, false, 1, 0, 0, 255, "The same, by its other name"                                              \
    }
#define SUBJECT_PARAM(is_required)                                                                                               \
    { "Subject", PARAM_TEXT, is_required, 2 * (is_required), 0, 0, 998, "The subject line, with {{values}}" }
/* What the sender key of a template's reader may lack. */
#define KEY_REFUSALS                                                                                                             \
    {12, 403, "Invalid or deactivated user account"}, {32, 403, "Domain is not activated"}, {                                    \
        34, 403, "User account is not verified"                                                                                  \
    }

static const struct param create_params[] = {NAME_PARAMS, SUBJECT_PARAM(true), CONTENT_PARAMS};
static const struct refusal create_refusals[] = {
    {1, 0, "Missing EmailName parameter"},
    {2, 0, "Missing Subject parameter"},
    {7, 409, "There is a template of this name already"},
    {8, 403, "The account has as many templates as it may have"},
};
static const struct param browse_params[] = {
    {"OrderField", PARAM_CHOICE, false, 0, 0, 0, 0, "What to sort by: CreatedAt (newest first) or EmailName",
     "CreatedAt,EmailName"},
    {"Limit", PARAM_INT, false, 0, 0, 1, 100, "How many templates to show; 25 when absent"},
    {"Offset", PARAM_INT, false, 0, 0, 0, 1000000, "How many to skip"},
};
static const struct refusal browse_refusals[] = {KEY_REFUSALS};
static const struct param get_params[] = {
    ID_PARAMS,
    {"Version", PARAM_ID, false, 0, 0, 0, 0, "One of its versions; the one in use when absent"},
};
static const struct param id_params[] = {ID_PARAMS};
static const struct refusal get_refusals[] = {
    {1, 0, "Missing EmailID parameter"},
    {2, 0, "Invalid EmailID. Must be a numeric value."},
    {3, 404, "Email template not found"},
    KEY_REFUSALS,
};
static const struct refusal delete_refusals[] = {
    {1, 0, "Missing EmailID parameter"},
    {2, 0, "Invalid EmailID. Must be a numeric value."},
    {3, 404, "Email template not found"},
};
static const struct param update_params[] = {ID_PARAMS, NAME_PARAMS, SUBJECT_PARAM(false), CONTENT_PARAMS};
static const struct refusal update_refusals[] = {
    {1, 0, "Missing EmailID parameter"},
    {2, 0, "Invalid EmailID. Must be a numeric value."},
    {6, 404, "Email template not found"},
    {7, 409, "There is a template of this name already"},
};
static const struct param restore_params[] = {
    ID_PARAMS,
    {"Version", PARAM_ID, true, 4, 4, 0, 0, "The version that comes back"},
};
static const struct refusal restore_refusals[] = {
    {1, 0, "Missing EmailID parameter"},
    {2, 0, "Invalid EmailID. Must be a numeric value."},
    {4, 0, "Missing or invalid Version parameter"},
    {3, 404, "Email template not found"},
};
static const struct param preview_params[] = {
    ID_PARAMS,
    {"EmailTemplateID", PARAM_ID, false, 1, 2, 0, 0, "The same, by its third name"},
    {"Version", PARAM_ID, false, 0, 0, 0, 0, "One of its versions; the one in use when absent"},
    {"Data", PARAM_OBJECT, false, 0, 0, 0, 0, "The values"},
    {"SampleData", PARAM_OBJECT, false, 4, 4, 0, 0, "The same, by its other name"},
    {"Subject", PARAM_TEXT, false, 0, 0, 0, 998, "Shown instead of the stored subject"},
    {"HTMLContent", PARAM_CONTENT, false, 0, 0, 0, 0, "Shown instead of the stored HTML part"},
    {"PlainContent", PARAM_CONTENT, false, 0, 0, 0, 0, "Shown instead of the stored plain text part"},
};
static const struct refusal preview_refusals[] = {
    {1, 0, "Missing EmailTemplateID parameter, and no content to show"},
    {2, 0, "Invalid EmailTemplateID. Must be a numeric value."},
    {4, 0, "Invalid SampleData. Must be an object."},
    {3, 404, "Email template not found"},
    KEY_REFUSALS,
};

#define HEAD_EXAMPLE                                                                                                             \
    "\"TemplateID\":\"42\",\"EmailID\":\"42\",\"RelUserID\":\"1\",\"Name\":\"Welcome\",\"EmailName\":\"Welcome\","               \
    "\"Subject\":\"Welcome, {{FirstName}}!\",\"Version\":3,\"CreatedAt\":\"2026-03-14 10:00:00\","                               \
    "\"UpdatedAt\":\"2026-03-15 08:30:00\""
#define WHOLE_EXAMPLE                                                                                                            \
    "{" HEAD_EXAMPLE ",\"ContentType\":\"Both\",\"HTMLContent\":\"<p>Hello {{default FirstName \\\"friend\\\"}}</p>\","          \
    "\"PlainContent\":\"Hello {{default FirstName \\\"friend\\\"}}\"}"
#define CONTENT_EXAMPLE                                                                                                          \
    "\"Subject\":\"Welcome, {{FirstName}}!\",\"HTMLContent\":\"<p>Hello {{default FirstName \\\"friend\\\"}}</p>\","             \
    "\"PlainContent\":\"Hello {{default FirstName \\\"friend\\\"}}\""
#define ONE_ANSWER   "{\"EmailID\":\"42\",\"EmailTemplate\":" WHOLE_EXAMPLE "}"
#define HEADS_ANSWER "{\"TotalEmailTemplateCount\":1,\"EmailTemplates\":[{" HEAD_EXAMPLE "}]}"
#define VERSIONS_ANSWER                                                                                                          \
    "{\"EmailID\":\"42\",\"Versions\":[{\"Version\":3,\"Subject\":\"Welcome, {{FirstName}}!\","                                  \
    "\"CreatedAt\":\"2026-03-15 08:30:00\",\"IsCurrent\":true}]}"
#define PREVIEW_ANSWER    "{\"Subject\":\"Welcome, Ann!\",\"HTMLContent\":\"<p>Hello Ann</p>\",\"PlainContent\":\"Hello Ann\"}"
#define TEMPLATE_BODY_MAX ((size_t)2 << 20) /* two parts of 256 KiB, escaped */

#define BROWSE                                                                                                                   \
    .sentence = "The account's templates, a page at a time, without their contents", LIST_OF(browse_params, browse_refusals),    \
    .steps = {{STEP_READER, template_calls_browse}}, .request = "{\"OrderField\":\"EmailName\",\"Limit\":50}",                   \
    .answer = HEADS_ANSWER
#define CREATE                                                                                                                   \
    .sentence = "Make a template of subject, HTML and plain text; one that cannot be rendered is refused with line and column",  \
    LIST_OF(create_params, create_refusals),                                                                                     \
    .steps = {{STEP_SIZED, template_calls_check}, {STEP_WRITER, template_calls_create}},                                         \
    .request = "{\"Name\":\"Welcome\"," CONTENT_EXAMPLE "}", .answer = ONE_ANSWER
#define GET                                                                                                                      \
    .sentence = "One template with its contents", LIST_OF(get_params, get_refusals),                                             \
    .steps = {{STEP_READER, template_calls_get}}, .answer = ONE_ANSWER
#define UPDATE                                                                                                                   \
    .sentence = "Change a template, which makes a new version; what is not given stays as it is",                                \
    LIST_OF(update_params, update_refusals),                                                                                     \
    .steps = {{STEP_SIZED, template_calls_check}, {STEP_WRITER, template_calls_update}}, .answer = ONE_ANSWER
#define DELETE                                                                                                                   \
    .sentence = "Delete a template with all its versions", LIST_OF(id_params, delete_refusals),                                  \
    .steps = {{STEP_WRITER, template_calls_delete}}, .answer = "{\"DeletedCount\":1}"
#define VERSIONS                                                                                                                 \
    .sentence = "The versions of a template, newest first; the newest 100 are kept", LIST_OF(id_params, get_refusals),           \
    .steps = {{STEP_READER, template_calls_versions}}, .answer = VERSIONS_ANSWER
#define RESTORE                                                                                                                  \
    .sentence = "Bring an old version back: its contents become a new version, which is in use",                                 \
    LIST_OF(restore_params, restore_refusals), .steps = {{STEP_WRITER, template_calls_restore}}, .answer = ONE_ANSWER
#define PREVIEW                                                                                                                  \
    .sentence = "Render a stored template, or contents that are not stored yet, with sample values",                             \
    LIST_OF(preview_params, preview_refusals), .answer = PREVIEW_ANSWER,                                                         \
    .steps = {{STEP_READER, template_calls_load}, {STEP_SLOW, template_calls_render}}
#define COMMAND(name)           name, STYLE_COMMAND, CALLER_USER, .body_max = TEMPLATE_BODY_MAX
#define REST(name, verb, where) name, STYLE_REST, CALLER_USER, .method = (verb), .path = (where), .body_max = TEMPLATE_BODY_MAX
#define COMMAND_KEY(name)                                                                                                        \
    name, STYLE_COMMAND, CALLER_EITHER, .scope = SENDER_SCOPE_SEND, .inactive = 12, .body_max = TEMPLATE_BODY_MAX
#define REST_KEY(name, verb, where)                                                                                              \
    name, STYLE_REST, CALLER_EITHER, .scope = SENDER_SCOPE_SEND, .inactive = 12, .method = (verb), .path = (where),              \
                                     .body_max = TEMPLATE_BODY_MAX
#define ID      "{\"EmailID\":42}"
#define VERSION "{\"EmailID\":42,\"Version\":2}"

static const struct operation rows[] = {
    {COMMAND("UserEmailTemplate.Create"), CREATE},
    {COMMAND_KEY("UserEmailTemplate.List"), BROWSE, .aliases = "UserEmailTemplates.Get"},
    {COMMAND_KEY("UserEmailTemplate.Get"), GET, .request = ID},
    {COMMAND("UserEmailTemplate.Update"), UPDATE, .request = "{\"EmailID\":42," CONTENT_EXAMPLE "}"},
    {COMMAND("UserEmailTemplate.Delete"), DELETE, .request = ID},
    {COMMAND_KEY("UserEmailTemplate.Versions"), VERSIONS, .request = ID},
    {COMMAND("UserEmailTemplate.Restore"), RESTORE, .request = VERSION},
    {COMMAND_KEY("UserEmailTemplate.Preview"), PREVIEW,
     .request = "{\"EmailTemplateID\":42,\"SampleData\":{\"FirstName\":\"Ann\"}}"},
    {REST_KEY("Templates.List", HTTP_GET, "/api/v1/templates"), BROWSE},
    {REST("Templates.Create", HTTP_POST, "/api/v1/templates"), CREATE, .success = 201},
    {REST_KEY("Templates.Get", HTTP_GET, "/api/v1/templates/{TemplateID}"), GET},
    {REST("Templates.Update", HTTP_PUT, "/api/v1/templates/{TemplateID}"), UPDATE, .request = "{" CONTENT_EXAMPLE "}"},
    {REST("Templates.Delete", HTTP_DELETE, "/api/v1/templates/{TemplateID}"), DELETE},
    {REST_KEY("Templates.Versions", HTTP_GET, "/api/v1/templates/{TemplateID}/versions"), VERSIONS},
    {REST("Templates.Restore", HTTP_POST, "/api/v1/templates/{TemplateID}/versions/{Version}"), RESTORE},
    {REST_KEY("Templates.Preview", HTTP_POST, "/api/v1/templates/{TemplateID}/preview"), PREVIEW,
     .request = "{\"Data\":{\"FirstName\":\"Ann\"}}"},
    {REST_KEY("Templates.PreviewContent", HTTP_POST, "/api/v1/templates/preview"), PREVIEW,
     .request = "{" CONTENT_EXAMPLE ",\"Data\":{\"FirstName\":\"Ann\"}}"},
};
const struct operation_table template_table = {"Templates", rows, sizeof rows / sizeof rows[0],
                                               "Stored contents with merge fields, in versions"};
