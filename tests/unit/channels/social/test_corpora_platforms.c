/* Collected deliveries of WhatsApp, Messenger, Instagram, X, Slack, Discord and Twilio, held
 * against what their authors say of them: by label, or by the lines their own tests expect. Each
 * that differs is printed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sodium.h>

#include "reading.h"

enum { PAYLOAD_MAX = 1 << 20 };

struct score {
    const char *corpus;
    size_t right, all;
};

static void tell(const struct score *s) {
    print_message("corpus %s: %zu of %zu\n", s->corpus, s->right, s->all);
    assert_true(s->all == 0 || s->right * 100 >= s->all * 97 || s->all - s->right <= 1);
}

static void judge(struct score *s, const char *name, const struct taken *t, bool right) {
    s->all++;
    s->right += right;
    if (!right) {
        char *got = json_dumps(t->items, JSON_COMPACT);
        print_message("corpus %s: %s differs: %.300s (%zu bad, %s)\n", s->corpus, name, got, t->bad,
                      t->reason);
        free(got);
    }
    json_decref(t->items);
}

static bool here(const char *folder, DIR **out) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", corpora, folder);
    *out = opendir(path);
    if (!*out)
        print_message("skipped: the corpora are not here (%s)\n", path);
    return *out != NULL;
}

static bool is_update(const struct taken *t, const char *state) {
    return json_array_size(t->items) == 1 &&
           strcmp(at(first(t), "update.delivery.state"), state) == 0;
}

/* ---- WhatsApp, by the label of each update ---- */

/* What its label promises; files whose names are not here need only be kept whole. */
static bool whatsapp_right(const char *file, const char *label, const struct taken *t) {
    static const struct {
        const char *label, *kind, *text;
        size_t files;
    } messages[] = {{"text", "message", "Body Text", 0},
                    {"image", "message", NULL, 1},
                    {"media_with_url", "message", NULL, 1},
                    {"video", "message", "caption", 1},
                    {"document", "message", "caption", 1},
                    {"audio", "message", NULL, 1},
                    {"voice", "message", NULL, 1},
                    {"static_sticker", "message", NULL, 1},
                    {"animated_sticker", "message", NULL, 1},
                    {"reaction", "reaction", "😮", 0},
                    {"current_location", "message", "12.250890, 43.905390", 0},
                    {"contacts", "message", NULL, 0},
                    {"order", "message", NULL, 0},
                    {"unsupported", "other", NULL, 0},
                    {"unsupported_with_type", "other", NULL, 0},
                    {"reply", "message", "replied text", 0},
                    {"forwarded", "message", "forwarded text", 0},
                    {"referral", "message", "BODY", 0}};
    const json_t *m = first(t);
    if (t->bad || !json_array_size(t->items))
        return false;
    if (strstr(file, "status") && !strstr(file, "template") && !strstr(file, "call")) {
        bool known = is_update(t, label) || (strcmp(label, "played") == 0 && is_update(t, "read"));
        return known || *at(m, "update.delivery.state");
    }
    if (strncmp(label, "unreaction", 10) == 0)
        return strcmp(at(m, "kind"), "reaction") == 0 && jget_bool(m, "deleted", false);
    for (size_t i = 0; strcmp(file, "message.json") == 0 && i < COUNT(messages); i++)
        if (strcmp(label, messages[i].label) == 0)
            return strcmp(at(m, "kind"), messages[i].kind) == 0 &&
                   (!messages[i].text || strcmp(at(m, "text"), messages[i].text) == 0) &&
                   json_array_size(json_object_get(m, "attachments")) == messages[i].files &&
                   strcmp(at(m, "from.phone"), "+972987654321") == 0 &&
                   strncmp(at(m, "from.social.id"), "US.", 3) == 0;
    return strcmp(at(m, "direction"), "inbound") == 0 || jget_bool(m, "echo", false) ||
           strcmp(at(m, "direction"), "outbound") == 0;
}

static void whatsapp_updates_are_what_their_labels_say(void **state) {
    (void)state;
    struct score s = {.corpus = "pywa-whatsapp"};
    DIR *folder;
    if (!here("pywa-whatsapp/updates", &folder))
        skip();
    for (struct dirent *e; (e = readdir(folder));) {
        char name[400];
        const char *label;
        json_t *one;
        snprintf(name, sizeof name, "pywa-whatsapp/updates/%s", e->d_name);
        json_t *all = strstr(e->d_name, ".json") ? load(name) : NULL;
        json_object_foreach(all, label, one) {
            struct taken t = read_json_as("whatsapp", json_incref(one));
            snprintf(name, sizeof name, "%s/%s", e->d_name, label);
            judge(&s, name, &t, whatsapp_right(e->d_name, label, &t));
        }
        json_decref(all);
    }
    closedir(folder);
    tell(&s);
}

/* ---- the helpdesk's own test payloads, by the lines that they expect ---- */

static json_t *entry_of(const char *object, json_t *take_entry) {
    return json_pack("{s:s, s:[o]}", "object", object, "entry", take_entry);
}

/* Their tests cut events out of their envelopes: put back. NULL: it is no event but a request, an
 * answer or a template. */
static json_t *wrapped(const char *file, json_t *p, const char **out_provider) {
    bool event = json_object_get(p, "message") || json_object_get(p, "delivery") ||
                 json_object_get(p, "read");
    if (strstr(file, "whatsapp")) {
        *out_provider = "whatsapp";
        if (json_object_get(p, "entry"))
            return json_incref(p);
        if (!json_object_get(p, "messages") && !json_object_get(p, "statuses"))
            return NULL;
        return entry_of("w",
                        json_pack("{s:[{s:s, s:O}]}", "changes", "field", "messages", "value", p));
    }
    if (strstr(file, "twitter")) {
        *out_provider = "x";
        return json_pack("{s:s, s:[O]}", "for_user_id", "1", "direct_message_events", p);
    }
    if (strstr(file, "instagram") || strstr(file, "facebook")) {
        *out_provider = strstr(file, "instagram") ? "instagram" : "messenger";
        json_t *messaging = json_object_get(p, "messaging");
        if (strstr(file, "send_on") || json_object_get(p, "error_subcode"))
            return NULL;
        if (json_is_object(messaging))
            return entry_of("page", json_pack("{s:[O]}", "messaging", messaging));
        if (messaging || json_object_get(p, "standby"))
            return entry_of("page", json_incref(p));
        return event ? entry_of("page", json_pack("{s:[O]}", "messaging", p)) : NULL;
    }
    return NULL;
}

static struct str form_of(struct buf *out, json_t *p) {
    const char *name;
    json_t *v;
    json_object_foreach(p, name, v) {
        struct str value = str_make(json_string_value(v), json_string_length(v));
        assert_true((!out->n || buf_add_byte(out, '&')) && percent_encode(out, str_c(name)) &&
                    buf_add_byte(out, '=') && percent_encode(out, value));
    }
    return buf_str(out);
}

/* "expect(message.content).to eq('Yes')": the value behind `what`. */
static bool expects(const json_t *lines, const char *what, char *out, size_t max) {
    const json_t *line;
    size_t i;
    json_array_foreach(lines, i, line) {
        const char *text = json_string_value(line), *found = strstr(text, what);
        const char *from = found ? strstr(found, "eq('") : NULL;
        if (from && strchr(from + 4, '\'')) {
            snprintf(out, max, "%.*s", (int)(strchr(from + 4, '\'') - from - 4), from + 4);
            return true;
        }
    }
    return false;
}

static bool mentions(const json_t *lines, const char *what) {
    const json_t *line;
    size_t i;
    json_array_foreach(lines, i, line) if (strstr(json_string_value(line), what)) return true;
    return false;
}

/* What they ignore (a reaction without an id, a button that says nothing) is kept here, but as no
 * message. Where their test is about their own locks there is nothing to compare. */
static bool expected(const json_t *lines, const struct taken *t) {
    char want[500];
    const json_t *m = first(t);
    const char *state = at(m, "update.delivery.state");
    if (*state) {
        if (!expects(lines, "reload.status).to eq", want, sizeof want) &&
            !expects(lines, ".last.status).to eq", want, sizeof want))
            return true;
        /* One that changes nothing for them changes nothing here: states never step back. */
        return strcmp(want, state) == 0 || (strcmp(want, "sent") == 0 && *state == 'q');
    }
    if (expects(lines, "content).to eq", want, sizeof want) && !strstr(at(m, "text"), want))
        return false;
    if (mentions(lines, "attachments.present") &&
        !json_array_size(json_object_get(m, "attachments")))
        return false;
    bool ignored = mentions(lines, "count).to eq(0)") || mentions(lines, "expect do") ||
                   mentions(lines, "not_to receive") || mentions(lines, "not_to raise_error");
    if (ignored && !mentions(lines, "Redis"))
        return !m || strcmp(at(m, "kind"), "message") != 0;
    return m != NULL;
}

/* Cut by their tests down to less than an event: nothing but where it came from. */
static bool is_stub(const json_t *payload) {
    char *text = json_dumps(payload, 0);
    bool stub =
        !strstr(text, "\"from\"") && !strstr(text, "\"statuses\"") && strstr(text, "\"entry\"");
    free(text);
    return stub;
}

static void a_helpdesks_payloads_are_read_as_it_expects(void **state) {
    (void)state;
    struct score s = {.corpus = "chatwoot"};
    DIR *folder;
    if (!here("chatwoot/payloads", &folder))
        skip();
    for (struct dirent *e; (e = readdir(folder));) {
        char name[400];
        json_t *one;
        size_t i;
        snprintf(name, sizeof name, "chatwoot/payloads/%s", e->d_name);
        json_t *all = strstr(e->d_name, ".json") ? load(name) : NULL;
        json_array_foreach(json_object_get(all, "items"), i, one) {
            json_t *p = json_object_get(one, "payload");
            const char *provider = "twilio";
            struct taken t;
            if (strstr(e->d_name, "twilio")) {
                cleanup(buf_clear) struct buf form;
                buf_init(&form, PAYLOAD_MAX);
                (void)read_body(provider, form_of(&form, p), &t);
            } else {
                json_t *whole = wrapped(e->d_name, p, &provider);
                if (!whole)
                    continue;
                t = read_json_as(provider, whole);
            }
            snprintf(name, sizeof name, "%s:%lld", e->d_name, (long long)jget_int(one, "line", 0));
            if (is_stub(p))
                assert_true(t.bad || json_array_size(t.items));
            judge(&s, name, &t, is_stub(p) || expected(json_object_get(one, "expects"), &t));
        }
        json_decref(all);
    }
    closedir(folder);
    tell(&s);
}

/* ---- X and Discord, by their documents' examples ---- */

static void every_example_of_xs_documents_is_an_event(void **state) {
    (void)state;
    struct score s = {.corpus = "x-docs"};
    DIR *folder;
    if (!here("x-docs", &folder))
        skip();
    for (struct dirent *e; (e = readdir(folder));) {
        char name[400];
        snprintf(name, sizeof name, "x-docs/%s", e->d_name);
        json_t *root = strstr(e->d_name, ".json") ? load(name) : NULL;
        if (!root)
            continue;
        char type[100];
        snprintf(type, sizeof type, "%s", at(root, "data.event_type"));
        struct taken t = read_json_as("x", root);
        const char *event = at(first(&t), "data.event");
        bool typing = strstr(e->d_name, "typing") != NULL;
        bool right = !t.bad && (json_array_size(t.items) || typing) &&
                     (!*event || !*type || strcmp(event, type) == 0);
        if (strstr(e->d_name, "mark-read"))
            right = right && is_update(&t, "read");
        judge(&s, e->d_name, &t, right);
    }
    closedir(folder);
    tell(&s);
}

static void every_event_of_discords_documents_is_one(void **state) {
    (void)state;
    struct score s = {.corpus = "discord-docs"};
    DIR *folder;
    if (!here("discord-docs", &folder))
        skip();
    for (struct dirent *e; (e = readdir(folder));) {
        char name[400];
        snprintf(name, sizeof name, "discord-docs/%s", e->d_name);
        json_t *root = strstr(e->d_name, ".json") ? load(name) : NULL;
        bool event = json_is_object(json_object_get(root, "event"));
        bool interaction = json_object_get(root, "token") && json_object_get(root, "type");
        if (!event && !interaction) { /* a piece of a request */
            json_decref(root);
            continue;
        }
        struct taken t = read_json_as("discord", root);
        bool said = strstr(e->d_name, "message") != NULL;
        judge(&s, e->d_name, &t,
              !t.bad && json_array_size(t.items) == 1 &&
                  (!said || strcmp(at(first(&t), "kind"), "message") == 0));
    }
    closedir(folder);
    tell(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatsapp_updates_are_what_their_labels_say),
        cmocka_unit_test(a_helpdesks_payloads_are_read_as_it_expects),
        cmocka_unit_test(every_example_of_xs_documents_is_an_event),
        cmocka_unit_test(every_event_of_discords_documents_is_one),
    };
    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
