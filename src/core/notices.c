/* notices.c - see notices.h.
 *
 * The texts name nothing that a stranger may have typed: whoever asks for a mail to somebody else's address must not write it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/notices.h"

#include "core/accounts.h"
#include "core/compose.h"
#include "core/tokens.h"

#define TOKEN_MAILED STR("pht_")

static const struct text {
    int64_t life_ms;
    const char *subject, *why, *path, *parameters, *life, *otherwise;
} texts[] = {
    [TOKEN_FOR_ADDRESS] = {ACCOUNT_VERIFY_MS, "Confirm your e-mail address",
                           "Please confirm that this address belongs to your account.", "/api/v1/account/verify", "",
                           "The code works once, within three days.",
                           "If you did not ask for this, do nothing: the address will not be used."},
    [TOKEN_FOR_PASSWORD] = {ACCOUNT_RESET_MS, "Set a new password",
                            "Somebody, hopefully you, asked to set a new password for your account.", "/api/v1/account/password",
                            " -d NewPassword=...", "The code works once, within an hour.",
                            "If it was not you, do nothing: your password stays as it is."},
};

/* The enabled sender domain that `name` is, or lies below; of several accounts' the oldest. */
static enum status find_domain(struct db *tx, struct arena *arena, struct str name, struct domain *ret) {
    for (; name.n && str_find(name, '.') != STR_NONE; name = str_sub(name, str_find(name, '.') + 1, SIZE_MAX)) {
        struct domain_list list;
        enum status status = domain_list_named(tx, arena, name, 100, &list);
        if (status != STATUS_OK) return status;
        for (size_t i = 0; i < list.count; i++) {
            if (list.items[i].state != DOMAIN_ENABLED) continue;
            *ret = list.items[i];
            return STATUS_OK;
        }
    }
    return STATUS_NOT_FOUND;
}

enum status notice_ready(struct db *tx, struct arena *arena, const struct notice_options *options, struct domain *ret_domain) {
    struct address from;
    if (options->from.n == 0 || !address_parse(options->from, arena, &from)) return STATUS_NOT_FOUND;
    return find_domain(tx, arena, from.domain, ret_domain);
}

/* ---- the message ---- */
static void write_text(const struct text *text, struct str base_url, struct str token, struct buf *out) {
    buf_addf(out, "Hello,\n\n%s\n\nYour code: %.*s\n\n", text->why, STR_ARG(token));
    if (base_url.n)
        buf_addf(out, "Hand it in where you were asked for it, or on a command line:\n\n  curl -d Token=%.*s%s %.*s%s\n\n",
                 STR_ARG(token), text->parameters, STR_ARG(base_url), text->path);
    buf_addf(out, "%s %s\n", text->life, text->otherwise);
}

/* Token and URL hold no character that HTML would read: one is base32, the other the operator's. */
static void write_html(const struct text *text, struct str base_url, struct str token, struct buf *out) {
    buf_addf(out, "<p>Hello,</p>\n<p>%s</p>\n<p>Your code: <strong>%.*s</strong></p>\n", text->why, STR_ARG(token));
    if (base_url.n)
        buf_addf(out,
                 "<p>Hand it in where you were asked for it, or on a command line:</p>\n<pre>curl -d Token=%.*s%s %.*s%s</pre>\n",
                 STR_ARG(token), text->parameters, STR_ARG(base_url), text->path);
    buf_addf(out, "<p>%s %s</p>\n", text->life, text->otherwise);
}

static struct str without_slash(struct str url) {
    while (str_ends(url, STR("/"))) url.n--;
    return url;
}

/* A message of the domain's, not composed yet. */
static struct acceptance begin(const struct notice_options *options, const struct domain *domain, int64_t now, int64_t life_ms) {
    return (struct acceptance){
        .owner = options->owner,
        .due_at = now,
        .message =
            {
                .uuid = id_make(now, options->rand),
                .account_id = domain->account_id,
                .domain_id = domain->id,
                .created_at = now,
                .expires_at = now + life_ms,
                .tags = STR("[]"),
                .metadata = STR("{}"),
            },
    };
}

/* False: the address or From is none that mail can go to or come from. */
static bool compose(struct arena *arena, const struct notice_options *options, struct str to_email, struct submission *s,
                    struct acceptance *a, struct buf *content) {
    static const struct compose_header automatic = {STR_INIT("Auto-Submitted"), STR_INIT("auto-generated")}; /* RFC 3834 5 */
    struct compose_mailbox to = {.email = to_email};
    struct compose_verdict verdict;
    struct str from_domain = str_sub(options->from, str_find(options->from, '@') + 1, SIZE_MAX);
    s->from = (struct compose_mailbox){.email = options->from};
    s->to = (struct compose_group){&to, 1};
    s->headers = &automatic;
    s->header_count = 1;
    s->date_ms = a->message.created_at;
    s->message_id = accept_message_id(arena, a->message.uuid, from_domain);
    if (!compose_check(s, arena, &verdict)) return false;
    compose_message(s, options->rand, content);
    struct accept_recipient *recipient = ARENA_NEW(arena, struct accept_recipient);
    *recipient = (struct accept_recipient){.address = to.address.text, .domain = to.address.domain};
    a->recipients = recipient;
    a->recipient_count = 1;
    a->message.sender = s->from.address.text;
    a->message.subject = s->subject;
    a->message.rfc_message_id = s->message_id;
    a->message.size_bytes = (int64_t)content->n;
    return true;
}

static bool compose_token(struct arena *arena, const struct notice_options *options, const struct notice *notice,
                          struct str token, struct acceptance *a, struct buf *content) {
    const struct text *text = &texts[notice->purpose];
    BUF_AUTO plain = {0};
    BUF_AUTO html = {0};
    struct str base_url = without_slash(options->base_url);
    write_text(text, base_url, token, &plain);
    write_html(text, base_url, token, &html);
    struct submission s = {.subject = str_from_z(text->subject), .text = buf_str(&plain), .html = buf_str(&html)};
    return compose(arena, options, notice->to, &s, a, content);
}

enum status notice_mail(struct db *tx, struct arena *arena, const struct notice_options *options, const struct notice_mail *mail,
                        struct acceptance *ret) {
    struct domain domain;
    BUF_AUTO content = {0};
    enum status status = notice_ready(tx, arena, options, &domain);
    if (status != STATUS_OK) return status;
    struct acceptance a = begin(options, &domain, mail->now, mail->life_ms);
    struct submission s = {.subject = arena_str(arena, mail->subject), .text = mail->text};
    if (!compose(arena, options, mail->to, &s, &a, &content)) return STATUS_NOT_FOUND;
    a.content = buf_str(&content);
    status = accept_run(tx, arena, &a);
    a.content = (struct str){0};
    if (status == STATUS_OK) *ret = a;
    return status;
}

/* ---- token and message together ---- */
static enum status is_wanted(struct db *tx, const struct notice *notice, bool *ret) {
    int64_t newest = 0;
    *ret = false;
    if (!notice->account || !notice->account->is_active) return STATUS_OK;
    enum status status = account_token_newest(tx, notice->account->id, notice->purpose, &newest);
    *ret = status == STATUS_OK && newest <= notice->now - ACCOUNT_MAIL_EVERY_MS;
    return status;
}

static enum status add_token(struct db *tx, const struct notice *notice, struct str token) {
    struct sha256 hash = token_hash(token);
    struct account_token row = {
        .account_id = notice->account->id,
        .purpose = notice->purpose,
        .email = notice->to,
        .created_at = notice->now,
        .expires_at = notice->now + texts[notice->purpose].life_ms,
    };
    int64_t pruned;
    enum status status = account_token_add(tx, sha256_str(&hash), &row);
    return status == STATUS_OK ? account_token_prune(tx, notice->now, 2, &pruned) : status;
}

enum status notice_send(struct db *tx, struct arena *arena, const struct notice_options *options, const struct notice *notice,
                        struct acceptance *ret) {
    struct domain domain;
    enum status status = notice_ready(tx, arena, options, &domain);
    if (status != STATUS_OK) return status;
    SECRET_AUTO token = {0};
    SECRET_AUTO content = {0};
    bool wanted = false;
    *ret = begin(options, &domain, notice->now, texts[notice->purpose].life_ms);
    token_make(TOKEN_MAILED, options->rand, &token);
    bool is_composed = compose_token(arena, options, notice, buf_str(&token), ret, &content);
    status = is_wanted(tx, notice, &wanted);
    if (status != STATUS_OK) return status;
    if (!wanted || !is_composed) return account_token_pretend(tx);
    status = add_token(tx, notice, buf_str(&token));
    if (status != STATUS_OK) return status;
    ret->content = buf_str(&content);
    status = accept_run(tx, arena, ret);
    ret->content = (struct str){0};
    return status;
}
