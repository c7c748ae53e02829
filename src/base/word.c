/* word.c - two tables: what is no letter, and what becomes which small letter. Beyond ASCII everything is part of a word but what
 * the first table names, so a script that nobody thought of has words too.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/word.h"

struct range {
    uint32_t first, last;
};
static const struct range between[] = {
    {0x80, 0xA9},     {0xAB, 0xB1},       {0xB4, 0xB4},        {0xB6, 0xB8},     {0xBB, 0xBB},     {0xBF, 0xBF},
    {0xD7, 0xD7},     {0xF7, 0xF7},       {0x37E, 0x37E},      {0x387, 0x387},   {0x55A, 0x55F},   {0x589, 0x58A},
    {0x5BE, 0x5BE},   {0x5C0, 0x5C0},     {0x5C3, 0x5C3},      {0x5F3, 0x5F4},   {0x60C, 0x60D},   {0x61B, 0x61F},
    {0x66A, 0x66D},   {0x6D4, 0x6D4},     {0x964, 0x965},      {0xE3F, 0xE3F},   {0xE4F, 0xE4F},   {0x10FB, 0x10FB},
    {0x1360, 0x1368}, {0x1680, 0x1680},   {0x17D4, 0x17D6},    {0x180E, 0x180E}, {0x2000, 0x206F}, {0x20A0, 0x20CF},
    {0x2122, 0x2122}, {0x2190, 0x2BFF},   {0x2E00, 0x2E7F},    {0x3000, 0x3004}, {0x3008, 0x3020}, {0x3030, 0x3030},
    {0x303D, 0x303F}, {0x30A0, 0x30A0},   {0x30FB, 0x30FB},    {0xE000, 0xF8FF}, {0xFD3E, 0xFD3F}, {0xFE00, 0xFE1F},
    {0xFE30, 0xFE6F}, {0xFEFF, 0xFEFF},   {0xFF00, 0xFF0F},    {0xFF1A, 0xFF20}, {0xFF3B, 0xFF40}, {0xFF5B, 0xFF65},
    {0xFFE0, 0xFFFF}, {0x1F000, 0x1FAFF}, {0xE0000, 0x10FFFF},
};

/* Capitals, every one or every other of a range, and how far off the small letter is. */
static const struct fold {
    uint32_t first, last, step;
    int32_t delta;
} folds[] = {
    {'A', 'Z', 1, 32},          {0xC0, 0xD6, 1, 32},        {0xD8, 0xDE, 1, 32},        {0x100, 0x12E, 2, 1},
    {0x130, 0x130, 1, -199},    {0x132, 0x136, 2, 1},       {0x139, 0x147, 2, 1},       {0x14A, 0x176, 2, 1},
    {0x178, 0x178, 1, -121},    {0x179, 0x17D, 2, 1},       {0x17F, 0x17F, 1, -268},    {0x18F, 0x18F, 1, 202},
    {0x1CD, 0x1DB, 2, 1},       {0x1DE, 0x1EE, 2, 1},       {0x1F8, 0x21E, 2, 1},       {0x222, 0x232, 2, 1},
    {0x386, 0x386, 1, 38},      {0x388, 0x38A, 1, 37},      {0x38C, 0x38C, 1, 64},      {0x38E, 0x38F, 1, 63},
    {0x391, 0x3A1, 1, 32},      {0x3A3, 0x3AB, 1, 32},      {0x3C2, 0x3C2, 1, 1},       {0x3D8, 0x3EE, 2, 1},
    {0x400, 0x40F, 1, 80},      {0x410, 0x42F, 1, 32},      {0x460, 0x480, 2, 1},       {0x48A, 0x4BE, 2, 1},
    {0x4C0, 0x4C0, 1, 15},      {0x4C1, 0x4CD, 2, 1},       {0x4D0, 0x52E, 2, 1},       {0x531, 0x556, 1, 48},
    {0x10A0, 0x10C5, 1, 7264},  {0x1C90, 0x1CBA, 1, -3008}, {0x1CBD, 0x1CBF, 1, -3008}, {0x1E00, 0x1E94, 2, 1},
    {0x1E9E, 0x1E9E, 1, -7615}, {0x1EA0, 0x1EFE, 2, 1},     {0x1F08, 0x1F0F, 1, -8},    {0x1F18, 0x1F1D, 1, -8},
    {0x1F28, 0x1F2F, 1, -8},    {0x1F38, 0x1F3F, 1, -8},    {0x1F48, 0x1F4D, 1, -8},    {0x1F68, 0x1F6F, 1, -8},
    {0xFF21, 0xFF3A, 1, 32},
};

static uint32_t folded(uint32_t c) {
    if (c < 0x80) return (uint32_t)(unsigned char)ascii_lower((char)c);
    for (size_t i = 0; i < sizeof folds / sizeof folds[0] && folds[i].first <= c; i++)
        if (c <= folds[i].last) return (c - folds[i].first) % folds[i].step ? c : (uint32_t)((int32_t)c + folds[i].delta);
    return c;
}

static bool is_between(uint32_t c) {
    if (c < 0x80) return !ascii_is_alnum((char)c);
    for (size_t i = 0; i < sizeof between / sizeof between[0] && between[i].first <= c; i++)
        if (c <= between[i].last) return true;
    return false;
}

/* The character that text begins with, and its bytes; false: it is no UTF-8, and one byte is taken. */
static bool take(struct str text, uint32_t *ret, size_t *ret_n) {
    unsigned char first = (unsigned char)text.p[0];
    size_t n = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    uint32_t c = n == 1 ? first : first & (0xFFu >> (n + 1));
    *ret_n = 1;
    if (n > 1 && (n > text.n || !str_is_utf8(str_sub(text, 0, n)))) return false;
    for (size_t i = 1; i < n; i++) c = c << 6 | ((unsigned char)text.p[i] & 0x3Fu);
    *ret_n = n;
    *ret = c;
    return true;
}

static void add(struct buf *out, uint32_t c) {
    if (c < 0x80) {
        buf_add_char(out, (char)c);
        return;
    }
    int tail = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    buf_add_char(out, (char)((0xFF00u >> (tail + 1) & 0xFFu) | c >> (6 * tail)));
    while (tail-- > 0) buf_add_char(out, (char)(0x80u | (c >> (6 * tail) & 0x3Fu)));
}

bool word_next(struct str *rest, struct buf *ret_word) {
    size_t start = ret_word->n, n = 0;
    bool is_open = false;
    for (; rest->n; *rest = str_sub(*rest, n, SIZE_MAX)) {
        uint32_t c = 0;
        bool is_letter = take(*rest, &c, &n) && !is_between(c);
        if (is_open && !is_letter) break;
        if (!is_letter) continue;
        is_open = true;
        if (ret_word->n - start + 4 <= WORD_MAX) add(ret_word, folded(c));
    }
    return is_open;
}

void word_fold(struct str text, struct buf *ret) {
    for (size_t n = 0; text.n; text = str_sub(text, n, SIZE_MAX)) {
        uint32_t c = 0;
        if (take(text, &c, &n))
            add(ret, folded(c));
        else
            buf_add_char(ret, text.p[0]);
    }
}
