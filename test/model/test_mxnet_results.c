// SPDX-License-Identifier: Apache-2.0
/* What MXNet's operators compute, from the symbol to the numbers, on every CPU device. */
#include <cachedop/cachedop.h>

#include "model/mxnet/mxnet_operators.h"
#include "model/mxnet_files.h"
#include "support/unit.h"

#include <math.h>

#define MOST_ELEMENTS 4096
#define TOLERANCE     1e-5

struct result_case {
    const char *op, *attributes, *params;
    int src_rank;
    int64_t src_shape[COP_MAX_RANK];
    int output; /* which of the operator's */
    int dst_rank;
    int64_t dst_shape[COP_MAX_RANK];
    const float *dst;
};

static const struct result_case cases[] = {
#include "model/mxnet_results.inc"
};

/* The operator with x for every tensor and a variable for every parameter. */
static void write_symbol(const struct result_case *c, char *text)
{
    const struct mxnet_operator *op = cop_mxnet_operator_find(c->op);
    ck_assert_msg(op != NULL, "%s", c->op);
    char shape[128] = "", inputs[256] = "";
    for (int i = 0; i < c->src_rank; i++)
        sprintf(shape + strlen(shape), "%d,", (int)c->src_shape[i]);
    text += sprintf(text,
                    "{'nodes':[{'op':'null','name':'x','attrs':{'__shape__':'(%s)'},'inputs':[]},",
                    shape);
    int parameters = 0;
    const bool is_single = strstr(c->attributes, "'num_args':'1'") != NULL;
    const int slots = op->slots[0] != '*' ? 5 : is_single ? 1 : 2;
    for (int i = 0; i < slots; i++) {
        char name[COP_SLOT_NAME_BYTES], key[COP_SLOT_NAME_BYTES + 1];
        const enum slot_role role = cop_mxnet_slot(op, i, name);
        snprintf(key, sizeof key, "%s ", name);
        if (name[0] == '\0' || role == SLOT_LABEL)
            break;
        if (role != SLOT_TENSOR && strstr(c->params, key) == NULL)
            break; /* a bias that is not there */
        if (role == SLOT_TENSOR && strcmp(name, "length") == 0)
            break;
        if (role != SLOT_TENSOR)
            text += sprintf(text, VARIABLE("%s") ",", name);
        sprintf(inputs + strlen(inputs), "%s[%d,0]", i == 0 ? "" : ",",
                role == SLOT_TENSOR ? 0 : ++parameters);
    }
    sprintf(text,
            NODE("%s", "n", "%s", "%s") "],'arg_nodes':[],'heads':[[%d,%d]],"
                                        "'attrs':{'mxnet_version':['int',10901]}}",
            c->op, c->attributes, inputs, parameters + 1, c->output);
}

static cop_cached_op *compile(const struct result_case *c, cop_device_kind device)
{
    char text[2048];
    struct byte_writer writer;
    cop_error error = {0};
    cop_model *model = NULL;
    cop_cached_op *op = NULL;
    write_symbol(c, text);
    write_params(&writer, c->params);
    char *json = write_json(text);
    const cop_bytes symbol = {.data = json, .size = strlen(json)};
    const cop_bytes params = {.data = writer.bytes, .size = writer.size};
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    options.device.kind = device;
    ck_assert_msg(cop_model_load_bytes(COP_MODEL_FORMAT_MXNET, &symbol, &params, NULL, &model,
                                       &error) == COP_STATUS_OK,
                  "%s {%s}: %s", c->op, c->attributes, error.message);
    ck_assert_msg(cop_cached_op_create(model, &options, &op, &error) == COP_STATUS_OK,
                  "%s {%s}: %s", c->op, c->attributes, error.message);
    cop_model_release(&model);
    free(json);
    return op;
}

static double element(const cop_ndarray *array, int64_t index)
{
    const void *elements = cop_ndarray_data(array);
    if (cop_ndarray_dtype(array) == COP_DTYPE_INT64)
        return (double)((const int64_t *)elements)[index];
    ck_assert_int_eq(cop_ndarray_dtype(array), COP_DTYPE_FLOAT32);
    return (double)((const float *)elements)[index];
}

static void compare(const struct result_case *c, const cop_ndarray *dst)
{
    int64_t count = 1;
    double largest = 1e-30;
    ck_assert_msg(cop_ndarray_rank(dst) == c->dst_rank, "%s {%s}: rank %d", c->op, c->attributes,
                  cop_ndarray_rank(dst));
    for (int i = 0; i < c->dst_rank; count *= c->dst_shape[i++])
        ck_assert_msg(cop_ndarray_shape(dst)[i] == c->dst_shape[i], "%s {%s}: dimension %d is %lld",
                      c->op, c->attributes, i, (long long)cop_ndarray_shape(dst)[i]);
    for (int64_t i = 0; i < count; i++)
        largest = fmax(largest, fabs((double)c->dst[i]));
    for (int64_t i = 0; i < count; i++)
        ck_assert_msg(fabs(element(dst, i) - (double)c->dst[i]) <= TOLERANCE * largest,
                      "%s {%s}: element %lld is %.9g and should be %.9g", c->op, c->attributes,
                      (long long)i, element(dst, i), (double)c->dst[i]);
}

static void run(const struct result_case *c, cop_device_kind device)
{
    float elements[MOST_ELEMENTS];
    int64_t count = 1;
    for (int i = 0; i < c->src_rank; i++)
        count *= c->src_shape[i];
    ck_assert_int_le(count, MOST_ELEMENTS);
    for (int64_t i = 0; i < count; i++)
        elements[i] = (float)((double)(i * 7919 % 200) / 100 - 1);
    cop_error error = {0};
    cop_cached_op *op = compile(c, device);
    cop_ndarray *src = NULL, *dst = NULL;
    ck_assert_int_eq(cop_ndarray_wrap(elements, COP_DTYPE_FLOAT32, c->src_rank, c->src_shape, NULL,
                                      &src, &error),
                     COP_STATUS_OK);
    ck_assert_msg(cop_invoke(op, 1, &src, 1, &dst, NULL, &error) == COP_STATUS_OK, "%s {%s}: %s",
                  c->op, c->attributes, error.message);
    compare(c, dst);
    cop_ndarray_release(&src);
    cop_ndarray_release(&dst);
    cop_cached_op_release(&op);
}

START_TEST(operators_compute_what_their_definitions_say_on_ref)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        run(&cases[i], COP_DEVICE_REF);
}
END_TEST

START_TEST(operators_compute_what_their_definitions_say_on_cpu)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        run(&cases[i], COP_DEVICE_CPU);
}
END_TEST

int main(void)
{
    return RUN_TESTS("mxnet results", operators_compute_what_their_definitions_say_on_ref,
                     operators_compute_what_their_definitions_say_on_cpu);
}
