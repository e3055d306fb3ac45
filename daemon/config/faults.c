/* config/faults.c - faults at places of the file, and which node gave which value. */
#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/utf8.h>

#include "config/config_priv.h"

/* FILE:LINE:COLUMN; of a path that is too long its end is shown. */
static void place_format(char out[FAULT_PLACE_MAX], const struct config_file *file, uint32_t line,
                         uint32_t column) {
    enum { PATH_SHOWN_MAX = FAULT_PLACE_MAX - 32 };
    const char *shown = file ? file->shown : "configuration";
    size_t n = strlen(shown);
    if (n > PATH_SHOWN_MAX)
        snprintf(out, FAULT_PLACE_MAX, "...%s:%u:%u", shown + (n - PATH_SHOWN_MAX), line, column);
    else
        snprintf(out, FAULT_PLACE_MAX, "%s:%u:%u", shown, line, column);
}

void config_faults_addv(struct config_faults *fs, const struct config_file *file, uint32_t line,
                        uint32_t column, const char *format, va_list args) {
    if (fs->n >= CONFIG_FAULTS_MAX) {
        fs->dropped++;
        return;
    }
    if (fs->n == fs->room) {
        fs->room = fs->room ? fs->room * 2 : 8;
        fs->items = mem_grow(fs->items, fs->room * sizeof *fs->items);
    }
    struct config_fault *x = &fs->items[fs->n];
    *x = (struct config_fault){
        .file = file ? file->order : 0, .seq = fs->n, .line = line, .column = column};
    x->fault.kind = FAULT_INPUT;
    place_format(x->fault.place, file, line, column);
    vsnprintf(x->fault.reason, sizeof x->fault.reason, format, args);
    for (char *c = x->fault.reason; *c; c++) /* a check of another room may quote as it likes */
        if ((unsigned char)*c < 0x20 || *c == 0x7F)
            *c = '?';
    fs->n++;
}

void config_faults_add(struct config_faults *fs, const struct config_file *file, uint32_t line,
                       uint32_t column, const char *format, ...) {
    va_list args;
    va_start(args, format);
    config_faults_addv(fs, file, line, column, format, args);
    va_end(args);
}

void config_faults_node(struct config_faults *fs, const struct config_node *n, const char *format,
                        ...) {
    va_list args;
    va_start(args, format);
    config_faults_addv(fs, n->file, n->line, n->column, format, args);
    va_end(args);
}

static int fault_order(const void *left, const void *right) {
    const struct config_fault *a = left, *b = right;
    if (a->file != b->file)
        return a->file < b->file ? -1 : 1;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    if (a->column != b->column)
        return a->column < b->column ? -1 : 1;
    return a->seq < b->seq ? -1 : a->seq > b->seq;
}

void config_faults_tell(struct config_faults *fs, struct fault_list *out) {
    if (fs->n)
        qsort(fs->items, fs->n, sizeof *fs->items, fault_order);
    for (size_t i = 0; i < fs->n; i++)
        fault_list_add(out, &fs->items[i].fault);
    out->dropped += fs->dropped;
}

void config_faults_clear(struct config_faults *fs) {
    free(fs->items);
    *fs = (struct config_faults){0};
}

/* Not shown as they are: controls, line separators, marks that turn the direction of text. */
static bool is_shown(uint32_t c) {
    return c >= 0x20 && c != '"' && !(c >= 0x7F && c < 0xA0) && !(c >= 0x200B && c <= 0x200F) &&
           !(c >= 0x2028 && c <= 0x202E) && !(c >= 0x2060 && c <= 0x206F) && c != 0xFEFF;
}

const char *config_quote(struct str s, char out[CONFIG_QUOTE_MAX]) {
    enum { TAIL = 6 }; /* room for `..."` and one more character */
    char *to = out;
    const char *p = s.p, *end = s.p + s.n;
    *to++ = '"';
    while (p < end) {
        const char *from = p;
        uint32_t c = utf8_next(&p, end);
        size_t n = (size_t)(p - from);
        if (to + n + TAIL > out + CONFIG_QUOTE_MAX) {
            memcpy(to, "...", 3);
            to += 3;
            break;
        }
        if (is_shown(c)) {
            memcpy(to, from, n);
            to += n;
        } else {
            *to++ = '?';
        }
    }
    *to++ = '"';
    *to = '\0';
    return out;
}

void config_marks_add(struct config_marks *ms, const void *start, size_t bytes,
                      const struct config_node *node) {
    if (ms->n == ms->room) {
        ms->room = ms->room ? ms->room * 2 : 256;
        ms->items = mem_grow(ms->items, ms->room * sizeof *ms->items);
    }
    ms->items[ms->n++] = (struct config_mark){start, bytes, node};
}

const struct config_node *config_marks_find(const struct config_marks *ms, const void *value) {
    const struct config_mark *best = NULL;
    uintptr_t at = (uintptr_t)value;
    for (size_t i = 0; i < ms->n; i++) {
        const struct config_mark *m = &ms->items[i];
        uintptr_t start = (uintptr_t)m->start;
        if (at < start || at - start >= m->bytes)
            continue;
        if (!best || m->bytes <= best->bytes) /* of equals the inner one, marked later */
            best = m;
    }
    return best ? best->node : NULL;
}

void config_marks_clear(struct config_marks *ms) {
    free(ms->items);
    *ms = (struct config_marks){0};
}
