/* sip/zone.c - see zone.h. The 64-bit block of the file is read; its transitions reach to 2037. */
#include "zone.h"

#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/own.h>

enum { FILE_MAX = 256 * 1024, HEADER = 44, TRANSITIONS_MAX = 4096, PATH_BYTES = 512 };

struct zone {
    size_t n;
    int64_t *at_s;     /* from then on … */
    int32_t *offset_s; /* … this east of UTC */
    int32_t first_s;   /* before the first */
};

static uint32_t u32(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}
static int64_t i64(const uint8_t *p) {
    return (int64_t)((uint64_t)u32(p) << 32 | u32(p + 4));
}

struct counts {
    uint32_t utc, std, leap, time, type, chars;
};

static bool read_counts(const uint8_t *p, size_t n, struct counts *out) {
    if (n < HEADER || memcmp(p, "TZif", 4) != 0)
        return false;
    *out = (struct counts){u32(p + 20), u32(p + 24), u32(p + 28),
                           u32(p + 32), u32(p + 36), u32(p + 40)};
    return out->time <= TRANSITIONS_MAX && out->type <= 256 && out->type > 0 &&
           out->chars <= 4096 && out->leap <= 100 && out->std <= 256 && out->utc <= 256;
}

static bool parse(struct zone *z, const uint8_t *p, size_t n) {
    struct counts c;
    if (!read_counts(p, n, &c) || p[4] < '2')
        return false;
    size_t first = HEADER + c.time * 5 + c.type * 6 + c.chars + c.leap * 8 + c.std + c.utc;
    if (first + HEADER > n || !read_counts(p + first, n - first, &c))
        return false;
    const uint8_t *times = p + first + HEADER, *kinds = times + c.time * 8, *types = kinds + c.time;
    if ((size_t)(types - p) + c.type * 6 > n)
        return false;
    z->n = c.time;
    z->at_s = mem_new((c.time + 1) * sizeof *z->at_s);
    z->offset_s = mem_new((c.time + 1) * sizeof *z->offset_s);
    z->first_s = (int32_t)u32(types);
    for (uint32_t i = 0; i < c.time; i++) {
        if (kinds[i] >= c.type)
            return false;
        z->at_s[i] = i64(times + i * 8);
        z->offset_s[i] = (int32_t)u32(types + kinds[i] * 6);
    }
    return true;
}

/* A zone's name is a path below the zone folder: letters, digits and a few signs, nothing that
 * climbs. */
static bool name_ok(struct str name) {
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '-' || c == '+' || (c == '/' && i > 0 && name.p[i - 1] != '/');
        if (!ok)
            return false;
    }
    return name.n < 100;
}

struct zone *zone_open(struct str name) {
    struct zone *z = NEW(struct zone);
    char path[PATH_BYTES];
    if (!name.n || str_is_nocase(name, "UTC"))
        return z;
    snprintf(path, sizeof path, "/usr/share/zoneinfo/%.*s", STR_ARG(name));
    FILE *f = name_ok(name) ? fopen(path, "rb") : NULL;
    cleanup(mem_freep) uint8_t *bytes = mem_new(FILE_MAX);
    size_t n = f ? fread(bytes, 1, FILE_MAX, f) : 0;
    if (f)
        fclose(f);
    if (n && parse(z, bytes, n))
        return z;
    zone_free(z);
    return NULL;
}

void zone_free(struct zone *z) {
    if (!z)
        return;
    free(z->at_s);
    free(z->offset_s);
    free(z);
}

static int64_t offset_at(const struct zone *z, int64_t utc_s) {
    size_t low = 0, high = z ? z->n : 0;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (z->at_s[mid] <= utc_s)
            low = mid + 1;
        else
            high = mid;
    }
    return low ? z->offset_s[low - 1] : z ? z->first_s : 0;
}

int64_t zone_to_utc_ms(const struct zone *z, int64_t local_ms) {
    int64_t local_s = local_ms / 1000;
    /* The offset before a change gives the first of two, and moves a skipped time forward. */
    int64_t before = offset_at(z, local_s - 86400), after = offset_at(z, local_s + 86400);
    int64_t with_before = local_s - before, with_after = local_s - after;
    int64_t utc_s = offset_at(z, with_before) == before || offset_at(z, with_after) != after
                        ? with_before
                        : with_after;
    return utc_s * 1000 + local_ms % 1000;
}

void zone_both_utc_ms(const struct zone *z, int64_t local_ms, int64_t out[2]) {
    int64_t local_s = local_ms / 1000;
    int64_t after = offset_at(z, local_s + 86400), second = local_s - after;
    out[0] = out[1] = zone_to_utc_ms(z, local_ms);
    if (offset_at(z, second) == after && second * 1000 > out[0])
        out[1] = second * 1000 + local_ms % 1000;
}
