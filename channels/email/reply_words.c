/* reply_words.c - tables of words. A missing language costs a quote shown, nothing more: add a row.
 */
#include "reply_words.h"

#include <ctype.h>

#include <touchline/kit/own.h>

static bool any_of(struct str s, const char *const *words, size_t n,
                   bool (*test)(struct str, struct str)) {
    for (size_t i = 0; i < n; i++)
        if (test(s, str_c(words[i])))
            return true;
    return false;
}

static bool contains(struct str s, struct str word) {
    return s.n >= word.n && memmem(s.p, s.n, word.p, word.n) != NULL;
}

static bool starts_nocase(struct str s, struct str word) {
    return s.n >= word.n && str_eq_nocase(str_upto(s, word.n), word);
}

/* Without the marks that quoting and bold type put around. */
static struct str bare(struct str line, const char *marks) {
    while (line.n && strchr(marks, line.p[0]))
        line = str_from(line, 1);
    while (line.n && strchr(marks, line.p[line.n - 1]))
        line.n--;
    return line;
}

static const struct {
    const char *word;
    enum reply_field field;
} field_words[] = {
    {"From", REPLY_FIELD_FROM},
    {"Von", REPLY_FIELD_FROM},
    {"De", REPLY_FIELD_FROM},
    {"Da", REPLY_FIELD_FROM},
    {"Van", REPLY_FIELD_FROM},
    {"Från", REPLY_FIELD_FROM},
    {"Fra", REPLY_FIELD_FROM},
    {"Od", REPLY_FIELD_FROM},
    {"От", REPLY_FIELD_FROM},
    {"Від", REPLY_FIELD_FROM},
    {"Lähettäjä", REPLY_FIELD_FROM},
    {"Feladó", REPLY_FIELD_FROM},
    {"Kimden", REPLY_FIELD_FROM},
    {"发件人", REPLY_FIELD_FROM},
    {"差出人", REPLY_FIELD_FROM},
    {"Sent", REPLY_FIELD_DATE},
    {"Date", REPLY_FIELD_DATE},
    {"Gesendet", REPLY_FIELD_DATE},
    {"Datum", REPLY_FIELD_DATE},
    {"Envoyé", REPLY_FIELD_DATE},
    {"Enviado", REPLY_FIELD_DATE},
    {"Enviado el", REPLY_FIELD_DATE},
    {"Fecha", REPLY_FIELD_DATE},
    {"Inviato", REPLY_FIELD_DATE},
    {"Data", REPLY_FIELD_DATE},
    {"Verzonden", REPLY_FIELD_DATE},
    {"Skickat", REPLY_FIELD_DATE},
    {"Sendt", REPLY_FIELD_DATE},
    {"Dato", REPLY_FIELD_DATE},
    {"Wysłano", REPLY_FIELD_DATE},
    {"Odesláno", REPLY_FIELD_DATE},
    {"Отправлено", REPLY_FIELD_DATE},
    {"Дата", REPLY_FIELD_DATE},
    {"Lähetetty", REPLY_FIELD_DATE},
    {"Elküldve", REPLY_FIELD_DATE},
    {"Gönderilen", REPLY_FIELD_DATE},
    {"发送时间", REPLY_FIELD_DATE},
    {"送信日時", REPLY_FIELD_DATE},
    {"To", REPLY_FIELD_TO},
    {"An", REPLY_FIELD_TO},
    {"À", REPLY_FIELD_TO},
    {"Para", REPLY_FIELD_TO},
    {"A", REPLY_FIELD_TO},
    {"Aan", REPLY_FIELD_TO},
    {"Till", REPLY_FIELD_TO},
    {"Til", REPLY_FIELD_TO},
    {"Do", REPLY_FIELD_TO},
    {"Komu", REPLY_FIELD_TO},
    {"Кому", REPLY_FIELD_TO},
    {"Vastaanottaja", REPLY_FIELD_TO},
    {"Címzett", REPLY_FIELD_TO},
    {"Kime", REPLY_FIELD_TO},
    {"收件人", REPLY_FIELD_TO},
    {"宛先", REPLY_FIELD_TO},
    {"Subject", REPLY_FIELD_SUBJECT},
    {"Betreff", REPLY_FIELD_SUBJECT},
    {"Objet", REPLY_FIELD_SUBJECT},
    {"Asunto", REPLY_FIELD_SUBJECT},
    {"Oggetto", REPLY_FIELD_SUBJECT},
    {"Onderwerp", REPLY_FIELD_SUBJECT},
    {"Ämne", REPLY_FIELD_SUBJECT},
    {"Emne", REPLY_FIELD_SUBJECT},
    {"Temat", REPLY_FIELD_SUBJECT},
    {"Předmět", REPLY_FIELD_SUBJECT},
    {"Assunto", REPLY_FIELD_SUBJECT},
    {"Тема", REPLY_FIELD_SUBJECT},
    {"Aihe", REPLY_FIELD_SUBJECT},
    {"Tárgy", REPLY_FIELD_SUBJECT},
    {"Konu", REPLY_FIELD_SUBJECT},
    {"主题", REPLY_FIELD_SUBJECT},
    {"件名", REPLY_FIELD_SUBJECT},
    {"Reply-To", REPLY_FIELD_OTHER},
    {"Cc", REPLY_FIELD_OTHER},
    {"CC", REPLY_FIELD_OTHER},
    {"Risposta", REPLY_FIELD_OTHER},
    {"Kopie", REPLY_FIELD_OTHER},
    {"Priority", REPLY_FIELD_OTHER},
    {"Importance", REPLY_FIELD_OTHER},
    {"Attachments", REPLY_FIELD_OTHER},
    {"Organization", REPLY_FIELD_OTHER},
};

enum reply_field reply_field(struct str line) {
    line = bare(str_upto(line, 80), "> *_\t");
    ptrdiff_t colon = str_find(line, ':');
    struct str name = colon > 0 ? bare(str_upto(line, (size_t)colon), " *_\xa0") : STR_NONE;
    for (size_t i = 0; i < COUNT(field_words) && name.n; i++)
        if (str_is(name, field_words[i].word))
            return field_words[i].field;
    return REPLY_FIELD_NONE;
}

bool reply_is_divider(struct str line) {
    static const char *const framed[] = {
        "original message",        "original appointment",
        "original email",          "forwarded message",
        "ursprüngliche nachricht", "original-nachricht",
        "originalnachricht",       "weitergeleitete nachricht",
        "message d'origine",       "message original",
        "message transféré",       "mensaje original",
        "mensaje reenviado",       "mensagem original",
        "mensagem encaminhada",    "messaggio originale",
        "messaggio inoltrato",     "oorspronkelijk bericht",
        "doorgestuurd bericht",    "ursprungligt meddelande",
        "originalmeddelande",      "oprindelig meddelelse",
        "opprinnelig melding",     "alkuperäinen viesti",
        "wiadomość oryginalna",    "původní zpráva",
        "исходное сообщение",      "пересылаемое сообщение",
    };
    static const char *const whole[] = {
        "Begin forwarded message:",      "Anfang der weitergeleiteten Nachricht:",
        "Début du message réexpédié :",  "Inizio messaggio inoltrato:",
        "Inicio del mensaje reenviado:",
    };
    if (line.n > 200)
        return false;
    struct str words = bare(line, "> *-_=\t");
    if (words.p > line.p + 1 && memmem(line.p, (size_t)(words.p - line.p), "--", 2) &&
        any_of(words, framed, COUNT(framed), str_eq_nocase))
        return true;
    for (size_t i = 0; i < line.n; i++)
        if ((line.p[i] == 'R' || line.p[i] == 'r') &&
            starts_nocase(str_from(line, i), str_c("reply above this line")))
            return true;
    return any_of(bare(line, " \t"), whole, COUNT(whole), str_eq);
}

static bool date_first(struct str line) {
    size_t digits = 0;
    while (digits < line.n && isdigit((unsigned char)line.p[digits]))
        digits++;
    return digits == 1 || digits == 2 || digits == 4;
}

bool reply_starts_attribution(struct str line) {
    static const char *const starts[] = {
        "On ",  "Am ", "Le ",   "El ",     "Il ", "Op ",      "Den ", "Dnia ",  "W dniu ", "Em ",
        "Dne ", "På ", "Pada ", "No dia ", "În ", "Quoting ", "At ",  "Date: ", "Vào "};
    line = bare(line, " \t*");
    return date_first(line) || any_of(line, starts, COUNT(starts), str_starts);
}

/* "2016-03-03 17:21 GMT+01:00 Some One": one mail program writes no verb. */
static bool is_stamp(struct str line) {
    static const char shape[] = "0000-00-00 00:00 GMT";
    if (line.n < sizeof shape)
        return false;
    for (size_t i = 0; i + 1 < sizeof shape; i++)
        if (shape[i] == '0' ? !isdigit((unsigned char)line.p[i]) : line.p[i] != shape[i])
            return false;
    return true;
}

bool reply_is_attribution(struct str lines) {
    static const char *const verbs[] = {
        "wrote",   "schrieb", "a écrit", "écrit",      "escribió", "ha scritto", "scritto",
        "schreef", "skrev",   "napisał", "pisze",      "escreveu", "пише",       "пишет",
        "написал", "написав", "napsal",  "kirjoitti",  "yazdı",    "menulis",    "a scris",
        "írta",    "写道",    "さんは",  "geschreven", "đã viết",  "έγραψε",     "notifications@",
    };
    bool digit = false;
    lines = bare(lines, " \t*");
    if (lines.n < 8 || lines.n > 1000)
        return false;
    if (is_stamp(lines))
        return true;
    for (size_t i = 0; i < lines.n && !digit; i++)
        digit = isdigit((unsigned char)lines.p[i]);
    return digit && lines.p[lines.n - 1] == ':' && any_of(lines, verbs, COUNT(verbs), contains);
}

bool reply_is_device(struct str line) {
    static const char *const starts[] = {
        "Sent from my ",
        "Sent from Outlook",
        "Sent from Mail",
        "Sent from Yahoo",
        "Sent from Samsung",
        "Sent via ",
        "Sent with ",
        "Get Outlook for ",
        "Von meinem ",
        "Gesendet von ",
        "Envoyé de mon ",
        "Envoyé depuis ",
        "Envoyé à partir de ",
        "Enviado desde ",
        "Enviado do meu ",
        "Enviado de ",
        "Inviato da ",
        "Verzonden vanaf ",
        "Verstuurd vanaf ",
        "Skickat från min ",
        "Sendt fra min ",
        "Wysłane z ",
        "Отправлено с ",
        "Lähetetty ",
        "Diese Nachricht wurde von meinem ",
    };
    size_t words = 1;
    line = bare(line, " \t*_<>");
    ptrdiff_t link = str_find(line, '<');
    if (link >= 0)
        line = str_upto(line, (size_t)link);
    if (line.n > 100 || !any_of(line, starts, COUNT(starts), str_starts))
        return false;
    for (size_t i = 0; i < line.n; i++) {
        if (line.p[i] == ',' || line.p[i] == '!')
            return false;
        words += line.p[i] == ' ' && i + 1 < line.n;
    }
    return words <= 9;
}
