// SPDX-License-Identifier: Apache-2.0
/*
 * The list format of MXNet 0.5 to 1.9 (NDArray::Save), little-endian and without padding:
 * u64 0x112, u64 reserved, u64 n, n records, u64 names (0 or n), names as u64 length + bytes.
 */
#define _GNU_SOURCE
#include "model/mxnet/params.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/byte_reader.h"
#include "base/checked.h"
#include "base/error.h"

#define LIST_MAGIC 0x112
#define MAGIC_V1   0xF993FAC8u
#define MAGIC_V2   0xF993FAC9u
#define MAGIC_V3   0xF993FACAu
#define MAX_RANK   32 /* of MXNet; ours is COP_MAX_RANK */

/* A record of the oldest version without dimensions is nothing but its rank. */
#define LEAST_RECORD_BYTES 4

enum record_version { V0, V1, V2, V3 };
enum record_storage { DENSE = 0, ROW_SPARSE = 1, CSR = 2 };

struct params_reader {
    struct byte_reader bytes;
    size_t index; /* of the array or name that is read */
    cop_error *error;
};

/* Dimensions as they stand in the file. */
struct record_shape {
    int rank; /* −1: not known */
    bool has_unknown;
    struct shape shape;
};

static cop_status fail_at(const struct params_reader *reader, size_t offset, const char *what)
{
    return cop_fail(reader->error, COP_STATUS_MALFORMED_MODEL, "byte %zu: array %zu: %s", offset,
                    reader->index, what);
}

static cop_status fail_short(const struct params_reader *reader)
{
    return cop_fail(reader->error, COP_STATUS_MALFORMED_MODEL,
                    "byte %zu: array %zu: the file ends inside it", reader->bytes.offset,
                    reader->index);
}

static cop_status check_dims(const struct params_reader *reader, enum record_version version,
                             size_t offset, struct record_shape *read)
{
    for (int i = 0; i < read->rank; i++) {
        const int64_t dim = read->shape.dims[i];
        if (dim < -1 || (dim == -1 && version != V3))
            return fail_at(reader, offset, "a negative dimension");
        /* Before V2 a dimension of zero means that nothing is known of the array. */
        if (dim == -1 || (dim == 0 && version < V2))
            read->has_unknown = true;
    }
    int64_t elements;
    if (!read->has_unknown && !cop_shape_elements(&read->shape, &elements))
        return fail_at(reader, offset, "2^48 elements or more");
    return COP_STATUS_OK;
}

static cop_status read_dims(struct params_reader *reader, enum record_version version, int rank,
                            struct record_shape *read)
{
    const size_t offset = reader->bytes.offset;
    *read = (struct record_shape){.rank = rank};
    if (rank < (version == V3 ? -1 : 0) || rank > MAX_RANK)
        return fail_at(reader, offset - 4, "neither a record's mark nor a number of dimensions");
    if (rank > COP_MAX_RANK)
        return cop_fail(reader->error, COP_STATUS_UNSUPPORTED,
                        "byte %zu: array %zu: %d dimensions, at most %d are supported", offset,
                        reader->index, rank, COP_MAX_RANK);
    int64_t dims[COP_MAX_RANK] = {0};
    for (int i = 0; i < rank; i++)
        dims[i] = version == V0 ? cop_reader_u32(&reader->bytes) : cop_reader_i64(&reader->bytes);
    if (reader->bytes.failed)
        return fail_short(reader);
    read->has_unknown = rank == -1 || (rank == 0 && version != V3);
    read->shape = cop_shape_of(rank < 0 ? 0 : rank, dims);
    return check_dims(reader, version, offset, read);
}

static cop_status read_shape(struct params_reader *reader, enum record_version version,
                             struct record_shape *read)
{
    const int rank = cop_reader_i32(&reader->bytes);
    return reader->bytes.failed ? fail_short(reader) : read_dims(reader, version, rank, read);
}

cop_dtype cop_mxnet_dtype(int64_t number)
{
    static const cop_dtype dtypes[] = {
        COP_DTYPE_FLOAT32, COP_DTYPE_FLOAT64, COP_DTYPE_FLOAT16, COP_DTYPE_UINT8, COP_DTYPE_INT32,
        COP_DTYPE_INT8,    COP_DTYPE_INT64,   COP_DTYPE_BOOL,    COP_DTYPE_INT16, COP_DTYPE_UINT16,
        COP_DTYPE_UINT32,  COP_DTYPE_UINT64,  COP_DTYPE_BFLOAT16};
    const int64_t count = sizeof dtypes / sizeof dtypes[0];
    return number >= 0 && number < count ? dtypes[number] : COP_DTYPE_UNKNOWN;
}

static cop_status read_dtype(struct params_reader *reader, cop_dtype *dtype)
{
    const int32_t number = cop_reader_i32(&reader->bytes);
    *dtype = cop_mxnet_dtype(number);
    if (reader->bytes.failed)
        return fail_short(reader);
    if (*dtype == COP_DTYPE_UNKNOWN)
        return fail_at(reader, reader->bytes.offset - 4, "not the number of an element type");
    return COP_STATUS_OK;
}

static cop_status skip_elements(struct params_reader *reader, const struct record_shape *read,
                                cop_dtype dtype)
{
    size_t bytes;
    if (read->has_unknown || !cop_shape_bytes(&read->shape, dtype, &bytes))
        return fail_at(reader, reader->bytes.offset, "elements of an unknown shape");
    return cop_reader_take(&reader->bytes, bytes) == NULL ? fail_short(reader) : COP_STATUS_OK;
}

/* What follows the shape of every record that has elements. Where it was saved does not matter: a
 * GPU's array is as good as any. */
static cop_status read_device_and_dtype(struct params_reader *reader, cop_dtype *dtype)
{
    cop_reader_take(&reader->bytes, 8);
    return read_dtype(reader, dtype);
}

/* Sparse arrays are passed over, so that the names can be read and the message can tell theirs. */
static cop_status skip_sparse(struct params_reader *reader, enum record_version version,
                              int index_count)
{
    struct record_shape stored, shape, indices[2];
    cop_dtype dtype, index_dtypes[2];
    cop_status status = read_shape(reader, version, &stored);
    if (status == COP_STATUS_OK)
        status = read_shape(reader, version, &shape);
    if (status != COP_STATUS_OK || shape.has_unknown)
        return status;
    status = read_device_and_dtype(reader, &dtype);
    for (int i = 0; i < index_count && status == COP_STATUS_OK; i++) {
        status = read_dtype(reader, &index_dtypes[i]);
        if (status == COP_STATUS_OK)
            status = read_shape(reader, version, &indices[i]);
    }
    if (status == COP_STATUS_OK)
        status = skip_elements(reader, &stored, dtype);
    for (int i = 0; i < index_count && status == COP_STATUS_OK; i++)
        status = skip_elements(reader, &indices[i], index_dtypes[i]);
    return status;
}

/* The record from its shape on. */
static cop_status read_dense(struct params_reader *reader, enum record_version version, int rank,
                             struct mxnet_array *array)
{
    struct record_shape read;
    const size_t dims_offset = reader->bytes.offset;
    cop_status status = read_dims(reader, version, rank, &read);
    array->is_none = status != COP_STATUS_OK || read.has_unknown;
    if (array->is_none)
        return status;
    cop_dtype dtype;
    status = read_device_and_dtype(reader, &dtype);
    if (status != COP_STATUS_OK)
        return status;
    array->rank = (uint8_t)read.rank;
    array->dtype = (uint8_t)dtype;
    array->has_narrow_dims = version == V0;
    array->data_offset = reader->bytes.offset;
    array->dims_before_data = (uint32_t)(array->data_offset - dims_offset);
    return skip_elements(reader, &read, dtype);
}

static cop_status read_record(struct params_reader *reader, struct mxnet_array *array)
{
    const uint32_t magic = cop_reader_u32(&reader->bytes);
    enum record_version version = V0;
    int32_t storage = DENSE;
    if (magic >= MAGIC_V1 && magic <= MAGIC_V3)
        version = (enum record_version)(magic - MAGIC_V1 + V1);
    if (version >= V2)
        storage = cop_reader_i32(&reader->bytes);
    if (storage == ROW_SPARSE || storage == CSR) {
        array->is_sparse = true;
        return skip_sparse(reader, version, storage == CSR ? 2 : 1);
    }
    if (storage != DENSE)
        return fail_at(reader, reader->bytes.offset - 4, "not the number of a storage type");
    const int32_t rank = version == V0 ? (int32_t)magic : cop_reader_i32(&reader->bytes);
    return reader->bytes.failed ? fail_short(reader) : read_dense(reader, version, rank, array);
}

static cop_status read_records(struct params_reader *reader, struct mxnet_params *params)
{
    const uint64_t magic = cop_reader_u64(&reader->bytes);
    cop_reader_u64(&reader->bytes); /* reserved: written as 0, never looked at */
    const uint64_t count = cop_reader_u64(&reader->bytes);
    if (reader->bytes.failed || magic != LIST_MAGIC)
        return cop_fail(reader->error, COP_STATUS_MALFORMED_MODEL,
                        "byte 0: not a list of MXNet arrays");
    if (count > COP_PARAMS_MAX_ARRAYS ||
        count > cop_reader_left(&reader->bytes) / LEAST_RECORD_BYTES)
        return cop_fail(reader->error, COP_STATUS_MALFORMED_MODEL,
                        "byte 16: %llu arrays: more than the file can hold, or than %d",
                        (unsigned long long)count, COP_PARAMS_MAX_ARRAYS);
    params->arrays = cop_alloc((size_t)count, sizeof *params->arrays);
    if (params->arrays == NULL)
        return cop_fail_memory(reader->error, "the list of arrays",
                               (size_t)count * sizeof *params->arrays);
    params->count = (size_t)count;
    cop_status status = COP_STATUS_OK;
    for (; reader->index < params->count && status == COP_STATUS_OK; reader->index++)
        status = read_record(reader, &params->arrays[reader->index]);
    return status;
}

static cop_status read_name(struct params_reader *reader, struct mxnet_array *array)
{
    const uint64_t length = cop_reader_u64(&reader->bytes);
    if (!reader->bytes.failed && length > COP_PARAMS_MAX_NAME_BYTES)
        return fail_at(reader, reader->bytes.offset - 8, "a name longer than 1 MiB");
    const char *name = (const char *)cop_reader_take(&reader->bytes, (size_t)length);
    if (name == NULL)
        return fail_short(reader);
    size_t mark = 0;
    if (length >= 4 && memcmp(name, "arg:", 4) == 0) {
        mark = 4;
        array->kind = PARAMS_ARGUMENT;
    } else if (length >= 4 && memcmp(name, "aux:", 4) == 0) {
        mark = 4;
        array->kind = PARAMS_AUXILIARY;
    }
    array->name_bytes = (uint32_t)(length - mark);
    array->name_offset = reader->bytes.offset - array->name_bytes;
    return COP_STATUS_OK;
}

static cop_status read_names(struct params_reader *reader, struct mxnet_params *params)
{
    reader->index = 0;
    const uint64_t count = cop_reader_u64(&reader->bytes);
    if (reader->bytes.failed)
        return cop_fail(reader->error, COP_STATUS_MALFORMED_MODEL,
                        "byte %zu: the file ends before the number of names", reader->bytes.offset);
    if (count != 0 && count != params->count)
        return cop_fail(reader->error, COP_STATUS_MALFORMED_MODEL,
                        "byte %zu: %llu names for %zu arrays", reader->bytes.offset - 8,
                        (unsigned long long)count, params->count);
    cop_status status = COP_STATUS_OK;
    for (; reader->index < count && status == COP_STATUS_OK; reader->index++)
        status = read_name(reader, &params->arrays[reader->index]);
    params->named_count = (size_t)count;
    return status;
}

static const char *name_of(const struct mxnet_params *params, const struct mxnet_array *array)
{
    return (const char *)cop_source_bytes(params->source) + array->name_offset;
}

static int compare_names(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
    const int order = memcmp(a, b, a_bytes < b_bytes ? a_bytes : b_bytes);
    return order != 0 ? order : (a_bytes > b_bytes) - (a_bytes < b_bytes);
}

static int compare_indices(const void *left, const void *right, void *user)
{
    const struct mxnet_params *params = user;
    const struct mxnet_array *a = &params->arrays[*(const uint32_t *)left];
    const struct mxnet_array *b = &params->arrays[*(const uint32_t *)right];
    const int order =
        compare_names(name_of(params, a), a->name_bytes, name_of(params, b), b->name_bytes);
    return order != 0 ? order : (int)a->kind - (int)b->kind;
}

/* A sorted index and not a hash table: no choice of names makes it slow. */
static cop_status sort_names(struct mxnet_params *params, cop_error *error)
{
    params->by_name = cop_alloc(params->named_count, sizeof *params->by_name);
    if (params->by_name == NULL)
        return cop_fail_memory(error, "the list of names",
                               params->named_count * sizeof *params->by_name);
    for (size_t i = 0; i < params->named_count; i++)
        params->by_name[i] = (uint32_t)i;
    qsort_r(params->by_name, params->named_count, sizeof *params->by_name, compare_indices, params);
    for (size_t i = 1; i < params->named_count; i++) {
        const struct mxnet_array *array = &params->arrays[params->by_name[i]];
        if (compare_indices(&params->by_name[i - 1], &params->by_name[i], params) == 0)
            return cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                            "byte %zu: two arrays are called '%.*s'", array->name_offset,
                            (int)(array->name_bytes < 64 ? array->name_bytes : 64),
                            name_of(params, array));
    }
    return COP_STATUS_OK;
}

static cop_status refuse_sparse(const struct mxnet_params *params, cop_error *error)
{
    for (size_t i = 0; i < params->count; i++) {
        const struct mxnet_array *array = &params->arrays[i];
        if (array->is_sparse)
            return cop_fail(error, COP_STATUS_UNSUPPORTED, "array %zu '%.*s' is sparse", i,
                            (int)(array->name_bytes < 64 ? array->name_bytes : 64),
                            name_of(params, array));
    }
    return COP_STATUS_OK;
}

static struct params_reader open_reader(struct source *source, cop_error *error)
{
    return (struct params_reader){
        .bytes = {.bytes = cop_source_bytes(source), .size = cop_source_size(source)},
        .error = error,
    };
}

static cop_status name_source(const struct source *source, cop_status status, cop_error *error)
{
    if (status != COP_STATUS_OK)
        cop_error_prefix(error, status, "%.256s: ", cop_source_name(source));
    return status;
}

static cop_status parse(struct source *source, bool is_sorted, struct mxnet_params *params,
                        cop_error *error)
{
    struct params_reader reader = open_reader(source, error);
    params->source = source;
    cop_status status = read_records(&reader, params);
    if (status == COP_STATUS_OK)
        status = read_names(&reader, params);
    if (status == COP_STATUS_OK && is_sorted)
        status = sort_names(params, error);
    if (status == COP_STATUS_OK)
        status = refuse_sparse(params, error);
    return name_source(source, status, error);
}

cop_status cop_params_parse(struct source *source, struct mxnet_params *params, cop_error *error)
{
    return parse(source, true, params, error);
}

cop_status cop_params_parse_list(struct source *source, struct mxnet_params *params,
                                 cop_error *error)
{
    return parse(source, false, params, error);
}

cop_status cop_params_parse_record(struct source *source, struct mxnet_params *params,
                                   cop_error *error)
{
    struct params_reader reader = open_reader(source, error);
    params->source = source;
    params->arrays = cop_alloc(1, sizeof *params->arrays);
    if (params->arrays == NULL)
        return cop_fail_memory(error, cop_source_name(source), sizeof *params->arrays);
    params->count = 1;
    cop_status status = read_record(&reader, &params->arrays[0]);
    if (status == COP_STATUS_OK)
        status = refuse_sparse(params, error);
    return name_source(source, status, error);
}

const struct mxnet_array *cop_params_find(const struct mxnet_params *params, const char *name,
                                          bool is_auxiliary)
{
    const size_t length = strlen(name);
    size_t begin = 0, end = params->by_name == NULL ? 0 : params->named_count;
    while (begin < end) { /* the first that is not before the name */
        const size_t middle = begin + (end - begin) / 2;
        const struct mxnet_array *array = &params->arrays[params->by_name[middle]];
        if (compare_names(name_of(params, array), array->name_bytes, name, length) < 0)
            begin = middle + 1;
        else
            end = middle;
    }
    const struct mxnet_array *found = NULL;
    for (; params->by_name != NULL && begin < params->named_count; begin++) {
        const struct mxnet_array *array = &params->arrays[params->by_name[begin]];
        if (compare_names(name_of(params, array), array->name_bytes, name, length) != 0)
            break;
        if (found == NULL || array->kind == (is_auxiliary ? PARAMS_AUXILIARY : PARAMS_ARGUMENT))
            found = array;
    }
    return found;
}

struct shape cop_params_shape(const struct mxnet_params *params, const struct mxnet_array *array)
{
    struct byte_reader reader = {
        .bytes = cop_source_bytes(params->source),
        .size = cop_source_size(params->source),
        .offset = array->data_offset - array->dims_before_data,
    };
    int64_t dims[COP_MAX_RANK] = {0};
    for (int i = 0; i < array->rank; i++)
        dims[i] = array->has_narrow_dims ? cop_reader_u32(&reader) : cop_reader_i64(&reader);
    return cop_shape_of(array->rank, dims);
}

void cop_params_release(struct mxnet_params *params)
{
    cop_free(params->arrays);
    cop_free(params->by_name);
    *params = (struct mxnet_params){0};
}
