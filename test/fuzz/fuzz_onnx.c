// SPDX-License-Identifier: Apache-2.0
/* ONNX files. */
#include "fuzz/fuzz_run.h"
#include "fuzz/fuzz_target.h"
#include "fuzz/seeds_onnx.h"

void fuzz_one(const uint8_t *bytes, size_t size)
{
    const cop_bytes file = fuzz_borrow(bytes, size);
    fuzz_load_and_run(COP_MODEL_FORMAT_ONNX, &file, NULL);
}

unsigned char *fuzz_seed(int index, size_t *size)
{
    struct message model = onnx_seed(index);
    *size = model.size;
    return model.bytes;
}
