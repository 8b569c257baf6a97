// SPDX-License-Identifier: Apache-2.0
/* Real trained models give their stored reference outputs, in every format they are there in, on
 * every device. */
#include "support/real_models.h"
#include "support/unit.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

struct reference {
    const char *folder, *model;
    const char *input; /* of an MXNet model: its name; NULL: the model declares its shape */
    double tolerance;  /* of the largest value */
};

static const struct reference references[] = {
    {"cifar_resnet20_v1", "cifar_resnet20_v1", "data", 1e-4},
    {"cifar_resnet56_v2", "cifar_resnet56_v2", "data", 1e-4},
    {"squeezenet_v1.1", "squeezenet_v1.1", "data", 1e-4},
    {"squeezenet_v1.1", "squeezenet_v1.1_fp32.onnx", NULL, 1e-4},
    {"mobilenetv2_1.0_224", "mobilenetv2_1.0_224", "data", 1e-4},
    {"mobilenetv2_1.0_224", "mobilenetv2_1.0_224_fp32.onnx", NULL, 1e-4},
};

static cop_cached_op *compile(const struct reference *reference, const cop_ndarray *src,
                              cop_device_kind device, bool keep_graph)
{
    cop_model *model = load_model(reference->folder, reference->model);
    cop_cached_op *op = NULL;
    cop_error error;
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    cop_input_shape shape = {reference->input, cop_ndarray_rank(src), {0}};
    memcpy(shape.shape, cop_ndarray_shape(src), sizeof(int64_t) * (size_t)shape.rank);
    options.device.kind = device;
    options.keep_graph = keep_graph;
    options.input_shapes = &shape;
    options.input_shape_count = reference->input != NULL;
    ck_assert_msg(cop_cached_op_create(model, &options, &op, &error) == COP_STATUS_OK, "%s",
                  error.message);
    cop_model_release(&model);
    return op;
}

START_TEST(models_give_their_reference_output)
{
    const struct reference *reference = &references[_i / 4];
    const cop_device_kind device = _i % 2 == 0 ? COP_DEVICE_REF : COP_DEVICE_CPU;
    const bool keep_graph = _i / 2 % 2 == 1;
    cop_ndarray *src = load_array(reference->folder, "ref_input.npy");
    cop_ndarray *expected = load_array(reference->folder, "ref_output.npy"), *dst = NULL;
    cop_cached_op *op = compile(reference, src, device, keep_graph);
    cop_error error;
    ck_assert_msg(cop_invoke(op, 1, &src, 1, &dst, NULL, &error) == COP_STATUS_OK, "%s",
                  error.message);
    const double apart = distance(dst, expected);
    printf("%s on %s%s: %.2e of the largest value apart\n", reference->model,
           device == COP_DEVICE_REF ? "ref" : "cpu", keep_graph ? ", graph kept" : "", apart);
    ck_assert_msg(apart <= reference->tolerance, "%s: %g", reference->model, apart);
    cop_ndarray_release(&src), cop_ndarray_release(&dst), cop_ndarray_release(&expected);
    cop_cached_op_release(&op);
}
END_TEST

#define DIGITS      5000
#define IMAGE_BYTES (28 * 28)

static unsigned char pixels[DIGITS][IMAGE_BYTES], labels[DIGITS];

static void read_mnist(const char *file, size_t header, unsigned char *bytes, size_t size)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/mnist_test/%s", data_directory, file);
    FILE *stream = fopen(path, "rb");
    ck_assert_msg(stream != NULL, "%s", path);
    ck_assert_int_eq(fseek(stream, (long)header, SEEK_SET), 0);
    ck_assert_uint_eq(fread(bytes, 1, size, stream), size);
    fclose(stream);
}

struct reader {
    cop_cached_op *op;
    int begin, end;
    bool *is_right;
    cop_status status;
};

static void *read_digits(void *argument)
{
    struct reader *reader = argument;
    static const int64_t src_shape[] = {1, 1, 28, 28};
    cop_ndarray *src = NULL, *dst = NULL;
    reader->status = cop_ndarray_create(COP_DTYPE_FLOAT32, 4, src_shape, &src, NULL);
    for (int i = reader->begin; i < reader->end && reader->status == COP_STATUS_OK; i++) {
        float *elements = cop_ndarray_data(src);
        for (int k = 0; k < IMAGE_BYTES; k++)
            elements[k] = (float)pixels[i][k] / 255.0f;
        reader->status = cop_invoke(reader->op, 1, &src, 1, &dst, NULL, NULL);
        const float *scores = cop_ndarray_data(dst);
        int best = 0;
        for (int k = 1; k < 10 && scores != NULL; k++)
            best = scores[k] > scores[best] ? k : best;
        reader->is_right[i] = best == labels[i];
    }
    cop_ndarray_release(&src), cop_ndarray_release(&dst);
    return NULL;
}

static int count_right(cop_cached_op *op, int threads, bool *is_right)
{
    pthread_t ids[16];
    struct reader readers[16];
    int right = 0;
    for (int i = 0; i < threads; i++) {
        readers[i] = (struct reader){op, DIGITS * i / threads, DIGITS * (i + 1) / threads, is_right,
                                     COP_STATUS_INTERNAL};
        pthread_create(&ids[i], NULL, read_digits, &readers[i]);
    }
    for (int i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
        ck_assert_int_eq(readers[i].status, COP_STATUS_OK);
    }
    for (int i = 0; i < DIGITS; i++)
        right += is_right[i];
    return right;
}

START_TEST(the_same_4934_digits_are_right_through_any_number_of_threads)
{
    static bool is_right[3][DIGITS];
    static const int threads[] = {1, 2, 16};
    static const int64_t shape[] = {1, 1, 28, 28};
    const struct reference lenet = {"mnist_lenet", "mnist-lenet-0", "data", 0};
    read_mnist("images-idx3-ubyte", 16, pixels[0], sizeof pixels);
    read_mnist("labels-idx1-ubyte", 8, labels, sizeof labels);
    cop_ndarray *like = NULL;
    ck_assert_int_eq(cop_ndarray_create(COP_DTYPE_FLOAT32, 4, shape, &like, NULL), COP_STATUS_OK);
    for (int device = 0; device < 2; device++) {
        cop_cached_op *op =
            compile(&lenet, like, device == 0 ? COP_DEVICE_CPU : COP_DEVICE_REF, false);
        for (int i = 0; i < 3; i++) {
            ck_assert_int_eq(count_right(op, threads[i], is_right[i]), 4934);
            ck_assert_mem_eq(is_right[i], is_right[0], sizeof is_right[0]);
        }
        cop_cached_op_release(&op);
    }
    cop_ndarray_release(&like);
}
END_TEST

int main(void)
{
    data_directory = find_data_folder();
    if (data_directory == NULL)
        return SKIPPED;
    TCase *cases = tcase_create("reference models");
    tcase_set_timeout(cases, 600);
    tcase_add_loop_test(cases, models_give_their_reference_output, 0,
                        4 * (int)(sizeof references / sizeof *references));
    tcase_add_test(cases, the_same_4934_digits_are_right_through_any_number_of_threads);
    return run_case("reference models", cases);
}
