/* words.c - see words.h. A new language is a new row.
 * SPDX-License-Identifier: Apache-2.0 */
#include "track/words.h"

#define NBSP "\xc2\xa0" /* no line ends here */

static const struct words rows[] = {
    {"en",
     {[WORD_UNSUBSCRIBE] = "Unsubscribe",
      [WORD_QUESTION] = "Do you want to unsubscribe?",
      [WORD_EXPLAIN] = "Nothing has changed yet. Press the button to get no more of these emails.",
      [WORD_CHOICES] = "What do you no longer want to get?",
      [WORD_OF_LIST] = "Emails of the list “{}”",
      [WORD_OF_TAG] = "Emails about “{}”",
      [WORD_OF_ALL] = "All emails of this sender",
      [WORD_LEFT] = "You are unsubscribed",
      [WORD_LEFT_LIST] = "You will get no more emails of this list.",
      [WORD_LEFT_TAG] = "You will get no more emails about “{}”.",
      [WORD_LEFT_ALL] = "You will get no more emails of this sender.",
      [WORD_BAD] = "This did not work",
      [WORD_BAD_WHY] = "We did not understand the request. Please open the link in the email once more.",
      [WORD_UNKNOWN] = "We do not know this link",
      [WORD_UNKNOWN_WHY] = "It may have been cut off or changed on its way. Please copy it whole out of the email.",
      [WORD_GONE] = "This link leads nowhere any more",
      [WORD_GONE_WHY] = "The sender no longer uses it.",
      [WORD_LATER] = "Please try again in a moment",
      [WORD_LATER_WHY] = "Nothing has changed. We could not note your wish just now."}},
    {"de",
     {[WORD_UNSUBSCRIBE] = "Abmelden",
      [WORD_QUESTION] = "Möchten Sie sich abmelden?",
      [WORD_EXPLAIN] = "Noch hat sich nichts geändert. Mit dem Knopf bestellen Sie diese E-Mails ab.",
      [WORD_CHOICES] = "Was möchten Sie nicht mehr erhalten?",
      [WORD_OF_LIST] = "E-Mails der Liste „{}“",
      [WORD_OF_TAG] = "E-Mails zum Thema „{}“",
      [WORD_OF_ALL] = "Alle E-Mails dieses Absenders",
      [WORD_LEFT] = "Sie sind abgemeldet",
      [WORD_LEFT_LIST] = "Sie erhalten keine E-Mails dieser Liste mehr.",
      [WORD_LEFT_TAG] = "Sie erhalten keine E-Mails zum Thema „{}“ mehr.",
      [WORD_LEFT_ALL] = "Sie erhalten keine E-Mails dieses Absenders mehr.",
      [WORD_BAD] = "Das hat nicht geklappt",
      [WORD_BAD_WHY] = "Wir haben die Anfrage nicht verstanden. Bitte öffnen Sie den Link in der E-Mail noch einmal.",
      [WORD_UNKNOWN] = "Diesen Link kennen wir nicht",
      [WORD_UNKNOWN_WHY] =
          "Vielleicht wurde er unterwegs gekürzt oder verändert. Bitte kopieren Sie ihn vollständig aus der E-Mail.",
      [WORD_GONE] = "Dieser Link führt nirgends mehr hin",
      [WORD_GONE_WHY] = "Der Absender verwendet ihn nicht mehr.",
      [WORD_LATER] = "Bitte versuchen Sie es gleich noch einmal",
      [WORD_LATER_WHY] = "Es hat sich nichts geändert. Wir konnten Ihren Wunsch gerade nicht festhalten."}},
    {"fr",
     {[WORD_UNSUBSCRIBE] = "Se désabonner",
      [WORD_QUESTION] = "Voulez-vous vous désabonner" NBSP "?",
      [WORD_EXPLAIN] = "Rien n’a encore changé. Appuyez sur le bouton pour ne plus recevoir ces e-mails.",
      [WORD_CHOICES] = "Que ne voulez-vous plus recevoir" NBSP "?",
      [WORD_OF_LIST] = "Les e-mails de la liste «" NBSP "{}" NBSP "»",
      [WORD_OF_TAG] = "Les e-mails sur «" NBSP "{}" NBSP "»",
      [WORD_OF_ALL] = "Tous les e-mails de cet expéditeur",
      [WORD_LEFT] = "Votre désabonnement est fait",
      [WORD_LEFT_LIST] = "Vous ne recevrez plus d’e-mails de cette liste.",
      [WORD_LEFT_TAG] = "Vous ne recevrez plus d’e-mails sur «" NBSP "{}" NBSP "».",
      [WORD_LEFT_ALL] = "Vous ne recevrez plus d’e-mails de cet expéditeur.",
      [WORD_BAD] = "Cela n’a pas fonctionné",
      [WORD_BAD_WHY] = "Nous n’avons pas compris la demande. Veuillez ouvrir à nouveau le lien de l’e-mail.",
      [WORD_UNKNOWN] = "Nous ne connaissons pas ce lien",
      [WORD_UNKNOWN_WHY] = "Il a peut-être été coupé ou modifié en chemin. Veuillez le copier en entier depuis l’e-mail.",
      [WORD_GONE] = "Ce lien ne mène plus nulle part",
      [WORD_GONE_WHY] = "L’expéditeur ne l’utilise plus.",
      [WORD_LATER] = "Veuillez réessayer dans un instant",
      [WORD_LATER_WHY] = "Rien n’a changé. Nous n’avons pas pu enregistrer votre souhait pour le moment."}},
};
#define ROWS (sizeof rows / sizeof rows[0])

const struct words *words_all(size_t *ret_count) {
    *ret_count = ROWS;
    return rows;
}

/* "de-AT" is spoken by "de". NULL: by none. */
static const struct words *find_row(struct str range) {
    struct str primary = str_sub(range, 0, str_find(range, '-'));
    for (size_t i = 0; i < ROWS; i++)
        if (str_eq_nocase(primary, str_from_z(rows[i].language))) return &rows[i];
    return NULL;
}

/* "q=0.75" in thousandths; 1000 where none is said, 0 of what cannot be read. Source: RFC 9110 12.4.2. */
static unsigned weight_of(struct str parameters) {
    struct str text = str_trim(parameters);
    unsigned weight = 0, unit = 100;
    if (text.n == 0) return 1000;
    if (!str_starts_nocase(text, STR("q="))) return 0;
    text = str_sub(text, 2, SIZE_MAX);
    if (str_starts(text, STR("1"))) return 1000;
    if (!str_starts(text, STR("0."))) return 0;
    for (size_t i = 2; i < text.n && unit && ascii_is_digit(text.p[i]); i++, unit /= 10)
        weight += unit * (unsigned)(text.p[i] - '0');
    return weight;
}

const struct words *words_accepted(struct str accept_language) {
    const struct words *best = &rows[0];
    unsigned best_weight = 0;
    struct str part;
    while (str_next(&accept_language, ',', &part)) {
        size_t semicolon = str_find(part, ';');
        struct str parameters = semicolon == STR_NONE ? STR("") : str_sub(part, semicolon + 1, SIZE_MAX);
        const struct words *row = find_row(str_trim(str_sub(part, 0, semicolon)));
        unsigned weight = weight_of(parameters);
        if (!row || weight <= best_weight) continue;
        best = row;
        best_weight = weight;
    }
    return best;
}
