// SPDX-License-Identifier: Apache-2.0
#include "image/preprocess.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/half.h"
#include "image/resize.h"
#include "support/unit.h"

static const struct input_layout rgb_2x2 = {COP_DTYPE_FLOAT32, 3, 2, 2, false};

static struct preprocessing preset(const char *name)
{
    struct preprocessing preprocessing;
    ck_assert(preprocess_preset(name, &preprocessing));
    return preprocessing;
}

static void resize_whole(const uint8_t *pixels, int width, int height, int to_width, int to_height,
                         uint8_t *out)
{
    const struct image image = {width, height, (uint8_t *)pixels};
    const struct resize_window window = {to_width, to_height, 0, 0, to_width, to_height};
    ck_assert(image_resize(&image, &window, out, NULL));
}

START_TEST(shrinking_averages_what_a_pixel_covers)
{
    const uint8_t pixels[] = {0, 0, 0, 10, 10, 10, 50, 50, 50};
    uint8_t out[6];
    resize_whole(pixels, 3, 1, 2, 1, out);
    /* (0 + 10 / 2) / 1.5 and (10 / 2 + 50) / 1.5 */
    ck_assert_uint_eq(out[0], 3);
    ck_assert_uint_eq(out[3], 37);
}
END_TEST

START_TEST(enlarging_interpolates_between_centres_and_repeats_the_edge)
{
    const uint8_t pixels[] = {0, 0, 0, 100, 100, 100};
    uint8_t out[12];
    resize_whole(pixels, 2, 1, 4, 1, out);
    const uint8_t expected[] = {0, 25, 75, 100};
    for (int i = 0; i < 4; i++)
        ck_assert_uint_eq(out[3 * i], expected[i]);
}
END_TEST

START_TEST(the_same_size_is_the_same_image)
{
    uint8_t pixels[5 * 7 * 3], out[sizeof(pixels)];
    for (size_t i = 0; i < sizeof(pixels); i++)
        pixels[i] = (uint8_t)(i * 37);
    resize_whole(pixels, 5, 7, 5, 7, out);
    ck_assert_mem_eq(out, pixels, sizeof(pixels));
}
END_TEST

/* The first byte that is not `value`. An assertion for each byte would take seconds. */
static const uint8_t *find_other(const uint8_t *bytes, uint8_t value, size_t size)
{
    for (; size > 0; bytes++, size--)
        if (*bytes != value)
            return bytes;
    return NULL;
}

START_TEST(an_even_image_stays_even_at_any_size)
{
    uint8_t pixels[17 * 13 * 3], out[64 * 64 * 3];
    memset(pixels, 255, sizeof(pixels));
    for (int width = 1; width <= 64; width++)
        for (int height = 1; height <= 64; height += 7) {
            memset(out, 0, sizeof(out));
            resize_whole(pixels, 17, 13, width, height, out);
            ck_assert_ptr_null(find_other(out, 255, 3 * (size_t)width * (size_t)height));
        }
}
END_TEST

START_TEST(a_window_is_that_part_of_the_whole)
{
    uint8_t pixels[20 * 15 * 3], whole[9 * 31 * 3], part[4 * 5 * 3];
    for (size_t i = 0; i < sizeof(pixels); i++)
        pixels[i] = (uint8_t)(i * i);
    resize_whole(pixels, 20, 15, 9, 31, whole);
    const struct image image = {20, 15, pixels};
    const struct resize_window window = {9, 31, 3, 11, 4, 5};
    ck_assert(image_resize(&image, &window, part, NULL));
    for (int y = 0; y < 5; y++)
        ck_assert_mem_eq(part + y * 4 * 3, whole + ((y + 11) * 9 + 3) * 3, 4 * 3);
}
END_TEST

START_TEST(a_strip_of_extreme_proportions_takes_no_more_than_others)
{
    uint8_t *pixels = calloc(3, 32768);
    float elements[3 * 224 * 224];
    const struct image image = {32768, 1, pixels};
    const struct input_layout layout = {COP_DTYPE_FLOAT32, 3, 224, 224, false};
    const struct preprocessing imagenet = preset("imagenet");
    ck_assert(preprocess_image(&image, &imagenet, &layout, elements, NULL));
    free(pixels);
}
END_TEST

/* The elements that a preset makes of one colour. */
static void assert_elements(const char *name, const double expected[3])
{
    uint8_t pixels[4 * 3];
    for (int i = 0; i < 4; i++)
        memcpy(pixels + 3 * i, (const uint8_t[]){10, 100, 250}, 3);
    const struct image image = {2, 2, pixels};
    const struct preprocessing preprocessing = preset(name);
    float elements[3 * 4];
    ck_assert(preprocess_image(&image, &preprocessing, &rgb_2x2, elements, NULL));
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < 4; i++)
            ck_assert_double_eq_tol(elements[4 * c + i], expected[c], 1e-5);
}

START_TEST(presets_compute_what_they_say)
{
    assert_elements("imagenet",
                    (const double[]){(10 / 255.0 - 0.485) / 0.229, (100 / 255.0 - 0.456) / 0.224,
                                     (250 / 255.0 - 0.406) / 0.225});
    assert_elements("caffe", (const double[]){250 - 104, 100 - 117, 10 - 123});
    assert_elements("unit", (const double[]){10 / 127.5 - 1, 100 / 127.5 - 1, 250 / 127.5 - 1});
    assert_elements("mxnet", (const double[]){10 - 117, 100 - 117, 250 - 117});
    assert_elements("none", (const double[]){10, 100, 250});
    struct preprocessing unused;
    ck_assert(!preprocess_preset("vgg", &unused));
}
END_TEST

START_TEST(dtypes_and_layouts_are_converted_to)
{
    uint8_t pixels[4 * 3];
    for (size_t i = 0; i < sizeof(pixels); i++)
        pixels[i] = (uint8_t)(20 * i);
    const struct image image = {2, 2, pixels};
    struct preprocessing none = preset("none");
    none.crop = CROP_STRETCH;
    uint8_t bytes[12];
    struct input_layout layout = {COP_DTYPE_UINT8, 3, 2, 2, true};
    ck_assert(preprocess_image(&image, &none, &layout, bytes, NULL));
    ck_assert_mem_eq(bytes, pixels, sizeof(pixels));

    uint16_t halves[12];
    layout = (struct input_layout){COP_DTYPE_FLOAT16, 3, 2, 2, false};
    ck_assert_uint_eq(preprocess_bytes(&layout), sizeof(halves));
    ck_assert(preprocess_image(&image, &none, &layout, halves, NULL));
    ck_assert_float_eq(half_to_float(halves[1]), 60);
    ck_assert_float_eq(half_to_float(halves[4]), 20);

    float luma[4];
    layout = (struct input_layout){COP_DTYPE_FLOAT32, 1, 2, 2, false};
    ck_assert(preprocess_image(&image, &none, &layout, luma, NULL));
    ck_assert_float_eq(luma[1], roundf(0.299f * 60 + 0.587f * 80 + 0.114f * 100));
}
END_TEST

START_TEST(inputs_that_are_no_image_are_refused)
{
    struct input_layout layout;
    struct failure failure;
    const cop_tensor_desc good = {"data", COP_DTYPE_FLOAT32, 4, {1, 3, 10, 20}};
    ck_assert(preprocess_layout(&good, &layout, &failure));
    ck_assert(layout.channels == 3 && layout.height == 10 && layout.width == 20);
    const cop_tensor_desc last = {"data", COP_DTYPE_FLOAT32, 4, {1, 10, 20, 3}};
    ck_assert(preprocess_layout(&last, &layout, &failure));
    ck_assert(layout.channels_last && layout.height == 10 && layout.width == 20);

    const cop_tensor_desc bad[] = {
        {"data", COP_DTYPE_FLOAT32, 2, {1, 3}},
        {"data", COP_DTYPE_FLOAT32, 4, {2, 3, 10, 20}},
        {"data", COP_DTYPE_FLOAT32, 4, {1, 4, 10, 20}},
        {"data", COP_DTYPE_INT64, 4, {1, 3, 10, 20}},
        {"data", COP_DTYPE_FLOAT32, 4, {1, 3, 100000, 20}},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert(!preprocess_layout(&bad[i], &layout, &failure));
}
END_TEST

START_TEST(halves_are_rounded_to_nearest_even)
{
    static const struct {
        float value;
        uint16_t half;
    } cases[] = {{0, 0},
                 {-0.0f, 0x8000},
                 {1, 0x3c00},
                 {-2, 0xc000},
                 {65504, 0x7bff},
                 {65519.9f, 0x7bff},
                 {65520, 0x7c00},
                 {2049, 0x6800},
                 {2051, 0x6802},
                 {0x1p-24f, 1},
                 {0x1p-25f, 0},
                 {0x1.8p-24f, 2},
                 {0x1p-14f, 0x400},
                 {INFINITY, 0x7c00},
                 {0x1.ff8p-15f, 0x3ff}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        ck_assert_uint_eq(half_from_float(cases[i].value), cases[i].half);
    uint32_t wrong = 0;
    for (uint32_t half = 0; half < 0x10000; half++) {
        float value = half_to_float((uint16_t)half);
        uint16_t again = half_from_float(value);
        wrong += isnan(value) ? !isnan(half_to_float(again)) : again != half;
    }
    ck_assert_uint_eq(wrong, 0);
}
END_TEST

/* The elements of a .npy file of version 1 with float32 elements. */
static float *read_reference(const char *model, size_t count)
{
    char path[4096];
    const char *data = getenv("COP_TEST_DATA");
    snprintf(path, sizeof(path), "%s/%s/ref_input.npy", data ? data : ".", model);
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    unsigned char start[10];
    ck_assert_uint_eq(fread(start, 1, sizeof(start), file), sizeof(start));
    ck_assert_int_eq(fseek(file, 10 + start[8] + 256 * start[9], SEEK_SET), 0);
    float *elements = malloc(count * sizeof(*elements));
    ck_assert_uint_eq(fread(elements, sizeof(*elements), count, file), count);
    fclose(file);
    return elements;
}

static void compare_with_reference(const char *model, const char *preset_name, double one_level)
{
    const struct input_layout layout = {COP_DTYPE_FLOAT32, 3, 224, 224, false};
    const size_t count = 3 * 224 * 224;
    float *expected = read_reference(model, count);
    if (!expected) {
        printf("SKIP: no reference of %s\n", model);
        return;
    }
    char path[4096];
    snprintf(path, sizeof(path), "%s/photos/kitten_rgba_tabby.png", getenv("COP_TEST_DATA"));
    struct image image;
    struct failure failure;
    ck_assert_msg(image_read(path, &image, &failure), "%s", failure.text);
    float *elements = malloc(count * sizeof(*elements));
    const struct preprocessing preprocessing = preset(preset_name);
    ck_assert(preprocess_image(&image, &preprocessing, &layout, elements, &failure));
    double largest = 0;
    size_t different = 0;
    for (size_t i = 0; i < count; i++) {
        double difference = fabs((double)elements[i] - expected[i]);
        largest = difference > largest ? difference : largest;
        different += difference > one_level / 2;
    }
    printf("%s: largest difference %g, %zu of %zu elements\n", model, largest, different, count);
    ck_assert_double_le(largest, one_level * 1.001);
    /* The reference was resized with coefficients of 11 bits and cut, not rounded, sums. */
    ck_assert_uint_le(different, count / 10);
    image_release(&image);
    free(elements);
    free(expected);
}

START_TEST(reference_inputs_are_met)
{
    compare_with_reference("squeezenet_v1.1", "caffe", 1);
}
END_TEST

int main(void)
{
    return RUN_TESTS("preprocess", shrinking_averages_what_a_pixel_covers,
                     enlarging_interpolates_between_centres_and_repeats_the_edge,
                     the_same_size_is_the_same_image, an_even_image_stays_even_at_any_size,
                     a_window_is_that_part_of_the_whole,
                     a_strip_of_extreme_proportions_takes_no_more_than_others,
                     presets_compute_what_they_say, dtypes_and_layouts_are_converted_to,
                     inputs_that_are_no_image_are_refused, halves_are_rounded_to_nearest_even,
                     reference_inputs_are_met);
}
