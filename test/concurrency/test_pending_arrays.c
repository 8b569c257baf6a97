// SPDX-License-Identifier: Apache-2.0
/* Arrays that are not ready yet are inputs: of chains of operators, and of many readers at once. */
#include <string.h>

#include "concurrency/kinds.h"
#include "support/tiny_models.h"
#include "support/unit.h"

#define LINKS 40

/* The numbers that a chain through "plus" and "twice" must give. */
static void follow_chain(const struct worker *worker, const float *from, float *to)
{
    memcpy(to, from, 4 * sizeof *to);
    for (int i = 0; i < LINKS; i++)
        for (int j = 0; j < 4; j++) {
            const float relu = to[j] > 0 ? to[j] : 0;
            to[j] = (worker->number + i) % 8 == 0 ? 2 * relu : relu + 1;
        }
}

/* Each link goes through another operator, on another device, before the last one is ready. */
static void *chain_operators(void *argument)
{
    struct worker *worker = argument;
    static const size_t plus = 0, twice = 1;
    static const int64_t row[] = {1, 4};
    cop_cached_op *ops[4];
    for (int i = 0; i < 4; i++) {
        const struct kind kind = {
            .model = 3, .device = i % 2 == 0 ? COP_DEVICE_REF : COP_DEVICE_CPU, .batch = 1};
        ops[i] = i < 2 ? make_op(&kind, models[3], i == 1) : cop_cached_op_retain(ops[i - 2]);
    }
    for (int round = 0; round < 30; round++) {
        cop_ndarray *array = random_array(2, row, worker->seed + (unsigned)round), *next;
        float expected[4];
        follow_chain(worker, cop_ndarray_data(array), expected);
        for (int i = 0; i < LINKS; i++, array = next) {
            cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
            options.outputs = (worker->number + i) % 8 == 0 ? &twice : &plus;
            options.output_count = 1;
            next = NULL;
            expect(worker,
                   (i % 11 == 10 ? cop_invoke : cop_invoke_async)(ops[i % 4], 1, &array, 1, &next,
                                                                  &options, NULL) == COP_STATUS_OK,
                   "a link");
            cop_ndarray_release(&array);
        }
        expect(worker, cop_ndarray_wait(array, COP_NO_TIMEOUT, NULL, NULL) == COP_STATUS_OK,
               "a chain");
        expect(worker, memcmp(cop_ndarray_data(array), expected, sizeof expected) == 0,
               "the end of a chain");
        cop_ndarray_release(&array);
    }
    for (int i = 0; i < 4; i++)
        cop_cached_op_release(&ops[i]);
    return NULL;
}

START_TEST(outputs_go_through_chains_of_operators_before_they_are_ready)
{
    run_threads(THREADS, chain_operators);
}
END_TEST

/* Arrays that are still being made when the threads begin to read them. */
static cop_ndarray *pending[DRAWS];
static pthread_barrier_t start;

static void *read_pending(void *argument)
{
    struct worker *worker = argument;
    static const int64_t row[] = {1, 16};
    cop_cached_op *op = cop_cached_op_retain(shared[9]); /* relu of [1,16], which keeps it */
    pthread_barrier_wait(&start);
    for (int i = 0; i < 60; i++) {
        cop_ndarray *dst[2] = {NULL, dice(worker, 2) == 0 ? zero_array(2, row) : NULL};
        for (int j = 0; j < 2; j++)
            expect(worker,
                   (dice(worker, 8) == 0 ? cop_invoke : cop_invoke_async)(
                       op, 1, &pending[i % DRAWS], 1, &dst[j], NULL, NULL) == COP_STATUS_OK,
                   "a reader");
        for (int j = 0; j < 2; j++) {
            wait_for(worker, op, dst[j]);
            expect(worker, is_equal(dst[j], kinds[9].expected[i % DRAWS][0]), "what was read");
            cop_ndarray_release(&dst[j]);
        }
    }
    cop_cached_op_release(&op);
    return NULL;
}

START_TEST(an_array_is_an_input_of_many_invocations_before_and_after_it_is_ready)
{
    for (int round = 0; round < 5; round++) {
        for (int k = 0; k < DRAWS; k++) {
            cop_ndarray *link = cop_ndarray_retain(kinds[9].src[k]);
            for (int i = 0; i < 30; i++, link = pending[k]) { /* a while of work */
                pending[k] = NULL;
                ck_assert_int_eq(cop_invoke_async(shared[9], 1, &link, 1, &pending[k], NULL, NULL),
                                 COP_STATUS_OK);
                cop_ndarray_release(&link);
            }
        }
        pthread_barrier_init(&start, NULL, THREADS);
        run_threads(THREADS, read_pending);
        pthread_barrier_destroy(&start);
        for (int k = 0; k < DRAWS; k++)
            cop_ndarray_release(&pending[k]);
    }
}
END_TEST

int main(void)
{
    return RUN_TESTS_WITH("pending arrays", make_kinds, free_kinds,
                          outputs_go_through_chains_of_operators_before_they_are_ready,
                          an_array_is_an_input_of_many_invocations_before_and_after_it_is_ready);
}
