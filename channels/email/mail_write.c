/* mail_write.c - first the header, line by line, then the body as GMime writes it. */
#include "mail_write.h"

#include <gmime/gmime.h>
#include <stdio.h>

#include <touchline/kit/date.h>
#include <touchline/kit/jread.h>
#include <touchline/kit/utf8.h>

#include "address.h"
#include "html_text.h"
#include "mime_text.h"

enum {
    LINE_FOLD = 76,
    SUBJECT_MAX = 800,
    REFERENCES_KEPT = 20, /* behind the first */
    ID_MAX_BYTES = 900,
    TEXT_MAX = 4 * 1024 * 1024,
    FILES_MAX = 60 * 1024 * 1024,
};

/* ---- header ---- */

/* "Name: words", broken at spaces into lines of LINE_FOLD where that is possible. ASCII without
 * controls. */
static bool put_field(struct buf *out, const char *name, struct str words) {
    size_t column = strlen(name) + 1;
    bool ok = buf_addf(out, "%s:", name);
    while (words.n && ok) {
        struct str word = str_cut(&words, ' ');
        if (!word.n)
            continue;
        bool fold = column + 1 + word.n > LINE_FOLD && column > strlen(name) + 1;
        ok = buf_add_c(out, fold ? "\r\n " : " ") && buf_add(out, word);
        column = fold ? 1 + word.n : column + 1 + word.n;
    }
    return ok && buf_add_c(out, "\r\n");
}

static struct str one_line(struct arena *a, struct str s, size_t max) {
    cleanup(buf_clear) struct buf mended, line;
    buf_init(&mended, 3 * max + 16);
    buf_init(&line, 9 * max + 64);
    if (!utf8_mend(&mended, utf8_upto(s, max)) || !utf8_one_line(&line, buf_str(&mended)))
        return STR_NONE;
    return arena_str(a, str_trim(buf_str(&line)));
}

/* Encoded words where there is anything but ASCII (RFC 2047). */
static struct str encoded(struct arena *a, struct str s, bool phrase) {
    char *words = phrase ? g_mime_utils_header_encode_phrase(NULL, s.p, "utf-8")
                         : g_mime_utils_header_encode_text(NULL, s.p, "utf-8");
    struct str out = arena_str(a, str_c(words ? words : ""));
    g_free(words);
    for (size_t i = 0; i < out.n; i++) /* the library may fold by itself */
        if (out.p[i] == '\r' || out.p[i] == '\n' || out.p[i] == '\t')
            ((char *)(uintptr_t)out.p)[i] = ' ';
    return out;
}

static struct str mailbox(struct arena *a, struct str name, struct str email) {
    struct str clean = one_line(a, name, 200);
    if (!clean.n)
        return arena_str(a, email);
    return arena_strf(a, "%.*s <%.*s>", STR_ARG(encoded(a, clean, true)), STR_ARG(email));
}

/* "<left@right>" of printable ASCII. */
static bool id_valid(struct str id) {
    if (id.n < 5 || id.n > ID_MAX_BYTES || id.p[0] != '<' || id.p[id.n - 1] != '>')
        return false;
    for (size_t i = 1; i + 1 < id.n; i++)
        if (id.p[i] <= 32 || id.p[i] >= 127 || id.p[i] == '<' || id.p[i] == '>')
            return false;
    return true;
}

static struct str item(const json_t *list, size_t i) {
    const json_t *v = json_array_get(list, i);
    return str_make(json_string_value(v), json_string_length(v));
}

/* The parent's references and its own id (RFC 5322 3.6.4), or the ones given: the first and the
 * last twenty. */
static bool put_references(struct arena *a, struct buf *out, const json_t *own,
                           const json_t *answered) {
    const json_t *given = json_object_get(own, "references"), *list = given;
    struct str parent = STR_NONE, words = STR_NONE;
    if (!json_array_size(given)) {
        list = json_object_get(answered, "references");
        if (!json_array_size(list))
            list = json_object_get(answered, "in_reply_to");
        parent = jget_str(answered, "message_id");
    }
    size_t n = json_array_size(list);
    for (size_t i = 0; i < n; i++) {
        struct str id = item(list, i);
        if ((i == 0 || i + REFERENCES_KEPT >= n) && id_valid(id) && !str_eq(id, parent))
            words = arena_strf(a, "%.*s %.*s", STR_ARG(words), STR_ARG(id));
    }
    if (id_valid(parent))
        words = arena_strf(a, "%.*s %.*s", STR_ARG(words), STR_ARG(parent));
    return !words.n || put_field(out, "References", words);
}

static bool put_in_reply_to(struct buf *out, const json_t *own, const json_t *answered) {
    struct str id = item(json_object_get(own, "in_reply_to"), 0);
    if (!id_valid(id))
        id = jget_str(answered, "message_id");
    return !id_valid(id) || put_field(out, "In-Reply-To", id);
}

static bool has_re(struct str s) {
    return s.n >= 3 &&
           (str_is_nocase(str_upto(s, 3), "Re:") || str_is_nocase(str_upto(s, 3), "AW:"));
}

static bool put_subject(struct arena *a, struct buf *out, const json_t *own,
                        const json_t *answered) {
    struct str subject = one_line(a, jget_str(own, "subject"), SUBJECT_MAX);
    if (!subject.n) {
        subject = one_line(a, jget_str(answered, "subject"), SUBJECT_MAX - 4);
        if (subject.n && !has_re(subject))
            subject = arena_strf(a, "Re: %.*s", STR_ARG(subject));
    }
    return put_field(out, "Subject", encoded(a, subject.n ? subject : (struct str)STR(" "), false));
}

static bool put_date(struct buf *out, const json_t *own) {
    char text[40];
    int64_t ms;
    if (!date_parse(jget_str(own, "at"), &ms)) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        ms = (int64_t)now.tv_sec * 1000;
    }
    date_format_mail(ms, text);
    return put_field(out, "Date", str_c(text));
}

/* Adds the addresses of one list to the header and to the envelope. */
static bool put_recipients(struct arena *a, const json_t *own, const char *key, const char *field,
                           struct mail_out *out, struct fault *f) {
    const json_t *list = json_object_get(own, key);
    struct str words = STR_NONE;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        struct str email = jget_str(one, "email");
        if (!address_sendable(email))
            return fault_set(f, FAULT_INPUT, key,
                             "an address cannot be written to; ASCII name@domain is needed");
        if (out->recipients_n == MAIL_RECIPIENTS_MAX)
            return fault_set(f, FAULT_INPUT, key, "more than %d recipients", MAIL_RECIPIENTS_MAX);
        out->recipients[out->recipients_n++] = arena_str(a, email).p;
        struct str person = mailbox(a, jget_str(one, "name"), email);
        words = arena_strf(a, "%.*s%s%.*s", STR_ARG(words), words.n ? ", " : "", STR_ARG(person));
    }
    return !words.n || put_field(&out->text, field, words) ||
           fault_set(f, FAULT_INPUT, key, "the mail is too large");
}

/* What tells other programs that none of them may answer (RFC 3834 5), and ourselves that it was
 * we: the left part of our id carries our MAC. */
static bool put_automatic(struct buf *out, struct str message_id, bool reply) {
    struct str rest = str_from(message_id, 1), token = str_cut(&rest, '@');
    return put_field(out, "Auto-Submitted", str_c(reply ? "auto-replied" : "auto-generated")) &&
           put_field(out, "X-Auto-Response-Suppress", str_c("All")) &&
           put_field(out, "X-Touchline-Loop", token);
}

static bool put_header(struct arena *a, const json_t *own, const json_t *answered, struct str id,
                       struct str from_name, struct str from_email, struct mail_out *out,
                       struct fault *f) {
    struct str message_id = jget_str(own, "message_id"), local, domain;
    if (!address_sendable(from_email) || !address_split(from_email, &local, &domain))
        return fault_set(f, FAULT_INPUT, "from",
                         "the mailbox's own address cannot be written from");
    if (message_id.n && !id_valid(message_id))
        return fault_set(f, FAULT_INPUT, "message_id", "not a message id: <left@right>");
    if (!message_id.n)
        message_id = arena_strf(a, "<%.*s@%.*s>", STR_ARG(id), STR_ARG(domain));
    out->automatic = jget_str(own, "auto").n > 0;
    out->sender = out->automatic ? NULL : arena_str(a, from_email).p;
    if (!put_field(&out->text, "From", mailbox(a, from_name, from_email)) ||
        !put_recipients(a, own, "to", "To", out, f) || !put_recipients(a, own, "cc", "Cc", out, f))
        return false;
    if (!out->recipients_n)
        return fault_set(f, FAULT_INPUT, "to", "nobody to write to");
    return (put_subject(a, &out->text, own, answered) && put_date(&out->text, own) &&
            put_field(&out->text, "Message-ID", message_id) &&
            put_in_reply_to(&out->text, own, answered) &&
            put_references(a, &out->text, own, answered) &&
            (!out->automatic ||
             put_automatic(&out->text, message_id, str_is(jget_str(own, "auto"), "auto-reply"))) &&
            buf_add_c(&out->text, "MIME-Version: 1.0\r\n")) ||
           fault_set(f, FAULT_INPUT, "", "the header is too large");
}

/* ---- body ---- */

static void content_set(GMimePart *part, struct str bytes) {
    GMimeStream *stream = g_mime_stream_mem_new_with_buffer(bytes.p ? bytes.p : "", bytes.n);
    GMimeDataWrapper *content =
        g_mime_data_wrapper_new_with_stream(stream, GMIME_CONTENT_ENCODING_DEFAULT);
    g_mime_part_set_content(part, content);
    g_object_unref(content);
    g_object_unref(stream);
}

/* Always UTF-8 (the library's own set_text takes the smallest charset that will do), with LF ends:
 * a CR would be encoded as a character. */
static GMimeObject *text_part(struct arena *a, const char *kind, struct str text) {
    GMimeTextPart *part = g_mime_text_part_new_with_subtype(kind);
    content_set(GMIME_PART(part), mime_unix_lines(a, text));
    g_mime_text_part_set_charset(part, "utf-8");
    return GMIME_OBJECT(part);
}

/* The text, and beside it the HTML where there is some. A text is always there. */
static GMimeObject *body_new(struct arena *a, const json_t *own) {
    cleanup(buf_clear) struct buf plain;
    struct str text = jget_str(own, "text"), html = jget_str(own, "html");
    buf_init(&plain, TEXT_MAX);
    if (!text.n && html.n) {
        html_text(&plain, html);
        text = arena_str(a, buf_str(&plain));
    }
    GMimeObject *part = text_part(a, "plain", text);
    if (!html.n)
        return part;
    GMimeMultipart *both = g_mime_multipart_new_with_subtype("alternative");
    GMimeObject *other = text_part(a, "html", html);
    g_mime_multipart_add(both, part);
    g_mime_multipart_add(both, other);
    g_object_unref(part);
    g_object_unref(other);
    return GMIME_OBJECT(both);
}

static bool file_read(const char *path, struct buf *out, struct fault *f) {
    FILE *file = fopen(path, "rbe");
    if (!file)
        return fault_sys(f, "attachments", "an attachment's file cannot be opened");
    bool ok = true;
    size_t n = 1;
    while (ok && n) {
        char *to = buf_reserve(out, 65536);
        n = to ? fread(to, 1, 65536, file) : 0;
        ok = to && !ferror(file);
        if (ok)
            buf_commit(out, n);
        else if (!to)
            fault_set(f, FAULT_INPUT, "attachments", "attachments are larger than %d bytes",
                      FILES_MAX);
        else
            fault_sys(f, "attachments", "an attachment's file cannot be read");
    }
    fclose(file);
    return ok;
}

static bool is_token(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= 32 || s.p[i] >= 127 || strchr("()<>@,;:\\\"/[]?=", s.p[i]))
            return false;
    return s.n > 0 && s.n < 100;
}

static GMimeObject *attachment_new(struct arena *a, const json_t *one, size_t *left,
                                   struct fault *f) {
    cleanup(buf_clear) struct buf bytes;
    struct str minor = jget_str(one, "type"), major = str_cut(&minor, '/');
    struct str path = arena_str(a, jget_str(one, "path")),
               name = mime_file_name(a, jget_str(one, "name"));
    buf_init(&bytes, *left);
    if (!path.n || memchr(path.p, 0, path.n)) {
        fault_set(f, FAULT_INPUT, "attachments", "an attachment has no file");
        return NULL;
    }
    if (!file_read(path.p, &bytes, f))
        return NULL;
    *left -= bytes.n;
    bool known = is_token(major) && is_token(minor) && !str_is_nocase(major, "multipart") &&
                 !str_is_nocase(major, "message");
    GMimePart *part = g_mime_part_new_with_type(known ? arena_str(a, major).p : "application",
                                                known ? arena_str(a, minor).p : "octet-stream");
    content_set(part, buf_str(&bytes));
    g_mime_part_set_content_encoding(part, GMIME_CONTENT_ENCODING_BASE64);
    g_mime_object_set_disposition(GMIME_OBJECT(part), "attachment");
    g_mime_part_set_filename(part, name.n ? name.p : "attachment");
    return GMIME_OBJECT(part);
}

/* The body, and in front of the attachments where there are any. NULL with a fault. */
static GMimeObject *content_new(struct arena *a, const json_t *own, struct fault *f) {
    const json_t *list = json_object_get(own, "attachments");
    GMimeObject *body = body_new(a, own);
    size_t left = FILES_MAX;
    if (!json_array_size(list))
        return body;
    GMimeMultipart *all = g_mime_multipart_new_with_subtype("mixed");
    g_mime_multipart_add(all, body);
    g_object_unref(body);
    for (size_t i = 0; i < json_array_size(list); i++) {
        GMimeObject *one = attachment_new(a, json_array_get(list, i), &left, f);
        if (!one) {
            g_object_unref(all);
            return NULL;
        }
        g_mime_multipart_add(all, one);
        g_object_unref(one);
    }
    return GMIME_OBJECT(all);
}

/* Every line end becomes CRLF; there is no other byte below 32 in 7-bit MIME but the tab. */
static bool put_canonical(struct buf *out, struct str s) {
    bool ok = true;
    while (s.n && ok) {
        size_t n = 0;
        while (n < s.n && s.p[n] != '\r' && s.p[n] != '\n')
            n++;
        ok = buf_add(out, str_upto(s, n));
        if (ok && n < s.n) {
            ok = buf_add_c(out, "\r\n");
            n += s.p[n] == '\r' && n + 1 < s.n && s.p[n + 1] == '\n' ? 2 : 1;
        }
        s = str_from(s, n);
    }
    return ok && (str_ends(buf_str(out), str_c("\r\n")) || buf_add_c(out, "\r\n"));
}

/* GMime must have been begun once before anything of it is used. */
static void library_begin(void) {
    static bool begun;
    if (!begun)
        g_mime_init();
    begun = true;
}

bool mail_write(struct arena *a, const json_t *touchpoint, const json_t *answered, struct str id,
                struct str from_name, struct str from_email, struct mail_out *out,
                struct fault *f) {
    library_begin();
    if (!put_header(a, touchpoint, answered, id, from_name, from_email, out, f))
        return false;
    GMimeObject *content = content_new(a, touchpoint, f);
    if (!content)
        return false;
    g_mime_object_encode(content, GMIME_ENCODING_CONSTRAINT_7BIT);
    char *body = g_mime_object_to_string(content, NULL);
    bool ok = put_canonical(&out->text, str_c(body));
    g_free(body);
    g_object_unref(content);
    return ok || fault_set(f, FAULT_INPUT, "", "the mail is too large");
}
