/* user_table.c - accounts, logging in, and the mail that goes to accounts: parameters, refusals in the reference's printed order,
 * and the operations themselves.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/user_calls.h"
#include "api/tables.h"

#define NAME_MAX_BYTES 100
#define NAMES                                                                                                                    \
    {"FirstName", PARAM_TEXT, false, 0, 0, 0, NAME_MAX_BYTES, "First name"}, {                                                   \
        "LastName", PARAM_TEXT, false, 0, 0, 0, NAME_MAX_BYTES, "Last name"                                                      \
    }
#define GROUP_PARAMS(unknown)                                                                                                    \
    {"RelUserGroupID", PARAM_ID, false, 0, unknown, 0, 0, "Group, whose limits hold for it"}, {                                  \
        "UserGroup", PARAM_TEXT, false, 0, unknown, 0, 100, "Name of the group, instead of RelUserGroupID"                       \
    }
#define ACCOUNT_STATUS(sentence)                                                                                                 \
    { "AccountStatus", PARAM_CHOICE, false, 0, 0, 0, 0, sentence, "Disabled,Enabled" }

/* ---- logging in ---- */
static const struct param login_params[] = {
    {"Username", PARAM_TEXT, true, 1, 3, 0, 254, "E-mail address of the account"},
    {"Password", PARAM_SECRET, true, 2, 3, 0, 1024, "Its password"},
    {"TFACode", PARAM_TEXT, false, 0, 6, 0, 16, "Code of the second factor, where one is set up"},
};
static const struct refusal login_refusals[] = {
    {1, 0, "Missing username"},
    {2, 0, "Missing password"},
    {3, 0, "Invalid login information"},
    {6, 0, "Invalid 2FA code"},
    {101, 0, "2FA code required: send TFACode too"},
};
static const struct param logout_params[] = {
    {"Everywhere", PARAM_BOOL, false, 0, 0, 0, 0, "End every session of the account"},
};
static const struct refusal logout_refusals[] = {
    {1, 0, "No session was shown"},
};

/* ---- accounts ---- */
static const struct param create_params[] = {
    {"EmailAddress", PARAM_EMAIL, true, 2, 10, 0, 254, "E-mail address, the name to log in with"},
    {"Password", PARAM_SECRET, true, 4, 0, 0, 1024, "Password, 8 bytes or more"},
    {"Username", PARAM_TEXT, false, 0, 0, 0, 254, "The e-mail address again, as older clients send it"},
    NAMES,
    GROUP_PARAMS(11),
    ACCOUNT_STATUS("Disabled: it can neither log in nor send"),
    {"IsVerified", PARAM_BOOL, false, 0, 0, 0, 0, "No: it cannot send before its address is proved; it is mailed a code"},
    {"IsAdmin", PARAM_BOOL, false, 0, 0, 0, 0, "Whether it administrates; its key is an AdminAPIKey then"},
};
static const struct refusal create_refusals[] = {
    {2, 0, "Missing EmailAddress parameter"}, {4, 0, "Missing Password parameter"},    {10, 0, "Invalid email address format"},
    {11, 0, "Invalid user group ID"},         {13, 0, "Email address already exists"},
};
static const struct param get_params[] = {
    {"UserID", PARAM_ID, false, 1, 3, 0, 0, "The account"},
    {"EmailAddress", PARAM_EMAIL, false, 1, 3, 0, 254, "Its e-mail address, instead of UserID"},
};
static const struct refusal get_refusals[] = {
    {1, 0, "Missing UserID or EmailAddress parameter"},
    {3, 404, "User not found"},
};
static const struct param list_params[] = {
    {"RecordsPerRequest", PARAM_INT, false, 0, 0, 1, 1000, "Accounts to return; 25 when absent"},
    {"RecordsFrom", PARAM_INT, false, 0, 0, 0, INT32_MAX, "Accounts to skip"},
    GROUP_PARAMS(11),
    {"SearchKeyword", PARAM_TEXT, false, 0, 0, 0, 254, "Only accounts whose e-mail address holds this"},
};
static const struct refusal list_refusals[] = {
    {11, 0, "Invalid user group ID"},
};
static const struct param update_params[] = {
    {"UserID", PARAM_ID, false, 0, 5, 0, 0, "The account; the caller's own when absent"},
    {"EmailAddress", PARAM_EMAIL, false, 0, 10, 0, 254,
     "New address. A user's own counts once the code mailed to it is handed in (User.Verify)"},
    {"Password", PARAM_SECRET, false, 0, 0, 0, 1024, "New password, 8 bytes or more; ends all sessions"},
    {"CurrentPassword", PARAM_SECRET, false, 0, 8, 0, 1024, "The password so far, for a new password or address of one's own"},
    NAMES,
    GROUP_PARAMS(7),
    ACCOUNT_STATUS("Administrators only. Disabled: it can neither log in nor send"),
    {"IsActive", PARAM_BOOL, false, 0, 0, 0, 0, "The same as AccountStatus, as yes or no"},
    {"IsVerified", PARAM_BOOL, false, 0, 0, 0, 0, "Administrators only. No: it cannot send before its address is proved"},
    {"IsAdmin", PARAM_BOOL, false, 0, 0, 0, 0, "Administrators only: whether it administrates"},
    {"TwoFactor", PARAM_BOOL, false, 0, 0, 0, 0, "Administrators only. No: its second factor is switched off"},
    {"UnsubscribesBlockAll", PARAM_BOOL, false, 0, 0, 0, 0,
     "Whether people who unsubscribed get no mail of the transactional stream either"},
};
static const struct refusal update_refusals[] = {
    {2, 0, "User can only update their own account"},
    {5, 404, "User not found"},
    {6, 0, "Email address already exists"},
    {7, 0, "Invalid user group ID"},
    {8, 0, "CurrentPassword is missing or wrong"},
    {9, 0, "This gateway sends no mail of its own, so a new address cannot be proved: ask its operator"},
    {10, 0, "Invalid email address format"},
};
static const struct refusal delete_refusals[] = {
    {1, 0, "Missing UserID or EmailAddress parameter"},
    {3, 404, "User not found"},
    {4, 0, "The account has sender domains: delete them first"},
    {5, 0, "An administrator cannot delete himself"},
};

/* ---- mail to accounts ---- */
static const struct param remind_params[] = {
    {"EmailAddress", PARAM_EMAIL, true, 1, 2, 0, 254, "E-mail address of the account"},
};
static const struct refusal remind_refusals[] = {
    {1, 0, "Missing EmailAddress parameter"},
    {2, 0, "Invalid email address format"},
    {4, 409, "This gateway sends no mail of its own: ask its operator"},
};
static const struct param reset_params[] = {
    {"Token", PARAM_TEXT, true, 1, 2, 0, 128, "The code from the mail"},
    {"NewPassword", PARAM_SECRET, true, 0, 0, 0, 1024, "New password, 8 bytes or more; ends all sessions"},
};
static const struct refusal reset_refusals[] = {
    {1, 0, "Missing Token parameter"},
    {2, 0, "The code is unknown, used, or too old: ask for a new one"},
};
static const struct param verify_params[] = {
    {"Token", PARAM_TEXT, true, 1, 2, 0, 128, "The code from the mail"},
};
static const struct refusal verify_refusals[] = {
    {1, 0, "Missing Token parameter"},
    {2, 0, "The code is unknown, used, or too old: ask for a new one"},
    {3, 0, "The address belongs to another account"},
};
static const struct refusal resend_refusals[] = {
    {1, 0, "The account is verified"},
    {4, 409, "This gateway sends no mail of its own: ask its operator"},
};

/* ---- the second factor ---- */
#define CURRENT_PASSWORD                                                                                                         \
    { "CurrentPassword", PARAM_SECRET, true, 1, 8, 0, 1024, "The account's password" }
#define TFA_CODE                                                                                                                 \
    { "TFACode", PARAM_TEXT, true, 5, 6, 0, 16, "A code of the app" }
static const struct param setup_params[] = {
    CURRENT_PASSWORD,
};
static const struct param confirm_params[] = {
    TFA_CODE,
};
static const struct param disable_params[] = {
    CURRENT_PASSWORD,
    TFA_CODE,
};
static const struct refusal totp_refusals[] = {
    {1, 0, "Missing CurrentPassword parameter"}, {5, 0, "Missing TFACode parameter"},  {8, 0, "CurrentPassword is wrong"},
    {2, 0, "The second factor is on already"},   {4, 0, "No second factor is set up"}, {6, 0, "Invalid 2FA code"},
};

/* ---- keys ---- */
#define KEY_NETWORKS                                                                                                             \
    {                                                                                                                            \
        "BoundIPAddress", PARAM_TEXT, false, 0, 0, 0, 1024,                                                                      \
            "Addresses or networks it may be used from, comma separated; \"any\" or absent: anywhere"                            \
    }
static const struct param key_create_params[] = {
    {"Note", PARAM_TEXT, true, 1, 0, 0, 255, "What the key is for"},
    KEY_NETWORKS,
    {"IsAdmin", PARAM_BOOL, false, 0, 0, 0, 0, "An AdminAPIKey; administrators only"},
};
static const struct refusal key_create_refusals[] = {
    {1, 0, "Missing administrative note parameter"},
    {3, 0, "The account has 100 keys already: delete one first"},
};
static const struct param key_update_params[] = {
    {"APIKeyID", PARAM_ID, true, 1, 2, 0, 0, "The key"},
    {"Note", PARAM_TEXT, false, 0, 0, 0, 255, "What the key is for"},
    KEY_NETWORKS,
};
static const struct param key_delete_params[] = {
    {"APIKeyID", PARAM_ID, true, 1, 2, 0, 0, "The key"},
};
static const struct refusal key_refusals[] = {
    {1, 0, "Missing APIKeyID parameter"},
    {2, 404, "API key not found"},
};

#define EMAIL_REQUEST "{\"EmailAddress\":\"jane@example.com\"}"
#define USER_FIELDS                                                                                                              \
    "\"UserID\":7,\"RelUserGroupID\":1,\"GroupName\":\"default\",\"Username\":\"jane@example.com\","                             \
    "\"EmailAddress\":\"jane@example.com\",\"FirstName\":\"Jane\",\"LastName\":\"Doe\",\"AccountStatus\":\"Enabled\","           \
    "\"IsAdmin\":false,\"IsVerified\":true,\"UnsubscribesBlockAll\":false,\"2FA_Enabled\":\"No\",\"UserSince\":\"2026-11-23 "    \
    "09:12:33\""
#define GROUP_FIELDS                                                                                                             \
    "{\"UserGroupID\":1,\"GroupName\":\"default\",\"LimitEmailGatewaySenderDomains\":0,\"LimitEmailSendPerSecond\":0,"           \
    "\"LimitEmailSendPerDay\":0,\"LimitEmailSendPerPeriod\":0,\"LimitRecipients\":1000,\"LimitBCC\":50,\"LimitReplyTo\":10,"     \
    "\"LimitEmailSendPeriod\":\"Monthly\"}"
#define USAGE                                                                                                                    \
    "\"Usage\":{\"EmailGateway_TotalSentToday\":12,\"EmailGateway_TotalSentThisMonth\":500,\"Limit_Daily\":0,"                   \
    "\"Limit_Monthly\":0}"
#define KEY_FIELDS                                                                                                               \
    "\"Note\":\"Shop\",\"BoundIPAddress\":\"192.0.2.0/24\",\"IsAdmin\":false,\"CreatedAt\":\"2026-11-23 09:12:33\","             \
    "\"LastUsedAt\":\"\",\"LastUsedIP\":\"\""

#define RESET_ROW                                                                                                                \
    .sentence = "Set a new password with the code from the mail; ends all sessions", LIST_OF(reset_params, reset_refusals),      \
    .steps = {{STEP_READER, user_mail_reset_find}, {STEP_SLOW, user_mail_reset_hash}, {STEP_WRITER, user_mail_reset}},           \
    .request = "{}", .answer = "{\"ErrorText\":\"\"}"
#define VERIFY_ROW                                                                                                               \
    .sentence = "Prove an address with the code that was mailed to it", LIST_OF(verify_params, verify_refusals),                 \
    .steps = {{STEP_WRITER, user_mail_verify}}, .request = "{}", .answer = "{\"ErrorText\":\"\"}"
#define REMIND_ROW                                                                                                               \
    .sentence = "Mail a code that sets a new password; answers the same whether there is such an account",                       \
    LIST_OF(remind_params, remind_refusals),                                                                                     \
    .steps = {{STEP_READER, user_mail_remind_find}, {STEP_WRITER, user_mail_remind}, {STEP_LOOP, user_mail_offer_step}},         \
    .request = EMAIL_REQUEST, .answer = "{\"ErrorText\":\"\"}"

static const struct operation rows[] = {
    {"User.Login", STYLE_COMMAND, CALLER_ANYONE, .sentence = "Log in; answers a SessionID, good for a day",
     LIST_OF(login_params, login_refusals),
     .steps = {{STEP_READER, login_find}, {STEP_SLOW, login_verify}, {STEP_WRITER, login_start}},
     .request = "{\"Username\":\"jane@example.com\"}",
     .answer = "{\"ErrorText\":\"\",\"SessionID\":\"phs_...\",\"UserInfo\":{" USER_FIELDS "}}"},
    {"Admin.Login", STYLE_COMMAND, CALLER_ANYONE,
     .sentence = "Log in as an administrator; answers a SessionID that may call admin commands too",
     LIST_OF(login_params, login_refusals),
     .steps = {{STEP_READER, login_find}, {STEP_SLOW, login_verify}, {STEP_WRITER, login_start}},
     .request = "{\"Username\":\"admin@example.com\"}",
     .answer = "{\"ErrorText\":\"\",\"SessionID\":\"phs_...\",\"AdminInfo\":{\"AdminID\":1,\"Username\":\"admin@example.com\","
               "\"EmailAddress\":\"admin@example.com\",\"FirstName\":\"\",\"LastName\":\"\",\"2FA_Enabled\":\"No\","
               "\"CreatedOn\":\"2026-11-23 09:12:33\"}}"},
    {"User.Logout", STYLE_COMMAND, CALLER_USER, .sentence = "End the session, or every session of the account",
     LIST_OF(logout_params, logout_refusals), .steps = {{STEP_WRITER, login_end}}, .request = "{\"Everywhere\":true}",
     .answer = "{}"},
    {"User.Current", STYLE_COMMAND, CALLER_USER, .sentence = "The caller's account: its group's limits, and what it sent so far",
     NO_PARAMS, .steps = {{STEP_READER, user_calls_current}}, .request = "{}",
     .answer = "{\"UserInfo\":{" USER_FIELDS ",\"GroupInfo\":" GROUP_FIELDS "}," USAGE "}"},
    {"User.Create", STYLE_COMMAND, CALLER_ADMIN, .sentence = "Make an account and its first API key, which is shown only now",
     LIST_OF(create_params, create_refusals),
     .steps = {{STEP_SLOW, user_calls_hash}, {STEP_WRITER, user_calls_create}, {STEP_LOOP, user_calls_offer}},
     .request = "{\"EmailAddress\":\"jane@example.com\",\"FirstName\":\"Jane\",\"LastName\":\"Doe\"}",
     .answer = "{\"UserID\":7,\"EmailAddress\":\"jane@example.com\",\"APIKey\":\"phu_...\",\"VerificationMailed\":false}"},
    {"User.Get", STYLE_COMMAND, CALLER_ADMIN, .sentence = "An account, its group's limits, and what it sent so far",
     LIST_OF(get_params, get_refusals), .steps = {{STEP_READER, user_calls_get}}, .request = "{\"UserID\":7}",
     .answer = "{\"UserInformation\":{" USER_FIELDS ",\"GroupInformation\":" GROUP_FIELDS "}," USAGE "}"},
    {"Users.Get", STYLE_COMMAND, CALLER_ADMIN, .sentence = "Accounts, a page at a time", LIST_OF(list_params, list_refusals),
     .steps = {{STEP_READER, user_calls_list}}, .request = "{\"RecordsPerRequest\":25}",
     .answer = "{\"TotalUsers\":1,\"Users\":[{" USER_FIELDS ",\"GroupInformation\":" GROUP_FIELDS "}]}",
     .aliases = "User.GetList,User.Browse,Users.Browse"},
    {"User.Update", STYLE_COMMAND, CALLER_USER,
     .sentence = "Change one's own account, or as an administrator any; what is not given stays",
     LIST_OF(update_params, update_refusals),
     .steps = {{STEP_LOOP, user_update_judge},
               {STEP_SLOW, user_update_hash},
               {STEP_WRITER, user_update_store},
               {STEP_LOOP, user_update_offer}},
     .request = "{\"FirstName\":\"Jane\",\"LastName\":\"Smith\"}",
     .answer = "{\"ErrorText\":\"\",\"UserInfo\":{" USER_FIELDS "},\"VerificationMailed\":false}"},
    {"User.Delete", STYLE_COMMAND, CALLER_ADMIN,
     .sentence =
         "Delete an account that has no sender domains, with its lists, templates and suppressions; its messages and events "
         "stay until retention ends",
     LIST_OF(get_params, delete_refusals),
     .steps = {{STEP_WRITER, user_calls_delete_begin},
               {STEP_WRITER, user_calls_delete_slice},
               {STEP_WRITER, user_calls_delete_end}},
     .request = "{\"UserID\":7}", .answer = "{}"},
    {"User.PasswordRemind", STYLE_COMMAND, CALLER_ANYONE, REMIND_ROW, .aliases = "Admin.PasswordRemind"},
    {"User.PasswordReset", STYLE_COMMAND, CALLER_ANYONE, RESET_ROW, .aliases = "Admin.PasswordReset"},
    {"User.Verify", STYLE_COMMAND, CALLER_ANYONE, VERIFY_ROW},
    {"User.ResendVerification", STYLE_COMMAND, CALLER_USER,
     .sentence = "Mail the code that proves the account's address once more, at most every five minutes", NO_PARAMS,
     .refusals = resend_refusals, .refusal_count = sizeof resend_refusals / sizeof resend_refusals[0],
     .steps = {{STEP_WRITER, user_mail_resend}, {STEP_LOOP, user_mail_offer_step}}, .request = "{}",
     .answer = "{\"ErrorText\":\"\"}"},
    {"Account.Remind", STYLE_REST, CALLER_ANYONE, REMIND_ROW, .method = HTTP_POST, .path = "/api/v1/account/remind"},
    {"Account.Password", STYLE_REST, CALLER_ANYONE, RESET_ROW, .method = HTTP_POST, .path = "/api/v1/account/password"},
    {"Account.Verify", STYLE_REST, CALLER_ANYONE, VERIFY_ROW, .method = HTTP_POST, .path = "/api/v1/account/verify"},
    {"User.TOTP.Setup", STYLE_COMMAND, CALLER_USER,
     .sentence = "Begin a second factor: a secret for an authenticator app, which counts once User.TOTP.Confirm got a code of it",
     LIST_OF(setup_params, totp_refusals),
     .steps = {{STEP_LOOP, password_confirm_admit}, {STEP_SLOW, password_confirm}, {STEP_WRITER, totp_calls_setup}},
     .request = "{}",
     .answer = "{\"MFA_SecretKey\":\"JBSWY3DPEHPK3PXP\",\"MFA_QRCode\":\"otpauth://totp/mail.example.com:jane%40example.com?"
               "secret=JBSWY3DPEHPK3PXP&issuer=mail.example.com\"}"},
    {"User.TOTP.Confirm", STYLE_COMMAND, CALLER_USER, .sentence = "Switch the second factor on with a first code",
     LIST_OF(confirm_params, totp_refusals), .steps = {{STEP_WRITER, totp_calls_confirm}}, .request = "{}", .answer = "{}"},
    {"User.TOTP.Disable", STYLE_COMMAND, CALLER_USER, .sentence = "Switch the second factor off",
     LIST_OF(disable_params, totp_refusals),
     .steps = {{STEP_LOOP, password_confirm_admit}, {STEP_SLOW, password_confirm}, {STEP_WRITER, totp_calls_disable}},
     .request = "{}", .answer = "{}"},
    {"User.APIKey.Create", STYLE_COMMAND, CALLER_USER, .sentence = "Make a key of the account; it is shown only now",
     LIST_OF(key_create_params, key_create_refusals), .steps = {{STEP_WRITER, user_key_calls_create}},
     .request = "{\"Note\":\"Shop\",\"BoundIPAddress\":\"192.0.2.0/24\"}",
     .answer = "{\"APIKeyID\":\"5\",\"APIKey\":{\"APIKey\":\"phu_...\"," KEY_FIELDS "}}"},
    {"User.APIKey.List", STYLE_COMMAND, CALLER_USER, .sentence = "The account's keys and when they were last used", NO_PARAMS,
     .steps = {{STEP_READER, user_key_calls_list}}, .request = "{}", .answer = "{\"APIKeys\":[{\"APIKeyID\":5," KEY_FIELDS "}]}"},
    {"User.APIKey.Update", STYLE_COMMAND, CALLER_USER, .sentence = "Change a key's note, or where it may be used from",
     LIST_OF(key_update_params, key_refusals), .steps = {{STEP_WRITER, user_key_calls_update}},
     .request = "{\"APIKeyID\":5,\"BoundIPAddress\":\"any\"}", .answer = "{\"APIKey\":{\"APIKeyID\":5," KEY_FIELDS "}}"},
    {"User.APIKey.Delete", STYLE_COMMAND, CALLER_USER, .sentence = "Delete a key; it is refused from now on",
     LIST_OF(key_delete_params, key_refusals), .steps = {{STEP_WRITER, user_key_calls_delete}}, .request = "{\"APIKeyID\":5}",
     .answer = "{}"},
};
const struct operation_table user_table = {"Accounts", rows, sizeof rows / sizeof rows[0],
                                           "Accounts, logging in, second factors and the accounts' own keys"};
