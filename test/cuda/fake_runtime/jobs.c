// SPDX-License-Identifier: Apache-2.0
#include "jobs.h"

#include <unistd.h>

void run_add(void *job)
{
    const struct add_job *add = job;
    for (size_t i = 0; i < add->count; i++) {
        const int before = add->numbers[i];
        if (i == 0 && add->nap_us > 0)
            usleep(add->nap_us); /* time for another to be lost, if there is one */
        add->numbers[i] = before + add->summand;
    }
    if (add->count == 0)
        usleep(add->nap_us);
}

void drop_add(void *job)
{
    struct add_job *add = job;
    if (add->dropped != NULL)
        ++*add->dropped;
    free(add);
}

cudaError_t launch_add(cudaStream_t stream, int *numbers, size_t count, int summand,
                       unsigned nap_us, int *dropped)
{
    struct add_job *add = malloc(sizeof *add);
    *add = (struct add_job){numbers, count, summand, nap_us, dropped};
    return cop_emulated_launch(stream, run_add, drop_add, add);
}

__attribute__((no_sanitize("thread"))) int peek(const int *number)
{
    return *(const volatile int *)number;
}

__attribute__((no_sanitize("thread"))) void poke(int *number, int value)
{
    *(volatile int *)number = value;
}

int read_number(const int *number)
{
    int value = 0;
    cudaStream_t stream = new_stream();
    OK(cudaMemcpyAsync(&value, number, sizeof value, cudaMemcpyDeviceToHost, stream));
    OK(cudaStreamSynchronize(stream));
    OK(cudaStreamDestroy(stream));
    return value;
}

void write_number(int *number, int value)
{
    cudaStream_t stream = new_stream();
    OK(cudaMemcpyAsync(number, &value, sizeof value, cudaMemcpyHostToDevice, stream));
    OK(cudaStreamSynchronize(stream));
    OK(cudaStreamDestroy(stream));
}
