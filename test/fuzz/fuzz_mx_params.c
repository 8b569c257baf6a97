// SPDX-License-Identifier: Apache-2.0
/* Lists of arrays through MXNet's C API: as arrays, as the predict API's list, and as parameters.
 */
#include "fuzz/fuzz_mx_client.h"
#include "fuzz/seeds_mxnet.h"

struct fuzz_counts fuzz_counts;

static void load(const uint8_t *bytes, size_t size)
{
    uint32_t count, name_count;
    NDArrayHandle *arrays;
    const char **names;
    if (!mx_went_well(MXNDArrayLoadFromBuffer(bytes, size, &count, &arrays, &name_count, &names)))
        return;
    fuzz_counts.accepted++;
    for (uint32_t i = 0; i < count; i++) {
        size_t record_size;
        const char *record;
        NDArrayHandle again;
        if (mx_went_well(MXNDArraySaveRawBytes(arrays[i], &record_size, &record))) {
            mx_must(MXNDArrayLoadFromRawBytes(record, record_size, &again));
            mx_must(MXNDArrayFree(again));
        }
    }
    mx_drop((int)count, arrays);
}

static void list(const uint8_t *bytes, size_t size)
{
    NDListHandle handle;
    uint32_t count;
    if (!mx_went_well(MXNDListCreate((const char *)bytes, (int)size, &handle, &count)))
        return;
    for (uint32_t i = 0; i < count; i++) {
        const char *key;
        const float *data;
        const uint32_t *shape;
        uint32_t rank;
        mx_must(MXNDListGet(handle, i, &key, &data, &shape, &rank));
        size_t elements = 1;
        for (uint32_t k = 0; k < rank; k++)
            elements *= shape[k];
        for (size_t k = 0; k < elements; k++) /* for a sanitizer to see */
            fuzz_counts.invoked += data[k] > 1e30F;
    }
    mx_must(MXNDListFree(handle));
}

/* Has arguments and auxiliary states; the first seed is for it. */
static const char symbol[] =
    "{\"nodes\": [{\"op\": \"null\", \"name\": \"data\", \"inputs\": []},"
    "{\"op\": \"null\", \"name\": \"w\", \"inputs\": []},"
    "{\"op\": \"null\", \"name\": \"b\", \"inputs\": []},"
    "{\"op\": \"FullyConnected\", \"name\": \"fc\", \"attrs\": {\"num_hidden\": \"2\"},"
    " \"inputs\": [[0, 0, 0], [1, 0, 0], [2, 0, 0]]},"
    "{\"op\": \"null\", \"name\": \"g\", \"inputs\": []},"
    "{\"op\": \"null\", \"name\": \"h\", \"inputs\": []},"
    "{\"op\": \"null\", \"name\": \"m\", \"inputs\": []},"
    "{\"op\": \"null\", \"name\": \"v\", \"inputs\": []},"
    "{\"op\": \"BatchNorm\", \"name\": \"n\", \"inputs\": [[3, 0, 0], [4, 0, 0], [5, 0, 0],"
    " [6, 0, 0], [7, 0, 0]]}], \"arg_nodes\": [0, 1, 2, 4, 5, 6, 7], \"heads\": [[8, 0, 0]]}";
#define PARAMS "arg:w 2,3;arg:b 2;arg:g 2;arg:h 2;aux:m 2;aux:v 2;"

static void predict(const uint8_t *bytes, size_t size)
{
    static const char *key = "data";
    PredictorHandle handle;
    if (!mx_went_well(MXPredCreate(symbol, bytes, (int)size, 1, 0, 1, &key,
                                   (const uint32_t[]){0, 2}, (const uint32_t[]){2, 3}, &handle)))
        return;
    fuzz_counts.compiled++;
    fuzz_counts.invoked += mx_went_well(MXPredForward(handle));
    mx_must(MXPredFree(handle));
}

void fuzz_one(const uint8_t *bytes, size_t size)
{
    mx_limit_memory();
    NDArrayHandle record;
    if (mx_went_well(MXNDArrayLoadFromRawBytes(bytes, size, &record)))
        mx_must(MXNDArrayFree(record));
    load(bytes, size);
    list(bytes, size);
    predict(bytes, size);
}

unsigned char *fuzz_seed(int index, size_t *size)
{
    struct byte_writer writer;
    if (index >= 3)
        return NULL;
    if (index < 2)
        write_params(&writer, index == 0 ? PARAMS : BROAD_PARAMS);
    else
        write_versions(&writer);
    unsigned char *bytes = malloc(writer.size);
    if (bytes == NULL)
        abort();
    memcpy(bytes, writer.bytes, writer.size);
    *size = writer.size;
    return bytes;
}
