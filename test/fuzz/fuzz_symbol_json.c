// SPDX-License-Identifier: Apache-2.0
/* MXNet symbols, with parameters that fit the seeds. */
#include "fuzz/fuzz_run.h"
#include "fuzz/fuzz_target.h"
#include "fuzz/seeds_mxnet.h"

void fuzz_one(const uint8_t *bytes, size_t size)
{
    static struct byte_writer params;
    if (params.size == 0)
        write_params(&params, SEED_PARAMS);
    const cop_bytes graph = fuzz_borrow(bytes, size);
    const cop_bytes weights = fuzz_borrow(params.bytes, params.size);
    fuzz_load_and_run(COP_MODEL_FORMAT_MXNET, &graph, &weights);
}

unsigned char *fuzz_seed(int index, size_t *size)
{
    char *json = mxnet_seed(index);
    *size = json == NULL ? 0 : strlen(json);
    return (unsigned char *)json;
}
