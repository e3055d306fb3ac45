/* oauth.c - tokens: asked for in a child, which runs the command or reads the file. */
#include "oauth.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <touchline/kit/jread.h>
#include <touchline/kit/own.h>
#include <touchline/touchpoint.h>

#include "email.h"

extern char **environ;

enum { ARGS_MAX = 32 };

/* ---- the daemon's side ---- */

struct oauth_ask {
    oauth_done_fn *done; /* NULL: nobody waits any more */
    void *arg;
};

static void on_worked(void *arg, bool ok, struct str text) {
    struct oauth_ask *a = arg;
    cleanup(json_freep) json_t *answer = NULL;
    if (ok && !jread_parse(text, OAUTH_TEXT_MAX * 2, &answer, NULL)) {
        ok = false;
        text = str_c("no answer");
    }
    if (a->done)
        a->done(a->arg, ok, ok ? jget_str(answer, "token") : text, jget_int(answer, "lives_ms", 0));
    free(a);
}

struct oauth_ask *oauth_ask(struct email *e, struct tl_strs command, struct str file,
                            oauth_done_fn *done, void *arg) {
    cleanup(buf_clear) struct buf b;
    struct jwrite w;
    struct oauth_ask *a = NEW(struct oauth_ask);
    a->done = done;
    a->arg = arg;
    buf_init(&b, OAUTH_TEXT_MAX);
    jwrite_init(&w, &b);
    jwrite_open(&w, NULL, '{');
    jwrite_str(&w, "file", file.n ? file : STR_NONE);
    jwrite_open(&w, "command", '[');
    for (size_t i = 0; i < command.n; i++)
        jwrite_str(&w, NULL, command.items[i]);
    jwrite_close(&w, ']');
    jwrite_close(&w, '}');
    e->host->work(e->ch, str_c("token"), buf_str(&b), OAUTH_DEADLINE_MS, on_worked, a);
    return a;
}

void oauth_forget(struct oauth_ask *a) {
    if (a)
        a->done = NULL;
}

/* ---- reading ---- */

bool oauth_read(struct str text, struct buf *out_token, int64_t *out_lives_ms, struct fault *f) {
    cleanup(json_freep) json_t *j = NULL;
    text = str_trim(text);
    *out_lives_ms = 0;
    if (text.n && text.p[0] == '{') {
        if (!jread_parse(text, OAUTH_TEXT_MAX, &j, f))
            return false;
        text = jget_str(j, "access_token");
        int64_t seconds = jget_int(j, "expires_in", 0);
        *out_lives_ms = seconds > 0 && seconds < 366 * 86400 ? seconds * 1000 : 0;
    }
    if (!text.n)
        return fault_set(f, FAULT_INPUT, "", "there is no token in it");
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] <= 0x20 || text.p[i] >= 0x7f)
            return fault_set(f, FAULT_INPUT, "", "a token has no spaces and one line");
    if (!buf_add(out_token, text))
        return fault_set(f, FAULT_INPUT, "", "the token is too long");
    return true;
}

/* ---- the child's side ---- */

static bool read_all(int fd, struct buf *out, struct fault *f) {
    for (;;) {
        char *to = buf_reserve(out, 4096);
        if (!to)
            return fault_set(f, FAULT_INPUT, "", "more than a token came");
        ssize_t n = read(fd, to, 4096);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fault_sys(f, "", "cannot be read");
        if (!n)
            return true;
        buf_commit(out, (size_t)n);
    }
}

static bool read_file(struct str path, struct buf *out, struct fault *f) {
    cleanup(mem_freep) char *name = mem_dup(path.p, path.n);
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fault_sys(f, "", "the token's file cannot be opened");
    bool ok = read_all(fd, out, f);
    close(fd);
    return ok;
}

static bool run(char *const *args, struct buf *out, struct fault *f) {
    posix_spawn_file_actions_t actions;
    int ends[2], status = 0;
    pid_t pid;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return fault_sys(f, "", "no pipe");
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    int error = posix_spawnp(&pid, args[0], &actions, NULL, args, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    bool ok = !error && read_all(ends[0], out, f);
    close(ends[0]);
    if (error)
        return errno = error, fault_sys(f, "", "the command cannot be started");
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (ok && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
        return fault_set(f, FAULT_INPUT, "", "the command ended with %d",
                         WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    return ok;
}

static bool run_command(const json_t *command, struct buf *out, struct fault *f) {
    char *args[ARGS_MAX + 1] = {0};
    size_t n = json_array_size(command);
    if (!n || n > ARGS_MAX)
        return fault_set(f, FAULT_INPUT, "", "a command has 1 to %d words", ARGS_MAX);
    for (size_t i = 0; i < n; i++)
        args[i] = (char *)(uintptr_t)json_string_value(json_array_get(command, i));
    return run(args, out, f);
}

bool oauth_work(struct str payload, const struct tl_emit *out) {
    cleanup(json_freep) json_t *job = NULL;
    cleanup(buf_clear) struct buf text, token, answer;
    struct fault f = {0};
    struct jwrite w;
    int64_t lives_ms;
    buf_init(&text, OAUTH_TEXT_MAX);
    buf_init(&token, OAUTH_TEXT_MAX);
    buf_init(&answer, OAUTH_TEXT_MAX * 2);
    bool ok = jread_parse(payload, OAUTH_TEXT_MAX, &job, &f);
    struct str file = jget_str(job, "file");
    ok = ok && (file.n ? read_file(file, &text, &f)
                       : run_command(json_object_get(job, "command"), &text, &f));
    if (!ok || !oauth_read(buf_str(&text), &token, &lives_ms, &f)) {
        out->bad(out->ctx, STR_NONE, f.reason);
        return false;
    }
    jwrite_init(&w, &answer);
    jwrite_open(&w, NULL, '{');
    jwrite_str(&w, "token", buf_str(&token));
    jwrite_int(&w, "lives_ms", lives_ms);
    jwrite_close(&w, '}');
    out->answer(out->ctx, buf_str(&answer));
    return true;
}
