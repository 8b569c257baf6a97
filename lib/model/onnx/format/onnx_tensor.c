// SPDX-License-Identifier: Apache-2.0
/* TensorProto: its description, and elements that are not stored as raw bytes. */
#include "model/onnx/format/onnx_format.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "onnx.pb.h"

/* X(TensorProto.DataType, name, our dtype) */
#define ONNX_TYPE_LIST(X)                                                                          \
    X(FLOAT, "float32", FLOAT32)                                                                   \
    X(UINT8, "uint8", UINT8)                                                                       \
    X(INT8, "int8", INT8)                                                                          \
    X(UINT16, "uint16", UINT16)                                                                    \
    X(INT16, "int16", INT16)                                                                       \
    X(INT32, "int32", INT32)                                                                       \
    X(INT64, "int64", INT64)                                                                       \
    X(STRING, "string", UNKNOWN)                                                                   \
    X(BOOL, "bool", BOOL)                                                                          \
    X(FLOAT16, "float16", FLOAT16)                                                                 \
    X(DOUBLE, "float64", FLOAT64)                                                                  \
    X(UINT32, "uint32", UINT32)                                                                    \
    X(UINT64, "uint64", UINT64)                                                                    \
    X(COMPLEX64, "complex64", UNKNOWN)                                                             \
    X(COMPLEX128, "complex128", UNKNOWN)                                                           \
    X(BFLOAT16, "bfloat16", BFLOAT16)

cop_dtype cop_onnx_dtype(int64_t type)
{
    switch (type) {
#define TYPE_CASE(type_name, text, dtype)                                                          \
    case onnx_TensorProto_DataType_##type_name:                                                    \
        return COP_DTYPE_##dtype;
        ONNX_TYPE_LIST(TYPE_CASE)
#undef TYPE_CASE
    default:
        return COP_DTYPE_UNKNOWN;
    }
}

const char *cop_onnx_type_name(int64_t type, char *buffer, size_t capacity)
{
    switch (type) {
#define TYPE_CASE(type_name, text, dtype)                                                          \
    case onnx_TensorProto_DataType_##type_name:                                                    \
        return text;
        ONNX_TYPE_LIST(TYPE_CASE)
#undef TYPE_CASE
    default:
        snprintf(buffer, capacity, "type %lld", (long long)type);
        return buffer;
    }
}

static void add_dimension(struct protobuf_message *message, struct onnx_tensor *tensor,
                          int64_t dimension)
{
    if (dimension < 0) {
        cop_protobuf_fail(message, "a negative dimension");
    } else if (tensor->shape.rank == COP_MAX_RANK) {
        message->status = cop_fail(message->file->error, COP_STATUS_UNSUPPORTED,
                                   "byte %zu: a tensor of more than %d dimensions",
                                   (size_t)(message->field - message->file->bytes), COP_MAX_RANK);
    } else {
        tensor->shape.dims[tensor->shape.rank++] = dimension;
    }
}

static void read_dimensions(struct protobuf_message *message, struct onnx_tensor *tensor)
{
    struct span encoded = {NULL, 0};
    cop_protobuf_elements(message, PB_WT_VARINT, &encoded);
    pb_istream_t stream = pb_istream_from_buffer(encoded.bytes, encoded.size);
    while (message->status == COP_STATUS_OK && stream.bytes_left > 0) {
        uint64_t bits;
        if (!pb_decode_varint(&stream, &bits))
            cop_protobuf_fail(message, "a dimension is cut off or too long");
        else
            add_dimension(message, tensor, (int64_t)bits);
    }
}

static void read_external_entry(struct protobuf_message *parent, struct onnx_tensor *tensor)
{
    struct span bytes = {NULL, 0}, key = {NULL, 0}, value = {NULL, 0};
    cop_protobuf_span(parent, &bytes);
    if (parent->status != COP_STATUS_OK)
        return;
    struct protobuf_message message =
        cop_protobuf_open(parent->file, bytes, "StringStringEntryProto");
    while (cop_protobuf_next(&message)) {
        if (message.tag == onnx_StringStringEntryProto_key_tag)
            cop_protobuf_string(&message, &key);
        else if (message.tag == onnx_StringStringEntryProto_value_tag)
            cop_protobuf_string(&message, &value);
    }
    parent->status = message.status;
    struct span *const entry = cop_span_is(key, "location") ? &tensor->location
                               : cop_span_is(key, "offset") ? &tensor->offset
                               : cop_span_is(key, "length") ? &tensor->length
                                                            : NULL;
    if (entry == NULL) /* a checksum is optional, and other keys mean nothing */
        return;
    if (entry->size > 0)
        cop_protobuf_fail(parent, "a key of external data for the second time");
    *entry = value;
}

static void read_tensor_field(struct protobuf_message *message, struct onnx_tensor *tensor)
{
    int64_t location = 0;
    switch (message->tag) {
    case onnx_TensorProto_dims_tag:
        read_dimensions(message, tensor);
        break;
    case onnx_TensorProto_data_type_tag:
        cop_protobuf_int64(message, &tensor->type);
        break;
    case onnx_TensorProto_name_tag:
        cop_protobuf_string(message, &tensor->name);
        break;
    case onnx_TensorProto_raw_data_tag:
        cop_protobuf_span(message, &tensor->raw);
        tensor->is_raw = true;
        break;
    case onnx_TensorProto_segment_tag:
        tensor->is_segment = true;
        break;
    case onnx_TensorProto_data_location_tag:
        cop_protobuf_int64(message, &location);
        tensor->is_external = location == onnx_TensorProto_DataLocation_EXTERNAL;
        if (location != onnx_TensorProto_DataLocation_DEFAULT && !tensor->is_external)
            cop_protobuf_fail(message, "no such place for data");
        break;
    case onnx_TensorProto_external_data_tag:
        read_external_entry(message, tensor);
        break;
    default:
        break;
    }
}

cop_status cop_onnx_read_tensor(const struct protobuf_file *file, struct span bytes,
                                struct onnx_tensor *tensor)
{
    *tensor = (struct onnx_tensor){.body = bytes, .shape = cop_shape_of(0, NULL)};
    struct protobuf_message message = cop_protobuf_open(file, bytes, "TensorProto");
    while (cop_protobuf_next(&message))
        read_tensor_field(&message, tensor);
    if (message.status != COP_STATUS_OK)
        return message.status;
    tensor->dtype = cop_onnx_dtype(tensor->type);
    int64_t elements;
    if (!cop_shape_elements(&tensor->shape, &elements))
        return cop_fail(file->error, COP_STATUS_UNSUPPORTED,
                        "tensor '%.*s' has 2^48 elements or more: %s", SPAN_TEXT(tensor->name),
                        cop_shape_text(&tensor->shape).text);
    tensor->element_count = (size_t)elements;
    tensor->bytes = tensor->element_count * cop_dtype_bytes(tensor->dtype);
    return COP_STATUS_OK;
}

/* Where TensorProto keeps elements of a dtype that are not raw. */
struct element_list {
    uint32_t tag;
    pb_wire_type_t wire;
};

static struct element_list list_of(cop_dtype dtype)
{
    switch (dtype) {
    case COP_DTYPE_FLOAT32:
        return (struct element_list){onnx_TensorProto_float_data_tag, PB_WT_32BIT};
    case COP_DTYPE_FLOAT64:
        return (struct element_list){onnx_TensorProto_double_data_tag, PB_WT_64BIT};
    case COP_DTYPE_INT64:
        return (struct element_list){onnx_TensorProto_int64_data_tag, PB_WT_VARINT};
    case COP_DTYPE_UINT32:
    case COP_DTYPE_UINT64:
        return (struct element_list){onnx_TensorProto_uint64_data_tag, PB_WT_VARINT};
    default:
        return (struct element_list){onnx_TensorProto_int32_data_tag, PB_WT_VARINT};
    }
}

/* What an integer or the bits of a short float may be, as the signed number that is encoded. */
static bool is_in_range(cop_dtype dtype, int64_t value)
{
    switch (dtype) {
    case COP_DTYPE_BOOL:
        return value == 0 || value == 1;
    case COP_DTYPE_INT8:
        return value == (int8_t)value;
    case COP_DTYPE_UINT8:
        return value == (uint8_t)value;
    case COP_DTYPE_INT16:
        return value == (int16_t)value;
    case COP_DTYPE_UINT16:
        return value == (uint16_t)value;
    case COP_DTYPE_FLOAT16:
    case COP_DTYPE_BFLOAT16: /* bits; some writers extend their sign */
        return value == (uint16_t)value || value == (int16_t)value;
    case COP_DTYPE_INT32:
        return value == (int32_t)value;
    case COP_DTYPE_UINT32:
        return value == (uint32_t)value;
    default:
        return true;
    }
}

static void store_integer(unsigned char *element, size_t bytes, uint64_t value)
{
    const uint8_t as8 = (uint8_t)value;
    const uint16_t as16 = (uint16_t)value;
    const uint32_t as32 = (uint32_t)value;
    memcpy(element,
           bytes == 1   ? (const void *)&as8
           : bytes == 2 ? (const void *)&as16
           : bytes == 4 ? (const void *)&as32
                        : (const void *)&value,
           bytes);
}

static void store_varints(struct protobuf_message *message, const struct onnx_tensor *tensor,
                          struct span encoded, unsigned char *elements, size_t *count)
{
    const size_t size = cop_dtype_bytes(tensor->dtype);
    pb_istream_t stream = pb_istream_from_buffer(encoded.bytes, encoded.size);
    while (message->status == COP_STATUS_OK && stream.bytes_left > 0) {
        uint64_t value;
        if (!pb_decode_varint(&stream, &value))
            cop_protobuf_fail(message, "an element is cut off or too long");
        else if (*count == tensor->element_count)
            cop_protobuf_fail(message, "more elements than the shape has");
        else if (!is_in_range(tensor->dtype, (int64_t)value))
            cop_protobuf_fail(message, "an element that its type cannot hold");
        else
            store_integer(elements + (*count)++ * size, size, value);
    }
}

/* Elements of fixed size: the encoding is what memory holds (little-endian). */
static void store_fixed(struct protobuf_message *message, const struct onnx_tensor *tensor,
                        struct span encoded, unsigned char *elements, size_t *count)
{
    const size_t size = cop_dtype_bytes(tensor->dtype);
    if (message->status != COP_STATUS_OK)
        return;
    if (encoded.size % size != 0) {
        cop_protobuf_fail(message, "an element is cut off");
    } else if (encoded.size / size > tensor->element_count - *count) {
        cop_protobuf_fail(message, "more elements than the shape has");
    } else if (encoded.size > 0) {
        memcpy(elements + *count * size, encoded.bytes, encoded.size);
        *count += encoded.size / size;
    }
}

cop_status cop_onnx_read_elements(const struct protobuf_file *file,
                                  const struct onnx_tensor *tensor, void *elements)
{
    const struct element_list list = list_of(tensor->dtype);
    size_t count = 0;
    struct protobuf_message message = cop_protobuf_open(file, tensor->body, "TensorProto");
    while (cop_protobuf_next(&message)) {
        struct span encoded = {NULL, 0};
        if (message.tag != list.tag)
            continue;
        cop_protobuf_elements(&message, list.wire, &encoded);
        if (list.wire == PB_WT_VARINT)
            store_varints(&message, tensor, encoded, elements, &count);
        else
            store_fixed(&message, tensor, encoded, elements, &count);
    }
    if (message.status == COP_STATUS_OK && count != tensor->element_count)
        return cop_fail(file->error, COP_STATUS_MALFORMED_MODEL,
                        "tensor '%.*s' %s has %zu elements, its shape says %zu",
                        SPAN_TEXT(tensor->name), cop_shape_text(&tensor->shape).text, count,
                        tensor->element_count);
    return message.status;
}

cop_status cop_onnx_survey_elements(const struct protobuf_file *file,
                                    const struct onnx_tensor *tensor, size_t *count,
                                    struct span *in_place)
{
    const struct element_list list = list_of(tensor->dtype);
    const size_t size = cop_dtype_bytes(tensor->dtype);
    size_t lists = 0;
    *count = 0;
    *in_place = (struct span){NULL, 0};
    struct protobuf_message message = cop_protobuf_open(file, tensor->body, "TensorProto");
    while (cop_protobuf_next(&message)) {
        struct span encoded = {NULL, 0};
        if (message.tag != list.tag)
            continue;
        cop_protobuf_elements(&message, list.wire, &encoded);
        *count +=
            list.wire == PB_WT_VARINT ? cop_protobuf_count_varints(encoded) : encoded.size / size;
        *in_place = encoded;
        lists++;
    }
    if (lists != 1 || list.wire == PB_WT_VARINT || in_place->size % size != 0)
        *in_place = (struct span){NULL, 0};
    return message.status;
}
