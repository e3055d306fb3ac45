/* Any bytes as a submission: the first line is its Content-Type, the rest its body, as a form of
 * one's own and as each maker's. What is taken gives a touchpoint that can be read again. */
#include "fuzz.h"

#include <touchline/kit/jread.h>
#include <touchline/kit/utf8.h>

#include "forms/cors.h"
#include "forms/maker.h"

enum { TOUCHPOINT_MAX = 8 << 20 };

static const struct tl_pair fields[] = {
    {STR("name"), STR("from.name")},    {STR("email"), STR("from.email")},
    {STR("phone"), STR("from.phone")},  {STR("crm"), STR("from.external.crm")},
    {STR("subject"), STR("subject")},   {STR("message"), STR("text")},
    {STR("order"), STR("data.order")},  {STR("deep"), STR("data.order.number")},
    {STR("language"), STR("language")},
};
static const struct str message[] = {STR("message")}, either[] = {STR("email"), STR("phone")};
static const struct tl_strs groups[] = {{message, 1}, {either, 2}};
static const struct form_config config = {.name = STR("contact"),
                                          .fields = {fields, COUNT(fields)},
                                          .required = {groups, COUNT(groups)},
                                          .honeypot = STR("website")};

static void write(const struct form_config *c, const struct form_data *d, struct arena *a) {
    cleanup(buf_clear) struct buf json, same;
    cleanup(json_freep) json_t *back = NULL;
    buf_init(&json, TOUCHPOINT_MAX);
    buf_init(&same, TOUCHPOINT_MAX);
    must(form_write(c, d, &json));
    must(jread_parse(buf_str(&json), TOUCHPOINT_MAX, &back, NULL));
    must(json_array_size(json_object_get(back, "attachments")) == d->files_n);
    must(form_sameness(d, form_network(a, str_c("2001:db8::1")), &same));
}

static void judge(const struct form_config *c, struct arena *a, struct str type, struct str body) {
    static struct form_data d;
    struct fault f = {0};
    cleanup(fault_list_clear) struct fault_list faults;
    int status = 0;
    fault_list_init(&faults, 50);
    if (!form_parse(a, maker_at(c->maker), type, body, &d, &status, &f)) {
        must(status == 400 || status == 413 || status == 415 || status == 422);
        must(f.kind == FAULT_INPUT && f.reason[0]);
        return;
    }
    for (size_t i = 0; i < d.fields_n; i++)
        must(utf8_valid(d.fields[i].name) && utf8_valid(d.fields[i].value));
    for (size_t i = 0; i < d.files_n; i++)
        touch(d.files[i].bytes);
    (void)form_trapped(c, &d);
    must(form_check(c, &d, &faults) == (faults.n == 0));
    touch(form_next(c, &d));
    write(c, &d, a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct str origins[] = {STR("https://www.example.org"), STR("http://localhost:*")};
    const struct tl_strs allowed = {origins, COUNT(origins)};
    cleanup(arena_clear) struct arena a;
    struct str in = exact(str_make((const char *)data, size)), rest = in;
    struct str type = str_cut(&rest, '\n');
    arena_init(&a);
    judge(&config, &a, type, rest.p ? rest : str_make("", 0));
    for (int64_t m = 1; maker_at(m); m++) {
        const struct form_config made = {.name = STR("made"), .maker = m};
        judge(&made, &a, type, rest.p ? rest : str_make("", 0));
    }
    struct str origin = cors_origin_of(type);
    must(!origin.p || origin.n <= type.n);
    (void)cors_allowed(&allowed, type);
    touch(form_network(&a, type));
    free((char *)in.p);
    return 0;
}
