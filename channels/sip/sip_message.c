/* sip/sip_message.c - see sip_message.h. Sources: RFC 3261 7 and 25.1, 3325, 3326, 5806. */
#include "sip_message.h"

#include <touchline/kit/buf.h>

enum { HEADERS_MAX_BYTES = 64 * 1024, CALL_ID_MAX = 512, NUMBER_DIGITS = 10 };

/* A decimal number at the beginning of s; -1: none, or too large. */
static int64_t number(struct str s) {
    int64_t v = 0;
    size_t n = 0;
    while (n < s.n && s.p[n] >= '0' && s.p[n] <= '9') {
        if (n == NUMBER_DIGITS)
            return -1;
        v = v * 10 + (s.p[n++] - '0');
    }
    return n ? v : -1;
}

static struct str word(struct str *rest) {
    *rest = str_trim(*rest);
    size_t n = 0;
    while (n < rest->n && rest->p[n] != ' ' && rest->p[n] != '\t')
        n++;
    struct str w = str_upto(*rest, n);
    *rest = str_trim(str_from(*rest, n));
    return w;
}

/* ---- addresses ---- */

/* The end of a quoted string that begins at s, behind its closing quote. */
static size_t quoted_end(struct str s) {
    size_t i = 1;
    while (i < s.n && s.p[i] != '"')
        i += s.p[i] == '\\' && i + 1 < s.n ? 2 : 1;
    return i < s.n ? i + 1 : s.n;
}

/* Where c stands outside quotes and angle brackets; s.n: nowhere. */
static size_t find_outside(struct str s, char c) {
    bool angle = false;
    for (size_t i = 0; i < s.n;) {
        if (s.p[i] == '"' && !angle) {
            i += quoted_end(str_from(s, i));
            continue;
        }
        if (s.p[i] == c && !angle)
            return i;
        if (s.p[i] == '<' || s.p[i] == '>')
            angle = s.p[i] == '<';
        i++;
    }
    return s.n;
}

static struct str unquoted(struct arena *a, struct str s) {
    s = str_trim(s);
    if (!s.n || s.p[0] != '"')
        return s;
    s = str_from(s, 1);
    if (s.n && s.p[s.n - 1] == '"')
        s.n--;
    if (str_find(s, '\\') < 0)
        return s;
    char *out = arena_new(a, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\\' && i + 1 < s.n)
            i++;
        out[n++] = s.p[i];
    }
    return str_make(out, n);
}

struct sip_address sip_address_read(struct arena *a, struct str s) {
    struct sip_address out = {0};
    s = str_trim(s);
    size_t open = find_outside(s, '<');
    if (open < s.n) {
        out.display = unquoted(a, str_upto(s, open));
        struct str rest = str_from(s, open + 1);
        out.uri = str_trim(str_cut(&rest, '>'));
        s = rest.p ? rest : STR_NONE;
    } else {
        /* Without brackets a ';' begins the header's own parameters (RFC 3261 20). */
        size_t end = find_outside(s, ';');
        out.uri = str_trim(str_upto(s, end));
        s = str_from(s, end);
    }
    out.params = str_from(s, find_outside(s, ';'));
    return out;
}

struct str sip_param(struct str params, const char *name) {
    while (params.n) {
        params = str_from(params, 1); /* its ';' */
        size_t end = find_outside(params, ';');
        struct str value = str_upto(params, end), key = str_cut(&value, '=');
        if (str_is_nocase(str_trim(key), name)) {
            value = str_trim(value);
            if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
                value = str_make(value.p + 1, value.n - 2);
            return value.p ? value : (struct str)STR("");
        }
        params = str_from(params, end);
    }
    return STR_NONE;
}

/* ---- headers ---- */

static void read_cseq(struct arena *a, struct sip_message *m, struct str v) {
    (void)a;
    struct str n = word(&v);
    m->cseq = number(n);
    if (!m->request)
        m->method = word(&v);
}

static void read_from(struct arena *a, struct sip_message *m, struct str v) {
    m->from = sip_address_read(a, v);
    m->from_tag = sip_param(m->from.params, "tag");
}

static void read_to(struct arena *a, struct sip_message *m, struct str v) {
    m->to = sip_address_read(a, v);
    m->to_tag = sip_param(m->to.params, "tag");
}

static void read_call_id(struct arena *a, struct sip_message *m, struct str v) {
    (void)a;
    if (!m->call_id.n && v.n <= CALL_ID_MAX)
        m->call_id = v;
}

/* Only the topmost: it is the one of this hop. */
static void read_via(struct arena *a, struct sip_message *m, struct str v) {
    (void)a;
    if (m->branch.p)
        return;
    v = str_upto(v, find_outside(v, ','));
    m->branch = sip_param(str_from(v, find_outside(v, ';')), "branch");
    if (!m->branch.p)
        m->branch = v; /* RFC 2543: no branch; the hop itself */
}

/* One header may hold several, and several headers one each. */
static void read_asserted(struct arena *a, struct sip_message *m, struct str v) {
    while (v.n) {
        size_t end = find_outside(v, ',');
        struct sip_address one = sip_address_read(a, str_upto(v, end));
        bool tel = str_eq_nocase(str_upto(one.uri, 4), (struct str)STR("tel:"));
        struct sip_address *to = tel ? &m->asserted_tel : &m->asserted;
        if (!to->uri.n)
            *to = one;
        v = str_from(v, end + 1);
    }
}

static void read_remote_party(struct arena *a, struct sip_message *m, struct str v) {
    struct sip_address one = sip_address_read(a, str_upto(v, find_outside(v, ',')));
    struct str party = sip_param(one.params, "party"), hide = sip_param(one.params, "privacy");
    if (party.n && !str_is_nocase(party, "calling"))
        return;
    m->remote_party = one;
    m->privacy |= str_is_nocase(hide, "full") || str_is_nocase(hide, "uri");
}

static void read_diversion(struct arena *a, struct sip_message *m, struct str v) {
    if (!m->diverted.uri.n)
        m->diverted = sip_address_read(a, str_upto(v, find_outside(v, ',')));
}

static void read_privacy(struct arena *a, struct sip_message *m, struct str v) {
    (void)a;
    while (v.n) {
        size_t n = 0;
        while (n < v.n && v.p[n] != ';' && v.p[n] != ',')
            n++;
        struct str one = str_trim(str_upto(v, n));
        m->privacy |= str_is_nocase(one, "id") || str_is_nocase(one, "user") ||
                      str_is_nocase(one, "header") || str_is_nocase(one, "full");
        v = str_from(v, n + 1);
    }
}

static void read_reason(struct arena *a, struct sip_message *m, struct str v) {
    (void)a;
    while (v.n) {
        size_t end = find_outside(v, ',');
        struct str one = str_upto(v, end);
        size_t params = find_outside(one, ';');
        int64_t cause = number(str_trim(sip_param(str_from(one, params), "cause")));
        struct str protocol = str_trim(str_upto(one, params));
        if (str_is_nocase(protocol, "Q.850") && cause > 0 && cause < 128)
            m->q850 = (int)cause;
        else if (str_is_nocase(protocol, "SIP") && cause >= 100 && cause < 700)
            m->cause = (int)cause;
        v = str_from(v, end + 1);
    }
}

static const struct {
    const char *name, *compact;
    void (*read)(struct arena *a, struct sip_message *m, struct str value);
} headers[] = {
    {"CSeq", NULL, read_cseq},
    {"From", "f", read_from},
    {"To", "t", read_to},
    {"Call-ID", "i", read_call_id},
    {"Via", "v", read_via},
    {"P-Asserted-Identity", NULL, read_asserted},
    {"Remote-Party-ID", NULL, read_remote_party},
    {"Diversion", NULL, read_diversion},
    {"Privacy", NULL, read_privacy},
    {"Reason", NULL, read_reason},
};

static void read_header(struct arena *a, struct sip_message *m, struct str line) {
    if (str_find(line, ':') < 0)
        return;
    struct str value = line, name = str_trim(str_cut(&value, ':'));
    for (size_t i = 0; i < COUNT(headers); i++)
        if (str_is_nocase(name, headers[i].name) ||
            (headers[i].compact && str_is_nocase(name, headers[i].compact))) {
            headers[i].read(a, m, str_trim(value));
            return;
        }
}

/* ---- the message ---- */

static struct str take_line(struct str *rest) {
    struct str line = str_cut(rest, '\n');
    if (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    return line;
}

static bool is_folded(struct str rest) {
    return rest.n && (rest.p[0] == ' ' || rest.p[0] == '\t');
}

/* A header with the lines that continue it; folded ones are joined by a space. */
static struct str take_header(struct arena *a, struct str *rest) {
    struct str line = take_line(rest);
    if (!is_folded(*rest))
        return line;
    cleanup(buf_clear) struct buf joined;
    buf_init(&joined, HEADERS_MAX_BYTES);
    if (!buf_add(&joined, line))
        return line;
    while (is_folded(*rest))
        if (!buf_add_byte(&joined, ' ') || !buf_add(&joined, str_trim(take_line(rest))))
            break;
    return arena_str(a, buf_str(&joined));
}

static bool read_first(struct sip_message *m, struct str line) {
    struct str rest = line, first = word(&rest);
    if (str_eq_nocase(str_upto(first, 4), (struct str)STR("SIP/"))) {
        int64_t code = number(word(&rest));
        m->code = (int)code;
        return code >= 100 && code < 700;
    }
    m->request = true;
    m->method = first;
    m->uri = word(&rest);
    return first.n && m->uri.n && str_eq_nocase(str_upto(rest, 4), (struct str)STR("SIP/"));
}

bool sip_message_read(struct arena *a, struct str bytes, struct sip_message *out,
                      const char **out_why) {
    struct sip_message m = {.cseq = -1};
    struct str rest = str_upto(bytes, HEADERS_MAX_BYTES);
    while (rest.n && (rest.p[0] == '\r' || rest.p[0] == '\n'))
        rest = str_from(rest, 1); /* RFC 3261 7.5 */
    if (!read_first(&m, take_line(&rest))) {
        *out_why = "no SIP request or status line";
        return false;
    }
    while (rest.n) {
        struct str line = take_header(a, &rest);
        if (!line.n)
            break;
        read_header(a, &m, line);
    }
    if (!m.call_id.n || !m.method.n || m.cseq < 0) {
        *out_why = "a SIP message without Call-ID or CSeq";
        return false;
    }
    *out = m;
    return true;
}
