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

struct str reply_bare(struct str line, const char *marks) {
    while (line.n && strchr(marks, line.p[0]))
        line = str_from(line, 1);
    while (line.n && strchr(marks, line.p[line.n - 1]))
        line.n--;
    return line;
}

static const char *const framed_dividers[] = {
    "original message",
    "original appointment",
    "original email",
    "forwarded message",
    "ursprüngliche nachricht",
    "original-nachricht",
    "originalnachricht",
    "weitergeleitete nachricht",
    "message d'origine",
    "message original",
    "message transféré",
    "mensaje original",
    "mensaje reenviado",
    "mensagem original",
    "mensagem encaminhada",
    "messaggio originale",
    "messaggio inoltrato",
    "oorspronkelijk bericht",
    "doorgestuurd bericht",
    "ursprungligt meddelande",
    "originalmeddelande",
    "oprindelig meddelelse",
    "opprinnelig melding",
    "alkuperäinen viesti",
    "wiadomość oryginalna",
    "původní zpráva",
    "исходное сообщение",
    "пересылаемое сообщение",
    "исходное письмо",
    "пересланное сообщение",
    "оригінальне повідомлення",
    "vidarebefordrat meddelande",
    "videresendt meddelelse",
    "videresendt melding",
    "przekazana wiadomość",
    "wiadomość przekazana",
    "przeposlaná zpráva",
    "pôvodná správa",
    "eredeti üzenet",
    "továbbított üzenet",
    "mesaj original",
    "originalna poruka",
    "izvorna poruka",
    "izvirno sporočilo",
    "orijinal mesaj",
    "özgün ileti",
    "iletilen mesaj",
    "αρχικό μήνυμα",
    "original-mail",
    "ursprungligt mail",
    "edelleenlähetetty viesti",
    "välitetty viesti",
    "原始邮件",
    "原始郵件",
    "转发邮件信息",
    "轉寄郵件",
    "元のメッセージ",
    "転送メッセージ",
    "원본 메시지",
    "전달된 메시지",
    "הודעה מקורית",
    "رسالة أصلية",
    "pesan asli",
    "thư gốc",
    "bericht doorgestuurd",
    "message transféré",
    "messaggio originale",
    "mensagem original",
    "urspr. nachricht",
    "original message follows",
    "reply message",
    "antwort nachricht",
    "oprindelig besked",
    "videresendt besked",
    "originalt meddelande",
    "opprinnelig e-post",
    "original e-mail",
    "mensaje enviado",
    "message transmis",
};

static const char *const whole_dividers[] = {
    "Begin forwarded message:",
    "Anfang der weitergeleiteten Nachricht:",
    "Début du message réexpédié :",
    "Inizio messaggio inoltrato:",
    "Inicio del mensaje reenviado:",
    "Início da mensagem reenviada:",
    "Mensagem encaminhada:",
    "Begin doorgestuurd bericht:",
    "Vidarebefordrat brev:",
    "Videresendt besked:",
    "Videresendt melding:",
    "Początek przekazywanej wiadomości:",
    "Начало переадресованного сообщения:",
    "开始转发的邮件：",
    "下面是被转发的邮件：",
    "転送されたメッセージ:",
    "전달된 메시지:",
};

bool reply_is_divider(struct str line) {
    if (line.n > 200)
        return false;
    struct str words = reply_bare(line, "> *-_=\t");
    if (words.p > line.p + 1 && memmem(line.p, (size_t)(words.p - line.p), "--", 2) &&
        any_of(words, framed_dividers, COUNT(framed_dividers), str_eq_nocase))
        return true;
    return any_of(reply_bare(line, " \t"), whole_dividers, COUNT(whole_dividers), str_eq);
}

bool reply_is_marker(struct str line) {
    static const char *const words[] = {
        "reply above this line",       "reply above the line",   "type your reply above",
        "write above this line",       "please type your reply", "answer above this line",
        "antworten sie oberhalb",      "bitte oberhalb dieser",  "oberhalb dieser zeile",
        "répondre au-dessus de cette", "répondez au-dessus",     "responda por encima de esta",
        "rispondi sopra questa",       "responda acima desta",   "antwoord boven deze",
        "svara ovanför denna",         "skriv ovenfor denne",    "odpowiedz powyżej tej",
        "do not reply below this",
    };
    char lower[300];
    size_t n = 0;
    if (line.n >= sizeof lower)
        return false;
    for (; n < line.n; n++)
        lower[n] =
            (char)((unsigned char)line.p[n] < 128 ? tolower((unsigned char)line.p[n]) : line.p[n]);
    return any_of(str_make(lower, n), words, COUNT(words), contains);
}

static bool has_digit(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if (isdigit((unsigned char)s.p[i]))
            return true;
    return false;
}

static bool has_year(struct str s) {
    for (size_t i = 0; i + 4 <= s.n; i++)
        if ((!memcmp(s.p + i, "19", 2) || !memcmp(s.p + i, "20", 2)) &&
            isdigit((unsigned char)s.p[i + 2]) && isdigit((unsigned char)s.p[i + 3]))
            return true;
    return false;
}

static bool date_first(struct str line) {
    size_t digits = 0;
    while (digits < line.n && isdigit((unsigned char)line.p[digits]))
        digits++;
    return digits == 1 || digits == 2 || digits == 4;
}

/* "Some One <some@one.example> schrieb am So., 2.": one mail program names the sender first. */
static bool sender_first(struct str line) {
    static const char *const behind[] = {"> schrieb am ", "> wrote on ",       "> schreef op ",
                                         "> a écrit le ", "> escribió el ",    "> ha scritto il ",
                                         "> skrev den ",  "> escreveu no dia "};
    return str_find(line, '<') > 0 && any_of(line, behind, COUNT(behind), contains);
}

bool reply_starts_attribution(struct str line) {
    static const char *const starts[] = {
        "On ",  "Am ",      "Le ",  "El ",   "Il ",      "Op ",    "Den ", "Dnia ",  "W dniu ",
        "Em ",  "Dne ",     "På ",  "Pada ", "No dia ",  "În ",    "At ",  "Date: ", "Vào ",
        "Het ", "La data ", "Dňa ", "Dana ", "Στις ",    "בתאריך", "ב-",   "في ",    "Kl. ",
        "在",   "于",       "於",   "เมื่อ",   "Quoting ", "Pe ",    "Ha ",
    };
    /* days of the week, short: a blank, a dot or a comma follows */
    static const char *const days[] = {
        "Mon", "Tue", "Wed",  "Thu", "Fri", "Sat", "Sun", "lun", "mar", "mer", "jeu", "ven",
        "sam", "dim", "mié",  "jue", "vie", "sáb", "dom", "gio", "sab", "пн",  "вт",  "ср",
        "чт",  "пт",  "сб",   "вс",  "нд",  "pon", "wt",  "śr",  "czw", "pt",  "sob", "niedz",
        "tis", "ons", "tors", "fre", "lör", "sön", "mån", "man", "tir", "tor", "lør", "søn",
        "seg", "ter", "qua",  "qui", "sex", "Mo",  "Di",  "Mi",  "Do",  "Fr",  "Sa",  "So",
        "po",  "út",  "st",   "čt",  "pá",  "so",  "ne",  "ma",  "ti",  "ke",  "to",  "pe",
    };
    line = reply_bare(line, " \t*-");
    if (date_first(line) || sender_first(line) || any_of(line, starts, COUNT(starts), str_starts))
        return true;
    for (size_t i = 0; i < COUNT(days); i++) {
        struct str day = str_c(days[i]), rest = str_from(line, day.n);
        if (str_starts(line, day) && rest.n > 2 && strchr(" .,", rest.p[0]) &&
            has_digit(str_upto(rest, 8)))
            return true;
    }
    return false;
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

static bool ends_with_colon(struct str s) {
    return str_ends(s, (struct str)STR(":")) || str_ends(s, (struct str)STR("\xef\xbc\x9a"));
}

/* "… 10:43, Some One <some@one.example>:" is one whatever the language, and no verb need stand
 * there. */
bool reply_names_sender(struct str s) {
    s = reply_bare(s, " \t*");
    ptrdiff_t open = str_find(s, '<');
    if (open < 0 || s.n > 300 || !ends_with_colon(s) || !reply_has_time(s))
        return false;
    struct str rest = str_from(s, (size_t)open);
    ptrdiff_t at = str_find(rest, '@'), close = str_find(rest, '>');
    return at > 0 && close > at;
}

bool reply_is_dated_sender(struct str s) {
    s = reply_bare(s, " \t*");
    ptrdiff_t open = str_find(s, '<');
    return open > 0 && s.n < 300 && date_first(s) && has_year(str_upto(s, 12)) &&
           str_find(str_from(s, (size_t)open), '@') > 0 && str_ends(s, (struct str)STR(">"));
}

/* The verb stands last, or little behind it: "(a)", a blank. */
static bool ends_with_verb(struct str s, struct str verb) {
    for (size_t back = 0; back <= 6 && back + verb.n <= s.n; back++)
        if (str_ends(str_upto(s, s.n - back), verb))
            return true;
    return false;
}

/* No colon stands behind the verb: told by the dashes around, or an address before it. */
static bool is_bare_attribution(struct str framed) {
    struct str words = reply_bare(framed, " \t*-");
    bool dashes = str_ends(framed, (struct str)STR("--"));
    return (reply_has_time(words) || has_year(words)) &&
           (str_ends(words, (struct str)STR("> wrote")) ||
            (dashes && str_ends(words, (struct str)STR(" wrote"))));
}

bool reply_is_attribution(struct str lines) {
    static const char *const last[] = {
        "wrote",      "a écrit",     "écrit",      "escribió", "ha scritto", "scritto", "napisał",
        "pisze",      "escreveu",    "пише",       "пишет",    "написал",    "написав", "napsal",
        "kirjoitti",  "yazdı",       "a scris",    "写道",     "寫道",       "작성:",   "napisao",
        "napisala",   "napísal",     "je napisal", "kirjutas", "rakstīja",   "parašė",  "написа",
        "напісаў",    "va escriure", "skrifaði",   "scris",    "a scrie",    "skrifar", "כתב",
        "כתבה",       "كتب",         "đã viết",    "เขียน",     "écrivait",   "a ecrit", "yazdi",
        "geschreven", "έγραψε"};
    /* in these languages the name comes behind */
    static const char *const amid[] = {"schrieb",   "schreef", "skrev",     "さんは",
                                       "のメール",  "írta",    "tarihinde", "notifications@",
                                       "님이 작성", "menulis"};
    lines = reply_bare(lines, " \t*");
    if (lines.n < 8 || lines.n > 1000)
        return false;
    if (is_stamp(lines) || is_bare_attribution(lines))
        return true;
    if (sender_first(lines))
        return ends_with_colon(lines) && has_year(lines);
    if (!has_digit(lines) || !ends_with_colon(lines))
        return false;
    if (any_of(lines, last, COUNT(last), ends_with_verb))
        return true;
    bool dated = reply_has_time(lines) || has_year(lines) || str_find(lines, '@') >= 0;
    return dated && any_of(lines, amid, COUNT(amid), contains);
}
