/* reply_fields.c - the header fields that programs write above a mail which they quote. A language
 * that is missing: add its words.
 */
#include <ctype.h>

#include <touchline/kit/own.h>

#include "reply_words.h"

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
    {"Ut", REPLY_FIELD_FROM},
    {"Frá", REPLY_FIELD_FROM},
    {"От кого", REPLY_FIELD_FROM},
    {"Από", REPLY_FIELD_FROM},
    {"מאת", REPLY_FIELD_FROM},
    {"من", REPLY_FIELD_FROM},
    {"보낸 사람", REPLY_FIELD_FROM},
    {"보낸사람", REPLY_FIELD_FROM},
    {"寄件者", REPLY_FIELD_FROM},
    {"寄件人", REPLY_FIELD_FROM},
    {"發件人", REPLY_FIELD_FROM},
    {"送信者", REPLY_FIELD_FROM},
    {"De la", REPLY_FIELD_FROM},
    {"Odesílatel", REPLY_FIELD_FROM},
    {"Odosielateľ", REPLY_FIELD_FROM},
    {"Pošiljatelj", REPLY_FIELD_FROM},
    {"Saatja", REPLY_FIELD_FROM},
    {"Siuntėjas", REPLY_FIELD_FROM},
    {"Dari", REPLY_FIELD_FROM},
    {"Từ", REPLY_FIELD_FROM},
    {"Người gửi", REPLY_FIELD_FROM},
    {"จาก", REPLY_FIELD_FROM},
    {"Gönderen", REPLY_FIELD_FROM},
    {"Expéditeur", REPLY_FIELD_FROM},
    {"Remitente", REPLY_FIELD_FROM},
    {"Mittente", REPLY_FIELD_FROM},
    {"Afzender", REPLY_FIELD_FROM},
    {"Avsändare", REPLY_FIELD_FROM},
    {"Afsender", REPLY_FIELD_FROM},
    {"Avsender", REPLY_FIELD_FROM},
    {"Absender", REPLY_FIELD_FROM},
    {"Remetente", REPLY_FIELD_FROM},
    {"Nadawca", REPLY_FIELD_FROM},
    {"Skickat den", REPLY_FIELD_DATE},
    {"Päiväys", REPLY_FIELD_DATE},
    {"Päivämäärä", REPLY_FIELD_DATE},
    {"Dátum", REPLY_FIELD_DATE},
    {"Tarih", REPLY_FIELD_DATE},
    {"Ημερομηνία", REPLY_FIELD_DATE},
    {"Στάλθηκε", REPLY_FIELD_DATE},
    {"Надіслано", REPLY_FIELD_DATE},
    {"Изпратено", REPLY_FIELD_DATE},
    {"Trimis", REPLY_FIELD_DATE},
    {"Poslano", REPLY_FIELD_DATE},
    {"Poslané", REPLY_FIELD_DATE},
    {"Wysłane", REPLY_FIELD_DATE},
    {"Giden", REPLY_FIELD_DATE},
    {"נשלח", REPLY_FIELD_DATE},
    {"בתאריך", REPLY_FIELD_DATE},
    {"تم الإرسال", REPLY_FIELD_DATE},
    {"التاريخ", REPLY_FIELD_DATE},
    {"보낸 날짜", REPLY_FIELD_DATE},
    {"날짜", REPLY_FIELD_DATE},
    {"日期", REPLY_FIELD_DATE},
    {"寄件日期", REPLY_FIELD_DATE},
    {"傳送時間", REPLY_FIELD_DATE},
    {"发送日期", REPLY_FIELD_DATE},
    {"日時", REPLY_FIELD_DATE},
    {"Saadetud", REPLY_FIELD_DATE},
    {"Išsiųsta", REPLY_FIELD_DATE},
    {"Nosūtīts", REPLY_FIELD_DATE},
    {"Dikirim", REPLY_FIELD_DATE},
    {"Tanggal", REPLY_FIELD_DATE},
    {"Ngày", REPLY_FIELD_DATE},
    {"Đã gửi", REPLY_FIELD_DATE},
    {"วันที่", REPLY_FIELD_DATE},
    {"Fecha de envío", REPLY_FIELD_DATE},
    {"Data de envio", REPLY_FIELD_DATE},
    {"Verzonden op", REPLY_FIELD_DATE},
    {"Sendedatum", REPLY_FIELD_DATE},
    {"Mottatt", REPLY_FIELD_DATE},
    {"Mottagare", REPLY_FIELD_TO},
    {"Modtager", REPLY_FIELD_TO},
    {"Mottaker", REPLY_FIELD_TO},
    {"Empfänger", REPLY_FIELD_TO},
    {"Destinataire", REPLY_FIELD_TO},
    {"Destinatario", REPLY_FIELD_TO},
    {"Destinatário", REPLY_FIELD_TO},
    {"Για", REPLY_FIELD_TO},
    {"Προς", REPLY_FIELD_TO},
    {"אל", REPLY_FIELD_TO},
    {"إلى", REPLY_FIELD_TO},
    {"받는 사람", REPLY_FIELD_TO},
    {"받는사람", REPLY_FIELD_TO},
    {"收件者", REPLY_FIELD_TO},
    {"Către", REPLY_FIELD_TO},
    {"Príjemca", REPLY_FIELD_TO},
    {"Za", REPLY_FIELD_TO},
    {"Kam", REPLY_FIELD_TO},
    {"Kepada", REPLY_FIELD_TO},
    {"Đến", REPLY_FIELD_TO},
    {"ถึง", REPLY_FIELD_TO},
    {"Alıcı", REPLY_FIELD_TO},
    {"До", REPLY_FIELD_TO},
    {"До кого", REPLY_FIELD_TO},
    {"Saaja", REPLY_FIELD_TO},
    {"Adresāts", REPLY_FIELD_TO},
    {"Gavėjas", REPLY_FIELD_TO},
    {"Subiect", REPLY_FIELD_SUBJECT},
    {"Θέμα", REPLY_FIELD_SUBJECT},
    {"נושא", REPLY_FIELD_SUBJECT},
    {"الموضوع", REPLY_FIELD_SUBJECT},
    {"제목", REPLY_FIELD_SUBJECT},
    {"主旨", REPLY_FIELD_SUBJECT},
    {"主題", REPLY_FIELD_SUBJECT},
    {"Predmet", REPLY_FIELD_SUBJECT},
    {"Zadeva", REPLY_FIELD_SUBJECT},
    {"Teema", REPLY_FIELD_SUBJECT},
    {"Tema", REPLY_FIELD_SUBJECT},
    {"Perihal", REPLY_FIELD_SUBJECT},
    {"Subjek", REPLY_FIELD_SUBJECT},
    {"Chủ đề", REPLY_FIELD_SUBJECT},
    {"เรื่อง", REPLY_FIELD_SUBJECT},
    {"Относно", REPLY_FIELD_SUBJECT},
    {"Sujet", REPLY_FIELD_SUBJECT},
    {"Titre", REPLY_FIELD_SUBJECT},
    {"Antwortbetreff", REPLY_FIELD_SUBJECT},
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

/* Bytes before the first colon, also the wide one; 0: there is none, or nothing before it. */
static size_t colon_of(struct str line) {
    static const char wide[] = "\xef\xbc\x9a";
    ptrdiff_t colon = str_find(line, ':');
    const char *other = memmem(line.p ? line.p : "", line.n, wide, sizeof wide - 1);
    size_t n = colon > 0 ? (size_t)colon : 0;
    if (other && (!n || (size_t)(other - line.p) < n))
        n = (size_t)(other - line.p);
    return n;
}

bool reply_is_labelled(struct str line) {
    line = reply_bare(str_upto(line, 80), "> *_\t");
    size_t n = colon_of(line), spaces = 0;
    for (size_t i = 0; i < n; i++)
        spaces += line.p[i] == ' ';
    return n > 0 && n <= 40 && spaces <= 2 && n + 2 < line.n && !isdigit((unsigned char)line.p[0]);
}

bool reply_has_time(struct str line) {
    for (size_t i = 1; i + 2 < line.n; i++)
        if ((line.p[i] == ':' || line.p[i] == '.' || line.p[i] == 'h') &&
            isdigit((unsigned char)line.p[i - 1]) && isdigit((unsigned char)line.p[i + 1]) &&
            isdigit((unsigned char)line.p[i + 2]))
            return true;
    return false;
}

enum reply_field reply_field(struct str line) {
    line = reply_bare(str_upto(line, 80), "> *_\t");
    size_t colon = colon_of(line);
    struct str name = reply_bare(str_upto(line, colon), " *_");
    if (str_ends(name, (struct str)STR("\xc2\xa0"))) /* "De\u00a0:" */
        name = str_upto(name, name.n - 2);
    for (size_t i = 0; i < COUNT(field_words) && name.n; i++)
        if (str_is(name, field_words[i].word))
            return field_words[i].field;
    return REPLY_FIELD_NONE;
}
