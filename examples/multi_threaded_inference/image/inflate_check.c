// SPDX-License-Identifier: Apache-2.0
/* zlib (RFC 1950) and deflate (RFC 1951), decompressed into a window that is checked and forgotten.
 */
#include <inttypes.h>
#include <string.h>

#include "image/image_check.h"

#define WINDOW_BYTES   32768
#define MAX_CODE_BITS  15
#define TABLE_BITS     9
#define LITERAL_CODES  288
#define DISTANCE_CODES 32
#define END_OF_BLOCK   256
#define MAX_MATCH_CODE 285
#define MAX_DISTANCE   29
#define NO_SYMBOL      (-1)

/* A canonical Huffman code. */
struct code {
    uint16_t count[MAX_CODE_BITS + 1]; /* symbols of each length */
    uint16_t symbols[LITERAL_CODES];   /* in the order of their codes */
    uint16_t table[1 << TABLE_BITS];   /* symbol << 4 | length by the next bits, 0: longer */
};

struct inflater {
    struct inflate_source *source;
    uint64_t bits;
    int bit_count;
    bool ended; /* more bits were asked for than there are */
    uint64_t produced;
    uint64_t expected;
    uint32_t adler_a, adler_b;
    struct code literals, distances;
    uint8_t window[WINDOW_BYTES];
};

static int next_byte(struct inflate_source *source)
{
    while (source->next == source->end)
        if (!source->advance(source))
            return -1;
    return *source->next++;
}

/* Has at least `count` <= 32 bits ready, zeros behind the end. */
static void fill_bits(struct inflater *in, int count)
{
    while (in->bit_count < count) {
        int byte = next_byte(in->source);
        if (byte < 0)
            return;
        in->bits |= (uint64_t)byte << in->bit_count;
        in->bit_count += 8;
    }
}

static void drop_bits(struct inflater *in, int count)
{
    if (count > in->bit_count) {
        in->ended = true;
        count = in->bit_count;
    }
    in->bits >>= count;
    in->bit_count -= count;
}

static uint32_t take_bits(struct inflater *in, int count)
{
    fill_bits(in, count);
    uint32_t value = (uint32_t)(in->bits & ((UINT64_C(1) << count) - 1));
    drop_bits(in, count);
    return value;
}

static uint32_t reverse(uint32_t value, int bits)
{
    uint32_t reversed = 0;
    for (int i = 0; i < bits; i++)
        reversed |= (value >> i & 1) << (bits - 1 - i);
    return reversed;
}

static void fill_table(struct code *code, const uint8_t *lengths, int symbol_count)
{
    uint32_t next[MAX_CODE_BITS + 2] = {0};
    for (int length = 1; length <= MAX_CODE_BITS; length++)
        next[length + 1] = (next[length] + code->count[length]) << 1;
    memset(code->table, 0, sizeof(code->table));
    for (int symbol = 0; symbol < symbol_count; symbol++) {
        int length = lengths[symbol];
        if (length == 0)
            continue;
        uint32_t word = next[length]++;
        if (length > TABLE_BITS)
            continue;
        for (uint32_t i = reverse(word, length); i < 1u << TABLE_BITS; i += 1u << length)
            code->table[i] = (uint16_t)(symbol << 4 | length);
    }
}

/* False if the lengths make no prefix code, or an incomplete one that is not a single one-bit code.
 */
static bool build_code(struct code *code, const uint8_t *lengths, int symbol_count)
{
    uint16_t offsets[MAX_CODE_BITS + 2] = {0};
    memset(code->count, 0, sizeof(code->count));
    for (int i = 0; i < symbol_count; i++)
        code->count[lengths[i]]++;
    int used = symbol_count - code->count[0];
    code->count[0] = 0;
    int left = 1;
    for (int length = 1; length <= MAX_CODE_BITS; length++) {
        left = 2 * left - code->count[length];
        if (left < 0)
            return false;
        offsets[length + 1] = (uint16_t)(offsets[length] + code->count[length]);
    }
    if (left > 0 && !(used == 0 || (used == 1 && code->count[1] == 1)))
        return false;
    for (int i = 0; i < symbol_count; i++)
        if (lengths[i])
            code->symbols[offsets[lengths[i]]++] = (uint16_t)i;
    fill_table(code, lengths, symbol_count);
    return true;
}

/* Bit by bit, for codes longer than the table's and for words that are no code. */
static int decode_long(struct inflater *in, const struct code *code)
{
    int word = 0, first = 0, index = 0;
    for (int length = 1; length <= MAX_CODE_BITS; length++) {
        word |= (int)(in->bits >> (length - 1) & 1);
        int count = code->count[length];
        if (word - count < first) {
            drop_bits(in, length);
            return code->symbols[index + (word - first)];
        }
        index += count;
        first = (first + count) << 1;
        word <<= 1;
    }
    return NO_SYMBOL;
}

static int decode_symbol(struct inflater *in, const struct code *code)
{
    fill_bits(in, MAX_CODE_BITS);
    uint16_t entry = code->table[in->bits & ((1 << TABLE_BITS) - 1)];
    if (entry == 0)
        return decode_long(in, code);
    drop_bits(in, entry & 15);
    return entry >> 4;
}

/* Adler-32 of the first `count` bytes of the window. Sums stay below 2^32 for 5552 bytes. */
static void add_to_checksum(struct inflater *in, size_t count)
{
    for (size_t i = 0; i < count;) {
        size_t end = i + 5552 < count ? i + 5552 : count;
        for (; i < end; i++) {
            in->adler_a += in->window[i];
            in->adler_b += in->adler_a;
        }
        in->adler_a %= 65521;
        in->adler_b %= 65521;
    }
}

static bool put_byte(struct inflater *in, uint8_t byte)
{
    if (in->produced == in->expected)
        return false;
    in->window[in->produced % WINDOW_BYTES] = byte;
    in->produced++;
    if (in->produced % WINDOW_BYTES == 0)
        add_to_checksum(in, WINDOW_BYTES);
    return true;
}

static bool too_much(const struct inflater *in, struct failure *failure)
{
    return failure_set(failure, "the pixels decompress to more than %" PRIu64 " bytes",
                       in->expected);
}

static bool stored_block(struct inflater *in, struct failure *failure)
{
    drop_bits(in, in->bit_count % 8);
    uint32_t length = take_bits(in, 16);
    uint32_t complement = take_bits(in, 16);
    if (in->ended)
        return failure_set(failure, "truncated: the compressed pixels end early");
    if (length != (complement ^ 0xffff))
        return failure_set(failure, "corrupt: a stored block contradicts its length");
    for (; length > 0; length--) {
        uint8_t byte = (uint8_t)take_bits(in, 8);
        if (in->ended)
            return failure_set(failure, "truncated: the compressed pixels end early");
        if (!put_byte(in, byte))
            return too_much(in, failure);
    }
    return true;
}

/* Lengths of both codes of a block, run-length coded by a third code. */
static bool read_lengths(struct inflater *in, uint8_t *lengths, int count, struct failure *failure)
{
    static const uint8_t order[19] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                      11, 4,  12, 3, 13, 2, 14, 1, 15};
    uint8_t code_lengths[19] = {0};
    int code_count = (int)take_bits(in, 4) + 4;
    for (int i = 0; i < code_count; i++)
        code_lengths[order[i]] = (uint8_t)take_bits(in, 3);
    if (!build_code(&in->literals, code_lengths, 19))
        return failure_set(failure, "corrupt: no prefix code");
    for (int done = 0; done < count;) {
        int symbol = decode_symbol(in, &in->literals);
        if (in->ended || symbol == NO_SYMBOL)
            return failure_set(failure, "corrupt: code lengths");
        if (symbol < 16) {
            lengths[done++] = (uint8_t)symbol;
            continue;
        }
        if (symbol == 16 && done == 0)
            return failure_set(failure, "corrupt: code lengths repeat nothing");
        uint8_t value = symbol == 16 ? lengths[done - 1] : 0;
        int repeat = symbol == 16   ? 3 + (int)take_bits(in, 2)
                     : symbol == 17 ? 3 + (int)take_bits(in, 3)
                                    : 11 + (int)take_bits(in, 7);
        if (repeat > count - done)
            return failure_set(failure, "corrupt: too many code lengths");
        memset(lengths + done, value, (size_t)repeat);
        done += repeat;
    }
    return true;
}

static bool dynamic_codes(struct inflater *in, struct failure *failure)
{
    uint8_t lengths[LITERAL_CODES + DISTANCE_CODES] = {0};
    int literal_count = (int)take_bits(in, 5) + 257;
    int distance_count = (int)take_bits(in, 5) + 1;
    if (literal_count > MAX_MATCH_CODE + 1 || distance_count > MAX_DISTANCE + 1)
        return failure_set(failure, "corrupt: too many codes");
    if (!read_lengths(in, lengths, literal_count + distance_count, failure))
        return false;
    if (lengths[END_OF_BLOCK] == 0 || !build_code(&in->literals, lengths, literal_count) ||
        !build_code(&in->distances, lengths + literal_count, distance_count))
        return failure_set(failure, "corrupt: no prefix code");
    return true;
}

static void fixed_codes(struct inflater *in)
{
    uint8_t lengths[LITERAL_CODES];
    memset(lengths, 8, 144);
    memset(lengths + 144, 9, 112);
    memset(lengths + 256, 7, 24);
    memset(lengths + 280, 8, 8);
    (void)build_code(&in->literals, lengths, LITERAL_CODES); /* complete, as the RFC has it */
    memset(lengths, 5, DISTANCE_CODES);
    (void)build_code(&in->distances, lengths, DISTANCE_CODES);
}

/* The rest of a match whose length symbol was read. */
static bool copy_match(struct inflater *in, int symbol, struct failure *failure)
{
    static const uint16_t length_base[] = {3,  4,  5,  6,   7,   8,   9,   10,  11, 13,
                                           15, 17, 19, 23,  27,  31,  35,  43,  51, 59,
                                           67, 83, 99, 115, 131, 163, 195, 227, 258};
    static const uint8_t length_bits[] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                          2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
    if (symbol > MAX_MATCH_CODE)
        return failure_set(failure, "corrupt: a match without a length");
    symbol -= END_OF_BLOCK + 1;
    uint32_t length = length_base[symbol] + take_bits(in, length_bits[symbol]);
    symbol = decode_symbol(in, &in->distances);
    if (symbol == NO_SYMBOL || symbol > MAX_DISTANCE)
        return failure_set(failure, "corrupt: a match without a distance");
    int extra = symbol < 4 ? 0 : symbol / 2 - 1;
    uint32_t base = symbol < 4 ? (uint32_t)symbol : (uint32_t)(2 + symbol % 2) << extra;
    uint32_t distance = 1 + base + take_bits(in, extra);
    if (in->ended)
        return failure_set(failure, "truncated: the compressed pixels end early");
    if (distance > in->produced)
        return failure_set(failure, "corrupt: a match before the first byte");
    for (; length > 0; length--)
        if (!put_byte(in, in->window[(in->produced - distance) % WINDOW_BYTES]))
            return too_much(in, failure);
    return true;
}

static bool coded_block(struct inflater *in, struct failure *failure)
{
    for (;;) {
        int symbol = decode_symbol(in, &in->literals);
        if (in->ended)
            return failure_set(failure, "truncated: the compressed pixels end early");
        if (symbol == NO_SYMBOL)
            return failure_set(failure, "corrupt: not a code word");
        if (symbol == END_OF_BLOCK)
            return true;
        if (symbol > END_OF_BLOCK) {
            if (!copy_match(in, symbol, failure))
                return false;
        } else if (!put_byte(in, (uint8_t)symbol)) {
            return too_much(in, failure);
        }
    }
}

static bool check_blocks(struct inflater *in, struct failure *failure)
{
    bool last = false;
    while (!last) {
        last = take_bits(in, 1);
        uint32_t kind = take_bits(in, 2);
        if (in->ended)
            return failure_set(failure, "truncated: the compressed pixels end early");
        bool good = false;
        if (kind == 0)
            good = stored_block(in, failure);
        else if (kind == 1)
            fixed_codes(in), good = coded_block(in, failure);
        else if (kind == 2)
            good = dynamic_codes(in, failure) && coded_block(in, failure);
        else
            failure_set(failure, "corrupt: a block of no known kind");
        if (!good)
            return false;
    }
    return true;
}

static bool check_trailer(struct inflater *in, struct failure *failure)
{
    drop_bits(in, in->bit_count % 8);
    uint32_t stored = 0;
    for (int i = 0; i < 4; i++)
        stored = stored << 8 | take_bits(in, 8);
    add_to_checksum(in, in->produced % WINDOW_BYTES);
    if (in->ended)
        return failure_set(failure, "truncated: the compressed pixels have no checksum");
    if (stored != (in->adler_b << 16 | in->adler_a))
        return failure_set(failure, "corrupt: the pixels contradict their checksum");
    if (in->produced != in->expected)
        return failure_set(failure, "%" PRIu64 " bytes of pixels, %" PRIu64 " needed", in->produced,
                           in->expected);
    return true;
}

bool inflate_check(struct inflate_source *source, uint64_t expected, struct failure *failure)
{
    struct inflater in = {.source = source, .expected = expected, .adler_a = 1};
    uint32_t method = take_bits(&in, 8);
    uint32_t flags = take_bits(&in, 8);
    if (in.ended)
        return failure_set(failure, "truncated: no compressed pixels");
    if ((method & 15) != 8 || method >> 4 > 7 || (method << 8 | flags) % 31 != 0 || flags & 32)
        return failure_set(failure, "corrupt: no zlib stream");
    return check_blocks(&in, failure) && check_trailer(&in, failure);
}
