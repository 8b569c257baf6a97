// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "support/tiny_models.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Programs that are no tests use these models too, so it ends the process rather than a test. */
static void require(int is_right, const char *what)
{
    if (is_right)
        return;
    fprintf(stderr, "tiny model: %s\n", what);
    abort();
}

/* A .params file that grows; source: the list format of MXNet, version 2 of its records. */
struct params {
    unsigned char bytes[1 << 16];
    size_t size;
    char names[16][32];
    int count;
};

static void put(struct params *params, const void *bytes, size_t size)
{
    require(params->size + size <= sizeof params->bytes, "too many parameters");
    memcpy(params->bytes + params->size, bytes, size);
    params->size += size;
}

static void put_u64(struct params *params, uint64_t value)
{
    put(params, &value, sizeof value);
}

static void put_i32(struct params *params, int32_t value)
{
    put(params, &value, sizeof value);
}

static float next_float(unsigned *seed)
{
    return (float)(rand_r(seed) % 2001 - 1000) / 1000.0f;
}

static void begin_params(struct params *params)
{
    params->size = 0;
    params->count = 0;
    put_u64(params, 0x112);
    put_u64(params, 0);
    put_u64(params, 0); /* how many: known at the end */
}

/* Elements are around `center`, at most `spread` away. */
static void add_param(struct params *params, const char *name, int rank, const int64_t *shape,
                      float center, float spread, unsigned *seed)
{
    int64_t elements = 1;
    put_i32(params, (int32_t)0xF993FAC9);
    put_i32(params, 0); /* dense */
    put_i32(params, rank);
    for (int i = 0; i < rank; i++) {
        put(params, &shape[i], sizeof shape[i]);
        elements *= shape[i];
    }
    put_i32(params, 1); /* cpu(0) */
    put_i32(params, 0);
    put_i32(params, 0); /* float32 */
    for (int64_t i = 0; i < elements; i++) {
        const float value = center + spread * next_float(seed);
        put(params, &value, sizeof value);
    }
    strcpy(params->names[params->count++], name);
}

static void end_params(struct params *params)
{
    const uint64_t count = (uint64_t)params->count;
    memcpy(params->bytes + 16, &count, sizeof count);
    put_u64(params, count);
    for (int i = 0; i < params->count; i++) {
        put_u64(params, strlen(params->names[i]));
        put(params, params->names[i], strlen(params->names[i]));
    }
}

static cop_model *load(const char *symbol, const struct params *params)
{
    const cop_bytes graph = {symbol, strlen(symbol), NULL, NULL};
    const cop_bytes weights = {params->bytes, params->size, NULL, NULL};
    cop_model *model = NULL;
    cop_error error = {0};
    const cop_status status =
        cop_model_load_bytes(COP_MODEL_FORMAT_MXNET, &graph, &weights, NULL, &model, &error);
    require(status == COP_STATUS_OK, error.message);
    return model;
}

static const char classifier_symbol[] =
    "{\"nodes\":["
    "{\"op\":\"null\",\"name\":\"data\",\"attrs\":{\"__shape__\":\"(1,3,12,12)\"},\"inputs\":[]},"
    "{\"op\":\"null\",\"name\":\"w1\",\"inputs\":[]},"
    "{\"op\":\"Convolution\",\"name\":\"conv1\",\"attrs\":{\"kernel\":\"(3,3)\",\"pad\":\"(1,1)\","
    "\"num_filter\":\"8\",\"no_bias\":\"True\"},\"inputs\":[[0,0],[1,0]]},"
    "{\"op\":\"null\",\"name\":\"gamma\",\"inputs\":[]},"
    "{\"op\":\"null\",\"name\":\"beta\",\"inputs\":[]},"
    "{\"op\":\"null\",\"name\":\"mean\",\"inputs\":[]},"
    "{\"op\":\"null\",\"name\":\"var\",\"inputs\":[]},"
    "{\"op\":\"BatchNorm\",\"name\":\"bn1\",\"attrs\":{\"fix_gamma\":\"False\"},"
    "\"inputs\":[[2,0],[3,0],[4,0],[5,0],[6,0]]},"
    "{\"op\":\"Activation\",\"name\":\"relu1\",\"attrs\":{\"act_type\":\"relu\"},\"inputs\":[[7,0]]"
    "},"
    "{\"op\":\"null\",\"name\":\"w2\",\"inputs\":[]},"
    "{\"op\":\"null\",\"name\":\"b2\",\"inputs\":[]},"
    "{\"op\":\"Convolution\",\"name\":\"conv2\",\"attrs\":{\"kernel\":\"(3,3)\",\"pad\":\"(1,1)\","
    "\"num_filter\":\"8\"},\"inputs\":[[8,0],[9,0],[10,0]]},"
    "{\"op\":\"elemwise_add\",\"name\":\"add\",\"inputs\":[[11,0],[8,0]]},"
    "{\"op\":\"Activation\",\"name\":\"relu2\",\"attrs\":{\"act_type\":\"relu\"},\"inputs\":[[12,0]"
    "]},"
    "{\"op\":\"Pooling\",\"name\":\"pool\",\"attrs\":{\"kernel\":\"(2,2)\",\"stride\":\"(2,2)\","
    "\"pool_type\":\"max\"},\"inputs\":[[13,0]]},"
    "{\"op\":\"Flatten\",\"name\":\"flat\",\"inputs\":[[14,0]]},"
    "{\"op\":\"null\",\"name\":\"wf\",\"inputs\":[]},"
    "{\"op\":\"null\",\"name\":\"bf\",\"inputs\":[]},"
    "{\"op\":\"FullyConnected\",\"name\":\"fc\",\"attrs\":{\"num_hidden\":\"5\"},"
    "\"inputs\":[[15,0],[16,0],[17,0]]},"
    "{\"op\":\"null\",\"name\":\"softmax_label\",\"inputs\":[]},"
    "{\"op\":\"SoftmaxOutput\",\"name\":\"softmax\",\"inputs\":[[18,0],[19,0]]}],"
    "\"arg_nodes\":[0,1,3,4,5,6,9,10,16,17,19],\"heads\":[[20,0]],"
    "\"attrs\":{\"mxnet_version\":[\"int\",10901]}}";

static const struct {
    const char *name; /* in the file, with "arg:" or "aux:" */
    int rank;
    int64_t shape[4];
    float center, spread;
} classifier_params[TINY_CLASSIFIER_PARAMETERS] = {
    {"arg:w1", 4, {8, 3, 3, 3}, 0, 0.3f}, {"arg:gamma", 1, {8}, 1, 0.2f},
    {"arg:beta", 1, {8}, 0, 0.2f},        {"aux:mean", 1, {8}, 0, 0.2f},
    {"aux:var", 1, {8}, 1, 0.5f},         {"arg:w2", 4, {8, 8, 3, 3}, 0, 0.2f},
    {"arg:b2", 1, {8}, 0, 0.2f},          {"arg:wf", 2, {5, 288}, 0, 0.1f},
    {"arg:bf", 1, {5}, 0, 0.1f},
};

cop_model *tiny_classifier_mixed(unsigned seed, unsigned other, unsigned others)
{
    struct params *params[2] = {malloc(sizeof **params), malloc(sizeof **params)};
    struct params *mixed = malloc(sizeof *mixed);
    begin_params(params[0]), begin_params(params[1]), begin_params(mixed);
    for (int i = 0; i < TINY_CLASSIFIER_PARAMETERS; i++) {
        const size_t begin = params[0]->size;
        for (int k = 0; k < 2; k++)
            add_param(params[k], classifier_params[i].name, classifier_params[i].rank,
                      classifier_params[i].shape, classifier_params[i].center,
                      classifier_params[i].spread, k == 0 ? &seed : &other);
        put(mixed, params[others >> i & 1]->bytes + begin, params[0]->size - begin);
        strcpy(mixed->names[mixed->count++], classifier_params[i].name);
    }
    end_params(mixed);
    cop_model *model = load(classifier_symbol, mixed);
    free(params[0]), free(params[1]), free(mixed);
    return model;
}

cop_model *tiny_classifier(unsigned seed)
{
    return tiny_classifier_mixed(seed, seed, 0);
}

void make_classifier_parameters(unsigned seed,
                                cop_parameter_value values[TINY_CLASSIFIER_PARAMETERS])
{
    for (int i = 0; i < TINY_CLASSIFIER_PARAMETERS; i++) {
        values[i].name = classifier_params[i].name + 4; /* without "arg:" */
        values[i].array = zero_array(classifier_params[i].rank, classifier_params[i].shape);
        float *elements = cop_ndarray_data(values[i].array);
        for (size_t k = 0; k < cop_ndarray_bytes(values[i].array) / sizeof *elements; k++)
            elements[k] =
                classifier_params[i].center + classifier_params[i].spread * next_float(&seed);
    }
}

void release_parameters(cop_parameter_value *values, int count)
{
    for (int i = 0; i < count; i++)
        cop_ndarray_release(&values[i].array);
}

static cop_model *load_without_weights(const char *symbol)
{
    struct params *params = malloc(sizeof *params);
    begin_params(params);
    end_params(params);
    cop_model *model = load(symbol, params);
    free(params);
    return model;
}

cop_model *tiny_two_outputs(void)
{
    return load_without_weights(
        "{\"nodes\":["
        "{\"op\":\"null\",\"name\":\"data\",\"attrs\":{\"__shape__\":\"(1,4)\"},\"inputs\":[]},"
        "{\"op\":\"relu\",\"name\":\"relu\",\"inputs\":[[0,0]]},"
        "{\"op\":\"_plus_scalar\",\"name\":\"plus\",\"attrs\":{\"scalar\":\"1\"},\"inputs\":[[1,0]]"
        "},"
        "{\"op\":\"_mul_scalar\",\"name\":\"twice\",\"attrs\":{\"scalar\":\"2\"},\"inputs\":[[1,0]]"
        "}],"
        "\"arg_nodes\":[0],\"heads\":[[2,0],[3,0]],\"attrs\":{\"mxnet_version\":[\"int\",10901]}}");
}

cop_model *tiny_relu(void)
{
    return load_without_weights(
        "{\"nodes\":["
        "{\"op\":\"null\",\"name\":\"data\",\"attrs\":{\"__shape__\":\"(1,16)\"},\"inputs\":[]},"
        "{\"op\":\"relu\",\"name\":\"relu\",\"inputs\":[[0,0]]}],"
        "\"arg_nodes\":[0],\"heads\":[[1,0]],\"attrs\":{\"mxnet_version\":[\"int\",10901]}}");
}

cop_cached_op *compile_on(cop_model *model, cop_device_kind kind)
{
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    cop_cached_op *op = NULL;
    cop_error error = {0};
    options.device.kind = kind;
    const cop_status status = cop_cached_op_create(model, &options, &op, &error);
    require(status == COP_STATUS_OK, error.message);
    return op;
}

cop_ndarray *zero_array(int rank, const int64_t *shape)
{
    cop_ndarray *array = NULL;
    require(cop_ndarray_create(COP_DTYPE_FLOAT32, rank, shape, &array, NULL) == COP_STATUS_OK,
            "no memory for an array");
    return array;
}

cop_ndarray *random_array(int rank, const int64_t *shape, unsigned seed)
{
    cop_ndarray *array = zero_array(rank, shape);
    float *elements = cop_ndarray_data(array);
    for (size_t i = 0; i < cop_ndarray_bytes(array) / sizeof *elements; i++)
        elements[i] = next_float(&seed);
    return array;
}
