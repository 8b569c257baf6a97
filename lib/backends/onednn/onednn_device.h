// SPDX-License-Identifier: Apache-2.0
/* The opened device, its streams, and the number of threads oneDNN may use. */
#ifndef BACKENDS_ONEDNN_ONEDNN_DEVICE_H
#define BACKENDS_ONEDNN_ONEDNN_DEVICE_H

#include "backends/backend.h"

#include <oneapi/dnnl/dnnl.h>

struct onednn_device {
    struct device base;
    dnnl_engine_t engine;
};

struct onednn_stream {
    struct stream base;
    dnnl_stream_t stream;
};

/*
 * Sets how many OpenMP threads this thread's next region may have, and returns what it was. oneDNN
 * reads it both when a primitive is made and when it runs, and the two must agree.
 */
int cop_onednn_thread_enter(int intra_op_threads);
void cop_onednn_thread_leave(int before);

#endif
