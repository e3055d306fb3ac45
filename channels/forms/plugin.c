/* forms/plugin.c - web forms: POST /forms/{form} becomes a touchpoint, GET gives the signed time
 * that it may carry.
 */
#include <stdlib.h>

#include <touchline/plugin.h>
#include <touchline/touchpoint.h>

#include "captcha.h"
#include "config.h"
#include "cors.h"
#include "submission.h"

static const struct form_config *form_of(struct forms *f, struct tl_request *req) {
    const struct form_config *form = form_find(f, f->host->request_param(req, "form"));
    if (!form)
        f->host->problem(req, 404, "not-found", NULL, "there is no such form");
    return form;
}

static void serve_post(void *arg, struct tl_request *req) {
    struct forms *f = arg;
    const struct form_config *form = form_of(f, req);
    if (form)
        submission_begin(f, req, form);
}

/* A fresh time for pages that are not made by a server: {"field","value"}. */
static void serve_get(void *arg, struct tl_request *req) {
    struct forms *f = arg;
    const struct form_config *form = form_of(f, req);
    char stamp[STAMP_MAX];
    cleanup(buf_clear) struct buf b;
    struct jwrite w;
    buf_init(&b, 1024);
    if (!form)
        return;
    if (!form->timestamp.secret.n) {
        const struct tl_header allow = {str_c("Allow"), str_c("POST, OPTIONS")};
        const struct str why = STR("{\"type\":\"about:blank\",\"title\":\"Method Not Allowed\","
                                   "\"status\":405,\"code\":\"method-not-allowed\","
                                   "\"detail\":\"a form is sent by POST\"}");
        f->host->reply(req, 405, "application/problem+json", why, &allow, 1);
        return;
    }
    jwrite_init(&w, &b);
    jwrite_open(&w, NULL, '{');
    jwrite_str(&w, "field", form->timestamp.field);
    jwrite_str(&w, "value",
               stamp_write(form->timestamp.secret, form->name, f->host->now_ms(), stamp));
    jwrite_close(&w, '}');
    struct str origin = f->host->request_header(req, "Origin");
    const struct tl_header headers[] = {
        {str_c("Cache-Control"), str_c("no-store")},
        {str_c("Vary"), str_c("Origin")},
        {str_c("Access-Control-Allow-Origin"), origin},
    };
    bool shared = origin.p && cors_allowed(&form->origins, origin);
    f->host->reply(req, 200, "application/json", buf_str(&b), headers, shared ? 3 : 2);
}

static void serve_options(void *arg, struct tl_request *req) {
    struct forms *f = arg;
    const struct form_config *form = form_find(f, f->host->request_param(req, "form"));
    struct str origin = f->host->request_header(req, "Origin");
    if (!form || !origin.p || !cors_allowed(&form->origins, origin)) {
        f->host->problem(req, form ? 403 : 404, form ? "origin" : "not-found", NULL,
                         form ? "this page may not send the form" : "there is no such form");
        return;
    }
    const struct tl_header headers[] = {
        {str_c("Access-Control-Allow-Origin"), origin},
        {str_c("Vary"), str_c("Origin")},
        {str_c("Access-Control-Allow-Methods"), str_c("POST")},
        {str_c("Access-Control-Allow-Headers"), str_c("content-type, idempotency-key")},
        {str_c("Access-Control-Max-Age"), str_c("600")},
    };
    f->host->reply(req, 204, NULL, STR_NONE, headers, COUNT(headers));
}

/* ---- the plugin ---- */

static void *forms_start(const struct tl_host *host, struct tl_channel *channel,
                         const void *config) {
    struct forms *f = NEW(struct forms);
    *f = (struct forms){
        .host = host, .channel = channel, .config = config, .rates = rate_table_new()};
    f->captcha = captcha_new(host, channel);
    link_init(&f->submissions);
    if (host->route(channel, "POST", "/forms/{form}", serve_post, f) &&
        host->route(channel, "GET", "/forms/{form}", serve_get, f) &&
        host->route(channel, "OPTIONS", "/forms/{form}", serve_options, f))
        return f;
    host->log(channel, TL_ERROR, "forms.route", "reason=taken");
    captcha_free(f->captcha);
    rate_table_free(f->rates);
    free(f);
    return NULL;
}

static bool forms_reload(void *instance, const void *config) {
    struct forms *f = instance;
    f->config = config;
    return true;
}

static void forms_stop(void *take_instance) {
    struct forms *f = take_instance;
    captcha_free(f->captcha);
    list_each (it, &f->submissions)
        submission_free(container_of(it, struct submission, link));
    rate_table_free(f->rates);
    free(f);
}

__attribute__((visibility("default"))) const struct tl_plugin touchline_plugin = {
    TL_PLUGIN_HEAD,
    .name = STR("forms"),
    .summary = STR("web forms: urlencoded, multipart with files, JSON"),
    .flags = TL_PLUGIN_CONFIG_LIST,
    .keys = form_keys,
    .config_bytes = sizeof(struct form_config),
    .check = form_config_check,
    .start = forms_start,
    .reload = forms_reload,
    .stop = forms_stop,
};
