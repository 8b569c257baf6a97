// SPDX-License-Identifier: Apache-2.0
/*
 * Damaged files: cut at every byte, and with bytes changed at random from a fixed seed. Nothing may
 * crash, hang or take unbounded memory; run it under AddressSanitizer to see more. COP_FUZZ_ROUNDS
 * sets how many random files are made of each picture.
 */
#include "image/image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "image_writer.h"
#include "pictures.h"
#include "support/unit.h"

#define DEFAULT_ROUNDS 3000

/* Marsaglia's xorshift: the same files everywhere. */
static uint32_t random_below(uint32_t *state, uint32_t bound)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state % bound;
}

/* True if it decoded; the pixels must then be there. */
static bool try_decode(const uint8_t *bytes, size_t size)
{
    /* An allocation of its own, so that a read behind the end is seen. */
    uint8_t *copy = malloc(size ? size : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, bytes, size);
    struct image image;
    struct failure failure = {""};
    bool good = image_decode(copy, size, &image, &failure);
    free(copy);
    if (!good) {
        ck_assert_ptr_null(image.pixels);
        ck_assert_int_ne(failure.text[0], '\0');
        return false;
    }
    unsigned sum = 0;
    size_t count = 3 * (size_t)image.width * (size_t)image.height;
    for (size_t i = 0; i < count; i++)
        sum += image.pixels[i];
    image_release(&image);
    return sum <= 255 * count;
}

START_TEST(no_part_of_a_file_decodes)
{
    for (size_t i = 0; i < sizeof(pictures) / sizeof(pictures[0]); i++)
        for (size_t size = 0; size < pictures[i].size; size++)
            ck_assert_msg(!try_decode(pictures[i].bytes, size), "%s, %zu bytes", pictures[i].name,
                          size);
}
END_TEST

static long peak_kilobytes(void)
{
    struct rusage usage;
    ck_assert_int_eq(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_maxrss;
}

#if defined(__has_feature)
#define IS_SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1
#else
#define IS_SANITIZED 0
#endif

/* The promise for small images is 64 MB. Sanitizers need more for themselves. */
static void assert_little_memory(long peak_before)
{
    if (!IS_SANITIZED)
        ck_assert_int_le(peak_kilobytes() - peak_before, 64 << 10);
}

static long rounds(void)
{
    const char *text = getenv("COP_FUZZ_ROUNDS");
    return text ? strtol(text, NULL, 10) : DEFAULT_ROUNDS;
}

static void damage(uint8_t *bytes, size_t *size, uint32_t *state)
{
    for (uint32_t changes = 1 + random_below(state, 4); changes > 0; changes--) {
        size_t at = random_below(state, (uint32_t)*size);
        switch (random_below(state, 4)) {
        case 0:
            bytes[at] ^= (uint8_t)(1u << random_below(state, 8));
            break;
        case 1:
            bytes[at] = (uint8_t)random_below(state, 256);
            break;
        case 2:
            bytes[at] = random_below(state, 2) ? 0xff : 0;
            break;
        default: /* a byte less */
            memmove(bytes + at, bytes + at + 1, *size - at - 1);
            *size -= *size > 1;
            break;
        }
    }
}

START_TEST(damaged_files_end_with_pixels_or_a_reason)
{
    long peak_before = peak_kilobytes();
    uint32_t state = 2463534242u;
    long decoded = 0;
    for (size_t i = 0; i < sizeof(pictures) / sizeof(pictures[0]); i++) {
        for (long round = 0; round < rounds(); round++) {
            uint8_t bytes[1024];
            size_t size = pictures[i].size;
            ck_assert_uint_le(size, sizeof(bytes));
            memcpy(bytes, pictures[i].bytes, size);
            damage(bytes, &size, &state);
            decoded += try_decode(bytes, size);
        }
    }
    printf("%ld of the damaged files decoded\n", decoded);
    assert_little_memory(peak_before);
}
END_TEST

/* PNG with right checksums around damaged streams, so that the damage gets as far as the decoder.
 */
START_TEST(damaged_streams_end_with_pixels_or_a_reason)
{
    long peak_before = peak_kilobytes();
    uint32_t state = 88172645u;
    for (long round = 0; round < rounds(); round++) {
        struct writer whole, png;
        uint8_t rows[64] = {0};
        begin_png(&whole, 5, 4, 8, 2);
        size_t start = whole.size + 8;
        write_idat(&whole, rows, 4 * 16);
        size_t size = whole.size - 4 - start;
        damage(whole.bytes + start, &size, &state);
        /* The kind of the first block: dynamic, fixed or stored. */
        whole.bytes[start + 2] = (uint8_t)random_below(&state, 256);
        begin_png(&png, 5, 4, 8, 2);
        write_chunk(&png, "IDAT", whole.bytes + start, size);
        end_png(&png);
        try_decode(png.bytes, png.size);
    }
    assert_little_memory(peak_before);
}
END_TEST

START_TEST(damaged_bitmaps_end_with_pixels_or_a_reason)
{
    long peak_before = peak_kilobytes();
    uint32_t state = 123456789u;
    for (long round = 0; round < rounds(); round++) {
        static const uint32_t bits[] = {1, 4, 8, 16, 24, 32};
        struct writer bmp;
        uint32_t depth = bits[random_below(&state, 6)];
        begin_bmp(&bmp, 5, 4, depth, random_below(&state, 2) * 3, 54 + (depth < 16 ? 64 : 0));
        for (int i = 0; i < 200; i++)
            write_le(&bmp, random_below(&state, 256), 1);
        damage(bmp.bytes + 2, &bmp.size, &state);
        try_decode(bmp.bytes, bmp.size);
    }
    assert_little_memory(peak_before);
}
END_TEST

int main(void)
{
    return RUN_TESTS(
        "image_damage", no_part_of_a_file_decodes, damaged_files_end_with_pixels_or_a_reason,
        damaged_streams_end_with_pixels_or_a_reason, damaged_bitmaps_end_with_pixels_or_a_reason);
}
