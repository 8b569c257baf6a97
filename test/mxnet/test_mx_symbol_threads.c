// SPDX-License-Identifier: Apache-2.0
/* Many threads read one symbol: lists, JSON, copies, shapes and types are what one thread gets. */
#include <pthread.h>
#include <stdatomic.h>

#include "mxnet/mx_symbols.h"

#define THREADS 16
#define ROUNDS  50

static SymbolHandle network;
static char *expected;
static _Atomic int wrong_count;

static bool is_list_right(void)
{
    uint32_t count;
    const char **names, *text;
    return MXSymbolListArguments(network, &count, &names) == 0 && count == 6 &&
           strcmp(names[1], "fc_weight") == 0 && strcmp(names[5], "softmax_label") == 0 &&
           NNSymbolListInputNames(network, 2, &count, &names) == 0 && count == 2 &&
           strcmp(names[1], "bn_moving_var") == 0 && MXSymbolPrint(network, &text) == 0 &&
           MXSymbolListAttr(network, &count, &names) == 0 && count > 4;
}

static bool is_json_right(SymbolHandle symbol)
{
    const char *json;
    return MXSymbolSaveToJSON(symbol, &json) == 0 && strcmp(json, expected) == 0;
}

static bool is_copy_right(void)
{
    SymbolHandle copy, internals;
    if (MXSymbolCopy(network, &copy) != 0)
        return false;
    const bool is_right = is_json_right(copy) && MXSymbolGetInternals(network, &internals) == 0 &&
                          MXSymbolFree(internals) == 0;
    return MXSymbolFree(copy) == 0 && is_right;
}

static bool is_inference_right(int batch)
{
    uint32_t sizes[3];
    const int *ranks[3], **dims[3], *types[3], known[] = {batch, 3};
    int complete;
    const char *keys[] = {"data"};
    return MXSymbolInferShapeEx(network, 1, keys, (const uint32_t[]){0, 2}, known, &sizes[0],
                                &ranks[0], &dims[0], &sizes[1], &ranks[1], &dims[1], &sizes[2],
                                &ranks[2], &dims[2], &complete) == 0 &&
           complete == 1 && dims[1][0][0] == batch && dims[0][1][1] == 3 &&
           MXSymbolInferType(network, 1, keys, (const int[]){0}, &sizes[0], &types[0], &sizes[1],
                             &types[1], &sizes[2], &types[2], &complete) == 0 &&
           complete == 1 && types[1][0] == 0;
}

static void *read_it(void *seed)
{
    const int batch = *(const int *)seed;
    for (int i = 0; i < ROUNDS; i++)
        if (!is_list_right() || !is_json_right(network) || !is_copy_right() ||
            !is_inference_right(batch))
            wrong_count++;
    return NULL;
}

START_TEST(threads_that_read_one_symbol_get_what_one_thread_gets)
{
    pthread_t threads[THREADS];
    int seeds[THREADS];
    network = mx_node("BatchNorm", "", "bn", mx_dense("fc", mx_variable("data")));
    network = mx_node("SoftmaxOutput", "", "softmax", network);
    expected = mx_json(network);
    for (int i = 0; i < THREADS; i++) {
        seeds[i] = i + 1;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, read_it, &seeds[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert_int_eq(wrong_count, 0);
    free(expected);
    MX(MXSymbolFree(network));
}
END_TEST

int main(void)
{
    return RUN_TESTS("mx_symbol_threads", threads_that_read_one_symbol_get_what_one_thread_gets);
}
