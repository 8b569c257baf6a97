// SPDX-License-Identifier: Apache-2.0
/*
 * unload LIBRARY [--long]: opens and closes the library again and again, now and then after using
 * it, also with work pending a moment before. Threads, mappings and memory stay as they are.
 * Prints how many openings went wrong. Not linked with the library.
 */
#define _GNU_SOURCE
#include "promises/promise.h"
#include "support/model_writer.h"

#include <dlfcn.h>

#define USED_EVERY 8
#define INVOKES    6

/* The functions of one opening. */
#define FUNCTIONS(X)                                                                               \
    X(cop_model_load_bytes)                                                                        \
    X(cop_model_release)                                                                           \
    X(cop_cached_op_create)                                                                        \
    X(cop_cached_op_release)                                                                       \
    X(cop_ndarray_create)                                                                          \
    X(cop_ndarray_release)                                                                         \
    X(cop_ndarray_data)                                                                            \
    X(cop_ndarray_bytes)                                                                           \
    X(cop_ndarray_wait)                                                                            \
    X(cop_invoke)                                                                                  \
    X(cop_invoke_async)                                                                            \
    X(cop_wait_all)

struct library {
#define FUNCTION_POINTER(name) __typeof__(&name) name;
    FUNCTIONS(FUNCTION_POINTER)
#undef FUNCTION_POINTER
};

static cop_bytes graph, weights;

/* data [1,2,6,6] → convolution 3x3 (4) → relu. */
static struct model_writer *write_model(void)
{
    static const int64_t shape[] = {4, 2, 3, 3};
    struct model_writer *writer = model_writer_create(3);
    const int data = model_writer_input(writer, "data", "(1,2,6,6)");
    const int kernel = model_writer_weight(writer, 4, shape, 0, 0.5f);
    const int convolution = model_writer_node(
        writer, "Convolution", "\"kernel\":\"(3,3)\",\"num_filter\":\"4\",\"no_bias\":\"True\"", 2,
        (const int[]){data, kernel});
    const int relu = model_writer_node(writer, "relu", NULL, 1, &convolution);
    model_writer_finish(writer, 1, &relu, &graph, &weights);
    return writer;
}

static bool find_functions(void *handle, struct library *library)
{
    bool is_found = true;
#define FIND_FUNCTION(name)                                                                        \
    *(void **)&library->name = dlsym(handle, #name);                                               \
    is_found &= library->name != NULL;
    FUNCTIONS(FIND_FUNCTION)
#undef FIND_FUNCTION
    return is_found;
}

/* Synchronously, asynchronously, and with results that nobody waits for: then a worker may still
 * be busy when the last reference goes. */
static bool invoke_all(const struct library *library, cop_cached_op *op, bool waits)
{
    const int64_t shape[] = {1, 2, 6, 6};
    cop_ndarray *src = NULL, *dst[INVOKES] = {NULL};
    bool is_right =
        library->cop_ndarray_create(COP_DTYPE_FLOAT32, 4, shape, &src, NULL) == COP_STATUS_OK &&
        library->cop_invoke(op, 1, &src, 1, &dst[0], NULL, NULL) == COP_STATUS_OK;
    for (int i = 1; i < INVOKES && is_right; i++)
        is_right = library->cop_invoke_async(op, 1, &src, 1, &dst[i], NULL, NULL) == COP_STATUS_OK;
    for (int i = 1; i < INVOKES && is_right && waits; i++)
        is_right = library->cop_ndarray_wait(dst[i], COP_NO_TIMEOUT, NULL, NULL) == COP_STATUS_OK &&
                   memcmp(library->cop_ndarray_data(dst[i]), library->cop_ndarray_data(dst[0]),
                          library->cop_ndarray_bytes(dst[0])) == 0;
    for (int i = 0; i < INVOKES; i++)
        library->cop_ndarray_release(&dst[i]);
    library->cop_ndarray_release(&src);
    return is_right;
}

static bool use(void *handle, cop_device_kind device, bool waits)
{
    struct library library;
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    cop_model *model = NULL;
    cop_cached_op *op = NULL;
    options.device.kind = device;
    if (!find_functions(handle, &library))
        return false;
    const bool is_right =
        library.cop_model_load_bytes(COP_MODEL_FORMAT_MXNET, &graph, &weights, NULL, &model,
                                     NULL) == COP_STATUS_OK &&
        library.cop_cached_op_create(model, &options, &op, NULL) == COP_STATUS_OK &&
        invoke_all(&library, op, waits);
    library.cop_cached_op_release(&op);
    library.cop_model_release(&model);
    return is_right;
}

static long count_mappings(void)
{
    FILE *file = fopen("/proc/self/maps", "r");
    long count = 0;
    for (int byte; file != NULL && (byte = getc(file)) != EOF;)
        count += byte == '\n';
    if (file != NULL)
        fclose(file);
    return count;
}

int main(int argc, char **argv)
{
    const int count = has_flag(argc, argv, "--long") ? 10000 : 160;
    long wrong = 0, kilobytes = 0, mappings = 0, threads = 0;
    if (argc < 2)
        return fprintf(stderr, "usage: %s LIBRARY [--long]\n", argv[0]), 2;
    struct model_writer *writer = write_model();
    for (int i = 0; i < count; i++) {
        void *handle = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
        if (handle == NULL)
            return fprintf(stderr, "%s\n", dlerror()), 1;
        if (i % USED_EVERY == 0) {
            const bool is_cpu = i / USED_EVERY % 2 == 1, waits = i / USED_EVERY / 2 % 2 == 0;
            wrong += !use(handle, is_cpu ? COP_DEVICE_CPU : COP_DEVICE_REF, waits);
        }
        wrong += dlclose(handle) != 0;
        if (i == count / 4) { /* by then it has what it needs */
            kilobytes = process_status("VmRSS:");
            mappings = count_mappings();
            threads = process_status("Threads:");
        }
    }
    model_writer_destroy(writer);
    sleep_ns(100 * MILLISECOND);
    const long grown = process_status("VmRSS:") - kilobytes;
    const long more_mappings = count_mappings() - mappings;
    const long more_threads = process_status("Threads:") - threads;
    const bool is_held =
        wrong == 0 && more_threads <= 0 && more_mappings <= 8 && (IS_SANITIZED || grown <= 8192);
    printf("promise H, dlclose: %d openings, %ld wrong, %+ld threads, %+ld mappings, %+ld kB "
           "resident: %s\n",
           count, wrong, more_threads, more_mappings, grown, is_held ? "held" : "broken");
    return is_held ? 0 : 1;
}
