/* reply_device.c - the line that a telephone or a mail program puts below: "Sent from my iPhone". A
 * missing one costs a line shown: add a row.
 */
#include "reply_words.h"

#include <touchline/kit/own.h>

enum { DEVICE_WORDS_MAX = 10 };

static const char *const device_starts[] = {
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
    "Gesendet mit ",
    "Envoyé avec ",
    "Enviado con ",
    "Enviado com ",
    "Inviato con ",
    "Inviato dal mio ",
    "Verzonden met ",
    "Verstuurd met ",
    "Skickat från ",
    "Sendt fra ",
    "Sendt med ",
    "Wysłano z ",
    "Odesláno z ",
    "Odoslané z ",
    "Küldve ",
    "Trimis de pe ",
    "Trimis din ",
    "Poslano s ",
    "Poslano iz ",
    "Надіслано з ",
    "Изпратено от ",
    "Στάλθηκε από ",
    "iPhone'umdan gönderildi",
    "iPhone から送信",
    "iPhoneから送信",
    "从我的 ",
    "从我的",
    "發自我的",
    "发自我的",
    "来自 ",
    "나의 ",
    "내 iPhone에서 보냄",
    "Dikirim dari ",
    "Được gửi từ ",
    "נשלח מה",
    "Outlook für ",
    "Obtenir Outlook pour ",
    "Télécharger Outlook pour ",
    "Descargar Outlook para ",
    "Scarica Outlook per ",
    "Ottieni Outlook per ",
    "Obter o Outlook para ",
    "Baixar o Outlook para ",
    "Hämta Outlook för ",
    "Hent Outlook til ",
    "Hent Outlook for ",
    "Pobierz aplikację Outlook ",
    "Získat Outlook pro ",
    "Obtener Outlook para ",
    "Outlook beziehen für ",
    "Download Outlook ",
    "Hanki Outlook ",
    "Sent on the ",
};

/* In brackets, or in small letters: "(sent from a phone)". */
static const char *const bracketed[] = {"sent from ", "sent by ", "sent via ", "sent with "};
static const char *const phones[] = {"From my iphone", "From my ipad", "From my phone",
                                     "From my mobile", "From my android"};

static bool starts_any(struct str s, const char *const *words, size_t n,
                       bool (*test)(struct str, struct str)) {
    for (size_t i = 0; i < n; i++)
        if (test(str_upto(s, strlen(words[i])), str_c(words[i])))
            return true;
    return false;
}

/* What some add: "…, please excuse typos." */
static struct str without_excuse(struct str line) {
    static const char *const excuses[] = {"please excuse", "please forgive", "excuse",
                                          "apologies",     "sorry for",      "forgive"};
    for (size_t i = 0; i < line.n; i++)
        if ((line.p[i] == ',' || line.p[i] == '.') &&
            starts_any(str_trim(str_from(line, i + 1)), excuses, COUNT(excuses), str_eq_nocase))
            return str_upto(line, i);
    return line;
}

/* "Sent from TypeApp": a name, not a place ("Sent from the office, where ..."). */
static bool is_program(struct str line) {
    struct str name = str_from(line, strlen("Sent from "));
    return str_starts(line, (struct str)STR("Sent from ")) && name.n && name.p[0] >= 'A' &&
           name.p[0] <= 'Z' && !str_ends(line, (struct str)STR("."));
}

static bool names_device(struct str line, bool in_brackets) {
    return starts_any(line, device_starts, COUNT(device_starts), str_eq) ||
           starts_any(line, phones, COUNT(phones), str_eq_nocase) || is_program(line) ||
           (str_starts(line, (struct str)STR("從我的")) &&
            str_ends(line, (struct str)STR("傳送"))) ||
           (in_brackets && starts_any(line, bracketed, COUNT(bracketed), str_eq_nocase));
}

bool reply_is_device(struct str line) {
    size_t words = 1;
    struct str whole = str_trim(line);
    bool in_brackets = whole.n && (whole.p[0] == '(' || whole.p[0] == '<' || whole.p[0] == '[');
    line = reply_bare(line, " \t*_<>()[]");
    ptrdiff_t link = str_find(line, '<');
    if (link >= 0)
        line = str_upto(line, (size_t)link);
    line = without_excuse(line);
    if (line.n > 100 || !names_device(line, in_brackets))
        return false;
    for (size_t i = 0; i < line.n; i++) {
        if (line.p[i] == ',' || line.p[i] == '!')
            return false;
        words += line.p[i] == ' ' && i + 1 < line.n;
    }
    return words <= DEVICE_WORDS_MAX;
}
