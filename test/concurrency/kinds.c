// SPDX-License-Identifier: Apache-2.0
#include "concurrency/kinds.h"

#include <check.h>
#include <string.h>

#include "support/tiny_models.h"

struct kind kinds[KINDS] = {
    {.model = 0, .device = COP_DEVICE_REF, .batch = 1, .has_extras = true},
    {.model = 0, .device = COP_DEVICE_CPU, .batch = 1, .has_extras = true},
    {.model = 0, .device = COP_DEVICE_REF, .batch = 3},
    {.model = 0, .device = COP_DEVICE_CPU, .batch = 3},
    {.model = 1, .device = COP_DEVICE_CPU, .batch = 2, .has_extras = true},
    {.model = 2, .device = COP_DEVICE_REF, .batch = 1},
    {.model = 3, .device = COP_DEVICE_REF, .batch = 1},
    {.model = 3, .device = COP_DEVICE_CPU, .batch = 5},
    {.model = 4, .device = COP_DEVICE_REF, .batch = 2},
    {.model = 4, .device = COP_DEVICE_CPU, .batch = 1},
};

cop_model *models[MODELS];

cop_cached_op *shared[KINDS];

cop_model *load_model(int index)
{
    switch (index) {
    case 3:
        return tiny_two_outputs();
    case 4:
        return tiny_relu();
    default:
        return tiny_classifier(3 + (unsigned)index);
    }
}

static cop_input_shape shape_of(const struct kind *kind)
{
    cop_input_shape shape = {"data", 2, {kind->batch, kind->model == 3 ? 4 : 16}};
    if (kind->model < 3)
        shape = (cop_input_shape){"data", 4, {kind->batch, 3, 12, 12}};
    return shape;
}

cop_cached_op *make_op(const struct kind *kind, cop_model *model, bool by_reshape)
{
    static const char *const extras[] = {"pool", "relu1"};
    const cop_input_shape shape = shape_of(kind);
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    cop_cached_op *op = NULL, *reshaped = NULL;
    options.device.kind = kind->device;
    options.extra_outputs = extras;
    options.extra_output_count = kind->has_extras ? 2 : 0;
    options.input_shapes = &shape;
    options.input_shape_count = by_reshape ? 0 : 1;
    if (cop_cached_op_create(model, &options, &op, NULL) != COP_STATUS_OK || !by_reshape)
        return op;
    if (cop_cached_op_reshape(op, &shape, 1, &reshaped, NULL, NULL) != COP_STATUS_OK)
        reshaped = NULL;
    cop_cached_op_release(&op);
    return reshaped;
}

void make_kinds(void)
{
    for (int i = 0; i < MODELS; i++)
        models[i] = load_model(i);
    for (int i = 0; i < KINDS; i++) {
        struct kind *kind = &kinds[i];
        const cop_input_shape shape = shape_of(kind);
        shared[i] = make_op(kind, models[kind->model], false);
        ck_assert_ptr_nonnull(shared[i]);
        kind->dst_count = cop_cached_op_output_count(shared[i]);
        ck_assert_uint_le(kind->dst_count, MOST_OUTPUTS);
        for (int k = 0; k < DRAWS; k++) {
            kind->src[k] = random_array(shape.rank, shape.shape, (unsigned)(10 * i + k));
            ck_assert_int_eq(cop_invoke(shared[i], 1, &kind->src[k], kind->dst_count,
                                        kind->expected[k], NULL, NULL),
                             COP_STATUS_OK);
        }
    }
}

void free_kinds(void)
{
    for (int i = 0; i < KINDS; i++) {
        cop_cached_op_release(&shared[i]);
        for (int k = 0; k < DRAWS; k++) {
            cop_ndarray_release(&kinds[i].src[k]);
            for (size_t j = 0; j < kinds[i].dst_count; j++)
                cop_ndarray_release(&kinds[i].expected[k][j]);
        }
    }
    for (int i = 0; i < MODELS; i++)
        cop_model_release(&models[i]);
}

bool is_equal(const cop_ndarray *a, const cop_ndarray *b)
{
    return cop_ndarray_bytes(a) == cop_ndarray_bytes(b) &&
           memcmp(cop_ndarray_data(a), cop_ndarray_data(b), cop_ndarray_bytes(a)) == 0;
}

void wait_for(struct worker *worker, cop_cached_op *op, cop_ndarray *array)
{
    switch (dice(worker, 6)) {
    case 0:
        expect(worker, cop_wait_all(op, COP_NO_TIMEOUT, NULL, NULL) == COP_STATUS_OK,
               "wait for all");
        break;
    case 1:
        expect(worker, cop_wait_all(NULL, COP_NO_TIMEOUT, NULL, NULL) == COP_STATUS_OK,
               "wait for all of the process");
        break;
    case 2:
        (void)!cop_ndarray_wait(array, dice(worker, 20) * MILLISECOND / 50, NULL, NULL);
        break;
    default:
        break;
    }
    expect(worker, cop_ndarray_wait(array, COP_NO_TIMEOUT, NULL, NULL) == COP_STATUS_OK, "wait");
}

static pthread_t threads[MOST_THREADS];
static struct worker workers[MOST_THREADS];

void start_threads(int count, void *(*function)(void *))
{
    for (int i = 0; i < count; i++) {
        workers[i] = (struct worker){.seed = (unsigned)now_ns() + (unsigned)i, .number = i};
        pthread_create(&threads[i], NULL, function, &workers[i]);
    }
}

void join_threads(int count)
{
    int wrong = 0;
    for (int i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
        wrong += workers[i].wrong;
    }
    ck_assert_int_eq(wrong, 0);
}

void run_threads(int count, void *(*function)(void *))
{
    start_threads(count, function);
    join_threads(count);
    ck_assert_int_eq(cop_wait_all(NULL, COP_NO_TIMEOUT, NULL, NULL), COP_STATUS_OK);
}
