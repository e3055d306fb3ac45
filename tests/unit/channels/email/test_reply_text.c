/* test_reply_text.c - what stays of a reply, and that no text makes it slow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <time.h>

#include <touchline/kit/buf.h>

#include "email/html_text.h"
#include "email/reply_html.h"
#include "email/reply_text.h"
#include "email/reply_words.h"

static const struct {
    const char *text, *reply;
} cases[] = {
    {"Hi\n\nOn Mon, 1 Nov 2026, Jana wrote:\n> a\n> b\n", "Hi"},
    {"Hi\r\n-- \r\nJana\r\nACME", "Hi"},
    {"Danke\n\nAm 01.11.2026 um 10:00 schrieb Jana:\n> a", "Danke"},
    {"Merci\n\nLe lun. 1 nov. 2026 \xc3\xa0 10:00, Jana <j@x.y> a \xc3\xa9"
     "crit :\n\n> a",
     "Merci"},
    {"Oui\n\n-----Message d'origine-----\nDe : x", "Oui"},
    {"Text\n\nVon: A <a@b>\nGesendet: heute\nAn: B\nBetreff: C\n\nalt", "Text"},
    {"a\n\n> quoted\n\nmy answer\n\n> more\n", "a\n\n> quoted\n\nmy answer"},
    {"> only a quote\n", "> only a quote"},
    {"Sent from my iPhone", "Sent from my iPhone"},
    {"Ja\n\nVon meinem iPhone gesendet", "Ja"},
    {"##- Please type your reply above this line -##\nx",
     "##- Please type your reply above this line -##\nx"},
    {"new\n##- Please type your reply above this line -##\nold", "new"},
    {"one\n\n\n\n\n\ntwo", "one\n\n\ntwo"},
    {"Price -- 10 euro\n- first\n- second", "Price -- 10 euro\n- first\n- second"},
    {"From: here\nto: there", "From: here\nto: there"},
    {"Yes\n\n-----Antwort Nachricht-----\nold", "Yes"},
    {"Yes\n\n---- On Mon, 02 Nov 2026 09:15:50 +0530 j@x.example wrote ----\n\nold", "Yes"},
    {"Yes\n\nOn Mon, 02 Nov 2026 09:15:43 -0200 Jana <j@x.example> wrote\n\nold", "Yes"},
    {"Ja\n\nJana B <j@x.example> schrieb am So., 2.\nNov. 2026, 21:08:\n\n> alt", "Ja"},
    {"Yes\n\n2026/11/2 Jana <j@x.example>\n\n> old", "Yes"},
    {"Yes\n\n2026/11/2 Jana <j@x.example>\n\nis hers",
     "Yes\n\n2026/11/2 Jana <j@x.example>\n\nis hers"},
    {"One\n\n________\n\nTwo\n\nThree", "One\n\n________\n\nTwo\n\nThree"},
    {"One\n\n________\n\nthe list", "One"},
    {"Yes\n\nSent from TypeApp<http://x.example/>", "Yes"},
    {"Yes\n\n(sent from a phone)", "Yes"},
    {"Yes\n\nSent from my phone, please excuse typos.", "Yes"},
    {"It was\n\nSent from Berlin to Rome.", "It was\n\nSent from Berlin to Rome."},
    {"好\n\n從我的 iPhone 傳送", "好"},
    {"", ""},
    {"\n\n \n", ""},
};

/* How programs introduce what is answered, in the languages that people use them in. */
static const char *const headings[] = {
    "On Mon, Nov 2, 2026 at 9:15 AM Support <support@example.org> wrote:",
    "On Mon, Nov 2, 2026 at 9:15 AM Support\n<support@example.org> wrote:",
    "On Monday, November 2, 2026,\nSupport Team of Example\n<support@example.org> wrote:",
    "Am Mo., 2. Nov. 2026 um 09:15 Uhr schrieb Support <support@example.org>:",
    "Am 02.11.26 um 09:15 schrieb Support:",
    "Le lun. 2 nov. 2026 à 09:15, Support <support@example.org> a écrit :",
    "El lun, 2 nov 2026 a las 9:15, Support (<support@example.org>) escribió:",
    "Il giorno lun 2 nov 2026 alle ore 09:15 Support <support@example.org> ha scritto:",
    "Em seg., 2 de nov. de 2026 às 09:15, Support <support@example.org> escreveu:",
    "Op ma 2 nov 2026 om 09:15 schreef Support <support@example.org>:",
    "Op 2 nov. 2026 om 09:15 heeft Support <s@example.org> het volgende geschreven:",
    "Den mån 2 nov. 2026 kl 09:15 skrev Support <support@example.org>:",
    "Den man. 2. nov. 2026 kl. 09.15 skrev Support <support@example.org>:",
    "man. 2. nov. 2026 kl. 09:15 skrev Support <support@example.org>:",
    "ma 2. marrask. 2026 klo 9.15 Support (support@example.org) kirjoitti:",
    "pon., 2 lis 2026 o 09:15 Support <support@example.org> napisał(a):",
    "W dniu 02.11.2026 o 09:15, Support pisze:",
    "po 2. 11. 2026 v 9:15 odesílatel Support <support@example.org> napsal:",
    "пн, 2 нояб. 2026 г. в 09:15, Support <support@example.org>:",
    "2 ноября 2026 г., в 09:15, Support <support@example.org> написал(а):",
    "пн, 2 лист. 2026 р. о 09:15 Support <support@example.org> пише:",
    "Support <support@example.org>, 2 Kas 2026 Pzt, 09:15 tarihinde şunu yazdı:",
    "2026年11月2日(月) 9:15 Support <support@example.org>:",
    "Support <support@example.org> 于2026年11月2日周一 09:15写道：",
    "在 2026年11月2日，09:15，Support <support@example.org> 写道：",
    "2026년 11월 2일 (월) 오전 9:15, Support <support@example.org>님이 작성:",
    "Vào Th 2, 2 thg 11, 2026 vào lúc 09:15 Support <support@example.org> đã viết:",
    "Pada tanggal Sen, 2 Nov 2026 pukul 09.15 Support <support@example.org> menulis:",
    "Στις Δευ 2 Νοε 2026 στις 9:15 π.μ., ο χρήστης Support <s@example.org> έγραψε:",
    "În lun., 2 nov. 2026 la 09:15, Support <support@example.org> a scris:",
    "Support <support@example.org> ezt írta (időpont: 2026. nov. 2., H, 9:15):",
    "2026-11-02 09:15 GMT+01:00 Support <support@example.org>:",
};

static const char *const blocks[] = {
    "From: Support <support@example.org>\nSent: Monday, November 2, 2026 9:15 AM\nTo: "
    "Jana\nSubject: "
    "Order",
    "________________________________\nVon: Support <s@example.org>\nGesendet: Montag, 2. November "
    "2026 09:15\nAn: Jana\nBetreff: Order",
    "De : Support <s@example.org>\nEnvoyé : lundi 2 novembre 2026 09:15\nÀ : Jana\nObjet : Order",
    "De: Support <s@example.org>\nEnviado: lunes, 2 de noviembre de 2026 9:15\nPara: Jana\nAsunto: "
    "Order",
    "Da: Support <s@example.org>\nInviato: lunedì 2 novembre 2026 09:15\nA: Jana\nOggetto: Order",
    "Van: Support <s@example.org>\nVerzonden: maandag 2 november 2026 09:15\nAan: "
    "Jana\nOnderwerp: Order",
    "Från: Support <s@example.org>\nSkickat: den 2 november 2026 09:15\nTill: Jana\nÄmne: Order",
    "Fra: Support <s@example.org>\nSendt: 2. november 2026 09:15\nTil: Jana\nEmne: Order",
    "Lähettäjä: Support <s@example.org>\nLähetetty: maanantai 2. marraskuuta 2026 "
    "9.15\nVastaanottaja: Jana\nAihe: Order",
    "Od: Support <s@example.org>\nWysłano: poniedziałek, 2 listopada 2026 09:15\nDo: Jana\nTemat: "
    "Order",
    "Od: Support <s@example.org>\nOdesláno: pondělí 2. listopadu 2026 9:15\nKomu: Jana\nPředmět: "
    "Order",
    "От: Support <s@example.org>\nОтправлено: 2 ноября 2026 г. 9:15\nКому: Jana\nТема: Order",
    "Від: Support <s@example.org>\nНадіслано: 2 листопада 2026 р. 9:15\nКому: Jana\nТема: Order",
    "Kimden: Support <s@example.org>\nGönderilen: 2 Kasım 2026 Pazartesi 09:15\nKime: "
    "Jana\nKonu: Order",
    "差出人: Support <s@example.org>\n送信日時: 2026年11月2日 9:15\n宛先: Jana\n件名: Order",
    "发件人：Support <s@example.org>\n发送时间：2026年11月2日 9:15\n收件人：Jana\n主题：Order",
    "보낸 사람: Support <s@example.org>\n보낸 날짜: 2026년 11월 2일 9:15\n받는 사람: Jana\n제목: "
    "Order",
    "Gjiyy: Support <s@example.org>\nQwert: 2.11.2026 9:15\nZuio: Jana\nPlkj: Order",
    "---------- Forwarded message ---------\nFrom: Support <s@example.org>",
    "-------- Weitergeleitete Nachricht --------\nBetreff: Order",
};

static void expect_answer(const char *what, const char *text) {
    struct arena a;
    arena_init(&a);
    struct str got = reply_text(&a, str_c(text));
    if (!str_is(got, "My answer."))
        fail_msg("%s\n gives %.*s", what, STR_ARG(got));
    arena_clear(&a);
}

static void quotes_are_told_in_many_languages(void **state) {
    char text[1000];
    (void)state;
    for (size_t i = 0; i < COUNT(headings); i++) {
        snprintf(text, sizeof text, "My answer.\n\n%s\n\n> old\n> words\n", headings[i]);
        expect_answer(headings[i], text);
        snprintf(text, sizeof text, "My answer.\n\n%s\nold\nwords\n", headings[i]);
        expect_answer(headings[i], text);
    }
    for (size_t i = 0; i < COUNT(blocks); i++) {
        snprintf(text, sizeof text, "My answer.\n\n%s\n\nold words\n", blocks[i]);
        expect_answer(blocks[i], text);
    }
}

static void a_form_in_the_text_is_no_quote(void **state) {
    static const char *const texts[] = {
        "Name: Jana\nE-Mail: jana@example.org\nPhone: 030 12 34\nOrder: 4711",
        "Please call:\n\nJana: jana@example.org\nOffice: 030 123456\nHome: none\nBest: morning",
        "He wrote two letters in 2026:\none to me\none to you",
        "A list of 3 things:\n- one\n- two",
        "On Monday I wrote 2 mails:\nnobody answered",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct arena a;
        arena_init(&a);
        struct str got = reply_text(&a, str_c(texts[i]));
        if (!str_is(got, texts[i]))
            fail_msg("%s\n gives %.*s", texts[i], STR_ARG(got));
        arena_clear(&a);
    }
}

static const struct {
    const char *html, *reply;
} marked[] = {
    {"<div>My answer.</div><div id=\"appendonsend\"></div><hr><div id=\"divRplyFwdMsg\" "
     "dir=\"ltr\"><b>Xyz:</b> A<br></div><div>old</div>",
     "My answer."},
    {"<p>My answer.</p><div style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0 0 "
     "0'><p>Xyz: A</p></div><p>old</p>",
     "My answer."},
    {"<p>My answer.</p><div class=\"yahoo_quoted\">old</div>", "My answer."},
    {"<div dir=ltr>My answer.</div><div class=\"gmail_quote\"><div class=\"gmail_attr\">On Mon, "
     "Nov 2, "
     "2026 at 9:15 AM A &lt;a@example.org&gt; wrote:<br></div><blockquote "
     "class=\"gmail_quote\">old</blockquote></div>",
     "My answer."},
    {"<p>My answer.</p><blockquote type=\"cite\">old</blockquote>", "My answer."},
    {"<div id=\"divRplyFwdMsg\">all of it</div>", "all of it"},
};

static void html_shows_where_the_answered_mail_begins(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(marked); i++) {
        struct arena a;
        struct buf text;
        arena_init(&a);
        buf_init(&text, 1 << 16);
        html_text(&text, str_c(marked[i].html));
        struct str got = reply_of(&a, buf_str(&text), str_c(marked[i].html));
        if (!str_is(got, marked[i].reply))
            fail_msg("%s\n gives %.*s", marked[i].html, STR_ARG(got));
        buf_clear(&text);
        arena_clear(&a);
    }
}

static void quotes_and_signatures_are_taken_off(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct arena a;
        arena_init(&a);
        struct str got = reply_text(&a, str_c(cases[i].text));
        if (!str_is(got, cases[i].reply))
            fail_msg("%s\n gives    %.*s\n expected %s", cases[i].text, STR_ARG(got),
                     cases[i].reply);
        arena_clear(&a);
    }
}

static void a_hundred_thousand_lines_take_no_time(void **state) {
    static const char *const lines[] = {"\n",
                                        "> x\n",
                                        ">\n",
                                        "On 1 Nov wrote\n",
                                        "On 1 Nov 2026 Jana wrote:\n",
                                        "From: x\n",
                                        "--\n",
                                        "x\n\n",
                                        "From: a\nTo: b\n",
                                        "____\n",
                                        "Sent from my x\n",
                                        "> a\nb\n",
                                        "1 wrote:\n\n",
                                        "-x\n\n",
                                        ">>>>>>>>>>>>>>>>",
                                        "On 1 Nov 2026 Jana wrote:\n\n\n\n\n> a\n"};
    (void)state;
    for (size_t i = 0; i < COUNT(lines); i++) {
        struct buf text;
        struct arena a;
        arena_init(&a);
        buf_init(&text, 8 << 20);
        for (int n = 0; n < 100000; n++)
            assert_true(buf_add_c(&text, lines[i]));
        clock_t begun = clock();
        reply_text(&a, buf_str(&text));
        if (clock() - begun > 3 * CLOCKS_PER_SEC) /* sanitized, on a busy machine; else 0.2 s */
            fail_msg("%s: %ld ms", lines[i], (long)((clock() - begun) * 1000 / CLOCKS_PER_SEC));
        buf_clear(&text);
        arena_clear(&a);
    }
}

static void words_of_mail_programs_are_told_from_prose(void **state) {
    (void)state;
    assert_true(reply_is_attribution(str_c("On 1 Nov, Jana wrote:")));
    assert_false(reply_is_attribution(str_c("On that day I wrote:")));
    assert_false(reply_is_attribution(str_c("I wrote 3 letters.")));
    assert_true(reply_is_divider(str_c("---------- Forwarded message ---------")));
    assert_false(reply_is_divider(str_c("the original message")));
    assert_int_equal(reply_field(str_c("*Gesendet:* heute")), REPLY_FIELD_DATE);
    assert_int_equal(reply_field(str_c("> Oggetto : x")), REPLY_FIELD_SUBJECT);
    assert_int_equal(reply_field(str_c("Note: x")), REPLY_FIELD_NONE);
    assert_true(reply_is_device(str_c("Sent from Mail for Windows")));
    assert_false(reply_is_device(str_c("Sent from my desk, it is easier there than on the phone")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quotes_and_signatures_are_taken_off),
        cmocka_unit_test(quotes_are_told_in_many_languages),
        cmocka_unit_test(a_form_in_the_text_is_no_quote),
        cmocka_unit_test(html_shows_where_the_answered_mail_begins),
        cmocka_unit_test(a_hundred_thousand_lines_take_no_time),
        cmocka_unit_test(words_of_mail_programs_are_told_from_prose),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
