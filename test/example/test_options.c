// SPDX-License-Identifier: Apache-2.0
#include "options.h"

#include <string.h>

#include "support/unit.h"

#define MAX_ARGUMENTS 16

static struct options options;
static struct failure failure;

/* Parses words separated by single blanks. */
static bool parse(const char *line)
{
    static char text[512], *arguments[MAX_ARGUMENTS + 2];
    int count = 0;
    arguments[count++] = (char *)"program";
    ck_assert_uint_lt(strlen(line), sizeof(text));
    strcpy(text, line);
    for (char *word = strtok(text, " "); word; word = strtok(NULL, " ")) {
        ck_assert_int_le(count, MAX_ARGUMENTS);
        arguments[count++] = word;
    }
    arguments[count] = NULL;
    failure.text[0] = '\0';
    return options_parse(count, arguments, &options, &failure);
}

static void assert_usage_error(const char *line, const char *reason)
{
    ck_assert_msg(!parse(line), "accepted: %s", line);
    ck_assert_msg(strstr(failure.text, reason) != NULL, "%s: '%s' instead of '%s'", line,
                  failure.text, reason);
}

START_TEST(defaults_are_as_the_help_says)
{
    ck_assert(parse("model.onnx a.jpg b.png"));
    ck_assert_str_eq(options.model, "model.onnx");
    ck_assert_uint_eq(options.image_count, 2);
    ck_assert_str_eq(options.images[1], "b.png");
    ck_assert_int_eq(options.threads, 0);
    ck_assert_int_eq(options.workers, -1);
    ck_assert_int_eq(options.timeout_ns, COP_NO_TIMEOUT);
    ck_assert_uint_eq(options.top, 5);
    ck_assert_int_eq(options.device.kind, COP_DEVICE_CPU);
    ck_assert(!options.json && !options.raw && !options.async && !options.preset);
}
END_TEST

START_TEST(options_may_stand_anywhere)
{
    ck_assert(parse("model a.jpg --threads 3 b.jpg --json --top=7 --input-shape 1,28,30"));
    ck_assert_int_eq(options.threads, 3);
    ck_assert_uint_eq(options.top, 7);
    ck_assert(options.json);
    ck_assert_uint_eq(options.image_count, 2);
    ck_assert_int_eq(options.input_shape[0], 1);
    ck_assert_int_eq(options.input_shape[1], 28);
    ck_assert_int_eq(options.input_shape[2], 30);
}
END_TEST

START_TEST(an_image_in_the_first_place_means_the_embedded_model)
{
    ck_assert(parse("a.JPG b.bmp"));
    ck_assert_ptr_null(options.model);
    ck_assert_uint_eq(options.image_count, 2);
    ck_assert(parse("-- --strange.png"));
    ck_assert_str_eq(options.images[0], "--strange.png");
}
END_TEST

START_TEST(the_original_examples_form_chooses_the_device)
{
    ck_assert(parse("prefix 0 a.jpg"));
    ck_assert_int_eq(options.device.kind, COP_DEVICE_CPU);
    ck_assert_uint_eq(options.image_count, 1);
    ck_assert(parse("prefix 1 a.jpg"));
    ck_assert_int_eq(options.device.kind, COP_DEVICE_GPU);
    ck_assert_int_eq(options.device.index, 0);
    assert_usage_error("prefix 1", "no image");
    assert_usage_error("prefix 1 a.jpg --device cpu", "both");
}
END_TEST

START_TEST(devices_are_understood)
{
    ck_assert(parse("--device ref m.onnx a.jpg"));
    ck_assert_int_eq(options.device.kind, COP_DEVICE_REF);
    ck_assert(parse("--device gpu:3 m.onnx a.jpg"));
    ck_assert_int_eq(options.device.kind, COP_DEVICE_GPU);
    ck_assert_int_eq(options.device.index, 3);
    assert_usage_error("--device tpu m.onnx a.jpg", "must be cpu, ref, gpu or gpu:N");
    assert_usage_error("--device gpu: m.onnx a.jpg", "must be cpu, ref, gpu or gpu:N");
    assert_usage_error("--device gpu:x m.onnx a.jpg", "must be cpu, ref, gpu or gpu:N");
}
END_TEST

START_TEST(a_gpu_takes_a_precision_kernels_and_a_module)
{
    ck_assert(parse("--device gpu:1 --precision tf32 --kernels own --module /x/y.so m.onnx a.jpg"));
    ck_assert_int_eq(options.precision, COP_PRECISION_TF32);
    ck_assert_int_eq(options.kernels, COP_GPU_KERNELS_OWN);
    ck_assert_str_eq(options.module, "/x/y.so");
    ck_assert(parse("--precision fp16 --kernels library --device gpu m.onnx a.jpg"));
    ck_assert_int_eq(options.precision, COP_PRECISION_FP16);
    ck_assert_int_eq(options.kernels, COP_GPU_KERNELS_LIBRARY);
    ck_assert(parse("--precision bf16 prefix 1 a.jpg"));
    ck_assert_int_eq(options.precision, COP_PRECISION_BF16);
    ck_assert(parse("m.onnx a.jpg"));
    ck_assert_int_eq(options.precision, COP_PRECISION_FP32);
    ck_assert_int_eq(options.kernels, COP_GPU_KERNELS_AUTO);
    ck_assert_ptr_null(options.module);
    assert_usage_error("--device gpu --precision fp8 m.onnx a.jpg",
                       "must be fp32, tf32, bf16 or fp16");
    assert_usage_error("--device gpu --kernels cudnn m.onnx a.jpg", "must be auto, own or library");
    assert_usage_error("--precision fp16 m.onnx a.jpg", "for --device gpu only");
    assert_usage_error("--device ref --module x.so m.onnx a.jpg", "for --device gpu only");
}
END_TEST

START_TEST(numbers_are_checked)
{
    static const char *const wrong[] = {"0",  "-1", "1025", "x", "3x", "99999999999999999999",
                                        "+3", "1.5"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char line[64];
        snprintf(line, sizeof(line), "--threads %s m.onnx a.jpg", wrong[i]);
        assert_usage_error(line, "must be an integer from 1 to 1024");
    }
    assert_usage_error("--top 0 m.onnx a.jpg", "--top '0'");
    assert_usage_error("--repeat -5 m.onnx a.jpg", "--repeat '-5'");
    assert_usage_error("--duration 0 m.onnx a.jpg", "--duration '0'");
    assert_usage_error("--duration nan m.onnx a.jpg", "--duration 'nan'");
    assert_usage_error("--resize 40000 m.onnx a.jpg", "--resize '40000'");
    assert_usage_error("--crop half m.onnx a.jpg", "--crop 'half'");
    assert_usage_error("--input-shape 3,224 m.onnx a.jpg", "must be C,H,W");
    assert_usage_error("--input-shape 3,224,224,1 m.onnx a.jpg", "must be C,H,W");
    assert_usage_error("--input-shape 2,224,224 m.onnx a.jpg", "1 or 3 channels");
    assert_usage_error("--mean 1,2 m.onnx a.jpg", "one number or three");
    assert_usage_error("--mean 1,2,3,4 m.onnx a.jpg", "one number or three");
    assert_usage_error("--mean 1,2, m.onnx a.jpg", "one number or three");
    assert_usage_error("--std 0 m.onnx a.jpg", "must not be 0");
    assert_usage_error("--scale 1/0 m.onnx a.jpg", "--scale '1/0'");
    assert_usage_error("--scale inf m.onnx a.jpg", "--scale 'inf'");
}
END_TEST

START_TEST(timeouts_are_milliseconds_and_workers_belong_to_the_engine)
{
    ck_assert(parse("--timeout 2.5 m.onnx a.jpg"));
    ck_assert_int_eq(options.timeout_ns, 2500000);
    ck_assert(parse("--async --workers 0 m.onnx a.jpg"));
    ck_assert_int_eq(options.workers, 0);
    ck_assert(parse("--workers 1024 --async m.onnx a.jpg"));
    ck_assert_int_eq(options.workers, 1024);
    static const char *const wrong[] = {"0", "-1", "x", "1x", "nan", "inf", "604800001"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char line[64];
        snprintf(line, sizeof(line), "--timeout %s m.onnx a.jpg", wrong[i]);
        assert_usage_error(line, "must be milliseconds");
    }
    assert_usage_error("--async --workers 1025 m.onnx a.jpg", "from 0 to 1024");
    assert_usage_error("--workers 2 m.onnx a.jpg", "for --async only");
}
END_TEST

START_TEST(usage_errors_are_named)
{
    assert_usage_error("m.onnx", "no image");
    assert_usage_error("--nothing m.onnx a.jpg", "--nothing");
    assert_usage_error("-x m.onnx a.jpg", "-x");
    assert_usage_error("m.onnx a.jpg --top", "value is missing");
    assert_usage_error("--json=1 m.onnx a.jpg", "takes no value");
    assert_usage_error("--preset vgg m.onnx a.jpg", "--preset 'vgg'");
    assert_usage_error("--repeat 2 --duration 1 m.onnx a.jpg", "exclude each other");
    assert_usage_error("--crop none --resize 100 m.onnx a.jpg", "exclude each other");
}
END_TEST

START_TEST(single_pieces_change_the_preset)
{
    ck_assert(parse("m.onnx a.jpg"));
    struct preprocessing preprocessing = options_preprocessing(&options, "imagenet");
    ck_assert_double_eq_tol(preprocessing.mean[0], 0.485, 1e-9);
    ck_assert(preprocessing.crop == CROP_CENTER && preprocessing.short_side == 0);

    ck_assert(parse("--preset caffe --rgb --scale 1/255 --mean .5 --std 1,2,3 --crop none "
                    "m.onnx a.jpg"));
    preprocessing = options_preprocessing(&options, "imagenet");
    ck_assert(!preprocessing.bgr);
    ck_assert_double_eq_tol(preprocessing.scale, 1 / 255.0, 1e-12);
    ck_assert_double_eq(preprocessing.mean[2], 0.5);
    ck_assert_double_eq(preprocessing.std[2], 3);
    ck_assert(preprocessing.crop == CROP_STRETCH);

    ck_assert(parse("--bgr --resize 300 --crop 224 m.onnx a.jpg"));
    preprocessing = options_preprocessing(&options, "none");
    ck_assert(preprocessing.bgr && preprocessing.scale == 1 && preprocessing.short_side == 300);
    ck_assert_int_eq(options.crop, 224);
}
END_TEST

START_TEST(help_and_version_need_nothing_else)
{
    ck_assert(parse("--help"));
    ck_assert(options.help);
    ck_assert(parse("--version"));
    ck_assert(options.version);
    ck_assert(parse("-h"));
    ck_assert(options.help);
}
END_TEST

int main(void)
{
    return RUN_TESTS("options", defaults_are_as_the_help_says, options_may_stand_anywhere,
                     an_image_in_the_first_place_means_the_embedded_model,
                     the_original_examples_form_chooses_the_device, devices_are_understood,
                     a_gpu_takes_a_precision_kernels_and_a_module, numbers_are_checked,
                     timeouts_are_milliseconds_and_workers_belong_to_the_engine,
                     usage_errors_are_named, single_pieces_change_the_preset,
                     help_and_version_need_nothing_else);
}
