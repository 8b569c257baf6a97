// SPDX-License-Identifier: Apache-2.0
/*
 * Every allocation that a program's calls make fails, once and from then on. Prints how many
 * failures that were; `--count` prints nothing else.
 */
#define _GNU_SOURCE
#include "model/mxnet_files.h"
#include "support/faults.h"
#include "support/onnx_sample.h"
#include "support/random_graph.h"
#include "support/tiny_models.h"

#include "base/alloc.h"

enum { USUAL = 1, THREADED = 2, PLAIN = 4 };

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- What fails ---- */

static void arm_allocation(const struct fault *fault, int64_t number)
{
    cop_alloc_fail_after(number - 1, (int)fault->argument[0]);
}

static bool disarm_allocation(const struct fault *fault)
{
    (void)fault;
    const bool is_reached = cop_alloc_has_failed();
    cop_alloc_fail_after(-1, 0);
    return is_reached;
}

#ifdef FAIL_FOREIGN_ALLOCATIONS
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

/* Stand before the C library's; only the armed thread's calls fail. */
static _Thread_local int64_t mallocs_left = INT64_MAX;
static _Thread_local bool mallocs_fail_for_ever;

static bool is_planned(void)
{
    if (mallocs_left == INT64_MAX)
        return false;
    mallocs_left--;
    return mallocs_left == 0 || (mallocs_left < 0 && mallocs_fail_for_ever);
}

extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *old, size_t bytes);

void *malloc(size_t bytes)
{
    if (!is_planned())
        return __libc_malloc(bytes);
    errno = ENOMEM;
    return NULL;
}

void *calloc(size_t count, size_t bytes)
{
    if (!is_planned())
        return __libc_calloc(count, bytes);
    errno = ENOMEM;
    return NULL;
}

void *realloc(void *old, size_t bytes)
{
    if (!is_planned())
        return __libc_realloc(old, bytes);
    errno = ENOMEM;
    return NULL;
}

static void arm_malloc(const struct fault *fault, int64_t number)
{
    mallocs_fail_for_ever = fault->argument[0] != 0;
    mallocs_left = number;
}

static bool disarm_malloc(const struct fault *fault)
{
    (void)fault;
    const bool is_reached = mallocs_left <= 0;
    mallocs_left = INT64_MAX;
    return is_reached;
}

static _Atomic int64_t threads_left = INT64_MAX;

typedef int create_function(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*function)(void *),
                   void *argument)
{
    create_function *real;
    *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
    if (atomic_load(&threads_left) != INT64_MAX && atomic_fetch_sub(&threads_left, 1) <= 1)
        return EAGAIN;
    return real(thread, attributes, function, argument);
}

static void arm_threads(const struct fault *fault, int64_t number)
{
    (void)fault;
    atomic_store(&threads_left, number);
}

static bool disarm_threads(const struct fault *fault)
{
    (void)fault;
    return atomic_exchange(&threads_left, INT64_MAX) <= 0;
}
#endif

static const struct fault faults[] = {
    {"allocation, once", arm_allocation, disarm_allocation, {0}, MAY_BE(OUT_OF_MEMORY), USUAL},
    {"allocation, from then on",
     arm_allocation,
     disarm_allocation,
     {1},
     MAY_BE(OUT_OF_MEMORY),
     USUAL},
#ifdef FAIL_FOREIGN_ALLOCATIONS
    /* A directory that there is no memory to read is an IO error, as the system says it. */
    {"malloc, once", arm_malloc, disarm_malloc, {0}, MAY_BE(OUT_OF_MEMORY) | MAY_BE(IO), PLAIN},
    {"malloc, from then on",
     arm_malloc,
     disarm_malloc,
     {1},
     MAY_BE(OUT_OF_MEMORY) | MAY_BE(IO),
     PLAIN},
    {"pthread_create, from then on", arm_threads, disarm_threads, {0}, 0, THREADED},
#endif
};

/* ---- Models ---- */

/* The texts are written before anything fails. */
static cop_bytes symbol_bytes(const char *text)
{
    static const char *last;
    static char *json;
    if (last != text) {
        free(json);
        json = write_json(text);
        last = text;
    }
    return (cop_bytes){json, strlen(json), NULL, NULL};
}

static cop_bytes params_bytes(const char *list)
{
    static struct byte_writer writer;
    write_params(&writer, list);
    return (cop_bytes){writer.bytes, writer.size, NULL, NULL};
}

static cop_bytes bytes_of(const struct message *message)
{
    return (cop_bytes){message->bytes, message->size, NULL, NULL};
}

/* A dimension called "batch" and one of 6; the shape to give it is an input. */
static struct message shaped_by_input(void)
{
    struct message graph = {0}, value = {0}, type = {0}, tensor = {0}, shape = {0}, dim = {0};
    write_text(&dim, 2, "batch");
    write_message(&shape, 1, &dim);
    dim = (struct message){0};
    write_int(&dim, 1, 6);
    write_message(&shape, 1, &dim);
    write_int(&tensor, 1, ONNX_FLOAT);
    write_message(&tensor, 2, &shape);
    write_message(&type, 1, &tensor);
    write_text(&value, 1, "x");
    write_message(&value, 2, &type);
    write_message(&graph, 11, &value);
    onnx_add_input(&graph, "s", ONNX_INT64, DIMS(2));
    struct message node = onnx_node("Reshape", "reshape", "x s", "r");
    onnx_add_node(&graph, &node);
    node = onnx_node("Softmax", "softmax", "r", "y");
    onnx_add_node(&graph, &node);
    onnx_add_output(&graph, "y", ONNX_FLOAT, DIMS(-1, -1));
    return onnx_model(&graph, 13);
}

static struct message external_model(void)
{
    struct message graph = {0}, node = onnx_node("Add", "add", "x w", "y"), entry = {0};
    struct message tensor = onnx_tensor("w", ONNX_FLOAT, DIMS(4));
    write_int(&tensor, 14, 1);
    write_text(&entry, 1, "location"), write_text(&entry, 2, "w.bin");
    write_message(&tensor, 13, &entry);
    onnx_add_initializer(&graph, &tensor);
    onnx_add_input(&graph, "x", ONNX_FLOAT, DIMS(4));
    onnx_add_node(&graph, &node);
    onnx_add_output(&graph, "y", ONNX_FLOAT, DIMS(4));
    return onnx_model(&graph, 13);
}

static struct message unsupported_model(void)
{
    struct message graph = {0}, node = onnx_node("Einsum", "first", "x", "a");
    onnx_add_input(&graph, "x", ONNX_FLOAT, DIMS(4));
    onnx_add_node(&graph, &node);
    for (int i = 0; i < 2; i++) {
        node = onnx_node("NonMaxSuppression", "second", "a", i == 0 ? "b" : "c");
        onnx_add_node(&graph, &node);
    }
    struct message branch = {0}, inner = onnx_node("Einsum", "inner", "c", "d");
    onnx_add_node(&branch, &inner);
    onnx_add_output(&branch, "d", ONNX_FLOAT, DIMS(4));
    node = onnx_node("If", "third", "c", "y");
    onnx_attribute_graph(&node, "then_branch", &branch);
    onnx_add_node(&graph, &node);
    onnx_add_output(&graph, "y", ONNX_FLOAT, DIMS(4));
    return onnx_model(&graph, 13);
}

/* ---- Loading ---- */

static int releases;

static void count_release(void *user, const void *bytes)
{
    (void)user, (void)bytes;
    releases++;
}

struct in_memory {
    const char *symbol, *params;   /* MXNet, or */
    struct message (*write)(void); /* ONNX */
    bool is_borrowed;
};

static cop_status load_from_memory(struct stage *stage, cop_error *error)
{
    const struct in_memory *what = stage->argument;
    static struct message message;
    cop_bytes graph, weights = {0};
    if (what->write != NULL && message.bytes == NULL)
        message = what->write();
    graph = what->write != NULL ? bytes_of(&message) : symbol_bytes(what->symbol);
    if (what->write == NULL)
        weights = params_bytes(what->params);
    if (what->is_borrowed)
        graph.release = weights.release = count_release;
    releases = 0;
    const cop_status status = cop_model_load_bytes(
        what->write != NULL ? COP_MODEL_FORMAT_ONNX : COP_MODEL_FORMAT_MXNET, &graph,
        what->write != NULL ? NULL : &weights, NULL, &stage->model, error);
    require((status == COP_STATUS_OK) == (stage->model != NULL), "a model with %s",
            cop_status_name(status));
    if (what->is_borrowed && status != COP_STATUS_OK)
        require(releases == (what->write != NULL ? 1 : 2), "released %d times", releases);
    return status;
}

struct in_files {
    const char *path; /* in the folder */
    cop_file_access access;
};

static void write_files(struct stage *stage)
{
    const struct in_files *what = stage->argument;
    char path[128];
    const cop_bytes json = symbol_bytes(BROAD_SYMBOL), params = params_bytes(BROAD_PARAMS);
    struct message message = external_model();
    snprintf(path, sizeof path, "%s/m.v1-symbol.json", scratch_folder());
    write_file(path, json.data, json.size);
    snprintf(path, sizeof path, "%s/m.v1-0003.params", scratch_folder());
    write_file(path, params.data, params.size);
    snprintf(path, sizeof path, "%s/m.onnx", scratch_folder());
    write_file(path, message.bytes, message.size);
    message_free(&message);
    snprintf(path, sizeof path, "%s/w.bin", scratch_folder());
    write_file(path, (float[]){1, 2, 3, 4}, 16);
    snprintf(stage->path, sizeof stage->path, "%s/%s", scratch_folder(), what->path);
}

static cop_status load_from_files(struct stage *stage, cop_error *error)
{
    const struct in_files *what = stage->argument;
    cop_model_options options = COP_MODEL_OPTIONS_INIT;
    options.file_access = what->access;
    const cop_status status = cop_model_load(stage->path, &options, &stage->model, error);
    require((status == COP_STATUS_OK) == (stage->model != NULL), "a model with %s",
            cop_status_name(status));
    return status;
}

static void use_model(struct stage *stage)
{
    stage->made = compile_on(stage->model, COP_DEVICE_REF);
    stage->digest = digest_of(stage->made);
}

/* ---- Making operators ---- */

struct making {
    struct in_memory model; /* all NULL: the classifier */
    uint32_t seed;          /* not 0: a random network */
    bool is_large_file;
    cop_device_kind device;
    cop_tuning tuning;
    bool keep_graph, is_shaped_by_input;
};

static cop_model *random_model(uint32_t seed)
{
    struct graph_maker maker = make_random_network(seed, 16);
    cop_model *model = cop_alloc(1, sizeof *model);
    cop_refcount_init(&model->refs);
    require(cop_graph_copy(maker.graph, &model->graph, NULL) == COP_STATUS_OK, "no graph");
    free_maker(&maker);
    return model;
}

/* A file whose weights fill pages: those are given back when they are packed. */
static cop_model *model_of_large_file(void)
{
    static float weights[64 * 64 * 9];
    struct message graph = {0}, tensor, node = onnx_node("Conv", "conv", "x w", "y");
    cop_model *model = NULL;
    char path[128];
    for (size_t i = 0; i < COUNT(weights); i++)
        weights[i] = (float)(i * 7 % 31) / 64 - 0.25f;
    tensor = onnx_raw_tensor("w", ONNX_FLOAT, DIMS(64, 64, 3, 3), weights, sizeof weights);
    onnx_add_initializer(&graph, &tensor);
    onnx_add_input(&graph, "x", ONNX_FLOAT, DIMS(1, 64, 5, 5));
    onnx_add_node(&graph, &node);
    onnx_add_output(&graph, "y", ONNX_FLOAT, DIMS(1, 64, 3, 3));
    struct message message = onnx_model(&graph, 13);
    snprintf(path, sizeof path, "%s/large.onnx", scratch_folder());
    write_file(path, message.bytes, message.size);
    message_free(&message);
    require(cop_model_load(path, NULL, &model, NULL) == COP_STATUS_OK, "no model");
    return model;
}

static void load_model(struct stage *stage)
{
    const struct making *what = stage->argument;
    struct stage loading = {.argument = &what->model};
    cop_error error;
    if (what->is_large_file)
        loading.model = model_of_large_file();
    else if (what->seed != 0)
        loading.model = random_model(what->seed);
    else if (what->model.symbol == NULL && what->model.write == NULL)
        loading.model = tiny_classifier(5);
    else
        require(load_from_memory(&loading, &error) == COP_STATUS_OK, "%s", error.message);
    stage->model = loading.model;
    if (what->is_shaped_by_input) {
        static const int64_t two[] = {2};
        require(cop_ndarray_create(COP_DTYPE_INT64, 1, two, &stage->extra, NULL) == COP_STATUS_OK,
                "no array");
        memcpy(cop_ndarray_data(stage->extra), (int64_t[]){3, 4}, 16);
    }
}

static cop_status create(struct stage *stage, cop_error *error)
{
    const struct making *what = stage->argument;
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    const cop_dim batch = {"batch", 2};
    const cop_constant constant = {"s", stage->extra};
    options.device.kind = what->device;
    options.tuning = what->tuning;
    options.keep_graph = what->keep_graph;
    if (what->is_shaped_by_input) {
        options.dims = &batch, options.dim_count = 1;
        options.constants = &constant, options.constant_count = 1;
    }
    const cop_status status = cop_cached_op_create(stage->model, &options, &stage->made, error);
    require((status == COP_STATUS_OK) == (stage->made != NULL), "an operator with %s",
            cop_status_name(status));
    return status;
}

static void use_made(struct stage *stage)
{
    stage->digest = digest_of(stage->made);
}

/* The classifier on a device, with an input and room for its scores. */
static void prepare_op(struct stage *stage)
{
    static const int64_t image[] = {1, 3, 12, 12};
    load_model(stage);
    stage->op = compile_on(stage->model, ((const struct making *)stage->argument)->device);
    stage->src = random_array(4, image, 4);
}

static cop_status reshape(struct stage *stage, cop_error *error)
{
    const cop_input_shape two = {"data", 4, {2, -1, -1, -1}};
    const cop_status status = cop_cached_op_reshape(stage->op, &two, 1, &stage->made, NULL, error);
    require((status == COP_STATUS_OK) == (stage->made != NULL), "an operator with %s",
            cop_status_name(status));
    return status;
}

/* ---- Invoking ---- */

static cop_status warm_up(struct stage *stage, cop_error *error)
{
    return cop_cached_op_warm_up(stage->op, 3, error);
}

static uint64_t digest_array(const cop_ndarray *array)
{
    uint64_t digest = 1;
    const unsigned char *bytes = cop_ndarray_data(array);
    for (size_t i = 0; i < cop_ndarray_bytes(array); i++)
        digest = (digest ^ bytes[i]) * UINT64_C(1099511628211);
    return digest | 1;
}

static cop_status finish_invoke(struct stage *stage, cop_status status)
{
    require((status == COP_STATUS_OK) == (stage->dst != NULL), "an output with %s",
            cop_status_name(status));
    if (status == COP_STATUS_OK)
        stage->digest = digest_array(stage->dst);
    return status;
}

static cop_status invoke(struct stage *stage, cop_error *error)
{
    return finish_invoke(stage, cop_invoke(stage->op, 1, &stage->src, 1, &stage->dst, NULL, error));
}

static cop_status invoke_profiled(struct stage *stage, cop_error *error)
{
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    cop_status status = COP_STATUS_OK;
    if (stage->trace == NULL)
        status = cop_trace_create(0, &stage->trace, error);
    if (status == COP_STATUS_OK && stage->profile == NULL)
        status = cop_profile_create(&stage->profile, error);
    if (status != COP_STATUS_OK)
        return status;
    options.trace = stage->trace, options.profile = stage->profile;
    return finish_invoke(stage,
                         cop_invoke(stage->op, 1, &stage->src, 1, &stage->dst, &options, error));
}

/* An array that a failed invocation left behind is written in line. */
static void prepare_failed_array(struct stage *stage)
{
    static const int64_t scores[] = {1, 5};
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    prepare_op(stage);
    stage->extra = zero_array(2, scores);
    options.timeout_ns = 0;
    require(cop_invoke_async(stage->op, 1, &stage->src, 1, &stage->extra, &options, NULL) ==
                    COP_STATUS_OK &&
                cop_ndarray_wait(stage->extra, COP_NO_TIMEOUT, NULL, NULL) == COP_STATUS_TIMEOUT,
            "no failed array");
}

static cop_status invoke_in_line(struct stage *stage, cop_error *error)
{
    const cop_status status = cop_invoke(stage->op, 1, &stage->src, 1, &stage->extra, NULL, error);
    if (status == COP_STATUS_OK)
        stage->digest = digest_array(stage->extra);
    return status;
}

/* Waits twice, which must say the same. */
static cop_status wait_for(cop_ndarray *array, cop_error *error)
{
    cop_error again = {COP_STATUS_OK, ""};
    const cop_status status = cop_ndarray_wait(array, COP_NO_TIMEOUT, NULL, error);
    require(cop_ndarray_wait(array, COP_NO_TIMEOUT, NULL, &again) == status, "another status");
    require(status == COP_STATUS_OK || strcmp(again.message, error->message) == 0, "another text");
    return status;
}

/* Two invocations, the second of what the first makes. */
static cop_status invoke_async(struct stage *stage, cop_error *error)
{
    cop_ndarray *between = NULL;
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    options.trace = stage->trace;
    cop_status status = cop_invoke_async(stage->op, 1, &stage->src, 1, &between, &options, error);
    require((status == COP_STATUS_OK) == (between != NULL), "an output with %s",
            cop_status_name(status));
    if (status != COP_STATUS_OK)
        return status;
    status = cop_invoke_async(stage->made, 1, &between, 1, &stage->dst, &options, error);
    require((status == COP_STATUS_OK) == (stage->dst != NULL), "an output with %s",
            cop_status_name(status));
    cop_ndarray_release(&between);
    if (status == COP_STATUS_OK)
        status = wait_for(stage->dst, error);
    if (status == COP_STATUS_OK)
        status = cop_wait_all(NULL, COP_NO_TIMEOUT, NULL, error);
    if (status != COP_STATUS_OK)
        cop_ndarray_release(&stage->dst);
    const cop_status all = cop_wait_all(NULL, COP_NO_TIMEOUT, NULL, NULL);
    require(status != COP_STATUS_OK || all == COP_STATUS_OK, "a failure that no wait reported");
    return status == COP_STATUS_OK ? finish_invoke(stage, status) : status;
}

static void prepare_chain(struct stage *stage)
{
    const cop_input_shape five = {NULL, 2, {1, 5}};
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    prepare_op(stage);
    cop_model *relu = tiny_relu();
    options.device.kind = COP_DEVICE_REF;
    options.input_shapes = &five, options.input_shape_count = 1;
    require(cop_cached_op_create(relu, &options, &stage->made, NULL) == COP_STATUS_OK, "no relu");
    cop_model_release(&relu);
    require(cop_trace_create(0, &stage->trace, NULL) == COP_STATUS_OK, "no trace");
    require(cop_set_worker_threads(2, NULL) == COP_STATUS_OK, "no workers");
}

/* ---- The rest ---- */

static void ignore_memory(void *user, void *memory)
{
    (void)memory;
    ++*(int *)user;
}

static cop_status make_arrays(struct stage *stage, cop_error *error)
{
    static const int64_t shape[] = {4, 4}, four[] = {4};
    static float memory[16];
    static int count;
    cop_wrap_options options = COP_WRAP_OPTIONS_INIT;
    options.release = ignore_memory, options.user = &count;
    count = 0;
    cop_status status = cop_ndarray_create(COP_DTYPE_FLOAT32, 2, shape, &stage->src, error);
    if (status == COP_STATUS_OK)
        status = cop_ndarray_view(stage->src, 16, COP_DTYPE_FLOAT32, 1, four, &stage->dst, error);
    if (status == COP_STATUS_OK)
        status =
            cop_ndarray_wrap(memory, COP_DTYPE_FLOAT32, 2, shape, &options, &stage->extra, error);
    require(status != COP_STATUS_OK || (stage->dst != NULL && stage->extra != NULL), "NULL");
    require(status == COP_STATUS_OK || stage->extra == NULL, "an array with an error");
    require(count == 0, "memory released that was not taken");
    if (status != COP_STATUS_OK)
        cop_ndarray_release(&stage->src), cop_ndarray_release(&stage->dst);
    return status;
}

static cop_status print_plans(struct stage *stage, cop_error *error)
{
    cop_status status = COP_STATUS_OK;
    for (int format = COP_PLAN_FORMAT_TEXT; format <= COP_PLAN_FORMAT_JSON; format++) {
        cop_text_release(&stage->text);
        if (status == COP_STATUS_OK)
            status =
                cop_cached_op_print_plan(stage->op, (cop_plan_format)format, &stage->text, error);
        require((status == COP_STATUS_OK) == (stage->text != NULL), "a text with %s",
                cop_status_name(status));
    }
    return status;
}

static cop_status ask_for_an_unknown_name(struct stage *stage, cop_error *error)
{
    size_t index;
    return cop_cached_op_find_input(stage->op, "nothing", &index, error);
}

static void prepare_trace(struct stage *stage)
{
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    prepare_op(stage);
    require(cop_trace_create(0, &stage->trace, NULL) == COP_STATUS_OK, "no trace");
    options.trace = stage->trace;
    require(cop_invoke(stage->op, 1, &stage->src, 1, &stage->dst, &options, NULL) == COP_STATUS_OK,
            "no invoke");
    snprintf(stage->path, sizeof stage->path, "%s/trace.json", scratch_folder());
    write_file(stage->path, "old", 3);
}

static cop_status write_trace(struct stage *stage, cop_error *error)
{
    return cop_trace_write(stage->trace, stage->path, error);
}

static cop_status describe_devices(struct stage *stage, cop_error *error)
{
    cop_device_desc desc;
    cop_status status = COP_STATUS_OK;
    (void)stage;
    for (size_t i = 0; i < cop_device_count() && status == COP_STATUS_OK; i++)
        status = cop_device_describe(i, &desc, error);
    return status;
}

#define BROAD                                                                                      \
    {                                                                                              \
        BROAD_SYMBOL, BROAD_PARAMS, NULL, false                                                    \
    }

/* Two operators that are not known, and one that is and asks for too much. */
#define UNKNOWN_SYMBOL                                                                             \
    SYMBOL(VARIABLE("x") ",{'op':'what','name':'a','inputs':[[0,0]]},"                             \
                         "{'op':'what','name':'b','inputs':[[1,0]]},"                              \
                         "{'op':'softmax','name':'c','attrs':{'use_length':'True'},"               \
                         "'inputs':[[0,0]]},{'op':'whatelse','name':'d','inputs':[[2,0]]}",        \
           "[4,0]")

static const struct in_memory broad = BROAD, moving = {MOVING_SYMBOL, "", NULL, false},
                              sample = {NULL, NULL, sample_model, false},
                              shapes = {NULL, NULL, shape_model, false},
                              broad_borrowed = {BROAD_SYMBOL, BROAD_PARAMS, NULL, true},
                              sample_borrowed = {NULL, NULL, sample_model, true},
                              unknown_mxnet = {UNKNOWN_SYMBOL, "", NULL, false},
                              unknown_onnx = {NULL, NULL, unsupported_model, false};

static const struct in_files by_symbol = {"m.v1-symbol.json", COP_FILE_ACCESS_READ},
                             by_prefix = {"m.v1", COP_FILE_ACCESS_READ},
                             by_prefix_mapped = {"m.v1", COP_FILE_ACCESS_MAP},
                             onnx_read = {"m.onnx", COP_FILE_ACCESS_READ},
                             onnx_mapped = {"m.onnx", COP_FILE_ACCESS_MAP};

static const struct making on_cpu = {.device = COP_DEVICE_CPU}, on_ref = {.device = COP_DEVICE_REF},
                           on_cpu_tuned = {.device = COP_DEVICE_CPU, .tuning = COP_TUNING_FAST_RUN},
                           on_cpu_kept = {.device = COP_DEVICE_CPU, .keep_graph = true},
                           on_ref_kept = {.device = COP_DEVICE_REF, .keep_graph = true},
                           broad_on_cpu = {.model = BROAD, .device = COP_DEVICE_CPU},
                           broad_on_ref = {.model = BROAD, .device = COP_DEVICE_REF},
                           moving_on_cpu = {.model = {MOVING_SYMBOL, "", NULL, false},
                                            .device = COP_DEVICE_CPU},
                           sample_on_cpu = {.model = {NULL, NULL, sample_model, false},
                                            .device = COP_DEVICE_CPU},
                           sample_on_ref = {.model = {NULL, NULL, sample_model, false},
                                            .device = COP_DEVICE_REF},
                           shapes_on_cpu = {.model = {NULL, NULL, shape_model, false},
                                            .device = COP_DEVICE_CPU},
                           bound_on_cpu = {.model = {NULL, NULL, shaped_by_input, false},
                                           .device = COP_DEVICE_CPU,
                                           .is_shaped_by_input = true};

static const struct making large_on_cpu = {.is_large_file = true, .device = COP_DEVICE_CPU},
                           large_on_ref = {.is_large_file = true, .device = COP_DEVICE_REF};

#define RANDOM(number)                                                                             \
    static const struct making random_##number##_on_cpu = {.seed = number,                         \
                                                           .device = COP_DEVICE_CPU},              \
                               random_##number##_on_ref = {.seed = number,                         \
                                                           .device = COP_DEVICE_REF};
RANDOM(1)
RANDOM(2)
RANDOM(3)
RANDOM(4)

#define LOAD(title, what, for_kinds)                                                               \
    {                                                                                              \
        .name = title, .argument = what, .act = load_from_memory, .finish = use_model,             \
        .kinds = for_kinds, .least = 1                                                             \
    }
#define REFUSE(title, what)                                                                        \
    {                                                                                              \
        .name = title, .argument = what, .act = load_from_memory,                                  \
        .expected = COP_STATUS_UNSUPPORTED, .kinds = USUAL | PLAIN, .least = 1                     \
    }
#define LOAD_FILES(title, what)                                                                    \
    {                                                                                              \
        .name = title, .argument = what, .prepare = write_files, .act = load_from_files,           \
        .finish = use_model, .kinds = USUAL | PLAIN, .least = 1                                    \
    }
#define CREATE(title, what, for_kinds)                                                             \
    {                                                                                              \
        .name = title, .argument = what, .prepare = load_model, .act = create, .finish = use_made, \
        .kinds = for_kinds, .least = 1                                                             \
    }
#define WITH_OP(title, what, before, tested, for_kinds)                                            \
    {                                                                                              \
        .name = title, .argument = what, .prepare = before, .act = tested, .kinds = for_kinds,     \
        .least = 1                                                                                 \
    }

static const struct scenario scenarios[] = {
    LOAD("a symbol and parameters are loaded from memory", &broad, USUAL | PLAIN),
    LOAD("a symbol that moves elements is loaded", &moving, USUAL | PLAIN),
    LOAD("a symbol in borrowed memory is loaded", &broad_borrowed, USUAL | PLAIN),
    LOAD("an ONNX model is loaded from memory", &sample, USUAL | PLAIN),
    LOAD("an ONNX model that works on shapes is loaded", &shapes, USUAL | PLAIN),
    LOAD("an ONNX model in borrowed memory is loaded", &sample_borrowed, USUAL | PLAIN),
    REFUSE("a symbol that is not supported is refused", &unknown_mxnet),
    REFUSE("an ONNX model that is not supported is refused", &unknown_onnx),
    LOAD_FILES("a symbol is loaded from a file", &by_symbol),
    LOAD_FILES("a prefix is loaded from files", &by_prefix),
    LOAD_FILES("a prefix is loaded from mapped files", &by_prefix_mapped),
    LOAD_FILES("an ONNX model with external data is loaded", &onnx_read),
    LOAD_FILES("an ONNX model with external data is mapped", &onnx_mapped),
    CREATE("an operator is created on cpu", &on_cpu, USUAL),
    CREATE("an operator is created on ref", &on_ref, USUAL | PLAIN),
    CREATE("an operator is created on cpu for fast runs", &on_cpu_tuned, USUAL),
    CREATE("an operator is created on cpu without passes", &on_cpu_kept, USUAL),
    CREATE("an operator is created on ref without passes", &on_ref_kept, USUAL | PLAIN),
    CREATE("an operator of a broad symbol is created on cpu", &broad_on_cpu, USUAL),
    CREATE("an operator of a broad symbol is created on ref", &broad_on_ref, USUAL | PLAIN),
    CREATE("an operator that moves elements is created on cpu", &moving_on_cpu, USUAL),
    CREATE("an operator of an ONNX model is created on cpu", &sample_on_cpu, USUAL),
    CREATE("an operator of an ONNX model is created on ref", &sample_on_ref, USUAL | PLAIN),
    CREATE("an operator that works on shapes is created on cpu", &shapes_on_cpu, USUAL),
    CREATE("an operator with dimensions and constants is created", &bound_on_cpu, USUAL),
    CREATE("an operator of random network 1 is created on cpu", &random_1_on_cpu, USUAL),
    CREATE("an operator of random network 1 is created on ref", &random_1_on_ref, USUAL | PLAIN),
    CREATE("an operator of random network 2 is created on cpu", &random_2_on_cpu, USUAL),
    CREATE("an operator of random network 2 is created on ref", &random_2_on_ref, USUAL | PLAIN),
    CREATE("an operator of random network 3 is created on cpu", &random_3_on_cpu, USUAL),
    CREATE("an operator of random network 3 is created on ref", &random_3_on_ref, USUAL | PLAIN),
    CREATE("an operator of random network 4 is created on cpu", &random_4_on_cpu, USUAL),
    CREATE("an operator of random network 4 is created on ref", &random_4_on_ref, USUAL | PLAIN),
    CREATE("an operator is created on cpu from a file with large weights", &large_on_cpu, USUAL),
    CREATE("an operator is created on ref from a file with large weights", &large_on_ref, USUAL),
    {.name = "devices are described, as the first thing in a process",
     .act = describe_devices,
     .is_first = true,
     .kinds = USUAL,
     .least = 1},
    {.name = "an operator is reshaped on cpu",
     .argument = &on_cpu,
     .prepare = prepare_op,
     .act = reshape,
     .finish = use_made,
     .kinds = USUAL,
     .least = 1},
    {.name = "an operator is reshaped on ref",
     .argument = &on_ref,
     .prepare = prepare_op,
     .act = reshape,
     .finish = use_made,
     .kinds = USUAL | PLAIN,
     .least = 1},
    WITH_OP("an operator is warmed up on cpu", &on_cpu, prepare_op, warm_up, USUAL),
    WITH_OP("an operator is warmed up on ref", &on_ref, prepare_op, warm_up, USUAL | PLAIN),
    WITH_OP("an operator is invoked on cpu", &on_cpu, prepare_op, invoke, USUAL),
    WITH_OP("an operator is invoked on ref", &on_ref, prepare_op, invoke, USUAL | PLAIN),
    WITH_OP("an invoke is profiled on cpu", &on_cpu, prepare_op, invoke_profiled, USUAL),
    WITH_OP("an invoke is profiled on ref", &on_ref, prepare_op, invoke_profiled, USUAL | PLAIN),
    WITH_OP("an invoke stands in line", &on_ref, prepare_failed_array, invoke_in_line,
            USUAL | PLAIN),
    WITH_OP("operators are invoked asynchronously on cpu", &on_cpu, prepare_chain, invoke_async,
            USUAL | THREADED),
    WITH_OP("operators are invoked asynchronously on ref", &on_ref, prepare_chain, invoke_async,
            USUAL | THREADED),
    WITH_OP("arrays are made, viewed and wrapped", NULL, NULL, make_arrays, USUAL | PLAIN),
    WITH_OP("a plan is printed", &on_cpu, prepare_op, print_plans, USUAL | PLAIN),
    {.name = "an unknown name is asked for",
     .argument = &on_ref,
     .prepare = prepare_op,
     .act = ask_for_an_unknown_name,
     .expected = COP_STATUS_NOT_FOUND,
     .kinds = USUAL | PLAIN,
     .least = 1},
    WITH_OP("a trace is written", &on_ref, prepare_trace, write_trace, USUAL | PLAIN),
};

/* The random networks assert as tests do, which needs a runner around them. */
static int argument_count, result = EXIT_FAILURE;
static char **arguments;

START_TEST(every_allocation_fails)
{
    result = run_scenarios(scenarios, COUNT(scenarios), faults, COUNT(faults), argument_count,
                           arguments);
}
END_TEST

int main(int argc, char **argv)
{
    Suite *suite = suite_create("allocation failure");
    TCase *cases = tcase_create("allocation failure");
    argument_count = argc;
    arguments = argv;
    tcase_add_test(cases, every_allocation_fails);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_SILENT);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? result : EXIT_FAILURE;
}
