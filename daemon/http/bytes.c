/* http/bytes.c - the table of byte classes. */
#include "http/bytes.h"

enum {
    T = BYTE_TOKEN | BYTE_VALUE | BYTE_VISIBLE,
    V = BYTE_VALUE | BYTE_VISIBLE,
    P = BYTE_PATH | BYTE_QUERY,
    Q = BYTE_QUERY,
    H = BYTE_HOST,
};

const uint8_t byte_class[256] = {
    ['\t'] = BYTE_VALUE,
    [' '] = BYTE_VALUE,
    ['!'] = T | P,
    ['"'] = V,
    ['#'] = T,
    ['$'] = T | P,
    ['%'] = T | P,
    ['&'] = T | P,
    ['\''] = T | P,
    ['('] = V | P,
    [')'] = V | P,
    ['*'] = T | P,
    ['+'] = T | P,
    [','] = V | P,
    ['-'] = T | P | H,
    ['.'] = T | P | H,
    ['/'] = V | P,
    ['0' ... '9'] = T | P | H | BYTE_DIGIT | BYTE_HEX,
    [':'] = V | P,
    [';'] = V | P,
    ['<'] = V,
    ['='] = V | P,
    ['>'] = V,
    ['?'] = V | Q,
    ['@'] = V | P,
    ['A' ... 'F'] = T | P | H | BYTE_HEX,
    ['G' ... 'Z'] = T | P | H,
    ['['] = V | Q,
    ['\\'] = V | Q,
    [']'] = V | Q,
    ['^'] = T | Q,
    ['_'] = T | P | H,
    ['`'] = T | Q,
    ['a' ... 'f'] = T | P | H | BYTE_HEX,
    ['g' ... 'z'] = T | P | H,
    ['{'] = V | Q,
    ['|'] = T | Q,
    ['}'] = V | Q,
    ['~'] = T | P | H,
    [0x80 ... 0xff] = BYTE_VALUE,
};

bool bytes_all(struct str s, uint8_t which) {
    for (size_t i = 0; i < s.n; i++)
        if (!byte_is(s.p[i], which))
            return false;
    return true;
}
