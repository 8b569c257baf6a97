// SPDX-License-Identifier: Apache-2.0
/* steady_invokes DEVICE THREADS COUNT: each thread invokes COUNT times; for check_system_calls.py.
 */
#include "support/tiny_models.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_THREADS 64

static cop_cached_op *op;
static cop_ndarray *image;
static int count;

static void *invoke(void *unused)
{
    static const int64_t score_shape[] = {1, 5};
    cop_ndarray *scores = zero_array(2, score_shape);
    (void)unused;
    for (int i = 0; i < count; i++)
        if (cop_invoke(op, 1, &image, 1, &scores, NULL, NULL) != COP_STATUS_OK)
            abort();
    cop_ndarray_release(&scores);
    return NULL;
}

int main(int argc, char **argv)
{
    static const int64_t image_shape[] = {1, 3, 12, 12};
    pthread_t threads[MAX_THREADS];
    const int thread_count = argc == 4 ? atoi(argv[2]) : 0;
    if (thread_count < 1 || thread_count > MAX_THREADS)
        return fprintf(stderr, "usage: %s cpu|ref THREADS COUNT\n", argv[0]), 2;
    cop_model *model = tiny_classifier(1);
    op = compile_on(model, strcmp(argv[1], "ref") == 0 ? COP_DEVICE_REF : COP_DEVICE_CPU);
    image = random_array(4, image_shape, 1);
    count = atoi(argv[3]);
    for (int i = 0; i < thread_count; i++)
        if (pthread_create(&threads[i], NULL, invoke, NULL) != 0)
            return 1;
    for (int i = 0; i < thread_count; i++)
        pthread_join(threads[i], NULL);
    cop_ndarray_release(&image);
    cop_cached_op_release(&op);
    cop_model_release(&model);
    return 0;
}
