/* manual.c - prose around the verbs of the tables.
 * SPDX-License-Identifier: Apache-2.0 */
#include "app/manual.h"

#include "app/command.h"
#include "app/roff.h"
#include "app/verbs.h"

static const char head[] =
    ".\\\" Made by posthorn man from the tables of verbs; change those.\n"
    ".TH POSTHORN 8 \"\" \"posthorn " POSTHORN_VERSION "\" \"Posthorn\"\n"
    ".SH NAME\nposthorn \\- self\\-hosted e\\-mail gateway\n"
    ".SH SYNOPSIS\n"
    ".B posthorn\n.I verb\n.RI [ words ]\n.RB [ \\-c\n.IR file ]\n.RB [ \\-o\n.IB section . key = value\\fR]...\n.RB [ "
    "\\-\\-json ]\n"
    ".SH DESCRIPTION\n"
    "Posthorn takes messages over HTTP, keeps them in a durable queue, signs them with DKIM and delivers them to the recipients' "
    "servers.\nWhat happened to each of them is told by events.\n"
    ".PP\n.B posthorn serve\nis the gateway. Every other verb that needs its data talks to the running one through the socket\n"
    ".I control.sock\nin the data folder. Where none runs, it takes the data folder's lock, does the same by itself and ends; so "
    "there "
    "are never two writers.\n"
    ".PP\nWords go resource, verb, what it is about, then how. A verb\n.B add\n(of accounts,\n.BR create )\ntakes options; a "
    "verb\n"
    ".B set\nand\n.B group add\ntake words NAME=VALUE. The word FILE may be \\- for standard input.\n"
    ".SH OPTIONS\n"
    ".TP\n.BI \\-c \" file\"\nRead this configuration; see\n.BR posthorn.conf (5).\n"
    ".TP\n.BI \\-o \" section\" . key = value\nSet one key; wins over the file; may be repeated.\n"
    ".TP\n.B \\-\\-json\nPrint the answer as JSON: the answer of the operation of the API that the verb calls.\n"
    ".TP\n.B \\-\\-help\nWithout a verb, list what there is; with a resource, its verbs; with a verb, its words.\n"
    ".TP\n.BI \\-\\-account \" E\"\nOf verbs on what belongs to an account: its e\\-mail address. It may be left out when there "
    "is one\n"
    "account only, or when the sender domain that is named tells which.\n"
    ".SH VERBS\n.SS The gateway\n";

static const char tail[] =
    ".SH SEARCHES\n"
    ".B \\-\\-query\nof\n.B event list\nand\n.B stats top\ntakes words and \\(dqphrases\\(dq, found in subject, sender, "
    "recipient and "
    "message id;\n.IR field:value ,\n.IR field:val* ,\n.I field:\\(dqtwo words\\(dq\nand\n.IR \"field:[a TO b]\" ;\n"
    "AND, OR, NOT and brackets.\n"
    ".SH SOCKET ACTIVATION\n"
    "Sockets that systemd opened and passes (LISTEN_FDS) are used by their FileDescriptorName=:\n"
    ".BR http ,\n.BR https ,\n"
    ".B smtp\n(submission with STARTTLS),\n.B smtps\n(submission with TLS),\n"
    ".B return\\-path\n(bounces), and\n.B smtp\\-public\n(submission and bounces on one port). There may be several of a name; "
    "where there is one, the addresses of the\n"
    "configuration for the same are not opened. Any other name is an error.\n"
    ".SH EXIT STATUS\n"
    ".TP\n.B 0\nDone.\n"
    ".TP\n.B 1\nRefused or failed; one line on standard error says why. For\n.BR serve :\nit could not start, or the database "
    "failed "
    "under it. For\n.BR doctor :\nsomething needs attention.\n"
    ".TP\n.B 64\nThe command line is wrong.\n"
    ".TP\n.B 78\nThe configuration is wrong.\n"
    ".SH FILES\n"
    ".TP\n.I data/posthorn.db\nThe database, in the folder\n.RI [ data ]\n.IR dir .\n"
    ".TP\n.I master.key\nOpens the DKIM and sender keys in the database; beside the configuration file.\n"
    ".B Back it up, apart from the database.\n"
    ".TP\n.I data/smtp\\-cert.pem\\fR, \\fIdata/smtp\\-key.pem\n"
    "A self\\-signed certificate for SMTP, made where\n.RI [ tls ]\nnames none.\n"
    ".SH SEE ALSO\n.BR posthorn.conf (5)\n";

void manual_begin(struct buf *out) {
    buf_add_z(out, head);
}

void manual_add_local(struct buf *out, const char *word, const char *summary, const char *more) {
    buf_add_z(out, ".TP\n.B ");
    roff_add_text(out, word);
    roff_add_text(out, summary);
    if (more) roff_add_text(out, more);
}

/* Quotes would end the argument of .B; no verb has one. */
static void add_verb(struct buf *out, const struct verb *verb) {
    BUF_AUTO words = {0};
    buf_addf(&words, "%s%s%s", verb->words, verb->argument ? " " : "", verb->argument ? verb->argument : "");
    for (const struct verb_option *o = verb->options; o->flag; o++) {
        buf_add_char(&words, ' ');
        verb_format_option(&words, o);
    }
    buf_add_char(&words, 0);
    manual_add_local(out, words.p, verb->summary, NULL);
    for (const struct verb_option *o = verb->options; o->flag; o++) {
        if (o->is_common) continue;
        buf_add_z(out, ".br\n.B ");
        roff_add_text(out, o->flag);
        roff_add_text(out, o->sentence);
    }
}

void manual_end(struct buf *out) {
    size_t group_count;
    const struct verb_group *groups = verb_groups(&group_count);
    const struct verb *verb;
    for (size_t i = 0; i < group_count; i++) {
        if (groups[i].heading) {
            buf_add_z(out, ".SS ");
            roff_add_text(out, groups[i].heading);
        }
        for (size_t k = 0; (verb = verb_at(k)); k++)
            if (verb_is_in_group(verb, groups[i].word)) add_verb(out, verb);
    }
    buf_add_z(out, tail);
}
