// SPDX-License-Identifier: Apache-2.0
/* MXNet parameter lists, with a symbol that needs what the first seed has. */
#include "fuzz/fuzz_mxnet.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static char *symbol; /* kept for all inputs */
    if (symbol == NULL)
        symbol = write_json(BROAD_SYMBOL);
    import_and_infer(symbol, strlen(symbol), bytes, size);
    return 0;
}

/* Records of the other versions and a sparse one: their names are not asked for. */
static void write_versions(struct byte_writer *writer)
{
    *writer = (struct byte_writer){0};
    put_u64(writer, 0x112), put_u64(writer, 0), put_u64(writer, 4);
    put_u32(writer, 2), put_u32(writer, 1), put_u32(writer, 2); /* V0 */
    put_u64(writer, 1), put_u32(writer, 0), put_u64(writer, 0);
    put_u32(writer, 0xF993FAC8), put_u32(writer, 1), put_u64(writer, 1); /* V1 */
    put_u64(writer, 1), put_u32(writer, 5), put_le(writer, 7, 1);
    put_u32(writer, 0xF993FACA), put_u32(writer, 0), put_u32(writer, 0); /* V3, a scalar */
    put_u64(writer, 1), put_u32(writer, 6), put_u64(writer, 42);
    put_u32(writer, 0xF993FAC9), put_u32(writer, 1), put_u32(writer, 1); /* V2, sparse by rows */
    put_u64(writer, 1), put_u32(writer, 1), put_u64(writer, 9);
    put_u64(writer, 1), put_u32(writer, 0), put_u32(writer, 6), put_u32(writer, 1);
    put_u64(writer, 1), put_u32(writer, 0), put_u64(writer, 3);
    put_u64(writer, 4);
    for (int i = 0; i < 4; i++)
        put_u64(writer, 5), put_bytes(writer, "aux:a", 4), put_le(writer, (uint64_t)('a' + i), 1);
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
        return NULL;
    memcpy(bytes, writer.bytes, writer.size);
    *size = writer.size;
    return bytes;
}
