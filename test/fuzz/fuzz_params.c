// SPDX-License-Identifier: Apache-2.0
/* MXNet parameter lists, with a symbol that needs what the first seed has. */
#include "fuzz/fuzz_run.h"
#include "fuzz/fuzz_target.h"
#include "fuzz/seeds_mxnet.h"

void fuzz_one(const uint8_t *bytes, size_t size)
{
    static char *symbol; /* kept for all inputs */
    if (symbol == NULL)
        symbol = write_json(BROAD_SYMBOL);
    const cop_bytes graph = fuzz_borrow(symbol, strlen(symbol));
    const cop_bytes file = fuzz_borrow(bytes, size);
    fuzz_load_and_run(COP_MODEL_FORMAT_MXNET, &graph, &file);
}

unsigned char *fuzz_seed(int index, size_t *size)
{
    struct byte_writer writer;
    if (index >= 2)
        return NULL;
    if (index == 0)
        write_params(&writer, BROAD_PARAMS);
    else
        write_versions(&writer);
    unsigned char *bytes = malloc(writer.size);
    if (bytes == NULL)
        abort();
    memcpy(bytes, writer.bytes, writer.size);
    *size = writer.size;
    return bytes;
}
