// SPDX-License-Identifier: Apache-2.0
/* MXNet symbols, with parameters that fit the seeds. */
#include "fuzz/fuzz_mxnet.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct byte_writer params;
    if (params.size == 0)
        write_params(&params, BROAD_PARAMS);
    import_and_infer(bytes, size, params.bytes, params.size);
    return 0;
}

unsigned char *fuzz_seed(int index, size_t *size)
{
    static const char *const symbols[] = {BROAD_SYMBOL, MOVING_SYMBOL};
    if (index >= 2)
        return NULL;
    char *json = write_json(symbols[index]);
    *size = strlen(json);
    return (unsigned char *)json;
}
