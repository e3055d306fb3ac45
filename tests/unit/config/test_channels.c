/* Channels: their own tables, also older and newer ones than ours, their checks, their names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lab.h"

struct hook {
    struct str name, secret;
    int64_t level;
};
static const struct tl_key hook_keys[] = {
    {.name = "name", .type = TL_KEY_STR, .flags = TL_KEY_REQUIRED | TL_KEY_UNIQUE},
    {.name = "secret", .type = TL_KEY_SECRET, .offset = offsetof(struct hook, secret)},
    {.name = "level", .type = TL_KEY_INT, .offset = offsetof(struct hook, level), .max = 9},
    {0},
};
struct post {
    struct hook in;
    struct tl_items boxes;
};
static const struct tl_key post_keys[] = {
    {.name = "in",
     .type = TL_KEY_MAP,
     .flags = TL_KEY_REQUIRED,
     .sub = hook_keys,
     .sub_bytes = sizeof(struct hook)},
    {.name = "boxes",
     .type = TL_KEY_LIST,
     .offset = offsetof(struct post, boxes),
     .sub = hook_keys,
     .sub_bytes = sizeof(struct hook)},
    {0},
};

static bool post_check(const void *config, tl_report_fn *report, void *ctx) {
    const struct post *p = config;
    const struct hook *boxes = p->boxes.items;
    bool ok = true;
    for (size_t i = 0; i < p->boxes.n; i++) {
        char path[64];
        if (boxes[i].level != 7)
            continue;
        snprintf(path, sizeof path, "boxes/%zu/level", i);
        report(ctx, str_c(path), "seven is not allowed");
        ok = false;
    }
    if (p->in.level == 8) {
        report(ctx, str_c("in/secret/none"), "eight needs a secret");
        ok = false;
    }
    return ok && p->in.level != 9;
}

/* A table of today, one whose author knew less, one whose author knew more. */
static const struct tl_plugin hooks = {TL_PLUGIN_HEAD, .name = STR("hooks"),
                                       .flags = TL_PLUGIN_CONFIG_LIST, .keys = hook_keys,
                                       .config_bytes = sizeof(struct hook)};
static const struct tl_plugin post = {TL_PLUGIN_HEAD, .name = STR("post"), .keys = post_keys,
                                      .config_bytes = sizeof(struct post), .check = post_check};
struct old_key { /* without sub, sub_bytes, help */
    const char *name;
    enum tl_key_type type;
    uint32_t flags;
    size_t offset;
    int64_t min, max;
    const char *preset, *choices;
};
static const struct old_key old_keys[] = {
    {.name = "name", .type = TL_KEY_STR, .flags = TL_KEY_REQUIRED},
    {.name = "secret", .type = TL_KEY_STR, .offset = offsetof(struct hook, secret)},
    {.name = "level",
     .type = TL_KEY_INT,
     .offset = offsetof(struct hook, level),
     .max = 9,
     .preset = "4"},
    {0},
};
static struct tl_plugin old = {TL_PLUGIN_HEAD, .name = STR("old"),
                               .config_bytes = sizeof(struct hook)};
struct new_key {
    struct tl_key known;
    void *more[3];
};
static const struct new_key new_keys[] = {
    {.known = {.name = "name", .type = TL_KEY_STR}, .more = {"x"}},
    {.known = {.name = "future", .type = (enum tl_key_type)99}},
    {{0}, {0}},
};
static struct tl_plugin new = {TL_PLUGIN_HEAD, .name = STR("new"),
                               .config_bytes = sizeof(struct hook)};

static size_t folders_seen;
static const struct tl_plugin *find(void *ctx, struct str name, const struct tl_strs *folders,
                                    struct fault *out_why) {
    (void)ctx;
    folders_seen = folders->n;
    old.keys = (const struct tl_key *)(const void *)old_keys;
    old.key_bytes = sizeof(struct old_key);
    old.size = offsetof(struct tl_plugin, check); /* shorter: has no check */
    new.keys = &new_keys[0].known;
    new.key_bytes = sizeof(struct new_key);
    const struct tl_plugin *const all[] = {&hooks, &post, &old, &new};
    for (size_t i = 0; i < COUNT(all); i++)
        if (str_eq(all[i]->name, name))
            return all[i];
    fault_set(out_why, FAULT_INPUT, "", "no channel of that name was found");
    return NULL;
}

static const struct config_section sections[] = {
    {"plugins", plugins_keys, sizeof(struct tl_strs), CONFIG_SECTION_VALUE, NULL},
    {0},
};

static void tells(const char *text, const char *told) {
    struct lab lab;
    lab_open(&lab);
    lab_write(&lab, "touchline.yml", text, 0644);
    lab_load(&lab, sections, find, NULL);
    assert_string_equal(lab.told, told);
    lab_close(&lab);
}

static void channels_fill_their_structs(void **state) {
    (void)state;
    struct lab lab;
    lab_open(&lab);
    lab_write(&lab, "touchline.yml",
              "plugins: [a, /b]\n"
              "channels:\n"
              "  hooks: [{name: one}, {name: two, level: 3}]\n"
              "  post: {in: {name: x}}\n"
              "  old: {name: y}\n",
              0644);
    lab_load(&lab, sections, find, NULL);
    assert_string_equal(lab.told, "");
    const struct tl_strs *names = config_channels(lab.config);
    assert_int_equal(names->n, 3);
    assert_true(str_is(names->items[0], "hooks"));
    assert_int_equal(folders_seen, 2);
    const struct tl_strs *folders = config_get(lab.config, "plugins");
    assert_int_equal(folders->items[0].p[0], '/');
    const struct tl_items *list = config_channel(lab.config, str_c("hooks"));
    assert_int_equal(list->n, 2);
    assert_int_equal(((const struct hook *)list->items)[1].level, 3);
    const struct post *p = config_channel(lab.config, str_c("post"));
    assert_true(str_is(p->in.name, "x"));
    const struct hook *h = config_channel(lab.config, str_c("old"));
    assert_int_equal(h->level, 4);
    assert_null(config_channel(lab.config, str_c("new")));
    lab_close(&lab);
}

static void faults_of_channels_have_their_places(void **state) {
    (void)state;
    tells("channels:\n  hooks: [{nam: x}]\n",
          "touchline.yml:2:11: name is missing: needed here\n"
          "touchline.yml:2:12: unknown key \"nam\" in hooks; did you mean \"name\"?\n");
    tells("channels:\n  post:\n", "touchline.yml:2:8: in is missing: needed here\n");
    tells("channels:\n  post:\n    in: {name: a}\n    boxes: [{name: b}, {name: c, level: 7}]\n",
          "touchline.yml:4:41: seven is not allowed\n");
    tells("channels:\n  post: {in: {name: a, level: 8}}\n",
          "touchline.yml:2:14: eight needs a secret\n");
    tells("channels:\n  post: {in: {name: a, level: 9}}\n",
          "touchline.yml:2:9: the channel post refuses this, without a reason\n");
    tells("channels: [post]\n",
          "touchline.yml:1:11: channels is no mapping; allowed is { email: ... }\n");
}

static void a_channel_that_is_not_there_is_refused(void **state) {
    (void)state;
    tells("channels:\n  pots: {}\n",
          "touchline.yml:2:3: channel \"pots\": no channel of that name was found\n");
    tells("channels:\n  ../post: {}\n",
          "touchline.yml:2:3: \"../post\" is no name of a channel; allowed are email, forms, "
          "social, sip and what stands in `plugins`\n");
}

static void a_key_of_a_kind_from_the_future_is_refused_when_used(void **state) {
    (void)state;
    tells("channels:\n  new: {name: x}\n", "");
    tells("channels:\n  new: {future: x}\n",
          "touchline.yml:2:17: key \"future\" is of a kind that this version does not know\n");
}

static void channels_differ_by_value(void **state) {
    (void)state;
    struct lab a, b;
    lab_open(&a);
    lab_open(&b);
    lab_write(&a, "touchline.yml",
              "channels:\n  hooks: [{name: x}]\n  post: {in: {name: a}}\n  old: {name: z}\n", 0644);
    lab_write(&b, "touchline.yml", "channels:\n  post:\n    in: {name: a}\n  hooks: [{name: y}]\n",
              0644);
    assert_true(lab_load(&a, sections, find, NULL));
    assert_true(lab_load(&b, sections, find, NULL));
    assert_true(config_differs(a.config, b.config, "channels.hooks"));
    assert_false(config_differs(a.config, b.config, "channels.post"));
    assert_true(config_differs(a.config, b.config, "channels.old"));
    assert_false(config_differs(a.config, b.config, "channels.new"));
    lab_close(&a);
    lab_close(&b);
}

static void a_channel_is_described(void **state) {
    (void)state;
    struct buf out;
    buf_init(&out, 1 << 16);
    assert_true(config_describe_channel(&post, &out));
    assert_non_null(strstr(buf_c(&out), "| `channels.post.boxes[].level` | number, 0 to 9 |"));
    buf_clear(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(channels_fill_their_structs),
        cmocka_unit_test(faults_of_channels_have_their_places),
        cmocka_unit_test(a_channel_that_is_not_there_is_refused),
        cmocka_unit_test(a_key_of_a_kind_from_the_future_is_refused_when_used),
        cmocka_unit_test(channels_differ_by_value),
        cmocka_unit_test(a_channel_is_described),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
