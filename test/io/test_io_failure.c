// SPDX-License-Identifier: Apache-2.0
/*
 * Every call for a file or a mapping that the library makes fails, in every way it can. Prints how
 * many failures that were; `--count` prints nothing else.
 *
 * The linker puts the functions here before those of the C library (--wrap).
 */
#define _GNU_SOURCE
#include "model/mxnet_files.h"
#include "support/faults.h"
#include "support/onnx_writer.h"
#include "support/tiny_models.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- What fails ---- */

enum function {
    OPEN,
    OPENAT2,
    PREAD,
    FSTAT,
    MMAP,
    MUNMAP,
    CLOSE,
    WRITE,
    FSYNC,
    RENAME,
    OPENDIR,
    READDIR,
    ACCESS,
};

enum { SHORT = -1, ENDS = -2 }; /* instead of an error: a part is done; the file is at its end */

static enum function failing;
static int64_t left = INT64_MAX; /* calls until it fails; INT64_MAX: nothing does */
static int how;
static bool for_ever;

/* Whether this call fails, and with which error. */
static bool is_planned(enum function function)
{
    if (left == INT64_MAX || function != failing)
        return false;
    left--;
    if (left > 0 || (left < 0 && !for_ever))
        return false;
    if (how > 0)
        errno = how;
    return true;
}

static void arm(const struct fault *fault, int64_t number)
{
    failing = (enum function)fault->argument[0];
    how = (int)fault->argument[1];
    for_ever = fault->argument[2] != 0;
    left = number;
}

static bool disarm(const struct fault *fault)
{
    (void)fault;
    const bool is_reached = left <= 0;
    left = INT64_MAX;
    return is_reached;
}

/* Both names of functions that exist for small and for large files. */
#define BOTH(type, name, parameters, arguments)                                                    \
    extern type __real_##name parameters;                                                          \
    extern type __real_##name##64 parameters;                                                      \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name##64 parameters;                                                             \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        return fail_##name(__real_##name, arguments);                                              \
    }                                                                                              \
    type __wrap_##name##64 parameters                                                              \
    {                                                                                              \
        return fail_##name(__real_##name##64, arguments);                                          \
    }
#define EACH(...) __VA_ARGS__

typedef int open_function(const char *, int, ...);
extern open_function __real_open, __real_open64, __wrap_open, __wrap_open64;

static int fail_open(open_function *real, const char *path, int flags, mode_t mode)
{
    return is_planned(OPEN) ? -1 : real(path, flags, mode);
}

static mode_t mode_of(int flags, va_list arguments)
{
    return (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
}

int __wrap_open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return fail_open(__real_open, path, flags, mode);
}

int __wrap_open64(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return fail_open(__real_open64, path, flags, mode);
}

typedef long syscall_function(long, ...);
extern syscall_function __real_syscall, __wrap_syscall;

/* Of openat2 and of gettid, which has no arguments. */
long __wrap_syscall(long number, ...)
{
    long a[4];
    va_list arguments;
    va_start(arguments, number);
    for (int i = 0; i < 4; i++)
        a[i] = number == SYS_openat2 ? va_arg(arguments, long) : 0;
    va_end(arguments);
    return number == SYS_openat2 && is_planned(OPENAT2)
               ? -1
               : __real_syscall(number, a[0], a[1], a[2], a[3]);
}

static ssize_t fail_pread(ssize_t (*real)(int, void *, size_t, off_t), int fd, void *bytes,
                          size_t size, off_t offset)
{
    if (!is_planned(PREAD))
        return real(fd, bytes, size, offset);
    if (how == ENDS)
        return 0;
    return how == SHORT ? real(fd, bytes, size / 2 + 1, offset) : -1;
}
BOTH(ssize_t, pread, (int fd, void *bytes, size_t size, off_t offset),
     EACH(fd, bytes, size, offset))

static int fail_fstat(int (*real)(int, struct stat *), int fd, struct stat *status)
{
    return is_planned(FSTAT) ? -1 : real(fd, status);
}
BOTH(int, fstat, (int fd, struct stat *status), EACH(fd, status))

static void *fail_mmap(void *(*real)(void *, size_t, int, int, int, off_t), void *address,
                       size_t size, int protection, int flags, int fd, off_t offset)
{
    return is_planned(MMAP) ? MAP_FAILED : real(address, size, protection, flags, fd, offset);
}
BOTH(void *, mmap, (void *address, size_t size, int protection, int flags, int fd, off_t offset),
     EACH(address, size, protection, flags, fd, offset))

static struct dirent *fail_readdir(struct dirent *(*real)(DIR *), DIR *directory)
{
    return is_planned(READDIR) ? NULL : real(directory);
}
BOTH(struct dirent *, readdir, (DIR * directory), directory)

#define ONE(type, name, function, failure, parameters, arguments)                                  \
    extern type __real_##name parameters;                                                          \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        return is_planned(function) ? failure : __real_##name(arguments);                          \
    }
ONE(int, munmap, MUNMAP, -1, (void *address, size_t size), EACH(address, size))
ONE(int, fsync, FSYNC, -1, (int fd), fd)
ONE(int, rename, RENAME, -1, (const char *from, const char *to), EACH(from, to))
ONE(DIR *, opendir, OPENDIR, NULL, (const char *path), path)
ONE(int, access, ACCESS, -1, (const char *path, int mode), EACH(path, mode))

extern int __real_close(int fd), __wrap_close(int fd);
int __wrap_close(int fd)
{
    const int result = __real_close(fd); /* a close that fails has closed */
    return is_planned(CLOSE) ? -1 : result;
}

extern ssize_t __real_write(int fd, const void *bytes, size_t size),
    __wrap_write(int fd, const void *bytes, size_t size);
ssize_t __wrap_write(int fd, const void *bytes, size_t size)
{
    if (!is_planned(WRITE))
        return __real_write(fd, bytes, size);
    return how == SHORT ? __real_write(fd, bytes, size / 2 + 1) : -1;
}

enum { READS = 1, WRITES = 2, MAPS = 4 };

#define AS_IO     MAY_BE(IO)
#define AS_MEMORY MAY_BE(OUT_OF_MEMORY)

#define FAULT(name, function, error, always, statuses, kinds)                                      \
    {                                                                                              \
        name, arm, disarm, {function, error, always}, statuses, kinds                              \
    }
#define ONCE(function, error, statuses, kinds)                                                     \
    FAULT(#error " at " #function ", once", function, error, 0, statuses, kinds)
#define BOTH_WAYS(function, error, statuses, kinds)                                                \
    FAULT(#error " at " #function ", once", function, error, 0, statuses, kinds),                  \
        FAULT(#error " at " #function ", from then on", function, error, 1, statuses, kinds)

static const struct fault faults[] = {
    BOTH_WAYS(OPEN, EIO, AS_IO, READS | WRITES),
    BOTH_WAYS(OPEN, EACCES, AS_IO, READS | WRITES),
    BOTH_WAYS(OPEN, ENOMEM, AS_IO, READS | WRITES),
    BOTH_WAYS(OPEN, EMFILE, AS_IO, READS | WRITES),
    BOTH_WAYS(OPEN, ENOSPC, AS_IO, WRITES),
    ONCE(OPEN, EINTR, 0, READS | WRITES),
    BOTH_WAYS(OPENAT2, EIO, AS_IO, READS),
    BOTH_WAYS(OPENAT2, EACCES, AS_IO, READS),
    BOTH_WAYS(OPENAT2, ENOMEM, AS_IO, READS),
    ONCE(OPENAT2, EINTR, 0, READS),
    ONCE(OPENAT2, EAGAIN, 0, READS),
    BOTH_WAYS(PREAD, EIO, AS_IO, READS),
    BOTH_WAYS(PREAD, EACCES, AS_IO, READS),
    BOTH_WAYS(PREAD, ENOMEM, AS_IO, READS),
    BOTH_WAYS(PREAD, ENDS, AS_IO, READS),
    ONCE(PREAD, EINTR, 0, READS),
    BOTH_WAYS(PREAD, SHORT, 0, READS),
    BOTH_WAYS(FSTAT, EIO, AS_IO, READS),
    BOTH_WAYS(FSTAT, ENOMEM, AS_IO, READS),
    BOTH_WAYS(MMAP, ENOMEM, AS_MEMORY, READS | MAPS),
    BOTH_WAYS(MMAP, EACCES, AS_IO | AS_MEMORY, READS),
    BOTH_WAYS(MUNMAP, ENOMEM, 0, READS | MAPS),
    BOTH_WAYS(CLOSE, EIO, 0, READS), /* what was read is read */
    BOTH_WAYS(CLOSE, EIO, AS_IO, WRITES),
    BOTH_WAYS(CLOSE, ENOSPC, AS_IO, WRITES),
    BOTH_WAYS(CLOSE, EINTR, 0, READS | WRITES),
    BOTH_WAYS(WRITE, EIO, AS_IO, WRITES),
    BOTH_WAYS(WRITE, ENOSPC, AS_IO, WRITES),
    ONCE(WRITE, EINTR, 0, WRITES),
    BOTH_WAYS(WRITE, SHORT, 0, WRITES),
    BOTH_WAYS(FSYNC, EIO, AS_IO, WRITES),
    BOTH_WAYS(FSYNC, ENOSPC, AS_IO, WRITES),
    ONCE(FSYNC, EINTR, 0, WRITES),
    BOTH_WAYS(FSYNC, EINVAL, 0, WRITES), /* there is nothing to sync */
    BOTH_WAYS(RENAME, EIO, AS_IO, WRITES),
    BOTH_WAYS(RENAME, ENOSPC, AS_IO, WRITES),
    BOTH_WAYS(RENAME, EACCES, AS_IO, WRITES),
    ONCE(RENAME, EINTR, 0, WRITES),
    BOTH_WAYS(OPENDIR, EIO, AS_IO, READS),
    BOTH_WAYS(OPENDIR, EACCES, AS_IO, READS),
    BOTH_WAYS(OPENDIR, ENOMEM, AS_IO, READS),
    ONCE(OPENDIR, EINTR, 0, READS),
    BOTH_WAYS(READDIR, EIO, AS_IO, READS),
    ONCE(READDIR, EINTR, 0, READS),
    BOTH_WAYS(ACCESS, EIO, 0, READS), /* opening decides */
    BOTH_WAYS(ACCESS, EACCES, 0, READS),
};

/* ---- Files ---- */

#define CHANNELS 64 /* the weights of a convolution are large enough to be dropped when packed */

static void add_external(struct message *tensor, const char *key, const char *value)
{
    struct message entry = {0};
    write_text(&entry, 1, key), write_text(&entry, 2, value);
    write_message(tensor, 13, &entry);
}

static void write_onnx(bool is_external)
{
    static float weights[CHANNELS * CHANNELS * 9];
    char path[128];
    for (size_t i = 0; i < COUNT(weights); i++)
        weights[i] = (float)(i * 7 % 31) / 64 - 0.25f;
    struct message graph = {0}, tensor;
    const size_t bytes = sizeof weights;
    if (is_external) {
        tensor = onnx_tensor("w", ONNX_FLOAT, DIMS(CHANNELS, CHANNELS, 3, 3));
        write_int(&tensor, 14, 1);
        add_external(&tensor, "location", "w.bin");
        snprintf(path, sizeof path, "%s/w.bin", scratch_folder());
        write_file(path, weights, bytes);
    } else {
        tensor = onnx_raw_tensor("w", ONNX_FLOAT, DIMS(CHANNELS, CHANNELS, 3, 3), weights, bytes);
    }
    onnx_add_initializer(&graph, &tensor);
    onnx_add_input(&graph, "x", ONNX_FLOAT, DIMS(1, CHANNELS, 5, 5));
    struct message node = onnx_node("Conv", "conv", "x w", "y");
    onnx_add_node(&graph, &node);
    onnx_add_output(&graph, "y", ONNX_FLOAT, DIMS(1, CHANNELS, 3, 3));
    struct message model = onnx_model(&graph, 13);
    snprintf(path, sizeof path, "%s/%s", scratch_folder(), is_external ? "x.onnx" : "m.onnx");
    write_file(path, model.bytes, model.size);
    message_free(&model);
}

static void write_mxnet(void)
{
    struct byte_writer params;
    char path[128], *json = write_json(BROAD_SYMBOL);
    write_params(&params, BROAD_PARAMS);
    snprintf(path, sizeof path, "%s/m.v1-symbol.json", scratch_folder());
    write_file(path, json, strlen(json));
    snprintf(path, sizeof path, "%s/m.v1-0003.params", scratch_folder());
    write_file(path, params.bytes, params.size);
    free(json);
}

struct files {
    const char *path; /* in the folder */
    cop_file_access access;
};

static void write_files(struct stage *stage)
{
    const struct files *what = stage->argument;
    write_onnx(false);
    write_onnx(true);
    write_mxnet();
    snprintf(stage->path, sizeof stage->path, "%s/%s", scratch_folder(), what->path);
}

static void check_names_file(const struct stage *stage, cop_status status, const cop_error *error)
{
    (void)stage;
    if (status != COP_STATUS_OK)
        require(strstr(error->message, scratch_folder()) != NULL ||
                    strstr(error->message, "w.bin") != NULL,
                "no file is named: %s", error->message);
}

static cop_status load(struct stage *stage, cop_error *error)
{
    const struct files *what = stage->argument;
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

/* ---- Weights that are read again ---- */

static void prepare_packed(struct stage *stage)
{
    cop_error error;
    write_files(stage);
    require(load(stage, &error) == COP_STATUS_OK, "%s", error.message);
    stage->op = compile_on(stage->model, COP_DEVICE_CPU); /* packs: the file's pages are dropped */
}

static cop_status create_on_ref(struct stage *stage, cop_error *error)
{
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    options.device.kind = COP_DEVICE_REF;
    const cop_status status = cop_cached_op_create(stage->model, &options, &stage->made, error);
    require((status == COP_STATUS_OK) == (stage->made != NULL), "an operator with %s",
            cop_status_name(status));
    return status;
}

/* The operator that was there goes on, too. */
static void use_made(struct stage *stage)
{
    stage->digest = digest_of(stage->made) ^ digest_of(stage->op) << 1;
}

/* ---- Large memory ---- */

static cop_status make_large_array(struct stage *stage, cop_error *error)
{
    static const int64_t shape[] = {1 << 20};
    const cop_status status = cop_ndarray_create(COP_DTYPE_FLOAT32, 1, shape, &stage->extra, error);
    require((status == COP_STATUS_OK) == (stage->extra != NULL), "an array with %s",
            cop_status_name(status));
    cop_ndarray_release(&stage->extra); /* under the faults, too */
    return status;
}

/* ---- Traces ---- */

static void prepare_trace(struct stage *stage)
{
    static const int64_t shape[] = {1, 16};
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    cop_model *model = tiny_relu();
    stage->op = compile_on(model, COP_DEVICE_REF);
    stage->src = random_array(2, shape, 1);
    cop_model_release(&model);
    require(cop_trace_create(0, &stage->trace, NULL) == COP_STATUS_OK, "no trace");
    options.trace = stage->trace;
    for (int i = 0; i < 5000; i++) { /* more than are written at once */
        require(cop_invoke(stage->op, 1, &stage->src, 1, &stage->dst, &options, NULL) ==
                    COP_STATUS_OK,
                "no invoke");
    }
    snprintf(stage->path, sizeof stage->path, "%s/trace.json", scratch_folder());
    unlink(stage->path);
}

static void prepare_old_file(struct stage *stage)
{
    prepare_trace(stage);
    write_file(stage->path, "old", 4);
}

static cop_status write_trace(struct stage *stage, cop_error *error)
{
    return cop_trace_write(stage->trace, stage->path, error);
}

/* The old content or the new one whole. */
static void check_content(const struct stage *stage, cop_status status, const char *old)
{
    static char content[4 << 20];
    FILE *file = fopen(stage->path, "rb");
    if (file == NULL) {
        require(status != COP_STATUS_OK && old == NULL, "no file");
        return;
    }
    const size_t size = fread(content, 1, sizeof content - 1, file);
    content[size] = '\0';
    fclose(file);
    if (status != COP_STATUS_OK) {
        require(old != NULL && strcmp(content, old) == 0, "the file was touched");
        return;
    }
    size_t events = 0;
    for (size_t i = 0; i < size; i++) /* each event is a line */
        events += content[i] == '\n' && strncmp(content + i + 1, "{\"ph\":\"X\"", 9) == 0;
    require(events == 5000 && content[0] == '{' && strcmp(content + size - 4, "\n]}\n") == 0,
            "%zu bytes with %zu events", size, events);
}

static void check_new_file(const struct stage *stage, cop_status status, const cop_error *error)
{
    check_names_file(stage, status, error);
    check_content(stage, status, NULL);
}

static void check_old_file(const struct stage *stage, cop_status status, const cop_error *error)
{
    check_names_file(stage, status, error);
    check_content(stage, status, "old");
}

static const struct files onnx = {"m.onnx", COP_FILE_ACCESS_READ},
                          onnx_mapped = {"m.onnx", COP_FILE_ACCESS_MAP},
                          external = {"x.onnx", COP_FILE_ACCESS_READ},
                          external_mapped = {"x.onnx", COP_FILE_ACCESS_MAP},
                          symbol = {"m.v1-symbol.json", COP_FILE_ACCESS_READ},
                          prefix = {"m.v1", COP_FILE_ACCESS_READ},
                          prefix_mapped = {"m.v1", COP_FILE_ACCESS_MAP};

#define LOAD(title, what)                                                                          \
    {                                                                                              \
        .name = title, .argument = what, .prepare = write_files, .act = load, .finish = use_model, \
        .check = check_names_file, .kinds = READS, .least = 25                                     \
    }
#define READ_AGAIN(title, what)                                                                    \
    {                                                                                              \
        .name = title, .argument = what, .prepare = prepare_packed, .act = create_on_ref,          \
        .finish = use_made, .check = check_names_file, .kinds = READS, .least = LEAST_READ_AGAIN   \
    }

#ifdef HAS_ONEDNN
#define LEAST_READ_AGAIN 15
#else
#define LEAST_READ_AGAIN 0 /* the weights stay as they are: nothing is packed, nothing dropped */
#endif

static const struct scenario scenarios[] = {
    LOAD("an ONNX model is loaded", &onnx),
    LOAD("an ONNX model is mapped", &onnx_mapped),
    LOAD("an ONNX model with external data is loaded", &external),
    LOAD("an ONNX model with external data is mapped", &external_mapped),
    LOAD("a symbol is loaded", &symbol),
    LOAD("a prefix is loaded", &prefix),
    LOAD("a prefix is mapped", &prefix_mapped),
    READ_AGAIN("dropped weights are read again", &onnx),
    READ_AGAIN("dropped weights of external data are read again", &external),
    {.name = "a large array is made and released",
     .act = make_large_array,
     .kinds = MAPS,
     .least = 6},
    {.name = "a trace is written to a new file",
     .prepare = prepare_trace,
     .act = write_trace,
     .check = check_new_file,
     .kinds = WRITES,
     .least = 40},
    {.name = "a trace is written over an old file",
     .prepare = prepare_old_file,
     .act = write_trace,
     .check = check_old_file,
     .kinds = WRITES,
     .least = 40},
};

int main(int argc, char **argv)
{
    return run_scenarios(scenarios, COUNT(scenarios), faults, COUNT(faults), argc, argv);
}
