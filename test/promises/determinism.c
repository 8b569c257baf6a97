// SPDX-License-Identifier: Apache-2.0
/*
 * determinism [--long]: the same input gives the same bytes whoever computes it: any thread, any
 * context, another operator of the model, 1 to 64 callers, synchronously or not, another process.
 * Prints how many different results the worst input had. `determinism --process` is such a process:
 * it writes the hashes of all results.
 */
#define _GNU_SOURCE
#include "promises/subject.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#define NETWORKS      (SMALL_NETWORKS + 2) /* and two residual ones */
#define DEVICES       2
#define MOST_CALLERS  64
#define MOST_DISTINCT 16
#define PROCESSES     4

/* All hashes that were seen for one input of one network on one device. */
struct seen {
    pthread_mutex_t lock;
    uint64_t hashes[MOST_DISTINCT];
    int count;
};

static struct seen seen[DEVICES][NETWORKS][SUBJECT_INPUTS];
static struct subject subjects[DEVICES][NETWORKS];
static cop_cached_op *others[DEVICES][NETWORKS]; /* of the same models, created again */
static _Atomic long invoke_count, failure_count;

static void record(struct seen *place, uint64_t hash)
{
    int i = 0;
    pthread_mutex_lock(&place->lock);
    while (i < place->count && place->hashes[i] != hash)
        i++;
    if (i == place->count && place->count < MOST_DISTINCT)
        place->hashes[place->count++] = hash;
    pthread_mutex_unlock(&place->lock);
}

static cop_model *make_network(int index)
{
    if (index < SMALL_NETWORKS)
        return small_network(index);
    return residual_network(index == SMALL_NETWORKS ? 18 : 50, 4, 8, 5);
}

static uint64_t hash_outputs(cop_ndarray *const *dst, size_t count)
{
    uint64_t hash = 0;
    for (size_t k = 0; k < count; k++)
        hash = hash * 31 + hash_bytes(cop_ndarray_data(dst[k]), cop_ndarray_bytes(dst[k]));
    return hash;
}

static void compute(int device, int network, int input, bool is_async, bool is_other)
{
    const struct subject *subject = &subjects[device][network];
    cop_cached_op *op = is_other ? others[device][network] : subject->op;
    cop_ndarray *dst[SUBJECT_OUTPUTS] = {NULL, NULL};
    cop_ndarray *const *src = (cop_ndarray *const *)&subject->src[input];
    cop_status status =
        (is_async ? cop_invoke_async : cop_invoke)(op, 1, src, subject->dst_count, dst, NULL, NULL);
    for (size_t k = 0; k < subject->dst_count && status == COP_STATUS_OK && is_async; k++)
        status = wait_for(dst[k], COP_NO_TIMEOUT, NULL);
    if (status == COP_STATUS_OK)
        record(&seen[device][network][input], hash_outputs(dst, subject->dst_count));
    atomic_fetch_add(status == COP_STATUS_OK ? &invoke_count : &failure_count, 1);
    release_outputs(dst);
}

struct caller {
    unsigned seed;
    long count;
};

static void *call(void *argument)
{
    struct caller *caller = argument;
    for (long i = 0; i < caller->count; i++) {
        const unsigned dice = (unsigned)rand_r(&caller->seed);
        /* The residual networks take a hundred times as long: one call in fifty. */
        const int network = dice % 50 == 0 ? SMALL_NETWORKS + (int)(dice / 50 % 2)
                                           : (int)(dice / 64 % SMALL_NETWORKS);
        compute(dice >> 12 & 1, network, dice >> 13 & 3, (dice >> 15 & 3) == 0, dice >> 17 & 1);
    }
    return NULL;
}

static void call_from(int caller_count, long invokes)
{
    pthread_t threads[MOST_CALLERS];
    struct caller callers[MOST_CALLERS];
    for (int i = 0; i < caller_count; i++) {
        callers[i] = (struct caller){(unsigned)(caller_count * 1000 + i), invokes / caller_count};
        require(pthread_create(&threads[i], NULL, call, &callers[i]) == 0, "no thread");
    }
    for (int i = 0; i < caller_count; i++)
        pthread_join(threads[i], NULL);
}

static void begin(void)
{
    for (int device = 0; device < DEVICES; device++)
        for (int network = 0; network < NETWORKS; network++) {
            struct subject *subject = &subjects[device][network];
            const cop_device_kind kind = device == 0 ? COP_DEVICE_REF : COP_DEVICE_CPU;
            subject_begin(subject, make_network(network), kind);
            others[device][network] = compile(subject->model, kind, 0, 3);
            for (int input = 0; input < SUBJECT_INPUTS; input++) {
                pthread_mutex_init(&seen[device][network][input].lock, NULL);
                record(&seen[device][network][input],
                       hash_outputs(subject->expected[input], subject->dst_count));
            }
        }
}

static void end(void)
{
    for (int device = 0; device < DEVICES; device++)
        for (int network = 0; network < NETWORKS; network++) {
            cop_cached_op_release(&others[device][network]);
            subject_end(&subjects[device][network]);
        }
}

/* The hashes of a process of its own, in the order of begin. */
static void write_hashes(void)
{
    for (int device = 0; device < DEVICES; device++)
        for (int network = 0; network < NETWORKS; network++)
            for (int input = 0; input < SUBJECT_INPUTS; input++)
                printf("%llx\n", (unsigned long long)seen[device][network][input].hashes[0]);
}

static void read_hashes_of_a_process(void)
{
    FILE *other = popen("/proc/$PPID/exe --process", "r");
    unsigned long long hash;
    require(other != NULL, "no process");
    for (int device = 0; device < DEVICES; device++)
        for (int network = 0; network < NETWORKS; network++)
            for (int input = 0; input < SUBJECT_INPUTS; input++) {
                require(fscanf(other, "%llx", &hash) == 1, "a process did not write its hashes");
                record(&seen[device][network][input], hash);
            }
    atomic_fetch_add(&failure_count, pclose(other) != 0);
}

int main(int argc, char **argv)
{
    const long invokes = has_flag(argc, argv, "--long") ? 1000000 : 14000;
    int worst = 0;
    begin();
    if (has_flag(argc, argv, "--process")) {
        write_hashes();
        end();
        return 0;
    }
    for (int callers = 1; callers <= MOST_CALLERS; callers *= 2) /* seven rounds */
        call_from(callers, invokes / 7 + 1);
    for (int i = 0; i < PROCESSES; i++)
        read_hashes_of_a_process();
    for (int i = 0; i < DEVICES * NETWORKS * SUBJECT_INPUTS; i++) {
        const struct seen *place = &seen[0][0][0] + i;
        worst = place->count > worst ? place->count : worst;
    }
    end();
    const bool is_held = worst == 1 && atomic_load(&failure_count) == 0;
    printf("promise E: %ld invokes of %d inputs by 1 to %d callers and %d processes, %ld failed, "
           "at most %d distinct hash%s per input: %s\n",
           atomic_load(&invoke_count), DEVICES * NETWORKS * SUBJECT_INPUTS, MOST_CALLERS, PROCESSES,
           atomic_load(&failure_count), worst, worst == 1 ? "" : "es", is_held ? "held" : "broken");
    return is_held ? 0 : 1;
}
