/* Events of Messenger, Instagram, WhatsApp, X, Slack, Discord and Twilio to touchpoints: what each
 * kind becomes, who it is of, what it revises; one bad of a batch leaves the others alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sodium.h>

#include "reading.h"

enum { WANTS_MAX = 10 };

/* An event in its envelope's place (%s), and what the one touchpoint of it must hold: "path=value",
 * where a value of "-" means absent or null. */
struct event {
    const char *what, *body, *wants[WANTS_MAX];
};

static void must_hold(const char *what, const json_t *m, const char *want) {
    char path[200], got[500] = "-";
    snprintf(path, sizeof path, "%.*s", (int)(strchr(want, '=') - want), want);
    const json_t *v = jread_at(m, str_c(path));
    if (json_is_string(v))
        snprintf(got, sizeof got, "%s", json_string_value(v));
    else if (json_is_integer(v))
        snprintf(got, sizeof got, "%lld", (long long)json_integer_value(v));
    else if (json_is_boolean(v))
        snprintf(got, sizeof got, "%s", json_is_true(v) ? "yes" : "no");
    if (strcmp(got, strchr(want, '=') + 1) != 0) {
        char *all = json_dumps(m, JSON_INDENT(1));
        fail_msg("%s: %s is %s, not %s\n%s", what, path, got, strchr(want, '=') + 1, all);
    }
}

static void hold(const char *provider, const char *meta, const char *envelope,
                 const struct event *events, size_t n) {
    for (size_t i = 0; i < n; i++) {
        char *body = NULL;
        struct taken t;
        assert_true(asprintf(&body, envelope, events[i].body) > 0);
        (void)read_as(provider, meta, str_c(body), &t);
        free(body);
        if (json_array_size(t.items) != 1 || t.bad)
            fail_msg("%s: %zu touchpoints, %zu bad (%s)", events[i].what, json_array_size(t.items),
                     t.bad, t.reason);
        for (size_t k = 0; k < WANTS_MAX && events[i].wants[k]; k++)
            must_hold(events[i].what, first(&t), events[i].wants[k]);
        json_decref(t.items);
    }
}
#define HOLD(provider, meta, envelope, events)                                                     \
    hold(provider, meta, envelope, events, sizeof(events) / sizeof((events)[0]))

static void whatsapp_edits_echoes_calls_and_accounts(void **state) {
    (void)state;
    static const char envelope[] =
        "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"W1\",\"changes\":[%s]}]}";
#define WA(field, rest)                                                                            \
    "{\"field\":\"" field "\",\"value\":{\"metadata\":{\"display_phone_number\":\"49111\","        \
    "\"phone_number_id\":\"106\"}," rest "}}"
    static const struct event events[] = {
        {"an edit revises the first message",
         WA("messages",
            "\"messages\":[{\"from\":\"4930\",\"id\":\"wamid.2\",\"timestamp\":"
            "\"1700000000\",\"type\":\"edit\",\"edit\":{\"original_message_id\":"
            "\"wamid.1\",\"message\":{\"type\":\"text\",\"text\":{\"body\":\"Ho\"}}}}]"),
         {"/source_id=wamid.1", "/text=Ho", "/revision=1700000000000", "/deleted=-"}},
        {"a revocation ends it",
         WA("messages", "\"messages\":[{\"from\":\"4930\",\"id\":\"wamid.3\",\"timestamp\":"
                        "\"1700000001\",\"type\":\"revoke\",\"revoke\":{\"original_message_id\":"
                        "\"wamid.1\"}}]"),
         {"/source_id=wamid.1", "/deleted=yes", "/revision=1700000001000"}},
        {"numbers that a gateway wrote as words",
         WA("messages", "\"messages\":[{\"from\":\"4930\",\"id\":\"wamid.9\",\"timestamp\":17,"
                        "\"type\":\"location\",\"location\":{\"latitude\":\"52.5\",\"longitude\":"
                        "\"13.4\"}}]"),
         {"/text=52.5, 13.4"}},
        {"an order with its count as a word",
         WA("messages", "\"messages\":[{\"from\":\"4930\",\"id\":\"wamid.8\",\"timestamp\":17,"
                        "\"type\":\"order\",\"order\":{\"product_items\":[{\"quantity\":\"2\","
                        "\"product_retailer_id\":\"A\"},{\"product_retailer_id\":\"B\"}]}}]"),
         {"/text=2 × A\n1 × B"}},
        {"a reaction has one place, an empty one ends it",
         WA("messages", "\"messages\":[{\"from\":\"4930\",\"id\":\"wamid.4\",\"timestamp\":\"17\","
                        "\"type\":\"reaction\",\"reaction\":{\"message_id\":\"wamid.1\"}}]"),
         {"/source_id=reaction:wamid.1:4930", "/kind=reaction", "/deleted=yes",
          "/in_reply_to/0=wamid.1"}},
        {"a number may be missing",
         WA("messages", "\"contacts\":[{\"user_id\":\"US.1\",\"profile\":{\"name\":\"J\","
                        "\"username\":\"jw\"}}],\"messages\":[{\"from_user_id\":\"US.1\",\"id\":"
                        "\"wamid.5\",\"timestamp\":\"17\",\"type\":\"text\",\"text\":{\"body\":"
                        "\"Hi\"}}]"),
         {"/from/social/id=US.1", "/from/phone=-", "/from/name=J", "/from/social/handle=jw"}},
        {"what the business wrote on its phone is an echo",
         WA("smb_message_echoes", "\"message_echoes\":[{\"from\":\"49111\",\"to\":\"4930\",\"id\":"
                                  "\"wamid.6\",\"timestamp\":\"17\",\"type\":\"text\",\"text\":{"
                                  "\"body\":\"Ours\"}}]"),
         {"/direction=outbound", "/echo=yes", "/to/0/phone=+4930", "/message_id=wamid.6"}},
        {"a call that nobody took",
         WA("calls", "\"calls\":[{\"id\":\"wacid.1\",\"from\":\"4930\",\"to\":\"49111\",\"event\":"
                     "\"terminate\",\"direction\":\"USER_INITIATED\",\"status\":\"FAILED\","
                     "\"timestamp\":\"17\"}]"),
         {"/kind=missed_call", "/call/disposition=abandoned", "/source_id=call:wacid.1",
          "/auto=-"}},
        {"a call of ours, rejected",
         WA("calls", "\"statuses\":[{\"id\":\"wacid.2\",\"type\":\"call\",\"status\":\"REJECTED\","
                     "\"timestamp\":\"17\",\"recipient_id\":\"4930\"}]"),
         {"/kind=call", "/direction=outbound", "/call/disposition=rejected"}},
        {"a preference",
         WA("user_preferences", "\"user_preferences\":[{\"wa_id\":\"4930\",\"detail\":\"User "
                                "requested to stop\",\"value\":\"stop\",\"timestamp\":17}]"),
         {"/kind=other", "/auto=notification", "/from/phone=+4930",
          "/text=User requested to stop"}},
        {"a template's state is the account's",
         WA("message_template_status_update", "\"event\":\"APPROVED\""),
         {"/kind=other", "/auto=notification", "/from/social/id=account:W1", "/text=APPROVED"}},
        {"a failed status",
         WA("messages", "\"statuses\":[{\"id\":\"wamid.7\",\"status\":\"failed\","
                        "\"recipient_id\":\"4930\",\"errors\":[{\"code\":131047,"
                        "\"title\":\"Late\"}]}]"),
         {"/update/message_id=wamid.7", "/update/delivery/state=failed",
          "/update/delivery/code=131047", "/update/delivery/recipient=+4930"}},
    };
    HOLD("whatsapp", "{}", envelope, events);
}

#define ENTRY "{\"object\":\"page\",\"entry\":[{\"id\":\"P1\",\"time\":1700000000123,%s}]}"
#define TO_US "\"sender\":{\"id\":\"7\"},\"recipient\":{\"id\":\"P1\"},\"timestamp\":1700000000001"

static void messenger_messages_and_what_happens_to_them(void **state) {
    (void)state;
    static const struct event events[] = {
        {"a message",
         "\"messaging\":[{" TO_US ",\"message\":{\"mid\":\"m1\",\"text\":\"Hi\","
         "\"reply_to\":{\"mid\":\"m0\"}}}]",
         {"/source_id=m1", "/from/social/id=7", "/from/social/network=messenger", "/text=Hi",
          "/in_reply_to/0=m0", "/at=2023-11-14T22:13:20.001Z"}},
        {"an image is fetched",
         "\"messaging\":[{" TO_US ",\"message\":{\"mid\":\"m1\","
         "\"attachments\":[{\"type\":\"image\",\"payload\":{\"url\":"
         "\"https://x.fbcdn.net/a.jpg\"}}]}}]",
         {"/attachments/0/fetch=https://x.fbcdn.net/a.jpg", "/text=-"}},
        {"a place is told in words",
         "\"messaging\":[{" TO_US ",\"message\":{\"mid\":\"m1\","
         "\"attachments\":[{\"type\":\"location\",\"title\":\"Here\","
         "\"payload\":{\"coordinates\":{\"lat\":1.5,\"long\":2.5}}}]}}]",
         {"/text=Here\n1.500000, 2.500000", "/attachments=-"}},
        {"an echo is ours",
         "\"messaging\":[{\"sender\":{\"id\":\"P1\"},\"recipient\":{\"id\":"
         "\"7\"},\"timestamp\":1,\"message\":{\"mid\":\"m2\",\"is_echo\":true,"
         "\"text\":\"Ours\"}}]",
         {"/direction=outbound", "/echo=yes", "/to/0/social/id=7"}},
        {"an edit",
         "\"messaging\":[{" TO_US ",\"message_edit\":{\"mid\":\"m1\",\"text\":\"Ho\","
         "\"num_edit\":1}}]",
         {"/source_id=m1", "/revision=1700000000001", "/text=Ho"}},
        {"a reaction taken back",
         "\"messaging\":[{" TO_US ",\"reaction\":{\"mid\":\"m1\","
         "\"action\":\"unreact\"}}]",
         {"/source_id=reaction:m1:7", "/deleted=yes"}},
        {"a button",
         "\"messaging\":[{" TO_US ",\"postback\":{\"mid\":\"m3\",\"title\":\"Start\","
         "\"payload\":\"GO\"}}]",
         {"/kind=message", "/text=Start", "/source_id=m3"}},
        {"a watermark alone is a receipt",
         "\"messaging\":[{" TO_US ",\"read\":{\"watermark\":17}}]",
         {"/kind=receipt", "/source_id=read:7:17", "/data/state=read"}},
        {"a delivered message",
         "\"messaging\":[{" TO_US ",\"delivery\":{\"mids\":[\"m9\"],"
         "\"watermark\":17}}]",
         {"/update/message_id=m9", "/update/delivery/state=delivered"}},
        {"what another app answers now",
         "\"standby\":[{" TO_US ",\"message\":{\"mid\":\"m1\","
         "\"text\":\"Hi\"}}]",
         {"/data/standby=yes", "/text=Hi"}},
        {"a handover",
         "\"messaging\":[{" TO_US ",\"pass_thread_control\":{\"new_owner_app_id\":"
         "\"1\"}}]",
         {"/kind=other", "/data/event=pass_thread_control", "/auto=notification"}},
        {"a comment",
         "\"changes\":[{\"field\":\"feed\",\"value\":{\"item\":\"comment\",\"verb\":"
         "\"add\",\"comment_id\":\"P_C\",\"post_id\":\"P_1\",\"parent_id\":\"P_1\","
         "\"from\":{\"id\":\"7\",\"name\":\"Jana\"},\"message\":\"Nice\","
         "\"created_time\":1699999999}}]",
         {"/kind=comment", "/source_id=P_C", "/thread=P_1", "/text=Nice", "/in_reply_to=-",
          "/at=2023-11-14T22:13:19.000Z", "/from/name=Jana", "/revision=-"}},
        {"a comment taken away",
         "\"changes\":[{\"field\":\"feed\",\"value\":{\"item\":\"comment\","
         "\"verb\":\"remove\",\"comment_id\":\"P_C\",\"post_id\":\"P_1\","
         "\"from\":{\"id\":\"7\"}}}]",
         {"/deleted=yes", "/revision=1700000000123", "/source_id=P_C"}},
        {"our own comment",
         "\"changes\":[{\"field\":\"feed\",\"value\":{\"item\":\"comment\","
         "\"verb\":\"add\",\"comment_id\":\"P_D\",\"from\":{\"id\":\"P1\"}}}]",
         {"/direction=outbound", "/echo=yes"}},
        {"a like",
         "\"changes\":[{\"field\":\"feed\",\"value\":{\"item\":\"reaction\",\"verb\":"
         "\"add\",\"reaction_type\":\"love\",\"from\":{\"id\":\"7\"}}}]",
         {"/kind=reaction", "/auto=notification", "/text=love"}},
    };
    HOLD("messenger", "{}", ENTRY, events);
}

static void instagram_stories_comments_and_mentions(void **state) {
    (void)state;
    static const struct event events[] = {
        {"a story that names us",
         "\"messaging\":[{" TO_US ",\"message\":{\"mid\":\"m1\","
         "\"attachments\":[{\"type\":\"story_mention\",\"payload\":{"
         "\"url\":\"https://x.cdninstagram.com/s\"}}]}}]",
         {"/kind=mention", "/attachments/0/fetch=https://x.cdninstagram.com/s",
          "/from/social/network=instagram"}},
        {"an answer to our story",
         "\"messaging\":[{" TO_US ",\"message\":{\"mid\":\"m1\",\"text\":"
         "\"Wow\",\"reply_to\":{\"story\":{\"id\":\"s1\",\"url\":"
         "\"https://x/s\"}}}}]",
         {"/kind=message", "/data/message/reply_to/story/id=s1"}},
        {"taken back",
         "\"messaging\":[{" TO_US ",\"message\":{\"mid\":\"m1\",\"is_deleted\":true}}]",
         {"/source_id=m1", "/deleted=yes", "/text=-"}},
        {"a comment",
         "\"changes\":[{\"field\":\"comments\",\"value\":{\"id\":\"c1\",\"text\":"
         "\"Nice\",\"from\":{\"id\":\"7\",\"username\":\"jana\"},\"media\":{\"id\":"
         "\"M1\"},\"parent_id\":\"c0\"}}]",
         {"/kind=comment", "/thread=M1", "/in_reply_to/0=c0", "/from/social/handle=jana",
          "/data/comment_id=c1"}},
        {"a mention has no person",
         "\"changes\":[{\"field\":\"mentions\",\"value\":{\"media_id\":"
         "\"M2\",\"comment_id\":\"c2\"}}]",
         {"/kind=mention", "/data/media_id=M2", "/data/comment_id=c2", "/from/social/id=post:c2"}},
        {"read",
         "\"messaging\":[{" TO_US ",\"read\":{\"mid\":\"m9\"}}]",
         {"/update/message_id=m9", "/update/delivery/state=read"}},
    };
    HOLD("instagram", "{}", ENTRY, events);
}

static void xs_two_forms_of_events(void **state) {
    (void)state;
#define XAA(type, payload)                                                                         \
    "\"data\":{\"event_uuid\":\"u1\",\"filter\":{\"user_id\":\"1\"},\"event_type\":\"" type        \
    "\",\"payload\":{" payload "}}"
#define DM(id, from, to)                                                                           \
    "{\"type\":\"message_create\",\"id\":\"" id "\",\"created_timestamp\":\"1700000000001\","      \
    "\"message_create\":{\"sender_id\":\"" from "\",\"target\":{\"recipient_id\":\"" to            \
    "\"},\"message_data\":{\"text\":\"Hi\"}}}"
    static const struct event events[] = {
        {"a direct message",
         XAA("dm.received",
             "\"direct_message_events\":[" DM(
                 "9", "2", "1") "],"
                                "\"users\":{\"2\":{\"id\":\"2\",\"name\":\"Jana\",\"screen_name\":"
                                "\"jw\"}}"),
         {"/source_id=9", "/from/social/id=2", "/from/name=Jana", "/from/social/handle=jw",
          "/at=2023-11-14T22:13:20.001Z"}},
        {"one of ours",
         XAA("dm.sent", "\"direct_message_events\":[" DM("9", "1", "2") "]"),
         {"/direction=outbound", "/echo=yes", "/to/0/social/id=2", "/message_id=9"}},
        {"a mention",
         XAA("post.mention.create",
             "\"data\":{\"id\":\"1844674407370955161\",\"text\":"
             "\"@us hi\",\"author_id\":\"2\",\"conversation_id\":\"5\","
             "\"created_at\":\"2026-01-01T00:00:00.000Z\"},\"includes\":{\"users\":[{"
             "\"id\":\"2\",\"username\":\"jw\"}]}"),
         {"/kind=mention", "/source_id=1844674407370955161", "/thread=5", "/from/social/handle=jw",
          "/data/post_id=1844674407370955161"}},
        {"a profile",
         XAA("profile.update.bio", "\"before\":\"a\",\"after\":\"b\""),
         {"/kind=other", "/auto=notification", "/text=a → b", "/source_id=event:u1"}},
        {"an encrypted chat",
         XAA("chat.received", "\"id\":\"c\",\"sender_id\":\"2\""),
         {"/kind=message", "/data/encrypted=yes", "/text=-", "/from/social/id=2"}},
        {"account activity: a reply",
         "\"for_user_id\":\"1\",\"tweet_create_events\":[{\"id\":123456789012345680,\"id_str\":"
         "\"123456789012345678\",\"created_at\":\"Wed Aug 27 13:08:45 +0000 "
         "2008\",\"text\":\"cut\","
         "\"extended_tweet\":{\"full_text\":\"whole\"},\"in_reply_to_status_id_str\":\"4\","
         "\"user\":{\"id_str\":\"2\",\"name\":\"Jana\",\"screen_name\":\"jw\"}}]",
         {"/kind=comment", "/source_id=123456789012345678", "/text=whole", "/in_reply_to/0=4",
          "/at=2008-08-27T13:08:45.000Z", "/from/social/id=2"}},
        {"account activity: a direct message",
         "\"for_user_id\":\"1\",\"direct_message_events\":[" DM("8", "2", "1") "],\"users\":{}",
         {"/source_id=8", "/direction=inbound", "/from/social/id=2"}},
        {"account activity: a deletion",
         "\"for_user_id\":\"1\",\"tweet_delete_events\":[{\"status\":{\"id\":\"7\",\"user_id\":"
         "\"2\""
         "},\"timestamp_ms\":\"1700000000001\"}]",
         {"/source_id=7", "/deleted=yes", "/revision=1700000000001"}},
        {"account activity: read",
         "\"for_user_id\":\"1\",\"direct_message_mark_read_events\":[{\"created_timestamp\":\"17\","
         "\"sender_id\":\"2\",\"last_read_event_id\":\"6\"}]",
         {"/update/message_id=6", "/update/delivery/state=read"}},
        {"account activity: a follower",
         "\"for_user_id\":\"1\",\"follow_events\":[{\"type\":\"follow\",\"created_timestamp\":"
         "\"17\","
         "\"source\":{\"id\":\"2\",\"screen_name\":\"jw\"},\"target\":{\"id\":\"1\"}}]",
         {"/kind=other", "/from/social/id=2", "/data/event=follow_events"}},
    };
    HOLD("x", "{}", "{%s}", events);
}

static void slack_messages_threads_and_buttons(void **state) {
    (void)state;
#define EV(event)                                                                                  \
    "{\"type\":\"event_callback\",\"team_id\":\"T1\",\"api_app_id\":\"A1\",\"event_id\":\"Ev1\","  \
    "\"event_time\":1700000000,\"event\":{" event "}}"
#define SAID "\"type\":\"message\",\"channel\":\"C1\",\"user\":\"U1\",\"ts\":\"1700000000.000100\""
    static const struct event events[] = {
        {"a message in a channel is its own thread",
         EV(SAID ",\"text\":\"a &lt; <https://x|b>\""),
         {"/source_id=C1:1700000000.000100", "/thread=C1:1700000000.000100",
          "/text=a < b (https://x)", "/from/social/id=U1", "/at=2023-11-14T22:13:20.000Z",
          "/data/thread_ts=1700000000.000100"}},
        {"an answer joins it",
         EV("\"type\":\"message\",\"channel\":\"C1\",\"user\":\"U1\",\"ts\":"
            "\"1700000001.0\",\"thread_ts\":\"1700000000.000100\",\"text\":"
            "\"b\""),
         {"/thread=C1:1700000000.000100", "/in_reply_to/0=C1:1700000000.000100"}},
        {"alone with the app it joins what is open",
         EV("\"type\":\"message\",\"channel\":\"D1\",\"channel_type\":\"im\",\"user\":\"U1\","
            "\"ts\":"
            "\"1.0\",\"text\":\"b\""),
         {"/thread=-", "/data/thread_ts=-"}},
        {"an edit",
         EV("\"type\":\"message\",\"subtype\":\"message_changed\",\"channel\":\"C1\","
            "\"ts\":\"1700000009.0\",\"message\":{" SAID ",\"text\":\"new\"}"),
         {"/source_id=C1:1700000000.000100", "/revision=1700000009000", "/text=new"}},
        {"a deletion",
         EV("\"type\":\"message\",\"subtype\":\"message_deleted\",\"channel\":\"C1\","
            "\"ts\":\"1700000009.0\",\"deleted_ts\":\"1700000000.000100\","
            "\"previous_message\":{" SAID ",\"text\":\"old\"}"),
         {"/source_id=C1:1700000000.000100", "/deleted=yes", "/text=-"}},
        {"our own bot",
         EV("\"type\":\"message\",\"channel\":\"C1\",\"bot_id\":\"B1\",\"app_id\":"
            "\"A1\",\"ts\":\"1.0\",\"text\":\"ours\""),
         {"/direction=outbound", "/echo=yes", "/message_id=C1:1.0"}},
        {"our own bot, by its id",
         EV("\"type\":\"message\",\"subtype\":\"bot_message\",\"channel\":"
            "\"C1\",\"bot_id\":\"B9\",\"ts\":\"1.0\",\"text\":\"ours\""),
         {"/direction=outbound", "/echo=yes"}},
        {"another bot needs no answer",
         EV("\"type\":\"message\",\"subtype\":\"bot_message\","
            "\"channel\":\"C1\",\"bot_id\":\"B2\",\"username\":"
            "\"ci\",\"ts\":\"1.0\",\"text\":\"built\""),
         {"/direction=inbound", "/auto=notification", "/from/social/id=B2", "/from/name=ci"}},
        {"a file",
         EV(SAID ",\"subtype\":\"file_share\",\"text\":\"\",\"files\":[{\"name\":\"a.png\","
                 "\"mimetype\":\"image/png\",\"url_private\":"
                 "\"https://files.slack.com/a\"}]"),
         {"/kind=message", "/attachments/0/fetch=https://files.slack.com/a",
          "/attachments/0/name=a.png"}},
        {"a join",
         EV(SAID ",\"subtype\":\"channel_join\",\"text\":\"joined\""),
         {"/kind=other", "/auto=notification"}},
        {"a reaction",
         EV("\"type\":\"reaction_removed\",\"user\":\"U1\",\"reaction\":\"thumbsup\","
            "\"item\":{\"type\":\"message\",\"channel\":\"C1\",\"ts\":\"1.0\"},"
            "\"event_ts\":\"2.0\""),
         {"/source_id=reaction:C1:1.0:U1:thumbsup", "/deleted=yes", "/text=:thumbsup:"}},
        {"a mention",
         EV("\"type\":\"app_mention\",\"channel\":\"C1\",\"user\":\"U1\",\"ts\":\"1.0\","
            "\"text\":\"<@U9> help\""),
         {"/kind=mention", "/text=@U9 help"}},
        {"a limit of ours",
         "{\"type\":\"app_rate_limited\",\"team_id\":\"T1\",\"api_app_id\":"
         "\"A1\"}",
         {"/kind=other", "/from/social/id=team:T1", "/data/event=app_rate_limited"}},
        {"a button",
         "payload=%%7B%%22type%%22%%3A%%22block_actions%%22%%2C%%22user%%22%%3A%%7B%%22id%%22%%3A%%"
         "22U1%%22%%7D"
         "%%2C%%22channel%%22%%3A%%7B%%22id%%22%%3A%%22C1%%22%%7D%%2C%%22actions%%22%%3A%%5B%%7B%%"
         "22action_ts%%22%%3A"
         "%%221700000000.5%%22%%2C%%22value%%22%%3A%%22yes%%22%%7D%%5D%%7D",
         {"/kind=message", "/text=yes", "/source_id=action:1700000000.5", "/data/channel=C1"}},
        {"a command",
         "command=%%2Fask&text=me&user_id=U1&user_name=jw&trigger_id=t1&channel_id=C1",
         {"/text=/ask me", "/source_id=command:t1", "/from/social/handle=jw"}},
    };
    for (size_t i = 0; i < COUNT(events); i++)
        HOLD("slack", "{\"sender\":\"B9\"}", events[i].body, ((struct event[]){events[i]}));
}

static void discord_interactions_and_events(void **state) {
    (void)state;
    static const struct event events[] = {
        {"a command",
         "{\"type\":2,\"id\":\"175928847299117063\",\"application_id\":\"A\",\"token\":\"tok\","
         "\"channel_id\":\"C\",\"member\":{\"user\":{\"id\":\"7\",\"username\":\"jw\","
         "\"global_name\":\"Jana\"}},\"data\":{\"name\":\"ask\",\"options\":[{\"name\":\"topic\","
         "\"value\":\"bill\"},{\"name\":\"n\",\"value\":3}]}}",
         {"/source_id=175928847299117063", "/text=/ask topic: bill n: 3", "/from/name=Jana",
          "/from/social/handle=jw", "/at=2016-04-30T11:18:25.796Z", "/data/token=tok",
          "/data/channel_id=C"}},
        {"a form",
         "{\"type\":5,\"id\":\"1\",\"user\":{\"id\":\"7\"},\"data\":{\"custom_id\":\"f\","
         "\"components\":[{\"type\":1,\"components\":[{\"custom_id\":\"q\",\"value\":"
         "\"Where?\"}]}]}}",
         {"/text=q: Where?"}},
        {"a choice",
         "{\"type\":3,\"id\":\"1\",\"user\":{\"id\":\"7\"},\"message\":{\"id\":\"M\"},"
         "\"data\":{\"custom_id\":\"pick\",\"values\":[\"red\"]}}",
         {"/text=red", "/in_reply_to/0=M", "/data/message_id=M"}},
        {"half a word",
         "{\"type\":4,\"id\":\"1\",\"user\":{\"id\":\"7\"},\"data\":{\"name\":\"a\"}}",
         {"/kind=other", "/auto=notification"}},
        {"a lobby's message",
         "{\"version\":1,\"application_id\":\"A\",\"type\":1,\"event\":{\"type\":"
         "\"LOBBY_MESSAGE_UPDATE\",\"timestamp\":\"2024-10-18T18:41:21.109604\",\"data\":{\"id\":"
         "\"1397729799727878254\",\"content\":\"hi\",\"lobby_id\":\"L\",\"channel_id\":\"L\","
         "\"author\":{\"id\":\"7\",\"username\":\"jw\"}}}}",
         {"/source_id=1397729799727878254", "/revision=1729276881109", "/thread=L",
          "/from/social/id=7"}},
        {"a message taken away",
         "{\"version\":1,\"type\":1,\"event\":{\"type\":\"GAME_DIRECT_MESSAGE_DELETE\","
         "\"timestamp\""
         ":\"2024-10-18T18:41:21.109604\",\"data\":{\"id\":\"5\",\"author\":{\"id\":\"7\"}}}}",
         {"/source_id=5", "/deleted=yes"}},
        {"an entitlement",
         "{\"version\":1,\"application_id\":\"A\",\"type\":1,\"event\":{\"type\":"
         "\"ENTITLEMENT_CREATE\",\"timestamp\":\"2024-10-18T18:41:21\",\"data\":{"
         "\"id\":\"9\",\"user_id\":\"7\"}}}",
         {"/kind=other", "/from/social/id=7", "/auto=notification",
          "/data/event=ENTITLEMENT_CREATE"}},
    };
    HOLD("discord", "{}", "%s", events);
}

static void twilios_messages_and_states(void **state) {
    (void)state;
    static const struct event events[] = {
        {"an SMS is claimed only",
         "MessageSid=SM1&From=%2B4930123456&To=%2B49301&Body=Hi+there",
         {"/source_id=SM1", "/channel=sms", "/text=Hi there", "/from/phone=+4930123456",
          "/from/verified=no", "/data/from=+4930123456"}},
        {"WhatsApp is vouched for",
         "MessageSid=SM1&From=whatsapp%3A%2B4930123456&Body=Hi&ProfileName=Jana&SmsStatus=received",
         {"/channel=social", "/from/verified=yes", "/from/name=Jana", "/from/phone=+4930123456",
          "/data/transport=whatsapp"}},
        {"media without words",
         "MessageSid=MM1&From=%2B4930123456&Body=&NumMedia=1&MediaUrl0="
         "https%3A%2F%2Fapi.twilio.com%2Fm&MediaContentType0=image%2Fpng",
         {"/attachments/0/fetch=https://api.twilio.com/m", "/attachments/0/type=image/png"}},
        {"an answer",
         "MessageSid=SM2&From=%2B4930123456&Body=x&OriginalRepliedMessageSid=SM0",
         {"/in_reply_to/0=SM0"}},
        {"a short code",
         "SmsSid=SM3&From=73824&Body=x",
         {"/from/social/id=73824", "/from/social/network=sms", "/from/verified=no"}},
        {"a place",
         "MessageSid=SM4&From=whatsapp%3A%2B4930123456&Latitude=1.5&Longitude=2.5&"
         "Label=Here",
         {"/text=Here\n1.5, 2.5"}},
        {"a failure",
         "MessageSid=SM5&MessageStatus=undelivered&ErrorCode=30003&To=%2B4930",
         {"/update/message_id=SM5", "/update/delivery/state=failed", "/update/delivery/code=30003",
          "/update/delivery/recipient=+4930"}},
        {"read",
         "SmsSid=SM6&MessageSid=SM6&MessageStatus=read",
         {"/update/message_id=SM6", "/update/delivery/state=read"}},
        {"a NUL is left out", "MessageSid=SM7&From=%2B4930123456&Body=a%00b", {"/text=ab"}},
    };
    HOLD("twilio", "{\"type\":\"application/x-www-form-urlencoded\"}", "%s", events);
}

static void one_bad_of_a_batch_leaves_the_others_alone(void **state) {
    (void)state;
    static const struct {
        const char *provider, *open, *item, *close;
    } batches[] = {
        {"whatsapp", "{\"entry\":[{\"changes\":[{\"value\":{\"messages\":[",
         "{\"id\":\"w%zu\",\"from\":\"4930\",\"type\":\"text\",\"text\":{\"body\":\"x\"}}",
         "]}}]}]}"},
        {"messenger", "{\"entry\":[{\"id\":\"P\",\"messaging\":[",
         "{\"sender\":{\"id\":\"7\"},\"message\":{\"mid\":\"m%zu\",\"text\":\"x\"}}", "]}]}"},
        {"instagram", "{\"entry\":[{\"id\":\"P\",\"changes\":[",
         "{\"field\":\"comments\",\"value\":{\"id\":\"c%zu\",\"from\":{\"id\":\"7\"}}}", "]}]}"},
        {"x", "{\"for_user_id\":\"1\",\"direct_message_events\":[",
         "{\"id\":\"%zu\",\"message_create\":{\"sender_id\":\"2\",\"target\":{\"recipient_id\":"
         "\"1\"},\"message_data\":{\"text\":\"x\"}}}",
         "]}"},
    };
    static const char *const bad[] = {"{}", "null", "17", "\"x\"", "[]"};
    for (size_t i = 0; i < COUNT(batches); i++) {
        for (size_t k = 0; k < COUNT(bad); k++) {
            struct buf b;
            struct taken t;
            buf_init(&b, 1 << 20);
            assert_true(buf_add_c(&b, batches[i].open));
            for (size_t n = 0; n < 1000; n++) {
                char item[300];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
                snprintf(item, sizeof item, batches[i].item, n);
#pragma GCC diagnostic pop
                assert_true((!n || buf_add_byte(&b, ',')) &&
                            buf_add_c(&b, n == 500 ? bad[k] : item));
            }
            assert_true(buf_add_c(&b, batches[i].close));
            assert_true(read_body(batches[i].provider, buf_str(&b), &t));
            assert_int_equal(json_array_size(t.items), 999);
            assert_int_equal(t.bad, 1);
            json_decref(t.items);
            buf_clear(&b);
        }
    }
}

static void odd_json_is_mended_rather_than_a_batch_lost(void **state) {
    (void)state;
    struct taken t;
    static const char body[] =
        "{\"entry\":[{\"id\":99999999999999999999,\"messaging\":["
        "{\"sender\":{\"id\":18446744073709551615},\"message\":{\"mid\":\"m1\",\"text\":"
        "\"cut \\ud83d\"}},{\"sender\":{\"id\":\"7\"},\"message\":{\"mid\":\"m2\",\"text\":"
        "\"nul \\u0000 raw \x01 bad \xff pair \\ud83d\\ude00\"}}]}]}";
    assert_true(read_body("messenger", str_c(body), &t));
    assert_int_equal(json_array_size(t.items), 2);
    must_hold("a number beyond 64 bits", first(&t), "/from/social/id=18446744073709551615");
    must_hold("half an emoji", first(&t), "/text=cut \xef\xbf\xbd");
    must_hold("a NUL, a control, a bad byte", json_array_get(t.items, 1),
              "/text=nul \xef\xbf\xbd raw \x01 bad \xef\xbf\xbd pair 😀");
    json_decref(t.items);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatsapp_edits_echoes_calls_and_accounts),
        cmocka_unit_test(messenger_messages_and_what_happens_to_them),
        cmocka_unit_test(instagram_stories_comments_and_mentions),
        cmocka_unit_test(xs_two_forms_of_events),
        cmocka_unit_test(slack_messages_threads_and_buttons),
        cmocka_unit_test(discord_interactions_and_events),
        cmocka_unit_test(twilios_messages_and_states),
        cmocka_unit_test(one_bad_of_a_batch_leaves_the_others_alone),
        cmocka_unit_test(odd_json_is_mended_rather_than_a_batch_lost),
    };
    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
