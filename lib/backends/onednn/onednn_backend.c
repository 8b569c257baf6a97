// SPDX-License-Identifier: Apache-2.0
/* The table of the backend, its one device, and its streams. */
#include <pthread.h>
#include <stdio.h>

#include "backends/onednn/onednn_device.h"
#include "backends/onednn/onednn_kernel.h"
#include "base/alloc.h"
#include "base/error.h"

/*
 * Of libgomp, which libdnnl runs on. Declared here because <omp.h> is each compiler's own, and the
 * OpenMP runtime that counts is libdnnl's, whichever compiler builds this.
 */
extern int omp_get_max_threads(void);
extern void omp_set_num_threads(int count);

int cop_onednn_thread_enter(int intra_op_threads)
{
    const int before = omp_get_max_threads();
    if (before != intra_op_threads)
        omp_set_num_threads(intra_op_threads);
    return before;
}

void cop_onednn_thread_leave(int before)
{
    if (omp_get_max_threads() != before)
        omp_set_num_threads(before);
}

static int enter_thread(struct device *device, int intra_op_threads)
{
    (void)device;
    return cop_onednn_thread_enter(intra_op_threads);
}

static char version_text[48];

static void write_version(void)
{
    const dnnl_version_t *version = dnnl_version();
    snprintf(version_text, sizeof version_text, "%d.%d.%d", version->major, version->minor,
             version->patch);
}

/* Of the library that is loaded, which need not be the one of the headers. */
static const char *library_version(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, write_version);
    return version_text;
}

static int count_devices(void)
{
    return 1;
}

/* The processor's model name, "CPU" where the system does not say. */
static void read_processor_name(char *name, size_t capacity)
{
    char line[256];
    snprintf(name, capacity, "CPU");
    FILE *file = fopen("/proc/cpuinfo", "re");
    if (file == NULL)
        return;
    while (fgets(line, sizeof line, file) != NULL) {
        char model[128];
        if (sscanf(line, "model name : %127[^\n]", model) == 1) {
            snprintf(name, capacity, "%s", model);
            break;
        }
    }
    fclose(file);
}

static void close_device(struct device *base)
{
    struct onednn_device *device = (struct onednn_device *)base;
    if (device->engine != NULL)
        dnnl_engine_destroy(device->engine);
    cop_free(device);
}

static cop_status open_device(int index, struct device **device, cop_error *error)
{
    *device = NULL;
    if (index != 0)
        return cop_fail(error, COP_STATUS_NOT_FOUND, "CPU device %d: there is only 0", index);
    struct onednn_device *opened = cop_alloc(1, sizeof *opened);
    if (opened == NULL)
        return cop_fail_memory(error, "CPU device", sizeof *opened);
    const cop_status status = cop_onednn_status(error, "CPU device", "dnnl_engine_create",
                                                dnnl_engine_create(&opened->engine, dnnl_cpu, 0));
    if (status != COP_STATUS_OK) {
        close_device(&opened->base);
        return status;
    }
    opened->base.backend = cop_onednn_backend;
    opened->base.id = (cop_device){COP_DEVICE_CPU, 0};
    read_processor_name(opened->base.name, sizeof opened->base.name);
    *device = &opened->base;
    return COP_STATUS_OK;
}

static void destroy_stream(struct stream *base)
{
    struct onednn_stream *stream = (struct onednn_stream *)base;
    if (stream->stream != NULL)
        dnnl_stream_destroy(stream->stream);
    cop_free(stream);
}

static cop_status create_stream(struct device *base, struct stream **stream, cop_error *error)
{
    struct onednn_device *device = (struct onednn_device *)base;
    *stream = NULL;
    struct onednn_stream *made = cop_alloc(1, sizeof *made);
    if (made == NULL)
        return cop_fail_memory(error, "oneDNN stream", sizeof *made);
    made->base.backend = cop_onednn_backend;
    const cop_status status = cop_onednn_status(
        error, "stream", "dnnl_stream_create",
        dnnl_stream_create(&made->stream, device->engine, dnnl_stream_default_flags));
    if (status != COP_STATUS_OK) {
        destroy_stream(&made->base);
        return status;
    }
    *stream = &made->base;
    return COP_STATUS_OK;
}

static const struct backend backend = {
    .name = "onednn",
    .device_kind = COP_DEVICE_CPU,
    .version = library_version,
    .device_count = count_devices,
    .device_open = open_device,
    .device_close = close_device,
    .kernel_create = cop_onednn_kernel_create,
    .reorder_create = cop_onednn_reorder_create,
    .kernel_destroy = cop_onednn_kernel_destroy,
    .kernel_run = cop_onednn_kernel_run,
    .state_create = cop_onednn_state_create,
    .state_destroy = cop_onednn_state_destroy,
    .stream_create = create_stream,
    .stream_destroy = destroy_stream,
    .stream_bytes = sizeof(struct onednn_stream),
    .thread_enter = enter_thread,
    .thread_leave = cop_onednn_thread_leave,
    .layout_equal = cop_onednn_layout_equal,
    .layout_destroy = cop_onednn_layout_destroy,
};

const struct backend *const cop_onednn_backend = &backend;
