// SPDX-License-Identifier: Apache-2.0
/* steady_mx_invokes ANY THREADS COUNT: each thread invokes a CachedOp COUNT times and frees what it
 * got; for check_system_calls.py, whose devices mean nothing here. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mxnet/c_api.h>

#define MAX_THREADS 64

static CachedOpHandle op;
static NDArrayHandle inputs[3];
static int count;

static const char json[] =
    "{\"nodes\": [{\"op\": \"null\", \"name\": \"data\", \"inputs\": []},"
    "{\"op\": \"null\", \"name\": \"fc_weight\", \"inputs\": []},"
    "{\"op\": \"null\", \"name\": \"fc_bias\", \"inputs\": []},"
    "{\"op\": \"FullyConnected\", \"name\": \"fc\", \"attrs\": {\"num_hidden\": \"2\"},"
    " \"inputs\": [[0, 0, 0], [1, 0, 0], [2, 0, 0]]}],"
    "\"arg_nodes\": [0, 1, 2], \"heads\": [[3, 0, 0]]}";

static void must(int result)
{
    if (result == 0)
        return;
    fprintf(stderr, "%s\n", MXGetLastError());
    exit(1);
}

static void *invoke(void *unused)
{
    NDArrayHandle own[3];
    (void)unused;
    memcpy(own, inputs, sizeof own);
    for (int i = 0; i < count; i++) {
        NDArrayHandle *outputs = NULL;
        float values[4];
        int output_count = 0;
        if (MXInvokeCachedOp(op, 3, own, &output_count, &outputs) != 0)
            abort();
        const NDArrayHandle output = outputs[0];
        if (MXNDArrayWaitToRead(output) != 0 || MXNDArraySyncCopyToCPU(output, values, 4) != 0 ||
            MXNDArrayFree(output) != 0)
            abort();
    }
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[MAX_THREADS];
    const int thread_count = argc == 4 ? atoi(argv[2]) : 0;
    if (thread_count < 1 || thread_count > MAX_THREADS)
        return fprintf(stderr, "usage: %s ANY THREADS COUNT\n", argv[0]), 2;
    SymbolHandle symbol;
    must(MXSymbolCreateFromJSON(json, &symbol));
    must(MXCreateCachedOpEX(symbol, 0, NULL, NULL, &op, true));
    must(MXSymbolFree(symbol));
    for (int i = 0; i < 3; i++) {
        static const uint32_t shapes[][2] = {{2, 3}, {2, 3}, {2, 0}};
        const float zeros[6] = {0};
        must(MXNDArrayCreate(shapes[i], i < 2 ? 2 : 1, 1, 0, 0, &inputs[i]));
        must(MXNDArraySyncCopyFromCPU(inputs[i], zeros, i < 2 ? 6 : 2));
    }
    count = atoi(argv[3]);
    for (int i = 0; i < thread_count; i++)
        if (pthread_create(&threads[i], NULL, invoke, NULL) != 0)
            return 1;
    for (int i = 0; i < thread_count; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 3; i++)
        must(MXNDArrayFree(inputs[i]));
    must(MXFreeCachedOp(op));
    return 0;
}
